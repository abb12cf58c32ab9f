#include "proxy/crew.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/side.h"

struct member {
    struct crew *crew;
    unsigned index;
    struct side *side; /* NULL: the first, who has no thread of its own */
    struct post *post;
    struct proxy *proxy;
    struct diag *diag; /* while it starts */
    struct post_letter outside_over, drained;
};

struct reload {
    struct crew_round round;
    uint64_t stamp; /* of the files as the first has read them */
    bool is_read, refused, differs;
};

struct crew {
    struct crew_start start;
    struct commons commons;
    struct member *members;
    _Atomic unsigned count;            /* read by workers while others still start */
    unsigned outsides_open, undrained; /* workers */
    _Atomic uint32_t rounds;           /* under way, and connections */
    struct reload reload;
    bool reloading, reload_again;
};

/* --- rounds --- */

static void finish(struct crew_round *r)
{
    struct crew *c = r->crew;
    r->done(r);
    atomic_fetch_sub(&c->rounds, 1);
}

static void arrive(struct post_letter *letter)
{
    struct crew_round *r = LIST_OF(letter, struct crew_round, letter);
    if (r->at == r->from) {
        finish(r);
        return;
    }
    struct crew *c = r->crew;
    r->visit(r, c->members[r->at].proxy);
    r->at = (r->at + 1) % c->count;
    post_send(c->members[r->at].post, &r->letter);
}

void crew_go(struct crew *c, unsigned from, struct crew_round *r)
{
    r->crew = c;
    list_init(&r->letter.link);
    r->letter.read = arrive;
    r->from = from;
    r->at = (from + 1) % c->count;
    atomic_fetch_add(&c->rounds, 1);
    r->visit(r, c->members[from].proxy);
    if (r->at == from)
        finish(r);
    else
        post_send(c->members[r->at].post, &r->letter);
}

/* --- reload --- */

static void prepare(struct crew_round *round, struct proxy *worker)
{
    struct reload *r = LIST_OF(round, struct reload, round);
    uint64_t stamp = 0;
    if (r->refused || r->differs)
        return;
    r->refused = proxy_prepare(worker, &stamp) != ERR_OK;
    r->differs = r->is_read && !r->refused && stamp != r->stamp;
    r->is_read = true;
    r->stamp = stamp;
}

static void take_next(struct crew_round *round, struct proxy *worker)
{
    const struct reload *r = LIST_OF(round, struct reload, round);
    if (r->refused || r->differs)
        proxy_forget_next(worker);
    else
        proxy_take_next(worker);
}

static void taken(struct crew_round *round)
{
    const struct reload *r = LIST_OF(round, struct reload, round);
    struct crew *c = round->crew;
    if (r->refused)
        log_event(LOG_ERROR, "reload-refused", LOG_STR("so", "the old configuration goes on"));
    else if (r->differs)
        log_event(LOG_WARN, "reload-refused", LOG_STR("why", "a file changed while it was read"),
                  LOG_STR("so", "the old configuration goes on until the next look, in 5 s"));
    else
        proxy_say_reloaded(crew_first(c));
    c->reloading = false;
    if (!c->reload_again)
        return;
    c->reload_again = false;
    crew_reload(c);
}

static void prepared(struct crew_round *round)
{
    round->visit = take_next;
    round->done = taken;
    crew_go(round->crew, 0, round);
}

void crew_reload(struct crew *c)
{
    if (c->reloading) {
        c->reload_again = true;
        return;
    }
    c->reloading = true;
    c->reload = (struct reload){.round = {.visit = prepare, .done = prepared}};
    crew_go(c, 0, &c->reload.round);
}

static void files_changed(void *arg)
{
    crew_reload(((struct member *)arg)->crew);
}

/* --- drain --- */

static void small_done(struct crew_round *round)
{
    mem_free(round);
}

static void go_small(struct crew *c, void (*visit)(struct crew_round *r, struct proxy *worker))
{
    struct crew_round *r = mem_new(sizeof(*r));
    *r = (struct crew_round){.visit = visit, .done = small_done};
    crew_go(c, 0, r);
}

static void drain_one(struct crew_round *round, struct proxy *worker)
{
    (void)round;
    proxy_drain(worker);
}

void crew_drain(struct crew *c)
{
    go_small(c, drain_one);
}

static void close_inside(struct crew_round *round, struct proxy *worker)
{
    (void)round;
    proxy_close_inside(worker);
}

/* Our function may still be asked by way of one worker, and call out by way of another. */
static void read_outside_over(struct post_letter *letter)
{
    struct crew *c = LIST_OF(letter, struct member, outside_over)->crew;
    if (--c->outsides_open == 0)
        go_small(c, close_inside);
}

static void read_drained(struct post_letter *letter)
{
    struct crew *c = LIST_OF(letter, struct member, drained)->crew;
    if (--c->undrained == 0)
        c->start.drained(c->start.arg);
}

static void on_outside_over(void *arg)
{
    struct member *m = arg;
    post_send(m->crew->members[0].post, &m->outside_over);
}

static void on_drained(void *arg)
{
    struct member *m = arg;
    post_send(m->crew->members[0].post, &m->drained);
}

/* --- identity --- */

static void withdraw_one(struct crew_round *round, struct proxy *worker)
{
    (void)round;
    proxy_withdraw(worker);
}

static void on_withdrawn(void *arg)
{
    go_small(((struct member *)arg)->crew, withdraw_one);
}

/* --- connections --- */

struct handed {
    struct post_letter letter;
    struct member *to;
    enum commons_side side;
    int fd;
    struct sock_addr from;
};

static void read_handed(struct post_letter *letter)
{
    struct handed *h = LIST_OF(letter, struct handed, letter);
    proxy_take(h->to->proxy, h->side, h->fd, &h->from);
    atomic_fetch_sub(&h->to->crew->rounds, 1);
    mem_free(h);
}

/* Counted as a round: nobody ends before it is read. */
bool crew_hand_over(struct crew *c, unsigned worker, enum commons_side side, int fd, const struct sock_addr *from)
{
    if (worker >= c->count)
        return false;
    struct handed *h = mem_new(sizeof(*h));
    *h = (struct handed){.letter.read = read_handed, .to = &c->members[worker], .side = side, .fd = fd, .from = *from};
    list_init(&h->letter.link);
    atomic_fetch_add(&c->rounds, 1);
    post_send(h->to->post, &h->letter);
    return true;
}

/* --- lifecycle --- */

static enum err begin(void *arg, struct loop *l)
{
    struct member *m = arg;
    struct crew *c = m->crew;
    struct proxy_start start = {
        .loop = l,
        .source = c->start.source,
        .worker = {.index = m->index,
                   .crew = c,
                   .commons = &c->commons,
                   .first = m->index ? c->members[0].proxy : NULL},
        .files_changed = files_changed,
        .withdrawn = on_withdrawn,
        .outside_over = on_outside_over,
        .drained = on_drained,
        .arg = m,
    };
    return proxy_start(&start, m->diag, &m->proxy);
}

static void end(void *arg)
{
    proxy_free(&((struct member *)arg)->proxy);
}

static struct member *add_member(struct crew *c, struct diag *diag)
{
    struct member *m = &c->members[c->count];
    *m = (struct member){
        .crew = c,
        .index = c->count,
        .diag = diag,
        .outside_over = {.read = read_outside_over},
        .drained = {.read = read_drained},
    };
    list_init(&m->outside_over.link);
    list_init(&m->drained.link);
    return m;
}

static enum err start_first(struct crew *c, struct diag *diag)
{
    struct member *m = add_member(c, diag);
    m->post = post_new(c->start.loop);
    c->count++;
    return begin(m, c->start.loop);
}

static enum err start_other(struct crew *c, struct diag *diag)
{
    struct member *m = add_member(c, diag);
    char name[24];
    snprintf(name, sizeof(name), "worker-%u", m->index);
    TRY(side_start(&(struct side_conf){.name = name, .begin = begin, .end = end, .arg = m}, &m->side));
    m->post = side_post(m->side);
    c->count++;
    return ERR_OK;
}

enum err crew_start(const struct crew_start *start, struct diag *diag, struct crew **out)
{
    struct crew *c = mem_new(sizeof(*c));
    *c = (struct crew){.start = *start};
    c->members = mem_array(GATE_MOST, sizeof(*c->members));
    enum err e = start_first(c, diag);
    while (e == ERR_OK && c->count < c->commons.workers)
        e = start_other(c, diag);
    if (e != ERR_OK) {
        crew_free(&c);
        return e;
    }
    c->outsides_open = c->undrained = c->count;
    proxy_say_ready(crew_first(c));
    mem_forget_code(); /* of the start: nothing of it comes again */
    *out = c;
    return ERR_OK;
}

void crew_free(struct crew **crew)
{
    struct crew *c = *crew;
    *crew = NULL;
    if (!c)
        return;
    while (atomic_load(&c->rounds) > 0)
        loop_turn(c->start.loop, c->count > 1);
    for (unsigned i = c->count; i-- > 1;)
        side_end(&c->members[i].side);
    proxy_free(&c->members[0].proxy);
    post_free(&c->members[0].post);
    commons_fini(&c->commons);
    mem_free(c->members);
    mem_free(c);
}

uint32_t crew_exchanges(const struct crew *c)
{
    return c->count > 1 ? atomic_load(&c->commons.exchanges) : proxy_env(crew_first(c))->exchanges;
}

struct proxy *crew_first(const struct crew *c)
{
    return c->members[0].proxy;
}
