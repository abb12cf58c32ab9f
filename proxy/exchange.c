#include "proxy/exchange.h"

#include "base/log.h"
#include "base/mem.h"
#include "proxy/reply.h"

#define PREFIX "/.well-known/weft/contracts/"
/* The provider knows earlier versions too: what does not fit may still be adapted. */
#define VERSIONS "weft-contract-versions"
#define MEDIA_TYPE "application/vnd.weft.contract"

bool exchange_is(const struct message *request)
{
    return slice_starts(request->path, SLICE(PREFIX));
}

/* --- server side: one upload --- */

struct upload {
    struct accord *accord;
    struct contract *ours; /* or NULL */
    struct transit *down;  /* NULL: gone, only the offer is still under way */
    struct hash_digest digest;
    struct buf text;
    bool expected; /* we told accord that it is on its way */
    bool offered;
    bool answered;
};

static void upload_free(struct upload *u)
{
    if (u->expected)
        accord_forget(u->accord, &u->digest);
    contract_unref(&u->ours);
    buf_fini(&u->text);
    mem_free(u);
}

static void upload_refuse(struct upload *u, enum reply_word w, struct slice detail)
{
    u->answered = true;
    reply_refuse(u->down, w, detail, (struct slice){0});
}

static void upload_accept(struct upload *u)
{
    u->answered = true;
    struct transit *t = u->down;
    struct slice text = SLICE("");
    if (u->ours) {
        /* Kept: the upload may go before its answer has left. */
        struct slice digest = arena_keep(&t->arena, contract_digest_field(u->ours));
        bool fits = headers_add_token(&t->out.headers, HEADERS_WEFT_CONTRACT_PROVIDER, digest) == ERR_OK;
        (void)fits; /* the first field of a fresh head */
        text = contract_text(u->ours);
        if (accord_has_versions(u->accord))
            fits = headers_add(&t->out.headers, SLICE(VERSIONS), SLICE("1")) == ERR_OK;
    }
    if (transit_answer(t, 200, SLICE(MEDIA_TYPE), text) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
}

static void upload_judged(void *arg, enum err e, struct slice complaint)
{
    struct upload *u = arg;
    u->offered = false;
    struct verdict *v;
    /* The first question starts the judgement, so that it is ready for the first request. */
    if (e == ERR_OK && u->ours && accord_find(u->accord, &u->digest, u->ours, &v) == ERR_OK)
        v = NULL;
    if (!u->down) {
        upload_free(u);
        return;
    }
    if (e == ERR_OK)
        upload_accept(u);
    else
        upload_refuse(u, REPLY_BODY_UNFIT, complaint);
}

static void upload_data(struct transit *t, struct slice bytes)
{
    struct upload *u = t->owner_data;
    transit_credit(t, bytes.len);
    if (!u->answered && buf_add(&u->text, bytes) != ERR_OK)
        upload_refuse(u, REPLY_PAYLOAD_TOO_LARGE, SLICE("A contract may have 1 MiB."));
}

static void upload_end(struct transit *t)
{
    struct upload *u = t->owner_data;
    if (u->answered)
        return;
    if (accord_offer(u->accord, t->peer_id, &u->digest, buf_slice(&u->text), upload_judged, u) == ERR_OK)
        u->offered = true;
    else
        upload_refuse(u, REPLY_OVERLOADED, SLICE("Too many contracts are waiting."));
}

static void upload_gone(struct transit *t, enum transit_end how)
{
    (void)how;
    struct upload *u = t->owner_data;
    u->down = NULL;
    transit_free(&t);
    if (!u->offered)
        upload_free(u);
}

static const struct transit_owner upload_owner = {.data = upload_data, .end = upload_end, .gone = upload_gone};

void exchange_serve(struct accord *a, struct contract *ours, struct transit *down)
{
    struct upload *u = mem_new(sizeof(*u));
    *u = (struct upload){.accord = a, .down = down, .ours = ours ? contract_ref(ours) : NULL};
    buf_init(&u->text, CONTRACT_BYTES);
    down->owner = &upload_owner;
    down->owner_data = u;
    struct slice name = slice_from(down->in.path, sizeof(PREFIX) - 1);
    size_t len;
    if (!slice_eq(down->in.method, SLICE("PUT"))) {
        upload_refuse(u, REPLY_METHOD_UNKNOWN, SLICE("Contracts are PUT by their digest."));
    } else if (hash_base64url(name, u->digest.b, sizeof(u->digest.b), &len) != ERR_OK || len != sizeof(u->digest.b)) {
        upload_refuse(u, REPLY_BAD_REQUEST, SLICE("The path ends with a SHA-256 digest in base64url."));
    } else {
        u->expected = true;
        accord_expect(a, &u->digest);
    }
}

/* --- client side: one showing --- */

/* A guest of the cluster: when that goes, with its snapshot, nobody wants the answer any more. */
struct showing {
    struct cluster_guest guest;
    struct accord *accord;
    struct transit *up; /* NULL: gone, only the offer is still under way */
    struct buf text;
    struct hash_digest digest; /* the provider's */
    bool named;
};

static void showing_free(struct showing *s)
{
    cluster_leave(&s->guest);
    buf_fini(&s->text);
    mem_free(s);
}

static void showing_closing(struct cluster_guest *g)
{
    struct showing *s = LIST_OF(g, struct showing, guest);
    if (s->up)
        transit_reset(s->up, TRANSIT_WHY_CANCEL);
}

static void learn(struct showing *s, struct contract *c)
{
    struct cluster *cluster = s->guest.cluster;
    contract_unref(&cluster->provides);
    cluster->provides = contract_ref(c);
    struct verdict *v;
    enum err judged = accord_find(s->accord, contract_digest(cluster->consumes), c, &v);
    (void)judged; /* asked only to have it ready */
    log_event(LOG_INFO, "contract-learnt", LOG_TEXT("service", cluster->name), LOG_TEXT("version", contract_version(c)),
              LOG_TEXT("digest", contract_digest_text(c)));
}

static void provider_learnt(void *arg, enum err e, struct slice complaint)
{
    struct showing *s = arg;
    struct contract *c = e == ERR_OK ? accord_contract(s->accord, &s->digest) : NULL;
    if (s->guest.cluster && c)
        learn(s, c);
    else if (s->guest.cluster)
        log_event(LOG_WARN, "contract-unreadable", LOG_TEXT("service", s->guest.cluster->name),
                  LOG_TEXT("why", complaint));
    showing_free(s);
}

static void showing_head(struct transit *t)
{
    struct showing *s = t->owner_data;
    if (t->in.status != 200) {
        log_event(LOG_WARN, "contract-refused", LOG_TEXT("service", s->guest.cluster->name),
                  LOG_INT("status", t->in.status), LOG_TEXT("word", headers_value(&t->in.headers, HEADERS_WEFT_ERROR)));
        return;
    }
    struct slice value = headers_value(&t->in.headers, HEADERS_WEFT_CONTRACT_PROVIDER);
    s->named = accord_parse_header(value, &s->digest) == ERR_OK;
    if (s->named && s->guest.cluster)
        s->guest.cluster->knows_versions = headers_find(&t->in.headers, SLICE(VERSIONS)) != NULL;
}

static void showing_data(struct transit *t, struct slice bytes)
{
    struct showing *s = t->owner_data;
    transit_credit(t, bytes.len);
    if (s->named && buf_add(&s->text, bytes) != ERR_OK)
        s->named = false;
}

static void showing_end(struct transit *t)
{
    (void)t;
}

static void showing_gone(struct transit *t, enum transit_end how)
{
    struct showing *s = t->owner_data;
    s->up = NULL;
    transit_free(&t);
    bool whole = how == TRANSIT_DONE && s->named && s->guest.cluster;
    if (!whole || accord_offer(s->accord, s->guest.cluster->identity, &s->digest, buf_slice(&s->text), provider_learnt,
                               s) != ERR_OK)
        showing_free(s);
}

static const struct transit_owner showing_owner = {
    .head = showing_head,
    .data = showing_data,
    .end = showing_end,
    .gone = showing_gone,
};

void exchange_show(struct accord *a, struct cluster_endpoint *e, uint64_t conn_id)
{
    struct contract *c = e->cluster->consumes;
    if (!c || !e->pool || cluster_has_guest(e->cluster, conn_id))
        return;
    struct showing *s = mem_new(sizeof(*s));
    struct transit *t = pool_request_on(e->pool, conn_id, &showing_owner, s);
    if (!t) {
        mem_free(s);
        return;
    }
    *s = (struct showing){.accord = a, .up = t, .guest = {.conn_id = conn_id, .closing = showing_closing}};
    cluster_enter(e->cluster, &s->guest);
    buf_init(&s->text, CONTRACT_BYTES);
    struct message *m = &t->out;
    m->method = SLICE("PUT");
    m->scheme = SLICE("https");
    m->authority = e->cluster->name;
    m->path = arena_putf(&t->arena, PREFIX "%.*s", SLICE_FMT(contract_digest_text(c)));
    m->length = (int64_t)contract_text(c).len;
    if (headers_add_token(&m->headers, HEADERS_CONTENT_TYPE, SLICE(MEDIA_TYPE)) != ERR_OK ||
        transit_head(t, false) != ERR_OK || transit_write(t, contract_text(c)) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
    else
        transit_finish(t);
}

void exchange_heard(struct accord *a, struct cluster_endpoint *e, uint64_t conn_id, struct slice provider_header)
{
    struct hash_digest digest;
    struct contract *known = e->cluster->provides;
    /* Nearly always it is the one we know. */
    if (known && slice_ends(provider_header, contract_digest_text(known)))
        return;
    if (!e->cluster->consumes || accord_parse_header(provider_header, &digest) != ERR_OK)
        return;
    if (known && !hash_same(contract_digest(known), &digest, sizeof(digest)))
        exchange_show(a, e, conn_id);
}
