#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/kit/t.h"

static char folder[32];
static char path[64];

static void begin(void)
{
    strcpy(folder, "/tmp/file_test.XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/text", folder);
}

static void end(void)
{
    unlink(path);
    /* Fails when a temporary was left behind. */
    CHECK_INT(0, rmdir(folder));
}

TEST(what_was_written_is_read_back_with_its_mode)
{
    struct buf out;
    struct stat st;
    begin();
    buf_init(&out, 100);
    CHECK_ERR(ERR_OK, file_write(path, SLICE("first and longer"), 0644));
    CHECK_ERR(ERR_OK, file_write(path, SLICE("second"), 0600));
    CHECK_ERR(ERR_OK, file_read(path, &out));
    CHECK_SLICE(SLICE("second"), buf_slice(&out));
    CHECK_INT(0, stat(path, &st));
    CHECK_INT(0600, st.st_mode & 0777);
    CHECK(file_exists(path));
    buf_fini(&out);
    end();
}

TEST(a_file_over_the_bound_adds_nothing)
{
    struct buf out;
    begin();
    buf_init(&out, 8);
    CHECK_ERR(ERR_OK, file_write(path, SLICE("sixsix"), 0600));
    CHECK_ERR(ERR_OK, buf_add(&out, SLICE("ab")));
    CHECK_ERR(ERR_OK, file_read(path, &out));
    CHECK_SLICE(SLICE("absixsix"), buf_slice(&out));
    buf_took(&out, 7);
    CHECK_ERR(ERR_OK, file_read(path, &out));
    CHECK_ERR(ERR_FULL, file_read(path, &out));
    CHECK_SLICE(SLICE("xsixsix"), buf_slice(&out));
    buf_fini(&out);
    end();
}

TEST(an_absent_file_and_a_folder_are_told_apart)
{
    struct buf out;
    begin();
    buf_init(&out, 100);
    CHECK_ERR(ERR_ABSENT, file_read(path, &out));
    CHECK(!file_exists(path));
    CHECK_ERR(ERR_IO, file_read(folder, &out));
    CHECK_INT(EISDIR, errno);
    buf_fini(&out);
    end();
}

TEST(a_write_that_fails_leaves_the_old_file_and_no_other)
{
    begin();
    CHECK_INT(0, mkdir(path, 0700));
    CHECK_ERR(ERR_IO, file_write(path, SLICE("text"), 0600));
    CHECK_INT(EISDIR, errno);
    CHECK_INT(0, rmdir(path));
    CHECK_ERR(ERR_IO, file_write("/proc/nowhere/text", SLICE("text"), 0600));
    CHECK_INT(ENOENT, errno);
    end();
}

TESTS_BEGIN()
TESTS_RUN(what_was_written_is_read_back_with_its_mode)
TESTS_RUN(a_file_over_the_bound_adds_nothing)
TESTS_RUN(an_absent_file_and_a_folder_are_told_apart)
TESTS_RUN(a_write_that_fails_leaves_the_old_file_and_no_other)
TESTS_END()
