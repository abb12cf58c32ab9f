#include "broker/job.h"

#include "base/check.h"
#include "base/mem.h"

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

enum { TIME_CHARS = 10, RANDOM_BYTES = 10, BITS = 5 };

_Static_assert(sizeof(struct job) < 300, "a job costs little memory while it waits");

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void job_id_make(char out[JOB_ID + 1], int64_t wall_ms, const uint8_t random[10])
{
    for (unsigned i = 0; i < TIME_CHARS; i++)
        out[i] = digits[(uint64_t)wall_ms >> (BITS * (TIME_CHARS - 1 - i)) & 31];
    unsigned held = 0, bits = 0;
    char *at = out + TIME_CHARS;
    for (unsigned i = 0; i < RANDOM_BYTES; i++) {
        held = held << 8 | random[i];
        for (bits += 8; bits >= BITS; bits -= BITS)
            *at++ = digits[held >> (bits - BITS) & 31];
    }
    *at = '\0';
}

bool job_id_is(struct slice text)
{
    if (text.len != JOB_ID)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(digits, text.at[i], sizeof(digits) - 1))
            return false;
    return true;
}

static const struct job_name *name_ref(struct job_table *t, struct slice text)
{
    struct job_name *n = map_get(&t->names, text);
    if (!n) {
        n = mem_new(sizeof(*n) + text.len + 1);
        n->len = text.len;
        if (text.len > 0)
            memcpy(n->text, text.at, text.len);
        (void)map_put(&t->names, job_name_text(n), n);
    }
    n->uses++;
    return n;
}

static void name_unref(struct job_table *t, const struct job_name *name)
{
    struct job_name *n = map_get(&t->names, job_name_text(name));
    PRE(n == name && n->uses > 0);
    if (--n->uses > 0)
        return;
    (void)map_del(&t->names, job_name_text(n));
    mem_free(n);
}

static struct slice id_of(const struct job *j)
{
    return slice_of(j->id, JOB_ID);
}

struct job *job_new(struct job_table *t, const struct job_spec *spec)
{
    PRE(job_id_is(spec->id));
    PRE(spec->service.len <= JOB_NAME_MOST && spec->caller.len <= JOB_NAME_MOST);
    PRE(spec->operation.len <= JOB_NAME_MOST);
    struct job *j = mem_new(sizeof(*j));

    memcpy(j->id, spec->id.at, JOB_ID);
    sm_init(&j->state, job_rows, spec->state);
    list_init(&j->in_line);
    j->service = name_ref(t, spec->service);
    j->caller = name_ref(t, spec->caller);
    j->operation = name_ref(t, spec->operation);
    j->labels = name_ref(t, spec->labels);
    t->count[spec->state]++;
    PRE(!map_put(&t->by_id, id_of(j), j));
    return j;
}

struct job *job_find(const struct job_table *t, struct slice id)
{
    return map_get(&t->by_id, id);
}

/* Names are shared, and ours to count in. */
static void count_leased(const struct job *j, bool more)
{
    struct job_name *service = (struct job_name *)(uintptr_t)j->service;
    PRE(more || service->leased > 0);
    service->leased += more ? 1 : (size_t)-1;
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
    PRE(list_empty(&old->in_line) && !heap_holds(&old->in_delay));
    PRE(map_del(&t->by_id, id_of(old)) == old);
    t->count[job_state(old)]--;
    name_unref(t, old->service);
    name_unref(t, old->caller);
    name_unref(t, old->operation);
    name_unref(t, old->labels);
    mem_free(old);
    *j = NULL;
}

void job_table_fini(struct job_table *t)
{
    size_t at = 0;
    for (struct job *j = map_next(&t->by_id, &at); j; j = map_next(&t->by_id, &at))
        job_free(t, &j);
    for (unsigned i = 0; i < JOB_STATES; i++)
        POST(t->count[i] == 0);
    POST(t->names.count == 0);
    map_fini(&t->by_id);
    map_fini(&t->names);
}

void job_move(struct job_table *t, struct job *j, enum job_state next)
{
    if (job_state(j) == JOB_LEASED)
        count_leased(j, false);
    t->count[job_state(j)]--;
    sm_move(&j->state, next);
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
