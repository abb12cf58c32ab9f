#ifndef WEFT_CONTRACTS_PATHS_H
#define WEFT_CONTRACTS_PATHS_H

/* paths - which operation of a contract a method and a path are.
 *
 * Templates are put into a tree of their segments once; finding a path then takes as
 * long as it has segments, however many operations there are.
 *
 * Lifetime: borrows the texts of its entries.
 * Threads:  immutable once made. */
#include "base/slice.h"

struct paths;

enum { PATHS_NO_PATH = -1, PATHS_NO_METHOD = -2 };

struct paths_entry {
    struct slice method, template; /* "GET", "/orders/{id}"; no template: not http */
    struct slice grpc;             /* "/shop.Orders/Get", or empty */
};

/* An entry is known by its place in `entries`. */
struct paths *paths_new(const struct paths_entry *entries, size_t count);
void paths_free(struct paths **p);

/* {x} takes one segment that is not empty.  Of several templates the one wins whose first difference is a literal, of
 * equal ones the first.  A path that fits none may be that of a call of gRPC, whose method is POST. */
int paths_find(const struct paths *p, struct slice method, struct slice path);

#endif
