#include "http/coding.h"

#include "tests/kit/t.h"

enum { MANY = 3 << 20 };

/* "hello" twice over, as gzip made it. */
static struct buf coded(enum coding c, struct slice text, size_t piece, bool flush)
{
    struct buf out;
    struct coding_redo *r = coding_redo_new(c);
    buf_init(&out, BUF_TEXT_BOUND);
    for (; text.len; text = slice_from(text, piece))
        CHECK_ERR(ERR_OK, coding_redo(r, slice_to(text, piece), flush, &out));
    CHECK_ERR(ERR_OK, coding_redo_end(r, &out));
    coding_redo_free(&r);
    return out;
}

/* In pieces; what came out, and how it ended. */
static enum err plain(enum coding c, struct slice bytes, size_t piece, struct buf *out)
{
    struct coding_undo *u = coding_undo_new(c);
    enum err e = ERR_OK;
    buf_clear(out);
    for (; bytes.len && e == ERR_OK; bytes = slice_from(bytes, piece)) {
        struct slice in = slice_to(bytes, piece);
        do
            e = coding_undo(u, &in, out);
        while (e == ERR_AGAIN);
    }
    if (e == ERR_OK)
        e = coding_undo_end(u);
    coding_undo_free(&u);
    return e;
}

TEST(fields_name_codings)
{
    CHECK_INT(CODING_IDENTITY, coding_of(SLICE("")));
    CHECK_INT(CODING_IDENTITY, coding_of(SLICE("Identity")));
    CHECK_INT(CODING_GZIP, coding_of(SLICE(" x-gzip ")));
    CHECK_INT(CODING_DEFLATE, coding_of(SLICE("deflate")));
    CHECK_INT(CODING_OTHER, coding_of(SLICE("br")));
    CHECK_INT(CODING_OTHER, coding_of(SLICE("gzip, gzip")));
    CHECK_TEXT("gzip", slice_str(coding_name(CODING_GZIP)));
}

TEST(what_is_coded_reads_back_however_it_is_chopped)
{
    const enum coding codings[] = {CODING_GZIP, CODING_DEFLATE};
    struct buf text, out;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_init(&out, BUF_TEXT_BOUND);
    for (unsigned i = 0; i < 9000; i++)
        buf_putf(&text, "{\"n\":%u}\n", i * i);
    for (size_t i = 0; i < 2; i++)
        for (size_t piece = 1; piece <= buf_len(&text); piece = piece * 7 + 1) {
            struct buf bytes = coded(codings[i], buf_slice(&text), piece, piece > 100);
            CHECK_ERR(ERR_OK, plain(codings[i], buf_slice(&bytes), piece, &out));
            CHECK_SLICE(buf_slice(&text), buf_slice(&out));
            buf_fini(&bytes);
        }
    buf_fini(&text);
    buf_fini(&out);
}

TEST(gzip_members_follow_each_other)
{
    struct buf first = coded(CODING_GZIP, SLICE("one"), 9, false), second = coded(CODING_GZIP, SLICE("two"), 9, false),
               out;
    buf_init(&out, 1 << 16);
    buf_put(&first, buf_slice(&second));
    CHECK_ERR(ERR_OK, plain(CODING_GZIP, buf_slice(&first), 1, &out));
    CHECK_TEXT("onetwo", buf_slice(&out));
    buf_put_char(&first, 'x');
    CHECK_ERR(ERR_PEER, plain(CODING_GZIP, buf_slice(&first), 100, &out));
    buf_fini(&first);
    buf_fini(&second);
    buf_fini(&out);
}

TEST(what_is_broken_or_cut_is_refused)
{
    struct buf bytes = coded(CODING_GZIP, SLICE("hello, hello, hello"), 99, false), out;
    buf_init(&out, 1 << 16);
    for (size_t len = 1; len < buf_len(&bytes); len++)
        CHECK_ERR(ERR_PEER, plain(CODING_GZIP, slice_to(buf_slice(&bytes), len), 5, &out));
    for (size_t at = 0; at < 4; at++) { /* magic, method and flags */
        bytes.mem[bytes.start + at] ^= (char)0xFF;
        CHECK_ERR(ERR_PEER, plain(CODING_GZIP, buf_slice(&bytes), 99, &out));
        bytes.mem[bytes.start + at] ^= (char)0xFF;
    }
    bytes.mem[bytes.end - 6] ^= 1; /* the checksum */
    CHECK_ERR(ERR_PEER, plain(CODING_GZIP, buf_slice(&bytes), 99, &out));
    CHECK_ERR(ERR_PEER, plain(CODING_DEFLATE, SLICE("not deflate"), 99, &out));
    buf_fini(&bytes);
    buf_fini(&out);
}

TEST(a_body_that_grows_out_of_proportion_is_stopped)
{
    struct buf text, out;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_init(&out, BUF_TEXT_BOUND);
    for (size_t i = 0; i < MANY; i++)
        buf_put_char(&text, '0');
    struct buf bytes = coded(CODING_GZIP, buf_slice(&text), MANY, false);
    CHECK(buf_len(&bytes) * CODING_TIMES < MANY);
    CHECK_ERR(ERR_FULL, plain(CODING_GZIP, buf_slice(&bytes), MANY, &out));
    CHECK(buf_len(&out) <= CODING_FREE + CODING_TIMES * buf_len(&bytes) + CODING_PIECE);
    buf_fini(&bytes);
    /* A little is no attack, however much it grows. */
    bytes = coded(CODING_GZIP, slice_to(buf_slice(&text), CODING_FREE), MANY, false);
    CHECK_ERR(ERR_OK, plain(CODING_GZIP, buf_slice(&bytes), MANY, &out));
    CHECK_INT(CODING_FREE, buf_len(&out));
    buf_fini(&bytes);
    buf_fini(&text);
    buf_fini(&out);
}

TESTS_BEGIN()
TESTS_RUN(fields_name_codings)
TESTS_RUN(what_is_coded_reads_back_however_it_is_chopped)
TESTS_RUN(gzip_members_follow_each_other)
TESTS_RUN(what_is_broken_or_cut_is_refused)
TESTS_RUN(a_body_that_grows_out_of_proportion_is_stopped)
TESTS_END()
