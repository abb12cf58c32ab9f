/* cmd_datalog_test - docs/datalog.md does what it says.
 *
 * A block ```file NAME becomes a file, a block ```dl becomes t.dl, and each `$ weft datalog ...` of a block
 * ```console prints what follows it.  All in a folder of its own.  WEFT_GOLDEN=write writes the document. */
#include <dirent.h>
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

/* A folder of its own for as long as `fn` takes. */
static void in_a_folder(void (*fn)(struct reader *r), struct reader *r)
{
    char home[4096], folder[] = "/tmp/weft-datalog-XXXXXX";
    CHECK(getcwd(home, sizeof(home)) != NULL);
    CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
    fn(r);
    DIR *d = opendir(".");
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.')
            unlink(e->d_name);
    closedir(d);
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
    in_a_folder(run_document, &r);
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

static void put_file(const char *path, const char *text)
{
    CHECK_ERR(ERR_OK, file_write(path, slice_str(text), 0600));
}

/* `weft datalog t.dl` and perhaps a flag in this folder prints these, complaints first. */
static void prints(const char *program, const char *flag, const char *want)
{
    char *argv[] = {"datalog", "t.dl", (char *)(uintptr_t)flag, ".", NULL};
    put_file("t.dl", program);
    struct printed p = printed_by(cmd_datalog, flag ? 4 : 2, argv);
    buf_put(&p.err, buf_slice(&p.out));
    CHECK_TEXT(want, buf_slice(&p.err));
    printed_fini(&p);
}

static void holds(const char *path, const char *want)
{
    struct buf text;
    buf_init(&text, BYTES);
    CHECK_ERR(ERR_OK, file_read(path, &text));
    CHECK_TEXT(want, buf_slice(&text));
    buf_fini(&text);
}

static void read_bad_facts(struct reader *r)
{
    static const char program[] = ".decl a(x:symbol, n:number)\n.input a\n.printsize a\n";
    (void)r;
    put_file("a.facts", "x\t1\ny\n");
    prints(program, NULL, "a.facts:2:2: error: this tuple has too few columns\n  y\n   ^\n");
    put_file("a.facts", "x\t1\ny\t1x\n");
    prints(program, NULL, "a.facts:2:3: error: this is no number of 64 bits\n  y 1x\n    ^~\n");
    put_file("a.facts", "x\t1\t2\r\ny\t3\tz\n");
    prints(program, NULL,
           "a.facts:1:4: warning: the relation has fewer columns: the rest of this line is left out\n  x 1 2\n"
           "     ^\na\t2\n");
    put_file("a.facts", "\"x\n");
    prints(".decl a(x:symbol)\n.input a(rfc4180=true)\n", NULL, "a.facts:2:1: error: this quoted text has no end\n");
    prints(".decl b(x:symbol)\n.input b\n", NULL,
           "b.facts: error: cannot read it: no such entry\n  --facts DIR says where fact files are\n");
}

TEST(facts_that_do_not_fit_have_their_place)
{
    in_a_folder(read_bad_facts, NULL);
}

static void write_results(struct reader *r)
{
    (void)r;
    put_file("in.csv", "x,l\n\"a \"\"b\"\"\nc\",\"[1, nil]\"\nd,[2, [3, nil]]\n");
    prints(
        ".type L = [n:number, t:L]\n.decl a(x:symbol, l:L)\n.input a(filename=\"in.csv\", headers=true, rfc4180=true)\n"
        ".output a(filename=\"out.csv\", headers=true, rfc4180=true)\n.output a(delimiter=\";\")\n"
        ".output a(IO=stdout, headers=true)\n.printsize a\n",
        "--output",
        "---------------\na\nx\tl\n===============\na \"b\"\nc\t[1, nil]\nd\t[2, [3, nil]]\n===============\na\t2\n");
    holds("out.csv", "x,l\n\"a \"\"b\"\"\nc\",\"[1, nil]\"\n\"d\",\"[2, [3, nil]]\"\n");
    holds("a.csv", "a \"b\"\nc;[1, nil]\nd;[2, [3, nil]]\n");
}

TEST(results_go_where_directives_say)
{
    in_a_folder(write_results, NULL);
}

static void include_texts(struct reader *r)
{
    (void)r;
    put_file("a.dl", ".include \"b.dl\"\n.decl a(x:number)\na(1).\n");
    put_file("b.dl", ".include \"a.dl\"\n.decl b(x:number)\nb(x) :- a(x).\n");
    prints(".include \"a.dl\"\n.include \"a.dl\"\n.printsize a, b\n", NULL, "a\t1\nb\t1\n");
    prints(".include \"c.dl\"\n.printsize a\n", NULL,
           "t.dl:1:10: error: there is no such text\n  .include \"c.dl\"\n           ^~~~~~\n  give that text, too\n"
           "t.dl:2:12: error: unknown relation `a`\n  .printsize a\n             ^\n");
}

TEST(a_text_is_included_once_even_in_a_circle)
{
    in_a_folder(include_texts, NULL);
}

TESTS_BEGIN()
TESTS_RUN(the_document_prints_what_it_says)
TESTS_RUN(the_exit_status_tells_what_became_of_it)
TESTS_RUN(facts_that_do_not_fit_have_their_place)
TESTS_RUN(results_go_where_directives_say)
TESTS_RUN(a_text_is_included_once_even_in_a_circle)
TESTS_END()
