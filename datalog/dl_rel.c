#include "datalog/dl_rel.h"

#include "base/mem.h"

enum { FIRST_ROWS = 16 };

/* Numbers in tuples may be a peer's choice, so hashes start from the run's seed, which is the
 * process's own: the words alone do not tell which tuples meet. */
static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 29;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ (h >> 32);
}

static uint64_t hash_all(const struct dl_rel *r, const datalog_word *columns)
{
    uint64_t h = r->seed;
    for (unsigned i = 0; i < r->arity; i++)
        h = mix(h, (uint64_t)columns[i]);
    return h;
}

static uint64_t tag_of(uint64_t hash)
{
    return hash >> 32 << 32;
}

static bool row_is(const struct dl_rel *r, uint32_t row, const datalog_word *columns)
{
    const datalog_word *have = dl_rel_row(r, row);
    for (unsigned i = 0; i < r->arity; i++)
        if (have[i] != columns[i])
            return false;
    return true;
}

/* The slot that holds the tuple, or the free one where it would go. */
static uint32_t slot_of(const struct dl_rel *r, uint64_t hash, const datalog_word *columns)
{
    uint32_t at = (uint32_t)hash & (r->slot_cap - 1);
    for (; r->slots[at]; at = (at + 1) & (r->slot_cap - 1))
        if (tag_of(r->slots[at]) == tag_of(hash) && row_is(r, (uint32_t)r->slots[at] - 1, columns))
            break;
    return at;
}

static void refill_slots(struct dl_rel *r)
{
    mem_free(r->slots);
    r->slot_cap = r->cap * 2;
    r->slots = mem_array(r->slot_cap, sizeof(*r->slots));
    for (uint32_t i = 0; i < r->count; i++) {
        uint64_t hash = hash_all(r, dl_rel_row(r, i));
        uint32_t at = (uint32_t)hash & (r->slot_cap - 1);
        while (r->slots[at])
            at = (at + 1) & (r->slot_cap - 1);
        r->slots[at] = tag_of(hash) | (i + 1);
    }
}

static void grow(struct dl_rel *r)
{
    r->cap = r->cap ? r->cap * 2 : FIRST_ROWS;
    r->words = mem_resize(r->words, (size_t)r->cap * r->arity + 1, sizeof(*r->words));
    if (r->with_origins)
        r->origins = mem_resize(r->origins, r->cap, sizeof(*r->origins));
    refill_slots(r);
}

void dl_rel_fini(struct dl_rel *r)
{
    for (unsigned i = 0; i < r->index_count; i++) {
        mem_free(r->indexes[i].heads);
        mem_free(r->indexes[i].next);
    }
    mem_free(r->indexes);
    mem_free(r->words);
    mem_free(r->slots);
    mem_free(r->origins);
    *r = (struct dl_rel){0};
}

bool dl_rel_put(struct dl_rel *r, const datalog_word *columns, const struct dl_origin *origin)
{
    if (r->count == r->cap)
        grow(r);
    uint64_t hash = hash_all(r, columns);
    uint32_t at = slot_of(r, hash, columns);
    if (r->slots[at])
        return false;
    r->slots[at] = tag_of(hash) | (r->count + 1);
    if (r->arity)
        memcpy(r->words + (size_t)r->count * r->arity, columns, r->arity * sizeof(*columns));
    if (r->with_origins)
        r->origins[r->count] = *origin;
    r->count++;
    return true;
}

uint32_t dl_rel_find(const struct dl_rel *r, const datalog_word *columns)
{
    if (r->count == 0)
        return DL_REL_NONE;
    uint64_t slot = r->slots[slot_of(r, hash_all(r, columns), columns)];
    return slot ? (uint32_t)slot - 1 : DL_REL_NONE;
}

static uint64_t hash_columns(const struct dl_rel *r, uint32_t mask, const datalog_word *row)
{
    uint64_t h = r->seed;
    for (unsigned c = 0; mask; c++, mask >>= 1)
        if (mask & 1)
            h = mix(h, (uint64_t)row[c]);
    return h;
}

static uint64_t hash_key(const struct dl_rel *r, uint32_t mask, const datalog_word *key)
{
    uint64_t h = r->seed;
    for (; mask; mask &= mask - 1)
        h = mix(h, (uint64_t)*key++);
    return h;
}

static void index_row(struct dl_index *i, const struct dl_rel *r, uint32_t row)
{
    uint32_t *head = &i->heads[hash_columns(r, i->mask, dl_rel_row(r, row)) & (i->cap - 1)];
    i->next[row] = *head;
    *head = row + 1;
}

static void index_grow(struct dl_index *i, const struct dl_rel *r)
{
    i->next_cap = r->cap;
    i->next = mem_resize(i->next, i->next_cap, sizeof(*i->next));
    mem_free(i->heads);
    i->cap = r->cap;
    i->heads = mem_array(i->cap, sizeof(*i->heads));
    i->rows = 0;
}

static struct dl_index *index_of(struct dl_rel *r, uint32_t mask)
{
    for (unsigned i = 0; i < r->index_count; i++)
        if (r->indexes[i].mask == mask)
            return &r->indexes[i];
    r->indexes = mem_resize(r->indexes, r->index_count + 1, sizeof(*r->indexes));
    r->indexes[r->index_count] = (struct dl_index){.mask = mask};
    return &r->indexes[r->index_count++];
}

const struct dl_index *dl_rel_index(struct dl_rel *r, uint32_t mask)
{
    struct dl_index *i = index_of(r, mask);
    if (i->next_cap < r->cap)
        index_grow(i, r);
    for (; i->rows < r->count; i->rows++)
        index_row(i, r, i->rows);
    return i;
}

const struct dl_index *dl_rel_has_index(const struct dl_rel *r, uint32_t mask)
{
    for (unsigned i = 0; i < r->index_count; i++)
        if (r->indexes[i].mask == mask)
            return &r->indexes[i];
    return NULL;
}

static bool row_has_key(const struct dl_rel *r, uint32_t row, uint32_t mask, const datalog_word *key)
{
    const datalog_word *have = dl_rel_row(r, row);
    for (unsigned c = 0; mask; c++, mask >>= 1)
        if ((mask & 1) && have[c] != *key++)
            return false;
    return true;
}

static uint32_t chain_next(const struct dl_rel *r, const struct dl_index *i, const datalog_word *key, uint32_t link,
                           uint32_t end)
{
    while (link && (link > end || !row_has_key(r, link - 1, i->mask, key)))
        link = i->next[link - 1];
    return link ? link - 1 : DL_REL_NONE;
}

uint32_t dl_rel_first(const struct dl_rel *r, const struct dl_index *i, const datalog_word *key, uint32_t end)
{
    if (i->cap == 0)
        return DL_REL_NONE;
    return chain_next(r, i, key, i->heads[hash_key(r, i->mask, key) & (i->cap - 1)], end);
}

uint32_t dl_rel_after(const struct dl_rel *r, const struct dl_index *i, const datalog_word *key, uint32_t row)
{
    return chain_next(r, i, key, i->next[row], row);
}

/* Both tables are undone in the opposite order of filling, so no chain ever has a hole. */
void dl_rel_cut(struct dl_rel *r, uint32_t keep)
{
    for (unsigned k = 0; k < r->index_count; k++) {
        struct dl_index *i = &r->indexes[k];
        for (; i->rows > keep; i->rows--) {
            uint32_t row = i->rows - 1;
            i->heads[hash_columns(r, i->mask, dl_rel_row(r, row)) & (i->cap - 1)] = i->next[row];
        }
    }
    for (; r->count > keep; r->count--) {
        const datalog_word *row = dl_rel_row(r, r->count - 1);
        r->slots[slot_of(r, hash_all(r, row), row)] = 0;
    }
}
