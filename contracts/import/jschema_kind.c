#include "contracts/import/jschema_kind.h"

#include "contracts/import/jschema_bound.h"
#include "contracts/import/jschema_list.h"
#include "contracts/import/jschema_record.h"
#include "contracts/import/jschema_said.h"
#include "contracts/import/jschema_word.h"

static const char *const kind_names[JSCHEMA_KINDS] = {"null",   "boolean", "number", "integer",
                                                      "string", "array",   "object"};

unsigned jschema_kind_of(struct slice word)
{
    for (unsigned k = 0; k < JSCHEMA_KINDS; k++)
        if (slice_eq(slice_str(kind_names[k]), word))
            return 1u << k;
    return 0;
}

unsigned jschema_kind_said(struct jschema_own *o, const struct doc_node *n)
{
    const struct doc_node *type = doc_get(n, "type");
    unsigned kinds = 0;
    if (type && type->kind == DOC_STRING)
        kinds = jschema_kind_of(type->text);
    for (const struct doc_node *t = type && type->kind == DOC_LIST ? type->first : NULL; t; t = t->next)
        kinds |= t->kind == DOC_STRING ? jschema_kind_of(t->text) : 0;
    if (type && !kinds)
        jschema_own_unproven(o, type, SLICE("type"));
    if (kinds & (1u << JSCHEMA_KIND_NUMBER))
        kinds &= ~(1u << JSCHEMA_KIND_INTEGER);
    return kinds;
}

struct slice jschema_kind_never(struct jschema_own *o, bool forced)
{
    if (!forced && !o->taken)
        return SLICE("never");
    DRAFT_PUT(o->j->draft, ALIAS, jschema_own_take(o), SLICE("never"));
    return o->name;
}

static struct slice make_number(struct jschema_own *o, const struct doc_node *n, bool whole, bool forced)
{
    const struct doc_node *format = doc_get(n, "format");
    struct slice f = format && format->kind == DOC_STRING ? format->text : (struct slice){0};
    struct slice base = whole ? SLICE("integer") : SLICE("number");
    bool sized = o->j->dialect != JSCHEMA_STANDARD;
    if (sized && whole && (slice_eq(f, SLICE("int32")) || slice_eq(f, SLICE("int64"))))
        base = f;
    if (sized && !whole && (slice_eq(f, SLICE("float")) || slice_eq(f, SLICE("double"))))
        base = f;
    if (!forced && !jschema_word_any(n, jschema_word_numbers))
        return base;
    DRAFT_PUT(o->j->draft, ALIAS, jschema_own_take(o), base);
    jschema_bound_number(o, n, whole);
    return o->name;
}

static struct slice make_string(struct jschema_own *o, const struct doc_node *n, bool forced)
{
    if (!forced && !jschema_word_any(n, jschema_word_strings))
        return SLICE("string");
    DRAFT_PUT(o->j->draft, ALIAS, jschema_own_take(o), SLICE("string"));
    jschema_bound_string(o, n);
    return o->name;
}

static const char *const lengths[] = {"minLength", "maxLength", "pattern", NULL};

/* Words for another kind of value say nothing, but whoever wrote them meant something, and tools compare them. */
static bool has_strange_words(const struct jschema_own *o, const struct doc_node *n, unsigned kind)
{
    if (o->j->dialect == JSCHEMA_STANDARD)
        return false;
    bool number = kind == JSCHEMA_KIND_NUMBER || kind == JSCHEMA_KIND_INTEGER;
    return (!number && jschema_word_any(n, jschema_word_numbers)) ||
           (kind != JSCHEMA_KIND_STRING && jschema_word_any(n, lengths)) ||
           (kind != JSCHEMA_KIND_STRING && !number && doc_get(n, "format")) ||
           (kind != JSCHEMA_KIND_LIST && jschema_word_any(n, jschema_word_arrays)) ||
           (kind != JSCHEMA_KIND_RECORD && jschema_word_any(n, jschema_word_objects));
}

/* option(type, "stray WORD", what it says). */
static void put_stray(struct jschema_own *o, const struct doc_node *n, const char *const *words)
{
    for (; *words; words++) {
        const struct doc_node *w = doc_get(n, *words);
        if (!w)
            continue;
        struct slice texts[] = {o->name, arena_putf(o->j->arena, "stray %s", *words),
                                w->kind == DOC_NUMBER ? w->text : jschema_said(o->j, w)};
        draft_put(o->j->draft, VOCABULARY_OPTION, texts, NULL);
    }
}

static void put_strange_words(struct jschema_own *o, const struct doc_node *n, unsigned kind)
{
    bool number = kind == JSCHEMA_KIND_NUMBER || kind == JSCHEMA_KIND_INTEGER;
    if (!number)
        put_stray(o, n, jschema_word_numbers);
    if (kind != JSCHEMA_KIND_STRING)
        put_stray(o, n, lengths);
    if (kind != JSCHEMA_KIND_STRING && !number)
        put_stray(o, n, (const char *const[]){"format", NULL});
    if (kind != JSCHEMA_KIND_LIST)
        put_stray(o, n, jschema_word_arrays);
    if (kind != JSCHEMA_KIND_RECORD)
        put_stray(o, n, jschema_word_objects);
}

static struct slice make_known_kind(struct jschema_own *o, const struct doc_node *n, unsigned kind, bool forced)
{
    switch (kind) {
    case JSCHEMA_KIND_BOOL:
    case JSCHEMA_KIND_NULL:
        break;
    case JSCHEMA_KIND_NUMBER:
    case JSCHEMA_KIND_INTEGER:
        return make_number(o, n, kind == JSCHEMA_KIND_INTEGER, forced);
    case JSCHEMA_KIND_STRING:
        return make_string(o, n, forced);
    case JSCHEMA_KIND_LIST:
        return jschema_list_make(o, n);
    default:
        return jschema_record_make(o, n);
    }
    if (!forced)
        return SLICE("bool");
    DRAFT_PUT(o->j->draft, ALIAS, jschema_own_take(o), SLICE("bool"));
    return o->name;
}

static struct slice make_kind(struct jschema_own *o, const struct doc_node *n, unsigned kind, bool forced)
{
    bool strange = has_strange_words(o, n, kind);
    struct slice type = make_known_kind(o, n, kind, forced || strange);
    if (strange)
        put_strange_words(o, n, kind);
    return type;
}

static struct slice make_kinds(struct jschema_own *o, const struct doc_node *n, unsigned kinds)
{
    struct jschema *j = o->j;
    DRAFT_PUT(j->draft, UNION, jschema_own_take(o));
    int64_t number = 0;
    for (unsigned k = JSCHEMA_KIND_BOOL; k < JSCHEMA_KINDS; k++) {
        if (!(kinds & (1u << k)))
            continue;
        struct jschema_own part = {
            .j = j, .node = n, .name = arena_putf(j->arena, "%.*s(%s)", SLICE_FMT(o->name), kind_names[k])};
        struct slice type = make_known_kind(&part, n, k, false);
        draft_put(j->draft, VOCABULARY_BRANCH, (struct slice[]){o->name, type}, &number);
        number++;
    }
    return o->name;
}

static unsigned kinds_meant(struct jschema_own *o, const struct doc_node *n)
{
    unsigned kinds = o->kinds ? o->kinds : jschema_kind_said(o, n);
    if (kinds)
        return kinds;
    bool object = jschema_word_any(n, jschema_word_objects), list = jschema_word_any(n, jschema_word_arrays),
         text = jschema_word_any(n, jschema_word_strings), number = jschema_word_any(n, jschema_word_numbers);
    unsigned all = (1u << JSCHEMA_KINDS) - 1 - (1u << JSCHEMA_KIND_INTEGER);
    if (!object && !list && !text && !number)
        return 0;
    if (o->j->dialect == JSCHEMA_STANDARD)
        return all;
    return object ? 1u << JSCHEMA_KIND_RECORD
           : list ? 1u << JSCHEMA_KIND_LIST
           : text ? 1u << JSCHEMA_KIND_STRING
                  : 1u << JSCHEMA_KIND_NUMBER;
}

/* Words for text or numbers only, without a type: any value, and text or numbers within bounds. */
static bool is_loose(struct jschema_own *o, const struct doc_node *n)
{
    return o->j->dialect == JSCHEMA_STANDARD && !o->kinds && !doc_get(n, "type") &&
           !jschema_word_any(n, jschema_word_objects) && !jschema_word_any(n, jschema_word_arrays) &&
           (jschema_word_any(n, jschema_word_strings) || jschema_word_any(n, jschema_word_numbers));
}

static struct slice make_loose(struct jschema_own *o, const struct doc_node *n)
{
    DRAFT_PUT(o->j->draft, ALIAS, jschema_own_take(o), SLICE("any"));
    jschema_bound_number(o, n, false);
    jschema_bound_string(o, n);
    return o->name;
}

struct slice jschema_kind_plain(struct jschema_own *o, const struct doc_node *n, bool forced, bool *nullable)
{
    if (is_loose(o, n))
        return make_loose(o, n);
    unsigned kinds = kinds_meant(o, n);
    *nullable = *nullable || (kinds & (1u << JSCHEMA_KIND_NULL));
    if (kinds == 1u << JSCHEMA_KIND_NULL)
        return jschema_kind_never(o, true);
    kinds &= ~(1u << JSCHEMA_KIND_NULL);
    if (kinds & (kinds - 1))
        return make_kinds(o, n, kinds);
    for (unsigned k = JSCHEMA_KIND_BOOL; k < JSCHEMA_KINDS; k++)
        if (kinds == 1u << k)
            return make_kind(o, n, k, forced);
    *nullable = false;
    if (!forced)
        return SLICE("any");
    DRAFT_PUT(o->j->draft, ALIAS, jschema_own_take(o), SLICE("any"));
    return o->name;
}
