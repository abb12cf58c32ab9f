#ifndef WEFT_PROXY_JOB_PLAY_H
#define WEFT_PROXY_JOB_PLAY_H

/* job_play - one attempt of a job as an exchange: the carrier of a server-side transit.
 *
 * There is no connection behind it: the request is what the broker sent, the answer
 * is collected in memory.  Whoever owns the transit cannot tell the difference.
 *
 * What is too large for that streams: a body that the broker has by itself is given by
 * the piece, an answer past the bound is poured to whoever takes it.  Neither is held.
 *
 * Lifetime: from job_play_new to `done` or job_play_cut; its memory stays until the
 *           transit's owner has let go of it.
 * Threads:  belongs to the loop. */
#include "base/loop.h"
#include "http/transit.h"
#include "weft/bus/v1/bus.pb-c.h"

struct job_play;

enum { JOB_PLAY_ANSWER = 256 << 10 }; /* bytes of an answer's body */

enum job_play_end {
    JOB_PLAY_ANSWERED,
    JOB_PLAY_BROKEN, /* the owner gave up on it in the middle */
};

/* Borrowed for the call of `done`. */
struct job_play_answer {
    enum job_play_end how;
    unsigned status;
    const struct headers *headers;
    struct slice body; /* empty when it was poured */
    bool cut;          /* only the beginning of it: nobody wanted the rest */
};

struct job_play_conf {
    struct loop *loop;
    const Weft__Bus__V1__Assign *assign; /* copied */
    uint64_t deadline_ms;                /* unix, told to the function; 0: none */
    /* Once, from the loop; not after job_play_cut. */
    void (*done)(void *arg, const struct job_play_answer *answer);
    /* A body that comes by the piece: so many bytes of it were passed on. */
    void (*took)(void *arg, size_t n);
    /* The answer is over the bound: shall it be poured?  If not, its beginning is all there will be of it. */
    bool (*large)(void *arg, const struct job_play_answer *head);
    /* Takes as many of these bytes as there is room for.  `*last`: they end it; says whether the end was taken,
     * and then comes job_play_poured.  The play must not be cut from inside. */
    size_t (*pour)(void *arg, struct slice bytes, bool *last);
    void *arg;
};

/* NULL: the job's head is not HTTP. */
struct job_play *job_play_new(const struct job_play_conf *conf);
/* `begin` makes someone the transit's owner. */
void job_play_start(struct job_play *p, void (*begin)(void *arg, struct transit *t), void *arg);
/* More of the body, which comes by the piece: assign->blob. */
void job_play_give(struct job_play *p, struct slice bytes, bool last);
/* There is room to pour again. */
void job_play_pour(struct job_play *p);
/* All was poured and is where it should be: `done` comes, not from inside. */
void job_play_poured(struct job_play *p);
/* Bytes the answer says it will have; 0: it does not say. */
uint64_t job_play_length(const struct job_play *p);
/* Ends it now, begun or not; never from inside a call of the transit's owner. */
void job_play_cut(struct job_play **p);
/* Is the transit an attempt of a job? */
bool job_play_is(const struct transit *t);
/* Who submitted the job. */
struct slice job_play_caller(const struct job_play *p);

#endif
