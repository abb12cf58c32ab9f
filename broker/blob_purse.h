#ifndef WEFT_BROKER_BLOB_PURSE_H
#define WEFT_BROKER_BLOB_PURSE_H

/* blob_purse - how many bytes of blobs each caller has here.
 *
 * A blob counts once for every record that needs it and while it is on its way, so
 * what one caller has does not depend on what others have.
 *
 * Lifetime: a zeroed purse is empty; fini frees it.
 * Threads:  belongs to one; pure. */
#include "base/map.h"

struct blob_purse {
    struct map by_caller;
    uint64_t total;
};

void blob_purse_fini(struct blob_purse *p);
uint64_t blob_purse_of(const struct blob_purse *p, struct slice caller);
void blob_purse_add(struct blob_purse *p, struct slice caller, uint64_t bytes);
/* No more than was added for this caller. */
void blob_purse_sub(struct blob_purse *p, struct slice caller, uint64_t bytes);

#endif
