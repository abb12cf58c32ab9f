#include "contracts/import/openapi_body.h"

#include "contracts/import/jschema_ref.h"

/* "application/json; charset=utf-8" is application/json: charsets do not change the shape. */
static struct slice media_of(struct openapi_reader *r, struct slice key)
{
    size_t at;
    return openapi_reader_lower(r, slice_trim(slice_find(key, ';', &at) ? slice_to(key, at) : key));
}

void openapi_body_request(struct openapi_reader *r, const struct doc_node *body)
{
    body = body ? jschema_ref_resolve(r->schemas, body) : NULL;
    const struct doc_node *content = doc_get(body, "content");
    struct slice where = openapi_reader_join(r, r->operation, ".", SLICE("body"));
    for (const struct doc_node *m = openapi_reader_children(content, DOC_MAP); m; m = m->next) {
        const struct doc_node *schema = doc_get(m, "schema"), *encoding = doc_get(m, "encoding");
        struct slice media = media_of(r, m->key);
        struct slice subject = openapi_reader_join(r, r->operation, ":request:", media);
        DRAFT_PUT(&r->d, REQUEST, r->operation, media, jschema_type(r->schemas, schema, where));
        openapi_reader_place(r, subject, m);
        if (encoding && encoding->count)
            openapi_reader_unproven(r, subject, encoding, "encoding");
        openapi_reader_default(r, subject, schema);
    }
    if (content && content->count && !openapi_reader_true(doc_get(body, "required")))
        openapi_reader_option(r, r->operation, "request-body", SLICE("optional"));
}

static void read_header(struct openapi_reader *r, struct slice status, const struct doc_node *h)
{
    const struct doc_node *header = jschema_ref_resolve(r->schemas, h);
    if (slice_eq_nocase(h->key, SLICE("content-type")) || !header)
        return;
    struct slice name = openapi_reader_lower(r, h->key);
    struct slice subject = openapi_reader_join(r, r->operation, ":header:", openapi_reader_join(r, status, ":", name));
    bool required = openapi_reader_true(doc_get(header, "required"));
    struct slice type = openapi_reader_type(r, header, subject);
    DRAFT_PUT(&r->d, HEADER, r->operation, status, name, type, required ? SLICE("required") : SLICE("optional"));
    openapi_reader_place(r, subject, h);
    if (openapi_reader_true(doc_get(header, "explode")))
        openapi_reader_option(r, subject, "style", SLICE("simple explode"));
}

static void read_media(struct openapi_reader *r, struct slice status, const struct doc_node *m)
{
    const struct doc_node *schema = doc_get(m, "schema");
    struct slice where = openapi_reader_join(r, r->operation, ".", status);
    struct slice media = media_of(r, m->key), head = openapi_reader_join(r, r->operation, ":response:", status);
    struct slice subject = openapi_reader_join(r, head, ":", media);
    DRAFT_PUT(&r->d, RESPONSE, r->operation, status, media, jschema_type(r->schemas, schema, where));
    openapi_reader_place(r, subject, m);
    openapi_reader_default(r, subject, schema);
}

static void read_response(struct openapi_reader *r, const struct doc_node *n)
{
    const struct doc_node *response = jschema_ref_resolve(r->schemas, n), *content = doc_get(response, "content");
    struct slice status = n->key;
    if (!response)
        return;
    if (status.len == 3 && (status.at[1] == 'x' || status.at[1] == 'X'))
        status = arena_putf(&r->d.arena, "%cXX", status.at[0]);
    for (const struct doc_node *m = openapi_reader_children(content, DOC_MAP); m; m = m->next)
        read_media(r, status, m);
    if (!content || content->count == 0)
        DRAFT_PUT(&r->d, RESPONSE, r->operation, status, SLICE(""), SLICE(""));
    const struct doc_node *headers = doc_get(response, "headers");
    for (const struct doc_node *h = openapi_reader_children(headers, DOC_MAP); h; h = h->next)
        read_header(r, status, h);
}

void openapi_body_responses(struct openapi_reader *r, const struct doc_node *responses)
{
    size_t count = 0;
    for (const struct doc_node *n = openapi_reader_children(responses, DOC_MAP); n; n = n->next) {
        if (slice_starts(n->key, SLICE("x-")))
            continue;
        read_response(r, n);
        count++;
    }
    if (count > 0)
        return;
    /* Nothing is promised. */
    DRAFT_PUT(&r->d, RESPONSE, r->operation, SLICE("default"), SLICE(""), SLICE(""));
    openapi_reader_option(r, r->operation, "responses", SLICE("none"));
}
