#ifndef WEFT_HTTP_GRPC_H
#define WEFT_HTTP_GRPC_H

/* grpc - the words gRPC adds to HTTP/2, as far as a proxy must speak them.
 *
 * A refusal of ours must reach a gRPC client as a status of its own, with the reason
 * percent-encoded in grpc-message.
 *
 * Threads: pure. */
#include "base/buf.h"
#include "http/message.h"

enum grpc_status {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
    GRPC_UNAUTHENTICATED = 16,
};

/* Is the content-type application/grpc, alone or with a + or ; after it? */
bool grpc_is(const struct message *m);
/* What a refusal with this HTTP status and weft-error word (may be empty) is to gRPC. */
enum grpc_status grpc_status_of(unsigned http_status, struct slice word);
/* "INVALID_ARGUMENT"; "UNKNOWN" for what gRPC does not have. */
const char *grpc_status_name(unsigned status);
/* The HTTP status of a call that a gRPC function has ended so, and what a function's HTTP status is to gRPC. */
unsigned grpc_http_status(unsigned status);
unsigned grpc_status_of_answer(unsigned http_status);
/* What is left of a call's time, of "grpc-timeout": microseconds.  INPUT: not one to eight digits and a unit. */
MUST_USE enum err grpc_timeout_us(struct slice value, int64_t *us);
/* The same as one would send it, never longer. */
void grpc_put_timeout(struct buf *out, int64_t us);
/* Percent-encodes what grpc-message may not carry. */
void grpc_put_message(struct buf *out, struct slice text);
/* And back; what is no escape stays as it is. */
void grpc_read_message(struct buf *out, struct slice value);

#endif
