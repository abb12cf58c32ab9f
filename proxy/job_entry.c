/* One visit per request.  A submit or a question becomes one call on the bus; what
 * comes back is turned into HTTP.  Two visits last longer: a submit that waits for
 * its answer (Prefer: wait=N), and a stream of events; both watch the job.
 *
 * The caller may leave at any moment: the visit forgets its call and stops watching,
 * the job goes on. */
#include "proxy/job_entry.h"

#include <stdio.h>

#include "base/mem.h"
#include "proxy/job_json.h"
#include "proxy/job_options.h"
#include "proxy/job_report.h"
#include "proxy/reply.h"

enum {
    CALL_US = 10 * NOW_US_PER_S,
    KEEP_ALIVE_US = 15 * NOW_US_PER_S,
    PROGRESS_BODY = 16 << 10,
    STREAM_BOUND = 128 << 10, /* unsent bytes of events; then the reader is cut and comes back */
    ID_ROOM = 48,
};

struct job_entry {
    struct loop *loop;
    struct due_clock *clock;
    struct job_link *link;
    struct job_runner *runner;
    struct list visits;
};

struct visit {
    struct list link;
    struct job_entry *entry;
    struct transit *down;
    struct buf body;
    char id[ID_ROOM];
    void (*begin)(struct visit *v); /* the body is whole */
    void (*answer)(struct visit *v, const Weft__Bus__V1__Record *r);
    struct job_link_watch watch;
    struct due due;
    /* a submit */
    struct job_options options;
    struct slice service, operation, path;
    struct contract *consumes;
    bool streaming;
};

/* --- answers --- */

static void refuse(struct visit *v, enum reply_word word, const char *detail)
{
    reply_refuse(v->down, word, slice_str(detail), (struct slice){0});
}

static void send_json(struct visit *v, unsigned status, struct buf *text)
{
    if (transit_answer(v->down, status, SLICE("application/json"), buf_slice(text)) != ERR_OK)
        transit_reset(v->down, TRANSIT_WHY_INTERNAL);
    buf_fini(text);
}

static void answer_job(struct visit *v, unsigned status, const Weft__Bus__V1__Job *job)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    job_json_put(&text, job);
    send_json(v, status, &text);
}

/* --- calls --- */

static void called(void *arg, enum err e, const Weft__Bus__V1__Record *r)
{
    struct visit *v = arg;
    if (e != ERR_OK)
        refuse(v, REPLY_BROKER_UNREACHABLE, "The broker did not answer; whether it took the request is unknown.");
    else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_PROBLEM)
        reply_word_text(v->down, r->problem->status, slice_str(r->problem->word), slice_str(r->problem->detail));
    else
        v->answer(v, r);
}

static void call(struct visit *v, Weft__Bus__V1__Record *r,
                 void (*answer)(struct visit *v, const Weft__Bus__V1__Record *r))
{
    struct bus_client *bus = job_link_bus(v->entry->link);
    v->answer = answer;
    if (!bus || bus_client_call(bus, r, CALL_US, called, v) != ERR_OK)
        refuse(v, REPLY_BROKER_UNREACHABLE, job_link_state(v->entry->link));
}

/* --- the end of a visit --- */

static void visit_free(struct visit *v)
{
    struct bus_client *bus = job_link_bus(v->entry->link);
    if (bus)
        bus_client_forget(bus, v);
    job_link_unwatch(v->entry->link, &v->watch);
    due_cancel(v->entry->clock, &v->due);
    list_remove(&v->link);
    contract_unref(&v->consumes);
    buf_fini(&v->body);
    mem_free(v);
}

static void visit_data(struct transit *t, struct slice bytes)
{
    struct visit *v = t->owner_data;
    transit_credit(t, t->owed);
    if (!t->out_head && buf_add(&v->body, bytes) != ERR_OK)
        refuse(v, REPLY_PAYLOAD_TOO_LARGE, "A job's body may have 256 KiB, progress 16 KiB.");
}

static void visit_end(struct transit *t)
{
    struct visit *v = t->owner_data;
    if (!t->out_head)
        v->begin(v);
}

static void visit_gone(struct transit *t, enum transit_end how)
{
    (void)how;
    visit_free(t->owner_data);
    transit_free(&t);
}

static const struct transit_owner visit_owner = {.data = visit_data, .end = visit_end, .gone = visit_gone};

static struct visit *visit_new(struct job_entry *e, struct transit *down, size_t body_bound)
{
    struct visit *v = mem_new(sizeof(*v));
    v->entry = e;
    v->down = down;
    list_init(&v->watch.link);
    list_push_back(&e->visits, &v->link);
    buf_init(&v->body, body_bound);
    down->owner = &visit_owner;
    down->owner_data = v;
    return v;
}

/* --- results --- */

static enum err fill_result(struct visit *v, const Weft__Bus__V1__Result *r)
{
    struct message *m = &v->down->out;
    m->status = r->status;
    m->length = (int64_t)r->body.len;
    for (size_t i = 0; i < r->n_headers; i++)
        TRY(headers_add_copy(&m->headers, slice_str(r->headers[i]->name),
                             slice_of(r->headers[i]->value.data, r->headers[i]->value.len)));
    if (!headers_get(&m->headers, HEADERS_CONTENT_LENGTH))
        TRY(headers_add_token(&m->headers, HEADERS_CONTENT_LENGTH, arena_putf(&v->down->arena, "%zu", r->body.len)));
    return headers_add_token(&m->headers, HEADERS_WEFT_JOB, slice_str(v->id));
}

/* The function's own status, headers and body. */
static void send_result(struct visit *v, const Weft__Bus__V1__Result *r)
{
    struct transit *t = v->down;
    bool bare = r->body.len == 0 || message_bodiless(t->in.method, r->status);
    if (fill_result(v, r) != ERR_OK || transit_head(t, bare) != ERR_OK) {
        transit_reset(t, TRANSIT_WHY_INTERNAL);
        return;
    }
    if (bare)
        return;
    if (transit_write(t, slice_of(r->body.data, r->body.len)) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
    else
        transit_finish(t);
}

static void fetched(struct visit *v, const Weft__Bus__V1__Record *r)
{
    if (r->body_case != WEFT__BUS__V1__RECORD__BODY_RESULT) {
        refuse(v, REPLY_BAD_ANSWER, "The broker answers with something else.");
        return;
    }
    switch (r->result->state) {
    case WEFT__BUS__V1__STATE__DONE:
        send_result(v, r->result);
        break;
    case WEFT__BUS__V1__STATE__CANCELLED:
    case WEFT__BUS__V1__STATE__DEAD:
        reply_word_text(v->down, 410, SLICE("job-ended"),
                        r->result->state == WEFT__BUS__V1__STATE__DEAD
                            ? SLICE("The job is dead: GET /v1/jobs/ID says why, POST .../retry tries again.")
                            : SLICE("The job was cancelled."));
        break;
    default: /* not over yet */
        refuse(v, REPLY_JOB_RUNNING, "");
        break;
    }
}

static void fetch(struct visit *v)
{
    Weft__Bus__V1__Fetch body = WEFT__BUS__V1__FETCH__INIT;
    body.job = v->id;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_FETCH;
    r.fetch = &body;
    call(v, &r, fetched);
}

/* --- submit --- */

static enum err fill_accepted(struct visit *v)
{
    struct headers *h = &v->down->out.headers;
    struct arena *a = &v->down->arena;
    TRY(headers_add_token(h, HEADERS_LOCATION, arena_putf(a, "/v1/jobs/%s", v->id)));
    TRY(headers_add_token(h, HEADERS_PREFERENCE_APPLIED, SLICE("respond-async")));
    TRY(headers_add_token(h, HEADERS_RETRY_AFTER, SLICE("1")));
    TRY(headers_add_token(h, HEADERS_VARY, SLICE("prefer")));
    return headers_add_token(h, HEADERS_WEFT_JOB, slice_str(v->id));
}

static void send_accepted(struct visit *v)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_putf(&text,
             "{\"job\":\"%s\",\"links\":{\"self\":\"/v1/jobs/%s\",\"result\":\"/v1/jobs/%s/result\","
             "\"events\":\"/v1/jobs/%s/events\"}}\n",
             v->id, v->id, v->id, v->id);
    if (fill_accepted(v) != ERR_OK) {
        buf_fini(&text);
        transit_reset(v->down, TRANSIT_WHY_INTERNAL);
        return;
    }
    send_json(v, 202, &text);
}

static void waited_enough(struct due *due)
{
    struct visit *v = (struct visit *)(void *)((char *)due - offsetof(struct visit, due));
    job_link_unwatch(v->entry->link, &v->watch);
    if (!v->down->out_head)
        send_accepted(v);
}

static void waited_event(struct job_link_watch *w, const Weft__Bus__V1__Event *event)
{
    struct visit *v = LIST_OF(w, struct visit, watch);
    if (!event->last || v->down->out_head)
        return;
    due_cancel(v->entry->clock, &v->due);
    struct slice applied = arena_putf(&v->down->arena, "wait=%u", v->options.prefer.wait_s);
    bool fits = headers_add_token(&v->down->out.headers, HEADERS_PREFERENCE_APPLIED, applied) == ERR_OK;
    (void)fits; /* the first field of a fresh head */
    fetch(v);
}

static void accepted(struct visit *v, const Weft__Bus__V1__Record *r)
{
    if (r->body_case != WEFT__BUS__V1__RECORD__BODY_ACCEPTED || strlen(r->accepted->job) >= sizeof(v->id)) {
        refuse(v, REPLY_BAD_ANSWER, "The broker answers with something else.");
        return;
    }
    memcpy(v->id, r->accepted->job, strlen(r->accepted->job) + 1);
    if (!v->options.prefer.has_wait || v->options.prefer.wait_s == 0) {
        send_accepted(v);
        return;
    }
    memcpy(v->watch.job, v->id, sizeof(v->watch.job));
    v->watch.fn = waited_event;
    due_init(&v->due, waited_enough);
    due_in(v->entry->clock, &v->due, (int64_t)v->options.prefer.wait_s * NOW_US_PER_S);
    job_link_watch(v->entry->link, &v->watch);
}

/* Each part is preceded by its length, so that no two requests look alike. */
static void put_part(struct buf *all, struct slice part)
{
    buf_putf(all, "%zu:", part.len);
    buf_put(all, part);
}

static struct hash_digest fingerprint(struct visit *v)
{
    struct buf all;
    buf_init(&all, BUF_TEXT_BOUND);
    put_part(&all, v->down->in.method);
    put_part(&all, v->path);
    put_part(&all, headers_value(&v->down->in.headers, HEADERS_CONTENT_TYPE));
    put_part(&all, buf_slice(&v->body));
    struct hash_digest digest = hash_sha256(buf_slice(&all));
    buf_fini(&all);
    return digest;
}

static size_t fill_headers(struct visit *v, Weft__Bus__V1__Header ***out)
{
    const struct headers *in = &v->down->in.headers;
    struct arena *a = &v->down->arena;
    Weft__Bus__V1__Header *items = arena_array(a, in->count + 1, sizeof(*items));
    *out = arena_array(a, in->count + 1, sizeof(**out));
    size_t count = 0;
    for (uint32_t i = 0; i < in->count; i++) {
        if (job_options_keeps(&in->v[i]))
            continue;
        weft__bus__v1__header__init(&items[count]);
        items[count].name = (char *)(uintptr_t)arena_keep(a, in->v[i].name).at;
        items[count].value =
            (ProtobufCBinaryData){.len = in->v[i].value.len, .data = (uint8_t *)(uintptr_t)in->v[i].value.at};
        (*out)[count] = &items[count];
        count++;
    }
    return count;
}

static char *text_of(struct visit *v, struct slice s)
{
    return (char *)(uintptr_t)arena_keep(&v->down->arena, s).at;
}

static void submit(struct visit *v)
{
    struct hash_digest digest = fingerprint(v);
    Weft__Bus__V1__Submit body = WEFT__BUS__V1__SUBMIT__INIT;
    body.service = text_of(v, v->service);
    body.operation = text_of(v, v->operation);
    body.method = text_of(v, v->down->in.method);
    body.path = text_of(v, v->path);
    body.n_headers = fill_headers(v, &body.headers);
    body.body = (ProtobufCBinaryData){.len = buf_len(&v->body), .data = (uint8_t *)(uintptr_t)buf_slice(&v->body).at};
    body.key = v->options.key;
    body.fingerprint = (ProtobufCBinaryData){.len = sizeof(digest.b), .data = digest.b};
    body.priority = v->options.priority;
    body.delay_ms = v->options.delay_ms;
    body.deadline_ms = v->options.deadline_ms;
    body.timeout_ms = v->options.timeout_ms;
    body.attempts = v->options.attempts;
    if (v->consumes)
        body.contract = (ProtobufCBinaryData){.len = sizeof(struct hash_digest),
                                              .data = (uint8_t *)(uintptr_t)contract_digest(v->consumes)->b};
    body.traceparent = text_of(v, headers_value(&v->down->in.headers, HEADERS_TRACEPARENT));
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_SUBMIT;
    r.submit = &body;
    call(v, &r, accepted);
}

bool job_entry_wanted(const struct message *request)
{
    struct prefer prefer;
    prefer_read(&request->headers, &prefer);
    return prefer.respond_async;
}

void job_entry_submit(struct job_entry *e, struct transit *down, const struct job_entry_target *target)
{
    struct visit *v = visit_new(e, down, JOB_ENTRY_PAYLOAD);
    v->begin = submit;
    v->service = arena_keep(&down->arena, target->service);
    v->operation = arena_keep(&down->arena, target->operation);
    v->path = arena_keep(&down->arena, target->path);
    v->consumes = target->consumes ? contract_ref(target->consumes) : NULL;
    struct buf complaint;
    buf_init(&complaint, BUF_TEXT_BOUND);
    if (job_options_read(&down->in.headers, now_wall_us(loop_now(e->loop)), &v->options, &complaint) != ERR_OK)
        reply_refuse(down, REPLY_BAD_REQUEST, buf_slice(&complaint), (struct slice){0});
    buf_fini(&complaint);
}

/* --- events --- */

static enum err put_frame(struct visit *v, const Weft__Bus__V1__Event *event)
{
    struct buf frame;
    buf_init(&frame, BUF_TEXT_BOUND);
    buf_putf(&frame, "id: %llu\nevent: %s\n", (unsigned long long)event->id, event->name);
    struct slice rest = slice_of(event->data.data, event->data.len), line;
    while (slice_split(&rest, '\n', &line))
        buf_putf(&frame, "data: %.*s\n", SLICE_FMT(line));
    buf_put_char(&frame, '\n');
    enum err e = buf_len(&v->down->body) > STREAM_BOUND ? ERR_FULL : transit_write(v->down, buf_slice(&frame));
    buf_fini(&frame);
    return e;
}

static void stream_event(struct job_link_watch *w, const Weft__Bus__V1__Event *event)
{
    struct visit *v = LIST_OF(w, struct visit, watch);
    if (v->down->out_ended)
        return;
    if (put_frame(v, event) != ERR_OK)
        transit_reset(v->down, TRANSIT_WHY_CANCEL); /* too slow: it comes back with Last-Event-ID */
    else if (event->last)
        transit_finish(v->down);
}

static void stream_alive(struct due *due)
{
    struct visit *v = (struct visit *)(void *)((char *)due - offsetof(struct visit, due));
    if (v->down->out_ended || transit_write(v->down, SLICE(": still here\n\n")) != ERR_OK)
        return;
    due_in(v->entry->clock, &v->due, KEEP_ALIVE_US);
}

static enum err stream_head(struct visit *v)
{
    struct message *m = &v->down->out;
    m->status = 200;
    TRY(headers_add_token(&m->headers, HEADERS_CONTENT_TYPE, SLICE("text/event-stream")));
    TRY(headers_add_token(&m->headers, HEADERS_CACHE_CONTROL, SLICE("no-store")));
    TRY(headers_add_copy(&m->headers, SLICE("x-accel-buffering"), SLICE("no")));
    TRY(transit_head(v->down, false));
    return transit_write(v->down, SLICE("retry: 2000\n\n"));
}

static bool is_over(Weft__Bus__V1__State state)
{
    return state == WEFT__BUS__V1__STATE__DONE || state == WEFT__BUS__V1__STATE__CANCELLED ||
           state == WEFT__BUS__V1__STATE__DEAD;
}

static void stream_from(struct visit *v, const Weft__Bus__V1__Record *r)
{
    uint64_t after = 0;
    struct slice last = headers_value(&v->down->in.headers, HEADERS_LAST_EVENT_ID);
    if (last.len && slice_u64(last, UINT64_MAX, &after) != ERR_OK) {
        refuse(v, REPLY_BAD_REQUEST, "Last-Event-ID: send back an id of this stream, a number.");
        return;
    }
    if (is_over(r->job->state) && after >= r->job->events) {
        v->down->out.status = 204; /* stops an EventSource */
        if (transit_head(v->down, true) != ERR_OK)
            transit_reset(v->down, TRANSIT_WHY_INTERNAL);
        return;
    }
    if (stream_head(v) != ERR_OK) {
        transit_reset(v->down, TRANSIT_WHY_INTERNAL);
        return;
    }
    memcpy(v->watch.job, v->id, sizeof(v->watch.job));
    v->watch.after = after;
    v->watch.fn = stream_event;
    due_init(&v->due, stream_alive);
    due_in(v->entry->clock, &v->due, KEEP_ALIVE_US);
    job_link_watch(v->entry->link, &v->watch);
}

/* --- the other verbs --- */

static void query_then(struct visit *v, void (*answer)(struct visit *v, const Weft__Bus__V1__Record *r))
{
    Weft__Bus__V1__Query body = WEFT__BUS__V1__QUERY__INIT;
    body.job = v->id;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_QUERY;
    r.query = &body;
    call(v, &r, answer);
}

static void told(struct visit *v, const Weft__Bus__V1__Record *r)
{
    if (r->body_case == WEFT__BUS__V1__RECORD__BODY_JOB)
        answer_job(v, slice_eq(v->down->in.method, SLICE("GET")) ? 200 : 202, r->job);
    else
        refuse(v, REPLY_BAD_ANSWER, "The broker answers with something else.");
}

static void query(struct visit *v)
{
    query_then(v, told);
}

static void streamed(struct visit *v, const Weft__Bus__V1__Record *r)
{
    if (r->body_case == WEFT__BUS__V1__RECORD__BODY_JOB)
        stream_from(v, r);
    else
        refuse(v, REPLY_BAD_ANSWER, "The broker answers with something else.");
}

static void events(struct visit *v)
{
    query_then(v, streamed);
}

static void cancel(struct visit *v)
{
    Weft__Bus__V1__Cancel body = WEFT__BUS__V1__CANCEL__INIT;
    body.job = v->id;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_CANCEL;
    r.cancel = &body;
    call(v, &r, told);
}

static void retry(struct visit *v)
{
    Weft__Bus__V1__Retry body = WEFT__BUS__V1__RETRY__INIT;
    body.job = v->id;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_RETRY;
    r.retry = &body;
    call(v, &r, told);
}

static void progress(struct visit *v)
{
    struct slice type = headers_value(&v->down->in.headers, HEADERS_CONTENT_TYPE);
    struct job_runner *runner = v->entry->runner;
    if (buf_len(&v->body) > PROGRESS_BODY) {
        refuse(v, REPLY_PAYLOAD_TOO_LARGE, "Progress may have 16 KiB.");
    } else if (!runner || job_runner_progress(runner, slice_str(v->id), type, buf_slice(&v->body)) != ERR_OK) {
        refuse(v, REPLY_JOB_UNKNOWN, "No such job runs behind this sidecar.");
    } else {
        v->down->out.status = 204;
        if (transit_head(v->down, true) != ERR_OK)
            transit_reset(v->down, TRANSIT_WHY_INTERNAL);
    }
}

static void listed(struct visit *v, const Weft__Bus__V1__Record *r)
{
    struct buf text;
    if (r->body_case != WEFT__BUS__V1__RECORD__BODY_JOBS) {
        refuse(v, REPLY_BAD_ANSWER, "The broker answers with something else.");
        return;
    }
    buf_init(&text, BUF_TEXT_BOUND);
    job_json_put_list(&text, r->jobs);
    send_json(v, 200, &text);
}

static bool read_query(struct visit *v, Weft__Bus__V1__List *m)
{
    struct slice path = v->down->in.path, pair;
    size_t at;
    struct slice rest = slice_find(path, '?', &at) ? slice_from(path, at + 1) : (struct slice){0};
    while (slice_split(&rest, '&', &pair)) {
        size_t eq;
        if (!slice_find(pair, '=', &eq))
            return false;
        struct slice name = slice_to(pair, eq), value = slice_from(pair, eq + 1);
        uint64_t limit;
        if (slice_eq(name, SLICE("state")))
            m->by_state = job_json_parse_state(value, &m->state);
        if (slice_eq(name, SLICE("state")) && !m->by_state)
            return false;
        if (slice_eq(name, SLICE("service")))
            m->service = text_of(v, value);
        else if (slice_eq(name, SLICE("cursor")))
            m->cursor = text_of(v, value);
        else if (slice_eq(name, SLICE("limit")) && slice_u64(value, 200, &limit) == ERR_OK)
            m->limit = (uint32_t)limit;
        else if (!slice_eq(name, SLICE("state")))
            return false;
    }
    return true;
}

static void list(struct visit *v)
{
    Weft__Bus__V1__List body = WEFT__BUS__V1__LIST__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_LIST;
    r.list = &body;
    if (read_query(v, &body))
        call(v, &r, listed);
    else
        refuse(v, REPLY_BAD_REQUEST,
               "The query is state=delayed|queued|leased|done|cancelled|dead, service=, cursor=, limit=1..200.");
}

/* --- the table of paths --- */

static const struct {
    const char *method, *rest; /* behind the id; NULL: the list itself */
    void (*fn)(struct visit *v);
} paths[] = {
    {"GET", NULL, list},        {"GET", "", query},        {"DELETE", "", cancel},          {"GET", "/result", fetch},
    {"GET", "/events", events}, {"POST", "/retry", retry}, {"POST", "/progress", progress},
};

bool job_entry_is_api(struct slice path)
{
    struct slice prefix = SLICE("/v1/jobs");
    struct slice rest = slice_from(path, prefix.len);
    return slice_starts(path, prefix) && (rest.len == 0 || rest.at[0] == '/' || rest.at[0] == '?');
}

/* Which row it is; `*known` when only the method is another one. */
static void (*find(struct visit *v, struct slice path, bool *known))(struct visit *v)
{
    struct slice rest = slice_from(path, sizeof("/v1/jobs") - 1), id = slice_from(rest, 1);
    size_t slash;
    bool has_id = rest.len > 1;
    struct slice tail = has_id && slice_find(id, '/', &slash) ? slice_from(id, slash) : (struct slice){0};
    id.len -= tail.len;
    if (id.len >= ID_ROOM)
        return NULL;
    memcpy(v->id, id.at, id.len);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (!paths[i].rest == has_id || (has_id && !slice_eq(tail, slice_str(paths[i].rest))))
            continue;
        *known = true;
        if (slice_eq(v->down->in.method, slice_str(paths[i].method)))
            return paths[i].fn;
    }
    return NULL;
}

void job_entry_api(struct job_entry *e, struct transit *down)
{
    struct visit *v = visit_new(e, down, JOB_ENTRY_PAYLOAD);
    bool known = false;
    v->begin = find(v, message_path_only(&down->in), &known);
    if (v->begin)
        return;
    if (known)
        refuse(v, REPLY_METHOD_UNKNOWN, "docs/job-api.md lists the methods of this path.");
    else
        refuse(v, REPLY_JOB_UNKNOWN, "There is /v1/jobs, /v1/jobs/ID and its /result, /events, /retry, /progress.");
}

/* --- lifecycle --- */

struct job_entry *job_entry_new(struct loop *l, struct due_clock *clock, struct job_link *link,
                                struct job_runner *runner)
{
    struct job_entry *e = mem_new(sizeof(*e));
    *e = (struct job_entry){.loop = l, .clock = clock, .link = link, .runner = runner};
    list_init(&e->visits);
    return e;
}

void job_entry_free(struct job_entry **entry)
{
    struct job_entry *e = *entry;
    *entry = NULL;
    if (!e)
        return;
    while (!list_empty(&e->visits)) {
        struct visit *v = LIST_OF(list_first(&e->visits), struct visit, link);
        struct transit *down = v->down;
        if (!down->out_head)
            refuse(v, REPLY_DRAINING, "");
        else if (!down->out_ended)
            transit_finish(down);
        visit_free(v);
        down->owner = &reply_owner;
    }
    mem_free(e);
}
