#include "contracts/wire/rewrite.h"

#include "base/check.h"
#include "base/mem.h"
#include "contracts/wire/rewrite_format.h"

void rewrite_init(struct rewrite *r, const struct rewrite_format *format, struct plan *plan)
{
    *r = (struct rewrite){.format = format, .plan = plan_ref(plan)};
    r->applied = mem_array(plan_count(plan) + 1, sizeof(*r->applied));
    buf_init(&r->fault, BUF_TEXT_BOUND);
    for (size_t i = 0; i < plan_count(plan) && !r->sides; i++)
        if (plan_step(plan, i)->op == PLAN_TAKE || plan_step(plan, i)->op == PLAN_PUT)
            r->sides = mem_array(plan_count(plan), sizeof(*r->sides));
}

static void free_sides(struct rewrite *r)
{
    for (size_t i = 0; r->sides && i < plan_count(r->plan); i++)
        buf_fini(&r->sides[i].json);
    mem_free(r->sides);
}

void rewrite_free(struct rewrite **r)
{
    struct rewrite *rewrite = *r;
    *r = NULL;
    if (!rewrite)
        return;
    rewrite->format->fini(rewrite);
    free_sides(rewrite);
    plan_unref(&rewrite->plan);
    buf_fini(&rewrite->fault);
    mem_free(rewrite->applied);
    mem_free(rewrite);
}

enum err rewrite_feed(struct rewrite *r, struct slice bytes, struct buf *out)
{
    if (r->stuck == ERR_OK)
        r->stuck = r->format->feed(r, bytes, out);
    return r->stuck;
}

enum err rewrite_finish(struct rewrite *r, struct buf *out)
{
    if (r->stuck == ERR_OK)
        r->stuck = r->format->finish(r, out);
    return r->stuck;
}

static void set_side(struct rewrite *r, size_t step, struct slice json)
{
    struct rewrite_side *side = &r->sides[step];
    buf_fini(&side->json);
    buf_init(&side->json, BUF_TEXT_BOUND);
    buf_put(&side->json, json);
    side->there = true;
}

void rewrite_give(struct rewrite *r, size_t step, struct slice json)
{
    PRE(step < plan_count(r->plan) && plan_step(r->plan, step)->op == PLAN_PUT);
    set_side(r, step, json);
}

void rewrite_took(struct rewrite *r, size_t step, struct slice json)
{
    PRE(step < plan_count(r->plan) && plan_step(r->plan, step)->op == PLAN_TAKE);
    set_side(r, step, json);
}

enum err rewrite_taken(const struct rewrite *r, size_t step, struct slice *json)
{
    if (!r->sides || step >= plan_count(r->plan) || plan_step(r->plan, step)->op != PLAN_TAKE || !r->sides[step].there)
        return ERR_ABSENT;
    *json = buf_slice(&r->sides[step].json);
    return ERR_OK;
}

const char *rewrite_fault(const struct rewrite *r)
{
    /* Written once, NUL-terminated, when the error came. */
    return buf_len(&r->fault) ? buf_slice(&r->fault).at : "";
}

uint64_t rewrite_offset(const struct rewrite *r)
{
    return r->offset;
}

const uint64_t *rewrite_applied(const struct rewrite *r)
{
    return r->applied;
}
