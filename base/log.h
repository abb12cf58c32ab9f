#ifndef WEFT_BASE_LOG_H
#define WEFT_BASE_LOG_H

/* log - one structured line per event, for the operator at 3 a.m.
 *
 *     2026-11-23T23:31:11.042Z warn proxy peer-refused peer="10.0.0.7:4812" why="no certificate"
 *
 * or one JSON object a line.  An event says who, what was expected, what was
 * seen, what we did.  Every string goes through the escaping printer; never a key.
 * The same event more than 20 times a second is counted and said once.
 *
 * Threads: all functions may be called from any thread after log_open. */
#include "base/now.h"
#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *name;
    struct slice text; /* used when `name` is set and `is_int` is not */
    int64_t number;
    bool is_int;
};

#define LOG_TEXT(name_, slice_) ((struct log_field){.name = (name_), .text = (slice_)})
#define LOG_STR(name_, str_) ((struct log_field){.name = (name_), .text = slice_str(str_)})
#define LOG_INT(name_, n_) ((struct log_field){.name = (name_), .number = (n_), .is_int = true})

struct log_conf {
    int fd; /* not closed by log */
    enum log_level level;
    bool json;
    const char *program;   /* "proxy"; not copied */
    const struct now *now; /* not copied; NULL: the real one */
};
/* Before it: text of level info and above on stderr, from "weft". */
void log_open(const struct log_conf *conf);
void log_set_level(enum log_level level);
bool log_level_parse(struct slice text, enum log_level *out);

/* log_event(LOG_WARN, "peer-refused", LOG_TEXT("peer", addr), LOG_STR("why", why)) */
#define log_event(level, event, ...) log_fields(level, event, (const struct log_field[]){__VA_ARGS__, {0}})
void log_fields(enum log_level level, const char *event, const struct log_field *fields);

#endif
