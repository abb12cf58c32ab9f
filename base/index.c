#include "base/index.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

/* Open addressing with linear probing; a grave is walked over by a search. */
enum { FIRST_CAP = 16 };
static char grave;

static bool is_object(const void *place)
{
    return place && place != &grave;
}

/* Every bit of the answer hangs on every bit of `n`. */
static uint64_t mix(uint64_t n)
{
    n = (n ^ n >> 32) * UINT64_C(0xd6e8feb86659fd93);
    n = (n ^ n >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return n ^ n >> 32;
}

/* What differs between two keys is mostly in their ends. */
static size_t place_of(const struct index *x, struct slice key)
{
    uint64_t ends[2] = {0, key.len};
    size_t len = key.len < sizeof(ends) ? key.len : sizeof(ends);
    if (len > 0)
        memcpy(ends, key.at + (key.len - len), len);
    uint64_t mixed = mix(mix(ends[0]) ^ ends[1]);
    return (size_t)mixed & (x->cap - 1);
}

void index_fini(struct index *x)
{
    mem_free(x->places);
    *x = (struct index){.key_of = x->key_of};
}

/* NULL: not there. */
static void **find(const struct index *x, struct slice key)
{
    if (x->count == 0)
        return NULL;
    for (size_t i = place_of(x, key); x->places[i]; i = (i + 1) & (x->cap - 1))
        if (is_object(x->places[i]) && slice_eq(x->key_of(x->places[i]), key))
            return &x->places[i];
    return NULL;
}

static void place(struct index *x, void *object)
{
    size_t i = place_of(x, x->key_of(object));
    while (x->places[i])
        i = (i + 1) & (x->cap - 1);
    x->places[i] = object;
    x->count++;
    x->used++;
}

/* Leaves the graves behind. */
static void widen(struct index *x, size_t count)
{
    struct index wider = {.key_of = x->key_of, .cap = x->cap ? x->cap : FIRST_CAP};
    while (count * 2 > wider.cap)
        wider.cap *= 2;
    wider.places = mem_array(wider.cap, sizeof(*wider.places));
    for (size_t i = 0; i < x->cap; i++)
        if (is_object(x->places[i]))
            place(&wider, x->places[i]);
    mem_free(x->places);
    *x = wider;
}

/* Keeps a quarter of the places free. */
static void make_room(struct index *x)
{
    if ((x->used + 1) * 4 > x->cap * 3)
        widen(x, x->count + 1);
}

void index_reserve(struct index *x, size_t count)
{
    if (count * 4 > x->cap * 3)
        widen(x, count);
}

void *index_get(const struct index *x, struct slice key)
{
    void **found = find(x, key);
    return found ? *found : NULL;
}

void index_put(struct index *x, void *object)
{
    PRE(!find(x, x->key_of(object)));
    make_room(x);
    place(x, object);
}

void index_del(struct index *x, const void *object)
{
    void **found = find(x, x->key_of(object));
    PRE(found && *found == object);
    *found = &grave;
    x->count--;
}

void *index_next(const struct index *x, size_t *at)
{
    while (*at < x->cap) {
        void *object = x->places[(*at)++];
        if (is_object(object))
            return object;
    }
    return NULL;
}
