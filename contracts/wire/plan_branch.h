#ifndef WEFT_CONTRACTS_WIRE_PLAN_BRANCH_H
#define WEFT_CONTRACTS_WIRE_PLAN_BRANCH_H

/* plan_branch - a word of a plan's path that says for which values the steps behind it are.
 *
 * It stands in parentheses where the value stands: "/pay/(kind=card)".  Terms are joined
 * by "&", and each speaks of the value or of one of its members:
 *
 *     :object          the value is an object; also array, string, number, bool
 *     kind=card|visa   the member is one of these strings
 *     kind:string      the member is of this kind; more kinds behind "|", null is one too
 *     +iban            the member is there
 *     -iban            the member is not there
 *
 * A value is of the branch when all terms hold.  One for which all others hold, at least
 * one, and which has a member that should not be there, is of nobody knows which branch:
 * it is refused.  A place that members of other objects are moved into, or out of, has no branches.  Of several that a
 * value is of, that one counts that shows first.  In names and strings all but letters, digits, "_", "." and bytes from
 * 0x80 is written ~xHH, and nothing at all ~.
 *
 * Threads: pure. */
#include "base/arena.h"
#include "base/buf.h"

enum plan_branch_kind {
    PLAN_BRANCH_OBJECT = 1,
    PLAN_BRANCH_ARRAY = 2,
    PLAN_BRANCH_STRING = 4,
    PLAN_BRANCH_NUMBER = 8,
    PLAN_BRANCH_BOOL = 16,
    PLAN_BRANCH_NULL = 32,
};

enum plan_branch_test { PLAN_BRANCH_IS, PLAN_BRANCH_ONE_OF, PLAN_BRANCH_KIND, PLAN_BRANCH_HAS, PLAN_BRANCH_LACKS };

struct plan_branch_term {
    struct plan_branch_term *next;
    enum plan_branch_test test;
    struct slice member;
    unsigned kinds;       /* IS, KIND: bits of plan_branch_kind */
    struct slice *values; /* ONE_OF */
    size_t value_count;
};

struct plan_branch {
    struct plan_branch_term *terms; /* at most PLAN_BRANCH_TERMS */
    unsigned kinds;                 /* of the value; OBJECT when there is a term of a member */
    bool claims;                    /* there is a term of a member that is there */
};

enum { PLAN_BRANCH_TERMS = 32 };

/* Is it meant as such a word? */
static inline bool plan_branch_is(struct slice word)
{
    return word.len > 2 && word.at[0] == '(' && word.at[word.len - 1] == ')';
}
/* The terms live in the arena.  INPUT: it is no such word. */
MUST_USE enum err plan_branch_read(struct slice word, struct arena *arena, struct plan_branch *out);
void plan_branch_put(const struct plan_branch *b, struct buf *out);
const char *plan_branch_kind_name(enum plan_branch_kind kind);

#endif
