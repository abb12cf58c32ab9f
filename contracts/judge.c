#include "contracts/judge.h"

#include "base/check.h"
#include "contracts/edit.h"
#include "contracts/pb/pbshow.h"
#include "contracts/planner.h"
#include "contracts/showing.h"

struct judging {
    struct judge *out;
    struct graph graph;
    struct arena scratch;
    struct edit_list edits;
    struct showing showing;
    struct walk walk;
    bool protobuf; /* both sides are, and `pbshow` is there */
    struct pbshow pbshow;
    enum { UNASKED, SPANNED, OPEN } * spans; /* by operation: is there a plan between its protobuf bodies? */
    size_t bridged_shown;                    /* differences with a step for which a body was sought */
};

/* A body or parameter of an operation, and what there is to do about it. */
struct judged {
    const struct graph_root *root;
    struct plan *plan;
    const char *no_plan; /* every difference has a step, but there is no plan: why */
};

/* --- What the profile makes of it. */

static bool is_picked(const struct profile *p, const struct graph_name *names)
{
    for (; names; names = names->next)
        if (profile_picks(p, names->name))
            return true;
    return false;
}

/* A tool's list leaves alone what the tool knows nothing of. */
static bool is_left_out(const struct judging *j, const struct graph_kind *k, struct slice direction,
                        const struct graph_name *here)
{
    const struct profile *p = j->out->profile;
    return p->tool.len && profile_knows(p, k->rule, direction) && !is_picked(p, k->names) && !is_picked(p, here);
}

static bool is_note(const struct judging *j, const struct graph_difference *d)
{
    const struct graph_kind *k = graph_kind(&j->graph, d->kind, d->node->direction);
    struct slice direction = slice_str(graph_direction_name(d->node->direction));
    return slice_eq(profile_level(j->out->profile, k->rule, direction), SLICE("compatible")) ||
           is_left_out(j, k, direction, graph_names(&j->graph, d));
}

/* What no value shows, and the profile calls a break all the same. */
static bool breaks_unshown(const struct judging *j, const struct graph_difference *d)
{
    const struct graph_kind *k = graph_kind(&j->graph, d->kind, d->node->direction);
    struct slice said = profile_level(j->out->profile, k->rule, slice_str(graph_direction_name(d->node->direction)));
    return profile_minds(j->out->profile, SLICE("unshown")) && !slice_eq(said, SLICE("unproven"));
}

static enum verdict_level level_of_surface(const struct judging *j, const struct graph_surface *s)
{
    const struct graph_kind *k = graph_kind(&j->graph, s->kind, VERDICT_SURFACE);
    struct slice said = profile_level(j->out->profile, k->rule, SLICE("surface"));
    if (is_left_out(j, k, SLICE("surface"), graph_surface_names(&j->graph, s)) ||
        graph_unstable(&j->graph, s->operation))
        return VERDICT_COMPATIBLE;
    for (enum verdict_level l = VERDICT_COMPATIBLE; l <= VERDICT_BREAKING; l++)
        if (slice_eq(said, slice_str(verdict_level_name(l))))
            return l;
    return s->level;
}

/* --- What is reported. */

static enum verdict_level report(struct judging *j, size_t visit, const struct graph_difference *d,
                                 const struct judged *root)
{
    struct showing_at at = {.walk = &j->walk, .visit = visit, .difference = d};
    bool bridged = d->step && !root->no_plan;
    struct slice body = {0};
    bool note = is_note(j, d) || graph_unstable(&j->graph, root->root->operation);
    enum verdict_level level = note      ? VERDICT_COMPATIBLE
                               : bridged ? VERDICT_ADAPTABLE
                                         : showing_level(&j->showing, &at, &body);
    if (level == VERDICT_UNPROVEN && breaks_unshown(j, d))
        level = VERDICT_BREAKING;
    struct edit *e = edit_of(&j->edits, d, level);
    if (e->difference == d && e->operation_count == 0)
        e->no_plan = d->step ? root->no_plan : NULL;
    edit_reaches(&j->edits, e, root->root->operation);
    bool look = bridged && !e->looked && j->bridged_shown < j->out->bridged_proofs;
    j->bridged_shown += look;
    if (e->witness.len == 0 && (body.len || look))
        e->witness = body.len ? body : showing_body(&j->showing, &at);
    e->looked = true;
    return level;
}

static void report_root(struct judging *j, const struct judged *root, enum verdict_level *worst)
{
    bool noted = false;
    walk_from(&j->walk, root->root);
    for (size_t i = 0; i < j->walk.count; i++)
        for (const struct graph_difference *d = j->walk.queue[i].node->differences; d; d = d->next) {
            enum verdict_level level = report(j, i, d, root);
            *worst = level > *worst ? level : *worst;
            noted = noted || level == VERDICT_COMPATIBLE;
        }
    /* What does not fit is never better than unproven or adaptable, whatever the walk finds, but where the profile says
     * so. */
    if (!root->plan && !noted && *worst < VERDICT_UNPROVEN)
        *worst = VERDICT_UNPROVEN;
}

/* --- Plans. */

/* What may be the body of an error. */
static bool is_error(struct slice status)
{
    return status.len > 0 && (status.at[0] == '4' || status.at[0] == '5' || slice_eq(status, SLICE("default")));
}

static struct judged judge_root(struct judging *j, struct graph_root *root)
{
    struct judged judged = {.root = root};
    if (root->fits)
        return judged;
    struct planner planner = {
        .writer = showing_writer(&j->showing, root->node->direction),
        .reader = showing_reader(&j->showing, root->node->direction),
        .arena = &j->scratch,
    };
    walk_from(&j->walk, root);
    if (!walk_all_bridged(&j->walk))
        return judged;
    if (is_error(root->status))
        judged.no_plan = "bodies of errors are not rewritten";
    else if (planner_make(&planner, root, &judged.plan, &judged.no_plan) != ERR_OK)
        POST(judged.no_plan);
    return judged;
}

static bool same_plan(const struct plan *a, const struct plan *b)
{
    struct buf x, y;
    buf_init(&x, BUF_TEXT_BOUND);
    buf_init(&y, BUF_TEXT_BOUND);
    if (a)
        plan_put(a, &x);
    if (b)
        plan_put(b, &y);
    bool same = slice_eq(buf_slice(&x), buf_slice(&y));
    buf_fini(&x);
    buf_fini(&y);
    return same;
}

struct bodies {
    struct judged *v;
    size_t count;
};

/* One plan has to do for all bodies of one direction, since it is chosen before the body is seen. */
static void agree(struct bodies *b)
{
    const struct judged *first = NULL;
    bool differ = false;
    for (size_t i = 0; i < b->count; i++) {
        if (!b->v[i].root->body || is_error(b->v[i].root->status))
            continue;
        differ = differ || (first && !same_plan(first->plan, b->v[i].plan));
        first = first ? first : &b->v[i];
    }
    for (size_t i = 0; i < b->count && differ; i++) {
        if (b->v[i].plan)
            b->v[i].no_plan = "its bodies need different steps";
        plan_unref(&b->v[i].plan);
    }
}

static struct plan *take_plan(struct bodies *b)
{
    struct plan *taken = NULL;
    for (size_t i = 0; i < b->count; i++) {
        if (taken)
            plan_unref(&b->v[i].plan);
        else
            taken = b->v[i].plan;
        b->v[i].plan = NULL;
    }
    return taken;
}

/* --- Operations. */

static struct plan *judge_direction(struct judging *j, struct graph_root *roots, enum verdict_direction direction,
                                    enum verdict_level *worst)
{
    size_t room = 0;
    for (const struct graph_root *r = roots; r; r = r->next)
        room++;
    struct bodies b = {.v = arena_array(&j->scratch, room + 1, sizeof(*b.v))};
    for (struct graph_root *r = roots; r; r = r->next)
        if (r->node->direction == direction)
            b.v[b.count++] = judge_root(j, r);
    agree(&b);
    for (size_t i = 0; i < b.count; i++)
        if (!b.v[i].root->fits)
            report_root(j, &b.v[i], worst);
    return take_plan(&b);
}

/* "query max" */
static enum plan_in place_of(struct slice *text)
{
    struct slice word;
    bool split = slice_split(text, ' ', &word);
    for (unsigned i = 0; split && i < PLAN_INS; i++)
        if (slice_eq(word, slice_str(plan_in_name((enum plan_in)i))))
            return (enum plan_in)i;
    bool known_place = false;
    POST(known_place);
    return PLAN_IN_QUERY;
}

/* "max number": a name, and what its text is. */
static enum plan_as kind_of(struct slice *text)
{
    size_t blank;
    bool split = slice_find_last(*text, ' ', &blank);
    PRE(split);
    struct slice word = slice_from(*text, blank + 1);
    *text = slice_to(*text, blank);
    for (unsigned i = 0; i < PLAN_ASES; i++)
        if (slice_eq(word, slice_str(plan_as_name((enum plan_as)i))))
            return (enum plan_as)i;
    return PLAN_AS_STRING;
}

static void add_head(struct plan *plan, const struct graph_head *h)
{
    struct plan_step s = {
        .op = h->op, .law = plan_op_law(h->op), .path = SLICE("/"), .from = h->from, .to = h->to, .why = h->why};
    if (h->op == PLAN_PARAM || h->op == PLAN_PUT)
        s.from_in = place_of(&s.from);
    if (h->op == PLAN_PARAM || h->op == PLAN_TAKE)
        s.to_in = place_of(&s.to);
    if (h->op == PLAN_PUT)
        s.as = kind_of(&s.to);
    plan_add(plan, &s);
}

/* Steps on the head stand before those on the body. */
static void add_heads(struct judging *j, struct slice operation, enum verdict_direction direction, struct plan **plan)
{
    struct plan *whole = NULL;
    for (const struct graph_head *h = graph_heads(&j->graph, operation); h; h = h->next) {
        if (h->direction != direction)
            continue;
        whole = whole ? whole : plan_new();
        add_head(whole, h);
    }
    if (!whole)
        return;
    for (size_t i = 0; *plan && i < plan_count(*plan); i++)
        plan_add(whole, plan_step(*plan, i));
    plan_unref(plan);
    *plan = whole;
}

static void judge_operation(struct judging *j, struct verdict_operation *op)
{
    op->provider_name = arena_keep(j->out->keep, graph_served(&j->graph, op->name));
    bool same = slice_eq(op->name, op->provider_name) && !graph_changed(&j->graph, op->name);
    op->level = same ? VERDICT_SAME : VERDICT_COMPATIBLE;
    struct graph_root *roots = graph_roots(&j->graph, op->name);
    op->request = judge_direction(j, roots, VERDICT_REQUEST, &op->level);
    op->response = judge_direction(j, roots, VERDICT_RESPONSE, &op->level);
    add_heads(j, op->name, VERDICT_REQUEST, &op->request);
    add_heads(j, op->name, VERDICT_RESPONSE, &op->response);
}

static void raise(struct judging *j, struct slice operation, enum verdict_level level)
{
    int i = contract_operation(j->out->consumer, operation);
    struct verdict_operation *op = i >= 0 ? &j->out->operations[i] : NULL;
    if (op && level > op->level)
        op->level = level;
}

/* Is there a plan that makes all of both bodies right? */
static bool is_spanned(struct judging *j, size_t i, const char **why)
{
    struct verdict_operation *op = &j->out->operations[i];
    if (!profile_minds(j->out->profile, SLICE("plans")))
        return false;
    if (j->spans[i] == UNASKED)
        j->spans[i] = !op->request && !op->response && pbshow_plans(&j->pbshow, i, &op->request, &op->response, why)
                          ? SPANNED
                          : OPEN;
    return j->spans[i] == SPANNED;
}

/* With a plan in every call that it reaches a finding breaks none. */
static enum verdict_level spanned_level(struct judging *j, const struct pbshow_result *shown, const char **why)
{
    bool reaches = false, all = shown->spannable && shown->holder_count == 0;
    for (size_t i = 0; i < j->out->operation_count && shown->spannable; i++) {
        if (!(shown->reached[i / 64] >> (i % 64) & 1))
            continue;
        reaches = true;
        all = is_spanned(j, i, why) && all;
    }
    return all && reaches && shown->level > VERDICT_ADAPTABLE ? VERDICT_ADAPTABLE : shown->level;
}

/* Of messages: calls that hold them are reached, whatever else the finding is about. */
static void judge_messages(struct judging *j, const struct graph_surface *s, enum verdict_level level)
{
    struct pbshow_result shown = pbshow_surface(&j->pbshow, s, level);
    if (shown.dropped)
        return;
    const char *why = NULL;
    struct edit *e = edit_of_surface(&j->edits, s, spanned_level(j, &shown, &why));
    e->no_plan = why;
    e->witness = shown.witness;
    e->reached = shown.reached;
    e->holders = shown.holders;
    e->holder_count = shown.holder_count;
    size_t all = j->out->operation_count;
    for (size_t i = edit_next(e, 0, all); i < all; i = edit_next(e, i + 1, all)) {
        enum verdict_level here =
            shown.spannable && j->spans[i] == SPANNED && e->level > VERDICT_ADAPTABLE ? VERDICT_ADAPTABLE : e->level;
        if (here > j->out->operations[i].level)
            j->out->operations[i].level = here;
    }
}

static void judge_surface(struct judging *j, const struct graph_surface *s)
{
    int i = contract_operation(j->out->consumer, s->operation);
    enum verdict_level level = level_of_surface(j, s);
    level = s->spanned && level > VERDICT_ADAPTABLE ? VERDICT_ADAPTABLE : level;
    /* A contract as a whole is no operation. */
    POST(i >= 0 || s->operation.len == 0 || level == VERDICT_COMPATIBLE);
    if (j->protobuf && s->operation.len == 0) {
        judge_messages(j, s, level);
        return;
    }
    struct edit *e = edit_of_surface(&j->edits, s, level);
    if (i < 0)
        return;
    raise(j, s->operation, level);
    edit_reaches(&j->edits, e, s->operation);
}

static void judge_operations(struct judging *j)
{
    for (size_t i = 0; i < j->out->operation_count; i++)
        judge_operation(j, &j->out->operations[i]);
    for (const struct graph_surface *s = j->graph.surfaces; s; s = s->next)
        judge_surface(j, s);
    /* A plan is used only where it makes everything right. */
    for (size_t i = 0; i < j->out->operation_count; i++) {
        struct verdict_operation *op = &j->out->operations[i];
        if (op->level == VERDICT_ADAPTABLE)
            continue;
        plan_unref(&op->request);
        plan_unref(&op->response);
    }
}

void judge_run(struct judge *out)
{
    struct judging j = {.out = out};
    arena_init(&j.scratch, 0);
    graph_init(&j.graph, out->run, &j.scratch, profile_minds(out->profile, SLICE("plans")));
    edit_list_init(&j.edits, &j.scratch);
    showing_init(&j.showing, out->consumer, out->provider, &j.scratch);
    j.protobuf = contract_speaks(out->consumer, SLICE("protobuf")) && contract_speaks(out->provider, SLICE("protobuf"));
    if (j.protobuf)
        pbshow_init(&j.pbshow, out->consumer, out->provider, !profile_minds(out->profile, SLICE("messages")),
                    &j.scratch);
    j.spans = arena_array(&j.scratch, out->operation_count + 1, sizeof(*j.spans));
    judge_operations(&j);
    struct finding_source source = {.graph = &j.graph,
                                    .consumer = out->consumer,
                                    .provider = out->provider,
                                    .keep = out->keep,
                                    .bridged_proofs = out->bridged_proofs,
                                    .scratch = &j.scratch};
    out->findings = arena_array(out->keep, EDIT_FINDINGS_MOST + 1, sizeof(*out->findings));
    out->finding_count = edit_findings(&j.edits, &source, out->findings);
    pbshow_fini(&j.pbshow);
    walk_fini(&j.walk);
    showing_fini(&j.showing);
    edit_list_fini(&j.edits);
    graph_fini(&j.graph);
    arena_fini(&j.scratch);
}
