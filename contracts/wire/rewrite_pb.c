#include "contracts/wire/rewrite_pb.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "contracts/wire/rewrite_format.h"

/* The body is a frame of fields, and so is each message or group that is open in it.
 *
 * A run of bytes that nothing touches grows until a step must change something; then it goes out in one piece.  A
 * message that has its length in front stays part of the run, too, until something inside it changes: only then is its
 * header written, with as many bytes for the length as it came with, and the length is put right at its end.  So
 * messages without a change keep every byte, and cost no more than a look at their fields.
 *
 * A field that the bytes at hand do not hold whole is either passed on in parts, when nothing looks at it, or waited
 * for: `need` says how many bytes make it whole, or that one more must be read to know. */

enum { FRAMES = 4, SPARE = 64, KEY_MOST = 5, LENGTH_MOST = 0x7fffffff, KEEP_MEMORY = 16 << 10 };

struct frame {
    const struct pbplan_node *node; /* NULL: nothing in it is touched */
    uint32_t number, out;           /* of its field, as it came and as it goes; 0: the body */
    bool group, dropped;
    bool within;            /* a message that is whole in the window, or a group in one */
    bool written;           /* its header has gone out; else it is part of the run */
    size_t begin, in, end;  /* in the window: of its key, its first byte, past its last */
    size_t header, reserve; /* in `out`: where its length stands, and in how many bytes */
    size_t marks;           /* the first of its marks */
};

struct rewrite_pb {
    struct rewrite shared;
    const struct pbplan *plan;
    size_t max_hold;
    struct buf held;
    size_t need;     /* bytes that `held` must have before it is looked at again */
    uint64_t taken;  /* bytes of the body before the window */
    uint64_t pass;   /* bytes still to come that nothing looks at */
    bool pass_drops; /* and that go nowhere */
    struct frame *frames;
    size_t depth, room;
    uint32_t *marks; /* for each watched number that goes out: the number it came in under, 0: not yet */
    size_t mark_count, mark_room;
    unsigned dropping;  /* open frames that go nowhere */
    unsigned unwritten; /* messages whose headers are part of the run */
    /* While looking: */
    struct slice window;
    size_t run; /* where the run begins */
    struct buf *out;
    char *base, *to, *most; /* what was written and `out` has not been told of, and the room for more */
};

struct field {
    size_t begin, after_key, value, end; /* in the window; end may be past it */
    uint32_t number;
    enum pbwire_type type;
    uint64_t word; /* of a varint, little endian of 32 and 64 bits */
};

static struct rewrite_pb *pb_of(struct rewrite *r)
{
    return (struct rewrite_pb *)r;
}

static struct frame *top(struct rewrite_pb *r)
{
    return &r->frames[r->depth - 1];
}

/* ---- what is wrong ---- */

static void put_place(const struct rewrite_pb *r, uint32_t number)
{
    struct buf *b = (struct buf *)&r->shared.fault;
    buf_put(b, SLICE(" at "));
    for (size_t i = 1; i < r->depth; i++)
        buf_putf(b, "/%u", r->frames[i].number);
    if (number)
        buf_putf(b, "/%u", number);
    else if (r->depth == 1)
        buf_put_char(b, '/');
}

static enum err refuse(struct rewrite_pb *r, size_t at, uint32_t number, const char *what)
{
    r->shared.offset = r->taken + at;
    buf_put(&r->shared.fault, slice_str(what));
    put_place(r, number);
    buf_text(&r->shared.fault);
    return ERR_PEER;
}

static enum err too_large(struct rewrite_pb *r, size_t at, uint32_t number)
{
    enum err e = refuse(r, at, number, "a field is larger than a step may hold,");
    (void)e;
    return ERR_FULL;
}

static enum err no_room(struct rewrite_pb *r)
{
    enum err e = refuse(r, r->run, 0, "more goes out than has room,");
    (void)e;
    return ERR_FULL;
}

/* ---- going out ---- */

/* How much `out` has. */
static size_t position(const struct rewrite_pb *r)
{
    return buf_len(r->out) + (size_t)(r->to - r->base);
}

static void settle(struct rewrite_pb *r)
{
    if (r->to != r->base)
        buf_wrote(r->out, (size_t)(r->to - r->base));
    r->base = r->to = r->most = NULL;
}

/* Room for what is left of the window, if `out` may have that, or at least for `n` bytes. */
static MUST_USE enum err make_room(struct rewrite_pb *r, size_t n)
{
    size_t rest = n + SPARE + (r->window.len - r->run);
    char *at;
    settle(r);
    if (buf_room(r->out, rest, &at) != ERR_OK) {
        rest = n;
        if (buf_room(r->out, rest, &at) != ERR_OK)
            return no_room(r);
    }
    r->base = r->to = at;
    r->most = at + rest;
    return ERR_OK;
}

/* Most pieces are short, and a call costs more than they do. */
static inline void copy(char *to, const char *from, size_t n)
{
    if (n > 32) {
        memcpy(to, from, n);
    } else if (n >= 16) {
        memcpy(to, from, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = from[i];
    }
}

static inline enum err put(struct rewrite_pb *r, struct slice bytes)
{
    if ((size_t)(r->most - r->to) < bytes.len)
        TRY(make_room(r, bytes.len));
    copy(r->to, bytes.at, bytes.len);
    r->to += bytes.len;
    return ERR_OK;
}

static enum err put_varint(struct rewrite_pb *r, uint64_t n)
{
    size_t size = PBVALUE_MOST;
    if ((size_t)(r->most - r->to) < size && (size = pbvalue_varint_size(n)) > (size_t)(r->most - r->to))
        TRY(make_room(r, size));
    r->to += pbvalue_write_varint(n, r->to);
    return ERR_OK;
}

static enum err put_zeros(struct rewrite_pb *r, size_t n)
{
    if ((size_t)(r->most - r->to) < n)
        TRY(make_room(r, n));
    memset(r->to, 0, n);
    r->to += n;
    return ERR_OK;
}

static enum err put_number(struct rewrite_pb *r, const struct pbvalue *v)
{
    char at[PBVALUE_MOST];
    size_t n = pbvalue_write(v, at);
    if ((size_t)(r->most - r->to) < n)
        TRY(make_room(r, n));
    memcpy(r->to, at, n);
    r->to += n;
    return ERR_OK;
}

static enum err put_key(struct rewrite_pb *r, uint32_t number, enum pbwire_type type)
{
    return put_varint(r, (uint64_t)number << 3 | (uint64_t)type);
}

/* The run up to here goes out, or nowhere. */
static inline enum err flush(struct rewrite_pb *r, size_t to)
{
    size_t from = r->run;
    r->run = to;
    if (from == to)
        return ERR_OK;
    return r->dropping ? ERR_OK : put(r, slice_of(r->window.at + from, to - from));
}

static enum err write_header(struct rewrite_pb *r, struct frame *f)
{
    TRY(flush(r, f->begin));
    TRY(put_key(r, f->out, PBWIRE_BYTES));
    f->header = position(r);
    f->reserve = pbvalue_varint_size(f->end - f->in);
    TRY(put_zeros(r, f->reserve));
    f->written = true;
    r->run = f->in;
    r->unwritten--;
    return ERR_OK;
}

/* Something changes here: the run ends, and the messages around it have their headers written. */
static inline enum err break_run(struct rewrite_pb *r, size_t at)
{
    for (size_t i = 1; r->unwritten && i < r->depth; i++)
        if (!r->frames[i].written)
            TRY(write_header(r, &r->frames[i]));
    return flush(r, at);
}

/* The message's length, now that it is known; what follows moves when it takes another number of bytes. */
static enum err set_length(struct rewrite_pb *r, size_t header, size_t reserve)
{
    size_t len = position(r) - header - reserve, size = pbvalue_varint_size(len);
    if (len > LENGTH_MOST)
        return no_room(r);
    if (size > reserve)
        TRY(put_zeros(r, size - reserve));
    char *at = r->out->mem + r->out->start + header;
    if (size != reserve)
        memmove(at + size, at + reserve, len);
    if (size < reserve) {
        settle(r);
        buf_cut(r->out, buf_len(r->out) - (reserve - size));
    }
    pbvalue_write_varint(len, r->out->mem + r->out->start + header);
    return ERR_OK;
}

/* ---- frames ---- */

static void push(struct rewrite_pb *r, const struct frame *f)
{
    if (r->depth == r->room) {
        r->room = r->room ? 2 * r->room : FRAMES;
        r->frames = mem_resize(r->frames, r->room, sizeof(*r->frames));
    }
    size_t marks = f->node ? f->node->out_count : 0;
    if (r->mark_count + marks > r->mark_room) {
        r->mark_room = 2 * (r->mark_count + marks);
        r->marks = mem_resize(r->marks, r->mark_room, sizeof(*r->marks));
    }
    r->frames[r->depth] = *f;
    r->frames[r->depth++].marks = r->mark_count;
    for (size_t i = 0; i < marks; i++)
        r->marks[r->mark_count++] = 0;
}

static void pop(struct rewrite_pb *r)
{
    r->mark_count = top(r)->marks;
    r->depth--;
}

static enum err open_frame(struct rewrite_pb *r, const struct field *f, struct frame new)
{
    if (r->depth > REWRITE_DEPTH)
        return refuse(r, f->begin, f->number, "a message is deeper than 128,");
    new.number = f->number;
    new.begin = f->begin;
    new.in = f->value;
    push(r, &new);
    return ERR_OK;
}

/* What must go out and has not. */
static enum err fill(struct rewrite_pb *r, size_t at)
{
    const struct frame *f = top(r);
    if (!f->node || !f->node->fills)
        return ERR_OK;
    for (const struct pbplan_out *o = f->node->outs; o; o = o->next) {
        if (o->fill == PBPLAN_NONE || r->marks[f->marks + (size_t)o->watch])
            continue;
        TRY(break_run(r, at));
        TRY(put(r, o->bytes));
        r->shared.applied[o->fill]++;
    }
    return ERR_OK;
}

static enum err close_message(struct rewrite_pb *r, size_t at)
{
    TRY(fill(r, at));
    struct frame f = *top(r);
    if (f.written) {
        TRY(flush(r, at));
        TRY(set_length(r, f.header, f.reserve));
    } else {
        r->unwritten--;
    }
    pop(r);
    return ERR_OK;
}

static enum err close_group(struct rewrite_pb *r, const struct field *f)
{
    const struct frame *group = top(r);
    if (!group->group || group->number != f->number)
        return refuse(r, f->begin, f->number, "not protobuf: the end of a group that is not open");
    if (!group->dropped)
        TRY(fill(r, f->begin));
    group = top(r);
    if (group->out != group->number && !r->dropping) {
        TRY(break_run(r, f->begin));
        TRY(put_key(r, group->out, PBWIRE_END));
        r->run = f->end;
    }
    if (group->dropped) {
        r->run = f->end;
        r->dropping--;
    }
    pop(r);
    return ERR_OK;
}

/* Two fields must not become one. */
static enum err mark(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f)
{
    if (rule->watch == PBPLAN_NONE)
        return ERR_OK;
    uint32_t *m = &r->marks[top(r)->marks + (size_t)rule->watch];
    if (*m && *m != f->number)
        return refuse(r, f->begin, f->number, "a field takes the number of another that is there already,");
    *m = f->number;
    return ERR_OK;
}

/* ---- values ---- */

static void count(struct rewrite_pb *r, int step)
{
    if (step != PBPLAN_NONE)
        r->shared.applied[step]++;
}

static enum err value_refused(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f,
                              const char *what)
{
    r->shared.offset = r->taken + f->begin;
    buf_putf(&r->shared.fault, "%s", pbvalue_name(rule->kind));
    if (rule->kind != rule->becomes)
        buf_putf(&r->shared.fault, " -> %s", pbvalue_name(rule->becomes));
    buf_putf(&r->shared.fault, ": the value %s,", what);
    put_place(r, f->number);
    buf_text(&r->shared.fault);
    return ERR_PEER;
}

static bool look_up(const struct pbplan_field *rule, int64_t from, int64_t *to)
{
    size_t low = 0, high = rule->table_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (rule->table[mid].from == from) {
            *to = rule->table[mid].to;
            return true;
        }
        if (rule->table[mid].from < from)
            low = mid + 1;
        else
            high = mid;
    }
    *to = rule->other;
    return rule->otherwise;
}

/* NULL: it became what it should. */
static const char *turn(struct rewrite_pb *r, const struct pbplan_field *rule, struct pbvalue *v)
{
    if (rule->change != PBPLAN_NONE) {
        int64_t to;
        if (!look_up(rule, (int64_t)v->bits, &to))
            return "is none that the plan has";
        v->bits = (uint64_t)to;
        count(r, rule->change);
    }
    if (rule->narrow != PBPLAN_NONE) {
        if (!pbvalue_within(v, rule->range->low, rule->range->high))
            return "is out of range";
        count(r, rule->narrow);
    }
    if (rule->cast == PBPLAN_NONE)
        return NULL;
    count(r, rule->cast);
    return pbvalue_convert(v, rule->becomes);
}

static enum err put_text(struct rewrite_pb *r, struct slice text)
{
    TRY(put_varint(r, text.len));
    return put(r, text);
}

/* One value with its key, or what is in the place of it. */
static enum err put_value(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f,
                          struct pbvalue *v)
{
    const char *fault = turn(r, rule, v);
    if (fault)
        return value_refused(r, rule, f, fault);
    if (rule->strip != PBPLAN_NONE && pbvalue_zero(v)) {
        count(r, rule->strip);
        return ERR_OK;
    }
    bool before = rule->watch != PBPLAN_NONE && r->marks[top(r)->marks + (size_t)rule->watch] == f->number;
    if (rule->head != PBPLAN_NONE && before) {
        count(r, rule->head);
        if (rule->pick == PLAN_ONLY)
            return value_refused(r, rule, f, "is one of several, and only one may be");
        if (rule->pick == PLAN_FIRST)
            return ERR_OK;
    }
    TRY(mark(r, rule, f));
    count(r, rule->rename);
    TRY(put_key(r, rule->out, pbvalue_wire(v->kind)));
    if (pbvalue_wire(v->kind) == PBWIRE_BYTES)
        return put_text(r, v->text);
    return put_number(r, v);
}

/* The next of a packed run. */
static bool next_packed(enum pbtype_kind kind, struct slice *run, uint64_t *word)
{
    if (pbvalue_wire(kind) == PBWIRE_VARINT)
        return pbwire_varint(run, word);
    size_t bytes = pbvalue_wire(kind) == PBWIRE_32 ? 4 : 8;
    if (run->len < bytes)
        return false;
    *word = 0;
    for (size_t i = 0; i < bytes; i++)
        *word |= (uint64_t)(unsigned char)run->at[i] << (8 * i);
    *run = slice_from(*run, bytes);
    return true;
}

/* Several in one run stay so, when what they become can. */
static enum err put_packed(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f,
                           struct slice run)
{
    struct pbvalue v = {0};
    uint64_t word;
    bool apart = rule->head != PBPLAN_NONE || !pbvalue_packs(rule->becomes);
    size_t reserve = pbvalue_varint_size(run.len);
    if (!apart) {
        TRY(mark(r, rule, f));
        count(r, rule->rename);
        TRY(put_key(r, rule->out, PBWIRE_BYTES));
    }
    size_t header = position(r);
    if (!apart)
        TRY(put_zeros(r, reserve));
    while (run.len) {
        if (!next_packed(rule->kind, &run, &word))
            return value_refused(r, rule, f, "is cut off in its packed run");
        pbvalue_set(&v, rule->kind, word);
        if (apart) {
            TRY(put_value(r, rule, f, &v));
            continue;
        }
        const char *fault = turn(r, rule, &v);
        if (fault)
            return value_refused(r, rule, f, fault);
        TRY(put_number(r, &v));
    }
    return apart ? ERR_OK : set_length(r, header, reserve);
}

/* base64, and back. */
static enum err put_code(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f,
                         struct slice text)
{
    struct buf b;
    buf_init(&b, BUF_TEXT_BOUND);
    if (rule->encodes) {
        struct buf digits;
        buf_init(&digits, BUF_TEXT_BOUND);
        hash_put_base64(&digits, text);
        pbwire_put_bytes(&b, buf_slice(&digits));
        buf_fini(&digits);
    }
    enum err e =
        rule->encodes || pbvalue_put_base64(text, &b) ? mark(r, rule, f) : value_refused(r, rule, f, "is no base64");
    if (e == ERR_OK)
        e = put_key(r, rule->out, PBWIRE_BYTES);
    if (e == ERR_OK)
        e = put(r, buf_slice(&b));
    buf_fini(&b);
    count(r, rule->code);
    count(r, rule->rename);
    return e;
}

/* PRE: the field is whole. */
static enum err put_judged(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f)
{
    struct pbvalue v = {.kind = rule->kind};
    struct slice text = slice_of(r->window.at + f->value, f->end - f->value);
    bool packed = f->type == PBWIRE_BYTES && pbvalue_packs(rule->kind);
    if (f->type != pbvalue_wire(rule->kind) && !packed)
        return value_refused(r, rule, f, "is written as none of this kind");
    TRY(break_run(r, f->begin));
    r->run = f->end;
    if (packed)
        return put_packed(r, rule, f, text);
    if (rule->code != PBPLAN_NONE)
        return put_code(r, rule, f, text);
    if (f->type == PBWIRE_BYTES)
        v.text = text;
    else
        pbvalue_set(&v, rule->kind, f->word);
    return put_value(r, rule, f, &v);
}

/* ---- reading ---- */

enum got { GOT, SHORT, WRONG };

static enum got wrong(struct rewrite_pb *r, size_t at, uint32_t number, const char *what)
{
    enum err e = refuse(r, at, number, what);
    return e == ERR_OK ? GOT : WRONG;
}

/* A varint of at most ten bytes, which fit in 64 bits. */
static inline enum got read_varint(const char *at, const char *end, uint64_t *word, const char **after)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < PBVALUE_MOST; i++) {
        if (at + i == end)
            return SHORT;
        uint64_t byte = (unsigned char)at[i];
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *word = value;
            *after = at + i + 1;
            return i < PBVALUE_MOST - 1 || byte <= 1 ? GOT : WRONG;
        }
    }
    return WRONG;
}

static enum got read_key(struct rewrite_pb *r, const char *at, const char *end, struct field *f, const char **after)
{
    uint64_t key;
    if (at < end && (unsigned char)*at < 0x80) {
        key = (unsigned char)*at;
        *after = at + 1;
    } else {
        enum got got = read_varint(at, end, &key, after);
        if (got == SHORT && end - at < KEY_MOST)
            return SHORT;
        if (got != GOT || *after - at > KEY_MOST || key > UINT32_MAX)
            return wrong(r, f->begin, 0, "not protobuf: a key of more than 32 bits");
    }
    f->number = (uint32_t)(key >> 3);
    f->type = (enum pbwire_type)(key & 7);
    if (f->number && (key & 7) <= PBWIRE_32)
        return GOT;
    return wrong(r, f->begin, f->number, f->number ? "not protobuf: wire type 6 or 7" : "not protobuf: field number 0");
}

static inline enum got read_word(struct rewrite_pb *r, const char *at, const char *end, struct field *f,
                                 const char **after)
{
    if (at < end && (unsigned char)*at < 0x80) {
        f->word = (unsigned char)*at;
        *after = at + 1;
        return GOT;
    }
    enum got got = read_varint(at, end, &f->word, after);
    if (got == WRONG)
        return wrong(r, f->begin, f->number, "not protobuf: a varint of more than 64 bits");
    return got;
}

static inline enum got read_fixed(const char *at, const char *end, size_t bytes, struct field *f, size_t value)
{
    f->end = value + bytes;
    if ((size_t)(end - at) < bytes)
        return SHORT;
    f->word = 0;
    for (size_t i = 0; i < bytes; i++)
        f->word |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return GOT;
}

/* The field that begins at f->begin, as far as its length or its value; `limit` is where its message ends, or the
 * window. */
static enum got read_field(struct rewrite_pb *r, size_t limit, struct field *f)
{
    const char *base = r->window.at, *end = base + limit, *at = base + f->begin, *after;
    enum got got = read_key(r, at, end, f, &after);
    if (got != GOT)
        return got;
    f->after_key = f->value = f->end = (size_t)(after - base);
    switch (f->type) {
    case PBWIRE_VARINT:
        got = read_word(r, after, end, f, &at);
        f->end = got == GOT ? (size_t)(at - base) : f->end;
        return got;
    case PBWIRE_64:
        return read_fixed(after, end, 8, f, f->value);
    case PBWIRE_32:
        return read_fixed(after, end, 4, f, f->value);
    case PBWIRE_BYTES:
        got = read_word(r, after, end, f, &at);
        if (got != GOT)
            return got;
        if (f->word > LENGTH_MOST)
            return wrong(r, f->begin, f->number, "not protobuf: a length of more than 2147483647");
        f->value = (size_t)(at - base);
        f->end = f->value + (size_t)f->word;
        return GOT;
    case PBWIRE_GROUP:
    case PBWIRE_END:
        break;
    }
    return GOT;
}

/* ---- one field ---- */

/* What one look at a field comes to. */
enum step { NEXT, WAIT, PASSING, FAILED };

static enum step step_of(enum err e, struct rewrite_pb *r)
{
    r->shared.stuck = e;
    return e == ERR_OK ? NEXT : FAILED;
}

static enum step cut_off(struct rewrite_pb *r, const struct field *f)
{
    return step_of(refuse(r, f->begin, f->number, "not protobuf: a field is longer than the message around it,"), r);
}

/* Nothing looks at what is in it; what is not here yet passes when it comes. */
static enum step skip(struct rewrite_pb *r, const struct field *f, size_t limit, bool drops)
{
    if (f->end <= limit)
        return NEXT;
    if (top(r)->within)
        return cut_off(r, f);
    r->pass = f->end - limit;
    r->pass_drops = drops || r->dropping;
    return PASSING;
}

static enum step drop(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f, size_t limit)
{
    enum err e = break_run(r, f->begin);
    if (e != ERR_OK)
        return step_of(e, r);
    count(r, rule->drop);
    if (f->type == PBWIRE_GROUP) {
        r->dropping++;
        struct frame group = {.group = true, .dropped = true, .written = true, .out = f->number};
        group.within = top(r)->within;
        group.end = limit;
        return step_of(open_frame(r, f, group), r);
    }
    r->run = f->end < limit ? f->end : limit;
    return skip(r, f, limit, true);
}

/* The key alone changes. */
static enum err renumber(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f)
{
    TRY(break_run(r, f->begin));
    TRY(put_key(r, rule->out, f->type));
    r->run = f->after_key;
    count(r, rule->rename);
    return ERR_OK;
}

static enum step open_group(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f, size_t limit)
{
    struct frame group = {.group = true, .written = true, .out = rule ? rule->out : f->number};
    group.node = rule ? rule->inside : NULL;
    group.within = top(r)->within;
    group.end = limit;
    if (rule && rule->rename != PBPLAN_NONE) {
        enum err e = renumber(r, rule, f);
        if (e != ERR_OK)
            return step_of(e, r);
    }
    return step_of(open_frame(r, f, group), r);
}

static enum err open_message(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f)
{
    struct frame message = {.node = rule->inside, .within = true, .out = rule->out, .end = f->end};
    TRY(open_frame(r, f, message));
    r->unwritten++;
    count(r, rule->enter);
    if (rule->rename == PBPLAN_NONE)
        return ERR_OK;
    count(r, rule->rename);
    return break_run(r, f->value);
}

/* Must it be whole before anything can go on? */
static enum step want_whole(struct rewrite_pb *r, const struct field *f, size_t limit)
{
    if (f->end - f->begin > r->max_hold)
        return step_of(too_large(r, f->begin, f->number), r);
    if (f->end <= limit)
        return NEXT;
    if (top(r)->within)
        return cut_off(r, f);
    r->need = f->end - f->begin;
    return WAIT;
}

static enum step touch(struct rewrite_pb *r, const struct pbplan_field *rule, const struct field *f, size_t limit)
{
    if (rule->drop != PBPLAN_NONE)
        return drop(r, rule, f, limit);
    bool enters = rule->inside && f->type == PBWIRE_BYTES;
    if (rule->judged || enters) {
        enum step s = want_whole(r, f, limit);
        if (s != NEXT)
            return s;
    }
    if (rule->judged)
        return step_of(put_judged(r, rule, f), r);
    enum err e = mark(r, rule, f);
    if (e == ERR_OK && rule->inside && !enters && f->type != PBWIRE_GROUP)
        e = refuse(r, f->begin, f->number, "a field should be a message and is none,");
    if (e != ERR_OK)
        return step_of(e, r);
    if (f->type == PBWIRE_GROUP)
        return open_group(r, rule, f, limit);
    if (enters)
        return step_of(open_message(r, rule, f), r);
    if (rule->rename != PBPLAN_NONE && (e = renumber(r, rule, f)) != ERR_OK)
        return step_of(e, r);
    return skip(r, f, limit, false);
}

/* ---- the bytes at hand ---- */

/* Where the next field must end at the latest. */
static size_t limit_of(struct rewrite_pb *r)
{
    return top(r)->within ? top(r)->end : r->window.len;
}

static enum step short_of(struct rewrite_pb *r, const struct field *f, size_t limit)
{
    if (top(r)->within)
        return cut_off(r, f);
    r->need = limit - f->begin + 1;
    return WAIT;
}

static enum step some_fields(struct rewrite_pb *r, size_t *at)
{
    size_t limit = limit_of(r);
    const struct pbplan_node *node = top(r)->node;
    struct field f = {.begin = *at};
    size_t depth = r->depth;
    enum step s = NEXT;
    /* Fields that nothing looks at, one after the other: most are. */
    for (;;) {
        if (f.begin >= limit)
            break;
        enum got got = read_field(r, limit, &f);
        if (got == WRONG)
            return step_of(ERR_PEER, r);
        if (got == SHORT) {
            s = short_of(r, &f, limit);
            break;
        }
        const struct pbplan_field *rule = node ? pbplan_field(node, f.number) : NULL;
        if (rule && f.type != PBWIRE_END)
            s = touch(r, rule, &f, limit);
        else if (f.type == PBWIRE_END)
            s = step_of(close_group(r, &f), r);
        else if (f.type == PBWIRE_GROUP)
            s = open_group(r, NULL, &f, limit);
        else
            s = skip(r, &f, limit, false);
        if (s == WAIT || s == FAILED)
            break;
        bool moved = r->depth != depth;
        f.begin = s == PASSING ? limit : moved && f.type == PBWIRE_BYTES ? f.value : f.end;
        if (s == PASSING || moved)
            break;
    }
    *at = f.begin;
    return s;
}

/* Looks at the window; `*used` bytes need not be seen again. */
static enum err look(struct rewrite_pb *r, struct slice window, size_t *used)
{
    size_t at = 0;
    enum step s = NEXT;
    r->window = window;
    r->run = 0;
    while (s == NEXT) {
        bool message = r->depth > 1 && top(r)->within && !top(r)->group;
        if (at == limit_of(r) && message) {
            s = step_of(close_message(r, at), r);
        } else if (at == limit_of(r)) {
            if (top(r)->within)
                return r->shared.stuck = refuse(r, at, 0, "not protobuf: a group does not end in its message,");
            break;
        } else {
            s = some_fields(r, &at);
        }
    }
    if (s == FAILED)
        return r->shared.stuck;
    *used = at;
    return flush(r, at);
}

/* Bytes that nothing looks at. */
static enum err pass_on(struct rewrite_pb *r, struct slice *bytes)
{
    struct slice some = slice_to(*bytes, r->pass < bytes->len ? (size_t)r->pass : bytes->len);
    r->window = some;
    r->run = 0;
    if (!r->pass_drops)
        TRY(put(r, some));
    r->pass -= some.len;
    r->taken += some.len;
    *bytes = slice_from(*bytes, some.len);
    return ERR_OK;
}

/* The field that was not whole gets more; it is looked at when it is, and then the bytes go on. */
static enum err take_held(struct rewrite_pb *r, struct slice *bytes)
{
    size_t used = 0, more = r->need - buf_len(&r->held);
    struct slice some = slice_to(*bytes, more);
    buf_put(&r->held, some);
    *bytes = slice_from(*bytes, some.len);
    if (some.len < more)
        return ERR_OK;
    TRY(look(r, buf_slice(&r->held), &used));
    if (used == 0)
        return ERR_OK;
    POST(used == buf_len(&r->held));
    r->taken += used;
    buf_clear(&r->held);
    if (r->held.cap > KEEP_MEMORY)
        buf_trim(&r->held);
    return ERR_OK;
}

static enum err take_some(struct rewrite_pb *r, struct slice *bytes)
{
    if (r->pass)
        return pass_on(r, bytes);
    if (buf_len(&r->held))
        return take_held(r, bytes);
    size_t used = 0;
    TRY(look(r, *bytes, &used));
    r->taken += used;
    buf_put(&r->held, slice_from(*bytes, used));
    *bytes = (struct slice){0};
    return ERR_OK;
}

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct rewrite_pb *r = pb_of(shared);
    r->out = out;
    enum err e = ERR_OK;
    while (bytes.len && e == ERR_OK)
        e = take_some(r, &bytes);
    settle(r);
    return e;
}

static enum err finish(struct rewrite *shared, struct buf *out)
{
    struct rewrite_pb *r = pb_of(shared);
    r->out = out;
    r->window = (struct slice){0};
    r->run = 0;
    if (r->pass || buf_len(&r->held))
        return refuse(r, buf_len(&r->held), 0, "not protobuf: the body ends within a field");
    if (r->depth > 1)
        return refuse(r, 0, 0, "not protobuf: the body ends within a group");
    enum err e = fill(r, 0);
    settle(r);
    return e;
}

static void begin(struct rewrite_pb *r)
{
    r->depth = 0;
    r->mark_count = 0;
    push(r, &(struct frame){.node = r->plan->nodes, .written = true});
}

static void fini(struct rewrite *shared)
{
    struct rewrite_pb *r = pb_of(shared);
    buf_fini(&r->held);
    mem_free(r->frames);
    mem_free(r->marks);
}

static const struct rewrite_format pb_format = {.feed = feed, .finish = finish, .fini = fini};

struct rewrite *rewrite_pb_stage(struct plan *plan, const struct pbplan *stage, size_t max_hold)
{
    struct rewrite_pb *r = mem_new(sizeof(*r));
    rewrite_init(&r->shared, &pb_format, plan);
    r->plan = stage;
    r->max_hold = max_hold < LENGTH_MOST ? max_hold : LENGTH_MOST;
    buf_init(&r->held, BUF_TEXT_BOUND);
    r->held.bound = SIZE_MAX / 2; /* max_hold bounds it */
    begin(r);
    return &r->shared;
}

struct rewrite *rewrite_pb_new(struct plan *plan, size_t max_hold)
{
    return rewrite_pb_stage(plan, plan_protobuf(plan), max_hold);
}

void rewrite_pb_again(struct rewrite *shared)
{
    struct rewrite_pb *r = pb_of(shared);
    PRE(r->shared.stuck == ERR_OK && r->depth == 1);
    r->taken = 0;
    begin(r);
}
