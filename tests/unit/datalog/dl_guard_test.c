#include "datalog/dl_guard.h"

#include <stdio.h>

#include "tests/unit/datalog/trial.h"

enum { RULES = 200 };

/* `RULES` rules by a(), of which those named by `extra` are as given. */
static void start(struct trial *t, const char *declared, const char *rule, const char *extra)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_put(&text, slice_str(declared));
    for (unsigned i = 0; i < RULES; i++) {
        buf_putf(&text, rule, i, i);
        buf_put_char(&text, '\n');
    }
    buf_put(&text, slice_str(extra));
    trial_start(t, buf_text(&text), (struct datalog_limits){.proofs = true, .max_steps = 1000});
    buf_fini(&text);
}

static void give(struct trial *t, const char *relation, const char *word)
{
    datalog_word columns[1] = {trial_symbol(t, word)};
    datalog_fact(t->run, trial_relation(t, relation), columns);
}

static struct dl_picked picked(struct trial *t, const char *relation)
{
    const struct dl_relation *r = t->program->relations[trial_relation(t, relation)];
    return dl_guard_pick(t->run, &t->program->groups[r->group]);
}

#define DECLARED ".decl a(x: symbol)\n.decl b(x: symbol)\n.decl out(x: symbol)\n.output out\n"

TEST(only_rules_whose_constant_is_there_are_looked_at)
{
    struct trial t;
    start(&t, DECLARED, "out(\"got%u\") :- a(\"word%u\").", "out(X) :- b(X).\n");
    CHECK_INT(1, picked(&t, "out").count); /* the last has no constant: it always counts */
    give(&t, "a", "word7");
    give(&t, "a", "word3");
    give(&t, "a", "no rule's word");
    struct dl_picked p = picked(&t, "out");
    CHECK_INT(3, p.count);
    CHECK_INT(5 + 3, p.v[0]->at.line); /* in the order of the program */
    CHECK_INT(5 + 7, p.v[1]->at.line);
    CHECK_INT(5 + RULES, p.v[2]->at.line);
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_INT(2, datalog_count(t.run, trial_relation(&t, "out")));
    datalog_word got[1] = {trial_symbol(&t, "got7")};
    CHECK(datalog_has(t.run, trial_relation(&t, "out"), got));
    trial_fini(&t);
}

TEST(the_rarest_constant_of_a_rule_is_its_guard)
{
    struct trial t;
    start(&t, DECLARED, "out(\"got%u\") :- a(\"all\"), b(\"word%u\").", "");
    give(&t, "a", "all");
    CHECK_INT(0, picked(&t, "out").count);
    give(&t, "b", "word9");
    CHECK_INT(1, picked(&t, "out").count);
    trial_fini(&t);
}

TEST(a_relation_that_is_computed_first_guards_as_well)
{
    struct trial t;
    start(&t, DECLARED ".decl c(x: symbol)\n", "out(\"got%u\") :- c(\"word%u\").", "c(X) :- a(X).\n");
    give(&t, "a", "word11");
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_INT(1, datalog_count(t.run, trial_relation(&t, "out")));
    const char *file;
    unsigned line;
    datalog_word got[1] = {trial_symbol(&t, "got11")};
    CHECK(datalog_source(t.run, trial_relation(&t, "out"), got, &file, &line));
    CHECK_INT(6 + 11, line);
    trial_fini(&t);
}

TEST(a_relation_of_the_same_group_guards_nothing)
{
    struct trial t;
    start(&t, DECLARED ".decl c(x: symbol)\n", "c(\"x%u\") :- out(\"x%u\").", "out(X) :- c(X).\nout(X) :- a(X).\n");
    give(&t, "a", "x5");
    CHECK_INT(RULES + 2, picked(&t, "c").count);
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_INT(1, datalog_count(t.run, trial_relation(&t, "c")));
    trial_fini(&t);
}

TEST(with_many_tuples_all_rules_are_taken)
{
    struct trial t;
    char word[16];
    start(&t, DECLARED, "out(\"got%u\") :- a(\"word%u\").", "");
    for (unsigned i = 0; i < RULES; i++) {
        snprintf(word, sizeof(word), "word%u", i);
        give(&t, "a", word);
    }
    CHECK_INT(RULES, picked(&t, "out").count);
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_INT(RULES, datalog_count(t.run, trial_relation(&t, "out")));
    trial_fini(&t);
}

TEST(a_rule_that_many_tuples_call_for_runs_once)
{
    struct trial t;
    start(&t, ".decl a(x: symbol, y: symbol)\n.decl b(x: symbol)\n.decl out(x: symbol)\n.output out\n",
          "out(\"got%u\") :- a(\"word%u\", _).", "");
    for (unsigned i = 0; i < 3; i++) {
        datalog_word columns[2] = {trial_symbol(&t, "word4"), trial_symbol(&t, i ? i == 1 ? "p" : "q" : "r")};
        datalog_fact(t.run, trial_relation(&t, "a"), columns);
    }
    CHECK_INT(1, picked(&t, "out").count);
    trial_fini(&t);
}

TESTS_BEGIN()
TESTS_RUN(only_rules_whose_constant_is_there_are_looked_at)
TESTS_RUN(the_rarest_constant_of_a_rule_is_its_guard)
TESTS_RUN(a_relation_that_is_computed_first_guards_as_well)
TESTS_RUN(a_relation_of_the_same_group_guards_nothing)
TESTS_RUN(with_many_tuples_all_rules_are_taken)
TESTS_RUN(a_rule_that_many_tuples_call_for_runs_once)
TESTS_END()
