#include "broker/record.h"

#include "base/check.h"
#include "base/hash.h"
#include "weft/store/v1/store.pb-c.h"

enum { CRC_LEN = 4 };

static ProtobufCBinaryData bytes_of(struct slice s)
{
    return (ProtobufCBinaryData){.len = s.len, .data = (uint8_t *)s.at};
}

static struct slice slice_of_bytes(ProtobufCBinaryData b)
{
    return slice_of(b.data, b.len);
}

void record_head(char *at, enum record_kind kind, struct slice id, size_t body)
{
    at[CRC_LEN] = RECORD_VERSION;
    at[CRC_LEN + 1] = (char)kind;
    uint32_t crc = hash_crc32c(hash_crc32c(0, id), slice_of(at + CRC_LEN, RECORD_HEAD - CRC_LEN + body));
    for (unsigned i = 0; i < CRC_LEN; i++)
        at[i] = (char)(uint8_t)(crc >> (8 * i));
}

static enum err put(struct buf *out, enum record_kind kind, const ProtobufCMessage *m)
{
    char *at;
    size_t size = protobuf_c_message_get_packed_size(m);
    TRY(buf_room(out, RECORD_HEAD + size, &at));
    protobuf_c_message_pack(m, (uint8_t *)at + RECORD_HEAD);
    record_head(at, kind, SLICE(""), size);
    buf_wrote(out, RECORD_HEAD + size);
    return ERR_OK;
}

enum err record_put_bytes(struct buf *out, enum record_kind kind, struct slice bytes)
{
    char *at;
    TRY(buf_room(out, RECORD_HEAD + bytes.len, &at));
    if (bytes.len > 0)
        memcpy(at + RECORD_HEAD, bytes.at, bytes.len);
    record_head(at, kind, SLICE(""), bytes.len);
    buf_wrote(out, RECORD_HEAD + bytes.len);
    return ERR_OK;
}

enum err record_body(struct slice bytes, enum record_kind kind, struct slice id, struct slice *out)
{
    if (bytes.len < RECORD_HEAD)
        return ERR_PEER;
    const uint8_t *at = (const uint8_t *)bytes.at;
    uint32_t crc = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    if (hash_crc32c(hash_crc32c(0, id), slice_from(bytes, CRC_LEN)) != crc)
        return ERR_PEER;
    if (at[CRC_LEN] != RECORD_VERSION || at[CRC_LEN + 1] != kind)
        return ERR_PEER;
    *out = slice_from(bytes, RECORD_HEAD);
    return ERR_OK;
}

enum err record_get_bytes(struct slice bytes, enum record_kind kind, struct slice *out)
{
    return record_body(bytes, kind, SLICE(""), out);
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

/* NULL: damaged.  What is unpacked lies in the arena, and goes with it. */
static void *get(struct slice bytes, enum record_kind kind, const ProtobufCMessageDescriptor *d, struct arena *arena)
{
    struct slice body;
    if (record_get_bytes(bytes, kind, &body) != ERR_OK)
        return NULL;
    ProtobufCAllocator allocator = {.alloc = take_from_arena, .free = leave_to_arena, .allocator_data = arena};
    return protobuf_c_message_unpack(d, &allocator, body.len, (const uint8_t *)body.at);
}

void record_of_job(const struct job *j, struct record_job *out)
{
    *out = (struct record_job){
        .id = slice_of(j->id, JOB_ID),
        .service = job_service(j),
        .caller = job_caller(j),
        .operation = job_operation(j),
        .labels = job_labels(j),
        .state = job_state(j),
        .token = j->token,
        .attempt = j->attempt,
        .attempts = j->attempts,
        .crashes = j->crashes,
        .releases = j->releases,
        .priority = j->priority,
        .cancel_asked = j->cancel_asked,
        .traits = j->traits,
        .due_ms = j->due_ms,
        .deadline_ms = j->deadline_ms,
        .submitted_ms = j->submitted_ms,
        .started_ms = j->started_ms,
        .timeout_ms = j->timeout_ms,
        .size = j->size,
        .events = j->events,
    };
}

enum err record_to_job(const struct record_job *r, struct job_table *t, struct job **out)
{
    if (job_over(r->state) || job_find(t, r->id))
        return ERR_PEER;
    /* A job is born ready or delayed; one that was leased takes the step to it. */
    enum job_state born = r->state == JOB_LEASED ? JOB_QUEUED : r->state;
    struct job *j = job_new(t, &(struct job_spec){r->id, r->service, r->caller, r->operation, r->labels, born});
    if (born != r->state)
        job_move(t, j, r->state);
    j->token = r->token;
    j->attempt = r->attempt;
    j->attempts = r->attempts;
    j->crashes = r->crashes;
    j->releases = r->releases;
    j->priority = (uint8_t)r->priority;
    j->cancel_asked = r->cancel_asked;
    j->traits = (uint8_t)r->traits;
    j->due_ms = r->due_ms;
    j->deadline_ms = r->deadline_ms;
    j->submitted_ms = r->submitted_ms;
    j->started_ms = r->started_ms;
    j->timeout_ms = r->timeout_ms;
    j->size = r->size;
    j->events = r->events;
    *out = j;
    return ERR_OK;
}

static Weft__Store__V1__Header **headers_of(struct arena *a, const struct record_header *headers, size_t count)
{
    Weft__Store__V1__Header **list = arena_array(a, count + 1, sizeof(Weft__Store__V1__Header *));
    for (size_t i = 0; i < count; i++) {
        list[i] = arena_new(a, sizeof(*list[i]));
        weft__store__v1__header__init(list[i]);
        list[i]->name = bytes_of(headers[i].name);
        list[i]->value = bytes_of(headers[i].value);
    }
    return list;
}

static const struct record_header *headers_from(struct arena *a, Weft__Store__V1__Header *const *list, size_t count)
{
    struct record_header *headers = arena_array(a, count + 1, sizeof(*headers));
    for (size_t i = 0; i < count; i++)
        headers[i] = (struct record_header){slice_of_bytes(list[i]->name), slice_of_bytes(list[i]->value)};
    return headers;
}

static const struct slice *slices_of(struct arena *a, const ProtobufCBinaryData *v, size_t count)
{
    struct slice *out = arena_array(a, count + 1, sizeof(*out));
    for (size_t i = 0; i < count; i++)
        out[i] = slice_of_bytes(v[i]);
    return out;
}

enum err record_put_request(struct buf *out, const struct record_request *r)
{
    struct arena scratch = {0};
    Weft__Store__V1__Request m = WEFT__STORE__V1__REQUEST__INIT;
    m.method = bytes_of(r->method);
    m.path = bytes_of(r->path);
    m.headers = headers_of(&scratch, r->headers, r->header_count);
    m.n_headers = r->header_count;
    m.body = bytes_of(r->body);
    m.contract = bytes_of(r->contract);
    m.traceparent = bytes_of(r->traceparent);
    m.key = bytes_of(r->key);
    m.fingerprint = bytes_of(r->fingerprint);
    m.callback = bytes_of(r->callback);
    m.callback_style = r->callback_style;
    m.n_after = r->after_count;
    m.after = arena_array(&scratch, r->after_count + 1, sizeof(*m.after));
    for (size_t i = 0; i < r->after_count; i++)
        m.after[i] = bytes_of(r->after[i]);
    m.after_any_end = r->after_any_end;
    m.blob = bytes_of(r->blob.digest);
    m.blob_size = r->blob.size;
    enum err e = put(out, RECORD_REQUEST, &m.base);
    arena_fini(&scratch);
    return e;
}

/* PEER: a digest that is none. */
static enum err blob_from(ProtobufCBinaryData digest, uint64_t size, struct record_blob *out)
{
    *out = (struct record_blob){slice_of_bytes(digest), size};
    return digest.len == 0 || digest.len == HASH_SHA256_LEN ? ERR_OK : ERR_PEER;
}

enum err record_get_request(struct slice bytes, struct arena *arena, struct record_request *out)
{
    const Weft__Store__V1__Request *m = get(bytes, RECORD_REQUEST, &weft__store__v1__request__descriptor, arena);
    if (!m)
        return ERR_PEER;
    *out = (struct record_request){
        .method = slice_of_bytes(m->method),
        .path = slice_of_bytes(m->path),
        .headers = headers_from(arena, m->headers, m->n_headers),
        .header_count = m->n_headers,
        .body = slice_of_bytes(m->body),
        .contract = slice_of_bytes(m->contract),
        .traceparent = slice_of_bytes(m->traceparent),
        .key = slice_of_bytes(m->key),
        .fingerprint = slice_of_bytes(m->fingerprint),
        .callback = slice_of_bytes(m->callback),
        .callback_style = m->callback_style,
        .after = slices_of(arena, m->after, m->n_after),
        .after_count = m->n_after,
        .after_any_end = m->after_any_end,
    };
    return blob_from(m->blob, m->blob_size, &out->blob);
}

enum err record_put_result(struct buf *out, const struct record_result *r)
{
    struct arena scratch = {0};
    Weft__Store__V1__Result m = WEFT__STORE__V1__RESULT__INIT;
    m.status = r->status;
    m.headers = headers_of(&scratch, r->headers, r->header_count);
    m.n_headers = r->header_count;
    m.body = bytes_of(r->body);
    m.blob = bytes_of(r->blob.digest);
    m.blob_size = r->blob.size;
    enum err e = put(out, RECORD_RESULT, &m.base);
    arena_fini(&scratch);
    return e;
}

enum err record_get_result(struct slice bytes, struct arena *arena, struct record_result *out)
{
    const Weft__Store__V1__Result *m = get(bytes, RECORD_RESULT, &weft__store__v1__result__descriptor, arena);
    if (!m)
        return ERR_PEER;
    *out = (struct record_result){
        .status = m->status,
        .headers = headers_from(arena, m->headers, m->n_headers),
        .header_count = m->n_headers,
        .body = slice_of_bytes(m->body),
    };
    return blob_from(m->blob, m->blob_size, &out->blob);
}

enum err record_put_event(struct buf *out, const struct record_event *r)
{
    Weft__Store__V1__Event m = WEFT__STORE__V1__EVENT__INIT;
    m.id = r->id;
    m.name = bytes_of(r->name);
    m.at_ms = r->at_ms;
    m.data = bytes_of(r->data);
    return put(out, RECORD_EVENT, &m.base);
}

enum err record_get_event(struct slice bytes, struct arena *arena, struct record_event *out)
{
    const Weft__Store__V1__Event *m = get(bytes, RECORD_EVENT, &weft__store__v1__event__descriptor, arena);
    if (!m)
        return ERR_PEER;
    *out = (struct record_event){
        .id = m->id,
        .name = slice_of_bytes(m->name),
        .at_ms = m->at_ms,
        .data = slice_of_bytes(m->data),
    };
    return ERR_OK;
}

enum err record_put_key(struct buf *out, const struct record_key *r)
{
    Weft__Store__V1__Key m = WEFT__STORE__V1__KEY__INIT;
    m.job = bytes_of(r->job);
    m.fingerprint = bytes_of(r->fingerprint);
    return put(out, RECORD_KEY, &m.base);
}

enum err record_get_key(struct slice bytes, struct arena *arena, struct record_key *out)
{
    const Weft__Store__V1__Key *m = get(bytes, RECORD_KEY, &weft__store__v1__key__descriptor, arena);
    if (!m || !job_id_is(slice_of_bytes(m->job)))
        return ERR_PEER;
    *out = (struct record_key){.job = slice_of_bytes(m->job), .fingerprint = slice_of_bytes(m->fingerprint)};
    return ERR_OK;
}

enum err record_put_debt(struct buf *out, const struct record_debt *r)
{
    Weft__Store__V1__Debt m = WEFT__STORE__V1__DEBT__INIT;
    m.event = r->event;
    m.due_ms = r->due_ms;
    m.tries = r->tries;
    m.dead = r->dead;
    m.reason = bytes_of(slice_to(r->reason, RECORD_REASON_MOST));
    return put(out, RECORD_DEBT, &m.base);
}

enum err record_get_debt(struct slice bytes, struct arena *arena, struct record_debt *out)
{
    const Weft__Store__V1__Debt *m = get(bytes, RECORD_DEBT, &weft__store__v1__debt__descriptor, arena);
    if (!m)
        return ERR_PEER;
    *out = (struct record_debt){
        .event = m->event,
        .due_ms = m->due_ms,
        .tries = m->tries,
        .dead = m->dead,
        .reason = slice_of_bytes(m->reason),
    };
    return ERR_OK;
}

enum err record_put_need(struct buf *out, const struct record_need *r)
{
    Weft__Store__V1__Blob m = WEFT__STORE__V1__BLOB__INIT;
    m.size = r->size;
    m.caller = bytes_of(r->caller);
    return put(out, RECORD_BLOB, &m.base);
}

enum err record_get_need(struct slice bytes, struct arena *arena, struct record_need *out)
{
    const Weft__Store__V1__Blob *m = get(bytes, RECORD_BLOB, &weft__store__v1__blob__descriptor, arena);
    if (!m)
        return ERR_PEER;
    *out = (struct record_need){.size = m->size, .caller = slice_of_bytes(m->caller)};
    return ERR_OK;
}
