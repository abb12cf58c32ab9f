#include "tests/kit/power.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/kit/fault.h"
#include "tests/kit/t.h"

enum { PAGE = 4096 };

/* A write that no flush has followed, at most a page of it. */
struct pending {
    struct pending *next;
    size_t at, len;
    unsigned char bytes[];
};

struct power {
    const char *path;
    uint64_t chance;
    power_fn *fn;
    void *arg;
    unsigned char *durable;
    size_t size;
    struct pending *first, **last;
    unsigned flushes;
};

static uint64_t next_chance(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void put(unsigned char **image, size_t *size, size_t at, const void *bytes, size_t len)
{
    if (at + len > *size) {
        *image = realloc(*image, at + len);
        CHECK(*image != NULL);
        memset(*image + *size, 0, at + len - *size);
        *size = at + len;
    }
    memcpy(*image + at, bytes, len);
}

static bool is_ours(const struct power *p, int fd)
{
    struct stat ours, theirs;
    return stat(p->path, &ours) == 0 && fstat(fd, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
           ours.st_dev == theirs.st_dev;
}

static void flush_all(struct power *p)
{
    while (p->first) {
        struct pending *w = p->first;
        p->first = w->next;
        put(&p->durable, &p->size, w->at, w->bytes, w->len);
        free(w);
    }
    p->last = &p->first;
    p->flushes++;
}

static void wait_for_flush(struct power *p, const struct fault_call *c)
{
    for (size_t done = 0, len; done < c->count; done += len) {
        len = PAGE - ((size_t)c->at + done) % PAGE;
        len = len < c->count - done ? len : c->count - done;
        struct pending *w = malloc(sizeof(*w) + len);
        CHECK(w != NULL);
        *w = (struct pending){.at = (size_t)c->at + done, .len = len};
        memcpy(w->bytes, (const char *)c->bytes + done, len);
        *p->last = w;
        p->last = &w->next;
    }
}

static void heard(void *arg, const struct fault_call *c)
{
    struct power *p = arg;
    if (!is_ours(p, c->fd))
        return;
    p->fn(p->arg, p);
    if (c->flush) {
        flush_all(p);
    } else if (fcntl(c->fd, F_GETFL) & O_DSYNC) {
        put(&p->durable, &p->size, (size_t)c->at, c->bytes, c->count);
        p->flushes++;
    } else {
        wait_for_flush(p, c);
    }
    if (c->flush)
        p->fn(p->arg, p);
}

void power_cut(struct power *p, const char *to)
{
    unsigned char *image = NULL;
    size_t size = 0;
    if (p->size > 0)
        put(&image, &size, 0, p->durable, p->size);
    for (const struct pending *w = p->first; w; w = w->next)
        if (next_chance(&p->chance) >> 40 & 1)
            put(&image, &size, w->at, w->bytes, w->len);
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, image + done, size - done, (off_t)done);
        CHECK(n > 0);
        done += (size_t)n;
    }
    close(fd);
    free(image);
}

unsigned power_flushes(const struct power *p)
{
    return p->flushes;
}

/* What is there at the beginning is taken as flushed. */
static void read_all(struct power *p)
{
    unsigned char page[PAGE];
    int fd = open(p->path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    for (ssize_t n = read(fd, page, sizeof(page)); n > 0; n = read(fd, page, sizeof(page)))
        put(&p->durable, &p->size, p->size, page, (size_t)n);
    close(fd);
}

struct power *power_on(const char *path, uint64_t seed, power_fn *fn, void *arg)
{
    struct power *p = calloc(1, sizeof(*p));
    CHECK(p != NULL);
    *p = (struct power){.path = path, .chance = seed, .fn = fn, .arg = arg, .last = &p->first};
    read_all(p);
    fault_hear(heard, p);
    return p;
}

void power_off(struct power **power)
{
    struct power *p = *power;
    fault_hear(NULL, NULL);
    while (p->first) {
        struct pending *w = p->first;
        p->first = w->next;
        free(w);
    }
    free(p->durable);
    free(p);
    *power = NULL;
}
