#ifndef WEFT_CONTRACTS_PROFILE_H
#define WEFT_CONTRACTS_PROFILE_H

/* profile - whose policy a pair is judged by: which rules are asked, and what they come to.
 *
 * rules/profiles.dl has the profiles.  TOOL:NAME[,NAME] is one as well: only what the tool
 * calls so breaks, and what else the tool knows is a note.
 *
 * Lifetime: caller's memory; profile_fini is safe on a zeroed one. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"

enum { PROFILE_DEPTH = 4, PROFILE_MINDS = 16 };

/* What the profile, or one that it is based on, says of a rule. */
struct profile_row {
    struct profile_row *next;
    struct slice rule, direction, level;
    size_t depth; /* 0: the profile's own */
};

struct profile {
    struct arena arena;
    struct slice chain[PROFILE_DEPTH]; /* itself, and what it is based on */
    size_t depth;
    struct slice minds[PROFILE_MINDS];
    size_t mind_count;
    struct profile_row *rows;
    struct map by_rule;             /* rule and direction to the row that counts */
    const struct profile_row *rest; /* of all rules that have no row as near; NULL: nothing is said */
    unsigned today;                 /* 20301231, for rules that ask for the day; 0: it is not known */
    struct slice tool;              /* "buf:"; empty: it is no tool's */
    struct map picks;               /* the foreign names that break */
    struct map knows;               /* rules that the tool has a name for */
    uint64_t steps;                 /* that the rules may take for a question; 0: as many as files need */
};

/* ABSENT: there is no such profile; `out` is zero then. */
MUST_USE enum err profile_init(struct profile *out, struct slice name);
void profile_fini(struct profile *p);
/* Nothing more is minded once PROFILE_MINDS are. */
void profile_mind(struct profile *p, struct slice what);
bool profile_minds(const struct profile *p, struct slice what);
/* "off", "compatible", "unproven" or "breaking"; empty: nothing is said, the rule's own level holds. */
struct slice profile_level(const struct profile *p, struct slice rule, struct slice direction);
bool profile_is_off(const struct profile *p, struct slice rule, struct slice direction);
/* Has the tool a name for the rule, so that a finding by none of the names that break is a note? */
bool profile_knows(const struct profile *p, struct slice rule, struct slice direction);
bool profile_picks(const struct profile *p, struct slice foreign);
/* Puts "did you mean A, B or C?", or nothing when no name is near. */
void profile_put_nearest(struct slice name, struct buf *out);

#endif
