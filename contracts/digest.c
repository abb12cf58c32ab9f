#include "contracts/digest.h"

#include <stdlib.h>

#include "base/mem.h"

static int in_order(const void *a, const void *b)
{
    return fact_cmp(a, b);
}

void digest_sort(struct fact_list *facts)
{
    if (facts->count == 0)
        return;
    qsort(facts->v, facts->count, sizeof(*facts->v), in_order);
    size_t kept = 1;
    for (size_t i = 1; i < facts->count; i++)
        if (fact_cmp(&facts->v[kept - 1], &facts->v[i]) != 0)
            facts->v[kept++] = facts->v[i];
    facts->count = kept;
    facts->room = kept;
    facts->v = mem_resize(facts->v, kept, sizeof(*facts->v));
}

static void put_line(const struct fact *f, struct buf *out)
{
    if (f->relation == VOCABULARY_AT)
        return;
    fact_put(f, out);
    buf_put_char(out, '\n');
}

void digest_put(const struct fact_list *facts, struct buf *out)
{
    for (size_t i = 0; i < facts->count; i++)
        put_line(&facts->v[i], out);
}

/* Hashed by the piece: the whole text may be as large as all facts. */
enum { PIECE = 1 << 16 };

struct hash_digest digest_of(const struct fact_list *facts, size_t *bytes)
{
    *bytes = 0;
    struct hash_running running;
    struct buf piece;
    buf_init(&piece, SIZE_MAX);
    hash_begin(&running);
    for (size_t i = 0; i < facts->count; i++) {
        put_line(&facts->v[i], &piece);
        if (buf_len(&piece) < PIECE)
            continue;
        hash_add(&running, buf_slice(&piece));
        *bytes += buf_len(&piece);
        buf_clear(&piece);
    }
    *bytes += buf_len(&piece);
    hash_add(&running, buf_slice(&piece));
    buf_fini(&piece);
    return hash_end(&running);
}
