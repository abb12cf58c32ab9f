/* proxy_admin - pages about all workers.
 *
 * What one worker alone knows is gathered in a round (crew); the answer follows when it has come back. */
#include "proxy/proxy_admin.h"

#include "base/json_out.h"
#include "base/mem.h"
#include "http/pages.h"
#include "proxy/crew.h"
#include "proxy/peers.h"

enum { LIST_LINES = 50, TOP_BOUND = 4 << 20 };

struct asked;

struct subject {
    void (*begin)(struct asked *a);
    void (*visit)(struct asked *a, struct proxy *worker);
    void (*answer)(struct asked *a); /* a->t is there */
    void (*end)(struct asked *a);
};

struct asked {
    struct crew_round round;
    const struct subject *subject;
    struct transit *t; /* NULL: whoever asked has left */
    struct slice what; /* behind the path of the page */
    struct buf text, remarks;
    struct arena arena;
    union {
        struct metric_set *metrics;
        struct peers peers;
        struct {
            struct peers peers;
            struct board board;
            int64_t at_us;
            uint32_t exchanges;
        } top;
        struct {
            struct map seen;
            struct json_out json;
        } contracts;
        int64_t newest_us; /* of the event that `text` explains */
    } about;
};

static void on_left(void *arg)
{
    ((struct asked *)arg)->t = NULL;
}

static void on_visit(struct crew_round *r, struct proxy *worker)
{
    struct asked *a = LIST_OF(r, struct asked, round);
    a->subject->visit(a, worker);
}

static void on_done(struct crew_round *r)
{
    struct asked *a = LIST_OF(r, struct asked, round);
    if (a->t) {
        pages_wait(a->t, NULL, NULL);
        a->subject->answer(a);
    }
    if (a->subject->end)
        a->subject->end(a);
    buf_fini(&a->text);
    buf_fini(&a->remarks);
    arena_fini(&a->arena);
    mem_free(a);
}

static void ask_all(struct proxy *p, struct transit *t, struct slice what, const struct subject *subject)
{
    struct asked *a = mem_new(sizeof(*a));
    *a = (struct asked){.round = {.visit = on_visit, .done = on_done}, .subject = subject, .t = t};
    buf_init(&a->text, BUF_TEXT_BOUND);
    buf_init(&a->remarks, BUF_TEXT_BOUND);
    arena_init(&a->arena, SIZE_MAX);
    a->what = arena_keep(&a->arena, what);
    pages_wait(t, on_left, a);
    if (subject->begin)
        subject->begin(a);
    const struct proxy_worker *w = proxy_worker_of(p);
    crew_go(w->crew, w->index, &a->round);
}

/* --- /ready --- */

/* Workers miss the same things. */
static void add_new_lines(struct buf *out, struct buf *more)
{
    struct slice rest = buf_slice(more), line;
    while (slice_split(&rest, '\n', &line))
        if (line.len && !slice_has(buf_slice(out), line))
            buf_putf(out, "%.*s\n", SLICE_FMT(line));
    buf_fini(more);
}

static void visit_ready(struct asked *a, struct proxy *worker)
{
    struct buf missing, remarks;
    buf_init(&missing, BUF_TEXT_BOUND);
    buf_init(&remarks, BUF_TEXT_BOUND);
    proxy_missing(worker, &missing);
    proxy_remarks(worker, &remarks);
    add_new_lines(&a->text, &missing);
    add_new_lines(&a->remarks, &remarks);
}

static void answer_ready(struct asked *a)
{
    bool is_ready = buf_len(&a->text) == 0;
    if (is_ready)
        buf_put(&a->text, SLICE("ready\n"));
    buf_put(&a->text, buf_slice(&a->remarks));
    pages_buf(a->t, is_ready ? 200 : 503, SLICE("text/plain; charset=utf-8"), &a->text);
}

static void ready(void *arg, struct transit *t, const struct pages_request *r)
{
    static const struct subject subject = {.visit = visit_ready, .answer = answer_ready};
    ask_all(arg, t, r->rest, &subject);
}

/* --- /metrics --- */

static void begin_metrics(struct asked *a)
{
    a->about.metrics = metric_set_new();
}

static void visit_metrics(struct asked *a, struct proxy *worker)
{
    proxy_measure(worker);
    metric_merge(a->about.metrics, proxy_metrics(worker));
}

static void answer_metrics(struct asked *a)
{
    metric_print(a->about.metrics, &a->text);
    pages_buf(a->t, 200, SLICE("text/plain; version=0.0.4"), &a->text);
}

static void end_metrics(struct asked *a)
{
    metric_set_free(&a->about.metrics);
}

static void metrics(void *arg, struct transit *t, const struct pages_request *r)
{
    static const struct subject subject = {begin_metrics, visit_metrics, answer_metrics, end_metrics};
    ask_all(arg, t, r->rest, &subject);
}

/* --- /contracts --- */

static void begin_contracts(struct asked *a)
{
    a->about.contracts.seen = (struct map){0};
    json_out_init(&a->about.contracts.json, &a->text, 2);
    json_out_array(&a->about.contracts.json);
}

static void visit_contracts(struct asked *a, struct proxy *worker)
{
    accord_list(proxy_env(worker)->accord, &a->about.contracts.seen, &a->arena, &a->about.contracts.json);
}

static void answer_contracts(struct asked *a)
{
    json_out_end(&a->about.contracts.json);
    buf_put_char(&a->text, '\n');
    pages_buf(a->t, 200, SLICE("application/json"), &a->text);
}

static void end_contracts(struct asked *a)
{
    map_fini(&a->about.contracts.seen);
}

static void contracts(void *arg, struct transit *t, const struct pages_request *r)
{
    static const struct subject subject = {begin_contracts, visit_contracts, answer_contracts, end_contracts};
    ask_all(arg, t, r->rest, &subject);
}

/* --- /peers --- */

static void begin_peers(struct asked *a)
{
    peers_init(&a->about.peers);
}

static void visit_peers(struct asked *a, struct proxy *worker)
{
    const struct snapshot *s = proxy_env(worker)->snap;
    for (size_t i = 0; i < s->conf.services.count; i++)
        peers_add(&a->about.peers, s->clusters[i]);
}

static void answer_peers(struct asked *a)
{
    struct json_out j;
    json_out_init(&j, &a->text, 2);
    peers_put(&a->about.peers, &j);
    buf_put_char(&a->text, '\n');
    pages_buf(a->t, 200, SLICE("application/json"), &a->text);
}

static void end_peers(struct asked *a)
{
    peers_fini(&a->about.peers);
}

static void peers(void *arg, struct transit *t, const struct pages_request *r)
{
    static const struct subject subject = {begin_peers, visit_peers, answer_peers, end_peers};
    ask_all(arg, t, r->rest, &subject);
}

/* --- /top --- */

static void begin_top(struct asked *a)
{
    a->about.top.at_us = 0;
    a->about.top.exchanges = 0;
    peers_init(&a->about.top.peers);
    board_init(&a->about.top.board);
}

static void visit_top(struct asked *a, struct proxy *worker)
{
    const struct relay_env *env = proxy_env(worker);
    a->about.top.at_us = now_mono_us(loop_now(env->loop));
    a->about.top.exchanges += env->exchanges;
    board_merge(&a->about.top.board, &env->ledger.board);
    for (size_t i = 0; i < env->snap->conf.services.count; i++)
        peers_add(&a->about.top.peers, env->snap->clusters[i]);
}

static void answer_top(struct asked *a)
{
    struct json_out j;
    buf_fini(&a->text);
    buf_init(&a->text, TOP_BOUND);
    json_out_init(&j, &a->text, 0);
    json_out_object(&j);
    json_out_member_int(&j, "at_us", a->about.top.at_us);
    json_out_member_int(&j, "in_flight", a->about.top.exchanges);
    json_out_name(&j, "calls");
    board_put(&a->about.top.board, &j);
    json_out_name(&j, "endpoints");
    peers_put(&a->about.top.peers, &j);
    json_out_end(&j);
    buf_put_char(&a->text, '\n');
    pages_buf(a->t, 200, SLICE("application/json"), &a->text);
}

static void end_top(struct asked *a)
{
    peers_fini(&a->about.top.peers);
    board_fini(&a->about.top.board);
}

static void top(void *arg, struct transit *t, const struct pages_request *r)
{
    static const struct subject subject = {begin_top, visit_top, answer_top, end_top};
    ask_all(arg, t, r->rest, &subject);
}

/* --- /config --- */

static void config(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    conf_bind_show(proxy_conf_keys, &proxy_env(arg)->snap->conf, &text);
    pages_buf(t, 200, SLICE("text/yaml"), &text);
}

/* --- /why --- */

static void visit_why_list(struct asked *a, struct proxy *worker)
{
    recall_list(proxy_env(worker)->ledger.recall, LIST_LINES, &a->text);
}

static void answer_why_list(struct asked *a)
{
    recall_merge(&a->text, LIST_LINES);
    pages_buf(a->t, 200, SLICE("text/plain; charset=utf-8"), &a->text);
}

static void why_list(void *arg, struct transit *t, const struct pages_request *r)
{
    static const struct subject subject = {.visit = visit_why_list, .answer = answer_why_list};
    ask_all(arg, t, r->rest, &subject);
}

static void visit_why(struct asked *a, struct proxy *worker)
{
    struct recall_event event;
    if (recall_find(proxy_env(worker)->ledger.recall, a->what, &event) != ERR_OK || event.wall_us < a->about.newest_us)
        return;
    a->about.newest_us = event.wall_us;
    buf_clear(&a->text);
    recall_put(&event, &a->text);
}

static void answer_why(struct asked *a)
{
    if (buf_len(&a->text) == 0)
        pages_text(a->t, 404, SLICE("Nothing was refused or adapted under this id or operation lately.\n"));
    else
        pages_buf(a->t, 200, SLICE("text/plain; charset=utf-8"), &a->text);
}

static void why(void *arg, struct transit *t, const struct pages_request *r)
{
    static const struct subject subject = {.visit = visit_why, .answer = answer_why};
    ask_all(arg, t, r->rest, &subject);
}

/* --- the table --- */

static void drain(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)r;
    pages_text(t, 202, SLICE("draining\n"));
    crew_drain(proxy_worker_of(arg)->crew);
}

static const struct pages_row rows[] = {
    {"GET", "/live", false, pages_live}, {"GET", "/ready", false, ready},
    {"GET", "/metrics", false, metrics}, {"GET", "/contracts", false, contracts},
    {"GET", "/config", false, config},   {"GET", "/peers", false, peers},
    {"GET", "/top", false, top},         {"GET", "/why", false, why_list},
    {"GET", "/why/", true, why},         {"PUT", "/log-level", false, pages_log_level},
    {"POST", "/drain", false, drain},    {0},
};

void proxy_admin_serve(struct proxy *p, struct transit *t)
{
    pages_serve(rows, p, t);
}
