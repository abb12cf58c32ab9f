#include "base/now.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * NOW_US_PER_S + t.tv_nsec / 1000;
}

static int64_t real_mono(void *arg)
{
    (void)arg;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t real_wall(void *arg)
{
    (void)arg;
    return read_clock(CLOCK_REALTIME);
}

const struct now now_real = {.mono_us = real_mono, .wall_us = real_wall};

static int64_t hand_mono(void *arg)
{
    const struct now_hand *hand = arg;
    return hand->mono;
}

static int64_t hand_wall(void *arg)
{
    const struct now_hand *hand = arg;
    return hand->wall;
}

struct now now_by_hand(struct now_hand *hand)
{
    return (struct now){.mono_us = hand_mono, .wall_us = hand_wall, .arg = hand};
}

/* The last `digits` decimal digits of `n`, at `out[at]`. */
static void put_digits(char *out, size_t at, size_t digits, int n)
{
    for (size_t i = digits; i > 0; i--) {
        out[at + i - 1] = (char)('0' + n % 10);
        n /= 10;
    }
}

void now_rfc3339(int64_t wall_us, char out[25])
{
    int64_t us = wall_us % NOW_US_PER_S;
    if (us < 0)
        us += NOW_US_PER_S;
    time_t seconds = (time_t)((wall_us - us) / NOW_US_PER_S);
    struct tm t = {0};
    gmtime_r(&seconds, &t);
    memcpy(out, "0000-00-00T00:00:00.000Z", 25);
    put_digits(out, 0, 4, t.tm_year + 1900);
    put_digits(out, 5, 2, t.tm_mon + 1);
    put_digits(out, 8, 2, t.tm_mday);
    put_digits(out, 11, 2, t.tm_hour);
    put_digits(out, 14, 2, t.tm_min);
    put_digits(out, 17, 2, t.tm_sec);
    put_digits(out, 20, 3, (int)(us / NOW_US_PER_MS));
}
