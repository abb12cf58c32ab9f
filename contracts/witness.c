#include "contracts/witness.h"

#include <stdio.h>

#include "base/json_out.h"
#include "contracts/conforms.h"

/* A type that needs itself has no finite value; deeper than this we take it for one. */
enum { DEEPEST = 12, LONGEST = 4096, VALUE_BYTES = 1 << 14 };

struct making {
    const struct shape *shape;
    unsigned depth;
    bool full;      /* optional members too */
    size_t choice;  /* which of several values, at the outermost */
    bool exhausted; /* `choice` is past the last */
    bool endless;
};

static void make_position(struct making *m, const struct shape_position *p, struct json_out *j);
static void make_type(struct making *m, const struct shape_type *t, const struct shape_position *p, struct json_out *j);

static uint64_t count_of(struct slice bound, uint64_t otherwise)
{
    uint64_t n;
    return slice_u64(bound, LONGEST, &n) == ERR_OK ? n : otherwise;
}

static void make_string(const struct shape_position *p, struct json_out *j, uint64_t length)
{
    struct buf text;
    buf_init(&text, LONGEST + 1);
    uint64_t least = p ? count_of(shape_tightest(p, SHAPE_MIN_LENGTH), 0) : 0;
    for (uint64_t i = 0; i < (length > least ? length : least); i++)
        buf_put_char(&text, 'a');
    json_out_slice(j, buf_slice(&text));
    buf_fini(&text);
}

static void make_object(struct making *m, const struct shape_type *t, struct json_out *j)
{
    json_out_object(j);
    for (const struct shape_position *p = t->parts; p; p = p->next) {
        if (!p->required && (!m->full || m->depth > 1))
            continue;
        json_out_name_slice(j, p->member);
        make_position(m, p, j);
    }
    json_out_end(j);
}

static void make_array(struct making *m, const struct shape_type *t, const struct shape_position *p, struct json_out *j,
                       uint64_t length)
{
    uint64_t least = p ? count_of(shape_tightest(p, SHAPE_MIN_ITEMS), 0) : 0;
    json_out_array(j);
    for (uint64_t i = 0; i < (length > least ? length : least) && i < 16; i++)
        make_position(m, t->parts, j);
    json_out_end(j);
}

static struct slice number_at(const struct shape_type *t, const struct shape_position *p)
{
    struct slice least = p ? shape_tightest(p, SHAPE_MIN) : (struct slice){0};
    struct slice most = p ? shape_tightest(p, SHAPE_MAX) : (struct slice){0};
    (void)t;
    if (least.len && shape_decimal_cmp(least, SLICE("0")) > 0)
        return least;
    if (most.len && shape_decimal_cmp(most, SLICE("0")) < 0)
        return most;
    return SLICE("0");
}

static void make_map(struct making *m, const struct shape_type *t, const struct shape_position *p, struct json_out *j)
{
    uint64_t least = p ? count_of(shape_tightest(p, SHAPE_MIN_ITEMS), 0) : 0;
    json_out_object(j);
    for (uint64_t i = 0; i < least && i < 16; i++) {
        char key[24];
        snprintf(key, sizeof(key), "%llu", (unsigned long long)i);
        json_out_name(j, key);
        make_position(m, t->parts->next, j);
    }
    json_out_end(j);
}

/* The branch that ends soonest: a scalar, else a record that needs no union, else the first. */
static const struct shape_position *simplest(const struct shape_type *t)
{
    const struct shape_position *best = t->parts;
    unsigned least = 3;
    for (const struct shape_position *b = t->parts; b; b = b->next) {
        const struct shape_type *base = shape_base(b->type);
        unsigned cost = !base ? 3 : base->kind == SHAPE_UNION ? 2 : base->kind == SHAPE_RECORD ? 1 : 0;
        for (const struct shape_position *p = cost == 1 ? base->parts : NULL; p; p = p->next) {
            const struct shape_type *inner = shape_base(p->type);
            if (p->required && (!inner || inner->kind == SHAPE_UNION || inner->kind == SHAPE_RECORD))
                cost = 2;
        }
        if (cost < least) {
            least = cost;
            best = b;
        }
    }
    return best;
}

/* The smallest value of a type. */
static void make_type(struct making *m, const struct shape_type *t, const struct shape_position *p, struct json_out *j)
{
    switch (t->kind) {
    case SHAPE_ANY:
    case SHAPE_ALIAS:
        json_out_null(j);
        break;
    case SHAPE_BOOL:
        json_out_bool(j, true);
        break;
    case SHAPE_STRING:
    case SHAPE_BYTES:
        make_string(p, j, 0);
        break;
    case SHAPE_WHOLE:
    case SHAPE_REAL:
        json_out_raw(j, number_at(t, p));
        break;
    case SHAPE_RECORD:
        make_object(m, t, j);
        break;
    case SHAPE_ENUM:
        json_out_slice(j, t->symbol_count ? t->symbols[0]->text[1] : SLICE("?"));
        break;
    case SHAPE_LIST:
        make_array(m, t, p, j, 0);
        break;
    case SHAPE_MAP:
        make_map(m, t, p, j);
        break;
    case SHAPE_UNION:
        make_position(m, simplest(t), j);
        break;
    }
}

static void make_position(struct making *m, const struct shape_position *p, struct json_out *j)
{
    const struct shape_type *t = shape_base(p->type);
    if (m->depth == DEEPEST || !t || (t->kind == SHAPE_UNION && !t->parts) || m->endless || shape_opaque(p) ||
        buf_len(j->out) > VALUE_BYTES) {
        m->endless = true;
        json_out_null(j);
        return;
    }
    m->depth++;
    make_type(m, t, p, j);
    m->depth--;
}

static void choose_text(struct making *m, const struct shape_position *p, struct json_out *j, bool free)
{
    static const char *const samples[] = {"", "a", "?!", "another symbol"};
    struct slice most = p ? shape_tightest(p, SHAPE_MAX_LENGTH) : (struct slice){0};
    if (m->choice < 4 && free)
        json_out_str(j, samples[m->choice]);
    else if (m->choice < 4)
        make_string(p, j, m->choice * 4);
    else if (m->choice == 4)
        make_string(p, j, 0);
    else
        make_string(p, j, count_of(most, LONGEST));
    m->exhausted = m->choice >= 5;
}

static void choose_number(struct making *m, const struct shape_type *t, const struct shape_position *p,
                          struct json_out *j)
{
    struct slice least = p ? shape_tightest(p, SHAPE_MIN) : (struct slice){0};
    struct slice most = p ? shape_tightest(p, SHAPE_MAX) : (struct slice){0};
    struct slice samples[] = {
        number_at(t, p),
        p ? shape_tightest(p, SHAPE_ABOVE) : (struct slice){0},
        p ? shape_tightest(p, SHAPE_BELOW) : (struct slice){0},
        SLICE("0.5"),
        SLICE("1"),
        SLICE("-1"),
        SLICE("2147483648"),
        SLICE("4294967296"),
        SLICE("9007199254740993"),
        SLICE("9223372036854775808"),
        SLICE("18446744073709551616"),
        SLICE("-2147483649"),
        SLICE("-9223372036854775809"),
        t->least,
        t->most,
        least,
        most,
    };
    size_t count = sizeof(samples) / sizeof(samples[0]);
    struct slice sample = samples[m->choice < count ? m->choice : 0];
    json_out_raw(j, sample.len ? sample : SLICE("0"));
    m->exhausted = m->choice + 1 >= count;
}

static void choose_symbol(struct making *m, const struct shape_type *t, struct json_out *j)
{
    bool stranger = m->choice >= t->symbol_count;
    json_out_slice(j, stranger ? SLICE("a symbol not known yet") : t->symbols[m->choice]->text[1]);
    m->exhausted = m->choice >= t->symbol_count;
}

static void choose_array(struct making *m, const struct shape_type *t, const struct shape_position *p,
                         struct json_out *j)
{
    static const uint64_t lengths[] = {0, 1, 2};
    struct slice most = p ? shape_tightest(p, SHAPE_MAX_ITEMS) : (struct slice){0};
    if (t->kind == SHAPE_MAP)
        make_map(m, t, p, j);
    else
        make_array(m, t, p, j, m->choice < 3 ? lengths[m->choice] : count_of(most, 16));
    m->exhausted = m->choice >= 3;
}

/* One of several values that together show what a type may look like. */
static void choose(struct making *m, const struct shape_type *t, const struct shape_position *p, struct json_out *j)
{
    m->depth = 1;
    switch (t->kind) {
    case SHAPE_STRING:
        choose_text(m, p, j, true);
        break;
    case SHAPE_BYTES:
        choose_text(m, p, j, false);
        break;
    case SHAPE_WHOLE:
    case SHAPE_REAL:
        choose_number(m, t, p, j);
        break;
    case SHAPE_ENUM:
        choose_symbol(m, t, j);
        break;
    case SHAPE_LIST:
    case SHAPE_MAP:
        choose_array(m, t, p, j);
        break;
    case SHAPE_RECORD:
        m->full = m->choice > 0;
        make_object(m, t, j);
        m->exhausted = m->full;
        break;
    case SHAPE_UNION: {
        const struct shape_position *b = t->parts;
        for (size_t i = 0; b->next && i < m->choice / 2; i++)
            b = b->next;
        m->full = m->choice % 2;
        make_position(m, b, j);
        m->exhausted = !b->next && m->full;
        break;
    }
    case SHAPE_ANY: {
        static const char *const samples[] = {"null", "true", "0.5", "\"?!\"", "[]", "{}"};
        json_out_raw(j, slice_str(samples[m->choice < 6 ? m->choice : 0]));
        m->exhausted = m->choice >= 5;
        break;
    }
    case SHAPE_BOOL:
    case SHAPE_ALIAS:
        make_type(m, t, p, j);
        m->exhausted = true;
        break;
    }
}

struct end {
    const struct shape_position *position; /* NULL: a type itself */
    const struct shape_type *type;
};

static struct end end_of(const struct shape *s, struct slice name)
{
    struct end e = {.position = shape_position(s, name)};
    e.type = shape_base(e.position ? e.position->type : shape_type(s, name));
    return e;
}

static bool takes(const struct end *e, const struct json_value *v)
{
    return e->position ? conforms(e->position, v) : conforms_type(e->type, v);
}

static bool shows(const struct end *writer, const struct end *reader, struct slice json)
{
    struct arena arena;
    arena_init(&arena, 0);
    const struct json_value *v;
    bool good = json_value_read(json, &arena, &v) == ERR_OK && takes(writer, v) && !takes(reader, v);
    arena_fini(&arena);
    return good;
}

static enum err try_hint(const struct end *writer, const struct end *reader, struct slice hint, struct buf *out)
{
    struct buf value;
    struct json_out j;
    buf_init(&value, BUF_TEXT_BOUND);
    json_out_init(&j, &value, 0);
    json_out_slice(&j, hint);
    bool good = hint.len > 0 && shows(writer, reader, buf_slice(&value));
    if (good)
        buf_put(out, buf_slice(&value));
    buf_fini(&value);
    return good ? ERR_OK : ERR_ABSENT;
}

static const struct shape_position *part_named(const struct shape_type *t, struct slice name)
{
    for (const struct shape_position *p = t->parts; p; p = p->next)
        if (slice_eq(p->member, name))
            return p;
    return NULL;
}

/* The least object, and one member more. */
static bool shows_extra(const struct end *writer, const struct end *reader, struct making *m, struct slice name,
                        const char *json, struct buf *value)
{
    struct json_out j;
    buf_clear(value);
    json_out_init(&j, value, 0);
    *m = (struct making){.shape = m->shape, .depth = 1};
    json_out_object(&j);
    for (const struct shape_position *own = writer->type->parts; own; own = own->next) {
        if (!own->required)
            continue;
        json_out_name_slice(&j, own->member);
        make_position(m, own, &j);
    }
    json_out_name_slice(&j, name);
    json_out_raw(&j, slice_str(json));
    json_out_end(&j);
    return !m->endless && shows(writer, reader, buf_slice(value));
}

/* An open record may send a member that it does not name and the reader does, or refuses. */
static enum err try_extra(const struct end *writer, const struct end *reader, struct making *m, struct buf *out)
{
    static const char *const samples[] = {"true", "0.5", "\"?!\"", "[]"};
    if (writer->type->kind != SHAPE_RECORD || writer->type->closed || reader->type->kind != SHAPE_RECORD)
        return ERR_ABSENT;
    bool shown = false;
    struct buf value;
    buf_init(&value, BUF_TEXT_BOUND);
    for (size_t i = 0; i < 4 && !shown; i++)
        shown = shows_extra(writer, reader, m, SLICE("another"), samples[i], &value);
    for (const struct shape_position *p = reader->type->parts; p && !shown; p = p->next)
        for (size_t i = 0; i < 4 && !shown && !part_named(writer->type, p->member); i++)
            shown = shows_extra(writer, reader, m, p->member, samples[i], &value);
    if (shown)
        buf_put(out, buf_slice(&value));
    buf_fini(&value);
    return shown ? ERR_OK : ERR_ABSENT;
}

enum { CHOICES = 1024, ATTEMPT_COST = 256 };

enum err witness_find(const struct witness_pair *pair, struct buf *out)
{
    struct end writer = end_of(pair->writer, pair->from), reader = end_of(pair->reader, pair->to);
    if (!writer.type || !reader.type || *pair->budget == 0)
        return ERR_ABSENT;
    bool nothing = writer.type->kind == SHAPE_UNION && !writer.type->parts;
    if (nothing || (writer.position ? shape_opaque(writer.position) : writer.type->rule.opaque))
        return ERR_ABSENT;
    if (writer.position && shape_nullable(writer.position) && shows(&writer, &reader, SLICE("null"))) {
        buf_put(out, SLICE("null"));
        return ERR_OK;
    }
    struct making m = {.shape = pair->writer};
    struct buf value;
    buf_init(&value, BUF_TEXT_BOUND);
    enum err result = try_hint(&writer, &reader, pair->hint, out);
    for (m.choice = 0; m.choice < CHOICES && !m.exhausted && result != ERR_OK && *pair->budget > 0; m.choice++) {
        struct json_out j;
        buf_clear(&value);
        json_out_init(&j, &value, 0);
        m.endless = false;
        choose(&m, writer.type, writer.position, &j);
        uint64_t cost = buf_len(&value) + ATTEMPT_COST;
        *pair->budget -= cost < *pair->budget ? cost : *pair->budget;
        if (m.endless || !shows(&writer, &reader, buf_slice(&value)))
            continue;
        buf_put(out, buf_slice(&value));
        result = ERR_OK;
    }
    if (result != ERR_OK)
        result = try_extra(&writer, &reader, &m, out);
    buf_fini(&value);
    return result;
}

struct wrapping {
    const struct shape *shape;
    const struct witness_step *way;
    size_t count;
    struct slice value;
};

static void wrap(struct making *m, const struct wrapping *w, const struct shape_type *t, size_t at, struct json_out *j);

static void wrap_object(struct making *m, const struct wrapping *w, const struct shape_type *t, size_t at,
                        struct json_out *j)
{
    bool placed = false;
    json_out_object(j);
    for (const struct shape_position *p = t->parts; p; p = p->next) {
        bool on_way = slice_eq(p->name, w->way[at].position);
        placed = placed || on_way;
        if (!on_way && !p->required)
            continue;
        json_out_name_slice(j, p->member);
        if (on_way)
            wrap(m, w, shape_base(p->type), at + 1, j);
        else
            make_position(m, p, j);
    }
    /* A member that the record does not name: what else would have to be there is not known here. */
    m->endless = m->endless || !placed;
    json_out_end(j);
}

static void wrap(struct making *m, const struct wrapping *w, const struct shape_type *t, size_t at, struct json_out *j)
{
    while (at < w->count && w->way[at].kind == WITNESS_SAME) {
        const struct shape_position *p = shape_position(w->shape, w->way[at].position);
        t = shape_base(p ? p->type : shape_type(w->shape, w->way[at].position));
        at++;
    }
    if (at == w->count || !t || at >= JSON_OUT_DEPTH / 2) {
        m->endless = m->endless || at < w->count || !t;
        json_out_raw(j, w->value);
        return;
    }
    if (w->way[at].kind == WITNESS_MEMBER) {
        wrap_object(m, w, t, at, j);
        return;
    }
    bool item = w->way[at].kind == WITNESS_ITEM;
    const struct shape_position *p = t->kind == SHAPE_RECORD ? t->extra : t->parts;
    p = t->kind == SHAPE_MAP && p && !item ? p->next : p;
    if (!p || !slice_eq(p->name, w->way[at].position)) {
        m->endless = true;
        json_out_raw(j, w->value);
        return;
    }
    if (item) {
        json_out_array(j);
    } else {
        json_out_object(j);
        json_out_name(j, "key");
    }
    wrap(m, w, shape_base(p->type), at + 1, j);
    json_out_end(j);
}

enum err witness_wrap(const struct shape *writer, const struct witness_step *way, size_t count, struct slice value,
                      struct buf *out)
{
    struct making m = {.shape = writer};
    struct wrapping w = {.shape = writer, .way = way, .count = count, .value = value};
    struct buf body;
    struct json_out j;
    buf_init(&body, BUF_TEXT_BOUND);
    json_out_init(&j, &body, 0);
    /* The way begins with the body's own position, which says its type. */
    wrap(&m, &w, NULL, 0, &j);
    if (!m.endless)
        buf_put(out, buf_slice(&body));
    buf_fini(&body);
    return m.endless ? ERR_ABSENT : ERR_OK;
}
