#include "contracts/import/jschema.h"

#include "base/check.h"
#include "base/mem.h"
#include "contracts/import/jschema_beside.h"
#include "contracts/import/jschema_kind.h"
#include "contracts/import/jschema_merge.h"
#include "contracts/import/jschema_ref.h"
#include "contracts/import/jschema_said.h"
#include "contracts/import/jschema_union.h"
#include "contracts/import/jschema_value.h"
#include "contracts/import/jschema_word.h"

struct jschema *jschema_new(struct draft *d, const struct import_input *in, const struct doc_node *root,
                            enum jschema_dialect dialect)
{
    struct jschema *j = mem_new(sizeof(*j));
    *j = (struct jschema){.draft = d, .in = in, .dialect = dialect, .arena = &d->arena};
    j->null_word = doc_get(root, "swagger") ? "x-nullable" : "nullable";
    j->files = arena_new(j->arena, sizeof(*j->files));
    *j->files = (struct jschema_file){.name = in->name, .root = root};
    const struct doc_node *schema = doc_get(root, "$schema");
    j->lonely_refs = dialect == JSCHEMA_STANDARD && schema && slice_has(schema->text, SLICE("/draft-0"));
    return j;
}

bool jschema_has_lonely_refs(const struct jschema *j)
{
    return j->lonely_refs;
}

bool jschema_is_exact(const struct jschema *j)
{
    return j->dialect == JSCHEMA_STANDARD;
}

void jschema_free(struct jschema **j)
{
    if (!*j)
        return;
    map_fini(&(*j)->by_node);
    map_fini(&(*j)->by_file);
    map_fini(&(*j)->by_name);
    map_fini(&(*j)->file_of);
    mem_free(*j);
    *j = NULL;
}

static struct slice build(struct jschema *j, const struct doc_node *n, struct slice name, bool named);

static struct slice type_of_ref(struct jschema *j, const struct doc_node *n)
{
    const struct doc_node *to = jschema_ref_resolve(j, n);
    if (!to)
        return SLICE("any");
    const char *known = map_get(&j->by_node, slice_of(&to, sizeof(to)));
    if (known)
        return slice_str(known);
    struct slice name = jschema_own_name_of(j, jschema_ref_text(n));
    map_put(&j->by_node, jschema_state_address(j, &to), (void *)(uintptr_t)name.at);
    struct slice made = build(j, to, name, true);
    POST(slice_eq(made, name));
    return name;
}

struct slice jschema_type(struct jschema *j, const struct doc_node *n, struct slice where)
{
    if (!n)
        return SLICE("any");
    if (j->depth > JSCHEMA_STATE_DEEPEST) {
        jschema_state_complain(j, n, "name the inner schemas and refer to them", "schemas are nested too deep in",
                               where);
        return SLICE("any");
    }
    if (n->kind == DOC_MAP && jschema_ref_text(n).len &&
        (j->dialect == JSCHEMA_OPENAPI_30 || j->lonely_refs || !jschema_word_speaks(n)))
        return type_of_ref(j, n);
    const char *known = map_get(&j->by_node, slice_of(&n, sizeof(n)));
    if (known)
        return slice_str(known);
    j->depth++;
    struct slice type = build(j, n, where, false);
    j->depth--;
    map_put(&j->by_node, jschema_state_address(j, &n), (void *)(uintptr_t)type.at);
    return type;
}

/* "then" and "else" are compared together with all that the schema says itself. */
static void put_condition(struct jschema_own *o, const struct doc_node *n)
{
    struct jschema *j = o->j;
    struct slice when = jschema_said(j, doc_get(n, "if"));
    const struct doc_node *then = doc_get(n, "then"), *otherwise = doc_get(n, "else"), *rest = jschema_beside_all(j, n);
    if (!then && !otherwise)
        return;
    if (j->spreads > JSCHEMA_BESIDE_DEEPEST) {
        jschema_own_unproven_words(o, n, (const char *const[]){"if", "then", "else", NULL});
        return;
    }
    j->spreads++;
    if (then && !jschema_word_anything(then))
        jschema_own_aspect(o, arena_putf(j->arena, "then %.*s", SLICE_FMT(when)), jschema_beside_spread(j, rest, then));
    if (otherwise && !jschema_word_anything(otherwise))
        jschema_own_aspect(o, arena_putf(j->arena, "else %.*s", SLICE_FMT(when)),
                           jschema_beside_spread(j, rest, otherwise));
    j->spreads--;
}

/* Values that are known so far; readers take others, too. */
static void put_extensible(struct jschema_own *o, const struct doc_node *list)
{
    for (const struct doc_node *v = list && list->kind == DOC_LIST ? list->first : NULL; v; v = v->next) {
        struct buf text;
        buf_init(&text, BUF_TEXT_BOUND);
        doc_put_json(v, &text);
        DRAFT_PUT(o->j->draft, OPTION, o->name, SLICE("x-extensible-enum"), buf_slice(&text));
        buf_fini(&text);
    }
}

static void put_others(struct jschema_own *o, const struct doc_node *n)
{
    put_extensible(o, doc_get(n, "x-extensible-enum"));
    if (o->j->dialect != JSCHEMA_STANDARD) {
        jschema_own_unproven_words(o, n, (const char *const[]){"not", "if", "then", "else", NULL});
        jschema_own_unproven_words(o, n, jschema_word_others + JSCHEMA_WORD_KNOWN);
        return;
    }
    if (doc_get(n, "not"))
        jschema_own_aspect(o, SLICE("not"), doc_get(n, "not"));
    if (doc_get(n, "if"))
        put_condition(o, n);
    jschema_own_unproven_words(o, n, jschema_word_others + JSCHEMA_WORD_KNOWN);
}

/* Without allOf, where the parts can be said in one schema; NULL: they cannot. */
static const struct doc_node *merged_of(struct jschema *j, const struct doc_node *n)
{
    if (!doc_get(n, "allOf") && !(jschema_ref_text(n).len && n->kind == DOC_MAP && jschema_word_speaks(n)))
        return n;
    const struct doc_node *merged = jschema_merge(j, n, j->arena, j->depth);
    return merged && (doc_get(merged, "allOf") || jschema_ref_text(merged).len) ? n : merged;
}

static bool fits_nothing(const struct doc_node *n)
{
    const struct doc_node *listed = doc_get(n, "enum");
    return jschema_word_false(n) || (listed && listed->count == 0);
}

static bool has_values(const struct doc_node *n)
{
    return doc_get(n, "enum") || doc_get(n, "const");
}

static struct slice build_body(struct jschema_own *o, const struct doc_node *n, bool named, bool *nullable)
{
    if (has_values(n))
        return jschema_value_make(o, n, nullable);
    if (jschema_union_is(n))
        return jschema_union_make(o, n, named, nullable);
    bool forced = named || *nullable || jschema_word_any(n, jschema_word_others);
    return jschema_kind_plain(o, n, forced, nullable);
}

static bool says_null(const struct jschema *j, const struct doc_node *n)
{
    return j->dialect == JSCHEMA_OPENAPI_30 && jschema_word_true(doc_get(n, j->null_word));
}

static struct slice build(struct jschema *j, const struct doc_node *n, struct slice name, bool named)
{
    struct jschema_own o = {.j = j, .node = n, .name = name, .taken = named};
    bool nullable = says_null(j, n);
    const struct doc_node *merged;
    if (fits_nothing(n))
        return jschema_kind_never(&o, named);
    if (!(merged = merged_of(j, n)))
        return jschema_own_opaque(&o, n, "allOf");
    n = merged;
    nullable = nullable || says_null(j, n);
    if (fits_nothing(n))
        return jschema_kind_never(&o, named);
    if (!has_values(n) && jschema_union_hides(j, n, named))
        return jschema_own_opaque(&o, n, "oneOf");
    struct slice type = build_body(&o, n, named, &nullable);
    if (nullable || jschema_word_any(n, jschema_word_others)) {
        if (!o.taken) {
            DRAFT_PUT(j->draft, ALIAS, jschema_own_take(&o), type);
            type = o.name;
        }
        put_others(&o, n);
        if (nullable)
            DRAFT_PUT(j->draft, NULLABLE, o.name);
    }
    if (o.taken)
        jschema_own_place(&o);
    return type;
}
