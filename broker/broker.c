/* Start: configuration, store (and what it has), then the bus, then the mTLS side;
 * the order in which a sidecar finds us.
 *
 * kill -9 at any moment loses nothing that was acknowledged: what the store has is
 * all there is.  SIGTERM is only more polite: workers hear of it at once. */
#include "broker/broker.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/creds.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stamp.h"
#include "broker/api.h"
#include "broker/blob_file.h"
#include "broker/blob_shelf.h"
#include "broker/broker_admin.h"
#include "broker/bus_keys.h"
#include "broker/outbox.h"
#include "broker/store_lmdb.h"
#include "http/listener.h"
#include "identity/identity.h"
#include "policy/policy_files.h"

enum {
    SECOND = 1000000,
    POLICY_FILES = 64,
    POLICY_BYTES = 1 << 20,
    LAST_TURNS = 16,
    DRAIN_US = 50000,
    LOOK_US = 5 * SECOND, /* at files */
    SECRET_FILE = 4096,
};

/* What a reload replaces, whole. */
struct setup {
    struct arena arena;
    struct broker_conf conf;
    struct creds *creds;
    struct policy_files policy_files;
    char secret[CALLBACK_SECRET_MOST];
    struct callback_rules callbacks;
    struct authz *policy;
    uint64_t stamp; /* of its files */
};

struct broker {
    struct loop *loop;
    struct due_clock *clock;
    struct broker_start start;
    struct setup *setup;
    struct metric_set *metrics;
    struct metric *commits, *changes, *flushes, *used, *damaged;
    struct metric *blobs, *blob_bytes, *blob_in, *blob_out;
    struct store *store;
    struct blob_shelf *shelf;
    struct outbox *outbox;
    struct desk *desk;
    struct almanac *almanac;
    struct api *api;
    struct front *front;
    struct keyring ring;
    struct bus_keys keys;
    uint8_t secret_key[ZSOCK_KEY];
    struct server *https, *admin;
    struct listener *https_listener, *admin_listener;
    struct due drain_due;
    struct due look_due; /* at files */
    uint64_t stamp;      /* of those that were read last */
    struct identity *identity;
    struct svid_share svids; /* which nobody shares here */
    char instance[24];
    bool draining, ended;
};

/* --- setup --- */

static void setup_free(struct setup **setup)
{
    struct setup *s = *setup;
    *setup = NULL;
    if (!s)
        return;
    authz_free(&s->policy);
    policy_files_fini(&s->policy_files);
    creds_unref(&s->creds);
    arena_fini(&s->arena);
    mem_free(s);
}

static enum err load_policy(struct setup *s, struct diag *diag)
{
    TRY(policy_files_read(&s->policy_files, s->conf.policy.v, s->conf.policy.count, diag));
    return policy_load(s->policy_files.v, s->policy_files.count, diag, &s->policy);
}

static enum err load_callbacks(struct setup *s, struct diag *diag)
{
    const struct broker_conf *c = &s->conf;
    struct buf text;
    size_t len = 0;
    s->callbacks = (struct callback_rules){
        .allow = c->callbacks.allow.v,
        .allow_count = c->callbacks.allow.count,
        .ca = c->callbacks.ca,
        .private_too = c->callbacks.private_too,
        .tries = (uint32_t)c->callbacks.tries,
    };
    if (!c->callbacks.secret)
        return ERR_OK;
    buf_init(&text, SECRET_FILE);
    enum err e = file_read(c->callbacks.secret, &text);
    if (e == ERR_OK)
        e = callback_secret(buf_slice(&text), s->secret, &len);
    buf_fini(&text);
    s->callbacks.secret = slice_of(s->secret, len);
    if (e == ERR_OK)
        return ERR_OK;
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = c->callbacks.secret},
             "write whsec_ and base64 of 32 random bytes", "callbacks.secret: no secret can be read from this file");
    return ERR_INPUT;
}

static void stamp_one(void *arg, const char *path)
{
    uint64_t *stamp = arg;
    *stamp = stamp_file(*stamp, path);
}

/* Of all files that a reload reads. */
static uint64_t setup_stamp(const struct setup *s, const char *path)
{
    const struct broker_conf *c = &s->conf;
    uint64_t stamp = identity_conf_stamp(stamp_file(STAMP_NONE, path), &c->identity);
    if (c->callbacks.secret)
        stamp = stamp_file(stamp, c->callbacks.secret);
    for (size_t i = 0; i < c->policy.count; i++) {
        stamp = stamp_file(stamp, c->policy.v[i]);
        policy_files_list(c->policy.v[i], stamp_one, &stamp);
    }
    return stamp;
}

static enum err load_creds(struct setup *s, struct identity *identity, struct diag *diag)
{
    const struct creds_given *given = NULL;
    TRY(identity_prepare(identity, &s->conf.identity, diag, &given));
    return identity_conf_load(&s->conf.identity, given, diag, &s->creds);
}

static enum err setup_load(const struct broker_conf_source *source, struct identity *identity, struct diag *diag,
                           struct setup **out)
{
    struct setup *s = mem_new(sizeof(*s));
    arena_init(&s->arena, SIZE_MAX);
    enum err e = broker_conf_load(source, &s->arena, diag, &s->conf);
    if (e == ERR_OK) {
        enum err creds = load_creds(s, identity, diag), policy = load_policy(s, diag);
        enum err callbacks = load_callbacks(s, diag);
        bool failed = creds != ERR_OK || policy != ERR_OK || callbacks != ERR_OK || diag->errors;
        e = failed ? ERR_INPUT : ERR_OK;
    }
    if (e != ERR_OK) {
        setup_free(&s);
        return ERR_INPUT;
    }
    s->stamp = setup_stamp(s, source->path);
    *out = s;
    return ERR_OK;
}

static void look_at_files(struct due *due)
{
    struct broker *b = (struct broker *)(void *)((char *)due - offsetof(struct broker, look_due));
    if (!b->draining && setup_stamp(b->setup, b->start.source.path) != b->stamp)
        broker_reload(b);
    identity_watch(b->identity);
    due_in(b->clock, &b->look_due, LOOK_US);
}

static void adopt(struct broker *b, struct setup *s)
{
    setup_free(&b->setup);
    b->setup = s;
    const struct broker_conf_service *services = s->conf.services.items;
    for (size_t i = 0; i < s->conf.services.count && b->desk; i++) {
        struct desk_service_conf conf = {
            .name = slice_str(s->conf.services.names[i]),
            .attempts = (uint32_t)services[i].attempts,
            .concurrency = (uint32_t)services[i].concurrency,
            .per_minute = (uint32_t)services[i].per_minute,
            .key_concurrency = (uint32_t)services[i].key_concurrency,
            .key_per_minute = (uint32_t)services[i].key_per_minute,
            .paused = services[i].paused,
        };
        desk_service(b->desk, &conf);
    }
    b->stamp = s->stamp;
    identity_adopt(b->identity, &s->conf.identity, s->creds);
}

static void peer_cut(struct slice peer_id, const char *why, void *arg)
{
    (void)arg;
    log_event(LOG_WARN, "peer-cut", LOG_TEXT("peer", peer_id), LOG_STR("why", why));
}

/* Who was let in by what we believed before is asked again. */
static void recheck(struct broker *b)
{
    if (b->https)
        server_recheck(b->https, b->setup->creds);
    if (keyring_recheck(&b->ring, b->setup->creds) > 0)
        front_recheck(b->front);
}

void broker_reload(struct broker *b)
{
    struct diag diag;
    diag_init(&diag);
    struct setup *s;
    b->stamp = setup_stamp(b->setup, b->start.source.path); /* a bad state is complained of once */
    enum err e = setup_load(&b->start.source, b->identity, &diag, &s);
    for (const struct diag_entry *d = diag.first; d; d = d->next)
        log_event(d->level == DIAG_ERROR ? LOG_ERROR : LOG_WARN, "config", LOG_TEXT("file", d->file),
                  LOG_INT("line", d->line), LOG_INT("column", d->column), LOG_TEXT("what", d->message),
                  LOG_TEXT("fix", d->fix));
    diag_fini(&diag);
    if (e == ERR_OK)
        adopt(b, s);
    if (e == ERR_OK && s->conf.recheck)
        recheck(b);
    log_event(e == ERR_OK ? LOG_INFO : LOG_ERROR, e == ERR_OK ? "reloaded" : "reload-refused",
              LOG_STR("so", e == ERR_OK ? "certificates, services and policy are new" : "the old ones go on"));
}

static void identity_renewed(void *arg)
{
    broker_reload(arg);
}

static void identity_withdrawn(void *arg)
{
    struct broker *b = arg;
    identity_withdraw(b->identity);
    if (b->setup->conf.recheck)
        recheck(b);
}

static const struct identity_owner identity_owner = {identity_renewed, identity_withdrawn};

/* --- between the rooms --- */

static const char *runner_of(void *arg, struct slice service)
{
    struct broker *b = arg;
    const struct broker_conf_service *services = b->setup->conf.services.items;
    for (size_t i = 0; i < b->setup->conf.services.count; i++)
        if (slice_eq(slice_str(b->setup->conf.services.names[i]), service))
            return services[i].identity;
    return NULL;
}

static struct authz *current_policy(void *arg)
{
    return ((struct broker *)arg)->setup->policy;
}

static const struct callback_rules *current_callbacks(void *arg)
{
    struct setup *s = ((struct broker *)arg)->setup;
    s->callbacks.source = creds_id(s->creds).at;
    return &s->callbacks;
}

static struct creds *current_creds(void *arg)
{
    return ((struct broker *)arg)->setup->creds;
}

static enum err on_assign(void *arg, uint64_t worker, const struct record_job *job)
{
    return api_assign(((struct broker *)arg)->api, worker, job);
}

static struct slice on_name(void *arg, uint64_t worker)
{
    struct session *s = front_session(((struct broker *)arg)->front, worker);
    return s ? slice_str(s->identity) : SLICE("");
}

static void on_event(void *arg, struct slice job, const struct record_event *event, bool last)
{
    api_event(((struct broker *)arg)->api, job, event, last);
}

/* While we end nothing is told any more: the store has it for the next process. */
static void on_owed(void *arg, struct slice job, uint64_t event)
{
    struct broker *b = arg;
    if (b->outbox)
        outbox_owe(b->outbox, job, event);
}

static void on_cancel(void *arg, uint64_t worker, struct slice job, uint64_t token)
{
    api_cancel(((struct broker *)arg)->api, worker, job, token);
}

static void on_record(void *arg, struct session *s, const Weft__Bus__V1__Record *r)
{
    api_record(((struct broker *)arg)->api, s, r);
}

static void on_left(void *arg, struct session *s)
{
    api_left(((struct broker *)arg)->api, s);
}

static void on_undelivered(void *arg, struct session *s, const Weft__Bus__V1__Record *r)
{
    api_undelivered(((struct broker *)arg)->api, s, r);
}

static enum err on_admit(void *arg, const uint8_t key[ZSOCK_KEY], struct slice *identity, int64_t *until_us)
{
    struct broker *b = arg;
    return keyring_find(&b->ring, key, loop_turn_us(b->loop), identity, until_us);
}

static void accept_https(struct transit *t, void *arg)
{
    bus_keys_serve(&((struct broker *)arg)->keys, t);
}

static void accept_admin(struct transit *t, void *arg)
{
    broker_admin_serve(arg, t);
}

/* --- start --- */

static void complain(struct diag *diag, const char *key, const char *fix, const char *what, const char *why)
{
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = key}, fix, "%s: %s", what, why);
}

static enum err open_store(struct broker *b, struct diag *diag)
{
    const char *why = "", *folder = b->setup->conf.data;
    struct store_lmdb_conf conf = {.folder = folder, .max_map_size = b->setup->conf.max_bytes};
    if (store_lmdb_open(b->loop, &conf, &b->store, &why) == ERR_OK)
        return ERR_OK;
    complain(diag, "data", "another folder, or another owner of this one", folder, why);
    return ERR_IO;
}

/* After the store, which says what is needed, and before anybody needs more. */
static enum err open_shelf(struct broker *b, struct diag *diag)
{
    const char *why = "the folder's name is too long";
    char folder[BLOB_FILE_PATH / 2];
    struct blob_shelf_count found;
    int len = snprintf(folder, sizeof(folder), "%s/blobs", b->setup->conf.data);
    bool fits = len > 0 && (size_t)len < sizeof(folder);
    if (!fits || blob_shelf_open(b->loop, folder, &b->shelf, &why) != ERR_OK) {
        complain(diag, "data", "another folder, or another owner of this one", folder, why);
        return ERR_IO;
    }
    store_each_need(b->store, blob_shelf_need, b->shelf);
    store_watch_needs(b->store, blob_shelf_need, b->shelf);
    blob_shelf_settle(b->shelf, &found);
    if (found.needed || found.dropped)
        log_event(found.missing ? LOG_ERROR : LOG_INFO, "blobs", LOG_INT("needed", (int64_t)found.needed),
                  LOG_INT("missing", (int64_t)found.missing), LOG_INT("dropped", (int64_t)found.dropped));
    return ERR_OK;
}

static void open_desk(struct broker *b)
{
    const struct broker_conf *c = &b->setup->conf;
    struct desk_conf conf = {
        .loop = b->loop,
        .clock = b->clock,
        .store = b->store,
        .metrics = b->metrics,
        .lease_us = c->lease_us,
        .retention_us = c->retention_us,
        .bounds = {.jobs = c->limits.jobs, .bytes = c->limits.bytes},
        .assign = on_assign,
        .name_of = on_name,
        .event = on_event,
        .owed = on_owed,
        .cancel = on_cancel,
        .arg = b,
    };
    b->desk = desk_new(&conf);
    struct setup *s = b->setup;
    b->setup = NULL;
    adopt(b, s);
    struct recover_count found;
    desk_recover(b->desk, c->lease_us, &found);
    log_event(found.damaged ? LOG_ERROR : LOG_INFO, "recovered", LOG_INT("queued", (int64_t)found.queued),
              LOG_INT("delayed", (int64_t)found.delayed), LOG_INT("leased", (int64_t)found.leased),
              LOG_INT("damaged", (int64_t)found.damaged), LOG_STR("durability", store_durability(b->store)));
}

/* Before the desk, which may owe something as soon as it is there. */
static void open_outbox(struct broker *b)
{
    struct outbox_conf conf = {
        .loop = b->loop,
        .clock = b->clock,
        .store = b->store,
        .metrics = b->metrics,
        .rules = current_callbacks,
        .arg = b,
    };
    b->outbox = outbox_new(&conf);
    outbox_recover(b->outbox);
}

static bool on_may_submit(void *arg, struct slice caller, struct slice service, struct slice operation)
{
    return api_may_submit(((struct broker *)arg)->api, caller, service, operation);
}

static void open_almanac(struct broker *b)
{
    struct almanac_conf conf = {
        .loop = b->loop,
        .clock = b->clock,
        .store = b->store,
        .desk = b->desk,
        .may = on_may_submit,
        .arg = b,
    };
    b->almanac = almanac_new(&conf);
}

static enum err open_bus(struct broker *b, struct diag *diag)
{
    const struct broker_conf *c = &b->setup->conf;
    struct api_conf api = {
        .loop = b->loop,
        .store = b->store,
        .instance = b->instance,
        .lease_us = c->lease_us,
        .beat_us = c->beat_us,
        .runner_of = runner_of,
        .policy = current_policy,
        .callbacks = current_callbacks,
        .outbox = b->outbox,
        .clock = b->clock,
        .shelf = b->shelf,
        .payload_most = c->limits.payload,
        .caller_most = c->limits.blobs,
        .arg = b,
    };
    char endpoint[300];
    const char *why;
    snprintf(endpoint, sizeof(endpoint), "tcp://%s", c->bus);
    zsock_keys(b->keys.public_key, b->secret_key);
    struct front_conf front = {
        .loop = b->loop,
        .clock = b->clock,
        .endpoint = endpoint,
        .secret_key = b->secret_key,
        .admit = on_admit,
        .silence_us = c->lease_us + 2 * c->beat_us,
        .metrics = b->metrics,
        .record = on_record,
        .undelivered = on_undelivered,
        .left = on_left,
        .arg = b,
    };
    b->api = api_new(&api);
    if (front_open(&front, &b->front, &why) != ERR_OK) {
        complain(diag, "bus", "another address, or stop who has this one", c->bus, why);
        return ERR_IO;
    }
    open_almanac(b);
    api_bind(b->api, b->desk, b->front, b->almanac);
    almanac_recover(b->almanac);
    b->keys.ring = &b->ring;
    b->keys.now = loop_now(b->loop);
    b->keys.endpoint = front_endpoint(b->front);
    return ERR_OK;
}

struct door {
    const char *address, *key;
    void (*accept)(struct transit *t, void *arg);
    bool mtls;
};

static enum err open_door(struct broker *b, const struct door *door, struct server **server, struct listener **listener,
                          struct diag *diag)
{
    if (!door->address)
        return ERR_OK;
    struct server_conf conf = {
        .accept = door->accept,
        .cut = peer_cut,
        .arg = b,
        .header_timeout_us = 10 * SECOND,
        .idle_timeout_us = 60 * SECOND,
        .max_streams = 100,
        .max_connections = 10000,
    };
    *server = server_new(b->loop, b->clock, &conf);
    struct listener_conf at = {
        .address = door->address,
        .server = *server,
        .creds = door->mtls ? current_creds : NULL,
        .arg = b,
    };
    if (listener_open(b->loop, b->clock, &at, listener) == ERR_OK)
        return ERR_OK;
    complain(diag, door->key, "another address, or stop who has this one", door->address, strerror(errno));
    return ERR_IO;
}

static enum err open_doors(struct broker *b, struct diag *diag)
{
    const struct broker_conf *c = &b->setup->conf;
    struct door https = {c->https, "https", accept_https, true};
    struct door admin = {c->admin.listen, "admin.listen", accept_admin, false};
    enum err h = open_door(b, &https, &b->https, &b->https_listener, diag);
    enum err a = open_door(b, &admin, &b->admin, &b->admin_listener, diag);
    return h != ERR_OK || a != ERR_OK ? ERR_IO : ERR_OK;
}

static void drain_over(struct due *due)
{
    struct broker *b = (struct broker *)(void *)((char *)due - offsetof(struct broker, drain_due));
    b->ended = true;
    b->start.drained(b->start.arg);
}

static struct metric *one(struct metric_set *m, enum metric_kind kind, const char *name, const char *help)
{
    return metric_series(metric_family(m, kind, name, "", help), NULL);
}

static struct broker *assemble(const struct broker_start *start)
{
    struct broker *b = mem_new(sizeof(*b));
    b->loop = start->loop;
    b->start = *start;
    b->clock = due_clock_new(b->loop);
    b->metrics = metric_set_new();
    b->commits = one(b->metrics, METRIC_COUNTER, "weft_store_commits_total", "Transactions made durable.");
    b->flushes = one(b->metrics, METRIC_COUNTER, "weft_store_flushes_total", "Flushes of the disk for them.");
    b->changes = one(b->metrics, METRIC_COUNTER, "weft_store_commit_records_total", "Changes in them.");
    b->used = one(b->metrics, METRIC_GAUGE, "weft_store_bytes", "Bytes of the database in use.");
    b->damaged = one(b->metrics, METRIC_COUNTER, "weft_store_damaged_total", "Damaged records seen.");
    b->blobs = one(b->metrics, METRIC_GAUGE, "weft_blobs", "Files of bodies and results over 256 KiB.");
    b->blob_bytes = one(b->metrics, METRIC_GAUGE, "weft_blob_bytes", "Bytes of them on the disk.");
    b->blob_in = one(b->metrics, METRIC_COUNTER, "weft_blob_in_bytes_total", "Bytes of them that came in.");
    b->blob_out = one(b->metrics, METRIC_COUNTER, "weft_blob_out_bytes_total", "Bytes of them that went out.");
    svid_share_init(&b->svids);
    struct identity_start identity = {
        .loop = b->loop,
        .clock = b->clock,
        .metrics = b->metrics,
        .share = &b->svids,
        .owner = &identity_owner,
        .arg = b,
    };
    b->identity = identity_new(&identity);
    keyring_init(&b->ring);
    due_init(&b->drain_due, drain_over);
    due_init(&b->look_due, look_at_files);
    uint64_t chance;
    hash_random(&chance, sizeof(chance));
    snprintf(b->instance, sizeof(b->instance), "%016llx", (unsigned long long)chance);
    return b;
}

static enum err open_all(struct broker *b, struct diag *diag)
{
    TRY(open_store(b, diag));
    TRY(open_shelf(b, diag));
    open_outbox(b);
    open_desk(b);
    TRY(open_bus(b, diag));
    return open_doors(b, diag);
}

enum err broker_start(const struct broker_start *start, struct diag *diag, struct broker **out)
{
    struct broker *b = assemble(start);
    enum err e = setup_load(&start->source, b->identity, diag, &b->setup);
    if (e == ERR_OK) {
        log_set_level((enum log_level)b->setup->conf.log.level);
        e = open_all(b, diag);
    }
    if (e != ERR_OK) {
        broker_free(&b);
        return e;
    }
    log_event(LOG_INFO, "ready", LOG_STR("bus", front_endpoint(b->front)),
              LOG_TEXT("https", listener_address(b->https_listener)), LOG_TEXT("identity", creds_id(b->setup->creds)),
              LOG_STR("version", WEFT_VERSION));
    due_in(b->clock, &b->look_due, LOOK_US);
    mem_give_back();
    mem_forget_code();
    *out = b;
    return ERR_OK;
}

/* --- end --- */

void broker_drain(struct broker *b)
{
    if (b->draining)
        return;
    b->draining = true;
    log_event(LOG_INFO, "draining", LOG_INT("leased", (int64_t)desk_leased(b->desk)));
    desk_drain(b->desk);
    almanac_drain(b->almanac);
    api_drain(b->api);
    front_flush(b->front);
    /* Leases outlive us, and closing the store answers what is on its way to it: one turn is enough. */
    due_in(b->clock, &b->drain_due, DRAIN_US);
}

void broker_free(struct broker **broker)
{
    struct broker *b = *broker;
    *broker = NULL;
    if (!b)
        return;
    due_cancel(b->clock, &b->drain_due);
    due_cancel(b->clock, &b->look_due);
    identity_free(&b->identity);
    svid_share_fini(&b->svids);
    listener_close(&b->https_listener);
    listener_close(&b->admin_listener);
    outbox_free(&b->outbox);
    store_close(&b->store);
    almanac_free(&b->almanac);
    front_close(&b->front);
    desk_free(&b->desk);
    api_free(&b->api);
    blob_shelf_close(&b->shelf);
    if (b->https)
        server_free(&b->https);
    if (b->admin)
        server_free(&b->admin);
    for (int i = 0; i < LAST_TURNS; i++)
        loop_turn(b->loop, false); /* servers end in the loop */
    keyring_fini(&b->ring);
    setup_free(&b->setup);
    metric_set_free(&b->metrics);
    due_clock_free(&b->clock);
    mem_free(b);
}

/* --- for the admin side --- */

struct desk *broker_desk(struct broker *b)
{
    return b->desk;
}

struct store *broker_store(struct broker *b)
{
    return b->store;
}

struct metric_set *broker_metrics(struct broker *b)
{
    return b->metrics;
}

static void measure_blobs(struct broker *b)
{
    struct blob_shelf_stats s;
    blob_shelf_stats(b->shelf, &s);
    metric_gauge(b->blobs, (double)s.blobs);
    metric_gauge(b->blob_bytes, (double)s.bytes);
    b->blob_in->count = b->api->blobs.bytes_in;
    b->blob_out->count = b->api->blobs.bytes_out;
}

void broker_measure(struct broker *b)
{
    struct store_stats s;
    store_stats(b->store, &s);
    b->commits->count = s.commits;
    b->changes->count = s.changes;
    b->flushes->count = s.flushes;
    b->damaged->count = s.damaged;
    metric_gauge(b->used, (double)s.used_bytes);
    measure_blobs(b);
    desk_measure(b->desk);
}

void broker_missing(const struct broker *b, struct buf *out)
{
    if (b->draining)
        buf_put(out, SLICE("draining: no job is leased\n"));
    identity_missing(b->identity, out);
}

unsigned broker_confines(const struct broker *b)
{
    return b->setup->conf.confine;
}
