#include "proxy/snapshot.h"

#include <errno.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/stamp.h"
#include "policy/spiffe.h"
#include "proxy/commons.h"
#include "proxy/meters.h"
#include "proxy/providers.h"

enum { SECOND = 1000000, CONNECTIONS = 64 /* to an endpoint */ };

/* --- contracts --- */

static void load_versions(struct snapshot *s, struct diag *diag)
{
    const struct conf_strings *paths = &s->conf.contract_versions;
    s->versions = arena_array(&s->arena, VERDICT_VERSIONS, sizeof(struct contract *));
    for (size_t i = 0; i < paths->count && i < VERDICT_VERSIONS; i++)
        if (contract_read(paths->v[i], diag, &s->versions[s->version_count]) == ERR_OK)
            s->version_count++;
    if (paths->count > VERDICT_VERSIONS)
        diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = paths->v[VERDICT_VERSIONS]},
                 "name those that somebody still calls", "contract_versions has at most %d", VERDICT_VERSIONS);
    if (paths->count && !s->conf.contract)
        diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = paths->v[0]}, "set contract",
                 "contract_versions are versions of `contract`, which is not set");
}

static void load_contracts(struct snapshot *s, struct diag *diag)
{
    size_t count = s->conf.consumes.count;
    s->consumes = arena_array(&s->arena, count ? count : 1, sizeof(struct contract *));
    if (s->conf.contract && contract_read(s->conf.contract, diag, &s->contract) != ERR_OK)
        s->contract = NULL; /* the complaint is in diag */
    load_versions(s, diag);
    if (s->contract && s->conf.validate == PROXY_VALIDATE_SHAPE)
        s->mould = mould_new(s->contract);
    if (s->contract)
        s->messages = pbmould_new(s->contract);
    if (s->contract && !s->messages && s->conf.inbound.speaks != PROXY_SPEAKS_ANY)
        diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = s->conf.contract},
                 "take a contract made of a .proto file, or leave inbound.speaks out",
                 "inbound.speaks is about protobuf, and the contract is not");
    if (s->contract && s->conf.enforce != PROXY_ENFORCE_OFF)
        s->presented = presented_new(s->contract);
    if (s->presented)
        presented_warn(s->presented, s->conf.contract, s->conf.tokens.count > 0, diag);
    for (size_t i = 0; i < count; i++)
        if (contract_read(s->conf.consumes.v[i], diag, &s->consumes[s->consume_count]) == ERR_OK)
            s->consume_count++;
}

static struct contract *consumed(const struct snapshot *s, struct slice service)
{
    for (size_t i = 0; i < s->consume_count; i++)
        if (slice_eq(contract_name(s->consumes[i]), service))
            return s->consumes[i];
    return NULL;
}

static void check_consumes(const struct snapshot *s, struct diag *diag)
{
    for (size_t i = 0; i < s->consume_count; i++) {
        bool known = false;
        for (size_t k = 0; k < s->conf.services.count; k++)
            known = known || slice_eq(contract_name(s->consumes[i]), slice_str(s->conf.services.names[k]));
        if (!known)
            diag_add(diag, DIAG_WARNING, &(struct diag_place){.file = s->conf.consumes.v[i]},
                     "name the service like the contract", "no service is called \"%.*s\": it is never used",
                     SLICE_FMT(contract_name(s->consumes[i])));
    }
}

/* --- policy --- */

static enum err load_policy(struct snapshot *s, struct diag *diag)
{
    /* Half a policy would be complained of for what the other half has. */
    TRY(policy_files_read(&s->policy, s->conf.policy.v, s->conf.policy.count, diag));
    return policy_load(s->policy.v, s->policy.count, diag, &s->authz);
}

/* --- the function --- */

static void parse_app(struct snapshot *s, struct diag *diag)
{
    struct slice url = slice_str(s->conf.inbound.app);
    s->app_h2 = slice_starts(url, SLICE("h2c://"));
    s->app_raw = slice_starts(url, SLICE("tcp://"));
    struct slice address = url;
    if (slice_starts(url, SLICE("http://")))
        address = slice_from(url, 7);
    else if (s->app_h2 || s->app_raw)
        address = slice_from(url, 6);
    if (slice_ends(address, SLICE("/")) && !slice_starts(address, SLICE("unix:")))
        address.len--;
    const char *why = "use http://HOST:PORT, h2c://HOST:PORT, tcp://HOST:PORT or unix:PATH";
    if (slice_starts(url, SLICE("https://")) || sock_parse(address, &s->app_addr, &why) != ERR_OK)
        diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = "inbound.app"}, why, "\"%.*s\" is not an address",
                 SLICE_FMT(url));
}

/* --- the files --- */

static void stamp_one(void *arg, const char *path)
{
    uint64_t *stamp = arg;
    *stamp = stamp_file(*stamp, path);
}

/* All that the YAML file names. */
static uint64_t stamp_named(uint64_t stamp, const struct proxy_conf *c)
{
    stamp = identity_conf_stamp(stamp, &c->identity);
    const struct proxy_conf_token *tokens = c->tokens.items;
    for (size_t i = 0; i < c->tokens.count; i++)
        if (tokens[i].keys)
            stamp = stamp_file(stamp, tokens[i].keys);
    if (c->contract)
        stamp = stamp_file(stamp, c->contract);
    for (size_t i = 0; i < c->consumes.count; i++)
        stamp = stamp_file(stamp, c->consumes.v[i]);
    for (size_t i = 0; i < c->contract_versions.count; i++)
        stamp = stamp_file(stamp, c->contract_versions.v[i]);
    for (size_t i = 0; i < c->policy.count; i++) {
        stamp = stamp_file(stamp, c->policy.v[i]);
        policy_files_list(c->policy.v[i], stamp_one, &stamp);
    }
    return stamp;
}

uint64_t snapshot_stamp(const struct snapshot *s)
{
    return stamp_named(stamp_file(STAMP_NONE, s->path), &s->conf);
}

/* --- the whole --- */

static enum err read_conf(struct snapshot *s, const struct snapshot_source *source, struct diag *diag)
{
    struct conf *conf;
    TRY(conf_read(source->path, diag, &conf));
    if (source->environ)
        conf_environment(conf, "WEFT_", source->environ, diag);
    enum err e = ERR_OK;
    for (size_t i = 0; i < source->set_count && e == ERR_OK; i++)
        e = conf_set(conf, source->sets[i], diag);
    if (e == ERR_OK)
        e = proxy_conf_bind(conf_root(conf), &s->arena, diag, &s->conf);
    conf_free(&conf);
    return e;
}

enum err snapshot_load(const struct snapshot_source *source, struct diag *diag, struct snapshot **out)
{
    struct snapshot *s = mem_new(sizeof(*s));
    s->refs = 1;
    arena_init(&s->arena, SIZE_MAX);
    s->path = arena_keep(&s->arena, slice_str(source->path)).at;
    uint64_t stamp = stamp_file(STAMP_NONE, source->path);
    enum err e = read_conf(s, source, diag);
    const struct creds_given *given = NULL;
    if (e == ERR_OK && source->prepare)
        e = source->prepare(source->arg, &s->conf.identity, diag, &given);
    if (e == ERR_OK) {
        s->stamp = stamp_named(stamp, &s->conf);
        parse_app(s, diag);
        load_contracts(s, diag);
        check_consumes(s, diag);
        enum err creds = ERR_OK;
        if (given || !s->conf.identity.workload)
            creds = identity_conf_load(&s->conf.identity, given, diag, &s->creds);
        enum err policy = load_policy(s, diag);
        enum err tokens = providers_check(&s->conf.tokens, diag);
        e = diag->errors || creds != ERR_OK || policy != ERR_OK || tokens != ERR_OK ? ERR_INPUT : ERR_OK;
    }
    if (e != ERR_OK) {
        snapshot_unref(&s);
        return ERR_INPUT;
    }
    *out = s;
    return ERR_OK;
}

static struct stream *dial_app(void *arg, const char **why)
{
    struct snapshot *s = arg;
    int fd, pair[2];
    if (s->inner && sock_pair(pair) == ERR_OK) {
        server_take(s->inner, stream_fd_new(s->loop, pair[1], false), SLICE("sidecar"));
        return stream_fd_new(s->loop, pair[0], false);
    }
    if (!s->inner && sock_connect(&s->app_addr, &fd) == ERR_OK)
        return stream_fd_new(s->loop, fd, true);
    *why = strerror(errno);
    return NULL;
}

static void start_app(struct snapshot *s, const struct snapshot_start *start)
{
    struct pool_conf conf = {
        .dial = dial_app,
        .arg = s,
        .protocol = s->app_raw  ? POOL_RAW
                    : s->app_h2 ? POOL_H2
                                : POOL_H1,
        .connect_timeout_us = s->conf.timeouts.connect_us,
        .idle_timeout_us = INT64_C(4) * SECOND, /* less than what common servers keep a connection for */
        .stream_idle_us = s->conf.timeouts.stream_idle_us,
        .ping_us = 0, /* the kernel says when a function on this machine ends */
        .max_streams = 100,
        .max_connections = commons_share_some(s->app_h2 ? 4 : 1024, start->worker, start->workers),
        .max_waiting = (uint32_t)s->conf.limits.most, /* as the gate before it lets in */
    };
    s->app = pool_new(start->loop, start->clock, &conf);
    conf.stream_idle_us = 0;
    s->app_jobs = pool_new(start->loop, start->clock, &conf);
}

static void cluster_opened(struct cluster_endpoint *e, uint64_t conn_id, void *arg)
{
    struct snapshot *s = arg;
    s->opened(s, e, conn_id, s->arg);
}

/* A service without versions is one version without a name. */
static const struct cluster_group_conf *groups_of(struct snapshot *s, const struct proxy_conf_service *service,
                                                  size_t *count)
{
    const struct proxy_conf_version *versions = service->versions.items;
    *count = service->versions.count ? service->versions.count : 1;
    struct cluster_group_conf *groups = arena_array(&s->arena, *count, sizeof(*groups));
    groups[0] = (struct cluster_group_conf){
        .weight = 1,
        .endpoints = service->endpoints.v,
        .endpoint_count = service->endpoints.count,
        .by_name = service->dns != NULL,
    };
    for (size_t i = 0; i < service->versions.count; i++)
        groups[i] = (struct cluster_group_conf){
            .name = slice_str(service->versions.names[i]),
            .weight = versions[i].weight,
            .endpoints = versions[i].endpoints.v,
            .endpoint_count = versions[i].endpoints.count,
            .by_name = versions[i].dns != NULL,
        };
    return groups;
}

static struct breaker_conf breaker_of(const struct proxy_conf *c)
{
    return (struct breaker_conf){
        .failures = (uint32_t)c->breaker.failures,
        .success = (uint32_t)c->breaker.success,
        .least = (uint32_t)c->breaker.least,
        .window_us = c->breaker.window_us,
        .open_us = c->breaker.open_us,
        .open_most_us = c->breaker.open_most_us,
    };
}

static struct cluster *start_cluster(struct snapshot *s, const struct snapshot_start *start, size_t i)
{
    const struct proxy_conf *c = &s->conf;
    const struct proxy_conf_service *service = (const struct proxy_conf_service *)c->services.items + i;
    struct cluster_conf conf = {
        .name = slice_str(c->services.names[i]),
        .identity = slice_str(service->identity),
        .consumes = consumed(s, slice_str(c->services.names[i])),
        .creds = s->creds,
        .connect_timeout_us = c->timeouts.connect_us,
        .stream_idle_us = c->timeouts.stream_idle_us,
        .breaker = breaker_of(c),
        .retry_percent = (uint32_t)c->retries.percent,
        .retries_per_second = commons_share((uint32_t)c->retries.per_second, start->worker, start->workers),
        .max_connections = commons_share_some(CONNECTIONS, start->worker, start->workers),
        .max_waiting = (uint32_t)c->limits.in_flight,
        .fault = {(uint32_t)service->fault.percent, (uint32_t)service->fault.status, service->fault.delay_us},
        .opened = cluster_opened,
        .arg = s,
    };
    if (start->meters)
        meters_of_cluster(start->meters, conf.name, &conf);
    conf.groups = groups_of(s, service, &conf.group_count);
    hash_random(&conf.seed, sizeof(conf.seed));
    return cluster_new(start->loop, start->clock, &conf);
}

static void discover(struct snapshot *s, const struct snapshot_start *start, struct cluster *c, size_t group,
                     const char *name)
{
    const char *why = "";
    if (!name)
        return;
    if (!s->resolve)
        s->resolve = lookup_new(start->loop, start->clock, s->conf.resolver, &why);
    if (!s->resolve) {
        log_event(LOG_ERROR, "no-resolver", LOG_STR("why", why), LOG_TEXT("so", slice_str("names are not found")));
        return;
    }
    s->discoveries[s->discovery_count++] =
        discovery_new(start->loop, start->clock, s->resolve, c, &c->groups[group], slice_str(name));
}

static size_t count_names(const struct proxy_conf *c)
{
    const struct proxy_conf_service *services = c->services.items;
    size_t count = 0;
    for (size_t i = 0; i < c->services.count; i++)
        count += 1 + services[i].versions.count;
    return count;
}

static void start_discoveries(struct snapshot *s, const struct snapshot_start *start)
{
    const struct proxy_conf_service *services = s->conf.services.items;
    s->discoveries = arena_array(&s->arena, count_names(&s->conf) + 1, sizeof(struct discovery *));
    for (size_t i = 0; i < s->conf.services.count; i++) {
        const struct proxy_conf_version *versions = services[i].versions.items;
        discover(s, start, s->clusters[i], 0, services[i].dns);
        for (size_t k = 0; k < services[i].versions.count; k++)
            discover(s, start, s->clusters[i], k, versions[k].dns);
    }
}

void snapshot_start(struct snapshot *s, const struct snapshot_start *start)
{
    s->loop = start->loop;
    s->inner = start->inner;
    s->opened = start->opened;
    s->arg = start->arg;
    if (s->conf.inbound.listen || s->conf.broker.https)
        start_app(s, start);
    s->clusters = arena_array(&s->arena, s->conf.services.count + 1, sizeof(struct cluster *));
    for (size_t i = 0; i < s->conf.services.count; i++)
        s->clusters[i] = start_cluster(s, start, i);
    start_discoveries(s, start);
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    s->refs++;
    return s;
}

void snapshot_unref(struct snapshot **s)
{
    struct snapshot *old = *s;
    *s = NULL;
    if (!old || --old->refs > 0)
        return;
    for (size_t i = 0; i < old->discovery_count; i++)
        discovery_free(&old->discoveries[i]);
    lookup_free(&old->resolve);
    for (size_t i = 0; old->clusters && i < old->conf.services.count; i++)
        cluster_free(&old->clusters[i]);
    if (old->app)
        pool_close(&old->app);
    if (old->app_jobs)
        pool_close(&old->app_jobs);
    for (size_t i = 0; i < old->consume_count; i++)
        contract_unref(&old->consumes[i]);
    for (size_t i = 0; i < old->version_count; i++)
        contract_unref(&old->versions[i]);
    mould_free(&old->mould);
    pbmould_unref(&old->messages);
    presented_free(&old->presented);
    contract_unref(&old->contract);
    authz_free(&old->authz);
    policy_files_fini(&old->policy);
    creds_unref(&old->creds);
    arena_fini(&old->arena);
    mem_free(old);
}

struct cluster *snapshot_cluster(const struct snapshot *s, struct slice authority)
{
    struct slice host = authority;
    size_t colon;
    if (slice_find_last(authority, ':', &colon))
        host = slice_to(authority, colon);
    for (size_t i = 0; i < s->conf.services.count; i++)
        if (slice_eq_nocase(host, slice_str(s->conf.services.names[i])))
            return s->clusters[i];
    return NULL;
}
