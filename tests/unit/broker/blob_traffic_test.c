#include "broker/blob_traffic.h"

#include "broker/blob_purse.h"
#include "tests/kit/t.h"

enum { MANY = 200 };

TEST(what_is_on_its_way_is_never_more_than_24_mib)
{
    struct blob_traffic t;
    struct blob_traffic_seat seats[MANY];
    size_t sessions[MANY] = {0}, moving = 0;
    blob_traffic_init(&t);
    CHECK_INT(2 << 20, blob_traffic_share(&t));
    for (size_t i = 0; i < MANY; i++)
        CHECK(blob_traffic_line_up(&t, &seats[i], &sessions[i]));
    while (blob_traffic_next(&t)) {
        moving++;
        CHECK(moving * blob_traffic_share(&t) <= 24 << 20);
    }
    CHECK_INT(96, moving);
    CHECK_INT(256 << 10, blob_traffic_share(&t));
    for (size_t i = 0; i < 90; i++)
        blob_traffic_leave(&t, &seats[i]);
    CHECK_INT(2 << 20, blob_traffic_share(&t));
    CHECK(blob_traffic_next(&t) == &seats[96]);
    for (size_t i = 0; i < MANY; i++)
        blob_traffic_leave(&t, &seats[i]);
    CHECK_INT(0, t.active);
    CHECK_INT(0, t.waiting);
}

TEST(one_session_moves_32_and_holds_up_no_other)
{
    struct blob_traffic t;
    struct blob_traffic_seat seats[40], other;
    size_t mine = 0, its = 0;
    blob_traffic_init(&t);
    for (size_t i = 0; i < 40; i++)
        CHECK(blob_traffic_line_up(&t, &seats[i], &mine));
    CHECK(blob_traffic_line_up(&t, &other, &its));
    for (size_t i = 0; i < 32; i++)
        CHECK(blob_traffic_next(&t) == &seats[i]);
    CHECK(blob_traffic_next(&t) == &other);
    CHECK(blob_traffic_next(&t) == NULL);
    blob_traffic_leave(&t, &seats[33]); /* it waited */
    blob_traffic_leave(&t, &seats[0]);
    CHECK(blob_traffic_next(&t) == &seats[32]);
    CHECK_INT(32, mine);
    CHECK_INT(6, t.waiting);
}

TEST(a_line_of_a_thousand_is_full)
{
    static struct blob_traffic_seat seats[BLOB_TRAFFIC_WAITING + 1];
    struct blob_traffic t;
    size_t mine = 0;
    blob_traffic_init(&t);
    for (size_t i = 0; i < BLOB_TRAFFIC_WAITING; i++)
        CHECK(blob_traffic_line_up(&t, &seats[i], &mine));
    CHECK(!blob_traffic_line_up(&t, &seats[BLOB_TRAFFIC_WAITING], &mine));
    blob_traffic_leave(&t, &seats[BLOB_TRAFFIC_WAITING]);
    CHECK_INT(BLOB_TRAFFIC_WAITING, t.waiting);
}

TEST(a_purse_knows_what_each_caller_has)
{
    struct blob_purse p = {0};
    blob_purse_add(&p, SLICE("web"), 5);
    blob_purse_add(&p, SLICE("shop"), 7);
    blob_purse_add(&p, SLICE("web"), 1);
    CHECK_INT(6, blob_purse_of(&p, SLICE("web")));
    CHECK_INT(13, p.total);
    blob_purse_sub(&p, SLICE("web"), 6);
    CHECK_INT(0, blob_purse_of(&p, SLICE("web")));
    CHECK_INT(7, blob_purse_of(&p, SLICE("shop")));
    blob_purse_fini(&p);
}

TESTS_BEGIN()
TESTS_RUN(what_is_on_its_way_is_never_more_than_24_mib)
TESTS_RUN(one_session_moves_32_and_holds_up_no_other)
TESTS_RUN(a_line_of_a_thousand_is_full)
TESTS_RUN(a_purse_knows_what_each_caller_has)
TESTS_END()
