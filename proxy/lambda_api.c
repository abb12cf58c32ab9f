/* Two lists meet: calls that wait for a runtime, and runtimes that wait for a call.
 * A call that was given to a runtime is kept by its id until the answer comes.
 *
 * Whoever leaves is taken off its list: a caller that hangs up leaves an id that is
 * answered 400, a runtime that hangs up while it waits is not given anything. */
#include "proxy/lambda_api.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mem.h"

#define ROOT "/2018-06-01/runtime/"
#define INVOCATION ROOT "invocation/"

enum { ID_ROOM = 64, CHANCE = 12, SHOWN = 512 };

enum visit_kind {
    CALL,     /* for the function; it waits, or it is out under its id */
    NEXT,     /* a runtime that asks */
    RESPONSE, /* a runtime that answers */
    FAILURE,  /* the same, with an error */
    UNBORN,   /* a runtime that could not begin */
    LOST,     /* no path of ours: already refused */
};

struct visit {
    struct list link; /* of calls waiting, of calls out, or of runtimes; or of none */
    struct lambda_api *api;
    struct transit *transit;
    enum visit_kind kind;
    struct buf body;  /* what came */
    struct buf rest;  /* of what goes out, still to be written */
    char id[ID_ROOM]; /* of a call; of the call that is answered */
    uint64_t runtime; /* a call that is out: the connection it was given over */
    struct visit *to; /* a call: the runtime that is being told of it */
};

struct lambda_api {
    const struct now *now;
    char *function;
    uint32_t runtimes;
    struct list calls, out, asking;
    size_t waiting, given;
};

/* --- answers --- */

static void fail(struct visit *v)
{
    transit_reset(v->transit, TRANSIT_WHY_INTERNAL);
}

/* As much as goes; the rest when that has drained. */
static void pour(struct visit *v)
{
    while (buf_len(&v->rest)) {
        struct slice piece = slice_to(buf_slice(&v->rest), TRANSIT_LOW_WATER);
        if (transit_write(v->transit, piece) != ERR_OK)
            return;
        buf_took(&v->rest, piece.len);
    }
    transit_finish(v->transit);
}

/* The fields are set but for the length. */
static void answer(struct visit *v, unsigned status, struct slice body)
{
    struct transit *t = v->transit;
    size_t len = body.len;
    t->out.status = status;
    t->out.length = (int64_t)len;
    struct slice length = arena_putf(&t->arena, "%zu", len);
    bool fits = headers_add_token(&t->out.headers, HEADERS_CONTENT_LENGTH, length) == ERR_OK;
    if (!fits || transit_head(t, len == 0) != ERR_OK) {
        fail(v);
        return;
    }
    buf_put(&v->rest, body);
    if (len > 0)
        pour(v);
}

static void answer_text(struct visit *v, unsigned status, struct slice text)
{
    if (transit_answer(v->transit, status, SLICE("application/json"), text) != ERR_OK)
        fail(v);
}

/* The shape runtime clients expect. */
static void refuse(struct visit *v, unsigned status, const char *type, const char *message)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    struct json_out j;
    json_out_init(&j, &text, 0);
    json_out_object(&j);
    json_out_member(&j, "errorMessage", slice_str(message));
    json_out_member(&j, "errorType", slice_str(type));
    json_out_end(&j);
    answer_text(v, status, buf_slice(&text));
    buf_fini(&text);
}

/* --- a call and a runtime meet --- */

static void leave(struct visit *v)
{
    struct lambda_api *l = v->api;
    if (list_empty(&v->link))
        return;
    l->waiting -= v->kind == CALL && v->runtime == 0;
    l->given -= v->kind == CALL && v->runtime != 0;
    list_remove(&v->link);
    v->runtime = 0;
    v->to = NULL;
}

static void make_id(struct visit *call)
{
    const struct headers *h = &call->transit->in.headers;
    struct slice job = headers_value(h, HEADERS_WEFT_JOB), attempt = headers_value(h, HEADERS_WEFT_ATTEMPT);
    uint8_t chance[CHANCE];
    if (job.len && job.len + attempt.len + 2 < ID_ROOM && headers_name_ok(job) && headers_name_ok(attempt)) {
        snprintf(call->id, ID_ROOM, "%.*s.%.*s", SLICE_FMT(job), SLICE_FMT(attempt));
        return;
    }
    hash_random(chance, sizeof(chance));
    for (size_t i = 0; i < CHANCE; i++)
        snprintf(call->id + 2 * i, 3, "%02x", chance[i]);
}

/* W3C's traceparent, 00-TRACE-SPAN-FLAGS, as X-Ray writes it. */
static struct slice trace_of(const struct visit *call)
{
    enum { TRACEPARENT = 55 };
    struct slice p = headers_value(&call->transit->in.headers, HEADERS_TRACEPARENT);
    if (p.len != TRACEPARENT || p.at[2] != '-' || p.at[35] != '-' || p.at[52] != '-')
        return (struct slice){0};
    return arena_putf(&call->transit->arena, "Root=1-%.8s-%.24s;Parent=%.16s;Sampled=%c", p.at + 3, p.at + 11,
                      p.at + 36, p.at[TRACEPARENT - 1] == '1' ? '1' : '0');
}

static uint64_t deadline_of(const struct visit *call)
{
    uint64_t ms;
    struct slice told = headers_value(&call->transit->in.headers, HEADERS_WEFT_DEADLINE);
    if (slice_u64(told, INT64_MAX, &ms) == ERR_OK && told.len)
        return ms;
    return (uint64_t)(now_wall_us(call->api->now) / NOW_US_PER_MS) + LAMBDA_API_DEADLINE_MS;
}

static enum err add(struct headers *h, const char *name, struct slice value)
{
    return value.len ? headers_add_copy(h, slice_str(name), value) : ERR_OK;
}

static enum err add_fields(struct headers *h, struct visit *call)
{
    struct arena *a = &call->transit->arena;
    struct slice deadline = arena_putf(a, "%llu", (unsigned long long)deadline_of(call));
    struct slice arn = arena_putf(a, "arn:aws:lambda:local:000000000000:function:%s", call->api->function);
    struct slice type = headers_value(&call->transit->in.headers, HEADERS_CONTENT_TYPE);
    TRY(add(h, "lambda-runtime-aws-request-id", slice_str(call->id)));
    TRY(add(h, "lambda-runtime-deadline-ms", deadline));
    TRY(add(h, "lambda-runtime-invoked-function-arn", arn));
    TRY(add(h, "lambda-runtime-trace-id", trace_of(call)));
    return add(h, "content-type", type.len ? type : SLICE("application/json"));
}

static void give(struct visit *call, struct visit *runtime)
{
    struct lambda_api *l = call->api;
    leave(runtime);
    leave(call);
    make_id(call);
    /* Numbers of connections begin at 1. */
    call->runtime = runtime->transit->conn_id;
    call->to = runtime;
    list_push_back(&l->out, &call->link);
    l->given++;
    if (add_fields(&runtime->transit->out.headers, call) == ERR_OK)
        answer(runtime, 200, buf_slice(&call->body));
    else
        fail(runtime);
}

static void meet(struct lambda_api *l)
{
    while (!list_empty(&l->calls) && !list_empty(&l->asking))
        give(LIST_OF(list_first(&l->calls), struct visit, link), LIST_OF(list_first(&l->asking), struct visit, link));
}

/* The request it was given ends without an answer. */
static void cut(struct visit *call)
{
    log_event(LOG_WARN, "lambda-lost", LOG_STR("invocation", call->id),
              LOG_STR("why", "its runtime asks for the next one without an answer to this"));
    leave(call);
    fail(call);
}

static void look_for_lost(struct visit *runtime)
{
    struct lambda_api *l = runtime->api;
    for (struct list *at = l->out.next, *next; at != &l->out; at = next) {
        struct visit *call = LIST_OF(at, struct visit, link);
        next = at->next;
        if (call->runtime == runtime->transit->conn_id)
            cut(call);
    }
    if (l->given >= l->runtimes)
        cut(LIST_OF(list_first(&l->out), struct visit, link));
}

/* --- what a whole request means --- */

static void call_whole(struct visit *v)
{
    struct lambda_api *l = v->api;
    if (l->waiting >= LAMBDA_API_WAITING) {
        refuse(v, 503, "Overloaded", "1000 calls wait for a runtime.");
        return;
    }
    list_push_back(&l->calls, &v->link);
    l->waiting++;
    meet(l);
}

static void next_whole(struct visit *v)
{
    look_for_lost(v);
    list_push_back(&v->api->asking, &v->link);
    meet(v->api);
}

static struct visit *find_out(struct lambda_api *l, const char *id)
{
    for (struct list *at = l->out.next; at != &l->out; at = at->next) {
        struct visit *call = LIST_OF(at, struct visit, link);
        if (strcmp(call->id, id) == 0)
            return call;
    }
    return NULL;
}

static enum err say_type(struct visit *call, const struct visit *from, bool failed)
{
    struct headers *h = &call->transit->out.headers;
    struct slice type = headers_value(&from->transit->in.headers, HEADERS_CONTENT_TYPE);
    if (failed)
        TRY(headers_add_copy(h, SLICE("x-amz-function-error"), SLICE("Unhandled")));
    return headers_add_copy(h, SLICE("content-type"), type.len ? type : SLICE("application/json"));
}

/* A stream that failed in its middle says so behind its end. */
static bool has_failed(const struct visit *v)
{
    const struct headers *trailers = &v->transit->in.trailers;
    return v->kind == FAILURE || headers_find(trailers, SLICE("lambda-runtime-function-error-type"));
}

static void answer_whole(struct visit *v)
{
    struct visit *call = find_out(v->api, v->id);
    if (!call) {
        refuse(v, 400, "InvalidRequestID", "No invocation with this id is out; its caller may have left.");
        return;
    }
    bool failed = has_failed(v);
    leave(call);
    if (say_type(call, v, failed) == ERR_OK)
        answer(call, failed ? 500 : 200, buf_slice(&v->body));
    else
        fail(call);
    answer_text(v, 202, SLICE("{\"status\":\"OK\"}\n"));
}

static void unborn_whole(struct visit *v)
{
    log_event(LOG_ERROR, "lambda-init-failed", LOG_TEXT("said", slice_to(buf_slice(&v->body), SHOWN)));
    answer_text(v, 202, SLICE("{\"status\":\"OK\"}\n"));
}

/* --- as an owner --- */

static void data(struct transit *t, struct slice bytes)
{
    struct visit *v = t->owner_data;
    transit_credit(t, t->owed);
    if (!t->out_head && buf_add(&v->body, bytes) != ERR_OK)
        refuse(v, 413, "RequestEntityTooLarge", "An event or an answer may have 6 MiB.");
}

static void end(struct transit *t)
{
    static void (*const whole[])(struct visit * v) = {
        [CALL] = call_whole,      [NEXT] = next_whole,     [RESPONSE] = answer_whole,
        [FAILURE] = answer_whole, [UNBORN] = unborn_whole, [LOST] = NULL,
    };
    struct visit *v = t->owner_data;
    if (!t->out_head && whole[v->kind])
        whole[v->kind](v);
}

static void sent(struct transit *t)
{
    struct visit *v = t->owner_data;
    if (buf_len(&v->rest))
        pour(v);
}

/* It was never told, or never heard all of it: another runtime is asked, before all others. */
static void take_back(struct visit *runtime, bool heard)
{
    struct lambda_api *l = runtime->api;
    for (struct list *at = l->out.next, *next; at != &l->out; at = next) {
        struct visit *call = LIST_OF(at, struct visit, link);
        next = at->next;
        if (call->to != runtime)
            continue;
        call->to = NULL;
        if (heard)
            continue;
        leave(call);
        list_push_front(&l->calls, &call->link);
        l->waiting++;
    }
    meet(l);
}

static void gone(struct transit *t, enum transit_end how)
{
    struct visit *v = t->owner_data;
    leave(v);
    if (v->kind == NEXT)
        take_back(v, how == TRANSIT_DONE);
    buf_fini(&v->body);
    buf_fini(&v->rest);
    mem_free(v);
    transit_free(&t);
}

static const struct transit_owner owner = {.data = data, .end = end, .sent = sent, .gone = gone};

/* "ID/response" or "ID/error" behind INVOCATION. */
static enum visit_kind kind_of_answer(struct visit *v, struct slice rest)
{
    size_t slash;
    if (!slice_find(rest, '/', &slash) || slash == 0 || slash >= ID_ROOM)
        return LOST;
    memcpy(v->id, rest.at, slash);
    struct slice verb = slice_from(rest, slash);
    if (slice_eq(verb, SLICE("/response")))
        return RESPONSE;
    return slice_eq(verb, SLICE("/error")) ? FAILURE : LOST;
}

static enum visit_kind kind_of(struct visit *v)
{
    const struct message *in = &v->transit->in;
    struct slice path = message_path_only(in);
    bool posts = slice_eq(in->method, SLICE("POST"));
    if (!slice_starts(path, SLICE(ROOT)))
        return CALL;
    if (slice_eq(path, SLICE(INVOCATION "next")))
        return slice_eq(in->method, SLICE("GET")) ? NEXT : LOST;
    if (slice_eq(path, SLICE(ROOT "init/error")) && posts)
        return UNBORN;
    bool answers = slice_starts(path, SLICE(INVOCATION)) && posts;
    return answers ? kind_of_answer(v, slice_from(path, sizeof(INVOCATION) - 1)) : LOST;
}

void lambda_api_serve(struct lambda_api *l, struct transit *t)
{
    struct visit *v = mem_new(sizeof(*v));
    *v = (struct visit){.api = l, .transit = t};
    list_init(&v->link);
    buf_init(&v->body, LAMBDA_API_BODY);
    buf_init(&v->rest, LAMBDA_API_BODY);
    t->owner = &owner;
    t->owner_data = v;
    v->kind = kind_of(v);
    if (v->kind == LOST)
        refuse(v, 404, "NoSuchPath",
               "There is GET invocation/next, POST invocation/ID/response, .../error, init/error.");
}

/* --- lifecycle --- */

struct lambda_api *lambda_api_new(const struct now *now, struct slice function, uint32_t runtimes)
{
    struct lambda_api *l = mem_new(sizeof(*l));
    *l = (struct lambda_api){.now = now, .function = mem_copy(function), .runtimes = runtimes};
    list_init(&l->calls);
    list_init(&l->out);
    list_init(&l->asking);
    return l;
}

void lambda_api_free(struct lambda_api **lambda)
{
    struct lambda_api *l = *lambda;
    *lambda = NULL;
    if (!l)
        return;
    mem_free(l->function);
    mem_free(l);
}
