#ifndef WEFT_BROKER_BROKER_ADMIN_H
#define WEFT_BROKER_BROKER_ADMIN_H

/* broker_admin - ready, metrics, queues, dead jobs: what a broker tells about itself.
 *
 *   GET /live /ready /metrics /queues /jobs/dead /callbacks     PUT /log-level     POST /drain
 *
 * Plain HTTP on loopback or a unix socket (broker_conf sees to it).
 *
 * Threads: belongs to the loop. */
#include "broker/broker.h"

/* Becomes the owner of `t`. */
void broker_admin_serve(struct broker *b, struct transit *t);

#endif
