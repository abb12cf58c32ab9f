#include "contracts/import/jschema_beside.h"

#include "contracts/import/jschema_ref.h"
#include "contracts/import/jschema_word.h"

struct doc_node *jschema_beside_copy(struct jschema *j, const struct doc_node *n)
{
    struct doc_node *copy = arena_new(j->arena, sizeof(*copy));
    *copy = *n;
    copy->next = NULL;
    jschema_state_belongs(j, copy, n);
    return copy;
}

static bool is_applied(struct slice word, bool union_too)
{
    static const char *const words[] = {"if", "then", "else", "not", "anyOf", "oneOf"};
    for (size_t i = 0; i < (union_too ? 6 : 3); i++)
        if (slice_eq(slice_str(words[i]), word))
            return true;
    return false;
}

/* A branch says that it is something else than an object. */
static bool has_other_branch(struct jschema *j, const struct doc_node *n)
{
    static const char *const words[] = {"anyOf", "oneOf"};
    for (size_t i = 0; i < 2; i++) {
        const struct doc_node *list = doc_get(n, words[i]);
        for (const struct doc_node *b = list && list->kind == DOC_LIST ? list->first : NULL; b; b = b->next) {
            const struct doc_node *to = jschema_ref_resolve(j, b), *type = to ? doc_get(to, "type") : NULL;
            if (type && type->kind == DOC_STRING && !slice_eq(type->text, SLICE("object")))
                return true;
        }
    }
    return false;
}

/* Without the words of unions and conditions, or without those of conditions only. */
static const struct doc_node *without(struct jschema *j, const struct doc_node *n, bool union_too)
{
    struct doc_node *rest = jschema_beside_copy(j, n), *last = NULL;
    rest->first = NULL;
    rest->count = 0;
    rest->index = NULL;
    /* Those who write OpenAPI say "object" beside branches that are objects anyway. */
    bool plain = j->dialect != JSCHEMA_STANDARD && !has_other_branch(j, n);
    for (const struct doc_node *c = n->first; c; c = c->next)
        if (!is_applied(c->key, union_too) && !jschema_word_is_note(c->key) && !slice_eq(c->key, SLICE("nullable")) &&
            !(plain && slice_eq(c->text, SLICE("object"))))
            doc_add(rest, jschema_beside_copy(j, c), &last);
    return rest;
}

const struct doc_node *jschema_beside(struct jschema *j, const struct doc_node *n)
{
    return without(j, n, true);
}

const struct doc_node *jschema_beside_all(struct jschema *j, const struct doc_node *n)
{
    return without(j, n, false);
}

/* A branch together with what stands beside the union. */
const struct doc_node *jschema_beside_spread(struct jschema *j, const struct doc_node *rest,
                                             const struct doc_node *branch)
{
    if (rest->count == 0)
        return branch;
    struct doc_node *both = jschema_beside_copy(j, rest), *all = jschema_beside_copy(j, rest), *last = NULL;
    all->kind = DOC_LIST;
    all->key = SLICE("allOf");
    all->first = NULL;
    all->count = 0;
    doc_add(all, jschema_beside_copy(j, rest), &last);
    doc_add(all, jschema_beside_copy(j, branch), &last);
    both->first = NULL;
    both->count = 0;
    last = NULL;
    doc_add(both, all, &last);
    return both;
}
