/* The good path: options are read, the body is collected, Submit is answered with
 * Accepted, and so the caller with 202.
 *
 * With wait=N the job is watched first: when it is done in time the function's own
 * answer goes out instead.  A job that ends otherwise, a broker that is lost and a
 * time that is up all lead to the 202 with where the job is. */
#include "proxy/job_submit.h"

#include "base/hash.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "proxy/job_json.h"
#include "proxy/job_result.h"
#include "proxy/job_upload.h"

struct job_submit {
    struct job_options options;
    struct job_submit_place place;
    bool waited, openfaas;
};

/* --- 202 --- */

static enum err fill_accepted(struct job_visit *v)
{
    struct headers *h = &v->down->out.headers;
    struct arena *a = &v->down->arena;
    struct slice applied = SLICE("respond-async");
    if (v->submit->waited)
        applied = arena_putf(a, "respond-async, wait=%u", v->submit->options.prefer.wait_s);
    TRY(headers_add_token(h, HEADERS_LOCATION, arena_putf(a, "/v1/jobs/%s", v->id)));
    TRY(headers_add_token(h, HEADERS_PREFERENCE_APPLIED, applied));
    TRY(headers_add_token(h, HEADERS_RETRY_AFTER, SLICE("1")));
    TRY(headers_add_token(h, HEADERS_VARY, SLICE("Prefer")));
    return headers_add_token(h, HEADERS_WEFT_JOB, slice_str(v->id));
}

/* `state` NULL: not known just now. */
static void send_accepted(struct job_visit *v, const char *state)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    struct json_out j;
    json_out_init(&j, &text, 0);
    json_out_object(&j);
    json_out_member(&j, "job", slice_str(v->id));
    if (state)
        json_out_member(&j, "state", slice_str(state));
    job_json_put_links(&j, v->id);
    json_out_end(&j);
    buf_put_char(&text, '\n');
    message_init(&v->down->out, &v->down->arena);
    if (fill_accepted(v) == ERR_OK) {
        job_visit_json(v, 202, &text);
    } else {
        buf_fini(&text);
        transit_reset(v->down, TRANSIT_WHY_INTERNAL);
    }
}

static void send_plain(struct job_visit *v)
{
    send_accepted(v, NULL);
}

static void send_state(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    send_accepted(v, job_json_state(record->job->state));
}

/* As the gateway of OpenFaaS says it: the id of the call is the caller's, or ours, by which it can be cancelled. */
static void send_call_id(struct job_visit *v)
{
    struct headers *h = &v->down->out.headers;
    struct arena *a = &v->down->arena;
    const struct header *given = headers_find(&v->down->in.headers, SLICE("x-call-id"));
    struct slice id = given ? given->value : arena_putf(a, "%s", v->id);
    struct slice start = arena_putf(a, "%lld000", (long long)now_wall_us(loop_now(v->desk->loop)));
    message_init(&v->down->out, a);
    if (headers_add(h, SLICE("x-call-id"), id) != ERR_OK || headers_add(h, SLICE("x-start-time"), start) != ERR_OK ||
        headers_add_token(h, HEADERS_WEFT_JOB, arena_putf(a, "%s", v->id)) != ERR_OK)
        transit_reset(v->down, TRANSIT_WHY_INTERNAL);
    else
        job_visit_bare(v, 202);
}

/* --- waiting --- */

static void waited_enough(struct due *due)
{
    struct job_visit *v = (struct job_visit *)(void *)((char *)due - offsetof(struct job_visit, due));
    job_visit_unwatch(v);
    job_visit_query(v, send_state);
}

static void answer_itself(struct job_visit *v)
{
    struct headers *h = &v->down->out.headers;
    struct slice applied = arena_putf(&v->down->arena, "wait=%u", v->submit->options.prefer.wait_s);
    bool fits = headers_add_token(h, HEADERS_PREFERENCE_APPLIED, applied) == ERR_OK &&
                headers_add_token(h, HEADERS_VARY, SLICE("Prefer")) == ERR_OK;
    (void)fits; /* the first fields of a fresh head */
    job_result_answer(v);
}

static void heard(struct job_link_watch *w, const Weft__Bus__V1__Event *event)
{
    struct job_visit *v = LIST_OF(w, struct job_visit, watch);
    if (!event->last)
        return;
    due_cancel(v->desk->clock, &v->due);
    job_visit_unwatch(v);
    if (strcmp(event->name, "done") == 0)
        answer_itself(v);
    else
        job_visit_query(v, send_state);
}

/* Longer than a connection may be silent nobody waits; Preference-Applied says so. */
static void wait_for_end(struct job_visit *v)
{
    uint32_t most_s = v->desk->wait_most_s, *wait_s = &v->submit->options.prefer.wait_s;
    *wait_s = most_s && *wait_s > most_s ? most_s : *wait_s;
    v->submit->waited = true;
    due_init(&v->due, waited_enough);
    due_in(v->desk->clock, &v->due, (int64_t)v->submit->options.prefer.wait_s * NOW_US_PER_S);
    job_visit_watch(v, 0, heard);
}

/* --- submitting --- */

static void accepted(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    const Weft__Bus__V1__Accepted *a = record->accepted;
    size_t len = strlen(a->job);
    if (len >= sizeof(v->id) || !headers_name_ok(slice_str(a->job))) {
        job_visit_refuse(v, REPLY_BAD_ANSWER, "The broker answers with a job id that is none.");
        return;
    }
    memcpy(v->id, a->job, len + 1);
    v->unanswered = send_plain;
    const struct job_options *o = &v->submit->options;
    if (v->submit->openfaas)
        send_call_id(v);
    else if (o->prefer.has_wait && o->prefer.wait_s > 0)
        wait_for_end(v);
    else if (a->replayed)
        job_visit_query(v, send_state);
    else
        send_accepted(v, o->delay_ms || o->after_count ? "delayed" : "queued");
}

/* Each part comes after its length, so that no two requests look alike. */
static void put_part(struct buf *all, struct slice part)
{
    buf_putf(all, "%zu:", part.len);
    buf_put(all, part);
}

struct hash_digest job_submit_fingerprint(const struct job_submit_source *of)
{
    struct buf all;
    buf_init(&all, BUF_TEXT_BOUND);
    put_part(&all, of->request->method);
    put_part(&all, of->place->path);
    put_part(&all, headers_value(&of->request->headers, HEADERS_CONTENT_TYPE));
    put_part(&all, of->blob ? SLICE("sha256") : of->body);
    if (of->blob)
        put_part(&all, slice_of(of->blob->digest, sizeof(of->blob->digest)));
    struct hash_digest digest = hash_sha256(buf_slice(&all));
    buf_fini(&all);
    return digest;
}

static char *text_of(struct arena *a, struct slice s)
{
    return (char *)(uintptr_t)arena_keep(a, s).at;
}

static ProtobufCBinaryData bytes_of(struct slice s)
{
    return (ProtobufCBinaryData){.len = s.len, .data = (uint8_t *)(uintptr_t)s.at};
}

static size_t fill_fields(struct arena *a, const struct headers *in, Weft__Bus__V1__Header ***out)
{
    Weft__Bus__V1__Header *items = arena_array(a, in->count + 1, sizeof(*items));
    *out = arena_array(a, in->count + 1, sizeof(**out));
    size_t count = 0;
    for (uint32_t i = 0; i < in->count; i++) {
        if (job_options_keeps(&in->v[i]))
            continue;
        weft__bus__v1__header__init(&items[count]);
        items[count].name = text_of(a, in->v[i].name);
        items[count].value = bytes_of(in->v[i].value);
        (*out)[count] = &items[count];
        count++;
    }
    return count;
}

static void fill_options(struct arena *a, const struct job_options *o, Weft__Bus__V1__Submit *into)
{
    into->key = (char *)(uintptr_t)o->key;
    into->priority = o->priority;
    into->delay_ms = o->delay_ms;
    into->deadline_ms = o->deadline_ms;
    into->timeout_ms = o->timeout_ms;
    into->attempts = o->attempts;
    into->labels = (char *)(uintptr_t)o->labels;
    into->callback = (char *)(uintptr_t)o->callback;
    into->callback_style =
        o->callback_openfaas ? WEFT__BUS__V1__CALLBACK_STYLE__OPENFAAS : WEFT__BUS__V1__CALLBACK_STYLE__CLOUDEVENT;
    into->n_after = o->after_count;
    into->after = arena_array(a, o->after_count + 1, sizeof(*into->after));
    for (size_t i = 0; i < o->after_count; i++)
        into->after[i] = (char *)(uintptr_t)o->after[i];
    into->after_any_end = o->after_any_end;
}

struct job_submit_place job_submit_place_of(struct arena *a, const struct job_entry_target *target)
{
    struct job_submit_place p = {
        .service = arena_keep(a, target->service),
        .operation = arena_keep(a, target->operation),
        .path = arena_keep(a, target->path),
        .shows_contract = target->consumes != NULL,
    };
    if (target->consumes)
        p.contract = *contract_digest(target->consumes);
    return p;
}

static Weft__Bus__V1__BlobName *name_of(struct arena *a, const struct job_visit_blob *blob)
{
    Weft__Bus__V1__BlobName *m = arena_new(a, sizeof(*m));
    weft__bus__v1__blob_name__init(m);
    m->digest = bytes_of(arena_keep(a, slice_of(blob->digest, sizeof(blob->digest))));
    m->size = blob->size;
    return m;
}

void job_submit_fill(struct arena *a, const struct job_submit_source *from, Weft__Bus__V1__Submit *into)
{
    const struct job_submit_place *to = from->place;
    struct hash_digest digest = job_submit_fingerprint(from);
    weft__bus__v1__submit__init(into);
    fill_options(a, from->options, into);
    into->service = text_of(a, to->service);
    into->operation = text_of(a, to->operation);
    into->method = text_of(a, from->request->method);
    into->path = text_of(a, to->path);
    into->n_headers = fill_fields(a, &from->request->headers, &into->headers);
    into->body = bytes_of(from->body);
    into->blob = from->blob ? name_of(a, from->blob) : NULL;
    into->fingerprint = bytes_of(arena_keep(a, slice_of(digest.b, sizeof(digest.b))));
    if (to->shows_contract)
        into->contract = bytes_of(slice_of(to->contract.b, sizeof(to->contract.b)));
    into->traceparent = text_of(a, headers_value(&from->request->headers, HEADERS_TRACEPARENT));
}

static void fill_submit(struct job_visit *v, Weft__Bus__V1__Submit *body)
{
    const struct job_submit *s = v->submit;
    struct job_submit_source from = {
        .options = &s->options,
        .place = &s->place,
        .request = &v->down->in,
        .body = buf_slice(&v->body),
        .blob = v->blob.size ? &v->blob : NULL,
    };
    job_submit_fill(&v->down->arena, &from, body);
}

static void scheduled(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    job_json_put_schedule(&text, record->schedule);
    struct slice where = arena_putf(&v->down->arena, "/v1/schedules/%s", v->submit->options.schedule);
    message_init(&v->down->out, &v->down->arena);
    enum err e = headers_add_token(&v->down->out.headers, HEADERS_LOCATION, where);
    (void)e; /* the first field of a fresh head */
    job_visit_json(v, 201, &text);
}

/* How long from each moment on, which is what a deadline is for a job that comes again. */
static uint64_t from_each_moment(const struct job_visit *v, uint64_t deadline_ms)
{
    uint64_t now_ms = (uint64_t)(now_wall_us(loop_now(v->desk->loop)) / NOW_US_PER_MS);
    return deadline_ms > now_ms ? deadline_ms - now_ms : deadline_ms ? 1 : 0;
}

static void schedule(struct job_visit *v)
{
    const struct job_options *o = &v->submit->options;
    Weft__Bus__V1__Submit what;
    Weft__Bus__V1__SchedulePut body = WEFT__BUS__V1__SCHEDULE_PUT__INIT;
    fill_submit(v, &what);
    what.deadline_ms = from_each_moment(v, o->deadline_ms);
    body.name = (char *)(uintptr_t)o->schedule;
    body.cron = (char *)(uintptr_t)o->cron;
    body.catch_up = (Weft__Bus__V1__CatchUp)o->catch_up;
    body.submit = &what;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_SCHEDULE_PUT;
    record.schedule_put = &body;
    job_visit_call(v, &record, WEFT__BUS__V1__RECORD__BODY_SCHEDULE, scheduled);
}

static void submit(struct job_visit *v)
{
    Weft__Bus__V1__Submit body;
    fill_submit(v, &body);
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_SUBMIT;
    record.submit = &body;
    job_visit_call(v, &record, WEFT__BUS__V1__RECORD__BODY_ACCEPTED, accepted);
}

/* Its two fields; a call that is said again under its id is the same job. */
static enum err read_openfaas(const struct headers *fields, struct job_options *o, struct buf *complaint)
{
    const struct header *url = headers_find(fields, SLICE("x-callback-url"));
    const struct header *call = headers_find(fields, SLICE("x-call-id"));
    if (url && (url->value.len == 0 || url->value.len > JOB_OPTIONS_CALLBACK)) {
        buf_put(complaint, SLICE("x-callback-url: send a URL of up to 1024 characters."));
        return ERR_INPUT;
    }
    if (url)
        memcpy(o->callback, url->value.at, url->value.len);
    o->callback_openfaas = true;
    if (call && !o->key[0] && job_options_key(call->value, o->key) != ERR_OK) {
        buf_put(complaint, SLICE("x-call-id: send a word of up to 255 characters."));
        return ERR_INPUT;
    }
    return ERR_OK;
}

static void overflow(struct job_visit *v, struct slice bytes)
{
    const struct job_submit_place *to = &v->submit->place;
    struct arena *a = &v->down->arena;
    struct bus_put_plan plan = {
        .size = v->down->in.length > 0 ? (uint64_t)v->down->in.length : 0,
        .service = text_of(a, to->service),
        .operation = text_of(a, to->operation),
    };
    job_upload_begin(v, &plan, bytes);
}

void job_submit_start(struct job_visit_desk *desk, struct transit *down, const struct job_entry_target *target)
{
    struct job_visit *v = job_visit_new(desk, down, JOB_ENTRY_PAYLOAD);
    struct job_submit *s = arena_new(&down->arena, sizeof(*s));
    v->begin = submit;
    v->overflow = overflow;
    v->submit = s;
    s->place = job_submit_place_of(&down->arena, target);
    struct buf complaint;
    buf_init(&complaint, BUF_TEXT_BOUND);
    s->openfaas = target->openfaas;
    enum err e = job_options_read(&down->in.headers, now_wall_us(loop_now(desk->loop)), &s->options, &complaint);
    if (e == ERR_OK && s->openfaas)
        e = read_openfaas(&down->in.headers, &s->options, &complaint);
    if (e != ERR_OK)
        reply_refuse(down, REPLY_BAD_REQUEST, buf_slice(&complaint), (struct slice){0});
    else if (s->options.schedule[0])
        v->begin = schedule;
    buf_fini(&complaint);
}
