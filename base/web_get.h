#ifndef WEFT_BASE_WEB_GET_H
#define WEFT_BASE_WEB_GET_H

/* web_get - one small document from a web server: https by the Web PKI, http on loopback only.
 *
 * For what identity providers publish.  HTTP/1.0 without a body, no redirects, no
 * compression; a document that is cut or too long is none.
 *
 * Threads: blocking, up to the timeout and a name's look-up: for a thread of work, never on the loop. */
#include "base/buf.h"

enum { WEB_GET_FAULT = 256 };

struct web_get {
    const char *url; /* https://HOST[:PORT]/PATH; http:// for 127.0.0.0/8, ::1 and localhost */
    const char *ca;  /* PEM of the authorities to believe; NULL: the system's */
    int64_t timeout_us;
};

/* Is this a URL that web_get would ask?  `*why` is a static sentence. */
bool web_get_url_ok(struct slice url, const char **why);
/* OK: `body` (bounded by its own bound) is the whole document of a 200.  IO: `fault` says what happened. */
MUST_USE enum err web_get(const struct web_get *g, struct buf *body, char fault[WEB_GET_FAULT]);
/* The same of an answer that is there: all bytes that came, and whether the connection was cut.  Pure. */
MUST_USE enum err web_get_judge(const char *url, struct slice answer, bool cut, struct buf *body,
                                char fault[WEB_GET_FAULT]);

#endif
