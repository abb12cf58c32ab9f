#include "contracts/wire/json_names.h"

#include <stdatomic.h>

#include "base/map.h"
#include "base/mem.h"

enum { FIRST_CAP = 64, FIRST_BYTES = 512 };

#define ODD UINT64_C(0x9E3779B97F4A7C15)

__extension__ typedef unsigned __int128 wide;

static uint64_t fold(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Drawn from map's own seed when first asked for; two threads draw the same. */
static uint64_t seed(void)
{
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
    uint64_t secret = seed(), h = secret ^ name.len, word;
    for (; name.len >= sizeof(word); name = slice_from(name, sizeof(word))) {
        memcpy(&word, name.at, sizeof(word));
        h = fold(h ^ word, secret ^ ODD);
    }
    word = 0;
    for (size_t i = 0; i < name.len; i++)
        word = word << 8 | (uint8_t)name.at[i];
    return fold(h ^ word, secret ^ ODD);
}

/* Where this name is, or the free place where it would go. */
static size_t place_of(const struct json_names *n, uint64_t key, struct slice name)
{
    size_t i = key & (n->cap - 1);
    for (; n->table[i] != 0; i = (i + 1) & (n->cap - 1)) {
        const struct json_names_entry *e = &n->live[n->table[i] - 1];
        if (e->key == key && slice_eq(slice_of(n->bytes + e->at, e->len), name))
            break;
    }
    return i;
}

static size_t free_place(const struct json_names *n, uint64_t key)
{
    size_t i = key & (n->cap - 1);
    while (n->table[i] != 0)
        i = (i + 1) & (n->cap - 1);
    return i;
}

static void grow(struct json_names *n)
{
    mem_free(n->table);
    n->cap = n->cap ? n->cap * 2 : FIRST_CAP;
    n->room = n->cap / 2;
    n->table = mem_array(n->cap, sizeof(*n->table));
    n->live = mem_resize(n->live, n->room, sizeof(*n->live));
    for (size_t i = 0; i < n->count; i++)
        n->table[free_place(n, n->live[i].key)] = (uint32_t)i + 1;
}

static void keep(struct json_names *n, uint64_t key, struct slice name)
{
    if (n->used + name.len > n->bytes_room) {
        n->bytes_room = (n->used + name.len) * 2 + FIRST_BYTES;
        n->bytes = mem_resize(n->bytes, n->bytes_room, 1);
    }
    if (name.len)
        memcpy(n->bytes + n->used, name.at, name.len);
    n->live[n->count++] = (struct json_names_entry){.key = key, .at = (uint32_t)n->used, .len = (uint32_t)name.len};
    n->used += name.len;
}

void json_names_fini(struct json_names *n)
{
    mem_free(n->table);
    mem_free(n->live);
    mem_free(n->bytes);
    *n = (struct json_names){0};
}

struct json_names_object json_names_open(struct json_names *n)
{
    /* An odd factor makes every salt different, so equal names of different objects have different keys. */
    return (struct json_names_object){.first = n->count, .bytes = n->used, .salt = n->serial++ * ODD};
}

enum err json_names_add(struct json_names *n, const struct json_names_object *o, struct slice name, uint64_t hash)
{
    if (n->count == n->room && n->count < JSON_NAMES_ALL)
        grow(n);
    uint64_t key = hash ^ o->salt;
    size_t place = place_of(n, key, name);
    if (n->table[place] != 0)
        return ERR_EXISTS;
    bool too_many = n->count == JSON_NAMES_ALL || n->count - o->first == JSON_NAMES_OBJECT;
    if (too_many || name.len > JSON_NAMES_BYTES - n->used)
        return ERR_FULL;
    n->table[place] = (uint32_t)n->count + 1;
    keep(n, key, name);
    return ERR_OK;
}

/* Newest first: no later entry can have stepped over the place that becomes free. */
void json_names_close(struct json_names *n, const struct json_names_object *o)
{
    for (; n->count > o->first; n->count--) {
        size_t i = n->live[n->count - 1].key & (n->cap - 1);
        while (n->table[i] != n->count)
            i = (i + 1) & (n->cap - 1);
        n->table[i] = 0;
    }
    n->used = o->bytes;
}
