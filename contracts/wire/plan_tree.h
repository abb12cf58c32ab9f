#ifndef WEFT_CONTRACTS_WIRE_PLAN_TREE_H
#define WEFT_CONTRACTS_WIRE_PLAN_TREE_H

/* plan_tree - a plan in the shape of the data, so that one look-up a member finds all
 * that happens to it.
 *
 * Steps are named by their number in the plan; PLAN_TREE_NONE is no step.  Of two
 * steps of one kind on one member the later stands.
 *
 * Lifetime: points into the plan, belongs to it (plan_compiled).
 * Threads:  immutable once made. */
#include "base/map.h"
#include "contracts/wire/json_names.h"
#include "contracts/wire/plan.h"
#include "contracts/wire/plan_branch.h"

enum { PLAN_TREE_NONE = -1 };

struct plan_tree_out;

/* A value that leaves its place and waits until the object at its home ends: there it lands, or goes to the head. */
struct plan_tree_slot {
    struct plan_tree_slot *next;
    size_t number;               /* within its home, from 0 */
    int step;                    /* hoist, plunge or take */
    unsigned up;                 /* how many objects its home is further out than its place */
    struct plan_tree_out *out;   /* hoist: in its home; plunge: in its host */
    struct plan_tree_host *host; /* plunge */
};

/* A member that others go into: kept whole until its object ends, or made there. */
struct plan_tree_host {
    struct plan_tree_host *next;
    struct plan_tree_slot kept;
    struct plan_tree_node *inside;
    struct plan_tree_out *out; /* its own name, in its home */
};

/* What happens to a member that comes in under one name. */
struct plan_tree_member {
    struct slice name;
    uint64_t hash; /* json_names_hash of it */
    int rename, drop, strip;
    bool lets_out;                /* something further in leaves */
    struct plan_tree_slot *slot;  /* it leaves */
    struct plan_tree_host *host;  /* or others go into it; that counts more */
    struct plan_tree_out *out;    /* under what name it goes out, when that is watched; or NULL */
    struct plan_tree_node *value; /* steps further in, or NULL */
};

/* A name that may not go out twice in one object, or must go out once. */
struct plan_tree_out {
    struct plan_tree_out *next;
    size_t number; /* within its object, from 0 */
    struct slice name;
    struct slice quoted; /* as a JSON string */
    int fill;            /* the default step */
    bool fill_ok;        /* its value is JSON */
    int put;             /* the step whose value comes with the message; that counts more */
    bool lands;          /* something may come here from further out, when this object has ended */
};

/* Steps for a value here that is of one branch of a union; then those of the place itself are not for it, but for a
 * step on its shape. */
struct plan_tree_choice {
    struct plan_tree_choice *next;
    struct slice word;
    struct plan_branch branch;
    struct plan_tree_node *node;
};

/* One place in the data. */
struct plan_tree_node {
    struct map members;                    /* by incoming name */
    const struct plan_tree_member **quick; /* the same by hash: open addressing, NULL is free */
    size_t quick_cap;
    struct plan_tree_node *each;  /* elements, when it is an array */
    struct plan_tree_node *every; /* values of members without steps of their own */
    struct plan_tree_out *outs, **last_out;
    size_t out_count;
    bool edits;               /* members come, go or change their names */
    int change, narrow, turn; /* steps on the value itself: enum; narrow; scale, text, number and their like */
    int shape;                /* wrap or head */
    bool else_ok;             /* head: there is a value for an empty array, and it is JSON */
    struct plan_tree_slot *slots, **last_slot;
    struct plan_tree_host *hosts, **last_host;
    size_t slot_count; /* with those of hosts */
    bool is_host;      /* members land in here from further out */
    bool is_passed;    /* members leave from here, or from further in, for further out */
    struct map table;  /* of `change`: symbol to struct slice, quoted */
    bool otherwise_ok; /* `change` has a value for all other symbols, and it is JSON */
    struct plan_tree_choice *choices, **last_choice;
    size_t choice_count;
    bool choice_judges; /* a choice has steps that look at the value */
    bool looks_inside;  /* a choice is told by members */
    struct plan_tree_node *made_before;
};

struct plan_tree {
    struct arena arena;
    struct plan_tree_node *root, *newest;
    size_t step_count;
    struct plan_tree *next; /* the stage after it */
};

struct plan_tree *plan_tree_new(const struct plan *p);
void plan_tree_free(struct plan_tree **t);

/* What happens to members of this name, given with its json_names_hash; NULL: nothing of their own. */
static inline const struct plan_tree_member *plan_tree_member(const struct plan_tree_node *n, struct slice name,
                                                              uint64_t hash)
{
    for (size_t i = hash & (n->quick_cap - 1); n->quick[i]; i = (i + 1) & (n->quick_cap - 1))
        if (n->quick[i]->hash == hash && json_names_same(n->quick[i]->name, name))
            return n->quick[i];
    return NULL;
}

/* Must a value here be whole before it can go on? */
static inline bool plan_tree_judges(const struct plan_tree_node *n)
{
    return n && (n->change != PLAN_TREE_NONE || n->narrow != PLAN_TREE_NONE || n->turn != PLAN_TREE_NONE ||
                 n->choice_judges);
}

/* Or must at least its kind be known? */
static inline bool plan_tree_waits(const struct plan_tree_node *n)
{
    return plan_tree_judges(n) || (n && (n->shape != PLAN_TREE_NONE || n->choices));
}

#endif
