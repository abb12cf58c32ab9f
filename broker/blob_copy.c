#include "broker/blob_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"

enum { PIECE = 8 << 20 };

struct copied {
    uint8_t digest[HASH_SHA256_LEN];
    bool needed;
};

static struct slice digest_of(const struct copied *k)
{
    return slice_of(k->digest, sizeof(k->digest));
}

/* errno, or 0. */
static int copy_bytes(int from, int to)
{
    for (;;) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, PIECE, 0);
        if (n == 0)
            return fsync(to) == 0 ? 0 : errno;
        if (n < 0 && errno != EINTR)
            return errno;
    }
}

static int copy_file(int from, const char *path)
{
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code = to < 0 ? errno : copy_bytes(from, to);
    if (to >= 0 && close(to) != 0 && code == 0)
        code = errno;
    if (code)
        (void)unlink(path);
    return code;
}

static struct copied *note(struct blob_copy *c, struct slice digest)
{
    struct copied *k = mem_new(sizeof(*k));
    memcpy(k->digest, digest.at, sizeof(k->digest));
    map_put(c->needed, digest_of(k), k);
    return k;
}

/* One that has gone meanwhile is nothing to copy. */
static enum err copy_one(struct blob_copy *c, struct slice digest, const char **why)
{
    char path[BLOB_FILE_PATH];
    struct stat st;
    int fd;
    enum err e = blob_file_open(c->from, digest, &fd);
    if (e == ERR_ABSENT)
        return e;
    int code = e == ERR_OK ? 0 : errno;
    blob_file_path(path, c->to, digest);
    if (code == 0) {
        code = fstat(fd, &st) == 0 ? copy_file(fd, path) : errno;
        (void)close(fd);
    }
    *why = strerror(code);
    if (code != 0)
        return ERR_IO;
    (void)note(c, digest);
    c->files++;
    c->bytes += (uint64_t)st.st_size;
    return ERR_OK;
}

struct pass {
    struct blob_copy *c;
    const char *why;
    enum err e;
};

static void copy_next(void *arg, struct slice digest, uint64_t size)
{
    struct pass *p = arg;
    (void)size;
    if (p->e != ERR_OK)
        return;
    p->e = copy_one(p->c, digest, &p->why);
    if (p->e == ERR_ABSENT)
        p->e = ERR_OK;
}

enum err blob_copy_begin(struct blob_copy *c, const char *from, const char *to, const char **why)
{
    struct pass p = {.c = c, .why = "its folder of blobs cannot be read"};
    *c = (struct blob_copy){.from = from, .to = to, .needed = mem_new(sizeof(*c->needed))};
    if (access(from, F_OK) != 0)
        return ERR_ABSENT;
    TRY(blob_file_prepare(to, why));
    enum err e = blob_file_each(from, copy_next, &p);
    *why = p.why;
    return e == ERR_OK ? p.e : e;
}

enum err blob_copy_need(struct blob_copy *c, struct slice digest, const char **why)
{
    struct copied *k = map_get(c->needed, digest);
    if (!k) {
        enum err e = copy_one(c, digest, why);
        if (e == ERR_ABSENT)
            c->missing++;
        if (e != ERR_OK)
            return e == ERR_ABSENT ? ERR_OK : e;
        k = map_get(c->needed, digest);
    }
    k->needed = true;
    return ERR_OK;
}

static enum err drop_unneeded(struct blob_copy *c, struct copied *k)
{
    char path[BLOB_FILE_PATH];
    struct stat st;
    blob_file_path(path, c->to, digest_of(k));
    if (k->needed || stat(path, &st) != 0)
        return ERR_OK;
    c->files--;
    c->bytes -= (uint64_t)st.st_size;
    return blob_file_remove(c->to, digest_of(k));
}

enum err blob_copy_end(struct blob_copy *c, const char **why)
{
    size_t at = 0;
    enum err e = ERR_OK;
    for (struct copied *k = map_next(c->needed, &at); k && e == ERR_OK; k = map_next(c->needed, &at))
        e = drop_unneeded(c, k);
    if (e == ERR_OK)
        e = blob_file_sync(c->to);
    *why = strerror(errno);
    return e;
}

void blob_copy_fini(struct blob_copy *c)
{
    size_t at = 0;
    if (!c->needed)
        return;
    for (struct copied *k = map_next(c->needed, &at); k; k = map_next(c->needed, &at))
        mem_free(k);
    map_fini(c->needed);
    mem_free(c->needed);
}
