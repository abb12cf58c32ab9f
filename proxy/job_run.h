#ifndef WEFT_PROXY_JOB_RUN_H
#define WEFT_PROXY_JOB_RUN_H

/* job_run - one lease of ours, from Assign until the broker has answered its report.
 *
 *   learning   the broker is asked for the caller's contract
 *   playing    the function has the request
 *   reporting  there is an outcome and no broker to tell it to
 *   said       the broker was told and has not answered
 *
 * Lifetime: job_run_new to job_run_forget; the host has it in `runs` meanwhile.
 * Threads:  belongs to the loop. */
#include "base/sm.h"
#include "bus/bus_get.h"
#include "proxy/job_play.h"
#include "proxy/job_report.h"
#include "proxy/job_runner.h"

/* What runs share; the runner's. */
struct job_run_host {
    struct job_runner_conf conf;
    struct job_link *link; /* NULL: not bound */
    struct list runs;
    uint32_t busy;    /* learning or playing */
    uint32_t kept;    /* reports not answered yet */
    struct due again; /* set when something got no answer: job_run_repeat then */
    /* A place is free, or a run is gone. */
    void (*freed)(struct job_run_host *h);
    /* Somebody answered behind this sidecar, or nobody did. */
    void (*answered)(struct job_run_host *h, bool somebody);
};

enum { JOB_RUN_DIGEST = 32, JOB_RUN_AGAIN_US = NOW_US_PER_S };

struct job_run {
    struct list link;
    struct job_run_host *host;
    struct sm sm;
    struct job_play *play;              /* NULL once there is an outcome */
    struct bus_get *get;                /* the body, while it comes by the piece */
    struct bus_put *put;                /* the answer, while it goes by the piece */
    struct due put_again;               /* the broker has no room for it just now */
    struct job_visit_blob body, result; /* those; size 0: it is in the record */
    uint64_t body_at;                   /* to where it has come */
    bool poured;                        /* some of the answer has left */
    bool told;                          /* in the log: the broker has no room for it */
    struct job_report report;
    struct buf checkpoint; /* of the attempt before, until the function has the job */
    struct due late;       /* the attempt's end */
    Weft__Bus__V1__Lease lease;
    uint8_t digest[JOB_RUN_DIGEST]; /* of the caller's contract, while learning */
};

/* NULL: the bus is lost. */
struct bus_client *job_run_bus(const struct job_run_host *h);

struct job_run *job_run_new(struct job_run_host *h, const Weft__Bus__V1__Assign *assign);
/* Learns, plays, reports: all by itself. */
void job_run_begin(struct job_run *run, const Weft__Bus__V1__Assign *assign);
/* Reports it as untouched; the exchange is cut if there is one. */
void job_run_give_back(struct job_run *run);
/* Says again what waits for the broker. */
void job_run_repeat(struct job_run *run);
/* Cuts it and reports nothing. */
void job_run_forget(struct job_run *run);

bool job_run_learns(const struct job_run *run);
bool job_run_plays(const struct job_run *run);
static inline bool job_run_is_busy(const struct job_run *run)
{
    return job_run_learns(run) || job_run_plays(run);
}

/* The table of states, for tools/states. */
extern const struct sm_table job_run_states;

#endif
