#include "contracts/showing.h"

enum { WITNESS_BYTES = 16 << 20 };

struct showing_known {
    bool asked, shown; /* is there a value that the reader refuses? */
    bool bodied;       /* and a body with it, that the writer may send */
    struct slice value;
};

void showing_init(struct showing *s, struct contract *consumer, struct contract *provider, struct arena *arena)
{
    *s = (struct showing){.consumer = consumer, .provider = provider, .arena = arena};
    sample_work_init(&s->work, WITNESS_BYTES);
}

void showing_fini(struct showing *s)
{
    map_fini(&s->known);
    sample_work_fini(&s->work);
}

const struct shape *showing_writer(const struct showing *s, enum verdict_direction d)
{
    return contract_shape(d == VERDICT_REQUEST ? s->consumer : s->provider);
}

const struct shape *showing_reader(const struct showing *s, enum verdict_direction d)
{
    return contract_shape(d == VERDICT_REQUEST ? s->provider : s->consumer);
}

static struct showing_known *known_of(struct showing *s, const struct graph_difference *d)
{
    struct slice key = slice_of(&d, sizeof(const struct graph_difference *));
    struct showing_known *k = map_get(&s->known, key);
    if (k)
        return k;
    k = arena_new(s->arena, sizeof(*k));
    map_put(&s->known, arena_keep(s->arena, key), k);
    return k;
}

static struct witness_pair pair_at(struct showing *s, enum verdict_direction direction, struct slice writer,
                                   struct slice reader)
{
    return (struct witness_pair){
        .writer = showing_writer(s, direction),
        .reader = showing_reader(s, direction),
        .from = writer,
        .to = reader,
        .direction = slice_str(graph_direction_name(direction)),
        .work = &s->work,
    };
}

/* Words that are compared as text only; a value may show that they differ. */
static bool is_word(const struct graph_difference *d)
{
    return slice_eq(d->kind, SLICE("pattern")) || slice_eq(d->kind, SLICE("not-understood")) ||
           slice_starts(d->kind, SLICE("says-"));
}

/* The pair in which a value has to show the difference. */
static struct witness_pair pair_of(struct showing *s, const struct graph_difference *d)
{
    bool branch = slice_eq(d->kind, SLICE("branch-unknown"));
    struct witness_pair pair = pair_at(s, d->node->direction, branch ? d->from : d->node->writer, d->node->reader);
    if (slice_eq(d->kind, SLICE("symbol-unknown")) || slice_eq(d->kind, SLICE("member-unknown")))
        pair.hint = d->sent;
    if (is_word(d)) {
        bool pattern = slice_eq(d->kind, SLICE("pattern"));
        pair.word = pattern ? d->kind : d->sent;
        pair.text = d->read;
    }
    return pair;
}

static bool show_break(struct showing *s, const struct graph_difference *d, struct showing_known *k)
{
    if (k->asked)
        return k->shown;
    k->asked = true;
    struct witness_pair pair = pair_of(s, d);
    struct buf value;
    buf_init(&value, BUF_TEXT_BOUND);
    k->shown = witness_find(&pair, &value) == ERR_OK;
    k->value = arena_keep(s->arena, buf_slice(&value));
    buf_fini(&value);
    return k->shown;
}

static enum verdict_level unbridged(struct showing *s, const struct graph_difference *d, struct showing_known *k)
{
    bool word = d->level == VERDICT_UNPROVEN && is_word(d);
    if (d->level != VERDICT_BREAKING && !word)
        return d->level;
    return show_break(s, d, k) ? VERDICT_BREAKING : VERDICT_UNPROVEN;
}

/* The whole body around the value, or empty. */
static struct slice body_of(struct showing *s, const struct showing_at *at, const struct witness_pair *pair,
                            struct slice value)
{
    size_t count;
    if (s->work.budget == 0)
        return (struct slice){0};
    struct witness_step *way = walk_way(at->walk, at->visit, s->arena, &count);
    struct buf body;
    buf_init(&body, BUF_TEXT_BOUND);
    struct slice kept = {0};
    if (witness_wrap(pair, way, count, value, &body) == ERR_OK)
        kept = arena_keep(s->arena, buf_slice(&body));
    s->work.budget -= kept.len < s->work.budget ? kept.len : s->work.budget;
    buf_fini(&body);
    return kept;
}

/* What one branch of a union refuses another may take, so there the body as a whole has to be refused.  Empty: none is.
 */
static struct slice refused_body(struct showing *s, const struct showing_at *at)
{
    const struct graph_node *root = at->walk->queue[0].node;
    struct witness_pair body = pair_at(s, root->direction, root->writer, root->reader),
                        pair = pair_of(s, at->difference);
    pair.body = &body;
    pair.way = walk_way(at->walk, at->visit, s->arena, &pair.way_count);
    struct buf value;
    buf_init(&value, BUF_TEXT_BOUND);
    bool found = witness_find(&pair, &value) == ERR_OK;
    if (!found && body.writer->avro) {
        body.any_branch = true;
        found = witness_find(&pair, &value) == ERR_OK;
    }
    struct slice whole = found ? body_of(s, at, &pair, buf_slice(&value)) : (struct slice){0};
    buf_fini(&value);
    return whole;
}

struct slice showing_body(struct showing *s, const struct showing_at *at)
{
    const struct graph_difference *d = at->difference;
    struct showing_known *k = known_of(s, d);
    struct witness_pair pair = pair_at(s, d->node->direction, d->node->writer, d->node->reader);
    return show_break(s, d, k) ? body_of(s, at, &pair, k->value) : (struct slice){0};
}

/* A body of one operation does for all that reach the difference, but where branches may take what another refuses. */
static enum verdict_level bodied(struct showing *s, const struct showing_at *at, struct showing_known *k,
                                 struct slice *body)
{
    if (k->bodied && !walk_through_branch(at->walk, at->visit))
        return VERDICT_BREAKING;
    const struct graph_node *root = at->walk->queue[0].node;
    struct witness_pair whole = pair_at(s, root->direction, root->writer, root->reader);
    *body = showing_body(s, at);
    if (body->len == 0 || !witness_refused(&whole, *body))
        *body = refused_body(s, at);
    k->bodied = k->bodied || body->len > 0;
    return body->len ? VERDICT_BREAKING : VERDICT_UNPROVEN;
}

enum verdict_level showing_level(struct showing *s, const struct showing_at *at, struct slice *body)
{
    struct showing_known *k = known_of(s, at->difference);
    enum verdict_level level = unbridged(s, at->difference, k);
    *body = (struct slice){0};
    return level == VERDICT_BREAKING ? bodied(s, at, k, body) : level;
}
