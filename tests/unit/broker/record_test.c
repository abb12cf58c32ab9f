#include "broker/record.h"

#include "tests/kit/t.h"

static const struct record_header headers[] = {{{"a", 1}, {"b\0c", 3}}, {{"d", 1}, {"", 0}}};

static struct record_job some_job(void)
{
    return (struct record_job){
        .id = SLICE("01ARYZ6S41ZZZZZZZZZZZZZZZZ"),
        .service = SLICE("orders"),
        .caller = SLICE("spiffe://test/shop"),
        .operation = SLICE("render"),
        .state = JOB_LEASED,
        .token = 3,
        .attempt = 2,
        .attempts = 5,
        .crashes = 1,
        .releases = 4,
        .priority = 9,
        .cancel_asked = true,
        .due_ms = 1,
        .deadline_ms = 2,
        .submitted_ms = 3,
        .started_ms = 4,
        .ended_ms = 5,
        .traits = JOB_CALLS_BACK,
        .timeout_ms = 6,
        .size = 7,
        .events = 8,
        .status = 503,
        .worker = SLICE("w"),
        .reason = SLICE("because"),
        .progress = SLICE("{\"done\":1}"),
        .progress_type = SLICE("application/json"),
    };
}

/* A job, its bytes, and room to read them. */
struct paper {
    struct buf bytes;
    struct arena arena;
};

static void paper_init(struct paper *p)
{
    *p = (struct paper){0};
    buf_init(&p->bytes, 1 << 20);
}

static void paper_fini(struct paper *p)
{
    buf_fini(&p->bytes);
    arena_fini(&p->arena);
}

TEST(a_job_reads_back_as_it_was_written)
{
    struct paper p;
    struct record_job in = some_job(), out;
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_job_put(&p.bytes, &in));
    CHECK_ERR(ERR_OK, record_job_get(some_job().id, buf_slice(&p.bytes), &p.arena, &out));
    CHECK_SLICE(in.id, out.id);
    CHECK_SLICE(in.service, out.service);
    CHECK_SLICE(in.caller, out.caller);
    CHECK_SLICE(in.operation, out.operation);
    CHECK_INT(JOB_LEASED, out.state);
    CHECK_INT(3, out.token);
    CHECK_INT(2, out.attempt);
    CHECK_INT(5, out.attempts);
    CHECK_INT(1, out.crashes);
    CHECK_INT(4, out.releases);
    CHECK_INT(9, out.priority);
    CHECK(out.cancel_asked);
    CHECK_INT(JOB_CALLS_BACK, out.traits);
    CHECK_INT(1, out.due_ms);
    CHECK_INT(2, out.deadline_ms);
    CHECK_INT(3, out.submitted_ms);
    CHECK_INT(4, out.started_ms);
    CHECK_INT(5, out.ended_ms);
    CHECK_INT(6, out.timeout_ms);
    CHECK_INT(7, out.size);
    CHECK_INT(8, out.events);
    CHECK_INT(503, out.status);
    CHECK_SLICE(in.worker, out.worker);
    CHECK_SLICE(in.reason, out.reason);
    CHECK_SLICE(in.progress, out.progress);
    CHECK_SLICE(in.progress_type, out.progress_type);
    paper_fini(&p);
}

TEST(a_request_and_a_result_read_back_with_any_bytes)
{
    static const struct slice after[] = {{"one", 3}, {"two", 3}};
    struct paper p;
    struct record_request in = {SLICE("PUT"),
                                SLICE("/a?b"),
                                headers,
                                2,
                                SLICE("x\0y"),
                                SLICE("digest"),
                                SLICE("00-1-2-3"),
                                SLICE("key"),
                                SLICE("print"),
                                SLICE("https://h/"),
                                1,
                                after,
                                2,
                                true,
                                {SLICE("0123456789abcdef0123456789abcdef"), UINT64_C(5) << 32}};
    struct record_request out;
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_put_request(&p.bytes, &in));
    CHECK_ERR(ERR_OK, record_get_request(buf_slice(&p.bytes), &p.arena, &out));
    CHECK_SLICE(in.method, out.method);
    CHECK_SLICE(in.path, out.path);
    CHECK_INT(2, out.header_count);
    CHECK_SLICE(headers[0].value, out.headers[0].value);
    CHECK_SLICE(headers[1].name, out.headers[1].name);
    CHECK_SLICE(in.body, out.body);
    CHECK_SLICE(in.contract, out.contract);
    CHECK_SLICE(in.traceparent, out.traceparent);
    CHECK_SLICE(in.key, out.key);
    CHECK_SLICE(in.fingerprint, out.fingerprint);
    CHECK_SLICE(in.callback, out.callback);
    CHECK_INT(1, out.callback_style);
    CHECK_INT(2, out.after_count);
    CHECK_TEXT("two", out.after[1]);
    CHECK(out.after_any_end);
    CHECK_SLICE(in.blob.digest, out.blob.digest);
    CHECK_INT(in.blob.size, out.blob.size);
    buf_clear(&p.bytes);
    struct record_result result = {404, headers, 1, SLICE("gone"), {{0}, 0}}, back;
    CHECK_ERR(ERR_OK, record_put_result(&p.bytes, &result));
    CHECK_ERR(ERR_OK, record_get_result(buf_slice(&p.bytes), &p.arena, &back));
    CHECK_INT(404, back.status);
    CHECK_INT(1, back.header_count);
    CHECK_TEXT("gone", back.body);
    paper_fini(&p);
}

TEST(events_keys_and_bytes_read_back)
{
    struct paper p;
    struct record_event event;
    struct record_key key;
    struct slice bytes;
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_put_event(&p.bytes, &(struct record_event){9, SLICE("done"), 77, SLICE("{}")}));
    CHECK_ERR(ERR_OK, record_get_event(buf_slice(&p.bytes), &p.arena, &event));
    CHECK_INT(9, event.id);
    CHECK_TEXT("done", event.name);
    CHECK_INT(77, event.at_ms);
    CHECK_TEXT("{}", event.data);
    buf_clear(&p.bytes);
    CHECK_ERR(ERR_OK, record_put_key(&p.bytes, &(struct record_key){some_job().id, SLICE("print")}));
    CHECK_ERR(ERR_OK, record_get_key(buf_slice(&p.bytes), &p.arena, &key));
    CHECK_TEXT("print", key.fingerprint);
    buf_clear(&p.bytes);
    CHECK_ERR(ERR_OK, record_put_bytes(&p.bytes, RECORD_CHECKPOINT, SLICE("half")));
    CHECK_ERR(ERR_OK, record_get_bytes(buf_slice(&p.bytes), RECORD_CHECKPOINT, &bytes));
    CHECK_TEXT("half", bytes);
    paper_fini(&p);
}

TEST(the_head_is_checksum_version_and_kind)
{
    struct paper p;
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_put_bytes(&p.bytes, RECORD_CONTRACT, SLICE("")));
    CHECK_INT(RECORD_HEAD, buf_len(&p.bytes));
    CHECK_INT(1, buf_slice(&p.bytes).at[4]);
    CHECK_INT(7, buf_slice(&p.bytes).at[5]);
    paper_fini(&p);
}

TEST(any_damaged_bit_is_seen)
{
    struct paper p;
    struct record_job in = some_job(), out;
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_job_put(&p.bytes, &in));
    size_t len = buf_len(&p.bytes);
    char *at = p.bytes.mem + p.bytes.start;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        at[bit / 8] = (char)(at[bit / 8] ^ 1 << bit % 8);
        CHECK_ERR(ERR_PEER, record_job_get(some_job().id, buf_slice(&p.bytes), &p.arena, &out));
        at[bit / 8] = (char)(at[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t cut = 0; cut < len; cut++)
        CHECK_ERR(ERR_PEER, record_job_get(some_job().id, slice_of(at, cut), &p.arena, &out));
    paper_fini(&p);
}

TEST(one_kind_is_never_taken_for_another)
{
    struct paper p;
    struct record_result out;
    struct slice bytes;
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_put_request(&p.bytes, &(struct record_request){.body = SLICE("x")}));
    CHECK_ERR(ERR_PEER, record_get_result(buf_slice(&p.bytes), &p.arena, &out));
    CHECK_ERR(ERR_PEER, record_get_bytes(buf_slice(&p.bytes), RECORD_CONTRACT, &bytes));
    paper_fini(&p);
}

TEST(a_sound_record_of_an_impossible_job_is_refused)
{
    struct paper p;
    struct record_job in = some_job(), out;
    paper_init(&p);
    in.state = JOB_STATES;
    CHECK_ERR(ERR_OK, record_job_put(&p.bytes, &in));
    CHECK_ERR(ERR_PEER, record_job_get(in.id, buf_slice(&p.bytes), &p.arena, &out));
    buf_clear(&p.bytes);
    in = some_job();
    in.priority = 10;
    CHECK_ERR(ERR_OK, record_job_put(&p.bytes, &in));
    CHECK_ERR(ERR_PEER, record_job_get(some_job().id, buf_slice(&p.bytes), &p.arena, &out));
    paper_fini(&p);
}

TEST(a_record_of_one_job_is_none_of_another)
{
    struct paper p;
    struct record_job in = some_job(), out;
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_job_put(&p.bytes, &in));
    CHECK_ERR(ERR_PEER, record_job_get(SLICE("01ARYZ6S41ZZZZZZZZZZZZZZZ0"), buf_slice(&p.bytes), &p.arena, &out));
    CHECK_ERR(ERR_PEER, record_job_get(SLICE("no id"), buf_slice(&p.bytes), &p.arena, &out));
    paper_fini(&p);
}

TEST(a_queued_job_takes_few_bytes)
{
    struct paper p;
    struct record_job in = {
        .id = some_job().id,
        .service = SLICE("orders"),
        .caller = SLICE("spiffe://test/shop"),
        .state = JOB_QUEUED,
        .priority = 5,
        .attempts = 5,
        .submitted_ms = 1794000000031,
        .size = 1100,
        .events = 1,
    };
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_job_put(&p.bytes, &in));
    /* The head, three bytes of which fields there are, 26 of texts, six of the time, two of the size, four more. */
    CHECK_INT(RECORD_HEAD + 3 + 26 + 6 + 2 + 4, buf_len(&p.bytes));
    paper_fini(&p);
}

TEST(events_stand_in_the_log_until_it_is_full)
{
    struct paper p;
    struct slice log = {0}, more;
    struct record_event event = {1, SLICE("accepted"), 1794000000031, SLICE("{}")};
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_job_log(log, &event, &p.arena, &log));
    CHECK_INT(11, log.len);
    event = (struct record_event){2, SLICE("another name"), 5, SLICE("{\"state\":\"leased\"}")};
    CHECK_ERR(ERR_OK, record_job_log(log, &event, &p.arena, &log));
    struct slice rest = log;
    CHECK_ERR(ERR_OK, record_job_log_take(&rest, &event));
    CHECK_INT(1, event.id);
    CHECK_TEXT("accepted", event.name);
    CHECK_INT(1794000000031, event.at_ms);
    CHECK_TEXT("{}", event.data);
    CHECK_ERR(ERR_OK, record_job_log_take(&rest, &event));
    CHECK_TEXT("another name", event.name);
    CHECK_TEXT("{\"state\":\"leased\"}", event.data);
    CHECK_ERR(ERR_ABSENT, record_job_log_take(&rest, &event));
    rest = slice_to(log, log.len - 1);
    CHECK_ERR(ERR_OK, record_job_log_take(&rest, &event));
    CHECK_ERR(ERR_PEER, record_job_log_take(&rest, &event));
    char long_data[RECORD_LOG_MOST] = {0};
    event.data = slice_of(long_data, sizeof(long_data));
    CHECK_ERR(ERR_ABSENT, record_job_log(log, &event, &p.arena, &more));
    paper_fini(&p);
}

TEST(a_long_reason_is_cut)
{
    struct paper p;
    struct record_job in = some_job(), out;
    char reason[2000];
    memset(reason, 'r', sizeof(reason));
    in.reason = slice_of(reason, sizeof(reason));
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_job_put(&p.bytes, &in));
    CHECK_ERR(ERR_OK, record_job_get(some_job().id, buf_slice(&p.bytes), &p.arena, &out));
    CHECK_INT(1024, out.reason.len);
    paper_fini(&p);
}

TEST(what_does_not_fit_adds_nothing)
{
    struct buf small;
    struct record_job in = some_job();
    buf_init(&small, 40); /* less than a record of this job needs */
    CHECK_ERR(ERR_FULL, record_job_put(&small, &in));
    CHECK_ERR(ERR_FULL,
              record_put_bytes(&small, RECORD_CHECKPOINT, slice_of("0123456789012345678901234567890123456789", 40)));
    CHECK_INT(0, buf_len(&small));
    buf_fini(&small);
}

TEST(a_job_of_memory_goes_into_a_record_and_back)
{
    struct job_table t = {0};
    struct record_job in = some_job(), out;
    struct job *j, *again;
    CHECK_ERR(ERR_OK, record_to_job(&in, &t, &j));
    CHECK_INT(JOB_LEASED, job_state(j));
    CHECK_INT(1, t.count[JOB_LEASED]);
    record_of_job(j, &out);
    CHECK_SLICE(in.id, out.id);
    CHECK_SLICE(in.caller, out.caller);
    CHECK_INT(in.token, out.token);
    CHECK_INT(in.releases, out.releases);
    CHECK_INT(in.priority, out.priority);
    CHECK_INT(in.events, out.events);
    CHECK_INT(in.due_ms, out.due_ms);
    CHECK(out.worker.at == NULL && out.reason.at == NULL);
    CHECK_ERR(ERR_PEER, record_to_job(&in, &t, &again));
    in = some_job();
    in.id = SLICE("01ARYZ6S41ZZZZZZZZZZZZZZZ0");
    in.state = JOB_DONE;
    CHECK_ERR(ERR_PEER, record_to_job(&in, &t, &again));
    job_table_fini(&t);
}

TEST(who_needs_a_blob_reads_back_and_a_digest_that_is_none_does_not)
{
    struct paper p;
    struct record_need need = {UINT64_C(3) << 40, SLICE("spiffe://a/b")}, back;
    struct record_request request = {.method = SLICE("GET"), .path = SLICE("/"), .blob = {SLICE("short"), 1}}, read;
    struct record_result result = {.status = 200, .blob = {SLICE("short"), 1}}, got;
    paper_init(&p);
    CHECK_ERR(ERR_OK, record_put_need(&p.bytes, &need));
    CHECK_ERR(ERR_OK, record_get_need(buf_slice(&p.bytes), &p.arena, &back));
    CHECK_INT(need.size, back.size);
    CHECK_SLICE(need.caller, back.caller);
    buf_clear(&p.bytes);
    CHECK_ERR(ERR_OK, record_put_request(&p.bytes, &request));
    CHECK_ERR(ERR_PEER, record_get_request(buf_slice(&p.bytes), &p.arena, &read));
    CHECK_ERR(ERR_PEER, record_get_need(buf_slice(&p.bytes), &p.arena, &back));
    buf_clear(&p.bytes);
    CHECK_ERR(ERR_OK, record_put_result(&p.bytes, &result));
    CHECK_ERR(ERR_PEER, record_get_result(buf_slice(&p.bytes), &p.arena, &got));
    paper_fini(&p);
}

TESTS_BEGIN()
TESTS_RUN(a_job_reads_back_as_it_was_written)
TESTS_RUN(a_request_and_a_result_read_back_with_any_bytes)
TESTS_RUN(events_keys_and_bytes_read_back)
TESTS_RUN(the_head_is_checksum_version_and_kind)
TESTS_RUN(any_damaged_bit_is_seen)
TESTS_RUN(one_kind_is_never_taken_for_another)
TESTS_RUN(a_sound_record_of_an_impossible_job_is_refused)
TESTS_RUN(a_record_of_one_job_is_none_of_another)
TESTS_RUN(a_queued_job_takes_few_bytes)
TESTS_RUN(events_stand_in_the_log_until_it_is_full)
TESTS_RUN(a_long_reason_is_cut)
TESTS_RUN(what_does_not_fit_adds_nothing)
TESTS_RUN(a_job_of_memory_goes_into_a_record_and_back)
TESTS_RUN(who_needs_a_blob_reads_back_and_a_digest_that_is_none_does_not)
TESTS_END()
