#ifndef WEFT_BASE_CONFINE_H
#define WEFT_BASE_CONFINE_H

/* confine - a process gives up what it never needs: new privileges, other programs, other processes' memory,
 * the machine's settings; and its own memory, where keys lie, is in no core dump and for no debugger.
 *
 * After it there is no way back.  What is forbidden answers EPERM.
 *
 * Threads: call once, when the process has started; it holds for all threads. */
#include "base/err.h"

/* IO: the kernel has not got it all; `*missing` names what, and the rest holds. */
MUST_USE enum err confine_process(const char **missing);

#endif
