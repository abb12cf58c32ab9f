#include "contracts/import/jschema_merge.h"

#include "contracts/import/jschema_kind.h"
#include "contracts/import/jschema_ref.h"
#include "contracts/import/jschema_state.h"
#include "contracts/import/jschema_word.h"
#include "contracts/shape.h"

/* More closed parts are not merged. */
enum { DEPTH_MOST = 24, CLOSED_MOST = 8 };

struct merging {
    struct jschema *j;
    struct arena *arena;
    struct doc_node *into, *last;
    bool failed, nullable;
    unsigned typed, nullables; /* parts that say a type, and of those the ones that let null through */
    unsigned spoken[4];        /* how many parts say a word of each family */
    bool closes[2];            /* a part says what the rest is, and means its own rest */
    const struct doc_node *closed[CLOSED_MOST];
    size_t closed_count;
};

static void append(struct merging *m, const struct doc_node *from)
{
    struct doc_node *copy = arena_new(m->arena, sizeof(*copy));
    *copy = *from;
    copy->next = NULL;
    jschema_state_belongs(m->j, copy, from);
    doc_add(m->into, copy, &m->last);
}

static struct doc_node *mine(const struct merging *m, struct slice key)
{
    for (struct doc_node *n = m->into->first; n; n = n->next)
        if (slice_eq(n->key, key))
            return n;
    return NULL;
}

static bool same(const struct doc_node *a, const struct doc_node *b)
{
    struct buf x, y;
    buf_init(&x, BUF_TEXT_BOUND);
    buf_init(&y, BUF_TEXT_BOUND);
    doc_put_json(a, &x);
    doc_put_json(b, &y);
    bool equal = slice_eq(buf_slice(&x), buf_slice(&y));
    buf_fini(&x);
    buf_fini(&y);
    return equal;
}

/* A schema that says both. */
static struct doc_node *both(struct merging *m, const struct doc_node *a, const struct doc_node *b)
{
    struct doc_node *list = arena_new(m->arena, sizeof(*list)), *all = arena_new(m->arena, sizeof(*all));
    struct doc_node *x = arena_new(m->arena, sizeof(*x)), *y = arena_new(m->arena, sizeof(*y)), *last = NULL;
    *x = *a;
    *y = *b;
    x->next = y->next = NULL;
    jschema_state_belongs(m->j, x, a);
    jschema_state_belongs(m->j, y, b);
    *list =
        (struct doc_node){.kind = DOC_LIST, .key = SLICE("allOf"), .line = a->line, .column = a->column, .weight = 1};
    doc_add(list, x, &last);
    doc_add(list, y, &last);
    *all = (struct doc_node){.kind = DOC_MAP, .key = a->key, .line = a->line, .column = a->column, .weight = 1};
    last = NULL;
    doc_add(all, list, &last);
    return all;
}

static void merge_members(struct merging *m, struct doc_node *into, const struct doc_node *from)
{
    struct merging inner = {.j = m->j, .arena = m->arena, .into = arena_new(m->arena, sizeof(*into))};
    *inner.into = *into;
    inner.into->first = NULL;
    inner.into->count = 0;
    inner.into->index = NULL;
    inner.into->index_cap = 0;
    for (const struct doc_node *n = into->first; n; n = n->next) {
        const struct doc_node *other = doc_find(from, n->key);
        append(&inner, other && !same(n, other) ? both(m, n, other) : n);
    }
    for (const struct doc_node *n = from->first; n; n = n->next)
        if (!doc_find(into, n->key))
            append(&inner, n);
    struct doc_node *next = into->next;
    *into = *inner.into;
    into->next = next;
}

static void merge_lists(struct merging *m, struct doc_node *into, const struct doc_node *from)
{
    struct merging inner = {.j = m->j, .arena = m->arena, .into = arena_new(m->arena, sizeof(*into))};
    *inner.into = *into;
    inner.into->first = NULL;
    inner.into->count = 0;
    for (const struct doc_node *n = into->first; n; n = n->next)
        append(&inner, n);
    for (const struct doc_node *n = from->first; n; n = n->next)
        append(&inner, n);
    struct doc_node *next = into->next;
    *into = *inner.into;
    into->next = next;
}

/* The values that both list. */
static void merge_values(struct merging *m, struct doc_node *into, const struct doc_node *from)
{
    struct merging inner = {.j = m->j, .arena = m->arena, .into = arena_new(m->arena, sizeof(*into))};
    *inner.into = *into;
    inner.into->first = NULL;
    inner.into->count = 0;
    for (const struct doc_node *n = into->first; n; n = n->next)
        for (const struct doc_node *o = from->first; o; o = o->next)
            if (same(n, o)) {
                append(&inner, n);
                break;
            }
    m->failed = m->failed || inner.into->count == 0;
    struct doc_node *next = into->next;
    *into = *inner.into;
    into->next = next;
}

static bool is_among(struct slice word, const char *const *words)
{
    for (; *words; words++)
        if (slice_eq(slice_str(*words), word))
            return true;
    return false;
}

/* The tighter of two bounds. */
static bool merge_bound(struct doc_node *into, const struct doc_node *from)
{
    static const char *const least[] = {"minimum", "minLength", "minItems", "minProperties", NULL};
    static const char *const most[] = {"maximum", "maxLength", "maxItems", "maxProperties", NULL};
    bool lower = is_among(into->key, least), upper = is_among(into->key, most);
    if ((!lower && !upper) || !shape_decimal(into->text) || !shape_decimal(from->text))
        return false;
    int order = shape_decimal_cmp(into->text, from->text);
    if (lower ? order < 0 : order > 0)
        into->text = from->text;
    return true;
}

/* Of two kinds the narrower; an empty enum, which no value fits, when they have no value in common. */
static bool merge_type(struct doc_node *into, const struct doc_node *from)
{
    bool named = slice_eq(into->key, SLICE("type")) && into->kind == DOC_STRING && from->kind == DOC_STRING;
    unsigned a = named ? jschema_kind_of(into->text) : 0, b = named ? jschema_kind_of(from->text) : 0;
    unsigned numbers = (1u << JSCHEMA_KIND_NUMBER) | (1u << JSCHEMA_KIND_INTEGER);
    if (!a || !b)
        return false;
    if ((a & numbers) && (b & numbers))
        into->text = SLICE("integer");
    else
        *into = (struct doc_node){
            .kind = DOC_LIST, .key = SLICE("enum"), .line = from->line, .column = from->column, .next = into->next};
    return true;
}

static void merge_word(struct merging *m, const struct doc_node *from)
{
    static const char *const notes[] = {
        "description",   "title",        "example", "examples", "default",     "deprecated",
        "$comment",      "externalDocs", "xml",     "readOnly", "writeOnly",   "nullable",
        "discriminator", "$id",          "$schema", "$defs",    "definitions", NULL};
    struct doc_node *into = mine(m, from->key);
    if (!into)
        append(m, from);
    else if (same(into, from) || is_among(from->key, notes) || merge_bound(into, from))
        return;
    else if (!m->nullable && merge_type(into, from))
        return;
    else if (slice_eq(from->key, SLICE("properties")) && into->kind == DOC_MAP && from->kind == DOC_MAP)
        merge_members(m, into, from);
    else if (slice_eq(from->key, SLICE("required")) && into->kind == DOC_LIST && from->kind == DOC_LIST)
        merge_lists(m, into, from);
    else if (slice_eq(from->key, SLICE("enum")) && into->kind == DOC_LIST && from->kind == DOC_LIST)
        merge_values(m, into, from);
    else
        m->failed = true;
}

/* Words that mean something only beside each other in one schema. */
static void note_families(struct merging *m, const struct doc_node *part)
{
    static const char *const families[4][6] = {
        {"properties", "patternProperties", "additionalProperties", "unevaluatedProperties", NULL},
        {"items", "prefixItems", "additionalItems", "unevaluatedItems", NULL},
        {"contains", "minContains", "maxContains", NULL},
        {"if", "then", "else", NULL},
    };
    static const char *const closing[2][4] = {{"additionalProperties", "unevaluatedProperties", NULL},
                                              {"prefixItems", "additionalItems", "unevaluatedItems", NULL}};
    for (size_t i = 0; i < 4; i++) {
        bool speaks = false;
        for (const char *const *w = families[i]; *w; w++)
            speaks = speaks || doc_get(part, *w);
        m->spoken[i] += speaks;
        for (const char *const *w = i < 2 ? closing[i] : NULL; w && *w; w++)
            m->closes[i] = m->closes[i] || doc_get(part, *w);
    }
}

static bool mixes_families(const struct merging *m)
{
    return (m->spoken[0] > 1 && m->closes[0]) || (m->spoken[1] > 1 && m->closes[1]) || m->spoken[2] > 1 ||
           m->spoken[3] > 1;
}

static bool is_closed(const struct doc_node *part)
{
    const struct doc_node *rest = doc_get(part, "additionalProperties");
    return rest && rest->kind == DOC_BOOL && slice_eq(rest->text, SLICE("false"));
}

static void note_closed(struct merging *m, const struct doc_node *part)
{
    if (!is_closed(part))
        return;
    m->failed = m->failed || m->closed_count == CLOSED_MOST || doc_get(part, "patternProperties");
    if (!m->failed)
        m->closed[m->closed_count++] = part;
}

/* A closed part refuses what another part names, unless it names that, too. */
static bool refuses_a_member(const struct merging *m)
{
    const struct doc_node *members = mine(m, SLICE("properties"));
    for (size_t i = 0; i < m->closed_count; i++)
        for (const struct doc_node *n = members ? members->first : NULL; n; n = n->next)
            if (!doc_find(doc_get(m->closed[i], "properties"), n->key))
                return true;
    return false;
}

static void merge_part(struct merging *m, const struct doc_node *part, unsigned depth)
{
    if (!part || part->kind != DOC_MAP || depth > DEPTH_MOST) {
        m->failed = m->failed || !part || depth > DEPTH_MOST || !slice_eq(part->text, SLICE("true"));
        return;
    }
    if (doc_get(part, "$ref")) {
        merge_part(m, jschema_ref_resolve(m->j, part), depth + 1);
        if (jschema_has_lonely_refs(m->j))
            return;
    }
    m->nullable = m->nullable || doc_get(part, "nullable") || doc_get(part, "x-nullable");
    m->typed += doc_get(part, "type") != NULL;
    m->nullables += doc_get(part, "type") && jschema_word_true(doc_get(part, m->j->null_word));
    note_families(m, part);
    note_closed(m, part);
    const struct doc_node *all = doc_get(part, "allOf");
    for (const struct doc_node *p = all && all->kind == DOC_LIST ? all->first : NULL; p && !m->failed; p = p->next)
        merge_part(m, p, depth + 1);
    for (const struct doc_node *w = part->first; w && !m->failed; w = w->next)
        if (!slice_eq(w->key, SLICE("allOf")) && !slice_eq(w->key, SLICE("$ref")))
            merge_word(m, w);
}

/* Null fits the whole when it fits each part. */
static void merge_null(struct merging *m)
{
    struct doc_node *said = mine(m, slice_str(m->j->null_word));
    if (said && (!m->typed || m->nullables < m->typed))
        said->text = SLICE("false");
}

const struct doc_node *jschema_merge(struct jschema *j, const struct doc_node *n, struct arena *arena, unsigned depth)
{
    struct merging m = {.j = j, .arena = arena, .into = arena_new(arena, sizeof(*n))};
    *m.into = (struct doc_node){.kind = DOC_MAP, .key = n->key, .line = n->line, .column = n->column, .weight = 1};
    merge_part(&m, n, depth > DEPTH_MOST ? depth : 0);
    merge_null(&m);
    if (refuses_a_member(&m))
        m.failed = true;
    if (jschema_is_exact(j) && mixes_families(&m))
        m.failed = true;
    return m.failed ? NULL : m.into;
}
