/* The good path: fields that lie within one chunk are told apart by their key, held against what the message knows of
 * them, and passed over.  A text, a packed run or bytes that a chunk does not hold whole are gone on with in the next;
 * of a key and a number that are cut in two the front is carried over, and at most three bytes of a character.
 *
 * A message that is open ends at an offset in the body, a group at its own end mark. */
#include "contracts/wire/fit_pb.h"

#include "base/mem.h"
#include "contracts/wire/fit_format.h"
#include "contracts/wire/pbscan.h"

enum { FRAMES = 4, DEPTH = 128, SHOWN = 48, CARRY = 16, WORD = 64 };

/* An open message or group. */
struct frame {
    const struct pbmould_message *type; /* NULL: nothing of it is known */
    const struct pbmould_field *field;  /* it stands in; NULL: the body, or not known */
    uint32_t number;
    bool group;
    uint64_t end; /* in the body; of groups that of the message around */
    size_t seen;  /* in `seen`: which of the required fields were there */
};

/* What is under way. */
enum state { FIELDS, TEXT, RUN, REST };

struct fit_pb {
    struct fit shared;
    const struct pbmould_message *body;
    struct frame *frames;
    size_t depth, room;
    uint64_t *seen;
    size_t seen_count, seen_room;
    enum state state;
    const struct pbmould_field *field; /* of the value under way */
    uint64_t begin;                    /* of its key, in the body */
    uint64_t left;                     /* bytes of it still to come */
    uint64_t taken;                    /* bytes of the body before the window */
    char carry[CARRY];
    size_t carried;
};

static struct frame *top(struct fit_pb *f)
{
    return &f->frames[f->depth - 1];
}

/* ---- what is wrong ---- */

static void put_step(struct buf *out, const struct pbmould_field *field, uint32_t number)
{
    if (!field) {
        buf_putf(out, "/%u", number);
        return;
    }
    buf_put_char(out, '/');
    buf_put_safe(out, field->type->name, SHOWN);
}

/* `number` 0: the innermost message itself. */
static enum err fail(struct fit_pb *f, uint64_t at, const struct pbmould_field *field, uint32_t number)
{
    struct buf *b = &f->shared.fault;
    buf_put(b, SLICE(" at "));
    for (size_t i = 1; i < f->depth; i++)
        if (f->frames[i].field || f->frames[i].number)
            put_step(b, f->frames[i].field, f->frames[i].number);
    if (field || number)
        put_step(b, field, number);
    else if (f->depth == 1)
        buf_put_char(b, '/');
    buf_putf(b, " (byte %llu)", (unsigned long long)at);
    buf_text(b);
    f->shared.offset = at;
    return ERR_PEER;
}

static enum err refuse(struct fit_pb *f, uint64_t at, const struct pbmould_field *field, uint32_t number,
                       const char *what)
{
    buf_put(&f->shared.fault, slice_str(what));
    return fail(f, at, field, number);
}

static const struct pbmould_field *known(struct fit_pb *f, uint32_t number)
{
    return top(f)->type ? pbmould_field(top(f)->type, number) : NULL;
}

static enum err refuse_number(struct fit_pb *f, uint64_t at, uint32_t number, const char *what)
{
    return refuse(f, at, known(f, number), number, what);
}

static enum err cut_off(struct fit_pb *f, uint64_t at, uint32_t number)
{
    return refuse_number(f, at, number, "not protobuf: a field is longer than the message around it,");
}

static enum err other_kind(struct fit_pb *f, uint64_t at, const struct pbmould_field *field, enum pbwire_type type)
{
    static const char *const words[] = {
        [PBWIRE_VARINT] = "a varint", [PBWIRE_64] = "8 bytes", [PBWIRE_BYTES] = "bytes with a length",
        [PBWIRE_GROUP] = "a group",   [PBWIRE_END] = "an end", [PBWIRE_32] = "4 bytes"};
    buf_putf(&f->shared.fault, "%s is expected and %s is there,",
             field->wire == PBWIRE_GROUP ? "a group" : pbvalue_name(field->kind), words[type]);
    return fail(f, at, field, field->number);
}

/* ---- messages ---- */

static void grow_seen(struct fit_pb *f, size_t words)
{
    if (f->seen_count + words <= f->seen_room)
        return;
    f->seen_room = 2 * (f->seen_count + words);
    f->seen = mem_resize(f->seen, f->seen_room, sizeof(*f->seen));
}

static void push(struct fit_pb *f, const struct frame *new)
{
    size_t words = new->type ? (new->type->required_count + WORD - 1) / WORD : 0;
    if (f->depth == f->room) {
        f->room = f->room ? 2 * f->room : FRAMES;
        f->frames = mem_resize(f->frames, f->room, sizeof(*f->frames));
    }
    if (words)
        grow_seen(f, words);
    f->frames[f->depth] = *new;
    f->frames[f->depth++].seen = f->seen_count;
    for (size_t i = 0; i < words; i++)
        f->seen[f->seen_count++] = 0;
}

static enum err open_frame(struct fit_pb *f, const struct pbmould_field *field, uint32_t number, bool group,
                           uint64_t end)
{
    const struct pbmould_message *type = field ? field->sub : NULL;
    if (f->depth > DEPTH)
        return refuse(f, f->begin, field, number, "a message is deeper than 128,");
    push(f,
         &(struct frame){
             .type = type && !type->blank ? type : NULL, .field = field, .number = number, .group = group, .end = end});
    return ERR_OK;
}

static enum err missing(struct fit_pb *f, const struct frame *m, uint64_t at)
{
    for (size_t i = 0; i < m->type->count; i++) {
        const struct pbmould_field *field = &m->type->fields[i];
        if (!field->required || f->seen[m->seen + field->required_bit / WORD] >> (field->required_bit % WORD) & 1)
            continue;
        buf_put(&f->shared.fault, SLICE("field \""));
        buf_put_safe(&f->shared.fault, field->type->name, SHOWN);
        buf_put(&f->shared.fault, SLICE("\" is missing"));
        return fail(f, at, NULL, 0);
    }
    return ERR_OK;
}

/* Are all required fields there?  The frame goes. */
static enum err close_frame(struct fit_pb *f, uint64_t at)
{
    const struct frame *m = top(f);
    if (m->type && m->type->required_count)
        TRY(missing(f, m, at));
    f->seen_count = m->seen;
    f->depth--;
    return ERR_OK;
}

static enum err close_group(struct fit_pb *f, uint32_t number)
{
    if (!top(f)->group || top(f)->number != number)
        return refuse(f, f->begin, NULL, number, "not protobuf: the end of a group that is not open");
    return close_frame(f, f->begin);
}

static inline void note(struct fit_pb *f, const struct pbmould_field *field)
{
    if (field->required)
        f->seen[top(f)->seen + field->required_bit / WORD] |= UINT64_C(1) << (field->required_bit % WORD);
}

/* ---- values ---- */

static inline bool closed_to(const struct pbmould_field *field, uint64_t word)
{
    return field->values && !field->values->type->open &&
           !pbmould_symbol(field->values, (int64_t)(int32_t)(uint32_t)word);
}

static enum err no_value(struct fit_pb *f)
{
    return refuse(f, f->begin, f->field, f->field->number, "it is none of the values that are declared");
}

static enum err no_text(struct fit_pb *f)
{
    return refuse(f, f->begin, f->field, f->field->number, "the text is no UTF-8");
}

/* How many bytes of a character that is not whole stand at the end. */
static size_t unfinished(struct slice text)
{
    for (size_t k = 1; k <= 3 && k <= text.len; k++) {
        unsigned char c = (unsigned char)text.at[text.len - k];
        if (c >= 0xC0)
            return k < (c >= 0xF0 ? 4U : c >= 0xE0 ? 3U : 2U) ? k : 0;
        if (c < 0x80)
            return 0;
    }
    return 0;
}

static void carry(struct fit_pb *f, struct slice bytes)
{
    memcpy(f->carry + f->carried, bytes.at, bytes.len);
    f->carried += bytes.len;
}

/* A character that was cut in two is made whole; false: it is none. */
static bool mend_character(struct fit_pb *f, struct slice *text)
{
    unsigned char lead = (unsigned char)f->carry[0];
    size_t whole = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    struct slice some = slice_to(*text, whole - f->carried);
    carry(f, some);
    *text = slice_from(*text, some.len);
    for (size_t i = 0; i < some.len; i++)
        if (((unsigned char)some.at[i] & 0xC0) != 0x80)
            return false;
    if (f->carried < whole)
        return true;
    f->carried = 0;
    return slice_utf8_step(slice_of(f->carry, whole)) == whole;
}

/* A piece of a text; `last`: it ends with it. */
static enum err text_piece(struct fit_pb *f, struct slice text, bool last)
{
    if (f->carried && !mend_character(f, &text))
        return no_text(f);
    size_t cut = last ? 0 : unfinished(text);
    if (!slice_utf8(slice_to(text, text.len - cut)) || (last && f->carried))
        return no_text(f);
    if (cut)
        carry(f, slice_from(text, text.len - cut));
    return ERR_OK;
}

/* As many of a packed run's numbers as are whole are cut off its front. */
static enum err run_numbers(struct fit_pb *f, struct slice *run)
{
    const struct pbmould_field *field = f->field;
    size_t width = field->wire == PBWIRE_64 ? 8 : 4;
    uint64_t word = 0;
    const char *at = run->at, *end = run->at + run->len, *after;
    if (field->wire != PBWIRE_VARINT) {
        *run = slice_from(*run, run->len - run->len % width);
        return ERR_OK;
    }
    for (; at < end; at = after) {
        enum pbscan got = pbscan_varint(at, end, &word, &after);
        if (got == PBSCAN_SHORT)
            break;
        if (got == PBSCAN_WRONG)
            return refuse(f, f->begin, field, field->number, "not protobuf: a varint of more than 64 bits");
        if (closed_to(field, word))
            return no_value(f);
    }
    *run = slice_from(*run, (size_t)(at - run->at));
    return ERR_OK;
}

static enum err run_cut(struct fit_pb *f)
{
    return refuse(f, f->begin, f->field, f->field->number, "not protobuf: a packed run ends within a number");
}

/* A number that was cut in two takes byte by byte what it needs. */
static enum err mend_number(struct fit_pb *f, struct slice *run)
{
    while (f->carried && run->len) {
        carry(f, slice_to(*run, 1));
        *run = slice_from(*run, 1);
        struct slice whole = slice_of(f->carry, f->carried);
        TRY(run_numbers(f, &whole));
        f->carried = whole.len;
    }
    return ERR_OK;
}

static enum err run_piece(struct fit_pb *f, struct slice run, bool last)
{
    TRY(mend_number(f, &run));
    TRY(run_numbers(f, &run));
    if (last)
        return run.len || f->carried ? run_cut(f) : ERR_OK;
    carry(f, run);
    return ERR_OK;
}

static enum err piece(struct fit_pb *f, struct slice bytes, bool last)
{
    if (f->state == TEXT)
        return text_piece(f, bytes, last);
    return f->state == RUN ? run_piece(f, bytes, last) : ERR_OK;
}

/* ---- fields ---- */

/* What one field comes to: the walk goes on at `*next`, which may be past the window. */
static enum err value(struct fit_pb *f, const struct pbscan_field *at, struct slice window, enum state state)
{
    size_t here = at->end < window.len ? at->end : window.len;
    bool last = at->end <= window.len;
    f->state = state;
    TRY(piece(f, slice_of(window.at + at->value, here - at->value), last));
    f->left = at->end - here;
    if (last)
        f->state = FIELDS;
    return ERR_OK;
}

static enum err known_field(struct fit_pb *f, const struct pbmould_field *field, const struct pbscan_field *at,
                            struct slice window, size_t *next)
{
    bool run = field->packs && at->type == PBWIRE_BYTES;
    if (at->type != field->wire && !run)
        return other_kind(f, f->begin, field, at->type);
    note(f, field);
    f->field = field;
    if (at->type == PBWIRE_GROUP)
        return open_frame(f, field, at->number, true, top(f)->end);
    if (at->type != PBWIRE_BYTES)
        return closed_to(field, at->word) ? no_value(f) : ERR_OK;
    if (field->kind == PBTYPE_MESSAGE) {
        *next = at->value;
        return open_frame(f, field, at->number, false, f->taken + at->end);
    }
    return value(f, at, window, run ? RUN : field->is_text ? TEXT : REST);
}

static enum err one_field(struct fit_pb *f, const struct pbscan_field *at, struct slice window, size_t *next)
{
    const struct pbmould_field *field = known(f, at->number);
    f->begin = f->taken + at->begin;
    *next = at->end;
    if (at->type == PBWIRE_END)
        return close_group(f, at->number);
    if (f->taken + at->end > top(f)->end)
        return cut_off(f, f->begin, at->number);
    if (field)
        return known_field(f, field, at, window, next);
    if (at->type == PBWIRE_GROUP)
        return open_frame(f, NULL, at->number, true, top(f)->end);
    return value(f, at, window, REST);
}

/* Messages that end here are over. */
static enum err close_ended(struct fit_pb *f, size_t at)
{
    while (top(f)->end == f->taken + at && f->depth > 1) {
        if (top(f)->group)
            return refuse(f, f->taken + at, NULL, 0, "not protobuf: a group does not end in its message,");
        TRY(close_frame(f, f->taken + at));
    }
    return ERR_OK;
}

/* Fields of the innermost message that need no more than this; where the first other one begins. */
static inline size_t glance(struct fit_pb *f, size_t at, struct slice window)
{
    const struct frame *m = top(f);
    uint64_t room = m->end - f->taken;
    const char *base = window.at, *end = base + (room < window.len ? (size_t)room : window.len), *p = base + at;
    while (m->type && end - p >= 3) {
        unsigned key = (unsigned char)p[0], number = key >> 3;
        const struct pbmould_field *field = key < 0x80 && number ? m->type->direct[number] : NULL;
        if (!field || (key & 7) != (unsigned)field->wire || field->required || field->values)
            break;
        const char *value = p + 1;
        if (field->wire == PBWIRE_VARINT) {
            const char *most = end - value < PBVALUE_MOST ? end : value + PBVALUE_MOST - 1;
            while (value < most && (unsigned char)*value >= 0x80)
                value++;
            if (value == most)
                break;
            p = value + 1;
        } else if (field->wire == PBWIRE_BYTES) {
            size_t len = (unsigned char)*value;
            if (len >= 0x80 || field->kind == PBTYPE_MESSAGE || (size_t)(end - value) <= len)
                break;
            if (field->is_text && !slice_utf8(slice_of(value + 1, len)))
                break;
            p = value + 1 + len;
        } else {
            size_t width = field->wire == PBWIRE_64 ? 8 : 4;
            if (field->wire == PBWIRE_GROUP || (size_t)(end - value) < width)
                break;
            p = value + width;
        }
    }
    return (size_t)(p - base);
}

/* As much of the window as can be; what is left are the first bytes of a field. */
static enum err walk(struct fit_pb *f, struct slice window, size_t *used)
{
    struct pbscan_field at = {0};
    const char *why = "";
    for (;;) {
        at.begin = glance(f, at.begin, window);
        *used = at.begin;
        TRY(close_ended(f, at.begin));
        if (at.begin == window.len)
            return ERR_OK;
        uint64_t room = top(f)->end - f->taken;
        bool ends = room <= window.len;
        enum pbscan got = pbscan_field(window.at, ends ? (size_t)room : window.len, &at, &why);
        if (got == PBSCAN_WRONG)
            return refuse(f, f->taken + at.begin, at.number ? known(f, at.number) : NULL, at.number, why);
        if (got == PBSCAN_SHORT)
            return ends ? cut_off(f, f->taken + at.begin, 0) : ERR_OK;
        TRY(one_field(f, &at, window, &at.begin));
        *used = at.begin < window.len ? at.begin : window.len;
        if (f->state != FIELDS)
            return ERR_OK;
    }
}

/* ---- feeding ---- */

static enum err go_on(struct fit_pb *f, struct slice *bytes)
{
    struct slice some = slice_to(*bytes, f->left < bytes->len ? (size_t)f->left : bytes->len);
    bool last = some.len == f->left;
    TRY(piece(f, some, last));
    f->left -= some.len;
    f->taken += some.len;
    *bytes = slice_from(*bytes, some.len);
    if (!last)
        return ERR_OK;
    f->state = FIELDS;
    return close_ended(f, 0);
}

/* The front of a field takes byte by byte what it needs. */
static enum err mend_field(struct fit_pb *f, struct slice *bytes)
{
    size_t used = 0;
    carry(f, slice_to(*bytes, 1));
    *bytes = slice_from(*bytes, 1);
    size_t whole = f->carried;
    f->carried = 0; /* for what comes behind the field's front */
    char window[CARRY];
    memcpy(window, f->carry, whole);
    TRY(walk(f, slice_of(window, whole), &used));
    f->taken += used;
    if (used == 0)
        f->carried = whole;
    return ERR_OK;
}

static enum err feed(struct fit *shared, struct slice bytes)
{
    struct fit_pb *f = (struct fit_pb *)shared;
    while (bytes.len) {
        size_t used = 0;
        if (f->state != FIELDS) {
            TRY(go_on(f, &bytes));
        } else if (f->carried) {
            TRY(mend_field(f, &bytes));
        } else {
            TRY(walk(f, bytes, &used));
            f->taken += used;
            if (f->state == FIELDS)
                carry(f, slice_from(bytes, used));
            bytes = (struct slice){0};
        }
    }
    return ERR_OK;
}

static enum err finish(struct fit *shared)
{
    struct fit_pb *f = (struct fit_pb *)shared;
    if (f->carried || f->state != FIELDS)
        return refuse(f, f->taken, NULL, 0, "not protobuf: the body ends within a field");
    if (f->depth > 1)
        return refuse(f, f->taken, NULL, 0,
                      top(f)->group ? "not protobuf: the body ends within a group"
                                    : "not protobuf: the body ends within a message");
    return close_frame(f, f->taken);
}

static void begin(struct fit_pb *f)
{
    f->depth = f->seen_count = 0;
    f->taken = f->left = 0;
    push(f, &(struct frame){.type = f->body->blank ? NULL : f->body, .end = UINT64_MAX});
}

static void fini(struct fit *shared)
{
    struct fit_pb *f = (struct fit_pb *)shared;
    mem_free(f->frames);
    mem_free(f->seen);
}

static const struct fit_format pb_format = {.feed = feed, .finish = finish, .fini = fini};

struct fit *fit_pb_new(const struct pbmould_message *message)
{
    struct fit_pb *f = mem_new(sizeof(*f));
    fit_init(&f->shared, &pb_format);
    f->body = message;
    begin(f);
    return &f->shared;
}

void fit_pb_again(struct fit *shared)
{
    begin((struct fit_pb *)shared);
}
