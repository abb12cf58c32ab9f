#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_broken(const char *file, int line, const char *who, const char *promise)
{
    fprintf(stderr, "%s:%d %s broke: %s\n", file, line, who, promise);
    abort();
}
