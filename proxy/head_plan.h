#ifndef WEFT_PROXY_HEAD_PLAN_H
#define WEFT_PROXY_HEAD_PLAN_H

/* head_plan - what a plan does to the head of a message: method, path, status, parameters, and what a head says about a
 * body that was rewritten.
 *
 * Parameters are one value each: one that comes twice is refused, and so is a value that its new place cannot hold.
 *
 * Threads: pure. */
#include "contracts/verdict.h"
#include "contracts/wire/rewrite.h"
#include "http/message.h"

/* What `put` steps put into a body: from the request as it came, with its path and query. */
MUST_USE enum err head_plan_give(const struct plan *p, const struct message *in, struct slice path,
                                 struct rewrite *body, const char **fault);
/* On the head that goes out.  `body` has ended when the plan takes members from it; NULL: it is not rewritten.
 * PEER: `*fault` says in half a sentence why not.  FULL: the head is at its bounds. */
MUST_USE enum err head_plan_request(const struct plan *p, const struct rewrite *body, struct message *m,
                                    const char **fault);
MUST_USE enum err head_plan_response(const struct plan *p, const struct rewrite *body, struct message *m,
                                     const char **fault);
/* The status that the caller gets for this one. */
unsigned head_plan_status(const struct plan *p, unsigned status);
/* `location` by the paths that the caller knows: each operation's path step, backwards. */
MUST_USE enum err head_plan_location(const struct verdict *v, struct message *m);

/* The body will be other bytes: length, digests and ranges are no longer true, and a strong validator gets a mark of
 * the pair, so that it is never taken for that of other bytes. */
MUST_USE enum err head_plan_body_changed(const struct verdict *v, struct message *m);
/* A request whose answer will be rewritten: no ranges of it, in no coding but ours; marks of the pair come off the
 * validators. */
MUST_USE enum err head_plan_answer_changes(const struct verdict *v, struct message *m);

#endif
