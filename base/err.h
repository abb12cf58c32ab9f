#ifndef WEFT_BASE_ERR_H
#define WEFT_BASE_ERR_H

/* err - the outcomes a caller may want to treat differently.
 *
 * A case nobody would treat differently is not an outcome: fold it into one of
 * these, or PRE() it.  docs/errors.md is made from this list. */
/* clang-format off */
#define ERR_LIST(X)                                     \
    X(OK,     "ok",                         ERR_FINE)   \
    X(AGAIN,  "not ready yet",              ERR_RETRY)  \
    X(FULL,   "at its bound",               ERR_RETRY)  \
    X(ABSENT, "no such entry",              ERR_ANSWER) \
    X(EXISTS, "there already",              ERR_ANSWER) \
    X(STALE,  "overtaken or expired",       ERR_ANSWER) \
    X(DENIED, "not allowed",                ERR_ANSWER) \
    X(INPUT,  "a person must mend this",    ERR_ANSWER) \
    X(LIMIT,  "stopped by a limit",         ERR_ANSWER) \
    X(CLOSED, "the other side has ended",   ERR_HANGUP) \
    X(PEER,   "peer sent nonsense",         ERR_HANGUP) \
    X(IO,     "input or output failed",     ERR_HANGUP)
/* clang-format on */

/* What a caller with no better idea should do. */
enum err_advice { ERR_FINE, ERR_RETRY, ERR_ANSWER, ERR_HANGUP };

#define ERR_ENUM_(name, text, advice) ERR_##name,
enum err { ERR_LIST(ERR_ENUM_) ERR_COUNT };
#undef ERR_ENUM_

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

/* The one macro in weft that returns for you. */
#define TRY(call)                   \
    do {                            \
        enum err try_err_ = (call); \
        if (try_err_ != ERR_OK)     \
            return try_err_;        \
    } while (0)

const char *err_text(enum err e);
const char *err_name(enum err e);
enum err_advice err_advice(enum err e);

#endif
