#include "base/buf.h"

#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

enum { FIRST_CAP = 256, FORMAT_ROOM = 512 };

void buf_init(struct buf *b, size_t bound)
{
    *b = (struct buf){.bound = bound};
}

void buf_fini(struct buf *b)
{
    mem_free(b->mem);
    *b = (struct buf){.bound = b->bound};
}

static void to_front(struct buf *b)
{
    if (b->start == 0)
        return;
    memmove(b->mem, b->mem + b->start, buf_len(b));
    b->end -= b->start;
    b->start = 0;
}

/* At least `n` bytes behind `end`, whatever the bound says. */
static void make_room(struct buf *b, size_t n)
{
    if (b->cap - b->end >= n)
        return;
    size_t need = buf_len(b) + n;
    /* Moving is worth it only when at least half is read already, or each byte could be moved many times. */
    if (need <= b->cap && b->start >= buf_len(b)) {
        to_front(b);
        return;
    }
    to_front(b);
    if (need <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    b->mem = mem_resize(b->mem, cap, 1);
    b->cap = cap;
}

enum err buf_room(struct buf *b, size_t n, char **at)
{
    if (n > b->bound - buf_len(b))
        return ERR_FULL;
    make_room(b, n);
    *at = b->mem ? b->mem + b->end : NULL;
    return ERR_OK;
}

void buf_wrote(struct buf *b, size_t n)
{
    PRE(n <= b->cap - b->end && n <= b->bound - buf_len(b));
    b->end += n;
}

enum err buf_add(struct buf *b, struct slice bytes)
{
    char *at = NULL;
    TRY(buf_room(b, bytes.len, &at));
    if (bytes.len)
        memcpy(at, bytes.at, bytes.len);
    b->end += bytes.len;
    return ERR_OK;
}

void buf_took(struct buf *b, size_t n)
{
    PRE(n <= buf_len(b));
    b->start += n;
    if (b->start == b->end)
        buf_clear(b);
}

void buf_clear(struct buf *b)
{
    b->start = 0;
    b->end = 0;
}

void buf_cut(struct buf *b, size_t len)
{
    PRE(len <= buf_len(b));
    b->end = b->start + len;
}

void buf_trim(struct buf *b)
{
    if (buf_len(b) == 0)
        buf_fini(b);
}

void buf_put(struct buf *b, struct slice bytes)
{
    enum err e = buf_add(b, bytes);
    PRE(e == ERR_OK);
}

void buf_put_char(struct buf *b, char c)
{
    buf_put(b, slice_of(&c, 1));
}

void buf_put_u64(struct buf *b, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    buf_put(b, slice_of(digits + at, sizeof(digits) - at));
}

void buf_putf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vputf(b, format, args);
    va_end(args);
}

void buf_vputf(struct buf *b, const char *format, va_list args)
{
    char text[FORMAT_ROOM];
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(text, sizeof(text), format, args);
    PRE(len >= 0);
    size_t n = (size_t)len;
    if (n < sizeof(text)) {
        buf_put(b, slice_of(text, n));
    } else {
        PRE(n <= b->bound - buf_len(b));
        make_room(b, n + 1);
        vsnprintf(b->mem + b->end, n + 1, format, again);
        b->end += n;
    }
    va_end(again);
}

void buf_put_safe(struct buf *b, struct slice bytes, size_t most)
{
    static const char hex[] = "0123456789abcdef";
    struct slice shown = slice_to(bytes, most);
    for (size_t i = 0; i < shown.len; i++) {
        unsigned char c = (unsigned char)shown.at[i];
        if (c >= 0x20 && c < 0x7f)
            buf_put_char(b, (char)c);
        else
            buf_put(b, slice_of((const char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4));
    }
    if (shown.len < bytes.len)
        buf_put(b, SLICE("..."));
}

const char *buf_text(struct buf *b)
{
    make_room(b, 1);
    b->mem[b->end] = '\0';
    return b->mem + b->start;
}
