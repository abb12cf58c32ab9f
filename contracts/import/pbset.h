#ifndef WEFT_CONTRACTS_IMPORT_PBSET_H
#define WEFT_CONTRACTS_IMPORT_PBSET_H

/* pbset - the reader of descriptor sets, as `protoc --descriptor_set_out` writes them. */
#include "contracts/import/pbmodel.h"

/* Whether the bytes begin like one. */
bool pbset_looks(struct slice bytes);
/* INPUT: it is none; `diag` says at which byte.  What is read lives in the arena. */
MUST_USE enum err pbset_read(struct slice bytes, const char *name, struct arena *arena, struct diag *diag,
                             struct pbmodel_file **out);

#endif
