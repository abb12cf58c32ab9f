/* golden_test - verdicts on pairs of contracts, as whole texts.
 *
 * tests/golden/contracts/NAME holds consumer.weft, provider.weft and expected.txt: the verdict, each finding,
 * each plan.  With WEFT_GOLDEN=write the texts are written instead of compared: read the difference before
 * committing it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "contracts/facts.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

static const char *const root = "tests/golden/contracts";

static void put_place(struct buf *out, const char *who, const struct verdict_place *p)
{
    const char *slash = p->file ? strrchr(p->file, '/') : NULL;
    buf_putf(out, "  %s at %s:%u:%u\n", who, slash ? slash + 1 : "?", p->line, p->column);
}

static void put_finding(struct buf *out, const struct verdict_finding *f)
{
    static const char *const directions[] = {"request", "response", "surface"};
    buf_putf(out, "%s %.*s %s%s %.*s\n", verdict_level_name(f->level), SLICE_FMT(f->rule), directions[f->direction],
             f->both_directions ? "+response" : "", SLICE_FMT(f->where));
    buf_putf(out, "  %.*s\n", SLICE_FMT(f->message));
    for (size_t i = 0; i < f->operation_count; i++)
        buf_putf(out, "  operation %.*s\n", SLICE_FMT(f->operations[i]));
    put_place(out, "consumer", &f->consumer);
    put_place(out, "provider", &f->provider);
    if (f->witness.len)
        buf_putf(out, "  witness %.*s\n", SLICE_FMT(f->witness));
    buf_putf(out, "  fix %.*s\n", SLICE_FMT(f->fix));
}

static void put_plan(struct buf *out, const char *what, const struct plan *p)
{
    if (!p)
        return;
    buf_putf(out, "  %s, %s\n", what, plan_law_name(plan_law(p)));
    plan_put(p, out);
}

static void put_verdict(struct buf *out, const struct verdict *v)
{
    buf_putf(out, "%s\n", verdict_level_name(verdict_level(v)));
    for (size_t i = 0; i < verdict_operation_count(v); i++) {
        const struct verdict_operation *op = verdict_operation(v, i);
        buf_putf(out, "%.*s -> %.*s: %s\n", SLICE_FMT(op->name), SLICE_FMT(op->provider_name),
                 verdict_level_name(op->level));
        put_plan(out, "request", op->request);
        put_plan(out, "response", op->response);
    }
    for (size_t i = 0; i < verdict_finding_count(v); i++)
        put_finding(out, verdict_finding(v, i));
}

static void read_contract(const char *folder, const char *name, struct contract **out)
{
    char path[512];
    struct diag diag;
    struct buf text;
    snprintf(path, sizeof(path), "%s/%s/%s", root, folder, name);
    diag_init(&diag);
    buf_init(&text, BUF_TEXT_BOUND);
    enum err e = contract_read(path, &diag, out);
    diag_print(&diag, &text);
    if (e != ERR_OK)
        fprintf(stderr, "%s", buf_text(&text));
    buf_fini(&text);
    diag_fini(&diag);
    CHECK_ERR(ERR_OK, e);
}

static void compare(const char *folder, struct slice found)
{
    char path[512];
    struct buf expected;
    snprintf(path, sizeof(path), "%s/%s/expected.txt", root, folder);
    const char *mode = getenv("WEFT_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) {
        CHECK_ERR(ERR_OK, file_write(path, found, 0644));
        return;
    }
    buf_init(&expected, BUF_TEXT_BOUND);
    enum err e = file_read(path, &expected);
    bool same = e == ERR_OK && slice_eq(buf_slice(&expected), found);
    if (!same)
        fprintf(stderr, "%s: found\n%.*s", folder, SLICE_FMT(found));
    buf_fini(&expected);
    CHECK(same);
}

static void run_folder(const char *folder)
{
    struct contract *consumer = NULL, *provider = NULL;
    struct buf out;
    read_contract(folder, "consumer.weft", &consumer);
    read_contract(folder, "provider.weft", &provider);
    buf_init(&out, BUF_TEXT_BOUND);
    struct verdict *v = verdict_compute(consumer, provider);
    put_verdict(&out, v);
    compare(folder, buf_slice(&out));
    buf_fini(&out);
    verdict_unref(&v);
    contract_unref(&consumer);
    contract_unref(&provider);
}

static int is_case(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

/* Once in a process, and kept: before the tests that count what is alive. */
TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(every_pair_gives_its_verdict_findings_and_plans)
{
    struct dirent **folders = NULL;
    int count = scandir(root, &folders, is_case, alphasort);
    CHECK(count >= 30);
    for (int i = 0; i < count; i++) {
        run_folder(folders[i]->d_name);
        free(folders[i]);
    }
    free(folders);
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load), TESTS_RUN(every_pair_gives_its_verdict_findings_and_plans) TESTS_END()
