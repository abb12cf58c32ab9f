#include "broker/session.h"

#include <stdio.h>

#include "tests/kit/t.h"

static struct session *open_one(void)
{
    struct zsock_route route = {.len = 5, .id = {0, 1, 2, 3, 4}};
    return session_new(1, &route, SLICE("spiffe://example.org/web"));
}

TEST(names_longer_than_64_bytes_are_cut)
{
    struct session *s = open_one();
    CHECK(!s->greeted);
    session_name(s, "0123456789012345678901234567890123456789012345678901234567890123456789", "i");
    CHECK(s->greeted);
    CHECK_INT(SESSION_NAME_MOST, strlen(s->service));
    session_free(&s);
    CHECK(s == NULL);
}

TEST(a_job_is_watched_once_and_from_the_latest_place)
{
    struct session *s = open_one();
    struct slice job = SLICE("01HF7YAT000RD4P0NK1W071PET");
    CHECK_ERR(ERR_OK, session_watch(s, job, 3));
    CHECK_ERR(ERR_OK, session_watch(s, job, 5));
    CHECK_INT(1, s->watch_count);
    CHECK_INT(5, session_watches(s, job)->after);
    session_unwatch(s, job);
    session_unwatch(s, job);
    CHECK_INT(0, s->watch_count);
    session_free(&s);
}

TEST(the_thousand_and_first_watch_is_refused)
{
    struct session *s = open_one();
    char job[JOB_ID + 6];
    for (int i = 0; i < SESSION_WATCHES; i++) {
        snprintf(job, sizeof(job), "01HF7YAT000RD4P0NK1W%06d", i);
        CHECK_ERR(ERR_OK, session_watch(s, slice_str(job), 0));
    }
    CHECK_ERR(ERR_FULL, session_watch(s, SLICE("01HF7YAT000RD4P0NK1WZZZZZZ"), 0));
    CHECK_ERR(ERR_OK, session_watch(s, slice_str(job), 9));
    session_free(&s);
}

TESTS_BEGIN()
TESTS_RUN(names_longer_than_64_bytes_are_cut)
TESTS_RUN(a_job_is_watched_once_and_from_the_latest_place)
TESTS_RUN(the_thousand_and_first_watch_is_refused)
TESTS_END()
