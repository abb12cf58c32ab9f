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
    struct rewrite *message; /* NULL: the next message makes one */
    struct buf held;         /* of the message under way, with its head */
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
    buf_putf(&r->shared.fault, "message %llu: %s", (unsigned long long)r->number, what);
    buf_text(&r->shared.fault);
    return e;
}

/* Counts are the whole stream's. */
static struct rewrite *message_of(struct rewrite_grpc *r)
{
    if (r->message)
        return r->message;
    r->message = rewrite_records_new(r->shared.plan, r->max_hold, REWRITE_WHOLE);
    mem_free(r->message->applied);
    r->message->applied = r->shared.applied;
    return r->message;
}

static void drop_message(struct rewrite_grpc *r)
{
    if (r->message)
        r->message->applied = NULL;
    rewrite_free(&r->message);
}

/* A message of one stage is ready for the next; others are made anew. */
static void message_over(struct rewrite_grpc *r)
{
    if (plan_is_protobuf(r->shared.plan) && plan_stages(r->shared.plan) == 1)
        rewrite_pb_again(r->message);
    else
        drop_message(r);
}

static enum err rewrite_one(struct rewrite_grpc *r, struct slice bytes, struct buf *out)
{
    struct rewrite *m = message_of(r);
    enum err e = rewrite_feed(m, bytes, out);
    if (e == ERR_OK)
        e = rewrite_finish(m, out);
    if (e != ERR_OK)
        return refuse(r, e, HEAD + rewrite_offset(m), rewrite_fault(m));
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
    if (e == ERR_OK)
        e = rewrite_one(r, buf_slice(&bare), &made);
    if (e == ERR_OK && r->coding.redo(r->coding.arg, buf_slice(&made), out) != ERR_OK)
        e = refuse(r, ERR_FULL, 0, "more goes out than has room");
    buf_fini(&bare);
    buf_fini(&made);
    return e;
}

/* One message with its head. */
static enum err take_message(struct rewrite_grpc *r, struct slice framed, struct buf *out)
{
    char head[HEAD] = {framed.at[0], 0, 0, 0, 0};
    struct slice bytes = slice_from(framed, HEAD);
    size_t at = buf_len(out);
    if (buf_add(out, slice_of(head, HEAD)) != ERR_OK)
        return refuse(r, ERR_FULL, 0, "more goes out than has room");
    TRY(framed.at[0] ? rewrite_coded(r, bytes, out) : rewrite_one(r, bytes, out));
    uint64_t len = buf_len(out) - at - HEAD;
    for (size_t i = 0; i < 4; i++)
        out->mem[out->start + at + 1 + i] = (char)(len >> (8 * (3 - i)));
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

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct rewrite_grpc *r = grpc_of(shared);
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
    (void)out;
    return buf_len(&r->held) ? refuse(r, ERR_PEER, buf_len(&r->held), "it ends too early") : ERR_OK;
}

static void fini(struct rewrite *shared)
{
    drop_message(grpc_of(shared));
    buf_fini(&grpc_of(shared)->held);
}

static const struct rewrite_format grpc_format = {.feed = feed, .finish = finish, .fini = fini};

struct rewrite *rewrite_grpc_new(struct plan *plan, size_t max_hold, const struct rewrite_grpc_coding *coding)
{
    struct rewrite_grpc *r = mem_new(sizeof(*r));
    rewrite_init(&r->shared, &grpc_format, plan);
    r->max_hold = max_hold;
    r->number = 1;
    if (coding)
        r->coding = *coding;
    buf_init(&r->held, BUF_TEXT_BOUND);
    r->held.bound = SIZE_MAX / 2; /* max_hold bounds it */
    return &r->shared;
}
