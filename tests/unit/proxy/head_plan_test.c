#include "proxy/head_plan.h"

#include "contracts/facts.h"
#include "tests/kit/t.h"

static struct arena arena;
static struct message m;
static const char *fault;

static struct plan *plan_of(const char *text)
{
    struct diag diag;
    struct plan *plan = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, plan_parse(slice_str(text), "plan", &diag, &plan));
    diag_fini(&diag);
    return plan;
}

static void begin(const char *method, const char *path)
{
    arena_init(&arena, 0);
    message_init(&m, &arena);
    m.method = slice_str(method);
    m.path = slice_str(path);
    fault = NULL;
}

static void field(const char *name, const char *value)
{
    CHECK_ERR(ERR_OK, headers_add(&m.headers, slice_str(name), slice_str(value)));
}

static struct slice value(const char *name)
{
    const struct header *h = headers_find(&m.headers, slice_str(name));
    return h ? h->value : (struct slice){0};
}

static void request(const char *text, enum err want)
{
    struct plan *plan = plan_of(text);
    CHECK_ERR(want, head_plan_request(plan, NULL, &m, &fault));
    CHECK((fault != NULL) == (want == ERR_PEER));
    plan_unref(&plan);
}

static void path_becomes(const char *text, const char *path, const char *want)
{
    begin("GET", path);
    request(text, ERR_OK);
    CHECK_TEXT(want, m.path);
    arena_fini(&arena);
}

#define ROUTE "path\t/\t/v1/a/{id}/{n} -> /v2/{n}/b/{id}\n"

TEST(paths_follow_their_templates_and_keep_the_bytes_of_their_segments)
{
    path_becomes(ROUTE, "/v1/a/x%2Fy/7", "/v2/7/b/x%2Fy");
    path_becomes(ROUTE, "/v1/a/x/7?q=1&r", "/v2/7/b/x?q=1&r");
    path_becomes(ROUTE, "/v1/a/x", "/v1/a/x");
    path_becomes(ROUTE, "/v1/b/x/7", "/v1/b/x/7");
    path_becomes(ROUTE, "/v1/a/x/7/8", "/v1/a/x/7/8");
}

TEST(only_the_method_that_is_named_changes)
{
    begin("POST", "/");
    request("method\t/\tPOST -> PUT", ERR_OK);
    CHECK_TEXT("PUT", m.method);
    request("method\t/\tPOST -> DELETE", ERR_OK);
    CHECK_TEXT("PUT", m.method);
    arena_fini(&arena);
}

TEST(parameters_move_between_query_header_and_cookie)
{
    path_becomes("param\t/\tquery a -> query b", "/x?z=1&a=2%203&y", "/x?z=1&y&b=2%203");
    path_becomes("param\t/\tquery a -> query b", "/x?a=1", "/x?b=1");
    path_becomes("param\t/\tquery a -> query b", "/x?b=1", "/x?b=1");
    begin("GET", "/x?a=2+3&z=1");
    request("param\t/\tquery a -> header X-A", ERR_OK);
    CHECK_TEXT("/x?z=1", m.path);
    CHECK_TEXT("2 3", value("x-a"));
    request("param\t/\theader X-A -> query \"b c\"", ERR_OK);
    CHECK_TEXT("/x?z=1&b%20c=2%203", m.path);
    CHECK_INT(0, value("x-a").len);
    arena_fini(&arena);
    begin("GET", "/");
    field("cookie", "a=1; b=2; c=3");
    request("param\t/\tcookie b -> header b\nparam\t/\theader b -> cookie d", ERR_OK);
    CHECK_TEXT("a=1; c=3; d=2", value("cookie"));
    arena_fini(&arena);
}

TEST(what_its_new_place_cannot_hold_is_refused)
{
    begin("GET", "/x?a=1%0d%0aevil:1");
    request("param\t/\tquery a -> header a", ERR_PEER);
    arena_fini(&arena);
    begin("GET", "/x?a=1&a=2");
    request("param\t/\tquery a -> header a", ERR_PEER);
    CHECK_TEXT("a parameter that is moved comes twice", slice_str(fault));
    arena_fini(&arena);
    begin("GET", "/x?a=1;b");
    request("param\t/\tquery a -> cookie a", ERR_PEER);
    arena_fini(&arena);
    begin("GET", "/x?a=%zz");
    request("param\t/\tquery a -> header a", ERR_PEER);
    arena_fini(&arena);
}

/* A body through the plan, with what the head gives it and gets from it. */
static void exchange(const char *text, const char *body, enum err want, const char *out)
{
    struct plan *plan = plan_of(text);
    struct rewrite *r = rewrite_json_new(plan, 1000);
    struct buf made;
    buf_init(&made, 1000);
    CHECK_ERR(want, head_plan_give(plan, &m, m.path, r, &fault));
    if (want == ERR_OK) {
        CHECK_ERR(ERR_OK, rewrite_feed(r, slice_str(body), &made));
        CHECK_ERR(ERR_OK, rewrite_finish(r, &made));
        CHECK_ERR(ERR_OK, head_plan_request(plan, r, &m, &fault));
        CHECK_TEXT(out, buf_slice(&made));
    }
    rewrite_free(&r);
    buf_fini(&made);
    plan_unref(&plan);
}

TEST(parameters_become_members_and_members_parameters)
{
    begin("POST", "/x?max=7&dry=true&name=a+b");
    exchange("put\t/\tquery max -> max number\nput\t/\tquery dry -> dry bool\nput\t/\tquery name -> name string", "{}",
             ERR_OK, "{\"max\":7,\"dry\":true,\"name\":\"a b\"}");
    CHECK_TEXT("/x", m.path);
    arena_fini(&arena);
    begin("POST", "/x");
    exchange("take\t/\tmax -> query max\ntake\t/\tname -> header name\ntake\t/\tno -> query no",
             "{\"max\":7,\"name\":\"a \\\"b\"}", ERR_OK, "{}");
    CHECK_TEXT("/x?max=7", m.path);
    CHECK_TEXT("a \"b", value("name"));
    arena_fini(&arena);
    begin("POST", "/x?max=seven");
    exchange("put\t/\tquery max -> max number", "{}", ERR_PEER, NULL);
    CHECK_TEXT("a parameter is not of the type that the provider reads", slice_str(fault));
    arena_fini(&arena);
}

TEST(what_is_stashed_comes_back_as_it_was)
{
    begin("POST", "/x");
    exchange("take\t/\tlegacy -> stash Legacy", "{\"a\":1,\"legacy\":{\"x\":[1,2.50]}}", ERR_OK, "{\"a\":1}");
    CHECK(value("weft-stash-legacy").len > 0);
    exchange("put\t/\tstash Legacy -> legacy json", "{\"a\":1}", ERR_OK, "{\"a\":1,\"legacy\":{\"x\":[1,2.50]}}");
    CHECK_INT(0, value("weft-stash-legacy").len);
    arena_fini(&arena);
}

TEST(a_status_is_mapped_and_others_stay)
{
    struct plan *plan = plan_of("status\t/\t201 -> 200");
    CHECK_INT(200, head_plan_status(plan, 201));
    CHECK_INT(404, head_plan_status(plan, 404));
    CHECK_INT(404, head_plan_status(NULL, 404));
    plan_unref(&plan);
}

/* Rules are loaded once and kept; the test that does it would seem to leak. */
__attribute__((constructor)) static void load_rules(void)
{
    (void)facts_program();
}

static struct verdict *pair(void)
{
    static const char *const texts[] = {
        "contract(\"a\",\"1.0.0\"). operation(\"get\"). http(\"get\",\"GET\",\"/v1/a/{id}\"). "
        "param(\"get\",\"path\",\"id\",\"string\",\"required\"). response(\"get\",\"204\",\"\",\"\").",
        "contract(\"a\",\"2.0.0\"). operation(\"get\"). http(\"get\",\"GET\",\"/v2/as/{id}\"). "
        "param(\"get\",\"path\",\"id\",\"string\",\"required\"). response(\"get\",\"204\",\"\",\"\")."};
    struct contract *c[2];
    struct diag diag;
    diag_init(&diag);
    for (int i = 0; i < 2; i++)
        CHECK_ERR(ERR_OK, contract_parse(slice_str(texts[i]), "c", &diag, &c[i]));
    struct verdict *v = verdict_compute(c[0], c[1]);
    CHECK_INT(VERDICT_ADAPTABLE, verdict_level(v));
    contract_unref(&c[0]);
    contract_unref(&c[1]);
    diag_fini(&diag);
    return v;
}

static void location_becomes(struct verdict *v, const char *location, const char *want)
{
    begin("GET", "/");
    field("location", location);
    CHECK_ERR(ERR_OK, head_plan_location(v, &m));
    CHECK_TEXT(want, value("location"));
    arena_fini(&arena);
}

TEST(locations_are_by_the_paths_that_the_caller_knows)
{
    struct verdict *v = pair();
    location_becomes(v, "/v2/as/7?x=1", "/v1/a/7?x=1");
    location_becomes(v, "http://a.example/v2/as/7", "http://a.example/v1/a/7");
    location_becomes(v, "/v2/other", "/v2/other");
    location_becomes(v, "relative", "relative");
    verdict_unref(&v);
}

TEST(validators_of_rewritten_bodies_are_their_own_and_come_back)
{
    struct verdict *v = pair();
    begin("GET", "/");
    field("etag", "\"abc\"");
    field("content-digest", "sha-256=:AA==:");
    field("content-length", "7");
    field("accept-ranges", "bytes");
    m.length = 7;
    CHECK_ERR(ERR_OK, head_plan_body_changed(v, &m));
    struct slice tag = value("etag");
    CHECK_INT(5 + 10, tag.len);
    CHECK(slice_starts(tag, SLICE("\"abc-w")));
    CHECK_INT(1, m.headers.count);
    CHECK_INT(-1, m.length);
    field("if-match", arena_putf(&arena, "\"other\", %.*s", SLICE_FMT(tag)).at);
    field("range", "bytes=0-9");
    field("accept-encoding", "br, gzip");
    CHECK_ERR(ERR_OK, head_plan_answer_changes(v, &m));
    CHECK_TEXT("\"other\", \"abc\"", value("if-match"));
    CHECK_INT(0, value("range").len);
    CHECK_TEXT("gzip", value("accept-encoding"));
    arena_fini(&arena);
    begin("GET", "/");
    field("etag", "W/\"abc\"");
    CHECK_ERR(ERR_OK, head_plan_body_changed(v, &m));
    CHECK_TEXT("W/\"abc\"", value("etag"));
    CHECK_ERR(ERR_OK, head_plan_answer_changes(v, &m));
    CHECK_TEXT("identity", value("accept-encoding"));
    arena_fini(&arena);
    verdict_unref(&v);
}

TESTS_BEGIN()
TESTS_RUN(paths_follow_their_templates_and_keep_the_bytes_of_their_segments)
TESTS_RUN(only_the_method_that_is_named_changes)
TESTS_RUN(parameters_move_between_query_header_and_cookie)
TESTS_RUN(what_its_new_place_cannot_hold_is_refused)
TESTS_RUN(parameters_become_members_and_members_parameters)
TESTS_RUN(what_is_stashed_comes_back_as_it_was)
TESTS_RUN(a_status_is_mapped_and_others_stay)
TESTS_RUN(locations_are_by_the_paths_that_the_caller_knows)
TESTS_RUN(validators_of_rewritten_bodies_are_their_own_and_come_back)
TESTS_END()
