#ifndef WEFT_BASE_WEB_URL_H
#define WEFT_BASE_WEB_URL_H

/* web_url - the parts of an http or https URL, and which addresses are nobody's but ours.
 *
 * No user, no fragment, no blanks: what is read here goes into a request line as it is.
 *
 * Threads: pure. */
#include <sys/socket.h>

#include "base/slice.h"

enum { WEB_URL_HOST = 255, WEB_URL_PATH = 1024 };

struct web_url {
    bool secure;
    char host[WEB_URL_HOST + 1]; /* without the brackets of an IPv6 address */
    char port[8];
    char path[WEB_URL_PATH + 1]; /* with the query; at least "/" */
};

/* INPUT: not "http[s]://HOST[:PORT][/PATH]". */
MUST_USE enum err web_url_read(struct slice text, struct web_url *out);
/* localhost, 127.0.0.0/8, ::1, as it is spelled. */
bool web_url_is_loopback(const struct web_url *u);
/* Is the host an address, not a name? */
bool web_url_is_literal(const struct web_url *u);
/* Does `text` go to the same place as `beginning`, at or below its path? */
bool web_url_below(const struct web_url *beginning, const struct web_url *u);
/* Loopback, link-local, private, multicast, reserved (RFC 6890), also inside IPv6: not an address of the internet. */
bool web_url_address_private(const struct sockaddr *a);

#endif
