#include "contracts/import/jschema.h"

/* A document under way, and the operation that is being read. */
struct reader {
    struct draft d;
    struct jschema *schemas;
    const struct import_input *in;
    const struct doc_node *root;
    struct slice operation;
};

static bool is_text(const struct doc_node *n)
{
    return n && n->kind == DOC_STRING;
}

static bool is_true(const struct doc_node *n)
{
    return n && n->kind == DOC_BOOL && slice_eq(n->text, SLICE("true"));
}

static struct slice text_of(const struct doc_node *n, const char *key, struct slice otherwise)
{
    const struct doc_node *c = doc_get(n, key);
    return c && (c->kind == DOC_STRING || c->kind == DOC_NUMBER) && c->text.len ? c->text : otherwise;
}

static const struct doc_node *children(const struct doc_node *n, enum doc_kind kind)
{
    return n && n->kind == kind ? n->first : NULL;
}

static void complain(struct reader *r, const struct doc_node *n, const char *fix, const char *what)
{
    struct diag_place p = {.file = r->in->name, .line = n->line, .column = n->column};
    diag_add(r->d.diag, DIAG_ERROR, &p, fix, "%s", what);
}

static void unproven(struct reader *r, struct slice subject, const struct doc_node *n, const char *word)
{
    draft_unproven(&r->d, subject, slice_str(word), jschema_said(r->schemas, n));
}

static struct slice put(struct reader *r, const char *between, struct slice a, struct slice b)
{
    return arena_putf(&r->d.arena, "%.*s%s%.*s", SLICE_FMT(a), between, SLICE_FMT(b));
}

/* --- Bodies. */

/* "application/json; charset=utf-8" is application/json: charsets do not change the shape. */
static struct slice media_of(struct slice key)
{
    size_t at;
    return slice_trim(slice_find(key, ';', &at) ? slice_to(key, at) : key);
}

static void read_request(struct reader *r, const struct doc_node *body)
{
    body = jschema_resolve(r->schemas, body);
    const struct doc_node *content = doc_get(body, "content");
    struct slice where = put(r, ".", r->operation, SLICE("body"));
    for (const struct doc_node *m = children(content, DOC_MAP); m; m = m->next) {
        struct slice type = jschema_type(r->schemas, doc_get(m, "schema"), where);
        struct slice media = media_of(m->key);
        DRAFT_PUT(&r->d, REQUEST, r->operation, media, type);
        draft_place(&r->d, put(r, ":request:", r->operation, media), NULL, m->key_line, m->column);
        if (doc_get(m, "encoding"))
            unproven(r, put(r, ":request:", r->operation, media), doc_get(m, "encoding"), "encoding");
    }
    if (content && !is_true(doc_get(body, "required")))
        DRAFT_PUT(&r->d, OPTION, r->operation, SLICE("request-body"), SLICE("optional"));
}

static void read_header(struct reader *r, struct slice status, const struct doc_node *h)
{
    const struct doc_node *header = jschema_resolve(r->schemas, h);
    if (slice_eq_nocase(h->key, SLICE("content-type")) || !header)
        return;
    struct slice lower = arena_putf(&r->d.arena, "%.*s", SLICE_FMT(h->key));
    for (size_t i = 0; i < lower.len; i++) {
        char *c = (char *)(uintptr_t)&lower.at[i];
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
    }
    struct slice where = put(r, ":header:", r->operation, put(r, ":", status, lower));
    struct slice type = jschema_type(r->schemas, doc_get(header, "schema"), where);
    struct slice presence = is_true(doc_get(header, "required")) ? SLICE("required") : SLICE("optional");
    DRAFT_PUT(&r->d, HEADER, r->operation, status, lower, type, presence);
    draft_place(&r->d, where, NULL, h->key_line, h->column);
}

static void read_response(struct reader *r, const struct doc_node *n)
{
    const struct doc_node *response = jschema_resolve(r->schemas, n), *content = doc_get(response, "content");
    struct slice status = arena_putf(&r->d.arena, "%.*s", SLICE_FMT(n->key));
    if (status.len == 3 && status.at[1] == 'x')
        status = arena_putf(&r->d.arena, "%cXX", status.at[0]);
    struct slice head = put(r, ":response:", r->operation, status);
    if (!response)
        return;
    for (const struct doc_node *m = children(content, DOC_MAP); m; m = m->next) {
        struct slice type = jschema_type(r->schemas, doc_get(m, "schema"), put(r, ".", r->operation, status));
        struct slice media = media_of(m->key);
        DRAFT_PUT(&r->d, RESPONSE, r->operation, status, media, type);
        draft_place(&r->d, put(r, ":", head, media), NULL, m->key_line, m->column);
    }
    if (!content || content->count == 0)
        DRAFT_PUT(&r->d, RESPONSE, r->operation, status, SLICE(""), SLICE(""));
    const struct doc_node *headers = doc_get(response, "headers");
    for (const struct doc_node *h = children(headers, DOC_MAP); h; h = h->next)
        read_header(r, status, h);
}

/* --- Parameters. */

static void put_style(struct reader *r, struct slice subject, const struct doc_node *p, struct slice in)
{
    bool form = slice_eq(in, SLICE("query")) || slice_eq(in, SLICE("cookie"));
    struct slice style = text_of(p, "style", form ? SLICE("form") : SLICE("simple"));
    const struct doc_node *explode = doc_get(p, "explode");
    bool exploded = explode ? is_true(explode) : slice_eq(style, SLICE("form"));
    bool usual = slice_eq(style, form ? SLICE("form") : SLICE("simple")) && exploded == form;
    if (!usual)
        draft_unproven(&r->d, subject, SLICE("style"),
                       put(r, " ", style, exploded ? SLICE("exploded") : SLICE("joined")));
}

/* RFC 9110 fields that the specification says are not parameters. */
static bool is_said_elsewhere(struct slice in, struct slice name)
{
    return slice_eq(in, SLICE("header")) &&
           (slice_eq_nocase(name, SLICE("accept")) || slice_eq_nocase(name, SLICE("content-type")) ||
            slice_eq_nocase(name, SLICE("authorization")));
}

static void read_param(struct reader *r, const struct doc_node *p)
{
    struct slice in = text_of(p, "in", (struct slice){0}), name = text_of(p, "name", (struct slice){0});
    static const char *const places[] = {"path", "query", "header", "cookie"};
    bool known = false;
    for (size_t i = 0; i < 4; i++)
        known = known || slice_eq(in, slice_str(places[i]));
    if (!known || name.len == 0) {
        complain(r, p, "a parameter has a name, and `in` is path, query, header or cookie", "this is no parameter");
        return;
    }
    if (is_said_elsewhere(in, name))
        return;
    const struct doc_node *schema = doc_get(p, "schema"), *content = doc_get(p, "content");
    struct slice subject = put(r, ".", r->operation, put(r, ".", in, name));
    if (!schema && content && content->count) {
        schema = doc_get(content->first, "schema");
        draft_unproven(&r->d, subject, SLICE("content"), content->first->key);
    }
    bool required = slice_eq(in, SLICE("path")) || is_true(doc_get(p, "required"));
    struct slice type = jschema_type(r->schemas, schema, subject);
    DRAFT_PUT(&r->d, PARAM, r->operation, in, name, type, required ? SLICE("required") : SLICE("optional"));
    draft_place(&r->d, subject, NULL, p->line, p->column);
    put_style(r, subject, p, in);
    const struct doc_node *target = schema ? jschema_resolve(r->schemas, schema) : NULL;
    if (target && doc_get(target, "default"))
        DRAFT_PUT(&r->d, OPTION, subject, SLICE("default"), jschema_said(r->schemas, doc_get(target, "default")));
}

static bool same_param(const struct doc_node *a, const struct doc_node *b)
{
    return a && b && slice_eq(text_of(a, "in", SLICE("")), text_of(b, "in", SLICE(""))) &&
           slice_eq(text_of(a, "name", SLICE("")), text_of(b, "name", SLICE("")));
}

/* An operation's own parameters replace those of its path. */
static void read_params(struct reader *r, const struct doc_node *of_path, const struct doc_node *of_operation)
{
    for (const struct doc_node *p = children(of_operation, DOC_LIST); p; p = p->next) {
        const struct doc_node *param = jschema_resolve(r->schemas, p);
        if (param)
            read_param(r, param);
    }
    for (const struct doc_node *p = children(of_path, DOC_LIST); p; p = p->next) {
        const struct doc_node *param = jschema_resolve(r->schemas, p);
        bool replaced = false;
        for (const struct doc_node *q = children(of_operation, DOC_LIST); q; q = q->next)
            replaced = replaced || same_param(param, jschema_resolve(r->schemas, q));
        if (param && !replaced)
            read_param(r, param);
    }
}

/* --- Security. */

/* What the document calls it, and what must be shown. */
static struct slice scheme_of(struct reader *r, struct slice name)
{
    const struct doc_node *schemes = doc_get(doc_get(r->root, "components"), "securitySchemes");
    const struct doc_node *s = doc_find(schemes, name);
    s = s ? jschema_resolve(r->schemas, s) : NULL;
    if (!s)
        return name;
    struct slice type = text_of(s, "type", name);
    struct slice more = slice_eq(type, SLICE("apiKey"))
                            ? put(r, " ", text_of(s, "in", SLICE("")), text_of(s, "name", SLICE("")))
                        : slice_eq(type, SLICE("http"))          ? text_of(s, "scheme", SLICE(""))
                        : slice_eq(type, SLICE("openIdConnect")) ? text_of(s, "openIdConnectUrl", SLICE(""))
                                                                 : SLICE("");
    const struct doc_node *flows = doc_get(s, "flows");
    for (const struct doc_node *f = children(flows, DOC_MAP); f; f = f->next)
        for (const struct doc_node *u = children(f, DOC_MAP); u; u = u->next)
            if (slice_ends(u->key, SLICE("Url")) && is_text(u))
                more = put(r, more.len ? " " : "", more, u->text);
    return put(r, ": ", name, more.len ? put(r, " ", type, more) : type);
}

static void put_scheme(struct reader *r, int64_t alternative, struct slice scheme, struct slice scope)
{
    struct slice texts[] = {r->operation, scheme, scope};
    draft_put(&r->d, VOCABULARY_SECURITY, texts, &alternative);
}

static void read_security(struct reader *r, const struct doc_node *list)
{
    int64_t alternative = 0;
    for (const struct doc_node *a = children(list, DOC_LIST); a; a = a->next, alternative++) {
        if (a->count == 0)
            put_scheme(r, alternative, SLICE(""), SLICE(""));
        for (const struct doc_node *s = children(a, DOC_MAP); s; s = s->next) {
            struct slice scheme = scheme_of(r, s->key);
            if (s->count == 0)
                put_scheme(r, alternative, scheme, SLICE(""));
            for (const struct doc_node *scope = children(s, DOC_LIST); scope; scope = scope->next)
                put_scheme(r, alternative, scheme, scope->text);
        }
    }
}

/* --- Operations. */

static void read_operation(struct reader *r, const struct doc_node *path, const struct doc_node *item,
                           const struct doc_node *op, struct slice method)
{
    r->operation = put(r, " ", method, path->key);
    DRAFT_PUT(&r->d, OPERATION, r->operation);
    DRAFT_PUT(&r->d, HTTP, r->operation, method, path->key);
    draft_place(&r->d, r->operation, NULL, op->key_line, op->column);
    if (is_text(doc_get(op, "operationId")))
        DRAFT_PUT(&r->d, OPTION, r->operation, SLICE("operation-id"), doc_get(op, "operationId")->text);
    if (slice_eq(method, SLICE("GET")) || slice_eq(method, SLICE("HEAD")) || slice_eq(method, SLICE("PUT")) ||
        slice_eq(method, SLICE("DELETE")) || slice_eq(method, SLICE("OPTIONS")))
        DRAFT_PUT(&r->d, IDEMPOTENT, r->operation);
    read_params(r, doc_get(item, "parameters"), doc_get(op, "parameters"));
    if (doc_get(op, "requestBody"))
        read_request(r, doc_get(op, "requestBody"));
    const struct doc_node *responses = doc_get(op, "responses");
    for (const struct doc_node *n = children(responses, DOC_MAP); n; n = n->next)
        if (!slice_starts(n->key, SLICE("x-")))
            read_response(r, n);
    if (!responses || responses->count == 0)
        DRAFT_PUT(&r->d, RESPONSE, r->operation, SLICE("default"), SLICE(""), SLICE(""));
    const struct doc_node *security = doc_get(op, "security");
    read_security(r, security ? security : doc_get(r->root, "security"));
    if (doc_get(op, "callbacks") && doc_get(op, "callbacks")->count)
        unproven(r, r->operation, doc_get(op, "callbacks"), "callbacks");
}

static void read_path(struct reader *r, const struct doc_node *path)
{
    static const char *const methods[] = {"get", "put", "post", "delete", "options", "head", "patch", "trace"};
    static const char *const upper[] = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"};
    const struct doc_node *item = jschema_resolve(r->schemas, path);
    if (!slice_starts(path->key, SLICE("/"))) {
        if (!slice_starts(path->key, SLICE("x-")))
            complain(r, path, "begin it with `/`", "a path begins with `/`");
        return;
    }
    for (size_t i = 0; item && i < 8; i++) {
        const struct doc_node *op = doc_get(item, methods[i]);
        if (op && op->kind == DOC_MAP)
            read_operation(r, path, item, op, slice_str(upper[i]));
    }
}

/* Nobody but the provider calls a webhook: its roles are swapped, which the rules do not know yet. */
static void read_webhook(struct reader *r, const struct doc_node *hook)
{
    struct slice name = put(r, " ", SLICE("webhook"), hook->key);
    DRAFT_PUT(&r->d, OPERATION, name);
    DRAFT_PUT(&r->d, CALLBACK, name);
    unproven(r, name, hook, "webhook");
    draft_place(&r->d, name, NULL, hook->key_line, hook->column);
}

static enum err read_document(struct reader *r)
{
    struct slice version = text_of(r->root, "openapi", SLICE(""));
    if (!slice_starts(version, SLICE("3.0")) && !slice_starts(version, SLICE("3.1"))) {
        complain(r, r->root, "convert it to OpenAPI 3.0 or 3.1", "only OpenAPI 3.0 and 3.1 are read");
        return ERR_INPUT;
    }
    bool newer = slice_starts(version, SLICE("3.1"));
    r->schemas = jschema_new(&r->d, r->in, r->root, newer ? JSCHEMA_OPENAPI_31 : JSCHEMA_OPENAPI_30);
    const struct doc_node *info = doc_get(r->root, "info"), *paths = doc_get(r->root, "paths");
    DRAFT_PUT(&r->d, CONTRACT, text_of(info, "title", SLICE("openapi")), text_of(info, "version", SLICE("0.0.0")));
    DRAFT_PUT(&r->d, DIALECT, SLICE("openapi"));
    for (const struct doc_node *p = children(paths, DOC_MAP); p; p = p->next)
        read_path(r, p);
    const struct doc_node *webhooks = doc_get(r->root, "webhooks");
    for (const struct doc_node *h = children(webhooks, DOC_MAP); h; h = h->next)
        read_webhook(r, h);
    return ERR_OK;
}

enum err import_openapi(const struct import_input *in, struct diag *diag, struct contract **out)
{
    struct reader r = {.in = in};
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
