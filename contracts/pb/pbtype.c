#include "contracts/pb/pbtype.h"

static const char *const kinds[] = {
    [PBTYPE_BOOL] = "bool",         [PBTYPE_INT32] = "int32",       [PBTYPE_INT64] = "int64",
    [PBTYPE_UINT32] = "uint32",     [PBTYPE_UINT64] = "uint64",     [PBTYPE_SINT32] = "sint32",
    [PBTYPE_SINT64] = "sint64",     [PBTYPE_FIXED32] = "fixed32",   [PBTYPE_FIXED64] = "fixed64",
    [PBTYPE_SFIXED32] = "sfixed32", [PBTYPE_SFIXED64] = "sfixed64", [PBTYPE_FLOAT] = "float",
    [PBTYPE_DOUBLE] = "double",     [PBTYPE_STRING] = "string",     [PBTYPE_BYTES] = "bytes",
};

struct reading {
    struct pbtype *t;
    const struct contract *consumer;
    const struct fact_list *facts;
    struct map lists, maps; /* by name, to their facts */
};

/* --- Looking up. */

struct pbtype_message *pbtype_message(const struct pbtype *t, struct slice name)
{
    return map_get(&t->messages, name);
}

struct pbtype_enum *pbtype_enum(const struct pbtype *t, struct slice name)
{
    return map_get(&t->enums, name);
}

struct pbtype_field *pbtype_number(const struct pbtype_message *m, int64_t number)
{
    for (struct pbtype_field *f = m->fields; f; f = f->next)
        if (f->number == number)
            return f;
    return NULL;
}

struct pbtype_field *pbtype_name(const struct pbtype_message *m, struct slice name)
{
    for (struct pbtype_field *f = m->fields; f; f = f->next)
        if (slice_eq(f->name, name))
            return f;
    return NULL;
}

/* The message that a record of facts is about: "[pkg.Message]" holds its extensions. */
static struct pbtype_message *of_record(const struct pbtype *t, struct slice record)
{
    if (slice_starts(record, SLICE("[")))
        record = slice_of(record.at + 1, record.len - 2);
    return pbtype_message(t, record);
}

struct pbtype_field *pbtype_subject(const struct pbtype *t, struct slice subject)
{
    size_t cut;
    bool extension = slice_starts(subject, SLICE("["));
    if (!(extension ? slice_find(subject, ']', &cut) : slice_find_last(subject, '.', &cut)))
        return NULL;
    cut += extension;
    struct pbtype_message *m = of_record(t, slice_to(subject, cut));
    return m ? pbtype_name(m, slice_from(subject, cut + 1)) : NULL;
}

const struct fact *pbtype_symbol(const struct pbtype_enum *e, int64_t number)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->symbols[i].value[2].number == number)
            return &e->symbols[i];
    return NULL;
}

const struct fact *pbtype_symbol_named(const struct pbtype_enum *e, struct slice name)
{
    for (size_t i = 0; i < e->count; i++)
        if (slice_eq(fact_text(&e->symbols[i], 1), name))
            return &e->symbols[i];
    return NULL;
}

/* --- Making. */

static bool set_type(struct reading *r, struct pbtype_field *f, struct slice type)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i] && slice_eq(type, slice_str(kinds[i]))) {
            f->kind = (enum pbtype_kind)i;
            return true;
        }
    f->values = pbtype_enum(r->t, type);
    f->sub = f->values ? NULL : pbtype_message(r->t, type);
    f->kind = f->values ? PBTYPE_ENUM : PBTYPE_MESSAGE;
    if (f->values) {
        f->next_user = f->values->users;
        f->values->users = f;
    } else if (f->sub) {
        f->next_user = f->sub->users;
        f->sub->users = f;
    }
    return f->values || f->sub;
}

static void place(struct pbtype_message *m, struct pbtype_field *f)
{
    struct pbtype_field **at = &m->fields;
    while (*at && (*at)->number < f->number)
        at = &(*at)->next;
    f->next = *at;
    *at = f;
    f->message = m;
}

static struct pbtype_field *entry_part(struct reading *r, struct pbtype_message *entry, const char *name,
                                       int64_t number, struct slice type)
{
    struct pbtype_field *f = arena_new(r->t->arena, sizeof(*f));
    *f = (struct pbtype_field){.name = slice_str(name), .json = slice_str(name), .number = number, .is_text = true};
    if (!set_type(r, f, type))
        return NULL;
    place(entry, f);
    return f;
}

/* The field that has the entries stands for the way into them. */
static bool set_map(struct reading *r, struct pbtype_field *f, const struct fact *map)
{
    struct pbtype_message *entry = arena_new(r->t->arena, sizeof(*entry));
    entry->declared = true;
    f->map = f->repeated = true;
    f->kind = PBTYPE_MESSAGE;
    f->sub = entry;
    entry->users = f;
    struct pbtype_field *value = entry_part(r, entry, "value", 2, fact_text(map, 2));
    return value && entry_part(r, entry, "key", 1, fact_text(map, 1));
}

static bool set_whole(struct reading *r, struct pbtype_field *f, struct slice type)
{
    const struct fact *list = map_get(&r->lists, type), *map = list ? NULL : map_get(&r->maps, type);
    f->repeated = list;
    return map ? set_map(r, f, map) : set_type(r, f, list ? fact_text(list, 1) : type);
}

/* `tag` and `field` are of the same member. */
static void add_field(struct reading *r, const struct fact *tag, const struct fact *field)
{
    struct pbtype_message *m = of_record(r->t, fact_text(tag, 0));
    if (!m)
        return;
    struct pbtype_field *f = arena_new(r->t->arena, sizeof(*f));
    *f = (struct pbtype_field){
        .name = fact_text(tag, 1),
        .json = fact_text(tag, 1),
        .number = tag->value[2].number,
        .required = slice_eq(fact_text(field, 3), SLICE("required")),
        .is_text = true,
    };
    if (!set_whole(r, f, fact_text(field, 2)))
        return;
    f->has_presence = f->required || f->kind == PBTYPE_MESSAGE;
    place(m, f);
}

static void add_fields(struct reading *r)
{
    const struct fact *v = r->facts->v, *end = fact_list_end(r->facts), *field = v, *tag = v;
    while (field < end && field->relation < VOCABULARY_FIELD)
        field++;
    for (tag = field; tag < end && tag->relation < VOCABULARY_TAG; tag++)
        continue;
    /* Both are sorted by record and member. */
    for (; tag < end && tag->relation == VOCABULARY_TAG; tag++) {
        while (field->relation == VOCABULARY_FIELD &&
               (!slice_eq(fact_text(field, 0), fact_text(tag, 0)) || !slice_eq(fact_text(field, 1), fact_text(tag, 1))))
            field++;
        if (field->relation != VOCABULARY_FIELD)
            return;
        add_field(r, tag, field);
    }
}

static void say_of_field(struct pbtype_field *f, struct slice word, struct slice value)
{
    if (slice_eq(word, SLICE("json_name")))
        f->json = value;
    else if (slice_eq(word, SLICE("presence")))
        f->has_presence = true;
    else if (slice_eq(word, SLICE("wire")))
        f->group = true;
    else if (slice_eq(word, SLICE("default")))
        f->otherwise = value;
    else if (slice_eq(word, SLICE("utf8_validation")))
        f->is_text = false;
}

static void add_operation(struct reading *r, const struct fact *option)
{
    bool asked = slice_eq(fact_text(option, 1), SLICE("request"));
    struct pbtype_message *m = pbtype_message(r->t, fact_text(option, 2));
    if (!m || (!asked && !slice_eq(fact_text(option, 1), SLICE("response"))))
        return;
    int **list = asked ? &m->asked : &m->served;
    size_t *count = asked ? &m->asked_count : &m->served_count;
    /* The room is a power of two. */
    if ((*count & (*count - 1)) == 0) {
        int *bigger = arena_array(r->t->arena, *count ? *count * 2 : 1, sizeof(*bigger));
        if (*count)
            memcpy(bigger, *list, *count * sizeof(*bigger));
        *list = bigger;
    }
    (*list)[(*count)++] = contract_operation(r->consumer, fact_text(option, 0));
}

static void add_option(struct reading *r, const struct fact *option)
{
    struct slice subject = fact_text(option, 0);
    struct pbtype_message *m = pbtype_message(r->t, subject);
    struct pbtype_enum *e = m ? NULL : pbtype_enum(r->t, subject);
    if (m) {
        m->is_set = m->is_set || slice_eq(fact_text(option, 1), SLICE("message_set_wire_format"));
        return;
    }
    if (e) {
        const struct fact *first =
            slice_eq(fact_text(option, 1), SLICE("first")) ? pbtype_symbol_named(e, fact_text(option, 2)) : NULL;
        e->first = first ? first->value[2].number : e->first;
        return;
    }
    struct pbtype_field *f = pbtype_subject(r->t, subject);
    if (f)
        say_of_field(f, fact_text(option, 1), fact_text(option, 2));
    else
        add_operation(r, option);
}

static void add_symbol(struct reading *r, const struct fact *symbol)
{
    struct pbtype_enum *e = pbtype_enum(r->t, fact_text(symbol, 0));
    if (!e)
        return;
    e->symbols = e->count ? e->symbols : symbol;
    e->count++;
}

/* Types first, then what refers to them: relations stand in the order of the vocabulary. */
static void add_name(struct reading *r, const struct fact *f)
{
    struct pbtype *t = r->t;
    if (f->relation == VOCABULARY_RECORD && !slice_starts(fact_text(f, 0), SLICE("["))) {
        struct pbtype_message *m = arena_new(t->arena, sizeof(*m));
        m->name = fact_text(f, 0);
        map_put(&t->messages, m->name, m);
    } else if (f->relation == VOCABULARY_ENUM) {
        struct pbtype_enum *e = arena_new(t->arena, sizeof(*e));
        e->name = fact_text(f, 0);
        map_put(&t->enums, e->name, e);
    } else if (f->relation == VOCABULARY_LIST) {
        map_put(&r->lists, fact_text(f, 0), (void *)(uintptr_t)f);
    } else if (f->relation == VOCABULARY_MAP) {
        map_put(&r->maps, fact_text(f, 0), (void *)(uintptr_t)f);
    } else if (f->relation == VOCABULARY_SYMBOL) {
        add_symbol(r, f);
    } else if (f->relation == VOCABULARY_THING && pbtype_message(t, fact_text(f, 0))) {
        pbtype_message(t, fact_text(f, 0))->declared = true;
    } else if (f->relation == VOCABULARY_OPEN && pbtype_enum(t, fact_text(f, 0))) {
        pbtype_enum(t, fact_text(f, 0))->open = true;
    }
}

static void add_choice(struct reading *r, const struct fact *oneof)
{
    struct pbtype_message *m = of_record(r->t, fact_text(oneof, 0));
    struct pbtype_field *f = m ? pbtype_name(m, fact_text(oneof, 2)) : NULL;
    if (f)
        f->oneof = fact_text(oneof, 1);
}

/* What operations hold, from the outside in. */
static void mark_called(struct pbtype *t)
{
    struct pbtype_message **queue = arena_array(t->arena, t->messages.count + 1, sizeof(struct pbtype_message *)), *m;
    size_t count = 0, at = 0;
    while ((m = map_next(&t->messages, &at)))
        if (m->asked_count || m->served_count) {
            m->called = true;
            queue[count++] = m;
        }
    for (size_t i = 0; i < count; i++)
        for (const struct pbtype_field *f = queue[i]->fields; f; f = f->next) {
            struct pbtype_message *sub = f->map ? f->sub->fields->next->sub : f->sub;
            if (!sub || sub->called)
                continue;
            sub->called = true;
            queue[count++] = sub;
        }
}

void pbtype_init(struct pbtype *t, const struct contract *c, const struct contract *consumer, struct arena *arena)
{
    struct reading r = {.t = t, .consumer = consumer, .facts = contract_facts(c)};
    *t = (struct pbtype){.arena = arena};
    for (size_t i = 0; i < r.facts->count; i++)
        add_name(&r, &r.facts->v[i]);
    add_fields(&r);
    for (size_t i = 0; i < r.facts->count; i++) {
        if (r.facts->v[i].relation == VOCABULARY_ONEOF)
            add_choice(&r, &r.facts->v[i]);
        else if (r.facts->v[i].relation == VOCABULARY_OPTION)
            add_option(&r, &r.facts->v[i]);
    }
    mark_called(t);
    map_fini(&r.lists);
    map_fini(&r.maps);
}

void pbtype_fini(struct pbtype *t)
{
    map_fini(&t->messages);
    map_fini(&t->enums);
}
