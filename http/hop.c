#include "http/hop.h"

#include "base/buf.h"
#include "http/h1_head.h"

enum when { ALWAYS, NEVER, NOT_IN_REQUESTS, NOT_FROM_OUTSIDE, AS_TRAILERS, JOINED };

/* Everything that is not here crosses as it is, traceparent and x-forwarded-for among it. */
static const unsigned char rules[HEADERS_TOKEN_COUNT] = {
    [HEADERS_CONNECTION] = NEVER,
    [HEADERS_HOST] = NEVER,
    [HEADERS_HTTP2_SETTINGS] = NEVER,
    [HEADERS_KEEP_ALIVE] = NEVER,
    [HEADERS_PROXY_CONNECTION] = NEVER,
    [HEADERS_TRANSFER_ENCODING] = NEVER,
    [HEADERS_UPGRADE] = NEVER,
    [HEADERS_EXPECT] = NOT_IN_REQUESTS,
    [HEADERS_X_FORWARDED_CLIENT_CERT] = NOT_FROM_OUTSIDE,
    [HEADERS_TE] = AS_TRAILERS,
    [HEADERS_COOKIE] = JOINED,
};

static bool is_grpc(const struct message *m)
{
    return slice_starts(headers_value(&m->headers, HEADERS_CONTENT_TYPE), SLICE("application/grpc"));
}

static bool crosses(const struct message *in, const struct header *f, struct hop hop)
{
    switch ((enum when)rules[f->token]) {
    case NEVER:
    case NOT_IN_REQUESTS:
    case JOINED:
        return false;
    case NOT_FROM_OUTSIDE:
        return !hop.from_outside;
    case AS_TRAILERS:
        return slice_eq_nocase(f->value, SLICE("trailers")) && (hop.to_h2 || is_grpc(in));
    case ALWAYS:
        break;
    }
    return true;
}

/* HTTP/2 may send a cookie in crumbs; elsewhere they are one field (RFC 9113 section 8.2.3). */
static enum err join_cookies(const struct headers *in, struct headers *out)
{
    if (!headers_get(in, HEADERS_COOKIE))
        return ERR_OK;
    struct buf joined;
    buf_init(&joined, HEADERS_BYTES + 2 * HEADERS_MOST);
    for (uint32_t i = 0; i < in->count; i++) {
        if (in->v[i].token != HEADERS_COOKIE)
            continue;
        if (buf_len(&joined) > 0)
            buf_put(&joined, SLICE("; "));
        buf_put(&joined, in->v[i].value);
    }
    enum err e = headers_add_copy(out, SLICE("cookie"), buf_slice(&joined));
    buf_fini(&joined);
    return e;
}

enum err hop_request(const struct message *in, struct message *out, struct hop hop)
{
    out->method = in->method;
    out->scheme = in->scheme;
    out->authority = in->authority;
    out->path = in->path;
    out->protocol = in->protocol;
    out->length = in->length;
    for (uint32_t i = 0; i < in->headers.count; i++) {
        const struct header *f = &in->headers.v[i];
        if (crosses(in, f, hop))
            TRY(headers_add_field(&out->headers, f));
    }
    return join_cookies(&in->headers, &out->headers);
}

enum err hop_response(const struct message *in, struct message *out)
{
    out->status = in->status;
    out->length = in->length;
    out->reason = in->reason;
    for (uint32_t i = 0; i < in->headers.count; i++) {
        const struct header *f = &in->headers.v[i];
        if (rules[f->token] != NEVER && rules[f->token] != AS_TRAILERS)
            TRY(headers_add_field(&out->headers, f));
    }
    return ERR_OK;
}

enum err hop_trailers(const struct message *in, struct message *out)
{
    for (uint32_t i = 0; i < in->trailers.count; i++) {
        const struct header *f = &in->trailers.v[i];
        if (h1_head_may_trail(f->name))
            TRY(headers_add_field(&out->trailers, f));
    }
    return ERR_OK;
}

bool hop_info(unsigned status)
{
    return status > 101 && status < 200;
}
