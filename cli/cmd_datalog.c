/* weft datalog: run any program of the engine's language, query it, explain a tuple. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/datalog_io.h"
#include "cli/show.h"

enum {
    PROGRAM_BYTES = 16 << 20,
    SECONDS_MOST = 1 << 30,
    TEXTS_MOST = 64,
    PATH_ROOM = 4096,
    DONE = 0,
    NOT_THERE = 1,
    WRONG = 2,
    STOPPED = 3
};

/* What a machine of a person can hold; a contract or a policy is held to far less. */
#define TUPLES_MOST UINT64_C(100000000)
#define STEPS_MOST UINT64_C(100000000000)
#define SYMBOL_BYTES_MOST (UINT64_C(1) << 30)

struct datalog_flags {
    const char *explain, *why_not, *facts, *output, *query;
    uint64_t tuples, steps, seconds;
    bool wrap;
};

static const struct args_flag flags[] = {
    {.name = "explain",
     .type = ARGS_TEXT,
     .offset = offsetof(struct datalog_flags, explain),
     .value = "'r(\"a\", 1)'",
     .doc = "print a least proof of this tuple; _ is any value: then of the first such tuple"},
    {.name = "why-not",
     .type = ARGS_TEXT,
     .offset = offsetof(struct datalog_flags, why_not),
     .value = "'r(\"a\", _)'",
     .doc = "print the rules that nearly give it, nearest first, and what fails; _ is any value"},
    {.name = "query",
     .letter = 'q',
     .type = ARGS_TEXT,
     .offset = offsetof(struct datalog_flags, query),
     .value = "RELATION",
     .doc = "print this relation only (default: every .output and .printsize)"},
    {.name = "facts",
     .letter = 'F',
     .type = ARGS_TEXT,
     .offset = offsetof(struct datalog_flags, facts),
     .value = "DIR",
     .doc = "where .input files are: RELATION.facts, a tuple a line, columns parted by tabs (default: .)"},
    {.name = "output",
     .letter = 'D',
     .type = ARGS_TEXT,
     .offset = offsetof(struct datalog_flags, output),
     .value = "DIR",
     .doc = "write every .output to DIR/RELATION.csv (default: print it)"},
    {.name = "wrap",
     .type = ARGS_SWITCH,
     .offset = offsetof(struct datalog_flags, wrap),
     .doc = "let whole numbers wrap at 32 bits, as Soufflé does, where an overflow would stop the run"},
    {.name = "max-tuples",
     .type = ARGS_COUNT,
     .offset = offsetof(struct datalog_flags, tuples),
     .value = "N",
     .doc = "stop when all relations hold more (default: 100000000)"},
    {.name = "max-steps",
     .type = ARGS_COUNT,
     .offset = offsetof(struct datalog_flags, steps),
     .value = "N",
     .doc = "stop after so many steps of joins (default: 100000000000)"},
    {.name = "max-seconds",
     .type = ARGS_COUNT,
     .offset = offsetof(struct datalog_flags, seconds),
     .value = "N",
     .doc = "stop after so long (default: never)"},
    {0},
};

static const struct args_command command = {
    .name = "weft datalog",
    .words = "FILE...",
    .summary = "run a Datalog program (docs/datalog.md) of one or several texts; - is standard input",
    .flags = flags,
    .min_words = 1,
    .max_words = TEXTS_MOST,
    .examples = "  weft datalog paths.dl\n"
                "  weft datalog paths.dl --facts data --output results\n"
                "  weft datalog paths.dl --explain 'path(\"a\", \"c\")'\n"
                "  weft datalog paths.dl --why-not 'path(\"c\", _)'\n",
    .details = "A rule that makes new values out of its own, like n(x + 1) :- n(x), x < 9, is allowed: one without an\n"
               "end is stopped by a limit, and then nothing is printed.\n"
               "Exit status: 0 done, 1 no such tuple, 2 wrong arguments, program or facts, 3 stopped by a limit.\n",
};

/* --- one tuple --- */

struct first_match {
    const struct datalog *program;
    int rel;
    datalog_word *columns;
    bool found;
};

static bool take_first(void *arg, const datalog_word *columns)
{
    struct first_match *m = arg;
    size_t arity = datalog_arity(m->program, m->rel);
    for (size_t i = 0; i < arity; i++)
        if (m->columns[i] != INT64_MIN && m->columns[i] != columns[i])
            return true;
    memcpy(m->columns, columns, arity * sizeof(*columns));
    m->found = true;
    return false;
}

static enum err prove(struct datalog_run *r, int rel, datalog_word *columns, struct arena *arena, struct buf *out)
{
    struct first_match m = {.program = datalog_run_program(r), .rel = rel, .columns = columns};
    struct datalog_proof *proof;
    datalog_each(r, rel, take_first, &m);
    if (!m.found)
        return ERR_ABSENT;
    TRY(datalog_explain(r, rel, columns, arena, &proof));
    datalog_put_proof(r, proof, out);
    return ERR_OK;
}

static enum err tell_why_not(struct datalog_run *r, int rel, const datalog_word *columns, struct arena *arena,
                             struct buf *out)
{
    struct datalog_why_not *missing = NULL;
    TRY(datalog_why_not(r, rel, columns, arena, &missing));
    datalog_put_why_not(missing, out);
    if (!missing)
        buf_putf(out, "no rule gives such a tuple, and no fact is it\n");
    return ERR_OK;
}

static int status_of(enum err e, const char *question)
{
    if (e == ERR_OK)
        return DONE;
    fprintf(stderr, "weft datalog: %s: %s\n", question,
            e == ERR_ABSENT   ? "no such tuple (try --why-not)"
            : e == ERR_EXISTS ? "it is there (try --explain)"
            : e == ERR_LIMIT  ? "to find out takes more than --max-steps"
                              : err_text(e));
    return e == ERR_LIMIT ? STOPPED : NOT_THERE;
}

static int explain(struct datalog_run *r, const struct datalog_flags *f)
{
    struct datalog_text question = {.file = f->explain ? "--explain" : "--why-not"};
    const char *text = f->explain ? f->explain : f->why_not;
    datalog_word columns[DATALOG_COLUMNS];
    struct arena arena;
    struct buf out;
    struct diag diag;
    int rel, status = WRONG;
    question.text = slice_str(text);
    arena_init(&arena, SIZE_MAX);
    buf_init(&out, BUF_TEXT_BOUND);
    diag_init(&diag);
    if (datalog_ask(r, &question, &diag, &rel, columns) == ERR_OK)
        status = status_of(
            f->explain ? prove(r, rel, columns, &arena, &out) : tell_why_not(r, rel, columns, &arena, &out), text);
    show_diag(&diag);
    show_buf(stdout, &out);
    diag_fini(&diag);
    buf_fini(&out);
    arena_fini(&arena);
    return status;
}

/* --- the whole --- */

static int print_query(const struct datalog_run *r, const char *name)
{
    const struct datalog *p = datalog_run_program(r);
    int rel = datalog_relation(p, slice_str(name));
    if (rel >= 0) {
        datalog_io_print(r, rel);
        return DONE;
    }
    const char *names[256];
    size_t count = datalog_relation_count(p) < 256 ? datalog_relation_count(p) : 256;
    for (size_t i = 0; i < count; i++)
        names[i] = datalog_relation_name(p, (int)i).at;
    const char *near = diag_nearest(slice_str(name), names, count);
    fprintf(stderr, "weft datalog: no relation %s%s%s\n", name, near ? ": did you mean " : "", near ? near : "");
    return WRONG;
}

static int answer(struct datalog_run *r, const struct datalog_flags *f)
{
    if (f->explain || f->why_not)
        return explain(r, f);
    if (f->query)
        return print_query(r, f->query);
    return datalog_io_write(r, f->output) == ERR_OK ? DONE : WRONG;
}

/* Nothing was printed yet, and nothing needs to be undone. */
static void out_of_time(int signal_number)
{
    static const char message[] = "weft datalog: stopped by --max-seconds\n";
    (void)signal_number;
    if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
        _exit(STOPPED); /* there is nobody to tell */
    _exit(STOPPED);
}

static void start_timer(uint64_t seconds)
{
    struct sigaction act = {.sa_handler = out_of_time};
    sigaction(SIGALRM, &act, NULL);
    alarm((unsigned)(seconds < SECONDS_MOST ? seconds : SECONDS_MOST));
}

static int evaluate(struct datalog_run *r, const struct datalog_flags *f)
{
    const char *why = "";
    start_timer(f->seconds);
    enum err e = datalog_run_eval(r, &why);
    alarm(0);
    if (e == ERR_OK)
        return answer(r, f);
    fprintf(stderr, "weft datalog: %s\n", why);
    if (e == ERR_LIMIT)
        fprintf(stderr, "  the limits: --max-tuples %llu, --max-steps %llu\n", (unsigned long long)f->tuples,
                (unsigned long long)f->steps);
    return e == ERR_LIMIT ? STOPPED : WRONG;
}

static int run_program(const struct datalog *p, const struct datalog_flags *f)
{
    struct datalog_limits limits = {.max_tuples = f->tuples,
                                    .max_steps = f->steps,
                                    .max_bytes = SYMBOL_BYTES_MOST,
                                    .wraps = f->wrap,
                                    .proofs = f->explain || f->why_not};
    struct datalog_run *r = datalog_run_new(p, &limits);
    struct diag diag;
    struct arena names;
    diag_init(&diag);
    arena_init(&names, SIZE_MAX);
    bool ok = datalog_io_read(r, f->facts, &names, &diag) == ERR_OK;
    show_diag(&diag);
    int status = ok ? evaluate(r, f) : WRONG;
    datalog_run_free(&r);
    arena_fini(&names);
    diag_fini(&diag);
    return status;
}

/* --- the texts --- */

struct sources {
    struct datalog_text v[TEXTS_MOST];
    struct buf texts[TEXTS_MOST];
    char paths[TEXTS_MOST][PATH_ROOM];
    size_t count;
    const char *including; /* whose .include is looked at */
};

static bool add_source(struct sources *s, const char *path, bool must);

/* Relative to the text that includes it.  One that cannot be read is complained about by datalog_load, which knows
 * its place. */
static void add_include(void *arg, struct slice name)
{
    struct sources *s = arg;
    char path[PATH_ROOM];
    const char *including = s->including, *slash = strrchr(including, '/');
    int folder = slash && !slice_starts(name, SLICE("/")) ? (int)(slash + 1 - including) : 0;
    snprintf(path, sizeof(path), "%.*s%.*s", folder, including, SLICE_FMT(name));
    (void)add_source(s, path, false);
    s->including = including;
}

static bool add_source(struct sources *s, const char *path, bool must)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->paths[i], path) == 0)
            return true;
    if (s->count == TEXTS_MOST) {
        fprintf(stderr, "weft datalog: more than %d texts\n", TEXTS_MOST);
        return false;
    }
    struct buf *text = &s->texts[s->count];
    buf_init(text, PROGRAM_BYTES);
    enum err e = file_read(path, text);
    if (e != ERR_OK) {
        buf_fini(text);
        if (must || e == ERR_FULL)
            fprintf(stderr, "weft datalog: %s: %s\n", path, e == ERR_FULL ? "over 16 MiB" : "cannot be read");
        return false;
    }
    snprintf(s->paths[s->count], PATH_ROOM, "%s", path);
    struct datalog_text *t = &s->v[s->count];
    *t = (struct datalog_text){.file = s->paths[s->count], .text = buf_slice(text), .open_ended = true};
    s->count++;
    s->including = t->file;
    datalog_includes(t, add_include, s);
    return true;
}

static int load_and_run(const struct sources *s, const struct datalog_flags *f)
{
    struct diag diag;
    struct datalog *p = NULL;
    diag_init(&diag);
    enum err e = datalog_load(s->v, s->count, &diag, &p);
    show_diag(&diag);
    int status = e == ERR_OK ? run_program(p, f) : WRONG;
    datalog_free(&p);
    diag_fini(&diag);
    return status;
}

int cmd_datalog(int argc, char **argv)
{
    struct datalog_flags f = {.facts = ".", .tuples = TUPLES_MOST, .steps = STEPS_MOST};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? DONE : WRONG;
    struct sources *s = mem_new(sizeof(*s));
    bool ok = true;
    for (size_t i = 0; i < count; i++)
        ok &= add_source(s, words[i], true);
    int status = ok ? load_and_run(s, &f) : WRONG;
    for (size_t i = 0; i < s->count; i++)
        buf_fini(&s->texts[i]);
    mem_free(s);
    return status;
}
