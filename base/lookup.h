#ifndef WEFT_BASE_LOOKUP_H
#define WEFT_BASE_LOOKUP_H

/* lookup - THE c-ares room: names to addresses, without waiting.
 *
 * "stock.shop.svc:4743" is asked for A and AAAA, "_weft._tcp.stock.shop.svc" for SRV and
 * then each target for its addresses, best priority only.  Files (/etc/hosts) come
 * before servers, as the system's configuration says.
 *
 * Lifetime: lookup_free ends what is under way without a call.
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "base/sock.h"

struct lookup;
struct lookup_ask;

enum { LOOKUP_MOST = 256 }; /* addresses of one name */

/* From the loop, once.  OK: `count` addresses (1..), good for `ttl_us`.  ABSENT: there is no such name, or it has no
 * address.  IO: nobody answered.  `why`: for people, static. */
typedef void lookup_fn(void *arg, enum err e, const struct sock_addr *addresses, size_t count, int64_t ttl_us,
                       const char *why);

/* `servers`: "10.0.0.2,10.0.0.3:5353" instead of the system's; NULL: those.  NULL when the library cannot begin
 * (`*why`). */
struct lookup *lookup_new(struct loop *l, struct due_clock *clock, const char *servers, const char **why);
void lookup_free(struct lookup **r);

/* Is this a name that lookup_start takes: HOST:PORT or _SERVICE._PROTO.NAME? */
bool lookup_name_ok(struct slice name);
/* PRE: lookup_name_ok. */
struct lookup_ask *lookup_start(struct lookup *r, struct slice name, lookup_fn *fn, void *arg);
/* Its call will not come; NULL is fine. */
void lookup_cancel(struct lookup_ask **a);

#endif
