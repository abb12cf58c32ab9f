#include "bus/bus_put.h"

#include "base/mem.h"

struct bus_put {
    struct bus_client_stream stream;
    struct bus_client *client;
    struct bus_put_owner owner;
    void *arg;
    uint64_t sent;
    size_t room;
    bool begun; /* room was given */
    bool whole; /* the last piece has left */
};

static void put_free(struct bus_put *p)
{
    bus_client_forget(p->client, p);
    bus_client_stream_end(&p->stream);
    mem_free(p);
}

struct bus_put_fault bus_put_fault_of(const Weft__Bus__V1__Problem *problem)
{
    if (!problem)
        return (struct bus_put_fault){"", "the broker is lost", 0};
    return (struct bus_put_fault){problem->word, problem->detail, problem->status};
}

static void fail(struct bus_put *p, const Weft__Bus__V1__Problem *problem)
{
    struct bus_put_fault fault = bus_put_fault_of(problem);
    struct bus_put_owner owner = p->owner;
    void *arg = p->arg;
    put_free(p);
    owner.failed(arg, &fault);
}

static void take_room(struct bus_put *p, const Weft__Bus__V1__BlobRoom *m)
{
    p->begun = true;
    p->room += (size_t)m->bytes;
    if (!p->whole)
        p->owner.room(p->arg);
}

static void take_kept(struct bus_put *p, const Weft__Bus__V1__BlobKept *m)
{
    struct bus_put_owner owner = p->owner;
    void *arg = p->arg;
    if (!p->whole || !m->blob || m->blob->digest.len != BUS_PUT_DIGEST || m->blob->size != p->sent) {
        fail(p, NULL); /* not what a broker says */
        return;
    }
    put_free(p);
    owner.kept(arg, m->blob->digest.data, m->blob->size);
}

static void heard(struct bus_client_stream *stream, const Weft__Bus__V1__Record *r)
{
    struct bus_put *p = LIST_OF(stream, struct bus_put, stream);
    if (!r)
        fail(p, NULL);
    else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_BLOB_ROOM)
        take_room(p, r->blob_room);
    else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_BLOB_KEPT)
        take_kept(p, r->blob_kept);
    else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_BLOB_END)
        fail(p, r->blob_end->problem);
}

/* The answer to BlobPut: room, or a refusal. */
static void begun(void *arg, enum err e, const Weft__Bus__V1__Record *r)
{
    struct bus_put *p = arg;
    if (e == ERR_OK && r->body_case == WEFT__BUS__V1__RECORD__BODY_BLOB_ROOM)
        take_room(p, r->blob_room);
    else if (e == ERR_OK && r->body_case == WEFT__BUS__V1__RECORD__BODY_PROBLEM)
        fail(p, r->problem);
    else
        fail(p, NULL);
}

enum err bus_put_start(struct bus_client *c, const struct bus_put_plan *plan, const struct bus_put_owner *owner,
                       void *arg, struct bus_put **out)
{
    struct bus_put *p = mem_new(sizeof(*p));
    *p = (struct bus_put){.client = c, .owner = *owner, .arg = arg};
    bus_client_stream_begin(c, &p->stream, heard);
    Weft__Bus__V1__BlobPut body = WEFT__BUS__V1__BLOB_PUT__INIT;
    body.id = p->stream.id;
    body.size = plan->size;
    body.lease = (Weft__Bus__V1__Lease *)(uintptr_t)plan->lease;
    if (!plan->lease) {
        body.service = (char *)(uintptr_t)plan->service;
        body.operation = (char *)(uintptr_t)plan->operation;
    }
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BLOB_PUT;
    r.blob_put = &body;
    enum err e = bus_client_call(c, &r, 0, begun, p);
    if (e != ERR_OK) {
        bus_client_stream_end(&p->stream);
        mem_free(p);
        return e;
    }
    *out = p;
    return ERR_OK;
}

static bool send_piece(struct bus_put *p, struct slice bytes, bool last)
{
    Weft__Bus__V1__Blob body = WEFT__BUS__V1__BLOB__INIT;
    body.id = p->stream.id;
    body.offset = p->sent;
    body.data = (ProtobufCBinaryData){.len = bytes.len, .data = (uint8_t *)(uintptr_t)bytes.at};
    body.last = last;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BLOB;
    r.blob = &body;
    if (bus_client_send(p->client, &r) != ERR_OK)
        return false; /* the broker does not read: it is lost soon, and so is this */
    p->sent += bytes.len;
    p->room -= bytes.len;
    p->whole = last;
    return true;
}

size_t bus_put_write(struct bus_put *p, struct slice bytes, bool last)
{
    size_t all = p->begun && !p->whole ? (bytes.len < p->room ? bytes.len : p->room) : 0, at = 0;
    last = last && all == bytes.len && p->begun;
    while (at < all) {
        struct slice piece = slice_to(slice_to(slice_from(bytes, at), all - at), BUS_PUT_PIECE);
        if (!send_piece(p, piece, last && at + piece.len == all))
            return at;
        at += piece.len;
    }
    if (last && !p->whole)
        (void)send_piece(p, (struct slice){0}, true);
    return at;
}

bool bus_put_is_whole(const struct bus_put *p)
{
    return p->whole;
}

void bus_put_cut(struct bus_put **put)
{
    struct bus_put *p = *put;
    *put = NULL;
    if (!p)
        return;
    Weft__Bus__V1__BlobEnd body = WEFT__BUS__V1__BLOB_END__INIT;
    body.id = p->stream.id;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BLOB_END;
    r.blob_end = &body;
    enum err e = bus_client_send(p->client, &r);
    (void)e; /* a broker that is lost keeps nothing of it either */
    put_free(p);
}
