#include "http/h2_guard.h"

#include "base/check.h"
#include "base/now.h"

enum { ONE = 1000, WINDOW_PER_DATA = 4, PING_PER_DATA = 1 };

static const struct {
    int64_t burst;
    int64_t per_second;
    const char *fault;
} rows[H2_GUARD_KINDS] = {
    [H2_GUARD_RESET] = {1000, 33, "too many stream resets"},
    [H2_GUARD_SETTINGS] = {50, 1, "too many SETTINGS frames"},
    [H2_GUARD_PING] = {1000, 50, "too many PING frames"},
    [H2_GUARD_EMPTY] = {200, 10, "too many empty DATA frames"},
    [H2_GUARD_PRIORITY] = {1000, 100, "too many PRIORITY frames"},
    [H2_GUARD_WINDOW] = {2000, 200, "too many WINDOW_UPDATE frames"},
    [H2_GUARD_CONTINUATION] = {8, 0, "too many CONTINUATION frames"},
};

void h2_guard_init(struct h2_guard *g, int64_t now_us)
{
    g->at_us = now_us;
    for (int k = 0; k < H2_GUARD_KINDS; k++)
        g->milli[k] = rows[k].burst * ONE;
}

static void add(struct h2_guard *g, int kind, int64_t milli)
{
    int64_t room = rows[kind].burst * ONE - g->milli[kind];
    g->milli[kind] += milli < room ? milli : room;
}

/* Whole milliseconds only, so that nothing is lost to rounding however often it is called. */
static void refill(struct h2_guard *g, int64_t now_us)
{
    int64_t passed_ms = (now_us - g->at_us) / NOW_US_PER_MS;
    if (passed_ms <= 0)
        return;
    g->at_us += passed_ms * NOW_US_PER_MS;
    if (passed_ms > 3600 * 1000)
        passed_ms = 3600 * 1000;
    for (int k = 0; k < H2_GUARD_KINDS; k++)
        add(g, k, passed_ms * rows[k].per_second);
}

enum err h2_guard_note(struct h2_guard *g, enum h2_guard_kind kind, int64_t now_us)
{
    PRE(kind < H2_GUARD_KINDS);
    refill(g, now_us);
    if (g->milli[kind] < ONE)
        return ERR_LIMIT;
    g->milli[kind] -= ONE;
    return ERR_OK;
}

void h2_guard_sent_data(struct h2_guard *g)
{
    add(g, H2_GUARD_WINDOW, WINDOW_PER_DATA * ONE);
    add(g, H2_GUARD_PING, PING_PER_DATA * ONE); /* gRPC peers measure the path with a PING per flight of DATA */
}

void h2_guard_new_head(struct h2_guard *g)
{
    g->milli[H2_GUARD_CONTINUATION] = rows[H2_GUARD_CONTINUATION].burst * ONE;
}

const char *h2_guard_fault(enum h2_guard_kind kind)
{
    PRE(kind < H2_GUARD_KINDS);
    return rows[kind].fault;
}
