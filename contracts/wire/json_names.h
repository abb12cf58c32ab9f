#ifndef WEFT_CONTRACTS_WIRE_JSON_NAMES_H
#define WEFT_CONTRACTS_WIRE_JSON_NAMES_H

/* json_names - which names the open objects of one JSON text have had, so that none
 * comes twice.
 *
 * Names are told apart by a hash of 64 bits under a secret of the process.  Two names of
 * one object that hash alike count as one, which refuses a body and never lets one pass;
 * nobody outside can choose them.
 *
 * Lifetime: caller's memory, which stays where it is; a zeroed one is empty and ready.
 * Threads:  belongs to one. */
#include "base/slice.h"

/* The most names of one object, and of all open objects. */
enum { JSON_NAMES_OBJECT = 4096, JSON_NAMES_ALL = 1 << 16, JSON_NAMES_FEW = 32 };
/* Objects up to this many names are searched from end to end. */
enum { JSON_NAMES_LINEAR = 16 };

struct json_names_entry {
    uint64_t key; /* hash of the name and its object */
    uint32_t at;  /* 1 + its place in `live`; 0: free */
};

struct json_names {
    uint64_t *live; /* hashes, oldest first */
    size_t count, room;
    struct json_names_entry *table; /* of the names of large objects; open addressing */
    size_t cap, filled;
    uint64_t few[JSON_NAMES_FEW]; /* `live`, until there are more */
};

/* An open object; the one opened last is closed first. */
struct json_names_object {
    size_t first;   /* in `live` */
    uint64_t bloom; /* a bit for each name it had; a clear bit is a new name */
};

/* Drawn when first asked for. */
uint64_t json_names_secret(void);

#define JSON_NAMES_ODD UINT64_C(0x9E3779B97F4A7C15)

static inline uint64_t json_names_fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t json_names_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint64_t json_names_half(const char *at)
{
    uint32_t half;
    memcpy(&half, at, sizeof(half));
    return half;
}

/* Fast.  `secret` is json_names_secret(). */
static inline uint64_t json_names_hash_under(uint64_t secret, struct slice name)
{
    uint64_t a = 0, b = 0, h = secret;
    const char *at = name.at;
    size_t len = name.len;
    for (; len > 16; at += 8, len -= 8)
        h = json_names_fold(h ^ json_names_word(at), secret ^ JSON_NAMES_ODD);
    if (len >= 8) {
        a = json_names_word(at);
        b = json_names_word(at + len - 8);
    } else if (len >= 4) {
        a = json_names_half(at);
        b = json_names_half(at + len - 4);
    } else if (len > 0) {
        a = (uint64_t)(uint8_t)at[0] << 16 | (uint64_t)(uint8_t)at[len / 2] << 8 | (uint8_t)at[len - 1];
    }
    h = json_names_fold(h ^ a, secret ^ JSON_NAMES_ODD ^ b);
    /* The length comes last, where nobody can know what it is mixed with. */
    return json_names_fold(h ^ name.len, secret + JSON_NAMES_ODD);
}

uint64_t json_names_hash(struct slice name);

/* Short names, compared in place. */
static inline bool json_names_same(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    size_t at = 0;
    for (; a.len - at >= 8; at += 8)
        if (json_names_word(a.at + at) != json_names_word(b.at + at))
            return false;
    for (; at < a.len; at++)
        if (a.at[at] != b.at[at])
            return false;
    return true;
}

void json_names_fini(struct json_names *n);
struct json_names_object json_names_open(const struct json_names *n);
/* What json_names_add does when it is not simple. */
MUST_USE enum err json_names_add_seldom(struct json_names *n, struct json_names_object *o, uint64_t hash);

/* `hash` is json_names_hash of the name.  OK.  EXISTS: the object has had this name.
 * FULL: past one of the bounds above. */
MUST_USE static inline enum err json_names_add(struct json_names *n, struct json_names_object *o, uint64_t hash)
{
    uint64_t bit = UINT64_C(1) << (hash >> 58);
    if ((o->bloom & bit) || n->count == n->room || n->count - o->first >= JSON_NAMES_LINEAR)
        return json_names_add_seldom(n, o, hash);
    o->bloom |= bit;
    n->live[n->count++] = hash;
    return ERR_OK;
}

void json_names_close(struct json_names *n, const struct json_names_object *o);

#endif
