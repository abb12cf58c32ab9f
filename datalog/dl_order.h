#ifndef WEFT_DATALOG_DL_ORDER_H
#define WEFT_DATALOG_DL_ORDER_H

/* dl_order - rule bodies to join orders, and with them the indexes that are needed.
 *
 * Greedy: tests as soon as they can be made, then the atom that meets fewest tuples,
 * if that can be guessed, then the one of which most columns are known.  A plan for the news of one atom begins with
 * it, so that a round costs what is new.
 *
 * Lifetime: a plan lives in the arena it was made in. */
#include "datalog/dl_rule.h"

enum dl_step_kind {
    DL_STEP_SCAN,   /* every tuple that has the key */
    DL_STEP_HAS,    /* is this very tuple there? */
    DL_STEP_ABSENT, /* no tuple has the key */
    DL_STEP_TEST,
    DL_STEP_LET,
    DL_STEP_FOLD,
    DL_STEP_EACH, /* every value of a range */
};

/* Which tuples: by the round in which they came. */
enum dl_rows { DL_ROWS_ALL, DL_ROWS_NEW, DL_ROWS_OLD };

struct dl_column_use {
    unsigned column;
    unsigned kept; /* its place among the columns that the step needs */
    const struct dl_expr *expr;
};

struct dl_step {
    enum dl_step_kind kind;
    enum dl_rows rows;
    const struct dl_goal *goal;
    uint32_t mask; /* of the key's columns */
    uint32_t need; /* of all other columns that are looked at */
    unsigned key_count, bind_count, same_count;
    struct dl_column_use *keys;  /* known before */
    struct dl_column_use *binds; /* get their slot here */
    struct dl_column_use *sames; /* got their slot in an earlier column of this tuple */
    const struct dl_expr *value; /* of a LET */
    unsigned slot;               /* of a LET, FOLD or EACH */
    bool known;                  /* of a FOLD or EACH: the slot has a value already, so compare */
};

struct dl_plan {
    struct dl_step *steps;
    unsigned count;
    /* The head's columns are slots and constants, and the last step is a scan: then by column of the head
     * the place among what that step needs where it comes from, or -1 when it is known before.  Else NULL. */
    const int *gives;
};

/* About how many tuples of an atom are met for each way so far, when `known` columns have values. */
typedef uint32_t dl_order_guess_fn(const void *arg, const struct dl_goal *atom, uint32_t known);

struct dl_order {
    const struct dl_goal *goals;
    unsigned goal_count;
    unsigned slot_count;
    const struct dl_expr *head;
    unsigned head_count;      /* 0: nothing is given */
    const bool *bound;        /* before the first step, by slot; NULL: nothing */
    int news;                 /* the goal whose new tuples come first, or -1 */
    int first;                /* the goal that comes first, all of it, or -1 */
    bool as_written;          /* keep the author's order where that can be */
    bool counted;             /* every way counts: columns that nobody names tell tuples apart */
    dl_order_guess_fn *guess; /* NULL: nothing is known but the columns */
    const void *guess_arg;
};

struct dl_plan *dl_order_plan(struct arena *arena, const struct dl_order *order);
/* How to ask for everything that a rule gives. */
struct dl_order dl_order_whole(const struct dl_rule *rule);
/* The plans of its aggregates. */
void dl_order_folds(struct arena *arena, const struct dl_rule *rule);

#endif
