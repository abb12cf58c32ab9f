#include "contracts/wire/json_names.h"

#include <stdatomic.h>

#include "base/map.h"
#include "base/mem.h"

enum { FIRST_CAP = 256 };

uint64_t json_names_secret(void)
{
    /* From map's own seed, so two threads draw the same. */
    static _Atomic uint64_t drawn;
    uint64_t s = atomic_load_explicit(&drawn, memory_order_relaxed);
    if (s == 0) {
        s = map_hash(SLICE("json_names")) | 1;
        atomic_store_explicit(&drawn, s, memory_order_relaxed);
    }
    return s;
}

uint64_t json_names_hash(struct slice name)
{
    return json_names_hash_under(json_names_secret(), name);
}

/* Objects that are open at the same time begin at different places, so their equal names have different keys. */
static uint64_t key_of(const struct json_names_object *o, uint64_t hash)
{
    return hash ^ o->first * JSON_NAMES_ODD;
}

static bool in_list(const struct json_names *n, const struct json_names_object *o, uint64_t hash)
{
    for (size_t i = o->first; i < n->count; i++)
        if (n->live[i] == hash)
            return true;
    return false;
}

/* What is at or past `first` is of this object, for it is the innermost. */
static bool in_table(const struct json_names *n, const struct json_names_object *o, uint64_t hash)
{
    uint64_t key = key_of(o, hash);
    for (size_t i = key & (n->cap - 1); n->table[i].at != 0; i = (i + 1) & (n->cap - 1))
        if (n->table[i].key == key && n->table[i].at > o->first && n->live[n->table[i].at - 1] == hash)
            return true;
    return false;
}

static void put_entry(struct json_names *n, struct json_names_entry e)
{
    size_t i = e.key & (n->cap - 1);
    while (n->table[i].at != 0)
        i = (i + 1) & (n->cap - 1);
    n->table[i] = e;
    n->filled++;
}

static void grow_table(struct json_names *n)
{
    struct json_names_entry *old = n->table;
    size_t old_cap = n->cap;
    n->cap = old_cap ? old_cap * 2 : FIRST_CAP;
    n->table = mem_array(n->cap, sizeof(*n->table));
    n->filled = 0;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].at != 0)
            put_entry(n, old[i]);
    mem_free(old);
}

static void put_in_table(struct json_names *n, const struct json_names_object *o, size_t at)
{
    if (n->filled * 2 >= n->cap)
        grow_table(n);
    put_entry(n, (struct json_names_entry){.key = key_of(o, n->live[at]), .at = (uint32_t)at + 1});
}

static bool is_large(const struct json_names *n, const struct json_names_object *o)
{
    return n->count - o->first > JSON_NAMES_LINEAR;
}

static bool has(const struct json_names *n, const struct json_names_object *o, uint64_t hash)
{
    return is_large(n, o) ? in_table(n, o, hash) : in_list(n, o, hash);
}

static void grow(struct json_names *n)
{
    if (n->room == 0) {
        n->live = n->few;
        n->room = JSON_NAMES_FEW;
        return;
    }
    bool few = n->live == n->few;
    n->live = mem_resize(few ? NULL : n->live, n->room * 2, sizeof(*n->live));
    if (few)
        memcpy(n->live, n->few, sizeof(n->few));
    n->room *= 2;
}

void json_names_fini(struct json_names *n)
{
    mem_free(n->table);
    if (n->live != n->few)
        mem_free(n->live);
    *n = (struct json_names){0};
}

struct json_names_object json_names_open(const struct json_names *n)
{
    return (struct json_names_object){.first = n->count};
}

/* An object that has become large goes into the table with all it has. */
static void remember(struct json_names *n, const struct json_names_object *o)
{
    size_t had = n->count - o->first - 1;
    for (size_t at = had == JSON_NAMES_LINEAR ? o->first : n->count - 1; at < n->count; at++)
        put_in_table(n, o, at);
}

enum err json_names_add_seldom(struct json_names *n, struct json_names_object *o, uint64_t hash)
{
    uint64_t bit = UINT64_C(1) << (hash >> 58);
    if ((o->bloom & bit) && has(n, o, hash))
        return ERR_EXISTS;
    if (n->count == JSON_NAMES_ALL || n->count - o->first == JSON_NAMES_OBJECT)
        return ERR_FULL;
    if (n->count == n->room)
        grow(n);
    o->bloom |= bit;
    n->live[n->count++] = hash;
    if (is_large(n, o))
        remember(n, o);
    return ERR_OK;
}

static void forget(struct json_names *n, const struct json_names_object *o)
{
    size_t i = key_of(o, n->live[n->count - 1]) & (n->cap - 1);
    while (n->table[i].at != n->count)
        i = (i + 1) & (n->cap - 1);
    n->table[i].at = 0;
    n->filled--;
}

/* Newest first: no later entry can have stepped over the place that becomes free. */
void json_names_close(struct json_names *n, const struct json_names_object *o)
{
    if (is_large(n, o))
        for (; n->count > o->first; n->count--)
            forget(n, o);
    n->count = o->first;
}
