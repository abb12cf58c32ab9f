#ifndef WEFT_CONTRACTS_IMPORT_PBTEXT_H
#define WEFT_CONTRACTS_IMPORT_PBTEXT_H

/* pbtext - the reader of .proto files: proto2, proto3 and editions.
 *
 * Type names stay as they are written; what options say is kept as text.  The first fault in a file ends
 * its reading, and is in `diag` with its place. */
#include "contracts/import/pbmodel.h"

/* INPUT: it is not a .proto file.  `name` and the texts live in the arena afterwards. */
MUST_USE enum err pbtext_read(struct slice text, const char *name, struct arena *arena, struct diag *diag,
                              struct pbmodel_file **out);

#endif
