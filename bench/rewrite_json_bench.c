/* What a plan costs per body: none of it applies, a small order, a long list of orders. */
#include "base/mem.h"
#include "bench/kit.h"
#include "contracts/wire/rewrite.h"

enum { OUT_BOUND = 8 << 20, LINES = 1000 };

struct job {
    struct plan *plan;
    struct slice body;
    struct buf out;
};

static struct plan *plan_of(const char *path)
{
    struct plan *p = plan_new();
    plan_add(p, &(struct plan_step){
                    .op = PLAN_RENAME, .path = slice_str(path), .from = SLICE("qty"), .to = SLICE("quantity")});
    plan_add(p, &(struct plan_step){
                    .op = PLAN_DEFAULT, .path = slice_str(path), .to = SLICE("currency"), .value = SLICE("\"EUR\"")});
    return p;
}

static void body(void *arg)
{
    struct job *j = arg;
    struct rewrite *r = rewrite_json_new(j->plan, REWRITE_MAX_HOLD);
    buf_clear(&j->out);
    kit_must(rewrite_feed(r, j->body, &j->out) == ERR_OK && rewrite_finish(r, &j->out) == ERR_OK,
             "the body is rewritten");
    rewrite_free(&r);
}

static void measure(const struct kit *k, const char *name, const char *path, struct slice text)
{
    struct job j = {.plan = plan_of(path), .body = text};
    buf_init(&j.out, OUT_BOUND);
    kit_run(k, &(struct kit_case){.name = name, .bytes = text.len, .body = body, .arg = &j});
    buf_fini(&j.out);
    plan_unref(&j.plan);
}

static void put_lines(struct buf *out)
{
    buf_put(out, SLICE("{\"lines\":["));
    for (int i = 0; i < LINES; i++)
        buf_putf(out, "%s{\"sku\":\"AB-%d\",\"qty\":%d,\"note\":\"leave it at the door, ring twice\"}", i ? "," : "", i,
                 i % 10);
    buf_put(out, SLICE("]}"));
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    struct buf lines;
    buf_init(&lines, OUT_BOUND);
    put_lines(&lines);
    measure(&k, "rewrite_json/small", "/", SLICE("{\"sku\": \"AB-1\", \"qty\": 3}"));
    measure(&k, "rewrite_json/list", "/lines/[]", buf_slice(&lines));
    measure(&k, "rewrite_json/untouched", "/elsewhere", buf_slice(&lines));
    buf_fini(&lines);
    return 0;
}
