#include "cli/top_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* --- reading --- */

static bool take_label(struct slice labels, struct slice name, char *into, size_t room)
{
    struct slice rest = labels;
    into[0] = '\0';
    while (rest.len > 0) {
        size_t eq, end;
        if (!slice_find(rest, '=', &eq) || eq + 1 >= rest.len || rest.at[eq + 1] != '"')
            return false;
        struct slice key = slice_to(rest, eq), value = slice_from(rest, eq + 2);
        for (end = 0; end < value.len && value.at[end] != '"'; end++)
            end += value.at[end] == '\\';
        if (end >= value.len)
            return false;
        if (slice_eq(key, name)) {
            struct slice kept = slice_to(slice_to(value, end), room - 1);
            memcpy(into, kept.len ? kept.at : "", kept.len);
            into[kept.len] = '\0';
            return true;
        }
        rest = slice_from(value, end + 1);
        if (slice_starts(rest, SLICE(",")))
            rest = slice_from(rest, 1);
    }
    return false;
}

static double number_of(struct slice text)
{
    char room[64];
    struct slice kept = slice_to(text, sizeof(room) - 1);
    memcpy(room, kept.len ? kept.at : "", kept.len);
    room[kept.len] = '\0';
    return strtod(room, NULL);
}

static struct top_row *row_of(struct top_look *look, const struct top_row *key)
{
    for (size_t i = 0; i < look->row_count; i++) {
        struct top_row *r = &look->rows[i];
        if (strcmp(r->direction, key->direction) == 0 && strcmp(r->service, key->service) == 0 &&
            strcmp(r->operation, key->operation) == 0)
            return r;
    }
    return NULL;
}

static void add_request(struct top_look *look, struct slice labels, double n)
{
    struct top_row key = {0};
    char code[8];
    (void)take_label(labels, SLICE("direction"), key.direction, sizeof(key.direction));
    (void)take_label(labels, SLICE("service"), key.service, sizeof(key.service));
    (void)take_label(labels, SLICE("operation"), key.operation, sizeof(key.operation));
    (void)take_label(labels, SLICE("code"), code, sizeof(code));
    struct top_row *row = row_of(look, &key);
    if (!row && look->row_count == TOP_ROWS)
        return;
    if (!row) {
        row = &look->rows[look->row_count++];
        *row = key;
    }
    row->count += n;
    row->errors += code[0] >= '5' ? n : 0;
}

static struct top_histogram *histogram_of(struct top_look *look, const char *direction)
{
    for (unsigned i = 0; i < look->latency_count; i++)
        if (strcmp(look->latency[i].direction, direction) == 0)
            return &look->latency[i];
    if (look->latency_count == 2)
        return NULL;
    struct top_histogram *h = &look->latency[look->latency_count++];
    snprintf(h->direction, sizeof(h->direction), "%s", direction);
    return h;
}

static void add_bucket(struct top_look *look, struct slice labels, double n)
{
    char direction[16], edge[32];
    (void)take_label(labels, SLICE("direction"), direction, sizeof(direction));
    if (!take_label(labels, SLICE("le"), edge, sizeof(edge)))
        return;
    struct top_histogram *h = histogram_of(look, direction);
    if (!h || h->buckets == TOP_BUCKETS)
        return;
    h->edges_s[h->buckets] = strcmp(edge, "+Inf") == 0 ? INFINITY : strtod(edge, NULL);
    h->counts[h->buckets++] = n;
}

static void read_line(struct top_look *look, struct slice line)
{
    size_t blank, brace;
    if (!slice_find_last(line, ' ', &blank) || slice_starts(line, SLICE("#")))
        return;
    double n = number_of(slice_from(line, blank + 1));
    struct slice series = slice_to(line, blank), name = series, labels = {0};
    if (slice_find(series, '{', &brace)) {
        name = slice_to(series, brace);
        labels = slice_from(slice_to(series, series.len - 1), brace + 1);
    }
    if (slice_eq(name, SLICE("weft_requests_total")))
        add_request(look, labels, n);
    else if (slice_eq(name, SLICE("weft_request_duration_seconds_bucket")))
        add_bucket(look, labels, n);
    else if (slice_eq(name, SLICE("weft_requests_in_flight")))
        look->in_flight = n;
}

void top_table_read(struct top_look *look, struct slice metrics)
{
    struct slice line;
    *look = (struct top_look){.rows = mem_array(TOP_ROWS, sizeof(struct top_row))};
    while (slice_split(&metrics, '\n', &line))
        read_line(look, line);
}

void top_table_fini(struct top_look *look)
{
    mem_free(look->rows);
    *look = (struct top_look){0};
}

/* --- telling --- */

static double grown(const struct top_histogram *now, const struct top_histogram *before, unsigned i)
{
    return now->counts[i] - (before && i < before->buckets ? before->counts[i] : 0);
}

double top_table_quantile(const struct top_histogram *now, const struct top_histogram *before, double share)
{
    double all = now->buckets ? grown(now, before, now->buckets - 1) : 0;
    double low_s = 0, below = 0;
    if (all <= 0)
        return -1;
    for (unsigned i = 0; i < now->buckets; i++) {
        double upto = grown(now, before, i);
        if (upto >= share * all && upto > below) {
            double edge_s = isinf(now->edges_s[i]) ? low_s : now->edges_s[i];
            return low_s + (edge_s - low_s) * (share * all - below) / (upto - below);
        }
        low_s = now->edges_s[i];
        below = upto;
    }
    return low_s;
}

struct moved {
    const struct top_row *row;
    double per_second, errors; /* errors: percent */
};

static int by_rate(const void *a, const void *b)
{
    double x = ((const struct moved *)a)->per_second, y = ((const struct moved *)b)->per_second;
    return x < y ? 1 : x > y ? -1 : 0;
}

static struct moved move_of(const struct top_row *row, struct top_look *before, double seconds)
{
    const struct top_row *old = before->row_count ? row_of(before, row) : NULL;
    double n = row->count - (old ? old->count : 0), bad = row->errors - (old ? old->errors : 0);
    return (struct moved){row, n / seconds, n > 0 ? 100 * bad / n : 0};
}

static void put_latency(const struct top_look *now, const struct top_look *before, struct buf *out)
{
    for (unsigned i = 0; i < now->latency_count; i++) {
        const struct top_histogram *h = &now->latency[i], *old = NULL;
        for (unsigned k = 0; k < before->latency_count; k++)
            if (strcmp(before->latency[k].direction, h->direction) == 0)
                old = &before->latency[k];
        double p50 = top_table_quantile(h, old, 0.5), p99 = top_table_quantile(h, old, 0.99);
        if (p50 >= 0)
            buf_putf(out, "%-9s p50 %.2f ms  p99 %.2f ms\n", h->direction, 1000 * p50, 1000 * p99);
    }
}

void top_table_print(const struct top_look *now, const struct top_look *before, double seconds, struct buf *out)
{
    struct moved *moves = mem_array(now->row_count + 1, sizeof(*moves));
    struct top_look old = *before;
    for (size_t i = 0; i < now->row_count; i++)
        moves[i] = move_of(&now->rows[i], &old, seconds);
    if (now->row_count)
        qsort(moves, now->row_count, sizeof(*moves), by_rate);
    buf_putf(out, "in flight %.0f\n", now->in_flight);
    put_latency(now, before, out);
    buf_putf(out, "\n%-9s %-20s %-24s %9s %7s %10s\n", "direction", "service", "operation", "req/s", "errors", "total");
    for (size_t i = 0; i < now->row_count; i++) {
        const struct top_row *r = moves[i].row;
        buf_putf(out, "%-9s %-20.20s %-24.24s %9.1f %6.1f%% %10.0f\n", r->direction, r->service,
                 r->operation[0] ? r->operation : "-", moves[i].per_second, moves[i].errors, r->count);
    }
    mem_free(moves);
}
