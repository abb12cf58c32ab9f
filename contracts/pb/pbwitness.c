#include "contracts/pb/pbwitness.h"

#include "base/hash.h"
#include "base/json_out.h"
#include "contracts/pb/pbmake.h"

static const char *const sides[] = {"consumer", "provider"};

/* Members of the way around the message, from the inside out. */
static bool wrap(const struct pbtype_field *const *way, size_t length, struct slice inside, struct buf *out)
{
    struct buf turn[2];
    struct slice now = inside;
    bool good = true;
    buf_init(&turn[0], BUF_TEXT_BOUND);
    buf_init(&turn[1], BUF_TEXT_BOUND);
    for (size_t i = length; i-- > 0;) {
        struct buf *next = &turn[i & 1];
        buf_clear(next);
        good = good && pbmake_least_but(way[i]->message, way[i], next);
        pbmake_sub(way[i], now, next);
        now = buf_slice(next);
    }
    buf_put(out, now);
    buf_fini(&turn[0]);
    buf_fini(&turn[1]);
    return good;
}

/* The whole message of a call, when it is misread as well. */
static void find_whole(struct pbwitness *w, int writer, const struct pbtry_found *found, struct pbtry_found *whole)
{
    const struct pbreach_found *reach = pbreach(&w->reach[writer], (struct pbtype_message *)(uintptr_t)found->message);
    bool asked = writer == 0;
    const struct pbtype_message *root = asked ? reach->asked_root : reach->served_root;
    size_t length = asked ? reach->asked_length : reach->served_length;
    const struct pbtype_message *reader = root ? pbtype_message(&w->types[!writer], root->name) : NULL;
    if (!reader || length == 0)
        return;
    struct buf bytes;
    struct pbtry_found outer;
    buf_init(&bytes, BUF_TEXT_BOUND);
    w->pair->encodings = found->encoding;
    if (wrap(asked ? reach->asked_way : reach->served_way, length, found->bytes, &bytes) &&
        pbpair_bytes(w->pair, root, reader, buf_slice(&bytes), &outer) == ANSWER_YES)
        *whole = outer;
    buf_fini(&bytes);
}

static void put_hex(struct json_out *j, struct slice bytes)
{
    struct buf hex;
    buf_init(&hex, BUF_TEXT_BOUND);
    hash_put_hex(&hex, bytes);
    json_out_slice(j, buf_slice(&hex));
    buf_fini(&hex);
}

static struct slice kept(struct pbwitness *w, struct buf *text)
{
    struct slice s = arena_keep(w->arena, buf_slice(text));
    buf_fini(text);
    return s;
}

struct slice pbwitness_message(struct pbwitness *w, int writer, const struct pbtry_found *found)
{
    struct pbtry_found whole = *found;
    struct buf text;
    struct json_out j;
    find_whole(w, writer, found, &whole);
    buf_init(&text, BUF_TEXT_BOUND);
    json_out_init(&j, &text, 0);
    json_out_object(&j);
    json_out_member(&j, "writer", slice_str(sides[writer]));
    json_out_member(&j, "message", whole.message->name);
    json_out_member(&j, "encoding", whole.encoding == PBTRY_JSON ? SLICE("json") : SLICE("binary"));
    if (whole.encoding == PBTRY_JSON) {
        json_out_name(&j, "json");
        json_out_raw(&j, whole.json);
    } else {
        json_out_name(&j, "bytes");
        put_hex(&j, whole.bytes);
    }
    json_out_member(&j, "text", whole.text);
    if (whole.field.len)
        json_out_member(&j, "field", whole.field);
    if (whole.was.len)
        json_out_member(&j, "written", whole.was);
    json_out_member(&j, whole.was.len ? "read" : "refused", whole.is);
    json_out_end(&j);
    return kept(w, &text);
}

static const struct pbtype_message *of_call(const struct pbtype *t, int operation, bool asked)
{
    size_t at = 0;
    const struct pbtype_message *m;
    while ((m = map_next(&t->messages, &at))) {
        const int *numbers = asked ? m->asked : m->served;
        for (size_t i = 0; i < (asked ? m->asked_count : m->served_count); i++)
            if (numbers[i] == operation)
                return m;
    }
    return NULL;
}

struct slice pbwitness_stream(struct pbwitness *w, const struct graph_surface *surface)
{
    bool client = slice_eq(surface->kind, SLICE("rpc-client-stream-changed"));
    int writer = client ? 0 : 1;
    struct slice writes = client ? surface->was : surface->now;
    const struct pbtype_message *m =
        of_call(&w->types[writer], contract_operation(w->consumer, surface->consumer), client);
    struct buf bytes, text;
    struct json_out j;
    if (!slice_ends(writes, SLICE("stream")) || !m)
        return (struct slice){0};
    buf_init(&bytes, BUF_TEXT_BOUND);
    buf_init(&text, BUF_TEXT_BOUND);
    bool good = pbmake_least(m, &bytes);
    json_out_init(&j, &text, 0);
    json_out_object(&j);
    json_out_member(&j, "writer", slice_str(sides[writer]));
    json_out_member(&j, "message", m->name);
    json_out_name(&j, "stream");
    json_out_array(&j);
    put_hex(&j, buf_slice(&bytes));
    put_hex(&j, buf_slice(&bytes));
    json_out_end(&j);
    json_out_member(&j, "refused", SLICE("one message is expected"));
    json_out_end(&j);
    buf_fini(&bytes);
    struct slice all = kept(w, &text);
    return good ? all : (struct slice){0};
}
