/* The first byte chooses a field, the rest is its value: options within their bounds, or a complaint. */
#include "base/check.h"
#include "proxy/job_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WALL_MS = 1000000 };

static void check(const struct job_options *o)
{
    POST(o->priority <= 9 && o->attempts <= 100);
    POST(strlen(o->key) <= JOB_OPTIONS_KEY);
    POST(o->deadline_ms == 0 || o->deadline_ms > WALL_MS);
    POST(!o->prefer.has_wait || o->prefer.wait_s <= PREFER_WAIT_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"prefer",       "idempotency-key", "weft-priority", "weft-delay",
                                        "weft-timeout", "weft-deadline",   "weft-attempts"};
    if (size == 0)
        return 0;
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    struct headers fields;
    headers_init(&fields, &arena);
    struct slice name = slice_str(names[data[0] % (sizeof(names) / sizeof(names[0]))]);
    struct buf complaint;
    buf_init(&complaint, BUF_TEXT_BOUND);
    struct job_options options;
    if (headers_add_copy(&fields, name, slice_of(data + 1, size - 1)) == ERR_OK) {
        enum err e = job_options_read(&fields, (int64_t)WALL_MS * 1000, &options, &complaint);
        POST((e == ERR_OK) == (buf_len(&complaint) == 0));
        if (e == ERR_OK)
            check(&options);
    }
    buf_fini(&complaint);
    arena_fini(&arena);
    return 0;
}
