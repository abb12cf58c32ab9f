/* What it costs to hold a body against its mould. */
#include "bench/kit.h"
#include "contracts/wire/fit.h"

enum { BODY_BOUND = 8 << 20, SMALL = 2 << 10, LARGE = 1 << 20 };

static const char facts[] =
    "contract(\"orders\", \"1.0.0\").\n"
    "operation(\"put\"). http(\"put\", \"PUT\", \"/orders\").\n"
    "request(\"put\", \"application/json\", \"Order\"). response(\"put\", \"204\", \"\", \"\").\n"
    "record(\"Order\"). field(\"Order\", \"id\", \"string\", \"required\").\n"
    "field(\"Order\", \"lines\", \"Lines\", \"required\"). list(\"Lines\", \"Line\").\n"
    "record(\"Line\"). closed(\"Line\").\n"
    "field(\"Line\", \"sku\", \"string\", \"required\"). bound(\"Line.sku\", \"max_length\", \"20\").\n"
    "field(\"Line\", \"qty\", \"int32\", \"required\"). bound(\"Line.qty\", \"max\", \"100\").\n"
    "field(\"Line\", \"price\", \"number\", \"required\"). bound(\"Line.price\", \"min\", \"0\").\n"
    "field(\"Line\", \"title\", \"string\", \"optional\").\n"
    "field(\"Line\", \"legacy\", \"bool\", \"optional\").\n"
    "field(\"Line\", \"weight\", \"Weight\", \"optional\"). record(\"Weight\").\n"
    "field(\"Weight\", \"value\", \"double\", \"required\").\n"
    "field(\"Weight\", \"unit\", \"Unit\", \"required\"). enum(\"Unit\").\n"
    "symbol(\"Unit\", \"kg\", 0). symbol(\"Unit\", \"g\", 1).\n"
    "field(\"Line\", \"note\", \"string\", \"optional\").\n";

struct job {
    const struct mould_node *node;
    struct slice body;
};

static void hold(void *arg)
{
    struct job *j = arg;
    struct fit *f = fit_json_new(j->node, 1 << 20);
    kit_must(fit_feed(f, j->body) == ERR_OK && fit_finish(f) == ERR_OK, "the body fits");
    fit_free(&f);
}

static void put_order(struct buf *out, size_t bytes)
{
    buf_put(out, SLICE("{\"id\":\"o-17\",\"lines\":["));
    for (unsigned i = 0; buf_len(out) < bytes; i++)
        buf_putf(
            out,
            "%s{\"sku\":\"AB-%u\",\"qty\":%u,\"price\":%u.50,\"title\":\"A lamp for the desk, brass and green glass\","
            "\"legacy\":false,\"weight\":{\"value\":%u,\"unit\":\"kg\"},\"note\":\"leave it at the door, ring twice\"}",
            i ? "," : "", i, i % 10, i % 100, i % 7);
    buf_put(out, SLICE("]}"));
}

static void measure(const struct kit *k, const char *name, const struct mould_node *node, size_t bytes)
{
    struct buf body;
    buf_init(&body, BODY_BOUND);
    put_order(&body, bytes);
    struct job j = {.node = node, .body = buf_slice(&body)};
    kit_run(k, &(struct kit_case){.name = name, .bytes = j.body.len, .body = hold, .arg = &j});
    buf_fini(&body);
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    struct diag diag;
    struct contract *c;
    diag_init(&diag);
    kit_must(contract_parse(slice_str(facts), "bench", &diag, &c) == ERR_OK, "the contract is read");
    struct mould *m = mould_new(c);
    const struct mould_node *node = mould_request(m, SLICE("put"), SLICE("application/json"));
    measure(&k, "fit/2k", node, SMALL);
    measure(&k, "fit/1m", node, LARGE);
    mould_free(&m);
    contract_unref(&c);
    diag_fini(&diag);
    return 0;
}
