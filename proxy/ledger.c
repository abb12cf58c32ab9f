#include "proxy/ledger.h"

enum { ADAPTATIONS = 4096, KEY_BOUND = 256, WALL_KEPT_US = 10 * NOW_US_PER_MS };

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
    static const char *const sides[] = {"outbound", "inbound"}, *const answers[] = {"deny", "allow", "audited"};
    for (size_t i = 0; i < 2; i++) {
        struct slice side = slice_str(sides[i]);
        l->durations[i] = metric_series(l->duration, &side);
    }
    for (size_t i = 0; i < LEDGER_ANSWERS; i++) {
        struct slice answer = slice_str(answers[i]);
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

static struct metric *find_verdicts(struct ledger *l, const struct ledger_entry *e)
{
    struct slice labels[] = {e->peer, e->inquiry->operation, inquiry_verdict(e->inquiry)};
    return e->inquiry->judged ? metric_series(l->verdicts, labels) : NULL;
}

static void count_unwelcome(struct ledger *l, const struct ledger_entry *e)
{
    const struct inquiry *q = e->inquiry;
    if (!q->judged || (!q->finding && !q->audited))
        return;
    const struct verdict_finding *worst = q->finding ? q->finding : verdict_worst(q->verdict, q->judged->name);
    struct slice labels[] = {e->peer, q->operation, inquiry_verdict(q), worst ? worst->rule : (struct slice){0}};
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

static struct board_row *find_row(struct ledger *l, const struct ledger_entry *e)
{
    return board_row(&l->board, e->inbound, e->inbound ? e->peer : e->service, e->inquiry->operation);
}

static const char *verdict_of(const struct inquiry *q)
{
    return q->judged ? verdict_level_name(q->judged->level) : NULL;
}

static bool is_recent(const struct ledger_recent *r, const struct ledger_entry *e)
{
    struct slice operation = e->inquiry->operation, names = slice_of(r->names, sizeof(r->names));
    if (!r->requests || r->status != e->status || r->inbound != e->inbound || r->verdict != verdict_of(e->inquiry))
        return false;
    struct slice service = slice_to(names, r->service_len), rest = slice_from(names, r->service_len);
    return slice_eq(service, e->service) && slice_eq(slice_to(rest, r->operation_len), operation) &&
           slice_eq(slice_to(slice_from(rest, r->operation_len), r->peer_len), e->peer);
}

static uint8_t keep_name(char names[LEDGER_NAMES], size_t at, struct slice name)
{
    if (name.len)
        memcpy(names + at, name.at, name.len);
    return (uint8_t)name.len;
}

static void keep_recent(struct ledger *l, struct ledger_recent *r, const struct ledger_entry *e)
{
    *r = (struct ledger_recent){
        .requests = find_requests(l, e),
        .verdicts = find_verdicts(l, e),
        .row = find_row(l, e),
        .verdict = verdict_of(e->inquiry),
        .status = e->status,
        .inbound = e->inbound,
    };
    r->service_len = keep_name(r->names, 0, e->service);
    r->operation_len = keep_name(r->names, r->service_len, e->inquiry->operation);
    r->peer_len = keep_name(r->names, (size_t)r->service_len + r->operation_len, e->peer);
}

static unsigned ends_of(struct slice name)
{
    return name.len ? (unsigned char)name.at[0] + 7U * (unsigned char)name.at[name.len - 1] : 0;
}

/* One place for each, told by a few bytes: what meets there takes turns.  NULL: the names are too long to be kept. */
static struct ledger_recent *recent_of(struct ledger *l, const struct ledger_entry *e)
{
    struct slice operation = e->inquiry->operation;
    if (e->service.len + operation.len + e->peer.len > LEDGER_NAMES)
        return NULL;
    size_t place = e->status + e->inbound + 3 * operation.len + ends_of(e->service) + 3U * ends_of(operation) +
                   5U * ends_of(e->peer);
    struct ledger_recent *r = &l->recent[place % LEDGER_RECENT];
    if (!is_recent(r, e))
        keep_recent(l, r, e);
    return r;
}

/* Which of the policy's answers it is. */
static size_t answer_of(const struct ledger_entry *e)
{
    if (e->error && slice_eq(slice_str(e->error), slice_str(reply_word(REPLY_POLICY_DENIED))))
        return 0;
    return e->inquiry->tolerated ? 2 : 1;
}

static void count_by_name(struct ledger *l, const struct ledger_entry *e)
{
    struct ledger_recent *r = recent_of(l, e);
    struct metric *verdicts = r ? r->verdicts : find_verdicts(l, e);
    metric_add(r ? r->requests : find_requests(l, e), 1);
    if (verdicts)
        metric_add(verdicts, 1);
    board_count(r ? r->row : find_row(l, e), e->status >= 500 || e->error, e->ended_us - e->began_us);
}

static void count(struct ledger *l, const struct ledger_entry *e)
{
    struct slice word = slice_str(e->error);
    count_by_name(l, e);
    metric_observe_us(l->durations[e->inbound], e->ended_us - e->began_us);
    if (e->error)
        metric_add(metric_series(l->refused, &word), 1);
    if (e->inbound)
        metric_add(l->answers[answer_of(e)], 1);
    count_unwelcome(l, e);
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

/* Two clocks do not part in a hundredth of a second, unless somebody sets one: so mostly one of them is read. */
static int64_t wall_us(struct ledger *l, const struct now *now, int64_t mono_us)
{
    if (mono_us - l->wall_read_us >= WALL_KEPT_US || mono_us < l->wall_read_us || l->wall_read_us == 0) {
        l->wall_ahead_us = now_wall_us(now) - mono_us;
        l->wall_read_us = mono_us;
    }
    return mono_us + l->wall_ahead_us;
}

static void log_line(struct ledger *l, const struct ledger_entry *e, const struct now *now)
{
    struct buf steps;
    buf_init(&steps, BUF_TEXT_BOUND);
    for (size_t i = 0; i < 2; i++)
        put_steps(e->lanes[i], &steps);
    struct access_log_line line = {
        .wall_us = wall_us(l, now, e->ended_us),
        .duration_us = e->ended_us - e->began_us,
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

void ledger_close_entry(struct ledger *l, const struct ledger_entry *e, const struct now *now)
{
    count(l, e);
    if (l->access)
        log_line(l, e, now);
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
                     int64_t now_us)
{
    struct recall_event event = {
        .id = e->id,
        .wall_us = now_us,
        .word = word,
        .peer = e->inbound ? e->peer : (struct slice){0},
        .operation = e->inquiry->operation,
        .method = e->down->in.method,
        .path = e->down->in.path,
        .text = why,
    };
    recall_add(l->recall, &event);
}
