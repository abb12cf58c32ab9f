#ifndef WEFT_CLI_FETCH_H
#define WEFT_CLI_FETCH_H

/* fetch - one HTTP request to a local address, for commands: blocks until it is over.
 *
 * Plain HTTP/1.1 to a sidecar's or broker's loopback side.
 *
 * Threads: a loop of its own inside. */
#include <stdio.h>

#include "base/buf.h"
#include "http/message.h"

enum { FETCH_FIELDS = 24, FETCH_BODY = 64 << 20 };

struct fetch_field {
    struct slice name, value;
};

struct fetch_request {
    const char *address; /* "127.0.0.1:4740" or "unix:/run/weft.sock" */
    const char *method;
    const char *path;
    struct slice authority; /* empty: the address */
    struct fetch_field fields[FETCH_FIELDS];
    size_t field_count;
    struct slice body;
    bool has_body;
    /* Instead of `body`: `length` bytes of this file; -1: as many as come.  NULL: none. */
    FILE *file;
    int64_t length;
    void (*sent)(void *arg, uint64_t bytes); /* so many of it so far; may be NULL */
    int64_t timeout_us;                      /* 0: none */
    /* Hears the body as it comes; false ends the request.  NULL: it is collected in `body`. */
    bool (*data)(void *arg, struct slice bytes);
    void *arg;
};

struct fetch_answer {
    unsigned status;
    struct arena arena;
    struct headers headers;
    struct buf body;
    char fault[256]; /* why there is no answer */
};

/* OK: an answer, whatever its status.  IO: `fault` says why not. */
MUST_USE enum err fetch(const struct fetch_request *request, struct fetch_answer *answer);
void fetch_answer_fini(struct fetch_answer *a);

#endif
