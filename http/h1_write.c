#include "http/h1_write.h"

#include "base/check.h"
#include "http/h1_head.h"

enum { AROUND_FIELD = 4, AROUND_HEAD = 256 };

/* Belongs to one connection (RFC 9110 section 7.6.1), or is written from what the writer knows. */
static bool is_ours(const struct header *f)
{
    switch ((unsigned)f->token) {
    case HEADERS_CONNECTION:
    case HEADERS_CONTENT_LENGTH:
    case HEADERS_HOST:
    case HEADERS_HTTP2_SETTINGS:
    case HEADERS_KEEP_ALIVE:
    case HEADERS_PROXY_CONNECTION:
    case HEADERS_TE:
    case HEADERS_TRANSFER_ENCODING:
    case HEADERS_UPGRADE:
        return true;
    }
    return false;
}

/* The last guard against splitting: whoever filled the head, no line ends leave in the middle of a line. */
static enum err measure(const struct headers *h, size_t *size)
{
    for (uint32_t i = 0; i < h->count; i++) {
        const struct header *f = &h->v[i];
        if (!headers_name_ok(f->name) || !headers_value_ok(f->value))
            return ERR_INPUT;
        *size += f->name.len + f->value.len + AROUND_FIELD;
    }
    return ERR_OK;
}

static void put_field(struct buf *out, struct slice name, struct slice value)
{
    buf_put(out, name);
    buf_put(out, SLICE(": "));
    buf_put(out, value);
    buf_put(out, SLICE("\r\n"));
}

static struct slice spelled_name(const struct header *f)
{
    return f->spelled ? slice_of(f->spelled, f->name.len) : f->name;
}

static void put_fields(struct buf *out, const struct headers *h)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (!is_ours(&h->v[i]))
            put_field(out, spelled_name(&h->v[i]), h->v[i].value);
}

static bool is_visible(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~')
            return false;
    return s.len > 0;
}

/* ABSENT: there is none. */
static enum err read_length(const struct headers *h, uint64_t *length)
{
    enum err result = ERR_ABSENT;
    for (uint32_t i = 0; i < h->count; i++) {
        uint64_t n;
        if (h->v[i].token != HEADERS_CONTENT_LENGTH)
            continue;
        if (slice_u64(h->v[i].value, INT64_MAX, &n) != ERR_OK || (result == ERR_OK && n != *length))
            return ERR_INPUT;
        *length = n;
        result = ERR_OK;
    }
    return result;
}

static enum err fits(const struct buf *out, size_t size)
{
    return size > out->bound - buf_len(out) ? ERR_FULL : ERR_OK;
}

static void put_framing(struct buf *out, const struct h1_write *w)
{
    if (w->framing == H1_COUNTED)
        buf_putf(out, "content-length: %llu\r\n", (unsigned long long)w->left);
    else if (w->framing == H1_CHUNKED)
        buf_put(out, SLICE("transfer-encoding: chunked\r\n"));
}

/* ---- requests ---- */

static bool expects_body(struct slice method)
{
    return slice_eq(method, SLICE("POST")) || slice_eq(method, SLICE("PUT")) || slice_eq(method, SLICE("PATCH"));
}

static enum err frame_request(struct h1_write *w, const struct message *m, bool end)
{
    uint64_t length = 0;
    enum err e = read_length(&m->headers, &length);
    if (e == ERR_INPUT || (e == ERR_OK && end && length > 0))
        return ERR_INPUT;
    if (message_tunnels(m)) {
        *w = (struct h1_write){.framing = H1_NO_BODY};
        return ERR_OK;
    }
    enum h1_framing unknown = end ? H1_NO_BODY : H1_CHUNKED;
    /* RFC 9110 section 8.6: say 0 where a reader may wait for a body. */
    bool counted = e == ERR_OK || (end && expects_body(m->method));
    *w = (struct h1_write){.framing = counted ? H1_COUNTED : unknown, .left = length};
    return ERR_OK;
}

static void put_protocol(struct buf *out, struct slice protocol, bool with_te)
{
    if (protocol.len == 0)
        return;
    put_field(out, SLICE("connection"), with_te ? SLICE("te, upgrade") : SLICE("upgrade"));
    put_field(out, SLICE("upgrade"), protocol);
}

enum err h1_write_request(struct h1_write *w, struct buf *out, const struct message *m, bool end)
{
    struct h1_write framed;
    struct slice target = slice_eq(m->method, SLICE("CONNECT")) ? m->authority : m->path;
    size_t size = AROUND_HEAD + m->method.len + target.len + m->authority.len;
    size += m->protocol.len;
    if (m->protocol.len > 0 && !is_visible(m->protocol))
        return ERR_INPUT;
    if (!headers_name_ok(m->method) || !is_visible(target) || (m->authority.len > 0 && !is_visible(m->authority)))
        return ERR_INPUT;
    TRY(measure(&m->headers, &size));
    TRY(frame_request(&framed, m, end));
    TRY(fits(out, size));
    *w = framed;
    buf_put(out, m->method);
    buf_put_char(out, ' ');
    buf_put(out, target);
    buf_put(out, SLICE(" HTTP/1.1\r\n"));
    put_field(out, SLICE("host"), m->authority);
    put_fields(out, &m->headers);
    if (headers_lists(&m->headers, HEADERS_TE, SLICE("trailers")))
        buf_put(out, m->protocol.len ? SLICE("te: trailers\r\n") : SLICE("te: trailers\r\nconnection: te\r\n"));
    put_protocol(out, m->protocol, headers_lists(&m->headers, HEADERS_TE, SLICE("trailers")));
    put_framing(out, w);
    buf_put(out, SLICE("\r\n"));
    return ERR_OK;
}

/* ---- responses ---- */

static enum err frame_response(struct h1_write *w, const struct message *m, const struct h1_write_answer *how,
                               bool bodiless)
{
    uint64_t length = 0;
    enum err e = read_length(&m->headers, &length);
    if (e == ERR_INPUT || (e == ERR_OK && how->end && length > 0 && !bodiless))
        return ERR_INPUT;
    enum h1_framing framing = how->minor == 0 ? H1_TO_CLOSE : H1_CHUNKED;
    if (bodiless)
        framing = H1_NO_BODY;
    else if (e == ERR_OK || how->end)
        framing = H1_COUNTED;
    *w = (struct h1_write){.framing = framing, .left = length};
    return ERR_OK;
}

/* What a GET would have been told (RFC 9110 section 8.6), where a response has no body itself. */
static void put_length_of_get(struct buf *out, const struct message *m)
{
    uint64_t length;
    if (m->status >= 200 && m->status != 204 && read_length(&m->headers, &length) == ERR_OK)
        buf_putf(out, "content-length: %llu\r\n", (unsigned long long)length);
}

static void put_status_line(struct buf *out, unsigned status, struct slice reason)
{
    buf_putf(out, "HTTP/1.1 %u ", status);
    buf_put(out, reason.len > 0 ? reason : slice_str(message_reason(status)));
    buf_put(out, SLICE("\r\n"));
}

enum err h1_write_response(struct h1_write *w, struct buf *out, const struct message *m,
                           const struct h1_write_answer *how)
{
    PRE(m->status >= 200 && m->status <= 999);
    struct h1_write framed;
    size_t size = AROUND_HEAD + m->reason.len;
    if (!headers_value_ok(m->reason))
        return ERR_INPUT;
    TRY(measure(&m->headers, &size));
    TRY(frame_response(&framed, m, how, message_bodiless(how->method, m->status)));
    TRY(fits(out, size));
    *w = framed;
    put_status_line(out, m->status, m->reason);
    put_fields(out, &m->headers);
    put_framing(out, w);
    if (w->framing == H1_NO_BODY)
        put_length_of_get(out, m);
    if (!how->keep_alive || w->framing == H1_TO_CLOSE)
        buf_put(out, SLICE("connection: close\r\n"));
    else if (how->minor == 0)
        buf_put(out, SLICE("connection: keep-alive\r\n"));
    buf_put(out, SLICE("\r\n"));
    return ERR_OK;
}

enum err h1_write_tunnel(struct h1_write *w, struct buf *out, const struct message *m, struct slice protocol)
{
    size_t size = AROUND_HEAD + protocol.len;
    if (protocol.len > 0 && !is_visible(protocol))
        return ERR_INPUT;
    TRY(measure(&m->headers, &size));
    TRY(fits(out, size));
    *w = (struct h1_write){.framing = H1_TO_CLOSE};
    put_status_line(out, protocol.len > 0 ? 101 : m->status, (struct slice){0});
    put_fields(out, &m->headers);
    put_protocol(out, protocol, false);
    buf_put(out, SLICE("\r\n"));
    return ERR_OK;
}

enum err h1_write_info(struct buf *out, unsigned status, const struct headers *fields)
{
    size_t size = AROUND_HEAD;
    if (fields)
        TRY(measure(fields, &size));
    TRY(fits(out, size));
    put_status_line(out, status, (struct slice){0});
    if (fields)
        put_fields(out, fields);
    buf_put(out, SLICE("\r\n"));
    return ERR_OK;
}

/* ---- bodies ---- */

static enum err put_chunk(struct buf *out, struct slice bytes)
{
    TRY(fits(out, bytes.len + H1_WRITE_AROUND_CHUNK));
    buf_putf(out, "%zx\r\n", bytes.len);
    buf_put(out, bytes);
    buf_put(out, SLICE("\r\n"));
    return ERR_OK;
}

enum err h1_write_body(struct h1_write *w, struct buf *out, struct slice bytes)
{
    PRE(!w->ended);
    /* An empty chunk would end the body. */
    if (bytes.len == 0)
        return ERR_OK;
    switch (w->framing) {
    case H1_NO_BODY:
        return ERR_OK;
    case H1_CHUNKED:
        return put_chunk(out, bytes);
    case H1_TO_CLOSE:
        return buf_add(out, bytes);
    case H1_COUNTED:
        break;
    }
    if (bytes.len > w->left)
        return ERR_LIMIT;
    TRY(buf_add(out, bytes));
    w->left -= bytes.len;
    return ERR_OK;
}

static enum err put_trailers(struct buf *out, const struct headers *trailers)
{
    size_t size = AROUND_HEAD;
    TRY(measure(trailers, &size));
    TRY(fits(out, size));
    buf_put(out, SLICE("0\r\n"));
    for (uint32_t i = 0; i < trailers->count; i++)
        if (h1_head_may_trail(trailers->v[i].name))
            put_field(out, trailers->v[i].name, trailers->v[i].value);
    buf_put(out, SLICE("\r\n"));
    return ERR_OK;
}

enum err h1_write_end(struct h1_write *w, struct buf *out, const struct headers *trailers)
{
    PRE(!w->ended);
    if (w->framing == H1_COUNTED && w->left > 0)
        return ERR_INPUT;
    if (w->framing == H1_CHUNKED)
        TRY(put_trailers(out, trailers));
    w->ended = true;
    return ERR_OK;
}
