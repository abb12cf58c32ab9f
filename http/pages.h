#ifndef WEFT_HTTP_PAGES_H
#define WEFT_HTTP_PAGES_H

/* pages - a table of small pages: what an admin side answers.
 *
 * The body of a request (at most 1 KiB) is collected first; then the page of its
 * method and path is asked.  Unknown paths are answered 404 with the list of pages,
 * other methods 405.
 *
 * Threads: belongs to the loop. */
#include "http/transit.h"

struct pages_request {
    struct slice rest; /* behind the path of a page that is a prefix */
    struct slice body;
};

typedef void pages_fn(void *arg, struct transit *t, const struct pages_request *r);

struct pages_row {
    const char *method, *path; /* method NULL ends the table */
    bool prefix;               /* anything may stand behind the path */
    pages_fn *fn;
};

/* Becomes the owner of `t`. */
void pages_serve(const struct pages_row *rows, void *arg, struct transit *t);

/* For pages that answer after they have returned: `left` is called if the asker goes before that, and `t` with it.
 * NULL once the answer is there. */
void pages_wait(struct transit *t, void (*left)(void *arg), void *arg);

/* For pages: a whole answer. */
void pages_text(struct transit *t, unsigned status, struct slice text);
/* Empties and frees `text`. */
void pages_buf(struct transit *t, unsigned status, struct slice type, struct buf *text);
/* PUT /log-level: the same page everywhere. */
void pages_log_level(void *arg, struct transit *t, const struct pages_request *r);
/* GET /live. */
void pages_live(void *arg, struct transit *t, const struct pages_request *r);

#endif
