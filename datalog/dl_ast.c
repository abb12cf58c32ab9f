#include "datalog/dl_ast.h"

static const struct {
    const char *text;
    bool functor; /* written name(...), else a sign between terms */
    unsigned least, most;
} ops[DL_OP_COUNT] = {
    [DL_ADD] = {"+", false, 2, 2},
    [DL_SUB] = {"-", false, 2, 2},
    [DL_MUL] = {"*", false, 2, 2},
    [DL_DIV] = {"/", false, 2, 2},
    [DL_MOD] = {"%", false, 2, 2},
    [DL_BAND] = {"band", false, 2, 2},
    [DL_BOR] = {"bor", false, 2, 2},
    [DL_BXOR] = {"bxor", false, 2, 2},
    [DL_BSHL] = {"bshl", false, 2, 2},
    [DL_BSHR] = {"bshr", false, 2, 2},
    [DL_BSHRU] = {"bshru", false, 2, 2},
    [DL_LAND] = {"land", false, 2, 2},
    [DL_LOR] = {"lor", false, 2, 2},
    [DL_LXOR] = {"lxor", false, 2, 2},
    [DL_POW] = {"^", false, 2, 2},
    [DL_NEG] = {"-", false, 1, 1},
    [DL_BNOT] = {"bnot", false, 1, 1},
    [DL_LNOT] = {"lnot", false, 1, 1},
    [DL_CAT] = {"cat", true, 1, DATALOG_COLUMNS},
    [DL_STRLEN] = {"strlen", true, 1, 1},
    [DL_SUBSTR] = {"substr", true, 3, 3},
    [DL_TO_STRING] = {"to_string", true, 1, 1},
    [DL_TO_NUMBER] = {"to_number", true, 1, 1},
    [DL_TO_UNSIGNED] = {"to_unsigned", true, 1, 1},
    [DL_TO_FLOAT] = {"to_float", true, 1, 1},
    [DL_ORD] = {"ord", true, 1, 1},
    [DL_MIN] = {"min", true, 1, DATALOG_COLUMNS},
    [DL_MAX] = {"max", true, 1, DATALOG_COLUMNS},
    [DL_RANGE] = {"range", true, 2, 3},
    [DL_AUTOINC] = {"autoinc", true, 0, 0},
    [DL_MAKE] = {"", false, 0, DATALOG_COLUMNS},
    [DL_FIELD] = {"", false, 1, 1},
};

bool dl_ast_word_op(struct slice name, enum dl_op *op, unsigned *level)
{
    static const struct {
        enum dl_op op;
        unsigned level;
    } words[] = {{DL_LOR, 0},  {DL_LXOR, 1}, {DL_LAND, 2}, {DL_BOR, 3},  {DL_BXOR, 4},
                 {DL_BAND, 5}, {DL_BSHL, 6}, {DL_BSHR, 6}, {DL_BSHRU, 6}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_eq(name, slice_str(ops[words[i].op].text))) {
            *op = words[i].op;
            *level = words[i].level;
            return true;
        }
    return false;
}

bool dl_ast_functor(struct slice name, enum dl_op *op, unsigned *least, unsigned *most)
{
    for (unsigned i = 0; i < DL_OP_COUNT; i++) {
        if (!ops[i].functor || !slice_eq(name, slice_str(ops[i].text)))
            continue;
        *op = (enum dl_op)i;
        *least = ops[i].least;
        *most = ops[i].most;
        return true;
    }
    return false;
}

const char *dl_ast_op_text(enum dl_op op)
{
    return ops[op].text;
}

const char *dl_ast_compare_text(enum dl_compare compare, bool negated)
{
    static const char *const plain[] = {"=", "!=", "<", "<=", ">", ">=", "match", "contains"};
    if (compare == DL_MATCH && negated)
        return "!match";
    if (compare == DL_CONTAINS && negated)
        return "!contains";
    return plain[compare];
}

const char *dl_ast_fold_text(enum dl_fold fold)
{
    static const char *const names[] = {"count", "sum", "min", "max", "mean"};
    return names[fold];
}

const char *dl_ast_type_text(enum datalog_type type)
{
    static const char *const names[] = {"symbol", "number", "unsigned", "float", "record"};
    return names[type];
}

void dl_ast_put_quoted(struct buf *out, struct slice text)
{
    static const char plain[] = "\n\t\r\"\\", escaped[] = "ntr\"\\";
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        const char *known = c ? strchr(plain, c) : NULL;
        if (known)
            buf_putf(out, "\\%c", escaped[known - plain]);
        else if (c >= ' ' && c <= '~')
            buf_put_char(out, c);
        else
            buf_putf(out, "\\x%02x", (unsigned)(unsigned char)c);
    }
    buf_put_char(out, '"');
}
