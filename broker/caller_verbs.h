#ifndef WEFT_BROKER_CALLER_VERBS_H
#define WEFT_BROKER_CALLER_VERBS_H

/* caller_verbs - what a caller says: submit, ask, fetch, list, cancel, retry, and its contracts.
 *
 * Threads: belongs to the loop. */
#include "broker/api.h"

void caller_verbs_submit(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void caller_verbs_query(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void caller_verbs_fetch(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void caller_verbs_list(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void caller_verbs_cancel(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void caller_verbs_retry(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void caller_verbs_contract_put(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);
void caller_verbs_contract_get(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);

/* Answers a submit with Accepted or a Problem; `arg` is an answers_asker and freed. */
void caller_verbs_submitted(void *arg, enum err e, struct slice job, bool replayed);

#endif
