#include "contracts/import/openapi_reader.h"

#include "contracts/import/jschema_ref.h"
#include "contracts/import/jschema_said.h"
#include "contracts/import/jschema_state.h"

bool openapi_reader_true(const struct doc_node *n)
{
    return n && n->kind == DOC_BOOL && slice_eq(n->text, SLICE("true"));
}

struct slice openapi_reader_text(const struct doc_node *n, const char *key, struct slice otherwise)
{
    const struct doc_node *c = doc_get(n, key);
    return c && (c->kind == DOC_STRING || c->kind == DOC_NUMBER) && c->text.len ? c->text : otherwise;
}

const struct doc_node *openapi_reader_children(const struct doc_node *n, enum doc_kind kind)
{
    return n && n->kind == kind ? n->first : NULL;
}

void openapi_reader_complain(struct openapi_reader *r, const struct doc_node *n, const char *fix, const char *what)
{
    const char *file = r->schemas ? jschema_state_file(r->schemas, n) : NULL;
    struct diag_place p = {.file = file ? file : r->in->name, .line = n->line, .column = n->column};
    diag_add(r->d.diag, DIAG_ERROR, &p, fix, "%s", what);
}

void openapi_reader_place(struct openapi_reader *r, struct slice subject, const struct doc_node *n)
{
    draft_place(&r->d, subject, jschema_state_file(r->schemas, n), n->key_line ? n->key_line : n->line, n->column);
}

void openapi_reader_unproven(struct openapi_reader *r, struct slice subject, const struct doc_node *n, const char *word)
{
    draft_unproven(&r->d, subject, slice_str(word), jschema_said(r->schemas, n));
}

struct slice openapi_reader_join(struct openapi_reader *r, struct slice a, const char *between, struct slice b)
{
    return arena_putf(&r->d.arena, "%.*s%s%.*s", SLICE_FMT(a), between, SLICE_FMT(b));
}

struct slice openapi_reader_lower(struct openapi_reader *r, struct slice text)
{
    char *copy = arena_array(&r->d.arena, text.len + 1, 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = text.at[i] >= 'A' && text.at[i] <= 'Z' ? (char)(text.at[i] | 0x20) : text.at[i];
    return slice_of(copy, text.len);
}

void openapi_reader_option(struct openapi_reader *r, struct slice subject, const char *name, struct slice value)
{
    DRAFT_PUT(&r->d, OPTION, subject, slice_str(name), value);
}

/* Said once for every place that refers to it, so it is kept short. */
enum { SAID_MOST = 500 };

struct slice openapi_reader_said(struct openapi_reader *r, const struct doc_node *n)
{
    if (n->weight > SAID_MOST || n->text.len > SAID_MOST)
        return arena_putf(&r->d.arena, "%u values", n->weight);
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    doc_put_json(n, &text);
    struct slice kept = arena_keep(&r->d.arena, buf_slice(&text));
    buf_fini(&text);
    return kept;
}

void openapi_reader_default(struct openapi_reader *r, struct slice subject, const struct doc_node *schema)
{
    const struct doc_node *target = schema ? jschema_ref_resolve(r->schemas, schema) : NULL;
    const struct doc_node *value = target && target->kind == DOC_MAP ? doc_get(target, "default") : NULL;
    if (value)
        openapi_reader_option(r, subject, "default", openapi_reader_said(r, value));
}

struct slice openapi_reader_type(struct openapi_reader *r, const struct doc_node *n, struct slice subject)
{
    const struct doc_node *schema = doc_get(n, "schema"), *content = doc_get(n, "content");
    if (!schema && content && content->kind == DOC_MAP && content->first) {
        schema = doc_get(content->first, "schema");
        openapi_reader_option(r, subject, "content", content->first->key);
    }
    return jschema_type(r->schemas, schema, subject);
}
