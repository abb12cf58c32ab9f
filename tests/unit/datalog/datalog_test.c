#include "datalog/datalog.h"

#include <stdio.h>

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

TEST(symbols_are_compared_by_their_bytes)
{
    trial_gives(".decl s(x:symbol, y:symbol) .decl t(x:symbol)"
                "s(\"b\", \"a\"). s(\"a\", \"ab\"). s(\"a\", \"a\"). t(x) :- s(x, y), x < y. t(x) :- s(x, y), x > y.",
                "t", "t(\"a\")\nt(\"b\")\n");
}

TEST(a_range_gives_each_of_its_values)
{
    trial_gives(".decl a(x:number, y:number) a(x, y) :- x = range(1, 3), y = range(x, -2, -2).", "a",
                "a(1, -1)\na(1, 1)\na(2, 0)\na(2, 2)\n");
    trial_gives(".decl a(x:number) a(x) :- x = range(9223372036854775806, 9223372036854775807).", "a",
                "a(9223372036854775806)\n");
    trial_gives(".decl a(x:unsigned) a(x) :- x = range(2, 0).", "a", "a(1)\na(2)\n");
    trial_gives(".decl a(x:float) a(x) :- x = range(0.0, 1.0, 0.5).", "a", "a(0.0)\na(0.5)\n");
    trial_gives(".decl a(x:number) a(x) :- x = range(1, 5, 0).", "a", "a(1)\n");
    trial_gives(".decl a(x:number) a(x) :- x = range(5, 1, 0).", "a", "a(5)\n");
    trial_gives(".decl a(x:number) a(x) :- x = range(5, 5, 0).", "a", "");
    trial_gives(".decl b(x:number) .decl a(x:number) b(2). b(9). a(x) :- b(x), x = range(0, 5).", "a", "a(2)\n");
    trial_gives(".decl a(n:number) a(n) :- n = sum x : { x = range(0, 5) }.", "a", "a(10)\n");
}

TEST(a_counter_counts_the_tuples_of_a_head)
{
    trial_gives(".decl a(x:number) .decl b(i:number, x:number) a(7). a(8). b(autoinc(), x) :- a(x).", "b",
                "b(0, 7)\nb(1, 8)\n");
}

TEST(the_opposite_of_a_group_is_that_of_some_or_all_its_parts)
{
    static const char program[] = ".decl u(x:number) .decl b(x:number) .decl d(x:number)"
                                  ".decl both(x:number) .decl none(x:number) .decl twice(x:number)"
                                  "u(1). u(2). u(3). u(4). b(1). b(2). d(2). d(3)."
                                  "both(x) :- u(x), !(b(x), x >= 2). none(x) :- u(x), !(b(x) ; d(x))."
                                  "twice(x) :- u(x), !!!(b(x) ; d(x)).";
    trial_gives(program, "both", "both(1)\nboth(3)\nboth(4)\n");
    trial_gives(program, "none", "none(4)\n");
    trial_gives(program, "twice", "twice(4)\n");
}

TEST(truth_needs_no_tuple)
{
    trial_gives(".decl a() .decl b() a() :- true. b() :- false.", "a", "a\n");
    trial_gives(".decl a() .decl b() a() :- true. b() :- a(), false.", "b", "");
}

TEST(four_bytes_with_dots_are_a_number_of_32_bits)
{
    trial_gives(".decl a(x:number) a(10.0.0.1). a(255.255.255.255). a(x) :- x = 128.0.0.0.", "a",
                "a(-2147483648)\na(-1)\na(167772161)\n");
}

static enum err run_open_ended(struct trial *t, const char *text, struct datalog_limits limits)
{
    struct datalog_text one = {.file = "t.dl", .text = slice_str(text), .open_ended = true};
    trial_init(t);
    CHECK_ERR(ERR_OK, datalog_load(&one, 1, &t->diag, &t->program));
    t->run = datalog_run_new(t->program, &limits);
    return datalog_run_eval(t->run, &t->why);
}

TEST(an_open_ended_text_may_make_values_until_a_limit)
{
    struct trial t;
    CHECK_ERR(ERR_OK,
              run_open_ended(&t, ".decl n(x:number) n(0). n(x + 1) :- n(x), x < 2.", (struct datalog_limits){0}));
    CHECK_TEXT("n(0)\nn(1)\nn(2)\n", trial_read(&t, "n"));
    trial_fini(&t);
    CHECK_ERR(ERR_LIMIT, run_open_ended(&t, ".decl n(x:number) n(0).\nn(x + 1) :- n(x).",
                                        (struct datalog_limits){.max_tuples = 50}));
    CHECK_TEXT("t.dl:2: too many tuples: this rule makes new values of `n` out of its own, and may never end",
               slice_str(t.why));
    trial_fini(&t);
}

TEST(a_proof_of_made_values_is_found_again)
{
    struct trial t;
    int rel;
    datalog_word columns[DATALOG_COLUMNS];
    struct datalog_proof *proof;
    CHECK_ERR(ERR_OK, run_open_ended(&t,
                                     ".decl n(x:number) .decl c(i:number, x:number)\nn(0). n(x + 1) :- n(x), x < 2.\n"
                                     "c(autoinc() + 1, x) :- n(x), x = range(1, 3).",
                                     (struct datalog_limits){.proofs = true}));
    struct datalog_text question = {.file = "q", .text = SLICE("c(2, 2)")};
    CHECK_ERR(ERR_OK, datalog_ask(t.run, &question, &t.diag, &rel, columns));
    CHECK_ERR(ERR_OK, datalog_explain(t.run, rel, columns, &t.arena, &proof));
    datalog_put_proof(t.run, proof, &t.out);
    CHECK_TEXT("c(2, 2)                                            t.dl:3\n"
               "  n(2)                                             t.dl:2\n"
               "    n(1)                                           t.dl:2\n"
               "      n(0)                                         t.dl:2\n"
               "      0 < 2\n"
               "    1 < 2\n"
               "  2 = range(1, 3)\n",
               buf_slice(&t.out));
    trial_fini(&t);
}

static void asked_says(const char *question, const char *want)
{
    struct trial t;
    int rel;
    datalog_word columns[DATALOG_COLUMNS];
    trial_start(&t, ".decl path(x:number, s:symbol)", (struct datalog_limits){0});
    struct datalog_text text = {.file = "q", .text = slice_str(question)};
    enum err e = datalog_ask(t.run, &text, &t.diag, &rel, columns);
    diag_print(&t.diag, &t.out);
    if (e == ERR_OK)
        datalog_put_tuple(t.run, rel, columns, &t.out);
    CHECK_TEXT(want, buf_slice(&t.out));
    trial_fini(&t);
}

TEST(a_question_is_read_as_a_program_is)
{
    asked_says(" path(0x10, \"a\\\"b\").", "path(16, \"a\\\"b\")");
    asked_says("path(1, _)", "path(1, _)");
    asked_says("paht(1, _)", "q:1:1: error: unknown relation `paht`\n  paht(1, _)\n  ^~~~\n  did you mean `path`?\n");
    asked_says("path(1)", "q:1:1: error: `path` has 2 columns, here are 1\n  path(1)\n  ^~~~\n");
    asked_says("path(1, x)", "q:1:9: error: a question holds constants and `_` only\n  path(1, x)\n          ^\n"
                             "  text stands in quotes; `_` is any value\n");
    asked_says("path(\"1\", _)", "q:1:6: error: expected a number, found a symbol\n  path(\"1\", _)\n       ^~~\n");
    asked_says("path(1, _) path", "q:1:12: error: expected the end of the question, found `path`\n"
                                  "  path(1, _) path\n             ^~~~\n");
    asked_says("", "q:1:1: error: expected a name, found the end of the text\n");
}

TEST(directives_keep_their_parameters)
{
    struct trial t;
    int rel;
    trial_start(&t, ".decl a(x:number) output\n.input a(filename=\"x.csv\", headers=true)", (struct datalog_limits){0});
    CHECK_INT(2, datalog_directive_count(t.program));
    CHECK_INT(DATALOG_OUTPUT, datalog_directive(t.program, 0, &rel));
    CHECK_INT(DATALOG_INPUT, datalog_directive(t.program, 1, &rel));
    CHECK_INT(trial_relation(&t, "a"), rel);
    CHECK_TEXT("x.csv", datalog_directive_value(t.program, 1, SLICE("filename"), SLICE("none")));
    CHECK_TEXT("true", datalog_directive_value(t.program, 1, SLICE("headers"), SLICE("none")));
    CHECK_TEXT("none", datalog_directive_value(t.program, 1, SLICE("delimiter"), SLICE("none")));
    trial_fini(&t);
}

static const char list_program[] =
    ".type List = [head:number, tail:List]\n"
    ".decl l(x:List) .decl total(l:List, n:number) .decl pairs(a:number, b:number) .decl ends(l:List)\n"
    "l([1, [2, [3, nil]]]). l([9, nil]).\n"
    "l(t) :- l([_, t]), t != nil.\n"
    "total([h, nil], h) :- l([h, nil]).\n"
    "total([h, t], h + n) :- l([h, t]), total(t, n).\n"
    "pairs(a, b) :- l([a, [b, _]]).\n"
    "ends(x) :- l(x), !l([0, x]), x = [_, nil].\n";

static void open_ended_gives(const char *text, const char *relation, const char *want)
{
    struct trial t;
    CHECK_ERR(ERR_OK, run_open_ended(&t, text, (struct datalog_limits){0}));
    CHECK_INT(0, t.diag.warnings);
    CHECK_TEXT(want, trial_read(&t, relation));
    trial_fini(&t);
}

TEST(records_are_made_and_taken_apart)
{
    open_ended_gives(list_program, "l", "l([1, [2, [3, nil]]])\nl([2, [3, nil]])\nl([3, nil])\nl([9, nil])\n");
    open_ended_gives(list_program, "total",
                     "total([1, [2, [3, nil]]], 6)\ntotal([2, [3, nil]], 5)\ntotal([3, nil], 3)\ntotal([9, nil], 9)\n");
    open_ended_gives(list_program, "pairs", "pairs(1, 2)\npairs(2, 3)\n");
    open_ended_gives(list_program, "ends", "ends([3, nil])\nends([9, nil])\n");
}

TEST(nil_has_no_fields)
{
    trial_gives(".type P = [a:number, b:number] .decl p(x:P) .decl q(x:P) p(nil). p([1, 2]). q(x) :- p(x), x = [_, _].",
                "q", "q([1, 2])\n");
}

TEST(a_record_may_hold_anything)
{
    trial_gives(
        ".type R = [s:symbol, u:unsigned, f:float, r:R] .decl r(x:R) r([\"a\\\"\", 3u, 0.5, [\"\", 0, -1.0, nil]]).",
        "r", "r([\"a\\\"\", 3, 0.5, [\"\", 0, -1.0, nil]])\n");
}

static const char tree_program[] = ".type Tree = Leaf { v:number } | Node { l:Tree, r:Tree } | Empty {}\n"
                                   ".decl t(x:Tree) .decl depth(t:Tree, n:number) .decl bare(t:Tree)\n"
                                   "t($Node($Node($Leaf(1), $Empty), $Leaf(2))).\n"
                                   "t(a), t(b) :- t($Node(a, b)).\n"
                                   "depth($Leaf(x), 1) :- t($Leaf(x)).\n"
                                   "depth($Empty, 0).\n"
                                   "depth($Node(a, b), 1 + max(m, n)) :- t($Node(a, b)), depth(a, m), depth(b, n).\n"
                                   "bare(x) :- t(x), x != $Empty, !t($Node(x, $Empty)).\n";

TEST(variants_are_told_apart_by_their_branch)
{
    open_ended_gives(tree_program, "depth",
                     "depth($Empty, 0)\ndepth($Leaf(1), 1)\ndepth($Leaf(2), 1)\ndepth($Node($Leaf(1), $Empty), 2)\n"
                     "depth($Node($Node($Leaf(1), $Empty), $Leaf(2)), 3)\n");
    open_ended_gives(tree_program, "bare",
                     "bare($Leaf(2))\nbare($Node($Leaf(1), $Empty))\nbare($Node($Node($Leaf(1), $Empty), $Leaf(2)))\n");
}

TEST(a_record_without_end_ends_at_the_bytes)
{
    struct trial t;
    CHECK_ERR(ERR_LIMIT, run_open_ended(&t, ".type L = [n:number, t:L] .decl l(x:L)\nl(nil).\nl([1, t]) :- l(t).",
                                        (struct datalog_limits){.max_bytes = 10000}));
    CHECK_TEXT("t.dl:3: too many bytes of symbols: this rule makes new values of `l` out of its own, and may never end",
               slice_str(t.why));
    trial_fini(&t);
}

/* 60 levels take 60 records and, written out, 2^60 numbers. */
TEST(what_is_small_in_memory_is_cut_short_in_print)
{
    struct trial t;
    struct buf out;
    datalog_word columns[1] = {0};
    CHECK_ERR(ERR_OK, run_open_ended(&t,
                                     ".type T = [l:T, r:T] .decl t(n:number, x:T) .decl top(x:T)\n"
                                     "t(0, nil). t(n + 1, [x, x]) :- t(n, x), n < 60. top(x) :- t(60, x).",
                                     (struct datalog_limits){0}));
    int top = trial_relation(&t, "top");
    CHECK_INT(1, datalog_count(t.run, top));
    while (!datalog_has(t.run, top, columns))
        columns[0]++;
    buf_init(&out, BUF_TEXT_BOUND);
    datalog_put_value(t.run, top, 0, columns[0], &out);
    CHECK(buf_len(&out) < (16 << 20) + 100 && slice_ends(buf_slice(&out), SLICE("...")));
    buf_fini(&out);
    trial_fini(&t);
}

static void value_reads(const char *type, const char *text, const char *want)
{
    struct trial t;
    char program[256];
    datalog_word w = 0;
    snprintf(program, sizeof(program), ".type L = [n:number, t:L] .type V = A { x:L, s:symbol } | B {} .decl a(x:%s)",
             type);
    trial_start(&t, program, (struct datalog_limits){0});
    enum err e = datalog_value(t.run, 0, 0, slice_str(text), &w);
    CHECK_ERR(want ? ERR_OK : ERR_INPUT, e);
    if (want)
        datalog_put_value(t.run, 0, 0, w, &t.out);
    CHECK_TEXT(want ? want : "", buf_slice(&t.out));
    trial_fini(&t);
}

TEST(values_are_read_as_files_hold_them)
{
    value_reads("symbol", "a \"b\"", "a \"b\"");
    value_reads("number", "-9223372036854775808", "-9223372036854775808");
    value_reads("number", "9223372036854775808", NULL);
    value_reads("number", "", NULL);
    value_reads("unsigned", "18446744073709551615", "18446744073709551615");
    value_reads("unsigned", "-1", NULL);
    value_reads("float", "-0", "0");
    value_reads("float", "240", "240");
    value_reads("float", "0.1", "0.1");
    value_reads("float", "-12.5e-3", "-0.0125");
    value_reads("float", "1e16", "10000000000000000");
    value_reads("float", "1e17", "1e+17");
    value_reads("float", "1.25e-6", "1.25e-06");
    value_reads("float", "1e400", NULL);
    value_reads("float", "0x10", NULL);
    value_reads("float", "1.5.", NULL);
    value_reads("L", "nil", "nil");
    value_reads("L", " [ 1 , [-2,nil] ] ", "[1, [-2, nil]]");
    value_reads("L", "[1, nil", NULL);
    value_reads("L", "[1]", NULL);
    value_reads("L", "[1, nil] x", NULL);
    value_reads("V", "$A([1, nil], b c)", "$A([1, nil], b c)");
    value_reads("V", "$B", "$B");
    value_reads("V", "$A", NULL);
    value_reads("V", "$C", NULL);
    value_reads("V", "nil", NULL);
}

TEST(a_record_deeper_than_a_stack_is_refused)
{
    struct trial t;
    struct buf deep;
    datalog_word w;
    trial_start(&t, ".type L = [t:L] .decl a(x:L)", (struct datalog_limits){0});
    buf_init(&deep, BUF_TEXT_BOUND);
    for (int i = 0; i < 100000; i++)
        buf_put_char(&deep, '[');
    CHECK_ERR(ERR_INPUT, datalog_value(t.run, 0, 0, buf_slice(&deep), &w));
    buf_fini(&deep);
    trial_fini(&t);
}

TEST(words_of_aggregates_are_names_where_no_aggregate_stands)
{
    trial_gives(".decl sum(x:number, y:number) .decl count(x:number) .decl a(x:number)"
                "sum(1, 2). count(3). a(y) :- sum(1, y), count(_). a(n) :- n = sum(x) : { count(x) }.",
                "a", "a(2)\na(3)\n");
}

TEST(bits_are_set_moved_and_asked)
{
    static const char program[] =
        ".decl a(n:number, x:number) .decl u(x:unsigned)"
        "a(1, 6 band 3 bor 8). a(2, 6 bxor 3). a(3, 1 bshl 4 + 1). a(4, -16 bshr 2). a(5, -1 bshru 60)."
        "a(6, bnot 5). a(7, 2 land 0 lor 7). a(8, lnot 0). a(9, 3 lxor 4)."
        "u(18446744073709551615u bshr 60u).";
    trial_gives(program, "a", "a(1, 10)\na(2, 5)\na(3, 32)\na(4, -4)\na(5, 15)\na(6, -6)\na(7, 1)\na(8, 1)\na(9, 0)\n");
    trial_gives(program, "u", "u(15)\n");
}

TEST(numbers_turn_into_each_other_when_they_fit)
{
    trial_gives(".decl a(n:number, u:unsigned, f:float) .decl x(f:float, s:symbol) x(-2.75, \"7\")."
                "a(to_number(f), to_unsigned(s), to_float(s)) :- x(f, s)."
                "a(to_number(3u), to_unsigned(4), to_float(5u)) :- x(_, _).",
                "a", "a(-2, 7, 7.0)\na(3, 4, 5.0)\n");
}

static void stops_with(const char *text, const char *why)
{
    struct trial t;
    trial_start(&t, text, (struct datalog_limits){0});
    CHECK_ERR(ERR_INPUT, datalog_run_eval(t.run, &t.why));
    CHECK_TEXT(why, slice_str(t.why));
    trial_fini(&t);
}

TEST(what_does_not_fit_stops_the_run)
{
    stops_with(".decl a(u:unsigned) a(to_unsigned(-1)).",
               "t.dl:1: the number does not fit the other kind of whole number");
    stops_with(".decl a(u:number) a(to_number(18446744073709551615u)).",
               "t.dl:1: the number does not fit the other kind of whole number");
    stops_with(".decl a(u:number) a(to_number(1.0e300)).", "t.dl:1: the float does not fit a whole number");
    stops_with(".decl a(u:float) a(to_float(\"x\")).", "t.dl:1: `to_float` of a text that is no float");
}

TEST(how_another_engine_is_to_go_about_it_means_nothing)
{
    trial_gives(".pragma \"magic-transform\" \"*\"\n.pragma \"x\"\n.decl a(x:number) brie\na(1). a(x) :- a(x), "
                "a(x).\n.plan 0:(2,1), 1:(1,2)\na(2).",
                "a", "a(1)\na(2)\n");
}

static void note_name(void *arg, struct slice name)
{
    struct buf *names = arg;
    buf_put(names, name);
    buf_put_char(names, ' ');
}

TEST(a_text_tells_what_it_includes)
{
    struct buf names;
    struct datalog_text text = {
        .file = "t.dl",
        .text = SLICE(".include \"a.dl\" // .include \"no.dl\"\n a(\"x\"). .include \"b/c.dl\" .include 3 \"d\"")};
    buf_init(&names, BUF_TEXT_BOUND);
    datalog_includes(&text, note_name, &names);
    CHECK_TEXT("a.dl b/c.dl ", buf_slice(&names));
    buf_fini(&names);
}

TEST(numbers_wrap_at_32_bits_when_they_may)
{
    struct trial t;
    trial_start(
        &t,
        ".decl a(n:number, x:number) .decl u(x:unsigned)"
        "a(1, 2147483647 + 1). a(2, 65536 * 65537). a(3, 3 ^ 40). a(4, -1 bshru 28). a(5, 1 bshl 33). a(6, 7 / 2)."
        "a(7, -(-2147483647 - 1)). u(1 - 2).",
        (struct datalog_limits){.wraps = true});
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    CHECK_TEXT("a(1, -2147483648)\na(2, 65536)\na(3, 689956897)\na(4, 15)\na(5, 2)\na(6, 3)\na(7, -2147483648)\n",
               trial_read(&t, "a"));
    CHECK_TEXT("u(4294967295)\n", trial_read(&t, "u"));
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
TESTS_RUN(symbols_are_compared_by_their_bytes)
TESTS_RUN(a_range_gives_each_of_its_values)
TESTS_RUN(a_counter_counts_the_tuples_of_a_head)
TESTS_RUN(the_opposite_of_a_group_is_that_of_some_or_all_its_parts)
TESTS_RUN(truth_needs_no_tuple)
TESTS_RUN(four_bytes_with_dots_are_a_number_of_32_bits)
TESTS_RUN(an_open_ended_text_may_make_values_until_a_limit)
TESTS_RUN(a_proof_of_made_values_is_found_again)
TESTS_RUN(a_question_is_read_as_a_program_is)
TESTS_RUN(directives_keep_their_parameters)
TESTS_RUN(records_are_made_and_taken_apart)
TESTS_RUN(nil_has_no_fields)
TESTS_RUN(a_record_may_hold_anything)
TESTS_RUN(variants_are_told_apart_by_their_branch)
TESTS_RUN(a_record_without_end_ends_at_the_bytes)
TESTS_RUN(what_is_small_in_memory_is_cut_short_in_print)
TESTS_RUN(values_are_read_as_files_hold_them)
TESTS_RUN(a_record_deeper_than_a_stack_is_refused)
TESTS_RUN(words_of_aggregates_are_names_where_no_aggregate_stands)
TESTS_RUN(bits_are_set_moved_and_asked)
TESTS_RUN(numbers_turn_into_each_other_when_they_fit)
TESTS_RUN(what_does_not_fit_stops_the_run)
TESTS_RUN(how_another_engine_is_to_go_about_it_means_nothing)
TESTS_RUN(a_text_tells_what_it_includes)
TESTS_RUN(numbers_wrap_at_32_bits_when_they_may)
TESTS_END()
