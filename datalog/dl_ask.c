#include "datalog/dl_ask.h"

#include "base/mem.h"
#include "datalog/dl_read.h"
#include "datalog/dl_type.h"

struct asking {
    struct datalog_run *run;
    struct dl_texts texts;
    struct arena arena;
};

static bool complain_relation(struct asking *a, const struct dl_literal *atom)
{
    const struct datalog *p = a->run->program;
    const char **names = mem_array(p->relation_count + 1, sizeof(*names));
    for (unsigned i = 0; i < p->relation_count; i++)
        names[i] = p->relations[i]->name.at;
    const char *near = diag_nearest(atom->name, names, p->relation_count);
    struct slice fix = near ? arena_putf(&a->arena, "did you mean `%s`?", near) : (struct slice){0};
    dl_lex_complain(&a->texts, DIAG_ERROR, atom->at, near ? fix.at : NULL, "unknown relation `%.*s`",
                    SLICE_FMT(atom->name));
    mem_free(names);
    return false;
}

static bool is_constant(const struct dl_term *t)
{
    bool all = t->kind != DL_TERM_VAR && t->kind != DL_TERM_ANY && t->kind != DL_TERM_CALL && t->kind != DL_TERM_AS &&
               t->kind != DL_TERM_FOLD;
    for (const struct dl_term *field = t->args; all && field; field = field->next)
        all = is_constant(field);
    return all;
}

static bool constant(struct asking *a, const struct dl_term *t, int type, datalog_word *out)
{
    if (!is_constant(t)) {
        dl_lex_complain(&a->texts, DIAG_ERROR, t->at, "text stands in quotes; `_` is any value",
                        "a question holds constants and `_` only");
        return false;
    }
    return dl_type_constant(a->run->program, &a->run->symbols, &a->texts, t, type, out);
}

static bool columns_of(struct asking *a, const struct dl_literal *atom, const struct dl_relation *r, datalog_word *out)
{
    unsigned count = 0;
    bool ok = true;
    for (const struct dl_term *t = atom->args; t; t = t->next)
        count++;
    if (count != r->arity) {
        dl_lex_complain(&a->texts, DIAG_ERROR, atom->at, NULL, "`%.*s` has %u column%s, here are %u",
                        SLICE_FMT(r->name), r->arity, r->arity == 1 ? "" : "s", count);
        return false;
    }
    unsigned i = 0;
    for (const struct dl_term *t = atom->args; t; t = t->next, i++) {
        out[i] = DL_RULE_UNBOUND;
        if (t->kind != DL_TERM_ANY)
            ok &= constant(a, t, r->declared[i], &out[i]);
    }
    return ok;
}

static bool ask(struct asking *a, int *rel, datalog_word *columns)
{
    struct dl_read r;
    struct dl_literal *atom;
    dl_read_init(&r, &a->texts, 0, &a->arena);
    if (!dl_read_atom(&r, &atom))
        return false;
    (void)dl_read_accept(&r, DL_TOKEN_DOT);
    if (r.now.kind != DL_TOKEN_END)
        return dl_read_expected(&r, "the end of the question");
    const struct dl_relation *found = map_get(&a->run->program->by_name, atom->name);
    if (!found)
        return complain_relation(a, atom);
    *rel = found->number;
    return columns_of(a, atom, found, columns);
}

enum err dl_ask_tuple(struct datalog_run *r, const struct datalog_text *question, struct diag *diag, int *rel,
                      datalog_word *columns)
{
    struct asking a = {.run = r, .texts = {.v = question, .count = 1, .diag = diag}};
    unsigned errors = diag->errors;
    arena_init(&a.arena, 0);
    bool ok = ask(&a, rel, columns) && diag->errors == errors;
    arena_fini(&a.arena);
    return ok ? ERR_OK : ERR_INPUT;
}
