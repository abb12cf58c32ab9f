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

static void (*hears)(void *arg, const struct fault_call *call);
static void *hearer;
static _Thread_local bool hearing; /* what the hearer itself writes is not told */

void fault_hear(void (*fn)(void *arg, const struct fault_call *call), void *arg)
{
    hearer = arg;
    hears = fn;
}

static void tell(const struct fault_call *call)
{
    int kept = errno;
    if (!hears || hearing)
        return;
    hearing = true;
    hears(hearer, call);
    hearing = false;
    errno = kept;
}

static int flushed(int fd, int result)
{
    if (result == 0)
        tell(&(struct fault_call){.fd = fd, .flush = true});
    return result;
}

static ssize_t written(struct fault_call call, ssize_t result)
{
    call.count = (size_t)result;
    if (result > 0)
        tell(&call);
    return result;
}

static void written_parts(int fd, const struct iovec *parts, int count, off_t at, ssize_t result)
{
    for (int i = 0; i < count && result > 0; i++) {
        size_t len = parts[i].iov_len < (size_t)result ? parts[i].iov_len : (size_t)result;
        tell(&(struct fault_call){.fd = fd, .bytes = parts[i].iov_base, .count = len, .at = at});
        at += (off_t)len;
        result -= (ssize_t)len;
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
typedef ssize_t writev_fn(int, const struct iovec *, int);
typedef int flush_fn(int);

__attribute__((visibility("default"))) ssize_t write(int fd, const void *bytes, size_t count)
{
    NEXT(write_fn *, "write");
    return strikes(FAULT_WRITE) ? -1 : next.function(fd, bytes, count);
}

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    NEXT(pwrite_fn *, "pwrite");
    if (strikes(FAULT_WRITE))
        return -1;
    return written((struct fault_call){.fd = fd, .bytes = bytes, .at = at}, next.function(fd, bytes, count, at));
}

__attribute__((visibility("default"))) ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    NEXT(pwritev_fn *, "pwritev");
    if (strikes(FAULT_WRITE))
        return -1;
    ssize_t done = next.function(fd, parts, count, at);
    written_parts(fd, parts, count, at, done);
    return done;
}

__attribute__((visibility("default"))) ssize_t writev(int fd, const struct iovec *parts, int count)
{
    NEXT(writev_fn *, "writev");
    if (strikes(FAULT_WRITE))
        return -1;
    off_t at = hears ? lseek(fd, 0, SEEK_CUR) : -1;
    ssize_t done = next.function(fd, parts, count);
    if (at >= 0)
        written_parts(fd, parts, count, at, done);
    return done;
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    NEXT(flush_fn *, "fsync");
    return strikes(FAULT_FLUSH) ? -1 : flushed(fd, next.function(fd));
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    NEXT(flush_fn *, "fdatasync");
    return strikes(FAULT_FLUSH) ? -1 : flushed(fd, next.function(fd));
}
