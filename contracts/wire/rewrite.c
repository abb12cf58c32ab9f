#include "contracts/wire/rewrite.h"

#include "base/mem.h"
#include "contracts/wire/rewrite_format.h"

void rewrite_init(struct rewrite *r, const struct rewrite_format *format, struct plan *plan)
{
    *r = (struct rewrite){.format = format, .plan = plan_ref(plan)};
    r->applied = mem_array(plan_count(plan) + 1, sizeof(*r->applied));
    buf_init(&r->fault, BUF_TEXT_BOUND);
}

void rewrite_free(struct rewrite **r)
{
    struct rewrite *rewrite = *r;
    *r = NULL;
    if (!rewrite)
        return;
    rewrite->format->fini(rewrite);
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
