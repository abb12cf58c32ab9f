#include "base/check.h"
#include "base/map.h"
#include "contracts/import.h"
#include "contracts/import/pbfacts.h"
#include "contracts/import/pbset.h"
#include "contracts/import/pbtext.h"

enum { IMPORTS_MOST = 20000, FOLDERS_MOST = 16 };
/* One file is compared with one other, whatever the two are called. */
#define ALONE "the file"

struct loading {
    const struct import_input *in;
    struct draft *d;
    struct map seen; /* files by name */
    struct pbmodel_file *first, **last;
    size_t count;
    bool lenient; /* an import that is not at hand */
};

static void keep_files(struct loading *l, struct pbmodel_file *files)
{
    *l->last = files;
    while (*l->last) {
        map_put(&l->seen, (*l->last)->name, *l->last);
        l->last = &(*l->last)->next;
    }
}

static enum err read_text(struct loading *l, struct slice text, const char *path, const char *name)
{
    struct pbmodel_file *f;
    TRY(pbtext_read(text, path, &l->d->arena, l->d->diag, &f));
    f->name = arena_keep(&l->d->arena, slice_str(name));
    keep_files(l, f);
    l->count++;
    return ERR_OK;
}

/* What "api/shop/orders.proto" imports stands below api/shop/, api/ or where all paths begin. */
static enum err read_below(struct loading *l, struct slice name, struct slice *path, struct buf *text)
{
    struct slice folder = slice_str(l->in->name);
    bool fine =
        l->in->read && l->count < IMPORTS_MOST && !slice_starts(name, SLICE("/")) && !slice_has(name, SLICE(".."));
    size_t slash;
    enum err e = ERR_ABSENT;
    for (int i = 0; fine && i < FOLDERS_MOST && e == ERR_ABSENT && slice_find_last(folder, '/', &slash); i++) {
        folder = slice_to(folder, slash);
        *path = arena_putf(&l->d->arena, "%.*s/%.*s", SLICE_FMT(folder), SLICE_FMT(name));
        e = l->in->read(l->in->arg, path->at, text);
    }
    if (fine && e == ERR_ABSENT && folder.len && folder.at[0] != '/') {
        *path = arena_keep(&l->d->arena, name);
        e = l->in->read(l->in->arg, path->at, text);
    }
    return e;
}

static enum err read_import(struct loading *l, const struct pbmodel_file *f, struct slice name)
{
    if (map_get(&l->seen, name))
        return ERR_OK;
    struct slice path;
    struct buf text;
    buf_init(&text, IMPORT_BYTES);
    enum err e = read_below(l, name, &path, &text);
    if (e == ERR_OK) {
        e = read_text(l, buf_slice(&text), path.at, name.at);
    } else if (slice_starts(name, SLICE("google/"))) {
        /* Types of these files are told apart by their names. */
        l->lenient = true;
        e = ERR_OK;
    } else {
        struct diag_place whole = {.file = f->path};
        diag_add(l->d->diag, DIAG_ERROR, &whole, "imports are looked for below the folders that the file stands in",
                 "imports \"%.*s\", which cannot be read", SLICE_FMT(slice_to(name, 200)));
        e = ERR_INPUT;
    }
    buf_fini(&text);
    return e;
}

/* The list grows while it is walked. */
static enum err read_imports(struct loading *l)
{
    enum err worst = ERR_OK;
    for (struct pbmodel_file *f = l->first; f; f = f->next)
        for (const struct pbmodel_name *n = f->imports; n; n = n->next)
            if (read_import(l, f, n->name) != ERR_OK)
                worst = ERR_INPUT;
    return worst;
}

static struct slice stem_of(struct slice path)
{
    size_t at;
    while (slice_ends(path, SLICE("/")))
        path = slice_to(path, path.len - 1);
    if (slice_find_last(path, '/', &at))
        path = slice_from(path, at + 1);
    if (slice_find(path, '.', &at) && at > 0)
        path = slice_to(path, at);
    return path.len ? path : SLICE("protobuf");
}

/* A contract is called by the package that all files have, else by where it came from. */
static struct slice name_of(const struct loading *l)
{
    struct slice name = l->first ? l->first->package : (struct slice){0};
    for (const struct pbmodel_file *f = l->first; f; f = f->next)
        if (!slice_eq(f->package, name))
            name = (struct slice){0};
    return name.len ? name : stem_of(slice_str(l->in->name));
}

static enum err finish(struct loading *l, struct contract **out)
{
    DRAFT_PUT(l->d, CONTRACT, name_of(l), SLICE("0.0.0"));
    DRAFT_PUT(l->d, DIALECT, SLICE("protobuf"));
    struct pbfacts_source source = {.files = l->first, .lenient = l->lenient};
    TRY(pbfacts_put(l->d, &source));
    return draft_finish(l->d, out);
}

static bool is_text(const struct import_input *in)
{
    return slice_ends(slice_str(in->name), SLICE(".proto")) || !pbset_looks(in->text);
}

enum err import_proto(const struct import_input *in, struct diag *diag, struct contract **out)
{
    struct draft d;
    struct loading l = {.in = in, .d = &d};
    struct pbmodel_file *files = NULL;
    draft_init(&d, in->name, diag);
    l.last = &l.first;
    enum err e;
    if (is_text(in)) {
        e = read_text(&l, in->text, in->name, ALONE);
    } else if ((e = pbset_read(in->text, in->name, &d.arena, diag, &files)) == ERR_OK) {
        keep_files(&l, files);
        l.lenient = true;
    }
    if (e == ERR_OK && is_text(in))
        e = read_imports(&l);
    if (e == ERR_OK)
        e = finish(&l, out);
    map_fini(&l.seen);
    draft_fini(&d);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}

enum err import_proto_files(const char *folder, const struct import_proto_file *files, size_t count, struct diag *diag,
                            struct contract **out)
{
    struct draft d;
    struct import_input in = {.format = IMPORT_PROTO, .name = folder};
    struct loading l = {.in = &in, .d = &d};
    enum err e = ERR_OK;
    draft_init(&d, folder, diag);
    l.last = &l.first;
    for (size_t i = 0; i < count; i++)
        if (read_text(&l, files[i].text, files[i].path, files[i].name) != ERR_OK)
            e = ERR_INPUT;
    if (e == ERR_OK)
        e = read_imports(&l);
    if (e == ERR_OK)
        e = finish(&l, out);
    map_fini(&l.seen);
    draft_fini(&d);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}
