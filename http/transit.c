#include "http/transit.h"

#include "base/check.h"
#include "base/mem.h"

enum {
    ARENA_BOUND = 384 << 10, /* two heads and two trailer sections at their bounds, how names were spelled, and some */
    STOCK_MOST = 256,        /* what eight busy connections have in flight */
    BODY_KEPT = 8 << 10,     /* with a body no larger than this, 3 MiB in all */
    PLACE_SIZE = 4000,       /* no power of two, so that neighbours do not meet in the same sets of a cache */
    LINE = 64,               /* of the processor's caches */
    LINES_AHEAD = 24,
};

/* A transit and what its arena has first, side by side: the processor fetches one run of memory, not two. */
struct place {
    struct transit t;
    _Alignas(max_align_t) char room[PLACE_SIZE - sizeof(struct transit)];
};

/* Counts its owner and every transit that is out. */
struct transit_stock {
    struct list idle;
    unsigned idle_count;
    size_t refs;
};

void transit_init(struct transit *t, const struct transit_carrier *carrier, void *carrier_data)
{
    *t = (struct transit){.carrier = carrier, .carrier_data = carrier_data};
    list_init(&t->link);
    arena_init(&t->arena, ARENA_BOUND);
    buf_init(&t->body, TRANSIT_WINDOW * 2);
    buf_init(&t->spare, TRANSIT_WINDOW);
    message_init(&t->in, &t->arena);
    message_init(&t->out, &t->arena);
}

void transit_fini(struct transit *t)
{
    list_remove(&t->link);
    buf_fini(&t->body);
    buf_fini(&t->spare);
    arena_fini(&t->arena);
}

struct transit_stock *transit_stock_new(void)
{
    struct transit_stock *s = mem_new(sizeof(*s));
    list_init(&s->idle);
    s->refs = 1;
    return s;
}

static void stock_unref(struct transit_stock *s)
{
    if (--s->refs > 0)
        return;
    for (struct list *at = list_pop(&s->idle); at; at = list_pop(&s->idle)) {
        struct transit *t = LIST_OF(at, struct transit, link);
        transit_fini(t);
        mem_free(t);
    }
    mem_free(s);
}

void transit_stock_free(struct transit_stock **s)
{
    if (*s)
        stock_unref(*s);
    *s = NULL;
}

/* As transit_init, but for the memory that arena and body have already. */
static void init_again(struct transit *t, const struct transit_carrier *carrier, void *carrier_data)
{
    *t = (struct transit){
        .carrier = carrier,
        .carrier_data = carrier_data,
        .arena = t->arena,
        .body = t->body,
        .spare = t->spare,
        .in = {.headers.arena = &t->arena, .trailers.arena = &t->arena, .length = -1},
        .out = {.headers.arena = &t->arena, .trailers.arena = &t->arena, .length = -1},
    };
    list_init(&t->link);
}

/* Whoever comes next finds its place at hand: most come in flocks, and what has lain for a while is far away. */
static void fetch_ahead(const struct transit_stock *s)
{
    const struct list *next = list_first(&s->idle);
    if (!next)
        return;
    const char *at = (const char *)LIST_OF(next, const struct transit, link);
    for (size_t i = 0; i < LINES_AHEAD; i++)
        __builtin_prefetch(at + i * LINE, 1);
}

static struct transit *new_place(const struct transit_carrier *carrier, void *carrier_data)
{
    struct place *p = mem_new(sizeof(*p));
    transit_init(&p->t, carrier, carrier_data);
    arena_init_in(&p->t.arena, ARENA_BOUND, p->room, sizeof(p->room));
    return &p->t;
}

struct transit *transit_stock_take(struct transit_stock *s, const struct transit_carrier *carrier, void *carrier_data)
{
    struct list *idle = list_pop(&s->idle);
    struct transit *t = idle ? LIST_OF(idle, struct transit, link) : new_place(carrier, carrier_data);
    if (idle) {
        s->idle_count--;
        fetch_ahead(s);
        init_again(t, carrier, carrier_data);
    }
    t->stock = s;
    s->refs++;
    return t;
}

static void keep_if_small(struct buf *b)
{
    buf_clear(b);
    if (b->cap > BODY_KEPT)
        buf_trim(b);
}

static void stock_give(struct transit_stock *s, struct transit *t)
{
    list_remove(&t->link);
    if (s->idle_count < STOCK_MOST) {
        arena_reset(&t->arena);
        keep_if_small(&t->body);
        keep_if_small(&t->spare);
        list_push_front(&s->idle, &t->link);
        s->idle_count++;
    } else {
        transit_fini(t);
        mem_free(t);
    }
    stock_unref(s);
}

static bool is_over(const struct transit *t)
{
    return t->is_reset || t->is_gone;
}

void transit_tell_head(struct transit *t, bool end)
{
    PRE(!t->in_head && !t->is_gone);
    if (t->is_reset)
        return;
    t->in_head = true;
    t->in_ended = end;
    if (t->owner->head)
        t->owner->head(t);
    if (end && !is_over(t))
        t->owner->end(t);
}

void transit_tell_info(struct transit *t, unsigned status)
{
    PRE(!t->in_head && !t->is_gone);
    if (!t->is_reset && t->owner->info)
        t->owner->info(t, status);
}

void transit_tell_data(struct transit *t, struct slice bytes)
{
    PRE(t->in_head && !t->in_ended && !t->is_gone);
    if (t->is_reset)
        return;
    t->owed += bytes.len;
    t->bytes_in += bytes.len;
    t->owner->data(t, bytes);
}

void transit_tell_end(struct transit *t)
{
    PRE(t->in_head && !t->in_ended && !t->is_gone);
    if (t->is_reset)
        return;
    t->in_ended = true;
    t->owner->end(t);
}

void transit_took(struct transit *t, size_t n)
{
    size_t before = buf_len(&t->body);
    buf_took(&t->body, n);
    t->bytes_out += n;
    bool crossed = before >= TRANSIT_LOW_WATER && before - n < TRANSIT_LOW_WATER;
    if (crossed && !is_over(t) && t->owner->sent)
        t->owner->sent(t);
}

void transit_gone(struct transit *t, enum transit_end how)
{
    PRE(!t->is_gone);
    t->is_gone = true;
    t->owner->gone(t, how);
}

enum err transit_head(struct transit *t, bool end)
{
    if (is_over(t))
        return ERR_CLOSED;
    PRE(!t->out_head);
    t->out_head = true;
    t->out_ended = end;
    enum err e = t->carrier->head(t, end);
    if (e != ERR_OK)
        t->out_head = t->out_ended = false;
    return e;
}

enum err transit_info(struct transit *t, unsigned status, const struct headers *fields)
{
    if (is_over(t))
        return ERR_CLOSED;
    PRE(!t->out_head && status >= 100 && status < 200 && status != 101);
    return t->carrier->info(t, status, fields);
}

enum err transit_write(struct transit *t, struct slice bytes)
{
    if (is_over(t))
        return ERR_CLOSED;
    PRE(t->out_head && !t->out_ended);
    TRY(buf_add(&t->body, bytes));
    if (bytes.len > 0)
        t->carrier->wake(t);
    return ERR_OK;
}

void transit_finish(struct transit *t)
{
    if (is_over(t))
        return;
    PRE(t->out_head && !t->out_ended);
    t->out_ended = true;
    t->carrier->wake(t);
}

void transit_credit(struct transit *t, size_t n)
{
    PRE(n <= t->owed);
    t->owed -= n;
    if (n > 0 && !is_over(t))
        t->carrier->credit(t, n);
}

void transit_reset(struct transit *t, enum transit_why why)
{
    if (is_over(t))
        return;
    t->is_reset = true;
    t->carrier->reset(t, why);
}

void transit_free(struct transit **t)
{
    struct transit *mine = *t;
    *t = NULL;
    if (!mine)
        return;
    PRE(mine->is_gone);
    if (mine->stock)
        stock_give(mine->stock, mine);
    else
        mine->carrier->free(mine);
}

enum err transit_answer(struct transit *t, unsigned status, struct slice type, struct slice body)
{
    struct headers *fields = &t->out.headers;
    bool bodiless = message_bodiless(t->in.method, status);
    t->out.status = status;
    if (status >= 200 && status != 204 && status != 304) {
        if (body.len > 0 && type.len > 0)
            TRY(headers_add_token(fields, HEADERS_CONTENT_TYPE, type));
        TRY(headers_add_token(fields, HEADERS_CONTENT_LENGTH, arena_putf(&t->arena, "%zu", body.len)));
        t->out.length = (int64_t)body.len;
    }
    bool end = bodiless || body.len == 0;
    TRY(transit_head(t, end));
    if (end)
        return ERR_OK;
    TRY(transit_write(t, body));
    transit_finish(t);
    return ERR_OK;
}
