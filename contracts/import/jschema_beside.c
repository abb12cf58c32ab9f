#include "contracts/import/jschema_beside.h"

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

/* Without the words of unions and conditions, or without those of conditions only. */
static const struct doc_node *without(struct jschema *j, const struct doc_node *n, bool union_too)
{
    struct doc_node *rest = jschema_beside_copy(j, n), *last = NULL;
    rest->first = NULL;
    rest->count = 0;
    rest->index = NULL;
    for (const struct doc_node *c = n->first; c; c = c->next)
        if (!is_applied(c->key, union_too) && !jschema_word_is_note(c->key) && !slice_eq(c->key, SLICE("nullable")) &&
            !(j->dialect != JSCHEMA_STANDARD && slice_eq(c->text, SLICE("object"))))
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
