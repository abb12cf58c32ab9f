#include "broker/words.h"

ProtobufCBinaryData words_bytes(struct slice s)
{
    return (ProtobufCBinaryData){.len = s.len, .data = (uint8_t *)(uintptr_t)s.at};
}

char *words_text(struct arena *a, struct slice s)
{
    return (char *)(uintptr_t)arena_keep(a, s).at;
}

struct slice words_slice(ProtobufCBinaryData b)
{
    return slice_of(b.data, b.len);
}

Weft__Bus__V1__Job *words_job(struct arena *a, const struct record_job *r)
{
    Weft__Bus__V1__Job *j = arena_new(a, sizeof(*j));
    weft__bus__v1__job__init(j);
    j->job = words_text(a, r->id);
    j->service = words_text(a, r->service);
    j->operation = words_text(a, r->operation);
    j->state = (Weft__Bus__V1__State)r->state;
    j->attempt = r->attempt;
    j->attempts = r->attempts;
    j->crashes = r->crashes;
    j->releases = r->releases;
    j->caller = words_text(a, r->caller);
    j->submitted_ms = (uint64_t)r->submitted_ms;
    j->started_ms = (uint64_t)r->started_ms;
    j->ended_ms = (uint64_t)r->ended_ms;
    j->next_ms = (uint64_t)r->due_ms;
    j->progress = words_bytes(r->progress);
    j->progress_type = words_text(a, r->progress_type);
    j->reason = words_text(a, r->reason);
    j->waits = words_text(a, r->waits);
    if (r->callback)
        j->callback = words_text(a, slice_str(r->callback));
    j->callback_tries = r->callback_tries;
    j->callback_reason = words_text(a, r->callback_reason);
    j->status = r->status;
    j->priority = r->priority;
    j->cancel_asked = r->cancel_asked;
    j->worker = words_text(a, r->worker);
    j->events = r->events;
    return j;
}

Weft__Bus__V1__Event *words_event(struct arena *a, struct slice job, const struct record_event *e, bool last)
{
    Weft__Bus__V1__Event *event = arena_new(a, sizeof(*event));
    weft__bus__v1__event__init(event);
    event->job = words_text(a, job);
    event->id = e->id;
    event->name = words_text(a, e->name);
    event->at_ms = (uint64_t)e->at_ms;
    event->data = words_bytes(e->data);
    event->last = last;
    return event;
}

enum { FIELDS_MOST = 100, FIELDS_BYTES = 64 << 10 };

Weft__Bus__V1__Header **words_headers(struct arena *a, const struct record_header *v, size_t count)
{
    Weft__Bus__V1__Header **out = arena_array(a, count ? count : 1, sizeof(struct Weft__Bus__V1__Header *));
    Weft__Bus__V1__Header *items = arena_array(a, count ? count : 1, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        weft__bus__v1__header__init(&items[i]);
        items[i].name = words_text(a, v[i].name);
        items[i].value = words_bytes(v[i].value);
        out[i] = &items[i];
    }
    return out;
}

struct slice *words_slices(struct arena *a, char *const *v, size_t count)
{
    struct slice *out = arena_array(a, count + 1, sizeof(*out));
    for (size_t i = 0; i < count; i++)
        out[i] = slice_str(v[i]);
    return out;
}

struct record_header *words_fields(struct arena *a, Weft__Bus__V1__Header **v, size_t count)
{
    struct record_header *out = arena_array(a, count ? count : 1, sizeof(*out));
    for (size_t i = 0; i < count; i++)
        out[i] = (struct record_header){.name = slice_str(v[i]->name), .value = words_slice(v[i]->value)};
    return out;
}

bool words_fields_fit(Weft__Bus__V1__Header *const *v, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count && i < FIELDS_MOST; i++)
        bytes += strlen(v[i]->name) + v[i]->value.len;
    return count <= FIELDS_MOST && bytes <= FIELDS_BYTES;
}
