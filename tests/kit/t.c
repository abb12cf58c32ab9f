#include "tests/kit/t.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

void t_check_int(long long want, long long got, const char *expr, const char *file, int line)
{
    if (want == got)
        return;
    print_error("%s: want %lld, got %lld\n", expr, want, got);
    _fail(file, line);
}

void t_check_err(enum err want, enum err got, const char *expr, const char *file, int line)
{
    if (want == got)
        return;
    print_error("%s: want ERR_%s, got ERR_%s\n", expr, err_name(want), err_name(got));
    _fail(file, line);
}

void t_check_slice(struct slice want, struct slice got, const char *expr, const char *file, int line)
{
    if (slice_eq(want, got))
        return;
    print_error("%s:\n  want \"%.*s\"\n  got  \"%.*s\"\n", expr, SLICE_FMT(want), SLICE_FMT(got));
    _fail(file, line);
}

int t_before(void **state)
{
    size_t *alive = malloc(sizeof(*alive));
    if (!alive)
        return -1;
    *alive = mem_alive();
    *state = alive;
    return 0;
}

int t_after(void **state)
{
    size_t before = *(size_t *)*state;
    free(*state);
    if (mem_alive() == before)
        return 0;
    print_error("leak: %zu blocks alive before the test, %zu after it\n", before, mem_alive());
    return -1;
}
