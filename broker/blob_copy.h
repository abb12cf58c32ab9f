#ifndef WEFT_BROKER_BLOB_COPY_H
#define WEFT_BROKER_BLOB_COPY_H

/* blob_copy - the blobs of a store, copied beside a copy of its database while a broker may run.
 *
 * Blobs never change, they come and go: what is there before the database is copied is
 * copied first, what its copy needs besides is copied after it, and what it does not
 * need goes again.
 *
 * Blocking.  Threads: one at a time. */
#include "broker/blob_file.h"

struct map;

struct blob_copy {
    const char *from, *to; /* folders of blobs; borrowed */
    size_t files;
    uint64_t bytes;
    size_t missing;     /* that the broker does not have either */
    struct map *needed; /* what was copied, and whether it is needed */
};

/* All that is there.  ABSENT: there is no folder of blobs, and nothing was made. */
MUST_USE enum err blob_copy_begin(struct blob_copy *c, const char *from, const char *to, const char **why);
/* The copied database needs this one. */
MUST_USE enum err blob_copy_need(struct blob_copy *c, struct slice digest, const char **why);
/* The others go; what stays is flushed, and so are the names. */
MUST_USE enum err blob_copy_end(struct blob_copy *c, const char **why);
void blob_copy_fini(struct blob_copy *c);

#endif
