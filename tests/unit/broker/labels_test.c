#include "broker/labels.h"

#include "tests/kit/t.h"

static bool fits(const char *needs, const char *has, unsigned liked)
{
    unsigned n = 99;
    return labels_fit(slice_str(needs), slice_str(has), &n) && n == liked;
}

TEST(requirements_must_be_met_and_preferences_count)
{
    CHECK(fits("", "", 0));
    CHECK(fits("", "gpu=a100", 0));
    CHECK(fits("gpu=a100", "zone=b,gpu=a100", 0));
    CHECK(!fits("gpu=a100", "gpu=a10", 0));
    CHECK(!fits("gpu=a100", "", 0));
    CHECK(!fits("gpu=a100,zone=b", "gpu=a100", 0));
    CHECK(fits("model=resnet@3?", "", 0));
    CHECK(fits("model=resnet@3?,zone=b?", "zone=b", 1));
    CHECK(fits("gpu=a100,model=x?", "gpu=a100,model=x", 1));
}

TEST(labels_are_words_with_commas_between)
{
    CHECK(labels_ok(SLICE(""), true));
    CHECK(labels_ok(SLICE("gpu=a100,model=a/b:c@3?"), true));
    CHECK(!labels_ok(SLICE("gpu=a100?"), false));
    CHECK(!labels_ok(SLICE("a,"), true));
    CHECK(!labels_ok(SLICE(",a"), true));
    CHECK(!labels_ok(SLICE("a,,b"), true));
    CHECK(!labels_ok(SLICE("a b"), true));
    CHECK(!labels_ok(SLICE("?"), true));
    CHECK(!labels_ok(SLICE("a??"), true));
    CHECK(!labels_ok(SLICE("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"), true));
    CHECK(labels_ok(SLICE("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"), true));
}

static struct slice needs_of(const char *text)
{
    static char room[LABELS_TEXT];
    return labels_needs(slice_str(text), room);
}

TEST(a_key_is_no_requirement)
{
    CHECK(labels_ok(SLICE("@customer-7"), true));
    CHECK(labels_ok(SLICE("gpu=a100,@customer-7,zone=b?"), true));
    CHECK(!labels_ok(SLICE("@customer-7"), false)); /* a worker has none */
    CHECK(!labels_ok(SLICE("@customer-7?"), true));
    CHECK(!labels_ok(SLICE("@"), true));
    CHECK(!labels_ok(SLICE("@a,@b"), true));
    CHECK_TEXT("customer-7", labels_key(SLICE("gpu=a100,@customer-7")));
    CHECK_TEXT("", labels_key(SLICE("gpu=a100,model=resnet@3")));
    CHECK(fits("@customer-7", "", 0));
    CHECK(!fits("gpu=a100,@customer-7", "", 0));
}

TEST(what_is_needed_is_all_but_the_key)
{
    CHECK_TEXT("", needs_of(""));
    CHECK_TEXT("", needs_of("@k"));
    CHECK_TEXT("a=1,b=2?", needs_of("a=1,b=2?"));
    CHECK_TEXT("a=1,b=2?", needs_of("a=1,@k,b=2?"));
    CHECK_TEXT("a=1,b=2?", needs_of("@k,a=1,b=2?"));
    CHECK_TEXT("a=1,b=2?", needs_of("a=1,b=2?,@k"));
}

TESTS_BEGIN()
TESTS_RUN(requirements_must_be_met_and_preferences_count)
TESTS_RUN(labels_are_words_with_commas_between)
TESTS_RUN(a_key_is_no_requirement)
TESTS_RUN(what_is_needed_is_all_but_the_key)
TESTS_END()
