#include "base/post.h"

#include "base/guard.h"
#include "base/mem.h"

struct post {
    struct guard *guard; /* over `letters` */
    struct list letters;
    struct loop_wake *wake;
};

static struct post_letter *take(struct post *p)
{
    guard_enter(p->guard);
    struct list *link = list_pop(&p->letters);
    guard_leave(p->guard);
    return link ? LIST_OF(link, struct post_letter, link) : NULL;
}

static void read_all(void *arg)
{
    for (struct post_letter *letter = take(arg); letter; letter = take(arg))
        letter->read(letter);
}

struct post *post_new(struct loop *l)
{
    struct post *p = mem_new(sizeof(*p));
    p->guard = guard_new();
    list_init(&p->letters);
    p->wake = loop_wake_new(l, read_all, p);
    return p;
}

void post_free(struct post **p)
{
    if (!*p)
        return;
    loop_wake_free(&(*p)->wake);
    guard_free(&(*p)->guard);
    mem_free(*p);
    *p = NULL;
}

void post_send(struct post *p, struct post_letter *letter)
{
    guard_enter(p->guard);
    list_push_back(&p->letters, &letter->link);
    guard_leave(p->guard);
    loop_wake_send(p->wake);
}
