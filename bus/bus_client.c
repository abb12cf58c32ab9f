/* Hello until welcomed; then records out, answers in, and a beat for what still runs.
 *
 * The broker counts as lost when it has been silent for three beats: everything in
 * flight is answered ERR_AGAIN and hello is said again.  The socket itself stays:
 * libzmq reconnects, and hello re-attaches what still runs. */
#include "bus/bus_client.h"

#include "base/mem.h"
#include "bus/frame.h"
#include "bus/zsock.h"

enum {
    HELLO_US = 500 * NOW_US_PER_MS, /* between two hellos */
    BEAT_US = 10 * NOW_US_PER_S,    /* until a welcome says otherwise */
    SILENT_BEATS = 3,
    WAITING = 10000,
    LAST_WORDS_MS = 100,      /* for what was said right before the end */
    MESSAGE_BYTES = 32 << 10, /* a message that has so many takes no more records */
};

struct call {
    struct list link; /* in `calls`, by seq */
    struct due due;
    struct bus_client *client;
    uint64_t seq;
    bus_client_answer_fn *fn; /* NULL: forgotten */
    void *arg;
};

struct bus_client {
    struct loop *loop;
    struct due_clock *clock;
    struct bus_client_conf conf;
    struct bus_client_owner owner;
    void *arg;
    struct zsock *zsock;
    struct buf outgoing; /* packed records of this turn */
    size_t outgoing_records;
    struct loop_task flush;
    struct list calls;
    size_t call_count;
    struct list streams;
    uint64_t stream_id;
    struct due beat;
    int64_t beat_us, heard_us;
    uint64_t seq, hello_seq;
    bool welcomed;
    bool busy, closing;
};

/* --- sending --- */

static void drop_outgoing(struct bus_client *c)
{
    buf_clear(&c->outgoing);
    c->outgoing_records = 0;
}

/* A full pipe keeps the frame for the next turn that has something to say; in a broken one it
 * is lost: calls in it time out, and the beat tells. */
static void flush(struct bus_client *c)
{
    if (buf_len(&c->outgoing) && zsock_send(c->zsock, NULL, buf_slice(&c->outgoing)) != ERR_AGAIN)
        drop_outgoing(c);
}

static void flush_late(struct loop_task *task)
{
    flush(LIST_OF(task, struct bus_client, flush));
}

/* Records are packed one by one as a Frame of one; frames concatenate, because a repeated field
 * may come in pieces and a scalar may come again (protobuf encoding, "last one wins"). */
static enum err queue(struct bus_client *c, Weft__Bus__V1__Record *record)
{
    if (c->outgoing_records == FRAME_RECORDS || buf_len(&c->outgoing) > MESSAGE_BYTES)
        flush(c);
    if (c->outgoing_records == FRAME_RECORDS)
        return ERR_FULL;
    TRY(frame_pack(&record, 1, &c->outgoing));
    c->outgoing_records++;
    loop_defer_late(c->loop, &c->flush);
    return ERR_OK;
}

static uint64_t next_seq(struct bus_client *c)
{
    return ++c->seq;
}

enum err bus_client_send(struct bus_client *c, Weft__Bus__V1__Record *record)
{
    if (!c->welcomed)
        return ERR_AGAIN;
    record->seq = next_seq(c);
    return queue(c, record);
}

/* --- calls --- */

static void answer(struct call *call, enum err e, const Weft__Bus__V1__Record *record)
{
    struct bus_client *c = call->client;
    list_remove(&call->link);
    due_cancel(c->clock, &call->due);
    c->call_count--;
    if (call->fn)
        call->fn(call->arg, e, record);
    mem_free(call);
}

static void call_late(struct due *due)
{
    answer((struct call *)(void *)((char *)due - offsetof(struct call, due)), ERR_AGAIN, NULL);
}

static void answer_all(struct bus_client *c, enum err e)
{
    struct list now;
    list_init(&now);
    while (!list_empty(&c->calls))
        list_push_back(&now, list_pop(&c->calls));
    while (!list_empty(&now))
        answer(LIST_OF(list_first(&now), struct call, link), e, NULL);
}

enum err bus_client_call(struct bus_client *c, Weft__Bus__V1__Record *record, int64_t timeout_us,
                         bus_client_answer_fn *fn, void *arg)
{
    if (!c->welcomed)
        return ERR_AGAIN;
    if (c->call_count >= c->conf.max_waiting)
        return ERR_FULL;
    record->seq = next_seq(c);
    TRY(queue(c, record));
    struct call *call = mem_new(sizeof(*call));
    *call = (struct call){.client = c, .seq = record->seq, .fn = fn, .arg = arg};
    due_init(&call->due, call_late);
    if (timeout_us > 0)
        due_in(c->clock, &call->due, timeout_us);
    list_push_back(&c->calls, &call->link);
    c->call_count++;
    return ERR_OK;
}

void bus_client_forget(struct bus_client *c, void *arg)
{
    for (struct list *l = c->calls.next; l != &c->calls; l = l->next) {
        struct call *call = LIST_OF(l, struct call, link);
        if (call->arg == arg)
            call->fn = NULL;
    }
}

static struct call *find_call(struct bus_client *c, uint64_t seq)
{
    for (struct list *l = c->calls.next; l != &c->calls; l = l->next) {
        struct call *call = LIST_OF(l, struct call, link);
        if (call->seq == seq)
            return call;
    }
    return NULL;
}

/* --- streams --- */

void bus_client_stream_begin(struct bus_client *c, struct bus_client_stream *s,
                             void (*record)(struct bus_client_stream *s, const Weft__Bus__V1__Record *record))
{
    *s = (struct bus_client_stream){.id = ++c->stream_id, .record = record};
    list_push_back(&c->streams, &s->link);
}

void bus_client_stream_end(struct bus_client_stream *s)
{
    list_remove(&s->link);
}

static void end_streams(struct bus_client *c)
{
    while (!list_empty(&c->streams)) {
        struct bus_client_stream *s = LIST_OF(list_pop(&c->streams), struct bus_client_stream, link);
        s->record(s, NULL);
    }
}

/* 0: it is no record of a blob. */
static uint64_t stream_of(const Weft__Bus__V1__Record *r)
{
    switch (r->body_case) {
    case WEFT__BUS__V1__RECORD__BODY_BLOB:
        return r->blob->id;
    case WEFT__BUS__V1__RECORD__BODY_BLOB_ROOM:
        return r->blob_room->id;
    case WEFT__BUS__V1__RECORD__BODY_BLOB_KEPT:
        return r->blob_kept->id;
    case WEFT__BUS__V1__RECORD__BODY_BLOB_END:
        return r->blob_end->id;
    default:
        return 0;
    }
}

/* Of one that has ended here meanwhile nobody hears. */
static void tell_stream(struct bus_client *c, uint64_t id, const Weft__Bus__V1__Record *r)
{
    for (struct list *l = c->streams.next; l != &c->streams; l = l->next) {
        struct bus_client_stream *s = LIST_OF(l, struct bus_client_stream, link);
        if (s->id == id) {
            s->record(s, r);
            return;
        }
    }
}

/* --- hello and the beat --- */

static void say_hello(struct bus_client *c)
{
    Weft__Bus__V1__Hello hello = WEFT__BUS__V1__HELLO__INIT;
    hello.service = (char *)(uintptr_t)c->conf.service;
    hello.instance = (char *)(uintptr_t)c->conf.instance;
    c->owner.hello(c->arg, &hello);
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_HELLO;
    record.hello = &hello;
    record.seq = c->hello_seq = next_seq(c);
    if (queue(c, &record) != ERR_OK)
        drop_outgoing(c); /* an unsent heap of old words; the next hello starts afresh */
}

static void renew(struct bus_client *c)
{
    Weft__Bus__V1__Hello hello = WEFT__BUS__V1__HELLO__INIT;
    c->owner.hello(c->arg, &hello);
    Weft__Bus__V1__Renew body = WEFT__BUS__V1__RENEW__INIT;
    body.n_running = hello.n_running;
    body.running = hello.running;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_RENEW;
    record.renew = &body;
    enum err e = bus_client_send(c, &record);
    (void)e; /* a beat that does not fit is made up for by the next */
}

static void lost(struct bus_client *c, const char *why)
{
    bool was = c->welcomed;
    c->welcomed = false;
    drop_outgoing(c);
    answer_all(c, ERR_AGAIN);
    end_streams(c);
    if (was)
        c->owner.lost(c->arg, why);
}

static void beat(struct due *due)
{
    struct bus_client *c = (struct bus_client *)(void *)((char *)due - offsetof(struct bus_client, beat));
    c->busy = true;
    if (c->welcomed && loop_turn_us(c->loop) - c->heard_us > SILENT_BEATS * c->beat_us)
        lost(c, "the broker is silent");
    if (!c->closing) {
        if (c->welcomed)
            renew(c);
        else
            say_hello(c);
        due_in(c->clock, &c->beat, c->welcomed ? c->beat_us : HELLO_US);
    }
    c->busy = false;
    if (c->closing)
        bus_client_close(&c);
}

/* --- receiving --- */

static void welcome(struct bus_client *c, const Weft__Bus__V1__Record *record)
{
    if (record->re != c->hello_seq || c->welcomed)
        return; /* an older hello's */
    c->welcomed = true;
    if (record->welcome->beat_ms)
        c->beat_us = (int64_t)record->welcome->beat_ms * NOW_US_PER_MS;
    due_in(c->clock, &c->beat, c->beat_us);
    c->owner.welcome(c->arg, record->welcome);
}

/* It has ended our session, and has forgotten what we said hello for. */
static bool is_forgotten(const struct bus_client *c, const Weft__Bus__V1__Record *record)
{
    return c->welcomed && record->body_case == WEFT__BUS__V1__RECORD__BODY_PROBLEM &&
           slice_eq(slice_str(record->problem->word), SLICE("hello-first"));
}

static void take(struct bus_client *c, const Weft__Bus__V1__Record *record)
{
    if (is_forgotten(c, record)) {
        lost(c, "the broker has ended our session");
        return;
    }
    if (record->body_case == WEFT__BUS__V1__RECORD__BODY_WELCOME) {
        welcome(c, record);
        return;
    }
    struct call *call = record->re ? find_call(c, record->re) : NULL;
    if (call)
        answer(call, ERR_OK, record);
    else if (stream_of(record))
        tell_stream(c, stream_of(record), record);
    else
        c->owner.record(c->arg, record);
}

static void received(void *arg, const struct zsock_route *from, struct slice user, struct slice body)
{
    (void)from;
    (void)user;
    struct bus_client *c = arg;
    Weft__Bus__V1__Frame *frame;
    if (frame_unpack(body, &frame) != ERR_OK)
        return; /* a broker that speaks nonsense is as good as silent */
    c->heard_us = loop_turn_us(c->loop);
    c->busy = true;
    for (size_t i = 0; i < frame->n_records && !c->closing; i++)
        take(c, frame->records[i]);
    c->busy = false;
    frame_free(&frame);
    if (c->closing)
        bus_client_close(&c);
}

static void refused(void *arg, const char *why)
{
    struct bus_client *c = arg;
    c->busy = true;
    bool was = c->welcomed;
    lost(c, why);
    if (!was)
        c->owner.lost(c->arg, why);
    c->busy = false;
    if (c->closing)
        bus_client_close(&c);
}

/* --- lifecycle --- */

struct bus_client *bus_client_start(struct loop *l, struct due_clock *clock, const struct bus_client_conf *conf,
                                    const struct bus_client_owner *owner, void *arg)
{
    struct bus_client *c = mem_new(sizeof(*c));
    *c = (struct bus_client){
        .loop = l,
        .clock = clock,
        .conf = *conf,
        .owner = *owner,
        .arg = arg,
        .beat_us = BEAT_US,
    };
    c->conf.service = mem_copy(slice_str(conf->service));
    c->conf.instance = mem_copy(slice_str(conf->instance));
    c->conf.endpoint = NULL;
    if (c->conf.max_waiting == 0)
        c->conf.max_waiting = WAITING;
    buf_init(&c->outgoing, ZSOCK_MESSAGE);
    list_init(&c->calls);
    list_init(&c->streams);
    loop_task_init(&c->flush, flush_late);
    due_init(&c->beat, beat);
    struct zsock_dealer_conf dealer = {
        .endpoint = conf->endpoint,
        .server_key = c->conf.server_key,
        .public_key = c->conf.public_key,
        .secret_key = c->conf.secret_key,
        .recv = received,
        .fault = refused,
        .arg = c,
    };
    const char *why;
    if (zsock_dealer(l, &dealer, &c->zsock, &why) != ERR_OK) {
        bus_client_close(&c);
        return NULL;
    }
    due_in(clock, &c->beat, 0);
    return c;
}

void bus_client_close(struct bus_client **client)
{
    struct bus_client *c = *client;
    *client = NULL;
    if (!c)
        return;
    if (c->busy) {
        c->closing = true;
        return;
    }
    c->closing = true;
    if (c->welcomed) {
        flush(c);
        zsock_linger(c->zsock, LAST_WORDS_MS);
    }
    c->welcomed = false;
    answer_all(c, ERR_CLOSED);
    end_streams(c);
    due_cancel(c->clock, &c->beat);
    loop_task_cancel(&c->flush);
    zsock_close(&c->zsock);
    buf_fini(&c->outgoing);
    mem_free((void *)(uintptr_t)c->conf.service);
    mem_free((void *)(uintptr_t)c->conf.instance);
    mem_free(c);
}

bool bus_client_ready(const struct bus_client *c)
{
    return c->welcomed;
}
