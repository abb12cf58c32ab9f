#include "proxy/turns.h"

#include "base/check.h"
#include "base/mem.h"

struct lane {
    struct list link; /* in the rotation */
    struct list turns;
    size_t count;
    char *peer;
};

void turns_init(struct turns *t, size_t most)
{
    *t = (struct turns){.most = most};
    list_init(&t->rotation);
}

void turns_fini(struct turns *t)
{
    PRE(t->lanes.count == 0);
    map_fini(&t->lanes);
}

static struct lane *lane_new(struct turns *t, struct slice peer)
{
    struct lane *lane = mem_new(sizeof(*lane));
    list_init(&lane->turns);
    lane->peer = mem_copy(peer);
    map_put(&t->lanes, slice_str(lane->peer), lane);
    list_push_back(&t->rotation, &lane->link);
    return lane;
}

static void lane_free(struct turns *t, struct lane *lane)
{
    map_del(&t->lanes, slice_str(lane->peer));
    mem_free(lane->peer);
    mem_free(lane);
}

enum err turns_put(struct turns *t, struct slice peer, struct turn *turn)
{
    struct lane *lane = map_get(&t->lanes, peer);
    if (lane && lane->count >= t->most)
        return ERR_FULL;
    lane = lane ? lane : lane_new(t, peer);
    list_push_back(&lane->turns, &turn->link);
    lane->count++;
    return ERR_OK;
}

size_t turns_waiting(const struct turns *t, struct slice peer)
{
    const struct lane *lane = map_get(&t->lanes, peer);
    return lane ? lane->count : 0;
}

struct turn *turns_next(struct turns *t)
{
    struct list *first = list_pop(&t->rotation);
    if (!first)
        return NULL;
    struct lane *lane = LIST_OF(first, struct lane, link);
    struct turn *turn = LIST_OF(list_pop(&lane->turns), struct turn, link);
    if (--lane->count)
        list_push_back(&t->rotation, &lane->link);
    else
        lane_free(t, lane);
    return turn;
}
