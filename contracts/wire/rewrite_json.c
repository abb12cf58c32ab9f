/* The good path: the reader gives tokens, each with its place in the body; between them the bytes flow on as they
 * are (held).  In an object whose members a plan edits, and before a value that a plan judges, they are kept back
 * until the token comes that decides: the name for a rename or a drop, the value for the rest.
 *
 * Names are looked at in every object, edited or not: a body in which one comes twice means different things to
 * different readers, and is refused.
 *
 * An object that may be of several branches of a union waits in `ahead`, from its bracket on, until a scout has read
 * what tells them apart; mostly that lies within the chunk, and nothing waits.
 *
 * Most members lie within one chunk and need no thought: they are passed at a glance (json_fast), and only what is
 * left goes by tokens. */
#include "base/check.h"
#include "base/mem.h"
#include "contracts/wire/json_fast.h"
#include "contracts/wire/rewrite_json_inside.h"
#include "contracts/wire/rewrite_stages.h"

enum { SHOWN_NAME = 48, FIRST_FRAMES = 8, FIRST_SEEN = 16 };

/* ---- faults ---- */

static void put_place(struct rewrite_json *r, uint64_t offset)
{
    struct buf *fault = &r->shared.fault;
    buf_put(fault, SLICE(" at "));
    json_path_put(&r->path, fault);
    buf_putf(fault, " (byte %llu)", (unsigned long long)offset);
    buf_text(fault);
    r->shared.offset = offset;
}

enum err rewrite_json_fail(struct rewrite_json *r, enum err e, uint64_t offset, const char *fault)
{
    buf_put(&r->shared.fault, slice_str(fault));
    put_place(r, offset);
    return e;
}

/* `before` the name in quotes, `after` it. */
enum err rewrite_json_fail_name(struct rewrite_json *r, uint64_t offset, const char *before, struct slice name,
                                const char *after)
{
    struct buf *fault = &r->shared.fault;
    buf_putf(fault, "%s \"", before);
    buf_put_safe(fault, name, SHOWN_NAME);
    buf_putf(fault, "\"%s", after);
    put_place(r, offset);
    return ERR_PEER;
}

static enum err settle(struct rewrite_json *r, uint64_t to)
{
    if (held_settle(&r->held, to) == ERR_OK)
        return ERR_OK;
    return rewrite_json_fail(r, ERR_FULL, to, "no room for what goes out");
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

static struct wait *open_waits(const struct rewrite_json *r, size_t count)
{
    struct wait *waits = mem_array(count, sizeof(*waits));
    for (size_t i = 0; i < count; i++)
        buf_init(&waits[i].value, r->most);
    return waits;
}

static void close_waits(struct frame *f)
{
    size_t count = f->head != PLAN_TREE_NONE ? 1 : f->waits ? f->node->slot_count : 0;
    for (size_t i = 0; i < count; i++)
        buf_fini(&f->waits[i].value);
    mem_free(f->waits);
    f->waits = NULL;
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
    f->object = object;
    f->keeps = object ? node && node->edits : plan_tree_waits(f->child);
    f->wrote = false;
    f->head = PLAN_TREE_NONE;
    f->waits = object && node && node->slot_count ? open_waits(r, node->slot_count) : NULL;
    json_path_open(&r->path, object);
}

static void close_frame(struct rewrite_json *r)
{
    struct frame *f = top(r);
    close_waits(f);
    json_names_close(&r->names, &f->names);
    r->seen_count = f->seen;
    r->depth--;
    json_path_close(&r->path);
}

/* The next value is needed as text when a step looks into it. */
static void expect(struct rewrite_json *r)
{
    const struct frame *f = top(r);
    r->tok.collect = f && plan_tree_judges(f->child);
}

/* ---- members ---- */

/* Under the name it goes out with, a member may come once. */
static enum err mark_out(struct rewrite_json *r, const struct frame *f, const struct plan_tree_out *o)
{
    bool *seen = &r->seen[f->seen + o->number];
    if (*seen)
        return rewrite_json_fail_name(r, r->undecided.begin, "member", o->name, " is there twice after renaming");
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
        TRY(rewrite_json_add(r, SLICE(",")));
    f->wrote = true;
    TRY(rewrite_json_give(r, u.begin));
    if (u.member && u.member->rename != PLAN_TREE_NONE) {
        TRY(rewrite_json_add(r, u.member->out->quoted));
        held_drop(&r->held, u.end);
        rewrite_json_applied(r, u.member->rename);
    }
    r->held.flow = HELD_GIVE;
    return ERR_OK;
}

static enum err edit_name(struct rewrite_json *r, struct frame *f, const struct plan_tree_member *m,
                          const struct json_token *t)
{
    TRY(rewrite_json_check_kept(r, t->end));
    r->leaving = m ? rewrite_json_land_way(r, f, m) : NULL;
    if (r->leaving) {
        r->undecided = (struct undecided){.member = m, .begin = t->begin, .end = t->end};
        if (r->leaving == &r->nowhere)
            rewrite_json_applied(r, m->drop);
        held_drop(&r->held, t->end);
        r->held.flow = HELD_KEEP;
        return ERR_OK;
    }
    if (m && m->drop != PLAN_TREE_NONE) {
        f->child = NULL;
        rewrite_json_applied(r, m->drop);
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
    json_path_name(&r->path, t->text);
    json_path_keep(&r->path);
    uint64_t hash = json_names_hash_under(r->secret, t->text);
    enum err e = json_names_add(&r->names, &f->names, hash);
    if (e == ERR_EXISTS)
        return rewrite_json_fail_name(r, t->begin, "duplicate member", t->text, "");
    if (e != ERR_OK)
        return rewrite_json_fail(r, ERR_FULL, t->begin, "too many members");
    if (!f->node)
        return ERR_OK;
    const struct plan_tree_member *m = plan_tree_member(f->node, t->text, hash);
    f->child = m && m->value ? m->value : f->node->every;
    if (f->node->edits)
        TRY(edit_name(r, f, m, t));
    expect(r);
    if (r->undecided.on || r->leaving || !plan_tree_waits(f->child))
        return ERR_OK;
    TRY(settle(r, t->end));
    r->held.flow = HELD_KEEP;
    return ERR_OK;
}

/* The comma of an edited object goes out with the member after it, so it may be needless. */
static enum err comma_token(struct rewrite_json *r, const struct json_token *t)
{
    struct frame *f = top(r);
    if (!f->object && f->node)
        f->child = f->node->each;
    expect(r);
    if (!f->keeps || (!f->object && f->head == PLAN_TREE_NONE))
        return ERR_OK;
    if (f->head != PLAN_TREE_NONE) {
        held_drop(&r->held, t->end);
        return ERR_OK;
    }
    TRY(rewrite_json_check_kept(r, t->begin));
    TRY(rewrite_json_give(r, t->begin));
    held_drop(&r->held, t->end);
    return ERR_OK;
}

/* ---- values ---- */

/* A plan for objects cannot be applied to a body that is none. */
static enum err check_root(struct rewrite_json *r, const struct json_token *t)
{
    if (r->root->choices)
        return ERR_OK;
    bool members = r->root->edits || r->root->every || r->root->members.count;
    bool fits = (members && t->kind == JSON_TOK_OBJECT) || (r->root->each && t->kind == JSON_TOK_ARRAY);
    if (fits || (!members && !r->root->each))
        return ERR_OK;
    return rewrite_json_fail(r, ERR_PEER, t->begin, members ? "the body is not an object" : "the body is not an array");
}

static bool is_stripped(const struct rewrite_json *r, const struct json_token *t)
{
    return t->kind == JSON_TOK_NULL && r->undecided.on && r->undecided.member->strip != PLAN_TREE_NONE;
}

/* The value of a member that leaves its place begins. */
static enum err leave(struct rewrite_json *r, const struct json_token *t)
{
    struct wait *to = r->leaving;
    r->leaving = NULL;
    TRY(rewrite_json_check_kept(r, t->end));
    held_drop(&r->held, t->begin);
    if (t->kind == JSON_TOK_NULL && r->undecided.member->strip != PLAN_TREE_NONE) {
        rewrite_json_applied(r, r->undecided.member->strip);
        r->held.flow = HELD_DROP;
        return ERR_OK;
    }
    rewrite_json_land_push(r, to);
    r->held.flow = HELD_GIVE;
    return ERR_OK;
}

/* An element of an array of which one is wanted. */
static enum err pick(struct rewrite_json *r, const struct frame *f, const struct json_token *t)
{
    enum plan_pick wanted = plan_step(r->shared.plan, (size_t)f->head)->pick;
    bool first = r->path.steps[r->path.depth - 1].index == 0;
    if (wanted == PLAN_ONLY && !first)
        return rewrite_json_fail(r, ERR_PEER, t->begin, "one element is expected, and here is another");
    held_drop(&r->held, t->begin);
    if (wanted == PLAN_LAST)
        rewrite_json_land_push(r, f->waits);
    else if (!first)
        rewrite_json_land_push(r, &r->nowhere);
    r->held.flow = HELD_GIVE;
    return ERR_OK;
}

/* The array has ended: with nothing in it, or with its last element kept. */
static enum err close_head(struct rewrite_json *r, const struct frame *f, const struct json_token *t)
{
    const struct plan_step *s = plan_step(r->shared.plan, (size_t)f->head);
    bool none = r->path.steps[r->path.depth - 1].index < 0;
    if (none && !f->node->else_ok)
        return rewrite_json_fail(r, ERR_PEER, t->begin, "an array with an element is expected");
    held_drop(&r->held, t->end);
    if (none)
        TRY(rewrite_json_add(r, s->value));
    else if (s->pick == PLAN_LAST)
        TRY(rewrite_json_add(r, buf_slice(&f->waits->value)));
    rewrite_json_applied(r, f->head);
    return ERR_OK;
}

/* A value that becomes an array, or an array that becomes its element. */
static enum err shape(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    const struct plan_step *s = plan_step(r->shared.plan, (size_t)n->shape);
    bool null = t->kind == JSON_TOK_NULL;
    TRY(rewrite_json_give(r, t->begin));
    r->held.flow = HELD_GIVE;
    if (s->op == PLAN_WRAP) {
        rewrite_json_applied(r, n->shape);
        TRY(rewrite_json_add(r, null ? SLICE("[]") : SLICE("[")));
        if (null)
            held_drop(&r->held, t->end);
        else
            rewrite_json_land_push(r, NULL);
        return ERR_OK;
    }
    return null || t->kind == JSON_TOK_ARRAY ? ERR_OK
                                             : rewrite_json_fail(r, ERR_PEER, t->begin, "an array is expected");
}

/* The body itself is changed in branches of a union alone. */
static enum err begin_body(struct rewrite_json *r, const struct json_token *t)
{
    if (r->root->shape != PLAN_TREE_NONE)
        TRY(shape(r, r->root, t));
    return plan_tree_judges(r->root) ? rewrite_json_value_judge(r, r->root, t) : check_root(r, t);
}

/* The first token of a value, or all of it when it is neither object nor array. */
static enum err begin_value(struct rewrite_json *r, const struct json_token *t)
{
    struct frame *f = top(r);
    if (!f)
        return begin_body(r, t);
    json_path_element(&r->path);
    if (r->undecided.on) {
        TRY(rewrite_json_check_kept(r, t->end));
        if (is_stripped(r, t)) {
            rewrite_json_applied(r, r->undecided.member->strip);
            r->undecided.on = false;
            r->held.flow = HELD_DROP;
            return ERR_OK;
        }
        TRY(write_member(r, f));
    }
    if (r->leaving) {
        TRY(leave(r, t));
        if (r->held.flow == HELD_DROP)
            return ERR_OK;
    }
    if (f->head != PLAN_TREE_NONE)
        TRY(pick(r, f, t));
    if (f->child && f->child->shape != PLAN_TREE_NONE)
        TRY(shape(r, f->child, t));
    return plan_tree_judges(f->child) ? rewrite_json_value_judge(r, f->child, t) : ERR_OK;
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

static bool is_headed(const struct rewrite_json *r, const struct plan_tree_node *n)
{
    return n && n->shape != PLAN_TREE_NONE && plan_step(r->shared.plan, (size_t)n->shape)->op == PLAN_HEAD;
}

static void open_head(struct rewrite_json *r, const struct json_token *t)
{
    struct frame *f = top(r);
    f->head = f->node->shape;
    f->keeps = true;
    f->waits = open_waits(r, 1);
    held_drop(&r->held, t->end);
}

static enum err open_token(struct rewrite_json *r, const struct json_token *t)
{
    const struct frame *f = top(r);
    const struct plan_tree_node *node = f ? f->child : r->root;
    TRY(begin_value(r, t));
    open_frame(r, node, t->kind == JSON_TOK_OBJECT);
    if (t->kind == JSON_TOK_ARRAY && is_headed(r, node))
        open_head(r, t);
    expect(r);
    /* Inside, the same holds as after a value: give what is decided, then keep. */
    return end_value(r, t->end);
}

static enum err close_token(struct rewrite_json *r, const struct json_token *t)
{
    struct frame *f = top(r);
    if (f->keeps) {
        uint64_t behind = r->held.done;
        TRY(rewrite_json_check_kept(r, t->begin));
        if (f->object)
            TRY(rewrite_json_land_all(r, f, t->begin, behind));
        if (f->object)
            TRY(rewrite_json_land_defaults(r, f, t->begin, behind));
        if (f->head != PLAN_TREE_NONE)
            TRY(close_head(r, f, t));
        TRY(rewrite_json_give(r, t->end));
        r->held.flow = HELD_GIVE;
    }
    rewrite_json_land_taken(r, f);
    close_frame(r);
    TRY(rewrite_json_land_end(r, t->end));
    return end_value(r, t->end);
}

static enum err scalar_token(struct rewrite_json *r, const struct json_token *t)
{
    TRY(begin_value(r, t));
    TRY(rewrite_json_land_end(r, t->end));
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

/* ---- members at a glance ---- */

/* Everything before `at` is read; of it, what goes out may still wait to be given, for `held` is only told where the
 * output departs from the input. */
struct glance {
    const char *at, *end;
    bool fresh; /* nothing has come in the innermost object or array */
    enum err e;
};

static uint64_t place(const struct rewrite_json *r, const char *at)
{
    return r->held.chunk_at + (uint64_t)(at - r->held.chunk.at);
}

/* A dropped value ends where an object that is edited goes on. */
static void glance_past(struct rewrite_json *r, struct glance *g, const char *end)
{
    g->at = end;
    g->fresh = false;
    if (r->held.flow == HELD_DROP && r->depth && top(r)->keeps) {
        held_drop(&r->held, place(r, end));
        r->held.flow = HELD_GIVE;
    }
}

static void glance_into(struct rewrite_json *r, struct glance *g, const struct plan_tree_node *node,
                        const char *bracket)
{
    json_tok_mark(&r->tok, r->depth, *bracket == '{');
    open_frame(r, node, *bracket == '{');
    g->at = bracket + 1;
    g->fresh = true;
}

static enum err glance_close(struct rewrite_json *r, struct glance *g, const char *bracket)
{
    struct frame *f = top(r);
    if (f->keeps)
        TRY(rewrite_json_land_defaults(r, f, place(r, bracket), place(r, g->at)));
    close_frame(r);
    glance_past(r, g, bracket + 1);
    return ERR_OK;
}

/* A member as it lies in the chunk. */
struct glimpse {
    const char *comma; /* NULL: none */
    const char *name, *name_end, *value, *value_end;
    uint64_t hash;
    const struct plan_tree_member *member;
    const struct plan_tree_node *child;
};

static bool glimpse_value(const struct rewrite_json *r, const struct glance *g, const char *at, struct glimpse *m)
{
    m->value = at;
    m->value_end = at < g->end ? json_fast_value(at, g->end) : NULL;
    return m->value_end && !(json_fast_is_nest(*at) && r->depth == JSON_TOK_DEPTH);
}

static bool glimpse_comma(const struct glance *g, const char **at, struct glimpse *m)
{
    m->comma = NULL;
    if (g->fresh)
        return true;
    if (**at != ',')
        return false;
    m->comma = *at;
    *at = json_fast_blanks(*at + 1, g->end);
    return *at < g->end;
}

static bool glimpse_member(const struct rewrite_json *r, const struct glance *g, const char *at, struct glimpse *m)
{
    if (!glimpse_comma(g, &at, m) || *at != '"')
        return false;
    m->name = at;
    m->name_end = json_fast_name(at + 1, g->end);
    if (!m->name_end || (size_t)(m->name_end - g->at) >= r->most)
        return false;
    at = json_fast_blanks(m->name_end + 1, g->end);
    return at < g->end && *at == ':' && glimpse_value(r, g, json_fast_blanks(at + 1, g->end), m);
}

/* Are there steps that look at the value, or a fault to be told? */
static bool needs_thought(const struct rewrite_json *r, const struct frame *f, const struct glimpse *m)
{
    const struct plan_tree_member *k = m->member;
    return plan_tree_waits(m->child) || (k && (k->slot || k->host || (k->drop != PLAN_TREE_NONE && k->lets_out))) ||
           (k && (k->strip != PLAN_TREE_NONE || (k->out && r->seen[f->seen + k->out->number])));
}

static enum err glance_edit(struct rewrite_json *r, struct glance *g, struct frame *f, const struct glimpse *m)
{
    const struct plan_tree_member *k = m->member;
    if (k && k->drop != PLAN_TREE_NONE) {
        TRY(rewrite_json_give(r, place(r, m->comma ? m->comma : g->at)));
        r->held.flow = HELD_DROP;
        f->child = NULL;
        rewrite_json_applied(r, k->drop);
        return ERR_OK;
    }
    if (m->comma && !f->wrote) {
        TRY(rewrite_json_give(r, place(r, m->comma)));
        held_drop(&r->held, place(r, m->comma + 1));
    }
    f->wrote = true;
    if (!k || !k->out)
        return ERR_OK;
    r->seen[f->seen + k->out->number] = true;
    if (k->rename == PLAN_TREE_NONE)
        return ERR_OK;
    TRY(rewrite_json_give(r, place(r, m->name)));
    TRY(rewrite_json_add(r, k->out->quoted));
    held_drop(&r->held, place(r, m->name_end + 1));
    rewrite_json_applied(r, k->rename);
    return ERR_OK;
}

static void glance_value(struct rewrite_json *r, struct glance *g, const struct frame *f, const struct glimpse *m)
{
    if (json_fast_is_nest(*m->value))
        glance_into(r, g, f->child, m->value);
    else
        glance_past(r, g, m->value_end);
}

/* false: this one goes by tokens. */
static bool glance_member(struct rewrite_json *r, struct glance *g, struct frame *f, const char *at)
{
    struct glimpse m;
    if (!glimpse_member(r, g, at, &m))
        return false;
    struct slice name = slice_of(m.name + 1, (size_t)(m.name_end - m.name - 1));
    m.hash = json_names_hash_under(r->secret, name);
    m.member = f->node ? plan_tree_member(f->node, name, m.hash) : NULL;
    m.child = m.member && m.member->value ? m.member->value : f->node ? f->node->every : NULL;
    if (needs_thought(r, f, &m) || json_names_add(&r->names, &f->names, m.hash) != ERR_OK)
        return false;
    json_path_name(&r->path, name);
    json_path_element(&r->path);
    f->child = m.child;
    if (f->keeps && (g->e = glance_edit(r, g, f, &m)) != ERR_OK)
        return false;
    glance_value(r, g, f, &m);
    return true;
}

static bool glance_element(struct rewrite_json *r, struct glance *g, struct frame *f, const char *at)
{
    struct glimpse m;
    if (f->keeps || !glimpse_comma(g, &at, &m) || !glimpse_value(r, g, at, &m))
        return false;
    json_path_element(&r->path);
    glance_value(r, g, f, &m);
    return true;
}

/* Is there more to do once the object or array under way has ended? */
static bool closes(const struct rewrite_json *r)
{
    return r->closer_count && r->closers[r->closer_count - 1].depth == r->depth - 1;
}

static bool glance_step(struct rewrite_json *r, struct glance *g)
{
    struct frame *f = top(r);
    const char *at = json_fast_blanks(g->at, g->end);
    if (at == g->end || (size_t)(at - g->at) >= r->most)
        return false;
    if (*at != (f->object ? '}' : ']'))
        return f->object ? glance_member(r, g, f, at) : glance_element(r, g, f, at);
    if ((f->keeps && !f->object) || f->waits || (f->node && f->node->is_host) || closes(r))
        return false;
    g->e = glance_close(r, g, at);
    return g->e == ERR_OK && r->depth > 0;
}

/* Takes whole members and elements off the front, as long as they need no thought. */
static enum err glance(struct rewrite_json *r, struct slice *bytes)
{
    struct glance g = {.at = bytes->at, .end = bytes->at + bytes->len};
    if (!json_tok_resting(&r->tok, &g.fresh) || bytes->len == 0 || r->undecided.on)
        return ERR_OK;
    if (r->held.flow == HELD_KEEP) {
        if (r->held.done != place(r, g.at))
            return ERR_OK;
        r->held.flow = HELD_GIVE;
    }
    while (glance_step(r, &g))
        ;
    TRY(g.e);
    json_tok_jump(&r->tok, (size_t)(g.at - bytes->at), r->depth, g.fresh);
    *bytes = slice_from(*bytes, (size_t)(g.at - bytes->at));
    expect(r);
    return end_value(r, place(r, g.at));
}

/* ---- the format ---- */

static struct rewrite_json *json_of(struct rewrite *r)
{
    return (struct rewrite_json *)r;
}

/* What was read stays; from the object's bracket on all waits. */
static enum err wait_ahead(struct rewrite_json *r, struct buf *ahead)
{
    struct slice chunk = r->held.chunk;
    size_t front = (size_t)(r->begun.begin - r->held.chunk_at);
    json_path_keep(&r->path);
    r->held.chunk = slice_to(chunk, front);
    if (buf_add(ahead, slice_from(chunk, front)) != ERR_OK || held_end(&r->held) != ERR_OK)
        return rewrite_json_fail(r, ERR_FULL, r->begun.begin, "too much comes before what tells the branch");
    return ERR_AGAIN;
}

static enum err any_value(struct rewrite_json *r, const struct json_token *t, struct slice bytes, struct buf *ahead)
{
    if (rewrite_json_branches(r, t)) {
        enum err e = rewrite_json_branch(r, t, bytes);
        if (e == ERR_AGAIN)
            return wait_ahead(r, ahead);
        TRY(e);
        TRY(rewrite_json_check_kept(r, t->end));
        r->held.flow = HELD_GIVE;
    }
    return any_token(r, t);
}

/* `chunk` begins with `read` bytes that the reader has had.  AGAIN: its end waits in `ahead`. */
static enum err rewrite(struct rewrite_json *r, struct slice chunk, size_t read, struct buf *out, struct buf *ahead)
{
    struct slice bytes = slice_from(chunk, read);
    struct json_token token;
    enum err e;
    held_begin(&r->held, chunk, out);
    rewrite_json_land_out(r, out);
    if (read) {
        r->held.flow = HELD_GIVE;
        TRY(any_token(r, &r->begun));
    }
    do {
        TRY(glance(r, &bytes));
        e = json_tok_next(&r->tok, &bytes, &token);
        if (e == ERR_OK)
            TRY(any_value(r, &token, bytes, ahead));
    } while (e == ERR_OK);
    if (e != ERR_AGAIN)
        return rewrite_json_fail(r, e, json_tok_offset(&r->tok), json_tok_fault(&r->tok));
    json_path_keep(&r->path);
    if (held_end(&r->held) == ERR_OK)
        return ERR_OK;
    return rewrite_json_fail(r, ERR_FULL, json_tok_offset(&r->tok),
                             "a member is too large, or no room for what goes out");
}

/* It is known what the object is that waits, or nobody cares any more. */
static enum err rewrite_ahead(struct rewrite_json *r, struct buf *out)
{
    struct buf whole = r->ahead;
    buf_init(&r->ahead, r->most);
    enum err e = rewrite(r, buf_slice(&whole), 1, out, &r->ahead);
    buf_fini(&whole);
    return e == ERR_AGAIN ? ERR_OK : e;
}

static enum err feed_ahead(struct rewrite_json *r, struct slice *bytes, struct buf *out)
{
    size_t room = r->most - buf_len(&r->ahead), take = bytes->len < room ? bytes->len : room;
    struct slice piece = slice_to(*bytes, take);
    if (take == 0)
        return rewrite_json_fail(r, ERR_FULL, r->begun.begin, "too much comes before what tells the branch");
    *bytes = slice_from(*bytes, take);
    TRY(buf_add(&r->ahead, piece));
    enum err e = rewrite_json_branch_on(r, piece);
    return e == ERR_OK ? rewrite_ahead(r, out) : e == ERR_AGAIN ? ERR_OK : e;
}

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct rewrite_json *r = json_of(shared);
    while (r->scout.on && bytes.len)
        TRY(feed_ahead(r, &bytes, out));
    if (r->scout.on)
        return ERR_OK;
    enum err e = rewrite(r, bytes, 0, out, &r->ahead);
    return e == ERR_AGAIN ? ERR_OK : e;
}

static enum err finish(struct rewrite *shared, struct buf *out)
{
    struct rewrite_json *r = json_of(shared);
    while (r->scout.on) {
        branch_scout_fini(&r->scout);
        TRY(rewrite_ahead(r, out));
    }
    held_begin(&r->held, (struct slice){0}, out);
    rewrite_json_land_out(r, out);
    struct json_token token;
    enum err e;
    while ((e = json_tok_finish(&r->tok, &token)) == ERR_AGAIN)
        TRY(any_value(r, &token, (struct slice){0}, &r->ahead));
    if (e == ERR_OK && held_end(&r->held) != ERR_OK)
        return rewrite_json_fail(r, ERR_FULL, json_tok_offset(&r->tok), "no room for what goes out");
    return e == ERR_OK ? ERR_OK : rewrite_json_fail(r, e, json_tok_offset(&r->tok), json_tok_fault(&r->tok));
}

static void fini(struct rewrite *shared)
{
    struct rewrite_json *r = json_of(shared);
    json_tok_fini(&r->tok);
    json_names_fini(&r->names);
    json_path_fini(&r->path);
    held_fini(&r->held);
    branch_scout_fini(&r->scout);
    buf_fini(&r->ahead);
    while (r->depth)
        close_waits(&r->frames[--r->depth]);
    buf_fini(&r->nowhere.value);
    mem_free(r->closers);
    mem_free(r->frames);
    mem_free(r->seen);
}

static const struct rewrite_format json_format = {.feed = feed, .finish = finish, .fini = fini};

struct rewrite *rewrite_json_stage(struct plan *plan, const struct plan_tree *stage, size_t max_hold)
{
    struct rewrite_json *r = mem_new(sizeof(*r));
    rewrite_init(&r->shared, &json_format, plan);
    r->root = stage->root;
    json_tok_init(&r->tok, max_hold);
    r->tok.collect = plan_tree_judges(r->root);
    held_init(&r->held, max_hold);
    r->held.flow = plan_tree_waits(r->root) ? HELD_KEEP : HELD_GIVE;
    buf_init(&r->ahead, max_hold);
    buf_init(&r->nowhere.value, BUF_TEXT_BOUND); /* emptied again and again */
    r->most = max_hold;
    r->secret = json_names_secret();
    return &r->shared;
}

struct rewrite *rewrite_json_new(struct plan *plan, size_t max_hold)
{
    const struct plan_tree *tree = plan_compiled(plan);
    return tree->next ? rewrite_stages_new(plan, max_hold) : rewrite_json_stage(plan, tree, max_hold);
}
