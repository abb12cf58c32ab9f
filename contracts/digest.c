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

enum { DIGITS = 256, DIGIT_BITS = 8, KEY_DIGITS = 8 };
_Static_assert((int)VOCABULARY_COUNT <= (int)DIGITS, "a relation is one digit");

static unsigned digit_of(const struct entry *e, unsigned number)
{
    return number == KEY_DIGITS ? (unsigned)e->relation : (unsigned)(e->key >> (DIGIT_BITS * number)) & (DIGITS - 1);
}

static int in_order(const void *a, const void *b, void *arg)
{
    const struct entry *x = a, *y = b;
    const struct sorting *s = arg;
    return fact_cmp(&s->v[x->at], &s->v[y->at]);
}

/* One pass for the digit `number` of all keys, KEY_DIGITS being the relation: what is in order by the digits below
 * stays so.  false: it is the same everywhere. */
static bool pass(const struct entry *from, struct entry *to, size_t count, unsigned number)
{
    size_t places[DIGITS + 1] = {0};
    for (size_t i = 0; i < count; i++)
        places[digit_of(&from[i], number) + 1]++;
    if (places[digit_of(&from[0], number) + 1] == count)
        return false;
    for (unsigned d = 0; d < DIGITS; d++)
        places[d + 1] += places[d];
    for (size_t i = 0; i < count; i++)
        to[places[digit_of(&from[i], number)]++] = from[i];
    return true;
}

/* By relation and key; which of the two arrays has them. */
static struct entry *by_key(struct entry *entries, struct entry *other, size_t count)
{
    for (unsigned number = 0; number <= KEY_DIGITS; number++)
        if (pass(entries, other, count, number)) {
            struct entry *swap = entries;
            entries = other;
            other = swap;
        }
    return entries;
}

/* What has one key is compared as it is. */
static void by_fact(struct entry *entries, size_t count, const struct fact *v)
{
    struct sorting s = {.v = v};
    for (size_t from = 0, to = 0; from < count; from = to) {
        while (to < count && entries[to].key == entries[from].key && entries[to].relation == entries[from].relation)
            to++;
        if (to - from > 1)
            qsort_r(entries + from, to - from, sizeof(*entries), in_order, &s);
    }
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
    struct entry *entries = entries_of(facts), *other = mem_array(facts->count, sizeof(*other));
    struct entry *sorted = by_key(entries, other, facts->count);
    by_fact(sorted, facts->count, facts->v);
    put_in_order(facts, sorted);
    mem_free(entries);
    mem_free(other);
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
