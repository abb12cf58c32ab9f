#include "contracts/import/avro_default.h"

#include <stdlib.h>

enum { DEPTH = 200 };

struct asking {
    const struct avro_names *names;
    unsigned depth;
};

static bool fits(struct asking *a, const struct doc_node *schema, struct slice space, const struct doc_node *value);

static const struct doc_node *children(const struct doc_node *n, const char *key)
{
    const struct doc_node *c = doc_get(n, key);
    return c && c->kind == DOC_LIST ? c->first : NULL;
}

static bool is_whole(const struct doc_node *value, bool narrow)
{
    if (value->kind != DOC_NUMBER)
        return false;
    char digits[24];
    if (value->text.len == 0 || value->text.len >= sizeof(digits))
        return false;
    memcpy(digits, value->text.at, value->text.len);
    digits[value->text.len] = '\0';
    char *end;
    long long n = strtoll(digits, &end, 10);
    return *end == '\0' && (!narrow || (n >= INT32_MIN && n <= INT32_MAX));
}

static bool fits_primitive(struct slice type, const struct doc_node *value)
{
    if (slice_eq(type, SLICE("null")))
        return value->kind == DOC_NULL;
    if (slice_eq(type, SLICE("boolean")))
        return value->kind == DOC_BOOL;
    if (slice_eq(type, SLICE("int")) || slice_eq(type, SLICE("long")))
        return is_whole(value, slice_eq(type, SLICE("int")));
    if (slice_eq(type, SLICE("float")) || slice_eq(type, SLICE("double"))) {
        /* Not in the specification, but libraries write them so. */
        bool word = value->kind == DOC_STRING &&
                    (slice_eq(value->text, SLICE("NaN")) || slice_eq(value->text, SLICE("Infinity")) ||
                     slice_eq(value->text, SLICE("-Infinity")));
        return value->kind == DOC_NUMBER || word;
    }
    return value->kind == DOC_STRING;
}

static bool fits_record(struct asking *a, const struct doc_node *schema, struct slice space,
                        const struct doc_node *value)
{
    if (value->kind != DOC_MAP)
        return false;
    for (const struct doc_node *f = children(schema, "fields"); f; f = f->next) {
        const struct doc_node *name = doc_get(f, "name"), *type = doc_get(f, "type");
        const struct doc_node *member = name ? doc_find(value, name->text) : NULL;
        if (!name || !type || (!member && !doc_get(f, "default")))
            return false;
        if (member && !fits(a, type, space, member))
            return false;
    }
    return true;
}

static bool fits_each(struct asking *a, const struct doc_node *schema, struct slice space, const struct doc_node *value,
                      enum doc_kind kind)
{
    if (!schema || value->kind != kind)
        return false;
    for (const struct doc_node *e = value->first; e; e = e->next)
        if (!fits(a, schema, space, e))
            return false;
    return true;
}

static bool fits_enum(const struct doc_node *schema, const struct doc_node *value)
{
    for (const struct doc_node *s = children(schema, "symbols"); s && value->kind == DOC_STRING; s = s->next)
        if (slice_eq(s->text, value->text))
            return true;
    return false;
}

/* Characters up to U+00FF stand for bytes. */
static bool fits_fixed(const struct doc_node *schema, const struct doc_node *value)
{
    const struct doc_node *size = doc_get(schema, "size");
    uint64_t wanted, found = 0;
    if (value->kind != DOC_STRING || !size || slice_u64(size->text, UINT32_MAX, &wanted) != ERR_OK)
        return false;
    for (struct slice rest = value->text; rest.len; found++) {
        size_t step = slice_utf8_step(rest);
        rest = slice_from(rest, step ? step : 1);
    }
    return found == wanted;
}

static bool fits_name(struct asking *a, struct slice name, struct slice space, const struct doc_node *value)
{
    if (avro_names_primitive(name) || slice_eq(name, SLICE("null")))
        return fits_primitive(name, value);
    const struct avro_named *type = avro_names_find(a->names, name, space);
    return type && fits(a, type->node, space, value);
}

static bool fits_map(struct asking *a, const struct doc_node *schema, struct slice space, const struct doc_node *value)
{
    const struct doc_node *type = doc_get(schema, "type"), *name = doc_get(schema, "name");
    const struct doc_node *own = doc_get(schema, "namespace");
    if (!type || type->kind != DOC_STRING)
        return type && fits(a, type, space, value);
    struct slice word = type->text;
    if (name && name->kind == DOC_STRING) {
        struct slice in = own && own->kind == DOC_STRING ? own->text : space;
        space = avro_names_space(avro_names_full(a->names->arena, name->text, in));
    }
    if (slice_eq(word, SLICE("record")) || slice_eq(word, SLICE("error")))
        return fits_record(a, schema, space, value);
    if (slice_eq(word, SLICE("enum")))
        return fits_enum(schema, value);
    if (slice_eq(word, SLICE("fixed")))
        return fits_fixed(schema, value);
    if (slice_eq(word, SLICE("array")))
        return fits_each(a, doc_get(schema, "items"), space, value, DOC_LIST);
    if (slice_eq(word, SLICE("map")))
        return fits_each(a, doc_get(schema, "values"), space, value, DOC_MAP);
    return fits_name(a, word, space, value);
}

static bool fits(struct asking *a, const struct doc_node *schema, struct slice space, const struct doc_node *value)
{
    bool good = false;
    /* What is nested deeper is refused elsewhere. */
    if (a->depth == DEPTH)
        return true;
    a->depth++;
    if (schema->kind == DOC_STRING)
        good = fits_name(a, schema->text, space, value);
    else if (schema->kind == DOC_MAP)
        good = fits_map(a, schema, space, value);
    for (const struct doc_node *b = schema->kind == DOC_LIST ? schema->first : NULL; b && !good; b = b->next)
        good = fits(a, b, space, value);
    a->depth--;
    return good;
}

bool avro_default_fits(const struct avro_names *names, const struct doc_node *schema, struct slice space,
                       const struct doc_node *value)
{
    struct asking a = {.names = names};
    return fits(&a, schema, space, value);
}
