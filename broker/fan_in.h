#ifndef WEFT_BROKER_FAN_IN_H
#define WEFT_BROKER_FAN_IN_H

/* fan_in - what the jobs that were waited for have answered, as the body of the one that waited.
 *
 *     [{"job":ID,"state":"done","status":200,"type":"application/json","body":{...}}, ...]
 *
 * In the order of weft-after.  A body that is JSON by its type and in fact stays so
 * ("body"); else it is "text" when it is UTF-8, or "base64".
 *
 * Threads: pure. */
#include "base/json_out.h"
#include "broker/record.h"

/* `job` NULL: it is gone by now; `result` NULL: it has none. */
void fan_in_put(struct json_out *j, struct slice id, const struct record_job *job, const struct record_result *result);

#endif
