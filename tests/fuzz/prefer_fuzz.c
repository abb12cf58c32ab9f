/* Any value of a Prefer field: read to its end, and every preference lies inside it. */
#include "base/check.h"
#include "proxy/prefer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct slice part, const uint8_t *data, size_t size)
{
    const char *from = (const char *)data;
    return part.len == 0 || (part.at >= from && part.len <= size && part.at + part.len <= from + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size);
    struct prefer_item item;
    size_t items = 0, most = size / 2 + 1;
    while (prefer_next(&rest, &item)) {
        POST(item.name.len > 0 && inside(item.name, data, size) && inside(item.value, data, size));
        items++;
    }
    POST(rest.len == 0 && items <= most);
    return 0;
}
