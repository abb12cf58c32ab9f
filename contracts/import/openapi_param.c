#include "contracts/import/openapi_param.h"

#include "base/map.h"
#include "contracts/import/jschema_ref.h"

static void put_style(struct openapi_reader *r, struct slice subject, const struct doc_node *p, struct slice in)
{
    bool form = slice_eq(in, SLICE("query")) || slice_eq(in, SLICE("cookie"));
    struct slice usual = form ? SLICE("form") : SLICE("simple");
    struct slice style = openapi_reader_text(p, "style", usual);
    const struct doc_node *explode = doc_get(p, "explode");
    bool exploded = explode ? openapi_reader_true(explode) : slice_eq(style, SLICE("form"));
    if (!slice_eq(style, usual) || exploded != form)
        openapi_reader_option(r, subject, "style",
                              openapi_reader_join(r, style, " ", exploded ? SLICE("explode") : SLICE("join")));
    if (openapi_reader_true(doc_get(p, "allowReserved")))
        openapi_reader_option(r, subject, "reserved", SLICE("true"));
    if (openapi_reader_true(doc_get(p, "allowEmptyValue")))
        openapi_reader_option(r, subject, "empty", SLICE("true"));
}

/* Fields that the specification says are not parameters. */
static bool is_said_elsewhere(struct slice in, struct slice name)
{
    return slice_eq(in, SLICE("header")) &&
           (slice_eq_nocase(name, SLICE("accept")) || slice_eq_nocase(name, SLICE("content-type")) ||
            slice_eq_nocase(name, SLICE("authorization")));
}

static bool is_place(struct slice in)
{
    return slice_eq(in, SLICE("path")) || slice_eq(in, SLICE("query")) || slice_eq(in, SLICE("header")) ||
           slice_eq(in, SLICE("cookie"));
}

static void read_param(struct openapi_reader *r, const struct doc_node *p)
{
    struct slice in = openapi_reader_text(p, "in", (struct slice){0});
    struct slice name = openapi_reader_text(p, "name", (struct slice){0});
    if (!is_place(in) || name.len == 0) {
        openapi_reader_complain(r, p, "a parameter has a name, and `in` is path, query, header or cookie",
                                "this is no parameter");
        return;
    }
    if (is_said_elsewhere(in, name))
        return;
    struct slice subject = openapi_reader_join(r, r->operation, ".", openapi_reader_join(r, in, ".", name));
    bool required = slice_eq(in, SLICE("path")) || openapi_reader_true(doc_get(p, "required"));
    struct slice type = openapi_reader_type(r, p, subject);
    DRAFT_PUT(&r->d, PARAM, r->operation, in, name, type, required ? SLICE("required") : SLICE("optional"));
    openapi_reader_place(r, subject, p);
    put_style(r, subject, p, in);
    openapi_reader_default(r, subject, doc_get(p, "schema"));
    if (openapi_reader_true(doc_get(p, "deprecated")))
        openapi_reader_option(r, subject, "deprecated", SLICE("true"));
    if (doc_get(p, "x-sunset"))
        openapi_reader_option(r, subject, "sunset", openapi_reader_text(p, "x-sunset", SLICE("?")));
}

static void read_list(struct openapi_reader *r, const struct doc_node *list, struct map *seen)
{
    for (const struct doc_node *p = openapi_reader_children(list, DOC_LIST); p; p = p->next) {
        const struct doc_node *param = jschema_ref_resolve(r->schemas, p);
        if (!param)
            continue;
        struct slice key = openapi_reader_join(r, openapi_reader_text(param, "in", SLICE("")), ".",
                                               openapi_reader_text(param, "name", SLICE("")));
        if (map_get(seen, key))
            continue;
        map_put(seen, key, r);
        read_param(r, param);
    }
}

void openapi_param_read(struct openapi_reader *r, const struct doc_node *of_path, const struct doc_node *of_operation)
{
    struct map seen = {0};
    read_list(r, of_operation, &seen);
    read_list(r, of_path, &seen);
    map_fini(&seen);
}
