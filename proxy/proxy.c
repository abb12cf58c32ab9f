/* Start: snapshot, accord, servers, listeners, then the link to the broker; ready.
 *
 * Drain goes from the outside in: first nobody can call us any more and no job is
 * taken; when those exchanges are done, our function's own calls may end; then all is
 * over.  Listeners close at once, so that a successor can have the ports. */
#include "proxy/proxy_inside.h"

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "http/listener.h"
#include "http/server.h"
#include "identity/identity.h"
#include "proxy/action.h"
#include "proxy/crew.h"
#include "proxy/exchange.h"
#include "proxy/job_entry.h"
#include "proxy/job_link.h"
#include "proxy/job_runner.h"
#include "proxy/lambda_api.h"
#include "proxy/meters.h"
#include "proxy/providers.h"

enum { LAST_TURNS = 16, LOOK_US = 5 * PROXY_SECOND, SWEEP_US = 60 * PROXY_SECOND };

/* --- jobs --- */

static void play(void *arg, struct transit *t)
{
    struct proxy *p = arg;
    relay_start(&p->env, RELAY_INBOUND, NULL, t);
}

static bool knows(void *arg, const uint8_t digest[32])
{
    struct hash_digest d;
    memcpy(d.b, digest, sizeof(d.b));
    return accord_contract(((struct proxy *)arg)->env.accord, &d) != NULL;
}

static void learnt(void *arg, enum err e, struct slice complaint)
{
    (void)arg;
    if (e != ERR_OK)
        log_event(LOG_WARN, "contract-unreadable", LOG_STR("from", "broker"), LOG_TEXT("why", complaint));
}

static void learn(void *arg, struct slice peer, const uint8_t digest[32], struct slice text)
{
    struct hash_digest d;
    memcpy(d.b, digest, sizeof(d.b));
    if (accord_offer(((struct proxy *)arg)->env.accord, peer, &d, text, learnt, NULL) != ERR_OK)
        log_event(LOG_WARN, "contract-too-large", LOG_TEXT("peer", peer));
}

static void start_jobs(struct proxy *p)
{
    struct snapshot *s = p->env.snap;
    if (!s->conf.broker.https)
        return;
    const struct proxy_worker *w = &p->start.worker;
    struct job_runner_conf runner = {
        .loop = p->loop,
        .clock = p->clock,
        .slots = commons_share((uint32_t)s->conf.broker.slots, w->index, p->workers),
        .shelf = &w->commons->jobs,
        .play = play,
        .knows = knows,
        .learn = learn,
        .arg = p,
    };
    p->runner = job_runner_new(&runner);
    struct job_link_conf link = {
        .loop = p->loop,
        .clock = p->clock,
        .snap = s,
        .hello = job_runner_hello,
        .welcome = job_runner_welcome,
        .assign = job_runner_assign,
        .beat = job_runner_beat,
        .lost = job_runner_lost,
        .arg = p->runner,
    };
    p->link = job_link_new(&link);
    job_runner_bind(p->runner, p->link);
    int64_t quiet_s = s->conf.timeouts.stream_idle_us / PROXY_SECOND;
    struct job_entry_conf entry = {
        .loop = p->loop,
        .clock = p->clock,
        .link = p->link,
        .runner = p->runner,
        .shelf = &w->commons->jobs,
        .resolve = proxy_doors_resolve,
        .resolve_arg = p,
        .wait_most_s = quiet_s > 1 ? (uint32_t)(quiet_s - 1) : 1,
    };
    p->entry = job_entry_new(&entry);
    for (size_t i = 0; i < s->consume_count; i++)
        job_link_show_contract(p->link, s->consumes[i]);
}

/* --- snapshots --- */

static void opened(struct snapshot *s, struct cluster_endpoint *e, uint64_t conn_id, void *arg)
{
    (void)s;
    exchange_show(((struct proxy *)arg)->env.accord, e, conn_id);
}

static void know_contracts(struct proxy *p, const struct snapshot *s)
{
    if (s->contract)
        accord_know(p->env.accord, s->contract);
    if (s->contract)
        accord_know_versions(p->env.accord, s->contract, s->versions, s->version_count);
    accord_translates(p->env.accord, s->conf.inbound.speaks != PROXY_SPEAKS_ANY);
    for (size_t i = 0; i < s->consume_count; i++)
        accord_know(p->env.accord, s->consumes[i]);
}

/* Who was let in by what we believed before is asked again. */
static void recheck(struct proxy *p, struct snapshot *old)
{
    for (size_t i = 0; i < old->conf.services.count; i++)
        cluster_recheck(old->clusters[i], p->env.snap->creds);
    if (p->inbound.server)
        server_recheck(p->inbound.server, p->env.snap->creds);
    relay_recheck(&p->env);
}

static void adopt(struct proxy *p, struct snapshot *s)
{
    unsigned index = p->start.worker.index;
    struct snapshot_start start = {.loop = p->loop,
                                   .clock = p->clock,
                                   .opened = opened,
                                   .arg = p,
                                   .worker = index,
                                   .workers = p->workers,
                                   .meters = &p->meters,
                                   .inner = p->action ? action_server(p->action) : NULL};
    snapshot_start(s, &start);
    know_contracts(p, s);
    providers_adopt(p->providers, &s->conf.tokens);
    s->providers = p->providers;
    if (!p->env.snap || p->env.snap->conf.log.level != s->conf.log.level)
        log_set_level((enum log_level)s->conf.log.level); /* else what was set by hand stays */
    struct snapshot *old = p->env.snap;
    p->env.snap = s;
    p->stamp = s->stamp;
    if (old && s->conf.recheck)
        recheck(p, old);
    snapshot_unref(&old);
    relay_env_limits(&p->env);
    identity_adopt(p->identity, &s->conf.identity, s->creds);
    if (index == 0 && authz_rule_count(s->authz) == 0)
        log_event(LOG_WARN, "no-policy", LOG_STR("so", "every identity of a trusted domain may call"));
}

static void log_complaints(const struct diag *d)
{
    for (const struct diag_entry *e = d->first; e; e = e->next)
        log_event(e->level == DIAG_ERROR ? LOG_ERROR : LOG_WARN, "config", LOG_TEXT("file", e->file),
                  LOG_INT("line", e->line), LOG_INT("column", e->column), LOG_TEXT("what", e->message),
                  LOG_TEXT("fix", e->fix));
}

enum err proxy_prepare(struct proxy *p, uint64_t *stamp)
{
    struct diag diag;
    diag_init(&diag);
    p->stamp = snapshot_stamp(p->env.snap); /* a bad state is complained of once */
    enum err e = snapshot_load(&p->start.source, &diag, &p->next);
    log_complaints(&diag);
    diag_fini(&diag);
    if (e == ERR_OK)
        *stamp = p->next->stamp;
    return e;
}

void proxy_forget_next(struct proxy *p)
{
    snapshot_unref(&p->next);
}

void proxy_take_next(struct proxy *p)
{
    struct snapshot *s = p->next;
    p->next = NULL;
    if (!s)
        return;
    adopt(p, s);
    if (!p->link)
        return;
    job_link_reload(p->link, s);
    for (size_t i = 0; i < s->consume_count; i++)
        job_link_show_contract(p->link, s->consumes[i]);
}

void proxy_say_reloaded(const struct proxy *p)
{
    log_event(LOG_INFO, "reloaded", LOG_TEXT("identity", creds_id(p->env.snap->creds)));
    if (p->env.snap->conf.workers != p->workers)
        log_event(LOG_WARN, "workers-kept", LOG_INT("workers", p->workers),
                  LOG_STR("so", "another number needs a new start"));
}

static void look_at_files(struct due *due)
{
    struct proxy *p = (struct proxy *)(void *)((char *)due - offsetof(struct proxy, look_due));
    bool has_file = strcmp(p->start.source.path, "-") != 0;
    if (has_file && !p->draining && snapshot_stamp(p->env.snap) != p->stamp)
        p->start.files_changed(p->start.arg);
    identity_watch(p->identity);
    due_in(p->clock, &p->look_due, LOOK_US);
}

static void sweep(struct due *due)
{
    struct proxy *p = (struct proxy *)(void *)((char *)due - offsetof(struct proxy, sweep_due));
    ledger_sweep(&p->env.ledger, p->metrics, loop_turn_us(p->loop));
    due_in(p->clock, &p->sweep_due, SWEEP_US);
}

/* --- drain --- */

static void over(struct loop_task *task)
{
    struct proxy *p = LIST_OF(task, struct proxy, over);
    if (p->ended)
        return;
    p->ended = true;
    due_cancel(p->clock, &p->drain_due);
    p->start.drained(p->start.arg);
}

static void part_idle(void *arg);

void proxy_close_inside(struct proxy *p)
{
    if (p->outside_closed)
        return;
    p->outside_closed = true;
    p->draining_parts = 1;
    struct door *doors[] = {&p->outbound};
    for (size_t i = 0; i < p->local_count; i++)
        if (p->locals[i].door.server) {
            p->draining_parts++;
            server_drain(p->locals[i].door.server, part_idle, p);
        }
    if (doors[0]->server) {
        p->draining_parts++;
        server_drain(doors[0]->server, part_idle, p);
    }
    part_idle(p);
}

static void part_idle(void *arg)
{
    struct proxy *p = arg;
    if (--p->draining_parts > 0)
        return;
    if (!p->outside_closed)
        p->start.outside_over(p->start.arg);
    else
        loop_defer(p->loop, &p->over);
}

static void drain_late(struct due *due)
{
    struct proxy *p = (struct proxy *)(void *)((char *)due - offsetof(struct proxy, drain_due));
    log_event(LOG_WARN, "drain-late", LOG_INT("exchanges", p->env.exchanges), LOG_STR("so", "they are cut"));
    loop_defer(p->loop, &p->over);
}

void proxy_drain(struct proxy *p)
{
    if (p->draining)
        return;
    p->draining = true;
    if (p->start.worker.index == 0)
        log_event(LOG_INFO, "draining", LOG_INT("exchanges", crew_exchanges(p->start.worker.crew)));
    listener_close(&p->inbound.listener);
    listener_close(&p->outbound.listener);
    for (size_t i = 0; i < p->local_count; i++)
        listener_close(&p->locals[i].door.listener);
    due_in(p->clock, &p->drain_due, p->env.snap->conf.timeouts.drain_us);
    p->draining_parts = 1;
    if (p->inbound.server) {
        p->draining_parts++;
        server_drain(p->inbound.server, part_idle, p);
    }
    if (p->runner) {
        p->draining_parts++;
        job_runner_drain(p->runner, part_idle, p);
    }
    part_idle(p);
}

/* --- lifecycle --- */

void proxy_say_ready(const struct proxy *p)
{
    static const char *const names[] = {"inbound", "outbound", "admin"};
    const struct door *doors[] = {&p->inbound, &p->outbound, &p->admin};
    for (size_t i = 0; i < 3; i++)
        if (doors[i]->listener)
            log_event(LOG_INFO, "listening", LOG_STR("side", names[i]),
                      LOG_TEXT("address", listener_address(doors[i]->listener)));
    for (size_t i = 0; i < p->local_count; i++)
        if (p->locals[i].door.listener)
            log_event(LOG_INFO, "listening", LOG_STR("side", "local"), LOG_TEXT("service", p->locals[i].name),
                      LOG_TEXT("address", listener_address(p->locals[i].door.listener)));
    log_event(LOG_INFO, "ready", LOG_STR("service", p->env.snap->conf.service),
              LOG_TEXT("identity", creds_id(p->env.snap->creds)), LOG_STR("version", WEFT_VERSION));
}

static void identity_renewed(void *arg)
{
    struct proxy *p = arg;
    p->start.files_changed(p->start.arg);
}

static void identity_withdrawn(void *arg)
{
    struct proxy *p = arg;
    p->start.withdrawn(p->start.arg);
}

void proxy_withdraw(struct proxy *p)
{
    identity_withdraw(p->identity);
    if (p->env.snap->conf.recheck)
        recheck(p, p->env.snap);
}

static const struct identity_owner identity_owner = {identity_renewed, identity_withdrawn};

static struct proxy *assemble(const struct proxy_start *start)
{
    struct proxy *p = mem_new(sizeof(*p));
    p->loop = start->loop;
    p->start = *start;
    p->clock = due_clock_new(p->loop);
    p->metrics = metric_set_new();
    p->env = (struct relay_env){
        .loop = p->loop,
        .clock = p->clock,
        .accord = accord_new(p->loop, p->clock),
    };
    hash_random(&p->env.id_seed, sizeof(p->env.id_seed));
    ledger_init(&p->env.ledger, p->metrics);
    rate_init(&p->env.rate);
    p->providers = providers_new(p->loop, p->clock, p->metrics);
    struct identity_start identity = {
        .loop = p->loop,
        .clock = p->clock,
        .metrics = p->metrics,
        .share = &start->worker.commons->svids,
        .is_follower = start->worker.first != NULL,
        .owner = &identity_owner,
        .arg = p,
    };
    p->identity = identity_new(&identity);
    p->start.source.prepare = identity_prepare;
    p->start.source.arg = p->identity;
    p->peers_cut = metric_series(metric_family(p->metrics, METRIC_COUNTER, "weft_peers_cut_total", "",
                                               "Open connections cut because their peer is trusted no more."),
                                 NULL);
    p->in_flight = metric_series(
        metric_family(p->metrics, METRIC_GAUGE, "weft_requests_in_flight", "", "Exchanges under way."), NULL);
    p->lines_dropped =
        metric_series(metric_family(p->metrics, METRIC_COUNTER, "weft_access_log_dropped_total", "",
                                    "Lines of the access log that were not written: too many waited, or the disk "
                                    "would not take them."),
                      NULL);
    loop_task_init(&p->over, over);
    due_init(&p->drain_due, drain_late);
    due_init(&p->look_due, look_at_files);
    due_init(&p->sweep_due, sweep);
    meters_init(&p->meters, p->metrics);
    return p;
}

static enum err open_access_log(struct proxy *p, struct diag *diag)
{
    struct access_log_conf conf = {
        .loop = p->loop,
        .clock = p->clock,
        .path = p->env.snap->conf.log.access,
        .guard = p->start.worker.commons->log,
    };
    if (!conf.path || access_log_open(&conf, &p->env.ledger.access) == ERR_OK)
        return ERR_OK;
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = conf.path}, NULL, "log.access: %s", strerror(errno));
    return ERR_IO;
}

/* How many we are is said once, by the first. */
static enum err join_crew(struct proxy *p, const struct snapshot *s, struct diag *diag)
{
    struct commons *c = p->start.worker.commons;
    if (c->workers == 0)
        commons_init(c, (unsigned)s->conf.workers);
    p->workers = c->workers;
    p->env.commons = p->workers > 1 ? c : NULL;
    if (p->workers == 1 || strcmp(p->start.source.path, "-") != 0)
        return ERR_OK;
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = "workers"}, "write it into a file",
             "a configuration that is read from standard input has one worker: it can be read once");
    return ERR_INPUT;
}

enum err proxy_start(const struct proxy_start *start, struct diag *diag, struct proxy **out)
{
    struct snapshot *s;
    struct proxy *p = assemble(start);
    enum err e = snapshot_load(&p->start.source, diag, &s);
    if (e == ERR_OK && join_crew(p, s, diag) != ERR_OK) {
        snapshot_unref(&s);
        e = ERR_INPUT;
    }
    if (e == ERR_OK && s->conf.inbound.whisk.container &&
        action_new(p->loop, p->clock, &s->conf, diag, &p->action) != ERR_OK) {
        snapshot_unref(&s);
        e = ERR_INPUT;
    }
    if (e == ERR_OK) {
        adopt(p, s);
        e = open_access_log(p, diag);
    }
    if (e == ERR_OK)
        e = proxy_doors_open(p, diag);
    if (e != ERR_OK) {
        proxy_free(&p);
        return e;
    }
    start_jobs(p);
    if (start->worker.index == 0)
        due_in(p->clock, &p->look_due, LOOK_US);
    due_in(p->clock, &p->sweep_due, SWEEP_US);
    *out = p;
    return ERR_OK;
}

static void last_turns(struct proxy *p)
{
    for (int i = 0; i < LAST_TURNS; i++)
        loop_turn(p->loop, false);
}

void proxy_free(struct proxy **proxy)
{
    struct proxy *p = *proxy;
    *proxy = NULL;
    if (!p)
        return;
    due_cancel(p->clock, &p->drain_due);
    due_cancel(p->clock, &p->look_due);
    due_cancel(p->clock, &p->sweep_due);
    loop_task_cancel(&p->over);
    identity_free(&p->identity);
    if (p->entry)
        job_entry_free(&p->entry);
    if (p->runner)
        job_runner_close(&p->runner);
    if (p->link)
        job_link_close(&p->link);
    proxy_doors_close(&p->inbound);
    proxy_doors_close(&p->outbound);
    proxy_doors_close(&p->admin);
    proxy_doors_close(&p->lambda);
    for (size_t i = 0; i < p->local_count; i++) {
        proxy_doors_close(&p->locals[i].door);
        mem_free((void *)(uintptr_t)p->locals[i].name.at);
    }
    mem_free(p->locals);
    relay_cut_all(&p->env);
    last_turns(p); /* exchanges end; what they asked of accord is still there */
    lambda_api_free(&p->pull);
    action_free(&p->action);
    snapshot_unref(&p->next);
    snapshot_unref(&p->env.snap);
    last_turns(p); /* pools free themselves from the loop */
    accord_free(&p->env.accord);
    last_turns(p);
    gate_fini(&p->env.gate);
    rate_fini(&p->env.rate);
    providers_free(&p->providers);
    ledger_fini(&p->env.ledger);
    metric_set_free(&p->metrics);
    due_clock_free(&p->clock);
    mem_free(p);
}

void proxy_take(struct proxy *p, enum commons_side side, int fd, const struct sock_addr *from)
{
    struct door *d = side == COMMONS_INBOUND ? &p->inbound : &p->outbound;
    if (d->listener) {
        listener_take(d->listener, fd, from);
        return;
    }
    close(fd); /* a drain has come between */
    proxy_doors_left(d);
}

/* --- for the admin side --- */

struct relay_env *proxy_env(struct proxy *p)
{
    return &p->env;
}

struct metric_set *proxy_metrics(struct proxy *p)
{
    return p->metrics;
}

void proxy_measure(struct proxy *p)
{
    metric_gauge(p->in_flight, p->env.exchanges);
    if (p->env.ledger.access)
        p->lines_dropped->count = access_log_dropped(p->env.ledger.access);
    for (size_t i = 0; i < p->env.snap->conf.services.count; i++)
        meters_measure(&p->meters, p->env.snap->clusters[i]);
    const struct door *const doors[] = {&p->inbound, &p->outbound};
    static const char *const sides[] = {"inbound", "outbound"};
    for (size_t i = 0; i < 2; i++)
        if (doors[i]->server)
            meters_taken(&p->meters, slice_str(sides[i]), server_connections(doors[i]->server));
}

/* Names without an answer: those that were never answered keep us from being ready, the others do not. */
static void put_names(const struct proxy *p, bool waiting, struct buf *out)
{
    const struct snapshot *s = p->env.snap;
    for (size_t i = 0; i < s->discovery_count; i++) {
        const struct discovery *d = s->discoveries[i];
        if (discovery_fault(d) && discovery_waits(d) == waiting)
            buf_putf(out, "name: %.*s: %s\n", SLICE_FMT(discovery_name(d)), discovery_fault(d));
    }
}

void proxy_missing(const struct proxy *p, struct buf *out)
{
    if (p->draining)
        buf_put(out, SLICE("draining: no new exchanges are taken\n"));
    identity_missing(p->identity, out);
    put_names(p, true, out);
}

void proxy_remarks(const struct proxy *p, struct buf *out)
{
    identity_remarks(p->identity, out);
    put_names(p, false, out);
    if (p->link && !job_link_ready(p->link))
        buf_putf(out, "broker: %s\n", job_link_state(p->link));
}

const struct proxy_worker *proxy_worker_of(const struct proxy *p)
{
    return &p->start.worker;
}

bool proxy_draining(const struct proxy *p)
{
    return p->draining;
}
