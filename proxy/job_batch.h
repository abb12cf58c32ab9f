#ifndef WEFT_PROXY_JOB_BATCH_H
#define WEFT_PROXY_JOB_BATCH_H

/* job_batch - many requests in one, each to be a job, and a verdict for each.
 *
 *     {"all": false, "jobs": [
 *       {"service": "trainer", "method": "POST", "path": "/train",
 *        "headers": {"idempotency-key": "k-1", "weft-priority": "9"},
 *        "body": {"epochs": 3}}]}              or "text": "...", or "base64": "..."
 *
 * An item is a request as it would come by itself; its fields say how it wants to be a
 * job.  With "all" it is all of them or none, and weft-after may name earlier ones as #0.
 *
 * Threads: belongs to the loop. */
#include "base/doc.h"
#include "proxy/job_options.h"
#include "proxy/job_visit.h"

enum { JOB_BATCH_BODY = 768 << 10, JOB_BATCH_MOST = 500 };

struct job_batch_item {
    struct slice service;
    struct message request; /* method, path, fields */
    struct slice body;
};
struct job_batch {
    bool all;
    size_t count;
    struct job_batch_item *items;
};
/* Everything lies in `a`.  INPUT: `complaint` names the place and the repair. */
MUST_USE enum err job_batch_read(struct slice text, struct arena *a, struct job_batch *out, struct buf *complaint);

/* A visit's body is whole: answers it. */
void job_batch_begin(struct job_visit *v);

#endif
