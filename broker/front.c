#include "broker/front.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "bus/frame.h"

/* A message that has so many bytes takes no more records: what waits for a peer is counted in messages. */
enum { SWEEP_US = NOW_US_PER_S, USER_ROOM = 2200, MESSAGE_BYTES = 32 << 10 };

struct front {
    struct front_conf conf;
    struct zsock *zsock;
    struct map by_route, by_id;
    struct list sessions, unsent;
    struct loop_task flush;
    struct due sweep;
    uint64_t next_id;
    size_t count;
    struct metric *gauge, *records;
    char user[USER_ROOM]; /* what ZAP is told of the key it asked for last */
};

static struct slice route_key(const struct zsock_route *r)
{
    return slice_of(r->id, r->len);
}

/* --- sessions --- */

static void drop(struct front *f, struct session *s, const char *why)
{
    log_event(LOG_INFO, "session-left", LOG_STR("peer", s->identity), LOG_STR("why", why));
    map_del(&f->by_route, route_key(&s->route));
    map_del(&f->by_id, slice_of(&s->id, sizeof(s->id)));
    list_remove(&s->link);
    f->count--;
    metric_gauge(f->gauge, (double)f->count);
    f->conf.left(f->conf.arg, s);
    session_free(&s);
}

/* "KEY IDENTITY", as admit has written it. */
static bool read_user(struct slice user, uint8_t key[ZSOCK_KEY], struct slice *identity)
{
    size_t space, len;
    if (!slice_find(user, ' ', &space) || hash_base64url(slice_to(user, space), key, ZSOCK_KEY, &len) != ERR_OK)
        return false;
    *identity = slice_from(user, space + 1);
    return len == ZSOCK_KEY;
}

/* ZAP asks once, when a peer connects: a key may have been renewed since, or have ended. */
static bool still_admitted(struct front *f, struct session *s)
{
    int64_t now_us = loop_turn_us(f->conf.loop);
    struct slice identity;
    if (s->until_us > now_us)
        return true;
    return f->conf.admit(f->conf.arg, s->key, &identity, &s->until_us) == ERR_OK && s->until_us > now_us &&
           slice_eq(identity, slice_str(s->identity));
}

/* NULL: it may not, or not any more. */
static struct session *enter(struct front *f, const struct zsock_route *from, struct slice user)
{
    struct slice identity, now;
    uint8_t key[ZSOCK_KEY];
    int64_t until_us;
    if (!read_user(user, key, &identity) || f->conf.admit(f->conf.arg, key, &now, &until_us) != ERR_OK ||
        !slice_eq(now, identity))
        return NULL;
    if (f->count >= FRONT_SESSIONS) {
        log_event(LOG_WARN, "session-refused", LOG_TEXT("peer", identity), LOG_STR("why", "over 20000 sessions"));
        return NULL;
    }
    struct session *s = session_new(++f->next_id, from, identity);
    s->until_us = until_us;
    memcpy(s->key, key, ZSOCK_KEY);
    map_put(&f->by_route, route_key(&s->route), s);
    map_put(&f->by_id, slice_of(&s->id, sizeof(s->id)), s);
    list_push_back(&f->sessions, &s->link);
    f->count++;
    metric_gauge(f->gauge, (double)f->count);
    return s;
}

struct session *front_session(struct front *f, uint64_t id)
{
    return map_get(&f->by_id, slice_of(&id, sizeof(id)));
}

struct session *front_twin(struct front *f, const struct session *of)
{
    for (struct list *l = f->sessions.next; l != &f->sessions; l = l->next) {
        struct session *s = LIST_OF(l, struct session, link);
        if (s != of && s->greeted && strcmp(s->instance, of->instance) == 0 && strcmp(s->identity, of->identity) == 0)
            return s;
    }
    return NULL;
}

void front_each(struct front *f, front_each_fn *fn, void *arg)
{
    for (struct list *l = f->sessions.next, *next; l != &f->sessions; l = next) {
        next = l->next;
        fn(arg, LIST_OF(l, struct session, link));
    }
}

static void sweep(struct due *due)
{
    struct front *f = (struct front *)(void *)((char *)due - offsetof(struct front, sweep));
    int64_t oldest = loop_turn_us(f->conf.loop) - f->conf.silence_us;
    for (struct list *l = f->sessions.next, *next; l != &f->sessions; l = next) {
        struct session *s = LIST_OF(l, struct session, link);
        next = l->next;
        if (!still_admitted(f, s))
            drop(f, s, "its certificate has ended");
        else if (s->heard_us < oldest)
            drop(f, s, "silent");
    }
    due_in(f->conf.clock, &f->sweep, SWEEP_US);
}

void front_recheck(struct front *f)
{
    for (struct list *l = f->sessions.next, *next; l != &f->sessions; l = next) {
        struct session *s = LIST_OF(l, struct session, link);
        next = l->next;
        s->until_us = 0; /* until a key says otherwise */
        if (!still_admitted(f, s))
            drop(f, s, "its certificate is trusted no more");
    }
}

/* --- out --- */

static void give_back(struct front *f, struct session *s)
{
    Weft__Bus__V1__Frame *frame;
    if (frame_unpack(buf_slice(&s->out), &frame) != ERR_OK)
        return;
    for (size_t i = 0; i < frame->n_records; i++)
        f->conf.undelivered(f->conf.arg, s, frame->records[i]);
    frame_free(&frame);
}

static bool flush_session(struct front *f, struct session *s)
{
    if (s->out_records == 0)
        return true;
    enum err e = zsock_send(f->zsock, &s->route, buf_slice(&s->out));
    if (e != ERR_OK)
        give_back(f, s);
    buf_clear(&s->out);
    s->out_records = 0;
    return e == ERR_OK;
}

void front_flush(struct front *f)
{
    for (struct list *l = list_pop(&f->unsent); l; l = list_pop(&f->unsent)) {
        struct session *s = LIST_OF(l, struct session, unsent);
        if (!flush_session(f, s))
            drop(f, s, "its route is gone or full");
    }
}

static void flush_late(struct loop_task *task)
{
    front_flush(LIST_OF(task, struct front, flush));
}

static bool append(struct front *f, struct session *s, Weft__Bus__V1__Record *r)
{
    if (s->out_records == FRAME_RECORDS || buf_len(&s->out) > MESSAGE_BYTES)
        flush_session(f, s); /* a broken route shows at the end of the turn, too */
    if (frame_pack(&r, 1, &s->out) != ERR_OK) {
        flush_session(f, s);
        if (frame_pack(&r, 1, &s->out) != ERR_OK)
            return false;
    }
    s->out_records++;
    return true;
}

void front_send(struct front *f, struct session *s, Weft__Bus__V1__Record *r)
{
    if (!append(f, s, r)) {
        Weft__Bus__V1__Problem problem = WEFT__BUS__V1__PROBLEM__INIT;
        problem.word = (char *)(uintptr_t) "payload-too-large";
        problem.detail = (char *)(uintptr_t) "the answer does not fit one message";
        problem.status = 413;
        Weft__Bus__V1__Record instead = WEFT__BUS__V1__RECORD__INIT;
        instead.re = r->re;
        instead.body_case = WEFT__BUS__V1__RECORD__BODY_PROBLEM;
        instead.problem = &problem;
        if (!append(f, s, &instead))
            return; /* a problem always fits an empty message */
    }
    if (list_empty(&s->unsent))
        list_push_back(&f->unsent, &s->unsent);
    loop_defer_late(f->conf.loop, &f->flush);
}

/* --- in --- */

static void received(void *arg, const struct zsock_route *from, struct slice user, struct slice body)
{
    struct front *f = arg;
    struct session *s = map_get(&f->by_route, route_key(from));
    if (s && !still_admitted(f, s)) {
        drop(f, s, "its certificate has ended");
        return;
    }
    if (!s)
        s = enter(f, from, user);
    Weft__Bus__V1__Frame *frame;
    if (!s)
        return;
    if (frame_unpack(body, &frame) != ERR_OK) {
        log_event(LOG_WARN, "frame-refused", LOG_STR("peer", s->identity), LOG_INT("bytes", (int64_t)body.len));
        drop(f, s, "it speaks nonsense");
        return;
    }
    s->heard_us = loop_turn_us(f->conf.loop);
    uint64_t id = s->id;
    metric_add(f->records, frame->n_records);
    for (size_t i = 0; i < frame->n_records && front_session(f, id); i++)
        f->conf.record(f->conf.arg, s, frame->records[i]);
    frame_free(&frame);
}

/* --- lifecycle --- */

static enum err admit(void *arg, const uint8_t key[ZSOCK_KEY], struct slice *user)
{
    struct front *f = arg;
    struct slice identity;
    int64_t until_us;
    TRY(f->conf.admit(f->conf.arg, key, &identity, &until_us));
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    hash_put_base64url(&text, slice_of(key, ZSOCK_KEY));
    buf_put_char(&text, ' ');
    buf_put(&text, identity);
    size_t len = buf_len(&text);
    if (len < USER_ROOM)
        memcpy(f->user, buf_slice(&text).at, len);
    buf_fini(&text);
    *user = slice_of(f->user, len);
    return len < USER_ROOM ? ERR_OK : ERR_DENIED;
}

enum err front_open(const struct front_conf *conf, struct front **out, const char **why)
{
    struct front *f = mem_new(sizeof(*f));
    f->conf = *conf;
    list_init(&f->sessions);
    list_init(&f->unsent);
    loop_task_init(&f->flush, flush_late);
    due_init(&f->sweep, sweep);
    struct metric_set *m = conf->metrics;
    f->gauge = metric_series(
        metric_family(m, METRIC_GAUGE, "weft_bus_sessions", "", "Sidecars and callers on the bus."), NULL);
    f->records = metric_series(
        metric_family(m, METRIC_COUNTER, "weft_bus_records_total", "", "Records received on the bus."), NULL);
    struct zsock_router_conf router = {
        .endpoint = conf->endpoint,
        .secret_key = conf->secret_key,
        .admit = admit,
        .recv = received,
        .arg = f,
    };
    enum err e = zsock_router(conf->loop, &router, &f->zsock, why);
    if (e != ERR_OK) {
        mem_free(f);
        return e;
    }
    due_in(conf->clock, &f->sweep, SWEEP_US);
    *out = f;
    return ERR_OK;
}

void front_close(struct front **front)
{
    struct front *f = *front;
    *front = NULL;
    if (!f)
        return;
    front_flush(f);
    while (!list_empty(&f->sessions))
        drop(f, LIST_OF(list_first(&f->sessions), struct session, link), "the broker ends");
    due_cancel(f->conf.clock, &f->sweep);
    loop_task_cancel(&f->flush);
    zsock_close(&f->zsock);
    map_fini(&f->by_route);
    map_fini(&f->by_id);
    mem_free(f);
}

const char *front_endpoint(const struct front *f)
{
    return zsock_endpoint(f->zsock);
}
