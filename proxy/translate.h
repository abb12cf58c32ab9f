#ifndef WEFT_PROXY_TRANSLATE_H
#define WEFT_PROXY_TRANSLATE_H

/* translate - a caller and our function that speak protobuf in different words: JSON over HTTP, and gRPC.
 *
 * `inbound.speaks` says what the function speaks.  A call of the other kind is carried over whole: the body by a plan
 * that transcodes (with the plan between two versions inside it), the head, the status and the reason of an error, and
 * the time that is left.  Between two versions that both speak JSON the bodies go through protobuf, too: a plan for
 * messages is right for their JSON then.
 *
 * Lifetime: caller's memory, part of a relay; a zeroed one does nothing, translate_fini is safe.
 * Threads:  belongs to the loop. */
#include "proxy/inquiry.h"
#include "proxy/lane.h"

enum translate_how {
    TRANSLATE_NOT,
    TRANSLATE_TO_GRPC, /* the caller speaks JSON, the function gRPC */
    TRANSLATE_TO_JSON, /* and the other way round */
    TRANSLATE_JSON,    /* both speak JSON, of two versions */
};

struct translate {
    enum translate_how how;
    struct plan *request, *response; /* NULL: that body passes as it is */
    bool asks_often, answers_often;  /* several messages in that direction */
    bool lines;                      /* the request's JSON has one message a line */
    unsigned status;                 /* of gRPC, that the function has ended with; what its answer comes to */
    bool failed;                     /* the function's answer is an error */
    struct slice words;              /* that it has said about it, as grpc-message has them */
};

/* What is to be done for this request, once the inquiry has let it pass. */
void translate_init(struct translate *t, struct snapshot *s, const struct inquiry *q, const struct message *request);
void translate_fini(struct translate *t);

/* Adds what is done, and the plans as they are carried out, for `weft why`; nothing when nothing is. */
void translate_why(const struct translate *t, struct buf *out);

/* Sets the lane of the request up.  PRE: lane_init has been called with t->request. */
void translate_frame_request(const struct translate *t, const struct message *request, size_t max_hold, struct lane *l);
/* On the head that goes to the function.  `left_us`: of its time, 0: it has all. */
MUST_USE enum err translate_request_head(const struct translate *t, int64_t left_us, struct message *m);

/* Sets the lane of the answer up, by its head: to be rewritten, or held, because it is an error.  NULL, or why the
 * answer is none. */
const char *translate_frame_answer(struct translate *t, const struct message *answer, size_t max_hold, struct lane *l);
/* The answer has ended: if it is an error the lane says so in the caller's words.  NULL, or why the answer is none. */
const char *translate_end_answer(struct translate *t, const struct message *answer, struct arena *keep, struct lane *l);
/* On the head that goes to the caller. */
MUST_USE enum err translate_answer_head(const struct translate *t, const struct lane *l, struct message *m);

#endif
