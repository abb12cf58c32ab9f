/* Each open object or array has a frame that says what its values become.  A message is written behind one byte for
 * its length, which is put right when the message ends; most take one, others make what follows move.  A frame that
 * ends closes as many messages as were opened for it: a value of google.protobuf.Value, which is an object, stands in
 * three. */
#include "contracts/wire/transcode_json.h"

#include "base/mem.h"
#include "contracts/wire/json_names.h"
#include "contracts/wire/json_path.h"
#include "contracts/wire/json_tok.h"
#include "contracts/wire/pbmould.h"
#include "contracts/wire/pbvalue.h"
#include "contracts/wire/rewrite_format.h"
#include "contracts/wire/transcode_known.h"

enum { FRAMES = 8, SHOWN = 48, WORD = 64 };

/* What the values of an object or array are. */
enum what {
    MESSAGE, /* members are its fields */
    LIST,    /* elements of a repeated field */
    MAP,     /* members are entries of a map */
    STRUCT,  /* of a google.protobuf.Struct */
    VALUES,  /* of a google.protobuf.ListValue */
    NOTHING  /* nobody wants them */
};

struct frame {
    enum what what;
    const struct pbmould_message *message; /* of MESSAGE */
    const struct pbmould_field
        *field; /* of LIST and MAP; of MESSAGE: of the value that comes next, NULL: nobody wants it */
    struct json_names_object names;
    unsigned closes; /* messages that end with it */
    uint32_t group;  /* the number of the group that ends with it; 0: none */
    bool run;        /* of LIST: the numbers stand in one run */
    size_t bits;     /* in `bits`: its required fields, then its oneofs */
};

struct transcode_json {
    struct rewrite shared;
    size_t step, max_hold;
    const struct pbmould_message *message;
    bool strict; /* members that are not known are refused */
    bool checks; /* nothing is kept of what is made */
    struct json_tok tok;
    struct json_names names;
    struct json_path path;
    uint64_t secret;
    struct frame *frames;
    size_t depth, room;
    size_t *open; /* where the lengths of open messages stand */
    size_t open_count, open_room;
    uint64_t *bits;
    size_t bit_count, bit_room;
    struct buf made;
    bool begun;
};

static struct frame *top(struct transcode_json *t)
{
    return t->depth ? &t->frames[t->depth - 1] : NULL;
}

/* ---- what is wrong ---- */

static enum err refuse(struct transcode_json *t, uint64_t offset, const char *what)
{
    buf_putf(&t->shared.fault, "%s at ", what);
    json_path_put(&t->path, &t->shared.fault);
    buf_text(&t->shared.fault);
    t->shared.offset = offset;
    return ERR_PEER;
}

static enum err refuse_name(struct transcode_json *t, uint64_t offset, const char *before, struct slice name,
                            const char *after)
{
    struct buf *b = &t->shared.fault;
    buf_putf(b, "%s\"", before);
    buf_put_safe(b, name, SHOWN);
    buf_put_char(b, '"');
    return refuse(t, offset, after);
}

static enum err refuse_kind(struct transcode_json *t, uint64_t offset, const char *wanted)
{
    buf_put(&t->shared.fault, slice_str(wanted));
    return refuse(t, offset, " is expected");
}

/* ---- messages that are open ---- */

static void open_message(struct transcode_json *t)
{
    if (t->checks)
        return;
    if (t->open_count == t->open_room) {
        t->open_room = t->open_room ? 2 * t->open_room : FRAMES;
        t->open = mem_resize(t->open, t->open_room, sizeof(*t->open));
    }
    t->open[t->open_count++] = buf_len(&t->made);
    buf_put_char(&t->made, 0);
}

static void close_message(struct transcode_json *t)
{
    if (t->checks)
        return;
    size_t at = t->open[--t->open_count], len = buf_len(&t->made) - at - 1, size = pbvalue_varint_size(len);
    for (size_t i = 1; i < size; i++)
        buf_put_char(&t->made, 0);
    char *place = t->made.mem + t->made.start + at;
    if (size > 1)
        memmove(place + size, place + 1, len);
    pbvalue_write_varint(len, place);
}

/* ---- frames ---- */

static size_t words_of(size_t bits)
{
    return (bits + WORD - 1) / WORD;
}

static struct frame *push(struct transcode_json *t, enum what what, const struct pbmould_message *m, bool object)
{
    if (t->depth == t->room) {
        t->room = t->room ? 2 * t->room : FRAMES;
        t->frames = mem_resize(t->frames, t->room, sizeof(*t->frames));
    }
    size_t words = what == MESSAGE ? words_of(m->required_count) + words_of(m->oneof_count) : 0;
    if (t->bit_count + words > t->bit_room) {
        t->bit_room = 2 * (t->bit_count + words);
        t->bits = mem_resize(t->bits, t->bit_room, sizeof(*t->bits));
    }
    struct frame *f = &t->frames[t->depth++];
    *f = (struct frame){.what = what, .message = m, .names = json_names_open(&t->names), .bits = t->bit_count};
    for (size_t i = 0; i < words; i++)
        t->bits[t->bit_count++] = 0;
    json_path_open(&t->path, object);
    return f;
}

static enum err missing(struct transcode_json *t, const struct frame *f, uint64_t offset)
{
    const struct pbmould_message *m = f->message;
    for (size_t i = 0; i < m->count; i++)
        if (m->fields[i].required &&
            !(t->bits[f->bits + m->fields[i].required_bit / WORD] >> (m->fields[i].required_bit % WORD) & 1))
            return refuse_name(t, offset, "member ", m->fields[i].type->json, " is missing");
    return ERR_OK;
}

/* An element or a member has come: what was opened for it ends. */
static void end_value(struct transcode_json *t)
{
    const struct frame *f = top(t);
    if (f && (f->what == MAP || f->what == STRUCT))
        close_message(t);
}

static enum err pop(struct transcode_json *t, uint64_t offset)
{
    struct frame f = *top(t);
    json_path_close(&t->path);
    if (f.what == MESSAGE && f.message->required_count)
        TRY(missing(t, &f, offset));
    json_names_close(&t->names, &f.names);
    t->bit_count = f.bits;
    t->depth--;
    if (f.group)
        pbwire_put_key(&t->made, f.group, PBWIRE_END);
    for (unsigned i = 0; i < f.closes; i++)
        close_message(t);
    end_value(t);
    return ERR_OK;
}

/* ---- scalars ---- */

static bool is_text(const struct json_token *k)
{
    return k->kind == JSON_TOK_STRING || k->kind == JSON_TOK_NAME;
}

static bool is_number(const struct json_token *k)
{
    return k->kind == JSON_TOK_NUMBER || is_text(k);
}

static bool truth_of(const struct json_token *k, uint64_t *bits)
{
    bool name = k->kind == JSON_TOK_NAME;
    *bits = k->kind == JSON_TOK_TRUE || (name && slice_eq(k->text, SLICE("true")));
    return *bits || k->kind == JSON_TOK_FALSE || (name && slice_eq(k->text, SLICE("false")));
}

static bool symbol_of(const struct pbmould_enum *e, const struct json_token *k, uint64_t *bits)
{
    const struct pbmould_symbol *s = is_text(k) ? pbmould_symbol_named(e, k->text) : NULL;
    if (s)
        *bits = (uint64_t)s->number;
    else if (!is_number(k) || !transcode_known_read_whole(PBTYPE_INT32, k->text, bits))
        return false;
    return e->type->open || pbmould_symbol(e, (int64_t)*bits);
}

static const char *wanted(enum pbtype_kind kind)
{
    switch (kind) {
    case PBTYPE_BOOL:
        return "true or false";
    case PBTYPE_STRING:
        return "a string";
    case PBTYPE_BYTES:
        return "base64";
    case PBTYPE_ENUM:
        return "a value that the enum has";
    case PBTYPE_FLOAT:
        return "a number that a float holds";
    case PBTYPE_DOUBLE:
        return "a number that a double holds";
    case PBTYPE_INT32:
    case PBTYPE_SINT32:
    case PBTYPE_SFIXED32:
        return "a whole number of 32 bits";
    case PBTYPE_UINT32:
    case PBTYPE_FIXED32:
        return "a whole number of 32 bits that is not negative";
    case PBTYPE_INT64:
    case PBTYPE_SINT64:
    case PBTYPE_SFIXED64:
        return "a whole number of 64 bits";
    case PBTYPE_UINT64:
    case PBTYPE_FIXED64:
        return "a whole number of 64 bits that is not negative";
    case PBTYPE_MESSAGE:
        break;
    }
    return "an object";
}

static bool number_of(enum pbtype_kind kind, const struct pbmould_enum *values, const struct json_token *k,
                      uint64_t *bits)
{
    if (kind == PBTYPE_BOOL)
        return truth_of(k, bits);
    if (kind == PBTYPE_ENUM)
        return symbol_of(values, k, bits);
    if (!is_number(k))
        return false;
    if (kind == PBTYPE_FLOAT || kind == PBTYPE_DOUBLE)
        return transcode_known_read_real(kind, k->text, is_text(k), bits);
    return transcode_known_read_whole(kind, k->text, bits);
}

static enum err put_bytes(struct transcode_json *t, uint32_t number, enum pbtype_kind kind, const struct json_token *k)
{
    if (!is_text(k))
        return refuse_kind(t, k->begin, wanted(kind));
    pbwire_put_key(&t->made, number, PBWIRE_BYTES);
    if (kind == PBTYPE_STRING)
        pbwire_put_bytes(&t->made, k->text);
    else if (!pbvalue_put_base64(k->text, &t->made))
        return refuse_kind(t, k->begin, wanted(kind));
    return ERR_OK;
}

/* `number` 0: one of a run, which has its key already. */
static enum err put_scalar(struct transcode_json *t, uint32_t number, enum pbtype_kind kind,
                           const struct pbmould_enum *values, const struct json_token *k)
{
    struct pbvalue v = {.kind = kind};
    char bytes[PBVALUE_MOST];
    if (kind == PBTYPE_STRING || kind == PBTYPE_BYTES)
        return put_bytes(t, number, kind, k);
    if (!number_of(kind, values, k, &v.bits))
        return refuse_kind(t, k->begin, wanted(kind));
    if (number)
        pbwire_put_key(&t->made, number, pbvalue_wire(kind));
    buf_put(&t->made, slice_of(bytes, pbvalue_write(&v, bytes)));
    return ERR_OK;
}

/* ---- messages that have a JSON of their own ---- */

static void put_varint_field(struct transcode_json *t, uint32_t number, uint64_t n)
{
    if (n == 0)
        return;
    pbwire_put_key(&t->made, number, PBWIRE_VARINT);
    pbwire_put_varint(&t->made, n);
}

static enum err put_time(struct transcode_json *t, enum pbmould_known known, const struct json_token *k)
{
    struct transcode_known_time time;
    bool stamp = known == PBMOULD_TIMESTAMP;
    bool fine = k->kind == JSON_TOK_STRING &&
                (stamp ? transcode_known_read_time(k->text, &time) : transcode_known_read_duration(k->text, &time));
    if (!fine)
        return refuse_kind(t, k->begin, stamp ? "a time like \"2001-02-03T04:05:06Z\"" : "a duration like \"1.5s\"");
    put_varint_field(t, 1, (uint64_t)time.seconds);
    put_varint_field(t, 2, (uint64_t)(int64_t)time.nanos);
    return ERR_OK;
}

static enum err put_mask(struct transcode_json *t, const struct json_token *k)
{
    struct slice rest = k->text, path;
    struct buf plain;
    enum err e = k->kind == JSON_TOK_STRING ? ERR_OK : refuse_kind(t, k->begin, "a string of paths");
    buf_init(&plain, BUF_TEXT_BOUND);
    while (e == ERR_OK && slice_split(&rest, ',', &path)) {
        buf_clear(&plain);
        if (!transcode_known_read_path(path, &plain)) {
            e = refuse_kind(t, k->begin, "a path in camelCase");
            break;
        }
        pbwire_put_key(&t->made, 1, PBWIRE_BYTES);
        pbwire_put_bytes(&t->made, buf_slice(&plain));
    }
    buf_fini(&plain);
    return e;
}

/* The inside of a google.protobuf.Value; `opened` messages end with it. */
static enum err put_value(struct transcode_json *t, const struct json_token *k, unsigned opened)
{
    bool object = k->kind == JSON_TOK_OBJECT;
    uint64_t bits;
    switch (k->kind) {
    case JSON_TOK_NULL:
        pbwire_put_key(&t->made, 1, PBWIRE_VARINT);
        buf_put_char(&t->made, 0);
        break;
    case JSON_TOK_NUMBER:
        TRY(put_scalar(t, 2, PBTYPE_DOUBLE, NULL, k));
        break;
    case JSON_TOK_STRING:
        TRY(put_scalar(t, 3, PBTYPE_STRING, NULL, k));
        break;
    case JSON_TOK_TRUE:
    case JSON_TOK_FALSE:
        (void)truth_of(k, &bits);
        pbwire_put_key(&t->made, 4, PBWIRE_VARINT);
        buf_put_char(&t->made, (char)bits);
        break;
    case JSON_TOK_OBJECT:
    case JSON_TOK_ARRAY:
        pbwire_put_key(&t->made, object ? 5 : 6, PBWIRE_BYTES);
        open_message(t);
        push(t, object ? STRUCT : VALUES, NULL, object)->closes = opened + 1;
        return ERR_OK;
    case JSON_TOK_OBJECT_END:
    case JSON_TOK_ARRAY_END:
    case JSON_TOK_COMMA:
    case JSON_TOK_NAME:
        break;
    }
    for (unsigned i = 0; i < opened; i++)
        close_message(t);
    end_value(t);
    return ERR_OK;
}

static enum err put_whole(struct transcode_json *t, const struct pbmould_message *m, const struct json_token *k,
                          unsigned opened)
{
    enum err e = m->known == PBMOULD_FIELD_MASK ? put_mask(t, k)
                 : m->known == PBMOULD_WRAPPER  ? put_scalar(t, 1, m->wrapped, NULL, k)
                                                : put_time(t, m->known, k);
    TRY(e);
    for (unsigned i = 0; i < opened; i++)
        close_message(t);
    end_value(t);
    return ERR_OK;
}

static enum err push_message(struct transcode_json *t, const struct pbmould_message *m, const struct json_token *k,
                             unsigned opened, uint32_t group)
{
    bool array = m->known == PBMOULD_LIST_VALUE;
    if (k->kind != (array ? JSON_TOK_ARRAY : JSON_TOK_OBJECT))
        return refuse_kind(t, k->begin, array ? "an array" : "an object");
    if (m->blank && m->known == PBMOULD_PLAIN)
        return refuse(t, k->begin, "the contract does not have the fields of the message");
    struct frame *f = push(t, array ? VALUES : m->known == PBMOULD_STRUCT ? STRUCT : MESSAGE, m, !array);
    f->closes = opened;
    f->group = group;
    return ERR_OK;
}

/* The inside of a message; `opened` says whether it has its length in front, which the body has not. */
static enum err put_message(struct transcode_json *t, const struct pbmould_message *m, const struct json_token *k,
                            unsigned opened, uint32_t group)
{
    switch (m->known) {
    case PBMOULD_ANY:
        return refuse(t, k->begin, "google.protobuf.Any has no JSON here, its type is not known,");
    case PBMOULD_VALUE:
        return put_value(t, k, opened);
    case PBMOULD_TIMESTAMP:
    case PBMOULD_DURATION:
    case PBMOULD_FIELD_MASK:
    case PBMOULD_WRAPPER:
        return put_whole(t, m, k, opened);
    case PBMOULD_PLAIN:
    case PBMOULD_STRUCT:
    case PBMOULD_LIST_VALUE:
    case PBMOULD_EMPTY:
        break;
    }
    return push_message(t, m, k, opened, group);
}

/* ---- values ---- */

/* One value of the field, which is not asked whether it is repeated. */
static enum err put_one(struct transcode_json *t, const struct pbmould_field *f, const struct json_token *k)
{
    if (f->kind != PBTYPE_MESSAGE) {
        TRY(put_scalar(t, f->number, f->kind, f->values, k));
        end_value(t);
        return ERR_OK;
    }
    if (f->wire == PBWIRE_GROUP) {
        pbwire_put_key(&t->made, f->number, PBWIRE_GROUP);
        return put_message(t, f->sub, k, 0, f->number);
    }
    pbwire_put_key(&t->made, f->number, PBWIRE_BYTES);
    open_message(t);
    return put_message(t, f->sub, k, 1, 0);
}

/* null is a value of its own there. */
static bool takes_null(const struct pbmould_field *f)
{
    bool null_enum = f->values && slice_eq(f->values->type->name, SLICE("google.protobuf.NullValue"));
    return null_enum || (f->sub && f->sub->known == PBMOULD_VALUE);
}

static bool is_null_symbol(const struct pbmould_field *f, const struct json_token *k)
{
    return k->kind == JSON_TOK_NULL && f->values;
}

static enum err put_null_symbol(struct transcode_json *t, const struct pbmould_field *f, bool run)
{
    if (!run)
        pbwire_put_key(&t->made, f->number, PBWIRE_VARINT);
    buf_put_char(&t->made, 0);
    end_value(t);
    return ERR_OK;
}

static enum err open_list(struct transcode_json *t, const struct pbmould_field *f, const struct json_token *k)
{
    bool array = !f->type->map;
    if (k->kind != (array ? JSON_TOK_ARRAY : JSON_TOK_OBJECT))
        return refuse_kind(t, k->begin, array ? "an array" : "an object");
    struct frame *list = push(t, array ? LIST : MAP, NULL, !array);
    list->field = f;
    list->run = f->packs;
    if (list->run) {
        pbwire_put_key(&t->made, f->number, PBWIRE_BYTES);
        open_message(t);
        list->closes = 1;
    }
    return ERR_OK;
}

/* The value of a member of a message. */
static enum err member_value(struct transcode_json *t, const struct pbmould_field *f, const struct json_token *k)
{
    struct frame *m = top(t);
    if (k->kind == JSON_TOK_NULL && (!takes_null(f) || f->repeated))
        return ERR_OK;
    if (f->required)
        t->bits[m->bits + f->required_bit / WORD] |= UINT64_C(1) << (f->required_bit % WORD);
    if (f->oneof) {
        uint64_t *word = &t->bits[m->bits + words_of(m->message->required_count) + (f->oneof - 1) / WORD];
        uint64_t bit = UINT64_C(1) << ((f->oneof - 1) % WORD);
        if (*word & bit)
            return refuse_name(t, k->begin, "the oneof ", f->type->oneof, " has another member already,");
        *word |= bit;
    }
    if (f->repeated)
        return open_list(t, f, k);
    return is_null_symbol(f, k) ? put_null_symbol(t, f, false) : put_one(t, f, k);
}

static enum err element_value(struct transcode_json *t, const struct frame *list, const struct json_token *k)
{
    const struct pbmould_field *f = list->field;
    if (k->kind == JSON_TOK_NULL && !takes_null(f))
        return refuse_kind(t, k->begin, "no null");
    if (is_null_symbol(f, k))
        return put_null_symbol(t, f, list->run);
    return list->run ? put_scalar(t, 0, f->kind, f->values, k) : put_one(t, f, k);
}

static enum err entry_value(struct transcode_json *t, const struct pbmould_field *map, const struct json_token *k)
{
    const struct pbmould_field *f = pbmould_field(map->sub, 2);
    if (k->kind == JSON_TOK_NULL && !takes_null(f))
        return refuse_kind(t, k->begin, "no null");
    return is_null_symbol(f, k) ? put_null_symbol(t, f, false) : put_one(t, f, k);
}

/* An element of a ListValue, or a member's value of a Struct. */
static enum err struct_value(struct transcode_json *t, const struct json_token *k, uint32_t number)
{
    pbwire_put_key(&t->made, number, PBWIRE_BYTES);
    open_message(t);
    return put_value(t, k, 1);
}

static enum err nobodys_value(struct transcode_json *t, const struct json_token *k)
{
    if (k->kind == JSON_TOK_OBJECT || k->kind == JSON_TOK_ARRAY)
        push(t, NOTHING, NULL, k->kind == JSON_TOK_OBJECT);
    return ERR_OK;
}

static enum err value_token(struct transcode_json *t, const struct json_token *k)
{
    struct frame *f = top(t);
    if (!f) {
        t->begun = true;
        return put_message(t, t->message, k, 0, 0);
    }
    json_path_element(&t->path);
    switch (f->what) {
    case MESSAGE:
        return f->field ? member_value(t, f->field, k) : nobodys_value(t, k);
    case LIST:
        return element_value(t, f, k);
    case MAP:
        return entry_value(t, f->field, k);
    case STRUCT:
        return struct_value(t, k, 2);
    case VALUES:
        return struct_value(t, k, 1);
    case NOTHING:
        break;
    }
    return nobodys_value(t, k);
}

/* ---- names ---- */

static enum err entry_name(struct transcode_json *t, const struct frame *f, const struct json_token *k)
{
    const struct pbmould_field *key = f->what == MAP ? pbmould_field(f->field->sub, 1) : NULL;
    pbwire_put_key(&t->made, key ? f->field->number : 1, PBWIRE_BYTES);
    open_message(t);
    return put_scalar(t, 1, key ? key->kind : PBTYPE_STRING, NULL, k);
}

static enum err name_token(struct transcode_json *t, const struct json_token *k)
{
    struct frame *f = top(t);
    json_path_name(&t->path, k->text);
    json_path_keep(&t->path);
    uint64_t hash = json_names_hash_under(t->secret, k->text);
    enum err e = json_names_add(&t->names, &f->names, hash);
    if (e == ERR_EXISTS)
        return refuse_name(t, k->begin, "duplicate member ", k->text, "");
    if (e != ERR_OK) {
        e = refuse(t, k->begin, "too many members");
        return ERR_FULL;
    }
    if (f->what == MAP || f->what == STRUCT)
        return entry_name(t, f, k);
    if (f->what != MESSAGE)
        return ERR_OK;
    f->field = pbmould_named(f->message, k->text, hash);
    /* A field may have two names, but comes once. */
    if (f->field && !slice_eq(f->field->type->json, k->text) &&
        json_names_add(&t->names, &f->names, json_names_hash_under(t->secret, f->field->type->json)) == ERR_EXISTS)
        return refuse_name(t, k->begin, "duplicate member ", f->field->type->json, "");
    if (f->field && !slice_eq(f->field->type->name, k->text) &&
        json_names_add(&t->names, &f->names, json_names_hash_under(t->secret, f->field->type->name)) == ERR_EXISTS)
        return refuse_name(t, k->begin, "duplicate member ", f->field->type->name, "");
    return f->field || !t->strict ? ERR_OK : refuse_name(t, k->begin, "member ", k->text, " is not known");
}

static enum err any_token(struct transcode_json *t, const struct json_token *k)
{
    switch (k->kind) {
    case JSON_TOK_COMMA:
        return ERR_OK;
    case JSON_TOK_NAME:
        return name_token(t, k);
    case JSON_TOK_OBJECT_END:
    case JSON_TOK_ARRAY_END:
        return pop(t, k->begin);
    case JSON_TOK_OBJECT:
    case JSON_TOK_ARRAY:
    case JSON_TOK_STRING:
    case JSON_TOK_NUMBER:
    case JSON_TOK_TRUE:
    case JSON_TOK_FALSE:
    case JSON_TOK_NULL:
        break;
    }
    return value_token(t, k);
}

/* ---- the whole ---- */

static enum err not_json(struct transcode_json *t, enum err e)
{
    enum err told = refuse(t, json_tok_offset(&t->tok), json_tok_fault(&t->tok));
    return told == ERR_OK ? told : e;
}

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct transcode_json *t = (struct transcode_json *)shared;
    struct json_token token;
    enum err e;
    (void)out;
    while ((e = json_tok_next(&t->tok, &bytes, &token)) == ERR_OK) {
        TRY(any_token(t, &token));
        if (t->checks)
            buf_clear(&t->made);
        if (buf_len(&t->made) > t->max_hold) {
            e = refuse(t, token.begin, "the message is larger than a step may hold,");
            return ERR_FULL;
        }
    }
    if (e != ERR_AGAIN)
        return not_json(t, e);
    json_path_keep(&t->path);
    return ERR_OK;
}

static enum err finish(struct rewrite *shared, struct buf *out)
{
    struct transcode_json *t = (struct transcode_json *)shared;
    struct json_token token;
    enum err e;
    while ((e = json_tok_finish(&t->tok, &token)) == ERR_AGAIN)
        TRY(any_token(t, &token));
    if (e != ERR_OK)
        return not_json(t, e);
    t->shared.applied[t->step]++;
    if (t->checks)
        return ERR_OK;
    e = buf_add(out, buf_slice(&t->made));
    if (e != ERR_OK && refuse(t, 0, "more goes out than has room,") != ERR_OK)
        e = ERR_FULL;
    return e;
}

static void fini(struct rewrite *shared)
{
    struct transcode_json *t = (struct transcode_json *)shared;
    json_tok_fini(&t->tok);
    json_names_fini(&t->names);
    json_path_fini(&t->path);
    buf_fini(&t->made);
    mem_free(t->frames);
    mem_free(t->open);
    mem_free(t->bits);
}

static const struct rewrite_format format = {.feed = feed, .finish = finish, .fini = fini};

struct rewrite *transcode_json_new(struct plan *plan, size_t step, size_t max_hold)
{
    struct transcode_json *t = mem_new(sizeof(*t));
    rewrite_init(&t->shared, &format, plan);
    t->step = step;
    t->max_hold = max_hold;
    t->message = plan_step_message(plan, step);
    t->strict = plan_step(plan, step)->whole;
    t->secret = json_names_secret();
    json_tok_init(&t->tok, max_hold);
    t->tok.collect = true;
    buf_init(&t->made, SIZE_MAX / 2); /* max_hold bounds it */
    return &t->shared;
}

struct rewrite *transcode_json_check(struct plan *plan, size_t step, size_t max_hold)
{
    struct rewrite *r = transcode_json_new(plan, step, max_hold);
    ((struct transcode_json *)r)->checks = true;
    return r;
}
