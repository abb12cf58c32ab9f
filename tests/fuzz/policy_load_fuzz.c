/* Any text as a policy; what loads answers a question, twice the same, and can say why. */
#include <stdint.h>
#include <stdlib.h>

#include "policy/policy_load.h"

static void ask(struct authz *a)
{
    const struct attrs_header headers[] = {{SLICE("x-plan"), SLICE("gold")}};
    const struct attrs attrs = {.peer = SLICE("spiffe://example.org/ns/shop/sa/web"),
                                .service = SLICE("orders"),
                                .operation = SLICE("create_order"),
                                .method = SLICE("POST"),
                                .path = SLICE("/orders/7"),
                                .headers = headers,
                                .header_count = 1};
    struct buf why;
    struct authz_decision first = authz_ask(a, &attrs), again = authz_ask(a, &attrs);
    if (!again.cached || first.answer != again.answer || first.reason != again.reason)
        abort();
    buf_init(&why, BUF_TEXT_BOUND);
    authz_why(a, &attrs, &why);
    if (buf_len(&why) == 0)
        abort();
    buf_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_text text = {.file = "fuzz", .text = slice_of(data, size)};
    struct diag diag;
    struct authz *a;
    diag_init(&diag);
    if (policy_load(&text, 1, &diag, &a) == ERR_OK) {
        ask(a);
        authz_free(&a);
    } else if (diag.errors == 0)
        abort();
    diag_fini(&diag);
    return 0;
}
