#include "base/doc.h"
#include "contracts/import.h"
#include "contracts/import/avro_default.h"
#include "contracts/import/avro_names.h"
#include "contracts/import/draft.h"
#include "contracts/shape.h"

/* Schemas of Apache Avro 1.11.  A named type keeps its full name, unless a member or another type of the contract has
 * it; its names with and without the namespace and its aliases are options, since those are what resolution
 * compares. */

enum { DEPTH = 200 };

struct reader {
    struct draft d;
    const struct import_input *in;
    struct avro_names names;
    struct map subjects; /* what types are called in facts, and what members will be */
    unsigned depth;
};

/* A member's place keeps its name free until a type is made for the member. */
static const char reserved[] = "reserved", used[] = "used";

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

static const struct doc_node *children(const struct doc_node *n, const char *key)
{
    const struct doc_node *c = doc_get(n, key);
    return c && c->kind == DOC_LIST ? c->first : NULL;
}

static const struct doc_node *list_of(struct reader *r, const struct doc_node *n, const char *key)
{
    const struct doc_node *c = doc_get(n, key);
    if (c && c->kind == DOC_LIST)
        return c;
    complain(r, n, NULL, "there is no list of", slice_str(key));
    return NULL;
}

/* --- Subjects. */

static void take(struct reader *r, struct slice subject, const char *as)
{
    map_put(&r->subjects, subject, (void *)(uintptr_t)as);
}

/* For a type without a name of its own. */
static struct slice fresh(struct reader *r, struct slice where)
{
    struct slice name = where;
    for (unsigned n = 2; map_get(&r->subjects, name) == used; n++)
        name = arena_putf(&r->d.arena, "%.*s~%u", SLICE_FMT(where), n);
    take(r, name, used);
    return name;
}

static bool is_scalar(struct slice name)
{
    for (const char *const *s = shape_scalars(); *s; s++)
        if (slice_eq(slice_str(*s), name))
            return true;
    return false;
}

static struct slice place_of(struct reader *r, struct slice record, struct slice member)
{
    return arena_putf(&r->d.arena, "%.*s.%.*s", SLICE_FMT(record), SLICE_FMT(member));
}

/* Neither the name nor the places of its members are anything else's. */
static bool is_free(struct reader *r, struct slice name, const struct doc_node *fields)
{
    if (map_get(&r->subjects, name) || is_scalar(name))
        return false;
    for (const struct doc_node *f = fields; f; f = f->next)
        if (map_get(&r->subjects, place_of(r, name, text_of(f, "name"))))
            return false;
    return true;
}

static struct slice subject_of(struct reader *r, struct slice full, const struct doc_node *fields)
{
    struct slice name = full;
    for (unsigned n = 2; !is_free(r, name, fields); n++)
        name = arena_putf(&r->d.arena, "%.*s~%u", SLICE_FMT(full), n);
    take(r, name, used);
    for (const struct doc_node *f = fields; f; f = f->next)
        take(r, place_of(r, name, text_of(f, "name")), reserved);
    return name;
}

/* --- Named types. */

static void put_aliases(struct reader *r, const struct doc_node *n, struct slice subject, struct slice space)
{
    for (const struct doc_node *a = children(n, "aliases"); a; a = a->next)
        if (a->kind == DOC_STRING)
            DRAFT_PUT(&r->d, OPTION, subject, SLICE("alias"), avro_names_full(&r->d.arena, a->text, space));
}

/* Its subject; `*space` is the namespace of what is inside. */
static struct slice declare(struct reader *r, const struct doc_node *n, struct slice *space)
{
    const struct doc_node *own = doc_get(n, "namespace");
    struct slice name = text_of(n, "name");
    if (name.len == 0)
        complain(r, n, "give it a name", "a named type has no name:", text_of(n, "type"));
    else if (!avro_names_good(name))
        complain(r, doc_get(n, "name"), "letters, digits and underscores", "this is no name:", name);
    struct avro_named *type = arena_new(&r->d.arena, sizeof(*type));
    type->full = avro_names_full(&r->d.arena, name, own ? text_of(n, "namespace") : *space);
    type->node = n;
    if (avro_names_primitive(type->full) || slice_eq(type->full, SLICE("null")))
        complain(r, n, "rename it", "this is the name of a primitive type:", type->full);
    if (name.len && avro_names_put(&r->names, type))
        complain(r, n, "rename one of them", "this name is taken already:", type->full);
    type->subject = subject_of(r, type->full, children(n, "fields"));
    *space = avro_names_space(type->full);
    DRAFT_PUT(&r->d, OPTION, type->subject, SLICE("name"), avro_names_last(type->full));
    DRAFT_PUT(&r->d, OPTION, type->subject, SLICE("full"), type->full);
    put_aliases(r, n, type->subject, *space);
    draft_place(&r->d, type->subject, NULL, n->line, n->column);
    return type->subject;
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
    const char *scalar = avro_names_primitive(name);
    if (scalar)
        return slice_str(scalar);
    if (slice_eq(name, SLICE("null")))
        return null_type(r, where);
    const struct avro_named *type = avro_names_find(&r->names, name, space);
    if (type)
        return type->subject;
    complain(r, n, "declare it before it is used", "unknown type", name);
    return SLICE("any");
}

/* --- Records. */

static void put_default(struct reader *r, struct slice record, const struct doc_node *f, struct slice space)
{
    const struct doc_node *value = doc_get(f, "default");
    if (!value)
        return;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    doc_put_json(value, &text);
    if (!avro_default_fits(&r->names, doc_get(f, "type"), space, value))
        complain(r, value, "a default is a value of the field's type, bytes as \"\\u00ff\"",
                 "this is no default for its field:", buf_slice(&text));
    DRAFT_PUT(&r->d, DEFAULT, record, text_of(f, "name"), buf_slice(&text));
    buf_fini(&text);
}

static void read_field(struct reader *r, struct slice record, const struct doc_node *f, struct slice space,
                       struct map *seen)
{
    struct slice name = text_of(f, "name");
    const struct doc_node *type = doc_get(f, "type");
    if (name.len == 0 || !type) {
        complain(r, f, "a field has a name and a type", "this is no field of", record);
        return;
    }
    if (!avro_names_good(name))
        complain(r, doc_get(f, "name"), "letters, digits and underscores", "this is no name:", name);
    if (map_put(seen, name, r)) {
        complain(r, f, "rename one of them", "this field is there already:", name);
        return;
    }
    unsigned before = r->d.diag->errors;
    struct slice where = place_of(r, record, name);
    DRAFT_PUT(&r->d, FIELD, record, name, read_type(r, type, space, where), SLICE("required"));
    draft_place(&r->d, where, NULL, f->line, f->column);
    if (r->d.diag->errors == before)
        put_default(r, record, f, space);
    for (const struct doc_node *a = children(f, "aliases"); a; a = a->next)
        if (a->kind == DOC_STRING && !slice_eq(a->text, name))
            DRAFT_PUT(&r->d, RENAMED, record, a->text, name);
}

static struct slice read_record(struct reader *r, const struct doc_node *n, struct slice space)
{
    struct slice name = declare(r, n, &space);
    struct map seen = {0};
    const struct doc_node *fields = list_of(r, n, "fields");
    DRAFT_PUT(&r->d, RECORD, name);
    for (const struct doc_node *f = fields ? fields->first : NULL; f; f = f->next)
        read_field(r, name, f, space, &seen);
    map_fini(&seen);
    return name;
}

/* --- Other named types. */

static struct slice read_enum(struct reader *r, const struct doc_node *n, struct slice space)
{
    struct slice name = declare(r, n, &space), fallback = text_of(n, "default");
    const struct doc_node *symbols = list_of(r, n, "symbols");
    struct map seen = {0};
    int64_t number = 0;
    DRAFT_PUT(&r->d, ENUM, name);
    for (const struct doc_node *s = symbols ? symbols->first : NULL; s; s = s->next, number++) {
        if (s->kind != DOC_STRING || !avro_names_good(s->text))
            complain(r, s, "letters, digits and underscores", "this is no symbol:", s->text);
        else if (map_put(&seen, s->text, r))
            complain(r, s, "take one of them out", "this symbol is there already:", s->text);
        else
            draft_put(&r->d, VOCABULARY_SYMBOL, (struct slice[]){name, s->text}, &number);
    }
    if (fallback.len && !map_get(&seen, fallback))
        complain(r, doc_get(n, "default"), "name one of the symbols", "the default is no symbol:", fallback);
    else if (fallback.len)
        DRAFT_PUT(&r->d, FALLBACK, name, fallback);
    map_fini(&seen);
    return name;
}

static struct slice read_fixed(struct reader *r, const struct doc_node *n, struct slice space)
{
    struct slice name = declare(r, n, &space);
    const struct doc_node *size = doc_get(n, "size");
    uint64_t bytes;
    if (!size || size->kind != DOC_NUMBER || slice_u64(size->text, INT32_MAX, &bytes) != ERR_OK)
        complain(r, size ? size : n, "\"size\": 16", "a fixed type has no size:", name);
    else
        DRAFT_PUT(&r->d, OPTION, name, SLICE("size"), size->text);
    DRAFT_PUT(&r->d, ALIAS, name, SLICE("bytes"));
    return name;
}

/* --- Unions. */

/* What no two branches of a union may be: a named type goes by its subject, all others by their kind. */
static struct slice kind_of(const struct doc_node *b, struct slice type)
{
    struct slice word = b->kind == DOC_STRING ? b->text : text_of(b, "type");
    bool list = slice_eq(word, SLICE("array")) || slice_eq(word, SLICE("map"));
    return list || avro_names_primitive(word) ? word : type;
}

static void read_branch(struct reader *r, const struct doc_node *b, struct slice space, struct slice name,
                        int64_t number, struct map *seen)
{
    if (b->kind == DOC_LIST)
        complain(r, b, "put its branches into the outer one", "a union stands directly in the union", name);
    struct slice where = arena_putf(&r->d.arena, "%.*s|%lld", SLICE_FMT(name), (long long)number);
    struct slice type = read_type(r, b, space, where);
    if (map_put(seen, kind_of(b, type), r))
        complain(r, b, "take one of them out", "two branches of a union are", kind_of(b, type));
    draft_put(&r->d, VOCABULARY_BRANCH, (struct slice[]){name, type}, &number);
}

static struct slice read_union(struct reader *r, const struct doc_node *n, struct slice space, struct slice where)
{
    struct slice name = fresh(r, where);
    struct map seen = {0};
    bool null = false;
    int64_t number = 0;
    for (const struct doc_node *b = n->first; b; b = b->next) {
        bool is_null = slice_eq(b->kind == DOC_STRING ? b->text : text_of(b, "type"), SLICE("null"));
        if (is_null && null)
            complain(r, b, "take one of them out", "two branches of a union are", SLICE("null"));
        null = null || is_null;
        if (is_null)
            continue;
        if (number == 0)
            DRAFT_PUT(&r->d, UNION, name);
        read_branch(r, b, space, name, number++, &seen);
    }
    map_fini(&seen);
    if (number == 0)
        DRAFT_PUT(&r->d, ALIAS, name, SLICE("never"));
    if (null)
        DRAFT_PUT(&r->d, NULLABLE, name);
    return name;
}

/* --- Logical types.  What does not fit its base is ignored, as the specification has it. */

static bool number_of(const struct doc_node *n, const char *key, uint64_t otherwise, uint64_t *out)
{
    const struct doc_node *c = doc_get(n, key);
    *out = otherwise;
    return !c || (c->kind == DOC_NUMBER && slice_u64(c->text, UINT32_MAX, out) == ERR_OK);
}

static struct slice alias_of(struct reader *r, struct slice base, struct slice where)
{
    if (!is_scalar(base))
        return base;
    struct slice name = fresh(r, where);
    DRAFT_PUT(&r->d, ALIAS, name, base);
    return name;
}

static struct slice read_decimal(struct reader *r, const struct doc_node *n, struct slice base, struct slice where)
{
    uint64_t precision, scale;
    bool good = number_of(n, "precision", 0, &precision) && number_of(n, "scale", 0, &scale);
    if (!good || precision == 0 || scale > precision)
        return base;
    struct slice name = alias_of(r, base, where);
    DRAFT_PUT(&r->d, OPTION, name, SLICE("decimal"),
              arena_putf(&r->d.arena, "%llu,%llu", (unsigned long long)precision, (unsigned long long)scale));
    return name;
}

static struct slice read_logical(struct reader *r, const struct doc_node *n, struct slice base, struct slice where)
{
    static const struct {
        const char *name, *base, *unit;
    } logical[] = {{"date", "int", NULL},
                   {"time-millis", "int", "ms"},
                   {"time-micros", "long", "us"},
                   {"timestamp-millis", "long", "ms"},
                   {"timestamp-micros", "long", "us"},
                   {"timestamp-nanos", "long", "ns"},
                   {"local-timestamp-millis", "long", "ms"},
                   {"local-timestamp-micros", "long", "us"},
                   {"local-timestamp-nanos", "long", "ns"},
                   {"uuid", "string", NULL},
                   {"uuid", "fixed", NULL},
                   {"duration", "fixed", NULL}};
    struct slice word = text_of(n, "logicalType"), type = text_of(n, "type");
    if (slice_eq(word, SLICE("decimal")) && (slice_eq(type, SLICE("bytes")) || slice_eq(type, SLICE("fixed"))))
        return read_decimal(r, n, base, where);
    for (size_t i = 0; i < sizeof(logical) / sizeof(logical[0]); i++) {
        if (!slice_eq(slice_str(logical[i].name), word) || !slice_eq(slice_str(logical[i].base), type))
            continue;
        struct slice name = alias_of(r, base, where);
        DRAFT_PUT(&r->d, FORMAT, name, word);
        if (logical[i].unit)
            DRAFT_PUT(&r->d, UNIT, name, slice_str(logical[i].unit));
        return name;
    }
    return base;
}

/* --- Any type. */

static struct slice read_collection(struct reader *r, const struct doc_node *n, struct slice space, struct slice where,
                                    bool list)
{
    const struct doc_node *inner = doc_get(n, list ? "items" : "values");
    struct slice name = fresh(r, where), of = SLICE("any");
    if (inner)
        of = read_type(r, inner, space, arena_putf(&r->d.arena, list ? "%.*s[]" : "%.*s{}", SLICE_FMT(name)));
    else
        complain(r, n, list ? "\"items\": \"string\"" : "\"values\": \"string\"", "there is nothing in this",
                 text_of(n, "type"));
    if (list)
        DRAFT_PUT(&r->d, LIST, name, of);
    else
        DRAFT_PUT(&r->d, MAP, name, SLICE("string"), of);
    return name;
}

static struct slice read_object(struct reader *r, const struct doc_node *n, struct slice space, struct slice where)
{
    const struct doc_node *type = doc_get(n, "type");
    struct slice t = text_of(n, "type");
    if (!type && doc_get(n, "protocol")) {
        complain(r, n, "take the schemas out of it", "this is a protocol, not a schema:", text_of(n, "protocol"));
        return SLICE("any");
    }
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
    if (slice_eq(t, SLICE("array")) || slice_eq(t, SLICE("map")))
        return read_collection(r, n, space, where, slice_eq(t, SLICE("array")));
    struct slice base = slice_eq(t, SLICE("fixed")) ? read_fixed(r, n, space) : named(r, n, t, space, where);
    return doc_get(n, "logicalType") ? read_logical(r, n, base, where) : base;
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
    r.names.arena = &r.d.arena;
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
    map_fini(&r.subjects);
    avro_names_fini(&r.names);
    draft_fini(&r.d);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}
