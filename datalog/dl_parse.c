#include "datalog/dl_parse.h"

#include "datalog/dl_read.h"

/* Items in the order they were written. */
struct items {
    struct dl_item *first;
    struct dl_item **end;
};

static struct dl_item *new_item(struct dl_read *r, enum dl_item_kind kind)
{
    struct dl_item *i = arena_new(r->arena, sizeof(*i));
    i->kind = kind;
    return i;
}

static bool names_of(struct dl_read *r, struct dl_name **out)
{
    struct dl_name **end = out;
    do {
        struct dl_name *n = arena_new(r->arena, sizeof(*n));
        n->text = r->now.raw;
        n->at = r->now.at;
        if (!dl_read_expect(r, DL_TOKEN_NAME))
            return false;
        *end = n;
        end = &n->next;
    } while (dl_read_accept(r, DL_TOKEN_COMMA));
    return true;
}

static bool column(struct dl_read *r, struct dl_column **out)
{
    struct dl_column *c = arena_new(r->arena, sizeof(*c));
    c->name = r->now.raw;
    c->at = r->now.at;
    if (!dl_read_expect(r, DL_TOKEN_NAME) || !dl_read_expect(r, DL_TOKEN_COLON))
        return false;
    c->type = r->now.raw;
    c->type_at = r->now.at;
    *out = c;
    return dl_read_expect(r, DL_TOKEN_NAME);
}

/* name:type, ... up to `close`, which is taken too. */
static bool columns(struct dl_read *r, enum dl_token_kind open, enum dl_token_kind close, struct dl_column **out)
{
    if (!dl_read_expect(r, open))
        return false;
    if (dl_read_accept(r, close))
        return true;
    unsigned count = 0;
    do {
        if (++count > DATALOG_COLUMNS)
            return dl_read_fail(r, r->now.at, "split it", "a relation or record has at most %d columns",
                                DATALOG_COLUMNS);
        if (!column(r, out))
            return false;
        out = &(*out)->next;
    } while (dl_read_accept(r, DL_TOKEN_COMMA));
    return dl_read_expect(r, close);
}

/* What may follow a .decl.  How a relation is stored is ours to choose; what it means is not. */
static bool qualifiers(struct dl_read *r, unsigned *flags)
{
    static const struct {
        const char *word;
        unsigned flag;
    } known[] = {{"input", DL_IS_INPUT},
                 {"output", DL_IS_OUTPUT},
                 {"printsize", DL_IS_PRINTSIZE},
                 {"brie", 0},
                 {"btree", 0},
                 {"inline", 0},
                 {"no_inline", 0},
                 {"magic", 0},
                 {"no_magic", 0}};
    /* A name that opens the next clause is followed by `(`, `:-`, `,` or `.`. */
    while (r->now.kind == DL_TOKEN_NAME && !dl_read_opens_clause(r)) {
        size_t i = 0;
        while (i < sizeof(known) / sizeof(known[0]) && !slice_eq(r->now.raw, slice_str(known[i].word)))
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            return dl_read_fail(r, r->now.at, "known are input, output, printsize, brie, btree, inline",
                                "unknown qualifier `%.*s`", SLICE_FMT(r->now.raw));
        if (*flags & known[i].flag)
            return dl_read_fail(r, r->now.at, NULL, "qualifier `%.*s` is given twice", SLICE_FMT(r->now.raw));
        *flags |= known[i].flag;
        dl_read_next(r);
    }
    return true;
}

static bool decl(struct dl_read *r, struct dl_item **out)
{
    struct dl_item *i = *out = new_item(r, DL_ITEM_DECL);
    return names_of(r, &i->names) && columns(r, DL_TOKEN_OPEN, DL_TOKEN_CLOSE, &i->columns) && qualifiers(r, &i->flags);
}

static struct dl_shape *new_shape(struct dl_read *r)
{
    struct dl_shape *s = arena_new(r->arena, sizeof(*s));
    s->at = r->now.at;
    return s;
}

/* [a:number, b:List] */
static bool record(struct dl_read *r, struct dl_shape **out)
{
    *out = new_shape(r);
    return columns(r, DL_TOKEN_SQUARE_OPEN, DL_TOKEN_SQUARE_CLOSE, &(*out)->fields);
}

/* Leaf { a:number } | None {} */
static bool branches(struct dl_read *r, struct dl_shape **out)
{
    do {
        *out = new_shape(r);
        (*out)->name = r->now.raw;
        if (!dl_read_expect(r, DL_TOKEN_NAME) ||
            !columns(r, DL_TOKEN_BRACE_OPEN, DL_TOKEN_BRACE_CLOSE, &(*out)->fields))
            return false;
        out = &(*out)->next;
    } while (dl_read_accept(r, DL_TOKEN_BAR));
    return true;
}

static bool type_alias(struct dl_read *r, struct dl_item **out)
{
    struct dl_item *i = *out = new_item(r, DL_ITEM_TYPE);
    i->names = arena_new(r->arena, sizeof(*i->names));
    *i->names = (struct dl_name){.text = r->now.raw, .at = r->now.at};
    if (!dl_read_expect(r, DL_TOKEN_NAME))
        return false;
    i->subset = dl_read_accept(r, DL_TOKEN_SUBTYPE);
    if (!i->subset && !dl_read_accept(r, DL_TOKEN_EQ))
        return dl_read_expected(r, "`<:` or `=`");
    if (!i->subset && r->now.kind == DL_TOKEN_SQUARE_OPEN)
        return record(r, &i->shapes);
    if (!i->subset && r->now.kind == DL_TOKEN_NAME && r->ahead.kind == DL_TOKEN_BRACE_OPEN)
        return branches(r, &i->shapes);
    struct dl_name **end = &i->parts;
    do {
        struct dl_name *n = arena_new(r->arena, sizeof(*n));
        *n = (struct dl_name){.text = r->now.raw, .at = r->now.at};
        if (!dl_read_expect(r, DL_TOKEN_NAME))
            return false;
        *end = n;
        end = &n->next;
    } while (!i->subset && dl_read_accept(r, DL_TOKEN_BAR));
    return true;
}

/* (IO=file, delimiter=","): what a program that does I/O would want to know. */
static bool parameters(struct dl_read *r, struct dl_param **out)
{
    if (!dl_read_accept(r, DL_TOKEN_OPEN))
        return true;
    if (dl_read_accept(r, DL_TOKEN_CLOSE))
        return true;
    do {
        struct dl_param *p = *out = arena_new(r->arena, sizeof(*p));
        p->name = r->now.raw;
        if (!dl_read_expect(r, DL_TOKEN_NAME) || !dl_read_expect(r, DL_TOKEN_EQ))
            return false;
        p->value = r->now.text;
        out = &p->next;
        if (r->now.kind != DL_TOKEN_NAME && r->now.kind != DL_TOKEN_STRING && r->now.kind != DL_TOKEN_NUMBER)
            return dl_read_expected(r, "a value");
        dl_read_next(r);
    } while (dl_read_accept(r, DL_TOKEN_COMMA));
    return dl_read_expect(r, DL_TOKEN_CLOSE);
}

static bool directive(struct dl_read *r, unsigned flag, struct dl_item **out)
{
    struct dl_item *i = *out = new_item(r, DL_ITEM_DIRECTIVE);
    i->flags = flag;
    struct dl_name **end = &i->names;
    do {
        struct dl_name *n = arena_new(r->arena, sizeof(*n));
        *n = (struct dl_name){.text = r->now.raw, .at = r->now.at};
        if (!dl_read_expect(r, DL_TOKEN_NAME) || !parameters(r, &n->params))
            return false;
        *end = n;
        end = &n->next;
    } while (dl_read_accept(r, DL_TOKEN_COMMA));
    return true;
}

static bool given_text(const struct dl_texts *texts, struct slice name)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct slice file = slice_str(texts->v[i].file);
        bool at_end = slice_ends(file, name);
        if (at_end && (file.len == name.len || file.at[file.len - name.len - 1] == '/'))
            return true;
    }
    return false;
}

static bool include(struct dl_read *r, struct dl_item **out)
{
    *out = NULL;
    struct dl_token name = r->now;
    if (!dl_read_expect(r, DL_TOKEN_STRING))
        return false;
    if (!given_text(r->texts, name.text))
        dl_lex_complain(r->texts, DIAG_ERROR, name.at, "give that text, too", "there is no such text");
    return true;
}

/* .pragma "name" "value": how another engine is to go about it. */
static bool pragma(struct dl_read *r, struct dl_item **out)
{
    *out = NULL;
    if (!dl_read_expect(r, DL_TOKEN_STRING))
        return false;
    (void)dl_read_accept(r, DL_TOKEN_STRING);
    return true;
}

/* .plan 0:(2,1), 1:(1,2): in which order another engine is to join. */
static bool plan(struct dl_read *r, struct dl_item **out)
{
    *out = NULL;
    do {
        if (!dl_read_expect(r, DL_TOKEN_NUMBER) || !dl_read_expect(r, DL_TOKEN_COLON) ||
            !dl_read_expect(r, DL_TOKEN_OPEN))
            return false;
        while (r->now.kind == DL_TOKEN_NUMBER || r->now.kind == DL_TOKEN_COMMA)
            dl_read_next(r);
        if (!dl_read_expect(r, DL_TOKEN_CLOSE))
            return false;
    } while (dl_read_accept(r, DL_TOKEN_COMMA));
    return true;
}

static bool init(struct dl_read *r, struct dl_item **out)
{
    struct dl_item *i = *out = new_item(r, DL_ITEM_INIT);
    i->names = arena_new(r->arena, sizeof(*i->names));
    i->parts = arena_new(r->arena, sizeof(*i->parts));
    *i->names = (struct dl_name){.text = r->now.raw, .at = r->now.at};
    if (!dl_read_expect(r, DL_TOKEN_NAME) || !dl_read_expect(r, DL_TOKEN_EQ))
        return false;
    *i->parts = (struct dl_name){.text = r->now.raw, .at = r->now.at};
    return dl_read_expect(r, DL_TOKEN_NAME);
}

static void items_until(struct dl_read *r, enum dl_token_kind end, struct items *items);

static bool component(struct dl_read *r, struct dl_item **out)
{
    struct dl_item *i = *out = new_item(r, DL_ITEM_COMP);
    i->names = arena_new(r->arena, sizeof(*i->names));
    *i->names = (struct dl_name){.text = r->now.raw, .at = r->now.at};
    struct dl_at at = r->now.at;
    if (!dl_read_expect(r, DL_TOKEN_NAME))
        return false;
    if (r->now.kind == DL_TOKEN_COLON || r->now.kind == DL_TOKEN_LT)
        return dl_read_fail(r, r->now.at, "initialise one component inside the other",
                            "components have no parameters and no parents");
    if (!dl_read_expect(r, DL_TOKEN_BRACE_OPEN))
        return false;
    if (!dl_read_deeper(r, at))
        return false;
    struct items items = {NULL, &items.first};
    r->components++;
    items_until(r, DL_TOKEN_BRACE_CLOSE, &items);
    r->components--;
    r->depth--;
    i->items = items.first;
    return dl_read_expect(r, DL_TOKEN_BRACE_CLOSE);
}

static bool directed(struct dl_read *r, struct dl_item **out)
{
    struct dl_token word = r->now;
    dl_read_next(r);
    if (slice_eq(word.raw, SLICE(".decl")))
        return decl(r, out);
    if (slice_eq(word.raw, SLICE(".type")))
        return type_alias(r, out);
    if (slice_eq(word.raw, SLICE(".input")))
        return directive(r, DL_IS_INPUT, out);
    if (slice_eq(word.raw, SLICE(".output")))
        return directive(r, DL_IS_OUTPUT, out);
    if (slice_eq(word.raw, SLICE(".printsize")))
        return directive(r, DL_IS_PRINTSIZE, out);
    if (slice_eq(word.raw, SLICE(".limitsize")))
        return directive(r, 0, out);
    if (slice_eq(word.raw, SLICE(".comp")))
        return component(r, out);
    if (slice_eq(word.raw, SLICE(".init")))
        return init(r, out);
    if (slice_eq(word.raw, SLICE(".include")))
        return include(r, out);
    if (slice_eq(word.raw, SLICE(".pragma")))
        return pragma(r, out);
    if (slice_eq(word.raw, SLICE(".plan")))
        return plan(r, out);
    return dl_read_fail(r, word.at, NULL, "%.*s is not part of this language", SLICE_FMT(word.raw));
}

static bool unknown_directive(struct dl_read *r)
{
    static const char *const known[] = {"decl",      "type", "input", "output", "printsize",
                                        "limitsize", "comp", "init",  "include"};
    struct dl_at at = r->now.at;
    dl_read_next(r);
    if (r->now.kind != DL_TOKEN_NAME)
        return dl_read_fail(r, at, NULL, "expected a fact, a rule or a directive, found `.`");
    at.width += r->now.at.width;
    const char *near = diag_nearest(r->now.raw, known, sizeof(known) / sizeof(known[0]));
    struct slice fix = near ? arena_putf(r->arena, "did you mean `.%s`?", near) : (struct slice){0};
    return dl_read_fail(r, at, near ? fix.at : NULL, "unknown directive `.%.*s`", SLICE_FMT(r->now.raw));
}

static bool clause(struct dl_read *r, struct dl_item **out)
{
    struct dl_item *i = *out = new_item(r, DL_ITEM_CLAUSE);
    return dl_read_clause(r, &i->clause);
}

static bool facts_only(const struct dl_read *r)
{
    return r->texts->v[r->lex.text].facts_only;
}

/* One item; NULL in `*out`: nothing came of it. */
static bool item(struct dl_read *r, struct dl_item **out)
{
    if (r->now.kind == DL_TOKEN_DOT)
        return unknown_directive(r);
    if (r->now.kind != DL_TOKEN_DIRECTIVE)
        return clause(r, out);
    if (!facts_only(r))
        return directed(r, out);
    dl_lex_complain(r->texts, DIAG_ERROR, r->now.at, NULL, "expected a fact, found %.*s: this text holds facts only",
                    SLICE_FMT(r->now.raw));
    bool ok = directed(r, out);
    *out = NULL;
    return ok;
}

static void items_until(struct dl_read *r, enum dl_token_kind end, struct items *items)
{
    while (r->now.kind != end && r->now.kind != DL_TOKEN_END) {
        struct dl_item *i = NULL;
        if (!item(r, &i)) {
            dl_read_recover(r);
            continue;
        }
        if (!i)
            continue;
        *items->end = i;
        items->end = &i->next;
    }
}

struct dl_item *dl_parse(const struct dl_texts *texts, struct arena *arena)
{
    struct items items = {NULL, &items.first};
    for (uint32_t i = 0; i < texts->count; i++) {
        struct dl_read r;
        dl_read_init(&r, texts, i, arena);
        items_until(&r, DL_TOKEN_END, &items);
    }
    return items.first;
}
