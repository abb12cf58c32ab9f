#ifndef WEFT_PROXY_ACCESS_LOG_H
#define WEFT_PROXY_ACCESS_LOG_H

/* access_log - one JSON line per exchange, written off the loop, bounded.
 *
 * Lines are collected in memory and handed to a thread 48 KiB at a time, or 100 ms
 * after the first of them; the thread writes whole lines with one call.  Over 4 MiB
 * waiting, new lines are dropped and counted, and so are those that cannot be written.
 * A file that was moved away or removed is made anew before the next lines.
 *
 * Threads: belongs to the loop. */
#include "base/buf.h"
#include "base/due.h"
#include "base/guard.h"

struct access_log;

struct access_log_conf {
    struct loop *loop;
    struct due_clock *clock;
    const char *path;    /* "-" is standard output; copied */
    struct guard *guard; /* of all who write to it, or NULL */
};

struct access_log_line {
    int64_t wall_us, duration_us;
    bool inbound;
    struct slice id, peer, service, operation, method, path;
    unsigned status;
    /* Our own words, which are written as they are. */
    struct slice error;   /* weft-error word, or empty */
    struct slice verdict; /* or empty */
    struct slice plan;    /* "rename,default", or empty */
    uint64_t bytes_in, bytes_out;
};

/* IO: errno says why. */
MUST_USE enum err access_log_open(const struct access_log_conf *conf, struct access_log **out);
/* Writes what waits. */
void access_log_close(struct access_log **a);
void access_log_add(struct access_log *a, const struct access_log_line *line);
uint64_t access_log_dropped(const struct access_log *a);

#endif
