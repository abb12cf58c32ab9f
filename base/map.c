#include "base/map.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/mem.h"

/* Open addressing with linear probing.  An entry without a value is free when its hash is 0 and a grave,
 * which a search walks over, when it is GRAVE. */
enum { FIRST_CAP = 16, GRAVE = 1 };

static pthread_once_t seeded = PTHREAD_ONCE_INIT;
static uint64_t seed[2];

static void draw_seed(void)
{
    ssize_t got;
    do
        got = getrandom(seed, sizeof(seed), 0);
    while (got < 0 && errno == EINTR);
    PRE(got == (ssize_t)sizeof(seed));
}

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

/* Fewer than eight bytes, the first one lowest. */
static uint64_t little_endian(const char *at, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)(uint8_t)at[i] << (8 * i);
    return word;
}

uint64_t map_siphash(const uint64_t key[2], struct slice bytes)
{
    uint64_t v[4] = {
        key[0] ^ UINT64_C(0x736f6d6570736575),
        key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261),
        key[1] ^ UINT64_C(0x7465646279746573),
    };
    size_t whole = bytes.len & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word;
        memcpy(&word, bytes.at + i, sizeof(word));
        sip_word(v, le64toh(word));
    }
    uint64_t last = (uint64_t)bytes.len << 56;
    if (bytes.len > whole)
        last |= little_endian(bytes.at + whole, bytes.len - whole);
    sip_word(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t map_hash(struct slice key)
{
    pthread_once(&seeded, draw_seed);
    return map_siphash(seed, key);
}

void map_fini(struct map *m)
{
    mem_free(m->entries);
    *m = (struct map){0};
}

static uint32_t short_hash(struct slice key)
{
    return (uint32_t)map_hash(key);
}

static bool has_key(const struct map_entry *e, struct slice key, uint32_t hash)
{
    return e->value && e->hash == hash && e->len == key.len && (key.len == 0 || memcmp(e->key, key.at, key.len) == 0);
}

static struct map_entry *find(const struct map *m, struct slice key, uint32_t hash)
{
    if (m->cap == 0)
        return NULL;
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_entry *e = &m->entries[i];
        if (!e->value && e->hash != GRAVE)
            return NULL;
        if (has_key(e, key, hash))
            return e;
    }
}

static void place(struct map *m, struct map_entry entry)
{
    size_t i = entry.hash & (m->cap - 1);
    while (m->entries[i].value || m->entries[i].hash == GRAVE)
        i = (i + 1) & (m->cap - 1);
    m->entries[i] = entry;
    m->count++;
    m->used++;
}

/* Keeps a quarter of the places free, and leaves the graves behind. */
static void make_room(struct map *m)
{
    if ((m->used + 1) * 4 <= m->cap * 3)
        return;
    struct map wider = {.cap = m->cap ? m->cap : FIRST_CAP};
    while ((m->count + 1) * 2 > wider.cap)
        wider.cap *= 2;
    wider.entries = mem_array(wider.cap, sizeof(*wider.entries));
    for (size_t i = 0; i < m->cap; i++)
        if (m->entries[i].value)
            place(&wider, m->entries[i]);
    mem_free(m->entries);
    *m = wider;
}

void *map_get(const struct map *m, struct slice key)
{
    if (m->count == 0)
        return NULL;
    struct map_entry *e = find(m, key, short_hash(key));
    return e ? e->value : NULL;
}

static void put_new(struct map *m, struct slice key, uint32_t hash, void *value)
{
    PRE(value && key.len <= UINT32_MAX);
    make_room(m);
    place(m, (struct map_entry){.key = key.at, .len = (uint32_t)key.len, .hash = hash, .value = value});
}

void *map_put(struct map *m, struct slice key, void *value)
{
    PRE(value);
    uint32_t hash = short_hash(key);
    struct map_entry *e = find(m, key, hash);
    if (!e) {
        put_new(m, key, hash, value);
        return NULL;
    }
    void *before = e->value;
    /* The old key usually lives in the old value, which the caller is about to free. */
    e->key = key.at;
    e->value = value;
    return before;
}

void *map_keep(struct map *m, struct slice key, void *value)
{
    uint32_t hash = short_hash(key);
    struct map_entry *e = find(m, key, hash);
    if (e)
        return e->value;
    put_new(m, key, hash, value);
    return NULL;
}

void *map_del(struct map *m, struct slice key)
{
    if (m->count == 0)
        return NULL;
    struct map_entry *e = find(m, key, short_hash(key));
    if (!e)
        return NULL;
    void *before = e->value;
    *e = (struct map_entry){.hash = GRAVE};
    m->count--;
    return before;
}

void *map_next(const struct map *m, size_t *at)
{
    while (*at < m->cap) {
        void *value = m->entries[(*at)++].value;
        if (value)
            return value;
    }
    return NULL;
}
