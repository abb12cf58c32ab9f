#include "http/h1_wire.h"

void h1_wire_init(struct h1_wire *w, struct stream *stream)
{
    *w = (struct h1_wire){.stream = stream};
    buf_init(&w->in, H1_WIRE_IN_BOUND);
    buf_init(&w->out, H1_WIRE_OUT_BOUND);
}

void h1_wire_fini(struct h1_wire *w)
{
    stream_close(&w->stream);
    buf_fini(&w->in);
    buf_fini(&w->out);
}

enum err h1_wire_read(struct h1_wire *w)
{
    char *at;
    size_t got;
    TRY(buf_room(&w->in, H1_WIRE_READ, &at));
    enum err e = stream_read(w->stream, at, H1_WIRE_READ, &got);
    if (e == ERR_OK)
        buf_wrote(&w->in, got);
    else
        buf_trim(&w->in);
    return e;
}

void h1_wire_parsed(struct h1_wire *w, size_t n)
{
    buf_took(&w->in, n);
    buf_trim(&w->in);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum err h1_wire_fill(struct h1_wire *w, struct transit *t)
{
    /* A budget besides the bound: the answer to HEAD goes nowhere, so `out` would never fill. */
    size_t budget = H1_WIRE_OUT_HIGH;
    while (buf_len(&t->body) > 0 && buf_len(&w->out) < H1_WIRE_OUT_HIGH && budget > 0) {
        size_t n = least(buf_len(&t->body), budget);
        TRY(h1_write_body(&w->write, &w->out, slice_to(buf_slice(&t->body), n)));
        budget -= n;
        transit_took(t, n);
        if (t->is_reset)
            return ERR_OK;
    }
    if (!t->out_ended || buf_len(&t->body) > 0 || w->write.ended)
        return ERR_OK;
    return h1_write_end(&w->write, &w->out, &t->out.trailers);
}

enum err h1_wire_send(struct h1_wire *w)
{
    enum err e = ERR_OK;
    while (buf_len(&w->out) > 0 && e == ERR_OK) {
        size_t took;
        e = stream_write(w->stream, buf_slice(&w->out), &took);
        if (e != ERR_OK)
            break;
        buf_took(&w->out, took);
        w->sent += took;
    }
    w->blocked = e == ERR_AGAIN;
    buf_trim(&w->out);
    return e == ERR_AGAIN ? ERR_OK : e;
}

bool h1_wire_all_sent(const struct h1_wire *w)
{
    return w->write.ended && buf_len(&w->out) == 0;
}

void h1_wire_want(struct h1_wire *w, bool read)
{
    unsigned want = (read ? (unsigned)STREAM_READ : 0U) | (w->blocked ? (unsigned)STREAM_WRITE : 0U);
    if (want != w->wanted)
        stream_want(w->stream, want);
    w->wanted = want;
}
