#ifndef WEFT_PROXY_METERS_H
#define WEFT_PROXY_METERS_H

/* meters - what is measured of connections: to the services, and to us.
 *
 * Lifetime: a plain value; its series live in the set.
 * Threads:  belongs to the loop. */
#include "base/metric.h"
#include "proxy/cluster.h"

struct meters {
    struct metric_family *dials, *opened;                                    /* service: counters */
    struct metric_family *connections, *in_flight, *waiting, *open_breakers; /* service: gauges */
    struct metric_family *taken;                                             /* side: gauge */
    struct metric *shakes[2][2];                                             /* in, out; full, resumed: handshakes */
    struct metric *refused;                                                  /* handshakes of others */
};

void meters_init(struct meters *m, struct metric_set *set);
/* What a cluster counts of itself. */
void meters_of_cluster(const struct meters *m, struct slice service, struct cluster_conf *conf);
/* Brings the gauges of a service up to date. */
void meters_measure(const struct meters *m, const struct cluster *c);
/* Connections of others to us. */
void meters_taken(const struct meters *m, struct slice side, uint32_t connections);

#endif
