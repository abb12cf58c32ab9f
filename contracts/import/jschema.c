#include "contracts/import/jschema.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "contracts/import/jschema_merge.h"
#include "contracts/shape.h"

enum { REF_HOPS = 64, NAME_MOST = 200, DEPTH = 128, SPREADS = 2 };

/* A file that was read: the document of the input is the first. */
struct file {
    struct file *next;
    const char *name;
    const struct doc_node *root;
};

struct jschema {
    struct draft *draft;
    const struct import_input *in;
    enum jschema_dialect dialect;
    struct file *files;
    struct map by_node;  /* address of a schema to its type's name */
    struct map by_name;  /* names that are taken */
    struct map file_of;  /* address of a $ref object to its file, when it is not the first */
    struct arena *arena; /* the draft's */
    unsigned depth;
    bool lonely_refs; /* before 2019-09, what stands beside a $ref says nothing */
    unsigned spreads; /* unions in unions, each with what stands beside it */
};

struct jschema *jschema_new(struct draft *d, const struct import_input *in, const struct doc_node *root,
                            enum jschema_dialect dialect)
{
    struct jschema *j = mem_new(sizeof(*j));
    *j = (struct jschema){.draft = d, .in = in, .dialect = dialect, .arena = &d->arena};
    j->files = arena_new(j->arena, sizeof(*j->files));
    *j->files = (struct file){.name = in->name, .root = root};
    const struct doc_node *schema = doc_get(root, "$schema");
    j->lonely_refs = dialect == JSCHEMA_STANDARD && schema && slice_has(schema->text, SLICE("/draft-0"));
    return j;
}

bool jschema_has_lonely_refs(const struct jschema *j)
{
    return j->lonely_refs;
}

bool jschema_is_exact(const struct jschema *j)
{
    return j->dialect == JSCHEMA_STANDARD;
}

void jschema_free(struct jschema **j)
{
    if (!*j)
        return;
    map_fini(&(*j)->by_node);
    map_fini(&(*j)->by_name);
    map_fini(&(*j)->file_of);
    mem_free(*j);
    *j = NULL;
}

static void complain(struct jschema *j, const struct doc_node *n, const char *fix, const char *what, struct slice of)
{
    struct diag_place p = {.file = j->in->name, .line = n->line, .column = n->column};
    diag_add(j->draft->diag, DIAG_ERROR, &p, fix, "%s `%.*s`", what, SLICE_FMT(slice_to(of, 120)));
}

/* --- References. */

static struct slice address(struct jschema *j, const struct doc_node *const *n)
{
    return arena_keep(j->arena, slice_of(n, sizeof(*n)));
}

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
    for (const struct file *f = j->files; f; f = f->next)
        if (f->name && slice_eq(slice_str(f->name), name))
            return f->root;
    struct buf text;
    struct doc_node *root = NULL;
    buf_init(&text, IMPORT_BYTES);
    if (!j->in->read || j->in->read(j->in->arg, name.at, &text) != ERR_OK)
        complain(j, from, "give the file beside the first", "this file cannot be read:", name);
    else if (doc_parse(arena_keep(j->arena, buf_slice(&text)), name.at, j->arena, j->draft->diag, &root) != ERR_OK)
        root = NULL;
    buf_fini(&text);
    if (!root)
        return NULL;
    struct file *f = arena_new(j->arena, sizeof(*f));
    *f = (struct file){.next = j->files->next, .name = name.at, .root = root};
    j->files->next = f;
    return root;
}

/* $anchor and $id: searched for, since they are rare. */
static const struct doc_node *find_anchor(const struct doc_node *n, struct slice name, unsigned depth)
{
    if (depth > DEPTH)
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
    map_put(&j->file_of, address(j, &n), (void *)(uintptr_t)root);
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

static struct slice ref_of(const struct doc_node *n)
{
    const struct doc_node *ref = doc_get(n, "$ref");
    return ref && ref->kind == DOC_STRING ? ref->text : (struct slice){0};
}

const struct doc_node *jschema_resolve(struct jschema *j, const struct doc_node *n)
{
    for (int hops = 0; n && ref_of(n).len; hops++) {
        const struct doc_node *to = hops < REF_HOPS ? follow(j, n, ref_of(n)) : NULL;
        if (!to)
            complain(j, n, "check the spelling of the pointer", "this reference leads nowhere:", ref_of(n));
        n = to;
    }
    return n;
}

/* What a node says, and what everything that it refers to says: equal texts mean the same. */
struct saying {
    struct jschema *j;
    struct map seen;
    struct buf text;
};

enum { SAYING_MOST = 1 << 20 };

static void say(struct saying *s, const struct doc_node *n)
{
    if (ref_of(n).len && buf_len(&s->text) < SAYING_MOST) {
        const struct doc_node *to = jschema_resolve(s->j, n);
        if (to && !map_put(&s->seen, address(s->j, &to), s)) {
            buf_putf(&s->text, "\n%.*s ", SLICE_FMT(ref_of(n)));
            doc_put_json(to, &s->text);
            say(s, to);
        }
    }
    for (const struct doc_node *c = n->first; c; c = c->next)
        say(s, c);
}

enum { SHOWN_MOST = 200 };

struct slice jschema_said(struct jschema *j, const struct doc_node *n)
{
    struct saying s = {.j = j};
    buf_init(&s.text, BUF_TEXT_BOUND);
    doc_put_json(n, &s.text);
    size_t own = buf_len(&s.text);
    say(&s, n);
    struct slice whole = buf_slice(&s.text), kept;
    if (whole.len == own && own <= SHOWN_MOST) {
        kept = arena_keep(j->arena, whole);
    } else {
        struct hash_digest digest = hash_sha256(whole);
        struct buf hex;
        buf_init(&hex, 64);
        hash_put_hex(&hex, slice_of(digest.b, 8));
        /* Cut where a character begins. */
        size_t cut = own < SHOWN_MOST ? own : SHOWN_MOST;
        while (cut > 0 && cut < own && ((unsigned char)whole.at[cut] & 0xC0) == 0x80)
            cut--;
        kept = arena_putf(j->arena, "%.*s #%.*s", SLICE_FMT(slice_to(whole, cut)), SLICE_FMT(buf_slice(&hex)));
        buf_fini(&hex);
    }
    map_fini(&s.seen);
    buf_fini(&s.text);
    return kept;
}

/* --- Names. */

static struct slice unique_name(struct jschema *j, struct slice wanted)
{
    wanted = slice_to(wanted, NAME_MOST);
    struct slice name = arena_keep(j->arena, wanted);
    for (unsigned n = 2; map_get(&j->by_name, name); n++)
        name = arena_putf(j->arena, "%.*s~%u", SLICE_FMT(wanted), n);
    map_put(&j->by_name, name, j);
    return name;
}

static struct slice name_of_ref(struct jschema *j, struct slice ref)
{
    size_t at;
    struct slice name = ref;
    if (slice_find_last(ref, '/', &at) || slice_find_last(ref, '#', &at))
        name = slice_from(ref, at + 1);
    if (name.len == 0)
        name = SLICE("Root");
    for (const char *const *s = shape_scalars(); *s; s++)
        if (slice_eq(slice_str(*s), name))
            return unique_name(j, arena_putf(j->arena, "%s.schema", *s));
    return unique_name(j, name);
}

/* --- Types. */

static struct slice build(struct jschema *j, const struct doc_node *n, struct slice name, bool named);

static struct slice type_of_ref(struct jschema *j, const struct doc_node *n)
{
    const struct doc_node *to = jschema_resolve(j, n);
    if (!to)
        return SLICE("any");
    const char *known = map_get(&j->by_node, slice_of(&to, sizeof(to)));
    if (known)
        return slice_str(known);
    struct slice name = name_of_ref(j, ref_of(n));
    map_put(&j->by_node, address(j, &to), (void *)(uintptr_t)name.at);
    struct slice made = build(j, to, name, true);
    POST(slice_eq(made, name));
    return name;
}

/* Words that say nothing of values. */
static bool is_annotation(struct slice word)
{
    static const char *const words[] = {"$ref",          "description",  "title",    "example",   "examples",
                                        "default",       "deprecated",   "readOnly", "writeOnly", "$comment",
                                        "$id",           "id",           "$schema",  "$anchor",   "$defs",
                                        "definitions",   "externalDocs", "xml",      "summary",   "$vocabulary",
                                        "discriminator", "components",   NULL};
    for (const char *const *w = words; *w; w++)
        if (slice_eq(slice_str(*w), word))
            return true;
    return slice_starts(word, SLICE("x-"));
}

static bool says_something(const struct doc_node *n)
{
    for (const struct doc_node *c = n->first; c; c = c->next)
        if (!is_annotation(c->key))
            return true;
    return false;
}

struct slice jschema_type(struct jschema *j, const struct doc_node *n, struct slice where)
{
    if (!n)
        return SLICE("any");
    if (j->depth > DEPTH) {
        complain(j, n, "name the inner schemas and refer to them", "schemas are nested too deep in", where);
        return SLICE("any");
    }
    if (n->kind == DOC_MAP && ref_of(n).len &&
        (j->dialect == JSCHEMA_OPENAPI_30 || j->lonely_refs || !says_something(n)))
        return type_of_ref(j, n);
    const char *known = map_get(&j->by_node, slice_of(&n, sizeof(n)));
    if (known)
        return slice_str(known);
    j->depth++;
    struct slice type = build(j, n, where, false);
    j->depth--;
    map_put(&j->by_node, address(j, &n), (void *)(uintptr_t)type.at);
    return type;
}

/* A type's own name, taken when it is first needed. */
struct own {
    struct jschema *j;
    const struct doc_node *node;
    struct slice name;
    bool taken;
    unsigned kinds; /* what the listed values are, when they are listed */
};

static struct slice take_name(struct own *o)
{
    if (!o->taken) {
        o->name = unique_name(o->j, o->name);
        o->taken = true;
    }
    return o->name;
}

static void put_place(struct own *o)
{
    draft_place(o->j->draft, o->name, NULL, o->node->line, o->node->column);
}

static void unproven(struct own *o, const struct doc_node *n, struct slice word)
{
    struct slice text = jschema_said(o->j, n);
    draft_unproven(o->j->draft, o->name, word, text);
}

static void unproven_words(struct own *o, const struct doc_node *n, const char *const *words)
{
    for (; *words; words++) {
        const struct doc_node *c = doc_get(n, *words);
        if (c)
            unproven(o, c, slice_str(*words));
    }
}

/* One for each entry, so that fewer entries ask for less. */
static void unproven_entries(struct own *o, const struct doc_node *n, const char *word)
{
    const struct doc_node *map = doc_get(n, word);
    for (const struct doc_node *c = map && map->kind == DOC_MAP ? map->first : NULL; c; c = c->next)
        if (c->kind == DOC_LIST)
            for (const struct doc_node *v = c->first; v; v = v->next)
                unproven(o, v, arena_putf(o->j->arena, "%s %.*s", word, SLICE_FMT(c->key)));
        else
            unproven(o, c, arena_putf(o->j->arena, "%s %.*s", word, SLICE_FMT(c->key)));
}

static void put_aspect(struct own *o, struct slice role, const struct doc_node *schema)
{
    struct slice where = arena_putf(o->j->arena, "%.*s?%.*s", SLICE_FMT(o->name), SLICE_FMT(slice_to(role, 8)));
    DRAFT_PUT(o->j->draft, ASPECT, o->name, role, jschema_type(o->j, schema, where));
}

static bool has_any(const struct doc_node *n, const char *const *words)
{
    for (; *words; words++)
        if (doc_get(n, *words))
            return true;
    return false;
}

/* --- Constraints. */

static void bound(struct own *o, const char *kind, const struct doc_node *value)
{
    if (!value || value->kind != DOC_NUMBER)
        return;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    doc_put_number(value->text, &text);
    if (shape_decimal(buf_slice(&text)))
        DRAFT_PUT(o->j->draft, BOUND, o->name, slice_str(kind), buf_slice(&text));
    else
        unproven(o, value, slice_str(kind));
    buf_fini(&text);
}

static bool is_true(const struct doc_node *n)
{
    return n && n->kind == DOC_BOOL && slice_eq(n->text, SLICE("true"));
}

/* A strict bound on whole numbers is the next one. */
static void strict(struct own *o, const struct doc_node *value, bool whole, bool upper)
{
    struct buf text;
    int64_t n = 0;
    char *end;
    buf_init(&text, BUF_TEXT_BOUND);
    doc_put_number(value->text, &text);
    n = strtoll(buf_text(&text), &end, 10);
    if (whole && *end == '\0' && buf_len(&text) < 18)
        DRAFT_PUT(o->j->draft, BOUND, o->name, upper ? SLICE("max") : SLICE("min"),
                  arena_putf(o->j->arena, "%lld", (long long)(upper ? n - 1 : n + 1)));
    else
        bound(o, upper ? "below" : "above", value);
    buf_fini(&text);
}

/* Draft 4 says exclusiveMaximum: true beside maximum, later ones say the number itself. */
static void edge(struct own *o, const struct doc_node *n, bool whole, bool upper)
{
    const struct doc_node *x = doc_get(n, upper ? "exclusiveMaximum" : "exclusiveMinimum");
    const struct doc_node *i = doc_get(n, upper ? "maximum" : "minimum");
    if (i && i->kind == DOC_NUMBER && is_true(x))
        strict(o, i, whole, upper);
    else
        bound(o, upper ? "max" : "min", i);
    if (x && x->kind == DOC_NUMBER)
        strict(o, x, whole, upper);
}

static void put_text(struct own *o, enum vocabulary relation, const struct doc_node *value)
{
    if (value && value->kind == DOC_STRING && value->text.len) {
        struct slice texts[] = {o->name, value->text};
        draft_put(o->j->draft, relation, texts, NULL);
    }
}

static const char *const number_words[] = {"minimum",          "maximum",    "exclusiveMinimum",
                                           "exclusiveMaximum", "multipleOf", NULL};
static const char *const string_words[] = {"minLength",       "maxLength",        "pattern",       "format",
                                           "contentEncoding", "contentMediaType", "contentSchema", NULL};
static const char *const array_words[] = {"items",           "minItems",         "maxItems",    "uniqueItems",
                                          "contains",        "minContains",      "maxContains", "prefixItems",
                                          "additionalItems", "unevaluatedItems", NULL};
static const char *const object_words[] = {
    "properties",       "required",      "additionalProperties",  "patternProperties",
    "propertyNames",    "minProperties", "maxProperties",         "dependentRequired",
    "dependentSchemas", "dependencies",  "unevaluatedProperties", NULL};
static const char *const other_words[] = {
    "not", "if", "then", "else", "x-extensible-enum", "$dynamicRef", "$recursiveRef", "disallow", "extends", NULL};

static void constrain_number(struct own *o, const struct doc_node *n, bool whole)
{
    edge(o, n, whole, false);
    edge(o, n, whole, true);
    bound(o, "multiple_of", doc_get(n, "multipleOf"));
}

/* Patterns that every text matches. */
static bool takes_all(const struct doc_node *pattern)
{
    static const char *const words[] = {".*", "^.*$", "^.*", ".*$", "^[\\s\\S]*$", "", NULL};
    for (const char *const *w = words; pattern && *w; w++)
        if (slice_eq(pattern->text, slice_str(*w)))
            return true;
    return false;
}

static void constrain_string(struct own *o, const struct doc_node *n)
{
    static const char *const others[] = {"contentEncoding", "contentMediaType", "contentSchema", NULL};
    bound(o, "min_length", doc_get(n, "minLength"));
    bound(o, "max_length", doc_get(n, "maxLength"));
    if (!takes_all(doc_get(n, "pattern")))
        put_text(o, VOCABULARY_PATTERN, doc_get(n, "pattern"));
    put_text(o, VOCABULARY_FORMAT, doc_get(n, "format"));
    unproven_words(o, n, others);
}

/* --- Kinds. */

static struct slice make_number(struct own *o, const struct doc_node *n, bool whole, bool forced)
{
    const struct doc_node *format = doc_get(n, "format");
    struct slice f = format && format->kind == DOC_STRING ? format->text : (struct slice){0};
    struct slice base = whole ? SLICE("integer") : SLICE("number");
    bool sized = o->j->dialect != JSCHEMA_STANDARD;
    if (sized && whole && (slice_eq(f, SLICE("int32")) || slice_eq(f, SLICE("int64"))))
        base = f;
    if (sized && !whole && (slice_eq(f, SLICE("float")) || slice_eq(f, SLICE("double"))))
        base = f;
    if (!forced && !has_any(n, number_words))
        return base;
    DRAFT_PUT(o->j->draft, ALIAS, take_name(o), base);
    constrain_number(o, n, whole);
    return o->name;
}

static struct slice make_string(struct own *o, const struct doc_node *n, bool forced)
{
    if (!forced && !has_any(n, string_words))
        return SLICE("string");
    DRAFT_PUT(o->j->draft, ALIAS, take_name(o), SLICE("string"));
    constrain_string(o, n);
    return o->name;
}

static bool is_anything(const struct doc_node *n)
{
    return !n || is_true(n) || (n->kind == DOC_MAP && n->count == 0);
}

static bool is_false(const struct doc_node *n)
{
    return n && n->kind == DOC_BOOL && slice_eq(n->text, SLICE("false"));
}

/* prefixItems of 2020-12, and the list of items of earlier drafts with its additionalItems. */
static void put_tuple(struct own *o, const struct doc_node *places, const struct doc_node *rest)
{
    struct jschema *j = o->j;
    int64_t number = 0;
    for (const struct doc_node *p = places->first; p; p = p->next, number++) {
        struct slice where = arena_putf(j->arena, "%.*s[%lld]", SLICE_FMT(o->name), (long long)number);
        draft_put(j->draft, VOCABULARY_ITEM, (struct slice[]){o->name, jschema_type(j, p, where)}, &number);
    }
    struct slice element =
        is_anything(rest) ? SLICE("any") : jschema_type(j, rest, arena_putf(j->arena, "%.*s[]", SLICE_FMT(o->name)));
    DRAFT_PUT(j->draft, LIST, o->name, element);
}

static void put_contains(struct own *o, const struct doc_node *n)
{
    const struct doc_node *contains = doc_get(n, "contains"), *least = doc_get(n, "minContains");
    if (!contains)
        return;
    struct slice count = least ? least->text : SLICE("1");
    if (doc_get(n, "maxContains"))
        draft_unproven(o->j->draft, o->name, SLICE("contains"),
                       arena_putf(o->j->arena, "%.*s..%.*s %.*s", SLICE_FMT(count),
                                  SLICE_FMT(doc_get(n, "maxContains")->text), SLICE_FMT(jschema_said(o->j, contains))));
    else if (!slice_eq(count, SLICE("0")))
        put_aspect(o, arena_putf(o->j->arena, "contains %.*s", SLICE_FMT(count)), contains);
}

static struct slice make_list(struct own *o, const struct doc_node *n)
{
    struct jschema *j = o->j;
    const struct doc_node *items = doc_get(n, "items"), *prefix = doc_get(n, "prefixItems");
    take_name(o);
    if (prefix && prefix->kind == DOC_LIST)
        put_tuple(o, prefix, items);
    else if (items && items->kind == DOC_LIST)
        put_tuple(o, items, doc_get(n, "additionalItems"));
    else
        DRAFT_PUT(j->draft, LIST, o->name,
                  is_anything(items) ? SLICE("any")
                                     : jschema_type(j, items, arena_putf(j->arena, "%.*s[]", SLICE_FMT(o->name))));
    bound(o, "min_items", doc_get(n, "minItems"));
    bound(o, "max_items", doc_get(n, "maxItems"));
    if (is_true(doc_get(n, "uniqueItems")))
        unproven(o, doc_get(n, "uniqueItems"), SLICE("uniqueItems"));
    put_contains(o, n);
    if (doc_get(n, "unevaluatedItems") && !is_anything(doc_get(n, "unevaluatedItems")))
        unproven(o, n, SLICE("unevaluatedItems"));
    return o->name;
}

static bool is_required(const struct doc_node *n, struct slice member)
{
    const struct doc_node *required = doc_get(n, "required");
    for (const struct doc_node *r = required && required->kind == DOC_LIST ? required->first : NULL; r; r = r->next)
        if (slice_eq(r->text, member))
            return true;
    return false;
}

/* Only a default that surely fits is one. */
static bool default_fits(const struct doc_node *member, const struct doc_node *value)
{
    static const char *const words[] = {"enum",
                                        "const",
                                        "minimum",
                                        "maximum",
                                        "exclusiveMinimum",
                                        "exclusiveMaximum",
                                        "multipleOf",
                                        "minLength",
                                        "maxLength",
                                        "pattern",
                                        "allOf",
                                        "anyOf",
                                        "oneOf",
                                        "not",
                                        "$ref",
                                        "format",
                                        NULL};
    const struct doc_node *type = doc_get(member, "type");
    if (!type || type->kind != DOC_STRING || has_any(member, words))
        return false;
    bool point = slice_has(value->text, SLICE(".")) || slice_has(value->text, SLICE("e"));
    switch (value->kind) {
    case DOC_BOOL:
        return slice_eq(type->text, SLICE("boolean"));
    case DOC_NUMBER:
        return slice_eq(type->text, SLICE("number")) || (slice_eq(type->text, SLICE("integer")) && !point);
    case DOC_STRING:
        return slice_eq(type->text, SLICE("string"));
    case DOC_NULL:
    case DOC_LIST:
    case DOC_MAP:
        break;
    }
    return false;
}

static void put_default(struct own *o, const struct doc_node *member)
{
    const struct doc_node *value = doc_get(member, "default");
    if (!value || !default_fits(member, value))
        return;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    doc_put_json(value, &text);
    DRAFT_PUT(o->j->draft, DEFAULT, o->name, member->key, buf_slice(&text));
    buf_fini(&text);
}

static void put_member(struct own *o, const struct doc_node *n, const struct doc_node *member)
{
    struct jschema *j = o->j;
    struct slice position = arena_putf(j->arena, "%.*s.%.*s", SLICE_FMT(o->name), SLICE_FMT(member->key));
    struct slice type = jschema_type(j, member, position);
    struct slice presence = is_required(n, member->key) ? SLICE("required") : SLICE("optional");
    const struct doc_node *target = member->kind == DOC_MAP ? jschema_resolve(j, member) : NULL;
    DRAFT_PUT(j->draft, FIELD, o->name, member->key, type, presence);
    draft_place(j->draft, position, NULL, member->key_line ? member->key_line : member->line, member->column);
    if (target && is_true(doc_get(target, "readOnly")))
        DRAFT_PUT(j->draft, ONLY, position, SLICE("response"));
    if (target && is_true(doc_get(target, "writeOnly")))
        DRAFT_PUT(j->draft, ONLY, position, SLICE("request"));
}

/* Of a member that is required and not described. */
static struct slice type_of_rest(struct own *o, const struct doc_node *n)
{
    const struct doc_node *rest = doc_get(n, "additionalProperties");
    if (o->j->dialect != JSCHEMA_STANDARD || is_anything(rest) || doc_get(n, "patternProperties"))
        return SLICE("any");
    return jschema_type(o->j, rest, arena_putf(o->j->arena, "%.*s{}", SLICE_FMT(o->name)));
}

static void put_members(struct own *o, const struct doc_node *n)
{
    const struct doc_node *properties = doc_get(n, "properties"), *required = doc_get(n, "required");
    for (const struct doc_node *m = properties && properties->kind == DOC_MAP ? properties->first : NULL; m;
         m = m->next) {
        put_member(o, n, m);
        if (m->kind == DOC_MAP && o->j->dialect != JSCHEMA_STANDARD)
            put_default(o, m);
    }
    for (const struct doc_node *r = required && required->kind == DOC_LIST ? required->first : NULL; r; r = r->next)
        if (r->kind == DOC_STRING && r->text.len && !doc_find(properties, r->text))
            DRAFT_PUT(o->j->draft, FIELD, o->name, r->text, type_of_rest(o, n), SLICE("required"));
        else if (r->text.len == 0)
            unproven(o, r, SLICE("required"));
}

/* What the rest is depends on what is named. */
static struct slice said_of_rest(struct jschema *j, const struct doc_node *n, const struct doc_node *extra)
{
    struct slice text = jschema_said(j, extra);
    const struct doc_node *maps[] = {doc_get(n, "properties"), doc_get(n, "patternProperties")};
    for (size_t i = 0; i < 2; i++)
        for (const struct doc_node *c = maps[i] ? maps[i]->first : NULL; c; c = c->next)
            text = arena_putf(j->arena, "%.*s, not %.*s", SLICE_FMT(text), SLICE_FMT(c->key));
    return text;
}

/* What may stand beside the members that are named. */
static void put_rest(struct own *o, const struct doc_node *n)
{
    struct jschema *j = o->j;
    const struct doc_node *extra = doc_get(n, "additionalProperties");
    bool patterns = doc_get(n, "patternProperties") && doc_get(n, "patternProperties")->count;
    if (is_anything(extra))
        return;
    if (patterns)
        draft_unproven(j->draft, o->name, SLICE("additionalProperties"), said_of_rest(j, n, extra));
    else if (is_false(extra))
        DRAFT_PUT(j->draft, CLOSED, o->name);
    else
        DRAFT_PUT(j->draft, EXTRA, o->name, jschema_type(j, extra, arena_putf(j->arena, "%.*s{}", SLICE_FMT(o->name))));
}

static struct slice make_record(struct own *o, const struct doc_node *n)
{
    static const char *const maps[] = {"patternProperties", "dependentRequired", "dependentSchemas", "dependencies",
                                       NULL};
    struct jschema *j = o->j;
    const struct doc_node *extra = doc_get(n, "additionalProperties"), *properties = doc_get(n, "properties");
    bool members = (properties && properties->count) || doc_get(n, "required") || doc_get(n, "patternProperties");
    take_name(o);
    if (!is_anything(extra) && !is_false(extra) && !members && j->dialect != JSCHEMA_STANDARD) {
        struct slice value = jschema_type(j, extra, arena_putf(j->arena, "%.*s{}", SLICE_FMT(o->name)));
        DRAFT_PUT(j->draft, MAP, o->name, SLICE("string"), value);
    } else {
        DRAFT_PUT(j->draft, RECORD, o->name);
        put_members(o, n);
        put_rest(o, n);
    }
    bound(o, "min_items", doc_get(n, "minProperties"));
    bound(o, "max_items", doc_get(n, "maxProperties"));
    if (doc_get(n, "propertyNames"))
        put_aspect(o, SLICE("names"), doc_get(n, "propertyNames"));
    if (doc_get(n, "unevaluatedProperties") && !is_anything(doc_get(n, "unevaluatedProperties")))
        unproven(o, n, SLICE("unevaluatedProperties"));
    for (const char *const *w = maps; *w; w++)
        unproven_entries(o, n, *w);
    return o->name;
}

/* --- Values. */

static bool all_strings(const struct doc_node *list)
{
    bool some = false;
    for (const struct doc_node *v = list->first; v; v = v->next) {
        if (v->kind != DOC_STRING && v->kind != DOC_NULL)
            return false;
        some = some || v->kind == DOC_STRING;
    }
    return some;
}

static struct slice make_enum(struct own *o, const struct doc_node *n, const struct doc_node *list)
{
    DRAFT_PUT(o->j->draft, ENUM, take_name(o));
    for (const struct doc_node *v = list->first; v; v = v->next)
        if (v->kind == DOC_STRING)
            draft_put(o->j->draft, VOCABULARY_SYMBOL, (struct slice[]){o->name, v->text}, &(int64_t){0});
    bound(o, "min_length", doc_get(n, "minLength"));
    bound(o, "max_length", doc_get(n, "maxLength"));
    unproven_words(o, n, (const char *const[]){"pattern", NULL});
    return o->name;
}

static void put_values(struct own *o, const struct doc_node *first)
{
    for (const struct doc_node *v = first; v; v = v->next) {
        struct buf text;
        buf_init(&text, BUF_TEXT_BOUND);
        doc_put_json(v, &text);
        DRAFT_PUT(o->j->draft, VALUE, o->name, buf_slice(&text));
        buf_fini(&text);
    }
}

/* --- Unions. */

enum { KIND_NULL, KIND_BOOL, KIND_NUMBER, KIND_INTEGER, KIND_STRING, KIND_LIST, KIND_RECORD, KINDS };
static const char *const kind_names[KINDS] = {"null", "boolean", "number", "integer", "string", "array", "object"};

static unsigned kind_of(struct slice word)
{
    for (unsigned k = 0; k < KINDS; k++)
        if (slice_eq(slice_str(kind_names[k]), word))
            return 1u << k;
    return 0;
}

static unsigned kinds_said(struct own *o, const struct doc_node *n)
{
    const struct doc_node *type = doc_get(n, "type");
    unsigned kinds = 0;
    if (type && type->kind == DOC_STRING)
        kinds = kind_of(type->text);
    for (const struct doc_node *t = type && type->kind == DOC_LIST ? type->first : NULL; t; t = t->next)
        kinds |= t->kind == DOC_STRING ? kind_of(t->text) : 0;
    if (type && !kinds)
        unproven(o, type, SLICE("type"));
    if (kinds & (1u << KIND_NUMBER))
        kinds &= ~(1u << KIND_INTEGER);
    return kinds;
}

/* Words for another kind of value say nothing, but whoever wrote them meant something. */
static bool has_strange_words(const struct own *o, const struct doc_node *n, unsigned kind)
{
    if (o->j->dialect == JSCHEMA_STANDARD)
        return false;
    bool number = kind == KIND_NUMBER || kind == KIND_INTEGER;
    static const char *const lengths[] = {"minLength", "maxLength", "pattern", NULL};
    return (!number && has_any(n, number_words)) || (kind != KIND_STRING && has_any(n, lengths)) ||
           (kind != KIND_STRING && !number && doc_get(n, "format")) || (kind != KIND_LIST && has_any(n, array_words)) ||
           (kind != KIND_RECORD && has_any(n, object_words));
}

static void put_strange_words(struct own *o, const struct doc_node *n, unsigned kind)
{
    bool number = kind == KIND_NUMBER || kind == KIND_INTEGER;
    if (!number)
        unproven_words(o, n, number_words);
    if (kind != KIND_STRING)
        unproven_words(o, n, (const char *const[]){"minLength", "maxLength", "pattern", NULL});
    if (kind != KIND_STRING && !number)
        unproven_words(o, n, (const char *const[]){"format", NULL});
    if (kind != KIND_LIST)
        unproven_words(o, n, array_words);
    if (kind != KIND_RECORD)
        unproven_words(o, n, object_words);
}

static struct slice make_known_kind(struct own *o, const struct doc_node *n, unsigned kind, bool forced);

static struct slice make_kind(struct own *o, const struct doc_node *n, unsigned kind, bool forced)
{
    bool strange = has_strange_words(o, n, kind);
    struct slice type = make_known_kind(o, n, kind, forced || strange);
    if (strange)
        put_strange_words(o, n, kind);
    return type;
}

static struct slice make_known_kind(struct own *o, const struct doc_node *n, unsigned kind, bool forced)
{
    switch (kind) {
    case KIND_BOOL:
    case KIND_NULL:
        break;
    case KIND_NUMBER:
    case KIND_INTEGER:
        return make_number(o, n, kind == KIND_INTEGER, forced);
    case KIND_STRING:
        return make_string(o, n, forced);
    case KIND_LIST:
        return make_list(o, n);
    default:
        return make_record(o, n);
    }
    if (!forced)
        return SLICE("bool");
    DRAFT_PUT(o->j->draft, ALIAS, take_name(o), SLICE("bool"));
    return o->name;
}

static struct slice make_kinds(struct own *o, const struct doc_node *n, unsigned kinds)
{
    struct jschema *j = o->j;
    DRAFT_PUT(j->draft, UNION, take_name(o));
    int64_t number = 0;
    for (unsigned k = KIND_BOOL; k < KINDS; k++) {
        if (!(kinds & (1u << k)))
            continue;
        struct own part = {
            .j = j, .node = n, .name = arena_putf(j->arena, "%.*s(%s)", SLICE_FMT(o->name), kind_names[k])};
        struct slice type = make_known_kind(&part, n, k, false);
        draft_put(j->draft, VOCABULARY_BRANCH, (struct slice[]){o->name, type}, &number);
        number++;
    }
    return o->name;
}

static bool is_null_schema(const struct doc_node *n)
{
    const struct doc_node *type = doc_get(n, "type");
    return type && type->kind == DOC_STRING && slice_eq(type->text, SLICE("null"));
}

/* The kinds that a schema surely keeps to; 0: not known. */
static unsigned kinds_kept(const struct doc_node *n)
{
    const struct doc_node *type = doc_get(n, "type");
    unsigned kinds = type && type->kind == DOC_STRING ? kind_of(type->text) : 0;
    return kinds & ((1u << KIND_NUMBER) | (1u << KIND_INTEGER)) ? 1u << KIND_NUMBER : kinds;
}

static bool is_value_of(const struct doc_node *n, struct slice text)
{
    const struct doc_node *list = doc_get(n, "enum"), *constant = doc_get(n, "const");
    if (constant)
        return constant->kind != DOC_STRING || slice_eq(constant->text, text);
    for (const struct doc_node *v = list && list->kind == DOC_LIST ? list->first : NULL; v; v = v->next)
        if (v->kind != DOC_STRING || slice_eq(v->text, text))
            return true;
    return !list;
}

/* Members of one name that have no text in common. */
static bool values_differ(const struct doc_node *a, const struct doc_node *b)
{
    const struct doc_node *list = doc_get(a, "enum"), *constant = doc_get(a, "const");
    if (constant)
        return constant->kind == DOC_STRING && !is_value_of(b, constant->text);
    if (!list || list->kind != DOC_LIST)
        return false;
    for (const struct doc_node *v = list->first; v; v = v->next)
        if (v->kind != DOC_STRING || is_value_of(b, v->text))
            return false;
    return true;
}

/* Both are objects, and a member that both require tells them apart. */
static bool tags_differ(struct own *o, const struct doc_node *a, const struct doc_node *b)
{
    const struct doc_node *own = doc_get(a, "properties"), *others = doc_get(b, "properties");
    for (const struct doc_node *m = own && own->kind == DOC_MAP ? own->first : NULL; m; m = m->next) {
        const struct doc_node *other = doc_find(others, m->key);
        if (other && is_required(a, m->key) && is_required(b, m->key) &&
            values_differ(jschema_resolve(o->j, m), jschema_resolve(o->j, other)))
            return true;
    }
    return false;
}

static bool branches_differ(struct own *o, const struct doc_node *a, const struct doc_node *b)
{
    if (!a || !b)
        return false;
    unsigned x = kinds_kept(a), y = kinds_kept(b);
    if (!x || !y || (is_true(doc_get(a, "nullable")) && is_true(doc_get(b, "nullable"))))
        return false;
    return !(x & y) || (x == 1u << KIND_RECORD && tags_differ(o, a, b));
}

/* Unions larger than this are not looked at pair by pair. */
enum { BRANCHES_LOOKED_AT = 128 };

/* No value fits two branches. */
static bool all_differ(struct own *o, const struct doc_node *list)
{
    if (list->count > BRANCHES_LOOKED_AT)
        return false;
    for (const struct doc_node *a = list->first; a; a = a->next)
        for (const struct doc_node *b = a->next; b; b = b->next)
            if (!branches_differ(o, jschema_resolve(o->j, a), jschema_resolve(o->j, b)))
                return false;
    return true;
}

static struct doc_node *copy_of(struct jschema *j, const struct doc_node *n)
{
    struct doc_node *copy = arena_new(j->arena, sizeof(*copy));
    *copy = *n;
    copy->next = NULL;
    return copy;
}

static bool is_applied(struct slice word, bool union_too)
{
    static const char *const words[] = {"if", "then", "else", "not", "anyOf", "oneOf"};
    for (size_t i = 0; i < (union_too ? 6 : 3); i++)
        if (slice_eq(slice_str(words[i]), word))
            return true;
    return false;
}

/* Without the words of unions and conditions, or without those of conditions only. */
static const struct doc_node *without(struct jschema *j, const struct doc_node *n, bool union_too)
{
    struct doc_node *rest = copy_of(j, n), *last = NULL;
    rest->first = NULL;
    rest->count = 0;
    rest->index = NULL;
    for (const struct doc_node *c = n->first; c; c = c->next)
        if (!is_applied(c->key, union_too) && !is_annotation(c->key) && !slice_eq(c->key, SLICE("nullable")) &&
            !(j->dialect != JSCHEMA_STANDARD && slice_eq(c->text, SLICE("object"))))
            doc_add(rest, copy_of(j, c), &last);
    return rest;
}

static const struct doc_node *beside(struct jschema *j, const struct doc_node *n)
{
    return without(j, n, true);
}

static const struct doc_node *beside_all(struct jschema *j, const struct doc_node *n)
{
    return without(j, n, false);
}

/* A branch together with what stands beside the union. */
static const struct doc_node *spread(struct jschema *j, const struct doc_node *rest, const struct doc_node *branch)
{
    if (rest->count == 0)
        return branch;
    struct doc_node *both = copy_of(j, rest), *all = copy_of(j, rest), *last = NULL;
    all->kind = DOC_LIST;
    all->key = SLICE("allOf");
    all->first = NULL;
    all->count = 0;
    doc_add(all, copy_of(j, rest), &last);
    doc_add(all, copy_of(j, branch), &last);
    both->first = NULL;
    both->count = 0;
    last = NULL;
    doc_add(both, all, &last);
    return both;
}

static int by_said(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The branches in one order. */
static struct slice said_of_all(struct jschema *j, const struct doc_node *list)
{
    struct slice *said = arena_array(j->arena, list->count + 1, sizeof(*said)), all = SLICE("");
    size_t count = 0;
    for (const struct doc_node *b = list->first; b; b = b->next)
        said[count++] = jschema_said(j, b);
    qsort(said, count, sizeof(*said), by_said);
    for (size_t i = 0; i < count; i++)
        all = arena_putf(j->arena, "%.*s%s%.*s", SLICE_FMT(all), i ? " | " : "", SLICE_FMT(said[i]));
    return all;
}

/* What stands beside a union lets null through. */
static bool takes_null(struct own *o, const struct doc_node *n)
{
    unsigned kinds = kinds_said(o, n);
    return !doc_get(n, "type") || (kinds & (1u << KIND_NULL)) || o->j->dialect == JSCHEMA_OPENAPI_30;
}

static bool make_branches(struct own *o, const struct doc_node *list, const struct doc_node *rest, bool exclusive)
{
    struct jschema *j = o->j;
    bool null = false;
    int64_t number = 0;
    DRAFT_PUT(j->draft, UNION, take_name(o));
    for (const struct doc_node *b = list->first; b; b = b->next) {
        if (is_null_schema(b)) {
            null = true;
            continue;
        }
        struct slice where = arena_putf(j->arena, "%.*s|%lld", SLICE_FMT(o->name), (long long)number);
        struct slice type = jschema_type(j, spread(j, rest, b), where);
        draft_put(j->draft, VOCABULARY_BRANCH, (struct slice[]){o->name, type}, &number);
        number++;
    }
    if (doc_get(o->node, "discriminator"))
        unproven(o, doc_get(o->node, "discriminator"), SLICE("discriminator"));
    if (exclusive) {
        DRAFT_PUT(j->draft, EXCLUSIVE, o->name);
        if (!all_differ(o, list))
            draft_unproven(j->draft, o->name, SLICE("oneOf"),
                           j->dialect == JSCHEMA_STANDARD ? said_of_all(j, list) : SLICE("exactly one"));
    }
    return null;
}

/* --- A whole schema. */

static unsigned branches_beside_null(const struct doc_node *list)
{
    unsigned count = 0;
    for (const struct doc_node *b = list->first; b; b = b->next)
        count += !is_null_schema(b);
    return count;
}

static const struct doc_node *branches_of(const struct doc_node *n, bool *exclusive)
{
    const struct doc_node *any = doc_get(n, "anyOf"), *one = doc_get(n, "oneOf");
    *exclusive = !any && one;
    const struct doc_node *list = any ? any : one;
    return list && list->kind == DOC_LIST && list->count ? list : NULL;
}

/* Nothing is known of it but what it was called: any value to a writer, no value surely to a reader. */
static struct slice make_opaque(struct own *o, const struct doc_node *n, const char *word)
{
    DRAFT_PUT(o->j->draft, ALIAS, take_name(o), SLICE("any"));
    unproven(o, n, slice_str(word));
    return o->name;
}

static struct slice make_never(struct own *o, bool forced);

static unsigned kinds_meant(struct own *o, const struct doc_node *n)
{
    unsigned kinds = o->kinds ? o->kinds : kinds_said(o, n);
    if (kinds)
        return kinds;
    bool object = has_any(n, object_words), list = has_any(n, array_words), text = has_any(n, string_words),
         number = has_any(n, number_words);
    unsigned all = (1u << KINDS) - 1 - (1u << KIND_INTEGER);
    if (!object && !list && !text && !number)
        return 0;
    if (o->j->dialect == JSCHEMA_STANDARD)
        return all;
    return object ? 1u << KIND_RECORD : list ? 1u << KIND_LIST : text ? 1u << KIND_STRING : 1u << KIND_NUMBER;
}

/* Words for text or numbers only, without a type: any value, and text or numbers within bounds. */
static bool is_loose(struct own *o, const struct doc_node *n)
{
    return o->j->dialect == JSCHEMA_STANDARD && !o->kinds && !doc_get(n, "type") && !has_any(n, object_words) &&
           !has_any(n, array_words) && (has_any(n, string_words) || has_any(n, number_words));
}

static struct slice make_loose(struct own *o, const struct doc_node *n)
{
    DRAFT_PUT(o->j->draft, ALIAS, take_name(o), SLICE("any"));
    constrain_number(o, n, false);
    constrain_string(o, n);
    return o->name;
}

static struct slice make_plain(struct own *o, const struct doc_node *n, bool forced, bool *nullable)
{
    if (is_loose(o, n))
        return make_loose(o, n);
    unsigned kinds = kinds_meant(o, n);
    *nullable = *nullable || (kinds & (1u << KIND_NULL));
    if (kinds == 1u << KIND_NULL)
        return make_never(o, true);
    kinds &= ~(1u << KIND_NULL);
    if (kinds & (kinds - 1))
        return make_kinds(o, n, kinds);
    for (unsigned k = KIND_BOOL; k < KINDS; k++)
        if (kinds == 1u << k)
            return make_kind(o, n, k, forced);
    *nullable = false;
    if (!forced)
        return SLICE("any");
    DRAFT_PUT(o->j->draft, ALIAS, take_name(o), SLICE("any"));
    return o->name;
}

/* What is listed says more than a length. */
static bool j_lenient(const struct own *o)
{
    return o->j->dialect != JSCHEMA_STANDARD;
}

static unsigned kind_of_value(const struct doc_node *v)
{
    bool point = slice_has(v->text, SLICE(".")) || slice_has(v->text, SLICE("e")) || slice_has(v->text, SLICE("E"));
    static const unsigned kinds[] = {
        [DOC_NULL] = KIND_NULL,     [DOC_BOOL] = KIND_BOOL, [DOC_NUMBER] = KIND_NUMBER,
        [DOC_STRING] = KIND_STRING, [DOC_LIST] = KIND_LIST, [DOC_MAP] = KIND_RECORD,
    };
    return 1u << (v->kind == DOC_NUMBER && !point ? KIND_INTEGER : kinds[v->kind]);
}

/* The kinds of the values that the schema's own type lets through; its own kinds when it lets none through. */
static unsigned kinds_of_values(struct own *o, const struct doc_node *n, const struct doc_node *first)
{
    unsigned said = kinds_said(o, n), kinds = 0;
    said |= said & (1u << KIND_NUMBER) ? 1u << KIND_INTEGER : 0;
    for (const struct doc_node *v = first; v; v = v->next)
        kinds |= kind_of_value(v);
    kinds = kinds & said ? kinds & said : said ? said : kinds;
    return kinds & (1u << KIND_NUMBER) ? kinds & ~(1u << KIND_INTEGER) : kinds;
}

static struct slice make_never(struct own *o, bool forced)
{
    if (!forced && !o->taken)
        return SLICE("never");
    DRAFT_PUT(o->j->draft, ALIAS, take_name(o), SLICE("never"));
    return o->name;
}

static const struct doc_node *values_of(struct own *o, const struct doc_node *n)
{
    const struct doc_node *list = doc_get(n, "enum"), *constant = doc_get(n, "const");
    if (list)
        return list->kind == DOC_LIST ? list : NULL;
    struct doc_node *one = arena_new(o->j->arena, sizeof(*one)), *last = NULL;
    *one = (struct doc_node){.kind = DOC_LIST};
    doc_add(one, copy_of(o->j, constant), &last);
    return one;
}

static struct slice make_valued(struct own *o, const struct doc_node *n, bool *nullable)
{
    const struct doc_node *list = values_of(o, n);
    static const char *const also[] = {"anyOf", "oneOf", NULL};
    if (!list)
        return make_opaque(o, n, "enum");
    unsigned kinds = kinds_of_values(o, n, list->first);
    bool null = false;
    for (const struct doc_node *v = list->first; v; v = v->next)
        null = null || v->kind == DOC_NULL;
    *nullable = *nullable || (null && (kinds & (1u << KIND_NULL)));
    kinds &= ~(1u << KIND_NULL);
    bool text = (j_lenient(o) || !has_any(n, string_words)) && kinds == 1u << KIND_STRING;
    struct slice type;
    if (!kinds) {
        type = make_never(o, true);
    } else if (text && all_strings(list)) {
        type = make_enum(o, n, list);
    } else {
        bool ignored = false;
        o->kinds = kinds;
        type = make_plain(o, n, true, &ignored);
        put_values(o, list->first);
    }
    unproven_words(o, n, also);
    if (doc_get(n, "enum") && doc_get(n, "const"))
        unproven(o, doc_get(n, "const"), SLICE("const"));
    return type;
}

/* "then" and "else" are compared together with all that the schema says itself. */
static void put_condition(struct own *o, const struct doc_node *n)
{
    struct jschema *j = o->j;
    struct slice when = jschema_said(j, doc_get(n, "if"));
    const struct doc_node *then = doc_get(n, "then"), *otherwise = doc_get(n, "else"), *rest = beside_all(j, n);
    if (!then && !otherwise)
        return;
    if (j->spreads > SPREADS) {
        unproven_words(o, n, (const char *const[]){"if", "then", "else", NULL});
        return;
    }
    j->spreads++;
    if (then && !is_anything(then))
        put_aspect(o, arena_putf(j->arena, "then %.*s", SLICE_FMT(when)), spread(j, rest, then));
    if (otherwise && !is_anything(otherwise))
        put_aspect(o, arena_putf(j->arena, "else %.*s", SLICE_FMT(when)), spread(j, rest, otherwise));
    j->spreads--;
}

static void put_others(struct own *o, const struct doc_node *n)
{
    if (o->j->dialect != JSCHEMA_STANDARD) {
        unproven_words(o, n, other_words);
        return;
    }
    if (doc_get(n, "not"))
        put_aspect(o, SLICE("not"), doc_get(n, "not"));
    if (doc_get(n, "if"))
        put_condition(o, n);
    unproven_words(o, n, other_words + 4);
}

static struct slice build(struct jschema *j, const struct doc_node *n, struct slice name, bool named)
{
    struct own o = {.j = j, .node = n, .name = name, .taken = named};
    bool exclusive, nullable = j->dialect == JSCHEMA_OPENAPI_30 && is_true(doc_get(n, "nullable"));
    const struct doc_node *listed = doc_get(n, "enum");
    if (is_false(n) || (listed && listed->count == 0))
        return make_never(&o, named);
    if (doc_get(n, "allOf") || (ref_of(n).len && n->kind == DOC_MAP && says_something(n))) {
        const struct doc_node *merged = jschema_merge(j, n, j->arena, j->depth);
        if (merged && !doc_get(merged, "allOf") && !ref_of(merged).len)
            n = merged;
        else if (!merged)
            return make_opaque(&o, n, "allOf");
    }
    const struct doc_node *list = branches_of(n, &exclusive);
    struct slice type;
    if (doc_get(n, "enum") || doc_get(n, "const")) {
        type = make_valued(&o, n, &nullable);
    } else if (list && branches_beside_null(list) == 1 && list->count == 2 && !named) {
        const struct doc_node *b = is_null_schema(list->first) ? list->first->next : list->first;
        type = jschema_type(j, spread(j, beside(j, n), b), arena_putf(j->arena, "%.*s|0", SLICE_FMT(o.name)));
        DRAFT_PUT(j->draft, ALIAS, take_name(&o), type);
        type = o.name;
        nullable = takes_null(&o, n);
        if (exclusive && !all_differ(&o, list))
            draft_unproven(j->draft, o.name, SLICE("oneOf"), said_of_all(j, list));
        if (!exclusive && doc_get(n, "oneOf"))
            unproven(&o, doc_get(n, "oneOf"), SLICE("oneOf"));
    } else if (list && branches_beside_null(list) == 0) {
        type = make_never(&o, true);
        nullable = takes_null(&o, n);
        if (exclusive && list->count > 1)
            unproven(&o, list, SLICE("oneOf"));
    } else if (list) {
        if (j->spreads > SPREADS || doc_get(n, "unevaluatedProperties") || doc_get(n, "unevaluatedItems"))
            return make_opaque(&o, n, "oneOf");
        j->spreads++;
        nullable = (make_branches(&o, list, beside(j, n), exclusive) && takes_null(&o, n)) || nullable;
        j->spreads--;
        if (exclusive == false && doc_get(n, "oneOf"))
            unproven(&o, doc_get(n, "oneOf"), SLICE("oneOf"));
        type = o.name;
    } else {
        type = make_plain(&o, n, named || nullable || has_any(n, other_words), &nullable);
    }
    if (nullable || has_any(n, other_words)) {
        if (!o.taken) {
            DRAFT_PUT(j->draft, ALIAS, take_name(&o), type);
            type = o.name;
        }
        put_others(&o, n);
        if (nullable)
            DRAFT_PUT(j->draft, NULLABLE, o.name);
    }
    if (o.taken)
        put_place(&o);
    return type;
}
