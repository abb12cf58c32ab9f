#include "proxy/lane.h"

#include "base/check.h"
#include "contracts/wire/rewrite_grpc.h"
#include "http/hop.h"

/* What is held lies in memory that goes with the transit from one exchange to the next. */
static void borrow_spare(struct lane *l)
{
    struct buf *spare = &l->from->spare;
    l->held = *spare;
    l->held.bound = LANE_HOLD;
    buf_init(spare, spare->bound);
}

static void return_spare(struct lane *l)
{
    if (!l->from || !l->held.mem)
        return;
    size_t bound = l->from->spare.bound;
    buf_fini(&l->from->spare);
    l->from->spare = l->held;
    l->from->spare.bound = bound;
    buf_clear(&l->from->spare);
    buf_init(&l->held, LANE_HOLD);
}

void lane_init(struct lane *l, struct transit *from, struct plan *plan, size_t max_hold, bool keep)
{
    *l = (struct lane){.from = from, .holds = keep, .most = max_hold};
    buf_init(&l->pending, LANE_PENDING);
    buf_init(&l->held, LANE_HOLD);
    if (keep)
        borrow_spare(l);
    if (plan && plan_rewrites(plan)) {
        l->plan = plan_ref(plan);
        l->rewrite = rewrite_records_new(plan, max_hold, REWRITE_WHOLE);
        for (size_t i = 0; i < plan_count(plan); i++)
            l->waits = l->waits || plan_step(plan, i)->op == PLAN_TAKE;
    }
}

void lane_frame(struct lane *l, enum rewrite_framing framing, size_t max_hold)
{
    PRE(l->bytes == 0);
    if (!l->rewrite || framing == REWRITE_WHOLE)
        return;
    rewrite_free(&l->rewrite);
    l->rewrite = rewrite_records_new(l->plan, max_hold, framing);
    l->flows = true;
}

static enum err undo_message(const void *arg, struct slice in, struct buf *out)
{
    const enum coding *coding = arg;
    struct coding_undo *u = coding_undo_new(*coding);
    struct buf piece;
    enum err e;
    buf_init(&piece, 2 * (size_t)CODING_PIECE);
    do {
        buf_clear(&piece);
        e = coding_undo(u, &in, &piece);
        if ((e == ERR_OK || e == ERR_AGAIN) && buf_add(out, buf_slice(&piece)) != ERR_OK)
            e = ERR_FULL;
    } while (e == ERR_AGAIN || (e == ERR_OK && in.len));
    if (e == ERR_OK)
        e = coding_undo_end(u);
    buf_fini(&piece);
    coding_undo_free(&u);
    return e;
}

static enum err redo_message(const void *arg, struct slice in, struct buf *out)
{
    const enum coding *coding = arg;
    struct coding_redo *r = coding_redo_new(*coding);
    enum err e = coding_redo(r, in, false, out);
    if (e == ERR_OK)
        e = coding_redo_end(r, out);
    coding_redo_free(&r);
    return e;
}

/* How its compressed messages are read and written again. */
static struct rewrite_grpc_coding coding_for(struct lane *l, enum coding coding)
{
    l->message_coding = coding;
    if (coding != CODING_GZIP && coding != CODING_DEFLATE)
        return (struct rewrite_grpc_coding){0};
    return (struct rewrite_grpc_coding){.undo = undo_message, .redo = redo_message, .arg = &l->message_coding};
}

void lane_frame_messages(struct lane *l, const struct lane_grpc *grpc, struct rewrite_grpc_ends ends)
{
    PRE(l->bytes == 0);
    if (!l->rewrite)
        return;
    rewrite_free(&l->rewrite);
    struct rewrite_grpc_coding both = coding_for(l, grpc->coding);
    l->rewrite = rewrite_grpc_new(l->plan, grpc->max_hold, both.undo ? &both : NULL, ends);
    l->flows = grpc->streams;
    l->plain = ends.in != REWRITE_GRPC_FRAMED || ends.out != REWRITE_GRPC_FRAMED;
}

void lane_forget_plan(struct lane *l)
{
    PRE(l->bytes == 0);
    if (l->rewrite)
        rewrite_free(&l->rewrite);
    if (l->plan)
        plan_unref(&l->plan);
}

void lane_say(struct lane *l, struct slice text)
{
    if (l->rewrite)
        rewrite_free(&l->rewrite);
    if (!l->open)
        buf_clear(&l->pending);
    buf_put(&l->pending, text);
    l->ended = true;
    lane_pump(l);
}

void lane_check(struct lane *l, struct fit *take_fit, bool first)
{
    l->fit = take_fit;
    l->fit_first = first;
}

void lane_check_grpc(struct lane *l, const struct pbmould_message *message, const struct lane_grpc *grpc, bool first)
{
    struct rewrite_grpc_coding both = coding_for(l, grpc->coding);
    lane_check(l, fit_grpc_new(message, grpc->max_hold, both.undo ? &both : NULL), first);
    l->flows = l->flows || grpc->streams;
}

static bool works(const struct lane *l)
{
    return l->rewrite || l->fit;
}

void lane_decode(struct lane *l, enum coding coding)
{
    PRE(l->bytes == 0);
    l->coding = coding;
    if (!works(l) || coding == CODING_IDENTITY)
        return;
    l->undo = coding_undo_new(coding);
    if (l->rewrite && !l->plain)
        l->redo = coding_redo_new(coding);
    buf_init(&l->bare, LANE_PENDING);
}

void lane_count(struct lane *l)
{
    if (l->coding == CODING_IDENTITY)
        l->fields = fields_new();
}

void lane_fini(struct lane *l)
{
    fields_free(&l->fields);
    coding_undo_free(&l->undo);
    coding_redo_free(&l->redo);
    buf_fini(&l->bare);
    fit_free(&l->fit);
    if (l->rewrite)
        rewrite_free(&l->rewrite);
    if (l->plan)
        plan_unref(&l->plan);
    buf_fini(&l->pending);
    return_spare(l);
    buf_fini(&l->held);
}

/* Remembers what goes out, as long as it stays small. */
static void hold(struct lane *l, struct slice bytes)
{
    if (l->holds && buf_add(&l->held, bytes) != ERR_OK) {
        l->holds = false;
        buf_clear(&l->held);
        buf_trim(&l->held);
    }
}

static size_t room(const struct lane *l)
{
    size_t most = 2 * (size_t)TRANSIT_WINDOW, waiting = buf_len(&l->to->body);
    return waiting < most ? most - waiting : 0;
}

static void give_back(struct lane *l)
{
    if (!l->from->is_gone && l->from->owed && buf_len(&l->pending) == 0 && buf_len(&l->to->body) < TRANSIT_LOW_WATER)
        transit_credit(l->from, l->from->owed);
}

static void finish(struct lane *l)
{
    enum err e = ERR_OK;
    if (!l->plain)
        e = hop_trailers(&l->from->in, &l->to->out);
    else if (l->grpc_status)
        e = headers_add_token(&l->to->out.trailers, HEADERS_GRPC_STATUS, slice_str(l->grpc_status));
    (void)e; /* what was within the bounds on one side is on the other */
    l->finished = true;
    transit_finish(l->to);
}

void lane_pump(struct lane *l)
{
    if (!l->open || l->finished)
        return;
    struct slice some = slice_to(buf_slice(&l->pending), room(l));
    if (some.len) {
        hold(l, some);
        enum err e = transit_write(l->to, some);
        PRE(e == ERR_OK); /* room() has asked */
        buf_took(&l->pending, some.len);
    }
    if (l->ended && buf_len(&l->pending) == 0)
        finish(l);
    if (!l->ended)
        give_back(l);
}

/* The common case: nothing waits and there is room, so bytes go straight on. */
static bool pass_through(struct lane *l, struct slice bytes)
{
    if (l->rewrite || l->fit || !l->open || buf_len(&l->pending) || room(l) < bytes.len)
        return false;
    hold(l, bytes);
    enum err e = transit_write(l->to, bytes);
    PRE(e == ERR_OK); /* room() has asked */
    give_back(l);
    return true;
}

static enum err check(struct lane *l, struct slice bytes, bool first)
{
    return l->fit && l->fit_first == first && bytes.len ? fit_feed(l->fit, bytes) : ERR_OK;
}

/* What the rewriter gives goes on, under the coding if there is one. */
static enum err pass_on(struct lane *l, struct slice made)
{
    TRY(check(l, made, false));
    return l->redo ? coding_redo(l->redo, made, l->flows, &l->pending) : ERR_OK;
}

/* A piece without its coding. */
static enum err take_bare(struct lane *l, struct slice bytes)
{
    TRY(check(l, bytes, true));
    if (!l->rewrite)
        return check(l, bytes, false);
    struct buf *out = l->redo ? &l->bare : &l->pending;
    size_t before = buf_len(out);
    TRY(rewrite_feed(l->rewrite, bytes, out));
    TRY(pass_on(l, slice_from(buf_slice(out), before)));
    if (l->redo)
        buf_clear(&l->bare);
    return ERR_OK;
}

static enum err undo(struct lane *l, struct slice bytes)
{
    struct buf piece;
    enum err e;
    buf_init(&piece, 2 * (size_t)CODING_PIECE);
    do {
        buf_clear(&piece);
        e = coding_undo(l->undo, &bytes, &piece);
        if (e == ERR_PEER || e == ERR_FULL)
            l->broken = e == ERR_PEER ? "the body is not under the coding that it names"
                                      : "the body grows out of proportion when it is read";
        if (e != ERR_OK && e != ERR_AGAIN)
            break;
        enum err taken = take_bare(l, buf_slice(&piece));
        e = taken == ERR_OK ? e : taken;
    } while (e == ERR_AGAIN);
    buf_fini(&piece);
    return e;
}

static enum err take(struct lane *l, struct slice bytes)
{
    if (!l->rewrite)
        TRY(buf_add(&l->pending, bytes));
    return l->undo ? undo(l, bytes) : take_bare(l, bytes);
}

static enum err take_end(struct lane *l)
{
    if (l->undo && coding_undo_end(l->undo) != ERR_OK) {
        l->broken = "the body ends before its coding does";
        return ERR_PEER;
    }
    if (l->rewrite) {
        struct buf *out = l->redo ? &l->bare : &l->pending;
        size_t before = buf_len(out);
        TRY(rewrite_finish(l->rewrite, out));
        TRY(pass_on(l, slice_from(buf_slice(out), before)));
    }
    if (l->redo)
        TRY(coding_redo_end(l->redo, &l->pending));
    return l->fit ? fit_finish(l->fit) : ERR_OK;
}

enum err lane_data(struct lane *l, struct slice bytes)
{
    l->bytes += bytes.len;
    if (l->fields)
        fields_feed(l->fields, bytes);
    if (pass_through(l, bytes))
        return ERR_OK;
    TRY(take(l, bytes));
    lane_pump(l);
    if (l->waits && buf_len(&l->pending) > l->most) {
        l->broken = "the body is too large for one whose members are needed for the head";
        return ERR_FULL;
    }
    /* A rewriter that is collecting gets more to work on; what it holds has its own bound. */
    if (!l->open && (works(l) || l->waits) && l->from->owed && (l->waits || buf_len(&l->pending) < LANE_COMMIT))
        transit_credit(l->from, l->from->owed);
    return ERR_OK;
}

enum err lane_end(struct lane *l)
{
    /* No body at all is not a body to rewrite. */
    if (l->bytes || (l->plain && l->rewrite))
        TRY(take_end(l));
    l->ended = true;
    lane_pump(l);
    return ERR_OK;
}

bool lane_ready(const struct lane *l)
{
    return l->flows || l->ended || (!l->waits && (!works(l) || buf_len(&l->pending) >= LANE_COMMIT));
}

bool lane_empty(const struct lane *l)
{
    return l->ended && buf_len(&l->pending) == 0;
}

void lane_open(struct lane *l, struct transit *to)
{
    l->to = to;
    l->open = true;
    lane_pump(l);
}

bool lane_replayable(const struct lane *l)
{
    return l->holds;
}

void lane_rewind(struct lane *l)
{
    PRE(l->holds);
    struct buf again;
    buf_init(&again, LANE_PENDING);
    buf_put(&again, buf_slice(&l->held));
    buf_put(&again, buf_slice(&l->pending));
    buf_fini(&l->pending);
    l->pending = again;
    buf_clear(&l->held);
    l->to = NULL;
    l->open = false;
    l->finished = false;
}

void lane_put_fault(const struct lane *l, struct buf *out)
{
    if (l->broken) {
        buf_put(out, slice_str(l->broken));
        return;
    }
    if (l->fit)
        buf_put(out, slice_str(fit_fault(l->fit)));
    if (!l->rewrite || buf_len(out))
        return;
    buf_put(out, slice_str(rewrite_fault(l->rewrite)));
    buf_putf(out, " (at byte %llu)", (unsigned long long)rewrite_offset(l->rewrite));
}
