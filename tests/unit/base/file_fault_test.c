/* What file_write promises when the disk does not: the old file, or the whole new one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/kit/fault.h"
#include "tests/kit/t.h"

static char path[64];

static void check_whole(bool must_be_new)
{
    struct buf text;
    buf_init(&text, 100);
    CHECK_ERR(ERR_OK, file_read(path, &text));
    CHECK(slice_eq(buf_slice(&text), SLICE("the new one")) ||
          (!must_be_new && slice_eq(buf_slice(&text), SLICE("old"))));
    buf_fini(&text);
}

static void overwrite(void *arg)
{
    (void)arg;
    CHECK_ERR(ERR_OK, file_write(path, SLICE("old"), 0600));
}

static void write_new(void *arg)
{
    enum err e = file_write(path, SLICE("the new one"), 0600);
    CHECK_ERR(fault_struck() ? ERR_IO : ERR_OK, e);
    check_whole(!fault_struck());
    (void)arg;
}

static void each(enum fault_kind kind, int error, unsigned at_least)
{
    snprintf(path, sizeof(path), "/tmp/weft-fault.%d", (int)getpid());
    overwrite(NULL);
    CHECK(fault_each(kind, error, write_new, NULL) >= at_least);
    check_whole(true);
    CHECK_INT(0, remove(path));
}

TEST(a_failed_write_leaves_a_whole_file)
{
    each(FAULT_WRITE, EIO, 1);
    each(FAULT_WRITE, ENOSPC, 1);
}

TEST(a_failed_flush_leaves_a_whole_file)
{
    each(FAULT_FLUSH, EIO, 1);
}

TESTS_BEGIN()
TESTS_RUN(a_failed_write_leaves_a_whole_file)
TESTS_RUN(a_failed_flush_leaves_a_whole_file)
TESTS_END()
