#ifndef WEFT_BENCH_REWRITE_JSON_TREE_H
#define WEFT_BENCH_REWRITE_JSON_TREE_H

/* rewrite_json_tree - the same change by a library that makes a tree of the body. */
#include "base/slice.h"

/* Is there such a library? */
bool rewrite_json_tree_known(void);
/* Parses, changes and prints; `each`: in each of the lines. */
bool rewrite_json_tree(struct slice body, bool each);

#endif
