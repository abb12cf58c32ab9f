/* cmd_report_test - what `weft report` prints, and its exit status. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/commands.h"
#include "tests/kit/printed.h"
#include "tests/kit/t.h"

#define HERE "tests/golden/report/"

enum { WORDS = 8 };

/* `line` is a command line, words apart by single blanks. */
static struct printed report(const char *line)
{
    char words[WORDS][128], *argv[WORDS];
    int argc = 0;
    struct slice rest = slice_str(line), word;
    while (argc < WORDS - 1 && slice_split(&rest, ' ', &word)) {
        snprintf(words[argc], sizeof(words[0]), "%.*s", SLICE_FMT(word));
        argv[argc] = words[argc];
        argc++;
    }
    argv[argc] = NULL;
    return printed_by(cmd_report, argc, argv);
}

static void golden(const char *name, const char *line)
{
    char path[256];
    const char *mode = getenv("WEFT_GOLDEN");
    struct printed p = report(line);
    struct buf expected;
    snprintf(path, sizeof(path), HERE "%s.txt", name);
    buf_init(&expected, BUF_TEXT_BOUND);
    if (mode && strcmp(mode, "write") == 0)
        CHECK_ERR(ERR_OK, file_write(path, buf_slice(&p.out), 0644));
    CHECK_ERR(ERR_OK, file_read(path, &expected));
    CHECK_SLICE(buf_slice(&expected), buf_slice(&p.out));
    CHECK_INT(0, p.status);
    buf_fini(&expected);
    printed_fini(&p);
}

static void says(int status, const char *line, const char *words)
{
    struct printed p = report(line);
    CHECK_INT(status, p.status);
    CHECK(slice_has(buf_slice(&p.err), slice_str(words)));
    printed_fini(&p);
}

TEST(a_page_becomes_a_table)
{
    golden("one", "report --metrics " HERE "metrics-1.txt");
}

TEST(pages_add_up)
{
    golden("both", "report --metrics " HERE "metrics-1.txt --metrics " HERE "metrics-2.txt");
    golden("both.json", "report --format json --metrics " HERE "metrics-1.txt --metrics " HERE "metrics-2.txt");
}

TEST(nothing_counted_is_said)
{
    says(1, "report --metrics " HERE "nothing.page", "no exchange was judged");
}

TEST(what_cannot_be_read_is_said)
{
    says(2, "report --metrics " HERE "nobody.page", "cannot read " HERE "nobody.page: no such entry");
    says(2, "report --sidecar unix:/nobody/is/here", "no sidecar's admin side at unix:/nobody/is/here");
    says(2, "report --sidecars x", "did you mean --sidecar?");
}

TESTS_BEGIN()
TESTS_RUN(a_page_becomes_a_table)
TESTS_RUN(pages_add_up)
TESTS_RUN(nothing_counted_is_said)
TESTS_RUN(what_cannot_be_read_is_said)
TESTS_END()
