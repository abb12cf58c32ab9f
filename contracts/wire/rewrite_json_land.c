#include "contracts/wire/rewrite_json_inside.h"

#include "base/mem.h"

enum { FIRST_CLOSERS = 4 };

/* ---- members of our own ---- */

/* A member of our own at the end of an object. */
static enum err write_own(struct rewrite_json *r, bool *wrote, struct slice quoted, struct slice value)
{
    if (*wrote)
        TRY(rewrite_json_add(r, SLICE(",")));
    *wrote = true;
    TRY(rewrite_json_add(r, quoted));
    TRY(rewrite_json_add(r, SLICE(":")));
    return rewrite_json_add(r, value);
}

/* What stands in for a member that is not there; `*there` untouched: nothing does. */
static enum err write_default(struct rewrite_json *r, bool *wrote, const struct plan_tree_out *o, uint64_t at)
{
    const struct rewrite_side *given = o->put == PLAN_TREE_NONE ? NULL : &r->shared.sides[o->put];
    if (given && given->there) {
        rewrite_json_applied(r, o->put);
        return write_own(r, wrote, o->quoted, buf_slice(&given->json));
    }
    if (o->fill == PLAN_TREE_NONE)
        return ERR_OK;
    if (!o->fill_ok)
        return rewrite_json_fail_name(r, at, "the plan's default for", o->name, " is not JSON");
    rewrite_json_applied(r, o->fill);
    return write_own(r, wrote, o->quoted, plan_step(r->shared.plan, (size_t)o->fill)->value);
}

/* The object ends at `at`; its last member, or its bracket, ends at `behind`. */
enum err rewrite_json_land_defaults(struct rewrite_json *r, struct frame *f, uint64_t at, uint64_t behind)
{
    for (const struct plan_tree_out *o = f->node->outs; o; o = o->next) {
        if ((o->fill == PLAN_TREE_NONE && o->put == PLAN_TREE_NONE) || o->lands || r->seen[f->seen + o->number])
            continue; /* for what may come from further out, the home knows at its end */
        TRY(rewrite_json_give(r, behind));
        TRY(write_default(r, &f->wrote, o, at));
    }
    return ERR_OK;
}

/* ---- members from elsewhere ---- */

static enum err fail_twice(struct rewrite_json *r, uint64_t at, const struct plan_tree_out *o)
{
    return rewrite_json_fail_name(r, at, "member", o->name, " is there twice after moving");
}

/* Comes up into this object, or leaves for the head. */
static enum err land_here(struct rewrite_json *r, struct frame *f, const struct plan_tree_slot *slot, uint64_t at)
{
    struct slice value = buf_slice(&f->waits[slot->number].value);
    if (!slot->out) {
        rewrite_took(&r->shared, (size_t)slot->step, value);
        rewrite_json_applied(r, slot->step);
        return ERR_OK;
    }
    bool *seen = &r->seen[f->seen + slot->out->number];
    if (*seen)
        return fail_twice(r, at, slot->out);
    *seen = true;
    rewrite_json_applied(r, slot->step);
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
        rewrite_json_applied(r, slot->step);
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
    return rewrite_json_add(r, SLICE("}"));
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
    /* Of what an array's element has nobody took note. */
    if (!opened || h->inside->shape != PLAN_TREE_NONE)
        return rewrite_json_fail_name(r, at, "member", h->out->name, " is no object, and others go into it");
    bool wrote = !empty;
    TRY(write_own(r, &f->wrote, h->out->quoted, object));
    TRY(land_inside(r, f, h, &wrote, at));
    TRY(fill_host(r, f, h, false, &wrote, at));
    return rewrite_json_add(r, SLICE("}"));
}

/* What has left its place for this object goes out at its end. */
enum err rewrite_json_land_all(struct rewrite_json *r, struct frame *f, uint64_t at, uint64_t behind)
{
    if (!f->waits)
        return ERR_OK;
    TRY(rewrite_json_give(r, behind));
    for (const struct plan_tree_slot *slot = f->node->slots; slot; slot = slot->next)
        if (!slot->host && f->waits[slot->number].there)
            TRY(land_here(r, f, slot, at));
    for (const struct plan_tree_host *h = f->node->hosts; h; h = h->next)
        TRY(land_in_host(r, f, h, at));
    return ERR_OK;
}

/* A host ends: are names taken that others want to land under? */
void rewrite_json_land_taken(struct rewrite_json *r, struct frame *f)
{
    struct frame *home = f - 1;
    if (!f->object || !f->node || !f->node->is_host || r->depth < 2 || !home->waits)
        return;
    for (const struct plan_tree_slot *slot = home->node->slots; slot; slot = slot->next)
        if (slot->host && slot->host->inside == f->node)
            home->waits[slot->number].taken = r->seen[f->seen + slot->out->number];
}

/* Where the value of this member goes instead of out; NULL: out. */
struct wait *rewrite_json_land_way(struct rewrite_json *r, struct frame *f, const struct plan_tree_member *m)
{
    if (m->host)
        return f->waits ? &f->waits[m->host->kept.number] : NULL;
    if (m->slot) {
        struct frame *home = f - m->slot->up;
        return &home->waits[m->slot->number];
    }
    return m->drop != PLAN_TREE_NONE && m->lets_out ? &r->nowhere : NULL;
}

void rewrite_json_land_push(struct rewrite_json *r, struct wait *wait)
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
enum err rewrite_json_land_end(struct rewrite_json *r, uint64_t end)
{
    while (r->closer_count && r->closers[r->closer_count - 1].depth == r->depth) {
        struct closer c = r->closers[r->closer_count - 1];
        TRY(rewrite_json_give(r, end));
        if (!c.wait)
            TRY(rewrite_json_add(r, SLICE("]")));
        else
            r->held.out = c.back;
        if (c.wait == &r->nowhere)
            buf_clear(&c.wait->value);
        r->closer_count--;
    }
    return ERR_OK;
}

/* The buffers that output goes through change from call to call; only the outermost is the caller's. */
void rewrite_json_land_out(struct rewrite_json *r, struct buf *out)
{
    struct buf *at = out;
    for (size_t i = 0; i < r->closer_count; i++) {
        r->closers[i].back = at;
        if (r->closers[i].wait)
            at = &r->closers[i].wait->value;
    }
    r->held.out = at;
}
