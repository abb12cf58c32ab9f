#include "contracts/wire/pbplan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

enum { NUMBER_MOST = (1 << 29) - 1 };

static bool number_of(struct slice word, uint32_t *out)
{
    uint64_t n;
    if (slice_u64(word, NUMBER_MOST, &n) != ERR_OK || n == 0)
        return false;
    *out = (uint32_t)n;
    return true;
}

/* What an enum's symbols are here: numbers of 32 bits. */
static bool symbol_of(struct slice word, int64_t *out)
{
    bool minus = slice_starts(word, SLICE("-"));
    uint64_t n;
    if (slice_u64(slice_from(word, minus), (uint64_t)INT32_MAX + minus, &n) != ERR_OK)
        return false;
    *out = minus ? -(int64_t)n : (int64_t)n;
    return true;
}

/* "int64 -> string", or "int32" alone, which stays what it is. */
static bool kinds_of(struct slice text, enum pbtype_kind *kind, enum pbtype_kind *becomes)
{
    size_t at;
    if (!slice_find_text(text, SLICE(" -> "), &at)) {
        bool known = pbvalue_kind(text, kind);
        *becomes = *kind;
        return known;
    }
    return pbvalue_kind(slice_to(text, at), kind) && pbvalue_kind(slice_from(text, at + 4), becomes);
}

/* ---- what is wrong ---- */

static const char *table_fault(const struct plan_step *s)
{
    int64_t n;
    for (size_t i = 0; i < 2 * s->table_count; i++)
        if (!symbol_of(s->table[i], &n))
            return "numbers for an enum's values, like 1 -> 2";
    return s->value.len == 0 || symbol_of(s->value, &n) ? NULL : "a number for all other values, like `else 0`";
}

static const char *field_fault(const struct plan_step *s)
{
    enum pbtype_kind kind, becomes;
    if (!kinds_of(s->text, &kind, &becomes))
        return "one or two of protobuf's scalar types, like int64 -> string";
    return pbvalue_converts(kind, becomes) ? NULL : "types of which one becomes the other without a choice to make";
}

const char *pbplan_step_fault(const struct plan_step *s)
{
    uint32_t n;
    if (s->op == PLAN_PROTOBUF || s->op == PLAN_THEN || s->op == PLAN_TRANSCODE)
        return NULL;
    if (!number_of(s->op == PLAN_DEFAULT ? s->to : s->from, &n))
        return "a field's number, from 1 to 536870911";
    switch (s->op) {
    case PLAN_RENAME:
        return number_of(s->to, &n) ? NULL : "a field's new number, from 1 to 536870911";
    case PLAN_INSIDE:
        return slice_starts(s->to, SLICE("/")) ? NULL : "a place where steps stand, like /shop.Line";
    case PLAN_FIELD:
        return field_fault(s);
    case PLAN_ENUM:
        return table_fault(s);
    case PLAN_HEAD:
        return s->value.len == 0 ? NULL : "no other value: a default step has it";
    case PLAN_DEFAULT:
    case PLAN_DROP:
    case PLAN_WIDEN:
    case PLAN_NARROW:
    case PLAN_STRIP:
    case PLAN_ENCODE:
    case PLAN_DECODE:
        return NULL;
    case PLAN_SCALE:
    case PLAN_TEXT:
    case PLAN_NUMBER:
    case PLAN_DATE:
    case PLAN_EPOCH:
    case PLAN_WRAP:
    case PLAN_HOIST:
    case PLAN_PLUNGE:
    case PLAN_METHOD:
    case PLAN_PATH:
    case PLAN_STATUS:
    case PLAN_PARAM:
    case PLAN_TAKE:
    case PLAN_PUT:
    case PLAN_PROTOBUF:
    case PLAN_THEN:
    case PLAN_TRANSCODE:
    case PLAN_OP_COUNT:
        break;
    }
    return "a step that protobuf bodies have: field, inside, rename, drop, default, enum, strip, narrow, head, "
           "encode or decode";
}

/* ---- the tree ---- */

static struct pbplan_node *node_at(struct pbplan *t, struct slice path)
{
    struct pbplan_node **at = &t->nodes;
    for (; *at; at = &(*at)->next)
        if (slice_eq((*at)->path, path))
            return *at;
    struct pbplan_node *n = arena_new(&t->arena, sizeof(*n));
    n->path = path;
    n->last_out = &n->outs;
    *at = n;
    return n;
}

static struct pbplan_field *field_at(struct pbplan *t, struct pbplan_node *n, uint32_t number)
{
    struct pbplan_field **at = &n->fields;
    while (*at && (*at)->number < number)
        at = &(*at)->next;
    if (*at && (*at)->number == number)
        return *at;
    struct pbplan_field *f = arena_new(&t->arena, sizeof(*f));
    *f = (struct pbplan_field){.next = *at,
                               .number = number,
                               .out = number,
                               .rename = PBPLAN_NONE,
                               .drop = PBPLAN_NONE,
                               .strip = PBPLAN_NONE,
                               .narrow = PBPLAN_NONE,
                               .change = PBPLAN_NONE,
                               .cast = PBPLAN_NONE,
                               .code = PBPLAN_NONE,
                               .head = PBPLAN_NONE,
                               .enter = PBPLAN_NONE,
                               .watch = PBPLAN_NONE};
    *at = f;
    if (number < PBPLAN_DIRECT)
        n->direct[number] = f;
    return f;
}

static struct pbplan_out *out_at(struct pbplan *t, struct pbplan_node *n, uint32_t number)
{
    for (struct pbplan_out *o = n->outs; o; o = o->next)
        if (o->number == number)
            return o;
    struct pbplan_out *o = arena_new(&t->arena, sizeof(*o));
    *o = (struct pbplan_out){.number = number, .watch = (int)n->out_count++, .fill = PBPLAN_NONE};
    *n->last_out = o;
    n->last_out = &o->next;
    field_at(t, n, number);
    return o;
}

static int compare_pairs(const void *a, const void *b)
{
    const struct pbplan_pair *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static void add_table(struct pbplan *t, struct pbplan_field *f, const struct plan_step *s)
{
    f->table = arena_array(&t->arena, s->table_count + 1, sizeof(*f->table));
    f->table_count = s->table_count;
    for (size_t i = 0; i < s->table_count; i++) {
        bool fine = symbol_of(s->table[2 * i], &f->table[i].from) && symbol_of(s->table[2 * i + 1], &f->table[i].to);
        PRE(fine);
    }
    qsort(f->table, f->table_count, sizeof(*f->table), compare_pairs);
    f->otherwise = s->value.len && symbol_of(s->value, &f->other);
}

static void set_kinds(struct pbplan_field *f, enum pbtype_kind kind, enum pbtype_kind becomes)
{
    f->typed = true;
    f->kind = kind;
    f->becomes = becomes;
}

static void add_value_step(struct pbplan *t, struct pbplan_field *f, const struct plan_step *s, int number)
{
    enum pbtype_kind kind = PBTYPE_ENUM, becomes = PBTYPE_ENUM;
    f->judged = true;
    if (s->op == PLAN_FIELD && kinds_of(s->text, &kind, &becomes)) {
        set_kinds(f, kind, becomes);
        f->cast = number;
    } else if (s->op == PLAN_ENUM) {
        f->change = number;
        add_table(t, f, s);
    } else if (s->op == PLAN_NARROW) {
        f->narrow = number;
        f->range = s;
    } else if (s->op == PLAN_STRIP) {
        f->strip = number;
    } else if (s->op == PLAN_HEAD) {
        f->head = number;
        f->pick = s->pick;
    } else if (s->op == PLAN_ENCODE || s->op == PLAN_DECODE) {
        f->code = number;
        f->encodes = s->op == PLAN_ENCODE;
    }
}

static void add_default(struct pbplan *t, struct pbplan_node *n, const struct plan_step *s, int number)
{
    uint32_t to;
    bool fine = number_of(s->to, &to);
    PRE(fine);
    out_at(t, n, to)->fill = number;
}

static void add_rename(struct pbplan *t, struct pbplan_node *n, struct pbplan_field *f, const struct plan_step *s,
                       int number)
{
    bool fine = number_of(s->to, &f->out);
    PRE(fine);
    f->rename = number;
    out_at(t, n, f->out);
}

static void add_step(struct pbplan *t, const struct plan_step *s, int number)
{
    if (s->op == PLAN_PROTOBUF)
        t->message = s->from;
    if (s->op == PLAN_PROTOBUF || s->op == PLAN_WIDEN || s->op == PLAN_TRANSCODE)
        return;
    struct pbplan_node *n = node_at(t, s->path);
    if (s->op == PLAN_DEFAULT) {
        add_default(t, n, s, number);
        return;
    }
    uint32_t from;
    bool fine = number_of(s->from, &from);
    PRE(fine);
    struct pbplan_field *f = field_at(t, n, from);
    if (s->op == PLAN_DROP)
        f->drop = number;
    else if (s->op == PLAN_RENAME)
        add_rename(t, n, f, s, number);
    else if (s->op == PLAN_INSIDE) {
        f->enter = number;
        f->inside = node_at(t, s->to);
    } else {
        add_value_step(t, f, s, number);
    }
}

/* A kind alone changes nothing: its field passes as it is. */
static void settle_field(struct pbplan *t, struct pbplan_node *n, struct pbplan_field *f)
{
    bool turns = f->change != PBPLAN_NONE || f->narrow != PBPLAN_NONE || f->strip != PBPLAN_NONE ||
                 f->head != PBPLAN_NONE || f->code != PBPLAN_NONE;
    if (f->judged && !f->typed && f->change != PBPLAN_NONE)
        set_kinds(f, PBTYPE_ENUM, PBTYPE_ENUM);
    if (f->code != PBPLAN_NONE)
        set_kinds(f, f->encodes ? PBTYPE_BYTES : PBTYPE_STRING, f->encodes ? PBTYPE_STRING : PBTYPE_BYTES);
    f->judged = turns || (f->typed && f->kind != f->becomes);
    if (f->head != PBPLAN_NONE)
        out_at(t, n, f->out);
}

static struct pbplan_field *field_of(struct pbplan_node *n, const struct pbplan_out *o)
{
    struct pbplan_field *found = NULL;
    for (struct pbplan_field *f = n->fields; f; f = f->next)
        if (f->out == o->number && f->drop == PBPLAN_NONE && (!found || !found->typed))
            found = f;
    return found;
}

static void settle_out(struct pbplan *t, const struct plan *p, struct pbplan_node *n, struct pbplan_out *o)
{
    for (struct pbplan_field *f = n->fields; f; f = f->next)
        if (f->out == o->number && f->drop == PBPLAN_NONE)
            f->watch = o->watch;
    struct pbplan_field *f = field_of(n, o);
    if (o->fill == PBPLAN_NONE || !f || !f->typed)
        return;
    struct buf bytes;
    buf_init(&bytes, BUF_TEXT_BOUND);
    pbwire_put_key(&bytes, o->number, pbvalue_wire(f->becomes));
    if (pbvalue_put_json(f->becomes, plan_step(p, (size_t)o->fill)->value, &bytes))
        o->bytes = arena_keep(&t->arena, buf_slice(&bytes));
    buf_fini(&bytes);
}

static enum pbplan_quick quick_of(const struct pbplan_field *f)
{
    if (f->drop != PBPLAN_NONE)
        return PBPLAN_QUICK_DROP;
    return f->rename != PBPLAN_NONE && !f->judged && !f->inside ? PBPLAN_QUICK_RENUMBER : PBPLAN_QUICK_NOT;
}

static void settle(struct pbplan *t, const struct plan *p)
{
    for (struct pbplan_node *n = t->nodes; n; n = n->next) {
        struct pbplan_out **last = &n->fills;
        for (struct pbplan_field *f = n->fields; f; f = f->next)
            settle_field(t, n, f);
        for (struct pbplan_out *o = n->outs; o; o = o->next) {
            settle_out(t, p, n, o);
            if (o->fill == PBPLAN_NONE)
                continue;
            *last = o;
            last = &o->next_fill;
        }
        for (struct pbplan_field *f = n->fields; f; f = f->next)
            f->quick = quick_of(f);
    }
}

static struct pbplan *stage_new(void)
{
    struct pbplan *t = mem_new(sizeof(*t));
    arena_init(&t->arena, 0);
    node_at(t, SLICE("/"));
    return t;
}

struct pbplan *pbplan_new(const struct plan *p)
{
    struct pbplan *first = stage_new(), *t = first;
    for (size_t i = 0; i < plan_count(p); i++) {
        const struct plan_step *s = plan_step(p, i);
        if (s->op == PLAN_THEN)
            t = t->next = stage_new();
        else
            add_step(t, s, (int)i);
    }
    for (t = first; t; t = t->next)
        settle(t, p);
    return first;
}

void pbplan_free(struct pbplan **t)
{
    for (struct pbplan *next; *t; *t = next) {
        next = (*t)->next;
        arena_fini(&(*t)->arena);
        mem_free(*t);
    }
}

/* ---- what is wrong with the whole ---- */

static const char *say(char *room, size_t size, const struct pbplan_node *n, uint32_t number, const char *what)
{
    snprintf(room, size, "field %u at %.*s %s", number, (int)(n->path.len < 80 ? n->path.len : 80), n->path.at, what);
    return room;
}

static const char *whole_field_fault(const struct pbplan_field *f)
{
    bool enum_like = f->kind == PBTYPE_ENUM || f->kind == PBTYPE_INT32;
    if (f->inside && f->judged)
        return "is a message and cannot be a value too";
    if (!f->typed && (f->narrow != PBPLAN_NONE || f->head != PBPLAN_NONE || f->strip != PBPLAN_NONE))
        return "needs a `field` step that says its kind";
    if (f->change != PBPLAN_NONE && !enum_like)
        return "has a table of symbols and is no enum";
    if (f->code != PBPLAN_NONE && f->cast != PBPLAN_NONE)
        return "is encoded or decoded, which says its kind already";
    return NULL;
}

static const char *out_fault(struct pbplan_node *n, const struct pbplan_out *o)
{
    const struct pbplan_field *f = field_of(n, o);
    if (o->fill == PBPLAN_NONE || o->bytes.len)
        return NULL;
    return f && f->typed ? "has a default that is no value of its kind"
                         : "has a default, and needs a `field` step that says its kind";
}

static const char *node_fault(struct pbplan_node *n, char *room, size_t size)
{
    const char *what;
    for (const struct pbplan_field *f = n->fields; f; f = f->next)
        if ((what = whole_field_fault(f)))
            return say(room, size, n, f->number, what);
    for (const struct pbplan_out *o = n->outs; o; o = o->next)
        if ((what = out_fault(n, o)))
            return say(room, size, n, o->number, what);
    return NULL;
}

const char *pbplan_fault(const struct plan *p, char *room, size_t size)
{
    struct pbplan *t = pbplan_new(p);
    const char *fault = NULL;
    for (const struct pbplan *stage = t; stage && !fault; stage = stage->next)
        for (struct pbplan_node *n = stage->nodes; n && !fault; n = n->next)
            fault = node_fault(n, room, size);
    pbplan_free(&t);
    return fault;
}
