#ifndef WEFT_PROXY_JOB_VISIT_H
#define WEFT_PROXY_JOB_VISIT_H

/* job_visit - one request about jobs, from its head until it is gone.
 *
 * Collects the body, then asks the broker one thing after another; what comes back is
 * turned into HTTP.  The caller may leave at any moment: the visit forgets its call
 * and stops watching, the job goes on.
 *
 * Lifetime: job_visit_new becomes the owner of `down`; the visit goes with it.
 * Threads:  belongs to the loop. */
#include "proxy/job_link.h"
#include "proxy/job_options.h"
#include "proxy/job_runner.h"
#include "proxy/reply.h"

enum { JOB_VISIT_ID = 72 };

/* Why a request goes nowhere. */
struct job_visit_refusal {
    enum reply_word word;
    struct slice detail;
};
struct job_entry_target;
/* Where a request of ours goes; false: `no` says why.  Texts are kept in `a`. */
typedef bool job_visit_resolve_fn(void *arg, struct slice service, const struct message *request, struct arena *a,
                                  struct job_entry_target *out, struct job_visit_refusal *no);

/* What all visits share. */
struct job_visit_desk {
    struct loop *loop;
    struct due_clock *clock;
    struct job_link *link;
    struct job_runner *runner; /* or NULL */
    struct job_shelf *shelf;   /* the same */
    job_visit_resolve_fn *resolve;
    void *resolve_arg;
    uint32_t wait_most_s; /* a longer wait is cut to this; 0: none is */
    struct list visits;
};

/* A body that the broker has by itself. */
struct job_visit_blob {
    uint64_t size; /* 0: there is none */
    uint8_t digest[32];
};

struct job_visit;
struct bus_put_fault;
typedef void job_visit_answer_fn(struct job_visit *v, const Weft__Bus__V1__Record *answer);

struct job_visit {
    struct list link;
    struct job_visit_desk *desk;
    struct transit *down;
    struct buf body;
    char id[JOB_VISIT_ID]; /* of the job, or the name of a schedule */
    uint64_t token;        /* of the lease whose checkpoint it is about */
    void (*begin)(struct job_visit *v);
    /* The body is over its bound: these bytes, which owe credit, and more are still to come.  NULL: refuse it. */
    void (*overflow)(struct job_visit *v, struct slice bytes);
    struct job_upload *upload;     /* of the body, since then; or NULL */
    struct job_download *download; /* of a result; or NULL */
    struct job_visit_blob blob;    /* what the upload has become */
    job_visit_answer_fn *answer;
    int expected; /* of the answer: its body_case */
    /* The broker cannot be asked, or says no; NULL: refuse with that. */
    void (*unanswered)(struct job_visit *v);
    struct job_link_watch watch;
    struct due due;
    struct job_submit *submit;     /* NULL: another verb; in the arena of `down` */
    struct job_batch_visit *batch; /* the same */
};

/* `begin` is called when the body is whole. */
struct job_visit *job_visit_new(struct job_visit_desk *desk, struct transit *down, size_t body_bound);
/* 503 for whoever still waits, the end for streams. */
void job_visit_dismiss_all(struct job_visit_desk *desk);

/* Asks the broker.  `answer` hears a record of the case `expected`; anything else is refused here. */
void job_visit_call(struct job_visit *v, Weft__Bus__V1__Record *record, int expected, job_visit_answer_fn *answer);
/* The state of v->id: a Job. */
void job_visit_query(struct job_visit *v, job_visit_answer_fn *answer);
/* Events of v->id behind `after`, until the visit ends or job_visit_unwatch. */
void job_visit_watch(struct job_visit *v, uint64_t after,
                     void (*fn)(struct job_link_watch *w, const Weft__Bus__V1__Event *event));
void job_visit_unwatch(struct job_visit *v);

/* Answers: each once. */
/* As the broker says it, or that there is none. */
void job_visit_fault(struct job_visit *v, const struct bus_put_fault *fault);
void job_visit_refuse(struct job_visit *v, enum reply_word word, const char *detail);
/* Takes the text. */
void job_visit_json(struct job_visit *v, unsigned status, struct buf *text);
/* A head without a body. */
void job_visit_bare(struct job_visit *v, unsigned status);

#endif
