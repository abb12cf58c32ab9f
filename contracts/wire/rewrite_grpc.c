#include "contracts/wire/rewrite_grpc.h"

#include "base/check.h"
#include "base/mem.h"
#include "contracts/wire/rewrite_format.h"
#include "contracts/wire/rewrite_pb.h"
#include "contracts/wire/rewrite_records.h"

enum { HEAD = 5, KEEP_MEMORY = 16 << 10 };

struct rewrite_grpc {
    struct rewrite shared;
    size_t max_hold;
    struct rewrite_grpc_coding coding;
    struct rewrite_grpc_ends ends;
    struct rewrite *message; /* NULL: the next message makes one */
    struct buf held;         /* of the message under way, with its head */
    struct buf made;         /* of one that comes alone */
    bool begun;              /* some of it has come */
    uint64_t taken;          /* bytes of the messages before it */
    uint64_t number;         /* of the message under way, from 1 */
};

static struct rewrite_grpc *grpc_of(struct rewrite *r)
{
    return (struct rewrite_grpc *)r;
}

static enum err refuse(struct rewrite_grpc *r, enum err e, uint64_t at, const char *what)
{
    r->shared.offset = r->taken + at;
    if (r->ends.in == REWRITE_GRPC_ALONE)
        buf_put(&r->shared.fault, slice_str(what));
    else
        buf_putf(&r->shared.fault, "message %llu: %s", (unsigned long long)r->number, what);
    buf_text(&r->shared.fault);
    return e;
}

/* One stage is ready for the next message and counts into the stream's own numbers; several are made anew for each, and
 * what they have counted is added. */
static bool stays(const struct rewrite_grpc *r)
{
    const struct plan *p = r->shared.plan;
    return plan_is_protobuf(p) && plan_stages(p) == 1 && !plan_reads_json(p) && !plan_writes_json(p);
}

static struct rewrite *message_of(struct rewrite_grpc *r)
{
    if (r->message)
        return r->message;
    r->message = rewrite_records_new(r->shared.plan, r->max_hold, REWRITE_WHOLE);
    if (stays(r)) {
        mem_free(r->message->applied);
        r->message->applied = r->shared.applied;
    }
    return r->message;
}

static void drop_message(struct rewrite_grpc *r)
{
    for (size_t i = 0; r->message && !stays(r) && i < plan_count(r->shared.plan); i++)
        r->shared.applied[i] += rewrite_applied(r->message)[i];
    if (r->message && stays(r))
        r->message->applied = NULL;
    rewrite_free(&r->message);
}

static void message_over(struct rewrite_grpc *r)
{
    if (stays(r))
        rewrite_pb_again(r->message);
    else
        drop_message(r);
}

/* Bytes before the message itself. */
static size_t before(const struct rewrite_grpc *r)
{
    return r->ends.in == REWRITE_GRPC_FRAMED ? HEAD : 0;
}

static enum err rewrite_one(struct rewrite_grpc *r, struct slice bytes, struct buf *out)
{
    struct rewrite *m = message_of(r);
    enum err e = rewrite_feed(m, bytes, out);
    if (e == ERR_OK)
        e = rewrite_finish(m, out);
    if (e != ERR_OK)
        return refuse(r, e, before(r) + rewrite_offset(m), rewrite_fault(m));
    message_over(r);
    return ERR_OK;
}

static enum err undo(struct rewrite_grpc *r, struct slice bytes, struct buf *bare)
{
    if (!r->coding.undo)
        return refuse(r, ERR_PEER, 0, "it is compressed, in a way that cannot be undone");
    enum err e = r->coding.undo(r->coding.arg, bytes, bare);
    if (e == ERR_FULL)
        return refuse(r, e, 0, "it is too large, or grows out of proportion, when it is read");
    return e == ERR_OK ? e : refuse(r, e, 0, "it is not under the coding that it names");
}

static enum err rewrite_coded(struct rewrite_grpc *r, struct slice bytes, struct buf *out)
{
    struct buf bare, made;
    buf_init(&bare, r->max_hold);
    buf_init(&made, out->bound);
    enum err e = undo(r, bytes, &bare);
    bool again = r->ends.out == REWRITE_GRPC_FRAMED;
    if (e == ERR_OK)
        e = rewrite_one(r, buf_slice(&bare), again ? &made : out);
    if (e == ERR_OK && again && r->coding.redo(r->coding.arg, buf_slice(&made), out) != ERR_OK)
        e = refuse(r, ERR_FULL, 0, "more goes out than has room");
    buf_fini(&bare);
    buf_fini(&made);
    return e;
}

static enum err put(struct rewrite_grpc *r, struct slice bytes, struct buf *out)
{
    return buf_add(out, bytes) == ERR_OK ? ERR_OK : refuse(r, ERR_FULL, 0, "more goes out than has room");
}

/* The head of the message that begins `at` in `out`, and its length, now that it is there. */
static void set_length(struct buf *out, size_t at)
{
    uint64_t len = buf_len(out) - at - HEAD;
    for (size_t i = 0; i < 4; i++)
        out->mem[out->start + at + 1 + i] = (char)(len >> (8 * (3 - i)));
}

/* One message without its head, compressed or not. */
static enum err give(struct rewrite_grpc *r, bool coded, struct slice bytes, struct buf *out)
{
    char head[HEAD] = {(char)coded, 0, 0, 0, 0};
    size_t at = buf_len(out);
    bool framed = r->ends.out == REWRITE_GRPC_FRAMED;
    if (r->ends.out == REWRITE_GRPC_ALONE && r->number > 1)
        return refuse(r, ERR_PEER, 0, "only one message is expected");
    if (framed)
        TRY(put(r, slice_of(head, HEAD), out));
    TRY(coded ? rewrite_coded(r, bytes, out) : rewrite_one(r, bytes, out));
    if (framed)
        set_length(out, at);
    return r->ends.out == REWRITE_GRPC_LINES ? put(r, SLICE("\n"), out) : ERR_OK;
}

/* One message with its head. */
static enum err take_message(struct rewrite_grpc *r, struct slice framed, struct buf *out)
{
    TRY(give(r, framed.at[0], slice_from(framed, HEAD), out));
    r->taken += framed.len;
    r->number++;
    return ERR_OK;
}

/* Of the message whose head is here, with it. */
static enum err size_of(struct rewrite_grpc *r, struct slice head, size_t *out)
{
    size_t len = 0;
    if (head.at[0] != 0 && head.at[0] != 1)
        return refuse(r, ERR_PEER, 0, "not gRPC: a message begins with 0 or 1");
    for (size_t i = 1; i < HEAD; i++)
        len = len << 8 | (unsigned char)head.at[i];
    if (len > r->max_hold)
        return refuse(r, ERR_FULL, 0, "it is larger than a step may hold");
    *out = HEAD + len;
    return ERR_OK;
}

static void hold(struct rewrite_grpc *r, struct slice *bytes, size_t whole)
{
    struct slice some = slice_to(*bytes, whole - buf_len(&r->held));
    buf_put(&r->held, some);
    *bytes = slice_from(*bytes, some.len);
}

/* The message under way gets more. */
static enum err take_held(struct rewrite_grpc *r, struct slice *bytes, struct buf *out)
{
    size_t whole;
    hold(r, bytes, buf_len(&r->held) < HEAD ? HEAD : buf_len(&r->held));
    if (buf_len(&r->held) < HEAD)
        return ERR_OK;
    TRY(size_of(r, buf_slice(&r->held), &whole));
    hold(r, bytes, whole);
    if (buf_len(&r->held) < whole)
        return ERR_OK;
    TRY(take_message(r, buf_slice(&r->held), out));
    buf_clear(&r->held);
    if (r->held.cap > KEEP_MEMORY)
        buf_trim(&r->held);
    return ERR_OK;
}

/* ---- messages of JSON ---- */

static enum err feed_alone(struct rewrite_grpc *r, struct slice bytes)
{
    r->begun = r->begun || bytes.len;
    struct rewrite *m = message_of(r);
    enum err e = rewrite_feed(m, bytes, &r->made);
    return e == ERR_OK ? e : refuse(r, e, rewrite_offset(m), rewrite_fault(m));
}

static enum err finish_alone(struct rewrite_grpc *r, struct buf *out)
{
    char head[HEAD] = {0};
    size_t at = buf_len(out);
    if (!r->begun)
        TRY(feed_alone(r, SLICE("{}"))); /* no body is as good as an empty one */
    struct rewrite *m = message_of(r);
    enum err e = rewrite_finish(m, &r->made);
    if (e != ERR_OK)
        return refuse(r, e, rewrite_offset(m), rewrite_fault(m));
    TRY(put(r, slice_of(head, HEAD), out));
    TRY(put(r, buf_slice(&r->made), out));
    set_length(out, at);
    return ERR_OK;
}

/* An empty line is no message. */
static enum err end_line(struct rewrite_grpc *r, struct buf *out)
{
    size_t len = buf_len(&r->held);
    if (slice_trim(buf_slice(&r->held)).len && !slice_eq(buf_slice(&r->held), SLICE("\r"))) {
        TRY(give(r, false, buf_slice(&r->held), out));
        r->number++;
    }
    r->taken += len + 1;
    buf_clear(&r->held);
    return ERR_OK;
}

static enum err feed_lines(struct rewrite_grpc *r, struct slice bytes, struct buf *out)
{
    while (bytes.len) {
        size_t at = bytes.len;
        bool ends = slice_find(bytes, '\n', &at);
        if (buf_len(&r->held) + at > r->max_hold)
            return refuse(r, ERR_FULL, 0, "it is larger than a step may hold");
        buf_put(&r->held, slice_to(bytes, at));
        if (ends)
            TRY(end_line(r, out));
        bytes = slice_from(bytes, at + ends);
    }
    return ERR_OK;
}

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct rewrite_grpc *r = grpc_of(shared);
    if (r->ends.in == REWRITE_GRPC_ALONE)
        return feed_alone(r, bytes);
    if (r->ends.in == REWRITE_GRPC_LINES)
        return feed_lines(r, bytes, out);
    while (bytes.len) {
        size_t whole = SIZE_MAX;
        if (buf_len(&r->held) == 0 && bytes.len >= HEAD)
            TRY(size_of(r, bytes, &whole));
        if (whole > bytes.len) {
            TRY(take_held(r, &bytes, out));
            continue;
        }
        TRY(take_message(r, slice_to(bytes, whole), out));
        bytes = slice_from(bytes, whole);
    }
    return ERR_OK;
}

static enum err finish(struct rewrite *shared, struct buf *out)
{
    struct rewrite_grpc *r = grpc_of(shared);
    if (r->ends.in == REWRITE_GRPC_ALONE)
        return finish_alone(r, out);
    if (r->ends.in == REWRITE_GRPC_LINES)
        return end_line(r, out);
    if (r->ends.out == REWRITE_GRPC_ALONE && r->number == 1 && buf_len(&r->held) == 0)
        return refuse(r, ERR_PEER, 0, "there is no message");
    return buf_len(&r->held) ? refuse(r, ERR_PEER, buf_len(&r->held), "it ends too early") : ERR_OK;
}

static void fini(struct rewrite *shared)
{
    drop_message(grpc_of(shared));
    buf_fini(&grpc_of(shared)->held);
    buf_fini(&grpc_of(shared)->made);
}

static const struct rewrite_format grpc_format = {.feed = feed, .finish = finish, .fini = fini};

struct rewrite *rewrite_grpc_new(struct plan *plan, size_t max_hold, const struct rewrite_grpc_coding *coding,
                                 struct rewrite_grpc_ends ends)
{
    PRE(ends.in != REWRITE_GRPC_ALONE || ends.out == REWRITE_GRPC_FRAMED);
    struct rewrite_grpc *r = mem_new(sizeof(*r));
    rewrite_init(&r->shared, &grpc_format, plan);
    r->max_hold = max_hold;
    r->number = 1;
    if (coding)
        r->coding = *coding;
    r->ends = ends;
    buf_init(&r->held, SIZE_MAX / 2); /* max_hold bounds both */
    buf_init(&r->made, SIZE_MAX / 2);
    return &r->shared;
}
