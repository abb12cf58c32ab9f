#include "contracts/wire/rewrite_pb.h"

#include <stdio.h>
#include <stdlib.h>

#include "contracts/wire/rewrite_records.h"
#include "tests/kit/t.h"

/* A plan from its lines; blanks between columns are tabs where two stand together. */
static struct plan *plan_of(const char *lines)
{
    struct buf text;
    struct diag diag;
    struct plan *plan = NULL;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_put(&text, SLICE("protobuf\t/\tM\n"));
    for (const char *c = lines; *c; c++) {
        bool column = c[0] == ' ' && c[1] == ' ';
        buf_put_char(&text, column ? '\t' : *c);
        c += column;
    }
    diag_init(&diag);
    CHECK_ERR(ERR_OK, plan_parse(buf_slice(&text), "plan", &diag, &plan));
    diag_fini(&diag);
    buf_fini(&text);
    return plan;
}

static struct slice bytes_of(const char *hex, char *into)
{
    size_t len = 0;
    for (const char *c = hex; *c; c++) {
        if (*c == ' ')
            continue;
        char digits[3] = {c[0], c[1], '\0'};
        into[len++] = (char)strtol(digits, NULL, 16);
        c++;
    }
    return slice_of(into, len);
}

static enum err in_pieces(struct rewrite *r, struct slice body, size_t piece, struct buf *out)
{
    for (size_t at = 0; at < body.len; at += piece) {
        struct slice p = slice_to(slice_from(body, at), piece);
        char *copy = test_malloc(p.len);
        memcpy(copy, p.at, p.len);
        enum err e = rewrite_feed(r, slice_of(copy, p.len), out);
        test_free(copy);
        if (e != ERR_OK)
            return e;
    }
    return rewrite_finish(r, out);
}

enum { BYTES = 4096, PIECES = 12 };

/* Whole and cut into pieces of every size up to 11. */
static void becomes(const char *lines, const char *body, const char *want)
{
    char in[BYTES], expected[BYTES];
    struct plan *plan = plan_of(lines);
    struct slice bytes = bytes_of(body, in), good = bytes_of(want, expected);
    for (size_t piece = 1; piece <= PIECES; piece++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        struct rewrite *r = rewrite_records_new(plan, REWRITE_MAX_HOLD, REWRITE_WHOLE);
        enum err e = in_pieces(r, bytes, piece < PIECES ? piece : BYTES, &out);
        if (e != ERR_OK)
            print_error("%s\n", rewrite_fault(r));
        CHECK_ERR(ERR_OK, e);
        CHECK_SLICE(good, buf_slice(&out));
        rewrite_free(&r);
        buf_fini(&out);
    }
    plan_unref(&plan);
}

static void refuses_within(const char *lines, size_t max_hold, enum err want, const char *body, const char *fault,
                           uint64_t offset)
{
    char in[BYTES];
    struct plan *plan = plan_of(lines);
    struct slice bytes = bytes_of(body, in);
    for (size_t piece = 1; piece <= PIECES; piece++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        struct rewrite *r = rewrite_pb_new(plan, max_hold);
        CHECK_ERR(want, in_pieces(r, bytes, piece < PIECES ? piece : BYTES, &out));
        CHECK_TEXT(fault, slice_str(rewrite_fault(r)));
        CHECK_INT(offset, rewrite_offset(r));
        CHECK_ERR(want, rewrite_finish(r, &out));
        rewrite_free(&r);
        buf_fini(&out);
    }
    plan_unref(&plan);
}

static void refuses(const char *lines, const char *body, const char *fault, uint64_t offset)
{
    refuses_within(lines, REWRITE_MAX_HOLD, ERR_PEER, body, fault, offset);
}

static void unusable(const char *lines, const char *words)
{
    struct diag diag;
    struct plan *plan = NULL;
    struct buf said;
    buf_init(&said, BUF_TEXT_BOUND);
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, plan_parse(slice_str(lines), "plan", &diag, &plan));
    diag_print(&diag, &said);
    if (!slice_has(buf_slice(&said), slice_str(words)))
        print_error("%.*s\n", SLICE_FMT(buf_slice(&said)));
    CHECK(slice_has(buf_slice(&said), slice_str(words)));
    diag_fini(&diag);
    buf_fini(&said);
}

TEST(what_no_step_names_keeps_every_byte)
{
    /* Keys and numbers that are longer than they need be, an unknown group, a length of two bytes for one. */
    becomes("drop  /  9", "88 00 81 00  12 81 00 41  1b 08 01 1c  3d 01 02 03 04  41 01 02 03 04 05 06 07 08",
            "88 00 81 00  12 81 00 41  1b 08 01 1c  3d 01 02 03 04  41 01 02 03 04 05 06 07 08");
    becomes("rename  /  1 -> 2", "", "");
}

TEST(a_field_goes_out_under_its_new_number)
{
    becomes("rename  /  1 -> 20", "08 96 01  10 05", "a0 01 96 01  10 05");
    becomes("rename  /  1 -> 2", "0a 03 61 62 63", "12 03 61 62 63");
    becomes("rename  /  1 -> 2", "0b 18 07 0c", "13 18 07 14");
    becomes("rename  /  1 -> 2\nrename  /  2 -> 1", "08 01 10 02 08 03", "10 01 08 02 10 03");
}

TEST(two_fields_do_not_become_one)
{
    refuses("rename  /  1 -> 2", "10 05 08 01", "a field takes the number of another that is there already, at /1", 2);
    becomes("rename  /  1 -> 2", "08 05 08 01", "10 05 10 01");
}

TEST(a_default_is_put_at_the_end_of_a_message_that_lacks_it)
{
    becomes("field  /  5 sint32\ndefault  /  5 = -2", "08 01", "08 01 28 03");
    becomes("field  /  5 sint32\ndefault  /  5 = -2", "28 08 08 01", "28 08 08 01");
    becomes("field  /  5 sint32\ndefault  /  5 = -2", "", "28 03");
    becomes("field  /  1 string\ndefault  /  1 = \"h\\u00e9\"", "", "0a 03 68 c3 a9");
    becomes("field  /  1 bytes\ndefault  /  1 = \"AP8=\"", "", "0a 02 00 ff");
    becomes("field  /  1 double\ndefault  /  1 = 0.5", "", "09 00 00 00 00 00 00 e0 3f");
    becomes("field  /  1 bool\ndefault  /  1 = true", "", "08 01");
    becomes("field  /  1 uint64\ndefault  /  1 = \"18446744073709551615\"", "", "08 ff ff ff ff ff ff ff ff ff 01");
    becomes("inside  /  1 -> /A\nfield  /A  2 int32\ndefault  /A  2 = 1", "0a 00 0a 02 10 03",
            "0a 02 10 01 0a 02 10 03");
    becomes("rename  /  1 -> 2\nfield  /  1 int32\ndefault  /  2 = 7", "08 05", "10 05");
}

TEST(a_dropped_field_is_gone_with_all_that_is_in_it)
{
    becomes("drop  /  1", "08 01 10 02 0a 03 61 62 63 0d 01 02 03 04 09 01 02 03 04 05 06 07 08", "10 02");
    becomes("drop  /  1", "0b 12 02 61 62 1b 08 05 1c 0c 10 02", "10 02");
    becomes("inside  /  1 -> /A\ndrop  /A  1", "0a 07 08 01 12 01 61 08 02", "0a 03 12 01 61");
}

TEST(lengths_around_a_change_are_put_right)
{
    /* 127 bytes become 128, whose length takes a byte more. */
    char body[BYTES], want[BYTES];
    size_t in = (size_t)snprintf(body, sizeof(body), "0a8101 0a7f 0801 127b");
    size_t out = (size_t)snprintf(want, sizeof(want), "0a8301 0a8001 a00601 127b");
    for (int i = 0; i < 123; i++) {
        in += (size_t)snprintf(body + in, sizeof(body) - in, "41");
        out += (size_t)snprintf(want + out, sizeof(want) - out, "41");
    }
    becomes("inside  /  1 -> /A\ninside  /A  1 -> /B\nrename  /B  1 -> 100", body, want);
    /* And back, where a length loses a byte. */
    becomes("inside  /  1 -> /A\ninside  /A  1 -> /B\nrename  /B  100 -> 1", want, body);
}

TEST(a_message_without_a_change_keeps_a_length_longer_than_it_need_be)
{
    becomes("inside  /  1 -> /A\ndrop  /A  1", "0a 82 00 10 01  0a 84 00 10 01 08 02", "0a 82 00 10 01  0a 02 10 01");
}

TEST(a_message_may_contain_its_own_kind)
{
    becomes("inside  /  1 -> /\nrename  /  2 -> 3", "10 01 0a 06 10 02 0a 02 10 03", "18 01 0a 06 18 02 0a 02 18 03");
    becomes("inside  /  1 -> /\nrename  /  2 -> 3", "0b 10 02 0b 10 03 0c 0c", "0b 18 02 0b 18 03 0c 0c");
    becomes("inside  /  1 -> /\nrename  /  1 -> 4", "0b 0a 02 10 03 0c", "23 22 02 10 03 24");
}

TEST(numbers_become_other_numbers_when_they_fit)
{
    becomes("field  /  1 int32 -> int64", "08 ff ff ff ff ff ff ff ff ff 01", "08 ff ff ff ff ff ff ff ff ff 01");
    becomes("field  /  1 int32 -> sint64", "08 ff ff ff ff ff ff ff ff ff 01", "08 01");
    becomes("field  /  1 sint32 -> fixed32", "08 0e", "0d 07 00 00 00");
    becomes("field  /  1 int64 -> double", "08 03", "09 00 00 00 00 00 00 08 40");
    becomes("field  /  1 float -> double", "0d 00 00 c0 3f", "09 00 00 00 00 00 00 f8 3f");
    becomes("field  /  1 double -> int32", "09 00 00 00 00 00 00 08 c0", "08 fd ff ff ff ff ff ff ff ff 01");
    becomes("field  /  1 uint64 -> bool", "08 01", "08 01");
    refuses("field  /  1 int64 -> int32", "08 80 80 80 80 08",
            "int64 -> int32: the value is out of the range that the reader's type has, at /1", 0);
    refuses("field  /  1 int32 -> uint32", "10 01 08 ff ff ff ff ff ff ff ff ff 01",
            "int32 -> uint32: the value is out of the range that the reader's type has, at /1", 2);
    refuses("field  /  1 double -> int32", "09 00 00 00 00 00 00 e0 3f",
            "double -> int32: the value is no whole number, at /1", 0);
    refuses("field  /  1 int64 -> float", "08 81 80 80 08",
            "int64 -> float: the value has more digits than the reader's type keeps, at /1", 0);
}

TEST(numbers_become_digits_and_back)
{
    becomes("field  /  1 int64 -> string", "08 80 80 80 80 80 80 80 80 80 01",
            "0a 14 2d 39 32 32 33 33 37 32 30 33 36 38 35 34 37 37 35 38 30 38");
    becomes("field  /  1 string -> int64", "0a 14 2d 39 32 32 33 33 37 32 30 33 36 38 35 34 37 37 35 38 30 38",
            "08 80 80 80 80 80 80 80 80 80 01");
    becomes("field  /  1 string -> uint32", "0a 01 30", "08 00");
    refuses("field  /  1 string -> int32", "0a 02 30 31",
            "string -> int32: the value is no whole number of 64 bits in plain digits, at /1", 0);
}

TEST(packed_runs_stay_runs)
{
    becomes("field  /  1 int32 -> sint32", "0a 03 01 02 03  08 05", "0a 03 02 04 06  08 0a");
    becomes("field  /  1 int32 -> fixed32", "0a 02 01 02", "0a 08 01 00 00 00 02 00 00 00");
    becomes("field  /  1 fixed64 -> int32", "0a 10 01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00", "0a 02 01 02");
    becomes("field  /  1 int32 -> string", "0a 02 01 02", "0a 01 31 0a 01 32");
    becomes("field  /  1 int32 -> sint32", "0a 00", "0a 00");
    refuses("field  /  1 int32 -> sint32", "0a 02 01 80",
            "int32 -> sint32: the value is cut off in its packed run, at /1", 0);
}

TEST(bytes_become_text_only_when_they_are_utf8)
{
    becomes("field  /  1 bytes -> string", "0a 02 c3 a9", "0a 02 c3 a9");
    refuses("field  /  1 bytes -> string", "0a 02 c3 28", "bytes -> string: the value is no UTF-8, at /1", 0);
    becomes("encode  /  1", "0a 02 00 ff", "0a 04 41 50 38 3d");
    becomes("decode  /  1", "0a 04 41 50 38 3d", "0a 02 00 ff");
    refuses("decode  /  1", "0a 03 41 50 21", "string -> bytes: the value is no base64, at /1", 0);
}

TEST(an_enum_has_a_table)
{
    becomes("enum  /  1 0 -> 1, 1 -> 0, else 9", "08 00 08 01 08 05 0a 02 00 01", "08 01 08 00 08 09 0a 02 01 00");
    becomes("enum  /  1 -1 -> 1", "08 ff ff ff ff ff ff ff ff ff 01", "08 01");
    refuses("enum  /  1 0 -> 1", "08 02", "enum: the value is none that the plan has, at /1", 0);
}

TEST(a_range_is_checked)
{
    becomes("field  /  1 int32\nnarrow  /  1 0..9", "08 09", "08 09");
    refuses("inside  /  2 -> /A\nfield  /A  1 int32\nnarrow  /A  1 0..9", "12 02 08 0a",
            "int32: the value is out of range, at /2/1", 2);
}

TEST(a_zero_may_become_absent)
{
    becomes("field  /  1 int32\nstrip  /  1", "08 00 10 01 08 02", "10 01 08 02");
    becomes("field  /  1 string\nstrip  /  1\ndefault  /  1 = \"x\"", "0a 00", "0a 01 78");
}

TEST(of_several_values_one_goes_on)
{
    becomes("field  /  1 int32\nhead  /  1 first", "0a 02 05 06 08 07", "08 05");
    becomes("field  /  1 int32\nhead  /  1 last", "0a 02 05 06 08 07", "08 05 08 06 08 07");
    becomes("field  /  1 string\nhead  /  1 only", "0a 01 61", "0a 01 61");
    refuses("field  /  1 string\nhead  /  1 only", "0a 01 61 0a 01 62",
            "string: the value is one of several, and only one may be, at /1", 3);
}

TEST(what_is_no_protobuf_is_refused_where_it_is_wrong)
{
    refuses("drop  /  9", "08 01 0e", "not protobuf: wire type 6 or 7 at /1", 2);
    refuses("drop  /  9", "08 01 00", "not protobuf: field number 0 at /", 2);
    refuses("drop  /  9", "08 ff ff ff ff ff ff ff ff ff 02", "not protobuf: a varint of more than 64 bits at /1", 0);
    refuses("drop  /  9", "08 ff ff ff ff ff ff ff ff ff ff", "not protobuf: a varint of more than 64 bits at /1", 0);
    refuses("drop  /  9", "88 80 80 80 80 00 01", "not protobuf: a key of more than 32 bits at /", 0);
    refuses("drop  /  9", "0a 80 80 80 80 08", "not protobuf: a length of more than 2147483647 at /1", 0);
    refuses("drop  /  9", "08 01 0c", "not protobuf: the end of a group that is not open at /1", 2);
    refuses("drop  /  9", "0b 14", "not protobuf: the end of a group that is not open at /1/2", 1);
    refuses("drop  /  9", "08 01 0b 08 01", "not protobuf: the body ends within a group at /1", 5);
    refuses("drop  /  9", "08 01 0a 05 61", "not protobuf: the body ends within a field at /", 5);
    refuses("drop  /  9", "08", "not protobuf: the body ends within a field at /", 1);
    refuses("drop  /  9", "0d 01 02", "not protobuf: the body ends within a field at /", 3);
    refuses("inside  /  1 -> /A\ndrop  /A  9", "0a 03 12 05 61 61 61 61 61",
            "not protobuf: a field is longer than the message around it, at /1/2", 2);
    refuses("inside  /  1 -> /A\ndrop  /A  9", "0a 01 13 14",
            "not protobuf: a group does not end in its message, at /1/2", 3);
    refuses("inside  /  1 -> /A\ndrop  /A  9", "08 01", "a field should be a message and is none, at /1", 0);
    refuses("field  /  1 string -> bytes", "08 01", "string -> bytes: the value is written as none of this kind, at /1",
            0);
}

TEST(what_a_step_must_hold_has_a_bound)
{
    refuses_within("field  /  1 bytes -> string", 16, ERR_FULL, "10 01 0a 10 41 41 41 41 41 41 41 41 41 41 41 41 41 41",
                   "a field is larger than a step may hold, at /1", 2);
    /* What nothing looks at is not held. */
    struct plan *plan = plan_of("field  /  1 bytes -> string");
    struct rewrite *r = rewrite_pb_new(plan, 16);
    struct buf out;
    char some[1000] = {0};
    buf_init(&out, 1 << 22);
    CHECK_ERR(ERR_OK, rewrite_feed(r, SLICE("\x12\xc0\x84\x3d"), &out));
    for (int i = 0; i < 1000; i++)
        CHECK_ERR(ERR_OK, rewrite_feed(r, slice_of(some, sizeof(some)), &out));
    CHECK_ERR(ERR_OK, rewrite_finish(r, &out));
    CHECK_INT(1000004, buf_len(&out));
    rewrite_free(&r);
    plan_unref(&plan);
    buf_fini(&out);
}

TEST(a_body_is_no_deeper_than_128)
{
    char body[BYTES] = "";
    for (int i = 0; i < 128; i++)
        snprintf(body + 2 * (size_t)i, sizeof(body) - 2 * (size_t)i, "0b");
    for (int i = 128; i < 256; i++)
        snprintf(body + 2 * (size_t)i, sizeof(body) - 2 * (size_t)i, "0c");
    becomes("drop  /  9", body, body);
    memset(body + 256, 0, 2);
    snprintf(body + 256, sizeof(body) - 256, "0b");
    char in[BYTES];
    struct plan *plan = plan_of("drop  /  9");
    struct rewrite *r = rewrite_pb_new(plan, 16);
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK_ERR(ERR_PEER, rewrite_feed(r, bytes_of(body, in), &out));
    CHECK(slice_starts(slice_str(rewrite_fault(r)), SLICE("a message is deeper than 128, at /1/1")));
    rewrite_free(&r);
    plan_unref(&plan);
    buf_fini(&out);
}

TEST(out_may_be_full)
{
    struct plan *plan = plan_of("rename  /  1 -> 2");
    struct rewrite *r = rewrite_pb_new(plan, 16);
    struct buf out;
    buf_init(&out, 4);
    CHECK_ERR(ERR_FULL, rewrite_feed(r, SLICE("\x0a\x05hello"), &out));
    CHECK_TEXT("more goes out than has room, at /", slice_str(rewrite_fault(r)));
    rewrite_free(&r);
    plan_unref(&plan);
    buf_fini(&out);
}

TEST(stages_see_what_went_out_before)
{
    becomes("rename  /  1 -> 2\nthen  /  \nprotobuf  /  M\nrename  /  2 -> 3\nfield  /  2 int32 -> string", "08 05",
            "1a 01 35");
}

/* The same with gRPC's frames. */
static void frames(const char *body, enum err want, const char *expected, const char *fault)
{
    char in[BYTES], good[BYTES];
    struct plan *plan = plan_of("field  /  1 int32 -> string\ndefault  /  1 = \"0\"");
    struct slice bytes = bytes_of(body, in);
    for (size_t piece = 1; piece <= PIECES; piece++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        struct rewrite *r = rewrite_records_new(plan, 64, REWRITE_GRPC);
        CHECK_ERR(want, in_pieces(r, bytes, piece < PIECES ? piece : BYTES, &out));
        CHECK_TEXT(fault, slice_str(rewrite_fault(r)));
        if (want == ERR_OK)
            CHECK_SLICE(bytes_of(expected, good), buf_slice(&out));
        rewrite_free(&r);
        buf_fini(&out);
    }
    plan_unref(&plan);
}

TEST(messages_of_grpc_are_rewritten_one_by_one)
{
    frames("0000000002 0805  0000000000  0000000004 08ac0210", ERR_PEER, "",
           "message 3: not protobuf: the body ends within a field at /");
    frames("0000000002 0805  0000000000  0000000003 08ac02", ERR_OK,
           "0000000003 0a0135  0000000003 0a0130  0000000005 0a03333030", "");
    frames("", ERR_OK, "", "");
    frames("0000000002 08", ERR_PEER, "", "message 1: it ends too early");
    frames("0000", ERR_PEER, "", "message 1: it ends too early");
    frames("0200000000", ERR_PEER, "", "message 1: not gRPC: a message begins with 0 or 1");
    frames("0100000001 41", ERR_PEER, "", "message 1: it is compressed, in a way that cannot be undone");
    frames("0000000041", ERR_FULL, "", "message 1: it is larger than a step may hold");
}

TEST(messages_of_a_stream_go_through_all_stages_and_are_counted)
{
    char in[BYTES], good[BYTES];
    struct plan *plan = plan_of("rename  /  1 -> 2\nthen  /  \nprotobuf  /  M\nrename  /  2 -> 3");
    struct rewrite *r = rewrite_records_new(plan, 64, REWRITE_GRPC);
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK_ERR(ERR_OK,
              rewrite_feed(r, bytes_of("0000000002 0805 0000000002 0806 0000000000 0000000002 0807", in), &out));
    CHECK_ERR(ERR_OK, rewrite_finish(r, &out));
    CHECK_SLICE(bytes_of("0000000002 1805 0000000002 1806 0000000000 0000000002 1807", good), buf_slice(&out));
    CHECK_INT(3, (long)rewrite_applied(r)[1]);
    CHECK_INT(3, (long)rewrite_applied(r)[4]);
    rewrite_free(&r);
    buf_fini(&out);
    plan_unref(&plan);
}

TEST(steps_are_counted)
{
    struct plan *plan = plan_of("rename  /  1 -> 2\ndrop  /  3\nfield  /  4 int32\ndefault  /  4 = 1");
    struct rewrite *r = rewrite_pb_new(plan, 16);
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK_ERR(ERR_OK, rewrite_feed(r, SLICE("\x08\x01\x08\x01\x1a\x01x"), &out));
    CHECK_ERR(ERR_OK, rewrite_finish(r, &out));
    CHECK_INT(2, rewrite_applied(r)[1]);
    CHECK_INT(1, rewrite_applied(r)[2]);
    CHECK_INT(1, rewrite_applied(r)[4]);
    rewrite_free(&r);
    plan_unref(&plan);
    buf_fini(&out);
}

TEST(a_plan_that_makes_no_sense_says_what_it_lacks)
{
    unusable("protobuf\t/\tM\nrename\t/\tqty -> 2\n", "expected a field's number");
    unusable("protobuf\t/\tM\nrename\t/\t1 -> 0\n", "expected a field's new number");
    unusable("protobuf\t/\tM\nscale\t/\t1 * 1000\n", "expected a step that protobuf bodies have");
    unusable("protobuf\t/\tM\nfield\t/\t1 int33\n", "expected one or two of protobuf's scalar types");
    unusable("protobuf\t/\tM\nfield\t/\t1 double -> string\n", "without a choice to make");
    unusable("protobuf\t/\tM\ndefault\t/\t1 = 5\n", "field 1 at / has a default, and needs a `field` step");
    unusable("protobuf\t/\tM\nfield\t/\t1 bool\ndefault\t/\t1 = 5\n", "a default that is no value of its kind");
    unusable("protobuf\t/\tM\nenum\t/\t1 A -> B\n", "expected numbers for an enum's values");
    unusable("protobuf\t/\tM\nnarrow\t/\t1 0..5\n", "field 1 at / needs a `field` step");
    unusable("rename\t/\ta -> b\nprotobuf\t/\tM\n", "the first step of its plan");
    unusable("field\t/\t1 int32\n", "the first step of its plan");
}

TEST(a_plan_is_printed_as_it_was_read)
{
    const char *text = "protobuf\t/\tshop.Order\tlossless\ninside\t/\t3 -> /shop.Line\tlossless\n"
                       "field\t/shop.Line\t2 int64 -> string\tpartial\tqty\nenum\t/\t5 0 -> 1, else 0\tone-way\n";
    struct diag diag;
    struct plan *plan = NULL;
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    diag_init(&diag);
    CHECK_ERR(ERR_OK, plan_parse(slice_str(text), "plan", &diag, &plan));
    plan_put(plan, &out);
    CHECK_TEXT(text, buf_slice(&out));
    diag_fini(&diag);
    buf_fini(&out);
    plan_unref(&plan);
}

TESTS_BEGIN()
TESTS_RUN(what_no_step_names_keeps_every_byte)
TESTS_RUN(a_field_goes_out_under_its_new_number)
TESTS_RUN(two_fields_do_not_become_one)
TESTS_RUN(a_default_is_put_at_the_end_of_a_message_that_lacks_it)
TESTS_RUN(a_dropped_field_is_gone_with_all_that_is_in_it)
TESTS_RUN(lengths_around_a_change_are_put_right)
TESTS_RUN(a_message_without_a_change_keeps_a_length_longer_than_it_need_be)
TESTS_RUN(a_message_may_contain_its_own_kind)
TESTS_RUN(numbers_become_other_numbers_when_they_fit)
TESTS_RUN(numbers_become_digits_and_back)
TESTS_RUN(packed_runs_stay_runs)
TESTS_RUN(bytes_become_text_only_when_they_are_utf8)
TESTS_RUN(an_enum_has_a_table)
TESTS_RUN(a_range_is_checked)
TESTS_RUN(a_zero_may_become_absent)
TESTS_RUN(of_several_values_one_goes_on)
TESTS_RUN(what_is_no_protobuf_is_refused_where_it_is_wrong)
TESTS_RUN(what_a_step_must_hold_has_a_bound)
TESTS_RUN(a_body_is_no_deeper_than_128)
TESTS_RUN(out_may_be_full)
TESTS_RUN(stages_see_what_went_out_before)
TESTS_RUN(messages_of_grpc_are_rewritten_one_by_one)
TESTS_RUN(messages_of_a_stream_go_through_all_stages_and_are_counted)
TESTS_RUN(steps_are_counted)
TESTS_RUN(a_plan_that_makes_no_sense_says_what_it_lacks)
TESTS_RUN(a_plan_is_printed_as_it_was_read)
TESTS_END()
