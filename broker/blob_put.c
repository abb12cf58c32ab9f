/* The good path: BlobPut waits for its turn and is answered with room; pieces fill it and are
 * written; what was written is room again; the last one is answered when the blob has its name.
 *
 * What can go wrong: a piece that was not asked for or out of order, over the bound, past what
 * its payer may have, a full or broken disk, a session that goes.  Nothing of it stays then. */
#include "broker/blob_put.h"

#include "base/mem.h"
#include "broker/blob_kept.h"
#include "broker/blob_shelf.h"

struct blob_put {
    struct list link; /* of its session */
    struct blob_traffic_seat turn;
    struct api *api;
    struct blob_seat *seat;
    uint64_t session, id;
    uint64_t seq; /* of the record that waits for an answer */
    uint64_t size, received, charged;
    size_t room;      /* bytes that may come */
    size_t unwritten; /* bytes in memory */
    bool whole;
    struct blob_write *write; /* NULL: it waits for its turn */
    char *payer;
};

static struct blob_purse *purse_of(const struct blob_put *p)
{
    return blob_shelf_purse(p->api->conf.shelf);
}

static void begin_waiting(struct api *a);

/* The charge has gone elsewhere when the blob was kept. */
static void put_free(struct blob_put *p, bool paid)
{
    struct api *a = p->api;
    list_remove(&p->link);
    blob_traffic_leave(&a->blobs.puts, &p->turn);
    blob_shelf_cut(&p->write);
    if (!paid)
        blob_purse_sub(purse_of(p), slice_str(p->payer), p->charged);
    mem_free(p->payer);
    mem_free(p);
    begin_waiting(a);
}

void blob_put_cut(struct blob_put *p)
{
    put_free(p, false);
}

static struct session *session_of(const struct blob_put *p)
{
    return front_session(p->api->front, p->session);
}

static void fail(struct blob_put *p, const struct submits_no *why)
{
    struct session *s = session_of(p);
    if (s)
        blob_verbs_say_end(p->api, s, p->id, why);
    put_free(p, false);
}

/* --- room --- */

static void say_room(struct blob_put *p, uint64_t re, size_t n)
{
    struct session *s = session_of(p);
    Weft__Bus__V1__BlobRoom body = WEFT__BUS__V1__BLOB_ROOM__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    body.id = p->id;
    body.bytes = n;
    r.re = re;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BLOB_ROOM;
    r.blob_room = &body;
    p->room += n;
    if (s)
        front_send(p->api->front, s, &r);
}

/* A quarter at once, so that not every piece is answered. */
static void give_room(struct blob_put *p)
{
    size_t share = blob_traffic_share(&p->api->blobs.puts), used = p->room + p->unwritten;
    if (!p->whole && used + share / 4 <= share)
        say_room(p, 0, share - used);
}

/* --- the shelf --- */

static void wrote(void *arg, size_t n)
{
    struct blob_put *p = arg;
    p->unwritten -= n;
    give_room(p);
}

static void kept(void *arg, enum err e, const struct hash_digest *digest, uint64_t size)
{
    struct blob_put *p = arg;
    struct session *s = session_of(p);
    struct record_blob blob = {slice_of(digest->b, sizeof(digest->b)), size};
    p->write = NULL;
    if (e == ERR_OK && s && blob_kept_add(p->api, s, &blob, slice_str(p->payer))) {
        blob_verbs_say_kept(p->api, s, p->seq, p->id, &blob);
        put_free(p, true);
        return;
    }
    if (e == ERR_OK)
        blob_shelf_release(p->api->conf.shelf, blob.digest);
    if (e == ERR_OK)
        fail(p, &(struct submits_no){"overloaded", 503, "Over 1000 blobs of this connection wait for a record."});
    else if (e == ERR_FULL)
        fail(p, &(struct submits_no){"store-full", 507, "The broker's disk is full."});
    else
        fail(p, &(struct submits_no){"blob-failed", 500, "It cannot be written; the broker's log says why."});
}

static const struct blob_write_owner write_owner = {wrote, kept};

static void begin_waiting(struct api *a)
{
    for (struct blob_traffic_seat *t = blob_traffic_next(&a->blobs.puts); t; t = blob_traffic_next(&a->blobs.puts)) {
        struct blob_put *p = LIST_OF(t, struct blob_put, turn);
        p->write = blob_shelf_write(a->conf.shelf, p->size, &write_owner, p);
        say_room(p, p->seq, blob_traffic_share(&a->blobs.puts));
    }
}

/* --- pieces --- */

/* NULL: fine. */
static const struct submits_no *unfit(struct blob_put *p, const Weft__Bus__V1__Blob *m)
{
    static const struct submits_no disorder = {"bad-request", 400,
                                               "A piece comes in order, within the room given, and has up to 256 KiB."},
                                   other_size = {"bad-request", 400, "It has another size than was said."},
                                   too_large = {"payload-too-large", 413, "It is over the broker's limits.payload."};
    uint64_t all = p->received + m->data.len;
    if (!p->write || p->whole || m->offset != p->received || m->data.len > p->room ||
        m->data.len > BLOB_VERBS_PIECE_MOST)
        return &disorder;
    if (p->size && (all > p->size || (m->last && all < p->size)))
        return &other_size;
    return all > p->api->conf.payload_most ? &too_large : NULL;
}

/* false: its payer may not have so much. */
static bool charge(struct blob_put *p, uint64_t all)
{
    if (all <= p->charged)
        return true;
    if (blob_purse_of(purse_of(p), slice_str(p->payer)) + (all - p->charged) > p->api->conf.caller_most)
        return false;
    blob_purse_add(purse_of(p), slice_str(p->payer), all - p->charged);
    p->charged = all;
    return true;
}

static const struct submits_no quota_full = {"quota-full", 429,
                                             "Over the bytes that one caller may have (limits.blobs)."};

void blob_put_take(struct blob_put *p, uint64_t seq, const Weft__Bus__V1__Blob *m)
{
    const struct submits_no *no = unfit(p, m);
    if (!no && !charge(p, p->received + m->data.len))
        no = &quota_full;
    if (no) {
        fail(p, no);
        return;
    }
    p->received += m->data.len;
    p->room -= m->data.len;
    p->unwritten += m->data.len;
    p->api->blobs.bytes_in += m->data.len;
    blob_shelf_add(p->write, slice_of(m->data.data, m->data.len));
    if (!m->last)
        return;
    p->whole = true;
    p->seq = seq;
    blob_shelf_end(p->write);
}

/* --- lifecycle --- */

enum err blob_put_begin(struct api *a, struct session *s, const struct blob_put_plan *plan)
{
    struct blob_put *p = mem_new(sizeof(*p));
    *p = (struct blob_put){
        .api = a,
        .seat = blob_verbs_seat(s),
        .session = s->id,
        .id = plan->id,
        .seq = plan->seq,
        .size = plan->size,
        .payer = mem_copy(plan->payer),
    };
    list_init(&p->link);
    list_init(&p->turn.link);
    if (!charge(p, plan->size) || !blob_traffic_line_up(&a->blobs.puts, &p->turn, &p->seat->putting)) {
        enum err e = p->charged == plan->size ? ERR_FULL : ERR_DENIED;
        put_free(p, false);
        return e;
    }
    list_push_back(&p->seat->puts, &p->link);
    begin_waiting(a);
    return ERR_OK;
}

struct blob_put *blob_put_find(const struct session *s, uint64_t id)
{
    if (!s->blobs)
        return NULL;
    for (struct list *l = s->blobs->puts.next; l != &s->blobs->puts; l = l->next)
        if (LIST_OF(l, struct blob_put, link)->id == id)
            return LIST_OF(l, struct blob_put, link);
    return NULL;
}

void blob_put_cut_all(struct session *s)
{
    while (s->blobs && !list_empty(&s->blobs->puts))
        blob_put_cut(LIST_OF(list_first(&s->blobs->puts), struct blob_put, link));
}
