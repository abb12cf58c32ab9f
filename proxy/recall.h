#ifndef WEFT_PROXY_RECALL_H
#define WEFT_PROXY_RECALL_H

/* recall - what was refused or adapted lately, and why: the memory behind `weft why`.
 *
 * The last 1000 events by request id; each holds at most 32 KiB of explanation.
 *
 * Threads: belongs to the loop. */
#include "base/buf.h"

struct recall;

enum { RECALL_EVENTS = 1000, RECALL_TEXT = 32 << 10 };

struct recall_event {
    struct slice id; /* the request's */
    int64_t wall_us;
    struct slice word; /* "policy-denied", "adapted" ... */
    struct slice peer, operation, method, path;
    struct slice text; /* the explanation, for people */
};

struct recall *recall_new(void);
void recall_free(struct recall **r);
/* Copies; the oldest goes. */
void recall_add(struct recall *r, const struct recall_event *e);
/* By request id, or the latest of an operation.  ABSENT. */
MUST_USE enum err recall_find(const struct recall *r, struct slice id_or_operation, struct recall_event *out);
/* The latest `most`, newest first, one line each. */
void recall_list(const struct recall *r, size_t most, struct buf *out);
/* Takes the lines of several lists, in any order, and leaves the latest `most`, newest first. */
void recall_merge(struct buf *lines, size_t most);
void recall_put(const struct recall_event *e, struct buf *out);

#endif
