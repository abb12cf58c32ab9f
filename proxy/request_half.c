#include "proxy/request_half.h"

#include "base/check.h"
#include "http/hop.h"
#include "proxy/job_play.h"
#include "proxy/response_half.h"

/* --- the head --- */

static enum err add_identity(struct relay *r, struct message *m)
{
    struct slice ours = creds_id(r->snap->creds), theirs = r->down->peer_id;
    char *text = arena_new(&r->up->arena, 3 + ours.len + 5 + theirs.len + 1);
    char *at = stpcpy(mempcpy(stpcpy(text, "By="), ours.at, ours.len), ";URI=");
    if (theirs.len)
        at = mempcpy(at, theirs.at, theirs.len);
    struct slice value = slice_of(text, (size_t)(at - text));
    return headers_set(&m->headers, HEADERS_X_FORWARDED_CLIENT_CERT, value);
}

/* Only the runner of a job may say these, and it has no connection. */
static void drop_job_words(struct message *m)
{
    headers_remove(&m->headers, HEADERS_WEFT_JOB);
    headers_remove(&m->headers, HEADERS_WEFT_ATTEMPT);
    headers_remove(&m->headers, HEADERS_WEFT_DEADLINE);
    headers_remove(&m->headers, HEADERS_WEFT_ERROR);
}

static enum err fill_inbound(struct relay *r, struct message *m)
{
    if (r->down->conn_id)
        drop_job_words(m);
    headers_remove(&m->headers, HEADERS_WEFT_CONTRACT);
    if (m->authority.len == 0)
        m->authority = slice_str(r->snap->conf.service);
    if (m->path.len > 0) /* CONNECT has neither */
        m->scheme = SLICE("http");
    return add_identity(r, m);
}

static enum err fill_outbound(struct relay *r, struct message *m)
{
    drop_job_words(m);
    headers_remove(&m->headers, HEADERS_X_FORWARDED_CLIENT_CERT);
    headers_remove(&m->headers, HEADERS_WEFT_CONTRACT);
    if (m->path.len > 0) /* CONNECT has neither */
        m->scheme = SLICE("https");
    m->authority = r->to->name;
    if (!r->inquiry.shows_digest)
        return ERR_OK;
    struct slice text = contract_digest_text(r->to->consumes);
    return headers_add_token(&m->headers, HEADERS_WEFT_CONTRACT,
                             arena_putf(&r->up->arena, "sha-256=%.*s", SLICE_FMT(text)));
}

static enum err fill_head(struct relay *r)
{
    struct message *m = &r->up->out;
    struct hop hop = {
        .from_outside = r->side == RELAY_INBOUND,
        .to_h2 = r->side == RELAY_OUTBOUND || r->snap->app_h2,
    };
    TRY(hop_request(&r->down->in, m, hop));
    m->path = r->inquiry.path;
    TRY(r->side == RELAY_INBOUND ? fill_inbound(r, m) : fill_outbound(r, m));
    if (r->request.rewrite)
        relay_forget_length(m);
    return headers_set(&m->headers, HEADERS_WEFT_REQUEST_ID, r->id);
}

/* Sends the head on `up`, as soon as the lane says it is time. */
static void open_up(struct relay *r)
{
    if (!r->up || r->up->is_gone || r->request.open || !lane_ready(&r->request))
        return;
    bool bare = r->down->in_ended && lane_empty(&r->request) && r->down->in.trailers.count == 0;
    enum err e = fill_head(r);
    if (e == ERR_OK)
        e = transit_head(r->up, bare);
    if (e != ERR_OK) {
        relay_fail(r, REPLY_HEAD_TOO_LARGE, (struct slice){0});
        return;
    }
    r->request.finished = bare;
    lane_open(&r->request, r->up);
}

/* --- the way --- */

static enum reply_word nowhere(const struct relay *r)
{
    return r->side == RELAY_INBOUND ? REPLY_MISDIRECTED : REPLY_JOBS_ONLY;
}

static void forward(struct relay *r)
{
    struct pool *pool = job_play_is(r->down) ? r->snap->app_jobs : r->snap->app;
    if (r->side == RELAY_OUTBOUND) {
        r->endpoint = cluster_pick(r->to);
        pool = r->endpoint ? r->endpoint->pool : NULL;
    }
    r->attempts++;
    r->up = pool ? pool_request(pool, &response_half_owner, r) : NULL;
    if (!r->up)
        relay_refuse(r, pool ? REPLY_OVERLOADED : nowhere(r), (struct slice){0});
    else
        open_up(r);
}

void request_half_start(struct relay *r)
{
    sm_move(&r->sm, RELAY_SENDING);
    struct buf early = r->request.pending; /* came while we were asking */
    buf_init(&r->request.pending, 0);
    lane_fini(&r->request);
    struct plan *plan = message_tunnels(&r->down->in) ? NULL : r->inquiry.request;
    lane_init(&r->request, r->down, plan, r->snap->conf.adapt.max_buffer, true);
    enum err e = lane_data(&r->request, buf_slice(&early));
    buf_fini(&early);
    if (e == ERR_OK && r->down->in_ended)
        e = lane_end(&r->request);
    if (e == ERR_OK)
        forward(r);
    else
        relay_unfit(r, &r->request, e);
}

bool request_half_repeatable(const struct relay *r)
{
    return r->attempts < RELAY_ATTEMPTS && lane_replayable(&r->request);
}

void request_half_repeat(struct relay *r)
{
    PRE(request_half_repeatable(r));
    transit_free(&r->up);
    lane_rewind(&r->request);
    forward(r);
}

bool request_half_idempotent(const struct relay *r)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (slice_eq(r->down->in.method, slice_str(methods[i])))
            return true;
    const struct contract *c = r->snap->contract;
    int op = c ? contract_operation(c, r->inquiry.operation) : -1;
    return op >= 0 && contract_operation_idempotent(c, (size_t)op);
}

/* --- the body --- */

static bool deaf(const struct relay *r)
{
    return r->sm.at == RELAY_REFUSED || (r->up && r->up->is_gone);
}

void request_half_data(struct relay *r, struct slice bytes)
{
    if (deaf(r)) {
        transit_credit(r->down, r->down->owed);
        return;
    }
    bool asking = r->sm.at == RELAY_ASKING;
    enum err e = asking ? buf_add(&r->request.pending, bytes) : lane_data(&r->request, bytes);
    if (e != ERR_OK)
        relay_unfit(r, &r->request, e);
    else
        open_up(r);
}

void request_half_end(struct relay *r)
{
    if (deaf(r) || r->sm.at == RELAY_ASKING || r->request.ended)
        return;
    enum err e = lane_end(&r->request);
    if (e != ERR_OK)
        relay_unfit(r, &r->request, e);
    else
        open_up(r);
}

void request_half_sent(struct relay *r)
{
    if (r->request.open)
        lane_pump(&r->request);
}
