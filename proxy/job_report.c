#include "proxy/job_report.h"

#include "base/buf.h"

static void begin(struct job_report *r, const Weft__Bus__V1__Lease *lease)
{
    *r = (struct job_report){0};
    arena_init(&r->text, SIZE_MAX);
    weft__bus__v1__record__init(&r->record);
    r->lease = *lease;
    r->lease.job = (char *)(uintptr_t)arena_keep(&r->text, slice_str(lease->job)).at;
}

static ProtobufCBinaryData keep_bytes(struct job_report *r, struct slice bytes)
{
    struct slice kept = arena_keep(&r->text, bytes);
    return (ProtobufCBinaryData){.len = kept.len, .data = (uint8_t *)(uintptr_t)kept.at};
}

static char *keep_text(struct job_report *r, struct slice text)
{
    return (char *)(uintptr_t)arena_keep(&r->text, text).at;
}

bool job_report_keeps(const struct header *field)
{
    switch (field->token) {
    case HEADERS_CONNECTION:
    case HEADERS_CONTENT_LENGTH:
    case HEADERS_KEEP_ALIVE:
    case HEADERS_PROXY_CONNECTION:
    case HEADERS_TE:
    case HEADERS_TRAILER:
    case HEADERS_TRANSFER_ENCODING:
    case HEADERS_UPGRADE:
        return false;
    default:
        return !slice_starts(field->name, SLICE("weft-"));
    }
}

static size_t keep_fields(struct job_report *r, const struct headers *fields, Weft__Bus__V1__Header ***out)
{
    Weft__Bus__V1__Header *v = arena_array(&r->text, fields->count + 1, sizeof(*v));
    *out = arena_array(&r->text, fields->count + 1, sizeof(**out));
    size_t n = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (!job_report_keeps(&fields->v[i]))
            continue;
        weft__bus__v1__header__init(&v[n]);
        v[n].name = keep_text(r, fields->v[i].name);
        v[n].value = keep_bytes(r, fields->v[i].value);
        (*out)[n] = &v[n];
        n++;
    }
    return n;
}

static Weft__Bus__V1__BlobName *keep_blob(struct job_report *r, const struct job_visit_blob *blob)
{
    Weft__Bus__V1__BlobName *m = arena_new(&r->text, sizeof(*m));
    weft__bus__v1__blob_name__init(m);
    m->digest = keep_bytes(r, slice_of(blob->digest, sizeof(blob->digest)));
    m->size = blob->size;
    return m;
}

void job_report_done(struct job_report *r, const Weft__Bus__V1__Lease *lease, const struct job_report_answer *answer)
{
    begin(r, lease);
    Weft__Bus__V1__Done *d = &r->body.done;
    weft__bus__v1__done__init(d);
    d->lease = &r->lease;
    d->status = answer->status;
    d->n_headers = keep_fields(r, answer->headers, &d->headers);
    d->body = keep_bytes(r, answer->body);
    d->blob = answer->blob ? keep_blob(r, answer->blob) : NULL;
    r->record.body_case = WEFT__BUS__V1__RECORD__BODY_DONE;
    r->record.done = d;
}

/* A reason is shown to people: it may be cut, but stays text. */
static char *keep_reason(struct job_report *r, struct slice reason)
{
    size_t len = 0;
    while (len < reason.len) {
        size_t step = slice_utf8_step(slice_from(reason, len));
        if (step == 0 || len + step > JOB_REPORT_REASON)
            break;
        len += step;
    }
    return keep_text(r, slice_to(reason, len));
}

void job_report_failed(struct job_report *r, const Weft__Bus__V1__Lease *lease, const struct job_report_fault *fault)
{
    begin(r, lease);
    Weft__Bus__V1__Failed *f = &r->body.failed;
    weft__bus__v1__failed__init(f);
    f->lease = &r->lease;
    f->kind = fault->kind;
    f->reason = keep_reason(r, fault->reason);
    f->retry_after_ms = fault->retry_after_ms;
    if (fault->answer) {
        f->status = fault->answer->status;
        f->n_headers = keep_fields(r, fault->answer->headers, &f->headers);
        f->body = keep_bytes(r, fault->answer->body);
    }
    r->record.body_case = WEFT__BUS__V1__RECORD__BODY_FAILED;
    r->record.failed = f;
}

void job_report_released(struct job_report *r, const Weft__Bus__V1__Lease *lease)
{
    begin(r, lease);
    weft__bus__v1__released__init(&r->body.released);
    r->body.released.lease = &r->lease;
    r->record.body_case = WEFT__BUS__V1__RECORD__BODY_RELEASED;
    r->record.released = &r->body.released;
}

void job_report_fini(struct job_report *r)
{
    arena_fini(&r->text);
}
