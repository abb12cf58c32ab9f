#include "http/h2_mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { STEP = 64, CLASSES = 16, KEPT_MOST = 1 << 20 };

/* Stands before each block; `next` counts while it waits. */
struct block {
    struct block *next;
    size_t steps; /* its size in steps */
    _Alignas(max_align_t) char bytes[];
};

struct h2_mem {
    struct block *waiting[CLASSES + 1]; /* by steps */
    size_t kept;                        /* bytes that wait */
};

struct h2_mem *h2_mem_new(void)
{
    return mem_new(sizeof(struct h2_mem));
}

void h2_mem_free(struct h2_mem **m)
{
    if (!*m)
        return;
    for (size_t i = 0; i <= CLASSES; i++) {
        while ((*m)->waiting[i]) {
            struct block *b = (*m)->waiting[i];
            (*m)->waiting[i] = b->next;
            mem_free(b);
        }
    }
    mem_free(*m);
    *m = NULL;
}

static struct block *block_of(void *bytes)
{
    return (struct block *)(void *)((char *)bytes - offsetof(struct block, bytes));
}

void *h2_mem_take(size_t size, void *mem)
{
    struct h2_mem *m = mem;
    PRE(size <= SIZE_MAX / 2);
    size_t steps = (size + STEP - 1) / STEP;
    struct block *b = steps <= CLASSES ? m->waiting[steps] : NULL;
    if (b) {
        m->waiting[steps] = b->next;
        m->kept -= steps * STEP;
        return b->bytes;
    }
    b = mem_resize(NULL, sizeof(*b) + steps * STEP, 1);
    b->steps = steps;
    return b->bytes;
}

void *h2_mem_take_zeroed(size_t count, size_t size, void *mem)
{
    size_t total;
    bool over = __builtin_mul_overflow(count, size, &total);
    PRE(!over);
    return memset(h2_mem_take(total, mem), 0, total);
}

void *h2_mem_resize(void *block, size_t size, void *mem)
{
    if (!block)
        return h2_mem_take(size, mem);
    size_t had = block_of(block)->steps * STEP;
    if (size <= had)
        return block;
    void *larger = h2_mem_take(size, mem);
    memcpy(larger, block, had);
    h2_mem_give(block, mem);
    return larger;
}

void h2_mem_give(void *block, void *mem)
{
    struct h2_mem *m = mem;
    if (!block)
        return;
    struct block *b = block_of(block);
    if (b->steps > CLASSES || m->kept + b->steps * STEP > KEPT_MOST) {
        mem_free(b);
        return;
    }
    b->next = m->waiting[b->steps];
    m->waiting[b->steps] = b;
    m->kept += b->steps * STEP;
}
