/* A plan's lines, an empty line, a body.  Whole and byte by byte give the same; what comes out is JSON. */
#include <stdint.h>
#include <stdlib.h>

#include "contracts/wire/json_tok.h"
#include "contracts/wire/rewrite.h"
#include "contracts/wire/transcode_plan.h"
#include "tests/fuzz/plan_and_body.h"

enum { HOLD = 1024, OUT_MOST = 1 << 20 };

static enum err apply(struct plan *plan, struct slice body, size_t piece, struct buf *out)
{
    return plan_and_body_rewrite(rewrite_json_new(plan, HOLD), body, piece, out);
}

static void check(struct plan *plan, struct slice body)
{
    struct buf whole, pieces;
    buf_init(&whole, OUT_MOST);
    buf_init(&pieces, OUT_MOST);
    enum err e = apply(plan, body, body.len + 1, &whole);
    if ((apply(plan, body, 1, &pieces) == ERR_OK) != (e == ERR_OK))
        abort();
    if (e == ERR_OK && !(slice_eq(buf_slice(&whole), buf_slice(&pieces)) && json_tok_whole(buf_slice(&whole))))
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
    struct plan *plan;
    diag_init(&diag);
    if (plan_parse(slice_to(text, body), "fuzz", &diag, &plan) == ERR_OK) {
        if (!transcode_plan_lacks_types(plan))
            check(plan, slice_from(text, body));
        plan_unref(&plan);
    }
    diag_fini(&diag);
    return 0;
}
