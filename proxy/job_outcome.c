#include "proxy/job_outcome.h"

#include <time.h>

#include "base/now.h"
#include "proxy/reply.h"

enum { DAY_MS = 86400 * 1000, DATE_MOST = 40 };

static enum job_outcome of_word(unsigned status, struct slice word)
{
    enum reply_word known = reply_find(word);
    if (known == REPLY_APP_UNREACHABLE)
        return JOB_OUTCOME_ABSENT;
    if (known == REPLY_APP_RESET)
        return JOB_OUTCOME_CRASH;
    if (known == REPLY_CONTRACT_MISMATCH)
        return JOB_OUTCOME_UNFIT;
    return status >= 500 ? JOB_OUTCOME_AGAIN : JOB_OUTCOME_REFUSED;
}

enum job_outcome job_outcome_of(unsigned status, struct slice word)
{
    if (word.len)
        return of_word(status, word);
    return status >= 500 || status == 408 || status == 429 ? JOB_OUTCOME_AGAIN : JOB_OUTCOME_DONE;
}

/* IMF-fixdate, the one form that is still sent (RFC 9110 section 5.6.7). */
static bool read_date(struct slice text, int64_t *unix_s)
{
    char copy[DATE_MOST];
    struct tm tm = {0};
    if (text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = 0;
    const char *end = strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!end || *end)
        return false;
    *unix_s = timegm(&tm);
    return true;
}

uint64_t job_outcome_retry_ms(struct slice retry_after, int64_t wall_us)
{
    uint64_t seconds, ms = 0;
    int64_t at_s, now_s = wall_us / NOW_US_PER_S;
    if (retry_after.len == 0)
        return 0;
    if (slice_u64(retry_after, UINT64_MAX, &seconds) == ERR_OK)
        ms = seconds < DAY_MS ? seconds * 1000 : DAY_MS;
    else if (read_date(retry_after, &at_s) && at_s > now_s)
        ms = (uint64_t)(at_s - now_s) < DAY_MS ? (uint64_t)(at_s - now_s) * 1000 : DAY_MS;
    return ms < DAY_MS ? ms : DAY_MS;
}
