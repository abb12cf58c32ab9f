#include "contracts/import/jschema_ref.h"

enum { REF_HOPS = 64 };

static struct slice join(struct jschema *j, struct slice path)
{
    struct slice base = slice_str(j->in->name);
    size_t at;
    if (!slice_find_last(base, '/', &at) || slice_starts(path, SLICE("/")))
        return arena_keep(j->arena, path);
    return arena_putf(j->arena, "%.*s/%.*s", SLICE_FMT(slice_to(base, at)), SLICE_FMT(path));
}

static const struct doc_node *read_file(struct jschema *j, const struct doc_node *from, struct slice path)
{
    struct slice name = join(j, path);
    for (const struct jschema_file *f = j->files; f; f = f->next)
        if (f->name && slice_eq(slice_str(f->name), name))
            return f->root;
    struct buf text;
    struct doc_node *root = NULL;
    buf_init(&text, IMPORT_BYTES);
    if (!j->in->read || j->in->read(j->in->arg, name.at, &text) != ERR_OK)
        jschema_state_complain(j, from, "give the file beside the first", "this file cannot be read:", name);
    else if (doc_parse(arena_keep(j->arena, buf_slice(&text)), name.at, j->arena, j->draft->diag, &root) != ERR_OK)
        root = NULL;
    buf_fini(&text);
    if (!root)
        return NULL;
    struct jschema_file *f = arena_new(j->arena, sizeof(*f));
    *f = (struct jschema_file){.next = j->files->next, .name = name.at, .root = root};
    j->files->next = f;
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
    const struct doc_node *root = map_get(&j->file_of, slice_of(&from, sizeof(from)));
    return root ? root : j->files->root;
}

/* Every $ref below a node of another file belongs to that file. */
static void belong(struct jschema *j, const struct doc_node *n, const struct doc_node *root, unsigned depth)
{
    if (depth > DOC_DEPTH || map_get(&j->file_of, slice_of(&n, sizeof(n))))
        return;
    map_put(&j->file_of, jschema_state_address(j, &n), (void *)(uintptr_t)root);
    for (const struct doc_node *c = n->first; c; c = c->next)
        belong(j, c, root, depth + 1);
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
        if (root && !by_id)
            belong(j, root, root, 0);
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
