#include "broker/backoff.h"

#include "base/check.h"

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t backoff_delay_ms(unsigned failures, uint64_t seed)
{
    PRE(failures > 0);
    int64_t plain = BACKOFF_CAP_MS;
    if (failures <= 16) /* beyond that it is the cap anyhow, and the shift stays small */
        plain = min((int64_t)BACKOFF_FIRST_MS << (failures - 1), BACKOFF_CAP_MS);
    int64_t spread = plain * BACKOFF_JITTER_PERCENT / 100;
    return plain - spread + (int64_t)(seed % (uint64_t)(2 * spread + 1));
}

/* The same job and attempt wait equally long whoever computes it; two jobs that failed together part. */
static uint64_t seed_of(const struct job *j)
{
    const uint64_t key[2] = {j->attempt, j->token};
    return map_siphash(key, slice_of(j->id, JOB_ID));
}

static struct backoff dead(const char *why)
{
    return (struct backoff){.next = JOB_DEAD, .why = why};
}

static struct backoff again_at(const struct job *j, int64_t due_ms)
{
    if (j->deadline_ms > 0 && due_ms >= j->deadline_ms)
        return dead("its deadline comes before the next attempt");
    return (struct backoff){.next = JOB_DELAYED, .due_ms = due_ms};
}

/* Failures charged to the job, the one being judged included. */
static unsigned failures(const struct job *j)
{
    PRE(j->attempt > j->crashes + j->releases);
    return j->attempt - j->crashes - j->releases;
}

static struct backoff after_failure(const struct job *j, uint64_t retry_after_ms, int64_t now_ms)
{
    if (failures(j) >= j->attempts)
        return dead("every attempt it may have has failed");
    int64_t delay = backoff_delay_ms(failures(j), seed_of(j));
    /* A year is for ever here, and keeps the sum in range. */
    int64_t wish = (int64_t)(retry_after_ms < UINT64_C(31536000000) ? retry_after_ms : UINT64_C(31536000000));
    return again_at(j, now_ms + (wish > delay ? wish : delay));
}

static struct backoff after_crash(const struct job *j, int64_t now_ms)
{
    if (j->crashes + 1 >= BACKOFF_CRASHES)
        return dead("its workers went away three times while they ran it");
    return again_at(j, now_ms + backoff_delay_ms(j->crashes + 1, seed_of(j)));
}

struct backoff backoff_judge(const struct job *j, enum backoff_cause cause, uint64_t retry_after_ms, int64_t now_ms)
{
    switch (cause) {
    case BACKOFF_REFUSED:
        return dead("its worker refused it: no attempt helps");
    case BACKOFF_CRASHED:
        return after_crash(j, now_ms);
    case BACKOFF_UNFIT:
        return again_at(j, now_ms + backoff_delay_ms(j->releases + 1, seed_of(j)));
    case BACKOFF_RELEASED:
        if (j->deadline_ms > 0 && now_ms >= j->deadline_ms)
            return dead("its deadline has passed");
        return (struct backoff){.next = JOB_QUEUED};
    case BACKOFF_FAILED:
    case BACKOFF_TIMED_OUT:
        break;
    }
    return after_failure(j, retry_after_ms, now_ms);
}

void backoff_count(struct job *j, enum backoff_cause cause)
{
    if (cause == BACKOFF_CRASHED)
        j->crashes++;
    if (cause == BACKOFF_RELEASED || cause == BACKOFF_UNFIT)
        j->releases++;
}
