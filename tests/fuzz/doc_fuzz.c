/* A document may come from anywhere: whatever is read is put back as JSON that reads to the same. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool put(struct slice text, struct buf *out)
{
    struct arena arena;
    struct diag diag;
    struct doc_node *root = NULL;
    arena_init(&arena, 0);
    diag_init(&diag);
    bool good = doc_parse(text, "fuzz", &arena, &diag, &root) == ERR_OK;
    POST(good == (diag.errors == 0));
    /* What aliases repeat is not worth writing out. */
    good = good && root->weight < 10000;
    if (good)
        doc_put_json(root, out);
    diag_fini(&diag);
    arena_fini(&arena);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once, twice;
    buf_init(&once, BUF_TEXT_BOUND);
    buf_init(&twice, BUF_TEXT_BOUND);
    if (put(slice_of(data, size), &once)) {
        POST(put(buf_slice(&once), &twice));
        POST(slice_eq(buf_slice(&once), buf_slice(&twice)));
    }
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
