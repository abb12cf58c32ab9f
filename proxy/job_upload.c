#include "proxy/job_upload.h"

#include "base/mem.h"

struct job_upload {
    struct job_visit *visit;
    struct bus_put *put; /* NULL: it is over */
    struct buf pending;  /* what the broker has no room for yet */
    bool ended;
};

/* What has been passed on may be read from the caller again. */
static void give_credit(struct job_upload *u)
{
    struct transit *t = u->visit->down;
    size_t held = buf_len(&u->pending);
    if (t->owed > held)
        transit_credit(t, t->owed - held);
}

static void push(struct job_upload *u)
{
    if (!u->put)
        return;
    buf_took(&u->pending, bus_put_write(u->put, buf_slice(&u->pending), u->ended));
    give_credit(u);
}

static void on_room(void *arg)
{
    push(arg);
}

static void on_kept(void *arg, const uint8_t digest[BUS_PUT_DIGEST], uint64_t size)
{
    struct job_upload *u = arg;
    struct job_visit *v = u->visit;
    u->put = NULL;
    v->blob.size = size;
    memcpy(v->blob.digest, digest, sizeof(v->blob.digest));
    v->begin(v);
}

static void on_failed(void *arg, const struct bus_put_fault *fault)
{
    struct job_upload *u = arg;
    u->put = NULL;
    job_visit_fault(u->visit, fault);
    buf_clear(&u->pending);
    give_credit(u);
}

void job_upload_begin(struct job_visit *v, const struct bus_put_plan *plan, struct slice bytes)
{
    static const struct bus_put_owner owner = {on_room, on_kept, on_failed};
    struct bus_client *bus = job_link_bus(v->desk->link);
    struct job_upload *u = mem_new(sizeof(*u));
    u->visit = v;
    v->upload = u;
    buf_init(&u->pending, SIZE_MAX); /* the window of the transit bounds it */
    buf_put(&u->pending, buf_slice(&v->body));
    buf_put(&u->pending, bytes);
    buf_clear(&v->body);
    buf_trim(&v->body);
    if (!bus || bus_put_start(bus, plan, &owner, u, &u->put) != ERR_OK)
        on_failed(u, &(struct bus_put_fault){"", job_link_state(v->desk->link), 0});
    else
        give_credit(u);
}

void job_upload_take(struct job_upload *u, struct slice bytes)
{
    if (u->put)
        buf_put(&u->pending, bytes);
    push(u);
    give_credit(u);
}

void job_upload_end(struct job_upload *u)
{
    u->ended = true;
    push(u);
}

void job_upload_free(struct job_upload **upload)
{
    struct job_upload *u = *upload;
    *upload = NULL;
    if (!u)
        return;
    bus_put_cut(&u->put);
    buf_fini(&u->pending);
    mem_free(u);
}
