#include "broker/schedule.h"

#include "base/hash.h"
#include "weft/store/v1/store.pb-c.h"

bool schedule_name_ok(struct slice name)
{
    if (name.len == 0 || name.len > SCHEDULE_NAME)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

void schedule_key(struct slice caller, struct slice name, char out[SCHEDULE_KEY])
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_putf(&text, "%zu:", caller.len);
    buf_put(&text, caller);
    buf_put(&text, name);
    struct hash_digest d = hash_sha256(buf_slice(&text));
    memcpy(out, d.b, SCHEDULE_KEY);
    buf_fini(&text);
}

static ProtobufCBinaryData bytes_of(struct slice s)
{
    return (ProtobufCBinaryData){.len = s.len, .data = (uint8_t *)(uintptr_t)s.at};
}

static struct slice slice_of_bytes(ProtobufCBinaryData b)
{
    return slice_of(b.data, b.len);
}

enum err schedule_put(struct buf *out, const struct schedule *s)
{
    Weft__Store__V1__Schedule m = WEFT__STORE__V1__SCHEDULE__INIT;
    m.caller = bytes_of(s->caller);
    m.name = bytes_of(s->name);
    m.cron = bytes_of(s->cron);
    m.service = bytes_of(s->service);
    m.operation = bytes_of(s->operation);
    m.labels = bytes_of(s->labels);
    m.catch_up = s->catch_up;
    m.paused = s->paused;
    m.priority = s->priority;
    m.attempts = s->attempts;
    m.timeout_ms = s->timeout_ms;
    m.deadline_in_ms = s->deadline_in_ms;
    m.made_ms = s->made_ms;
    m.last_ms = s->last_ms;
    m.runs = s->runs;
    m.last_job = bytes_of(s->last_job);
    m.fault = bytes_of(s->fault);
    struct buf body;
    char *at;
    size_t size = weft__store__v1__schedule__get_packed_size(&m);
    buf_init(&body, SIZE_MAX);
    TRY(buf_room(&body, size, &at));
    weft__store__v1__schedule__pack(&m, (uint8_t *)at);
    buf_wrote(&body, size);
    enum err e = record_put_bytes(out, RECORD_SCHEDULE, buf_slice(&body));
    buf_fini(&body);
    return e;
}

static void *take_from_arena(void *arena, size_t size)
{
    return arena_new(arena, size);
}

static void leave_to_arena(void *arena, void *at)
{
    (void)arena;
    (void)at;
}

/* What the checksum cannot know: a record of a version that had other bounds. */
static bool sane(const Weft__Store__V1__Schedule *m)
{
    return schedule_name_ok(slice_of_bytes(m->name)) && m->catch_up < SCHEDULE_CATCH_UPS && m->last_job.len <= JOB_ID &&
           m->priority < JOB_PRIORITIES && m->caller.len <= JOB_NAME_MOST && m->service.len <= JOB_NAME_MOST &&
           m->operation.len <= JOB_NAME_MOST && m->made_ms >= 0 && m->last_ms >= 0;
}

enum err schedule_get(struct slice bytes, struct arena *arena, struct schedule *out)
{
    struct slice body;
    TRY(record_get_bytes(bytes, RECORD_SCHEDULE, &body));
    ProtobufCAllocator allocator = {.alloc = take_from_arena, .free = leave_to_arena, .allocator_data = arena};
    const Weft__Store__V1__Schedule *m =
        weft__store__v1__schedule__unpack(&allocator, body.len, (const uint8_t *)body.at);
    if (!m || !sane(m))
        return ERR_PEER;
    *out = (struct schedule){
        .caller = slice_of_bytes(m->caller),
        .name = slice_of_bytes(m->name),
        .cron = slice_of_bytes(m->cron),
        .service = slice_of_bytes(m->service),
        .operation = slice_of_bytes(m->operation),
        .labels = slice_of_bytes(m->labels),
        .catch_up = (enum schedule_catch_up)m->catch_up,
        .paused = m->paused,
        .priority = m->priority,
        .attempts = m->attempts,
        .timeout_ms = m->timeout_ms,
        .deadline_in_ms = m->deadline_in_ms,
        .made_ms = m->made_ms,
        .last_ms = m->last_ms,
        .runs = m->runs,
        .last_job = slice_of_bytes(m->last_job),
        .fault = slice_of_bytes(m->fault),
    };
    return ERR_OK;
}
