#include "base/web_get.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/now.h"

enum { HOST_MOST = 255, PATH_MOST = 1024, HEAD_MOST = 16 << 10, PIECE = 4096 };

struct place {
    bool secure;
    char host[HOST_MOST + 1], port[8], path[PATH_MOST + 1];
};

/* One document on its way. */
struct getting {
    const struct web_get *get;
    struct place place;
    int64_t until_us;
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    bool cut; /* the other side left without saying so: only a length tells that all came */
    char *fault;
};

static enum err PRINTF_LIKE(2, 3) fail(struct getting *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(g->fault, WEB_GET_FAULT, format, args);
    va_end(args);
    return ERR_IO;
}

/* ---- the URL ---- */

static bool copy_text(struct slice from, char *into, size_t room)
{
    if (from.len == 0 || from.len >= room)
        return false;
    for (size_t i = 0; i < from.len; i++)
        if (from.at[i] <= ' ' || from.at[i] > '~' || from.at[i] == '#')
            return false;
    memcpy(into, from.at, from.len);
    into[from.len] = 0;
    return true;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
}

static bool parse_authority(struct slice authority, struct place *p)
{
    size_t end, colon;
    uint64_t port;
    struct slice host = authority, rest = {0};
    if (slice_starts(authority, SLICE("["))) {
        if (!slice_find(authority, ']', &end))
            return false;
        host = slice_of(authority.at + 1, end - 1);
        rest = slice_from(authority, end + 1);
    } else if (slice_find(authority, ':', &colon)) {
        host = slice_to(authority, colon);
        rest = slice_from(authority, colon);
    }
    (void)snprintf(p->port, sizeof(p->port), "%s", p->secure ? "443" : "80");
    if (rest.len) {
        if (rest.at[0] != ':' || slice_u64(slice_from(rest, 1), 65535, &port) != ERR_OK)
            return false;
        (void)snprintf(p->port, sizeof(p->port), "%u", (unsigned)port);
    }
    return copy_text(host, p->host, sizeof(p->host)) && !slice_find(host, '@', &end);
}

static bool parse_url(struct slice url, struct place *p, const char **why)
{
    size_t slash;
    *p = (struct place){.secure = slice_starts(url, SLICE("https://"))};
    *why = "write https://HOST/PATH";
    if (!p->secure && !slice_starts(url, SLICE("http://")))
        return false;
    struct slice rest = slice_from(url, p->secure ? 8 : 7), path = SLICE("/");
    if (slice_find(rest, '/', &slash)) {
        path = slice_from(rest, slash);
        rest = slice_to(rest, slash);
    }
    if (!parse_authority(rest, p) || !copy_text(path, p->path, sizeof(p->path)))
        return false;
    *why = "use https: keys that came in the clear prove nothing";
    return p->secure || is_loopback(p->host);
}

bool web_get_url_ok(struct slice url, const char **why)
{
    struct place p;
    return parse_url(url, &p, why);
}

/* ---- the connection ---- */

static int left_ms(const struct getting *g)
{
    int64_t left = (g->until_us - now_mono_us(&now_real)) / 1000;
    return left < 0 ? 0 : (int)left + 1;
}

static bool wait_for(const struct getting *g, short events)
{
    struct pollfd p = {.fd = g->fd, .events = events};
    int got;
    do
        got = poll(&p, 1, left_ms(g));
    while (got < 0 && errno == EINTR);
    return got > 0;
}

static bool connect_to(struct getting *g, const struct addrinfo *a)
{
    int error = 0;
    socklen_t len = sizeof(error);
    g->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (g->fd < 0)
        return false;
    if (connect(g->fd, a->ai_addr, a->ai_addrlen) == 0)
        return true;
    if (errno == EINPROGRESS && wait_for(g, POLLOUT) && getsockopt(g->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
        error == 0)
        return true;
    errno = error ? error : errno == EINPROGRESS ? ETIMEDOUT : errno;
    close(g->fd);
    g->fd = -1;
    return false;
}

static enum err dial(struct getting *g)
{
    struct addrinfo *list = NULL, hints = {.ai_socktype = SOCK_STREAM};
    int e = getaddrinfo(g->place.host, g->place.port, &hints, &list);
    if (e != 0)
        return fail(g, "no address of %s: %s", g->place.host, gai_strerror(e));
    for (const struct addrinfo *a = list; a && g->fd < 0; a = a->ai_next)
        (void)connect_to(g, a);
    freeaddrinfo(list);
    return g->fd < 0 ? fail(g, "%s:%s: %s", g->place.host, g->place.port, strerrordesc_np(errno)) : ERR_OK;
}

static enum err fail_tls(struct getting *g)
{
    long verdict = SSL_get_verify_result(g->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (verdict != X509_V_OK)
        return fail(g, "the certificate of %s: %s", g->place.host, X509_verify_cert_error_string(verdict));
    return fail(g, "TLS with %s: %s", g->place.host, reason ? reason : "it took too long, or the connection ended");
}

static bool again(const struct getting *g, int result)
{
    int want = SSL_get_error(g->ssl, result);
    if (want == SSL_ERROR_WANT_READ)
        return wait_for(g, POLLIN);
    return want == SSL_ERROR_WANT_WRITE && wait_for(g, POLLOUT);
}

static enum err open_tls(struct getting *g)
{
    int result;
    g->ctx = SSL_CTX_new(TLS_client_method());
    if (!g->ctx || SSL_CTX_set_min_proto_version(g->ctx, TLS1_2_VERSION) != 1)
        return fail(g, "TLS cannot begin");
    int trusted =
        g->get->ca ? SSL_CTX_load_verify_locations(g->ctx, g->get->ca, NULL) : SSL_CTX_set_default_verify_paths(g->ctx);
    if (trusted != 1)
        return fail(g, "no authorities in %s", g->get->ca ? g->get->ca : "the system's store");
    SSL_CTX_set_verify(g->ctx, SSL_VERIFY_PEER, NULL);
    g->ssl = SSL_new(g->ctx);
    X509_VERIFY_PARAM *param = SSL_get0_param(g->ssl);
    bool named = X509_VERIFY_PARAM_set1_ip_asc(param, g->place.host) == 1 ||
                 (X509_VERIFY_PARAM_set1_host(param, g->place.host, 0) == 1 &&
                  SSL_set_tlsext_host_name(g->ssl, g->place.host) == 1);
    if (!named || SSL_set_fd(g->ssl, g->fd) != 1)
        return fail(g, "TLS cannot begin");
    do
        result = SSL_connect(g->ssl);
    while (result != 1 && again(g, result));
    return result == 1 ? ERR_OK : fail_tls(g);
}

/* -1: it failed; 0: the other side ended it. */
static ssize_t take(struct getting *g, char *into, size_t room)
{
    ssize_t got;
    if (g->ssl) {
        int result;
        do
            result = SSL_read(g->ssl, into, (int)room);
        while (result <= 0 && again(g, result));
        if (result > 0)
            return result;
        int end = SSL_get_error(g->ssl, result);
        g->cut = end == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
        return end == SSL_ERROR_ZERO_RETURN || g->cut ? 0 : -1;
    }
    do
        got = wait_for(g, POLLIN) ? recv(g->fd, into, room, 0) : -1;
    while (got < 0 && errno == EINTR);
    return got;
}

static enum err say(struct getting *g)
{
    char request[PATH_MOST + HOST_MOST + 256];
    bool v6 = strchr(g->place.host, ':') != NULL;
    int len = snprintf(request, sizeof(request),
                       "GET %s HTTP/1.0\r\nHost: %s%s%s:%s\r\nAccept: application/json\r\nUser-Agent: weft\r\n\r\n",
                       g->place.path, v6 ? "[" : "", g->place.host, v6 ? "]" : "", g->place.port);
    int result;
    if (!g->ssl)
        return send(g->fd, request, (size_t)len, MSG_NOSIGNAL) == len ? ERR_OK : fail(g, "the request was not taken");
    do
        result = SSL_write(g->ssl, request, len);
    while (result <= 0 && again(g, result));
    return result == len ? ERR_OK : fail_tls(g);
}

/* ---- the answer ---- */

/* The value of a field of the head; false: it is not there. */
static bool field(struct slice head, struct slice name, struct slice *value)
{
    struct slice line;
    size_t colon;
    while (slice_split(&head, '\n', &line))
        if (slice_find(line, ':', &colon) && slice_eq_nocase(slice_to(line, colon), name)) {
            *value = slice_trim(slice_from(line, colon + 1));
            if (slice_ends(*value, SLICE("\r")))
                value->len--;
            return true;
        }
    return false;
}

static enum err judge(struct getting *g, struct buf *all, struct buf *body)
{
    struct slice text = buf_slice(all), value;
    uint64_t length;
    const char *end = text.at ? memmem(text.at, text.len, "\r\n\r\n", 4) : NULL;
    if (!end || !slice_starts(text, SLICE("HTTP/1.")) || text.len < 12)
        return fail(g, "%s gave no HTTP answer", g->get->url);
    struct slice head = slice_to(text, (size_t)(end - text.at) + 2), rest = slice_from(text, head.len + 2);
    if (!slice_eq(slice_of(text.at + 8, 5), SLICE(" 200 ")))
        return fail(g, "%s answered %.3s", g->get->url, text.at + 9);
    if (field(head, SLICE("transfer-encoding"), &value) || field(head, SLICE("content-encoding"), &value))
        return fail(g, "%s answers in a coding that was not asked for", g->get->url);
    bool says = field(head, SLICE("content-length"), &value);
    if (!says && g->cut)
        return fail(g, "%s was cut", g->get->url);
    if (says && (slice_u64(value, body->bound, &length) != ERR_OK || length != rest.len))
        return fail(g, "%s was cut, or is too long", g->get->url);
    return buf_add(body, rest) == ERR_OK ? ERR_OK : fail(g, "%s is longer than %zu bytes", g->get->url, body->bound);
}

static enum err hear(struct getting *g, struct buf *body)
{
    struct buf all;
    char piece[PIECE];
    ssize_t got;
    enum err e = ERR_OK;
    buf_init(&all, body->bound + HEAD_MOST);
    while (e == ERR_OK && (got = take(g, piece, sizeof(piece))) > 0)
        e = buf_add(&all, slice_of(piece, (size_t)got));
    if (e != ERR_OK)
        e = fail(g, "%s is longer than %zu bytes", g->get->url, body->bound);
    else if (got < 0)
        e = fail(g, "%s: the connection broke, or it took too long", g->get->url);
    else
        e = judge(g, &all, body);
    buf_fini(&all);
    return e;
}

static enum err exchange(struct getting *g, struct buf *body)
{
    const char *why;
    if (!parse_url(slice_str(g->get->url), &g->place, &why))
        return fail(g, "%s: %s", g->get->url, why);
    TRY(dial(g));
    if (g->place.secure)
        TRY(open_tls(g));
    TRY(say(g));
    return hear(g, body);
}

enum err web_get(const struct web_get *get, struct buf *body, char fault[WEB_GET_FAULT])
{
    struct getting g = {.get = get, .fd = -1, .fault = fault, .until_us = now_mono_us(&now_real) + get->timeout_us};
    enum err e = exchange(&g, body);
    SSL_free(g.ssl);
    SSL_CTX_free(g.ctx);
    if (g.fd >= 0)
        close(g.fd);
    ERR_clear_error();
    return e;
}
