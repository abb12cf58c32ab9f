#include "base/conf_bind.h"

#include "base/check.h"
#include "base/sock.h"
#include "base/units.h"

struct binder {
    struct arena *arena;
    struct diag *diag;
    struct buf path;  /* "inbound.listen": where we are */
    const char *file; /* of the root */
    bool preset;      /* what is bound now is the table's own default */
};

static void complain(struct binder *b, const struct diag_place *place, const char *fix, const char *what)
{
    diag_add(b->diag, DIAG_ERROR, place, fix, "`%s` %s", buf_text(&b->path), what);
}

/* Gives back what leave() needs. */
static size_t enter(struct binder *b, struct slice name)
{
    size_t before = buf_len(&b->path);
    if (before)
        buf_put_char(&b->path, '.');
    buf_put(&b->path, name);
    return before;
}

static void leave(struct binder *b, size_t before)
{
    buf_cut(&b->path, before);
}

static bool expect(struct binder *b, const struct conf_node *node, enum conf_kind kind)
{
    static const char *const wanted[] = {
        [CONF_NULL] = "",
        [CONF_SCALAR] = "must be a single value",
        [CONF_SEQUENCE] = "must be a list",
        [CONF_MAPPING] = "must be keys and values",
    };
    if (node->kind == kind)
        return true;
    complain(b, &node->place, NULL, wanted[kind]);
    return false;
}

/* --- one value ------------------------------------------------------------------------------------- */

static void complain_range(struct binder *b, const struct conf_key *key, const struct conf_node *node)
{
    struct buf what;
    buf_init(&what, BUF_TEXT_BOUND);
    buf_put(&what, key->max ? SLICE("must be between ") : SLICE("must be at least "));
    conf_bind_show_number(key->type, key->min, &what);
    if (key->max) {
        buf_put(&what, SLICE(" and "));
        conf_bind_show_number(key->type, key->max, &what);
    }
    complain(b, &node->place, NULL, buf_text(&what));
    buf_fini(&what);
}

static bool in_range(struct binder *b, const struct conf_key *key, const struct conf_node *node, uint64_t n)
{
    if (n >= key->min && (key->max == 0 || n <= key->max))
        return true;
    complain_range(b, key, node);
    return false;
}

static void bind_count(struct binder *b, const struct conf_key *key, const struct conf_node *node, uint64_t *at)
{
    uint64_t n = 0;
    if (slice_u64(node->text, UINT64_MAX, &n) != ERR_OK)
        complain(b, &node->place, NULL, "must be a whole number");
    else if (in_range(b, key, node, n))
        *at = n;
}

static void bind_size(struct binder *b, const struct conf_key *key, const struct conf_node *node, uint64_t *at)
{
    uint64_t n = 0;
    if (units_size(node->text, &n) != ERR_OK)
        complain(b, &node->place, "write 512, 64KiB, 1MiB or 2GiB", "must be a size");
    else if (in_range(b, key, node, n))
        *at = n;
}

static void bind_duration(struct binder *b, const struct conf_key *key, const struct conf_node *node, int64_t *at)
{
    int64_t us = 0;
    if (units_duration_us(node->text, &us) != ERR_OK)
        complain(b, &node->place, "write 250us, 500ms, 2s, 5m, 1h or 7d", "must be a duration");
    else if (in_range(b, key, node, (uint64_t)us))
        *at = us;
}

static void bind_bool(struct binder *b, const struct conf_node *node, bool *at)
{
    if (slice_eq(node->text, SLICE("true")))
        *at = true;
    else if (slice_eq(node->text, SLICE("false")))
        *at = false;
    else
        complain(b, &node->place, NULL, "must be true or false");
}

static void complain_choice(struct binder *b, const struct conf_key *key, const struct conf_node *node, size_t count)
{
    struct buf what, fix;
    const char *nearest = diag_nearest(node->text, key->choices, count);
    buf_init(&what, BUF_TEXT_BOUND);
    buf_init(&fix, BUF_TEXT_BOUND);
    buf_put(&what, SLICE("must be one of"));
    for (size_t i = 0; i < count; i++)
        buf_putf(&what, "%s %s", i ? "," : "", key->choices[i]);
    if (nearest)
        buf_putf(&fix, "did you mean `%s`?", nearest);
    complain(b, &node->place, buf_text(&fix), buf_text(&what));
    buf_fini(&what);
    buf_fini(&fix);
}

static void bind_choice(struct binder *b, const struct conf_key *key, const struct conf_node *node, unsigned *at)
{
    unsigned i = 0;
    for (; key->choices[i]; i++) {
        if (!slice_eq(node->text, slice_str(key->choices[i])))
            continue;
        *at = i;
        return;
    }
    complain_choice(b, key, node, i);
}

static bool is_address(struct binder *b, const struct conf_node *node)
{
    struct sock_addr addr;
    const char *why = "";
    if (sock_parse(node->text, &addr, &why) == ERR_OK)
        return true;
    complain(b, &node->place, why, "must be an address such as 127.0.0.1:8080 or unix:/run/app.sock");
    return false;
}

static bool is_url(struct binder *b, const struct conf_node *node)
{
    static const char *const schemes[] = {"http://", "h2c://", "https://", "tcp://", "unix:"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct slice scheme = slice_str(schemes[i]);
        if (slice_starts(node->text, scheme) && node->text.len > scheme.len)
            return true;
    }
    complain(b, &node->place, NULL, "must begin with http://, h2c://, tcp:// or unix:");
    return false;
}

/* What a path that is not absolute is relative to: the folder of the file it is written in, "" for the
 * current one. */
static struct slice folder_of(const struct binder *b, const struct conf_node *node)
{
    struct slice file = slice_str(b->preset ? b->file : node->place.file);
    size_t slash = 0;
    return slice_find_last(file, '/', &slash) ? slice_to(file, slash + 1) : SLICE("");
}

static const char *text_of(struct binder *b, const struct conf_key *key, const struct conf_node *node)
{
    struct slice text = node->text;
    bool path = key->type == CONF_PATH || key->type == CONF_PATHS || key->type == CONF_PATH_PAIRS;
    if (slice_has(text, SLICE("\0"))) {
        complain(b, &node->place, NULL, "must not hold a NUL byte");
        return NULL;
    }
    if (path && text.len == 0) {
        complain(b, &node->place, NULL, "must not be empty");
        return NULL;
    }
    struct slice folder = path && text.at[0] != '/' ? folder_of(b, node) : SLICE("");
    return arena_putf(b->arena, "%.*s%.*s", SLICE_FMT(folder), SLICE_FMT(text)).at;
}

static void bind_text(struct binder *b, const struct conf_key *key, const struct conf_node *node, const char **at)
{
    if (key->type == CONF_ADDRESS && !is_address(b, node))
        return;
    if (key->type == CONF_URL && !is_url(b, node))
        return;
    const char *text = text_of(b, key, node);
    if (text)
        *at = text;
}

/* --- many values ----------------------------------------------------------------------------------- */

static size_t count_of(const struct conf_node *node)
{
    size_t count = 0;
    for (const struct conf_node *n = node->first; n; n = n->next)
        count++;
    return count;
}

static const char *name_of(struct binder *b, const struct conf_node *node)
{
    if (slice_has(node->key, SLICE("\0"))) {
        diag_add(b->diag, DIAG_ERROR, &node->key_place, NULL, "a key must not hold a NUL byte");
        return "";
    }
    return arena_keep(b->arena, node->key).at;
}

static void bind_strings(struct binder *b, const struct conf_key *key, const struct conf_node *node,
                         struct conf_strings *at)
{
    bool list = node->kind == CONF_SEQUENCE;
    if (!list && node->kind != CONF_SCALAR) {
        complain(b, &node->place, NULL, "must be a list of values");
        return;
    }
    size_t count = list ? count_of(node) : 1;
    const char **v = arena_array(b->arena, count, sizeof(*v));
    const struct conf_node *item = list ? node->first : node;
    for (size_t i = 0; i < count; i++, item = item->next)
        if (expect(b, item, CONF_SCALAR))
            bind_text(b, key, item, &v[i]);
    *at = (struct conf_strings){.v = v, .count = count};
}

static void bind_pairs(struct binder *b, const struct conf_key *key, const struct conf_node *node,
                       struct conf_pairs *at)
{
    if (!expect(b, node, CONF_MAPPING))
        return;
    size_t count = count_of(node), i = 0;
    at->names = arena_array(b->arena, count, sizeof(*at->names));
    at->values = arena_array(b->arena, count, sizeof(*at->values));
    at->count = count;
    for (const struct conf_node *n = node->first; n; n = n->next, i++) {
        size_t before = enter(b, n->key);
        at->names[i] = name_of(b, n);
        if (expect(b, n, CONF_SCALAR))
            bind_text(b, key, n, &at->values[i]);
        leave(b, before);
    }
}

static void bind_table(struct binder *b, const struct conf_key *table, const struct conf_node *node, void *into,
                       const struct diag_place *where);

static void bind_map(struct binder *b, const struct conf_key *key, const struct conf_node *node, struct conf_map *at)
{
    if (!expect(b, node, CONF_MAPPING))
        return;
    size_t count = count_of(node), i = 0;
    char *items = arena_array(b->arena, count, key->sub_size);
    at->names = arena_array(b->arena, count, sizeof(*at->names));
    at->items = items;
    at->count = count;
    for (const struct conf_node *n = node->first; n; n = n->next, i++) {
        size_t before = enter(b, n->key);
        at->names[i] = name_of(b, n);
        bind_table(b, key->sub, n, items + i * key->sub_size, &n->key_place);
        leave(b, before);
    }
}

/* --- tables ---------------------------------------------------------------------------------------- */

static void bind_value(struct binder *b, const struct conf_key *key, const struct conf_node *node, void *at)
{
    bool scalar = key->type < CONF_STRINGS;
    if (scalar && !expect(b, node, CONF_SCALAR))
        return;
    switch (key->type) {
    case CONF_STRING:
    case CONF_PATH:
    case CONF_ADDRESS:
    case CONF_URL:
        bind_text(b, key, node, at);
        break;
    case CONF_BOOL:
        bind_bool(b, node, at);
        break;
    case CONF_COUNT:
        bind_count(b, key, node, at);
        break;
    case CONF_DURATION:
        bind_duration(b, key, node, at);
        break;
    case CONF_SIZE:
        bind_size(b, key, node, at);
        break;
    case CONF_CHOICE:
        bind_choice(b, key, node, at);
        break;
    case CONF_STRINGS:
    case CONF_PATHS:
        bind_strings(b, key, node, at);
        break;
    case CONF_TABLE:
        bind_table(b, key->sub, node, at, &node->place);
        break;
    case CONF_MAP:
        bind_map(b, key, node, at);
        break;
    case CONF_PAIRS:
    case CONF_PATH_PAIRS:
        bind_pairs(b, key, node, at);
        break;
    }
}

/* The default is written as one would write it, so it is read as if it were. */
static void bind_preset(struct binder *b, const struct conf_key *key, void *at)
{
    struct diag diag;
    struct conf *c = NULL;
    struct buf line;
    diag_init(&diag);
    buf_init(&line, BUF_TEXT_BOUND);
    buf_putf(&line, "%s=%s", key->name, key->preset);
    enum err e = conf_parse(SLICE(""), NULL, &diag, &c);
    PRE(e == ERR_OK);
    e = conf_set(c, buf_text(&line), &diag);
    PRE(e == ERR_OK);
    struct binder own = {.arena = b->arena, .diag = &diag, .path = b->path, .file = b->file, .preset = true};
    bind_value(&own, key, conf_get(conf_root(c), key->name), at);
    b->path = own.path;
    PRE(diag.errors == 0);
    conf_free(&c);
    buf_fini(&line);
    diag_fini(&diag);
}

static void bind_key(struct binder *b, const struct conf_key *key, const struct conf_node *node, void *into,
                     const struct diag_place *where)
{
    void *at = (char *)into + key->offset;
    size_t before = enter(b, slice_str(key->name));
    if (node && node->kind != CONF_NULL)
        bind_value(b, key, node, at);
    else if (key->type == CONF_TABLE)
        bind_table(b, key->sub, NULL, at, node ? &node->place : where);
    else if (key->preset)
        bind_preset(b, key, at);
    else if (key->required)
        complain(b, where, key->doc, "is required");
    leave(b, before);
}

static const struct conf_key *find_key(const struct conf_key *table, struct slice name)
{
    for (const struct conf_key *key = table; key->name; key++)
        if (slice_eq(slice_str(key->name), name))
            return key;
    return NULL;
}

static void complain_unknown(struct binder *b, const struct conf_key *table, const struct conf_node *node)
{
    const char *nearest = NULL;
    struct buf fix;
    size_t count = 0;
    while (table[count].name)
        count++;
    const char **names = arena_array(b->arena, count, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = table[i].name;
    nearest = diag_nearest(node->key, names, count);
    buf_init(&fix, BUF_TEXT_BOUND);
    if (nearest)
        buf_putf(&fix, "did you mean `%s`?", nearest);
    size_t before = enter(b, node->key);
    complain(b, &node->key_place, buf_text(&fix), "is no known key");
    leave(b, before);
    buf_fini(&fix);
}

/* `node` may be NULL: nothing is written, all is default.  `where` is the place to say so. */
static void bind_table(struct binder *b, const struct conf_key *table, const struct conf_node *node, void *into,
                       const struct diag_place *where)
{
    if (node && node->kind == CONF_NULL)
        node = NULL;
    if (node && !expect(b, node, CONF_MAPPING))
        return;
    for (const struct conf_node *n = node ? node->first : NULL; n; n = n->next)
        if (!find_key(table, n->key))
            complain_unknown(b, table, n);
    for (const struct conf_key *key = table; key->name; key++)
        bind_key(b, key, node ? conf_get(node, key->name) : NULL, into, where);
}

enum err conf_bind(const struct conf_node *root, const struct conf_key *table, void *into, struct arena *arena,
                   struct diag *diag)
{
    unsigned before = diag->errors;
    struct binder b = {.arena = arena, .diag = diag, .file = root->place.file};
    buf_init(&b.path, BUF_TEXT_BOUND);
    bind_table(&b, table, root, into, &root->place);
    buf_fini(&b.path);
    return diag->errors == before ? ERR_OK : ERR_INPUT;
}
