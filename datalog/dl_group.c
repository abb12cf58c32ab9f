#include "datalog/dl_group.h"

#include "base/mem.h"

enum { NOT_SEEN = 0 };

/* Tarjan's components of "needs": a component is complete only after all it needs, so they come
 * out lowest first.  Recursion is as deep as the relations are many, which is bounded. */
struct tarjan {
    struct datalog *program;
    struct dl_rule **by_head; /* rules sorted by head */
    unsigned *first;          /* of a head's rules; one more at the end */
    unsigned *seen, *low;
    bool *open;
    int *stack;
    unsigned depth, clock;
    int *members; /* of all groups, one after the other */
    unsigned member_count;
};

static void visit(struct tarjan *t, int rel);

static void visit_goals(struct tarjan *t, int rel, const struct dl_goal *goals, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        const struct dl_goal *g = &goals[n];
        visit_goals(t, rel, g->body, g->body_count);
        if (g->kind != DL_GOAL_ATOM && g->kind != DL_GOAL_ABSENT)
            continue;
        if (t->seen[g->rel] == NOT_SEEN)
            visit(t, g->rel);
        if (t->open[g->rel] && t->low[g->rel] < t->low[rel])
            t->low[rel] = t->low[g->rel];
    }
}

static void close_group(struct tarjan *t, int rel)
{
    struct dl_group *g = &t->program->groups[t->program->group_count];
    g->relations = t->members + t->member_count;
    int member;
    do {
        member = t->stack[--t->depth];
        t->open[member] = false;
        t->program->relations[member]->group = t->program->group_count;
        t->members[t->member_count++] = member;
        g->relation_count++;
    } while (member != rel);
    t->program->group_count++;
}

static void visit(struct tarjan *t, int rel)
{
    t->seen[rel] = t->low[rel] = ++t->clock;
    t->stack[t->depth++] = rel;
    t->open[rel] = true;
    for (unsigned i = t->first[rel]; i < t->first[rel + 1]; i++)
        visit_goals(t, rel, t->by_head[i]->goals, t->by_head[i]->goal_count);
    if (t->low[rel] == t->seen[rel])
        close_group(t, rel);
}

static void sort_by_head(struct tarjan *t)
{
    const struct datalog *p = t->program;
    for (unsigned i = 0; i < p->rule_count; i++)
        t->first[p->rules[i]->head + 1]++;
    for (unsigned r = 0; r < p->relation_count; r++)
        t->first[r + 1] += t->first[r];
    unsigned *next = mem_array(p->relation_count + 1, sizeof(*next));
    memcpy(next, t->first, p->relation_count * sizeof(*next));
    for (unsigned i = 0; i < p->rule_count; i++)
        t->by_head[next[p->rules[i]->head]++] = p->rules[i];
    mem_free(next);
}

static void find_groups(struct datalog *p)
{
    unsigned n = p->relation_count;
    struct arena scratch;
    arena_init(&scratch, 0);
    struct tarjan t = {
        .program = p,
        .by_head = arena_array(&scratch, p->rule_count + 1, sizeof(struct dl_rule *)),
        .first = arena_array(&scratch, n + 2, sizeof(unsigned)),
        .seen = arena_array(&scratch, n + 1, sizeof(unsigned)),
        .low = arena_array(&scratch, n + 1, sizeof(unsigned)),
        .open = arena_array(&scratch, n + 1, sizeof(bool)),
        .stack = arena_array(&scratch, n + 1, sizeof(int)),
        .members = arena_array(&p->arena, n + 1, sizeof(int)),
    };
    p->groups = arena_array(&p->arena, n + 1, sizeof(*p->groups));
    sort_by_head(&t);
    for (unsigned r = 0; r < n; r++)
        if (t.seen[r] == NOT_SEEN)
            visit(&t, (int)r);
    arena_fini(&scratch);
}

static bool same_group(const struct datalog *p, int a, int b)
{
    return p->relations[a]->group == p->relations[b]->group;
}

static void hand_out_rules(struct datalog *p)
{
    for (unsigned i = 0; i < p->rule_count; i++)
        p->groups[p->relations[p->rules[i]->head]->group].rule_count++;
    for (unsigned i = 0; i < p->group_count; i++) {
        p->groups[i].rules = arena_array(&p->arena, p->groups[i].rule_count + 1, sizeof(struct dl_rule *));
        p->groups[i].rule_count = 0;
    }
    for (unsigned i = 0; i < p->rule_count; i++) {
        struct dl_rule *r = p->rules[i];
        struct dl_group *g = &p->groups[p->relations[r->head]->group];
        g->rules[g->rule_count++] = r;
        for (unsigned k = 0; k < r->goal_count; k++)
            r->recursive |= r->goals[k].kind == DL_GOAL_ATOM && same_group(p, r->head, r->goals[k].rel);
        g->recursive |= r->recursive;
    }
}

static void meet(struct datalog *p, unsigned group, unsigned *met, int *meets, int rel)
{
    if (met[rel] == group + 1)
        return;
    met[rel] = group + 1;
    meets[p->groups[group].meet_count++] = rel;
}

/* A group's rules look at few of a program's relations: rounds go over those only. */
static void find_met(struct datalog *p)
{
    unsigned *met = mem_array((size_t)p->relation_count + 1, sizeof(*met));
    int *meets = mem_array((size_t)p->relation_count + 1, sizeof(*meets));
    for (unsigned i = 0; i < p->group_count; i++) {
        struct dl_group *g = &p->groups[i];
        for (unsigned n = 0; n < g->rule_count; n++) {
            const struct dl_rule *r = g->rules[n];
            meet(p, i, met, meets, r->head);
            for (unsigned k = 0; k < r->goal_count; k++)
                if (r->goals[k].kind == DL_GOAL_ATOM)
                    meet(p, i, met, meets, r->goals[k].rel);
        }
        g->meets =
            memcpy(arena_array(&p->arena, g->meet_count + 1, sizeof(*meets)), meets, g->meet_count * sizeof(*meets));
    }
    mem_free(met);
    mem_free(meets);
}

static bool rule_needs(const struct dl_goal *goals, unsigned count, int rel)
{
    for (unsigned n = 0; n < count; n++) {
        const struct dl_goal *g = &goals[n];
        bool names = (g->kind == DL_GOAL_ATOM || g->kind == DL_GOAL_ABSENT) && g->rel == rel;
        if (names || rule_needs(g->body, g->body_count, rel))
            return true;
    }
    return false;
}

/* Who needs `rel` directly, inside its group, and has no step yet?  Every such relation's step is `rel`. */
static void step_back(const struct dl_group *g, int *step, int rel, int *queue, unsigned *end)
{
    for (unsigned i = 0; i < g->rule_count; i++) {
        const struct dl_rule *r = g->rules[i];
        if (step[r->head] >= 0 || !rule_needs(r->goals, r->goal_count, rel))
            continue;
        step[r->head] = rel;
        queue[(*end)++] = r->head;
    }
}

/* "`a` -> `b` -> `a`": the shortest way on which `from` needs `to`. */
static void put_cycle(const struct datalog *p, int from, int to, struct buf *out)
{
    const struct dl_group *g = &p->groups[p->relations[to]->group];
    int *step = mem_array(p->relation_count, sizeof(*step)), *queue = mem_array(p->relation_count + 1, sizeof(*queue));
    for (unsigned i = 0; i < p->relation_count; i++)
        step[i] = -1;
    unsigned end = 0;
    queue[end++] = to;
    for (unsigned at = 0; at < end && step[from] < 0; at++)
        step_back(g, step, queue[at], queue, &end);
    int rel = from;
    do {
        buf_putf(out, "`%.*s` needs ", SLICE_FMT(p->relations[rel]->name));
        rel = step[rel];
    } while (rel != to);
    buf_putf(out, "`%.*s`", SLICE_FMT(p->relations[to]->name));
    mem_free(step);
    mem_free(queue);
}

static void complain_cycle(struct datalog *p, const struct dl_texts *texts, const struct dl_rule *r,
                           const struct dl_goal *g, const char *what)
{
    struct buf way;
    buf_init(&way, BUF_TEXT_BOUND);
    struct slice head = p->relations[r->head]->name, name = p->relations[g->rel]->name;
    if (g->rel == r->head)
        buf_putf(&way, "`%.*s` needs %s itself", SLICE_FMT(head), what);
    else
        put_cycle(p, g->rel, r->head, &way);
    if (g->rel != r->head)
        buf_putf(&way, ", and that needs %s `%.*s`", what, SLICE_FMT(name));
    dl_lex_complain(texts, DIAG_ERROR, g->at, "break the cycle: no relation may need what is not in it yet",
                    "not stratified: %s", buf_text(&way));
    buf_fini(&way);
}

static void check_cycles(struct datalog *p, const struct dl_texts *texts, const struct dl_rule *r,
                         const struct dl_goal *goals, unsigned count, bool folded)
{
    for (unsigned n = 0; n < count; n++) {
        const struct dl_goal *g = &goals[n];
        check_cycles(p, texts, r, g->body, g->body_count, true);
        bool atom = g->kind == DL_GOAL_ABSENT || (folded && g->kind == DL_GOAL_ATOM);
        if (atom && same_group(p, r->head, g->rel))
            complain_cycle(p, texts, r, g, folded ? "an aggregate over" : "the absence of");
    }
}

void dl_group_find(struct datalog *p, const struct dl_texts *texts)
{
    find_groups(p);
    hand_out_rules(p);
    find_met(p);
    for (unsigned i = 0; i < p->rule_count; i++)
        check_cycles(p, texts, p->rules[i], p->rules[i]->goals, p->rules[i]->goal_count, false);
}
