/* The good path: the reader gives tokens, each with its place in the body; between them the bytes flow on as they
 * are (held).  In an object whose members a plan edits, and before a value that a plan judges, they are kept back
 * until the token comes that decides: the name for a rename or a drop, the value for the rest.
 *
 * Names are looked at in every object, edited or not: a body in which one comes twice means different things to
 * different readers, and is refused. */
#include "base/check.h"
#include "base/mem.h"
#include "contracts/wire/held.h"
#include "contracts/wire/json_names.h"
#include "contracts/wire/json_number.h"
#include "contracts/wire/json_tok.h"
#include "contracts/wire/plan_tree.h"
#include "contracts/wire/rewrite_format.h"

enum { SHOWN_NAME = 48, FIRST_FRAMES = 8, FIRST_SEEN = 16 };

/* One open object or array. */
struct frame {
    const struct plan_tree_node *node;  /* NULL: nothing to do in here */
    const struct plan_tree_node *child; /* of the value that comes next */
    struct json_names_object names;
    size_t seen;   /* its first flag in rewrite_json.seen */
    int64_t index; /* of the element under way; -1: none yet */
    bool object;
    bool keeps; /* between values, bytes are kept back */
    bool wrote; /* a member has gone out */
    uint8_t name_len;
    char name[SHOWN_NAME]; /* of the member under way, for a fault's path */
};

/* A member whose name has come and that neither went out nor was dropped. */
struct undecided {
    bool on;
    const struct plan_tree_member *member; /* NULL: it has no steps of its own */
    uint64_t begin, end;                   /* of its name */
};

struct rewrite_json {
    struct rewrite shared;
    const struct plan_tree_node *root;
    struct json_tok tok;
    struct json_names names;
    struct held held;
    struct frame *frames;
    size_t depth, frame_room;
    bool *seen; /* a flag for each watched name of each open object */
    size_t seen_count, seen_room;
    struct undecided undecided;
};

/* ---- faults ---- */

static void put_path(const struct rewrite_json *r, struct buf *out)
{
    if (r->depth == 0)
        buf_put_char(out, '/');
    for (size_t i = 0; i < r->depth; i++) {
        const struct frame *f = &r->frames[i];
        if (!f->object && f->index >= 0)
            buf_putf(out, "/[%lld]", (long long)f->index);
        else if (f->object && f->name_len) {
            buf_put_char(out, '/');
            buf_put_safe(out, slice_of(f->name, f->name_len), SHOWN_NAME);
        } else if (r->depth == 1)
            buf_put_char(out, '/');
    }
}

static void put_place(struct rewrite_json *r, uint64_t offset)
{
    struct buf *fault = &r->shared.fault;
    buf_put(fault, SLICE(" at "));
    put_path(r, fault);
    buf_putf(fault, " (byte %llu)", (unsigned long long)offset);
    buf_text(fault);
    r->shared.offset = offset;
}

static enum err fail(struct rewrite_json *r, enum err e, uint64_t offset, const char *fault)
{
    buf_put(&r->shared.fault, slice_str(fault));
    put_place(r, offset);
    return e;
}

/* `before` the name in quotes, `after` it. */
static enum err fail_name(struct rewrite_json *r, uint64_t offset, const char *before, struct slice name,
                          const char *after)
{
    struct buf *fault = &r->shared.fault;
    buf_putf(fault, "%s \"", before);
    buf_put_safe(fault, name, SHOWN_NAME);
    buf_putf(fault, "\"%s", after);
    put_place(r, offset);
    return ERR_PEER;
}

/* What held_... answers is FULL for two reasons; only the sentence tells them apart. */
static enum err give(struct rewrite_json *r, uint64_t to)
{
    if (held_give(&r->held, to) == ERR_OK)
        return ERR_OK;
    return fail(r, ERR_FULL, to, "no room for what goes out");
}

static enum err settle(struct rewrite_json *r, uint64_t to)
{
    if (held_settle(&r->held, to) == ERR_OK)
        return ERR_OK;
    return fail(r, ERR_FULL, to, "no room for what goes out");
}

static enum err add(struct rewrite_json *r, struct slice bytes)
{
    if (held_add(&r->held, bytes) == ERR_OK)
        return ERR_OK;
    return fail(r, ERR_FULL, r->held.done, "no room for what goes out");
}

static enum err check_kept(struct rewrite_json *r, uint64_t to)
{
    if (held_check(&r->held, to) == ERR_OK)
        return ERR_OK;
    return fail(r, ERR_FULL, to, "a member is too large to be rewritten");
}

static void applied(struct rewrite_json *r, int step)
{
    r->shared.applied[step]++;
}

/* ---- frames ---- */

static struct frame *top(struct rewrite_json *r)
{
    return r->depth ? &r->frames[r->depth - 1] : NULL;
}

/* One flag for each name that `node` watches, all down. */
static size_t open_seen(struct rewrite_json *r, const struct plan_tree_node *node)
{
    size_t first = r->seen_count, count = node ? node->out_count : 0;
    if (first + count > r->seen_room) {
        r->seen_room = (first + count) * 2 + FIRST_SEEN;
        r->seen = mem_resize(r->seen, r->seen_room, sizeof(*r->seen));
    }
    for (size_t i = 0; i < count; i++)
        r->seen[first + i] = false;
    r->seen_count += count;
    return first;
}

static void open_frame(struct rewrite_json *r, const struct plan_tree_node *node, bool object)
{
    if (r->depth == r->frame_room) {
        r->frame_room = r->frame_room ? r->frame_room * 2 : FIRST_FRAMES;
        r->frames = mem_resize(r->frames, r->frame_room, sizeof(*r->frames));
    }
    struct frame *f = &r->frames[r->depth++];
    f->node = node;
    f->child = object || !node ? NULL : node->each;
    f->names = json_names_open(&r->names);
    f->seen = open_seen(r, object ? node : NULL);
    f->index = -1;
    f->object = object;
    f->keeps = object ? node && node->edits : plan_tree_judges(f->child);
    f->wrote = false;
    f->name_len = 0;
}

static void close_frame(struct rewrite_json *r)
{
    struct frame *f = top(r);
    json_names_close(&r->names, &f->names);
    r->seen_count = f->seen;
    r->depth--;
}

/* The next value is needed as text when a step looks into it. */
static void expect(struct rewrite_json *r)
{
    const struct frame *f = top(r);
    r->tok.collect = f && plan_tree_judges(f->child);
}

/* ---- members ---- */

static enum err write_default(struct rewrite_json *r, struct frame *f, const struct plan_tree_out *o, uint64_t at)
{
    if (!o->fill_ok)
        return fail_name(r, at, "the plan's default for", o->name, " is not JSON");
    if (f->wrote)
        TRY(add(r, SLICE(",")));
    TRY(add(r, o->quoted));
    TRY(add(r, SLICE(":")));
    TRY(add(r, plan_step(r->shared.plan, (size_t)o->fill)->value));
    f->wrote = true;
    applied(r, o->fill);
    return ERR_OK;
}

static enum err write_defaults(struct rewrite_json *r, struct frame *f, uint64_t at)
{
    for (const struct plan_tree_out *o = f->node->outs; o; o = o->next)
        if (o->fill != PLAN_TREE_NONE && !r->seen[f->seen + o->number])
            TRY(write_default(r, f, o, at));
    return ERR_OK;
}

/* Under the name it goes out with, a member may come once. */
static enum err mark_out(struct rewrite_json *r, const struct frame *f, const struct plan_tree_out *o)
{
    bool *seen = &r->seen[f->seen + o->number];
    if (*seen)
        return fail_name(r, r->undecided.begin, "member", o->name, " is there twice after renaming");
    *seen = true;
    return ERR_OK;
}

/* The undecided member goes out: its comma, the blanks before it, its name.  The value follows. */
static enum err write_member(struct rewrite_json *r, struct frame *f)
{
    struct undecided u = r->undecided;
    r->undecided.on = false;
    if (u.member && u.member->out)
        TRY(mark_out(r, f, u.member->out));
    if (f->wrote)
        TRY(add(r, SLICE(",")));
    f->wrote = true;
    TRY(give(r, u.begin));
    if (u.member && u.member->rename != PLAN_TREE_NONE) {
        TRY(add(r, u.member->out->quoted));
        held_drop(&r->held, u.end);
        applied(r, u.member->rename);
    }
    r->held.flow = HELD_GIVE;
    return ERR_OK;
}

static void remember_name(struct frame *f, struct slice name)
{
    struct slice shown = slice_to(name, SHOWN_NAME);
    memcpy(f->name, shown.at, shown.len);
    f->name_len = (uint8_t)shown.len;
}

static enum err edit_name(struct rewrite_json *r, struct frame *f, const struct plan_tree_member *m,
                          const struct json_token *t)
{
    TRY(check_kept(r, t->end));
    if (m && m->drop != PLAN_TREE_NONE) {
        f->child = NULL;
        applied(r, m->drop);
        r->held.flow = HELD_DROP;
        return ERR_OK;
    }
    r->undecided = (struct undecided){.on = true, .member = m, .begin = t->begin, .end = t->end};
    if (m && m->strip != PLAN_TREE_NONE)
        return ERR_OK;
    return write_member(r, f);
}

static enum err name_token(struct rewrite_json *r, const struct json_token *t)
{
    struct frame *f = top(r);
    remember_name(f, t->text);
    uint64_t hash = json_names_hash(t->text);
    enum err e = json_names_add(&r->names, &f->names, t->text, hash);
    if (e == ERR_EXISTS)
        return fail_name(r, t->begin, "duplicate member", t->text, "");
    if (e != ERR_OK)
        return fail(r, ERR_FULL, t->begin, "too many members");
    if (!f->node)
        return ERR_OK;
    const struct plan_tree_member *m = plan_tree_member(f->node, t->text, hash);
    f->child = m && m->value ? m->value : f->node->every;
    if (f->node->edits)
        TRY(edit_name(r, f, m, t));
    expect(r);
    if (r->undecided.on || !plan_tree_judges(f->child))
        return ERR_OK;
    TRY(settle(r, t->end));
    r->held.flow = HELD_KEEP;
    return ERR_OK;
}

/* The comma of an edited object goes out with the member after it, so it may be needless. */
static enum err comma_token(struct rewrite_json *r, const struct json_token *t)
{
    struct frame *f = top(r);
    expect(r);
    if (!f->keeps || !f->object)
        return ERR_OK;
    TRY(check_kept(r, t->begin));
    TRY(give(r, t->begin));
    held_drop(&r->held, t->end);
    return ERR_OK;
}

/* ---- values ---- */

static enum err change_value(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    if (t->kind == JSON_TOK_NULL)
        return ERR_OK;
    if (t->kind != JSON_TOK_STRING)
        return fail(r, ERR_PEER, t->begin, "a string is expected");
    const struct slice *symbol = map_get(&n->table, t->text);
    if (!symbol && !n->otherwise_ok)
        return fail_name(r, t->begin, "the plan has nothing for", t->text, "");
    TRY(give(r, t->begin));
    TRY(add(r, symbol ? *symbol : plan_step(r->shared.plan, (size_t)n->change)->value));
    held_drop(&r->held, t->end);
    applied(r, n->change);
    return ERR_OK;
}

static enum err narrow_value(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    if (t->kind == JSON_TOK_NULL)
        return ERR_OK;
    if (t->kind != JSON_TOK_NUMBER)
        return fail(r, ERR_PEER, t->begin, "a number is expected");
    const struct plan_step *s = plan_step(r->shared.plan, (size_t)n->narrow);
    int64_t number;
    if (json_number_whole(t->text, &number) != ERR_OK || number < s->low || number > s->high) {
        buf_putf(&r->shared.fault, "a whole number from %lld to %lld is expected", (long long)s->low,
                 (long long)s->high);
        return fail(r, ERR_PEER, t->begin, "");
    }
    applied(r, n->narrow);
    return ERR_OK;
}

static enum err judge_value(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    TRY(check_kept(r, t->end));
    if (n->narrow != PLAN_TREE_NONE)
        TRY(narrow_value(r, n, t));
    if (n->change != PLAN_TREE_NONE)
        TRY(change_value(r, n, t));
    r->held.flow = HELD_GIVE;
    return ERR_OK;
}

/* A plan for objects cannot be applied to a body that is none. */
static enum err check_root(struct rewrite_json *r, const struct json_token *t)
{
    bool members = r->root->edits || r->root->every || r->root->members.count;
    bool fits = (members && t->kind == JSON_TOK_OBJECT) || (r->root->each && t->kind == JSON_TOK_ARRAY);
    if (fits || (!members && !r->root->each))
        return ERR_OK;
    return fail(r, ERR_PEER, t->begin, members ? "the body is not an object" : "the body is not an array");
}

static bool is_stripped(const struct rewrite_json *r, const struct json_token *t)
{
    return t->kind == JSON_TOK_NULL && r->undecided.on && r->undecided.member->strip != PLAN_TREE_NONE;
}

/* The first token of a value, or all of it when it is neither object nor array. */
static enum err begin_value(struct rewrite_json *r, const struct json_token *t)
{
    struct frame *f = top(r);
    if (!f)
        return check_root(r, t);
    f->index++;
    if (r->undecided.on) {
        TRY(check_kept(r, t->end));
        if (is_stripped(r, t)) {
            applied(r, r->undecided.member->strip);
            r->undecided.on = false;
            r->held.flow = HELD_DROP;
            return ERR_OK;
        }
        TRY(write_member(r, f));
    }
    return plan_tree_judges(f->child) ? judge_value(r, f->child, t) : ERR_OK;
}

static enum err end_value(struct rewrite_json *r, uint64_t end)
{
    const struct frame *f = top(r);
    if (!f || !f->keeps)
        return ERR_OK;
    TRY(settle(r, end));
    r->held.flow = HELD_KEEP;
    return ERR_OK;
}

static enum err open_token(struct rewrite_json *r, const struct json_token *t)
{
    const struct frame *f = top(r);
    const struct plan_tree_node *node = f ? f->child : r->root;
    TRY(begin_value(r, t));
    open_frame(r, node, t->kind == JSON_TOK_OBJECT);
    expect(r);
    /* Inside, the same holds as after a value: give what is decided, then keep. */
    return end_value(r, t->end);
}

static enum err close_token(struct rewrite_json *r, const struct json_token *t)
{
    struct frame *f = top(r);
    if (f->keeps) {
        TRY(check_kept(r, t->begin));
        if (f->object)
            TRY(write_defaults(r, f, t->begin));
        TRY(give(r, t->end));
        r->held.flow = HELD_GIVE;
    }
    close_frame(r);
    return end_value(r, t->end);
}

static enum err scalar_token(struct rewrite_json *r, const struct json_token *t)
{
    TRY(begin_value(r, t));
    return end_value(r, t->end);
}

static enum err any_token(struct rewrite_json *r, const struct json_token *t)
{
    switch (t->kind) {
    case JSON_TOK_OBJECT:
    case JSON_TOK_ARRAY:
        return open_token(r, t);
    case JSON_TOK_OBJECT_END:
    case JSON_TOK_ARRAY_END:
        return close_token(r, t);
    case JSON_TOK_COMMA:
        return comma_token(r, t);
    case JSON_TOK_NAME:
        return name_token(r, t);
    case JSON_TOK_STRING:
    case JSON_TOK_NUMBER:
    case JSON_TOK_TRUE:
    case JSON_TOK_FALSE:
    case JSON_TOK_NULL:
        return scalar_token(r, t);
    }
    return ERR_OK;
}

/* ---- the format ---- */

static struct rewrite_json *json_of(struct rewrite *r)
{
    return (struct rewrite_json *)r;
}

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct rewrite_json *r = json_of(shared);
    held_begin(&r->held, bytes, out);
    struct json_token token;
    enum err e;
    while ((e = json_tok_next(&r->tok, &bytes, &token)) == ERR_OK)
        TRY(any_token(r, &token));
    if (e != ERR_AGAIN)
        return fail(r, e, json_tok_offset(&r->tok), json_tok_fault(&r->tok));
    if (held_end(&r->held) == ERR_OK)
        return ERR_OK;
    return fail(r, ERR_FULL, json_tok_offset(&r->tok), "a member is too large, or no room for what goes out");
}

static enum err finish(struct rewrite *shared, struct buf *out)
{
    struct rewrite_json *r = json_of(shared);
    held_begin(&r->held, (struct slice){0}, out);
    struct json_token token;
    enum err e;
    while ((e = json_tok_finish(&r->tok, &token)) == ERR_AGAIN)
        TRY(any_token(r, &token));
    return e == ERR_OK ? ERR_OK : fail(r, e, json_tok_offset(&r->tok), json_tok_fault(&r->tok));
}

static void fini(struct rewrite *shared)
{
    struct rewrite_json *r = json_of(shared);
    json_tok_fini(&r->tok);
    json_names_fini(&r->names);
    held_fini(&r->held);
    mem_free(r->frames);
    mem_free(r->seen);
}

static const struct rewrite_format json_format = {.feed = feed, .finish = finish, .fini = fini};

struct rewrite *rewrite_json_new(struct plan *plan, size_t max_hold)
{
    struct rewrite_json *r = mem_new(sizeof(*r));
    rewrite_init(&r->shared, &json_format, plan);
    r->root = plan_compiled(plan)->root;
    json_tok_init(&r->tok, max_hold);
    held_init(&r->held, max_hold);
    return &r->shared;
}
