/* What a decision costs: one that is known already, and one that is new each time, by the number of rules; and
 * what it costs to load them. */
#include <stdio.h>

#include "base/buf.h"
#include "bench/kit.h"
#include "policy/policy_load.h"

enum { HUNDRED = 100, MANY = 10000 };

struct asking {
    struct authz *authz;
    bool fresh;
    unsigned n;
};

static const char three[] = "allow :- peer_path(\"shop\", _), method(\"GET\").\n"
                            "allow :- peer(\"spiffe://example.org/ns/shop/sa/web\"), op(\"create_order\").\n"
                            "deny :- segment(0, \"internal\").\n";

/* As a mesh of many services has them: who may call which operation, who may read what, and a deny now and then. */
static void put_rules(struct buf *out, unsigned count)
{
    for (unsigned i = 0; i + 1 < count; i++)
        if (i % 50 == 49)
            buf_putf(out, "deny :- segment(0, \"internal%u\"), !peer_path(\"ops\", _).\n", i);
        else if (i % 3 == 0)
            buf_putf(out, "allow :- peer_path(\"team%u\", _), method(\"GET\"), segment(0, \"orders%u\").\n", i % 97, i);
        else
            buf_putf(out, "allow :- peer(\"spiffe://example.org/ns/shop/sa/web%u\"), op(\"operation%u\").\n", i,
                     i % 211);
    buf_put(out, SLICE("allow :- peer(\"spiffe://example.org/ns/shop/sa/web\"), op(\"create_order\").\n"));
}

static void ask(void *arg)
{
    struct asking *a = arg;
    char path[32] = "/orders";
    if (a->fresh)
        snprintf(path, sizeof(path), "/orders%u", a->n++);
    struct attrs attrs = {
        .peer = SLICE("spiffe://example.org/ns/shop/sa/web"),
        .service = SLICE("orders"),
        .operation = SLICE("create_order"),
        .method = SLICE("POST"),
        .path = slice_str(path),
    };
    kit_must(authz_ask(a->authz, &attrs).answer == AUTHZ_ALLOW, "the web may create orders");
}

static struct authz *load(struct slice text)
{
    struct policy_text policy = {.file = "policy.weft", .text = text};
    struct authz *authz = NULL;
    struct diag diag;
    diag_init(&diag);
    kit_must(policy_load(&policy, 1, &diag, &authz) == ERR_OK, "the policy is sound");
    diag_fini(&diag);
    return authz;
}

static void measure(const struct kit *k, const char *name, struct slice text, bool fresh)
{
    struct asking a = {.fresh = fresh, .authz = load(text)};
    kit_run(k, &(struct kit_case){.name = name, .body = ask, .arg = &a});
    char tail[64];
    snprintf(tail, sizeof(tail), "%s/tail", name);
    kit_tail(k, &(struct kit_case){.name = tail, .body = ask, .arg = &a});
    authz_free(&a.authz);
}

static void load_once(void *arg)
{
    const struct slice *text = arg;
    struct authz *authz = load(*text);
    authz_free(&authz);
}

static void measure_rules(const struct kit *k, unsigned count)
{
    char name[64];
    struct buf rules;
    buf_init(&rules, BUF_TEXT_BOUND);
    put_rules(&rules, count);
    struct slice text = buf_slice(&rules);
    snprintf(name, sizeof(name), "authz/new/%u", count);
    measure(k, name, text, true);
    snprintf(name, sizeof(name), "authz/load/%u", count);
    kit_run(k, &(struct kit_case){.name = name, .body = load_once, .arg = &text});
    buf_fini(&rules);
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    measure(&k, "authz/known", slice_str(three), false);
    measure(&k, "authz/new", slice_str(three), true);
    measure_rules(&k, HUNDRED);
    measure_rules(&k, MANY);
    return 0;
}
