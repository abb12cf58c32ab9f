#include "datalog/dl_sym.h"

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"

enum { FIRST_SLOTS = 64 };

static uint32_t slot_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

static bool slot_holds(const struct dl_sym *s, uint64_t slot, uint64_t hash, struct slice text)
{
    return (uint32_t)(slot >> 32) == slot_tag(hash) && slice_eq(s->texts[(uint32_t)slot - 1], text);
}

/* The slot that holds `text`, or the free one where it would go. */
static uint32_t slot_of(const struct dl_sym *s, uint64_t hash, struct slice text)
{
    uint32_t at = (uint32_t)hash & (s->slot_cap - 1);
    while (s->slots[at] && !slot_holds(s, s->slots[at], hash, text))
        at = (at + 1) & (s->slot_cap - 1);
    return at;
}

static bool find_here(const struct dl_sym *s, uint64_t hash, struct slice text, uint32_t *id)
{
    if (s->count == 0)
        return false;
    uint64_t slot = s->slots[slot_of(s, hash, text)];
    if (!slot)
        return false;
    *id = s->first + (uint32_t)slot - 1;
    return true;
}

static bool find_hashed(const struct dl_sym *s, uint64_t hash, struct slice text, uint32_t *id)
{
    for (const struct dl_sym *t = s; t; t = t->below)
        if (find_here(t, hash, text, id))
            return true;
    return false;
}

static void grow(struct dl_sym *s)
{
    s->cap = s->cap ? s->cap * 2 : FIRST_SLOTS / 2;
    s->texts = mem_resize(s->texts, s->cap, sizeof(*s->texts));
    mem_free(s->slots);
    s->slot_cap = s->cap * 2;
    s->slots = mem_array(s->slot_cap, sizeof(*s->slots));
    for (uint32_t i = 0; i < s->count; i++) {
        uint64_t hash = map_hash(s->texts[i]);
        s->slots[slot_of(s, hash, s->texts[i])] = (uint64_t)slot_tag(hash) << 32 | (i + 1);
    }
}

void dl_sym_init(struct dl_sym *s, const struct dl_sym *below)
{
    *s = (struct dl_sym){.below = below, .first = below ? below->first + below->count : 0};
    arena_init(&s->arena, 0);
}

void dl_sym_fini(struct dl_sym *s)
{
    mem_free(s->texts);
    mem_free(s->slots);
    arena_fini(&s->arena);
    *s = (struct dl_sym){0};
}

/* Taken out in the opposite order of coming in, an open-addressed table never has a hole in a chain. */
void dl_sym_reset(struct dl_sym *s)
{
    while (s->count > 0) {
        struct slice text = s->texts[s->count - 1];
        s->slots[slot_of(s, map_hash(text), text)] = 0;
        s->count--;
    }
    s->bytes = 0;
    arena_reset(&s->arena);
}

uint32_t dl_sym_put(struct dl_sym *s, struct slice text)
{
    uint64_t hash = map_hash(text);
    uint32_t id;
    if (find_hashed(s, hash, text, &id))
        return id;
    if (s->count == s->cap)
        grow(s);
    s->texts[s->count] = arena_keep(&s->arena, text);
    s->slots[slot_of(s, hash, text)] = (uint64_t)slot_tag(hash) << 32 | (s->count + 1);
    s->bytes += text.len;
    return s->first + s->count++;
}

enum err dl_sym_find(const struct dl_sym *s, struct slice text, uint32_t *id)
{
    return find_hashed(s, map_hash(text), text, id) ? ERR_OK : ERR_ABSENT;
}

struct slice dl_sym_text(const struct dl_sym *s, uint32_t id)
{
    while (id < s->first)
        s = s->below;
    PRE(id - s->first < s->count);
    return s->texts[id - s->first];
}
