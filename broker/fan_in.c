#include "broker/fan_in.h"

#include "base/hash.h"
#include "contracts/wire/json_tok.h"

static bool is_text(struct slice s)
{
    while (s.len > 0) {
        size_t step = slice_utf8_step(s);
        if (step == 0)
            return false;
        s = slice_from(s, step);
    }
    return true;
}

static bool is_json_type(struct slice type)
{
    size_t end;
    struct slice name = slice_find(type, ';', &end) ? slice_trim(slice_to(type, end)) : type;
    return slice_eq_nocase(name, SLICE("application/json")) || slice_ends(name, SLICE("+json"));
}

static void put_base64(struct json_out *j, struct slice body)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    hash_put_base64(&text, body);
    json_out_member(j, "base64", buf_slice(&text));
    buf_fini(&text);
}

static void put_link(struct json_out *j, struct slice id, uint64_t size)
{
    struct buf link;
    buf_init(&link, BUF_TEXT_BOUND);
    buf_putf(&link, "/v1/jobs/%.*s/result", SLICE_FMT(id));
    json_out_member_int(j, "size", (int64_t)size);
    json_out_member(j, "result", buf_slice(&link));
    buf_fini(&link);
}

static void put_result(struct json_out *j, const struct fan_in_part *part)
{
    const struct record_result *r = part->result;
    struct slice type = {0};
    for (size_t i = 0; i < r->header_count; i++)
        if (slice_eq(r->headers[i].name, SLICE("content-type")))
            type = r->headers[i].value;
    json_out_member_int(j, "status", r->status);
    if (type.len)
        json_out_member(j, "type", type);
    if (r->blob.digest.len)
        put_link(j, part->id, r->blob.size);
    else if (part->too_large)
        put_link(j, part->id, r->body.len);
    else if (is_json_type(type) && json_tok_whole(r->body)) {
        json_out_name(j, "body");
        json_out_raw(j, r->body);
    } else if (is_text(r->body)) {
        json_out_member(j, "text", r->body);
    } else {
        put_base64(j, r->body);
    }
}

void fan_in_put(struct json_out *j, const struct fan_in_part *part)
{
    const struct record_job *job = part->job;
    json_out_object(j);
    json_out_member(j, "job", part->id);
    json_out_member(j, "state", job ? slice_str(job_state_name(job->state)) : SLICE("gone"));
    if (job && job->state != JOB_DONE && job->reason.len)
        json_out_member(j, "reason", job->reason);
    if (part->result)
        put_result(j, part);
    json_out_end(j);
}
