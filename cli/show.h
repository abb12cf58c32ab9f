#ifndef WEFT_CLI_SHOW_H
#define WEFT_CLI_SHOW_H

/* show - what a command has to say, to a file of the C library. */
#include <stdio.h>

#include "base/diag.h"

void show_slice(FILE *to, struct slice text);
/* And empties it. */
void show_buf(FILE *to, struct buf *text);
/* Every complaint, with its caret line, on stderr. */
void show_diag(const struct diag *d);

#endif
