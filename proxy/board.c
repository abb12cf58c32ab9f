#include "proxy/board.h"

#include "base/json_out.h"

enum { KEY_MOST = 512, FIRST_BITS = 6, QUARTERS = 4 };

void board_init(struct board *b)
{
    *b = (struct board){0};
    arena_init(&b->arena, SIZE_MAX);
    b->last = &b->first;
}

void board_fini(struct board *b)
{
    map_fini(&b->by_name);
    arena_fini(&b->arena);
}

/* --- latencies --- */

/* Step 0 is all under 64 us; then the highest bit and the two below it tell. */
unsigned board_step(int64_t us)
{
    if (us < 1 << FIRST_BITS)
        return 0;
    unsigned high = 63 - (unsigned)__builtin_clzll((unsigned long long)us);
    unsigned step = 1 + (high - FIRST_BITS) * QUARTERS + (unsigned)(us >> (high - 2) & 3);
    return step < BOARD_STEPS ? step : BOARD_STEPS - 1;
}

int64_t board_step_us(unsigned step)
{
    if (step == 0)
        return 1 << FIRST_BITS;
    unsigned high = FIRST_BITS + (step - 1) / QUARTERS, quarter = (step - 1) % QUARTERS;
    return (INT64_C(1) << high) + (INT64_C(1) << (high - 2)) * (quarter + 1);
}

/* --- rows --- */

static struct board_row *add_row(struct board *b, struct slice key, bool inbound, struct slice peer,
                                 struct slice operation)
{
    struct board_row *row = arena_new(&b->arena, sizeof(*row));
    *row = (struct board_row){
        .inbound = inbound,
        .peer = arena_keep(&b->arena, peer),
        .operation = arena_keep(&b->arena, operation),
    };
    map_put(&b->by_name, arena_keep(&b->arena, key), row);
    *b->last = row;
    b->last = &row->next;
    return row;
}

static size_t put_part(char *key, size_t at, struct slice part)
{
    size_t room = KEY_MOST - at - 1, len = part.len < room ? part.len : room;
    if (len)
        memcpy(key + at, part.at, len);
    key[at + len] = '\n';
    return at + len + 1;
}

struct board_row *board_row(struct board *b, bool inbound, struct slice peer, struct slice operation)
{
    char key[KEY_MOST];
    key[0] = inbound ? 'i' : 'o';
    size_t len = put_part(key, put_part(key, 1, slice_to(peer, KEY_MOST / 2)), operation);
    struct board_row *row = map_get(&b->by_name, slice_of(key, len));
    if (row)
        return row;
    if (b->by_name.count < BOARD_ROWS)
        return add_row(b, slice_of(key, len), inbound, peer, operation);
    if (!b->other)
        b->other = add_row(b, SLICE("other"), inbound, SLICE("other"), SLICE("other"));
    return b->other;
}

void board_count(struct board_row *row, bool failed, int64_t duration_us)
{
    row->count++;
    row->errors += failed;
    row->steps[board_step(duration_us)]++;
}

void board_add(struct board *b, const struct board_call *call)
{
    board_count(board_row(b, call->inbound, call->peer, call->operation), call->failed, call->duration_us);
}

void board_merge(struct board *sum, const struct board *from)
{
    for (const struct board_row *row = from->first; row; row = row->next) {
        struct board_row *into = board_row(sum, row->inbound, row->peer, row->operation);
        into->count += row->count;
        into->errors += row->errors;
        for (unsigned i = 0; i < BOARD_STEPS; i++)
            into->steps[i] += row->steps[i];
    }
}

/* --- for people --- */

static void put_steps(const struct board_row *row, struct json_out *j)
{
    json_out_name(j, "steps");
    json_out_array(j);
    for (unsigned i = 0; i < BOARD_STEPS; i++) {
        if (row->steps[i] == 0)
            continue;
        json_out_array(j);
        json_out_int(j, board_step_us(i));
        json_out_int(j, row->steps[i]);
        json_out_end(j);
    }
    json_out_end(j);
}

void board_put(const struct board *b, struct json_out *j)
{
    json_out_array(j);
    for (const struct board_row *row = b->first; row; row = row->next) {
        json_out_object(j);
        json_out_member(j, "direction", row->inbound ? SLICE("inbound") : SLICE("outbound"));
        json_out_member(j, "peer", row->peer);
        json_out_member(j, "operation", row->operation);
        json_out_member_int(j, "count", (int64_t)row->count);
        json_out_member_int(j, "errors", (int64_t)row->errors);
        put_steps(row, j);
        json_out_end(j);
    }
    json_out_end(j);
}
