#include "proxy/job_run.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/job_outcome.h"

enum { CALL_US = 30 * NOW_US_PER_S, REASON_SHOWN = 512 };

enum run_state { LEARNING, PLAYING, REPORTING, SAID, OVER, STATES };

static const struct sm_row run_rows[STATES] = {
    [LEARNING] = {"learning", SM_TO(PLAYING) | SM_TO(REPORTING) | SM_TO(OVER), SM_FIRST},
    [PLAYING] = {"playing", SM_TO(REPORTING) | SM_TO(OVER), 0},
    [REPORTING] = {"reporting", SM_TO(SAID) | SM_TO(OVER), 0},
    [SAID] = {"said", SM_TO(REPORTING) | SM_TO(OVER), 0},
    [OVER] = {"over", 0, SM_LAST},
};
const struct sm_table job_run_states = {"job_run", run_rows, STATES};

struct bus_client *job_run_bus(const struct job_run_host *h)
{
    return h->link ? job_link_bus(h->link) : NULL;
}

bool job_run_learns(const struct job_run *run)
{
    return run->sm.at == LEARNING;
}

bool job_run_plays(const struct job_run *run)
{
    return run->sm.at == PLAYING;
}

/* While the function has the job, every worker knows of it. */
static void shelve(struct job_run *run, bool was_playing)
{
    struct job_shelf *shelf = run->host->conf.shelf;
    struct slice job = slice_str(run->lease.job);
    if (job_run_plays(run)) {
        job_shelf_put(shelf, job, run->lease.token, buf_slice(&run->checkpoint));
        buf_fini(&run->checkpoint);
    } else if (was_playing) {
        job_shelf_take(shelf, job, run->lease.token);
    }
}

/* THE one place where a run's state changes; the counts follow it. */
static void move(struct job_run *run, enum run_state next)
{
    struct job_run_host *h = run->host;
    bool was_busy = job_run_is_busy(run), was_playing = job_run_plays(run);
    sm_move(&run->sm, next);
    shelve(run, was_playing);
    bool ends_busy = was_busy && !job_run_is_busy(run);
    h->busy -= ends_busy;
    h->kept += ends_busy && next != OVER;
    h->kept -= !was_busy && next == OVER;
}

static void ask_again(struct job_run_host *h)
{
    due_in(h->conf.clock, &h->again, JOB_RUN_AGAIN_US);
}

/* The function has no say any more. */
static void cut(struct job_run *run)
{
    bus_get_cut(&run->get);
    bus_put_cut(&run->put);
    due_cancel(run->host->conf.clock, &run->put_again);
    job_play_cut(&run->play);
}

void job_run_forget(struct job_run *run)
{
    struct job_run_host *h = run->host;
    struct bus_client *bus = job_run_bus(h);
    if (bus)
        bus_client_forget(bus, run);
    cut(run);
    move(run, OVER);
    due_cancel(h->conf.clock, &run->late);
    job_report_fini(&run->report);
    buf_fini(&run->checkpoint);
    list_remove(&run->link);
    mem_free(run->lease.job);
    mem_free(run);
    h->freed(h);
}

/* --- reports --- */

/* A broker that is full or stopping will take it later; any other no is the last word. */
static bool is_last_word(const Weft__Bus__V1__Record *answer)
{
    if (answer->body_case != WEFT__BUS__V1__RECORD__BODY_PROBLEM)
        return true;
    return answer->problem->status < 500;
}

static bool has_lost_result(const struct job_run *run, const Weft__Bus__V1__Record *answer)
{
    return run->result.size && answer->body_case == WEFT__BUS__V1__RECORD__BODY_PROBLEM &&
           strcmp(answer->problem->word, "blob-unknown") == 0;
}

static void say(struct job_run *run);

static void said(void *arg, enum err e, const Weft__Bus__V1__Record *answer)
{
    struct job_run *run = arg;
    struct job_run_host *h = run->host;
    if (e == ERR_OK && has_lost_result(run, answer)) {
        /* Another connection put it, or another process of the broker has it no more: the attempt is not charged. */
        log_event(LOG_WARN, "job-result-lost", LOG_STR("job", run->lease.job), LOG_STR("so", "it is given back"));
        job_report_fini(&run->report);
        job_report_released(&run->report, &run->lease);
        run->result.size = 0;
        move(run, REPORTING);
        say(run);
        return;
    }
    if (e == ERR_OK && is_last_word(answer)) {
        if (answer->body_case == WEFT__BUS__V1__RECORD__BODY_PROBLEM)
            log_event(LOG_WARN, "job-report-refused", LOG_STR("job", run->lease.job),
                      LOG_STR("why", answer->problem->word), LOG_STR("detail", answer->problem->detail));
        job_run_forget(run);
        return;
    }
    move(run, REPORTING);
    ask_again(h);
}

static void say(struct job_run *run)
{
    struct job_run_host *h = run->host;
    struct bus_client *bus = job_run_bus(h);
    if (!bus)
        return; /* after the next welcome */
    move(run, SAID);
    if (bus_client_call(bus, &run->report.record, CALL_US, said, run) == ERR_OK)
        return;
    move(run, REPORTING);
    ask_again(h);
}

/* The report is filled. */
static void finish(struct job_run *run)
{
    struct job_run_host *h = run->host;
    due_cancel(h->conf.clock, &run->late);
    move(run, REPORTING);
    say(run);
    h->freed(h);
}

void job_run_give_back(struct job_run *run)
{
    cut(run);
    job_report_released(&run->report, &run->lease);
    finish(run);
}

static void fail(struct job_run *run, Weft__Bus__V1__Failed__Kind kind, struct slice reason)
{
    cut(run);
    job_report_failed(&run->report, &run->lease, &(struct job_report_fault){.kind = kind, .reason = reason});
    finish(run);
}

/* --- outcomes --- */

/* "the function answered 503: ..." with the beginning of what it said. */
static void fail_answered(struct job_run *run, const struct job_report_answer *answer, Weft__Bus__V1__Failed__Kind kind,
                          bool is_cut)
{
    bool refused = kind != WEFT__BUS__V1__FAILED__KIND__FUNCTION;
    struct job_run_host *h = run->host;
    struct slice word = headers_value(answer->headers, HEADERS_WEFT_ERROR);
    struct job_report_fault fault = {
        .kind = kind,
        .answer = word.len || is_cut ? NULL : answer,
        .retry_after_ms = job_outcome_retry_ms(headers_value(answer->headers, HEADERS_RETRY_AFTER),
                                               now_wall_us(loop_now(h->conf.loop))),
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

static void answered(struct job_run *run, const struct job_play_answer *a)
{
    struct job_run_host *h = run->host;
    struct job_report_answer answer = {a->status, a->headers, a->body, run->result.size ? &run->result : NULL};
    enum job_outcome outcome = job_outcome_of(a->status, headers_value(a->headers, HEADERS_WEFT_ERROR));
    h->answered(h, outcome != JOB_OUTCOME_ABSENT);
    switch (outcome) {
    case JOB_OUTCOME_DONE:
        job_report_done(&run->report, &run->lease, &answer);
        finish(run);
        break;
    case JOB_OUTCOME_AGAIN:
        fail_answered(run, &answer, WEFT__BUS__V1__FAILED__KIND__FUNCTION, a->cut);
        break;
    case JOB_OUTCOME_REFUSED:
        fail_answered(run, &answer, WEFT__BUS__V1__FAILED__KIND__REFUSED, a->cut);
        break;
    case JOB_OUTCOME_UNFIT:
        fail_answered(run, &answer, WEFT__BUS__V1__FAILED__KIND__UNFIT, a->cut);
        break;
    case JOB_OUTCOME_CRASH:
        fail(run, WEFT__BUS__V1__FAILED__KIND__CRASH, SLICE("the function went away before it had answered"));
        break;
    case JOB_OUTCOME_ABSENT:
        job_run_give_back(run);
        break;
    }
}

static void played(void *arg, const struct job_play_answer *answer)
{
    struct job_run *run = arg;
    run->play = NULL;
    cut(run); /* it may have answered before it has read all */
    switch (answer->how) {
    case JOB_PLAY_ANSWERED:
        answered(run, answer);
        break;
    case JOB_PLAY_BROKEN:
        fail(run, WEFT__BUS__V1__FAILED__KIND__CRASH, SLICE("the answer broke off"));
        break;
    }
}

static void attempt_late(struct due *due)
{
    struct job_run *run = (struct job_run *)(void *)((char *)due - offsetof(struct job_run, late));
    fail(run, WEFT__BUS__V1__FAILED__KIND__TIMEOUT, SLICE("the attempt took longer than it may"));
}

/* --- a body that comes by the piece --- */

static void body_came(void *arg, struct slice bytes, bool last)
{
    struct job_run *run = arg;
    if (last)
        run->get = NULL;
    run->body_at += bytes.len;
    job_play_give(run->play, bytes, last);
}

/* A connection that broke: after the next welcome it goes on where it was.  The broker's word: no attempt will
 * have it. */
static void body_failed(void *arg, const struct bus_put_fault *fault)
{
    struct job_run *run = arg;
    char reason[REASON_SHOWN];
    run->get = NULL;
    snprintf(reason, sizeof(reason), "its body cannot be had: %s: %s", fault->word, fault->detail);
    if (fault->status == 503)
        job_run_give_back(run);
    else if (fault->status)
        fail(run, WEFT__BUS__V1__FAILED__KIND__REFUSED, slice_str(reason));
}

static bool waits_for_body(const struct job_run *run)
{
    return job_run_plays(run) && !run->get && run->body_at < run->body.size;
}

static void body_took(void *arg, size_t n)
{
    struct job_run *run = arg;
    if (run->get)
        bus_get_took(run->get, n);
}

static bool ask_body(struct job_run *run)
{
    static const struct bus_get_owner owner = {body_came, body_failed};
    struct bus_client *bus = job_run_bus(run->host);
    struct bus_get_plan plan = {.lease = &run->lease, .offset = run->body_at};
    return bus && bus_get_start(bus, &plan, &owner, run, &run->get) == ERR_OK;
}

/* --- an answer that goes by the piece --- */

static void result_room(void *arg)
{
    job_play_pour(((struct job_run *)arg)->play);
}

static void result_kept(void *arg, const uint8_t digest[BUS_PUT_DIGEST], uint64_t size)
{
    struct job_run *run = arg;
    run->put = NULL;
    run->result.size = size;
    memcpy(run->result.digest, digest, sizeof(run->result.digest));
    job_play_poured(run->play);
}

/* `word` "": the broker is lost, which the link has said. */
static void wait_for_room(struct job_run *run, const char *word)
{
    if (*word && !run->told)
        log_event(LOG_WARN, "job-result-waits", LOG_STR("job", run->lease.job), LOG_STR("why", word),
                  LOG_STR("so", "asking every second; its function waits"));
    run->told |= *word != 0;
    due_in(run->host->conf.clock, &run->put_again, JOB_RUN_AGAIN_US);
}

/* A broker without room, before anything has left: the function waits.  Afterwards what has left is lost. */
static void result_failed(void *arg, const struct bus_put_fault *fault)
{
    struct job_run *run = arg;
    bool is_full = fault->status == 429 || fault->status >= 500;
    char reason[REASON_SHOWN];
    run->put = NULL;
    snprintf(reason, sizeof(reason), "its result cannot be kept: %s: %s", fault->word, fault->detail);
    if (!run->poured && (is_full || fault->status == 0))
        wait_for_room(run, fault->word);
    else if (fault->status == 0)
        job_run_give_back(run);
    else
        fail(run, is_full ? WEFT__BUS__V1__FAILED__KIND__FUNCTION : WEFT__BUS__V1__FAILED__KIND__REFUSED,
             slice_str(reason));
}

static void result_again(struct due *due)
{
    struct job_run *run = (struct job_run *)(void *)((char *)due - offsetof(struct job_run, put_again));
    job_play_pour(run->play);
}

/* Only a result is worth it: of an answer that is none the beginning will do. */
static bool is_result(void *arg, const struct job_play_answer *head)
{
    (void)arg;
    return job_outcome_of(head->status, headers_value(head->headers, HEADERS_WEFT_ERROR)) == JOB_OUTCOME_DONE;
}

static void begin_put(struct job_run *run)
{
    static const struct bus_put_owner owner = {result_room, result_kept, result_failed};
    struct bus_client *bus = job_run_bus(run->host);
    struct bus_put_plan plan = {.size = job_play_length(run->play), .lease = &run->lease};
    if (!bus || bus_put_start(bus, &plan, &owner, run, &run->put) != ERR_OK)
        due_in(run->host->conf.clock, &run->put_again, JOB_RUN_AGAIN_US);
}

static size_t pour_result(void *arg, struct slice bytes, bool *last)
{
    struct job_run *run = arg;
    if (!run->put && !due_waits(&run->put_again))
        begin_put(run);
    size_t n = run->put ? bus_put_write(run->put, bytes, *last) : 0;
    *last = run->put && bus_put_is_whole(run->put);
    run->poured |= n > 0;
    return n;
}

/* --- the beginning of a run --- */

static void play(struct job_run *run)
{
    struct job_run_host *h = run->host;
    if (run->body.size && !ask_body(run)) {
        job_run_give_back(run);
        return;
    }
    move(run, PLAYING);
    job_play_start(run->play, h->conf.play, h->conf.arg);
}

/* Whatever the broker knows of the contract, the relay decides: it refuses or audits. */
static void learnt(void *arg, enum err e, const Weft__Bus__V1__Record *answer)
{
    struct job_run *run = arg;
    struct job_run_host *h = run->host;
    if (e != ERR_OK) {
        ask_again(h);
        return;
    }
    if (answer->body_case == WEFT__BUS__V1__RECORD__BODY_CONTRACT && answer->contract->text.len) {
        struct slice text = slice_of(answer->contract->text.data, answer->contract->text.len);
        h->conf.learn(h->conf.arg, job_play_caller(run->play), run->digest, text);
    }
    play(run);
}

static void learn(struct job_run *run)
{
    struct job_run_host *h = run->host;
    struct bus_client *bus = job_run_bus(h);
    if (!bus)
        return; /* after the next welcome */
    Weft__Bus__V1__ContractGet body = WEFT__BUS__V1__CONTRACT_GET__INIT;
    body.digest = (ProtobufCBinaryData){.len = JOB_RUN_DIGEST, .data = run->digest};
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_CONTRACT_GET;
    record.contract_get = &body;
    bus_client_forget(bus, run);
    if (bus_client_call(bus, &record, CALL_US, learnt, run) != ERR_OK)
        ask_again(h);
}

/* The attempt ends with its own time or the job's, whichever comes first. */
static uint64_t deadline_of(const Weft__Bus__V1__Assign *a, uint64_t now_ms)
{
    uint64_t own = a->timeout_ms && a->timeout_ms < UINT64_MAX - now_ms ? now_ms + a->timeout_ms : 0;
    return own && (a->deadline_ms == 0 || own < a->deadline_ms) ? own : a->deadline_ms;
}

static void set_late(struct job_run *run, uint64_t deadline_ms, uint64_t now_ms)
{
    enum { LONGEST_MS = 1000000000 }; /* eleven days, then nobody waits any more */
    if (deadline_ms == 0)
        return;
    uint64_t left = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    if (left < LONGEST_MS)
        due_in(run->host->conf.clock, &run->late, (int64_t)left * NOW_US_PER_MS);
}

void job_run_begin(struct job_run *run, const Weft__Bus__V1__Assign *a)
{
    struct job_run_host *h = run->host;
    uint64_t now_ms = (uint64_t)(now_wall_us(loop_now(h->conf.loop)) / NOW_US_PER_MS);
    struct job_play_conf conf = {
        .loop = h->conf.loop,
        .assign = a,
        .deadline_ms = deadline_of(a, now_ms),
        .done = played,
        .took = body_took,
        .large = is_result,
        .pour = pour_result,
        .arg = run,
    };
    run->body.size = a->blob ? a->blob->size : 0;
    run->play = job_play_new(&conf);
    if (!run->play) {
        fail(run, WEFT__BUS__V1__FAILED__KIND__REFUSED, SLICE("the job's head is not HTTP"));
        return;
    }
    set_late(run, conf.deadline_ms, now_ms);
    bool shows = a->contract.len == JOB_RUN_DIGEST;
    if (shows)
        memcpy(run->digest, a->contract.data, JOB_RUN_DIGEST);
    if (shows && !h->conf.knows(h->conf.arg, run->digest))
        learn(run);
    else
        play(run);
}

void job_run_repeat(struct job_run *run)
{
    if (run->sm.at == REPORTING)
        say(run);
    else if (run->sm.at == LEARNING)
        learn(run);
    else if (waits_for_body(run) && !ask_body(run))
        ask_again(run->host);
}

struct job_run *job_run_new(struct job_run_host *h, const Weft__Bus__V1__Assign *a)
{
    struct job_run *run = mem_new(sizeof(*run));
    run->host = h;
    sm_init(&run->sm, run_rows, LEARNING);
    weft__bus__v1__lease__init(&run->lease);
    run->lease.job = mem_copy(slice_str(a->job));
    run->lease.token = a->token;
    due_init(&run->late, attempt_late);
    due_init(&run->put_again, result_again);
    buf_init(&run->checkpoint, JOB_SHELF_CHECKPOINT);
    enum err e = buf_add(&run->checkpoint, slice_of(a->checkpoint.data, a->checkpoint.len));
    (void)e; /* what a broker has is within the bound */
    list_push_back(&h->runs, &run->link);
    h->busy++;
    return run;
}
