#include "contracts/wire/fit_pb.h"

#include "contracts/import.h"
#include "contracts/wire/fit_grpc.h"
#include "tests/kit/t.h"

static const char types[] =
    "syntax = \"proto2\"; package p; enum E { A = 1; B = 2; } enum Far { X = 1; Y = -7; Z = 900; } "
    "message Line { required string sku = 1; optional int32 qty = 2; } "
    "message M { optional int32 a = 1; optional sint64 b = 2; optional fixed32 c = 3; optional double d = 4; "
    "optional bytes t = 6; repeated int64 ns = 7 [packed = true]; repeated Line lines = 8; map<string, Line> by = 9; "
    "optional E e = 13; repeated E es = 14; optional group G = 15 { required float f = 2; } optional M m = 16; "
    "repeated fixed32 fs = 40; optional Far far = 41; optional string loose = 42; } "
    "service S { rpc Put(M) returns (Line); }";
static const char strict[] = "syntax = \"proto3\"; package p; enum E { A = 0; } message T { string s = 1; E e = 2; "
                             "repeated string ss = 3; map<string, string> by = 4; T t = 5; } "
                             "service S { rpc Put(T) returns (T); }";

static struct contract *contract;
static struct pbmould *mould;

static void load(const char *text)
{
    struct diag diag;
    struct import_input in = {.format = IMPORT_PROTO, .name = "p.proto", .text = slice_str(text)};
    diag_init(&diag);
    CHECK_ERR(ERR_OK, import_contract(&in, &diag, &contract));
    diag_fini(&diag);
    mould = pbmould_new(contract);
}

static void unload(void)
{
    pbmould_unref(&mould);
    contract_unref(&contract);
}

/* Each piece is a copy of its own, so that nothing looks past its end unseen. */
static void hold(struct fit *f, struct slice body, size_t piece, const char *fault)
{
    enum err e = ERR_OK;
    for (size_t at = 0; at < body.len && e == ERR_OK; at += piece) {
        struct slice p = slice_to(slice_from(body, at), piece);
        char *copy = test_malloc(p.len);
        memcpy(copy, p.at, p.len);
        e = fit_feed(f, slice_of(copy, p.len));
        test_free(copy);
    }
    if (e == ERR_OK)
        e = fit_finish(f);
    CHECK_TEXT(fault ? fault : "", slice_str(fit_fault(f)));
    CHECK_ERR(fault ? ERR_PEER : ERR_OK, e);
}

static void message(const char *name, struct slice body, const char *fault)
{
    const struct pbmould_message *m = pbmould_message(mould, slice_str(name));
    CHECK(m != NULL);
    for (size_t piece = 1; piece <= 12; piece++) {
        struct fit *f = fit_pb_new(m);
        hold(f, body, piece < 12 ? piece : body.len + 1, fault);
        fit_free(&f);
    }
}

static void fits(const char *name, struct slice body)
{
    message(name, body, NULL);
}

TEST(a_message_of_the_contract_fits)
{
    load(types);
    CHECK(pbmould_request(mould, SLICE("p.S.Put")) == pbmould_message(mould, SLICE("p.M")));
    CHECK(pbmould_response(mould, SLICE("p.S.Put")) == pbmould_message(mould, SLICE("p.Line")));
    fits("p.M", SLICE(""));
    fits("p.M", SLICE("\x08\x96\x01\x10\x03\x1d\x01\x02\x03\x04\x21\0\0\0\0\0\0\xf0\x3f\x32\x02\xff\xfe"));
    fits("p.M", SLICE("\x42\x08\x0a\x02"
                      "ab\x10\x96\x81\x01\x42\x03\x0a\x01z"));
    fits("p.M", SLICE("\x4a\x08\x0a\x01k\x12\x03\x0a\x01v\x68\x02\x7b\x15\0\0\x80\x3f\x7c"));
    fits("p.M", SLICE("\xc8\x02\xf9\xff\xff\xff\xff\xff\xff\xff\xff\x01\xc8\x02\x84\x07"));
    unload();
}

TEST(several_values_may_stand_in_one_run_or_one_by_one)
{
    load(types);
    fits("p.M", SLICE("\x38\x01\x38\x96\x01\x3a\x05\x01\x96\x01\xac\x02\x3a\x00"));
    fits("p.M", SLICE("\x70\x01\x72\x02\x02\x01\xc2\x02\x08\x01\0\0\0\x02\0\0\0\xc5\x02\x09\0\0\0"));
    message("p.M", SLICE("\x3a\x02\x01\x96"), "not protobuf: a packed run ends within a number at /ns (byte 0)");
    message("p.M", SLICE("\xc2\x02\x06\x01\0\0\0\x02\0"),
            "not protobuf: a packed run ends within a number at /fs (byte 0)");
    message("p.M", SLICE("\x0a\x02\x01\x02"), "int32 is expected and bytes with a length is there, at /a (byte 0)");
    unload();
}

TEST(a_required_field_is_missed_at_the_end_of_its_message)
{
    load(types);
    message("p.M", SLICE("\x08\x01\x42\x02\x10\x05\x08\x02"), "field \"sku\" is missing at /lines (byte 6)");
    message("p.M", SLICE("\x7b\x7c"), "field \"f\" is missing at /g (byte 1)");
    message("p.M", SLICE("\x4a\x04\x0a\x00\x12\x00"), "field \"sku\" is missing at /by/value (byte 6)");
    message("p.Line", SLICE("\x10\x01"), "field \"sku\" is missing at / (byte 2)");
    unload();
}

TEST(a_known_field_of_another_kind_is_refused_and_an_unknown_one_passes)
{
    load(types);
    message("p.M", SLICE("\x08\x01\x15\0\0\0\0"), "sint64 is expected and 4 bytes is there, at /b (byte 2)");
    message("p.M", SLICE("\x43\x44"), "message is expected and a group is there, at /lines (byte 0)");
    message("p.M", SLICE("\x7a\x00"), "a group is expected and bytes with a length is there, at /g (byte 0)");
    fits("p.M", SLICE("\x9a\x06\x03"
                      "abc\x98\x06\x01\x9b\x06\x08\x01\xfb\x06\xfc\x06\x9c\x06\xa5\x06\x01\x02\x03\x04"));
    unload();
}

TEST(a_closed_enum_has_no_other_numbers_and_an_open_one_has)
{
    load(types);
    message("p.M", SLICE("\x68\x07"), "it is none of the values that are declared at /e (byte 0)");
    message("p.M", SLICE("\x08\x01\x72\x03\x01\x02\x03"), "it is none of the values that are declared at /es (byte 2)");
    message("p.M", SLICE("\xc8\x02\x00"), "it is none of the values that are declared at /far (byte 0)");
    unload();
    load(strict);
    fits("p.T", SLICE("\x10\x09"));
    unload();
}

TEST(a_string_is_utf8_where_its_file_asks_for_that)
{
    load(types);
    fits("p.M", SLICE("\xd2\x02\x02\xff\xfe"));
    unload();
    load(strict);
    fits("p.T", SLICE("\x0a\x0e"
                      "a\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 z"
                      "\x1a\x04\xf0\x9f\x98\x80"));
    message("p.T",
            SLICE("\x10\x01\x0a\x03"
                  "ab\xc3"),
            "the text is no UTF-8 at /s (byte 2)");
    message("p.T", SLICE("\x1a\x03\xed\xa0\x80"), "the text is no UTF-8 at /ss (byte 0)");
    message("p.T", SLICE("\x22\x08\x0a\x01k\x12\x03\x61\x80\x62"), "the text is no UTF-8 at /by/value (byte 5)");
    message("p.T", SLICE("\x2a\x05\x0a\x03\xf0\x9f\x98"), "the text is no UTF-8 at /t/s (byte 2)");
    unload();
}

TEST(what_is_no_protobuf_is_refused_with_its_place)
{
    load(types);
    message("p.M", SLICE("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"),
            "not protobuf: a varint of more than 64 bits at /a (byte 0)");
    message("p.M",
            SLICE("\x42\x05\x0a\x09"
                  "abc"),
            "not protobuf: a field is longer than the message around it, at /lines/sku (byte 2)");
    message("p.M",
            SLICE("\x32\x05"
                  "abc"),
            "not protobuf: the body ends within a field at / (byte 5)");
    message("p.M", SLICE("\x08"), "not protobuf: the body ends within a field at / (byte 0)");
    message("p.M", SLICE("\x7b"), "not protobuf: the body ends within a group at /g (byte 1)");
    message("p.M", SLICE("\x42\x03\x0a\x01"), "not protobuf: the body ends within a field at /lines (byte 4)");
    message("p.M", SLICE("\x0c"), "not protobuf: the end of a group that is not open at /1 (byte 0)");
    message("p.M", SLICE("\x42\x01\x2b"), "not protobuf: a group does not end in its message, at /lines/5 (byte 3)");
    message("p.M", SLICE("\x00\x01"), "not protobuf: field number 0 at / (byte 0)");
    message("p.M", SLICE("\x0f\x01"), "not protobuf: wire type 6 or 7 at /a (byte 0)");
    message("p.M", SLICE("\xff\xff\xff\xff\xff\x01"), "not protobuf: a key of more than 32 bits at / (byte 0)");
    unload();
}

/* M in M in M ... by field 16, each as long as what is in it. */
static void put_deep(struct buf *out, unsigned depth)
{
    struct buf inner, outer;
    buf_init(&inner, BUF_TEXT_BOUND);
    for (unsigned i = 0; i < depth; i++) {
        buf_init(&outer, BUF_TEXT_BOUND);
        pbwire_put_key(&outer, 16, PBWIRE_BYTES);
        pbwire_put_bytes(&outer, buf_slice(&inner));
        buf_fini(&inner);
        inner = outer;
    }
    buf_put(out, buf_slice(&inner));
    buf_fini(&inner);
}

TEST(a_message_is_no_deeper_than_128)
{
    struct buf body;
    load(types);
    buf_init(&body, BUF_TEXT_BOUND);
    put_deep(&body, 128);
    fits("p.M", buf_slice(&body));
    buf_clear(&body);
    put_deep(&body, 129);
    struct fit *f = fit_pb_new(pbmould_message(mould, SLICE("p.M")));
    CHECK_ERR(ERR_PEER, fit_feed(f, buf_slice(&body)));
    CHECK(slice_starts(slice_str(fit_fault(f)), SLICE("a message is deeper than 128, at /m/m/m")));
    fit_free(&f);
    buf_fini(&body);
    unload();
}

TEST(messages_of_a_stream_are_held_against_their_type_one_by_one)
{
    load(types);
    const struct pbmould_message *m = pbmould_response(mould, SLICE("p.S.Put"));
    struct slice good = SLICE("\0\0\0\0\x04\x0a\x02hi\0\0\0\0\x03\x0a\x01x");
    struct slice bad = SLICE("\0\0\0\0\x04\x0a\x02hi\0\0\0\0\0");
    for (size_t piece = 1; piece < 20; piece++) {
        struct fit *f = fit_grpc_new(m, 1000, NULL);
        hold(f, good, piece, NULL);
        fit_free(&f);
        f = fit_grpc_new(m, 1000, NULL);
        hold(f, bad, piece, "message 2: field \"sku\" is missing at / (byte 0)");
        CHECK_INT(14, (long)fit_offset(f));
        fit_free(&f);
        f = fit_grpc_new(m, 1000, NULL);
        hold(f, slice_to(good, 12), piece, "message 2: it ends too early");
        fit_free(&f);
        f = fit_grpc_new(m, 1000, NULL);
        hold(f, SLICE("\1\0\0\0\x01z"), piece, "message 1: it is compressed, in a way that cannot be undone");
        fit_free(&f);
    }
    struct fit *f = fit_grpc_new(m, 1000, NULL);
    hold(f, SLICE("\2\0"), 2, "message 1: not gRPC: a message begins with 0 or 1");
    fit_free(&f);
    unload();
}

TESTS_BEGIN()
TESTS_RUN(a_message_of_the_contract_fits)
TESTS_RUN(several_values_may_stand_in_one_run_or_one_by_one)
TESTS_RUN(a_required_field_is_missed_at_the_end_of_its_message)
TESTS_RUN(a_known_field_of_another_kind_is_refused_and_an_unknown_one_passes)
TESTS_RUN(a_closed_enum_has_no_other_numbers_and_an_open_one_has)
TESTS_RUN(a_string_is_utf8_where_its_file_asks_for_that)
TESTS_RUN(what_is_no_protobuf_is_refused_with_its_place)
TESTS_RUN(a_message_is_no_deeper_than_128)
TESTS_RUN(messages_of_a_stream_are_held_against_their_type_one_by_one)
TESTS_END()
