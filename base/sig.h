#ifndef WEFT_BASE_SIG_H
#define WEFT_BASE_SIG_H

/* sig - signals as loop events: SIGTERM and SIGINT drain, SIGHUP reloads, SIGUSR1 dumps.
 *
 * SIGPIPE is ignored.  A second SIGTERM or SIGINT asks for the end at once.
 *
 * Threads: belongs to the loop; one at a time in a process. */
#include "base/loop.h"

enum sig_word { SIG_DRAIN, SIG_END_NOW, SIG_RELOAD, SIG_DUMP };

struct sig;
typedef void sig_fn(void *arg, enum sig_word word);
struct sig *sig_new(struct loop *l, sig_fn *fn, void *arg);
void sig_free(struct sig **s);

#endif
