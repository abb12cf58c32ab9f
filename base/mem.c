#include "base/mem.h"

#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_size_t alive;

/* There is no way on without small memory, and pretending there is one would put an untested branch after
 * every call. */
static void *or_abort(void *p, size_t count, size_t size)
{
    if (p)
        return p;
    fprintf(stderr, "out of memory: %zu times %zu bytes\n", count, size);
    abort();
}

void *mem_new(size_t size)
{
    return mem_array(1, size);
}

void *mem_array(size_t count, size_t size)
{
    /* calloc may answer NULL for nothing, which is no failure. */
    void *p = count && size ? calloc(count, size) : calloc(1, 1);
    or_abort(p, count, size);
    atomic_fetch_add_explicit(&alive, 1, memory_order_relaxed);
    return p;
}

void *mem_resize(void *old, size_t count, size_t size)
{
    if (!old)
        atomic_fetch_add_explicit(&alive, 1, memory_order_relaxed);
    void *p = count && size ? reallocarray(old, count, size) : realloc(old, 1);
    return or_abort(p, count, size);
}

void *mem_aligned_pages(size_t size)
{
    char *all = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    or_abort(all == MAP_FAILED ? NULL : all, 2, size);
    size_t before = -(uintptr_t)all & (size - 1);
    if (before > 0)
        (void)munmap(all, before);
    (void)munmap(all + before + size, size - before);
    atomic_fetch_add_explicit(&alive, 1, memory_order_relaxed);
    return all + before;
}

char *mem_copy(struct slice s)
{
    char *copy = mem_new(s.len + 1);
    if (s.len)
        memcpy(copy, s.at, s.len);
    return copy;
}

void mem_free(void *p)
{
    if (!p)
        return;
    atomic_fetch_sub_explicit(&alive, 1, memory_order_relaxed);
    free(p);
}

void *mem_pages(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    atomic_fetch_add_explicit(&alive, 1, memory_order_relaxed);
    return or_abort(p == MAP_FAILED ? NULL : p, 1, size);
}

void mem_pages_forget(void *at, size_t size)
{
    if (madvise(at, size, MADV_DONTNEED) != 0)
        memset(at, 0, size);
}

void mem_pages_free(void *pages, size_t size)
{
    atomic_fetch_sub_explicit(&alive, 1, memory_order_relaxed);
    (void)munmap(pages, size);
}

void mem_give_back(void)
{
    (void)malloc_trim(0);
}

/* Only whole pages of segments that nobody may write: what relocation has written lies in others. */
static void forget_segment(uintptr_t begin, size_t size, size_t page)
{
    uintptr_t first = (begin + page - 1) & -page, end = (begin + size) & -page;
    if (first < end)
        (void)madvise((char *)begin + (first - begin), end - first, MADV_DONTNEED);
}

static int forget_object(struct dl_phdr_info *object, size_t size, void *arg)
{
    const size_t *page = arg;
    (void)size;
    if (strncmp(object->dlpi_name, "linux-", 6) == 0)
        return 0; /* the kernel's own, not of a file */
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
            forget_segment(object->dlpi_addr + segment->p_vaddr, segment->p_memsz, *page);
    }
    return 0;
}

void mem_forget_code(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)dl_iterate_phdr(forget_object, &page);
}

size_t mem_alive(void)
{
    return atomic_load_explicit(&alive, memory_order_relaxed);
}
