#include "tests/kit/pair.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

enum { CHUNK = 16 << 10, ROOM = 64 << 10 };

enum way_state { WAY_OPEN, WAY_ENDED, WAY_CUT };

/* One direction: what is under way, and how it ended. */
struct way {
    struct buf bytes;
    enum way_state state;
};

struct end {
    struct stream stream;
    struct loop *loop;
    struct loop_task task;
    struct end *other; /* NULL once that one is closed */
    struct way in;     /* what the other wrote */
    struct pair_conf conf;
    unsigned wanted;
    unsigned coming; /* STREAM_OPEN until it was said */
    const char *peer_id;
    const char *alpn;
};

static struct end *self(const struct stream *s)
{
    return (struct end *)s;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The level of each event: what a call would not answer with AGAIN. */
static unsigned level(const struct end *e)
{
    bool readable = buf_len(&e->in.bytes) > 0 || e->in.state != WAY_OPEN;
    bool writable = !e->other || e->other->in.state != WAY_OPEN || buf_len(&e->other->in.bytes) < e->conf.room;

    return (readable ? STREAM_READ : 0U) | (writable ? STREAM_WRITE : 0U);
}

static void look(struct end *e)
{
    if (e && (e->coming || (level(e) & e->wanted)))
        loop_defer(e->loop, &e->task);
}

static void on_task(struct loop_task *t)
{
    struct end *e = LIST_OF(t, struct end, task);
    unsigned events = e->coming ? e->coming : level(e) & e->wanted;

    e->coming = 0;
    look(e);
    if (events && e->stream.fn)
        e->stream.fn(e->stream.arg, events);
}

static enum err end_read(struct stream *s, char *into, size_t room, size_t *got)
{
    struct end *e = self(s);
    size_t n = least(least(room, e->conf.chunk), buf_len(&e->in.bytes));

    if (n == 0 && e->in.state == WAY_OPEN)
        return ERR_AGAIN;
    if (n == 0)
        return e->in.state == WAY_ENDED ? ERR_CLOSED : ERR_PEER;
    memcpy(into, buf_slice(&e->in.bytes).at, n);
    buf_took(&e->in.bytes, n);
    look(e->other);
    *got = n;
    return ERR_OK;
}

static enum err end_write(struct stream *s, struct slice bytes, size_t *took)
{
    struct end *e = self(s);

    if (!e->other || e->other->in.state != WAY_OPEN)
        return ERR_IO;
    struct buf *way = &e->other->in.bytes;
    size_t n = least(least(bytes.len, e->conf.chunk), e->conf.room - buf_len(way));
    if (n == 0)
        return ERR_AGAIN;
    TRY(buf_add(way, slice_to(bytes, n)));
    look(e->other);
    *took = n;
    return ERR_OK;
}

static void end_want(struct stream *s, unsigned events)
{
    self(s)->wanted = events;
    look(self(s));
}

static void finish(struct end *e, enum way_state how)
{
    if (e && e->in.state == WAY_OPEN)
        e->in.state = how;
    look(e);
}

static void end_shut(struct stream *s)
{
    finish(self(s)->other, WAY_ENDED);
}

static void end_close(struct stream *s)
{
    struct end *e = self(s);

    finish(e->other, WAY_ENDED);
    if (e->other) {
        e->other->other = NULL;
        look(e->other);
    }
    loop_task_cancel(&e->task);
    buf_fini(&e->in.bytes);
    mem_free(e);
}

static struct slice end_peer_id(const struct stream *s)
{
    return slice_str(self(s)->peer_id);
}

static struct slice end_alpn(const struct stream *s)
{
    return slice_str(self(s)->alpn);
}

static const char *end_fault(const struct stream *s)
{
    return self(s)->in.state == WAY_CUT ? "the wire was cut" : "";
}

static const struct stream_ops end_ops = {
    .read = end_read,
    .write = end_write,
    .want = end_want,
    .shut = end_shut,
    .close = end_close,
    .peer_id = end_peer_id,
    .alpn = end_alpn,
    .fault = end_fault,
};

static struct end *end_new(struct loop *l, const struct pair_conf *conf)
{
    struct end *e = mem_new(sizeof(*e));

    *e = (struct end){.stream = {.ops = &end_ops}, .loop = l, .coming = STREAM_OPEN};
    e->conf.chunk = conf && conf->chunk ? conf->chunk : CHUNK;
    e->conf.room = conf && conf->room ? conf->room : ROOM;
    buf_init(&e->in.bytes, e->conf.room);
    loop_task_init(&e->task, on_task);
    look(e);
    return e;
}

void pair_new(struct loop *l, const struct pair_conf *conf, struct stream *ends[2])
{
    struct end *a = end_new(l, conf), *b = end_new(l, conf);

    a->other = b;
    b->other = a;
    ends[0] = &a->stream;
    ends[1] = &b->stream;
}

void pair_introduce(struct stream *end, const char *peer_id, const char *alpn)
{
    PRE(end->ops == &end_ops);
    self(end)->peer_id = peer_id;
    self(end)->alpn = alpn;
}

void pair_cut(struct stream *end)
{
    PRE(end->ops == &end_ops);
    finish(self(end)->other, WAY_CUT);
    finish(self(end), WAY_CUT);
}
