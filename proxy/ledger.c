#include "proxy/ledger.h"

enum { ADAPTATIONS = 4096, KEY_BOUND = 256 };

void ledger_init(struct ledger *l, struct metric_set *set)
{
    *l = (struct ledger){
        .requests = metric_family(set, METRIC_COUNTER, "weft_requests_total", "direction,service,operation,code",
                                  "Exchanges, by the status they ended with."),
        .duration = metric_family(set, METRIC_HISTOGRAM, "weft_request_duration_seconds", "direction",
                                  "From the head of the request to the end of the response."),
        .refused = metric_family(set, METRIC_COUNTER, "weft_refused_total", "reason",
                                 "Answers of our own, by their weft-error word."),
        .verdicts = metric_family(set, METRIC_COUNTER, "weft_contract_verdicts_total", "peer,operation,verdict",
                                  "Exchanges by the verdict on their contracts."),
        .unwelcome = {metric_family(set, METRIC_COUNTER, "weft_contract_refused_total", "peer,operation,verdict,rule",
                                    "Exchanges refused because of their contracts."),
                      metric_family(set, METRIC_COUNTER, "weft_contract_audited_total", "peer,operation,verdict,rule",
                                    "Exchanges that passed only because enforcement is audit.")},
        .adapted = metric_family(set, METRIC_COUNTER, "weft_contract_adapted_total", "operation,step",
                                 "Steps applied to bodies."),
        .fields = metric_family(set, METRIC_COUNTER, "weft_contract_fields_total", "peer,operation,field",
                                "Members of answers that were looked at, as our function sent them."),
        .sampled = metric_family(set, METRIC_COUNTER, "weft_contract_sampled_total", "peer,operation",
                                 "Answers whose members were looked at."),
        .decisions = metric_family(set, METRIC_COUNTER, "weft_policy_decisions_total", "answer",
                                   "What policy said of inbound exchanges."),
        .recall = recall_new(),
    };
    metric_fade(l->requests);
    metric_fade(l->verdicts);
    board_init(&l->board);
    l->retries = metric_series(
        metric_family(set, METRIC_COUNTER, "weft_upstream_retries_total", "", "Requests that were sent once more."),
        NULL);
    static const char *const sides[] = {"outbound", "inbound"}, *const answers[] = {"deny", "allow"};
    for (size_t i = 0; i < 2; i++) {
        struct slice side = slice_str(sides[i]), answer = slice_str(answers[i]);
        l->durations[i] = metric_series(l->duration, &side);
        l->answers[i] = metric_series(l->decisions, &answer);
    }
}

void ledger_sweep(struct ledger *l, struct metric_set *set, int64_t now_us)
{
    if (metric_sweep(set, now_us))
        memset(l->recent, 0, sizeof(l->recent));
}

void ledger_fini(struct ledger *l)
{
    access_log_close(&l->access);
    recall_free(&l->recall);
    board_fini(&l->board);
    map_fini(&l->adaptations);
    arena_fini(&l->adaptation_keys);
}

static void count_steps(struct ledger *l, const struct ledger_entry *e, const struct lane *lane)
{
    if (!lane->rewrite)
        return;
    const uint64_t *applied = rewrite_applied(lane->rewrite);
    for (size_t i = 0; i < plan_count(lane->plan); i++) {
        struct slice labels[] = {e->inquiry->operation, slice_str(plan_op_name(plan_step(lane->plan, i)->op))};
        if (applied[i])
            metric_add(metric_series(l->adapted, labels), applied[i]);
    }
}

bool ledger_samples(struct ledger *l)
{
    uint64_t number = l->answered++;
    return number < LEDGER_SAMPLED_FIRST || number % LEDGER_SAMPLED_OF == 0;
}

static void count_fields(struct ledger *l, const struct ledger_entry *e, const struct lane *answer)
{
    size_t count = answer->fields ? fields_count(answer->fields) : 0;
    struct slice labels[] = {e->peer, e->inquiry->operation, {0}};
    if (count)
        metric_add(metric_series(l->sampled, labels), 1);
    for (size_t i = 0; i < count; i++) {
        labels[2] = fields_path(answer->fields, i);
        metric_add(metric_series(l->fields, labels), 1);
    }
}

static void count_verdict(struct ledger *l, const struct ledger_entry *e)
{
    const struct inquiry *q = e->inquiry;
    if (!q->judged)
        return;
    const struct verdict_finding *worst = q->finding   ? q->finding
                                          : q->audited ? verdict_worst(q->verdict, q->judged->name)
                                                       : NULL;
    struct slice labels[] = {e->peer, q->operation, inquiry_verdict(q), worst ? worst->rule : (struct slice){0}};
    metric_add(metric_series(l->verdicts, labels), 1);
    if (q->finding || q->audited)
        metric_add(metric_series(l->unwelcome[q->audited], labels), 1);
}

static struct metric *find_requests(struct ledger *l, const struct ledger_entry *e)
{
    char code[3] = {(char)('0' + e->status / 100 % 10), (char)('0' + e->status / 10 % 10),
                    (char)('0' + e->status % 10)};
    struct slice side = e->inbound ? SLICE("inbound") : SLICE("outbound");
    struct slice request[] = {side, e->service, e->inquiry->operation, slice_of(code, 3)};
    return metric_series(l->requests, request);
}

static bool is_recent(const struct ledger_recent *r, const struct ledger_entry *e)
{
    struct slice names = slice_of(r->names, r->names_len);
    return r->series && r->status == e->status && r->inbound == e->inbound &&
           slice_eq(slice_to(names, r->service_len), e->service) &&
           slice_eq(slice_from(names, r->service_len), e->inquiry->operation);
}

static void keep_recent(struct ledger_recent *r, const struct ledger_entry *e, struct metric *series)
{
    struct slice operation = e->inquiry->operation;
    *r = (struct ledger_recent){.series = series, .status = e->status, .inbound = e->inbound};
    r->service_len = (uint8_t)e->service.len;
    r->names_len = (uint8_t)(e->service.len + operation.len);
    if (e->service.len)
        memcpy(r->names, e->service.at, e->service.len);
    if (operation.len)
        memcpy(r->names + e->service.len, operation.at, operation.len);
}

/* One place for each: what meets there takes turns. */
static struct metric *requests_of(struct ledger *l, const struct ledger_entry *e)
{
    struct slice service = e->service, operation = e->inquiry->operation;
    if (service.len + operation.len > LEDGER_NAMES)
        return find_requests(l, e);
    size_t place = e->status + e->inbound;
    for (size_t i = 0; i < operation.len; i++)
        place = place * 31 + (unsigned char)operation.at[i];
    for (size_t i = 0; i < service.len; i++)
        place = place * 31 + (unsigned char)service.at[i];
    struct ledger_recent *r = &l->recent[place % LEDGER_RECENT];
    if (!is_recent(r, e))
        keep_recent(r, e, find_requests(l, e));
    return r->series;
}

static void count(struct ledger *l, const struct ledger_entry *e)
{
    metric_add(requests_of(l, e), 1);
    metric_observe_us(l->durations[e->inbound], e->duration_us);
    board_add(&l->board, &(struct board_call){
                             .inbound = e->inbound,
                             .failed = e->status >= 500 || e->error,
                             .peer = e->inbound ? e->peer : e->service,
                             .operation = e->inquiry->operation,
                             .duration_us = e->duration_us,
                         });
    struct slice word = slice_str(e->error);
    if (e->error)
        metric_add(metric_series(l->refused, &word), 1);
    if (e->inbound)
        metric_add(l->answers[!slice_eq(word, slice_str(reply_word(REPLY_POLICY_DENIED)))], 1);
    count_verdict(l, e);
    for (size_t i = 0; i < 2; i++)
        count_steps(l, e, e->lanes[i]);
    count_fields(l, e, e->lanes[1]);
}

static void put_steps(const struct lane *lane, struct buf *out)
{
    for (size_t i = 0; lane->plan && i < plan_count(lane->plan); i++) {
        if (buf_len(out))
            buf_put_char(out, ',');
        buf_put(out, slice_str(plan_op_name(plan_step(lane->plan, i)->op)));
    }
}

static void log_line(struct ledger *l, const struct ledger_entry *e, int64_t wall_us)
{
    struct buf steps;
    buf_init(&steps, BUF_TEXT_BOUND);
    for (size_t i = 0; i < 2; i++)
        put_steps(e->lanes[i], &steps);
    struct access_log_line line = {
        .wall_us = wall_us,
        .duration_us = e->duration_us,
        .inbound = e->inbound,
        .id = e->id,
        .peer = e->peer,
        .service = e->service,
        .operation = e->inquiry->operation,
        .method = e->down->in.method,
        .path = e->down->in.path,
        .status = e->status,
        .error = slice_str(e->error),
        .verdict = inquiry_verdict(e->inquiry),
        .plan = buf_slice(&steps),
        .bytes_in = e->down->bytes_in,
        .bytes_out = e->down->bytes_out,
    };
    access_log_add(l->access, &line);
    buf_fini(&steps);
}

void ledger_close_entry(struct ledger *l, const struct ledger_entry *e, int64_t wall_us)
{
    count(l, e);
    if (l->access)
        log_line(l, e, wall_us);
}

static void forget_adaptations(struct ledger *l)
{
    map_fini(&l->adaptations);
    arena_reset(&l->adaptation_keys);
}

bool ledger_is_news(struct ledger *l, const struct inquiry *q)
{
    char room[KEY_BOUND];
    size_t digest = sizeof(struct hash_digest), name = q->judged->name.len;
    size_t len = 2 * digest + (name < sizeof(room) - 2 * digest ? name : sizeof(room) - 2 * digest);
    memcpy(room, contract_digest(verdict_consumer(q->verdict)), digest);
    memcpy(room + digest, contract_digest(verdict_provider(q->verdict)), digest);
    memcpy(room + 2 * digest, q->judged->name.at, len - 2 * digest);
    if (map_get(&l->adaptations, slice_of(room, len)))
        return false;
    if (l->adaptations.count >= ADAPTATIONS)
        forget_adaptations(l);
    struct slice key = arena_keep(&l->adaptation_keys, slice_of(room, len));
    map_put(&l->adaptations, key, l);
    return true;
}

void ledger_remember(struct ledger *l, const struct ledger_entry *e, struct slice word, struct slice why,
                     int64_t wall_us)
{
    struct recall_event event = {
        .id = e->id,
        .wall_us = wall_us,
        .word = word,
        .peer = e->inbound ? e->peer : (struct slice){0},
        .operation = e->inquiry->operation,
        .method = e->down->in.method,
        .path = e->down->in.path,
        .text = why,
    };
    recall_add(l->recall, &event);
}
