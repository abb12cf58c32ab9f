#include "datalog/dl_type.h"

#include "datalog/dl_record.h"
#include "datalog/dl_subtype.h"

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
    if (t->kind == DL_TERM_NIL)
        return "nil, which is a record";
    if (t->kind == DL_TERM_RECORD)
        return "a record";
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
    case DL_TERM_NIL:
        *out = (datalog_word)dl_sym_put(symbols, SLICE(""));
        return type == DATALOG_RECORD;
    case DL_TERM_UNSIGNED:
        *out = (datalog_word)t->number;
        return type == DATALOG_UNSIGNED;
    case DL_TERM_FLOAT:
        memcpy(out, &real, sizeof(*out));
        return type == DATALOG_FLOAT;
    case DL_TERM_NUMBER:
        return number_fits(t, type, out);
    case DL_TERM_RECORD:
    case DL_TERM_VAR:
    case DL_TERM_ANY:
    case DL_TERM_CALL:
    case DL_TERM_AS:
    case DL_TERM_FOLD:
        break;
    }
    return false;
}

static unsigned field_count(const struct dl_term *t)
{
    unsigned count = 0;
    for (const struct dl_term *a = t->args; a; a = a->next)
        count++;
    return count;
}

/* The branch, or the record's one shape, that `t` names; NULL: there is none. */
static const struct dl_branch *branch_of(const struct dl_types *types, const struct dl_term *t, int root)
{
    const struct dl_type *type = &types->v[root];
    for (unsigned i = 0; i < type->branch_count; i++)
        if (slice_eq(type->branches[i].name, t->text))
            return &type->branches[i];
    return NULL;
}

static bool complain_branch(const struct dl_types *types, const struct dl_texts *texts, const struct dl_term *t,
                            int root)
{
    const struct dl_branch *b = branch_of(types, t, root);
    const char *name = dl_types_name(types, root);
    if (b)
        dl_lex_complain(texts, DIAG_ERROR, t->at, NULL, "`%s` has %u field%s, here are %u",
                        b->name.len ? b->name.at : name, b->count, b->count == 1 ? "" : "s", field_count(t));
    else if (t->text.len)
        dl_lex_complain(texts, DIAG_ERROR, t->at, NULL, "unknown branch `%.*s` of `%s`", SLICE_FMT(t->text), name);
    else
        dl_lex_complain(texts, DIAG_ERROR, t->at, "write `$Branch(...)`", "expected a %s, found a record", name);
    return false;
}

static bool fits_branch(const struct dl_types *types, const struct dl_term *t, int root)
{
    const struct dl_branch *b = branch_of(types, t, root);
    return b && b->count == field_count(t);
}

static bool record_constant(const struct datalog *p, struct dl_sym *symbols, const struct dl_texts *texts,
                            const struct dl_term *t, int root, datalog_word *out)
{
    const struct dl_branch *b = branch_of(&p->types, t, root);
    struct buf text;
    bool ok = fits_branch(&p->types, t, root) || complain_branch(&p->types, texts, t, root);
    unsigned i = 0;
    buf_init(&text, BUF_TEXT_BOUND);
    dl_record_begin(&text, t->text);
    for (const struct dl_term *a = t->args; ok && a; a = a->next, i++) {
        datalog_word field = 0;
        ok = dl_type_constant(p, symbols, texts, a, b->types[i], &field) &&
             dl_record_add(&text, dl_types_class(dl_types_root_of(&p->types, b->types[i])), field) == ERR_OK;
    }
    if (ok)
        *out = (datalog_word)dl_sym_put(symbols, buf_slice(&text));
    buf_fini(&text);
    return ok;
}

bool dl_type_constant(const struct datalog *p, struct dl_sym *symbols, const struct dl_texts *texts,
                      const struct dl_term *t, int declared, datalog_word *out)
{
    int root = dl_types_root_of(&p->types, declared);
    if (root == DL_TYPES_UNKNOWN)
        return false; /* complained about where it is declared */
    enum datalog_type type = dl_types_class(root);
    if (t->kind == DL_TERM_RECORD && type == DATALOG_RECORD)
        return record_constant(p, symbols, texts, t, root, out);
    bool variant = p->types.v[root].form == DL_FORM_VARIANT;
    if (!(variant && t->kind == DL_TERM_NIL) && constant_fits(symbols, t, type, out))
        return true;
    if (t->kind == DL_TERM_NUMBER && type != DATALOG_SYMBOL && type != DATALOG_RECORD)
        dl_lex_complain(texts, DIAG_ERROR, t->at, NULL, "this number does not fit the type %s", dl_ast_type_text(type));
    else
        dl_lex_complain(texts, DIAG_ERROR, t->at, NULL, "expected a %s, found %s", dl_types_name(&p->types, root),
                        constant_kind(t));
    return false;
}

static void clash(struct typing *y, struct dl_at at, int want, int got)
{
    if (!y->judging)
        return;
    y->bad = true;
    dl_lex_complain(y->texts, DIAG_ERROR, at, NULL, "expected a %s, found a %s",
                    dl_types_name(&y->program->types, want), dl_types_name(&y->program->types, got));
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

/* Symbols and records are none; what is not known may be. */
static bool is_numeric(int type)
{
    return type == DL_RULE_NO_TYPE || (type != DATALOG_SYMBOL && type < DL_TYPES_BASE);
}

static int infer_arithmetic(struct typing *y, struct dl_expr *e, int want)
{
    int type = infer_shared(y, e, is_numeric(want) ? want : DL_RULE_NO_TYPE);
    if (!is_numeric(type))
        refuse_type(y, e->term->at, dl_ast_op_text(e->op), "works on numbers, not on symbols or records");
    if (type == DATALOG_FLOAT && (e->op == DL_BNOT || e->op == DL_LNOT || (e->op >= DL_MOD && e->op < DL_POW)))
        refuse_type(y, e->term->at, dl_ast_op_text(e->op), "works on whole numbers");
    if (type == DATALOG_UNSIGNED && e->op == DL_NEG)
        refuse_type(y, e->term->at, dl_ast_op_text(e->op), "would leave the unsigned numbers");
    return type;
}

static int infer_converted(struct typing *y, struct dl_expr *e, int result)
{
    if (infer(y, &e->args[0], DL_RULE_NO_TYPE) >= DL_TYPES_BASE)
        refuse_type(y, e->term->at, dl_ast_op_text(e->op), "works on symbols and numbers, not on records");
    return result;
}

/* The type of the record that `e` makes or takes apart. */
static int record_root(struct typing *y, const struct dl_expr *e, int known)
{
    int type = known;
    if (known == DL_RULE_NO_TYPE && e->branch.len)
        (void)dl_types_branch(&y->program->types, e->branch, &type);
    return type;
}

static void refuse_record(struct typing *y, const struct dl_expr *e, int root)
{
    if (!y->judging)
        return;
    y->bad = true;
    if (root == DL_RULE_NO_TYPE || root == DATALOG_NUMBER)
        dl_lex_complain(y->texts, DIAG_ERROR, e->term->at, "give it a column of a record's type",
                        "cannot tell the type of this record");
    else
        dl_lex_complain(y->texts, DIAG_ERROR, e->term->at, NULL, "expected a %s, found a record",
                        dl_types_name(&y->program->types, root));
}

static int infer_make(struct typing *y, struct dl_expr *e, int want)
{
    const struct dl_types *types = &y->program->types;
    int root = record_root(y, e, want);
    if (root < DL_TYPES_BASE) {
        refuse_record(y, e, root);
        return want;
    }
    if (!fits_branch(types, e->term, root)) {
        y->bad |= y->judging && !complain_branch(types, y->texts, e->term, root);
        return root;
    }
    const struct dl_branch *b = branch_of(types, e->term, root);
    for (unsigned i = 0; i < e->count; i++)
        (void)infer(y, &e->args[i], dl_types_root_of(types, b->types[i]));
    return root;
}

static int infer_field(struct typing *y, struct dl_expr *e, int want)
{
    const struct dl_types *types = &y->program->types;
    int root = infer(y, &e->args[0], record_root(y, e, DL_RULE_NO_TYPE));
    if (root < DL_TYPES_BASE) {
        refuse_record(y, &e->args[0], root);
        return want;
    }
    for (unsigned i = 0; i < types->v[root].branch_count; i++) {
        const struct dl_branch *b = &types->v[root].branches[i];
        if (slice_eq(b->name, e->branch) && e->slot < b->count && b->types[e->slot] != DL_TYPES_UNKNOWN)
            return dl_types_root_of(types, b->types[e->slot]);
    }
    return want; /* whoever makes the record complains */
}

static int infer_call(struct typing *y, struct dl_expr *e, int want)
{
    static const int symbols[DATALOG_COLUMNS] = {0}; /* DATALOG_SYMBOL */
    static const int substr_args[] = {DATALOG_SYMBOL, DATALOG_NUMBER, DATALOG_NUMBER};
    switch (e->op) {
    case DL_CAT:
        return infer_signature(y, e, symbols, DATALOG_SYMBOL);
    case DL_TO_NUMBER:
        return infer_converted(y, e, DATALOG_NUMBER);
    case DL_TO_UNSIGNED:
        return infer_converted(y, e, DATALOG_UNSIGNED);
    case DL_TO_FLOAT:
        return infer_converted(y, e, DATALOG_FLOAT);
    case DL_STRLEN:
    case DL_ORD:
        return infer_signature(y, e, symbols, DATALOG_NUMBER);
    case DL_SUBSTR:
        return infer_signature(y, e, substr_args, DATALOG_SYMBOL);
    case DL_MAKE:
        return infer_make(y, e, want);
    case DL_FIELD:
        return infer_field(y, e, want);
    case DL_TO_STRING:
        if (!is_numeric(infer(y, &e->args[0], DL_RULE_NO_TYPE)))
            refuse_type(y, e->term->at, "to_string", "works on numbers, not on symbols or records");
        return DATALOG_SYMBOL;
    case DL_ADD:
    case DL_SUB:
    case DL_MUL:
    case DL_DIV:
    case DL_MOD:
    case DL_BAND:
    case DL_BOR:
    case DL_BXOR:
    case DL_BSHL:
    case DL_BSHR:
    case DL_BSHRU:
    case DL_LAND:
    case DL_LOR:
    case DL_LXOR:
    case DL_POW:
    case DL_NEG:
    case DL_BNOT:
    case DL_LNOT:
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
    if (e->cast && want == DL_RULE_NO_TYPE)
        want = dl_types_root_of(&y->program->types, e->cast - 1);
    if (e->cast && want != dl_types_root_of(&y->program->types, e->cast - 1))
        clash(y, e->term->at, want, dl_types_root_of(&y->program->types, e->cast - 1));
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
    if (!y->judging)
        (void)infer(y, &g->args[0], type);
    if (type >= DL_TYPES_BASE && g->compare != DL_EQ && g->compare != DL_NE)
        refuse_type(y, g->at, dl_ast_compare_text(g->compare, false), "works on numbers and symbols, not on records");
}

static void infer_each(struct typing *y, struct dl_goal *g)
{
    int type = infer(y, &g->result, DL_RULE_NO_TYPE);
    for (unsigned i = 0; i < g->count && type == DL_RULE_NO_TYPE; i++)
        type = infer(y, &g->args[i], DL_RULE_NO_TYPE);
    for (unsigned i = 0; i < g->count; i++)
        (void)infer(y, &g->args[i], type);
    if (!is_numeric(infer(y, &g->result, type)))
        refuse_type(y, g->at, "range", "works on numbers, not on symbols or records");
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
    if (!is_numeric(type))
        refuse_type(y, g->at, dl_ast_fold_text(g->fold), "works on numbers, not on symbols or records");
}

static int column_type(const struct datalog *p, const struct dl_relation *r, unsigned column)
{
    return dl_types_root_of(&p->types, r->declared[column]);
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
                (void)infer(y, &g->args[i], column_type(y->program, y->program->relations[g->rel], i));
    }
}

static void infer_all(struct typing *y)
{
    const struct dl_relation *head = y->program->relations[y->rule->head];
    infer_goals(y, y->rule->goals, y->rule->goal_count);
    for (unsigned i = 0; i < y->rule->arity; i++)
        (void)infer(y, &y->rule->args[i], column_type(y->program, head, i));
}

static void infer_until_still(struct typing *y)
{
    do {
        y->changed = false;
        infer_all(y);
    } while (y->changed);
}

/* Roots give way to how values are kept. */
static void set_constant(struct typing *y, struct dl_expr *e)
{
    if (e->type == DL_RULE_NO_TYPE)
        e->type = DATALOG_NUMBER;
    if (e->kind == DL_EXPR_WORD &&
        !dl_type_constant(y->program, &y->program->symbols, y->texts, e->term, e->type, &e->word))
        y->bad = true;
    e->type = (int)dl_types_class(e->type);
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
        g->result.type = (int)dl_types_class(g->result.type);
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
    for (unsigned i = 0; i < r->slot_count; i++)
        r->slot_types[i] = (int)dl_types_class(r->slot_types[i]);
    return !y.bad && dl_subtype_check(p, texts, r);
}
