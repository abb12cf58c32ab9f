#include "contracts/import/jschema_word.h"

bool jschema_word_is_note(struct slice word)
{
    static const char *const words[] = {"$ref",          "description",  "title",    "example",   "examples",
                                        "default",       "deprecated",   "readOnly", "writeOnly", "$comment",
                                        "$id",           "id",           "$schema",  "$anchor",   "$defs",
                                        "definitions",   "externalDocs", "xml",      "summary",   "$vocabulary",
                                        "discriminator", "components",   NULL};
    for (const char *const *w = words; *w; w++)
        if (slice_eq(slice_str(*w), word))
            return true;
    return slice_starts(word, SLICE("x-"));
}

bool jschema_word_speaks(const struct doc_node *n)
{
    for (const struct doc_node *c = n->first; c; c = c->next)
        if (!jschema_word_is_note(c->key))
            return true;
    return false;
}

bool jschema_word_any(const struct doc_node *n, const char *const *words)
{
    for (; *words; words++)
        if (doc_get(n, *words))
            return true;
    return false;
}

bool jschema_word_true(const struct doc_node *n)
{
    return n && n->kind == DOC_BOOL && slice_eq(n->text, SLICE("true"));
}

bool jschema_word_false(const struct doc_node *n)
{
    return n && n->kind == DOC_BOOL && slice_eq(n->text, SLICE("false"));
}

bool jschema_word_anything(const struct doc_node *n)
{
    return !n || jschema_word_true(n) || (n->kind == DOC_MAP && n->count == 0);
}

bool jschema_word_requires(const struct doc_node *n, struct slice member)
{
    const struct doc_node *required = doc_get(n, "required");
    for (const struct doc_node *r = required && required->kind == DOC_LIST ? required->first : NULL; r; r = r->next)
        if (slice_eq(r->text, member))
            return true;
    return false;
}

const char *const jschema_word_numbers[] = {"minimum",          "maximum",    "exclusiveMinimum",
                                            "exclusiveMaximum", "multipleOf", NULL};

const char *const jschema_word_strings[] = {"minLength",       "maxLength",        "pattern",       "format",
                                            "contentEncoding", "contentMediaType", "contentSchema", NULL};

const char *const jschema_word_arrays[] = {"items",           "minItems",         "maxItems",    "uniqueItems",
                                           "contains",        "minContains",      "maxContains", "prefixItems",
                                           "additionalItems", "unevaluatedItems", NULL};

const char *const jschema_word_objects[] = {
    "properties",       "required",      "additionalProperties",  "patternProperties",
    "propertyNames",    "minProperties", "maxProperties",         "dependentRequired",
    "dependentSchemas", "dependencies",  "unevaluatedProperties", NULL};

const char *const jschema_word_others[] = {
    "not", "if", "then", "else", "x-extensible-enum", "$dynamicRef", "$recursiveRef", "disallow", "extends", NULL};
