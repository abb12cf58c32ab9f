#include "contracts/wire/mould.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/regex.h"
#include "contracts/decimal.h"
#include "contracts/fact.h"
#include "contracts/json_value.h"
#include "contracts/regular.h"
#include "contracts/shape.h"
#include "contracts/wire/json_number.h"

enum { DIRECTIONS = 2, UNIONS_DEEP = 16, DIGITS_QUICK = 18 };
static const char *const directions[DIRECTIONS] = {"request", "response"};
static const char *const marks[DIRECTIONS] = {":request:", ":response:"};

struct mould_string {
    struct slice text;
    uint64_t hash; /* json_names_hash of it */
};

struct mould_set {
    struct mould_set *next; /* of the same node */
    struct mould_set *made_before;
    struct map strings;         /* to anything; while it is made */
    struct mould_string *quick; /* the same by hash: open addressing, without text is free */
    size_t quick_cap;
    bool empty; /* "" is among them */
    const struct shape_text *numbers;
    bool truths[2];
    bool others; /* objects, arrays or null are among them */
};

struct mould_pattern {
    const struct mould_pattern *next; /* of the same node */
    struct mould_pattern *made_before;
    struct slice text;
    struct regex *regex;
};

struct mould {
    struct contract *contract;
    struct arena arena;
    struct map nodes[DIRECTIONS]; /* by the address of the position */
    struct map bodies;            /* by name */
    struct mould_node *waiting;
    struct mould_set *all_sets;
    struct mould_pattern *all_patterns;
    bool lenient; /* protobuf's JSON: large numbers are strings */
};

static const struct mould_node anything = {
    .takes = MOULD_ANY, .max_length = UINT64_MAX, .max_count = UINT64_MAX, .extra = &anything, .element = &anything};

/* ---- making: one node ---- */

static struct mould_node *node_of(struct mould *m, int direction, const struct shape_position *p)
{
    struct mould_node *n = map_get(&m->nodes[direction], slice_of(&p, sizeof(p)));
    if (n)
        return n;
    n = arena_new(&m->arena, sizeof(*n));
    n->position = p;
    map_put(&m->nodes[direction], slice_of(&n->position, sizeof(n->position)), n);
    n->next = m->waiting;
    m->waiting = n;
    return n;
}

static uint64_t count_of(struct slice text, uint64_t otherwise)
{
    uint64_t n;
    return slice_u64(text, UINT64_MAX, &n) == ERR_OK ? n : otherwise;
}

static bool small_whole(struct slice text, int64_t *out)
{
    struct slice digits = slice_from(text, slice_starts(text, SLICE("-")));
    return digits.len <= DIGITS_QUICK && !slice_has(digits, SLICE(".")) && json_number_whole(text, out) == ERR_OK;
}

/* Bounds as 64-bit numbers, when they are whole and short. */
static void make_quick_range(struct mould_node *n)
{
    n->low = INT64_MIN;
    n->high = INT64_MAX;
    n->quick = n->multiple.len == 0;
    for (unsigned b = 0; b < MOULD_BOUNDS; b++) {
        int64_t v;
        /* Longer ones are beyond all numbers that the quick way looks at. */
        if (n->bound[b].len == 0 || (b <= MOULD_MOST && n->bound[b].len > DIGITS_QUICK))
            continue;
        if (!small_whole(n->bound[b], &v))
            n->quick = false;
        else if (b == MOULD_LEAST || b == MOULD_MIN || b == MOULD_ABOVE)
            n->low = v + (b == MOULD_ABOVE) > n->low ? v + (b == MOULD_ABOVE) : n->low;
        else
            n->high = v - (b == MOULD_BELOW) < n->high ? v - (b == MOULD_BELOW) : n->high;
    }
}

static void put_bounds(struct mould_node *n, const struct shape_position *p)
{
    n->bound[MOULD_MIN] = shape_tightest(p, SHAPE_MIN);
    n->bound[MOULD_MAX] = shape_tightest(p, SHAPE_MAX);
    n->bound[MOULD_ABOVE] = shape_tightest(p, SHAPE_ABOVE);
    n->bound[MOULD_BELOW] = shape_tightest(p, SHAPE_BELOW);
    n->multiple = shape_tightest(p, SHAPE_MULTIPLE_OF);
    n->min_length = count_of(shape_tightest(p, SHAPE_MIN_LENGTH), 0);
    n->max_length = count_of(shape_tightest(p, SHAPE_MAX_LENGTH), UINT64_MAX);
    n->min_count = count_of(shape_tightest(p, SHAPE_MIN_ITEMS), 0);
    n->max_count = count_of(shape_tightest(p, SHAPE_MAX_ITEMS), UINT64_MAX);
}

static struct mould_set *add_set(struct mould *m, struct mould_node *n)
{
    struct mould_set *s = mem_new(sizeof(*s));
    s->next = n->sets;
    n->sets = s;
    s->made_before = m->all_sets;
    m->all_sets = s;
    return s;
}

static void put_value(struct mould *m, struct mould_set *s, struct slice text)
{
    const struct json_value *v;
    if (json_value_read(text, &m->arena, &v) != ERR_OK) {
        s->others = true;
        return;
    }
    struct shape_text *number;
    switch (v->kind) {
    case JSON_STRING:
        map_put(&s->strings, v->text, s);
        break;
    case JSON_NUMBER:
        number = arena_new(&m->arena, sizeof(*number));
        *number = (struct shape_text){.text = v->text, .next = s->numbers};
        s->numbers = number;
        break;
    case JSON_BOOL:
        s->truths[v->truth] = true;
        break;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        s->others = true;
        break;
    }
}

static void put_pattern(struct mould *m, struct mould_node *n, struct slice text)
{
    char why[128];
    size_t at;
    struct regex *regex;
    if (!regular_within(text, text) || regex_new(text, &regex, why, &at) != ERR_OK)
        return;
    struct mould_pattern *p = mem_new(sizeof(*p));
    *p = (struct mould_pattern){.next = n->patterns, .made_before = m->all_patterns, .text = text, .regex = regex};
    m->all_patterns = p;
    n->patterns = p;
}

static void put_rules(struct mould *m, struct mould_node *n, const struct shape_position *p)
{
    const struct shape_rule *r;
    for (unsigned i = 0; (r = shape_rule_at(p, i)); i++) {
        if (r->nullable)
            n->takes |= MOULD_NULL;
        struct mould_set *s = r->values ? add_set(m, n) : NULL;
        for (const struct shape_text *t = r->values; t; t = t->next)
            put_value(m, s, t->text);
        for (const struct shape_text *t = r->patterns; t; t = t->next)
            put_pattern(m, n, t->text);
    }
}

/* ---- making: by kind ---- */

static void put_enum(struct mould *m, struct mould_node *n, const struct shape_type *t)
{
    n->takes = MOULD_STRING;
    if (t->open)
        return;
    struct mould_set *s = add_set(m, n);
    for (size_t i = 0; i < t->symbol_count; i++)
        map_put(&s->strings, fact_text(t->symbols[i], 1), s);
}

static bool elsewhere(const struct shape_position *p, int direction)
{
    return p->more->only.len && !slice_eq(p->more->only, slice_str(directions[direction]));
}

static void make_quick_members(struct mould *m, struct mould_node *n)
{
    for (n->quick_cap = 2; n->quick_cap < n->member_count * 2;)
        n->quick_cap *= 2;
    n->quick_members = arena_array(&m->arena, n->quick_cap, sizeof(*n->quick_members));
    for (size_t i = 0; i < n->member_count; i++) {
        size_t at = n->members[i].hash & (n->quick_cap - 1);
        while (n->quick_members[at])
            at = (at + 1) & (n->quick_cap - 1);
        n->quick_members[at] = &n->members[i];
    }
}

static void put_record(struct mould *m, struct mould_node *n, const struct shape_type *t, int direction)
{
    size_t count = 0;
    for (const struct shape_position *p = t->parts; p; p = p->next)
        count++;
    n->takes = MOULD_OBJECT;
    n->members = arena_array(&m->arena, count + 1, sizeof(*n->members));
    for (const struct shape_position *p = t->parts; p; p = p->next) {
        bool foreign = elsewhere(p, direction);
        n->members[n->member_count++] = (struct mould_member){.name = p->member,
                                                              .hash = json_names_hash(p->member),
                                                              .node = foreign ? &anything : node_of(m, direction, p),
                                                              .required = p->required && !foreign};
        n->required_count += p->required && !foreign;
    }
    make_quick_members(m, n);
    n->extra = t->extra ? node_of(m, direction, t->extra) : t->closed ? NULL : &anything;
}

static void put_list(struct mould *m, struct mould_node *n, const struct shape_type *t, int direction)
{
    size_t count = 0;
    for (const struct shape_position *p = t->items; p; p = p->next)
        count++;
    n->takes = MOULD_ARRAY;
    n->items = arena_array(&m->arena, count + 1, sizeof(*n->items));
    for (const struct shape_position *p = t->items; p; p = p->next)
        n->items[n->item_count++] = node_of(m, direction, p);
    n->element = t->parts ? node_of(m, direction, t->parts) : &anything;
}

static void put_map(struct mould *m, struct mould_node *n, const struct shape_type *t, int direction)
{
    n->takes = MOULD_OBJECT;
    n->extra = &anything;
    if (!t->parts || !t->parts->next)
        return;
    const struct shape_type *key = shape_base(t->parts->type);
    /* Keys that are numbers are spelt as texts. */
    n->key = key && (key->kind == SHAPE_STRING || key->kind == SHAPE_ENUM) ? node_of(m, direction, t->parts) : NULL;
    n->extra = node_of(m, direction, t->parts->next);
}

static void put_union(struct mould *m, struct mould_node *n, const struct shape_type *t, int direction)
{
    size_t count = 0;
    for (const struct shape_position *p = t->parts; p; p = p->next)
        count++;
    n->takes = count ? MOULD_ANY : 0;
    if (!t->null_inside)
        n->takes &= ~(unsigned)MOULD_NULL;
    n->branches = arena_array(&m->arena, count + 1, sizeof(*n->branches));
    for (const struct shape_position *p = t->parts; p; p = p->next)
        n->branches[n->branch_count++] = node_of(m, direction, p);
}

static void put_whole(struct mould *m, struct mould_node *n, const struct shape_type *t)
{
    n->takes = MOULD_NUMBER | (m->lenient ? MOULD_STRING : 0);
    n->whole = true;
    n->bound[MOULD_LEAST] = t->least;
    n->bound[MOULD_MOST] = t->most;
}

static void put_kind(struct mould *m, struct mould_node *n, const struct shape_type *t, int direction)
{
    n->takes = MOULD_ANY;
    n->extra = n->element = &anything;
    switch (t ? t->kind : SHAPE_ANY) {
    case SHAPE_ANY:
    case SHAPE_ALIAS:
        break;
    case SHAPE_BOOL:
        n->takes = MOULD_BOOL;
        break;
    case SHAPE_STRING:
        n->takes = MOULD_STRING;
        break;
    case SHAPE_BYTES:
        n->takes = MOULD_STRING;
        n->base64 = true;
        break;
    case SHAPE_WHOLE:
        put_whole(m, n, t);
        break;
    case SHAPE_REAL:
        n->takes = MOULD_NUMBER | (m->lenient ? MOULD_STRING : 0);
        break;
    case SHAPE_RECORD:
        put_record(m, n, t, direction);
        break;
    case SHAPE_ENUM:
        put_enum(m, n, t);
        break;
    case SHAPE_LIST:
        put_list(m, n, t, direction);
        break;
    case SHAPE_MAP:
        put_map(m, n, t, direction);
        break;
    case SHAPE_UNION:
        put_union(m, n, t, direction);
        break;
    }
}

static void make_quick_strings(struct mould *m, struct mould_set *s)
{
    for (s->quick_cap = 2; s->quick_cap < s->strings.count * 2;)
        s->quick_cap *= 2;
    s->quick = arena_array(&m->arena, s->quick_cap, sizeof(*s->quick));
    for (size_t i = 0; i < s->strings.cap; i++) {
        const struct map_entry *e = &s->strings.entries[i];
        if (!e->value)
            continue;
        struct slice text = slice_of(e->key, e->len);
        uint64_t hash = json_names_hash(text);
        size_t at = hash & (s->quick_cap - 1);
        while (s->quick[at].text.len)
            at = (at + 1) & (s->quick_cap - 1);
        s->quick[at] = (struct mould_string){.text = text, .hash = hash};
        s->empty = s->empty || text.len == 0;
    }
}

/* Kinds of which a set has no value cannot come. */
static unsigned kinds_of(const struct mould_set *s)
{
    unsigned kinds = MOULD_NULL;
    kinds |= s->others ? MOULD_OBJECT | MOULD_ARRAY : 0;
    kinds |= s->strings.count ? MOULD_STRING : 0;
    kinds |= s->numbers ? MOULD_NUMBER : 0;
    kinds |= s->truths[0] || s->truths[1] ? MOULD_BOOL : 0;
    return kinds;
}

static void fill(struct mould *m, struct mould_node *n, int direction)
{
    const struct shape_position *p = n->position;
    put_kind(m, n, shape_base(p->type), direction);
    put_bounds(n, p);
    put_rules(m, n, p);
    make_quick_range(n);
    for (const struct mould_set *set = n->sets; set; set = set->next)
        n->takes &= kinds_of(set);
    for (unsigned b = 0; b < MOULD_BOUNDS; b++)
        n->numeric = n->numeric || n->bound[b].len;
    n->numeric = n->numeric || n->whole || n->multiple.len || n->sets || n->branch_count;
    n->quick = n->quick && !n->sets && !n->branch_count;
    n->textual = n->base64 || n->min_length || n->max_length != UINT64_MAX || n->sets || n->patterns || n->branch_count;
    n->lengths_alone = !n->base64 && !n->sets && !n->patterns && !n->branch_count;
    for (struct mould_set *set = n->sets; set; set = set->next)
        make_quick_strings(m, set);
}

static void fill_all(struct mould *m, int direction)
{
    while (m->waiting) {
        struct mould_node *n = m->waiting;
        m->waiting = n->next;
        fill(m, n, direction);
    }
}

static bool is_protobuf(const struct contract *c)
{
    const struct fact_list *facts = contract_facts(c);
    for (size_t i = 0; i < facts->count; i++)
        if (facts->v[i].relation == VOCABULARY_DIALECT && slice_eq(fact_text(&facts->v[i], 0), SLICE("protobuf")))
            return true;
    return false;
}

struct mould *mould_new(struct contract *c)
{
    struct mould *m = mem_new(sizeof(*m));
    m->contract = contract_ref(c);
    m->lenient = is_protobuf(c);
    arena_init(&m->arena, 0);
    const struct map *positions = &contract_shape(c)->positions;
    for (int d = 0; d < DIRECTIONS; d++) {
        size_t at = 0;
        const struct shape_position *p;
        while ((p = map_next(positions, &at)))
            if (slice_has(p->name, slice_str(marks[d])))
                map_put(&m->bodies, p->name, node_of(m, d, p));
        fill_all(m, d);
    }
    return m;
}

void mould_free(struct mould **m)
{
    struct mould *mould = *m;
    *m = NULL;
    if (!mould)
        return;
    for (struct mould_set *s = mould->all_sets, *next; s; s = next) {
        next = s->made_before;
        map_fini(&s->strings);
        mem_free(s);
    }
    for (struct mould_pattern *p = mould->all_patterns, *next; p; p = next) {
        next = p->made_before;
        regex_free(&p->regex);
        mem_free(p);
    }
    for (int d = 0; d < DIRECTIONS; d++)
        map_fini(&mould->nodes[d]);
    map_fini(&mould->bodies);
    arena_fini(&mould->arena);
    contract_unref(&mould->contract);
    mem_free(mould);
}

/* ---- asking ---- */

const struct mould_node *mould_body(const struct mould *m, struct slice position)
{
    return map_get(&m->bodies, position);
}

const struct mould_node *mould_request(const struct mould *m, struct slice operation, struct slice media)
{
    char name[512];
    int len = snprintf(name, sizeof(name), "%.*s:request:%.*s", SLICE_FMT(operation), SLICE_FMT(media));
    return len > 0 && (size_t)len < sizeof(name) ? mould_body(m, slice_of(name, (size_t)len)) : NULL;
}

const struct mould_node *mould_response(const struct mould *m, struct slice operation, unsigned status,
                                        struct slice media)
{
    char name[512], entries[3][12];
    snprintf(entries[0], sizeof(entries[0]), "%u", status);
    snprintf(entries[1], sizeof(entries[1]), "%uXX", status / 100);
    snprintf(entries[2], sizeof(entries[2]), "default");
    for (size_t i = 0; i < 3; i++) {
        int len =
            snprintf(name, sizeof(name), "%.*s:response:%s:%.*s", SLICE_FMT(operation), entries[i], SLICE_FMT(media));
        if (len <= 0 || (size_t)len >= sizeof(name))
            return NULL;
        const struct mould_node *n = mould_body(m, slice_of(name, (size_t)len));
        if (n)
            return n;
    }
    return NULL;
}

static unsigned kinds_within(const struct mould_node *n, unsigned deep)
{
    unsigned within = 0;
    for (size_t i = 0; i < n->branch_count && deep < UNIONS_DEEP; i++)
        within |= kinds_within(n->branches[i], deep + 1);
    return n->branch_count ? (n->takes & MOULD_NULL) | (within & n->takes) : n->takes;
}

unsigned mould_kinds(const struct mould_node *n)
{
    return kinds_within(n, 0);
}

bool mould_reads(const struct mould_node *n)
{
    return n->textual;
}

const struct mould_node *mould_nest(const struct mould_node *n, enum mould_kind kind)
{
    for (unsigned deep = 0; n->branch_count; deep++) {
        const struct mould_node *only = NULL;
        for (size_t i = 0; i < n->branch_count; i++) {
            const struct mould_node *b = n->branches[i];
            if (!(b->takes & kind))
                continue;
            if (only || deep == UNIONS_DEEP)
                return &anything;
            only = b;
        }
        if (!only)
            return NULL;
        n = only;
    }
    return n;
}

/* ---- judging one value ---- */

static const struct mould_flaw fine = {.kind = MOULD_FITS};

static bool has_fraction(struct slice number)
{
    size_t at;
    if (!slice_find(number, '.', &at))
        return false;
    for (at++; at < number.len; at++)
        if (number.at[at] != '0')
            return true;
    return false;
}

static bool within(enum mould_bound b, struct slice number, struct slice bound)
{
    int order = shape_decimal_cmp(number, bound);
    switch (b) {
    case MOULD_LEAST:
    case MOULD_MIN:
        return order >= 0;
    case MOULD_MOST:
    case MOULD_MAX:
        return order <= 0;
    case MOULD_ABOVE:
        return order > 0;
    case MOULD_BELOW:
        return order < 0;
    case MOULD_BOUNDS:
        break;
    }
    return true;
}

/* A plain decimal. */
static struct mould_flaw judge_decimal(const struct mould_node *n, struct slice number)
{
    if (n->whole && has_fraction(number))
        return (struct mould_flaw){.kind = MOULD_NOT_WHOLE};
    for (unsigned b = 0; b < MOULD_BOUNDS; b++)
        if (n->bound[b].len && shape_decimal(n->bound[b]) && !within((enum mould_bound)b, number, n->bound[b]))
            return (struct mould_flaw){.kind = MOULD_BOUND, .bound = b, .wanted = n->bound[b]};
    if (n->multiple.len && decimal_divides(number, n->multiple) == 0)
        return (struct mould_flaw){.kind = MOULD_MULTIPLE, .wanted = n->multiple};
    return fine;
}

/* With an exponent: judged when it is a whole number that is not too large. */
static struct mould_flaw judge_number(const struct mould_node *n, struct slice text)
{
    char digits[24];
    int64_t whole;
    if (shape_decimal(text))
        return judge_decimal(n, text);
    if (json_number_whole(text, &whole) != ERR_OK)
        return fine;
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)whole);
    return judge_decimal(n, slice_of(digits, (size_t)len));
}

static bool same_number(struct slice a, struct slice b)
{
    return !shape_decimal(a) || !shape_decimal(b) || shape_decimal_cmp(a, b) == 0;
}

static bool has_string(const struct mould_set *s, struct slice text)
{
    uint64_t hash = json_names_hash(text);
    if (text.len == 0)
        return s->empty;
    for (size_t i = hash & (s->quick_cap - 1); s->quick[i].text.len; i = (i + 1) & (s->quick_cap - 1))
        if (s->quick[i].hash == hash && slice_eq(s->quick[i].text, text))
            return true;
    return false;
}

static bool in_set(const struct mould_set *s, enum mould_kind kind, struct slice text)
{
    if (kind == MOULD_STRING)
        return has_string(s, text);
    if (kind == MOULD_BOOL)
        return s->truths[slice_starts(text, SLICE("t"))];
    for (const struct shape_text *t = s->numbers; t && kind == MOULD_NUMBER; t = t->next)
        if (same_number(t->text, text))
            return true;
    return kind == MOULD_NULL;
}

static uint64_t characters(struct slice text)
{
    uint64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((uint8_t)text.at[i] & 0xC0) != 0x80;
    return count;
}

/* The fast matcher and the exact one must both say no. */
static bool is_like(const struct mould_pattern *p, struct slice text)
{
    return regex_find(p->regex, text) != ERR_ABSENT || regular_takes(p->text, text) != ANSWER_NO;
}

static struct mould_flaw judge_string(const struct mould_node *n, struct slice text)
{
    uint64_t length = n->min_length || n->max_length != UINT64_MAX ? characters(text) : 0;
    if (length < n->min_length)
        return (struct mould_flaw){.kind = MOULD_SHORT, .length = n->min_length};
    if (length > n->max_length)
        return (struct mould_flaw){.kind = MOULD_LONG, .length = n->max_length};
    if (n->base64 && json_value_base64(text) < 0)
        return (struct mould_flaw){.kind = MOULD_NOT_BASE64};
    for (const struct mould_pattern *p = n->patterns; p; p = p->next)
        if (!is_like(p, text))
            return (struct mould_flaw){.kind = MOULD_PATTERN, .wanted = p->text};
    return fine;
}

static struct mould_flaw judge_deep(const struct mould_node *n, enum mould_kind kind, struct slice text, unsigned deep);

static struct mould_flaw judge_branches(const struct mould_node *n, enum mould_kind kind, struct slice text,
                                        unsigned deep)
{
    struct mould_flaw flaw = {.kind = MOULD_OTHER_KIND};
    for (size_t i = 0; i < n->branch_count && flaw.kind != MOULD_FITS; i++)
        if (n->branches[i]->takes & kind)
            flaw = judge_deep(n->branches[i], kind, text, deep + 1);
    /* Null may be allowed beside the branches. */
    return n->branch_count && kind != MOULD_NULL ? flaw : fine;
}

static struct mould_flaw judge_deep(const struct mould_node *n, enum mould_kind kind, struct slice text, unsigned deep)
{
    struct mould_flaw flaw = fine;
    if (deep == UNIONS_DEEP)
        return fine;
    if (!(n->takes & kind))
        return (struct mould_flaw){.kind = MOULD_OTHER_KIND};
    if (kind == MOULD_NUMBER && n->numeric)
        flaw = judge_number(n, text);
    else if (kind == MOULD_STRING && n->textual)
        flaw = judge_string(n, text);
    for (const struct mould_set *s = n->sets; s && flaw.kind == MOULD_FITS; s = s->next)
        if (!in_set(s, kind, text))
            return (struct mould_flaw){.kind = MOULD_NO_VALUE};
    return flaw.kind == MOULD_FITS ? judge_branches(n, kind, text, deep) : flaw;
}

struct mould_flaw mould_judge(const struct mould_node *n, enum mould_kind kind, struct slice text)
{
    return judge_deep(n, kind, text, 0);
}
