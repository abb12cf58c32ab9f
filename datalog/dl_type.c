#include "datalog/dl_type.h"

/* One inference: passes that say nothing until nothing changes, then one that complains. */
struct typing {
    struct datalog *program;
    const struct dl_texts *texts;
    struct dl_rule *rule;
    bool changed;
    bool judging;
    bool bad;
};

static const char *constant_kind(const struct dl_term *t)
{
    if (t->kind == DL_TERM_TEXT)
        return "a symbol";
    if (t->kind == DL_TERM_FLOAT)
        return "a float";
    return t->kind == DL_TERM_UNSIGNED ? "an unsigned" : "a number";
}

static bool number_fits(const struct dl_term *t, enum datalog_type type, datalog_word *out)
{
    double real = t->minus ? -(double)t->number : (double)t->number;
    if (type == DATALOG_FLOAT)
        memcpy(out, &real, sizeof(*out));
    else if (type == DATALOG_UNSIGNED && !t->minus)
        *out = (datalog_word)t->number;
    else if (type == DATALOG_NUMBER && t->number <= (uint64_t)INT64_MAX + t->minus)
        *out = t->minus ? (datalog_word)(0 - t->number) : (datalog_word)t->number;
    else
        return false;
    return true;
}

static bool constant_fits(struct dl_sym *symbols, const struct dl_term *t, enum datalog_type type, datalog_word *out)
{
    double real = t->real + 0.0; /* no negative zero: equal floats have equal bits */
    switch (t->kind) {
    case DL_TERM_TEXT:
        if (type != DATALOG_SYMBOL)
            return false;
        *out = (datalog_word)dl_sym_put(symbols, t->text);
        return true;
    case DL_TERM_UNSIGNED:
        *out = (datalog_word)t->number;
        return type == DATALOG_UNSIGNED;
    case DL_TERM_FLOAT:
        memcpy(out, &real, sizeof(*out));
        return type == DATALOG_FLOAT;
    case DL_TERM_NUMBER:
        return number_fits(t, type, out);
    case DL_TERM_VAR:
    case DL_TERM_ANY:
    case DL_TERM_CALL:
    case DL_TERM_AS:
    case DL_TERM_FOLD:
        break;
    }
    return false;
}

bool dl_type_constant(struct dl_sym *symbols, const struct dl_texts *texts, const struct dl_term *t,
                      enum datalog_type type, datalog_word *out)
{
    if (constant_fits(symbols, t, type, out))
        return true;
    const char *kind = constant_kind(t);
    if (t->kind == DL_TERM_NUMBER && type != DATALOG_SYMBOL)
        dl_lex_complain(texts, DIAG_ERROR, t->at, NULL, "this number does not fit the type %s", dl_ast_type_text(type));
    else
        dl_lex_complain(texts, DIAG_ERROR, t->at, NULL, "expected a %s, found %s", dl_ast_type_text(type), kind);
    return false;
}

static void clash(struct typing *y, struct dl_at at, int want, int got)
{
    if (!y->judging)
        return;
    y->bad = true;
    dl_lex_complain(y->texts, DIAG_ERROR, at, NULL, "expected a %s, found a %s",
                    dl_ast_type_text((enum datalog_type)want), dl_ast_type_text((enum datalog_type)got));
}

static int constant_type(const struct dl_term *t)
{
    if (t->kind == DL_TERM_TEXT)
        return DATALOG_SYMBOL;
    if (t->kind == DL_TERM_FLOAT)
        return DATALOG_FLOAT;
    return t->kind == DL_TERM_UNSIGNED ? DATALOG_UNSIGNED : DL_RULE_NO_TYPE;
}

static int infer(struct typing *y, struct dl_expr *e, int want);

/* All arguments and the result share one type. */
static int infer_shared(struct typing *y, struct dl_expr *e, int want)
{
    int type = want;
    for (unsigned i = 0; i < e->count && type == DL_RULE_NO_TYPE; i++)
        type = infer(y, &e->args[i], DL_RULE_NO_TYPE);
    for (unsigned i = 0; i < e->count; i++)
        (void)infer(y, &e->args[i], type);
    return type;
}

static int infer_signature(struct typing *y, struct dl_expr *e, const int *args, int result)
{
    for (unsigned i = 0; i < e->count; i++)
        (void)infer(y, &e->args[i], args[i]);
    return result;
}

static void refuse_type(struct typing *y, struct dl_at at, const char *what, const char *why)
{
    if (!y->judging)
        return;
    y->bad = true;
    dl_lex_complain(y->texts, DIAG_ERROR, at, NULL, "`%s` %s", what, why);
}

static int infer_arithmetic(struct typing *y, struct dl_expr *e, int want)
{
    int type = infer_shared(y, e, want == DATALOG_SYMBOL ? DL_RULE_NO_TYPE : want);
    if (type == DATALOG_SYMBOL)
        refuse_type(y, e->term->at, dl_ast_op_text(e->op), "works on numbers, not on symbols");
    if (type == DATALOG_FLOAT && e->op == DL_MOD)
        refuse_type(y, e->term->at, dl_ast_op_text(e->op), "works on whole numbers");
    if (type == DATALOG_UNSIGNED && e->op == DL_NEG)
        refuse_type(y, e->term->at, dl_ast_op_text(e->op), "would leave the unsigned numbers");
    return type;
}

static int infer_call(struct typing *y, struct dl_expr *e, int want)
{
    static const int symbols[DATALOG_COLUMNS] = {0}; /* DATALOG_SYMBOL */
    static const int substr_args[] = {DATALOG_SYMBOL, DATALOG_NUMBER, DATALOG_NUMBER};
    switch (e->op) {
    case DL_CAT:
        return infer_signature(y, e, symbols, DATALOG_SYMBOL);
    case DL_STRLEN:
    case DL_TO_NUMBER:
    case DL_ORD:
        return infer_signature(y, e, symbols, DATALOG_NUMBER);
    case DL_SUBSTR:
        return infer_signature(y, e, substr_args, DATALOG_SYMBOL);
    case DL_TO_STRING:
        if (infer(y, &e->args[0], DL_RULE_NO_TYPE) == DATALOG_SYMBOL)
            refuse_type(y, e->term->at, "to_string", "works on numbers, not on symbols");
        return DATALOG_SYMBOL;
    case DL_ADD:
    case DL_SUB:
    case DL_MUL:
    case DL_DIV:
    case DL_MOD:
    case DL_POW:
    case DL_NEG:
    case DL_MIN:
    case DL_MAX:
    case DL_RANGE:
    case DL_AUTOINC:
    case DL_OP_COUNT:
        break;
    }
    return infer_arithmetic(y, e, want);
}

/* The expression's type, given what its surroundings want of it. */
static int infer(struct typing *y, struct dl_expr *e, int want)
{
    int *known = e->kind == DL_EXPR_SLOT ? &y->rule->slot_types[e->slot] : &e->type;
    int type = *known;
    if (e->kind == DL_EXPR_ANY)
        return want;
    if (e->kind == DL_EXPR_WORD && type == DL_RULE_NO_TYPE)
        type = constant_type(e->term);
    if (e->kind == DL_EXPR_CALL)
        type = infer_call(y, e, type != DL_RULE_NO_TYPE ? type : want);
    if (type == DL_RULE_NO_TYPE)
        type = want;
    if (type != DL_RULE_NO_TYPE && want != DL_RULE_NO_TYPE && type != want)
        clash(y, e->term->at, want, type);
    if (type != *known)
        y->changed = true;
    *known = e->type = type;
    return type;
}

static void infer_compare(struct typing *y, struct dl_goal *g)
{
    if (g->compare == DL_MATCH || g->compare == DL_CONTAINS) {
        (void)infer(y, &g->args[0], DATALOG_SYMBOL);
        (void)infer(y, &g->args[1], DATALOG_SYMBOL);
        return;
    }
    int type = infer(y, &g->args[0], DL_RULE_NO_TYPE);
    type = infer(y, &g->args[1], type);
    (void)infer(y, &g->args[0], type);
}

static void infer_each(struct typing *y, struct dl_goal *g)
{
    int type = infer(y, &g->result, DL_RULE_NO_TYPE);
    for (unsigned i = 0; i < g->count && type == DL_RULE_NO_TYPE; i++)
        type = infer(y, &g->args[i], DL_RULE_NO_TYPE);
    for (unsigned i = 0; i < g->count; i++)
        (void)infer(y, &g->args[i], type);
    if (infer(y, &g->result, type) == DATALOG_SYMBOL)
        refuse_type(y, g->at, "range", "works on numbers, not on symbols");
}

static void infer_goals(struct typing *y, struct dl_goal *goals, unsigned count);

static void infer_fold(struct typing *y, struct dl_goal *g)
{
    infer_goals(y, g->body, g->body_count);
    if (g->fold == DL_COUNT) {
        (void)infer(y, &g->result, DATALOG_NUMBER);
        return;
    }
    bool mean = g->fold == DL_MEAN;
    int type = infer(y, g->target, mean ? DL_RULE_NO_TYPE : infer(y, &g->result, DL_RULE_NO_TYPE));
    (void)infer(y, &g->result, mean ? DATALOG_FLOAT : type);
    if (type == DATALOG_SYMBOL)
        refuse_type(y, g->at, dl_ast_fold_text(g->fold), "works on numbers, not on symbols");
}

static int column_type(const struct dl_relation *r, unsigned column)
{
    return r->mistyped >> column & 1 ? DL_RULE_NO_TYPE : (int)r->types[column];
}

static void infer_goals(struct typing *y, struct dl_goal *goals, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        struct dl_goal *g = &goals[n];
        if (g->kind == DL_GOAL_COMPARE)
            infer_compare(y, g);
        else if (g->kind == DL_GOAL_FOLD)
            infer_fold(y, g);
        else if (g->kind == DL_GOAL_EACH)
            infer_each(y, g);
        else
            for (unsigned i = 0; i < g->count; i++)
                (void)infer(y, &g->args[i], column_type(y->program->relations[g->rel], i));
    }
}

static void infer_all(struct typing *y)
{
    const struct dl_relation *head = y->program->relations[y->rule->head];
    infer_goals(y, y->rule->goals, y->rule->goal_count);
    for (unsigned i = 0; i < y->rule->arity; i++)
        (void)infer(y, &y->rule->args[i], column_type(head, i));
}

static void infer_until_still(struct typing *y)
{
    do {
        y->changed = false;
        infer_all(y);
    } while (y->changed);
}

static void set_constant(struct typing *y, struct dl_expr *e)
{
    if (e->type == DL_RULE_NO_TYPE)
        e->type = DATALOG_NUMBER;
    if (e->kind == DL_EXPR_WORD &&
        !dl_type_constant(&y->program->symbols, y->texts, e->term, (enum datalog_type)e->type, &e->word))
        y->bad = true;
    for (unsigned i = 0; i < e->count; i++)
        set_constant(y, &e->args[i]);
}

static void set_constants(struct typing *y, struct dl_goal *goals, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        struct dl_goal *g = &goals[n];
        for (unsigned i = 0; i < g->count; i++)
            set_constant(y, &g->args[i]);
        set_constants(y, g->body, g->body_count);
        if (g->target)
            set_constant(y, g->target);
    }
}

bool dl_type_rule(struct datalog *p, const struct dl_texts *texts, struct dl_rule *r)
{
    struct typing y = {.program = p, .texts = texts, .rule = r};
    r->slot_types = arena_array(&p->arena, r->slot_count, sizeof(int));
    for (unsigned i = 0; i < r->slot_count; i++)
        r->slot_types[i] = DL_RULE_NO_TYPE;
    infer_until_still(&y);
    for (unsigned i = 0; i < r->slot_count; i++)
        if (r->slot_types[i] == DL_RULE_NO_TYPE)
            r->slot_types[i] = DATALOG_NUMBER;
    infer_until_still(&y);
    y.judging = true;
    infer_all(&y);
    if (y.bad)
        return false;
    set_constants(&y, r->goals, r->goal_count);
    for (unsigned i = 0; i < r->arity; i++)
        set_constant(&y, &r->args[i]);
    return !y.bad;
}
