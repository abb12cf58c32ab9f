#include "proxy/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json_line.h"
#include "base/mem.h"
#include "base/now.h"
#include "base/work.h"

enum {
    WAITING_BOUND = 4 << 20,
    BATCH = 48 << 10, /* a wake-up of the thread costs as much as ten lines */
    KEPT = 64 << 10,  /* memory that stays for the next batch */
    LATE_US = 100 * NOW_US_PER_MS,
    FRAME_BOUND = 512 /* names and numbers of a line */
};

/* Where lines go: the thread's while it writes. */
struct outlet {
    int fd;
    char *path;          /* NULL: standard output */
    struct guard *guard; /* of others who write to the same; or NULL */
    bool torn;           /* the last write ended within a line */
    uint64_t lost;       /* lines that could not be written */
};

struct access_log {
    struct work *work;
    struct work_item item;
    struct due_clock *clock;
    struct due late;    /* 100 ms after the first line of a batch */
    struct buf filling; /* the loop's */
    struct buf writing; /* the thread's while `busy` */
    struct outlet outlet;
    bool busy;    /* handed to the thread */
    bool overdue; /* what is being collected is late already */
    bool closing;
    bool written; /* the thread has done its part */
    uint64_t dropped;
    int64_t spelled_ms; /* the moment that `when` spells */
    char when[25];
};

/* --- writing --- */

static uint64_t count_lines(struct slice bytes)
{
    uint64_t lines = 0;
    size_t at;
    while (slice_find(bytes, '\n', &at)) {
        lines++;
        bytes = slice_from(bytes, at + 1);
    }
    return lines;
}

/* How much was written: all of it, or as much as there was room for. */
static size_t write_some(int fd, struct slice bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        struct slice rest = slice_from(bytes, done);
        ssize_t n = write(fd, rest.at, rest.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* a full or broken log must not stop the traffic */
        done += (size_t)n;
    }
    return done;
}

/* A line that was broken off stays one broken line: what follows begins a new one. */
static void write_lines(struct outlet *o, struct slice lines)
{
    if (lines.len == 0)
        return;
    if (o->torn && write_some(o->fd, SLICE("\n")) == 1)
        o->torn = false;
    size_t done = o->torn ? 0 : write_some(o->fd, lines);
    struct slice rest = slice_from(lines, done);
    o->lost += count_lines(rest);
    if (done > 0 && rest.len)
        o->torn = lines.at[done - 1] != '\n';
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whoever rotates logs moves the file away and need not tell us.  While a new one cannot be made the old one serves. */
static void follow_file(struct outlet *o)
{
    struct stat ours, named;
    if (!o->path || fstat(o->fd, &ours) != 0 || !S_ISREG(ours.st_mode))
        return;
    if (stat(o->path, &named) == 0 && is_same_file(&ours, &named))
        return;
    int fd = open(o->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return;
    close(o->fd);
    o->fd = fd;
    o->torn = false;
}

static void write_out(struct outlet *o, struct slice lines)
{
    guard_enter(o->guard);
    follow_file(o);
    write_lines(o, lines);
    guard_leave(o->guard);
}

static void run(struct work_item *item)
{
    struct access_log *a = LIST_OF(item, struct access_log, item);
    write_out(&a->outlet, buf_slice(&a->writing));
    a->written = true;
}

static void hand_over(struct access_log *a)
{
    if (a->busy || a->closing || buf_len(&a->filling) == 0)
        return;
    struct buf swap = a->writing;
    a->writing = a->filling;
    a->filling = swap;
    a->busy = true;
    a->overdue = a->written = false;
    work_start(a->work, &a->item);
}

static void done(struct work_item *item, bool ran)
{
    struct access_log *a = LIST_OF(item, struct access_log, item);
    a->busy = false;
    if (!ran || a->closing)
        return;
    a->dropped += a->outlet.lost;
    a->outlet.lost = 0;
    buf_clear(&a->writing);
    if (a->writing.cap > KEPT)
        buf_fini(&a->writing);
    if (a->overdue || buf_len(&a->filling) >= BATCH)
        hand_over(a);
}

static void on_late(struct due *due)
{
    struct access_log *a = (struct access_log *)(void *)((char *)due - offsetof(struct access_log, late));
    a->overdue = a->busy;
    hand_over(a);
}

/* --- lifecycle --- */

enum err access_log_open(const struct access_log_conf *conf, struct access_log **out)
{
    bool standard = strcmp(conf->path, "-") == 0;
    int fd = standard ? STDOUT_FILENO : open(conf->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return ERR_IO;
    struct access_log *a = mem_new(sizeof(*a));
    *a = (struct access_log){
        .item = {.run = run, .done = done},
        .clock = conf->clock,
        .outlet = {.fd = fd, .path = standard ? NULL : mem_copy(slice_str(conf->path)), .guard = conf->guard},
        .spelled_ms = -1,
    };
    due_init(&a->late, on_late);
    buf_init(&a->filling, WAITING_BOUND);
    buf_init(&a->writing, WAITING_BOUND);
    a->work = work_new(conf->loop, "access-log");
    *out = a;
    return ERR_OK;
}

void access_log_close(struct access_log **log)
{
    struct access_log *a = *log;
    *log = NULL;
    if (!a)
        return;
    bool handed_over = a->busy;
    a->closing = true;
    due_cancel(a->clock, &a->late);
    work_free(&a->work); /* waits for the thread, or takes back what it did not begin */
    if (handed_over && !a->written)
        write_out(&a->outlet, buf_slice(&a->writing));
    write_out(&a->outlet, buf_slice(&a->filling));
    buf_fini(&a->filling);
    buf_fini(&a->writing);
    if (a->outlet.path)
        close(a->outlet.fd);
    mem_free(a->outlet.path);
    mem_free(a);
}

/* --- a line --- */

/* Once a millisecond: under load hundreds of exchanges end in one. */
static struct slice spell_time(struct access_log *a, int64_t wall_us)
{
    int64_t ms = wall_us / NOW_US_PER_MS;
    if (ms != a->spelled_ms) {
        now_rfc3339(wall_us, a->when);
        a->spelled_ms = ms;
    }
    return slice_of(a->when, sizeof(a->when) - 1);
}

/* `before` closes what came before and names the member. */
static char *put_text(char *at, struct slice before, struct slice text)
{
    return json_line_text(json_line_put(at, before), text);
}

static char *put_optional(char *at, struct slice before, struct slice text)
{
    return text.len ? put_text(at, before, text) : at;
}

/* A word of our own: nothing in it needs escaping. */
static char *put_word(char *at, struct slice before, struct slice word)
{
    return json_line_put(json_line_put(json_line_put(at, before), word), SLICE("\","));
}

static char *put_number(char *at, struct slice before, uint64_t n)
{
    return json_line_u64(json_line_put(at, before), n);
}

static char *put_line(char *at, struct slice when, const struct access_log_line *line)
{
    at = json_line_put(json_line_put(at, SLICE("{\"time\":\"")), when);
    at = put_text(at,
                  line->inbound ? SLICE("\",\"direction\":\"inbound\",\"id\":\"")
                                : SLICE("\",\"direction\":\"outbound\",\"id\":\""),
                  line->id);
    at = put_optional(at, SLICE("\",\"peer\":\""), line->peer);
    at = put_optional(at, SLICE("\",\"service\":\""), line->service);
    at = put_optional(at, SLICE("\",\"operation\":\""), line->operation);
    at = put_text(at, SLICE("\",\"method\":\""), line->method);
    at = put_text(at, SLICE("\",\"path\":\""), line->path);
    at = json_line_put(put_number(at, SLICE("\",\"status\":"), line->status), SLICE(","));
    if (line->error.len)
        at = put_word(at, SLICE("\"error\":\""), line->error);
    if (line->verdict.len)
        at = put_word(at, SLICE("\"verdict\":\""), line->verdict);
    if (line->plan.len)
        at = put_word(at, SLICE("\"plan\":\""), line->plan);
    at = put_number(at, SLICE("\"us\":"), line->duration_us > 0 ? (uint64_t)line->duration_us : 0);
    at = put_number(at, SLICE(",\"bytes_in\":"), line->bytes_in);
    at = put_number(at, SLICE(",\"bytes_out\":"), line->bytes_out);
    return json_line_put(at, SLICE("}\n"));
}

static size_t most_bytes(const struct access_log_line *line)
{
    size_t texts = line->id.len + line->peer.len + line->service.len + line->operation.len + line->method.len +
                   line->path.len + line->error.len + line->verdict.len + line->plan.len;
    return JSON_LINE_WORST * texts + FRAME_BOUND;
}

void access_log_add(struct access_log *a, const struct access_log_line *line)
{
    char *at, *end;
    if (buf_room(&a->filling, most_bytes(line), &at) != ERR_OK) {
        a->dropped++;
        return;
    }
    end = put_line(at, spell_time(a, line->wall_us), line);
    buf_wrote(&a->filling, (size_t)(end - at));
    if (!due_waits(&a->late))
        due_in(a->clock, &a->late, LATE_US);
    if (buf_len(&a->filling) >= BATCH)
        hand_over(a);
}

uint64_t access_log_dropped(const struct access_log *a)
{
    return a->dropped;
}
