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

enum err store_read_job(struct store *s, struct slice id, struct record_job *out)
{
    struct slice row;
    TRY(read_row(s, ORDER_JOBS, id, &row));
    return heed(s, record_get_job(row, &s->reads, out), id);
}

enum err store_read_request(struct store *s, struct slice id, struct record_request *out)
{
    struct slice row;
    TRY(read_row(s, ORDER_REQUESTS, id, &row));
    return heed(s, record_get_request(row, &s->reads, out), id);
}

enum err store_read_result(struct store *s, struct slice id, struct record_result *out)
{
    struct slice row;
    TRY(read_row(s, ORDER_RESULTS, id, &row));
    return heed(s, record_get_result(row, &s->reads, out), id);
}

enum err store_read_checkpoint(struct store *s, struct slice id, struct slice *out)
{
    struct slice row;
    TRY(read_row(s, ORDER_CHECKPOINTS, id, &row));
    return heed(s, record_get_bytes(row, RECORD_CHECKPOINT, out), id);
}

enum err store_read_debt(struct store *s, struct slice id, struct record_debt *out)
{
    struct slice row;
    TRY(read_row(s, ORDER_DEBTS, id, &row));
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

void store_read_events(struct store *s, struct slice id, uint64_t after, store_event_fn *fn, void *arg)
{
    char from[ORDER_EVENT_KEY];
    if (!job_id_is(id))
        return;
    memcpy(from, id.at, JOB_ID);
    order_put_number(from + JOB_ID, after);
    struct walk w = {.s = s, .what = {ORDER_EVENTS, slice_of(from, sizeof(from)), false}};
    for (struct order_row row; step(&w, &row) && slice_starts(row.key, id);) {
        struct record_event event;
        if (heed(s, record_get_event(row.value, &s->reads, &event), id) == ERR_OK && !fn(arg, &event))
            return;
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

void store_list(struct store *s, const struct store_list *what, struct store_page *out)
{
    size_t limit = what->limit < STORE_LIST_MOST ? what->limit : STORE_LIST_MOST;
    struct record_job *jobs = arena_array(&s->reads, limit + 1, sizeof(*jobs));
    struct walk w = {.s = s, .what = {ORDER_JOBS, what->cursor, true}};
    *out = (struct store_page){.jobs = jobs};
    /* A cursor comes from a peer: one that we never gave out leads nowhere. */
    if (what->cursor.len > 0 && !job_id_is(what->cursor))
        return;
    for (size_t seen = 0; seen < STORE_SCAN_MOST && out->count < limit; seen++) {
        struct order_row row;
        if (!step(&w, &row)) {
            out->cursor = (struct slice){0};
            return;
        }
        out->cursor = row.key;
        if (heed(s, record_get_job(row.value, &s->reads, &jobs[out->count]), row.key) == ERR_OK)
            out->count += matches(what, &jobs[out->count]);
    }
}

/* A million of them must not be in memory at once, so what was read goes after each handful. */
void store_each_live(struct store *s, store_live_fn *fn, void *arg)
{
    char last[JOB_ID];
    struct order_row rows[WALK_ROWS];
    struct order_walk what = {.table = ORDER_LIVE};
    size_t count;
    do {
        arena_reset(&s->reads);
        count = s->ops->walk(s, &what, rows, WALK_ROWS);
        for (size_t i = 0; i < count; i++) {
            struct record_job job;
            if (store_read_job(s, rows[i].key, &job) == ERR_OK)
                fn(arg, &job);
        }
        if (count > 0) {
            memcpy(last, rows[count - 1].key.at, JOB_ID);
            what.from = slice_of(last, JOB_ID);
        }
    } while (count == WALK_ROWS);
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
    char last[JOB_ID];
    struct order_row rows[WALK_ROWS];
    struct order_walk what = {.table = ORDER_DEBTS};
    size_t count;
    do {
        arena_reset(&s->reads);
        count = s->ops->walk(s, &what, rows, WALK_ROWS);
        for (size_t i = 0; i < count; i++) {
            struct record_debt debt;
            if (heed(s, record_get_debt(rows[i].value, &s->reads, &debt), rows[i].key) == ERR_OK &&
                !fn(arg, rows[i].key, &debt))
                return;
        }
        if (count > 0) {
            memcpy(last, rows[count - 1].key.at, JOB_ID);
            what.from = slice_of(last, JOB_ID);
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
