#include "contracts/wire/branch_scout.h"

#include "base/check.h"
#include "base/mem.h"
#include "contracts/wire/json_fast.h"

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

/* ---- members at a glance ---- */

/* A member as it lies in what was fed. */
struct sight {
    struct slice name;
    struct json_token value;
    const char *shown; /* where it is known what kind the value is, and for a string its end */
    const char *end;   /* behind the value */
};

/* Behind a name and its colon; NULL: not at a glance. */
static const char *past_name(const char *at, const char *end)
{
    at = at < end && *at == '"' ? json_fast_string(at + 1, end) : NULL;
    at = at ? json_fast_blanks(at, end) : end;
    return at < end && *at == ':' ? json_fast_blanks(at + 1, end) : NULL;
}

/* Behind what closes here, and behind what that closes; then a comma follows, or nothing is open any more. */
static const char *past_closers(const char *at, const char *end, const bool *object, size_t *depth)
{
    at = json_fast_blanks(at, end);
    while (*depth && at < end && *at == (object[*depth - 1] ? '}' : ']')) {
        at++;
        if (--*depth)
            at = json_fast_blanks(at, end);
    }
    return *depth == 0 || (at < end && *at == ',') ? at : NULL;
}

/* Past an object or array, as strict as json_tok.  NULL: not at a glance. */
static const char *past_nest(const char *at, const char *end)
{
    bool object[JSON_TOK_DEPTH - 1];
    size_t depth = 0;
    do {
        bool nest = json_fast_is_nest(*at), empty = false;
        if (nest && depth == JSON_TOK_DEPTH - 1)
            return NULL;
        if (nest) {
            object[depth++] = *at == '{';
            at = json_fast_blanks(at + 1, end);
            empty = at < end && *at == (object[depth - 1] ? '}' : ']');
        } else {
            at = json_fast_value(at, end);
        }
        if (at && (!nest || empty))
            at = past_closers(at, end, object, &depth);
        if (at && depth && (!nest || empty))
            at = json_fast_blanks(at + 1, end);
        if (at && depth && object[depth - 1])
            at = past_name(at, end);
    } while (at && at < end && depth);
    return depth ? NULL : at;
}

static bool sight_value(const char *at, const char *end, struct sight *m)
{
    static const enum json_tok_kind kinds[256] = {
        ['"'] = JSON_TOK_STRING, ['{'] = JSON_TOK_OBJECT, ['['] = JSON_TOK_ARRAY,
        ['t'] = JSON_TOK_TRUE,   ['f'] = JSON_TOK_FALSE,  ['n'] = JSON_TOK_NULL};
    bool nest = json_fast_is_nest(*at);
    m->end = nest ? past_nest(at, end) : json_fast_value(at, end);
    if (!m->end)
        return false;
    m->shown = nest ? at + 1 : m->end;
    m->value = (struct json_token){.kind = kinds[(unsigned char)*at]};
    if (m->value.kind == JSON_TOK_OBJECT && *at != '{')
        m->value.kind = JSON_TOK_NUMBER;
    if (m->value.kind == JSON_TOK_STRING)
        m->value.text = slice_of(at + 1, (size_t)(m->end - at - 2));
    /* An escape is undone by the reader of tokens. */
    return !memchr(at, '\\', m->value.kind == JSON_TOK_STRING ? (size_t)(m->end - at) : 0);
}

static bool sight(const char *at, const char *end, bool fresh, struct sight *m)
{
    at = json_fast_blanks(at, end);
    if (!fresh) {
        if (at == end || *at != ',')
            return false;
        at = json_fast_blanks(at + 1, end);
    }
    if (at == end || *at != '"')
        return false;
    const char *name_end = json_fast_name(at + 1, end);
    if (!name_end)
        return false;
    m->name = slice_of(at + 1, (size_t)(name_end - at - 1));
    at = json_fast_blanks(name_end + 1, end);
    if (at == end || *at != ':')
        return false;
    at = json_fast_blanks(at + 1, end);
    return at < end && sight_value(at, end, m);
}

/* Whole members of the object, as long as they need no tokens. */
static enum err glance(struct branch_scout *s, struct slice *bytes, const struct plan_tree_choice **choice)
{
    const char *at = bytes->at, *end = bytes->at + bytes->len;
    enum err heard = ERR_AGAIN;
    struct sight m;
    bool fresh;
    if (json_tok_depth(&s->tok) != 1 || !json_tok_resting(&s->tok, &fresh))
        return ERR_AGAIN;
    while (heard == ERR_AGAIN && sight(at, end, fresh, &m)) {
        hear_name(s, m.name);
        const char *known = s->asked ? m.shown : m.name.at + m.name.len + 1;
        s->read = json_tok_offset(&s->tok) + (uint64_t)(known - bytes->at);
        if (s->asked)
            hear_value(s, &m.value);
        heard = settle_early(s, choice);
        at = m.end;
        fresh = false;
    }
    json_tok_jump(&s->tok, (size_t)(at - bytes->at), 1, fresh);
    *bytes = slice_from(*bytes, (size_t)(at - bytes->at));
    return heard;
}

enum err branch_scout_feed(struct branch_scout *s, struct slice bytes, const struct plan_tree_choice **choice)
{
    struct json_token token;
    enum err e = ERR_OK, heard;
    PRE(s->on);
    do {
        heard = glance(s, &bytes, choice);
        if (heard != ERR_AGAIN)
            break;
        e = json_tok_next(&s->tok, &bytes, &token);
        if (e != ERR_OK)
            break;
        heard = hear(s, &token, choice);
        s->read = json_tok_offset(&s->tok);
    } while (heard == ERR_AGAIN);
    if (heard == ERR_AGAIN && e == ERR_AGAIN)
        return ERR_AGAIN;
    if (heard == ERR_AGAIN) {
        *choice = NULL;
        heard = ERR_OK;
    }
    stop(s);
    return heard;
}
