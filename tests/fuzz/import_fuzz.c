/* Documents of every importer may come from anywhere: what is taken makes a contract that reads back. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "contracts/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void import_as(struct slice text, enum import_format format)
{
    struct diag diag;
    struct contract *c = NULL, *again = NULL;
    struct import_input in = {.format = format, .name = "fuzz", .text = text};
    diag_init(&diag);
    bool good = import_contract(&in, &diag, &c) == ERR_OK;
    POST(good == (c != NULL));
    POST(good == (diag.errors == 0));
    if (c && contract_text(c).len < CONTRACT_BYTES) {
        POST(contract_parse(contract_text(c), "again", &diag, &again) == ERR_OK);
        POST(slice_eq(contract_text(c), contract_text(again)));
    }
    diag_fini(&diag);
    contract_unref(&c);
    contract_unref(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    import_as(slice_of(data, size), IMPORT_OPENAPI);
    import_as(slice_of(data, size), IMPORT_JSCHEMA);
    import_as(slice_of(data, size), IMPORT_AVRO);
    import_as(slice_of(data, size), IMPORT_PROTO);
    return 0;
}
