#include "datalog/dl_value.h"

#include "datalog/dl_record.h"

enum { DEEPEST = 2000, RECORD_BYTES = 4096 };

/* A value inside a record, up to `,` `]` `)` or the end. */
struct reading {
    struct datalog_run *run;
    struct slice rest;
    unsigned depth;
};

static void skip_blanks(struct reading *r)
{
    while (slice_starts(r->rest, SLICE(" ")))
        r->rest = slice_from(r->rest, 1);
}

static bool accept(struct reading *r, const char *mark)
{
    skip_blanks(r);
    if (!slice_starts(r->rest, slice_str(mark)))
        return false;
    r->rest = slice_from(r->rest, strlen(mark));
    return true;
}

static struct slice plain_text(struct reading *r)
{
    size_t n = 0;
    skip_blanks(r);
    while (n < r->rest.len && !memchr(",])(", r->rest.at[n], 4))
        n++;
    struct slice text = slice_to(r->rest, n);
    r->rest = slice_from(r->rest, n);
    return text;
}

static enum err read_inner(struct reading *r, int type, datalog_word *out);

static enum err read_fields(struct reading *r, const struct dl_branch *b, const char *close, datalog_word *out)
{
    const struct dl_types *types = &r->run->program->types;
    struct buf text;
    enum err e = ERR_OK;
    buf_init(&text, RECORD_BYTES);
    dl_record_begin(&text, b->name);
    for (unsigned i = 0; e == ERR_OK && i < b->count; i++) {
        datalog_word field = 0;
        e = i == 0 || accept(r, ",") ? read_inner(r, b->types[i], &field) : ERR_INPUT;
        if (e == ERR_OK)
            e = dl_record_add(&text, dl_types_class(dl_types_root_of(types, b->types[i])), field);
    }
    if (e == ERR_OK && close && !accept(r, close))
        e = ERR_INPUT;
    if (e == ERR_OK)
        *out = (datalog_word)dl_sym_put(&r->run->symbols, buf_slice(&text));
    buf_fini(&text);
    return e;
}

static enum err read_variant(struct reading *r, const struct dl_type *type, datalog_word *out)
{
    if (!accept(r, "$"))
        return ERR_INPUT;
    struct slice name = slice_trim(plain_text(r));
    for (unsigned i = 0; i < type->branch_count; i++) {
        const struct dl_branch *b = &type->branches[i];
        if (!slice_eq(b->name, name))
            continue;
        bool listed = accept(r, "(");
        if (!listed && b->count > 0)
            return ERR_INPUT;
        return read_fields(r, b, listed ? ")" : NULL, out);
    }
    return ERR_INPUT;
}

static enum err read_record(struct reading *r, int root, datalog_word *out)
{
    const struct dl_type *type = &r->run->program->types.v[root];
    if (r->depth == DEEPEST)
        return ERR_INPUT;
    r->depth++;
    enum err e = ERR_INPUT;
    if (type->form == DL_FORM_VARIANT) {
        e = read_variant(r, type, out);
    } else if (accept(r, "nil")) {
        *out = (datalog_word)dl_sym_put(&r->run->symbols, SLICE(""));
        e = ERR_OK;
    } else if (accept(r, "[")) {
        e = read_fields(r, type->branches, "]", out);
    }
    r->depth--;
    return e;
}

static enum err read_as(struct datalog_run *r, enum datalog_type type, struct slice text, datalog_word *out)
{
    if (type != DATALOG_SYMBOL)
        return dl_prim_parse(type, text, out);
    *out = (datalog_word)dl_sym_put(&r->symbols, text);
    return ERR_OK;
}

static enum err read_inner(struct reading *r, int type, datalog_word *out)
{
    int root = dl_types_root_of(&r->run->program->types, type);
    if (root >= DL_TYPES_BASE)
        return read_record(r, root, out);
    struct slice text = plain_text(r);
    return read_as(r->run, dl_types_class(root), root == DATALOG_SYMBOL ? text : slice_trim(text), out);
}

enum err dl_value_read(struct datalog_run *r, const struct dl_relation *rel, unsigned column, struct slice text,
                       datalog_word *out)
{
    struct reading inner = {.run = r, .rest = text};
    if (rel->types[column] != DATALOG_RECORD)
        return read_as(r, rel->types[column], text, out) == ERR_OK ? ERR_OK : ERR_INPUT;
    if (read_inner(&inner, rel->declared[column], out) != ERR_OK)
        return ERR_INPUT;
    skip_blanks(&inner);
    return inner.rest.len == 0 ? ERR_OK : ERR_INPUT;
}

void dl_value_put(const struct datalog_run *r, enum datalog_type type, datalog_word w, struct buf *out)
{
    struct slice text = {0};
    if (type == DATALOG_SYMBOL || type == DATALOG_RECORD)
        text = dl_sym_text(&r->symbols, (uint32_t)w);
    if (type == DATALOG_SYMBOL)
        buf_put(out, text);
    else if (type == DATALOG_RECORD)
        dl_record_put(&r->symbols, text, false, SIZE_MAX, out);
    else if (type == DATALOG_FLOAT)
        dl_prim_put_float(w, false, out);
    else
        dl_prim_put(&r->symbols, type, w, SIZE_MAX, out);
}
