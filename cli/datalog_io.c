#include "cli/datalog_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/show.h"

enum { PATH_ROOM = 4096, WRITE_AT = 1 << 16 };

static const size_t facts_bytes = (size_t)1 << 32;

/* How one directive's file is written. */
struct format {
    int rel;
    enum datalog_io io;
    struct slice name, delimiter, device;
    bool headers, quoted;
};

static bool is_true(struct slice value)
{
    return slice_eq(value, SLICE("true"));
}

static struct format format_of(const struct datalog *p, size_t n)
{
    struct format f = {.rel = 0};
    f.io = datalog_directive(p, n, &f.rel);
    f.quoted = is_true(datalog_directive_value(p, n, SLICE("rfc4180"), SLICE("")));
    f.headers = is_true(datalog_directive_value(p, n, SLICE("headers"), SLICE("")));
    f.delimiter = datalog_directive_value(p, n, SLICE("delimiter"), f.quoted ? SLICE(",") : SLICE("\t"));
    f.device = datalog_directive_value(p, n, SLICE("IO"), SLICE("file"));
    f.name = datalog_directive_value(p, n, SLICE("filename"), (struct slice){0});
    return f;
}

/* `dir`/`filename`, or `dir`/RELATION and the ending. */
static void path_of(const struct datalog *p, const struct format *f, const char *dir, const char *ending, char *path)
{
    struct slice rel = datalog_relation_name(p, f->rel);
    const char *between = strcmp(dir, ".") == 0 ? "" : "/";
    dir = *between ? dir : "";
    if (slice_starts(f->name, SLICE("/")))
        snprintf(path, PATH_ROOM, "%.*s", SLICE_FMT(f->name));
    else if (f->name.len)
        snprintf(path, PATH_ROOM, "%s%s%.*s", dir, between, SLICE_FMT(f->name));
    else
        snprintf(path, PATH_ROOM, "%s%s%.*s%s", dir, between, SLICE_FMT(rel), ending);
}

/* --- facts --- */

struct reading {
    struct datalog_run *run;
    const struct datalog *program;
    struct format format;
    struct diag *diag;
    struct diag_place place;
    struct slice rest;
    const char *name; /* of the file, for proofs */
    const char *line; /* where it begins */
    struct buf cell;  /* a quoted one, unquoted */
    bool warned;
};

static bool fail(struct reading *r, const char *at, size_t width, const char *message)
{
    r->place.column = (unsigned)(at - r->line) + 1;
    r->place.width = (unsigned)width;
    diag_add(r->diag, DIAG_ERROR, &r->place, NULL, "%s", message);
    return false;
}

/* "a ""b""", which may hold line ends. */
static bool quoted_cell(struct reading *r, struct slice *out)
{
    const char *start = r->rest.at;
    buf_clear(&r->cell);
    for (r->rest = slice_from(r->rest, 1); r->rest.len; r->rest = slice_from(r->rest, 1)) {
        if (r->rest.at[0] == '\n')
            r->place.line++;
        if (r->rest.at[0] == '"') {
            r->rest = slice_from(r->rest, 1);
            if (!slice_starts(r->rest, SLICE("\""))) {
                *out = buf_slice(&r->cell);
                return true;
            }
        }
        buf_put_char(&r->cell, r->rest.at[0]);
    }
    return fail(r, start, 1, "this quoted text has no end");
}

static bool at_line_end(const struct reading *r)
{
    return r->rest.len == 0 || r->rest.at[0] == '\n' || slice_starts(r->rest, SLICE("\r\n"));
}

/* A delimiter inside of a record's brackets parts no columns. */
static void plain_cell(struct reading *r, bool record, struct slice *out)
{
    const char *start = r->rest.at;
    int open = 0;
    for (; !at_line_end(r); r->rest = slice_from(r->rest, 1)) {
        if (open <= 0 && slice_starts(r->rest, r->format.delimiter))
            break;
        if (record)
            open += (r->rest.at[0] == '[' || r->rest.at[0] == '(') - (r->rest.at[0] == ']' || r->rest.at[0] == ')');
    }
    *out = slice_of(start, (size_t)(r->rest.at - start));
}

/* Soufflé passes over columns too many; so do we, but not in silence. */
static void leave_rest(struct reading *r)
{
    if (at_line_end(r))
        return;
    r->place.column = (unsigned)(r->rest.at - r->line) + 1;
    if (!r->warned)
        diag_add(r->diag, DIAG_WARNING, &r->place, NULL,
                 "the relation has fewer columns: the rest of this line is left out");
    r->warned = true;
    while (!at_line_end(r))
        r->rest = slice_from(r->rest, 1);
}

static void end_line(struct reading *r)
{
    leave_rest(r);
    if (slice_starts(r->rest, SLICE("\r")))
        r->rest = slice_from(r->rest, 1);
    r->rest = slice_from(r->rest, 1);
    r->place.line++;
}

static const char *no_value(enum datalog_type type)
{
    switch (type) {
    case DATALOG_SYMBOL:
        return "this is no symbol";
    case DATALOG_NUMBER:
        return "this is no number of 64 bits";
    case DATALOG_UNSIGNED:
        return "this is no unsigned number of 64 bits";
    case DATALOG_FLOAT:
        return "this is no float";
    case DATALOG_RECORD:
        break;
    }
    return "this is no value of the column's record type";
}

static bool read_column(struct reading *r, size_t column, datalog_word *out)
{
    struct slice cell;
    const char *start = r->rest.at;
    if (r->format.quoted && slice_starts(r->rest, SLICE("\""))) {
        if (!quoted_cell(r, &cell))
            return false;
    } else {
        plain_cell(r, datalog_column_type(r->program, r->format.rel, column) == DATALOG_RECORD, &cell);
    }
    if (datalog_value(r->run, r->format.rel, column, cell, out) == ERR_OK)
        return true;
    return fail(r, start, cell.len, no_value(datalog_column_type(r->program, r->format.rel, column)));
}

static bool read_columns(struct reading *r, datalog_word *columns)
{
    size_t arity = datalog_arity(r->program, r->format.rel);
    for (size_t i = 0; i < arity; i++) {
        if (i > 0 && !slice_starts(r->rest, r->format.delimiter))
            return fail(r, r->rest.at, 1, "this tuple has too few columns");
        if (i > 0)
            r->rest = slice_from(r->rest, r->format.delimiter.len);
        if (!read_column(r, i, &columns[i]))
            return false;
    }
    if (arity == 0 && slice_starts(r->rest, SLICE("()")))
        r->rest = slice_from(r->rest, 2);
    return true;
}

static bool read_tuples(struct reading *r)
{
    r->line = r->rest.at;
    for (size_t n = 0; r->rest.len; n++, r->line = r->rest.at) {
        datalog_word columns[DATALOG_COLUMNS] = {0};
        if (n == 0 && r->format.headers) {
            while (!at_line_end(r))
                r->rest = slice_from(r->rest, 1);
            end_line(r);
            continue;
        }
        unsigned line = r->place.line;
        if (!read_columns(r, columns))
            return false;
        end_line(r);
        datalog_fact_at(r->run, r->format.rel, columns, r->name, line);
    }
    return true;
}

static enum err read_file(struct datalog_run *run, const struct format *f, const char *dir, struct arena *names,
                          struct diag *diag)
{
    char path[PATH_ROOM];
    struct reading r = {.run = run, .program = datalog_run_program(run), .format = *f, .diag = diag};
    struct buf text;
    path_of(r.program, f, dir, ".facts", path);
    r.place = (struct diag_place){.file = path};
    r.name = arena_keep(names, slice_str(path)).at;
    buf_init(&text, facts_bytes);
    buf_init(&r.cell, BUF_TEXT_BOUND);
    enum err e = file_read(path, &text);
    if (e != ERR_OK) {
        diag_add(diag, DIAG_ERROR, &r.place, "--facts DIR says where fact files are", "cannot read it: %s",
                 e == ERR_IO ? strerror(errno) : err_text(e));
    } else {
        r.place.text = r.rest = buf_slice(&text);
        r.place.line = 1;
        e = read_tuples(&r) ? ERR_OK : ERR_INPUT;
    }
    buf_fini(&r.cell);
    buf_fini(&text);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}

enum err datalog_io_read(struct datalog_run *r, const char *dir, struct arena *names, struct diag *diag)
{
    const struct datalog *p = datalog_run_program(r);
    bool ok = true;
    for (size_t n = 0; n < datalog_directive_count(p); n++) {
        struct format f = format_of(p, n);
        if (f.io == DATALOG_INPUT)
            ok &= read_file(r, &f, dir, names, diag) == ERR_OK;
    }
    return ok ? ERR_OK : ERR_INPUT;
}

/* --- relations --- */

struct writing {
    const struct datalog_run *run;
    struct format format;
    FILE *to;
    struct buf text;
};

static void put_quoted(struct writing *w, struct slice text)
{
    buf_put_char(&w->text, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            buf_put_char(&w->text, '"');
        buf_put_char(&w->text, text.at[i]);
    }
    buf_put_char(&w->text, '"');
}

/* Numbers need no quotes. */
static void put_column(struct writing *w, size_t column, datalog_word value, enum datalog_type type)
{
    if (!w->format.quoted || (type != DATALOG_SYMBOL && type != DATALOG_RECORD)) {
        datalog_put_value(w->run, w->format.rel, column, value, &w->text);
        return;
    }
    struct buf plain;
    buf_init(&plain, BUF_TEXT_BOUND);
    datalog_put_value(w->run, w->format.rel, column, value, &plain);
    put_quoted(w, buf_slice(&plain));
    buf_fini(&plain);
}

static bool write_tuple(void *arg, const datalog_word *columns)
{
    struct writing *w = arg;
    const struct datalog *p = datalog_run_program(w->run);
    size_t arity = datalog_arity(p, w->format.rel);
    for (size_t i = 0; i < arity; i++) {
        if (i > 0)
            buf_put(&w->text, w->format.delimiter);
        put_column(w, i, columns[i], datalog_column_type(p, w->format.rel, i));
    }
    buf_put(&w->text, arity == 0 ? SLICE("()\n") : SLICE("\n"));
    if (buf_len(&w->text) >= WRITE_AT)
        show_buf(w->to, &w->text);
    return true;
}

static void write_tuples(const struct datalog_run *r, const struct format *f, FILE *to)
{
    struct writing w = {.run = r, .format = *f, .to = to};
    buf_init(&w.text, BUF_TEXT_BOUND);
    datalog_each(r, f->rel, write_tuple, &w);
    show_buf(to, &w.text);
    buf_fini(&w.text);
}

static void write_headers(const struct datalog *p, const struct format *f, FILE *to)
{
    for (size_t i = 0; f->headers && i < datalog_arity(p, f->rel); i++) {
        show_slice(to, i ? f->delimiter : SLICE(""));
        show_slice(to, datalog_column_name(p, f->rel, i));
    }
    if (f->headers)
        fputc('\n', to);
}

static void print_block(const struct datalog_run *r, const struct format *f)
{
    const struct datalog *p = datalog_run_program(r);
    printf("---------------\n%.*s\n", SLICE_FMT(datalog_relation_name(p, f->rel)));
    write_headers(p, f, stdout);
    puts("===============");
    write_tuples(r, f, stdout);
    puts("===============");
}

static enum err write_file(const struct datalog_run *r, const struct format *f, const char *dir)
{
    char path[PATH_ROOM];
    const struct datalog *p = datalog_run_program(r);
    path_of(p, f, dir, ".csv", path);
    FILE *to = fopen(path, "wb");
    bool ok = to != NULL;
    if (to) {
        write_headers(p, f, to);
        write_tuples(r, f, to);
        ok = !ferror(to);
        ok &= fclose(to) == 0;
    }
    if (!ok)
        fprintf(stderr, "weft datalog: %s: cannot be written: %s\n", path, strerror(errno));
    return ok ? ERR_OK : ERR_IO;
}

/* Standard output shows a relation once, however many files it also goes to. */
static bool shown_before(const struct datalog *p, size_t n, int rel)
{
    for (size_t i = 0; i < n; i++) {
        struct format f = format_of(p, i);
        if (f.io == DATALOG_OUTPUT && f.rel == rel)
            return true;
    }
    return false;
}

static enum err write_directive(const struct datalog_run *r, size_t n, const char *dir)
{
    const struct datalog *p = datalog_run_program(r);
    struct format f = format_of(p, n);
    if (f.io == DATALOG_PRINTSIZE)
        printf("%.*s\t%zu\n", SLICE_FMT(datalog_relation_name(p, f.rel)), datalog_count(r, f.rel));
    if (f.io != DATALOG_OUTPUT)
        return ERR_OK;
    if (dir && !slice_eq(f.device, SLICE("stdout")))
        return write_file(r, &f, dir);
    if (dir || !shown_before(p, n, f.rel))
        print_block(r, &f);
    return ERR_OK;
}

enum err datalog_io_write(const struct datalog_run *r, const char *dir)
{
    bool ok = true;
    for (size_t n = 0; n < datalog_directive_count(datalog_run_program(r)); n++)
        ok &= write_directive(r, n, dir) == ERR_OK;
    return ok ? ERR_OK : ERR_IO;
}

void datalog_io_print(const struct datalog_run *r, int rel)
{
    struct format f = {.rel = rel, .delimiter = SLICE("\t")};
    write_tuples(r, &f, stdout);
}
