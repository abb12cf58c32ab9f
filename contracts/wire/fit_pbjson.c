#include "contracts/wire/fit_pbjson.h"

#include "base/check.h"
#include "base/mem.h"
#include "contracts/wire/fit_format.h"
#include "contracts/wire/transcode_json.h"
#include "contracts/wire/transcode_plan.h"

struct fit_pbjson {
    struct fit shared;
    struct rewrite *rewrite;
    struct buf none;
};

static enum err told(struct fit_pbjson *f, enum err e)
{
    if (e == ERR_OK)
        return e;
    f->shared.offset = rewrite_offset(f->rewrite);
    buf_putf(&f->shared.fault, "%s (byte %llu)", rewrite_fault(f->rewrite), (unsigned long long)f->shared.offset);
    buf_text(&f->shared.fault);
    return e;
}

static enum err feed(struct fit *shared, struct slice bytes)
{
    struct fit_pbjson *f = (struct fit_pbjson *)shared;
    return told(f, rewrite_feed(f->rewrite, bytes, &f->none));
}

static enum err finish(struct fit *shared)
{
    struct fit_pbjson *f = (struct fit_pbjson *)shared;
    return told(f, rewrite_finish(f->rewrite, &f->none));
}

static void fini(struct fit *shared)
{
    struct fit_pbjson *f = (struct fit_pbjson *)shared;
    rewrite_free(&f->rewrite);
    buf_fini(&f->none);
}

static const struct fit_format pbjson_format = {.feed = feed, .finish = finish, .fini = fini};

struct fit *fit_pbjson_new(struct pbmould *types, const struct pbmould_message *message, size_t max_hold)
{
    struct fit_pbjson *f = mem_new(sizeof(*f));
    struct transcode_plan_end json = {true, types, message}, bytes = {false, types, message};
    struct plan *plan = transcode_plan_new(NULL, &json, &bytes);
    PRE(plan);
    fit_init(&f->shared, &pbjson_format);
    f->rewrite = transcode_json_check(plan, 0, max_hold);
    buf_init(&f->none, 0);
    plan_unref(&plan);
    return &f->shared;
}
