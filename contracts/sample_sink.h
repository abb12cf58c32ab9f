#ifndef WEFT_CONTRACTS_SAMPLE_SINK_H
#define WEFT_CONTRACTS_SAMPLE_SINK_H

/* sample_sink - where values that are worth trying go, until there are enough of them. */
#include "contracts/sample.h"

/* Counts and lengths that are tried. */
enum { SAMPLE_COUNT_MOST = 64, SAMPLE_LONGEST = 4096 };

struct sample_sink {
    sample_take_fn *take;
    void *arg;
    unsigned left; /* values that may still go there */
    bool enough;   /* one was taken for good */
};

/* Nothing more is taken, or may be made. */
bool sample_sink_full(const struct sample *s, const struct sample_sink *k);
void sample_sink_put(struct sample *s, struct sample_sink *k, struct slice json);
/* The text as JSON; lives in the work's arena. */
struct slice sample_sink_quoted(struct sample *s, struct slice text);
void sample_sink_text(struct sample *s, struct sample_sink *k, struct slice text);
/* A bound as a count; what is none, or larger than SAMPLE_LONGEST, is `otherwise`. */
uint64_t sample_sink_count(struct slice bound, uint64_t otherwise);

/* A list of what is mentioned at the position. */
const struct hint_list *sample_sink_hints(const struct sample *s, size_t offset);
#define SAMPLE_HINTS(s, list) sample_sink_hints(s, offsetof(struct hint, list))

/* One value of each kind of JSON. */
enum { SAMPLE_SINK_KINDS = 6 };
extern const char *const sample_sink_kinds[SAMPLE_SINK_KINDS];

#endif
