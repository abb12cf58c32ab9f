#ifndef WEFT_BROKER_FAN_IN_H
#define WEFT_BROKER_FAN_IN_H

/* fan_in - what the jobs that were waited for have answered, as the body of the one that waited.
 *
 *     [{"job":ID,"state":"done","status":200,"type":"application/json","body":{...}}, ...]
 *
 * In the order of weft-after.  A body that is JSON by its type and in fact stays so
 * ("body"); else it is "text" when it is UTF-8, or "base64".  One that is too large has
 * its "size" and where it is had: "result".
 *
 * Threads: pure. */
#include "base/json_out.h"
#include "broker/record.h"

/* What one of them has answered. */
struct fan_in_part {
    struct slice id;
    const struct record_job *job;       /* NULL: it is gone by now */
    const struct record_result *result; /* NULL: it has none */
    bool too_large;                     /* no room for its body */
};
void fan_in_put(struct json_out *j, const struct fan_in_part *part);

#endif
