#include "base/json_out.h"

#include "tests/kit/t.h"

static struct buf out;

static struct json_out begin(unsigned indent)
{
    struct json_out j;
    buf_init(&out, BUF_TEXT_BOUND);
    json_out_init(&j, &out, indent);
    return j;
}

static void check_text(const char *want)
{
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
}

TEST(one_line_has_no_blanks)
{
    struct json_out j = begin(0);
    json_out_object(&j);
    json_out_member(&j, "a", SLICE("x"));
    json_out_name(&j, "b");
    json_out_array(&j);
    json_out_int(&j, INT64_MIN);
    json_out_bool(&j, true);
    json_out_null(&j);
    json_out_str(&j, NULL);
    json_out_array(&j);
    json_out_end(&j);
    json_out_end(&j);
    json_out_member_int(&j, "c", 7);
    json_out_end(&j);
    check_text("{\"a\":\"x\",\"b\":[-9223372036854775808,true,null,null,[]],\"c\":7}");
}

TEST(indented_text_has_one_value_a_line)
{
    struct json_out j = begin(2);
    json_out_object(&j);
    json_out_name(&j, "a");
    json_out_array(&j);
    json_out_int(&j, 1);
    json_out_raw(&j, SLICE("{}"));
    json_out_end(&j);
    json_out_name(&j, "b");
    json_out_object(&j);
    json_out_end(&j);
    json_out_end(&j);
    check_text("{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {}\n}");
}

TEST(whatever_may_not_stand_in_a_string_is_escaped)
{
    struct json_out j = begin(0);
    json_out_slice(&j, SLICE("\"\\/\b\f\n\r\t\0\x1f\x7f\xc3\xa4"));
    check_text("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xc3\xa4\"");
}

TEST(each_byte_that_is_not_utf8_becomes_the_replacement_character)
{
    struct json_out j = begin(0);
    json_out_slice(&j, SLICE("a\xff\xc3"));
    check_text("\"a\xef\xbf\xbd\xef\xbf\xbd\"");
}

TESTS_BEGIN()
TESTS_RUN(one_line_has_no_blanks)
TESTS_RUN(indented_text_has_one_value_a_line)
TESTS_RUN(whatever_may_not_stand_in_a_string_is_escaped)
TESTS_RUN(each_byte_that_is_not_utf8_becomes_the_replacement_character)
TESTS_END()
