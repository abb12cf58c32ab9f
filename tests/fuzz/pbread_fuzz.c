/* Bytes as messages of types of every kind: what is read is printed, written as JSON, and read again from that. */
#include <stdint.h>

#include "base/check.h"
#include "contracts/import.h"
#include "contracts/pb/pbjson.h"
#include "contracts/pb/pbprint.h"
#include "contracts/pb/pbsame.h"

static const char types[] =
    "syntax = \"proto2\"; package p; enum E { A = 1; B = 2; } "
    "message M { optional int32 a = 1; optional sint64 b = 2; optional fixed32 c = 3; optional double d = 4; "
    "optional string s = 5; optional bytes t = 6; repeated int64 ns = 7 [packed = true]; repeated M ms = 8; "
    "map<string, M> by = 9; map<bool, E> es = 10; oneof o { M x = 11; uint64 y = 12; } optional E e = 13; "
    "optional group G = 14 { optional bool z = 1; required float f = 2; } } ";

static struct contract *contract;
static struct pbtype pb;
static struct arena kept;

static void prepare(void)
{
    struct diag diag;
    struct import_input in = {.format = IMPORT_PROTO, .name = "p.proto", .text = slice_str(types)};
    diag_init(&diag);
    POST(import_contract(&in, &diag, &contract) == ERR_OK);
    diag_fini(&diag);
    arena_init(&kept, 0);
    pbtype_init(&pb, contract, contract, &kept);
}

static void again(const struct pbread_message *m, struct arena *arena)
{
    struct buf text;
    const struct json_value *value;
    struct pbread_message *read = NULL;
    struct pbread_fault fault;
    buf_init(&text, BUF_TEXT_BOUND);
    pbprint(m, &text);
    buf_clear(&text);
    if (pbjson_put(m, &text) && json_value_read(buf_slice(&text), arena, &value) == ERR_OK)
        (void)pbjson_read(m->type, value, arena, &read, &fault);
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct pbread_message *m = NULL;
    struct pbread_fault fault;
    struct pbsame_difference difference;
    const struct pbtype_field *outer;
    if (!contract)
        prepare();
    arena_init(&arena, 0);
    if (pbread(pbtype_message(&pb, SLICE("p.M")), slice_of(data, size), &arena, &m, &fault)) {
        again(m, &arena);
        (void)pbsame(m, m, &difference, &outer);
    } else {
        POST(fault.why);
    }
    arena_fini(&arena);
    return 0;
}
