#ifndef WEFT_PROXY_JOB_RANGE_H
#define WEFT_PROXY_JOB_RANGE_H

/* job_range - which bytes of a result a Range field asks for (RFC 9110 section 14.1.2).
 *
 * Threads: pure. */
#include "base/err.h"
#include "base/slice.h"

struct job_range {
    size_t from, count;
};

/* OK: that part of `length` bytes.  ABSENT: none, several, or no range of bytes: the whole is sent.
 * INPUT: it begins behind the end: 416. */
MUST_USE enum err job_range_read(struct slice field, size_t length, struct job_range *out);

#endif
