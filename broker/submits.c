#include "broker/submits.h"

#include "base/hash.h"
#include "broker/after.h"
#include "broker/blob_verbs.h"
#include "broker/permits.h"
#include "broker/words.h"

#define YEAR_MS UINT64_C(31536000000)

void submits_refuse(struct submits_no *no, const char *word, unsigned status, const char *detail)
{
    *no = (struct submits_no){word, status, detail};
}

/* NULL: fine. */
static const char *unfit(const Weft__Bus__V1__Submit *m)
{
    if (!*m->method || strlen(m->method) > 32)
        return "method: 1 to 32 characters";
    if (*m->path != '/' || strlen(m->path) > API_PATH)
        return "path: begins with / and has up to 8192 characters";
    if (m->priority > 9)
        return "priority: 0 to 9";
    if (m->attempts > 100)
        return "attempts: up to 100";
    if (strlen(m->key) > API_KEY || m->fingerprint.len > HASH_SHA256_LEN)
        return "key: up to 255 characters";
    if (!words_fields_fit(m->headers, m->n_headers))
        return "headers: up to 100 and 64 KiB";
    if (m->delay_ms > YEAR_MS || m->timeout_ms > YEAR_MS || m->deadline_ms > 1000 * YEAR_MS)
        return "delay and timeout: up to a year; deadline: unix milliseconds";
    if (!labels_ok(slice_str(m->labels), true))
        return "labels: up to 16 words like gpu=a100, commas between, ? behind a preference";
    if (m->contract.len && m->contract.len != HASH_SHA256_LEN)
        return "contract: a SHA-256";
    if (m->n_after > AFTER_MOST)
        return "after: up to 32 jobs";
    if ((unsigned)m->callback_style >= CALLBACK_STYLES)
        return "callback_style: 0 or 1";
    return strlen(m->operation) > JOB_NAME_MOST || strlen(m->service) > JOB_NAME_MOST ? "a name is too long" : NULL;
}

/* It receives what they answered, so it may wait only for what its caller may see. */
static bool may_wait(struct api *a, struct session *s, const Weft__Bus__V1__Submit *m)
{
    struct record_job other;
    for (size_t i = 0; i < m->n_after; i++)
        if (!permits_sees(a, s, m->after[i], &other))
            return false;
    return true;
}

bool submits_fit(struct api *a, struct session *s, const Weft__Bus__V1__Submit *m, struct submits_no *no)
{
    const char *wrong = unfit(m), *no_callback;
    struct slice service = slice_str(m->service);
    struct web_url url;
    *no = (struct submits_no){0};
    if (wrong)
        submits_refuse(no, "bad-request", 400, wrong);
    else if (*m->callback &&
             callback_allowed(a->conf.callbacks(a->conf.arg), slice_str(m->callback), &url, &no_callback) != ERR_OK)
        submits_refuse(no, "callback-denied", 403, no_callback);
    else if (m->body.len > API_PAYLOAD)
        submits_refuse(no, "payload-too-large", 413, "A job's body may have 256 KiB here; a larger one is a blob.");
    else if (m->blob && m->body.len)
        submits_refuse(no, "bad-request", 400, "body: empty when there is a blob");
    else if (!blob_verbs_may_name(a, s, m->blob))
        submits_refuse(no, "blob-unknown", 404, "This connection has put no such blob.");
    else if (!desk_knows(a->desk, service))
        submits_refuse(no, "service-unknown", 404, "The broker takes no jobs for this service.");
    else if (!permits_policy(a, s, "submit", service, slice_str(m->operation)))
        submits_refuse(no, "policy-denied", 403, "Policy does not allow you to submit this.");
    else if (!may_wait(a, s, m))
        submits_refuse(no, "job-unknown", 404, "A job that it shall wait for is unknown, or not yours to see.");
    return no->word == NULL;
}

void submits_fill(struct api *a, const struct session *s, const Weft__Bus__V1__Submit *m,
                  struct record_request *request, struct desk_submit *out)
{
    *request = (struct record_request){
        .method = slice_str(m->method),
        .path = slice_str(m->path),
        .headers = words_fields(&a->scratch, m->headers, m->n_headers),
        .header_count = m->n_headers,
        .body = words_slice(m->body),
        .contract = words_slice(m->contract),
        .traceparent = slice_str(m->traceparent),
        .key = slice_str(m->key),
        .fingerprint = words_slice(m->fingerprint),
        .blob = blob_verbs_blob(m->blob),
    };
    if (*m->callback) {
        request->callback = slice_str(m->callback);
        request->callback_style = (uint32_t)m->callback_style;
    }
    request->after = words_slices(&a->scratch, m->after, m->n_after);
    request->after_count = m->n_after;
    request->after_any_end = m->after_any_end;
    *out = (struct desk_submit){
        .service = slice_str(m->service),
        .caller = slice_str(s->identity),
        .operation = slice_str(m->operation),
        .labels = slice_str(m->labels),
        .request = request,
        .priority = m->priority,
        .attempts = m->attempts,
        .delay_ms = m->delay_ms,
        .timeout_ms = m->timeout_ms,
        .deadline_ms = (int64_t)m->deadline_ms,
    };
}
