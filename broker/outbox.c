#include "broker/outbox.h"

#include "base/hash.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/web_ask.h"
#include "base/work.h"

/* The good path: owe -> due -> its lane asks on a thread -> the answer is judged on the
 * loop -> the store forgets the debt.  A debt is in `due` or in a lane, and in memory
 * once; the store's copy decides after a restart. */

enum { LANES = 4, ASK_US = 10 * NOW_US_PER_S, HEAD_MOST = 16 << 10, LATER_MS = 60000, DAY_S = 86400 };

struct owed {
    struct heap_node node;
    struct list link; /* of its lane */
    int64_t due_us;   /* monotonic */
    uint64_t event;
    uint32_t tries;
    char job[JOB_ID + 1];
};

struct lane {
    struct outbox *box;
    struct work *work; /* made when it is first needed */
    struct list waiting;
    struct delivery *now; /* NULL: idle */
};

struct outbox {
    struct outbox_conf conf;
    struct heap due;
    struct due timer;
    struct lane lanes[LANES];
    size_t count;
    atomic_bool ending;
    struct metric_family *tells;
};

/* One request; the thread touches this and nothing else. */
struct delivery {
    struct work_item item;
    struct lane *lane;
    struct owed *owed;
    struct web_url url;
    struct buf fields, body, answer;
    char *ca;
    struct web_ask ask;
    enum err e;
    char fault[WEB_ASK_FAULT];
};

static bool due_before(const struct heap_node *a, const struct heap_node *b)
{
    return HEAP_OF(a, const struct owed, node)->due_us < HEAP_OF(b, const struct owed, node)->due_us;
}

static int64_t wall_ms(const struct outbox *o)
{
    return now_wall_us(loop_now(o->conf.loop)) / NOW_US_PER_MS;
}

static void set_timer(struct outbox *o)
{
    struct heap_node *n = heap_first(&o->due);
    if (n)
        due_at(o->conf.clock, &o->timer, HEAP_OF(n, struct owed, node)->due_us);
    else
        due_cancel(o->conf.clock, &o->timer);
}

static void push(struct outbox *o, struct owed *d, int64_t in_ms)
{
    d->due_us = loop_turn_us(o->conf.loop) + (in_ms > 0 ? in_ms : 0) * NOW_US_PER_MS;
    heap_push(&o->due, &d->node);
    set_timer(o);
}

static void forget(struct outbox *o, struct owed *d)
{
    o->count--;
    mem_free(d);
}

/* --- what becomes of it --- */

static void count_tell(struct outbox *o, const char *how)
{
    struct slice label = slice_str(how);
    metric_add(metric_series(o->tells, &label), 1);
}

/* Without room even for this, the next process tries once more than it should. */
static void settled(void *arg, const struct store_answer *answer)
{
    (void)arg;
    if (answer->e == ERR_FULL)
        log_event(LOG_WARN, "callback-unwritten", LOG_STR("job", answer->job), LOG_STR("why", err_text(answer->e)));
}

static void paid(struct outbox *o, struct owed *d)
{
    count_tell(o, "delivered");
    log_event(LOG_INFO, "callback-delivered", LOG_STR("job", d->job), LOG_INT("tries", d->tries));
    store_settle(o->conf.store, slice_str(d->job), d->event, NULL, settled, NULL);
    forget(o, d);
}

static void give_up(struct outbox *o, struct owed *d, struct slice reason)
{
    struct record_debt left = {.event = d->event, .tries = d->tries, .dead = true, .reason = reason};
    count_tell(o, "dead");
    log_event(LOG_WARN, "callback-dead", LOG_STR("job", d->job), LOG_INT("tries", d->tries), LOG_TEXT("why", reason));
    store_settle(o->conf.store, slice_str(d->job), d->event, &left, settled, NULL);
    forget(o, d);
}

static void put_off(struct outbox *o, struct owed *d, struct slice reason, int64_t wish_ms)
{
    int64_t in_ms =
        callback_delay_ms(d->tries, map_siphash((const uint64_t[2]){d->event, d->tries}, slice_str(d->job)));
    in_ms = wish_ms > in_ms ? wish_ms : in_ms;
    struct record_debt left = {.event = d->event, .tries = d->tries, .due_ms = wall_ms(o) + in_ms, .reason = reason};
    count_tell(o, "failed");
    log_event(LOG_INFO, "callback-failed", LOG_STR("job", d->job), LOG_INT("tries", d->tries),
              LOG_INT("again_ms", in_ms), LOG_TEXT("why", reason));
    store_settle(o->conf.store, slice_str(d->job), d->event, &left, settled, NULL);
    push(o, d, in_ms);
}

static int64_t retry_after_ms(struct slice answer)
{
    struct slice value;
    uint64_t seconds;
    if (!web_ask_field(answer, SLICE("retry-after"), &value) || slice_u64(value, DAY_S, &seconds) != ERR_OK)
        return 0;
    return (int64_t)seconds * 1000;
}

static void judge(struct delivery *v)
{
    struct outbox *o = v->lane->box;
    struct owed *d = v->owed;
    struct slice all = buf_slice(&v->answer);
    unsigned status = v->e == ERR_OK ? web_ask_status(all) : 0;
    enum callback_verdict verdict = callback_judge(status);
    struct buf reason;
    buf_init(&reason, BUF_TEXT_BOUND);
    if (v->e != ERR_OK)
        buf_put(&reason, slice_str(v->fault));
    else
        buf_putf(&reason, status ? "%s answered %u" : "%s gave no HTTP answer", v->url.host, status);
    d->tries++;
    if (verdict == CALLBACK_TOLD)
        paid(o, d);
    else if (verdict == CALLBACK_NEVER || d->tries >= o->conf.rules(o->conf.arg)->tries)
        give_up(o, d, buf_slice(&reason));
    else
        put_off(o, d, buf_slice(&reason), retry_after_ms(all));
    buf_fini(&reason);
}

/* --- asking --- */

static void run(struct work_item *item)
{
    struct delivery *v = (struct delivery *)(void *)((char *)item - offsetof(struct delivery, item));
    bool cut;
    v->e = web_ask(&v->ask, &v->answer, &cut, v->fault);
}

static void next_of(struct lane *l);

static void delivered(struct work_item *item, bool ran)
{
    struct delivery *v = (struct delivery *)(void *)((char *)item - offsetof(struct delivery, item));
    struct lane *l = v->lane;
    if (ran && !atomic_load(&l->box->ending))
        judge(v);
    else
        forget(l->box, v->owed);
    buf_fini(&v->fields);
    buf_fini(&v->body);
    buf_fini(&v->answer);
    mem_free(v->ca);
    mem_free(v);
    l->now = NULL;
    if (!atomic_load(&l->box->ending))
        next_of(l);
}

static void deliver(struct lane *l, struct owed *d, const struct web_url *url, const struct callback_news *news)
{
    struct outbox *o = l->box;
    const struct callback_rules *rules = o->conf.rules(o->conf.arg);
    struct delivery *v = mem_new(sizeof(*v));
    v->lane = l;
    v->owed = d;
    v->url = *url;
    v->ca = rules->ca ? mem_copy(slice_str(rules->ca)) : NULL;
    buf_init(&v->fields, SIZE_MAX);
    buf_init(&v->body, SIZE_MAX);
    buf_init(&v->answer, HEAD_MOST);
    callback_compose(rules, news, &v->fields, &v->body);
    v->ask = (struct web_ask){
        .url = &v->url,
        .ca = v->ca,
        .timeout_us = ASK_US,
        .method = "POST",
        .version = "HTTP/1.1",
        .fields = buf_slice(&v->fields),
        .body = buf_slice(&v->body),
        .head_only = true,
        .public_only = !callback_private_ok(rules, url),
        .give_up = &o->ending,
    };
    v->item.run = run;
    v->item.done = delivered;
    if (!l->work)
        l->work = work_new(o->conf.loop, "callback");
    l->now = v;
    work_start(l->work, &v->item);
}

/* What the store has of it; false: nothing is owed any more. */
static bool read_news(struct outbox *o, const struct owed *d, struct record_debt *debt, struct record_job *job,
                      struct record_request *request)
{
    struct store *s = o->conf.store;
    struct slice id = slice_str(d->job);
    return store_read_debt(s, id, debt) == ERR_OK && debt->event == d->event && !debt->dead &&
           store_read_job(s, id, job) == ERR_OK && store_read_request(s, id, request) == ERR_OK;
}

/* false: it needed no asking. */
static bool begin(struct lane *l, struct owed *d)
{
    struct outbox *o = l->box;
    struct record_debt debt;
    struct record_job job;
    struct record_request request;
    struct record_result result;
    struct web_url url;
    const char *why;
    if (!read_news(o, d, &debt, &job, &request)) {
        forget(o, d);
        return false;
    }
    if (callback_allowed(o->conf.rules(o->conf.arg), request.callback, &url, &why) != ERR_OK) {
        give_up(o, d, slice_str(why));
        return false;
    }
    bool has_result = store_read_result(o->conf.store, job.id, &result) == ERR_OK;
    struct callback_news news = {
        .job = &job,
        .request = &request,
        .result = has_result ? &result : NULL,
        .event = d->event,
        .tries = d->tries,
        .now_ms = wall_ms(o),
    };
    deliver(l, d, &url, &news);
    return true;
}

static void next_of(struct lane *l)
{
    while (!l->now && !list_empty(&l->waiting))
        if (begin(l, LIST_OF(list_pop(&l->waiting), struct owed, link)))
            return;
}

/* By its host, so that one which is slow delays few others. */
static struct lane *lane_of(struct outbox *o, const struct owed *d)
{
    static const uint64_t key[2] = {1, 2};
    struct record_request request;
    struct web_url url;
    if (store_read_request(o->conf.store, slice_str(d->job), &request) != ERR_OK ||
        web_url_read(request.callback, &url) != ERR_OK)
        return &o->lanes[0];
    return &o->lanes[map_siphash(key, slice_str(url.host)) % LANES];
}

static void look(struct due *due)
{
    struct outbox *o = (struct outbox *)(void *)((char *)due - offsetof(struct outbox, timer));
    int64_t now_us = loop_turn_us(o->conf.loop);
    for (struct heap_node *n = heap_first(&o->due); n && HEAP_OF(n, struct owed, node)->due_us <= now_us;
         n = heap_first(&o->due)) {
        struct owed *d = HEAP_OF(heap_pop(&o->due), struct owed, node);
        struct lane *l = lane_of(o, d);
        list_push_back(&l->waiting, &d->link);
        next_of(l);
    }
    set_timer(o);
}

/* --- for others --- */

static void owe(struct outbox *o, struct slice job, uint64_t event, uint32_t tries, int64_t in_ms)
{
    struct owed *d = mem_new(sizeof(*d));
    memcpy(d->job, job.at, job.len <= JOB_ID ? job.len : JOB_ID);
    d->event = event;
    d->tries = tries;
    list_init(&d->link);
    o->count++;
    push(o, d, in_ms);
}

void outbox_owe(struct outbox *o, struct slice job, uint64_t event)
{
    owe(o, job, event, 0, 0);
}

static bool recover(void *arg, struct slice job, const struct record_debt *debt)
{
    struct outbox *o = arg;
    if (!debt->dead)
        owe(o, job, debt->event, debt->tries, debt->due_ms - wall_ms(o));
    return true;
}

void outbox_recover(struct outbox *o)
{
    store_each_debt(o->conf.store, recover, o);
    if (o->count)
        log_event(LOG_INFO, "callbacks-owed", LOG_INT("count", (int64_t)o->count));
}

struct retrying {
    struct outbox *box;
    store_done_fn *done;
    void *arg;
    uint64_t event;
};

static void revived(void *arg, const struct store_answer *answer)
{
    struct retrying *r = arg;
    if (answer->e == ERR_OK)
        owe(r->box, slice_str(answer->job), r->event, 0, 0);
    r->done(r->arg, answer);
    mem_free(r);
}

enum err outbox_retry(struct outbox *o, struct slice job, store_done_fn *done, void *arg)
{
    struct record_debt debt;
    TRY(store_read_debt(o->conf.store, job, &debt));
    if (!debt.dead)
        return ERR_STALE;
    struct retrying *r = mem_new(sizeof(*r));
    *r = (struct retrying){o, done, arg, debt.event};
    struct record_debt left = {.event = debt.event, .due_ms = wall_ms(o)};
    store_settle(o->conf.store, job, debt.event, &left, revived, r);
    return ERR_OK;
}

size_t outbox_count(const struct outbox *o)
{
    return o->count;
}

struct outbox *outbox_new(const struct outbox_conf *conf)
{
    struct outbox *o = mem_new(sizeof(*o));
    o->conf = *conf;
    heap_init(&o->due, due_before);
    due_init(&o->timer, look);
    for (unsigned i = 0; i < LANES; i++) {
        o->lanes[i].box = o;
        list_init(&o->lanes[i].waiting);
    }
    o->tells = metric_family(conf->metrics, METRIC_COUNTER, "weft_callbacks_total", "how",
                             "Callbacks: delivered, failed (tried again), dead.");
    return o;
}

void outbox_free(struct outbox **box)
{
    struct outbox *o = *box;
    *box = NULL;
    if (!o)
        return;
    atomic_store(&o->ending, true);
    due_cancel(o->conf.clock, &o->timer);
    for (unsigned i = 0; i < LANES; i++) {
        work_free(&o->lanes[i].work);
        for (struct list *l = list_pop(&o->lanes[i].waiting); l; l = list_pop(&o->lanes[i].waiting))
            forget(o, LIST_OF(l, struct owed, link));
    }
    for (struct heap_node *n = heap_pop(&o->due); n; n = heap_pop(&o->due))
        forget(o, HEAP_OF(n, struct owed, node));
    heap_fini(&o->due);
    mem_free(o);
}
