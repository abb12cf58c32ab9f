#include "contracts/import/jschema_list.h"

#include "contracts/import/jschema_bound.h"
#include "contracts/import/jschema_said.h"
#include "contracts/import/jschema_word.h"

/* prefixItems of 2020-12, and the list of items of earlier drafts with its additionalItems. */
static void put_tuple(struct jschema_own *o, const struct doc_node *places, const struct doc_node *rest)
{
    struct jschema *j = o->j;
    int64_t number = 0;
    for (const struct doc_node *p = places->first; p; p = p->next, number++) {
        struct slice where = arena_putf(j->arena, "%.*s[%lld]", SLICE_FMT(o->name), (long long)number);
        draft_put(j->draft, VOCABULARY_ITEM, (struct slice[]){o->name, jschema_type(j, p, where)}, &number);
    }
    struct slice element = jschema_word_anything(rest)
                               ? SLICE("any")
                               : jschema_type(j, rest, arena_putf(j->arena, "%.*s[]", SLICE_FMT(o->name)));
    DRAFT_PUT(j->draft, LIST, o->name, element);
}

static void put_contains(struct jschema_own *o, const struct doc_node *n)
{
    const struct doc_node *contains = doc_get(n, "contains"), *least = doc_get(n, "minContains");
    if (!contains)
        return;
    struct slice count = least ? least->text : SLICE("1");
    if (doc_get(n, "maxContains"))
        draft_unproven(o->j->draft, o->name, SLICE("contains"),
                       arena_putf(o->j->arena, "%.*s..%.*s %.*s", SLICE_FMT(count),
                                  SLICE_FMT(doc_get(n, "maxContains")->text), SLICE_FMT(jschema_said(o->j, contains))));
    else if (!slice_eq(count, SLICE("0")))
        jschema_own_aspect(o, arena_putf(o->j->arena, "contains %.*s", SLICE_FMT(count)), contains);
}

struct slice jschema_list_make(struct jschema_own *o, const struct doc_node *n)
{
    struct jschema *j = o->j;
    const struct doc_node *items = doc_get(n, "items"), *prefix = doc_get(n, "prefixItems");
    jschema_own_take(o);
    if (prefix && prefix->kind == DOC_LIST)
        put_tuple(o, prefix, items);
    else if (items && items->kind == DOC_LIST)
        put_tuple(o, items, doc_get(n, "additionalItems"));
    else
        DRAFT_PUT(j->draft, LIST, o->name,
                  jschema_word_anything(items)
                      ? SLICE("any")
                      : jschema_type(j, items, arena_putf(j->arena, "%.*s[]", SLICE_FMT(o->name))));
    jschema_bound_put(o, "min_items", doc_get(n, "minItems"));
    jschema_bound_put(o, "max_items", doc_get(n, "maxItems"));
    if (jschema_word_true(doc_get(n, "uniqueItems")))
        jschema_own_unproven(o, doc_get(n, "uniqueItems"), SLICE("uniqueItems"));
    put_contains(o, n);
    if (doc_get(n, "unevaluatedItems") && !jschema_word_anything(doc_get(n, "unevaluatedItems")))
        jschema_own_unproven(o, n, SLICE("unevaluatedItems"));
    return o->name;
}
