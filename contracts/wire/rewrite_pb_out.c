#include "contracts/wire/rewrite_pb_inside.h"

enum { SPARE = 64 };

void rewrite_pb_out_settle(struct rewrite_pb *r)
{
    if (r->to != r->base)
        buf_wrote(r->out, (size_t)(r->to - r->base));
    r->base = r->to = r->most = NULL;
}

/* For what is left of the window, too, if `out` may have that. */
enum err rewrite_pb_out_room(struct rewrite_pb *r, size_t n)
{
    size_t rest = n + SPARE + (r->window.len - r->run);
    char *at;
    rewrite_pb_out_settle(r);
    if (buf_room(r->out, rest, &at) != ERR_OK) {
        rest = n;
        if (buf_room(r->out, rest, &at) != ERR_OK)
            return rewrite_pb_no_room(r);
    }
    r->base = r->to = at;
    r->most = at + rest;
    return ERR_OK;
}

enum err rewrite_pb_out_zeros(struct rewrite_pb *r, size_t n)
{
    if ((size_t)(r->most - r->to) < n)
        TRY(rewrite_pb_out_room(r, n));
    memset(r->to, 0, n);
    r->to += n;
    return ERR_OK;
}

enum err rewrite_pb_out_number(struct rewrite_pb *r, const struct pbvalue *v)
{
    char at[PBVALUE_MOST];
    size_t n = pbvalue_write(v, at);
    if ((size_t)(r->most - r->to) < n)
        TRY(rewrite_pb_out_room(r, n));
    memcpy(r->to, at, n);
    r->to += n;
    return ERR_OK;
}

static enum err write_header(struct rewrite_pb *r, struct frame *f)
{
    TRY(rewrite_pb_out_flush(r, f->begin));
    TRY(rewrite_pb_out_key(r, f->out, PBWIRE_BYTES));
    f->header = rewrite_pb_out_position(r);
    f->reserve = pbvalue_varint_size(f->end - f->in);
    TRY(rewrite_pb_out_zeros(r, f->reserve));
    f->written = true;
    r->run = f->in;
    r->unwritten--;
    return ERR_OK;
}

enum err rewrite_pb_out_headers(struct rewrite_pb *r)
{
    for (size_t i = 1; r->unwritten && i < r->depth; i++)
        if (!r->frames[i].written)
            TRY(write_header(r, &r->frames[i]));
    return ERR_OK;
}

enum err rewrite_pb_out_length(struct rewrite_pb *r, size_t header, size_t reserve)
{
    size_t len = rewrite_pb_out_position(r) - header - reserve, size = pbvalue_varint_size(len);
    if (len > PBSCAN_LENGTH_MOST)
        return rewrite_pb_no_room(r);
    if (size > reserve)
        TRY(rewrite_pb_out_zeros(r, size - reserve));
    char *at = r->out->mem + r->out->start + header;
    if (size != reserve)
        memmove(at + size, at + reserve, len);
    if (size < reserve) {
        rewrite_pb_out_settle(r);
        buf_cut(r->out, buf_len(r->out) - (reserve - size));
    }
    pbvalue_write_varint(len, r->out->mem + r->out->start + header);
    return ERR_OK;
}
