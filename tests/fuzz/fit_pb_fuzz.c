/* Bytes as messages of types of every kind, of proto2 or proto3 by the first of them.  Whole and byte by byte give the
 * same answer in the same words, and what fits is read by whoever reads leniently. */
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "contracts/import.h"
#include "contracts/pb/pbread.h"
#include "contracts/wire/fit_pb.h"

/* Lenient readers go less deep. */
enum { SHALLOW = 90 };

static const char *const types[] = {
    "syntax = \"proto2\"; package p; enum E { A = 1; B = 2; } "
    "message M { optional int32 a = 1; optional sint64 b = 2; optional fixed32 c = 3; optional double d = 4; "
    "optional string s = 5; optional bytes t = 6; repeated int64 ns = 7 [packed = true]; repeated M ms = 8; "
    "map<string, M> by = 9; map<bool, E> es = 10; oneof o { M x = 11; uint64 y = 12; } optional E e = 13; "
    "optional group G = 14 { optional bool z = 1; required float f = 2; } repeated E le = 40; } ",
    "syntax = \"proto3\"; package p; enum E { A = 0; B = 2; } "
    "message M { int32 a = 1; string s = 2; repeated string ss = 3; M m = 4; map<string, string> by = 5; "
    "repeated fixed64 fs = 6; repeated sint32 ns = 7; E e = 8; bytes t = 9; } ",
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

static struct contract *contracts[TYPES];
static struct pbmould *moulds[TYPES];

static void prepare(void)
{
    for (size_t i = 0; i < TYPES; i++) {
        struct diag diag;
        struct import_input in = {.format = IMPORT_PROTO, .name = "p.proto", .text = slice_str(types[i])};
        diag_init(&diag);
        POST(import_contract(&in, &diag, &contracts[i]) == ERR_OK);
        diag_fini(&diag);
        moulds[i] = pbmould_new(contracts[i]);
    }
}

static enum err held_against(const struct pbmould_message *m, struct slice body, size_t piece, struct buf *fault)
{
    struct fit *f = fit_pb_new(m);
    enum err e = ERR_OK;
    for (size_t at = 0; at < body.len && e == ERR_OK; at += piece)
        e = fit_feed(f, slice_to(slice_from(body, at), piece));
    if (e == ERR_OK)
        e = fit_finish(f);
    buf_put(fault, slice_str(fit_fault(f)));
    fit_free(&f);
    return e;
}

static void check_read(const struct pbmould_message *m, struct slice body)
{
    struct arena arena;
    struct pbread_message *read;
    struct pbread_fault fault;
    arena_init(&arena, 0);
    if (!pbread(m->type, body, &arena, &read, &fault))
        abort();
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, pieces;
    if (!moulds[0])
        prepare();
    if (size == 0)
        return 0;
    const struct pbmould_message *m = pbmould_message(moulds[data[0] % TYPES], SLICE("p.M"));
    struct slice body = slice_of(data + 1, size - 1);
    buf_init(&whole, BUF_TEXT_BOUND);
    buf_init(&pieces, BUF_TEXT_BOUND);
    enum err e = held_against(m, body, body.len + 1, &whole);
    if (held_against(m, body, 1, &pieces) != e || !slice_eq(buf_slice(&whole), buf_slice(&pieces)))
        abort();
    if (e == ERR_OK && body.len < SHALLOW)
        check_read(m, body);
    buf_fini(&whole);
    buf_fini(&pieces);
    return 0;
}
