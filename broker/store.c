#include "broker/store.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/order.h"

enum { WALK_ROWS = 64 };

static void forget_reads(struct loop_task *task)
{
    struct store *s = LIST_OF(task, struct store, forget);
    arena_reset(&s->reads);
}

void store_begin(struct store *s, const struct store_ops *ops, struct loop *l)
{
    *s = (struct store){.ops = ops, .loop = l};
    loop_task_init(&s->forget, forget_reads);
}

void store_end(struct store *s)
{
    loop_task_cancel(&s->forget);
    arena_fini(&s->reads);
}

static void take(struct store *s, struct order *o, store_done_fn *done, void *arg)
{
    o->done = done;
    o->arg = arg;
    order_ask(o, s);
    s->ops->take(s, o);
}

void store_apply(struct store *s, const struct store_change *change, store_done_fn *done, void *arg)
{
    take(s, order_of_change(change), done, arg);
}

void store_submit_all(struct store *s, const struct store_change *changes, size_t count, store_done_fn *done,
                      void *const *args)
{
    struct order *o = order_of_all(changes, count);
    for (size_t i = 0; i < count; i++) {
        o->parts[i]->done = done;
        o->parts[i]->arg = args[i];
    }
    take(s, o, NULL, NULL);
}

void store_put_contract(struct store *s, struct slice digest, struct slice text, store_done_fn *done, void *arg)
{
    take(s, order_of_contract(digest, text), done, arg);
}

void store_expire(struct store *s, int64_t before_ms, store_done_fn *done, void *arg)
{
    PRE(before_ms >= 0);
    take(s, order_of_expire(before_ms), done, arg);
}

void store_settle(struct store *s, struct slice job, uint64_t event, const struct record_debt *left,
                  store_done_fn *done, void *arg)
{
    take(s, order_of_debt(job, event, left), done, arg);
}

void store_put_schedule(struct store *s, struct slice key, const struct schedule *schedule,
                        const struct record_request *request, store_done_fn *done, void *arg)
{
    take(s, order_of_schedule(key, schedule, request), done, arg);
}

/* The operator is told which row it is: its bytes are worth a look before they expire. */
static enum err heed(struct store *s, enum err e, struct slice key)
{
    if (e != ERR_PEER)
        return e;
    s->damaged++;
    log_event(LOG_ERROR, "record-damaged", LOG_TEXT("row", key), LOG_STR("did", "left it out"));
    return e;
}

static enum err read_row(struct store *s, enum order_table table, struct slice key, struct slice *row)
{
    loop_defer_late(s->loop, &s->forget);
    return s->ops->read(s, table, key, row);
}

/* No id is in no store. */
static enum err key_of(struct store *s, struct slice id, struct slice *key)
{
    loop_defer_late(s->loop, &s->forget);
    if (!job_id_is(id))
        return ERR_ABSENT;
    *key = order_id_key(&s->reads, id);
    return ERR_OK;
}

static enum err get_row(void *arg, enum order_table table, struct slice key, struct slice *value)
{
    struct store *s = arg;
    return s->ops->read(s, table, key, value);
}

static enum err read_parts(struct store *s, enum order_table table, struct slice id, struct slice *record)
{
    struct slice key;
    TRY(key_of(s, id, &key));
    return heed(s, order_read_parts(get_row, s, table, key, &s->reads, record), id);
}

enum err store_read_job(struct store *s, struct slice id, struct record_job *out)
{
    struct slice key, row;
    TRY(key_of(s, id, &key));
    enum err e = read_row(s, ORDER_LIVE, key, &row);
    if (e == ERR_ABSENT)
        e = read_row(s, ORDER_OVER, key, &row);
    return e == ERR_OK ? heed(s, record_job_get(id, row, &s->reads, out), id) : e;
}

enum err store_read_request(struct store *s, struct slice id, struct record_request *out)
{
    struct slice record;
    TRY(read_parts(s, ORDER_REQUESTS, id, &record));
    return heed(s, record_get_request(record, &s->reads, out), id);
}

enum err store_read_result(struct store *s, struct slice id, struct record_result *out)
{
    struct slice record;
    TRY(read_parts(s, ORDER_RESULTS, id, &record));
    return heed(s, record_get_result(record, &s->reads, out), id);
}

enum err store_read_checkpoint(struct store *s, struct slice id, struct slice *out)
{
    struct slice record;
    TRY(read_parts(s, ORDER_CHECKPOINTS, id, &record));
    return heed(s, record_get_bytes(record, RECORD_CHECKPOINT, out), id);
}

enum err store_read_debt(struct store *s, struct slice id, struct record_debt *out)
{
    struct slice key, row;
    TRY(key_of(s, id, &key));
    TRY(read_row(s, ORDER_DEBTS, key, &row));
    return heed(s, record_get_debt(row, &s->reads, out), id);
}

enum err store_read_plan(struct store *s, struct slice key, struct record_request *out)
{
    struct slice row;
    TRY(read_row(s, ORDER_PLANS, key, &row));
    return heed(s, record_get_request(row, &s->reads, out), key);
}

enum err store_read_contract(struct store *s, struct slice digest, struct slice *text)
{
    struct slice row, content;
    TRY(read_row(s, ORDER_CONTRACTS, digest, &row));
    TRY(heed(s, record_get_bytes(row, RECORD_CONTRACT, &content), digest));
    *text = slice_from(content, ORDER_NUMBER);
    return ERR_OK;
}

/* A walk of any length, a few rows at a time, so that nothing of the store is held while others are called. */
struct walk {
    struct store *s;
    struct order_walk what;
    struct order_row rows[WALK_ROWS];
    size_t count, at;
};

static bool step(struct walk *w, struct order_row *row)
{
    if (w->at == w->count) {
        if (w->at > 0 && w->count < WALK_ROWS)
            return false;
        loop_defer_late(w->s->loop, &w->s->forget);
        w->count = w->s->ops->walk(w->s, &w->what, w->rows, WALK_ROWS);
        w->at = 0;
        if (w->count == 0)
            return false;
        w->what.from = w->rows[w->count - 1].key;
    }
    *row = w->rows[w->at++];
    return true;
}

/* The next one of the log; false: there is none any more, or the rest is damaged. */
static bool logged(struct store *s, struct slice id, struct slice *log, struct record_event *event)
{
    enum err e = heed(s, record_job_log_take(log, event), id);
    if (e != ERR_OK)
        *log = (struct slice){0};
    return e == ERR_OK;
}

/* Those in the log and those that have rows: each in order, and together too. */
struct history {
    struct walk rows;
    struct slice id, key, log;
    bool in_log, in_row;
    struct record_event first, second; /* the next one of each */
};

static void next_in_rows(struct history *h, uint64_t after)
{
    struct order_row row;
    do {
        h->in_row = step(&h->rows, &row) && slice_starts(row.key, h->key);
        if (h->in_row && heed(h->rows.s, record_get_event(row.value, &h->rows.s->reads, &h->second), h->id) != ERR_OK)
            h->second.id = 0; /* damaged: the one behind it */
    } while (h->in_row && h->second.id <= after);
}

static void next_in_log(struct history *h, uint64_t after)
{
    do
        h->in_log = logged(h->rows.s, h->id, &h->log, &h->first);
    while (h->in_log && h->first.id <= after);
}

void store_read_events(struct store *s, struct slice id, uint64_t after, store_event_fn *fn, void *arg)
{
    char from[ORDER_EVENT_KEY];
    struct record_job job;
    struct history h = {.id = id};
    if (key_of(s, id, &h.key) != ERR_OK)
        return;
    if (store_read_job(s, id, &job) == ERR_OK)
        h.log = job.log;
    memcpy(from, h.key.at, JOB_ID_BYTES);
    order_put_number(from + JOB_ID_BYTES, after);
    h.rows = (struct walk){.s = s, .what = {ORDER_EVENTS, slice_of(from, sizeof(from)), false}};
    next_in_log(&h, after);
    next_in_rows(&h, after);
    while (h.in_log || h.in_row) {
        bool log = h.in_log && (!h.in_row || h.first.id < h.second.id);
        if (!fn(arg, log ? &h.first : &h.second))
            return;
        if (log)
            next_in_log(&h, after);
        else
            next_in_rows(&h, after);
    }
}

static bool matches(const struct store_list *what, const struct record_job *j)
{
    if (what->service.len > 0 && !slice_eq(what->service, j->service))
        return false;
    if (what->caller.len > 0 && !slice_eq(what->caller, j->caller))
        return false;
    return !what->by_state || what->state == j->state;
}

/* Newest first of the live ones and of those that are over. */
struct newest {
    struct walk walks[2];
    struct order_row rows[2];
    bool left[2];
};

static void newest_start(struct newest *n, struct store *s, struct slice from)
{
    n->walks[0] = (struct walk){.s = s, .what = {ORDER_LIVE, from, true}};
    n->walks[1] = (struct walk){.s = s, .what = {ORDER_OVER, from, true}};
    for (unsigned i = 0; i < 2; i++)
        n->left[i] = step(&n->walks[i], &n->rows[i]);
}

static bool newest_next(struct newest *n, struct order_row *row)
{
    if (!n->left[0] && !n->left[1])
        return false;
    unsigned i = !n->left[0] || (n->left[1] && slice_cmp(n->rows[1].key, n->rows[0].key) > 0);
    *row = n->rows[i];
    n->left[i] = step(&n->walks[i], &n->rows[i]);
    return true;
}

void store_list(struct store *s, const struct store_list *what, struct store_page *out)
{
    size_t limit = what->limit < STORE_LIST_MOST ? what->limit : STORE_LIST_MOST;
    struct record_job *jobs = arena_array(&s->reads, limit + 1, sizeof(*jobs));
    struct newest n;
    struct slice from = {0};
    *out = (struct store_page){.jobs = jobs};
    /* A cursor comes from a peer: one that we never gave out leads nowhere. */
    if (what->cursor.len > 0 && key_of(s, what->cursor, &from) != ERR_OK)
        return;
    newest_start(&n, s, from);
    for (size_t seen = 0; seen < STORE_SCAN_MOST && out->count < limit; seen++) {
        struct order_row row;
        if (!newest_next(&n, &row)) {
            out->cursor = (struct slice){0};
            return;
        }
        out->cursor = order_id_text(&s->reads, row.key);
        if (heed(s, record_job_get(out->cursor, row.value, &s->reads, &jobs[out->count]), out->cursor) == ERR_OK)
            out->count += matches(what, &jobs[out->count]);
    }
}

/* A million of them must not be in memory at once, so what was read goes after each handful. */
struct stroll {
    struct order_walk what;
    struct order_row rows[WALK_ROWS];
    char last[JOB_ID_BYTES];
    size_t count;
};

/* false: that was all. */
static bool stroll_on(struct stroll *w, struct store *s)
{
    bool first = w->what.from.len == 0;
    if (!first && w->count < WALK_ROWS)
        return false;
    arena_reset(&s->reads);
    w->count = s->ops->walk(s, &w->what, w->rows, WALK_ROWS);
    if (w->count > 0)
        memcpy(w->last, w->rows[w->count - 1].key.at, JOB_ID_BYTES);
    w->what.from = slice_of(w->last, JOB_ID_BYTES);
    return w->count > 0;
}

void store_each_live(struct store *s, store_live_fn *fn, void *arg)
{
    struct stroll w = {.what = {.table = ORDER_LIVE}};
    while (stroll_on(&w, s))
        for (size_t i = 0; i < w.count; i++) {
            struct record_job job;
            struct slice id = order_id_text(&s->reads, w.rows[i].key);
            if (heed(s, record_job_get(id, w.rows[i].value, &s->reads, &job), id) == ERR_OK)
                fn(arg, &job);
        }
    if (s->ops->rest)
        s->ops->rest(s);
}

void store_each_schedule(struct store *s, store_schedule_fn *fn, void *arg)
{
    char last[SCHEDULE_KEY];
    struct order_row rows[WALK_ROWS];
    struct order_walk what = {.table = ORDER_SCHEDULES};
    size_t count;
    do {
        arena_reset(&s->reads);
        count = s->ops->walk(s, &what, rows, WALK_ROWS);
        for (size_t i = 0; i < count; i++) {
            struct schedule schedule;
            if (heed(s, schedule_get(rows[i].value, &s->reads, &schedule), SLICE("schedule")) == ERR_OK)
                fn(arg, &schedule);
        }
        if (count > 0) {
            memcpy(last, rows[count - 1].key.at, SCHEDULE_KEY);
            what.from = slice_of(last, SCHEDULE_KEY);
        }
    } while (count == WALK_ROWS);
}

void store_each_debt(struct store *s, store_debt_fn *fn, void *arg)
{
    struct stroll w = {.what = {.table = ORDER_DEBTS}};
    while (stroll_on(&w, s))
        for (size_t i = 0; i < w.count; i++) {
            struct record_debt debt;
            struct slice id = order_id_text(&s->reads, w.rows[i].key);
            if (heed(s, record_get_debt(w.rows[i].value, &s->reads, &debt), id) == ERR_OK && !fn(arg, id, &debt))
                return;
        }
}

void store_watch_needs(struct store *s, store_need_fn *fn, void *arg)
{
    s->need = fn;
    s->need_arg = arg;
}

void store_each_need(struct store *s, store_need_fn *fn, void *arg)
{
    char last[ORDER_BLOB + 1 + SCHEDULE_KEY];
    struct order_row rows[WALK_ROWS];
    struct order_walk what = {.table = ORDER_BLOBS};
    size_t count;
    do {
        arena_reset(&s->reads);
        count = s->ops->walk(s, &what, rows, WALK_ROWS);
        for (size_t i = 0; i < count; i++) {
            struct record_need r;
            struct slice digest = slice_to(rows[i].key, ORDER_BLOB);
            if (heed(s, record_get_need(rows[i].value, &s->reads, &r), SLICE("blob")) != ERR_OK)
                r = (struct record_need){0}; /* the file is needed all the same */
            fn(arg, &(struct store_need){STORE_NEED_ADDED, digest, r.caller, r.size});
        }
        if (count > 0) {
            PRE(rows[count - 1].key.len <= sizeof(last));
            memcpy(last, rows[count - 1].key.at, rows[count - 1].key.len);
            what.from = slice_of(last, rows[count - 1].key.len);
        }
    } while (count == WALK_ROWS);
}

void store_stats(const struct store *s, struct store_stats *out)
{
    *out = (struct store_stats){.damaged = s->damaged};
    s->ops->stats(s, out);
}

const char *store_durability(const struct store *s)
{
    return s->ops->durability;
}

void store_close(struct store **s)
{
    if (*s)
        (*s)->ops->close(*s);
    *s = NULL;
}
