#include "base/json_line.h"

#include <stdio.h>

#include "tests/kit/t.h"

static char room[4096];

static struct slice text_of(struct slice text)
{
    return slice_of(room, (size_t)(json_line_text(room, text) - room));
}

TEST(plain_text_stays_what_it_is_whatever_its_length)
{
    static const char text[] = "spiffe://shop.example/ns/shop/sa/web?a=1&b=~";
    for (size_t len = 0; len < sizeof(text); len++) {
        CHECK_INT(len, json_line_plain(slice_of(text, len)));
        CHECK_SLICE(slice_of(text, len), text_of(slice_of(text, len)));
    }
}

TEST(quotes_backslashes_and_controls_are_escaped_and_delete_is_not)
{
    CHECK_TEXT("a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0000\\u001f\x7f", text_of(SLICE("a\"b\\c\n\r\t\b\f\0\x1f\x7f")));
}

TEST(utf8_passes_and_each_other_byte_is_the_replacement_character)
{
    CHECK_TEXT("gr\xc3\xbc\xc3\x9f"
               "e \xf0\x9f\x98\x80",
               text_of(SLICE("gr\xc3\xbc\xc3\x9f"
                             "e \xf0\x9f\x98\x80")));
    CHECK_TEXT("\xef\xbf\xbd\xef\xbf\xbdx\xef\xbf\xbd", text_of(SLICE("\xff\xc3x\xe2")));
}

/* One by one and eight at a time must be the same judgement: every byte at every place of texts of every length. */
TEST(a_byte_is_plain_wherever_it_stands)
{
    for (unsigned c = 0; c < 256; c++) {
        bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
        for (size_t len = 1; len <= 17; len++)
            for (size_t place = 0; place < len; place++) {
                char text[17];
                memset(text, 'x', sizeof(text));
                text[place] = (char)c;
                CHECK_INT(plain ? len : place, json_line_plain(slice_of(text, len)));
            }
    }
}

TEST(no_byte_becomes_more_than_six)
{
    for (unsigned c = 0; c < 256; c++) {
        char text[16];
        memset(text, (int)c, sizeof(text));
        CHECK(text_of(slice_of(text, sizeof(text))).len <= JSON_LINE_WORST * sizeof(text));
    }
}

TEST(numbers_are_decimal)
{
    static const uint64_t some[] = {0,   1,    9,     10,    11,     99,         100,       101,
                                    999, 1000, 12345, 99999, 100000, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        char want[32];
        (void)snprintf(want, sizeof(want), "%llu", (unsigned long long)some[i]);
        CHECK_TEXT(want, slice_of(room, (size_t)(json_line_u64(room, some[i]) - room)));
    }
}

TESTS_BEGIN()
TESTS_RUN(plain_text_stays_what_it_is_whatever_its_length)
TESTS_RUN(quotes_backslashes_and_controls_are_escaped_and_delete_is_not)
TESTS_RUN(utf8_passes_and_each_other_byte_is_the_replacement_character)
TESTS_RUN(a_byte_is_plain_wherever_it_stands)
TESTS_RUN(no_byte_becomes_more_than_six)
TESTS_RUN(numbers_are_decimal)
TESTS_END()
