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

TESTS_BEGIN()
TESTS_RUN(requirements_must_be_met_and_preferences_count)
TESTS_RUN(labels_are_words_with_commas_between)
TESTS_END()
