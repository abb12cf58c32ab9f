/* What reads as a duration or a size is printed so that it reads as the same. */
#include <stdint.h>

#include "base/check.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_duration(struct slice text)
{
    int64_t us = 0, back = -1;
    struct buf out;
    if (units_duration_us(text, &us) != ERR_OK)
        return;
    buf_init(&out, BUF_TEXT_BOUND);
    units_put_duration(&out, us);
    enum err e = units_duration_us(buf_slice(&out), &back);
    POST(e == ERR_OK && back == us && us >= 0);
    buf_fini(&out);
}

static void check_size(struct slice text)
{
    uint64_t bytes = 0, back = 1;
    struct buf out;
    if (units_size(text, &bytes) != ERR_OK)
        return;
    buf_init(&out, BUF_TEXT_BOUND);
    units_put_size(&out, bytes);
    enum err e = units_size(buf_slice(&out), &back);
    POST(e == ERR_OK && back == bytes);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_duration(slice_of(data, size));
    check_size(slice_of(data, size));
    return 0;
}
