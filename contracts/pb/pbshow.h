#ifndef WEFT_CONTRACTS_PB_PBSHOW_H
#define WEFT_CONTRACTS_PB_PBSHOW_H

/* pbshow - what a finding between two sets of .proto files comes to: the calls that it reaches, and a message that
 * one side writes and the other misreads.
 *
 * A policy of another tool decides by itself what breaks; without one, a break is what a message shows.  What calls
 * reach is judged in their direction: requests are the consumer's, responses the provider's; what no call reaches was
 * written by the consumer.
 *
 * Lifetime: caller's memory; pbshow_fini is safe on a zeroed one.  What is found lives in the arena. */
#include "contracts/graph.h"
#include "contracts/pb/pbpair.h"
#include "contracts/pb/pbreach.h"
#include "contracts/wire/plan.h"

struct pbshow {
    const struct contract *consumer, *provider;
    struct arena *arena;
    bool governed; /* by a policy: what it calls a break is one, shown or not */
    bool ready;    /* the rest is there; it is made for the first finding */
    struct pbtype types[2];
    struct pbreach reach[2];
    struct pbpair pair;
};

struct pbshow_result {
    enum verdict_level level;
    bool dropped;          /* it is no finding after all */
    bool spannable;        /* a plan between the bodies of a call makes it right */
    struct slice witness;  /* JSON, or empty */
    uint64_t *reached;     /* a bit for each operation of the consumer */
    struct slice *holders; /* messages that hold what no call reaches, sorted; PBREACH_HOLDERS of them at most */
    size_t holder_count;
};

/* PRE: both contracts speak protobuf. */
void pbshow_init(struct pbshow *s, const struct contract *consumer, const struct contract *provider, bool governed,
                 struct arena *arena);
void pbshow_fini(struct pbshow *s);
/* `level`: what the profile says of it. */
struct pbshow_result pbshow_surface(struct pbshow *s, const struct graph_surface *surface, enum verdict_level level);
/* The plans between the bodies of one of the consumer's operations.  False: there is none that makes all of both right,
 * `*why` says why in half a sentence; else the caller unrefs both, and one of them may be NULL. */
bool pbshow_plans(struct pbshow *s, size_t operation, struct plan **request, struct plan **response, const char **why);

#endif
