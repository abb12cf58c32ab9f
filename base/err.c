#include "base/err.h"

#include "base/check.h"

struct row {
    const char *name;
    const char *text;
    enum err_advice advice;
};

#define ERR_ROW_(name, text, advice) [ERR_##name] = {#name, text, advice},
static const struct row rows[ERR_COUNT] = {ERR_LIST(ERR_ROW_)};
#undef ERR_ROW_

static const struct row *row_of(enum err e)
{
    PRE((unsigned)e < ERR_COUNT);
    return &rows[e];
}

const char *err_text(enum err e)
{
    return row_of(e)->text;
}

const char *err_name(enum err e)
{
    return row_of(e)->name;
}

enum err_advice err_advice(enum err e)
{
    return row_of(e)->advice;
}
