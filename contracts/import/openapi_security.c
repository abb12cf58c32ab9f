#include "contracts/import/openapi_security.h"

#include "contracts/import/jschema_ref.h"

static struct slice more_of(struct openapi_reader *r, const struct doc_node *s, struct slice type)
{
    if (slice_eq(type, SLICE("apiKey")))
        return openapi_reader_join(r, openapi_reader_text(s, "in", SLICE("")), " ",
                                   openapi_reader_text(s, "name", SLICE("")));
    if (slice_eq(type, SLICE("http")))
        return openapi_reader_lower(r, openapi_reader_text(s, "scheme", SLICE("")));
    if (slice_eq(type, SLICE("openIdConnect")))
        return openapi_reader_text(s, "openIdConnectUrl", SLICE(""));
    return (struct slice){0};
}

/* Where tokens come from, and what they look like. */
static struct slice origin_of(struct openapi_reader *r, const struct doc_node *s)
{
    struct slice all = openapi_reader_text(s, "bearerFormat", SLICE(""));
    const struct doc_node *flows = doc_get(s, "flows");
    for (const struct doc_node *f = openapi_reader_children(flows, DOC_MAP); f; f = f->next) {
        all = openapi_reader_join(r, all, " ", f->key);
        for (const struct doc_node *u = openapi_reader_children(f, DOC_MAP); u; u = u->next)
            if (slice_ends(u->key, SLICE("Url")) && u->kind == DOC_STRING)
                all = openapi_reader_join(r, all, " ", u->text);
    }
    return all;
}

static struct slice shown_for(struct openapi_reader *r, const struct doc_node *s)
{
    struct slice type = openapi_reader_text(s, "type", SLICE("?")), more = more_of(r, s, type);
    return more.len ? openapi_reader_join(r, type, " ", more) : type;
}

/* Past this many schemes, names are not looked at. */
enum { SCHEMES_COMPARED = 32 };

/* Does another scheme ask for the same?  Then the name says which is meant. */
static bool has_double(struct openapi_reader *r, const struct doc_node *schemes, struct slice name, struct slice shown)
{
    unsigned n = 0;
    for (const struct doc_node *s = schemes->first; s && n < SCHEMES_COMPARED; s = s->next, n++) {
        const struct doc_node *other = slice_eq(s->key, name) ? NULL : jschema_ref_resolve(r->schemas, s);
        if (other && slice_eq(shown_for(r, other), shown))
            return true;
    }
    return false;
}

/* What must be shown, not what the document calls it; under its name, what is said of it. */
static struct slice scheme_of(struct openapi_reader *r, struct slice name)
{
    const struct doc_node *schemes = doc_get(doc_get(r->root, "components"), "securitySchemes");
    const struct doc_node *found = doc_find(schemes, name), *s = found ? jschema_ref_resolve(r->schemas, found) : NULL;
    if (!s)
        return name;
    struct slice scheme = shown_for(r, s);
    if (has_double(r, schemes, name, scheme))
        scheme = openapi_reader_join(r, name, ": ", scheme);
    struct slice kept[] = {r->operation, openapi_reader_join(r, SLICE("scheme"), " ", name),
                           slice_trim(openapi_reader_join(r, scheme, " ", origin_of(r, s)))};
    draft_put(&r->d, VOCABULARY_OPTION, kept, NULL);
    return scheme;
}

static void put_scheme(struct openapi_reader *r, int64_t alternative, struct slice scheme, struct slice scope)
{
    struct slice texts[] = {r->operation, scheme, scope};
    draft_put(&r->d, VOCABULARY_SECURITY, texts, &alternative);
}

static void read_alternative(struct openapi_reader *r, const struct doc_node *a, int64_t number)
{
    if (a->count == 0)
        put_scheme(r, number, SLICE(""), SLICE(""));
    for (const struct doc_node *s = openapi_reader_children(a, DOC_MAP); s; s = s->next) {
        struct slice scheme = scheme_of(r, s->key);
        put_scheme(r, number, scheme, SLICE(""));
        for (const struct doc_node *scope = openapi_reader_children(s, DOC_LIST); scope; scope = scope->next)
            put_scheme(r, number, scheme, scope->text);
    }
}

void openapi_security_read(struct openapi_reader *r, const struct doc_node *list)
{
    int64_t number = 0;
    for (const struct doc_node *a = openapi_reader_children(list, DOC_LIST); a; a = a->next)
        read_alternative(r, a, number++);
}
