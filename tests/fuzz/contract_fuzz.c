/* A contract may come from any peer: whatever is accepted has a canonical form that reads back to itself. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "contracts/contract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct contract *parse(struct slice text)
{
    struct diag diag;
    struct contract *c = NULL;
    diag_init(&diag);
    bool good = contract_parse(text, "fuzz", &diag, &c) == ERR_OK;
    POST(good == (c != NULL));
    POST(good == (diag.errors == 0));
    diag_fini(&diag);
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct contract *c = parse(text);
    if (!c)
        return 0;
    struct contract *again = parse(contract_text(c));
    POST(again);
    POST(slice_eq(contract_text(c), contract_text(again)));
    POST(hash_same(contract_digest(c), contract_digest(again), HASH_SHA256_LEN));
    (void)contract_match(c, SLICE("GET"), text);
    (void)contract_place(c, text);
    contract_unref(&c);
    contract_unref(&again);
    return 0;
}
