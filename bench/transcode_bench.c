/* What it costs to make JSON of a protobuf body, and protobuf of that JSON. */
#include "bench/kit.h"
#include "bench/rewrite_pb_body.h"
#include "contracts/import.h"
#include "contracts/wire/rewrite_records.h"
#include "contracts/wire/transcode_plan.h"

enum { SMALL = 2 << 10, LARGE = 1 << 20, HOLD = 8 << 20, OUT_BOUND = 32 << 20 };

static const char types[] =
    "syntax = \"proto3\"; package bench; message OldLine { string sku = 1; int32 qty = 2; double price = 3; "
    "string title = 4; bool legacy = 5; string note = 6; int64 weight = 7; } message OldOrder { string id = 1; "
    "string sku = 2; int32 qty = 3; string note = 4; int32 legacy = 5; repeated OldLine lines = 6; } ";

struct job {
    struct plan *plan;
    struct slice body;
    struct buf out;
};

static void turn(void *arg)
{
    struct job *j = arg;
    struct rewrite *r = rewrite_records_new(j->plan, HOLD, REWRITE_WHOLE);
    buf_clear(&j->out);
    kit_must(rewrite_feed(r, j->body, &j->out) == ERR_OK && rewrite_finish(r, &j->out) == ERR_OK, "the body is turned");
    rewrite_free(&r);
}

static void measure(const struct kit *k, const char *const names[2], struct plan *const plans[2], size_t bytes)
{
    struct buf body;
    buf_init(&body, REWRITE_PB_BODY_BOUND);
    rewrite_pb_body_put(&body, bytes);
    struct job there = {.plan = plans[0], .body = buf_slice(&body)}, back = {.plan = plans[1]};
    buf_init(&there.out, OUT_BOUND);
    buf_init(&back.out, OUT_BOUND);
    kit_run(k, &(struct kit_case){.name = names[0], .bytes = there.body.len, .body = turn, .arg = &there});
    back.body = buf_slice(&there.out);
    kit_run(k, &(struct kit_case){.name = names[1], .bytes = back.body.len, .body = turn, .arg = &back});
    kit_must(slice_eq(buf_slice(&back.out), there.body), "it comes back as it was");
    buf_fini(&there.out);
    buf_fini(&back.out);
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
    struct transcode_plan_end json = {true, mould, m}, bytes = {false, mould, m};
    struct plan *plans[2] = {transcode_plan_new(NULL, &bytes, &json), transcode_plan_new(NULL, &json, &bytes)};
    measure(&k, (const char *const[]){"transcode/2k_to_json", "transcode/2k_from_json"}, plans, SMALL);
    measure(&k, (const char *const[]){"transcode/1m_to_json", "transcode/1m_from_json"}, plans, LARGE);
    plan_unref(&plans[0]);
    plan_unref(&plans[1]);
    pbmould_unref(&mould);
    contract_unref(&c);
    diag_fini(&diag);
    return 0;
}
