#include "contracts/wire/transcode_plan.h"

static void add_step(struct plan *p, const struct transcode_plan_end *end, bool reads)
{
    struct slice json = SLICE("json"), protobuf = SLICE("protobuf");
    plan_add(p, &(struct plan_step){
                    .op = PLAN_TRANSCODE,
                    .law = PLAN_PARTIAL,
                    .path = SLICE("/"),
                    .from = reads ? json : protobuf,
                    .to = reads ? protobuf : json,
                    .text = end->message->name,
                    .types = end->types,
                });
}

static void add_then(struct plan *p)
{
    if (plan_count(p))
        plan_add(p, &(struct plan_step){.op = PLAN_THEN, .path = SLICE("/")});
}

struct plan *transcode_plan_new(const struct plan *between, const struct transcode_plan_end *from,
                                const struct transcode_plan_end *to)
{
    if (!from->json && !to->json)
        return between ? plan_then(between, NULL) : NULL;
    struct plan *p = plan_new();
    if (from->json)
        add_step(p, from, true);
    if (between)
        add_then(p);
    for (size_t i = 0; between && i < plan_count(between); i++)
        plan_add(p, plan_step(between, i));
    if (to->json) {
        add_then(p);
        add_step(p, to, false);
    }
    return p;
}

bool transcode_plan_lacks_types(const struct plan *p)
{
    for (size_t i = 0; i < plan_count(p); i++)
        if (plan_step(p, i)->op == PLAN_TRANSCODE && !plan_step(p, i)->types)
            return true;
    return false;
}
