#ifndef WEFT_DATALOG_DL_JOIN_H
#define WEFT_DATALOG_DL_JOIN_H

/* dl_join - walks one plan: every way to make all its goals hold.
 *
 * Lifetime: a struct dl_join is a plain value for one walk.
 * Threads:  belongs to one run. */
#include "datalog/dl_order.h"
#include "datalog/dl_prim.h"
#include "datalog/dl_rel.h"

/* One evaluation. */
struct datalog_run {
    const struct datalog *program;
    struct datalog_limits limits;
    struct dl_sym symbols;
    struct dl_prim prim;
    struct dl_rel *rels;
    int *touched; /* relations with more than the program's own tuples */
    unsigned touched_count;
    bool over, over_base; /* more facts than tuples may be; of these, the program's own */
    uint64_t tuples, base_tuples;
    uint64_t steps;
    datalog_word *slots;
    struct arena plans;
    uint32_t *called;                /* for dl_guard_pick */
    struct dl_rule **picked;         /* what it gave last */
    const struct dl_plan ***planned; /* by rule; by goal whose news come first, behind the one for no news */
    struct buf why;
};

struct dl_join;

/* Called for every way, with the slots filled in.  ERR_EXISTS: that is enough; it ends the walk. */
typedef enum err dl_join_fn(struct dl_join *j);

/* How far a walk came that found no way. */
struct dl_reach {
    unsigned steps;      /* most steps that held at once */
    datalog_word *slots; /* as they were then */
};

struct dl_join {
    struct datalog_run *run;
    const struct dl_rule *rule;
    dl_join_fn *found; /* NULL: the head's tuple is added, with `height` */
    void *arg;
    uint32_t height;
    uint32_t below;         /* with proofs: only tuples of less height; 0: all */
    uint32_t *rows;         /* by step: the tuple it stands on; or NULL */
    struct dl_reach *reach; /* or NULL */
    bool whole;             /* all tuples, whatever round it is */
    bool lenient;           /* what cannot be computed does not hold */
};

/* OK: walked to the end.  EXISTS: `found` had enough.  INPUT, LIMIT: run->prim.why. */
MUST_USE enum err dl_join_walk(struct dl_join *j, const struct dl_plan *plan);

/* Adds a tuple unless it is there.  LIMIT: one too many. */
MUST_USE enum err dl_join_put(struct datalog_run *r, int rel, const datalog_word *columns,
                              const struct dl_origin *origin);

#endif
