#include "tests/laws/rewrite_by_hand.h"

#include <stdio.h>

#include "base/json_out.h"
#include "contracts/wire/json_number.h"
#include "contracts/wire/plan_branch.h"
#include "contracts/wire/recode.h"

enum { PATH = 256, WORD = 64, NONE = -1 };

struct hand {
    const struct plan *plan;
    struct arena arena;
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
    switch (op) {
    case PLAN_NARROW:
    case PLAN_ENUM:
    case PLAN_SCALE:
    case PLAN_TEXT:
    case PLAN_NUMBER:
    case PLAN_ENCODE:
    case PLAN_DECODE:
    case PLAN_DATE:
    case PLAN_EPOCH:
    case PLAN_WRAP:
    case PLAN_HEAD:
        return true;
    default:
        return false;
    }
}

static bool on_shape(enum plan_op op)
{
    return op == PLAN_WRAP || op == PLAN_HEAD;
}

/* Does it say nothing about bodies? */
static bool is_aside(enum plan_op op)
{
    return op == PLAN_WIDEN || op == PLAN_METHOD || op == PLAN_PATH || op == PLAN_STATUS || op == PLAN_PARAM;
}

static bool leaves(enum plan_op op)
{
    return op == PLAN_HOIST || op == PLAN_PLUNGE || op == PLAN_TAKE;
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

static struct slice first_name(struct slice path)
{
    size_t slash;
    return slice_find(path, '/', &slash) ? slice_to(path, slash) : path;
}

static struct slice last_name(struct slice path)
{
    size_t slash;
    return slice_find_last(path, '/', &slash) ? slice_from(path, slash + 1) : path;
}

/* Where the object is from which this step takes a member. */
static void source_path(const struct plan_step *s, char path[PATH])
{
    struct slice names = s->from;
    size_t slash;
    bool deep = slice_find_last(names, '/', &slash);
    snprintf(path, PATH, "%.*s%s%.*s", SLICE_FMT(s->path), deep && s->path.len > 1 ? "/" : "",
             SLICE_FMT(deep ? slice_to(names, slash) : SLICE("")));
}

/* Is `path` on the way from the home of this step to what it takes, or the host that gets it? */
static bool is_passed(const struct plan_step *s, const char *path)
{
    char source[PATH], host[PATH];
    struct slice name = first_name(s->to);
    if (!leaves(s->op))
        return false;
    source_path(s, source);
    snprintf(host, PATH, "%.*s/%.*s", SLICE_FMT(s->path.len > 1 ? s->path : SLICE("")), SLICE_FMT(name));
    if (s->op == PLAN_PLUNGE && strcmp(host, path) == 0)
        return true;
    size_t len = strlen(path), home = s->path.len > 1 ? s->path.len : 0;
    return len > home && strncmp(source, path, len) == 0 && (source[len] == '/' || source[len] == '\0') &&
           strncmp(path, s->path.at, home) == 0 && (home == 0 || path[home] == '/');
}

static bool moves_through(const struct hand *h, const char *path)
{
    for (size_t i = 0; i < plan_count(h->plan); i++)
        if (is_passed(step_at(h, i), path))
            return true;
    return false;
}

/* Has the value a step of its own, or one inside? */
static bool has_steps(const struct hand *h, struct spot spot)
{
    char path[PATH];
    join(path, spot.holder, spot.name);
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        bool own = on_value(s->op) && is_at(s, spot.holder) && slice_eq(s->from, slice_str(spot.name));
        if (!is_aside(s->op) && (own || is_under(s, path) || is_passed(s, path)))
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

static void refuse(struct hand *h)
{
    h->refused = true;
}

/* ---- branches of unions ---- */

enum { BRANCHES = 16, LATE = 1 << 20 };

struct words {
    struct slice v[BRANCHES];
    size_t count;
};

static void add_branch(struct words *w, struct slice word)
{
    for (size_t i = 0; i < w->count; i++)
        if (slice_eq(w->v[i], word))
            return;
    if (plan_branch_is(word))
        w->v[w->count++] = word;
}

/* The branches that steps at or under this path speak of, in the plan's order. */
static struct words words_at(const struct hand *h, const char *path)
{
    struct words w = {.count = 0};
    size_t len = strcmp(path, "/") == 0 ? 0 : strlen(path);
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        struct slice rest = slice_from(s->path, len), word;
        if (is_aside(s->op) || (len && !is_under(s, path)))
            continue;
        if (rest.len > 1 && slice_split(&rest, '/', &word) && slice_split(&rest, '/', &word))
            add_branch(&w, word);
        else if (is_at(s, path) && on_value(s->op))
            add_branch(&w, s->from);
    }
    return w;
}

static unsigned kind_bit(const struct json_value *v)
{
    static const unsigned bits[] = {
        [JSON_NULL] = PLAN_BRANCH_NULL,     [JSON_BOOL] = PLAN_BRANCH_BOOL,   [JSON_NUMBER] = PLAN_BRANCH_NUMBER,
        [JSON_STRING] = PLAN_BRANCH_STRING, [JSON_ARRAY] = PLAN_BRANCH_ARRAY, [JSON_OBJECT] = PLAN_BRANCH_OBJECT};
    return bits[v->kind];
}

/* The place of the member that makes this term hold; LATE: it does not. */
static int shown_at(const struct plan_branch_term *t, const struct json_value *object)
{
    int place = 0;
    for (const struct json_value *m = object->first; m; m = m->next, place++) {
        bool holds = t->test == PLAN_BRANCH_HAS || (t->test == PLAN_BRANCH_KIND && (t->kinds & kind_bit(m)));
        if (!slice_eq(m->name, t->member))
            continue;
        for (size_t i = 0; i < t->value_count; i++)
            holds = holds || (m->kind == JSON_STRING && slice_eq(t->values[i], m->text));
        return holds ? place : LATE;
    }
    return LATE;
}

/* Where it is known that an object is of this branch, if nothing bars it. */
static int claimed_at(const struct plan_branch *b, const struct json_value *object, bool *lacks, bool *barred)
{
    int last = 0;
    *lacks = *barred = false;
    for (const struct plan_branch_term *t = b->terms; t; t = t->next) {
        int at = t->test == PLAN_BRANCH_LACKS ? 0 : shown_at(t, object);
        last = at > last ? at : last;
        *lacks = *lacks || t->test == PLAN_BRANCH_LACKS;
        *barred = *barred || (t->test == PLAN_BRANCH_LACKS && json_value_member(object, t->member));
    }
    return last;
}

static bool of_kind(struct hand *h, struct slice word, const struct json_value *v)
{
    struct plan_branch b;
    return plan_branch_read(word, &h->arena, &b) == ERR_OK && b.terms->test == PLAN_BRANCH_IS &&
           (b.terms->kinds & kind_bit(v));
}

/* The branch that the value at this path is of; an empty slice: none that there are steps for. */
static struct slice branch_of(struct hand *h, const char *path, const struct json_value *v)
{
    struct words w = words_at(h, path);
    struct slice early = {0}, late = {0};
    int best = LATE;
    for (size_t i = 0; i < w.count; i++)
        if (v->kind != JSON_NULL && of_kind(h, w.v[i], v))
            return w.v[i];
    for (size_t i = 0; i < w.count && v->kind == JSON_OBJECT; i++) {
        struct plan_branch b;
        bool lacks, barred;
        if (plan_branch_read(w.v[i], &h->arena, &b) != ERR_OK)
            continue;
        int at = b.terms->test == PLAN_BRANCH_IS ? LATE : claimed_at(&b, v, &lacks, &barred);
        if (at == LATE || (lacks && barred && !b.claims))
            continue;
        if (!lacks && at < best) {
            best = at;
            early = w.v[i];
        }
        if (lacks && (barred || late.len))
            late = SLICE("?");
        else if (lacks)
            late = w.v[i];
    }
    if (!early.len && slice_eq(late, SLICE("?")))
        refuse(h);
    return early.len ? early : late;
}

/* ---- values ---- */

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

static void put_recoded(struct hand *h, const struct plan_step *s, const struct json_value *v)
{
    struct buf made;
    buf_init(&made, BUF_TEXT_BOUND);
    if (v->kind != (s->op == PLAN_DATE ? JSON_NUMBER : JSON_STRING) || recode(s, v->text, &made) ||
        (s->op == PLAN_EPOCH && s->whole && !in_range(s, buf_slice(&made))))
        refuse(h);
    buf_put(h->out, buf_slice(&made));
    buf_fini(&made);
}

static void put_inside(struct hand *h, const char *path, const struct json_value *v);
static void put_value(struct hand *h, struct spot spot, const struct json_value *v);

static void put_picked(struct hand *h, const struct plan_step *s, const char *path, const struct json_value *array)
{
    struct buf *out = h->out, one;
    buf_init(&one, BUF_TEXT_BOUND);
    h->out = &one;
    for (const struct json_value *e = array->first; e; e = e->next) {
        struct buf rest;
        bool wanted = s->pick == PLAN_LAST || e == array->first;
        buf_init(&rest, BUF_TEXT_BOUND);
        h->out = wanted ? &one : &rest;
        if (wanted)
            buf_clear(&one);
        put_value(h, (struct spot){path, "[]"}, e);
        buf_fini(&rest);
        if (s->pick == PLAN_ONLY && e != array->first)
            refuse(h);
    }
    h->out = out;
    if (!array->first && s->value.len == 0)
        refuse(h);
    buf_put(out, array->first ? buf_slice(&one) : s->value);
    buf_fini(&one);
}

static const struct plan_step *shape_of(const struct hand *h, struct spot spot)
{
    const struct plan_step *shape = NULL;
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        if (on_shape(s->op) && is_at(s, spot.holder) && slice_eq(s->from, slice_str(spot.name)))
            shape = s;
    }
    return shape;
}

static void put_plain_value(struct hand *h, struct spot spot, const struct json_value *v);

static void put_shaped(struct hand *h, struct spot spot, const struct plan_step *shape, const struct json_value *v);
static bool fits_root(const struct hand *h, const char *root, const struct json_value *v);

static void put_value(struct hand *h, struct spot spot, const struct json_value *v)
{
    const struct plan_step *shape = shape_of(h, spot), *own = NULL;
    char path[PATH], holder[PATH], word[WORD];
    join(path, spot.holder, spot.name);
    struct slice branch = moves_through(h, path) ? (struct slice){0} : branch_of(h, path, v);
    if (branch.len) {
        snprintf(holder, PATH, "%s", path);
        snprintf(word, WORD, "%.*s", SLICE_FMT(branch));
        spot = (struct spot){holder, word};
        own = shape_of(h, spot);
    }
    put_shaped(h, spot, own ? own : shape, v);
}

/* The root is in no object. */
static void put_branch_of_root(struct hand *h, struct slice branch, const struct json_value *v)
{
    char word[WORD], path[PATH];
    snprintf(word, WORD, "%.*s", SLICE_FMT(branch));
    struct spot spot = {"/", word};
    bool judged = false;
    join(path, "/", word);
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        judged = judged || (on_value(s->op) && !on_shape(s->op) && is_at(s, "/") && slice_eq(s->from, branch));
    }
    if (!judged && !fits_root(h, path, v))
        refuse(h);
    put_shaped(h, spot, shape_of(h, spot), v);
}

static void put_shaped(struct hand *h, struct spot spot, const struct plan_step *shape, const struct json_value *v)
{
    char path[PATH];
    join(path, spot.holder, spot.name);
    if (!shape || (v->kind == JSON_NULL && shape->op == PLAN_HEAD)) {
        put_plain_value(h, spot, v);
    } else if (shape->op == PLAN_WRAP) {
        buf_put_char(h->out, '[');
        if (v->kind != JSON_NULL)
            put_plain_value(h, spot, v);
        buf_put_char(h->out, ']');
    } else if (v->kind != JSON_ARRAY) {
        refuse(h);
    } else {
        struct buf *out = h->out, judged; /* steps that judge an array refuse it */
        buf_init(&judged, BUF_TEXT_BOUND);
        h->out = &judged;
        put_plain_value(h, spot, v);
        h->out = out;
        buf_fini(&judged);
        put_picked(h, shape, path, v);
    }
}

static void put_plain_value(struct hand *h, struct spot spot, const struct json_value *v)
{
    const struct plan_step *narrow = NULL, *turn = NULL;
    char path[PATH];
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        if (!on_value(s->op) || on_shape(s->op) || !is_at(s, spot.holder) || !slice_eq(s->from, slice_str(spot.name)))
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
    else if (turn->op >= PLAN_ENCODE)
        put_recoded(h, turn, v);
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

static bool is_host(const struct hand *h, const char *path, struct slice name)
{
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        if (s->op == PLAN_PLUNGE && is_at(s, path) && slice_eq(first_name(s->to), name))
            return true;
    }
    return false;
}

/* The step that takes this member away, the last one that says so. */
static int leaving_step(const struct hand *h, const char *path, struct slice name)
{
    int found = NONE;
    for (size_t i = 0; i < plan_count(h->plan) && !is_host(h, path, name); i++) {
        const struct plan_step *s = step_at(h, i);
        char source[PATH];
        if (!leaves(s->op))
            continue;
        source_path(s, source);
        if (strcmp(source, path) == 0 && slice_eq(last_name(s->from), name))
            found = (int)i;
    }
    return found;
}

static bool is_gone(const struct hand *h, const char *path, const struct json_value *m)
{
    return m->kind == JSON_NULL && member_step(h, path, PLAN_STRIP, m->name) != NONE;
}

/* The name that a member goes out with; an empty slice without bytes: it does not, or not in its place. */
static struct slice name_out(const struct hand *h, const char *path, const struct json_value *m)
{
    int rename = member_step(h, path, PLAN_RENAME, m->name);
    if (is_host(h, path, m->name) || leaving_step(h, path, m->name) != NONE)
        return (struct slice){0};
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

/* ---- members that move ---- */

/* What a step takes out of the object at its home; NULL: nothing. */
static const struct json_value *taken_by(const struct hand *h, size_t number, const struct json_value *object)
{
    const struct plan_step *s = step_at(h, number);
    struct slice path = s->from, name;
    const struct json_value *at = object;
    char source[PATH];
    source_path(s, source);
    while (at && slice_split(&path, '/', &name))
        at = at->kind == JSON_OBJECT ? json_value_member(at, name) : NULL;
    if (!at || leaving_step(h, source, at->name) != (int)number || is_gone(h, source, at))
        return NULL;
    return at;
}

static void put_taken(struct hand *h, size_t number, const struct json_value *v)
{
    char source[PATH], own[8];
    source_path(step_at(h, number), source);
    snprintf(own, sizeof(own), "%.*s", SLICE_FMT(v->name));
    struct spot spot = {source, own};
    if (!has_steps(h, spot))
        spot.name = "{}";
    put_value(h, spot, v);
}

/* The names that an object's end gives. */
struct names {
    struct slice v[64];
    size_t count;
};

static bool is_among(const struct names *n, struct slice name)
{
    for (size_t i = 0; i < n->count; i++)
        if (slice_eq(n->v[i], name))
            return true;
    return false;
}

static void put_name(struct hand *h, struct slice name, bool *first)
{
    put_comma(h, first);
    put_string(h->out, name);
    buf_put_char(h->out, ':');
}

static void put_hoists(struct hand *h, const char *path, const struct json_value *object, struct names *given,
                       bool *first)
{
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        const struct json_value *v =
            leaves(s->op) && s->op != PLAN_PLUNGE && is_at(s, path) ? taken_by(h, i, object) : NULL;
        if (!v)
            continue;
        struct buf aside, *out = h->out;
        buf_init(&aside, BUF_TEXT_BOUND);
        if (s->op == PLAN_TAKE) {
            h->out = &aside;
        } else {
            if (came_before(h, path, object, NULL, s->to) || is_among(given, s->to))
                refuse(h);
            given->v[given->count++] = s->to;
            put_name(h, s->to, first);
        }
        put_taken(h, i, v);
        h->out = out;
        buf_fini(&aside);
    }
}

static void put_object_members(struct hand *h, const char *path, const struct json_value *v, struct names *given,
                               bool *first);
static void put_defaults(struct hand *h, const char *path, const struct json_value *object, const struct names *given,
                         bool *first);

/* The host is made of what came as it, or of nothing, and of what others plunge into it. */
static void put_host(struct hand *h, const char *path, const struct json_value *object, struct slice name,
                     struct names *outer, bool *first)
{
    static const struct json_value nothing = {.kind = JSON_OBJECT};
    const struct json_value *v = json_value_member(object, name);
    struct names given = {.count = 0};
    bool awaited = false, none = true;
    char own[PATH], word[8];
    if (v && is_gone(h, path, v))
        v = NULL;
    snprintf(word, sizeof(word), "%.*s", SLICE_FMT(name));
    join(own, path, word);
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        awaited = awaited || (s->op == PLAN_PLUNGE && is_at(s, path) && slice_eq(first_name(s->to), name) &&
                              taken_by(h, i, object));
    }
    if (!v && !awaited)
        return;
    if (came_before(h, path, object, NULL, name) || is_among(outer, name))
        refuse(h);
    outer->v[outer->count++] = name;
    put_name(h, name, first);
    struct spot spot = {path, word};
    bool plain = v && v->kind == JSON_OBJECT && !shape_of(h, spot);
    if (v && !plain) {
        struct buf text, *out = h->out;
        buf_init(&text, BUF_TEXT_BOUND);
        h->out = &text;
        put_value(h, spot, v);
        h->out = out;
        if (awaited)
            refuse(h);
        buf_put(out, buf_slice(&text));
        buf_fini(&text);
        return;
    }
    if (v) { /* a step that judges refuses it */
        struct buf text, *out = h->out;
        buf_init(&text, BUF_TEXT_BOUND);
        h->out = &text;
        put_plain_value(h, spot, v);
        h->out = out;
        buf_fini(&text);
    }
    buf_put_char(h->out, '{');
    put_object_members(h, own, v ? v : &nothing, &given, &none);
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        const struct json_value *moved = NULL;
        if (s->op == PLAN_PLUNGE && is_at(s, path) && slice_eq(first_name(s->to), name))
            moved = taken_by(h, i, object);
        if (!moved)
            continue;
        struct slice to = last_name(s->to);
        if ((v && came_before(h, own, v, NULL, to)) || is_among(&given, to))
            refuse(h);
        given.v[given.count++] = to;
        put_name(h, to, &none);
        put_taken(h, i, moved);
    }
    put_defaults(h, own, v ? v : &nothing, &given, &none);
    buf_put_char(h->out, '}');
}

static void put_hosts(struct hand *h, const char *path, const struct json_value *object, struct names *given,
                      bool *first)
{
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        bool news = s->op == PLAN_PLUNGE && is_at(s, path);
        for (size_t k = 0; k < i && news; k++) {
            const struct plan_step *b = step_at(h, k);
            news = !(b->op == PLAN_PLUNGE && is_at(b, path) && slice_eq(first_name(b->to), first_name(s->to)));
        }
        if (news)
            put_host(h, path, object, first_name(s->to), given, first);
    }
}

/* Defaults go out in the order in which the plan first speaks of their names. */
static bool gives_name(enum plan_op op)
{
    return op == PLAN_RENAME || op == PLAN_DEFAULT || op == PLAN_PUT || op == PLAN_HOIST || op == PLAN_PLUNGE;
}

static void put_defaults(struct hand *h, const char *path, const struct json_value *object, const struct names *given,
                         bool *first)
{
    struct names done = {.count = 0};
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        struct slice name = s->op == PLAN_PLUNGE ? first_name(s->to) : s->to;
        if (!gives_name(s->op) || !is_at(s, path) || is_among(&done, name))
            continue;
        done.v[done.count++] = name;
        int fill = member_step(h, path, PLAN_DEFAULT, name);
        if (fill == NONE || is_among(given, name) || came_before(h, path, object, NULL, name))
            continue;
        put_name(h, name, first);
        buf_put(h->out, step_at(h, (size_t)fill)->value);
    }
}

/* Goes nowhere, but what is in it is looked at when something leaves it. */
static void look_inside(struct hand *h, const char *path, const struct json_value *m)
{
    char own[PATH];
    snprintf(own, PATH, "%s/%.*s", strcmp(path, "/") == 0 ? "" : path, SLICE_FMT(m->name));
    bool passed = false;
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        char host[PATH];
        snprintf(host, PATH, "%.*s/%.*s", SLICE_FMT(s->path.len > 1 ? s->path : SLICE("")),
                 SLICE_FMT(first_name(s->to)));
        if (is_passed(s, own) && !(s->op == PLAN_PLUNGE && strcmp(host, own) == 0))
            passed = true;
    }
    if (!passed || is_gone(h, path, m))
        return;
    struct buf aside, *out = h->out;
    buf_init(&aside, BUF_TEXT_BOUND);
    h->out = &aside;
    put_member(h, path, m, m->name);
    h->out = out;
    buf_fini(&aside);
}

/* All but hosts and defaults. */
static void put_object_members(struct hand *h, const char *path, const struct json_value *v, struct names *given,
                               bool *first)
{
    for (const struct json_value *m = v->first; m; m = m->next) {
        struct slice name = name_out(h, path, m);
        if (!name.at && member_step(h, path, PLAN_DROP, m->name) != NONE && !is_host(h, path, m->name) &&
            leaving_step(h, path, m->name) == NONE)
            look_inside(h, path, m);
        if (!name.at)
            continue;
        if (is_given(h, path, name) && came_before(h, path, v, m, name))
            refuse(h);
        put_comma(h, first);
        put_member(h, path, m, name);
    }
    put_hoists(h, path, v, given, first);
    put_hosts(h, path, v, given, first);
}

static void put_object(struct hand *h, const char *path, const struct json_value *v)
{
    struct names given = {.count = 0};
    bool first = true;
    buf_put_char(h->out, '{');
    put_object_members(h, path, v, &given, &first);
    put_defaults(h, path, v, &given, &first);
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

/* A plan for arrays alone is none for an object, nor one for objects for anything else. */
static bool fits_root(const struct hand *h, const char *root, const struct json_value *v)
{
    bool members = false, elements = false;
    char each[PATH];
    join(each, root, "[]");
    for (size_t i = 0; i < plan_count(h->plan); i++) {
        const struct plan_step *s = step_at(h, i);
        if (is_aside(s->op) || (strcmp(root, "/") != 0 && !is_under(s, root)))
            continue;
        bool element = is_at(s, root) ? on_value(s->op) && slice_eq(s->from, SLICE("[]")) : is_under(s, each);
        *(element ? &elements : &members) = true;
    }
    return v->kind == JSON_OBJECT  ? members || !elements
           : v->kind == JSON_ARRAY ? elements || !members
                                   : !members && !elements;
}

static void put_root(struct hand *h, const struct json_value *body)
{
    struct slice branch = branch_of(h, "/", body);
    if (branch.len)
        put_branch_of_root(h, branch, body);
    else if (words_at(h, "/").count || fits_root(h, "/", body))
        put_inside(h, "/", body);
    else
        refuse(h);
}

bool rewrite_by_hand(const struct plan *p, const struct json_value *body, struct buf *out)
{
    struct hand h = {.plan = p, .out = out};
    arena_init(&h.arena, 0);
    put_root(&h, body);
    arena_fini(&h.arena);
    return !h.refused;
}
