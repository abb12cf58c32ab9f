/* What a plan costs per body, beside a library that parses, changes and prints (jansson, where it is installed).
 *
 * The plan is three renames, a default and a drop: once at the root, or in each of the lines. */
#include "base/mem.h"
#include "bench/kit.h"
#include "bench/rewrite_json_tree.h"
#include "contracts/wire/rewrite.h"

enum { OUT_BOUND = 8 << 20, SMALL = 2 << 10, LARGE = 1 << 20 };

struct job {
    struct plan *plan;
    struct slice body;
    bool each;
    struct buf out;
};

static void add(struct plan *p, enum plan_op op, const char *path, const char *from, const char *to, const char *value)
{
    plan_add(p, &(struct plan_step){.op = op,
                                    .path = slice_str(path),
                                    .from = slice_str(from),
                                    .to = slice_str(to),
                                    .value = slice_str(value)});
}

static struct plan *plan_at(const char *path)
{
    struct plan *p = plan_new();
    add(p, PLAN_RENAME, path, "sku", "article", NULL);
    add(p, PLAN_RENAME, path, "qty", "quantity", NULL);
    add(p, PLAN_RENAME, path, "note", "remark", NULL);
    add(p, PLAN_DEFAULT, path, NULL, "currency", "\"EUR\"");
    add(p, PLAN_DROP, path, "legacy", NULL, NULL);
    return p;
}

static void rewrite_body(void *arg)
{
    struct job *j = arg;
    struct rewrite *r = rewrite_json_new(j->plan, REWRITE_MAX_HOLD);
    buf_clear(&j->out);
    kit_must(rewrite_feed(r, j->body, &j->out) == ERR_OK && rewrite_finish(r, &j->out) == ERR_OK,
             "the body is rewritten");
    rewrite_free(&r);
}

static void tree_body(void *arg)
{
    struct job *j = arg;
    kit_must(rewrite_json_tree(j->body, j->each), "the library changes the body");
}

static void measure(const struct kit *k, const char *name, const char *path, struct slice text)
{
    struct job j = {.plan = plan_at(path), .body = text};
    buf_init(&j.out, OUT_BOUND);
    kit_run(k, &(struct kit_case){.name = name, .bytes = text.len, .body = rewrite_body, .arg = &j});
    buf_fini(&j.out);
    plan_unref(&j.plan);
}

static void measure_tree(const struct kit *k, const char *name, bool each, struct slice text)
{
    struct job j = {.body = text, .each = each};
    if (rewrite_json_tree_known())
        kit_run(k, &(struct kit_case){.name = name, .bytes = text.len, .body = tree_body, .arg = &j});
}

static void put_line(struct buf *out, unsigned i)
{
    buf_putf(
        out,
        "{\"sku\":\"AB-%u\",\"qty\":%u,\"price\":%u.50,\"title\":\"A lamp for the desk, brass and green glass\","
        "\"legacy\":false,\"weight\":{\"value\":%u,\"unit\":\"kg\"},\"note\":\"leave it at the door, ring twice\"}",
        i, i % 10, i % 100, i % 7);
}

/* An order of about so many bytes. */
static void put_order(struct buf *out, size_t bytes)
{
    buf_put(out, SLICE("{\"id\":\"o-17\",\"sku\":\"-\",\"qty\":1,\"note\":\"-\",\"legacy\":1,\"lines\":["));
    for (unsigned i = 0; buf_len(out) < bytes; i++) {
        if (i)
            buf_put_char(out, ',');
        put_line(out, i);
    }
    buf_put(out, SLICE("]}"));
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    struct buf small, large;
    buf_init(&small, OUT_BOUND);
    buf_init(&large, OUT_BOUND);
    put_order(&small, SMALL);
    put_order(&large, LARGE);
    measure(&k, "rewrite_json/2k_once", "/", buf_slice(&small));
    measure(&k, "rewrite_json/2k_each", "/lines/[]", buf_slice(&small));
    measure_tree(&k, "rewrite_json/2k_each_jansson", true, buf_slice(&small));
    measure(&k, "rewrite_json/1m_once", "/", buf_slice(&large));
    measure(&k, "rewrite_json/1m_each", "/lines/[]", buf_slice(&large));
    measure_tree(&k, "rewrite_json/1m_once_jansson", false, buf_slice(&large));
    measure_tree(&k, "rewrite_json/1m_each_jansson", true, buf_slice(&large));
    measure(&k, "rewrite_json/1m_untouched", "/elsewhere", buf_slice(&large));
    buf_fini(&small);
    buf_fini(&large);
    return 0;
}
