#include "broker/broker_conf.h"

#include "base/sock.h"
#include "base/web_url.h"

static const char *const level_words[] = {"debug", "info", "warn", "error", NULL};

static const char *const confine_words[] = {"false", "true", "log", NULL}; /* enum confine_mode */

enum { SECOND = 1000000, MIB = 1 << 20 };

#define AT(member) .offset = offsetof(struct broker_conf, member)
#define SERVICE_AT(member) .offset = offsetof(struct broker_conf_service, member)

static const struct conf_key service_keys[] = {
    {.name = "identity",
     .type = CONF_STRING,
     SERVICE_AT(identity),
     .required = true,
     .doc = "the SPIFFE ID whose sidecar may run its jobs"},
    {.name = "attempts",
     .type = CONF_COUNT,
     SERVICE_AT(attempts),
     .preset = "5",
     .min = 1,
     .max = 100,
     .doc = "attempts of a job that does not say"},
    {.name = "concurrency",
     .type = CONF_COUNT,
     SERVICE_AT(concurrency),
     .max = 1000000,
     .doc = "of its jobs that run at once, wherever; 0: as many as sidecars have places"},
    {.name = "per_minute",
     .type = CONF_COUNT,
     SERVICE_AT(per_minute),
     .max = 60000000,
     .doc = "of its jobs that begin, evenly; 0: no limit"},
    {.name = "key_concurrency",
     .type = CONF_COUNT,
     SERVICE_AT(key_concurrency),
     .max = 1000000,
     .doc = "of its jobs with the same weft-key that run at once; 1: one after the other; 0: no limit"},
    {.name = "key_per_minute",
     .type = CONF_COUNT,
     SERVICE_AT(key_per_minute),
     .max = 60000000,
     .doc = "of its jobs with the same weft-key that begin, evenly; 0: no limit"},
    {.name = "paused", .type = CONF_BOOL, SERVICE_AT(paused), .doc = "jobs are taken and wait; those that run go on"},
    {0},
};

static const struct conf_key limit_keys[] = {
    {.name = "jobs",
     .type = CONF_COUNT,
     AT(limits.jobs),
     .preset = "100000",
     .min = 1,
     .max = 10000000,
     .doc = "jobs that one caller may have waiting"},
    {.name = "bytes",
     .type = CONF_SIZE,
     AT(limits.bytes),
     .doc = "of the requests of jobs that one caller may have waiting; 0: no limit"},
    {.name = "payload",
     .type = CONF_SIZE,
     AT(limits.payload),
     .preset = "16GiB",
     .min = MIB,
     .max = UINT64_C(1) << 42,
     .doc = "one body or result; those over 256 KiB are files in `data`/blobs"},
    {.name = "blobs",
     .type = CONF_SIZE,
     AT(limits.blobs),
     .preset = "64GiB",
     .min = MIB,
     .max = UINT64_C(1) << 50,
     .doc = "of such files, that one caller's jobs may have; then 429"},
    {0},
};

static const struct conf_key callback_keys[] = {
    {.name = "allow",
     .type = CONF_STRINGS,
     AT(callbacks.allow),
     .doc = "beginnings of the URLs that jobs may call back (https://hooks.example.org/); none: no callbacks"},
    {.name = "secret",
     .type = CONF_PATH,
     AT(callbacks.secret),
     .doc = "file with whsec_BASE64 of 24 to 64 bytes: signs them (Standard Webhooks)"},
    {.name = "ca", .type = CONF_PATH, AT(callbacks.ca), .doc = "PEM of the authorities of those hosts; the system's"},
    {.name = "private",
     .type = CONF_BOOL,
     AT(callbacks.private_too),
     .doc = "names in allow may have private addresses; addresses in allow always may"},
    {.name = "tries",
     .type = CONF_COUNT,
     AT(callbacks.tries),
     .preset = "12",
     .min = 1,
     .max = 100,
     .doc = "of one callback, 5 s to 1 h apart; then it is dead"},
    {0},
};

static const struct conf_key admin_keys[] = {
    {.name = "listen", .type = CONF_ADDRESS, AT(admin.listen), .doc = "/ready /metrics /queues; loopback or unix only"},
    {0},
};

static const struct conf_key log_keys[] = {
    {.name = "level",
     .type = CONF_CHOICE,
     AT(log.level),
     .preset = "info",
     .choices = level_words,
     .doc = "least that is said"},
    {.name = "json", .type = CONF_BOOL, AT(log.json), .preset = "false", .doc = "one JSON object a line"},
    {0},
};

const struct conf_key broker_conf_keys[] = {
    {.name = "bus",
     .type = CONF_ADDRESS,
     AT(bus),
     .preset = "127.0.0.1:4750",
     .doc = "where sidecars reach the job bus (ZeroMQ, CURVE)"},
    {.name = "https",
     .type = CONF_ADDRESS,
     AT(https),
     .preset = "127.0.0.1:4751",
     .doc = "where sidecars register their bus keys (mTLS)"},
    {.name = "identity",
     .type = CONF_TABLE,
     AT(identity),
     .sub = identity_conf_keys,
     .required = true,
     .doc = "who we are and whom we trust"},
    {.name = "data", .type = CONF_PATH, AT(data), .required = true, .doc = "folder of the database; made when absent"},
    {.name = "max_bytes",
     .type = CONF_SIZE,
     AT(max_bytes),
     .preset = "4GiB",
     .min = 16 * MIB,
     .max = UINT64_C(1) << 40,
     .doc = "the database grows to this; then submits are refused (507)"},
    {.name = "services",
     .type = CONF_MAP,
     AT(services),
     .sub = service_keys,
     .sub_size = sizeof(struct broker_conf_service),
     .doc = "whose jobs are taken"},
    {.name = "policy",
     .type = CONF_PATHS,
     AT(policy),
     .doc = "policy files or folders of *.weft; none: the rules of docs/job-api.md"},
    {.name = "lease",
     .type = CONF_DURATION,
     AT(lease_us),
     .preset = "30s",
     .min = SECOND,
     .max = UINT64_C(3600) * SECOND,
     .doc = "how long a worker may be silent before its jobs go to another"},
    {.name = "beat",
     .type = CONF_DURATION,
     AT(beat_us),
     .preset = "10s",
     .min = 100000,
     .max = UINT64_C(1200) * SECOND,
     .doc = "how often a worker renews"},
    {.name = "retention",
     .type = CONF_DURATION,
     AT(retention_us),
     .preset = "7d",
     .min = SECOND,
     .doc = "how long ended jobs and their results are kept"},
    {.name = "limits", .type = CONF_TABLE, .sub = limit_keys, .doc = "bounds per caller"},
    {.name = "callbacks", .type = CONF_TABLE, .sub = callback_keys, .doc = "who may be told that a job has ended"},
    {.name = "admin", .type = CONF_TABLE, .sub = admin_keys, .doc = "health, metrics, queues"},
    {.name = "confine",
     .type = CONF_CHOICE,
     AT(confine),
     .preset = "true",
     .choices = confine_words,
     .doc =
         "once started keep only the system calls that we live by (docs/threats.md); log: and the kernel's audit log "
         "names those that were refused"},
    {.name = "recheck",
     .type = CONF_BOOL,
     AT(recheck),
     .preset = "true",
     .doc = "after a reload, cut connections and bus sessions of identities that are trusted no more"},
    {.name = "log", .type = CONF_TABLE, .sub = log_keys, .doc = "what is said"},
    {0},
};

static void check_callbacks(const struct conf_node *root, const struct broker_conf *c, struct diag *diag)
{
    struct web_url url;
    const struct conf_node *callbacks = conf_get(root, "callbacks");
    const struct diag_place *place = callbacks ? &callbacks->key_place : &root->place;
    for (size_t i = 0; i < c->callbacks.allow.count; i++)
        if (web_url_read(slice_str(c->callbacks.allow.v[i]), &url) != ERR_OK)
            diag_add(diag, DIAG_ERROR, place, "write https://HOST/PATH",
                     "callbacks.allow: \"%s\" is no beginning of URLs", c->callbacks.allow.v[i]);
    if (c->callbacks.allow.count && !c->callbacks.secret)
        diag_add(diag, DIAG_ERROR, place, "name a file with whsec_ and base64 of 32 random bytes",
                 "callbacks.secret is missing: who is called back could not tell us from a stranger");
}

static void check(const struct conf_node *root, const struct broker_conf *c, struct diag *diag)
{
    struct sock_addr addr;
    const char *why;
    const struct conf_node *admin = conf_get(root, "admin");
    if (c->admin.listen && sock_parse(slice_str(c->admin.listen), &addr, &why) == ERR_OK && !sock_is_loopback(&addr))
        diag_add(diag, DIAG_ERROR, admin ? &admin->key_place : &root->place, "use 127.0.0.1:PORT or unix:PATH",
                 "admin.listen must be on loopback");
    identity_conf_check(root, &c->identity, diag);
    check_callbacks(root, c, diag);
    const struct conf_node *beat = conf_get(root, "beat");
    if (c->beat_us * 2 > c->lease_us)
        diag_add(diag, DIAG_ERROR, beat ? &beat->key_place : &root->place, "a third of the lease is good",
                 "a lease must outlast two beats");
}

static enum err bind_whole(struct conf *conf, struct arena *arena, struct diag *diag, struct broker_conf *out)
{
    struct broker_conf c = {0};
    TRY(conf_bind(conf_root(conf), broker_conf_keys, &c, arena, diag));
    check(conf_root(conf), &c, diag);
    if (diag->errors)
        return ERR_INPUT;
    *out = c;
    return ERR_OK;
}

enum err broker_conf_load(const struct broker_conf_source *source, struct arena *arena, struct diag *diag,
                          struct broker_conf *out)
{
    struct conf *conf;
    TRY(conf_read(source->path, diag, &conf));
    if (source->environ)
        conf_environment(conf, "WEFT_", source->environ, diag);
    enum err e = ERR_OK;
    for (size_t i = 0; i < source->set_count && e == ERR_OK; i++)
        e = conf_set(conf, source->sets[i], diag);
    if (e == ERR_OK)
        e = bind_whole(conf, arena, diag, out);
    conf_free(&conf);
    return e;
}
