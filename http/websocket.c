#include "http/websocket.h"

#include "base/hash.h"

#define KEY SLICE("sec-websocket-key")
#define ACCEPT SLICE("sec-websocket-accept")
#define VERSION SLICE("sec-websocket-version")
/* RFC 6455 section 1.3: what no server answers by accident. */
#define GUID SLICE("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")

enum { KEY_BYTES = 16, KEY_MOST = 128 };

bool websocket_is(const struct message *request)
{
    return slice_eq_nocase(request->protocol, SLICE("websocket"));
}

static enum err add_base64(struct headers *h, struct slice name, struct slice bytes)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    hash_put_base64(&text, bytes);
    struct slice value = arena_keep(h->arena, buf_slice(&text));
    buf_fini(&text);
    return headers_add(h, name, value);
}

enum err websocket_ask(struct message *request)
{
    struct headers *h = &request->headers;
    char key[KEY_BYTES];
    if (!headers_find(h, VERSION))
        TRY(headers_add(h, VERSION, SLICE("13")));
    if (headers_find(h, KEY))
        return ERR_OK;
    hash_random(key, sizeof(key));
    return add_base64(h, KEY, slice_of(key, sizeof(key)));
}

enum err websocket_accept(const struct message *request, struct message *response)
{
    const struct header *key = headers_find(&request->headers, KEY);
    if (!key || key->value.len > KEY_MOST || headers_find(&response->headers, ACCEPT))
        return ERR_OK;
    struct slice joined = arena_putf(response->headers.arena, "%.*s%.*s", SLICE_FMT(key->value), SLICE_FMT(GUID));
    struct hash_sha1 digest = hash_sha1(joined);
    return add_base64(&response->headers, ACCEPT, slice_of(digest.b, sizeof(digest.b)));
}
