#include "contracts/import/pbfacts.h"

#include "base/map.h"

/* A type by its full name. */
struct named {
    struct slice name;
    bool is_enum;
};

/* For sets of names. */
static const char written_mark;

struct putting {
    struct draft *d;
    struct pbmodel_file *file;
    struct map types; /* to struct named */
    struct map written;
    struct buf key;
    size_t spent; /* bytes of names looked up and written */
    bool lenient, failed;
};

/* More than any files of people need; what is hostile stops here. */
enum { SPENT_MOST = 512 << 20 };

static void spend(struct putting *p, size_t bytes)
{
    p->spent += bytes;
    if (p->spent > SPENT_MOST)
        p->d->full = true;
}

/* What a string may hold and a fact may not is escaped. */
static struct slice plain(struct putting *p, struct slice text)
{
    bool fine = slice_utf8(text);
    for (size_t i = 0; fine && i < text.len; i++)
        fine = (unsigned char)text.at[i] >= ' ' && text.at[i] != 0x7f;
    if (fine)
        return text;
    buf_clear(&p->key);
    buf_put_safe(&p->key, text, text.len);
    return arena_keep(&p->d->arena, buf_slice(&p->key));
}

static void put_option(struct putting *p, struct slice subject, const char *name, struct slice value)
{
    DRAFT_PUT(p->d, OPTION, subject, slice_str(name), plain(p, value));
}

static void put_place(struct putting *p, struct slice subject, struct pbmodel_place at)
{
    draft_place(p->d, subject, p->file->path, at.line, at.column);
}

static struct slice joined(struct putting *p, struct slice a, const char *between, struct slice b)
{
    spend(p, a.len + b.len);
    return arena_join(&p->d->arena, a, between, b);
}

/* --- Options, and features with what they inherit. */

static struct slice option_of(const struct pbmodel_option *o, struct slice name)
{
    for (; o; o = o->next)
        if (slice_eq(o->name, name))
            return o->value;
    return (struct slice){0};
}

enum feature { F_PRESENCE, F_ENUM, F_UTF8, F_ENCODING, F_JSON, F_CPP_STRING, F_JAVA_UTF8 };

static const struct {
    const char *name, *proto2, *proto3, *edition;
} features[] = {
    [F_PRESENCE] = {"features.field_presence", "EXPLICIT", "IMPLICIT", "EXPLICIT"},
    [F_ENUM] = {"features.enum_type", "CLOSED", "OPEN", "OPEN"},
    [F_UTF8] = {"features.utf8_validation", "NONE", "VERIFY", "VERIFY"},
    [F_ENCODING] = {"features.message_encoding", "LENGTH_PREFIXED", "LENGTH_PREFIXED", "LENGTH_PREFIXED"},
    [F_JSON] = {"features.json_format", "LEGACY_BEST_EFFORT", "ALLOW", "ALLOW"},
    [F_CPP_STRING] = {"features.(pb.cpp).string_type", "STRING", "STRING", "STRING"},
    [F_JAVA_UTF8] = {"features.(pb.java).utf8_validation", "DEFAULT", "DEFAULT", "DEFAULT"},
};

static struct slice feature(const struct putting *p, enum feature f, const struct pbmodel_option *own,
                            const struct pbmodel_message *parent)
{
    struct slice name = slice_str(features[f].name), value = option_of(own, name);
    for (; value.len == 0 && parent; parent = parent->parent)
        value = option_of(parent->options, name);
    if (value.len == 0)
        value = option_of(p->file->options, name);
    if (value.len)
        return value;
    struct slice syntax = p->file->syntax;
    return slice_str(slice_eq(syntax, SLICE("proto2"))   ? features[f].proto2
                     : slice_eq(syntax, SLICE("proto3")) ? features[f].proto3
                                                         : features[f].edition);
}

static bool has_feature(const struct putting *p, enum feature f, const struct pbmodel_option *own,
                        const struct pbmodel_message *parent, const char *value)
{
    return slice_eq(feature(p, f, own, parent), slice_str(value));
}

/* --- Names of types. */

static const char *const scalars[][2] = {
    {"int32", NULL},     {"int64", NULL},       {"uint32", NULL},      {"uint64", NULL},      {"float", NULL},
    {"double", NULL},    {"bool", NULL},        {"string", NULL},      {"bytes", NULL},       {"sint32", "int32"},
    {"sint64", "int64"}, {"fixed32", "uint32"}, {"fixed64", "uint64"}, {"sfixed32", "int32"}, {"sfixed64", "int64"},
};

/* A scalar that the vocabulary does not have is an alias of one that it has. */
static bool scalar(struct putting *p, struct slice type)
{
    for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
        if (!slice_eq(type, slice_str(scalars[i][0])))
            continue;
        if (scalars[i][1] && !map_put(&p->written, type, (void *)(uintptr_t)&written_mark))
            DRAFT_PUT(p->d, ALIAS, type, slice_str(scalars[i][1]));
        return true;
    }
    return false;
}

/* The enums of descriptor.proto and its neighbours, which are rarely at hand. */
static bool known_enum(struct slice name)
{
    static const char *const ends[] = {".NullValue",    ".Type",   ".Label", ".CType",   ".JSType",
                                       ".OptimizeMode", ".Syntax", ".Kind",  ".Edition", ".IdempotencyLevel"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (slice_ends(name, slice_str(ends[i])) && !slice_eq(name, SLICE("google.protobuf.Type")))
            return true;
    return false;
}

static void declare(struct putting *p, struct slice name, bool is_enum)
{
    struct named *n = arena_new(&p->d->arena, sizeof(*n));
    *n = (struct named){.name = name, .is_enum = is_enum};
    map_put(&p->types, name, n);
}

static bool is_enum(const struct putting *p, struct slice name)
{
    const struct named *n = map_get(&p->types, name);
    return n && n->is_enum;
}

static struct slice foreign(struct putting *p, struct slice name)
{
    bool known = known_enum(name);
    declare(p, name, known);
    if (known)
        DRAFT_PUT(p->d, ENUM, name);
    else
        DRAFT_PUT(p->d, RECORD, name);
    return name;
}

static struct slice scoped(struct putting *p, struct slice scope, struct slice type)
{
    spend(p, scope.len + type.len);
    buf_clear(&p->key);
    buf_put(&p->key, scope);
    if (scope.len)
        buf_put_char(&p->key, '.');
    buf_put(&p->key, type);
    return buf_slice(&p->key);
}

/* A name is looked for in the scope it stands in, then in each scope around that. */
static struct slice resolve(struct putting *p, struct slice scope, struct slice type, struct pbmodel_place at)
{
    if (slice_starts(type, SLICE(".")))
        scope = SLICE("");
    type = slice_from(type, slice_starts(type, SLICE(".")));
    while (!p->d->full) {
        const struct named *found = map_get(&p->types, scoped(p, scope, type));
        if (found)
            return found->name;
        size_t dot = 0;
        if (scope.len == 0)
            break;
        scope = slice_find_last(scope, '.', &dot) ? slice_to(scope, dot) : SLICE("");
    }
    /* What was left out is not missing: the whole is refused for its size. */
    if (p->d->full)
        return type;
    if (p->lenient || slice_starts(type, SLICE("google.protobuf.")))
        return foreign(p, type);
    if (slice_starts(p->file->package, SLICE("google.protobuf")))
        return foreign(p, joined(p, p->file->package, ".", type));
    struct diag_place place = {.file = p->file->path, .line = at.line, .column = at.column};
    diag_add(p->d->diag, DIAG_ERROR, &place, NULL, "no file declares `%.*s`", SLICE_FMT(slice_to(type, 80)));
    p->failed = true;
    return type;
}

/* --- Messages. */

/* "foo_bar" is fooBar in JSON. */
static struct slice json_name(struct putting *p, struct slice name)
{
    char *out = arena_new(&p->d->arena, name.len + 1);
    size_t n = 0;
    bool up = false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '_') {
            up = true;
            continue;
        }
        out[n++] = up && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        up = false;
    }
    return slice_of(out, n);
}

struct member {
    const struct pbmodel_field *field;
    struct slice record, subject, scope, element;
    bool scalar, is_enum;
};

static struct slice type_of(struct putting *p, struct member *m)
{
    const struct pbmodel_field *f = m->field;
    m->scalar = scalar(p, f->type);
    m->element = m->scalar ? f->type : resolve(p, m->scope, f->type, f->at);
    m->is_enum = !m->scalar && is_enum(p, m->element);
    if (f->key.len) {
        struct slice map = arena_putf(&p->d->arena, "map<%.*s, %.*s>", SLICE_FMT(f->key), SLICE_FMT(m->element));
        (void)scalar(p, f->key);
        if (!map_put(&p->written, map, (void *)(uintptr_t)&written_mark))
            DRAFT_PUT(p->d, MAP, map, f->key, m->element);
        return map;
    }
    if (f->label != PBMODEL_REPEATED)
        return m->element;
    struct slice list = joined(p, SLICE("repeated "), "", m->element);
    if (!map_put(&p->written, list, (void *)(uintptr_t)&written_mark))
        DRAFT_PUT(p->d, LIST, list, m->element);
    return list;
}

static bool is_required(const struct putting *p, const struct pbmodel_field *f)
{
    return f->label == PBMODEL_REQUIRED ||
           slice_eq(option_of(f->options, slice_str(features[F_PRESENCE].name)), SLICE("LEGACY_REQUIRED")) ||
           (f->label == PBMODEL_PLAIN && f->key.len == 0 && f->oneof.len == 0 && f->extendee.len == 0 &&
            has_feature(p, F_PRESENCE, f->options, f->parent, "LEGACY_REQUIRED"));
}

/* Whether a reader can tell an absent value from a zero. */
static bool is_explicit(const struct putting *p, const struct member *m)
{
    const struct pbmodel_field *f = m->field;
    return f->label == PBMODEL_OPTIONAL || f->oneof.len || f->extendee.len || (!m->scalar && !m->is_enum) ||
           has_feature(p, F_PRESENCE, f->options, f->parent, "EXPLICIT");
}

static void put_text_options(struct putting *p, const struct member *m)
{
    const struct pbmodel_field *f = m->field;
    bool string = slice_eq(f->type, SLICE("string"));
    if (!string && !slice_eq(f->type, SLICE("bytes")))
        return;
    struct slice kind = option_of(f->options, SLICE("ctype"));
    if (kind.len == 0)
        kind = feature(p, F_CPP_STRING, f->options, f->parent);
    if (!slice_eq(kind, SLICE("STRING")))
        put_option(p, m->subject, "cpp_string_type", kind);
    if (!string)
        return;
    if (!has_feature(p, F_UTF8, f->options, f->parent, "VERIFY"))
        put_option(p, m->subject, "utf8_validation", SLICE("NONE"));
    bool check = slice_eq(option_of(p->file->options, SLICE("java_string_check_utf8")), SLICE("true"));
    if (check || has_feature(p, F_JAVA_UTF8, f->options, f->parent, "VERIFY") ||
        (has_feature(p, F_UTF8, f->options, f->parent, "VERIFY") &&
         has_feature(p, F_JAVA_UTF8, f->options, f->parent, "DEFAULT")))
        put_option(p, m->subject, "java_utf8_validation", SLICE("VERIFY"));
}

/* A default that says what the type says anyway is none. */
static bool plain_default(const struct member *m, struct slice value)
{
    struct slice type = m->field->type;
    if (slice_eq(type, SLICE("string")) || slice_eq(type, SLICE("bytes")))
        return value.len == 0;
    if (slice_eq(type, SLICE("bool")))
        return slice_eq(value, SLICE("false"));
    return m->scalar && (slice_eq(value, SLICE("0")) || slice_eq(value, SLICE("0.0")));
}

static void put_field_options(struct putting *p, const struct member *m)
{
    const struct pbmodel_field *f = m->field;
    struct slice value = option_of(f->options, SLICE("json_name"));
    if (value.len == 0 && f->extendee.len == 0)
        value = json_name(p, f->name);
    if (value.len && !slice_eq(value, f->name))
        put_option(p, m->subject, "json_name", value);
    if (f->group || (!m->scalar && !m->is_enum && f->key.len == 0 &&
                     has_feature(p, F_ENCODING, f->options, f->parent, "DELIMITED")))
        put_option(p, m->subject, "wire", SLICE("group"));
    value = option_of(f->options, SLICE("jstype"));
    if (value.len && !slice_eq(value, SLICE("JS_NORMAL")))
        put_option(p, m->subject, "jstype", value);
    value = option_of(f->options, SLICE("default"));
    if (value.at && !plain_default(m, value))
        put_option(p, m->subject, "default", value);
    put_text_options(p, m);
}

static void put_field(struct putting *p, struct slice record, const struct pbmodel_field *f, struct slice scope)
{
    struct member m = {.field = f, .record = record, .subject = joined(p, record, ".", f->name), .scope = scope};
    struct slice type = type_of(p, &m);
    bool required = is_required(p, f);
    DRAFT_PUT(p->d, FIELD, record, f->name, type, required ? SLICE("required") : SLICE("optional"));
    draft_put(p->d, VOCABULARY_TAG, (const struct slice[]){record, f->name}, &f->number);
    if (!required && f->label != PBMODEL_REPEATED && f->key.len == 0 && is_explicit(p, &m))
        put_option(p, m.subject, "presence", SLICE("explicit"));
    if (f->oneof.len)
        DRAFT_PUT(p->d, ONEOF, record, f->oneof, f->name);
    put_field_options(p, &m);
    put_place(p, m.subject, f->at);
}

static void put_ranges(struct putting *p, struct slice subject, const struct pbmodel_range *r)
{
    for (; r; r = r->next)
        draft_put(p->d, VOCABULARY_RESERVED, &subject, (const int64_t[]){r->from, r->to});
}

static void put_names(struct putting *p, struct slice subject, const struct pbmodel_name *n)
{
    for (; n; n = n->next)
        DRAFT_PUT(p->d, RESERVED_NAME, subject, plain(p, n->name));
}

static void put_thing(struct putting *p, struct slice subject, struct slice kind, struct pbmodel_place at)
{
    DRAFT_PUT(p->d, THING, subject, kind);
    DRAFT_PUT(p->d, WITHIN, subject, p->file->name, p->file->package);
    put_place(p, subject, at);
}

static void put_flag(struct putting *p, struct slice subject, const struct pbmodel_option *o, const char *name)
{
    if (slice_eq(option_of(o, slice_str(name)), SLICE("true")))
        put_option(p, subject, name, SLICE("true"));
}

static void put_message(struct putting *p, const struct pbmodel_message *m)
{
    DRAFT_PUT(p->d, RECORD, m->name);
    put_thing(p, m->name, SLICE("message"), m->at);
    for (const struct pbmodel_field *f = m->fields; f && !p->d->full; f = f->next)
        put_field(p, m->name, f, m->name);
    put_ranges(p, m->name, m->reserved);
    put_names(p, m->name, m->reserved_names);
    if (m->extensions)
        put_ranges(p, joined(p, m->name, "[]", SLICE("")), m->extensions);
    put_flag(p, m->name, m->options, "no_standard_descriptor_accessor");
    put_flag(p, m->name, m->options, "message_set_wire_format");
    if (!has_feature(p, F_JSON, m->options, m->parent, "ALLOW"))
        put_option(p, m->name, "json_format", SLICE("LEGACY_BEST_EFFORT"));
}

/* An absent value stands for the first in the file, which is number 0 unless the enum is closed. */
static void put_first(struct putting *p, const struct pbmodel_enum *e)
{
    if (e->values && e->values->number != 0)
        put_option(p, e->name, "first", e->values->name);
}

static void put_enum(struct putting *p, const struct pbmodel_enum *e)
{
    DRAFT_PUT(p->d, ENUM, e->name);
    put_thing(p, e->name, SLICE("enum"), e->at);
    size_t dot;
    bool inside = slice_find_last(e->name, '.', &dot);
    put_option(p, e->name, "short_name", inside ? slice_from(e->name, dot + 1) : e->name);
    put_first(p, e);
    for (const struct pbmodel_value *v = e->values; v; v = v->next) {
        draft_put(p->d, VOCABULARY_SYMBOL, (const struct slice[]){e->name, v->name}, &v->number);
        put_place(p, joined(p, e->name, ".", v->name), v->at);
    }
    put_ranges(p, e->name, e->reserved);
    put_names(p, e->name, e->reserved_names);
    if (has_feature(p, F_ENUM, e->options, e->parent, "OPEN"))
        DRAFT_PUT(p->d, OPEN, e->name);
    if (!has_feature(p, F_JSON, e->options, e->parent, "ALLOW"))
        put_option(p, e->name, "json_format", SLICE("LEGACY_BEST_EFFORT"));
}

static void put_extension(struct putting *p, const struct pbmodel_field *f)
{
    struct slice scope = f->parent ? f->parent->name : p->file->package;
    struct slice extendee = resolve(p, scope, f->extendee, f->at);
    struct slice record = arena_putf(&p->d->arena, "[%.*s]", SLICE_FMT(extendee));
    if (!map_put(&p->written, record, (void *)(uintptr_t)&written_mark))
        DRAFT_PUT(p->d, RECORD, record);
    put_field(p, record, f, scope);
    put_thing(p, f->name, SLICE("extension"), f->at);
}

static void put_service(struct putting *p, const struct pbmodel_service *s)
{
    put_thing(p, s->name, SLICE("service"), s->at);
    for (const struct pbmodel_method *m = s->methods; m; m = m->next) {
        struct slice op = joined(p, s->name, ".", m->name);
        DRAFT_PUT(p->d, OPERATION, op);
        DRAFT_PUT(p->d, GRPC, op, s->name, m->name);
        put_option(p, op, "request", resolve(p, s->name, m->request, m->at));
        put_option(p, op, "response", resolve(p, s->name, m->response, m->at));
        if (m->client_stream)
            DRAFT_PUT(p->d, STREAM, op, SLICE("client"));
        if (m->server_stream)
            DRAFT_PUT(p->d, STREAM, op, SLICE("server"));
        struct slice level = option_of(m->options, SLICE("idempotency_level"));
        if (level.len && !slice_eq(level, SLICE("IDEMPOTENCY_UNKNOWN"))) {
            put_option(p, op, "idempotency_level", level);
            DRAFT_PUT(p->d, IDEMPOTENT, op);
        }
        put_place(p, op, m->at);
    }
}

/* What stands there when nothing does. */
static const char *const file_options[][2] = {
    {"cc_enable_arenas", "true"},
    {"cc_generic_services", "false"},
    {"csharp_namespace", ""},
    {"go_package", ""},
    {"java_generic_services", "false"},
    {"java_multiple_files", "false"},
    {"java_outer_classname", ""},
    {"java_package", ""},
    {"objc_class_prefix", ""},
    {"optimize_for", "SPEED"},
    {"php_class_prefix", ""},
    {"php_metadata_namespace", ""},
    {"php_namespace", ""},
    {"py_generic_services", "false"},
    {"ruby_package", ""},
    {"swift_prefix", ""},
};

static void put_file(struct putting *p)
{
    struct pbmodel_file *f = p->file;
    f->name = plain(p, f->name);
    put_thing(p, f->name, SLICE("file"), (struct pbmodel_place){.line = 1, .column = 1});
    put_option(p, f->name, "syntax", f->syntax);
    for (size_t i = 0; i < sizeof(file_options) / sizeof(file_options[0]); i++) {
        struct slice value = option_of(f->options, slice_str(file_options[i][0]));
        if (value.len && !slice_eq(value, slice_str(file_options[i][1])))
            put_option(p, f->name, file_options[i][0], value);
    }
    for (const struct pbmodel_message *m = f->messages; m; m = m->next)
        put_message(p, m);
    for (const struct pbmodel_enum *e = f->enums; e; e = e->next)
        put_enum(p, e);
    for (const struct pbmodel_field *x = f->extensions; x; x = x->next)
        put_extension(p, x);
    for (const struct pbmodel_service *s = f->services; s; s = s->next)
        put_service(p, s);
}

static void declare_all(struct putting *p)
{
    for (const struct pbmodel_message *m = p->file->messages; m; m = m->next)
        declare(p, m->name, false);
    for (const struct pbmodel_enum *e = p->file->enums; e; e = e->next)
        declare(p, e->name, true);
}

enum err pbfacts_put(struct draft *d, const struct pbfacts_source *source)
{
    struct putting p = {.d = d, .lenient = source->lenient};
    buf_init(&p.key, BUF_TEXT_BOUND);
    for (p.file = source->files; p.file; p.file = p.file->next)
        declare_all(&p);
    for (p.file = source->files; p.file; p.file = p.file->next)
        put_file(&p);
    buf_fini(&p.key);
    map_fini(&p.types);
    map_fini(&p.written);
    return p.failed ? ERR_INPUT : ERR_OK;
}
