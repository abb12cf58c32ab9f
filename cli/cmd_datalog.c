/* weft datalog: run any program of the engine's language, query it, explain a tuple. */
#include <stdio.h>

#include "base/file.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/show.h"
#include "datalog/datalog.h"

enum { PROGRAM_BYTES = 16 << 20, FACT_LINE = 1 << 16 };

struct datalog_flags {
    const char *explain, *why_not, *facts, *query;
};

/* What a machine of a person can hold; a contract or a policy is held to far less. */
#define TUPLES_MOST UINT64_C(100000000)
#define STEPS_MOST UINT64_C(100000000000)
#define SYMBOL_BYTES_MOST (UINT64_C(1) << 30)

static const struct args_flag flags[] = {
    {.name = "explain",
     .type = ARGS_TEXT,
     .offset = offsetof(struct datalog_flags, explain),
     .value = "'r(a, 1)'",
     .doc = "print a proof of this tuple"},
    {.name = "why-not",
     .type = ARGS_TEXT,
     .offset = offsetof(struct datalog_flags, why_not),
     .value = "'r(a, _)'",
     .doc = "print the nearest rules that do not give it; _ is any value"},
    {.name = "query",
     .letter = 'q',
     .type = ARGS_TEXT,
     .offset = offsetof(struct datalog_flags, query),
     .value = "RELATION",
     .doc = "print this relation (default: every .output and .printsize)"},
    {.name = "facts",
     .letter = 'F',
     .type = ARGS_TEXT,
     .offset = offsetof(struct datalog_flags, facts),
     .value = "DIR",
     .doc = "read DIR/RELATION.facts, tab-separated, for every .input (default: .)"},
    {0},
};

static const struct args_command command = {
    .name = "weft datalog",
    .words = "FILE",
    .summary = "run a Datalog program (docs/datalog.md)",
    .flags = flags,
    .min_words = 1,
    .max_words = 1,
    .examples = "  weft datalog paths.dl\n"
                "  weft datalog paths.dl --explain 'path(\"a\", \"c\")'\n"
                "  weft datalog paths.dl --why-not 'path(\"c\", \"a\")'\n",
    .details = "Exit status: 0 done, 1 no such tuple, 2 wrong arguments or program, 3 stopped by a limit.\n",
};

/* --- facts from files --- */

static enum err word_of(struct datalog_run *r, enum datalog_type type, struct slice text, datalog_word *out)
{
    bool negative = slice_starts(text, SLICE("-"));
    uint64_t n;
    if (type == DATALOG_SYMBOL) {
        *out = datalog_symbol(r, text);
        return ERR_OK;
    }
    if (type == DATALOG_FLOAT)
        return ERR_INPUT; /* no .input of floats yet */
    TRY(slice_u64(slice_from(text, negative), INT64_MAX, &n));
    *out = negative ? -(datalog_word)n : (datalog_word)n;
    return ERR_OK;
}

static enum err add_line(const struct datalog *p, struct datalog_run *r, int rel, struct slice line)
{
    datalog_word columns[DATALOG_COLUMNS] = {0};
    size_t arity = datalog_arity(p, rel);
    for (size_t i = 0; i < arity; i++) {
        struct slice cell;
        size_t tab;
        if (i + 1 < arity && !slice_find(line, '\t', &tab))
            return ERR_INPUT;
        cell = i + 1 < arity ? slice_to(line, tab) : line;
        line = i + 1 < arity ? slice_from(line, tab + 1) : line;
        TRY(word_of(r, datalog_column_type(p, rel, i), cell, &columns[i]));
    }
    datalog_fact(r, rel, columns);
    return ERR_OK;
}

static enum err add_file(const struct datalog *p, struct datalog_run *r, int rel, const char *dir, struct diag *diag)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%.*s.facts", dir, SLICE_FMT(datalog_relation_name(p, rel)));
    struct diag_place place = {.file = path};
    struct buf text;
    buf_init(&text, PROGRAM_BYTES);
    enum err e = file_read(path, &text);
    if (e != ERR_OK)
        diag_add(diag, DIAG_ERROR, &place, "give --facts DIR", "cannot read it: %s", err_text(e));
    struct slice rest = buf_slice(&text), line;
    while (e == ERR_OK && slice_split(&rest, '\n', &line)) {
        place.line++;
        if (slice_ends(line, SLICE("\r")))
            line.len--;
        e = add_line(p, r, rel, line);
        if (e != ERR_OK)
            diag_add(diag, DIAG_ERROR, &place, "one tuple a line, columns parted by tabs",
                     "not a tuple of this relation");
    }
    buf_fini(&text);
    return e;
}

static enum err add_inputs(const struct datalog *p, struct datalog_run *r, const char *dir, struct diag *diag)
{
    for (int rel = 0; rel < (int)datalog_relation_count(p); rel++)
        if (datalog_is_input(p, rel))
            TRY(add_file(p, r, rel, dir, diag));
    return ERR_OK;
}

/* --- answers --- */

struct printing {
    const struct datalog *program;
    const struct datalog_run *run;
    int rel;
};

static bool print_tuple(void *arg, const datalog_word *columns)
{
    const struct printing *p = arg;
    for (size_t i = 0; i < datalog_arity(p->program, p->rel); i++) {
        if (i)
            putchar('\t');
        if (datalog_column_type(p->program, p->rel, i) == DATALOG_SYMBOL)
            show_slice(stdout, datalog_symbol_text(p->run, columns[i]));
        else
            printf("%lld", (long long)columns[i]);
    }
    putchar('\n');
    return true;
}

static void print_relation(const struct datalog *p, const struct datalog_run *r, int rel, bool named)
{
    struct printing printing = {p, r, rel};
    if (named)
        printf("---------------\n%.*s\n===============\n", SLICE_FMT(datalog_relation_name(p, rel)));
    datalog_each(r, rel, print_tuple, &printing);
}

static int print_outputs(const struct datalog *p, const struct datalog_run *r)
{
    for (int rel = 0; rel < (int)datalog_relation_count(p); rel++) {
        if (datalog_is_output(p, rel))
            print_relation(p, r, rel, true);
        if (datalog_is_printsize(p, rel))
            printf("%.*s\t%zu\n", SLICE_FMT(datalog_relation_name(p, rel)), datalog_count(r, rel));
    }
    return 0;
}

static int print_query(const struct datalog *p, const struct datalog_run *r, const char *name)
{
    int rel = datalog_relation(p, slice_str(name));
    if (rel < 0) {
        fprintf(stderr, "weft datalog: no relation %s\n", name);
        return 2;
    }
    print_relation(p, r, rel, false);
    return 0;
}

/* --- one tuple, as it is written --- */

struct tuple {
    int rel;
    datalog_word columns[DATALOG_COLUMNS];
};

/* "name(a, "b", 3, _)".  `any`: _ is allowed. */
static enum err parse_cell(struct datalog_run *r, enum datalog_type type, struct slice text, datalog_word *out)
{
    if (slice_eq(text, SLICE("_"))) {
        *out = INT64_MIN;
        return ERR_OK;
    }
    if (text.len >= 2 && slice_starts(text, SLICE("\"")) && slice_ends(text, SLICE("\"")))
        text = slice_of(text.at + 1, text.len - 2);
    return word_of(r, type, text, out);
}

static bool next_cell(struct slice *rest, struct slice *cell)
{
    bool quoted = false;
    if (rest->len == 0)
        return false;
    for (size_t i = 0; i < rest->len; i++) {
        if (rest->at[i] == '"')
            quoted = !quoted;
        if (rest->at[i] != ',' || quoted)
            continue;
        *cell = slice_trim(slice_to(*rest, i));
        *rest = slice_from(*rest, i + 1);
        return true;
    }
    *cell = slice_trim(*rest);
    *rest = slice_from(*rest, rest->len);
    return true;
}

static enum err parse_tuple(const struct datalog *p, struct datalog_run *r, const char *text, struct tuple *out)
{
    struct slice whole = slice_trim(slice_str(text)), cell;
    size_t open;
    bool bare = !slice_find(whole, '(', &open);
    struct slice name = bare ? whole : slice_trim(slice_to(whole, open));
    struct slice inside = bare ? (struct slice){0} : slice_from(whole, open + 1);
    out->rel = datalog_relation(p, name);
    if (out->rel < 0 || (!bare && !slice_ends(whole, SLICE(")"))))
        return ERR_INPUT;
    if (inside.len)
        inside.len--;
    size_t count = 0, arity = datalog_arity(p, out->rel);
    while (count < arity && next_cell(&inside, &cell)) {
        TRY(parse_cell(r, datalog_column_type(p, out->rel, count), cell, &out->columns[count]));
        count++;
    }
    return count == arity && inside.len == 0 ? ERR_OK : ERR_INPUT;
}

static int explain(const struct datalog *p, struct datalog_run *r, const char *text, bool why_not)
{
    struct tuple t;
    struct arena arena;
    struct buf out;
    if (parse_tuple(p, r, text, &t) != ERR_OK) {
        fprintf(stderr, "weft datalog: \"%s\" is no tuple of this program: write 'relation(\"text\", 1)'\n", text);
        return 2;
    }
    arena_init(&arena, SIZE_MAX);
    buf_init(&out, BUF_TEXT_BOUND);
    struct datalog_proof *proof;
    struct datalog_why_not *missing;
    enum err e = why_not ? datalog_why_not(r, t.rel, t.columns, &arena, &missing)
                         : datalog_explain(r, t.rel, t.columns, &arena, &proof);
    if (e == ERR_OK && why_not)
        datalog_put_why_not(missing, &out);
    else if (e == ERR_OK)
        datalog_put_proof(r, proof, &out);
    show_buf(stdout, &out);
    if (e != ERR_OK)
        fprintf(stderr, "weft datalog: %s: %s\n", text,
                e == ERR_ABSENT   ? "no such tuple (try --why-not)"
                : e == ERR_EXISTS ? "it is there (try --explain)"
                                  : err_text(e));
    buf_fini(&out);
    arena_fini(&arena);
    return e == ERR_OK ? 0 : e == ERR_LIMIT ? 3 : 1;
}

/* --- the whole --- */

static int answer(const struct datalog *p, struct datalog_run *r, const struct datalog_flags *f)
{
    if (f->explain)
        return explain(p, r, f->explain, false);
    if (f->why_not)
        return explain(p, r, f->why_not, true);
    return f->query ? print_query(p, r, f->query) : print_outputs(p, r);
}

static int run_program(const struct datalog *p, const struct datalog_flags *f)
{
    struct datalog_limits limits = {.max_tuples = TUPLES_MOST,
                                    .max_steps = STEPS_MOST,
                                    .max_bytes = SYMBOL_BYTES_MOST,
                                    .proofs = f->explain || f->why_not};
    struct datalog_run *r = datalog_run_new(p, &limits);
    struct diag diag;
    diag_init(&diag);
    const char *why = "";
    int status = 2;
    if (add_inputs(p, r, f->facts ? f->facts : ".", &diag) == ERR_OK) {
        enum err e = datalog_run_eval(r, &why);
        status = e == ERR_OK ? answer(p, r, f) : e == ERR_LIMIT ? 3 : 2;
        if (e != ERR_OK)
            fprintf(stderr, "weft datalog: %s\n", why);
    }
    show_diag(&diag);
    diag_fini(&diag);
    datalog_run_free(&r);
    return status;
}

int cmd_datalog(int argc, char **argv)
{
    struct datalog_flags f = {0};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    struct buf text;
    struct diag diag;
    struct datalog *p = NULL;
    buf_init(&text, PROGRAM_BYTES);
    diag_init(&diag);
    enum err e = file_read(words[0], &text);
    if (e != ERR_OK) {
        fprintf(stderr, "weft datalog: %s: %s\n", words[0], e == ERR_FULL ? "over 16 MiB" : "cannot be read");
    } else {
        struct datalog_text source = {.file = words[0], .text = buf_slice(&text)};
        e = datalog_load(&source, 1, &diag, &p);
        show_diag(&diag);
    }
    int status = e == ERR_OK ? run_program(p, &f) : 2;
    datalog_free(&p);
    diag_fini(&diag);
    buf_fini(&text);
    return status;
}
