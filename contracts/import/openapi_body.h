#ifndef WEFT_CONTRACTS_IMPORT_OPENAPI_BODY_H
#define WEFT_CONTRACTS_IMPORT_OPENAPI_BODY_H

/* openapi_body - request bodies and responses of an operation, with their media types and header fields. */
#include "contracts/import/openapi_reader.h"

/* `body`, `responses`: the value of `requestBody` and `responses`; NULL: there is none. */
void openapi_body_request(struct openapi_reader *r, const struct doc_node *body);
void openapi_body_responses(struct openapi_reader *r, const struct doc_node *responses);

#endif
