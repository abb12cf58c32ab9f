/* What ten thousand bodies that are being adapted at once hold: each is stopped in the middle of a member. */
#include <malloc.h>
#include <stdio.h>

#include "base/mem.h"
#include "bench/kit.h"
#include "contracts/wire/rewrite.h"

enum { STREAMS = 10000, MOST = 400 << 20, OUT_BOUND = 1 << 20 };

static const char body[] =
    "{\"id\":\"o-17\",\"lines\":[{\"sku\":\"AB-1\",\"qty\":3,\"note\":\"leave it at the door\"},"
    "{\"weight\":{\"value\":2,\"unit\":\"kg\"},\"status\":\"NEW\",\"text\":\"a text that goes on in the next";

static struct plan *make_plan(void)
{
    struct plan *p = plan_new();
    const struct slice table[] = {SLICE("NEW"), SLICE("OPEN")};
    plan_add(p, &(struct plan_step){
                    .op = PLAN_RENAME, .path = SLICE("/lines/[]"), .from = SLICE("qty"), .to = SLICE("quantity")});
    plan_add(p,
             &(struct plan_step){
                 .op = PLAN_DEFAULT, .path = SLICE("/lines/[]"), .to = SLICE("currency"), .value = SLICE("\"EUR\"")});
    plan_add(p,
             &(struct plan_step){
                 .op = PLAN_ENUM, .path = SLICE("/lines/[]"), .from = SLICE("text"), .table = table, .table_count = 1});
    return p;
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    size_t count = k.quick ? STREAMS / 100 : STREAMS;
    struct plan *plan = make_plan();
    struct rewrite **streams = mem_array(count, sizeof(struct rewrite *));
    struct buf out;
    buf_init(&out, OUT_BOUND);
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < count; i++) {
        streams[i] = rewrite_json_new(plan, REWRITE_MAX_HOLD);
        buf_clear(&out);
        kit_must(rewrite_feed(streams[i], slice_of(body, sizeof(body) - 1), &out) == ERR_OK, "the front is rewritten");
    }
    size_t each = (mallinfo2().uordblks - before) / count;
    printf("{\"bench\":\"rewrite_streams\",\"streams\":%zu,\"bytes_each\":%zu}\n", count, each);
    kit_must(each * STREAMS < MOST, "ten thousand of them hold less than 400 MiB");
    for (size_t i = 0; i < count; i++)
        rewrite_free(&streams[i]);
    mem_free(streams);
    buf_fini(&out);
    plan_unref(&plan);
    return 0;
}
