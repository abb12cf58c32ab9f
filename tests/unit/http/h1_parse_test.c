#include "http/h1_parse.h"

#include "tests/kit/t.h"

/* One message, or several, told as text: what an owner would have seen. */
struct telling {
    struct h1_parse parse;
    struct arena arena;
    struct message message;
    struct buf text;
    bool in_body;
    bool over;
};

static void ready_for_next(struct telling *t)
{
    message_init(&t->message, &t->arena);
    if (t->parse.side == H1_PARSE_REQUESTS)
        h1_parse_request(&t->parse, &t->message);
    else
        h1_parse_response(&t->parse, &t->message, t->message.method);
}

static void telling_init(struct telling *t, enum h1_parse_side side, struct slice method)
{
    *t = (struct telling){0};
    arena_init(&t->arena, 256 << 10);
    buf_init(&t->text, BUF_TEXT_BOUND);
    h1_parse_init(&t->parse, side);
    message_init(&t->message, &t->arena);
    if (side == H1_PARSE_REQUESTS)
        h1_parse_request(&t->parse, &t->message);
    else
        h1_parse_response(&t->parse, &t->message, method);
}

static void telling_fini(struct telling *t)
{
    h1_parse_fini(&t->parse);
    buf_fini(&t->text);
    arena_fini(&t->arena);
}

static void tell_fields(struct telling *t, const struct headers *h)
{
    for (uint32_t i = 0; i < h->count; i++)
        buf_putf(&t->text, " %.*s=%.*s", SLICE_FMT(h->v[i].name), SLICE_FMT(h->v[i].value));
}

static void tell_head(struct telling *t)
{
    const struct message *m = &t->message;
    if (t->parse.side == H1_PARSE_REQUESTS)
        buf_putf(&t->text, "%.*s %.*s|%.*s|%.*s 1.%u", SLICE_FMT(m->method), SLICE_FMT(m->scheme),
                 SLICE_FMT(m->authority), SLICE_FMT(m->path), t->parse.facts.minor);
    else
        buf_putf(&t->text, "%u %.*s", m->status, SLICE_FMT(m->reason));
    tell_fields(t, &m->headers);
}

static void tell(struct telling *t, enum h1_found found, struct slice piece)
{
    if (found != H1_DATA && t->in_body) {
        buf_put(&t->text, SLICE("]"));
        t->in_body = false;
    }
    switch (found) {
    case H1_INFO:
        tell_head(t);
        buf_put(&t->text, SLICE("; "));
        break;
    case H1_HEAD:
        tell_head(t);
        buf_put(&t->text, t->parse.facts.keep_alive ? SLICE(" keep") : SLICE(" close"));
        break;
    case H1_DATA:
        if (!t->in_body)
            buf_put(&t->text, SLICE(" ["));
        t->in_body = true;
        buf_put(&t->text, piece);
        break;
    case H1_END:
        tell_fields(t, &t->message.trailers);
        buf_put(&t->text, SLICE(" end; "));
        ready_for_next(t);
        break;
    case H1_BAD:
        buf_putf(&t->text, "%u %s", h1_head_status(t->parse.refused), h1_head_word(t->parse.refused));
        t->over = true;
        break;
    case H1_MORE:
    case H1_NOTHING:
        break;
    }
}

static void feed(struct telling *t, struct slice bytes)
{
    enum h1_found found = H1_NOTHING;
    while (!t->over && found != H1_MORE) {
        struct slice piece = {0};
        found = h1_parse_next(&t->parse, &bytes, SIZE_MAX, &piece);
        /* MORE must not leave bytes behind when there is room for them. */
        if (found == H1_MORE)
            CHECK_INT(0, bytes.len);
        if (found == H1_MORE && t->in_body)
            break;
        tell(t, found, piece);
    }
}

static void feed_end(struct telling *t)
{
    if (t->over || !h1_parse_begun(&t->parse))
        return;
    enum h1_found found = h1_parse_closed(&t->parse);
    tell(t, found, (struct slice){0});
}

static void check_whole(enum h1_parse_side side, struct slice method, struct slice input, const char *want)
{
    struct telling t;
    telling_init(&t, side, method);
    feed(&t, input);
    feed_end(&t);
    CHECK_TEXT(want, buf_slice(&t.text));
    telling_fini(&t);
}

/* Cut into pieces of `size`: catches every boundary when size is 1. */
static void check_pieces(enum h1_parse_side side, struct slice method, struct slice input, size_t size,
                         const char *want)
{
    struct telling t;
    telling_init(&t, side, method);
    for (struct slice rest = input; rest.len > 0 && !t.over; rest = slice_from(rest, size))
        feed(&t, slice_to(rest, size));
    feed_end(&t);
    CHECK_TEXT(want, buf_slice(&t.text));
    telling_fini(&t);
}

static void check_two_pieces(enum h1_parse_side side, struct slice method, struct slice input, const char *want)
{
    for (size_t cut = 0; cut <= input.len; cut++) {
        struct telling t;
        telling_init(&t, side, method);
        feed(&t, slice_to(input, cut));
        if (!t.over)
            feed(&t, slice_from(input, cut));
        feed_end(&t);
        CHECK_TEXT(want, buf_slice(&t.text));
        telling_fini(&t);
    }
}

static void check_all_ways(enum h1_parse_side side, struct slice method, struct slice input, const char *want)
{
    check_whole(side, method, input, want);
    check_pieces(side, method, input, 1, want);
    check_pieces(side, method, input, 3, want);
    check_pieces(side, method, input, 7, want);
    check_two_pieces(side, method, input, want);
}

struct example {
    const char *input;
    const char *told;
};

static const struct example requests[] = {
    {"GET /a?b=c HTTP/1.1\r\nHost: x.example:80\r\nAccept: */*\r\n\r\n",
     "GET |x.example:80|/a?b=c 1.1 accept=*/* keep end; "},
    {"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET |x|/ 1.1 keep end; "},
    {"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-request-line"},
    /* persistence */
    {"GET / HTTP/1.0\r\n\r\n", "GET ||/ 1.0 close end; "},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET ||/ 1.0 keep end; "},
    {"GET / HTTP/1.1\r\nHost: x\r\nConnection: CLOSE\r\n\r\n", "GET |x|/ 1.1 close end; "},
    {"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, close\r\n\r\n", "GET |x|/ 1.1 close end; "},
    /* connection headers go no further */
    {"GET / HTTP/1.1\r\nHost: x\r\nConnection: X-A, te\r\nConnection: x-b\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3\r\n"
     "Keep-Alive: 5\r\nProxy-Connection: q\r\nTE: gzip, trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: z\r\n\r\n",
     "GET |x|/ 1.1 x-c=3 te=trailers keep end; "},
    {"GET / HTTP/1.1\r\nHost: x\r\nTE: gzip\r\n\r\n", "GET |x|/ 1.1 keep end; "},
    {"POST / HTTP/1.1\r\nHost: x\r\nConnection: Content-Length\r\nContent-Length: 1\r\n\r\na",
     "400 bad-connection-option"},
    {"GET / HTTP/1.1\r\nHost: x\r\nConnection: host\r\n\r\n", "400 bad-connection-option"},
    {"GET / HTTP/1.1\r\nHost: x\r\nConnection: a b\r\n\r\n", "400 bad-connection-option"},
    /* targets */
    {"GET http://y:8080/p?q HTTP/1.1\r\nHost: x\r\n\r\n", "GET http|y:8080|/p?q 1.1 keep end; "},
    {"GET HTTPS://y HTTP/1.1\r\nHost: x\r\n\r\n", "GET https|y|/ 1.1 keep end; "},
    {"GET http://y?q HTTP/1.1\r\nHost: x\r\n\r\n", "GET http|y|/?q 1.1 keep end; "},
    {"OPTIONS http://y HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS http|y|* 1.1 keep end; "},
    {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS |x|* 1.1 keep end; "},
    {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-target"},
    {"GET http://u@y/ HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-target"},
    {"GET ftp://y/ HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-target"},
    {"GET http:///p HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-target"},
    {"GET x HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-target"},
    {"GET /#f HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-target"},
    {"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-target"},
    {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-target"},
    {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-target"},
    {"CONNECT y:443 HTTP/1.1\r\nHost: y:443\r\n\r\n", "CONNECT |y:443| 1.1 close end; "},
    {"CONNECT [::1]:443 HTTP/1.1\r\nHost: y\r\n\r\n", "CONNECT |[::1]:443| 1.1 close end; "},
    {"CONNECT y HTTP/1.1\r\nHost: y\r\n\r\n", "400 bad-target"},
    {"CONNECT y:99999 HTTP/1.1\r\nHost: y\r\n\r\n", "400 bad-target"},
    {"CONNECT y:1 HTTP/1.1\r\nHost: y\r\nContent-Length: 3\r\n\r\nabc", "400 connect-with-body"},
    {"CONNECT y:1 HTTP/1.1\r\nHost: y\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 connect-with-body"},
    /* request line */
    {"GET /\r\n\r\n", "400 bad-request-line"},
    {"GET / \r\n\r\n", "400 bad-version"},
    {" GET / HTTP/1.1\r\n\r\n", "400 bad-method"},
    {"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-method"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n\r\n", "400 bad-method"},
    {"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "400 bad-version"},
    {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505 version-not-supported"},
    {"GET / HTTP/1.2\r\nHost: x\r\n\r\n", "505 version-not-supported"},
    {"GET / HTTP/0.9\r\n\r\n", "505 version-not-supported"},
    {"GET / http/1.1\r\nHost: x\r\n\r\n", "400 bad-version"},
    {"GET / HTTP/1.10\r\nHost: x\r\n\r\n", "400 bad-version"},
    {"GET / HTTP/11\r\nHost: x\r\n\r\n", "400 bad-version"},
    {"EHLO mail example\r\n", "400 not-http"},
    {"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", "400 bad-request-line"},
    {"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "400 control-character"},
    /* line ends */
    {"GET / HTTP/1.1\nHost: x\n\n", "400 bare-line-feed"},
    {"GET / HTTP/1.1\r\nHost: x\n\r\n", "400 bare-line-feed"},
    {"GET / HTTP/1.1\r\nHost: x\r\n\n", "400 bare-line-feed"},
    {"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", "400 bare-carriage-return"},
    {"GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", "400 bare-carriage-return"},
    {"GET /\rHTTP/1.1\r\nHost: x\r\n\r\n", "400 bare-carriage-return"},
    /* fields */
    {"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\n 2\r\n\r\n", "400 folded-field"},
    {"GET / HTTP/1.1\r\n Host: x\r\n\r\n", "400 folded-field"},
    {"GET / HTTP/1.1\r\nHost: x\r\n\tA: 1\r\n\r\n", "400 folded-field"},
    {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400 bad-field-name"},
    {"GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", "400 bad-field-name"},
    {"GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n", "400 bad-field-name"},
    {"GET / HTTP/1.1\r\nHost: x\r\nA(: a\r\n\r\n", "400 bad-field-name"},
    {"GET / HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n", "400 control-character"},
    {"GET / HTTP/1.1\r\nHost: x\r\nA: b\x7f\r\n\r\n", "400 control-character"},
    {"GET / HTTP/1.1\r\nHost: x\r\nA:\r\nB: \t b\tc \t\r\n\r\n", "GET |x|/ 1.1 a= b=b\tc keep end; "},
    {"GET / HTTP/1.1\r\nHost: x\r\nA: \xff\r\n\r\n", "GET |x|/ 1.1 a=\xff keep end; "},
    /* host */
    {"GET / HTTP/1.1\r\n\r\n", "400 host-missing"},
    {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "400 host-twice"},
    {"GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n", "400 host-twice"},
    {"GET / HTTP/1.1\r\nHost: x, y\r\n\r\n", "400 bad-host"},
    {"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", "400 bad-host"},
    {"GET / HTTP/1.1\r\nHost: u@x\r\n\r\n", "400 bad-host"},
    {"GET / HTTP/1.1\r\nHost: x:y\r\n\r\n", "400 bad-host"},
    {"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", "400 bad-host"},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET |[::1]:80|/ 1.1 keep end; "},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET ||/ 1.1 keep end; "},
    {"GET http://y/ HTTP/1.1\r\n\r\n", "400 host-missing"},
    /* expectations */
    {"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\na",
     "POST |x|/ 1.1 content-length=1 keep [a] end; "},
    {"POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", "417 unknown-expectation"},
};

/* Two readers that take the end of such a message for different places can be turned against each other. */
static const struct example smuggling[] = {
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: y\r\n\r\n",
     "POST |x|/ 1.1 content-length=5 keep [hello] end; GET |y|/ 1.1 keep end; "},
    /* CL.TE, TE.CL, TE.TE */
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
     "400 length-and-transfer-encoding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n",
     "400 length-and-transfer-encoding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "400 bad-transfer-encoding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
     "400 bad-transfer-encoding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
     "400 bad-transfer-encoding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
     "400 bad-transfer-encoding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "400 bad-transfer-encoding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", "400 bad-transfer-encoding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "400 bad-transfer-encoding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n", "400 bad-transfer-encoding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501 unknown-transfer-coding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501 unknown-transfer-coding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", "501 unknown-transfer-coding"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400 bad-field-name"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", "400 bad-field-name"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0b"
     "chunked\r\n\r\n0\r\n\r\n",
     "400 control-character"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400 folded-field"},
    {"POST / HTTP/1.1\r\nHost: x\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 bare-line-feed"},
    {"POST / HTTP/1.1\r\nHost: x\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 bare-carriage-return"},
    {"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 bad-transfer-encoding"},
    /* blanks around a value are no part of it (RFC 9112 section 5.1) */
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\tCHUNKED\t \r\n\r\n1\r\na\r\n0\r\n\r\n",
     "POST |x|/ 1.1 keep [a] end; "},
    /* lengths */
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400 two-content-lengths"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nhello", "400 two-content-lengths"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
     "POST |x|/ 1.1 content-length=5 keep [hello] end; "},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello",
     "POST |x|/ 1.1 content-length=5 keep [hello] end; "},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5,\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ,5\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5a\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5 5\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5.0\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551621\r\n\r\nhello", "400 bad-content-length"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello", "400 bad-field-name"},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nGET ", "GET |x|/ 1.1 content-length=4 keep [GET ] end; "},
};

#define CHUNKED_HEAD "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
#define TOLD_HEAD "POST |x|/ 1.1 keep"
static const struct example chunks[] = {
    {CHUNKED_HEAD "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", TOLD_HEAD " [hello world] end; "},
    {CHUNKED_HEAD "0\r\n\r\nGET / HTTP/1.1\r\nHost: y\r\n\r\n", TOLD_HEAD " end; GET |y|/ 1.1 keep end; "},
    {CHUNKED_HEAD "0005;a=b;c=\"d;e\"\r\nhello\r\n000\r\n\r\n", TOLD_HEAD " [hello] end; "},
    {CHUNKED_HEAD "A\r\n0123456789\r\n0\r\n\r\n", TOLD_HEAD " [0123456789] end; "},
    {CHUNKED_HEAD "1\r\na\r\n0\r\nX-Sum: 9\r\nY: z\r\n\r\n", TOLD_HEAD " [a] x-sum=9 y=z end; "},
    {CHUNKED_HEAD "5\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "5\r\nhello\n0\r\n\r\n", TOLD_HEAD " [hello]400 bad-chunk"},
    {CHUNKED_HEAD "5\r\nhelloX\r\n0\r\n\r\n", TOLD_HEAD " [hello]400 bad-chunk"},
    {CHUNKED_HEAD "5\r\nhello\rX0\r\n\r\n", TOLD_HEAD " [hello]400 bad-chunk"},
    {CHUNKED_HEAD "5 \r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "5;a=\"\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "5;a=\"\\\"\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD " 5\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "0x5\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "+5\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "-1\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD ";a\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "g\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "5;a\nb\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "5;a\rb\r\nhello\r\n0\r\n\r\n", TOLD_HEAD "400 bad-chunk"},
    {CHUNKED_HEAD "8000000000000000\r\na", TOLD_HEAD "400 chunk-size-overflow"},
    {CHUNKED_HEAD "10000000000000005\r\na", TOLD_HEAD "400 chunk-size-overflow"},
    {CHUNKED_HEAD "00000000000000005\r\na", TOLD_HEAD "400 chunk-size-overflow"},
    {CHUNKED_HEAD "7fffffffffffffff\r\na", TOLD_HEAD " [a]400 cut-off"},
    {CHUNKED_HEAD "0\r\nContent-Length: 5\r\n\r\n", TOLD_HEAD "400 bad-trailer"},
    {CHUNKED_HEAD "0\r\nTransfer-Encoding: chunked\r\n\r\n", TOLD_HEAD "400 bad-trailer"},
    {CHUNKED_HEAD "0\r\nHost: z\r\n\r\n", TOLD_HEAD "400 bad-trailer"},
    {CHUNKED_HEAD "0\r\n A: b\r\n\r\n", TOLD_HEAD "400 folded-field"},
    {CHUNKED_HEAD "0\r\nA: b\n\r\n", TOLD_HEAD "400 bare-line-feed"},
    {CHUNKED_HEAD "5\r\nhel", TOLD_HEAD " [hel]400 cut-off"},
    {CHUNKED_HEAD "5\r\nhello\r\n", TOLD_HEAD " [hello]400 cut-off"},
};

static const struct example responses[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 OK content-length=2 keep [hi] end; "},
    {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200  content-length=0 keep end; "},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200  content-length=0 keep end; "},
    {"HTTP/1.1 200 OK\r\n\r\nhi", "200 OK close [hi] end; "},
    {"HTTP/1.1 200 OK\r\n\r\n", "200 OK close end; "},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 OK content-length=2 close [hi] end; "},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: v\r\n\r\n", "200 OK keep [hi] t=v end; "},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "204 No Content content-length=5 keep end; "},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 Not Modified content-length=5 keep end; "},
    {"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: l\r\n\r\nHTTP/1.1 200 "
     "OK\r\nContent-Length: 1\r\n\r\nx",
     "100 Continue a=b; 103 Early Hints link=l; 200 OK content-length=1 keep [x] end; "},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "400 unasked-switch-of-protocols"},
    {"HTTP/1.1 99 X\r\n\r\n", "400 bad-status-line"},
    {"HTTP/1.1 600 X\r\n\r\n", "400 bad-status-line"},
    {"HTTP/1.1 2000 X\r\n\r\n", "400 bad-status-line"},
    {"HTTP/1.1  200 X\r\n\r\n", "400 bad-status-line"},
    {"HTTP/1.1 +20 X\r\n\r\n", "400 bad-status-line"},
    {"HTTP/2 200 X\r\n\r\n", "400 bad-version"},
    {"ICY 200 OK\r\n\r\n", "400 bad-version"},
    {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "400 bare-line-feed"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "200 OK content-length=5 keep [hi]400 cut-off"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400 length-and-transfer-encoding"},
    {"HTTP/1.1 200 OK\r\nContent-Le", "400 cut-off"},
};

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static void check_examples(enum h1_parse_side side, const struct example *e, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_all_ways(side, SLICE("GET"), slice_str(e[i].input), e[i].told);
}

TEST(a_request_reads_the_same_however_it_is_cut)
{
    check_examples(H1_PARSE_REQUESTS, requests, COUNT_OF(requests));
}

TEST(what_two_readers_could_frame_differently_is_refused)
{
    check_examples(H1_PARSE_REQUESTS, smuggling, COUNT_OF(smuggling));
}

TEST(a_chunked_body_has_one_reading)
{
    check_examples(H1_PARSE_REQUESTS, chunks, COUNT_OF(chunks));
}

TEST(a_response_reads_the_same_however_it_is_cut)
{
    check_examples(H1_PARSE_RESPONSES, responses, COUNT_OF(responses));
}

TEST(the_method_asked_decides_whether_a_response_has_a_body)
{
    struct slice counted = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    check_all_ways(H1_PARSE_RESPONSES, SLICE("HEAD"), counted, "200 OK content-length=5 keep end; ");
    struct slice chunked = SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    check_all_ways(H1_PARSE_RESPONSES, SLICE("HEAD"), chunked, "200 OK keep end; ");
    check_all_ways(H1_PARSE_RESPONSES, SLICE("CONNECT"), SLICE("HTTP/1.1 200 OK\r\n\r\n"), "200 OK keep end; ");
}

TEST(a_nul_in_a_field_is_refused)
{
    struct slice input = SLICE("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n");
    check_all_ways(H1_PARSE_REQUESTS, SLICE("GET"), input, "400 control-character");
}

/* `count` times `c` between two texts. */
static void put_long(struct buf *b, const char *before, char c, size_t count, const char *after)
{
    buf_put(b, slice_str(before));
    for (size_t i = 0; i < count; i++)
        buf_put_char(b, c);
    buf_put(b, slice_str(after));
}

static void check_long(const char *before, size_t count, const char *after, const char *want_end)
{
    struct buf b;
    buf_init(&b, BUF_TEXT_BOUND);
    put_long(&b, before, 'a', count, after);
    size_t sizes[] = {SIZE_MAX, 1, 1000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct telling t;
        telling_init(&t, H1_PARSE_REQUESTS, SLICE("GET"));
        for (struct slice rest = buf_slice(&b); rest.len > 0 && !t.over; rest = slice_from(rest, sizes[i]))
            feed(&t, slice_to(rest, sizes[i]));
        if (!slice_ends(buf_slice(&t.text), slice_str(want_end)))
            CHECK_TEXT(want_end, buf_slice(&t.text));
        telling_fini(&t);
    }
    buf_fini(&b);
}

TEST(a_target_may_have_8_KiB_and_not_a_byte_more)
{
    check_long("GET /", 8191, " HTTP/1.1\r\nHost: x\r\n\r\n", "a 1.1 keep end; ");
    check_long("GET /", 8192, " HTTP/1.1\r\nHost: x\r\n\r\n", "414 target-too-long");
    check_long("GET /", 70000, "", "414 target-too-long");
}

TEST(a_head_may_have_64_KiB_and_not_a_byte_more)
{
    /* "GET / HTTP/1.1" 16, "Host: x" 9, "B: " and its end 5, the empty line 2 */
    size_t most = H1_PARSE_HEAD_MOST - 16 - 9 - 5 - 2;
    check_long("GET / HTTP/1.1\r\nHost: x\r\nB: ", most, "\r\n\r\n", "a keep end; ");
    check_long("GET / HTTP/1.1\r\nHost: x\r\nB: ", most + 1, "\r\n\r\n", "431 head-too-large");
    check_long("GET / HTTP/1.1\r\nHost: x\r\nB: ", 70000, "", "431 head-too-large");
}

TEST(trailers_and_chunk_extensions_have_their_own_bounds)
{
    check_long(CHUNKED_HEAD "0\r\nB: ", H1_PARSE_HEAD_MOST - 7, "\r\n\r\n", "a end; ");
    check_long(CHUNKED_HEAD "0\r\nB: ", H1_PARSE_HEAD_MOST - 6, "\r\n\r\n", "431 head-too-large");
    check_long(CHUNKED_HEAD "0;", H1_PARSE_EXTENSIONS_MOST, "\r\n\r\n", " end; ");
    check_long(CHUNKED_HEAD "0;", H1_PARSE_EXTENSIONS_MOST + 1, "\r\n\r\n", "400 chunk-extensions-too-long");
}

static void check_fields(int count, const char *want_end)
{
    struct buf b;
    buf_init(&b, BUF_TEXT_BOUND);
    buf_put(&b, SLICE("GET / HTTP/1.1\r\nHost: x\r\n"));
    for (int i = 1; i < count; i++)
        buf_put(&b, SLICE("a: b\r\n"));
    buf_put(&b, SLICE("\r\n"));
    struct telling t;
    telling_init(&t, H1_PARSE_REQUESTS, SLICE("GET"));
    feed(&t, buf_slice(&b));
    CHECK(slice_ends(buf_slice(&t.text), slice_str(want_end)));
    telling_fini(&t);
    buf_fini(&b);
}

TEST(a_head_may_have_100_fields_and_not_one_more)
{
    check_fields(100, "a=b keep end; ");
    check_fields(101, "431 head-too-large");
}

TEST(the_seventeenth_interim_response_is_refused)
{
    struct telling t;
    telling_init(&t, H1_PARSE_RESPONSES, SLICE("GET"));
    for (int i = 0; i < H1_PARSE_INFOS_MOST; i++)
        feed(&t, SLICE("HTTP/1.1 103 X\r\n\r\n"));
    CHECK(!t.over);
    feed(&t, SLICE("HTTP/1.1 103 X\r\n\r\n"));
    CHECK(t.over);
    CHECK_INT(H1_INFO_FLOOD, t.parse.refused);
    telling_fini(&t);
}

TEST(without_room_body_bytes_stay_and_framing_goes_on)
{
    struct telling t;
    struct slice piece;
    struct slice in = SLICE(CHUNKED_HEAD "3\r\nabc\r\n0\r\n\r\n");
    telling_init(&t, H1_PARSE_REQUESTS, SLICE("GET"));
    CHECK_INT(H1_HEAD, h1_parse_next(&t.parse, &in, 0, &piece));
    CHECK_INT(H1_MORE, h1_parse_next(&t.parse, &in, 0, &piece));
    CHECK_TEXT("abc\r\n0\r\n\r\n", in);
    CHECK_INT(H1_DATA, h1_parse_next(&t.parse, &in, 2, &piece));
    CHECK_TEXT("ab", piece);
    CHECK_INT(H1_DATA, h1_parse_next(&t.parse, &in, 2, &piece));
    CHECK_TEXT("c", piece);
    CHECK_INT(H1_END, h1_parse_next(&t.parse, &in, 0, &piece));
    CHECK_INT(0, in.len);
    telling_fini(&t);
}

TEST(a_forgotten_message_is_read_to_its_end_without_being_stored)
{
    struct telling t;
    struct slice piece;
    struct slice in = SLICE(CHUNKED_HEAD "1\r\na\r\n0\r\nA: b\r\n\r\n");
    telling_init(&t, H1_PARSE_REQUESTS, SLICE("GET"));
    CHECK_INT(H1_HEAD, h1_parse_next(&t.parse, &in, 9, &piece));
    h1_parse_forget(&t.parse);
    CHECK_INT(H1_DATA, h1_parse_next(&t.parse, &in, 9, &piece));
    CHECK_INT(H1_END, h1_parse_next(&t.parse, &in, 9, &piece));
    CHECK_INT(0, t.message.trailers.count);
    telling_fini(&t);
}

TESTS_BEGIN()
TESTS_RUN(a_request_reads_the_same_however_it_is_cut)
TESTS_RUN(what_two_readers_could_frame_differently_is_refused)
TESTS_RUN(a_chunked_body_has_one_reading)
TESTS_RUN(a_response_reads_the_same_however_it_is_cut)
TESTS_RUN(the_method_asked_decides_whether_a_response_has_a_body)
TESTS_RUN(a_nul_in_a_field_is_refused)
TESTS_RUN(a_target_may_have_8_KiB_and_not_a_byte_more)
TESTS_RUN(a_head_may_have_64_KiB_and_not_a_byte_more)
TESTS_RUN(trailers_and_chunk_extensions_have_their_own_bounds)
TESTS_RUN(a_head_may_have_100_fields_and_not_one_more)
TESTS_RUN(the_seventeenth_interim_response_is_refused)
TESTS_RUN(without_room_body_bytes_stay_and_framing_goes_on)
TESTS_RUN(a_forgotten_message_is_read_to_its_end_without_being_stored)
TESTS_END()
