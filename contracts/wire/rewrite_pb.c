#include "base/mem.h"
#include "contracts/wire/rewrite_pb_inside.h"

/* The body is a frame of fields, and so is each message or group that is open in it.
 *
 * A run of bytes that nothing touches grows until a step must change something; then it goes out in one piece.  A
 * message that has its length in front stays part of the run, too, until something inside it changes: only then is its
 * header written, with as many bytes for the length as it came with, and the length is put right at its end.  So
 * messages without a change keep every byte, and cost no more than a look at their fields.
 *
 * A field that the bytes at hand do not hold whole is either passed on in parts, when nothing looks at it, or waited
 * for: `need` says how many bytes make it whole, or that one more must be read to know. */

enum { FRAMES = 4, MARKS = 8, HEADER_MOST = 2 * PBSCAN_KEY_MOST, KEEP_MEMORY = 16 << 10 };

static struct rewrite_pb *pb_of(struct rewrite *r)
{
    return (struct rewrite_pb *)r;
}

/* ---- what is wrong ---- */

static void put_place(const struct rewrite_pb *r, uint32_t number)
{
    struct buf *b = (struct buf *)&r->shared.fault;
    buf_put(b, SLICE(" at "));
    for (size_t i = 1; i < r->depth; i++)
        buf_putf(b, "/%u", r->frames[i].number);
    if (number)
        buf_putf(b, "/%u", number);
    else if (r->depth == 1)
        buf_put_char(b, '/');
}

enum err rewrite_pb_refuse(struct rewrite_pb *r, size_t at, uint32_t number, const char *what)
{
    r->shared.offset = r->taken + at;
    buf_put(&r->shared.fault, slice_str(what));
    put_place(r, number);
    buf_text(&r->shared.fault);
    return ERR_PEER;
}

static enum err too_large(struct rewrite_pb *r, size_t at, uint32_t number)
{
    enum err e = rewrite_pb_refuse(r, at, number, "a field is larger than a step may hold,");
    (void)e;
    return ERR_FULL;
}

enum err rewrite_pb_no_room(struct rewrite_pb *r)
{
    enum err e = rewrite_pb_refuse(r, r->run, 0, "more goes out than has room,");
    (void)e;
    return ERR_FULL;
}
enum err rewrite_pb_refuse_value(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f,
                                 const char *what)
{
    r->shared.offset = r->taken + f->begin;
    buf_putf(&r->shared.fault, "%s", pbvalue_name(rule->kind));
    if (rule->kind != rule->becomes)
        buf_putf(&r->shared.fault, " -> %s", pbvalue_name(rule->becomes));
    buf_putf(&r->shared.fault, ": the value %s,", what);
    put_place(r, f->number);
    buf_text(&r->shared.fault);
    return ERR_PEER;
}

/* ---- frames ---- */

static MUST_USE struct frame *push_seldom(struct rewrite_pb *r, size_t marks)
{
    if (r->depth == r->room) {
        r->room = r->room ? 2 * r->room : FRAMES;
        r->frames = mem_resize(r->frames, r->room, sizeof(*r->frames));
    }
    if (r->mark_count + marks > r->mark_room) {
        r->mark_room = 2 * (r->mark_count + marks) + MARKS;
        r->marks = mem_resize(r->marks, r->mark_room, sizeof(*r->marks));
    }
    return &r->frames[r->depth];
}

static inline struct frame *push(struct rewrite_pb *r, const struct pbplan_node *node)
{
    size_t marks = node ? node->out_count : 0;
    bool fits = r->depth < r->room && r->mark_count + marks <= r->mark_room;
    struct frame *f = fits ? &r->frames[r->depth] : push_seldom(r, marks);
    *f = (struct frame){.node = node, .marks = r->mark_count};
    r->depth++;
    for (size_t i = 0; i < marks; i++)
        r->marks[r->mark_count++] = 0;
    return f;
}

static void pop(struct rewrite_pb *r)
{
    r->mark_count = rewrite_pb_top(r)->marks;
    r->depth--;
}

static inline enum err open_frame(struct rewrite_pb *r, const struct pbscan_field *f, const struct pbplan_node *node,
                                  struct frame **out)
{
    if (r->depth > REWRITE_DEPTH)
        return rewrite_pb_refuse(r, f->begin, f->number, "a message is deeper than 128,");
    struct frame *new = push(r, node);
    new->number = f->number;
    new->begin = f->begin;
    new->in = f->value;
    *out = new;
    return ERR_OK;
}

static enum err open_group_frame(struct rewrite_pb *r, const struct pbscan_field *f, const struct pbplan_field *rule,
                                 size_t limit)
{
    bool within = rewrite_pb_top(r)->within;
    struct frame *group;
    TRY(open_frame(r, f, rule ? rule->inside : NULL, &group));
    group->group = group->written = true;
    group->out = rule ? rule->out : f->number;
    group->within = within;
    group->end = limit;
    return ERR_OK;
}

/* What must go out and has not. */
static enum err fill(struct rewrite_pb *r, size_t at)
{
    const struct frame *f = rewrite_pb_top(r);
    if (!f->node || !f->node->fills)
        return ERR_OK;
    for (const struct pbplan_out *o = f->node->fills; o; o = o->next_fill) {
        if (r->marks[f->marks + (size_t)o->watch])
            continue;
        TRY(rewrite_pb_out_break(r, at));
        TRY(rewrite_pb_out_put(r, o->bytes));
        r->shared.applied[o->fill]++;
    }
    return ERR_OK;
}

static enum err close_message(struct rewrite_pb *r, size_t at)
{
    TRY(fill(r, at));
    const struct frame *f = rewrite_pb_top(r);
    if (f->written) {
        TRY(rewrite_pb_out_flush(r, at));
        TRY(rewrite_pb_out_length(r, f->header, f->reserve));
    } else {
        r->unwritten--;
    }
    pop(r);
    return ERR_OK;
}

static enum err close_group(struct rewrite_pb *r, const struct pbscan_field *f)
{
    const struct frame *group = rewrite_pb_top(r);
    if (!group->group || group->number != f->number)
        return rewrite_pb_refuse(r, f->begin, f->number, "not protobuf: the end of a group that is not open");
    if (!group->dropped)
        TRY(fill(r, f->begin));
    group = rewrite_pb_top(r);
    if (group->out != group->number && !r->dropping) {
        TRY(rewrite_pb_out_break(r, f->begin));
        TRY(rewrite_pb_out_key(r, group->out, PBWIRE_END));
        r->run = f->end;
    }
    if (group->dropped) {
        r->run = f->end;
        r->dropping--;
    }
    pop(r);
    return ERR_OK;
}

/* Two fields must not become one. */
enum err rewrite_pb_mark(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f)
{
    if (rule->watch == PBPLAN_NONE)
        return ERR_OK;
    uint32_t *m = &r->marks[rewrite_pb_top(r)->marks + (size_t)rule->watch];
    if (*m && *m != f->number)
        return rewrite_pb_refuse(r, f->begin, f->number, "a field takes the number of another that is there already,");
    *m = f->number;
    return ERR_OK;
}
/* ---- one field ---- */

/* What one look at a field comes to. */
enum step { NEXT, WAIT, PASSING, FAILED };

static enum step step_of(enum err e, struct rewrite_pb *r)
{
    r->shared.stuck = e;
    return e == ERR_OK ? NEXT : FAILED;
}

static enum step cut_off(struct rewrite_pb *r, const struct pbscan_field *f)
{
    return step_of(
        rewrite_pb_refuse(r, f->begin, f->number, "not protobuf: a field is longer than the message around it,"), r);
}

/* Nothing looks at what is in it; what is not here yet passes when it comes. */
static enum step skip(struct rewrite_pb *r, const struct pbscan_field *f, size_t limit, bool drops)
{
    if (f->end <= limit)
        return NEXT;
    if (rewrite_pb_top(r)->within)
        return cut_off(r, f);
    r->pass = f->end - limit;
    r->pass_drops = drops || r->dropping;
    return PASSING;
}

static enum step drop(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f, size_t limit)
{
    enum err e = rewrite_pb_out_break(r, f->begin);
    if (e != ERR_OK)
        return step_of(e, r);
    rewrite_pb_count(r, rule->drop);
    if (f->type == PBWIRE_GROUP) {
        r->dropping++;
        e = open_group_frame(r, f, NULL, limit);
        if (e == ERR_OK)
            rewrite_pb_top(r)->dropped = true;
        return step_of(e, r);
    }
    r->run = f->end < limit ? f->end : limit;
    return skip(r, f, limit, true);
}

/* The key alone changes. */
static enum err renumber(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f)
{
    TRY(rewrite_pb_out_break(r, f->begin));
    TRY(rewrite_pb_out_key(r, rule->out, f->type));
    r->run = f->after_key;
    rewrite_pb_count(r, rule->rename);
    return ERR_OK;
}

static enum step open_group(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f,
                            size_t limit)
{
    if (rule && rule->rename != PBPLAN_NONE) {
        enum err e = renumber(r, rule, f);
        if (e != ERR_OK)
            return step_of(e, r);
    }
    return step_of(open_group_frame(r, f, rule, limit), r);
}

static enum err open_message(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f)
{
    struct frame *message;
    TRY(open_frame(r, f, rule->inside, &message));
    message->within = true;
    message->out = rule->out;
    message->end = f->end;
    r->unwritten++;
    rewrite_pb_count(r, rule->enter);
    if (rule->rename == PBPLAN_NONE)
        return ERR_OK;
    rewrite_pb_count(r, rule->rename);
    return rewrite_pb_out_break(r, f->value);
}

/* Must it be whole before anything can go on? */
static enum step want_whole(struct rewrite_pb *r, const struct pbscan_field *f, size_t limit)
{
    if (f->end - f->begin > r->max_hold)
        return step_of(too_large(r, f->begin, f->number), r);
    if (f->end <= limit)
        return NEXT;
    if (rewrite_pb_top(r)->within)
        return cut_off(r, f);
    r->need = f->end - f->begin;
    return WAIT;
}

static enum step touch(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f,
                       size_t limit)
{
    if (rule->drop != PBPLAN_NONE)
        return drop(r, rule, f, limit);
    bool enters = rule->inside && f->type == PBWIRE_BYTES;
    if (rule->judged || enters) {
        enum step s = want_whole(r, f, limit);
        if (s != NEXT)
            return s;
    }
    if (rule->judged)
        return step_of(rewrite_pb_value_judge(r, rule, f), r);
    enum err e = rewrite_pb_mark(r, rule, f);
    if (e == ERR_OK && rule->inside && !enters && f->type != PBWIRE_GROUP)
        e = rewrite_pb_refuse(r, f->begin, f->number, "a field should be a message and is none,");
    if (e != ERR_OK)
        return step_of(e, r);
    if (f->type == PBWIRE_GROUP)
        return open_group(r, rule, f, limit);
    if (enters)
        return step_of(open_message(r, rule, f), r);
    if (rule->rename != PBPLAN_NONE && (e = renumber(r, rule, f)) != ERR_OK)
        return step_of(e, r);
    return skip(r, f, limit, false);
}

/* ---- at a glance ---- */

/* Past the value of a field whose key ends at `at`; NULL: it is to be looked at closer. */
static inline const char *past_value(const char *at, const char *end, unsigned type)
{
    size_t rest = (size_t)(end - at), n = 0, most = rest < PBVALUE_MOST - 1 ? rest : PBVALUE_MOST - 1;
    switch (type) {
    case PBWIRE_VARINT:
        while (n < most && (unsigned char)at[n] >= 0x80)
            n++;
        return n < most ? at + n + 1 : NULL;
    case PBWIRE_64:
        return rest < 8 ? NULL : at + 8;
    case PBWIRE_32:
        return rest < 4 ? NULL : at + 4;
    case PBWIRE_BYTES:
        if (rest < 2)
            return NULL;
        n = (unsigned char)at[0];
        if (n < 0x80)
            return n < rest ? at + 1 + n : NULL;
        if ((unsigned char)at[1] >= 0x80)
            return NULL;
        n = (n & 0x7f) | (size_t)(unsigned char)at[1] << 7;
        return n + 2 <= rest ? at + 2 + n : NULL;
    default:
        return NULL;
    }
}

/* A field that is renumbered or dropped and not looked at; false: nothing has happened. */
static inline bool glance_step(struct rewrite_pb *r, const struct pbplan_field *rule, size_t begin, size_t value,
                               size_t end)
{
    bool drops = rule->quick == PBPLAN_QUICK_DROP;
    size_t some = begin - r->run, more = PBSCAN_KEY_MOST + HEADER_MOST * (size_t)r->unwritten;
    uint32_t *m = NULL;
    if (rule->quick == PBPLAN_QUICK_NOT || (size_t)(r->most - r->to) < some + more)
        return false;
    if (rule->quick == PBPLAN_QUICK_RENUMBER && rule->watch != PBPLAN_NONE) {
        m = &r->marks[rewrite_pb_top(r)->marks + (size_t)rule->watch];
        if (*m && *m != rule->number)
            return false;
        *m = rule->number;
    }
    if (r->unwritten && rewrite_pb_out_headers(r) != ERR_OK)
        return false; /* there was room */
    some = begin - r->run;
    rewrite_pb_out_copy(r->to, r->window.at + r->run, some);
    r->to += some;
    r->run = drops ? end : value;
    if (!drops)
        r->to += pbvalue_write_varint((uint64_t)rule->out << 3 | ((unsigned char)r->window.at[begin] & 7), r->to);
    r->shared.applied[drops ? rule->drop : rule->rename]++;
    return true;
}

/* Fields that are whole and need no more than this, one after the other: most are.  Where the first other begins. */
static size_t glance(struct rewrite_pb *r, size_t at, size_t limit)
{
    const struct pbplan_node *node = rewrite_pb_top(r)->node;
    const char *base = r->window.at, *end = base + limit, *p = base + at;
    while (end - p >= 2) {
        unsigned key = (unsigned char)p[0], width = 1;
        if (key >= 0x80) {
            unsigned second = (unsigned char)p[1];
            if (second >= 0x80)
                break;
            key = (key & 0x7f) | second << 7;
            width = 2;
        }
        const char *value = p + width, *next = past_value(value, end, key & 7);
        if (!next || key < 8)
            break;
        const struct pbplan_field *rule = node ? pbplan_field(node, key >> 3) : NULL;
        if (rule && !glance_step(r, rule, (size_t)(p - base), (size_t)(value - base), (size_t)(next - base)))
            break;
        p = next;
    }
    return (size_t)(p - base);
}

/* ---- the bytes at hand ---- */

/* Where the next field must end at the latest. */
static size_t limit_of(struct rewrite_pb *r)
{
    return rewrite_pb_top(r)->within ? rewrite_pb_top(r)->end : r->window.len;
}

static enum step short_of(struct rewrite_pb *r, const struct pbscan_field *f, size_t limit)
{
    if (rewrite_pb_top(r)->within)
        return cut_off(r, f);
    r->need = limit - f->begin + 1;
    return WAIT;
}

static enum step some_fields(struct rewrite_pb *r, size_t *at)
{
    size_t limit = limit_of(r);
    const struct pbplan_node *node = rewrite_pb_top(r)->node;
    struct pbscan_field f = {.begin = *at};
    size_t depth = r->depth;
    const char *why = "";
    enum step s = NEXT;
    for (;;) {
        f.begin = glance(r, f.begin, limit);
        if (f.begin >= limit)
            break;
        enum pbscan got = pbscan_field(r->window.at, limit, &f, &why);
        if (got == PBSCAN_WRONG)
            return step_of(rewrite_pb_refuse(r, f.begin, f.number, why), r);
        if (got == PBSCAN_SHORT) {
            s = short_of(r, &f, limit);
            break;
        }
        const struct pbplan_field *rule = node ? pbplan_field(node, f.number) : NULL;
        if (rule && f.type != PBWIRE_END)
            s = touch(r, rule, &f, limit);
        else if (f.type == PBWIRE_END)
            s = step_of(close_group(r, &f), r);
        else if (f.type == PBWIRE_GROUP)
            s = open_group(r, NULL, &f, limit);
        else
            s = skip(r, &f, limit, false);
        if (s == WAIT || s == FAILED)
            break;
        bool moved = r->depth != depth;
        f.begin = s == PASSING ? limit : moved && f.type == PBWIRE_BYTES ? f.value : f.end;
        if (s == PASSING || moved)
            break;
    }
    *at = f.begin;
    return s;
}

/* Looks at the window; `*used` bytes need not be seen again. */
static enum err look(struct rewrite_pb *r, struct slice window, size_t *used)
{
    size_t at = 0;
    enum step s = NEXT;
    r->window = window;
    r->run = 0;
    while (s == NEXT) {
        bool message = r->depth > 1 && rewrite_pb_top(r)->within && !rewrite_pb_top(r)->group;
        if (at == limit_of(r) && message) {
            s = step_of(close_message(r, at), r);
        } else if (at == limit_of(r)) {
            if (rewrite_pb_top(r)->within)
                return r->shared.stuck =
                           rewrite_pb_refuse(r, at, 0, "not protobuf: a group does not end in its message,");
            break;
        } else {
            s = some_fields(r, &at);
        }
    }
    if (s == FAILED)
        return r->shared.stuck;
    *used = at;
    return rewrite_pb_out_flush(r, at);
}

/* Bytes that nothing looks at. */
static enum err pass_on(struct rewrite_pb *r, struct slice *bytes)
{
    struct slice some = slice_to(*bytes, r->pass < bytes->len ? (size_t)r->pass : bytes->len);
    r->window = some;
    r->run = 0;
    if (!r->pass_drops)
        TRY(rewrite_pb_out_put(r, some));
    r->pass -= some.len;
    r->taken += some.len;
    *bytes = slice_from(*bytes, some.len);
    return ERR_OK;
}

/* The field that was not whole gets more; it is looked at when it is, and then the bytes go on. */
static enum err take_held(struct rewrite_pb *r, struct slice *bytes)
{
    size_t used = 0, more = r->need - buf_len(&r->held);
    struct slice some = slice_to(*bytes, more);
    buf_put(&r->held, some);
    *bytes = slice_from(*bytes, some.len);
    if (some.len < more)
        return ERR_OK;
    TRY(look(r, buf_slice(&r->held), &used));
    if (used == 0)
        return ERR_OK;
    POST(used == buf_len(&r->held));
    r->taken += used;
    buf_clear(&r->held);
    if (r->held.cap > KEEP_MEMORY)
        buf_trim(&r->held);
    return ERR_OK;
}

static enum err take_some(struct rewrite_pb *r, struct slice *bytes)
{
    if (r->pass)
        return pass_on(r, bytes);
    if (buf_len(&r->held))
        return take_held(r, bytes);
    size_t used = 0;
    TRY(look(r, *bytes, &used));
    r->taken += used;
    buf_put(&r->held, slice_from(*bytes, used));
    *bytes = (struct slice){0};
    return ERR_OK;
}

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct rewrite_pb *r = pb_of(shared);
    r->out = out;
    enum err e = ERR_OK;
    while (bytes.len && e == ERR_OK)
        e = take_some(r, &bytes);
    rewrite_pb_out_settle(r);
    return e;
}

static enum err finish(struct rewrite *shared, struct buf *out)
{
    struct rewrite_pb *r = pb_of(shared);
    r->out = out;
    r->window = (struct slice){0};
    r->run = 0;
    if (r->pass || buf_len(&r->held))
        return rewrite_pb_refuse(r, buf_len(&r->held), 0, "not protobuf: the body ends within a field");
    if (r->depth > 1)
        return rewrite_pb_refuse(r, 0, 0, "not protobuf: the body ends within a group");
    enum err e = fill(r, 0);
    rewrite_pb_out_settle(r);
    return e;
}

static void begin(struct rewrite_pb *r)
{
    r->depth = 0;
    r->mark_count = 0;
    push(r, r->plan->nodes)->written = true;
}

static void fini(struct rewrite *shared)
{
    struct rewrite_pb *r = pb_of(shared);
    buf_fini(&r->held);
    mem_free(r->frames);
    mem_free(r->marks);
}

static const struct rewrite_format pb_format = {.feed = feed, .finish = finish, .fini = fini};

struct rewrite *rewrite_pb_stage(struct plan *plan, const struct pbplan *stage, size_t max_hold)
{
    struct rewrite_pb *r = mem_new(sizeof(*r));
    rewrite_init(&r->shared, &pb_format, plan);
    r->plan = stage;
    r->max_hold = max_hold < PBSCAN_LENGTH_MOST ? max_hold : PBSCAN_LENGTH_MOST;
    buf_init(&r->held, BUF_TEXT_BOUND);
    r->held.bound = SIZE_MAX / 2; /* max_hold bounds it */
    begin(r);
    return &r->shared;
}

struct rewrite *rewrite_pb_new(struct plan *plan, size_t max_hold)
{
    return rewrite_pb_stage(plan, plan_protobuf(plan), max_hold);
}

void rewrite_pb_again(struct rewrite *shared)
{
    struct rewrite_pb *r = pb_of(shared);
    PRE(r->shared.stuck == ERR_OK && r->depth == 1);
    r->taken = 0;
    begin(r);
}
