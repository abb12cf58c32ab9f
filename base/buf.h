#ifndef WEFT_BASE_BUF_H
#define WEFT_BASE_BUF_H

/* buf - an owned, bounded, growable run of bytes with a read end and a write end.
 *
 * Bytes are added at the end and taken from the front.  What is unread is one
 * slice; it is valid until the next call that changes the buf.
 *
 * Lifetime: caller's memory; a zeroed buf is empty with bound 0 (nothing fits),
 *           buf_fini is safe on it.
 * Threads:  belongs to one. */
#include <stdarg.h>

#include "base/slice.h"

struct buf {
    char *mem;
    size_t cap;
    size_t start; /* first unread byte */
    size_t end;   /* one past the last */
    size_t bound; /* most unread bytes it may ever hold */
};

enum { BUF_TEXT_BOUND = 64 << 20 }; /* for what we write ourselves */

void buf_init(struct buf *b, size_t bound);
void buf_fini(struct buf *b);

static inline size_t buf_len(const struct buf *b)
{
    return b->end - b->start;
}

static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->mem ? b->mem + b->start : NULL, b->end - b->start);
}

/* FULL: it would pass the bound, nothing was added. */
MUST_USE enum err buf_add(struct buf *b, struct slice bytes);
/* At least `n` writable bytes at `*at`; say with buf_wrote how many were used. */
MUST_USE enum err buf_room(struct buf *b, size_t n, char **at);
void buf_wrote(struct buf *b, size_t n);
/* Drops `n` bytes from the front. */
void buf_took(struct buf *b, size_t n);
void buf_clear(struct buf *b);
/* Keeps the first `len` unread bytes. */
void buf_cut(struct buf *b, size_t len);
/* Gives memory back when nothing is unread. */
void buf_trim(struct buf *b);

/* For text of our own making, whose length no peer decides: past the bound is a broken promise. */
void buf_put(struct buf *b, struct slice bytes);
void buf_put_char(struct buf *b, char c);
void buf_put_u64(struct buf *b, uint64_t n);
void buf_putf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vputf(struct buf *b, const char *format, va_list args);
/* THE escaping printer: bytes of a peer for people; control and non-ASCII bytes as \xHH,
 * at most `most` bytes shown, "..." after them. */
void buf_put_safe(struct buf *b, struct slice bytes, size_t most);
/* NUL-terminates without counting the NUL; valid until the next change. */
const char *buf_text(struct buf *b);

#endif
