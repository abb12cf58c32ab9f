#include "cli/check_plan.h"

#include "contracts/wire/transcode_plan.h"

void check_plan_init(struct check_plan *p, const struct verdict *v, unsigned json)
{
    *p = (struct check_plan){.json = json};
    if (json == 0)
        return;
    p->caller = pbmould_new(verdict_consumer(v));
    p->function = pbmould_new(verdict_provider(v));
}

void check_plan_fini(struct check_plan *p)
{
    pbmould_unref(&p->caller);
    pbmould_unref(&p->function);
}

struct plan *check_plan_of(const struct check_plan *p, const struct verdict_operation *op, enum verdict_direction d)
{
    bool request = d == VERDICT_REQUEST;
    struct plan *between = request ? op->request : op->response;
    struct transcode_plan_end caller = {.json = p->json & CHECK_PLAN_CALLER, .types = p->caller};
    struct transcode_plan_end function = {.json = p->json & CHECK_PLAN_FUNCTION, .types = p->function};
    bool agree = caller.json == function.json && !op->request && !op->response;
    if (!p->caller || !p->function || op->level > VERDICT_ADAPTABLE || agree)
        return between ? plan_ref(between) : NULL;
    caller.message = request ? pbmould_request(p->caller, op->name) : pbmould_response(p->caller, op->name);
    function.message =
        request ? pbmould_request(p->function, op->provider_name) : pbmould_response(p->function, op->provider_name);
    if (!caller.message || !function.message)
        return NULL;
    return request ? transcode_plan_new(between, &caller, &function) : transcode_plan_new(between, &function, &caller);
}
