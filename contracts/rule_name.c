#include "contracts/rule_name.h"

#include <stdio.h>

#include "base/diag.h"
#include "rules_contracts.h"

/* Every rule's name stands quoted and third in a kind(...) row: kind("k", "direction", "rule", ... */
static bool next_name(struct slice *text, struct slice *name)
{
    enum { THIRD = 3 };
    while (text->len) {
        size_t at;
        if (!slice_find(*text, 'k', &at))
            return false;
        *text = slice_from(*text, at);
        if (!slice_starts(*text, SLICE("kind(\""))) {
            *text = slice_from(*text, 1);
            continue;
        }
        *text = slice_from(*text, 5);
        for (int i = 0; i < THIRD; i++) {
            if (!slice_find(*text, '"', &at))
                return false;
            *text = slice_from(*text, at + 1);
            if (!slice_find(*text, '"', &at))
                return false;
            *name = slice_to(*text, at);
            *text = slice_from(*text, at + 1);
        }
        return true;
    }
    return false;
}

bool rule_name_known(struct slice name)
{
    struct slice found;
    for (size_t i = 0; i < rules_contracts_count; i++)
        for (struct slice rest = rules_contracts_files[i].text; next_name(&rest, &found);)
            if (slice_eq(found, name))
                return true;
    return false;
}

static bool stands_in(struct slice row, struct slice name, const char *end)
{
    char quoted[96];
    snprintf(quoted, sizeof(quoted), ", \"%.*s\"%s", SLICE_FMT(name), end);
    return slice_has(row, slice_str(quoted));
}

/* A rule stands second of three in its row, a category last of two. */
bool rule_name_buf(struct slice name)
{
    enum { LONGEST = 64 };
    if (name.len == 0 || name.len > LONGEST)
        return false;
    for (size_t i = 0; i < rules_contracts_count; i++)
        for (struct slice rest = rules_contracts_files[i].text, row; slice_split(&rest, '\n', &row);)
            if ((slice_starts(row, SLICE("proto_rule(\"")) && stands_in(row, name, ", ")) ||
                (slice_starts(row, SLICE("proto_category(\"")) && stands_in(row, name, ")")))
                return true;
    return false;
}

const char *rule_name_nearest(struct slice name, char *room, size_t size)
{
    struct slice found;
    for (size_t i = 0; i < rules_contracts_count; i++)
        for (struct slice rest = rules_contracts_files[i].text; next_name(&rest, &found);) {
            snprintf(room, size, "%.*s", SLICE_FMT(found));
            const char *candidates[] = {room};
            if (diag_nearest(name, candidates, 1))
                return room;
        }
    return NULL;
}
