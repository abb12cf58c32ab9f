#include "contracts/import/jschema.h"

static struct slice text_of(const struct doc_node *n, const char *key, struct slice otherwise)
{
    const struct doc_node *c = doc_get(n, key);
    return c && c->kind == DOC_STRING && c->text.len ? c->text : otherwise;
}

/* "a/orders.schema.json" is orders. */
static struct slice stem_of(const char *path)
{
    struct slice s = slice_str(path);
    size_t at;
    if (slice_find_last(s, '/', &at))
        s = slice_from(s, at + 1);
    if (slice_find(s, '.', &at) && at > 0)
        s = slice_to(s, at);
    return s.len ? s : SLICE("schema");
}

enum err import_jschema(const struct import_input *in, struct diag *diag, struct contract **out)
{
    struct draft d;
    struct doc_node *root;
    unsigned before = diag->errors;
    draft_init(&d, in->name, diag);
    enum err e = doc_parse(in->text, in->name, &d.arena, diag, &root);
    if (e == ERR_OK) {
        struct jschema *j = jschema_new(&d, in, root, JSCHEMA_STANDARD);
        DRAFT_PUT(&d, CONTRACT, text_of(root, "title", stem_of(in->name)), text_of(root, "version", SLICE("0.0.0")));
        DRAFT_PUT(&d, DIALECT, SLICE("jsonschema"));
        DRAFT_PUT(&d, OPERATION, SLICE("document"));
        DRAFT_PUT(&d, REQUEST, SLICE("document"), SLICE("application/json"), jschema_type(j, root, SLICE("Document")));
        jschema_free(&j);
        e = diag->errors == before ? draft_finish(&d, out) : ERR_INPUT;
    }
    draft_fini(&d);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}
