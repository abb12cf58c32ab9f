#include "broker/store_mem.h"

#include "base/check.h"
#include "base/mem.h"
#include "broker/order.h"

/* Sorted arrays: the plainest thing that has rows in key order.  Nothing fails, so nothing is undone. */
struct row {
    size_t key_len, value_len;
    char bytes[];
};

struct table {
    struct row **v;
    size_t count, cap;
};

struct store_mem {
    struct store base;
    struct table tables[ORDER_TABLES];
    struct list waiting; /* orders */
    struct loop_task work;
    uint64_t changes;
};

static struct slice key_of(const struct row *r)
{
    return slice_of(r->bytes, r->key_len);
}

static struct slice value_of(const struct row *r)
{
    return slice_of(r->bytes + r->key_len, r->value_len);
}

/* The place of the first row whose key is not below `key`. */
static size_t place_of(const struct table *t, struct slice key)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_cmp(key_of(t->v[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool holds(const struct table *t, size_t at, struct slice key)
{
    return at < t->count && slice_eq(key_of(t->v[at]), key);
}

static enum err get(void *txn, enum order_table table, struct slice key, struct slice *value)
{
    const struct table *t = &((struct store_mem *)txn)->tables[table];
    size_t at = place_of(t, key);
    if (!holds(t, at, key))
        return ERR_ABSENT;
    *value = value_of(t->v[at]);
    return ERR_OK;
}

static struct row *row_new(struct slice key, struct slice value)
{
    struct row *r = mem_new(sizeof(*r) + key.len + value.len);
    r->key_len = key.len;
    r->value_len = value.len;
    memcpy(r->bytes, key.at, key.len);
    if (value.len > 0)
        memcpy(r->bytes + key.len, value.at, value.len);
    return r;
}

static void open_gap(struct table *t, size_t at)
{
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 16;
        t->v = mem_resize(t->v, t->cap, sizeof(struct row *));
    }
    memmove(&t->v[at + 1], &t->v[at], (t->count - at) * sizeof(struct row *));
    t->count++;
}

static enum err put(void *txn, enum order_table table, struct slice key, struct slice value)
{
    struct table *t = &((struct store_mem *)txn)->tables[table];
    size_t at = place_of(t, key);
    struct row *fresh = row_new(key, value);
    if (holds(t, at, key))
        mem_free(t->v[at]);
    else
        open_gap(t, at);
    t->v[at] = fresh;
    return ERR_OK;
}

static enum err del(void *txn, enum order_table table, struct slice key)
{
    struct table *t = &((struct store_mem *)txn)->tables[table];
    size_t at = place_of(t, key);
    if (!holds(t, at, key))
        return ERR_OK;
    mem_free(t->v[at]);
    t->count--;
    memmove(&t->v[at], &t->v[at + 1], (t->count - at) * sizeof(struct row *));
    return ERR_OK;
}

static enum err next(void *txn, enum order_table table, struct slice key, struct order_row *row)
{
    const struct table *t = &((struct store_mem *)txn)->tables[table];
    size_t at = place_of(t, key);
    if (holds(t, at, key))
        at++;
    if (at == t->count)
        return ERR_ABSENT;
    *row = (struct order_row){key_of(t->v[at]), value_of(t->v[at])};
    return ERR_OK;
}

static const struct order_rows rows_ops = {get, put, del, next};

static void work(struct store_mem *m)
{
    struct list now; /* what done callbacks add waits for its own turn */
    list_init(&now);
    for (struct list *l = list_pop(&m->waiting); l; l = list_pop(&m->waiting))
        list_push_back(&now, l);
    for (struct list *l = list_pop(&now); l; l = list_pop(&now)) {
        struct order *o = LIST_OF(l, struct order, link);
        enum err e = order_run(o, &rows_ops, m);
        PRE(e == ERR_OK);
        m->changes++;
        order_answer(o);
        order_free(&o);
    }
}

static void work_later(struct loop_task *task)
{
    work(LIST_OF(task, struct store_mem, work));
}

static struct store_mem *mem_of(struct store *s)
{
    return LIST_OF(s, struct store_mem, base);
}

static void take_order(struct store *s, struct order *o)
{
    list_push_back(&mem_of(s)->waiting, &o->link);
    loop_defer(s->loop, &mem_of(s)->work);
}

static enum err read_row(struct store *s, enum order_table table, struct slice key, struct slice *value)
{
    TRY(get(mem_of(s), table, key, value));
    *value = arena_keep(&s->reads, *value);
    return ERR_OK;
}

static size_t walk(struct store *s, const struct order_walk *what, struct order_row *rows, size_t room)
{
    const struct table *t = &mem_of(s)->tables[what->table];
    size_t at = place_of(t, what->from), count = 0;
    if (what->back && what->from.len == 0)
        at = t->count;
    if (!what->back && holds(t, at, what->from))
        at++;
    while (count < room && (what->back ? at > 0 : at < t->count)) {
        const struct row *r = t->v[what->back ? --at : at++];
        rows[count++] = (struct order_row){arena_keep(&s->reads, key_of(r)), arena_keep(&s->reads, value_of(r))};
    }
    return count;
}

static void stats(const struct store *s, struct store_stats *out)
{
    out->changes = mem_of((struct store *)s)->changes;
}

static void close_mem(struct store *s)
{
    struct store_mem *m = mem_of(s);
    while (!list_empty(&m->waiting))
        work(m);
    loop_task_cancel(&m->work);
    for (unsigned i = 0; i < ORDER_TABLES; i++) {
        for (size_t at = 0; at < m->tables[i].count; at++)
            mem_free(m->tables[i].v[at]);
        mem_free(m->tables[i].v);
    }
    store_end(s);
    mem_free(m);
}

static const struct store_ops ops = {
    .take = take_order,
    .read = read_row,
    .walk = walk,
    .stats = stats,
    .close = close_mem,
    .durability = "in memory: an acknowledged job is lost when the broker ends",
};

struct store *store_mem_new(struct loop *l)
{
    struct store_mem *m = mem_new(sizeof(*m));
    store_begin(&m->base, &ops, l);
    list_init(&m->waiting);
    loop_task_init(&m->work, work_later);
    return &m->base;
}
