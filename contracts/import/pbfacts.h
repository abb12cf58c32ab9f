#ifndef WEFT_CONTRACTS_IMPORT_PBFACTS_H
#define WEFT_CONTRACTS_IMPORT_PBFACTS_H

/* pbfacts - .proto files as facts.
 *
 * A member's identity is its tag; an extension is a member of the record "[EXTENDEE]".  Messages and enums are
 * nominal.  "repeated T" is a list of T, "map<K, V>" a map.  What does not stand in a fact is the language's
 * default: options are put down only where they differ from it. */
#include "contracts/import/draft.h"
#include "contracts/import/pbmodel.h"

/* `lenient`: a type that no file declares is taken for a message of that name. */
struct pbfacts_source {
    struct pbmodel_file *files;
    bool lenient;
};

/* INPUT: a name leads nowhere; it is in the draft's diag. */
MUST_USE enum err pbfacts_put(struct draft *d, const struct pbfacts_source *source);

#endif
