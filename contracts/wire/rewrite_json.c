/* The good path: the reader gives tokens, each with its place in the body; between them the bytes flow on as they
 * are (held).  In an object whose members a plan edits, and before a value that a plan judges, they are kept back
 * until the token comes that decides: the name for a rename or a drop, the value for the rest.
 *
 * Names are looked at in every object, edited or not: a body in which one comes twice means different things to
 * different readers, and is refused.
 *
 * Most members lie within one chunk and need no thought: they are passed at a glance (json_fast), and only what is
 * left goes by tokens. */
#include "base/check.h"
#include "base/mem.h"
#include "contracts/wire/held.h"
#include "contracts/wire/json_fast.h"
#include "contracts/wire/json_names.h"
#include "contracts/wire/json_number.h"
#include "contracts/wire/json_path.h"
#include "contracts/wire/json_tok.h"
#include "contracts/wire/plan_tree.h"
#include "contracts/wire/recode.h"
#include "contracts/wire/rewrite_format.h"
#include "contracts/wire/rewrite_stages.h"

enum { SHOWN_NAME = 48, FIRST_FRAMES = 8, FIRST_SEEN = 16, FIRST_CLOSERS = 4 };

/* One open object or array. */
struct frame {
    const struct plan_tree_node *node;  /* NULL: nothing to do in here */
    const struct plan_tree_node *child; /* of the value that comes next */
    struct json_names_object names;
    size_t seen; /* its first flag in rewrite_json.seen */
    bool object;
    bool keeps;         /* between values, bytes are kept back */
    bool wrote;         /* a member has gone out */
    int head;           /* the step that makes one element of it, or PLAN_TREE_NONE */
    struct wait *waits; /* one for each of the node's slots, or NULL */
};

/* A value that has left its place, as it goes out. */
struct wait {
    struct buf value;
    bool there;
    bool taken; /* the name that it is to land under came in already */
};

/* What is to be done when the value at `depth` is over. */
struct closer {
    size_t depth;
    struct wait *wait; /* what came out goes there; NULL: a bracket is added */
    struct buf *back;  /* and then on to there */
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
    struct json_path path;
    uint64_t secret; /* of json_names */
    size_t most;     /* that is kept back */
    struct held held;
    struct frame *frames;
    size_t depth, frame_room;
    bool *seen; /* a flag for each watched name of each open object */
    size_t seen_count, seen_room;
    struct undecided undecided;
    struct wait *leaving; /* the name has come of a value that goes there */
    struct closer *closers;
    size_t closer_count, closer_room;
    struct wait nowhere; /* what nobody wants goes there */
};

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
    if (r->held.out == &r->nowhere.value)
        buf_clear(&r->nowhere.value);
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

/* ---- members of our own ---- */

/* A member of our own at the end of an object. */
static enum err write_own(struct rewrite_json *r, bool *wrote, struct slice quoted, struct slice value)
{
    if (*wrote)
        TRY(add(r, SLICE(",")));
    *wrote = true;
    TRY(add(r, quoted));
    TRY(add(r, SLICE(":")));
    return add(r, value);
}

/* What stands in for a member that is not there; `*there` untouched: nothing does. */
static enum err write_default(struct rewrite_json *r, bool *wrote, const struct plan_tree_out *o, uint64_t at)
{
    const struct rewrite_side *given = o->put == PLAN_TREE_NONE ? NULL : &r->shared.sides[o->put];
    if (given && given->there) {
        applied(r, o->put);
        return write_own(r, wrote, o->quoted, buf_slice(&given->json));
    }
    if (o->fill == PLAN_TREE_NONE)
        return ERR_OK;
    if (!o->fill_ok)
        return fail_name(r, at, "the plan's default for", o->name, " is not JSON");
    applied(r, o->fill);
    return write_own(r, wrote, o->quoted, plan_step(r->shared.plan, (size_t)o->fill)->value);
}

/* The object ends at `at`; its last member, or its bracket, ends at `behind`. */
static enum err write_defaults(struct rewrite_json *r, struct frame *f, uint64_t at, uint64_t behind)
{
    for (const struct plan_tree_out *o = f->node->outs; o; o = o->next) {
        if ((o->fill == PLAN_TREE_NONE && o->put == PLAN_TREE_NONE) || o->lands || r->seen[f->seen + o->number])
            continue; /* for what may come from further out, the home knows at its end */
        TRY(give(r, behind));
        TRY(write_default(r, &f->wrote, o, at));
    }
    return ERR_OK;
}

/* ---- members from elsewhere ---- */

static enum err fail_twice(struct rewrite_json *r, uint64_t at, const struct plan_tree_out *o)
{
    return fail_name(r, at, "member", o->name, " is there twice after moving");
}

/* Comes up into this object, or leaves for the head. */
static enum err land_here(struct rewrite_json *r, struct frame *f, const struct plan_tree_slot *slot, uint64_t at)
{
    struct slice value = buf_slice(&f->waits[slot->number].value);
    if (!slot->out) {
        rewrite_took(&r->shared, (size_t)slot->step, value);
        applied(r, slot->step);
        return ERR_OK;
    }
    bool *seen = &r->seen[f->seen + slot->out->number];
    if (*seen)
        return fail_twice(r, at, slot->out);
    *seen = true;
    applied(r, slot->step);
    return write_own(r, &f->wrote, slot->out->quoted, value);
}

/* Is there something from elsewhere for this name, in a slot before `end` (NULL: in any)? */
static bool has_landed(const struct frame *f, const struct plan_tree_out *o, const struct plan_tree_slot *end)
{
    for (const struct plan_tree_slot *slot = f->node->slots; slot != end; slot = slot->next)
        if (slot->out == o && f->waits[slot->number].there)
            return true;
    return false;
}

/* Goes into a member of this object, behind what is there. */
static enum err land_inside(struct rewrite_json *r, const struct frame *f, const struct plan_tree_host *h, bool *wrote,
                            uint64_t at)
{
    for (const struct plan_tree_slot *slot = f->node->slots; slot; slot = slot->next) {
        struct wait *w = &f->waits[slot->number];
        if (slot->host != h || !w->there)
            continue;
        if (w->taken || has_landed(f, slot->out, slot))
            return fail_twice(r, at, slot->out);
        applied(r, slot->step);
        TRY(write_own(r, wrote, slot->out->quoted, buf_slice(&w->value)));
    }
    return ERR_OK;
}

/* Has the host a member of this name, or does one come? */
static bool has_inside(const struct frame *f, const struct plan_tree_out *o)
{
    for (const struct plan_tree_slot *slot = f->node->slots; slot; slot = slot->next)
        if (slot->out == o && (f->waits[slot->number].there || f->waits[slot->number].taken))
            return true;
    return false;
}

static bool is_awaited(const struct frame *f, const struct plan_tree_host *h)
{
    for (const struct plan_tree_slot *slot = f->node->slots; slot; slot = slot->next)
        if (slot->host == h && f->waits[slot->number].there)
            return true;
    return false;
}

/* Defaults of a host: all when it is made, those that waited for others to come when it was there. */
static enum err fill_host(struct rewrite_json *r, const struct frame *f, const struct plan_tree_host *h, bool made,
                          bool *wrote, uint64_t at)
{
    for (const struct plan_tree_out *o = h->inside->outs; o; o = o->next)
        if ((made || o->lands) && !has_inside(f, o))
            TRY(write_default(r, wrote, o, at));
    return ERR_OK;
}

static enum err make_host(struct rewrite_json *r, struct frame *f, const struct plan_tree_host *h, uint64_t at)
{
    bool wrote = false;
    TRY(write_own(r, &f->wrote, h->out->quoted, SLICE("{")));
    TRY(land_inside(r, f, h, &wrote, at));
    TRY(fill_host(r, f, h, true, &wrote, at));
    return add(r, SLICE("}"));
}

/* Is there nothing to add to a host that came? */
static bool is_complete(const struct frame *f, const struct plan_tree_host *h)
{
    for (const struct plan_tree_out *o = h->inside->outs; o; o = o->next)
        if (o->lands && (o->fill != PLAN_TREE_NONE || o->put != PLAN_TREE_NONE) && !has_inside(f, o))
            return false;
    return true;
}

/* The object's text without its last bracket. */
static bool open_end(struct slice *object, bool *empty)
{
    if (object->len < 2 || object->at[0] != '{')
        return false;
    size_t end = object->len - 1;
    while (end > 1 && (object->at[end - 1] == ' ' || object->at[end - 1] == '\n' || object->at[end - 1] == '\r' ||
                       object->at[end - 1] == '\t'))
        end--;
    *object = slice_to(*object, end);
    *empty = end == 1;
    return true;
}

static enum err land_in_host(struct rewrite_json *r, struct frame *f, const struct plan_tree_host *h, uint64_t at)
{
    const struct wait *kept = &f->waits[h->kept.number];
    struct slice object = buf_slice(&kept->value);
    bool awaited = is_awaited(f, h), empty;
    bool *seen = &r->seen[f->seen + h->out->number];
    if (!kept->there && !awaited)
        return ERR_OK;
    if (*seen)
        return fail_twice(r, at, h->out);
    *seen = true;
    if (!kept->there)
        return make_host(r, f, h, at);
    bool opened = open_end(&object, &empty);
    if (!awaited && (!opened || is_complete(f, h)))
        return write_own(r, &f->wrote, h->out->quoted, buf_slice(&kept->value));
    if (!opened)
        return fail_name(r, at, "member", h->out->name, " is no object, and others go into it");
    bool wrote = !empty;
    TRY(write_own(r, &f->wrote, h->out->quoted, object));
    TRY(land_inside(r, f, h, &wrote, at));
    TRY(fill_host(r, f, h, false, &wrote, at));
    return add(r, SLICE("}"));
}

/* What has left its place for this object goes out at its end. */
static enum err land(struct rewrite_json *r, struct frame *f, uint64_t at, uint64_t behind)
{
    if (!f->waits)
        return ERR_OK;
    TRY(give(r, behind));
    for (const struct plan_tree_slot *slot = f->node->slots; slot; slot = slot->next)
        if (!slot->host && f->waits[slot->number].there)
            TRY(land_here(r, f, slot, at));
    for (const struct plan_tree_host *h = f->node->hosts; h; h = h->next)
        TRY(land_in_host(r, f, h, at));
    return ERR_OK;
}

/* A host ends: are names taken that others want to land under? */
static void mark_taken(struct rewrite_json *r, struct frame *f)
{
    struct frame *home = f - 1;
    if (!f->object || !f->node || !f->node->is_host || r->depth < 2 || !home->waits)
        return;
    for (const struct plan_tree_slot *slot = home->node->slots; slot; slot = slot->next)
        if (slot->host && slot->host->inside == f->node)
            home->waits[slot->number].taken = r->seen[f->seen + slot->out->number];
}

/* Where the value of this member goes instead of out; NULL: out. */
static struct wait *way_out(struct rewrite_json *r, struct frame *f, const struct plan_tree_member *m)
{
    if (m->host)
        return f->waits ? &f->waits[m->host->kept.number] : NULL;
    if (m->slot) {
        struct frame *home = f - m->slot->up;
        return &home->waits[m->slot->number];
    }
    return m->drop != PLAN_TREE_NONE && m->lets_out ? &r->nowhere : NULL;
}

static void push_closer(struct rewrite_json *r, struct wait *wait)
{
    if (r->closer_count == r->closer_room) {
        r->closer_room = r->closer_room ? r->closer_room * 2 : FIRST_CLOSERS;
        r->closers = mem_resize(r->closers, r->closer_room, sizeof(*r->closers));
    }
    r->closers[r->closer_count++] = (struct closer){.depth = r->depth, .wait = wait, .back = r->held.out};
    if (!wait)
        return;
    buf_clear(&wait->value);
    wait->there = true;
    r->held.out = &wait->value;
}

/* The value has ended, and so has what was begun with it. */
static enum err end_closers(struct rewrite_json *r, uint64_t end)
{
    while (r->closer_count && r->closers[r->closer_count - 1].depth == r->depth) {
        struct closer c = r->closers[r->closer_count - 1];
        TRY(give(r, end));
        if (!c.wait)
            TRY(add(r, SLICE("]")));
        else
            r->held.out = c.back;
        if (c.wait == &r->nowhere)
            buf_clear(&c.wait->value);
        r->closer_count--;
    }
    return ERR_OK;
}

/* The buffers that output goes through change from call to call; only the outermost is the caller's. */
static void set_out(struct rewrite_json *r, struct buf *out)
{
    struct buf *at = out;
    for (size_t i = 0; i < r->closer_count; i++) {
        r->closers[i].back = at;
        if (r->closers[i].wait)
            at = &r->closers[i].wait->value;
    }
    r->held.out = at;
}

/* ---- members ---- */

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

static enum err edit_name(struct rewrite_json *r, struct frame *f, const struct plan_tree_member *m,
                          const struct json_token *t)
{
    TRY(check_kept(r, t->end));
    r->leaving = m ? way_out(r, f, m) : NULL;
    if (r->leaving) {
        r->undecided = (struct undecided){.member = m, .begin = t->begin, .end = t->end};
        if (r->leaving == &r->nowhere)
            applied(r, m->drop);
        held_drop(&r->held, t->end);
        r->held.flow = HELD_KEEP;
        return ERR_OK;
    }
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
    json_path_name(&r->path, t->text);
    json_path_keep(&r->path);
    uint64_t hash = json_names_hash_under(r->secret, t->text);
    enum err e = json_names_add(&r->names, &f->names, hash);
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
    expect(r);
    if (!f->keeps || (!f->object && f->head == PLAN_TREE_NONE))
        return ERR_OK;
    if (f->head != PLAN_TREE_NONE) {
        held_drop(&r->held, t->end);
        return ERR_OK;
    }
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

static enum err fail_range(struct rewrite_json *r, const struct plan_step *s, uint64_t at)
{
    buf_putf(&r->shared.fault, "a whole number from %lld to %lld is expected", (long long)s->low, (long long)s->high);
    return fail(r, ERR_PEER, at, "");
}

static enum err narrow_value(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    if (t->kind == JSON_TOK_NULL)
        return ERR_OK;
    if (t->kind != JSON_TOK_NUMBER)
        return fail(r, ERR_PEER, t->begin, "a number is expected");
    const struct plan_step *s = plan_step(r->shared.plan, (size_t)n->narrow);
    int64_t number;
    if (json_number_whole(t->text, &number) != ERR_OK || number < s->low || number > s->high)
        return fail_range(r, s, t->begin);
    applied(r, n->narrow);
    return ERR_OK;
}

static enum err recoded(struct rewrite_json *r, const struct plan_step *s, const struct json_token *t, struct buf *out)
{
    const char *fault = recode(s, t->text, out);
    return fault ? fail(r, ERR_PEER, t->begin, fault) : ERR_OK;
}

/* What a scale, text or number step makes of a value, into `out`. */
static enum err turned(struct rewrite_json *r, const struct plan_step *s, const struct json_token *t, struct buf *out)
{
    int64_t whole;
    if (s->op >= PLAN_ENCODE)
        TRY(recoded(r, s, t, out));
    else if (s->op == PLAN_SCALE) {
        if (json_number_scale(t->text, (uint64_t)s->times, (uint64_t)s->per, out) != ERR_OK)
            return fail(r, ERR_PEER, t->begin, "a number that can be converted exactly is expected");
    } else if (s->op == PLAN_NUMBER) {
        if (!json_number_plain(t->text))
            return fail(r, ERR_PEER, t->begin, "a string of digits is expected");
        TRY(buf_add(out, t->text));
    } else if (json_number_plain(t->text)) {
        buf_putf(out, "\"%.*s\"", SLICE_FMT(t->text));
    } else if (json_number_whole(t->text, &whole) == ERR_OK) {
        buf_putf(out, "\"%lld\"", (long long)whole);
    } else {
        return fail(r, ERR_PEER, t->begin, "a whole number is expected");
    }
    if ((s->op == PLAN_SCALE || s->op == PLAN_NUMBER || s->op == PLAN_EPOCH) && s->whole &&
        (json_number_whole(buf_slice(out), &whole) != ERR_OK || whole < s->low || whole > s->high))
        return fail_range(r, s, t->begin);
    return ERR_OK;
}

static enum err turn_value(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    const struct plan_step *s = plan_step(r->shared.plan, (size_t)n->turn);
    bool from_text = s->op != PLAN_SCALE && s->op != PLAN_TEXT && s->op != PLAN_DATE;
    if (t->kind == JSON_TOK_NULL)
        return ERR_OK;
    if (t->kind != (from_text ? JSON_TOK_STRING : JSON_TOK_NUMBER))
        return fail(r, ERR_PEER, t->begin, from_text ? "a string is expected" : "a number is expected");
    struct buf made;
    buf_init(&made, RECODE_TIMES * r->most + RECODE_MORE);
    enum err e = turned(r, s, t, &made);
    if (e == ERR_OK)
        e = give(r, t->begin);
    if (e == ERR_OK)
        e = add(r, buf_slice(&made));
    buf_fini(&made);
    TRY(e);
    held_drop(&r->held, t->end);
    applied(r, n->turn);
    return ERR_OK;
}

static enum err judge_value(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    TRY(check_kept(r, t->end));
    /* A scaled number has a range of its own, for what it becomes. */
    if (n->narrow != PLAN_TREE_NONE && n->turn == PLAN_TREE_NONE)
        TRY(narrow_value(r, n, t));
    if (n->turn != PLAN_TREE_NONE)
        TRY(turn_value(r, n, t));
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

/* The value of a member that leaves its place begins. */
static enum err leave(struct rewrite_json *r, const struct json_token *t)
{
    struct wait *to = r->leaving;
    r->leaving = NULL;
    TRY(check_kept(r, t->end));
    held_drop(&r->held, t->begin);
    if (t->kind == JSON_TOK_NULL && r->undecided.member->strip != PLAN_TREE_NONE) {
        applied(r, r->undecided.member->strip);
        r->held.flow = HELD_DROP;
        return ERR_OK;
    }
    push_closer(r, to);
    r->held.flow = HELD_GIVE;
    return ERR_OK;
}

/* An element of an array of which one is wanted. */
static enum err pick(struct rewrite_json *r, const struct frame *f, const struct json_token *t)
{
    enum plan_pick wanted = plan_step(r->shared.plan, (size_t)f->head)->pick;
    bool first = r->path.steps[r->path.depth - 1].index == 0;
    if (wanted == PLAN_ONLY && !first)
        return fail(r, ERR_PEER, t->begin, "one element is expected, and here is another");
    held_drop(&r->held, t->begin);
    if (wanted == PLAN_LAST)
        push_closer(r, f->waits);
    else if (!first)
        push_closer(r, &r->nowhere);
    r->held.flow = HELD_GIVE;
    return ERR_OK;
}

/* The array has ended: with nothing in it, or with its last element kept. */
static enum err close_head(struct rewrite_json *r, const struct frame *f, const struct json_token *t)
{
    const struct plan_step *s = plan_step(r->shared.plan, (size_t)f->head);
    bool none = r->path.steps[r->path.depth - 1].index < 0;
    if (none && !f->node->else_ok)
        return fail(r, ERR_PEER, t->begin, "an array with an element is expected");
    held_drop(&r->held, t->end);
    if (none)
        TRY(add(r, s->value));
    else if (s->pick == PLAN_LAST)
        TRY(add(r, buf_slice(&f->waits->value)));
    applied(r, f->head);
    return ERR_OK;
}

/* A value that becomes an array, or an array that becomes its element. */
static enum err shape(struct rewrite_json *r, const struct plan_tree_node *n, const struct json_token *t)
{
    const struct plan_step *s = plan_step(r->shared.plan, (size_t)n->shape);
    bool null = t->kind == JSON_TOK_NULL;
    TRY(give(r, t->begin));
    r->held.flow = HELD_GIVE;
    if (s->op == PLAN_WRAP) {
        applied(r, n->shape);
        TRY(add(r, null ? SLICE("[]") : SLICE("[")));
        if (null)
            held_drop(&r->held, t->end);
        else
            push_closer(r, NULL);
        return ERR_OK;
    }
    return null || t->kind == JSON_TOK_ARRAY ? ERR_OK : fail(r, ERR_PEER, t->begin, "an array is expected");
}

/* The first token of a value, or all of it when it is neither object nor array. */
static enum err begin_value(struct rewrite_json *r, const struct json_token *t)
{
    struct frame *f = top(r);
    if (!f)
        return check_root(r, t);
    json_path_element(&r->path);
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
    if (r->leaving) {
        TRY(leave(r, t));
        if (r->held.flow == HELD_DROP)
            return ERR_OK;
    }
    if (f->head != PLAN_TREE_NONE)
        TRY(pick(r, f, t));
    if (f->child && f->child->shape != PLAN_TREE_NONE)
        TRY(shape(r, f->child, t));
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
    if (f && t->kind == JSON_TOK_ARRAY && is_headed(r, node))
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
        TRY(check_kept(r, t->begin));
        if (f->object)
            TRY(land(r, f, t->begin, behind));
        if (f->object)
            TRY(write_defaults(r, f, t->begin, behind));
        if (f->head != PLAN_TREE_NONE)
            TRY(close_head(r, f, t));
        TRY(give(r, t->end));
        r->held.flow = HELD_GIVE;
    }
    mark_taken(r, f);
    close_frame(r);
    TRY(end_closers(r, t->end));
    return end_value(r, t->end);
}

static enum err scalar_token(struct rewrite_json *r, const struct json_token *t)
{
    TRY(begin_value(r, t));
    TRY(end_closers(r, t->end));
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
        TRY(write_defaults(r, f, place(r, bracket), place(r, g->at)));
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
        TRY(give(r, place(r, m->comma ? m->comma : g->at)));
        r->held.flow = HELD_DROP;
        f->child = NULL;
        applied(r, k->drop);
        return ERR_OK;
    }
    if (m->comma && !f->wrote) {
        TRY(give(r, place(r, m->comma)));
        held_drop(&r->held, place(r, m->comma + 1));
    }
    f->wrote = true;
    if (!k || !k->out)
        return ERR_OK;
    r->seen[f->seen + k->out->number] = true;
    if (k->rename == PLAN_TREE_NONE)
        return ERR_OK;
    TRY(give(r, place(r, m->name)));
    TRY(add(r, k->out->quoted));
    held_drop(&r->held, place(r, m->name_end + 1));
    applied(r, k->rename);
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

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct rewrite_json *r = json_of(shared);
    held_begin(&r->held, bytes, out);
    set_out(r, out);
    struct json_token token;
    enum err e;
    do {
        TRY(glance(r, &bytes));
        e = json_tok_next(&r->tok, &bytes, &token);
        if (e == ERR_OK)
            TRY(any_token(r, &token));
    } while (e == ERR_OK);
    if (e != ERR_AGAIN)
        return fail(r, e, json_tok_offset(&r->tok), json_tok_fault(&r->tok));
    json_path_keep(&r->path);
    if (held_end(&r->held) == ERR_OK)
        return ERR_OK;
    return fail(r, ERR_FULL, json_tok_offset(&r->tok), "a member is too large, or no room for what goes out");
}

static enum err finish(struct rewrite *shared, struct buf *out)
{
    struct rewrite_json *r = json_of(shared);
    held_begin(&r->held, (struct slice){0}, out);
    set_out(r, out);
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
    json_path_fini(&r->path);
    held_fini(&r->held);
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
    held_init(&r->held, max_hold);
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
