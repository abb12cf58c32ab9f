#include "contracts/wire/json_tok.h"

#include "tests/kit/t.h"

/* The tokens as text: kind letter, begin-end and what was collected. */
static enum err tokens_in_pieces(struct slice text, size_t piece, struct buf *out, struct json_tok *t)
{
    struct json_token token;
    enum err e = ERR_AGAIN;
    for (size_t at = 0; at < text.len && e == ERR_AGAIN; at += piece) {
        struct slice part = slice_to(slice_from(text, at), piece);
        char *copy = test_malloc(part.len);
        memcpy(copy, part.at, part.len);
        struct slice rest = slice_of(copy, part.len);
        while ((e = json_tok_next(t, &rest, &token)) == ERR_OK)
            buf_putf(out, "%c%llu-%llu%.*s ", "{}[],nsdtfz"[token.kind], (unsigned long long)token.begin,
                     (unsigned long long)token.end, SLICE_FMT(token.text));
        test_free(copy);
    }
    while (e == ERR_AGAIN) {
        e = json_tok_finish(t, &token);
        if (e == ERR_AGAIN)
            buf_putf(out, "d%llu-%llu%.*s ", (unsigned long long)token.begin, (unsigned long long)token.end,
                     SLICE_FMT(token.text));
    }
    return e;
}

static void gives(struct slice text, const char *want)
{
    for (size_t piece = 1; piece <= text.len; piece++) {
        struct json_tok t;
        struct buf out;
        json_tok_init(&t, 1000);
        t.collect = true;
        buf_init(&out, BUF_TEXT_BOUND);
        CHECK_ERR(ERR_OK, tokens_in_pieces(text, piece, &out, &t));
        CHECK_TEXT(want, buf_slice(&out));
        buf_fini(&out);
        json_tok_fini(&t);
    }
}

static void refuses(struct slice text, uint64_t offset, const char *fault)
{
    CHECK(!json_tok_whole(text));
    for (size_t piece = 1; piece <= text.len; piece++) {
        struct json_tok t;
        struct buf out;
        json_tok_init(&t, 1000);
        buf_init(&out, BUF_TEXT_BOUND);
        CHECK_ERR(ERR_PEER, tokens_in_pieces(text, piece, &out, &t));
        CHECK_TEXT(fault, slice_str(json_tok_fault(&t)));
        CHECK_INT(offset, json_tok_offset(&t));
        buf_fini(&out);
        json_tok_fini(&t);
    }
}

TEST(tokens_come_with_their_place)
{
    gives(SLICE("{\"a\" :[1,-2.5e+3,true] , \"b\":{}}"),
          "{0-1 n1-4a [6-7 d7-81 ,8-9 d9-16-2.5e+3 ,16-17 t17-21 ]21-22 ,23-24 n25-28b {29-30 }30-31 }31-32 ");
    gives(SLICE(" null "), "z1-5 ");
    gives(SLICE("false"), "f0-5 ");
    gives(SLICE("[]"), "[0-1 ]1-2 ");
}

TEST(a_number_at_the_end_is_ended_by_the_end)
{
    gives(SLICE("0"), "d0-10 ");
    gives(SLICE("-0.10E-2"), "d0-8-0.10E-2 ");
    gives(SLICE("12 "), "d0-212 ");
}

TEST(escapes_are_undone_in_what_is_collected)
{
    gives(SLICE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t.\""), "s0-19\"\\/\b\f\n\r\t. ");
    gives(SLICE("\"a\\u0041\\u00e9\\u20AC\\ud83d\\uDE00z\""), "s0-34aA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z ");
    gives(SLICE("\"a long string without any escape \\n and one more run\""),
          "s0-54a long string without any escape \n and one more run ");
}

TEST(utf8_passes_as_it_is)
{
    gives(SLICE("\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\""),
          "s0-23\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF ");
    gives(SLICE("\"\x7F\""), "s0-3\x7F ");
}

TEST(bytes_that_are_not_utf8_are_refused_where_they_go_wrong)
{
    const char *fault = "bytes that are not UTF-8";
    refuses(SLICE("\"\x80\""), 1, fault);
    refuses(SLICE("\"\xC1\x81\""), 1, fault);
    refuses(SLICE("\"\xE0\x9F\xBF\""), 2, fault);
    refuses(SLICE("\"\xED\xA0\x80\""), 2, fault);
    refuses(SLICE("\"\xF0\x8F\xBF\xBF\""), 2, fault);
    refuses(SLICE("\"\xF4\x90\x80\x80\""), 2, fault);
    refuses(SLICE("\"\xF5\x80\x80\x80\""), 1, fault);
    refuses(SLICE("\"\xE2\x82\""), 3, fault);
    refuses(SLICE("{\"0123456789\xFF\":1}"), 12, fault);
}

TEST(lone_surrogates_are_refused)
{
    const char *fault = "a surrogate without its other half";
    refuses(SLICE("\"\\ud83d\""), 7, fault);
    refuses(SLICE("\"\\ud83dx\""), 7, fault);
    refuses(SLICE("\"\\ud83d\\n\""), 8, fault);
    refuses(SLICE("\"\\ude00\""), 6, fault);
    refuses(SLICE("\"\\ud83d\\u0041\""), 12, fault);
    refuses(SLICE("\"\\ud83d\\ud83d\""), 12, fault);
}

TEST(strings_have_no_control_characters_and_no_other_escapes)
{
    refuses(SLICE("\"a\nb\""), 2, "a control character inside a string");
    refuses(SLICE("\"\0\""), 1, "a control character inside a string");
    refuses(SLICE("\"01234567\x1F\""), 9, "a control character inside a string");
    refuses(SLICE("\"\\x41\""), 2, "an escape that JSON does not have");
    refuses(SLICE("\"\\u00g0\""), 5, "a \\u escape without four hexadecimal digits");
}

TEST(numbers_are_spelled_as_the_standard_says)
{
    refuses(SLICE("01"), 1, "a number with a leading zero");
    refuses(SLICE("-01"), 2, "a number with a leading zero");
    refuses(SLICE("+1"), 0, "a value is expected here");
    refuses(SLICE(".5"), 0, "a value is expected here");
    refuses(SLICE("[1.]"), 3, "a number that breaks off");
    refuses(SLICE("[1e+]"), 4, "a number that breaks off");
    refuses(SLICE("[-]"), 2, "a number that breaks off");
    refuses(SLICE("1.5.2"), 3, "more bytes after the value");
    refuses(SLICE("NaN"), 0, "a value is expected here");
}

TEST(the_grammar_forgives_nothing)
{
    refuses(SLICE("[1,]"), 3, "a value is expected here");
    refuses(SLICE("[,1]"), 1, "a value is expected here");
    refuses(SLICE("{\"a\":1,}"), 7, "a member name is expected here");
    refuses(SLICE("{a:1}"), 1, "a member name or } is expected here");
    refuses(SLICE("{\"a\" 1}"), 5, "a colon is expected here");
    refuses(SLICE("[1 2]"), 3, "a comma or ] is expected here");
    refuses(SLICE("{\"a\":1]"), 6, "a comma or } is expected here");
    refuses(SLICE("[1}"), 2, "a comma or ] is expected here");
    refuses(SLICE("nul1"), 3, "a word that is not true, false or null");
    refuses(SLICE("1 2"), 2, "more bytes after the value");
    refuses(SLICE("\xEF\xBB\xBF{}"), 0, "a value is expected here");
    refuses(SLICE("// c\n1"), 0, "a value is expected here");
}

TEST(a_text_that_ends_too_early_is_refused)
{
    const char *fault = "the text ends before its value does";
    refuses(SLICE(" "), 1, fault);
    refuses(SLICE("["), 1, fault);
    refuses(SLICE("{\"a\":"), 5, fault);
    refuses(SLICE("\"abc"), 4, fault);
    refuses(SLICE("tru"), 3, fault);
    refuses(SLICE("1e"), 2, fault);
    CHECK(!json_tok_whole(SLICE("")));
}

TEST(depth_stops_at_128)
{
    struct buf text;
    buf_init(&text, 1000);
    for (int depth = 0; depth < JSON_TOK_DEPTH; depth++)
        buf_put_char(&text, '[');
    CHECK_INT(128, buf_len(&text));
    for (int depth = 0; depth < JSON_TOK_DEPTH; depth++)
        buf_put_char(&text, ']');
    CHECK(json_tok_whole(buf_slice(&text)));
    buf_clear(&text);
    for (int depth = 0; depth <= JSON_TOK_DEPTH; depth++)
        buf_put_char(&text, '[');
    refuses(buf_slice(&text), 128, "nesting over 128 levels");
    buf_fini(&text);
}

TEST(objects_and_arrays_close_as_they_were_opened_at_any_depth)
{
    struct buf text;
    buf_init(&text, 10000);
    for (int i = 0; i < 64; i++)
        buf_put(&text, SLICE("[{\"a\":"));
    buf_put(&text, SLICE("1"));
    for (int i = 0; i < 64; i++)
        buf_put(&text, SLICE("}]"));
    CHECK(json_tok_whole(buf_slice(&text)));
    buf_fini(&text);
}

TEST(collected_text_is_bounded_however_it_is_cut)
{
    struct slice text = SLICE("{\"12345\":\"a value is not collected unless asked for\"}");
    for (size_t piece = 1; piece <= text.len; piece++)
        for (size_t bound = 4; bound <= 5; bound++) {
            struct json_tok t;
            struct buf out;
            json_tok_init(&t, bound);
            buf_init(&out, BUF_TEXT_BOUND);
            CHECK_ERR(bound == 5 ? ERR_OK : ERR_FULL, tokens_in_pieces(text, piece, &out, &t));
            buf_fini(&out);
            json_tok_fini(&t);
        }
}

TEST(an_error_lasts)
{
    struct json_tok t;
    struct json_token token;
    struct slice bad = SLICE("]"), good = SLICE("[]");
    json_tok_init(&t, 10);
    CHECK_ERR(ERR_PEER, json_tok_next(&t, &bad, &token));
    CHECK_ERR(ERR_PEER, json_tok_next(&t, &good, &token));
    CHECK_ERR(ERR_PEER, json_tok_finish(&t, &token));
    json_tok_fini(&t);
}

TESTS_BEGIN()
TESTS_RUN(tokens_come_with_their_place)
TESTS_RUN(a_number_at_the_end_is_ended_by_the_end)
TESTS_RUN(escapes_are_undone_in_what_is_collected)
TESTS_RUN(utf8_passes_as_it_is)
TESTS_RUN(bytes_that_are_not_utf8_are_refused_where_they_go_wrong)
TESTS_RUN(lone_surrogates_are_refused)
TESTS_RUN(strings_have_no_control_characters_and_no_other_escapes)
TESTS_RUN(numbers_are_spelled_as_the_standard_says)
TESTS_RUN(the_grammar_forgives_nothing)
TESTS_RUN(a_text_that_ends_too_early_is_refused)
TESTS_RUN(depth_stops_at_128)
TESTS_RUN(objects_and_arrays_close_as_they_were_opened_at_any_depth)
TESTS_RUN(collected_text_is_bounded_however_it_is_cut)
TESTS_RUN(an_error_lasts)
TESTS_END()
