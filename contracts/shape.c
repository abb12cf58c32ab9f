#include "contracts/shape.h"

#include "base/check.h"

struct scalar {
    const char *name;
    enum shape_kind kind;
    const char *least, *most;
};

static const struct scalar scalars[] = {
    {"string", SHAPE_STRING, NULL, NULL},
    {"bool", SHAPE_BOOL, NULL, NULL},
    {"bytes", SHAPE_BYTES, NULL, NULL},
    {"int32", SHAPE_WHOLE, "-2147483648", "2147483647"},
    {"int64", SHAPE_WHOLE, "-9223372036854775808", "9223372036854775807"},
    {"uint32", SHAPE_WHOLE, "0", "4294967295"},
    {"uint64", SHAPE_WHOLE, "0", "18446744073709551615"},
    {"integer", SHAPE_WHOLE, NULL, NULL},
    {"float", SHAPE_REAL, NULL, NULL},
    {"double", SHAPE_REAL, NULL, NULL},
    {"number", SHAPE_REAL, NULL, NULL},
    {"any", SHAPE_ANY, NULL, NULL},
    /* A union of nothing. */
    {"never", SHAPE_UNION, NULL, NULL},
};

static const char *const bound_names[SHAPE_BOUNDS] = {
    [SHAPE_MIN] = "min",
    [SHAPE_MAX] = "max",
    [SHAPE_MIN_LENGTH] = "min_length",
    [SHAPE_MAX_LENGTH] = "max_length",
    [SHAPE_MIN_ITEMS] = "min_items",
    [SHAPE_MAX_ITEMS] = "max_items",
    [SHAPE_ABOVE] = "above",
    [SHAPE_BELOW] = "below",
    [SHAPE_MULTIPLE_OF] = "multiple_of",
};

const char *const *shape_scalars(void)
{
    static const char *const names[] = {"string",  "bool",  "bytes",  "int32",  "int64", "uint32", "uint64",
                                        "integer", "float", "double", "number", "any",   "never",  NULL};
    return names;
}

int shape_bound_find(struct slice kind)
{
    for (int i = 0; i < SHAPE_BOUNDS; i++)
        if (slice_eq(kind, slice_str(bound_names[i])))
            return i;
    return -1;
}

static struct slice digits(struct slice *rest)
{
    size_t n = 0;
    while (n < rest->len && rest->at[n] >= '0' && rest->at[n] <= '9')
        n++;
    struct slice run = slice_to(*rest, n);
    *rest = slice_from(*rest, n);
    return run;
}

struct decimal {
    bool minus;
    struct slice whole, part;
};

static bool split_decimal(struct slice text, struct decimal *d)
{
    *d = (struct decimal){.minus = slice_starts(text, SLICE("-"))};
    struct slice rest = slice_from(text, d->minus);
    d->whole = digits(&rest);
    if (d->whole.len == 0)
        return false;
    if (rest.len == 0)
        return true;
    if (rest.at[0] != '.')
        return false;
    rest = slice_from(rest, 1);
    d->part = digits(&rest);
    return d->part.len > 0 && rest.len == 0;
}

bool shape_decimal(struct slice text)
{
    struct decimal d;
    return split_decimal(text, &d);
}

static struct decimal plain(struct slice text)
{
    struct decimal d;
    bool fine = split_decimal(text, &d);
    PRE(fine);
    while (d.whole.len > 1 && d.whole.at[0] == '0')
        d.whole = slice_from(d.whole, 1);
    while (d.part.len > 0 && d.part.at[d.part.len - 1] == '0')
        d.part = slice_to(d.part, d.part.len - 1);
    if (slice_eq(d.whole, SLICE("0")) && d.part.len == 0)
        d.minus = false;
    return d;
}

static int cmp_size(const struct decimal *a, const struct decimal *b)
{
    if (a->whole.len != b->whole.len)
        return a->whole.len < b->whole.len ? -1 : 1;
    int order = slice_cmp(a->whole, b->whole);
    return order ? order : slice_cmp(a->part, b->part);
}

int shape_decimal_cmp(struct slice a, struct slice b)
{
    struct decimal x = plain(a), y = plain(b);
    if (x.minus != y.minus)
        return x.minus ? -1 : 1;
    return x.minus ? cmp_size(&y, &x) : cmp_size(&x, &y);
}

static const struct shape_rule no_rule;
const struct shape_more shape_no_more;

static struct shape_type *put_type(struct shape *s, struct slice name, enum shape_kind kind, const struct fact *fact)
{
    struct shape_type *t = arena_new(s->arena, sizeof(*t));
    *t = (struct shape_type){.name = name, .kind = kind, .number = s->type_count++, .rule = &no_rule, .fact = fact};
    (void)map_keep(&s->types, t->name, t);
    return t;
}

static void put_scalars(struct shape *s)
{
    for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
        struct shape_type *t = put_type(s, slice_str(scalars[i].name), scalars[i].kind, NULL);
        t->least = slice_str(scalars[i].least);
        t->most = slice_str(scalars[i].most);
    }
}

static void declare(struct shape *s, const struct fact *f)
{
    switch (f->relation) {
    case VOCABULARY_RECORD:
        put_type(s, fact_text(f, 0), SHAPE_RECORD, f);
        break;
    case VOCABULARY_ENUM:
        put_type(s, fact_text(f, 0), SHAPE_ENUM, f);
        break;
    case VOCABULARY_ALIAS:
        put_type(s, fact_text(f, 0), SHAPE_ALIAS, f);
        break;
    case VOCABULARY_LIST:
        put_type(s, fact_text(f, 0), SHAPE_LIST, f);
        break;
    case VOCABULARY_MAP:
        put_type(s, fact_text(f, 0), SHAPE_MAP, f);
        break;
    case VOCABULARY_UNION:
        put_type(s, fact_text(f, 0), SHAPE_UNION, f);
        break;
    default:
        break;
    }
}

static struct shape_position *put_position(struct shape *s, struct slice name, struct slice type, const struct fact *f)
{
    struct shape_position *p = arena_new(s->arena, sizeof(*p));
    *p = (struct shape_position){
        .name = name, .type_name = type, .type = map_get(&s->types, type), .more = &shape_no_more, .fact = f};
    p->again = map_keep(&s->positions, p->name, p) != NULL;
    return p;
}

/* Most facts are about the same type as the one before. */
static struct shape_type *owner_of(struct shape *s, struct slice name)
{
    if (!s->owner || !slice_eq(s->owner->name, name))
        s->owner = map_get(&s->types, name);
    return s->owner;
}

/* At the end of its owner's parts, so that they keep the order of their facts. */
static struct shape_position *put_part(struct shape *s, struct slice owner, struct slice name, struct slice type,
                                       const struct fact *f)
{
    struct shape_position *p = put_position(s, name, type, f);
    struct shape_type *t = owner_of(s, owner);
    if (!t)
        return p;
    if (t->last)
        t->last->next = p;
    else
        t->parts = p;
    t->last = p;
    return p;
}

static struct slice joined(struct shape *s, struct slice a, const char *between, struct slice b)
{
    return arena_join(s->arena, a, between, b);
}

static void put_field(struct shape *s, const struct fact *f)
{
    struct slice name = joined(s, fact_text(f, 0), ".", fact_text(f, 1));
    struct shape_position *p = put_part(s, fact_text(f, 0), name, fact_text(f, 2), f);
    p->member = fact_text(f, 1);
    p->required = slice_eq(fact_text(f, 3), SLICE("required"));
}

static void put_surface(struct shape *s, const struct fact *f)
{
    struct slice op = fact_text(f, 0);
    if (f->relation == VOCABULARY_PARAM) {
        struct slice head = joined(s, op, ".", fact_text(f, 1));
        put_position(s, joined(s, head, ".", fact_text(f, 2)), fact_text(f, 3), f);
    } else if (f->relation == VOCABULARY_HEADER) {
        struct slice head = joined(s, op, ":header:", fact_text(f, 1));
        put_position(s, joined(s, head, ":", fact_text(f, 2)), fact_text(f, 3), f);
    } else if (f->relation == VOCABULARY_REQUEST) {
        put_position(s, joined(s, op, ":request:", fact_text(f, 1)), fact_text(f, 2), f);
    } else {
        struct slice head = joined(s, op, ":response:", fact_text(f, 1));
        put_position(s, joined(s, head, ":", fact_text(f, 2)), fact_text(f, 3), f);
    }
}

/* Facts are sorted, so that the next item is nearly always the last. */
static void put_item(struct shape_type *t, struct shape_position *item)
{
    struct shape_position **at = &t->items;
    while (*at && (*at)->fact->value[1].number < item->fact->value[1].number)
        at = &(*at)->next;
    item->next = *at;
    *at = item;
}

static void place_parts(struct shape *s, const struct fact *f)
{
    struct slice owner = fact_text(f, 0), none = SLICE("");
    switch (f->relation) {
    case VOCABULARY_FIELD:
        put_field(s, f);
        break;
    case VOCABULARY_ALIAS:
        put_part(s, owner, joined(s, owner, "=", none), fact_text(f, 1), f);
        break;
    case VOCABULARY_EXTRA: {
        struct shape_position *extra = put_position(s, joined(s, owner, "{}", none), fact_text(f, 1), f);
        struct shape_type *t = map_get(&s->types, owner);
        if (t)
            t->extra = extra;
        break;
    }
    case VOCABULARY_ITEM: {
        struct shape_type *t = map_get(&s->types, owner);
        struct shape_position *item = put_position(
            s, arena_putf(s->arena, "%.*s[%lld]", SLICE_FMT(owner), (long long)f->value[1].number), fact_text(f, 2), f);
        if (t)
            put_item(t, item);
        break;
    }
    case VOCABULARY_LIST:
        put_part(s, owner, joined(s, owner, "[]", none), fact_text(f, 1), f);
        break;
    case VOCABULARY_MAP:
        put_part(s, owner, joined(s, owner, "{key}", none), fact_text(f, 1), f);
        put_part(s, owner, joined(s, owner, "{}", none), fact_text(f, 2), f);
        break;
    case VOCABULARY_BRANCH:
        put_part(s, owner, arena_putf(s->arena, "%.*s|%lld", SLICE_FMT(owner), (long long)f->value[1].number),
                 fact_text(f, 2), f);
        break;
    case VOCABULARY_HEADER:
    case VOCABULARY_PARAM:
    case VOCABULARY_REQUEST:
    case VOCABULARY_RESPONSE:
        put_surface(s, f);
        break;
    default:
        break;
    }
}

/* What a position has of its own is made when the first of it comes; so is a type's rule. */
static struct shape_more *more_of(struct shape *s, struct shape_position *p)
{
    if (p->more == &shape_no_more)
        p->more = arena_new(s->arena, sizeof(*p->more));
    return (struct shape_more *)(uintptr_t)p->more;
}

static struct shape_rule *rule_of(struct shape *s, struct slice subject)
{
    struct shape_type *t = map_get(&s->types, subject);
    if (t && t->fact) {
        if (t->rule == &no_rule)
            t->rule = arena_new(s->arena, sizeof(*t->rule));
        return (struct shape_rule *)(uintptr_t)t->rule;
    }
    struct shape_position *p = map_get(&s->positions, subject);
    return p ? &more_of(s, p)->rule : NULL;
}

static struct slice tighter(enum shape_bound b, struct slice x, struct slice y)
{
    if (x.len == 0 || y.len == 0)
        return x.len ? x : y;
    bool upper = b == SHAPE_MAX || b == SHAPE_BELOW || b == SHAPE_MAX_LENGTH || b == SHAPE_MAX_ITEMS;
    int order = shape_decimal_cmp(x, y);
    return (order < 0) == upper ? x : y;
}

/* A subject may have several of one kind: all hold. */
static void put_bound(struct shape_rule *rule, const struct fact *f)
{
    int b = shape_bound_find(fact_text(f, 1));
    if (b >= 0 && shape_decimal(fact_text(f, 2)))
        rule->bound[b] = tighter((enum shape_bound)b, rule->bound[b], fact_text(f, 2));
}

static const struct shape_text *text_before(struct shape *s, struct slice text, const struct shape_text *next)
{
    struct shape_text *t = arena_new(s->arena, sizeof(*t));
    *t = (struct shape_text){.text = text, .next = next};
    return t;
}

static void put_saying(struct shape *s, struct shape_rule *rule, const struct fact *f)
{
    struct shape_saying *saying = arena_new(s->arena, sizeof(*saying));
    *saying = (struct shape_saying){.word = fact_text(f, 1), .text = fact_text(f, 2), .next = rule->sayings};
    rule->sayings = saying;
}

static void put_aspect(struct shape *s, struct shape_rule *rule, const struct fact *f)
{
    struct shape_aspect *aspect = arena_new(s->arena, sizeof(*aspect));
    struct slice name = joined(s, fact_text(f, 0), "?", fact_text(f, 1));
    *aspect = (struct shape_aspect){.role = fact_text(f, 1), .next = rule->aspects};
    aspect->position = put_position(s, joined(s, name, "=", SLICE("")), fact_text(f, 2), f);
    rule->aspects = aspect;
}

static void constrain(struct shape *s, const struct fact *f)
{
    struct shape_rule *rule = rule_of(s, fact_text(f, 0));
    if (!rule)
        return;
    if (f->relation == VOCABULARY_NULLABLE)
        rule->nullable = true;
    else if (f->relation == VOCABULARY_BOUND)
        put_bound(rule, f);
    else if (f->relation == VOCABULARY_PATTERN)
        rule->patterns = text_before(s, fact_text(f, 1), rule->patterns);
    else if (f->relation == VOCABULARY_FORMAT)
        rule->format = fact_text(f, 1);
    else if (f->relation == VOCABULARY_VALUE)
        rule->values = text_before(s, fact_text(f, 1), rule->values);
    else if (f->relation == VOCABULARY_UNPROVEN)
        put_saying(s, rule, f);
    else if (f->relation == VOCABULARY_ASPECT)
        put_aspect(s, rule, f);
}

static void put_symbol(struct shape *s, struct shape_type *t, const struct fact *f, size_t most)
{
    if (!t->symbols)
        t->symbols = arena_array(s->arena, most, sizeof(const struct fact *));
    t->symbols[t->symbol_count++] = f;
}

/* Symbols of one enum stand beside each other: `f` is the first of them. */
static size_t symbols_from(const struct fact *f, const struct fact *end)
{
    size_t n = 0;
    while (f + n < end && f[n].relation == VOCABULARY_SYMBOL && slice_eq(fact_text(&f[n], 0), fact_text(f, 0)))
        n++;
    return n;
}

static void put_option(struct shape *s, struct shape_type *t, const struct fact *f)
{
    struct slice name = fact_text(f, 1), said = fact_text(f, 2);
    if (!t->avro)
        t->avro = arena_new(s->arena, sizeof(*t->avro));
    if (slice_eq(name, SLICE("name")))
        t->avro->name = said;
    else if (slice_eq(name, SLICE("full")))
        t->avro->full = said;
    else if (slice_eq(name, SLICE("alias")))
        t->avro->aliases = text_before(s, said, t->avro->aliases);
    else if (slice_eq(name, SLICE("size")))
        t->avro->size = said;
    else if (slice_eq(name, SLICE("decimal")))
        t->avro->decimal = said;
}

static void describe_member(struct shape *s, const struct fact *f)
{
    bool renamed = f->relation == VOCABULARY_RENAMED;
    struct shape_position *p = map_get(&s->positions, joined(s, fact_text(f, 0), ".", fact_text(f, renamed ? 2 : 1)));
    struct shape_more *more = p ? more_of(s, p) : NULL;
    if (more && renamed)
        more->was = text_before(s, fact_text(f, 1), more->was);
    else if (more)
        more->otherwise = fact_text(f, 2);
}

/* Of most facts there is nothing more to say than where they stand. */
static bool describes(const struct shape *s, enum vocabulary relation)
{
    switch (relation) {
    case VOCABULARY_DEFAULT:
    case VOCABULARY_RENAMED:
    case VOCABULARY_ONLY:
    case VOCABULARY_CLOSED:
    case VOCABULARY_OPEN:
    case VOCABULARY_EXCLUSIVE:
    case VOCABULARY_FALLBACK:
    case VOCABULARY_SYMBOL:
        return true;
    case VOCABULARY_OPTION:
        return s->avro;
    default:
        return false;
    }
}

static bool constrains(enum vocabulary relation)
{
    switch (relation) {
    case VOCABULARY_NULLABLE:
    case VOCABULARY_BOUND:
    case VOCABULARY_PATTERN:
    case VOCABULARY_FORMAT:
    case VOCABULARY_VALUE:
    case VOCABULARY_UNPROVEN:
    case VOCABULARY_ASPECT:
        return true;
    default:
        return false;
    }
}

static void describe(struct shape *s, const struct fact *f, const struct fact *end)
{
    if (f->relation == VOCABULARY_DEFAULT || f->relation == VOCABULARY_RENAMED) {
        describe_member(s, f);
        return;
    }
    if (f->relation == VOCABULARY_ONLY) {
        struct shape_position *p = map_get(&s->positions, fact_text(f, 0));
        if (p)
            more_of(s, p)->only = fact_text(f, 1);
        return;
    }
    struct shape_type *t = owner_of(s, fact_text(f, 0));
    if (!t)
        return;
    if (f->relation == VOCABULARY_CLOSED)
        t->closed = true;
    else if (f->relation == VOCABULARY_OPEN)
        t->open = true;
    else if (f->relation == VOCABULARY_EXCLUSIVE)
        t->exclusive = true;
    else if (f->relation == VOCABULARY_OPTION && s->avro)
        put_option(s, t, f);
    else if (f->relation == VOCABULARY_FALLBACK)
        t->fallback = fact_text(f, 1);
    else if (f->relation == VOCABULARY_SYMBOL && t->kind == SHAPE_ENUM)
        put_symbol(s, t, f, t->symbols ? 0 : symbols_from(f, end));
}

static bool learn_null(struct shape_type *t)
{
    if (t->kind != SHAPE_UNION || t->null_inside)
        return false;
    for (const struct shape_position *b = t->parts; b && !t->null_inside; b = b->next)
        t->null_inside = shape_nullable(b);
    return t->null_inside;
}

/* Unions in unions: again until nothing is new.  Deeper nesting than this is taken to refuse null. */
static void learn_nulls(struct shape *s)
{
    bool news = true;
    for (int i = 0; i < 16 && news; i++) {
        size_t at = 0;
        struct shape_type *t;
        news = false;
        while ((t = map_next(&s->types, &at)))
            news = learn_null(t) || news;
    }
}

void shape_init(struct shape *s, const struct fact_list *facts, struct arena *arena)
{
    *s = (struct shape){.arena = arena};
    const struct fact *end = fact_list_end(facts);
    put_scalars(s);
    for (const struct fact *f = facts->v; f < end; f++) {
        s->avro = s->avro || (f->relation == VOCABULARY_DIALECT && slice_eq(fact_text(f, 0), SLICE("avro")));
        declare(s, f);
    }
    for (const struct fact *f = facts->v; f < end; f++)
        place_parts(s, f);
    for (const struct fact *f = facts->v; f < end; f++) {
        if (describes(s, f->relation))
            describe(s, f, end);
        else if (constrains(f->relation))
            constrain(s, f);
    }
    learn_nulls(s);
}

void shape_fini(struct shape *s)
{
    map_fini(&s->types);
    map_fini(&s->positions);
}

const struct shape_type *shape_type(const struct shape *s, struct slice name)
{
    return map_get(&s->types, name);
}

const struct shape_position *shape_position(const struct shape *s, struct slice name)
{
    return map_get(&s->positions, name);
}

/* Further than any chain of aliases that is not a ring. */
enum { ALIASES = 64 };

const struct shape_type *shape_base(const struct shape_type *t)
{
    for (int i = 0; t && t->kind == SHAPE_ALIAS; i++) {
        if (i == ALIASES || !t->parts)
            return NULL;
        t = t->parts->type;
    }
    return t;
}

struct slice shape_tightest(const struct shape_position *p, enum shape_bound b)
{
    struct slice tightest = p->more->rule.bound[b];
    const struct shape_type *t = p->type;
    for (int i = 0; t && i < ALIASES; i++) {
        tightest = tighter(b, tightest, t->rule->bound[b]);
        t = t->kind == SHAPE_ALIAS && t->parts ? t->parts->type : NULL;
    }
    return tightest;
}

bool shape_nullable(const struct shape_position *p)
{
    if (p->more->rule.nullable)
        return true;
    const struct shape_type *t = p->type;
    for (int i = 0; t && i < ALIASES; i++) {
        if (t->rule->nullable || t->null_inside || t->kind == SHAPE_ANY)
            return true;
        t = t->kind == SHAPE_ALIAS && t->parts ? t->parts->type : NULL;
    }
    return false;
}

const struct shape_rule *shape_rule_at(const struct shape_position *p, unsigned number)
{
    const struct shape_type *t = p->type;
    if (number == 0)
        return &p->more->rule;
    for (unsigned i = 1; i < number && t; i++)
        t = i < ALIASES && t->kind == SHAPE_ALIAS && t->parts ? t->parts->type : NULL;
    return t ? t->rule : NULL;
}
