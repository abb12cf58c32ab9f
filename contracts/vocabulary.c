#include "contracts/vocabulary.h"

#include "base/check.h"
#include "base/diag.h"

#define NAME(id, name, columns) [VOCABULARY_##id] = #name,
static const char *const names[VOCABULARY_COUNT] = {VOCABULARY_LIST(NAME)};
#undef NAME

#define COLUMNS(id, name, columns) [VOCABULARY_##id] = columns,
static const char *const columns_of[VOCABULARY_COUNT] = {VOCABULARY_LIST(COLUMNS)};
#undef COLUMNS

const char *vocabulary_name(enum vocabulary relation)
{
    PRE(relation < VOCABULARY_COUNT);
    return names[relation];
}

const char *vocabulary_columns(enum vocabulary relation)
{
    PRE(relation < VOCABULARY_COUNT);
    return columns_of[relation];
}

enum err vocabulary_find(struct slice name, enum vocabulary *out)
{
    for (unsigned i = 0; i < VOCABULARY_COUNT; i++) {
        if (!slice_eq(slice_str(names[i]), name))
            continue;
        *out = (enum vocabulary)i;
        return ERR_OK;
    }
    return ERR_ABSENT;
}

const char *vocabulary_nearest(struct slice name)
{
    return diag_nearest(name, names, VOCABULARY_COUNT);
}
