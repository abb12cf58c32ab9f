#ifndef WEFT_DATALOG_DL_SYM_H
#define WEFT_DATALOG_DL_SYM_H

/* dl_sym - interned constants: equal texts have equal ids.
 *
 * A run's table stands on its program's: what the program knows keeps the
 * program's id, what is new gets the next one.  Emptying the upper table costs
 * what was put into it, never what the lower one holds.
 *
 * Lifetime: caller's memory; the table below must outlive the one above.  Texts
 *           live until fini or reset.
 * Threads:  a table that nobody puts into may be read by all. */
#include "base/arena.h"

struct dl_sym {
    const struct dl_sym *below; /* or NULL */
    uint32_t first;             /* the least id of this table */
    uint32_t count;             /* texts of this table */
    uint32_t cap;
    uint32_t slot_cap; /* power of two, or 0 */
    struct slice *texts;
    uint64_t *slots; /* upper half of the hash, index + 1; 0: free */
    uint64_t bytes;  /* of the texts of this table */
    struct arena arena;
};

void dl_sym_init(struct dl_sym *s, const struct dl_sym *below);
void dl_sym_fini(struct dl_sym *s);
/* Forgets the texts of this table, keeps its memory. */
void dl_sym_reset(struct dl_sym *s);

uint32_t dl_sym_put(struct dl_sym *s, struct slice text);
/* ABSENT: neither here nor below. */
MUST_USE enum err dl_sym_find(const struct dl_sym *s, struct slice text, uint32_t *id);
struct slice dl_sym_text(const struct dl_sym *s, uint32_t id);

#endif
