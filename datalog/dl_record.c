#include "datalog/dl_record.h"

#include "base/mem.h"
#include "datalog/dl_prim.h"

enum { CELL = 1 + sizeof(datalog_word), ORDERED_DEPTH = 64, PRINTED_MOST = 16 << 20 };

void dl_record_begin(struct buf *out, struct slice name)
{
    buf_clear(out);
    buf_put_char(out, name.len ? '$' : '[');
    buf_put(out, name);
    buf_put_char(out, '\0');
}

enum err dl_record_add(struct buf *out, enum datalog_type type, datalog_word w)
{
    char cell[CELL] = {(char)type};
    memcpy(cell + 1, &w, sizeof(w));
    return buf_add(out, slice_of(cell, sizeof(cell)));
}

/* A record's text in parts. */
struct parts {
    struct slice name;
    struct slice cells;
};

static struct parts parts_of(struct slice text)
{
    struct parts p = {.cells = slice_from(text, 1)};
    (void)slice_split(&p.cells, '\0', &p.name);
    return p;
}

static bool next_cell(struct parts *p, enum datalog_type *type, datalog_word *w)
{
    if (p->cells.len < CELL)
        return false;
    *type = (enum datalog_type)p->cells.at[0];
    memcpy(w, p->cells.at + 1, sizeof(*w));
    p->cells = slice_from(p->cells, CELL);
    return true;
}

bool dl_record_is(struct slice text, struct slice name)
{
    return text.len > 0 && slice_eq(parts_of(text).name, name);
}

enum err dl_record_field(struct slice text, struct slice name, unsigned field, datalog_word *out)
{
    if (text.len == 0)
        return ERR_ABSENT;
    struct parts p = parts_of(text);
    enum datalog_type type;
    p.cells = slice_from(p.cells, (size_t)field * CELL);
    return slice_eq(p.name, name) && next_cell(&p, &type, out) ? ERR_OK : ERR_ABSENT;
}

static int order(const struct dl_sym *symbols, struct slice a, struct slice b, unsigned depth)
{
    if (a.len == 0 || b.len == 0 || depth == ORDERED_DEPTH)
        return slice_cmp(a, b);
    struct parts x = parts_of(a), y = parts_of(b);
    enum datalog_type tx, ty;
    datalog_word wx, wy;
    int by = slice_cmp(x.name, y.name);
    while (by == 0 && next_cell(&x, &tx, &wx)) {
        if (!next_cell(&y, &ty, &wy))
            return 1;
        if (tx == DATALOG_RECORD && wx != wy)
            by = order(symbols, dl_sym_text(symbols, (uint32_t)wx), dl_sym_text(symbols, (uint32_t)wy), depth + 1);
        else if (wx != wy)
            by = dl_prim_order(symbols, tx, wx, wy);
    }
    return by;
}

int dl_record_order(const struct dl_sym *symbols, struct slice a, struct slice b)
{
    return order(symbols, a, b, 0);
}

/* Records that are being printed, the innermost last: a list may be longer than a stack is deep. */
struct open {
    struct parts parts;
    bool first;
};

struct opened {
    struct open *v;
    size_t count, cap;
};

static void open_record(struct opened *o, struct slice text, struct buf *out)
{
    if (text.len == 0) {
        buf_put(out, SLICE("nil"));
        return;
    }
    if (o->count == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 16;
        o->v = mem_resize(o->v, o->cap, sizeof(*o->v));
    }
    struct open *top = &o->v[o->count++];
    *top = (struct open){.parts = parts_of(text), .first = true};
    if (top->parts.name.len)
        buf_put_char(out, '$');
    buf_put(out, top->parts.name);
    if (top->parts.name.len == 0)
        buf_put_char(out, '[');
    else if (top->parts.cells.len)
        buf_put_char(out, '(');
}

static void close_record(struct opened *o, struct buf *out)
{
    const struct open *top = &o->v[--o->count];
    if (top->parts.name.len == 0)
        buf_put_char(out, ']');
    else if (!top->first)
        buf_put_char(out, ')');
}

static void put_cell(struct opened *o, const struct dl_sym *symbols, enum datalog_type type, datalog_word w,
                     bool quoted, struct buf *out)
{
    if (type == DATALOG_RECORD)
        open_record(o, dl_sym_text(symbols, (uint32_t)w), out);
    else if (type == DATALOG_SYMBOL && !quoted)
        buf_put(out, dl_sym_text(symbols, (uint32_t)w));
    else if (type == DATALOG_FLOAT && !quoted)
        dl_prim_put_float(w, false, out);
    else
        dl_prim_put(symbols, type, w, SIZE_MAX, out);
}

void dl_record_put(const struct dl_sym *symbols, struct slice text, bool quoted, size_t most, struct buf *out)
{
    size_t end = buf_len(out) + (most < PRINTED_MOST ? most : PRINTED_MOST);
    struct opened o = {0};
    enum datalog_type type;
    datalog_word w;
    open_record(&o, text, out);
    while (o.count > 0 && buf_len(out) < end) {
        struct open *top = &o.v[o.count - 1];
        if (!next_cell(&top->parts, &type, &w)) {
            close_record(&o, out);
            continue;
        }
        buf_put(out, top->first ? SLICE("") : SLICE(", "));
        top->first = false;
        put_cell(&o, symbols, type, w, quoted, out);
    }
    if (o.count > 0)
        buf_put(out, SLICE("..."));
    mem_free(o.v);
}
