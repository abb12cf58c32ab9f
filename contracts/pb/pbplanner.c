#include "contracts/pb/pbplanner.h"

#include "contracts/vocabulary.h"
#include "contracts/wire/pbvalue.h"

enum { PAIRS_MOST = 2000, STEPS_MOST = 4096 };

struct kept {
    struct kept *next;
    struct plan_step step;
};

/* Messages of the writer in a field, and the steps for them. */
struct link {
    struct link *next;
    struct pair *to;
    struct slice from;
};

/* One message of the writer that is read as one of the reader. */
struct pair {
    struct pair *next;
    const struct pbtype_message *writer, *reader;
    struct slice path;
    struct kept *steps, **last;
    struct link *links;
    bool acts; /* something happens in it */
};

struct planning {
    const struct pbplanner *p;
    struct pair *pairs, **last;
    size_t pair_count, step_count;
    const char *why;
};

static enum err give_up(struct planning *l, const struct pbtype_field *f, const char *what)
{
    l->why = arena_putf(l->p->arena, "%.*s %s", SLICE_FMT(f->name), what).at;
    return ERR_ABSENT;
}

static struct slice digits(const struct planning *l, int64_t n)
{
    return arena_putf(l->p->arena, "%lld", (long long)n);
}

/* ---- pairs ---- */

static struct slice path_of(struct planning *l, const struct pbtype_message *m)
{
    if (!l->pairs)
        return SLICE("/");
    /* A map's entries have no name, so their place gets a number. */
    return m->name.len ? arena_putf(l->p->arena, "/%.*s", SLICE_FMT(m->name))
                       : arena_putf(l->p->arena, "/map-%zu", l->pair_count);
}

static struct pair *pair_of(struct planning *l, const struct pbtype_message *writer,
                            const struct pbtype_message *reader)
{
    bool taken = false;
    for (struct pair *p = l->pairs; p; p = p->next) {
        if (p->writer == writer && p->reader == reader)
            return p;
        taken = taken || p->writer == writer;
    }
    struct pair *p = arena_new(l->p->arena, sizeof(*p));
    *p = (struct pair){.writer = writer, .reader = reader, .path = path_of(l, writer)};
    if (taken)
        p->path = arena_putf(l->p->arena, "%.*s-%zu", SLICE_FMT(p->path), l->pair_count);
    p->last = &p->steps;
    l->pair_count++;
    *l->last = p;
    l->last = &p->next;
    return p;
}

static void add(struct planning *l, struct pair *at, struct plan_step step)
{
    struct kept *k = arena_new(l->p->arena, sizeof(*k));
    step.path = at->path;
    if (step.law == PLAN_LOSSLESS)
        step.law = plan_op_law(step.op);
    k->step = step;
    *at->last = k;
    at->last = &k->next;
    at->acts = true;
    l->step_count++;
}

static void add_link(struct planning *l, struct pair *at, const struct pbtype_field *w, struct pair *to)
{
    struct link *k = arena_new(l->p->arena, sizeof(*k));
    *k = (struct link){.next = at->links, .to = to, .from = digits(l, w->number)};
    at->links = k;
}

/* ---- which field is which ---- */

static const struct pbtype_field *twin(const struct pair *at, const struct pbtype_field *w)
{
    const struct pbtype_field *same = pbtype_name(at->reader, w->name);
    if (same)
        return same;
    const struct pbtype_field *r = pbtype_number(at->reader, w->number);
    return r && !pbtype_name(at->writer, r->name) ? r : NULL;
}

static const struct pbtype_field *twin_back(const struct pair *at, const struct pbtype_field *r)
{
    const struct pbtype_field *same = pbtype_name(at->writer, r->name);
    if (same)
        return same;
    const struct pbtype_field *w = pbtype_number(at->writer, r->number);
    return w && !pbtype_name(at->reader, w->name) ? w : NULL;
}

/* ---- kinds ---- */

/* A string that nobody checks is bytes. */
static enum pbtype_kind kind_of(const struct pbtype_field *f)
{
    return f->kind == PBTYPE_STRING && !f->is_text ? PBTYPE_BYTES : f->kind;
}

static bool is_whole(enum pbtype_kind k)
{
    return k < PBTYPE_FLOAT || k == PBTYPE_ENUM;
}

struct reach {
    bool minus;    /* below zero, too */
    unsigned bits; /* above it */
};

static struct reach reach_of(enum pbtype_kind k)
{
    switch (k) {
    case PBTYPE_BOOL:
        return (struct reach){false, 1};
    case PBTYPE_INT32:
    case PBTYPE_SINT32:
    case PBTYPE_SFIXED32:
    case PBTYPE_ENUM:
        return (struct reach){true, 31};
    case PBTYPE_UINT32:
    case PBTYPE_FIXED32:
        return (struct reach){false, 32};
    case PBTYPE_INT64:
    case PBTYPE_SINT64:
    case PBTYPE_SFIXED64:
        return (struct reach){true, 63};
    case PBTYPE_UINT64:
    case PBTYPE_FIXED64:
        return (struct reach){false, 64};
    case PBTYPE_FLOAT:
        return (struct reach){true, 24};
    case PBTYPE_DOUBLE:
        return (struct reach){true, 53};
    case PBTYPE_STRING:
    case PBTYPE_BYTES:
    case PBTYPE_MESSAGE:
        break;
    }
    return (struct reach){false, 0};
}

/* Has every value its like in the other kind? */
static bool always_fits(enum pbtype_kind from, enum pbtype_kind to)
{
    if (from == PBTYPE_FLOAT && to == PBTYPE_DOUBLE)
        return true;
    if (!is_whole(from))
        return from == PBTYPE_STRING && to == PBTYPE_BYTES;
    if (to == PBTYPE_STRING)
        return from != PBTYPE_BOOL && from != PBTYPE_ENUM;
    struct reach a = reach_of(from), b = reach_of(to);
    return b.bits >= a.bits && (b.minus || !a.minus);
}

/* Some have, and it is known at once which. */
static bool may_fit(enum pbtype_kind from, enum pbtype_kind to)
{
    if (from == PBTYPE_BYTES)
        return to == PBTYPE_STRING;
    return is_whole(to) && to != PBTYPE_ENUM && (is_whole(from) || from == PBTYPE_STRING) && pbvalue_converts(from, to);
}

/* Are the bytes of every value those that the other kind reads as the same value? */
static bool same_bytes(enum pbtype_kind from, enum pbtype_kind to)
{
    bool zigzag_from = from == PBTYPE_SINT32 || from == PBTYPE_SINT64;
    bool zigzag_to = to == PBTYPE_SINT32 || to == PBTYPE_SINT64;
    bool real = from == PBTYPE_FLOAT || from == PBTYPE_DOUBLE || to == PBTYPE_FLOAT || to == PBTYPE_DOUBLE;
    return from == to ||
           (always_fits(from, to) && !real && pbvalue_wire(from) == pbvalue_wire(to) && zigzag_from == zigzag_to);
}

static struct slice kinds_text(struct planning *l, enum pbtype_kind from, enum pbtype_kind to)
{
    return from == to ? slice_str(pbvalue_name(from))
                      : arena_putf(l->p->arena, "%s -> %s", pbvalue_name(from), pbvalue_name(to));
}

static void say_kind(struct planning *l, struct pair *at, const struct pbtype_field *w, enum pbtype_kind from,
                     enum pbtype_kind to, enum plan_law law)
{
    add(l, at,
        (struct plan_step){.op = PLAN_FIELD,
                           .from = digits(l, w->number),
                           .text = kinds_text(l, from, to),
                           .law = law,
                           .why = w->name});
}

/* ---- enums ---- */

/* The reader's number for a symbol of the writer; false: it has none. */
static bool symbol_of(const struct pbtype_field *w, const struct pbtype_field *r, const struct fact *s, int64_t *out)
{
    const struct fact *same = pbtype_symbol_named(r->values, fact_text(s, 1));
    const struct fact *number = pbtype_symbol(r->values, s->value[2].number);
    if (!same && number && pbtype_symbol_named(w->values, fact_text(number, 1)))
        return false;
    *out = same ? same->value[2].number : s->value[2].number;
    return same || number || r->values->open;
}

static enum err plan_enum(struct planning *l, struct pair *at, const struct pbtype_field *w,
                          const struct pbtype_field *r)
{
    const struct pbtype_enum *e = w->values;
    struct slice *table = arena_array(l->p->arena, e->count * 2 + 1, sizeof(*table));
    bool differ = false;
    for (size_t i = 0; i < e->count; i++) {
        int64_t to;
        if (!symbol_of(w, r, &e->symbols[i], &to))
            return give_up(l, w, "has a symbol that the reader does not know");
        table[2 * i] = digits(l, e->symbols[i].value[2].number);
        table[2 * i + 1] = digits(l, to);
        differ = differ || to != e->symbols[i].value[2].number;
    }
    /* Two names of one number would need two answers. */
    for (size_t i = 0; i < e->count; i++)
        for (size_t k = 0; k < i; k++)
            if (slice_eq(table[2 * i], table[2 * k]) && !slice_eq(table[2 * i + 1], table[2 * k + 1]))
                return give_up(l, w, "has two symbols of one number that part");
    if (!differ)
        return ERR_OK;
    /* A number without a symbol is none that the contract has: it is refused. */
    add(l, at,
        (struct plan_step){.op = PLAN_ENUM,
                           .from = digits(l, w->number),
                           .table = table,
                           .table_count = e->count,
                           .law = e->open ? PLAN_PARTIAL : PLAN_ONE_WAY,
                           .why = w->name});
    return ERR_OK;
}

/* ---- what an absent field means ---- */

/* As JSON; empty: nothing that a step can say. */
static struct slice meant(struct planning *l, const struct pbtype_field *f)
{
    if (f->kind == PBTYPE_ENUM) {
        const struct fact *s = f->otherwise.len ? pbtype_symbol_named(f->values, f->otherwise) : NULL;
        return digits(l, s ? s->value[2].number : f->values->first);
    }
    bool text = f->kind == PBTYPE_STRING || f->kind == PBTYPE_BYTES;
    if (text)
        return f->otherwise.len ? (struct slice){0} : SLICE("\"\"");
    if (f->otherwise.len)
        return f->otherwise;
    return f->kind == PBTYPE_BOOL ? SLICE("false") : SLICE("0");
}

/* The same once it has become the reader's. */
static struct slice meant_there(struct planning *l, const struct pbtype_field *w, const struct pbtype_field *r)
{
    struct slice value = meant(l, w);
    if (w->kind == PBTYPE_ENUM && r->kind == PBTYPE_ENUM) {
        int64_t to;
        for (size_t i = 0; i < w->values->count; i++)
            if (slice_eq(digits(l, w->values->symbols[i].value[2].number), value) &&
                symbol_of(w, r, &w->values->symbols[i], &to))
                return digits(l, to);
        return value;
    }
    bool from_text = w->kind == PBTYPE_STRING || w->kind == PBTYPE_BYTES;
    if (r->kind == PBTYPE_STRING && !from_text)
        return arena_putf(l->p->arena, "\"%.*s\"", SLICE_FMT(value));
    if (from_text && r->kind != PBTYPE_STRING && r->kind != PBTYPE_BYTES)
        return SLICE("0"); /* no digits are no number; none is what an absent number is */
    if (r->kind == PBTYPE_BOOL && w->kind != PBTYPE_BOOL)
        return slice_eq(value, SLICE("0")) ? SLICE("false") : SLICE("true");
    if (w->kind == PBTYPE_BOOL && r->kind != PBTYPE_BOOL)
        return slice_eq(value, SLICE("true")) ? SLICE("1") : SLICE("0");
    return value;
}

static enum err put_default(struct planning *l, struct pair *at, const struct pbtype_field *f, struct slice value,
                            struct slice why)
{
    if (value.len == 0)
        return give_up(l, f, "is absent where the reader needs it, and no default can be said");
    if (f->oneof.len)
        return give_up(l, f, "is absent where the reader needs it, in a oneof");
    add(l, at, (struct plan_step){.op = PLAN_DEFAULT, .to = digits(l, f->number), .value = value, .why = why});
    return ERR_OK;
}

/* `said`: a field step has told the kind already. */
static enum err plan_absence(struct planning *l, struct pair *at, const struct pbtype_field *w,
                             const struct pbtype_field *r, bool said)
{
    if (w->required || w->repeated || r->kind == PBTYPE_MESSAGE)
        return r->required && !w->required ? give_up(l, r, "is required, and may be absent") : ERR_OK;
    struct slice there = meant_there(l, w, r);
    bool same = !r->repeated && slice_eq(there, meant(l, r));
    /* Where neither says what absent means, absent is absent. */
    bool silent = w->has_presence && w->otherwise.len == 0 && r->otherwise.len == 0;
    if (!r->required && (same || (silent && (r->repeated || r->has_presence))))
        return ERR_OK;
    if (w->oneof.len)
        return r->required ? give_up(l, r, "is required, and of a oneof to the writer") : ERR_OK;
    if (w->has_presence && r->required && r->otherwise.len == 0)
        return give_up(l, r, "is required, and may be absent");
    if (!said)
        say_kind(l, at, w, w->kind, r->kind, PLAN_LOSSLESS);
    return put_default(l, at, r, there, r->name);
}

/* ---- one field ---- */

static enum err plan_kind(struct planning *l, struct pair *at, const struct pbtype_field *w,
                          const struct pbtype_field *r, bool *said)
{
    enum pbtype_kind from = kind_of(w), to = kind_of(r);
    if (from == PBTYPE_ENUM && to == PBTYPE_ENUM)
        return plan_enum(l, at, w, r);
    if (to == PBTYPE_ENUM && !r->values->open)
        return give_up(l, w, "becomes an enum that has some values only");
    if (same_bytes(from, to))
        return ERR_OK;
    *said = true;
    if (always_fits(from, to)) {
        say_kind(l, at, w, from, to, PLAN_LOSSLESS);
        return ERR_OK;
    }
    if (!may_fit(from, to))
        return give_up(l, w, "is of a kind that does not become the reader's");
    if (!l->p->response)
        return give_up(l, w, "may have values that the reader has no like for, in a request");
    say_kind(l, at, w, from, to, PLAN_PARTIAL);
    return ERR_OK;
}

static enum err plan_count_of(struct planning *l, struct pair *at, const struct pbtype_field *w,
                              const struct pbtype_field *r, bool *said)
{
    if (w->map != r->map)
        return give_up(l, w, "is a map on one side only");
    if (!w->repeated || r->repeated)
        return ERR_OK;
    if (!l->p->response || w->kind == PBTYPE_MESSAGE)
        return give_up(l, w, "may have several values where the reader takes one");
    if (!*said)
        say_kind(l, at, w, w->kind, r->kind, PLAN_LOSSLESS);
    *said = true;
    add(l, at,
        (struct plan_step){
            .op = PLAN_HEAD, .from = digits(l, w->number), .pick = PLAN_ONLY, .law = PLAN_PARTIAL, .why = w->name});
    return ERR_OK;
}

static enum err plan_pair(struct planning *l, struct pair *at, const struct pbtype_field *w,
                          const struct pbtype_field *r)
{
    bool said = false;
    if ((w->kind == PBTYPE_MESSAGE) != (r->kind == PBTYPE_MESSAGE) || w->group != r->group)
        return give_up(l, w, "is a message, or a group, on one side only");
    TRY(plan_count_of(l, at, w, r, &said));
    if (w->kind == PBTYPE_MESSAGE)
        add_link(l, at, w, pair_of(l, w->sub, r->sub));
    else
        TRY(plan_kind(l, at, w, r, &said));
    if (w->number != r->number)
        add(l, at,
            (struct plan_step){
                .op = PLAN_RENAME,
                .from = digits(l, w->number),
                .to = digits(l, r->number),
                .why = arena_putf(l->p->arena, "%.*s has number %lld here", SLICE_FMT(r->name), (long long)r->number)});
    return plan_absence(l, at, w, r, said || w->kind == PBTYPE_ENUM);
}

/* Fields that the reader has in one oneof must be so for the writer, too. */
static enum err check_choice(struct planning *l, const struct pair *at, const struct pbtype_field *r)
{
    const struct pbtype_field *w = twin_back(at, r);
    for (const struct pbtype_field *other = at->reader->fields; r->oneof.len && w && other; other = other->next) {
        const struct pbtype_field *v = other == r ? NULL : twin_back(at, other);
        if (v && slice_eq(other->oneof, r->oneof) && (w->oneof.len == 0 || !slice_eq(w->oneof, v->oneof)))
            return give_up(l, w, "may stand beside another field of its oneof");
    }
    return ERR_OK;
}

static enum err plan_message(struct planning *l, struct pair *at)
{
    if (at->writer->is_set || at->reader->is_set)
        return give_up(l, &(struct pbtype_field){.name = at->writer->name}, "is a message set");
    for (const struct pbtype_field *w = at->writer->fields; w; w = w->next) {
        const struct pbtype_field *r = twin(at, w);
        if (r)
            TRY(plan_pair(l, at, w, r));
        else if (pbtype_number(at->reader, w->number))
            add(l, at, (struct plan_step){.op = PLAN_DROP, .from = digits(l, w->number), .why = w->name});
    }
    for (const struct pbtype_field *r = at->reader->fields; r; r = r->next) {
        TRY(check_choice(l, at, r));
        if (twin_back(at, r) || !r->required)
            continue;
        if (r->otherwise.len == 0 || r->kind == PBTYPE_MESSAGE)
            return give_up(l, r, "is required, and the writer has no such field");
        add(l, at,
            (struct plan_step){.op = PLAN_FIELD,
                               .from = digits(l, r->number),
                               .text = kinds_text(l, r->kind, r->kind),
                               .why = r->name});
        TRY(put_default(l, at, r, meant(l, r), r->name));
    }
    return l->pair_count > PAIRS_MOST || l->step_count > STEPS_MOST
               ? give_up(l, &(struct pbtype_field){.name = SLICE("it")}, "would need too many steps")
               : ERR_OK;
}

/* ---- the plan ---- */

/* A message acts when one inside it does; until nothing changes. */
static void spread(struct planning *l)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (struct pair *p = l->pairs; p; p = p->next)
            for (struct link *k = p->links; k && !p->acts; k = k->next)
                changed = p->acts = k->to->acts;
    }
}

static struct plan *lay_out(struct planning *l)
{
    struct plan *plan = plan_new();
    plan_add(plan, &(struct plan_step){.op = PLAN_PROTOBUF, .path = SLICE("/"), .from = l->pairs->writer->name});
    for (const struct pair *p = l->pairs; p; p = p->next) {
        for (const struct link *k = p->links; k; k = k->next)
            if (k->to->acts)
                plan_add(plan,
                         &(struct plan_step){.op = PLAN_INSIDE, .path = p->path, .from = k->from, .to = k->to->path});
        for (const struct kept *k = p->steps; k; k = k->next)
            plan_add(plan, &k->step);
    }
    return plan;
}

enum err pbplanner_make(const struct pbplanner *p, const struct pbtype_message *writer,
                        const struct pbtype_message *reader, struct plan **out, const char **why)
{
    struct planning l = {.p = p};
    l.last = &l.pairs;
    *out = NULL;
    pair_of(&l, writer, reader);
    for (struct pair *at = l.pairs; at; at = at->next) {
        enum err e = plan_message(&l, at);
        *why = l.why;
        if (e != ERR_OK)
            return e;
    }
    spread(&l);
    if (l.pairs->acts)
        *out = lay_out(&l);
    return ERR_OK;
}
