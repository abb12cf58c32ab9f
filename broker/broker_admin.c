#include "broker/broker_admin.h"

#include "base/json_out.h"
#include "base/log.h"
#include "http/pages.h"

enum { DEAD_LIST = 200 };

static void ready(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct buf missing;
    buf_init(&missing, BUF_TEXT_BOUND);
    broker_missing(arg, &missing);
    if (buf_len(&missing))
        pages_text(t, 503, buf_slice(&missing));
    else
        pages_text(t, 200, SLICE("ready\n"));
    buf_fini(&missing);
}

static void metrics(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    broker_measure(arg);
    metric_print(broker_metrics(arg), &text);
    pages_buf(t, 200, SLICE("text/plain; version=0.0.4"), &text);
}

static void put_service(void *arg, const struct desk_count *c)
{
    struct json_out *j = arg;
    json_out_object(j);
    json_out_member(j, "service", c->service);
    json_out_member_int(j, "ready", (int64_t)c->ready);
    json_out_member_int(j, "held_by_key", (int64_t)c->aside);
    json_out_member_int(j, "delayed", (int64_t)c->delayed);
    json_out_member_int(j, "leased", (int64_t)c->leased);
    json_out_member_int(j, "workers", (int64_t)c->workers);
    json_out_name(j, "paused");
    json_out_bool(j, c->paused);
    json_out_end(j);
}

static void queues(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    struct json_out j;
    json_out_init(&j, &text, 2);
    json_out_object(&j);
    json_out_member_int(&j, "leased", (int64_t)desk_leased(broker_desk(arg)));
    json_out_name(&j, "services");
    json_out_array(&j);
    desk_each_service(broker_desk(arg), put_service, &j);
    json_out_end(&j);
    json_out_end(&j);
    buf_put_char(&text, '\n');
    pages_buf(t, 200, SLICE("application/json"), &text);
}

static void put_dead(struct json_out *j, const struct record_job *job)
{
    json_out_object(j);
    json_out_member(j, "job", job->id);
    json_out_member(j, "service", job->service);
    json_out_member(j, "operation", job->operation);
    json_out_member(j, "caller", job->caller);
    json_out_member_int(j, "attempt", job->attempt);
    json_out_member_int(j, "crashes", job->crashes);
    json_out_member(j, "reason", job->reason);
    json_out_end(j);
}

static void dead(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct store_list what = {.by_state = true, .state = JOB_DEAD, .limit = DEAD_LIST};
    struct store_page page;
    store_list(broker_store(arg), &what, &page);
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    struct json_out j;
    json_out_init(&j, &text, 2);
    json_out_array(&j);
    for (size_t i = 0; i < page.count; i++)
        put_dead(&j, &page.jobs[i]);
    json_out_end(&j);
    buf_put_char(&text, '\n');
    pages_buf(t, 200, SLICE("application/json"), &text);
}

struct owed_page {
    struct json_out *j;
    size_t left;
};

static bool put_owed(void *arg, struct slice job, const struct record_debt *debt)
{
    struct owed_page *p = arg;
    json_out_object(p->j);
    json_out_member(p->j, "job", job);
    json_out_member(p->j, "state", debt->dead ? SLICE("dead") : SLICE("pending"));
    json_out_member_int(p->j, "tries", debt->tries);
    json_out_member(p->j, "reason", debt->reason);
    json_out_end(p->j);
    return --p->left > 0;
}

static void callbacks(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct buf text;
    struct json_out j;
    struct owed_page page = {&j, DEAD_LIST};
    buf_init(&text, BUF_TEXT_BOUND);
    json_out_init(&j, &text, 2);
    json_out_array(&j);
    store_each_debt(broker_store(arg), put_owed, &page);
    json_out_end(&j);
    buf_put_char(&text, '\n');
    pages_buf(t, 200, SLICE("application/json"), &text);
}

static void drain(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    pages_text(t, 202, SLICE("draining\n"));
    broker_drain(arg);
}

static void pause_or_not(void *arg, struct transit *t, struct slice service, bool paused)
{
    if (desk_pause(broker_desk(arg), service, paused) != ERR_OK) {
        pages_text(t, 404, SLICE("No such service; GET /queues lists them.\n"));
        return;
    }
    log_event(LOG_INFO, paused ? "service-paused" : "service-resumed", LOG_TEXT("service", service));
    pages_text(t, 200,
               paused ? SLICE("paused until it is resumed, or the broker reloads or starts\n") : SLICE("resumed\n"));
}

static void pause_service(void *arg, struct transit *t, const struct pages_request *r)
{
    pause_or_not(arg, t, r->rest, true);
}

static void resume_service(void *arg, struct transit *t, const struct pages_request *r)
{
    pause_or_not(arg, t, r->rest, false);
}

static const struct pages_row rows[] = {
    {"GET", "/live", false, pages_live},
    {"GET", "/ready", false, ready},
    {"GET", "/metrics", false, metrics},
    {"GET", "/queues", false, queues},
    {"GET", "/jobs/dead", false, dead},
    {"GET", "/callbacks", false, callbacks},
    {"PUT", "/log-level", false, pages_log_level},
    {"POST", "/pause/", true, pause_service},
    {"POST", "/resume/", true, resume_service},
    {"POST", "/drain", false, drain},
    {0},
};

void broker_admin_serve(struct broker *b, struct transit *t)
{
    pages_serve(rows, b, t);
}
