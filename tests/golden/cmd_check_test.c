/* cmd_check_test - what `weft check` prints, and its exit status.
 *
 * Each text stands in tests/golden/check/NAME.txt; WEFT_GOLDEN=write writes them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/commands.h"
#include "contracts/facts.h"
#include "tests/kit/t.h"

enum { WORDS = 12, OUTPUT = 1 << 20 };

struct printed {
    int status;
    struct buf out, err;
};

static int redirect(int fd, const char *path)
{
    int kept = dup(fd);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(kept >= 0 && file >= 0);
    dup2(file, fd);
    close(file);
    return kept;
}

static void restore(int fd, int kept)
{
    fflush(NULL);
    dup2(kept, fd);
    close(kept);
}

/* `line` is a command line, words apart by single blanks. */
static struct printed check(const char *line)
{
    char words[WORDS][128], *argv[WORDS], out[] = "/tmp/weft-check-out-XXXXXX", err[] = "/tmp/weft-check-err-XXXXXX";
    int argc = 0;
    struct slice rest = slice_str(line), word;
    while (argc < WORDS - 1 && slice_split(&rest, ' ', &word)) {
        snprintf(words[argc], sizeof(words[0]), "%.*s", SLICE_FMT(word));
        argv[argc] = words[argc];
        argc++;
    }
    argv[argc] = NULL;
    close(mkstemp(out));
    close(mkstemp(err));
    fflush(NULL);
    int kept_out = redirect(STDOUT_FILENO, out), kept_err = redirect(STDERR_FILENO, err);
    struct printed p = {.status = cmd_check(argc, argv)};
    restore(STDOUT_FILENO, kept_out);
    restore(STDERR_FILENO, kept_err);
    buf_init(&p.out, OUTPUT);
    buf_init(&p.err, OUTPUT);
    CHECK_ERR(ERR_OK, file_read(out, &p.out));
    CHECK_ERR(ERR_OK, file_read(err, &p.err));
    unlink(out);
    unlink(err);
    return p;
}

static void drop(struct printed *p)
{
    buf_fini(&p->out);
    buf_fini(&p->err);
}

static void golden(const char *name, int status, const char *line)
{
    char path[256];
    const char *mode = getenv("WEFT_GOLDEN");
    struct printed p = check(line);
    struct buf expected;
    snprintf(path, sizeof(path), "tests/golden/check/%s.txt", name);
    buf_init(&expected, OUTPUT);
    if (mode && strcmp(mode, "write") == 0)
        CHECK_ERR(ERR_OK, file_write(path, buf_slice(&p.out), 0644));
    CHECK_ERR(ERR_OK, file_read(path, &expected));
    CHECK_SLICE(buf_slice(&expected), buf_slice(&p.out));
    CHECK_TEXT("", buf_slice(&p.err));
    CHECK_INT(status, p.status);
    buf_fini(&expected);
    drop(&p);
}

static void refused(const char *line, const char *words)
{
    struct printed p = check(line);
    CHECK_INT(2, p.status);
    CHECK_TEXT("", buf_slice(&p.out));
    CHECK(slice_has(buf_slice(&p.err), slice_str(words)));
    drop(&p);
}

#define DRIFT "examples/drifted-field/"

TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(an_adaptable_change_is_fine_and_its_plan_can_be_shown)
{
    golden("adaptable", 0, "check " DRIFT "orders-1.weft " DRIFT "orders-2.weft --plan");
}

TEST(a_breaking_change_fails_and_says_where)
{
    golden("breaking", 1, "check " DRIFT "orders-1.weft " DRIFT "orders-3.weft");
}

TEST(the_same_file_twice_has_nothing_to_say)
{
    golden("same", 0, "check " DRIFT "orders-1.weft " DRIFT "orders-1.weft --fail-on any");
}

TEST(both_questions_are_asked_in_full)
{
    golden("full", 1, "check --mode full " DRIFT "orders-1.weft " DRIFT "orders-2.weft");
}

TEST(programs_read_json)
{
    golden("json", 0, "check --format=json " DRIFT "orders-1.weft " DRIFT "orders-2.weft");
}

TEST(a_job_is_asked_about_in_both_directions_by_itself)
{
    golden("job", 1, "check tests/golden/check/train-1.weft tests/golden/check/train-2.weft");
    golden("job-backward", 0, "check --mode backward tests/golden/check/train-1.weft tests/golden/check/train-2.weft");
}

TEST(the_failing_level_can_be_moved)
{
    struct printed p = check("check " DRIFT "orders-1.weft " DRIFT "orders-2.weft --fail-on adaptable");
    CHECK_INT(1, p.status);
    drop(&p);
    p = check("check " DRIFT "orders-1.weft " DRIFT "orders-2.weft --fail-on break");
    CHECK_INT(0, p.status);
    drop(&p);
}

TEST(a_finding_explains_itself_by_its_fingerprint)
{
    struct printed p = check("check --format json " DRIFT "orders-1.weft " DRIFT "orders-3.weft");
    const char *id = strstr(buf_text(&p.out), "\"id\": \"");
    CHECK(id != NULL);
    char line[256];
    snprintf(line, sizeof(line), "check " DRIFT "orders-1.weft " DRIFT "orders-3.weft --explain %.16s", id + 7);
    drop(&p);
    golden("explain", 0, line);
}

TEST(two_openapi_documents_are_compared)
{
    golden("openapi", 1, "check examples/first-check/orders-1.yaml examples/first-check/orders-2.yaml");
}

TEST(what_cannot_be_read_is_never_no_findings)
{
    refused("check " DRIFT "orders-1.weft " DRIFT "nothing.weft", "no such file");
    refused("check " DRIFT "orders-1.weft examples", "it is a directory; name one file");
    refused("check " DRIFT "orders-1.weft VERSION", "neither a contract nor OpenAPI nor JSON Schema");
    refused("check git:HEAD " DRIFT "orders-1.weft", "a revision and a path are expected");
    refused("check git:no-such-revision:README.md " DRIFT "orders-1.weft", "git does not have it");
    refused("check " DRIFT "orders-1.weft", "missing");
    refused("check " DRIFT "orders-1.weft tests/golden/check/broken.weft", "did you mean `field`?");
    refused("check " DRIFT "orders-1.weft " DRIFT "orders-2.weft --explain ffff", "no finding ffff");
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(an_adaptable_change_is_fine_and_its_plan_can_be_shown) TESTS_RUN(a_breaking_change_fails_and_says_where)
        TESTS_RUN(the_same_file_twice_has_nothing_to_say) TESTS_RUN(both_questions_are_asked_in_full)
            TESTS_RUN(programs_read_json) TESTS_RUN(a_job_is_asked_about_in_both_directions_by_itself)
                TESTS_RUN(the_failing_level_can_be_moved) TESTS_RUN(a_finding_explains_itself_by_its_fingerprint)
                    TESTS_RUN(two_openapi_documents_are_compared) TESTS_RUN(what_cannot_be_read_is_never_no_findings)
                        TESTS_END()
