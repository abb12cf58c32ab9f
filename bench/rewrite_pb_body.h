#ifndef WEFT_BENCH_REWRITE_PB_BODY_H
#define WEFT_BENCH_REWRITE_PB_BODY_H

/* rewrite_pb_body - the order of rewrite_pb_order.proto, as its consumer writes it. */
#include "contracts/pb/pbwire.h"

enum { REWRITE_PB_BODY_BOUND = 8 << 20 };

static inline void rewrite_pb_body_text(struct buf *out, uint64_t field, const char *text)
{
    pbwire_put_key(out, field, PBWIRE_BYTES);
    pbwire_put_bytes(out, slice_str(text));
}

static inline void rewrite_pb_body_line(struct buf *out, unsigned i)
{
    struct buf line;
    double price = i % 100 + 0.5;
    uint64_t bits;
    memcpy(&bits, &price, sizeof(bits));
    buf_init(&line, REWRITE_PB_BODY_BOUND);
    rewrite_pb_body_text(&line, 1, "AB-1234567");
    pbwire_put_key(&line, 2, PBWIRE_VARINT);
    pbwire_put_varint(&line, 1 + i % 9);
    pbwire_put_key(&line, 3, PBWIRE_64);
    pbwire_put_fixed(&line, bits, 8);
    rewrite_pb_body_text(&line, 4, "A lamp for the desk, brass and green glass");
    pbwire_put_key(&line, 5, PBWIRE_VARINT);
    pbwire_put_varint(&line, 1);
    rewrite_pb_body_text(&line, 6, "leave it at the door, ring twice");
    pbwire_put_key(&line, 7, PBWIRE_VARINT);
    pbwire_put_varint(&line, 1000 + i);
    pbwire_put_key(out, 6, PBWIRE_BYTES);
    pbwire_put_bytes(out, buf_slice(&line));
    buf_fini(&line);
}

/* An order of about so many bytes. */
static inline void rewrite_pb_body_put(struct buf *out, size_t bytes)
{
    rewrite_pb_body_text(out, 1, "o-17");
    rewrite_pb_body_text(out, 2, "-");
    pbwire_put_key(out, 3, PBWIRE_VARINT);
    pbwire_put_varint(out, 1);
    rewrite_pb_body_text(out, 4, "-");
    for (unsigned i = 0; buf_len(out) < bytes; i++)
        rewrite_pb_body_line(out, i);
}

#endif
