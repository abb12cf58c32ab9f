#include "proxy/proxy_inside.h"

#include <errno.h>

#include "base/log.h"
#include "base/mem.h"
#include "http/listener.h"
#include "proxy/crew.h"
#include "proxy/exchange.h"
#include "proxy/inquiry.h"
#include "proxy/lambda_api.h"
#include "proxy/openfaas.h"
#include "proxy/proxy_admin.h"
#include "proxy/reply.h"

enum { HEADER_TIMEOUT = 10 * PROXY_SECOND, STREAMS = 256, LOCAL_CONNECTIONS = 10000 };

/* --- requests --- */

static void accept_inbound(struct transit *t, void *arg)
{
    struct proxy *p = ((struct door *)arg)->proxy;
    if (exchange_is(&t->in))
        exchange_serve(p->env.accord, p->env.snap->contract, t);
    else
        relay_start(&p->env, RELAY_INBOUND, NULL, t);
}

static void refuse(struct transit *t, enum reply_word word, struct slice detail)
{
    t->owner = &reply_owner;
    reply_refuse(t, word, detail, (struct slice){0});
}

/* Nothing is sent on it: it only carries the question. */
static const struct transit_carrier no_carrier = {0};

bool proxy_doors_resolve(void *arg, struct slice service, const struct message *request, struct arena *a,
                         struct job_entry_target *out, struct job_visit_refusal *no)
{
    struct proxy *p = arg;
    struct cluster *to = snapshot_cluster(p->env.snap, service);
    struct inquiry q = {0};
    struct transit t;
    *no = (struct job_visit_refusal){.word = REPLY_NO_ROUTE};
    if (!to)
        return false;
    transit_init(&t, &no_carrier, NULL);
    t.in = *request;
    t.in.authority = service;
    bool good = inquiry_outbound(&q, p->env.snap, p->env.accord, to, &t) == ERR_OK;
    if (good)
        *out =
            (struct job_entry_target){to->name, arena_keep(a, q.operation), arena_keep(a, q.path), to->consumes, false};
    else
        *no = (struct job_visit_refusal){q.word, arena_keep(a, q.detail)};
    inquiry_fini(&q);
    transit_fini(&t);
    return good;
}

static void submit(struct proxy *p, struct cluster *to, struct transit *t, bool openfaas)
{
    if (!p->entry) {
        refuse(t, REPLY_BROKER_UNREACHABLE, SLICE("No broker is configured here (broker.https)."));
        return;
    }
    struct inquiry q = {0};
    if (inquiry_outbound(&q, p->env.snap, p->env.accord, to, t) != ERR_OK) {
        refuse(t, q.word, q.detail);
    } else {
        struct job_entry_target target = {to->name, q.operation, q.path, to->consumes, openfaas};
        job_entry_submit(p->entry, t, &target);
    }
    inquiry_fini(&q);
}

/* To the gateway that we stand for; false: it is not. */
static bool async_function(struct proxy *p, struct transit *t)
{
    struct slice name, path;
    switch (openfaas_read(&t->in, arena_new(&t->arena, t->in.path.len + 1), &name, &path)) {
    case OPENFAAS_NOT:
        return false;
    case OPENFAAS_SUBMIT:
        t->in.path = path;
        if (snapshot_cluster(p->env.snap, name))
            submit(p, snapshot_cluster(p->env.snap, name), t, true);
        else
            refuse(t, REPLY_NO_ROUTE,
                   arena_putf(&t->arena, "No function \"%.*s\" is configured here.", SLICE_FMT(name)));
        return true;
    case OPENFAAS_CANCEL:
        if (p->entry)
            job_entry_cancel(p->entry, t, name);
        else
            refuse(t, REPLY_BROKER_UNREACHABLE, SLICE("No broker is configured here (broker.https)."));
        return true;
    case OPENFAAS_WRONG:
        break;
    }
    refuse(t, REPLY_BAD_REQUEST, SLICE("There is POST /async-function/NAME, and DELETE /async-function/CALL-ID."));
    return true;
}

static void route(struct proxy *p, struct cluster *to, struct transit *t)
{
    if (!to && async_function(p, t))
        return;
    if (!to)
        refuse(t, REPLY_NO_ROUTE,
               arena_putf(&t->arena, "Nothing is configured for \"%.*s\".", SLICE_FMT(slice_to(t->in.authority, 256))));
    else if (job_entry_wanted(&t->in))
        submit(p, to, t, false);
    else
        relay_start(&p->env, RELAY_OUTBOUND, to, t);
}

static void accept_outbound(struct transit *t, void *arg)
{
    struct door *d = arg;
    struct proxy *p = d->proxy;
    struct slice authority = d->fixed ? d->fixed->name : t->in.authority;
    if (!job_entry_is_api(t->in.path))
        route(p, snapshot_cluster(p->env.snap, authority), t);
    else if (p->entry)
        job_entry_api(p->entry, t);
    else
        refuse(t, REPLY_BROKER_UNREACHABLE, SLICE("No broker is configured here (broker.https)."));
}

static void accept_admin(struct transit *t, void *arg)
{
    proxy_admin_serve(((struct door *)arg)->proxy, t);
}

static void accept_lambda(struct transit *t, void *arg)
{
    lambda_api_serve(((struct door *)arg)->proxy->pull, t);
}

static struct creds *current_creds(void *arg)
{
    return ((struct door *)arg)->proxy->env.snap->creds;
}

/* Strangers and peers whose certificate we do not take. */
static void peer_refused(struct slice peer_addr, const char *why, void *arg)
{
    metric_add(((struct door *)arg)->proxy->meters.refused, 1);
    log_event(LOG_WARN, "peer-refused", LOG_TEXT("peer", peer_addr), LOG_STR("why", why));
}

static void peer_cut(struct slice peer_id, const char *why, void *arg)
{
    struct proxy *p = ((struct door *)arg)->proxy;
    metric_add(p->peers_cut, 1);
    log_event(LOG_WARN, "peer-cut", LOG_TEXT("peer", peer_id), LOG_STR("why", why));
}

/* --- connections shared out --- */

static bool give(void *arg, int fd, const struct sock_addr *from)
{
    const struct door *d = arg;
    const struct proxy_worker *w = &d->proxy->start.worker;
    unsigned chosen = commons_choose(w->commons, d->side, w->index);
    if (chosen == w->index)
        return false;
    if (crew_hand_over(w->crew, chosen, d->side, fd, from))
        return true;
    commons_left(w->commons, d->side, chosen);
    return false;
}

static void kept(void *arg)
{
    const struct door *d = arg;
    commons_kept(d->proxy->start.worker.commons, d->side, d->proxy->start.worker.index);
}

void proxy_doors_left(void *arg)
{
    const struct door *d = arg;
    commons_left(d->proxy->start.worker.commons, d->side, d->proxy->start.worker.index);
}

/* --- doors --- */

struct door_conf {
    const char *address; /* NULL: none */
    const char *key;     /* of the configuration, for complaints */
    void (*accept)(struct transit *t, void *arg);
    bool mtls;
    uint32_t connections;
    bool raw;                 /* any bytes, where no ALPN says otherwise */
    bool patient;             /* an exchange may wait for ever */
    const struct door *first; /* of the first worker; NULL: we are the first */
    bool alone;               /* other workers have none of this kind */
    bool shared_out;          /* its connections are */
    enum commons_side side;
};

static uint32_t share(const struct proxy *p, uint32_t n)
{
    return commons_share_some(n, p->start.worker.index, p->workers);
}

static enum err open_door(struct proxy *p, struct door *d, const struct door_conf *conf, struct diag *diag)
{
    d->proxy = p;
    d->side = conf->side;
    if (!conf->address)
        return ERR_OK;
    struct server_conf server = {
        .accept = conf->accept,
        .refused = conf->mtls ? peer_refused : NULL,
        .cut = peer_cut,
        .arg = d,
        .header_timeout_us = HEADER_TIMEOUT,
        .idle_timeout_us = INT64_C(300) * PROXY_SECOND,
        .stream_idle_us = conf->patient ? 0 : p->env.snap->conf.timeouts.stream_idle_us,
        .max_streams = STREAMS,
        .left = p->workers > 1 && conf->shared_out ? proxy_doors_left : NULL,
        .max_connections = conf->alone ? conf->connections : share(p, conf->connections),
        .raw = conf->raw,
    };
    d->server = server_new(p->loop, p->clock, &server);
    struct listener_conf listener = {
        .address = conf->address,
        .server = d->server,
        .creds = conf->mtls ? current_creds : NULL,
        .full = p->meters.shakes[0][0],
        .resumed = p->meters.shakes[0][1],
        .arg = d,
        .give = p->workers > 1 && conf->shared_out ? give : NULL,
        .kept = p->workers > 1 && conf->shared_out ? kept : NULL,
        .is_shared = p->workers > 1 && !conf->alone,
        .beside = conf->first ? conf->first->listener : NULL,
    };
    if (listener_open(p->loop, p->clock, &listener, &d->listener) == ERR_OK)
        return ERR_OK;
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = conf->key},
             errno == EADDRINUSE ? "another process has this address: stop it, or choose another one" : NULL,
             "cannot listen on %s: %s", conf->address, strerror(errno));
    return ERR_IO;
}

static enum err open_locals(struct proxy *p, struct diag *diag)
{
    const struct proxy_conf *c = &p->env.snap->conf;
    const struct proxy_conf_service *services = c->services.items;
    p->locals = mem_array(c->services.count + 1, sizeof(*p->locals));
    p->local_count = c->services.count;
    const struct proxy *first = p->start.worker.first;
    if (first && first->local_count != p->local_count)
        return ERR_IO; /* the file has changed since the first has read it */
    enum err worst = ERR_OK;
    for (size_t i = 0; i < c->services.count; i++) {
        struct cluster_name *local = &p->locals[i];
        local->name = slice_str(mem_copy(slice_str(c->services.names[i])));
        local->door.fixed = local;
        struct door_conf conf = {
            .address = services[i].local,
            .key = "services.*.local",
            .accept = accept_outbound,
            .connections = LOCAL_CONNECTIONS,
            .raw = services[i].protocol == PROXY_PROTOCOL_TCP,
            .first = first ? &first->locals[i].door : NULL,
        };
        enum err e = open_door(p, &local->door, &conf, diag);
        worst = e != ERR_OK ? e : worst;
    }
    return worst;
}

enum err proxy_doors_open(struct proxy *p, struct diag *diag)
{
    const struct proxy_conf *c = &p->env.snap->conf;
    const struct proxy *first = p->start.worker.first;
    if (c->inbound.lambda && !first)
        p->pull = lambda_api_new(loop_now(p->loop), slice_str(c->service), (uint32_t)c->inbound.runtimes);
    struct door_conf inbound = {
        .address = c->inbound.listen,
        .key = "inbound.listen",
        .accept = accept_inbound,
        .mtls = true,
        .connections = (uint32_t)c->inbound.max_connections,
        .raw = p->env.snap->app_raw,
        .first = first ? &first->inbound : NULL,
        .shared_out = true,
        .side = COMMONS_INBOUND,
    };
    struct door_conf outbound = {
        .address = c->outbound.listen,
        .key = "outbound.listen",
        .accept = accept_outbound,
        .connections = LOCAL_CONNECTIONS,
        .first = first ? &first->outbound : NULL,
        .shared_out = true,
        .side = COMMONS_OUTBOUND,
    };
    struct door_conf admin = {
        .address = first ? NULL : c->admin.listen,
        .key = "admin.listen",
        .accept = accept_admin,
        .connections = 100,
        .alone = true,
    };
    struct door_conf lambda = {
        .address = first ? NULL : c->inbound.lambda, /* where the others call, too */
        .key = "inbound.lambda",
        .accept = accept_lambda,
        .connections = LOCAL_CONNECTIONS,
        .patient = true,
        .alone = true,
    };
    enum err a = open_door(p, &p->inbound, &inbound, diag);
    enum err b = open_door(p, &p->outbound, &outbound, diag);
    enum err m = open_door(p, &p->admin, &admin, diag);
    enum err f = open_door(p, &p->lambda, &lambda, diag);
    enum err l = open_locals(p, diag);
    return a != ERR_OK || b != ERR_OK || m != ERR_OK || f != ERR_OK || l != ERR_OK ? ERR_IO : ERR_OK;
}

void proxy_doors_close(struct door *d)
{
    listener_close(&d->listener);
    if (d->server)
        server_free(&d->server);
}
