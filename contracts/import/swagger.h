#ifndef WEFT_CONTRACTS_IMPORT_SWAGGER_H
#define WEFT_CONTRACTS_IMPORT_SWAGGER_H

/* swagger - a Swagger 2.0 document as the OpenAPI 3.0 document that says the same.
 *
 * Bodies and form fields become request bodies, `consumes` and `produces` media types, collectionFormat a style,
 * securityDefinitions security schemes.  Schemas stay the nodes that they are, so that what refers to them still
 * does; references to parameters and responses are followed.
 *
 * Lifetime: as long as the schemas. */
#include "base/doc.h"
#include "contracts/import/jschema.h"

/* `root`: the document that `j` was made for. */
const struct doc_node *swagger_convert(struct jschema *j, const struct doc_node *root);

#endif
