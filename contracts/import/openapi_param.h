#ifndef WEFT_CONTRACTS_IMPORT_OPENAPI_PARAM_H
#define WEFT_CONTRACTS_IMPORT_OPENAPI_PARAM_H

/* openapi_param - parameters of an operation: its own, and those of its path that it does not replace. */
#include "contracts/import/openapi_reader.h"

void openapi_param_read(struct openapi_reader *r, const struct doc_node *of_path, const struct doc_node *of_operation);

#endif
