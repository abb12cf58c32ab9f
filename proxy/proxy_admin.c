#include "proxy/proxy_admin.h"

#include "base/json_out.h"
#include "http/pages.h"

enum { LIST_LINES = 50 };

static void ready(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    proxy_missing(arg, &text);
    bool is_ready = buf_len(&text) == 0;
    if (is_ready)
        buf_put(&text, SLICE("ready\n"));
    proxy_remarks(arg, &text);
    pages_buf(t, is_ready ? 200 : 503, SLICE("text/plain; charset=utf-8"), &text);
}

static void metrics(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    proxy_measure(arg);
    metric_print(proxy_metrics(arg), &text);
    pages_buf(t, 200, SLICE("text/plain; version=0.0.4"), &text);
}

static void contracts(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    accord_list(proxy_env(arg)->accord, &text);
    pages_buf(t, 200, SLICE("application/json"), &text);
}

static void peers(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    const struct snapshot *s = proxy_env(arg)->snap;
    struct buf text;
    struct json_out j;
    buf_init(&text, BUF_TEXT_BOUND);
    json_out_init(&j, &text, 2);
    json_out_array(&j);
    for (size_t i = 0; i < s->conf.services.count; i++)
        cluster_show(s->clusters[i], &j);
    json_out_end(&j);
    buf_put_char(&text, '\n');
    pages_buf(t, 200, SLICE("application/json"), &text);
}

static void config(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    conf_bind_show(proxy_conf_keys, &proxy_env(arg)->snap->conf, &text);
    pages_buf(t, 200, SLICE("text/yaml"), &text);
}

static void why_list(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    recall_list(proxy_env(arg)->ledger.recall, LIST_LINES, &text);
    pages_buf(t, 200, SLICE("text/plain; charset=utf-8"), &text);
}

static void why(void *arg, struct transit *t, const struct pages_request *r)
{
    struct recall_event event;
    if (recall_find(proxy_env(arg)->ledger.recall, r->rest, &event) != ERR_OK) {
        pages_text(t, 404, SLICE("Nothing was refused or adapted under this id or operation lately.\n"));
        return;
    }
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    recall_put(&event, &text);
    pages_buf(t, 200, SLICE("text/plain; charset=utf-8"), &text);
}

static void drain(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    pages_text(t, 202, SLICE("draining\n"));
    proxy_drain(arg);
}

static const struct pages_row rows[] = {
    {"GET", "/live", false, pages_live},
    {"GET", "/ready", false, ready},
    {"GET", "/metrics", false, metrics},
    {"GET", "/contracts", false, contracts},
    {"GET", "/config", false, config},
    {"GET", "/peers", false, peers},
    {"GET", "/why", false, why_list},
    {"GET", "/why/", true, why},
    {"PUT", "/log-level", false, pages_log_level},
    {"POST", "/drain", false, drain},
    {0},
};

void proxy_admin_serve(struct proxy *p, struct transit *t)
{
    pages_serve(rows, p, t);
}
