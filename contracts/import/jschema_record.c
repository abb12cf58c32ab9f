#include "contracts/import/jschema_record.h"

#include "contracts/import/jschema_bound.h"
#include "contracts/import/jschema_ref.h"
#include "contracts/import/jschema_said.h"
#include "contracts/import/jschema_word.h"

/* Only a default that surely fits is one. */
static bool default_fits(const struct doc_node *member, const struct doc_node *value)
{
    static const char *const words[] = {"enum",
                                        "const",
                                        "minimum",
                                        "maximum",
                                        "exclusiveMinimum",
                                        "exclusiveMaximum",
                                        "multipleOf",
                                        "minLength",
                                        "maxLength",
                                        "pattern",
                                        "allOf",
                                        "anyOf",
                                        "oneOf",
                                        "not",
                                        "$ref",
                                        "format",
                                        NULL};
    const struct doc_node *type = doc_get(member, "type");
    if (!type || type->kind != DOC_STRING || jschema_word_any(member, words))
        return false;
    bool point = slice_has(value->text, SLICE(".")) || slice_has(value->text, SLICE("e"));
    switch (value->kind) {
    case DOC_BOOL:
        return slice_eq(type->text, SLICE("boolean"));
    case DOC_NUMBER:
        return slice_eq(type->text, SLICE("number")) || (slice_eq(type->text, SLICE("integer")) && !point);
    case DOC_STRING:
        return slice_eq(type->text, SLICE("string"));
    case DOC_NULL:
    case DOC_LIST:
    case DOC_MAP:
        break;
    }
    return false;
}

static void put_default(struct jschema_own *o, const struct doc_node *member)
{
    const struct doc_node *value = doc_get(member, "default");
    if (!value || !default_fits(member, value))
        return;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    doc_put_json(value, &text);
    DRAFT_PUT(o->j->draft, DEFAULT, o->name, member->key, buf_slice(&text));
    buf_fini(&text);
}

/* The schema, or a word beside its $ref where such words count: not in OpenAPI 3.0. */
static bool says(const struct jschema *j, const struct doc_node *member, const struct doc_node *target,
                 const char *word)
{
    return target && (jschema_word_true(doc_get(target, word)) ||
                      (j->dialect != JSCHEMA_OPENAPI_30 && jschema_word_true(doc_get(member, word))));
}

static void put_member(struct jschema_own *o, const struct doc_node *n, const struct doc_node *member)
{
    struct jschema *j = o->j;
    struct slice position = arena_putf(j->arena, "%.*s.%.*s", SLICE_FMT(o->name), SLICE_FMT(member->key));
    struct slice type = jschema_type(j, member, position);
    struct slice presence = jschema_word_requires(n, member->key) ? SLICE("required") : SLICE("optional");
    const struct doc_node *target = member->kind == DOC_MAP ? jschema_ref_resolve(j, member) : NULL;
    DRAFT_PUT(j->draft, FIELD, o->name, member->key, type, presence);
    draft_place(j->draft, position, jschema_state_file(j, member), member->key_line ? member->key_line : member->line,
                member->column);
    if (says(j, member, target, "readOnly"))
        DRAFT_PUT(j->draft, ONLY, position, SLICE("response"));
    if (says(j, member, target, "writeOnly"))
        DRAFT_PUT(j->draft, ONLY, position, SLICE("request"));
}

/* Of a member that is required and not described. */
static struct slice type_of_rest(struct jschema_own *o, const struct doc_node *n)
{
    const struct doc_node *rest = doc_get(n, "additionalProperties");
    if (jschema_word_false(rest) && !doc_get(n, "patternProperties"))
        return SLICE("never");
    if (jschema_word_anything(rest) || doc_get(n, "patternProperties"))
        return SLICE("any");
    return jschema_type(o->j, rest, arena_putf(o->j->arena, "%.*s{}", SLICE_FMT(o->name)));
}

/* Some tools for OpenAPI see only members that are described. */
static void put_undescribed(struct jschema_own *o, const struct doc_node *n, const struct doc_node *required)
{
    struct draft *d = o->j->draft;
    struct slice position = arena_putf(o->j->arena, "%.*s.%.*s", SLICE_FMT(o->name), SLICE_FMT(required->text));
    DRAFT_PUT(d, FIELD, o->name, required->text, type_of_rest(o, n), SLICE("required"));
    draft_place(d, position, jschema_state_file(o->j, required), required->line, required->column);
    if (o->j->dialect != JSCHEMA_STANDARD)
        DRAFT_PUT(d, OPTION, position, SLICE("undescribed"), SLICE("true"));
}

static void put_members(struct jschema_own *o, const struct doc_node *n)
{
    const struct doc_node *properties = doc_get(n, "properties"), *required = doc_get(n, "required");
    for (const struct doc_node *m = properties && properties->kind == DOC_MAP ? properties->first : NULL; m;
         m = m->next) {
        put_member(o, n, m);
        if (m->kind == DOC_MAP && o->j->dialect != JSCHEMA_STANDARD)
            put_default(o, m);
    }
    for (const struct doc_node *r = required && required->kind == DOC_LIST ? required->first : NULL; r; r = r->next)
        if (r->kind == DOC_STRING && r->text.len && !doc_find(properties, r->text))
            put_undescribed(o, n, r);
        else if (r->text.len == 0)
            jschema_own_unproven(o, r, SLICE("required"));
}

/* What the rest is depends on what is named. */
static struct slice said_of_rest(struct jschema *j, const struct doc_node *n, const struct doc_node *extra)
{
    struct slice text = jschema_said(j, extra);
    const struct doc_node *maps[] = {doc_get(n, "properties"), doc_get(n, "patternProperties")};
    for (size_t i = 0; i < 2; i++)
        for (const struct doc_node *c = maps[i] ? maps[i]->first : NULL; c; c = c->next)
            text = arena_putf(j->arena, "%.*s, not %.*s", SLICE_FMT(text), SLICE_FMT(c->key));
    return text;
}

/* What may stand beside the members that are named. */
static void put_rest(struct jschema_own *o, const struct doc_node *n)
{
    struct jschema *j = o->j;
    const struct doc_node *extra = doc_get(n, "additionalProperties");
    bool patterns = doc_get(n, "patternProperties") && doc_get(n, "patternProperties")->count;
    if (jschema_word_anything(extra))
        return;
    if (patterns)
        draft_unproven(j->draft, o->name, SLICE("additionalProperties"), said_of_rest(j, n, extra));
    else if (jschema_word_false(extra))
        DRAFT_PUT(j->draft, CLOSED, o->name);
    else
        DRAFT_PUT(j->draft, EXTRA, o->name, jschema_type(j, extra, arena_putf(j->arena, "%.*s{}", SLICE_FMT(o->name))));
}

struct slice jschema_record_make(struct jschema_own *o, const struct doc_node *n)
{
    static const char *const maps[] = {"patternProperties", "dependentRequired", "dependentSchemas", "dependencies",
                                       NULL};
    struct jschema *j = o->j;
    const struct doc_node *extra = doc_get(n, "additionalProperties"), *properties = doc_get(n, "properties");
    bool members = (properties && properties->count) || doc_get(n, "required") || doc_get(n, "patternProperties");
    jschema_own_take(o);
    if (!jschema_word_anything(extra) && !jschema_word_false(extra) && !members && j->dialect != JSCHEMA_STANDARD) {
        struct slice value = jschema_type(j, extra, arena_putf(j->arena, "%.*s{}", SLICE_FMT(o->name)));
        DRAFT_PUT(j->draft, MAP, o->name, SLICE("string"), value);
    } else {
        DRAFT_PUT(j->draft, RECORD, o->name);
        put_members(o, n);
        put_rest(o, n);
    }
    jschema_bound_put(o, "min_items", doc_get(n, "minProperties"));
    jschema_bound_put(o, "max_items", doc_get(n, "maxProperties"));
    if (doc_get(n, "propertyNames"))
        jschema_own_aspect(o, SLICE("names"), doc_get(n, "propertyNames"));
    if (doc_get(n, "unevaluatedProperties") && !jschema_word_anything(doc_get(n, "unevaluatedProperties")))
        jschema_own_unproven(o, n, SLICE("unevaluatedProperties"));
    for (const char *const *w = maps; *w; w++)
        jschema_own_unproven_entries(o, n, *w);
    return o->name;
}
