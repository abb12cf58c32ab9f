#include "cli/check_input.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/check_git.h"

enum { DEPTH_MOST = 32, FILES_MOST = 10000, LIST_MOST = 64 << 20, PROTO_BYTES_MOST = 256 << 20 };

/* Where one input lives. */
struct place {
    const char *revision; /* NULL: the disk */
    const char *path;
};

struct loading {
    struct check_input *in;
    struct place place;
    enum import_format format;
    struct diag *diag;
    bool bad;
};

/* --- Reading. */

static enum err read_from(const struct place *p, const char *path, struct buf *out)
{
    if (!p->revision)
        return file_read(path, out);
    struct buf object;
    buf_init(&object, BUF_TEXT_BOUND);
    buf_putf(&object, "%s:%s", p->revision, path);
    enum err e = check_git_show(buf_text(&object), out);
    buf_fini(&object);
    return e;
}

static enum err read_beside(void *arg, const char *path, struct buf *out)
{
    return read_from(arg, path, out);
}

static const char *reason(enum err e, const struct place *p)
{
    switch (e) {
    case ERR_ABSENT:
        return p->revision ? "git does not have it" : "no such file or folder";
    case ERR_FULL:
        return "it is larger than 64 MiB";
    default:
        return p->revision ? "git cannot be run" : strerror(errno);
    }
}

static void complain(struct loading *l, const char *file, const char *fix, const char *what)
{
    struct diag_place whole = {.file = file};
    diag_add(l->diag, DIAG_ERROR, &whole, fix, "%s", what);
    l->bad = true;
}

static void cannot_read(struct loading *l, const char *file, enum err e)
{
    struct slice what = arena_putf(&l->in->arena, "cannot be read: %s", reason(e, &l->place));
    complain(l, file, NULL, what.at);
}

/* --- Files. */

static void keep(struct check_input *in, const char *key, struct contract *take)
{
    if (in->count == in->cap) {
        size_t cap = in->cap ? 2 * in->cap : 8;
        struct check_input_file *more = arena_array(&in->arena, cap, sizeof(*more));
        if (in->count)
            memcpy(more, in->files, in->count * sizeof(*more));
        in->files = more;
        in->cap = cap;
    }
    in->files[in->count++] = (struct check_input_file){.path = key, .contract = take};
}

/* A folder holds other things too: what nobody would take for a contract is named and left out. */
static bool left_out(struct loading *l, const char *path, struct slice text)
{
    if (!l->in->folder || l->format != IMPORT_AUTO || import_guess(text, path) != IMPORT_AUTO)
        return false;
    struct diag_place whole = {.file = path};
    diag_add(l->diag, DIAG_NOTE, &whole, NULL, "left out: this is no contract");
    return true;
}

static void load_file(struct loading *l, const char *path, const char *key)
{
    struct buf text;
    buf_init(&text, IMPORT_BYTES);
    enum err e = read_from(&l->place, path, &text);
    if (e != ERR_OK) {
        cannot_read(l, path, e);
    } else if (!left_out(l, path, buf_slice(&text))) {
        struct contract *c = NULL;
        struct import_input in = {
            .format = l->format, .name = path, .text = buf_slice(&text), .read = read_beside, .arg = &l->place};
        if (import_contract(&in, l->diag, &c) == ERR_OK)
            keep(l->in, key, c);
        else
            l->bad = true;
    }
    buf_fini(&text);
}

/* --- Folders. */

static bool may_be_contract(struct slice name)
{
    static const char *const endings[] = {".weft",  ".yaml", ".yml",  ".json",  ".avsc",    ".avpr",
                                          ".proto", ".pb",   ".desc", ".binpb", ".protoset"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (slice_ends(name, slice_str(endings[i])))
            return true;
    return false;
}

static bool is_hidden(struct slice path)
{
    return slice_starts(path, SLICE(".")) || slice_has(path, SLICE("/."));
}

struct listing {
    const char **keys;
    size_t count, cap;
};

static void list_one(struct loading *l, struct listing *files, struct slice key)
{
    if (is_hidden(key) || !may_be_contract(key))
        return;
    if (files->count == FILES_MOST) {
        if (!l->bad)
            complain(l, l->place.path, "name a folder inside it", "there are more than 10000 files in it");
        return;
    }
    if (files->count == files->cap) {
        size_t cap = files->cap ? 2 * files->cap : 64;
        const char **more = arena_array(&l->in->arena, cap, sizeof(*more));
        if (files->count)
            memcpy(more, files->keys, files->count * sizeof(*more));
        files->keys = more;
        files->cap = cap;
    }
    files->keys[files->count++] = arena_keep(&l->in->arena, key).at;
}

static void list_disk(struct loading *l, struct listing *files, struct slice below, unsigned depth)
{
    struct arena *a = &l->in->arena;
    const char *folder = below.len ? arena_putf(a, "%s/%.*s", l->place.path, SLICE_FMT(below)).at : l->place.path;
    DIR *d = depth < DEPTH_MOST ? opendir(folder) : NULL;
    if (!d) {
        if (depth == DEPTH_MOST)
            errno = ELOOP;
        cannot_read(l, folder, ERR_IO);
        return;
    }
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        struct slice key =
            below.len ? arena_putf(a, "%.*s/%s", SLICE_FMT(below), entry->d_name) : arena_putf(a, "%s", entry->d_name);
        struct stat s;
        if (stat(arena_putf(a, "%s/%.*s", l->place.path, SLICE_FMT(key)).at, &s) == 0 && S_ISDIR(s.st_mode))
            list_disk(l, files, key, depth + 1);
        else
            list_one(l, files, key);
    }
    closedir(d);
}

static void list_git(struct loading *l, struct listing *files)
{
    struct buf names;
    buf_init(&names, LIST_MOST);
    const char *object = arena_putf(&l->in->arena, "%s:%s", l->place.revision, l->place.path).at;
    enum err e = check_git_list(object, &names);
    if (e != ERR_OK)
        cannot_read(l, object, e);
    struct slice rest = buf_slice(&names), name;
    while (e == ERR_OK && slice_split(&rest, 0, &name))
        list_one(l, files, name);
    buf_fini(&names);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *joined(struct loading *l, const char *key)
{
    struct slice folder = slice_str(l->place.path);
    const char *between = folder.len && !slice_ends(folder, SLICE("/")) ? "/" : "";
    return arena_putf(&l->in->arena, "%.*s%s%s", SLICE_FMT(folder), between, key).at;
}

static bool is_proto(const char *key)
{
    return slice_ends(slice_str(key), SLICE(".proto"));
}

/* .proto files import each other, so all of a folder are one contract, which has the folder's own name. */
static void load_protos(struct loading *l, const struct listing *files)
{
    struct arena arena;
    size_t count = 0;
    bool bad = false;
    arena_init(&arena, PROTO_BYTES_MOST);
    struct import_proto_file *protos = arena_array(&arena, files->count + 1, sizeof(*protos));
    for (size_t i = 0; i < files->count; i++) {
        if (!is_proto(files->keys[i]))
            continue;
        struct import_proto_file *f = &protos[count++];
        struct buf text;
        buf_init(&text, IMPORT_BYTES);
        *f = (struct import_proto_file){.name = files->keys[i], .path = joined(l, files->keys[i])};
        enum err e = read_from(&l->place, f->path, &text);
        if (e == ERR_OK)
            e = arena_copy(&arena, buf_slice(&text), &f->text);
        if (e != ERR_OK)
            cannot_read(l, f->path, e);
        bad = bad || e != ERR_OK;
        buf_fini(&text);
    }
    struct contract *c = NULL;
    const char *folder = l->place.path[0] ? l->place.path : ".";
    if (count && !bad && import_proto_files(folder, protos, count, l->diag, &c) == ERR_OK)
        keep(l->in, "", c);
    else if (count)
        l->bad = true;
    arena_fini(&arena);
}

static void load_folder(struct loading *l)
{
    struct listing files = {0};
    l->in->folder = true;
    if (l->place.revision)
        list_git(l, &files);
    else
        list_disk(l, &files, (struct slice){0}, 0);
    if (files.count)
        qsort(files.keys, files.count, sizeof(*files.keys), by_name);
    load_protos(l, &files);
    for (size_t i = 0; i < files.count; i++)
        if (!is_proto(files.keys[i]))
            load_file(l, joined(l, files.keys[i]), files.keys[i]);
    if (!l->in->count && !l->bad)
        complain(l, l->place.path, NULL, "there is no contract in this folder");
}

/* --- Places. */

/* "git:HEAD~1:api/orders.yaml" is a revision and a path; "git:HEAD:." is all of it. */
static bool is_place(const char *where, struct arena *arena, struct place *p)
{
    struct slice rest = slice_str(where);
    size_t colon;
    *p = (struct place){.path = where};
    if (!slice_starts(rest, SLICE("git:")))
        return true;
    rest = slice_from(rest, 4);
    if (!slice_find(rest, ':', &colon) || colon == 0 || colon + 1 == rest.len)
        return false;
    struct slice path = slice_from(rest, colon + 1);
    while (path.len > 1 && slice_ends(path, SLICE("/")))
        path = slice_to(path, path.len - 1);
    p->revision = arena_keep(arena, slice_to(rest, colon)).at;
    p->path = slice_eq(path, SLICE(".")) ? "" : arena_keep(arena, path).at;
    return true;
}

static enum err kind_of(struct loading *l, enum check_git_kind *kind)
{
    const struct place *p = &l->place;
    if (p->revision)
        return check_git_kind(arena_putf(&l->in->arena, "%s:%s", p->revision, p->path).at, kind);
    struct stat s;
    *kind =
        strcmp(p->path, "-") != 0 && stat(p->path, &s) == 0 && S_ISDIR(s.st_mode) ? CHECK_GIT_FOLDER : CHECK_GIT_FILE;
    return ERR_OK;
}

enum err check_input_format(const char *word, enum import_format *out)
{
    static const struct {
        const char *word;
        enum import_format format;
    } names[] = {
        {"auto", IMPORT_AUTO},          {"weft", IMPORT_WEFT}, {"openapi", IMPORT_OPENAPI}, {"jschema", IMPORT_JSCHEMA},
        {"jsonschema", IMPORT_JSCHEMA}, {"avro", IMPORT_AVRO}, {"proto", IMPORT_PROTO},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].word, word) == 0) {
            *out = names[i].format;
            return ERR_OK;
        }
    return ERR_INPUT;
}

enum err check_input_load(const char *where, enum import_format format, struct diag *diag, struct check_input *out)
{
    *out = (struct check_input){0};
    arena_init(&out->arena, 0);
    struct loading l = {.in = out, .format = format, .diag = diag};
    enum check_git_kind kind = CHECK_GIT_NOTHING;
    if (!is_place(where, &out->arena, &l.place)) {
        complain(&l, where, "git:HEAD~1:api/orders.yaml", "a revision and a path are expected");
        return ERR_INPUT;
    }
    out->revision = l.place.revision;
    enum err e = kind_of(&l, &kind);
    if (e != ERR_OK || kind == CHECK_GIT_NOTHING)
        cannot_read(&l, where, e != ERR_OK ? e : ERR_ABSENT);
    else if (kind == CHECK_GIT_FOLDER)
        load_folder(&l);
    else
        load_file(&l, l.place.path, "");
    return l.bad ? ERR_INPUT : ERR_OK;
}

void check_input_fini(struct check_input *in)
{
    for (size_t i = 0; i < in->count; i++)
        contract_unref(&in->files[i].contract);
    arena_fini(&in->arena);
    *in = (struct check_input){0};
}

static int by_path(const void *key, const void *file)
{
    return strcmp(key, ((const struct check_input_file *)file)->path);
}

struct contract *check_input_find(const struct check_input *in, const char *path)
{
    const struct check_input_file *f = in->count ? bsearch(path, in->files, in->count, sizeof(*f), by_path) : NULL;
    return f ? f->contract : NULL;
}
