#include "broker/almanac.h"

#include <stdio.h>

#include "base/heap.h"
#include "base/log.h"
#include "base/mem.h"

/* The good path: a moment comes -> its job is submitted -> both are on disk -> the
 * schedule is written with that moment -> the next one is planned.  While a job of it is
 * on its way to the disk a schedule is `busy`, and plans nothing. */

enum { LOOK_MS = 60000, AGAIN_MS = 10000, LATE_MS = 60000 };

struct entry {
    struct heap_node node;
    struct almanac *book;
    struct schedule is; /* its texts are in `text` */
    struct arena text;
    struct cron cron;
    int64_t next_ms;   /* when to look at it; 0: not planned */
    int64_t moment_ms; /* of the job on its way */
    bool busy, gone;   /* gone: deleted while busy */
    char key[SCHEDULE_KEY];
};

struct almanac {
    struct almanac_conf conf;
    struct map by_key;
    struct heap by_time;
    struct due timer;
    bool draining;
};

static bool sooner(const struct heap_node *a, const struct heap_node *b)
{
    const struct entry *one = HEAP_OF(a, const struct entry, node), *two = HEAP_OF(b, const struct entry, node);
    return one->next_ms < two->next_ms;
}

static int64_t wall_ms(const struct almanac *a)
{
    return now_wall_us(loop_now(a->conf.loop)) / NOW_US_PER_MS;
}

static void set_timer(struct almanac *a)
{
    struct heap_node *n = heap_first(&a->by_time);
    if (!n || a->draining) {
        due_cancel(a->conf.clock, &a->timer);
        return;
    }
    int64_t in_ms = HEAP_OF(n, struct entry, node)->next_ms - wall_ms(a);
    in_ms = in_ms < 0 ? 0 : in_ms > LOOK_MS ? LOOK_MS : in_ms;
    due_in(a->conf.clock, &a->timer, in_ms * NOW_US_PER_MS);
}

static void plan_at(struct entry *e, int64_t at_ms)
{
    struct almanac *a = e->book;
    heap_remove(&a->by_time, &e->node);
    e->next_ms = at_ms;
    if (at_ms)
        heap_push(&a->by_time, &e->node);
    set_timer(a);
}

static int64_t next_moment(const struct entry *e)
{
    return cron_next_ms(&e->cron, e->is.made_ms, e->is.last_ms);
}

static void plan(struct entry *e)
{
    if (!e->busy)
        plan_at(e, e->is.paused ? 0 : next_moment(e));
}

/* --- entries --- */

static struct schedule keep(struct arena *a, const struct schedule *s)
{
    struct schedule kept = *s;
    kept.caller = arena_keep(a, s->caller);
    kept.name = arena_keep(a, s->name);
    kept.cron = arena_keep(a, s->cron);
    kept.service = arena_keep(a, s->service);
    kept.operation = arena_keep(a, s->operation);
    kept.labels = arena_keep(a, s->labels);
    kept.last_job = arena_keep(a, s->last_job);
    kept.fault = arena_keep(a, s->fault);
    return kept;
}

/* Its texts are kept anew, so that what it no longer says takes no room. */
static void become(struct entry *e, const struct schedule *s)
{
    struct arena text;
    arena_init(&text, SIZE_MAX);
    struct schedule kept = keep(&text, s);
    arena_fini(&e->text);
    e->text = text;
    e->is = kept;
}

static struct entry *entry_new(struct almanac *a, const struct schedule *s)
{
    struct entry *e = mem_new(sizeof(*e));
    e->book = a;
    schedule_key(s->caller, s->name, e->key);
    arena_init(&e->text, SIZE_MAX);
    become(e, s);
    (void)map_put(&a->by_key, slice_of(e->key, SCHEDULE_KEY), e);
    return e;
}

static void entry_free(struct entry *e)
{
    arena_fini(&e->text);
    mem_free(e);
}

static void take_out(struct entry *e)
{
    heap_remove(&e->book->by_time, &e->node);
    (void)map_del(&e->book->by_key, slice_of(e->key, SCHEDULE_KEY));
    if (e->busy)
        e->gone = true;
    else
        entry_free(e);
}

static struct entry *find(const struct almanac *a, struct slice caller, struct slice name)
{
    char key[SCHEDULE_KEY];
    schedule_key(caller, name, key);
    return map_get(&a->by_key, slice_of(key, SCHEDULE_KEY));
}

/* --- a moment --- */

static void write_it(struct entry *e, store_done_fn *done, void *arg)
{
    store_put_schedule(e->book->conf.store, slice_of(e->key, SCHEDULE_KEY), &e->is, NULL, done, arg);
}

/* Unwritten, it is dealt with again after a restart, which changes nothing: its job has a key. */
static void written(void *arg, const struct store_answer *answer)
{
    (void)arg;
    if (answer->e != ERR_OK)
        log_event(LOG_WARN, "schedule-unwritten", LOG_STR("why", err_text(answer->e)));
}

static void dealt_with(struct entry *e, int64_t moment_ms, struct slice job, const char *fault)
{
    struct schedule next = e->is;
    next.last_ms = moment_ms > next.last_ms ? moment_ms : next.last_ms;
    next.fault = slice_str(fault);
    if (job.len)
        next.last_job = job;
    if (*fault)
        log_event(LOG_WARN, "schedule-missed", LOG_TEXT("schedule", e->is.name), LOG_TEXT("caller", e->is.caller),
                  LOG_STR("why", fault));
    become(e, &next);
    write_it(e, written, NULL);
    plan(e);
}

static void submitted(void *arg, enum err err, struct slice job, bool replayed)
{
    struct entry *e = arg;
    e->busy = false;
    if (e->gone) {
        entry_free(e);
        return;
    }
    if (err == ERR_FULL) {
        plan_at(e, wall_ms(e->book) + AGAIN_MS); /* the disk is full: the same moment once more */
        return;
    }
    e->is.runs += err == ERR_OK && !replayed;
    dealt_with(e, e->moment_ms, err == ERR_OK ? job : (struct slice){0}, err == ERR_OK ? "" : err_text(err));
}

/* Nobody's own key begins with that character. */
static enum err submit(struct entry *e, const char *what, int64_t moment_ms, desk_done_fn *done, void *arg)
{
    struct almanac *a = e->book;
    struct record_request request;
    char key[SCHEDULE_NAME + 64];
    TRY(store_read_plan(a->conf.store, slice_of(e->key, SCHEDULE_KEY), &request));
    (void)snprintf(key, sizeof(key), "\x01%.*s/%s%lld/%lld", SLICE_FMT(e->is.name), what, (long long)e->is.made_ms,
                   (long long)moment_ms);
    request.key = slice_str(key);
    request.fingerprint = SLICE("schedule");
    struct desk_submit s = {
        .service = e->is.service,
        .caller = e->is.caller,
        .operation = e->is.operation,
        .labels = e->is.labels,
        .request = &request,
        .priority = e->is.priority,
        .attempts = e->is.attempts,
        .timeout_ms = e->is.timeout_ms,
        .deadline_ms = e->is.deadline_in_ms ? moment_ms + e->is.deadline_in_ms : 0,
    };
    return desk_submit(a->conf.desk, &s, done, arg);
}

static bool may(const struct entry *e)
{
    const struct almanac_conf *c = &e->book->conf;
    return c->may(c->arg, e->is.caller, e->is.service, e->is.operation);
}

static void fire(struct entry *e, int64_t moment_ms)
{
    struct slice none = {0};
    if (!may(e)) {
        dealt_with(e, moment_ms, none, "policy does not allow its caller to submit this");
        return;
    }
    e->moment_ms = moment_ms;
    e->busy = true;
    enum err err = submit(e, "", moment_ms, submitted, e);
    if (err == ERR_OK)
        return;
    e->busy = false;
    if (err == ERR_FULL && e->is.catch_up == SCHEDULE_CATCH_ALL)
        plan_at(e, wall_ms(e->book) + AGAIN_MS);
    else if (err == ERR_FULL)
        dealt_with(e, moment_ms, none, "too many jobs of its caller are waiting");
    else if (err == ERR_ABSENT)
        dealt_with(e, moment_ms, none, "the broker takes no jobs for its service");
    else
        dealt_with(e, moment_ms, none, "its request is damaged");
}

/* Which of the moments that have passed is run: the policy of catching up. */
static void come(struct entry *e, int64_t now_ms)
{
    int64_t last_ms = cron_last_ms(&e->cron, e->is.made_ms, e->is.last_ms, now_ms);
    if (last_ms == 0)
        plan(e); /* the clock was set back */
    else if (e->is.catch_up == SCHEDULE_CATCH_ALL)
        fire(e, next_moment(e));
    else if (e->is.catch_up == SCHEDULE_CATCH_NONE && now_ms - last_ms > LATE_MS)
        dealt_with(e, last_ms, (struct slice){0}, "it was missed while the broker was away");
    else
        fire(e, last_ms);
}

static void look(struct due *due)
{
    struct almanac *a = (struct almanac *)(void *)((char *)due - offsetof(struct almanac, timer));
    int64_t now_ms = wall_ms(a);
    for (struct heap_node *n = heap_first(&a->by_time); n && HEAP_OF(n, struct entry, node)->next_ms <= now_ms;
         n = heap_first(&a->by_time)) {
        struct entry *e = HEAP_OF(heap_pop(&a->by_time), struct entry, node);
        e->next_ms = 0;
        come(e, now_ms);
    }
    set_timer(a);
}

/* --- changes --- */

static size_t count_of(const struct almanac *a, struct slice caller)
{
    size_t at = 0, count = 0;
    for (const struct entry *e = map_next(&a->by_key, &at); e; e = map_next(&a->by_key, &at))
        count += slice_eq(e->is.caller, caller);
    return count;
}

/* What waits for the store. */
struct changing {
    struct almanac *book;
    store_done_fn *done;
    void *arg;
    struct schedule will; /* its texts are in `text` */
    struct arena text;
    bool deletes;
};

static void changed(void *arg, const struct store_answer *answer)
{
    struct changing *c = arg;
    struct entry *e = find(c->book, c->will.caller, c->will.name);
    const char *why;
    if (answer->e == ERR_OK && c->deletes && e) {
        take_out(e);
    } else if (answer->e == ERR_OK && !c->deletes) {
        if (e)
            become(e, &c->will);
        else
            e = entry_new(c->book, &c->will);
        enum err read = cron_read(e->is.cron, &e->cron, &why);
        if (read == ERR_OK)
            plan(e);
    }
    if (c->done)
        c->done(c->arg, answer);
    arena_fini(&c->text);
    mem_free(c);
}

static void change(struct almanac *a, const struct changing *how, const struct schedule *will,
                   const struct record_request *request)
{
    struct changing *c = mem_new(sizeof(*c));
    char key[SCHEDULE_KEY];
    *c = *how;
    c->book = a;
    arena_init(&c->text, SIZE_MAX);
    c->will = keep(&c->text, will);
    schedule_key(will->caller, will->name, key);
    store_put_schedule(a->conf.store, slice_of(key, SCHEDULE_KEY), c->deletes ? NULL : &c->will, request, changed, c);
}

enum err almanac_put(struct almanac *a, const struct schedule *s, const struct record_request *request,
                     store_done_fn *done, void *arg)
{
    struct cron cron;
    const char *why;
    const struct entry *old = find(a, s->caller, s->name);
    struct schedule will = *s;
    TRY(cron_read(s->cron, &cron, &why));
    if (!old && (a->by_key.count >= ALMANAC_MOST || count_of(a, s->caller) >= ALMANAC_PER_CALLER))
        return ERR_FULL;
    will.made_ms = will.last_ms = wall_ms(a);
    if (old && slice_eq(old->is.cron, s->cron)) {
        will.made_ms = old->is.made_ms;
        will.last_ms = old->is.last_ms;
        will.runs = old->is.runs;
        will.last_job = old->is.last_job;
    }
    change(a, &(struct changing){.done = done, .arg = arg}, &will, request);
    return ERR_OK;
}

enum err almanac_change(struct almanac *a, struct slice caller, struct slice name, enum almanac_change what,
                        store_done_fn *done, void *arg)
{
    const struct entry *e = find(a, caller, name);
    if (!e)
        return ERR_ABSENT;
    struct schedule will = e->is;
    if (what != ALMANAC_DELETE)
        will.paused = what == ALMANAC_PAUSE;
    if (what == ALMANAC_RESUME && e->is.paused)
        will.last_ms = wall_ms(a);
    change(a, &(struct changing){.done = done, .arg = arg, .deletes = what == ALMANAC_DELETE}, &will, NULL);
    return ERR_OK;
}

enum err almanac_run(struct almanac *a, struct slice caller, struct slice name, desk_done_fn *done, void *arg)
{
    struct entry *e = find(a, caller, name);
    if (!e)
        return ERR_ABSENT;
    return may(e) ? submit(e, "now/", wall_ms(a), done, arg) : ERR_DENIED;
}

/* --- looking --- */

static struct almanac_view view(const struct entry *e)
{
    return (struct almanac_view){&e->is, e->is.paused ? 0 : next_moment(e)};
}

enum err almanac_find(struct almanac *a, struct slice caller, struct slice name, struct almanac_view *out)
{
    const struct entry *e = find(a, caller, name);
    if (!e)
        return ERR_ABSENT;
    *out = view(e);
    return ERR_OK;
}

/* Keeps `out` sorted; what is past the room falls out. */
static void insert(struct almanac_view *out, size_t *count, size_t room, struct almanac_view v)
{
    size_t at = *count;
    while (at > 0 && slice_cmp(v.is->name, out[at - 1].is->name) < 0)
        at--;
    if (at >= room)
        return;
    size_t moved = *count - at - (*count == room);
    memmove(&out[at + 1], &out[at], moved * sizeof(*out));
    out[at] = v;
    *count += *count < room;
}

size_t almanac_list(struct almanac *a, struct slice caller, struct slice after, struct almanac_view *out, size_t room)
{
    size_t at = 0, count = 0;
    for (const struct entry *e = map_next(&a->by_key, &at); e; e = map_next(&a->by_key, &at))
        if (slice_eq(e->is.caller, caller) && slice_cmp(e->is.name, after) > 0)
            insert(out, &count, room, view(e));
    return count;
}

/* --- lifecycle --- */

static void recover_one(void *arg, const struct schedule *s)
{
    struct almanac *a = arg;
    const char *why = "";
    struct entry *e = entry_new(a, s);
    if (cron_read(e->is.cron, &e->cron, &why) == ERR_OK)
        plan(e);
    else
        log_event(LOG_ERROR, "schedule-unreadable", LOG_TEXT("schedule", s->name), LOG_STR("why", why));
}

void almanac_recover(struct almanac *a)
{
    store_each_schedule(a->conf.store, recover_one, a);
    if (a->by_key.count)
        log_event(LOG_INFO, "schedules", LOG_INT("count", (int64_t)a->by_key.count));
}

void almanac_drain(struct almanac *a)
{
    a->draining = true;
    set_timer(a);
}

struct almanac *almanac_new(const struct almanac_conf *conf)
{
    struct almanac *a = mem_new(sizeof(*a));
    a->conf = *conf;
    heap_init(&a->by_time, sooner);
    due_init(&a->timer, look);
    return a;
}

void almanac_free(struct almanac **almanac)
{
    struct almanac *a = *almanac;
    *almanac = NULL;
    if (!a)
        return;
    due_cancel(a->conf.clock, &a->timer);
    while (heap_pop(&a->by_time))
        continue;
    size_t at = 0;
    for (struct entry *e = map_next(&a->by_key, &at); e; e = map_next(&a->by_key, &at))
        entry_free(e);
    map_fini(&a->by_key);
    heap_fini(&a->by_time);
    mem_free(a);
}
