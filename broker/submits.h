#ifndef WEFT_BROKER_SUBMITS_H
#define WEFT_BROKER_SUBMITS_H

/* submits - what a Submit says: whether it may be taken, and as what; for one, for many, and for schedules.
 *
 * Threads: belongs to the loop. */
#include "broker/api.h"

/* Why not: a word of docs/errors.md, its status, a sentence. */
struct submits_no {
    const char *word;
    unsigned status;
    const char *detail;
};

void submits_refuse(struct submits_no *no, const char *word, unsigned status, const char *detail);
/* false: `no` says why. */
bool submits_fit(struct api *a, struct session *s, const Weft__Bus__V1__Submit *m, struct submits_no *no);
/* Borrows from `m`, the session and the scratch arena. */
void submits_fill(struct api *a, const struct session *s, const Weft__Bus__V1__Submit *m,
                  struct record_request *request, struct desk_submit *out);

#endif
