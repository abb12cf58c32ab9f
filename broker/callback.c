#include "broker/callback.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/json_out.h"
#include "base/now.h"

enum { FIRST_MS = 5000, CAP_MS = 3600 * 1000, JITTER_PERCENT = 25, DOUBLINGS = 10 };

/* --- rules --- */

enum err callback_secret(struct slice text, char out[CALLBACK_SECRET_MOST], size_t *len)
{
    char url_text[CALLBACK_SECRET_MOST * 2];
    while (slice_ends(text, SLICE("\n")) || slice_ends(text, SLICE("\r")))
        text.len--;
    text = slice_trim(text);
    if (!slice_starts(text, SLICE("whsec_")))
        return ERR_INPUT;
    text = slice_from(text, 6);
    while (slice_ends(text, SLICE("=")))
        text.len--;
    if (text.len > sizeof(url_text))
        return ERR_INPUT;
    for (size_t i = 0; i < text.len; i++)
        url_text[i] = text.at[i] == '+' ? '-' : text.at[i] == '/' ? '_' : text.at[i];
    TRY(hash_base64url(slice_of(url_text, text.len), out, CALLBACK_SECRET_MOST, len));
    return *len >= CALLBACK_SECRET_LEAST ? ERR_OK : ERR_INPUT;
}

enum err callback_allowed(const struct callback_rules *rules, struct slice url, struct web_url *out, const char **why)
{
    struct web_url beginning;
    *why = "callback: write https://HOST/PATH";
    if (web_url_read(url, out) != ERR_OK)
        return ERR_DENIED;
    *why = "callback: the broker allows none (callbacks.allow)";
    if (rules->allow_count == 0)
        return ERR_DENIED;
    *why = "callback: it lies below none of the URLs that the broker allows (callbacks.allow)";
    for (size_t i = 0; i < rules->allow_count; i++)
        if (web_url_read(slice_str(rules->allow[i]), &beginning) == ERR_OK && web_url_below(&beginning, out))
            return ERR_OK;
    return ERR_DENIED;
}

bool callback_private_ok(const struct callback_rules *rules, const struct web_url *url)
{
    return rules->private_too || web_url_is_literal(url) || web_url_is_loopback(url);
}

/* --- words --- */

/* What has a line end in it would be another field. */
static void put_field(struct buf *out, const char *name, struct slice value)
{
    buf_put(out, slice_str(name));
    buf_put(out, SLICE(": "));
    for (size_t i = 0; i < value.len; i++)
        buf_put_char(out, value.at[i] < ' ' && value.at[i] != '\t' ? ' ' : value.at[i]);
    buf_put(out, SLICE("\r\n"));
}

static void put_fieldf(struct buf *out, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
static void put_fieldf(struct buf *out, const char *name, const char *format, ...)
{
    struct buf value;
    va_list args;
    buf_init(&value, BUF_TEXT_BOUND);
    va_start(args, format);
    buf_vputf(&value, format, args);
    va_end(args);
    put_field(out, name, buf_slice(&value));
    buf_fini(&value);
}

static void put_time(struct json_out *j, const char *name, int64_t ms)
{
    char text[25];
    if (!ms)
        return;
    now_rfc3339(ms * NOW_US_PER_MS, text);
    json_out_member(j, name, slice_str(text));
}

static void put_about(struct buf *body, const struct record_job *job)
{
    struct json_out j;
    struct buf link;
    buf_init(&link, BUF_TEXT_BOUND);
    buf_putf(&link, "/v1/jobs/%.*s/result", SLICE_FMT(job->id));
    json_out_init(&j, body, 0);
    json_out_object(&j);
    json_out_member(&j, "job", job->id);
    json_out_member(&j, "state", slice_str(job_state_name(job->state)));
    json_out_member(&j, "service", job->service);
    if (job->operation.len)
        json_out_member(&j, "operation", job->operation);
    json_out_member_int(&j, "attempt", job->attempt);
    if (job->status)
        json_out_member_int(&j, "status", job->status);
    if (job->reason.len)
        json_out_member(&j, "reason", job->reason);
    put_time(&j, "submitted_at", job->submitted_ms);
    put_time(&j, "started_at", job->started_ms);
    put_time(&j, "ended_at", job->ended_ms);
    json_out_member(&j, "result", buf_slice(&link));
    json_out_end(&j);
    buf_fini(&link);
}

/* CloudEvents HTTP binding section 3.1: attributes are fields, the data is the body. */
static void put_cloudevent(const struct callback_rules *rules, const struct callback_news *n, struct buf *fields,
                           struct buf *body)
{
    const struct record_job *job = n->job;
    char at[25];
    now_rfc3339(job->ended_ms * NOW_US_PER_MS, at);
    put_field(fields, "content-type", SLICE("application/json"));
    put_field(fields, "ce-specversion", SLICE("1.0"));
    put_fieldf(fields, "ce-id", "%.*s/%llu", SLICE_FMT(job->id), (unsigned long long)n->event);
    put_field(fields, "ce-source", slice_str(rules->source));
    put_fieldf(fields, "ce-type", "dev.weft.job.%s", job_state_name(job->state));
    put_field(fields, "ce-time", slice_str(at));
    put_field(fields, "ce-subject", job->id);
    put_about(body, job);
}

static struct slice asked(const struct record_request *r, struct slice name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (slice_eq(r->headers[i].name, name))
            return r->headers[i].value;
    return (struct slice){0};
}

static struct slice answered(const struct record_result *r, struct slice name)
{
    for (size_t i = 0; r && i < r->header_count; i++)
        if (slice_eq(r->headers[i].name, name))
            return r->headers[i].value;
    return (struct slice){0};
}

static void put_openfaas(const struct callback_rules *rules, const struct callback_news *n, struct buf *fields,
                         struct buf *body)
{
    const struct record_job *job = n->job;
    struct slice call = asked(n->request, SLICE("x-call-id"));
    struct slice type = answered(n->result, SLICE("content-type"));
    int64_t took_ms = job->started_ms ? job->ended_ms - job->started_ms : 0;
    unsigned status = n->result ? n->result->status : job->state == JOB_CANCELLED ? 499 : 500;
    put_field(fields, "content-type", type.len ? type : SLICE("application/octet-stream"));
    put_field(fields, "x-call-id", call.len ? call : job->id);
    put_field(fields, "x-function-name", job->service);
    put_fieldf(fields, "x-function-status", "%u", status);
    put_fieldf(fields, "x-duration-seconds", "%lld.%03lld", (long long)(took_ms / 1000), (long long)(took_ms % 1000));
    put_fieldf(fields, "x-start-time", "%lld000000", (long long)job->submitted_ms);
    put_fieldf(fields, "x-retry", "%u", n->tries);
    put_fieldf(fields, "x-retry-max", "%u", rules->tries ? rules->tries - 1 : 0);
    if (n->result && n->result->blob.digest.len)
        put_fieldf(fields, "weft-result", "/v1/jobs/%.*s/result", SLICE_FMT(job->id)); /* too large to be told */
    else if (n->result)
        buf_put(body, n->result->body);
    else
        buf_put(body, job->reason);
}

/* Standard Webhooks: HMAC-SHA256 over "id.timestamp.body". */
static void sign(const struct callback_rules *rules, const struct callback_news *n, struct buf *fields,
                 struct slice body)
{
    struct buf signed_text, signature;
    buf_init(&signed_text, SIZE_MAX);
    buf_init(&signature, BUF_TEXT_BOUND);
    buf_putf(&signed_text, "%.*s/%llu.%lld.", SLICE_FMT(n->job->id), (unsigned long long)n->event,
             (long long)(n->now_ms / 1000));
    buf_put(&signed_text, body);
    struct hash_digest d = hash_hmac_sha256(rules->secret, buf_slice(&signed_text));
    hash_put_base64(&signature, slice_of(d.b, sizeof(d.b)));
    put_fieldf(fields, "webhook-id", "%.*s/%llu", SLICE_FMT(n->job->id), (unsigned long long)n->event);
    put_fieldf(fields, "webhook-timestamp", "%lld", (long long)(n->now_ms / 1000));
    put_fieldf(fields, "webhook-signature", "v1,%.*s", SLICE_FMT(buf_slice(&signature)));
    buf_fini(&signed_text);
    buf_fini(&signature);
}

void callback_compose(const struct callback_rules *rules, const struct callback_news *n, struct buf *fields,
                      struct buf *body)
{
    if (n->request->callback_style == CALLBACK_OPENFAAS)
        put_openfaas(rules, n, fields, body);
    else
        put_cloudevent(rules, n, fields, body);
    sign(rules, n, fields, buf_slice(body));
    put_field(fields, "user-agent", SLICE("weft-broker"));
    put_field(fields, "connection", SLICE("close"));
    put_fieldf(fields, "content-length", "%zu", buf_len(body));
}

/* --- answers --- */

enum callback_verdict callback_judge(unsigned status)
{
    if (status >= 200 && status < 300)
        return CALLBACK_TOLD;
    if (status == 0 || status >= 500 || status == 408 || status == 425 || status == 429)
        return CALLBACK_AGAIN;
    return CALLBACK_NEVER; /* redirects too: where one leads nobody has allowed */
}

int64_t callback_delay_ms(uint32_t tries, uint64_t seed)
{
    int64_t plain = CAP_MS;
    if (tries > 0 && tries <= DOUBLINGS && ((int64_t)FIRST_MS << (tries - 1)) < CAP_MS)
        plain = (int64_t)FIRST_MS << (tries - 1);
    int64_t spread = plain * JITTER_PERCENT / 100;
    return plain - spread + (int64_t)(seed % (uint64_t)(2 * spread + 1));
}
