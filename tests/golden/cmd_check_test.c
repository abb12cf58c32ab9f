/* cmd_check_test - what `weft check` prints, and its exit status.
 *
 * Each text stands in tests/golden/check/NAME.txt; WEFT_GOLDEN=write writes them. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/commands.h"
#include "contracts/facts.h"
#include "tests/kit/printed.h"
#include "tests/kit/t.h"

enum { WORDS = 16, OUTPUT = 1 << 20 };

/* `line` is a command line, words apart by single blanks. */
static struct printed check(const char *line)
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
    return printed_by(strcmp(argv[0], "import") == 0 ? cmd_import : cmd_check, argc, argv);
}

/* Proofs name lines of the rules; one golden text that has them is enough. */
static void drop_proofs(struct buf *text)
{
    struct buf kept;
    buf_init(&kept, OUTPUT);
    struct slice rest = buf_slice(text), line;
    while (slice_split(&rest, '\n', &line))
        if (!slice_has(line, SLICE("\"proof\": ")))
            buf_putf(&kept, "%.*s\n", SLICE_FMT(line));
    buf_fini(text);
    *text = kept;
}

static void golden(const char *name, int status, const char *line)
{
    char path[256];
    const char *mode = getenv("WEFT_GOLDEN");
    struct printed p = check(line);
    struct buf expected;
    snprintf(path, sizeof(path), "tests/golden/check/%s.txt", name);
    if (slice_ends(slice_str(name), SLICE(".json")))
        drop_proofs(&p.out);
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
    struct printed p = check(line);
    CHECK_INT(2, p.status);
    CHECK_TEXT("", buf_slice(&p.out));
    CHECK(slice_has(buf_slice(&p.err), slice_str(words)));
    printed_fini(&p);
}

#define PROTO "tests/golden/check/json_plan/"
#define DRIFT "examples/drifted-field/"

TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(an_adaptable_change_is_fine_and_its_plan_can_be_shown)
{
    golden("adaptable", 0, "check " DRIFT "orders-1.weft " DRIFT "orders-2.weft --plan");
}

TEST(plans_are_printed_alone_for_weft_adapt)
{
    golden("plan", 0, "check " DRIFT "orders-1.weft " DRIFT "orders-2.weft --format plan");
    golden("plan-full", 1, "check " DRIFT "orders-1.weft " DRIFT "orders-3.weft --mode full --format plan");
    golden("plan-json", 0, "check " PROTO "old.proto " PROTO "new.proto --format plan --json caller");
    golden("plan-json-text", 0, "check " PROTO "old.proto " PROTO "old.proto --plan --json function");
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
    printed_fini(&p);
    p = check("check " DRIFT "orders-1.weft " DRIFT "orders-2.weft --fail-on break");
    CHECK_INT(0, p.status);
    printed_fini(&p);
}

TEST(a_finding_explains_itself_by_its_fingerprint)
{
    struct printed p = check("check --format json " DRIFT "orders-1.weft " DRIFT "orders-3.weft");
    const char *id = strstr(buf_text(&p.out), "\"id\": \"");
    CHECK(id != NULL);
    char line[256];
    snprintf(line, sizeof(line), "check " DRIFT "orders-1.weft " DRIFT "orders-3.weft --explain %.16s", id + 7);
    printed_fini(&p);
    golden("explain", 0, line);
}

TEST(two_openapi_documents_are_compared)
{
    golden("openapi", 1, "check examples/first-check/orders-1.yaml examples/first-check/orders-2.yaml");
}

TEST(what_cannot_be_read_is_never_no_findings)
{
    refused("check " DRIFT "orders-1.weft " DRIFT "nothing.weft", "no such file");
    refused("check " DRIFT "orders-1.weft examples/drifted-field", "a folder and a file do not match");
    refused("check tests/unit tests/unit", "there is no contract in this folder");
    refused("check " DRIFT "orders-1.weft tests/golden/check/prose.txt", "--format-in");
    refused("check " DRIFT "orders-1.weft tests/golden/check/broken.weft", "did you mean `field`?");
    refused("check git:no-such-revision:a.yaml " DRIFT "orders-1.weft", "git does not have it");
    refused("check git:a.yaml " DRIFT "orders-1.weft", "a revision and a path are expected");
    refused("check " DRIFT "orders-1.weft " DRIFT "orders-2.weft --explain ffff", "no finding ffff");
    refused("import " DRIFT "nothing.weft", "no such file");
    refused("import " DRIFT, "there are 3 contracts in it");
}

TEST(wrong_arguments_are_named)
{
    refused("check " DRIFT "orders-1.weft", "missing: NEW");
    refused("check", "missing: OLD NEW");
    refused("check a b --profil x", "did you mean --profile?");
    refused("check a b --profile nobody", "there is no profile nobody: ");
    refused("check a b --profile openap", "there is no profile openap: did you mean openapi?");
    refused("check a b --format html", "--format cannot be \"html\"");
    refused("check a b --format-in html", "--format-in is one of");
    refused("check a b --only member-remover", "did you mean member-removed?");
    refused("check a b --only oasdiff:request-parameter-remved", "did you mean oasdiff:request-parameter-removed?");
    refused("check a b --only oasdiff:removed-api", "did you mean oasdiff:api-");
    refused("check a b --level buf:FIELD_DELETE=compatible",
            "there is no rule buf:FIELD_DELETE: did you mean buf:FIELD");
    refused("check a b --only nonsense", "docs/rules.md has all");
    refused("check a b --level member-removed=harmless", "--level wants RULE=");
    refused("check a b --as provider --mode full", "--as says what --mode says");
    refused("check a b --deploy c", "--deploy takes one contract or none");
    refused("check --deploy c --as provider", "--as needs the contract");
}

#define LIBRARY "examples/first-check/library-1.yaml examples/first-check/library-2.yaml"

TEST(two_openapi_files_are_told_apart_in_every_format)
{
    golden("library", 1, "check " LIBRARY);
    golden("library.json", 1, "check " LIBRARY " --format json");
    golden("library.sarif", 1, "check " LIBRARY " --format sarif");
    golden("library.junit", 1, "check " LIBRARY " --format junit");
    golden("library.github", 1, "check " LIBRARY " --format github");
    golden("library.gitlab", 1, "check " LIBRARY " --format gitlab");
    golden("library.markdown", 1, "check " LIBRARY " --format markdown");
}

#define ODD "tests/golden/check/odd-1.weft tests/golden/check/odd-2.weft"

/* Files that are none of ours, in a folder of their own. */
static void spoil(const char *folder)
{
    const struct {
        const char *name;
        struct slice text;
    } files[] = {{"empty.yaml", {0}},
                 {"blank.yaml", SLICE(" \n\t\n")},
                 {"bytes.bin", SLICE("\x7f"
                                     "ELF\0\0\x01\xff")},
                 {"half.json", SLICE("{\"openapi\": \"3.0.0\"")}};
    char path[128];
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
        CHECK_ERR(ERR_OK, file_write(path, files[i].text, 0600));
    }
    snprintf(path, sizeof(path), "%s/locked.yaml", folder);
    CHECK_ERR(ERR_OK, file_write(path, SLICE("openapi: 3.1.0\n"), 0000));
    snprintf(path, sizeof(path), "%s/nothing", folder);
    CHECK_INT(0, mkdir(path, 0700));
}

TEST(files_that_are_no_contracts_are_refused_by_what_they_are)
{
    char folder[] = "/tmp/weft-check-XXXXXX", line[256];
    static const struct {
        const char *name, *words;
    } cases[] = {{"empty.yaml", "empty.yaml: error: this file is empty\n"},
                 {"blank.yaml", "blank.yaml: error: this file is empty\n"},
                 {"bytes.bin", "bytes.bin: error: this is no text\n"},
                 {"half.json", "half.json:1:20: error: `,` or `}` is expected here"},
                 {"nothing", "nothing: error: there is no contract in this folder"}};
    CHECK(mkdtemp(folder) != NULL);
    spoil(folder);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(line, sizeof(line), "check " DRIFT "orders-1.weft %s/%s", folder, cases[i].name);
        refused(line, cases[i].words);
    }
    /* Nothing is locked to root. */
    if (geteuid() != 0) {
        snprintf(line, sizeof(line), "check " DRIFT "orders-1.weft %s/locked.yaml", folder);
        refused(line, "cannot be read: Permission denied");
    }
    snprintf(line, sizeof(line), "rm -rf %s", folder);
    CHECK_INT(0, system(line));
    refused("check - -", "standard input can be read once only");
    refused("check - --against -", "standard input can be read once only");
    refused("check " DRIFT "orders-1.weft --against no-such-revision", "git does not have it");
    refused("check git:HEAD:no/such/path.yaml " DRIFT "orders-1.weft", "git does not have it");
}

TEST(odd_names_stay_text_in_every_format)
{
    golden("odd", 1, "check " ODD);
    golden("odd.json", 1, "check " ODD " --format json");
    golden("odd.sarif", 1, "check " ODD " --format sarif");
    golden("odd.junit", 1, "check " ODD " --format junit");
    golden("odd.github", 1, "check " ODD " --format github");
    golden("odd.gitlab", 1, "check " ODD " --format gitlab");
    golden("odd.markdown", 1, "check " ODD " --format markdown");
}

TEST(a_comparison_that_a_limit_stops_is_unproven_and_status_3)
{
    golden("steps", 3, "check " LIBRARY " --steps 50");
    golden("steps-accepted", 3, "check " LIBRARY " --steps 50 --fail-on break");
    refused("check " LIBRARY " --steps many", "not a number: many");
}

TEST(the_bump_is_that_of_what_was_neither_chosen_otherwise_nor_accepted)
{
    golden("bump-level", 0,
           "check " LIBRARY " --level symbol-added=compatible --level member-became-required=compatible");
    golden("bump-forward", 0, "check " LIBRARY " --mode forward");
    golden("bump-baseline", 0, "check " LIBRARY " --baseline tests/golden/check/accepted-all.yaml");
}

TEST(a_body_that_is_null_is_told_from_none)
{
    struct printed p = check("check tests/golden/check/null-1.weft tests/golden/check/null-2.weft --format json");
    CHECK_INT(1, p.status);
    CHECK(slice_has(buf_slice(&p.out), SLICE("\"witness\": null,\n      \"shown\": true,\n")));
    CHECK(!slice_has(buf_slice(&p.out), SLICE("\"shown\": false")));
    printed_fini(&p);
}

TEST(rules_can_be_chosen_and_judged_otherwise)
{
    golden("only", 1, "check " LIBRARY " --only member-became-required,member-removed");
    golden("only-foreign", 1, "check " LIBRARY " --profile openapi --only oasdiff:request-property-became-required");
    golden("level-foreign", 0,
           "check " LIBRARY " --profile openapi --only oasdiff:request-property-became-required --level "
           "oasdiff:request-property-became-required=compatible");
    golden("level", 0, "check " LIBRARY " --level symbol-added=compatible --level member-became-required=adaptable");
    golden("notes", 0,
           "check " LIBRARY " --level symbol-added=compatible --level member-became-required=adaptable --notes");
}

TEST(names_of_other_tools_choose_and_judge_under_any_profile)
{
    golden("only-foreign-wire", 1, "check " LIBRARY " --only oasdiff:request-property-became-required");
    golden("profile-foreign", 1, "check " LIBRARY " --profile oasdiff:request-property-became-required --notes");
    golden("profile-strict", 1, "check " LIBRARY " --profile strict");
    golden("level-category", 0,
           "check tests/golden/check/proto-1 tests/golden/check/proto-2 --level buf:FILE=compatible --level "
           "buf:WIRE=compatible");
}

TEST(a_baseline_accepts_by_fingerprint_and_tells_what_is_stale_or_expired)
{
    golden("baseline", 1, "check " LIBRARY " --baseline tests/golden/check/accepted.yaml");
    refused("check " LIBRARY " --baseline tests/golden/check/accepted-wrong.yaml",
            "a reason and an owner are expected");
    refused("check " LIBRARY " --baseline tests/golden/check/accepted-misspelt.yaml", "did you mean symbol-added?");
    refused("check " LIBRARY " --baseline nothing.yaml", "nothing.yaml");
}

TEST(a_baseline_that_was_written_accepts_everything)
{
    struct printed p = check("check " LIBRARY " --baseline-write /tmp/weft-check-baseline.yaml");
    CHECK_INT(0, p.status);
    printed_fini(&p);
    p = check("check " LIBRARY " --fail-on adaptable --baseline /tmp/weft-check-baseline.yaml");
    CHECK_INT(0, p.status);
    printed_fini(&p);
    unlink("/tmp/weft-check-baseline.yaml");
}

TEST(folders_are_matched_by_path)
{
    golden("folders", 1, "check tests/golden/check/fleet-1 tests/golden/check/fleet-2");
    golden("folders.json", 1, "check tests/golden/check/fleet-1 tests/golden/check/fleet-2 --format json");
}

TEST(proto_files_of_a_folder_are_one_contract)
{
    golden("proto", 1, "check tests/golden/check/proto-1 tests/golden/check/proto-2");
    golden("proto-buf", 1,
           "check tests/golden/check/proto-1 tests/golden/check/proto-2 --profile buf:WIRE_JSON --notes");
    golden("proto-none", 0, "check tests/golden/check/proto-1 tests/golden/check/proto-2 --profile buf:FILE_NO_DELETE");
    refused("check tests/golden/check/proto-1 tests/golden/check/proto-2 --profile buf:FILE_NO_DELTE",
            "did you mean buf:FILE_NO_DELETE?");
}

TEST(older_versions_count_too)
{
    golden("against", 1,
           "check " DRIFT "orders-2.weft --against " DRIFT "orders-1.weft --against " DRIFT "orders-3.weft");
}

TEST(whoever_releases_decides_the_question)
{
    golden("as-consumer", 0, "check --as consumer tests/golden/check/train-2.weft tests/golden/check/train-2.weft");
    struct printed p = check("check --as consumer " DRIFT "orders-1.weft " DRIFT "orders-2.weft --format json");
    CHECK(slice_has(buf_slice(&p.out), SLICE("\"side\": \"consumer\"")));
    CHECK(!slice_has(buf_slice(&p.out), SLICE("\"side\": \"provider\"")));
    printed_fini(&p);
}

TEST(what_is_deployed_is_judged_in_pairs)
{
    golden("deploy", 1, "check --deploy tests/golden/check/deployed");
    golden("deploy-candidate", 1, "check " DRIFT "orders-3.weft --deploy tests/golden/check/deployed --as provider");
    refused("check " DRIFT "orders-1.weft --as consumer --deploy tests/golden/check/fleet-1", "nobody provides");
}

/* Everything the same but where the old one comes from. */
TEST(a_revision_in_git_is_a_place)
{
    char folder[] = "/tmp/weft-check-git-XXXXXX", line[1024], here[512];
    CHECK(mkdtemp(folder) && getcwd(here, sizeof(here)));
    snprintf(
        line, sizeof(line),
        "cp examples/first-check/library-*.yaml %s/ && cd %s && mkdir api && mv library-1.yaml api/library.yaml && "
        "git init -q . && git add api && git -c user.name=t -c user.email=t@example.org -c commit.gpgsign=false "
        "commit -qm one && git tag v1 && mv library-2.yaml api/library.yaml",
        folder, folder);
    CHECK_INT(0, system(line));
    CHECK_INT(0, chdir(folder));
    struct printed file = check("check git:v1:api/library.yaml api/library.yaml");
    struct printed whole = check("check git:v1:. .");
    struct printed same = check("check api/library.yaml --against git:v1:api");
    struct printed revision = check("check api/library.yaml --against v1 --format json");
    struct printed gone = check("check git:v2:api/library.yaml api/library.yaml");
    CHECK_INT(0, chdir(here));
    snprintf(line, sizeof(line), "rm -rf %s", folder);
    CHECK_INT(0, system(line));
    CHECK_INT(1, file.status);
    CHECK(slice_has(buf_slice(&file.out), SLICE("member-became-required  Loan.days")));
    CHECK(slice_has(buf_slice(&file.out), SLICE("old      v1:api/library.yaml:51:15\n")));
    CHECK(slice_has(buf_slice(&file.out), SLICE("new      api/library.yaml:52:15\n")));
    CHECK_INT(1, whole.status);
    CHECK(slice_has(buf_slice(&whole.out), SLICE("== api/library.yaml\n")));
    CHECK_INT(1, same.status);
    CHECK_INT(1, revision.status);
    CHECK(slice_has(buf_slice(&revision.out), SLICE("\"label\": \"v1\"")));
    CHECK_INT(2, gone.status);
    CHECK_TEXT("", buf_slice(&gone.out));
    printed_fini(&file);
    printed_fini(&whole);
    printed_fini(&same);
    printed_fini(&revision);
    printed_fini(&gone);
}

TEST(what_import_prints_reads_back_to_the_same_digest)
{
    struct printed p = check("import examples/first-check/library-1.yaml");
    CHECK_INT(0, p.status);
    CHECK_ERR(ERR_OK, file_write("/tmp/weft-check-import.weft", buf_slice(&p.out), 0600));
    printed_fini(&p);
    golden("import", 0, "check examples/first-check/library-1.yaml /tmp/weft-check-import.weft --fail-on any");
    unlink("/tmp/weft-check-import.weft");
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(an_adaptable_change_is_fine_and_its_plan_can_be_shown) TESTS_RUN(plans_are_printed_alone_for_weft_adapt)
        TESTS_RUN(a_breaking_change_fails_and_says_where) TESTS_RUN(the_same_file_twice_has_nothing_to_say)
            TESTS_RUN(both_questions_are_asked_in_full) TESTS_RUN(programs_read_json) TESTS_RUN(
                a_job_is_asked_about_in_both_directions_by_itself) TESTS_RUN(the_failing_level_can_be_moved)
                TESTS_RUN(a_finding_explains_itself_by_its_fingerprint) TESTS_RUN(two_openapi_documents_are_compared)
                    TESTS_RUN(what_cannot_be_read_is_never_no_findings) TESTS_RUN(wrong_arguments_are_named)
                        TESTS_RUN(two_openapi_files_are_told_apart_in_every_format)
                            TESTS_RUN(files_that_are_no_contracts_are_refused_by_what_they_are) TESTS_RUN(
                                odd_names_stay_text_in_every_format)
                                TESTS_RUN(a_comparison_that_a_limit_stops_is_unproven_and_status_3) TESTS_RUN(
                                    the_bump_is_that_of_what_was_neither_chosen_otherwise_nor_accepted)
                                    TESTS_RUN(a_body_that_is_null_is_told_from_none) TESTS_RUN(
                                        rules_can_be_chosen_and_judged_otherwise)
                                        TESTS_RUN(names_of_other_tools_choose_and_judge_under_any_profile) TESTS_RUN(
                                            a_baseline_accepts_by_fingerprint_and_tells_what_is_stale_or_expired)
                                            TESTS_RUN(a_baseline_that_was_written_accepts_everything)
                                                TESTS_RUN(folders_are_matched_by_path)
                                                    TESTS_RUN(proto_files_of_a_folder_are_one_contract)
                                                        TESTS_RUN(older_versions_count_too)
                                                            TESTS_RUN(whoever_releases_decides_the_question) TESTS_RUN(
                                                                what_is_deployed_is_judged_in_pairs)
                                                                TESTS_RUN(a_revision_in_git_is_a_place) TESTS_RUN(
                                                                    what_import_prints_reads_back_to_the_same_digest)
                                                                    TESTS_END()
