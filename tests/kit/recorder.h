#ifndef WEFT_TESTS_KIT_RECORDER_H
#define WEFT_TESTS_KIT_RECORDER_H

/* recorder - an owner of a transit that writes down what it is told.
 *
 * Set `credit` to give room back at once; `answer` is called at head and at end, for
 * servers of a test's own.  gone() frees the transit.
 *
 * Lifetime: caller's memory; recorder_fini. */
#include "http/transit.h"

struct recorder {
    struct transit *t; /* NULL once it is gone */
    unsigned heads, infos, ends, sents, gones;
    unsigned status, last_info;
    enum transit_end how;
    struct buf body;
    size_t data_bytes;
    char fault[128];
    char trailer[64]; /* the value of the first one */
    bool credit;
    void (*answer)(struct recorder *r, bool at_end);
    void *arg;
};

extern const struct transit_owner recorder_owner;

void recorder_init(struct recorder *r);
void recorder_fini(struct recorder *r);
/* As a server's accept does: this one owns `t`. */
void recorder_own(struct recorder *r, struct transit *t);
/* Method and target of a request, so that only transit_head is left to say. */
void recorder_ask(struct transit *t, const char *method, const char *path);

#endif
