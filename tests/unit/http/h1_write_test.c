#include "http/h1_write.h"

#include "tests/kit/t.h"

struct desk {
    struct arena arena;
    struct message m;
    struct buf out;
    struct h1_write w;
};

static void desk_init(struct desk *d)
{
    *d = (struct desk){0};
    arena_init(&d->arena, 256 << 10);
    message_init(&d->m, &d->arena);
    buf_init(&d->out, 4096);
    d->m.method = SLICE("POST");
    d->m.path = SLICE("/p");
    d->m.authority = SLICE("a");
    d->m.status = 200;
}

static void desk_fini(struct desk *d)
{
    buf_fini(&d->out);
    arena_fini(&d->arena);
}

static void add(struct desk *d, const char *name, const char *value)
{
    CHECK_ERR(ERR_OK, headers_add(&d->m.headers, slice_str(name), slice_str(value)));
}

static const struct h1_write_answer plain = {.method = {"GET", 3}, .minor = 1, .keep_alive = true};

TEST(a_counted_body_is_exactly_as_long_as_promised)
{
    struct desk d;
    desk_init(&d);
    add(&d, "content-length", "3");
    CHECK_ERR(ERR_OK, h1_write_response(&d.w, &d.out, &d.m, &plain));
    CHECK_TEXT("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n", buf_slice(&d.out));
    buf_clear(&d.out);
    CHECK_ERR(ERR_LIMIT, h1_write_body(&d.w, &d.out, SLICE("abcd")));
    CHECK_ERR(ERR_OK, h1_write_body(&d.w, &d.out, SLICE("ab")));
    CHECK_ERR(ERR_INPUT, h1_write_end(&d.w, &d.out, &d.m.trailers));
    CHECK_ERR(ERR_OK, h1_write_body(&d.w, &d.out, SLICE("c")));
    CHECK_ERR(ERR_OK, h1_write_end(&d.w, &d.out, &d.m.trailers));
    CHECK_TEXT("abc", buf_slice(&d.out));
    desk_fini(&d);
}

TEST(an_empty_piece_does_not_end_a_chunked_body)
{
    struct desk d;
    desk_init(&d);
    CHECK_ERR(ERR_OK, h1_write_request(&d.w, &d.out, &d.m, false));
    buf_clear(&d.out);
    CHECK_ERR(ERR_OK, h1_write_body(&d.w, &d.out, SLICE("")));
    CHECK_ERR(ERR_OK, h1_write_body(&d.w, &d.out, SLICE("0123456789abcdef")));
    CHECK_ERR(ERR_OK, h1_write_end(&d.w, &d.out, &d.m.trailers));
    CHECK_TEXT("10\r\n0123456789abcdef\r\n0\r\n\r\n", buf_slice(&d.out));
    desk_fini(&d);
}

TEST(trailers_that_frame_are_left_out_and_bad_ones_refused)
{
    struct desk d;
    desk_init(&d);
    CHECK_ERR(ERR_OK, h1_write_request(&d.w, &d.out, &d.m, false));
    buf_clear(&d.out);
    CHECK_ERR(ERR_OK, headers_add(&d.m.trailers, SLICE("a"), SLICE("b\nc")));
    CHECK_ERR(ERR_INPUT, h1_write_end(&d.w, &d.out, &d.m.trailers));
    CHECK_INT(0, buf_len(&d.out));
    headers_init(&d.m.trailers, &d.arena);
    CHECK_ERR(ERR_OK, headers_add(&d.m.trailers, SLICE("content-length"), SLICE("9")));
    CHECK_ERR(ERR_OK, headers_add(&d.m.trailers, SLICE("grpc-status"), SLICE("0")));
    CHECK_ERR(ERR_OK, h1_write_end(&d.w, &d.out, &d.m.trailers));
    CHECK_TEXT("0\r\ngrpc-status: 0\r\n\r\n", buf_slice(&d.out));
    desk_fini(&d);
}

TEST(connection_headers_are_never_copied)
{
    struct desk d;
    desk_init(&d);
    const char *names[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "host"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add(&d, names[i], "x");
    add(&d, "te", "trailers");
    CHECK_ERR(ERR_OK, h1_write_request(&d.w, &d.out, &d.m, true));
    CHECK_TEXT("POST /p HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\ncontent-length: 0\r\n\r\n",
               buf_slice(&d.out));
    desk_fini(&d);
}

static void check_request(const char *method, const char *path, const char *name, const char *value, bool end)
{
    struct desk d;
    desk_init(&d);
    d.m.method = slice_str(method);
    d.m.path = slice_str(path);
    add(&d, name, value);
    CHECK_ERR(ERR_INPUT, h1_write_request(&d.w, &d.out, &d.m, end));
    CHECK_INT(0, buf_len(&d.out));
    desk_fini(&d);
}

TEST(what_would_split_or_contradict_a_request_is_refused)
{
    check_request("GET", "/a b", "x", "y", true);
    check_request("GET", "/\r\nx: y", "x", "y", true);
    check_request("GET", "", "x", "y", true);
    check_request("GE T", "/", "x", "y", true);
    check_request("GET", "/", "x", "y\r\nz: 1", true);
    check_request("GET", "/", "x y", "z", true);
    check_request("POST", "/", "content-length", "5", true);
    check_request("POST", "/", "content-length", "five", false);
}

TEST(two_different_lengths_never_leave)
{
    struct desk d;
    desk_init(&d);
    add(&d, "content-length", "5");
    add(&d, "content-length", "5");
    CHECK_ERR(ERR_OK, h1_write_response(&d.w, &d.out, &d.m, &plain));
    CHECK_TEXT("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", buf_slice(&d.out));
    add(&d, "content-length", "6");
    CHECK_ERR(ERR_INPUT, h1_write_response(&d.w, &d.out, &d.m, &plain));
    desk_fini(&d);
}

static const struct {
    const char *method;
    unsigned status;
    const char *length;
    bool end;
    enum h1_framing framing;
    const char *told;
} answers[] = {
    {"GET", 200, NULL, true, H1_COUNTED, "content-length: 0\r\n"},
    {"GET", 200, NULL, false, H1_CHUNKED, "transfer-encoding: chunked\r\n"},
    {"GET", 200, "7", false, H1_COUNTED, "content-length: 7\r\n"},
    {"HEAD", 200, "7", true, H1_NO_BODY, "content-length: 7\r\n"},
    {"HEAD", 200, NULL, true, H1_NO_BODY, ""},
    {"GET", 304, "7", true, H1_NO_BODY, "content-length: 7\r\n"},
    {"GET", 204, "7", true, H1_NO_BODY, ""},
};

TEST(status_and_method_decide_how_a_response_is_framed)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct desk d;
        desk_init(&d);
        d.m.status = answers[i].status;
        if (answers[i].length)
            add(&d, "content-length", answers[i].length);
        struct h1_write_answer how = plain;
        how.method = slice_str(answers[i].method);
        how.end = answers[i].end;
        CHECK_ERR(ERR_OK, h1_write_response(&d.w, &d.out, &d.m, &how));
        CHECK_INT(answers[i].framing, d.w.framing);
        size_t line;
        CHECK(slice_find(buf_slice(&d.out), '\n', &line));
        struct slice rest = slice_from(buf_slice(&d.out), line + 1);
        CHECK_TEXT(answers[i].told, slice_to(rest, rest.len - 2));
        desk_fini(&d);
    }
}

TEST(a_full_buffer_takes_no_half_heads)
{
    struct desk d;
    desk_init(&d);
    d.out.bound = 280;
    CHECK_ERR(ERR_OK, h1_write_info(&d.out, 103, NULL));
    size_t before = buf_len(&d.out);
    CHECK_ERR(ERR_FULL, h1_write_request(&d.w, &d.out, &d.m, true));
    CHECK_ERR(ERR_FULL, h1_write_response(&d.w, &d.out, &d.m, &plain));
    CHECK_ERR(ERR_FULL, h1_write_info(&d.out, 103, &d.m.headers));
    CHECK_INT(before, buf_len(&d.out));
    desk_fini(&d);
}

TESTS_BEGIN()
TESTS_RUN(a_counted_body_is_exactly_as_long_as_promised)
TESTS_RUN(an_empty_piece_does_not_end_a_chunked_body)
TESTS_RUN(trailers_that_frame_are_left_out_and_bad_ones_refused)
TESTS_RUN(connection_headers_are_never_copied)
TESTS_RUN(what_would_split_or_contradict_a_request_is_refused)
TESTS_RUN(two_different_lengths_never_leave)
TESTS_RUN(status_and_method_decide_how_a_response_is_framed)
TESTS_RUN(a_full_buffer_takes_no_half_heads)
TESTS_END()
