#include <yaml.h>

#include "base/check.h"
#include "base/doc.h"
#include "base/map.h"

struct open_node {
    struct doc_node *node, *last;
    struct slice key; /* of the child to come */
    unsigned key_line;
    bool has_key;
    struct slice anchor;
};

struct reader {
    yaml_parser_t yaml;
    struct slice text;
    const char *file;
    struct arena *arena;
    struct diag *diag;
    struct map anchors;
    struct open_node open[DOC_DEPTH + 1];
    unsigned depth;
    struct doc_node *root;
};

static enum err refuse(struct reader *r, yaml_mark_t at, const char *fix, const char *what)
{
    struct diag_place p = {
        .file = r->file, .text = r->text, .line = (unsigned)at.line + 1, .column = (unsigned)at.column + 1};
    diag_add(r->diag, DIAG_ERROR, &p, fix, "%s", what);
    return ERR_INPUT;
}

static struct slice keep(struct reader *r, const yaml_char_t *text, size_t len)
{
    return arena_keep(r->arena, slice_of(text, len));
}

static struct slice keep_text(struct reader *r, const yaml_char_t *text)
{
    return text ? keep(r, text, strlen((const char *)text)) : (struct slice){0};
}

static bool is_one_of(struct slice s, const char *const *words)
{
    for (; *words; words++)
        if (slice_eq(s, slice_str(*words)))
            return true;
    return false;
}

/* The core schema of YAML 1.2. */
static void resolve_plain(struct reader *r, struct doc_node *n)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    struct slice digits = n->text;
    while (slice_starts(digits, SLICE("+")) ||
           (digits.len > 1 && digits.at[0] == '0' && digits.at[1] >= '0' && digits.at[1] <= '9'))
        digits = slice_from(digits, 1);
    if (slice_starts(digits, SLICE(".")))
        digits = arena_putf(r->arena, "0%.*s", SLICE_FMT(digits));
    if (is_one_of(n->text, nulls)) {
        n->kind = DOC_NULL;
    } else if (is_one_of(n->text, trues) || is_one_of(n->text, falses)) {
        n->text = is_one_of(n->text, trues) ? SLICE("true") : SLICE("false");
        n->kind = DOC_BOOL;
    } else if (doc_is_number(digits)) {
        n->kind = DOC_NUMBER;
        n->text = digits;
    }
}

static struct doc_node *new_node(struct reader *r, enum doc_kind kind, yaml_mark_t at)
{
    struct doc_node *n = arena_new(r->arena, sizeof(*n));
    *n = (struct doc_node){.kind = kind, .line = (unsigned)at.line + 1, .column = (unsigned)at.column + 1, .weight = 1};
    return n;
}

/* What `<<` brings: members of one map or of several, those that are there stay. */
static void merge(struct reader *r, struct open_node *o, const struct doc_node *from)
{
    if (from->kind == DOC_LIST)
        for (const struct doc_node *n = from->first; n; n = n->next)
            merge(r, o, n);
    if (from->kind != DOC_MAP)
        return;
    for (const struct doc_node *n = from->first; n; n = n->next) {
        if (doc_find(o->node, n->key))
            continue;
        struct doc_node *copy = arena_new(r->arena, sizeof(*copy));
        *copy = *n;
        copy->next = NULL;
        doc_add(o->node, copy, &o->last);
    }
}

static void merge_all(struct reader *r, struct open_node *o)
{
    struct doc_node *before = NULL, *n = o->node->first;
    struct doc_node *merged = NULL, *merged_last = NULL;
    for (struct doc_node *next; n; n = next) {
        next = n->next;
        if (!slice_eq(n->key, SLICE("<<"))) {
            before = n;
            continue;
        }
        *(before ? &before->next : &o->node->first) = next;
        o->node->count--;
        n->next = NULL;
        *(merged_last ? &merged_last->next : &merged) = n;
        merged_last = n;
    }
    o->last = before;
    for (n = merged; n; n = n->next)
        merge(r, o, n);
}

static enum err take(struct reader *r, struct doc_node *n, yaml_mark_t at)
{
    if (r->depth == 0) {
        r->root = n;
        return ERR_OK;
    }
    struct open_node *o = &r->open[r->depth - 1];
    if (o->node->kind == DOC_MAP && !o->has_key) {
        if (n->kind == DOC_LIST || n->kind == DOC_MAP)
            return refuse(r, at, NULL, "a key has to be text");
        o->key = n->kind == DOC_NULL ? SLICE("null") : n->text;
        o->key_line = n->line;
        o->has_key = true;
        return ERR_OK;
    }
    n->key = o->key;
    n->key_line = o->key_line;
    o->has_key = false;
    doc_add(o->node, n, &o->last);
    if (o->node->weight > DOC_WEIGHT)
        return refuse(r, at, NULL, "more than 4000000 values, counted with what aliases repeat");
    return ERR_OK;
}

static void remember(struct reader *r, struct slice anchor, struct doc_node *n)
{
    if (anchor.len)
        map_put(&r->anchors, anchor, n);
}

static enum err take_scalar(struct reader *r, const yaml_event_t *e)
{
    struct doc_node *n = new_node(r, DOC_STRING, e->start_mark);
    n->text = keep(r, e->data.scalar.value, e->data.scalar.length);
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && e->data.scalar.plain_implicit) {
        struct open_node *o = r->depth ? &r->open[r->depth - 1] : NULL;
        bool key = o && o->node->kind == DOC_MAP && !o->has_key;
        if (!key)
            resolve_plain(r, n);
    }
    remember(r, keep_text(r, e->data.scalar.anchor), n);
    return take(r, n, e->start_mark);
}

static enum err take_alias(struct reader *r, const yaml_event_t *e)
{
    const struct doc_node *known = map_get(&r->anchors, keep_text(r, e->data.alias.anchor));
    if (!known)
        return refuse(r, e->start_mark, NULL, "no anchor of this name stands before");
    struct doc_node *n = arena_new(r->arena, sizeof(*n));
    *n = *known;
    n->next = NULL;
    return take(r, n, e->start_mark);
}

static enum err open_node(struct reader *r, enum doc_kind kind, const yaml_event_t *e, const yaml_char_t *anchor)
{
    if (r->depth == DOC_DEPTH)
        return refuse(r, e->start_mark, NULL, "nested more than 200 deep");
    r->open[r->depth++] = (struct open_node){.node = new_node(r, kind, e->start_mark), .anchor = keep_text(r, anchor)};
    return ERR_OK;
}

static enum err close_node(struct reader *r, const yaml_event_t *e)
{
    struct open_node *o = &r->open[--r->depth];
    const struct doc_node *again = NULL;
    if (o->node->kind == DOC_MAP) {
        if (doc_find(o->node, SLICE("<<")))
            merge_all(r, o);
        if (doc_close(o->node, r->arena, &again) != ERR_OK) {
            yaml_mark_t at = {.line = again->key_line - 1};
            return refuse(r, at, "keep one of them", "a key stands here a second time");
        }
    }
    remember(r, o->anchor, o->node);
    return take(r, o->node, e->start_mark);
}

static enum err take_event(struct reader *r, const yaml_event_t *e, bool *end)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(r, e);
    case YAML_ALIAS_EVENT:
        return take_alias(r, e);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(r, DOC_LIST, e, e->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return open_node(r, DOC_MAP, e, e->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_node(r, e);
    case YAML_DOCUMENT_START_EVENT:
        return r->root ? refuse(r, e->start_mark, "split the file", "a second document begins here") : ERR_OK;
    case YAML_STREAM_END_EVENT:
        *end = true;
        return ERR_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return ERR_OK;
}

static enum err read_events(struct reader *r)
{
    for (bool end = false; !end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->yaml, &event)) {
            yaml_mark_t at = r->yaml.problem_mark.line ? r->yaml.problem_mark : r->yaml.mark;
            return refuse(r, at, NULL, r->yaml.problem ? r->yaml.problem : "this is not YAML");
        }
        enum err e = take_event(r, &event, &end);
        yaml_event_delete(&event);
        TRY(e);
    }
    if (r->root)
        return ERR_OK;
    struct diag_place whole = {.file = r->file};
    diag_add(r->diag, DIAG_ERROR, &whole, NULL, "there is nothing in it");
    return ERR_INPUT;
}

enum err doc_yaml_parse(struct slice text, const char *file, struct arena *arena, struct diag *diag,
                        struct doc_node **out)
{
    struct reader r = {.text = text, .file = file, .arena = arena, .diag = diag};
    POST(yaml_parser_initialize(&r.yaml));
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text.at, text.len);
    yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
    enum err e = read_events(&r);
    yaml_parser_delete(&r.yaml);
    map_fini(&r.anchors);
    if (e == ERR_OK)
        *out = r.root;
    return e;
}
