#include "contracts/import/jschema_differ.h"

#include "contracts/import/jschema_kind.h"
#include "contracts/import/jschema_ref.h"
#include "contracts/import/jschema_word.h"

/* The kinds that a schema surely keeps to; 0: not known. */
static unsigned kinds_kept(const struct doc_node *n)
{
    const struct doc_node *type = doc_get(n, "type");
    unsigned kinds = type && type->kind == DOC_STRING ? jschema_kind_of(type->text) : 0;
    return kinds & ((1u << JSCHEMA_KIND_NUMBER) | (1u << JSCHEMA_KIND_INTEGER)) ? 1u << JSCHEMA_KIND_NUMBER : kinds;
}

static bool is_value_of(const struct doc_node *n, struct slice text)
{
    const struct doc_node *list = doc_get(n, "enum"), *constant = doc_get(n, "const");
    if (constant)
        return constant->kind != DOC_STRING || slice_eq(constant->text, text);
    for (const struct doc_node *v = list && list->kind == DOC_LIST ? list->first : NULL; v; v = v->next)
        if (v->kind != DOC_STRING || slice_eq(v->text, text))
            return true;
    return !list;
}

/* Members of one name that have no text in common. */
static bool values_differ(const struct doc_node *a, const struct doc_node *b)
{
    const struct doc_node *list = doc_get(a, "enum"), *constant = doc_get(a, "const");
    if (constant)
        return constant->kind == DOC_STRING && !is_value_of(b, constant->text);
    if (!list || list->kind != DOC_LIST)
        return false;
    for (const struct doc_node *v = list->first; v; v = v->next)
        if (v->kind != DOC_STRING || is_value_of(b, v->text))
            return false;
    return true;
}

/* Both are objects, and a member that both require tells them apart. */
static bool tags_differ(struct jschema *j, const struct doc_node *a, const struct doc_node *b)
{
    const struct doc_node *own = doc_get(a, "properties"), *others = doc_get(b, "properties");
    for (const struct doc_node *m = own && own->kind == DOC_MAP ? own->first : NULL; m; m = m->next) {
        const struct doc_node *other = doc_find(others, m->key);
        if (other && jschema_word_requires(a, m->key) && jschema_word_requires(b, m->key) &&
            values_differ(jschema_ref_resolve(j, m), jschema_ref_resolve(j, other)))
            return true;
    }
    return false;
}

static bool branches_differ(struct jschema *j, const struct doc_node *a, const struct doc_node *b)
{
    if (!a || !b)
        return false;
    unsigned x = kinds_kept(a), y = kinds_kept(b);
    if (!x || !y || (jschema_word_true(doc_get(a, "nullable")) && jschema_word_true(doc_get(b, "nullable"))))
        return false;
    return !(x & y) || (x == 1u << JSCHEMA_KIND_RECORD && tags_differ(j, a, b));
}

/* Unions larger than this are not looked at pair by pair. */
enum { BRANCHES_LOOKED_AT = 128 };

/* No value fits two branches. */
bool jschema_differ(struct jschema *j, const struct doc_node *list)
{
    if (list->count > BRANCHES_LOOKED_AT)
        return false;
    for (const struct doc_node *a = list->first; a; a = a->next)
        for (const struct doc_node *b = a->next; b; b = b->next)
            if (!branches_differ(j, jschema_ref_resolve(j, a), jschema_ref_resolve(j, b)))
                return false;
    return true;
}
