#include "http/spelling.h"

#include "tests/kit/t.h"

static struct arena arena;
static struct headers from, to;

static void begin(void)
{
    arena_init(&arena, 64 << 10);
    headers_init(&from, &arena);
    headers_init(&to, &arena);
}

static void add(struct headers *h, const char *name)
{
    CHECK_ERR(ERR_OK, headers_add_copy(h, slice_str(name), SLICE("v")));
}

static void spelled(const struct headers *h, uint32_t i, const char *want)
{
    CHECK(h->v[i].spelled != NULL);
    CHECK_TEXT(want, slice_of(h->v[i].spelled, h->v[i].name.len));
}

TEST(what_was_told_on_one_side_is_heeded_on_the_other)
{
    begin();
    add(&from, "User-Agent");
    add(&from, "x-lower");
    add(&from, "X-Request-ID");
    spelling_tell(&from, true);
    CHECK_TEXT("User-Agent,X-Request-ID", headers_value(&from, HEADERS_WEFT_CASE));
    for (uint32_t i = 0; i < from.count; i++) /* HTTP/2 between */
        CHECK_ERR(ERR_OK, headers_add(&to, from.v[i].name, from.v[i].value));
    spelling_heed(&to);
    CHECK_INT(3, to.count);
    spelled(&to, 0, "User-Agent");
    CHECK(!to.v[1].spelled);
    spelled(&to, 2, "X-Request-ID");
    arena_fini(&arena);
}

TEST(nothing_is_told_where_there_is_nothing_to_tell_or_nobody_to_hear)
{
    begin();
    add(&from, "x-lower");
    spelling_tell(&from, true);
    CHECK_INT(1, from.count);
    add(&from, "X-Upper");
    spelling_tell(&from, false);
    CHECK_INT(2, from.count);
    arena_fini(&arena);
}

TEST(a_list_of_somebody_elses_making_is_replaced)
{
    begin();
    CHECK_ERR(ERR_OK, headers_add_token(&from, HEADERS_WEFT_CASE, SLICE("X-Lie")));
    spelling_tell(&from, true);
    CHECK_INT(0, from.count);
    arena_fini(&arena);
}

TEST(what_is_no_name_spells_nothing)
{
    begin();
    add(&to, "x-a");
    CHECK_ERR(ERR_OK, headers_add_token(&to, HEADERS_WEFT_CASE, SLICE(",X-B,X-A\r\nEvil: 1,X A,")));
    spelling_heed(&to);
    CHECK_INT(1, to.count);
    CHECK(!to.v[0].spelled);
    arena_fini(&arena);
}

TESTS_BEGIN()
TESTS_RUN(what_was_told_on_one_side_is_heeded_on_the_other)
TESTS_RUN(nothing_is_told_where_there_is_nothing_to_tell_or_nobody_to_hear)
TESTS_RUN(a_list_of_somebody_elses_making_is_replaced)
TESTS_RUN(what_is_no_name_spells_nothing)
TESTS_END()
