#include "identity/identity.h"

#include "base/log.h"
#include "base/mem.h"
#include "identity/renewal.h"
#include "identity/workload.h"

enum { SECOND = 1000000 };

struct identity {
    struct loop *loop;
    struct due_clock *clock;
    struct creds *creds;       /* the current ones; NULL: none yet */
    struct renewal *renewal;   /* NULL: a follower */
    struct workload *workload; /* NULL: our identity is in files */
    char *endpoint;            /* its */
    struct svid_set *set;      /* what it has said last; NULL: nothing that counts */
    struct loop_task changed;
    struct metric *expiry;
    enum { IDENTITY_FRESH, IDENTITY_DUE, IDENTITY_OVER } age; /* what was said of our certificate */
    const char *withdrawn;                                    /* why, or NULL */
    struct svid_share *share;
    bool is_follower;
    const struct identity_owner *owner;
    void *arg;
};

/* ---- age ---- */

void identity_watch(struct identity *i)
{
    const struct creds *c = i->creds;
    int64_t now = now_wall_us(loop_now(i->loop)), left = creds_expires_us(c) - now;
    unsigned age = left <= 0 ? IDENTITY_OVER : now >= creds_renew_us(c) ? IDENTITY_DUE : IDENTITY_FRESH;
    if (age > (unsigned)i->age && !i->is_follower)
        log_event(age == IDENTITY_OVER ? LOG_ERROR : LOG_WARN,
                  age == IDENTITY_OVER ? "identity-expired" : "identity-expires-soon",
                  LOG_TEXT("identity", creds_id(c)), LOG_INT("seconds_left", left / SECOND),
                  LOG_STR("so", age == IDENTITY_OVER ? "every handshake fails until identity.cert is renewed"
                                                     : "less than a fifth of its life is left: renew identity.cert"));
    i->age = age;
}

/* ---- the Workload API ---- */

static void on_changed(void *arg, struct svid_set *set)
{
    struct identity *i = arg;
    svid_set_unref(&i->set);
    i->set = svid_set_ref(set);
    i->withdrawn = NULL;
    svid_share_put(i->share, set);
    loop_defer(i->loop, &i->changed);
}

static void on_withdrawn(void *arg, const char *why)
{
    struct identity *i = arg;
    loop_task_cancel(&i->changed);
    svid_share_withdraw(i->share, why);
    log_event(LOG_ERROR, "identity-withdrawn", LOG_TEXT("identity", creds_id(i->creds)), LOG_STR("why", why),
              LOG_STR("so", "every handshake fails"));
    i->owner->withdrawn(i->arg);
}

void identity_withdraw(struct identity *i)
{
    const char *why;
    struct svid_set *newer = svid_share_get(i->share, &why);
    if (!newer) {
        svid_set_unref(&i->set);
        i->withdrawn = why;
        creds_withdraw(i->creds);
    }
    svid_set_unref(&newer); /* with that a reload is under way */
}

static void say_changed(struct loop_task *task)
{
    struct identity *i = LIST_OF(task, struct identity, changed);
    i->owner->renewed(i->arg);
}

static enum err complain(struct diag *diag, const char *what, const char *fix)
{
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = "identity.workload"}, fix, "%s", what);
    return ERR_INPUT;
}

/* What the first worker has heard last. */
static void follow(struct identity *i)
{
    const char *why;
    struct svid_set *set = svid_share_get(i->share, &why);
    svid_set_unref(&i->set);
    i->set = set;
    i->withdrawn = why;
}

static enum err first_set(struct identity *i, const char *endpoint, struct diag *diag)
{
    char fault[WORKLOAD_FAULT];
    if (i->is_follower) {
        i->endpoint = mem_copy(slice_str(endpoint));
        return ERR_OK;
    }
    if (workload_first(endpoint, &i->set, fault) != ERR_OK)
        return complain(diag, fault, "is an agent there, and has it a registration for us?");
    i->endpoint = mem_copy(slice_str(endpoint));
    return ERR_OK;
}

enum err identity_prepare(void *identity, const struct identity_conf *conf, struct diag *diag,
                          const struct creds_given **given)
{
    struct identity *i = identity;
    const char *endpoint = conf->workload;
    if (i->creds && (i->endpoint != NULL) != (endpoint != NULL))
        return complain(diag, "where our identity comes from does not change while we run", "start anew");
    if (!endpoint)
        return i->creds ? ERR_OK : renewal_enroll(conf, diag);
    if (!i->creds)
        TRY(first_set(i, endpoint, diag));
    if (strcmp(endpoint, i->endpoint) != 0)
        return complain(diag, "where our identity comes from does not change while we run", "start anew");
    if (i->is_follower)
        follow(i);
    if (!i->set)
        return complain(diag, "we have no identity now", i->withdrawn);
    *given = svid_set_given(i->set);
    return ERR_OK;
}

/* ---- lifecycle ---- */

static const struct workload_owner workload_owner = {on_changed, on_withdrawn};

void identity_adopt(struct identity *i, const struct identity_conf *conf, struct creds *creds)
{
    struct creds *old = i->creds;
    i->creds = creds_ref(creds);
    creds_unref(&old);
    metric_gauge(i->expiry, (double)(creds_expires_us(creds) / SECOND));
    identity_watch(i);
    if (i->renewal)
        renewal_adopt(i->renewal, conf, creds);
    if (i->endpoint && !i->is_follower && !i->workload) {
        svid_share_put(i->share, i->set);
        i->workload = workload_new(i->loop, i->clock, i->endpoint, i->set, &workload_owner, i);
    }
    if (i->endpoint)
        identity_withdraw(i); /* if it was, while `creds` were read */
}

static void on_renewed(void *arg)
{
    struct identity *i = arg;
    i->owner->renewed(i->arg);
}

struct identity *identity_new(const struct identity_start *start)
{
    struct identity *i = mem_new(sizeof(*i));
    *i = (struct identity){
        .loop = start->loop,
        .clock = start->clock,
        .share = start->share,
        .is_follower = start->is_follower,
        .owner = start->owner,
        .arg = start->arg,
    };
    loop_task_init(&i->changed, say_changed);
    if (!i->is_follower)
        i->renewal = renewal_new(i->loop, i->clock, start->metrics, on_renewed, i);
    i->expiry = metric_series(metric_family(start->metrics, METRIC_FACT, "weft_identity_expiry_seconds", "",
                                            "When our certificate ends, seconds since 1970."),
                              NULL);
    return i;
}

void identity_free(struct identity **identity)
{
    struct identity *i = *identity;
    *identity = NULL;
    if (!i)
        return;
    loop_task_cancel(&i->changed);
    workload_close(&i->workload);
    renewal_free(&i->renewal);
    svid_set_unref(&i->set);
    creds_unref(&i->creds);
    mem_free(i->endpoint);
    mem_free(i);
}

/* ---- for the admin side ---- */

void identity_missing(const struct identity *i, struct buf *out)
{
    if (i->withdrawn)
        buf_putf(out, "identity: %s\n", i->withdrawn);
    if (creds_expires_us(i->creds) < now_wall_us(loop_now(i->loop)))
        buf_put(out, SLICE("identity: our certificate has expired\n"));
}

void identity_remarks(const struct identity *i, struct buf *out)
{
    if (i->age == IDENTITY_DUE)
        buf_put(out, SLICE("identity: less than a fifth of our certificate's life is left\n"));
}
