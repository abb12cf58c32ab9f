#include "datalog/dl_lower.h"

#include "base/mem.h"
#include "datalog/dl_clause.h"

enum { DEEPEST_INIT = 8, INSTANCES_MOST = 256 };

/* What one walk over the items carries. */
struct walk {
    struct dl_clause_scope scope;
    const struct dl_item *items[DEEPEST_INIT + 1]; /* of every enclosing component, for .init */
    unsigned depth;
    unsigned *instances;
};

typedef void walk_fn(struct walk *w, const struct dl_item *i);

static const struct dl_item *component_named(const struct walk *w, struct slice name)
{
    for (unsigned d = w->depth + 1; d-- > 0;)
        for (const struct dl_item *i = w->items[d]; i; i = i->next)
            if (i->kind == DL_ITEM_COMP && slice_eq(i->names->text, name))
                return i;
    return NULL;
}

static void complain_component(const struct walk *w, const struct dl_name *name)
{
    const char *names[64];
    size_t count = 0;
    for (const struct dl_item *i = w->items[0]; i && count < 64; i = i->next)
        if (i->kind == DL_ITEM_COMP)
            names[count++] = arena_keep(&w->scope.program->arena, i->names->text).at;
    dl_clause_unknown(&w->scope, name->at, "component", name->text, diag_nearest(name->text, names, count));
}

static bool is_inside(const struct walk *w, const struct dl_item *component)
{
    for (unsigned d = 0; d <= w->depth; d++)
        if (w->items[d] == component->items && component->items)
            return true;
    return false;
}

static void walk_items(struct walk *w, const struct dl_item *items, walk_fn *fn);

static void walk_instance(struct walk *w, const struct dl_item *init, walk_fn *fn)
{
    const struct dl_item *component = component_named(w, init->parts->text);
    if (!component) {
        complain_component(w, init->parts);
        return;
    }
    if (is_inside(w, component)) {
        dl_lex_complain(w->scope.texts, DIAG_ERROR, init->parts->at, NULL, "component `%.*s` holds itself",
                        SLICE_FMT(init->parts->text));
        return;
    }
    if (w->depth == DEEPEST_INIT || ++*w->instances > INSTANCES_MOST) {
        dl_lex_complain(w->scope.texts, DIAG_ERROR, init->parts->at, NULL,
                        "components deeper than %d in one another, or more than %d of them", DEEPEST_INIT,
                        INSTANCES_MOST);
        return;
    }
    struct walk inner = *w;
    struct arena *arena = &w->scope.program->arena;
    inner.scope.prefix = arena_putf(arena, "%.*s%.*s.", SLICE_FMT(w->scope.prefix), SLICE_FMT(init->names->text));
    inner.depth++;
    walk_items(&inner, component->items, fn);
}

static void walk_items(struct walk *w, const struct dl_item *items, walk_fn *fn)
{
    w->items[w->depth] = items;
    for (const struct dl_item *i = items; i; i = i->next) {
        if (i->kind == DL_ITEM_INIT)
            walk_instance(w, i, fn);
        else
            fn(w, i);
    }
}

static void count_type(struct walk *w, const struct dl_item *i)
{
    w->scope.program->types.count += i->kind == DL_ITEM_TYPE;
}

static void add_type(struct walk *w, const struct dl_item *i)
{
    struct datalog *p = w->scope.program;
    if (i->kind == DL_ITEM_TYPE)
        dl_types_declare(&p->types, &p->arena, w->scope.texts, i);
}

static void define_type(struct walk *w, const struct dl_item *i)
{
    struct datalog *p = w->scope.program;
    if (i->kind == DL_ITEM_TYPE)
        dl_types_define(&p->types, &p->arena, w->scope.texts, i);
}

static void set_columns(struct walk *w, struct dl_relation *r, const struct dl_item *i)
{
    const struct dl_types *types = &w->scope.program->types;
    for (const struct dl_column *c = i->columns; c; c = c->next) {
        unsigned at = r->arity++;
        r->columns[at] = arena_keep(&w->scope.program->arena, c->name);
        r->types[at] = DATALOG_SYMBOL;
        for (unsigned k = 0; k < at; k++)
            if (slice_eq(r->columns[k], c->name))
                dl_lex_complain(w->scope.texts, DIAG_ERROR, c->at, NULL, "two columns have the name `%.*s`",
                                SLICE_FMT(c->name));
        r->declared[at] = dl_types_find(types, w->scope.texts, c->type, c->type_at);
        int root = dl_types_root_of(types, r->declared[at]);
        if (root == DL_TYPES_UNKNOWN)
            r->mistyped |= UINT32_C(1) << at;
        else
            r->types[at] = dl_types_class(root);
    }
}

static const struct dl_param *kept_params(struct arena *arena, const struct dl_param *given)
{
    struct dl_param *all = NULL;
    for (; given; given = given->next) {
        struct dl_param *one = arena_new(arena, sizeof(*one));
        *one = (struct dl_param){all, arena_keep(arena, given->name), arena_keep(arena, given->value)};
        all = one;
    }
    return all;
}

static void direct(struct walk *w, struct dl_relation *r, unsigned flag, const struct dl_name *name)
{
    struct datalog *p = w->scope.program;
    if (flag == DL_IS_PRINTSIZE && r->flags & flag)
        dl_lex_complain(w->scope.texts, DIAG_ERROR, name->at, NULL, "the size of `%.*s` is printed already",
                        SLICE_FMT(r->name));
    r->flags |= flag;
    r->asked |= (flag & (DL_IS_OUTPUT | DL_IS_PRINTSIZE)) != 0;
    p->directives = mem_resize(p->directives, p->directive_count + 1, sizeof(*p->directives));
    p->directives[p->directive_count++] =
        (struct dl_directive){.rel = r->number, .flag = flag, .params = kept_params(&p->arena, name->params)};
}

static void direct_each(struct walk *w, struct dl_relation *r, unsigned flags, const struct dl_name *name)
{
    for (unsigned flag = DL_IS_INPUT; flag <= DL_IS_PRINTSIZE; flag <<= 1)
        if (flags & flag)
            direct(w, r, flag, name);
}

static void declare(struct walk *w, const struct dl_item *i, const struct dl_name *name)
{
    struct datalog *p = w->scope.program;
    struct slice full = arena_putf(&p->arena, "%.*s%.*s", SLICE_FMT(w->scope.prefix), SLICE_FMT(name->text));
    const struct dl_relation *before = map_get(&p->by_name, full);
    if (before) {
        dl_lex_complain(w->scope.texts, DIAG_ERROR, name->at, NULL, "`%.*s` is declared already, at %s:%u",
                        SLICE_FMT(full), w->scope.texts->v[before->at.text].file, before->at.line);
        return;
    }
    if (p->relation_count == DL_RULE_RELATIONS) {
        dl_lex_complain(w->scope.texts, DIAG_ERROR, name->at, NULL, "more than %d relations", DL_RULE_RELATIONS);
        return;
    }
    struct dl_relation *r = arena_new(&p->arena, sizeof(*r));
    *r = (struct dl_relation){
        .number = (int)p->relation_count, .name = full, .at = name->at, .group = p->relation_count};
    set_columns(w, r, i);
    direct_each(w, r, i->flags, name);
    p->relations[p->relation_count++] = r;
    map_put(&p->by_name, r->name, r);
}

static void add_relations(struct walk *w, const struct dl_item *i)
{
    for (const struct dl_name *n = i->names; i->kind == DL_ITEM_DECL && n; n = n->next)
        declare(w, i, n);
}

static void add_directive(struct walk *w, const struct dl_item *i)
{
    for (const struct dl_name *n = i->names; n; n = n->next) {
        struct dl_relation *r = dl_clause_relation(&w->scope, n->text, n->at);
        if (r)
            direct_each(w, r, i->flags, n);
    }
}

static void add_clause(struct walk *w, const struct dl_item *i)
{
    if (i->kind == DL_ITEM_DIRECTIVE)
        add_directive(w, i);
    if (i->kind == DL_ITEM_CLAUSE)
        dl_clause_lower(&w->scope, &i->clause);
}

static void all_items(struct walk *w, const struct dl_item *items, walk_fn *fn)
{
    *w->instances = 0;
    walk_items(w, items, fn);
}

void dl_lower(struct datalog *p, const struct dl_item *items, const struct dl_texts *texts)
{
    unsigned instances = 0;
    struct dl_rule *first = NULL, **last = &first;
    struct walk w = {.scope = {.program = p, .texts = texts, .last = &last}, .instances = &instances};
    p->relations = arena_array(&p->arena, DL_RULE_RELATIONS, sizeof(struct dl_relation *));
    all_items(&w, items, count_type);
    dl_types_init(&p->types, &p->arena, p->types.count);
    all_items(&w, items, add_type);
    all_items(&w, items, define_type);
    dl_types_root(&p->types, texts);
    all_items(&w, items, add_relations);
    all_items(&w, items, add_clause);
    for (const struct dl_rule *r = first; r; r = r->next)
        p->rule_count++;
    p->rules = arena_array(&p->arena, p->rule_count, sizeof(struct dl_rule *));
    unsigned n = 0;
    for (struct dl_rule *r = first; r; r = r->next)
        p->rules[n++] = r;
}
