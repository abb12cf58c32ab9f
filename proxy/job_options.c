#include "proxy/job_options.h"

#include "base/now.h"
#include "base/units.h"

enum { PRIORITY = 5, PRIORITY_MOST = 9, ATTEMPTS_MOST = 100, SHOWN = 64, LIMIT_KEY = 64 };
#define LIMIT_KEY_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/:@="

struct reading {
    int64_t wall_us;
    struct job_options *out;
};

struct option {
    const char *name;
    enum err (*read)(struct reading *r, struct slice value);
    const char *repair;
};

/* --- one field each --- */

/* RFC 8941 section 3.3.3: printable ASCII in quotes; only quote and backslash are escaped. */
static enum err unquote(struct slice quoted, char out[JOB_OPTIONS_KEY + 1])
{
    size_t n = 0;
    struct slice rest = slice_from(slice_to(quoted, quoted.len - 1), 1);
    for (; rest.len; rest = slice_from(rest, 1)) {
        if (rest.at[0] == '\\') {
            rest = slice_from(rest, 1);
            if (rest.len == 0 || (rest.at[0] != '"' && rest.at[0] != '\\'))
                return ERR_INPUT;
        } else if (rest.at[0] == '"' || rest.at[0] < 0x20 || rest.at[0] > 0x7e) {
            return ERR_INPUT;
        }
        if (n == JOB_OPTIONS_KEY)
            return ERR_INPUT;
        out[n++] = rest.at[0];
    }
    out[n] = 0;
    return n ? ERR_OK : ERR_INPUT;
}

enum err job_options_key(struct slice value, char out[JOB_OPTIONS_KEY + 1])
{
    if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
        return unquote(value, out);
    if (value.len == 0 || value.len > JOB_OPTIONS_KEY)
        return ERR_INPUT;
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] <= 0x20 || value.at[i] > 0x7e || strchr("\",;\\", value.at[i]))
            return ERR_INPUT;
    memcpy(out, value.at, value.len);
    out[value.len] = 0;
    return ERR_OK;
}

static enum err read_key(struct reading *r, struct slice value)
{
    return job_options_key(value, r->out->key);
}

static enum err read_count(struct slice value, uint64_t least, uint64_t most, uint32_t *out)
{
    uint64_t n;
    TRY(slice_u64(value, most, &n));
    if (n < least)
        return ERR_INPUT;
    *out = (uint32_t)n;
    return ERR_OK;
}

static enum err read_priority(struct reading *r, struct slice value)
{
    return read_count(value, 0, PRIORITY_MOST, &r->out->priority);
}

static enum err read_attempts(struct reading *r, struct slice value)
{
    return read_count(value, 1, ATTEMPTS_MOST, &r->out->attempts);
}

/* Rounded up: something is never nothing. */
static enum err read_duration(struct slice value, uint64_t *ms)
{
    int64_t us;
    TRY(units_duration_us(value, &us));
    *ms = ((uint64_t)us + NOW_US_PER_MS - 1) / NOW_US_PER_MS;
    return ERR_OK;
}

static enum err read_delay(struct reading *r, struct slice value)
{
    return read_duration(value, &r->out->delay_ms);
}

static enum err read_timeout(struct reading *r, struct slice value)
{
    TRY(read_duration(value, &r->out->timeout_ms));
    return r->out->timeout_ms ? ERR_OK : ERR_INPUT;
}

/* A bare number is a moment: the same that a running job is told in weft-deadline. */
static enum err read_deadline(struct reading *r, struct slice value)
{
    uint64_t now_ms = (uint64_t)(r->wall_us / NOW_US_PER_MS), at_ms, in_ms;
    if (slice_u64(value, INT64_MAX / NOW_US_PER_MS, &at_ms) != ERR_OK) {
        TRY(read_duration(value, &in_ms));
        at_ms = now_ms + in_ms;
    }
    if (at_ms <= now_ms)
        return ERR_INPUT;
    r->out->deadline_ms = at_ms;
    return ERR_OK;
}

/* A list: spaces around its commas mean nothing.  What a label may be the broker says. */
static enum err read_labels(struct reading *r, struct slice value)
{
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == ' ' || value.at[i] == '\t')
            continue;
        if (len == JOB_OPTIONS_LABELS || value.at[i] < 0x21 || value.at[i] > 0x7e)
            return ERR_INPUT;
        r->out->labels[len++] = value.at[i];
    }
    r->out->labels[len] = 0;
    return ERR_OK;
}

/* The broker knows it as a label. */
static enum err read_limit_key(struct reading *r, struct slice value)
{
    size_t len = strlen(r->out->labels);
    if (value.len == 0 || value.len >= LIMIT_KEY || len + 2 + value.len > JOB_OPTIONS_LABELS)
        return ERR_INPUT;
    for (size_t i = 0; i < value.len; i++)
        if (!strchr(LIMIT_KEY_LETTERS, value.at[i]) || !value.at[i])
            return ERR_INPUT;
    if (len)
        r->out->labels[len++] = ',';
    r->out->labels[len++] = '@';
    memcpy(r->out->labels + len, value.at, value.len);
    r->out->labels[len + value.len] = 0;
    return ERR_OK;
}

static bool keep_id(struct slice id, char out[JOB_OPTIONS_ID])
{
    if (id.len == 0 || id.len >= JOB_OPTIONS_ID || !headers_name_ok(id))
        return false;
    memcpy(out, id.at, id.len);
    out[id.len] = 0;
    return true;
}

static enum err read_after(struct reading *r, struct slice value)
{
    struct slice id;
    while (slice_split(&value, ',', &id)) {
        if (r->out->after_count == JOB_OPTIONS_AFTER || !keep_id(slice_trim(id), r->out->after[r->out->after_count]))
            return ERR_INPUT;
        r->out->after_count++;
    }
    return r->out->after_count ? ERR_OK : ERR_INPUT;
}

static enum err read_after_end(struct reading *r, struct slice value)
{
    r->out->after_any_end = slice_eq(value, SLICE("any"));
    return r->out->after_any_end || slice_eq(value, SLICE("done")) ? ERR_OK : ERR_INPUT;
}

static enum err keep_text(struct slice value, char *into, size_t most)
{
    if (value.len == 0 || value.len > most)
        return ERR_INPUT;
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < ' ' || value.at[i] > '~')
            return ERR_INPUT;
    memcpy(into, value.at, value.len);
    into[value.len] = 0;
    return ERR_OK;
}

static enum err read_schedule(struct reading *r, struct slice value)
{
    return headers_name_ok(value) ? keep_text(value, r->out->schedule, JOB_OPTIONS_NAME) : ERR_INPUT;
}

/* Which ones there are the broker knows, and says what is wrong. */
static enum err read_cron(struct reading *r, struct slice value)
{
    return keep_text(value, r->out->cron, JOB_OPTIONS_CRON);
}

static enum err read_catch_up(struct reading *r, struct slice value)
{
    static const char *const words[] = {"one", "all", "none"};
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_eq(value, slice_str(words[i]))) {
            r->out->catch_up = (enum job_options_catch_up)i;
            return ERR_OK;
        }
    return ERR_INPUT;
}

/* Which ones are allowed the broker knows. */
static enum err read_callback(struct reading *r, struct slice value)
{
    size_t blank;
    return slice_find(value, ' ', &blank) ? ERR_INPUT : keep_text(value, r->out->callback, JOB_OPTIONS_CALLBACK);
}

static const struct option options[] = {
    {"idempotency-key", read_key, "send one quoted string of 1 to 255 printable characters, like \"8e03978e\""},
    {"weft-priority", read_priority, "send a digit from 0 to 9; 9 goes first, 5 is the default"},
    {"weft-delay", read_delay, "send a duration like 30s or 5m"},
    {"weft-timeout", read_timeout, "send a duration over zero, like 30s or 5m"},
    {"weft-deadline", read_deadline, "send a duration from now like 1h, or a moment to come in unix milliseconds"},
    {"weft-labels", read_labels, "send words like gpu=a100, model=resnet@3?, with ? behind a preference"},
    {"weft-key", read_limit_key, "send 1 to 63 letters, digits and _.-/:@=: jobs with the same one share its limits"},
    {"weft-after", read_after, "send 1 to 32 ids of jobs with commas between"},
    {"weft-after-end", read_after_end, "send done, or any: how the jobs of weft-after must end"},
    {"weft-schedule", read_schedule, "send a name of 1 to 64 letters, digits, dots, - and _"},
    {"weft-cron", read_cron, "send five fields like 0 3 * * MON-FRI (UTC), or @every 15m"},
    {"weft-catch-up", read_catch_up, "send one, all or none"},
    {"weft-callback", read_callback, "send a URL like https://hooks.example.org/done, 1024 characters at most"},
    {"weft-attempts", read_attempts, "send a number from 1 to 100"},
};
enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

/* --- all of them --- */

static enum err complain(const struct option *o, struct slice value, const char *what, struct buf *complaint)
{
    buf_putf(complaint, "%s: \"", o->name);
    buf_put_safe(complaint, value, SHOWN);
    buf_putf(complaint, "\" %s; %s.", what, o->repair);
    return ERR_INPUT;
}

static enum err read_option(struct reading *r, const struct option *o, const struct headers *fields,
                            struct buf *complaint)
{
    bool seen = false;
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct header *f = &fields->v[i];
        if (!slice_eq(f->name, slice_str(o->name)))
            continue;
        if (seen)
            return complain(o, f->value, "is a second one", complaint);
        if (o->read(r, slice_trim(f->value)) != ERR_OK)
            return complain(o, f->value, "is not understood", complaint);
        seen = true;
    }
    return ERR_OK;
}

enum err job_options_read(const struct headers *fields, int64_t wall_us, struct job_options *out, struct buf *complaint)
{
    *out = (struct job_options){.priority = PRIORITY};
    prefer_read(fields, &out->prefer);
    struct reading r = {wall_us, out};
    for (size_t i = 0; i < OPTIONS; i++)
        TRY(read_option(&r, &options[i], fields, complaint));
    if (!out->schedule[0] == !out->cron[0])
        return ERR_OK;
    buf_put(complaint, SLICE("weft-schedule and weft-cron belong together: a name, and when."));
    return ERR_INPUT;
}

bool job_options_keeps(const struct header *field)
{
    switch (field->token) {
    case HEADERS_CONNECTION:
    case HEADERS_CONTENT_LENGTH:
    case HEADERS_EXPECT:
    case HEADERS_HOST:
    case HEADERS_HTTP2_SETTINGS:
    case HEADERS_IDEMPOTENCY_KEY:
    case HEADERS_KEEP_ALIVE:
    case HEADERS_PREFER:
    case HEADERS_PROXY_CONNECTION:
    case HEADERS_TE:
    case HEADERS_TRAILER:
    case HEADERS_TRANSFER_ENCODING:
    case HEADERS_UPGRADE:
    case HEADERS_X_FORWARDED_CLIENT_CERT:
        return true;
    default:
        return slice_starts(field->name, SLICE("weft-"));
    }
}
