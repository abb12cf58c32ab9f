#include "identity/renewal.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/issuer.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/work.h"
#include "http/pool.h"
#include "policy/spiffe.h"

enum {
    SECOND = 1000000,
    PEM_BYTES = 64 << 10,
    TOKEN_BYTES = 256,
    FAULT_ROOM = 256,
    PATH_ROOM = 4096,
    ASK_US = 10 * SECOND,
    RETRY_US = 1 * SECOND, /* after a failure, doubled */
    LAST_TURNS = 16,
};

#define RETRY_MOST_US (INT64_C(300) * SECOND)

/* One request for a leaf, from the key to the files or to a fault. */
struct errand {
    struct loop *loop;
    struct due_clock *clock;
    struct work *work;
    struct creds *creds;
    struct arena names; /* holds the next six */
    const char *cert, *key_path, *address, *authority;
    const char *domain, *trust; /* the authority's, and the file of its roots; NULL: of no concern */
    struct sock_addr addr;
    struct pool *pool;
    struct transit *t;
    struct due late;
    struct slice token; /* empty: our certificate speaks for us */
    struct buf request, key, answer;
    char fault[FAULT_ROOM]; /* empty: it went well */
    struct work_item files;
    void (*over)(struct errand *e);
};

static void wipe(struct buf *b)
{
    if (b->mem)
        explicit_bzero(b->mem, b->cap);
    buf_fini(b);
}

/* ---- files ---- */

static enum err write_key(const struct errand *e, bool with_old)
{
    struct buf both;
    buf_init(&both, 2 * PEM_BYTES);
    buf_put(&both, buf_slice(&e->key));
    if (with_old && file_exists(e->key_path) && file_read(e->key_path, &both) != ERR_OK)
        buf_clear(&both);
    enum err done = buf_len(&both) ? file_write(e->key_path, buf_slice(&both), 0600) : ERR_IO;
    wipe(&both);
    return done;
}

/* Behind the leaf the authority says whom to trust from now on.  What cannot be loaded is not taken over. */
static enum err write_trust(const struct errand *e, struct slice roots)
{
    struct buf known;
    struct diag diag;
    struct creds *creds = NULL;
    char trial[PATH_ROOM];
    buf_init(&known, PEM_BYTES);
    bool is_news = file_read(e->trust, &known) != ERR_OK || !slice_eq(buf_slice(&known), roots);
    buf_fini(&known);
    if (!is_news)
        return ERR_OK;
    snprintf(trial, sizeof(trial), "%s.new", e->trust);
    TRY(file_write(trial, roots, 0644));
    diag_init(&diag);
    struct identity_conf conf = {.trust = {(const char *[]){e->domain}, (const char *[]){trial}, 1}};
    enum err loaded = identity_conf_load(&conf, NULL, &diag, &creds);
    diag_fini(&diag);
    creds_unref(&creds);
    (void)unlink(trial);
    return loaded == ERR_OK ? file_write(e->trust, roots, 0644) : ERR_OK;
}

static void write_files(struct work_item *item)
{
    struct errand *e = LIST_OF(item, struct errand, files);
    struct slice answer = buf_slice(&e->answer), leaf = answer;
    const char *path = e->trust;
    size_t at;
    enum err done = ERR_OK;
    if (slice_find_text(answer, SLICE(RENEWAL_ROOTS), &at)) {
        leaf = slice_to(answer, at);
        done = path ? write_trust(e, slice_from(answer, at + sizeof(RENEWAL_ROOTS) - 1)) : ERR_OK;
    }
    if (done == ERR_OK) {
        path = e->key_path;
        done = write_key(e, true);
    }
    if (done == ERR_OK) {
        path = e->cert;
        done = file_write(path, leaf, 0644);
    }
    if (done == ERR_OK) {
        path = e->key_path;
        done = write_key(e, false);
    }
    if (done != ERR_OK)
        snprintf(e->fault, sizeof(e->fault), "%.160s cannot be written: %s", path, strerrordesc_np(errno));
}

static void wrote_files(struct work_item *item, bool ran)
{
    struct errand *e = LIST_OF(item, struct errand, files);
    if (!ran)
        snprintf(e->fault, sizeof(e->fault), "we are ending");
    e->over(e);
}

/* ---- the authority's answer ---- */

static void fail(struct errand *e, const char *why)
{
    if (!e->fault[0])
        snprintf(e->fault, sizeof(e->fault), "%s", why);
}

static void on_data(struct transit *t, struct slice bytes)
{
    struct errand *e = t->owner_data;
    transit_credit(t, t->owed);
    if (buf_add(&e->answer, bytes) != ERR_OK) {
        fail(e, "its answer is too long");
        transit_reset(t, TRANSIT_WHY_CANCEL);
    }
}

static void on_nothing(struct transit *t)
{
    (void)t;
}

static void judge(struct errand *e, const struct transit *t, enum transit_end how)
{
    char why[FAULT_ROOM];
    if (how != TRANSIT_DONE) {
        fail(e, t->fault && t->fault[0] ? t->fault : "the connection broke");
        return;
    }
    if (t->in.status == 200 && slice_has(buf_slice(&e->answer), SLICE("-----BEGIN CERTIFICATE-----")))
        return;
    snprintf(why, sizeof(why), "it answers %u %.*s", t->in.status,
             SLICE_FMT(slice_to(headers_value(&t->in.headers, HEADERS_WEFT_ERROR), 64)));
    fail(e, why);
}

static void on_gone(struct transit *t, enum transit_end how)
{
    struct errand *e = t->owner_data;
    e->t = NULL;
    due_cancel(e->clock, &e->late);
    judge(e, t, how);
    transit_free(&t);
    pool_close(&e->pool);
    if (e->fault[0])
        e->over(e);
    else
        work_start(e->work, &e->files);
}

static const struct transit_owner owner = {.head = on_nothing, .data = on_data, .end = on_nothing, .gone = on_gone};

static void on_late(struct due *due)
{
    struct errand *e = (struct errand *)(void *)((char *)due - offsetof(struct errand, late));
    fail(e, "it has not answered within 10 s");
    transit_reset(e->t, TRANSIT_WHY_CANCEL);
}

/* ---- asking ---- */

static struct stream *dial(void *arg, const char **why)
{
    struct errand *e = arg;
    int fd;
    if (sock_connect(&e->addr, &fd) != ERR_OK) {
        *why = strerrordesc_np(errno);
        return NULL;
    }
    struct stream_tls_conf tls = {
        .role = STREAM_CLIENT,
        .creds = e->creds,
        .alpn = {"h2"},
        .peer = slice_str(e->authority),
    };
    return stream_tls_new(e->loop, stream_fd_new(e->loop, fd, true), &tls);
}

static enum err put_head(const struct errand *e, struct transit *t)
{
    struct message *m = &t->out;
    m->method = SLICE("POST");
    m->scheme = SLICE("https");
    m->authority = slice_str(e->address);
    m->path = SLICE("/.well-known/weft/leaf");
    m->length = (int64_t)buf_len(&e->request);
    TRY(headers_add_token(&m->headers, HEADERS_CONTENT_TYPE, SLICE("application/x-pem-file")));
    if (e->token.len)
        TRY(headers_add_token(&m->headers, HEADERS_AUTHORIZATION,
                              arena_putf(&t->arena, "Bearer %.*s", SLICE_FMT(e->token))));
    TRY(transit_head(t, false));
    return transit_write(t, buf_slice(&e->request));
}

static void keep_names(struct errand *e, const struct identity_conf *c)
{
    struct spiffe_id id;
    const char *why;
    arena_init(&e->names, SIZE_MAX);
    e->cert = arena_keep(&e->names, slice_str(c->cert)).at;
    e->key_path = arena_keep(&e->names, slice_str(c->key)).at;
    e->address = arena_keep(&e->names, slice_str(c->ca.address)).at;
    e->authority = arena_keep(&e->names, slice_str(c->ca.identity)).at;
    if (spiffe_parse(slice_str(e->authority), &id, &why) != ERR_OK)
        return;
    for (size_t i = 0; i < c->trust.count; i++)
        if (slice_eq(slice_str(c->trust.names[i]), id.trust_domain)) {
            e->domain = arena_keep(&e->names, id.trust_domain).at;
            e->trust = arena_keep(&e->names, slice_str(c->trust.values[i])).at;
        }
}

/* `over` comes once, from the loop. */
static void errand_start(struct errand *e)
{
    const char *why;
    struct pool_conf pool = {
        .dial = dial,
        .arg = e,
        .protocol = POOL_H2,
        .connect_timeout_us = ASK_US,
        .idle_timeout_us = ASK_US,
        .ping_us = ASK_US,
        .ping_timeout_us = ASK_US,
        .max_streams = 10,
        .max_connections = 1,
        .max_waiting = 1,
    };
    enum err parsed = sock_parse(slice_str(e->address), &e->addr, &why);
    PRE(parsed == ERR_OK); /* identity_conf_check has seen it */
    buf_init(&e->request, PEM_BYTES);
    buf_init(&e->key, PEM_BYTES);
    buf_init(&e->answer, PEM_BYTES);
    e->fault[0] = '\0';
    e->files = (struct work_item){.run = write_files, .done = wrote_files};
    issuer_request(&e->request, &e->key);
    due_init(&e->late, on_late);
    due_in(e->clock, &e->late, ASK_US);
    e->pool = pool_new(e->loop, e->clock, &pool);
    e->t = pool_request(e->pool, &owner, e);
    if (put_head(e, e->t) == ERR_OK)
        transit_finish(e->t);
    else
        transit_reset(e->t, TRANSIT_WHY_INTERNAL);
}

static void errand_fini(struct errand *e)
{
    wipe(&e->key);
    buf_fini(&e->request);
    buf_fini(&e->answer);
    arena_fini(&e->names);
}

/* ---- again and again ---- */

struct renewal {
    struct loop *loop;
    struct due_clock *clock;
    struct work *work;
    struct creds *creds; /* the current ones; NULL: none yet */
    struct arena names;
    struct identity_conf conf; /* what of it is asked with; its strings are in `names` */
    struct errand errand;
    bool is_asking;
    struct due due;
    int64_t retry_us; /* the pause after the last failure; 0: it did not fail */
    struct metric_family *results;
    void (*renewed)(void *arg);
    void *arg;
    bool closing;
};

static uint64_t chance(uint64_t below)
{
    uint64_t n;
    hash_random(&n, sizeof(n));
    return n % below;
}

static void count(struct renewal *r, const char *result)
{
    struct slice label = slice_str(result);
    metric_add(metric_series(r->results, &label), 1);
}

static void plan_retry(struct renewal *r)
{
    r->retry_us = r->retry_us ? r->retry_us * 2 : RETRY_US;
    r->retry_us = r->retry_us < RETRY_MOST_US ? r->retry_us : RETRY_MOST_US;
    due_in(r->clock, &r->due, r->retry_us - (int64_t)chance((uint64_t)r->retry_us / 4 + 1));
}

static void on_over(struct errand *e)
{
    struct renewal *r = LIST_OF(e, struct renewal, errand);
    char fault[FAULT_ROOM];
    memcpy(fault, e->fault, sizeof(fault));
    errand_fini(e);
    creds_unref(&e->creds);
    r->is_asking = false;
    if (r->closing)
        return;
    count(r, fault[0] ? "failed" : "renewed");
    if (!fault[0]) {
        r->retry_us = 0;
        log_event(LOG_INFO, "identity-renewed", LOG_STR("authority", r->conf.ca.address));
        r->renewed(r->arg);
        return;
    }
    plan_retry(r);
    int64_t left = creds_expires_us(r->creds) - now_wall_us(loop_now(r->loop));
    log_event(LOG_WARN, "identity-not-renewed", LOG_STR("authority", r->conf.ca.address), LOG_STR("why", fault),
              LOG_INT("seconds_left", left / SECOND),
              LOG_STR("so", "the old certificate goes on, and the authority is asked again"));
}

static void on_due(struct due *due)
{
    struct renewal *r = (struct renewal *)(void *)((char *)due - offsetof(struct renewal, due));
    if (r->is_asking)
        return;
    r->is_asking = true;
    r->errand = (struct errand){
        .loop = r->loop,
        .clock = r->clock,
        .work = r->work,
        .creds = creds_ref(r->creds),
        .over = on_over,
    };
    keep_names(&r->errand, &r->conf);
    errand_start(&r->errand);
}

/* At two thirds of the leaf's life, up to a fifteenth of it earlier. */
static int64_t due_us(const struct creds *c)
{
    int64_t life = creds_expires_us(c) - creds_begins_us(c);
    return creds_begins_us(c) + life * 2 / 3 - (int64_t)chance((uint64_t)life / 15 + 1);
}

static struct conf_pairs keep_pairs(struct arena *arena, const struct conf_pairs *from)
{
    struct conf_pairs to = {.names = arena_array(arena, from->count + 1, sizeof(char *)),
                            .values = arena_array(arena, from->count + 1, sizeof(char *)),
                            .count = from->count};
    for (size_t i = 0; i < from->count; i++) {
        to.names[i] = arena_keep(arena, slice_str(from->names[i])).at;
        to.values[i] = arena_keep(arena, slice_str(from->values[i])).at;
    }
    return to;
}

static void take_conf(struct renewal *r, const struct identity_conf *c)
{
    arena_reset(&r->names);
    r->conf = (struct identity_conf){0};
    if (!c->ca.address)
        return;
    r->conf.cert = arena_keep(&r->names, slice_str(c->cert)).at;
    r->conf.key = arena_keep(&r->names, slice_str(c->key)).at;
    r->conf.ca.address = arena_keep(&r->names, slice_str(c->ca.address)).at;
    r->conf.ca.identity = arena_keep(&r->names, slice_str(c->ca.identity)).at;
    r->conf.trust = keep_pairs(&r->names, &c->trust);
}

void renewal_adopt(struct renewal *r, const struct identity_conf *conf, struct creds *creds)
{
    struct creds *old = r->creds;
    r->creds = creds_ref(creds);
    bool same_leaf = old && creds_expires_us(old) == creds_expires_us(creds);
    creds_unref(&old);
    take_conf(r, conf);
    if (!conf->ca.address) {
        due_cancel(r->clock, &r->due);
        return;
    }
    if (!r->work)
        r->work = work_new(r->loop, "renewal");
    if (same_leaf && due_waits(&r->due))
        return; /* its moment, or the next try, stays */
    int64_t wait = due_us(creds) - now_wall_us(loop_now(r->loop));
    due_in(r->clock, &r->due, wait > RETRY_US ? wait : RETRY_US);
}

struct renewal *renewal_new(struct loop *l, struct due_clock *clock, struct metric_set *metrics,
                            void (*renewed)(void *arg), void *arg)
{
    struct renewal *r = mem_new(sizeof(*r));
    *r = (struct renewal){.loop = l, .clock = clock, .renewed = renewed, .arg = arg};
    arena_init(&r->names, SIZE_MAX);
    due_init(&r->due, on_due);
    r->results = metric_family(metrics, METRIC_COUNTER, "weft_identity_renewals_total", "result",
                               "Our own leaf, asked of the authority: renewed, failed.");
    return r;
}

/* PRE: the loop still turns afterwards until nothing is under way. */
static void end_errand(struct renewal *r)
{
    r->closing = true;
    if (r->is_asking && r->errand.t)
        transit_reset(r->errand.t, TRANSIT_WHY_CANCEL);
    for (int i = 0; i < LAST_TURNS && r->is_asking && r->errand.t; i++)
        loop_turn(r->loop, false);
    if (r->work)
        work_free(&r->work);
}

void renewal_free(struct renewal **renewal)
{
    struct renewal *r = *renewal;
    *renewal = NULL;
    if (!r)
        return;
    due_cancel(r->clock, &r->due);
    end_errand(r);
    creds_unref(&r->creds);
    arena_fini(&r->names);
    mem_free(r);
}

/* ---- the first leaf ---- */

struct enrolment {
    struct errand errand;
    bool over;
};

static void enrolled(struct errand *e)
{
    LIST_OF(e, struct enrolment, errand)->over = true;
    loop_stop(e->loop);
}

static enum err complain(struct diag *diag, const char *fix, const char *what, const char *why)
{
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = "identity.ca"}, fix, "%s%s", what, why);
    return ERR_INPUT;
}

/* We have no certificate, but know whom we believe. */
static enum err load_trust(const struct identity_conf *c, struct diag *diag, struct creds **out)
{
    struct identity_conf trust = {.trust = c->trust, .crl = c->crl};
    return identity_conf_load(&trust, NULL, diag, out);
}

static enum err ask(struct enrolment *n, const struct identity_conf *conf, struct diag *diag)
{
    struct errand *e = &n->errand;
    e->loop = loop_new();
    e->clock = due_clock_new(e->loop);
    e->work = work_new(e->loop, "enrol");
    e->over = enrolled;
    keep_names(e, conf);
    errand_start(e);
    if (!n->over)
        loop_run(e->loop);
    work_free(&e->work);
    for (int i = 0; i < LAST_TURNS; i++)
        loop_turn(e->loop, false); /* the pool frees itself */
    errand_fini(e);
    due_clock_free(&e->clock);
    loop_free(&e->loop);
    return e->fault[0] ? complain(diag, "is weft ca serve there, and the token new? weft ca token makes one",
                                  "the first certificate is not to be had: ", e->fault)
                       : ERR_OK;
}

static struct slice first_line(struct slice text)
{
    struct slice line = {0};
    return slice_split(&text, '\n', &line) ? slice_trim(line) : line;
}

enum err renewal_enroll(const struct identity_conf *conf, struct diag *diag)
{
    struct enrolment n = {0};
    struct buf token;
    if (!conf->ca.address || file_exists(conf->cert))
        return ERR_OK;
    if (!conf->ca.token)
        return complain(diag, "set identity.ca.token: FILE", "there is no certificate, and no token to ask for one",
                        "");
    buf_init(&token, TOKEN_BYTES);
    enum err e = file_read(conf->ca.token, &token);
    if (e != ERR_OK)
        e = complain(diag, "weft ca token SPIFFE-ID > FILE", "the token cannot be read: ", conf->ca.token);
    n.errand.token = first_line(buf_slice(&token));
    if (e == ERR_OK)
        e = load_trust(conf, diag, &n.errand.creds);
    if (e == ERR_OK)
        e = ask(&n, conf, diag);
    creds_unref(&n.errand.creds);
    wipe(&token);
    return e;
}
