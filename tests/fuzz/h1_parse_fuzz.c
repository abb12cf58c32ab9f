/* Any bytes, as requests or as responses, whole and cut: the same reading, and no crash. */
#include "base/check.h"
#include "http/h1_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct h1_parse parse;
    struct arena arena;
    struct message message;
    uint64_t heads, infos, ends, body, fields;
    enum h1_found last;
};

static void again(struct reading *r)
{
    message_init(&r->message, &r->arena);
    if (r->parse.side == H1_PARSE_REQUESTS)
        h1_parse_request(&r->parse, &r->message);
    else
        h1_parse_response(&r->parse, &r->message, SLICE("GET"));
}

static void count(struct reading *r, enum h1_found found, struct slice piece)
{
    r->last = found;
    r->heads += found == H1_HEAD;
    r->infos += found == H1_INFO;
    r->ends += found == H1_END;
    if (found == H1_DATA)
        r->body += piece.len;
    if (found == H1_HEAD || found == H1_INFO)
        r->fields += r->message.headers.count;
    if (found == H1_END) {
        r->fields += r->message.trailers.count;
        again(r);
    }
}

static void feed(struct reading *r, struct slice bytes)
{
    enum h1_found found;
    do {
        struct slice piece = {0};
        found = h1_parse_next(&r->parse, &bytes, SIZE_MAX, &piece);
        count(r, found, piece);
    } while (found != H1_MORE && found != H1_BAD);
}

static void read_in_pieces(struct reading *r, enum h1_parse_side side, struct slice bytes, size_t piece)
{
    *r = (struct reading){0};
    arena_init(&r->arena, 1 << 20);
    h1_parse_init(&r->parse, side);
    again(r);
    for (; bytes.len > 0 && r->last != H1_BAD; bytes = slice_from(bytes, piece))
        feed(r, slice_to(bytes, piece));
}

static void reading_fini(struct reading *r)
{
    h1_parse_fini(&r->parse);
    arena_fini(&r->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum h1_parse_side side = data[0] == 'r' ? H1_PARSE_RESPONSES : H1_PARSE_REQUESTS;
    size_t cut = (size_t)data[1] % 16 + 1;
    struct slice bytes = slice_of(data + 2, size - 2);
    struct reading whole, cut_up;
    read_in_pieces(&whole, side, bytes, bytes.len + 1);
    read_in_pieces(&cut_up, side, bytes, cut);
    POST(whole.heads == cut_up.heads && whole.infos == cut_up.infos && whole.ends == cut_up.ends);
    POST(whole.body == cut_up.body && whole.fields == cut_up.fields);
    POST(whole.parse.refused == cut_up.parse.refused);
    reading_fini(&whole);
    reading_fini(&cut_up);
    return 0;
}
