#include "datalog/dl_guess.h"

enum { LOOKED_AT = 128, PLACES = 256 };

/* Notes a key; false: it was there before.  `places` holds hashes, 0 is free. */
static bool note(uint64_t *places, uint64_t hash)
{
    uint64_t key = hash | 1;
    for (unsigned at = (unsigned)(hash >> 32) % PLACES; places[at] != key; at = (at + 1) % PLACES)
        if (places[at] == 0) {
            places[at] = key;
            return true;
        }
    return false;
}

static uint64_t key_hash(const struct dl_rel *r, uint32_t row, uint32_t mask)
{
    uint64_t h = r->set.seed;
    for (; mask; mask &= mask - 1)
        h = dl_tuples_mix(h, dl_tuples_at(&r->tuples, row, (unsigned)__builtin_ctz(mask)));
    return h;
}

uint32_t dl_guess_matches(const struct dl_rel *r, uint32_t mask)
{
    uint32_t count = r->tuples.count, looked_at = count < LOOKED_AT ? count : LOOKED_AT, again = 0;
    uint64_t places[PLACES] = {0};
    if (mask == 0 || count == 0)
        return count;
    for (uint32_t i = 0; i < looked_at; i++) {
        uint32_t row = looked_at == count ? i : (uint32_t)(dl_tuples_mix(r->set.seed, i) % count);
        again += !note(places, key_hash(r, row, mask));
    }
    uint32_t keys = looked_at - again;
    if (again < looked_at / 2)
        keys = looked_at * looked_at / (2 * (again ? again : 1));
    return count / keys;
}
