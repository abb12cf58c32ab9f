/* Any bytes a peer may send as a bus frame. */
#include "bus/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Weft__Bus__V1__Frame *f;
    if (frame_unpack(slice_of(data, size), &f) == ERR_OK)
        frame_free(&f);
    return 0;
}
