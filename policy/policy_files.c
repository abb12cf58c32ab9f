#include "policy/policy_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"

enum { FILE_BYTES = 8 << 20 };

static void add_file(struct policy_files *f, const char *path, struct diag *diag)
{
    struct diag_place place = {.file = path};
    struct buf text;
    if (f->count == POLICY_FILES_MOST) { /* leaving one out might leave out a deny */
        diag_add(diag, DIAG_ERROR, &place, NULL, "over 256 policy files");
        return;
    }
    buf_init(&text, FILE_BYTES);
    enum err e = file_read(path, &text);
    if (e == ERR_OK)
        f->v[f->count++] = (struct policy_text){
            .file = arena_keep(&f->arena, slice_str(path)).at,
            .text = arena_keep(&f->arena, buf_slice(&text)),
        };
    else
        diag_add(diag, DIAG_ERROR, &place, NULL, "policy: %s", e == ERR_FULL ? "over 8 MiB" : strerror(errno));
    buf_fini(&text);
}

static int is_policy(const struct dirent *entry)
{
    return slice_ends(slice_str(entry->d_name), SLICE(".weft")) && entry->d_name[0] != '.';
}

/* How many there are; -1: errno says why. */
static int walk(const char *folder, void (*each)(void *arg, const char *path), void *arg)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_policy, alphasort);
    for (int i = 0; i < count; i++) {
        char *path = mem_array(strlen(folder) + strlen(entries[i]->d_name) + 2, 1);
        (void)stpcpy(stpcpy(stpcpy(path, folder), "/"), entries[i]->d_name);
        each(arg, path);
        mem_free(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return count;
}

void policy_files_list(const char *folder, void (*each)(void *arg, const char *path), void *arg)
{
    (void)walk(folder, each, arg);
}

struct folder {
    struct policy_files *files;
    struct diag *diag;
};

static void add_of_folder(void *arg, const char *path)
{
    const struct folder *folder = arg;
    add_file(folder->files, path, folder->diag);
}

static void add_folder(struct policy_files *f, const char *path, struct diag *diag)
{
    int count = walk(path, add_of_folder, &(struct folder){f, diag});
    if (count <= 0)
        diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = path}, "put *.weft files there", "policy: %s",
                 count == 0 ? "no *.weft file in this folder" : strerror(errno));
}

enum err policy_files_read(struct policy_files *f, const char *const *paths, size_t count, struct diag *diag)
{
    unsigned errors = diag->errors;
    arena_init(&f->arena, SIZE_MAX);
    f->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode))
            add_folder(f, paths[i], diag);
        else
            add_file(f, paths[i], diag);
    }
    return diag->errors > errors ? ERR_INPUT : ERR_OK;
}

void policy_files_fini(struct policy_files *f)
{
    arena_fini(&f->arena);
    f->count = 0;
}
