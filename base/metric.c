#include "base/metric.h"

#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"

enum { SERIES_MOST = 1000, VALUE_SHOWN = 128, RECENT = 32 };

/* Upper bounds in microseconds; the last bucket has none. */
static const int64_t bounds_us[METRIC_BUCKETS - 1] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

/* `metric` comes first: callers hold a pointer to it and never see the rest. */
struct series {
    struct metric metric;
    struct series *next;
    struct slice labels;                /* a="x",b="y": as it is printed, and the key it is found by; its own */
    struct slice values[METRIC_LABELS]; /* as they were given when it was made; its own */
    uint64_t swept_count;               /* at the last sweep that saw it move */
    int64_t moved_us;                   /* and when that was */
};

struct metric_family {
    struct metric_family *next;
    enum metric_kind kind;
    struct slice name, help;
    struct slice label_names[METRIC_LABELS];
    unsigned label_count;
    struct map by_labels;
    struct series *first, **last;
    struct series *other;          /* where values go once there are too many series */
    struct series *recent[RECENT]; /* by hash of their values, for who asks again and again; or NULL */
    bool fades;
};

struct metric_set {
    struct arena arena;
    struct metric_family *first, **last;
};

struct metric_set *metric_set_new(void)
{
    struct metric_set *s = mem_new(sizeof(*s));
    s->last = &s->first;
    return s;
}

static void free_series(struct series *one)
{
    for (unsigned i = 0; i < METRIC_LABELS; i++)
        mem_free((char *)(uintptr_t)one->values[i].at);
    mem_free((char *)(uintptr_t)one->labels.at);
    mem_free(one);
}

static void free_family(struct metric_family *f)
{
    for (struct series *one = f->first, *next; one; one = next) {
        next = one->next;
        free_series(one);
    }
    map_fini(&f->by_labels);
}

void metric_set_free(struct metric_set **s)
{
    if (!*s)
        return;
    for (struct metric_family *f = (*s)->first; f; f = f->next)
        free_family(f);
    arena_fini(&(*s)->arena);
    mem_free(*s);
    *s = NULL;
}

static struct metric_family *new_family(struct metric_set *s, enum metric_kind kind)
{
    struct metric_family *f = arena_new(&s->arena, sizeof(*f));
    f->kind = kind;
    f->last = &f->first;
    *s->last = f;
    s->last = &f->next;
    return f;
}

struct metric_family *metric_family(struct metric_set *s, enum metric_kind kind, const char *name, const char *labels,
                                    const char *help)
{
    struct metric_family *f = new_family(s, kind);
    f->name = arena_keep(&s->arena, slice_str(name));
    f->help = arena_keep(&s->arena, slice_str(help));
    struct slice rest = arena_keep(&s->arena, slice_str(labels)), label;
    while (slice_split(&rest, ',', &label)) {
        PRE(f->label_count < METRIC_LABELS);
        f->label_names[f->label_count++] = label;
    }
    return f;
}

/* The format knows three escapes; whatever else is not plain text goes through the escaping printer first. */
static void put_value(struct buf *out, struct slice value)
{
    struct slice shown = slice_to(value, VALUE_SHOWN);
    for (size_t i = 0; i < shown.len; i++) {
        char c = shown.at[i];
        bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
        if (c == '\n')
            buf_put(out, SLICE("\\n"));
        else if (!plain)
            buf_put_char(out, '\\');
        if (c != '\n')
            buf_put_safe(out, slice_of(&c, 1), 1);
    }
}

static void put_labels(struct buf *out, const struct metric_family *f, const struct slice *values)
{
    for (unsigned i = 0; i < f->label_count; i++) {
        buf_putf(out, "%s%.*s=\"", i ? "," : "", SLICE_FMT(f->label_names[i]));
        put_value(out, values[i]);
        buf_put_char(out, '"');
    }
}

static struct series *add_series(struct metric_family *f, struct slice labels)
{
    struct series *one = mem_new(sizeof(*one));
    one->labels = slice_of(mem_copy(labels), labels.len);
    one->moved_us = INT64_MIN; /* not before the first sweep that sees it */
    map_put(&f->by_labels, one->labels, one);
    *f->last = one;
    f->last = &one->next;
    return one;
}

static struct series *other_series(struct metric_family *f)
{
    struct slice others[METRIC_LABELS];
    struct buf labels;
    if (f->other)
        return f->other;
    for (unsigned i = 0; i < f->label_count; i++)
        others[i] = SLICE("other");
    buf_init(&labels, BUF_TEXT_BOUND);
    put_labels(&labels, f, others);
    f->other = map_get(&f->by_labels, buf_slice(&labels));
    if (!f->other)
        f->other = add_series(f, buf_slice(&labels));
    buf_fini(&labels);
    return f->other;
}

/* Only to find what was asked for lately without spelling the labels out: collisions cost time and nothing else. */
static size_t place_of(const struct metric_family *f, const struct slice *values)
{
    uint64_t hash = f->label_count;
    for (unsigned i = 0; i < f->label_count; i++) {
        uint64_t end = 0;
        size_t len = values[i].len < sizeof(end) ? values[i].len : sizeof(end);
        if (len)
            memcpy(&end, values[i].at + values[i].len - len, len);
        hash = (hash ^ end ^ values[i].len) * UINT64_C(0x9E3779B97F4A7C15);
    }
    return (size_t)(hash >> 32) % RECENT;
}

static bool has_values(const struct series *one, const struct metric_family *f, const struct slice *values)
{
    for (unsigned i = 0; i < f->label_count; i++)
        if (!slice_eq(one->values[i], values[i]))
            return false;
    return true;
}

static struct metric *remember(struct metric_family *f, size_t place, struct series *one)
{
    f->recent[place] = one;
    return &one->metric;
}

static struct slice keep_value(struct slice value)
{
    struct slice shown = slice_to(value, VALUE_SHOWN);
    return slice_of(mem_copy(shown), shown.len);
}

struct metric *metric_series(struct metric_family *f, const struct slice *values)
{
    size_t place = place_of(f, values);
    if (f->recent[place] && has_values(f->recent[place], f, values))
        return &f->recent[place]->metric;
    struct buf labels;
    buf_init(&labels, BUF_TEXT_BOUND);
    put_labels(&labels, f, values);
    struct series *one = map_get(&f->by_labels, buf_slice(&labels));
    bool fresh = !one && f->by_labels.count < SERIES_MOST;
    if (fresh)
        one = add_series(f, buf_slice(&labels));
    for (unsigned i = 0; fresh && i < f->label_count; i++)
        one->values[i] = keep_value(values[i]);
    one = one ? one : other_series(f);
    buf_fini(&labels);
    return remember(f, place, one);
}

/* --- fading --- */

void metric_fade(struct metric_family *f)
{
    f->fades = true;
}

static bool has_rested(struct series *one, int64_t now_us)
{
    if (one->moved_us == INT64_MIN || one->metric.count != one->swept_count) {
        one->swept_count = one->metric.count;
        one->moved_us = now_us;
    }
    return now_us - one->moved_us >= (int64_t)METRIC_REST_S * 1000000;
}

static bool sweep(struct metric_family *f, int64_t now_us)
{
    struct series **at = &f->first;
    bool some = false;
    while (*at) {
        struct series *one = *at;
        if (!has_rested(one, now_us)) {
            at = &one->next;
            continue;
        }
        some = true;
        map_del(&f->by_labels, one->labels);
        f->other = f->other == one ? NULL : f->other;
        *at = one->next;
        free_series(one);
    }
    f->last = at;
    if (some)
        memset(f->recent, 0, sizeof(f->recent));
    return some;
}

bool metric_sweep(struct metric_set *s, int64_t now_us)
{
    bool some = false;
    for (struct metric_family *f = s->first; f; f = f->next)
        if (f->fades && sweep(f, now_us))
            some = true;
    return some;
}

/* --- several sets --- */

static struct series *find_series(struct metric_family *f, struct slice labels)
{
    struct series *one = map_get(&f->by_labels, labels);
    if (one)
        return one;
    return f->by_labels.count < SERIES_MOST ? add_series(f, labels) : other_series(f);
}

static struct metric_family *same_family(struct metric_set *s, const struct metric_family *as)
{
    for (struct metric_family *f = s->first; f; f = f->next)
        if (slice_eq(f->name, as->name))
            return f;
    struct metric_family *f = new_family(s, as->kind);
    f->name = arena_keep(&s->arena, as->name);
    f->help = arena_keep(&s->arena, as->help);
    f->label_count = as->label_count;
    for (unsigned i = 0; i < as->label_count; i++)
        f->label_names[i] = arena_keep(&s->arena, as->label_names[i]);
    return f;
}

static void merge_one(struct metric *sum, const struct metric *from, bool is_fact)
{
    sum->count += from->count;
    sum->value = is_fact ? from->value : sum->value + from->value;
    for (unsigned i = 0; i < METRIC_BUCKETS; i++)
        sum->buckets[i] += from->buckets[i];
}

void metric_merge(struct metric_set *sum, const struct metric_set *from)
{
    for (const struct metric_family *f = from->first; f; f = f->next) {
        struct metric_family *into = same_family(sum, f);
        for (const struct series *one = f->first; one; one = one->next)
            merge_one(&find_series(into, one->labels)->metric, &one->metric, f->kind == METRIC_FACT);
    }
}

/* For each power of two the first bound that is not below it: there is never more than one up to the next. */
static const uint8_t first_bound[] = {0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 13, 14, 15};

static unsigned bucket_of(int64_t us)
{
    unsigned high = us > 0 ? 63 - (unsigned)__builtin_clzll((unsigned long long)us) : 0;
    if (high >= sizeof(first_bound))
        return METRIC_BUCKETS - 1;
    unsigned i = first_bound[high];
    return i + (i < METRIC_BUCKETS - 1 && us > bounds_us[i]);
}

void metric_observe_us(struct metric *m, int64_t us)
{
    m->buckets[bucket_of(us)]++;
    m->count++;
    m->value += us > 0 ? (double)us : 0;
}

static void put_number(struct buf *out, double n)
{
    if (isnan(n))
        buf_put(out, SLICE("NaN"));
    else if (isinf(n))
        buf_put(out, n > 0 ? SLICE("+Inf") : SLICE("-Inf"));
    else
        buf_putf(out, "%.15g", n);
}

/* name_suffix{labels,extra} and a blank. */
static void put_series_name(struct buf *out, const struct metric_family *f, const char *suffix, struct slice labels,
                            const char *extra)
{
    bool both = labels.len && *extra;
    buf_putf(out, "%.*s%s", SLICE_FMT(f->name), suffix);
    if (labels.len || *extra)
        buf_putf(out, "{%.*s%s%s}", SLICE_FMT(labels), both ? "," : "", extra);
    buf_put_char(out, ' ');
}

static void print_histogram(const struct metric_family *f, const struct series *one, struct buf *out)
{
    uint64_t up_to = 0;
    for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
        char bound[40] = "le=\"+Inf\"";
        if (i < METRIC_BUCKETS - 1)
            snprintf(bound, sizeof(bound), "le=\"%g\"", (double)bounds_us[i] / 1e6);
        up_to += one->metric.buckets[i];
        put_series_name(out, f, "_bucket", one->labels, bound);
        buf_put_u64(out, up_to);
        buf_put_char(out, '\n');
    }
    put_series_name(out, f, "_sum", one->labels, "");
    put_number(out, one->metric.value / 1e6);
    buf_put_char(out, '\n');
    put_series_name(out, f, "_count", one->labels, "");
    buf_put_u64(out, one->metric.count);
    buf_put_char(out, '\n');
}

static void print_series(const struct metric_family *f, const struct series *one, struct buf *out)
{
    if (f->kind == METRIC_HISTOGRAM) {
        print_histogram(f, one, out);
        return;
    }
    put_series_name(out, f, "", one->labels, "");
    if (f->kind == METRIC_COUNTER)
        buf_put_u64(out, one->metric.count);
    else
        put_number(out, one->metric.value);
    buf_put_char(out, '\n');
}

void metric_print(const struct metric_set *s, struct buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram", "gauge"};
    for (const struct metric_family *f = s->first; f; f = f->next) {
        buf_putf(out, "# HELP %.*s %.*s\n", SLICE_FMT(f->name), SLICE_FMT(f->help));
        buf_putf(out, "# TYPE %.*s %s\n", SLICE_FMT(f->name), kinds[f->kind]);
        for (const struct series *one = f->first; one; one = one->next)
            print_series(f, one, out);
    }
}
