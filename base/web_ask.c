#include "base/web_ask.h"

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

enum { PIECE = 4096, LOOK_MS = 200 };

/* One exchange on its way. */
struct asking {
    const struct web_ask *ask;
    const struct web_url *place;
    int64_t until_us;
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    bool cut; /* the other side left without saying so: only a length tells that all came */
    char *fault;
};

static enum err PRINTF_LIKE(2, 3) fail(struct asking *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(g->fault, WEB_ASK_FAULT, format, args);
    va_end(args);
    return ERR_IO;
}

/* ---- the connection ---- */

static int left_ms(const struct asking *g)
{
    int64_t left = (g->until_us - now_mono_us(&now_real)) / 1000;
    return left <= 0 ? 0 : left > INT32_MAX - 1 ? INT32_MAX : (int)left + 1;
}

static bool given_up(const struct asking *g)
{
    return g->ask->give_up && atomic_load(g->ask->give_up);
}

/* Looks up now and then: whoever has started it may have no time left. */
static bool wait_for(const struct asking *g, short events)
{
    struct pollfd p = {.fd = g->fd, .events = events};
    int got = 0;
    for (int left = left_ms(g); left > 0 && got == 0 && !given_up(g); left = left_ms(g)) {
        got = poll(&p, 1, left < LOOK_MS ? left : LOOK_MS);
        if (got < 0 && errno == EINTR)
            got = 0;
    }
    return got > 0;
}

static bool connect_to(struct asking *g, const struct addrinfo *a)
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

static enum err dial(struct asking *g)
{
    struct addrinfo *list = NULL, hints = {.ai_socktype = SOCK_STREAM};
    int e = getaddrinfo(g->place->host, g->place->port, &hints, &list);
    if (e != 0)
        return fail(g, "no address of %s: %s", g->place->host, gai_strerror(e));
    bool held_back = false;
    for (const struct addrinfo *a = list; a && g->fd < 0; a = a->ai_next) {
        if (g->ask->public_only && web_url_address_private(a->ai_addr))
            held_back = true;
        else
            (void)connect_to(g, a);
    }
    freeaddrinfo(list);
    if (g->fd < 0 && held_back)
        return fail(g, "%s has a private address, which it may not have", g->place->host);
    return g->fd < 0 ? fail(g, "%s:%s: %s", g->place->host, g->place->port, strerrordesc_np(errno)) : ERR_OK;
}

static enum err fail_tls(struct asking *g)
{
    long verdict = SSL_get_verify_result(g->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (verdict != X509_V_OK)
        return fail(g, "the certificate of %s: %s", g->place->host, X509_verify_cert_error_string(verdict));
    return fail(g, "TLS with %s: %s", g->place->host, reason ? reason : "it took too long, or the connection ended");
}

static bool again(const struct asking *g, int result)
{
    int want = SSL_get_error(g->ssl, result);
    if (want == SSL_ERROR_WANT_READ)
        return wait_for(g, POLLIN);
    return want == SSL_ERROR_WANT_WRITE && wait_for(g, POLLOUT);
}

static enum err open_tls(struct asking *g)
{
    int result;
    g->ctx = SSL_CTX_new(TLS_client_method());
    if (!g->ctx || SSL_CTX_set_min_proto_version(g->ctx, TLS1_2_VERSION) != 1)
        return fail(g, "TLS cannot begin");
    int trusted =
        g->ask->ca ? SSL_CTX_load_verify_locations(g->ctx, g->ask->ca, NULL) : SSL_CTX_set_default_verify_paths(g->ctx);
    if (trusted != 1)
        return fail(g, "no authorities in %s", g->ask->ca ? g->ask->ca : "the system's store");
    SSL_CTX_set_verify(g->ctx, SSL_VERIFY_PEER, NULL);
    g->ssl = SSL_new(g->ctx);
    X509_VERIFY_PARAM *param = SSL_get0_param(g->ssl);
    bool named = X509_VERIFY_PARAM_set1_ip_asc(param, g->place->host) == 1 ||
                 (X509_VERIFY_PARAM_set1_host(param, g->place->host, 0) == 1 &&
                  SSL_set_tlsext_host_name(g->ssl, g->place->host) == 1);
    if (!named || SSL_set_fd(g->ssl, g->fd) != 1)
        return fail(g, "TLS cannot begin");
    do
        result = SSL_connect(g->ssl);
    while (result != 1 && again(g, result));
    return result == 1 ? ERR_OK : fail_tls(g);
}

/* -1: it failed; 0: the other side ended it. */
static ssize_t take(struct asking *g, char *into, size_t room)
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

static enum err send_all(struct asking *g, struct slice bytes)
{
    while (bytes.len) {
        int piece = bytes.len > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes.len, sent;
        if (g->ssl) {
            do
                sent = SSL_write(g->ssl, bytes.at, piece);
            while (sent <= 0 && again(g, sent));
        } else {
            do
                sent = wait_for(g, POLLOUT) ? (int)send(g->fd, bytes.at, (size_t)piece, MSG_NOSIGNAL) : -1;
            while (sent < 0 && (errno == EINTR || errno == EAGAIN) && left_ms(g) > 0 && !given_up(g));
        }
        if (sent <= 0)
            return g->ssl ? fail_tls(g) : fail(g, "the request was not taken");
        bytes = slice_from(bytes, (size_t)sent);
    }
    return ERR_OK;
}

static enum err say(struct asking *g)
{
    struct buf request;
    bool v6 = strchr(g->place->host, ':') != NULL;
    buf_init(&request, SIZE_MAX);
    buf_put(&request, slice_str(g->ask->method));
    buf_putf(&request, " %s %s\r\nHost: %s%s%s:%s\r\n", g->place->path, g->ask->version, v6 ? "[" : "", g->place->host,
             v6 ? "]" : "", g->place->port);
    buf_put(&request, g->ask->fields);
    buf_put(&request, SLICE("\r\n"));
    buf_put(&request, g->ask->body);
    enum err e = send_all(g, buf_slice(&request));
    buf_fini(&request);
    return e;
}

static bool has_head(struct slice answer)
{
    return answer.len >= 4 && memmem(answer.at, answer.len, "\r\n\r\n", 4) != NULL;
}

static enum err hear(struct asking *g, struct buf *all)
{
    char piece[PIECE];
    ssize_t got = 1;
    while (got > 0 && !(g->ask->head_only && has_head(buf_slice(all)))) {
        got = take(g, piece, sizeof(piece));
        if (got > 0 && buf_add(all, slice_of(piece, (size_t)got)) != ERR_OK)
            return fail(g, "the answer is longer than %zu bytes", all->bound);
    }
    return got < 0 ? fail(g, "the connection broke, or it took too long") : ERR_OK;
}

static enum err exchange(struct asking *g, struct buf *all)
{
    TRY(dial(g));
    if (g->place->secure)
        TRY(open_tls(g));
    TRY(say(g));
    return hear(g, all);
}

enum err web_ask(const struct web_ask *ask, struct buf *all, bool *cut, char fault[WEB_ASK_FAULT])
{
    struct asking g = {
        .ask = ask, .place = ask->url, .fd = -1, .fault = fault, .until_us = now_mono_us(&now_real) + ask->timeout_us};
    enum err e = exchange(&g, all);
    *cut = g.cut;
    SSL_free(g.ssl);
    SSL_CTX_free(g.ctx);
    if (g.fd >= 0)
        close(g.fd);
    ERR_clear_error();
    return e;
}

bool web_ask_field(struct slice head, struct slice name, struct slice *value)
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

unsigned web_ask_status(struct slice all)
{
    uint64_t status;
    if (!slice_starts(all, SLICE("HTTP/1.")) || all.len < 12 || all.at[8] != ' ')
        return 0;
    return slice_u64(slice_of(all.at + 9, 3), 999, &status) == ERR_OK ? (unsigned)status : 0;
}
