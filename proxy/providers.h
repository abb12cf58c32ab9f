#ifndef WEFT_PROXY_PROVIDERS_H
#define WEFT_PROXY_PROVIDERS_H

/* providers - whose tokens count: identity providers, their keys, and what their tokens say.
 *
 * Keys come from a file, or from a URL by a thread: at start, every `refresh`, and at
 * once, but not twice within ten seconds, when a token names a key that is not there.
 * What was fetched stays until newer keys have come, so an outage of the provider
 * changes nothing for the keys that are known.  A token that was verified is known by
 * its bytes until it ends.
 *
 * Lifetime: outlives snapshots; providers_adopt takes over a new configuration and keeps the keys of
 *           providers that are still the same.
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "base/metric.h"
#include "policy/attrs.h"
#include "proxy/accord.h"
#include "proxy/proxy_conf.h"

struct providers;

struct providers *providers_new(struct loop *l, struct due_clock *clock, struct metric_set *metrics);
/* Whoever waits is dropped. */
void providers_free(struct providers **p);
void providers_adopt(struct providers *p, const struct conf_map *tokens);
/* For start-up: does a provider's file have keys?  INPUT: complaints are in `diag`. */
MUST_USE enum err providers_check(const struct conf_map *tokens, struct diag *diag);

struct providers_claims {
    const struct attrs_header *v; /* until the next call about tokens */
    size_t count;
};
/* What this token says.  OK: of a provider of ours, verified and judged now.  ABSENT: not a token of any provider
 * of ours; it says nothing.  DENIED: `*why` is a static sentence.  AGAIN: its provider's keys are on their way:
 * wait, ask again.  IO: they are not to be had. */
MUST_USE enum err providers_read(struct providers *p, struct slice token, struct providers_claims *out,
                                 const char **why);
/* `fn` comes once, from the loop, when keys have come or could not be fetched. */
void providers_await(struct providers *p, struct accord_wait *w);

#endif
