#ifndef WEFT_BENCH_CALLS_BOOK_H
#define WEFT_BENCH_CALLS_BOOK_H

/* calls_book - who saw which call: a file that the caller and all functions have mapped, so that it outlives each of
 * them.
 *
 * Call N is seen[N] times by a function; even calls are GET, odd ones POST.
 *
 * Lifetime: as long as the process.
 * Threads:  any, and any process. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct calls_book {
    _Atomic uint8_t *seen;
    uint64_t count;
};

/* -1: errno says why.  `count` 0: as many as the file has. */
static inline int calls_book_open(const char *path, uint64_t count, struct calls_book *out)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || (count && ftruncate(fd, (off_t)count) < 0) || fstat(fd, &st) < 0)
        return -1;
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        return -1;
    *out = (struct calls_book){at, (uint64_t)st.st_size};
    return 0;
}

#endif
