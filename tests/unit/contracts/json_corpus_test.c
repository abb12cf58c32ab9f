/* What is JSON and what is not, for everyone who reads it: the rewriter and the validator give one answer, however the
 * text is chopped.  `yes` must be taken and come out as it is, `no` must be refused; what RFC 8259 leaves to the reader
 * stands with what this reader says, and why. */
#include <stdio.h>

#include "contracts/wire/fit.h"
#include "contracts/wire/json_tok.h"
#include "contracts/wire/rewrite.h"
#include "tests/kit/t.h"

struct text {
    const char *at;
    size_t len; /* 0: up to the NUL */
};

#define T(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

static const struct text yes[] = {
    T("{}"),
    T("[]"),
    T("0"),
    T("-0"),
    T("\"\""),
    T("true"),
    T("false"),
    T("null"),
    T(" \t\r\n1 \t\r\n"),
    T("[1,2]"),
    T("[[],[[]],{}]"),
    T("{\"\":0}"),
    T("{\"a\":{\"a\":{\"a\":1}}}"),
    T("{\"a\":1,\"b\":1}"),
    T("[0,-1,0.5,-0.0,1e5,1E+5,1e-5,1.25E3,123456789012345678901234567890]"),
    T("0e0"),
    T("1e400"),
    T("-1E-400"),
    T("[1e00000000000000000001]"),
    T("0.0000000000000000000000000000000000000000000000000001"),
    T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    T("\"\\u0000\""),
    T("\"\\u00e9\\u20AC\\uD834\\uDD1E\""),
    T("\"\\uFFFF\""),
    T("\"\x7F\""),
    T("\"\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E\""),
    T("\"\xF4\x8F\xBF\xBF\""),
    T("\"\xEF\xBF\xBE\""),
    T("\"\xE2\x80\xA8\""),
    T("{\"\\u0061\":1,\"\xC3\xA9\":2}"),
    T("{\"a\\u0000b\":1}"),
    T("[\"/\",\"\\/\"]"),
    T("{ \"a\" : [ true , false , null ] , \"b\" : { } }"),
    T("[\"{}[],:\"]"),
};

static const struct text no[] = {
    T(""),
    T(" "),
    T("{"),
    T("}"),
    T("["),
    T("]"),
    T("{]"),
    T("[}"),
    T("[1"),
    T("[1,"),
    T("[1,]"),
    T("[,1]"),
    T("[1,,2]"),
    T("[1 2]"),
    T("[1]]"),
    T("[1][2]"),
    T("1 2"),
    T("{}{}"),
    T("{\"a\"}"),
    T("{\"a\":}"),
    T("{\"a\":1,}"),
    T("{,\"a\":1}"),
    T("{\"a\" 1}"),
    T("{\"a\":1 \"b\":2}"),
    T("{\"a\"::1}"),
    T("{a:1}"),
    T("{'a':1}"),
    T("{1:1}"),
    T("{null:1}"),
    T("{[]:1}"),
    T("{\"a\":1}}"),
    T("{\"a\":1,\"b\""),
    T("[\"a\":1]"),
    T("\"a"),
    T("\"a\\"),
    T("\"\\u\""),
    T("\"\\u00\""),
    T("\"\\u00g0\""),
    T("\"\\x41\""),
    T("\"\\a\""),
    T("\"\\'\""),
    T("\"\\U0041\""),
    T("'a'"),
    T("\"\t\""),
    T("\"\n\""),
    T("\"\0\""),
    T("\"\x1F\""),
    T("[\0]"),
    T("1\0"),
    T("\0"),
    T("01"),
    T("-01"),
    T("-"),
    T("+1"),
    T("1."),
    T(".5"),
    T("-.5"),
    T("1.e5"),
    T("1e"),
    T("1e+"),
    T("1e+-5"),
    T("1.2.3"),
    T("0x10"),
    T("1_000"),
    T("1a"),
    T("--1"),
    T("Infinity"),
    T("-Infinity"),
    T("NaN"),
    T("tru"),
    T("True"),
    T("TRUE"),
    T("truee"),
    T("nul"),
    T("nulll"),
    T("[true false]"),
    T("/* */1"),
    T("1 // x"),
    T("#1"),
    T("[1]\f"),
    T("\v1"),
    T("\xC2\xA0"
      "1"),
    T("\xE2\x81\xA0[]"),
    T("[\xC3\xA9]"),
    T("{\"a\":1}x"),
    T("[1]x"),
    T("\"\"x"),
    T("<a/>"),
    T("$"),
    T("=1"),
    T("[\"a\",\n4\n,1,"),
    T("{\"a\":\"b\"}#"),
};

/* RFC 8259 leaves these to the reader: section 4 on names, 8.1 on UTF-8 and its mark, 8.2 on surrogates, 9 on depth.
 * Whoever passes bytes on to another reader must not guess how that one reads them. */
static const struct text strict[] = {
    T("{\"a\":1,\"a\":2}"),
    T("{\"a\":1,\"\\u0061\":1}"),
    T("{\"\xC3\xA9\":1,\"\\u00e9\":1}"),
    T("{\"\":1,\"\":1}"),
    T("[{\"b\":{\"a\":1,\"c\":2,\"a\":1}}]"),
    T("\xEF\xBB\xBF{}"),
    T("\"\xFF\""),
    T("\"\x80\""),
    T("\"\xC3\""),
    T("\"\xC0\x80\""),
    T("\"\xE0\x80\x80\""),
    T("\"\xED\xA0\x80\""),
    T("\"\xED\xBF\xBF\""),
    T("\"\xF4\x90\x80\x80\""),
    T("\"\xF8\x88\x80\x80\x80\""),
    T("\"\xE2\x82\""),
    T("\"\xF0\x9D\x84\""),
    T("\"\\uD800\""),
    T("\"\\uDC00\""),
    T("\"\\uD800\\uD800\""),
    T("\"\\uD800a\""),
    T("\"\\uDC00\\uD800\""),
    T("\"\\uD800\\n\""),
    T("{\"\xFF\":1}"),
    T("{\"\\uDEAD\":1}"),
    T("\0[\0]\0"),
    T("\xFF\xFE[\0]\0"),
};

static struct plan *plan;
static struct contract *contract;
static struct mould *mould;
static const struct mould_node *any;

static void load(void)
{
    struct diag diag;
    diag_init(&diag);
    CHECK_ERR(ERR_OK,
              contract_parse(SLICE("contract(\"c\", \"1.0.0\"). operation(\"o\"). http(\"o\", \"PUT\", \"/\"). "
                                   "request(\"o\", \"application/json\", \"A\"). response(\"o\", \"204\", \"\", \"\"). "
                                   "union(\"A\"). branch(\"A\", 0, \"any\")."),
                             "c", &diag, &contract));
    diag_fini(&diag);
    mould = mould_new(contract);
    any = mould_request(mould, SLICE("o"), SLICE("application/json"));
    plan = plan_new();
}

static void unload(void)
{
    plan_unref(&plan);
    mould_free(&mould);
    contract_unref(&contract);
}

/* In two parts; where `cut` is the end, whole. */
static enum err rewritten(struct slice text, size_t cut, struct buf *out)
{
    struct rewrite *r = rewrite_json_new(plan, 1 << 16);
    buf_clear(out);
    enum err e = rewrite_feed(r, slice_to(text, cut), out);
    if (e == ERR_OK)
        e = rewrite_feed(r, slice_from(text, cut), out);
    if (e == ERR_OK)
        e = rewrite_finish(r, out);
    rewrite_free(&r);
    return e;
}

static enum err fits(struct slice text, size_t cut)
{
    if (!any)
        return ERR_ABSENT;
    struct fit *f = fit_json_new(any, 1 << 16);
    enum err e = fit_feed(f, slice_to(text, cut));
    if (e == ERR_OK)
        e = fit_feed(f, slice_from(text, cut));
    if (e == ERR_OK)
        e = fit_finish(f);
    fit_free(&f);
    return e;
}

static void all(const struct text *texts, size_t count, enum err want)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    load();
    for (size_t i = 0; i < count; i++) {
        struct slice text = slice_of(texts[i].at, texts[i].len);
        for (size_t cut = 0; cut <= text.len; cut++) {
            enum err e = rewritten(text, cut, &out), f = fits(text, cut);
            if (e != want || (f != want && f != ERR_ABSENT))
                fprintf(stderr, "text %zu, cut at %zu: %.*s\n", i, cut, SLICE_FMT(text));
            CHECK_ERR(want, e);
            if (f != ERR_ABSENT)
                CHECK_ERR(want, f);
            if (want == ERR_OK)
                CHECK_SLICE(text, buf_slice(&out));
        }
    }
    unload();
    buf_fini(&out);
}

TEST(what_is_json_is_taken_and_comes_out_as_it_is)
{
    all(yes, sizeof(yes) / sizeof(yes[0]), ERR_OK);
}

TEST(what_is_not_json_is_refused)
{
    all(no, sizeof(no) / sizeof(no[0]), ERR_PEER);
}

TEST(what_two_readers_may_read_differently_is_refused)
{
    all(strict, sizeof(strict) / sizeof(strict[0]), ERR_PEER);
}

TEST(arrays_and_objects_may_be_128_deep_and_no_deeper)
{
    char text[4 * JSON_TOK_DEPTH + 8];
    struct buf out;
    buf_init(&out, sizeof(text));
    load();
    for (size_t depth = JSON_TOK_DEPTH; depth <= JSON_TOK_DEPTH + 1; depth++) {
        enum err want = depth > JSON_TOK_DEPTH ? ERR_PEER : ERR_OK;
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        CHECK_ERR(want, rewritten(slice_of(text, 2 * depth), depth, &out));
        CHECK_ERR(want, rewritten(slice_of(text, 2 * depth), 2 * depth, &out));
    }
    unload();
    buf_fini(&out);
}

TESTS_BEGIN()
TESTS_RUN(what_is_json_is_taken_and_comes_out_as_it_is)
TESTS_RUN(what_is_not_json_is_refused)
TESTS_RUN(what_two_readers_may_read_differently_is_refused)
TESTS_RUN(arrays_and_objects_may_be_128_deep_and_no_deeper)
TESTS_END()
