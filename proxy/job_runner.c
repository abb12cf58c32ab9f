/* The good path: credit brings an Assign, which becomes a run; the run plays it and
 * reports by itself; then it is forgotten and its place is credit again.
 *
 * What can go wrong, and what happens then:
 *   the contract is not known here      the broker is asked for it first
 *   the bus is lost                     runs go on, reports wait for the next welcome
 *   the broker says stale or dropped    the exchange is cut, nothing is reported
 *   the broker says cancelled           the exchange is cut and the job given back;
 *                                       the broker counts that as cancelled
 *   nobody answers behind this sidecar  given back, and no credit for a while */
#include "proxy/job_runner.h"

#include "base/log.h"
#include "base/mem.h"
#include "proxy/job_run.h"

enum {
    PAUSE_US = NOW_US_PER_S,
    PAUSE_MOST_US = 10 * NOW_US_PER_S,
    FIRST_BYTES = 8 << 20,
    SLOT_BYTES = 512 << 10, /* a payload at its bound, its fields, and some */
};

struct job_runner {
    struct job_run_host host;
    uint32_t credit;             /* given to the broker and not used up */
    char *service;               /* ours, as hello says it */
    Weft__Bus__V1__Lease **told; /* for hello */
    struct due resume;           /* while it waits nothing is asked for */
    int64_t pause_us;
    struct loop_task last; /* tells `idle` */
    void (*idle)(void *arg);
    void *idle_arg;
    bool draining;
};

static struct job_runner *runner_of(struct job_run_host *h)
{
    return (struct job_runner *)(void *)((char *)h - offsetof(struct job_runner, host));
}

/* What may be there at once: a place that is free again is credit before its last report is answered. */
static uint32_t most_runs(const struct job_runner *r)
{
    return 2 * r->host.conf.slots;
}

/* --- credit --- */

/* Free places that have not been offered yet. */
static uint32_t slots_to_offer(const struct job_runner *r)
{
    uint32_t used = r->host.busy + r->credit, all = used + r->host.kept;
    uint32_t free_slots = used < r->host.conf.slots ? r->host.conf.slots - used : 0;
    uint32_t room = all < most_runs(r) ? most_runs(r) - all : 0;
    return free_slots < room ? free_slots : room;
}

static void give_credit(struct job_runner *r, uint64_t bytes)
{
    struct bus_client *bus = job_run_bus(&r->host);
    uint32_t n = slots_to_offer(r);
    if (!bus || n == 0 || r->draining || due_waits(&r->resume))
        return;
    Weft__Bus__V1__Credit body = WEFT__BUS__V1__CREDIT__INIT;
    body.service = r->service;
    body.slots = n;
    body.bytes = bytes + (uint64_t)n * SLOT_BYTES;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_CREDIT;
    record.credit = &body;
    if (bus_client_send(bus, &record) == ERR_OK)
        r->credit += n;
    else
        due_in(r->host.conf.clock, &r->host.again, JOB_RUN_AGAIN_US);
}

static void resume(struct due *due)
{
    give_credit((struct job_runner *)(void *)((char *)due - offsetof(struct job_runner, resume)), 0);
}

/* Each time in a row that nobody answers the pause is twice as long. */
static void answered(struct job_run_host *h, bool somebody)
{
    struct job_runner *r = runner_of(h);
    if (somebody) {
        r->pause_us = 0;
        return;
    }
    if (due_waits(&r->resume))
        return;
    int64_t longer = r->pause_us ? 2 * r->pause_us : PAUSE_US;
    r->pause_us = longer < PAUSE_MOST_US ? longer : PAUSE_MOST_US;
    due_in(h->conf.clock, &r->resume, r->pause_us);
    log_event(LOG_WARN, "job-app-absent", LOG_STR("expected", "an answer at inbound.app"),
              LOG_INT("asking_again_ms", r->pause_us / NOW_US_PER_MS));
}

/* --- runs --- */

static void idle_now(struct loop_task *task)
{
    struct job_runner *r = LIST_OF(task, struct job_runner, last);
    void (*idle)(void *arg) = r->idle;
    r->idle = NULL;
    if (idle)
        idle(r->idle_arg);
}

static void look_idle(struct job_runner *r)
{
    if (r->idle && list_empty(&r->host.runs))
        loop_defer(r->host.conf.loop, &r->last);
}

static void freed(struct job_run_host *h)
{
    give_credit(runner_of(h), 0);
    look_idle(runner_of(h));
}

/* `do_it` may end the run it is given, and no other. */
static void each(struct job_runner *r, void (*do_it)(struct job_run *run))
{
    for (struct list *at = r->host.runs.next, *next; at != &r->host.runs; at = next) {
        next = at->next;
        do_it(LIST_OF(at, struct job_run, link));
    }
}

static struct job_run *find(const struct job_runner *r, const Weft__Bus__V1__Lease *lease)
{
    for (struct list *at = r->host.runs.next; at != &r->host.runs; at = at->next) {
        struct job_run *run = LIST_OF(at, struct job_run, link);
        if (run->lease.token == lease->token && strcmp(run->lease.job, lease->job) == 0)
            return run;
    }
    return NULL;
}

void job_runner_assign(void *runner, const Weft__Bus__V1__Assign *assign)
{
    struct job_runner *r = runner;
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    lease.job = assign->job;
    lease.token = assign->token;
    if (find(r, &lease))
        return; /* said twice */
    if (r->host.busy + r->host.kept >= most_runs(r)) {
        log_event(LOG_WARN, "job-unasked", LOG_STR("job", assign->job), LOG_INT("running", r->host.busy),
                  LOG_STR("so", "its lease will end"));
        return;
    }
    r->credit -= r->credit > 0;
    struct job_run *run = job_run_new(&r->host, assign);
    if (r->draining)
        job_run_give_back(run);
    else
        job_run_begin(run, assign);
}

/* --- what the broker says of what runs --- */

void job_runner_hello(void *runner, Weft__Bus__V1__Hello *hello)
{
    struct job_runner *r = runner;
    if (hello->service && hello->service[0]) {
        mem_free(r->service);
        r->service = mem_copy(slice_str(hello->service));
    }
    size_t n = 0;
    for (struct list *at = r->host.runs.next; at != &r->host.runs; at = at->next)
        r->told[n++] = &LIST_OF(at, struct job_run, link)->lease;
    hello->n_running = n;
    hello->running = r->told;
}

static void drop(struct job_runner *r, Weft__Bus__V1__Lease *const *leases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct job_run *run = find(r, leases[i]);
        if (!run)
            continue;
        log_event(LOG_WARN, "job-lease-lost", LOG_STR("job", run->lease.job),
                  LOG_INT("token", (int64_t)run->lease.token), LOG_STR("so", "the attempt is cut"));
        job_run_forget(run);
    }
}

static void again(struct due *due)
{
    struct job_runner *r = (struct job_runner *)(void *)((char *)due - offsetof(struct job_runner, host.again));
    each(r, job_run_repeat);
    give_credit(r, 0);
}

void job_runner_welcome(void *runner, const Weft__Bus__V1__Welcome *welcome)
{
    struct job_runner *r = runner;
    r->credit = 0;
    drop(r, welcome->dropped, welcome->n_dropped);
    each(r, job_run_repeat);
    give_credit(r, FIRST_BYTES);
}

void job_runner_beat(void *runner, const Weft__Bus__V1__Beat *beat)
{
    struct job_runner *r = runner;
    drop(r, beat->stale, beat->n_stale);
    for (size_t i = 0; i < beat->n_cancelled; i++) {
        struct job_run *run = find(r, beat->cancelled[i]);
        if (run && job_run_is_busy(run))
            job_run_give_back(run);
    }
}

void job_runner_lost(void *runner, const char *why)
{
    struct job_runner *r = runner;
    (void)why; /* what runs goes on; the link has logged it */
    r->credit = 0;
}

/* --- drain --- */

static void give_back_unbegun(struct job_run *run)
{
    if (job_run_learns(run))
        job_run_give_back(run);
}

void job_runner_drain(struct job_runner *r, void (*idle)(void *arg), void *arg)
{
    r->draining = true;
    r->idle = idle;
    r->idle_arg = arg;
    each(r, give_back_unbegun);
    look_idle(r);
}

uint32_t job_runner_running(const struct job_runner *r)
{
    return r->host.busy;
}

/* --- progress --- */

enum err job_runner_progress(struct job_runner *r, struct slice job, struct slice type, struct slice data)
{
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    struct bus_client *bus = job_run_bus(&r->host);
    TRY(job_shelf_find(r->host.conf.shelf, job, NULL, &lease.token, NULL));
    if (!bus)
        return ERR_AGAIN;
    char *media_type = mem_copy(type);
    lease.job = mem_copy(job);
    Weft__Bus__V1__Progress body = WEFT__BUS__V1__PROGRESS__INIT;
    body.lease = &lease;
    body.data = (ProtobufCBinaryData){.len = data.len, .data = (uint8_t *)(uintptr_t)data.at};
    body.type = media_type;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_PROGRESS;
    record.progress = &body;
    enum err e = bus_client_send(bus, &record);
    mem_free(lease.job);
    mem_free(media_type);
    return e;
}

/* --- lifecycle --- */

struct job_runner *job_runner_new(const struct job_runner_conf *conf)
{
    struct job_runner *r = mem_new(sizeof(*r));
    r->host.conf = *conf;
    r->host.freed = freed;
    r->host.answered = answered;
    r->service = mem_copy(SLICE(""));
    list_init(&r->host.runs);
    r->told = mem_array(most_runs(r) + 1, sizeof(*r->told));
    due_init(&r->host.again, again);
    due_init(&r->resume, resume);
    loop_task_init(&r->last, idle_now);
    return r;
}

void job_runner_bind(struct job_runner *r, struct job_link *l)
{
    r->host.link = l;
}

/* A last word that nobody waits to be answered: unheard, the lease ends by itself. */
static void let_go(struct job_run *run)
{
    struct bus_client *bus = job_run_bus(run->host);
    if (bus && job_run_is_busy(run)) {
        job_report_released(&run->report, &run->lease);
        enum err e = bus_client_send(bus, &run->report.record);
        (void)e;
    }
    job_run_forget(run);
}

void job_runner_close(struct job_runner **runner)
{
    struct job_runner *r = *runner;
    *runner = NULL;
    if (!r)
        return;
    r->draining = true;
    while (!list_empty(&r->host.runs))
        let_go(LIST_OF(list_first(&r->host.runs), struct job_run, link));
    due_cancel(r->host.conf.clock, &r->host.again);
    due_cancel(r->host.conf.clock, &r->resume);
    loop_task_cancel(&r->last);
    mem_free(r->told);
    mem_free(r->service);
    mem_free(r);
}
