#ifndef WEFT_BASE_WEB_ASK_H
#define WEFT_BASE_WEB_ASK_H

/* web_ask - one request to a web server and its answer: https by the Web PKI, and http.
 *
 * A connection each, no redirects.  Whoever asks decides whom it may reach.
 *
 * Threads: blocking, up to the timeout and a name's look-up: for a thread of work, never on the loop. */
#include <stdatomic.h>

#include "base/buf.h"
#include "base/web_url.h"

enum { WEB_ASK_FAULT = 256 };

struct web_ask {
    const struct web_url *url;
    const char *ca; /* PEM of the authorities to believe; NULL: the system's */
    int64_t timeout_us;
    const char *method, *version; /* "POST", "HTTP/1.1" */
    struct slice fields;          /* each with its CRLF; Host is there already */
    struct slice body;            /* its length is the caller's to say */
    bool head_only;               /* what comes behind the head of the answer is of no interest */
    bool public_only;             /* no private address (web_url), whatever the name says */
    const atomic_bool *give_up;   /* NULL, or true: as if the time were over */
};

/* OK: `all` has the answer's head and what came of its body; `*cut`: it ended without saying so.  IO: `fault`. */
MUST_USE enum err web_ask(const struct web_ask *ask, struct buf *all, bool *cut, char fault[WEB_ASK_FAULT]);
/* Of an answer: the value of a field in its head; false: it is not there. */
bool web_ask_field(struct slice head, struct slice name, struct slice *value);
/* 0: no HTTP answer. */
unsigned web_ask_status(struct slice all);

#endif
