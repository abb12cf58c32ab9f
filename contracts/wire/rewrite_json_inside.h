#ifndef WEFT_CONTRACTS_WIRE_REWRITE_JSON_INSIDE_H
#define WEFT_CONTRACTS_WIRE_REWRITE_JSON_INSIDE_H

/* rewrite_json_inside - what the rooms of the JSON rewriter share.
 *
 *   rewrite_json         tokens, members, and what is passed at a glance
 *   rewrite_json_value   what becomes of a value that a step looks at
 *   rewrite_json_land    members of our own, and those that come from elsewhere
 *   rewrite_json_branch  of which branch of a union a value is
 *
 * Included by those four alone. */
#include "contracts/wire/branch_scout.h"
#include "contracts/wire/held.h"
#include "contracts/wire/json_names.h"
#include "contracts/wire/json_path.h"
#include "contracts/wire/json_tok.h"
#include "contracts/wire/plan_tree.h"
#include "contracts/wire/rewrite_format.h"

/* One open object or array. */
struct frame {
    const struct plan_tree_node *node;  /* NULL: nothing to do in here */
    const struct plan_tree_node *child; /* of the value that comes next */
    struct json_names_object names;
    size_t seen; /* its first flag in rewrite_json.seen */
    bool object;
    bool keeps;         /* between values, bytes are kept back */
    bool wrote;         /* a member has gone out */
    int head;           /* the step that makes one element of it, or PLAN_TREE_NONE */
    struct wait *waits; /* one for each of the node's slots, or NULL */
};

/* A value that has left its place, as it goes out. */
struct wait {
    struct buf value;
    bool there;
    bool taken; /* the name that it is to land under came in already */
};

/* What is to be done when the value at `depth` is over. */
struct closer {
    size_t depth;
    struct wait *wait; /* what came out goes there; NULL: a bracket is added */
    struct buf *back;  /* and then on to there */
};

/* A member whose name has come and that neither went out nor was dropped. */
struct undecided {
    bool on;
    const struct plan_tree_member *member; /* NULL: it has no steps of its own */
    uint64_t begin, end;                   /* of its name */
};

struct rewrite_json {
    struct rewrite shared;
    const struct plan_tree_node *root;
    struct json_tok tok;
    struct branch_scout scout; /* on: the object `ahead` is not known yet */
    struct json_token begun;   /* its bracket, which was read */
    struct buf ahead;          /* from its bracket on, not rewritten yet */
    struct json_names names;
    struct json_path path;
    uint64_t secret; /* of json_names */
    size_t most;     /* that is kept back */
    struct held held;
    struct frame *frames;
    size_t depth, frame_room;
    bool *seen; /* a flag for each watched name of each open object */
    size_t seen_count, seen_room;
    struct undecided undecided;
    struct wait *leaving; /* the name has come of a value that goes there */
    struct closer *closers;
    size_t closer_count, closer_room;
    struct wait nowhere; /* what nobody wants goes there */
};

MUST_USE enum err rewrite_json_fail(struct rewrite_json *r, enum err e, uint64_t offset, const char *fault);
/* `before` the name in quotes, `after` it. */
MUST_USE enum err rewrite_json_fail_name(struct rewrite_json *r, uint64_t offset, const char *before, struct slice name,
                                         const char *after);

/* What held_... answers is FULL for two reasons; only the sentence tells them apart. */
static inline enum err rewrite_json_give(struct rewrite_json *r, uint64_t to)
{
    if (r->held.out == &r->nowhere.value)
        buf_clear(&r->nowhere.value);
    if (held_give(&r->held, to) == ERR_OK)
        return ERR_OK;
    return rewrite_json_fail(r, ERR_FULL, to, "no room for what goes out");
}

static inline enum err rewrite_json_add(struct rewrite_json *r, struct slice bytes)
{
    if (held_add(&r->held, bytes) == ERR_OK)
        return ERR_OK;
    return rewrite_json_fail(r, ERR_FULL, r->held.done, "no room for what goes out");
}

static inline enum err rewrite_json_check_kept(struct rewrite_json *r, uint64_t to)
{
    if (held_check(&r->held, to) == ERR_OK)
        return ERR_OK;
    return rewrite_json_fail(r, ERR_FULL, to, "a member is too large to be rewritten");
}

static inline void rewrite_json_applied(struct rewrite_json *r, int step)
{
    r->shared.applied[step]++;
}

/* Member by member into this object's end: what waits for it, and what stands in for what did not come.  `at` is its
 * bracket's offset, `behind` the end of what came last. */
MUST_USE enum err rewrite_json_land_all(struct rewrite_json *r, struct frame *f, uint64_t at, uint64_t behind);
MUST_USE enum err rewrite_json_land_defaults(struct rewrite_json *r, struct frame *f, uint64_t at, uint64_t behind);
/* A host ends: are names taken that others want to land under? */
void rewrite_json_land_taken(struct rewrite_json *r, struct frame *f);
/* Where the value of this member goes instead of out; NULL: out. */
struct wait *rewrite_json_land_way(struct rewrite_json *r, struct frame *f, const struct plan_tree_member *m);
/* Something is to be done at the end of the value that begins; `wait` NULL: a bracket is added. */
void rewrite_json_land_push(struct rewrite_json *r, struct wait *wait);
MUST_USE enum err rewrite_json_land_end(struct rewrite_json *r, uint64_t end);
/* Where output goes in the call that begins. */
void rewrite_json_land_out(struct rewrite_json *r, struct buf *out);

/* Is this the first token of a value of which it is to be found out of which branch it is? */
static inline bool rewrite_json_branches(const struct rewrite_json *r, const struct json_token *t)
{
    const struct plan_tree_node *n = r->depth ? r->frames[r->depth - 1].child : r->root;
    return n && n->choices && t->kind != JSON_TOK_NAME && t->kind != JSON_TOK_COMMA && t->kind != JSON_TOK_OBJECT_END &&
           t->kind != JSON_TOK_ARRAY_END;
}
/* OK: it is known, and the steps for the value are chosen.  AGAIN: `bytes`, which follow the token, do not show it. */
MUST_USE enum err rewrite_json_branch(struct rewrite_json *r, const struct json_token *t, struct slice bytes);
/* More of the same object. */
MUST_USE enum err rewrite_json_branch_on(struct rewrite_json *r, struct slice bytes);

/* The token is all of a value that steps of `n` look at. */
MUST_USE enum err rewrite_json_value_judge(struct rewrite_json *r, const struct plan_tree_node *n,
                                           const struct json_token *t);

#endif
