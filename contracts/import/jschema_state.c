#include "contracts/import/jschema_state.h"

void jschema_state_complain(struct jschema *j, const struct doc_node *n, const char *fix, const char *what,
                            struct slice of)
{
    struct diag_place p = {.file = j->in->name, .line = n->line, .column = n->column};
    diag_add(j->draft->diag, DIAG_ERROR, &p, fix, "%s `%.*s`", what, SLICE_FMT(slice_to(of, 120)));
}

struct slice jschema_state_address(struct jschema *j, const struct doc_node *const *n)
{
    return arena_keep(j->arena, slice_of(n, sizeof(*n)));
}
