#include "cli/fetch.h"

#include <errno.h>
#include <stdio.h>

#include "base/sock.h"
#include "http/pool.h"

enum { CONNECT_US = 5000000, PIECE = 64 << 10 };

struct fetching {
    const struct fetch_request *request;
    struct fetch_answer *answer;
    struct loop *loop;
    struct due_clock *clock;
    struct sock_addr addr;
    struct due late;
    uint64_t file_sent;
    bool whole, stopped;
};

static struct stream *dial(void *arg, const char **why)
{
    struct fetching *f = arg;
    int fd;
    if (sock_connect(&f->addr, &fd) == ERR_OK)
        return stream_fd_new(f->loop, fd, true);
    *why = strerror(errno);
    return NULL;
}

static void head(struct transit *t)
{
    struct fetching *f = t->owner_data;
    f->answer->status = t->in.status;
    for (uint32_t i = 0; i < t->in.headers.count; i++)
        if (headers_add_copy(&f->answer->headers, t->in.headers.v[i].name, t->in.headers.v[i].value) != ERR_OK)
            return;
}

static void data(struct transit *t, struct slice bytes)
{
    struct fetching *f = t->owner_data;
    transit_credit(t, t->owed);
    bool goes_on =
        f->request->data ? f->request->data(f->request->arg, bytes) : buf_add(&f->answer->body, bytes) == ERR_OK;
    if (goes_on)
        return;
    f->stopped = true;
    transit_reset(t, TRANSIT_WHY_CANCEL);
}

/* As much of the file as there is room for. */
static void send_file(struct fetching *f, struct transit *t)
{
    static char piece[PIECE];
    const struct fetch_request *r = f->request;
    while (!t->out_ended && !t->is_reset && buf_len(&t->body) < TRANSIT_WINDOW) {
        size_t n = fread(piece, 1, sizeof(piece), r->file);
        if (n > 0 && transit_write(t, slice_of(piece, n)) != ERR_OK)
            return;
        f->file_sent += n;
        if (r->sent)
            r->sent(r->arg, f->file_sent);
        if (n < sizeof(piece) && (ferror(r->file) || (r->length >= 0 && f->file_sent != (uint64_t)r->length))) {
            snprintf(f->answer->fault, sizeof(f->answer->fault), "the file cannot be read, or has changed");
            transit_reset(t, TRANSIT_WHY_CANCEL);
        } else if (n < sizeof(piece)) {
            transit_finish(t);
        }
    }
}

static void sent(struct transit *t)
{
    struct fetching *f = t->owner_data;
    if (f->request->file)
        send_file(f, t);
}

static void end(struct transit *t)
{
    ((struct fetching *)t->owner_data)->whole = true;
}

static void gone(struct transit *t, enum transit_end how)
{
    struct fetching *f = t->owner_data;
    if (!f->whole && !f->stopped && !f->answer->fault[0])
        snprintf(f->answer->fault, sizeof(f->answer->fault), "%s", t->fault ? t->fault : "the connection broke");
    f->whole = f->whole && how == TRANSIT_DONE;
    transit_free(&t);
    loop_stop(f->loop);
}

static const struct transit_owner owner = {.head = head, .data = data, .end = end, .sent = sent, .gone = gone};

static void late(struct due *due)
{
    struct fetching *f = (struct fetching *)(void *)((char *)due - offsetof(struct fetching, late));
    snprintf(f->answer->fault, sizeof(f->answer->fault), "no answer in time");
    f->stopped = true;
    loop_stop(f->loop);
}

static enum err fill_file(struct fetching *f, struct transit *t)
{
    const struct fetch_request *r = f->request;
    t->out.length = r->length;
    if (r->length >= 0)
        TRY(headers_add_token(&t->out.headers, HEADERS_CONTENT_LENGTH,
                              arena_putf(&t->arena, "%lld", (long long)r->length)));
    TRY(transit_head(t, false));
    send_file(f, t);
    return ERR_OK;
}

static enum err fill(struct fetching *f, struct transit *t)
{
    const struct fetch_request *r = f->request;
    struct message *m = &t->out;
    m->method = slice_str(r->method);
    m->scheme = SLICE("http");
    m->authority = r->authority.len ? r->authority : slice_str(r->address);
    m->path = slice_str(r->path);
    for (size_t i = 0; i < r->field_count; i++)
        TRY(headers_add_copy(&m->headers, r->fields[i].name, r->fields[i].value));
    if (r->file)
        return fill_file(f, t);
    if (!r->has_body)
        return transit_head(t, true);
    m->length = (int64_t)r->body.len;
    TRY(headers_add_token(&m->headers, HEADERS_CONTENT_LENGTH, arena_putf(&t->arena, "%zu", r->body.len)));
    TRY(transit_head(t, r->body.len == 0));
    if (r->body.len == 0)
        return ERR_OK;
    TRY(transit_write(t, r->body));
    transit_finish(t);
    return ERR_OK;
}

static enum err run(struct fetching *f)
{
    struct pool_conf conf = {
        .dial = dial,
        .arg = f,
        .protocol = POOL_H1,
        .connect_timeout_us = CONNECT_US,
        .idle_timeout_us = CONNECT_US,
        .max_connections = 1,
        .max_waiting = 1,
    };
    struct pool *pool = pool_new(f->loop, f->clock, &conf);
    struct transit *t = pool_request(pool, &owner, f);
    if (t && fill(f, t) == ERR_OK)
        loop_run(f->loop);
    else
        snprintf(f->answer->fault, sizeof(f->answer->fault), "the request is too large");
    pool_close(&pool);
    for (int i = 0; i < 3; i++)
        loop_turn(f->loop, false); /* the pool frees itself from the loop */
    return f->answer->status && (f->whole || (f->stopped && !f->answer->fault[0])) ? ERR_OK : ERR_IO;
}

enum err fetch(const struct fetch_request *request, struct fetch_answer *answer)
{
    *answer = (struct fetch_answer){0};
    arena_init(&answer->arena, HEADERS_BYTES);
    headers_init(&answer->headers, &answer->arena);
    buf_init(&answer->body, FETCH_BODY);
    struct fetching f = {.request = request, .answer = answer};
    const char *why;
    if (sock_parse(slice_str(request->address), &f.addr, &why) != ERR_OK) {
        snprintf(answer->fault, sizeof(answer->fault), "%s", why);
        return ERR_IO;
    }
    f.loop = loop_new();
    f.clock = due_clock_new(f.loop);
    due_init(&f.late, late);
    if (request->timeout_us)
        due_in(f.clock, &f.late, request->timeout_us);
    enum err e = run(&f);
    due_cancel(f.clock, &f.late);
    due_clock_free(&f.clock);
    loop_free(&f.loop);
    return e;
}

void fetch_answer_fini(struct fetch_answer *a)
{
    arena_fini(&a->arena);
    buf_fini(&a->body);
}
