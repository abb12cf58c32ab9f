#include "contracts/wire/fit_grpc.h"

#include "base/mem.h"
#include "contracts/wire/fit_format.h"

enum { HEAD = 5, KEEP_MEMORY = 16 << 10 };

struct fit_grpc {
    struct fit shared;
    size_t max_hold;
    struct rewrite_grpc_coding coding;
    struct fit *message;
    char head[HEAD];
    size_t head_count; /* bytes of the head that have come */
    size_t whole;      /* bytes of the message with its head */
    size_t left;       /* bytes of it that have not come */
    struct buf held;   /* of a compressed message */
    uint64_t taken;    /* bytes before the message under way */
    uint64_t number;   /* of it, from 1 */
};

static enum err refuse(struct fit_grpc *f, enum err e, uint64_t at, const char *what)
{
    f->shared.offset = f->taken + at;
    buf_putf(&f->shared.fault, "message %llu: %s", (unsigned long long)f->number, what);
    buf_text(&f->shared.fault);
    return e;
}

static enum err hold_against(struct fit_grpc *f, struct slice bytes)
{
    if (fit_feed(f->message, bytes) != ERR_OK)
        return refuse(f, ERR_PEER, HEAD + fit_offset(f->message), fit_fault(f->message));
    return ERR_OK;
}

static enum err undo(struct fit_grpc *f, struct buf *bare)
{
    if (!f->coding.undo)
        return refuse(f, ERR_PEER, 0, "it is compressed, in a way that cannot be undone");
    enum err e = f->coding.undo(f->coding.arg, buf_slice(&f->held), bare);
    if (e == ERR_FULL)
        return refuse(f, e, 0, "it is too large, or grows out of proportion, when it is read");
    return e == ERR_OK ? e : refuse(f, e, 0, "it is not under the coding that it names");
}

static enum err end_compressed(struct fit_grpc *f)
{
    struct buf bare;
    buf_init(&bare, f->max_hold);
    enum err e = undo(f, &bare);
    if (e == ERR_OK)
        e = hold_against(f, buf_slice(&bare));
    buf_fini(&bare);
    buf_clear(&f->held);
    if (f->held.cap > KEEP_MEMORY)
        buf_trim(&f->held);
    return e;
}

static enum err end_message(struct fit_grpc *f)
{
    if (f->head[0])
        TRY(end_compressed(f));
    if (fit_finish(f->message) != ERR_OK)
        return refuse(f, ERR_PEER, HEAD + fit_offset(f->message), fit_fault(f->message));
    fit_pb_again(f->message);
    f->taken += f->whole;
    f->head_count = 0;
    f->number++;
    return ERR_OK;
}

static enum err take_head(struct fit_grpc *f, struct slice *bytes)
{
    struct slice some = slice_to(*bytes, HEAD - f->head_count);
    memcpy(f->head + f->head_count, some.at, some.len);
    f->head_count += some.len;
    *bytes = slice_from(*bytes, some.len);
    if (f->head[0] != 0 && f->head[0] != 1)
        return refuse(f, ERR_PEER, 0, "not gRPC: a message begins with 0 or 1");
    if (f->head_count < HEAD)
        return ERR_OK;
    f->left = 0;
    for (size_t i = 1; i < HEAD; i++)
        f->left = f->left << 8 | (unsigned char)f->head[i];
    if (f->head[0] && f->left > f->max_hold)
        return refuse(f, ERR_FULL, 0, "it is compressed, and larger than what may be held");
    f->whole = HEAD + f->left;
    return f->left ? ERR_OK : end_message(f);
}

static enum err take_body(struct fit_grpc *f, struct slice *bytes)
{
    struct slice some = slice_to(*bytes, f->left);
    if (f->head[0])
        buf_put(&f->held, some);
    else
        TRY(hold_against(f, some));
    f->left -= some.len;
    *bytes = slice_from(*bytes, some.len);
    return f->left ? ERR_OK : end_message(f);
}

static enum err feed(struct fit *shared, struct slice bytes)
{
    struct fit_grpc *f = (struct fit_grpc *)shared;
    while (bytes.len)
        TRY(f->head_count < HEAD ? take_head(f, &bytes) : take_body(f, &bytes));
    return ERR_OK;
}

static enum err finish(struct fit *shared)
{
    struct fit_grpc *f = (struct fit_grpc *)shared;
    return f->head_count ? refuse(f, ERR_PEER, f->head_count, "it ends too early") : ERR_OK;
}

static void fini(struct fit *shared)
{
    struct fit_grpc *f = (struct fit_grpc *)shared;
    fit_free(&f->message);
    buf_fini(&f->held);
}

static const struct fit_format grpc_format = {.feed = feed, .finish = finish, .fini = fini};

struct fit *fit_grpc_new(const struct pbmould_message *message, size_t max_hold,
                         const struct rewrite_grpc_coding *coding)
{
    struct fit_grpc *f = mem_new(sizeof(*f));
    fit_init(&f->shared, &grpc_format);
    f->max_hold = max_hold;
    f->number = 1;
    if (coding)
        f->coding = *coding;
    f->message = fit_pb_new(message);
    buf_init(&f->held, BUF_TEXT_BOUND);
    f->held.bound = SIZE_MAX / 2; /* max_hold bounds it */
    return &f->shared;
}
