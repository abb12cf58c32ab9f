#include "contracts/import/pbset.h"

#include "base/map.h"
#include "contracts/pb/pbwire.h"

enum { DEPTH = 100 };
struct reader {
    struct arena *arena;
    const char *base; /* of the whole */
    struct pbmodel_file *file;
    const char *fault; /* NULL: none yet */
    size_t fault_at;
    int depth;
};

static void fail(struct reader *r, struct slice at, const char *fault)
{
    if (r->fault)
        return;
    r->fault = fault;
    r->fault_at = at.at ? (size_t)(at.at - r->base) : 0;
}

/* Descriptors have no groups. */
static bool next_word(struct reader *r, struct slice *s, struct pbwire_word *w)
{
    *w = (struct pbwire_word){0};
    if (r->fault || s->len == 0)
        return false;
    struct slice at = *s;
    if (!pbwire_next(s, w) || w->type == PBWIRE_GROUP || w->type == PBWIRE_END)
        fail(r, at, "a field of a descriptor is expected");
    return !r->fault;
}

static struct slice text_of(struct reader *r, const struct pbwire_word *w)
{
    if (w->type != PBWIRE_BYTES)
        fail(r, w->bytes, "text is expected");
    return arena_keep(r->arena, w->bytes);
}

static struct slice name_of(struct reader *r, const struct pbwire_word *w)
{
    bool fine = w->type == PBWIRE_BYTES && w->bytes.len > 0 && w->bytes.len < PBMODEL_NAME;
    for (size_t i = 0; fine && i < w->bytes.len; i++) {
        char c = w->bytes.at[i];
        fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    }
    if (!fine)
        fail(r, w->bytes, "a name is expected");
    return fine ? arena_keep(r->arena, w->bytes) : SLICE("");
}

static bool deeper(struct reader *r, struct slice at)
{
    if (++r->depth > DEPTH)
        fail(r, at, "less nesting is expected");
    return !r->fault;
}

static struct slice full_name(struct reader *r, const struct pbmodel_message *parent, struct slice name)
{
    struct slice scope = parent ? parent->name : r->file->package;
    if (scope.len + name.len >= PBMODEL_NAME) {
        fail(r, name, "a shorter name is expected");
        return name;
    }
    return scope.len ? arena_putf(r->arena, "%.*s.%.*s", SLICE_FMT(scope), SLICE_FMT(name)) : name;
}

/* --- Options: a table of the numbers that matter. */

struct known {
    uint64_t field;
    const char *name;
    const char *const *words; /* of an enum; NULL: text, or a bool */
    size_t word_count;
};

static const char *const optimize[] = {NULL, "SPEED", "CODE_SIZE", "LITE_RUNTIME"};
static const char *const ctypes[] = {"STRING", "CORD", "STRING_PIECE"};
static const char *const jstypes[] = {"JS_NORMAL", "JS_STRING", "JS_NUMBER"};
static const char *const idempotency[] = {"IDEMPOTENCY_UNKNOWN", "NO_SIDE_EFFECTS", "IDEMPOTENT"};
static const char *const presence[] = {NULL, "EXPLICIT", "IMPLICIT", "LEGACY_REQUIRED"};
static const char *const enum_types[] = {NULL, "OPEN", "CLOSED"};
static const char *const utf8[] = {NULL, NULL, "VERIFY", "NONE"};
static const char *const encodings[] = {NULL, "LENGTH_PREFIXED", "DELIMITED"};
static const char *const json_formats[] = {NULL, "ALLOW", "LEGACY_BEST_EFFORT"};
static const char *const cpp_strings[] = {NULL, "VIEW", "CORD", "STRING"};
static const char *const java_utf8[] = {NULL, "DEFAULT", "VERIFY"};
#define WORDS(w) (w), sizeof(w) / sizeof((w)[0])

static const struct known file_options[] = {
    {1, "java_package", NULL, 0},
    {8, "java_outer_classname", NULL, 0},
    {9, "optimize_for", WORDS(optimize)},
    {10, "java_multiple_files", NULL, 0},
    {11, "go_package", NULL, 0},
    {16, "cc_generic_services", NULL, 0},
    {17, "java_generic_services", NULL, 0},
    {18, "py_generic_services", NULL, 0},
    {27, "java_string_check_utf8", NULL, 0},
    {31, "cc_enable_arenas", NULL, 0},
    {36, "objc_class_prefix", NULL, 0},
    {37, "csharp_namespace", NULL, 0},
    {39, "swift_prefix", NULL, 0},
    {40, "php_class_prefix", NULL, 0},
    {41, "php_namespace", NULL, 0},
    {44, "php_metadata_namespace", NULL, 0},
    {45, "ruby_package", NULL, 0},
    {0, NULL, NULL, 0},
};
static const struct known message_options[] = {
    {1, "message_set_wire_format", NULL, 0},
    {2, "no_standard_descriptor_accessor", NULL, 0},
    {7, "map_entry", NULL, 0},
    {0, NULL, NULL, 0},
};
static const struct known field_options[] = {
    {1, "ctype", WORDS(ctypes)},
    {6, "jstype", WORDS(jstypes)},
    {0, NULL, NULL, 0},
};
static const struct known method_options[] = {{34, "idempotency_level", WORDS(idempotency)}, {0, NULL, NULL, 0}};
static const struct known no_options[] = {{0, NULL, NULL, 0}};
static const struct known feature_options[] = {
    {1, "features.field_presence", WORDS(presence)},  {2, "features.enum_type", WORDS(enum_types)},
    {4, "features.utf8_validation", WORDS(utf8)},     {5, "features.message_encoding", WORDS(encodings)},
    {6, "features.json_format", WORDS(json_formats)}, {0, NULL, NULL, 0},
};
static const struct known cpp_features[] = {{2, "features.(pb.cpp).string_type", WORDS(cpp_strings)},
                                            {0, NULL, NULL, 0}};
static const struct known java_features[] = {{2, "features.(pb.java).utf8_validation", WORDS(java_utf8)},
                                             {0, NULL, NULL, 0}};

static void add_option(struct reader *r, struct pbmodel_option **list, const char *name, struct slice value)
{
    struct pbmodel_option *o = arena_new(r->arena, sizeof(*o));
    *o = (struct pbmodel_option){.name = slice_str(name), .value = value};
    PBMODEL_PUT(list, o);
}

static void read_known(struct reader *r, const struct pbwire_word *w, const struct known *k,
                       struct pbmodel_option **list)
{
    while (k->name && k->field != w->field)
        k++;
    if (!k->name)
        return;
    if (w->type == PBWIRE_BYTES)
        add_option(r, list, k->name, text_of(r, w));
    else if (!k->words)
        add_option(r, list, k->name, w->number ? SLICE("true") : SLICE("false"));
    else if (w->number < k->word_count && k->words[w->number])
        add_option(r, list, k->name, slice_str(k->words[w->number]));
}

static void read_set(struct reader *r, struct slice s, const struct known *k, struct pbmodel_option **list)
{
    struct pbwire_word w;
    while (next_word(r, &s, &w))
        read_known(r, &w, k, list);
}

enum { CPP = 1000, JAVA = 1001 };

static void read_features(struct reader *r, struct slice s, struct pbmodel_option **list)
{
    struct pbwire_word w;
    while (next_word(r, &s, &w)) {
        if (w.field == CPP && w.type == PBWIRE_BYTES)
            read_set(r, w.bytes, cpp_features, list);
        else if (w.field == JAVA && w.type == PBWIRE_BYTES)
            read_set(r, w.bytes, java_features, list);
        else
            read_known(r, &w, feature_options, list);
    }
}

/* `features` is the number that FeatureSet has in these options. */
static void read_options(struct reader *r, struct slice s, const struct known *k, uint64_t features,
                         struct pbmodel_option **list)
{
    struct pbwire_word w;
    while (next_word(r, &s, &w)) {
        if (w.field == features && w.type == PBWIRE_BYTES)
            read_features(r, w.bytes, list);
        else
            read_known(r, &w, k, list);
    }
}

/* --- Ranges and names. */

static int64_t int32_of(const struct pbwire_word *w)
{
    return (int64_t)(int32_t)(uint32_t)w->number;
}

/* Of messages the end is not in it, of enums it is. */
static void read_range(struct reader *r, struct slice s, int64_t behind, struct pbmodel_range **list)
{
    struct pbmodel_range *range = arena_new(r->arena, sizeof(*range));
    struct pbwire_word w;
    while (next_word(r, &s, &w)) {
        if (w.field == 1)
            range->from = int32_of(&w);
        else if (w.field == 2)
            range->to = int32_of(&w) - behind;
    }
    PBMODEL_PUT(list, range);
}

static void read_name(struct reader *r, const struct pbwire_word *w, struct pbmodel_name **list)
{
    struct pbmodel_name *n = arena_new(r->arena, sizeof(*n));
    n->name = text_of(r, w);
    PBMODEL_PUT(list, n);
}

/* --- Enums. */

static void read_value(struct reader *r, struct slice s, struct pbmodel_value ***last)
{
    struct pbmodel_value *v = arena_new(r->arena, sizeof(*v));
    struct pbwire_word w;
    while (next_word(r, &s, &w)) {
        if (w.field == 1)
            v->name = name_of(r, &w);
        else if (w.field == 2)
            v->number = int32_of(&w);
    }
    **last = v;
    *last = &v->next;
}

static void read_enum(struct reader *r, struct slice s, struct pbmodel_message *parent)
{
    struct pbmodel_enum *e = arena_new(r->arena, sizeof(*e));
    struct pbmodel_value **last = &e->values;
    struct pbwire_word w;
    e->parent = parent;
    while (next_word(r, &s, &w)) {
        if (w.field == 1)
            e->name = full_name(r, parent, name_of(r, &w));
        else if (w.field == 2)
            read_value(r, w.bytes, &last);
        else if (w.field == 3)
            read_options(r, w.bytes, no_options, 7, &e->options);
        else if (w.field == 4)
            read_range(r, w.bytes, 0, &e->reserved);
        else if (w.field == 5)
            read_name(r, &w, &e->reserved_names);
    }
    e->next = r->file->enums;
    r->file->enums = e;
}

/* --- Messages. */

static const char *const types[] = {
    NULL, "double", "float", "int64",  "uint64", "int32",    "fixed64",  "fixed32", "bool",   "string",
    NULL, NULL,     "bytes", "uint32", NULL,     "sfixed32", "sfixed64", "sint32",  "sint64",
};
enum { TYPE_GROUP = 10 };
static const enum pbmodel_label labels[] = {PBMODEL_PLAIN, PBMODEL_OPTIONAL, PBMODEL_REQUIRED, PBMODEL_REPEATED};

struct raw_field {
    struct pbmodel_field *f;
    int64_t oneof; /* its number, or -1 */
    bool synthetic;
};

static struct raw_field read_field(struct reader *r, struct slice s)
{
    struct raw_field raw = {.f = arena_new(r->arena, sizeof(*raw.f)), .oneof = -1};
    struct pbmodel_field *f = raw.f;
    struct pbwire_word w;
    while (next_word(r, &s, &w)) {
        if (w.field == 1)
            f->name = name_of(r, &w);
        else if (w.field == 2)
            f->extendee = name_of(r, &w);
        else if (w.field == 3)
            f->number = int32_of(&w);
        else if (w.field == 4 && w.number < 4)
            f->label = w.number == 1 ? PBMODEL_PLAIN : labels[w.number == 2 ? 2 : w.number == 3 ? 3 : 0];
        else if (w.field == 5 && w.number < sizeof(types) / sizeof(types[0]) && types[w.number])
            f->type = slice_str(types[w.number]);
        else if (w.field == 5)
            f->group = w.number == TYPE_GROUP;
        else if (w.field == 6)
            f->type = name_of(r, &w);
        else if (w.field == 7)
            add_option(r, &f->options, "default", text_of(r, &w));
        else if (w.field == 8)
            read_options(r, w.bytes, field_options, 21, &f->options);
        else if (w.field == 9)
            raw.oneof = int32_of(&w);
        else if (w.field == 10)
            add_option(r, &f->options, "json_name", text_of(r, &w));
        else if (w.field == 17)
            raw.synthetic = w.number != 0;
    }
    if (raw.synthetic)
        f->label = PBMODEL_OPTIONAL;
    if (f->type.len == 0)
        fail(r, s, "a field's type is expected");
    return raw;
}

static void add_extension(struct reader *r, struct slice s, struct pbmodel_message *parent)
{
    struct pbmodel_field *f = read_field(r, s).f;
    f->parent = parent;
    f->name = full_name(r, parent, f->name);
    f->next = r->file->extensions;
    r->file->extensions = f;
}

/* The list stands last first. */
static struct slice *by_number(struct reader *r, const struct pbmodel_name *oneofs, size_t *count)
{
    *count = 0;
    for (const struct pbmodel_name *n = oneofs; n; n = n->next)
        ++*count;
    struct slice *names = arena_array(r->arena, *count + 1, sizeof(*names));
    size_t i = *count;
    for (const struct pbmodel_name *n = oneofs; n; n = n->next)
        names[--i] = n->name;
    return names;
}

static bool is_entry(const struct pbmodel_message *m)
{
    for (const struct pbmodel_option *o = m->options; o; o = o->next)
        if (slice_eq(o->name, SLICE("map_entry")))
            return slice_eq(o->value, SLICE("true"));
    return false;
}

static struct slice oneof_name(struct reader *r, struct slice s)
{
    struct slice name = SLICE("");
    struct pbwire_word w;
    while (next_word(r, &s, &w))
        if (w.field == 1)
            name = name_of(r, &w);
    return name;
}

static struct pbmodel_message *read_message(struct reader *r, struct slice s, struct pbmodel_message *parent);

/* Names first: everything below stands in their scope. */
static void begin_message(struct reader *r, struct slice s, struct pbmodel_message *m)
{
    struct pbwire_word w;
    while (next_word(r, &s, &w)) {
        if (w.field == 1)
            m->name = full_name(r, m->parent, name_of(r, &w));
        else if (w.field == 7)
            read_options(r, w.bytes, message_options, 12, &m->options);
        else if (w.field == 8) {
            struct pbwire_word named = {.type = PBWIRE_BYTES, .bytes = oneof_name(r, w.bytes)};
            read_name(r, &named, &m->oneofs);
        } else if (w.field == 5)
            read_range(r, w.bytes, 1, &m->extensions);
        else if (w.field == 9)
            read_range(r, w.bytes, 1, &m->reserved);
        else if (w.field == 10)
            read_name(r, &w, &m->reserved_names);
    }
}

/* A map is written as a repeated message of key and value. */
static void become_map(struct pbmodel_field *f, const struct pbmodel_message *entry)
{
    for (const struct pbmodel_field *e = entry->fields; e; e = e->next) {
        if (e->number == 1)
            f->key = e->type;
        else if (e->number == 2)
            f->type = e->type;
    }
    f->label = PBMODEL_PLAIN;
}

static void settle_maps(struct pbmodel_message *m, struct map *entries)
{
    for (struct pbmodel_field *f = m->fields; f && entries->count; f = f->next) {
        const struct pbmodel_message *entry = map_get(entries, slice_from(f->type, 1));
        if (f->label == PBMODEL_REPEATED && entry)
            become_map(f, entry);
    }
}

static void take_nested(struct reader *r, struct slice s, struct pbmodel_message *m, struct map *entries)
{
    struct pbmodel_message *nested = read_message(r, s, m);
    if (is_entry(nested))
        map_put(entries, nested->name, nested);
    else
        PBMODEL_PUT(&r->file->messages, nested);
}

static void take_field(struct reader *r, struct slice s, struct pbmodel_message *m, const struct slice *oneofs,
                       size_t oneof_count)
{
    struct raw_field raw = read_field(r, s);
    raw.f->parent = m;
    if (raw.oneof >= 0 && (size_t)raw.oneof < oneof_count && !raw.synthetic)
        raw.f->oneof = oneofs[raw.oneof];
    PBMODEL_PUT(&m->fields, raw.f);
}

static void read_parts(struct reader *r, struct slice s, struct pbmodel_message *m)
{
    struct map entries = {0};
    struct pbwire_word w;
    size_t oneof_count;
    const struct slice *oneofs = by_number(r, m->oneofs, &oneof_count);
    while (next_word(r, &s, &w)) {
        if (w.field == 2)
            take_field(r, w.bytes, m, oneofs, oneof_count);
        else if (w.field == 3)
            take_nested(r, w.bytes, m, &entries);
        else if (w.field == 4)
            read_enum(r, w.bytes, m);
        else if (w.field == 6)
            add_extension(r, w.bytes, m);
    }
    settle_maps(m, &entries);
    map_fini(&entries);
}

static struct pbmodel_message *read_message(struct reader *r, struct slice s, struct pbmodel_message *parent)
{
    struct pbmodel_message *m = arena_new(r->arena, sizeof(*m));
    m->parent = parent;
    if (deeper(r, s)) {
        begin_message(r, s, m);
        read_parts(r, s, m);
    }
    r->depth--;
    return m;
}

/* --- Services. */

static void read_method(struct reader *r, struct slice s, struct pbmodel_method **list)
{
    struct pbmodel_method *m = arena_new(r->arena, sizeof(*m));
    struct pbwire_word w;
    while (next_word(r, &s, &w)) {
        if (w.field == 1)
            m->name = name_of(r, &w);
        else if (w.field == 2)
            m->request = name_of(r, &w);
        else if (w.field == 3)
            m->response = name_of(r, &w);
        else if (w.field == 4)
            read_options(r, w.bytes, method_options, 35, &m->options);
        else if (w.field == 5)
            m->client_stream = w.number != 0;
        else if (w.field == 6)
            m->server_stream = w.number != 0;
    }
    PBMODEL_PUT(list, m);
}

static void read_service(struct reader *r, struct slice s)
{
    struct pbmodel_service *v = arena_new(r->arena, sizeof(*v));
    struct pbwire_word w;
    while (next_word(r, &s, &w)) {
        if (w.field == 1)
            v->name = full_name(r, NULL, name_of(r, &w));
        else if (w.field == 2)
            read_method(r, w.bytes, &v->methods);
    }
    PBMODEL_PUT(&r->file->services, v);
}

/* --- Files. */

static struct slice edition_text(struct reader *r, uint64_t edition)
{
    enum { EDITION_PROTO2 = 998, EDITION_PROTO3 = 999, EDITION_2023 = 1000 };
    if (edition == EDITION_PROTO2)
        return SLICE("proto2");
    if (edition == EDITION_PROTO3)
        return SLICE("proto3");
    return arena_putf(r->arena, "%llu", (unsigned long long)(edition - EDITION_2023 + 2023));
}

static void begin_file(struct reader *r, struct slice s)
{
    struct pbmodel_file *f = r->file;
    struct pbwire_word w;
    while (next_word(r, &s, &w)) {
        if (w.field == 1)
            f->name = text_of(r, &w);
        else if (w.field == 2)
            f->package = w.bytes.len ? name_of(r, &w) : SLICE("");
        else if (w.field == 3)
            read_name(r, &w, &f->imports);
        else if (w.field == 8)
            read_options(r, w.bytes, file_options, 50, &f->options);
        else if (w.field == 12 && !slice_eq(w.bytes, SLICE("editions")))
            f->syntax = name_of(r, &w);
        else if (w.field == 14 && w.type == PBWIRE_VARINT)
            f->syntax = edition_text(r, w.number);
    }
}

static struct pbmodel_file *read_file(struct reader *r, struct slice s)
{
    struct pbmodel_file *f = r->file = arena_new(r->arena, sizeof(*f));
    f->syntax = SLICE("proto2");
    begin_file(r, s);
    f->path = f->name.len ? f->name.at : "descriptor set";
    struct pbwire_word w;
    while (next_word(r, &s, &w)) {
        if (w.field == 4) {
            struct pbmodel_message *m = read_message(r, w.bytes, NULL);
            m->next = f->messages;
            f->messages = m;
        } else if (w.field == 5) {
            read_enum(r, w.bytes, NULL);
        } else if (w.field == 6) {
            read_service(r, w.bytes);
        } else if (w.field == 7) {
            add_extension(r, w.bytes, NULL);
        }
    }
    return f;
}

/* file = 1, and in it name = 1. */
bool pbset_looks(struct slice bytes)
{
    uint64_t length;
    if (bytes.len < 4 || bytes.at[0] != 0x0a)
        return false;
    bytes = slice_from(bytes, 1);
    return pbwire_varint(&bytes, &length) && length <= bytes.len && bytes.len > 0 && bytes.at[0] == 0x0a;
}

enum err pbset_read(struct slice bytes, const char *name, struct arena *arena, struct diag *diag,
                    struct pbmodel_file **out)
{
    struct reader r = {.arena = arena, .base = bytes.at};
    struct pbmodel_file *first = NULL, **last = &first;
    struct slice rest = bytes;
    struct pbwire_word w;
    while (next_word(&r, &rest, &w)) {
        if (w.field != 1 || w.type != PBWIRE_BYTES)
            continue;
        *last = read_file(&r, w.bytes);
        last = &(*last)->next;
    }
    if (!r.fault && !first)
        r.fault = "a file's descriptor is expected";
    if (r.fault) {
        struct diag_place whole = {.file = name};
        diag_add(diag, DIAG_ERROR, &whole, "make it with protoc --include_imports --descriptor_set_out=FILE",
                 "this is no descriptor set: at byte %zu %s", r.fault_at, r.fault);
        return ERR_INPUT;
    }
    *out = first;
    return ERR_OK;
}
