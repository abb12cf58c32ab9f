#ifndef WEFT_PROXY_PEERS_H
#define WEFT_PROXY_PEERS_H

/* peers - what is believed of every endpoint, by all workers together.
 *
 * Counts add up; of beliefs the worst is shown: an open breaker of one worker, the longest latency.
 *
 * Lifetime: caller's memory; keeps copies.
 * Threads:  belongs to one at a time. */
#include "base/map.h"
#include "proxy/cluster.h"

struct peers {
    struct arena arena;
    struct map by_name; /* to rows */
    struct list rows;   /* in the order in which they came */
};

void peers_init(struct peers *p);
void peers_fini(struct peers *p);
/* What one worker believes of the endpoints of a service. */
void peers_add(struct peers *p, const struct cluster *c);
/* A JSON array. */
struct json_out;
void peers_put(const struct peers *p, struct json_out *j);

#endif
