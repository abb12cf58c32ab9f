#include "contracts/walk.h"

#include "base/mem.h"

void walk_fini(struct walk *w)
{
    mem_free(w->queue);
    *w = (struct walk){0};
}

static void enqueue(struct walk *w, struct graph_node *n, const struct walk_visit *visit)
{
    if (n->walk == w->stamp)
        return;
    n->walk = w->stamp;
    if (w->count == w->room) {
        w->room = w->room ? w->room * 2 : 64;
        w->queue = mem_resize(w->queue, w->room, sizeof(*w->queue));
    }
    w->queue[w->count] = *visit;
    w->queue[w->count++].node = n;
}

/* Breadth first, so that the way to each node is a shortest one. */
void walk_from(struct walk *w, const struct graph_root *root)
{
    w->stamp++;
    w->count = 0;
    enqueue(w, root->node, &(struct walk_visit){.way = GRAPH_TYPE});
    for (size_t i = 0; i < w->count; i++)
        for (const struct graph_edge *e = w->queue[i].node->edges; e; e = e->next)
            if (e->to->differs)
                enqueue(w, e->to, &(struct walk_visit){.from = i, .way = e->way, .name = e->name});
}

struct witness_step *walk_way(const struct walk *w, size_t at, struct arena *arena, size_t *length)
{
    size_t count = 1;
    for (size_t i = at; i != 0; i = w->queue[i].from)
        count++;
    struct witness_step *way = arena_array(arena, count, sizeof(*way));
    *length = count;
    for (size_t i = at, k = count; k-- > 0; i = w->queue[i].from) {
        way[k].position = w->queue[i].node->writer;
        way[k].name = w->queue[i].name;
        way[k].kind = w->queue[i].way == GRAPH_MEMBER  ? WITNESS_MEMBER
                      : w->queue[i].way == GRAPH_MOVED ? WITNESS_MEMBER /* of no one: nothing is shown in there */
                      : w->queue[i].way == GRAPH_ITEM  ? WITNESS_ITEM
                      : w->queue[i].way == GRAPH_HEAD  ? WITNESS_ITEM
                      : w->queue[i].way == GRAPH_VALUE ? WITNESS_VALUE
                                                       : WITNESS_SAME;
    }
    return way;
}

bool walk_through_branch(const struct walk *w, size_t at)
{
    for (; at != 0; at = w->queue[at].from)
        if (w->queue[at].way == GRAPH_BRANCH)
            return true;
    return false;
}

bool walk_all_bridged(const struct walk *w)
{
    for (size_t i = 0; i < w->count; i++)
        for (const struct graph_difference *d = w->queue[i].node->differences; d; d = d->next)
            if (!d->step)
                return false;
    return true;
}
