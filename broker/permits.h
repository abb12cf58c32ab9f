#ifndef WEFT_BROKER_PERMITS_H
#define WEFT_BROKER_PERMITS_H

/* permits - who may say what on the bus.
 *
 * Threads: belongs to the loop. */
#include "broker/api.h"

/* Does policy allow this identity the verb? */
bool permits_policy(struct api *a, const struct session *s, const char *verb, struct slice service,
                    struct slice operation);
/* May it run the jobs of this service? */
bool permits_run(struct api *a, const struct session *s, struct slice service);
/* May it speak for this lease: is it a worker, and the job one of its service?  A token is no secret,
 * so knowing it is not enough. */
bool permits_lease(struct api *a, const struct session *s, const Weft__Bus__V1__Lease *l);
/* The job, when the session may see it. */
bool permits_sees(struct api *a, const struct session *s, const char *id, struct record_job *out);
/* As permits_policy, for an identity that need not be here. */
bool permits_submit(struct api *a, struct slice identity, struct slice service, struct slice operation);
/* The job, when the session may see (or cancel) it; otherwise false, and it has been answered as unknown. */
bool permits_find(struct api *a, struct session *s, uint64_t re, const char *id, const char *verb,
                  struct record_job *out);

#endif
