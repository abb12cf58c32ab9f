#include "tests/kit/fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_uint left[2]; /* calls until the failing one; 0: none */
static atomic_int errors[2], struck;

void fault_arm(enum fault_kind kind, unsigned nth, int error)
{
    struck = 0;
    errors[kind] = error;
    left[kind] = nth;
}

int fault_struck(void)
{
    return struck;
}

unsigned fault_each(enum fault_kind kind, int error, void (*fn)(void *arg), void *arg)
{
    for (unsigned nth = 1;; nth++) {
        fault_arm(kind, nth, error);
        fn(arg);
        left[kind] = 0;
        if (!struck)
            return nth - 1;
    }
}

static int strikes(enum fault_kind kind)
{
    unsigned now = left[kind];
    while (now && !atomic_compare_exchange_weak(&left[kind], &now, now - 1))
        continue;
    if (now != 1)
        return 0;
    struck = 1;
    errno = errors[kind];
    return 1;
}

/* POSIX gives functions as object pointers (dlsym); a union says so to a strict compiler. */
#define NEXT(type, name) \
    static union {       \
        void *object;    \
        type function;   \
    } next;              \
    if (!next.object)    \
    next.object = dlsym(RTLD_NEXT, name)

typedef ssize_t write_fn(int, const void *, size_t);
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t pwritev_fn(int, const struct iovec *, int, off_t);
typedef int flush_fn(int);

__attribute__((visibility("default"))) ssize_t write(int fd, const void *bytes, size_t count)
{
    NEXT(write_fn *, "write");
    return strikes(FAULT_WRITE) ? -1 : next.function(fd, bytes, count);
}

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    NEXT(pwrite_fn *, "pwrite");
    return strikes(FAULT_WRITE) ? -1 : next.function(fd, bytes, count, at);
}

__attribute__((visibility("default"))) ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    NEXT(pwritev_fn *, "pwritev");
    return strikes(FAULT_WRITE) ? -1 : next.function(fd, parts, count, at);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    NEXT(flush_fn *, "fsync");
    return strikes(FAULT_FLUSH) ? -1 : next.function(fd);
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    NEXT(flush_fn *, "fdatasync");
    return strikes(FAULT_FLUSH) ? -1 : next.function(fd);
}
