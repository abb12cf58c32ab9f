#ifndef WEFT_CONTRACTS_WIRE_PBPLAN_H
#define WEFT_CONTRACTS_WIRE_PBPLAN_H

/* pbplan - a plan for protobuf bodies in the shape of the data.
 *
 * Such a plan begins with `protobuf` and names fields by their numbers and messages by the
 * places that `inside` gives them; "/" is the body itself.
 *
 *     protobuf /            shop.Order
 *     inside   /            3 -> /shop.Line            lossless
 *     rename   /shop.Line   2 -> 7                     lossless
 *     field    /            5 int64 -> string          lossless
 *     field    /            8 int32                    lossless
 *     default  /            8 = 1                      defaulting
 *     narrow   /            5 0..100                   partial
 *     enum     /            6 0 -> 0, 1 -> 4, else 0   one-way
 *     strip    /            9                          one-way
 *     drop     /            10                         one-way
 *     head     /            11 last                    partial
 *
 * `field` says what kind of value stands there and what it becomes; narrow, default and head need one.
 * Repeated values, packed or not, are meant one by one; a message has `inside` wherever it stands, as
 * map entries have.  Fields that no step names pass as they are, and so do unknown ones.
 *
 * Lifetime: points into the plan, belongs to it (plan_protobuf).
 * Threads:  immutable once made. */
#include "contracts/wire/pbvalue.h"
#include "contracts/wire/plan.h"

enum { PBPLAN_NONE = -1, PBPLAN_DIRECT = 64 };

struct pbplan_pair {
    int64_t from, to;
};

/* What is done with a field that nobody looks at. */
enum pbplan_quick { PBPLAN_QUICK_NOT, PBPLAN_QUICK_RENUMBER, PBPLAN_QUICK_DROP };

/* What happens to a field that comes in under one number. */
struct pbplan_field {
    struct pbplan_field *next; /* by number */
    uint32_t number, out;
    int rename, drop, strip, narrow, change, cast, code, head, enter; /* steps */
    bool typed;                                                       /* it has a kind */
    bool judged;                                                      /* its values are looked at */
    enum pbtype_kind kind, becomes;
    const struct plan_step *range;
    struct pbplan_pair *table; /* of `change`, by `from` */
    size_t table_count;
    bool otherwise;
    int64_t other;
    enum plan_pick pick;
    bool encodes;
    struct pbplan_node *inside;
    int watch; /* number of its outgoing field within the node, or PBPLAN_NONE */
    enum pbplan_quick quick;
};

/* A number that may go out from one incoming field only, or must go out. */
struct pbplan_out {
    struct pbplan_out *next, *next_fill;
    uint32_t number;
    int watch, fill;    /* the default step */
    struct slice bytes; /* what it puts, with its key */
};

struct pbplan_node {
    struct pbplan_node *next;
    struct slice path;
    struct pbplan_field *fields;
    const struct pbplan_field *direct[PBPLAN_DIRECT]; /* of low numbers */
    struct pbplan_out *outs, **last_out;
    size_t out_count;
    struct pbplan_out *fills; /* those that are filled, by next_fill */
};

struct pbplan {
    struct arena arena;
    struct slice message;
    struct pbplan_node *nodes; /* the root is the first */
    struct pbplan *next;       /* the stage after it */
};

struct pbplan *pbplan_new(const struct plan *p);
void pbplan_free(struct pbplan **t);
/* What is wrong with a step of a protobuf plan by itself: half a sentence, or NULL. */
const char *pbplan_step_fault(const struct plan_step *s);
/* And with its steps together: a sentence, or NULL; it stands in `room`. */
const char *pbplan_fault(const struct plan *p, char *room, size_t size);

/* NULL: nothing happens to it. */
static inline const struct pbplan_field *pbplan_field(const struct pbplan_node *n, uint32_t number)
{
    if (number < PBPLAN_DIRECT)
        return n->direct[number];
    const struct pbplan_field *f = n->fields;
    while (f && f->number < number)
        f = f->next;
    return f && f->number == number ? f : NULL;
}

#endif
