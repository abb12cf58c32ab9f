#include "contracts/import/jschema_state.h"

void jschema_state_complain(struct jschema *j, const struct doc_node *n, const char *fix, const char *what,
                            struct slice of)
{
    const char *file = jschema_state_file(j, n);
    struct diag_place p = {.file = file ? file : j->in->name, .line = n->line, .column = n->column};
    diag_add(j->draft->diag, DIAG_ERROR, &p, fix, "%s `%.*s`", what, SLICE_FMT(slice_to(of, 120)));
}

struct slice jschema_state_address(struct jschema *j, const struct doc_node *const *n)
{
    return arena_keep(j->arena, slice_of(n, sizeof(*n)));
}

static struct jschema_file *file_of(const struct jschema *j, const struct doc_node *n)
{
    return map_get(&j->file_of, slice_of(&n, sizeof(n)));
}

void jschema_state_belongs(struct jschema *j, const struct doc_node *copy, const struct doc_node *of)
{
    struct jschema_file *file = file_of(j, of);
    if (file)
        map_put(&j->file_of, jschema_state_address(j, &copy), file);
}

const char *jschema_state_file(const struct jschema *j, const struct doc_node *n)
{
    const struct jschema_file *file = file_of(j, n);
    return file ? file->name : NULL;
}
