#include "contracts/import/jschema_value.h"

#include "contracts/import/jschema_beside.h"
#include "contracts/import/jschema_bound.h"
#include "contracts/import/jschema_kind.h"
#include "contracts/import/jschema_word.h"

static bool all_strings(const struct doc_node *list)
{
    bool some = false;
    for (const struct doc_node *v = list->first; v; v = v->next) {
        if (v->kind != DOC_STRING && v->kind != DOC_NULL)
            return false;
        some = some || v->kind == DOC_STRING;
    }
    return some;
}

static struct slice make_enum(struct jschema_own *o, const struct doc_node *n, const struct doc_node *list)
{
    DRAFT_PUT(o->j->draft, ENUM, jschema_own_take(o));
    for (const struct doc_node *v = list->first; v; v = v->next)
        if (v->kind == DOC_STRING)
            draft_put(o->j->draft, VOCABULARY_SYMBOL, (struct slice[]){o->name, v->text}, &(int64_t){0});
    jschema_bound_put(o, "min_length", doc_get(n, "minLength"));
    jschema_bound_put(o, "max_length", doc_get(n, "maxLength"));
    jschema_own_unproven_words(o, n, (const char *const[]){"pattern", NULL});
    return o->name;
}

static void put_values(struct jschema_own *o, const struct doc_node *first)
{
    for (const struct doc_node *v = first; v; v = v->next) {
        struct buf text;
        buf_init(&text, BUF_TEXT_BOUND);
        doc_put_json(v, &text);
        DRAFT_PUT(o->j->draft, VALUE, o->name, buf_slice(&text));
        buf_fini(&text);
    }
}

/* What is listed says more than a length. */
static bool is_lenient(const struct jschema_own *o)
{
    return o->j->dialect != JSCHEMA_STANDARD;
}

static unsigned kind_of_value(const struct doc_node *v)
{
    bool point = slice_has(v->text, SLICE(".")) || slice_has(v->text, SLICE("e")) || slice_has(v->text, SLICE("E"));
    static const unsigned kinds[] = {
        [DOC_NULL] = JSCHEMA_KIND_NULL,     [DOC_BOOL] = JSCHEMA_KIND_BOOL, [DOC_NUMBER] = JSCHEMA_KIND_NUMBER,
        [DOC_STRING] = JSCHEMA_KIND_STRING, [DOC_LIST] = JSCHEMA_KIND_LIST, [DOC_MAP] = JSCHEMA_KIND_RECORD,
    };
    return 1u << (v->kind == DOC_NUMBER && !point ? JSCHEMA_KIND_INTEGER : kinds[v->kind]);
}

/* The kinds of the values that the schema's own type lets through; its own kinds when it lets none through. */
static unsigned kinds_of_values(struct jschema_own *o, const struct doc_node *n, const struct doc_node *first)
{
    unsigned said = jschema_kind_said(o, n), kinds = 0;
    said |= said & (1u << JSCHEMA_KIND_NUMBER) ? 1u << JSCHEMA_KIND_INTEGER : 0;
    for (const struct doc_node *v = first; v; v = v->next)
        kinds |= kind_of_value(v);
    kinds = kinds & said ? kinds & said : said ? said : kinds;
    return kinds & (1u << JSCHEMA_KIND_NUMBER) ? kinds & ~(1u << JSCHEMA_KIND_INTEGER) : kinds;
}

static const struct doc_node *values_of(struct jschema_own *o, const struct doc_node *n)
{
    const struct doc_node *list = doc_get(n, "enum"), *constant = doc_get(n, "const");
    if (list)
        return list->kind == DOC_LIST ? list : NULL;
    struct doc_node *one = arena_new(o->j->arena, sizeof(*one)), *last = NULL;
    *one = (struct doc_node){.kind = DOC_LIST};
    doc_add(one, jschema_beside_copy(o->j, constant), &last);
    return one;
}

struct slice jschema_value_make(struct jschema_own *o, const struct doc_node *n, bool *nullable)
{
    const struct doc_node *list = values_of(o, n);
    static const char *const also[] = {"anyOf", "oneOf", NULL};
    if (!list)
        return jschema_own_opaque(o, n, "enum");
    unsigned kinds = kinds_of_values(o, n, list->first);
    bool null = false;
    for (const struct doc_node *v = list->first; v; v = v->next)
        null = null || v->kind == DOC_NULL;
    *nullable = *nullable || (null && (kinds & (1u << JSCHEMA_KIND_NULL)));
    kinds &= ~(1u << JSCHEMA_KIND_NULL);
    bool text = (is_lenient(o) || !jschema_word_any(n, jschema_word_strings)) && kinds == 1u << JSCHEMA_KIND_STRING;
    struct slice type;
    if (!kinds) {
        type = jschema_kind_never(o, true);
    } else if (text && all_strings(list)) {
        type = make_enum(o, n, list);
    } else {
        bool ignored = false;
        o->kinds = kinds;
        type = jschema_kind_plain(o, n, true, &ignored);
        put_values(o, list->first);
    }
    jschema_own_unproven_words(o, n, also);
    if (doc_get(n, "enum") && doc_get(n, "const"))
        jschema_own_unproven(o, doc_get(n, "const"), SLICE("const"));
    return type;
}
