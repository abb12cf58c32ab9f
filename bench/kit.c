#include "bench/kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPETITIONS = 9, QUICK_REPETITIONS = 3, SINGLES = 100000, QUICK_SINGLES = 100 };
static const int64_t REPETITION_NS = 100000000, QUICK_NS = 1000000;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t time_of(const struct kit_case *c, uint64_t calls)
{
    int64_t began = now_ns();
    for (uint64_t i = 0; i < calls; i++)
        c->body(c->arg);
    return now_ns() - began;
}

/* Also the warm-up: calls double until they last long enough. */
static uint64_t calls_for(const struct kit_case *c, int64_t ns)
{
    uint64_t calls = 1;
    while (time_of(c, calls) < ns && calls < UINT64_C(1) << 40)
        calls *= 2;
    return calls;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print(const struct kit_case *c, const int64_t *sorted, int count, uint64_t calls)
{
    double median = (double)sorted[count / 2] / (double)calls;
    double best = (double)sorted[0] / (double)calls;
    double spread = (double)(sorted[count - 1] - sorted[0]) * 100 / (double)sorted[count / 2];
    printf("{\"bench\":\"%s\",\"ns\":%.1f,\"best_ns\":%.1f,\"spread_percent\":%.1f", c->name, median, best, spread);
    if (c->bytes)
        printf(",\"mib_per_s\":%.1f,\"best_mib_per_s\":%.1f", (double)c->bytes * 1e9 / median / (1 << 20),
               (double)c->bytes * 1e9 / best / (1 << 20));
    printf(",\"calls\":%" PRIu64 "}\n", calls * (uint64_t)count);
    fflush(stdout);
}

void kit_run(const struct kit *k, const struct kit_case *c)
{
    int64_t taken[REPETITIONS];
    int count = k->quick ? QUICK_REPETITIONS : REPETITIONS;
    uint64_t calls = calls_for(c, k->quick ? QUICK_NS : REPETITION_NS);
    for (int i = 0; i < count; i++)
        taken[i] = time_of(c, calls);
    qsort(taken, (size_t)count, sizeof(taken[0]), ascending);
    print(c, taken, count, calls);
}

void kit_tail(const struct kit *k, const struct kit_case *c)
{
    size_t count = k->quick ? QUICK_SINGLES : SINGLES;
    int64_t *taken = calloc(count, sizeof(*taken));
    kit_must(taken != NULL, "there is memory for the figures");
    for (size_t i = 0; i < count; i++)
        taken[i] = time_of(c, 1);
    qsort(taken, count, sizeof(taken[0]), ascending);
    printf("{\"bench\":\"%s\",\"p50_ns\":%" PRId64 ",\"p99_ns\":%" PRId64 ",\"p999_ns\":%" PRId64
           ",\"most_ns\":%" PRId64 ",\"calls\":%zu}\n",
           c->name, taken[count / 2], taken[count * 99 / 100], taken[count * 999 / 1000], taken[count - 1], count);
    fflush(stdout);
    free(taken);
}

struct kit kit_begin(int argc, char **argv)
{
    struct kit k = {.quick = argc == 2 && strcmp(argv[1], "--quick") == 0};
    if (argc > 1 && !k.quick) {
        fprintf(stderr, "usage: %s [--quick]\n", argv[0]);
        exit(2);
    }
    return k;
}

void kit_must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}
