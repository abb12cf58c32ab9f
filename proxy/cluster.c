#include "proxy/cluster.h"

#include <errno.h>

#include "base/check.h"
#include "base/mem.h"

enum {
    STREAMS = 100,
    CONNECTIONS = 64,
    WAITING = 1000,
    SECOND = 1000000,
    REST_MOST = 60 * SECOND,
    REST_DOUBLINGS = 6,
    SCAN = 2, /* so few are all looked at */
};

static int64_t now_of(const struct cluster *c)
{
    return loop_turn_us(c->loop);
}

/* --- endpoints --- */

static void endpoint_unref(struct cluster_endpoint *e)
{
    if (--e->refs > 0)
        return;
    mem_free((char *)(uintptr_t)e->text.at);
    mem_free(e);
}

static struct stream *dial(void *arg, const char **why)
{
    struct cluster_endpoint *e = arg;
    struct cluster *c = e->cluster;
    if (c->conf.dials)
        metric_add(c->conf.dials, 1);
    if (c->conf.dial)
        return c->conf.dial(e, why);
    int fd;
    if (sock_connect(&e->addr, &fd) != ERR_OK) {
        *why = strerror(errno);
        return NULL;
    }
    struct stream_tls_conf tls = {
        .role = STREAM_CLIENT,
        .creds = c->conf.creds,
        .alpn = {"h2"},
        .peer = c->identity,
        .place = e->text,
        .full = c->conf.full,
        .resumed = c->conf.resumed,
    };
    return stream_tls_new(c->loop, stream_fd_new(c->loop, fd, true), &tls);
}

static void is_there(struct cluster_endpoint *e)
{
    e->failures = 0;
    e->rests_until_us = 0;
}

static void pool_opened(struct pool *p, uint64_t conn_id, void *arg)
{
    (void)p;
    struct cluster_endpoint *e = arg;
    is_there(e);
    if (e->cluster->conf.opened_count)
        metric_add(e->cluster->conf.opened_count, 1);
    e->cluster->conf.opened(e, conn_id, e->cluster->conf.arg);
}

static void pool_closed(void *arg)
{
    endpoint_unref(arg);
}

static struct cluster_endpoint *endpoint_new(struct cluster *c, const struct sock_addr *addr, double seed_us)
{
    struct cluster_endpoint *e = mem_new(sizeof(*e));
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    sock_print(addr, &text);
    e->cluster = c;
    e->addr = *addr;
    e->text = slice_of(mem_copy(buf_slice(&text)), buf_len(&text));
    buf_fini(&text);
    e->refs = 2; /* the group's and the pool's */
    balance_init(&e->balance, seed_us, now_of(c));
    breaker_init(&e->breaker);
    struct pool_conf pool = {
        .dial = dial,
        .opened = pool_opened,
        .closed = pool_closed,
        .arg = e,
        .protocol = POOL_H2,
        .connect_timeout_us = c->conf.connect_timeout_us,
        .idle_timeout_us = INT64_C(300) * SECOND,
        .stream_idle_us = c->conf.stream_idle_us,
        .ping_us = 10 * SECOND,
        .ping_timeout_us = 20 * SECOND,
        .max_streams = STREAMS,
        .max_connections = c->conf.max_connections ? c->conf.max_connections : CONNECTIONS,
        .max_waiting = c->conf.max_waiting ? c->conf.max_waiting : WAITING,
    };
    e->pool = pool_new(c->loop, c->clock, &pool);
    return e;
}

static void endpoint_leave(struct cluster_endpoint *e)
{
    pool_close(&e->pool);
    endpoint_unref(e);
}

void cluster_recheck(struct cluster *c, struct creds *now)
{
    for (size_t g = 0; g < c->group_count; g++)
        for (size_t i = 0; i < c->groups[g].count; i++)
            if (c->groups[g].endpoints[i]->pool)
                pool_recheck(c->groups[g].endpoints[i]->pool, now);
}

/* --- versions --- */

static bool same_address(const struct sock_addr *a, const struct sock_addr *b)
{
    return a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0;
}

static struct cluster_endpoint *take_known(struct cluster_group *g, const struct sock_addr *addr)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->endpoints[i] && same_address(&g->endpoints[i]->addr, addr)) {
            struct cluster_endpoint *e = g->endpoints[i];
            g->endpoints[i] = NULL;
            return e;
        }
    return NULL;
}

static bool is_named_before(const struct sock_addr *addresses, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (same_address(&addresses[k], &addresses[i]))
            return true;
    return false;
}

static void group_clear(struct cluster_group *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->endpoints[i])
            endpoint_leave(g->endpoints[i]);
    mem_free(g->endpoints);
    g->endpoints = NULL;
    g->count = 0;
}

/* What the others of a version need; 0: there are none. */
static double usual_us(const struct cluster *c, const struct cluster_group *g)
{
    double sum = 0;
    for (size_t i = 0; i < g->count; i++)
        sum += balance_cost(&g->endpoints[i]->balance, now_of(c)) / (g->endpoints[i]->balance.in_flight + 1);
    return g->count ? sum / (double)g->count : 0;
}

void cluster_set(struct cluster *c, struct cluster_group *g, const struct sock_addr *addresses, size_t count)
{
    struct cluster_endpoint **next = mem_array(count + 1, sizeof(struct cluster_endpoint *));
    size_t kept = 0;
    double seed_us = usual_us(c, g);
    for (size_t i = 0; i < count; i++) {
        if (is_named_before(addresses, i))
            continue;
        struct cluster_endpoint *known = take_known(g, &addresses[i]);
        next[kept++] = known ? known : endpoint_new(c, &addresses[i], seed_us);
    }
    group_clear(g);
    g->endpoints = next;
    g->count = kept;
}

static void group_init(struct cluster *c, struct cluster_group *g, const struct cluster_group_conf *conf)
{
    g->name = arena_keep(&c->arena, conf->name);
    g->weight = conf->weight;
    g->by_name = conf->by_name;
    struct sock_addr *addresses = mem_array(conf->endpoint_count + 1, sizeof(*addresses));
    for (size_t i = 0; i < conf->endpoint_count; i++) {
        const char *why;
        enum err parsed = sock_parse(slice_str(conf->endpoints[i]), &addresses[i], &why);
        PRE(parsed == ERR_OK);
    }
    cluster_set(c, g, addresses, conf->endpoint_count);
    mem_free(addresses);
}

/* --- the cluster --- */

struct cluster *cluster_new(struct loop *l, struct due_clock *clock, const struct cluster_conf *conf)
{
    struct cluster *c = mem_new(sizeof(*c));
    *c = (struct cluster){.loop = l, .clock = clock, .conf = *conf, .random = conf->seed};
    c->name = arena_keep(&c->arena, conf->name);
    c->identity = arena_keep(&c->arena, conf->identity);
    c->consumes = conf->consumes ? contract_ref(conf->consumes) : NULL;
    c->conf.creds = creds_ref(conf->creds);
    retry_budget_init(&c->budget, conf->retry_percent, conf->retries_per_second, now_of(c));
    cluster_guests_init(c);
    c->group_count = conf->group_count;
    c->groups = arena_array(&c->arena, conf->group_count + 1, sizeof(*c->groups));
    for (size_t i = 0; i < conf->group_count; i++)
        group_init(c, &c->groups[i], &conf->groups[i]);
    c->conf.groups = NULL;
    return c;
}

void cluster_guests_init(struct cluster *c)
{
    list_init(&c->guests);
}

void cluster_enter(struct cluster *c, struct cluster_guest *g)
{
    g->cluster = c;
    list_push_back(&c->guests, &g->link);
}

void cluster_leave(struct cluster_guest *g)
{
    list_remove(&g->link);
    g->cluster = NULL;
}

bool cluster_has_guest(const struct cluster *c, uint64_t conn_id)
{
    for (const struct list *l = c->guests.next; l != &c->guests; l = l->next)
        if (LIST_OF(l, struct cluster_guest, link)->conn_id == conn_id)
            return true;
    return false;
}

static void send_guests_away(struct cluster *c)
{
    for (struct list *l = list_first(&c->guests); l; l = list_first(&c->guests)) {
        struct cluster_guest *g = LIST_OF(l, struct cluster_guest, link);
        cluster_leave(g);
        g->closing(g);
    }
}

void cluster_free(struct cluster **c)
{
    if (!*c)
        return;
    send_guests_away(*c);
    for (size_t i = 0; i < (*c)->group_count; i++)
        group_clear(&(*c)->groups[i]);
    contract_unref(&(*c)->consumes);
    contract_unref(&(*c)->provides);
    creds_unref(&(*c)->conf.creds);
    arena_fini(&(*c)->arena);
    mem_free(*c);
    *c = NULL;
}

/* --- choosing --- */

/* SplitMix64: nobody gains by guessing it. */
uint64_t cluster_draw(struct cluster *c, uint64_t n)
{
    uint64_t x = c->random += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return (x ^ x >> 31) % n;
}

struct look {
    const struct cluster_endpoint *avoid;
    int64_t now_us;
};

static bool is_usable(const struct cluster_endpoint *e, const struct look *look)
{
    return e != look->avoid && breaker_lets(&e->breaker, look->now_us);
}

static bool rests(const struct cluster_endpoint *e, const struct look *look)
{
    return e->rests_until_us > look->now_us;
}

/* One that rests comes after all others, however idle it is: nothing is as idle as the dead.  Of two, the one that
 * failed earlier may be back. */
static bool is_better(const struct cluster_endpoint *a, const struct cluster_endpoint *b, const struct look *look)
{
    bool a_rests = rests(a, look), b_rests = rests(b, look);
    if (a_rests != b_rests)
        return b_rests;
    if (a_rests && a->rests_until_us != b->rests_until_us)
        return a->rests_until_us < b->rests_until_us;
    return balance_better(&a->balance, &b->balance, look->now_us);
}

static struct cluster_endpoint *best_of_all(struct cluster *c, struct cluster_group *g, const struct look *look)
{
    struct cluster_endpoint *best = NULL;
    for (size_t i = 0; i < g->count; i++) {
        struct cluster_endpoint *e = g->endpoints[(c->turn + i) % g->count];
        if (is_usable(e, look) && (!best || is_better(e, best, look)))
            best = e;
    }
    return best;
}

static struct cluster_endpoint *best_of_two(struct cluster *c, struct cluster_group *g, const struct look *look)
{
    uint64_t first = cluster_draw(c, g->count), second = (first + 1 + cluster_draw(c, g->count - 1)) % g->count;
    struct cluster_endpoint *a = g->endpoints[first], *b = g->endpoints[second];
    bool both = is_usable(a, look) && is_usable(b, look) && !rests(a, look) && !rests(b, look);
    if (!both)
        return NULL;
    return is_better(b, a, look) ? b : a;
}

static struct cluster_endpoint *best_of(struct cluster *c, struct cluster_group *g, const struct look *look)
{
    struct cluster_endpoint *e = g->count > SCAN ? best_of_two(c, g, look) : NULL;
    return e ? e : best_of_all(c, g, look);
}

/* A version by its weight; the others follow in their order. */
static size_t first_group(struct cluster *c)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < c->group_count; i++)
        sum += c->groups[i].count ? c->groups[i].weight : 0;
    uint64_t drawn = c->group_count > 1 && sum > 0 ? cluster_draw(c, sum) : 0;
    for (size_t i = 0; i < c->group_count; i++) {
        uint64_t weight = c->groups[i].count ? c->groups[i].weight : 0;
        if (drawn < weight)
            return i;
        drawn -= weight;
    }
    return 0;
}

static struct cluster_endpoint *best_with(struct cluster *c, size_t first, const struct look *look)
{
    struct cluster_endpoint *e = NULL;
    for (size_t i = 0; i < c->group_count && !e; i++)
        e = best_of(c, &c->groups[(first + i) % c->group_count], look);
    return e;
}

static size_t hurry_all(struct cluster *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->group_count; i++)
        for (size_t k = 0; k < c->groups[i].count; k++, count++)
            breaker_hurry(&c->groups[i].endpoints[k]->breaker, &c->conf.breaker);
    return count;
}

enum err cluster_pick(struct cluster *c, const struct cluster_endpoint *avoid, struct cluster_endpoint **out)
{
    struct look look = {.avoid = avoid, .now_us = now_of(c)}, anyone = {.now_us = look.now_us};
    size_t first = first_group(c);
    struct cluster_endpoint *e = best_with(c, first, &look);
    c->turn++;
    if (!e && avoid)
        e = best_with(c, first, &anyone);
    if (!e && hurry_all(c) == 0)
        return ERR_ABSENT;
    if (!e)
        e = best_with(c, first, &anyone);
    if (!e)
        return ERR_FULL;
    *out = e;
    return ERR_OK;
}

bool cluster_by_name(const struct cluster *c)
{
    for (size_t i = 0; i < c->group_count; i++)
        if (c->groups[i].by_name)
            return true;
    return false;
}

/* --- what becomes of it --- */

void cluster_begin(struct cluster_endpoint *e)
{
    e->refs++;
    balance_begin(&e->balance);
    breaker_probe(&e->breaker, now_of(e->cluster));
}

void cluster_answered(struct cluster_endpoint *e, int64_t latency_us, bool good)
{
    int64_t now_us = now_of(e->cluster);
    balance_sample(&e->balance, latency_us, now_us);
    if (!good) {
        breaker_bad(&e->breaker, &e->cluster->conf.breaker, now_us);
        return;
    }
    breaker_good(&e->breaker, &e->cluster->conf.breaker, now_us);
    is_there(e);
}

static bool is_probed(const struct cluster_endpoint *e)
{
    return e->breaker.sm.at == BREAKER_PROBING;
}

void cluster_broke(struct cluster_endpoint *e)
{
    int64_t now_us = now_of(e->cluster);
    if (e->broke_us == now_us && !is_probed(e))
        return;
    e->broke_us = now_us;
    breaker_bad(&e->breaker, &e->cluster->conf.breaker, now_us);
}

void cluster_failed(struct cluster_endpoint *e)
{
    int64_t now_us = now_of(e->cluster);
    if (!e->pool)
        return; /* it has left: no fault of its own */
    bool rests = e->rests_until_us > now_us;
    if (!rests || is_probed(e))
        cluster_broke(e);
    if (rests)
        return; /* one failure for all who waited together */
    unsigned doublings = e->failures < REST_DOUBLINGS ? e->failures : REST_DOUBLINGS;
    int64_t rest_us = (int64_t)SECOND << doublings;
    e->failures++;
    e->rests_until_us = now_us + (rest_us < REST_MOST ? rest_us : REST_MOST);
}

void cluster_end(struct cluster_endpoint *e, bool told)
{
    balance_end(&e->balance);
    if (!told)
        breaker_untold(&e->breaker);
    endpoint_unref(e);
}
