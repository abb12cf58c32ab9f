#include "contracts/import/jschema_own.h"

#include "contracts/import/jschema_said.h"
#include "contracts/shape.h"

enum { NAME_MOST = 200 };

static struct slice unique_name(struct jschema *j, struct slice wanted)
{
    wanted = slice_to(wanted, NAME_MOST);
    struct slice name = arena_keep(j->arena, wanted);
    for (unsigned n = 2; map_get(&j->by_name, name); n++)
        name = arena_putf(j->arena, "%.*s~%u", SLICE_FMT(wanted), n);
    map_put(&j->by_name, name, j);
    return name;
}

struct slice jschema_own_name_of(struct jschema *j, struct slice ref)
{
    size_t at;
    struct slice name = ref;
    if (slice_find_last(ref, '/', &at) || slice_find_last(ref, '#', &at))
        name = slice_from(ref, at + 1);
    if (name.len == 0)
        name = SLICE("Root");
    for (const char *const *s = shape_scalars(); *s; s++)
        if (slice_eq(slice_str(*s), name))
            return unique_name(j, arena_putf(j->arena, "%s.schema", *s));
    return unique_name(j, name);
}

struct slice jschema_own_take(struct jschema_own *o)
{
    if (!o->taken) {
        o->name = unique_name(o->j, o->name);
        o->taken = true;
    }
    return o->name;
}

void jschema_own_place(struct jschema_own *o)
{
    draft_place(o->j->draft, o->name, jschema_state_file(o->j, o->node), o->node->line, o->node->column);
}

void jschema_own_unproven(struct jschema_own *o, const struct doc_node *n, struct slice word)
{
    struct slice text = jschema_said(o->j, n);
    draft_unproven(o->j->draft, o->name, word, text);
}

void jschema_own_unproven_words(struct jschema_own *o, const struct doc_node *n, const char *const *words)
{
    for (; *words; words++) {
        const struct doc_node *c = doc_get(n, *words);
        if (c)
            jschema_own_unproven(o, c, slice_str(*words));
    }
}

/* One for each entry, so that fewer entries ask for less. */
void jschema_own_unproven_entries(struct jschema_own *o, const struct doc_node *n, const char *word)
{
    const struct doc_node *map = doc_get(n, word);
    for (const struct doc_node *c = map && map->kind == DOC_MAP ? map->first : NULL; c; c = c->next)
        if (c->kind == DOC_LIST)
            for (const struct doc_node *v = c->first; v; v = v->next)
                jschema_own_unproven(o, v, arena_putf(o->j->arena, "%s %.*s", word, SLICE_FMT(c->key)));
        else
            jschema_own_unproven(o, c, arena_putf(o->j->arena, "%s %.*s", word, SLICE_FMT(c->key)));
}

void jschema_own_aspect(struct jschema_own *o, struct slice role, const struct doc_node *schema)
{
    struct slice where = arena_putf(o->j->arena, "%.*s?%.*s", SLICE_FMT(o->name), SLICE_FMT(slice_to(role, 8)));
    DRAFT_PUT(o->j->draft, ASPECT, o->name, role, jschema_type(o->j, schema, where));
}

struct slice jschema_own_opaque(struct jschema_own *o, const struct doc_node *n, const char *word)
{
    DRAFT_PUT(o->j->draft, ALIAS, jschema_own_take(o), SLICE("any"));
    jschema_own_unproven(o, n, slice_str(word));
    return o->name;
}
