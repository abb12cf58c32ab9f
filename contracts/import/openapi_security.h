#ifndef WEFT_CONTRACTS_IMPORT_OPENAPI_SECURITY_H
#define WEFT_CONTRACTS_IMPORT_OPENAPI_SECURITY_H

/* openapi_security - what a caller must show: alternatives of schemes with their scopes. */
#include "contracts/import/openapi_reader.h"

/* `list`: the value of `security`; NULL: nothing is said, so nothing is asked. */
void openapi_security_read(struct openapi_reader *r, const struct doc_node *list);

#endif
