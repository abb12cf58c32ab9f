#include "cli/check_report.h"

#include <string.h>

#include "contracts/rule_name.h"

const char *const check_report_directions[] = {
    [VERDICT_REQUEST] = "request",
    [VERDICT_RESPONSE] = "response",
    [VERDICT_SURFACE] = "surface",
};

const char *const check_report_sides[] = {[CHECK_BACKWARD] = "provider", [CHECK_FORWARD] = "consumer"};

const char *check_report_question(const struct check_pair *p, enum check_question q)
{
    if (p->deployed)
        return "may this consumer call this provider?";
    return q == CHECK_BACKWARD ? "may old consumers call the new provider?"
                               : "may new consumers call the old provider?";
}

void check_report_init(struct check_report *r)
{
    *r = (struct check_report){.failing = VERDICT_UNPROVEN};
    arena_init(&r->arena, 0);
}

void check_report_fini(struct check_report *r)
{
    for (size_t i = 0; i < r->count; i++) {
        for (int q = 0; q < CHECK_QUESTIONS; q++)
            verdict_unref(&r->pairs[i].verdict[q]);
        contract_unref(&r->pairs[i].old);
        contract_unref(&r->pairs[i].new);
    }
    arena_fini(&r->arena);
    *r = (struct check_report){0};
}

/* --- What counts. */

static bool is_job(const struct contract *c, struct slice operation)
{
    int i = contract_operation(c, operation);
    return i >= 0 && contract_operation_job(c, (size_t)i);
}

bool check_report_counts(const struct check_pair *p, enum check_question q, struct slice operation)
{
    if (!p->asked[q])
        return false;
    return q != CHECK_FORWARD || !p->jobs_only || is_job(p->new, operation) || is_job(p->old, operation);
}

static bool finding_counts(const struct check_pair *p, enum check_question q, const struct verdict_finding *f)
{
    for (size_t i = 0; i < f->operation_count; i++)
        if (check_report_counts(p, q, f->operations[i]))
            return true;
    return p->asked[q] && f->operation_count == 0 && (q != CHECK_FORWARD || !p->jobs_only);
}

static bool is_called(const struct verdict_finding *f, struct slice rule)
{
    for (size_t i = 0; i < f->also_count; i++)
        if (slice_eq(f->also[i], rule) || rule_name_in(f->also[i], rule))
            return true;
    return slice_eq(f->rule, rule);
}

/* What stands for findings that are not shown has no rule of its own, so no choice of rules leaves it out. */
static bool is_chosen(const struct check_choice *c, const struct verdict_finding *f)
{
    for (size_t i = 0; i < c->only_count; i++)
        if (is_called(f, c->only[i]))
            return true;
    return c->only_count == 0 || is_called(f, SLICE("more")) || is_called(f, SLICE("limit"));
}

/* The last word wins. */
static enum verdict_level chosen_level(const struct check_choice *c, const struct verdict_finding *f)
{
    for (size_t i = c->level_count; i-- > 0;)
        if (is_called(f, c->levels[i].rule))
            return c->levels[i].level;
    return f->level;
}

static void take_items(struct check_report *r, struct check_pair *p, enum check_question q)
{
    const struct verdict *v = p->verdict[q];
    for (size_t i = 0; i < verdict_finding_count(v); i++) {
        const struct verdict_finding *f = verdict_finding(v, i);
        if (!finding_counts(p, q, f) || !is_chosen(&r->choice, f))
            continue;
        p->items[p->item_count++] = (struct check_item){
            .finding = f,
            .question = q,
            .level = chosen_level(&r->choice, f),
            .accepted = r->baseline ? check_baseline_meet(r->baseline, f->id) : NULL,
        };
    }
}

/* What the rules say of an operation holds, unless somebody chose: then it is what is left of its findings. */
static void settle_levels(struct check_report *r, struct check_pair *p, enum check_question q)
{
    const struct verdict *v = p->verdict[q];
    size_t count = verdict_operation_count(v);
    enum verdict_level *levels = arena_array(&r->arena, count + 1, sizeof(*levels));
    p->levels[q] = levels;
    for (size_t i = 0; i < count; i++) {
        enum verdict_level is = verdict_operation(v, i)->level;
        levels[i] = is < VERDICT_COMPATIBLE ? is : VERDICT_COMPATIBLE;
    }
    for (size_t i = 0; i < p->item_count; i++) {
        const struct check_item *item = &p->items[i];
        if (item->question != q || item->accepted)
            continue;
        for (size_t k = 0; k < item->finding->operation_count; k++) {
            int op = contract_operation(verdict_consumer(v), item->finding->operations[k]);
            if (op >= 0 && levels[op] < item->level)
                levels[op] = item->level;
        }
        if (!item->finding->operation_count && p->level[q] < item->level)
            p->level[q] = item->level;
    }
    for (size_t i = 0; i < count; i++)
        if (check_report_counts(p, q, verdict_operation(v, i)->name) && p->level[q] < levels[i])
            p->level[q] = levels[i];
}

/* What a version has to say: that old consumers break, but for what was chosen otherwise or accepted. */
static enum verdict_level settle_backward(struct check_report *r, const struct verdict *v)
{
    enum verdict_level worst = verdict_level(v) == VERDICT_SAME ? VERDICT_SAME : VERDICT_COMPATIBLE;
    for (size_t i = 0; i < verdict_finding_count(v); i++) {
        const struct verdict_finding *f = verdict_finding(v, i);
        enum verdict_level level = chosen_level(&r->choice, f);
        if (level <= worst || !is_chosen(&r->choice, f) || (r->baseline && check_baseline_accepts(r->baseline, f->id)))
            continue;
        worst = level;
    }
    return worst;
}

static void settle(struct check_report *r, struct check_pair *p)
{
    p->backward = settle_backward(r, p->verdict[CHECK_BACKWARD]);
    size_t most = 1;
    for (int q = 0; q < CHECK_QUESTIONS; q++)
        most += p->verdict[q] ? verdict_finding_count(p->verdict[q]) : 0;
    p->items = arena_array(&r->arena, most, sizeof(*p->items));
    for (int q = 0; q < CHECK_QUESTIONS; q++)
        if (p->verdict[q])
            take_items(r, p, (enum check_question)q);
    for (int q = 0; q < CHECK_QUESTIONS; q++)
        if (p->verdict[q])
            settle_levels(r, p, (enum check_question)q);
}

static struct check_pair *new_pair(struct check_report *r)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 4;
        struct check_pair *more = arena_array(&r->arena, cap, sizeof(*more));
        if (r->count)
            memcpy(more, r->pairs, r->count * sizeof(*more));
        r->pairs = more;
        r->cap = cap;
    }
    return &r->pairs[r->count++];
}

/* Of two questions the second goes the other way through the versions. */
static struct verdict *judge(const struct check_report *r, struct contract *consumer, struct contract *provider,
                             bool backward)
{
    struct contract *versions[VERDICT_VERSIONS];
    size_t count = r->choice.through_count;
    for (size_t i = 0; i < count; i++)
        versions[i] = r->choice.through[backward ? i : count - 1 - i];
    return verdict_compute_through_as(consumer, provider, versions, count, r->choice.profile);
}

static bool has_jobs(const struct contract *c)
{
    for (size_t i = 0; i < contract_operation_count(c); i++)
        if (contract_operation_job(c, i))
            return true;
    return false;
}

/* The second question takes as long as the first: it is put when somebody asks, or when the version's bump hangs on
 * it. */
static void judge_forward(const struct check_report *r, struct check_pair *p)
{
    if (p->jobs_only && !has_jobs(p->old) && !has_jobs(p->new))
        p->asked[CHECK_FORWARD] = false;
    if (p->asked[CHECK_FORWARD] || verdict_level(p->verdict[CHECK_BACKWARD]) == VERDICT_SAME)
        p->verdict[CHECK_FORWARD] = judge(r, p->new, p->old, false);
}

void check_report_add(struct check_report *r, const char *label, struct contract *old, struct contract *new,
                      const bool asked[CHECK_QUESTIONS], bool jobs_only)
{
    struct check_pair *p = new_pair(r);
    *p = (struct check_pair){
        .label = label,
        .old = contract_ref(old),
        .new = contract_ref(new),
        .verdict[CHECK_BACKWARD] = judge(r, old, new, true),
        .asked = {asked[CHECK_BACKWARD], asked[CHECK_FORWARD]},
        .jobs_only = jobs_only,
    };
    judge_forward(r, p);
    settle(r, p);
}

void check_report_add_deployed(struct check_report *r, const char *label, struct contract *consumer,
                               struct contract *provider)
{
    struct check_pair *p = new_pair(r);
    *p = (struct check_pair){
        .label = label,
        .old = contract_ref(consumer),
        .new = contract_ref(provider),
        .verdict[CHECK_BACKWARD] = judge(r, consumer, provider, true),
        .asked[CHECK_BACKWARD] = true,
        .deployed = true,
    };
    settle(r, p);
}

enum verdict_level check_report_pair_level(const struct check_pair *p)
{
    enum verdict_level a = p->level[CHECK_BACKWARD], b = p->level[CHECK_FORWARD];
    return a > b ? a : b;
}

enum verdict_level check_report_level(const struct check_report *r)
{
    enum verdict_level worst = VERDICT_SAME;
    for (size_t i = 0; i < r->count; i++) {
        enum verdict_level level = check_report_pair_level(&r->pairs[i]);
        worst = level > worst ? level : worst;
    }
    return worst;
}

static enum verdict_level level_in(const struct check_pair *p, enum check_question q, struct slice name)
{
    int i = p->verdict[q] ? contract_operation(verdict_consumer(p->verdict[q]), name) : -1;
    return i < 0 || !check_report_counts(p, q, name) ? VERDICT_SAME : p->levels[q][i];
}

enum verdict_level check_report_operation_level(const struct check_pair *p, struct slice operation)
{
    enum verdict_level a = level_in(p, CHECK_BACKWARD, operation), b = level_in(p, CHECK_FORWARD, operation);
    return a > b ? a : b;
}

bool check_report_hit_limit(const struct check_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        for (int q = 0; q < CHECK_QUESTIONS; q++)
            if (r->pairs[i].asked[q] && verdict_hit_limit(r->pairs[i].verdict[q]))
                return true;
    return false;
}

bool check_report_fails(const struct check_report *r, const struct check_item *i)
{
    return i->level >= r->failing && !i->accepted;
}

bool check_report_is_note(const struct check_item *i)
{
    return i->level <= VERDICT_COMPATIBLE;
}

/* --- Places. */

const struct verdict_place *check_report_old_place(const struct check_item *i)
{
    return i->question == CHECK_BACKWARD ? &i->finding->consumer : &i->finding->provider;
}

const struct verdict_place *check_report_new_place(const struct check_item *i)
{
    return i->question == CHECK_BACKWARD ? &i->finding->provider : &i->finding->consumer;
}

const struct verdict_place *check_report_place(const struct check_item *i)
{
    const struct verdict_place *new = check_report_new_place(i);
    return new->file ? new : check_report_old_place(i);
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

enum check_bump check_report_declared(const struct check_pair *p)
{
    struct version a, b;
    if (!read_version(contract_version(p->old), &a) || !read_version(contract_version(p->new), &b))
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

enum check_bump check_report_needed(const struct check_pair *p)
{
    enum verdict_level worst = p->backward;
    if (worst >= VERDICT_ADAPTABLE)
        return CHECK_MAJOR;
    /* Operations that only the new one has do not show in the backward question, but in the forward one. */
    if (worst == VERDICT_COMPATIBLE || verdict_level(p->verdict[CHECK_FORWARD]) != VERDICT_SAME)
        return CHECK_MINOR;
    return CHECK_NONE;
}

const char *check_report_bump_name(enum check_bump b)
{
    static const char *const names[] = {
        [CHECK_NONE] = "none", [CHECK_PATCH] = "patch", [CHECK_MINOR] = "minor", [CHECK_MAJOR] = "major"};
    return names[b];
}
