/* What `weft policy` prints, and its exit status; the texts stand in tests/golden/policy/. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/commands.h"
#include "tests/kit/printed.h"
#include "tests/kit/t.h"

enum { WORDS = 32, WORD_BYTES = 256, OUTPUT = 1 << 20 };

#define HERE "tests/golden/policy/"

/* `line` is a command line, words apart by single blanks. */
static struct printed run(const char *line)
{
    static char words[WORDS][WORD_BYTES];
    char *argv[WORDS];
    int argc = 0;
    struct slice rest = slice_str(line), word;
    while (argc < WORDS - 1 && slice_split(&rest, ' ', &word)) {
        snprintf(words[argc], WORD_BYTES, "%.*s", SLICE_FMT(word));
        argv[argc] = words[argc];
        argc++;
    }
    argv[argc] = NULL;
    return printed_by(cmd_policy, argc, argv);
}

/* What it prints is the text in `path`; WEFT_GOLDEN=write writes that. */
static void golden(const char *path, int status, const char *line)
{
    const char *mode = getenv("WEFT_GOLDEN");
    struct printed p = run(line);
    struct buf expected;
    buf_init(&expected, OUTPUT);
    if (mode && strcmp(mode, "write") == 0)
        CHECK_ERR(ERR_OK, file_write(path, buf_slice(&p.out), 0644));
    CHECK_ERR(ERR_OK, file_read(path, &expected));
    CHECK_SLICE(buf_slice(&expected), buf_slice(&p.out));
    CHECK_TEXT("", buf_slice(&p.err));
    CHECK_INT(status, p.status);
    buf_fini(&expected);
    printed_fini(&p);
}

static void refused(const char *line, const char *words)
{
    struct printed p = run(line);
    if (!slice_has(buf_slice(&p.err), slice_str(words)))
        CHECK_TEXT(words, buf_slice(&p.err));
    CHECK_INT(2, p.status);
    CHECK_TEXT("", buf_slice(&p.out));
    printed_fini(&p);
}

TEST(lint_tells_what_never_holds_and_what_says_nothing_new)
{
    golden(HERE "lint.txt", 1, "policy lint " HERE "lint.weft");
    golden(HERE "lint-notes.txt", 1, "policy lint --notes " HERE "lint.weft");
    golden(HERE "lint-clean.txt", 0, "policy lint " HERE "shop.weft --trust shop.example --trust partner.example");
}

TEST(lint_knows_who_is_trusted_and_what_there_is_to_call)
{
    golden(HERE "lint-known.txt", 1,
           "policy lint " HERE "shop.weft --trust shop.exampel --contract examples/drifted-field/orders-1.weft");
}

TEST(explain_gives_the_proof_or_what_came_nearest)
{
    golden(HERE "explain-allow.txt", 0,
           "policy explain " HERE "shop.weft --peer spiffe://shop.example/ns/shop/sa/a --method GET --path "
           "//orders/./7?x");
    golden(HERE "explain-deny.txt", 1,
           "policy explain " HERE "shop.weft --peer spiffe://shop.example/ns/shop/sa/a --method GET --path "
           "/x/../orders/%69nternal");
    golden(HERE "explain-nearest.txt", 1,
           "policy explain " HERE "shop.weft --peer spiffe://partner.example/x --method GET -H x-plan:tin");
    golden(HERE "explain-path.txt", 1, "policy explain " HERE "shop.weft --method GET --path /a%2Fb");
    golden(HERE "explain-folder.txt", 1,
           "policy explain " HERE "folder --peer spiffe://partner.example/x --method GET");
}

TEST(a_table_of_questions_is_asked)
{
    golden(HERE "test.txt", 0, "policy test " HERE "shop.yaml");
    golden(HERE "test-verbose.txt", 0, "policy test -v " HERE "shop.yaml");
    golden(HERE "test-wrong.txt", 1, "policy test " HERE "wrong.yaml");
    golden(HERE "test-other.txt", 1, "policy test " HERE "shop.yaml --policy " HERE "folder");
}

TEST(a_log_is_replayed_and_whoever_loses_is_named)
{
    golden(HERE "simulate.txt", 1, "policy simulate " HERE "shop.weft --log " HERE "access.log");
    golden(HERE "simulate-against.txt", 0,
           "policy simulate " HERE "shop.weft --against " HERE "folder --log " HERE "access.log");
    golden(HERE "simulate-most.txt", 1, "policy simulate " HERE "shop.weft --log " HERE "access.log --most 1");
}

TEST(wrong_words_are_named)
{
    refused("policy", "weft policy VERB");
    refused("policy lnit x", "did you mean lint?");
    refused("policy lint", "missing: POLICY");
    refused("policy lint nothing.weft", "policy: No such file");
    refused("policy lint tests/unit", "no *.weft file in this folder");
    refused("policy explain " HERE "shop.weft --header gold", "write NAME:VALUE");
    refused("policy explain " HERE "shop.weft --pear x", "did you mean --peer?");
    refused("policy test " HERE "misspelt.yaml", "did you mean peer?");
    refused("policy test " HERE "no-answer.yaml", "expect: allow, or expect: deny");
    refused("policy test " HERE "no-questions.yaml", "the table has no questions");
    refused("policy test nothing.yaml", "cannot be read");
    refused("policy simulate " HERE "shop.weft", "missing: --log FILE");
    refused("policy simulate " HERE "shop.weft --log " HERE "not.log", "no line of an access log");
    refused("policy simulate " HERE "shop.weft --log nothing.log", "cannot read nothing.log");
}

#define IMPORT HERE "import/"

TEST(rules_of_other_meshes_are_imported_or_refused_by_name)
{
    golden(IMPORT "istio.txt", 0, "policy import " IMPORT "istio.yaml --workload orders --namespace shop");
    golden(IMPORT "istio-deny.txt", 0, "policy import " IMPORT "istio-deny.yaml");
    golden(IMPORT "istio-nothing.txt", 0, "policy import " IMPORT "istio-nothing.yaml");
    golden(IMPORT "linkerd.txt", 0, "policy import " IMPORT "linkerd.yaml");
    golden(IMPORT "consul.txt", 0, "policy import " IMPORT "consul.json");
    golden(IMPORT "consul-any.txt", 0,
           "policy import " IMPORT
           "consul-any.yaml --default-allow --identity spiffe://shop.example/ns/shop/sa/{name}");
    struct printed p = run("policy import " IMPORT "istio-refused.yaml");
    CHECK_INT(1, p.status);
    CHECK_TEXT("", buf_slice(&p.out));
    static const char *const words[] = {"CUSTOM asks a server",      "`ipBlocks` of a source",
                                        "`hosts` of an operation",   "`ports` of an operation",
                                        "no path is \"/a//b\" here", "the condition `source.ip`"};
    for (size_t i = 0; i < 6; i++)
        CHECK(slice_has(buf_slice(&p.err), slice_str(words[i])));
    printed_fini(&p);
    refused("policy import nothing.yaml", "cannot be read");
    refused("policy import", "missing: FILE");
}

TESTS_BEGIN()
TESTS_RUN(lint_tells_what_never_holds_and_what_says_nothing_new)
TESTS_RUN(lint_knows_who_is_trusted_and_what_there_is_to_call)
TESTS_RUN(explain_gives_the_proof_or_what_came_nearest)
TESTS_RUN(a_table_of_questions_is_asked)
TESTS_RUN(a_log_is_replayed_and_whoever_loses_is_named)
TESTS_RUN(wrong_words_are_named)
TESTS_RUN(rules_of_other_meshes_are_imported_or_refused_by_name)
TESTS_END()
