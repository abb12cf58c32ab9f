#include "broker/blob_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

/* The disk begins with what is written while more comes, so that the flush at the end is short. */
enum { KICK = 32 << 20 };

static const char part_word[] = "part-";

static enum err outcome(int code)
{
    errno = code;
    return code == ENOSPC || code == EDQUOT || code == EFBIG ? ERR_FULL : ERR_IO;
}

static void part_path(const struct blob_file *f, char out[BLOB_FILE_PATH])
{
    int len = snprintf(out, BLOB_FILE_PATH, "%s/%s%llu", f->folder, part_word, (unsigned long long)f->number);
    PRE(len > 0 && len < BLOB_FILE_PATH);
}

void blob_file_path(char out[BLOB_FILE_PATH], const char *folder, struct slice digest)
{
    struct buf hex;
    PRE(digest.len == HASH_SHA256_LEN);
    buf_init(&hex, BLOB_FILE_NAME);
    hash_put_hex(&hex, digest);
    int len = snprintf(out, BLOB_FILE_PATH, "%s/%.*s", folder, SLICE_FMT(buf_slice(&hex)));
    buf_fini(&hex);
    PRE(len > 0 && len < BLOB_FILE_PATH);
}

/* --- writing --- */

enum err blob_file_begin(struct blob_file *f, const char *folder, uint64_t number, uint64_t size)
{
    char path[BLOB_FILE_PATH];
    *f = (struct blob_file){.folder = folder, .number = number, .fd = -1};
    hash_begin(&f->hash);
    part_path(f, path);
    f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (f->fd < 0)
        return outcome(errno);
    /* A file system that cannot promise blocks is taken at its word. */
    if (size > 0 && fallocate(f->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) != 0 && outcome(errno) == ERR_FULL)
        return ERR_FULL;
    return ERR_OK;
}

enum err blob_file_add(struct blob_file *f, struct slice bytes)
{
    hash_add(&f->hash, bytes);
    while (bytes.len > 0) {
        ssize_t n = write(f->fd, bytes.at, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return outcome(n < 0 ? errno : EIO);
        bytes = slice_from(bytes, (size_t)n);
        f->size += (uint64_t)n;
    }
    if (f->size - f->kicked >= KICK) {
        (void)sync_file_range(f->fd, (off_t)f->kicked, (off_t)(f->size - f->kicked), SYNC_FILE_RANGE_WRITE);
        f->kicked = f->size;
    }
    return ERR_OK;
}

static void close_file(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

enum err blob_file_end(struct blob_file *f, struct hash_digest *out)
{
    *out = hash_end(&f->hash);
    /* What was promised and did not come is given back. */
    int code = ftruncate(f->fd, (off_t)f->size) == 0 && fdatasync(f->fd) == 0 ? 0 : errno;
    close_file(&f->fd);
    return code ? outcome(code) : ERR_OK;
}

void blob_file_drop(struct blob_file *f)
{
    char path[BLOB_FILE_PATH];
    if (!f->folder)
        return;
    close_file(&f->fd);
    part_path(f, path);
    (void)unlink(path);
}

enum err blob_file_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd >= 0 && fsync(fd) == 0 ? 0 : errno;
    close_file(&fd);
    return code ? outcome(code) : ERR_OK;
}

enum err blob_file_name(const struct blob_file *f, const struct hash_digest *digest)
{
    char part[BLOB_FILE_PATH], path[BLOB_FILE_PATH];
    part_path(f, part);
    blob_file_path(path, f->folder, slice_of(digest->b, sizeof(digest->b)));
    if (rename(part, path) != 0)
        return outcome(errno);
    return blob_file_sync(f->folder);
}

enum err blob_file_remove(const char *folder, struct slice digest)
{
    char path[BLOB_FILE_PATH];
    blob_file_path(path, folder, digest);
    return unlink(path) == 0 || errno == ENOENT ? ERR_OK : outcome(errno);
}

/* --- reading --- */

enum err blob_file_open(const char *folder, struct slice digest, int *fd)
{
    char path[BLOB_FILE_PATH];
    blob_file_path(path, folder, digest);
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd >= 0)
        return ERR_OK;
    return errno == ENOENT ? ERR_ABSENT : outcome(errno);
}

enum err blob_file_read(int fd, uint64_t at, void *into, size_t len)
{
    char *to = into;
    while (len > 0) {
        ssize_t n = pread(fd, to, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return outcome(errno);
        if (n == 0)
            return ERR_PEER;
        to += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

/* --- the folder --- */

static bool read_hex(const char *name, uint8_t digest[HASH_SHA256_LEN])
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(name) != BLOB_FILE_NAME)
        return false;
    for (size_t i = 0; i < BLOB_FILE_NAME; i++) {
        const char *at = memchr(digits, name[i], 16);
        if (!at)
            return false;
        digest[i / 2] = (uint8_t)(digest[i / 2] << 4 | (uint8_t)(at - digits));
    }
    return true;
}

enum err blob_file_each(const char *folder, blob_file_fn *fn, void *arg)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return outcome(errno);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        uint8_t digest[HASH_SHA256_LEN] = {0};
        struct stat st;
        if (read_hex(e->d_name, digest) && fstatat(dirfd(dir), e->d_name, &st, 0) == 0)
            fn(arg, slice_of(digest, sizeof(digest)), (uint64_t)st.st_size);
    }
    (void)closedir(dir);
    return ERR_OK;
}

static void drop_parts(DIR *dir)
{
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
        if (strncmp(e->d_name, part_word, sizeof(part_word) - 1) == 0)
            (void)unlinkat(dirfd(dir), e->d_name, 0);
}

enum err blob_file_prepare(const char *folder, const char **why)
{
    *why = "the folder of blobs cannot be made";
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return ERR_IO;
    DIR *dir = opendir(folder);
    *why = "the folder of blobs cannot be read";
    if (!dir)
        return ERR_IO;
    drop_parts(dir);
    (void)closedir(dir);
    return ERR_OK;
}
