#include "cli/check_report.h"

#include "base/json_out.h"

static const char *const directions[] = {
    [VERDICT_REQUEST] = "request",
    [VERDICT_RESPONSE] = "response",
    [VERDICT_SURFACE] = "surface",
};

/* Whose upgrade a question is about. */
static const char *const sides[CHECK_QUESTIONS] = {[CHECK_BACKWARD] = "provider", [CHECK_FORWARD] = "consumer"};

static const char *const questions[CHECK_QUESTIONS] = {
    [CHECK_BACKWARD] = "may old consumers call the new provider?",
    [CHECK_FORWARD] = "may new consumers call the old provider?",
};

/* --- What counts. */

static bool is_job(const struct contract *c, struct slice operation)
{
    int i = contract_operation(c, operation);
    return i >= 0 && contract_operation_job(c, (size_t)i);
}

/* A question that nobody needs answered has no verdict. */
static size_t operation_count(const struct check_report *r, enum check_question q)
{
    return r->verdict[q] ? verdict_operation_count(r->verdict[q]) : 0;
}

static size_t finding_count(const struct check_report *r, enum check_question q)
{
    return r->verdict[q] ? verdict_finding_count(r->verdict[q]) : 0;
}

bool check_report_counts(const struct check_report *r, enum check_question q, struct slice operation)
{
    if (!r->asked[q])
        return false;
    return q != CHECK_FORWARD || !r->jobs_only || is_job(r->new, operation) || is_job(r->old, operation);
}

static bool finding_counts(const struct check_report *r, enum check_question q, const struct verdict_finding *f)
{
    for (size_t i = 0; i < f->operation_count; i++)
        if (check_report_counts(r, q, f->operations[i]))
            return true;
    return r->asked[q] && f->operation_count == 0;
}

static enum verdict_level worst_of(const struct check_report *r, enum check_question q)
{
    enum verdict_level worst = VERDICT_SAME;
    for (size_t i = 0; i < operation_count(r, q); i++) {
        const struct verdict_operation *op = verdict_operation(r->verdict[q], i);
        if (op->level > worst && check_report_counts(r, q, op->name))
            worst = op->level;
    }
    return worst;
}

enum verdict_level check_report_level(const struct check_report *r)
{
    enum verdict_level a = worst_of(r, CHECK_BACKWARD), b = worst_of(r, CHECK_FORWARD);
    return a > b ? a : b;
}

/* --- Versions (semver 2.0.0: MAJOR.MINOR.PATCH, what follows is not compared). */

struct version {
    uint64_t part[3];
};

static bool read_version(struct slice text, struct version *v)
{
    *v = (struct version){0};
    for (size_t i = 0; i < 3 && text.len; i++) {
        size_t n = 0;
        while (n < text.len && text.at[n] >= '0' && text.at[n] <= '9')
            n++;
        if (slice_u64(slice_to(text, n), UINT64_MAX, &v->part[i]) != ERR_OK)
            return false;
        text = slice_from(text, n);
        if (!slice_starts(text, SLICE(".")))
            return true;
        text = slice_from(text, 1);
    }
    return true;
}

enum check_bump check_report_declared(const struct check_report *r)
{
    struct version a, b;
    if (!read_version(contract_version(r->old), &a) || !read_version(contract_version(r->new), &b))
        return CHECK_NONE;
    for (size_t i = 0; i < 3; i++) {
        if (b.part[i] == a.part[i])
            continue;
        if (b.part[i] < a.part[i])
            return CHECK_NONE;
        /* Before 1.0.0 the second number is the one that says "this breaks". */
        if (i == 0 || (i == 1 && a.part[0] == 0))
            return CHECK_MAJOR;
        return i == 1 ? CHECK_MINOR : CHECK_PATCH;
    }
    return CHECK_NONE;
}

enum check_bump check_report_needed(const struct check_report *r)
{
    enum verdict_level worst = verdict_level(r->verdict[CHECK_BACKWARD]);
    if (worst >= VERDICT_ADAPTABLE)
        return CHECK_MAJOR;
    /* Operations that only the new one has do not show in the backward question, but in the forward one. */
    if (worst == VERDICT_COMPATIBLE || verdict_level(r->verdict[CHECK_FORWARD]) != VERDICT_SAME)
        return CHECK_MINOR;
    return CHECK_NONE;
}

const char *check_report_bump_name(enum check_bump b)
{
    static const char *const names[] = {
        [CHECK_NONE] = "none", [CHECK_PATCH] = "patch", [CHECK_MINOR] = "minor", [CHECK_MAJOR] = "major"};
    return names[b];
}

/* --- For a person. */

static const struct verdict_place *place_of(const struct verdict_finding *f, enum check_question q, bool of_old)
{
    return (q == CHECK_BACKWARD) == of_old ? &f->consumer : &f->provider;
}

static void put_place(struct buf *out, const char *label, const struct verdict_place *p)
{
    buf_putf(out, "    %-8s %s:%u:%u\n", label, p->file ? p->file : "?", p->line, p->column);
}

static void put_who(struct buf *out, const struct check_report *r, enum check_question q,
                    const struct verdict_finding *f)
{
    static const char *const parts[] = {
        [VERDICT_REQUEST] = "requests of", [VERDICT_RESPONSE] = "responses of", [VERDICT_SURFACE] = "calls of"};
    enum { SHOWN = 8 };
    buf_putf(out, "    %-8s %s", "who", f->both_directions ? "requests and responses of" : parts[f->direction]);
    size_t shown = 0, counted = 0;
    for (size_t i = 0; i < f->operation_count; i++) {
        if (!check_report_counts(r, q, f->operations[i]))
            continue;
        if (++counted > SHOWN)
            continue;
        buf_putf(out, "%s%.*s", shown++ ? ", " : " ", SLICE_FMT(f->operations[i]));
    }
    if (counted > shown)
        buf_putf(out, " and %zu more", counted - shown);
    buf_put_char(out, '\n');
}

static void put_finding(struct buf *out, const struct check_report *r, enum check_question q,
                        const struct verdict_finding *f)
{
    buf_putf(out, "\n  %s: %.*s  %.*s  [%.*s]\n", verdict_level_name(f->level), SLICE_FMT(f->rule), SLICE_FMT(f->where),
             SLICE_FMT(f->id));
    buf_putf(out, "    %.*s\n", SLICE_FMT(f->message));
    if (f->operation_count)
        put_who(out, r, q, f);
    put_place(out, "old", place_of(f, q, true));
    put_place(out, "new", place_of(f, q, false));
    if (f->witness.len)
        buf_putf(out, "    %-8s %.*s\n", f->direction == VERDICT_SURFACE ? "call" : "body", SLICE_FMT(f->witness));
    if (f->fix.len)
        buf_putf(out, "    %-8s %.*s\n", "repair", SLICE_FMT(f->fix));
}

static void put_plan(struct buf *out, struct slice operation, enum verdict_direction d, const struct plan *p)
{
    if (!p)
        return;
    buf_putf(out, "\n  plan for the %s of %.*s (%s):\n", directions[d], SLICE_FMT(operation),
             plan_law_name(plan_law(p)));
    struct buf steps;
    buf_init(&steps, BUF_TEXT_BOUND);
    plan_put(p, &steps);
    struct slice rest = buf_slice(&steps), line;
    while (slice_split(&rest, '\n', &line))
        buf_putf(out, "    %.*s\n", SLICE_FMT(line));
    buf_fini(&steps);
}

static void put_question(struct buf *out, const struct check_report *r, enum check_question q)
{
    const struct verdict *v = r->verdict[q];
    buf_putf(out, "%s%s %s\n", questions[q], q == CHECK_FORWARD && r->jobs_only ? " (jobs)" : "",
             verdict_level_name(worst_of(r, q)));
    for (size_t i = 0; i < verdict_finding_count(v); i++)
        if (finding_counts(r, q, verdict_finding(v, i)))
            put_finding(out, r, q, verdict_finding(v, i));
    for (size_t i = 0; r->with_plan && i < verdict_operation_count(v); i++) {
        const struct verdict_operation *op = verdict_operation(v, i);
        if (!check_report_counts(r, q, op->name))
            continue;
        put_plan(out, op->name, VERDICT_REQUEST, op->request);
        put_plan(out, op->name, VERDICT_RESPONSE, op->response);
    }
    if (verdict_finding_count(v))
        buf_put_char(out, '\n');
}

static bool has_jobs(const struct contract *c)
{
    for (size_t i = 0; i < contract_operation_count(c); i++)
        if (contract_operation_job(c, i))
            return true;
    return false;
}

/* Jobs alone are not worth a heading when there are none. */
static bool is_shown(const struct check_report *r, enum check_question q)
{
    if (q == CHECK_FORWARD && r->jobs_only)
        return has_jobs(r->old) || has_jobs(r->new);
    return r->asked[q];
}

void check_report_text(const struct check_report *r, struct buf *out)
{
    enum check_bump needed = check_report_needed(r), declared = check_report_declared(r);
    buf_putf(out, "%.*s %.*s -> %.*s: %s\n", SLICE_FMT(contract_name(r->new)), SLICE_FMT(contract_version(r->old)),
             SLICE_FMT(contract_version(r->new)), verdict_level_name(check_report_level(r)));
    for (int q = 0; q < CHECK_QUESTIONS; q++)
        if (is_shown(r, (enum check_question)q))
            put_question(out, r, (enum check_question)q);
    if (needed == CHECK_NONE)
        buf_put(out, SLICE("version: no bump is needed\n"));
    else
        buf_putf(out, "version: a %s bump is needed, %.*s -> %.*s is %s%s\n", check_report_bump_name(needed),
                 SLICE_FMT(contract_version(r->old)), SLICE_FMT(contract_version(r->new)),
                 declared == CHECK_NONE ? "no bump" : check_report_bump_name(declared),
                 declared >= needed ? "" : ": too small");
}

/* --- As JSON; docs/check-json.md has the fields. */

static void json_contract(struct json_out *j, const char *name, const struct contract *c)
{
    json_out_name(j, name);
    json_out_object(j);
    json_out_member(j, "name", contract_name(c));
    json_out_member(j, "version", contract_version(c));
    json_out_member(j, "digest", contract_digest_text(c));
    json_out_end(j);
}

static enum verdict_level level_in(const struct check_report *r, enum check_question q, struct slice name)
{
    int i = contract_operation(q == CHECK_BACKWARD ? r->old : r->new, name);
    if (i < 0 || !check_report_counts(r, q, name))
        return VERDICT_SAME;
    return verdict_operation(r->verdict[q], (size_t)i)->level;
}

static void json_operation(struct json_out *j, const struct check_report *r, struct slice name)
{
    enum verdict_level a = level_in(r, CHECK_BACKWARD, name), b = level_in(r, CHECK_FORWARD, name);
    json_out_name_slice(j, name);
    json_out_str(j, verdict_level_name(a > b ? a : b));
}

static void json_operations(struct json_out *j, const struct check_report *r)
{
    json_out_name(j, "operations");
    json_out_object(j);
    for (size_t i = 0; i < contract_operation_count(r->old); i++)
        json_operation(j, r, contract_operation_name(r->old, i));
    for (size_t i = 0; i < contract_operation_count(r->new); i++)
        if (contract_operation(r->old, contract_operation_name(r->new, i)) < 0 && r->asked[CHECK_FORWARD])
            json_operation(j, r, contract_operation_name(r->new, i));
    json_out_end(j);
}

static void json_place(struct json_out *j, const char *name, const struct verdict_place *p)
{
    json_out_name(j, name);
    json_out_object(j);
    json_out_name(j, "file");
    json_out_str(j, p->file);
    json_out_member_int(j, "line", p->line);
    json_out_member_int(j, "column", p->column);
    json_out_end(j);
}

static void json_finding(struct json_out *j, const struct check_report *r, enum check_question q,
                         const struct verdict_finding *f)
{
    json_out_object(j);
    json_out_member(j, "id", f->id);
    json_out_member(j, "rule", f->rule);
    json_out_member(j, "kind", f->rule);
    json_out_member(j, "level", slice_str(verdict_level_name(f->level)));
    json_out_member(j, "side", slice_str(sides[q]));
    json_out_member(j, "operation", f->operation);
    json_out_name(j, "operations");
    json_out_array(j);
    for (size_t i = 0; i < f->operation_count; i++)
        if (check_report_counts(r, q, f->operations[i]))
            json_out_slice(j, f->operations[i]);
    json_out_end(j);
    json_out_member(j, "direction", f->both_directions ? SLICE("both") : slice_str(directions[f->direction]));
    json_out_member(j, "where", f->where);
    json_out_member(j, "message", f->message);
    json_place(j, "old", place_of(f, q, true));
    json_place(j, "new", place_of(f, q, false));
    json_out_name(j, "witness");
    if (f->witness.len)
        json_out_raw(j, f->witness);
    else
        json_out_null(j);
    json_out_member(j, "fix", f->fix);
    json_out_member(j, "proof", f->proof);
    json_out_end(j);
}

static void json_step(struct json_out *j, struct slice operation, enum check_question q, enum verdict_direction d,
                      const struct plan_step *s)
{
    json_out_object(j);
    json_out_member(j, "side", slice_str(sides[q]));
    json_out_member(j, "operation", operation);
    json_out_member(j, "direction", slice_str(directions[d]));
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
    if (s->op == PLAN_NARROW) {
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

static void json_plan(struct json_out *j, struct slice operation, enum check_question q, enum verdict_direction d,
                      const struct plan *p)
{
    for (size_t i = 0; p && i < plan_count(p); i++)
        json_step(j, operation, q, d, plan_step(p, i));
}

static void json_plans(struct json_out *j, const struct check_report *r, enum check_question q)
{
    for (size_t i = 0; i < operation_count(r, q); i++) {
        const struct verdict_operation *op = verdict_operation(r->verdict[q], i);
        if (!check_report_counts(r, q, op->name))
            continue;
        json_plan(j, op->name, q, VERDICT_REQUEST, op->request);
        json_plan(j, op->name, q, VERDICT_RESPONSE, op->response);
    }
}

static size_t json_findings(struct json_out *j, const struct check_report *r, enum check_question q)
{
    size_t count = 0;
    for (size_t i = 0; i < finding_count(r, q); i++) {
        const struct verdict_finding *f = verdict_finding(r->verdict[q], i);
        if (!finding_counts(r, q, f))
            continue;
        json_finding(j, r, q, f);
        count++;
    }
    return count;
}

static void json_bump(struct json_out *j, const struct check_report *r)
{
    enum check_bump needed = check_report_needed(r), declared = check_report_declared(r);
    json_out_name(j, "bump");
    json_out_object(j);
    json_out_member(j, "needed", slice_str(check_report_bump_name(needed)));
    json_out_member(j, "declared", slice_str(check_report_bump_name(declared)));
    json_out_name(j, "ok");
    json_out_bool(j, declared >= needed);
    json_out_end(j);
}

void check_report_json(const struct check_report *r, struct buf *out)
{
    struct json_out j;
    size_t findings = 0;
    json_out_init(&j, out, 2);
    json_out_object(&j);
    json_out_member(&j, "verdict", slice_str(verdict_level_name(check_report_level(r))));
    json_bump(&j, r);
    json_contract(&j, "old", r->old);
    json_contract(&j, "new", r->new);
    json_operations(&j, r);
    json_out_name(&j, "findings");
    json_out_array(&j);
    for (int q = 0; q < CHECK_QUESTIONS; q++)
        findings += json_findings(&j, r, (enum check_question)q);
    json_out_end(&j);
    json_out_name(&j, "plan");
    json_out_array(&j);
    for (int q = 0; q < CHECK_QUESTIONS; q++)
        json_plans(&j, r, (enum check_question)q);
    json_out_end(&j);
    json_out_name(&j, "stats");
    json_out_object(&j);
    json_out_member_int(&j, "operations", (int64_t)contract_operation_count(r->old));
    json_out_member_int(&j, "findings", (int64_t)findings);
    json_out_name(&j, "limit");
    json_out_bool(&j, verdict_hit_limit(r->verdict[CHECK_BACKWARD]) ||
                          (r->verdict[CHECK_FORWARD] && verdict_hit_limit(r->verdict[CHECK_FORWARD])));
    json_out_end(&j);
    json_out_end(&j);
    buf_put_char(out, '\n');
}

/* --- Why. */

static const struct verdict_finding *find(const struct verdict *v, struct slice id)
{
    for (size_t i = 0; i < verdict_finding_count(v); i++)
        if (id.len && slice_starts(verdict_finding(v, i)->id, id))
            return verdict_finding(v, i);
    return NULL;
}

enum err check_report_explain(const struct check_report *r, struct slice id, struct buf *out)
{
    for (int i = 0; i < CHECK_QUESTIONS; i++) {
        enum check_question q = (enum check_question)i;
        const struct verdict_finding *f = r->verdict[q] ? find(r->verdict[q], id) : NULL;
        if (!f)
            continue;
        buf_putf(out, "%s\n", questions[q]);
        put_finding(out, r, q, f);
        buf_putf(out, "\n%.*s", SLICE_FMT(f->proof));
        return ERR_OK;
    }
    return ERR_ABSENT;
}
