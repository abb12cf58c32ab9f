#ifndef WEFT_TESTS_KIT_PRINTED_H
#define WEFT_TESTS_KIT_PRINTED_H

/* printed - what a command prints, and its exit status.
 *
 * Lifetime: printed_fini.
 * Threads:  it turns the process's own outputs away for a while: one at a time. */
#include "base/buf.h"

struct printed {
    int status;
    struct buf out, err;
};

struct printed printed_by(int (*command)(int argc, char **argv), int argc, char **argv);
void printed_fini(struct printed *p);

#endif
