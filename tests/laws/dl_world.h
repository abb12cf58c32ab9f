#ifndef WEFT_TESTS_LAWS_DL_WORLD_H
#define WEFT_TESTS_LAWS_DL_WORLD_H

/* dl_world - a small random program, and the plainest evaluator there is.
 *
 * Relations stand in groups; a rule's body takes from its own group and those below, what it negates or
 * folds from those below, so that every program is stratified.  All columns of a world have one type.
 * The evaluator knows nothing of orders, indexes, rounds or plans: it tries all tuples for all atoms
 * until nothing changes.
 *
 * Lifetime: plain values, large ones: keep them static. */
#include "base/buf.h"

enum {
    DL_WORLD_RELATIONS = 6,
    DL_WORLD_GROUP = 2, /* relations of one */
    DL_WORLD_COLUMNS = 3,
    DL_WORLD_ATOMS = 3,
    DL_WORLD_RULES = 8,
    DL_WORLD_COMPARES = 2,
    DL_WORLD_CONSTANTS = 16,
    DL_WORLD_TUPLES = 2048,
    DL_WORLD_VARS = 5, /* that atoms bind */
    DL_WORLD_CAP = 9,
};

/* What stands in a column: a variable or one of these. */
enum {
    DL_WORLD_FOLDED = DL_WORLD_VARS, /* the aggregate's value */
    DL_WORLD_MADE,                   /* the arithmetic's value */
    DL_WORLD_INNER,                  /* the aggregate's own two variables */
    DL_WORLD_SLOTS = DL_WORLD_INNER + 2,
    DL_WORLD_ANY = 99,
    DL_WORLD_CONSTANT = 100, /* and which */
    DL_WORLD_NEXT = 200,     /* and a variable: that and 1 */
    DL_WORLD_LITERAL = 300,  /* and a small number */
};

struct dl_world_atom {
    int rel;
    int args[DL_WORLD_COLUMNS];
};

struct dl_world_test {
    int sign; /* of dl_world_signs */
    int a, b;
};

struct dl_world_rule {
    struct dl_world_atom head;
    struct dl_world_atom body[DL_WORLD_ATOMS];
    int body_count;
    struct dl_world_atom absent;
    bool has_absent;
    struct dl_world_test tests[DL_WORLD_COMPARES];
    int test_count;
    struct dl_world_test made; /* its sign is of dl_world_ops */
    bool has_made;
    bool capped; /* made over and over: only between 0 and DL_WORLD_CAP */
    struct dl_world_atom folded[2];
    int fold_count; /* 0: no aggregate */
    int fold;       /* of dl_world_folds */
    int target;
};

struct dl_world_tuple {
    int64_t columns[DL_WORLD_COLUMNS];
    int height; /* of the least proof: a fact's is 0 */
    bool given; /* by datalog_fact, not in the text */
};

struct dl_world_relation {
    int arity;
    struct dl_world_tuple tuples[DL_WORLD_TUPLES];
    int count;
};

struct dl_world {
    uint64_t random;
    bool symbols; /* columns are symbols "s0", "s1" ..., a value is the number behind the s */
    int constant_count;
    int64_t constants[DL_WORLD_CONSTANTS];
    int fact_count;
    struct dl_world_relation relations[DL_WORLD_RELATIONS];
    struct dl_world_rule rules[DL_WORLD_RULES];
    uint64_t steps;
    bool lost; /* too large, too long, or a number overflowed: the program proves nothing */
};

void dl_world_make(struct dl_world *w, uint64_t seed);
/* The program as text, with the facts that are not given. */
void dl_world_put(const struct dl_world *w, struct buf *out);
void dl_world_put_value(const struct dl_world *w, struct buf *out, int64_t value);
int dl_world_pick(struct dl_world *w, int below);

/* Fills the relations. */
void dl_world_evaluate(struct dl_world *w);
const struct dl_world_tuple *dl_world_find(const struct dl_world *w, int rel, const int64_t *columns);

#endif
