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
    struct buf text_of;
    buf_init(&text_of, 1 << 16);
    /* What is made matches the one and not the other. */
    if (regular_sample(a, b, (unsigned)(size % 8), &text_of)) {
        POST(slice_utf8(buf_slice(&text_of)));
        POST(regular_takes(a, buf_slice(&text_of)) != ANSWER_NO);
        POST(b.len == 0 || regular_takes(b, buf_slice(&text_of)) != ANSWER_YES);
    }
    buf_fini(&text_of);
    return 0;
}
