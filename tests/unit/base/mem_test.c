#include "base/mem.h"

#include "base/file.h"
#include "tests/kit/t.h"

TEST(live_blocks_are_counted)
{
    size_t before = mem_alive();
    char *a = mem_new(10);
    char *b = mem_resize(NULL, 10, 1);
    CHECK_INT(before + 2, mem_alive());
    b = mem_resize(b, 1000, 8);
    CHECK_INT(before + 2, mem_alive());
    mem_free(a);
    mem_free(NULL);
    mem_free(b);
    CHECK_INT(before, mem_alive());
}

TEST(new_memory_is_zeroed_and_nothing_is_something)
{
    uint32_t *v = mem_array(100, sizeof(*v));
    void *nothing = mem_array(0, 8);
    for (int i = 0; i < 100; i++)
        CHECK_INT(0, v[i]);
    CHECK(nothing);
    nothing = mem_resize(nothing, 0, 8);
    CHECK(nothing);
    mem_free(nothing);
    mem_free(v);
}

TEST(a_copy_ends_in_a_nul)
{
    char *copy = mem_copy(slice_to(SLICE("abcdef"), 3));
    char *empty = mem_copy((struct slice){0});
    CHECK_TEXT("abc", slice_str(copy));
    CHECK_TEXT("", slice_str(empty));
    mem_free(copy);
    mem_free(empty);
}

static size_t resident_file_kib(void)
{
    struct buf text;
    struct slice rest, line;
    uint64_t kib = 0;
    buf_init(&text, BUF_TEXT_BOUND);
    CHECK_ERR(ERR_OK, file_read("/proc/self/status", &text));
    rest = buf_slice(&text);
    while (slice_split(&rest, '\n', &line))
        if (slice_starts(line, SLICE("RssFile:")))
            CHECK_ERR(ERR_OK, slice_u64(slice_trim(slice_to(slice_from(line, 8), line.len - 11)), 1 << 30, &kib));
    buf_fini(&text);
    return (size_t)kib;
}

/* Twice, so that what reading the figure needs is there both times. */
TEST(code_that_is_forgotten_takes_no_memory_and_runs_as_before)
{
    size_t before = resident_file_kib();
    before = resident_file_kib();
    mem_forget_code();
    size_t after = resident_file_kib();
    CHECK(before > 0 && after > 0);
    CHECK(after < before);
    char *copy = mem_copy(SLICE("abc"));
    CHECK_TEXT("abc", slice_str(copy));
    mem_free(copy);
}

TESTS_BEGIN()
TESTS_RUN(code_that_is_forgotten_takes_no_memory_and_runs_as_before)
TESTS_RUN(live_blocks_are_counted)
TESTS_RUN(new_memory_is_zeroed_and_nothing_is_something)
TESTS_RUN(a_copy_ends_in_a_nul)
TESTS_END()
