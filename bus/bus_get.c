#include "bus/bus_get.h"

#include "base/mem.h"

struct bus_get {
    struct bus_client_stream stream;
    struct bus_client *client;
    struct bus_get_owner owner;
    void *arg;
    uint64_t next; /* where the next piece begins */
    size_t took;   /* and not yet given back */
    size_t room;   /* that the broker has */
};

static void get_free(struct bus_get *g)
{
    bus_client_forget(g->client, g);
    bus_client_stream_end(&g->stream);
    mem_free(g);
}

static void fail(struct bus_get *g, const Weft__Bus__V1__Problem *problem)
{
    struct bus_put_fault fault = bus_put_fault_of(problem);
    struct bus_get_owner owner = g->owner;
    void *arg = g->arg;
    get_free(g);
    owner.failed(arg, &fault);
}

static void take(struct bus_get *g, const Weft__Bus__V1__Blob *m)
{
    struct bus_get_owner owner = g->owner;
    void *arg = g->arg;
    if (m->offset != g->next || m->data.len > g->room) {
        fail(g, NULL); /* not what a broker says */
        return;
    }
    g->next += m->data.len;
    g->room -= m->data.len;
    if (m->last)
        get_free(g);
    owner.data(arg, slice_of(m->data.data, m->data.len), m->last);
}

static void heard(struct bus_client_stream *stream, const Weft__Bus__V1__Record *r)
{
    struct bus_get *g = LIST_OF(stream, struct bus_get, stream);
    if (!r)
        fail(g, NULL);
    else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_BLOB)
        take(g, r->blob);
    else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_BLOB_END)
        fail(g, r->blob_end->problem);
}

/* The answer to BlobGet: what there is, or a refusal. */
static void begun(void *arg, enum err e, const Weft__Bus__V1__Record *r)
{
    struct bus_get *g = arg;
    if (e == ERR_OK && r->body_case == WEFT__BUS__V1__RECORD__BODY_PROBLEM)
        fail(g, r->problem);
    else if (e != ERR_OK || r->body_case != WEFT__BUS__V1__RECORD__BODY_BLOB_KEPT)
        fail(g, NULL);
}

enum err bus_get_start(struct bus_client *c, const struct bus_get_plan *plan, const struct bus_get_owner *owner,
                       void *arg, struct bus_get **out)
{
    struct bus_get *g = mem_new(sizeof(*g));
    *g = (struct bus_get){.client = c, .owner = *owner, .arg = arg, .next = plan->offset, .room = BUS_GET_ROOM};
    bus_client_stream_begin(c, &g->stream, heard);
    Weft__Bus__V1__BlobGet body = WEFT__BUS__V1__BLOB_GET__INIT;
    body.id = g->stream.id;
    if (plan->job)
        body.job = (char *)(uintptr_t)plan->job;
    body.lease = (Weft__Bus__V1__Lease *)(uintptr_t)plan->lease;
    body.offset = plan->offset;
    body.length = plan->length;
    body.room = BUS_GET_ROOM;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BLOB_GET;
    r.blob_get = &body;
    enum err e = bus_client_call(c, &r, 0, begun, g);
    if (e != ERR_OK) {
        bus_client_stream_end(&g->stream);
        mem_free(g);
        return e;
    }
    *out = g;
    return ERR_OK;
}

void bus_get_took(struct bus_get *g, size_t n)
{
    g->took += n;
    if (g->took < BUS_GET_ROOM / 4)
        return;
    Weft__Bus__V1__BlobRoom body = WEFT__BUS__V1__BLOB_ROOM__INIT;
    body.id = g->stream.id;
    body.bytes = g->took;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BLOB_ROOM;
    r.blob_room = &body;
    if (bus_client_send(g->client, &r) != ERR_OK)
        return;
    g->room += g->took;
    g->took = 0;
}

void bus_get_cut(struct bus_get **get)
{
    struct bus_get *g = *get;
    *get = NULL;
    if (!g)
        return;
    Weft__Bus__V1__BlobEnd body = WEFT__BUS__V1__BLOB_END__INIT;
    body.id = g->stream.id;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BLOB_END;
    r.blob_end = &body;
    enum err e = bus_client_send(g->client, &r);
    (void)e; /* to a broker that is lost nothing is on its way */
    get_free(g);
}
