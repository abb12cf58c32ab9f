#include "broker/job.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "broker/labels.h"

/* Dead is no last state: a person may give the job another chance. */
const struct sm_row job_rows[JOB_STATES] = {
    [JOB_DELAYED] = {"delayed", SM_TO(JOB_QUEUED) | SM_TO(JOB_CANCELLED) | SM_TO(JOB_DEAD), SM_FIRST},
    [JOB_QUEUED] = {"queued", SM_TO(JOB_LEASED) | SM_TO(JOB_CANCELLED) | SM_TO(JOB_DEAD), SM_FIRST},
    [JOB_LEASED] = {"leased",
                    SM_TO(JOB_DONE) | SM_TO(JOB_QUEUED) | SM_TO(JOB_DELAYED) | SM_TO(JOB_CANCELLED) | SM_TO(JOB_DEAD),
                    0},
    [JOB_DONE] = {"done", 0, SM_LAST},
    [JOB_CANCELLED] = {"cancelled", 0, SM_LAST},
    [JOB_DEAD] = {"dead", SM_TO(JOB_QUEUED) | SM_TO(JOB_DELAYED), 0},
};

enum { BITS = 5, BYTES_OF_TIME = 6, ALPHABET = 32 };

_Static_assert(sizeof(struct job) <= 136, "a job costs little memory while it waits");

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* 128 bits in 26 characters of five: the first has three. */
void job_id_text(const uint8_t bytes[JOB_ID_BYTES], char out[JOB_ID + 1])
{
    unsigned held = 0, bits = 2;
    char *at = out;
    for (unsigned i = 0; i < JOB_ID_BYTES; i++) {
        held = held << 8 | bytes[i];
        for (bits += 8; bits >= BITS; bits -= BITS)
            *at++ = digits[held >> (bits - BITS) & (ALPHABET - 1)];
    }
    *at = '\0';
}

/* ALPHABET: it is none. */
static unsigned value_of(char c)
{
    static const uint8_t values[] = {
        /* '0' to '9', then what stands between, then 'A' to 'Z' without I, L, O and U */
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  32, 32, 32, 32, 32, 32, 32, 10, 11, 12, 13, 14,
        15, 16, 17, 32, 18, 19, 32, 20, 21, 32, 22, 23, 24, 25, 26, 32, 27, 28, 29, 30, 31,
    };
    return c >= '0' && c <= 'Z' ? values[c - '0'] : ALPHABET;
}

bool job_id_is(struct slice text)
{
    if (text.len != JOB_ID || value_of(text.at[0]) > 7)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (value_of(text.at[i]) == ALPHABET)
            return false;
    return true;
}

void job_id_bytes(struct slice text, uint8_t out[JOB_ID_BYTES])
{
    PRE(text.len == JOB_ID);
    unsigned held = 0, bits = 0, made = 0;
    for (size_t i = 0; i < JOB_ID; i++) {
        held = held << BITS | value_of(text.at[i]);
        bits += i == 0 ? 3 : BITS;
        if (bits >= 8) {
            bits -= 8;
            out[made++] = (uint8_t)(held >> bits);
        }
    }
}

void job_id_make(char out[JOB_ID + 1], int64_t wall_ms, const uint8_t random[10])
{
    uint8_t bytes[JOB_ID_BYTES];
    for (unsigned i = 0; i < BYTES_OF_TIME; i++)
        bytes[i] = (uint8_t)((uint64_t)wall_ms >> (8 * (BYTES_OF_TIME - 1 - i)));
    memcpy(bytes + BYTES_OF_TIME, random, JOB_ID_BYTES - BYTES_OF_TIME);
    job_id_text(bytes, out);
}

static struct job_name *name_new(struct job_table *t, struct slice text)
{
    struct job_name *n = mem_new(sizeof(*n) + text.len + 1);
    n->len = text.len;
    if (text.len > 0)
        memcpy(n->text, text.at, text.len);
    (void)map_put(&t->names, job_name_text(n), n);
    return n;
}

static const struct job_name *name_ref(struct job_table *t, struct slice text)
{
    struct job_name *n = map_get(&t->names, text);
    if (!n)
        n = name_new(t, text);
    n->uses++;
    return n;
}

static void name_unref(struct job_table *t, const struct job_name *name)
{
    struct job_name *n = (struct job_name *)(uintptr_t)name;
    PRE(n->uses > 0);
    if (--n->uses > 0)
        return;
    POST(map_del(&t->names, job_name_text(n)) == n);
    mem_free(n);
}

/* The four names are the key: each is kept once, so that where it lies says which it is. */
static struct slice kind_key(const struct job_kind *k)
{
    return slice_of(k, offsetof(struct job_kind, key));
}

static void names_unref(struct job_table *t, const struct job_kind *k)
{
    name_unref(t, k->service);
    name_unref(t, k->caller);
    name_unref(t, k->operation);
    name_unref(t, k->labels);
    if (k->key)
        name_unref(t, k->key);
}

static bool is_kind(const struct job_kind *k, const struct job_spec *spec)
{
    return k && slice_eq(job_name_text(k->service), spec->service) &&
           slice_eq(job_name_text(k->caller), spec->caller) && slice_eq(job_name_text(k->operation), spec->operation) &&
           slice_eq(job_name_text(k->labels), spec->labels);
}

/* No service has a line feed in its name. */
static const struct job_name *key_ref(struct job_table *t, const struct job_spec *spec)
{
    struct slice key = labels_key(spec->labels);
    struct buf text;
    if (key.len == 0)
        return NULL;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_put(&text, spec->service);
    buf_put_char(&text, '\n');
    buf_put(&text, key);
    const struct job_name *n = name_ref(t, buf_slice(&text));
    buf_fini(&text);
    return n;
}

static struct job_kind *find_kind(struct job_table *t, const struct job_spec *spec)
{
    struct job_kind wanted = {
        .service = name_ref(t, spec->service),
        .caller = name_ref(t, spec->caller),
        .operation = name_ref(t, spec->operation),
        .labels = name_ref(t, spec->labels),
    };
    struct job_kind *k = map_get(&t->kinds, kind_key(&wanted));
    if (k) {
        names_unref(t, &wanted); /* the kind holds them */
        return k;
    }
    k = mem_new(sizeof(*k));
    *k = wanted;
    k->key = key_ref(t, spec);
    (void)map_put(&t->kinds, kind_key(k), k);
    return k;
}

static const struct job_kind *kind_ref(struct job_table *t, const struct job_spec *spec)
{
    if (!is_kind(t->recent, spec))
        t->recent = find_kind(t, spec);
    t->recent->uses++;
    return t->recent;
}

static void kind_unref(struct job_table *t, const struct job_kind *kind)
{
    struct job_kind *k = (struct job_kind *)(uintptr_t)kind;
    PRE(k->uses > 0);
    if (--k->uses > 0)
        return;
    if (t->recent == k)
        t->recent = NULL;
    POST(map_del(&t->kinds, kind_key(k)) == k);
    names_unref(t, k);
    mem_free(k);
}

static struct slice id_of(const void *job)
{
    return slice_of(((const struct job *)job)->id, JOB_ID);
}

/* A zeroed table is ready: what it needs is made with its first job. */
static void wake(struct job_table *t)
{
    if (t->by_id.key_of)
        return;
    t->by_id.key_of = id_of;
    slab_init(&t->slab, sizeof(struct job));
}

struct job *job_new(struct job_table *t, const struct job_spec *spec)
{
    PRE(job_id_is(spec->id));
    PRE(spec->service.len <= JOB_NAME_MOST && spec->caller.len <= JOB_NAME_MOST);
    PRE(spec->operation.len <= JOB_NAME_MOST);
    wake(t);
    struct job *j = slab_new(&t->slab);

    memcpy(j->id, spec->id.at, JOB_ID);
    struct sm state;
    sm_init(&state, job_rows, spec->state);
    j->state = (uint8_t)state.at;
    j->kind = kind_ref(t, spec);
    t->count[spec->state]++;
    index_put(&t->by_id, j);
    return j;
}

void job_table_expect(struct job_table *t, size_t count)
{
    wake(t);
    index_reserve(&t->by_id, count);
}

struct job *job_find(const struct job_table *t, struct slice id)
{
    return index_get(&t->by_id, id);
}

/* Names are shared, and ours to count in. */
static void count_name(const struct job_name *name, bool more)
{
    struct job_name *n = (struct job_name *)(uintptr_t)name;
    PRE(more || n->leased > 0);
    n->leased += more ? 1 : (size_t)-1;
}

static void count_leased(const struct job *j, bool more)
{
    count_name(j->kind->service, more);
    if (j->kind->key)
        count_name(j->kind->key, more);
}

size_t job_leased(const struct job_table *t, struct slice service)
{
    const struct job_name *n = map_get(&t->names, service);
    return n ? n->leased : 0;
}

void job_free(struct job_table *t, struct job **j)
{
    struct job *old = *j;

    if (!old)
        return;
    if (job_state(old) == JOB_LEASED)
        count_leased(old, false);
    PRE(old->place == JOB_NOWHERE);
    index_del(&t->by_id, old);
    t->count[job_state(old)]--;
    kind_unref(t, old->kind);
    slab_free(&t->slab, old);
    *j = NULL;
}

struct job *job_next(const struct job_table *t, size_t *at)
{
    return index_next(&t->by_id, at);
}

void job_table_fini(struct job_table *t)
{
    size_t at = 0;
    for (struct job *j = job_next(t, &at); j; j = job_next(t, &at))
        job_free(t, &j);
    for (unsigned i = 0; i < JOB_STATES; i++)
        POST(t->count[i] == 0);
    POST(t->names.count == 0 && t->kinds.count == 0);
    index_fini(&t->by_id);
    slab_fini(&t->slab);
    map_fini(&t->names);
    map_fini(&t->kinds);
}

void job_move(struct job_table *t, struct job *j, enum job_state next)
{
    if (job_state(j) == JOB_LEASED)
        count_leased(j, false);
    t->count[job_state(j)]--;
    struct sm state = {job_rows, j->state};
    sm_move(&state, next);
    j->state = (uint8_t)state.at;
    t->count[next]++;
    if (next == JOB_LEASED)
        count_leased(j, true);
}

bool job_may(enum job_state from, enum job_state to)
{
    return from < JOB_STATES && to < JOB_STATES && job_rows[from].to & SM_TO(to);
}

bool job_over(enum job_state state)
{
    return state == JOB_DONE || state == JOB_CANCELLED || state == JOB_DEAD;
}

const char *job_state_name(enum job_state state)
{
    return state < JOB_STATES ? job_rows[state].name : "unknown";
}
