#ifndef WEFT_BROKER_BROKER_H
#define WEFT_BROKER_BROKER_H

/* broker - a job broker: assemble, start, reload, drain, stop.
 *
 * Lifetime: broker_start makes everything or nothing; broker_free answers what the
 *           store still has to say and ends the rest.
 * Threads:  one loop, given by the caller; the store has a thread of its own. */
#include "base/metric.h"
#include "broker/broker_conf.h"
#include "broker/desk.h"
#include "broker/front.h"
#include "http/transit.h"

struct broker;

struct broker_start {
    struct loop *loop;
    struct broker_conf_source source; /* kept for reloads: must outlive the broker */
    void (*drained)(void *arg);       /* a drain has come to its end; once, from the loop */
    void *arg;
};

/* INPUT: the configuration; IO: the store or a listener (all complaints are in `diag`). */
MUST_USE enum err broker_start(const struct broker_start *start, struct diag *diag, struct broker **out);
void broker_free(struct broker **b);

/* Certificates, services and policy anew, or a log of every complaint and the old ones kept. */
void broker_reload(struct broker *b);
/* Leases nothing more, tells workers, and ends: what they run goes on under its leases. */
void broker_drain(struct broker *b);

/* For the admin side. */
struct desk *broker_desk(struct broker *b);
struct store *broker_store(struct broker *b);
struct metric_set *broker_metrics(struct broker *b);
/* Brings gauges up to date. */
void broker_measure(struct broker *b);
/* What keeps us from being ready, a line each. */
void broker_missing(const struct broker *b, struct buf *out);

/* How far the process gives up what it does not need, by its configuration: enum confine_mode. */
unsigned broker_confines(const struct broker *b);

#endif
