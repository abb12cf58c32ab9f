#include "identity/workload.h"

#include <errno.h>
#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "http/grpc.h"
#include "http/pool.h"

enum {
    SECOND = 1000000,
    MESSAGE_MOST = 4 << 20,
    FRAME_HEAD = 5, /* a flag, and the length in four bytes */
    CONNECT_US = 5 * SECOND,
    RETRY_US = 1 * SECOND,
    RETRY_MOST_US = 30 * SECOND,
    FIRST_US = 10 * SECOND,
    LAST_TURNS = 16,
};

#define DAY_US (INT64_C(86400) * SECOND)

struct workload {
    struct loop *loop;
    struct due_clock *clock;
    struct sock_addr addr;
    char *endpoint;
    struct pool *pool;
    struct transit *t; /* the stream, or NULL */
    struct buf in;
    struct svid_set *known;
    struct due retry;
    int64_t retry_us;
    bool is_withdrawn, is_spoilt;
    const struct workload_owner *owner;
    void *arg;
    char fault[WORKLOAD_FAULT]; /* of the last stream */
};

/* ---- where ---- */

static enum err parse(struct slice endpoint, struct sock_addr *addr, const char **why)
{
    struct slice address = endpoint;
    *why = "use unix:///ABSOLUTE/PATH or tcp://IP:PORT";
    if (slice_starts(endpoint, SLICE("tcp://")))
        address = slice_from(endpoint, 6);
    else if (!slice_starts(endpoint, SLICE("unix:///")))
        return ERR_INPUT;
    if (address.len < endpoint.len)
        return sock_parse(address, addr, why);
    char text[256];
    int len = snprintf(text, sizeof(text), "unix:%.*s", SLICE_FMT(slice_from(endpoint, 7)));
    return len > 0 && (size_t)len < sizeof(text) ? sock_parse(slice_str(text), addr, why) : ERR_INPUT;
}

bool workload_address_ok(struct slice endpoint, const char **why)
{
    struct sock_addr addr;
    return parse(endpoint, &addr, why) == ERR_OK;
}

static struct stream *dial(void *arg, const char **why)
{
    struct workload *w = arg;
    int fd;
    if (sock_connect(&w->addr, &fd) == ERR_OK)
        return stream_fd_new(w->loop, fd, true);
    *why = strerrordesc_np(errno);
    return NULL;
}

/* ---- answers ---- */

static void withdraw(struct workload *w, const char *why)
{
    if (w->is_withdrawn)
        return;
    w->is_withdrawn = true;
    svid_set_unref(&w->known);
    w->owner->withdrawn(w->arg, why);
}

static void take(struct workload *w, struct slice message)
{
    struct svid_set *set;
    const char *why = "";
    enum err e = svid_set_read(message, &set, &why);
    w->retry_us = 0;
    if (e == ERR_ABSENT)
        withdraw(w, "the Workload API names no identity for us");
    if (e == ERR_INPUT)
        log_event(LOG_WARN, "workload-answer", LOG_STR("endpoint", w->endpoint), LOG_STR("why", why),
                  LOG_STR("so", "it is passed over"));
    if (e != ERR_OK)
        return;
    bool is_news = !w->known || !svid_set_same(w->known, set);
    svid_set_unref(&w->known);
    w->known = set;
    w->is_withdrawn = false;
    if (is_news)
        w->owner->changed(w->arg, set);
}

/* The next whole frame; false: it is not all there, or none of it is any use. */
static bool next_frame(struct workload *w, struct slice *message)
{
    struct slice in = buf_slice(&w->in);
    if (in.len < FRAME_HEAD)
        return false;
    const unsigned char *h = (const unsigned char *)in.at;
    size_t len = (size_t)h[1] << 24 | (size_t)h[2] << 16 | (size_t)h[3] << 8 | h[4];
    w->is_spoilt = h[0] != 0 || len > MESSAGE_MOST;
    if (w->is_spoilt || in.len < FRAME_HEAD + len)
        return false;
    *message = slice_to(slice_from(in, FRAME_HEAD), len);
    return true;
}

static void on_data(struct transit *t, struct slice bytes)
{
    struct workload *w = t->owner_data;
    struct slice message;
    transit_credit(t, t->owed);
    w->is_spoilt = w->is_spoilt || buf_add(&w->in, bytes) != ERR_OK;
    while (!w->is_spoilt && next_frame(w, &message)) {
        take(w, message);
        explicit_bzero((void *)(uintptr_t)message.at, message.len);
        buf_took(&w->in, FRAME_HEAD + message.len);
    }
    if (w->is_spoilt)
        transit_reset(t, TRANSIT_WHY_PROTOCOL);
}

static void on_nothing(struct transit *t)
{
    (void)t;
}

/* ---- the end of a stream ---- */

static void retry_later(struct workload *w)
{
    w->retry_us = w->retry_us ? w->retry_us * 2 : RETRY_US;
    w->retry_us = w->retry_us < RETRY_MOST_US ? w->retry_us : RETRY_MOST_US;
    due_in(w->clock, &w->retry, w->retry_us);
}

static enum grpc_status status_of(const struct transit *t)
{
    uint64_t code = GRPC_UNKNOWN;
    const struct header *h = headers_find(&t->in.trailers, SLICE("grpc-status"));
    if (!h)
        h = headers_find(&t->in.headers, SLICE("grpc-status"));
    if (t->in.status != 200 || !h || slice_u64(h->value, 16, &code) != ERR_OK)
        return GRPC_UNKNOWN;
    return (enum grpc_status)code;
}

static void say_end(struct workload *w, const struct transit *t, enum transit_end how)
{
    const struct header *said = headers_find(&t->in.trailers, SLICE("grpc-message"));
    if (!said)
        said = headers_find(&t->in.headers, SLICE("grpc-message"));
    if (w->is_spoilt)
        snprintf(w->fault, sizeof(w->fault), "its frames are compressed or over 4 MiB");
    else if (how != TRANSIT_DONE)
        snprintf(w->fault, sizeof(w->fault), "%s", t->fault && t->fault[0] ? t->fault : "the connection broke");
    else
        snprintf(w->fault, sizeof(w->fault), "gRPC status %u %.*s", (unsigned)status_of(t),
                 SLICE_FMT(slice_to(said ? said->value : SLICE(""), 128)));
}

static void on_gone(struct transit *t, enum transit_end how)
{
    struct workload *w = t->owner_data;
    w->t = NULL;
    say_end(w, t, how);
    enum grpc_status status = how == TRANSIT_DONE ? status_of(t) : GRPC_UNAVAILABLE;
    transit_free(&t);
    buf_clear(&w->in);
    w->is_spoilt = false;
    log_event(LOG_WARN, "workload-ended", LOG_STR("endpoint", w->endpoint), LOG_STR("why", w->fault),
              LOG_STR("so", status == GRPC_INVALID_ARGUMENT ? "it is not asked again"
                            : w->known                      ? "what is known goes on, and it is asked again"
                                                            : "it is asked again"));
    if (status == GRPC_PERMISSION_DENIED)
        withdraw(w, "the Workload API denies us an identity");
    if (status != GRPC_INVALID_ARGUMENT)
        retry_later(w);
}

static const struct transit_owner stream_owner = {
    .head = on_nothing, .data = on_data, .end = on_nothing, .gone = on_gone};

/* ---- asking ---- */

static enum err put_head(struct transit *t)
{
    struct message *m = &t->out;
    m->method = SLICE("POST");
    m->scheme = SLICE("http");
    m->authority = SLICE("localhost");
    m->path = SLICE("/SpiffeWorkloadAPI/FetchX509SVID");
    TRY(headers_add_copy(&m->headers, SLICE("te"), SLICE("trailers")));
    TRY(headers_add_token(&m->headers, HEADERS_CONTENT_TYPE, SLICE("application/grpc")));
    /* Workload Endpoint, section 6: so that no browser and no proxy asks by mistake. */
    TRY(headers_add_copy(&m->headers, SLICE("workload.spiffe.io"), SLICE("true")));
    TRY(transit_head(t, false));
    return transit_write(t, slice_of("\0\0\0\0\0", FRAME_HEAD));
}

static void ask(struct workload *w)
{
    w->t = pool_request(w->pool, &stream_owner, w);
    PRE(w->t != NULL);
    if (put_head(w->t) == ERR_OK)
        transit_finish(w->t);
    else
        transit_reset(w->t, TRANSIT_WHY_INTERNAL);
}

static void on_retry(struct due *due)
{
    ask((struct workload *)(void *)((char *)due - offsetof(struct workload, retry)));
}

struct workload *workload_new(struct loop *l, struct due_clock *clock, const char *endpoint, struct svid_set *known,
                              const struct workload_owner *owner, void *arg)
{
    struct workload *w = mem_new(sizeof(*w));
    const char *why;
    *w = (struct workload){.loop = l, .clock = clock, .owner = owner, .arg = arg};
    enum err parsed = parse(slice_str(endpoint), &w->addr, &why);
    PRE(parsed == ERR_OK); /* identity_conf_check has seen it */
    w->endpoint = mem_copy(slice_str(endpoint));
    w->known = known ? svid_set_ref(known) : NULL;
    buf_init(&w->in, MESSAGE_MOST + FRAME_HEAD + TRANSIT_WINDOW);
    due_init(&w->retry, on_retry);
    struct pool_conf pool = {
        .dial = dial,
        .arg = w,
        .protocol = POOL_H2,
        .connect_timeout_us = CONNECT_US,
        .idle_timeout_us = RETRY_MOST_US,
        .ping_us = DAY_US, /* gRPC servers count pings as abuse */
        .ping_timeout_us = DAY_US,
        .max_streams = 10,
        .max_connections = 1,
        .max_waiting = 2,
    };
    w->pool = pool_new(l, clock, &pool);
    ask(w);
    return w;
}

static void forget(struct transit *t, enum transit_end how)
{
    (void)how;
    transit_free(&t);
}

static void let_go(struct transit *t, struct slice bytes)
{
    (void)bytes;
    transit_credit(t, t->owed);
}

static const struct transit_owner nobody = {.head = on_nothing, .data = let_go, .end = on_nothing, .gone = forget};

void workload_close(struct workload **workload)
{
    struct workload *w = *workload;
    *workload = NULL;
    if (!w)
        return;
    due_cancel(w->clock, &w->retry);
    if (w->t) { /* its end is of no interest any more */
        w->t->owner = &nobody;
        transit_reset(w->t, TRANSIT_WHY_CANCEL);
    }
    pool_close(&w->pool);
    svid_set_unref(&w->known);
    if (w->in.mem)
        explicit_bzero(w->in.mem, w->in.cap);
    buf_fini(&w->in);
    mem_free(w->endpoint);
    mem_free(w);
}

/* ---- the first answer ---- */

struct first {
    struct loop *loop;
    struct svid_set *set;
    struct due late;
};

static void first_changed(void *arg, struct svid_set *set)
{
    struct first *f = arg;
    f->set = svid_set_ref(set);
    loop_stop(f->loop);
}

static void first_withdrawn(void *arg, const char *why)
{
    (void)why;
    loop_stop(((struct first *)arg)->loop);
}

static void first_late(struct due *due)
{
    loop_stop(((struct first *)(void *)((char *)due - offsetof(struct first, late)))->loop);
}

enum err workload_first(const char *endpoint, struct svid_set **out, char fault[WORKLOAD_FAULT])
{
    static const struct workload_owner owner = {first_changed, first_withdrawn};
    struct first f = {.loop = loop_new()};
    struct due_clock *clock = due_clock_new(f.loop);
    due_init(&f.late, first_late);
    due_in(clock, &f.late, FIRST_US);
    struct workload *w = workload_new(f.loop, clock, endpoint, NULL, &owner, &f);
    loop_run(f.loop);
    snprintf(fault, WORKLOAD_FAULT, "%s", w->fault[0] ? w->fault : "no answer within 10 s");
    due_cancel(clock, &f.late);
    workload_close(&w);
    for (int i = 0; i < LAST_TURNS; i++)
        loop_turn(f.loop, false);
    due_clock_free(&clock);
    loop_free(&f.loop);
    *out = f.set;
    return f.set ? ERR_OK : ERR_IO;
}
