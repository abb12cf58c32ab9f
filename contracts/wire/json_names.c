#include "contracts/wire/json_names.h"

#include "base/map.h"
#include "base/mem.h"

enum { FIRST_CAP = 64 };

/* Where `key` is, or the free place where it would go. */
static size_t place_of(const struct json_names *n, uint64_t key)
{
    size_t i = key & (n->cap - 1);
    while (n->table[i] != 0 && n->table[i] != key)
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
        n->table[place_of(n, n->live[i])] = n->live[i];
}

void json_names_fini(struct json_names *n)
{
    mem_free(n->table);
    mem_free(n->live);
    *n = (struct json_names){0};
}

struct json_names_object json_names_open(struct json_names *n)
{
    /* An odd factor makes every salt different, so equal names of different objects stay apart. */
    return (struct json_names_object){.first = n->count, .salt = n->serial++ * UINT64_C(0x9E3779B97F4A7C15)};
}

enum err json_names_add(struct json_names *n, const struct json_names_object *o, struct slice name)
{
    if (n->count == n->room && n->count < JSON_NAMES_ALL)
        grow(n);
    uint64_t key = map_hash(name) ^ o->salt;
    key += key == 0;
    size_t place = place_of(n, key);
    if (n->table[place] == key)
        return ERR_EXISTS;
    if (n->count == JSON_NAMES_ALL || n->count - o->first == JSON_NAMES_OBJECT)
        return ERR_FULL;
    n->table[place] = key;
    n->live[n->count++] = key;
    return ERR_OK;
}

/* Newest first: no later key can have stepped over the place that becomes free. */
void json_names_close(struct json_names *n, const struct json_names_object *o)
{
    while (n->count > o->first)
        n->table[place_of(n, n->live[--n->count])] = 0;
}
