/* Two patterns from any peer, split at the first line end: asking ends, and a pattern is within itself. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "contracts/regular.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    size_t at = size;
    slice_find(text, '\n', &at);
    struct slice a = slice_to(text, at), b = slice_from(text, at < size ? at + 1 : size);
    (void)regular_within(a, b);
    POST(regular_within(b, b));
    return 0;
}
