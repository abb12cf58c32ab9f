#include "proxy/job_range.h"

/* bytes=-N: the last N. */
static enum err read_suffix(struct slice digits, size_t length, struct job_range *out)
{
    uint64_t n;
    if (slice_u64(digits, UINT64_MAX, &n) != ERR_OK)
        return ERR_ABSENT;
    if (n == 0 || length == 0)
        return ERR_INPUT;
    size_t count = n < length ? (size_t)n : length;
    *out = (struct job_range){length - count, count};
    return ERR_OK;
}

enum err job_range_read(struct slice field, size_t length, struct job_range *out)
{
    size_t dash;
    uint64_t first, last = UINT64_MAX;
    if (!slice_starts(field, SLICE("bytes=")))
        return ERR_ABSENT;
    struct slice range = slice_trim(slice_from(field, 6));
    if (!slice_find(range, '-', &dash))
        return ERR_ABSENT;
    struct slice end = slice_from(range, dash + 1);
    if (dash == 0)
        return read_suffix(end, length, out);
    if (slice_u64(slice_to(range, dash), UINT64_MAX, &first) != ERR_OK)
        return ERR_ABSENT;
    if (end.len && (slice_u64(end, UINT64_MAX, &last) != ERR_OK || last < first))
        return ERR_ABSENT;
    if (first >= length)
        return ERR_INPUT;
    if (last >= length)
        last = length - 1;
    *out = (struct job_range){(size_t)first, (size_t)(last - first) + 1};
    return ERR_OK;
}
