#include "http/h2_mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { STEP = 64, CLASSES = 16, KEPT_MOST = 1 << 20 };
enum { HOME_SIZE = 28 << 10, SMALL = 512, LARGE = 8 << 10, HOMES_KEPT = 8 };

/* Stands before each block; `next` counts while it waits. */
struct block {
    struct block *next;
    size_t steps; /* its size in steps */
    _Alignas(max_align_t) char bytes[];
};

/* The blocks of a session's beginning have nothing before them: where they lie tells what they are, and the pages of
 * those that are not used yet stay untouched. */
struct home {
    size_t front, back; /* between them is room */
    unsigned blocks;    /* in use; the session that is being made counts as one */
    bool used;          /* before: not all of it is zero */
};

struct h2_mem {
    struct block *waiting[CLASSES + 1]; /* by steps */
    size_t kept;                        /* bytes that wait */
    char *homes;                        /* all of them, once there is one */
    size_t homes_most, homes_made;
    uint16_t *empty; /* numbers of homes that nobody lives in any more, the last left on top */
    size_t empty_count;
    struct home *settling; /* what is taken goes here */
};

struct h2_mem *h2_mem_new(size_t homes)
{
    struct h2_mem *m = mem_new(sizeof(*m));
    PRE(homes <= UINT16_MAX);
    m->homes_most = homes;
    return m;
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
    if ((*m)->homes)
        mem_pages_free((*m)->homes, (*m)->homes_most * HOME_SIZE);
    mem_free((*m)->empty);
    mem_free(*m);
    *m = NULL;
}

/* Homes. */

static size_t home_number(const struct h2_mem *m, const void *block)
{
    return ((uintptr_t)block - (uintptr_t)m->homes) / HOME_SIZE;
}

static bool is_at_home(const struct h2_mem *m, const void *block)
{
    return (uintptr_t)block - (uintptr_t)m->homes < m->homes_made * HOME_SIZE;
}

static struct home *home_of(const struct h2_mem *m, size_t number)
{
    return (struct home *)(void *)(m->homes + number * HOME_SIZE);
}

void h2_mem_settle(struct h2_mem *m)
{
    if (m->homes_most > 0 && !m->homes) {
        m->homes = mem_pages(m->homes_most * HOME_SIZE);
        m->empty = mem_array(m->homes_most, sizeof(*m->empty));
    }
    if (m->empty_count > 0)
        m->settling = home_of(m, m->empty[--m->empty_count]);
    else if (m->homes_made < m->homes_most)
        m->settling = home_of(m, m->homes_made++);
    else
        return;
    m->settling->front = STEP;
    m->settling->back = HOME_SIZE;
    m->settling->blocks = 1;
}

static void leave(struct h2_mem *m, struct home *h)
{
    if (--h->blocks > 0)
        return;
    h->used = true;
    if (m->empty_count >= HOMES_KEPT)
        mem_pages_forget(h, HOME_SIZE);
    m->empty[m->empty_count++] = (uint16_t)home_number(m, h);
}

void h2_mem_settled(struct h2_mem *m)
{
    struct home *h = m->settling;
    m->settling = NULL;
    if (h)
        leave(m, h);
}

/* In front the state, which comes first, what is small, and the frames; tables, which come between them, at the back.
 */
static void *take_at_home(struct home *h, size_t size)
{
    if (!h || size > h->back - h->front)
        return NULL;
    size_t at = h->front;
    if (h->blocks == 1 || size < SMALL || size > LARGE)
        h->front += size;
    else
        at = h->back -= size;
    h->blocks++;
    return (char *)h + at;
}

/* Blocks. */

static struct block *block_of(void *bytes)
{
    return (struct block *)(void *)((char *)bytes - offsetof(struct block, bytes));
}

void *h2_mem_take(size_t size, void *mem)
{
    struct h2_mem *m = mem;
    PRE(size <= SIZE_MAX / 2);
    size_t steps = (size + STEP - 1) / STEP;
    void *at_home = take_at_home(m->settling, steps * STEP);
    if (at_home)
        return at_home;
    struct block *b = steps <= CLASSES ? m->waiting[steps] : NULL;
    if (b) {
        m->waiting[steps] = b->next;
        m->kept -= steps * STEP;
        if (b->next)
            __builtin_prefetch(b->next, 1); /* the next of a flock finds it at hand */
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
    const struct h2_mem *m = mem;
    void *bytes = h2_mem_take(total, mem);
    bool is_zero = is_at_home(m, bytes) && !home_of(m, home_number(m, bytes))->used;
    return is_zero ? bytes : memset(bytes, 0, total);
}

/* At home nobody knows where a block ends: behind it is what may be copied along, until the home ends. */
static size_t room_of(const struct h2_mem *m, void *block)
{
    if (!is_at_home(m, block))
        return block_of(block)->steps * STEP;
    return HOME_SIZE - ((uintptr_t)block - (uintptr_t)m->homes) % HOME_SIZE;
}

void *h2_mem_resize(void *block, size_t size, void *mem)
{
    if (!block)
        return h2_mem_take(size, mem);
    size_t had = room_of(mem, block);
    if (size <= had && !is_at_home(mem, block))
        return block;
    void *larger = h2_mem_take(size, mem);
    memcpy(larger, block, had < size ? had : size);
    h2_mem_give(block, mem);
    return larger;
}

void h2_mem_give(void *block, void *mem)
{
    struct h2_mem *m = mem;
    if (!block)
        return;
    if (is_at_home(m, block)) {
        leave(m, home_of(m, home_number(m, block)));
        return;
    }
    struct block *b = block_of(block);
    if (b->steps > CLASSES || m->kept + b->steps * STEP > KEPT_MOST) {
        mem_free(b);
        return;
    }
    b->next = m->waiting[b->steps];
    m->waiting[b->steps] = b;
    m->kept += b->steps * STEP;
}
