#include "contracts/sample_sink.h"

#include "base/json_out.h"

enum { COST = 64 };

const char *const sample_sink_kinds[SAMPLE_SINK_KINDS] = {"true", "0.5", "\"?!\"", "[]", "{}", "null"};

bool sample_sink_full(const struct sample *s, const struct sample_sink *k)
{
    return k->enough || k->left == 0 || s->work->budget == 0;
}

void sample_sink_put(struct sample *s, struct sample_sink *k, struct slice json)
{
    if (sample_sink_full(s, k))
        return;
    uint64_t cost = json.len + COST;
    s->work->budget -= cost < s->work->budget ? cost : s->work->budget;
    k->left--;
    k->enough = k->take(k->arg, json);
}

struct slice sample_sink_quoted(struct sample *s, struct slice text)
{
    struct buf b;
    struct json_out j;
    buf_init(&b, BUF_TEXT_BOUND);
    json_out_init(&j, &b, 0);
    json_out_slice(&j, text);
    struct slice kept = arena_keep(&s->work->arena, buf_slice(&b));
    buf_fini(&b);
    return kept;
}

void sample_sink_text(struct sample *s, struct sample_sink *k, struct slice text)
{
    if (!sample_sink_full(s, k))
        sample_sink_put(s, k, sample_sink_quoted(s, text));
}

uint64_t sample_sink_count(struct slice bound, uint64_t otherwise)
{
    uint64_t n;
    return bound.len && slice_u64(bound, SAMPLE_LONGEST, &n) == ERR_OK ? n : otherwise;
}

const struct hint_list *sample_sink_hints(const struct sample *s, size_t offset)
{
    static const struct hint_list none;
    return s->hint ? (const struct hint_list *)(const void *)((const char *)s->hint + offset) : &none;
}
