#include "broker/blob_verbs.h"

#include "base/mem.h"
#include "broker/answers.h"
#include "broker/blob_get.h"
#include "broker/blob_kept.h"
#include "broker/blob_put.h"
#include "broker/blob_shelf.h"
#include "broker/permits.h"
#include "broker/words.h"

enum { ROOM_LEAST = 64 << 10 };

/* --- for the others --- */

struct blob_seat *blob_verbs_seat(struct session *s)
{
    if (s->blobs)
        return s->blobs;
    s->blobs = mem_new(sizeof(*s->blobs));
    list_init(&s->blobs->puts);
    list_init(&s->blobs->gets);
    list_init(&s->blobs->kept);
    return s->blobs;
}

struct record_blob blob_verbs_blob(const Weft__Bus__V1__BlobName *name)
{
    return name ? (struct record_blob){words_slice(name->digest), name->size} : (struct record_blob){0};
}

Weft__Bus__V1__BlobName *blob_verbs_name(struct arena *a, const struct record_blob *blob)
{
    if (!blob->digest.len)
        return NULL;
    Weft__Bus__V1__BlobName *m = arena_new(a, sizeof(*m));
    weft__bus__v1__blob_name__init(m);
    m->digest = words_bytes(blob->digest);
    m->size = blob->size;
    return m;
}

bool blob_verbs_may_name(struct api *a, const struct session *s, const Weft__Bus__V1__BlobName *name)
{
    (void)a;
    struct record_blob blob = blob_verbs_blob(name);
    return !name || (blob.digest.len == HASH_SHA256_LEN && blob_kept_has(s, &blob));
}

void blob_verbs_named(struct api *a, struct session *s, const struct answers_asker *k)
{
    if (k->names_blob)
        blob_kept_drop(a, s, slice_of(k->blob, sizeof(k->blob)));
}

void blob_verbs_say_kept(struct api *a, struct session *s, uint64_t re, uint64_t id, const struct record_blob *blob)
{
    Weft__Bus__V1__BlobName name = WEFT__BUS__V1__BLOB_NAME__INIT;
    Weft__Bus__V1__BlobKept body = WEFT__BUS__V1__BLOB_KEPT__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    name.digest = words_bytes(blob->digest);
    name.size = blob->size;
    body.id = id;
    body.blob = &name;
    r.re = re;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BLOB_KEPT;
    r.blob_kept = &body;
    front_send(a->front, s, &r);
}

void blob_verbs_say_end(struct api *a, struct session *s, uint64_t id, const struct submits_no *why)
{
    Weft__Bus__V1__Problem problem = WEFT__BUS__V1__PROBLEM__INIT;
    Weft__Bus__V1__BlobEnd body = WEFT__BUS__V1__BLOB_END__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    problem.word = (char *)(uintptr_t)why->word;
    problem.status = why->status;
    problem.detail = (char *)(uintptr_t)why->detail;
    body.id = id;
    body.problem = &problem;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BLOB_END;
    r.blob_end = &body;
    front_send(a->front, s, &r);
}

/* --- put --- */

/* A result is paid for by whose job it is; NULL, and it is answered: this session may not. */
static const char *payer_of_result(struct api *a, struct session *s, uint64_t re, const Weft__Bus__V1__Lease *l)
{
    struct record_job job;
    if (!permits_lease(a, s, l) || !desk_holds(a->desk, slice_str(l->job), l->token) ||
        store_read_job(a->conf.store, slice_str(l->job), &job) != ERR_OK) {
        answers_job_stale(a, s, re);
        return NULL;
    }
    return words_text(&a->scratch, job.caller);
}

static const char *payer_of_body(struct api *a, struct session *s, uint64_t re, const Weft__Bus__V1__BlobPut *m)
{
    if (!desk_knows(a->desk, slice_str(m->service)))
        answers_problem(a, s, re, "service-unknown", 404, "The broker takes no jobs for this service.");
    else if (!permits_policy(a, s, "submit", slice_str(m->service), slice_str(m->operation)))
        answers_problem(a, s, re, "policy-denied", 403, "Policy does not allow you to submit this.");
    else
        return s->identity;
    return NULL;
}

void blob_verbs_put(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__BlobPut *m = r->blob_put;
    if (blob_put_find(s, m->id) || blob_get_find(s, m->id)) {
        answers_problem(a, s, r->seq, "bad-request", 400, "id: another blob of this connection has it.");
        return;
    }
    if (m->size > a->conf.payload_most) {
        answers_problem(a, s, r->seq, "payload-too-large", 413, "It is over the broker's limits.payload.");
        return;
    }
    const char *payer = m->lease ? payer_of_result(a, s, r->seq, m->lease) : payer_of_body(a, s, r->seq, m);
    if (!payer)
        return;
    struct blob_put_plan plan = {m->id, r->seq, m->size, slice_str(payer)};
    enum err e = blob_put_begin(a, s, &plan);
    if (e == ERR_DENIED)
        answers_problem(a, s, r->seq, "quota-full", 429, "Over the bytes that one caller may have (limits.blobs).");
    else if (e != ERR_OK)
        answers_problem(a, s, r->seq, "overloaded", 503, "Over 1000 blobs wait for their turn.");
}

/* --- get --- */

/* false, and it is answered: there is none, or not for this session. */
static bool find_result(struct api *a, struct session *s, const Weft__Bus__V1__Record *r, struct record_blob *out)
{
    struct record_job job;
    struct record_result result;
    if (!permits_find(a, s, r->seq, r->blob_get->job, "see", &job))
        return false;
    if (job_over(job.state) && store_read_result(a->conf.store, job.id, &result) == ERR_OK)
        *out = result.blob;
    return true;
}

static bool find_body(struct api *a, struct session *s, const Weft__Bus__V1__Record *r, struct record_blob *out)
{
    const Weft__Bus__V1__Lease *l = r->blob_get->lease;
    struct record_request request;
    if (!permits_lease(a, s, l) || !desk_holds(a->desk, slice_str(l->job), l->token)) {
        answers_job_stale(a, s, r->seq);
        return false;
    }
    if (store_read_request(a->conf.store, slice_str(l->job), &request) == ERR_OK)
        *out = request.blob;
    return true;
}

static void begin_get(struct api *a, struct session *s, const Weft__Bus__V1__Record *r, const struct record_blob *blob)
{
    const Weft__Bus__V1__BlobGet *m = r->blob_get;
    uint64_t left = blob->size - m->offset;
    struct blob_get_plan plan = {
        .id = m->id,
        .seq = r->seq,
        .blob = *blob,
        .at = m->offset,
        .end = m->offset + (m->length && m->length < left ? m->length : left),
        .room = (size_t)m->room,
    };
    if (blob_get_begin(a, s, &plan) != ERR_OK)
        answers_problem(a, s, r->seq, "overloaded", 503, "Over 1000 blobs wait for their turn.");
}

void blob_verbs_get(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    const Weft__Bus__V1__BlobGet *m = r->blob_get;
    struct record_blob blob = {0};
    bool known = blob_put_find(s, m->id) || blob_get_find(s, m->id);
    if (known || m->room < ROOM_LEAST || m->room > BLOB_TRAFFIC_MOST)
        answers_problem(a, s, r->seq, "bad-request", 400, "id: a new one; room: 64 KiB to 2 MiB");
    else if (!(*m->job ? find_result : find_body)(a, s, r, &blob))
        return;
    else if (!blob.digest.len || m->offset > blob.size)
        answers_problem(a, s, r->seq, "blob-unknown", 404, "There is no blob, or it ends before that.");
    else if (!blob_shelf_has(a->conf.shelf, blob.digest))
        answers_problem(a, s, r->seq, "blob-failed", 500, "The file of it is missing; the broker's log names it.");
    else
        begin_get(a, s, r, &blob);
}

/* --- pieces, room, end: of one that has ended meanwhile they mean nothing --- */

void blob_verbs_piece(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    (void)a;
    struct blob_put *p = blob_put_find(s, r->blob->id);
    if (p)
        blob_put_take(p, r->seq, r->blob);
}

void blob_verbs_room(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    (void)a;
    struct blob_get *g = blob_get_find(s, r->blob_room->id);
    if (g)
        blob_get_room(g, r->blob_room->bytes);
}

void blob_verbs_end(struct api *a, struct session *s, const Weft__Bus__V1__Record *r)
{
    (void)a;
    struct blob_put *p = blob_put_find(s, r->blob_end->id);
    struct blob_get *g = blob_get_find(s, r->blob_end->id);
    if (p)
        blob_put_cut(p);
    if (g)
        blob_get_cut(g);
}

void blob_verbs_left(struct api *a, struct session *s)
{
    if (!s->blobs)
        return;
    blob_put_cut_all(s);
    blob_get_cut_all(s);
    blob_kept_drop_all(a, s);
    mem_free(s->blobs);
    s->blobs = NULL;
}
