#include "proxy/job_download.h"

#include "base/mem.h"

struct job_download {
    struct job_visit *visit;
    struct bus_get *get; /* NULL: all has come, or it failed */
    struct buf pending;  /* what the caller has no room for yet */
};

/* As much as the caller has room for. */
static void push(struct job_download *d)
{
    struct transit *t = d->visit->down;
    size_t held = buf_len(&t->body), room = held < TRANSIT_WINDOW ? TRANSIT_WINDOW - held : 0;
    struct slice bytes = slice_to(buf_slice(&d->pending), room);
    if (bytes.len && transit_write(t, bytes) != ERR_OK)
        return; /* it has gone */
    size_t n = bytes.len;
    buf_took(&d->pending, n);
    if (d->get)
        bus_get_took(d->get, n);
    else if (buf_len(&d->pending) == 0 && !t->out_ended)
        transit_finish(t);
}

static void on_data(void *arg, struct slice bytes, bool last)
{
    struct job_download *d = arg;
    struct transit *t = d->visit->down;
    if (last)
        d->get = NULL;
    if (!t->out_head && transit_head(t, false) != ERR_OK) {
        transit_reset(t, TRANSIT_WHY_INTERNAL);
        return;
    }
    buf_put(&d->pending, bytes);
    push(d);
}

static void on_failed(void *arg, const struct bus_put_fault *fault)
{
    struct job_download *d = arg;
    struct transit *t = d->visit->down;
    d->get = NULL;
    if (t->out_head) {
        transit_reset(t, TRANSIT_WHY_INTERNAL);
        return;
    }
    message_init(&t->out, &t->arena);
    job_visit_fault(d->visit, fault);
}

void job_download_begin(struct job_visit *v, uint64_t from, uint64_t count)
{
    static const struct bus_get_owner owner = {on_data, on_failed};
    struct bus_client *bus = job_link_bus(v->desk->link);
    struct bus_get_plan plan = {.job = v->id, .offset = from, .length = count};
    struct job_download *d = mem_new(sizeof(*d));
    d->visit = v;
    v->download = d;
    buf_init(&d->pending, SIZE_MAX); /* the room that the broker has bounds it */
    if (!bus || bus_get_start(bus, &plan, &owner, d, &d->get) != ERR_OK)
        on_failed(d, &(struct bus_put_fault){"", job_link_state(v->desk->link), 0});
}

void job_download_sent(struct job_download *d)
{
    if (d->visit->down->out_head)
        push(d);
}

void job_download_free(struct job_download **download)
{
    struct job_download *d = *download;
    *download = NULL;
    if (!d)
        return;
    bus_get_cut(&d->get);
    buf_fini(&d->pending);
    mem_free(d);
}
