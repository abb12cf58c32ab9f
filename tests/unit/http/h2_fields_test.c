#include "http/h2_fields.h"

#include "tests/kit/t.h"

static struct arena arena;
static struct message m;

static void begin(void)
{
    arena_init(&arena, 256 << 10);
    message_init(&m, &arena);
}

static enum err put(const char *name, const char *value)
{
    return h2_fields_head(&m, slice_str(name), slice_str(value), false);
}

TEST(pseudo_fields_become_the_request_line)
{
    begin();
    CHECK_ERR(ERR_OK, put(":method", "CONNECT"));
    CHECK_ERR(ERR_OK, put(":scheme", "https"));
    CHECK_ERR(ERR_OK, put(":authority", "a.example"));
    CHECK_ERR(ERR_OK, put(":path", "/x?y"));
    CHECK_ERR(ERR_OK, put(":protocol", "websocket"));
    CHECK_ERR(ERR_OK, put("content-length", "12"));
    CHECK_ERR(ERR_OK, h2_fields_close(&m));
    CHECK_TEXT("GET", m.method); /* what an extended CONNECT stands for */
    CHECK_TEXT("https", m.scheme);
    CHECK_TEXT("a.example", m.authority);
    CHECK_TEXT("/x", message_path_only(&m));
    CHECK_TEXT("websocket", m.protocol);
    CHECK_INT(12, m.length);
    CHECK_INT(1, m.headers.count);
    arena_fini(&arena);
}

TEST(host_stands_in_for_a_missing_authority_and_leaves_the_headers)
{
    begin();
    CHECK_ERR(ERR_OK, put(":method", "GET"));
    CHECK_ERR(ERR_OK, put("host", "b.example"));
    CHECK_ERR(ERR_OK, h2_fields_close(&m));
    CHECK_TEXT("b.example", m.authority);
    CHECK_INT(0, m.headers.count);
    arena_fini(&arena);
}

TEST(two_names_for_the_target_that_differ_are_nonsense)
{
    begin();
    CHECK_ERR(ERR_OK, put(":method", "GET"));
    CHECK_ERR(ERR_OK, put(":authority", "a.example"));
    CHECK_ERR(ERR_OK, put("host", "b.example"));
    CHECK_ERR(ERR_PEER, h2_fields_close(&m));
    arena_fini(&arena);
}

TEST(cookie_crumbs_are_joined_where_the_first_one_stood)
{
    begin();
    CHECK_ERR(ERR_OK, put("cookie", "a=1"));
    CHECK_ERR(ERR_OK, put("accept", "x"));
    CHECK_ERR(ERR_OK, put("cookie", "b=2"));
    CHECK_ERR(ERR_OK, put("cookie", "c=3"));
    CHECK_ERR(ERR_OK, h2_fields_close(&m));
    CHECK_INT(2, m.headers.count);
    CHECK_TEXT("a=1; b=2; c=3", m.headers.v[0].value);
    CHECK_TEXT("x", m.headers.v[1].value);
    arena_fini(&arena);
}

TEST(each_crumb_counts_as_a_field)
{
    begin();
    for (int i = 0; i < 100; i++)
        CHECK_ERR(ERR_OK, put("cookie", "a"));
    CHECK_ERR(ERR_FULL, put("cookie", "a"));
    arena_fini(&arena);
}

TEST(a_long_path_counts_against_the_bytes_of_the_head)
{
    static char path[HEADERS_BYTES];
    begin();
    memset(path, 'a', sizeof(path));
    CHECK_ERR(ERR_FULL, h2_fields_head(&m, SLICE(":path"), slice_of(path, sizeof(path) - 4), false));
    CHECK_ERR(ERR_OK, h2_fields_head(&m, SLICE(":path"), slice_of(path, sizeof(path) - 5), false));
    CHECK_ERR(ERR_FULL, put("a", ""));
    arena_fini(&arena);
}

TEST(a_secret_stays_a_secret)
{
    begin();
    CHECK_ERR(ERR_OK, h2_fields_head(&m, SLICE("authorization"), SLICE("s"), true));
    CHECK_ERR(ERR_OK, h2_fields_trailer(&m, SLICE("x"), SLICE("s"), true));
    CHECK(m.headers.v[0].never_indexed);
    CHECK(m.trailers.v[0].never_indexed);
    arena_fini(&arena);
}

static bool barred(enum headers_token token, const char *value)
{
    struct header f = {.token = token, .value = slice_str(value)};
    return h2_fields_barred(&f);
}

TEST(connection_fields_do_not_travel)
{
    CHECK(barred(HEADERS_CONNECTION, "close"));
    CHECK(barred(HEADERS_TRANSFER_ENCODING, "chunked"));
    CHECK(barred(HEADERS_UPGRADE, "x"));
    CHECK(barred(HEADERS_HOST, "x"));
    CHECK(barred(HEADERS_TE, "gzip"));
    CHECK(!barred(HEADERS_TE, "trailers"));
    CHECK(!barred(HEADERS_CONTENT_LENGTH, "1"));
    CHECK(!barred(HEADERS_OTHER, "x"));
}

TESTS_BEGIN()
TESTS_RUN(pseudo_fields_become_the_request_line)
TESTS_RUN(host_stands_in_for_a_missing_authority_and_leaves_the_headers)
TESTS_RUN(two_names_for_the_target_that_differ_are_nonsense)
TESTS_RUN(cookie_crumbs_are_joined_where_the_first_one_stood)
TESTS_RUN(each_crumb_counts_as_a_field)
TESTS_RUN(a_long_path_counts_against_the_bytes_of_the_head)
TESTS_RUN(a_secret_stays_a_secret)
TESTS_RUN(connection_fields_do_not_travel)
TESTS_END()
