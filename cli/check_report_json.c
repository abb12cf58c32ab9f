/* check_report_json - for programs; docs/check-json.md has the fields, docs/check.schema.json their types. */
#include "base/json_out.h"
#include "cli/check_report.h"

static void put_contract(struct json_out *j, const char *name, const struct contract *c)
{
    json_out_name(j, name);
    json_out_object(j);
    json_out_member(j, "name", contract_name(c));
    json_out_member(j, "version", contract_version(c));
    json_out_member(j, "digest", contract_digest_text(c));
    json_out_end(j);
}

static void put_operation(struct json_out *j, const struct check_pair *p, struct slice name)
{
    json_out_name_slice(j, name);
    json_out_str(j, verdict_level_name(check_report_operation_level(p, name)));
}

static void put_operations(struct json_out *j, const struct check_pair *p)
{
    json_out_name(j, "operations");
    json_out_object(j);
    for (size_t i = 0; i < contract_operation_count(p->old); i++)
        put_operation(j, p, contract_operation_name(p->old, i));
    for (size_t i = 0; i < contract_operation_count(p->new); i++)
        if (contract_operation(p->old, contract_operation_name(p->new, i)) < 0 && p->asked[CHECK_FORWARD])
            put_operation(j, p, contract_operation_name(p->new, i));
    json_out_end(j);
}

static void put_place(struct json_out *j, const char *name, const struct verdict_place *p)
{
    json_out_name(j, name);
    json_out_object(j);
    json_out_name(j, "file");
    json_out_str(j, p->file);
    json_out_member_int(j, "line", p->line);
    json_out_member_int(j, "column", p->column);
    json_out_end(j);
}

static void put_accepted(struct json_out *j, const struct check_accepted *a)
{
    json_out_name(j, "accepted");
    json_out_object(j);
    json_out_member(j, "owner", a->owner);
    json_out_member(j, "reason", a->reason);
    if (a->expires.len)
        json_out_member(j, "expires", a->expires);
    json_out_end(j);
}

static void put_finding(struct json_out *j, const struct check_pair *p, const struct check_item *item)
{
    const struct verdict_finding *f = item->finding;
    json_out_object(j);
    json_out_member(j, "id", f->id);
    json_out_member(j, "rule", f->rule);
    json_out_member(j, "kind", f->rule);
    json_out_member(j, "level", slice_str(verdict_level_name(item->level)));
    json_out_member(j, "side", p->deployed ? SLICE("both") : slice_str(check_report_sides[item->question]));
    json_out_member(j, "operation", f->operation);
    json_out_name(j, "operations");
    json_out_array(j);
    for (size_t i = 0; i < f->operation_count; i++)
        if (check_report_counts(p, item->question, f->operations[i]))
            json_out_slice(j, f->operations[i]);
    json_out_end(j);
    if (f->message_count) {
        json_out_name(j, "messages");
        json_out_array(j);
        for (size_t i = 0; i < f->message_count; i++)
            json_out_slice(j, f->messages[i]);
        json_out_end(j);
    }
    json_out_member(j, "direction",
                    f->both_directions ? SLICE("both") : slice_str(check_report_directions[f->direction]));
    json_out_member(j, "where", f->where);
    json_out_member(j, "message", f->message);
    put_place(j, "old", check_report_old_place(item));
    put_place(j, "new", check_report_new_place(item));
    json_out_name(j, "witness");
    if (f->witness.len)
        json_out_raw(j, f->witness);
    else
        json_out_null(j);
    /* A body may be null itself. */
    json_out_name(j, "shown");
    json_out_bool(j, f->witness.len > 0);
    json_out_member(j, "fix", f->fix);
    if (item->accepted)
        put_accepted(j, item->accepted);
    json_out_member(j, "proof", f->proof);
    if (f->also_count) {
        json_out_name(j, "also");
        json_out_array(j);
        for (size_t i = 0; i < f->also_count; i++)
            json_out_slice(j, f->also[i]);
        json_out_end(j);
    }
    json_out_end(j);
}

static void put_step(struct json_out *j, const struct check_pair *pair, struct slice operation, enum check_question q,
                     enum verdict_direction d, const struct plan_step *s)
{
    json_out_object(j);
    json_out_member(j, "side", pair->deployed ? SLICE("both") : slice_str(check_report_sides[q]));
    json_out_member(j, "operation", operation);
    json_out_member(j, "direction", slice_str(check_report_directions[d]));
    json_out_member(j, "op", slice_str(plan_op_name(s->op)));
    json_out_member(j, "law", slice_str(plan_law_name(s->law)));
    json_out_member(j, "path", s->path);
    if (s->from.len)
        json_out_member(j, "from", s->from);
    if (s->to.len)
        json_out_member(j, "to", s->to);
    if (s->value.len) {
        json_out_name(j, "value");
        json_out_raw(j, s->value);
    }
    if (s->op == PLAN_SCALE) {
        json_out_member_int(j, "times", s->times);
        json_out_member_int(j, "per", s->per);
    }
    if (s->op == PLAN_NARROW || s->whole) {
        json_out_member_int(j, "low", s->low);
        json_out_member_int(j, "high", s->high);
    }
    if (s->table_count) {
        json_out_name(j, "table");
        json_out_object(j);
        for (size_t i = 0; i < s->table_count; i++) {
            json_out_name_slice(j, s->table[2 * i]);
            json_out_slice(j, s->table[2 * i + 1]);
        }
        json_out_end(j);
    }
    json_out_member(j, "why", s->why);
    json_out_end(j);
}

static void put_plan(struct json_out *j, const struct check_pair *pair, struct slice operation, enum check_question q,
                     enum verdict_direction d, const struct plan *p)
{
    for (size_t i = 0; p && i < plan_count(p); i++)
        put_step(j, pair, operation, q, d, plan_step(p, i));
}

static void put_plans(struct json_out *j, const struct check_pair *p, enum check_question q)
{
    for (size_t i = 0; p->verdict[q] && i < verdict_operation_count(p->verdict[q]); i++) {
        const struct verdict_operation *op = verdict_operation(p->verdict[q], i);
        if (!check_report_counts(p, q, op->name))
            continue;
        put_plan(j, p, op->name, q, VERDICT_REQUEST, op->request);
        put_plan(j, p, op->name, q, VERDICT_RESPONSE, op->response);
    }
}

static void put_bump(struct json_out *j, const struct check_pair *p)
{
    enum check_bump needed = check_report_needed(p), declared = check_report_declared(p);
    json_out_name(j, "bump");
    json_out_object(j);
    json_out_member(j, "needed", slice_str(check_report_bump_name(needed)));
    json_out_member(j, "declared", slice_str(check_report_bump_name(declared)));
    json_out_name(j, "ok");
    json_out_bool(j, declared >= needed);
    json_out_end(j);
}

static bool hit_limit(const struct check_pair *p)
{
    for (int q = 0; q < CHECK_QUESTIONS; q++)
        if (p->verdict[q] && verdict_hit_limit(p->verdict[q]))
            return true;
    return false;
}

/* The members of a pair, into an object that is open. */
static void put_pair(struct json_out *j, const struct check_pair *p)
{
    if (p->label)
        json_out_member(j, "label", slice_str(p->label));
    json_out_member(j, "verdict", slice_str(verdict_level_name(check_report_pair_level(p))));
    if (!p->deployed)
        put_bump(j, p);
    put_contract(j, "old", p->old);
    put_contract(j, "new", p->new);
    put_operations(j, p);
    json_out_name(j, "findings");
    json_out_array(j);
    for (size_t i = 0; i < p->item_count; i++)
        put_finding(j, p, &p->items[i]);
    json_out_end(j);
    json_out_name(j, "plan");
    json_out_array(j);
    for (int q = 0; q < CHECK_QUESTIONS; q++)
        put_plans(j, p, (enum check_question)q);
    json_out_end(j);
    json_out_name(j, "stats");
    json_out_object(j);
    json_out_member_int(j, "operations", (int64_t)contract_operation_count(p->old));
    json_out_member_int(j, "findings", (int64_t)p->item_count);
    json_out_name(j, "limit");
    json_out_bool(j, hit_limit(p));
    json_out_end(j);
}

static void put_entry(struct json_out *j, const struct check_accepted *a)
{
    json_out_object(j);
    json_out_member(j, "fingerprint", a->fingerprint);
    json_out_member(j, "owner", a->owner);
    json_out_member_int(j, "line", a->line);
    if (a->expires.len)
        json_out_member(j, "expires", a->expires);
    json_out_end(j);
}

static void put_baseline(struct json_out *j, const struct check_baseline *b)
{
    json_out_name(j, "baseline");
    json_out_object(j);
    for (int expired = 0; expired < 2; expired++) {
        json_out_name(j, expired ? "expired" : "stale");
        json_out_array(j);
        for (size_t i = 0; i < check_baseline_count(b); i++) {
            const struct check_accepted *a = check_baseline_at(b, i);
            if (expired ? a->expired : !a->met && !a->expired)
                put_entry(j, a);
        }
        json_out_end(j);
    }
    json_out_end(j);
}

static void put_pairs(struct json_out *j, const struct check_report *r)
{
    json_out_member(j, "verdict", slice_str(verdict_level_name(check_report_level(r))));
    json_out_name(j, "pairs");
    json_out_array(j);
    for (size_t i = 0; i < r->count; i++) {
        json_out_object(j);
        put_pair(j, &r->pairs[i]);
        json_out_end(j);
    }
    json_out_end(j);
}

void check_report_json(const struct check_report *r, struct buf *out)
{
    struct json_out j;
    json_out_init(&j, out, 2);
    json_out_object(&j);
    if (r->count == 1 && !r->pairs[0].label)
        put_pair(&j, &r->pairs[0]);
    else
        put_pairs(&j, r);
    if (r->baseline)
        put_baseline(&j, r->baseline);
    json_out_end(&j);
    buf_put_char(out, '\n');
}
