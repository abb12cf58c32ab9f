#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20, ALIGNMENT = _Alignof(max_align_t) };

struct arena_block {
    struct arena_block *next; /* older */
    size_t cap;
    size_t used;
    bool lent; /* by the caller, and the oldest */
    _Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t bound)
{
    *a = (struct arena){.bound = bound};
}

void arena_init_in(struct arena *a, size_t bound, void *room, size_t size)
{
    struct arena_block *block = room;
    PRE(size >= sizeof(*block) && (uintptr_t)room % _Alignof(struct arena_block) == 0);
    *block = (struct arena_block){.cap = size - sizeof(*block), .lent = true};
    *a = (struct arena){.blocks = block, .bound = bound};
}

void arena_fini(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *older = a->blocks->next;
        if (!a->blocks->lent)
            mem_free(a->blocks);
        a->blocks = older;
    }
    a->used = 0;
}

void arena_reset(struct arena *a)
{
    while (a->blocks && a->blocks->next) {
        struct arena_block *older = a->blocks->next;
        mem_free(a->blocks);
        a->blocks = older;
    }
    if (a->blocks)
        a->blocks->used = 0;
    a->used = 0;
}

static char *take_new(struct arena *a, size_t size)
{
    size_t cap = a->blocks ? a->blocks->cap * 2 : FIRST_BLOCK;
    if (cap > LARGEST_BLOCK)
        cap = LARGEST_BLOCK;
    if (cap < size)
        cap = size;
    PRE(cap <= SIZE_MAX - sizeof(struct arena_block));
    struct arena_block *block = mem_resize(NULL, sizeof(*block) + cap, 1);
    block->next = a->blocks;
    block->cap = cap;
    block->used = size;
    block->lent = false;
    a->blocks = block;
    return block->bytes;
}

/* `size` bytes that are not zeroed, counted as `size`; `alignment` is a power of two. */
static inline char *take(struct arena *a, size_t size, size_t alignment)
{
    struct arena_block *b = a->blocks;
    size_t at = b ? (b->used + alignment - 1) & -alignment : 0;
    a->used += size;
    if (!b || at > b->cap || size > b->cap - at)
        return take_new(a, size);
    b->used = at + size;
    return b->bytes + at;
}

void *arena_new(struct arena *a, size_t size)
{
    return arena_array(a, 1, size);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t total;
    bool over = __builtin_mul_overflow(count, size, &total);
    PRE(!over);
    char *at = take(a, total, ALIGNMENT);
    memset(at, 0, total);
    return at;
}

void *arena_room(struct arena *a, size_t size)
{
    return take(a, size, ALIGNMENT);
}

enum err arena_copy(struct arena *a, struct slice bytes, struct slice *copy)
{
    if (a->used > a->bound || bytes.len > a->bound - a->used)
        return ERR_FULL;
    *copy = arena_keep(a, bytes);
    return ERR_OK;
}

struct slice arena_keep(struct arena *a, struct slice bytes)
{
    /* Nothing costs nothing, so that no number of empty strings passes the bound. */
    if (bytes.len == 0)
        return SLICE("");
    PRE(bytes.len < SIZE_MAX);
    char *at = take(a, bytes.len + 1, 1);
    memcpy(at, bytes.at, bytes.len);
    at[bytes.len] = '\0';
    a->used--; /* the NUL is not counted */
    return slice_of(at, bytes.len);
}

struct slice arena_putf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    PRE(len >= 0);
    size_t n = (size_t)len;
    char *at = take(a, n + 1, 1);
    vsnprintf(at, n + 1, format, again);
    va_end(again);
    a->used--;
    return slice_of(at, n);
}

struct slice arena_join(struct arena *a, struct slice first, const char *between, struct slice second)
{
    struct slice middle = slice_str(between), parts[] = {first, middle, second};
    size_t n = first.len + middle.len + second.len, made = 0;
    char *at = take(a, n + 1, 1);
    for (size_t i = 0; i < 3; made += parts[i].len, i++)
        if (parts[i].len)
            memcpy(at + made, parts[i].at, parts[i].len);
    at[n] = '\0';
    a->used--;
    return slice_of(at, n);
}
