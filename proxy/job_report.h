#ifndef WEFT_PROXY_JOB_REPORT_H
#define WEFT_PROXY_JOB_REPORT_H

/* job_report - what the broker is owed about one attempt: Done, Failed or Released.
 *
 * Everything said is copied, so that a report can be kept and said again until the
 * broker has answered it.
 *
 * Lifetime: caller's memory, which must not move once it is filled; a zeroed one is
 *           safe to fini.
 * Threads:  belongs to one. */
#include "http/headers.h"
#include "proxy/job_visit.h"
#include "weft/bus/v1/bus.pb-c.h"

enum { JOB_REPORT_REASON = 4096 }; /* bytes of a reason that are passed on */

struct job_report {
    struct arena text;
    Weft__Bus__V1__Record record;
    Weft__Bus__V1__Lease lease;
    union {
        Weft__Bus__V1__Done done;
        Weft__Bus__V1__Failed failed;
        Weft__Bus__V1__Released released;
    } body;
};

/* What the function answered. */
struct job_report_answer {
    unsigned status;
    const struct headers *headers;
    struct slice body;
    /* Instead of `body`: the broker has it by itself; NULL: it has not. */
    const struct job_visit_blob *blob;
};

void job_report_done(struct job_report *r, const Weft__Bus__V1__Lease *lease, const struct job_report_answer *answer);
struct job_report_fault {
    Weft__Bus__V1__Failed__Kind kind;
    struct slice reason;
    uint64_t retry_after_ms;
    const struct job_report_answer *answer; /* or NULL */
};
void job_report_failed(struct job_report *r, const Weft__Bus__V1__Lease *lease, const struct job_report_fault *fault);
void job_report_released(struct job_report *r, const Weft__Bus__V1__Lease *lease);
void job_report_fini(struct job_report *r);

/* Is the field of an answer part of a result?  Not what framed it on the wire, nor what weft said. */
bool job_report_keeps(const struct header *field);

#endif
