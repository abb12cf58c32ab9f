#ifndef WEFT_PROXY_ACCORD_H
#define WEFT_PROXY_ACCORD_H

/* accord - (digest, digest) to verdict and plan, computed once, off the loop.
 *
 * Holds the contracts that peers have shown (by digest, bounded per peer and in
 * all, least recently used go first) and the verdicts of pairs.  A known verdict
 * costs the request path one hash lookup.  What is computed for peers is computed one
 * piece for each in turn, so nobody waits behind all that another asks for.
 *
 * What judging needs, the rules and memory to work in, goes 100 ms after the last
 * judgement, and at most every 10 s.
 *
 * Lifetime: accord_free drops waiters without calling them.
 * Threads:  belongs to the loop; parsing and judging happen on a thread of its own. */
#include "base/due.h"
#include "base/map.h"
#include "base/work.h"
#include "contracts/verdict.h"

struct accord;

enum {
    ACCORD_CONTRACTS = 1000,
    ACCORD_PER_PEER = 16,
    ACCORD_PAIRS = 4096,
    ACCORD_OFFERS = 64,
    ACCORD_OFFERS_PER_PEER = 8,
    ACCORD_JUDGEMENTS_PER_PEER =
        32, /* pairs and texts that wait to be judged or parsed; who asks for more asks again */
    ACCORD_TASKS_PER_PEER = ACCORD_JUDGEMENTS_PER_PEER + ACCORD_OFFERS_PER_PEER
};

struct accord *accord_new(struct loop *l, struct due_clock *clock);
void accord_free(struct accord **a);

/* Who waits for a contract or a verdict.  `fn` is called once, from the loop, when something about
 * the digest has changed; ask again then. */
struct accord_wait {
    struct list link; /* list_init before the first use; list_remove to stop waiting */
    struct hash_digest digest;
    void (*fn)(struct accord_wait *w);
};

/* A contract of our own: known at once. */
void accord_know(struct accord *a, struct contract *c);

/* What it was before, the oldest first, at most VERDICT_VERSIONS: verdicts on it go version by version where that
 * helps. Takes references; verdicts that were made with others are forgotten. */
void accord_know_versions(struct accord *a, struct contract *of, struct contract *const *versions, size_t count);
bool accord_has_versions(const struct accord *a);
/* Calls are translated between JSON and protobuf: what that needs of a pair is made with its verdict, off the loop. */
void accord_translates(struct accord *a, bool does);

/* A peer says that this digest is on its way: questions wait instead of failing. */
void accord_expect(struct accord *a, const struct hash_digest *digest);
/* It will not come after all. */
void accord_forget(struct accord *a, const struct hash_digest *digest);

/* A peer's contract, to be parsed off the loop; `done` comes once, from the loop, with CLOSED from
 * accord_free.  FULL: over the bounds.  The text is copied. */
typedef void accord_offer_fn(void *arg, enum err e, struct slice complaint);
MUST_USE enum err accord_offer(struct accord *a, struct slice peer, const struct hash_digest *digest, struct slice text,
                               accord_offer_fn *done, void *arg);

/* OK: `*out` is borrowed until the loop turns.  AGAIN: it is being judged, or on its way: wait.
 * ABSENT: nobody has shown this contract. */
MUST_USE enum err accord_find(struct accord *a, const struct hash_digest *consumer, struct contract *provider,
                              struct verdict **out);
/* A contract somebody has shown; NULL: unknown. */
struct contract *accord_contract(struct accord *a, const struct hash_digest *digest);
void accord_await(struct accord *a, struct accord_wait *w);

/* An answer goes out on this connection: does it name our contract?  The first one does, the first after that has
 * changed, and then one of 256, since an answer may be lost on its way; connections by the hundred name it more often.
 */
bool accord_tells(struct accord *a, uint64_t conn_id, const struct contract *ours);

/* Every verdict known that is not yet in `seen`, as JSON objects for /contracts; `arena` keeps what `seen` refers to.
 */
struct json_out;
void accord_list(const struct accord *a, struct map *seen, struct arena *arena, struct json_out *j);

/* What a caller's weft-contract says; one that came lately is known by its text.  INPUT: it is none. */
MUST_USE enum err accord_read(struct accord *a, struct slice value, struct hash_digest *out);
/* "sha-256=BASE64URL" to a digest and back. */
MUST_USE enum err accord_parse_header(struct slice value, struct hash_digest *out);

#endif
