/* Any bytes as a token and as a key set: nothing that was not signed is verified. */
#include "base/check.h"
#include "base/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct diag diag;
    struct jose_token t;
    struct jose_keys *keys = NULL;
    const char *why = NULL;
    arena_init(&arena, SIZE_MAX);
    diag_init(&diag);
    if (jose_open(slice_of(data, size), &arena, &t, &why) == ERR_OK)
        POST(t.alg != 0 && t.header && t.claims && size <= JOSE_TOKEN_MOST);
    enum err e = jose_keys_read(slice_of(data, size), "fuzz", JOSE_FOR_USERS, &diag, &keys);
    POST((e == ERR_OK) == (keys != NULL));
    jose_keys_free(&keys);
    diag_fini(&diag);
    arena_fini(&arena);
    return 0;
}
