#ifndef WEFT_BASE_CHECK_H
#define WEFT_BASE_CHECK_H

/* check - promises between our own functions.
 *
 * A broken one stops the process, in release builds too, so nothing that a peer
 * sends may ever reach one.  PRE says what the caller promised, POST what the
 * function itself did. */
#define PRE(promise) ((promise) ? (void)0 : check_broken(__FILE__, __LINE__, "caller", #promise))
#define POST(promise) ((promise) ? (void)0 : check_broken(__FILE__, __LINE__, "callee", #promise))

/* Prints `base/sm.c:10 caller broke: ...` on stderr and aborts. */
__attribute__((cold)) _Noreturn void check_broken(const char *file, int line, const char *who, const char *promise);

#endif
