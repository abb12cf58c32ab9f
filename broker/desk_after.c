#include "broker/desk_after.h"

#include "base/mem.h"
#include "broker/desk_meet.h"
#include "broker/desk_write.h"

enum { SHOWN = 3 };

bool desk_after_holds(const struct job *j)
{
    return job_state(j) == JOB_DELAYED && j->traits & JOB_AWAITS && j->attempt == 0;
}

/* --- going on --- */

static void release(struct desk *d, struct job *j)
{
    struct queue *q = &desk_room_line_of(d, j)->queue;
    if (j->due_ms > desk_room_wall_ms(d)) {
        queue_put(q, j);
        desk_meet_timer(d);
        return;
    }
    struct desk_step step = {.guard = j->token};
    j->due_ms = 0;
    job_move(&d->jobs, j, JOB_QUEUED);
    desk_write_step(d, j, &step, desk_write_wait(d, NULL, NULL));
    queue_put(q, j);
    desk_meet_soon(d);
}

static void bury_for(struct desk *d, struct job *j, struct slice other, const char *what)
{
    struct buf reason;
    buf_init(&reason, BUF_TEXT_BOUND);
    buf_putf(&reason, "a job it waits for %s: %.*s", what, SLICE_FMT(other));
    desk_meet_bury(d, j, buf_slice(&reason));
    buf_fini(&reason);
}

static const char *end_words(enum job_state how)
{
    return how == JOB_CANCELLED ? "was cancelled" : "is dead";
}

/* --- waiting --- */

/* An end that is on its way to the disk is told of when it is there. */
static bool lives(const struct desk *d, struct slice other, enum job_state *how)
{
    struct record_job r;
    *how = JOB_STATES;
    if (job_find(&d->jobs, other))
        return true;
    if (store_read_job(d->conf.store, other, &r) != ERR_OK)
        return false;
    *how = r.state;
    return !job_over(r.state);
}

void desk_after_enter(struct desk *d, struct job *j)
{
    struct slice id = slice_str(j->id);
    struct record_request r;
    if (store_read_request(d->conf.store, id, &r) != ERR_OK) {
        desk_meet_bury(d, j, SLICE("its request is damaged"));
        return;
    }
    for (size_t i = 0; i < r.after_count; i++) {
        enum job_state how;
        if (lives(d, r.after[i], &how)) {
            after_wait(&d->after, id, r.after[i], r.after_any_end);
        } else if (how != JOB_DONE && !r.after_any_end) {
            bury_for(d, j, r.after[i], how == JOB_STATES ? "is gone" : end_words(how));
            return;
        }
    }
    if (after_count(&d->after, id) == 0)
        release(d, j);
}

void desk_after_ended(struct desk *d, struct slice other, enum job_state how)
{
    char id[JOB_ID + 1];
    bool any_end;
    size_t left;
    while (after_ended(&d->after, other, id, &any_end, &left)) {
        struct job *j = job_find(&d->jobs, slice_str(id));
        if (!j)
            continue;
        if (how != JOB_DONE && !any_end)
            bury_for(d, j, other, end_words(how));
        else if (left == 0)
            release(d, j);
    }
}

bool desk_after_shows(const struct desk *d, struct slice runner, struct slice other)
{
    size_t at = 0;
    for (const struct lease *l = lease_each(&d->leases, &at); l; l = lease_each(&d->leases, &at)) {
        const struct job *j = job_find(&d->jobs, slice_str(l->job));
        struct record_request r;
        if (!j || !(j->traits & JOB_AWAITS) || !slice_eq(desk_room_worker_name(d, l->worker), runner) ||
            store_read_request(d->conf.store, slice_str(l->job), &r) != ERR_OK)
            continue;
        for (size_t i = 0; i < r.after_count; i++)
            if (slice_eq(r.after[i], other))
                return true;
    }
    return false;
}

/* --- recovery --- */

struct late {
    struct list link;
    char job[JOB_ID + 1];
};

void desk_after_later(struct desk *d, const struct job *j)
{
    struct late *l = mem_new(sizeof(*l));
    memcpy(l->job, j->id, sizeof(l->job));
    list_push_back(&d->late, &l->link);
}

void desk_after_settle(struct desk *d)
{
    for (struct list *at = list_pop(&d->late); at; at = list_pop(&d->late)) {
        struct late *l = LIST_OF(at, struct late, link);
        struct job *j = job_find(&d->jobs, slice_str(l->job));
        if (j)
            desk_after_enter(d, j);
        mem_free(l);
    }
}

/* --- words --- */

struct naming {
    struct buf *out;
    size_t named;
};

static bool put_other(void *arg, struct slice other)
{
    struct naming *n = arg;
    buf_putf(n->out, "%s%.*s", n->named ? ", " : "", SLICE_FMT(other));
    return ++n->named < SHOWN;
}

void desk_after_why(const struct desk *d, const struct job *j, struct buf *out)
{
    size_t count = after_count(&d->after, slice_str(j->id));
    struct naming n = {out, 0};
    buf_putf(out, "it waits for %zu %s to end: ", count, count == 1 ? "job" : "jobs");
    after_each(&d->after, slice_str(j->id), put_other, &n);
    if (count > n.named)
        buf_put(out, SLICE(", ..."));
}
