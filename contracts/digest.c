#include "contracts/digest.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

/* Facts are large and names begin alike, so what is sorted is where a fact stands and eight bytes of its first
 * column: those behind what all of its relation begin with. */
struct entry {
    uint64_t key;
    uint32_t relation, at;
};

struct sorting {
    const struct fact *v;
};

static int in_order(const void *a, const void *b, void *arg)
{
    const struct entry *x = a, *y = b;
    const struct sorting *s = arg;
    if (x->relation != y->relation)
        return x->relation < y->relation ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return fact_cmp(&s->v[x->at], &s->v[y->at]);
}

static size_t common(struct slice a, struct slice b)
{
    size_t n = 0;
    while (n < a.len && n < b.len && a.at[n] == b.at[n])
        n++;
    return n;
}

static uint64_t key_of(struct slice text, size_t behind)
{
    uint64_t key = 0;
    for (size_t i = behind; i < behind + sizeof(key); i++)
        key = key << 8 | (i < text.len ? (uint8_t)text.at[i] : 0);
    return key;
}

static struct entry *entries_of(const struct fact_list *facts)
{
    struct entry *entries = mem_array(facts->count, sizeof(*entries));
    struct slice begins[VOCABULARY_COUNT];
    bool met[VOCABULARY_COUNT] = {false};
    for (size_t i = 0; i < facts->count; i++) {
        const struct fact *f = &facts->v[i];
        struct slice *begin = &begins[f->relation];
        *begin = met[f->relation] ? slice_to(*begin, common(*begin, fact_text(f, 0))) : fact_text(f, 0);
        met[f->relation] = true;
    }
    for (size_t i = 0; i < facts->count; i++) {
        const struct fact *f = &facts->v[i];
        entries[i] = (struct entry){
            .key = key_of(fact_text(f, 0), begins[f->relation].len), .relation = f->relation, .at = (uint32_t)i};
    }
    return entries;
}

/* Carries each fact to its place, ring by ring. */
static void put_in_order(struct fact_list *facts, struct entry *entries)
{
    for (size_t i = 0; i < facts->count; i++) {
        if (entries[i].at == i)
            continue;
        struct fact first = facts->v[i];
        size_t to = i;
        for (size_t from = entries[i].at; from != i; from = entries[to].at) {
            facts->v[to] = facts->v[from];
            entries[to].at = (uint32_t)to;
            to = from;
        }
        facts->v[to] = first;
        entries[to].at = (uint32_t)to;
    }
}

void digest_sort(struct fact_list *facts)
{
    if (facts->count == 0)
        return;
    PRE(facts->count <= UINT32_MAX);
    struct entry *entries = entries_of(facts);
    qsort_r(entries, facts->count, sizeof(*entries), in_order, &(struct sorting){.v = facts->v});
    put_in_order(facts, entries);
    mem_free(entries);
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
