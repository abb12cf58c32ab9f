#ifndef WEFT_CONTRACTS_VOCABULARY_H
#define WEFT_CONTRACTS_VOCABULARY_H

/* vocabulary - the relations a contract may use, as a table for C.
 *
 * contracts/rules/vocabulary.dl says the same to the rules; a test holds the two together. */
#include "base/slice.h"

#define VOCABULARY_LIST(X)                \
    X(CONTRACT, contract, "ss")           \
    X(ABOUT, about, "ss")                 \
    X(DIALECT, dialect, "s")              \
    X(OPERATION, operation, "s")          \
    X(HTTP, http, "sss")                  \
    X(GRPC, grpc, "sss")                  \
    X(IDEMPOTENT, idempotent, "s")        \
    X(JOB, job, "s")                      \
    X(CALLBACK, callback, "s")            \
    X(STREAM, stream, "ss")               \
    X(PARAM, param, "sssss")              \
    X(REQUEST, request, "sss")            \
    X(RESPONSE, response, "ssss")         \
    X(HEADER, header, "sssss")            \
    X(SECURITY, security, "snss")         \
    X(DEPRECATED, deprecated, "sss")      \
    X(RECORD, record, "s")                \
    X(CLOSED, closed, "s")                \
    X(EXTRA, extra, "ss")                 \
    X(FIELD, field, "ssss")               \
    X(TAG, tag, "ssn")                    \
    X(DEFAULT, default, "sss")            \
    X(RENAMED, renamed, "sss")            \
    X(MOVED, moved, "sss")                \
    X(CONVERTED, converted, "sss")        \
    X(ONEOF, oneof, "sss")                \
    X(ONLY, only, "ss")                   \
    X(ENUM, enum, "s")                    \
    X(SYMBOL, symbol, "ssn")              \
    X(OPEN, open, "s")                    \
    X(FALLBACK, fallback, "ss")           \
    X(ALIAS, alias, "ss")                 \
    X(LIST, list, "ss")                   \
    X(ITEM, item, "sns")                  \
    X(MAP, map, "sss")                    \
    X(UNION, union, "s")                  \
    X(BRANCH, branch, "sns")              \
    X(EXCLUSIVE, exclusive, "s")          \
    X(NULLABLE, nullable, "s")            \
    X(BOUND, bound, "sss")                \
    X(VALUE, value, "ss")                 \
    X(PATTERN, pattern, "ss")             \
    X(FORMAT, format, "ss")               \
    X(UNIT, unit, "ss")                   \
    X(MEANING, meaning, "ss")             \
    X(UNPROVEN, unproven, "sss")          \
    X(ASPECT, aspect, "sss")              \
    X(OPTION, option, "sss")              \
    X(THING, thing, "ss")                 \
    X(WITHIN, within, "sss")              \
    X(RESERVED, reserved, "snn")          \
    X(RESERVED_NAME, reserved_name, "ss") \
    X(AT, at, "ssnn")

#define VOCABULARY_ENUM_(id, name, columns) VOCABULARY_##id,
enum vocabulary { VOCABULARY_LIST(VOCABULARY_ENUM_) VOCABULARY_COUNT };
#undef VOCABULARY_ENUM_

enum { VOCABULARY_COLUMNS = 5 };

const char *vocabulary_name(enum vocabulary relation);
/* One letter a column: s is a symbol, n a number. */
const char *vocabulary_columns(enum vocabulary relation);
/* ABSENT: no such relation. */
MUST_USE enum err vocabulary_find(struct slice name, enum vocabulary *out);
/* The relation nearest in spelling, or NULL. */
const char *vocabulary_nearest(struct slice name);

#endif
