#include "http/h1_head.h"

#include "base/check.h"

enum { LONGEST_OPTION = 64, MOST_OPTIONS = 32 };

static const struct {
    unsigned status;
    const char *word;
} refusals[H1_REFUSAL_COUNT] = {
#define REFUSAL_ROW(name, number, text) {number, text},
    H1_REFUSALS(REFUSAL_ROW)
#undef REFUSAL_ROW
};

unsigned h1_head_status(enum h1_refusal why)
{
    PRE(why < H1_REFUSAL_COUNT);
    return refusals[why].status;
}

const char *h1_head_word(enum h1_refusal why)
{
    PRE(why < H1_REFUSAL_COUNT);
    return refusals[why].word;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool all_of(struct slice s, const char *besides_alnum)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.at[i]) && !is_one_of(s.at[i], besides_alnum))
            return false;
    return true;
}

/* Visible ASCII, and no fragment. */
static bool is_target_text(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == '#')
            return false;
    return true;
}

/* RFC 9110 section 5.5: blanks, visible ASCII and bytes over 127. */
static enum h1_refusal judge_text(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c == '\r')
            return H1_BARE_RETURN;
        if ((c < ' ' && c != '\t') || c == 127)
            return H1_CONTROL;
    }
    return H1_FINE;
}

/* ---- authority (RFC 3986 section 3.2, without userinfo) ---- */

static bool is_port(struct slice s)
{
    uint64_t port;
    return s.len <= 5 && slice_u64(s, 65535, &port) == ERR_OK;
}

/* Cuts host and port apart; false: neither a name nor an address in brackets. */
static bool split_host(struct slice authority, struct slice *host, struct slice *after)
{
    size_t at = authority.len;
    if (slice_starts(authority, SLICE("["))) {
        if (!slice_find(authority, ']', &at))
            return false;
        *host = slice_to(slice_from(authority, 1), at - 1);
        *after = slice_from(authority, at + 1);
        return host->len > 0 && all_of(*host, ".:%-_~");
    }
    slice_find(authority, ':', &at);
    *host = slice_to(authority, at);
    *after = slice_from(authority, at);
    /* A comma may stand in a name by RFC 3986, but here it means two hosts joined by somebody. */
    return host->len > 0 && all_of(*host, "-._~%!$&'()*+;=");
}

static bool is_authority(struct slice s, bool port_needed)
{
    struct slice host, after;
    if (!split_host(s, &host, &after))
        return false;
    if (after.len == 0)
        return !port_needed;
    if (after.at[0] != ':')
        return false;
    return is_port(slice_from(after, 1)) || (after.len == 1 && !port_needed);
}

/* ---- first lines ---- */

static enum h1_refusal read_version(struct slice s, unsigned *minor)
{
    if (slice_eq(s, SLICE("HTTP/1.1")) || slice_eq(s, SLICE("HTTP/1.0"))) {
        *minor = s.at[7] == '1';
        return H1_FINE;
    }
    bool shaped = s.len == 8 && slice_starts(s, SLICE("HTTP/")) && s.at[6] == '.' && s.at[5] >= '0' && s.at[5] <= '9' &&
                  s.at[7] >= '0' && s.at[7] <= '9';
    return shaped ? H1_VERSION_OTHER : H1_VERSION;
}

static enum h1_refusal keep(struct message *m, struct slice bytes, struct slice *copy)
{
    return arena_copy(m->headers.arena, bytes, copy) == ERR_OK ? H1_FINE : H1_HEAD_LARGE;
}

/* RFC 9112 section 3.2.2: scheme "://" authority path. */
static enum h1_refusal read_absolute(struct slice target, struct message *m)
{
    size_t colon;
    if (!slice_find(target, ':', &colon))
        return H1_TARGET;
    struct slice scheme = slice_to(target, colon);
    bool secure = slice_eq_nocase(scheme, SLICE("https"));
    if (!secure && !slice_eq_nocase(scheme, SLICE("http")))
        return H1_TARGET;
    struct slice rest = slice_from(target, colon);
    if (!slice_starts(rest, SLICE("://")))
        return H1_TARGET;
    rest = slice_from(rest, 3);
    size_t end = 0;
    while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
        end++;
    if (!is_authority(slice_to(rest, end), false))
        return H1_TARGET;
    m->scheme = secure ? SLICE("https") : SLICE("http");
    enum h1_refusal why = keep(m, slice_to(rest, end), &m->authority);
    if (why != H1_FINE)
        return why;
    struct slice path = slice_from(rest, end);
    if (path.len == 0) {
        m->path = slice_eq(m->method, SLICE("OPTIONS")) ? SLICE("*") : SLICE("/");
        return H1_FINE;
    }
    if (path.at[0] == '/')
        return keep(m, path, &m->path);
    /* "http://host?query": the path is empty, and that is "/" on the wire. */
    m->path = arena_putf(m->headers.arena, "/%.*s", SLICE_FMT(path));
    return H1_FINE;
}

static enum h1_refusal read_target(struct slice target, struct message *m)
{
    if (target.len == 0 || !is_target_text(target))
        return H1_TARGET;
    if (target.len > H1_HEAD_TARGET_MOST)
        return H1_TARGET_LONG;
    if (slice_eq(m->method, SLICE("CONNECT")))
        return is_authority(target, true) ? keep(m, target, &m->authority) : H1_TARGET;
    if (target.at[0] == '/')
        return keep(m, target, &m->path);
    if (slice_eq(target, SLICE("*"))) {
        m->path = SLICE("*");
        return slice_eq(m->method, SLICE("OPTIONS")) ? H1_FINE : H1_TARGET;
    }
    return read_absolute(target, m);
}

enum h1_refusal h1_head_request_line(struct slice line, struct message *m, unsigned *minor)
{
    enum h1_refusal why = judge_text(line);
    if (why != H1_FINE)
        return why;
    size_t first, last;
    if (!slice_find(line, ' ', &first) || !slice_find_last(line, ' ', &last) || first == last)
        return H1_REQUEST_LINE;
    struct slice method = slice_to(line, first);
    if (!headers_name_ok(method) || method.len > H1_HEAD_METHOD_MOST)
        return H1_METHOD;
    struct slice version = slice_from(line, last + 1);
    if (version.len > 0 && !slice_eq_nocase(slice_to(version, 5), SLICE("HTTP/")))
        return H1_STRANGE;
    why = read_version(version, minor);
    if (why == H1_FINE)
        why = keep(m, method, &m->method);
    if (why == H1_FINE)
        why = read_target(slice_from(slice_to(line, last), first + 1), m);
    return why;
}

enum h1_refusal h1_head_status_line(struct slice line, struct message *m, unsigned *minor)
{
    enum h1_refusal why = judge_text(line);
    if (why != H1_FINE)
        return why;
    why = read_version(slice_to(line, 8), minor);
    if (why != H1_FINE)
        return why;
    struct slice code = slice_to(slice_from(line, 9), 3);
    uint64_t status;
    if (line.len < 12 || line.at[8] != ' ' || slice_u64(code, 599, &status) != ERR_OK || status < 100)
        return H1_STATUS_LINE;
    /* The blank before an empty reason is required (RFC 9112 section 4) and often missing; it hides nothing. */
    if (line.len > 12 && line.at[12] != ' ')
        return H1_STATUS_LINE;
    m->status = (unsigned)status;
    return keep(m, slice_from(line, 13), &m->reason);
}

/* ---- fields ---- */

static enum h1_refusal split_field(struct slice line, struct slice *name, struct slice *value)
{
    /* RFC 9112 section 5.2: a folded field can hide another from one of two readers. */
    if (line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t'))
        return H1_FOLDED;
    enum h1_refusal why = judge_text(line);
    if (why != H1_FINE)
        return why;
    size_t colon;
    if (!slice_find(line, ':', &colon) || !headers_name_ok(slice_to(line, colon)))
        return H1_NAME;
    *name = slice_to(line, colon);
    *value = slice_trim(slice_from(line, colon + 1));
    return H1_FINE;
}

enum h1_refusal h1_head_field(struct slice line, struct headers *into)
{
    struct slice name, value;
    enum h1_refusal why = split_field(line, &name, &value);
    if (why != H1_FINE || !into)
        return why;
    return headers_add_copy(into, name, value) == ERR_OK ? H1_FINE : H1_HEAD_LARGE;
}

bool h1_head_may_trail(struct slice name)
{
    static const char *const never[] = {
        "connection",       "content-encoding",
        "content-length",   "content-type",
        "expect",           "host",
        "keep-alive",       "te",
        "proxy-connection", "trailer",
        "upgrade",          "transfer-encoding",
    };
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        if (slice_eq_nocase(name, slice_str(never[i])))
            return false;
    return true;
}

enum h1_refusal h1_head_trailer(struct slice line, struct headers *into)
{
    struct slice name, value;
    enum h1_refusal why = split_field(line, &name, &value);
    if (why != H1_FINE)
        return why;
    if (!h1_head_may_trail(name))
        return H1_TRAILER;
    if (!into)
        return H1_FINE;
    return headers_add_copy(into, name, value) == ERR_OK ? H1_FINE : H1_HEAD_LARGE;
}

/* ---- the head as a whole ---- */

static uint32_t count_of(const struct headers *h, enum headers_token token)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->count; i++)
        n += h->v[i].token == token;
    return n;
}

/* RFC 9112 section 3.2: the target's authority wins over Host, but Host must be there and be one. */
static enum h1_refusal move_host(struct message *m, unsigned minor)
{
    uint32_t hosts = count_of(&m->headers, HEADERS_HOST);
    if (hosts > 1)
        return H1_HOST_TWICE;
    if (hosts == 0)
        return minor == 0 ? H1_FINE : H1_HOST_MISSING;
    struct slice host = headers_value(&m->headers, HEADERS_HOST);
    if (host.len > 0 && !is_authority(host, false))
        return H1_HOST;
    if (m->authority.len == 0)
        m->authority = host;
    headers_remove(&m->headers, HEADERS_HOST);
    return H1_FINE;
}

static enum h1_refusal read_one_length(struct slice list, int64_t *length)
{
    struct slice piece;
    if (list.len == 0 || slice_ends(list, SLICE(",")))
        return H1_LENGTH;
    while (slice_split(&list, ',', &piece)) {
        uint64_t n;
        if (slice_u64(slice_trim(piece), INT64_MAX, &n) != ERR_OK)
            return H1_LENGTH;
        if (*length >= 0 && (uint64_t)*length != n)
            return H1_LENGTHS;
        *length = (int64_t)n;
    }
    return H1_FINE;
}

/* Repeated equal lengths become one (RFC 9112 section 6.3, rule 5). */
static enum h1_refusal read_length(struct message *m)
{
    bool single = count_of(&m->headers, HEADERS_CONTENT_LENGTH) == 1;
    m->length = -1;
    for (uint32_t i = 0; i < m->headers.count; i++) {
        const struct header *h = &m->headers.v[i];
        if (h->token != HEADERS_CONTENT_LENGTH)
            continue;
        enum h1_refusal why = read_one_length(h->value, &m->length);
        if (why != H1_FINE)
            return why;
        single = single && all_of(h->value, "");
    }
    if (m->length < 0 || single)
        return H1_FINE;
    struct slice digits = arena_putf(m->headers.arena, "%lld", (long long)m->length);
    return headers_set(&m->headers, HEADERS_CONTENT_LENGTH, digits) == ERR_OK ? H1_FINE : H1_HEAD_LARGE;
}

static enum h1_refusal read_coding(const struct message *m, struct h1_head_facts *facts)
{
    uint32_t fields = count_of(&m->headers, HEADERS_TRANSFER_ENCODING);
    struct slice coding = headers_value(&m->headers, HEADERS_TRANSFER_ENCODING);
    if (fields == 0)
        return H1_FINE;
    /* RFC 9112 section 6.1: no part of HTTP/1.0; whoever sends it there does not frame as we do. */
    if (fields > 1 || facts->minor == 0)
        return H1_CODING;
    if (m->length >= 0)
        return H1_LENGTH_AND_CODING;
    facts->chunked = slice_eq_nocase(coding, SLICE("chunked"));
    if (facts->chunked)
        return H1_FINE;
    return headers_name_ok(coding) ? H1_CODING_UNKNOWN : H1_CODING;
}

/* One connection option: what it names goes no further (RFC 9110 section 7.6.1). */
static enum h1_refusal drop_named(struct headers *h, struct slice option)
{
    char lower[LONGEST_OPTION];
    if (!headers_name_ok(option) || option.len > sizeof(lower))
        return H1_CONNECTION;
    for (size_t i = 0; i < option.len; i++)
        lower[i] = (char)(option.at[i] >= 'A' && option.at[i] <= 'Z' ? option.at[i] | 0x20 : option.at[i]);
    struct slice name = slice_of(lower, option.len);
    /* Whoever strips these changes where the message goes or where it ends. */
    if (slice_eq(name, SLICE("content-length")) || slice_eq(name, SLICE("host")))
        return H1_CONNECTION;
    if (!slice_eq(name, SLICE("te")))
        headers_remove_name(h, name);
    return H1_FINE;
}

static enum h1_refusal drop_all_named(struct headers *h)
{
    struct slice lists[HEADERS_MOST];
    uint32_t count = 0;
    int options = 0;
    for (uint32_t i = 0; i < h->count; i++)
        if (h->v[i].token == HEADERS_CONNECTION)
            lists[count++] = h->v[i].value;
    headers_remove(h, HEADERS_CONNECTION);
    for (uint32_t i = 0; i < count; i++) {
        struct slice piece;
        while (slice_split(&lists[i], ',', &piece)) {
            struct slice option = slice_trim(piece);
            enum h1_refusal why = option.len == 0 ? H1_FINE : drop_named(h, option);
            if (why != H1_FINE || ++options > MOST_OPTIONS)
                return H1_CONNECTION;
        }
    }
    return H1_FINE;
}

/* RFC 9110 section 7.8: the first protocol that a GET without a body offers.  An offer may be passed over: h2c
 * and TLS are ours to speak, by other means. */
static struct slice offered_protocol(const struct message *m, const struct h1_head_facts *facts)
{
    struct slice offers = headers_value(&m->headers, HEADERS_UPGRADE), first = {0};
    bool asked = facts->minor == 1 && headers_lists(&m->headers, HEADERS_CONNECTION, SLICE("upgrade"));
    if (!asked || !slice_eq(m->method, SLICE("GET")) || !slice_split(&offers, ',', &first))
        return (struct slice){0};
    first = slice_trim(first);
    bool ours = slice_eq_nocase(first, SLICE("h2c")) || slice_eq_nocase(slice_to(first, 3), SLICE("TLS"));
    if (slice_eq_nocase(first, SLICE("websocket")))
        return SLICE("websocket");
    return !ours && headers_name_ok(first) ? first : (struct slice){0};
}

static enum h1_refusal drop_connection_headers(struct message *m, struct h1_head_facts *facts)
{
    struct headers *h = &m->headers;
    bool closes = headers_lists(h, HEADERS_CONNECTION, SLICE("close"));
    bool keeps = headers_lists(h, HEADERS_CONNECTION, SLICE("keep-alive"));
    bool trailers = headers_lists(h, HEADERS_TE, SLICE("trailers"));
    facts->keep_alive = !closes && (facts->minor == 1 || keeps);
    enum h1_refusal why = drop_all_named(h);
    if (why != H1_FINE)
        return why;
    static const enum headers_token always[] = {
        HEADERS_KEEP_ALIVE, HEADERS_PROXY_CONNECTION, HEADERS_TRANSFER_ENCODING,
        HEADERS_UPGRADE,    HEADERS_HTTP2_SETTINGS,   HEADERS_TE,
    };
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        headers_remove(h, always[i]);
    /* Tells the next hop that trailers are welcome; every hop of ours carries them. */
    if (trailers && headers_add_token(h, HEADERS_TE, SLICE("trailers")) != ERR_OK)
        return H1_HEAD_LARGE;
    return H1_FINE;
}

/* RFC 9110 section 10.1.1.  The connection answers it itself, so it goes no further. */
static enum h1_refusal read_expect(struct message *m, struct h1_head_facts *facts)
{
    const struct header *expect = headers_get(&m->headers, HEADERS_EXPECT);
    if (!expect)
        return H1_FINE;
    if (!slice_eq_nocase(expect->value, SLICE("100-continue")))
        return H1_EXPECT;
    facts->expects_continue = facts->minor == 1;
    headers_remove(&m->headers, HEADERS_EXPECT);
    return H1_FINE;
}

static enum h1_refusal read_framing(struct message *m, struct h1_head_facts *facts)
{
    enum h1_refusal why = read_length(m);
    if (why == H1_FINE)
        why = read_coding(m, facts);
    if (why == H1_FINE)
        why = drop_connection_headers(m, facts);
    return why;
}

enum h1_refusal h1_head_request(struct message *m, struct h1_head_facts *facts)
{
    enum h1_refusal why = move_host(m, facts->minor);
    struct slice protocol = offered_protocol(m, facts);
    if (why == H1_FINE)
        why = read_framing(m, facts);
    if (why == H1_FINE)
        why = read_expect(m, facts);
    if (why == H1_FINE && !facts->chunked && m->length <= 0)
        m->protocol = protocol;
    if (why != H1_FINE || !slice_eq(m->method, SLICE("CONNECT")))
        return why;
    /* What follows a CONNECT may be the tunnel's bytes: never read them as a request. */
    facts->keep_alive = false;
    return facts->chunked || m->length > 0 ? H1_CONNECT_BODY : H1_FINE;
}

enum h1_refusal h1_head_response(struct message *m, struct h1_head_facts *facts)
{
    return read_framing(m, facts);
}
