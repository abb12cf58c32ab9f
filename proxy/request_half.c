#include "proxy/request_half.h"

#include "base/check.h"
#include "http/grpc.h"
#include "http/hop.h"
#include "http/spelling.h"
#include "proxy/head_plan.h"
#include "proxy/job_play.h"
#include "proxy/relay_body.h"
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

/* CGI and its heirs hand a field's name to the function in capitals, with _ for -: there these would be our own words.
 */
static bool looks_like_ours(const struct header *h)
{
    static const char cert[] = "x-forwarded-client-cert";
    if (h->token != HEADERS_OTHER || h->name.len < 5 || !memchr(h->name.at, '_', h->name.len))
        return false;
    bool of_weft = slice_starts(h->name, SLICE("weft")) && (h->name.at[4] == '_' || h->name.at[4] == '-');
    bool of_cert = h->name.len == sizeof(cert) - 1;
    for (size_t i = 0; of_cert && i < h->name.len; i++)
        of_cert = h->name.at[i] == cert[i] || (h->name.at[i] == '_' && cert[i] == '-');
    return of_weft || of_cert;
}

static void drop_lookalikes(struct message *m)
{
    for (uint32_t i = m->headers.count; i-- > 0;)
        if (i < m->headers.count && looks_like_ours(&m->headers.v[i]))
            headers_remove_name(&m->headers, m->headers.v[i].name);
}

static enum err fill_inbound(struct relay *r, struct message *m)
{
    drop_lookalikes(m);
    if (r->down->conn_id)
        drop_job_words(m);
    headers_remove(&m->headers, HEADERS_WEFT_CONTRACT);
    spelling_heed(&m->headers);
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
    spelling_tell(&m->headers, r->down->is_h1);
    if (m->path.len > 0) /* CONNECT has neither */
        m->scheme = SLICE("https");
    m->authority = r->to->name;
    if (!r->inquiry.shows_digest)
        return ERR_OK;
    return headers_add_token(&m->headers, HEADERS_WEFT_CONTRACT, contract_digest_field(r->to->consumes));
}

/* What is left of the time, where it was said and some of it is gone, and where our own limit is the shorter one. */
static enum err tell_time_left(struct relay *r, struct message *m)
{
    int64_t left_us = r->deadline_us - loop_turn_us(r->env->loop), grpc_us = 0;
    const struct header *grpc = headers_get(&m->headers, HEADERS_GRPC_TIMEOUT);
    left_us = left_us > NOW_US_PER_MS ? left_us : NOW_US_PER_MS;
    if (grpc && grpc_timeout_us(grpc->value, &grpc_us) == ERR_OK && grpc_us - left_us > NOW_US_PER_MS) {
        struct buf text;
        buf_init(&text, BUF_TEXT_BOUND);
        grpc_put_timeout(&text, left_us);
        struct slice value = arena_keep(m->headers.arena, buf_slice(&text));
        buf_fini(&text);
        return headers_set(&m->headers, HEADERS_GRPC_TIMEOUT, value);
    }
    if (grpc)
        return ERR_OK;
    return headers_set(&m->headers, HEADERS_WEFT_TIMEOUT,
                       arena_putf(m->headers.arena, "%lld", (long long)(left_us / NOW_US_PER_MS)));
}

static enum err adapt_head(struct relay *r, struct message *m)
{
    const struct plan *plan = r->inquiry.request;
    if (r->translate.how == TRANSLATE_TO_GRPC || r->translate.how == TRANSLATE_TO_JSON)
        return translate_request_head(&r->translate, r->deadline_us ? r->deadline_us - loop_turn_us(r->env->loop) : 0,
                                      m);
    if (r->request.rewrite)
        TRY(head_plan_body_changed(r->inquiry.verdict, m));
    if (r->inquiry.response && plan_rewrites(r->inquiry.response))
        TRY(head_plan_answer_changes(r->inquiry.verdict, m));
    if (plan && plan_reheads(plan) && !message_tunnels(&r->down->in))
        return head_plan_request(plan, r->request.rewrite, m, &r->head_fault);
    return ERR_OK;
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
    TRY(adapt_head(r, m));
    if (r->deadline_us)
        TRY(tell_time_left(r, m));
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
        if (r->head_fault)
            relay_fail(r, REPLY_BODY_UNFIT, slice_str(r->head_fault));
        else
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

static void send_to(struct relay *r, struct pool *pool)
{
    r->attempts++;
    r->told = r->too_slow = false;
    r->sent_us = loop_turn_us(r->env->loop);
    r->up = pool_request(pool, &response_half_owner, r);
    if (!r->up) {
        relay_refuse(r, REPLY_OVERLOADED, (struct slice){0});
        return;
    }
    if (r->snap->conf.timeouts.attempt_us)
        relay_arm(r);
    open_up(r);
}

static struct pool *app_of(const struct relay *r)
{
    return job_play_is(r->down) ? r->snap->app_jobs : r->snap->app;
}

static void forward_in(struct relay *r)
{
    if (!app_of(r)) {
        relay_refuse(r, nowhere(r), (struct slice){0});
        return;
    }
    enum err e = r->place == RELAY_IN_SIDE ? ERR_OK : gate_enter(&r->env->gate, &r->turn);
    if (e == ERR_FULL) {
        relay_refuse(r, REPLY_APP_OVERLOADED, (struct slice){0});
        return;
    }
    r->place = e == ERR_OK ? RELAY_IN_SIDE : RELAY_IN_QUEUE;
    if (e == ERR_OK)
        send_to(r, app_of(r));
}

void request_half_turn(struct gate_wait *w, bool is_in)
{
    struct relay *r = (struct relay *)(void *)((char *)w - offsetof(struct relay, turn));
    r->place = is_in ? RELAY_IN_SIDE : RELAY_OUTSIDE;
    if (is_in)
        send_to(r, app_of(r));
    else
        relay_refuse(r, REPLY_APP_OVERLOADED, SLICE("It waited for its turn, and that did not come."));
}

static void forward_out(struct relay *r)
{
    struct cluster_endpoint *next;
    enum err e = cluster_pick(r->to, r->endpoint, &next);
    relay_let_go(r);
    if (e == ERR_ABSENT && cluster_by_name(r->to)) {
        relay_refuse(r, REPLY_UNREACHABLE, SLICE("The service's name has no address yet; /ready says why."));
        return;
    }
    if (e != ERR_OK) {
        relay_refuse(r, e == ERR_FULL ? REPLY_BREAKER_OPEN : nowhere(r), (struct slice){0});
        return;
    }
    r->endpoint = next;
    cluster_begin(next);
    if (r->attempts == 0)
        retry_budget_earn(&r->to->budget);
    send_to(r, next->pool);
}

static void forward(struct relay *r)
{
    if (r->side == RELAY_OUTBOUND)
        forward_out(r);
    else
        forward_in(r);
}

void request_half_start(struct relay *r)
{
    sm_move(&r->sm, RELAY_SENDING);
    struct buf early = r->request.pending; /* came while we were asking */
    buf_init(&r->request.pending, 0);
    lane_fini(&r->request);
    bool translates = r->translate.how != TRANSLATE_NOT;
    struct plan *plan = translates ? r->translate.request : message_tunnels(&r->down->in) ? NULL : r->inquiry.request;
    lane_init(&r->request, r->down, plan, r->snap->conf.adapt.max_buffer, true);
    const char *unfit = translates ? NULL : relay_body_frame(r, &r->down->in, &r->request);
    if (translates)
        translate_frame_request(&r->translate, &r->down->in, r->snap->conf.adapt.max_buffer, &r->request);
    if (unfit) {
        buf_fini(&early);
        relay_fail(r, REPLY_BODY_UNFIT, slice_str(unfit));
        return;
    }
    relay_body_check(r, &r->down->in, &r->request);
    lane_decode(&r->request, relay_body_coding(&r->down->in));
    if (r->request.rewrite && plan_reheads(plan) &&
        head_plan_give(plan, &r->down->in, r->inquiry.path, r->request.rewrite, &r->head_fault) != ERR_OK) {
        buf_fini(&early);
        relay_fail(r, REPLY_BODY_UNFIT, slice_str(r->head_fault));
        return;
    }
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
    unsigned tries = r->side == RELAY_OUTBOUND ? 1 + (unsigned)r->snap->conf.retries.limit : RELAY_ATTEMPTS;
    if (r->show_again && tries < RELAY_ATTEMPTS)
        tries = RELAY_ATTEMPTS; /* that was no failure */
    return r->attempts < tries && lane_replayable(&r->request);
}

void request_half_repeat(struct relay *r)
{
    PRE(request_half_repeatable(r));
    transit_free(&r->up);
    lane_rewind(&r->request);
    r->show_again = r->ask_again = false;
    forward(r);
}

bool request_half_idempotent(const struct relay *r)
{
    static const char *const methods[] = {"PUT", "DELETE"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (slice_eq(r->down->in.method, slice_str(methods[i])))
            return true;
    return request_half_safe(r);
}

bool request_half_safe(const struct relay *r)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS"};
    if (message_tunnels(&r->down->in))
        return false;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (slice_eq(r->down->in.method, slice_str(methods[i])))
            return true;
    const struct contract *c = r->side == RELAY_OUTBOUND ? r->to->consumes : r->snap->contract;
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
