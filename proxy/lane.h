#ifndef WEFT_PROXY_LANE_H
#define WEFT_PROXY_LANE_H

/* lane - one body on its way from one transit to another, rewritten if a plan says so.
 *
 * Bytes come in with lane_data and go out to `to` as soon as the lane is open (the
 * head on the far side was sent).  Room is given back to `from` only when what it
 * sent has left, so a slow reader slows the writer.  With a plan or a mould the lane asks to
 * stay closed until 16 KiB are rewritten or the body has ended: a small body is
 * passed on whole or not at all.  A body of many texts is not waited for, and one of which members leave
 * for the head is waited for to its end.  A body under a coding is read without it, and goes out under it.
 *
 * Lifetime: caller's memory; a zeroed lane is closed and empty, lane_fini is safe.
 * Threads:  belongs to the loop. */
#include "contracts/wire/fields.h"
#include "contracts/wire/fit_grpc.h"
#include "contracts/wire/rewrite_records.h"
#include "http/coding.h"
#include "http/transit.h"

enum { LANE_COMMIT = 16 << 10, LANE_HOLD = 64 << 10, LANE_PENDING = 8 << 20 };

struct lane {
    struct transit *from, *to;
    struct rewrite *rewrite; /* NULL: bytes pass as they are */
    struct fit *fit;         /* NULL: nobody holds them against a contract */
    struct fields *fields;   /* NULL: nobody counts what comes */
    bool fit_first;          /* what comes in is, not what goes out */
    bool flows;              /* of many texts: the head does not wait for them */
    bool waits;              /* something in it is for the head */
    bool plain;              /* what goes out is under no coding, whatever comes, and has no trailers but ours */
    const char *grpc_status; /* the one trailer, or NULL */
    size_t most;             /* that is waited for */
    enum coding coding;
    enum coding message_coding; /* of gRPC */
    struct coding_undo *undo;   /* NULL: under no coding, or nobody reads it */
    struct coding_redo *redo;   /* NULL: what goes out is what came, or under no coding */
    struct buf bare;            /* a piece without its coding */
    const char *broken;         /* what is wrong with the coding */
    struct plan *plan;
    struct buf pending; /* not yet taken by `to` */
    struct buf held;    /* what `to` was given, to be given again */
    bool holds;         /* `held` is still whole */
    bool open;
    bool ended;    /* `from` has ended */
    bool finished; /* `to` was told so */
    uint64_t bytes;
};

/* `plan` may be NULL. */
void lane_init(struct lane *l, struct transit *from, struct plan *plan, size_t max_hold, bool keep);
/* Messages of gRPC, each rewritten by itself; or JSON at one end, and no trailers go on then.  PRE: nothing has come.
 */
struct lane_grpc {
    enum coding coding; /* what those that are compressed are under */
    bool streams;       /* there may be several, so the head does not wait */
    size_t max_hold;
};
void lane_frame_messages(struct lane *l, const struct lane_grpc *grpc, struct rewrite_grpc_ends ends);
/* The body passes as it is after all.  PRE: nothing has come. */
void lane_forget_plan(struct lane *l);
/* Instead of what would come: this and no more; behind what has gone out, if some has. */
void lane_say(struct lane *l, struct slice text);
/* A body of many texts, each rewritten by itself.  PRE: nothing has come yet. */
void lane_frame(struct lane *l, enum rewrite_framing framing, size_t max_hold);
/* Holds the body against what its contract says, before it is rewritten (`first`) or after; takes `take_fit`, NULL:
 * does nothing. */
void lane_check(struct lane *l, struct fit *take_fit, bool first);
/* The same for messages of gRPC. */
void lane_check_grpc(struct lane *l, const struct pbmould_message *message, const struct lane_grpc *grpc, bool first);
/* The body is under this coding.  PRE: lane_frame and lane_check have been called, nothing has come; not OTHER when the
 * lane reads the body. */
void lane_decode(struct lane *l, enum coding coding);
/* Counts the members that come; of a body under a coding it does nothing. */
void lane_count(struct lane *l);
void lane_fini(struct lane *l);

/* OK.  PEER: not a body the plan can rewrite, or of another shape (lane_put_fault).  FULL: a member over the bound. */
MUST_USE enum err lane_data(struct lane *l, struct slice bytes);
MUST_USE enum err lane_end(struct lane *l);
/* Is it time to send the head on the far side? */
bool lane_ready(const struct lane *l);
/* Whether the body is empty as far as one can know now: the head may carry END_STREAM. */
bool lane_empty(const struct lane *l);
/* The head was sent on `to`. */
void lane_open(struct lane *l, struct transit *to);
/* `to` has drained, or is to be given what waits. */
void lane_pump(struct lane *l);
/* Can everything that was given be given again? */
bool lane_replayable(const struct lane *l);
/* `to` has failed; start over with another one: closed, with everything pending again. */
void lane_rewind(struct lane *l);

/* "not JSON: ... at byte 17". */
void lane_put_fault(const struct lane *l, struct buf *out);

#endif
