#ifndef WEFT_PROXY_DISCOVERY_H
#define WEFT_PROXY_DISCOVERY_H

/* discovery - keeps the endpoints of a version what its name says.
 *
 * Asked at once, and again as the answer's TTL ends (1 s to 5 min).  Without an answer
 * the last good endpoints stay, and the name is asked again after 1 s, then twice as
 * long each time, at most 30 s.
 *
 * Lifetime: goes before its cluster and its resolver.
 * Threads:  belongs to the loop. */
#include "base/lookup.h"
#include "proxy/cluster.h"

struct discovery;

struct discovery *discovery_new(struct loop *l, struct due_clock *clock, struct lookup *r, struct cluster *c,
                                struct cluster_group *g, struct slice name);
void discovery_free(struct discovery **d);
/* Nothing has been answered yet, neither good nor bad. */
bool discovery_waits(const struct discovery *d);
/* What is wrong, for people, or NULL. */
const char *discovery_fault(const struct discovery *d);
struct slice discovery_name(const struct discovery *d);

#endif
