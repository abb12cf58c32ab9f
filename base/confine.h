#ifndef WEFT_BASE_CONFINE_H
#define WEFT_BASE_CONFINE_H

/* confine - a process keeps the system calls that it lives by and gives up all others: new privileges, other programs,
 * other processes' memory, the machine's settings; and its own memory, where keys lie, is in no core dump and for no
 * debugger.
 *
 * After it there is no way back.  What nobody here ever does answers EPERM, what is merely not on the list ENOSYS.
 *
 * Threads: call once, when the process has started; it holds for all threads. */
#include "base/err.h"

/* As the configuration has it.  LOGGED: the kernel's audit log names what was refused. */
enum confine_mode { CONFINE_OFF, CONFINE_ON, CONFINE_LOGGED };

/* PRE: not CONFINE_OFF.  IO: the kernel has not got it all; `*missing` names what, and the rest holds. */
MUST_USE enum err confine_process(enum confine_mode mode, const char **missing);

#endif
