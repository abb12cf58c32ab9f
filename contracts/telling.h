#ifndef WEFT_CONTRACTS_TELLING_H
#define WEFT_CONTRACTS_TELLING_H

/* telling - by what a JSON value says which branch of its writer's union it is.
 *
 * The answer is a word of a plan's path (plan_branch): the kind of the value where no
 * other branch has it, the tag that a discriminator or a constant member gives, the type
 * of a member, or members that only one of two branches has.  Whatever fits the branch
 * answers to the word, and what fits another branch does not.
 *
 * Threads: pure. */
#include "contracts/shape.h"

/* `holder` is the position of the union, `branch` that of one of its branches, or of a branch of a branch.  The word
 * lives in the arena.  ABSENT: nothing tells it from the others. */
MUST_USE enum err telling_word(const struct shape *writer, struct slice holder, struct slice branch,
                               struct arena *arena, struct slice *word);

#endif
