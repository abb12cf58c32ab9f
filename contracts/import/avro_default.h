#ifndef WEFT_CONTRACTS_IMPORT_AVRO_DEFAULT_H
#define WEFT_CONTRACTS_IMPORT_AVRO_DEFAULT_H

/* avro_default - is this the default of a field with this schema?
 *
 * Of a union any branch will do, as since 1.12; earlier it had to be the first. */
#include "contracts/import/avro_names.h"

bool avro_default_fits(const struct avro_names *names, const struct doc_node *schema, struct slice space,
                       const struct doc_node *value);

#endif
