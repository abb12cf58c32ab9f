#include "base/check.h"
#include "proxy/job_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is asked for lies inside what is there; the first byte is its length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct job_range r;
    if (size == 0)
        return 0;
    size_t length = data[0];
    if (job_range_read(slice_of(data + 1, size - 1), length, &r) == ERR_OK)
        PRE(r.count > 0 && r.from < length && r.count <= length - r.from);
    return 0;
}
