#include "contracts/wire/rewrite_json_inside.h"

#include "contracts/wire/json_number.h"
#include "contracts/wire/recode.h"

static enum err change_value(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    if (t->kind == JSON_TOK_NULL)
        return ERR_OK;
    if (t->kind != JSON_TOK_STRING)
        return rewrite_json_fail(r, ERR_PEER, t->begin, "a string is expected");
    const struct slice *symbol = map_get(&n->table, t->text);
    if (!symbol && !n->otherwise_ok)
        return rewrite_json_fail_name(r, t->begin, "the plan has nothing for", t->text, "");
    TRY(rewrite_json_give(r, t->begin));
    TRY(rewrite_json_add(r, symbol ? *symbol : plan_step(r->shared.plan, (size_t)n->change)->value));
    held_drop(&r->held, t->end);
    rewrite_json_applied(r, n->change);
    return ERR_OK;
}

static enum err fail_range(struct rewrite_json *r, const struct plan_step *s, uint64_t at)
{
    buf_putf(&r->shared.fault, "a whole number from %lld to %lld is expected", (long long)s->low, (long long)s->high);
    return rewrite_json_fail(r, ERR_PEER, at, "");
}

static enum err narrow_value(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    if (t->kind == JSON_TOK_NULL)
        return ERR_OK;
    if (t->kind != JSON_TOK_NUMBER)
        return rewrite_json_fail(r, ERR_PEER, t->begin, "a number is expected");
    const struct plan_step *s = plan_step(r->shared.plan, (size_t)n->narrow);
    int64_t number;
    if (json_number_whole(t->text, &number) != ERR_OK || number < s->low || number > s->high)
        return fail_range(r, s, t->begin);
    rewrite_json_applied(r, n->narrow);
    return ERR_OK;
}

static enum err recoded(struct rewrite_json *r, const struct plan_step *s, const struct json_token *t, struct buf *out)
{
    const char *fault = recode(s, t->text, out);
    return fault ? rewrite_json_fail(r, ERR_PEER, t->begin, fault) : ERR_OK;
}

/* What a scale, text or number step makes of a value, into `out`. */
static enum err turned(struct rewrite_json *r, const struct plan_step *s, const struct json_token *t, struct buf *out)
{
    int64_t whole;
    if (s->op >= PLAN_ENCODE)
        TRY(recoded(r, s, t, out));
    else if (s->op == PLAN_SCALE) {
        if (json_number_scale(t->text, (uint64_t)s->times, (uint64_t)s->per, out) != ERR_OK)
            return rewrite_json_fail(r, ERR_PEER, t->begin, "a number that can be converted exactly is expected");
    } else if (s->op == PLAN_NUMBER) {
        if (!json_number_plain(t->text))
            return rewrite_json_fail(r, ERR_PEER, t->begin, "a string of digits is expected");
        TRY(buf_add(out, t->text));
    } else if (json_number_plain(t->text)) {
        buf_putf(out, "\"%.*s\"", SLICE_FMT(t->text));
    } else if (json_number_whole(t->text, &whole) == ERR_OK) {
        buf_putf(out, "\"%lld\"", (long long)whole);
    } else {
        return rewrite_json_fail(r, ERR_PEER, t->begin, "a whole number is expected");
    }
    if ((s->op == PLAN_SCALE || s->op == PLAN_NUMBER || s->op == PLAN_EPOCH) && s->whole &&
        (json_number_whole(buf_slice(out), &whole) != ERR_OK || whole < s->low || whole > s->high))
        return fail_range(r, s, t->begin);
    return ERR_OK;
}

static enum err turn_value(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    const struct plan_step *s = plan_step(r->shared.plan, (size_t)n->turn);
    bool from_text = s->op != PLAN_SCALE && s->op != PLAN_TEXT && s->op != PLAN_DATE;
    if (t->kind == JSON_TOK_NULL)
        return ERR_OK;
    if (t->kind != (from_text ? JSON_TOK_STRING : JSON_TOK_NUMBER))
        return rewrite_json_fail(r, ERR_PEER, t->begin, from_text ? "a string is expected" : "a number is expected");
    struct buf made;
    buf_init(&made, RECODE_TIMES * r->most + RECODE_MORE);
    enum err e = turned(r, s, t, &made);
    if (e == ERR_OK)
        e = rewrite_json_give(r, t->begin);
    if (e == ERR_OK)
        e = rewrite_json_add(r, buf_slice(&made));
    buf_fini(&made);
    TRY(e);
    held_drop(&r->held, t->end);
    rewrite_json_applied(r, n->turn);
    return ERR_OK;
}

enum err rewrite_json_value_judge(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    TRY(rewrite_json_check_kept(r, t->end));
    /* A scaled number has a range of its own, for what it becomes. */
    if (n->narrow != PLAN_TREE_NONE && n->turn == PLAN_TREE_NONE)
        TRY(narrow_value(r, n, t));
    if (n->turn != PLAN_TREE_NONE)
        TRY(turn_value(r, n, t));
    if (n->change != PLAN_TREE_NONE)
        TRY(change_value(r, n, t));
    r->held.flow = HELD_GIVE;
    return ERR_OK;
}
