#include "base/slab.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ALONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ALONE 1
#endif
#endif

enum { BLOCK = 256 << 10 };

/* Begins at a multiple of its size, so that an object knows its block. */
struct block {
    struct list link;     /* among the roomy ones, unless it is full */
    void *free;           /* each free object points to the next */
    uint32_t used, fresh; /* objects that are; objects that were never given out begin there */
};

enum { FIRST = (sizeof(struct block) + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t) };

void slab_init(struct slab *s, size_t size)
{
    PRE(size >= sizeof(void *) && size <= SLAB_OBJECT_MOST);
    *s = (struct slab){.size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t)};
    list_init(&s->roomy);
}

#ifdef SLAB_ALONE

void slab_fini(struct slab *s)
{
    PRE(s->used == 0);
}

void *slab_new(struct slab *s)
{
    s->used++;
    return mem_new(s->size);
}

void slab_free(struct slab *s, void *object)
{
    s->used--;
    mem_free(object);
}

#else

static struct block *block_of(void *object)
{
    return (struct block *)((uintptr_t)object & ~(uintptr_t)(BLOCK - 1));
}

static void end_block(struct slab *s, struct block *b)
{
    list_remove(&b->link);
    s->block_count--;
    mem_pages_free(b, BLOCK);
}

void slab_fini(struct slab *s)
{
    PRE(s->used == 0);
    while (s->size && !list_empty(&s->roomy))
        end_block(s, LIST_OF(list_first(&s->roomy), struct block, link));
}

static struct block *roomy(struct slab *s)
{
    if (!list_empty(&s->roomy))
        return LIST_OF(list_first(&s->roomy), struct block, link);
    struct block *b = mem_aligned_pages(BLOCK);
    *b = (struct block){.fresh = FIRST};
    list_init(&b->link);
    list_push_front(&s->roomy, &b->link);
    s->block_count++;
    return b;
}

static bool is_full(const struct slab *s, const struct block *b)
{
    return !b->free && b->fresh + s->size > BLOCK;
}

void *slab_new(struct slab *s)
{
    struct block *b = roomy(s);
    void *object = b->free;
    if (object) {
        memcpy(&b->free, object, sizeof(b->free));
    } else {
        object = (char *)b + b->fresh;
        b->fresh += (uint32_t)s->size;
    }
    b->used++;
    s->used++;
    if (is_full(s, b))
        list_remove(&b->link);
    return memset(object, 0, s->size);
}

void slab_free(struct slab *s, void *object)
{
    struct block *b = block_of(object);
    PRE(b->used > 0);
    if (is_full(s, b))
        list_push_front(&s->roomy, &b->link);
    memcpy(object, &b->free, sizeof(b->free));
    b->free = object;
    b->used--;
    s->used--;
    if (b->used == 0 && s->block_count > 1)
        end_block(s, b);
}

#endif
