#include <stdlib.h>

#include "base/doc.h"
#include "base/map.h"
#include "contracts/import.h"
#include "contracts/import/draft.h"

/* Schemas of Apache Avro 1.11.  Named types keep their full names; what they are called without the
 * namespace is an option, since that is what resolution compares. */

enum { DEPTH = 200 };

struct reader {
    struct draft d;
    const struct import_input *in;
    struct map names; /* full names that are declared */
    unsigned depth;
};

static struct slice read_type(struct reader *r, const struct doc_node *n, struct slice space, struct slice where);

static void complain(struct reader *r, const struct doc_node *n, const char *fix, const char *what, struct slice of)
{
    struct diag_place p = {.file = r->in->name, .line = n->line, .column = n->column};
    diag_add(r->d.diag, DIAG_ERROR, &p, fix, "%s `%.*s`", what, SLICE_FMT(slice_to(of, 80)));
}

static struct slice text_of(const struct doc_node *n, const char *key)
{
    const struct doc_node *c = doc_get(n, key);
    return c && c->kind == DOC_STRING ? c->text : (struct slice){0};
}

static const struct doc_node *list_of(struct reader *r, const struct doc_node *n, const char *key)
{
    const struct doc_node *c = doc_get(n, key);
    if (c && c->kind == DOC_LIST)
        return c;
    complain(r, n, NULL, "there is no list of", slice_str(key));
    return NULL;
}

/* --- Names. */

static struct slice full_name(struct reader *r, struct slice name, struct slice space)
{
    if (slice_has(name, SLICE(".")) || space.len == 0)
        return name;
    return arena_putf(&r->d.arena, "%.*s.%.*s", SLICE_FMT(space), SLICE_FMT(name));
}

static struct slice last_part(struct slice name)
{
    size_t at;
    return slice_find_last(name, '.', &at) ? slice_from(name, at + 1) : name;
}

static struct slice space_of(struct slice full)
{
    size_t at;
    return slice_find_last(full, '.', &at) ? slice_to(full, at) : SLICE("");
}

static struct slice declare(struct reader *r, const struct doc_node *n, struct slice space)
{
    const struct doc_node *own = doc_get(n, "namespace");
    struct slice name = text_of(n, "name");
    if (name.len == 0)
        complain(r, n, "give it a name", "a named type has no name:", text_of(n, "type"));
    struct slice full = full_name(r, name, own ? text_of(n, "namespace") : space);
    if (map_put(&r->names, full, r))
        complain(r, n, "rename one of them", "this name is taken already:", full);
    DRAFT_PUT(&r->d, OPTION, full, SLICE("name"), last_part(full));
    draft_place(&r->d, full, NULL, n->line, n->column);
    const struct doc_node *aliases = doc_get(n, "aliases");
    for (const struct doc_node *a = aliases && aliases->kind == DOC_LIST ? aliases->first : NULL; a; a = a->next)
        if (a->kind == DOC_STRING)
            DRAFT_PUT(&r->d, OPTION, full, SLICE("alias"), last_part(a->text));
    return full;
}

/* --- Types. */

static const char *primitive(struct slice name)
{
    static const char *const names[][2] = {{"boolean", "bool"}, {"int", "int32"},     {"long", "int64"},
                                           {"float", "float"},  {"double", "double"}, {"bytes", "bytes"},
                                           {"string", "string"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq(slice_str(names[i][0]), name))
            return names[i][1];
    return NULL;
}

static struct slice fresh(struct reader *r, struct slice where)
{
    struct slice name = where;
    for (unsigned n = 2; map_put(&r->names, name, r); n++)
        name = arena_putf(&r->d.arena, "%.*s~%u", SLICE_FMT(where), n);
    return name;
}

/* No value but null. */
static struct slice null_type(struct reader *r, struct slice where)
{
    struct slice name = fresh(r, where);
    DRAFT_PUT(&r->d, ALIAS, name, SLICE("never"));
    DRAFT_PUT(&r->d, NULLABLE, name);
    return name;
}

static struct slice named(struct reader *r, const struct doc_node *n, struct slice name, struct slice space,
                          struct slice where)
{
    const char *scalar = primitive(name);
    if (scalar)
        return slice_str(scalar);
    if (slice_eq(name, SLICE("null")))
        return null_type(r, where);
    struct slice full = full_name(r, name, space);
    if (map_get(&r->names, full))
        return full;
    if (map_get(&r->names, name))
        return name;
    complain(r, n, "declare it before it is used", "unknown type", name);
    return SLICE("any");
}

static void put_default(struct reader *r, struct slice record, const struct doc_node *f)
{
    const struct doc_node *value = doc_get(f, "default");
    if (!value)
        return;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    doc_put_json(value, &text);
    DRAFT_PUT(&r->d, DEFAULT, record, text_of(f, "name"), buf_slice(&text));
    buf_fini(&text);
}

static void read_field(struct reader *r, struct slice record, const struct doc_node *f)
{
    struct slice name = text_of(f, "name");
    const struct doc_node *type = doc_get(f, "type"), *aliases = doc_get(f, "aliases");
    if (name.len == 0 || !type) {
        complain(r, f, "a field has a name and a type", "this is no field of", record);
        return;
    }
    struct slice where = arena_putf(&r->d.arena, "%.*s.%.*s", SLICE_FMT(record), SLICE_FMT(name));
    DRAFT_PUT(&r->d, FIELD, record, name, read_type(r, type, space_of(record), where), SLICE("required"));
    draft_place(&r->d, where, NULL, f->line, f->column);
    put_default(r, record, f);
    for (const struct doc_node *a = aliases && aliases->kind == DOC_LIST ? aliases->first : NULL; a; a = a->next)
        if (a->kind == DOC_STRING)
            DRAFT_PUT(&r->d, RENAMED, record, a->text, name);
}

static struct slice read_record(struct reader *r, const struct doc_node *n, struct slice space)
{
    struct slice name = declare(r, n, space);
    const struct doc_node *fields = list_of(r, n, "fields");
    DRAFT_PUT(&r->d, RECORD, name);
    for (const struct doc_node *f = fields ? fields->first : NULL; f; f = f->next)
        read_field(r, name, f);
    return name;
}

static struct slice read_enum(struct reader *r, const struct doc_node *n, struct slice space)
{
    struct slice name = declare(r, n, space), fallback = text_of(n, "default");
    const struct doc_node *symbols = list_of(r, n, "symbols");
    int64_t number = 0;
    DRAFT_PUT(&r->d, ENUM, name);
    for (const struct doc_node *s = symbols ? symbols->first : NULL; s; s = s->next, number++)
        draft_put(&r->d, VOCABULARY_SYMBOL, (struct slice[]){name, s->text}, &number);
    if (fallback.len)
        DRAFT_PUT(&r->d, FALLBACK, name, fallback);
    return name;
}

static struct slice read_fixed(struct reader *r, const struct doc_node *n, struct slice space)
{
    struct slice name = declare(r, n, space);
    const struct doc_node *size = doc_get(n, "size");
    if (!size || size->kind != DOC_NUMBER)
        complain(r, n, "\"size\": 16", "a fixed type has no size:", name);
    else
        DRAFT_PUT(&r->d, OPTION, name, SLICE("size"), size->text);
    DRAFT_PUT(&r->d, ALIAS, name, SLICE("bytes"));
    return name;
}

static struct slice read_union(struct reader *r, const struct doc_node *n, struct slice space, struct slice where)
{
    struct slice name = fresh(r, where), only = SLICE("never");
    bool null = false;
    int64_t number = 0;
    for (const struct doc_node *b = n->first; b; b = b->next) {
        if (b->kind == DOC_STRING && slice_eq(b->text, SLICE("null"))) {
            null = true;
            continue;
        }
        only = read_type(r, b, space, arena_putf(&r->d.arena, "%.*s|%lld", SLICE_FMT(name), (long long)number));
        if (number == 0)
            DRAFT_PUT(&r->d, UNION, name);
        draft_put(&r->d, VOCABULARY_BRANCH, (struct slice[]){name, only}, &number);
        number++;
    }
    if (number == 0)
        DRAFT_PUT(&r->d, ALIAS, name, SLICE("never"));
    if (null)
        DRAFT_PUT(&r->d, NULLABLE, name);
    return name;
}

static struct slice read_decimal(struct reader *r, const struct doc_node *n, struct slice base, struct slice where)
{
    const struct doc_node *precision = doc_get(n, "precision"), *scale = doc_get(n, "scale");
    struct slice name = slice_eq(base, SLICE("bytes")) ? fresh(r, where) : base;
    if (slice_eq(base, SLICE("bytes")))
        DRAFT_PUT(&r->d, ALIAS, name, base);
    draft_unproven(&r->d, name, SLICE("decimal"),
                   arena_putf(&r->d.arena, "precision %.*s, scale %.*s",
                              SLICE_FMT(precision ? precision->text : SLICE("?")),
                              SLICE_FMT(scale ? scale->text : SLICE("0"))));
    return name;
}

static struct slice read_object(struct reader *r, const struct doc_node *n, struct slice space, struct slice where)
{
    const struct doc_node *type = doc_get(n, "type");
    struct slice t = text_of(n, "type"), base;
    if (!type) {
        complain(r, n, "\"type\": \"record\"", "a schema has no type:", where);
        return SLICE("any");
    }
    if (type->kind != DOC_STRING)
        return read_type(r, type, space, where);
    if (slice_eq(t, SLICE("record")) || slice_eq(t, SLICE("error")))
        return read_record(r, n, space);
    if (slice_eq(t, SLICE("enum")))
        return read_enum(r, n, space);
    if (slice_eq(t, SLICE("array")) || slice_eq(t, SLICE("map"))) {
        bool list = slice_eq(t, SLICE("array"));
        const struct doc_node *inner = doc_get(n, list ? "items" : "values");
        struct slice name = fresh(r, where);
        if (!inner)
            complain(r, n, NULL, "there is nothing in this", t);
        struct slice of =
            inner ? read_type(r, inner, space, arena_putf(&r->d.arena, list ? "%.*s[]" : "%.*s{}", SLICE_FMT(name)))
                  : SLICE("any");
        if (list)
            DRAFT_PUT(&r->d, LIST, name, of);
        else
            DRAFT_PUT(&r->d, MAP, name, SLICE("string"), of);
        return name;
    }
    base = slice_eq(t, SLICE("fixed")) ? read_fixed(r, n, space) : named(r, n, t, space, where);
    bool decimal = slice_eq(text_of(n, "logicalType"), SLICE("decimal"));
    return decimal ? read_decimal(r, n, base, where) : base;
}

static struct slice read_type(struct reader *r, const struct doc_node *n, struct slice space, struct slice where)
{
    struct slice type = SLICE("any");
    r->depth++;
    if (r->depth > DEPTH)
        complain(r, n, NULL, "nested more than 200 deep at", where);
    else if (n->kind == DOC_STRING)
        type = named(r, n, n->text, space, where);
    else if (n->kind == DOC_LIST)
        type = read_union(r, n, space, where);
    else if (n->kind == DOC_MAP)
        type = read_object(r, n, space, where);
    else
        complain(r, n, NULL, "this is no schema:", n->text);
    r->depth--;
    return type;
}

enum err import_avro(const struct import_input *in, struct diag *diag, struct contract **out)
{
    struct reader r = {.in = in};
    struct doc_node *root;
    unsigned before = diag->errors;
    draft_init(&r.d, in->name, diag);
    enum err e = doc_parse(in->text, in->name, &r.d.arena, diag, &root);
    if (e == ERR_OK) {
        struct slice name = text_of(root, "name");
        DRAFT_PUT(&r.d, CONTRACT, name.len ? name : SLICE("schema"), SLICE("0.0.0"));
        DRAFT_PUT(&r.d, DIALECT, SLICE("avro"));
        DRAFT_PUT(&r.d, OPERATION, SLICE("document"));
        DRAFT_PUT(&r.d, REQUEST, SLICE("document"), SLICE("avro/binary"),
                  read_type(&r, root, SLICE(""), SLICE("Document")));
        e = diag->errors == before ? draft_finish(&r.d, out) : ERR_INPUT;
    }
    map_fini(&r.names);
    draft_fini(&r.d);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}
