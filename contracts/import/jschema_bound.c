#include "contracts/import/jschema_bound.h"

#include <stdlib.h>

#include "contracts/import/jschema_word.h"
#include "contracts/shape.h"

void jschema_bound_put(struct jschema_own *o, const char *kind, const struct doc_node *value)
{
    if (!value || value->kind != DOC_NUMBER)
        return;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    doc_put_number(value->text, &text);
    if (shape_decimal(buf_slice(&text)))
        DRAFT_PUT(o->j->draft, BOUND, o->name, slice_str(kind), buf_slice(&text));
    else
        jschema_own_unproven(o, value, slice_str(kind));
    buf_fini(&text);
}

/* A strict bound on whole numbers is the next one. */
static void strict(struct jschema_own *o, const struct doc_node *value, bool whole, bool upper)
{
    struct buf text;
    int64_t n = 0;
    char *end;
    buf_init(&text, BUF_TEXT_BOUND);
    doc_put_number(value->text, &text);
    n = strtoll(buf_text(&text), &end, 10);
    if (whole && *end == '\0' && buf_len(&text) < 18)
        DRAFT_PUT(o->j->draft, BOUND, o->name, upper ? SLICE("max") : SLICE("min"),
                  arena_putf(o->j->arena, "%lld", (long long)(upper ? n - 1 : n + 1)));
    else
        jschema_bound_put(o, upper ? "below" : "above", value);
    buf_fini(&text);
}

/* Draft 4 says exclusiveMaximum: true beside maximum, later ones say the number itself. */
static void edge(struct jschema_own *o, const struct doc_node *n, bool whole, bool upper)
{
    const struct doc_node *x = doc_get(n, upper ? "exclusiveMaximum" : "exclusiveMinimum");
    const struct doc_node *i = doc_get(n, upper ? "maximum" : "minimum");
    if (i && i->kind == DOC_NUMBER && jschema_word_true(x))
        strict(o, i, whole, upper);
    else
        jschema_bound_put(o, upper ? "max" : "min", i);
    if (x && x->kind == DOC_NUMBER)
        strict(o, x, whole, upper);
}

static void put_text(struct jschema_own *o, enum vocabulary relation, const struct doc_node *value)
{
    if (value && value->kind == DOC_STRING && value->text.len) {
        struct slice texts[] = {o->name, value->text};
        draft_put(o->j->draft, relation, texts, NULL);
    }
}

void jschema_bound_number(struct jschema_own *o, const struct doc_node *n, bool whole)
{
    edge(o, n, whole, false);
    edge(o, n, whole, true);
    jschema_bound_put(o, "multiple_of", doc_get(n, "multipleOf"));
}

/* Patterns that every text matches. */
static bool takes_all(const struct doc_node *pattern)
{
    static const char *const words[] = {".*", "^.*$", "^.*", ".*$", "^[\\s\\S]*$", "", NULL};
    for (const char *const *w = words; pattern && *w; w++)
        if (slice_eq(pattern->text, slice_str(*w)))
            return true;
    return false;
}

void jschema_bound_string(struct jschema_own *o, const struct doc_node *n)
{
    static const char *const others[] = {"contentEncoding", "contentMediaType", "contentSchema", NULL};
    jschema_bound_put(o, "min_length", doc_get(n, "minLength"));
    jschema_bound_put(o, "max_length", doc_get(n, "maxLength"));
    if (!takes_all(doc_get(n, "pattern")))
        put_text(o, VOCABULARY_PATTERN, doc_get(n, "pattern"));
    put_text(o, VOCABULARY_FORMAT, doc_get(n, "format"));
    jschema_own_unproven_words(o, n, others);
}
