#include "base/err.h"

#include "tests/kit/t.h"

static enum err passes_on(enum err e, bool *reached)
{
    TRY(e);
    *reached = true;
    return ERR_OK;
}

TEST(every_outcome_has_a_name_words_and_an_advice)
{
    CHECK_TEXT("STALE", slice_str(err_name(ERR_STALE)));
    CHECK_TEXT("overtaken or expired", slice_str(err_text(ERR_STALE)));
    CHECK_INT(ERR_FINE, err_advice(ERR_OK));
    CHECK_INT(ERR_RETRY, err_advice(ERR_FULL));
    CHECK_INT(ERR_ANSWER, err_advice(ERR_STALE));
    CHECK_INT(ERR_HANGUP, err_advice(ERR_IO));
    for (unsigned e = 0; e < ERR_COUNT; e++)
        CHECK(err_name((enum err)e) && err_text((enum err)e));
}

TEST(try_returns_on_anything_but_ok)
{
    bool reached = false;
    CHECK_ERR(ERR_PEER, passes_on(ERR_PEER, &reached));
    CHECK(!reached);
    CHECK_ERR(ERR_OK, passes_on(ERR_OK, &reached));
    CHECK(reached);
}

TESTS_BEGIN()
TESTS_RUN(every_outcome_has_a_name_words_and_an_advice)
TESTS_RUN(try_returns_on_anything_but_ok)
TESTS_END()
