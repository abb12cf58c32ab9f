/* Which path and method mean what; the verbs that are one question and one answer are here. */
#include "proxy/job_entry.h"

#include "base/mem.h"
#include "proxy/job_batch.h"
#include "proxy/job_checkpoint.h"
#include "proxy/job_json.h"
#include "proxy/job_result.h"
#include "proxy/job_run.h"
#include "proxy/job_schedule.h"
#include "proxy/job_stream.h"
#include "proxy/job_submit.h"

static const char *const roots[] = {"/v1/jobs", "/v1/schedules"};
enum entry_root { ROOT_JOBS, ROOT_SCHEDULES, ROOTS };

enum { PROGRESS_BODY = 16 << 10, LIST_MOST = 200 };

struct job_entry {
    struct job_visit_desk desk;
};

/* --- one job --- */

static void answer_job(struct job_visit *v, unsigned status, const Weft__Bus__V1__Job *job)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    job_json_put(&text, job);
    job_visit_json(v, status, &text);
}

static void told(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    answer_job(v, 200, record->job);
}

static void taken(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    answer_job(v, 202, record->job);
}

static void query(struct job_visit *v)
{
    job_visit_query(v, told);
}

static void cancel(struct job_visit *v)
{
    Weft__Bus__V1__Cancel body = WEFT__BUS__V1__CANCEL__INIT;
    body.job = v->id;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_CANCEL;
    record.cancel = &body;
    job_visit_call(v, &record, WEFT__BUS__V1__RECORD__BODY_JOB, taken);
}

static void retry_one(struct job_visit *v, bool callback)
{
    Weft__Bus__V1__Retry body = WEFT__BUS__V1__RETRY__INIT;
    body.job = v->id;
    body.callback = callback;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_RETRY;
    record.retry = &body;
    job_visit_call(v, &record, WEFT__BUS__V1__RECORD__BODY_JOB, taken);
}

static void retry(struct job_visit *v)
{
    retry_one(v, false);
}

static void retry_callback(struct job_visit *v)
{
    retry_one(v, true);
}

static void progress(struct job_visit *v)
{
    struct slice type = headers_value(&v->down->in.headers, HEADERS_CONTENT_TYPE);
    struct job_runner *runner = v->desk->runner;
    enum err e = runner ? job_runner_progress(runner, slice_str(v->id), type, buf_slice(&v->body)) : ERR_ABSENT;
    if (e == ERR_OK)
        job_visit_bare(v, 204);
    else if (e == ERR_ABSENT)
        job_visit_refuse(v, REPLY_JOB_UNKNOWN, "No such job runs behind this sidecar.");
    else
        job_visit_refuse(v, REPLY_BROKER_UNREACHABLE, job_link_state(v->desk->link));
}

/* --- the list --- */

static void listed(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    job_json_put_list(&text, record->jobs);
    job_visit_json(v, 200, &text);
}

static bool read_limit(struct slice value, uint32_t *out)
{
    uint64_t n;
    if (slice_u64(value, LIST_MOST, &n) != ERR_OK || n == 0)
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool read_pair(struct job_visit *v, struct slice name, struct slice value, Weft__Bus__V1__List *list)
{
    char *text = (char *)(uintptr_t)arena_keep(&v->down->arena, value).at;
    if (slice_eq(name, SLICE("state"))) {
        list->by_state = job_json_parse_state(value, &list->state);
        return list->by_state;
    }
    if (slice_eq(name, SLICE("limit")))
        return read_limit(value, &list->limit);
    if (slice_eq(name, SLICE("service")))
        list->service = text;
    else if (slice_eq(name, SLICE("cursor")))
        list->cursor = text;
    else
        return false;
    return true;
}

static bool read_query(struct job_visit *v, Weft__Bus__V1__List *list)
{
    struct slice rest = slice_from(v->down->in.path, message_path_only(&v->down->in).len + 1), pair;
    while (slice_split(&rest, '&', &pair)) {
        size_t equals;
        if (!slice_find(pair, '=', &equals) ||
            !read_pair(v, slice_to(pair, equals), slice_from(pair, equals + 1), list))
            return false;
    }
    return true;
}

static void list(struct job_visit *v)
{
    Weft__Bus__V1__List body = WEFT__BUS__V1__LIST__INIT;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_LIST;
    record.list = &body;
    if (read_query(v, &body))
        job_visit_call(v, &record, WEFT__BUS__V1__RECORD__BODY_JOBS, listed);
    else
        job_visit_refuse(v, REPLY_BAD_REQUEST,
                         "The query is state=delayed|queued|leased|done|cancelled|dead, service=, cursor=, "
                         "limit=1..200.");
}

/* --- the table of paths --- */

static const struct entry_row {
    enum entry_root root;
    const char *method, *rest; /* behind the id; NULL: the list itself */
    void (*fn)(struct job_visit *v);
} rows[] = {
    {ROOT_JOBS, "GET", NULL, list},
    {ROOT_JOBS, "POST", NULL, job_batch_begin},
    {ROOT_JOBS, "GET", "", query},
    {ROOT_JOBS, "DELETE", "", cancel},
    {ROOT_JOBS, "GET", "/result", job_result_answer},
    {ROOT_JOBS, "GET", "/events", job_stream_open},
    {ROOT_JOBS, "POST", "/retry", retry},
    {ROOT_JOBS, "POST", "/callback", retry_callback},
    {ROOT_JOBS, "POST", "/progress", progress},
    {ROOT_JOBS, "PUT", "/checkpoint", job_checkpoint_put},
    {ROOT_JOBS, "GET", "/checkpoint", job_checkpoint_get},
    {ROOT_SCHEDULES, "GET", NULL, job_schedule_list},
    {ROOT_SCHEDULES, "GET", "", job_schedule_show},
    {ROOT_SCHEDULES, "DELETE", "", job_schedule_delete},
    {ROOT_SCHEDULES, "POST", "/pause", job_schedule_pause},
    {ROOT_SCHEDULES, "POST", "/resume", job_schedule_resume},
    {ROOT_SCHEDULES, "POST", "/run", job_schedule_run},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* What is behind the root, from its / or ? on; ROOTS: another path. */
static enum entry_root root_of(struct slice path, struct slice *rest)
{
    for (unsigned i = 0; i < ROOTS; i++) {
        if (!slice_starts(path, slice_str(roots[i])))
            continue;
        *rest = slice_from(path, strlen(roots[i]));
        if (rest->len == 0 || rest->at[0] == '/' || rest->at[0] == '?')
            return (enum entry_root)i;
    }
    return ROOTS;
}

bool job_entry_is_api(struct slice path)
{
    struct slice rest;
    return root_of(path, &rest) != ROOTS;
}

/* The part behind the id, and the id into the visit; false: no id of a job. */
static bool read_path(struct job_visit *v, struct slice id, struct slice *tail)
{
    size_t slash;
    *tail = slice_find(id, '/', &slash) ? slice_from(id, slash) : (struct slice){0};
    id.len -= tail->len;
    if (id.len >= sizeof(v->id) || !headers_name_ok(id))
        return false;
    memcpy(v->id, id.at, id.len);
    return true;
}

static bool row_fits(const struct entry_row *row, bool has_id, struct slice tail)
{
    return row->rest ? has_id && slice_eq(tail, slice_str(row->rest)) : !has_id;
}

/* NULL: `allow` has the methods that this path knows, or is empty. */
static const struct entry_row *find_row(struct job_visit *v, struct buf *allow)
{
    struct slice rest, tail = {0};
    enum entry_root root = root_of(message_path_only(&v->down->in), &rest);
    bool has_id = rest.len > 1;
    if (has_id && !read_path(v, slice_from(rest, 1), &tail))
        return NULL;
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].root != root || !row_fits(&rows[i], has_id, tail))
            continue;
        if (slice_eq(v->down->in.method, slice_str(rows[i].method)))
            return &rows[i];
        buf_putf(allow, "%s%s", buf_len(allow) ? ", " : "", rows[i].method);
    }
    return NULL;
}

static void refuse_path(struct job_visit *v, struct slice allow)
{
    struct headers *h = &v->down->out.headers;
    if (allow.len && headers_add_token(h, HEADERS_ALLOW, arena_keep(&v->down->arena, allow)) == ERR_OK)
        job_visit_refuse(v, REPLY_METHOD_UNKNOWN, "docs/job-api.md lists the methods of this path.");
    else
        job_visit_refuse(v, REPLY_JOB_UNKNOWN,
                         "There is /v1/jobs, /v1/jobs/ID and its /result, /events, /retry, /callback, /progress, "
                         "/checkpoint; "
                         "/v1/schedules, /v1/schedules/NAME and its /pause, /resume, /run.");
}

static size_t body_bound(const struct entry_row *row)
{
    if (row->fn == job_batch_begin)
        return JOB_BATCH_BODY;
    return row->fn == job_checkpoint_put ? JOB_SHELF_CHECKPOINT : PROGRESS_BODY;
}

void job_entry_api(struct job_entry *e, struct transit *down)
{
    struct job_visit *v = job_visit_new(&e->desk, down, PROGRESS_BODY);
    struct buf allow;
    buf_init(&allow, BUF_TEXT_BOUND);
    const struct entry_row *row = find_row(v, &allow);
    if (row) {
        v->begin = row->fn;
        buf_init(&v->body, body_bound(row));
    } else {
        refuse_path(v, buf_slice(&allow));
    }
    buf_fini(&allow);
}

void job_entry_cancel(struct job_entry *e, struct transit *down, struct slice id)
{
    struct job_visit *v = job_visit_new(&e->desk, down, PROGRESS_BODY);
    struct slice tail;
    v->begin = cancel;
    if (!read_path(v, id, &tail) || tail.len)
        job_visit_refuse(v, REPLY_JOB_UNKNOWN, "That is no id of a job.");
}

bool job_entry_wanted(const struct message *request)
{
    struct prefer prefer;
    prefer_read(&request->headers, &prefer);
    return prefer.respond_async;
}

void job_entry_submit(struct job_entry *e, struct transit *down, const struct job_entry_target *target)
{
    job_submit_start(&e->desk, down, target);
}

/* --- lifecycle --- */

struct job_entry *job_entry_new(const struct job_entry_conf *conf)
{
    struct job_entry *e = mem_new(sizeof(*e));
    e->desk = (struct job_visit_desk){
        .loop = conf->loop,
        .clock = conf->clock,
        .link = conf->link,
        .runner = conf->runner,
        .shelf = conf->shelf,
        .wait_most_s = conf->wait_most_s,
        .resolve = conf->resolve,
        .resolve_arg = conf->resolve_arg,
    };
    list_init(&e->desk.visits);
    return e;
}

void job_entry_free(struct job_entry **entry)
{
    struct job_entry *e = *entry;
    *entry = NULL;
    if (!e)
        return;
    job_visit_dismiss_all(&e->desk);
    mem_free(e);
}
