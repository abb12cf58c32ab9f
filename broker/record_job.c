/* The record of a job: which fields are not zero, a bit each, and these fields one
 * behind the other: numbers in groups of seven bits, texts behind their length.
 *
 * A new field gets the next row of the table and nothing else; a row that is no
 * longer used stays.  Records of a broker that knows more fields are refused. */
#include "base/check.h"
#include "broker/record.h"

enum { TEXT, WORD, LONG, FLAG, NUMBER_MOST = 10, SHIFT = 7, MORE = 0x80 };

struct field {
    unsigned type;
    size_t at;
};

#define F(type, name)                           \
    {                                           \
        type, offsetof(struct record_job, name) \
    }
static const struct field fields[] = {
    F(TEXT, service),    F(TEXT, caller),       F(TEXT, operation),  F(TEXT, labels),      F(WORD, state),
    F(LONG, token),      F(WORD, attempt),      F(WORD, attempts),   F(WORD, crashes),     F(WORD, releases),
    F(WORD, priority),   F(FLAG, cancel_asked), F(LONG, due_ms),     F(LONG, deadline_ms), F(LONG, submitted_ms),
    F(LONG, started_ms), F(LONG, ended_ms),     F(LONG, timeout_ms), F(LONG, size),        F(LONG, events),
    F(WORD, status),     F(TEXT, worker),       F(TEXT, reason),     F(TEXT, progress),    F(TEXT, progress_type),
    F(TEXT, log),        F(WORD, traits),
};
#undef F
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

_Static_assert(sizeof(enum job_state) == sizeof(uint32_t), "a state is a WORD");
_Static_assert(FIELDS < 64, "a bit for each field");

/* --- numbers and texts --- */

static size_t put_number(char *at, uint64_t n)
{
    size_t len = 0;
    for (; n >= MORE; n >>= SHIFT)
        at[len++] = (char)(uint8_t)(n | MORE);
    at[len++] = (char)n;
    return len;
}

static enum err take_number(struct slice *in, uint64_t *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < in->len && i < NUMBER_MOST; i++) {
        uint64_t part = (uint8_t)in->at[i];
        if (i == NUMBER_MOST - 1 && part > 1)
            return ERR_PEER;
        n |= (part & (MORE - 1)) << (SHIFT * i);
        if (part < MORE) {
            *in = slice_from(*in, i + 1);
            *out = n;
            return ERR_OK;
        }
    }
    return ERR_PEER;
}

static enum err take_text(struct slice *in, struct slice *out)
{
    uint64_t len;
    TRY(take_number(in, &len));
    if (len > in->len)
        return ERR_PEER;
    *out = slice_to(*in, (size_t)len);
    *in = slice_from(*in, (size_t)len);
    return ERR_OK;
}

/* --- fields --- */

static const void *field_of(const struct record_job *r, const struct field *f)
{
    return (const char *)r + f->at;
}

static uint64_t number_of(const struct record_job *r, const struct field *f)
{
    uint64_t n = 0;
    uint32_t word;
    if (f->type == LONG) {
        memcpy(&n, field_of(r, f), sizeof(n));
    } else if (f->type == WORD) {
        memcpy(&word, field_of(r, f), sizeof(word));
        n = word;
    } else {
        n = *(const bool *)field_of(r, f);
    }
    return n;
}

static struct slice text_of(const struct record_job *r, const struct field *f)
{
    struct slice text;
    memcpy(&text, field_of(r, f), sizeof(text));
    return f->at == offsetof(struct record_job, reason) ? slice_to(text, RECORD_REASON_MOST) : text;
}

enum err record_job_put(struct buf *out, const struct record_job *r)
{
    uint64_t present = 0;
    size_t room = RECORD_HEAD + NUMBER_MOST;
    for (unsigned i = 0; i < FIELDS; i++) {
        size_t text = fields[i].type == TEXT ? text_of(r, &fields[i]).len : 0;
        if (text == 0 && (fields[i].type == TEXT || number_of(r, &fields[i]) == 0))
            continue;
        present |= UINT64_C(1) << i;
        room += NUMBER_MOST + text;
    }
    char *at;
    TRY(buf_room(out, room, &at));
    size_t len = RECORD_HEAD + put_number(at + RECORD_HEAD, present);
    for (unsigned i = 0; i < FIELDS; i++) {
        if (!(present >> i & 1))
            continue;
        if (fields[i].type != TEXT) {
            len += put_number(at + len, number_of(r, &fields[i]));
            continue;
        }
        struct slice text = text_of(r, &fields[i]);
        len += put_number(at + len, text.len);
        memcpy(at + len, text.at, text.len);
        len += text.len;
    }
    record_head(at, RECORD_JOB, r->id, len - RECORD_HEAD);
    buf_wrote(out, len);
    return ERR_OK;
}

static enum err take_field(struct slice *in, const struct field *f, struct arena *arena, struct record_job *r)
{
    void *into = (char *)r + f->at;
    uint64_t n;
    if (f->type == TEXT) {
        struct slice text;
        TRY(take_text(in, &text));
        text = arena_keep(arena, text);
        memcpy(into, &text, sizeof(text));
        return ERR_OK;
    }
    TRY(take_number(in, &n));
    if (f->type == LONG)
        memcpy(into, &n, sizeof(n));
    else if (f->type == WORD && n <= UINT32_MAX)
        memcpy(into, &(uint32_t){(uint32_t)n}, sizeof(uint32_t));
    else if (f->type == FLAG && n <= 1)
        *(bool *)into = n;
    else
        return ERR_PEER;
    return ERR_OK;
}

/* What the checksum cannot know: a record of a version that had other bounds. */
static bool sane(const struct record_job *r)
{
    return r->state < JOB_STATES && r->priority < JOB_PRIORITIES && r->service.len <= JOB_NAME_MOST &&
           r->caller.len <= JOB_NAME_MOST && r->operation.len <= JOB_NAME_MOST && r->reason.len <= RECORD_REASON_MOST;
}

enum err record_job_get(struct slice id, struct slice bytes, struct arena *arena, struct record_job *out)
{
    struct slice in;
    uint64_t present;
    struct record_job r = {0};
    if (!job_id_is(id) || record_body(bytes, RECORD_JOB, id, &in) != ERR_OK)
        return ERR_PEER;
    TRY(take_number(&in, &present));
    if (present >> FIELDS)
        return ERR_PEER;
    for (unsigned i = 0; i < FIELDS; i++) {
        if (present >> i & 1)
            TRY(take_field(&in, &fields[i], arena, &r));
        else if (fields[i].type == TEXT)
            memcpy((char *)&r + fields[i].at, &SLICE(""), sizeof(struct slice));
    }
    if (in.len > 0 || !sane(&r))
        return ERR_PEER;
    r.id = arena_keep(arena, id);
    *out = r;
    return ERR_OK;
}

/* --- the log --- */

/* The numbers are stored: they never change.  0: a name that is not here, spelled out. */
static const char *const names[] = {NULL, "accepted", "started", "progress", "retrying", "done", "cancelled", "dead"};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static unsigned name_number(struct slice name)
{
    for (unsigned i = 1; i < NAMES; i++)
        if (slice_eq(name, slice_str(names[i])))
            return i;
    return 0;
}

enum err record_job_log(struct slice log, const struct record_event *e, struct arena *arena, struct slice *out)
{
    char head[4 * NUMBER_MOST];
    unsigned name = name_number(e->name);
    struct slice spelled = name ? SLICE("") : e->name;
    if (log.len + sizeof(head) + spelled.len + e->data.len > RECORD_LOG_MOST)
        return ERR_ABSENT;
    struct buf b;
    buf_init(&b, RECORD_LOG_MOST);
    buf_put(&b, log);
    buf_put(&b, slice_of(head, put_number(head, e->id)));
    buf_put(&b, slice_of(head, put_number(head, (uint64_t)e->at_ms)));
    buf_put(&b, slice_of(head, put_number(head, name)));
    if (!name)
        buf_put(&b, slice_of(head, put_number(head, spelled.len)));
    buf_put(&b, spelled);
    buf_put(&b, slice_of(head, put_number(head, e->data.len)));
    buf_put(&b, e->data);
    *out = arena_keep(arena, buf_slice(&b));
    buf_fini(&b);
    return ERR_OK;
}

enum err record_job_log_take(struct slice *log, struct record_event *out)
{
    uint64_t at_ms, name;
    struct record_event e = {0};
    if (log->len == 0)
        return ERR_ABSENT;
    TRY(take_number(log, &e.id));
    TRY(take_number(log, &at_ms));
    TRY(take_number(log, &name));
    if (name >= NAMES)
        return ERR_PEER;
    e.at_ms = (int64_t)at_ms;
    e.name = slice_str(names[name]);
    if (name == 0)
        TRY(take_text(log, &e.name));
    TRY(take_text(log, &e.data));
    *out = e;
    return ERR_OK;
}
