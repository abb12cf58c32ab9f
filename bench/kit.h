#ifndef WEFT_BENCH_KIT_H
#define WEFT_BENCH_KIT_H

/* kit - how a bench measures: warm-up, repetitions, the median with its spread, one JSON line.
 *
 * A repetition runs the body often enough to last a while, so that the clock does not
 * matter; the clock is this thread's own, so that waiting for a processor does not count.
 * The figure is the median repetition, beside the best; the spread is (max - min) /
 * median: a difference smaller than it means nothing.  `--quick` makes every bench a smoke test.
 *
 * Lifetime: a plain value.
 * Threads:  one. */
#include <stdbool.h>
#include <stdint.h>

struct kit {
    bool quick;
};

struct kit_case {
    const char *name;
    uint64_t bytes; /* one call of `body` works on; 0: not a matter of bytes */
    void (*body)(void *arg);
    void *arg;
};

/* Exits with status 2 on an unknown flag. */
struct kit kit_begin(int argc, char **argv);
/* Measures and prints {"bench","ns","best_ns","spread_percent","mib_per_s","best_mib_per_s","calls"}. */
void kit_run(const struct kit *k, const struct kit_case *c);

/* Times 100,000 calls one by one, each with what reading the clock costs, and prints
 * {"bench","p50_ns","p99_ns","p999_ns", "most_ns","calls"}. */
void kit_tail(const struct kit *k, const struct kit_case *c);

/* Stops the bench, for what must not fail. */
void kit_must(bool holds, const char *what);

#endif
