#include "proxy/lambda_api.h"

#include "base/mem.h"
#include "http/server.h"
#include "tests/kit/pair.h"
#include "tests/kit/script_peer.h"
#include "tests/kit/t.h"

enum { TURNS = 40 };

struct world {
    struct loop *loop;
    struct due_clock *clock;
    struct server *server;
    struct lambda_api *api;
};

static void take(struct transit *t, void *arg)
{
    lambda_api_serve(arg, t);
}

static void world_init(struct world *w, uint32_t runtimes)
{
    w->loop = loop_new();
    w->clock = due_clock_new(w->loop);
    w->api = lambda_api_new(&now_real, SLICE("resize"), runtimes);
    struct server_conf conf = {
        .accept = take,
        .arg = w->api,
        .header_timeout_us = 10000000,
        .idle_timeout_us = 10000000,
        .max_streams = 10,
        .max_connections = 10,
    };
    w->server = server_new(w->loop, w->clock, &conf);
}

static void connect_peer(struct world *w, struct script_peer *p)
{
    struct stream *ends[2];
    pair_new(w->loop, NULL, ends);
    server_take(w->server, ends[0], SLICE("test"));
    script_peer_init(p, w->loop, ends[1]);
}

static void world_fini(struct world *w)
{
    server_free(&w->server);
    for (int i = 0; i < TURNS; i++)
        loop_turn(w->loop, false);
    lambda_api_free(&w->api);
    due_clock_free(&w->clock);
    loop_free(&w->loop);
}

static void say(struct script_peer *p, const char *text)
{
    script_peer_say(p, slice_str(text));
    script_peer_hear(p, TURNS);
}

static bool heard(struct script_peer *p, const char *text)
{
    script_peer_hear(p, TURNS);
    struct slice in = buf_slice(&p->in), want = slice_str(text);
    for (size_t i = 0; i + want.len <= in.len; i++)
        if (slice_eq(slice_to(slice_from(in, i), want.len), want))
            return true;
    return false;
}

#define NEXT "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: x\r\n\r\n"
#define POST_TO(what, body, len) \
    "POST /2018-06-01/runtime/" what " HTTP/1.1\r\nhost: x\r\ncontent-length: " #len "\r\n\r\n" body
#define CALL                                                                                                  \
    "POST /thumb HTTP/1.1\r\nhost: x\r\nweft-job: 01J\r\nweft-attempt: 2\r\nweft-deadline: 1764259200000\r\n" \
    "traceparent: 00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01\r\ncontent-length: 7\r\n\r\n{\"n\":1}"

TEST(a_call_that_waits_is_given_to_the_runtime_that_asks)
{
    struct world w;
    struct script_peer caller, runtime;
    world_init(&w, 1);
    connect_peer(&w, &caller);
    connect_peer(&w, &runtime);
    say(&caller, CALL);
    CHECK_INT(0, buf_len(&caller.in));
    say(&runtime, NEXT);
    CHECK(heard(&runtime, "HTTP/1.1 200 OK\r\n"));
    CHECK(heard(&runtime, "lambda-runtime-aws-request-id: 01J.2\r\n"));
    CHECK(heard(&runtime, "lambda-runtime-deadline-ms: 1764259200000\r\n"));
    CHECK(
        heard(&runtime, "lambda-runtime-invoked-function-arn: arn:aws:lambda:local:000000000000:function:resize\r\n"));
    CHECK(heard(&runtime, "lambda-runtime-trace-id: "
                          "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1\r\n"));
    CHECK(heard(&runtime, "\r\n\r\n{\"n\":1}"));
    buf_clear(&runtime.in);
    say(&runtime, POST_TO("invocation/01J.2/response", "[1,2]", 5));
    CHECK(heard(&runtime, "HTTP/1.1 202 Accepted\r\n"));
    CHECK(heard(&runtime, "{\"status\":\"OK\"}"));
    CHECK(heard(&caller, "HTTP/1.1 200 OK\r\n"));
    CHECK(heard(&caller, "\r\n\r\n[1,2]"));
    script_peer_fini(&caller);
    script_peer_fini(&runtime);
    world_fini(&w);
}

TEST(a_runtime_that_waits_is_given_the_call_that_comes)
{
    struct world w;
    struct script_peer caller, runtime;
    world_init(&w, 1);
    connect_peer(&w, &caller);
    connect_peer(&w, &runtime);
    say(&runtime, NEXT);
    CHECK_INT(0, buf_len(&runtime.in));
    say(&caller, CALL);
    CHECK(heard(&runtime, "HTTP/1.1 200 OK\r\n"));
    script_peer_fini(&caller);
    script_peer_fini(&runtime);
    world_fini(&w);
}

TEST(an_error_is_a_500_that_names_itself)
{
    struct world w;
    struct script_peer caller, runtime;
    world_init(&w, 1);
    connect_peer(&w, &caller);
    connect_peer(&w, &runtime);
    say(&caller, CALL);
    say(&runtime, NEXT);
    say(&runtime, POST_TO("invocation/01J.2/error", "{\"errorType\":\"E\"}", 17));
    CHECK(heard(&runtime, "HTTP/1.1 202 Accepted\r\n"));
    CHECK(heard(&caller, "HTTP/1.1 500 "));
    CHECK(heard(&caller, "x-amz-function-error: Unhandled\r\n"));
    CHECK(heard(&caller, "{\"errorType\":\"E\"}"));
    script_peer_fini(&caller);
    script_peer_fini(&runtime);
    world_fini(&w);
}

TEST(a_stream_that_fails_behind_its_end_is_a_500_too)
{
    struct world w;
    struct script_peer caller, runtime;
    world_init(&w, 1);
    connect_peer(&w, &caller);
    connect_peer(&w, &runtime);
    say(&caller, CALL);
    say(&runtime, NEXT);
    say(&runtime, "POST /2018-06-01/runtime/invocation/01J.2/response HTTP/1.1\r\nhost: x\r\n"
                  "transfer-encoding: chunked\r\ntrailer: Lambda-Runtime-Function-Error-Type\r\n\r\n"
                  "4\r\nhalf\r\n0\r\nLambda-Runtime-Function-Error-Type: Runtime.Broken\r\n\r\n");
    CHECK(heard(&caller, "HTTP/1.1 500 "));
    script_peer_fini(&caller);
    script_peer_fini(&runtime);
    world_fini(&w);
}

TEST(an_answer_to_nothing_is_refused)
{
    struct world w;
    struct script_peer runtime;
    world_init(&w, 1);
    connect_peer(&w, &runtime);
    say(&runtime, POST_TO("invocation/nobody/response", "1", 1));
    CHECK(heard(&runtime, "HTTP/1.1 400 "));
    CHECK(heard(&runtime, "\"errorType\":\"InvalidRequestID\""));
    buf_clear(&runtime.in);
    say(&runtime, POST_TO("invocation//response", "1", 1));
    CHECK(heard(&runtime, "HTTP/1.1 404 "));
    buf_clear(&runtime.in);
    say(&runtime, POST_TO("init/error", "{}", 2));
    CHECK(heard(&runtime, "HTTP/1.1 202 "));
    script_peer_fini(&runtime);
    world_fini(&w);
}

/* A runtime that was restarted asks again: what it had before is lost. */
TEST(asking_for_more_than_there_are_runtimes_cuts_the_oldest)
{
    struct world w;
    struct script_peer callers[3], runtimes[3];
    world_init(&w, 2);
    for (int i = 0; i < 3; i++) {
        connect_peer(&w, &callers[i]);
        connect_peer(&w, &runtimes[i]);
        say(&callers[i], CALL);
    }
    say(&runtimes[0], NEXT);
    say(&runtimes[1], NEXT);
    CHECK(!callers[0].ended && !callers[1].ended);
    say(&runtimes[2], NEXT);
    CHECK(heard(&runtimes[2], "HTTP/1.1 200 OK\r\n"));
    script_peer_hear(&callers[0], TURNS);
    CHECK(callers[0].ended);
    CHECK(!callers[1].ended);
    CHECK_INT(0, buf_len(&callers[0].in));
    for (int i = 0; i < 3; i++) {
        script_peer_fini(&callers[i]);
        script_peer_fini(&runtimes[i]);
    }
    world_fini(&w);
}

TEST(a_runtime_that_left_while_it_waited_is_given_nothing)
{
    struct world w;
    struct script_peer caller, gone, runtime;
    world_init(&w, 1);
    connect_peer(&w, &caller);
    connect_peer(&w, &gone);
    connect_peer(&w, &runtime);
    say(&gone, NEXT);
    script_peer_fini(&gone);
    for (int i = 0; i < TURNS; i++)
        loop_turn(w.loop, false);
    say(&caller, CALL);
    say(&runtime, NEXT);
    CHECK(heard(&runtime, "HTTP/1.1 200 OK\r\n"));
    script_peer_fini(&caller);
    script_peer_fini(&runtime);
    world_fini(&w);
}

TEST(an_event_of_a_megabyte_arrives_whole)
{
    enum { LEN = 1 << 20 };
    struct world w;
    struct script_peer caller, runtime;
    char *body = mem_new(LEN);
    memset(body, 'x', LEN);
    world_init(&w, 1);
    connect_peer(&w, &caller);
    connect_peer(&w, &runtime);
    say(&runtime, NEXT);
    script_peer_say(&caller, SLICE("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1048576\r\n\r\n"));
    script_peer_say(&caller, slice_of(body, LEN));
    for (int i = 0; i < 100 && buf_len(&runtime.in) < LEN; i++)
        script_peer_hear(&runtime, TURNS);
    CHECK(heard(&runtime, "content-length: 1048576\r\n"));
    CHECK(buf_len(&runtime.in) > LEN);
    mem_free(body);
    script_peer_fini(&caller);
    script_peer_fini(&runtime);
    world_fini(&w);
}

TESTS_BEGIN()
TESTS_RUN(a_call_that_waits_is_given_to_the_runtime_that_asks)
TESTS_RUN(a_runtime_that_waits_is_given_the_call_that_comes)
TESTS_RUN(an_error_is_a_500_that_names_itself)
TESTS_RUN(a_stream_that_fails_behind_its_end_is_a_500_too)
TESTS_RUN(an_answer_to_nothing_is_refused)
TESTS_RUN(asking_for_more_than_there_are_runtimes_cuts_the_oldest)
TESTS_RUN(a_runtime_that_left_while_it_waited_is_given_nothing)
TESTS_RUN(an_event_of_a_megabyte_arrives_whole)
TESTS_END()
