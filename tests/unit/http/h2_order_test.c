#include "http/h2_order.h"

#include "tests/kit/t.h"

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, END_STREAM = 1 };

static struct h2_order order;
static char wire[4096];
static size_t wire_len;

static void begin(void)
{
    size_t good;
    h2_order_init(&order);
    CHECK_INT(H2_ORDER_FINE, h2_order_look(&order, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), &good));
    CHECK_INT(24, good);
    wire_len = 0;
}

static void add(uint8_t type, uint8_t flags, uint32_t id, struct slice payload)
{
    uint8_t head[9] = {
        0,          0, (uint8_t)payload.len, type, flags, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
        (uint8_t)id};
    memcpy(wire + wire_len, head, sizeof(head));
    memcpy(wire + wire_len + sizeof(head), payload.len ? payload.at : "", payload.len);
    wire_len += sizeof(head) + payload.len;
}

/* The same in pieces of every size; `before` bytes are good. */
static void check_cut(enum h2_order_verdict want, size_t before)
{
    for (size_t piece = 1; piece <= wire_len; piece++) {
        struct h2_order o = order;
        enum h2_order_verdict got = H2_ORDER_FINE;
        size_t good = 0, sum = 0;
        for (size_t at = 0; at < wire_len && got == H2_ORDER_FINE; at += piece) {
            got = h2_order_look(&o, slice_of(wire + at, at + piece < wire_len ? piece : wire_len - at), &good);
            sum += good;
        }
        CHECK_INT(want, got);
        if (piece == wire_len)
            CHECK_INT(before, sum);
    }
}

TEST(a_request_with_a_body_and_trailers_is_in_order)
{
    begin();
    add(HEADERS, 0, 1, SLICE("h"));
    add(DATA, 0, 1, SLICE("body"));
    add(HEADERS, END_STREAM, 1, SLICE("t"));
    add(RST_STREAM, 0, 1, SLICE("\0\0\0\0"));
    check_cut(H2_ORDER_FINE, wire_len);
}

TEST(nothing_follows_what_the_client_has_ended)
{
    static const uint8_t types[] = {DATA, HEADERS};
    for (size_t i = 0; i < 2; i++) {
        begin();
        add(HEADERS, END_STREAM, 1, SLICE("h"));
        size_t before = wire_len;
        add(types[i], END_STREAM, 1, SLICE("x"));
        check_cut(H2_ORDER_CLOSED, before);
        begin();
        add(HEADERS, 0, 1, SLICE("h"));
        add(RST_STREAM, 0, 1, SLICE("\0\0\0\0"));
        before = wire_len;
        add(types[i], 0, 1, SLICE("x"));
        check_cut(H2_ORDER_CLOSED, before);
    }
}

TEST(streams_begin_in_rising_order)
{
    begin();
    add(HEADERS, END_STREAM, 5, SLICE("h"));
    size_t before = wire_len;
    add(HEADERS, END_STREAM, 3, SLICE("h"));
    check_cut(H2_ORDER_BROKEN, before);
}

TEST(priority_names_a_stream_and_another_one)
{
    begin();
    add(PRIORITY, 0, 3, SLICE("\x80\0\0\x01\x10"));
    size_t before = wire_len;
    add(PRIORITY, 0, 3, SLICE("\x80\0\0\x03\x10"));
    check_cut(H2_ORDER_BROKEN, before);
    begin();
    add(PRIORITY, 0, 0, SLICE("\0\0\0\x01\x10"));
    check_cut(H2_ORDER_BROKEN, 0);
}

TEST(what_the_session_judges_is_left_to_it)
{
    begin();
    add(DATA, 0, 7, SLICE("idle"));
    add(HEADERS, 0, 2, SLICE("even"));
    add(PRIORITY, 0, 1, SLICE("abc"));
    add(SETTINGS, 0, 0, SLICE(""));
    add(200, 255, 1, SLICE("unknown"));
    check_cut(H2_ORDER_FINE, wire_len);
}

static enum h2_order_verdict look_at(uint8_t type, uint8_t flags, uint32_t id)
{
    size_t good;
    wire_len = 0;
    add(type, flags, id, SLICE("x"));
    return h2_order_look(&order, slice_of(wire, wire_len), &good);
}

TEST(a_thousand_streams_are_remembered_and_older_ones_forgiven)
{
    begin();
    for (uint32_t id = 1; id < 2 * 3000; id += 2)
        CHECK_INT(H2_ORDER_FINE, look_at(HEADERS, id % 4 == 1 ? END_STREAM : 0, id));
    CHECK_INT(H2_ORDER_FINE, look_at(DATA, 0, 5999));
    CHECK_INT(H2_ORDER_FINE, look_at(DATA, 0, 5997 - 2048));
    CHECK_INT(H2_ORDER_CLOSED, look_at(DATA, 0, 5997 - 2044));
}

TEST(a_leap_over_all_of_them_forgets_them)
{
    begin();
    CHECK_INT(H2_ORDER_FINE, look_at(HEADERS, END_STREAM, 1));
    CHECK_INT(H2_ORDER_FINE, look_at(HEADERS, END_STREAM, 0x7fffffff));
    CHECK_INT(H2_ORDER_FINE, look_at(HEADERS, 0, 1));
    CHECK_INT(H2_ORDER_BROKEN, look_at(HEADERS, 0, 0x7fffffff - 2));
}

TESTS_BEGIN()
TESTS_RUN(a_request_with_a_body_and_trailers_is_in_order)
TESTS_RUN(nothing_follows_what_the_client_has_ended)
TESTS_RUN(streams_begin_in_rising_order)
TESTS_RUN(priority_names_a_stream_and_another_one)
TESTS_RUN(what_the_session_judges_is_left_to_it)
TESTS_RUN(a_thousand_streams_are_remembered_and_older_ones_forgiven)
TESTS_RUN(a_leap_over_all_of_them_forgets_them)
TESTS_END()
