#include "datalog/dl_set.h"

#include "base/mem.h"

/* A hash table has two slots of 32 bits for each row. */
enum { BITS_PER_ROW = 64 };

static uint64_t hash_all(const struct dl_set *s, unsigned arity, const datalog_word *columns)
{
    uint64_t h = s->seed;
    for (unsigned i = 0; i < arity; i++)
        h = dl_tuples_mix(h, columns[i]);
    return h;
}

static inline uint64_t *word_of(const struct dl_set *s, uint64_t bit)
{
    return &s->bits[bit / 64];
}

static inline uint64_t mask_of(uint64_t bit)
{
    return UINT64_C(1) << (bit % 64);
}

static uint32_t row_mask(const struct dl_set *s)
{
    return (uint32_t)((UINT64_C(1) << s->row_bits) - 1);
}

static uint32_t tag_of(const struct dl_set *s, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~row_mask(s);
}

/* The slot that holds the tuple, or the free one where it would go. */
static uint32_t slot_of(const struct dl_set *s, const struct dl_tuples *t, uint64_t hash, const datalog_word *columns)
{
    uint32_t rows = row_mask(s), tag = tag_of(s, hash);
    uint32_t at = (uint32_t)hash & (s->slot_cap - 1);
    for (; s->slots[at]; at = (at + 1) & (s->slot_cap - 1))
        if ((s->slots[at] & ~rows) == tag && dl_tuples_is(t, (s->slots[at] & rows) - 1, columns))
            break;
    return at;
}

static void drop_all(struct dl_set *s)
{
    mem_free(s->slots);
    mem_free(s->bits);
    s->slots = NULL;
    s->bits = NULL;
    s->slot_cap = 0;
}

static void hash_rows(struct dl_set *s, const struct dl_tuples *t)
{
    drop_all(s);
    s->slot_cap = t->cap * 2;
    s->row_bits = (unsigned)__builtin_ctz(s->slot_cap);
    s->slots = mem_array(s->slot_cap, sizeof(*s->slots));
    for (uint32_t row = 0; row < t->count; row++) {
        datalog_word columns[DATALOG_COLUMNS];
        dl_tuples_row(t, row, columns);
        uint64_t hash = hash_all(s, t->arity, columns);
        uint32_t at = (uint32_t)hash & (s->slot_cap - 1);
        while (s->slots[at])
            at = (at + 1) & (s->slot_cap - 1);
        s->slots[at] = tag_of(s, hash) | (row + 1);
    }
}

static void set_bits(struct dl_set *s, const struct dl_tuples *t)
{
    drop_all(s);
    s->bits = mem_array((size_t)(dl_grid_places(&s->grid) / 64) + 1, sizeof(*s->bits));
    for (uint32_t row = 0; row < t->count; row++) {
        datalog_word columns[DATALOG_COLUMNS];
        uint64_t bit = 0;
        dl_tuples_row(t, row, columns);
        if (dl_grid_place(&s->grid, columns, &bit))
            *word_of(s, bit) |= mask_of(bit);
    }
}

static uint64_t most_bits(const struct dl_set *s, const struct dl_tuples *t)
{
    return s->by_row ? 0 : (uint64_t)t->cap * BITS_PER_ROW;
}

void dl_set_fini(struct dl_set *s)
{
    drop_all(s);
    *s = (struct dl_set){0};
}

void dl_set_grow(struct dl_set *s, const struct dl_tuples *t)
{
    if (s->bits)
        return;
    if (dl_grid_fit(&s->grid, t, (UINT32_C(1) << t->arity) - 1, most_bits(s, t)))
        set_bits(s, t);
    else
        hash_rows(s, t);
}

bool dl_set_has(const struct dl_set *s, const struct dl_tuples *t, const datalog_word *columns)
{
    uint64_t bit = 0;
    if (s->bits)
        return dl_grid_place(&s->grid, columns, &bit) && (*word_of(s, bit) & mask_of(bit));
    return t->count > 0 && s->slots[slot_of(s, t, hash_all(s, t->arity, columns), columns)] != 0;
}

uint32_t dl_set_find(const struct dl_set *s, const struct dl_tuples *t, const datalog_word *columns)
{
    if (t->count == 0)
        return DL_SET_NONE;
    uint32_t slot = s->slots[slot_of(s, t, hash_all(s, t->arity, columns), columns)];
    return slot ? (slot & row_mask(s)) - 1 : DL_SET_NONE;
}

static bool add_hashed(struct dl_set *s, const struct dl_tuples *t, const datalog_word *columns)
{
    uint64_t hash = hash_all(s, t->arity, columns);
    uint32_t at = slot_of(s, t, hash, columns);
    if (s->slots[at])
        return false;
    s->slots[at] = tag_of(s, hash) | (t->count + 1);
    return true;
}

bool dl_set_add(struct dl_set *s, const struct dl_tuples *t, const datalog_word *columns)
{
    if (!s->bits)
        return add_hashed(s, t, columns);
    uint64_t bit = 0;
    if (!dl_grid_place(&s->grid, columns, &bit)) {
        if (!dl_grid_stretch(&s->grid, columns, most_bits(s, t))) {
            hash_rows(s, t);
            return add_hashed(s, t, columns);
        }
        set_bits(s, t);
        (void)dl_grid_place(&s->grid, columns, &bit);
    }
    if (*word_of(s, bit) & mask_of(bit))
        return false;
    *word_of(s, bit) |= mask_of(bit);
    return true;
}

/* A table is undone in the opposite order of filling, so no search ever meets a hole. */
void dl_set_drop_last(struct dl_set *s, const struct dl_tuples *t)
{
    datalog_word columns[DATALOG_COLUMNS];
    uint64_t bit = 0;
    dl_tuples_row(t, t->count - 1, columns);
    if (!s->bits)
        s->slots[slot_of(s, t, hash_all(s, t->arity, columns), columns)] = 0;
    else if (dl_grid_place(&s->grid, columns, &bit))
        *word_of(s, bit) &= ~mask_of(bit);
}
