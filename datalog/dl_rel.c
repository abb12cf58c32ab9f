#include "datalog/dl_rel.h"

#include "base/mem.h"

/* Packs are for many tuples, all of one run. */
enum { PACK_LEAST = 512 };

void dl_rel_init(struct dl_rel *r, unsigned arity, uint64_t seed, bool with_origins)
{
    *r = (struct dl_rel){.tuples.arity = arity, .set = {.seed = seed, .by_row = with_origins}};
    r->with_origins = with_origins;
}

void dl_rel_fini(struct dl_rel *r)
{
    for (unsigned i = 0; i < r->index_count; i++)
        dl_index_fini(&r->indexes[i]);
    mem_free(r->indexes);
    mem_free(r->whys);
    mem_free(r->places);
    dl_set_fini(&r->set);
    dl_tuples_fini(&r->tuples);
    *r = (struct dl_rel){0};
}

static void note_place(struct dl_rel *r, const struct dl_origin *origin)
{
    if (r->place_cap < r->tuples.cap) {
        r->places = mem_resize(r->places, r->tuples.cap, sizeof(*r->places));
        memset(r->places + r->place_cap, 0, (r->tuples.cap - r->place_cap) * sizeof(*r->places));
        r->place_cap = r->tuples.cap;
    }
    r->places[r->tuples.count] = (struct dl_place){.file = origin->file, .line = origin->line};
}

static void note_origin(struct dl_rel *r, const struct dl_origin *origin)
{
    if (r->origin_cap < r->tuples.cap) {
        r->origin_cap = r->tuples.cap;
        r->whys = mem_resize(r->whys, r->origin_cap, sizeof(*r->whys));
    }
    r->whys[r->tuples.count] = (struct dl_why){.rule = origin->rule, .height = origin->height};
    if (origin->file || r->tuples.count < r->place_cap)
        note_place(r, origin);
}

struct dl_origin dl_rel_origin(const struct dl_rel *r, uint32_t row)
{
    struct dl_origin origin = {.rule = r->whys[row].rule, .height = r->whys[row].height};
    if (origin.rule == DL_REL_NONE && row < r->place_cap) {
        origin.file = r->places[row].file;
        origin.line = r->places[row].line;
    }
    return origin;
}

bool dl_rel_put(struct dl_rel *r, const datalog_word *columns, const struct dl_origin *origin)
{
    if (dl_tuples_reserve(&r->tuples))
        dl_set_grow(&r->set, &r->tuples);
    if (!dl_set_add(&r->set, &r->tuples, columns))
        return false;
    if (r->with_origins)
        note_origin(r, origin);
    dl_tuples_put(&r->tuples, columns);
    return true;
}

bool dl_rel_has(const struct dl_rel *r, const datalog_word *columns)
{
    return dl_set_has(&r->set, &r->tuples, columns);
}

uint32_t dl_rel_find(const struct dl_rel *r, const datalog_word *columns)
{
    return dl_set_find(&r->set, &r->tuples, columns);
}

static struct dl_index *index_on(const struct dl_rel *r, uint32_t mask, uint32_t need, bool packed)
{
    for (unsigned i = 0; i < r->index_count; i++) {
        struct dl_index *x = &r->indexes[i];
        if (x->mask == mask && x->packed == packed && (!packed || x->need == need))
            return x;
    }
    return NULL;
}

static void update(struct dl_rel *r, uint32_t mask, uint32_t need, bool packed)
{
    struct dl_index *i = index_on(r, mask, need, packed);
    if (!i) {
        r->indexes = mem_resize(r->indexes, r->index_count + 1, sizeof(*r->indexes));
        i = &r->indexes[r->index_count++];
        *i = (struct dl_index){.mask = mask, .need = need, .packed = packed, .seed = r->set.seed};
    }
    dl_index_update(i, &r->tuples);
}

void dl_rel_chain(struct dl_rel *r, uint32_t mask)
{
    update(r, mask, 0, false);
}

static bool packs(const struct dl_rel *r)
{
    return !r->in_rounds && !r->with_origins && r->base == 0 && r->tuples.count >= PACK_LEAST;
}

void dl_rel_pack(struct dl_rel *r, uint32_t mask, uint32_t need)
{
    bool packed = packs(r);
    update(r, mask, packed ? need : 0, packed);
}

const struct dl_index *dl_rel_index(const struct dl_rel *r, uint32_t mask, uint32_t need, bool packed)
{
    const struct dl_index *i = packed && packs(r) ? index_on(r, mask, need, true) : NULL;
    return i ? i : index_on(r, mask, 0, false);
}

void dl_rel_cut(struct dl_rel *r, uint32_t keep)
{
    for (unsigned i = 0; i < r->index_count; i++)
        dl_index_cut(&r->indexes[i], &r->tuples, keep);
    for (; r->tuples.count > keep; r->tuples.count--)
        dl_set_drop_last(&r->set, &r->tuples);
}
