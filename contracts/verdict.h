#ifndef WEFT_CONTRACTS_VERDICT_H
#define WEFT_CONTRACTS_VERDICT_H

/* verdict - run the rules on a pair: what breaks, what can be adapted, and why.
 *
 * The question is always: may a peer written against `consumer` call a provider
 * that runs `provider`?  In CI, `weft check OLD NEW --mode backward` asks it with
 * consumer = OLD and provider = NEW; forward swaps them.
 *
 * Lifetime: immutable, shared by reference; keeps references on both contracts.
 * Threads:  computing one may take milliseconds: keep it off the loop.  References
 *           may be taken from any thread. */
#include "contracts/contract.h"
#include "contracts/profile.h"
#include "contracts/wire/plan.h"

enum verdict_level { VERDICT_SAME, VERDICT_COMPATIBLE, VERDICT_ADAPTABLE, VERDICT_UNPROVEN, VERDICT_BREAKING };
const char *verdict_level_name(enum verdict_level l); /* "same" ... "breaking" */

enum verdict_direction { VERDICT_REQUEST, VERDICT_RESPONSE, VERDICT_SURFACE };

struct verdict_place {
    const char *file; /* NULL: not known */
    unsigned line, column;
};

/* One edit, one finding. */
struct verdict_finding {
    enum verdict_level level;
    enum verdict_direction direction;
    bool both_directions;     /* requests and responses */
    struct slice id;          /* fingerprint: 16 hex digits, stable under reordering and rewording */
    struct slice rule;        /* "member-removed" */
    struct slice operation;   /* the first of `operations`; empty: the contract as a whole */
    struct slice *operations; /* blast radius */
    size_t operation_count;
    struct slice *messages; /* of protobuf, when no operation is reached: the outermost messages that are */
    size_t message_count;
    struct slice where;   /* "Order.qty" */
    struct slice message; /* one sentence */
    struct slice witness; /* JSON a writer may send and the reader refuses, or empty; bridged: as for `proof` */
    struct slice fix;     /* how to repair it */
    struct slice proof;   /* the derivation, as an indented tree; of what is bridged verdict_compute has the first 8 */
    struct slice *also;   /* what other tools call it, "oasdiff:request-property-became-required" */
    size_t also_count;
    struct verdict_place consumer, provider;
};

struct verdict_operation {
    struct slice name;          /* the consumer's name for it */
    struct slice provider_name; /* the provider's; empty: it is gone */
    enum verdict_level level;
    struct plan *request;  /* consumer's body to the provider's; NULL: nothing to do */
    struct plan *response; /* provider's body to the consumer's; NULL: nothing to do.  For bodies of
                            * successful answers (status below 400) only: others pass as they are. */
};

struct verdict;

/* Runs under the engine's limits; past one the level is UNPROVEN with a finding that says so.
 * Never fails: what cannot be decided is UNPROVEN. */
struct verdict *verdict_compute(struct contract *consumer, struct contract *provider);
/* The same under limits for files, which may be larger than what a peer sends, and judged by a profile; "wire" is what
 * verdict_compute asks, what breaks peers in practice. */
struct verdict *verdict_compute_as(struct contract *consumer, struct contract *provider, const struct profile *profile);
/* The same when the provider knows earlier versions of its contract, the oldest first: an operation that has no plan of
 * its own from the consumer to the provider has the plans from version to version, one after the other.  Findings stay
 * those of the pair.  Asked of such a pair only where it helps; `count` is at most VERDICT_VERSIONS. */
enum { VERDICT_VERSIONS = 8 };
struct verdict *verdict_compute_through(struct contract *consumer, struct contract *provider,
                                        struct contract *const *versions, size_t count);
struct verdict *verdict_compute_through_as(struct contract *consumer, struct contract *provider,
                                           struct contract *const *versions, size_t count,
                                           const struct profile *profile);
struct verdict *verdict_ref(struct verdict *v);
void verdict_unref(struct verdict **v);

enum verdict_level verdict_level(const struct verdict *v); /* the worst */
struct contract *verdict_consumer(const struct verdict *v);
struct contract *verdict_provider(const struct verdict *v);
/* The consumer's messages, where both speak protobuf and are not the same; NULL: otherwise.  Made when first asked for,
 * live as long as the verdict. */
struct pbmould;
struct pbmould *verdict_types(struct verdict *v);
size_t verdict_operation_count(const struct verdict *v);
/* In the order of the consumer's operations, so `i` is also contract_match's answer on the consumer. */
const struct verdict_operation *verdict_operation(const struct verdict *v, size_t i);
size_t verdict_finding_count(const struct verdict *v);
/* Worst first. */
const struct verdict_finding *verdict_finding(const struct verdict *v, size_t i);
/* The worst finding that touches this operation; NULL: none. */
const struct verdict_finding *verdict_worst(const struct verdict *v, struct slice operation);
bool verdict_hit_limit(const struct verdict *v);

#endif
