#ifndef WEFT_PROXY_JOB_SUBMIT_H
#define WEFT_PROXY_JOB_SUBMIT_H

/* job_submit - a request that becomes a job: 202, or its answer within Prefer: wait=N.
 *
 * 202 is said when the broker has said Accepted, which it says after the disk.  From
 * then on the answer is never a failure, whatever becomes of the broker.
 *
 * Threads: belongs to the loop. */
#include "proxy/job_entry.h"
#include "proxy/job_visit.h"

/* Where it goes. */
struct job_submit_place {
    struct slice service, operation, path;
    struct hash_digest contract; /* of what the caller expects */
    bool shows_contract;
};
struct job_submit_place job_submit_place_of(struct arena *a, const struct job_entry_target *target);

/* What makes a Submit: how it wants to be a job, where it goes, and what it carries. */
struct job_submit_source {
    const struct job_options *options; /* lives as long as the Submit, as does the place */
    const struct job_submit_place *place;
    const struct message *request; /* method and fields */
    struct slice body;
    const struct job_visit_blob *blob; /* instead of `body`; NULL: there is none */
};
/* Texts are kept in `a`. */
void job_submit_fill(struct arena *a, const struct job_submit_source *from, Weft__Bus__V1__Submit *into);
/* Becomes the owner of `down`; copies the target. */
void job_submit_start(struct job_visit_desk *desk, struct transit *down, const struct job_entry_target *target);

/* Keys of a repeated request are compared by this: SHA-256 of method, path, content-type and body, each
 * after its length; of a body that is a blob there is the word sha256 and its digest instead. */
struct hash_digest job_submit_fingerprint(const struct job_submit_source *of);

#endif
