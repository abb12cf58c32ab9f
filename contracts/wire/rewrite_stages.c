#include "contracts/wire/rewrite_stages.h"

#include "base/check.h"
#include "base/mem.h"
#include "contracts/wire/rewrite_format.h"
#include "contracts/wire/rewrite_pb.h"
#include "contracts/wire/transcode_json.h"
#include "contracts/wire/transcode_pb.h"

enum { PIECE = 16 << 10 };

struct rewrite_stages {
    struct rewrite shared;
    size_t count;
    struct rewrite **stages;
    struct buf *between; /* what a stage has given, for the next; one less than stages */
};

static struct rewrite_stages *stages_of(struct rewrite *r)
{
    return (struct rewrite_stages *)r;
}

static enum err failed(struct rewrite_stages *r, size_t stage, enum err e)
{
    if (stage)
        buf_putf(&r->shared.fault, "in stage %zu: ", stage + 1);
    buf_put(&r->shared.fault, slice_str(rewrite_fault(r->stages[stage])));
    buf_text(&r->shared.fault);
    r->shared.offset = rewrite_offset(r->stages[stage]);
    return e;
}

static struct buf *out_of(struct rewrite_stages *r, size_t stage, struct buf *out)
{
    return stage + 1 < r->count ? &r->between[stage] : out;
}

/* What waits before this stage and the ones behind it goes on. */
static enum err drain(struct rewrite_stages *r, size_t stage, struct buf *out)
{
    for (; stage < r->count; stage++) {
        enum err e = rewrite_feed(r->stages[stage], buf_slice(&r->between[stage - 1]), out_of(r, stage, out));
        buf_clear(&r->between[stage - 1]);
        if (e != ERR_OK)
            return failed(r, stage, e);
    }
    return ERR_OK;
}

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct rewrite_stages *r = stages_of(shared);
    for (; bytes.len; bytes = slice_from(bytes, PIECE)) {
        enum err e = rewrite_feed(r->stages[0], slice_to(bytes, PIECE), out_of(r, 0, out));
        if (e != ERR_OK)
            return failed(r, 0, e);
        TRY(drain(r, 1, out));
    }
    return ERR_OK;
}

static enum err finish(struct rewrite *shared, struct buf *out)
{
    struct rewrite_stages *r = stages_of(shared);
    for (size_t i = 0; i < r->count; i++) {
        enum err e = rewrite_finish(r->stages[i], out_of(r, i, out));
        if (e != ERR_OK)
            return failed(r, i, e);
        TRY(drain(r, i + 1, out));
    }
    return ERR_OK;
}

static void fini(struct rewrite *shared)
{
    struct rewrite_stages *r = stages_of(shared);
    for (size_t i = 0; i < r->count; i++) {
        r->stages[i]->applied = NULL;
        r->stages[i]->sides = NULL;
        rewrite_free(&r->stages[i]);
    }
    for (size_t i = 0; i + 1 < r->count; i++)
        buf_fini(&r->between[i]);
    mem_free(r->between);
    mem_free(r->stages);
}

static const struct rewrite_format stages_format = {.feed = feed, .finish = finish, .fini = fini};

/* Steps are numbered through all stages, so counts and sides are the whole's. */
static struct rewrite *share(struct rewrite_stages *r, struct rewrite *stage)
{
    mem_free(stage->applied);
    mem_free(stage->sides);
    stage->applied = r->shared.applied;
    stage->sides = r->shared.sides;
    return stage;
}

/* A stage that only changes the encoding; NULL: it is another. */
static struct rewrite *transcoder(struct plan *plan, size_t stage, size_t max_hold)
{
    size_t step = 0;
    for (; stage; step++)
        stage -= plan_step(plan, step)->op == PLAN_THEN;
    if (step == plan_count(plan) || plan_step(plan, step)->op != PLAN_TRANSCODE)
        return NULL;
    bool json = slice_eq(plan_step(plan, step)->from, SLICE("json"));
    return json ? transcode_json_new(plan, step, max_hold) : transcode_pb_new(plan, step, max_hold);
}

static struct rewrite *stage_of(struct plan *plan, size_t stage, const struct plan_tree *tree,
                                const struct pbplan *pbplan, size_t max_hold)
{
    struct rewrite *other = transcoder(plan, stage, max_hold);
    if (other)
        return other;
    return tree ? rewrite_json_stage(plan, tree, max_hold) : rewrite_pb_stage(plan, pbplan, max_hold);
}

struct rewrite *rewrite_stages_new(struct plan *plan, size_t max_hold)
{
    bool protobuf = plan_is_protobuf(plan);
    const struct plan_tree *tree = protobuf ? NULL : plan_compiled(plan);
    const struct pbplan *pbplan = protobuf ? plan_protobuf(plan) : NULL;
    struct rewrite_stages *r = mem_new(sizeof(*r));
    rewrite_init(&r->shared, &stages_format, plan);
    r->count = plan_stages(plan);
    r->stages = mem_array(r->count, sizeof(struct rewrite *));
    r->between = mem_array(r->count, sizeof(*r->between));
    for (size_t i = 0; i < r->count; i++) {
        PRE(tree || pbplan);
        r->stages[i] = share(r, stage_of(plan, i, tree, pbplan, max_hold));
        tree = tree ? tree->next : NULL;
        pbplan = pbplan ? pbplan->next : NULL;
        buf_init(&r->between[i], BUF_TEXT_BOUND);
    }
    return &r->shared;
}
