#include "base/stamp.h"

#include <string.h>
#include <sys/stat.h>

/* FNV-1a over 64-bit words: enough to tell states of one's own files apart. */
static uint64_t mix(uint64_t stamp, uint64_t word)
{
    return (stamp ^ word) * UINT64_C(0x100000001B3) + UINT64_C(0x9E3779B97F4A7C15);
}

uint64_t stamp_file(uint64_t stamp, const char *path)
{
    struct stat st;
    for (const char *c = path; *c; c++)
        stamp = mix(stamp, (unsigned char)*c);
    if (stat(path, &st) != 0)
        return mix(stamp, 1);
    stamp = mix(stamp, (uint64_t)st.st_dev);
    stamp = mix(stamp, (uint64_t)st.st_ino);
    stamp = mix(stamp, (uint64_t)st.st_size);
    stamp = mix(stamp, (uint64_t)st.st_mtim.tv_sec);
    return mix(stamp, (uint64_t)st.st_mtim.tv_nsec);
}
