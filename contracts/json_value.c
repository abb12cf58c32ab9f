#include "contracts/json_value.h"

#include "contracts/shape.h"
#include "contracts/wire/json_tok.h"

struct builder {
    struct arena *arena;
    struct json_value *open[JSON_TOK_DEPTH + 1]; /* open[0] holds the value itself */
    unsigned depth;
    struct slice name;
};

static struct json_value *put(struct builder *b, enum json_kind kind, struct slice text)
{
    struct json_value *v = arena_new(b->arena, sizeof(*v));
    *v = (struct json_value){.kind = kind, .name = b->name, .text = arena_keep(b->arena, text)};
    b->name = (struct slice){0};
    struct json_value *parent = b->open[b->depth];
    if (parent->last)
        parent->last->next = v;
    else
        parent->first = v;
    parent->last = v;
    return v;
}

static void take(struct builder *b, const struct json_token *t)
{
    switch (t->kind) {
    case JSON_TOK_OBJECT:
    case JSON_TOK_ARRAY: {
        struct json_value *v = put(b, t->kind == JSON_TOK_OBJECT ? JSON_OBJECT : JSON_ARRAY, (struct slice){0});
        b->open[++b->depth] = v;
        break;
    }
    case JSON_TOK_OBJECT_END:
    case JSON_TOK_ARRAY_END:
        b->depth--;
        break;
    case JSON_TOK_NAME:
        b->name = arena_keep(b->arena, t->text);
        break;
    case JSON_TOK_STRING:
        put(b, JSON_STRING, t->text);
        break;
    case JSON_TOK_NUMBER:
        put(b, JSON_NUMBER, t->text);
        break;
    case JSON_TOK_TRUE:
    case JSON_TOK_FALSE:
        put(b, JSON_BOOL, (struct slice){0})->truth = t->kind == JSON_TOK_TRUE;
        break;
    case JSON_TOK_NULL:
        put(b, JSON_NULL, (struct slice){0});
        break;
    case JSON_TOK_COMMA:
        break;
    }
}

static enum err build(struct builder *b, struct json_tok *tok, struct slice text)
{
    struct json_token t;
    enum err e;
    while ((e = json_tok_next(tok, &text, &t)) == ERR_OK)
        take(b, &t);
    if (e != ERR_AGAIN)
        return ERR_INPUT;
    while ((e = json_tok_finish(tok, &t)) == ERR_AGAIN)
        take(b, &t);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}

enum err json_value_read(struct slice text, struct arena *arena, const struct json_value **out)
{
    if (text.len > JSON_VALUE_BYTES)
        return ERR_INPUT;
    struct json_value root = {0};
    struct builder b = {.arena = arena, .open = {&root}};
    struct json_tok tok;
    json_tok_init(&tok, JSON_VALUE_BYTES);
    tok.collect = true;
    enum err e = build(&b, &tok, text);
    json_tok_fini(&tok);
    if (e != ERR_OK || !root.first)
        return ERR_INPUT;
    *out = root.first;
    return ERR_OK;
}

const struct json_value *json_value_member(const struct json_value *object, struct slice name)
{
    for (const struct json_value *v = object->first; v; v = v->next)
        if (slice_eq(v->name, name))
            return v;
    return NULL;
}

size_t json_value_size(const struct json_value *v)
{
    size_t n = 0;
    for (const struct json_value *m = v->first; m; m = m->next)
        n++;
    for (struct slice rest = v->kind == JSON_STRING ? v->text : (struct slice){0}; rest.len;) {
        size_t step = slice_utf8_step(rest);
        rest = slice_from(rest, step ? step : 1);
        n++;
    }
    return n;
}

static enum answer same_number(struct slice a, struct slice b)
{
    if (slice_eq(a, b))
        return ANSWER_YES;
    return shape_decimal(a) && shape_decimal(b) ? answer_of(shape_decimal_cmp(a, b) == 0) : ANSWER_MAYBE;
}

enum answer json_value_same(const struct json_value *a, const struct json_value *b)
{
    if (a->kind != b->kind)
        return ANSWER_NO;
    if (a->kind == JSON_NUMBER)
        return same_number(a->text, b->text);
    if (a->kind == JSON_NULL || a->kind == JSON_BOOL || a->kind == JSON_STRING)
        return answer_of(a->truth == b->truth && slice_eq(a->text, b->text));
    if (json_value_size(a) != json_value_size(b))
        return ANSWER_NO;
    enum answer answer = ANSWER_YES;
    const struct json_value *other = b->first;
    for (const struct json_value *m = a->first; m && answer != ANSWER_NO; m = m->next, other = other->next) {
        const struct json_value *with = a->kind == JSON_OBJECT ? json_value_member(b, m->name) : other;
        answer = answer_both(answer, with ? json_value_same(m, with) : ANSWER_NO);
    }
    return answer;
}

long json_value_base64(struct slice s)
{
    size_t pad = 0;
    while (pad < 2 && pad < s.len && s.at[s.len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i + pad < s.len; i++) {
        char c = s.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '+' && c != '/' && c != '-' && c != '_')
            return -1;
    }
    return (s.len - pad) % 4 == 1 ? -1 : (long)((s.len - pad) * 3 / 4);
}
