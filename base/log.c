#include "base/log.h"

#include <pthread.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/json_out.h"
#include "base/map.h"

enum { EVENTS = 128, PER_SECOND = 20, TEXT_SHOWN = 1024 };

/* One event name and what of it was seen in its current second. */
struct tally {
    const char *event; /* NULL: free */
    int64_t since_us;
    uint64_t seen;
    uint64_t suppressed;
};

static const char *const level_words[] = {"debug", "info", "warn", "error"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_conf log_now = {.fd = STDERR_FILENO, .level = LOG_INFO, .program = "weft", .now = &now_real};
static struct tally tallies[EVENTS];
static uint64_t held_back; /* sum of `suppressed` */

void log_open(const struct log_conf *conf)
{
    pthread_mutex_lock(&lock);
    log_now = *conf;
    if (!log_now.now)
        log_now.now = &now_real;
    memset(tallies, 0, sizeof(tallies));
    held_back = 0;
    pthread_mutex_unlock(&lock);
}

void log_set_level(enum log_level level)
{
    pthread_mutex_lock(&lock);
    log_now.level = level;
    pthread_mutex_unlock(&lock);
}

bool log_level_parse(struct slice text, enum log_level *out)
{
    for (unsigned i = 0; i <= LOG_ERROR; i++) {
        if (!slice_eq(text, slice_str(level_words[i])))
            continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

/* A quote or backslash of a peer must not end the value it stands in. */
static void put_quoted(struct buf *out, struct slice text)
{
    struct slice shown = slice_to(text, TEXT_SHOWN);
    buf_put_char(out, '"');
    for (size_t i = 0; i < shown.len; i++) {
        if (shown.at[i] == '"' || shown.at[i] == '\\')
            buf_put_char(out, '\\');
        buf_put_safe(out, slice_of(shown.at + i, 1), 1);
    }
    if (shown.len < text.len)
        buf_put(out, SLICE("..."));
    buf_put_char(out, '"');
}

static void put_text_line(struct buf *out, const char *time, enum log_level level, const char *event,
                          const struct log_field *fields)
{
    buf_putf(out, "%s %s %s %s", time, level_words[level], log_now.program, event);
    for (const struct log_field *f = fields; f->name; f++) {
        buf_putf(out, " %s=", f->name);
        if (f->is_int)
            buf_putf(out, "%lld", (long long)f->number);
        else
            put_quoted(out, f->text);
    }
}

static void put_json_line(struct buf *out, const char *time, enum log_level level, const char *event,
                          const struct log_field *fields)
{
    struct json_out j;
    json_out_init(&j, out, 0);
    json_out_object(&j);
    json_out_member(&j, "time", slice_str(time));
    json_out_member(&j, "level", slice_str(level_words[level]));
    json_out_member(&j, "program", slice_str(log_now.program));
    json_out_member(&j, "event", slice_str(event));
    for (const struct log_field *f = fields; f->name; f++) {
        if (f->is_int)
            json_out_member_int(&j, f->name, f->number);
        else
            json_out_member(&j, f->name, slice_to(f->text, TEXT_SHOWN));
    }
    json_out_end(&j);
}

static void write_line(enum log_level level, const char *event, const struct log_field *fields)
{
    char time[25];
    struct buf line;
    now_rfc3339(now_wall_us(log_now.now), time);
    buf_init(&line, BUF_TEXT_BOUND);
    if (log_now.json)
        put_json_line(&line, time, level, event, fields);
    else
        put_text_line(&line, time, level, event, fields);
    buf_put_char(&line, '\n');
    /* One write, so that lines of several processes do not mix.  A log that cannot be written has nobody to
     * tell. */
    ssize_t written = write(log_now.fd, line.mem, buf_len(&line));
    (void)written;
    buf_fini(&line);
}

/* Starts its second anew, and says what the last one held back. */
static void renew(struct tally *t, int64_t now_us)
{
    if (t->suppressed) {
        const struct log_field fields[] = {
            LOG_STR("suppressed", t->event), LOG_INT("count", (int64_t)t->suppressed), {0}};
        write_line(LOG_WARN, "log-suppressed", fields);
        held_back -= t->suppressed;
    }
    *t = (struct tally){.event = t->event, .since_us = now_us};
}

static void renew_ended(int64_t now_us)
{
    for (size_t i = 0; held_back && i < EVENTS; i++)
        if (tallies[i].suppressed && now_us - tallies[i].since_us >= NOW_US_PER_S)
            renew(&tallies[i], now_us);
}

/* NULL: more event names than places; the rest go uncapped, since names are our own and few. */
static struct tally *tally_of(const char *event)
{
    size_t first = map_hash(slice_str(event)) % EVENTS;
    for (size_t i = 0; i < EVENTS; i++) {
        struct tally *t = &tallies[(first + i) % EVENTS];
        if (!t->event)
            t->event = event;
        if (t->event == event || strcmp(t->event, event) == 0)
            return t;
    }
    return NULL;
}

static bool may_say(const char *event, int64_t now_us)
{
    struct tally *t = tally_of(event);
    if (!t)
        return true;
    if (t->seen == 0 || now_us - t->since_us >= NOW_US_PER_S)
        renew(t, now_us);
    if (t->seen++ < PER_SECOND)
        return true;
    t->suppressed++;
    held_back++;
    return false;
}

void log_fields(enum log_level level, const char *event, const struct log_field *fields)
{
    PRE(level <= LOG_ERROR);
    pthread_mutex_lock(&lock);
    if (level >= log_now.level) {
        int64_t now_us = now_mono_us(log_now.now);
        renew_ended(now_us);
        if (may_say(event, now_us))
            write_line(level, event, fields);
    }
    pthread_mutex_unlock(&lock);
}
