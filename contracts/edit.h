#ifndef WEFT_CONTRACTS_EDIT_H
#define WEFT_CONTRACTS_EDIT_H

/* edit - the differences that one edit made, the operations that they reach, and the finding that tells of them.
 *
 * Lifetime: caller's memory; edit_list_fini is safe on a zeroed one.  Edits live in the arena. */
#include "contracts/finding.h"

struct edit {
    struct edit *next;
    const struct graph_difference *difference; /* the first; NULL: a surface */
    const struct graph_surface *surface;
    enum verdict_level level;
    const char *no_plan; /* why steps could not be placed; NULL or empty: not said */
    bool request, response;
    bool looked;             /* for a witness */
    struct slice witness;    /* a body */
    const uint64_t *reached; /* a bit for each operation of the consumer; NULL: `operations` has them */
    struct slice *holders;   /* messages that hold what no operation reaches */
    size_t holder_count;
    struct slice *operations;
    size_t operation_count, operation_room;
};

struct edit_list {
    struct arena *arena;
    struct map by_content;    /* what makes an edit one, to it */
    struct map by_difference; /* and level */
    struct edit *first, **last;
};

void edit_list_init(struct edit_list *l, struct arena *arena);
void edit_list_fini(struct edit_list *l);
/* The edit that made a difference, of which the level came out so.  Differences of another level are another edit. */
struct edit *edit_of(struct edit_list *l, const struct graph_difference *d, enum verdict_level level);
struct edit *edit_of_surface(struct edit_list *l, const struct graph_surface *s, enum verdict_level level);
/* An operation that it reaches.  Called operation by operation. */
void edit_reaches(struct edit_list *l, struct edit *e, struct slice operation);
/* Of the first `all` operations the first from `from` on that it reaches; `all`: there is none.  PRE: it has the set.
 */
size_t edit_next(const struct edit *e, size_t from, size_t all);
/* Finishes them into `out`, worst first, at most EDIT_FINDINGS_MOST + 1 of them: the last may say how many were left
 * out.  Returns how many. */
enum { EDIT_FINDINGS_MOST = 1000 };
size_t edit_findings(const struct edit_list *l, const struct finding_source *source, struct verdict_finding *out);

#endif
