#include "http/hop.h"

#include "base/buf.h"
#include "tests/kit/t.h"

struct crossing {
    struct arena arena;
    struct message in, out;
    struct buf text;
};

static void crossing_init(struct crossing *c)
{
    arena_init(&c->arena, 256 << 10);
    message_init(&c->in, &c->arena);
    message_init(&c->out, &c->arena);
    buf_init(&c->text, BUF_TEXT_BOUND);
}

static void crossing_fini(struct crossing *c)
{
    buf_fini(&c->text);
    arena_fini(&c->arena);
}

static void add(struct crossing *c, const char *name, const char *value)
{
    CHECK_ERR(ERR_OK, headers_add(&c->in.headers, slice_str(name), slice_str(value)));
}

static struct slice fields(struct crossing *c)
{
    buf_clear(&c->text);
    for (uint32_t i = 0; i < c->out.headers.count; i++)
        buf_putf(&c->text, "%.*s=%.*s;", SLICE_FMT(c->out.headers.v[i].name), SLICE_FMT(c->out.headers.v[i].value));
    return buf_slice(&c->text);
}

static const struct {
    const char *name, *value;
    bool from_outside, to_h2;
    const char *want;
} rows[] = {
    {"accept", "a", true, true, "accept=a;"},
    {"traceparent", "00-1", true, true, "traceparent=00-1;"},
    {"x-forwarded-for", "1.2.3.4", true, true, "x-forwarded-for=1.2.3.4;"},
    {"via", "1.1 a", true, true, "via=1.1 a;"},
    {"content-length", "5", false, true, "content-length=5;"},
    {"x-forwarded-client-cert", "By=a", true, true, ""},
    {"x-forwarded-client-cert", "By=a", false, true, "x-forwarded-client-cert=By=a;"},
    {"connection", "close", false, false, ""},
    {"keep-alive", "5", false, false, ""},
    {"proxy-connection", "x", false, false, ""},
    {"transfer-encoding", "chunked", false, true, ""},
    {"upgrade", "h2c", false, false, ""},
    {"http2-settings", "x", false, false, ""},
    {"host", "x", false, true, ""},
    {"expect", "100-continue", false, true, ""},
    {"te", "trailers", false, true, "te=trailers;"},
    {"te", "trailers", false, false, ""},
    {"te", "gzip", false, true, ""},
};

TEST(each_field_crosses_by_its_rule)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct crossing c;
        crossing_init(&c);
        add(&c, rows[i].name, rows[i].value);
        struct hop hop = {.from_outside = rows[i].from_outside, .to_h2 = rows[i].to_h2};
        CHECK_ERR(ERR_OK, hop_request(&c.in, &c.out, hop));
        CHECK_TEXT(rows[i].want, fields(&c));
        crossing_fini(&c);
    }
}

TEST(grpc_keeps_te_on_http_1_too)
{
    struct crossing c;
    crossing_init(&c);
    add(&c, "content-type", "application/grpc+proto");
    add(&c, "te", "trailers");
    CHECK_ERR(ERR_OK, hop_request(&c.in, &c.out, (struct hop){0}));
    CHECK_TEXT("content-type=application/grpc+proto;te=trailers;", fields(&c));
    crossing_fini(&c);
}

TEST(order_and_repetition_are_kept_and_cookie_crumbs_are_joined)
{
    struct crossing c;
    crossing_init(&c);
    add(&c, "b", "1");
    add(&c, "cookie", "x=1");
    add(&c, "a", "2");
    add(&c, "cookie", "y=2");
    add(&c, "b", "3");
    CHECK_ERR(ERR_OK, hop_request(&c.in, &c.out, (struct hop){0}));
    CHECK_TEXT("b=1;a=2;b=3;cookie=x=1; y=2;", fields(&c));
    crossing_fini(&c);
}

TEST(a_request_keeps_what_it_asks_for)
{
    struct crossing c;
    crossing_init(&c);
    c.in.method = SLICE("GET");
    c.in.scheme = SLICE("https");
    c.in.authority = SLICE("a:1");
    c.in.path = SLICE("/p?q");
    c.in.length = 7;
    CHECK_ERR(ERR_OK, hop_request(&c.in, &c.out, (struct hop){0}));
    CHECK_TEXT("GET", c.out.method);
    CHECK_TEXT("https", c.out.scheme);
    CHECK_TEXT("a:1", c.out.authority);
    CHECK_TEXT("/p?q", c.out.path);
    CHECK_INT(7, c.out.length);
    CHECK(c.out.path.at == c.in.path.at); /* borrowed */
    crossing_fini(&c);
}

TEST(a_response_keeps_status_reason_and_fields)
{
    struct crossing c;
    crossing_init(&c);
    c.in.status = 404;
    c.in.reason = SLICE("Gone fishing");
    add(&c, "connection", "close");
    add(&c, "set-cookie", "a");
    add(&c, "set-cookie", "b");
    CHECK_ERR(ERR_OK, hop_response(&c.in, &c.out));
    CHECK_INT(404, c.out.status);
    CHECK_TEXT("Gone fishing", c.out.reason);
    CHECK_TEXT("set-cookie=a;set-cookie=b;", fields(&c));
    crossing_fini(&c);
}

TEST(trailers_cross_but_for_those_that_frame)
{
    struct crossing c;
    crossing_init(&c);
    CHECK_ERR(ERR_OK, headers_add(&c.in.trailers, SLICE("grpc-status"), SLICE("0")));
    CHECK_ERR(ERR_OK, headers_add(&c.in.trailers, SLICE("content-length"), SLICE("9")));
    CHECK_ERR(ERR_OK, hop_trailers(&c.in, &c.out));
    CHECK_INT(1, c.out.trailers.count);
    CHECK_TEXT("grpc-status", c.out.trailers.v[0].name);
    crossing_fini(&c);
}

TEST(early_hints_cross_and_continue_and_switching_do_not)
{
    CHECK(!hop_info(100));
    CHECK(!hop_info(101));
    CHECK(hop_info(102));
    CHECK(hop_info(103));
    CHECK(!hop_info(200));
}

TESTS_BEGIN()
TESTS_RUN(each_field_crosses_by_its_rule)
TESTS_RUN(grpc_keeps_te_on_http_1_too)
TESTS_RUN(order_and_repetition_are_kept_and_cookie_crumbs_are_joined)
TESTS_RUN(a_request_keeps_what_it_asks_for)
TESTS_RUN(a_response_keeps_status_reason_and_fields)
TESTS_RUN(trailers_cross_but_for_those_that_frame)
TESTS_RUN(early_hints_cross_and_continue_and_switching_do_not)
TESTS_END()
