#include "base/check.h"
#include "broker/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is well formed fits a worker that has it all. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    unsigned liked;
    if (labels_ok(text, false))
        POST(labels_fit(text, text, &liked) && liked == 0);
    (void)labels_ok(text, true);
    return 0;
}
