#include "tests/kit/t.h"
#include "contracts/import.h"
#include "contracts/wire/fit_pbjson.h"
#include "contracts/wire/pbmould.h"
#include "contracts/wire/rewrite_grpc.h"
#include "contracts/wire/rewrite_records.h"
#include "contracts/wire/transcode_known.h"
#include "contracts/wire/transcode_plan.h"

enum { HOLD = 4096, PIECES = 9 };

static const char types[] =
    "syntax = \"proto3\"; package p; import \"google/protobuf/struct.proto\"; enum E { A = 0; B = 2; } "
    "message Line { string sku = 1; int32 qty_sold = 2; } "
    "message M { int32 a = 1; int64 b = 2; double d = 3; string s = 4; bytes t = 5; E e = 6; repeated int32 ns = 7; "
    "repeated Line lines = 8; map<string, Line> by = 9; map<bool, E> flags = 10; oneof pay { string card = 11; "
    "Line line = 12; } optional int32 maybe = 13; google.protobuf.Timestamp at = 14; google.protobuf.Duration for = "
    "15; "
    "google.protobuf.Value any = 16; google.protobuf.Int64Value big = 17; google.protobuf.FieldMask mask = 18; "
    "google.protobuf.Any what = 19; google.protobuf.Struct rec = 20; uint64 u = 21; float f = 22; repeated E es = 23; "
    "string renamed = 24 [json_name = \"other\"]; google.protobuf.Empty none = 25; M m = 26; } ";
static const char two[] =
    "syntax = \"proto2\"; package p; enum E { A = 1; B = 2; } message M { required string id = 1; "
    "optional E e = 2; optional group G = 3 { optional int32 x = 1; } repeated E es = 4; } ";

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

static struct plan *plan_of(bool from_json, bool to_json)
{
    const struct pbmould_message *m = pbmould_message(mould, SLICE("p.M"));
    struct transcode_plan_end from = {from_json, mould, m}, to = {to_json, mould, m};
    return transcode_plan_new(NULL, &from, &to);
}

static enum err through(struct plan *plan, struct slice body, size_t piece, struct buf *out, struct buf *fault)
{
    struct rewrite *r = rewrite_records_new(plan, HOLD, REWRITE_WHOLE);
    enum err e = ERR_OK;
    for (size_t at = 0; at < body.len && e == ERR_OK; at += piece) {
        struct slice p = slice_to(slice_from(body, at), piece);
        char *copy = test_malloc(p.len);
        memcpy(copy, p.at, p.len);
        e = rewrite_feed(r, slice_of(copy, p.len), out);
        test_free(copy);
    }
    if (e == ERR_OK)
        e = rewrite_finish(r, out);
    buf_put(fault, slice_str(rewrite_fault(r)));
    rewrite_free(&r);
    return e;
}

/* However it is chopped.  `fault` NULL: it becomes `expected`. */
static void turned(bool from_json, bool to_json, struct slice body, struct slice expected, const char *fault)
{
    struct plan *plan = plan_of(from_json, to_json);
    for (size_t piece = 1; piece <= PIECES; piece++) {
        struct buf out, said;
        buf_init(&out, 1 << 20);
        buf_init(&said, BUF_TEXT_BOUND);
        enum err e = through(plan, body, piece < PIECES ? piece : body.len + 1, &out, &said);
        CHECK_TEXT(fault ? fault : "", buf_slice(&said));
        CHECK_ERR(fault ? ERR_PEER : ERR_OK, e);
        if (!fault)
            CHECK_SLICE(expected, buf_slice(&out));
        buf_fini(&out);
        buf_fini(&said);
    }
    plan_unref(&plan);
}

static void from_json(const char *body, struct slice expected)
{
    turned(true, false, slice_str(body), expected, NULL);
}

static void to_json(struct slice body, const char *expected)
{
    turned(false, true, body, slice_str(expected), NULL);
}

/* JSON through a message and back. */
static void settles(const char *body, const char *expected)
{
    turned(true, true, slice_str(body), slice_str(expected), NULL);
}

static void refused(const char *body, const char *fault)
{
    turned(true, false, slice_str(body), (struct slice){0}, fault);
}

static void unwritable(struct slice body, const char *fault)
{
    turned(false, true, body, (struct slice){0}, fault);
}

TEST(members_become_fields_by_either_name)
{
    load(types);
    from_json("{\"a\":-1,\"s\":\"hi\",\"lines\":[{\"qtySold\":3},{\"qty_sold\":4,\"sku\":\"x\"}],\"other\":\"o\"}",
              SLICE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x22\x02hi\x42\x02\x10\x03\x42\x05\x10\x04\x0a\x01x"
                    "\xc2\x01\x01o"));
    from_json("{}", SLICE(""));
    from_json(
        " {\"ns\":[1,2,300],\"by\":{\"k\":{}},\"flags\":{\"true\":\"B\",\"false\":0}} ",
        SLICE("\x3a\x04\x01\x02\xac\x02\x4a\x05\x0a\x01k\x12\x00\x52\x04\x08\x01\x10\x02\x52\x04\x08\x00\x10\x00"));
    unload();
}

TEST(fields_become_members)
{
    load(types);
    to_json(SLICE(""), "{}");
    to_json(SLICE("\x22\x02hi\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x42\x02\x10\x03\xc2\x01\x01o\x42\x00"),
            "{\"a\":-1,\"s\":\"hi\",\"lines\":[{\"qtySold\":3},{}],\"other\":\"o\"}");
    to_json(SLICE("\x38\x01\x3a\x03\x02\xac\x02\x38\x05"), "{\"ns\":[1,2,300,5]}");
    /* The last entry of a key counts, and of a field that is not repeated the last value. */
    to_json(SLICE("\x4a\x05\x0a\x01k\x12\x00\x4a\x08\x0a\x01k\x12\x03\x0a\x01z\x08\x01\x08\x07"),
            "{\"a\":7,\"by\":{\"k\":{\"sku\":\"z\"}}}");
    /* Of a message in two parts both count, unless the oneof had another field between. */
    to_json(SLICE("\x62\x03\x0a\x01z\x62\x02\x10\x05"), "{\"line\":{\"sku\":\"z\",\"qtySold\":5}}");
    to_json(SLICE("\x62\x03\x0a\x01z\x5a\x01"
                  "c\x62\x02\x10\x05"),
            "{\"line\":{\"qtySold\":5}}");
    to_json(SLICE("\x62\x00\x5a\x01"
                  "c"),
            "{\"card\":\"c\"}");
    /* What the message does not know, or knows as written otherwise, is left out. */
    to_json(SLICE("\xf8\x06\x01\x0a\x01x\x68\x00\x08\x00\xfb\x06\x08\x01\xfc\x06"), "{\"maybe\":0}");
    unload();
}

TEST(values_have_the_json_of_protobuf)
{
    load(types);
    settles(
        "{\"b\":\"9007199254740993\",\"u\":18446744073709551615,\"d\":1e2,\"f\":0.1,\"t\":\"_-8\",\"e\":\"B\"}",
        "{\"b\":\"9007199254740993\",\"d\":100,\"t\":\"/+8=\",\"e\":\"B\",\"u\":\"18446744073709551615\",\"f\":0.1}");
    settles("{\"a\":1e2,\"b\":\"-5\",\"d\":\"Infinity\",\"f\":\"NaN\",\"e\":7,\"es\":[\"A\",9]}",
            "{\"a\":100,\"b\":\"-5\",\"d\":\"Infinity\",\"e\":7,\"f\":\"NaN\",\"es\":[\"A\",9]}");
    settles("{\"a\":0,\"s\":\"\",\"maybe\":0,\"card\":\"\",\"m\":{}}", "{\"card\":\"\",\"maybe\":0,\"m\":{}}");
    settles("{\"a\":null,\"lines\":null,\"any\":null,\"s\":\"\\u00e9\\n\\\"\"}",
            "{\"s\":\"\xc3\xa9\\n\\\"\",\"any\":null}");
    settles("{\"at\":\"2024-02-29T13:00:00.5+01:00\",\"for\":\"-1.5s\",\"big\":\"7\",\"mask\":\"a,fooBar.b\"}",
            "{\"at\":\"2024-02-29T12:00:00.500Z\",\"for\":\"-1.500s\",\"big\":\"7\",\"mask\":\"a,fooBar.b\"}");
    settles("{\"any\":{\"x\":[1,null,{\"y\":true}],\"z\":\"s\"},\"rec\":{\"k\":[]},\"none\":{\"no\":1}}",
            "{\"any\":{\"x\":[1,null,{\"y\":true}],\"z\":\"s\"},\"rec\":{\"k\":[]},\"none\":{}}");
    unload();
}

TEST(a_member_that_is_not_known_is_left_out_with_all_that_is_in_it)
{
    load(types);
    settles("{\"x\":{\"a\":[1,{\"b\":null}]},\"a\":1,\"y\":\"s\"}", "{\"a\":1}");
    unload();
}

TEST(what_has_no_like_is_refused_with_its_path)
{
    load(types);
    refused("{\"a\":2147483648}", "a whole number of 32 bits is expected at /a");
    refused("{\"a\":1.5}", "a whole number of 32 bits is expected at /a");
    refused("{\"u\":-1}", "a whole number of 64 bits that is not negative is expected at /u");
    refused("{\"f\":1e39}", "a number that a float holds is expected at /f");
    refused("{\"s\":1}", "a string is expected at /s");
    refused("{\"t\":\"a\"}", "base64 is expected at /t");
    refused("{\"e\":\"C\"}", "a value that the enum has is expected at /e");
    refused("{\"lines\":[{},null]}", "no null is expected at /lines/[1]");
    refused("{\"lines\":{}}", "an array is expected at /lines");
    refused("{\"lines\":[{\"sku\":\"a\"},{\"sku\":true}]}", "a string is expected at /lines/[1]/sku");
    refused("{\"flags\":{\"yes\":\"A\"}}", "true or false is expected at /flags/yes");
    refused("{\"card\":\"c\",\"line\":{}}", "the oneof \"pay\" has another member already, at /line");
    refused("{\"a\":1,\"a\":2}", "duplicate member \"a\" at /a");
    refused("{\"lines\":[{\"qtySold\":1,\"qty_sold\":1}]}", "duplicate member \"qty_sold\" at /lines/[0]/qty_sold");
    refused("{\"at\":\"2023-02-29T00:00:00Z\"}", "a time like \"2001-02-03T04:05:06Z\" is expected at /at");
    refused("{\"what\":{}}", "google.protobuf.Any has no JSON here, its type is not known, at /what");
    refused("[]", "an object is expected at /");
    unload();
}

TEST(json_is_held_against_a_message_and_nothing_is_kept)
{
    static const char good[] =
        "{\"lines\":[{\"qtySold\":1},{\"no\":{}}],\"any\":[1,{\"x\":null}],\"ns\":[1,2],\"by\":{\"k\":{}}}";
    static const char bad[] = "{\"lines\":[{\"qtySold\":1},{\"qtySold\":\"x\"}]}";
    load(types);
    const struct pbmould_message *m = pbmould_message(mould, SLICE("p.M"));
    for (size_t piece = 1; piece <= PIECES; piece++) {
        struct fit *f = fit_pbjson_new(mould, m, 16);
        for (size_t at = 0; at < sizeof(good) - 1; at += piece)
            CHECK_ERR(ERR_OK, fit_feed(f, slice_to(slice_from(slice_str(good), at), piece)));
        CHECK_ERR(ERR_OK, fit_finish(f));
        fit_free(&f);
    }
    struct fit *f = fit_pbjson_new(mould, m, 16);
    CHECK_ERR(ERR_PEER, fit_feed(f, slice_str(bad)));
    CHECK_TEXT("a whole number of 32 bits is expected at /lines/[1]/qtySold (byte 35)", slice_str(fit_fault(f)));
    fit_free(&f);
    unload();
}

TEST(what_has_no_json_is_refused)
{
    load(types);
    unwritable(SLICE("\x22\x01\xff"), "the text is no UTF-8 at /s");
    unwritable(SLICE("\x42\x02\x08"), "not protobuf: a field or a group does not end in its message, at /");
    unwritable(SLICE("\x72\x07\x08\xff\xff\xff\xff\xff\x7f"),
               "the time is out of the range that JSON has for it, at /at");
    unwritable(SLICE("\x9a\x01\x00"), "google.protobuf.Any has no JSON here, its type is not known, at /what");
    unwritable(SLICE("\x82\x01\x00"), "a value has no kind, at /any");
    unload();
}

TEST(required_fields_and_closed_enums_count_in_both_directions)
{
    load(two);
    refused("{\"e\":\"A\"}", "member \"id\" is missing at /");
    refused("{\"id\":\"x\",\"e\":3}", "a value that the enum has is expected at /e");
    settles("{\"id\":\"x\",\"g\":{\"x\":5},\"es\":[\"B\"]}", "{\"id\":\"x\",\"g\":{\"x\":5},\"es\":[\"B\"]}");
    unwritable(SLICE("\x10\x01"), "a required field is missing, at /id");
    to_json(SLICE("\x0a\x01x\x20\x07\x22\x00"), "{\"id\":\"x\"}");
    to_json(SLICE("\x0a\x01x\x10\x07\x20\x07\x20\x02\x1b\x08\x05\x1c"),
            "{\"id\":\"x\",\"g\":{\"x\":5},\"es\":[\"B\"]}");
    unload();
}

TEST(a_small_message_does_not_become_a_huge_text)
{
    struct buf types_text, body, out, fault;
    buf_init(&types_text, BUF_TEXT_BOUND);
    buf_init(&body, BUF_TEXT_BOUND);
    buf_init(&out, 64 << 20);
    buf_init(&fault, BUF_TEXT_BOUND);
    buf_put(&types_text, SLICE("syntax = \"proto3\"; package p; enum E { "));
    for (unsigned i = 0; i < 2000; i++)
        buf_put_char(&types_text, 'L');
    buf_put(&types_text, SLICE(" = 0; } message M { repeated E es = 1; }"));
    load(buf_text(&types_text));
    buf_put(&body, SLICE("\x0a\xe8\x07"));
    for (unsigned i = 0; i < 1000; i++)
        buf_put_char(&body, 0);
    struct plan *plan = plan_of(false, true);
    CHECK_ERR(ERR_FULL, through(plan, buf_slice(&body), 100000, &out, &fault));
    CHECK_TEXT("the message grows out of proportion at /es", buf_slice(&fault));
    plan_unref(&plan);
    unload();
    buf_fini(&types_text);
    buf_fini(&body);
    buf_fini(&out);
    buf_fini(&fault);
}

static void framed(bool from_json_, bool to_json_, struct rewrite_grpc_ends ends, struct slice body,
                   struct slice expected, const char *fault)
{
    struct plan *plan = plan_of(from_json_, to_json_);
    for (size_t piece = 1; piece <= PIECES; piece++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        struct rewrite *r = rewrite_grpc_new(plan, HOLD, NULL, ends);
        enum err e = ERR_OK;
        for (size_t at = 0; at < body.len && e == ERR_OK; at += piece)
            e = rewrite_feed(r, slice_to(slice_from(body, at), piece), &out);
        if (e == ERR_OK)
            e = rewrite_finish(r, &out);
        CHECK_TEXT(fault ? fault : "", slice_str(rewrite_fault(r)));
        CHECK_ERR(fault ? ERR_PEER : ERR_OK, e);
        if (!fault)
            CHECK_SLICE(expected, buf_slice(&out));
        rewrite_free(&r);
        buf_fini(&out);
    }
    plan_unref(&plan);
}

TEST(a_text_is_framed_for_grpc_and_a_message_is_unframed)
{
    struct rewrite_grpc_ends into = {REWRITE_GRPC_ALONE, REWRITE_GRPC_FRAMED};
    struct rewrite_grpc_ends out_of = {REWRITE_GRPC_FRAMED, REWRITE_GRPC_ALONE};
    load(types);
    framed(true, false, into, SLICE("{\"a\":5}"), SLICE("\0\0\0\0\x02\x08\x05"), NULL);
    framed(true, false, into, SLICE("{\"a\":x}"), (struct slice){0}, "a value is expected here at /a");
    framed(false, true, out_of, SLICE("\0\0\0\0\x02\x08\x05"), SLICE("{\"a\":5}"), NULL);
    framed(false, true, out_of, SLICE("\0\0\0\0\0\0\0\0\0\0"), (struct slice){0},
           "message 2: only one message is expected");
    framed(false, true, out_of, SLICE(""), (struct slice){0}, "message 1: there is no message");
    unload();
}

TEST(lines_of_json_are_messages_and_messages_are_lines)
{
    struct rewrite_grpc_ends into = {REWRITE_GRPC_LINES, REWRITE_GRPC_FRAMED};
    struct rewrite_grpc_ends out_of = {REWRITE_GRPC_FRAMED, REWRITE_GRPC_LINES};
    load(types);
    framed(true, false, into, SLICE("{\"a\":5}\n\n\r\n{}"), SLICE("\0\0\0\0\x02\x08\x05\0\0\0\0\0"), NULL);
    framed(true, false, into, SLICE("{}\n{\"a\":\"x\"}\n"), (struct slice){0},
           "message 2: a whole number of 32 bits is expected at /a");
    framed(false, true, out_of, SLICE("\0\0\0\0\x02\x08\x05\0\0\0\0\0"), SLICE("{\"a\":5}\n{}\n"), NULL);
    framed(false, true, out_of, SLICE(""), SLICE(""), NULL);
    unload();
}

TEST(a_plan_with_transcode_is_read_as_it_was_written)
{
    static const char text[] = "transcode\t/\tjson -> protobuf p.M, unknown refused\tpartial\n"
                               "then\t/\t\tlossless\nprotobuf\t/\tp.M\tlossless\nrename\t/\t1 -> 2\tlossless\n"
                               "then\t/\t\tlossless\ntranscode\t/\tprotobuf -> json p.M\tpartial\n";
    struct diag diag;
    struct plan *plan;
    struct buf again;
    diag_init(&diag);
    buf_init(&again, BUF_TEXT_BOUND);
    CHECK_ERR(ERR_OK, plan_parse(slice_str(text), "p", &diag, &plan));
    plan_put(plan, &again);
    CHECK_TEXT(text, buf_slice(&again));
    CHECK(plan_reads_json(plan) && plan_writes_json(plan) && transcode_plan_lacks_types(plan));
    load(types);
    CHECK_ERR(ERR_OK, plan_set_types(plan, 0, mould));
    CHECK_ERR(ERR_OK, plan_set_types(plan, 5, mould));
    CHECK(!transcode_plan_lacks_types(plan));
    plan_unref(&plan);
    CHECK_ERR(ERR_INPUT, plan_parse(SLICE("protobuf\t/\tM\ntranscode\t/\tprotobuf -> json M\n"), "p", &diag, &plan));
    CHECK_ERR(ERR_INPUT, plan_parse(SLICE("rename\t/\ta -> b\ntranscode\t/\tjson -> protobuf M\n"), "p", &diag, &plan));
    CHECK_ERR(ERR_INPUT, plan_parse(SLICE("transcode\t/\tjson -> json M\n"), "p", &diag, &plan));
    unload();
    buf_fini(&again);
    diag_fini(&diag);
}

static void time_settles(const char *text, const char *expected)
{
    struct transcode_known_time time;
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    bool fine = transcode_known_read_time(slice_str(text), &time) && transcode_known_put_time(&time, &out);
    CHECK_TEXT(expected ? expected : "", fine ? buf_slice(&out) : SLICE(""));
    buf_fini(&out);
}

TEST(times_are_those_of_the_calendar)
{
    time_settles("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z");
    time_settles("0001-01-01T00:00:00.000000001Z", "0001-01-01T00:00:00.000000001Z");
    time_settles("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z");
    time_settles("2000-02-29T23:30:00-01:00", "2000-03-01T00:30:00Z");
    time_settles("1900-02-29T00:00:00Z", NULL);
    time_settles("0001-01-01T00:00:00+01:00", NULL);
    time_settles("2000-01-01T24:00:00Z", NULL);
    time_settles("2000-01-01T00:00:00.Z", NULL);
    time_settles("2000-01-01T00:00:00", NULL);
    time_settles("2000-01-01t00:00:00Z", NULL);
}

TESTS_BEGIN()
TESTS_RUN(members_become_fields_by_either_name)
TESTS_RUN(fields_become_members)
TESTS_RUN(values_have_the_json_of_protobuf)
TESTS_RUN(a_member_that_is_not_known_is_left_out_with_all_that_is_in_it)
TESTS_RUN(what_has_no_like_is_refused_with_its_path)
TESTS_RUN(json_is_held_against_a_message_and_nothing_is_kept)
TESTS_RUN(what_has_no_json_is_refused)
TESTS_RUN(required_fields_and_closed_enums_count_in_both_directions)
TESTS_RUN(a_small_message_does_not_become_a_huge_text)
TESTS_RUN(a_text_is_framed_for_grpc_and_a_message_is_unframed)
TESTS_RUN(lines_of_json_are_messages_and_messages_are_lines)
TESTS_RUN(a_plan_with_transcode_is_read_as_it_was_written)
TESTS_RUN(times_are_those_of_the_calendar)
TESTS_END()
