#ifndef WEFT_CONTRACTS_WIRE_BRANCH_SCOUT_H
#define WEFT_CONTRACTS_WIRE_BRANCH_SCOUT_H

/* branch_scout - reads on in an object until it is known of which branch of a union it is.
 *
 * It takes bytes that somebody else reads again: faults are left to him, and to a scout a
 * text that breaks off is of no branch.
 *
 * Lifetime: caller's memory; a zeroed one is off, branch_scout_fini is safe on it.  The
 *           node outlives it.
 * Threads:  belongs to one; pure. */
#include "contracts/wire/json_tok.h"
#include "contracts/wire/plan_tree.h"

/* What is known of one choice. */
struct branch_scout_state {
    uint32_t open;  /* a bit for each term of a member that did not come yet */
    uint32_t asked; /* and for each that looks at the value that comes next */
    bool out;       /* it is not this one */
    bool barred;    /* a member is there that should not be */
};

struct branch_scout {
    bool on;
    const struct plan_tree_node *node;
    struct json_tok tok;
    struct branch_scout_state *of; /* by choice; kept from one object to the next */
    size_t room;
    uint64_t read; /* bytes of the object, up to what settled it */
    bool asked;    /* some term looks at the value that comes next */
};

/* An object begins, its bracket included in what is fed; PRE: the node has choices. */
void branch_scout_start(struct branch_scout *s, const struct plan_tree_node *node, size_t max_text);
/* OK: `*choice` is it, or NULL when it is none; the scout is off.  AGAIN: more is needed.  PEER: two branches claim it;
 * off as well. */
MUST_USE enum err branch_scout_feed(struct branch_scout *s, struct slice bytes, const struct plan_tree_choice **choice);
void branch_scout_fini(struct branch_scout *s);

#endif
