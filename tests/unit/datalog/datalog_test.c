#include "datalog/datalog.h"

#include "tests/unit/datalog/trial.h"

static const char closure[] = ".decl edge(x:number, y:number)\n"
                              ".decl path(x:number, y:number)\n"
                              "path(x, y) :- edge(x, y).\n"
                              "path(x, z) :- path(x, y), edge(y, z).\n";

static void edge(struct trial *t, datalog_word from, datalog_word to)
{
    datalog_fact(t->run, trial_relation(t, "edge"), (datalog_word[]){from, to});
}

TEST(a_closure_is_complete)
{
    struct trial t;
    trial_start(&t, closure, (struct datalog_limits){0});
    edge(&t, 1, 2);
    edge(&t, 2, 3);
    edge(&t, 3, 1);
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_INT(9, datalog_count(t.run, trial_relation(&t, "path")));
    CHECK(datalog_has(t.run, trial_relation(&t, "path"), (datalog_word[]){3, 3}));
    CHECK(!datalog_has(t.run, trial_relation(&t, "path"), (datalog_word[]){3, 4}));
    trial_fini(&t);
}

TEST(the_same_fact_twice_is_one)
{
    struct trial t;
    trial_start(&t, closure, (struct datalog_limits){0});
    edge(&t, 1, 2);
    edge(&t, 1, 2);
    CHECK_INT(1, datalog_count(t.run, trial_relation(&t, "edge")));
    trial_fini(&t);
}

TEST(a_reset_run_answers_as_a_fresh_one)
{
    struct trial t;
    trial_start(&t, closure, (struct datalog_limits){0});
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < round; i++)
            edge(&t, i, i + 1);
        CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
        CHECK_INT(round * (round + 1) / 2, datalog_count(t.run, trial_relation(&t, "path")));
        datalog_run_reset(t.run);
        CHECK_INT(0, datalog_count(t.run, trial_relation(&t, "path")));
    }
    trial_fini(&t);
}

TEST(facts_of_the_program_outlive_a_reset_and_symbols_of_the_run_do_not)
{
    struct trial t;
    datalog_word id;
    trial_start(&t, ".decl r(x:symbol)\nr(\"kept\").\n", (struct datalog_limits){0});
    datalog_fact(t.run, trial_relation(&t, "r"), (datalog_word[]){trial_symbol(&t, "passing")});
    CHECK_TEXT("r(\"kept\")\nr(\"passing\")\n", trial_read(&t, "r"));
    datalog_run_reset(t.run);
    CHECK_TEXT("r(\"kept\")\n", trial_read(&t, "r"));
    CHECK_ERR(ERR_ABSENT, datalog_symbol_find(t.run, SLICE("passing"), &id));
    CHECK_ERR(ERR_OK, datalog_symbol_find(t.run, SLICE("kept"), &id));
    CHECK_TEXT("kept", datalog_symbol_text(t.run, id));
    trial_fini(&t);
}

TEST(tuples_come_sorted_and_read_back_as_written)
{
    trial_gives(".decl r(a:symbol, b:number, c:unsigned, d:float)\n"
                "r(\"b\", -2, 18446744073709551615, 0.1). r(\"a\\\"\\n\\x01\", 3, 0, -1.5e+30).\n"
                "r(\"b\", -10, 7u, 2). r(\"b\", -10, 6, 1.0). r(\"b\", -9223372036854775808, 0x10, 0b11).\n",
                "r",
                "r(\"a\\\"\\n\\x01\", 3, 0, -1.5e+30)\n"
                "r(\"b\", -9223372036854775808, 16, 3.0)\n"
                "r(\"b\", -10, 6, 1.0)\n"
                "r(\"b\", -10, 7, 2.0)\n"
                "r(\"b\", -2, 18446744073709551615, 0.1)\n");
}

TEST(relations_without_columns_are_claims)
{
    static const char text[] = ".decl probe()\n.decl allow()\n.decl deny()\n"
                               "allow :- probe.\ndeny :- probe(), !allow.\nprobe.\n";
    trial_gives(text, "allow", "allow\n");
    trial_gives(text, "deny", "");
}

TEST(negation_asks_what_is_complete)
{
    trial_gives(".decl node(x:number)\n.decl edge(x:number, y:number)\n.decl leaf(x:number)\n"
                "leaf(x) :- node(x), !edge(x, _).\n"
                "node(1). node(2). node(3). edge(1, 2). edge(2, 3).\n",
                "leaf", "leaf(3)\n");
}

TEST(either_side_of_a_disjunction_will_do)
{
    trial_gives(".decl a(x:number)\n.decl b(x:number)\n.decl c(x:number)\n"
                "a(1). b(2). b(3).\n"
                "c(x) :- (a(x) ; b(x), x > 2), x < 10.\n",
                "c", "c(1)\nc(3)\n");
}

TEST(one_body_may_have_several_heads)
{
    static const char text[] = ".decl a(x:number)\n.decl b(x:number)\n.decl c(x:number)\na(1).\nb(x), c(x) :- a(x).\n";
    trial_gives(text, "b", "b(1)\n");
    trial_gives(text, "c", "c(1)\n");
}

TEST(a_repeated_variable_joins_columns_of_one_tuple)
{
    trial_gives(".decl e(x:number, y:number)\n.decl loop(x:number)\ne(1, 2). e(3, 3).\nloop(x) :- e(x, x).\n", "loop",
                "loop(3)\n");
}

TEST(functors_among_columns_are_computed_or_checked)
{
    trial_gives(".decl e(x:number, y:number)\n.decl r(x:number)\ne(1, 2). e(2, 4). e(5, 6).\n"
                "r(x) :- e(x, x + 1).\n",
                "r", "r(1)\nr(5)\n");
}

TEST(arithmetic_keeps_its_precedence)
{
    trial_gives(
        ".decl r(x:number)\nr(1 + 2 * 3 ^ 2 - -4 % 3). r((1 + 2) * 3). r(2 ^ 3 ^ 2). r(7 / -2). r(max(1, 5, 3) - "
        "min(4, 2)).\n",
        "r", "r(-3)\nr(3)\nr(9)\nr(20)\nr(512)\n");
}

TEST(strings_are_cut_joined_and_measured)
{
    trial_gives(".decl r(s:symbol, n:number)\n"
                "r(cat(\"a\", \"b\", \"c\"), strlen(\"four\")).\n"
                "r(substr(\"hello\", 1, 3), to_number(\"-12\")).\n"
                "r(substr(\"hello\", 9, 3), 0).\n"
                "r(cat(to_string(-5), to_string(2.5)), 1) :- match(\"[a-c]+\", \"abc\"), !match(\"a\", \"ab\"),\n"
                "  contains(\"ell\", \"hello\"), !contains(\"x\", \"hello\").\n",
                "r", "r(\"\", 0)\nr(\"-52.5\", 1)\nr(\"abc\", 4)\nr(\"ell\", -12)\n");
}

TEST(aggregates_fold_what_holds_for_the_variables_outside)
{
    static const char text[] = ".decl e(x:number, y:number)\n.decl n(x:number)\n"
                               ".decl r(x:number, c:number, s:number, l:number, h:number)\n.decl m(m:float)\n"
                               "e(1, 10). e(1, 20). e(2, 5). n(1). n(2).\n"
                               "r(x, c, s, l, h) :- n(x), c = count : { e(x, _) }, s = sum y : { e(x, y) },\n"
                               "  l = min y : { e(x, y) }, h = max y : { e(x, y) }.\n"
                               "m(mean y : { e(_, y) }) :- n(1).\n";
    trial_gives(text, "r", "r(1, 2, 30, 10, 20)\nr(2, 1, 5, 5, 5)\n");
    trial_gives(text, "m", "m(11.666666666666666)\n");
}

TEST(nothing_has_a_count_and_a_sum_but_no_least)
{
    trial_gives(".decl e(x:number)\n.decl one()\n.decl r(k:symbol, x:number)\none.\n"
                "r(\"count\", n) :- one, n = count : { e(_) }.\n"
                "r(\"sum\", n) :- one, n = sum x : { e(x) }.\n"
                "r(\"min\", n) :- one, n = min x : { e(x) }.\n",
                "r", "r(\"count\", 0)\nr(\"sum\", 0)\n");
}

TEST(components_are_relations_with_a_prefix)
{
    static const char text[] =
        ".comp C {\n  .decl field(t:symbol, f:symbol)\n  .decl type(t:symbol)\n"
        "  type(t) :- field(t, _).\n}\n"
        ".init old = C\n.init new = C\n.decl gone(t:symbol, f:symbol)\n"
        "gone(t, f) :- old.field(t, f), new.type(t), !new.field(t, f).\n"
        "old.field(\"Order\", \"qty\"). old.field(\"Order\", \"id\"). new.field(\"Order\", \"id\").\n";
    trial_gives(text, "gone", "gone(\"Order\", \"qty\")\n");
    trial_gives(text, "old.type", "old.type(\"Order\")\n");
}

TEST(types_may_have_other_names)
{
    trial_gives(
        ".type Name <: symbol\n.type Id = Name\n.type Both = Id | Name\n.decl r(x:Both, y:number)\nr(\"a\", 1).\n", "r",
        "r(\"a\", 1)\n");
}

TEST(a_program_tells_what_it_takes_gives_and_asks)
{
    struct trial t;
    trial_start(&t,
                ".decl a(x:number, name:symbol)\n.decl b(x:number) output\n.decl c(x:number)\n.decl d(x:number)\n"
                ".input a(IO=file, delimiter=\",\")\n.printsize d\n.limitsize c(n=10)\nb(x) :- a(x, _).\n",
                (struct datalog_limits){0});
    CHECK_INT(4, datalog_relation_count(t.program));
    CHECK_INT(-1, datalog_relation(t.program, SLICE("e")));
    CHECK_TEXT("a", datalog_relation_name(t.program, 0));
    CHECK_INT(2, datalog_arity(t.program, 0));
    CHECK_INT(DATALOG_SYMBOL, datalog_column_type(t.program, 0, 1));
    CHECK_TEXT("name", datalog_column_name(t.program, 0, 1));
    CHECK(datalog_is_input(t.program, 0) && !datalog_is_input(t.program, 1));
    CHECK(datalog_is_output(t.program, 1) && !datalog_is_output(t.program, 3));
    CHECK(datalog_is_printsize(t.program, 3));
    CHECK(datalog_asks(t.program, 0) && datalog_asks(t.program, 1) && !datalog_asks(t.program, 2));
    trial_fini(&t);
}

static void fails(const char *text, struct datalog_limits limits, enum err outcome, const char *why)
{
    struct trial t;
    trial_start(&t, text, limits);
    CHECK_ERR(outcome, datalog_run_eval(t.run, &t.why));
    CHECK_TEXT(why, slice_str(t.why));
    trial_fini(&t);
}

TEST(what_cannot_be_computed_names_its_rule)
{
    struct datalog_limits none = {0};
    fails(".decl r(x:number)\nr(9223372036854775807 + 1).\n", none, ERR_INPUT, "t.dl:2: overflow in `+`");
    fails(".decl r(x:number)\nr(1 / 0).\n", none, ERR_INPUT, "t.dl:2: division by zero");
    fails(".decl r(x:number)\nr(10 ^ 19).\n", none, ERR_INPUT, "t.dl:2: overflow in `^`");
    fails(".decl r(x:number)\nr((-9223372036854775807 - 1) / -1).\n", none, ERR_INPUT, "t.dl:2: overflow in `/`");
    fails(".decl r(x:unsigned)\nr(1 - 2).\n", none, ERR_INPUT, "t.dl:2: overflow in `-`");
    fails(".decl r(x:float)\nr(1.0 / 0.0).\n", none, ERR_INPUT, "t.dl:2: the result is no finite float");
    fails(".decl r(x:number)\nr(to_number(\"two\")).\n", none, ERR_INPUT,
          "t.dl:2: `to_number` of a text that is no number");
}

TEST(every_limit_stops_a_run_and_says_which)
{
    static const char product[] = ".decl n(x:number)\n.decl p(x:number, y:number)\nn(1). n(2). n(3). n(4). n(5).\n"
                                  "p(x, y) :- n(x), n(y).\n";
    fails(product, (struct datalog_limits){.max_tuples = 29}, ERR_LIMIT, "t.dl:4: too many tuples");
    fails(product, (struct datalog_limits){.max_tuples = 4}, ERR_LIMIT, "too many tuples among the facts");
    fails(product, (struct datalog_limits){.max_steps = 29}, ERR_LIMIT, "t.dl:4: too many steps");
    fails(".decl s(x:symbol)\ns(cat(\"0123456789\", \"0123456789\")).\n", (struct datalog_limits){.max_bytes = 30},
          ERR_LIMIT, "t.dl:2: too many bytes of symbols");
}

TEST(exactly_at_its_limits_a_run_ends_well)
{
    struct trial t;
    trial_start(&t,
                ".decl n(x:number)\n.decl p(x:number, y:number)\nn(1). n(2). n(3). n(4). n(5).\n"
                "p(x, y) :- n(x), n(y).\n",
                (struct datalog_limits){.max_tuples = 30, .max_steps = 30});
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_INT(25, datalog_count(t.run, trial_relation(&t, "p")));
    trial_fini(&t);
}

static bool stop_at_second(void *arg, const datalog_word *columns)
{
    int *seen = arg;
    CHECK_INT(*seen + 1, columns[0]);
    return ++*seen < 2;
}

TEST(reading_stops_when_told)
{
    struct trial t;
    int seen = 0;
    trial_start(&t, ".decl n(x:number)\nn(3). n(1). n(2).\n", (struct datalog_limits){0});
    datalog_each(t.run, 0, stop_at_second, &seen);
    CHECK_INT(2, seen);
    trial_fini(&t);
}

TEST(several_texts_make_one_program)
{
    struct trial t;
    trial_init(&t);
    struct datalog_text texts[] = {
        {.file = "rules/words.dl", .text = SLICE(".decl n(x:number)\n.decl m(x:number)\n")},
        {.file = "rules.dl", .text = SLICE(".include \"words.dl\"\nm(x) :- n(x).\n")},
        {.file = "data.weft", .text = SLICE("n(1). // one\n"), .facts_only = true},
    };
    CHECK_ERR(ERR_OK, datalog_load(texts, 3, &t.diag, &t.program));
    t.run = datalog_run_new(t.program, NULL);
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_TEXT("m(1)\n", trial_read(&t, "m"));
    trial_fini(&t);
}

TEST(an_aggregate_over_many_tuples_counts_those_that_only_unnamed_columns_tell_apart)
{
    struct trial t;
    trial_start(&t,
                ".decl a(x:number, y:number, z:number) .decl k(x:number) .decl c(x:number, n:number)"
                ".decl s(x:number, n:number)"
                "k(0). c(x, n) :- k(x), n = count : { a(x, _, _) }."
                "s(x, n) :- k(x), n = sum z : { a(x, _, z) }.",
                (struct datalog_limits){0});
    for (datalog_word n = 0; n < 2000; n++)
        datalog_fact(t.run, trial_relation(&t, "a"), (datalog_word[]){n % 2, n, 1});
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_TEXT("c(0, 1000)\n", trial_read(&t, "c"));
    CHECK_TEXT("s(0, 1000)\n", trial_read(&t, "s"));
    trial_fini(&t);
}

TESTS_BEGIN()
TESTS_RUN(a_closure_is_complete)
TESTS_RUN(the_same_fact_twice_is_one)
TESTS_RUN(a_reset_run_answers_as_a_fresh_one)
TESTS_RUN(facts_of_the_program_outlive_a_reset_and_symbols_of_the_run_do_not)
TESTS_RUN(tuples_come_sorted_and_read_back_as_written)
TESTS_RUN(relations_without_columns_are_claims)
TESTS_RUN(negation_asks_what_is_complete)
TESTS_RUN(either_side_of_a_disjunction_will_do)
TESTS_RUN(one_body_may_have_several_heads)
TESTS_RUN(a_repeated_variable_joins_columns_of_one_tuple)
TESTS_RUN(functors_among_columns_are_computed_or_checked)
TESTS_RUN(arithmetic_keeps_its_precedence)
TESTS_RUN(strings_are_cut_joined_and_measured)
TESTS_RUN(aggregates_fold_what_holds_for_the_variables_outside)
TESTS_RUN(nothing_has_a_count_and_a_sum_but_no_least)
TESTS_RUN(components_are_relations_with_a_prefix)
TESTS_RUN(types_may_have_other_names)
TESTS_RUN(a_program_tells_what_it_takes_gives_and_asks)
TESTS_RUN(what_cannot_be_computed_names_its_rule)
TESTS_RUN(every_limit_stops_a_run_and_says_which)
TESTS_RUN(exactly_at_its_limits_a_run_ends_well)
TESTS_RUN(reading_stops_when_told)
TESTS_RUN(several_texts_make_one_program)
TESTS_RUN(an_aggregate_over_many_tuples_counts_those_that_only_unnamed_columns_tell_apart)
TESTS_END()
