#ifndef WEFT_CLI_CHECK_INPUT_H
#define WEFT_CLI_CHECK_INPUT_H

/* check_input - a contract from where a person says it is: a file, "-" (standard input), or
 * "git:REV:PATH", a file as it stands in a revision.  Files that it refers to come from the same place. */
#include "contracts/import.h"

/* INPUT: complaints are in `diag`. */
MUST_USE enum err check_input_read(const char *where, enum import_format format, struct diag *diag,
                                   struct contract **out);

#endif
