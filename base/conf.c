#include "base/conf.h"

#include <errno.h>
#include <yaml.h>

#include "base/check.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"

enum { DEPTH_MOST = 16, FILE_MOST = 1 << 20, KEY_MOST = 256 };

struct conf {
    struct arena arena;
    struct conf_node *root;
};

/* libyaml counts characters; a place counts bytes.  The cursor walks from one to the other, once over the
 * text as long as nobody asks backwards. */
struct cursor {
    size_t index; /* characters passed */
    size_t byte;
    size_t line_start;
    unsigned line;
};

struct reader {
    yaml_parser_t yaml;
    struct arena *arena;
    struct diag *diag;
    const char *file;
    struct slice text; /* what places show */
    size_t from;       /* where the YAML in it begins */
    struct cursor cursor;
    bool refused;
};

static void step(struct cursor *at, struct slice text)
{
    size_t len = slice_utf8_step(slice_from(text, at->byte));
    bool line_ends = text.at[at->byte] == '\n';
    at->byte += len ? len : 1;
    at->index++;
    if (line_ends) {
        at->line++;
        at->line_start = at->byte;
    }
}

static void rewind_to(struct reader *r, size_t byte)
{
    r->cursor = (struct cursor){.line = 1};
    while (r->cursor.byte < byte && r->cursor.byte < r->text.len)
        step(&r->cursor, r->text);
}

static struct diag_place place_here(const struct reader *r)
{
    return (struct diag_place){
        .file = r->file,
        .text = r->text,
        .line = r->cursor.line,
        .column = (unsigned)(r->cursor.byte - r->cursor.line_start) + 1,
    };
}

/* From `start` up to `end` or the end of the line. */
static struct diag_place place_of(struct reader *r, size_t start, size_t end)
{
    if (start < r->cursor.index) {
        rewind_to(r, r->from);
        r->cursor.index = 0;
    }
    while (r->cursor.index < start && r->cursor.byte < r->text.len)
        step(&r->cursor, r->text);
    struct diag_place place = place_here(r);
    struct cursor ahead = r->cursor;
    while (ahead.index < end && ahead.byte < r->text.len && ahead.line == place.line)
        step(&ahead, r->text);
    place.width = (unsigned)(ahead.byte - r->cursor.byte);
    return place;
}

static struct diag_place place_of_event(struct reader *r, const yaml_event_t *e)
{
    return place_of(r, e->start_mark.index, e->end_mark.index);
}

static void refuse(struct reader *r, const struct diag_place *place, const char *fix, const char *what)
{
    diag_add(r->diag, DIAG_ERROR, place, fix, "%s", what);
    r->refused = true;
}

static void refuse_yaml(struct reader *r)
{
    struct diag_place place;
    if (r->yaml.error == YAML_READER_ERROR) {
        rewind_to(r, r->from + r->yaml.problem_offset);
        place = place_here(r);
    } else {
        place = place_of(r, r->yaml.problem_mark.index, r->yaml.problem_mark.index);
    }
    diag_add(r->diag, DIAG_ERROR, &place, NULL, "this is not YAML: %s",
             r->yaml.problem ? r->yaml.problem : "no memory");
    r->refused = true;
}

/* The caller deletes the event.  false: the text is no YAML, and nothing follows. */
static bool next(struct reader *r, yaml_event_t *e)
{
    if (yaml_parser_parse(&r->yaml, e))
        return true;
    refuse_yaml(r);
    return false;
}

static void properties(const yaml_event_t *e, const yaml_char_t **anchor, const yaml_char_t **tag)
{
    if (e->type == YAML_SCALAR_EVENT) {
        *anchor = e->data.scalar.anchor;
        *tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        *anchor = e->data.sequence_start.anchor;
        *tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        *anchor = e->data.mapping_start.anchor;
        *tag = e->data.mapping_start.tag;
    }
}

static void refuse_properties(struct reader *r, const yaml_event_t *e, const struct diag_place *place)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    properties(e, &anchor, &tag);
    if (anchor)
        refuse(r, place, "write the value out where it is needed", "anchors are not taken");
    if (tag)
        refuse(r, place, "leave the tag out", "tags are not taken");
    if (e->type == YAML_ALIAS_EVENT)
        refuse(r, place, "write the value out where it is needed", "aliases are not taken");
}

static bool reads_as_null(struct slice plain)
{
    return plain.len == 0 || slice_eq(plain, SLICE("~")) || slice_eq(plain, SLICE("null"));
}

static struct slice scalar_text(const yaml_event_t *e)
{
    return slice_of(e->data.scalar.value, e->data.scalar.length);
}

static enum conf_kind kind_of(const yaml_event_t *e)
{
    if (e->type == YAML_SEQUENCE_START_EVENT)
        return CONF_SEQUENCE;
    if (e->type == YAML_MAPPING_START_EVENT)
        return CONF_MAPPING;
    if (e->type != YAML_SCALAR_EVENT)
        return CONF_NULL;
    bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return plain && reads_as_null(scalar_text(e)) ? CONF_NULL : CONF_SCALAR;
}

static struct conf_node *new_node(struct arena *arena, enum conf_kind kind, struct diag_place place)
{
    struct conf_node *n = arena_new(arena, sizeof(*n));
    n->kind = kind;
    n->place = place;
    return n;
}

/* NULL: the text is no YAML from here on, or too deep. */
static struct conf_node *read_node(struct reader *r, const yaml_event_t *e, unsigned depth);

static bool read_items(struct reader *r, struct conf_node *list, unsigned depth)
{
    struct conf_node **end = &list->first;
    for (;;) {
        yaml_event_t e;
        if (!next(r, &e))
            return false;
        bool last = e.type == YAML_SEQUENCE_END_EVENT;
        *end = last ? NULL : read_node(r, &e, depth);
        yaml_event_delete(&e);
        if (last || !*end)
            return last;
        end = &(*end)->next;
    }
}

/* An empty slice: the key was refused, and its value is read only to be checked. */
static bool read_key(struct reader *r, const yaml_event_t *e, unsigned depth, struct map *seen, struct slice *key,
                     struct diag_place *place)
{
    *place = place_of_event(r, e);
    *key = (struct slice){0};
    if (e->type != YAML_SCALAR_EVENT) {
        refuse(r, place, NULL, "a key must be a single word");
        return read_node(r, e, depth) != NULL;
    }
    refuse_properties(r, e, place);
    struct slice text = scalar_text(e);
    if (text.len == 0 || text.len > KEY_MOST) {
        refuse(r, place, NULL, text.len ? "a key has at most 256 bytes" : "a key must not be empty");
        return true;
    }
    *key = arena_keep(r->arena, text);
    if (map_put(seen, *key, r))
        refuse(r, place, "keep one of them", "this key is there already");
    return true;
}

static bool read_value(struct reader *r, struct conf_node **value, unsigned depth)
{
    yaml_event_t e;
    if (!next(r, &e))
        return false;
    *value = read_node(r, &e, depth);
    yaml_event_delete(&e);
    return *value != NULL;
}

static bool read_pairs(struct reader *r, struct conf_node *mapping, unsigned depth, struct map *seen)
{
    struct conf_node **end = &mapping->first;
    for (;;) {
        yaml_event_t e;
        struct slice key;
        struct diag_place place;
        struct conf_node *value = NULL;
        if (!next(r, &e))
            return false;
        bool last = e.type == YAML_MAPPING_END_EVENT;
        bool whole = !last && read_key(r, &e, depth, seen, &key, &place);
        yaml_event_delete(&e);
        if (!whole)
            return last;
        if (!read_value(r, &value, depth))
            return false;
        if (key.len == 0)
            continue;
        value->key = key;
        value->key_place = place;
        *end = value;
        end = &value->next;
    }
}

static bool read_mapping(struct reader *r, struct conf_node *mapping, unsigned depth)
{
    struct map seen = {0};
    bool whole = read_pairs(r, mapping, depth, &seen);
    map_fini(&seen);
    return whole;
}

static struct conf_node *read_node(struct reader *r, const yaml_event_t *e, unsigned depth)
{
    struct conf_node *n = new_node(r->arena, kind_of(e), place_of_event(r, e));
    refuse_properties(r, e, &n->place);
    if (e->type == YAML_SCALAR_EVENT)
        n->text = arena_keep(r->arena, scalar_text(e));
    if (n->kind != CONF_SEQUENCE && n->kind != CONF_MAPPING)
        return n;
    if (depth == DEPTH_MOST) {
        refuse(r, &n->place, NULL, "this is nested more than 16 levels deep");
        return NULL;
    }
    bool whole = n->kind == CONF_SEQUENCE ? read_items(r, n, depth + 1) : read_mapping(r, n, depth + 1);
    return whole ? n : NULL;
}

/* Skips what opens a stream or a document.  false: no YAML. */
static bool next_content(struct reader *r, yaml_event_t *e)
{
    for (;;) {
        if (!next(r, e))
            return false;
        if (e->type != YAML_STREAM_START_EVENT && e->type != YAML_DOCUMENT_START_EVENT)
            return true;
        yaml_event_delete(e);
    }
}

static void read_end(struct reader *r)
{
    yaml_event_t e;
    for (bool over = false; !over;) {
        if (!next(r, &e))
            return;
        over = e.type == YAML_STREAM_END_EVENT || e.type == YAML_DOCUMENT_START_EVENT;
        struct diag_place place = place_of_event(r, &e);
        if (e.type == YAML_DOCUMENT_START_EVENT)
            refuse(r, &place, "make it a file of its own", "a second document is not taken");
        yaml_event_delete(&e);
    }
}

static struct conf_node *read_document(struct reader *r)
{
    yaml_event_t e;
    if (!next_content(r, &e))
        return NULL;
    bool empty = e.type == YAML_STREAM_END_EVENT;
    struct diag_place whole = {.file = r->file, .text = r->text};
    struct conf_node *root = empty ? new_node(r->arena, CONF_NULL, whole) : read_node(r, &e, 0);
    yaml_event_delete(&e);
    if (!empty && root)
        read_end(r);
    return root;
}

/* NULL: something was refused.  `text` and `file` live in the arena. */
static struct conf_node *read_text(struct arena *arena, const char *file, struct slice text, size_t from,
                                   struct diag *diag)
{
    struct reader r = {.arena = arena, .diag = diag, .file = file, .text = text, .from = from};
    struct slice yaml = slice_from(text, from);
    int made = yaml_parser_initialize(&r.yaml);
    PRE(made == 1);
    yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)(yaml.len ? yaml.at : ""), yaml.len);
    rewind_to(&r, from);
    r.cursor.index = 0;
    struct conf_node *root = read_document(&r);
    yaml_parser_delete(&r.yaml);
    return r.refused ? NULL : root;
}

enum err conf_parse(struct slice text, const char *file, struct diag *diag, struct conf **out)
{
    struct diag_place whole = {.file = file};
    if (text.len > FILE_MOST) {
        diag_add(diag, DIAG_ERROR, &whole, NULL, "this is over 1 MiB");
        return ERR_INPUT;
    }
    struct conf *c = mem_new(sizeof(*c));
    const char *name = file ? arena_keep(&c->arena, slice_str(file)).at : NULL;
    c->root = read_text(&c->arena, name, arena_keep(&c->arena, text), 0, diag);
    if (!c->root) {
        conf_free(&c);
        return ERR_INPUT;
    }
    *out = c;
    return ERR_OK;
}

enum err conf_read(const char *path, struct diag *diag, struct conf **out)
{
    struct diag_place whole = {.file = path};
    struct buf text;
    buf_init(&text, FILE_MOST);
    enum err e = file_read(path, &text);
    if (e == ERR_OK)
        e = conf_parse(buf_slice(&text), path, diag, out);
    else if (e == ERR_FULL)
        diag_add(diag, DIAG_ERROR, &whole, NULL, "this is over 1 MiB");
    else if (e == ERR_ABSENT)
        diag_add(diag, DIAG_ERROR, &whole, NULL, "there is no such file");
    else
        diag_add(diag, DIAG_ERROR, &whole, NULL, "this cannot be read: %s", strerror(errno));
    buf_fini(&text);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}

void conf_free(struct conf **c)
{
    if (!*c)
        return;
    arena_fini(&(*c)->arena);
    mem_free(*c);
    *c = NULL;
}

const struct conf_node *conf_root(const struct conf *c)
{
    return c->root;
}

static struct conf_node *child(const struct conf_node *map, struct slice key)
{
    if (map->kind != CONF_MAPPING)
        return NULL;
    struct conf_node *n = map->first;
    while (n && !slice_eq(n->key, key))
        n = n->next;
    return n;
}

const struct conf_node *conf_get(const struct conf_node *map, const char *key)
{
    return child(map, slice_str(key));
}

/* One `--set` or one environment variable. */
struct assignment {
    const char *file;  /* what its place is called */
    struct slice text; /* all of it */
    size_t path_from;  /* where in `text` the path begins */
    struct slice path; /* as long as it is in `text`, but may be spelled otherwise */
    char separator;
    size_t value_from;
};

static struct diag_place place_in(const struct assignment *a, size_t from, size_t width)
{
    return (struct diag_place){
        .file = a->file, .text = a->text, .line = 1, .column = (unsigned)from + 1, .width = (unsigned)width};
}

static enum err refuse_part(const struct diag_place *place, struct diag *diag, const char *what)
{
    diag_add(diag, DIAG_ERROR, place, NULL, "%s", what);
    return ERR_INPUT;
}

static void append(struct conf_node *map, struct conf_node *n)
{
    struct conf_node **end = &map->first;
    while (*end)
        end = &(*end)->next;
    *end = n;
}

/* The node at the end of the path, made on the way when it is not there. */
static enum err reach(struct conf *c, const struct assignment *a, struct diag *diag, struct conf_node **out)
{
    struct conf_node *at = c->root;
    struct slice rest = a->path, part;
    unsigned depth = 0;
    for (bool more = true; more;) {
        size_t from = a->path_from + a->path.len - rest.len, end = rest.len;
        more = slice_find(rest, a->separator, &end);
        part = slice_to(rest, end);
        rest = slice_from(rest, end + 1);
        struct diag_place place = place_in(a, from, part.len);
        if (part.len == 0 || part.len > KEY_MOST || ++depth > DEPTH_MOST)
            return refuse_part(&place, diag, "this is no path of keys");
        if (at->kind == CONF_NULL)
            at->kind = CONF_MAPPING;
        if (at->kind != CONF_MAPPING)
            return refuse_part(&place, diag, "what stands before this key is a value and has no keys");
        struct conf_node *next_node = child(at, part);
        if (!next_node) {
            next_node = new_node(&c->arena, CONF_NULL, place);
            next_node->key = arena_keep(&c->arena, part);
            next_node->key_place = place;
            append(at, next_node);
        }
        at = next_node;
    }
    *out = at;
    return ERR_OK;
}

/* A flow or a quoted text is read as YAML; anything else, [::1]:80 too, is the value itself. */
static struct conf_node *value_of(struct conf *c, const struct assignment *a)
{
    struct slice value = slice_from(a->text, a->value_from);
    struct conf_node *n = NULL;
    if (value.len && strchr("[{\"'", value.at[0])) {
        struct diag unheard;
        diag_init(&unheard);
        n = read_text(&c->arena, a->file, a->text, a->value_from, &unheard);
        diag_fini(&unheard);
    }
    if (n)
        return n;
    n = new_node(&c->arena, reads_as_null(value) ? CONF_NULL : CONF_SCALAR, place_in(a, a->value_from, value.len));
    n->text = value;
    return n;
}

static enum err assign(struct conf *c, const struct assignment *a, struct diag *diag)
{
    struct diag_place whole = place_in(a, 0, a->text.len);
    if (!slice_utf8(a->text) || a->text.len > FILE_MOST)
        return refuse_part(&whole, diag, "this is not UTF-8, or over 1 MiB");
    struct conf_node *at = NULL;
    TRY(reach(c, a, diag, &at));
    const struct conf_node *value = value_of(c, a);
    at->kind = value->kind;
    at->place = value->place;
    at->text = value->text;
    at->first = value->first;
    return ERR_OK;
}

enum err conf_set(struct conf *c, const char *assignment, struct diag *diag)
{
    struct assignment a = {.file = "--set", .separator = '.'};
    a.text = arena_keep(&c->arena, slice_str(assignment));
    size_t equals = 0;
    if (!slice_find(a.text, '=', &equals)) {
        struct diag_place whole = place_in(&a, 0, a.text.len);
        diag_add(diag, DIAG_ERROR, &whole, "write --set inbound.listen=127.0.0.1:0", "there is no `=`");
        return ERR_INPUT;
    }
    a.path = slice_to(a.text, equals);
    a.value_from = equals + 1;
    return assign(c, &a, diag);
}

static struct slice small_letters(struct arena *arena, struct slice s)
{
    char *copy = arena_new(arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = s.at[i] >= 'A' && s.at[i] <= 'Z' ? (char)(s.at[i] - 'A' + 'a') : s.at[i];
    return slice_of(copy, s.len);
}

void conf_environment(struct conf *c, const char *prefix, char *const *variables, struct diag *diag)
{
    for (; *variables; variables++) {
        struct slice variable = slice_str(*variables);
        size_t equals = 0;
        if (!slice_starts(variable, slice_str(prefix)) || !slice_find(variable, '=', &equals))
            continue;
        struct assignment a = {.file = "the environment", .separator = '_', .path_from = strlen(prefix)};
        a.text = arena_keep(&c->arena, variable);
        a.value_from = equals + 1;
        if (equals < a.path_from)
            continue;
        a.path = small_letters(&c->arena, slice_from(slice_to(a.text, equals), a.path_from));
        /* Its complaint is in `diag`; the others are wanted too. */
        enum err e = assign(c, &a, diag);
        (void)e;
    }
}
