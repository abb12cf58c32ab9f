#include "proxy/job_json.h"

#include "base/arena.h"
#include "base/now.h"
#include "contracts/json_value.h"

static const char *const states[] = {"delayed", "queued", "leased", "done", "cancelled", "dead"};
enum { STATES = sizeof(states) / sizeof(states[0]), LIST_REASON = 200 };

const char *job_json_state(Weft__Bus__V1__State state)
{
    return (unsigned)state < STATES ? states[state] : "unknown";
}

bool job_json_parse_state(struct slice name, Weft__Bus__V1__State *out)
{
    for (unsigned i = 0; i < STATES; i++)
        if (slice_eq(name, slice_str(states[i]))) {
            *out = (Weft__Bus__V1__State)i;
            return true;
        }
    return false;
}

static void put_time(struct json_out *j, const char *name, uint64_t ms)
{
    char text[25];
    if (!ms)
        return;
    now_rfc3339((int64_t)ms * NOW_US_PER_MS, text);
    json_out_member(j, name, slice_str(text));
}

static void put_text(struct json_out *j, const char *name, const char *text)
{
    if (*text)
        json_out_member(j, name, slice_str(text));
}

/* JSON stays JSON, if it is. */
static void put_progress(struct json_out *j, const Weft__Bus__V1__Job *job)
{
    struct slice data = slice_of(job->progress.data, job->progress.len);
    struct arena arena;
    const struct json_value *value;
    if (!data.len)
        return;
    arena_init(&arena, SIZE_MAX);
    json_out_name(j, "progress");
    if (slice_starts(slice_str(job->progress_type), SLICE("application/json")) &&
        json_value_read(data, &arena, &value) == ERR_OK)
        json_out_raw(j, data);
    else
        json_out_slice(j, data);
    arena_fini(&arena);
}

void job_json_put_links(struct json_out *j, const char *id)
{
    static const char *const names[][2] = {{"self", ""}, {"result", "/result"}, {"events", "/events"}};
    json_out_name(j, "links");
    json_out_object(j);
    for (size_t i = 0; i < 3; i++) {
        struct buf path;
        buf_init(&path, BUF_TEXT_BOUND);
        buf_putf(&path, "/v1/jobs/%s%s", id, names[i][1]);
        json_out_member(j, names[i][0], buf_slice(&path));
        buf_fini(&path);
    }
    json_out_end(j);
}

static void put_callback(struct json_out *j, const Weft__Bus__V1__Job *job)
{
    if (!job->callback[0])
        return;
    json_out_name(j, "callback");
    json_out_object(j);
    json_out_member(j, "state", slice_str(job->callback));
    if (job->callback_tries)
        json_out_member_int(j, "tries", job->callback_tries);
    put_text(j, "reason", job->callback_reason);
    json_out_end(j);
}

static void put(struct json_out *j, const Weft__Bus__V1__Job *job, bool in_list)
{
    json_out_object(j);
    put_text(j, "job", job->job);
    put_text(j, "service", job->service);
    put_text(j, "operation", job->operation);
    json_out_member(j, "state", slice_str(job_json_state(job->state)));
    json_out_member_int(j, "attempt", job->attempt);
    json_out_member_int(j, "attempts", job->attempts);
    json_out_member_int(j, "crashes", job->crashes);
    json_out_member_int(j, "releases", job->releases);
    json_out_member_int(j, "priority", job->priority);
    put_text(j, "caller", job->caller);
    put_time(j, "submitted_at", job->submitted_ms);
    put_time(j, "started_at", job->started_ms);
    put_time(j, "ended_at", job->ended_ms);
    put_time(j, "next_at", job->next_ms);
    if (!in_list)
        put_progress(j, job);
    if (job->reason[0])
        json_out_member(j, "reason", slice_to(slice_str(job->reason), in_list ? LIST_REASON : SIZE_MAX));
    put_text(j, "waits", job->waits);
    if (job->status)
        json_out_member_int(j, "status", job->status);
    put_callback(j, job);
    if (job->cancel_asked) {
        json_out_name(j, "cancel_asked");
        json_out_bool(j, true);
    }
    put_text(j, "worker", job->worker);
    job_json_put_links(j, job->job);
    json_out_end(j);
}

void job_json_put(struct buf *out, const Weft__Bus__V1__Job *job)
{
    struct json_out j;
    json_out_init(&j, out, 0);
    put(&j, job, false);
    buf_put_char(out, '\n');
}

void job_json_put_list(struct buf *out, const Weft__Bus__V1__Jobs *jobs)
{
    struct json_out j;
    json_out_init(&j, out, 0);
    json_out_object(&j);
    json_out_name(&j, "jobs");
    json_out_array(&j);
    for (size_t i = 0; i < jobs->n_jobs; i++)
        put(&j, jobs->jobs[i], true);
    json_out_end(&j);
    put_text(&j, "cursor", jobs->cursor);
    json_out_end(&j);
    buf_put_char(out, '\n');
}

static void put_schedule(struct json_out *j, const Weft__Bus__V1__Schedule *s)
{
    static const char *const catch_ups[] = {"one", "all", "none"};
    json_out_object(j);
    json_out_member(j, "schedule", slice_str(s->name));
    json_out_member(j, "cron", slice_str(s->cron));
    json_out_member(j, "catch_up", slice_str((unsigned)s->catch_up < 3 ? catch_ups[s->catch_up] : "unknown"));
    json_out_name(j, "paused");
    json_out_bool(j, s->paused);
    put_text(j, "service", s->service);
    put_text(j, "operation", s->operation);
    put_time(j, "next_at", s->next_ms);
    put_time(j, "last_at", s->last_ms);
    put_text(j, "last_job", s->last_job);
    put_text(j, "fault", s->fault);
    json_out_member_int(j, "runs", (int64_t)s->runs);
    json_out_end(j);
}

void job_json_put_schedule(struct buf *out, const Weft__Bus__V1__Schedule *schedule)
{
    struct json_out j;
    json_out_init(&j, out, 0);
    put_schedule(&j, schedule);
    buf_put_char(out, '\n');
}

void job_json_put_schedules(struct buf *out, const Weft__Bus__V1__Schedules *schedules)
{
    struct json_out j;
    json_out_init(&j, out, 0);
    json_out_object(&j);
    json_out_name(&j, "schedules");
    json_out_array(&j);
    for (size_t i = 0; i < schedules->n_schedules; i++)
        put_schedule(&j, schedules->schedules[i]);
    json_out_end(&j);
    put_text(&j, "after", schedules->after);
    json_out_end(&j);
    buf_put_char(out, '\n');
}
