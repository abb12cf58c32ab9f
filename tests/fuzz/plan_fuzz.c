/* Any text as a plan: what is read prints to something that reads and prints the same. */
#include <stdint.h>
#include <stdlib.h>

#include "contracts/wire/plan.h"

static void check(const struct plan *plan)
{
    struct buf text, again;
    struct diag diag;
    struct plan *read;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_init(&again, BUF_TEXT_BOUND);
    diag_init(&diag);
    plan_put(plan, &text);
    if (plan_parse(buf_slice(&text), "again", &diag, &read) != ERR_OK)
        abort();
    plan_put(read, &again);
    if (!slice_eq(buf_slice(&text), buf_slice(&again)))
        abort();
    plan_unref(&read);
    diag_fini(&diag);
    buf_fini(&text);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag diag;
    struct plan *plan;
    diag_init(&diag);
    if (plan_parse(slice_of(data, size), "fuzz", &diag, &plan) == ERR_OK) {
        (void)plan_compiled(plan);
        check(plan);
        plan_unref(&plan);
    }
    diag_fini(&diag);
    return 0;
}
