#ifndef WEFT_CLI_CHILD_H
#define WEFT_CLI_CHILD_H

/* child - the function's own process, beside its sidecar: begins after it and ends before it.
 *
 * Threads: belongs to the loop; one in a process. */
#include <stdbool.h>

#include "base/loop.h"

struct child;

/* `status` as a shell would give it: the exit status, or 128 and the signal. */
typedef void child_ended_fn(void *arg, int status);

/* `argv` ends with NULL.  NULL: it could not be run; errno says why. */
struct child *child_start(struct loop *l, char *const *argv, child_ended_fn *ended, void *arg);
/* Harmless once it has ended. */
void child_signal(struct child *c, int signo);
/* One that still runs is killed. */
void child_free(struct child **c);

#endif
