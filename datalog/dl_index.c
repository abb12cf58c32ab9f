#include "datalog/dl_index.h"

#include "base/mem.h"

/* Repetitions are looked for among so many; more would take longer than they cost. */
enum { DISTINCT_AMONG = 64, DIRECT_PER_ROW = 4, DIRECT_LEAST = 1024 };

static uint64_t hash_key(const struct dl_index *i, const datalog_word *key)
{
    uint64_t h = i->seed;
    for (uint32_t mask = i->mask; mask; mask &= mask - 1)
        h = dl_tuples_mix(h, *key++);
    return h;
}

static void key_of(const struct dl_index *i, const struct dl_tuples *t, uint32_t row, datalog_word *key)
{
    for (uint32_t mask = i->mask; mask; mask &= mask - 1)
        *key++ = dl_tuples_at(t, row, (unsigned)__builtin_ctz(mask));
}

static bool row_has_key(const struct dl_index *i, const struct dl_tuples *t, uint32_t row, const datalog_word *key)
{
    for (uint32_t mask = i->mask; mask; mask &= mask - 1)
        if (dl_tuples_at(t, row, (unsigned)__builtin_ctz(mask)) != *key++)
            return false;
    return true;
}

/* The place of a key among the heads; `cap`: it has none. */
static uint32_t head_of(const struct dl_index *i, const datalog_word *key)
{
    uint64_t place;
    if (!i->direct)
        return (uint32_t)hash_key(i, key) & (i->cap - 1);
    return dl_grid_place(&i->grid, key, &place) ? (uint32_t)place : i->cap;
}

/* Heads for `cap` rows. */
static void make_heads(struct dl_index *i, const struct dl_tuples *t, uint32_t cap, bool may_be_direct)
{
    mem_free(i->heads);
    i->direct = may_be_direct && t->count >= DIRECT_LEAST &&
                dl_grid_fit(&i->grid, t, i->mask, (uint64_t)t->count * DIRECT_PER_ROW);
    i->cap = i->direct ? (uint32_t)dl_grid_places(&i->grid) : cap;
    i->heads = mem_array(i->cap, sizeof(*i->heads));
}

void dl_index_fini(struct dl_index *i)
{
    mem_free(i->heads);
    mem_free(i->next);
    mem_free(i->keys);
    mem_free(i->ends);
    mem_free(i->cells);
    *i = (struct dl_index){0};
}

static void chain_grow(struct dl_index *i, const struct dl_tuples *t, bool may_be_direct)
{
    i->next_cap = t->cap;
    i->next = mem_resize(i->next, i->next_cap, sizeof(*i->next));
    make_heads(i, t, t->cap, may_be_direct);
    i->rows = 0;
}

static void chain_update(struct dl_index *i, const struct dl_tuples *t)
{
    if (i->next_cap < t->cap)
        chain_grow(i, t, true);
    for (; i->rows < t->count; i->rows++) {
        datalog_word key[DATALOG_COLUMNS];
        key_of(i, t, i->rows, key);
        uint32_t head = head_of(i, key);
        if (i->direct && head == i->cap) {
            chain_grow(i, t, false);
            chain_update(i, t);
            return;
        }
        i->next[i->rows] = i->heads[head];
        i->heads[head] = i->rows + 1;
    }
}

static uint32_t chain_next(const struct dl_index *i, const struct dl_tuples *t, const datalog_word *key, uint32_t link,
                           uint32_t end)
{
    while (link && (link > end || (!i->direct && !row_has_key(i, t, link - 1, key))))
        link = i->next[link - 1];
    return link ? link - 1 : DL_SET_NONE;
}

uint32_t dl_index_first(const struct dl_index *i, const struct dl_tuples *t, const datalog_word *key, uint32_t end)
{
    if (i->cap == 0)
        return DL_SET_NONE;
    uint32_t head = head_of(i, key);
    return i->direct && head == i->cap ? DL_SET_NONE : chain_next(i, t, key, i->heads[head], end);
}

uint32_t dl_index_after(const struct dl_index *i, const struct dl_tuples *t, const datalog_word *key, uint32_t row)
{
    return chain_next(i, t, key, i->next[row], row);
}

/* The head where a key's group stands, or would. */
static uint32_t pack_head(const struct dl_index *i, const struct dl_tuples *t, const datalog_word *key)
{
    uint32_t head = head_of(i, key);
    if (i->direct)
        return head;
    while (i->heads[head] && !row_has_key(i, t, i->keys[i->heads[head] - 1], key))
        head = (head + 1) & (i->cap - 1);
    return head;
}

/* By row its group. */
static uint32_t *group_rows(struct dl_index *i, const struct dl_tuples *t, uint32_t *groups)
{
    uint32_t *group = mem_array((size_t)t->count + 1, sizeof(*group)), cap = 0;
    *groups = 0;
    for (uint32_t row = 0; row < t->count; row++) {
        datalog_word key[DATALOG_COLUMNS];
        key_of(i, t, row, key);
        uint32_t *head = &i->heads[pack_head(i, t, key)];
        if (!*head) {
            if (*groups == cap) {
                cap = cap ? cap * 2 : 64;
                i->keys = mem_resize(i->keys, cap, sizeof(*i->keys));
            }
            i->keys[*groups] = row;
            *head = ++*groups;
        }
        group[row] = *head - 1;
    }
    return group;
}

static void copy_cells(struct dl_index *i, uint32_t to, uint32_t from)
{
    size_t size = (i->wide ? sizeof(int64_t) : sizeof(int32_t)) * i->width;
    if (to != from)
        memmove((char *)i->cells + to * size, (const char *)i->cells + from * size, size);
}

static bool is_repeated(const struct dl_index *i, uint32_t from, uint32_t to, uint32_t at)
{
    for (uint32_t k = from; k < to; k++) {
        unsigned c = 0;
        while (c < i->width && dl_index_cell(i, k, c) == dl_index_cell(i, at, c))
            c++;
        if (c == i->width)
            return true;
    }
    return false;
}

/* Moves every group's distinct cells together; ends become places. */
static void squeeze(struct dl_index *i, uint32_t groups)
{
    uint32_t to = 0, from = 0;
    for (uint32_t g = 0; g < groups; g++) {
        uint32_t end = i->ends[g + 1], begin = to;
        for (uint32_t at = from; at < end; at++) {
            uint32_t among = to - begin > DISTINCT_AMONG ? to - DISTINCT_AMONG : begin;
            if (!is_repeated(i, among, to, at))
                copy_cells(i, to++, at);
        }
        i->ends[g] = begin;
        i->ends[g + 1] = to;
        from = end;
    }
}

static void fill_cells(struct dl_index *i, const struct dl_tuples *t, const uint32_t *group, uint32_t groups)
{
    uint32_t *place = mem_array((size_t)groups + 1, sizeof(*place));
    for (uint32_t row = 0; row < t->count; row++)
        i->ends[group[row] + 1]++;
    for (uint32_t g = 0; g < groups; g++) {
        i->ends[g + 1] += i->ends[g];
        place[g] = i->ends[g];
    }
    for (uint32_t row = 0; row < t->count; row++) {
        size_t at = (size_t)place[group[row]]++ * i->width;
        for (uint32_t need = i->need; need; need &= need - 1, at++) {
            datalog_word w = dl_tuples_at(t, row, (unsigned)__builtin_ctz(need));
            if (i->wide)
                ((int64_t *)i->cells)[at] = w;
            else
                ((int32_t *)i->cells)[at] = (int32_t)w;
        }
    }
    mem_free(place);
}

static void pack(struct dl_index *i, const struct dl_tuples *t)
{
    uint32_t groups;
    mem_free(i->keys);
    mem_free(i->ends);
    mem_free(i->cells);
    i->keys = NULL;
    make_heads(i, t, t->cap * 2, true);
    i->width = (unsigned)__builtin_popcount(i->need);
    i->wide = t->wide;
    uint32_t *group = group_rows(i, t, &groups);
    i->ends = mem_array((size_t)groups + 1, sizeof(*i->ends));
    i->cells = mem_array((size_t)t->count * i->width + 1, i->wide ? sizeof(int64_t) : sizeof(int32_t));
    fill_cells(i, t, group, groups);
    mem_free(group);
    if ((i->need | i->mask) + 1 != UINT32_C(1) << t->arity)
        squeeze(i, groups);
    i->rows = t->count;
}

struct dl_pack_range dl_index_pack(const struct dl_index *i, const struct dl_tuples *t, const datalog_word *key)
{
    uint32_t head = i->cap ? pack_head(i, t, key) : 0;
    if (i->cap == 0 || (i->direct && head == i->cap) || i->heads[head] == 0)
        return (struct dl_pack_range){0, 0};
    uint32_t group = i->heads[head] - 1;
    return (struct dl_pack_range){i->ends[group], i->ends[group + 1]};
}

void dl_index_update(struct dl_index *i, const struct dl_tuples *t)
{
    if (!i->packed)
        chain_update(i, t);
    else if (i->rows != t->count)
        pack(i, t);
}

/* Chains are undone in the opposite order of filling, so none ever has a hole. */
void dl_index_cut(struct dl_index *i, const struct dl_tuples *t, uint32_t keep)
{
    if (i->packed)
        i->rows = i->rows > keep ? 0 : i->rows;
    for (; !i->packed && i->rows > keep; i->rows--) {
        datalog_word key[DATALOG_COLUMNS];
        key_of(i, t, i->rows - 1, key);
        i->heads[head_of(i, key)] = i->next[i->rows - 1];
    }
}
