#include "contracts/import/swagger_node.h"

#include "contracts/import/jschema_beside.h"

struct swagger_node swagger_node_start(struct jschema *j, enum doc_kind kind, struct slice key,
                                       const struct doc_node *at)
{
    struct doc_node *made = arena_new(j->arena, sizeof(*made));
    *made = (struct doc_node){
        .kind = kind, .key = key, .line = at->line, .column = at->column, .key_line = at->key_line, .weight = 1};
    return (struct swagger_node){.schemas = j, .made = made};
}

void swagger_node_put(struct swagger_node *n, struct doc_node *child)
{
    doc_add(n->made, child, &n->last);
}

void swagger_node_copy(struct swagger_node *n, const struct doc_node *child, struct slice key)
{
    struct doc_node *copy = jschema_beside_copy(n->schemas, child);
    copy->key = key;
    swagger_node_put(n, copy);
}

static bool is_among(struct slice key, const char *const *words)
{
    for (; *words; words++)
        if (slice_eq(key, slice_str(*words)))
            return true;
    return false;
}

void swagger_node_copy_but(struct swagger_node *n, const struct doc_node *from, const char *const *but)
{
    for (const struct doc_node *c = from->kind == DOC_MAP ? from->first : NULL; c; c = c->next)
        if (!is_among(c->key, but))
            swagger_node_copy(n, c, c->key);
}

static void put_scalar(struct swagger_node *n, enum doc_kind kind, const char *key, struct slice text)
{
    struct swagger_node child = swagger_node_start(n->schemas, kind, slice_str(key), n->made);
    child.made->text = text;
    swagger_node_put(n, child.made);
}

void swagger_node_text(struct swagger_node *n, const char *key, struct slice text)
{
    put_scalar(n, DOC_STRING, key, text);
}

void swagger_node_bool(struct swagger_node *n, const char *key, bool value)
{
    put_scalar(n, DOC_BOOL, key, value ? SLICE("true") : SLICE("false"));
}
