#include "base/check.h"
#include "broker/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is read goes forward, and the last moment before the one after the next is the next or later. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cron c;
    const char *why = NULL;
    int64_t now = INT64_C(1700000000123), since = now - 5000;
    if (cron_read(slice_of(data, size), &c, &why) != ERR_OK) {
        POST(why != NULL);
        return 0;
    }
    int64_t next = cron_next_ms(&c, since, now), second = cron_next_ms(&c, since, next);
    POST(next > now && second > next);
    POST(cron_last_ms(&c, since, now, next) == next);
    POST(cron_last_ms(&c, since, now, second - 1) == next);
    POST(cron_last_ms(&c, since, now, second) == second);
    return 0;
}
