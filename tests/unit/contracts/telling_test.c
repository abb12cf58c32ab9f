#include "contracts/telling.h"

#include "contracts/contract.h"
#include "tests/kit/t.h"

#define UNION(branches)                                                                            \
    "contract(\"a\", \"1.0.0\"). operation(\"o\"). http(\"o\", \"POST\", \"/o\"). request(\"o\", " \
    "\"application/json\", \"U\")."                                                                \
    " response(\"o\", \"200\", \"\", \"\"). union(\"U\"). " branches
#define BRANCH(number, type) "branch(\"U\", " #number ", \"" type "\"). "
#define RECORD(name) "record(\"" name "\"). "
#define FIELD(record, name, type, presence) "field(\"" record "\", \"" name "\", \"" type "\", \"" presence "\"). "
#define VALUE(subject, text) "value(\"" subject "\", \"\\\"" text "\\\"\"). "

/* The word for a branch of U; NULL: nothing tells it. */
static void told(const char *facts, const char *branch, const char *word)
{
    struct diag diag;
    struct contract *c;
    struct arena arena;
    struct slice said;
    diag_init(&diag);
    arena_init(&arena, 0);
    CHECK_ERR(ERR_OK, contract_parse(slice_str(facts), "facts", &diag, &c));
    enum err e = telling_word(contract_shape(c), SLICE("o:request:application/json"), slice_str(branch), &arena, &said);
    CHECK_ERR(word ? ERR_OK : ERR_ABSENT, e);
    if (word)
        CHECK_TEXT(word, said);
    contract_unref(&c);
    arena_fini(&arena);
    diag_fini(&diag);
}

TEST(a_branch_of_a_kind_of_its_own_is_told_by_it)
{
    static const char facts[] = UNION(BRANCH(0, "R") BRANCH(1, "int64") BRANCH(2, "L") BRANCH(3, "string"))
        RECORD("R") "list(\"L\", \"string\"). nullable(\"U|1\").";
    told(facts, "U|0", "(:object)");
    told(facts, "U|1", "(:number)");
    told(facts, "U|2", "(:array)");
    told(facts, "U|3", "(:string)");
    static const char twice[] = UNION(BRANCH(0, "int64") BRANCH(1, "double"));
    told(twice, "U|0", NULL);
}

#define PAIR UNION(BRANCH(0, "A") BRANCH(1, "B")) RECORD("A") RECORD("B") FIELD("A", "a", "string", "required")
#define A_KIND(presence) FIELD("A", "kind", "string", presence) VALUE("A.kind", "x") VALUE("A.kind", "y")
#define B_KIND FIELD("B", "kind", "string", "optional") VALUE("B.kind", "z")
#define TAGGED(presence)  \
    PAIR A_KIND(presence) \
    B_KIND

TEST(a_member_that_must_be_there_and_is_always_another_tells)
{
    told(TAGGED("required"), "U|0", "(kind=x|y)");
    /* It need not come, nothing else tells. */
    told(TAGGED("optional"), "U|0", NULL);
    told(TAGGED("required"), "U|1", NULL);
    told(TAGGED("required") VALUE("B.kind", "x"), "U|0", NULL);
}

TEST(the_type_of_a_member_tells)
{
    static const char facts[] = UNION(BRANCH(0, "A") BRANCH(1, "B")) RECORD("A") RECORD("B")
        FIELD("A", "v", "string", "required") FIELD("B", "v", "double", "required") "nullable(\"A.v\").";
    told(facts, "U|0", "(v:string|null)");
    told(facts, "U|1", "(v:number)");
    static const char both[] =
        UNION(BRANCH(0, "A") BRANCH(1, "B")) RECORD("A") RECORD("B") FIELD("A", "v", "string", "required")
            FIELD("B", "v", "double", "required") "nullable(\"A.v\"). nullable(\"B.v\").";
    told(both, "U|0", NULL);
}

#define OWN_A FIELD("A", "own one", "string", "required")
#define OWN UNION(BRANCH(0, "A") BRANCH(1, "B")) RECORD("A") RECORD("B") OWN_A FIELD("B", "two", "any", "required")

TEST(members_that_one_has_and_the_other_has_not_tell)
{
    told(OWN, "U|0", "(own~x20one:string&-two)");
    told(OWN, "U|1", "(+two&-own~x20one)");
    told(OWN "closed(\"B\").", "U|0", "(own~x20one:string)");
    static const char one[] =
        UNION(BRANCH(0, "A") BRANCH(1, "B")) RECORD("A") RECORD("B") FIELD("A", "a", "string", "required")
            FIELD("B", "a", "string", "required") FIELD("B", "b", "string", "required");
    told(one, "U|0", NULL);
    told(one, "U|1", NULL);
    static const char closed[] =
        UNION(BRANCH(0, "A") BRANCH(1, "B")) RECORD("A") RECORD("B") FIELD("A", "a", "string", "required")
            FIELD("B", "a", "string", "required") FIELD("B", "b", "string", "required") "closed(\"A\").";
    told(closed, "U|0", "(-b)");
    told(closed, "U|1", "(b:string)");
}

TEST(a_member_of_one_direction_only_tells_nothing)
{
    told(OWN "closed(\"B\"). only(\"A.own one\", \"response\").", "U|0", NULL);
}

TEST(a_discriminator_names_the_branches)
{
    static const char facts[] = UNION(BRANCH(0, "A") BRANCH(1, "B")) RECORD("A") RECORD("B") FIELD("A", "kind",
                                                                                                   "string", "required")
        FIELD("B", "kind", "string", "required") "unproven(\"U\", \"discriminator\", "
                                                 "\"{\\\"propertyName\\\":\\\"kind\\\",\\\"mapping\\\":{\\\"an a\\\":"
                                                 "\\\"#/components/schemas/A\\\",\\\"B\\\":\\\"#/components/schemas/"
                                                 "A\\\",\\\"b\\\":\\\"B\\\"}}\").";
    told(facts, "U|0", "(kind=A|B|an~x20a)");
    told(facts, "U|1", "(kind=b)");
}

TEST(branches_of_branches_are_told_apart_too)
{
    static const char facts[] =
        UNION(BRANCH(0, "A") BRANCH(1, "V")) "union(\"V\"). branch(\"V\", 0, \"B\"). branch(\"V\", "
                                             "1, \"string\"). " RECORD("A") RECORD("B")
                                                 FIELD("A", "v", "string", "required")
                                                     FIELD("B", "v", "bool", "required");
    told(facts, "V|0", "(v:bool)");
    told(facts, "V|1", "(:string)");
}

TESTS_BEGIN()
TESTS_RUN(a_branch_of_a_kind_of_its_own_is_told_by_it)
TESTS_RUN(a_member_that_must_be_there_and_is_always_another_tells)
TESTS_RUN(the_type_of_a_member_tells)
TESTS_RUN(members_that_one_has_and_the_other_has_not_tell)
TESTS_RUN(a_member_of_one_direction_only_tells_nothing)
TESTS_RUN(a_discriminator_names_the_branches)
TESTS_RUN(branches_of_branches_are_told_apart_too)
TESTS_END()
