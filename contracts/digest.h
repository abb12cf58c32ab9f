#ifndef WEFT_CONTRACTS_DIGEST_H
#define WEFT_CONTRACTS_DIGEST_H

/* digest - the canonical form of a contract and its hash.
 *
 * Facts in order, each once, `at` left out, one a line.  What means the same has the
 * same digest, whatever the order and the comments it was written with. */
#include "base/hash.h"
#include "contracts/fact.h"

/* Sorts the facts and drops repeated ones. */
void digest_sort(struct fact_list *facts);
/* PRE: sorted. */
void digest_put(const struct fact_list *facts, struct buf *out);
/* The SHA-256 of what digest_put would write, and how long that is.  PRE: sorted. */
struct hash_digest digest_of(const struct fact_list *facts, size_t *bytes);

#endif
