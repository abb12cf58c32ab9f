/* The good path: `down` brings a whole head; inquiry says pass; `up` is asked of a
 * pool and given the head; two lanes carry the bodies; when both transits are gone
 * the exchange is counted, logged and freed.
 *
 * What can go wrong, and what happens then:
 *   the caller's contract is on its way    the relay waits for it, bounded
 *   the answer is no                       a reply of our own, nothing is sent on
 *   `up` provably reached nobody           once more, if the body is still held
 *   the provider does not know our digest  it is shown, and the request repeated once
 *   a body cannot be rewritten             422 or 502 while the head is still ours to
 *                                          send, otherwise both sides are cut
 *   the caller leaves                      `up` is cut too */
#include "proxy/relay_inside.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "contracts/problem.h"
#include "http/grpc.h"
#include "proxy/providers.h"
#include "proxy/relay_body.h"
#include "proxy/request_half.h"
#include "proxy/response_half.h"

enum { DETAIL_SHOWN = 512 };

static const struct sm_row relay_rows[RELAY_STATES] = {
    [RELAY_ASKING] = {"asking", SM_TO(RELAY_SENDING) | SM_TO(RELAY_REFUSED) | SM_TO(RELAY_OVER), SM_FIRST},
    [RELAY_SENDING] = {"sending", SM_TO(RELAY_ANSWERING) | SM_TO(RELAY_REFUSED) | SM_TO(RELAY_OVER), 0},
    [RELAY_ANSWERING] = {"answering", SM_TO(RELAY_REFUSED) | SM_TO(RELAY_OVER), 0},
    [RELAY_REFUSED] = {"refused", SM_TO(RELAY_OVER), 0},
    [RELAY_OVER] = {"over", 0, SM_LAST},
};
const struct sm_table relay_states = {"relay", relay_rows, RELAY_STATES};

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

/* `text` empty: what the inquiry has to say, as `snap` sees it. */
static void remember_by(struct relay *r, struct snapshot *snap, struct slice word, struct slice text)
{
    struct ledger_entry entry = entry_of(r);
    struct buf why;
    r->is_explained = true;
    buf_init(&why, BUF_TEXT_BOUND);
    if (text.len)
        buf_put(&why, text);
    else
        inquiry_why(&r->inquiry, snap, r->down, &why);
    ledger_remember(&r->env->ledger, &entry, word, buf_slice(&why), now_wall_us(loop_now(r->env->loop)));
    buf_fini(&why);
}

/* How it is carried out, as `snap` sees it. */
static void remember_plans(struct relay *r)
{
    struct buf why;
    buf_init(&why, BUF_TEXT_BOUND);
    inquiry_why(&r->inquiry, r->snap, r->down, &why);
    translate_why(&r->translate, &why);
    remember_by(r, r->snap, SLICE("adapted"), buf_slice(&why));
    buf_fini(&why);
}

static void remember(struct relay *r, struct slice word, struct slice text)
{
    remember_by(r, r->snap, word, text);
}

/* What no inquiry has said: the word's own sentence, what is known besides, and what is to be done. */
static void explain(struct relay *r, enum reply_word word, struct slice detail)
{
    struct buf text;
    if (r->is_explained)
        return;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_putf(&text, "%s\n", reply_what(word));
    if (detail.len) {
        buf_put_safe(&text, detail, DETAIL_SHOWN);
        buf_put_char(&text, '\n');
    }
    if (r->endpoint)
        buf_putf(&text, "Asked last: %.*s of %.*s, as %.*s.\n", SLICE_FMT(r->endpoint->text), SLICE_FMT(r->to->name),
                 SLICE_FMT(r->to->identity));
    buf_putf(&text, "%s\n", reply_fix(word));
    remember(r, slice_str(reply_word(word)), buf_slice(&text));
    buf_fini(&text);
}

void relay_explain_answer(struct relay *r, enum reply_word word)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_putf(&text, "The sidecar of %.*s refused it, and this one passed that on.\n", SLICE_FMT(r->to->name));
    buf_putf(&text, "%s\nAsk `weft why %.*s` there: %.*s, %.*s.\n", reply_what(word), SLICE_FMT(r->id),
             SLICE_FMT(r->endpoint->text), SLICE_FMT(r->to->identity));
    remember(r, slice_str(reply_word(word)), buf_slice(&text));
    buf_fini(&text);
}

static void close_entry(struct relay *r)
{
    struct ledger_entry entry = entry_of(r);
    entry.began_us = r->began_us;
    entry.ended_us = now_mono_us(loop_now(r->env->loop));
    ledger_close_entry(&r->env->ledger, &entry, loop_now(r->env->loop));
}

/* --- the end --- */

void relay_forget_deadline(struct relay *r)
{
    due_cancel(r->env->clock, &r->late);
}

static void count_exchange(struct relay_env *env, int more)
{
    env->exchanges += (uint32_t)more;
    if (env->commons)
        atomic_fetch_add_explicit(&env->commons->exchanges, (uint32_t)more, memory_order_relaxed);
}

void relay_look_over(struct relay *r)
{
    if (!r->down_gone || (r->up && !r->up->is_gone))
        return;
    close_entry(r);
    sm_move(&r->sm, RELAY_OVER);
    relay_forget_deadline(r);
    relay_leave_gate(r, -1, false);
    relay_let_go(r);
    list_remove(&r->wait.link);
    list_remove(&r->link);
    lane_fini(&r->request);
    lane_fini(&r->response);
    translate_fini(&r->translate);
    inquiry_fini(&r->inquiry);
    transit_free(&r->up);
    count_exchange(r->env, -1);
    snapshot_unref(&r->snap);
    struct transit *down = r->down;
    transit_free(&down); /* and `r` with it */
}

void relay_leave_gate(struct relay *r, int64_t latency_us, bool overloaded)
{
    if (r->place == RELAY_IN_QUEUE)
        gate_forget(&r->env->gate, &r->turn);
    if (r->place == RELAY_IN_SIDE)
        gate_leave(&r->env->gate, latency_us, overloaded);
    r->place = RELAY_OUTSIDE;
}

void relay_let_go(struct relay *r)
{
    if (r->endpoint)
        cluster_end(r->endpoint, r->told);
    r->endpoint = NULL;
}

static void cut_up(struct relay *r)
{
    if (r->up && !r->up->is_gone)
        transit_reset(r->up, TRANSIT_WHY_CANCEL);
}

/* --- refusing --- */

static void refused(struct relay *r, enum reply_word word)
{
    sm_move(&r->sm, RELAY_REFUSED);
    relay_forget_deadline(r);
    relay_leave_gate(r, -1, false);
    r->error = reply_word(word);
    r->status = reply_status(word);
    log_event(LOG_INFO, "refused", LOG_STR("why", r->error), LOG_TEXT("id", r->id),
              LOG_STR("side", r->side == RELAY_INBOUND ? "inbound" : "outbound"), LOG_TEXT("peer", r->down->peer_id),
              LOG_TEXT("operation", r->inquiry.operation), LOG_TEXT("path", r->down->in.path));
    /* What still comes of the body is of no use. */
    if (r->down->owed)
        transit_credit(r->down, r->down->owed);
}

/* Words that say nobody has seen the request are for those that nobody can have seen. */
static enum reply_word honest(const struct relay *r, enum reply_word word)
{
    bool says_unseen = word == REPLY_UNREACHABLE || word == REPLY_APP_UNREACHABLE || word == REPLY_BREAKER_OPEN ||
                       word == REPLY_OVERLOADED || word == REPLY_APP_OVERLOADED;
    if (!says_unseen || !r->may_be_seen)
        return word;
    return r->side == RELAY_INBOUND ? REPLY_APP_RESET : REPLY_UPSTREAM_RESET;
}

void relay_refuse(struct relay *r, enum reply_word word, struct slice detail)
{
    PRE(!r->down->out_head);
    word = honest(r, word);
    explain(r, word, detail);
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
        relay_refuse(r, r->inquiry.word, r->inquiry.detail);
}

void relay_fail(struct relay *r, enum reply_word word, struct slice detail)
{
    cut_up(r);
    if (r->sm.at == RELAY_REFUSED || r->down_gone || r->down->is_reset)
        return; /* the first reason stands */
    if (!r->down->out_head) {
        relay_refuse(r, word, detail);
        return;
    }
    if (r->told_in_trailers)
        return;
    explain(r, word, detail);
    r->error = reply_word(word);
    if (grpc_is(&r->down->in) && !r->response.finished) {
        r->told_in_trailers = true;
        r->response.finished = true;
        reply_trail(r->down, word, detail);
    } else {
        transit_reset(r->down, TRANSIT_WHY_INTERNAL);
    }
}

void relay_unfit(struct relay *r, struct lane *l, enum err e)
{
    bool response = l == &r->response;
    enum reply_word word = response ? REPLY_ANSWER_UNFIT : REPLY_BODY_UNFIT;
    if (e == ERR_FULL && !response)
        word = REPLY_PAYLOAD_TOO_LARGE;
    struct buf why;
    buf_init(&why, BUF_TEXT_BOUND);
    lane_put_fault(l, &why);
    remember(r, slice_str(reply_word(word)), buf_slice(&why));
    relay_fail(r, word, buf_slice(&why));
    buf_fini(&why);
}

void relay_forget_length(struct message *m)
{
    headers_remove(&m->headers, HEADERS_CONTENT_LENGTH);
    m->length = -1;
}

/* --- asking --- */

static enum err ask(struct relay *r)
{
    return r->side == RELAY_INBOUND ? inquiry_inbound(&r->inquiry, r->snap, r->env->accord, r->down)
                                    : inquiry_outbound(&r->inquiry, r->snap, r->env->accord, r->to, r->down);
}

/* Policy says no and is only tried: who looks finds the same as if it were refused. */
static void tell_tolerated(struct relay *r)
{
    remember(r, SLICE("policy-audited"), (struct slice){0});
    log_event(LOG_WARN, "policy-audited", LOG_TEXT("id", r->id), LOG_TEXT("peer", r->down->peer_id),
              LOG_TEXT("operation", r->inquiry.operation), LOG_TEXT("path", r->inquiry.path),
              LOG_STR("so", "it passes: policy_mode is audit"));
}

static void pass(struct relay *r)
{
    struct plan *plan = r->inquiry.request;
    bool has_body = !r->down->in_ended || buf_len(&r->request.pending); /* it may have come while we were asking */
    bool rewrites = plan && plan_rewrites(plan) && has_body && !message_tunnels(&r->down->in);
    if (r->side == RELAY_INBOUND)
        translate_init(&r->translate, r->snap, &r->inquiry, &r->down->in);
    if (has_body && !relay_body_reads(r, &r->down->in, rewrites ? plan : NULL)) {
        relay_refuse(r, REPLY_ENCODING_UNSUPPORTED, (struct slice){0});
        return;
    }
    if ((r->inquiry.request || r->inquiry.response) && ledger_is_news(&r->env->ledger, &r->inquiry))
        remember_plans(r);
    if (r->inquiry.tolerated)
        tell_tolerated(r);
    request_half_start(r);
}

/* Failures on purpose: some calls wait, some are answered, some do both. */
static void fault_answer(struct relay *r)
{
    r->pause = RELAY_NO_PAUSE;
    if (r->to->conf.fault.status == 0) {
        relay_arm(r);
        pass(r);
        return;
    }
    refused(r, REPLY_FAULT_INJECTED);
    r->status = r->to->conf.fault.status;
    reply_word_text(r->down, r->status, slice_str(r->error), (struct slice){0});
}

static bool meets_fault(struct relay *r)
{
    if (!r->to || r->to->conf.fault.percent == 0 || cluster_draw(r->to, 100) >= r->to->conf.fault.percent)
        return false;
    r->pause = RELAY_FAULT_PAUSE;
    if (r->to->conf.fault.delay_us > 0)
        due_in(r->env->clock, &r->late, r->to->conf.fault.delay_us);
    else
        fault_answer(r);
    return true;
}

/* An attempt that takes too long is cut; its end tells whether there is another. */
static void cut_attempt(struct relay *r)
{
    r->too_slow = true;
    cut_up(r);
    relay_arm(r);
}

static void deadline_passed(struct due *due)
{
    struct relay *r = (struct relay *)(void *)((char *)due - offsetof(struct relay, late));
    bool over = r->deadline_us && loop_turn_us(r->env->loop) >= r->deadline_us;
    if (r->pause == RELAY_FAULT_PAUSE)
        fault_answer(r);
    else if (r->sm.at == RELAY_ASKING)
        relay_refuse(r, r->inquiry.awaits_keys ? REPLY_KEYS_UNAVAILABLE : REPLY_CONTRACT_PENDING, (struct slice){0});
    else if (over || !r->up)
        relay_fail(r, REPLY_REQUEST_TIMEOUT, (struct slice){0});
    else
        cut_attempt(r);
    list_remove(&r->wait.link);
}

/* --- time --- */

static void sooner(int64_t *at_us, int64_t other_us)
{
    if (other_us > 0 && (*at_us == 0 || other_us < *at_us))
        *at_us = other_us;
}

static int64_t given_us(const struct message *m)
{
    int64_t grpc_us = 0;
    uint64_t ms = 0;
    const struct header *grpc = headers_get(&m->headers, HEADERS_GRPC_TIMEOUT);
    const struct header *weft = headers_get(&m->headers, HEADERS_WEFT_TIMEOUT);
    if (grpc && grpc_timeout_us(grpc->value, &grpc_us) != ERR_OK)
        grpc_us = 0;
    if (weft && slice_u64(weft->value, UINT32_MAX, &ms) == ERR_OK)
        sooner(&grpc_us, (int64_t)ms * NOW_US_PER_MS);
    return grpc_us;
}

/* A job has deadlines of its own, and no connection. */
static void set_deadline(struct relay *r)
{
    int64_t us = r->snap->conf.timeouts.request_us;
    sooner(&us, given_us(&r->down->in));
    r->deadline_us = us > 0 && r->down->conn_id ? r->began_us + us : 0;
}

void relay_arm(struct relay *r)
{
    int64_t at_us = r->deadline_us, attempt_us = r->snap->conf.timeouts.attempt_us;
    bool trying = r->side == RELAY_OUTBOUND && r->up && !r->up->is_gone && !r->too_slow && r->sm.at == RELAY_SENDING;
    if (trying && attempt_us > 0)
        sooner(&at_us, r->sent_us + attempt_us);
    if (at_us > 0)
        due_at(r->env->clock, &r->late, at_us);
    else
        relay_forget_deadline(r);
}

static void decide(struct relay *r)
{
    enum err e = ask(r);
    if (e == ERR_AGAIN) {
        r->wait.digest = r->inquiry.digest;
        if (r->inquiry.awaits_keys)
            providers_await(r->snap->providers, &r->wait);
        else
            accord_await(r->env->accord, &r->wait);
        if (!due_waits(&r->late))
            due_in(r->env->clock, &r->late, r->snap->conf.contracts.hold_us);
        return;
    }
    relay_forget_deadline(r);
    if (e == ERR_OK && r->side == RELAY_INBOUND && r->snap != r->env->snap && r->env->snap->conf.recheck)
        e = inquiry_again(&r->inquiry, r->env->snap, r->down); /* while it waited */
    if (e != ERR_OK) {
        denied(r);
        return;
    }
    set_deadline(r);
    if (meets_fault(r))
        return;
    relay_arm(r);
    pass(r);
}

static void ask_again(struct accord_wait *w)
{
    struct relay *r = (struct relay *)(void *)((char *)w - offsetof(struct relay, wait));
    if (r->sm.at == RELAY_ASKING && !r->down_gone)
        decide(r);
}

/* --- when the policy changes under it --- */

/* Neither over nor refused, nor still to be asked: a whole head has come, and passed. */
static bool is_under_way(const struct relay *r)
{
    return (r->sm.at == RELAY_SENDING || r->sm.at == RELAY_ANSWERING || r->place == RELAY_IN_QUEUE) && !r->down_gone &&
           !r->down->is_reset;
}

static void recheck(struct relay *r)
{
    struct snapshot *now = r->env->snap;
    if (!is_under_way(r) || inquiry_again(&r->inquiry, now, r->down) == ERR_OK)
        return;
    remember_by(r, now, slice_str(reply_word(r->inquiry.word)), (struct slice){0});
    log_event(LOG_WARN, "exchange-cut", LOG_TEXT("id", r->id), LOG_TEXT("peer", r->down->peer_id),
              LOG_STR("why", "the policy does not allow it any more"));
    relay_fail(r, r->inquiry.word, (struct slice){0});
}

void relay_recheck(struct relay_env *env)
{
    struct list *next;
    for (struct list *at = env->running.next; at && at != &env->running; at = next) {
        next = at->next;
        if (LIST_OF(at, struct relay, link)->side == RELAY_INBOUND)
            recheck(LIST_OF(at, struct relay, link));
    }
}

/* Their callers have gone with their connections, or have their answers. */
void relay_cut_all(struct relay_env *env)
{
    struct list *next;
    for (struct list *at = env->running.next; at && at != &env->running; at = next) {
        next = at->next;
        cut_up(LIST_OF(at, struct relay, link));
    }
}

/* --- what `down` brings --- */

static uint32_t exchanges_of_all(const struct relay_env *env)
{
    return env->commons ? atomic_load_explicit(&env->commons->exchanges, memory_order_relaxed) : env->exchanges;
}

static enum err ask_rate(struct relay *r)
{
    uint64_t all = r->snap->conf.limits.rate, each = r->snap->conf.limits.rate_per_identity;
    if (r->side == RELAY_OUTBOUND || (all == 0 && each == 0))
        return ERR_OK;
    return r->env->commons ? commons_rate_ask(r->env->commons, r->down->peer_id, all, each, r->began_us)
                           : rate_ask(&r->env->rate, r->down->peer_id, all, each, r->began_us);
}

/* Before anything is asked that costs more than this. */
static bool is_too_much(struct relay *r, enum reply_word *word)
{
    const struct proxy_conf *c = &r->snap->conf;
    *word = REPLY_OVERLOADED;
    if (r->down->conn_id == 0)
        return false; /* a job was counted when it was taken */
    if (c->limits.in_flight && exchanges_of_all(r->env) > c->limits.in_flight)
        return true;
    *word = REPLY_RATE_LIMITED;
    return ask_rate(r) != ERR_OK;
}

static void down_head(struct transit *t)
{
    struct relay *r = t->owner_data;
    enum reply_word word;
    if (is_too_much(r, &word))
        relay_refuse(r, word, (struct slice){0});
    else
        decide(r);
}

static void down_data(struct transit *t, struct slice bytes)
{
    request_half_data(t->owner_data, bytes);
}

static void down_end(struct transit *t)
{
    request_half_end(t->owner_data);
}

static void down_sent(struct transit *t)
{
    response_half_sent(t->owner_data);
}

static void down_gone(struct transit *t, enum transit_end how)
{
    struct relay *r = t->owner_data;
    r->down_gone = true;
    if (how != TRANSIT_DONE) {
        if (r->status == 0)
            r->status = 499; /* the caller left before there was an answer */
        cut_up(r);
        relay_leave_gate(r, -1, false);
    } else if (!r->down->in_ended) {
        cut_up(r); /* the answer is whole, and the rest of the request never comes */
    }
    relay_look_over(r);
}

static const struct transit_owner down_owner = {
    .head = down_head,
    .data = down_data,
    .end = down_end,
    .sent = down_sent,
    .gone = down_gone,
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

void relay_env_limits(struct relay_env *env)
{
    const struct proxy_conf *c = &env->snap->conf;
    struct gate_conf conf = {
        .adapts = c->limits.adaptive,
        .least = (uint32_t)c->limits.least,
        .most = (uint32_t)c->limits.most,
        .queue_most = (uint32_t)c->limits.queue,
        .wait_us = c->limits.queue_wait_us,
    };
    if (env->gate.loop)
        gate_set(&env->gate, &conf);
    else
        gate_init(&env->gate, env->loop, env->clock, env->commons ? &env->commons->yard : NULL, &conf);
}

void relay_start(struct relay_env *env, enum relay_side side, struct cluster *to, struct transit *down)
{
    struct relay *r = arena_new(&down->arena, sizeof(*r));
    r->env = env;
    r->snap = snapshot_ref(env->snap);
    r->side = side;
    r->to = to;
    r->down = down;
    r->began_us = loop_turn_us(env->loop);
    r->id = request_id(env, down);
    sm_init(&r->sm, relay_rows, RELAY_ASKING);
    list_init(&r->wait.link);
    list_init(&r->link);
    if (!env->running.next)
        list_init(&env->running);
    list_push_back(&env->running, &r->link);
    r->wait.fn = ask_again;
    list_init(&r->turn.link);
    r->turn.fn = request_half_turn;
    due_init(&r->late, deadline_passed);
    buf_init(&r->request.pending, 2 * (size_t)TRANSIT_WINDOW);
    down->owner = &down_owner;
    down->owner_data = r;
    count_exchange(env, 1);
}
