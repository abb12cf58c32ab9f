#ifndef WEFT_PROXY_ACCESS_LOG_H
#define WEFT_PROXY_ACCESS_LOG_H

/* access_log - one JSON line per exchange, written off the loop, bounded.
 *
 * Lines are collected in memory and written by a thread; over 4 MiB waiting, new
 * lines are dropped and counted.
 *
 * Threads: belongs to the loop. */
#include "base/buf.h"
#include "base/guard.h"
#include "base/loop.h"

struct access_log;

struct access_log_line {
    int64_t wall_us, duration_us;
    bool inbound;
    struct slice id, peer, service, operation, method, path;
    unsigned status;
    struct slice error;   /* weft-error word, or empty */
    struct slice verdict; /* or empty */
    struct slice plan;    /* "rename,default", or empty */
    uint64_t bytes_in, bytes_out;
};

/* `path` "-" is standard output; `guard`: of all who write to it, or NULL.  IO: errno says why. */
MUST_USE enum err access_log_open(struct loop *l, const char *path, struct guard *guard, struct access_log **out);
/* Writes what waits. */
void access_log_close(struct access_log **a);
void access_log_add(struct access_log *a, const struct access_log_line *line);
uint64_t access_log_dropped(const struct access_log *a);

#endif
