#ifndef WEFT_CONTRACTS_SAMPLE_H
#define WEFT_CONTRACTS_SAMPLE_H

/* sample - values of a position that are worth trying on a reader: the least and the fullest, the
 * ends of what is said on either side, one member more and one fewer.
 *
 * Not every value that is given conforms to the position; whoever takes them asks.
 *
 * Lifetime: values live in the work's arena.
 * Threads:  belongs to one. */
#include "contracts/hint.h"

/* What several searches share. */
struct sample_work {
    struct arena arena;
    struct map sure; /* positions to the one value that is surely theirs */
    uint64_t budget; /* bytes that may still be made; at 0 nothing more is */
};

struct sample {
    struct sample_work *work;
    struct slice direction;  /* as for conforms_question */
    const struct hint *hint; /* NULL: none */
    unsigned depth;
    bool unfinished; /* a type was met inside itself */
};

void sample_work_init(struct sample_work *w, uint64_t budget);
void sample_work_fini(struct sample_work *w);

/* Takes a value; true: this is enough. */
typedef bool sample_take_fn(void *arg, struct slice json);
/* Gives values until one is enough: true. */
bool sample_each(struct sample *s, const struct shape_position *p, sample_take_fn *take, void *arg);
/* A small value that the position surely takes; empty: none was found. */
struct slice sample_sure(struct sample *s, const struct shape_position *p);

/* A few values of a position inside the one that is sampled. */
enum { SAMPLE_INNER_MOST = 12 };
struct sample_gathered {
    struct slice v[SAMPLE_INNER_MOST];
    size_t count;
};
void sample_inside(struct sample *s, const struct shape_position *p, struct sample_gathered *g);

#endif
