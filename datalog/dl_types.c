#include "datalog/dl_types.h"

#include <stdio.h>

enum { DEEPEST = 64 };

void dl_types_init(struct dl_types *t, struct arena *arena, unsigned most)
{
    *t = (struct dl_types){.count = DL_TYPES_BASE};
    t->cap = most < DL_TYPES_MOST - DL_TYPES_BASE ? most + DL_TYPES_BASE : DL_TYPES_MOST;
    t->v = arena_array(arena, t->cap, sizeof(*t->v));
    for (int i = 0; i < DL_TYPES_BASE; i++) {
        struct dl_type *base = &t->v[i];
        *base = (struct dl_type){.name = slice_str(dl_ast_type_text((enum datalog_type)i)), .root = i};
        map_put(&t->by_name, base->name, base);
    }
}

void dl_types_fini(struct dl_types *t)
{
    map_fini(&t->by_name);
}

static int number_of(const struct dl_types *t, const struct dl_type *type)
{
    return (int)(type - t->v);
}

void dl_types_declare(struct dl_types *t, struct arena *arena, const struct dl_texts *texts, const struct dl_item *item)
{
    struct slice name = item->names->text;
    const struct dl_type *before = map_get(&t->by_name, name);
    if (before && number_of(t, before) < DL_TYPES_BASE) {
        dl_lex_complain(texts, DIAG_ERROR, item->names->at, "give it another name", "`%.*s` is a type already",
                        SLICE_FMT(name));
        return;
    }
    /* Every instance of a component declares its types again. */
    bool same = before && before->at.text == item->names->at.text && before->at.line == item->names->at.line &&
                before->at.column == item->names->at.column;
    if (before && !same)
        dl_lex_complain(texts, DIAG_ERROR, item->names->at, NULL, "type `%.*s` is declared twice", SLICE_FMT(name));
    if (before)
        return;
    if (t->count == t->cap) {
        dl_lex_complain(texts, DIAG_ERROR, item->names->at, NULL, "more than %d types", DL_TYPES_MOST);
        return;
    }
    struct dl_type *type = &t->v[t->count++];
    *type = (struct dl_type){.name = arena_keep(arena, name), .at = item->names->at, .root = DL_TYPES_UNKNOWN};
    map_put(&t->by_name, type->name, type);
}

int dl_types_find(const struct dl_types *t, const struct dl_texts *texts, struct slice name, struct dl_at at)
{
    const char *names[DL_TYPES_MOST];
    const struct dl_type *found = map_get(&t->by_name, name);
    if (found)
        return number_of(t, found);
    for (unsigned i = 0; i < t->count; i++)
        names[i] = t->v[i].name.at;
    const char *near = diag_nearest(name, names, t->count);
    char fix[256] = "";
    if (near)
        snprintf(fix, sizeof(fix), "did you mean `%s`?", near);
    dl_lex_complain(texts, DIAG_ERROR, at, near ? fix : NULL, "unknown type `%.*s`", SLICE_FMT(name));
    return DL_TYPES_UNKNOWN;
}

static void define_parts(struct dl_types *t, struct arena *arena, const struct dl_texts *texts,
                         const struct dl_item *item, struct dl_type *type)
{
    for (const struct dl_name *n = item->parts; n; n = n->next)
        type->part_count++;
    int *parts = arena_array(arena, type->part_count, sizeof(*parts)), *next = parts;
    for (const struct dl_name *n = item->parts; n; n = n->next)
        *next++ = dl_types_find(t, texts, n->text, n->at);
    type->parts = parts;
    type->form = item->subset ? DL_FORM_SUBSET : type->part_count == 1 ? DL_FORM_ALIAS : DL_FORM_UNION;
}

static void define_branch(struct dl_types *t, struct arena *arena, const struct dl_texts *texts,
                          const struct dl_shape *shape, struct dl_branch *branch)
{
    for (const struct dl_column *c = shape->fields; c; c = c->next)
        branch->count++;
    int *types = arena_array(arena, branch->count, sizeof(*types)), *next = types;
    for (const struct dl_column *c = shape->fields; c; c = c->next)
        *next++ = dl_types_find(t, texts, c->type, c->type_at);
    branch->name = arena_keep(arena, shape->name);
    branch->types = types;
}

static void define_branches(struct dl_types *t, struct arena *arena, const struct dl_texts *texts,
                            const struct dl_item *item, struct dl_type *type)
{
    for (const struct dl_shape *s = item->shapes; s; s = s->next)
        type->branch_count++;
    struct dl_branch *branches = arena_array(arena, type->branch_count, sizeof(*branches)), *next = branches;
    for (const struct dl_shape *s = item->shapes; s; s = s->next) {
        int other;
        if (s->name.len && dl_types_branch(t, s->name, &other))
            dl_lex_complain(texts, DIAG_ERROR, s->at, NULL, "branch `%.*s` is declared already, in `%s`",
                            SLICE_FMT(s->name), dl_types_name(t, other));
        for (const struct dl_shape *before = item->shapes; before != s; before = before->next)
            if (slice_eq(before->name, s->name))
                dl_lex_complain(texts, DIAG_ERROR, s->at, NULL, "branch `%.*s` is declared twice", SLICE_FMT(s->name));
        define_branch(t, arena, texts, s, next++);
    }
    type->branches = branches;
    type->form = item->shapes->name.len ? DL_FORM_VARIANT : DL_FORM_RECORD;
    type->root = number_of(t, type);
}

void dl_types_define(struct dl_types *t, struct arena *arena, const struct dl_texts *texts, const struct dl_item *item)
{
    struct dl_type *type = map_get(&t->by_name, item->names->text);
    if (!type || type->part_count || type->branch_count || number_of(t, type) < DL_TYPES_BASE)
        return;
    if (item->shapes)
        define_branches(t, arena, texts, item, type);
    else
        define_parts(t, arena, texts, item, type);
}

/* The first part decides, since all must have one root.  UNKNOWN: it goes in a circle, or a part is unknown. */
static int walk_down(const struct dl_types *t, int type)
{
    for (unsigned depth = 0; depth < DL_TYPES_MOST && type != DL_TYPES_UNKNOWN; depth++) {
        const struct dl_type *d = &t->v[type];
        if (d->form == DL_FORM_BASE || d->form == DL_FORM_RECORD || d->form == DL_FORM_VARIANT)
            return type;
        type = d->parts[0];
    }
    return DL_TYPES_UNKNOWN;
}

static bool has_unknown_part(const struct dl_types *t, int type)
{
    for (unsigned depth = 0; depth < DL_TYPES_MOST && type != DL_TYPES_UNKNOWN; depth++)
        type = t->v[type].part_count ? t->v[type].parts[0] : DL_TYPES_UNKNOWN;
    return type == DL_TYPES_UNKNOWN;
}

static void judge(const struct dl_types *t, const struct dl_texts *texts, const struct dl_type *d)
{
    if (d->root == DL_TYPES_UNKNOWN && !has_unknown_part(t, number_of(t, d)))
        dl_lex_complain(texts, DIAG_ERROR, d->at, NULL, "type `%.*s` never ends in a base type", SLICE_FMT(d->name));
    if (d->form == DL_FORM_SUBSET && d->root >= DL_TYPES_BASE)
        dl_lex_complain(texts, DIAG_ERROR, d->at, "write `=` for another name",
                        "`%s` is a record, which has no subsets", dl_types_name(t, d->root));
    for (unsigned i = 0; i < d->part_count && d->form == DL_FORM_UNION; i++) {
        int root = walk_down(t, d->parts[i]);
        if (root >= DL_TYPES_BASE)
            dl_lex_complain(texts, DIAG_ERROR, d->at, "write it as a variant: `Name { field:type } | ...`",
                            "a union is of symbols or of numbers; `%s` is a record", dl_types_name(t, root));
        else if (root >= 0 && d->root >= 0 && root != d->root)
            dl_lex_complain(texts, DIAG_ERROR, d->at, NULL, "`%s` is a %s, `%s` is a %s", dl_types_name(t, d->parts[i]),
                            dl_types_name(t, root), dl_types_name(t, d->parts[0]), dl_types_name(t, d->root));
    }
}

void dl_types_root(struct dl_types *t, const struct dl_texts *texts)
{
    for (unsigned i = DL_TYPES_BASE; i < t->count; i++)
        t->v[i].root = walk_down(t, (int)i);
    for (unsigned i = DL_TYPES_BASE; i < t->count; i++)
        judge(t, texts, &t->v[i]);
}

int dl_types_root_of(const struct dl_types *t, int type)
{
    return type == DL_TYPES_UNKNOWN ? DL_TYPES_UNKNOWN : t->v[type].root;
}

enum datalog_type dl_types_class(int root)
{
    return root < DL_TYPES_BASE ? (enum datalog_type)root : DATALOG_RECORD;
}

const char *dl_types_name(const struct dl_types *t, int type)
{
    return type == DL_TYPES_UNKNOWN ? "unknown" : t->v[type].name.at;
}

static bool is_part(const struct dl_types *t, int a, int b, unsigned depth)
{
    const struct dl_type *x, *y;
    if (a == b || a < 0 || b < 0 || depth == DEEPEST)
        return a == b;
    x = &t->v[a];
    y = &t->v[b];
    if (y->form == DL_FORM_ALIAS)
        return is_part(t, a, y->parts[0], depth + 1);
    if (x->form == DL_FORM_UNION) {
        for (unsigned i = 0; i < x->part_count; i++)
            if (!is_part(t, x->parts[i], b, depth + 1))
                return false;
        return true;
    }
    for (unsigned i = 0; y->form == DL_FORM_UNION && i < y->part_count; i++)
        if (is_part(t, a, y->parts[i], depth + 1))
            return true;
    return (x->form == DL_FORM_SUBSET || x->form == DL_FORM_ALIAS) && is_part(t, x->parts[0], b, depth + 1);
}

bool dl_types_part(const struct dl_types *t, int a, int b)
{
    return is_part(t, a, b, 0);
}

const struct dl_branch *dl_types_branch(const struct dl_types *t, struct slice name, int *type)
{
    for (unsigned i = DL_TYPES_BASE; i < t->count; i++)
        for (unsigned k = 0; k < t->v[i].branch_count; k++)
            if (t->v[i].form == DL_FORM_VARIANT && slice_eq(t->v[i].branches[k].name, name)) {
                *type = (int)i;
                return &t->v[i].branches[k];
            }
    return NULL;
}
