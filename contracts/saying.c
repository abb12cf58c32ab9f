#include "contracts/saying.h"

#include <stdio.h>

#include "contracts/decimal.h"
#include "contracts/regular.h"

enum { SAYING_DEPTH = 32 };

static enum answer fits(struct saying *s, const struct json_value *schema, const struct json_value *v);

/* --- Values. */

static size_t count_of(const struct json_value *v)
{
    return json_value_size(v);
}

static bool is_whole(const struct json_value *v)
{
    struct decimal d;
    if (v->kind != JSON_NUMBER || !decimal_read(v->text, &d))
        return false;
    for (; d.scale; d.scale--, d.digits /= 10)
        if (d.digits % 10)
            return false;
    return true;
}

static enum answer is_kind(struct slice word, const struct json_value *v)
{
    static const struct {
        const char *name;
        enum json_kind kind;
    } kinds[] = {{"null", JSON_NULL},     {"boolean", JSON_BOOL}, {"number", JSON_NUMBER},
                 {"string", JSON_STRING}, {"array", JSON_ARRAY},  {"object", JSON_OBJECT}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (slice_eq(slice_str(kinds[i].name), word))
            return answer_of(v->kind == kinds[i].kind);
    if (!slice_eq(word, SLICE("integer")))
        return ANSWER_MAYBE;
    struct decimal d;
    if (v->kind == JSON_NUMBER && !decimal_read(v->text, &d))
        return ANSWER_MAYBE;
    return answer_of(is_whole(v));
}

static enum answer one_of_kinds(const struct json_value *said, const struct json_value *v)
{
    if (said->kind == JSON_STRING)
        return is_kind(said->text, v);
    enum answer answer = said->kind == JSON_ARRAY ? ANSWER_NO : ANSWER_MAYBE;
    for (const struct json_value *k = said->kind == JSON_ARRAY ? said->first : NULL; k; k = k->next)
        answer = answer_either(answer, k->kind == JSON_STRING ? is_kind(k->text, v) : ANSWER_MAYBE);
    return answer;
}

static enum answer one_of_values(const struct json_value *said, const struct json_value *v)
{
    enum answer answer = said->kind == JSON_ARRAY ? ANSWER_NO : ANSWER_MAYBE;
    for (const struct json_value *k = said->kind == JSON_ARRAY ? said->first : NULL; k; k = k->next)
        answer = answer_either(answer, json_value_same(k, v));
    return answer;
}

/* --- Bounds: of numbers, and of how many. */

enum limit { AT_LEAST, AT_MOST, ABOVE, BELOW };

static enum answer within(enum limit limit, struct slice number, const struct json_value *said)
{
    if (said->kind != JSON_NUMBER || !shape_decimal(number) || !shape_decimal(said->text))
        return ANSWER_MAYBE;
    int order = shape_decimal_cmp(number, said->text);
    return answer_of(limit == AT_LEAST  ? order >= 0
                     : limit == AT_MOST ? order <= 0
                     : limit == ABOVE   ? order > 0
                                        : order < 0);
}

static enum answer within_count(enum limit limit, size_t count, const struct json_value *said)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%zu", count);
    return within(limit, slice_of(digits, (size_t)len), said);
}

static enum answer number_word(struct slice word, const struct json_value *said, const struct json_value *schema,
                               const struct json_value *v)
{
    static const struct {
        const char *word, *strict;
        enum limit limit, other;
    } words[] = {{"minimum", "exclusiveMinimum", AT_LEAST, ABOVE}, {"maximum", "exclusiveMaximum", AT_MOST, BELOW}};
    if (slice_eq(word, SLICE("multipleOf"))) {
        int divides = said->kind == JSON_NUMBER ? decimal_divides(v->text, said->text) : -1;
        return divides < 0 ? ANSWER_MAYBE : answer_of(divides);
    }
    for (size_t i = 0; i < 2; i++) {
        /* Draft 4 says true beside the bound. */
        const struct json_value *strict = schema ? json_value_member(schema, slice_str(words[i].strict)) : NULL;
        bool draft4 = strict && strict->kind == JSON_BOOL && strict->truth;
        if (slice_eq(word, slice_str(words[i].word)))
            return within(draft4 ? words[i].other : words[i].limit, v->text, said);
        if (slice_eq(word, slice_str(words[i].strict)))
            return said->kind == JSON_BOOL ? ANSWER_YES : within(words[i].other, v->text, said);
    }
    return ANSWER_MAYBE;
}

static enum answer text_word(struct slice word, const struct json_value *said, const struct json_value *v)
{
    if (slice_eq(word, SLICE("minLength")))
        return within_count(AT_LEAST, count_of(v), said);
    if (slice_eq(word, SLICE("maxLength")))
        return within_count(AT_MOST, count_of(v), said);
    if (slice_eq(word, SLICE("pattern")) && said->kind == JSON_STRING)
        return regular_takes(said->text, v->text);
    return ANSWER_MAYBE;
}

/* --- Lists. */

static enum answer all_differ(const struct json_value *v)
{
    enum answer answer = ANSWER_YES;
    for (const struct json_value *a = v->first; a; a = a->next)
        for (const struct json_value *b = a->next; b; b = b->next)
            answer = answer_both(answer, answer_not(json_value_same(a, b)));
    return answer;
}

static enum answer all_fit(struct saying *s, const struct json_value *schema, const struct json_value *first)
{
    enum answer answer = ANSWER_YES;
    for (const struct json_value *e = first; e; e = e->next)
        answer = answer_both(answer, fits(s, schema, e));
    return answer;
}

/* Each by its place; `rest` (or NULL) for those behind. */
static enum answer places_fit(struct saying *s, const struct json_value *places, const struct json_value *rest,
                              const struct json_value *v)
{
    enum answer answer = ANSWER_YES;
    const struct json_value *e = v->first;
    for (const struct json_value *p = places->first; p && e; p = p->next, e = e->next)
        answer = answer_both(answer, fits(s, p, e));
    return answer_both(answer, rest ? all_fit(s, rest, e) : ANSWER_YES);
}

/* At least `least` and at most `most` (NULL: any number) elements fit. */
static enum answer contains(struct saying *s, const struct json_value *schema, const struct json_value *v,
                            const struct json_value *least, const struct json_value *most)
{
    static const struct json_value once = {.kind = JSON_NUMBER, .text = {.at = "1", .len = 1}};
    size_t surely = 0, perhaps = 0;
    for (const struct json_value *e = v->first; e; e = e->next) {
        enum answer answer = fits(s, schema, e);
        surely += answer == ANSWER_YES;
        perhaps += answer != ANSWER_NO;
    }
    const struct json_value *from = least ? least : &once;
    enum answer enough = within_count(AT_LEAST, surely, from),
                few = most ? within_count(AT_MOST, perhaps, most) : ANSWER_YES;
    if (enough == ANSWER_NO && within_count(AT_LEAST, perhaps, from) == ANSWER_YES)
        enough = ANSWER_MAYBE;
    if (few == ANSWER_NO && within_count(AT_MOST, surely, most) == ANSWER_YES)
        few = ANSWER_MAYBE;
    return answer_both(enough, few);
}

static const struct json_value *beside_of(const struct json_value *schema, const char *word)
{
    return schema ? json_value_member(schema, slice_str(word)) : NULL;
}

static enum answer list_word(struct saying *s, struct slice word, const struct json_value *said,
                             const struct json_value *schema, const struct json_value *v)
{
    if (slice_eq(word, SLICE("minItems")))
        return within_count(AT_LEAST, count_of(v), said);
    if (slice_eq(word, SLICE("maxItems")))
        return within_count(AT_MOST, count_of(v), said);
    if (slice_eq(word, SLICE("uniqueItems")))
        return said->kind == JSON_BOOL && said->truth ? all_differ(v) : ANSWER_YES;
    if (slice_eq(word, SLICE("contains")))
        return contains(s, said, v, beside_of(schema, "minContains"), beside_of(schema, "maxContains"));
    if (slice_eq(word, SLICE("prefixItems")))
        return said->kind == JSON_ARRAY ? places_fit(s, said, NULL, v) : ANSWER_MAYBE;
    if (slice_eq(word, SLICE("items")) && said->kind == JSON_ARRAY)
        return places_fit(s, said, beside_of(schema, "additionalItems"), v);
    if (slice_eq(word, SLICE("items")))
        return beside_of(schema, "prefixItems") ? ANSWER_MAYBE : all_fit(s, said, v->first);
    if (slice_eq(word, SLICE("minContains")) || slice_eq(word, SLICE("maxContains")))
        return beside_of(schema, "contains") ? ANSWER_YES : ANSWER_MAYBE;
    if (slice_eq(word, SLICE("additionalItems")))
        return beside_of(schema, "items") ? ANSWER_YES : ANSWER_MAYBE;
    return ANSWER_MAYBE;
}

/* --- Objects. */

static enum answer has_members(const struct json_value *said, const struct json_value *v)
{
    enum answer answer = said->kind == JSON_ARRAY || said->kind == JSON_STRING ? ANSWER_YES : ANSWER_MAYBE;
    if (said->kind == JSON_STRING)
        return answer_of(json_value_member(v, said->text) != NULL);
    for (const struct json_value *m = said->kind == JSON_ARRAY ? said->first : NULL; m; m = m->next)
        answer = answer_both(answer,
                             m->kind == JSON_STRING ? answer_of(json_value_member(v, m->text) != NULL) : ANSWER_MAYBE);
    return answer;
}

/* If the name matches, the value fits. */
static enum answer matching_fit(struct saying *s, struct slice regex, const struct json_value *schema,
                                const struct json_value *v)
{
    enum answer answer = ANSWER_YES;
    for (const struct json_value *m = v->first; m; m = m->next) {
        enum answer other_name = answer_not(regular_takes(regex, m->name));
        if (other_name != ANSWER_YES)
            answer = answer_both(answer, answer_either(other_name, fits(s, schema, m)));
    }
    return answer;
}

/* What a member brings with it: other members, or a schema for the whole. */
static enum answer dependent(struct saying *s, struct slice member, const struct json_value *said,
                             const struct json_value *v)
{
    if (!json_value_member(v, member))
        return ANSWER_YES;
    return said->kind == JSON_ARRAY || said->kind == JSON_STRING ? has_members(said, v) : fits(s, said, v);
}

static enum answer names_fit(struct saying *s, const struct json_value *schema, const struct json_value *v)
{
    enum answer answer = ANSWER_YES;
    for (const struct json_value *m = v->first; m; m = m->next) {
        struct json_value name = {.kind = JSON_STRING, .text = m->name};
        answer = answer_both(answer, fits(s, schema, &name));
    }
    return answer;
}

static enum answer rest_fits(struct saying *s, const struct json_value *said, const struct json_value *schema,
                             const struct json_value *v)
{
    if (!schema)
        return ANSWER_MAYBE;
    const struct json_value *named = beside_of(schema, "properties"), *matched = beside_of(schema, "patternProperties");
    enum answer answer = ANSWER_YES;
    for (const struct json_value *m = v->first; m; m = m->next) {
        enum answer stranger = answer_of(!named || !json_value_member(named, m->name));
        for (const struct json_value *p = matched ? matched->first : NULL; p; p = p->next)
            stranger = answer_both(stranger, answer_not(regular_takes(p->name, m->name)));
        if (stranger != ANSWER_NO)
            answer = answer_both(answer, answer_either(answer_not(stranger), fits(s, said, m)));
    }
    return answer;
}

static enum answer object_word(struct saying *s, struct slice word, const struct json_value *said,
                               const struct json_value *schema, const struct json_value *v)
{
    enum answer answer = ANSWER_YES;
    if (slice_eq(word, SLICE("minProperties")))
        return within_count(AT_LEAST, count_of(v), said);
    if (slice_eq(word, SLICE("maxProperties")))
        return within_count(AT_MOST, count_of(v), said);
    if (slice_eq(word, SLICE("required")))
        return has_members(said, v);
    if (slice_eq(word, SLICE("propertyNames")))
        return names_fit(s, said, v);
    if (slice_eq(word, SLICE("additionalProperties")))
        return rest_fits(s, said, schema, v);
    bool by_name = slice_eq(word, SLICE("properties")), by_match = slice_eq(word, SLICE("patternProperties"));
    bool brings = slice_eq(word, SLICE("dependencies")) || slice_eq(word, SLICE("dependentRequired")) ||
                  slice_eq(word, SLICE("dependentSchemas"));
    if (!by_name && !by_match && !brings)
        return ANSWER_MAYBE;
    for (const struct json_value *p = said->first; p; p = p->next) {
        const struct json_value *m = by_name ? json_value_member(v, p->name) : NULL;
        answer = answer_both(answer, by_match ? matching_fit(s, p->name, p, v)
                                     : brings ? dependent(s, p->name, p, v)
                                     : m      ? fits(s, p, m)
                                              : ANSWER_YES);
    }
    return answer;
}

/* --- Schemas of schemas. */

static enum answer any_fits(struct saying *s, const struct json_value *said, const struct json_value *v, bool all)
{
    enum answer answer = all ? ANSWER_YES : ANSWER_NO;
    for (const struct json_value *b = said->first; b; b = b->next)
        answer = all ? answer_both(answer, fits(s, b, v)) : answer_either(answer, fits(s, b, v));
    return said->kind == JSON_ARRAY ? answer : ANSWER_MAYBE;
}

static enum answer one_fits(struct saying *s, const struct json_value *said, const struct json_value *v)
{
    size_t surely = 0, perhaps = 0;
    for (const struct json_value *b = said->first; b; b = b->next) {
        enum answer answer = fits(s, b, v);
        surely += answer == ANSWER_YES;
        perhaps += answer != ANSWER_NO;
    }
    if (said->kind != JSON_ARRAY)
        return ANSWER_MAYBE;
    return surely > 1 || perhaps == 0 ? ANSWER_NO : surely == 1 && perhaps == 1 ? ANSWER_YES : ANSWER_MAYBE;
}

/* If it is so, then this holds. */
static enum answer follows(enum answer is_so, enum answer holds)
{
    return answer_either(answer_not(is_so), holds);
}

static enum answer combining_word(struct saying *s, struct slice word, const struct json_value *said,
                                  const struct json_value *schema, const struct json_value *v)
{
    if (slice_eq(word, SLICE("allOf")))
        return any_fits(s, said, v, true);
    if (slice_eq(word, SLICE("anyOf")))
        return any_fits(s, said, v, false);
    if (slice_eq(word, SLICE("oneOf")))
        return one_fits(s, said, v);
    if (slice_eq(word, SLICE("not")))
        return answer_not(fits(s, said, v));
    const struct json_value *when = beside_of(schema, "if");
    if (slice_eq(word, SLICE("if")) || (schema && !when))
        return ANSWER_YES;
    if (!when)
        return ANSWER_MAYBE;
    enum answer is_so = fits(s, when, v);
    return follows(slice_eq(word, SLICE("then")) ? is_so : answer_not(is_so), fits(s, said, v));
}

static bool is_among(struct slice word, const char *const *words)
{
    for (; *words; words++)
        if (slice_eq(slice_str(*words), word))
            return true;
    return false;
}

static const char *const number_words[] = {"minimum",          "maximum",    "exclusiveMinimum",
                                           "exclusiveMaximum", "multipleOf", NULL};
static const char *const text_words[] = {"minLength",       "maxLength",        "pattern",       "format",
                                         "contentEncoding", "contentMediaType", "contentSchema", NULL};
static const char *const list_words[] = {"items",           "minItems",         "maxItems",    "uniqueItems",
                                         "contains",        "minContains",      "maxContains", "prefixItems",
                                         "additionalItems", "unevaluatedItems", NULL};
static const char *const object_words[] = {
    "properties",       "required",      "additionalProperties",  "patternProperties",
    "propertyNames",    "minProperties", "maxProperties",         "dependentRequired",
    "dependentSchemas", "dependencies",  "unevaluatedProperties", NULL};
static const char *const combining_words[] = {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", NULL};
static const char *const silent_words[] = {"title",      "description", "default",     "example",  "examples",
                                           "deprecated", "readOnly",    "writeOnly",   "$comment", "nullable",
                                           "$schema",    "$defs",       "definitions", NULL};

static enum answer kept(struct saying *s, struct slice word, const struct json_value *said,
                        const struct json_value *schema, const struct json_value *v)
{
    const struct json_value *nullable = beside_of(schema, "nullable");
    bool may_be_null = nullable && nullable->kind == JSON_BOOL && nullable->truth;
    if (slice_eq(word, SLICE("type")))
        return v->kind == JSON_NULL && may_be_null ? ANSWER_YES : one_of_kinds(said, v);
    if (slice_eq(word, SLICE("enum")))
        return one_of_values(said, v);
    if (slice_eq(word, SLICE("const")))
        return json_value_same(said, v);
    /* Where a schema as a whole was not understood, the word says why. */
    if (!schema && said->kind == JSON_OBJECT && is_among(word, (const char *const[]){"allOf", "oneOf", "anyOf", NULL}))
        return fits(s, said, v);
    /* Words for one kind of value let the others through. */
    if (is_among(word, number_words))
        return v->kind == JSON_NUMBER ? number_word(word, said, schema, v) : ANSWER_YES;
    if (is_among(word, text_words))
        return v->kind == JSON_STRING ? text_word(word, said, v) : ANSWER_YES;
    if (is_among(word, list_words))
        return v->kind == JSON_ARRAY ? list_word(s, word, said, schema, v) : ANSWER_YES;
    if (is_among(word, object_words))
        return v->kind == JSON_OBJECT ? object_word(s, word, said, schema, v) : ANSWER_YES;
    if (is_among(word, combining_words))
        return combining_word(s, word, said, schema, v);
    return is_among(word, silent_words) ? ANSWER_YES : ANSWER_MAYBE;
}

static enum answer fits(struct saying *s, const struct json_value *schema, const struct json_value *v)
{
    if (schema->kind == JSON_BOOL)
        return answer_of(schema->truth);
    if (schema->kind != JSON_OBJECT || s->depth == SAYING_DEPTH || *s->steps == 0)
        return ANSWER_MAYBE;
    enum answer answer = ANSWER_YES;
    s->depth++;
    for (const struct json_value *w = schema->first; w && answer != ANSWER_NO; w = w->next) {
        *s->steps -= *s->steps > 0;
        answer = answer_both(answer, kept(s, w->name, w, schema, v));
    }
    s->depth--;
    return answer;
}

/* --- As importers write them: one word, with what it is about behind a blank. */

static const struct json_value *read_text(struct saying *s, struct slice text)
{
    const struct json_value *v;
    return *s->steps > 0 && json_value_read(text, s->arena, &v) == ERR_OK ? v : NULL;
}

static const struct json_value *said_beside(struct saying *s, const struct shape_saying *beside, const char *word)
{
    for (; beside; beside = beside->next)
        if (slice_eq(beside->word, slice_str(word)))
            return read_text(s, beside->text);
    return NULL;
}

/* "1..3 {...}" */
static enum answer contains_between(struct saying *s, struct slice text, const struct json_value *v)
{
    struct slice least, most, rest = text;
    struct json_value from = {.kind = JSON_NUMBER}, to = {.kind = JSON_NUMBER};
    if (!slice_split(&rest, '.', &least) || !slice_starts(rest, SLICE(".")))
        return ANSWER_MAYBE;
    rest = slice_from(rest, 1);
    const struct json_value *schema = slice_split(&rest, ' ', &most) ? read_text(s, rest) : NULL;
    from.text = least;
    to.text = most;
    return schema && v->kind == JSON_ARRAY ? contains(s, schema, v, &from, &to) : schema ? ANSWER_YES : ANSWER_MAYBE;
}

enum answer saying_kept(struct saying *s, const struct shape_saying *one, const struct shape_saying *beside,
                        const struct json_value *v)
{
    struct slice rest = one->word, word;
    bool about = slice_has(one->word, SLICE(" ")) && slice_split(&rest, ' ', &word);
    const struct json_value *said = read_text(s, one->text);
    if (!said)
        return slice_eq(one->word, SLICE("contains")) ? contains_between(s, one->text, v) : ANSWER_MAYBE;
    if (!about && (slice_eq(one->word, SLICE("then")) || slice_eq(one->word, SLICE("else")))) {
        const struct json_value *when = said_beside(s, beside, "if");
        enum answer is_so = when ? fits(s, when, v) : ANSWER_MAYBE;
        return follows(slice_eq(one->word, SLICE("then")) ? is_so : answer_not(is_so), fits(s, said, v));
    }
    /* What is meant by these depends on words that do not stand here. */
    if (is_among(one->word, (const char *const[]){"additionalProperties", "additionalItems", "items", NULL}))
        return ANSWER_MAYBE;
    if (!about)
        return kept(s, one->word, said, NULL, v);
    if (v->kind != JSON_OBJECT)
        return ANSWER_YES;
    if (slice_eq(word, SLICE("patternProperties")))
        return matching_fit(s, rest, said, v);
    bool brings = slice_starts(word, SLICE("depend"));
    return brings ? dependent(s, rest, said, v) : ANSWER_MAYBE;
}

enum answer saying_fits(struct saying *s, struct slice schema, const struct json_value *v)
{
    const struct json_value *said = read_text(s, schema);
    return said ? fits(s, said, v) : ANSWER_MAYBE;
}
