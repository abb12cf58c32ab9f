/* The good path: the head and the body are told to the owner as any connection would,
 * never more than a window at once; what it answers is taken at the end of the turn.
 *
 * Everything the owner says is looked at from the loop, because ending an exchange
 * inside one of the owner's own calls would pull the ground from under it. */
#include "proxy/job_play.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "proxy/job_runner.h"

enum { PIECE = 64 << 10, METHOD_MOST = 32, DIGEST = 32 };

/* KEPT: in memory.  POURING: to who takes it.  POURED: all of it was taken.  SETTLED: and is where it should be.
 * SKIPPING: it is past the bound and nobody wants it. */
enum answer_way { KEPT, POURING, POURED, SETTLED, SKIPPING };

_Static_assert((int)JOB_PLAY_ANSWER == (int)JOB_RUNNER_RESULT, "one bound for a result");

struct job_play {
    struct transit transit;
    struct loop_task look;
    struct job_play_conf conf; /* done is NULL once it is over; assign is not kept */
    struct buf request, answer;
    enum answer_way way;
    bool more; /* of the body is to come */
    bool started;
};

static struct job_play *play_of(struct transit *t)
{
    return t->carrier_data;
}

/* --- the end --- */

static void end(struct job_play *p, enum job_play_end how, enum transit_end told)
{
    struct transit *t = &p->transit;
    struct job_play_answer answer = {how, t->out.status, &t->out.headers, buf_slice(&p->answer), p->way == SKIPPING};
    loop_task_cancel(&p->look);
    if (p->conf.done)
        p->conf.done(p->conf.arg, &answer);
    p->conf.done = NULL;
    transit_gone(t, told);
}

static void carry_free(struct transit *t)
{
    struct job_play *p = play_of(t);
    loop_task_cancel(&p->look);
    buf_fini(&p->request);
    buf_fini(&p->answer);
    transit_fini(t);
    mem_free(p);
}

/* --- both directions --- */

static void feed(struct job_play *p)
{
    struct transit *t = &p->transit;
    while (buf_len(&p->request) && t->owed < TRANSIT_WINDOW && !t->is_reset) {
        size_t room = TRANSIT_WINDOW - t->owed;
        struct slice piece = slice_to(buf_slice(&p->request), room < PIECE ? room : PIECE);
        transit_tell_data(t, piece);
        buf_took(&p->request, piece.len);
        if (p->conf.took && p->conf.done)
            p->conf.took(p->conf.arg, piece.len);
    }
    if (buf_len(&p->request) == 0 && !p->more && !t->in_ended && !t->is_reset)
        transit_tell_end(t);
}

/* First what was kept so far, then as it comes. */
static void pour(struct job_play *p)
{
    struct transit *t = &p->transit;
    bool last = false;
    if (buf_len(&p->answer))
        buf_took(&p->answer, p->conf.pour(p->conf.arg, buf_slice(&p->answer), &last));
    if (buf_len(&p->answer))
        return;
    last = t->out_ended;
    size_t n = p->conf.pour(p->conf.arg, buf_slice(&t->body), &last);
    if (last)
        p->way = POURED;
    transit_took(t, n);
}

static void collect(struct job_play *p)
{
    struct transit *t = &p->transit;
    struct slice bytes = buf_slice(&t->body);
    if (p->way == KEPT && buf_add(&p->answer, bytes) != ERR_OK) {
        struct job_play_answer head = {JOB_PLAY_ANSWERED, t->out.status, &t->out.headers, (struct slice){0}, false};
        p->way = p->conf.large && p->conf.large(p->conf.arg, &head) ? POURING : SKIPPING;
    }
    if (p->way == POURING)
        pour(p);
    else
        transit_took(t, bytes.len);
}

static void look(struct loop_task *task)
{
    struct job_play *p = LIST_OF(task, struct job_play, look);
    struct transit *t = &p->transit;
    if (!t->is_reset)
        feed(p);
    if (t->is_reset) {
        end(p, JOB_PLAY_BROKEN, TRANSIT_CANCELLED);
        return;
    }
    if (p->way != POURED && p->way != SETTLED)
        collect(p);
    bool kept = t->out_ended && buf_len(&t->body) == 0 && (p->way == KEPT || p->way == SKIPPING);
    if (kept || p->way == SETTLED)
        end(p, JOB_PLAY_ANSWERED, TRANSIT_DONE);
}

/* --- the carrier --- */

static void look_soon(struct transit *t)
{
    struct job_play *p = play_of(t);
    loop_defer(p->conf.loop, &p->look);
}

static enum err carry_head(struct transit *t, bool end_too)
{
    if (end_too)
        look_soon(t);
    return ERR_OK;
}

static enum err carry_info(struct transit *t, unsigned status, const struct headers *fields)
{
    (void)t, (void)status, (void)fields; /* nobody is there to hear it */
    return ERR_OK;
}

static void carry_credit(struct transit *t, size_t n)
{
    (void)n;
    look_soon(t);
}

static void carry_reset(struct transit *t, enum transit_why why)
{
    (void)why;
    look_soon(t);
}

static const struct transit_carrier carrier = {
    .head = carry_head,
    .info = carry_info,
    .wake = look_soon,
    .credit = carry_credit,
    .reset = carry_reset,
    .free = carry_free,
};

/* --- the request --- */

static bool is_path(struct slice path)
{
    if (path.len == 0 || path.at[0] != '/')
        return false;
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.at[i] <= 0x20 || path.at[i] == 0x7f)
            return false;
    return true;
}

static enum err add_fields(struct message *m, const Weft__Bus__V1__Assign *a)
{
    for (size_t i = 0; i < a->n_headers; i++) {
        struct slice name = slice_str(a->headers[i]->name);
        struct slice value = slice_of(a->headers[i]->value.data, a->headers[i]->value.len);
        if (!headers_name_ok(name) || !headers_value_ok(value))
            return ERR_INPUT;
        TRY(headers_add_copy(&m->headers, name, value));
    }
    return ERR_OK;
}

static enum err add_contract(struct message *m, struct arena *arena, ProtobufCBinaryData digest)
{
    headers_remove(&m->headers, HEADERS_WEFT_CONTRACT);
    if (digest.len != DIGEST)
        return ERR_OK;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_put(&text, SLICE("sha-256="));
    hash_put_base64url(&text, slice_of(digest.data, digest.len));
    struct slice value = arena_keep(arena, buf_slice(&text));
    buf_fini(&text);
    return headers_add_token(&m->headers, HEADERS_WEFT_CONTRACT, value);
}

/* What the function may want to know of its job. */
static enum err add_job(struct message *m, struct arena *arena, const struct job_play_conf *conf)
{
    const Weft__Bus__V1__Assign *a = conf->assign;
    struct slice id = arena_keep(arena, slice_str(a->job)), trace = arena_keep(arena, slice_str(a->traceparent));
    if (!headers_value_ok(id) || !headers_value_ok(trace))
        return ERR_INPUT;
    TRY(headers_set(&m->headers, HEADERS_WEFT_JOB, id));
    TRY(headers_set(&m->headers, HEADERS_WEFT_ATTEMPT, arena_putf(arena, "%u", a->attempt)));
    headers_remove_name(&m->headers, SLICE("weft-checkpoint"));
    if (a->checkpoint.len)
        TRY(headers_add(&m->headers, SLICE("weft-checkpoint"), arena_putf(arena, "%zu", a->checkpoint.len)));
    headers_remove(&m->headers, HEADERS_WEFT_DEADLINE);
    if (conf->deadline_ms)
        TRY(headers_add_token(&m->headers, HEADERS_WEFT_DEADLINE,
                              arena_putf(arena, "%llu", (unsigned long long)conf->deadline_ms)));
    return trace.len ? headers_set(&m->headers, HEADERS_TRACEPARENT, trace) : ERR_OK;
}

/* A request without a body says so only where a body is usual. */
static enum err add_length(struct message *m, struct arena *arena, size_t len)
{
    headers_remove(&m->headers, HEADERS_CONTENT_LENGTH);
    m->length = (int64_t)len;
    if (len == 0 && (slice_eq(m->method, SLICE("GET")) || slice_eq(m->method, SLICE("HEAD"))))
        return ERR_OK;
    return headers_add_token(&m->headers, HEADERS_CONTENT_LENGTH, arena_putf(arena, "%zu", len));
}

static enum err fill(struct job_play *p, const struct job_play_conf *conf)
{
    const Weft__Bus__V1__Assign *a = conf->assign;
    struct arena *arena = &p->transit.arena;
    struct message *m = &p->transit.in;
    m->method = arena_keep(arena, slice_str(a->method));
    m->path = arena_keep(arena, slice_str(a->path));
    m->scheme = SLICE("https");
    if (!headers_name_ok(m->method) || m->method.len > METHOD_MOST || !is_path(m->path))
        return ERR_INPUT;
    TRY(add_fields(m, a));
    TRY(add_job(m, arena, conf));
    TRY(add_contract(m, arena, a->contract));
    p->more = a->blob && a->blob->size;
    TRY(add_length(m, arena, p->more ? (size_t)a->blob->size : a->body.len));
    p->transit.peer_id = arena_keep(arena, slice_str(a->caller));
    p->transit.peer_addr = SLICE("job");
    return buf_add(&p->request, slice_of(a->body.data, a->body.len));
}

/* --- lifecycle --- */

struct job_play *job_play_new(const struct job_play_conf *conf)
{
    struct job_play *p = mem_new(sizeof(*p));
    p->conf = *conf;
    p->conf.assign = NULL;
    transit_init(&p->transit, &carrier, p);
    loop_task_init(&p->look, look);
    buf_init(&p->request, SIZE_MAX); /* one message, or the room that was given */
    buf_init(&p->answer, JOB_PLAY_ANSWER);
    if (fill(p, conf) == ERR_OK)
        return p;
    carry_free(&p->transit);
    return NULL;
}

void job_play_start(struct job_play *p, void (*begin)(void *arg, struct transit *t), void *arg)
{
    PRE(!p->started);
    p->started = true;
    begin(arg, &p->transit);
    transit_tell_head(&p->transit, buf_len(&p->request) == 0 && !p->more);
    if (!p->transit.in_ended)
        look_soon(&p->transit);
}

void job_play_give(struct job_play *p, struct slice bytes, bool last)
{
    buf_put(&p->request, bytes); /* within the room that `took` has given */
    p->more = !last;
    look_soon(&p->transit);
}

void job_play_pour(struct job_play *p)
{
    if (p->way == POURING)
        look_soon(&p->transit);
}

void job_play_poured(struct job_play *p)
{
    PRE(p->way == POURED);
    p->way = SETTLED;
    look_soon(&p->transit);
}

uint64_t job_play_length(const struct job_play *p)
{
    return p->transit.out.length > 0 ? (uint64_t)p->transit.out.length : 0;
}

void job_play_cut(struct job_play **play)
{
    struct job_play *p = *play;
    *play = NULL;
    if (!p)
        return;
    p->conf.done = NULL;
    if (p->started)
        end(p, JOB_PLAY_BROKEN, TRANSIT_RESET);
    else
        carry_free(&p->transit);
}

bool job_play_is(const struct transit *t)
{
    return t->carrier == &carrier;
}

struct slice job_play_caller(const struct job_play *p)
{
    return p->transit.peer_id;
}
