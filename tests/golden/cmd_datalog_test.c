/* cmd_datalog_test - docs/datalog.md does what it says.
 *
 * A block ```file NAME becomes a file, a block ```dl becomes t.dl, and each `$ weft datalog ...` of a block
 * ```console prints what follows it.  All in a folder of its own.  WEFT_GOLDEN=write writes the document. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/commands.h"
#include "tests/kit/printed.h"
#include "tests/kit/t.h"

enum { WORDS = 16, WORD_ROOM = 256, BYTES = 1 << 20, COMMANDS_LEAST = 15 };

struct reader {
    struct slice rest, line;
    struct buf written; /* the document as it should be */
    unsigned number;
    unsigned commands;
};

static bool next_line(struct reader *r)
{
    r->number++;
    return slice_split(&r->rest, '\n', &r->line);
}

static void keep_line(struct reader *r)
{
    buf_put(&r->written, r->line);
    buf_put_char(&r->written, '\n');
}

/* The lines up to the block's end, as a file. */
static void write_block(struct reader *r, struct slice name)
{
    struct buf text;
    char path[WORD_ROOM];
    buf_init(&text, BYTES);
    while (next_line(r) && !slice_eq(r->line, SLICE("```"))) {
        keep_line(r);
        buf_put(&text, r->line);
        buf_put_char(&text, '\n');
    }
    keep_line(r);
    snprintf(path, sizeof(path), "%.*s", SLICE_FMT(name));
    CHECK_ERR(ERR_OK, file_write(path, buf_slice(&text), 0600));
    buf_fini(&text);
}

/* Words apart by blanks; '...' is one. */
static int split_words(struct slice line, char words[WORDS][WORD_ROOM], char **argv)
{
    int argc = 0;
    while (line.len && argc < WORDS - 1) {
        struct slice word;
        bool quoted = slice_starts(line, SLICE("'"));
        line = slice_from(line, quoted);
        (void)slice_split(&line, quoted ? '\'' : ' ', &word);
        line = quoted ? slice_from(line, 1) : line;
        snprintf(words[argc], WORD_ROOM, "%.*s", SLICE_FMT(word));
        argv[argc] = words[argc];
        argc++;
    }
    argv[argc] = NULL;
    return argc;
}

static void run_command(struct reader *r, struct slice command)
{
    static char words[WORDS][WORD_ROOM];
    char *argv[WORDS];
    CHECK(slice_starts(command, SLICE("weft ")));
    int argc = split_words(slice_from(command, 5), words, argv);
    struct printed p = printed_by(cmd_datalog, argc, argv);
    buf_put(&r->written, buf_slice(&p.err));
    buf_put(&r->written, buf_slice(&p.out));
    printed_fini(&p);
    r->commands++;
}

static void run_block(struct reader *r)
{
    while (next_line(r) && !slice_eq(r->line, SLICE("```"))) {
        if (!slice_starts(r->line, SLICE("$ ")))
            continue;
        keep_line(r);
        run_command(r, slice_from(r->line, 2));
    }
    keep_line(r);
}

static void run_document(struct reader *r)
{
    while (next_line(r)) {
        keep_line(r);
        if (slice_eq(r->line, SLICE("```dl")))
            write_block(r, SLICE("t.dl"));
        else if (slice_starts(r->line, SLICE("```file ")))
            write_block(r, slice_from(r->line, 8));
        else if (slice_eq(r->line, SLICE("```console")))
            run_block(r);
    }
}

static void in_a_folder(struct reader *r)
{
    char home[4096], folder[] = "/tmp/weft-datalog-XXXXXX";
    CHECK(getcwd(home, sizeof(home)) != NULL);
    CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
    run_document(r);
    unlink("t.dl");
    unlink("edge.csv");
    unlink("edges.dl");
    CHECK(chdir(home) == 0);
    CHECK(rmdir(folder) == 0);
}

static void check_lines(struct slice want, struct slice got)
{
    struct slice a, b;
    for (unsigned line = 1; slice_split(&want, '\n', &a) && slice_split(&got, '\n', &b); line++) {
        if (!slice_eq(a, b))
            print_error("docs/datalog.md:%u\n", line);
        CHECK_SLICE(a, b);
    }
}

TEST(the_document_prints_what_it_says)
{
    static const char path[] = "docs/datalog.md";
    struct buf text;
    struct reader r = {.number = 0};
    buf_init(&text, BYTES);
    buf_init(&r.written, BYTES);
    CHECK_ERR(ERR_OK, file_read(path, &text));
    r.rest = buf_slice(&text);
    in_a_folder(&r);
    CHECK(r.commands >= COMMANDS_LEAST);
    if (getenv("WEFT_GOLDEN"))
        CHECK_ERR(ERR_OK, file_write(path, buf_slice(&r.written), 0644));
    else
        check_lines(buf_slice(&text), buf_slice(&r.written));
    CHECK(getenv("WEFT_GOLDEN") || slice_eq(buf_slice(&text), buf_slice(&r.written)));
    buf_fini(&r.written);
    buf_fini(&text);
}

static int status_of(const char *program, const char *flag, const char *value)
{
    static char file[] = "/tmp/weft-datalog-status.dl";
    char *argv[] = {"datalog", file, (char *)(uintptr_t)flag, (char *)(uintptr_t)value, NULL};
    CHECK_ERR(ERR_OK, file_write(file, slice_str(program), 0600));
    struct printed p = printed_by(cmd_datalog, flag ? 4 : 2, argv);
    unlink(file);
    printed_fini(&p);
    return p.status;
}

TEST(the_exit_status_tells_what_became_of_it)
{
    static const char fine[] = ".decl a(x:number) .output a a(1).";
    CHECK_INT(0, status_of(fine, NULL, NULL));
    CHECK_INT(0, status_of(fine, "--explain", "a(1)"));
    CHECK_INT(1, status_of(fine, "--explain", "a(2)"));
    CHECK_INT(0, status_of(fine, "--why-not", "a(2)"));
    CHECK_INT(1, status_of(fine, "--why-not", "a(1)"));
    CHECK_INT(2, status_of(fine, "--explain", "a(1"));
    CHECK_INT(2, status_of(fine, "--query", "b"));
    CHECK_INT(2, status_of(fine, "--output", "/no/such/folder"));
    CHECK_INT(2, status_of("a(1).", NULL, NULL));
    CHECK_INT(2, status_of(".decl a(x:number) .input a", "--facts", "/no/such/folder"));
    CHECK_INT(3, status_of(".decl a(x:number) a(1). a(x + 1) :- a(x).", "--max-tuples", "100"));
    CHECK_INT(3, status_of(".decl a(x:number) a(1). a(x + 1) :- a(x).", "--max-steps", "100"));
}

TESTS_BEGIN()
TESTS_RUN(the_document_prints_what_it_says)
TESTS_RUN(the_exit_status_tells_what_became_of_it)
TESTS_END()
