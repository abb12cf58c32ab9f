/* The facts of a contract, an empty line, a body.  Whole and byte by byte give the same answer in the same words. */
#include <stdint.h>
#include <stdlib.h>

#include "contracts/wire/fit.h"
#include "tests/fuzz/plan_and_body.h"

enum { HOLD = 1024 };

static enum err held_against(const struct mould_node *n, struct slice body, size_t piece, struct buf *fault)
{
    struct fit *f = fit_json_new(n, HOLD);
    enum err e = ERR_OK;
    for (size_t at = 0; at < body.len && e == ERR_OK; at += piece)
        e = fit_feed(f, slice_to(slice_from(body, at), piece));
    if (e == ERR_OK)
        e = fit_finish(f);
    buf_put(fault, slice_str(fit_fault(f)));
    fit_free(&f);
    return e;
}

static void check(const struct mould_node *n, struct slice body)
{
    struct buf whole, pieces;
    buf_init(&whole, BUF_TEXT_BOUND);
    buf_init(&pieces, BUF_TEXT_BOUND);
    if (held_against(n, body, body.len + 1, &whole) != held_against(n, body, 1, &pieces) ||
        !slice_eq(buf_slice(&whole), buf_slice(&pieces)))
        abort();
    buf_fini(&whole);
    buf_fini(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    size_t body = plan_and_body_split(text);
    struct diag diag;
    struct contract *c;
    diag_init(&diag);
    if (contract_parse(slice_to(text, body), "fuzz", &diag, &c) == ERR_OK) {
        struct mould *m = mould_new(c);
        for (size_t op = 0; op < contract_operation_count(c); op++) {
            const struct mould_node *n = mould_request(m, contract_operation_name(c, op), SLICE("application/json"));
            if (n)
                check(n, slice_from(text, body));
        }
        mould_free(&m);
        contract_unref(&c);
    }
    diag_fini(&diag);
    return 0;
}
