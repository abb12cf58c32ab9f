#include "contracts/import/jschema_ref.h"

enum { REF_HOPS = 64 };

/* "a/../b/./c" is "b/c"; what leads above the beginning stays. */
static struct slice normal(struct jschema *j, struct slice path)
{
    char *out = arena_array(j->arena, path.len + 1, 1);
    struct slice rest = path, piece;
    size_t len = slice_starts(path, SLICE("/")) ? 1 : 0, floor = len;
    memcpy(out, "/", len);
    while (slice_split(&rest, '/', &piece)) {
        if (piece.len == 0 || slice_eq(piece, SLICE(".")))
            continue;
        if (slice_eq(piece, SLICE("..")) && len > floor) {
            size_t at = 0;
            len = slice_find_last(slice_of(out, len), '/', &at) && at >= floor ? at : floor;
            continue;
        }
        if (len > 0 && out[len - 1] != '/')
            out[len++] = '/';
        memcpy(out + len, piece.at, piece.len);
        len += piece.len;
        floor = slice_eq(piece, SLICE("..")) ? len : floor;
    }
    out[len] = '\0';
    return slice_of(out, len);
}

/* Beside the file that says it. */
static struct slice join(struct jschema *j, const struct doc_node *from, struct slice path)
{
    const char *file = jschema_state_file(j, from);
    struct slice base = slice_str(file ? file : j->in->name);
    size_t at;
    if (!slice_find_last(base, '/', &at) || slice_starts(path, SLICE("/")))
        return normal(j, path);
    return normal(j, arena_putf(j->arena, "%.*s/%.*s", SLICE_FMT(slice_to(base, at)), SLICE_FMT(path)));
}

/* Every $ref below a node of another file belongs to that file. */
static void belong(struct jschema *j, const struct doc_node *n, struct jschema_file *file, unsigned depth)
{
    if (depth > DOC_DEPTH || map_get(&j->file_of, slice_of(&n, sizeof(n))))
        return;
    map_put(&j->file_of, jschema_state_address(j, &n), file);
    for (const struct doc_node *c = n->first; c; c = c->next)
        belong(j, c, file, depth + 1);
}

static const struct doc_node *read_file(struct jschema *j, const struct doc_node *from, struct slice path)
{
    struct slice name = join(j, from, path);
    const char *first = j->in->name;
    if (slice_eq(normal(j, slice_str(first)), name))
        return j->files->root;
    const struct jschema_file *known = map_get(&j->by_file, name);
    if (known)
        return known->root;
    struct buf text;
    struct doc_node *root = NULL;
    buf_init(&text, IMPORT_BYTES);
    if (!j->in->read || j->in->read(j->in->arg, name.at, &text) != ERR_OK)
        jschema_state_complain(j, from, "give the file beside the one that says it", "this file cannot be read:", name);
    else if (doc_parse(arena_keep(j->arena, buf_slice(&text)), name.at, j->arena, j->draft->diag, &root) != ERR_OK)
        root = NULL;
    buf_fini(&text);
    if (!root)
        return NULL;
    struct jschema_file *f = arena_new(j->arena, sizeof(*f));
    *f = (struct jschema_file){.next = j->files->next, .name = name.at, .root = root};
    j->files->next = f;
    map_put(&j->by_file, name, f);
    belong(j, root, f, 0);
    return root;
}

/* $anchor and $id: searched for, since they are rare. */
static const struct doc_node *find_anchor(const struct doc_node *n, struct slice name, unsigned depth)
{
    if (depth > JSCHEMA_STATE_DEEPEST)
        return NULL;
    static const char *const words[] = {"$anchor", "$dynamicAnchor", "$id", "id"};
    for (size_t i = 0; i < 4 && n->kind == DOC_MAP; i++) {
        const struct doc_node *a = doc_get(n, words[i]);
        struct slice text = a && a->kind == DOC_STRING ? a->text : (struct slice){0};
        if (i >= 2 && slice_starts(text, SLICE("#")))
            text = slice_from(text, 1);
        if (text.len && slice_eq(text, name))
            return n;
    }
    for (const struct doc_node *c = n->first; c; c = c->next) {
        const struct doc_node *found = find_anchor(c, name, depth + 1);
        if (found)
            return found;
    }
    return NULL;
}

static const struct doc_node *root_of(struct jschema *j, const struct doc_node *from)
{
    const struct jschema_file *file = map_get(&j->file_of, slice_of(&from, sizeof(from)));
    return file ? file->root : j->files->root;
}

static const struct doc_node *follow(struct jschema *j, const struct doc_node *from, struct slice ref)
{
    size_t hash = ref.len;
    slice_find(ref, '#', &hash);
    struct slice path = slice_to(ref, hash), pointer = slice_from(ref, hash + 1);
    const struct doc_node *root = root_of(j, from), *whole = root;
    if (path.len) {
        const struct doc_node *by_id = find_anchor(root, path, 0);
        root = by_id ? by_id : read_file(j, from, path);
    }
    if (!root)
        return NULL;
    if (pointer.len == 0 || pointer.at[0] == '/') {
        const struct doc_node *found = doc_pointer(root, pointer);
        return found ? found : doc_pointer(whole, pointer);
    }
    return find_anchor(root, pointer, 0);
}

struct slice jschema_ref_text(const struct doc_node *n)
{
    const struct doc_node *ref = doc_get(n, "$ref");
    return ref && ref->kind == DOC_STRING ? ref->text : (struct slice){0};
}

const struct doc_node *jschema_ref_resolve(struct jschema *j, const struct doc_node *n)
{
    for (int hops = 0; n && jschema_ref_text(n).len; hops++) {
        const struct doc_node *to = hops < REF_HOPS ? follow(j, n, jschema_ref_text(n)) : NULL;
        if (!to)
            jschema_state_complain(j, n, "check the spelling of the pointer",
                                   "this reference leads nowhere:", jschema_ref_text(n));
        n = to;
    }
    return n;
}
