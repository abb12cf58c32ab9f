#include "tests/kit/caller.h"

#include "base/mem.h"
#include "tests/kit/t.h"

static struct caller *self(struct transit *t)
{
    return t->carrier_data;
}

static void put_fields(struct caller *c, const struct headers *h)
{
    for (uint32_t i = 0; i < h->count; i++)
        buf_putf(&c->fields, "%.*s: %.*s\n", SLICE_FMT(h->v[i].name), SLICE_FMT(h->v[i].value));
}

static void end_soon(struct caller *c, enum transit_end how)
{
    c->how = how;
    loop_defer(c->loop, &c->gone);
}

static void look(struct caller *c)
{
    struct transit *t = c->t;
    if (c->ended || !t->out_ended || buf_len(&t->body) > 0)
        return;
    c->ended = true;
    put_fields(c, &t->out.trailers);
    if (c->asked_whole)
        end_soon(c, TRANSIT_DONE);
}

static enum err on_head(struct transit *t, bool end)
{
    struct caller *c = self(t);
    c->bare = end;
    c->heads++;
    c->status = t->out.status;
    put_fields(c, &t->out.headers);
    look(c);
    return ERR_OK;
}

static enum err on_info(struct transit *t, unsigned status, const struct headers *fields)
{
    (void)fields;
    self(t)->infos++;
    self(t)->last_info = status;
    return ERR_OK;
}

/* As a real carrier does, bytes leave in a later turn or when the test says so. */
static void on_wake(struct transit *t)
{
    struct caller *c = self(t);
    if (!c->slow)
        caller_take(c, SIZE_MAX);
}

static void on_credit(struct transit *t, size_t n)
{
    self(t)->credited += n;
}

static void on_reset(struct transit *t, enum transit_why why)
{
    (void)why;
    self(t)->resets++;
    end_soon(self(t), TRANSIT_CANCELLED);
}

static void on_free(struct transit *t)
{
    struct caller *c = self(t);
    c->t = NULL;
    transit_fini(t);
    mem_free(t);
}

static const struct transit_carrier carrier = {
    .head = on_head,
    .info = on_info,
    .wake = on_wake,
    .credit = on_credit,
    .reset = on_reset,
    .free = on_free,
};

static void say_gone(struct loop_task *task)
{
    struct caller *c = LIST_OF(task, struct caller, gone);
    transit_gone(c->t, c->how);
}

void caller_init(struct caller *c, struct loop *l, const char *method, const char *path)
{
    *c = (struct caller){.loop = l, .t = mem_new(sizeof(struct transit))};
    loop_task_init(&c->gone, say_gone);
    buf_init(&c->body, BUF_TEXT_BOUND);
    buf_init(&c->fields, BUF_TEXT_BOUND);
    transit_init(c->t, &carrier, c);
    c->t->conn_id = 1;
    c->t->in.method = slice_str(method);
    c->t->in.scheme = SLICE("https");
    c->t->in.authority = SLICE("orders");
    c->t->in.path = slice_str(path);
    c->t->in.length = -1;
    c->t->peer_addr = SLICE("192.0.2.1:1");
}

void caller_fini(struct caller *c)
{
    CHECK(!c->t);
    buf_fini(&c->body);
    buf_fini(&c->fields);
}

void caller_field(struct caller *c, const char *name, const char *value)
{
    CHECK_ERR(ERR_OK, headers_add(&c->t->in.headers, slice_str(name), slice_str(value)));
}

void caller_head(struct caller *c, bool end)
{
    c->asked_whole = end;
    transit_tell_head(c->t, end);
    if (end && c->ended)
        end_soon(c, TRANSIT_DONE);
}

void caller_say(struct caller *c, struct slice bytes)
{
    transit_tell_data(c->t, bytes);
}

void caller_end(struct caller *c)
{
    c->asked_whole = true;
    transit_tell_end(c->t);
    if (c->ended)
        end_soon(c, TRANSIT_DONE);
}

void caller_leave(struct caller *c)
{
    end_soon(c, TRANSIT_RESET);
}

void caller_stop(struct caller *c)
{
    CHECK(c->ended);
    end_soon(c, TRANSIT_DONE);
}

void caller_take(struct caller *c, size_t n)
{
    size_t some = buf_len(&c->t->body) < n ? buf_len(&c->t->body) : n;
    CHECK_ERR(ERR_OK, buf_add(&c->body, slice_to(buf_slice(&c->t->body), some)));
    transit_took(c->t, some);
    look(c);
}

bool caller_heard(const struct caller *c, const char *line)
{
    struct buf wanted;
    buf_init(&wanted, BUF_TEXT_BOUND);
    buf_putf(&wanted, "%s\n", line);
    bool found = slice_has(buf_slice(&c->fields), buf_slice(&wanted));
    buf_fini(&wanted);
    return found;
}
