#include "datalog/dl_explain.h"

#include "tests/unit/datalog/trial.h"

static const char program[] = ".decl edge(x:number, y:number)\n"
                              ".decl path(x:number, y:number)\n"
                              ".decl far(x:number, n:number)\n"
                              "path(x, y) :- edge(x, y).\n"
                              "path(x, z) :- path(x, y), path(y, z), x != z.\n"
                              "far(x, n * 10) :- path(x, _), n = count : { path(x, _) }, !edge(_, x).\n"
                              "edge(1, 2). edge(2, 3).\n"
                              "edge(3, 4).\n";

static void start(struct trial *t)
{
    trial_start(t, program, (struct datalog_limits){.proofs = true});
    CHECK_ERR(ERR_OK, datalog_run_eval(t->run, &t->why));
}

static void explains(const char *relation, datalog_word a, datalog_word b, const char *want)
{
    struct trial t;
    struct datalog_proof *proof;
    start(&t);
    CHECK_ERR(ERR_OK, datalog_explain(t.run, trial_relation(&t, relation), (datalog_word[]){a, b}, &t.arena, &proof));
    datalog_put_proof(t.run, proof, &t.out);
    CHECK_TEXT(want, buf_slice(&t.out));
    trial_fini(&t);
}

TEST(a_proof_is_a_tree_down_to_facts_with_their_places)
{
    explains("path", 1, 3,
             "path(1, 3)                                         t.dl:5\n"
             "  path(1, 2)                                       t.dl:4\n"
             "    edge(1, 2)                                     t.dl:7\n"
             "  path(2, 3)                                       t.dl:4\n"
             "    edge(2, 3)                                     t.dl:7\n"
             "  1 != 3\n");
}

TEST(absences_and_aggregates_are_leaves)
{
    explains("far", 1, 30,
             "far(1, 30)                                         t.dl:6\n"
             "  path(1, 2)                                       t.dl:4\n"
             "    edge(1, 2)                                     t.dl:7\n"
             "  count : { path(1, _) } = 3\n"
             "  there is no edge(_, 1)\n");
}

TEST(what_is_needed_twice_is_derived_once)
{
    struct trial t;
    struct datalog_proof *proof;
    trial_start(&t, ".decl a(x:number)\n.decl b(x:number)\n.decl c()\na(1).\nb(x) :- a(x).\nc :- b(x), b(y), x <= y.\n",
                (struct datalog_limits){.proofs = true});
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_ERR(ERR_OK, datalog_explain(t.run, trial_relation(&t, "c"), NULL, &t.arena, &proof));
    datalog_put_proof(t.run, proof, &t.out);
    CHECK_TEXT("c                                                  t.dl:6\n"
               "  b(1)                                             t.dl:5\n"
               "    a(1)                                           t.dl:4\n"
               "  b(1)                                             t.dl:5  (shown above)\n"
               "  1 <= 1\n",
               buf_slice(&t.out));
    trial_fini(&t);
}

TEST(a_shorter_way_found_later_is_the_proof)
{
    struct trial t;
    struct datalog_proof *proof;
    trial_start(&t,
                ".decl e(x:number, y:number)\n.decl p(x:number, y:number)\n.decl q(x:number)\n"
                "q(y) :- p(1, y).\np(x, y) :- e(x, y).\np(x, z) :- p(x, y), e(y, z).\nq(x) :- e(x, 9).\n"
                "e(1, 2). e(2, 3). e(3, 9).\n",
                (struct datalog_limits){.proofs = true});
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_ERR(ERR_OK, datalog_explain(t.run, trial_relation(&t, "q"), (datalog_word[]){3}, &t.arena, &proof));
    CHECK_INT(7, proof->line);
    CHECK_INT(8, proof->first->line);
    trial_fini(&t);
}

TEST(a_given_fact_has_the_place_it_was_given)
{
    struct trial t;
    struct datalog_proof *proof;
    trial_start(&t, ".decl a(x:number)\n", (struct datalog_limits){.proofs = true});
    datalog_fact_at(t.run, 0, (datalog_word[]){1}, "orders.yaml", 41);
    datalog_fact(t.run, 0, (datalog_word[]){2});
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_ERR(ERR_OK, datalog_explain(t.run, 0, (datalog_word[]){1}, &t.arena, &proof));
    CHECK_TEXT("orders.yaml", slice_str(proof->file));
    CHECK_INT(41, proof->line);
    CHECK_ERR(ERR_OK, datalog_explain(t.run, 0, (datalog_word[]){2}, &t.arena, &proof));
    CHECK(proof->file == NULL && proof->rule.len == 0 && proof->first == NULL);
    CHECK_ERR(ERR_ABSENT, datalog_explain(t.run, 0, (datalog_word[]){3}, &t.arena, &proof));
    trial_fini(&t);
}

TEST(a_proof_as_high_as_a_long_chain_is_found_and_cut_short_in_print)
{
    enum { LONG = 30000 };
    struct trial t;
    struct datalog_proof *proof;
    trial_start(&t, ".decl next(x:number, y:number)\n.decl at(x:number)\nat(0).\nat(y) :- at(x), next(x, y).\n",
                (struct datalog_limits){.proofs = true});
    for (int i = 0; i < LONG; i++)
        datalog_fact(t.run, 0, (datalog_word[]){i, i + 1});
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_ERR(ERR_OK, datalog_explain(t.run, 1, (datalog_word[]){LONG}, &t.arena, &proof));
    int height = 0;
    for (const struct datalog_proof *n = proof; n->first; n = n->first)
        height++;
    CHECK_INT(LONG, height);
    datalog_put_proof(t.run, proof, &t.out);
    CHECK(slice_ends(buf_slice(&t.out), SLICE("... and more\n")));
    CHECK(buf_len(&t.out) < 3 << 20);
    trial_fini(&t);
}

static const char policy[] = ".decl peer(s:symbol)\n.decl op(o:symbol)\n.decl job(j:symbol)\n.decl allow()\n"
                             "allow :- op(\"list\").\n"
                             "allow :- peer(p), op(\"x\"), // by whom\n  !job(p).\n"
                             "allow :- peer(\"a\"), op(\"y\").\n";

TEST(why_not_names_the_nearest_rule_and_what_fails_in_it)
{
    struct trial t;
    struct datalog_why_not *w;
    trial_start(&t, policy, (struct datalog_limits){0});
    datalog_fact(t.run, trial_relation(&t, "peer"), (datalog_word[]){trial_symbol(&t, "a")});
    datalog_fact(t.run, trial_relation(&t, "op"), (datalog_word[]){trial_symbol(&t, "x")});
    datalog_fact(t.run, trial_relation(&t, "job"), (datalog_word[]){trial_symbol(&t, "a")});
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_ERR(ERR_OK, datalog_why_not(t.run, trial_relation(&t, "allow"), NULL, &t.arena, &w));
    datalog_put_why_not(w, &t.out);
    CHECK_TEXT("allow :- peer(p), op(\"x\"), !job(p).  (t.dl:6)  2 of 3 hold; fails: !job(\"a\")\n"
               "allow :- peer(\"a\"), op(\"y\").  (t.dl:8)  1 of 2 hold; fails: op(\"y\")\n"
               "allow :- op(\"list\").  (t.dl:5)  0 of 1 hold; fails: op(\"list\")\n",
               buf_slice(&t.out));
    trial_fini(&t);
}

TEST(why_not_leaves_out_rules_for_other_tuples)
{
    struct trial t;
    struct datalog_why_not *w = NULL;
    start(&t);
    int path = trial_relation(&t, "path");
    CHECK_ERR(ERR_EXISTS, datalog_why_not(t.run, path, (datalog_word[]){1, INT64_MIN}, &t.arena, &w));
    CHECK_ERR(ERR_OK, datalog_why_not(t.run, path, (datalog_word[]){4, INT64_MIN}, &t.arena, &w));
    datalog_put_why_not(w, &t.out);
    CHECK_TEXT("path(x, y) :- edge(x, y).  (t.dl:4)  0 of 1 hold; fails: edge(4, y)\n"
               "path(x, z) :- path(x, y), path(y, z), x != z.  (t.dl:5)  0 of 3 hold; fails: path(4, y)\n",
               buf_slice(&t.out));
    CHECK_ERR(ERR_OK, datalog_why_not(t.run, trial_relation(&t, "edge"), (datalog_word[]){9, 9}, &t.arena, &w));
    CHECK(w == NULL);
    trial_fini(&t);
}

TEST(why_not_takes_records_apart)
{
    struct trial t;
    struct datalog_why_not *w = NULL;
    int rel;
    datalog_word columns[DATALOG_COLUMNS];
    trial_start(
        &t,
        ".type T = Leaf { v:number } | Two { a:T, b:T }\n.decl t(x:T)\n.decl size(x:T, n:number)\nt($Leaf(1)).\n"
        "size($Leaf(x), 1) :- t($Leaf(x)).\nsize($Two(a, a), 2) :- t(a).\n",
        (struct datalog_limits){0});
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    struct datalog_text question = {.file = "q", .text = SLICE("size($Leaf(7), 1)")};
    CHECK_ERR(ERR_OK, datalog_ask(t.run, &question, &t.diag, &rel, columns));
    CHECK_ERR(ERR_OK, datalog_why_not(t.run, rel, columns, &t.arena, &w));
    datalog_put_why_not(w, &t.out);
    CHECK_TEXT("size($Leaf(x), 1) :- t($Leaf(x)).  (t.dl:5)  0 of 1 hold; fails: t($Leaf(7))\n", buf_slice(&t.out));
    trial_fini(&t);
}

TESTS_BEGIN()
TESTS_RUN(a_proof_is_a_tree_down_to_facts_with_their_places)
TESTS_RUN(absences_and_aggregates_are_leaves)
TESTS_RUN(what_is_needed_twice_is_derived_once)
TESTS_RUN(a_shorter_way_found_later_is_the_proof)
TESTS_RUN(a_given_fact_has_the_place_it_was_given)
TESTS_RUN(a_proof_as_high_as_a_long_chain_is_found_and_cut_short_in_print)
TESTS_RUN(why_not_names_the_nearest_rule_and_what_fails_in_it)
TESTS_RUN(why_not_leaves_out_rules_for_other_tuples)
TESTS_RUN(why_not_takes_records_apart)
TESTS_END()
