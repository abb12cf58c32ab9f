#include "proxy/meters.h"

static struct metric_family *by_service(struct metric_set *set, enum metric_kind kind, const char *name,
                                        const char *help)
{
    return metric_family(set, kind, name, "service", help);
}

/* Four series from the beginning: a counter that is not there yet cannot be told from one that is not known. */
static void init_shakes(struct meters *m, struct metric_set *set)
{
    static const char *const sides[] = {"inbound", "outbound"}, *const kinds[] = {"full", "resumed"};
    struct metric_family *f = metric_family(set, METRIC_COUNTER, "weft_tls_handshakes_total", "side,kind",
                                            "mTLS handshakes: full ones show certificates, resumed ones go on with a "
                                            "session of the same peer.");
    for (size_t side = 0; side < 2; side++)
        for (size_t kind = 0; kind < 2; kind++)
            m->shakes[side][kind] =
                metric_series(f, (const struct slice[]){slice_str(sides[side]), slice_str(kinds[kind])});
}

void meters_init(struct meters *m, struct metric_set *set)
{
    *m = (struct meters){
        .dials = by_service(set, METRIC_COUNTER, "weft_upstream_dials_total", "Connections begun to a service."),
        .opened = by_service(set, METRIC_COUNTER, "weft_upstream_opened_total",
                             "Connections to a service that became ready: mTLS, identity and all."),
        .connections = by_service(set, METRIC_GAUGE, "weft_upstream_connections", "Connections to a service."),
        .in_flight = by_service(set, METRIC_GAUGE, "weft_upstream_in_flight", "Calls under way to a service."),
        .waiting = by_service(set, METRIC_GAUGE, "weft_upstream_waiting", "Calls that wait for a connection."),
        .open_breakers = by_service(set, METRIC_GAUGE, "weft_upstream_breakers_open",
                                    "Endpoints that are left alone, each worker's by itself."),
        .taken = metric_family(set, METRIC_GAUGE, "weft_connections", "side", "Connections of others to us."),
        .refused = metric_series(metric_family(set, METRIC_COUNTER, "weft_tls_refused_total", "",
                                               "Connections refused before their first request: no certificate that "
                                               "we take, no protocol, too many, or draining."),
                                 NULL),
    };
    init_shakes(m, set);
}

void meters_of_cluster(const struct meters *m, struct slice service, struct cluster_conf *conf)
{
    conf->dials = metric_series(m->dials, &service);
    conf->opened_count = metric_series(m->opened, &service);
    conf->full = m->shakes[1][0];
    conf->resumed = m->shakes[1][1];
}

void meters_measure(const struct meters *m, const struct cluster *c)
{
    struct pool_stats sum = {0};
    unsigned open = 0;
    for (size_t i = 0; i < c->group_count; i++)
        for (size_t k = 0; k < c->groups[i].count; k++) {
            const struct cluster_endpoint *e = c->groups[i].endpoints[k];
            struct pool_stats s = pool_stats(e->pool);
            sum.connections += s.connections;
            sum.in_flight += e->balance.in_flight;
            sum.waiting += s.waiting;
            open += e->breaker.sm.at != BREAKER_CLOSED;
        }
    metric_gauge(metric_series(m->connections, &c->name), sum.connections);
    metric_gauge(metric_series(m->in_flight, &c->name), sum.in_flight);
    metric_gauge(metric_series(m->waiting, &c->name), sum.waiting);
    metric_gauge(metric_series(m->open_breakers, &c->name), open);
}

void meters_taken(const struct meters *m, struct slice side, uint32_t connections)
{
    metric_gauge(metric_series(m->taken, &side), connections);
}
