#include "base/buf.h"

#include "tests/kit/t.h"

TEST(a_zeroed_buf_is_empty_and_takes_nothing)
{
    struct buf b = {0};
    char *at = NULL;
    CHECK_ERR(ERR_OK, buf_add(&b, SLICE("")));
    CHECK_ERR(ERR_FULL, buf_add(&b, SLICE("a")));
    CHECK_ERR(ERR_FULL, buf_room(&b, 1, &at));
    CHECK_INT(0, buf_len(&b));
    CHECK_TEXT("", slice_str(buf_text(&b)));
    buf_fini(&b);
}

TEST(the_bound_is_on_what_is_unread)
{
    struct buf b;
    buf_init(&b, 10);
    CHECK_ERR(ERR_OK, buf_add(&b, SLICE("0123456789")));
    CHECK_ERR(ERR_FULL, buf_add(&b, SLICE("x")));
    CHECK_SLICE(SLICE("0123456789"), buf_slice(&b));
    buf_took(&b, 4);
    CHECK_ERR(ERR_FULL, buf_add(&b, SLICE("abcde")));
    CHECK_ERR(ERR_OK, buf_add(&b, SLICE("abcd")));
    CHECK_SLICE(SLICE("456789abcd"), buf_slice(&b));
    buf_fini(&b);
}

TEST(bytes_come_out_as_they_went_in_however_they_are_chopped)
{
    struct buf b;
    char next_in = 0, next_out = 0;
    buf_init(&b, 5000);
    for (size_t round = 1; round < 2000; round++) {
        for (size_t i = 0; i < round % 7; i++)
            CHECK_ERR(ERR_OK, buf_add(&b, slice_of((char[]){next_in++}, 1)));
        for (size_t i = 0; i < round % 5 && buf_len(&b); i++) {
            CHECK_INT(next_out++, buf_slice(&b).at[0]);
            buf_took(&b, 1);
        }
    }
    while (buf_len(&b)) {
        CHECK_INT(next_out++, buf_slice(&b).at[0]);
        buf_took(&b, 1);
    }
    CHECK_INT(next_in, next_out);
    buf_fini(&b);
}

TEST(a_steady_flow_does_not_grow_the_memory)
{
    static const char piece[100];
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 10000; i++) {
        buf_put(&b, slice_of(piece, sizeof(piece)));
        if (i > 0)
            buf_took(&b, sizeof(piece));
    }
    CHECK_INT(256, b.cap);
    buf_fini(&b);
}

TEST(room_is_written_in_place)
{
    struct buf b;
    char *at = NULL;
    buf_init(&b, 1000);
    CHECK_ERR(ERR_OK, buf_room(&b, 1000, &at));
    memcpy(at, "abc", 3);
    buf_wrote(&b, 3);
    CHECK_SLICE(SLICE("abc"), buf_slice(&b));
    CHECK_ERR(ERR_FULL, buf_room(&b, 998, &at));
    buf_cut(&b, 1);
    CHECK_SLICE(SLICE("a"), buf_slice(&b));
    buf_fini(&b);
}

TEST(memory_is_given_back_only_when_nothing_is_unread)
{
    struct buf b;
    buf_init(&b, 10);
    buf_put(&b, SLICE("a"));
    buf_trim(&b);
    CHECK_SLICE(SLICE("a"), buf_slice(&b));
    buf_clear(&b);
    CHECK(b.mem);
    buf_trim(&b);
    CHECK(!b.mem);
    CHECK_ERR(ERR_OK, buf_add(&b, SLICE("0123456789")));
    buf_fini(&b);
}

TEST(text_is_formatted_whatever_its_length)
{
    struct buf b;
    buf_init(&b, BUF_TEXT_BOUND);
    buf_put_u64(&b, 0);
    buf_put_char(&b, ' ');
    buf_put_u64(&b, UINT64_MAX);
    buf_putf(&b, " %d%s", -1, "!");
    CHECK_TEXT("0 18446744073709551615 -1!", slice_str(buf_text(&b)));
    for (int width = 510; width < 515; width++) {
        buf_clear(&b);
        buf_putf(&b, "%*d", width, 7);
        CHECK_INT(width, buf_len(&b));
        CHECK_INT('7', buf_slice(&b).at[width - 1]);
    }
    buf_fini(&b);
}

TEST(the_escaping_printer_lets_only_plain_text_through)
{
    struct buf b;
    buf_init(&b, BUF_TEXT_BOUND);
    buf_put_safe(&b, SLICE("a~ \n\x1b\x7f\x80\0"), 100);
    CHECK_TEXT("a~ \\x0a\\x1b\\x7f\\x80\\x00", buf_slice(&b));
    buf_clear(&b);
    buf_put_safe(&b, SLICE("abcdef"), 5);
    CHECK_TEXT("abcde...", buf_slice(&b));
    buf_clear(&b);
    buf_put_safe(&b, SLICE("abcdef"), 6);
    CHECK_TEXT("abcdef", buf_slice(&b));
    buf_fini(&b);
}

TESTS_BEGIN()
TESTS_RUN(a_zeroed_buf_is_empty_and_takes_nothing)
TESTS_RUN(the_bound_is_on_what_is_unread)
TESTS_RUN(bytes_come_out_as_they_went_in_however_they_are_chopped)
TESTS_RUN(a_steady_flow_does_not_grow_the_memory)
TESTS_RUN(room_is_written_in_place)
TESTS_RUN(memory_is_given_back_only_when_nothing_is_unread)
TESTS_RUN(text_is_formatted_whatever_its_length)
TESTS_RUN(the_escaping_printer_lets_only_plain_text_through)
TESTS_END()
