#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_H

/* jschema - JSON Schema (draft-04 to 2020-12, and OpenAPI 3.0's and 3.1's schema objects) to types of a contract.
 *
 * $ref is followed inside the file and, through the input's `read`, into others; every schema that is
 * referred to becomes a named type once, so recursion ends.  allOf is merged where it can be, else all().
 *
 * Lifetime: until the draft is finished. */
#include "base/doc.h"
#include "contracts/import.h"
#include "contracts/import/draft.h"

/* Swagger 2.0's schemas are those of OPENAPI_30. */
enum jschema_dialect { JSCHEMA_STANDARD, JSCHEMA_OPENAPI_30, JSCHEMA_OPENAPI_31 };

struct jschema;

/* `root` is the whole document of `in`. */
struct jschema *jschema_new(struct draft *d, const struct import_input *in, const struct doc_node *root,
                            enum jschema_dialect dialect);
void jschema_free(struct jschema **j);
/* The type's name ("Order" for #/components/schemas/Order, $defs/Order and definitions/Order; a scalar; else made of
 * `where`, e.g. "create_order.body").  Constraints are hung on an alias when the schema has some. */
struct slice jschema_type(struct jschema *j, const struct doc_node *schema, struct slice where);
/* Before 2019-09, what stands beside a $ref says nothing. */
bool jschema_has_lonely_refs(const struct jschema *j);
/* Every word is taken as the standard has it; else as the tools for OpenAPI do. */
bool jschema_is_exact(const struct jschema *j);

#endif
