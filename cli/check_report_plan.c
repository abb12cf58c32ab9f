/* Plans alone, for `weft adapt`. */
#include "cli/check_plan.h"
#include "cli/check_report.h"

static bool adaptable(const struct verdict_operation *op)
{
    return op->level == VERDICT_ADAPTABLE || op->request || op->response;
}

/* A pair that is asked about. */
struct asked {
    const struct check_pair *p;
    enum check_question q;
    struct check_plan plans;
};

static void put_plan(struct buf *out, const struct asked *a, const struct verdict_operation *op,
                     enum verdict_direction d)
{
    const struct check_pair *p = a->p;
    enum check_question q = a->q;
    struct plan *plan = check_plan_of(&a->plans, op, d);
    if (!plan)
        return;
    buf_put(out, SLICE("\n["));
    if (p->label)
        buf_putf(out, "%s: ", p->label);
    buf_putf(out, "%s%s %.*s]\n", q == CHECK_FORWARD ? "forward " : "", check_report_directions[d],
             SLICE_FMT(op->name));
    plan_put(plan, out);
    plan_unref(&plan);
}

static void put_question(struct buf *out, const struct check_report *r, const struct check_pair *p,
                         enum check_question q)
{
    struct asked a = {.p = p, .q = q};
    check_plan_init(&a.plans, p->verdict[q], r->json);
    buf_putf(out, "# %s %s\n", check_report_question(p, q), verdict_level_name(p->level[q]));
    for (size_t i = 0; i < verdict_operation_count(p->verdict[q]); i++) {
        const struct verdict_operation *op = verdict_operation(p->verdict[q], i);
        if (!check_report_counts(p, q, op->name))
            continue;
        if (!adaptable(op) && op->level > VERDICT_ADAPTABLE)
            buf_putf(out, "# %.*s: %s, there is no plan\n", SLICE_FMT(op->name), verdict_level_name(op->level));
        put_plan(out, &a, op, VERDICT_REQUEST);
        put_plan(out, &a, op, VERDICT_RESPONSE);
    }
    check_plan_fini(&a.plans);
}

void check_report_plan(const struct check_report *r, struct buf *out)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct check_pair *p = &r->pairs[i];
        buf_putf(out, "%s# %.*s %.*s -> %.*s %.*s\n", i ? "\n" : "", SLICE_FMT(contract_name(p->old)),
                 SLICE_FMT(contract_version(p->old)), SLICE_FMT(contract_name(p->new)),
                 SLICE_FMT(contract_version(p->new)));
        for (int q = 0; q < CHECK_QUESTIONS; q++)
            if (p->asked[q] && p->verdict[q])
                put_question(out, r, p, (enum check_question)q);
    }
}
