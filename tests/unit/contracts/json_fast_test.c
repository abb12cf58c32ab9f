#include "contracts/wire/json_fast.h"

#include "contracts/wire/json_tok.h"
#include "tests/kit/t.h"

/* How much of the text is taken for a value, from memory of its own; -1: it is left to json_tok. */
static long taken(struct slice text)
{
    char *copy = test_malloc(text.len);
    memcpy(copy, text.at, text.len);
    const char *end = json_fast_value(copy, copy + text.len);
    long n = end ? end - copy : -1;
    test_free(copy);
    return n;
}

static void takes(const char *text, long n)
{
    CHECK_INT(n, taken(slice_str(text)));
}

TEST(values_are_taken_whole)
{
    takes("true,", 4);
    takes("null", 4);
    takes("0,", 1);
    takes("-12.50e+3]", 9);
    takes("7E0 ", 3);
    takes("\"\"", 2);
    takes("\"a string of more than sixteen bytes\"", 37);
    takes("\"\\\"\\n\\/\\\\\"", 10);
    takes("\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"", 11);
    takes("{\"a\":1}", 1);
    takes("[", 1);
}

TEST(what_may_go_on_in_the_next_chunk_is_left)
{
    takes("12", -1);
    takes("0", -1);
    takes("1.5", -1);
    takes("1e5", -1);
    takes("tru", -1);
    takes("\"a", -1);
    takes("\"a\\", -1);
    takes("\"\xE2\x82", -1);
}

TEST(what_is_broken_or_rare_is_left)
{
    static const char *const texts[] = {"01,",
                                        "-,",
                                        "1.,",
                                        "1e,",
                                        "+1,",
                                        "nul ",
                                        "\"\t\"",
                                        "\"\\x\"",
                                        "\"\\u0041\"",
                                        "\"\xC0\x80\"",
                                        "\"\xED\xA0\x80\"",
                                        "]",
                                        "\"\x80\"",
                                        "\"\xFF\"",
                                        "x"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        takes(texts[i], -1);
    CHECK_INT(-1, taken(slice_of("\"\\\0\"", 4)));
}

/* The two readers agree on every text of four bytes of these, with a string around it and without. */
TEST(it_takes_nothing_that_json_tok_refuses)
{
    static const char letters[] = "\"\\u0-1.eE+n\xC3\xA9\xED\x1f,";
    enum { COUNT = sizeof(letters) - 1 };
    for (unsigned i = 0; i < COUNT * COUNT * COUNT * COUNT; i++) {
        char text[6] = {'"',
                        letters[i % COUNT],
                        letters[i / COUNT % COUNT],
                        letters[i / COUNT / COUNT % COUNT],
                        letters[i / COUNT / COUNT / COUNT],
                        '"'};
        for (size_t skip = 0; skip < 2; skip++) {
            struct slice s = slice_of(text + skip, sizeof(text) - skip);
            const char *end = json_fast_value(s.at, s.at + s.len);
            if (end)
                CHECK(json_tok_whole(slice_of(s.at, (size_t)(end - s.at))));
        }
    }
}

TESTS_BEGIN()
TESTS_RUN(values_are_taken_whole)
TESTS_RUN(what_may_go_on_in_the_next_chunk_is_left)
TESTS_RUN(what_is_broken_or_rare_is_left)
TESTS_RUN(it_takes_nothing_that_json_tok_refuses)
TESTS_END()
