#include "contracts/sample_text.h"

#include "contracts/conforms.h"
#include "contracts/regular.h"

enum { SYMBOLS_MOST = 256 };

void sample_text_length(struct sample *s, struct sample_sink *k, uint64_t length)
{
    struct buf b;
    if (length > SAMPLE_LONGEST || sample_sink_full(s, k))
        return;
    buf_init(&b, SAMPLE_LONGEST + 1);
    for (uint64_t i = 0; i < length; i++)
        buf_put_char(&b, 'a');
    sample_sink_text(s, k, buf_slice(&b));
    buf_fini(&b);
}

static void put_around(struct sample *s, struct sample_sink *k, struct slice bound)
{
    uint64_t n = sample_sink_count(bound, SAMPLE_LONGEST + 1);
    if (n > SAMPLE_LONGEST)
        return;
    sample_text_length(s, k, n + 1);
    sample_text_length(s, k, n);
    if (n)
        sample_text_length(s, k, n - 1);
}

static void put_match(struct sample *s, struct sample_sink *k, struct slice narrow, struct slice wide, uint64_t least)
{
    struct buf b;
    if (sample_sink_full(s, k))
        return;
    buf_init(&b, BUF_TEXT_BOUND);
    if (regular_sample(narrow, wide, least < SAMPLE_LONGEST ? (unsigned)least : SAMPLE_LONGEST, &b))
        sample_sink_text(s, k, buf_slice(&b));
    buf_fini(&b);
}

static struct slice pattern_of(const struct shape_position *p)
{
    const struct shape_rule *r;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++)
        if (r->patterns)
            return r->patterns->text;
    return SLICE("");
}

static void put_formats(struct sample *s, struct sample_sink *k, const struct shape_position *p)
{
    const struct shape_rule *r;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++) {
        const char *sample = conforms_format_sample(r->format);
        if (sample)
            sample_sink_text(s, k, slice_str(sample));
    }
}

void sample_text(struct sample *s, const struct shape_position *p, struct sample_sink *k)
{
    struct slice own = pattern_of(p);
    uint64_t least = sample_sink_count(shape_tightest(p, SHAPE_MIN_LENGTH), 0);
    const struct hint_list *patterns = SAMPLE_HINTS(s, patterns), *texts = SAMPLE_HINTS(s, texts),
                           *numbers = SAMPLE_HINTS(s, numbers);
    put_formats(s, k, p);
    sample_text_length(s, k, least);
    for (size_t i = 0; i < patterns->count; i++)
        put_match(s, k, own, patterns->v[i], least);
    if (own.len)
        put_match(s, k, own, SLICE(""), least);
    sample_sink_text(s, k, SLICE("?!"));
    /* Inside, what is mentioned counts most: it may be a tag. */
    for (size_t i = 0; i < texts->count && (s->depth > 1 || i < 2); i++)
        sample_sink_text(s, k, texts->v[i]);
    for (size_t i = 0; i < numbers->count; i++)
        put_around(s, k, numbers->v[i]);
    sample_text_length(s, k,
                       sample_sink_count(shape_tightest(p, SHAPE_MAX_LENGTH), s->depth == 1 ? SAMPLE_LONGEST : 4));
    for (size_t i = 2; i < texts->count && s->depth == 1; i++)
        sample_sink_text(s, k, texts->v[i]);
    sample_sink_text(s, k, SLICE("another symbol"));
}

/* Zeros in base64. */
static void put_bytes(struct sample *s, struct sample_sink *k, uint64_t bytes)
{
    struct buf b;
    if (bytes > SAMPLE_LONGEST)
        return;
    buf_init(&b, BUF_TEXT_BOUND);
    for (uint64_t i = 0; i < (bytes * 4 + 2) / 3; i++)
        buf_put_char(&b, 'A');
    while (buf_len(&b) % 4)
        buf_put_char(&b, '=');
    sample_sink_text(s, k, buf_slice(&b));
    buf_fini(&b);
}

void sample_text_bytes(struct sample *s, const struct shape_position *p, struct sample_sink *k)
{
    const struct shape_type *t = p->type;
    const struct hint_list *numbers = SAMPLE_HINTS(s, numbers);
    for (unsigned i = 0; t && i < 64; i++) {
        if (t->avro && t->avro->size.len)
            put_bytes(s, k, sample_sink_count(t->avro->size, 0));
        t = t->kind == SHAPE_ALIAS && t->parts ? t->parts->type : NULL;
    }
    put_bytes(s, k, 0);
    put_bytes(s, k, 1);
    sample_text_length(s, k, sample_sink_count(shape_tightest(p, SHAPE_MIN_LENGTH), 0));
    for (size_t i = 0; i < numbers->count; i++)
        put_around(s, k, numbers->v[i]);
    sample_text_length(s, k, 4);
    sample_text_length(s, k, 8);
}

void sample_text_symbols(struct sample *s, const struct shape_type *t, struct sample_sink *k)
{
    for (size_t i = 0; i < t->symbol_count && i < SYMBOLS_MOST; i++)
        sample_sink_text(s, k, fact_text(t->symbols[i], 1));
    if (t->open)
        sample_sink_text(s, k, SLICE("another symbol"));
}
