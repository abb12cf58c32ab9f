/* What a decision costs: one that is known already, and one that is new each time. */
#include <stdio.h>

#include "bench/kit.h"
#include "policy/policy_load.h"

struct asking {
    struct authz *authz;
    bool fresh;
    unsigned n;
};

static const char rules[] = "allow :- peer_path(\"shop\", _), method(\"GET\").\n"
                            "allow :- peer(\"spiffe://example.org/ns/shop/sa/web\"), op(\"create_order\").\n"
                            "deny :- segment(0, \"internal\").\n";

static void body(void *arg)
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

static void measure(const struct kit *k, const char *name, bool fresh)
{
    struct policy_text text = {.file = "policy.weft", .text = slice_str(rules)};
    struct asking a = {.fresh = fresh};
    struct diag diag;
    diag_init(&diag);
    kit_must(policy_load(&text, 1, &diag, &a.authz) == ERR_OK, "the policy is sound");
    kit_run(k, &(struct kit_case){.name = name, .body = body, .arg = &a});
    authz_free(&a.authz);
    diag_fini(&diag);
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    measure(&k, "authz/known", false);
    measure(&k, "authz/new", true);
    return 0;
}
