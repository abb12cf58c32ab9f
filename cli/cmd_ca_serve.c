/* weft ca serve: leaves for whoever may have them, over mTLS.
 *
 *     POST /.well-known/weft/leaf      200  the leaf, PEM, and the authorities to trust
 *     a certificate request, PEM
 *
 * Who shows a certificate of the trust domain gets a new leaf for the same SPIFFE ID.  Who shows none brings a token
 * (authorization: Bearer ...), which is good for one leaf of the ID that it was made for.  Of the request only the key
 * counts: names in it say nothing.  The private key stays where it was made.  Behind the leaf stand the authorities to
 * trust, after a line that RENEWAL_ROOTS is. */
#include "cli/cmd_ca_serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/creds.h"
#include "base/file.h"
#include "base/issuer.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sig.h"
#include "cli/ca_folder.h"
#include "cli/confinement.h"
#include "cli/show.h"
#include "http/listener.h"
#include "identity/renewal.h"
#include "policy/spiffe.h"

enum {
    SECOND = 1000000,
    REQUEST_BYTES = 16 << 10,
    LEAF_BYTES = 64 << 10,
    SKEW_US = 60 * SECOND,
    LOOK_US = 5 * SECOND, /* at what was revoked, and at our own leaf */
    CONNECTIONS = 1000,
};

#define OWN_LIFE_US (INT64_C(3600) * SECOND)

struct desk {
    struct loop *loop;
    struct due_clock *clock;
    const struct cmd_ca_serve *conf;
    struct ca_folder folder;
    char cert_path[CA_FOLDER_PATH], key_path[CA_FOLDER_PATH], root_path[CA_FOLDER_PATH], list_path[CA_FOLDER_PATH];
    char own_id[32 + 256];
    char domain[256];
    struct creds *creds;
    struct server *server;
    struct listener *listener;
    struct due look;
};

/* ---- our own leaf ---- */

static enum err renew_own(struct desk *d)
{
    int64_t now = now_wall_us(loop_now(d->loop));
    struct issuer_leaf leaf = {
        .id = slice_str(d->own_id), .not_before_us = now - SKEW_US, .not_after_us = now + OWN_LIFE_US};
    struct buf cert, key;
    buf_init(&cert, LEAF_BYTES);
    buf_init(&key, LEAF_BYTES);
    enum err e = issuer_sign(buf_slice(&d->folder.cert), buf_slice(&d->folder.key), &leaf, &cert, &key);
    if (e == ERR_OK)
        e = file_write(d->key_path, buf_slice(&key), 0600);
    if (e == ERR_OK)
        e = file_write(d->cert_path, buf_slice(&cert), 0644);
    memset(key.mem, 0, key.cap);
    buf_fini(&cert);
    buf_fini(&key);
    return e;
}

/* Another root signs after weft ca roll.  While its two files change they do not fit, and the old one goes on. */
static void look_at_root(struct desk *d)
{
    struct ca_folder now;
    if (ca_folder_open(d->conf->dir, &now) != ERR_OK)
        return;
    bool is_news = !slice_eq(buf_slice(&now.cert), buf_slice(&d->folder.cert));
    if (!is_news || !issuer_fits(buf_slice(&now.cert), buf_slice(&now.key))) {
        ca_folder_fini(&now);
        return;
    }
    ca_folder_fini(&d->folder);
    d->folder = now;
    if (renew_own(d) != ERR_OK)
        log_event(LOG_ERROR, "own-leaf", LOG_STR("path", d->cert_path), LOG_STR("why", strerror(errno)));
    log_event(LOG_INFO, "root-changed", LOG_STR("path", d->root_path));
}

/* ---- one request ---- */

struct request {
    struct desk *desk;
    struct buf body;
};

static void refuse(struct transit *t, unsigned status, const char *word, const char *detail)
{
    char body[512];
    int len = snprintf(body, sizeof(body), "{\"title\":\"%s\",\"status\":%u}\n", detail, status);
    log_event(LOG_WARN, "leaf-refused", LOG_TEXT("peer", t->peer_id.len ? t->peer_id : t->peer_addr),
              LOG_STR("why", detail));
    if (headers_add_token(&t->out.headers, HEADERS_WEFT_ERROR, slice_str(word)) != ERR_OK ||
        transit_answer(t, status, SLICE("application/problem+json"), slice_of(body, (size_t)len)) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
}

static struct slice bearer(const struct transit *t)
{
    struct slice value = headers_value(&t->in.headers, HEADERS_AUTHORIZATION);
    if (value.len <= 7 || !slice_eq_nocase(slice_to(value, 7), SLICE("bearer ")))
        return (struct slice){0};
    return slice_trim(slice_from(value, 7));
}

/* Whose leaf is it?  A certificate counts more than a token: it cannot be used up. */
static enum err who(const struct request *r, const struct transit *t, int64_t now_us, struct buf *id)
{
    if (t->peer_id.len == 0)
        return ca_folder_take(r->desk->conf->dir, bearer(t), now_us, id);
    buf_put(id, t->peer_id);
    return ERR_OK;
}

/* Clocks differ; but a leaf that lives for seconds would be old when it is born. */
static int64_t skew_us(const struct desk *d)
{
    return d->conf->ttl_us / 10 < SKEW_US ? d->conf->ttl_us / 10 : SKEW_US;
}

static void give(struct request *r, struct transit *t, struct slice id, int64_t now_us)
{
    struct desk *d = r->desk;
    look_at_root(d); /* who renews after weft ca roll hears of it */
    struct issuer_leaf leaf = {
        .id = id, .not_before_us = now_us - skew_us(d), .not_after_us = now_us + d->conf->ttl_us};
    struct buf cert;
    char until[25];
    buf_init(&cert, LEAF_BYTES);
    enum err e =
        issuer_answer(buf_slice(&d->folder.cert), buf_slice(&d->folder.key), buf_slice(&r->body), &leaf, &cert);
    now_rfc3339(leaf.not_after_us, until);
    if (e == ERR_OK)
        buf_putf(&cert, RENEWAL_ROOTS "%.*s", SLICE_FMT(buf_slice(&d->folder.cert)));
    if (e != ERR_OK)
        refuse(t, 500, "internal", "The authority's root is not usable.");
    else if (transit_answer(t, 200, SLICE("application/x-pem-file"), buf_slice(&cert)) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
    else
        log_event(LOG_INFO, "leaf", LOG_TEXT("identity", id), LOG_STR("until", until),
                  LOG_STR("for", t->peer_id.len ? "its certificate" : "a token"));
    buf_fini(&cert);
}

/* What is wrong with the request is said before a token is used up. */
static void answer(struct request *r, struct transit *t)
{
    struct buf id;
    int64_t now_us = now_wall_us(loop_now(r->desk->loop));
    buf_init(&id, CA_FOLDER_ID);
    if (!slice_eq(message_path_only(&t->in), SLICE("/.well-known/weft/leaf")))
        refuse(t, 404, "no-route", "POST /.well-known/weft/leaf is all there is here.");
    else if (!slice_eq(t->in.method, SLICE("POST")))
        refuse(t, 405, "method-unknown", "A certificate request is POSTed.");
    else if (issuer_request_ok(buf_slice(&r->body)) != ERR_OK)
        refuse(t, 400, "bad-request",
               "The body is no certificate request in PEM, signed by its own key of EC P-256 or RSA 2048 and better.");
    else if (who(r, t, now_us, &id) != ERR_OK)
        refuse(t, 401, "token-invalid", "Show a certificate of this trust domain, or a token that nobody has used.");
    else
        give(r, t, buf_slice(&id), now_us);
    buf_fini(&id);
}

static void data(struct transit *t, struct slice bytes)
{
    struct request *r = t->owner_data;
    transit_credit(t, t->owed);
    if (!t->out_head && buf_add(&r->body, bytes) != ERR_OK)
        refuse(t, 413, "payload-too-large", "A certificate request has at most 16 KiB.");
}

static void end(struct transit *t)
{
    if (!t->out_head)
        answer(t->owner_data, t);
}

static void gone(struct transit *t, enum transit_end how)
{
    struct request *r = t->owner_data;
    (void)how;
    buf_fini(&r->body);
    mem_free(r);
    transit_free(&t);
}

static const struct transit_owner owner = {.data = data, .end = end, .gone = gone};

static void accept_request(struct transit *t, void *arg)
{
    struct request *r = mem_new(sizeof(*r));
    r->desk = arg;
    buf_init(&r->body, REQUEST_BYTES);
    t->owner = &owner;
    t->owner_data = r;
}

static void peer_refused(struct slice peer_addr, const char *why, void *arg)
{
    (void)arg;
    log_event(LOG_WARN, "peer-refused", LOG_TEXT("peer", peer_addr), LOG_STR("why", why));
}

static struct creds *current_creds(void *arg)
{
    return ((struct desk *)arg)->creds;
}

/* ---- whom we believe ---- */

static enum err load_creds(struct desk *d, struct diag *diag)
{
    const char *list = d->list_path;
    struct creds_bundle bundle = {d->domain, d->root_path};
    struct creds_conf conf = {
        .cert = d->cert_path,
        .key = d->key_path,
        .bundles = &bundle,
        .bundle_count = 1,
        .crls = &list,
        .crl_count = file_exists(list) ? 1 : 0,
        .judge = spiffe_judge,
    };
    struct creds *now;
    TRY(creds_load(&conf, diag, &now));
    creds_unref(&d->creds);
    d->creds = now;
    if (d->server)
        server_recheck(d->server, now);
    return ERR_OK;
}

static void log_complaints(const struct diag *diag)
{
    for (const struct diag_entry *e = diag->first; e; e = e->next)
        log_event(LOG_ERROR, "authority", LOG_TEXT("file", e->file), LOG_TEXT("what", e->message));
}

static void on_look(struct due *due)
{
    struct desk *d = (struct desk *)(void *)((char *)due - offsetof(struct desk, look));
    struct diag diag;
    diag_init(&diag);
    look_at_root(d);
    if (now_wall_us(loop_now(d->loop)) > creds_expires_us(d->creds) - OWN_LIFE_US / 3 && renew_own(d) != ERR_OK)
        log_event(LOG_ERROR, "own-leaf", LOG_STR("path", d->cert_path), LOG_STR("why", strerror(errno)));
    if (load_creds(d, &diag) != ERR_OK)
        log_complaints(&diag);
    diag_fini(&diag);
    due_in(d->clock, &d->look, LOOK_US);
}

/* ---- the program ---- */

static void signalled(void *arg, enum sig_word word)
{
    if (word == SIG_DRAIN || word == SIG_END_NOW)
        loop_stop(((struct desk *)arg)->loop);
}

static enum err open_desk(struct desk *d, struct diag *diag)
{
    struct slice root = buf_slice(&d->folder.cert);
    if (issuer_domain(root, d->domain, sizeof(d->domain)) != ERR_OK || renew_own(d) != ERR_OK) {
        diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = d->root_path}, "weft ca init makes a good one",
                 "the authority is not usable: its root names no trust domain, or its folder cannot be written");
        return ERR_INPUT;
    }
    TRY(load_creds(d, diag));
    struct server_conf server = {
        .accept = accept_request,
        .refused = peer_refused,
        .arg = d,
        .header_timeout_us = 10 * SECOND,
        .idle_timeout_us = 30 * SECOND,
        .stream_idle_us = 30 * SECOND,
        .max_streams = 10,
        .max_connections = CONNECTIONS,
    };
    d->server = server_new(d->loop, d->clock, &server);
    struct listener_conf listener = {
        .address = d->conf->listen, .server = d->server, .creds = current_creds, .arg = d, .may_lack_cert = true};
    if (listener_open(d->loop, d->clock, &listener, &d->listener) == ERR_OK)
        return ERR_OK;
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = "--listen"}, "use HOST:PORT that is free",
             "cannot listen on %s: %s", d->conf->listen, strerror(errno));
    return ERR_IO;
}

static void serve(struct desk *d)
{
    struct sig *sig = sig_new(d->loop, signalled, d);
    due_init(&d->look, on_look);
    due_in(d->clock, &d->look, LOOK_US);
    log_event(LOG_INFO, "ready", LOG_TEXT("address", listener_address(d->listener)), LOG_STR("identity", d->own_id));
    confinement_enter(CONFINE_ON);
    loop_run(d->loop);
    due_cancel(d->clock, &d->look);
    sig_free(&sig);
}

int cmd_ca_serve(const struct cmd_ca_serve *conf)
{
    struct desk d = {.conf = conf};
    struct diag diag;
    if (ca_folder_open(conf->dir, &d.folder) != ERR_OK) {
        fprintf(stderr, "weft ca: no CA in %s: run weft ca init TRUST-DOMAIN --dir %s\n", conf->dir, conf->dir);
        return 1;
    }
    log_open(&(struct log_conf){.fd = 2, .level = LOG_INFO, .program = "ca"});
    diag_init(&diag);
    d.loop = loop_new();
    d.clock = due_clock_new(d.loop);
    ca_folder_path(conf->dir, "ca.pem", d.root_path);
    ca_folder_path(conf->dir, "ca.crl", d.list_path);
    ca_folder_path(conf->dir, "serve.pem", d.cert_path);
    ca_folder_path(conf->dir, "serve.key", d.key_path);
    char domain[256];
    if (issuer_domain(buf_slice(&d.folder.cert), domain, sizeof(domain)) == ERR_OK)
        snprintf(d.own_id, sizeof(d.own_id), "spiffe://%s/weft/ca", domain);
    enum err e = open_desk(&d, &diag);
    show_diag(&diag);
    diag_fini(&diag);
    if (e == ERR_OK)
        serve(&d);
    listener_close(&d.listener);
    if (d.server)
        server_free(&d.server);
    for (int i = 0; i < 16; i++)
        loop_turn(d.loop, false);
    creds_unref(&d.creds);
    due_clock_free(&d.clock);
    loop_free(&d.loop);
    ca_folder_fini(&d.folder);
    return e == ERR_OK ? 0 : e == ERR_INPUT ? 2 : 1;
}
