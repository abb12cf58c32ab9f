#include "broker/lmdb_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/blob_copy.h"
#include "broker/order.h"
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

/* --- blobs --- */

/* LMDB's code; `e` is what blob_copy_need said. */
static int need_all(MDB_env *env, struct blob_copy *blobs, enum err *e, const char **why)
{
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (code != 0)
        return code;
    code = mdb_dbi_open(txn, "blobs", 0, &dbi);
    if (code == 0)
        code = mdb_cursor_open(txn, dbi, &cursor);
    if (code == 0) {
        for (code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); code == 0 && *e == ERR_OK;
             code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
            *e = blob_copy_need(blobs, slice_to(slice_of(key.mv_data, key.mv_size), ORDER_BLOB), why);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return code == MDB_NOTFOUND ? 0 : code;
}

/* What the copied database needs. */
static enum err need_of(const char *part, struct blob_copy *blobs, const char **why)
{
    MDB_env *env;
    enum err e = ERR_OK;
    int code = mdb_env_create(&env);
    if (code == 0) {
        code = mdb_env_set_maxdbs(env, 1);
        if (code == 0)
            code = mdb_env_open(env, part, MDB_RDONLY | MDB_NOSUBDIR | MDB_NOLOCK, 0600);
        if (code == 0)
            code = need_all(env, blobs, &e, why);
        mdb_env_close(env);
    }
    if (code == 0)
        return e;
    *why = mdb_strerror(code);
    return ERR_IO;
}

static enum err finish_blobs(const char *part, struct blob_copy *blobs, const char **why)
{
    TRY(need_of(part, blobs, why));
    return blob_copy_end(blobs, why);
}

/* Beside its place first, so that what has the name is whole.  `blobs` NULL: they stay where they are. */
static enum err copy_and_name(const char *folder, const char *to, struct blob_copy *blobs, struct lmdb_copy *out,
                              const char **why)
{
    char from[PATH_ROOM], part[PATH_ROOM], final[PATH_ROOM];
    TRY(path_of(from, folder, "data.mdb", why));
    TRY(path_of(part, to, "data.mdb.part", why));
    TRY(path_of(final, to, "data.mdb", why));
    uint64_t before = size_of(from);
    int code = copy_to(folder, part);
    if (code == 0 && blobs && finish_blobs(part, blobs, why) != ERR_OK) {
        (void)unlink(part);
        return ERR_IO;
    }
    if (code == 0 && rename(part, final) != 0)
        code = errno;
    if (code == 0)
        code = sync_path(to, O_DIRECTORY);
    *why = mdb_strerror(code);
    if (code != 0)
        return ERR_IO;
    *out = (struct lmdb_copy){.before = before, .after = size_of(final)};
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

static enum err copy_with_blobs(const char *folder, const char *to, struct lmdb_copy *out, const char **why)
{
    char from_blobs[PATH_ROOM], to_blobs[PATH_ROOM];
    struct blob_copy blobs;
    TRY(path_of(from_blobs, folder, "blobs", why));
    TRY(path_of(to_blobs, to, "blobs", why));
    enum err e = blob_copy_begin(&blobs, from_blobs, to_blobs, why);
    if (e == ERR_OK || e == ERR_ABSENT)
        e = copy_and_name(folder, to, e == ERR_OK ? &blobs : NULL, out, why);
    if (e == ERR_OK) {
        out->blobs = blobs.files;
        out->blob_bytes = blobs.bytes;
        out->missing = blobs.missing;
    }
    blob_copy_fini(&blobs);
    return e;
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
    return copy_with_blobs(folder, to, out, why);
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
        e = copy_and_name(folder, folder, NULL, out, why);
    (void)close(fd);
    return e;
}
