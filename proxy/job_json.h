#ifndef WEFT_PROXY_JOB_JSON_H
#define WEFT_PROXY_JOB_JSON_H

/* job_json - a job as callers read it.
 *
 *     {"job","service","operation","state","attempt","attempts","crashes","releases","priority","caller",
 *      "submitted_at","started_at","ended_at","next_at","progress","reason","status","cancel_asked","worker","links"}
 *
 * Times are RFC 3339; what is not there yet is left out.  A list leaves out progress
 * and shortens reasons: its length must not depend on what functions say.
 *
 * Threads: pure. */
#include "base/json_out.h"
#include "weft/bus/v1/bus.pb-c.h"

void job_json_put(struct buf *out, const Weft__Bus__V1__Job *job);
/* The member "links". */
void job_json_put_links(struct json_out *j, const char *id);
void job_json_put_list(struct buf *out, const Weft__Bus__V1__Jobs *jobs);
const char *job_json_state(Weft__Bus__V1__State state);
/* false: no such state. */
bool job_json_parse_state(struct slice name, Weft__Bus__V1__State *out);

void job_json_put_schedule(struct buf *out, const Weft__Bus__V1__Schedule *schedule);
void job_json_put_schedules(struct buf *out, const Weft__Bus__V1__Schedules *schedules);

#endif
