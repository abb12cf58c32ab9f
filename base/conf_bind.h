#ifndef WEFT_BASE_CONF_BIND_H
#define WEFT_BASE_CONF_BIND_H

/* conf_bind - a table of keys to a typed struct; every complaint names its line.
 *
 * One table per program describes every key: name, type, where it goes, default,
 * range, one line of documentation.  The same table reads, checks, prints with
 * defaults (`weft conf show`) and documents itself (docs/config.md).
 *
 * Lifetime: strings and arrays bound live in the arena given. */
#include "base/conf.h"

enum conf_type {
    CONF_STRING,     /* const char * */
    CONF_PATH,       /* const char *; relative ones are resolved against the file's folder */
    CONF_ADDRESS,    /* const char *, checked with sock_parse */
    CONF_URL,        /* const char *, http:// h2c:// https:// tcp:// or unix: */
    CONF_BOOL,       /* bool */
    CONF_COUNT,      /* uint64_t within min..max */
    CONF_DURATION,   /* int64_t microseconds within min..max */
    CONF_SIZE,       /* uint64_t bytes within min..max */
    CONF_CHOICE,     /* unsigned: index into `choices` */
    CONF_STRINGS,    /* struct conf_strings: a list of scalars; one scalar is a list of one */
    CONF_PATHS,      /* struct conf_strings */
    CONF_TABLE,      /* a nested struct by `sub`; absent: its defaults */
    CONF_MAP,        /* struct conf_map: any names, each a struct by `sub` */
    CONF_PAIRS,      /* struct conf_pairs: any names, each one scalar */
    CONF_PATH_PAIRS, /* the same, each scalar a path */
};

struct conf_strings {
    const char **v;
    size_t count;
};

struct conf_pairs {
    const char **names;
    const char **values;
    size_t count;
};

struct conf_map {
    const char **names;
    void *items; /* array of the sub struct */
    size_t count;
};

struct conf_key {
    const char *name; /* NULL ends a table */
    enum conf_type type;
    size_t offset;
    const char *preset; /* as one would write it; NULL: unset (NULL, empty, 0) */
    bool required;
    uint64_t min, max;          /* max 0: no bound */
    const char *const *choices; /* NULL-terminated */
    const struct conf_key *sub;
    size_t sub_size;
    const char *doc;
};

/* Fills `*into` (zeroed by the caller).  INPUT: unknown keys (with the nearest known one), wrong
 * types, out of range, missing required: all of them are in `diag`. */
MUST_USE enum err conf_bind(const struct conf_node *root, const struct conf_key *table, void *into, struct arena *arena,
                            struct diag *diag);
/* What `into` holds, as YAML with every default. */
void conf_bind_show(const struct conf_key *table, const void *from, struct buf *out);
/* A CONF_COUNT, CONF_DURATION or CONF_SIZE as one would write it. */
void conf_bind_show_number(enum conf_type type, uint64_t n, struct buf *out);
/* A Markdown table of every key: docs/config.md. */
void conf_bind_doc(const struct conf_key *table, struct buf *out);

#endif
