/* Any bytes are a SPIFFE bundle or complaints; every authority lies within the text's own memory. */
#include "base/bundle.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct diag diag;
    struct bundle bundle = {0};
    arena_init(&arena, 0);
    diag_init(&diag);
    enum err e = bundle_read(slice_of(data, size), "fuzz", &arena, &diag, &bundle);
    POST((e == ERR_OK) == (diag.errors == 0));
    for (size_t i = 0; i < bundle.authority_count; i++)
        POST(bundle.authorities[i].len > 0 && bundle.authorities[i].len <= size);
    diag_fini(&diag);
    arena_fini(&arena);
    return 0;
}
