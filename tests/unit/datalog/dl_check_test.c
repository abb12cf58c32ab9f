#include "datalog/dl_check.h"

#include <stdio.h>

#include "tests/unit/datalog/trial.h"

/* Every class of mistake, and what a person is told. */

TEST(a_misspelt_relation_gets_a_suggestion)
{
    trial_says(".decl field(x:symbol)\nfeild(\"qty\").\n", ERR_INPUT,
               "t.dl:2:1: error: unknown relation `feild`\n"
               "  feild(\"qty\").\n"
               "  ^~~~~\n"
               "  did you mean `field`?\n");
}

TEST(all_errors_are_told_at_once)
{
    struct trial t;
    trial_init(&t);
    CHECK_ERR(ERR_INPUT, trial_load(&t, ".decl a(x:number)\na(1, 2).\na(x y).\nb(1).\na(\"s\").\na(1).\n"));
    CHECK_INT(4, t.diag.errors);
    trial_fini(&t);
}

TEST(a_syntax_error_says_what_was_expected)
{
    trial_says(".decl a(x:number)\na(1) :- a(2) a(3).\n", ERR_INPUT,
               "t.dl:2:14: error: expected `,`, `;` or `.`, found `a`\n"
               "  a(1) :- a(2) a(3).\n"
               "               ^\n");
}

TEST(a_relation_is_declared_once)
{
    trial_says(".decl a(x:number)\n.decl a(x:symbol)\n", ERR_INPUT,
               "t.dl:2:7: error: `a` is declared already, at t.dl:1\n"
               "  .decl a(x:symbol)\n"
               "        ^\n");
}

TEST(columns_are_counted)
{
    trial_says(".decl a(x:number)\na(1, 2).\n", ERR_INPUT,
               "t.dl:2:1: error: `a` has 1 column, here are 2\n"
               "  a(1, 2).\n"
               "  ^\n");
}

TEST(types_must_agree)
{
    trial_says(".decl a(x:number)\n.decl s(x:symbol)\na(x) :- s(x).\n", ERR_INPUT,
               "t.dl:3:3: error: expected a number, found a symbol\n"
               "  a(x) :- s(x).\n"
               "    ^\n");
    trial_says(".decl a(x:unsigned)\na(-1).\n", ERR_INPUT,
               "t.dl:2:4: error: this number does not fit the type unsigned\n"
               "  a(-1).\n"
               "     ^\n");
}

TEST(what_is_said_twice_is_refused)
{
    trial_says(".decl a(x:number) output output\n.decl b(x:number)\n.printsize b, b\n", ERR_INPUT,
               "t.dl:1:26: error: qualifier `output` is given twice\n"
               "  .decl a(x:number) output output\n"
               "                           ^~~~~~\n"
               "t.dl:3:15: error: the size of `b` is printed already\n"
               "  .printsize b, b\n"
               "                ^\n");
}

TEST(counting_has_its_place_in_a_head_that_ends)
{
    trial_says(".decl a(x:number)\n.decl b(x:number)\na(x) :- b(x), x = autoinc().\na(autoinc()) :- a(_).\n"
               "a(autoinc()).\n",
               ERR_INPUT,
               "t.dl:3:19: error: `autoinc()` counts the tuples of a head\n"
               "  a(x) :- b(x), x = autoinc().\n"
               "                    ^~~~~~~\n"
               "  make it a column of the head\n"
               "t.dl:4:3: error: `autoinc()` in a recursive rule never ends\n"
               "  a(autoinc()) :- a(_).\n"
               "    ^~~~~~~\n"
               "  count in a rule that does not depend on its own relation\n"
               "t.dl:5:3: error: a fact holds constants only, here is `autoinc()`\n"
               "  a(autoinc()).\n"
               "    ^~~~~~~\n");
}

TEST(an_atom_must_bind_every_variable)
{
    trial_says(".decl a(x:number)\n.decl b(x:number, y:number)\nb(x, y) :- a(x), !b(y, y).\n", ERR_INPUT,
               "t.dl:3:21: error: variable `y` is not bound\n"
               "  b(x, y) :- a(x), !b(y, y).\n"
               "                      ^\n"
               "  an atom without `!` must give it values\n");
}

TEST(a_variable_inside_an_aggregate_is_not_bound_outside)
{
    struct trial t;
    trial_init(&t);
    CHECK_ERR(ERR_INPUT,
              trial_load(&t, ".decl a(x:number)\n.decl b(x:number, n:number)\nb(x, n) :- n = count : { a(x) }.\n"));
    trial_fini(&t);
}

TEST(the_cycle_that_needs_its_own_negation_is_named)
{
    trial_says(".decl n(x:number)\n.decl a(x:number)\n.decl b(x:number)\n.decl c(x:number)\n"
               "a(x) :- n(x), !b(x).\nb(x) :- c(x).\nc(x) :- a(x).\n",
               ERR_INPUT,
               "t.dl:5:16: error: not stratified: `b` needs `c` needs `a`, and that needs the absence of `b`\n"
               "  a(x) :- n(x), !b(x).\n"
               "                 ^\n"
               "  break the cycle: no relation may need what is not in it yet\n");
}

TEST(an_aggregate_over_itself_is_refused)
{
    trial_says(".decl a(x:number)\na(n) :- n = count : { a(_) }.\n", ERR_INPUT,
               "t.dl:2:23: error: not stratified: `a` needs an aggregate over itself\n"
               "  a(n) :- n = count : { a(_) }.\n"
               "                        ^\n"
               "  break the cycle: no relation may need what is not in it yet\n");
}

TEST(a_lonely_variable_is_a_warning)
{
    trial_says(".decl a(x:number, y:number)\n.decl b(x:number)\nb(x) :- a(x, y), a(x, _), a(x, _z).\n", ERR_OK,
               "t.dl:3:14: warning: this variable occurs only once\n"
               "  b(x) :- a(x, y), a(x, _), a(x, _z).\n"
               "               ^\n"
               "  write `_` when that is meant\n");
}

static const char ever_new[] = "a recursive rule makes new values of `a` out of its own: it might never end";

static void never_ends(const char *rule)
{
    struct trial t;
    trial_init(&t);
    buf_putf(&t.out, ".decl a(x:number)\n.decl n(x:number)\na(1).\n%s\n", rule);
    CHECK_ERR(ERR_INPUT, trial_load(&t, buf_text(&t.out)));
    CHECK_INT(1, t.diag.errors);
    CHECK_TEXT(ever_new, t.diag.first->message);
    trial_fini(&t);
}

TEST(a_recursive_rule_makes_no_values_of_its_own)
{
    never_ends("a(x + 1) :- a(x).");
    never_ends("a(y) :- a(x), y = x + 1.");
    never_ends("a(z) :- a(x), y = x + 1, z = y.");
    never_ends("a(max(x, y) * 2) :- a(x), n(y).");
    never_ends("a(s) :- a(x), s = sum x + y : { n(y) }.");
}

static void ends(const char *rule)
{
    struct trial t;
    trial_init(&t);
    buf_putf(&t.out, ".decl a(x:number)\n.decl n(x:number)\na(1). n(2).\n%s\n", rule);
    CHECK_ERR(ERR_OK, trial_load(&t, buf_text(&t.out)));
    t.run = datalog_run_new(t.program, &(struct datalog_limits){.max_steps = 1000});
    CHECK_ERR(ERR_OK, datalog_run_eval(t.run, &t.why));
    trial_fini(&t);
}

TEST(a_recursive_rule_may_compute_with_what_is_complete)
{
    ends("a(y + 1) :- a(x), n(y), x != y.");
    ends("a(y) :- a(x), y = x + 1, n(y).");
    ends("a(c) :- a(x), c = count : { n(y), y != x }.");
    ends("a(1 + 2) :- a(_).");
}

TEST(a_fact_holds_constants_only)
{
    trial_says(".decl a(x:symbol)\na(qty).\n", ERR_INPUT,
               "t.dl:2:3: error: a fact holds constants only, here is a variable\n"
               "  a(qty).\n"
               "    ^~~\n"
               "  put text in quotes\n");
}

TEST(a_text_of_facts_holds_nothing_else)
{
    static const char want[] = "c.weft:1:1: error: expected a fact, found .decl: this text holds facts only\n"
                               "  .decl b(x:number)\n"
                               "  ^~~~~\n"
                               "c.weft:3:6: error: expected `.`, found `:-`: this text holds facts only\n"
                               "  a(2) :- a(1).\n"
                               "       ^~\n"
                               "c.weft:4:5: error: expected a constant: this text holds facts only\n"
                               "  a(1 + 2).\n"
                               "      ^\n";
    struct trial t;
    trial_init(&t);
    struct datalog_text texts[] = {
        {.file = "v.dl", .text = SLICE(".decl a(x:number)\n")},
        {.file = "c.weft", .text = SLICE(".decl b(x:number)\na(1).\na(2) :- a(1).\na(1 + 2).\n"), .facts_only = true}};
    CHECK_ERR(ERR_INPUT, datalog_load(texts, 2, &t.diag, &t.program));
    diag_print(&t.diag, &t.out);
    CHECK_TEXT(want, buf_slice(&t.out));
    trial_fini(&t);
}

TEST(a_text_that_is_included_must_be_given)
{
    trial_says(".include \"other.dl\"\n", ERR_INPUT,
               "t.dl:1:10: error: there is no such text\n"
               "  .include \"other.dl\"\n"
               "           ^~~~~~~~~~\n"
               "  give that text, too\n");
}

static void too_large(const char *start, const char *part, unsigned times, const char *end, const char *message)
{
    struct trial t;
    trial_init(&t);
    buf_putf(&t.out, ".decl a(x:number)\n%s", start);
    for (unsigned i = 0; i < times; i++)
        buf_putf(&t.out, "%s", part);
    buf_putf(&t.out, "%s\n", end);
    enum err e = trial_load(&t, buf_text(&t.out));
    CHECK_ERR(*message ? ERR_INPUT : ERR_OK, e);
    CHECK_INT(*message ? 1 : 0, t.diag.errors);
    if (*message)
        CHECK_TEXT(message, t.diag.first->message);
    trial_fini(&t);
}

TEST(rules_nesting_and_alternatives_are_bounded)
{
    too_large("a(1) :- a(2)", ", a(3)", 63, ".", "");
    too_large("a(1) :- a(2)", ", a(3)", 64, ".", "more than 64 literals in one rule");
    too_large("a(1) :- a(2)", "; a(3)", 63, ".", "");
    too_large("a(1) :- a(2)", "; a(3)", 64, ".", "more than 64 alternatives in one rule");
    too_large("a(1) :- a(1)", ", (a(2) ; a(3))", 7, ".", "more than 64 alternatives in one rule");
    too_large("a(1) :- ", "(", 33, "a(2).", "nested deeper than 32 levels");
    too_large("a(", "-", 33, "x) :- a(x).", "nested deeper than 32 levels");
    too_large("", ".comp C { ", 33, "}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}", "nested deeper than 32 levels");
}

TEST(a_component_does_not_hold_itself)
{
    struct trial t;
    trial_init(&t);
    CHECK_ERR(ERR_INPUT, trial_load(&t, ".comp C { .init inner = C }\n.init outer = C\n"));
    CHECK_INT(1, t.diag.errors);
    CHECK_TEXT("component `C` holds itself", t.diag.first->message);
    trial_fini(&t);
}

TEST(components_that_double_at_every_level_are_bounded)
{
    struct trial t;
    trial_init(&t);
    buf_putf(&t.out, ".comp C0 { .decl r(x:number) }\n");
    for (int i = 1; i <= 9; i++)
        buf_putf(&t.out, ".comp C%d { .init a = C%d .init b = C%d }\n", i, i - 1, i - 1);
    buf_putf(&t.out, ".init c = C7\n");
    CHECK_ERR(ERR_OK, trial_load(&t, buf_text(&t.out)));
    CHECK_INT(128, datalog_relation_count(t.program));
    datalog_free(&t.program);
    buf_putf(&t.out, ".init d = C0 .init e = C0\n");
    CHECK_ERR(ERR_INPUT, trial_load(&t, buf_text(&t.out)));
    CHECK_TEXT("components deeper than 8 in one another, or more than 256 of them", t.diag.first->message);
    trial_fini(&t);
}

TEST(a_variable_is_of_every_type_that_is_said_of_it)
{
    static const char types[] = ".type One <: symbol\n.type Two <: symbol\n.type Both = One | Two\n"
                                ".decl one(x:One)\n.decl two(x:Two)\n.decl both(x:Both)\n.decl any(x:symbol)\n";
    char text[512];
    snprintf(text, sizeof(text), "%s%s", types,
             "both(x) :- one(x).\nany(x) :- both(x).\none(x) :- both(x), one(x).\none(y) :- one(x), y = x.\n"
             "one(as(x, One)) :- any(x).\none(x) :- one(x), n = count : { two(_) }, n = n.\n.decl "
             "made(x:One)\nmade(cat(x, \"\")) :- any(x).\none(x) :- one(x), !two(x).\n");
    trial_says(text, ERR_OK, "");
    snprintf(text, sizeof(text), "%s%s", types, "one(x) :- both(x).\none(x) :- any(x).\n");
    trial_says(text, ERR_INPUT,
               "t.dl:8:5: error: `Both` is no subtype of `One`, which stands here\n"
               "  one(x) :- both(x).\n"
               "      ^\n"
               "  `as(x, Type)` holds a value to be of a type\n"
               "t.dl:9:5: error: `symbol` is no subtype of `One`, which stands here\n"
               "  one(x) :- any(x).\n"
               "      ^\n"
               "  `as(x, Type)` holds a value to be of a type\n");
    snprintf(text, sizeof(text), "%s%s", types, "any(x) :- one(x), two(x).\nany(as(x, Three)) :- one(x).\n");
    trial_says(text, ERR_INPUT,
               "t.dl:8:23: error: no value is both of `One` and of `Two`, as `x` would be\n"
               "  any(x) :- one(x), two(x).\n"
               "                        ^\n"
               "t.dl:9:11: error: unknown type `Three`\n"
               "  any(as(x, Three)) :- one(x).\n"
               "            ^~~~~\n");
}

TEST(types_are_declared_once_and_lead_somewhere)
{
    trial_says(
        ".type number <: symbol\n.type A = B\n.type B = A\n.type C <: symbol\n.type C <: symbol\n"
        ".type R = [x:number]\n.type S <: R\n.type U = R | C\n.type V = symbol | number\n.type W = Leaf {} | Leaf {}\n",
        ERR_INPUT,
        "t.dl:1:7: error: `number` is a type already\n"
        "  .type number <: symbol\n"
        "        ^~~~~~\n"
        "  give it another name\n"
        "t.dl:2:7: error: type `A` never ends in a base type\n"
        "  .type A = B\n"
        "        ^\n"
        "t.dl:3:7: error: type `B` never ends in a base type\n"
        "  .type B = A\n"
        "        ^\n"
        "t.dl:5:7: error: type `C` is declared twice\n"
        "  .type C <: symbol\n"
        "        ^\n"
        "t.dl:7:7: error: `R` is a record, which has no subsets\n"
        "  .type S <: R\n"
        "        ^\n"
        "  write `=` for another name\n"
        "t.dl:8:7: error: a union is of symbols or of numbers; `R` is a record\n"
        "  .type U = R | C\n"
        "        ^\n"
        "  write it as a variant: `Name { field:type } | ...`\n"
        "t.dl:9:7: error: `number` is a number, `symbol` is a symbol\n"
        "  .type V = symbol | number\n"
        "        ^\n"
        "t.dl:10:21: error: branch `Leaf` is declared twice\n"
        "  .type W = Leaf {} | Leaf {}\n"
        "                      ^~~~\n");
}

TEST(records_fit_their_types)
{
    trial_says(
        ".type L = [n:number, t:L]\n.type V = A { x:number } | B {}\n.decl l(x:L)\n.decl v(x:V)\n.decl n(x:number)\n"
        "l([1]).\nl([\"a\", nil]).\nl(7).\nn(nil).\nn([1, nil]).\nv($C).\nv($A).\nv(nil).\nv([1]).\n",
        ERR_INPUT,
        "t.dl:6:3: error: `L` has 2 fields, here are 1\n  l([1]).\n    ^\n"
        "t.dl:7:4: error: expected a number, found a symbol\n  l([\"a\", nil]).\n     ^~~\n"
        "t.dl:8:3: error: expected a L, found a number\n  l(7).\n    ^\n"
        "t.dl:9:3: error: expected a number, found nil, which is a record\n  n(nil).\n    ^~~\n"
        "t.dl:10:3: error: expected a number, found a record\n  n([1, nil]).\n    ^\n"
        "t.dl:11:4: error: unknown branch `C` of `V`\n  v($C).\n     ^\n"
        "t.dl:12:4: error: `A` has 1 field, here are 0\n  v($A).\n     ^\n"
        "t.dl:13:3: error: expected a V, found nil, which is a record\n  v(nil).\n    ^~~\n"
        "t.dl:14:3: error: expected a V, found a record\n  v([1]).\n    ^\n  write `$Branch(...)`\n");
    trial_says(".type L = [n:number, t:L]\n.decl l(x:L)\n.decl n(x:number)\n"
               "n(x) :- l([x]).\nn(x) :- l(x).\nn(x) :- n(x), [x, _] = y, y = y.\nn(x) :- n(x), !l([_, nil]).\nn(1) :- "
               "l(x), l(y), x < y.\n",
               ERR_INPUT,
               "t.dl:4:11: error: `L` has 2 fields, here are 1\n  n(x) :- l([x]).\n            ^\n"
               "t.dl:5:3: error: expected a number, found a L\n  n(x) :- l(x).\n    ^\n"
               "t.dl:6:15: error: cannot tell the type of this record\n  n(x) :- n(x), [x, _] = y, y = y.\n"
               "                ^\n  give it a column of a record's type\n"
               "t.dl:6:24: error: variable `y` is not bound\n  n(x) :- n(x), [x, _] = y, y = y.\n"
               "                         ^\n  an atom without `!` must give it values\n"
               "t.dl:7:18: error: this record is not bound\n  n(x) :- n(x), !l([_, nil]).\n"
               "                   ^\n  an atom without `!` must give it, or all its fields\n"
               "t.dl:8:21: error: `<` works on numbers and symbols, not on records\n  n(1) :- l(x), l(y), x < y.\n"
               "                      ^\n");
}

TEST(complaints_come_in_the_order_of_their_places)
{
    trial_says(".decl a(x:number)\nb(1).\na(\"x\").\na(x) :- !a(x).\na(y) :- a(x), y = x, y = \"s\".\n", ERR_INPUT,
               "t.dl:2:1: error: unknown relation `b`\n  b(1).\n  ^\n"
               "t.dl:3:3: error: expected a number, found a symbol\n  a(\"x\").\n    ^~~\n"
               "t.dl:4:12: error: variable `x` is not bound\n  a(x) :- !a(x).\n             ^\n"
               "  an atom without `!` must give it values\n"
               "t.dl:5:26: error: expected a number, found a symbol\n  a(y) :- a(x), y = x, y = \"s\".\n"
               "                           ^~~\n");
}

TEST(bits_are_of_whole_numbers)
{
    trial_says(".decl a(x:float)\na(x band 1.0) :- a(x).\na(bnot x) :- a(x).\n", ERR_INPUT,
               "t.dl:2:5: error: `band` works on whole numbers\n  a(x band 1.0) :- a(x).\n      ^~~~\n"
               "t.dl:3:3: error: `bnot` works on whole numbers\n  a(bnot x) :- a(x).\n    ^~~~\n");
}

TEST(the_spelling_of_other_engines_is_put_right)
{
    trial_says(".decl a(x:number)\na(1) :- a(2), not a(3).\na(X) :- a(X), X == 3.\na(1) <- a(2).\n", ERR_INPUT,
               "t.dl:2:15: error: expected a literal, found `not`\n  a(1) :- a(2), not a(3).\n                ^~~\n"
               "  write `!` for what is not there\n"
               "t.dl:3:18: error: expected a term, found `=`\n  a(X) :- a(X), X == 3.\n                   ^\n"
               "  equality is one `=`\n"
               "t.dl:4:6: error: expected `.` or `:-`, found `<-`\n  a(1) <- a(2).\n       ^\n  write `:-`\n");
}

TESTS_BEGIN()
TESTS_RUN(a_misspelt_relation_gets_a_suggestion)
TESTS_RUN(all_errors_are_told_at_once)
TESTS_RUN(a_syntax_error_says_what_was_expected)
TESTS_RUN(a_relation_is_declared_once)
TESTS_RUN(columns_are_counted)
TESTS_RUN(types_must_agree)
TESTS_RUN(what_is_said_twice_is_refused)
TESTS_RUN(counting_has_its_place_in_a_head_that_ends)
TESTS_RUN(an_atom_must_bind_every_variable)
TESTS_RUN(a_variable_inside_an_aggregate_is_not_bound_outside)
TESTS_RUN(the_cycle_that_needs_its_own_negation_is_named)
TESTS_RUN(an_aggregate_over_itself_is_refused)
TESTS_RUN(a_lonely_variable_is_a_warning)
TESTS_RUN(a_recursive_rule_makes_no_values_of_its_own)
TESTS_RUN(a_recursive_rule_may_compute_with_what_is_complete)
TESTS_RUN(a_fact_holds_constants_only)
TESTS_RUN(a_text_of_facts_holds_nothing_else)
TESTS_RUN(a_text_that_is_included_must_be_given)
TESTS_RUN(rules_nesting_and_alternatives_are_bounded)
TESTS_RUN(a_component_does_not_hold_itself)
TESTS_RUN(components_that_double_at_every_level_are_bounded)
TESTS_RUN(a_variable_is_of_every_type_that_is_said_of_it)
TESTS_RUN(types_are_declared_once_and_lead_somewhere)
TESTS_RUN(records_fit_their_types)
TESTS_RUN(complaints_come_in_the_order_of_their_places)
TESTS_RUN(bits_are_of_whole_numbers)
TESTS_RUN(the_spelling_of_other_engines_is_put_right)
TESTS_END()
