#include "tests/laws/rewrite_by_hand.h"

#include <stdio.h>

#include "base/json_out.h"
#include "contracts/wire/json_number.h"

enum { PATH = 256, NONE = -1 };

struct hand {
    const struct plan *plan;
    struct buf *out;
    bool refused;
};

/* Where a value is: the path of what holds it and its name there, both as plans say them. */
struct spot {
    const char *holder, *name;
};

static void put_string(struct buf *out, struct slice text)
{
    struct json_out j;
    json_out_init(&j, out, 0);
    json_out_slice(&j, text);
}

void rewrite_by_hand_put(const struct json_value *v, struct buf *out)
{
    bool first = true, object = v->kind == JSON_OBJECT;
    switch (v->kind) {
    case JSON_NULL:
        buf_put(out, SLICE("null"));
        return;
    case JSON_BOOL:
        buf_put(out, v->truth ? SLICE("true") : SLICE("false"));
        return;
    case JSON_NUMBER:
        buf_put(out, v->text);
        return;
    case JSON_STRING:
        put_string(out, v->text);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    buf_put_char(out, object ? '{' : '[');
    for (const struct json_value *e = v->first; e; e = e->next, first = false) {
        buf_put(out, first ? SLICE("") : SLICE(","));
        if (object) {
            put_string(out, e->name);
            buf_put_char(out, ':');
        }
        rewrite_by_hand_put(e, out);
    }
    buf_put_char(out, object ? '}' : ']');
}

/* ---- finding steps ---- */

static bool on_value(enum plan_op op)
{
    return op == PLAN_NARROW || op == PLAN_ENUM || op == PLAN_SCALE || op == PLAN_TEXT || op == PLAN_NUMBER;
}

static const struct plan_step *step_at(const struct hand *h, size_t i)
{
    return plan_step(h->plan, i);
}

static void join(char path[PATH], const char *holder, const char *name)
{
    snprintf(path, PATH, "%s/%s", strcmp(holder, "/") == 0 ? "" : holder, name);
}

static bool is_at(const struct plan_step *s, const char *path)
{
    return slice_eq(s->path, slice_str(path));
}

/* At the path or further in. */
static bool is_under(const struct plan_step *s, const char *path)
{
    size_t len = strlen(path);
    return slice_starts(s->path, slice_str(path)) && (s->path.len == len || s->path.at[len] == '/');
}

/* Has the value a step of its own, or one inside? */
static bool has_steps(const struct hand *h, struct spot spot)
{
    char path[PATH];
    join(path, spot.holder, spot.name);
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        bool own = on_value(s->op) && is_at(s, spot.holder) && slice_eq(s->from, slice_str(spot.name));
        if (s->op != PLAN_WIDEN && (own || is_under(s, path)))
            return true;
    }
    return false;
}

/* The last step of this kind on a member. */
static int member_step(const struct hand *h, const char *path, enum plan_op op, struct slice name)
{
    int found = NONE;
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        if (s->op == op && is_at(s, path) && slice_eq(op == PLAN_DEFAULT ? s->to : s->from, name))
            found = (int)i;
    }
    return found;
}

/* ---- values ---- */

static void refuse(struct hand *h)
{
    h->refused = true;
}

static bool in_range(const struct plan_step *s, struct slice number)
{
    int64_t n;
    return json_number_whole(number, &n) == ERR_OK && n >= s->low && n <= s->high;
}

static void put_scaled(struct hand *h, const struct plan_step *s, const struct json_value *v)
{
    struct buf made;
    buf_init(&made, BUF_TEXT_BOUND);
    if (v->kind != JSON_NUMBER || json_number_scale(v->text, (uint64_t)s->times, (uint64_t)s->per, &made) != ERR_OK ||
        (s->whole && !in_range(s, buf_slice(&made))))
        refuse(h);
    buf_put(h->out, buf_slice(&made));
    buf_fini(&made);
}

static void put_text(struct hand *h, const struct json_value *v)
{
    int64_t n;
    if (v->kind != JSON_NUMBER || json_number_whole(v->text, &n) != ERR_OK)
        refuse(h);
    else
        buf_putf(h->out, "\"%lld\"", (long long)n);
}

static void put_number(struct hand *h, const struct plan_step *s, const struct json_value *v)
{
    if (v->kind != JSON_STRING || !json_number_plain(v->text) || (s->whole && !in_range(s, v->text)))
        refuse(h);
    else
        buf_put(h->out, v->text);
}

/* Tables of several steps on one value add up; the last says what becomes of the rest. */
static void put_symbol(struct hand *h, struct spot spot, const struct plan_step *last, const struct json_value *v)
{
    const struct slice *symbol = NULL;
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        if (s->op != PLAN_ENUM || !is_at(s, spot.holder) || !slice_eq(s->from, slice_str(spot.name)))
            continue;
        for (size_t k = 0; k < s->table_count && v->kind == JSON_STRING; k++)
            if (slice_eq(s->table[2 * k], v->text))
                symbol = &s->table[2 * k + 1];
    }
    if (v->kind != JSON_STRING)
        refuse(h);
    else if (symbol)
        put_string(h->out, *symbol);
    else
        buf_put(h->out, last->value);
}

static void put_inside(struct hand *h, const char *path, const struct json_value *v);

static void put_value(struct hand *h, struct spot spot, const struct json_value *v)
{
    const struct plan_step *narrow = NULL, *turn = NULL;
    char path[PATH];
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        if (!on_value(s->op) || !is_at(s, spot.holder) || !slice_eq(s->from, slice_str(spot.name)))
            continue;
        *(s->op == PLAN_NARROW ? &narrow : &turn) = s;
    }
    bool numeric = turn && turn->op != PLAN_ENUM;
    join(path, spot.holder, spot.name);
    if (v->kind == JSON_NULL || (!narrow && !turn)) {
        put_inside(h, path, v);
        return;
    }
    if (narrow && !numeric && (v->kind != JSON_NUMBER || !in_range(narrow, v->text)))
        refuse(h);
    if (!turn)
        put_inside(h, path, v);
    else if (turn->op == PLAN_ENUM)
        put_symbol(h, spot, turn, v);
    else if (turn->op == PLAN_SCALE)
        put_scaled(h, turn, v);
    else if (turn->op == PLAN_TEXT)
        put_text(h, v);
    else
        put_number(h, turn, v);
}

/* ---- objects and arrays ---- */

/* Is this a name that a rename or a default gives here? */
static bool is_given(const struct hand *h, const char *path, struct slice name)
{
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        if ((s->op == PLAN_RENAME || s->op == PLAN_DEFAULT) && is_at(s, path) && slice_eq(s->to, name))
            return true;
    }
    return false;
}

/* The name that a member goes out with; an empty slice without bytes: it does not. */
static struct slice name_out(const struct hand *h, const char *path, const struct json_value *m)
{
    int rename = member_step(h, path, PLAN_RENAME, m->name);
    if (member_step(h, path, PLAN_DROP, m->name) != NONE ||
        (m->kind == JSON_NULL && member_step(h, path, PLAN_STRIP, m->name) != NONE))
        return (struct slice){0};
    return rename == NONE ? m->name : step_at(h, (size_t)rename)->to;
}

static bool came_before(const struct hand *h, const char *path, const struct json_value *object,
                        const struct json_value *end, struct slice name)
{
    for (const struct json_value *m = object->first; m != end; m = m->next)
        if (slice_eq(name_out(h, path, m), name))
            return true;
    return false;
}

static void put_member(struct hand *h, const char *path, const struct json_value *m, struct slice name)
{
    char own[8];
    snprintf(own, sizeof(own), "%.*s", SLICE_FMT(m->name));
    struct spot spot = {path, own};
    if (!has_steps(h, spot))
        spot.name = "{}";
    put_string(h->out, name);
    buf_put_char(h->out, ':');
    put_value(h, spot, m);
}

static void put_comma(struct hand *h, bool *first)
{
    if (!*first)
        buf_put_char(h->out, ',');
    *first = false;
}

static void put_defaults(struct hand *h, const char *path, const struct json_value *object, bool *first)
{
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        bool names = (s->op == PLAN_RENAME || s->op == PLAN_DEFAULT) && is_at(s, path);
        for (size_t k = 0; k < i && names; k++) {
            const struct plan_step *b = step_at(h, k);
            names = !((b->op == PLAN_RENAME || b->op == PLAN_DEFAULT) && is_at(b, path) && slice_eq(b->to, s->to));
        }
        int fill = names ? member_step(h, path, PLAN_DEFAULT, s->to) : NONE;
        if (fill == NONE || came_before(h, path, object, NULL, s->to))
            continue;
        put_comma(h, first);
        put_string(h->out, s->to);
        buf_put_char(h->out, ':');
        buf_put(h->out, step_at(h, (size_t)fill)->value);
    }
}

static void put_object(struct hand *h, const char *path, const struct json_value *v)
{
    bool first = true;
    buf_put_char(h->out, '{');
    for (const struct json_value *m = v->first; m; m = m->next) {
        struct slice name = name_out(h, path, m);
        if (!name.at)
            continue;
        if (is_given(h, path, name) && came_before(h, path, v, m, name))
            refuse(h);
        put_comma(h, &first);
        put_member(h, path, m, name);
    }
    put_defaults(h, path, v, &first);
    buf_put_char(h->out, '}');
}

static void put_inside(struct hand *h, const char *path, const struct json_value *v)
{
    bool first = true;
    if (v->kind == JSON_OBJECT) {
        put_object(h, path, v);
        return;
    }
    if (v->kind != JSON_ARRAY) {
        rewrite_by_hand_put(v, h->out);
        return;
    }
    buf_put_char(h->out, '[');
    for (const struct json_value *e = v->first; e; e = e->next) {
        put_comma(h, &first);
        put_value(h, (struct spot){path, "[]"}, e);
    }
    buf_put_char(h->out, ']');
}

/* A plan for arrays alone is none for an object. */
static bool fits_root(const struct hand *h)
{
    bool members = false, elements = false;
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        if (s->op == PLAN_WIDEN)
            continue;
        bool element = is_at(s, "/") ? on_value(s->op) && slice_eq(s->from, SLICE("[]")) : is_under(s, "/[]");
        *(element ? &elements : &members) = true;
    }
    return members || !elements;
}

bool rewrite_by_hand(const struct plan *p, const struct json_value *body, struct buf *out)
{
    struct hand h = {.plan = p, .out = out};
    if (!fits_root(&h))
        return false;
    put_inside(&h, "/", body);
    return !h.refused;
}
