#include "http/h2_order.h"

enum { PREFACE_LEN = 24, HEAD_LEN = 9, STREAM_MASK = 0x7fffffff };
enum { DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, END_STREAM = 1 };

void h2_order_init(struct h2_order *o)
{
    *o = (struct h2_order){.skip = PREFACE_LEN};
}

static uint32_t number(const uint8_t *at)
{
    return ((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]) & STREAM_MASK;
}

static uint32_t length_of(const struct h2_order *o)
{
    return (uint32_t)o->head[0] << 16 | (uint32_t)o->head[1] << 8 | o->head[2];
}

static uint32_t place(uint32_t id)
{
    return id / 2 % H2_ORDER_STREAMS;
}

static bool has(const uint64_t *set, uint32_t id)
{
    return set[place(id) / 64] >> (place(id) % 64) & 1;
}

static void put(uint64_t *set, uint32_t id)
{
    set[place(id) / 64] |= UINT64_C(1) << (place(id) % 64);
}

static void drop(uint64_t *set, uint32_t id)
{
    set[place(id) / 64] &= ~(UINT64_C(1) << (place(id) % 64));
}

static bool is_remembered(const struct h2_order *o, uint32_t id)
{
    return id <= o->last && o->last - id < 2 * H2_ORDER_STREAMS;
}

/* The streams that were passed over are closed as if they had been used (section 5.1.1). */
static void begin_stream(struct h2_order *o, uint32_t id)
{
    uint32_t first = o->last ? o->last + 2 : 1;
    if (id - first > 2 * H2_ORDER_STREAMS)
        first = id - 2 * (H2_ORDER_STREAMS - 1);
    for (uint32_t passed = first; passed < id; passed += 2) {
        drop(o->begun, passed);
        drop(o->ended, passed);
    }
    put(o->begun, id);
    drop(o->ended, id);
    o->last = id;
}

static enum h2_order_verdict judge_stream(struct h2_order *o, uint8_t type, bool ends, uint32_t id)
{
    if (id % 2 == 0)
        return H2_ORDER_FINE; /* none of its own: the session knows what to say */
    if (type == HEADERS && id > o->last)
        begin_stream(o, id);
    if (!is_remembered(o, id))
        return H2_ORDER_FINE;
    if (type == HEADERS && !has(o->begun, id))
        return H2_ORDER_BROKEN;
    if (type != RST_STREAM && has(o->ended, id))
        return H2_ORDER_CLOSED;
    if (ends)
        put(o->ended, id);
    return H2_ORDER_FINE;
}

static enum h2_order_verdict judge(struct h2_order *o)
{
    uint8_t type = o->head[3], flags = o->head[4];
    uint32_t id = number(o->head + 5);
    if (type == PRIORITY) /* sections 6.3 and, of RFC 7540, 5.3.1 */
        return id == 0 || (o->have > HEAD_LEN && number(o->head + HEAD_LEN) == id) ? H2_ORDER_BROKEN : H2_ORDER_FINE;
    if (type > RST_STREAM)
        return H2_ORDER_FINE;
    return judge_stream(o, type, type == RST_STREAM || (flags & END_STREAM), id);
}

/* How much of a frame is looked at. */
static uint8_t wanted(const struct h2_order *o)
{
    bool longer = o->have >= HEAD_LEN && o->head[3] == PRIORITY && length_of(o) >= H2_ORDER_LOOK_MOST - HEAD_LEN;
    return longer ? H2_ORDER_LOOK_MOST : HEAD_LEN;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum h2_order_verdict h2_order_look(struct h2_order *o, struct slice bytes, size_t *good)
{
    size_t at = 0;
    *good = 0;
    while (at < bytes.len) {
        size_t passed = least(o->skip, bytes.len - at);
        o->skip -= (uint32_t)passed;
        at += passed;
        if (o->have == 0)
            *good = at;
        size_t n = least((size_t)(wanted(o) - o->have), bytes.len - at);
        memcpy(o->head + o->have, bytes.at + at, n);
        o->have = (uint8_t)(o->have + n);
        at += n;
        if (o->have < HEAD_LEN || o->have < wanted(o))
            continue;
        enum h2_order_verdict verdict = judge(o);
        if (verdict != H2_ORDER_FINE)
            return verdict;
        o->skip = length_of(o) - (o->have - HEAD_LEN);
        o->have = 0;
    }
    *good = bytes.len;
    return H2_ORDER_FINE;
}
