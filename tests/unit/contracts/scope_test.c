#include "contracts/scope.h"

#include "tests/kit/t.h"

#define HEAD "contract(\"c\", \"1.0.0\").\n"
#define OPERATION(name, type)                                                \
    "operation(\"" name "\"). http(\"" name "\", \"GET\", \"/" name "\").\n" \
    "response(\"" name "\", \"200\", \"application/json\", \"" type "\").\n"
#define RECORD(name, member, type) \
    "record(\"" name "\"). field(\"" name "\", \"" member "\", \"" type "\", \"required\").\n"
/* Outer leads to Inner, Other to Leaf; nothing leads to Spare. */
#define TYPES(inner)               \
    RECORD("Outer", "in", "Inner") \
    RECORD("Inner", "n", inner)    \
    RECORD("Other", "leaf", "Leaf") RECORD("Leaf", "n", "int32") RECORD("Spare", "n", "int32")

struct pair {
    struct contract *side[SCOPE_SIDES];
    struct scope scope;
};

static struct contract *parse(const char *text)
{
    struct diag diag;
    struct contract *c = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, contract_parse(slice_str(text), "test.weft", &diag, &c));
    diag_fini(&diag);
    return c;
}

static void pair_init(struct pair *p, const char *consumer, const char *provider)
{
    p->side[SCOPE_CONSUMER] = parse(consumer);
    p->side[SCOPE_PROVIDER] = parse(provider);
    scope_init(&p->scope, p->side[SCOPE_CONSUMER], p->side[SCOPE_PROVIDER], true);
}

static void pair_fini(struct pair *p)
{
    scope_fini(&p->scope);
    contract_unref(&p->side[SCOPE_CONSUMER]);
    contract_unref(&p->side[SCOPE_PROVIDER]);
}

/* Are the facts of the type seen, on both sides alike? */
static bool sees(struct pair *p, const char *type)
{
    bool seen[SCOPE_SIDES] = {false, false};
    for (unsigned side = 0; side < SCOPE_SIDES; side++) {
        const struct fact *f = fact_list_find(contract_facts(p->side[side]), VOCABULARY_RECORD, slice_str(type));
        CHECK(f != NULL);
        seen[side] = scope_needs(&p->scope, side, f);
    }
    CHECK_INT(seen[SCOPE_CONSUMER], seen[SCOPE_PROVIDER]);
    return seen[SCOPE_CONSUMER];
}

struct looking {
    struct slice name;
    bool found;
};

static void look(void *arg, struct slice name)
{
    struct looking *l = arg;
    l->found = l->found || slice_eq(name, l->name);
}

static bool is_changed(const struct pair *p, const char *name)
{
    struct looking l = {.name = slice_str(name)};
    scope_each_changed(&p->scope, look, &l);
    return l.found;
}

TEST(what_is_changed_is_seen_and_what_leads_there)
{
    struct pair p;
    pair_init(&p, HEAD OPERATION("a", "Outer") OPERATION("b", "Other") TYPES("int32"),
              HEAD OPERATION("a", "Outer") OPERATION("b", "Other") TYPES("int64"));
    CHECK(sees(&p, "Outer"));
    CHECK(sees(&p, "Inner"));
    CHECK(!sees(&p, "Other"));
    CHECK(!sees(&p, "Leaf"));
    CHECK(!sees(&p, "Spare"));
    CHECK(is_changed(&p, "a"));
    CHECK(!is_changed(&p, "b"));
    CHECK(is_changed(&p, "Inner"));
    CHECK(!is_changed(&p, "Leaf"));
    pair_fini(&p);
}

TEST(what_is_said_of_a_member_changes_its_record_and_needs_its_type)
{
    struct pair p;
    pair_init(&p, HEAD OPERATION("b", "Other") TYPES("int32"),
              HEAD OPERATION("b", "Other") TYPES("int32") "nullable(\"Other.leaf\").");
    CHECK(sees(&p, "Other"));
    CHECK(sees(&p, "Leaf"));
    CHECK(!sees(&p, "Inner"));
    CHECK(is_changed(&p, "b"));
    CHECK(is_changed(&p, "Other.leaf"));
    pair_fini(&p);
}

TEST(a_type_in_the_place_of_another_is_seen_with_all_that_it_leads_to)
{
    struct pair p;
    pair_init(&p, HEAD OPERATION("a", "Outer") TYPES("int32"), HEAD OPERATION("a", "Other") TYPES("int32"));
    CHECK(sees(&p, "Outer"));
    CHECK(sees(&p, "Inner"));
    CHECK(sees(&p, "Other"));
    CHECK(sees(&p, "Leaf"));
    CHECK(!sees(&p, "Spare"));
    pair_fini(&p);
}

TEST(the_branches_of_a_changed_union_may_meet_each_other)
{
#define UNION "union(\"U\"). branch(\"U\", 0, \"Outer\"). branch(\"U\", 1, \"Other\").\n"
    struct pair p;
    pair_init(&p, HEAD OPERATION("a", "U") UNION TYPES("int32"), HEAD OPERATION("a", "U") UNION TYPES("int64"));
    CHECK(sees(&p, "Inner"));
    CHECK(sees(&p, "Other"));
    CHECK(sees(&p, "Leaf"));
    CHECK(!sees(&p, "Spare"));
    pair_fini(&p);
    pair_init(&p, HEAD OPERATION("a", "U") UNION TYPES("int32") RECORD("New", "n", "int32"),
              HEAD OPERATION("a", "U") UNION TYPES("int32") RECORD("New", "n", "int64"));
    CHECK(!sees(&p, "Outer"));
    CHECK(!is_changed(&p, "a"));
    pair_fini(&p);
}

TEST(media_ranges_and_one_route_for_two_let_types_meet)
{
#define TWICE "response(\"a\", \"200\", \"*/*\", \"Other\").\n"
#define SAME \
    "operation(\"z\"). http(\"z\", \"GET\", \"/a\"). response(\"z\", \"200\", \"application/json\", \"Other\").\n"
    struct pair p;
    pair_init(&p, HEAD OPERATION("a", "Outer") TWICE TYPES("int32") RECORD("New", "n", "int32"),
              HEAD OPERATION("a", "Outer") TWICE TYPES("int32") RECORD("New", "n", "int64"));
    CHECK(sees(&p, "Outer"));
    CHECK(sees(&p, "Leaf"));
    CHECK(!sees(&p, "Spare"));
    pair_fini(&p);
    pair_init(&p, HEAD OPERATION("a", "Outer") SAME TYPES("int32") RECORD("New", "n", "int32"),
              HEAD OPERATION("a", "Outer") SAME TYPES("int32") RECORD("New", "n", "int64"));
    CHECK(sees(&p, "Inner"));
    CHECK(sees(&p, "Leaf"));
    pair_fini(&p);
}

TEST(a_touched_operation_needs_all_its_types)
{
    struct pair p;
    pair_init(
        &p, HEAD OPERATION("a", "Outer") TYPES("int32"),
        HEAD OPERATION("a", "Outer") "response(\"a\", \"default\", \"application/json\", \"Leaf\").\n" TYPES("int32"));
    CHECK(sees(&p, "Outer"));
    CHECK(sees(&p, "Inner"));
    CHECK(sees(&p, "Leaf"));
    CHECK(!sees(&p, "Other"));
    CHECK(is_changed(&p, "a"));
    pair_fini(&p);
}

TESTS_BEGIN()
TESTS_RUN(what_is_changed_is_seen_and_what_leads_there)
TESTS_RUN(what_is_said_of_a_member_changes_its_record_and_needs_its_type)
TESTS_RUN(a_type_in_the_place_of_another_is_seen_with_all_that_it_leads_to)
TESTS_RUN(the_branches_of_a_changed_union_may_meet_each_other)
TESTS_RUN(media_ranges_and_one_route_for_two_let_types_meet)
TESTS_RUN(a_touched_operation_needs_all_its_types)
TESTS_END()
