/* The good path: credit brings an Assign; the attempt is played as an exchange; its
 * outcome becomes a report, which is said to the broker until it has answered; then
 * the run is forgotten and its place is credit again.
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
#include "base/sm.h"
#include "proxy/job_outcome.h"
#include "proxy/job_play.h"
#include "proxy/job_report.h"

enum {
    CALL_US = 30 * NOW_US_PER_S,
    AGAIN_US = NOW_US_PER_S,
    PAUSE_US = NOW_US_PER_S,
    PAUSE_MOST_US = 10 * NOW_US_PER_S,
    FIRST_BYTES = 8 << 20,
    SLOT_BYTES = 512 << 10, /* a payload at its bound, its fields, and some */
    REASON_SHOWN = 512,
    DIGEST = 32,
};

enum run_state { LEARNING, PLAYING, REPORTING, SAID, OVER, STATES };

static const struct sm_row run_rows[STATES] = {
    [LEARNING] = {"learning", SM_TO(PLAYING) | SM_TO(REPORTING) | SM_TO(OVER), SM_FIRST},
    [PLAYING] = {"playing", SM_TO(REPORTING) | SM_TO(OVER), 0},
    [REPORTING] = {"reporting", SM_TO(SAID) | SM_TO(OVER), 0},
    [SAID] = {"said", SM_TO(REPORTING) | SM_TO(OVER), 0},
    [OVER] = {"over", 0, SM_LAST},
};
const struct sm_table job_runner_states = {"job_runner", run_rows, STATES};

/* One lease, from Assign until its report is answered. */
struct run {
    struct list link;
    struct job_runner *runner;
    struct sm sm;
    struct job_play *play; /* NULL once there is an outcome */
    struct job_report report;
    struct due late; /* the attempt's end */
    Weft__Bus__V1__Lease lease;
    uint8_t digest[DIGEST]; /* of the caller's contract, while learning */
};

struct job_runner {
    struct job_runner_conf conf;
    struct job_link *link;
    struct list runs;
    uint32_t busy;               /* learning or playing */
    uint32_t kept;               /* reports not answered yet */
    uint32_t credit;             /* given to the broker and not used up */
    char *service;               /* ours, as hello says it */
    Weft__Bus__V1__Lease **told; /* for hello */
    struct due again;            /* repeats what got no answer */
    struct due resume;           /* while it waits nothing is asked for */
    int64_t pause_us;
    struct loop_task last; /* tells `idle` */
    void (*idle)(void *arg);
    void *idle_arg;
    bool draining;
};

/* What may be there at once: a place that is free again is credit before its last report is answered. */
static uint32_t most_runs(const struct job_runner *r)
{
    return 2 * r->conf.slots;
}

static struct bus_client *bus_of(const struct job_runner *r)
{
    return r->link ? job_link_bus(r->link) : NULL;
}

static bool is_busy(const struct run *run)
{
    return run->sm.at == LEARNING || run->sm.at == PLAYING;
}

/* THE one place where a run's state changes; the counts follow it. */
static void move(struct run *run, enum run_state next)
{
    struct job_runner *r = run->runner;
    bool was_busy = is_busy(run), was_over = run->sm.at == OVER;
    sm_move(&run->sm, next);
    r->busy -= was_busy && !is_busy(run);
    r->kept += was_busy && !is_busy(run) && next != OVER;
    r->kept -= !was_busy && !was_over && next == OVER;
}

/* --- credit --- */

static void give_credit(struct job_runner *r, uint64_t bytes)
{
    struct bus_client *bus = bus_of(r);
    if (!bus || r->draining || due_waits(&r->resume))
        return;
    uint32_t used = r->busy + r->credit, all = used + r->kept;
    uint32_t free_slots = used < r->conf.slots ? r->conf.slots - used : 0;
    uint32_t room = all < most_runs(r) ? most_runs(r) - all : 0;
    uint32_t n = free_slots < room ? free_slots : room;
    if (n == 0)
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
        due_in(r->conf.clock, &r->again, AGAIN_US);
}

static void pause_credit(struct job_runner *r)
{
    if (due_waits(&r->resume))
        return;
    int64_t longer = r->pause_us ? 2 * r->pause_us : PAUSE_US;
    r->pause_us = longer < PAUSE_MOST_US ? longer : PAUSE_MOST_US;
    due_in(r->conf.clock, &r->resume, r->pause_us);
    log_event(LOG_WARN, "job-app-absent", LOG_STR("expected", "an answer at inbound.app"),
              LOG_INT("asking_again_ms", r->pause_us / NOW_US_PER_MS));
}

static void resume(struct due *due)
{
    give_credit((struct job_runner *)(void *)((char *)due - offsetof(struct job_runner, resume)), 0);
}

/* --- the end of a run --- */

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
    if (r->idle && list_empty(&r->runs))
        loop_defer(r->conf.loop, &r->last);
}

static void run_free(struct run *run)
{
    struct job_runner *r = run->runner;
    struct bus_client *bus = bus_of(r);
    if (bus)
        bus_client_forget(bus, run);
    job_play_cut(&run->play);
    move(run, OVER);
    due_cancel(r->conf.clock, &run->late);
    job_report_fini(&run->report);
    list_remove(&run->link);
    mem_free(run->lease.job);
    mem_free(run);
}

static void forget(struct run *run)
{
    struct job_runner *r = run->runner;
    run_free(run);
    give_credit(r, 0);
    look_idle(r);
}

/* --- reports --- */

static void say(struct run *run);

/* A broker that is full or stopping will take it later; any other no is the last word. */
static bool is_last_word(const Weft__Bus__V1__Record *answer)
{
    if (answer->body_case != WEFT__BUS__V1__RECORD__BODY_PROBLEM)
        return true;
    return answer->problem->status < 500;
}

static void said(void *arg, enum err e, const Weft__Bus__V1__Record *answer)
{
    struct run *run = arg;
    struct job_runner *r = run->runner;
    if (e == ERR_OK && is_last_word(answer)) {
        if (answer->body_case == WEFT__BUS__V1__RECORD__BODY_PROBLEM)
            log_event(LOG_WARN, "job-report-refused", LOG_STR("job", run->lease.job),
                      LOG_STR("why", answer->problem->word), LOG_STR("detail", answer->problem->detail));
        forget(run);
        return;
    }
    move(run, REPORTING);
    due_in(r->conf.clock, &r->again, AGAIN_US);
}

static void say(struct run *run)
{
    struct job_runner *r = run->runner;
    struct bus_client *bus = bus_of(r);
    if (!bus)
        return; /* after the next welcome */
    move(run, SAID);
    if (bus_client_call(bus, &run->report.record, CALL_US, said, run) == ERR_OK)
        return;
    move(run, REPORTING);
    due_in(r->conf.clock, &r->again, AGAIN_US);
}

/* The report is filled. */
static void finish(struct run *run)
{
    struct job_runner *r = run->runner;
    due_cancel(r->conf.clock, &run->late);
    move(run, REPORTING);
    say(run);
    give_credit(r, 0);
}

static void give_back(struct run *run)
{
    job_play_cut(&run->play);
    job_report_released(&run->report, &run->lease);
    finish(run);
}

static void fail(struct run *run, Weft__Bus__V1__Failed__Kind kind, struct slice reason)
{
    job_play_cut(&run->play);
    job_report_failed(&run->report, &run->lease, &(struct job_report_fault){.kind = kind, .reason = reason});
    finish(run);
}

/* --- outcomes --- */

/* "the function answered 503: ..." with the beginning of what it said. */
static void fail_answered(struct run *run, const struct job_report_answer *answer, bool refused)
{
    struct job_runner *r = run->runner;
    struct slice word = headers_value(answer->headers, HEADERS_WEFT_ERROR);
    struct job_report_fault fault = {
        .kind = refused ? WEFT__BUS__V1__FAILED__KIND__REFUSED : WEFT__BUS__V1__FAILED__KIND__FUNCTION,
        .answer = word.len ? NULL : answer,
        .retry_after_ms = job_outcome_retry_ms(headers_value(answer->headers, HEADERS_RETRY_AFTER),
                                               now_wall_us(loop_now(r->conf.loop))),
    };
    struct buf reason;
    buf_init(&reason, BUF_TEXT_BOUND);
    if (refused) {
        buf_put(&reason, answer->body);
    } else {
        buf_putf(&reason, "%s answered %u: ", word.len ? "the sidecar" : "the function", answer->status);
        buf_put_safe(&reason, answer->body, REASON_SHOWN);
    }
    fault.reason = buf_slice(&reason);
    job_report_failed(&run->report, &run->lease, &fault);
    buf_fini(&reason);
    finish(run);
}

static void answered(struct run *run, const struct job_play_answer *a)
{
    struct job_runner *r = run->runner;
    struct job_report_answer answer = {a->status, a->headers, a->body};
    enum job_outcome outcome = job_outcome_of(a->status, headers_value(a->headers, HEADERS_WEFT_ERROR));
    if (outcome == JOB_OUTCOME_ABSENT)
        pause_credit(r);
    else
        r->pause_us = 0;
    switch (outcome) {
    case JOB_OUTCOME_DONE:
        job_report_done(&run->report, &run->lease, &answer);
        finish(run);
        break;
    case JOB_OUTCOME_AGAIN:
    case JOB_OUTCOME_REFUSED:
        fail_answered(run, &answer, outcome == JOB_OUTCOME_REFUSED);
        break;
    case JOB_OUTCOME_CRASH:
        fail(run, WEFT__BUS__V1__FAILED__KIND__CRASH, SLICE("the function went away before it had answered"));
        break;
    case JOB_OUTCOME_ABSENT:
        give_back(run);
        break;
    }
}

static void played(void *arg, const struct job_play_answer *answer)
{
    struct run *run = arg;
    run->play = NULL;
    switch (answer->how) {
    case JOB_PLAY_ANSWERED:
        answered(run, answer);
        break;
    case JOB_PLAY_BROKEN:
        fail(run, WEFT__BUS__V1__FAILED__KIND__CRASH, SLICE("the answer broke off"));
        break;
    case JOB_PLAY_TOO_LONG:
        fail(run, WEFT__BUS__V1__FAILED__KIND__REFUSED, SLICE("result too large: it may have 256 KiB"));
        break;
    }
}

static void attempt_late(struct due *due)
{
    struct run *run = (struct run *)(void *)((char *)due - offsetof(struct run, late));
    fail(run, WEFT__BUS__V1__FAILED__KIND__TIMEOUT, SLICE("the attempt took longer than it may"));
}

/* --- the beginning of a run --- */

static void play(struct run *run)
{
    struct job_runner *r = run->runner;
    move(run, PLAYING);
    job_play_start(run->play, r->conf.play, r->conf.arg);
}

/* Whatever the broker knows of the contract, the relay decides: it refuses or audits. */
static void learnt(void *arg, enum err e, const Weft__Bus__V1__Record *answer)
{
    struct run *run = arg;
    struct job_runner *r = run->runner;
    if (e != ERR_OK) {
        due_in(r->conf.clock, &r->again, AGAIN_US);
        return;
    }
    if (answer->body_case == WEFT__BUS__V1__RECORD__BODY_CONTRACT && answer->contract->text.len) {
        struct slice text = slice_of(answer->contract->text.data, answer->contract->text.len);
        r->conf.learn(r->conf.arg, job_play_caller(run->play), run->digest, text);
    }
    play(run);
}

static void learn(struct run *run)
{
    struct job_runner *r = run->runner;
    struct bus_client *bus = bus_of(r);
    if (!bus)
        return; /* after the next welcome */
    Weft__Bus__V1__ContractGet body = WEFT__BUS__V1__CONTRACT_GET__INIT;
    body.digest = (ProtobufCBinaryData){.len = DIGEST, .data = run->digest};
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_CONTRACT_GET;
    record.contract_get = &body;
    bus_client_forget(bus, run);
    if (bus_client_call(bus, &record, CALL_US, learnt, run) != ERR_OK)
        due_in(r->conf.clock, &r->again, AGAIN_US);
}

static struct run *find(const struct job_runner *r, const Weft__Bus__V1__Lease *lease)
{
    for (struct list *at = r->runs.next; at != &r->runs; at = at->next) {
        struct run *run = LIST_OF(at, struct run, link);
        if (run->lease.token == lease->token && strcmp(run->lease.job, lease->job) == 0)
            return run;
    }
    return NULL;
}

/* The attempt ends with its own time or the job's, whichever comes first. */
static uint64_t deadline_of(const Weft__Bus__V1__Assign *a, uint64_t now_ms)
{
    uint64_t own = a->timeout_ms && a->timeout_ms < UINT64_MAX - now_ms ? now_ms + a->timeout_ms : 0;
    return own && (a->deadline_ms == 0 || own < a->deadline_ms) ? own : a->deadline_ms;
}

static void set_late(struct run *run, uint64_t deadline_ms, uint64_t now_ms)
{
    enum { LONGEST_MS = 1000000000 }; /* eleven days, then nobody waits any more */
    if (deadline_ms == 0)
        return;
    uint64_t left = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    if (left < LONGEST_MS)
        due_in(run->runner->conf.clock, &run->late, (int64_t)left * NOW_US_PER_MS);
}

static struct run *run_new(struct job_runner *r, const Weft__Bus__V1__Assign *a)
{
    struct run *run = mem_new(sizeof(*run));
    run->runner = r;
    sm_init(&run->sm, run_rows, LEARNING);
    weft__bus__v1__lease__init(&run->lease);
    run->lease.job = mem_copy(slice_str(a->job));
    run->lease.token = a->token;
    due_init(&run->late, attempt_late);
    list_push_back(&r->runs, &run->link);
    r->busy++;
    return run;
}

static void begin(struct run *run, const Weft__Bus__V1__Assign *a)
{
    struct job_runner *r = run->runner;
    uint64_t now_ms = (uint64_t)(now_wall_us(loop_now(r->conf.loop)) / NOW_US_PER_MS);
    struct job_play_conf conf = {
        .loop = r->conf.loop,
        .assign = a,
        .deadline_ms = deadline_of(a, now_ms),
        .done = played,
        .arg = run,
    };
    run->play = job_play_new(&conf);
    if (!run->play) {
        fail(run, WEFT__BUS__V1__FAILED__KIND__REFUSED, SLICE("the job's head is not HTTP"));
        return;
    }
    set_late(run, conf.deadline_ms, now_ms);
    bool shows = a->contract.len == DIGEST;
    if (shows)
        memcpy(run->digest, a->contract.data, DIGEST);
    if (shows && !r->conf.knows(r->conf.arg, run->digest))
        learn(run);
    else
        play(run);
}

void job_runner_assign(void *runner, const Weft__Bus__V1__Assign *assign)
{
    struct job_runner *r = runner;
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    lease.job = assign->job;
    lease.token = assign->token;
    if (find(r, &lease))
        return; /* said twice */
    if (r->busy + r->kept >= most_runs(r)) {
        log_event(LOG_WARN, "job-unasked", LOG_STR("job", assign->job), LOG_INT("running", r->busy),
                  LOG_STR("so", "its lease will end"));
        return;
    }
    r->credit -= r->credit > 0;
    struct run *run = run_new(r, assign);
    if (r->draining)
        give_back(run);
    else
        begin(run, assign);
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
    for (struct list *at = r->runs.next; at != &r->runs; at = at->next)
        r->told[n++] = &LIST_OF(at, struct run, link)->lease;
    hello->n_running = n;
    hello->running = r->told;
}

static void drop(struct job_runner *r, Weft__Bus__V1__Lease *const *leases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct run *run = find(r, leases[i]);
        if (!run)
            continue;
        log_event(LOG_WARN, "job-lease-lost", LOG_STR("job", run->lease.job),
                  LOG_INT("token", (int64_t)run->lease.token), LOG_STR("so", "the attempt is cut"));
        forget(run);
    }
}

/* Each is found afresh: saying one may end it, and its neighbour stays where it is. */
static void say_again(struct job_runner *r)
{
    for (struct list *at = r->runs.next, *next; at != &r->runs; at = next) {
        struct run *run = LIST_OF(at, struct run, link);
        next = at->next;
        if (run->sm.at == REPORTING)
            say(run);
        else if (run->sm.at == LEARNING)
            learn(run);
    }
}

static void again(struct due *due)
{
    struct job_runner *r = (struct job_runner *)(void *)((char *)due - offsetof(struct job_runner, again));
    say_again(r);
    give_credit(r, 0);
}

void job_runner_welcome(void *runner, const Weft__Bus__V1__Welcome *welcome)
{
    struct job_runner *r = runner;
    r->credit = 0;
    drop(r, welcome->dropped, welcome->n_dropped);
    say_again(r);
    give_credit(r, FIRST_BYTES);
}

void job_runner_beat(void *runner, const Weft__Bus__V1__Beat *beat)
{
    struct job_runner *r = runner;
    drop(r, beat->stale, beat->n_stale);
    for (size_t i = 0; i < beat->n_cancelled; i++) {
        struct run *run = find(r, beat->cancelled[i]);
        if (run && is_busy(run))
            give_back(run);
    }
}

void job_runner_lost(void *runner, const char *why)
{
    struct job_runner *r = runner;
    (void)why; /* what runs goes on; the link has logged it */
    r->credit = 0;
}

/* --- drain --- */

void job_runner_drain(struct job_runner *r, void (*idle)(void *arg), void *arg)
{
    r->draining = true;
    r->idle = idle;
    r->idle_arg = arg;
    for (struct list *at = r->runs.next, *next; at != &r->runs; at = next) {
        struct run *run = LIST_OF(at, struct run, link);
        next = at->next;
        if (run->sm.at == LEARNING)
            give_back(run);
    }
    look_idle(r);
}

uint32_t job_runner_running(const struct job_runner *r)
{
    return r->busy;
}

/* --- progress --- */

enum err job_runner_progress(struct job_runner *r, struct slice job, struct slice type, struct slice data)
{
    struct run *found = NULL;
    for (struct list *at = r->runs.next; at != &r->runs; at = at->next) {
        struct run *run = LIST_OF(at, struct run, link);
        if (run->sm.at == PLAYING && slice_eq(job, slice_str(run->lease.job)))
            found = run;
    }
    struct bus_client *bus = bus_of(r);
    if (!found)
        return ERR_ABSENT;
    if (!bus)
        return ERR_AGAIN;
    char *media_type = mem_copy(type);
    Weft__Bus__V1__Progress body = WEFT__BUS__V1__PROGRESS__INIT;
    body.lease = &found->lease;
    body.data = (ProtobufCBinaryData){.len = data.len, .data = (uint8_t *)(uintptr_t)data.at};
    body.type = media_type;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_PROGRESS;
    record.progress = &body;
    enum err e = bus_client_send(bus, &record);
    mem_free(media_type);
    return e;
}

/* --- lifecycle --- */

struct job_runner *job_runner_new(const struct job_runner_conf *conf)
{
    struct job_runner *r = mem_new(sizeof(*r));
    r->conf = *conf;
    r->service = mem_copy(SLICE(""));
    list_init(&r->runs);
    r->told = mem_array(most_runs(r) + 1, sizeof(*r->told));
    due_init(&r->again, again);
    due_init(&r->resume, resume);
    loop_task_init(&r->last, idle_now);
    return r;
}

void job_runner_bind(struct job_runner *r, struct job_link *l)
{
    r->link = l;
}

/* A last word that nobody waits to be answered: unheard, the lease ends by itself. */
static void let_go(struct run *run)
{
    struct bus_client *bus = bus_of(run->runner);
    if (bus && is_busy(run)) {
        job_report_released(&run->report, &run->lease);
        enum err e = bus_client_send(bus, &run->report.record);
        (void)e;
    }
    run_free(run);
}

void job_runner_close(struct job_runner **runner)
{
    struct job_runner *r = *runner;
    *runner = NULL;
    if (!r)
        return;
    r->draining = true;
    while (!list_empty(&r->runs))
        let_go(LIST_OF(list_first(&r->runs), struct run, link));
    due_cancel(r->conf.clock, &r->again);
    due_cancel(r->conf.clock, &r->resume);
    loop_task_cancel(&r->last);
    mem_free(r->told);
    mem_free(r->service);
    mem_free(r);
}
