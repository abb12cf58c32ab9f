#include "contracts/pb/pbreach.h"

#include "base/mem.h"

/* Breadth first, from the message to those that hold it. */
struct pbreach_visit {
    struct pbtype_message *message;
    const struct pbtype_field *field; /* that holds what the visit came from; NULL: the first */
    size_t from;
};

/* More than files of people need; what is hostile stops here. */
enum { VISITS_MOST = 4000000 };

void pbreach_init(struct pbreach *r, size_t operations, struct arena *arena)
{
    *r = (struct pbreach){
        .arena = arena, .operations = operations, .words = (operations + 63) / 64 + 1, .left = VISITS_MOST};
}

void pbreach_fini(struct pbreach *r)
{
    map_fini(&r->known);
    mem_free(r->queue);
    r->queue = NULL;
}

static void enter(struct pbreach *r, size_t *count, struct pbreach_visit visit)
{
    if (visit.message->stamp == r->stamp)
        return;
    visit.message->stamp = r->stamp;
    if (*count == r->room) {
        r->room = r->room ? r->room * 2 : 64;
        r->queue = mem_resize(r->queue, r->room, sizeof(*r->queue));
    }
    r->queue[(*count)++] = visit;
}

static const struct pbtype_field **way_of(const struct pbreach *r, size_t at, size_t *length)
{
    size_t count = 0;
    for (size_t i = at; r->queue[i].field; i = r->queue[i].from)
        count++;
    const struct pbtype_field **way = arena_array(r->arena, count + 1, sizeof(const struct pbtype_field *));
    *length = 0;
    for (size_t i = at; r->queue[i].field; i = r->queue[i].from)
        way[(*length)++] = r->queue[i].field;
    return way;
}

static void add(uint64_t *set, const int *operations, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (operations[i] >= 0)
            set[operations[i] / 64] |= UINT64_C(1) << (operations[i] % 64);
}

static void gather(struct pbreach *r, struct pbreach_found *f, size_t at)
{
    const struct pbtype_message *m = r->queue[at].message;
    if (m->asked_count && !f->asked_root) {
        f->asked_root = m;
        f->asked_way = way_of(r, at, &f->asked_length);
    }
    if (m->served_count && !f->served_root) {
        f->served_root = m;
        f->served_way = way_of(r, at, &f->served_length);
    }
    add(f->asked, m->asked, m->asked_count);
    add(f->served, m->served, m->served_count);
    f->is_asked = f->is_asked || m->asked_count;
    f->is_served = f->is_served || m->served_count;
    f->is_loose = f->is_loose || (m->name.len && !m->called);
    if (m->name.len && !m->users && f->holder_count < PBREACH_HOLDERS)
        f->holders[f->holder_count++] = m->name;
}

/* The safe side: it may be anybody's. */
static void take_all(const struct pbreach *r, struct pbreach_found *f)
{
    f->is_asked = f->is_served = f->is_loose = true;
    for (size_t i = 0; i < r->operations; i++)
        f->asked[i / 64] |= UINT64_C(1) << (i % 64);
    memcpy(f->served, f->asked, r->words * sizeof(*f->served));
}

const struct pbreach_found *pbreach(struct pbreach *r, struct pbtype_message *m)
{
    struct slice key = slice_of(&m, sizeof(m));
    struct pbreach_found *found = map_get(&r->known, key);
    if (found)
        return found;
    found = arena_new(r->arena, sizeof(*found));
    found->asked = arena_array(r->arena, r->words, sizeof(*found->asked));
    found->served = arena_array(r->arena, r->words, sizeof(*found->served));
    map_put(&r->known, arena_keep(r->arena, key), found);
    size_t count = 0;
    r->stamp++;
    enter(r, &count, (struct pbreach_visit){.message = m});
    for (size_t i = 0; i < count && r->left; i++, r->left--) {
        for (const struct pbtype_field *f = r->queue[i].message->users; f; f = f->next_user)
            enter(r, &count, (struct pbreach_visit){.message = f->message, .field = f, .from = i});
        gather(r, found, i);
    }
    if (!r->left)
        take_all(r, found);
    return found;
}
