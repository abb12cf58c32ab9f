#include "datalog/dl_read.h"

#include <stdarg.h>
#include <stdio.h>

#include "datalog/dl_parse.h"

enum { MESSAGE_ROOM = 512 };

void dl_read_init(struct dl_read *r, const struct dl_texts *texts, uint32_t text, struct arena *arena)
{
    *r = (struct dl_read){.texts = texts, .arena = arena};
    dl_lex_init(&r->lex, texts, text, arena);
    r->now = dl_lex_next(&r->lex);
    r->ahead = dl_lex_next(&r->lex);
}

void dl_read_next(struct dl_read *r)
{
    r->end = r->now.raw.at + r->now.raw.len;
    r->now = r->ahead;
    if (r->now.kind != DL_TOKEN_END)
        r->ahead = dl_lex_next(&r->lex);
}

bool dl_read_accept(struct dl_read *r, enum dl_token_kind kind)
{
    if (r->now.kind != kind)
        return false;
    dl_read_next(r);
    return true;
}

bool dl_read_fail(struct dl_read *r, struct dl_at at, const char *fix, const char *format, ...)
{
    char message[MESSAGE_ROOM];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    dl_lex_complain(r->texts, DIAG_ERROR, at, fix, "%s", message);
    return false;
}

bool dl_read_expected(struct dl_read *r, const char *what)
{
    struct slice raw = r->now.raw;
    if (r->now.kind == DL_TOKEN_END)
        return dl_read_fail(r, r->now.at, NULL, "expected %s, found the end of the text", what);
    return dl_read_fail(r, r->now.at, NULL, "expected %s, found `%.*s`", what, SLICE_FMT(raw));
}

bool dl_read_expect(struct dl_read *r, enum dl_token_kind kind)
{
    return dl_read_accept(r, kind) || dl_read_expected(r, dl_lex_name(kind));
}

bool dl_read_deeper(struct dl_read *r, struct dl_at at)
{
    if (r->depth >= DL_PARSE_DEPTH)
        return dl_read_fail(r, at, "name the inner part by a relation of its own", "nested deeper than %d levels",
                            DL_PARSE_DEPTH);
    r->depth++;
    return true;
}

/* A brace that ends an aggregate is followed by more of its clause. */
static bool ends_component(const struct dl_read *r)
{
    return r->now.kind == DL_TOKEN_BRACE_CLOSE &&
           (r->ahead.kind == DL_TOKEN_NAME || r->ahead.kind == DL_TOKEN_DIRECTIVE || r->ahead.kind == DL_TOKEN_END ||
            r->ahead.kind == DL_TOKEN_BRACE_CLOSE);
}

void dl_read_recover(struct dl_read *r)
{
    r->depth = r->components;
    while (r->now.kind != DL_TOKEN_END && r->now.kind != DL_TOKEN_DIRECTIVE) {
        if (ends_component(r) && r->components > 0)
            return;
        if (dl_read_accept(r, DL_TOKEN_DOT))
            return;
        dl_read_next(r);
    }
}

bool dl_read_opens_clause(const struct dl_read *r)
{
    return r->ahead.kind == DL_TOKEN_OPEN || r->ahead.kind == DL_TOKEN_IF || r->ahead.kind == DL_TOKEN_COMMA ||
           r->ahead.kind == DL_TOKEN_DOT;
}

static bool term(struct dl_read *r, struct dl_term **out);
static bool disjunction(struct dl_read *r, struct dl_body **out);
static bool literal(struct dl_read *r, struct dl_literal **out);

static struct dl_term *new_term(struct dl_read *r, enum dl_term_kind kind)
{
    struct dl_term *t = arena_new(r->arena, sizeof(*t));
    *t = (struct dl_term){.kind = kind,
                          .at = r->now.at,
                          .text = r->now.text,
                          .number = r->now.number,
                          .minus = r->now.minus,
                          .real = r->now.real};
    return t;
}

/* The terms up to `)`, which is taken too. */
static bool arguments(struct dl_read *r, struct dl_term **out, unsigned *count)
{
    *count = 0;
    if (dl_read_accept(r, DL_TOKEN_CLOSE))
        return true;
    do {
        if (!term(r, out))
            return false;
        out = &(*out)->next;
        ++*count;
    } while (dl_read_accept(r, DL_TOKEN_COMMA));
    return r->now.kind == DL_TOKEN_CLOSE ? dl_read_accept(r, DL_TOKEN_CLOSE) : dl_read_expected(r, "`,` or `)`");
}

static bool unknown_functor(struct dl_read *r)
{
    static const char *const known[] = {"cat", "strlen", "substr", "to_string", "to_number", "to_unsigned", "to_float",
                                        "ord", "min",    "max",    "range",     "autoinc",   "as"};
    const char *near = diag_nearest(r->now.raw, known, sizeof(known) / sizeof(known[0]));
    struct slice fix = near ? arena_putf(r->arena, "did you mean `%s`?", near) : (struct slice){0};
    return dl_read_fail(r, r->now.at, near ? fix.at : NULL, "unknown functor `%.*s`", SLICE_FMT(r->now.raw));
}

static bool fields(struct dl_read *r, enum dl_token_kind close, struct dl_term **out)
{
    unsigned count = 0;
    if (dl_read_accept(r, close))
        return true;
    do {
        if (++count > DATALOG_COLUMNS)
            return dl_read_fail(r, r->now.at, NULL, "a record has at most %d fields", DATALOG_COLUMNS);
        if (!term(r, out))
            return false;
        out = &(*out)->next;
    } while (dl_read_accept(r, DL_TOKEN_COMMA));
    return dl_read_expect(r, close);
}

/* [a, b] */
static bool record(struct dl_read *r, struct dl_term **out)
{
    struct dl_term *t = *out = new_term(r, DL_TERM_RECORD);
    t->text = (struct slice){0};
    if (!dl_read_deeper(r, t->at))
        return false;
    dl_read_next(r);
    if (!fields(r, DL_TOKEN_SQUARE_CLOSE, &t->args))
        return false;
    r->depth--;
    return true;
}

/* $Name, $Name(a, b) */
static bool variant(struct dl_read *r, struct dl_term **out)
{
    struct dl_at at = r->now.at;
    dl_read_next(r);
    struct dl_term *t = *out = new_term(r, DL_TERM_RECORD);
    if (!dl_read_expect(r, DL_TOKEN_NAME) || !dl_read_deeper(r, at))
        return false;
    if (dl_read_accept(r, DL_TOKEN_OPEN) && !fields(r, DL_TOKEN_CLOSE, &t->args))
        return false;
    r->depth--;
    return true;
}

/* as(x, Name): x, whatever type it was. */
static bool cast(struct dl_read *r, struct dl_term **out)
{
    struct dl_term *t = *out = new_term(r, DL_TERM_AS);
    dl_read_next(r);
    dl_read_next(r);
    if (!term(r, &t->args) || !dl_read_expect(r, DL_TOKEN_COMMA))
        return false;
    t->text = r->now.raw;
    t->at = r->now.at;
    return dl_read_expect(r, DL_TOKEN_NAME) && dl_read_expect(r, DL_TOKEN_CLOSE);
}

static bool call(struct dl_read *r, struct dl_term **out)
{
    enum dl_op op;
    unsigned least, most, count;
    if (!dl_ast_functor(r->now.raw, &op, &least, &most))
        return unknown_functor(r);
    struct dl_term *t = *out = new_term(r, DL_TERM_CALL);
    t->op = op;
    dl_read_next(r);
    dl_read_next(r);
    if (!arguments(r, &t->args, &count))
        return false;
    if (count < least || count > most)
        return dl_read_fail(r, t->at, NULL, "`%s` takes %u argument%s%s, here are %u", dl_ast_op_text(op), least,
                            least == 1 ? "" : "s", most > least ? " or more" : "", count);
    return true;
}

/* What comes behind the `)` that belongs to `open`, which is the last token but one that was read, or the last. */
static enum dl_token_kind after_group(const struct dl_read *r, struct dl_token open)
{
    struct dl_lex l = r->lex;
    l.quiet = true;
    struct dl_token t = open.raw.at == r->ahead.raw.at ? dl_lex_next(&l) : r->ahead;
    for (int depth = 1; t.kind != DL_TOKEN_END && t.kind != DL_TOKEN_DOT; t = dl_lex_next(&l)) {
        depth += (t.kind == DL_TOKEN_OPEN) - (t.kind == DL_TOKEN_CLOSE);
        if (depth == 0)
            return dl_lex_next(&l).kind;
    }
    return DL_TOKEN_END;
}

/* Is this name the word of an aggregate here, not a variable or a functor? */
static bool is_fold(const struct dl_read *r, enum dl_fold *fold)
{
    for (unsigned i = 0; i <= DL_MEAN; i++) {
        if (!slice_eq(r->now.raw, slice_str(dl_ast_fold_text((enum dl_fold)i))))
            continue;
        *fold = (enum dl_fold)i;
        if (i == DL_COUNT)
            return r->ahead.kind == DL_TOKEN_COLON;
        if (r->ahead.kind == DL_TOKEN_OPEN)
            return (i == DL_SUM || i == DL_MEAN) && after_group(r, r->ahead) == DL_TOKEN_COLON;
        return r->ahead.kind == DL_TOKEN_NAME || r->ahead.kind == DL_TOKEN_NUMBER || r->ahead.kind == DL_TOKEN_FLOAT;
    }
    return false;
}

/* `{ ... }`, or one atom without braces. */
static bool fold_body(struct dl_read *r, struct dl_term *t)
{
    if (!dl_read_accept(r, DL_TOKEN_BRACE_OPEN)) {
        t->body = arena_new(r->arena, sizeof(*t->body));
        t->body->v = arena_new(r->arena, sizeof(*t->body->v));
        t->body->count = 1;
        return literal(r, &t->body->v[0]);
    }
    if (!disjunction(r, &t->body))
        return false;
    if (t->body->next)
        return dl_read_fail(r, t->at, "give the alternatives a relation of their own",
                            "an aggregate's body has no `;`");
    return dl_read_expect(r, DL_TOKEN_BRACE_CLOSE);
}

static bool fold(struct dl_read *r, enum dl_fold which, struct dl_term **out)
{
    struct dl_term *t = *out = new_term(r, DL_TERM_FOLD);
    t->fold = which;
    if (!dl_read_deeper(r, t->at))
        return false;
    const char *start = r->now.raw.at;
    dl_read_next(r);
    if (which != DL_COUNT && !term(r, &t->target))
        return false;
    if (!dl_read_expect(r, DL_TOKEN_COLON) || !fold_body(r, t))
        return false;
    t->text = slice_of(start, (size_t)(r->end - start));
    r->depth--;
    return true;
}

static bool constant(struct dl_read *r, enum dl_term_kind kind, struct dl_term **out)
{
    *out = new_term(r, kind);
    dl_read_next(r);
    return true;
}

static bool named(struct dl_read *r, struct dl_term **out)
{
    enum dl_fold which;
    if (is_fold(r, &which))
        return fold(r, which, out);
    if (r->ahead.kind == DL_TOKEN_OPEN && slice_eq(r->now.raw, SLICE("as")))
        return cast(r, out);
    if (r->ahead.kind == DL_TOKEN_OPEN)
        return call(r, out);
    if (slice_eq(r->now.raw, SLICE("nil")))
        return constant(r, DL_TERM_NIL, out);
    size_t dot;
    if (slice_find(r->now.raw, '.', &dot))
        return dl_read_fail(r, r->now.at, NULL, "a variable has no dot in its name");
    *out = new_term(r, DL_TERM_VAR);
    dl_read_next(r);
    return true;
}

static bool grouped(struct dl_read *r, struct dl_term **out)
{
    if (!dl_read_deeper(r, r->now.at))
        return false;
    dl_read_next(r);
    if (!term(r, out) || !dl_read_expect(r, DL_TOKEN_CLOSE))
        return false;
    r->depth--;
    return true;
}

static bool primary(struct dl_read *r, struct dl_term **out)
{
    if (r->now.kind == DL_TOKEN_NAME)
        return named(r, out);
    if (r->now.kind == DL_TOKEN_ANY)
        return constant(r, DL_TERM_ANY, out);
    if (r->now.kind == DL_TOKEN_STRING)
        return constant(r, DL_TERM_TEXT, out);
    if (r->now.kind == DL_TOKEN_NUMBER)
        return constant(r, DL_TERM_NUMBER, out);
    if (r->now.kind == DL_TOKEN_UNSIGNED)
        return constant(r, DL_TERM_UNSIGNED, out);
    if (r->now.kind == DL_TOKEN_FLOAT)
        return constant(r, DL_TERM_FLOAT, out);
    if (r->now.kind == DL_TOKEN_OPEN)
        return grouped(r, out);
    if (r->now.kind == DL_TOKEN_SQUARE_OPEN)
        return record(r, out);
    if (r->now.kind == DL_TOKEN_DOLLAR)
        return variant(r, out);
    return dl_read_expected(r, "a variable, a constant or a functor");
}

static bool is_unary(const struct dl_read *r, enum dl_op *op)
{
    if (r->now.kind == DL_TOKEN_NAME)
        *op = slice_eq(r->now.raw, SLICE("bnot")) ? DL_BNOT : DL_LNOT;
    return r->now.kind == DL_TOKEN_MINUS || (r->now.kind == DL_TOKEN_NAME && (slice_eq(r->now.raw, SLICE("bnot")) ||
                                                                              slice_eq(r->now.raw, SLICE("lnot"))));
}

static bool unary(struct dl_read *r, struct dl_term **out)
{
    struct dl_at at = r->now.at;
    enum dl_op op = DL_NEG;
    if (!is_unary(r, &op))
        return primary(r, out);
    dl_read_next(r);
    struct dl_term *inner;
    if (!dl_read_deeper(r, at) || !unary(r, &inner))
        return false;
    r->depth--;
    *out = inner;
    if (op == DL_NEG && (inner->kind == DL_TERM_NUMBER || inner->kind == DL_TERM_FLOAT)) {
        inner->minus = !inner->minus;
        inner->real = -inner->real;
        return true;
    }
    struct dl_term *t = *out = arena_new(r->arena, sizeof(*t));
    *t = (struct dl_term){.kind = DL_TERM_CALL, .at = at, .op = op, .args = inner};
    return true;
}

static struct dl_term *binary(struct dl_read *r, enum dl_op op, struct dl_at at, struct dl_term *a, struct dl_term *b)
{
    struct dl_term *t = arena_new(r->arena, sizeof(*t));
    *t = (struct dl_term){.kind = DL_TERM_CALL, .at = at, .op = op, .args = a};
    a->next = b;
    return t;
}

static bool power(struct dl_read *r, struct dl_term **out)
{
    if (!unary(r, out))
        return false;
    struct dl_at at = r->now.at;
    if (!dl_read_accept(r, DL_TOKEN_CARET))
        return true;
    struct dl_term *right;
    if (!dl_read_deeper(r, at) || !power(r, &right))
        return false;
    r->depth--;
    *out = binary(r, DL_POW, at, *out, right);
    return true;
}

static bool product(struct dl_read *r, struct dl_term **out)
{
    if (!power(r, out))
        return false;
    for (unsigned n = 0;; n++) {
        struct dl_at at = r->now.at;
        enum dl_op op;
        if (r->now.kind == DL_TOKEN_STAR)
            op = DL_MUL;
        else if (r->now.kind == DL_TOKEN_SLASH)
            op = DL_DIV;
        else if (r->now.kind == DL_TOKEN_PERCENT)
            op = DL_MOD;
        else
            return true;
        dl_read_next(r);
        struct dl_term *right;
        if (n >= DL_PARSE_LITERALS)
            return dl_read_fail(r, at, NULL, "more than %d factors in a row", DL_PARSE_LITERALS);
        if (!power(r, &right))
            return false;
        *out = binary(r, op, at, *out, right);
    }
}

/* +, - */
static bool summands(struct dl_read *r, struct dl_term **out)
{
    if (!product(r, out))
        return false;
    for (unsigned n = 0; r->now.kind == DL_TOKEN_PLUS || r->now.kind == DL_TOKEN_MINUS; n++) {
        struct dl_at at = r->now.at;
        enum dl_op op = r->now.kind == DL_TOKEN_PLUS ? DL_ADD : DL_SUB;
        dl_read_next(r);
        struct dl_term *right;
        if (n >= DL_PARSE_LITERALS)
            return dl_read_fail(r, at, NULL, "more than %d summands in a row", DL_PARSE_LITERALS);
        if (!product(r, &right))
            return false;
        *out = binary(r, op, at, *out, right);
    }
    return true;
}

/* Words between terms, as close as `least` or closer. */
static bool worded(struct dl_read *r, unsigned least, struct dl_term **out)
{
    enum dl_op op;
    unsigned level;
    if (!summands(r, out))
        return false;
    for (unsigned n = 0; r->now.kind == DL_TOKEN_NAME && dl_ast_word_op(r->now.raw, &op, &level); n++) {
        struct dl_at at = r->now.at;
        struct dl_term *right;
        if (level < least)
            break;
        if (n >= DL_PARSE_LITERALS)
            return dl_read_fail(r, at, NULL, "more than %d terms in a row", DL_PARSE_LITERALS);
        dl_read_next(r);
        if (!dl_read_deeper(r, at) || !worded(r, level + 1, &right))
            return false;
        r->depth--;
        *out = binary(r, op, at, *out, right);
    }
    return true;
}

static bool term(struct dl_read *r, struct dl_term **out)
{
    return worded(r, 0, out);
}

static struct dl_literal *new_literal(struct dl_read *r)
{
    struct dl_literal *l = arena_new(r->arena, sizeof(*l));
    l->at = r->now.at;
    l->written.at = r->now.raw.at;
    return l;
}

static bool written_so_far(struct dl_read *r, struct dl_literal *l)
{
    l->written.len = (size_t)(r->end - l->written.at);
    return true;
}

static bool atom(struct dl_read *r, struct dl_literal **out)
{
    struct dl_literal *l = *out = new_literal(r);
    l->name = r->now.raw;
    unsigned count;
    if (!dl_read_expect(r, DL_TOKEN_NAME))
        return false;
    if (dl_read_accept(r, DL_TOKEN_OPEN) && !arguments(r, &l->args, &count))
        return false;
    return written_so_far(r, l);
}

/* match(pattern, text) and contains(part, text) are comparisons that look like atoms. */
static bool is_shape_test(const struct dl_read *r)
{
    return r->now.kind == DL_TOKEN_NAME && r->ahead.kind == DL_TOKEN_OPEN &&
           (slice_eq(r->now.raw, SLICE("match")) || slice_eq(r->now.raw, SLICE("contains")));
}

static bool shape_test(struct dl_read *r, struct dl_literal **out)
{
    unsigned count;
    struct dl_literal *l = *out = new_literal(r);
    l->is_compare = true;
    l->compare = slice_eq(r->now.raw, SLICE("match")) ? DL_MATCH : DL_CONTAINS;
    struct dl_token name = r->now;
    dl_read_next(r);
    dl_read_next(r);
    if (!arguments(r, &l->args, &count))
        return false;
    if (count != 2)
        return dl_read_fail(r, name.at, NULL, "`%.*s` takes 2 arguments, here are %u", SLICE_FMT(name.raw), count);
    return written_so_far(r, l);
}

static bool comparison(struct dl_read *r, struct dl_literal **out)
{
    static const enum dl_token_kind signs[] = {DL_TOKEN_EQ, DL_TOKEN_NE, DL_TOKEN_LT,
                                               DL_TOKEN_LE, DL_TOKEN_GT, DL_TOKEN_GE};
    struct dl_literal *l = *out = new_literal(r);
    l->is_compare = true;
    if (!term(r, &l->args))
        return false;
    unsigned i = 0;
    while (i < sizeof(signs) / sizeof(signs[0]) && signs[i] != r->now.kind)
        i++;
    if (i == sizeof(signs) / sizeof(signs[0]))
        return dl_read_expected(r, "a comparison");
    l->compare = (enum dl_compare)i;
    dl_read_next(r);
    if (r->now.kind == DL_TOKEN_EQ)
        return dl_read_fail(r, r->now.at, "equality is one `=`", "expected a term, found `=`");
    return term(r, &l->args->next) && written_so_far(r, l);
}

static bool is_atom(const struct dl_read *r)
{
    enum dl_op op;
    unsigned least, most;
    enum dl_fold which;
    if (r->now.kind != DL_TOKEN_NAME || is_fold(r, &which))
        return false;
    if (r->ahead.kind == DL_TOKEN_OPEN)
        return !dl_ast_functor(r->now.raw, &op, &least, &most) && !slice_eq(r->now.raw, SLICE("as")) &&
               !is_unary(r, &op);
    return r->ahead.kind == DL_TOKEN_DOT || r->ahead.kind == DL_TOKEN_COMMA || r->ahead.kind == DL_TOKEN_SEMICOLON ||
           r->ahead.kind == DL_TOKEN_CLOSE || r->ahead.kind == DL_TOKEN_BRACE_CLOSE || r->ahead.kind == DL_TOKEN_END;
}

static bool negation(struct dl_read *r, struct dl_literal **out)
{
    const char *start = r->now.raw.at;
    dl_read_next(r);
    if (!is_shape_test(r) && !is_atom(r))
        return dl_read_expected(r, "an atom after `!`");
    if (!(is_shape_test(r) ? shape_test(r, out) : atom(r, out)))
        return false;
    (*out)->negated = true;
    (*out)->written = slice_of(start, (size_t)(r->end - start));
    return true;
}

static bool is_truth(const struct dl_read *r)
{
    return r->now.kind == DL_TOKEN_NAME && r->ahead.kind != DL_TOKEN_OPEN &&
           (slice_eq(r->now.raw, SLICE("true")) || slice_eq(r->now.raw, SLICE("false")));
}

/* `true` is 1 = 1, `false` is 0 = 1. */
static bool truth(struct dl_read *r, struct dl_literal **out)
{
    struct dl_literal *l = *out = new_literal(r);
    l->is_compare = true;
    l->compare = DL_EQ;
    l->args = new_term(r, DL_TERM_NUMBER);
    l->args->number = slice_eq(r->now.raw, SLICE("true"));
    l->args->next = new_term(r, DL_TERM_NUMBER);
    l->args->next->number = 1;
    dl_read_next(r);
    return written_so_far(r, l);
}

static bool literal(struct dl_read *r, struct dl_literal **out)
{
    if (is_truth(r))
        return truth(r, out);
    if (slice_eq(r->now.raw, SLICE("not")) && r->ahead.kind == DL_TOKEN_NAME)
        return dl_read_fail(r, r->now.at, "write `!` for what is not there", "expected a literal, found `not`");
    if (r->now.kind == DL_TOKEN_NOT)
        return negation(r, out);
    if (is_shape_test(r))
        return shape_test(r, out);
    return is_atom(r) ? atom(r, out) : comparison(r, out);
}

/* Does the `(` here open a term, as in (x + 1) * 2 = y?  What follows its `)` tells. */
static bool opens_term(const struct dl_read *r)
{
    enum dl_token_kind kind = r->ahead.kind == DL_TOKEN_END ? DL_TOKEN_END : after_group(r, r->now);
    return kind >= DL_TOKEN_EQ && kind <= DL_TOKEN_CARET;
}

static unsigned alternatives(const struct dl_body *b)
{
    unsigned n = 0;
    for (; b; b = b->next)
        n++;
    return n;
}

static struct dl_literal *opposite(struct dl_read *r, const struct dl_literal *l)
{
    static const enum dl_compare other[] = {
        [DL_EQ] = DL_NE, [DL_NE] = DL_EQ, [DL_LT] = DL_GE, [DL_LE] = DL_GT, [DL_GT] = DL_LE, [DL_GE] = DL_LT};
    struct dl_literal *o = arena_new(r->arena, sizeof(*o));
    *o = *l;
    if (l->is_compare && l->compare < DL_MATCH)
        o->compare = other[l->compare];
    else
        o->negated = !l->negated;
    return o;
}

/* The alternatives of which each is one literal's opposite. */
static struct dl_body *opposites(struct dl_read *r, const struct dl_body *b)
{
    struct dl_body *first = NULL, **end = &first;
    for (unsigned i = 0; i < b->count; i++) {
        struct dl_body *one = *end = arena_new(r->arena, sizeof(*one));
        one->v = arena_new(r->arena, sizeof(*one->v));
        one->count = 1;
        one->v[0] = opposite(r, b->v[i]);
        end = &one->next;
    }
    return first;
}

static bool multiplied(struct dl_read *r, struct dl_at at, struct dl_body *a, struct dl_body *b, struct dl_body **out);

/* !(a, b ; c) is (!a ; !b), !c. */
static bool negated_group(struct dl_read *r, struct dl_body **out)
{
    struct dl_at at = r->now.at;
    struct dl_body *inner = NULL, *all = NULL;
    if (!dl_read_deeper(r, at))
        return false;
    dl_read_next(r);
    dl_read_next(r);
    if (!disjunction(r, &inner) || !dl_read_expect(r, DL_TOKEN_CLOSE))
        return false;
    r->depth--;
    for (; inner; inner = inner->next) {
        struct dl_body *one = opposites(r, inner), *both = NULL;
        if (all && !multiplied(r, at, all, one, &both))
            return false;
        all = all ? both : one;
    }
    *out = all;
    return true;
}

static bool factor(struct dl_read *r, struct dl_body **out);

/* !!a is a. */
static bool twice_negated(struct dl_read *r, struct dl_body **out)
{
    if (!dl_read_deeper(r, r->now.at))
        return false;
    dl_read_next(r);
    dl_read_next(r);
    if (!factor(r, out))
        return false;
    r->depth--;
    return true;
}

/* A group in parentheses or one literal. */
static bool factor(struct dl_read *r, struct dl_body **out)
{
    if (r->now.kind == DL_TOKEN_OPEN && !opens_term(r)) {
        if (!dl_read_deeper(r, r->now.at))
            return false;
        dl_read_next(r);
        if (!disjunction(r, out) || !dl_read_expect(r, DL_TOKEN_CLOSE))
            return false;
        r->depth--;
        return true;
    }
    if (r->now.kind == DL_TOKEN_NOT && r->ahead.kind == DL_TOKEN_NOT)
        return twice_negated(r, out);
    if (r->now.kind == DL_TOKEN_NOT && r->ahead.kind == DL_TOKEN_OPEN)
        return negated_group(r, out);
    struct dl_body *b = *out = arena_new(r->arena, sizeof(*b));
    b->v = arena_new(r->arena, sizeof(*b->v));
    b->count = 1;
    return literal(r, &b->v[0]);
}

static struct dl_body *joined(struct dl_read *r, const struct dl_body *a, const struct dl_body *b)
{
    struct dl_body *j = arena_new(r->arena, sizeof(*j));
    j->count = a->count + b->count;
    j->v = arena_array(r->arena, j->count, sizeof(*j->v));
    memcpy(j->v, a->v, a->count * sizeof(*a->v));
    memcpy(j->v + a->count, b->v, b->count * sizeof(*b->v));
    return j;
}

/* (a ; b), (c ; d) is ac ; ad ; bc ; bd. */
static bool multiplied(struct dl_read *r, struct dl_at at, struct dl_body *a, struct dl_body *b, struct dl_body **out)
{
    if (alternatives(a) * alternatives(b) > DL_PARSE_ALTERNATIVES)
        return dl_read_fail(r, at, "give the alternatives a relation of their own",
                            "more than %d alternatives in one rule", DL_PARSE_ALTERNATIVES);
    struct dl_body **end = out;
    for (const struct dl_body *x = a; x; x = x->next)
        for (const struct dl_body *y = b; y; y = y->next) {
            if (x->count + y->count > DL_PARSE_LITERALS)
                return dl_read_fail(r, at, "split the rule", "more than %d literals in one rule", DL_PARSE_LITERALS);
            *end = joined(r, x, y);
            end = &(*end)->next;
        }
    return true;
}

static bool conjunction(struct dl_read *r, struct dl_body **out)
{
    if (!factor(r, out))
        return false;
    while (dl_read_accept(r, DL_TOKEN_COMMA)) {
        struct dl_at at = r->now.at;
        struct dl_body *right, *both = NULL;
        if (!factor(r, &right) || !multiplied(r, at, *out, right, &both))
            return false;
        *out = both;
    }
    return true;
}

static bool disjunction(struct dl_read *r, struct dl_body **out)
{
    unsigned count = 0;
    struct dl_body **end = out;
    do {
        struct dl_at at = r->now.at;
        if (!conjunction(r, end))
            return false;
        count += alternatives(*end);
        if (count > DL_PARSE_ALTERNATIVES)
            return dl_read_fail(r, at, "give the alternatives a relation of their own",
                                "more than %d alternatives in one rule", DL_PARSE_ALTERNATIVES);
        while (*end)
            end = &(*end)->next;
    } while (dl_read_accept(r, DL_TOKEN_SEMICOLON));
    return true;
}

static bool heads(struct dl_read *r, struct dl_literal **out)
{
    unsigned count = 0;
    do {
        if (++count > DL_PARSE_LITERALS)
            return dl_read_fail(r, r->now.at, NULL, "more than %d heads", DL_PARSE_LITERALS);
        if (r->now.kind != DL_TOKEN_NAME)
            return dl_read_expected(r, "a relation's name");
        if (!atom(r, out))
            return false;
        out = &(*out)->next;
    } while (dl_read_accept(r, DL_TOKEN_COMMA));
    return true;
}

bool dl_read_atom(struct dl_read *r, struct dl_literal **out)
{
    return atom(r, out);
}

bool dl_read_clause(struct dl_read *r, struct dl_clause *out)
{
    *out = (struct dl_clause){.at = r->now.at};
    const char *start = r->now.raw.at;
    if (!heads(r, &out->heads))
        return false;
    struct dl_token sign = r->now;
    bool rule = dl_read_accept(r, DL_TOKEN_IF);
    if (!rule && r->now.kind == DL_TOKEN_LT && r->ahead.kind == DL_TOKEN_MINUS)
        return dl_read_fail(r, r->now.at, "write `:-`", "expected `.` or `:-`, found `<-`");
    if (!rule && r->now.kind != DL_TOKEN_DOT)
        return dl_read_expected(r, "`.` or `:-`");
    if (rule && !disjunction(r, &out->bodies))
        return false;
    if (r->now.kind != DL_TOKEN_DOT)
        return dl_read_expected(r, "`,`, `;` or `.`");
    dl_read_next(r);
    out->written = slice_of(start, (size_t)(r->end - start));
    if (rule && r->texts->v[r->lex.text].facts_only) {
        dl_lex_complain(r->texts, DIAG_ERROR, sign.at, NULL, "expected `.`, found `:-`: this text holds facts only");
        out->heads = NULL;
    }
    return true;
}
