#ifndef WEFT_PROXY_PREFER_H
#define WEFT_PROXY_PREFER_H

/* prefer - what a request's Prefer fields ask for (RFC 7240).
 *
 * Several fields are one list, names have no case, and of a preference that comes
 * twice the first counts.  Parameters and preferences we do not know are passed
 * over, and so is an element that is none: a preference is never a reason to refuse.
 *
 * Threads: pure. */
#include "http/headers.h"

enum { PREFER_WAIT_MOST = 3600 }; /* seconds; who asks for more gets this */

struct prefer {
    bool respond_async;
    bool has_wait;
    uint32_t wait_s;
};

void prefer_read(const struct headers *fields, struct prefer *out);

/* The next preference of one field's value; value empty when it has none, without its quotes
 * (and with its escapes) when it is quoted.  false: there is no more. */
struct prefer_item {
    struct slice name, value;
};
bool prefer_next(struct slice *rest, struct prefer_item *item);

#endif
