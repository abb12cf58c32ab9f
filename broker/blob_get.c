#include "broker/blob_get.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/blob_shelf.h"

struct blob_get {
    struct list link; /* of its session */
    struct blob_traffic_seat turn;
    struct api *api;
    uint64_t session, id, seq;
    struct blob_read *read; /* NULL: it waits for its turn */
    uint64_t size, at, end; /* at: of the next piece that is read */
    uint64_t sent;          /* to where */
    uint64_t taken;         /* to where, by what the other side says */
    size_t room;
    uint8_t digest[HASH_SHA256_LEN];
};

static void begin_waiting(struct api *a);

void blob_get_cut(struct blob_get *g)
{
    struct api *a = g->api;
    list_remove(&g->link);
    blob_traffic_leave(&a->blobs.gets, &g->turn);
    blob_shelf_stop(&g->read);
    mem_free(g);
    begin_waiting(a);
}

static struct session *session_of(const struct blob_get *g)
{
    return front_session(g->api->front, g->session);
}

static void say_piece(struct blob_get *g, struct slice bytes)
{
    struct session *s = session_of(g);
    Weft__Bus__V1__Blob body = WEFT__BUS__V1__BLOB__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    body.id = g->id;
    body.offset = g->sent;
    body.data = (ProtobufCBinaryData){.len = bytes.len, .data = (uint8_t *)(uintptr_t)bytes.at};
    body.last = g->sent + bytes.len == g->end;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_BLOB;
    r.blob = &body;
    g->sent += bytes.len;
    g->api->blobs.bytes_out += bytes.len;
    if (s)
        front_send(g->api->front, s, &r);
    if (body.last)
        blob_get_cut(g);
}

static void came(void *arg, enum err e, struct slice bytes)
{
    struct blob_get *g = arg;
    struct session *s = session_of(g);
    if (e == ERR_OK) {
        say_piece(g, bytes);
        return;
    }
    static const struct submits_no broken = {"blob-failed", 500, "It cannot be read; the broker's log says why."},
                                   damaged = {"blob-failed", 500, "What is on disk is not what was written."};
    log_event(LOG_ERROR, "blob-unread", LOG_STR("why", e == ERR_PEER ? "damaged" : err_text(e)));
    if (s)
        blob_verbs_say_end(g->api, s, g->id, e == ERR_PEER ? &damaged : &broken);
    blob_get_cut(g);
}

/* Pieces are asked for as long as all that is on its way fits. */
static void pump(struct blob_get *g)
{
    size_t share = blob_traffic_share(&g->api->blobs.gets), window = g->room < share ? g->room : share;
    size_t piece = window / 2 < BLOB_VERBS_PIECE ? window / 2 : BLOB_VERBS_PIECE;
    while (g->at < g->end) {
        size_t n = g->end - g->at < piece ? (size_t)(g->end - g->at) : piece;
        if (g->at - g->taken + n > window)
            return;
        g->at += n;
        blob_shelf_next(g->read, n);
    }
}

void blob_get_room(struct blob_get *g, uint64_t n)
{
    uint64_t most = g->sent - g->taken; /* no more than it has got */
    g->taken += n < most ? n : most;
    if (g->read)
        pump(g);
}

static void begin_waiting(struct api *a)
{
    for (struct blob_traffic_seat *t = blob_traffic_next(&a->blobs.gets); t; t = blob_traffic_next(&a->blobs.gets)) {
        struct blob_get *g = LIST_OF(t, struct blob_get, turn);
        struct session *s = session_of(g);
        struct record_blob blob = {slice_of(g->digest, sizeof(g->digest)), g->size};
        g->read = blob_shelf_read(a->conf.shelf, &blob, g->at, g->end, came, g);
        blob_shelf_release(a->conf.shelf, blob.digest); /* of while it waited */
        if (s)
            blob_verbs_say_kept(a, s, g->seq, g->id, &blob);
        if (g->at < g->end)
            pump(g);
        else
            say_piece(g, (struct slice){0});
    }
}

enum err blob_get_begin(struct api *a, struct session *s, const struct blob_get_plan *plan)
{
    struct blob_seat *seat = blob_verbs_seat(s);
    struct blob_get *g = mem_new(sizeof(*g));
    *g = (struct blob_get){
        .api = a,
        .session = s->id,
        .id = plan->id,
        .seq = plan->seq,
        .size = plan->blob.size,
        .at = plan->at,
        .sent = plan->at,
        .taken = plan->at,
        .end = plan->end,
        .room = plan->room,
    };
    memcpy(g->digest, plan->blob.digest.at, sizeof(g->digest));
    list_init(&g->link);
    if (!blob_traffic_line_up(&a->blobs.gets, &g->turn, &seat->getting)) {
        mem_free(g);
        return ERR_FULL;
    }
    list_push_back(&seat->gets, &g->link);
    blob_shelf_hold(a->conf.shelf, plan->blob.digest);
    begin_waiting(a);
    return ERR_OK;
}

struct blob_get *blob_get_find(const struct session *s, uint64_t id)
{
    if (!s->blobs)
        return NULL;
    for (struct list *l = s->blobs->gets.next; l != &s->blobs->gets; l = l->next)
        if (LIST_OF(l, struct blob_get, link)->id == id)
            return LIST_OF(l, struct blob_get, link);
    return NULL;
}

void blob_get_cut_all(struct session *s)
{
    while (s->blobs && !list_empty(&s->blobs->gets))
        blob_get_cut(LIST_OF(list_first(&s->blobs->gets), struct blob_get, link));
}
