#ifndef WEFT_PROXY_EXCHANGE_H
#define WEFT_PROXY_EXCHANGE_H

/* exchange - the contract exchange with a peer: content-addressed, no extra round trip.
 *
 * The consumer's sidecar shows its contract on every new connection, before the
 * first request, and learns the provider's from the answer:
 *
 *     PUT /.well-known/weft/contracts/DIGEST      200
 *     content-type: application/vnd.weft.contract weft-contract-provider: sha-256=...
 *     (canonical contract)                        (the provider's canonical contract)
 *
 * Both sides then judge the pair themselves, with the same rules, and neither has
 * to believe the other.
 *
 * Threads: belongs to the loop. */
#include "proxy/accord.h"
#include "proxy/cluster.h"

/* Does this request belong to the exchange? */
bool exchange_is(const struct message *request);
/* Server side: becomes the owner of `down`.  `ours` may be NULL: nothing to compare with. */
void exchange_serve(struct accord *a, struct contract *ours, struct transit *down);
/* Client side: shows cluster->consumes on this connection.  Harmless when there is nothing to show,
 * when it is being shown there already, or when the connection is gone. */
void exchange_show(struct accord *a, struct cluster_endpoint *e, uint64_t conn_id);
/* A response named the provider's digest: ask again when it is not the one we know. */
void exchange_heard(struct accord *a, struct cluster_endpoint *e, uint64_t conn_id, struct slice provider_header);

#endif
