#include "contracts/import/jschema_ref.h"
#include "contracts/import/openapi_body.h"
#include "contracts/import/openapi_param.h"
#include "contracts/import/openapi_security.h"
#include "contracts/import/swagger.h"
#include "contracts/shape.h"

/* Operations inside callbacks inside operations: a document nests no deeper in earnest. */
enum { CALLBACKS_DEEP = 4 };
/* Callbacks that refer to each other multiply. */
enum { OPERATIONS_MOST = 100000 };

static void read_item(struct openapi_reader *r, const struct doc_node *n, struct slice path, struct slice called_by,
                      unsigned depth);

/* --- What is said of an operation beside its shape. */

static bool is_idempotent(struct slice method)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (slice_eq(method, slice_str(methods[i])))
            return true;
    return false;
}

static void put_lifecycle(struct openapi_reader *r, const struct doc_node *op)
{
    struct slice sunset = openapi_reader_text(op, "x-sunset", SLICE(""));
    if (openapi_reader_true(doc_get(op, "deprecated"))) {
        DRAFT_PUT(&r->d, DEPRECATED, r->operation, SLICE(""), sunset);
        openapi_reader_option(r, r->operation, "deprecated", SLICE("true"));
    }
    if (doc_get(op, "x-sunset"))
        openapi_reader_option(r, r->operation, "sunset", sunset.len ? sunset : SLICE("?"));
    if (doc_get(op, "x-stability-level"))
        openapi_reader_option(r, r->operation, "stability", openapi_reader_text(op, "x-stability-level", SLICE("?")));
}

static void put_names(struct openapi_reader *r, const struct doc_node *op)
{
    struct slice id = openapi_reader_text(op, "operationId", SLICE(""));
    if (id.len)
        openapi_reader_option(r, r->operation, "operation-id", id);
    const struct doc_node *tags = doc_get(op, "tags");
    for (const struct doc_node *t = openapi_reader_children(tags, DOC_LIST); t; t = t->next)
        if (t->kind == DOC_STRING)
            openapi_reader_option(r, r->operation, "tag", t->text);
}

/* --- Operations. */

static void read_callbacks(struct openapi_reader *r, const struct doc_node *callbacks, unsigned depth)
{
    if (callbacks && depth == CALLBACKS_DEEP) {
        draft_unproven(&r->d, r->operation, SLICE("callbacks"), SLICE("deeper than they are read"));
        return;
    }
    for (const struct doc_node *c = openapi_reader_children(callbacks, DOC_MAP); c && r->operations <= OPERATIONS_MOST;
         c = c->next) {
        const struct doc_node *callback = jschema_ref_resolve(r->schemas, c);
        struct slice by = openapi_reader_join(r, r->operation, " callback ", c->key);
        for (const struct doc_node *p = openapi_reader_children(callback, DOC_MAP);
             p && r->operations <= OPERATIONS_MOST; p = p->next)
            if (!slice_starts(p->key, SLICE("x-")))
                read_item(r, p, p->key, by, depth + 1);
    }
}

/* `called_by`: empty, or what the provider calls this operation of the consumer for. */
static void read_operation(struct openapi_reader *r, const struct doc_node *item, const struct doc_node *op,
                           struct slice method, struct slice path, struct slice called_by, unsigned depth)
{
    if (++r->operations > OPERATIONS_MOST) {
        openapi_reader_complain(r, op, "split it", "this makes more than 100000 operations");
        return;
    }
    struct slice name = openapi_reader_join(r, method, " ", path), outer = r->operation;
    r->operation = called_by.len ? openapi_reader_join(r, called_by, " ", name) : name;
    DRAFT_PUT(&r->d, OPERATION, r->operation);
    if (called_by.len)
        DRAFT_PUT(&r->d, CALLBACK, r->operation);
    else
        DRAFT_PUT(&r->d, HTTP, r->operation, method, path);
    openapi_reader_place(r, r->operation, op);
    if (is_idempotent(method))
        DRAFT_PUT(&r->d, IDEMPOTENT, r->operation);
    put_names(r, op);
    put_lifecycle(r, op);
    openapi_param_read(r, doc_get(item, "parameters"), doc_get(op, "parameters"));
    openapi_body_request(r, doc_get(op, "requestBody"));
    openapi_body_responses(r, doc_get(op, "responses"));
    const struct doc_node *security = doc_get(op, "security");
    openapi_security_read(r, security ? security : doc_get(r->root, "security"));
    read_callbacks(r, doc_get(op, "callbacks"), depth);
    r->operation = outer;
}

static void read_item(struct openapi_reader *r, const struct doc_node *n, struct slice path, struct slice called_by,
                      unsigned depth)
{
    static const char *const methods[] = {"get", "put", "post", "delete", "options", "head", "patch", "trace"};
    static const char *const upper[] = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"};
    const struct doc_node *item = jschema_ref_resolve(r->schemas, n);
    for (size_t i = 0; item && i < sizeof(methods) / sizeof(methods[0]) && r->operations <= OPERATIONS_MOST; i++) {
        const struct doc_node *said = doc_get(item, methods[i]), *op = jschema_ref_resolve(r->schemas, said);
        if (op && op->kind == DOC_MAP)
            read_operation(r, item, op, slice_str(upper[i]), path, called_by, depth);
    }
}

/* --- Schemas: what no type can say. */

static void put_parts(struct openapi_reader *r, const struct doc_node *schema, struct slice type)
{
    const struct doc_node *all = doc_get(schema, "allOf");
    for (const struct doc_node *p = openapi_reader_children(all, DOC_LIST); p; p = p->next)
        openapi_reader_option(r, type, "all-of",
                              doc_get(p, "$ref") ? openapi_reader_text(p, "$ref", SLICE("?"))
                                                 : openapi_reader_said(r, p));
}

/* option(type, "mapping NAME", the type that NAME stands for). */
static void put_mapping(struct openapi_reader *r, struct slice type, const struct doc_node *m)
{
    size_t at;
    struct slice to = slice_find_last(m->text, '/', &at) ? slice_from(m->text, at + 1) : m->text;
    struct slice texts[] = {type, openapi_reader_join(r, SLICE("mapping"), " ", m->key), to};
    draft_put(&r->d, VOCABULARY_OPTION, texts, NULL);
}

static void put_discriminator(struct openapi_reader *r, const struct doc_node *schema, struct slice type)
{
    const struct doc_node *d = doc_get(schema, "discriminator"), *mapping = doc_get(d, "mapping");
    struct slice member = d && d->kind == DOC_STRING ? d->text : openapi_reader_text(d, "propertyName", SLICE(""));
    if (member.len == 0)
        return;
    openapi_reader_option(r, type, "discriminator", member);
    for (const struct doc_node *m = openapi_reader_children(mapping, DOC_MAP); m; m = m->next)
        put_mapping(r, type, m);
}

/* Words and how they are called in notes. */
static const char *const words[][2] = {
    {"if", "if"},
    {"then", "then"},
    {"else", "else"},
    {"contains", "contains"},
    {"minContains", "min-contains"},
    {"maxContains", "max-contains"},
    {"prefixItems", "prefix-items"},
    {"propertyNames", "property-names"},
    {"patternProperties", "pattern-property"},
    {"dependentRequired", "dependent-required"},
    {"dependentSchemas", "dependent-schema"},
    {"unevaluatedItems", "unevaluated-items"},
    {"unevaluatedProperties", "unevaluated-properties"},
    {"contentEncoding", "content-encoding"},
    {"contentMediaType", "content-media-type"},
    {"contentSchema", "content-schema"},
    {"discriminator", "discriminator"},
    {"default", "default-value"},
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

static void put_words(struct openapi_reader *r, const struct doc_node *schema, struct slice type)
{
    for (size_t i = 0; i < WORDS; i++) {
        const struct doc_node *w = doc_get(schema, words[i][0]);
        if (!w)
            continue;
        struct slice texts[] = {type, arena_putf(&r->d.arena, "word %s", words[i][1]), openapi_reader_said(r, w)};
        draft_put(&r->d, VOCABULARY_OPTION, texts, NULL);
    }
}

/* A schema by what it says: maps that authors fill have no such words beside each other. */
static bool says_words(const struct doc_node *n)
{
    const struct doc_node *all = doc_get(n, "allOf");
    if (all && all->kind == DOC_LIST)
        return true;
    const struct doc_node *type = doc_get(n, "type");
    bool typed = (type && (type->kind == DOC_STRING || type->kind == DOC_LIST)) || doc_get(n, "oneOf") ||
                 doc_get(n, "anyOf") || doc_get(n, "properties");
    for (size_t i = 0; typed && i < WORDS; i++)
        if (doc_get(n, words[i][0]))
            return true;
    return false;
}

static void read_schema(struct openapi_reader *r, const struct doc_node *n)
{
    struct slice type = jschema_type(r->schemas, n, n->key.len ? n->key : SLICE("schema"));
    for (const char *const *scalar = shape_scalars(); *scalar; scalar++)
        if (slice_eq(type, slice_str(*scalar)))
            return;
    put_parts(r, n, type);
    put_discriminator(r, n, type);
    put_words(r, n, type);
}

static bool is_value(struct slice key)
{
    return slice_eq(key, SLICE("example")) || slice_eq(key, SLICE("examples")) || slice_eq(key, SLICE("default")) ||
           slice_eq(key, SLICE("enum")) || slice_starts(key, SLICE("x-"));
}

/* Maps whose keys are names that somebody gave, not words. */
static bool has_names(struct slice key)
{
    static const char *const maps[] = {"properties", "patternProperties", "$defs", "definitions",
                                       "schemas",    "dependentSchemas",  NULL};
    for (const char *const *w = maps; *w; w++)
        if (slice_eq(key, slice_str(*w)))
            return true;
    return false;
}

static void read_schemas(struct openapi_reader *r, const struct doc_node *n, bool names)
{
    if (n->kind == DOC_MAP && !names && says_words(n))
        read_schema(r, n);
    for (const struct doc_node *c = n->first; c; c = c->next)
        if (names || !is_value(c->key))
            read_schemas(r, c, !names && n->kind == DOC_MAP && has_names(c->key));
}

/* --- The document. */

static void read_paths(struct openapi_reader *r, const struct doc_node *paths)
{
    for (const struct doc_node *p = openapi_reader_children(paths, DOC_MAP); p; p = p->next) {
        if (slice_starts(p->key, SLICE("/")))
            read_item(r, p, p->key, SLICE(""), 0);
        else if (!slice_starts(p->key, SLICE("x-")))
            openapi_reader_complain(r, p, "begin it with `/`", "a path begins with `/`");
    }
}

/* The version's schemas, and the document as OpenAPI 3 has it. */
static enum err read_version(struct openapi_reader *r)
{
    struct slice version = openapi_reader_text(r->root, "openapi", SLICE(""));
    struct slice older = openapi_reader_text(r->root, "swagger", SLICE(""));
    bool newer = slice_starts(version, SLICE("3.1")), two = slice_eq(older, SLICE("2.0"));
    if (!newer && !two && !slice_starts(version, SLICE("3.0"))) {
        openapi_reader_complain(r, r->root, "convert it to OpenAPI 3.0 or 3.1",
                                "only Swagger 2.0 and OpenAPI 3.0 and 3.1 are read");
        return ERR_INPUT;
    }
    r->schemas = jschema_new(&r->d, r->in, r->root, newer ? JSCHEMA_OPENAPI_31 : JSCHEMA_OPENAPI_30);
    if (two)
        r->root = swagger_convert(r->schemas, r->root);
    return ERR_OK;
}

static enum err read_document(struct openapi_reader *r)
{
    TRY(read_version(r));
    const struct doc_node *info = doc_get(r->root, "info"), *webhooks = doc_get(r->root, "webhooks");
    DRAFT_PUT(&r->d, CONTRACT, openapi_reader_text(info, "title", SLICE("openapi")),
              openapi_reader_text(info, "version", SLICE("0.0.0")));
    DRAFT_PUT(&r->d, DIALECT, SLICE("openapi"));
    read_paths(r, doc_get(r->root, "paths"));
    for (const struct doc_node *h = openapi_reader_children(webhooks, DOC_MAP); h; h = h->next)
        read_item(r, h, h->key, SLICE("webhook"), 0);
    read_schemas(r, r->root, false);
    return ERR_OK;
}

enum err import_openapi(const struct import_input *in, struct diag *diag, struct contract **out)
{
    struct openapi_reader r = {.in = in};
    struct doc_node *root;
    unsigned before = diag->errors;
    draft_init(&r.d, in->name, diag);
    enum err e = doc_parse(in->text, in->name, &r.d.arena, diag, &root);
    if (e == ERR_OK) {
        r.root = root;
        e = read_document(&r);
    }
    if (e == ERR_OK)
        e = diag->errors == before ? draft_finish(&r.d, out) : ERR_INPUT;
    jschema_free(&r.schemas);
    draft_fini(&r.d);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}
