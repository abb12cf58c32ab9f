#ifndef WEFT_HTTP_H2_MEM_H
#define WEFT_HTTP_H2_MEM_H

/* h2_mem - the small blocks that HTTP/2 sessions take and give back for every stream.
 *
 * A stream costs nghttp2 a dozen blocks under a kilobyte, and the many streams of a
 * turn are more than malloc keeps at hand.  Here given blocks wait by size, up to a
 * bound, for whichever session of the same owner asks next.
 *
 * What a session takes when it is made stands together in a home of its own: its state, and behind
 * it, on the same page, the beginning of the 16 KiB in which it writes frames; from the other end the
 * tables of streams and fields.  So an idle connection, whose frames were short, has touched
 * one page of seven.
 *
 * Lifetime: outlives its sessions.
 * Threads:  belongs to the loop.  Private to http/. */
#include <stddef.h>

struct h2_mem;

/* With homes for so many sessions at a time (0..65535); more of them, and all when it is 0, do without. */
struct h2_mem *h2_mem_new(size_t homes);
void h2_mem_free(struct h2_mem **m);

/* Around the making of a session: what is taken meanwhile goes into one home, as far as there is room. */
void h2_mem_settle(struct h2_mem *m);
void h2_mem_settled(struct h2_mem *m);

/* In the shape that nghttp2 asks for: `mem` is a struct h2_mem. */
void *h2_mem_take(size_t size, void *mem);
void *h2_mem_take_zeroed(size_t count, size_t size, void *mem);
void *h2_mem_resize(void *block, size_t size, void *mem);
/* NULL is fine. */
void h2_mem_give(void *block, void *mem);

#endif
