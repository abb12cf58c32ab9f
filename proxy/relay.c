/* The good path: `down` brings a whole head; inquiry says pass; `up` is asked of a
 * pool and given the head; two lanes carry the bodies; when both transits are gone
 * the exchange is counted, logged and freed.
 *
 * What can go wrong, and what happens then:
 *   the caller's contract is on its way    ASKING waits for it, bounded
 *   the answer is no                       a reply of our own, nothing is sent on
 *   `up` provably reached nobody           once more, if the body is still held
 *   the provider does not know our digest  it is shown, and the request repeated once
 *   a body cannot be rewritten             422 or 502 while the head is still ours to
 *                                          send, otherwise both sides are cut
 *   the caller leaves                      `up` is cut too */
#include "proxy/relay.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "contracts/problem.h"
#include "http/hop.h"
#include "proxy/exchange.h"
#include "proxy/inquiry.h"
#include "proxy/lane.h"
#include "proxy/reply.h"

enum relay_state { ASKING, SENDING, ANSWERING, REFUSED, OVER, STATES };

static const struct sm_row relay_rows[STATES] = {
    [ASKING] = {"asking", SM_TO(SENDING) | SM_TO(REFUSED) | SM_TO(OVER), SM_FIRST},
    [SENDING] = {"sending", SM_TO(ANSWERING) | SM_TO(REFUSED) | SM_TO(OVER), 0},
    [ANSWERING] = {"answering", SM_TO(OVER), 0},
    [REFUSED] = {"refused", SM_TO(OVER), 0},
    [OVER] = {"over", 0, SM_LAST},
};
const struct sm_table relay_states = {"relay", relay_rows, STATES};

struct relay {
    struct relay_env *env;
    struct snapshot *snap;
    enum relay_side side;
    struct cluster *to;                /* outbound */
    struct cluster_endpoint *endpoint; /* outbound, once picked */
    struct sm sm;
    struct transit *down, *up; /* `up` is NULL while there is none */
    struct lane request, response;
    struct inquiry inquiry;
    struct accord_wait wait;
    struct due late;   /* the contract's patience, then the request's */
    struct slice id;   /* request id */
    const char *error; /* weft-error word, or NULL */
    unsigned status;
    unsigned attempts;
    bool down_gone;
    bool show_again; /* the provider has lost our contract */
    int64_t began_us;
};

static const struct transit_owner down_owner, up_owner;

/* --- the ledger --- */

static struct ledger_entry entry_of(const struct relay *r)
{
    return (struct ledger_entry){
        .inbound = r->side == RELAY_INBOUND,
        .id = r->id,
        .peer = r->side == RELAY_INBOUND ? r->down->peer_id : r->to->identity,
        .service = r->to ? r->to->name : slice_str(r->snap->conf.service),
        .down = r->down,
        .inquiry = &r->inquiry,
        .lanes = {&r->request, &r->response},
        .error = r->error,
        .status = r->status,
    };
}

/* `text` empty: what the inquiry has to say. */
static void remember(struct relay *r, struct slice word, struct slice text)
{
    struct ledger_entry entry = entry_of(r);
    struct buf why;
    buf_init(&why, BUF_TEXT_BOUND);
    if (text.len)
        buf_put(&why, text);
    else
        inquiry_why(&r->inquiry, r->snap, r->down, &why);
    ledger_remember(&r->env->ledger, &entry, word, buf_slice(&why), now_wall_us(loop_now(r->env->loop)));
    buf_fini(&why);
}

static void close_entry(struct relay *r)
{
    struct ledger_entry entry = entry_of(r);
    entry.duration_us = now_mono_us(loop_now(r->env->loop)) - r->began_us;
    ledger_close_entry(&r->env->ledger, &entry, now_wall_us(loop_now(r->env->loop)));
}

/* --- the end --- */

static void forget_deadline(struct relay *r)
{
    due_cancel(r->env->clock, &r->late);
}

static void end(struct relay *r)
{
    if (!r->down_gone || (r->up && !r->up->is_gone))
        return;
    close_entry(r);
    sm_move(&r->sm, OVER);
    forget_deadline(r);
    list_remove(&r->wait.link);
    lane_fini(&r->request);
    lane_fini(&r->response);
    inquiry_fini(&r->inquiry);
    transit_free(&r->up);
    transit_free(&r->down);
    r->env->exchanges--;
    snapshot_unref(&r->snap);
    mem_free(r);
}

static void cut_up(struct relay *r)
{
    if (r->up && !r->up->is_gone)
        transit_reset(r->up, TRANSIT_WHY_CANCEL);
}

/* --- refusing --- */

static void refused(struct relay *r, enum reply_word word)
{
    sm_move(&r->sm, REFUSED);
    forget_deadline(r);
    r->error = reply_word(word);
    r->status = reply_status(word);
    log_event(LOG_INFO, "refused", LOG_STR("why", r->error), LOG_TEXT("id", r->id),
              LOG_STR("side", r->side == RELAY_INBOUND ? "inbound" : "outbound"), LOG_TEXT("peer", r->down->peer_id),
              LOG_TEXT("operation", r->inquiry.operation), LOG_TEXT("path", r->down->in.path));
    /* What still comes of the body is of no use. */
    if (r->down->owed)
        transit_credit(r->down, r->down->owed);
}

static void refuse(struct relay *r, enum reply_word word, struct slice detail)
{
    PRE(!r->down->out_head);
    refused(r, word);
    reply_refuse(r->down, word, detail, r->id);
}

static void refuse_mismatch(struct relay *r)
{
    struct buf problem;
    buf_init(&problem, BUF_TEXT_BOUND);
    problem_put(r->inquiry.verdict, r->inquiry.judged->name, r->inquiry.finding, &problem);
    refused(r, REPLY_CONTRACT_MISMATCH);
    reply_problem(r->down, REPLY_CONTRACT_MISMATCH, buf_slice(&problem), r->id);
    buf_fini(&problem);
}

static void denied(struct relay *r)
{
    remember(r, slice_str(reply_word(r->inquiry.word)), (struct slice){0});
    if (r->inquiry.word == REPLY_CONTRACT_MISMATCH && r->inquiry.finding)
        refuse_mismatch(r);
    else
        refuse(r, r->inquiry.word, r->inquiry.detail);
}

/* Something broke on the way.  Our own answer while that is possible, else the caller is cut. */
static void fail(struct relay *r, enum reply_word word, struct slice detail)
{
    cut_up(r);
    if (r->sm.at == REFUSED || r->down_gone)
        return;
    if (!r->down->out_head) {
        refuse(r, word, detail);
        return;
    }
    r->error = reply_word(word);
    transit_reset(r->down, TRANSIT_WHY_INTERNAL);
}

static void unfit(struct relay *r, struct lane *l, enum err e)
{
    bool response = l == &r->response;
    enum reply_word word = response ? REPLY_ANSWER_UNFIT : REPLY_BODY_UNFIT;
    if (e == ERR_FULL)
        word = REPLY_PAYLOAD_TOO_LARGE;
    struct buf why;
    buf_init(&why, BUF_TEXT_BOUND);
    if (l->rewrite)
        lane_put_fault(l, &why);
    remember(r, slice_str(reply_word(word)), buf_slice(&why));
    fail(r, word, buf_slice(&why));
    buf_fini(&why);
}

/* --- rewriting --- */

static bool is_json(const struct message *m)
{
    struct slice type = headers_value(&m->headers, HEADERS_CONTENT_TYPE);
    size_t semicolon;
    if (slice_find(type, ';', &semicolon))
        type = slice_to(type, semicolon);
    type = slice_trim(type);
    return slice_eq_nocase(type, SLICE("application/json")) ||
           (type.len > 5 && slice_eq_nocase(slice_from(type, type.len - 5), SLICE("+json")));
}

static bool is_plain(const struct message *m)
{
    struct slice coding = headers_value(&m->headers, HEADERS_CONTENT_ENCODING);
    return coding.len == 0 || slice_eq_nocase(coding, SLICE("identity"));
}

/* The length is no longer what it was; the far side learns it by framing. */
static void forget_length(struct message *m)
{
    headers_remove(&m->headers, HEADERS_CONTENT_LENGTH);
    m->length = -1;
}

/* --- towards the provider --- */

static enum err add_identity(struct relay *r, struct message *m)
{
    struct slice value =
        arena_putf(&r->up->arena, "By=%.*s;URI=%.*s", SLICE_FMT(creds_id(r->snap->creds)), SLICE_FMT(r->down->peer_id));
    return headers_set(&m->headers, HEADERS_X_FORWARDED_CLIENT_CERT, value);
}

static enum err fill_inbound(struct relay *r, struct message *m)
{
    headers_remove(&m->headers, HEADERS_WEFT_CONTRACT);
    if (m->authority.len == 0)
        m->authority = slice_str(r->snap->conf.service);
    m->scheme = SLICE("http");
    return add_identity(r, m);
}

static enum err fill_outbound(struct relay *r, struct message *m)
{
    headers_remove(&m->headers, HEADERS_X_FORWARDED_CLIENT_CERT);
    headers_remove(&m->headers, HEADERS_WEFT_CONTRACT);
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
        forget_length(m);
    return headers_set(&m->headers, HEADERS_WEFT_REQUEST_ID, r->id);
}

/* Sends the head on `up`, as soon as the lane says it is time. */
static void open_request(struct relay *r)
{
    if (!r->up || r->up->is_gone || r->request.open || !lane_ready(&r->request))
        return;
    bool bare = r->down->in_ended && lane_empty(&r->request) && r->down->in.trailers.count == 0;
    enum err e = fill_head(r);
    if (e == ERR_OK)
        e = transit_head(r->up, bare);
    if (e != ERR_OK) {
        fail(r, REPLY_HEAD_TOO_LARGE, (struct slice){0});
        return;
    }
    r->request.finished = bare;
    lane_open(&r->request, r->up);
}

static enum reply_word nowhere(const struct relay *r)
{
    return r->side == RELAY_INBOUND ? REPLY_MISDIRECTED : REPLY_JOBS_ONLY;
}

static void forward(struct relay *r)
{
    struct pool *pool = r->snap->app;
    if (r->side == RELAY_OUTBOUND) {
        r->endpoint = cluster_pick(r->to);
        pool = r->endpoint ? r->endpoint->pool : NULL;
    }
    r->attempts++;
    r->up = pool ? pool_request(pool, &up_owner, r) : NULL;
    if (!r->up)
        refuse(r, pool ? REPLY_OVERLOADED : nowhere(r), (struct slice){0});
    else
        open_request(r);
}

static void send_again(struct relay *r)
{
    transit_free(&r->up);
    lane_rewind(&r->request);
    forward(r);
}

/* --- asking --- */

static enum err ask(struct relay *r)
{
    return r->side == RELAY_INBOUND ? inquiry_inbound(&r->inquiry, r->snap, r->env->accord, r->down)
                                    : inquiry_outbound(&r->inquiry, r->snap, r->env->accord, r->to, r->down);
}

static void pass(struct relay *r)
{
    struct plan *plan = r->inquiry.request;
    bool rewrites = plan && plan_rewrites(plan) && !r->down->in_ended;
    if (rewrites && (!is_json(&r->down->in) || !is_plain(&r->down->in))) {
        refuse(r, REPLY_ENCODING_UNSUPPORTED, (struct slice){0});
        return;
    }
    if (r->inquiry.request || r->inquiry.response)
        remember(r, SLICE("adapted"), (struct slice){0});
    sm_move(&r->sm, SENDING);
    struct buf early = r->request.pending; /* came while we were asking */
    buf_init(&r->request.pending, 0);
    lane_fini(&r->request);
    lane_init(&r->request, r->down, plan, r->snap->conf.adapt.max_buffer, true);
    enum err e = lane_data(&r->request, buf_slice(&early));
    buf_fini(&early);
    if (e == ERR_OK && r->down->in_ended)
        e = lane_end(&r->request);
    if (e == ERR_OK)
        forward(r);
    else
        unfit(r, &r->request, e);
}

static void deadline_passed(struct due *due)
{
    struct relay *r = (struct relay *)(void *)((char *)due - offsetof(struct relay, late));
    if (r->sm.at == ASKING)
        refuse(r, REPLY_CONTRACT_PENDING, (struct slice){0});
    else
        fail(r, REPLY_REQUEST_TIMEOUT, (struct slice){0});
    list_remove(&r->wait.link);
}

static void decide(struct relay *r)
{
    enum err e = ask(r);
    if (e == ERR_AGAIN) {
        r->wait.digest = r->inquiry.digest;
        accord_await(r->env->accord, &r->wait);
        if (!due_waits(&r->late))
            due_in(r->env->clock, &r->late, r->snap->conf.contracts.hold_us);
        return;
    }
    forget_deadline(r);
    if (e != ERR_OK) {
        denied(r);
        return;
    }
    if (r->snap->conf.timeouts.request_us)
        due_in(r->env->clock, &r->late, r->snap->conf.timeouts.request_us);
    pass(r);
}

static void ask_again(struct accord_wait *w)
{
    struct relay *r = (struct relay *)(void *)((char *)w - offsetof(struct relay, wait));
    if (r->sm.at == ASKING && !r->down_gone)
        decide(r);
}

/* --- what `down` brings --- */

static void down_data(struct transit *t, struct slice bytes)
{
    struct relay *r = t->owner_data;
    if (r->sm.at == REFUSED || (r->up && r->up->is_gone)) {
        transit_credit(t, t->owed);
        return;
    }
    enum err e = r->sm.at == ASKING ? buf_add(&r->request.pending, bytes) : lane_data(&r->request, bytes);
    if (e != ERR_OK)
        unfit(r, &r->request, e);
    else
        open_request(r);
}

static void down_end(struct transit *t)
{
    struct relay *r = t->owner_data;
    if (r->sm.at == REFUSED || r->sm.at == ASKING || (r->up && r->up->is_gone))
        return;
    enum err e = lane_end(&r->request);
    if (e != ERR_OK)
        unfit(r, &r->request, e);
    else
        open_request(r);
}

static void down_sent(struct transit *t)
{
    struct relay *r = t->owner_data;
    if (r->response.open)
        lane_pump(&r->response);
}

static void down_gone(struct transit *t, enum transit_end how)
{
    struct relay *r = t->owner_data;
    r->down_gone = true;
    if (how != TRANSIT_DONE) {
        if (r->status == 0)
            r->status = 499; /* the caller left before there was an answer */
        cut_up(r);
    }
    end(r);
}

static const struct transit_owner down_owner = {
    .data = down_data,
    .end = down_end,
    .sent = down_sent,
    .gone = down_gone,
};

/* --- what `up` brings --- */

static void up_info(struct transit *t, unsigned status)
{
    struct relay *r = t->owner_data;
    if (hop_info(status) && !r->down_gone && !r->down->out_head &&
        transit_info(r->down, status, &t->in.headers) != ERR_OK)
        log_event(LOG_DEBUG, "info-dropped", LOG_INT("status", status));
}

static bool wants_contract(const struct relay *r, const struct message *answer)
{
    return r->side == RELAY_OUTBOUND && answer->status == 428 && r->attempts < 2 && lane_replayable(&r->request) &&
           slice_eq(headers_value(&answer->headers, HEADERS_WEFT_ERROR), SLICE("contract-unknown"));
}

static void hear_provider(struct relay *r, const struct message *answer)
{
    struct slice named = headers_value(&answer->headers, HEADERS_WEFT_CONTRACT_PROVIDER);
    if (r->side == RELAY_OUTBOUND && named.len)
        exchange_heard(r->env->accord, r->snap, r->endpoint, r->up->conn_id, named);
}

static enum err fill_answer(struct relay *r)
{
    struct message *m = &r->down->out;
    TRY(hop_response(&r->up->in, m));
    headers_remove(&m->headers, HEADERS_WEFT_CONTRACT_PROVIDER);
    if (r->side == RELAY_INBOUND && r->inquiry.shows_digest) {
        struct slice text = contract_digest_text(r->snap->contract);
        TRY(headers_add_token(&m->headers, HEADERS_WEFT_CONTRACT_PROVIDER,
                              arena_putf(&r->down->arena, "sha-256=%.*s", SLICE_FMT(text))));
    }
    if (r->side == RELAY_INBOUND)
        headers_remove(&m->headers, HEADERS_WEFT_ERROR); /* a word that only we may say */
    if (r->response.rewrite)
        forget_length(m);
    return ERR_OK;
}

static void open_response(struct relay *r)
{
    if (r->down_gone || r->response.open || !lane_ready(&r->response))
        return;
    bool bare = r->up->in_ended && lane_empty(&r->response) && r->up->in.trailers.count == 0;
    enum err e = fill_answer(r);
    if (e == ERR_OK)
        e = transit_head(r->down, bare);
    if (e != ERR_OK) {
        fail(r, REPLY_BAD_ANSWER, SLICE("The head of the answer is too large."));
        return;
    }
    r->response.finished = bare;
    lane_open(&r->response, r->down);
}

static void up_head(struct transit *t)
{
    struct relay *r = t->owner_data;
    if (r->sm.at != SENDING || r->down_gone)
        return;
    if (wants_contract(r, &t->in)) {
        r->show_again = true;
        exchange_show(r->env->accord, r->snap, r->endpoint, t->conn_id);
        return;
    }
    hear_provider(r, &t->in);
    sm_move(&r->sm, ANSWERING);
    r->status = t->in.status;
    struct slice word = headers_value(&t->in.headers, HEADERS_WEFT_ERROR);
    if (word.len && r->side == RELAY_OUTBOUND)
        r->error = reply_find(word) < REPLY_COUNT ? reply_word(reply_find(word)) : NULL;
    struct plan *plan = t->in.status >= 200 && t->in.status < 300 && is_json(&t->in) ? r->inquiry.response : NULL;
    if (plan && plan_rewrites(plan) && !is_plain(&t->in)) {
        fail(r, REPLY_ANSWER_UNFIT, SLICE("The answer has a content-encoding and would have to be rewritten."));
        return;
    }
    lane_init(&r->response, t, plan, r->snap->conf.adapt.max_buffer, false);
    open_response(r);
}

static void up_data(struct transit *t, struct slice bytes)
{
    struct relay *r = t->owner_data;
    if (r->sm.at != ANSWERING || r->down_gone) {
        transit_credit(t, t->owed);
        return;
    }
    enum err e = lane_data(&r->response, bytes);
    if (e != ERR_OK)
        unfit(r, &r->response, e);
    else
        open_response(r);
}

static void up_end(struct transit *t)
{
    struct relay *r = t->owner_data;
    if (r->sm.at != ANSWERING || r->down_gone)
        return;
    (void)t;
    enum err e = lane_end(&r->response);
    if (e != ERR_OK)
        unfit(r, &r->response, e);
    else
        open_response(r);
}

static void up_sent(struct transit *t)
{
    struct relay *r = t->owner_data;
    if (r->request.open)
        lane_pump(&r->request);
}

static enum reply_word fault_word(const struct relay *r, enum transit_end how)
{
    bool app = r->side == RELAY_INBOUND;
    switch (how) {
    case TRANSIT_UNSENT:
        return app ? REPLY_APP_UNREACHABLE : REPLY_UNREACHABLE;
    case TRANSIT_NONSENSE:
        return REPLY_BAD_ANSWER;
    case TRANSIT_DONE:
    case TRANSIT_RESET:
    case TRANSIT_CANCELLED:
    case TRANSIT_LATE:
        break;
    }
    return app ? REPLY_APP_RESET : REPLY_UPSTREAM_RESET;
}

static bool may_repeat(const struct relay *r, enum transit_end how)
{
    bool safe = how == TRANSIT_UNSENT || (r->show_again && how == TRANSIT_DONE);
    return r->sm.at == SENDING && safe && r->attempts < 2 && lane_replayable(&r->request) && !r->down_gone;
}

static void up_gone(struct transit *t, enum transit_end how)
{
    struct relay *r = t->owner_data;
    if (may_repeat(r, how)) {
        send_again(r);
        return;
    }
    if (!r->down_gone && r->sm.at != REFUSED && (how != TRANSIT_DONE || r->sm.at == SENDING))
        fail(r, fault_word(r, how), slice_str(t->fault));
    end(r);
}

static const struct transit_owner up_owner = {
    .head = up_head,
    .info = up_info,
    .data = up_data,
    .end = up_end,
    .sent = up_sent,
    .gone = up_gone,
};

/* --- the beginning --- */

/* A neighbour weft has named it already, or we do: the same id on both sides. */
static struct slice request_id(struct relay_env *env, struct transit *down)
{
    struct slice given = headers_value(&down->in.headers, HEADERS_WEFT_REQUEST_ID);
    if (given.len && given.len <= 64 && down->peer_id.len)
        return given;
    uint64_t n = env->id_seed + env->id_next++ * UINT64_C(0x9E3779B97F4A7C15);
    char *text = arena_new(&down->arena, 17);
    for (unsigned i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[(n >> (60 - 4 * i)) & 15];
    return slice_of(text, 16);
}

void relay_start(struct relay_env *env, enum relay_side side, struct cluster *to, struct transit *down)
{
    struct relay *r = mem_new(sizeof(*r));
    r->env = env;
    r->snap = snapshot_ref(env->snap);
    r->side = side;
    r->to = to;
    r->down = down;
    r->began_us = loop_turn_us(env->loop);
    r->id = request_id(env, down);
    sm_init(&r->sm, relay_rows, ASKING);
    list_init(&r->wait.link);
    r->wait.fn = ask_again;
    due_init(&r->late, deadline_passed);
    buf_init(&r->request.pending, 2 * (size_t)TRANSIT_WINDOW);
    down->owner = &down_owner;
    down->owner_data = r;
    env->exchanges++;
    decide(r);
}
