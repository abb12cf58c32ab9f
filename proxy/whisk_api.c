/* One request is with the container, the others wait in a list.  Of the container's side there is one exchange at a
 * time, too: an /init, or a /run. */
#include "proxy/whisk_api.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mem.h"
#include "contracts/wire/json_tok.h"

enum {
    SECOND = 1000000,
    ENVELOPE = 4096,
    SHOWN = 512,
    CHANCE = 16,
    ESCAPED_WORST = 6,
    ANSWER = WHISK_API_BODY + ENVELOPE
};

/* A caller's request; it waits, or the container has it. */
struct visit {
    struct list link;
    struct whisk_api *api;
    struct transit *transit;
    struct buf body, rest; /* what came; what goes out and is still to be written */
};

struct whisk_api {
    struct loop *loop;
    struct pool *pool;
    char *name, *main, *code;
    bool binary, is_ready;
    struct list waiting;
    size_t count;
    struct visit *running; /* NULL: its caller has left, or there is none */
    struct transit *asked; /* at the container */
    bool is_init;
    struct buf answer, question;
    struct loop_task next;
    bool closing;
};

/* --- to the caller --- */

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

static void answer(struct visit *v, unsigned status, struct slice body)
{
    struct transit *t = v->transit;
    t->out.status = status;
    t->out.length = (int64_t)body.len;
    struct headers *h = &t->out.headers;
    bool fits = headers_add_token(h, HEADERS_CONTENT_TYPE, SLICE("application/json")) == ERR_OK &&
                headers_add_token(h, HEADERS_CONTENT_LENGTH, arena_putf(&t->arena, "%zu", body.len)) == ERR_OK;
    if (!fits || transit_head(t, body.len == 0) != ERR_OK) {
        transit_reset(t, TRANSIT_WHY_INTERNAL);
        return;
    }
    buf_put(&v->rest, body);
    if (body.len > 0)
        pour(v);
}

/* The shape of an action's own errors. */
static void refuse(struct visit *v, unsigned status, const char *why)
{
    struct buf text;
    struct json_out j;
    buf_init(&text, BUF_TEXT_BOUND);
    json_out_init(&j, &text, 0);
    json_out_object(&j);
    json_out_member(&j, "error", slice_str(why));
    json_out_end(&j);
    answer(v, status, buf_slice(&text));
    buf_fini(&text);
}

static struct visit *take_running(struct whisk_api *w)
{
    struct visit *v = w->running;
    w->running = NULL;
    return v;
}

static bool is_object(struct slice json)
{
    return slice_starts(slice_trim(json), SLICE("{")) && json_tok_whole(json);
}

/* --- what the container says --- */

static void said_of_init(struct whisk_api *w, unsigned status)
{
    w->is_ready = status == 200 || status == 403;
    if (w->is_ready) {
        log_event(LOG_INFO, "whisk-ready", LOG_STR("action", w->name));
        return;
    }
    struct slice said = slice_to(buf_slice(&w->answer), SHOWN);
    log_event(LOG_ERROR, "whisk-init-failed", LOG_STR("action", w->name), LOG_INT("status", status),
              LOG_TEXT("said", said));
    struct visit *v = take_running(w);
    if (v)
        refuse(v, 502, "The action could not be initialised; the sidecar's log has what its container said.");
}

static void said_of_run(struct whisk_api *w, unsigned status)
{
    struct visit *v = take_running(w);
    struct slice said = buf_slice(&w->answer);
    if (!v)
        return;
    if (!is_object(said))
        refuse(v, 502, "The action's answer is no JSON object.");
    else
        answer(v, status == 200 ? 200 : 500, said);
}

/* What it was asked for last is lost, and the next container knows nothing of us. */
static void broke_off(struct whisk_api *w, const struct transit *t, enum transit_end how)
{
    struct visit *v = take_running(w);
    log_event(LOG_WARN, "whisk-lost", LOG_STR("action", w->name),
              LOG_STR("why", t->fault && t->fault[0] ? t->fault : "the container broke off"));
    w->is_ready = false;
    if (!v)
        return;
    if (how == TRANSIT_UNSENT)
        refuse(v, 503, "The action's container cannot be reached.");
    else
        transit_reset(v->transit, TRANSIT_WHY_INTERNAL);
}

static void heard(struct transit *t, struct slice bytes)
{
    struct whisk_api *w = t->owner_data;
    transit_credit(t, t->owed);
    if (buf_add(&w->answer, bytes) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_CANCEL);
}

static void heard_nothing(struct transit *t)
{
    (void)t;
}

/* The rest of a question as the container takes it. */
static void ask_on(struct transit *t)
{
    struct whisk_api *w = t->owner_data;
    while (buf_len(&w->question)) {
        struct slice piece = slice_to(buf_slice(&w->question), TRANSIT_LOW_WATER);
        if (transit_write(t, piece) != ERR_OK)
            return;
        buf_took(&w->question, piece.len);
    }
    transit_finish(t);
}

static void over(struct transit *t, enum transit_end how)
{
    struct whisk_api *w = t->owner_data;
    unsigned status = t->in.status;
    w->asked = NULL;
    if (how != TRANSIT_DONE)
        broke_off(w, t, how);
    else if (w->is_init)
        said_of_init(w, status);
    else
        said_of_run(w, status);
    transit_free(&t);
    buf_clear(&w->answer);
    buf_clear(&w->question);
    if (!w->closing)
        loop_defer(w->loop, &w->next);
}

static const struct transit_owner container = {
    .head = heard_nothing, .data = heard, .end = heard_nothing, .sent = ask_on, .gone = over};

/* --- what it is asked --- */

static void put_init(const struct whisk_api *w, struct json_out *j)
{
    json_out_object(j);
    json_out_name(j, "value");
    json_out_object(j);
    json_out_member(j, "name", slice_str(w->name));
    json_out_member(j, "main", slice_str(w->main));
    json_out_member(j, "code", slice_str(w->code));
    json_out_name(j, "binary");
    json_out_bool(j, w->binary);
    json_out_end(j);
    json_out_end(j);
}

static void put_deadline(const struct visit *v, struct json_out *j)
{
    char text[24];
    uint64_t ms;
    struct slice told = headers_value(&v->transit->in.headers, HEADERS_WEFT_DEADLINE);
    if (!told.len || slice_u64(told, INT64_MAX, &ms) != ERR_OK)
        ms = (uint64_t)(now_wall_us(loop_now(v->api->loop)) / NOW_US_PER_MS) + WHISK_API_DEADLINE_MS;
    snprintf(text, sizeof(text), "%llu", (unsigned long long)ms);
    json_out_member(j, "deadline", slice_str(text));
}

/* A job and its attempt, or chance. */
static void put_id(const struct visit *v, struct json_out *j)
{
    const struct headers *h = &v->transit->in.headers;
    struct slice job = headers_value(h, HEADERS_WEFT_JOB), attempt = headers_value(h, HEADERS_WEFT_ATTEMPT);
    uint8_t chance[CHANCE];
    struct buf id;
    buf_init(&id, ENVELOPE);
    if (job.len)
        buf_putf(&id, "%.*s.%.*s", SLICE_FMT(slice_to(job, SHOWN)), SLICE_FMT(slice_to(attempt, SHOWN)));
    else {
        hash_random(chance, sizeof(chance));
        hash_put_hex(&id, slice_of(chance, sizeof(chance)));
    }
    json_out_member(j, "activation_id", buf_slice(&id));
    buf_fini(&id);
}

static void put_run(const struct whisk_api *w, struct json_out *j)
{
    const struct visit *v = w->running;
    struct slice event = buf_slice(&v->body);
    json_out_object(j);
    json_out_name(j, "value");
    json_out_raw(j, event.len ? event : SLICE("{}"));
    json_out_member(j, "namespace", SLICE("_"));
    json_out_member(j, "action_name", slice_str(w->name));
    json_out_member(j, "api_host", SLICE(""));
    json_out_member(j, "api_key", SLICE(""));
    put_id(v, j);
    put_deadline(v, j);
    json_out_end(j);
}

static enum err put_head(struct transit *t, const char *path, size_t len)
{
    t->out.method = SLICE("POST");
    t->out.scheme = SLICE("http");
    t->out.authority = SLICE("localhost");
    t->out.path = slice_str(path);
    t->out.length = (int64_t)len;
    TRY(headers_add_token(&t->out.headers, HEADERS_CONTENT_TYPE, SLICE("application/json")));
    TRY(headers_add_token(&t->out.headers, HEADERS_CONTENT_LENGTH, arena_putf(&t->arena, "%zu", len)));
    return transit_head(t, false);
}

static void ask(struct whisk_api *w)
{
    struct json_out j;
    w->is_init = !w->is_ready;
    json_out_init(&j, &w->question, 0);
    if (w->is_init)
        put_init(w, &j);
    else
        put_run(w, &j);
    w->asked = pool_request(w->pool, &container, w);
    if (put_head(w->asked, w->is_init ? "/init" : "/run", buf_len(&w->question)) == ERR_OK)
        ask_on(w->asked);
    else
        transit_reset(w->asked, TRANSIT_WHY_INTERNAL);
}

static void go_on(struct loop_task *task)
{
    struct whisk_api *w = LIST_OF(task, struct whisk_api, next);
    if (w->asked)
        return;
    if (!w->running && !list_empty(&w->waiting)) {
        w->running = LIST_OF(list_first(&w->waiting), struct visit, link);
        list_remove(&w->running->link);
        w->count--;
    }
    if (w->running)
        ask(w);
}

/* --- as an owner of callers' requests --- */

static void data(struct transit *t, struct slice bytes)
{
    struct visit *v = t->owner_data;
    transit_credit(t, t->owed);
    if (!t->out_head && buf_add(&v->body, bytes) != ERR_OK)
        refuse(v, 413, "An event or an answer may have 6 MiB.");
}

static void end(struct transit *t)
{
    struct visit *v = t->owner_data;
    struct whisk_api *w = v->api;
    if (t->out_head)
        return;
    if (buf_len(&v->body) && !is_object(buf_slice(&v->body))) {
        refuse(v, 400, "An action takes a JSON object, or nothing.");
        return;
    }
    if (w->count >= WHISK_API_WAITING) {
        refuse(v, 503, "1000 requests wait for the action's container.");
        return;
    }
    list_push_back(&w->waiting, &v->link);
    w->count++;
    loop_defer(w->loop, &w->next);
}

static void sent(struct transit *t)
{
    struct visit *v = t->owner_data;
    if (buf_len(&v->rest))
        pour(v);
}

/* There is no way to stop an action: what it says is then of no interest. */
static void gone(struct transit *t, enum transit_end how)
{
    struct visit *v = t->owner_data;
    struct whisk_api *w = v->api;
    (void)how;
    if (!list_empty(&v->link)) {
        list_remove(&v->link);
        w->count--;
    }
    if (w->running == v)
        w->running = NULL;
    buf_fini(&v->body);
    buf_fini(&v->rest);
    mem_free(v);
    transit_free(&t);
}

static const struct transit_owner caller = {.data = data, .end = end, .sent = sent, .gone = gone};

void whisk_api_serve(struct whisk_api *w, struct transit *t)
{
    struct visit *v = mem_new(sizeof(*v));
    *v = (struct visit){.api = w, .transit = t};
    list_init(&v->link);
    buf_init(&v->body, WHISK_API_BODY);
    buf_init(&v->rest, WHISK_API_BODY);
    t->owner = &caller;
    t->owner_data = v;
}

/* --- lifecycle --- */

struct whisk_api *whisk_api_new(const struct whisk_api_conf *conf)
{
    struct whisk_api *w = mem_new(sizeof(*w));
    *w = (struct whisk_api){
        .loop = conf->loop,
        .name = mem_copy(conf->name),
        .main = mem_copy(conf->main),
        .code = mem_copy(conf->code),
        .binary = conf->binary,
    };
    list_init(&w->waiting);
    loop_task_init(&w->next, go_on);
    buf_init(&w->answer, WHISK_API_BODY);
    buf_init(&w->question, ANSWER + ESCAPED_WORST * conf->code.len);
    struct pool_conf pool = {
        .dial = conf->dial,
        .arg = conf->arg,
        .protocol = POOL_H1,
        .connect_timeout_us = SECOND,
        .idle_timeout_us = INT64_C(4) * SECOND,
        .max_connections = 1,
        .max_waiting = 1,
    };
    w->pool = pool_new(conf->loop, conf->clock, &pool);
    return w;
}

void whisk_api_free(struct whisk_api **whisk)
{
    struct whisk_api *w = *whisk;
    *whisk = NULL;
    if (!w)
        return;
    w->closing = true;
    loop_task_cancel(&w->next);
    if (w->asked)
        transit_reset(w->asked, TRANSIT_WHY_CANCEL);
    for (int i = 0; i < 16 && w->asked; i++)
        loop_turn(w->loop, false);
    pool_close(&w->pool);
    buf_fini(&w->answer);
    buf_fini(&w->question);
    mem_free(w->name);
    mem_free(w->main);
    mem_free(w->code);
    mem_free(w);
}
