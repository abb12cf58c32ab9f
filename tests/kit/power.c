#include "tests/kit/power.h"

#include <fcntl.h>
#include <stdio.h>
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

struct disk_file {
    const char *name;
    char path[300];
    unsigned char *durable;
    size_t size;
    struct pending *first, **last;
};

struct power {
    uint64_t chance;
    power_fn *fn;
    void *arg;
    struct disk_file files[POWER_FILES];
    size_t count;
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

/* NULL: none of ours. */
static struct disk_file *file_of(struct power *p, int fd)
{
    struct stat ours, theirs;
    for (size_t i = 0; i < p->count && fstat(fd, &theirs) == 0; i++)
        if (stat(p->files[i].path, &ours) == 0 && ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev)
            return &p->files[i];
    return NULL;
}

static void flush_all(struct disk_file *f)
{
    while (f->first) {
        struct pending *w = f->first;
        f->first = w->next;
        put(&f->durable, &f->size, w->at, w->bytes, w->len);
        free(w);
    }
    f->last = &f->first;
}

static void wait_for_flush(struct disk_file *f, const struct fault_call *c)
{
    for (size_t done = 0, len; done < c->count; done += len) {
        len = PAGE - ((size_t)c->at + done) % PAGE;
        len = len < c->count - done ? len : c->count - done;
        struct pending *w = malloc(sizeof(*w) + len);
        CHECK(w != NULL);
        *w = (struct pending){.at = (size_t)c->at + done, .len = len};
        memcpy(w->bytes, (const char *)c->bytes + done, len);
        *f->last = w;
        f->last = &w->next;
    }
}

static void heard(void *arg, const struct fault_call *c)
{
    struct power *p = arg;
    struct disk_file *f = file_of(p, c->fd);
    if (!f)
        return;
    p->fn(p->arg, p);
    if (c->flush) {
        flush_all(f);
        p->flushes++;
        p->fn(p->arg, p);
    } else if (fcntl(c->fd, F_GETFL) & O_DSYNC) {
        put(&f->durable, &f->size, (size_t)c->at, c->bytes, c->count);
        p->flushes++;
    } else {
        wait_for_flush(f, c);
    }
}

static void cut_file(struct power *p, const struct disk_file *f, const char *folder)
{
    unsigned char *image = NULL;
    size_t size = 0;
    char to[300];
    if (f->size > 0)
        put(&image, &size, 0, f->durable, f->size);
    for (const struct pending *w = f->first; w; w = w->next)
        if (next_chance(&p->chance) >> 40 & 1)
            put(&image, &size, w->at, w->bytes, w->len);
    snprintf(to, sizeof(to), "%s/%s", folder, f->name);
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

void power_cut(struct power *p, const char *folder)
{
    for (size_t i = 0; i < p->count; i++)
        cut_file(p, &p->files[i], folder);
}

unsigned power_flushes(const struct power *p)
{
    return p->flushes;
}

/* What is there at the beginning is taken as flushed. */
static void read_all(struct disk_file *f)
{
    unsigned char page[PAGE];
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    for (ssize_t n = read(fd, page, sizeof(page)); n > 0; n = read(fd, page, sizeof(page)))
        put(&f->durable, &f->size, f->size, page, (size_t)n);
    close(fd);
}

struct power *power_on(const struct power_files *what, uint64_t seed, power_fn *fn, void *arg)
{
    struct power *p = calloc(1, sizeof(*p));
    CHECK(p != NULL);
    *p = (struct power){.chance = seed, .fn = fn, .arg = arg};
    for (; p->count < POWER_FILES && what->names[p->count]; p->count++) {
        struct disk_file *f = &p->files[p->count];
        f->name = what->names[p->count];
        f->last = &f->first;
        snprintf(f->path, sizeof(f->path), "%s/%s", what->folder, f->name);
        read_all(f);
    }
    fault_hear(heard, p);
    return p;
}

void power_off(struct power **power)
{
    struct power *p = *power;
    fault_hear(NULL, NULL);
    for (size_t i = 0; i < p->count; i++) {
        flush_all(&p->files[i]);
        free(p->files[i].durable);
    }
    free(p);
    *power = NULL;
}
