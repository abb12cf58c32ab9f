#include "datalog/dl_prose.h"

#include <limits.h>

#include "base/mem.h"

enum {
    SHOWN_BYTES = 200,   /* of one symbol */
    SHOWN_RULE = 400,    /* bytes of one rule */
    SHOWN_LINES = 10000, /* of one proof */
    SHOWN_DEPTH = 40,    /* levels of indentation */
    PLACE_COLUMN = 50,
};

/* What a goal is printed with. */
struct prose {
    const struct datalog_run *run;
    const struct dl_rule *rule;
    const datalog_word *slots;
    const bool *bound;    /* NULL: all */
    unsigned first_local; /* slots from here on are inside an aggregate: they had many values */
    struct buf *out;
};

static void put_expr(const struct prose *p, const struct dl_expr *e, bool inside);

static void put_word(const struct prose *p, int type, datalog_word w)
{
    dl_prim_put(&p->run->symbols, (enum datalog_type)type, w, SHOWN_BYTES, p->out);
}

static void put_slot(const struct prose *p, const struct dl_expr *e)
{
    struct slice name = p->rule->slot_names[e->slot];
    if (e->slot < p->first_local && (!p->bound || p->bound[e->slot]))
        put_word(p, p->rule->slot_types[e->slot], p->slots[e->slot]);
    else
        buf_put(p->out, name.len ? name : SLICE("_"));
}

/* "[x, 1]", "$Leaf(x)" */
static void put_make(const struct prose *p, const struct dl_expr *e)
{
    bool list = e->count > 0 || e->branch.len == 0;
    buf_put(p->out, e->branch.len ? SLICE("$") : SLICE(""));
    buf_put(p->out, e->branch);
    if (list)
        buf_put_char(p->out, e->branch.len ? '(' : '[');
    for (unsigned i = 0; i < e->count; i++) {
        buf_put(p->out, i ? SLICE(", ") : SLICE(""));
        put_expr(p, &e->args[i], false);
    }
    if (list)
        buf_put_char(p->out, e->branch.len ? ')' : ']');
}

static void put_call(const struct prose *p, const struct dl_expr *e, bool inside)
{
    if (e->op == DL_MAKE) {
        put_make(p, e);
        return;
    }
    bool sign = e->op <= DL_POW;
    buf_put(p->out, sign ? (inside ? SLICE("(") : SLICE("")) : slice_str(dl_ast_op_text(e->op)));
    if (!sign)
        buf_put_char(p->out, '(');
    for (unsigned i = 0; i < e->count; i++) {
        if (i > 0)
            buf_putf(p->out, sign ? " %s " : "%s ", sign ? dl_ast_op_text(e->op) : ",");
        put_expr(p, &e->args[i], true);
    }
    if (!sign || inside)
        buf_put_char(p->out, ')');
}

static void put_expr(const struct prose *p, const struct dl_expr *e, bool inside)
{
    switch (e->kind) {
    case DL_EXPR_ANY:
        buf_put_char(p->out, '_');
        break;
    case DL_EXPR_SLOT:
        put_slot(p, e);
        break;
    case DL_EXPR_WORD:
        put_word(p, e->type, e->word);
        break;
    case DL_EXPR_CALL:
        put_call(p, e, inside);
        break;
    }
}

static void put_columns(const struct prose *p, const struct dl_goal *g)
{
    for (unsigned i = 0; i < g->count; i++) {
        buf_put(p->out, i ? SLICE(", ") : SLICE("("));
        put_expr(p, &g->args[i], false);
    }
    if (g->count)
        buf_put_char(p->out, ')');
}

static void put_compare(const struct prose *p, const struct dl_goal *g)
{
    const char *sign = dl_ast_compare_text(g->compare, g->negated);
    if (g->compare == DL_MATCH || g->compare == DL_CONTAINS) {
        buf_putf(p->out, "%s", sign);
        put_columns(p, g);
        return;
    }
    put_expr(p, &g->args[0], false);
    buf_putf(p->out, " %s ", sign);
    put_expr(p, &g->args[1], false);
}

static void put_goal(const struct prose *p, const struct dl_goal *g);

/* "count : { field("Order", _) } = 2" */
static void put_fold(const struct prose *p, const struct dl_goal *g)
{
    struct prose inner = *p;
    inner.first_local = g->first_local < p->first_local ? g->first_local : p->first_local;
    buf_putf(p->out, "%s", dl_ast_fold_text(g->fold));
    if (g->target) {
        buf_put_char(p->out, ' ');
        put_expr(&inner, g->target, false);
    }
    for (unsigned i = 0; i < g->body_count; i++) {
        buf_put(p->out, i ? SLICE(", ") : SLICE(" : { "));
        put_goal(&inner, &g->body[i]);
    }
    buf_put(p->out, SLICE(" }"));
    if (p->bound && !p->bound[g->result.slot])
        return;
    buf_put(p->out, SLICE(" = "));
    put_slot(p, &g->result);
}

/* "3 = range(1, 5)" */
static void put_each(const struct prose *p, const struct dl_goal *g)
{
    put_expr(p, &g->result, false);
    buf_put(p->out, SLICE(" = range"));
    put_columns(p, g);
}

static void put_goal(const struct prose *p, const struct dl_goal *g)
{
    switch (g->kind) {
    case DL_GOAL_ABSENT:
        buf_put_char(p->out, '!');
        buf_put(p->out, p->run->program->relations[g->rel]->name);
        put_columns(p, g);
        break;
    case DL_GOAL_ATOM:
        buf_put(p->out, p->run->program->relations[g->rel]->name);
        put_columns(p, g);
        break;
    case DL_GOAL_COMPARE:
        put_compare(p, g);
        break;
    case DL_GOAL_FOLD:
        put_fold(p, g);
        break;
    case DL_GOAL_EACH:
        put_each(p, g);
        break;
    }
}

struct slice dl_prose_goal(const struct datalog_run *r, const struct dl_rule *rule, const struct dl_goal *g,
                           const datalog_word *slots, const bool *bound, struct arena *arena)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    struct prose p = {r, rule, slots, bound, UINT_MAX, &text};
    put_goal(&p, g);
    struct slice kept = arena_keep(arena, buf_slice(&text));
    buf_fini(&text);
    return kept;
}

static void put_node_tuple(const struct datalog_run *r, const struct datalog_proof *n, struct buf *out)
{
    const struct dl_relation *d = r->program->relations[n->rel];
    if (n->negated)
        buf_put(out, SLICE("there is no "));
    buf_put(out, d->name);
    for (unsigned i = 0; i < d->arity; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE("("));
        if (n->columns[i] == DL_RULE_UNBOUND && n->negated)
            buf_put_char(out, '_');
        else
            dl_prim_put(&r->symbols, d->types[i], n->columns[i], SHOWN_BYTES, out);
    }
    if (d->arity)
        buf_put_char(out, ')');
}

static void put_node(const struct datalog_run *r, const struct datalog_proof *n, unsigned depth, struct buf *out)
{
    size_t start = buf_len(out);
    for (unsigned i = 0; i < depth && i < SHOWN_DEPTH; i++)
        buf_put(out, SLICE("  "));
    if (n->rel < 0)
        buf_put(out, n->check);
    else
        put_node_tuple(r, n, out);
    if (n->file) {
        do
            buf_put_char(out, ' ');
        while (buf_len(out) - start < PLACE_COLUMN);
        buf_putf(out, " %s:%u", n->file, n->line);
    }
    buf_put(out, n->above ? SLICE("  (shown above)\n") : SLICE("\n"));
}

/* The nodes still to print; a tree may be deeper than a stack. */
struct pending {
    const struct datalog_proof *node;
    unsigned depth;
};

struct backlog {
    struct pending *v;
    size_t count, cap;
};

static void backlog_push(struct backlog *b, const struct datalog_proof *node, unsigned depth)
{
    if (!node)
        return;
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 64;
        b->v = mem_resize(b->v, b->cap, sizeof(*b->v));
    }
    b->v[b->count++] = (struct pending){node, depth};
}

void dl_prose_put_proof(const struct datalog_run *r, const struct datalog_proof *proof, struct buf *out)
{
    struct backlog b = {0};
    unsigned lines = 0;
    backlog_push(&b, proof, 0);
    while (b.count > 0 && lines++ < SHOWN_LINES) {
        struct pending at = b.v[--b.count];
        put_node(r, at.node, at.depth, out);
        /* The root's siblings, if any, are no part of this proof. */
        if (at.depth > 0)
            backlog_push(&b, at.node->next, at.depth);
        backlog_push(&b, at.node->first, at.depth + 1);
    }
    if (b.count > 0)
        buf_put(out, SLICE("... and more\n"));
    mem_free(b.v);
}

void dl_prose_put_why_not(const struct datalog_why_not *w, struct buf *out)
{
    for (unsigned lines = 0; w && lines < SHOWN_LINES; w = w->next, lines++) {
        buf_put(out, slice_to(w->rule, SHOWN_RULE));
        if (w->rule.len > SHOWN_RULE)
            buf_put(out, SLICE("..."));
        buf_putf(out, "  (%s:%u)  %u of %u hold; fails: ", w->file, w->line, w->held, w->of);
        buf_put(out, w->failed);
        buf_put_char(out, '\n');
    }
}
