#include "contracts/wire/pbmould.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "base/mem.h"
#include "contracts/wire/pbvalue.h"

struct pbmould {
    atomic_uint refs;
    struct contract *contract;
    struct arena arena;
    struct pbtype types;
    struct map messages; /* by the address of their type */
    struct map enums;
    struct pbmould_message *waiting;
    const struct pbmould_message **asked, **served; /* by operation */
};

/* ---- making ---- */

static const struct {
    const char *name;
    enum pbmould_known known;
    enum pbtype_kind wrapped;
} knowns[] = {
    {"google.protobuf.Any", PBMOULD_ANY, 0},
    {"google.protobuf.Timestamp", PBMOULD_TIMESTAMP, 0},
    {"google.protobuf.Duration", PBMOULD_DURATION, 0},
    {"google.protobuf.FieldMask", PBMOULD_FIELD_MASK, 0},
    {"google.protobuf.Struct", PBMOULD_STRUCT, 0},
    {"google.protobuf.Value", PBMOULD_VALUE, 0},
    {"google.protobuf.ListValue", PBMOULD_LIST_VALUE, 0},
    {"google.protobuf.Empty", PBMOULD_EMPTY, 0},
    {"google.protobuf.BoolValue", PBMOULD_WRAPPER, PBTYPE_BOOL},
    {"google.protobuf.Int32Value", PBMOULD_WRAPPER, PBTYPE_INT32},
    {"google.protobuf.Int64Value", PBMOULD_WRAPPER, PBTYPE_INT64},
    {"google.protobuf.UInt32Value", PBMOULD_WRAPPER, PBTYPE_UINT32},
    {"google.protobuf.UInt64Value", PBMOULD_WRAPPER, PBTYPE_UINT64},
    {"google.protobuf.FloatValue", PBMOULD_WRAPPER, PBTYPE_FLOAT},
    {"google.protobuf.DoubleValue", PBMOULD_WRAPPER, PBTYPE_DOUBLE},
    {"google.protobuf.StringValue", PBMOULD_WRAPPER, PBTYPE_STRING},
    {"google.protobuf.BytesValue", PBMOULD_WRAPPER, PBTYPE_BYTES},
};

static void know(struct pbmould_message *n)
{
    for (size_t i = 0; i < sizeof(knowns) / sizeof(knowns[0]); i++)
        if (slice_eq(n->name, slice_str(knowns[i].name))) {
            n->known = knowns[i].known;
            n->wrapped = knowns[i].wrapped;
        }
}

static struct pbmould_message *message_of(struct pbmould *m, const struct pbtype_message *type)
{
    struct pbmould_message *n = map_get(&m->messages, slice_of(&type, sizeof(type)));
    if (n)
        return n;
    n = arena_new(&m->arena, sizeof(*n));
    n->name = type->name;
    n->type = type;
    n->blank = !type->declared || type->is_set;
    know(n);
    map_put(&m->messages, slice_of(&n->type, sizeof(n->type)), n);
    n->next = m->waiting;
    m->waiting = n;
    return n;
}

static int by_number(const void *a, const void *b)
{
    const struct pbmould_symbol *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static void fill_enum(struct pbmould *m, struct pbmould_enum *e)
{
    const struct pbtype_enum *type = e->type;
    e->by_number = arena_array(&m->arena, type->count + 1, sizeof(*e->by_number));
    struct pbmould_symbol *named = arena_array(&m->arena, type->count + 1, sizeof(*named));
    for (size_t i = 0; i < type->count; i++) {
        named[i] = (struct pbmould_symbol){type->symbols[i].value[2].number, fact_text(&type->symbols[i], 1)};
        map_put(&e->by_name, named[i].name, &named[i]);
    }
    memcpy(e->by_number, named, type->count * sizeof(*named));
    if (type->count)
        qsort(e->by_number, type->count, sizeof(*named), by_number);
    for (size_t i = 0; i < type->count; i++)
        if (e->count == 0 || e->by_number[e->count - 1].number != e->by_number[i].number)
            e->by_number[e->count++] = e->by_number[i];
}

static const struct pbmould_enum *enum_of(struct pbmould *m, const struct pbtype_enum *type)
{
    struct pbmould_enum *e = map_get(&m->enums, slice_of(&type, sizeof(type)));
    if (e)
        return e;
    e = arena_new(&m->arena, sizeof(*e));
    e->type = type;
    fill_enum(m, e);
    map_put(&m->enums, slice_of(&e->type, sizeof(e->type)), e);
    return e;
}

/* The first that has a name keeps it. */
static void add_name(struct pbmould_message *n, struct slice name, const struct pbmould_field *f)
{
    uint64_t hash = json_names_hash(name);
    size_t i = hash & (n->name_cap - 1);
    if (pbmould_named(n, name, hash))
        return;
    while (n->names[i].field)
        i = (i + 1) & (n->name_cap - 1);
    n->names[i] = (struct pbmould_name){f, name, hash};
}

/* Extensions stand in brackets, in JSON. */
static bool is_extension(const struct pbmould_field *f)
{
    return slice_has(f->type->name, SLICE("."));
}

static struct slice member_of(struct pbmould *m, struct slice name)
{
    struct buf text;
    struct json_out j;
    buf_init(&text, BUF_TEXT_BOUND);
    json_out_init(&j, &text, 0);
    json_out_slice(&j, name);
    buf_put_char(&text, ':');
    struct slice kept = arena_keep(&m->arena, buf_slice(&text));
    buf_fini(&text);
    return kept;
}

/* The names in JSON win over those of the file. */
static void name_fields(struct pbmould *m, struct pbmould_message *n)
{
    if (n->count == 0)
        return;
    for (n->name_cap = 4; n->name_cap < 4 * n->count; n->name_cap *= 2)
        continue;
    n->names = arena_array(&m->arena, n->name_cap, sizeof(*n->names));
    for (size_t i = 0; i < n->count; i++) {
        struct pbmould_field *f = &n->fields[i];
        struct slice name = is_extension(f) ? arena_putf(&m->arena, "[%.*s]", SLICE_FMT(f->type->name)) : f->type->json;
        f->member = member_of(m, name);
        add_name(n, name, f);
    }
    for (size_t i = 0; i < n->count; i++)
        if (!is_extension(&n->fields[i]))
            add_name(n, n->fields[i].type->name, &n->fields[i]);
}

static void fill_field(struct pbmould *m, struct pbmould_message *n, struct pbmould_field *f,
                       const struct pbtype_field *type)
{
    *f = (struct pbmould_field){
        .type = type,
        .number = (uint32_t)type->number,
        .place = (uint32_t)(f - n->fields),
        .kind = type->kind,
        .wire = type->group ? PBWIRE_GROUP : pbvalue_wire(type->kind),
        .repeated = type->repeated,
        .packs = type->repeated && pbvalue_packs(type->kind),
        .is_text = type->kind == PBTYPE_STRING && type->is_text,
        .required = type->required,
        .sub = type->sub ? message_of(m, type->sub) : NULL,
        .values = type->values ? enum_of(m, type->values) : NULL,
    };
    if (f->required)
        f->required_bit = (uint32_t)n->required_count++;
    if (f->number < PBMOULD_DIRECT)
        n->direct[f->number] = f;
}

/* Of a message with many oneofs, in one go: the first field of each has its number. */
static void number_oneofs(struct pbmould_message *n)
{
    struct map seen = {0};
    for (size_t i = 0; i < n->count; i++) {
        struct pbmould_field *f = &n->fields[i], *first;
        if (f->type->oneof.len == 0)
            continue;
        first = map_get(&seen, f->type->oneof);
        f->oneof = first ? first->oneof : (uint32_t)++n->oneof_count;
        if (!first)
            map_put(&seen, f->type->oneof, f);
    }
    map_fini(&seen);
}

static void fill_message(struct pbmould *m, struct pbmould_message *n)
{
    size_t room = 0;
    for (const struct pbtype_field *f = n->type->fields; f; f = f->next)
        room++;
    n->fields = arena_array(&m->arena, room + 1, sizeof(*n->fields));
    for (const struct pbtype_field *f = n->type->fields; f && !n->blank; f = f->next)
        if (n->count == 0 || n->fields[n->count - 1].number != (uint32_t)f->number) {
            fill_field(m, n, &n->fields[n->count], f);
            n->count++;
        }
    name_fields(m, n);
    number_oneofs(n);
}

static void add_operations(struct pbmould *m)
{
    size_t at = 0, count = contract_operation_count(m->contract);
    struct pbtype_message *type;
    m->asked = arena_array(&m->arena, count + 1, sizeof(struct pbmould_message *));
    m->served = arena_array(&m->arena, count + 1, sizeof(struct pbmould_message *));
    while ((type = map_next(&m->types.messages, &at))) {
        for (size_t i = 0; i < type->asked_count; i++)
            if (type->asked[i] >= 0)
                m->asked[type->asked[i]] = message_of(m, type);
        for (size_t i = 0; i < type->served_count; i++)
            if (type->served[i] >= 0)
                m->served[type->served[i]] = message_of(m, type);
        (void)message_of(m, type);
    }
}

struct pbmould *pbmould_new(struct contract *c)
{
    if (!contract_speaks(c, SLICE("protobuf")))
        return NULL;
    struct pbmould *m = mem_new(sizeof(*m));
    atomic_init(&m->refs, 1);
    m->contract = contract_ref(c);
    arena_init(&m->arena, 0);
    pbtype_init(&m->types, c, c, &m->arena);
    add_operations(m);
    while (m->waiting) {
        struct pbmould_message *n = m->waiting;
        m->waiting = n->next;
        fill_message(m, n);
    }
    return m;
}

struct pbmould *pbmould_ref(struct pbmould *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void pbmould_unref(struct pbmould **m)
{
    struct pbmould *old = *m;
    *m = NULL;
    if (!old || atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) > 1)
        return;
    size_t at = 0;
    for (struct pbmould_enum *e; (e = map_next(&old->enums, &at));)
        map_fini(&e->by_name);
    map_fini(&old->messages);
    map_fini(&old->enums);
    pbtype_fini(&old->types);
    arena_fini(&old->arena);
    contract_unref(&old->contract);
    mem_free(old);
}

/* ---- looking up ---- */

struct contract *pbmould_contract(const struct pbmould *m)
{
    return m->contract;
}

const struct pbmould_message *pbmould_message(const struct pbmould *m, struct slice name)
{
    const struct pbtype_message *type = pbtype_message(&m->types, name);
    return type ? map_get(&m->messages, slice_of(&type, sizeof(type))) : NULL;
}

const struct pbmould_message *pbmould_request(const struct pbmould *m, struct slice operation)
{
    int op = contract_operation(m->contract, operation);
    return op < 0 ? NULL : m->asked[op];
}

const struct pbmould_message *pbmould_response(const struct pbmould *m, struct slice operation)
{
    int op = contract_operation(m->contract, operation);
    return op < 0 ? NULL : m->served[op];
}

const struct pbmould_field *pbmould_field_seldom(const struct pbmould_message *m, uint32_t number)
{
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (m->fields[mid].number == number)
            return &m->fields[mid];
        if (m->fields[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct pbmould_symbol *pbmould_symbol(const struct pbmould_enum *e, int64_t number)
{
    /* Most enums count up from their first. */
    size_t low = 0, high = e->count;
    uint64_t guess = e->count ? (uint64_t)number - (uint64_t)e->by_number[0].number : 0;
    if (guess < e->count && e->by_number[guess].number == number)
        return &e->by_number[guess];
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (e->by_number[mid].number == number)
            return &e->by_number[mid];
        if (e->by_number[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct pbmould_symbol *pbmould_symbol_named(const struct pbmould_enum *e, struct slice name)
{
    return map_get(&e->by_name, name);
}
