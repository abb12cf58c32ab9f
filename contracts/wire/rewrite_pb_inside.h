#ifndef WEFT_CONTRACTS_WIRE_REWRITE_PB_INSIDE_H
#define WEFT_CONTRACTS_WIRE_REWRITE_PB_INSIDE_H

/* rewrite_pb_inside - what the rooms of the protobuf rewriter share.
 *
 *   rewrite_pb        the walk: frames, fields, what is passed on or waited for
 *   rewrite_pb_out    the run, headers and lengths that go out
 *   rewrite_pb_value  a value that a step looks at
 *
 * Included by those three alone. */
#include "base/check.h"
#include "contracts/wire/pbscan.h"
#include "contracts/wire/rewrite_format.h"
#include "contracts/wire/rewrite_pb.h"

struct frame {
    const struct pbplan_node *node; /* NULL: nothing in it is touched */
    uint32_t number, out;           /* of its field, as it came and as it goes; 0: the body */
    bool group, dropped;
    bool within;            /* a message that is whole in the window, or a group in one */
    bool written;           /* its header has gone out; else it is part of the run */
    size_t begin, in, end;  /* in the window: of its key, its first byte, past its last */
    size_t header, reserve; /* in `out`: where its length stands, and in how many bytes */
    size_t marks;           /* the first of its marks */
};

struct rewrite_pb {
    struct rewrite shared;
    const struct pbplan *plan;
    size_t max_hold;
    struct buf held;
    size_t need;     /* bytes that `held` must have before it is looked at again */
    uint64_t taken;  /* bytes of the body before the window */
    uint64_t pass;   /* bytes still to come that nothing looks at */
    bool pass_drops; /* and that go nowhere */
    struct frame *frames;
    size_t depth, room;
    uint32_t *marks; /* for each watched number that goes out: the number it came in under, 0: not yet */
    size_t mark_count, mark_room;
    unsigned dropping;  /* open frames that go nowhere */
    unsigned unwritten; /* messages whose headers are part of the run */
    /* While looking: */
    struct slice window;
    size_t run; /* where the run begins */
    struct buf *out;
    char *base, *to, *most; /* what was written and `out` has not been told of, and the room for more */
};

static inline struct frame *rewrite_pb_top(struct rewrite_pb *r)
{
    return &r->frames[r->depth - 1];
}

/* ---- what is wrong ---- */

/* Says what, with the place of field `number` (0: the frame itself) in the innermost frame. */
MUST_USE enum err rewrite_pb_refuse(struct rewrite_pb *r, size_t at, uint32_t number, const char *what);
MUST_USE enum err rewrite_pb_refuse_value(struct rewrite_pb *r, const struct pbplan_field *rule,
                                          const struct pbscan_field *f, const char *what);
MUST_USE enum err rewrite_pb_no_room(struct rewrite_pb *r);
/* Two fields must not become one. */
MUST_USE enum err rewrite_pb_mark(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f);

static inline void rewrite_pb_count(struct rewrite_pb *r, int step)
{
    if (step != PBPLAN_NONE)
        r->shared.applied[step]++;
}

/* ---- going out ---- */

/* Room for at least `n` bytes. */
MUST_USE enum err rewrite_pb_out_room(struct rewrite_pb *r, size_t n);
void rewrite_pb_out_settle(struct rewrite_pb *r);
MUST_USE enum err rewrite_pb_out_zeros(struct rewrite_pb *r, size_t n);
MUST_USE enum err rewrite_pb_out_number(struct rewrite_pb *r, const struct pbvalue *v);
/* The headers of the messages around are written. */
MUST_USE enum err rewrite_pb_out_headers(struct rewrite_pb *r);
/* The message's length, now that it is known; what follows moves when it takes another number of bytes. */
MUST_USE enum err rewrite_pb_out_length(struct rewrite_pb *r, size_t header, size_t reserve);

/* How much `out` has. */
static inline size_t rewrite_pb_out_position(const struct rewrite_pb *r)
{
    return buf_len(r->out) + (size_t)(r->to - r->base);
}

/* Most pieces are short, and a call costs more than they do. */
static inline void rewrite_pb_out_copy(char *to, const char *from, size_t n)
{
    if (n > 32) {
        memcpy(to, from, n);
    } else if (n >= 16) {
        memcpy(to, from, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = from[i];
    }
}

static inline enum err rewrite_pb_out_put(struct rewrite_pb *r, struct slice bytes)
{
    if ((size_t)(r->most - r->to) < bytes.len)
        TRY(rewrite_pb_out_room(r, bytes.len));
    rewrite_pb_out_copy(r->to, bytes.at, bytes.len);
    r->to += bytes.len;
    return ERR_OK;
}

static inline enum err rewrite_pb_out_varint(struct rewrite_pb *r, uint64_t n)
{
    size_t size = PBVALUE_MOST;
    if ((size_t)(r->most - r->to) < size && (size = pbvalue_varint_size(n)) > (size_t)(r->most - r->to))
        TRY(rewrite_pb_out_room(r, size));
    r->to += pbvalue_write_varint(n, r->to);
    return ERR_OK;
}

static inline enum err rewrite_pb_out_key(struct rewrite_pb *r, uint32_t number, enum pbwire_type type)
{
    return rewrite_pb_out_varint(r, (uint64_t)number << 3 | (uint64_t)type);
}

/* The run up to here goes out, or nowhere. */
static inline enum err rewrite_pb_out_flush(struct rewrite_pb *r, size_t to)
{
    size_t from = r->run;
    r->run = to;
    if (from == to)
        return ERR_OK;
    return r->dropping ? ERR_OK : rewrite_pb_out_put(r, slice_of(r->window.at + from, to - from));
}

/* Something changes here: the run ends, and the messages around it have their headers written. */
static inline enum err rewrite_pb_out_break(struct rewrite_pb *r, size_t at)
{
    if (r->unwritten)
        TRY(rewrite_pb_out_headers(r));
    return rewrite_pb_out_flush(r, at);
}

/* ---- values ---- */

/* PRE: the field is whole. */
MUST_USE enum err rewrite_pb_value_judge(struct rewrite_pb *r, const struct pbplan_field *rule,
                                         const struct pbscan_field *f);

#endif
