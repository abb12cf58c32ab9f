#ifndef WEFT_CONTRACTS_IMPORT_SWAGGER_PARAM_H
#define WEFT_CONTRACTS_IMPORT_SWAGGER_PARAM_H

/* swagger_param - parameters of Swagger 2.0: those that stay parameters, and bodies and form fields. */
#include "contracts/import/swagger_node.h"

/* Puts `parameters` and `requestBody`; of the path's those count that the operation does not replace. */
void swagger_param_put(struct swagger_node *op, const struct doc_node *own, const struct doc_node *of_path,
                       const struct doc_node *consumes);
/* The node `schema` of a schema, or of a parameter or header that is its own schema. */
struct doc_node *swagger_param_schema(struct jschema *j, const struct doc_node *from);
/* What a body is; its schema, for each media type once. */
struct swagger_param_body {
    struct doc_node *schema;
    const struct doc_node *encoding; /* of its fields; NULL: there is none */
    struct slice usual;              /* the media type when none is named */
};
/* Puts one entry a media type. */
void swagger_param_media(struct swagger_node *content, const struct swagger_param_body *body,
                         const struct doc_node *media);

#endif
