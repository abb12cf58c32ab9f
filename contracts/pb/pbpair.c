#include "contracts/pb/pbpair.h"

#include "contracts/pb/pbmake.h"

enum { DEEPEST = 100, VALUES_MOST = 64, SUB_VALUES_MOST = 12 };

struct known {
    enum answer answer;
    struct pbtry_found found;
};

void pbpair_init(struct pbpair *p, struct arena *arena, uint64_t budget)
{
    *p = (struct pbpair){.arena = arena, .budget = budget, .encodings = PBTRY_BINARY | PBTRY_JSON};
}

void pbpair_fini(struct pbpair *p)
{
    map_fini(&p->known);
}

/* --- One try. */

struct trying {
    struct pbpair *p;
    struct pbtry t;
    struct pbtry_found *out;
    enum answer answer; /* so far */
};

static struct trying begin(struct pbpair *p, const struct pbtype_message *writer, const struct pbtype_message *reader,
                           const struct pbtry_blame *blame, struct pbtry_found *out)
{
    struct trying y = {.p = p, .out = out, .answer = ANSWER_NO};
    y.t = (struct pbtry){.writer = writer, .reader = reader, .encodings = p->encodings, .keep = p->arena};
    if (blame)
        y.t.blame = *blame;
    return y;
}

/* True: it is enough. */
static bool try_bytes(struct trying *y, struct slice bytes)
{
    if (y->answer == ANSWER_YES)
        return true;
    if (y->p->budget == 0) {
        y->answer = ANSWER_MAYBE;
        return true;
    }
    y->p->budget--;
    if (pbtry_message(&y->t, bytes, y->out))
        y->answer = ANSWER_YES;
    else if (y->t.unsaid)
        y->answer = ANSWER_MAYBE;
    return y->answer == ANSWER_YES;
}

enum answer pbpair_bytes(struct pbpair *p, const struct pbtype_message *writer, const struct pbtype_message *reader,
                         struct slice bytes, struct pbtry_found *out)
{
    struct trying y = begin(p, writer, reader, NULL, out);
    try_bytes(&y, bytes);
    return y.answer;
}

enum answer pbpair_least(struct pbpair *p, const struct pbtype_message *writer, const struct pbtype_message *reader,
                         const struct pbtry_blame *blame, struct pbtry_found *out)
{
    struct trying y = begin(p, writer, reader, blame, out);
    struct buf bytes;
    buf_init(&bytes, BUF_TEXT_BOUND);
    if (pbmake_least(writer, &bytes))
        try_bytes(&y, buf_slice(&bytes));
    buf_fini(&bytes);
    return y.answer;
}

/* --- One field. */

/* Its value number `i`, and behind it another one when `more`. */
static bool try_value(struct trying *y, const struct pbtype_field *f, unsigned i, bool more)
{
    struct buf bytes;
    buf_init(&bytes, BUF_TEXT_BOUND);
    bool there = pbmake_least_but(f->message, f, &bytes) && pbmake_field(f, i, &bytes);
    if (there && more && !pbmake_field(f, i + 1, &bytes))
        there = pbmake_field(f, 0, &bytes);
    bool enough = there && try_bytes(y, buf_slice(&bytes));
    buf_fini(&bytes);
    return !there || enough;
}

static void try_values(struct trying *y, const struct pbtype_field *f)
{
    unsigned most = f->kind == PBTYPE_MESSAGE ? SUB_VALUES_MOST : VALUES_MOST;
    for (unsigned i = 0; i < most && !try_value(y, f, i, false); i++)
        continue;
    /* Two entries of a map have two keys, which these may not have. */
    for (unsigned i = 0; i < 2 && f->repeated && !f->map && y->answer != ANSWER_YES && !try_value(y, f, i, true); i++)
        continue;
}

static const struct pbtype_field *twin(const struct pbtype_message *m, const struct pbtype_field *f)
{
    const struct pbtype_field *g = pbtype_number(m, f->number);
    return g ? g : pbtype_name(m, f->name);
}

/* Types that have one name on both sides are looked at where they stand. */
static bool looks_inside(const struct pbtype_field *f, const struct pbtype_field *g)
{
    return f->sub && g && g->sub && (f->sub->name.len == 0 || !slice_eq(f->sub->name, g->sub->name));
}

static void try_inside(struct trying *y, const struct pbtype_field *f, const struct pbtype_field *g)
{
    struct pbtry_found inner;
    enum answer answer = pbpair_messages(y->p, f->sub, g->sub, &inner);
    if (answer == ANSWER_MAYBE && y->answer == ANSWER_NO)
        y->answer = ANSWER_MAYBE;
    if (answer != ANSWER_YES)
        return;
    struct buf bytes;
    buf_init(&bytes, BUF_TEXT_BOUND);
    if (pbmake_least_but(f->message, f, &bytes)) {
        pbmake_sub(f, inner.bytes, &bytes);
        try_bytes(y, buf_slice(&bytes));
    }
    buf_fini(&bytes);
}

enum answer pbpair_field(struct pbpair *p, const struct pbtype_field *written, const struct pbtype_message *reader,
                         const struct pbtry_blame *blame, struct pbtry_found *out)
{
    struct trying y = begin(p, written->message, reader, blame, out);
    const struct pbtype_field *g = blame && blame->read ? blame->read : twin(reader, written);
    try_values(&y, written);
    if (y.answer != ANSWER_YES && looks_inside(written, g))
        try_inside(&y, written, g);
    return y.answer;
}

/* --- A oneof. */

/* The value number `i`, or the first where there are no more: of an enum that is often a zero, which nobody misses. */
static bool put_either(const struct pbtype_field *f, unsigned i, struct buf *out)
{
    return pbmake_field(f, i, out) || pbmake_field(f, 0, out);
}

static void try_both(struct trying *y, const struct pbtype_field *f, const struct pbtype_field *other, unsigned i)
{
    struct buf bytes;
    buf_init(&bytes, BUF_TEXT_BOUND);
    bool first = f->number < other->number;
    if (pbmake_least_but(f->message, NULL, &bytes) && put_either(first ? f : other, i, &bytes) &&
        put_either(first ? other : f, i, &bytes))
        try_bytes(y, buf_slice(&bytes));
    buf_fini(&bytes);
}

enum answer pbpair_chosen(struct pbpair *p, const struct pbtype_field *written, const struct pbtype_message *reader,
                          struct pbtry_found *out)
{
    struct trying y = begin(p, written->message, reader, NULL, out);
    const struct pbtype_field *g = twin(reader, written);
    for (const struct pbtype_field *f = written->message->fields; f && g && g->oneof.len; f = f->next) {
        const struct pbtype_field *h = twin(reader, f);
        bool together = f != written && h && slice_eq(h->oneof, g->oneof);
        bool apart = written->oneof.len == 0 || !slice_eq(f->oneof, written->oneof);
        for (unsigned i = 0; i < 2 && together && apart && y.answer != ANSWER_YES; i++)
            try_both(&y, written, f, i);
    }
    return y.answer;
}

/* --- Whole messages. */

static enum answer search(struct pbpair *p, const struct pbtype_message *writer, const struct pbtype_message *reader,
                          struct pbtry_found *out)
{
    enum answer best = pbpair_least(p, writer, reader, NULL, out);
    for (const struct pbtype_field *f = writer->fields; f && best != ANSWER_YES && p->budget; f = f->next) {
        best = answer_either(best, pbpair_field(p, f, reader, NULL, out));
        if (best != ANSWER_YES)
            best = answer_either(best, pbpair_chosen(p, f, reader, out));
    }
    return best;
}

enum answer pbpair_messages(struct pbpair *p, const struct pbtype_message *writer, const struct pbtype_message *reader,
                            struct pbtry_found *out)
{
    const struct {
        const void *key[2];
        uintptr_t encodings;
    } key = {{writer, reader}, p->encodings};
    struct slice bytes = slice_of(&key, sizeof(key));
    struct known *k = map_get(&p->known, bytes);
    if (!k && (p->depth > DEEPEST || p->budget == 0))
        return ANSWER_MAYBE;
    if (!k) {
        /* While it is asked for, it is not misread: what differs will show further out or further in. */
        k = arena_new(p->arena, sizeof(*k));
        k->answer = ANSWER_NO;
        map_put(&p->known, arena_keep(p->arena, bytes), k);
        p->depth++;
        p->budget--;
        k->answer = search(p, writer, reader, &k->found);
        p->depth--;
        /* Of what no file declares nothing is known. */
        if (k->answer == ANSWER_NO && (!writer->declared || !reader->declared || p->budget == 0))
            k->answer = ANSWER_MAYBE;
    }
    *out = k->found;
    return k->answer;
}
