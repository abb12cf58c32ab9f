#include "contracts/wire/rewrite_json_inside.h"

/* Steps for the value: those of its branch, or of its place when it is of none that has any. */
static void choose(struct rewrite_json *r, const struct plan_tree_choice *c)
{
    if (!c)
        return;
    if (r->depth)
        r->frames[r->depth - 1].child = c->node;
    else
        r->root = c->node;
}

static unsigned kind_of(const struct json_token *t)
{
    switch (t->kind) {
    case JSON_TOK_OBJECT:
        return PLAN_BRANCH_OBJECT;
    case JSON_TOK_ARRAY:
        return PLAN_BRANCH_ARRAY;
    case JSON_TOK_STRING:
        return PLAN_BRANCH_STRING;
    case JSON_TOK_NUMBER:
        return PLAN_BRANCH_NUMBER;
    case JSON_TOK_TRUE:
    case JSON_TOK_FALSE:
        return PLAN_BRANCH_BOOL;
    default:
        return PLAN_BRANCH_NULL;
    }
}

/* What the kind of the value alone says. */
static const struct plan_tree_choice *by_kind(const struct plan_tree_node *n, const struct json_token *t)
{
    for (const struct plan_tree_choice *c = n->choices; c; c = c->next)
        if (c->branch.terms->test == PLAN_BRANCH_IS && (c->branch.kinds & kind_of(t)))
            return c;
    return NULL;
}

static enum err look(struct rewrite_json *r, struct slice bytes)
{
    const struct plan_tree_choice *c;
    enum err e = branch_scout_feed(&r->scout, bytes, &c);
    if (e == ERR_PEER)
        return rewrite_json_fail(r, ERR_PEER, r->begun.begin, "it cannot be told which branch of its union this is");
    /* However the body is cut into chunks. */
    if (e == ERR_OK && r->scout.read >= r->most)
        return rewrite_json_fail(r, ERR_FULL, r->begun.begin, "too much comes before what tells the branch");
    if (e == ERR_OK)
        choose(r, c);
    return e;
}

enum err rewrite_json_branch_on(struct rewrite_json *r, struct slice bytes)
{
    return look(r, bytes);
}

enum err rewrite_json_branch(struct rewrite_json *r, const struct json_token *t, struct slice bytes)
{
    const struct plan_tree_node *n = r->depth ? r->frames[r->depth - 1].child : r->root;
    const struct plan_tree_choice *c = by_kind(n, t);
    if (c || t->kind != JSON_TOK_OBJECT || !n->looks_inside) {
        choose(r, c);
        return ERR_OK;
    }
    r->begun = *t;
    branch_scout_start(&r->scout, n, r->most);
    enum err e = look(r, SLICE("{"));
    return e == ERR_AGAIN ? look(r, bytes) : e;
}
