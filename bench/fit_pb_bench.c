/* What it costs to hold a protobuf body against its message, beside protobuf-c, which parses it. */
#include "bench/kit.h"
#include "bench/rewrite_pb_body.h"
#include "contracts/import.h"
#include "contracts/wire/fit_pb.h"
#include "rewrite_pb_order.pb-c.h"

enum { SMALL = 2 << 10, LARGE = 1 << 20 };

static const char types[] =
    "syntax = \"proto3\"; package bench; message OldLine { string sku = 1; int32 qty = 2; double price = 3; "
    "string title = 4; bool legacy = 5; string note = 6; int64 weight = 7; } message OldOrder { string id = 1; "
    "string sku = 2; int32 qty = 3; string note = 4; int32 legacy = 5; repeated OldLine lines = 6; } ";

struct job {
    const struct pbmould_message *message;
    struct slice body;
};

static void hold(void *arg)
{
    struct job *j = arg;
    struct fit *f = fit_pb_new(j->message);
    kit_must(fit_feed(f, j->body) == ERR_OK && fit_finish(f) == ERR_OK, "the body fits");
    fit_free(&f);
}

static void parse(void *arg)
{
    struct job *j = arg;
    Bench__OldOrder *order = bench__old_order__unpack(NULL, j->body.len, (const uint8_t *)j->body.at);
    kit_must(order != NULL, "the library reads the body");
    bench__old_order__free_unpacked(order, NULL);
}

static void measure(const struct kit *k, const char *const names[2], const struct pbmould_message *m, size_t bytes)
{
    struct buf body;
    buf_init(&body, REWRITE_PB_BODY_BOUND);
    rewrite_pb_body_put(&body, bytes);
    struct job j = {.message = m, .body = buf_slice(&body)};
    kit_run(k, &(struct kit_case){.name = names[0], .bytes = j.body.len, .body = hold, .arg = &j});
    kit_run(k, &(struct kit_case){.name = names[1], .bytes = j.body.len, .body = parse, .arg = &j});
    buf_fini(&body);
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    struct diag diag;
    struct contract *c;
    struct import_input in = {.format = IMPORT_PROTO, .name = "bench.proto", .text = slice_str(types)};
    diag_init(&diag);
    kit_must(import_contract(&in, &diag, &c) == ERR_OK, "the contract is read");
    struct pbmould *mould = pbmould_new(c);
    const struct pbmould_message *m = pbmould_message(mould, SLICE("bench.OldOrder"));
    measure(&k, (const char *const[]){"fit_pb/2k", "fit_pb/2k_protobuf_c"}, m, SMALL);
    measure(&k, (const char *const[]){"fit_pb/1m", "fit_pb/1m_protobuf_c"}, m, LARGE);
    pbmould_unref(&mould);
    contract_unref(&c);
    diag_fini(&diag);
    return 0;
}
