#ifndef WEFT_CONTRACTS_WIRE_FIELDS_H
#define WEFT_CONTRACTS_WIRE_FIELDS_H

/* fields - which members a JSON body had, by their paths as in plans: /lines/[]/qty.
 *
 * For counting what is really sent.  A body that is not JSON has none; of paths there are at most
 * FIELDS_MOST, and names longer than FIELDS_NAME are left out with what is in them.
 *
 * Lifetime: new/free.
 * Threads:  belongs to one; pure. */
#include "base/slice.h"

struct fields;

enum { FIELDS_MOST = 64, FIELDS_NAME = 64, FIELDS_DEPTH = 16 };

struct fields *fields_new(void);
void fields_free(struct fields **f);
void fields_feed(struct fields *f, struct slice bytes);
/* How many, once the body has ended whole; else 0. */
size_t fields_count(struct fields *f);
/* In the order in which they came first; lives as long as `f`. */
struct slice fields_path(const struct fields *f, size_t i);

#endif
