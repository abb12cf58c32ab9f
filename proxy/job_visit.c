#include "proxy/job_visit.h"

#include "base/mem.h"
#include "proxy/job_download.h"
#include "proxy/job_upload.h"

enum { CALL_US = 10 * NOW_US_PER_S };

/* --- answers --- */

void job_visit_refuse(struct job_visit *v, enum reply_word word, const char *detail)
{
    reply_refuse(v->down, word, slice_str(detail), (struct slice){0});
}

void job_visit_json(struct job_visit *v, unsigned status, struct buf *text)
{
    if (transit_answer(v->down, status, SLICE("application/json"), buf_slice(text)) != ERR_OK)
        transit_reset(v->down, TRANSIT_WHY_INTERNAL);
    buf_fini(text);
}

void job_visit_bare(struct job_visit *v, unsigned status)
{
    v->down->out.status = status;
    if (transit_head(v->down, true) != ERR_OK)
        transit_reset(v->down, TRANSIT_WHY_INTERNAL);
}

/* --- calls --- */

static void unanswered(struct job_visit *v, const char *why)
{
    if (v->unanswered)
        v->unanswered(v);
    else
        job_visit_refuse(v, REPLY_BROKER_UNREACHABLE, why);
}

/* The word and the status are the broker's; what no HTTP answer can carry is its mistake. */
void job_visit_fault(struct job_visit *v, const struct bus_put_fault *p)
{
    struct slice word = slice_str(p->word);
    if (p->status == 0)
        unanswered(v, p->detail);
    else if (v->unanswered)
        v->unanswered(v);
    else if (p->status >= 400 && p->status <= 599 && headers_name_ok(word))
        reply_word_text(v->down, p->status, word, slice_str(p->detail));
    else
        job_visit_refuse(v, REPLY_BAD_ANSWER, "The broker refuses without a word for it.");
}

static void pass_problem(struct job_visit *v, const Weft__Bus__V1__Problem *p)
{
    struct bus_put_fault fault = {p->word, p->detail, p->status ? p->status : 1};
    job_visit_fault(v, &fault);
}

static void called(void *arg, enum err e, const Weft__Bus__V1__Record *record)
{
    struct job_visit *v = arg;
    if (e != ERR_OK)
        unanswered(v, "The broker did not answer; whether it took the request is unknown.");
    else if (record->body_case == WEFT__BUS__V1__RECORD__BODY_PROBLEM)
        pass_problem(v, record->problem);
    else if ((int)record->body_case == v->expected)
        v->answer(v, record);
    else
        job_visit_refuse(v, REPLY_BAD_ANSWER, "The broker answers with something else.");
}

void job_visit_call(struct job_visit *v, Weft__Bus__V1__Record *record, int expected, job_visit_answer_fn *answer)
{
    struct bus_client *bus = job_link_bus(v->desk->link);
    v->answer = answer;
    v->expected = expected;
    if (!bus || bus_client_call(bus, record, CALL_US, called, v) != ERR_OK)
        unanswered(v, job_link_state(v->desk->link));
}

void job_visit_query(struct job_visit *v, job_visit_answer_fn *answer)
{
    Weft__Bus__V1__Query body = WEFT__BUS__V1__QUERY__INIT;
    body.job = v->id;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_QUERY;
    record.query = &body;
    job_visit_call(v, &record, WEFT__BUS__V1__RECORD__BODY_JOB, answer);
}

void job_visit_watch(struct job_visit *v, uint64_t after,
                     void (*fn)(struct job_link_watch *w, const Weft__Bus__V1__Event *event))
{
    _Static_assert(sizeof(v->watch.job) == sizeof(v->id), "an id that fits here fits there");
    memcpy(v->watch.job, v->id, sizeof(v->watch.job));
    v->watch.after = after;
    v->watch.fn = fn;
    job_link_watch(v->desk->link, &v->watch);
}

void job_visit_unwatch(struct job_visit *v)
{
    job_link_unwatch(v->desk->link, &v->watch);
}

/* --- the owner of `down` --- */

static void visit_free(struct job_visit *v)
{
    struct bus_client *bus = job_link_bus(v->desk->link);
    if (bus)
        bus_client_forget(bus, v);
    job_visit_unwatch(v);
    job_upload_free(&v->upload);
    job_download_free(&v->download);
    due_cancel(v->desk->clock, &v->due);
    list_remove(&v->link);
    buf_fini(&v->body);
    mem_free(v);
}

static void visit_data(struct transit *t, struct slice bytes)
{
    struct job_visit *v = t->owner_data;
    if (v->upload) {
        job_upload_take(v->upload, bytes);
        return;
    }
    bool fits = t->out_head || buf_add(&v->body, bytes) == ERR_OK;
    if (!fits && v->overflow) {
        v->overflow(v, bytes);
        return;
    }
    transit_credit(t, t->owed);
    if (!fits)
        job_visit_refuse(v, REPLY_PAYLOAD_TOO_LARGE,
                         "A batch may have 768 KiB, a checkpoint 256 KiB, progress 16 KiB.");
}

static void visit_end(struct transit *t)
{
    struct job_visit *v = t->owner_data;
    if (v->upload)
        job_upload_end(v->upload);
    else if (!t->out_head)
        v->begin(v);
}

static void visit_sent(struct transit *t)
{
    struct job_visit *v = t->owner_data;
    if (v->download)
        job_download_sent(v->download);
}

static void visit_gone(struct transit *t, enum transit_end how)
{
    (void)how;
    visit_free(t->owner_data);
    transit_free(&t);
}

static const struct transit_owner visit_owner = {
    .data = visit_data, .end = visit_end, .sent = visit_sent, .gone = visit_gone};

struct job_visit *job_visit_new(struct job_visit_desk *desk, struct transit *down, size_t body_bound)
{
    struct job_visit *v = mem_new(sizeof(*v));
    v->desk = desk;
    v->down = down;
    list_init(&v->watch.link);
    list_push_back(&desk->visits, &v->link);
    buf_init(&v->body, body_bound);
    down->owner = &visit_owner;
    down->owner_data = v;
    return v;
}

void job_visit_dismiss_all(struct job_visit_desk *desk)
{
    while (!list_empty(&desk->visits)) {
        struct job_visit *v = LIST_OF(list_first(&desk->visits), struct job_visit, link);
        struct transit *down = v->down;
        if (!down->out_head)
            job_visit_refuse(v, REPLY_DRAINING, "");
        else if (!down->out_ended)
            transit_finish(down);
        visit_free(v);
        down->owner = &reply_owner;
    }
}
