/* Any bytes after the client preface, in pieces of any size: every accepted exchange ends once, nothing is kept. */
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "http/conn.h"
#include "tests/kit/pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned accepted, ended;
static bool is_closed;

static void on_data(struct transit *t, struct slice bytes)
{
    if (bytes.len % 2 == 0) /* the rest is owed until the end */
        transit_credit(t, bytes.len);
}

static void on_end(struct transit *t)
{
    if (slice_eq(t->in.method, SLICE("POST")))
        transit_reset(t, TRANSIT_WHY_CANCEL);
    else if (transit_answer(t, 200, SLICE("text/plain"), t->in.path) != ERR_OK)
        transit_reset(t, TRANSIT_WHY_INTERNAL);
}

static void on_gone(struct transit *t, enum transit_end how)
{
    (void)how;
    ended++;
    transit_free(&t);
}

static const struct transit_owner owner = {.data = on_data, .end = on_end, .gone = on_gone};

static void on_accept(struct conn *c, struct transit *t)
{
    (void)c;
    accepted++;
    t->owner = &owner;
}

static void on_freed(struct conn *c)
{
    (void)c;
}

static void on_closed(struct conn *c, const char *fault)
{
    (void)c;
    (void)fault;
    is_closed = true;
}

static const struct conn_host host = {.accept = on_accept, .freed = on_freed, .closed = on_closed};

/* Says a piece and forgets what is answered. */
static void say(struct loop *loop, struct stream *peer, struct slice piece)
{
    char heard[4096];
    size_t n;
    while (piece.len > 0 && !is_closed && stream_write(peer, piece, &n) == ERR_OK)
        piece = slice_from(piece, n);
    loop_turn(loop, false);
    while (stream_read(peer, heard, sizeof(heard), &n) == ERR_OK)
        continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct now_hand hand = {.mono = NOW_US_PER_S};
    struct now now = now_by_hand(&hand);
    struct loop *loop = loop_new_by(&now);
    struct due_clock *clock = due_clock_new(loop);
    struct transit_stock *stock = transit_stock_new();
    struct stream *ends[2];
    accepted = ended = 0;
    is_closed = false;
    pair_new(loop, NULL, ends);
    struct conn_conf conf = {.loop = loop, .stock = stock, .clock = clock, .host = &host, .max_streams = 100};
    struct conn *c = h2_server_new(&conf, ends[0], SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));

    struct slice rest = slice_of(data, size);
    size_t step = size > 0 && data[0] > 0 ? data[0] : 4096;
    for (rest = slice_from(rest, 1); rest.len > 0 && !is_closed; rest = slice_from(rest, step))
        say(loop, ends[1], slice_to(rest, step));
    for (int i = 0; i < 4; i++)
        say(loop, ends[1], (struct slice){0});
    if (!is_closed)
        c->ops->close(c);
    stream_close(&ends[1]);
    for (int i = 0; i < 4; i++)
        loop_turn(loop, false);
    POST(is_closed && accepted == ended);
    transit_stock_free(&stock);
    due_clock_free(&clock);
    loop_free(&loop);
    POST(mem_alive() == 0);
    return 0;
}
