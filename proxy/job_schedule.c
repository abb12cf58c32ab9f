#include "proxy/job_schedule.h"

#include "base/json_out.h"
#include "proxy/job_json.h"

static void told(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    job_json_put_schedule(&text, record->schedule);
    job_visit_json(v, 200, &text);
}

static void listed(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    job_json_put_schedules(&text, record->schedules);
    job_visit_json(v, 200, &text);
}

static void begun(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    struct buf text;
    struct json_out j;
    buf_init(&text, BUF_TEXT_BOUND);
    json_out_init(&j, &text, 0);
    json_out_object(&j);
    json_out_member(&j, "job", slice_str(record->accepted->job));
    json_out_end(&j);
    buf_put_char(&text, '\n');
    job_visit_json(v, 202, &text);
}

static void deleted(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    (void)record;
    job_visit_bare(v, 204);
}

static void change(struct job_visit *v, Weft__Bus__V1__ScheduleChange__What what, int expected,
                   job_visit_answer_fn *answer)
{
    Weft__Bus__V1__ScheduleChange body = WEFT__BUS__V1__SCHEDULE_CHANGE__INIT;
    body.name = v->id;
    body.what = what;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_SCHEDULE_CHANGE;
    record.schedule_change = &body;
    job_visit_call(v, &record, expected, answer);
}

void job_schedule_show(struct job_visit *v)
{
    change(v, WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT__SHOW, WEFT__BUS__V1__RECORD__BODY_SCHEDULE, told);
}

void job_schedule_pause(struct job_visit *v)
{
    change(v, WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT__PAUSE, WEFT__BUS__V1__RECORD__BODY_SCHEDULE, told);
}

void job_schedule_resume(struct job_visit *v)
{
    change(v, WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT__RESUME, WEFT__BUS__V1__RECORD__BODY_SCHEDULE, told);
}

void job_schedule_run(struct job_visit *v)
{
    change(v, WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT__RUN, WEFT__BUS__V1__RECORD__BODY_ACCEPTED, begun);
}

void job_schedule_delete(struct job_visit *v)
{
    change(v, WEFT__BUS__V1__SCHEDULE_CHANGE__WHAT__DELETE, WEFT__BUS__V1__RECORD__BODY_OK, deleted);
}

void job_schedule_list(struct job_visit *v)
{
    Weft__Bus__V1__ScheduleList body = WEFT__BUS__V1__SCHEDULE_LIST__INIT;
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    struct slice query = slice_from(v->down->in.path, message_path_only(&v->down->in).len + 1);
    if (query.len && !slice_starts(query, SLICE("after="))) {
        job_visit_refuse(v, REPLY_BAD_REQUEST, "The query is after=NAME, as an answer has it.");
        return;
    }
    body.after = (char *)(uintptr_t)arena_keep(&v->down->arena, slice_from(query, query.len ? 6 : 0)).at;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_SCHEDULE_LIST;
    record.schedule_list = &body;
    job_visit_call(v, &record, WEFT__BUS__V1__RECORD__BODY_SCHEDULES, listed);
}
