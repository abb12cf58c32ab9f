/* The good path: members and elements that lie within one chunk are held against their node at a glance; what is left
 * goes by tokens and is held against the same node in the same words. */
#include "base/mem.h"
#include "contracts/wire/fit_format.h"
#include "contracts/wire/json_fast.h"
#include "contracts/wire/json_names.h"
#include "contracts/wire/json_path.h"
#include "contracts/wire/json_tok.h"

enum { FIRST_FRAMES = 8, SHOWN = 48 };

/* One open object or array. */
struct frame {
    const struct mould_node *node;
    const struct mould_node *child; /* of the value that comes next */
    struct json_names_object names;
    uint64_t count;  /* of values so far */
    size_t required; /* of those members that must be there, how many were */
    bool object;
};

struct fit_json {
    struct fit shared;
    const struct mould_node *body;
    struct json_tok tok;
    struct json_names names;
    struct json_path path;
    struct frame *frames;
    size_t depth, frame_room;
    size_t most;
    uint64_t secret; /* of json_names */
};

static struct frame *top(struct fit_json *f)
{
    return f->depth ? &f->frames[f->depth - 1] : NULL;
}

/* ---- faults ---- */

static enum err fail(struct fit_json *f, enum err e, uint64_t offset)
{
    buf_put(&f->shared.fault, SLICE(" at "));
    json_path_put(&f->path, &f->shared.fault);
    buf_putf(&f->shared.fault, " (byte %llu)", (unsigned long long)offset);
    buf_text(&f->shared.fault);
    f->shared.offset = offset;
    return e;
}

static enum err fail_saying(struct fit_json *f, enum err e, uint64_t offset, const char *words)
{
    buf_put(&f->shared.fault, slice_str(words));
    return fail(f, e, offset);
}

static enum err fail_name(struct fit_json *f, uint64_t offset, const char *before, struct slice name, const char *after)
{
    buf_putf(&f->shared.fault, "%s\"", before);
    buf_put_safe(&f->shared.fault, name, SHOWN);
    buf_putf(&f->shared.fault, "\"%s", after);
    return fail(f, ERR_PEER, offset);
}

static void put_kinds(struct buf *out, const struct mould_node *n)
{
    static const char *const words[] = {"an object", "an array", "a string", "a number", "true or false", "null"};
    bool first = true;
    unsigned kinds = mould_kinds(n);
    for (unsigned k = 0; k < 6; k++) {
        if (!(kinds >> k & 1))
            continue;
        buf_putf(out, "%s%s", first ? "" : " or ", k == 3 && n->whole ? "a whole number" : words[k]);
        first = false;
    }
    buf_put(out, first ? SLICE("nothing is expected") : SLICE(" is expected"));
}

static void put_flaw(struct buf *out, const struct mould_node *n, const struct mould_flaw *w)
{
    static const char *const bounds[MOULD_BOUNDS] = {
        [MOULD_LEAST] = "at least", [MOULD_MOST] = "at most",    [MOULD_MIN] = "at least",
        [MOULD_MAX] = "at most",    [MOULD_ABOVE] = "more than", [MOULD_BELOW] = "less than"};
    switch (w->kind) {
    case MOULD_FITS:
        break;
    case MOULD_OTHER_KIND:
        put_kinds(out, n);
        break;
    case MOULD_NOT_WHOLE:
        buf_put(out, SLICE("a whole number is expected"));
        break;
    case MOULD_BOUND:
        buf_putf(out, "%s %.*s is expected", bounds[w->bound], SLICE_FMT(w->wanted));
        break;
    case MOULD_MULTIPLE:
        buf_putf(out, "a multiple of %.*s is expected", SLICE_FMT(w->wanted));
        break;
    case MOULD_SHORT:
        buf_putf(out, "at least %llu characters are expected", (unsigned long long)w->length);
        break;
    case MOULD_LONG:
        buf_putf(out, "at most %llu characters are expected", (unsigned long long)w->length);
        break;
    case MOULD_NOT_BASE64:
        buf_put(out, SLICE("base64 is expected"));
        break;
    case MOULD_NO_VALUE:
        buf_put(out, SLICE("it is none of the values that are declared"));
        break;
    case MOULD_PATTERN:
        buf_put(out, SLICE("a text that matches "));
        buf_put_safe(out, w->wanted, SHOWN);
        buf_put(out, SLICE(" is expected"));
        break;
    }
}

static enum err fail_flaw(struct fit_json *f, uint64_t offset, const struct mould_node *n, struct mould_flaw w)
{
    put_flaw(&f->shared.fault, n, &w);
    return fail(f, ERR_PEER, offset);
}

/* ---- objects and arrays ---- */

static void open_frame(struct fit_json *f, const struct mould_node *node, bool object)
{
    if (f->depth == f->frame_room) {
        f->frame_room = f->frame_room ? f->frame_room * 2 : FIRST_FRAMES;
        f->frames = mem_resize(f->frames, f->frame_room, sizeof(*f->frames));
    }
    f->frames[f->depth++] = (struct frame){.node = node,
                                           .child = object             ? NULL
                                                    : node->item_count ? node->items[0]
                                                                       : node->element,
                                           .names = json_names_open(&f->names),
                                           .object = object};
    json_path_open(&f->path, object);
}

static void close_frame(struct fit_json *f)
{
    json_names_close(&f->names, &top(f)->names);
    f->depth--;
    json_path_close(&f->path);
}

/* A value of the innermost has come; in an array the next one may be of another kind. */
static void count_value(struct fit_json *f, struct frame *fr)
{
    fr->count++;
    json_path_element(&f->path);
    if (!fr->object && fr->count <= fr->node->item_count)
        fr->child = fr->count < fr->node->item_count ? fr->node->items[fr->count] : fr->node->element;
}

static enum err missing(struct fit_json *f, const struct frame *fr, uint64_t offset)
{
    const struct mould_node *n = fr->node;
    struct json_names_object names = fr->names;
    for (size_t i = 0; i < n->member_count; i++)
        /* Only a name that is not there can be added. */
        if (n->members[i].required && json_names_add(&f->names, &names, n->members[i].hash) == ERR_OK)
            return fail_name(f, offset, "member ", n->members[i].name, " is missing");
    return fail_saying(f, ERR_PEER, offset, "a member is missing");
}

/* What is wrong with an object or array as a whole; its own place is told, not that of its last member. */
static enum err judge_end(struct fit_json *f, const struct frame *fr, uint64_t offset)
{
    const struct mould_node *n = fr->node;
    const char *what = fr->object ? "members" : "elements";
    bool missed = fr->required < n->required_count;
    if (!missed && fr->count >= n->min_count && fr->count <= n->max_count)
        return ERR_OK;
    json_path_close(&f->path);
    if (missed)
        return missing(f, fr, offset);
    bool few = fr->count < n->min_count;
    buf_putf(&f->shared.fault, "at %s %llu %s are expected", few ? "least" : "most",
             (unsigned long long)(few ? n->min_count : n->max_count), what);
    return fail(f, ERR_PEER, offset);
}

/* The node of the value that comes next. */
static const struct mould_node *next_node(struct fit_json *f)
{
    const struct frame *fr = top(f);
    return fr ? fr->child : f->body;
}

static const struct mould_node *node_of_name(struct frame *fr, struct slice name, uint64_t hash)
{
    const struct mould_member *m = mould_member(fr->node, name, hash);
    if (!m)
        return fr->node->extra;
    fr->required += m->required;
    return m->node;
}

/* ---- by tokens ---- */

static enum err name_token(struct fit_json *f, const struct json_token *t)
{
    struct frame *fr = top(f);
    json_path_name(&f->path, t->text);
    json_path_keep(&f->path);
    uint64_t hash = json_names_hash_under(f->secret, t->text);
    enum err e = json_names_add(&f->names, &fr->names, hash);
    if (e == ERR_EXISTS)
        return fail_name(f, t->begin, "duplicate member ", t->text, "");
    if (e != ERR_OK)
        return fail_saying(f, ERR_FULL, t->begin, "too many members");
    fr->child = node_of_name(fr, t->text, hash);
    if (!fr->child)
        return fail_name(f, t->begin, "member ", t->text, " is not known");
    if (fr->node->key) {
        struct mould_flaw w = mould_judge(fr->node->key, MOULD_STRING, t->text);
        if (w.kind != MOULD_FITS)
            return fail_flaw(f, t->begin, fr->node->key, w);
    }
    f->tok.collect = mould_reads(fr->child) || fr->child->numeric;
    return ERR_OK;
}

static enum err nest_token(struct fit_json *f, const struct json_token *t)
{
    bool object = t->kind == JSON_TOK_OBJECT;
    const struct mould_node *node = next_node(f);
    enum mould_kind kind = object ? MOULD_OBJECT : MOULD_ARRAY;
    const struct mould_node *nest = node->takes & kind ? mould_nest(node, kind) : NULL;
    if (top(f))
        count_value(f, top(f));
    if (!nest)
        return fail_flaw(f, t->begin, node, (struct mould_flaw){.kind = MOULD_OTHER_KIND});
    open_frame(f, nest, object);
    f->tok.collect = !object && (mould_reads(top(f)->child) || top(f)->child->numeric);
    return ERR_OK;
}

static enum err value_token(struct fit_json *f, const struct json_token *t, enum mould_kind kind, struct slice text)
{
    const struct mould_node *node = next_node(f);
    struct frame *fr = top(f);
    if (fr)
        count_value(f, fr);
    struct mould_flaw w = mould_judge(node, kind, text);
    if (w.kind != MOULD_FITS)
        return fail_flaw(f, t->begin, node, w);
    if (fr && !fr->object)
        f->tok.collect = mould_reads(fr->child) || fr->child->numeric;
    return ERR_OK;
}

static enum err close_token(struct fit_json *f, const struct json_token *t)
{
    TRY(judge_end(f, top(f), t->begin));
    close_frame(f);
    const struct frame *fr = top(f);
    f->tok.collect = fr && !fr->object && (mould_reads(fr->child) || fr->child->numeric);
    return ERR_OK;
}

static enum err any_token(struct fit_json *f, const struct json_token *t)
{
    switch (t->kind) {
    case JSON_TOK_OBJECT:
    case JSON_TOK_ARRAY:
        return nest_token(f, t);
    case JSON_TOK_OBJECT_END:
    case JSON_TOK_ARRAY_END:
        return close_token(f, t);
    case JSON_TOK_COMMA:
        return ERR_OK;
    case JSON_TOK_NAME:
        return name_token(f, t);
    case JSON_TOK_STRING:
        return value_token(f, t, MOULD_STRING, t->text);
    case JSON_TOK_NUMBER:
        return value_token(f, t, MOULD_NUMBER, t->text);
    case JSON_TOK_TRUE:
        return value_token(f, t, MOULD_BOOL, SLICE("true"));
    case JSON_TOK_FALSE:
        return value_token(f, t, MOULD_BOOL, SLICE("false"));
    case JSON_TOK_NULL:
        return value_token(f, t, MOULD_NULL, SLICE("null"));
    }
    return ERR_OK;
}

/* ---- at a glance ---- */

struct glance {
    const char *at, *end;
    bool fresh; /* nothing has come in the innermost object or array */
};

/* A value as it lies in the chunk. */
struct glimpse {
    const char *value, *value_end;
    const struct mould_node *nest; /* of an object or array: what it is held against */
};

static bool look_at_text(const struct mould_node *n, enum mould_kind kind, const char *from, const char *to)
{
    struct slice text = slice_of(from, (size_t)(to - from));
    if (kind == MOULD_NUMBER ? mould_takes_number(n, text) : kind == MOULD_STRING && mould_takes_string(n, text))
        return true;
    return mould_judge(n, kind, text).kind == MOULD_FITS;
}

/* A string that is looked at must stand there as it is. */
static bool look_at_string(const struct fit_json *f, const struct glance *g, const struct mould_node *n,
                           struct glimpse *m)
{
    if (!(n->takes & MOULD_STRING))
        return false;
    if (!n->textual)
        return (m->value_end = json_fast_string(m->value + 1, g->end)) != NULL;
    const char *quote = json_fast_name(m->value + 1, g->end);
    if (!quote || (size_t)(quote - m->value) > f->most)
        return false;
    m->value_end = quote + 1;
    return look_at_text(n, MOULD_STRING, m->value + 1, quote);
}

static bool look_at_nest(const struct fit_json *f, const struct mould_node *n, struct glimpse *m)
{
    enum mould_kind kind = *m->value == '{' ? MOULD_OBJECT : MOULD_ARRAY;
    m->value_end = m->value + 1;
    m->nest = n->takes & kind ? mould_nest(n, kind) : NULL;
    return m->nest && f->depth < JSON_TOK_DEPTH;
}

static bool look_at_value(const struct fit_json *f, const struct glance *g, const struct mould_node *n, const char *at,
                          struct glimpse *m)
{
    m->value = at;
    m->nest = NULL;
    if (at == g->end)
        return false;
    if (*at == '"')
        return look_at_string(f, g, n, m);
    if (json_fast_is_nest(*at))
        return look_at_nest(f, n, m);
    m->value_end = json_fast_value(at, g->end);
    if (!m->value_end)
        return false;
    enum mould_kind kind = *at == 'n' ? MOULD_NULL : *at == 't' || *at == 'f' ? MOULD_BOOL : MOULD_NUMBER;
    if (!(n->takes & kind))
        return false;
    if (kind == MOULD_NUMBER && !n->numeric)
        return true;
    if ((size_t)(m->value_end - at) > f->most)
        return false;
    return look_at_text(n, kind, at, m->value_end);
}

static void go_past(struct fit_json *f, struct glance *g, const struct glimpse *m)
{
    g->at = m->value_end;
    g->fresh = m->nest != NULL;
    count_value(f, top(f));
    if (!m->nest)
        return;
    json_tok_mark(&f->tok, f->depth, *m->value == '{');
    open_frame(f, m->nest, *m->value == '{');
}

static bool past_comma(const struct glance *g, const char **at)
{
    if (g->fresh)
        return true;
    if (**at != ',')
        return false;
    *at = json_fast_blanks(*at + 1, g->end);
    return *at < g->end;
}

/* false: this one goes by tokens, and nothing has happened. */
static bool glance_member(struct fit_json *f, struct glance *g, struct frame *fr, const char *at)
{
    struct glimpse m;
    if (!past_comma(g, &at) || *at != '"' || fr->node->key)
        return false;
    const char *quote = json_fast_name(at + 1, g->end);
    if (!quote || (size_t)(quote - at) > f->most)
        return false;
    struct slice name = slice_of(at + 1, (size_t)(quote - at - 1));
    at = json_fast_blanks(quote + 1, g->end);
    if (at == g->end || *at != ':')
        return false;
    uint64_t hash = json_names_hash_under(f->secret, name);
    const struct mould_member *known = mould_member(fr->node, name, hash);
    const struct mould_node *child = known ? known->node : fr->node->extra;
    if (!child || !look_at_value(f, g, child, json_fast_blanks(at + 1, g->end), &m))
        return false;
    if (json_names_add(&f->names, &fr->names, hash) != ERR_OK)
        return false;
    fr->required += known && known->required;
    json_path_name(&f->path, name);
    go_past(f, g, &m);
    return true;
}

static bool glance_element(struct fit_json *f, struct glance *g, struct frame *fr, const char *at)
{
    struct glimpse m;
    if (!past_comma(g, &at) || !look_at_value(f, g, fr->child, at, &m))
        return false;
    go_past(f, g, &m);
    return true;
}

static bool glance_close(struct fit_json *f, struct glance *g, const struct frame *fr, const char *bracket)
{
    const struct mould_node *n = fr->node;
    if (fr->required < n->required_count || fr->count < n->min_count || fr->count > n->max_count)
        return false;
    close_frame(f);
    g->at = bracket + 1;
    g->fresh = false;
    return f->depth > 0;
}

static bool glance_step(struct fit_json *f, struct glance *g)
{
    struct frame *fr = top(f);
    const char *at = json_fast_blanks(g->at, g->end);
    if (at == g->end)
        return false;
    if (*at == (fr->object ? '}' : ']'))
        return glance_close(f, g, fr, at);
    return fr->object ? glance_member(f, g, fr, at) : glance_element(f, g, fr, at);
}

static void glance(struct fit_json *f, struct slice *bytes)
{
    struct glance g = {.at = bytes->at, .end = bytes->at + bytes->len};
    if (!json_tok_resting(&f->tok, &g.fresh) || bytes->len == 0)
        return;
    while (glance_step(f, &g))
        ;
    json_tok_jump(&f->tok, (size_t)(g.at - bytes->at), f->depth, g.fresh);
    *bytes = slice_from(*bytes, (size_t)(g.at - bytes->at));
    const struct frame *fr = top(f);
    f->tok.collect = fr && !fr->object && (mould_reads(fr->child) || fr->child->numeric);
}

/* ---- feeding ---- */

static enum err feed_tokens(struct fit_json *f, struct slice bytes)
{
    struct json_token token;
    enum err e;
    do {
        glance(f, &bytes);
        e = json_tok_next(&f->tok, &bytes, &token);
        if (e == ERR_OK)
            TRY(any_token(f, &token));
    } while (e == ERR_OK);
    if (e != ERR_AGAIN)
        return fail_saying(f, e, json_tok_offset(&f->tok), json_tok_fault(&f->tok));
    json_path_keep(&f->path);
    return ERR_OK;
}

static enum err feed(struct fit *shared, struct slice bytes)
{
    return feed_tokens((struct fit_json *)shared, bytes);
}

static enum err finish(struct fit *shared)
{
    struct fit_json *f = (struct fit_json *)shared;
    struct json_token token;
    enum err e;
    while ((e = json_tok_finish(&f->tok, &token)) == ERR_AGAIN)
        TRY(any_token(f, &token));
    return e == ERR_OK ? ERR_OK : fail_saying(f, e, json_tok_offset(&f->tok), json_tok_fault(&f->tok));
}

static void fini(struct fit *shared)
{
    struct fit_json *f = (struct fit_json *)shared;
    json_tok_fini(&f->tok);
    json_names_fini(&f->names);
    json_path_fini(&f->path);
    mem_free(f->frames);
}

static const struct fit_format json_format = {.feed = feed, .finish = finish, .fini = fini};

struct fit *fit_json_new(const struct mould_node *body, size_t max_hold)
{
    struct fit_json *f = mem_new(sizeof(*f));
    fit_init(&f->shared, &json_format);
    f->body = body;
    f->most = max_hold;
    f->secret = json_names_secret();
    json_tok_init(&f->tok, max_hold);
    f->tok.collect = mould_reads(body) || body->numeric;
    return &f->shared;
}
