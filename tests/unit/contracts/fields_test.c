#include "contracts/wire/fields.h"

#include "base/buf.h"
#include "tests/kit/t.h"

/* Whole, and byte by byte; the paths with blanks between them. */
static void has(const char *body, const char *want)
{
    struct slice in = slice_str(body);
    for (size_t piece = 1; piece <= in.len; piece += in.len > 1 ? in.len - 1 : 1) {
        struct fields *f = fields_new();
        struct buf got;
        buf_init(&got, 1 << 16);
        for (size_t at = 0; at < in.len; at += piece)
            fields_feed(f, slice_to(slice_from(in, at), piece));
        size_t count = fields_count(f);
        for (size_t i = 0; i < count; i++) {
            buf_put(&got, i ? SLICE(" ") : SLICE(""));
            buf_put(&got, fields_path(f, i));
        }
        CHECK_TEXT(want, buf_slice(&got));
        buf_fini(&got);
        fields_free(&f);
    }
}

TEST(members_are_told_by_their_paths_once)
{
    has("{\"a\":1,\"b\":{\"c\":[1,{\"d\":2}],\"e\":{}},\"f\":[]}", "/a /b /b/c /b/c/[]/d /b/e /f");
    has("[{\"a\":1},{\"a\":2,\"b\":[[{\"c\":1}]]}, 3]", "/[]/a /[]/b /[]/b/[]/[]/c");
    has("{\"a\":[{\"b\":1},{\"b\":2},4,{\"c\":{\"d\":1}}],\"e\":1}", "/a /a/[]/b /a/[]/c /a/[]/c/d /e");
    has("{\"a/b\":{\"~\":1},\"\":2}", "/a~1b /a~1b/~0 /");
    has("7", "");
    has("{}", "");
}

TEST(a_body_that_is_not_whole_has_none)
{
    has("{\"a\":1", "");
    has("{\"a\":1}}", "");
    has("not json", "");
}

TEST(what_is_too_deep_too_long_or_too_much_is_left_out)
{
    struct buf body;
    buf_init(&body, 1 << 16);
    struct fields *f = fields_new();
    buf_put(&body, SLICE("{\"long"));
    for (int i = 0; i < FIELDS_NAME; i++)
        buf_put_char(&body, 'x');
    buf_put(&body, SLICE("\":{\"in\":[{\"it\":1}]},\"deep\":"));
    for (int i = 0; i < 2 * FIELDS_DEPTH; i++)
        buf_put(&body, SLICE("[{\"a\":"));
    buf_put(&body, SLICE("1"));
    for (int i = 0; i < 2 * FIELDS_DEPTH; i++)
        buf_put(&body, SLICE("}]"));
    buf_put(&body, SLICE(",\"last\":1}"));
    fields_feed(f, buf_slice(&body));
    CHECK_INT(1 + FIELDS_DEPTH / 2, fields_count(f));
    CHECK_TEXT("/deep", fields_path(f, 0));
    CHECK_TEXT("/last", fields_path(f, fields_count(f) - 1));
    fields_free(&f);
    buf_clear(&body);
    buf_put_char(&body, '{');
    for (int i = 0; i < 2 * FIELDS_MOST; i++)
        buf_putf(&body, "%s\"n%d\":1", i ? "," : "", i);
    buf_put_char(&body, '}');
    f = fields_new();
    fields_feed(f, buf_slice(&body));
    CHECK_INT(FIELDS_MOST, fields_count(f));
    fields_free(&f);
    buf_fini(&body);
}

TESTS_BEGIN()
TESTS_RUN(members_are_told_by_their_paths_once)
TESTS_RUN(a_body_that_is_not_whole_has_none)
TESTS_RUN(what_is_too_deep_too_long_or_too_much_is_left_out)
TESTS_END()
