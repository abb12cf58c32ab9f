#include "contracts/wire/held.h"

#include "base/check.h"

void held_init(struct held *h, size_t most)
{
    *h = (struct held){.flow = HELD_GIVE};
    buf_init(&h->kept, most);
}

void held_fini(struct held *h)
{
    buf_fini(&h->kept);
}

void held_begin(struct held *h, struct slice chunk, struct buf *out)
{
    h->chunk = chunk;
    h->out = out;
}

/* The part of the chunk from `done` to `to`; `done` is in the chunk. */
static struct slice in_chunk(const struct held *h, uint64_t to)
{
    PRE(h->done >= h->chunk_at && to <= h->chunk_at + h->chunk.len);
    return slice_of(h->chunk.at + (h->done - h->chunk_at), (size_t)(to - h->done));
}

/* The next piece that is whole in one place, up to `to`. */
static struct slice piece(const struct held *h, uint64_t to)
{
    if (h->done >= h->chunk_at)
        return in_chunk(h, to);
    return slice_to(buf_slice(&h->kept), (size_t)(to - h->done));
}

static void pass(struct held *h, size_t len)
{
    if (h->done < h->chunk_at)
        buf_took(&h->kept, len);
    h->done += len;
}

enum err held_give(struct held *h, uint64_t to)
{
    while (h->done < to) {
        struct slice p = piece(h, to);
        TRY(buf_add(h->out, p));
        pass(h, p.len);
    }
    return ERR_OK;
}

void held_drop(struct held *h, uint64_t to)
{
    while (h->done < to)
        pass(h, piece(h, to).len);
}

enum err held_settle(struct held *h, uint64_t to)
{
    switch (h->flow) {
    case HELD_GIVE:
        return held_give(h, to);
    case HELD_DROP:
        held_drop(h, to);
        return ERR_OK;
    case HELD_KEEP:
        break;
    }
    return ERR_OK;
}

enum err held_add(struct held *h, struct slice bytes)
{
    return buf_add(h->out, bytes);
}

enum err held_check(const struct held *h, uint64_t to)
{
    return to - h->done > h->kept.bound ? ERR_FULL : ERR_OK;
}

enum err held_end(struct held *h)
{
    uint64_t end = h->chunk_at + h->chunk.len;
    TRY(held_settle(h, end));
    if (h->done < end) {
        size_t fresh = (size_t)(end - (h->done > h->chunk_at ? h->done : h->chunk_at));
        TRY(buf_add(&h->kept, slice_from(h->chunk, h->chunk.len - fresh)));
    }
    h->chunk_at = end;
    h->chunk = (struct slice){0};
    h->out = NULL;
    return ERR_OK;
}
