#ifndef WEFT_PROXY_PROXY_ADMIN_H
#define WEFT_PROXY_PROXY_ADMIN_H

/* proxy_admin - ready, metrics, contracts, why: what a sidecar tells about itself.
 *
 *   GET /live /ready /metrics /contracts /config /why /why/ID     PUT /log-level     POST /drain
 *
 * Plain HTTP on loopback or a unix socket (proxy_conf sees to it).
 *
 * Threads: belongs to the loop. */
#include "proxy/proxy.h"

/* Becomes the owner of `t`. */
void proxy_admin_serve(struct proxy *p, struct transit *t);

#endif
