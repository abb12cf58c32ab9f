#include "broker/recover.h"

#include "base/log.h"

struct recovery {
    const struct recover_into *into;
    struct recover_count *count;
};

static void grant_grace(const struct recovery *r, const struct job *j)
{
    struct lease grace = {.until_us = r->into->grace_until_us, .token = j->token, .worker = LEASE_NOBODY};
    memcpy(grace.job, j->id, sizeof(grace.job));
    lease_grant(r->into->leases, &grace);
}

/* Each was promised once, so the bounds are not asked again. */
static void recover_one(void *arg, const struct record_job *stored)
{
    const struct recovery *r = arg;
    struct job *j;
    if (record_to_job(stored, r->into->jobs, &j) != ERR_OK) {
        r->count->damaged++;
        log_event(LOG_ERROR, "job-not-recovered", LOG_TEXT("job", stored->id), LOG_STR("did", "left it out"));
        return;
    }
    struct queue *q = r->into->queue_of(r->into->arg, stored);
    queue_enrol(q, stored->caller, stored->size);
    if (job_state(j) == JOB_LEASED)
        grant_grace(r, j);
    else if (!r->into->holds || !r->into->holds(r->into->arg, j))
        queue_put(q, j);
}

enum err recover_again(struct store *s, const struct recover_into *into, struct slice id)
{
    struct record_job stored;
    struct recover_count count = {0};
    TRY(store_read_job(s, id, &stored));
    if (job_over(stored.state))
        return ERR_STALE;
    recover_one(&(struct recovery){into, &count}, &stored);
    return count.damaged ? ERR_PEER : ERR_OK;
}

void recover_all(struct store *s, const struct recover_into *into, struct recover_count *out)
{
    struct store_stats before, after;
    struct recovery r = {into, out};
    *out = (struct recover_count){0};
    store_stats(s, &before);
    job_table_expect(into->jobs, (size_t)before.live);
    store_each_live(s, recover_one, &r);
    store_stats(s, &after);
    out->damaged += (size_t)(after.damaged - before.damaged);
    out->queued = into->jobs->count[JOB_QUEUED];
    out->delayed = into->jobs->count[JOB_DELAYED];
    out->leased = into->jobs->count[JOB_LEASED];
}
