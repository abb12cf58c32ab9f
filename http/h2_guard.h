#ifndef WEFT_HTTP_H2_GUARD_H
#define WEFT_HTTP_H2_GUARD_H

/* h2_guard - when has a peer made enough of the frames that cost us more than it?
 *
 * One token bucket per kind: cheap frames are free at any sane rate, and a flood of
 * them ends the connection.  A frame that we made necessary earns its answers back
 * (WINDOW_UPDATE and the PINGs of gRPC follow the DATA that we send).
 *
 * Lifetime: a plain value.
 * Threads:  belongs to one.  Reads no clock. */
#include <stdint.h>

#include "base/err.h"

enum h2_guard_kind {
    H2_GUARD_RESET,        /* RST_STREAM, or a stream that we had to reset: CVE-2023-44487 */
    H2_GUARD_SETTINGS,     /* each wants an answer */
    H2_GUARD_PING,         /* each wants an answer */
    H2_GUARD_EMPTY,        /* DATA that carries nothing and ends nothing */
    H2_GUARD_PRIORITY,     /* advice that nobody follows */
    H2_GUARD_WINDOW,       /* WINDOW_UPDATE beyond what our DATA asks for */
    H2_GUARD_CONTINUATION, /* in one head: CVE-2024-28182 */
    H2_GUARD_KINDS
};

struct h2_guard {
    int64_t milli[H2_GUARD_KINDS]; /* thousandths of a frame still allowed */
    int64_t at_us;
};

void h2_guard_init(struct h2_guard *g, int64_t now_us);
/* OK, or LIMIT: hang up. */
MUST_USE enum err h2_guard_note(struct h2_guard *g, enum h2_guard_kind kind, int64_t now_us);
/* A DATA frame of ours has left. */
void h2_guard_sent_data(struct h2_guard *g);
/* A head begins: its CONTINUATION frames are counted from zero. */
void h2_guard_new_head(struct h2_guard *g);
/* For people: "too many RST_STREAM frames". */
const char *h2_guard_fault(enum h2_guard_kind kind);

#endif
