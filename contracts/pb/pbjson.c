#include "contracts/pb/pbjson.h"

#include <errno.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "contracts/pb/pbprint.h"

enum { DEPTH = 24 };

static bool is_foreign(const struct pbtype_message *m)
{
    return m->is_set || slice_starts(m->name, SLICE("google.protobuf."));
}

/* --- Writing. */

static bool put_message(const struct pbread_message *m, struct json_out *j, unsigned depth);

static void put_base64(struct slice bytes, struct json_out *j)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t word = 0;
        for (size_t k = 0; k < 3; k++)
            word = word << 8 | (i + k < bytes.len ? (unsigned char)bytes.at[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_put_char(&text, i + k <= bytes.len ? letters[(word >> (18 - 6 * k)) & 63] : '=');
    }
    json_out_slice(j, buf_slice(&text));
    buf_fini(&text);
}

static void put_plain(const struct pbread_value *v, bool quoted, struct json_out *j)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    pbprint_value(v, &text);
    if (quoted)
        json_out_slice(j, buf_slice(&text));
    else
        json_out_raw(j, buf_slice(&text));
    buf_fini(&text);
}

static bool put_value(const struct pbread_value *v, struct json_out *j, unsigned depth)
{
    switch (v->field->kind) {
    case PBTYPE_MESSAGE:
        return put_message(v->sub, j, depth + 1);
    case PBTYPE_STRING:
        json_out_slice(j, v->text);
        return slice_utf8(v->text);
    case PBTYPE_BYTES:
        put_base64(v->text, j);
        return true;
    case PBTYPE_ENUM:
        put_plain(v, pbtype_symbol(v->field->values, (int64_t)v->bits), j);
        return !slice_eq(v->field->values->name, SLICE("google.protobuf.NullValue"));
    case PBTYPE_INT64:
    case PBTYPE_UINT64:
    case PBTYPE_SINT64:
    case PBTYPE_FIXED64:
    case PBTYPE_SFIXED64:
        put_plain(v, true, j);
        return true;
    case PBTYPE_BOOL:
    case PBTYPE_INT32:
    case PBTYPE_UINT32:
    case PBTYPE_SINT32:
    case PBTYPE_FIXED32:
    case PBTYPE_SFIXED32:
    case PBTYPE_FLOAT:
    case PBTYPE_DOUBLE:
        put_plain(v, false, j);
        break;
    }
    return true;
}

/* Keys are strings; an entry without one has the key that stands for none. */
static bool put_entry(const struct pbread_value *entry, struct json_out *j, unsigned depth)
{
    const struct pbtype_field *key = entry->field->sub->fields, *value = key->next;
    const struct pbread_value *k = pbread_find(entry->sub, key), *v = pbread_find(entry->sub, value);
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    if (k && key->kind == PBTYPE_STRING)
        buf_put(&text, k->text);
    else if (k)
        pbprint_value(k, &text);
    json_out_name_slice(j, buf_slice(&text));
    buf_fini(&text);
    if (v)
        return put_value(v, j, depth);
    json_out_null(j);
    return false;
}

static bool put_all(const struct pbread_message *m, const struct pbtype_field *f, struct json_out *j, unsigned depth)
{
    bool good = true;
    if (f->map)
        json_out_object(j);
    else
        json_out_array(j);
    for (const struct pbread_value *v = m->first; v; v = v->next)
        if (v->field == f)
            good = (f->map ? put_entry(v, j, depth) : put_value(v, j, depth)) && good;
    json_out_end(j);
    return good;
}

/* Extensions stand in brackets. */
static void put_name(const struct pbtype_field *f, struct json_out *j)
{
    if (!slice_has(f->name, SLICE("."))) {
        json_out_name_slice(j, f->json);
        return;
    }
    struct buf name;
    buf_init(&name, BUF_TEXT_BOUND);
    buf_putf(&name, "[%.*s]", SLICE_FMT(f->name));
    json_out_name_slice(j, buf_slice(&name));
    buf_fini(&name);
}

static bool put_message(const struct pbread_message *m, struct json_out *j, unsigned depth)
{
    bool good = !is_foreign(m->type) && depth < DEPTH;
    json_out_object(j);
    for (const struct pbtype_field *f = m->type->fields; f && good; f = f->next) {
        const struct pbread_value *v = pbread_find(m, f);
        if (!v)
            continue;
        put_name(f, j);
        good = f->repeated ? put_all(m, f, j, depth) : put_value(v, j, depth);
    }
    json_out_end(j);
    return good;
}

bool pbjson_put(const struct pbread_message *m, struct buf *out)
{
    struct json_out j;
    json_out_init(&j, out, 0);
    return put_message(m, &j, 0);
}

/* --- Reading. */

struct reading {
    struct arena *arena;
    struct pbread_fault *fault;
};

static bool read_message(struct reading *r, struct pbread_message *m, const struct json_value *object);

static bool fail(struct reading *r, const struct pbtype_field *f, const char *why)
{
    r->fault->field = f;
    r->fault->why = why;
    return false;
}

/* Whole, and within the kind. */
static bool read_whole(enum pbtype_kind k, struct slice text, uint64_t *bits)
{
    char word[40] = {0}, *end;
    if (text.len == 0 || text.len >= sizeof(word))
        return false;
    memcpy(word, text.at, text.len);
    bool is_unsigned = k == PBTYPE_UINT32 || k == PBTYPE_UINT64 || k == PBTYPE_FIXED32 || k == PBTYPE_FIXED64;
    bool small =
        k != PBTYPE_INT64 && k != PBTYPE_UINT64 && k != PBTYPE_SINT64 && k != PBTYPE_FIXED64 && k != PBTYPE_SFIXED64;
    errno = 0;
    double value = strtod(word, &end);
    double least = is_unsigned ? 0 : small ? -2147483648.0 : -9223372036854775808.0;
    double past =
        is_unsigned ? (small ? 4294967296.0 : 18446744073709551616.0) : (small ? 2147483648.0 : 9223372036854775808.0);
    bool plain = true;
    for (size_t i = 0; i < text.len; i++)
        plain = plain && ((word[i] >= '0' && word[i] <= '9') || (i == 0 && word[i] == '-'));
    if (plain) {
        /* Near the ends of 64 bits a double says too little. */
        *bits = is_unsigned ? strtoull(word, NULL, 10) : (uint64_t)strtoll(word, NULL, 10);
        return !errno && (is_unsigned ? word[0] != '-' : true) && value >= least && (!small || value < past);
    }
    if (*end || value < least || value >= past)
        return false;
    *bits = is_unsigned ? (uint64_t)value : (uint64_t)(int64_t)value;
    return value == (double)(int64_t)value;
}

static bool read_real(enum pbtype_kind k, struct slice text, uint64_t *bits)
{
    char word[64] = {0}, *end;
    if (text.len == 0 || text.len >= sizeof(word))
        return false;
    memcpy(word, text.at, text.len);
    double value = strtod(word, &end);
    float small = (float)value;
    *bits = 0;
    if (k == PBTYPE_DOUBLE)
        memcpy(bits, &value, sizeof(value));
    else
        memcpy(bits, &small, sizeof(small));
    return *end == '\0' && (k == PBTYPE_DOUBLE || (value < 3.5e38 && value > -3.5e38));
}

static int base64_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* In either alphabet, with or without padding. */
static bool read_base64(struct reading *r, struct slice text, struct slice *out)
{
    while (text.len && text.at[text.len - 1] == '=')
        text.len--;
    char *bytes = arena_new(r->arena, text.len + 1);
    uint32_t word = 0;
    unsigned held = 0;
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        int six = base64_of(text.at[i]);
        if (six < 0)
            return false;
        word = word << 6 | (uint32_t)six;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[count++] = (char)(word >> held);
        }
    }
    *out = slice_of(bytes, count);
    return text.len % 4 != 1;
}

static bool read_symbol(struct reading *r, struct pbread_value *v, const struct json_value *j)
{
    const struct pbtype_enum *e = v->field->values;
    const struct fact *symbol = j->kind == JSON_STRING ? pbtype_symbol_named(e, j->text) : NULL;
    if (symbol)
        v->bits = (uint64_t)symbol->value[2].number;
    else if ((j->kind != JSON_NUMBER && j->kind != JSON_STRING) || !read_whole(PBTYPE_INT32, j->text, &v->bits))
        return fail(r, v->field, "its enum has no such value");
    return e->open || pbtype_symbol(e, (int64_t)v->bits) || fail(r, v->field, "its enum has no such value");
}

static bool read_scalar(struct reading *r, struct pbread_value *v, const struct json_value *j)
{
    const struct pbtype_field *f = v->field;
    bool text = j->kind == JSON_STRING, number = text || j->kind == JSON_NUMBER;
    switch (f->kind) {
    case PBTYPE_BOOL:
        v->bits = j->truth;
        return j->kind == JSON_BOOL || fail(r, f, "it is neither true nor false");
    case PBTYPE_STRING:
        v->text = j->text;
        return text || fail(r, f, "it is no string");
    case PBTYPE_BYTES:
        return (text && read_base64(r, j->text, &v->text)) || fail(r, f, "it is no base64");
    case PBTYPE_ENUM:
        return read_symbol(r, v, j);
    case PBTYPE_FLOAT:
    case PBTYPE_DOUBLE:
        return (number && read_real(f->kind, j->text, &v->bits)) || fail(r, f, "it is no such number");
    case PBTYPE_INT32:
    case PBTYPE_INT64:
    case PBTYPE_UINT32:
    case PBTYPE_UINT64:
    case PBTYPE_SINT32:
    case PBTYPE_SINT64:
    case PBTYPE_FIXED32:
    case PBTYPE_FIXED64:
    case PBTYPE_SFIXED32:
    case PBTYPE_SFIXED64:
        return (number && read_whole(f->kind, j->text, &v->bits)) || fail(r, f, "it is no such number");
    case PBTYPE_MESSAGE:
        break;
    }
    return fail(r, f, "it is no such value");
}

static bool read_value(struct reading *r, struct pbread_message *m, const struct pbtype_field *f,
                       const struct json_value *j)
{
    struct pbread_value *v = arena_new(r->arena, sizeof(*v));
    v->field = f;
    if (f->kind == PBTYPE_MESSAGE) {
        v->sub = arena_new(r->arena, sizeof(*v->sub));
        v->sub->type = f->sub;
        if (j->kind != JSON_OBJECT)
            return fail(r, f, "it is no object");
        if (!read_message(r, v->sub, j)) {
            r->fault->field = f;
            return false;
        }
    } else if (!read_scalar(r, v, j)) {
        return false;
    }
    pbread_put(m, v);
    return true;
}

/* Keys of bool are "true" and "false". */
static struct json_value key_of(const struct pbtype_field *key, struct slice name)
{
    struct json_value j = {.kind = JSON_STRING, .text = name};
    if (key->kind == PBTYPE_BOOL && (slice_eq(name, SLICE("true")) || slice_eq(name, SLICE("false"))))
        j = (struct json_value){.kind = JSON_BOOL, .truth = slice_eq(name, SLICE("true"))};
    return j;
}

static bool read_entries(struct reading *r, struct pbread_message *m, const struct pbtype_field *f,
                         const struct json_value *j)
{
    if (j->kind != JSON_OBJECT)
        return fail(r, f, "it is no object");
    for (const struct json_value *e = j->first; e; e = e->next) {
        struct pbread_value *v = arena_new(r->arena, sizeof(*v));
        struct json_value key = key_of(f->sub->fields, e->name);
        v->field = f;
        v->sub = arena_new(r->arena, sizeof(*v->sub));
        v->sub->type = f->sub;
        if (!read_value(r, v->sub, f->sub->fields, &key) || !read_value(r, v->sub, f->sub->fields->next, e)) {
            r->fault->field = f;
            return false;
        }
        pbread_put(m, v);
    }
    return true;
}

static bool is_chosen_already(const struct pbread_message *m, const struct pbtype_field *f)
{
    for (const struct pbread_value *v = m->first; v && f->oneof.len; v = v->next)
        if (slice_eq(v->field->oneof, f->oneof))
            return true;
    return false;
}

static bool read_field(struct reading *r, struct pbread_message *m, const struct pbtype_field *f,
                       const struct json_value *j)
{
    if (j->kind == JSON_NULL)
        return true;
    if (is_chosen_already(m, f))
        return fail(r, f, "its oneof has another field");
    if (f->map)
        return read_entries(r, m, f, j);
    if (!f->repeated)
        return read_value(r, m, f, j);
    if (j->kind != JSON_ARRAY)
        return fail(r, f, "it is no array");
    for (const struct json_value *e = j->first; e; e = e->next)
        if (!read_value(r, m, f, e))
            return false;
    return true;
}

/* By the name in JSON, or by the one in the file. */
static const struct pbtype_field *named(const struct pbtype_message *m, struct slice name)
{
    if (slice_starts(name, SLICE("[")) && slice_ends(name, SLICE("]")))
        name = slice_of(name.at + 1, name.len - 2);
    for (const struct pbtype_field *f = m->fields; f; f = f->next)
        if (slice_eq(f->json, name))
            return f;
    return pbtype_name(m, name);
}

static bool read_message(struct reading *r, struct pbread_message *m, const struct json_value *object)
{
    if (is_foreign(m->type))
        return true;
    for (const struct json_value *j = object->first; j; j = j->next) {
        const struct pbtype_field *f = named(m->type, j->name);
        if (f && !read_field(r, m, f, j))
            return false;
    }
    return true;
}

bool pbjson_read(const struct pbtype_message *type, const struct json_value *object, struct arena *arena,
                 struct pbread_message **out, struct pbread_fault *fault)
{
    struct reading r = {.arena = arena, .fault = fault};
    struct pbread_message *m = arena_new(arena, sizeof(*m));
    *fault = (struct pbread_fault){0};
    m->type = type;
    if (object->kind != JSON_OBJECT || !read_message(&r, m, object))
        return false;
    *out = m;
    return true;
}
