#include "proxy/response_half.h"

#include "base/log.h"
#include "http/conn.h"
#include "http/hop.h"
#include "http/spelling.h"
#include "proxy/exchange.h"
#include "proxy/head_plan.h"
#include "proxy/relay_body.h"
#include "proxy/request_half.h"

static void on_info(struct transit *t, unsigned status)
{
    struct relay *r = t->owner_data;
    if (hop_info(status) && !r->down_gone && !r->down->out_head &&
        transit_info(r->down, status, &t->in.headers) != ERR_OK)
        log_event(LOG_DEBUG, "info-dropped", LOG_INT("status", status));
}

/* --- the contract --- */

static bool lacks_contract(const struct relay *r, const struct message *answer)
{
    return r->side == RELAY_OUTBOUND && answer->status == 428 && r->inquiry.shows_digest &&
           slice_eq(headers_value(&answer->headers, HEADERS_WEFT_ERROR), SLICE("contract-unknown"));
}

/* The provider has lost our contract, or never had it: our function is not to blame. */
static void show_contract(struct relay *r)
{
    exchange_show(r->env->accord, r->endpoint, r->up->conn_id);
    r->show_again = request_half_repeatable(r);
    if (!r->show_again)
        relay_fail(r, REPLY_CONTRACT_PENDING, SLICE("The provider did not know our contract; it is shown again."));
}

static void hear_provider(struct relay *r, const struct message *answer)
{
    if (r->side != RELAY_OUTBOUND)
        return;
    struct slice named = headers_value(&answer->headers, HEADERS_WEFT_CONTRACT_PROVIDER);
    if (named.len)
        exchange_heard(r->env->accord, r->endpoint, r->up->conn_id, named);
}

/* --- the head --- */

static bool is_good(unsigned status)
{
    return status >= 200 && status < 300;
}

/* By the plan, which is for successful answers. */
static enum err adapt_head(struct relay *r, struct message *m)
{
    if (r->translate.how == TRANSLATE_TO_GRPC || r->translate.how == TRANSLATE_TO_JSON) {
        TRY(translate_answer_head(&r->translate, &r->response, m));
        r->status = m->status;
        return ERR_OK;
    }
    const struct plan *plan = r->inquiry.response;
    if (r->response.rewrite)
        TRY(head_plan_body_changed(r->inquiry.verdict, m));
    if (plan && plan_reheads(plan) && is_good(m->status))
        TRY(head_plan_response(plan, r->response.rewrite, m, &r->head_fault));
    if (r->inquiry.request || plan)
        TRY(head_plan_location(r->inquiry.verdict, m));
    r->status = m->status;
    return ERR_OK;
}

static enum err fill_head(struct relay *r)
{
    struct message *m = &r->down->out;
    TRY(hop_response(&r->up->in, m));
    headers_remove(&m->headers, HEADERS_WEFT_CONTRACT_PROVIDER);
    if (r->side == RELAY_INBOUND && r->inquiry.shows_digest &&
        accord_tells(r->env->accord, r->down->conn_id, r->snap->contract))
        TRY(headers_add_token(&m->headers, HEADERS_WEFT_CONTRACT_PROVIDER, contract_digest_field(r->snap->contract)));
    if (r->side == RELAY_INBOUND)
        headers_remove(&m->headers, HEADERS_WEFT_ERROR); /* a word that only we may say */
    if (r->side == RELAY_OUTBOUND)
        spelling_heed(&m->headers);
    else /* whoever told has HTTP/1.1 before it */
        spelling_tell(&m->headers, headers_get(&r->down->in.headers, HEADERS_WEFT_CASE) != NULL);
    return adapt_head(r, m);
}

static void open_down(struct relay *r)
{
    if (r->down_gone || r->response.open || !lane_ready(&r->response))
        return;
    bool bare = r->up->in_ended && lane_empty(&r->response) && r->up->in.trailers.count == 0;
    enum err e = fill_head(r);
    if (e == ERR_OK)
        e = transit_head(r->down, bare);
    if (e != ERR_OK) {
        if (r->head_fault)
            relay_fail(r, REPLY_ANSWER_UNFIT, slice_str(r->head_fault));
        else
            relay_fail(r, REPLY_BAD_ANSWER, SLICE("The head of the answer is too large."));
        return;
    }
    r->response.finished = bare;
    lane_open(&r->response, r->down);
}

static void note_error(struct relay *r, const struct message *answer)
{
    struct slice word = headers_value(&answer->headers, HEADERS_WEFT_ERROR);
    enum reply_word known = r->side == RELAY_OUTBOUND ? reply_find(word) : REPLY_COUNT;
    if (known == REPLY_COUNT)
        return;
    r->error = reply_word(known);
    relay_explain_answer(r, known);
}

static struct plan *plan_for(const struct relay *r, const struct message *answer)
{
    enum rewrite_framing framing;
    if (r->translate.how != TRANSLATE_NOT)
        return r->translate.response;
    if (!r->inquiry.response || !is_good(answer->status))
        return NULL;
    return plan_is_protobuf(r->inquiry.response) || relay_body_is_json(r, answer, &framing) ? r->inquiry.response
                                                                                            : NULL;
}

/* A part of the answers of our function to peers with contracts is looked at: which members do they get? */
static bool is_counted(const struct relay *r, const struct message *answer)
{
    enum rewrite_framing framing;
    return r->side == RELAY_INBOUND && r->inquiry.judged && is_good(answer->status) &&
           r->translate.how == TRANSLATE_NOT && ledger_samples(&r->env->ledger) &&
           relay_body_is_json(r, answer, &framing) && framing == REWRITE_WHOLE;
}

static void on_end(struct transit *t)
{
    struct relay *r = t->owner_data;
    if (r->sm.at != RELAY_ANSWERING || r->down_gone || r->response.ended)
        return;
    const char *unfit = translate_end_answer(&r->translate, &t->in, &r->down->arena, &r->response);
    if (unfit) {
        relay_fail(r, REPLY_ANSWER_UNFIT, slice_str(unfit));
        return;
    }
    enum err e = r->response.ended ? ERR_OK : lane_end(&r->response);
    if (e != ERR_OK)
        relay_unfit(r, &r->response, e);
    else
        open_down(r);
}

/* Words of the other sidecar that say: nobody has seen this request. */
static bool is_refused_unseen(const struct message *answer)
{
    static const char *const words[] = {"draining", "overloaded", "app-overloaded", "app-unreachable"};
    if (answer->status != 503)
        return false;
    struct slice word = headers_value(&answer->headers, HEADERS_WEFT_ERROR);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_eq(word, slice_str(words[i])))
            return true;
    return false;
}

static bool is_overload(unsigned status)
{
    return status == 429 || status == 503;
}

/* Whoever asks for patience is as slow as it says: 5 s if it does not say, at most 5 min. */
static int64_t latency_of(const struct relay *r, const struct message *answer)
{
    enum { UNSAID_S = 5, MOST_S = 300 };
    int64_t us = loop_turn_us(r->env->loop) - r->sent_us;
    uint64_t s = UNSAID_S;
    if (!is_overload(answer->status))
        return us;
    struct slice value = headers_value(&answer->headers, HEADERS_RETRY_AFTER);
    if (slice_u64(value, MOST_S, &s) != ERR_OK)
        s = UNSAID_S;
    return us > (int64_t)s * NOW_US_PER_S ? us : (int64_t)s * NOW_US_PER_S;
}

/* The other sidecar is there, its function is not, or soon will not be. */
static bool is_absent(const struct message *answer)
{
    struct slice word = headers_value(&answer->headers, HEADERS_WEFT_ERROR);
    return is_refused_unseen(answer) && (slice_eq(word, SLICE("app-unreachable")) || slice_eq(word, SLICE("draining")));
}

static void note_answer(struct relay *r, const struct message *answer)
{
    if (r->side == RELAY_INBOUND) {
        relay_leave_gate(r, loop_turn_us(r->env->loop) - r->sent_us, is_overload(answer->status));
        return;
    }
    bool good = answer->status < 502 || answer->status > 504;
    if (is_absent(answer))
        cluster_failed(r->endpoint);
    else
        cluster_answered(r->endpoint, latency_of(r, answer), good);
    r->told = true;
}

/* The other sidecar says that its function has broken off. */
static bool is_cut_behind(const struct message *answer)
{
    return answer->status == 502 &&
           slice_eq(headers_value(&answer->headers, HEADERS_WEFT_ERROR), slice_str(reply_word(REPLY_APP_RESET)));
}

/* OK: it will be asked again once this answer has ended. */
static bool is_asked_again(struct relay *r, const struct message *answer)
{
    bool may = is_refused_unseen(answer) || (is_cut_behind(answer) && request_half_safe(r));
    if (r->side != RELAY_OUTBOUND || !may || !request_half_repeatable(r))
        return false;
    if (retry_budget_spend(&r->to->budget, loop_turn_us(r->env->loop)) != ERR_OK)
        return false;
    r->ask_again = true;
    return true;
}

static void on_head(struct transit *t)
{
    struct relay *r = t->owner_data;
    if (r->sm.at != RELAY_SENDING || r->down_gone)
        return;
    note_answer(r, &t->in);
    if (is_asked_again(r, &t->in))
        return;
    if (lacks_contract(r, &t->in)) {
        show_contract(r);
        return;
    }
    hear_provider(r, &t->in);
    sm_move(&r->sm, RELAY_ANSWERING);
    if (r->snap->conf.timeouts.attempt_us)
        relay_arm(r);
    r->status = t->in.status;
    if (message_opens(&r->down->in, r->status))
        relay_forget_deadline(r);
    note_error(r, &t->in);
    struct plan *plan = plan_for(r, &t->in);
    enum coding coding = relay_body_coding(&t->in);
    if (plan && plan_rewrites(plan) && coding == CODING_OTHER) {
        relay_fail(r, REPLY_ANSWER_UNFIT,
                   SLICE("The answer has a content-encoding that cannot be undone and would have to be rewritten."));
        return;
    }
    lane_init(&r->response, t, plan, r->snap->conf.adapt.max_buffer, false);
    const char *unfit =
        r->translate.how == TRANSLATE_NOT
            ? relay_body_frame(r, &t->in, &r->response)
            : translate_frame_answer(&r->translate, &t->in, r->snap->conf.adapt.max_buffer, &r->response);
    if (unfit) {
        relay_fail(r, REPLY_ANSWER_UNFIT, slice_str(unfit));
        return;
    }
    relay_body_check(r, &t->in, &r->response);
    lane_decode(&r->response, coding);
    if (is_counted(r, &t->in))
        lane_count(&r->response);
    if (t->in_ended) /* one frame says it all: what gRPC knows as trailers-only must stay that */
        on_end(t);
    else
        open_down(r);
}

/* --- the body --- */

static void on_data(struct transit *t, struct slice bytes)
{
    struct relay *r = t->owner_data;
    if (r->sm.at != RELAY_ANSWERING || r->down_gone) {
        transit_credit(t, t->owed);
        return;
    }
    enum err e = lane_data(&r->response, bytes);
    if (e != ERR_OK)
        relay_unfit(r, &r->response, e);
    else
        open_down(r);
}

static void on_sent(struct transit *t)
{
    request_half_sent(t->owner_data);
}

void response_half_sent(struct relay *r)
{
    if (r->response.open)
        lane_pump(&r->response);
}

/* --- the end --- */

static enum reply_word fault_word(const struct relay *r, enum transit_end how)
{
    bool app = r->side == RELAY_INBOUND;
    if (r->show_again)
        return REPLY_CONTRACT_PENDING;
    if (r->too_slow)
        return REPLY_REQUEST_TIMEOUT;
    if (r->ask_again)
        return request_half_safe(r) ? REPLY_UPSTREAM_RESET : REPLY_UNREACHABLE;
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

/* A kept connection that closes without a word has most often been closed before it saw the request. */
static bool safe_to_repeat(const struct relay *r, enum transit_end how)
{
    bool kept_closed = how == TRANSIT_RESET && slice_eq(slice_str(r->up->fault), SLICE(CONN_KEPT_CLOSED));
    bool cut = how == TRANSIT_RESET || how == TRANSIT_LATE || r->too_slow;
    return how == TRANSIT_UNSENT || ((r->show_again || r->ask_again) && how == TRANSIT_DONE) ||
           (kept_closed && request_half_idempotent(r)) || (cut && request_half_safe(r));
}

/* What was asked again on purpose is paid for already, or is no retry at all; our own function costs nobody. */
static bool is_paid(struct relay *r)
{
    if (r->side == RELAY_INBOUND || r->show_again || r->ask_again)
        return true;
    return retry_budget_spend(&r->to->budget, loop_turn_us(r->env->loop)) == ERR_OK;
}

static void note_end(struct relay *r, enum transit_end how)
{
    if (r->side == RELAY_INBOUND && how != TRANSIT_DONE)
        relay_leave_gate(r, -1, how == TRANSIT_UNSENT);
    if (r->side == RELAY_INBOUND || r->told)
        return;
    if (how == TRANSIT_UNSENT)
        cluster_failed(r->endpoint);
    else if (how != TRANSIT_CANCELLED || r->too_slow)
        cluster_broke(r->endpoint);
    else
        return;
    r->told = true;
}

/* A whole answer stands, whatever became of the rest of the request. */
static bool is_answered(const struct relay *r, enum transit_end how)
{
    return r->sm.at == RELAY_ANSWERING && (how == TRANSIT_DONE || r->up->in_ended);
}

static void on_gone(struct transit *t, enum transit_end how)
{
    struct relay *r = t->owner_data;
    note_end(r, how);
    if (r->sm.at == RELAY_SENDING && !r->down_gone && safe_to_repeat(r, how) && request_half_repeatable(r) &&
        is_paid(r)) {
        metric_add(r->env->ledger.retries, 1);
        r->may_be_seen = r->may_be_seen || (how != TRANSIT_UNSENT && how != TRANSIT_DONE);
        request_half_repeat(r);
        return;
    }
    if (!r->down_gone && r->sm.at != RELAY_REFUSED && !is_answered(r, how))
        relay_fail(r, fault_word(r, how), slice_str(t->fault));
    if (r->down->owed && !r->down_gone)
        transit_credit(r->down, r->down->owed); /* nobody reads the rest of the request */
    relay_look_over(r);
}

const struct transit_owner response_half_owner = {
    .head = on_head,
    .info = on_info,
    .data = on_data,
    .end = on_end,
    .sent = on_sent,
    .gone = on_gone,
};
