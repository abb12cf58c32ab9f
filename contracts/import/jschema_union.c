#include "contracts/import/jschema_union.h"

#include <stdlib.h>

#include "base/check.h"
#include "contracts/import/jschema_beside.h"
#include "contracts/import/jschema_differ.h"
#include "contracts/import/jschema_kind.h"
#include "contracts/import/jschema_said.h"

static bool is_null(const struct doc_node *n)
{
    const struct doc_node *type = doc_get(n, "type");
    return type && type->kind == DOC_STRING && slice_eq(type->text, SLICE("null"));
}

static int by_said(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The branches in one order. */
static struct slice said_of_all(struct jschema *j, const struct doc_node *list)
{
    struct slice *said = arena_array(j->arena, list->count + 1, sizeof(*said)), all = SLICE("");
    size_t count = 0;
    for (const struct doc_node *b = list->first; b; b = b->next)
        said[count++] = jschema_said(j, b);
    qsort(said, count, sizeof(*said), by_said);
    for (size_t i = 0; i < count; i++)
        all = arena_putf(j->arena, "%.*s%s%.*s", SLICE_FMT(all), i ? " | " : "", SLICE_FMT(said[i]));
    return all;
}

/* What stands beside a union lets null through. */
static bool takes_null(struct jschema_own *o, const struct doc_node *n)
{
    unsigned kinds = jschema_kind_said(o, n);
    return !doc_get(n, "type") || (kinds & (1u << JSCHEMA_KIND_NULL)) || o->j->dialect == JSCHEMA_OPENAPI_30;
}

static unsigned count_beside_null(const struct doc_node *list)
{
    unsigned count = 0;
    for (const struct doc_node *b = list->first; b; b = b->next)
        count += !is_null(b);
    return count;
}

/* True: null is a branch. */
static bool make_branches(struct jschema_own *o, const struct doc_node *list, const struct doc_node *rest,
                          bool exclusive)
{
    struct jschema *j = o->j;
    bool null = false;
    int64_t number = 0;
    DRAFT_PUT(j->draft, UNION, jschema_own_take(o));
    for (const struct doc_node *b = list->first; b; b = b->next) {
        if (is_null(b)) {
            null = true;
            continue;
        }
        struct slice where = arena_putf(j->arena, "%.*s|%lld", SLICE_FMT(o->name), (long long)number);
        struct slice type = jschema_type(j, jschema_beside_spread(j, rest, b), where);
        draft_put(j->draft, VOCABULARY_BRANCH, (struct slice[]){o->name, type}, &number);
        number++;
    }
    if (doc_get(o->node, "discriminator"))
        jschema_own_unproven(o, doc_get(o->node, "discriminator"), SLICE("discriminator"));
    if (exclusive) {
        DRAFT_PUT(j->draft, EXCLUSIVE, o->name);
        if (!jschema_differ(o->j, list))
            draft_unproven(j->draft, o->name, SLICE("oneOf"),
                           j->dialect == JSCHEMA_STANDARD ? said_of_all(j, list) : SLICE("exactly one"));
    }
    return null;
}

static const struct doc_node *branches_of(const struct doc_node *n, bool *exclusive)
{
    const struct doc_node *any = doc_get(n, "anyOf"), *one = doc_get(n, "oneOf");
    *exclusive = !any && one;
    const struct doc_node *list = any ? any : one;
    return list && list->kind == DOC_LIST && list->count ? list : NULL;
}

enum form { FORM_NONE, FORM_ONE, FORM_NULLS, FORM_MANY };

/* Of one branch beside null, of nulls only, or of many. */
static enum form form_of(const struct doc_node *list, bool named)
{
    if (!list)
        return FORM_NONE;
    unsigned count = count_beside_null(list);
    if (count == 1 && list->count == 2 && !named)
        return FORM_ONE;
    return count ? FORM_MANY : FORM_NULLS;
}

bool jschema_union_is(const struct doc_node *n)
{
    bool exclusive;
    return branches_of(n, &exclusive) != NULL;
}

bool jschema_union_hides(const struct jschema *j, const struct doc_node *n, bool named)
{
    bool exclusive;
    return form_of(branches_of(n, &exclusive), named) == FORM_MANY &&
           (j->spreads > JSCHEMA_BESIDE_DEEPEST || doc_get(n, "unevaluatedProperties") ||
            doc_get(n, "unevaluatedItems"));
}

static void make_one(struct jschema_own *o, const struct doc_node *n, const struct doc_node *list, bool exclusive)
{
    struct jschema *j = o->j;
    const struct doc_node *b = is_null(list->first) ? list->first->next : list->first;
    struct slice where = arena_putf(j->arena, "%.*s|0", SLICE_FMT(o->name));
    struct slice type = jschema_type(j, jschema_beside_spread(j, jschema_beside(j, n), b), where);
    DRAFT_PUT(j->draft, ALIAS, jschema_own_take(o), type);
    if (exclusive && !jschema_differ(j, list))
        draft_unproven(j->draft, o->name, SLICE("oneOf"), said_of_all(j, list));
}

static bool make_many(struct jschema_own *o, const struct doc_node *n, const struct doc_node *list, bool exclusive)
{
    struct jschema *j = o->j;
    j->spreads++;
    bool null = make_branches(o, list, jschema_beside(j, n), exclusive);
    j->spreads--;
    return null;
}

struct slice jschema_union_make(struct jschema_own *o, const struct doc_node *n, bool named, bool *nullable)
{
    bool exclusive;
    const struct doc_node *list = branches_of(n, &exclusive), *both = exclusive ? NULL : doc_get(n, "oneOf");
    PRE(list);
    switch (form_of(list, named)) {
    case FORM_ONE:
        make_one(o, n, list, exclusive);
        *nullable = takes_null(o, n);
        break;
    case FORM_NULLS:
        jschema_kind_never(o, true);
        *nullable = takes_null(o, n);
        if (exclusive && list->count > 1)
            jschema_own_unproven(o, list, SLICE("oneOf"));
        both = NULL;
        break;
    case FORM_MANY:
        *nullable = (make_many(o, n, list, exclusive) && takes_null(o, n)) || *nullable;
        break;
    case FORM_NONE:
        break;
    }
    if (both)
        jschema_own_unproven(o, both, SLICE("oneOf"));
    return o->name;
}
