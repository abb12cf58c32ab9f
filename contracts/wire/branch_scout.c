#include "contracts/wire/branch_scout.h"

#include "base/check.h"
#include "base/mem.h"

static bool is_claim(const struct plan_branch_term *t)
{
    return t->test != PLAN_BRANCH_LACKS;
}

void branch_scout_start(struct branch_scout *s, const struct plan_tree_node *node, size_t max_text)
{
    PRE(!s->on && node->choices);
    s->on = true;
    s->asked = false;
    s->node = node;
    json_tok_init(&s->tok, max_text);
    if (s->room < node->choice_count) {
        s->room = node->choice_count;
        s->of = mem_resize(s->of, s->room, sizeof(*s->of));
    }
    size_t i = 0;
    for (const struct plan_tree_choice *c = node->choices; c; c = c->next, i++) {
        unsigned bit = 0;
        s->of[i] = (struct branch_scout_state){.out = c->branch.terms->test == PLAN_BRANCH_IS};
        for (const struct plan_branch_term *t = c->branch.terms; t; t = t->next, bit++)
            s->of[i].open |= is_claim(t) ? UINT32_C(1) << bit : 0;
    }
}

static void stop(struct branch_scout *s)
{
    s->read = json_tok_offset(&s->tok);
    json_tok_fini(&s->tok);
    s->on = false;
}

void branch_scout_fini(struct branch_scout *s)
{
    if (s->on)
        stop(s);
    mem_free(s->of);
    s->of = NULL;
    s->room = 0;
}

/* ---- terms ---- */

static void hear_name(struct branch_scout *s, struct slice name)
{
    size_t i = 0;
    s->asked = false;
    for (const struct plan_tree_choice *c = s->node->choices; c; c = c->next, i++) {
        unsigned bit = 0;
        for (const struct plan_branch_term *t = c->branch.terms; t; t = t->next, bit++) {
            if (t->test == PLAN_BRANCH_IS || !slice_eq(t->member, name))
                continue;
            if (t->test == PLAN_BRANCH_HAS)
                s->of[i].open &= ~(UINT32_C(1) << bit);
            else if (t->test == PLAN_BRANCH_LACKS)
                s->of[i].barred = true;
            else
                s->of[i].asked |= UINT32_C(1) << bit;
            s->asked = s->asked || s->of[i].asked;
        }
    }
}

static unsigned kind_of(enum json_tok_kind kind)
{
    switch (kind) {
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
    case JSON_TOK_NULL:
        return PLAN_BRANCH_NULL;
    case JSON_TOK_OBJECT_END:
    case JSON_TOK_ARRAY_END:
    case JSON_TOK_COMMA:
    case JSON_TOK_NAME:
        break;
    }
    return 0;
}

static bool holds(const struct plan_branch_term *t, const struct json_token *value)
{
    if (t->test == PLAN_BRANCH_KIND)
        return t->kinds & kind_of(value->kind);
    for (size_t i = 0; i < t->value_count; i++)
        if (value->kind == JSON_TOK_STRING && slice_eq(t->values[i], value->text))
            return true;
    return false;
}

static void hear_value(struct branch_scout *s, const struct json_token *value)
{
    size_t i = 0;
    for (const struct plan_tree_choice *c = s->node->choices; c; c = c->next, i++) {
        unsigned bit = 0;
        for (const struct plan_branch_term *t = c->branch.terms; t; t = t->next, bit++) {
            if (!(s->of[i].asked & (UINT32_C(1) << bit)))
                continue;
            if (holds(t, value))
                s->of[i].open &= ~(UINT32_C(1) << bit);
            else
                s->of[i].out = true;
        }
        s->of[i].asked = 0;
    }
    s->asked = false;
}

/* ---- choices ---- */

static bool has_lacks(const struct plan_branch *b)
{
    for (const struct plan_branch_term *t = b->terms; t; t = t->next)
        if (!is_claim(t))
            return true;
    return false;
}

/* A choice without a word on what should not be there is made as soon as all else holds. */
static enum err settle_early(const struct branch_scout *s, const struct plan_tree_choice **choice)
{
    bool alive = false;
    size_t i = 0;
    for (const struct plan_tree_choice *c = s->node->choices; c; c = c->next, i++) {
        const struct branch_scout_state *of = &s->of[i];
        if (of->out || (of->barred && !c->branch.claims))
            continue;
        if (!of->open && !has_lacks(&c->branch)) {
            *choice = c;
            return ERR_OK;
        }
        alive = true;
    }
    *choice = NULL;
    return alive ? ERR_AGAIN : ERR_OK;
}

static enum err settle_late(const struct branch_scout *s, const struct plan_tree_choice **choice)
{
    size_t i = 0;
    *choice = NULL;
    for (const struct plan_tree_choice *c = s->node->choices; c; c = c->next, i++) {
        const struct branch_scout_state *of = &s->of[i];
        if (of->out || of->open || (of->barred && !c->branch.claims))
            continue;
        if (of->barred || *choice)
            return ERR_PEER;
        *choice = c;
    }
    return ERR_OK;
}

static enum err hear(struct branch_scout *s, const struct json_token *t, const struct plan_tree_choice **choice)
{
    unsigned depth = json_tok_depth(&s->tok);
    if (t->kind == JSON_TOK_OBJECT_END && depth == 0)
        return settle_late(s, choice);
    if (t->kind == JSON_TOK_NAME && depth == 1) {
        hear_name(s, t->text);
        s->tok.collect = s->asked;
        return s->asked ? ERR_AGAIN : settle_early(s, choice);
    }
    if (!s->asked)
        return ERR_AGAIN;
    hear_value(s, t);
    s->tok.collect = false;
    return settle_early(s, choice);
}

enum err branch_scout_feed(struct branch_scout *s, struct slice bytes, const struct plan_tree_choice **choice)
{
    struct json_token token;
    enum err e, heard = ERR_AGAIN;
    PRE(s->on);
    do {
        e = json_tok_next(&s->tok, &bytes, &token);
        if (e == ERR_OK)
            heard = hear(s, &token, choice);
    } while (e == ERR_OK && heard == ERR_AGAIN);
    if (heard == ERR_AGAIN && e == ERR_AGAIN)
        return ERR_AGAIN;
    if (heard == ERR_AGAIN) {
        *choice = NULL;
        heard = ERR_OK;
    }
    stop(s);
    return heard;
}
