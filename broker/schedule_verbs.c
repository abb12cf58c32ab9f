#include "broker/schedule_verbs.h"

#include "base/mem.h"
#include "broker/answers.h"
#include "broker/blob_verbs.h"
#include "broker/caller_verbs.h"
#include "broker/submits.h"
#include "broker/words.h"

enum { PAGE = 100 };

static Weft__Bus__V1__Schedule *words_of(struct api *a, const struct almanac_view *v)
{
    const struct schedule *is = v->is;
    Weft__Bus__V1__Schedule *m = arena_new(&a->scratch, sizeof(*m));
    weft__bus__v1__schedule__init(m);
    m->name = words_text(&a->scratch, is->name);
    m->cron = words_text(&a->scratch, is->cron);
    m->catch_up = (Weft__Bus__V1__CatchUp)is->catch_up;
    m->paused = is->paused;
    m->service = words_text(&a->scratch, is->service);
    m->operation = words_text(&a->scratch, is->operation);
    m->next_ms = (uint64_t)v->next_ms;
    m->last_ms = is->last_job.len || is->fault.len ? (uint64_t)is->last_ms : 0;
    m->last_job = words_text(&a->scratch, is->last_job);
    m->fault = words_text(&a->scratch, is->fault);
    m->runs = is->runs;
    return m;
}

static void answer_schedule(struct api *a, struct session *s, uint64_t re, const struct almanac_view *v)
{
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.re = re;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_SCHEDULE;
    r.schedule = words_of(a, v);
    front_send(a->front, s, &r);
}

static void answer_unknown(struct api *a, struct session *s, uint64_t re)
{
    answers_problem(a, s, re, "schedule-unknown", 404, "No such schedule of yours.");
}

/* Who asked, and for which. */
struct asked {
    struct answers_asker *asker;
    char name[SCHEDULE_NAME + 1];
};

static struct asked *ask(struct api *a, struct session *s, const Weft__Bus__V1__Record *r, const char *name)
{
    struct asked *k = mem_new(sizeof(*k));
    k->asker = answers_asker(a, s, r);
    memcpy(k->name, name, strlen(name) + 1);
    return k;
}

static void asked_free(struct asked *k)
{
    mem_free(k->asker);
    mem_free(k);
}

static void changed(void *arg, const struct store_answer *answer)
{
    struct asked *k = arg;
    struct api *a = k->asker->api;
    struct session *s = front_session(a->front, k->asker->session);
    struct almanac_view v;
    if (s && answer->e == ERR_OK)
        blob_verbs_named(a, s, k->asker);
    if (s && answer->e != ERR_OK)
        answers_refusal(a, s, k->asker->seq, answer->e);
    else if (s && almanac_find(a->almanac, slice_str(s->identity), slice_str(k->name), &v) == ERR_OK)
        answer_schedule(a, s, k->asker->seq, &v);
    else if (s)
        answers_ok(a, s, k->asker->seq); /* it is deleted */
    arena_reset(&a->scratch);
    asked_free(k);
}

/* --- put --- */

static bool fits(struct api *a, struct session *s, const Weft__Bus__V1__SchedulePut *m, struct submits_no *no)
{
    struct cron cron;
    const char *why;
    *no = (struct submits_no){0};
    if (!m->submit || !schedule_name_ok(slice_str(m->name)))
        submits_refuse(no, "bad-request", 400, "name: 1 to 64 letters, digits and ._-");
    else if (strlen(m->cron) > SCHEDULE_CRON)
        submits_refuse(no, "bad-request", 400, "cron: up to 256 characters");
    else if (cron_read(slice_str(m->cron), &cron, &why) != ERR_OK)
        submits_refuse(no, "bad-request", 400, why);
    else if ((unsigned)m->catch_up >= SCHEDULE_CATCH_UPS)
        submits_refuse(no, "bad-request", 400, "catch_up: 0 to 2");
    else if (*m->submit->key || m->submit->delay_ms || m->submit->n_after)
        submits_refuse(no, "bad-request", 400, "A schedule has no key, no delay and waits for no job.");
    return !no->word && submits_fit(a, s, m->submit, no);
}

void schedule_verbs_put(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__SchedulePut *m = r->schedule_put;
    struct record_request request;
    struct desk_submit submit;
    struct submits_no no;
    if (!fits(a, s, m, &no)) {
        answers_problem(a, s, r->seq, no.word, no.status, no.detail);
        return;
    }
    submits_fill(a, s, m->submit, &request, &submit);
    struct schedule will = {
        .caller = submit.caller,
        .name = slice_str(m->name),
        .cron = slice_str(m->cron),
        .service = submit.service,
        .operation = submit.operation,
        .labels = submit.labels,
        .catch_up = (enum schedule_catch_up)m->catch_up,
        .paused = m->paused,
        .priority = submit.priority,
        .attempts = submit.attempts,
        .timeout_ms = submit.timeout_ms,
        .deadline_in_ms = submit.deadline_ms,
    };
    struct asked *k = ask(a, s, r, m->name);
    if (almanac_put(a->almanac, &will, &request, changed, k) == ERR_OK)
        return;
    asked_free(k);
    answers_problem(a, s, r->seq, "queue-full", 429, "Too many schedules: a caller may have 1000, all together 10000.");
}

/* --- change --- */

static void run(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct answers_asker *k = answers_asker(a, s, r);
    enum err e =
        almanac_run(a->almanac, slice_str(s->identity), slice_str(r->schedule_change->name), caller_verbs_submitted, k);
    if (e == ERR_OK)
        return;
    mem_free(k);
    if (e == ERR_DENIED)
        answers_problem(a, s, r->seq, "policy-denied", 403, "Policy does not allow you to submit this.");
    else if (e == ERR_FULL)
        answers_problem(a, s, r->seq, "queue-full", 429, "Too many jobs of yours are waiting.");
    else
        answer_unknown(a, s, r->seq);
}

static void alter(struct api *a, struct session *s, const Weft__Bus__V1__Record *r, enum almanac_change what)
{
    const char *name = r->schedule_change->name;
    struct asked *k = ask(a, s, r, schedule_name_ok(slice_str(name)) ? name : "");
    if (almanac_change(a->almanac, slice_str(s->identity), slice_str(k->name), what, changed, k) == ERR_OK)
        return;
    asked_free(k);
    answer_unknown(a, s, r->seq);
}

void schedule_verbs_change(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct almanac_view v;
    switch (r->schedule_change->what) {
    case WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT__SHOW:
        if (almanac_find(a->almanac, slice_str(s->identity), slice_str(r->schedule_change->name), &v) == ERR_OK)
            answer_schedule(a, s, r->seq, &v);
        else
            answer_unknown(a, s, r->seq);
        return;
    case WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT__PAUSE:
        alter(a, s, r, ALMANAC_PAUSE);
        return;
    case WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT__RESUME:
        alter(a, s, r, ALMANAC_RESUME);
        return;
    case WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT__DELETE:
        alter(a, s, r, ALMANAC_DELETE);
        return;
    case WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT__RUN:
        run(a, s, r);
        return;
    case _WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT_IS_INT_SIZE:
        break;
    }
    answers_problem(a, s, r->seq, "bad-request", 400, "what: 0 to 4");
}

void schedule_verbs_list(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    struct almanac_view *v = arena_array(&a->scratch, PAGE + 1, sizeof(*v));
    size_t count = almanac_list(a->almanac, slice_str(s->identity), slice_str(r->schedule_list->after), v, PAGE + 1);
    Weft__Bus__V1__Schedules body = WEFT__BUS__V1__SCHEDULES__INIT;
    body.schedules = arena_array(&a->scratch, PAGE, sizeof(struct Weft__Bus__V1__Schedule *));
    for (size_t i = 0; i < count && i < PAGE; i++)
        body.schedules[body.n_schedules++] = words_of(a, &v[i]);
    if (count > PAGE)
        body.after = body.schedules[PAGE - 1]->name;
    Weft__Bus__V1__Record answer = WEFT__BUS__V1__RECORD__INIT;
    answer.re = r->seq;
    answer.body_case = WEFT__BUS__V1__RECORD__BODY_SCHEDULES;
    answer.schedules = &body;
    front_send(a->front, s, &answer);
}
