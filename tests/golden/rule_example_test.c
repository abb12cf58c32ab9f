/* rule_example_test - every pair of contracts/rules/examples.txt is found by its rule, and every rule has one. */
#include "tools/rule_example.h"

#include <stdio.h>

#include "base/file.h"
#include "contracts/facts.h"
#include "contracts/rule_book.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

static const char *const path = "contracts/rules/examples.txt";

struct examples {
    struct arena arena;
    struct buf text;
    struct slice rest;
};

static void open_examples(struct examples *e)
{
    arena_init(&e->arena, 0);
    buf_init(&e->text, 1 << 20);
    CHECK_ERR(ERR_OK, file_read(path, &e->text));
    e->rest = buf_slice(&e->text);
}

static bool next(struct examples *e, struct rule_example *out)
{
    enum err err = rule_example_next(&e->rest, &e->arena, out);
    if (err == ERR_INPUT)
        fprintf(stderr, "%s: no example at: %.40s\n", path, e->rest.at);
    CHECK(err != ERR_INPUT);
    return err == ERR_OK;
}

static void close_examples(struct examples *e)
{
    buf_fini(&e->text);
    arena_fini(&e->arena);
}

static struct contract *contract_of(const struct rule_example *e, struct slice side)
{
    struct contract *c = NULL;
    struct diag diag;
    struct buf text;
    diag_init(&diag);
    enum err err = rule_example_contract(e, side, &diag, &c);
    buf_init(&text, BUF_TEXT_BOUND);
    diag_print(&diag, &text);
    if (err != ERR_OK)
        fprintf(stderr, "%.*s %.*s: %s\n", SLICE_FMT(e->rule), SLICE_FMT(e->direction), buf_text(&text));
    buf_fini(&text);
    diag_fini(&diag);
    CHECK_ERR(ERR_OK, err);
    return c;
}

static const char *direction_of(const struct verdict_finding *f)
{
    static const char *const names[] = {"request", "response", "surface"};
    return names[f->direction];
}

static bool is_of(const struct rule_example *e, const struct verdict_finding *f)
{
    return slice_eq(f->rule, e->rule) && slice_eq(e->direction, slice_str(direction_of(f)));
}

/* What the profile says of the rule is what comes out: breaking unless it says less. */
static bool has_level(const struct rule_example *e, const struct profile *p, const struct verdict_finding *f)
{
    struct slice said = profile_level(p, e->rule, e->direction);
    if (slice_eq(said, SLICE("compatible")))
        return f->level == VERDICT_COMPATIBLE || p->tool.len;
    if (slice_eq(said, SLICE("unproven")))
        return f->level == VERDICT_UNPROVEN || f->level == VERDICT_BREAKING;
    return f->level == VERDICT_BREAKING || f->level == VERDICT_ADAPTABLE;
}

static void put_findings(const struct rule_example *e, const struct verdict *v)
{
    fprintf(stderr, "%.*s %.*s finds:", SLICE_FMT(e->rule), SLICE_FMT(e->direction));
    for (size_t i = 0; i < verdict_finding_count(v); i++) {
        const struct verdict_finding *f = verdict_finding(v, i);
        fprintf(stderr, " %s %.*s %s;", verdict_level_name(f->level), SLICE_FMT(f->rule), direction_of(f));
    }
    fprintf(stderr, "\n");
}

/* Its own rule, and no other above a note. */
static bool finds_its_rule(const struct rule_example *e, const struct profile *p, const struct verdict *v)
{
    size_t own = 0, other = 0;
    for (size_t i = 0; i < verdict_finding_count(v); i++) {
        const struct verdict_finding *f = verdict_finding(v, i);
        if (is_of(e, f) && has_level(e, p, f))
            own++;
        else if (f->level > VERDICT_COMPATIBLE && !slice_eq(f->rule, e->with))
            other++;
    }
    return own > 0 && other == 0;
}

static bool run(const struct rule_example *e)
{
    struct profile p;
    CHECK_ERR(ERR_OK, profile_init(&p, e->profile));
    p.today = 20260101;
    struct contract *old = contract_of(e, e->old), *new = contract_of(e, e->new);
    struct verdict *v = verdict_compute_as(old, new, &p);
    bool found = finds_its_rule(e, &p, v);
    if (!found)
        put_findings(e, v);
    verdict_unref(&v);
    contract_unref(&old);
    contract_unref(&new);
    profile_fini(&p);
    return found;
}

/* Once in a process, and kept: before the tests that count what is alive. */
TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TEST(every_example_is_found_by_its_rule_and_by_no_other)
{
    struct examples all;
    struct rule_example e;
    size_t count = 0, wrong = 0;
    open_examples(&all);
    for (; next(&all, &e); count++)
        wrong += !run(&e);
    close_examples(&all);
    CHECK(count >= 180);
    CHECK_INT(0, wrong);
}

static bool has_example(struct slice rule, struct slice direction)
{
    struct examples all;
    struct rule_example e;
    bool found = false;
    open_examples(&all);
    while (!found && next(&all, &e))
        found = slice_eq(e.rule, rule) && slice_eq(e.direction, direction);
    close_examples(&all);
    return found;
}

TEST(every_rule_has_an_example)
{
    struct rule_book_row row;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "kind", &row);) {
        bool found = has_example(row.column[2], row.column[1]);
        if (!found)
            fprintf(stderr, "no example of %.*s %.*s\n", SLICE_FMT(row.column[2]), SLICE_FMT(row.column[1]));
        CHECK(found);
    }
}

TEST(a_line_that_is_none_of_an_example_is_refused)
{
    static const char *const texts[] = {"member-removed response\n", "== a request\n- x\n",
                                        "== a request\nin nowhere\n- x\n", "== a request\nin facts\n"};
    struct arena arena;
    struct rule_example e;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct slice rest = slice_str(texts[i]);
        CHECK_ERR(ERR_INPUT, rule_example_next(&rest, &arena, &e));
    }
    arena_fini(&arena);
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(every_example_is_found_by_its_rule_and_by_no_other) TESTS_RUN(every_rule_has_an_example)
        TESTS_RUN(a_line_that_is_none_of_an_example_is_refused) TESTS_END()
