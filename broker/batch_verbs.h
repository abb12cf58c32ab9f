#ifndef WEFT_BROKER_BATCH_VERBS_H
#define WEFT_BROKER_BATCH_VERBS_H

/* batch_verbs - many submits in one record, and a verdict for each.
 *
 * Threads: belongs to the loop. */
#include "broker/api.h"

enum { BATCH_VERBS_MOST = 500 };

void batch_verbs_submit(struct api *a, struct session *s, const Weft__Bus__V1__Record *r);

#endif
