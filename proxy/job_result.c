#include "proxy/job_result.h"

#include "proxy/job_download.h"
#include "proxy/job_range.h"
#include "proxy/job_report.h"

static enum err fill(struct job_visit *v, const Weft__Bus__V1__Result *r)
{
    struct headers *h = &v->down->out.headers;
    if (r->status < 200 || r->status > 599)
        return ERR_PEER;
    for (size_t i = 0; i < r->n_headers; i++) {
        struct slice name = slice_str(r->headers[i]->name);
        struct slice value = slice_of(r->headers[i]->value.data, r->headers[i]->value.len);
        if (!headers_name_ok(name) || !headers_value_ok(value))
            return ERR_PEER;
        TRY(headers_add_copy(h, name, value));
        if (!job_report_keeps(&h->v[h->count - 1]))
            h->count--; /* framing is ours to say */
    }
    return headers_add_token(h, HEADERS_WEFT_JOB, slice_str(v->id));
}

/* A part of a 200, when one is asked for; `*part` is the whole and becomes it.  The status that is sent. */
static unsigned cut(struct job_visit *v, unsigned status, struct job_range *part)
{
    struct headers *h = &v->down->out.headers;
    struct arena *a = &v->down->arena;
    struct job_range r;
    size_t length = part->count;
    if (status != 200)
        return status;
    bool fits = headers_add_copy(h, SLICE("accept-ranges"), SLICE("bytes")) == ERR_OK;
    enum err e = job_range_read(headers_value(&v->down->in.headers, HEADERS_RANGE), length, &r);
    if (e == ERR_ABSENT || !fits || !slice_eq(v->down->in.method, SLICE("GET")))
        return status;
    struct slice place = arena_putf(a, "bytes */%zu", length);
    if (e == ERR_OK)
        place = arena_putf(a, "bytes %zu-%zu/%zu", r.from, r.from + r.count - 1, length);
    if (headers_add_copy(h, SLICE("content-range"), place) != ERR_OK)
        return status;
    *part = e == ERR_OK ? r : (struct job_range){0};
    return e == ERR_OK ? 206 : 416;
}

/* The broker has it by itself. */
static void send_blob(struct job_visit *v, unsigned status, const struct job_range *part)
{
    struct message *m = &v->down->out;
    struct slice length = arena_putf(&v->down->arena, "%zu", part->count);
    m->status = status;
    m->length = (int64_t)part->count;
    if (headers_add_token(&m->headers, HEADERS_CONTENT_LENGTH, length) == ERR_OK)
        job_download_begin(v, part->from, part->count);
    else
        transit_reset(v->down, TRANSIT_WHY_INTERNAL);
}

static void send_result(struct job_visit *v, const Weft__Bus__V1__Result *r)
{
    struct transit *t = v->down;
    enum err e = fill(v, r);
    struct job_range part = {0, r->blob ? (size_t)r->blob->size : r->body.len};
    unsigned status = e == ERR_OK ? cut(v, r->status, &part) : r->status;
    struct slice body =
        r->blob ? (struct slice){0} : slice_to(slice_from(slice_of(r->body.data, r->body.len), part.from), part.count);
    if (e != ERR_OK) {
        message_init(&t->out, &t->arena);
        job_visit_refuse(v, REPLY_BAD_ANSWER, "The result is no HTTP answer.");
    } else if (r->blob && part.count) {
        send_blob(v, status, &part);
    } else if (transit_answer(t, status, (struct slice){0}, body) != ERR_OK) {
        transit_reset(t, TRANSIT_WHY_INTERNAL);
    }
}

static void ended(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    const Weft__Bus__V1__Job *job = record->job;
    bool dead = job->state == WEFT__BUS__V1__STATE__DEAD;
    struct slice detail = arena_putf(&v->down->arena, "The job %s%s%s", dead ? "is dead" : "was cancelled",
                                     job->reason[0] ? ": " : ".", job->reason);
    reply_word_text(v->down, dead ? 410 : 409, SLICE("job-ended"), detail);
}

static void not_yet(struct job_visit *v)
{
    bool fits = headers_add_token(&v->down->out.headers, HEADERS_RETRY_AFTER, SLICE("1")) == ERR_OK;
    (void)fits; /* the first field of a fresh head */
    job_visit_refuse(v, REPLY_JOB_RUNNING, "");
}

static void fetched(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    switch (record->result->state) {
    case WEFT__BUS__V1__STATE__DONE:
        send_result(v, record->result);
        break;
    case WEFT__BUS__V1__STATE__CANCELLED:
    case WEFT__BUS__V1__STATE__DEAD:
        job_visit_query(v, ended);
        break;
    default: /* not over yet, or a state of a newer broker */
        not_yet(v);
        break;
    }
}

void job_result_answer(struct job_visit *v)
{
    Weft__Bus__V1__Fetch body = WEFT__BUS__V1__FETCH__INIT;
    body.job = v->id;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_FETCH;
    record.fetch = &body;
    job_visit_call(v, &record, WEFT__BUS__V1__RECORD__BODY_RESULT, fetched);
}
