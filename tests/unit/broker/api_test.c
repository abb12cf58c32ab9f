#include "broker/api.h"

#include "base/hash.h"
#include "base/mem.h"
#include "tests/unit/broker/bus_world.h"

TEST(a_job_goes_over_the_bus_and_its_result_comes_back)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL),
                *trainer = bus_world_enter(&w, ID("trainer"), "trainer", NULL);
    bus_world_begin(web, trainer);
    bus_world_about(web, WEFT__BUS__V1__RECORD__BODY_FETCH, web->job);
    CHECK_INT(WEFT__BUS__V1__STATE__LEASED, web->state);
    bus_world_done(trainer, trainer);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_OK, trainer->answer);
    bus_world_about(web, WEFT__BUS__V1__RECORD__BODY_FETCH, web->job);
    CHECK_INT(WEFT__BUS__V1__STATE__DONE, web->state);
    CHECK_INT(200, web->status);
    CHECK_TEXT("model", slice_str(web->body));
    bus_world_close(&w);
}

TEST(a_token_is_no_key_to_the_job_of_another_service)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL),
                *trainer = bus_world_enter(&w, ID("trainer"), "trainer", NULL);
    bus_world_begin(web, trainer);
    struct peer *printer = bus_world_enter(&w, ID("printer"), "printer", trainer);
    CHECK_INT(0, printer->attached);
    CHECK_INT(1, printer->dropped);
    bus_world_done(printer, trainer);
    bus_world_check_refused(printer, "job-stale", 409);
    bus_world_done(web, trainer);
    bus_world_check_refused(web, "job-stale", 409);
    bus_world_done(trainer, trainer);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_OK, trainer->answer);
    bus_world_close(&w);
}

TEST(a_worker_that_comes_back_goes_on_with_what_it_runs)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL),
                *trainer = bus_world_enter(&w, ID("trainer"), "trainer", NULL);
    bus_world_begin(web, trainer);
    struct peer *again = bus_world_enter(&w, ID("trainer"), "trainer", trainer);
    CHECK_INT(1, again->attached);
    CHECK_INT(0, again->dropped);
    bus_world_done(again, trainer);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_OK, again->answer);
    bus_world_close(&w);
}

static void count_session(void *arg, struct session *s)
{
    (void)s;
    ++*(int *)arg;
}

static int sessions(const struct world *w)
{
    int count = 0;
    front_each(w->front, count_session, &count);
    return count;
}

/* Our end hears of it when it sends, and not before: the first ones may go where nobody is any more. */
TEST(a_job_that_could_not_be_sent_goes_to_another_worker)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL),
                *gone = bus_world_enter(&w, ID("trainer"), "trainer", NULL),
                *stays = bus_world_enter(&w, ID("trainer"), "trainer", NULL);
    for (int i = 0; i < 8; i++)
        bus_world_credit(gone, "trainer");
    bus_world_credit(stays, "trainer");
    bus_client_close(&gone->client);
    Weft__Bus__V1__Submit m = bus_world_a_submit();
    for (int job = 0; job < 8 && sessions(&w) == 3; job++) {
        bus_world_submit(web, &m);
        for (int turn = 0; turn < 300 && sessions(&w) == 3; turn++)
            loop_turn(w.loop, false);
    }
    CHECK_INT(2, sessions(&w));
    UNTIL(&w, stays->assigns == 1);
    CHECK_TEXT(web->job, slice_str(stays->assigned));
    bus_world_close(&w);
}

TEST(who_is_not_the_configured_runner_gets_no_credit)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL),
                *false_one = bus_world_enter(&w, ID("mallory"), "trainer", NULL);
    struct peer *trainer = bus_world_enter(&w, ID("trainer"), "trainer", NULL);
    bus_world_credit(false_one, "trainer");
    bus_world_begin(web, trainer);
    CHECK_INT(0, false_one->assigns);
    bus_world_done(trainer, trainer);
    w.runner = ID("somebody-else"); /* as after a reload */
    bus_world_credit(trainer, "trainer");
    Weft__Bus__V1__Submit m = bus_world_a_submit();
    bus_world_submit(web, &m);
    bus_world_about(web, WEFT__BUS__V1__RECORD__BODY_QUERY, web->job);
    CHECK_INT(WEFT__BUS__V1__STATE__QUEUED, web->state);
    CHECK_INT(1, trainer->assigns);
    bus_world_close(&w);
}

TEST(a_submit_that_does_not_fit_is_refused_by_name)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL);
    Weft__Bus__V1__Submit m = bus_world_a_submit();
    m.service = (char *)(uintptr_t) "nobody";
    bus_world_submit(web, &m);
    bus_world_check_refused(web, "service-unknown", 404);
    m = bus_world_a_submit();
    m.delay_ms = UINT64_MAX;
    bus_world_submit(web, &m);
    bus_world_check_refused(web, "bad-request", 400);
    m = bus_world_a_submit();
    m.path = (char *)(uintptr_t) "train";
    bus_world_submit(web, &m);
    bus_world_check_refused(web, "bad-request", 400);
    char *big = mem_new(API_PAYLOAD + 1);
    m = bus_world_a_submit();
    m.body = (ProtobufCBinaryData){.len = API_PAYLOAD, .data = (uint8_t *)big};
    bus_world_submit(web, &m);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_ACCEPTED, web->answer);
    m.body.len++;
    bus_world_submit(web, &m);
    bus_world_check_refused(web, "payload-too-large", 413);
    Weft__Bus__V1__Header field = WEFT__BUS__V1__HEADER__INIT, *fields = &field;
    field.name = (char *)(uintptr_t) "x";
    field.value = (ProtobufCBinaryData){.len = 64 << 10, .data = (uint8_t *)big};
    m = bus_world_a_submit();
    m.n_headers = 1;
    m.headers = &fields;
    bus_world_submit(web, &m);
    bus_world_check_refused(web, "bad-request", 400);
    mem_free(big);
    bus_world_close(&w);
}

TEST(a_key_with_another_request_is_a_conflict)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL);
    char first[JOB_ID + 1];
    Weft__Bus__V1__Submit m = bus_world_a_submit();
    m.key = (char *)(uintptr_t) "k1";
    m.fingerprint = (ProtobufCBinaryData){.len = 1, .data = (uint8_t *)(uintptr_t) "a"};
    bus_world_submit(web, &m);
    CHECK(!web->replayed);
    memcpy(first, web->job, sizeof(first));
    bus_world_submit(web, &m);
    CHECK(web->replayed);
    CHECK_TEXT(first, slice_str(web->job));
    m.fingerprint.data = (uint8_t *)(uintptr_t) "b";
    bus_world_submit(web, &m);
    bus_world_check_refused(web, "idempotency-conflict", 422);
    bus_world_close(&w);
}

TEST(a_job_is_unknown_to_everybody_but_its_caller)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL), *other = bus_world_enter(&w, ID("other"), "", NULL);
    Weft__Bus__V1__Submit m = bus_world_a_submit();
    bus_world_submit(web, &m);
    bus_world_about(other, WEFT__BUS__V1__RECORD__BODY_QUERY, web->job);
    bus_world_check_refused(other, "job-unknown", 404);
    bus_world_about(other, WEFT__BUS__V1__RECORD__BODY_FETCH, web->job);
    bus_world_check_refused(other, "job-unknown", 404);
    bus_world_about(other, WEFT__BUS__V1__RECORD__BODY_CANCEL, web->job);
    bus_world_check_refused(other, "job-unknown", 404);
    bus_world_about(web, WEFT__BUS__V1__RECORD__BODY_QUERY, "../../etc");
    bus_world_check_refused(web, "job-unknown", 404);
    Weft__Bus__V1__List list = WEFT__BUS__V1__LIST__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_LIST;
    r.list = &list;
    bus_world_call(other, &r);
    CHECK_INT(0, other->count);
    bus_world_call(web, &r);
    CHECK_INT(1, web->count);
    bus_world_close(&w);
}

TEST(policy_decides_who_submits_and_who_sees)
{
    struct world w;
    bus_world_open(&w, "allow :- peer(\"" ID("web") "\"), job(\"submit\").\n"
                                                    "allow :- peer(\"" ID("auditor") "\"), job(\"see\").\n");
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL),
                *auditor = bus_world_enter(&w, ID("auditor"), "", NULL);
    Weft__Bus__V1__Submit m = bus_world_a_submit();
    bus_world_submit(web, &m);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_ACCEPTED, web->answer);
    bus_world_about(auditor, WEFT__BUS__V1__RECORD__BODY_QUERY, web->job);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_JOB, auditor->answer);
    bus_world_about(auditor, WEFT__BUS__V1__RECORD__BODY_CANCEL, web->job);
    bus_world_check_refused(auditor, "job-unknown", 404);
    bus_world_submit(auditor, &m);
    bus_world_check_refused(auditor, "policy-denied", 403);
    bus_world_close(&w);
}

TEST(a_cancel_reaches_the_worker_at_once)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL),
                *trainer = bus_world_enter(&w, ID("trainer"), "trainer", NULL);
    bus_world_begin(web, trainer);
    bus_world_about(web, WEFT__BUS__V1__RECORD__BODY_CANCEL, web->job);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_JOB, web->answer);
    UNTIL(&w, trainer->beats > 0);
    CHECK_TEXT(web->job, slice_str(trainer->cancelled));
    bus_world_give_up(trainer);
    bus_world_about(web, WEFT__BUS__V1__RECORD__BODY_QUERY, web->job);
    CHECK_INT(WEFT__BUS__V1__STATE__CANCELLED, web->state);
    bus_world_about(web, WEFT__BUS__V1__RECORD__BODY_CANCEL, web->job);
    bus_world_check_refused(web, "job-ended", 409);
    bus_world_close(&w);
}

TEST(a_watch_ends_with_the_last_end_of_a_job_that_was_retried)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL),
                *trainer = bus_world_enter(&w, ID("trainer"), "trainer", NULL);
    bus_world_begin(web, trainer);
    bus_world_give_up(trainer); /* its one attempt */
    bus_world_about(web, WEFT__BUS__V1__RECORD__BODY_RETRY, web->job);
    CHECK_INT(WEFT__BUS__V1__STATE__QUEUED, web->state);
    bus_world_credit(trainer, "trainer");
    UNTIL(&w, trainer->assigns == 2);
    bus_world_watch(web, web->job);
    UNTIL(&w, web->events == 5);
    CHECK_TEXT("accepted started dead retrying started ", slice_str(web->names));
    CHECK_INT(0, web->lasts);
    bus_world_done(trainer, trainer);
    UNTIL(&w, web->events == 6);
    CHECK_TEXT("accepted started dead retrying started done ", slice_str(web->names));
    CHECK_INT(1, web->lasts);
    bus_world_close(&w);
}

TEST(a_contract_that_was_put_is_got_by_its_digest)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL);
    struct slice text = SLICE("contract(\"orders\", \"1\").");
    struct hash_digest digest = hash_sha256(text);
    Weft__Bus__V1__ContractPut put = WEFT__BUS__V1__CONTRACT_PUT__INIT;
    put.text = (ProtobufCBinaryData){.len = text.len, .data = (uint8_t *)(uintptr_t)text.at};
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_CONTRACT_PUT;
    r.contract_put = &put;
    bus_world_call(web, &r);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_OK, web->answer);
    Weft__Bus__V1__ContractGet get = WEFT__BUS__V1__CONTRACT_GET__INIT;
    get.digest = (ProtobufCBinaryData){.len = sizeof(digest.b), .data = digest.b};
    r.body_case = WEFT__BUS__V1__RECORD__BODY_CONTRACT_GET;
    r.contract_get = &get;
    bus_world_call(web, &r);
    CHECK_INT(text.len, web->count);
    digest.b[0] ^= 1;
    bus_world_call(web, &r);
    CHECK_INT(0, web->count);
    bus_world_close(&w);
}

static void report(struct peer *worker, struct slice data)
{
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    lease.job = worker->assigned;
    lease.token = worker->token;
    Weft__Bus__V1__Progress body = WEFT__BUS__V1__PROGRESS__INIT;
    body.lease = &lease;
    body.data = (ProtobufCBinaryData){.len = data.len, .data = (uint8_t *)(uintptr_t)data.at};
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_PROGRESS;
    r.progress = &body;
    bus_world_call(worker, &r);
}

TEST(a_list_fits_one_message_however_much_its_jobs_report)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL);
    struct peer *trainer = bus_world_enter(&w, ID("trainer"), "trainer", NULL);
    char *big = mem_new((64 << 10) + 1);
    for (int i = 0; i < 17; i++) {
        bus_world_begin(web, trainer);
        report(trainer, slice_of(big, 64 << 10));
        CHECK_INT(WEFT__BUS__V1__RECORD__BODY_OK, trainer->answer);
    }
    report(trainer, slice_of(big, (64 << 10) + 1));
    bus_world_check_refused(trainer, "payload-too-large", 413);
    mem_free(big);
    Weft__Bus__V1__List list = WEFT__BUS__V1__LIST__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_LIST;
    r.list = &list;
    bus_world_call(web, &r);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_JOBS, web->answer);
    CHECK_INT(17, web->count);
    bus_world_close(&w);
}

TEST(what_only_a_broker_says_is_not_taken_from_a_peer)
{
    struct world w;
    bus_world_open(&w, NULL);
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL);
    Weft__Bus__V1__Accepted body = WEFT__BUS__V1__ACCEPTED__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_ACCEPTED;
    r.accepted = &body;
    bus_world_call(web, &r);
    bus_world_check_refused(web, "bad-request", 400);
    bus_world_close(&w);
}

TEST(a_session_ends_with_the_certificate_its_key_stands_for)
{
    struct world w;
    bus_world_open(&w, NULL);
    w.until_us = loop_turn_us(w.loop) + 300000;
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL);
    CHECK_INT(1, sessions(&w));
    int64_t first_us = w.until_us;
    w.until_us += 3000000; /* the key is renewed in time */
    UNTIL(&w, loop_turn_us(w.loop) > first_us + 1100000);
    CHECK_INT(1, sessions(&w));
    UNTIL(&w, sessions(&w) == 0);
    /* It may still talk: ZAP was asked once, when it connected.  Nobody listens. */
    Weft__Bus__V1__Submit m = bus_world_a_submit();
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_SUBMIT;
    r.submit = &m;
    CHECK_ERR(ERR_OK, bus_client_send(web->client, &r));
    for (int i = 0; i < 50; i++)
        loop_turn(w.loop, false);
    CHECK_INT(0, sessions(&w));
    bus_world_close(&w);
}

TESTS_BEGIN()
TESTS_RUN(a_session_ends_with_the_certificate_its_key_stands_for)
TESTS_RUN(a_job_goes_over_the_bus_and_its_result_comes_back)
TESTS_RUN(a_token_is_no_key_to_the_job_of_another_service)
TESTS_RUN(a_worker_that_comes_back_goes_on_with_what_it_runs)
TESTS_RUN(a_job_that_could_not_be_sent_goes_to_another_worker)
TESTS_RUN(who_is_not_the_configured_runner_gets_no_credit)
TESTS_RUN(a_submit_that_does_not_fit_is_refused_by_name)
TESTS_RUN(a_key_with_another_request_is_a_conflict)
TESTS_RUN(a_job_is_unknown_to_everybody_but_its_caller)
TESTS_RUN(policy_decides_who_submits_and_who_sees)
TESTS_RUN(a_cancel_reaches_the_worker_at_once)
TESTS_RUN(a_watch_ends_with_the_last_end_of_a_job_that_was_retried)
TESTS_RUN(a_contract_that_was_put_is_got_by_its_digest)
TESTS_RUN(a_list_fits_one_message_however_much_its_jobs_report)
TESTS_RUN(what_only_a_broker_says_is_not_taken_from_a_peer)
TESTS_END()
