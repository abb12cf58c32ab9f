#include "proxy/job_shelf.h"

#include "tests/kit/t.h"

static struct {
    struct job_shelf shelf;
    struct arena arena;
} s;

static void open_shelf(void)
{
    job_shelf_init(&s.shelf);
    arena_init(&s.arena, SIZE_MAX);
}

static void close_shelf(void)
{
    arena_fini(&s.arena);
    job_shelf_fini(&s.shelf);
    job_shelf_fini(&(struct job_shelf){0});
}

static void check(const char *job, uint64_t token, const char *checkpoint)
{
    uint64_t found;
    struct slice bytes;
    CHECK_ERR(ERR_OK, job_shelf_find(&s.shelf, slice_str(job), &s.arena, &found, &bytes));
    CHECK_INT((int64_t)token, (int64_t)found);
    CHECK_TEXT(checkpoint, bytes);
}

static void check_absent(const char *job)
{
    uint64_t token;
    CHECK_ERR(ERR_ABSENT, job_shelf_find(&s.shelf, slice_str(job), &s.arena, &token, NULL));
}

TEST(a_job_is_found_until_it_is_taken)
{
    open_shelf();
    check_absent("j1");
    job_shelf_put(&s.shelf, SLICE("j1"), 7, SLICE(""));
    job_shelf_put(&s.shelf, SLICE("j2"), 1, SLICE("half"));
    check("j1", 7, "");
    check("j2", 1, "half");
    job_shelf_take(&s.shelf, SLICE("j1"), 7);
    job_shelf_take(&s.shelf, SLICE("j1"), 7);
    check_absent("j1");
    check("j2", 1, "half");
    close_shelf();
}

TEST(an_attempt_that_has_lost_its_lease_changes_nothing_of_the_next)
{
    open_shelf();
    job_shelf_put(&s.shelf, SLICE("j1"), 7, SLICE("half"));
    job_shelf_put(&s.shelf, SLICE("j1"), 8, SLICE("more"));
    job_shelf_keep(&s.shelf, SLICE("j1"), 7, SLICE("late"));
    job_shelf_take(&s.shelf, SLICE("j1"), 7);
    check("j1", 8, "more");
    job_shelf_keep(&s.shelf, SLICE("j1"), 8, SLICE("most"));
    check("j1", 8, "most");
    close_shelf();
}

TEST(what_was_found_stays_when_the_job_goes)
{
    uint64_t token;
    struct slice bytes;
    open_shelf();
    job_shelf_put(&s.shelf, SLICE("j1"), 7, SLICE("half"));
    CHECK_ERR(ERR_OK, job_shelf_find(&s.shelf, SLICE("j1"), &s.arena, &token, &bytes));
    job_shelf_take(&s.shelf, SLICE("j1"), 7);
    CHECK_TEXT("half", bytes);
    close_shelf();
}

TESTS_BEGIN()
TESTS_RUN(a_job_is_found_until_it_is_taken)
TESTS_RUN(an_attempt_that_has_lost_its_lease_changes_nothing_of_the_next)
TESTS_RUN(what_was_found_stays_when_the_job_goes)
TESTS_END()
