#include "proxy/peers.h"

#include "base/json_out.h"

struct row {
    struct list link;
    struct slice service, version, endpoint, identity;
    unsigned breaker; /* BREAKER_CLOSED ... */
    int64_t latency_us;
    uint32_t in_flight;
    struct pool_stats pool;
};

void peers_init(struct peers *p)
{
    *p = (struct peers){0};
    arena_init(&p->arena, SIZE_MAX);
    list_init(&p->rows);
}

void peers_fini(struct peers *p)
{
    map_fini(&p->by_name);
    arena_fini(&p->arena);
}

static struct row *row_of(struct peers *p, const struct cluster *c, struct slice version, struct slice endpoint)
{
    struct slice key =
        arena_putf(&p->arena, "%.*s\n%.*s\n%.*s", SLICE_FMT(c->name), SLICE_FMT(version), SLICE_FMT(endpoint));
    struct row *row = map_get(&p->by_name, key);
    if (row)
        return row;
    row = arena_new(&p->arena, sizeof(*row));
    *row = (struct row){
        .service = arena_keep(&p->arena, c->name),
        .version = arena_keep(&p->arena, version),
        .endpoint = arena_keep(&p->arena, endpoint),
        .identity = arena_keep(&p->arena, c->identity),
        .breaker = BREAKER_CLOSED,
    };
    map_put(&p->by_name, key, row);
    list_push_back(&p->rows, &row->link);
    return row;
}

static unsigned badness(unsigned state)
{
    static const unsigned of[] = {[BREAKER_CLOSED] = 0, [BREAKER_PROBING] = 1, [BREAKER_OPEN] = 2};
    return of[state];
}

/* A worker that never called it knows nothing of its latency. */
static int64_t worse_latency(const struct row *row, const struct pool_stats *s, int64_t latency_us)
{
    if (row->pool.dialled == 0)
        return latency_us;
    return s->dialled > 0 && latency_us > row->latency_us ? latency_us : row->latency_us;
}

static void add_endpoint(struct row *row, const struct cluster_endpoint *e)
{
    struct pool_stats s = pool_stats(e->pool);
    unsigned breaker = e->breaker.sm.at;
    row->breaker = badness(breaker) > badness(row->breaker) ? breaker : row->breaker;
    row->latency_us = worse_latency(row, &s, (int64_t)e->balance.average_us);
    row->in_flight += e->balance.in_flight;
    row->pool.connections += s.connections;
    row->pool.waiting += s.waiting;
    row->pool.dialled += s.dialled;
    row->pool.failed += s.failed;
}

void peers_add(struct peers *p, const struct cluster *c)
{
    for (size_t i = 0; i < c->group_count; i++)
        for (size_t k = 0; k < c->groups[i].count; k++) {
            const struct cluster_endpoint *e = c->groups[i].endpoints[k];
            add_endpoint(row_of(p, c, c->groups[i].name, e->text), e);
        }
}

static void put_row(const struct row *row, struct json_out *j)
{
    json_out_object(j);
    json_out_member(j, "service", row->service);
    if (row->version.len)
        json_out_member(j, "version", row->version);
    json_out_member(j, "endpoint", row->endpoint);
    json_out_member(j, "identity", row->identity);
    json_out_member(j, "breaker", slice_str(breaker_states.rows[row->breaker].name));
    json_out_member_int(j, "latency_us", row->latency_us);
    json_out_member_int(j, "in_flight", row->in_flight);
    json_out_member_int(j, "connections", row->pool.connections);
    json_out_member_int(j, "waiting", row->pool.waiting);
    json_out_member_int(j, "dialled", (int64_t)row->pool.dialled);
    json_out_member_int(j, "failed", (int64_t)row->pool.failed);
    json_out_end(j);
}

void peers_put(const struct peers *p, struct json_out *j)
{
    json_out_array(j);
    for (const struct list *at = p->rows.next; at != &p->rows; at = at->next)
        put_row(LIST_OF(at, struct row, link), j);
    json_out_end(j);
}
