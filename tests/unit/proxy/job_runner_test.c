/* The broker's words come by hand, the function is the test; without a bus every report is kept. */
#include "proxy/job_runner.h"

#include "base/mem.h"
#include "proxy/job_run.h"
#include "proxy/reply.h"
#include "tests/kit/recorder.h"
#include "tests/kit/t.h"

enum { SLOTS = 2, MOST = 2 * SLOTS, SECOND = 1000000 };

static struct {
    struct loop *loop;
    struct due_clock *clock;
    struct now_hand hand;
    struct job_runner *runner;
    struct job_shelf shelf;
    struct recorder played[MOST + 1];
    unsigned played_count, idles, learnt;
    bool knows;
} s;

static void play(void *arg, struct transit *t)
{
    (void)arg;
    struct recorder *r = &s.played[s.played_count++];
    recorder_init(r);
    r->credit = true;
    recorder_own(r, t);
}

static bool knows(void *arg, const uint8_t digest[32])
{
    (void)arg, (void)digest;
    return s.knows;
}

static void learn(void *arg, struct slice peer, const uint8_t digest[32], struct slice text)
{
    (void)arg, (void)peer, (void)digest, (void)text;
    s.learnt++;
}

static void idle(void *arg)
{
    (void)arg;
    s.idles++;
}

static void turns(int n)
{
    for (int i = 0; i < n; i++)
        loop_turn(s.loop, false);
}

static void wait_us(int64_t us)
{
    s.hand.mono += us;
    s.hand.wall += us;
    turns(3);
}

static void open_runner(void)
{
    memset(&s, 0, sizeof(s));
    s.hand = (struct now_hand){.mono = SECOND, .wall = INT64_C(1000) * SECOND};
    s.knows = true;
    struct now now = now_by_hand(&s.hand);
    s.loop = loop_new_by(&now);
    s.clock = due_clock_new(s.loop);
    job_shelf_init(&s.shelf);
    struct job_runner_conf conf = {
        .loop = s.loop,
        .clock = s.clock,
        .slots = SLOTS,
        .shelf = &s.shelf,
        .play = play,
        .knows = knows,
        .learn = learn,
    };
    s.runner = job_runner_new(&conf);
}

static void close_runner(void)
{
    job_runner_close(&s.runner);
    turns(3);
    CHECK_INT(0, s.shelf.leases.count);
    job_shelf_fini(&s.shelf);
    for (unsigned i = 0; i < s.played_count; i++) {
        CHECK_INT(1, s.played[i].gones);
        recorder_fini(&s.played[i]);
    }
    due_clock_free(&s.clock);
    loop_free(&s.loop);
}

static Weft__Bus__V1__Assign assign(const char *job, uint64_t token)
{
    Weft__Bus__V1__Assign a = WEFT__BUS__V1__ASSIGN__INIT;
    a.job = (char *)(uintptr_t)job;
    a.token = token;
    a.attempt = 3;
    a.caller = (char *)(uintptr_t) "spiffe://example.org/web";
    a.method = (char *)(uintptr_t) "POST";
    a.path = (char *)(uintptr_t) "/train?x=1";
    a.traceparent = (char *)(uintptr_t) "00-1-2-01";
    return a;
}

static void begin(const char *job, uint64_t token)
{
    Weft__Bus__V1__Assign a = assign(job, token);
    job_runner_assign(s.runner, &a);
    turns(2);
}

/* The runs as hello tells them. */
static size_t told(void)
{
    Weft__Bus__V1__Hello hello = WEFT__BUS__V1__HELLO__INIT;
    job_runner_hello(s.runner, &hello);
    return hello.n_running;
}

static void answer(struct recorder *r, unsigned status, const char *body)
{
    CHECK_ERR(ERR_OK, transit_answer(r->t, status, SLICE("text/plain"), slice_str(body)));
    turns(3);
}

/* What would be said of the only run there is. */
static const struct job_report *report(void)
{
    Weft__Bus__V1__Hello hello = WEFT__BUS__V1__HELLO__INIT;
    job_runner_hello(s.runner, &hello);
    CHECK_INT(1, hello.n_running);
    char *lease = (char *)hello.running[0];
    return &((struct job_run *)(void *)(lease - offsetof(struct job_run, lease)))->report;
}

static void check_failed(Weft__Bus__V1__Failed__Kind kind, const char *reason)
{
    const Weft__Bus__V1__Record *r = &report()->record;
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_FAILED, r->body_case);
    CHECK_INT(kind, r->failed->kind);
    CHECK_TEXT(reason, slice_str(r->failed->reason));
}

/* --- playing --- */

TEST(the_function_gets_the_request_with_what_it_may_want_to_know)
{
    open_runner();
    Weft__Bus__V1__Assign a = assign("j1", 7);
    Weft__Bus__V1__Header type = WEFT__BUS__V1__HEADER__INIT, lie = WEFT__BUS__V1__HEADER__INIT;
    Weft__Bus__V1__Header *fields[] = {&type, &lie};
    type.name = (char *)(uintptr_t) "content-type";
    type.value = (ProtobufCBinaryData){.len = 10, .data = (uint8_t *)(uintptr_t) "text/plain"};
    lie.name = (char *)(uintptr_t) "weft-job";
    lie.value = (ProtobufCBinaryData){.len = 5, .data = (uint8_t *)(uintptr_t) "other"};
    a.n_headers = 2;
    a.headers = fields;
    a.body = (ProtobufCBinaryData){.len = 5, .data = (uint8_t *)(uintptr_t) "hello"};
    a.timeout_ms = 5000;
    a.deadline_ms = 1000000 + 9000;
    job_runner_assign(s.runner, &a);
    turns(2);
    CHECK_INT(1, s.played_count);
    struct recorder *r = &s.played[0];
    CHECK_TEXT("POST", r->t->in.method);
    CHECK_TEXT("/train?x=1", r->t->in.path);
    CHECK_TEXT("spiffe://example.org/web", r->t->peer_id);
    CHECK_TEXT("hello", buf_slice(&r->body));
    CHECK_INT(1, r->ends);
    const struct headers *h = &r->t->in.headers;
    CHECK_TEXT("text/plain", headers_value(h, HEADERS_CONTENT_TYPE));
    CHECK_TEXT("j1", headers_value(h, HEADERS_WEFT_JOB));
    CHECK_TEXT("3", headers_value(h, HEADERS_WEFT_ATTEMPT));
    CHECK_TEXT("1005000", headers_value(h, HEADERS_WEFT_DEADLINE));
    CHECK_TEXT("00-1-2-01", headers_value(h, HEADERS_TRACEPARENT));
    CHECK_TEXT("5", headers_value(h, HEADERS_CONTENT_LENGTH));
    CHECK_INT(5, h->count - 1);
    close_runner();
}

TEST(the_digest_of_the_callers_contract_goes_along)
{
    uint8_t digest[32] = {0};
    open_runner();
    Weft__Bus__V1__Assign a = assign("j1", 7);
    a.contract = (ProtobufCBinaryData){.len = 32, .data = digest};
    job_runner_assign(s.runner, &a);
    turns(2);
    CHECK_TEXT("sha-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
               headers_value(&s.played[0].t->in.headers, HEADERS_WEFT_CONTRACT));
    close_runner();
}

TEST(a_job_whose_contract_is_not_known_waits_for_the_broker)
{
    uint8_t digest[32] = {1};
    open_runner();
    s.knows = false;
    Weft__Bus__V1__Assign a = assign("j1", 7);
    a.contract = (ProtobufCBinaryData){.len = 32, .data = digest};
    job_runner_assign(s.runner, &a);
    turns(2);
    CHECK_INT(0, s.played_count);
    CHECK_INT(1, job_runner_running(s.runner));
    close_runner();
}

TEST(a_job_that_is_no_request_fails_for_good)
{
    open_runner();
    Weft__Bus__V1__Assign a = assign("j1", 7);
    a.path = (char *)(uintptr_t) "/a b";
    job_runner_assign(s.runner, &a);
    check_failed(WEFT__BUS__V1__FAILED__KIND__REFUSED, "the job's head is not HTTP");
    CHECK_INT(0, s.played_count);
    close_runner();
}

TEST(an_assignment_said_twice_is_played_once)
{
    open_runner();
    begin("j1", 7);
    begin("j1", 7);
    CHECK_INT(1, s.played_count);
    begin("j1", 8);
    CHECK_INT(2, s.played_count);
    close_runner();
}

TEST(more_than_twice_the_slots_is_not_taken)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    open_runner();
    for (uint64_t i = 0; i < MOST + 1; i++)
        begin(names[i], i + 1);
    CHECK_INT(MOST, s.played_count);
    CHECK_INT(MOST, told());
    close_runner();
}

/* --- outcomes --- */

TEST(an_answer_becomes_a_done_that_is_kept)
{
    open_runner();
    begin("j1", 7);
    CHECK_INT(1, job_runner_running(s.runner));
    answer(&s.played[0], 404, "no such epoch");
    CHECK_INT(0, job_runner_running(s.runner));
    CHECK_INT(1, told());
    const Weft__Bus__V1__Record *r = &report()->record;
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_DONE, r->body_case);
    CHECK_INT(404, r->done->status);
    CHECK_INT(7, r->done->lease->token);
    CHECK_TEXT("j1", slice_str(r->done->lease->job));
    CHECK_TEXT("no such epoch", slice_of(r->done->body.data, r->done->body.len));
    CHECK_INT(1, r->done->n_headers);
    CHECK_TEXT("content-type", slice_str(r->done->headers[0]->name));
    CHECK_INT(TRANSIT_DONE, s.played[0].how);
    close_runner();
}

TEST(a_503_asks_for_another_attempt_after_its_retry_after)
{
    open_runner();
    begin("j1", 7);
    struct transit *t = s.played[0].t;
    CHECK_ERR(ERR_OK, headers_add_token(&t->out.headers, HEADERS_RETRY_AFTER, SLICE("9")));
    answer(&s.played[0], 503, "busy");
    check_failed(WEFT__BUS__V1__FAILED__KIND__FUNCTION, "the function answered 503: busy");
    CHECK_INT(9000, report()->record.failed->retry_after_ms);
    CHECK_INT(503, report()->record.failed->status);
    close_runner();
}

TEST(a_refusal_of_ours_fails_for_good_with_the_problem_as_reason)
{
    open_runner();
    begin("j1", 7);
    reply_refuse(s.played[0].t, REPLY_POLICY_DENIED, SLICE("no"), (struct slice){0});
    turns(3);
    const Weft__Bus__V1__Failed *f = report()->record.failed;
    CHECK_INT(WEFT__BUS__V1__FAILED__KIND__REFUSED, f->kind);
    CHECK(slice_starts(slice_str(f->reason), SLICE("{\"type\":\"urn:weft:error:policy-denied\"")));
    close_runner();
}

TEST(a_function_that_is_not_there_gives_the_job_back)
{
    open_runner();
    begin("j1", 7);
    reply_refuse(s.played[0].t, REPLY_APP_UNREACHABLE, (struct slice){0}, (struct slice){0});
    turns(3);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_RELEASED, report()->record.body_case);
    close_runner();
}

TEST(a_function_that_went_away_is_a_crash)
{
    open_runner();
    begin("j1", 7);
    reply_refuse(s.played[0].t, REPLY_APP_RESET, (struct slice){0}, (struct slice){0});
    turns(3);
    check_failed(WEFT__BUS__V1__FAILED__KIND__CRASH, "the function went away before it had answered");
    close_runner();
}

TEST(an_answer_that_breaks_off_is_a_crash)
{
    open_runner();
    begin("j1", 7);
    struct transit *t = s.played[0].t;
    t->out.status = 200;
    CHECK_ERR(ERR_OK, transit_head(t, false));
    CHECK_ERR(ERR_OK, transit_write(t, SLICE("half")));
    transit_reset(t, TRANSIT_WHY_INTERNAL);
    turns(3);
    check_failed(WEFT__BUS__V1__FAILED__KIND__CRASH, "the answer broke off");
    CHECK_INT(TRANSIT_CANCELLED, s.played[0].how);
    close_runner();
}

static void write_answer(struct transit *t, unsigned status, size_t len)
{
    char *bytes = mem_new(len);
    t->out.status = status;
    CHECK_ERR(ERR_OK, transit_head(t, false));
    CHECK_ERR(ERR_OK, transit_write(t, slice_of(bytes, len)));
    transit_finish(t);
    mem_free(bytes);
    turns(3);
}

TEST(a_result_may_have_256_kib)
{
    open_runner();
    begin("j1", 7);
    write_answer(s.played[0].t, 200, JOB_RUNNER_RESULT);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_DONE, report()->record.body_case);
    CHECK_INT(JOB_RUNNER_RESULT, report()->record.done->body.len);
    close_runner();
}

TEST(a_longer_result_waits_for_the_broker_and_the_function_with_it)
{
    open_runner();
    begin("j1", 7);
    write_answer(s.played[0].t, 200, JOB_RUNNER_RESULT + 1);
    CHECK_INT(JOB_RUNNER_RESULT + 1, buf_len(&s.played[0].t->body)); /* not taken from it */
    wait_us(3 * SECOND);
    CHECK_INT(1, job_runner_running(s.runner));
    CHECK_INT(0, s.played[0].gones);
    close_runner();
}

TEST(of_a_longer_error_only_the_beginning_is_told)
{
    open_runner();
    begin("j1", 7);
    write_answer(s.played[0].t, 503, JOB_RUNNER_RESULT + 1);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_FAILED, report()->record.body_case);
    CHECK_INT(WEFT__BUS__V1__FAILED__KIND__FUNCTION, report()->record.failed->kind);
    CHECK_INT(0, report()->record.failed->status);
    CHECK_INT(0, report()->record.failed->body.len);
    CHECK_INT(TRANSIT_DONE, s.played[0].how);
    close_runner();
}

static void give_body(struct job_play *p, size_t len, bool last)
{
    char *bytes = mem_new(len);
    memset(bytes, 'b', len);
    job_play_give(p, slice_of(bytes, len), last);
    mem_free(bytes);
    turns(3);
}

static void ignore(void *arg, const struct job_play_answer *answer)
{
    (void)arg, (void)answer;
}

static void took(void *arg, size_t n)
{
    *(size_t *)arg += n;
}

TEST(a_body_by_the_piece_is_given_as_it_is_taken)
{
    size_t taken = 0;
    open_runner();
    Weft__Bus__V1__BlobName blob = WEFT__BUS__V1__BLOB_NAME__INIT;
    Weft__Bus__V1__Assign a = assign("j1", 7);
    blob.size = 600000;
    a.blob = &blob;
    struct job_play_conf conf = {.loop = s.loop, .assign = &a, .took = took, .done = ignore, .arg = &taken};
    struct job_play *p = job_play_new(&conf);
    job_play_start(p, play, NULL);
    struct recorder *r = &s.played[0];
    CHECK_INT(600000, r->t->in.length);
    r->credit = false;
    give_body(p, 400000, false);
    CHECK_INT(TRANSIT_WINDOW, taken);
    CHECK_INT(0, r->ends);
    r->credit = true;
    transit_credit(r->t, r->t->owed);
    turns(3);
    CHECK_INT(400000, taken);
    CHECK_INT(0, r->ends);
    give_body(p, 200000, true);
    CHECK_INT(600000, taken);
    CHECK_INT(1, r->ends);
    job_play_cut(&p);
    turns(3);
    close_runner();
}

TEST(an_attempt_ends_with_its_timeout_to_the_millisecond)
{
    open_runner();
    Weft__Bus__V1__Assign a = assign("j1", 7);
    a.timeout_ms = 1500;
    job_runner_assign(s.runner, &a);
    wait_us(1499999);
    CHECK_INT(0, s.played[0].gones);
    wait_us(1);
    CHECK_INT(1, s.played[0].gones);
    check_failed(WEFT__BUS__V1__FAILED__KIND__TIMEOUT, "the attempt took longer than it may");
    close_runner();
}

/* --- the broker's words --- */

static void beat(bool stale, const char *job, uint64_t token)
{
    Weft__Bus__V1__Beat body = WEFT__BUS__V1__BEAT__INIT;
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT, *leases[] = {&lease};
    lease.job = (char *)(uintptr_t)job;
    lease.token = token;
    body.n_stale = stale;
    body.n_cancelled = !stale;
    body.stale = body.cancelled = leases;
    job_runner_beat(s.runner, &body);
    turns(2);
}

TEST(a_stale_lease_is_cut_and_nothing_is_said)
{
    open_runner();
    begin("j1", 7);
    beat(true, "j1", 6);
    CHECK_INT(1, told());
    beat(true, "j1", 7);
    CHECK_INT(0, told());
    CHECK_INT(1, s.played[0].gones);
    CHECK_INT(TRANSIT_RESET, s.played[0].how);
    close_runner();
}

TEST(a_cancelled_job_is_cut_and_given_back)
{
    open_runner();
    begin("j1", 7);
    beat(false, "j1", 7);
    CHECK_INT(1, s.played[0].gones);
    CHECK_INT(0, job_runner_running(s.runner));
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_RELEASED, report()->record.body_case);
    close_runner();
}

TEST(a_cancel_that_comes_after_the_answer_changes_nothing)
{
    open_runner();
    begin("j1", 7);
    answer(&s.played[0], 200, "done");
    beat(false, "j1", 7);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_DONE, report()->record.body_case);
    close_runner();
}

TEST(what_the_broker_dropped_is_forgotten_with_its_report)
{
    open_runner();
    begin("j1", 7);
    begin("j2", 8);
    answer(&s.played[0], 200, "done");
    job_runner_lost(s.runner, "silent");
    CHECK_INT(2, told());
    Weft__Bus__V1__Welcome welcome = WEFT__BUS__V1__WELCOME__INIT;
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT, *leases[] = {&lease};
    lease.job = (char *)(uintptr_t) "j1";
    lease.token = 7;
    welcome.n_dropped = 1;
    welcome.dropped = leases;
    job_runner_welcome(s.runner, &welcome);
    CHECK_INT(1, told());
    CHECK_INT(0, s.played[1].gones);
    close_runner();
}

/* --- drain, progress --- */

TEST(a_drain_is_over_when_the_last_run_is_forgotten)
{
    open_runner();
    begin("j1", 7);
    job_runner_drain(s.runner, idle, NULL);
    turns(2);
    CHECK_INT(0, s.idles);
    begin("j2", 8);
    CHECK_INT(1, s.played_count);
    beat(true, "j2", 8);
    beat(true, "j1", 7);
    CHECK_INT(1, s.idles);
    close_runner();
}

TEST(a_drain_with_nothing_to_do_is_over_at_once)
{
    open_runner();
    job_runner_drain(s.runner, idle, NULL);
    CHECK_INT(0, s.idles);
    turns(2);
    CHECK_INT(1, s.idles);
    close_runner();
}

TEST(progress_needs_a_job_that_runs_and_a_broker)
{
    open_runner();
    CHECK_ERR(ERR_ABSENT, job_runner_progress(s.runner, SLICE("j1"), SLICE("text/plain"), SLICE("half")));
    begin("j1", 7);
    CHECK_ERR(ERR_AGAIN, job_runner_progress(s.runner, SLICE("j1"), SLICE("text/plain"), SLICE("half")));
    answer(&s.played[0], 200, "done");
    CHECK_ERR(ERR_ABSENT, job_runner_progress(s.runner, SLICE("j1"), SLICE("text/plain"), SLICE("half")));
    close_runner();
}

TESTS_BEGIN()
TESTS_RUN(the_function_gets_the_request_with_what_it_may_want_to_know)
TESTS_RUN(the_digest_of_the_callers_contract_goes_along)
TESTS_RUN(a_job_whose_contract_is_not_known_waits_for_the_broker)
TESTS_RUN(a_job_that_is_no_request_fails_for_good)
TESTS_RUN(an_assignment_said_twice_is_played_once)
TESTS_RUN(more_than_twice_the_slots_is_not_taken)
TESTS_RUN(an_answer_becomes_a_done_that_is_kept)
TESTS_RUN(a_503_asks_for_another_attempt_after_its_retry_after)
TESTS_RUN(a_refusal_of_ours_fails_for_good_with_the_problem_as_reason)
TESTS_RUN(a_function_that_is_not_there_gives_the_job_back)
TESTS_RUN(a_function_that_went_away_is_a_crash)
TESTS_RUN(an_answer_that_breaks_off_is_a_crash)
TESTS_RUN(a_result_may_have_256_kib)
TESTS_RUN(a_longer_result_waits_for_the_broker_and_the_function_with_it)
TESTS_RUN(of_a_longer_error_only_the_beginning_is_told)
TESTS_RUN(a_body_by_the_piece_is_given_as_it_is_taken)
TESTS_RUN(an_attempt_ends_with_its_timeout_to_the_millisecond)
TESTS_RUN(a_stale_lease_is_cut_and_nothing_is_said)
TESTS_RUN(a_cancelled_job_is_cut_and_given_back)
TESTS_RUN(a_cancel_that_comes_after_the_answer_changes_nothing)
TESTS_RUN(what_the_broker_dropped_is_forgotten_with_its_report)
TESTS_RUN(a_drain_is_over_when_the_last_run_is_forgotten)
TESTS_RUN(a_drain_with_nothing_to_do_is_over_at_once)
TESTS_RUN(progress_needs_a_job_that_runs_and_a_broker)
TESTS_END()
