/* Whole exchanges: a caller, the relay, and a server that answers, in one loop. */
#include "proxy/relay.h"

#include "http/conn.h"
#include "tests/unit/proxy/stage.h"

enum { LARGE = 3 << 20 };

static void answer_end(struct recorder *r, bool at_end)
{
    if (at_end)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("text/plain"), SLICE("hello")));
}

static void answer_json(struct recorder *r, bool at_end)
{
    if (at_end)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("application/json"), SLICE("{\"quantity\":7}")));
}

static void answer_bad_json(struct recorder *r, bool at_end)
{
    if (at_end)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("application/json"), SLICE("{\"quantity\":7")));
}

static void answer_coded(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_CONTENT_ENCODING, SLICE("gzip")));
    answer_json(r, at_end);
}

static bool body_has(const char *part)
{
    return slice_has(buf_slice(&stage.caller.body), slice_str(part));
}

/* --- passing --- */

static void look_at_head(struct recorder *r, bool at_end)
{
    if (!at_end) {
        CHECK_TEXT("/orders/7?x=%2F", r->t->in.path);
        CHECK_TEXT("By=" STAGE_ORDERS ";URI=" STAGE_WEB,
                   headers_value(&r->t->in.headers, HEADERS_X_FORWARDED_CLIENT_CERT));
        CHECK_INT(16, headers_value(&r->t->in.headers, HEADERS_WEFT_REQUEST_ID).len);
        CHECK(!headers_get(&r->t->in.headers, HEADERS_TRANSFER_ENCODING));
    }
    answer_end(r, at_end);
}

TEST(a_request_without_a_body_passes_and_is_counted)
{
    stage_open(&(struct stage_conf){0});
    stage.answer = look_at_head;
    stage_ask("GET", "/a/../orders//7?x=%2F");
    caller_field(&stage.caller, "x-forwarded-client-cert", "By=liar");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(200, stage.caller.status);
    CHECK_TEXT("hello", buf_slice(&stage.caller.body));
    CHECK_INT(TRANSIT_DONE, stage.caller.how);
    CHECK_INT(1, stage.served_count);
    CHECK_INT(0, stage.served[0].data_bytes);
    struct slice labels[] = {SLICE("inbound"), SLICE("orders"), SLICE(""), SLICE("200")};
    CHECK_INT(1, stage_counted(stage.env.ledger.requests, labels));
    struct slice allow = SLICE("allow");
    CHECK_INT(1, stage_counted(stage.env.ledger.decisions, &allow));
    stage_close();
}

static void look_at_transfer(struct recorder *r, bool at_end)
{
    if (!at_end)
        CHECK_INT(-1, r->t->in.length); /* neither a length nor chunks: RFC 9112 section 6.3 */
    if (!at_end)
        CHECK(r->t->in.headers.count > 0);
    answer_end(r, at_end);
}

TEST(a_get_has_no_chunked_body_of_our_making)
{
    stage_open(&(struct stage_conf){0});
    stage.answer = look_at_transfer;
    stage_ask("GET", "/");
    caller_head(&stage.caller, true);
    CHECK(stage.wire == NULL || stage.dialled == 1);
    for (int i = 0; i < 20 && stage.served_count == 0; i++)
        loop_turn(stage.loop, false);
    CHECK_INT(1, stage.served_count);
    CHECK_INT(1, stage.served[0].ends); /* the head was the end */
    stage_over();
    stage_close();
}

TEST(bodies_larger_than_all_windows_pass_both_ways)
{
    static char bytes[64 << 10];
    stage_open(&(struct stage_conf){.h2 = true});
    stage.answer = answer_end;
    stage_ask("POST", "/up");
    caller_head(&stage.caller, false);
    size_t said = 0, most = 0;
    for (int i = 0; i < STAGE_PATIENCE && said < LARGE; i++) {
        /* As a carrier does: no more than the window that is open. */
        if (stage.caller.t->owed + sizeof(bytes) <= TRANSIT_WINDOW) {
            caller_say(&stage.caller, slice_of(bytes, sizeof(bytes)));
            said += sizeof(bytes);
        }
        most = stage.caller.t->owed > most ? stage.caller.t->owed : most;
        loop_turn(stage.loop, false);
    }
    CHECK_INT(LARGE, said);
    CHECK(most <= TRANSIT_WINDOW);
    caller_end(&stage.caller);
    stage_over();
    CHECK_INT(LARGE, stage.served[0].data_bytes);
    CHECK_INT(200, stage.caller.status);
    stage_close();
}

static char large[1 << 20];

static void answer_large(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    r->t->out.status = 200;
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    CHECK_ERR(ERR_OK, transit_write(r->t, slice_of(large, 2 * TRANSIT_WINDOW)));
    transit_finish(r->t);
}

TEST(a_slow_caller_slows_the_function)
{
    stage_open(&(struct stage_conf){.h2 = true});
    stage.answer = answer_large;
    stage_ask("GET", "/");
    stage.caller.slow = true;
    caller_head(&stage.caller, true);
    stage_turns(300);
    CHECK_INT(1, stage.caller.heads);
    /* What was taken from the function and not credited is at most one window. */
    size_t held = buf_len(&stage.caller.t->body);
    CHECK(held > 0 && held <= TRANSIT_WINDOW + TRANSIT_LOW_WATER);
    for (int i = 0; i < STAGE_PATIENCE && stage.caller.t && !stage.caller.ended; i++) {
        caller_take(&stage.caller, 16 << 10);
        loop_turn(stage.loop, false);
    }
    stage_over();
    CHECK_INT(2 * TRANSIT_WINDOW, buf_len(&stage.caller.body));
    stage_close();
}

static void answer_early(struct recorder *r, bool at_end)
{
    if (!at_end)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("text/plain"), SLICE("enough")));
}

TEST(an_answer_may_come_before_the_request_has_ended)
{
    stage_open(&(struct stage_conf){.h2 = true});
    stage.answer = answer_early;
    stage_ask("POST", "/");
    caller_head(&stage.caller, false);
    caller_say(&stage.caller, SLICE("one"));
    stage_turns(50);
    CHECK_INT(200, stage.caller.status);
    CHECK_TEXT("enough", buf_slice(&stage.caller.body));
    caller_say(&stage.caller, SLICE("two"));
    caller_end(&stage.caller);
    stage_over();
    CHECK_INT(0, stage.caller.resets);
    CHECK_INT(TRANSIT_DONE, stage.caller.how);
    stage_close();
}

static void answer_trailers(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    CHECK_TEXT("sum", r->t->in.trailers.v[0].value);
    r->t->out.status = 200;
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    CHECK_ERR(ERR_OK, headers_add(&r->t->out.trailers, SLICE("grpc-status"), SLICE("0")));
    transit_finish(r->t);
}

TEST(trailers_cross_both_ways)
{
    stage_open(&(struct stage_conf){.h2 = true});
    stage.answer = answer_trailers;
    stage_ask("POST", "/grpc");
    caller_head(&stage.caller, false);
    caller_say(&stage.caller, SLICE("x"));
    CHECK_ERR(ERR_OK, headers_add(&stage.caller.t->in.trailers, SLICE("x-check"), SLICE("sum")));
    caller_end(&stage.caller);
    stage_over();
    CHECK(caller_heard(&stage.caller, "grpc-status: 0"));
    stage_close();
}

/* --- adapting --- */

static void answer_bare(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    r->t->out.status = 200;
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_GRPC_STATUS, SLICE("12")));
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
}

TEST(an_answer_that_is_all_head_stays_all_head)
{
    for (int h2 = 0; h2 < 2; h2++) {
        stage_open(&(struct stage_conf){.h2 = h2});
        stage.answer = answer_bare;
        stage_ask("POST", "/shop.Orders/Get");
        caller_head(&stage.caller, true);
        stage_over();
        CHECK_INT(200, stage.caller.status);
        CHECK(caller_heard(&stage.caller, "grpc-status: 12"));
        CHECK(stage.caller.bare);
        stage_close();
    }
}

TEST(an_adapted_body_arrives_in_the_providers_words_and_back)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT});
    stage.answer = answer_json;
    const char *digest = stage_shown(STAGE_ORDERS_1);
    stage_ask("POST", "/orders");
    caller_field(&stage.caller, "weft-contract", digest);
    stage_json("{\"qty\":7}");
    stage_over();
    CHECK_TEXT("{\"quantity\":7}", buf_slice(&stage.served[0].body));
    CHECK_INT(200, stage.caller.status);
    CHECK_TEXT("{\"qty\":7}", buf_slice(&stage.caller.body));
    CHECK(slice_has(buf_slice(&stage.caller.fields), SLICE("weft-contract-provider: sha-256=")));
    struct slice step[] = {SLICE("create"), SLICE("rename")};
    CHECK_INT(2, stage_counted(stage.env.ledger.adapted, step));
    struct slice verdict[] = {SLICE(STAGE_WEB), SLICE("create"), SLICE("adaptable")};
    CHECK_INT(1, stage_counted(stage.env.ledger.verdicts, verdict));
    stage_close();
}

TEST(an_adaptation_is_remembered_once_for_its_verdict_and_operation)
{
    struct buf list;
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT});
    stage.answer = answer_json;
    const char *digest = stage_shown(STAGE_ORDERS_1);
    for (int i = 0; i < 3; i++) {
        stage_ask(i < 2 ? "GET" : "POST", i < 2 ? "/orders/7" : "/orders");
        caller_field(&stage.caller, "weft-contract", digest);
        if (i < 2)
            caller_head(&stage.caller, true);
        else
            stage_json("{\"qty\":7}");
        stage_over();
    }
    buf_init(&list, BUF_TEXT_BOUND);
    recall_list(stage.env.ledger.recall, 10, &list);
    struct slice rest = buf_slice(&list), line;
    int lines = 0;
    while (slice_split(&rest, '\n', &line))
        lines++;
    CHECK_INT(2, lines);
    buf_fini(&list);
    stage_close();
}

TEST(a_small_body_that_cannot_be_adapted_never_reaches_the_function)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT});
    const char *digest = stage_shown(STAGE_ORDERS_1);
    stage_ask("POST", "/orders");
    caller_field(&stage.caller, "weft-contract", digest);
    stage_json("{\"qty\":7,\"quantity\":8}");
    stage_over();
    CHECK_INT(422, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: body-unfit"));
    CHECK(body_has("(at byte "));
    CHECK_INT(0, stage.served_count);
    stage_close();
}

#define WATCH                                                       \
    "operation(\"watch\"). http(\"watch\", \"GET\", \"/watch\").\n" \
    "response(\"watch\", \"200\", \"text/event-stream\", \"Out\").\n"

static void answer_events(struct recorder *r, bool at_end)
{
    if (at_end)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("text/event-stream"),
                                         SLICE("id: 1\ndata: {\"quantity\":7}\n\ndata: {\"quantity\":8}\n\n")));
}

TEST(events_are_adapted_one_by_one)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2 WATCH, .enforce = PROXY_ENFORCE_ADAPT});
    stage.answer = answer_events;
    const char *digest = stage_shown(STAGE_ORDERS_1 WATCH);
    stage_ask("GET", "/watch");
    caller_field(&stage.caller, "weft-contract", digest);
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(200, stage.caller.status);
    CHECK_TEXT("id: 1\ndata: {\"qty\":7}\n\ndata: {\"qty\":8}\n\n", buf_slice(&stage.caller.body));
    stage_close();
}

TEST(events_that_the_contract_does_not_name_pass_as_they_are)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT});
    stage.answer = answer_events;
    const char *digest = stage_shown(STAGE_ORDERS_1);
    stage_ask("GET", "/orders/7");
    caller_field(&stage.caller, "weft-contract", digest);
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_TEXT("id: 1\ndata: {\"quantity\":7}\n\ndata: {\"quantity\":8}\n\n", buf_slice(&stage.caller.body));
    stage_close();
}

static const struct stage_conf validating = {
    .offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT, .validate = true};

TEST(a_body_of_another_shape_is_refused_with_its_path_and_never_reaches_the_function)
{
    stage_open(&validating);
    stage_ask("POST", "/orders");
    stage_json("{\"quantity\":\"7\"}");
    stage_over();
    CHECK_INT(422, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: body-unfit"));
    CHECK(body_has("a number is expected at /quantity (byte 12)") ||
          body_has("a whole number is expected at /quantity (byte 12)"));
    CHECK_INT(0, stage.served_count);
    stage_close();
}

TEST(an_adapted_body_is_validated_as_the_function_gets_it)
{
    stage_open(&validating);
    stage.answer = answer_json;
    const char *digest = stage_shown(STAGE_ORDERS_1);
    stage_ask("POST", "/orders");
    caller_field(&stage.caller, "weft-contract", digest);
    stage_json("{\"qty\":7}");
    stage_over();
    CHECK_INT(200, stage.caller.status);
    CHECK_TEXT("{\"quantity\":7}", buf_slice(&stage.served[0].body));
    CHECK_TEXT("{\"qty\":7}", buf_slice(&stage.caller.body));
    stage_close();
}

static void answer_other_shape(struct recorder *r, bool at_end)
{
    if (at_end)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("application/json; charset=utf-8"), SLICE("{\"qty\":7}")));
}

TEST(an_answer_of_another_shape_is_not_passed_on)
{
    stage_open(&validating);
    stage.answer = answer_other_shape;
    stage_ask("GET", "/orders/7");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(502, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: answer-unfit"));
    CHECK(body_has("is missing at / (byte 8)"));
    stage_close();
}

TEST(what_the_contract_does_not_describe_is_not_validated)
{
    stage_open(&validating);
    stage.answer = answer_json;
    stage_ask("POST", "/elsewhere");
    stage_json("{\"quantity\":\"7\"}");
    stage_over();
    CHECK_INT(200, stage.caller.status);
    stage_close();
}

TEST(a_body_that_cannot_be_adapted_because_of_its_type_is_refused)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT});
    const char *digest = stage_shown(STAGE_ORDERS_1);
    stage_ask("POST", "/orders");
    caller_field(&stage.caller, "weft-contract", digest);
    caller_field(&stage.caller, "content-type", "text/xml");
    caller_head(&stage.caller, false);
    caller_say(&stage.caller, SLICE("<qty/>"));
    caller_end(&stage.caller);
    stage_over();
    CHECK_INT(415, stage.caller.status);
    CHECK_INT(6, stage.caller.credited);
    CHECK_INT(0, stage.served_count);
    stage_close();
}

static void fails_with(void (*answer)(struct recorder *r, bool at_end))
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT});
    stage.answer = answer;
    const char *digest = stage_shown(STAGE_ORDERS_1);
    stage_ask("GET", "/orders/7");
    caller_field(&stage.caller, "weft-contract", digest);
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(502, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: answer-unfit"));
    CHECK_INT(0, stage.caller.resets);
    stage_close();
}

TEST(an_answer_that_cannot_be_adapted_is_a_502_while_its_head_is_ours)
{
    fails_with(answer_bad_json);
}

TEST(an_answer_under_a_coding_is_a_502_when_it_must_be_adapted)
{
    fails_with(answer_coded);
}

/* More than the lane holds back, then nonsense. */
static void answer_late_nonsense(struct recorder *r, bool at_end)
{
    static char body[8 * LANE_COMMIT];
    struct slice begin = SLICE("{\"quantity\":7,\"note\":\"");
    if (!at_end)
        return;
    memset(body, 'a', sizeof(body));
    memcpy(body, begin.at, begin.len);
    body[sizeof(body) - 1] = '\n'; /* no string has it */
    CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("application/json"), slice_of(body, sizeof(body))));
}

TEST(an_error_after_the_head_has_gone_out_cuts_the_exchange)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT, .room = 4 << 10});
    stage.answer = answer_late_nonsense;
    const char *digest = stage_shown(STAGE_ORDERS_1);
    stage_ask("GET", "/orders/7");
    caller_field(&stage.caller, "weft-contract", digest);
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(200, stage.caller.status);
    CHECK_INT(1, stage.caller.resets);
    CHECK_INT(TRANSIT_CANCELLED, stage.caller.how);
    struct slice word = SLICE("answer-unfit");
    CHECK_INT(1, stage_counted(stage.env.ledger.refused, &word));
    stage_close();
}

TEST(answers_that_are_no_success_pass_as_they_are)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_3, .enforce = PROXY_ENFORCE_ADAPT});
    stage.answer = answer_bad_json;
    const char *digest = stage_shown(STAGE_ORDERS_3);
    stage_ask("GET", "/orders/7");
    caller_field(&stage.caller, "weft-contract", digest);
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(200, stage.caller.status);
    CHECK_TEXT("{\"quantity\":7", buf_slice(&stage.caller.body));
    stage_close();
}

/* --- refusing --- */

TEST(a_breaking_call_is_refused_with_its_proof_and_remembered)
{
    struct recall_event e;
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_3, .enforce = PROXY_ENFORCE_ADAPT});
    const char *digest = stage_shown(STAGE_ORDERS_1);
    caller_init(&stage.caller, stage.loop, "POST", "/orders");
    stage.caller.t->peer_id = SLICE(STAGE_WEB);
    caller_field(&stage.caller, "weft-contract", digest);
    caller_field(&stage.caller, "weft-request-id", "from-web-1");
    relay_start(&stage.env, RELAY_INBOUND, NULL, stage.caller.t);
    stage_json("{\"qty\":7}");
    stage_over();
    CHECK_INT(412, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: contract-mismatch"));
    CHECK(caller_heard(&stage.caller, "weft-request-id: from-web-1"));
    CHECK(body_has("\"operation\":\"create\""));
    CHECK(body_has("In.customer"));
    CHECK_INT(0, stage.served_count);
    CHECK_INT(0, stage.dialled);
    CHECK_ERR(ERR_OK, recall_find(stage.env.ledger.recall, SLICE("from-web-1"), &e));
    CHECK_TEXT("contract-mismatch", e.word);
    CHECK(slice_has(e.text, SLICE("create is breaking.")));
    struct slice word = SLICE("contract-mismatch");
    CHECK_INT(1, stage_counted(stage.env.ledger.refused, &word));
    stage_close();
}

TEST(who_may_not_call_is_told_that_and_the_body_is_drained)
{
    stage_open(&(struct stage_conf){.policy = "allow() :- peer(\"spiffe://example.org/other\")."});
    stage_ask("POST", "/orders");
    caller_head(&stage.caller, false);
    CHECK_INT(403, stage.caller.status);
    for (int i = 0; i < 100; i++)
        caller_say(&stage.caller, SLICE("0123456789"));
    CHECK_INT(1000, stage.caller.credited);
    caller_end(&stage.caller);
    stage_over();
    CHECK(caller_heard(&stage.caller, "weft-error: policy-denied"));
    struct slice deny = SLICE("deny");
    CHECK_INT(1, stage_counted(stage.env.ledger.decisions, &deny));
    stage_close();
}

TEST(a_request_waits_for_its_contract_and_then_passes)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT});
    stage.answer = answer_json;
    struct contract *c = stage_contract(STAGE_ORDERS_1);
    const char *field = stage_named(c);
    accord_expect(stage.env.accord, contract_digest(c));
    stage_ask("POST", "/orders");
    caller_field(&stage.caller, "weft-contract", field);
    stage_json("{\"qty\":7}");
    stage_turns(20);
    CHECK_INT(0, stage.served_count);
    (void)stage_shown(STAGE_ORDERS_1);
    stage_over();
    CHECK_TEXT("{\"quantity\":7}", buf_slice(&stage.served[0].body));
    accord_forget(stage.env.accord, contract_digest(c));
    contract_unref(&c);
    stage_close();
}

TEST(a_contract_that_does_not_come_is_waited_for_two_seconds)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT});
    struct contract *c = stage_contract(STAGE_ORDERS_1);
    const char *field = stage_named(c);
    accord_expect(stage.env.accord, contract_digest(c));
    stage_ask("GET", "/orders/7");
    caller_field(&stage.caller, "weft-contract", field);
    caller_head(&stage.caller, true);
    stage_wait(2 * STAGE_SECOND - 1);
    CHECK_INT(0, stage.caller.heads);
    stage_wait(1);
    CHECK_INT(503, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: contract-pending"));
    stage_over();
    accord_forget(stage.env.accord, contract_digest(c));
    contract_unref(&c);
    stage_close();
}

/* --- trouble on the way --- */

TEST(a_function_that_is_not_there_is_named)
{
    stage_open(&(struct stage_conf){.no_server = true});
    stage_ask("GET", "/");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(503, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: app-unreachable"));
    CHECK(body_has("connection refused"));
    stage_close();
}

static void give_up(struct recorder *r, bool at_end)
{
    if (at_end)
        transit_reset(r->t, TRANSIT_WHY_INTERNAL);
}

TEST(a_function_that_gives_up_is_a_502)
{
    stage_open(&(struct stage_conf){.h2 = true});
    stage.answer = give_up;
    stage_ask("POST", "/");
    stage_json("{}");
    stage_over();
    CHECK_INT(502, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: app-reset"));
    CHECK_INT(1, stage.served_count);
    stage_close();
}

static void refuse_first(struct recorder *r, bool at_end)
{
    if (!at_end && stage.served_count == 1)
        transit_reset(r->t, TRANSIT_WHY_REFUSED);
    else
        answer_end(r, at_end);
}

TEST(what_reached_nobody_is_sent_once_more_with_its_body)
{
    stage_open(&(struct stage_conf){.h2 = true});
    stage.answer = refuse_first;
    stage_ask("POST", "/");
    stage_json("{\"a\":1}");
    stage_over();
    CHECK_INT(2, stage.served_count);
    CHECK_TEXT("{\"a\":1}", buf_slice(&stage.served[1].body));
    CHECK_INT(200, stage.caller.status);
    stage_close();
}

static void refuse_all(struct recorder *r, bool at_end)
{
    if (!at_end)
        transit_reset(r->t, TRANSIT_WHY_REFUSED);
}

TEST(what_reaches_nobody_twice_is_given_up)
{
    stage_open(&(struct stage_conf){.h2 = true});
    stage.answer = refuse_all;
    stage_ask("GET", "/");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(2, stage.served_count);
    CHECK_INT(503, stage.caller.status);
    stage_close();
}

/* A function that keeps its connection, and closes it when the second request has come. */
static void close_second(struct recorder *r, bool at_end)
{
    if (!at_end && stage.served_count == 2)
        pair_cut(stage.wire);
    else if (stage.served_count != 2)
        answer_end(r, at_end);
}

static void close_kept(const char *method, const char *path, const char *offers)
{
    stage_open(&(struct stage_conf){.offers = offers, .enforce = PROXY_ENFORCE_AUDIT});
    stage.answer = close_second;
    stage_ask("GET", "/");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(1, stage.dialled);
    stage_ask(method, path);
    caller_head(&stage.caller, true);
    stage_over();
}

TEST(an_idempotent_request_on_a_kept_connection_that_closes_is_sent_again)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        close_kept(methods[i], "/x", NULL);
        CHECK_INT(200, stage.caller.status);
        CHECK_INT(2, stage.dialled);
        stage_close();
    }
}

TEST(a_post_on_a_kept_connection_that_closes_is_not_sent_again)
{
    close_kept("POST", "/x", NULL);
    CHECK_INT(502, stage.caller.status);
    CHECK(body_has(CONN_KEPT_CLOSED));
    CHECK_INT(1, stage.dialled);
    stage_close();
}

TEST(a_post_that_the_contract_calls_idempotent_is_sent_again)
{
    close_kept("POST", "/touch", STAGE_ORDERS_1);
    CHECK_INT(200, stage.caller.status);
    CHECK_INT(2, stage.dialled);
    stage_close();
}

TEST(a_caller_that_leaves_takes_the_request_along)
{
    stage_open(&(struct stage_conf){.h2 = true});
    stage_ask("POST", "/");
    caller_head(&stage.caller, false);
    caller_say(&stage.caller, SLICE("half"));
    stage_turns(20);
    CHECK_INT(1, stage.served_count);
    caller_leave(&stage.caller);
    stage_over();
    stage_turns(20);
    CHECK_INT(1, stage.served[0].gones);
    CHECK_INT(TRANSIT_RESET, stage.served[0].how);
    struct slice labels[] = {SLICE("inbound"), SLICE("orders"), SLICE(""), SLICE("499")};
    CHECK_INT(1, stage_counted(stage.env.ledger.requests, labels));
    stage_close();
}

static void answer_head(struct recorder *r, bool at_end)
{
    if (!at_end)
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("text/plain"), SLICE("done")));
}

/* RFC 9113 8.1: a whole answer may come before the whole request. */
static void check_answered_early(bool outbound)
{
    stage_open(&(struct stage_conf){.h2 = true, .outbound = outbound});
    stage.answer = answer_head;
    stage_ask("POST", "/");
    caller_head(&stage.caller, false);
    caller_say(&stage.caller, SLICE("half"));
    stage_turns(20);
    CHECK_INT(200, stage.caller.status);
    CHECK_TEXT("done", buf_slice(&stage.caller.body));
    caller_stop(&stage.caller);
    stage_over();
    stage_turns(20);
    CHECK_INT(1, stage.served[0].gones);
    stage_close();
}

TEST(an_answer_before_the_end_of_a_request_that_never_comes_is_the_end_of_both)
{
    check_answered_early(false);
    check_answered_early(true);
}

TEST(a_caller_that_leaves_while_its_contract_is_awaited_is_forgotten)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT});
    struct contract *c = stage_contract(STAGE_ORDERS_1);
    const char *field = stage_named(c);
    accord_expect(stage.env.accord, contract_digest(c));
    stage_ask("GET", "/orders/7");
    caller_field(&stage.caller, "weft-contract", field);
    caller_head(&stage.caller, true);
    caller_leave(&stage.caller);
    stage_over();
    accord_forget(stage.env.accord, contract_digest(c));
    contract_unref(&c);
    stage_close();
}

TEST(an_exchange_that_takes_too_long_is_a_504_to_the_microsecond)
{
    stage_open(&(struct stage_conf){.h2 = true, .request_us = STAGE_SECOND});
    stage_ask("GET", "/");
    caller_head(&stage.caller, true);
    stage_turns(20);
    stage_wait(STAGE_SECOND - 1);
    CHECK_INT(0, stage.caller.heads);
    stage_wait(1);
    CHECK_INT(504, stage.caller.status);
    stage_over();
    stage_turns(20);
    CHECK_INT(1, stage.served[0].gones);
    stage_close();
}

static void answer_half_json(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    r->t->out.status = 200;
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_CONTENT_TYPE, SLICE("application/json")));
    CHECK_ERR(ERR_OK, transit_head(r->t, false));
    CHECK_ERR(ERR_OK, transit_write(r->t, SLICE("{\"quantity\":")));
}

TEST(a_deadline_while_an_answer_is_held_back_is_a_504_too)
{
    stage_open(&(struct stage_conf){
        .offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT, .h2 = true, .request_us = STAGE_SECOND});
    stage.answer = answer_half_json;
    const char *digest = stage_shown(STAGE_ORDERS_1);
    stage_ask("GET", "/orders/7");
    caller_field(&stage.caller, "weft-contract", digest);
    caller_head(&stage.caller, true);
    stage_turns(50);
    CHECK_INT(0, stage.caller.heads);
    stage_wait(STAGE_SECOND);
    CHECK_INT(504, stage.caller.status);
    stage_over();
    stage_close();
}

TEST(more_than_may_wait_is_refused_at_once)
{
    struct caller callers[3];
    stage_open(&(struct stage_conf){.h2 = true});
    stage.answer = answer_end;
    for (int i = 0; i < 3; i++) {
        stage_ask_as(&callers[i], "GET", "/");
        caller_head(&callers[i], true);
    }
    CHECK_INT(0, callers[0].heads + callers[1].heads);
    CHECK_INT(503, callers[2].status);
    CHECK(caller_heard(&callers[2], "weft-error: overloaded"));
    stage_turns(50);
    for (int i = 0; i < 3; i++)
        caller_fini(&callers[i]);
    CHECK_INT(200, callers[0].status);
    stage_close();
}

/* --- outbound --- */

static void lose_contract(struct recorder *r, bool at_end)
{
    bool put = slice_eq(r->t->in.method, SLICE("PUT"));
    if (!at_end)
        return;
    if (put || stage.served_count > 2) {
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("text/plain"), SLICE("fine")));
        return;
    }
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_WEFT_ERROR, SLICE("contract-unknown")));
    CHECK_ERR(ERR_OK, transit_answer(r->t, 428, SLICE("text/plain"), SLICE("who?")));
}

static const struct stage_conf calls_orders = {
    .outbound = true, .consumes = STAGE_ORDERS_1, .enforce = PROXY_ENFORCE_ADAPT};

TEST(a_provider_that_has_lost_our_contract_is_shown_it_and_asked_once_more)
{
    stage_open(&calls_orders);
    stage.answer = lose_contract;
    stage_ask("POST", "/orders");
    stage_json("{\"qty\":7}");
    stage_over();
    CHECK_INT(200, stage.caller.status);
    CHECK_TEXT("fine", buf_slice(&stage.caller.body));
    CHECK_INT(3, stage.served_count);
    CHECK_TEXT("{\"qty\":7}", buf_slice(&stage.served[0].body));
    struct contract *c = stage.env.snap->clusters[0]->consumes;
    CHECK_SLICE(contract_text(c), buf_slice(&stage.served[1].body));
    CHECK_TEXT("{\"qty\":7}", buf_slice(&stage.served[2].body));
    stage_close();
}

static void lose_contract_always(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_WEFT_ERROR, SLICE("contract-unknown")));
    CHECK_ERR(ERR_OK, transit_answer(r->t, 428, SLICE("text/plain"), SLICE("who?")));
}

TEST(a_provider_that_never_learns_our_contract_is_no_fault_of_the_caller)
{
    stage_open(&calls_orders);
    stage.answer = lose_contract_always;
    stage_ask("GET", "/orders/7");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(503, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: contract-pending"));
    stage_close();
}

static void look_at_outbound(struct recorder *r, bool at_end)
{
    if (!at_end) {
        CHECK_TEXT("orders", r->t->in.authority);
        CHECK(slice_starts(headers_value(&r->t->in.headers, HEADERS_WEFT_CONTRACT), SLICE("sha-256=")));
        CHECK(!headers_get(&r->t->in.headers, HEADERS_X_FORWARDED_CLIENT_CERT));
    }
    answer_end(r, at_end);
}

TEST(a_call_names_its_contract_and_not_what_the_caller_says_of_itself)
{
    stage_open(&calls_orders);
    stage.answer = look_at_outbound;
    stage_ask("GET", "/orders/7");
    caller_field(&stage.caller, "weft-contract", "sha-256=liar");
    caller_field(&stage.caller, "x-forwarded-client-cert", "URI=liar");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(200, stage.caller.status);
    stage_close();
}

TEST(a_service_that_cannot_be_reached_is_named_and_rests)
{
    struct stage_conf conf = calls_orders;
    conf.no_server = true;
    stage_open(&conf);
    stage_ask("GET", "/orders/7");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(503, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: unreachable"));
    CHECK_INT(1, stage.env.snap->clusters[0]->groups[0].endpoints[0]->failures);
    stage_close();
}

/* --- under overload and failure --- */

static void answer_overloaded(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    r->t->out.status = 503;
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_WEFT_ERROR, SLICE("overloaded")));
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    stage.answer = answer_end;
}

static void answer_app_reset(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    r->t->out.status = 502;
    CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_WEFT_ERROR, SLICE("app-reset")));
    CHECK_ERR(ERR_OK, transit_head(r->t, true));
    stage.answer = answer_end;
}

static void cut(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    transit_reset(r->t, TRANSIT_WHY_INTERNAL);
    stage.answer = answer_end;
}

static void never_answer(struct recorder *r, bool at_end)
{
    (void)r, (void)at_end;
    stage.answer = answer_end;
}

/* One call to a service with two endpoints, the first of which answers like this. */
static void call_two(void (*first)(struct recorder *r, bool at_end), const char *method)
{
    struct stage_conf conf = calls_orders;
    conf.two_endpoints = true;
    conf.consumes = NULL;
    conf.attempt_us = STAGE_SECOND;
    stage_open(&conf);
    stage.answer = first;
    stage_ask(method, "/orders/7");
    caller_head(&stage.caller, true);
    stage_turns(50);
    if (first == never_answer)
        stage_wait(STAGE_SECOND);
    stage_over();
}

TEST(what_another_sidecar_refused_unseen_is_asked_of_the_next)
{
    call_two(answer_overloaded, "POST");
    CHECK_INT(200, stage.caller.status);
    CHECK_INT(2, stage.served_count);
    CHECK_TEXT("192.0.2.3:4743", slice_str(stage.dialled_last));
    stage_close();
}

TEST(what_was_cut_is_asked_again_only_if_it_is_safe)
{
    call_two(cut, "GET");
    CHECK_INT(200, stage.caller.status);
    CHECK_INT(2, stage.served_count);
    CHECK_INT(1, stage.env.ledger.retries->count);
    stage_close();
    call_two(cut, "POST");
    CHECK_INT(502, stage.caller.status);
    CHECK_INT(1, stage.served_count);
    stage_close();
}

static void cut_for_good(struct recorder *r, bool at_end)
{
    stage.conf.no_server = true;
    cut(r, at_end);
}

TEST(what_may_have_been_seen_is_never_called_unseen)
{
    call_two(cut_for_good, "GET");
    CHECK_INT(1, stage.served_count);
    CHECK_INT(502, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: upstream-reset"));
    stage_close();
}

TEST(what_broke_off_behind_another_sidecar_is_asked_again_only_if_it_is_safe)
{
    call_two(answer_app_reset, "GET");
    CHECK_INT(200, stage.caller.status);
    CHECK_INT(2, stage.served_count);
    stage_close();
    call_two(answer_app_reset, "POST");
    CHECK_INT(502, stage.caller.status);
    CHECK_INT(1, stage.served_count);
    stage_close();
}

TEST(an_attempt_that_takes_too_long_is_cut_and_tried_elsewhere_if_it_is_safe)
{
    call_two(never_answer, "GET");
    CHECK_INT(200, stage.caller.status);
    CHECK_INT(2, stage.served_count);
    CHECK_INT(TRANSIT_RESET, stage.served[0].how);
    stage_close();
    call_two(never_answer, "POST");
    CHECK_INT(504, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: request-timeout"));
    CHECK_INT(1, stage.served_count);
    stage_close();
}

TEST(a_retry_that_is_not_paid_for_is_not_made)
{
    struct stage_conf conf = calls_orders;
    conf.consumes = NULL;
    stage_open(&conf);
    while (retry_budget_spend(&stage.env.snap->clusters[0]->budget, stage.hand.mono) == ERR_OK)
        continue;
    stage.answer = cut;
    stage_ask("GET", "/orders/7");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(502, stage.caller.status);
    CHECK_INT(1, stage.served_count);
    stage_close();
}

TEST(a_service_that_keeps_failing_is_left_alone)
{
    struct stage_conf conf = calls_orders;
    conf.consumes = NULL;
    stage_open(&conf);
    for (int i = 0; i < 7; i++) {
        stage_wait(1);
        cluster_broke(stage.env.snap->clusters[0]->groups[0].endpoints[0]);
    }
    stage_ask("GET", "/orders/7");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(503, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: breaker-open"));
    CHECK(caller_heard(&stage.caller, "retry-after: 1"));
    CHECK_INT(0, stage.dialled);
    stage_wait(STAGE_SECOND);
    stage.answer = answer_end;
    stage_ask("GET", "/orders/7");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(200, stage.caller.status);
    stage_close();
}

TEST(more_exchanges_than_may_be_in_flight_are_refused)
{
    struct caller first;
    stage_open(&(struct stage_conf){.in_flight = 1});
    stage.answer = answer_end;
    stage_ask_as(&first, "POST", "/");
    caller_head(&first, false);
    stage_ask("GET", "/");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(503, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: overloaded"));
    caller_end(&first);
    stage_turns(100);
    CHECK_INT(200, first.status);
    caller_fini(&first);
    stage_close();
}

TEST(more_requests_a_second_than_are_allowed_are_refused)
{
    stage_open(&(struct stage_conf){.rate = 1});
    stage.answer = answer_end;
    for (int i = 0; i < 2; i++) {
        stage_ask("GET", "/");
        caller_head(&stage.caller, true);
        stage_over();
        CHECK_INT(i == 0 ? 200 : 429, stage.caller.status);
    }
    CHECK(caller_heard(&stage.caller, "weft-error: rate-limited"));
    stage_close();
}

TEST(who_finds_the_function_busy_waits_for_its_turn)
{
    struct caller first, third;
    stage_open(&(struct stage_conf){.app_most = 1, .queue = 1});
    stage.answer = never_answer;
    stage_ask_as(&first, "GET", "/first");
    caller_head(&first, true);
    stage_turns(20);
    CHECK_INT(1, stage.served_count);
    stage_ask("GET", "/second");
    caller_head(&stage.caller, true);
    stage_ask_as(&third, "GET", "/third");
    caller_head(&third, true);
    stage_turns(20);
    CHECK_INT(1, stage.served_count);
    CHECK_INT(503, third.status);
    CHECK(caller_heard(&third, "weft-error: app-overloaded"));
    CHECK_ERR(ERR_OK, transit_answer(stage.served[0].t, 200, SLICE("text/plain"), SLICE("x")));
    stage_over();
    CHECK_INT(200, stage.caller.status);
    caller_fini(&first);
    caller_fini(&third);
    stage_close();
}

TEST(who_waits_too_long_for_its_turn_is_refused)
{
    struct caller first;
    stage_open(&(struct stage_conf){.app_most = 1});
    stage.answer = never_answer;
    stage_ask_as(&first, "GET", "/first");
    caller_head(&first, true);
    stage_turns(20);
    stage_ask("GET", "/second");
    caller_head(&stage.caller, true);
    stage_turns(20);
    stage_wait(STAGE_SECOND);
    stage_over();
    CHECK_INT(503, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: app-overloaded"));
    CHECK_INT(1, stage.served_count);
    caller_leave(&first);
    stage_turns(20);
    caller_fini(&first);
    stage_close();
}

TEST(a_fault_waits_and_answers_as_it_was_told)
{
    struct stage_conf conf = calls_orders;
    conf.consumes = NULL;
    conf.fault = (struct cluster_fault){.percent = 100, .status = 418, .delay_us = STAGE_SECOND};
    stage_open(&conf);
    stage_ask("GET", "/orders/7");
    caller_head(&stage.caller, true);
    stage_turns(20);
    CHECK_INT(0, stage.caller.heads);
    stage_wait(STAGE_SECOND);
    stage_over();
    CHECK_INT(418, stage.caller.status);
    CHECK(caller_heard(&stage.caller, "weft-error: fault-injected"));
    CHECK_INT(0, stage.dialled);
    stage_close();
}

TEST(a_fault_that_only_delays_lets_the_call_go_on)
{
    struct stage_conf conf = calls_orders;
    conf.consumes = NULL;
    conf.fault = (struct cluster_fault){.percent = 100, .delay_us = STAGE_SECOND};
    stage_open(&conf);
    stage.answer = answer_end;
    stage_ask("GET", "/orders/7");
    caller_head(&stage.caller, true);
    stage_wait(STAGE_SECOND);
    stage_over();
    CHECK_INT(200, stage.caller.status);
    stage_close();
}

static void look_at_time_left(struct recorder *r, bool at_end)
{
    if (!at_end)
        CHECK_TEXT("1500000u", headers_value(&r->t->in.headers, HEADERS_GRPC_TIMEOUT));
    answer_end(r, at_end);
}

TEST(what_is_left_of_a_deadline_travels_on)
{
    struct stage_conf conf = calls_orders;
    conf.consumes = NULL;
    conf.fault = (struct cluster_fault){.percent = 100, .delay_us = STAGE_SECOND / 2};
    stage_open(&conf);
    stage.answer = look_at_time_left;
    stage_ask("POST", "/shop.Orders/Get");
    caller_field(&stage.caller, "grpc-timeout", "2S");
    caller_head(&stage.caller, true);
    stage_wait(STAGE_SECOND / 2);
    stage_over();
    CHECK_INT(200, stage.caller.status);
    stage_close();
}

TEST(a_deadline_of_the_caller_is_kept_here)
{
    static const char *const fields[][2] = {{"grpc-timeout", "2S"}, {"weft-timeout", "2000"}};
    for (int i = 0; i < 2; i++) {
        stage_open(&(struct stage_conf){0});
        stage.answer = never_answer;
        stage_ask("GET", "/");
        caller_field(&stage.caller, fields[i][0], fields[i][1]);
        caller_head(&stage.caller, true);
        stage_turns(20);
        stage_wait(2 * STAGE_SECOND - 1);
        CHECK_INT(0, stage.caller.heads);
        stage_wait(1);
        stage_over();
        CHECK_INT(504, stage.caller.status);
        stage_close();
    }
}

TESTS_BEGIN()
TESTS_RUN(a_request_without_a_body_passes_and_is_counted)
TESTS_RUN(a_get_has_no_chunked_body_of_our_making)
TESTS_RUN(bodies_larger_than_all_windows_pass_both_ways)
TESTS_RUN(a_slow_caller_slows_the_function)
TESTS_RUN(an_answer_may_come_before_the_request_has_ended)
TESTS_RUN(trailers_cross_both_ways)
TESTS_RUN(an_answer_that_is_all_head_stays_all_head)
TESTS_RUN(an_adapted_body_arrives_in_the_providers_words_and_back)
TESTS_RUN(an_adaptation_is_remembered_once_for_its_verdict_and_operation)
TESTS_RUN(a_small_body_that_cannot_be_adapted_never_reaches_the_function)
TESTS_RUN(events_are_adapted_one_by_one)
TESTS_RUN(events_that_the_contract_does_not_name_pass_as_they_are)
TESTS_RUN(a_body_of_another_shape_is_refused_with_its_path_and_never_reaches_the_function)
TESTS_RUN(an_adapted_body_is_validated_as_the_function_gets_it)
TESTS_RUN(an_answer_of_another_shape_is_not_passed_on)
TESTS_RUN(what_the_contract_does_not_describe_is_not_validated)
TESTS_RUN(a_body_that_cannot_be_adapted_because_of_its_type_is_refused)
TESTS_RUN(an_answer_that_cannot_be_adapted_is_a_502_while_its_head_is_ours)
TESTS_RUN(an_answer_under_a_coding_is_a_502_when_it_must_be_adapted)
TESTS_RUN(an_error_after_the_head_has_gone_out_cuts_the_exchange)
TESTS_RUN(answers_that_are_no_success_pass_as_they_are)
TESTS_RUN(a_breaking_call_is_refused_with_its_proof_and_remembered)
TESTS_RUN(who_may_not_call_is_told_that_and_the_body_is_drained)
TESTS_RUN(a_request_waits_for_its_contract_and_then_passes)
TESTS_RUN(a_contract_that_does_not_come_is_waited_for_two_seconds)
TESTS_RUN(a_function_that_is_not_there_is_named)
TESTS_RUN(a_function_that_gives_up_is_a_502)
TESTS_RUN(what_reached_nobody_is_sent_once_more_with_its_body)
TESTS_RUN(what_reaches_nobody_twice_is_given_up)
TESTS_RUN(an_idempotent_request_on_a_kept_connection_that_closes_is_sent_again)
TESTS_RUN(a_post_on_a_kept_connection_that_closes_is_not_sent_again)
TESTS_RUN(a_post_that_the_contract_calls_idempotent_is_sent_again)
TESTS_RUN(a_caller_that_leaves_takes_the_request_along)
TESTS_RUN(an_answer_before_the_end_of_a_request_that_never_comes_is_the_end_of_both)
TESTS_RUN(a_caller_that_leaves_while_its_contract_is_awaited_is_forgotten)
TESTS_RUN(an_exchange_that_takes_too_long_is_a_504_to_the_microsecond)
TESTS_RUN(a_deadline_while_an_answer_is_held_back_is_a_504_too)
TESTS_RUN(more_than_may_wait_is_refused_at_once)
TESTS_RUN(a_provider_that_has_lost_our_contract_is_shown_it_and_asked_once_more)
TESTS_RUN(a_provider_that_never_learns_our_contract_is_no_fault_of_the_caller)
TESTS_RUN(a_call_names_its_contract_and_not_what_the_caller_says_of_itself)
TESTS_RUN(a_service_that_cannot_be_reached_is_named_and_rests)
TESTS_RUN(what_another_sidecar_refused_unseen_is_asked_of_the_next)
TESTS_RUN(what_was_cut_is_asked_again_only_if_it_is_safe)
TESTS_RUN(what_may_have_been_seen_is_never_called_unseen)
TESTS_RUN(what_broke_off_behind_another_sidecar_is_asked_again_only_if_it_is_safe)
TESTS_RUN(an_attempt_that_takes_too_long_is_cut_and_tried_elsewhere_if_it_is_safe)
TESTS_RUN(a_retry_that_is_not_paid_for_is_not_made)
TESTS_RUN(a_service_that_keeps_failing_is_left_alone)
TESTS_RUN(more_exchanges_than_may_be_in_flight_are_refused)
TESTS_RUN(more_requests_a_second_than_are_allowed_are_refused)
TESTS_RUN(who_finds_the_function_busy_waits_for_its_turn)
TESTS_RUN(who_waits_too_long_for_its_turn_is_refused)
TESTS_RUN(a_fault_waits_and_answers_as_it_was_told)
TESTS_RUN(a_fault_that_only_delays_lets_the_call_go_on)
TESTS_RUN(what_is_left_of_a_deadline_travels_on)
TESTS_RUN(a_deadline_of_the_caller_is_kept_here)
TESTS_END()
