#include "broker/blob_traffic.h"

#include "base/check.h"

void blob_traffic_init(struct blob_traffic *t)
{
    *t = (struct blob_traffic){0};
    list_init(&t->line);
}

bool blob_traffic_line_up(struct blob_traffic *t, struct blob_traffic_seat *s, size_t *of_session)
{
    *s = (struct blob_traffic_seat){.of_session = of_session};
    list_init(&s->link);
    if (t->waiting == BLOB_TRAFFIC_WAITING)
        return false;
    list_push_back(&t->line, &s->link);
    t->waiting++;
    return true;
}

struct blob_traffic_seat *blob_traffic_next(struct blob_traffic *t)
{
    if (t->active == BLOB_TRAFFIC_ACTIVE)
        return NULL;
    for (struct list *l = t->line.next; l != &t->line; l = l->next) {
        struct blob_traffic_seat *s = LIST_OF(l, struct blob_traffic_seat, link);
        if (*s->of_session == BLOB_TRAFFIC_SESSION)
            continue;
        list_remove(&s->link);
        t->waiting--;
        t->active++;
        ++*s->of_session;
        s->active = true;
        return s;
    }
    return NULL;
}

void blob_traffic_leave(struct blob_traffic *t, struct blob_traffic_seat *s)
{
    if (s->active) {
        PRE(t->active > 0 && *s->of_session > 0);
        t->active--;
        --*s->of_session;
    } else if (!list_empty(&s->link)) {
        list_remove(&s->link);
        t->waiting--;
    }
    s->active = false;
}

size_t blob_traffic_share(const struct blob_traffic *t)
{
    size_t share = t->active ? BLOB_TRAFFIC_ALL / t->active : BLOB_TRAFFIC_MOST;
    return share < BLOB_TRAFFIC_MOST ? share : BLOB_TRAFFIC_MOST;
}
