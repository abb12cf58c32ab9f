#include "proxy/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/json_out.h"
#include "base/mem.h"
#include "base/now.h"
#include "base/work.h"

enum { WAITING_BOUND = 4 << 20, FRAME_BOUND = 512 }; /* the latter: names and numbers of a line */

struct access_log {
    struct work *work;
    struct work_item item;
    struct buf filling; /* the loop's */
    struct buf writing; /* the thread's while `busy` */
    bool busy;          /* handed to the thread */
    bool closing;
    int fd;
    struct guard *guard; /* of others who write to the same; or NULL */
    uint64_t dropped;
    bool written; /* the thread has done its part */
};

static void write_all(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.at, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* a full or broken log must not stop the traffic */
        bytes = slice_from(bytes, (size_t)n);
    }
}

static void run(struct work_item *item)
{
    struct access_log *a = LIST_OF(item, struct access_log, item);
    guard_enter(a->guard);
    write_all(a->fd, buf_slice(&a->writing));
    guard_leave(a->guard);
    a->written = true;
}

static void flush(struct access_log *a)
{
    if (a->busy || a->closing || buf_len(&a->filling) == 0)
        return;
    struct buf swap = a->writing;
    a->writing = a->filling;
    a->filling = swap;
    a->busy = true;
    a->written = false;
    work_start(a->work, &a->item);
}

static void done(struct work_item *item, bool ran)
{
    struct access_log *a = LIST_OF(item, struct access_log, item);
    a->busy = false;
    if (!ran || a->closing)
        return;
    buf_clear(&a->writing);
    flush(a);
}

enum err access_log_open(struct loop *l, const char *path, struct guard *guard, struct access_log **out)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDOUT_FILENO : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return ERR_IO;
    struct access_log *a = mem_new(sizeof(*a));
    *a = (struct access_log){.fd = fd, .guard = guard, .item = {.run = run, .done = done}};
    buf_init(&a->filling, WAITING_BOUND);
    buf_init(&a->writing, WAITING_BOUND);
    a->work = work_new(l, "access-log");
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
    work_free(&a->work); /* waits for the thread, or takes back what it did not begin */
    if (handed_over && !a->written)
        write_all(a->fd, buf_slice(&a->writing));
    write_all(a->fd, buf_slice(&a->filling));
    buf_fini(&a->filling);
    buf_fini(&a->writing);
    if (a->fd != STDOUT_FILENO)
        close(a->fd);
    mem_free(a);
}

static void put_optional(struct json_out *j, const char *name, struct slice text)
{
    if (text.len)
        json_out_member(j, name, text);
}

static void put_line(struct buf *out, const struct access_log_line *line)
{
    char when[25];
    now_rfc3339(line->wall_us, when);
    struct json_out j;
    json_out_init(&j, out, 0);
    json_out_object(&j);
    json_out_member(&j, "time", slice_str(when));
    json_out_member(&j, "direction", line->inbound ? SLICE("inbound") : SLICE("outbound"));
    json_out_member(&j, "id", line->id);
    put_optional(&j, "peer", line->peer);
    put_optional(&j, "service", line->service);
    put_optional(&j, "operation", line->operation);
    json_out_member(&j, "method", line->method);
    json_out_member(&j, "path", line->path);
    json_out_member_int(&j, "status", line->status);
    put_optional(&j, "error", line->error);
    put_optional(&j, "verdict", line->verdict);
    put_optional(&j, "plan", line->plan);
    json_out_member_int(&j, "us", line->duration_us);
    json_out_member_int(&j, "bytes_in", (int64_t)line->bytes_in);
    json_out_member_int(&j, "bytes_out", (int64_t)line->bytes_out);
    json_out_end(&j);
    buf_put_char(out, '\n');
}

void access_log_add(struct access_log *a, const struct access_log_line *line)
{
    /* No byte becomes more than six: \u001f. */
    size_t worst = 6 * (line->id.len + line->peer.len + line->service.len + line->operation.len + line->method.len +
                        line->path.len + line->error.len + line->verdict.len + line->plan.len) +
                   FRAME_BOUND;
    if (buf_len(&a->filling) + worst > WAITING_BOUND) {
        a->dropped++;
        return;
    }
    put_line(&a->filling, line);
    flush(a);
}

uint64_t access_log_dropped(const struct access_log *a)
{
    return a->dropped;
}
