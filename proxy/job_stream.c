#include "proxy/job_stream.h"

enum {
    KEEP_ALIVE_US = 15 * NOW_US_PER_S,
    UNSENT_MOST = 128 << 10, /* bytes of events a slow reader may leave with us */
};

/* --- frames --- */

/* LF, CR and CRLF all end a line there; a lone CR in the data must not begin a field of its own. */
static struct slice take_line(struct slice *rest)
{
    size_t n = 0;
    while (n < rest->len && rest->at[n] != '\n' && rest->at[n] != '\r')
        n++;
    struct slice line = slice_to(*rest, n);
    bool pair = n + 1 < rest->len && rest->at[n] == '\r' && rest->at[n + 1] == '\n';
    *rest = slice_from(*rest, n + (pair ? 2 : 1));
    return line;
}

void job_stream_put(struct buf *out, const Weft__Bus__V1__Event *event)
{
    struct slice name = slice_str(event->name), data = slice_of(event->data.data, event->data.len);
    buf_putf(out, "id: %llu\n", (unsigned long long)event->id);
    struct slice first = take_line(&name);
    buf_putf(out, "event: %.*s\n", SLICE_FMT(first));
    while (data.len) {
        struct slice line = take_line(&data);
        buf_put(out, SLICE("data: "));
        buf_put(out, line);
        buf_put_char(out, '\n');
    }
    buf_put_char(out, '\n');
}

/* --- the stream --- */

static enum err send_event(struct job_visit *v, const Weft__Bus__V1__Event *event)
{
    if (buf_len(&v->down->body) > UNSENT_MOST)
        return ERR_FULL;
    struct buf frame;
    buf_init(&frame, BUF_TEXT_BOUND);
    job_stream_put(&frame, event);
    enum err e = transit_write(v->down, buf_slice(&frame));
    buf_fini(&frame);
    return e;
}

static void heard(struct job_link_watch *w, const Weft__Bus__V1__Event *event)
{
    struct job_visit *v = LIST_OF(w, struct job_visit, watch);
    if (v->down->out_ended)
        return;
    if (send_event(v, event) != ERR_OK)
        transit_reset(v->down, TRANSIT_WHY_CANCEL);
    else if (event->last)
        transit_finish(v->down);
}

static void keep_alive(struct due *due)
{
    struct job_visit *v = (struct job_visit *)(void *)((char *)due - offsetof(struct job_visit, due));
    if (v->down->out_ended || transit_write(v->down, SLICE(": still here\n\n")) != ERR_OK)
        return;
    due_in(v->desk->clock, &v->due, KEEP_ALIVE_US);
}

static enum err send_head(struct transit *t)
{
    struct headers *h = &t->out.headers;
    t->out.status = 200;
    TRY(headers_add_token(h, HEADERS_CONTENT_TYPE, SLICE("text/event-stream")));
    TRY(headers_add_token(h, HEADERS_CACHE_CONTROL, SLICE("no-store")));
    TRY(headers_add(h, SLICE("x-accel-buffering"), SLICE("no")));
    TRY(transit_head(t, false));
    return transit_write(t, SLICE("retry: 2000\n\n"));
}

static bool is_over(Weft__Bus__V1__State state)
{
    return state == WEFT__BUS__V1__STATE__DONE || state == WEFT__BUS__V1__STATE__CANCELLED ||
           state == WEFT__BUS__V1__STATE__DEAD;
}

static void stream_from(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    uint64_t after = 0;
    struct slice last = headers_value(&v->down->in.headers, HEADERS_LAST_EVENT_ID);
    if (last.len && slice_u64(last, UINT64_MAX, &after) != ERR_OK) {
        job_visit_refuse(v, REPLY_BAD_REQUEST, "Last-Event-ID: send back an id of this stream, a number.");
    } else if (is_over(record->job->state) && after >= record->job->events) {
        job_visit_bare(v, 204); /* stops an EventSource */
    } else if (send_head(v->down) != ERR_OK) {
        transit_reset(v->down, TRANSIT_WHY_INTERNAL);
    } else {
        due_init(&v->due, keep_alive);
        due_in(v->desk->clock, &v->due, KEEP_ALIVE_US);
        job_visit_watch(v, after, heard);
    }
}

void job_stream_open(struct job_visit *v)
{
    job_visit_query(v, stream_from);
}
