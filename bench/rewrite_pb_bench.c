/* What a plan costs per protobuf body, beside protobuf-c, which parses, changes and prints.
 *
 * The plan is three renumbered fields, a default and a drop: once at the root, or in each of the lines. */
#include "base/mem.h"
#include "bench/kit.h"
#include "bench/rewrite_pb_body.h"
#include "contracts/wire/rewrite_pb.h"
#include "rewrite_pb_order.pb-c.h"

enum { OUT_BOUND = REWRITE_PB_BODY_BOUND, SMALL = 2 << 10, LARGE = 1 << 20, LINES_MOST = 20000 };

struct job {
    struct plan *plan;
    struct slice body;
    struct buf out;
};

static const char line_steps[] = "rename\t%s\t%d -> 11\nrename\t%s\t%d -> 12\nrename\t%s\t%d -> 16\n"
                                 "field\t%s\t8 string\ndefault\t%s\t8 = \"EUR\"\ndrop\t%s\t5\n";

static struct plan *plan_at(bool each)
{
    struct buf text;
    struct diag diag;
    struct plan *plan = NULL;
    buf_init(&text, OUT_BOUND);
    diag_init(&diag);
    buf_put(&text, SLICE("protobuf\t/\tbench.OldOrder\n"));
    buf_putf(&text, line_steps, "/", 2, "/", 3, "/", 4, "/", "/", "/");
    if (each) {
        buf_put(&text, SLICE("inside\t/\t6 -> /Line\n"));
        buf_putf(&text, line_steps, "/Line", 1, "/Line", 2, "/Line", 6, "/Line", "/Line", "/Line");
    }
    kit_must(plan_parse(buf_slice(&text), "bench", &diag, &plan) == ERR_OK, "the plan is one");
    diag_fini(&diag);
    buf_fini(&text);
    return plan;
}

static void rewrite_body(void *arg)
{
    struct job *j = arg;
    struct rewrite *r = rewrite_pb_new(j->plan, REWRITE_MAX_HOLD);
    buf_clear(&j->out);
    kit_must(rewrite_feed(r, j->body, &j->out) == ERR_OK && rewrite_finish(r, &j->out) == ERR_OK,
             "the body is rewritten");
    rewrite_free(&r);
}

static Bench__NewLine new_line(const Bench__OldLine *old)
{
    Bench__NewLine new = BENCH__NEW_LINE__INIT;
    new.article = old->sku;
    new.quantity = old->qty;
    new.price = old->price;
    new.title = old->title;
    new.remark = old->note;
    new.weight = old->weight;
    new.currency = (char *)(uintptr_t) "EUR";
    return new;
}

static void tree_body(void *arg)
{
    static Bench__NewLine lines[LINES_MOST];
    static Bench__NewLine *at[LINES_MOST];
    struct job *j = arg;
    Bench__OldOrder *old = bench__old_order__unpack(NULL, j->body.len, (const uint8_t *)j->body.at);
    kit_must(old && old->n_lines <= LINES_MOST, "the library reads the body");
    Bench__NewOrder new = BENCH__NEW_ORDER__INIT;
    new.id = old->id;
    new.article = old->sku;
    new.quantity = old->qty;
    new.remark = old->note;
    new.currency = (char *)(uintptr_t) "EUR";
    new.n_lines = old->n_lines;
    new.lines = at;
    for (size_t i = 0; i < old->n_lines; i++) {
        lines[i] = new_line(old->lines[i]);
        at[i] = &lines[i];
    }
    char *into;
    size_t size = bench__new_order__get_packed_size(&new);
    buf_clear(&j->out);
    kit_must(buf_room(&j->out, size, &into) == ERR_OK, "there is room");
    buf_wrote(&j->out, bench__new_order__pack(&new, (uint8_t *)into));
    bench__old_order__free_unpacked(old, NULL);
}

static void measure(const struct kit *k, const char *name, bool each, struct slice body)
{
    struct job j = {.plan = plan_at(each), .body = body};
    buf_init(&j.out, OUT_BOUND);
    kit_run(k, &(struct kit_case){.name = name, .bytes = body.len, .body = rewrite_body, .arg = &j});
    if (each) {
        /* Both make the same message. */
        struct buf ours = j.out;
        buf_init(&j.out, OUT_BOUND);
        tree_body(&j);
        kit_must(buf_len(&ours) == buf_len(&j.out), "both make a body of one size");
        buf_fini(&ours);
    }
    buf_fini(&j.out);
    plan_unref(&j.plan);
}

static void measure_tree(const struct kit *k, const char *name, struct slice body)
{
    struct job j = {.body = body};
    buf_init(&j.out, OUT_BOUND);
    kit_run(k, &(struct kit_case){.name = name, .bytes = body.len, .body = tree_body, .arg = &j});
    buf_fini(&j.out);
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    struct buf small, large;
    buf_init(&small, OUT_BOUND);
    buf_init(&large, OUT_BOUND);
    rewrite_pb_body_put(&small, SMALL);
    rewrite_pb_body_put(&large, LARGE);
    measure(&k, "rewrite_pb/2k_once", false, buf_slice(&small));
    measure(&k, "rewrite_pb/2k_each", true, buf_slice(&small));
    measure_tree(&k, "rewrite_pb/2k_each_protobuf_c", buf_slice(&small));
    measure(&k, "rewrite_pb/1m_once", false, buf_slice(&large));
    measure(&k, "rewrite_pb/1m_each", true, buf_slice(&large));
    measure_tree(&k, "rewrite_pb/1m_each_protobuf_c", buf_slice(&large));
    buf_fini(&small);
    buf_fini(&large);
    return 0;
}
