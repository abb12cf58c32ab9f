#ifndef WEFT_BASE_CONF_H
#define WEFT_BASE_CONF_H

/* conf - THE libyaml room: YAML to a tree that remembers file, line and column.
 *
 * A small YAML: maps, lists, scalars.  Anchors, aliases, tags, duplicate keys,
 * several documents, keys over 256 bytes, depth over 16 and files over 1 MiB are refused with their place.
 *
 * Lifetime: the tree owns its text; conf_free frees all.
 * Threads:  immutable once parsed. */
#include "base/diag.h"

enum conf_kind { CONF_NULL, CONF_SCALAR, CONF_SEQUENCE, CONF_MAPPING };

struct conf_node {
    enum conf_kind kind;
    struct diag_place place;
    struct slice key; /* inside a mapping */
    struct diag_place key_place;
    struct slice text;              /* scalar */
    struct conf_node *first, *next; /* children; the next sibling */
};

struct conf;

/* INPUT: all complaints are in `diag`. */
MUST_USE enum err conf_parse(struct slice text, const char *file, struct diag *diag, struct conf **out);
/* Reads the file first; "-" is standard input. */
MUST_USE enum err conf_read(const char *path, struct diag *diag, struct conf **out);
void conf_free(struct conf **c);
const struct conf_node *conf_root(const struct conf *c);
/* A child of a mapping, or NULL. */
const struct conf_node *conf_get(const struct conf_node *map, const char *key);
/* `--set inbound.listen=127.0.0.1:0`: puts or replaces a scalar by dotted path (the value may be a YAML
 * flow: [a, b]).  INPUT: not a path=value. */
MUST_USE enum err conf_set(struct conf *c, const char *assignment, struct diag *diag);
/* With prefix "WEFT_", WEFT_INBOUND_LISTEN=127.0.0.1:0 sets inbound.listen: letters become small, underscores
 * part the path.  A name that means no key is for conf_bind to complain of. */
void conf_environment(struct conf *c, const char *prefix, char *const *variables, struct diag *diag);

#endif
