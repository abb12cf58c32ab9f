#ifndef WEFT_TESTS_KIT_T_H
#define WEFT_TESTS_KIT_T_H

/* t - TEST, CHECK, CHECK_ERR over cmocka.
 *
 *     TEST(a_sentence_about_behaviour) { CHECK_INT(3, f()); }
 *
 *     TESTS_BEGIN()
 *     TESTS_RUN(a_sentence_about_behaviour)
 *     TESTS_END()
 *
 * TESTS_BEGIN and TESTS_END write main.  After each test the number of live mem blocks must be what it
 * was before: a leak fails the test that made it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/slice.h"

#define TEST(name) static void name(void **cmocka_state_ __attribute__((unused)))

#define CHECK(claim) assert_true(claim)
#define CHECK_INT(want, got) t_check_int((long long)(want), (long long)(got), #got, __FILE__, __LINE__)
#define CHECK_ERR(want, got) t_check_err(want, got, #got, __FILE__, __LINE__)
#define CHECK_SLICE(want, got) t_check_slice(want, got, #got, __FILE__, __LINE__)
#define CHECK_TEXT(want, got) t_check_slice(slice_str(want), got, #got, __FILE__, __LINE__)

void t_check_int(long long want, long long got, const char *expr, const char *file, int line);
void t_check_err(enum err want, enum err got, const char *expr, const char *file, int line);
void t_check_slice(struct slice want, struct slice got, const char *expr, const char *file, int line);

int t_before(void **state);
int t_after(void **state);

#define TESTS_BEGIN() \
    int main(void)    \
    {                 \
        const struct CMUnitTest tests[] = {
#define TESTS_RUN(f) cmocka_unit_test_setup_teardown(f, t_before, t_after),
#define TESTS_END()                                   \
    }                                                 \
    ;                                                 \
    return cmocka_run_group_tests(tests, NULL, NULL); \
    }

#endif
