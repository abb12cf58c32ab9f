#include "proxy/proxy_admin.h"

#include "base/log.h"
#include "base/mem.h"
#include "proxy/reply.h"

enum { BODY_BOUND = 1024, LIST_LINES = 50 };

struct request {
    struct proxy *proxy;
    struct buf body;
};

typedef void page_fn(struct proxy *p, struct transit *t, struct slice rest, struct slice body);

struct page {
    const char *method, *path;
    bool prefix; /* `rest` is what stands behind the path */
    page_fn *fn;
};

static void answer(struct transit *t, unsigned status, struct slice type, struct buf *text)
{
    if (transit_answer(t, status, type, buf_slice(text)) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
    buf_fini(text);
}

static void answer_text(struct transit *t, unsigned status, struct slice text)
{
    if (transit_answer(t, status, SLICE("text/plain; charset=utf-8"), text) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
}

static void live(struct proxy *p, struct transit *t, struct slice rest, struct slice body)
{
    (void)p, (void)rest, (void)body;
    answer_text(t, 200, SLICE("live\n"));
}

static void ready(struct proxy *p, struct transit *t, struct slice rest, struct slice body)
{
    (void)rest, (void)body;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    proxy_missing(p, &text);
    bool is_ready = buf_len(&text) == 0;
    if (is_ready)
        buf_put(&text, SLICE("ready\n"));
    proxy_remarks(p, &text);
    answer(t, is_ready ? 200 : 503, SLICE("text/plain; charset=utf-8"), &text);
}

static void metrics(struct proxy *p, struct transit *t, struct slice rest, struct slice body)
{
    (void)rest, (void)body;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    proxy_measure(p);
    metric_print(proxy_metrics(p), &text);
    answer(t, 200, SLICE("text/plain; version=0.0.4"), &text);
}

static void contracts(struct proxy *p, struct transit *t, struct slice rest, struct slice body)
{
    (void)rest, (void)body;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    accord_list(proxy_env(p)->accord, &text);
    answer(t, 200, SLICE("application/json"), &text);
}

static void config(struct proxy *p, struct transit *t, struct slice rest, struct slice body)
{
    (void)rest, (void)body;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    conf_bind_show(proxy_conf_keys, &proxy_env(p)->snap->conf, &text);
    answer(t, 200, SLICE("text/yaml"), &text);
}

static void why_list(struct proxy *p, struct transit *t, struct slice rest, struct slice body)
{
    (void)rest, (void)body;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    recall_list(proxy_env(p)->ledger.recall, LIST_LINES, &text);
    answer(t, 200, SLICE("text/plain; charset=utf-8"), &text);
}

static void why(struct proxy *p, struct transit *t, struct slice rest, struct slice body)
{
    (void)body;
    struct recall_event event;
    if (recall_find(proxy_env(p)->ledger.recall, rest, &event) != ERR_OK) {
        answer_text(t, 404, SLICE("Nothing was refused or adapted under this id or operation lately.\n"));
        return;
    }
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    recall_put(&event, &text);
    answer(t, 200, SLICE("text/plain; charset=utf-8"), &text);
}

static void log_level(struct proxy *p, struct transit *t, struct slice rest, struct slice body)
{
    (void)p, (void)rest;
    enum log_level level;
    if (!log_level_parse(slice_trim(body), &level)) {
        answer_text(t, 400, SLICE("The body is one of debug, info, warn, error.\n"));
        return;
    }
    log_set_level(level);
    answer_text(t, 200, SLICE("done\n"));
}

static void drain(struct proxy *p, struct transit *t, struct slice rest, struct slice body)
{
    (void)rest, (void)body;
    answer_text(t, 202, SLICE("draining\n"));
    proxy_drain(p);
}

static const struct page pages[] = {
    {"GET", "/live", false, live},       {"GET", "/ready", false, ready},
    {"GET", "/metrics", false, metrics}, {"GET", "/contracts", false, contracts},
    {"GET", "/config", false, config},   {"GET", "/why", false, why_list},
    {"GET", "/why/", true, why},         {"PUT", "/log-level", false, log_level},
    {"POST", "/drain", false, drain},
};

static const struct page *find(struct transit *t, struct slice *rest, bool *path_known)
{
    struct slice path = message_path_only(&t->in);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        struct slice name = slice_str(pages[i].path);
        bool same = pages[i].prefix ? slice_starts(path, name) && path.len > name.len : slice_eq(path, name);
        *path_known = *path_known || same;
        *rest = same ? slice_from(path, name.len) : *rest;
        if (same && slice_eq(t->in.method, slice_str(pages[i].method)))
            return &pages[i];
    }
    return NULL;
}

static void data(struct transit *t, struct slice bytes)
{
    struct request *r = t->owner_data;
    transit_credit(t, t->owed);
    if (buf_add(&r->body, bytes) != ERR_OK && !t->out_head)
        answer_text(t, 413, SLICE("The body is too long.\n"));
}

static void end(struct transit *t)
{
    struct request *r = t->owner_data;
    struct slice rest = {0};
    bool path_known = false;
    const struct page *page = find(t, &rest, &path_known);
    if (t->out_head)
        return;
    if (page)
        page->fn(r->proxy, t, rest, buf_slice(&r->body));
    else if (path_known)
        answer_text(t, 405, SLICE("This page has another method.\n"));
    else
        answer_text(t, 404, SLICE("/live /ready /metrics /contracts /config /why /why/ID /log-level /drain\n"));
}

static void gone(struct transit *t, enum transit_end how)
{
    (void)how;
    struct request *r = t->owner_data;
    buf_fini(&r->body);
    mem_free(r);
    transit_free(&t);
}

static const struct transit_owner owner = {.data = data, .end = end, .gone = gone};

void proxy_admin_serve(struct proxy *p, struct transit *t)
{
    struct request *r = mem_new(sizeof(*r));
    r->proxy = p;
    buf_init(&r->body, BODY_BOUND);
    t->owner = &owner;
    t->owner_data = r;
}
