/* One member may tell the branch from all others: a tag, a constant, a type that no other has.  Then the steps begin
 * as soon as it has come.  Else each of the others is told by what it has and the branch has not, and the object is
 * read to its end first. */
#include "contracts/telling.h"

#include <stdlib.h>

#include "contracts/json_value.h"
#include "contracts/wire/plan_branch.h"

enum { BRANCHES_MOST = 256, ALIKE_MOST = 16, ANY_KIND = 63 };

/* The branches that are no unions themselves. */
struct branches {
    const struct shape_position *v[BRANCHES_MOST];
    size_t count;
    bool many;
};

struct telling {
    struct arena *arena;
    const struct shape_position *branch;
    struct branches all;
    struct plan_branch said;
    struct plan_branch_term **last;
};

static void flatten(const struct shape_type *u, struct branches *b, unsigned depth)
{
    for (const struct shape_position *p = u->parts; p; p = p->next) {
        const struct shape_type *t = shape_base(p->type);
        if (t && t->kind == SHAPE_UNION && depth < ALIKE_MOST)
            flatten(t, b, depth + 1);
        else if (b->count == BRANCHES_MOST)
            b->many = true;
        else
            b->v[b->count++] = p;
    }
}

/* ---- what a value may be ---- */

static unsigned kind_of_type(const struct shape_type *t)
{
    if (!t)
        return ANY_KIND;
    switch (t->kind) {
    case SHAPE_BOOL:
        return PLAN_BRANCH_BOOL;
    case SHAPE_STRING:
    case SHAPE_BYTES:
    case SHAPE_ENUM:
        return PLAN_BRANCH_STRING;
    case SHAPE_WHOLE:
    case SHAPE_REAL:
        return PLAN_BRANCH_NUMBER;
    case SHAPE_RECORD:
    case SHAPE_MAP:
        return PLAN_BRANCH_OBJECT;
    case SHAPE_LIST:
        return PLAN_BRANCH_ARRAY;
    case SHAPE_ANY:
    case SHAPE_UNION:
    case SHAPE_ALIAS:
        break;
    }
    return ANY_KIND;
}

static unsigned kinds_of(const struct shape_position *p)
{
    return kind_of_type(shape_base(p->type)) | (shape_nullable(p) ? PLAN_BRANCH_NULL : 0u);
}

static bool is_plain_string(struct slice json)
{
    size_t at;
    return json.len >= 2 && json.at[0] == '"' && json.at[json.len - 1] == '"' && !slice_find(json, '\\', &at);
}

/* All the strings that may stand there; 0: it is not known, or it may be something else. */
static size_t strings_of(struct telling *t, const struct shape_position *p, struct slice **strings)
{
    const struct shape_type *base = shape_base(p->type);
    const struct shape_rule *rule;
    const struct shape_text *values = NULL;
    size_t count = 0;
    if (shape_nullable(p))
        return 0;
    for (unsigned i = 0; (rule = shape_rule_at(p, i)) && !values; i++)
        values = rule->values;
    if (!values && base && base->kind == SHAPE_ENUM && !base->open) {
        *strings = arena_array(t->arena, base->symbol_count + 1, sizeof(**strings));
        for (; count < base->symbol_count; count++)
            (*strings)[count] = fact_text(base->symbols[count], 1);
        return count;
    }
    for (const struct shape_text *v = values; v; v = v->next, count++)
        if (!is_plain_string(v->text))
            return 0;
    *strings = arena_array(t->arena, count + 1, sizeof(**strings));
    count = 0;
    for (const struct shape_text *v = values; v; v = v->next)
        (*strings)[count++] = slice_of(v->text.at + 1, v->text.len - 2);
    return count;
}

static bool meet(const struct slice *a, size_t a_count, const struct slice *b, size_t b_count)
{
    for (size_t i = 0; i < a_count; i++)
        for (size_t k = 0; k < b_count; k++)
            if (slice_eq(a[i], b[k]))
                return true;
    return false;
}

static const struct shape_type *record_of(const struct shape_position *p)
{
    const struct shape_type *t = shape_base(p->type);
    return t && t->kind == SHAPE_RECORD ? t : NULL;
}

static const struct shape_position *member_of(const struct shape_type *record, struct slice name)
{
    for (const struct shape_position *m = record->parts; m; m = m->next)
        if (slice_eq(m->member, name))
            return m;
    return NULL;
}

/* It stands there in every message. */
static bool is_sure(const struct shape_position *m)
{
    return m->required && m->more->only.len == 0;
}

/* ---- one member that tells the branch from another ---- */

static bool tells(struct telling *t, const struct shape_position *m, const struct shape_position *other)
{
    const struct shape_type *record = record_of(other);
    const struct shape_position *same = record ? member_of(record, m->member) : NULL;
    struct slice *mine, *others;
    if (!record)
        return false;
    if (!same && record->extra)
        return !(kinds_of(m) & kinds_of(record->extra));
    if (!same)
        return record->closed;
    size_t count = strings_of(t, m, &mine), other_count = strings_of(t, same, &others);
    return !(kinds_of(m) & kinds_of(same)) || (count && other_count && !meet(mine, count, others, other_count));
}

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static enum err add(struct telling *t, const struct plan_branch_term *term)
{
    unsigned count = 0;
    for (const struct plan_branch_term *o = t->said.terms; o; o = o->next, count++)
        if (o->test == term->test && slice_eq(o->member, term->member))
            return ERR_OK;
    if (count == PLAN_BRANCH_TERMS)
        return ERR_ABSENT;
    struct plan_branch_term *kept = arena_new(t->arena, sizeof(*kept));
    *kept = *term;
    if (kept->value_count)
        qsort(kept->values, kept->value_count, sizeof(*kept->values), by_bytes);
    *t->last = kept;
    t->last = &kept->next;
    return ERR_OK;
}

/* All that is known of the member. */
static enum err add_member(struct telling *t, const struct shape_position *m)
{
    struct plan_branch_term term = {.test = PLAN_BRANCH_HAS, .member = m->member};
    term.value_count = strings_of(t, m, &term.values);
    if (term.value_count) {
        term.test = PLAN_BRANCH_ONE_OF;
    } else if (kinds_of(m) != ANY_KIND) {
        term.test = PLAN_BRANCH_KIND;
        term.kinds = kinds_of(m);
    }
    return add(t, &term);
}

/* Besides null, which no step looks at. */
static bool shares_kind(const struct telling *t, const struct shape_position *other)
{
    return other != t->branch && (kinds_of(other) & kinds_of(t->branch) & ~(unsigned)PLAN_BRANCH_NULL);
}

static bool tells_from_all(struct telling *t, const struct shape_position *m)
{
    for (size_t i = 0; i < t->all.count; i++)
        if (shares_kind(t, t->all.v[i]) && !tells(t, m, t->all.v[i]))
            return false;
    return true;
}

/* The names that a discriminator has for the branch; 0: it says nothing. */
static size_t tags_of(struct telling *t, const struct json_value *said, struct slice **tags)
{
    const struct json_value *mapping = json_value_member(said, SLICE("mapping"));
    size_t count = 0, at;
    bool taken = false;
    for (const struct json_value *m = mapping ? mapping->first : NULL; m; m = m->next)
        count++;
    *tags = arena_array(t->arena, count + 1, sizeof(**tags));
    count = 0;
    for (const struct json_value *m = mapping ? mapping->first : NULL; m; m = m->next) {
        struct slice type = slice_find_last(m->text, '/', &at) ? slice_from(m->text, at + 1) : m->text;
        if (slice_eq(type, t->branch->type_name))
            (*tags)[count++] = m->name;
        taken = taken || slice_eq(m->name, t->branch->type_name);
    }
    if (!taken)
        (*tags)[count++] = t->branch->type_name;
    return count;
}

/* A discriminator of the union: its tag says the branch, and all have one. */
static enum err add_tag(struct telling *t, const struct shape_position *holder, const struct shape_type *u)
{
    const struct shape_rule *rule;
    const struct json_value *said = NULL, *name;
    for (unsigned i = 0; (rule = shape_rule_at(holder, i)) && !said; i++)
        for (const struct shape_saying *s = rule->sayings; s; s = s->next)
            if (slice_eq(s->word, SLICE("discriminator")) && json_value_read(s->text, t->arena, &said) != ERR_OK)
                return ERR_ABSENT;
    name = said && said->kind == JSON_OBJECT ? json_value_member(said, SLICE("propertyName")) : NULL;
    if (!name || name->kind != JSON_STRING)
        return ERR_ABSENT;
    for (const struct shape_position *p = u->parts; p; p = p->next) {
        const struct shape_type *record = record_of(p);
        const struct shape_position *tag = record ? member_of(record, name->text) : NULL;
        if (!tag || !is_sure(tag))
            return ERR_ABSENT;
    }
    struct plan_branch_term term = {.test = PLAN_BRANCH_ONE_OF, .member = name->text};
    term.value_count = tags_of(t, said, &term.values);
    return add(t, &term);
}

/* One member for all others: tags first, then whatever does. */
static enum err by_one(struct telling *t, const struct shape_type *record)
{
    const struct shape_position *best = NULL;
    struct slice *strings;
    for (const struct shape_position *m = record->parts; m; m = m->next) {
        if (!is_sure(m) || !tells_from_all(t, m))
            continue;
        if (strings_of(t, m, &strings))
            return add_member(t, m);
        best = best ? best : m;
    }
    return best ? add_member(t, best) : ERR_ABSENT;
}

/* ---- several members ---- */

/* A member that the one surely has, and the other is not said to have. */
static const struct shape_position *own_of(const struct shape_type *record, const struct shape_type *other)
{
    for (const struct shape_position *m = record->parts; m; m = m->next)
        if (is_sure(m) && !member_of(other, m->member))
            return m;
    return NULL;
}

static enum err from_one(struct telling *t, const struct shape_type *record, const struct shape_position *other)
{
    const struct shape_type *it = record_of(other);
    for (const struct shape_position *m = record->parts; m; m = m->next)
        if (is_sure(m) && tells(t, m, other))
            return add_member(t, m);
    const struct shape_position *mine = it ? own_of(record, it) : NULL, *its = it ? own_of(it, record) : NULL;
    if (!its || (!mine && !record->closed))
        return ERR_ABSENT;
    if (mine)
        TRY(add_member(t, mine));
    return add(t, &(struct plan_branch_term){.test = PLAN_BRANCH_LACKS, .member = its->member});
}

static enum err by_several(struct telling *t, const struct shape_type *record)
{
    for (size_t i = 0; i < t->all.count; i++)
        if (shares_kind(t, t->all.v[i]))
            TRY(from_one(t, record, t->all.v[i]));
    return ERR_OK;
}

/* ---- words ---- */

static bool is_alone(const struct telling *t)
{
    for (size_t i = 0; i < t->all.count; i++)
        if (shares_kind(t, t->all.v[i]))
            return false;
    return true;
}

static enum err tell(struct telling *t, const struct shape_position *holder, const struct shape_type *u)
{
    const struct shape_type *record = record_of(t->branch);
    unsigned kinds = kinds_of(t->branch);
    if (is_alone(t))
        return add(t, &(struct plan_branch_term){.test = PLAN_BRANCH_IS, .kinds = kinds & ~(unsigned)PLAN_BRANCH_NULL});
    if (!record)
        return ERR_ABSENT;
    enum err e = by_one(t, record);
    if (e == ERR_ABSENT)
        e = add_tag(t, holder, u);
    return e == ERR_ABSENT ? by_several(t, record) : e;
}

enum err telling_word(const struct shape *writer, struct slice holder, struct slice branch, struct arena *arena,
                      struct slice *word)
{
    const struct shape_position *at = shape_position(writer, holder);
    const struct shape_type *u = at ? shape_base(at->type) : NULL;
    struct telling t = {.arena = arena, .branch = shape_position(writer, branch)};
    if (!t.branch || !u || u->kind != SHAPE_UNION)
        return ERR_ABSENT;
    t.last = &t.said.terms;
    flatten(u, &t.all, 0);
    if (t.all.many)
        return ERR_ABSENT;
    TRY(tell(&t, at, u));
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    plan_branch_put(&t.said, &text);
    *word = arena_keep(arena, buf_slice(&text));
    buf_fini(&text);
    return ERR_OK;
}
