#ifndef WEFT_CONTRACTS_SHOWING_H
#define WEFT_CONTRACTS_SHOWING_H

/* showing - breaks are shown, not believed: a difference breaks when a body shows it.
 *
 * What was found of a difference is kept, so that it is asked once however many operations reach it.
 *
 * Lifetime: caller's memory; showing_fini is safe on a zeroed one.  Slices live in the arena. */
#include "contracts/walk.h"

struct showing_known;

struct showing {
    struct contract *consumer, *provider;
    struct arena *arena;
    struct map known; /* by difference */
    struct sample_work work;
};

/* A difference, where a walk came by it. */
struct showing_at {
    const struct walk *walk;
    size_t visit;
    const struct graph_difference *difference;
};

void showing_init(struct showing *s, struct contract *consumer, struct contract *provider, struct arena *arena);
void showing_fini(struct showing *s);
const struct shape *showing_writer(const struct showing *s, enum verdict_direction d);
const struct shape *showing_reader(const struct showing *s, enum verdict_direction d);
/* The level of a difference that no step bridges.  When it is BREAKING and a body shows it here, *body is that body;
 * empty: a body of another operation did. */
enum verdict_level showing_level(struct showing *s, const struct showing_at *at, struct slice *body);
/* A body that has the difference, or empty; the reader as a whole may still take it. */
struct slice showing_body(struct showing *s, const struct showing_at *at);

#endif
