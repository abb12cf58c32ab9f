/* What a verdict costs: the examples, and a generated pair of many operations.  Run it in the root of the tree. */
#include <stdio.h>

#include "bench/kit.h"
#include "contracts/verdict.h"

enum { OPERATIONS = 500, OPERATIONS_QUICK = 20, TEXT_BOUND = 1 << 20 };

struct pair {
    struct contract *consumer, *provider;
};

static void body(void *arg)
{
    struct pair *p = arg;
    struct verdict *v = verdict_compute(p->consumer, p->provider);
    kit_must(!verdict_hit_limit(v), "the verdict comes within the limits");
    verdict_unref(&v);
}

static void measure(const struct kit *k, const char *name, struct pair *p)
{
    kit_run(k, &(struct kit_case){.name = name, .body = body, .arg = p});
    contract_unref(&p->consumer);
    contract_unref(&p->provider);
}

static struct contract *read(const char *path)
{
    struct diag diag;
    struct contract *c;
    diag_init(&diag);
    kit_must(contract_read(path, &diag, &c) == ERR_OK, path);
    diag_fini(&diag);
    return c;
}

static void put_operation(struct buf *out, int i, bool newer)
{
    buf_putf(out, "operation(\"op%d\").\nhttp(\"op%d\", \"POST\", \"/op/%d\").\n", i, i, i);
    buf_putf(out, "request(\"op%d\", \"application/json\", \"In%d\").\n", i, i);
    buf_putf(out, "response(\"op%d\", \"200\", \"application/json\", \"Out%d\").\n", i, i);
    buf_putf(out, "record(\"In%d\").\nfield(\"In%d\", \"sku\", \"string\", \"required\").\n", i, i);
    buf_putf(out, "field(\"In%d\", \"%s\", \"int32\", \"required\").\n", i, newer ? "quantity" : "qty");
    if (newer)
        buf_putf(out, "renamed(\"In%d\", \"qty\", \"quantity\").\n", i);
    buf_putf(out, "record(\"Out%d\").\nfield(\"Out%d\", \"id\", \"string\", \"required\").\n", i, i);
    buf_putf(out, "field(\"Out%d\", \"total\", \"int32\", \"required\").\n", i);
}

static struct contract *generated(int operations, bool newer)
{
    struct buf text;
    struct diag diag;
    struct contract *c;
    buf_init(&text, TEXT_BOUND);
    diag_init(&diag);
    buf_putf(&text, "contract(\"large\", \"%d.0.0\").\n", newer ? 2 : 1);
    for (int i = 0; i < operations; i++)
        put_operation(&text, i, newer);
    kit_must(contract_parse(buf_slice(&text), "generated", &diag, &c) == ERR_OK, "the generated contract is sound");
    diag_fini(&diag);
    buf_fini(&text);
    return c;
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    int operations = k.quick ? OPERATIONS_QUICK : OPERATIONS;
    char name[64];
    measure(&k, "verdict/demo_1_2",
            &(struct pair){.consumer = read("examples/demo/orders-1.weft"),
                           .provider = read("examples/demo/orders-2.weft")});
    measure(&k, "verdict/drifted_1_3",
            &(struct pair){.consumer = read("examples/drifted-field/orders-1.weft"),
                           .provider = read("examples/drifted-field/orders-3.weft")});
    snprintf(name, sizeof(name), "verdict/generated_%d_operations", operations);
    measure(&k, name,
            &(struct pair){.consumer = generated(operations, false), .provider = generated(operations, true)});
    return 0;
}
