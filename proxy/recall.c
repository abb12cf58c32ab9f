#include "proxy/recall.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/now.h"

struct recall_slot {
    struct arena arena;
    struct recall_event event;
    bool used;
};

struct recall {
    struct recall_slot slots[RECALL_EVENTS];
    size_t next; /* where the next goes; the newest is before it */
};

struct recall *recall_new(void)
{
    return mem_new(sizeof(struct recall));
}

void recall_free(struct recall **r)
{
    if (!*r)
        return;
    for (size_t i = 0; i < RECALL_EVENTS; i++)
        arena_fini(&(*r)->slots[i].arena);
    mem_free(*r);
    *r = NULL;
}

void recall_add(struct recall *r, const struct recall_event *e)
{
    struct recall_slot *s = &r->slots[r->next];
    arena_reset(&s->arena);
    s->used = true;
    s->event = (struct recall_event){
        .id = arena_keep(&s->arena, e->id),
        .wall_us = e->wall_us,
        .word = arena_keep(&s->arena, e->word),
        .peer = arena_keep(&s->arena, e->peer),
        .operation = arena_keep(&s->arena, e->operation),
        .method = arena_keep(&s->arena, e->method),
        .path = arena_keep(&s->arena, slice_to(e->path, 1024)),
        .text = arena_keep(&s->arena, slice_to(e->text, RECALL_TEXT)),
    };
    r->next = (r->next + 1) % RECALL_EVENTS;
}

/* The `age`-th newest, or NULL. */
static const struct recall_slot *slot_by_age(const struct recall *r, size_t age)
{
    const struct recall_slot *s = &r->slots[(r->next + RECALL_EVENTS - 1 - age) % RECALL_EVENTS];
    return s->used ? s : NULL;
}

enum err recall_find(const struct recall *r, struct slice wanted, struct recall_event *out)
{
    for (size_t age = 0; age < RECALL_EVENTS; age++) {
        const struct recall_slot *s = slot_by_age(r, age);
        if (!s)
            return ERR_ABSENT;
        if (wanted.len && (slice_eq(s->event.id, wanted) || slice_eq(s->event.operation, wanted))) {
            *out = s->event;
            return ERR_OK;
        }
    }
    return ERR_ABSENT;
}

static void put_head(const struct recall_event *e, struct buf *out)
{
    char when[25];
    now_rfc3339(e->wall_us, when);
    buf_putf(out, "%s  ", when);
    buf_put_safe(out, e->id, 64); /* a neighbour may have named it */
    buf_putf(out, "  %.*s  ", SLICE_FMT(e->word));
    buf_put_safe(out, e->method, 32);
    buf_put_char(out, ' ');
    buf_put_safe(out, e->path, 200);
    buf_putf(out, "  %.*s  from ", SLICE_FMT(e->operation.len ? e->operation : SLICE("-")));
    buf_put_safe(out, e->peer.len ? e->peer : SLICE("the local function"), 300);
    buf_put_char(out, '\n');
}

void recall_list(const struct recall *r, size_t most, struct buf *out)
{
    for (size_t age = 0; age < most && age < RECALL_EVENTS; age++) {
        const struct recall_slot *s = slot_by_age(r, age);
        if (!s)
            return;
        put_head(&s->event, out);
    }
}

/* Each begins with its time (RFC 3339, one length). */
static int newer_first(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    return slice_cmp(slice_to(*y, 24), slice_to(*x, 24));
}

void recall_merge(struct buf *lines, size_t most)
{
    enum { LINES = 4096 };
    struct slice *v = mem_array(LINES, sizeof(*v)), rest = buf_slice(lines), line;
    size_t count = 0;
    while (count < LINES && slice_split(&rest, '\n', &line))
        if (line.len)
            v[count++] = line;
    if (count)
        qsort(v, count, sizeof(*v), newer_first);
    struct buf sorted;
    buf_init(&sorted, BUF_TEXT_BOUND);
    for (size_t i = 0; i < count && i < most; i++)
        buf_putf(&sorted, "%.*s\n", SLICE_FMT(v[i]));
    mem_free(v);
    buf_fini(lines);
    *lines = sorted;
}

void recall_put(const struct recall_event *e, struct buf *out)
{
    put_head(e, out);
    buf_put_char(out, '\n');
    buf_put(out, e->text);
    if (!slice_ends(e->text, SLICE("\n")))
        buf_put_char(out, '\n');
}
