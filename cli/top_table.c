#include "cli/top_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "base/mem.h"

/* --- reading --- */

static double number_of(const struct doc_node *n)
{
    uint64_t value = 0;
    if (!n || slice_u64(n->text, INT64_MAX, &value) != ERR_OK)
        return 0;
    return (double)value;
}

static struct slice text_of(const struct doc_node *object, const char *name)
{
    const struct doc_node *n = doc_get(object, name);
    return n ? n->text : (struct slice){0};
}

static void read_steps(struct top_row *row, const struct doc_node *steps)
{
    for (const struct doc_node *pair = steps ? steps->first : NULL; pair; pair = pair->next)
        if (pair->count == 2)
            row->steps[board_step((int64_t)number_of(pair->first) - 1)] += number_of(pair->first->next);
}

static void read_row(struct top_row *row, const struct doc_node *n)
{
    *row = (struct top_row){
        .direction = text_of(n, "direction"),
        .peer = text_of(n, "peer"),
        .operation = text_of(n, "operation"),
        .count = number_of(doc_get(n, "count")),
        .errors = number_of(doc_get(n, "errors")),
    };
    read_steps(row, doc_get(n, "steps"));
}

static enum err read_root(struct top_look *look, const struct doc_node *root)
{
    const struct doc_node *calls = doc_get(root, "calls");
    if (!calls || calls->kind != DOC_LIST)
        return ERR_INPUT;
    look->in_flight = number_of(doc_get(root, "in_flight"));
    look->at_us = number_of(doc_get(root, "at_us"));
    look->endpoints = doc_get(root, "endpoints");
    look->rows = mem_array(calls->count + 1, sizeof(*look->rows));
    for (const struct doc_node *n = calls->first; n; n = n->next)
        read_row(&look->rows[look->row_count++], n);
    return ERR_OK;
}

enum err top_table_read(struct top_look *look, struct slice json)
{
    struct diag diag;
    struct doc_node *root;
    *look = (struct top_look){0};
    arena_init(&look->arena, SIZE_MAX);
    diag_init(&diag);
    enum err e = doc_parse(arena_keep(&look->arena, json), "/top", &look->arena, &diag, &root);
    diag_fini(&diag);
    if (e == ERR_OK)
        e = read_root(look, root);
    if (e != ERR_OK)
        top_table_fini(look);
    return e;
}

void top_table_fini(struct top_look *look)
{
    mem_free(look->rows);
    arena_fini(&look->arena);
    *look = (struct top_look){0};
}

/* --- what came between --- */

/* A peer with all that moved. */
struct moved {
    struct top_row row;
    struct slice peer_key; /* direction and peer: what its lines stand together by */
    double peer_count;
    bool is_sum;
    size_t operations; /* of a sum: how many it adds up */
};

static bool is_same(const struct top_row *a, const struct top_row *b)
{
    return slice_eq(a->operation, b->operation) && slice_eq(a->peer, b->peer) && slice_eq(a->direction, b->direction);
}

static bool is_same_peer(const struct top_row *a, const struct top_row *b)
{
    return slice_eq(a->peer, b->peer) && slice_eq(a->direction, b->direction);
}

/* A sidecar that has started anew counts from nothing. */
static void subtract(struct top_row *row, const struct top_look *before)
{
    for (size_t i = 0; i < before->row_count; i++) {
        const struct top_row *old = &before->rows[i];
        if (!is_same(row, old) || old->count > row->count)
            continue;
        row->count -= old->count;
        row->errors -= old->errors;
        for (unsigned k = 0; k < BOARD_STEPS; k++)
            row->steps[k] -= old->steps[k];
    }
}

static void add(struct top_row *sum, const struct top_row *row)
{
    sum->count += row->count;
    sum->errors += row->errors;
    for (unsigned k = 0; k < BOARD_STEPS; k++)
        sum->steps[k] += row->steps[k];
}

double top_table_quantile(const struct top_row *moved, double share)
{
    double below = 0, wanted = share * moved->count;
    for (unsigned i = 0; i < BOARD_STEPS && moved->count > 0; i++) {
        double here = moved->steps[i], low = i ? (double)board_step_us(i - 1) : 0;
        if (here > 0 && below + here >= wanted)
            return (low + ((double)board_step_us(i) - low) * (wanted - below) / here) / 1000;
        below += here;
    }
    return -1;
}

/* The busiest peer first, its sum before its operations, those by how busy they are. */
static int by_busyness(const void *a, const void *b)
{
    const struct moved *x = a, *y = b;
    if (x->peer_count != y->peer_count)
        return x->peer_count < y->peer_count ? 1 : -1;
    if (!is_same_peer(&x->row, &y->row)) {
        int order = slice_cmp(x->row.direction, y->row.direction);
        return order ? order : slice_cmp(x->row.peer, y->row.peer);
    }
    if (x->is_sum != y->is_sum)
        return x->is_sum ? -1 : 1;
    return x->row.count < y->row.count   ? 1
           : x->row.count > y->row.count ? -1
                                         : slice_cmp(x->row.operation, y->row.operation);
}

static struct moved *sum_of(struct moved *sums, size_t count, const struct top_row *row)
{
    for (size_t i = 0; i < count; i++)
        if (is_same_peer(&sums[i].row, row))
            return &sums[i];
    return NULL;
}

/* All rows, and a sum for each peer with several operations; `*count` of them. */
static struct moved *all_moved(const struct top_look *now, const struct top_look *before, size_t *count)
{
    struct moved *v = mem_array(2 * now->row_count + 1, sizeof(*v)), *sums = mem_array(now->row_count + 1, sizeof(*v));
    size_t sum_count = 0, n = 0;
    for (size_t i = 0; i < now->row_count; i++) {
        struct moved *m = &v[n++], *sum;
        *m = (struct moved){.row = now->rows[i]};
        subtract(&m->row, before);
        sum = sum_of(sums, sum_count, &m->row);
        if (!sum) {
            sum = &sums[sum_count++];
            *sum = (struct moved){.is_sum = true};
            sum->row.direction = m->row.direction;
            sum->row.peer = m->row.peer;
        }
        add(&sum->row, &m->row);
        sum->operations++;
    }
    for (size_t i = 0; i < sum_count; i++) {
        sums[i].row.operation = SLICE("*");
        if (sums[i].operations > 1)
            v[n++] = sums[i];
    }
    for (size_t i = 0; i < n; i++)
        v[i].peer_count = sum_of(sums, sum_count, &v[i].row)->row.count;
    mem_free(sums);
    if (n)
        qsort(v, n, sizeof(*v), by_busyness);
    *count = n;
    return v;
}

static double total_of(const struct top_look *now, const struct moved *m)
{
    double total = 0;
    for (size_t i = 0; i < now->row_count; i++)
        if (m->is_sum ? is_same_peer(&now->rows[i], &m->row) : is_same(&now->rows[i], &m->row))
            total += now->rows[i].count;
    return total;
}

static double seconds_between(const struct top_look *now, const struct top_look *before)
{
    double us = now->at_us - before->at_us;
    return us > 0 ? us / 1e6 : 1;
}

/* --- as text --- */

static void put_ms(double ms, struct buf *out)
{
    if (ms < 0)
        buf_putf(out, " %8s", "-");
    else
        buf_putf(out, " %8.2f", ms);
}

/* The end of an identity tells more than its beginning. */
static void put_peer(struct slice peer, struct buf *out)
{
    enum { WIDTH = 32 };
    struct buf safe;
    buf_init(&safe, BUF_TEXT_BOUND);
    buf_put_safe(&safe, peer.len > WIDTH ? slice_from(peer, peer.len - WIDTH) : peer, WIDTH);
    buf_putf(out, " %-32.*s", SLICE_FMT(buf_slice(&safe)));
    buf_fini(&safe);
}

static void put_line(const struct top_look *now, const struct moved *m, double seconds, struct buf *out)
{
    const struct top_row *r = &m->row;
    buf_putf(out, "%-9.*s", SLICE_FMT(r->direction));
    put_peer(r->peer.len ? r->peer : SLICE("-"), out);
    buf_putf(out, " %-24.*s %9.1f %6.1f%%", SLICE_FMT(slice_to(r->operation.len ? r->operation : SLICE("-"), 24)),
             r->count / seconds, r->count > 0 ? 100 * r->errors / r->count : 0);
    put_ms(top_table_quantile(r, 0.5), out);
    put_ms(top_table_quantile(r, 0.99), out);
    buf_putf(out, " %10.0f\n", total_of(now, m));
}

static void put_endpoint(const struct doc_node *p, struct buf *out)
{
    buf_putf(out, "%-20.*s %-24.*s %-8.*s %7.2f ms %9.*s %6.*s\n", SLICE_FMT(text_of(p, "service")),
             SLICE_FMT(text_of(p, "endpoint")), SLICE_FMT(text_of(p, "breaker")),
             number_of(doc_get(p, "latency_us")) / 1000, SLICE_FMT(text_of(p, "in_flight")),
             SLICE_FMT(text_of(p, "connections")));
}

static void put_endpoints(const struct doc_node *endpoints, struct buf *out)
{
    if (!endpoints || endpoints->count == 0)
        return;
    buf_putf(out, "\n%-20s %-24s %-8s %10s %9s %6s\n", "service", "endpoint", "breaker", "latency", "in flight",
             "conns");
    for (const struct doc_node *p = endpoints->first; p; p = p->next)
        put_endpoint(p, out);
}

void top_table_print(const struct top_look *now, const struct top_look *before, size_t most, struct buf *out)
{
    size_t count;
    struct moved *v = all_moved(now, before, &count);
    buf_putf(out, "in flight %.0f\n\n%-9s %-32s %-24s %9s %7s %8s %8s %10s\n", now->in_flight, "direction", "peer",
             "operation", "req/s", "errors", "p50 ms", "p99 ms", "total");
    for (size_t i = 0; i < count && (most == 0 || i < most); i++)
        put_line(now, &v[i], seconds_between(now, before), out);
    if (most && count > most)
        buf_putf(out, "and %zu more\n", count - most);
    mem_free(v);
    put_endpoints(now->endpoints, out);
}

/* --- as JSON --- */

static void put_number(struct json_out *j, const char *name, double n)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%.3f", n);
    json_out_name(j, name);
    if (n < 0)
        json_out_null(j);
    else
        json_out_raw(j, slice_of(text, (size_t)len));
}

static void put_object(const struct top_look *now, const struct moved *m, double seconds, struct json_out *j)
{
    json_out_object(j);
    json_out_member(j, "direction", m->row.direction);
    json_out_member(j, "peer", m->row.peer);
    json_out_member(j, "operation", m->row.operation);
    put_number(j, "per_second", m->row.count / seconds);
    put_number(j, "errors_per_second", m->row.errors / seconds);
    put_number(j, "p50_ms", top_table_quantile(&m->row, 0.5));
    put_number(j, "p99_ms", top_table_quantile(&m->row, 0.99));
    json_out_member_int(j, "total", (int64_t)total_of(now, m));
    json_out_end(j);
}

void top_table_print_json(const struct top_look *now, const struct top_look *before, struct buf *out)
{
    size_t count;
    double seconds = seconds_between(now, before);
    struct moved *v = all_moved(now, before, &count);
    struct json_out j;
    json_out_init(&j, out, 0);
    json_out_object(&j);
    put_number(&j, "seconds", seconds);
    json_out_member_int(&j, "in_flight", (int64_t)now->in_flight);
    json_out_name(&j, "calls");
    json_out_array(&j);
    for (size_t i = 0; i < count; i++)
        put_object(now, &v[i], seconds, &j);
    json_out_end(&j);
    json_out_name(&j, "endpoints");
    struct buf endpoints;
    buf_init(&endpoints, BUF_TEXT_BOUND);
    if (now->endpoints)
        doc_put_json(now->endpoints, &endpoints);
    json_out_raw(&j, now->endpoints ? buf_slice(&endpoints) : SLICE("[]"));
    buf_fini(&endpoints);
    json_out_end(&j);
    buf_put_char(out, '\n');
    mem_free(v);
}
