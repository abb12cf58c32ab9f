#include "http/pages.h"

#include "base/log.h"
#include "base/mem.h"

enum { BODY_BOUND = 1024 };

struct visit {
    const struct pages_row *rows;
    void *arg;
    struct buf body;
    void (*left)(void *arg); /* somebody means to answer later */
    void *left_arg;
};

void pages_wait(struct transit *t, void (*left)(void *arg), void *arg)
{
    struct visit *v = t->owner_data;
    v->left = left;
    v->left_arg = arg;
}

void pages_buf(struct transit *t, unsigned status, struct slice type, struct buf *text)
{
    if (transit_answer(t, status, type, buf_slice(text)) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
    buf_fini(text);
}

void pages_text(struct transit *t, unsigned status, struct slice text)
{
    if (transit_answer(t, status, SLICE("text/plain; charset=utf-8"), text) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
}

void pages_live(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)arg;
    (void)r;
    pages_text(t, 200, SLICE("live\n"));
}

void pages_log_level(void *arg, struct transit *t, const struct pages_request *r)
{
    (void)arg;
    enum log_level level;
    if (!log_level_parse(slice_trim(r->body), &level)) {
        pages_text(t, 400, SLICE("The body is one of debug, info, warn, error.\n"));
        return;
    }
    log_set_level(level);
    pages_text(t, 200, SLICE("done\n"));
}

static const struct pages_row *find(const struct pages_row *rows, struct transit *t, struct slice *rest,
                                    bool *path_known)
{
    struct slice path = message_path_only(&t->in);
    for (const struct pages_row *row = rows; row->method; row++) {
        struct slice name = slice_str(row->path);
        bool same = row->prefix ? slice_starts(path, name) && path.len > name.len : slice_eq(path, name);
        if (!same)
            continue;
        *path_known = true;
        *rest = slice_from(path, name.len);
        if (slice_eq(t->in.method, slice_str(row->method)))
            return row;
    }
    return NULL;
}

static void put_list(const struct pages_row *rows, struct buf *out)
{
    for (const struct pages_row *row = rows; row->method; row++)
        buf_putf(out, "%s %s%s\n", row->method, row->path, row->prefix ? "..." : "");
}

static void refuse(const struct visit *v, struct transit *t, bool path_known)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_put(&text, path_known ? SLICE("This page has another method:\n") : SLICE("No such page; there are:\n"));
    put_list(v->rows, &text);
    pages_buf(t, path_known ? 405 : 404, SLICE("text/plain; charset=utf-8"), &text);
}

static void data(struct transit *t, struct slice bytes)
{
    struct visit *v = t->owner_data;
    transit_credit(t, t->owed);
    if (!t->out_head && buf_add(&v->body, bytes) != ERR_OK)
        pages_text(t, 413, SLICE("The body is too long.\n"));
}

static void end(struct transit *t)
{
    struct visit *v = t->owner_data;
    struct pages_request request = {.body = buf_slice(&v->body)};
    bool path_known = false;
    if (t->out_head)
        return;
    const struct pages_row *row = find(v->rows, t, &request.rest, &path_known);
    if (row)
        row->fn(v->arg, t, &request);
    else
        refuse(v, t, path_known);
}

static void gone(struct transit *t, enum transit_end how)
{
    (void)how;
    struct visit *v = t->owner_data;
    if (v->left)
        v->left(v->left_arg);
    buf_fini(&v->body);
    mem_free(v);
    transit_free(&t);
}

static const struct transit_owner owner = {.data = data, .end = end, .gone = gone};

void pages_serve(const struct pages_row *rows, void *arg, struct transit *t)
{
    struct visit *v = mem_new(sizeof(*v));
    v->rows = rows;
    v->arg = arg;
    buf_init(&v->body, BODY_BOUND);
    t->owner = &owner;
    t->owner_data = v;
}
