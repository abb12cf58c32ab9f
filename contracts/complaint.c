#include "contracts/complaint.h"

#include <stdio.h>

#include "base/mem.h"
#include "contracts/conforms.h"

struct search {
    const struct fact_list *facts;
    const struct shape *shape;
    const struct complaint_source *source;
    struct diag *diag;
    bool imported; /* from a language with shapes of its own */
    struct arena arena;
    struct buf name;                /* of a member */
    const struct shape_type *owner; /* the last that was looked for */
    const struct shape_type *part_owner;
    const struct shape_position *part; /* of it, the last that was looked for */
    struct map operations;             /* name to its fact */
    struct map seen;                   /* what may be said once */
    const char **candidates;           /* every type's name, for suggestions */
    size_t candidate_count;
};

static void complain(struct search *s, const struct fact *f, const char *fix, const char *format, ...)
    PRINTF_LIKE(4, 5);

static void complain(struct search *s, const struct fact *f, const char *fix, const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    struct diag_place place = {.file = s->source->file};
    if (f) {
        place.text = s->source->text;
        place.line = f->line;
        place.column = f->column;
        place.width = f->width;
    }
    diag_add(s->diag, DIAG_ERROR, &place, fix, "%s", message);
}

static void unknown(struct search *s, const struct fact *f, const char *what, struct slice name)
{
    const char *nearest = diag_nearest(name, s->candidates, s->candidate_count);
    char fix[120];
    snprintf(fix, sizeof(fix), "did you mean `%s`?", nearest ? nearest : "");
    complain(s, f, nearest ? fix : NULL, "unknown %s `%.*s`", what, SLICE_FMT(slice_to(name, 80)));
}

/* The same in other words may stand once only. */
static void once(struct search *s, const struct fact *f, const char *what, struct slice name)
{
    struct slice key = arena_join(&s->arena, slice_str(what), " ", name);
    if (map_put(&s->seen, key, (void *)(uintptr_t)f))
        complain(s, f, NULL, "%s `%.*s` is declared twice", what, SLICE_FMT(slice_to(name, 80)));
}

/* A member whose position another member's fact declares already.  Of the names that only look alike, such as a
 * parameter's, the list of what was said remembers which are members. */
static void once_member(struct search *s, const struct fact *f, const struct shape_position *p)
{
    const struct shape_position *first = p->again ? shape_position(s->shape, p->name) : p;
    if (first == p)
        return;
    if (first->fact->relation == VOCABULARY_FIELD)
        complain(s, f, NULL, "member `%.*s` is declared twice", SLICE_FMT(slice_to(p->name, 80)));
    else
        once(s, f, "member", p->name);
}

static void is_a_type(struct search *s, const struct fact *f, struct slice name, const struct shape_type *t)
{
    if (!t)
        unknown(s, f, "type", name);
    else if (!shape_base(t))
        complain(s, f, NULL, "alias `%.*s` leads back to itself", SLICE_FMT(slice_to(name, 80)));
}

static const struct shape_type *wants_type(struct search *s, const struct fact *f, struct slice name)
{
    const struct shape_type *t = shape_type(s->shape, name);
    is_a_type(s, f, name, t);
    return t;
}

/* Most facts are about the same type as the one before. */
static const struct shape_type *owner_of(struct search *s, struct slice name)
{
    if (!s->owner || !slice_eq(s->owner->name, name))
        s->owner = shape_type(s->shape, name);
    return s->owner;
}

static const struct shape_type *wants_kind(struct search *s, const struct fact *f, enum shape_kind kind,
                                           const char *what)
{
    const struct shape_type *t = owner_of(s, fact_text(f, 0));
    if (t && t->kind == kind)
        return t;
    unknown(s, f, what, fact_text(f, 0));
    return NULL;
}

static void wants_operation(struct search *s, const struct fact *f)
{
    if (!map_get(&s->operations, fact_text(f, 0)))
        complain(s, f, NULL, "unknown operation `%.*s`", SLICE_FMT(slice_to(fact_text(f, 0), 80)));
}

static void wants_word(struct search *s, const struct fact *f, struct slice word, const char *const *words)
{
    char all[160] = "one of";
    for (size_t i = 0; words[i]; i++) {
        if (slice_eq(word, slice_str(words[i])))
            return;
        size_t used = strlen(all);
        snprintf(all + used, sizeof(all) - used, "%s %s", i ? "," : "", words[i]);
    }
    complain(s, f, NULL, "`%.*s` stands where %s is expected", SLICE_FMT(slice_to(word, 40)), all);
}

static void wants_presence(struct search *s, const struct fact *f, struct slice word)
{
    static const char *const words[] = {"required", "optional", NULL};
    wants_word(s, f, word, words);
}

static bool is_status(struct slice status)
{
    if (slice_eq(status, SLICE("default")) || slice_eq(status, SLICE("OK")))
        return true;
    if (status.len != 3 || status.at[0] < '1' || status.at[0] > '5')
        return false;
    if (slice_eq(slice_from(status, 1), SLICE("XX")))
        return true;
    return status.at[1] >= '0' && status.at[1] <= '9' && status.at[2] >= '0' && status.at[2] <= '9';
}

static void look_at_param(struct search *s, const struct fact *f)
{
    static const char *const places[] = {"path", "query", "header", "cookie", NULL};
    wants_operation(s, f);
    wants_word(s, f, fact_text(f, 1), places);
    wants_type(s, f, fact_text(f, 3));
    wants_presence(s, f, fact_text(f, 4));
    struct slice name = arena_putf(&s->arena, "%.*s.%.*s.%.*s", SLICE_FMT(fact_text(f, 0)), SLICE_FMT(fact_text(f, 1)),
                                   SLICE_FMT(fact_text(f, 2)));
    once(s, f, "parameter", name);
}

static void look_at_response(struct search *s, const struct fact *f)
{
    wants_operation(s, f);
    if (!is_status(fact_text(f, 1)))
        complain(s, f, "a status is \"201\", \"2XX\", \"default\" or \"OK\"", "`%.*s` is no status",
                 SLICE_FMT(slice_to(fact_text(f, 1), 40)));
    if (fact_text(f, 2).len || fact_text(f, 3).len)
        wants_type(s, f, fact_text(f, 3));
}

/* Until the next one is asked for. */
static struct slice member_name(struct search *s, const struct fact *f)
{
    buf_clear(&s->name);
    buf_put(&s->name, fact_text(f, 0));
    buf_put_char(&s->name, '.');
    buf_put(&s->name, fact_text(f, 1));
    return buf_slice(&s->name);
}

/* Parts stand in the order of their facts, which are looked at in that order. */
static const struct shape_position *part_of(struct search *s, const struct shape_type *t, const struct fact *f)
{
    if (!s->part || s->part_owner != t)
        s->part = t->parts;
    while (s->part && s->part->fact != f)
        s->part = s->part->next;
    s->part_owner = t;
    return s->part;
}

static void look_at_field(struct search *s, const struct fact *f)
{
    const struct shape_type *t = wants_kind(s, f, SHAPE_RECORD, "record");
    const struct shape_position *p = t ? part_of(s, t, f) : NULL;
    is_a_type(s, f, fact_text(f, 2), p ? p->type : shape_type(s->shape, fact_text(f, 2)));
    wants_presence(s, f, fact_text(f, 3));
    if (p)
        once_member(s, f, p);
}

static const struct shape_position *wants_member(struct search *s, const struct fact *f, struct slice member)
{
    struct slice name = arena_join(&s->arena, fact_text(f, 0), ".", member);
    const struct shape_position *p = shape_position(s->shape, name);
    if (!p)
        complain(s, f, NULL, "unknown member `%.*s`", SLICE_FMT(slice_to(name, 80)));
    return p;
}

static void look_at_default(struct search *s, const struct fact *f)
{
    const struct shape_position *p = wants_member(s, f, fact_text(f, 1));
    const struct json_value *v;
    if (json_value_read(fact_text(f, 2), &s->arena, &v) != ERR_OK)
        complain(s, f, "a string needs quotes of its own: \"\\\"EUR\\\"\"", "`%.*s` is not JSON",
                 SLICE_FMT(slice_to(fact_text(f, 2), 80)));
    else if (p && p->type && !s->imported && !conforms(p, v))
        complain(s, f, NULL, "`%.*s` is no %.*s", SLICE_FMT(slice_to(fact_text(f, 2), 80)), SLICE_FMT(p->type_name));
    once(s, f, "default of", arena_join(&s->arena, fact_text(f, 0), ".", fact_text(f, 1)));
}

static bool has_symbol(const struct shape_type *t, struct slice symbol)
{
    for (size_t i = 0; i < t->symbol_count; i++)
        if (slice_eq(fact_text(t->symbols[i], 1), symbol))
            return true;
    return false;
}

static void look_at_symbol(struct search *s, const struct fact *f)
{
    const struct shape_type *t = wants_kind(s, f, SHAPE_ENUM, "enum");
    if (f->relation == VOCABULARY_SYMBOL)
        once(s, f, "symbol", arena_join(&s->arena, fact_text(f, 0), ".", fact_text(f, 1)));
    else if (t && !has_symbol(t, fact_text(f, 1)))
        complain(s, f, NULL, "`%.*s` is no symbol of %.*s", SLICE_FMT(slice_to(fact_text(f, 1), 80)),
                 SLICE_FMT(t->name));
}

static void look_at_union(struct search *s, const struct fact *f)
{
    const struct shape_type *t = shape_type(s->shape, fact_text(f, 0));
    int64_t number = 0;
    for (const struct shape_position *p = t->fact == f ? t->parts : NULL; p; p = p->next)
        if (p->fact->value[1].number != number++)
            complain(s, p->fact, NULL, "branches are numbered from 0 without gaps: %lld is expected",
                     (long long)number - 1);
    if (t->fact == f && number == 0)
        complain(s, f, NULL, "union `%.*s` has no branches", SLICE_FMT(slice_to(fact_text(f, 0), 80)));
}

static bool is_subject(const struct search *s, struct slice name)
{
    const struct shape_type *t = shape_type(s->shape, name);
    return (t && t->fact) || shape_position(s->shape, name) || map_get(&s->operations, name);
}

static void wants_subject(struct search *s, const struct fact *f)
{
    if (!is_subject(s, fact_text(f, 0)))
        complain(s, f, NULL, "nothing is called `%.*s`", SLICE_FMT(slice_to(fact_text(f, 0), 80)));
}

/* The families of values that a bound may be set on. */
static bool bound_fits(enum shape_bound b, enum shape_kind kind)
{
    switch (b) {
    case SHAPE_MIN:
    case SHAPE_MAX:
    case SHAPE_ABOVE:
    case SHAPE_BELOW:
    case SHAPE_MULTIPLE_OF:
        return kind == SHAPE_WHOLE || kind == SHAPE_REAL || kind == SHAPE_ANY;
    case SHAPE_MIN_LENGTH:
    case SHAPE_MAX_LENGTH:
        return kind == SHAPE_STRING || kind == SHAPE_BYTES || kind == SHAPE_ENUM || kind == SHAPE_ANY;
    case SHAPE_MIN_ITEMS:
    case SHAPE_MAX_ITEMS:
        return kind == SHAPE_LIST || kind == SHAPE_MAP || kind == SHAPE_RECORD;
    case SHAPE_BOUNDS:
        break;
    }
    return false;
}

enum { BOUND_DIGITS = 40 };

static void look_at_bound(struct search *s, const struct fact *f)
{
    wants_subject(s, f);
    int b = shape_bound_find(fact_text(f, 1));
    if (b < 0) {
        complain(s, f, "min, max, above, below, multiple_of, min_length, max_length, min_items and max_items are known",
                 "unknown bound `%.*s`", SLICE_FMT(slice_to(fact_text(f, 1), 40)));
        return;
    }
    if (!shape_decimal(fact_text(f, 2)) || fact_text(f, 2).len > BOUND_DIGITS)
        complain(s, f, NULL, "a bound is a decimal number of at most %d digits", BOUND_DIGITS);
    const struct shape_type *t = shape_type(s->shape, fact_text(f, 0));
    const struct shape_position *p = shape_position(s->shape, fact_text(f, 0));
    t = shape_base(t ? t : p ? p->type : NULL);
    if (t && !bound_fits((enum shape_bound)b, t->kind))
        complain(s, f, NULL, "`%.*s` is no bound for %.*s", SLICE_FMT(fact_text(f, 1)), SLICE_FMT(t->name));
}

/* Of another fact than the one that declares it: a scalar's name is taken, and said so elsewhere. */
static void once_type(struct search *s, const struct fact *f, const struct shape_type *t)
{
    if (t && t->fact)
        complain(s, f, NULL, "type `%.*s` is declared twice", SLICE_FMT(slice_to(fact_text(f, 0), 80)));
    else
        once(s, f, "type", fact_text(f, 0));
}

/* A type that is made for one member may have its name. */
static void is_no_member(struct search *s, const struct fact *f)
{
    const struct shape_position *p = shape_position(s->shape, fact_text(f, 0));
    if (p && p->fact->relation == VOCABULARY_FIELD && !slice_eq(p->type_name, fact_text(f, 0)))
        complain(s, p->fact, NULL, "`%.*s` is a type's name and a member's", SLICE_FMT(slice_to(p->name, 80)));
}

static void look_at_type(struct search *s, const struct fact *f)
{
    static const char *const scalar_fix = "the scalars' names are taken";
    const struct shape_type *t = owner_of(s, fact_text(f, 0));
    if (!t || t->fact != f)
        once_type(s, f, t);
    is_no_member(s, f);
    if (fact_text(f, 0).len == 0)
        complain(s, f, NULL, "a type needs a name");
    else if (t && !t->fact)
        complain(s, f, scalar_fix, "`%.*s` is a scalar", SLICE_FMT(fact_text(f, 0)));
}

static void look_at_container(struct search *s, const struct fact *f)
{
    look_at_type(s, f);
    const struct shape_type *t = wants_type(s, f, fact_text(f, 1));
    if (f->relation != VOCABULARY_MAP)
        return;
    t = shape_base(t);
    if (t && t->kind != SHAPE_STRING && t->kind != SHAPE_ENUM && t->kind != SHAPE_WHOLE && t->kind != SHAPE_BOOL)
        complain(s, f, NULL, "a map's key is a string, an enum, a bool or a whole number");
    wants_type(s, f, fact_text(f, 2));
}

static void look_at_contract(struct search *s, const struct fact *f)
{
    once(s, f, "contract", (struct slice){0});
}

static void look_at_http(struct search *s, const struct fact *f)
{
    if (!slice_starts(fact_text(f, 2), SLICE("/")))
        complain(s, f, NULL, "a path begins with `/`");
    wants_operation(s, f);
    once(s, f, "http of", fact_text(f, 0));
}

static void look_at_grpc(struct search *s, const struct fact *f)
{
    wants_operation(s, f);
    once(s, f, "grpc of", fact_text(f, 0));
}

static void look_at_header(struct search *s, const struct fact *f)
{
    wants_operation(s, f);
    wants_type(s, f, fact_text(f, 3));
    wants_presence(s, f, fact_text(f, 4));
}

static void look_at_request(struct search *s, const struct fact *f)
{
    wants_operation(s, f);
    wants_type(s, f, fact_text(f, 2));
    once(s, f, "request", arena_putf(&s->arena, "%.*s %.*s", SLICE_FMT(fact_text(f, 0)), SLICE_FMT(fact_text(f, 1))));
}

static void look_at_choice(struct search *s, const struct fact *f)
{
    look_at_type(s, f);
    look_at_union(s, f);
}

static void look_at_closed(struct search *s, const struct fact *f)
{
    wants_kind(s, f, SHAPE_RECORD, "record");
}

static void look_at_extra(struct search *s, const struct fact *f)
{
    wants_kind(s, f, SHAPE_RECORD, "record");
    wants_type(s, f, fact_text(f, 1));
}

static void look_at_tag(struct search *s, const struct fact *f)
{
    if (!shape_position(s->shape, member_name(s, f)))
        wants_member(s, f, fact_text(f, 1));
}

static void look_at_renamed(struct search *s, const struct fact *f)
{
    wants_kind(s, f, SHAPE_RECORD, "record");
    wants_member(s, f, fact_text(f, 2));
}

/* "a/b" without an empty name. */
static bool is_way(struct slice path)
{
    struct slice name;
    bool fine = path.len > 0 && path.at[path.len - 1] != '/';
    while (slice_split(&path, '/', &name))
        fine = fine && name.len > 0;
    return fine;
}

static void look_at_moved(struct search *s, const struct fact *f)
{
    const struct shape_type *t = shape_type(s->shape, fact_text(f, 0));
    bool place = (t && t->kind == SHAPE_RECORD) || map_get(&s->operations, fact_text(f, 0));
    if (!place)
        complain(s, f, NULL, "`%.*s` is neither a record nor an operation", SLICE_FMT(slice_to(fact_text(f, 0), 80)));
    for (size_t i = 1; i <= 2; i++)
        if (!is_way(fact_text(f, i)))
            complain(s, f, "names with / between them, like address/city", "`%.*s` is no path",
                     SLICE_FMT(slice_to(fact_text(f, i), 80)));
}

/* Ways to write a value that only go with each other; seconds are also a unit among units. */
static bool is_writing(struct slice word)
{
    static const char *const words[] = {"text", "base64", "one",    "list",   "first",    "last",
                                        "null", "number", "string", "absent", "date-time"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_eq(word, slice_str(words[i])))
            return true;
    return false;
}

static bool is_tick(struct slice word)
{
    return slice_eq(word, SLICE("s")) || slice_eq(word, SLICE("ms")) || slice_eq(word, SLICE("us")) ||
           slice_eq(word, SLICE("ns"));
}

/* Symbols and values may be called anything. */
static bool holds_names(const struct search *s, struct slice subject)
{
    const struct shape_type *t = shape_type(s->shape, subject);
    const struct shape_position *p = shape_position(s->shape, subject);
    const struct shape_type *base = shape_base(p ? p->type : t);
    return (base && base->kind == SHAPE_ENUM) || (p && p->more->rule.values) || (t && t->rule->values) ||
           (base && base->rule->values);
}

static void look_at_converted(struct search *s, const struct fact *f)
{
    struct slice was = fact_text(f, 1), now = fact_text(f, 2);
    wants_subject(s, f);
    bool known = is_writing(was) ? is_writing(now) || is_tick(now) : !is_writing(now) || is_tick(was);
    if (!known && !holds_names(s, fact_text(f, 0)))
        complain(s, f,
                 "text, base64, s, ms, us, ns, date-time, one, list, first, last, number, string, absent and null go "
                 "with each other",
                 "nobody knows how `%.*s` becomes `%.*s`", SLICE_FMT(slice_to(was, 40)), SLICE_FMT(slice_to(now, 40)));
}

static void look_at_aspect(struct search *s, const struct fact *f)
{
    wants_subject(s, f);
    wants_type(s, f, fact_text(f, 2));
}

static void look_at_item(struct search *s, const struct fact *f)
{
    wants_kind(s, f, SHAPE_LIST, "list");
    wants_type(s, f, fact_text(f, 2));
}

static void look_at_open(struct search *s, const struct fact *f)
{
    wants_kind(s, f, SHAPE_ENUM, "enum");
}

static void look_at_branch(struct search *s, const struct fact *f)
{
    wants_kind(s, f, SHAPE_UNION, "union");
    wants_type(s, f, fact_text(f, 2));
}

static void look_at_exclusive(struct search *s, const struct fact *f)
{
    wants_kind(s, f, SHAPE_UNION, "union");
}

/* What there is to say against a fact, by its relation; of the others nothing is. */
static void (*const lookers[VOCABULARY_COUNT])(struct search *s, const struct fact *f) = {
    [VOCABULARY_CONTRACT] = look_at_contract,   [VOCABULARY_HTTP] = look_at_http,
    [VOCABULARY_GRPC] = look_at_grpc,           [VOCABULARY_HEADER] = look_at_header,
    [VOCABULARY_CALLBACK] = wants_operation,    [VOCABULARY_IDEMPOTENT] = wants_operation,
    [VOCABULARY_JOB] = wants_operation,         [VOCABULARY_SECURITY] = wants_operation,
    [VOCABULARY_DEPRECATED] = wants_operation,  [VOCABULARY_PARAM] = look_at_param,
    [VOCABULARY_REQUEST] = look_at_request,     [VOCABULARY_RESPONSE] = look_at_response,
    [VOCABULARY_RECORD] = look_at_type,         [VOCABULARY_ENUM] = look_at_type,
    [VOCABULARY_UNION] = look_at_choice,        [VOCABULARY_CLOSED] = look_at_closed,
    [VOCABULARY_FIELD] = look_at_field,         [VOCABULARY_TAG] = look_at_tag,
    [VOCABULARY_DEFAULT] = look_at_default,     [VOCABULARY_RENAMED] = look_at_renamed,
    [VOCABULARY_MOVED] = look_at_moved,         [VOCABULARY_CONVERTED] = look_at_converted,
    [VOCABULARY_EXTRA] = look_at_extra,         [VOCABULARY_ASPECT] = look_at_aspect,
    [VOCABULARY_ITEM] = look_at_item,           [VOCABULARY_SYMBOL] = look_at_symbol,
    [VOCABULARY_FALLBACK] = look_at_symbol,     [VOCABULARY_OPEN] = look_at_open,
    [VOCABULARY_ALIAS] = look_at_container,     [VOCABULARY_LIST] = look_at_container,
    [VOCABULARY_MAP] = look_at_container,       [VOCABULARY_BRANCH] = look_at_branch,
    [VOCABULARY_EXCLUSIVE] = look_at_exclusive, [VOCABULARY_ONLY] = wants_subject,
    [VOCABULARY_VALUE] = wants_subject,         [VOCABULARY_UNPROVEN] = wants_subject,
    [VOCABULARY_NULLABLE] = wants_subject,      [VOCABULARY_PATTERN] = wants_subject,
    [VOCABULARY_FORMAT] = wants_subject,        [VOCABULARY_UNIT] = wants_subject,
    [VOCABULARY_MEANING] = wants_subject,       [VOCABULARY_BOUND] = look_at_bound,
};

static void look_at(struct search *s, const struct fact *f)
{
    if (lookers[f->relation])
        lookers[f->relation](s, f);
}

/* What each operation must have is asked once all facts have been seen. */
enum { HAS_ROUTE = 1, HAS_ANSWER = 2 };

static unsigned trait(enum vocabulary relation)
{
    switch (relation) {
    case VOCABULARY_HTTP:
    case VOCABULARY_GRPC:
        return HAS_ROUTE;
    case VOCABULARY_JOB:
    case VOCABULARY_CALLBACK:
        return HAS_ROUTE | HAS_ANSWER;
    case VOCABULARY_RESPONSE:
        return HAS_ANSWER;
    default:
        return 0;
    }
}

struct traits {
    unsigned has;
};

static void look_at_operations(struct search *s)
{
    struct map found = {0};
    const struct fact *end = fact_list_end(s->facts);
    for (const struct fact *f = s->facts->v; f < end; f++) {
        if (!trait(f->relation))
            continue;
        struct traits *t = map_get(&found, fact_text(f, 0));
        if (!t) {
            t = arena_new(&s->arena, sizeof(*t));
            map_put(&found, fact_text(f, 0), t);
        }
        t->has |= trait(f->relation);
    }
    for (const struct fact *f = s->facts->v; f < end && !s->imported; f++) {
        if (f->relation != VOCABULARY_OPERATION)
            continue;
        const struct traits *t = map_get(&found, fact_text(f, 0));
        unsigned has = t ? t->has : 0;
        if (!(has & HAS_ROUTE))
            complain(s, f, "say http(), grpc() or job()", "nobody can ask for operation `%.*s`",
                     SLICE_FMT(slice_to(fact_text(f, 0), 80)));
        if (!(has & HAS_ANSWER))
            complain(s, f, "say response(OPERATION, STATUS, MEDIA, TYPE)", "operation `%.*s` has no response",
                     SLICE_FMT(slice_to(fact_text(f, 0), 80)));
    }
    map_fini(&found);
}

static bool declares_type(enum vocabulary relation)
{
    return relation == VOCABULARY_RECORD || relation == VOCABULARY_ENUM || relation == VOCABULARY_UNION ||
           relation == VOCABULARY_ALIAS || relation == VOCABULARY_LIST || relation == VOCABULARY_MAP;
}

static void gather(struct search *s)
{
    const char *const *scalars = shape_scalars();
    s->candidates = mem_array(s->shape->types.count + 1, sizeof(*s->candidates));
    while (scalars[s->candidate_count]) {
        s->candidates[s->candidate_count] = scalars[s->candidate_count];
        s->candidate_count++;
    }
    const struct fact *end = fact_list_end(s->facts);
    for (const struct fact *f = s->facts->v; f < end; f++) {
        const struct shape_type *t = declares_type(f->relation) ? shape_type(s->shape, fact_text(f, 0)) : NULL;
        s->imported = s->imported || f->relation == VOCABULARY_DIALECT;
        if (f->relation == VOCABULARY_OPERATION)
            map_put(&s->operations, fact_text(f, 0), (void *)(uintptr_t)f);
        else if (t && t->fact == f && s->candidate_count < s->shape->types.count)
            s->candidates[s->candidate_count++] = t->name.at;
    }
}

void complaint_find(const struct fact_list *facts, const struct shape *shape, const struct complaint_source *source,
                    struct diag *diag)
{
    struct search s = {.facts = facts, .shape = shape, .source = source, .diag = diag};
    arena_init(&s.arena, 0);
    buf_init(&s.name, BUF_TEXT_BOUND);
    gather(&s);
    if (facts->count == 0 || facts->v[0].relation != VOCABULARY_CONTRACT)
        complain(&s, NULL, "begin with contract(\"NAME\", \"1.0.0\").", "the contract has no name");
    for (size_t i = 0; i < facts->count; i++)
        look_at(&s, &facts->v[i]);
    look_at_operations(&s);
    mem_free(s.candidates);
    buf_fini(&s.name);
    map_fini(&s.operations);
    map_fini(&s.seen);
    arena_fini(&s.arena);
}
