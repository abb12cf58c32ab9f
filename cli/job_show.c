#include "cli/job_show.h"

#include <jansson.h>
#include <string.h>

#include "cli/show.h"

enum { BAR = 30, SHOWN = 60 };

static json_t *read_object(struct slice text)
{
    json_error_t error;
    json_t *root = json_loadb(text.at ? text.at : "", text.len, 0, &error);
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static long long number_of(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

/* What others wrote is shown without what a terminal would obey. */
static void put_safe(FILE *to, const char *text, size_t most)
{
    struct buf safe;
    buf_init(&safe, BUF_TEXT_BOUND);
    buf_put_safe(&safe, slice_str(text), most);
    show_buf(to, &safe);
    buf_fini(&safe);
}

static void put_line(FILE *to, const char *name, const char *text)
{
    if (!*text)
        return;
    fprintf(to, "%-10s ", name);
    put_safe(to, text, BUF_TEXT_BOUND);
    fprintf(to, "\n");
}

static void put_member(FILE *to, const json_t *job, const char *label, const char *name)
{
    put_line(to, label, text_of(job, name));
}

/* A string as it is, anything else as JSON. */
static char *progress_text(const json_t *progress)
{
    if (json_is_string(progress))
        return strdup(json_string_value(progress));
    return progress ? json_dumps(progress, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

static void put_progress(FILE *to, const json_t *job)
{
    char *text = progress_text(json_object_get(job, "progress"));
    if (text)
        put_line(to, "progress", text);
    free(text);
}

static void put_callback(FILE *to, const json_t *callback)
{
    if (!callback)
        return;
    fprintf(to, "%-10s %s", "callback", text_of(callback, "state"));
    if (number_of(callback, "tries"))
        fprintf(to, " after %lld tries", number_of(callback, "tries"));
    if (*text_of(callback, "reason")) {
        fprintf(to, ": ");
        put_safe(to, text_of(callback, "reason"), BUF_TEXT_BOUND);
    }
    fprintf(to, "\n");
}

void job_show_status(FILE *to, struct slice json)
{
    json_t *job = read_object(json);
    if (!job) {
        show_slice(to, json);
        return;
    }
    put_member(to, job, "job", "job");
    fprintf(to, "%-10s %s, attempt %lld of %lld", "state", text_of(job, "state"), number_of(job, "attempt"),
            number_of(job, "attempts"));
    if (number_of(job, "crashes"))
        fprintf(to, ", %lld crashes", number_of(job, "crashes"));
    fprintf(to, "%s\n", json_is_true(json_object_get(job, "cancel_asked")) ? ", cancel asked" : "");
    put_member(to, job, "service", "service");
    put_member(to, job, "operation", "operation");
    put_member(to, job, "caller", "caller");
    put_member(to, job, "worker", "worker");
    put_member(to, job, "submitted", "submitted_at");
    put_member(to, job, "started", "started_at");
    put_member(to, job, "next", "next_at");
    put_member(to, job, "ended", "ended_at");
    put_progress(to, job);
    put_member(to, job, "waits", "waits");
    put_member(to, job, "reason", "reason");
    put_callback(to, json_object_get(job, "callback"));
    json_decref(job);
}

static void put_row(FILE *to, const json_t *job)
{
    fprintf(to, "%-26s  %-9s  %lld/%lld  %-24s  ", text_of(job, "job"), text_of(job, "state"),
            number_of(job, "attempt"), number_of(job, "attempts"), text_of(job, "submitted_at"));
    put_safe(to, text_of(job, "service"), SHOWN);
    if (*text_of(job, "reason")) {
        fprintf(to, "  ");
        put_safe(to, text_of(job, "reason"), SHOWN);
    }
    fprintf(to, "\n");
}

void job_show_list(FILE *to, struct slice json)
{
    json_t *root = read_object(json), *jobs = json_object_get(root, "jobs");
    if (!json_is_array(jobs))
        show_slice(to, json);
    for (size_t i = 0; i < json_array_size(jobs); i++)
        put_row(to, json_array_get(jobs, i));
    if (jobs && json_array_size(jobs) == 0)
        fprintf(to, "no such jobs\n");
    if (*text_of(root, "cursor"))
        fprintf(to, "more: --cursor %s\n", text_of(root, "cursor"));
    json_decref(root);
}

void job_show_why(FILE *to, struct slice json)
{
    json_t *job = read_object(json);
    const char *state = text_of(job, "state"), *waits = text_of(job, "waits"), *reason = text_of(job, "reason");
    if (!job) {
        show_slice(to, json);
        return;
    }
    fprintf(to, "%s: ", state);
    if (*waits)
        put_safe(to, waits, BUF_TEXT_BOUND);
    else if (strcmp(state, "leased") == 0)
        fprintf(to, "%s runs it, attempt %lld", text_of(job, "worker"), number_of(job, "attempt"));
    else if (*reason)
        put_safe(to, reason, BUF_TEXT_BOUND);
    else
        fprintf(to, "nothing kept it");
    fprintf(to, "\n");
    if (*reason && (*waits || strcmp(state, "leased") == 0)) {
        fprintf(to, "before: ");
        put_safe(to, reason, BUF_TEXT_BOUND);
        fprintf(to, "\n");
    }
    json_decref(job);
}

void job_show_queues(FILE *to, struct slice json)
{
    json_t *root = read_object(json), *services = json_object_get(root, "services");
    if (!json_is_array(services))
        show_slice(to, json);
    else
        fprintf(to, "%-30s %9s %9s %9s %9s\n", "SERVICE", "READY", "DELAYED", "RUNNING", "SIDECARS");
    for (size_t i = 0; i < json_array_size(services); i++) {
        const json_t *s = json_array_get(services, i);
        fprintf(to, "%-30s %9lld %9lld %9lld %9lld%s\n", text_of(s, "service"), number_of(s, "ready"),
                number_of(s, "delayed"), number_of(s, "leased"), number_of(s, "workers"),
                json_is_true(json_object_get(s, "paused")) ? "  paused" : "");
    }
    json_decref(root);
}

/* A share of 1: the progress is one, or `done` is one, or there is `done` of `total`, or `percent`; else below 0. */
static double share_of(const json_t *progress)
{
    const json_t *done = json_object_get(progress, "done"), *total = json_object_get(progress, "total");
    const json_t *percent = json_object_get(progress, "percent");
    double share = -1;
    if (json_is_number(progress))
        share = json_number_value(progress);
    else if (json_is_number(percent))
        share = json_number_value(percent) / 100;
    else if (json_is_number(done) && json_is_number(total) && json_number_value(total) > 0)
        share = json_number_value(done) / json_number_value(total);
    else if (json_is_number(done))
        share = json_number_value(done);
    return share >= 0 && share <= 1 ? share : -1;
}

static void put_bar(FILE *to, double share)
{
    int full = (int)(share * BAR + 0.5);
    fprintf(to, " [");
    for (int i = 0; i < BAR; i++)
        fputc(i < full ? '#' : '.', to);
    fprintf(to, "] %3.0f %%", share * 100);
}

void job_show_event(FILE *to, const char *name, struct slice json)
{
    json_t *event = read_object(json);
    const json_t *progress = json_object_get(event, "progress");
    char *text = progress_text(progress);
    double share = share_of(progress);
    put_safe(to, name, SHOWN);
    if (share >= 0)
        put_bar(to, share);
    if (text) {
        fprintf(to, " ");
        put_safe(to, text, SHOWN);
    }
    if (*text_of(event, "reason")) {
        fprintf(to, ": ");
        put_safe(to, text_of(event, "reason"), SHOWN);
    }
    free(text);
    json_decref(event);
}

static void put_schedule(FILE *to, const json_t *s)
{
    fprintf(to, "%-24s %-24s %-12s %lld runs", text_of(s, "schedule"), text_of(s, "cron"), text_of(s, "service"),
            number_of(s, "runs"));
    if (json_is_true(json_object_get(s, "paused")))
        fprintf(to, ", paused");
    else
        fprintf(to, ", next %s", text_of(s, "next_at"));
    if (*text_of(s, "last_job"))
        fprintf(to, ", last %s", text_of(s, "last_job"));
    if (*text_of(s, "fault"))
        fprintf(to, ", missed: %s", text_of(s, "fault"));
    fprintf(to, "\n");
}

void job_show_schedule(FILE *to, struct slice json)
{
    json_t *schedule = json.len ? read_object(json) : NULL;
    if (schedule)
        put_schedule(to, schedule);
    json_decref(schedule);
}

void job_show_schedules(FILE *to, struct slice json)
{
    json_t *root = read_object(json), *schedules = json_object_get(root, "schedules");
    for (size_t i = 0; i < json_array_size(schedules); i++)
        put_schedule(to, json_array_get(schedules, i));
    if (json_array_size(schedules) == 0)
        fprintf(to, "no schedules\n");
    if (*text_of(root, "after"))
        fprintf(to, "more: --cursor %s\n", text_of(root, "after"));
    json_decref(root);
}

bool job_show_batch(FILE *to, struct slice json)
{
    json_t *root = read_object(json), *jobs = json_object_get(root, "jobs");
    bool all = json_is_array(jobs);
    if (!all)
        show_slice(to, json);
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        const json_t *job = json_array_get(jobs, i);
        bool taken = *text_of(job, "job");
        all &= taken;
        if (!taken)
            fprintf(to, "refused: %lld %s: ", number_of(job, "status"), text_of(job, "error"));
        put_safe(to, text_of(job, taken ? "job" : "detail"), BUF_TEXT_BOUND);
        fprintf(to, "\n");
    }
    json_decref(root);
    return all;
}
