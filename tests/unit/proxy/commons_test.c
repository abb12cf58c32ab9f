#include "proxy/commons.h"

#include "tests/kit/t.h"

TEST(shares_are_even_and_add_up)
{
    CHECK_INT(4, commons_share(10, 0, 3));
    CHECK_INT(3, commons_share(10, 1, 3));
    CHECK_INT(3, commons_share(10, 2, 3));
    CHECK_INT(10, commons_share(10, 0, 1));
    CHECK_INT(10, commons_share(10, 0, 0));
    CHECK_INT(0, commons_share(1, 1, 2));
    CHECK_INT(1, commons_share_some(1, 1, 2));
}

TEST(a_rate_is_one_for_all_workers)
{
    struct commons c;
    int passed = 0;
    commons_init(&c, 2);
    for (int i = 0; i < 10; i++)
        passed += commons_rate_ask(&c, SLICE("spiffe://example.org/web"), 0, 4, 1000000) == ERR_OK;
    CHECK_INT(4, passed);
    commons_fini(&c);
    commons_fini(&c);
}

TEST(connections_go_to_the_worker_that_has_the_fewest)
{
    struct commons c;
    commons_init(&c, 3);
    CHECK_INT(1, commons_choose(&c, COMMONS_INBOUND, 1)); /* all are even: it stays */
    CHECK_INT(0, commons_choose(&c, COMMONS_INBOUND, 1));
    CHECK_INT(2, commons_choose(&c, COMMONS_INBOUND, 1));
    CHECK_INT(2, commons_choose(&c, COMMONS_OUTBOUND, 2));
    commons_left(&c, COMMONS_INBOUND, 0);
    CHECK_INT(0, commons_choose(&c, COMMONS_INBOUND, 2));
    commons_fini(&c);
}

TESTS_BEGIN()
TESTS_RUN(shares_are_even_and_add_up)
TESTS_RUN(a_rate_is_one_for_all_workers)
TESTS_RUN(connections_go_to_the_worker_that_has_the_fewest)
TESTS_END()
