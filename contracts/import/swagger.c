#include "contracts/import/swagger.h"

#include "contracts/import/jschema_ref.h"
#include "contracts/import/swagger_param.h"

static const struct doc_node *children(const struct doc_node *n, enum doc_kind kind)
{
    return n && n->kind == kind ? n->first : NULL;
}

static bool is_extension(struct slice key)
{
    return slice_starts(key, SLICE("x-"));
}

/* --- Answers. */

static void put_content(struct swagger_node *response, const struct doc_node *schema, const struct doc_node *produces)
{
    struct jschema *j = response->schemas;
    struct swagger_node content = swagger_node_start(j, DOC_MAP, SLICE("content"), schema);
    struct swagger_param_body body = {.schema = swagger_param_schema(j, schema), .usual = SLICE("application/json")};
    swagger_param_media(&content, &body, produces);
    swagger_node_put(response, content.made);
}

static void put_headers(struct swagger_node *response, const struct doc_node *from)
{
    struct jschema *j = response->schemas;
    struct swagger_node headers = swagger_node_start(j, DOC_MAP, SLICE("headers"), from);
    for (const struct doc_node *h = children(from, DOC_MAP); h; h = h->next) {
        struct swagger_node header = swagger_node_start(j, DOC_MAP, h->key, h);
        swagger_node_put(&header, swagger_param_schema(j, h));
        swagger_node_put(&headers, header.made);
    }
    swagger_node_put(response, headers.made);
}

static void put_response(struct swagger_node *responses, const struct doc_node *n, const struct doc_node *produces)
{
    const struct doc_node *from = jschema_ref_resolve(responses->schemas, n);
    if (!from)
        return;
    const struct doc_node *schema = doc_get(from, "schema"), *headers = doc_get(from, "headers");
    struct swagger_node response = swagger_node_start(responses->schemas, DOC_MAP, n->key, n);
    if (schema)
        put_content(&response, schema, produces);
    if (headers)
        put_headers(&response, headers);
    swagger_node_put(responses, response.made);
}

static void put_responses(struct swagger_node *op, const struct doc_node *from, const struct doc_node *produces)
{
    if (!from)
        return;
    struct swagger_node responses = swagger_node_start(op->schemas, DOC_MAP, SLICE("responses"), from);
    for (const struct doc_node *n = children(from, DOC_MAP); n; n = n->next)
        if (!is_extension(n->key))
            put_response(&responses, n, produces);
    swagger_node_put(op, responses.made);
}

/* --- Operations. */

static const struct doc_node *nearest(const struct doc_node *op, const struct doc_node *root, const char *word)
{
    const struct doc_node *own = doc_get(op, word);
    return own ? own : doc_get(root, word);
}

static void put_operation(struct swagger_node *item, const struct doc_node *root, const struct doc_node *from,
                          const struct doc_node *op)
{
    static const char *const but[] = {"consumes", "produces", "schemes", "parameters", "responses", NULL};
    struct swagger_node made = swagger_node_start(item->schemas, DOC_MAP, op->key, op);
    swagger_node_copy_but(&made, op, but);
    swagger_param_put(&made, doc_get(op, "parameters"), doc_get(from, "parameters"), nearest(op, root, "consumes"));
    put_responses(&made, doc_get(op, "responses"), nearest(op, root, "produces"));
    swagger_node_put(item, made.made);
}

static void put_item(struct swagger_node *paths, const struct doc_node *root, const struct doc_node *n)
{
    const struct doc_node *from = jschema_ref_resolve(paths->schemas, n);
    struct swagger_node item = swagger_node_start(paths->schemas, DOC_MAP, n->key, n);
    for (const struct doc_node *op = children(from, DOC_MAP); op; op = op->next)
        if (op->kind == DOC_MAP && !is_extension(op->key))
            put_operation(&item, root, from, op);
    swagger_node_put(paths, item.made);
}

static void put_paths(struct swagger_node *made, const struct doc_node *root)
{
    const struct doc_node *from = doc_get(root, "paths");
    if (!from)
        return;
    struct swagger_node paths = swagger_node_start(made->schemas, DOC_MAP, SLICE("paths"), from);
    for (const struct doc_node *n = children(from, DOC_MAP); n; n = n->next)
        if (!is_extension(n->key))
            put_item(&paths, root, n);
    swagger_node_put(made, paths.made);
}

/* --- Security. */

static const char *flow_of(struct slice flow)
{
    static const char *const names[][2] = {
        {"implicit", "implicit"},
        {"password", "password"},
        {"application", "clientCredentials"},
        {"accessCode", "authorizationCode"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq(flow, slice_str(names[i][0])))
            return names[i][1];
    return NULL;
}

static bool is_text(const struct doc_node *n, const char *text)
{
    return n && n->kind == DOC_STRING && slice_eq(n->text, slice_str(text));
}

static void put_flows(struct swagger_node *scheme, const struct doc_node *from)
{
    static const char *const but[] = {"type", "flow", "description", NULL};
    const struct doc_node *flow = doc_get(from, "flow");
    const char *name = flow ? flow_of(flow->text) : NULL;
    if (!name)
        return;
    struct swagger_node flows = swagger_node_start(scheme->schemas, DOC_MAP, SLICE("flows"), from);
    struct swagger_node one = swagger_node_start(scheme->schemas, DOC_MAP, slice_str(name), from);
    swagger_node_copy_but(&one, from, but);
    swagger_node_put(&flows, one.made);
    swagger_node_put(scheme, flows.made);
}

static void put_scheme(struct swagger_node *schemes, const struct doc_node *n)
{
    const struct doc_node *type = doc_get(n, "type");
    struct swagger_node scheme = swagger_node_start(schemes->schemas, DOC_MAP, n->key, n);
    if (is_text(type, "basic")) {
        swagger_node_text(&scheme, "type", SLICE("http"));
        swagger_node_text(&scheme, "scheme", SLICE("basic"));
    } else if (is_text(type, "oauth2")) {
        swagger_node_text(&scheme, "type", SLICE("oauth2"));
        put_flows(&scheme, n);
    } else {
        swagger_node_copy_but(&scheme, n, (const char *const[]){NULL});
    }
    swagger_node_put(schemes, scheme.made);
}

static void put_components(struct swagger_node *made, const struct doc_node *root)
{
    const struct doc_node *from = doc_get(root, "securityDefinitions");
    if (!from)
        return;
    struct swagger_node components = swagger_node_start(made->schemas, DOC_MAP, SLICE("components"), from);
    struct swagger_node schemes = swagger_node_start(made->schemas, DOC_MAP, SLICE("securitySchemes"), from);
    for (const struct doc_node *n = children(from, DOC_MAP); n; n = n->next)
        put_scheme(&schemes, n);
    swagger_node_put(&components, schemes.made);
    swagger_node_put(made, components.made);
}

const struct doc_node *swagger_convert(struct jschema *j, const struct doc_node *root)
{
    static const char *const but[] = {"paths", "parameters", "responses", "securityDefinitions", NULL};
    struct swagger_node made = swagger_node_start(j, DOC_MAP, (struct slice){0}, root);
    swagger_node_copy_but(&made, root, but);
    put_paths(&made, root);
    put_components(&made, root);
    return made.made;
}
