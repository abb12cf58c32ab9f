#include "base/check.h"
#include "proxy/job_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read could be sent as HTTP; what is not says why. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf complaint;
    struct job_batch b;
    arena_init(&arena, SIZE_MAX);
    buf_init(&complaint, BUF_TEXT_BOUND);
    if (job_batch_read(slice_of(data, size), &arena, &b, &complaint) != ERR_OK) {
        POST(buf_len(&complaint) > 0);
    } else {
        POST(b.count > 0 && b.count <= JOB_BATCH_MOST);
        for (size_t i = 0; i < b.count; i++) {
            POST(headers_name_ok(b.items[i].request.method) && b.items[i].request.path.at[0] == '/');
            for (uint32_t f = 0; f < b.items[i].request.headers.count; f++)
                POST(headers_value_ok(b.items[i].request.headers.v[f].value));
        }
    }
    buf_fini(&complaint);
    arena_fini(&arena);
    return 0;
}
