#include "contracts/witness.h"

#include "base/json_out.h"
#include "contracts/conforms.h"
#include "contracts/resolve.h"

/* A position, or a type as if one stood there. */
struct end {
    const struct shape_position *position;
    struct shape_position made;
};

static bool find_end(const struct shape *s, struct slice name, struct end *e)
{
    e->position = shape_position(s, name);
    if (!e->position) {
        e->made = (struct shape_position){
            .name = name, .type_name = name, .type = shape_type(s, name), .more = &shape_no_more};
        e->position = &e->made;
    }
    return shape_base(e->position->type) != NULL;
}

static bool both_avro(const struct witness_pair *pair)
{
    return pair->writer->avro && pair->reader->avro;
}

static bool refuses(const struct witness_pair *pair, const struct end *writer, const struct end *reader,
                    const struct json_value *v)
{
    if (both_avro(pair))
        return resolve_value(writer->position, reader->position, v, pair->any_branch) == ANSWER_NO;
    struct conforms_question q = {.position = reader->position, .direction = pair->direction};
    if (conforms_judge(&q, v) != ANSWER_NO)
        return false;
    if (pair->word.len == 0)
        return true;
    q.without = pair->word;
    q.text = pair->text;
    return conforms_judge(&q, v) != ANSWER_NO;
}

static bool may_send(const struct witness_pair *pair, const struct end *writer, const struct json_value *v)
{
    struct conforms_question q = {.position = writer->position, .direction = pair->direction};
    return conforms_judge(&q, v) == ANSWER_YES;
}

struct finding {
    const struct witness_pair *pair;
    struct end writer, reader;
    struct slice found;
};

static bool body_shows(const struct witness_pair *pair, struct slice value)
{
    struct buf body;
    buf_init(&body, BUF_TEXT_BOUND);
    bool good = witness_wrap(pair, pair->way, pair->way_count, value, &body) == ERR_OK;
    buf_fini(&body);
    return good;
}

static bool shows(void *arg, struct slice json)
{
    struct finding *f = arg;
    struct arena arena;
    const struct json_value *v;
    arena_init(&arena, 0);
    bool good = json_value_read(json, &arena, &v) == ERR_OK && refuses(f->pair, &f->writer, &f->reader, v) &&
                may_send(f->pair, &f->writer, v);
    arena_fini(&arena);
    good = good && (!f->pair->body || body_shows(f->pair, json));
    if (good)
        f->found = json;
    return good;
}

static struct slice quoted(struct arena *a, struct slice text)
{
    struct buf b;
    struct json_out j;
    buf_init(&b, BUF_TEXT_BOUND);
    json_out_init(&j, &b, 0);
    json_out_slice(&j, text);
    struct slice kept = arena_keep(a, buf_slice(&b));
    buf_fini(&b);
    return kept;
}

enum err witness_find(const struct witness_pair *pair, struct buf *out)
{
    struct finding f = {.pair = pair};
    struct hint hint;
    if (pair->work->budget == 0 || !find_end(pair->writer, pair->from, &f.writer) ||
        !find_end(pair->reader, pair->to, &f.reader))
        return ERR_ABSENT;
    hint_init(&hint, &pair->work->arena);
    if (pair->hint.len) {
        hint_add(&hint.names, pair->hint);
        hint_add(&hint.texts, pair->hint);
    }
    hint_learn(&hint, f.reader.position);
    hint_learn(&hint, f.writer.position);
    struct sample s = {.work = pair->work, .direction = pair->direction, .hint = &hint};
    bool shown = pair->hint.len && shows(&f, quoted(&pair->work->arena, pair->hint));
    if (!shown && !sample_each(&s, f.writer.position, shows, &f))
        return ERR_ABSENT;
    buf_put(out, f.found);
    return ERR_OK;
}

/* --- Bodies. */

/* Lists in lists grow quickly. */
enum { ROOM = JSON_VALUE_BYTES / 2 };

struct wrapping {
    const struct witness_pair *pair;
    const struct witness_step *way;
    size_t count;
    struct slice value;
    struct sample sample;
    unsigned full; /* 1: members that need not be there are; 2: so are some that nobody declares */
    bool stuck;    /* something around the value has no value, or the way leads nowhere */
};

static void wrap(struct wrapping *w, const struct shape_type *t, const struct shape_position *p, size_t at,
                 struct json_out *j);

static void put_sure(struct wrapping *w, const struct shape_position *p, struct json_out *j)
{
    struct slice sure = sample_sure(&w->sample, p);
    w->stuck = w->stuck || sure.len == 0;
    json_out_raw(j, sure.len ? sure : SLICE("null"));
}

static bool stands_here(const struct wrapping *w, const struct shape_position *p)
{
    return p->more->only.len == 0 || slice_eq(p->more->only, w->pair->direction);
}

/* A member that need not be there, if there is a value for it. */
static bool put_more(struct wrapping *w, const struct shape_position *p, struct json_out *j)
{
    struct slice sure = sample_sure(&w->sample, p);
    if (sure.len == 0)
        return false;
    json_out_name_slice(j, p->member);
    json_out_raw(j, sure);
    return true;
}

static bool put_mentioned(const struct shape_type *t, struct slice name, struct json_out *j)
{
    for (const struct shape_position *p = t->parts; p; p = p->next)
        if (slice_eq(p->member, name))
            return false;
    json_out_name_slice(j, name);
    json_out_bool(j, true);
    return true;
}

static uint64_t least_count(struct wrapping *w, const struct shape_position *p)
{
    uint64_t least = 0;
    struct slice bound = p ? shape_tightest(p, SHAPE_MIN_ITEMS) : (struct slice){0};
    if (bound.len && slice_u64(bound, 1024, &least) != ERR_OK)
        w->stuck = true;
    return least;
}

static void put_strangers(struct wrapping *w, const struct shape_type *t, uint64_t made, uint64_t least,
                          struct json_out *j)
{
    for (; made < least && !t->closed && !w->stuck; made++) {
        json_out_name_slice(j, arena_putf(&w->pair->work->arena, "k%llu", (unsigned long long)made));
        if (t->extra)
            put_sure(w, t->extra, j);
        else
            json_out_bool(j, true);
    }
}

static void wrap_object(struct wrapping *w, const struct shape_type *t, const struct shape_position *object, size_t at,
                        struct json_out *j)
{
    bool placed = false;
    uint64_t made = 0, least = least_count(w, object);
    json_out_object(j);
    for (const struct shape_position *p = t->parts; p; p = p->next) {
        bool on_way = slice_eq(p->name, w->way[at].position);
        placed = placed || on_way;
        if (!on_way && !stands_here(w, p))
            continue;
        if (!on_way && !p->required) {
            made += w->full && put_more(w, p, j);
            continue;
        }
        made++;
        json_out_name_slice(j, p->member);
        if (on_way)
            wrap(w, shape_base(p->type), p, at + 1, j);
        else
            put_sure(w, p, j);
    }
    for (size_t i = 0; w->full == 2 && !t->closed && !t->extra && i < w->sample.hint->names.count; i++)
        made += put_mentioned(t, w->sample.hint->names.v[i], j);
    put_strangers(w, t, made, least, j);
    /* A member that the record does not name. */
    if (!placed && t->extra && w->way[at].name.len && slice_eq(t->extra->name, w->way[at].position)) {
        json_out_name_slice(j, w->way[at].name);
        wrap(w, shape_base(t->extra->type), t->extra, at + 1, j);
        placed = true;
    }
    w->stuck = w->stuck || !placed;
    json_out_end(j);
}

/* Items before it, and elements behind it until there are enough. */
static void wrap_list(struct wrapping *w, const struct shape_type *t, const struct shape_position *list, size_t at,
                      struct json_out *j)
{
    uint64_t least = least_count(w, list), made = 0;
    json_out_array(j);
    const struct shape_position *target = NULL, *i = t->items;
    for (; i && !target; i = i->next, made++) {
        if (slice_eq(i->name, w->way[at].position))
            target = i;
        else
            put_sure(w, i, j);
        if (target)
            wrap(w, shape_base(i->type), i, at + 1, j);
    }
    if (!target && t->parts && slice_eq(t->parts->name, w->way[at].position)) {
        target = t->parts;
        /* The reader may name more places. */
        bool room = true;
        for (unsigned again = 0; again <= 2 * w->full && room; again++, made++, room = buf_len(j->out) < ROOM)
            wrap(w, shape_base(target->type), target, at + 1, j);
    }
    for (; made < least && t->parts && !w->stuck; made++, i = i ? i->next : NULL)
        put_sure(w, i ? i : t->parts, j);
    w->stuck = w->stuck || !target;
    json_out_end(j);
}

static void wrap_map(struct wrapping *w, const struct shape_type *t, const struct shape_position *map, size_t at,
                     struct json_out *j)
{
    const struct shape_position *value = t->kind == SHAPE_RECORD ? t->extra : t->parts ? t->parts->next : NULL;
    uint64_t least = least_count(w, map);
    bool fits = value && slice_eq(value->name, w->way[at].position);
    json_out_object(j);
    for (const struct shape_position *p = t->kind == SHAPE_RECORD ? t->parts : NULL; p; p = p->next) {
        if (!p->required || !stands_here(w, p))
            continue;
        json_out_name_slice(j, p->member);
        put_sure(w, p, j);
    }
    json_out_name(j, "key");
    if (fits)
        wrap(w, shape_base(value->type), value, at + 1, j);
    else
        json_out_raw(j, w->value);
    for (uint64_t i = 1; i < least && fits && !w->stuck; i++) {
        json_out_name_slice(j, arena_putf(&w->pair->work->arena, "key%llu", (unsigned long long)i));
        put_sure(w, value, j);
    }
    w->stuck = w->stuck || !fits;
    json_out_end(j);
}

static void wrap(struct wrapping *w, const struct shape_type *t, const struct shape_position *p, size_t at,
                 struct json_out *j)
{
    while (at < w->count && w->way[at].kind == WITNESS_SAME) {
        const struct shape_position *to = shape_position(w->pair->writer, w->way[at].position);
        p = to ? to : p;
        t = shape_base(to ? to->type : shape_type(w->pair->writer, w->way[at].position));
        at++;
    }
    if (at == w->count || !t || at >= JSON_OUT_DEPTH / 2) {
        w->stuck = w->stuck || at < w->count || !t;
        json_out_raw(j, w->value);
        return;
    }
    switch (w->way[at].kind) {
    case WITNESS_MEMBER:
        wrap_object(w, t, p, at, j);
        break;
    case WITNESS_ITEM:
        wrap_list(w, t, p, at, j);
        break;
    case WITNESS_VALUE:
        wrap_map(w, t, p, at, j);
        break;
    case WITNESS_SAME:
        break;
    }
}

/* Is the body what the writer may send?  The way begins with the body's own position. */
static bool sendable(const struct witness_pair *pair, const struct witness_step *way, struct slice body)
{
    struct end writer;
    struct arena arena;
    const struct json_value *v;
    if (!find_end(pair->writer, way[0].position, &writer))
        return false;
    arena_init(&arena, 0);
    bool good = json_value_read(body, &arena, &v) == ERR_OK && may_send(pair, &writer, v);
    arena_fini(&arena);
    return good;
}

enum err witness_wrap(const struct witness_pair *pair, const struct witness_step *way, size_t count, struct slice value,
                      struct buf *out)
{
    struct buf body;
    struct end root;
    struct hint hint;
    bool good = false;
    if (!find_end(pair->writer, way[0].position, &root))
        return ERR_ABSENT;
    hint_init(&hint, &pair->work->arena);
    buf_init(&body, BUF_TEXT_BOUND);
    /* Where the least body is none that may be sent, the fullest may be. */
    for (unsigned full = 0; full < 3 && !good; full++) {
        if (full == 1)
            hint_learn(&hint, root.position);
        struct wrapping w = {.pair = pair, .way = way, .count = count, .value = value, .full = full};
        struct json_out j;
        w.sample = (struct sample){.work = pair->work, .direction = pair->direction, .hint = &hint};
        buf_clear(&body);
        json_out_init(&j, &body, 0);
        wrap(&w, NULL, NULL, 0, &j);
        uint64_t cost = buf_len(&body);
        pair->work->budget -= cost < pair->work->budget ? cost : pair->work->budget;
        good = !w.stuck && sendable(pair, way, buf_slice(&body)) &&
               (!pair->body || witness_refused(pair->body, buf_slice(&body)));
    }
    if (good)
        buf_put(out, buf_slice(&body));
    buf_fini(&body);
    return good ? ERR_OK : ERR_ABSENT;
}

bool witness_refused(const struct witness_pair *pair, struct slice body)
{
    struct finding f = {.pair = pair};
    struct arena arena;
    const struct json_value *v;
    if (!find_end(pair->writer, pair->from, &f.writer) || !find_end(pair->reader, pair->to, &f.reader))
        return false;
    arena_init(&arena, 0);
    bool refused = json_value_read(body, &arena, &v) == ERR_OK && refuses(pair, &f.writer, &f.reader, v);
    arena_fini(&arena);
    return refused;
}
