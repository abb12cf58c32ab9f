#include "contracts/wire/fields.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "contracts/wire/json_tok.h"
#include "contracts/wire/plan.h"

enum { TEXT_MOST = 1 << 16, PATH_MOST = FIELDS_DEPTH * (2 * FIELDS_NAME + 1) };

struct fields {
    struct json_tok tok;
    struct buf path;             /* of the value under way */
    size_t ends[JSON_TOK_DEPTH]; /* of the path of each open object or array */
    bool arrays[JSON_TOK_DEPTH];
    size_t depth, lost; /* lost: so many open levels are in what is left out */
    struct map seen;
    struct arena arena;
    struct slice paths[FIELDS_MOST];
    size_t count;
    bool broken;
};

struct fields *fields_new(void)
{
    struct fields *f = mem_new(sizeof(*f));
    json_tok_init(&f->tok, TEXT_MOST);
    buf_init(&f->path, PATH_MOST);
    arena_init(&f->arena, 0);
    return f;
}

void fields_free(struct fields **f)
{
    struct fields *fields = *f;
    *f = NULL;
    if (!fields)
        return;
    json_tok_fini(&fields->tok);
    buf_fini(&fields->path);
    map_fini(&fields->seen);
    arena_fini(&fields->arena);
    mem_free(fields);
}

static void note(struct fields *f)
{
    struct slice path = buf_slice(&f->path);
    if (f->count == FIELDS_MOST || map_get(&f->seen, path))
        return;
    f->paths[f->count] = arena_keep(&f->arena, path);
    map_put(&f->seen, f->paths[f->count], &f->paths[f->count]);
    f->count++;
}

/* The path of what holds the member or element that comes next. */
static void cut(struct fields *f)
{
    buf_cut(&f->path, f->depth ? f->ends[f->depth - 1] : 0);
}

static void name(struct fields *f, struct slice text)
{
    cut(f);
    if (text.len > FIELDS_NAME || f->depth > FIELDS_DEPTH) {
        f->lost = f->depth + 1; /* nothing in it counts */
        return;
    }
    f->lost = 0;
    buf_put_char(&f->path, '/');
    plan_put_name(&f->path, text);
    note(f);
}

static void open(struct fields *f, bool array)
{
    if (f->depth && f->arrays[f->depth - 1] && !f->lost)
        cut(f);
    if (array && !f->lost && f->depth < FIELDS_DEPTH)
        buf_put(&f->path, SLICE("/[]"));
    else if (array && !f->lost)
        f->lost = f->depth + 1;
    f->ends[f->depth] = buf_len(&f->path);
    f->arrays[f->depth++] = array;
}

static void close(struct fields *f)
{
    f->depth--;
    if (f->lost > f->depth)
        f->lost = 0;
}

static void take(struct fields *f, const struct json_token *t)
{
    switch (t->kind) {
    case JSON_TOK_NAME:
        if (f->lost == 0 || f->lost > f->depth)
            name(f, t->text);
        break;
    case JSON_TOK_OBJECT:
    case JSON_TOK_ARRAY:
        open(f, t->kind == JSON_TOK_ARRAY);
        break;
    case JSON_TOK_OBJECT_END:
    case JSON_TOK_ARRAY_END:
        close(f);
        break;
    case JSON_TOK_COMMA:
    case JSON_TOK_STRING:
    case JSON_TOK_NUMBER:
    case JSON_TOK_TRUE:
    case JSON_TOK_FALSE:
    case JSON_TOK_NULL:
        break;
    }
}

void fields_feed(struct fields *f, struct slice bytes)
{
    struct json_token token;
    enum err e = f->broken ? ERR_PEER : ERR_OK;
    while (e == ERR_OK && (e = json_tok_next(&f->tok, &bytes, &token)) == ERR_OK)
        take(f, &token);
    f->broken = e != ERR_AGAIN;
}

size_t fields_count(struct fields *f)
{
    struct json_token token;
    enum err e = f->broken ? ERR_PEER : json_tok_finish(&f->tok, &token);
    return e == ERR_OK || e == ERR_AGAIN ? f->count : 0;
}

struct slice fields_path(const struct fields *f, size_t i)
{
    PRE(i < f->count);
    return f->paths[i];
}
