#ifndef WEFT_CONTRACTS_WIRE_PLAN_H
#define WEFT_CONTRACTS_WIRE_PLAN_H

/* plan - adaptation steps in order: how one body becomes the other.
 *
 * A plan is a tree shaped like the data: at a path stand the steps for the object
 * there.  Paths are member names; "[]" is every element of an array, "{}" every
 * value of a map; in a name `~` is written ~0 and `/` ~1 (plan_put_name).  Paths and
 * `from` are names as they come in, so steps do not see each other's work: a -> b
 * beside b -> a swaps the two.  Steps on values (narrow, enum, scale, text, number) may
 * also say "[]" or "{}" as `from`: every element, every value; null passes them all.  Of
 * enum, scale, text and number a value has one, the last.  Each step has its law.
 *
 *     rename   /            qty -> quantity            lossless
 *     default  /lines/[]    currency = "EUR"           defaulting
 *     drop     /            legacy                     one-way
 *     widen    /            total int32 -> int64       lossless
 *     enum     /            status GONE -> CLOSED      one-way
 *     strip    /            note (null becomes absent) one-way
 *     scale    /            weight * 1/1000            lossless
 *     scale    /            weight * 1000 in 0..9999   partial
 *     text     /            total                      lossless
 *     number   /            total in 0..9999           partial
 *
 * Text form: one step a line, as above, tab-separated; plan_parse reads what
 * plan_put wrote (`weft adapt`, tests).  The law may be left out, and # begins a
 * comment.
 *
 * Lifetime: immutable once built, shared by reference.
 * Threads:  references may be taken from any thread. */
#include "base/diag.h"

enum plan_op {
    PLAN_RENAME,  /* from, to.  Never when `to` is there already: then the body is refused */
    PLAN_DEFAULT, /* to, value (JSON): put at the end of the object when absent */
    PLAN_DROP,    /* from */
    PLAN_WIDEN,   /* from, text "int32 -> int64": bytes unchanged, said for people */
    PLAN_NARROW,  /* from, low, high: the number is checked; out of range: the body is refused */
    PLAN_ENUM,    /* from (member), table of symbol -> symbol; what the table lacks: `value`, or refused when empty */
    PLAN_STRIP,   /* from: null becomes absent */
    PLAN_SCALE,   /* from, times, per: the number becomes times/per of it, exactly; what has no end is refused */
    PLAN_TEXT,    /* from: a whole number becomes a string of its digits */
    PLAN_NUMBER,  /* from: and back; another string is refused */
    PLAN_OP_COUNT
};

#define PLAN_FACTOR_MOST INT64_C(1000000000000)

enum plan_law { PLAN_LOSSLESS, PLAN_ONE_WAY, PLAN_DEFAULTING, PLAN_PARTIAL };

struct plan_step {
    enum plan_op op;
    enum plan_law law;
    struct slice path;  /* of the object: "/" or "/lines/[]" */
    struct slice from;  /* member as it comes in */
    struct slice to;    /* member as it goes out */
    struct slice value; /* JSON; what is not JSON refuses the body that needs it */
    struct slice text;  /* for people */
    int64_t low, high;
    bool whole;                /* scale, number: the result must be whole, from low to high */
    int64_t times, per;        /* scale: above 0, at most PLAN_FACTOR_MOST */
    const struct slice *table; /* pairs: from, to, from, to ... */
    size_t table_count;        /* number of pairs */
    struct slice why;          /* the proof that offers it, one line */
};

struct plan;

struct plan *plan_new(void);
/* Copies what the step points to.  PRE: before the first plan_ref. */
void plan_add(struct plan *p, const struct plan_step *step);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan **p);

size_t plan_count(const struct plan *p);
const struct plan_step *plan_step(const struct plan *p, size_t i);
const char *plan_op_name(enum plan_op op);
const char *plan_law_name(enum plan_law law);
/* What holds of a step of this kind when nobody says more. */
enum plan_law plan_op_law(enum plan_op op);
/* The weakest law of all steps. */
enum plan_law plan_law(const struct plan *p);
/* Does it change any byte of a body (widen alone does not)? */
bool plan_rewrites(const struct plan *p);

/* The plan as a tree, for those who rewrite; made when first asked for, lives as long as the plan. */
struct plan_tree;
const struct plan_tree *plan_compiled(struct plan *p);

/* A member name as it stands in a path. */
void plan_put_name(struct buf *out, struct slice name);
void plan_put(const struct plan *p, struct buf *out);
MUST_USE enum err plan_parse(struct slice text, const char *file, struct diag *diag, struct plan **out);

#endif
