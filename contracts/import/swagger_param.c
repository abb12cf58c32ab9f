#include "contracts/import/swagger_param.h"

#include "contracts/import/jschema_beside.h"
#include "contracts/import/jschema_ref.h"

static bool is_text(const struct doc_node *n, const char *text)
{
    return n && n->kind == DOC_STRING && slice_eq(n->text, slice_str(text));
}

static bool is_true(const struct doc_node *n)
{
    return n && n->kind == DOC_BOOL && slice_eq(n->text, SLICE("true"));
}

static const struct doc_node *children(const struct doc_node *n)
{
    return n && n->kind == DOC_LIST ? n->first : NULL;
}

/* --- Schemas. */

static const char *const of_parameters[] = {
    "name", "in", "required", "description", "type", "collectionFormat", "format", "allowEmptyValue", NULL};

struct doc_node *swagger_param_schema(struct jschema *j, const struct doc_node *from)
{
    struct swagger_node schema = swagger_node_start(j, DOC_MAP, SLICE("schema"), from);
    const struct doc_node *type = doc_get(from, "type"), *format = doc_get(from, "format");
    bool file = is_text(type, "file"), parameter = doc_get(from, "in") != NULL;
    if (!file && !parameter && !doc_get(from, "collectionFormat")) {
        struct doc_node *copy = jschema_beside_copy(j, from);
        copy->key = SLICE("schema");
        return copy;
    }
    swagger_node_copy_but(&schema, from, of_parameters);
    if (file)
        swagger_node_text(&schema, "type", SLICE("string"));
    else if (type)
        swagger_node_copy(&schema, type, SLICE("type"));
    if (file)
        swagger_node_text(&schema, "format", SLICE("binary"));
    else if (format)
        swagger_node_copy(&schema, format, SLICE("format"));
    return schema.made;
}

static void put_media(struct swagger_node *content, const struct swagger_param_body *body, struct slice media)
{
    struct swagger_node entry = swagger_node_start(content->schemas, DOC_MAP, media, body->schema);
    if (body->encoding && body->encoding->count)
        swagger_node_copy(&entry, body->encoding, SLICE("encoding"));
    swagger_node_put(&entry, body->schema);
    swagger_node_put(content, entry.made);
}

/* The schema is the last child of each entry, so that one node will do. */
void swagger_param_media(struct swagger_node *content, const struct swagger_param_body *body,
                         const struct doc_node *media)
{
    size_t count = 0;
    for (const struct doc_node *m = children(media); m; m = m->next)
        if (m->kind == DOC_STRING && m->text.len) {
            put_media(content, body, m->text);
            count++;
        }
    if (count == 0)
        put_media(content, body, body->usual);
}

/* --- How lists are written. */

static struct slice style_of(struct slice format, bool form, bool *exploded)
{
    *exploded = slice_eq(format, SLICE("multi"));
    if (slice_eq(format, SLICE("ssv")))
        return SLICE("spaceDelimited");
    if (slice_eq(format, SLICE("tsv")))
        return SLICE("tabDelimited");
    if (slice_eq(format, SLICE("pipes")))
        return SLICE("pipeDelimited");
    return form ? SLICE("form") : SLICE("simple");
}

/* Lists in lists have a style of their own. */
static struct slice with_inner(struct jschema *j, struct slice style, const struct doc_node *items)
{
    const struct doc_node *format = doc_get(items, "collectionFormat");
    if (!is_text(doc_get(items, "type"), "array") || !format || is_text(format, "csv"))
        return style;
    return arena_putf(j->arena, "%.*s of %.*s", SLICE_FMT(style), SLICE_FMT(format->text));
}

static void put_style(struct swagger_node *made, const struct doc_node *p)
{
    const struct doc_node *format = doc_get(p, "collectionFormat");
    bool form = !is_text(doc_get(p, "in"), "path") && !is_text(doc_get(p, "in"), "header"), exploded;
    if (!is_text(doc_get(p, "type"), "array"))
        return;
    struct slice style = style_of(format ? format->text : SLICE("csv"), form, &exploded);
    swagger_node_text(made, "style", with_inner(made->schemas, style, doc_get(p, "items")));
    swagger_node_bool(made, "explode", exploded);
}

static void put_parameter(struct swagger_node *list, const struct doc_node *p)
{
    struct swagger_node made = swagger_node_start(list->schemas, DOC_MAP, (struct slice){0}, p);
    for (const struct doc_node *c = p->first; c; c = c->next)
        if (slice_eq(c->key, SLICE("name")) || slice_eq(c->key, SLICE("in")) || slice_eq(c->key, SLICE("required")) ||
            slice_eq(c->key, SLICE("allowEmptyValue")) || slice_starts(c->key, SLICE("x-")))
            swagger_node_copy(&made, c, c->key);
    swagger_node_put(&made, swagger_param_schema(list->schemas, p));
    put_style(&made, p);
    swagger_node_put(list, made.made);
}

/* --- Parameters by what becomes of them. */

struct sorted {
    struct jschema *schemas;
    struct swagger_node kept;     /* parameters */
    struct swagger_node fields;   /* properties of a form */
    struct swagger_node needed;   /* names of required fields */
    struct swagger_node encoding; /* of fields that are lists */
    const struct doc_node *body;
    bool file; /* a field is one */
    struct map seen;
};

static void put_field(struct sorted *s, const struct doc_node *p, struct slice name)
{
    struct doc_node *schema = swagger_param_schema(s->schemas, p);
    schema->key = name;
    swagger_node_put(&s->fields, schema);
    s->file = s->file || is_text(doc_get(p, "type"), "file");
    if (is_true(doc_get(p, "required")))
        swagger_node_copy(&s->needed, doc_get(p, "name"), (struct slice){0});
    if (is_text(doc_get(p, "type"), "array") && !is_text(doc_get(p, "collectionFormat"), "multi")) {
        struct swagger_node how = swagger_node_start(s->schemas, DOC_MAP, name, p);
        put_style(&how, p);
        swagger_node_put(&s->encoding, how.made);
    }
}

static void sort_one(struct sorted *s, const struct doc_node *p)
{
    const struct doc_node *in = doc_get(p, "in"), *name = doc_get(p, "name");
    struct slice key = arena_putf(s->schemas->arena, "%.*s.%.*s", SLICE_FMT(in ? in->text : SLICE("")),
                                  SLICE_FMT(name ? name->text : SLICE("")));
    if (is_text(in, "body") && !s->body)
        s->body = p;
    if (is_text(in, "body") || map_put(&s->seen, key, s))
        return;
    if (is_text(in, "formData") && name && name->kind == DOC_STRING && name->text.len)
        put_field(s, p, name->text);
    else
        put_parameter(&s->kept, p);
}

static void sort_all(struct sorted *s, const struct doc_node *list)
{
    for (const struct doc_node *n = children(list); n; n = n->next) {
        const struct doc_node *p = jschema_ref_resolve(s->schemas, n);
        if (p && p->kind == DOC_MAP)
            sort_one(s, p);
    }
}

/* --- Bodies. */

static void put_request(struct swagger_node *op, const struct swagger_param_body *what, const struct doc_node *consumes,
                        bool required)
{
    struct swagger_node body = swagger_node_start(op->schemas, DOC_MAP, SLICE("requestBody"), what->schema);
    struct swagger_node content = swagger_node_start(op->schemas, DOC_MAP, SLICE("content"), what->schema);
    swagger_param_media(&content, what, consumes);
    swagger_node_bool(&body, "required", required);
    swagger_node_put(&body, content.made);
    swagger_node_put(op, body.made);
}

static void put_body(struct swagger_node *op, const struct doc_node *p, const struct doc_node *consumes)
{
    const struct doc_node *schema = doc_get(p, "schema");
    struct swagger_node anything = swagger_node_start(op->schemas, DOC_MAP, SLICE("schema"), p);
    struct swagger_param_body body = {.schema = schema ? swagger_param_schema(op->schemas, schema) : anything.made,
                                      .usual = SLICE("application/json")};
    put_request(op, &body, consumes, is_true(doc_get(p, "required")));
}

static void put_form(struct swagger_node *op, struct sorted *s, const struct doc_node *consumes)
{
    struct swagger_node schema = swagger_node_start(op->schemas, DOC_MAP, SLICE("schema"), s->fields.made);
    bool required = s->needed.made->count > 0;
    swagger_node_text(&schema, "type", SLICE("object"));
    swagger_node_put(&schema, s->fields.made);
    if (required)
        swagger_node_put(&schema, s->needed.made);
    struct swagger_param_body body = {
        .schema = schema.made,
        .encoding = s->encoding.made,
        .usual = s->file ? SLICE("multipart/form-data") : SLICE("application/x-www-form-urlencoded"),
    };
    put_request(op, &body, consumes, required);
}

void swagger_param_put(struct swagger_node *op, const struct doc_node *own, const struct doc_node *of_path,
                       const struct doc_node *consumes)
{
    struct jschema *j = op->schemas;
    struct sorted s = {
        .schemas = j,
        .kept = swagger_node_start(j, DOC_LIST, SLICE("parameters"), op->made),
        .fields = swagger_node_start(j, DOC_MAP, SLICE("properties"), op->made),
        .needed = swagger_node_start(j, DOC_LIST, SLICE("required"), op->made),
        .encoding = swagger_node_start(j, DOC_MAP, SLICE("encoding"), op->made),
    };
    sort_all(&s, own);
    sort_all(&s, of_path);
    swagger_node_put(op, s.kept.made);
    if (s.body)
        put_body(op, s.body, consumes);
    else if (s.fields.made->count)
        put_form(op, &s, consumes);
    map_fini(&s.seen);
}
