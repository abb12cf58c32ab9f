/* Bytes as JSON and as a message of types of every kind, of proto2 or proto3 by the first of them.  Whole and byte by
 * byte give the same; what comes out goes back, and comes out the same then. */
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "contracts/import.h"
#include "contracts/wire/json_tok.h"
#include "contracts/wire/rewrite_records.h"
#include "contracts/wire/transcode_plan.h"
#include "tests/fuzz/plan_and_body.h"

enum { HOLD = 1 << 16, OUT_MOST = 1 << 22 };

static const char *const types[] = {
    "syntax = \"proto2\"; package p; enum E { A = 1; B = 2; } "
    "message M { optional int32 a = 1; optional sint64 b = 2; optional fixed32 c = 3; optional double d = 4; "
    "optional string s = 5; optional bytes t = 6; repeated int64 ns = 7 [packed = true]; repeated M ms = 8; "
    "map<string, M> by = 9; map<bool, E> es = 10; oneof o { M x = 11; uint64 y = 12; } optional E e = 13; "
    "optional group G = 14 { optional bool z = 1; required float f = 2; } repeated E le = 40; } ",
    "syntax = \"proto3\"; package p; import \"google/protobuf/struct.proto\"; enum E { A = 0; B = 2; } "
    "message M { int32 a = 1; string s = 2; repeated string ss = 3; M m = 4; map<int64, google.protobuf.Value> by = 5; "
    "repeated fixed64 fs = 6; float f = 7; E e = 8; bytes t = 9; google.protobuf.Timestamp at = 10; "
    "google.protobuf.Duration for = 11; google.protobuf.FieldMask mask = 12; google.protobuf.Struct rec = 13; "
    "google.protobuf.DoubleValue w = 14; google.protobuf.Value any = 15; oneof o { int64 i = 16; M j = 17; } } ",
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

static struct contract *contracts[TYPES];
static struct plan *into[TYPES], *out_of[TYPES];

static void prepare(void)
{
    for (size_t i = 0; i < TYPES; i++) {
        struct diag diag;
        struct import_input in = {.format = IMPORT_PROTO, .name = "p.proto", .text = slice_str(types[i])};
        diag_init(&diag);
        POST(import_contract(&in, &diag, &contracts[i]) == ERR_OK);
        diag_fini(&diag);
        struct pbmould *mould = pbmould_new(contracts[i]);
        const struct pbmould_message *m = pbmould_message(mould, SLICE("p.M"));
        struct transcode_plan_end json = {true, mould, m}, bytes = {false, mould, m};
        into[i] = transcode_plan_new(NULL, &json, &bytes);
        out_of[i] = transcode_plan_new(NULL, &bytes, &json);
        pbmould_unref(&mould);
    }
}

static enum err apply(struct plan *plan, struct slice body, size_t piece, struct buf *out)
{
    return plan_and_body_rewrite(rewrite_records_new(plan, HOLD, REWRITE_WHOLE), body, piece, out);
}

/* Once there, it goes back and there again without a change. */
static void check(struct plan *there, struct plan *back, struct slice body)
{
    struct buf whole, pieces, returned, again;
    buf_init(&whole, OUT_MOST);
    buf_init(&pieces, OUT_MOST);
    buf_init(&returned, OUT_MOST);
    buf_init(&again, OUT_MOST);
    enum err e = apply(there, body, body.len + 1, &whole);
    if (apply(there, body, 1, &pieces) != e || (e == ERR_OK && !slice_eq(buf_slice(&whole), buf_slice(&pieces))))
        abort();
    if (e == ERR_OK && plan_writes_json(there) && !json_tok_whole(buf_slice(&whole)))
        abort();
    if (e == ERR_OK && apply(back, buf_slice(&whole), body.len + 1, &returned) == ERR_OK &&
        apply(there, buf_slice(&returned), body.len + 1, &again) == ERR_OK && plan_writes_json(there) &&
        !slice_eq(buf_slice(&whole), buf_slice(&again)))
        abort();
    buf_fini(&whole);
    buf_fini(&pieces);
    buf_fini(&returned);
    buf_fini(&again);
}

/* Lines of JSON, and the messages of a stream: chopping changes nothing, and what went out before a fault is a part. */
static void check_stream(struct plan *plan, enum rewrite_framing framing, struct slice body)
{
    struct buf whole, pieces;
    buf_init(&whole, OUT_MOST);
    buf_init(&pieces, OUT_MOST);
    enum err e = plan_and_body_rewrite(rewrite_records_new(plan, HOLD, framing), body, body.len + 1, &whole);
    if (plan_and_body_rewrite(rewrite_records_new(plan, HOLD, framing), body, 1, &pieces) != e)
        abort();
    if (e == ERR_OK && !slice_eq(buf_slice(&whole), buf_slice(&pieces)))
        abort();
    buf_fini(&whole);
    buf_fini(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!into[0])
        prepare();
    if (size == 0)
        return 0;
    size_t i = data[0] % TYPES;
    struct slice body = slice_of(data + 1, size - 1);
    check(into[i], out_of[i], body);
    check(out_of[i], into[i], body);
    check_stream(into[i], REWRITE_LINES, body);
    check_stream(out_of[i], REWRITE_GRPC, body);
    return 0;
}
