#ifndef WEFT_BROKER_BLOB_FILE_H
#define WEFT_BROKER_BLOB_FILE_H

/* blob_file - one blob on the disk: written aside, then named by its SHA-256.
 *
 * A file that has its name is whole and flushed, and so is its name: a record that
 * is committed after blob_file_name never names what a loss of power takes away.
 * Files without one ("part-7") are what was under way, and go at the next start.
 *
 * Blocking: for threads that may wait.  Threads: one per file. */
#include "base/hash.h"

enum { BLOB_FILE_NAME = 2 * HASH_SHA256_LEN, BLOB_FILE_PATH = 4096 };

/* Being written. */
struct blob_file {
    const char *folder; /* borrowed */
    uint64_t number;    /* of the part; unique while it is there */
    int fd;             /* -1: not open */
    uint64_t size, kicked;
    struct hash_running hash;
};

/* For all: FULL: the disk or a quota of it is full.  IO: it is broken; `errno` says how. */
/* `size` may be 0: not known; else there is room for so many before the first is written. */
MUST_USE enum err blob_file_begin(struct blob_file *f, const char *folder, uint64_t number, uint64_t size);
MUST_USE enum err blob_file_add(struct blob_file *f, struct slice bytes);
/* Flushed; it has no name yet. */
MUST_USE enum err blob_file_end(struct blob_file *f, struct hash_digest *out);
/* Closed and gone; harmless at any time. */
void blob_file_drop(struct blob_file *f);

/* The part becomes the blob of this name, for good. */
MUST_USE enum err blob_file_name(const struct blob_file *f, const struct hash_digest *digest);
/* The folder's names are flushed. */
MUST_USE enum err blob_file_sync(const char *folder);
MUST_USE enum err blob_file_remove(const char *folder, struct slice digest);
/* `fd` >= 0 is ready to be read.  ABSENT: no such file. */
MUST_USE enum err blob_file_open(const char *folder, struct slice digest, int *fd);
/* As many bytes as `len`, from `at` on.  PEER: the file is shorter. */
MUST_USE enum err blob_file_read(int fd, uint64_t at, void *into, size_t len);

void blob_file_path(char out[BLOB_FILE_PATH], const char *folder, struct slice digest);
/* Makes the folder when it is absent, and takes every part away.  IO: `*why`. */
MUST_USE enum err blob_file_prepare(const char *folder, const char **why);
/* Every blob that is there. */
typedef void blob_file_fn(void *arg, struct slice digest, uint64_t size);
MUST_USE enum err blob_file_each(const char *folder, blob_file_fn *fn, void *arg);

#endif
