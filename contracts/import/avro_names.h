#ifndef WEFT_CONTRACTS_IMPORT_AVRO_NAMES_H
#define WEFT_CONTRACTS_IMPORT_AVRO_NAMES_H

/* avro_names - the named types of an Avro schema, by their full names.
 *
 * Lifetime: caller's memory; entries and texts live in the arena. */
#include "base/doc.h"
#include "base/map.h"

struct avro_named {
    struct slice full;
    struct slice subject; /* what the facts call it */
    const struct doc_node *node;
};

struct avro_names {
    struct arena *arena;
    struct map types; /* full name to avro_named */
};

void avro_names_fini(struct avro_names *n);
/* NULL: the name was free.  Else what has it already. */
const struct avro_named *avro_names_put(struct avro_names *n, struct avro_named *type);
/* A name as it is used inside a namespace; NULL: no such type yet. */
const struct avro_named *avro_names_find(const struct avro_names *n, struct slice name, struct slice space);

/* With the namespace, unless it has one. */
struct slice avro_names_full(struct arena *a, struct slice name, struct slice space);
struct slice avro_names_last(struct slice full);
struct slice avro_names_space(struct slice full);
/* Letters, digits, underscores, and what is often found though the specification has it not: hyphens, dollars, letters
 * beyond ASCII; parts with dots between. */
bool avro_names_good(struct slice name);
/* Our name for int, long ...; NULL: no primitive type but null. */
const char *avro_names_primitive(struct slice name);

#endif
