#include "broker/lmdb_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/store_lmdb.h"

enum { PATH_ROOM = 4096 };
/* Larger than any store may become while we look at it: a map that a running broker outgrows cannot be read. */
#define MAP_ROOM (UINT64_C(1) << 40)

static enum err path_of(char out[PATH_ROOM], const char *folder, const char *name, const char **why)
{
    int len = snprintf(out, PATH_ROOM, "%s/%s", folder, name);
    *why = "the folder's name is too long";
    return len > 0 && len < PATH_ROOM ? ERR_OK : ERR_IO;
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_RDONLY | O_CLOEXEC);
    int code = fd >= 0 && fsync(fd) == 0 ? 0 : errno;
    if (fd >= 0)
        (void)close(fd);
    return code;
}

/* LMDB's code, or errno. */
static int copy_into(MDB_env *env, const char *folder, int fd)
{
    int code = mdb_env_set_mapsize(env, MAP_ROOM);
    if (code == 0)
        code = mdb_env_open(env, folder, MDB_RDONLY, 0600);
    if (code == 0)
        code = mdb_env_copyfd2(env, fd, MDB_CP_COMPACT);
    return code == 0 && fsync(fd) != 0 ? errno : code;
}

static int copy_to(const char *folder, const char *part)
{
    MDB_env *env;
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int code = mdb_env_create(&env);
    if (code == 0) {
        code = copy_into(env, folder, fd);
        mdb_env_close(env);
    }
    (void)close(fd);
    if (code != 0)
        (void)unlink(part);
    return code;
}

/* Beside its place first, so that what has the name is whole. */
static enum err copy_and_name(const char *folder, const char *to, struct lmdb_copy *out, const char **why)
{
    char from[PATH_ROOM], part[PATH_ROOM], final[PATH_ROOM];
    TRY(path_of(from, folder, "data.mdb", why));
    TRY(path_of(part, to, "data.mdb.part", why));
    TRY(path_of(final, to, "data.mdb", why));
    uint64_t before = size_of(from);
    int code = copy_to(folder, part);
    if (code == 0 && rename(part, final) != 0)
        code = errno;
    if (code == 0)
        code = sync_path(to, O_DIRECTORY);
    *why = mdb_strerror(code);
    if (code != 0)
        return ERR_IO;
    *out = (struct lmdb_copy){before, size_of(final)};
    return ERR_OK;
}

/* What a kill left behind is in its journal, unless a broker runs on it. */
static enum err mend_if_idle(const char *folder, const char **why)
{
    char path[PATH_ROOM];
    TRY(path_of(path, folder, "broker.lock", why));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool idle = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        (void)close(fd);
    return idle ? store_lmdb_mend(folder, why) : ERR_OK;
}

static enum err need_store(const char *folder, const char **why)
{
    char from[PATH_ROOM];
    TRY(path_of(from, folder, "data.mdb", why));
    *why = "there is no store in this folder";
    return access(from, F_OK) == 0 ? ERR_OK : ERR_ABSENT;
}

enum err lmdb_copy_backup(const char *folder, const char *to, struct lmdb_copy *out, const char **why)
{
    char final[PATH_ROOM];
    TRY(need_store(folder, why));
    TRY(path_of(final, to, "data.mdb", why));
    *why = "it has a data.mdb already: name a new folder";
    if (access(final, F_OK) == 0)
        return ERR_EXISTS;
    if (mkdir(to, 0700) != 0 && errno != EEXIST) {
        *why = strerror(errno);
        return ERR_IO;
    }
    TRY(mend_if_idle(folder, why));
    return copy_and_name(folder, to, out, why);
}

enum err lmdb_copy_compact(const char *folder, struct lmdb_copy *out, const char **why)
{
    char path[PATH_ROOM];
    TRY(need_store(folder, why));
    TRY(path_of(path, folder, "broker.lock", why));
    TRY(mend_if_idle(folder, why));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    *why = "the lock file in the folder cannot be opened";
    if (fd < 0)
        return ERR_IO;
    enum err e = ERR_FULL;
    *why = "a broker runs on it: stop it first";
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        e = copy_and_name(folder, folder, out, why);
    (void)close(fd);
    return e;
}
