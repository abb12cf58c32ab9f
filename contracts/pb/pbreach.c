#include "contracts/pb/pbreach.h"

#include "base/mem.h"

void pbreach_init(struct pbreach *r, struct arena *arena)
{
    *r = (struct pbreach){.arena = arena};
}

void pbreach_fini(struct pbreach *r)
{
    map_fini(&r->known);
}

/* Breadth first, from the message to those that hold it. */
struct visit {
    const struct pbtype_message *message;
    const struct pbtype_field *field; /* that holds what the visit came from; NULL: the first */
    size_t from;
};

struct climb {
    struct visit *v;
    size_t count, room;
    struct map seen;
};

static void enter(struct climb *c, struct arena *arena, struct visit visit)
{
    struct slice key = slice_of(&visit.message, sizeof(visit.message));
    if (map_get(&c->seen, key))
        return;
    map_put(&c->seen, arena_keep(arena, key), (void *)(uintptr_t)visit.message);
    if (c->count == c->room) {
        c->room = c->room ? c->room * 2 : 64;
        c->v = mem_resize(c->v, c->room, sizeof(*c->v));
    }
    c->v[c->count++] = visit;
}

static const struct pbtype_field **way_of(const struct climb *c, size_t at, struct arena *arena, size_t *length)
{
    size_t count = 0;
    for (size_t i = at; c->v[i].field; i = c->v[i].from)
        count++;
    const struct pbtype_field **way = arena_array(arena, count + 1, sizeof(const struct pbtype_field *));
    *length = 0;
    for (size_t i = at; c->v[i].field; i = c->v[i].from)
        way[(*length)++] = c->v[i].field;
    return way;
}

static void add_names(struct slice *into, size_t *count, const struct slice *names, size_t more)
{
    if (more)
        memcpy(into + *count, names, more * sizeof(*names));
    *count += more;
}

static void gather(struct pbreach_found *f, const struct climb *c, struct arena *arena)
{
    size_t asked = 0, served = 0;
    for (size_t i = 0; i < c->count; i++) {
        asked += c->v[i].message->asked_count;
        served += c->v[i].message->served_count;
    }
    f->asked = arena_array(arena, asked + 1, sizeof(*f->asked));
    f->served = arena_array(arena, served + 1, sizeof(*f->served));
    f->holders = arena_array(arena, c->count + 1, sizeof(*f->holders));
    for (size_t i = 0; i < c->count; i++) {
        const struct pbtype_message *m = c->v[i].message;
        if (m->asked_count && !f->asked_root) {
            f->asked_root = m;
            f->asked_way = way_of(c, i, arena, &f->asked_length);
        }
        if (m->served_count && !f->served_root) {
            f->served_root = m;
            f->served_way = way_of(c, i, arena, &f->served_length);
        }
        add_names(f->asked, &f->asked_count, m->asked, m->asked_count);
        add_names(f->served, &f->served_count, m->served, m->served_count);
        f->is_loose = f->is_loose || (m->name.len && !m->called);
        if (m->name.len && !m->users)
            f->holders[f->holder_count++] = m->name;
    }
}

const struct pbreach_found *pbreach(struct pbreach *r, const struct pbtype_message *m)
{
    struct slice key = slice_of(&m, sizeof(m));
    struct pbreach_found *found = map_get(&r->known, key);
    if (found)
        return found;
    struct climb c = {0};
    struct arena scratch;
    arena_init(&scratch, 0);
    found = arena_new(r->arena, sizeof(*found));
    map_put(&r->known, arena_keep(r->arena, key), found);
    enter(&c, &scratch, (struct visit){.message = m});
    for (size_t i = 0; i < c.count; i++)
        for (const struct pbtype_field *f = c.v[i].message->users; f; f = f->next_user)
            enter(&c, &scratch, (struct visit){.message = f->message, .field = f, .from = i});
    gather(found, &c, r->arena);
    mem_free(c.v);
    map_fini(&c.seen);
    arena_fini(&scratch);
    return found;
}
