/* A message is read once: what stands in it is listed, by field, and then written field by field.  Of a field that is
 * not repeated the last value counts, of a message in parts all of them, of a oneof the field that came last. */
#include "contracts/wire/transcode_pb.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/json_out.h"
#include "base/map.h"
#include "base/mem.h"
#include "contracts/wire/pbmould.h"
#include "contracts/wire/pbscan.h"
#include "contracts/wire/rewrite_format.h"
#include "contracts/wire/transcode_known.h"

enum { DEPTH = 128, SHOWN = 48, LIST_KIND_NULL = 1, LEAST_ROOM = 1 << 16 };

/* One value as it stands in the body: a number, or bytes. */
struct found {
    const struct pbmould_field *field;
    size_t order;
    uint64_t word;
    struct slice bytes;
    bool run; /* several numbers in one */
};

struct transcode_pb {
    struct rewrite shared;
    size_t step, max_hold;
    const struct pbmould_message *message;
    struct buf body, made;
    struct arena arena; /* messages in parts, put together */
    struct found *found;
    size_t found_count, found_room;
    const struct pbmould_field *way[DEPTH + 1]; /* for people */
    size_t depth;
};

static enum err put_message(struct transcode_pb *t, const struct pbmould_message *m, struct slice bytes);

/* ---- what is wrong ---- */

static enum err refuse(struct transcode_pb *t, const struct pbmould_field *field, const char *what)
{
    struct buf *b = &t->shared.fault;
    buf_putf(b, "%s at ", what);
    for (size_t i = 0; i < t->depth; i++) {
        buf_put_char(b, '/');
        buf_put_safe(b, t->way[i]->type->name, SHOWN);
    }
    if (field) {
        buf_put_char(b, '/');
        buf_put_safe(b, field->type->name, SHOWN);
    } else if (t->depth == 0) {
        buf_put_char(b, '/');
    }
    buf_text(b);
    return ERR_PEER;
}

static enum err check_growth(struct transcode_pb *t, const struct pbmould_field *field)
{
    if (buf_len(&t->made) <= TRANSCODE_PB_GROWTH * buf_len(&t->body) + LEAST_ROOM)
        return ERR_OK;
    enum err e = refuse(t, field, "the message grows out of proportion");
    (void)e;
    return ERR_FULL;
}

/* ---- reading ---- */

/* Past a group's end mark; `*at` is behind its key. */
static bool skip_group(struct slice bytes, uint32_t number, size_t *at, size_t *inner_end)
{
    uint32_t open[DEPTH];
    size_t depth = 0;
    struct pbscan_field f = {.begin = *at};
    const char *why;
    open[depth++] = number;
    while (depth) {
        if (f.begin >= bytes.len || pbscan_field(bytes.at, bytes.len, &f, &why) != PBSCAN_GOT || f.end > bytes.len)
            return false;
        if (f.type == PBWIRE_GROUP) {
            if (depth == DEPTH)
                return false;
            open[depth++] = f.number;
        } else if (f.type == PBWIRE_END && open[--depth] != f.number) {
            return false;
        }
        *inner_end = f.begin;
        f.begin = f.end;
    }
    *at = f.begin;
    return true;
}

static struct found *add(struct transcode_pb *t, const struct pbmould_field *field)
{
    if (t->found_count == t->found_room) {
        t->found_room = t->found_room ? 2 * t->found_room : 32;
        t->found = mem_resize(t->found, t->found_room, sizeof(*t->found));
    }
    struct found *f = &t->found[t->found_count];
    *f = (struct found){.field = field, .order = t->found_count++};
    return f;
}

static bool is_closed_to(const struct pbmould_field *field, uint64_t word)
{
    return field->values && !field->values->type->open &&
           !pbmould_symbol(field->values, (int64_t)(int32_t)(uint32_t)word);
}

/* What a reader does not know, or knows as written otherwise, is left out. */
static void keep(struct transcode_pb *t, const struct pbmould_message *m, const struct pbscan_field *f,
                 struct slice bytes)
{
    const struct pbmould_field *field = pbmould_field(m, f->number);
    bool run = field && field->packs && f->type == PBWIRE_BYTES;
    if (!field || (field->wire != f->type && !run) || (f->type == PBWIRE_VARINT && is_closed_to(field, f->word)))
        return;
    struct found *v = add(t, field);
    v->word = f->word;
    v->bytes = bytes;
    v->run = run;
}

static enum err list(struct transcode_pb *t, const struct pbmould_message *m, struct slice bytes)
{
    struct pbscan_field f = {0};
    const char *why = "";
    while (f.begin < bytes.len) {
        enum pbscan got = pbscan_field(bytes.at, bytes.len, &f, &why);
        size_t end = f.end, inner = f.end;
        if (got == PBSCAN_WRONG)
            return refuse(t, NULL, why);
        if (got == PBSCAN_SHORT || f.end > bytes.len || f.type == PBWIRE_END ||
            (f.type == PBWIRE_GROUP && !skip_group(bytes, f.number, &end, &inner)))
            return refuse(t, NULL, "not protobuf: a field or a group does not end in its message,");
        keep(t, m, &f, slice_of(bytes.at + f.value, (f.type == PBWIRE_GROUP ? inner : end) - f.value));
        f.begin = end;
    }
    return ERR_OK;
}

static int by_field(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->field != y->field)
        return x->field->number > y->field->number ? 1 : -1;
    return (x->order > y->order) - (x->order < y->order);
}

/* By field, and in each as they came; most writers have them so. */
static void sort(struct found *v, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (v[i].field->number < v[i - 1].field->number) {
            qsort(v, count, sizeof(*v), by_field);
            return;
        }
}

/* ---- scalars ---- */

/* Is it a character that a JSON string has only behind a backslash?  A high bit for each of eight that are. */
static inline uint64_t escapes_in(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
    uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
    return (((word - ones * ' ') & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & high;
}

static bool is_plain(struct slice text)
{
    uint64_t word;
    size_t i = 0;
    for (; text.len - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, text.at + i, sizeof(word));
        if (escapes_in(word))
            return false;
    }
    for (; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == '"' || text.at[i] == '\\')
            return false;
    return true;
}

static void put_text(struct transcode_pb *t, struct slice text)
{
    struct json_out j;
    char *at;
    if (is_plain(text) && buf_room(&t->made, text.len + 2, &at) == ERR_OK) {
        *at = '"';
        if (text.len)
            memcpy(at + 1, text.at, text.len);
        at[text.len + 1] = '"';
        buf_wrote(&t->made, text.len + 2);
        return;
    }
    json_out_init(&j, &t->made, 0);
    json_out_slice(&j, text);
}

static void put_whole(struct transcode_pb *t, uint64_t bits, bool is_signed, bool quoted)
{
    bool minus = is_signed && (int64_t)bits < 0;
    if (quoted)
        buf_put_char(&t->made, '"');
    if (minus)
        buf_put_char(&t->made, '-');
    buf_put_u64(&t->made, minus ? 0 - bits : bits);
    if (quoted)
        buf_put_char(&t->made, '"');
}

static void put_symbol(struct transcode_pb *t, const struct pbmould_field *field, int64_t number)
{
    const struct pbmould_symbol *s = pbmould_symbol(field->values, number);
    if (slice_eq(field->values->type->name, SLICE("google.protobuf.NullValue")))
        buf_put(&t->made, SLICE("null"));
    else if (s)
        put_text(t, s->name);
    else
        buf_putf(&t->made, "%lld", (long long)number);
}

static void put_number(struct transcode_pb *t, enum pbtype_kind kind, const struct pbmould_field *field, uint64_t word)
{
    struct pbvalue v;
    pbvalue_set(&v, kind, word);
    switch (kind) {
    case PBTYPE_BOOL:
        buf_put(&t->made, v.bits ? SLICE("true") : SLICE("false"));
        break;
    case PBTYPE_FLOAT:
    case PBTYPE_DOUBLE:
        transcode_known_put_real(kind, v.bits, &t->made);
        break;
    case PBTYPE_ENUM:
        put_symbol(t, field, (int64_t)v.bits);
        break;
    case PBTYPE_INT64:
    case PBTYPE_SINT64:
    case PBTYPE_SFIXED64:
        put_whole(t, v.bits, true, true);
        break;
    case PBTYPE_UINT64:
    case PBTYPE_FIXED64:
        put_whole(t, v.bits, false, true);
        break;
    case PBTYPE_INT32:
    case PBTYPE_SINT32:
    case PBTYPE_SFIXED32:
    case PBTYPE_UINT32:
    case PBTYPE_FIXED32:
        put_whole(t, v.bits, true, false);
        break;
    case PBTYPE_STRING:
    case PBTYPE_BYTES:
    case PBTYPE_MESSAGE:
        break;
    }
}

static enum err put_scalar(struct transcode_pb *t, enum pbtype_kind kind, const struct found *v,
                           const struct pbmould_field *field)
{
    if (kind == PBTYPE_BYTES) {
        buf_put_char(&t->made, '"');
        hash_put_base64(&t->made, v->bytes);
        buf_put_char(&t->made, '"');
    } else if (kind == PBTYPE_STRING) {
        if (!slice_utf8(v->bytes))
            return refuse(t, field, "the text is no UTF-8");
        put_text(t, v->bytes);
    } else {
        put_number(t, kind, field, v->word);
    }
    return ERR_OK;
}

/* ---- messages that have a JSON of their own ---- */

/* The last value under a number that is written so; false: there is none. */
static bool last_of(struct slice bytes, uint32_t number, enum pbwire_type type, struct found *out)
{
    struct pbscan_field f = {0};
    const char *why;
    bool there = false;
    while (f.begin < bytes.len && pbscan_field(bytes.at, bytes.len, &f, &why) == PBSCAN_GOT && f.end <= bytes.len) {
        if (f.number == number && f.type == type) {
            *out = (struct found){.word = f.word, .bytes = slice_of(bytes.at + f.value, f.end - f.value)};
            there = true;
        }
        f.begin = f.end;
    }
    return there;
}

static enum err put_time(struct transcode_pb *t, const struct pbmould_message *m, struct slice bytes)
{
    struct found seconds = {0}, nanos = {0};
    (void)last_of(bytes, 1, PBWIRE_VARINT, &seconds);
    (void)last_of(bytes, 2, PBWIRE_VARINT, &nanos);
    struct transcode_known_time time = {(int64_t)seconds.word, (int32_t)(uint32_t)nanos.word};
    buf_put_char(&t->made, '"');
    bool fine = m->known == PBMOULD_TIMESTAMP ? transcode_known_put_time(&time, &t->made)
                                              : transcode_known_put_duration(&time, &t->made);
    buf_put_char(&t->made, '"');
    return fine ? ERR_OK : refuse(t, NULL, "the time is out of the range that JSON has for it,");
}

static enum err put_mask(struct transcode_pb *t, struct slice bytes)
{
    struct pbscan_field f = {0};
    const char *why;
    bool first = true;
    struct buf path;
    enum err e = ERR_OK;
    buf_init(&path, SIZE_MAX / 2);
    while (f.begin < bytes.len && pbscan_field(bytes.at, bytes.len, &f, &why) == PBSCAN_GOT && f.end <= bytes.len) {
        struct slice one = slice_of(bytes.at + f.value, f.end - f.value);
        if (f.number == 1 && f.type == PBWIRE_BYTES) {
            if (!first)
                buf_put_char(&path, ',');
            first = false;
            if (!slice_utf8(one) || slice_has(one, SLICE(",")) || !transcode_known_put_path(one, &path))
                e = refuse(t, NULL, "a path of a mask has no form in JSON,");
        }
        f.begin = f.end;
        if (e != ERR_OK)
            break;
    }
    put_text(t, buf_slice(&path));
    buf_fini(&path);
    return e;
}

static enum err put_wrapped(struct transcode_pb *t, const struct pbmould_message *m, struct slice bytes)
{
    struct found v = {0};
    (void)last_of(bytes, 1, pbvalue_wire(m->wrapped), &v);
    return put_scalar(t, m->wrapped, &v, NULL);
}

static enum err put_any_value(struct transcode_pb *t, struct slice bytes, unsigned depth);

static enum err put_list_value(struct transcode_pb *t, struct slice bytes, unsigned depth)
{
    struct pbscan_field f = {0};
    const char *why;
    bool first = true;
    buf_put_char(&t->made, '[');
    while (f.begin < bytes.len && pbscan_field(bytes.at, bytes.len, &f, &why) == PBSCAN_GOT && f.end <= bytes.len) {
        if (f.number == 1 && f.type == PBWIRE_BYTES) {
            if (!first)
                buf_put_char(&t->made, ',');
            first = false;
            TRY(put_any_value(t, slice_of(bytes.at + f.value, f.end - f.value), depth + 1));
        }
        f.begin = f.end;
    }
    buf_put_char(&t->made, ']');
    return ERR_OK;
}

/* Entries by key, the last one of each. */
struct entry {
    struct slice key, bytes;
};

static enum err put_struct(struct transcode_pb *t, struct slice bytes, unsigned depth)
{
    struct pbscan_field f = {0};
    const char *why;
    struct map keys = {0};
    size_t count = 0, room = 0;
    struct entry *entries = NULL;
    enum err e = ERR_OK;
    while (f.begin < bytes.len && pbscan_field(bytes.at, bytes.len, &f, &why) == PBSCAN_GOT && f.end <= bytes.len) {
        if (f.number == 1 && f.type == PBWIRE_BYTES) {
            struct found key = {.bytes = SLICE("")};
            struct slice entry = slice_of(bytes.at + f.value, f.end - f.value);
            (void)last_of(entry, 1, PBWIRE_BYTES, &key);
            uintptr_t at = (uintptr_t)map_get(&keys, key.bytes);
            if (count == room)
                entries = mem_resize(entries, room = room ? 2 * room : 8, sizeof(*entries));
            if (at)
                entries[at - 1].bytes = entry;
            else
                entries[count++] = (struct entry){key.bytes, entry};
            if (!at)
                map_put(&keys, key.bytes, (void *)(uintptr_t)count);
        }
        f.begin = f.end;
    }
    buf_put_char(&t->made, '{');
    for (size_t i = 0; i < count && e == ERR_OK; i++) {
        struct found value = {.bytes = SLICE("")};
        if (i)
            buf_put_char(&t->made, ',');
        if (!slice_utf8(entries[i].key))
            e = refuse(t, NULL, "the text is no UTF-8");
        put_text(t, entries[i].key);
        buf_put_char(&t->made, ':');
        (void)last_of(entries[i].bytes, 2, PBWIRE_BYTES, &value);
        if (e == ERR_OK)
            e = put_any_value(t, value.bytes, depth + 1);
    }
    buf_put_char(&t->made, '}');
    map_fini(&keys);
    mem_free(entries);
    return e;
}

static bool is_a_value(const struct pbscan_field *f)
{
    static const enum pbwire_type types[] = {
        0, PBWIRE_VARINT, PBWIRE_64, PBWIRE_BYTES, PBWIRE_VARINT, PBWIRE_BYTES, PBWIRE_BYTES};
    return f->number >= 1 && f->number <= 6 && f->type == types[f->number];
}

/* Of a google.protobuf.Value the kind that came last. */
static enum err put_any_value(struct transcode_pb *t, struct slice bytes, unsigned depth)
{
    struct pbscan_field f = {0}, last = {0};
    const char *why;
    uint64_t bits;
    TRY(check_growth(t, NULL));
    if (depth + t->depth > DEPTH)
        return refuse(t, NULL, "a value is deeper than 128,");
    while (f.begin < bytes.len && pbscan_field(bytes.at, bytes.len, &f, &why) == PBSCAN_GOT && f.end <= bytes.len) {
        if (is_a_value(&f))
            last = f;
        f.begin = f.end;
    }
    struct slice inside = last.number ? slice_of(bytes.at + last.value, last.end - last.value) : SLICE("");
    switch (last.number) {
    case 1:
        buf_put(&t->made, SLICE("null"));
        return ERR_OK;
    case 2:
        bits = last.word;
        if ((bits >> 52 & 0x7ff) == 0x7ff)
            return refuse(t, NULL, "a value is no finite number,");
        transcode_known_put_real(PBTYPE_DOUBLE, bits, &t->made);
        return ERR_OK;
    case 3:
        return put_scalar(t, PBTYPE_STRING, &(struct found){.bytes = inside}, NULL);
    case 4:
        put_number(t, PBTYPE_BOOL, NULL, last.word);
        return ERR_OK;
    case 5:
        return put_struct(t, inside, depth);
    case 6:
        return put_list_value(t, inside, depth);
    default:
        return refuse(t, NULL, "a value has no kind,");
    }
}

/* What stands in it must be protobuf all the same. */
static enum err check_scan(struct transcode_pb *t, struct slice bytes)
{
    struct pbscan_field f = {0};
    const char *why = "";
    while (f.begin < bytes.len) {
        size_t inner;
        enum pbscan got = pbscan_field(bytes.at, bytes.len, &f, &why);
        if (got == PBSCAN_WRONG)
            return refuse(t, NULL, why);
        if (got == PBSCAN_SHORT || f.end > bytes.len || f.type == PBWIRE_END ||
            (f.type == PBWIRE_GROUP && !skip_group(bytes, f.number, &f.end, &inner)))
            return refuse(t, NULL, "not protobuf: a field or a group does not end in its message,");
        f.begin = f.end;
    }
    return ERR_OK;
}

static enum err put_known(struct transcode_pb *t, const struct pbmould_message *m, struct slice bytes)
{
    TRY(check_scan(t, bytes));
    switch (m->known) {
    case PBMOULD_ANY:
        return refuse(t, NULL, "google.protobuf.Any has no JSON here, its type is not known,");
    case PBMOULD_TIMESTAMP:
    case PBMOULD_DURATION:
        return put_time(t, m, bytes);
    case PBMOULD_FIELD_MASK:
        return put_mask(t, bytes);
    case PBMOULD_STRUCT:
        return put_struct(t, bytes, 0);
    case PBMOULD_VALUE:
        return put_any_value(t, bytes, 0);
    case PBMOULD_LIST_VALUE:
        return put_list_value(t, bytes, 0);
    case PBMOULD_WRAPPER:
        return put_wrapped(t, m, bytes);
    case PBMOULD_EMPTY:
    case PBMOULD_PLAIN:
        break;
    }
    buf_put(&t->made, SLICE("{}"));
    return ERR_OK;
}

/* ---- fields ---- */

static enum err put_sub(struct transcode_pb *t, const struct pbmould_field *field, struct slice bytes)
{
    if (t->depth == DEPTH)
        return refuse(t, field, "a message is deeper than 128,");
    t->way[t->depth++] = field;
    TRY(put_message(t, field->sub, bytes));
    t->depth--;
    return ERR_OK;
}

static enum err put_value(struct transcode_pb *t, const struct found *v)
{
    if (v->field->kind == PBTYPE_MESSAGE)
        return put_sub(t, v->field, v->bytes);
    return put_scalar(t, v->field->kind, v, v->field);
}

static enum err put_run(struct transcode_pb *t, const struct found *v, bool *first)
{
    struct slice run = v->bytes;
    uint64_t word;
    while (run.len) {
        if (!pbscan_packed(v->field->kind, &run, &word))
            return refuse(t, v->field, "not protobuf: a packed run ends within a number,");
        if (is_closed_to(v->field, word))
            continue;
        if (!*first)
            buf_put_char(&t->made, ',');
        *first = false;
        put_number(t, v->field->kind, v->field, word);
        TRY(check_growth(t, v->field));
    }
    return ERR_OK;
}

/* `from` and `count` say which of t->found; the list may move while they are written. */
static enum err put_list(struct transcode_pb *t, size_t from, size_t count)
{
    bool first = true;
    buf_put_char(&t->made, '[');
    for (size_t i = 0; i < count; i++) {
        struct found v = t->found[from + i];
        if (v.run) {
            TRY(put_run(t, &v, &first));
            continue;
        }
        if (!first)
            buf_put_char(&t->made, ',');
        first = false;
        TRY(put_value(t, &v));
        TRY(check_growth(t, v.field));
    }
    buf_put_char(&t->made, ']');
    return ERR_OK;
}

/* The key of a map's entry as the text that names its member. */
static struct slice key_of(struct transcode_pb *t, const struct pbmould_field *key, struct slice entry)
{
    struct found v = {.bytes = SLICE("")};
    (void)last_of(entry, 1, key->wire, &v);
    if (key->kind == PBTYPE_STRING)
        return v.bytes;
    struct pbvalue number;
    pbvalue_set(&number, key->kind, v.word);
    if (key->kind == PBTYPE_BOOL)
        return number.bits ? SLICE("true") : SLICE("false");
    bool minus = (int64_t)number.bits < 0 && key->kind != PBTYPE_UINT64 && key->kind != PBTYPE_FIXED64;
    return minus ? arena_putf(&t->arena, "%lld", (long long)(int64_t)number.bits)
                 : arena_putf(&t->arena, "%llu", (unsigned long long)number.bits);
}

/* All of one message in several parts. */
static struct slice joined(struct transcode_pb *t, size_t from, size_t count)
{
    size_t len = 0, at = 0;
    if (count == 1)
        return t->found[from].bytes;
    for (size_t i = 0; i < count; i++)
        len += t->found[from + i].bytes.len;
    char *all = arena_room(&t->arena, len + 1);
    for (size_t i = 0; i < count; at += t->found[from + i++].bytes.len)
        memcpy(all + at, t->found[from + i].bytes.at, t->found[from + i].bytes.len);
    return slice_of(all, len);
}

/* An entry's value; what is not there is what stands for none. */
static enum err put_entry_value(struct transcode_pb *t, const struct pbmould_field *map, struct slice entry)
{
    const struct pbmould_field *value = pbmould_field(map->sub, 2);
    struct found v = {.bytes = SLICE("")};
    size_t from = t->found_count, count = 0;
    if (value->kind != PBTYPE_MESSAGE) {
        bool there = last_of(entry, 2, value->wire, &v);
        v.field = value;
        if (!there && value->values)
            v.word = (uint64_t)value->values->type->first;
        return put_value(t, &v);
    }
    TRY(list(t, map->sub, entry));
    for (size_t i = from; i < t->found_count; i++)
        if (t->found[i].field == value)
            t->found[from + count++] = t->found[i];
    struct slice bytes = count ? joined(t, from, count) : SLICE("");
    t->found_count = from;
    return put_sub(t, value, bytes);
}

/* A closed enum's number that is not known takes its whole entry with it. */
static bool is_known_entry(const struct pbmould_field *map, struct slice entry)
{
    const struct pbmould_field *value = pbmould_field(map->sub, 2);
    struct found v;
    return !value->values || !last_of(entry, 2, PBWIRE_VARINT, &v) || !is_closed_to(value, v.word);
}

static enum err put_map(struct transcode_pb *t, const struct pbmould_field *map, size_t from, size_t count)
{
    const struct pbmould_field *key = pbmould_field(map->sub, 1);
    struct map keys = {0};
    enum err e = ERR_OK;
    bool first = true;
    /* Of one key the last entry counts; the others go. */
    for (size_t i = count; i-- > 0;) {
        struct found *v = &t->found[from + i];
        struct slice name = key_of(t, key, v->bytes);
        bool gone = !is_known_entry(map, v->bytes) || map_get(&keys, name);
        if (!gone)
            map_put(&keys, name, t);
        v->run = gone;
    }
    buf_put_char(&t->made, '{');
    for (size_t i = 0; i < count && e == ERR_OK; i++) {
        struct slice entry = t->found[from + i].bytes, name = key_of(t, key, entry);
        if (t->found[from + i].run)
            continue;
        if (!first)
            buf_put_char(&t->made, ',');
        first = false;
        if (!slice_utf8(name)) {
            e = refuse(t, map, "a key is no UTF-8");
            break;
        }
        put_text(t, name);
        buf_put_char(&t->made, ':');
        e = check_scan(t, entry);
        if (e == ERR_OK)
            e = put_entry_value(t, map, entry);
        if (e == ERR_OK)
            e = check_growth(t, map);
    }
    buf_put_char(&t->made, '}');
    map_fini(&keys);
    return e;
}

/* ---- messages ---- */

/* Without presence a zero is as good as none. */
static bool is_nothing(const struct found *v)
{
    const struct pbmould_field *f = v->field;
    if (f->repeated || f->oneof || f->type->has_presence || f->kind == PBTYPE_MESSAGE)
        return false;
    if (f->wire == PBWIRE_BYTES)
        return v->bytes.len == 0;
    struct pbvalue value;
    pbvalue_set(&value, f->kind, v->word);
    return value.bits == 0;
}

/* When the oneof was given to another field, as the fields came; 0: never. */
static size_t lost_at(const struct transcode_pb *t, size_t begin, size_t end, const struct pbmould_field *field)
{
    size_t lost = 0;
    for (size_t i = begin; field->oneof && i < end; i++) {
        const struct found *v = &t->found[i];
        if (v->field->oneof == field->oneof && v->field != field && v->order + 1 > lost)
            lost = v->order + 1;
    }
    return lost;
}

/* Values from to from + count are one field's. */
static enum err put_field(struct transcode_pb *t, size_t from, size_t count, bool *first)
{
    const struct pbmould_field *field = t->found[from].field;
    struct found last = t->found[from + count - 1];
    size_t before = buf_len(&t->made);
    if (is_nothing(&last))
        return ERR_OK;
    if (!*first)
        buf_put_char(&t->made, ',');
    buf_put(&t->made, field->member);
    size_t value = buf_len(&t->made);
    enum err e = field->type->map                ? put_map(t, field, from, count)
                 : field->repeated               ? put_list(t, from, count)
                 : field->kind == PBTYPE_MESSAGE ? put_sub(t, field, joined(t, from, count))
                                                 : put_value(t, &last);
    /* Of several there may be none that is known. */
    if (field->repeated && buf_len(&t->made) - value == 2)
        buf_cut(&t->made, before);
    else
        *first = false;
    return e;
}

static enum err missing(struct transcode_pb *t, const struct pbmould_message *m, size_t begin, size_t end)
{
    for (size_t i = 0; i < m->count && m->required_count; i++) {
        bool there = !m->fields[i].required;
        for (size_t k = begin; k < end && !there; k++)
            there = t->found[k].field == &m->fields[i];
        if (!there)
            return refuse(t, &m->fields[i], "a required field is missing,");
    }
    return ERR_OK;
}

static enum err put_fields(struct transcode_pb *t, size_t begin, size_t end)
{
    bool first = true;
    for (size_t from = begin, to; from < end; from = to) {
        const struct pbmould_field *field = t->found[from].field;
        size_t lost = lost_at(t, begin, end, field);
        for (to = from; to < end && t->found[to].field == field; to++)
            continue;
        while (from < to && t->found[from].order < lost)
            from++;
        if (from < to)
            TRY(put_field(t, from, to - from, &first));
        TRY(check_growth(t, field));
    }
    return ERR_OK;
}

static enum err put_message(struct transcode_pb *t, const struct pbmould_message *m, struct slice bytes)
{
    size_t begin = t->found_count;
    if (m->known != PBMOULD_PLAIN)
        return put_known(t, m, bytes);
    if (m->blank)
        return refuse(t, NULL, "the contract does not have the fields of the message");
    TRY(list(t, m, bytes));
    size_t end = t->found_count;
    if (end > begin)
        sort(t->found + begin, end - begin);
    TRY(missing(t, m, begin, end));
    buf_put_char(&t->made, '{');
    TRY(put_fields(t, begin, end));
    buf_put_char(&t->made, '}');
    t->found_count = begin;
    return ERR_OK;
}

/* ---- the whole ---- */

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct transcode_pb *t = (struct transcode_pb *)shared;
    (void)out;
    if (buf_len(&t->body) + bytes.len > t->max_hold) {
        enum err e = refuse(t, NULL, "the message is larger than a step may hold,");
        (void)e;
        return ERR_FULL;
    }
    buf_put(&t->body, bytes);
    return ERR_OK;
}

static enum err finish(struct rewrite *shared, struct buf *out)
{
    struct transcode_pb *t = (struct transcode_pb *)shared;
    TRY(put_message(t, t->message, buf_slice(&t->body)));
    t->shared.applied[t->step]++;
    enum err e = buf_add(out, buf_slice(&t->made));
    if (e != ERR_OK && refuse(t, NULL, "more goes out than has room,") != ERR_OK)
        e = ERR_FULL;
    return e;
}

static void fini(struct rewrite *shared)
{
    struct transcode_pb *t = (struct transcode_pb *)shared;
    buf_fini(&t->body);
    buf_fini(&t->made);
    arena_fini(&t->arena);
    mem_free(t->found);
}

static const struct rewrite_format format = {.feed = feed, .finish = finish, .fini = fini};

struct rewrite *transcode_pb_new(struct plan *plan, size_t step, size_t max_hold)
{
    struct transcode_pb *t = mem_new(sizeof(*t));
    rewrite_init(&t->shared, &format, plan);
    t->step = step;
    t->max_hold = max_hold;
    t->message = plan_step_message(plan, step);
    arena_init(&t->arena, 0);
    buf_init(&t->body, SIZE_MAX / 2); /* max_hold bounds both */
    buf_init(&t->made, SIZE_MAX / 2);
    return &t->shared;
}
