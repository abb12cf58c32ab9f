#include "base/stream.h"

#include <pthread.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/check.h"
#include "base/creds.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/slim.h"

/* stream over TLS 1.3, on top of any other stream.
 *
 * OpenSSL reads and writes the stream below through a BIO of ours, so a record is
 * copied once, by the cipher.  Two things keep the promises of a stream:
 *
 * - OpenSSL reads ahead.  Bytes it holds make no event below, so while it may hold
 *   some, a deferred call makes the STREAM_READ (`held`).
 * - A record that the stream below took only in part cannot be taken back.  It counts
 *   as written, and is flushed before anything else is (`owed`).
 *
 * Several records of one write are gathered and go down at once: a call to the kernel
 * costs as much as the cipher does.  What the stream below did not take of them is
 * kept (`rest`), and goes before anything else, too.
 *
 * A client is open before the server has judged its certificate (RFC 8446 section
 * 4.4.2 comes in its last flight): a refusal arrives as PEER on the first read. */
enum tls_state { TLS_SHAKING, TLS_OPEN, TLS_BROKEN };

/* Our half: it ends with a close_notify that may have to wait for its turn. */
enum tls_half { HALF_OPEN, HALF_ENDING, HALF_ENDED };

enum {
    READ_AHEAD = 64 << 10,
    RECORD_MAX = 16384,                                     /* bytes in one record, RFC 8446 section 5.1 */
    RECORDS_MOST = 4,                                       /* gathered */
    GATHER_ROOM = RECORDS_MOST * (RECORD_MAX + 256) + 1024, /* with their heads and tags, and a key update */
};

/* What OpenSSL writes while records are gathered. */
struct gathering {
    size_t len;
    char bytes[GATHER_ROOM];
};

struct stream_tls {
    struct stream stream;
    struct loop *loop;
    struct stream *under;
    SSL *ssl;
    struct creds_session session;
    struct loop_task task;
    enum tls_state state;
    enum tls_half half;
    enum err under_read; /* how the last read below went */
    enum err under_write;
    unsigned wanted;
    bool held;                /* OpenSSL may hold bytes that nobody has read */
    bool read_by_write;       /* a read can go on only after a write (key update) */
    size_t owed;              /* bytes of the record that is under way, 0: none */
    struct gathering *gather; /* or NULL: straight down */
    struct buf rest;
    bool may_lack_alpn;
    struct metric *full, *resumed;
};

static struct stream_tls *self(const struct stream *s)
{
    return (struct stream_tls *)s;
}

/* What OpenSSL expects: 1, 0 at the end, else -1 (its shutdown takes 0 for done). */
static int bio_answer(enum err e)
{
    if (e == ERR_OK)
        return 1;
    return e == ERR_CLOSED ? 0 : -1;
}

static int bio_read(BIO *bio, char *into, size_t room, size_t *got)
{
    struct stream_tls *t = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    t->under_read = stream_read(t->under, into, room, got);
    if (t->under_read == ERR_AGAIN)
        BIO_set_retry_read(bio);
    return bio_answer(t->under_read);
}

/* OK: nothing is left of what was gathered. */
static enum err send_rest(struct stream_tls *t)
{
    while (buf_len(&t->rest) > 0) {
        size_t took;
        TRY(stream_write(t->under, buf_slice(&t->rest), &took));
        buf_took(&t->rest, took);
    }
    return ERR_OK;
}

/* A handshake does not wait for its own words: the last of a server's is a ticket, which nobody may be reading yet. */
static bool keep_words(struct stream_tls *t, struct slice words)
{
    size_t took = 0;

    if (t->state != TLS_SHAKING || words.len > GATHER_ROOM - buf_len(&t->rest))
        return false;
    if (send_rest(t) != ERR_OK || stream_write(t->under, words, &took) != ERR_OK)
        took = 0; /* if it is gone, the next read says so */
    buf_put(&t->rest, slice_from(words, took));
    return true;
}

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *took)
{
    struct stream_tls *t = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (t->gather) {
        POST(len <= GATHER_ROOM - t->gather->len);
        memcpy(t->gather->bytes + t->gather->len, bytes, len);
        t->gather->len += len;
        *took = len;
        return 1;
    }
    if (keep_words(t, slice_of(bytes, len))) {
        *took = len;
        return 1;
    }
    t->under_write = send_rest(t);
    if (t->under_write == ERR_OK)
        t->under_write = stream_write(t->under, slice_of(bytes, len), took);
    if (t->under_write == ERR_AGAIN)
        BIO_set_retry_write(bio);
    return bio_answer(t->under_write);
}

static long bio_ctrl(BIO *bio, int what, long number, void *pointer)
{
    struct stream_tls *t = BIO_get_data(bio);

    (void)number;
    (void)pointer;
    if (what == BIO_CTRL_EOF)
        return t->under_read == ERR_CLOSED;
    return what == BIO_CTRL_FLUSH; /* nothing is kept here */
}

static BIO_METHOD *method; /* made once, for the life of the process */

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    PRE(method && BIO_meth_set_read_ex(method, bio_read) == 1);
    PRE(BIO_meth_set_write_ex(method, bio_write) == 1 && BIO_meth_set_ctrl(method, bio_ctrl) == 1);
}

static BIO *new_bio(struct stream_tls *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    PRE(pthread_once(&once, make_method) == 0);
    BIO *bio = BIO_new(method);
    PRE(bio != NULL);
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    return bio;
}

/* What an earlier call has left would be taken for the reason of this one.  Clearing an empty queue costs
 * as much as a full one, and it mostly is empty. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

static void say(struct stream_tls *t, unsigned events)
{
    if (events && t->stream.fn)
        t->stream.fn(t->stream.arg, events);
}

static void want_under(struct stream_tls *t)
{
    unsigned events = 0;

    if (t->state == TLS_SHAKING)
        events = (SSL_want_write(t->ssl) ? STREAM_WRITE : STREAM_READ) | (buf_len(&t->rest) > 0 ? STREAM_WRITE : 0U);
    if (t->state == TLS_OPEN) {
        bool must_write = t->owed > 0 || buf_len(&t->rest) > 0 || t->half == HALF_ENDING || t->read_by_write;
        events = (t->wanted & STREAM_READ) | (must_write ? STREAM_WRITE : t->wanted & STREAM_WRITE);
    }
    stream_want(t->under, events);
}

static void explain(struct stream_tls *t, const char *why)
{
    creds_session_blame(&t->session, why);
}

static bool is_not_tls(int reason)
{
    return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
           reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_BAD_RECORD_TYPE ||
           reason == SSL_R_PACKET_LENGTH_TOO_LONG;
}

static bool is_older_tls(int reason)
{
    return reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_AD_REASON_OFFSET + SSL_AD_PROTOCOL_VERSION;
}

static bool is_cut(const struct stream_tls *t, int reason)
{
    return reason == SSL_R_UNEXPECTED_EOF_WHILE_READING || reason == 0 || t->under_read == ERR_PEER;
}

/* Puts OpenSSL's reason into words, unless the verdict on the certificate stands there already. */
static void explain_ssl(struct stream_tls *t)
{
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    bool is_alert = reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256;
    char text[128];

    if (is_cut(t, reason))
        explain(t, t->state == TLS_SHAKING ? "cut off during the handshake" : "cut off");
    else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        explain(t, "no certificate");
    else if (is_not_tls(reason))
        explain(t, "not TLS");
    else if (is_older_tls(reason))
        explain(t, "no TLS 1.3");
    else if (reason == SSL_R_NO_APPLICATION_PROTOCOL || reason == SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL)
        explain(t, "no protocol in common (ALPN)");
    else {
        (void)snprintf(text, sizeof(text), is_alert ? "the other side refused us: %s" : "TLS failed: %s",
                       is_alert ? SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET)
                                : ERR_reason_error_string(ERR_peek_last_error()));
        explain(t, text);
    }
}

static void break_off(struct stream_tls *t)
{
    t->state = TLS_BROKEN;
    loop_task_cancel(&t->task);
    want_under(t);
    say(t, STREAM_BROKEN);
}

static bool has_alpn(const struct stream_tls *t)
{
    const unsigned char *name;
    unsigned len;

    SSL_get0_alpn_selected(t->ssl, &name, &len);
    return len > 0;
}

static void count_handshake(const struct stream_tls *t)
{
    struct metric *m = t->session.is_resumed ? t->resumed : t->full;

    if (m)
        metric_add(m, 1);
}

static void open_up(struct stream_tls *t)
{
    if (!creds_session_settle(&t->session, t->ssl)) {
        break_off(t);
        return;
    }
    /* A side that offers nothing at all is not refused by OpenSSL. */
    if (t->session.alpn_len > 0 && !t->may_lack_alpn && !has_alpn(t)) {
        explain(t, "no protocol in common (ALPN)");
        break_off(t);
        return;
    }
    t->state = TLS_OPEN;
    count_handshake(t);
    slim_down(t->ssl);
    SSL_set_default_read_buffer_len(t->ssl, READ_AHEAD); /* a handshake has no use for that much */
    t->held = SSL_has_pending(t->ssl);
    stream_want(&t->stream, t->wanted);
    say(t, STREAM_OPEN);
}

static void shake(struct stream_tls *t)
{
    (void)send_rest(t); /* as above */
    forget_errors();
    int rc = SSL_do_handshake(t->ssl);
    if (rc == 1) {
        open_up(t);
        return;
    }
    int what = SSL_get_error(t->ssl, rc);
    if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) {
        want_under(t);
        return;
    }
    explain_ssl(t);
    creds_session_forget(&t->session);
    break_off(t);
}

/* OK, AGAIN, or how it failed. */
static enum err outcome(struct stream_tls *t, int rc, enum err gone)
{
    switch (SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return ERR_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return ERR_CLOSED;
    }
    explain_ssl(t);
    return gone;
}

static enum err tls_read(struct stream *s, char *into, size_t room, size_t *got)
{
    struct stream_tls *t = self(s);

    if (t->state == TLS_SHAKING)
        return ERR_AGAIN;
    forget_errors();
    int rc = SSL_read_ex(t->ssl, into, room, got);
    t->held = rc == 1 && SSL_has_pending(t->ssl);
    if (t->held && (t->wanted & STREAM_READ))
        loop_defer(t->loop, &t->task);
    if (rc == 1)
        return ERR_OK;
    t->read_by_write = SSL_want_write(t->ssl);
    if (t->read_by_write)
        want_under(t);
    return outcome(t, rc, t->under_read == ERR_IO ? ERR_IO : ERR_PEER);
}

/* OpenSSL keeps the record itself: it looks at the length alone and at none of these bytes. */
static const char owed_bytes[RECORD_MAX];

static enum err flush(struct stream_tls *t)
{
    size_t took;
    enum err e = send_rest(t);

    if (e == ERR_OK && t->owed == 0)
        return ERR_OK;
    forget_errors();
    if (e == ERR_OK) {
        int rc = SSL_write_ex(t->ssl, owed_bytes, t->owed, &took);
        e = rc == 1 ? ERR_OK : outcome(t, rc, ERR_IO);
    }
    if (e != ERR_AGAIN)
        t->owed = 0;
    if (e != ERR_AGAIN && e != ERR_OK)
        t->half = HALF_ENDED;
    return e;
}

/* What a write has gathered, as far as the stream below takes it. */
static enum err send_gathered(struct stream_tls *t, const struct gathering *g)
{
    size_t took = 0;
    enum err e = stream_write(t->under, slice_of(g->bytes, g->len), &took);
    if (e != ERR_OK && e != ERR_AGAIN)
        return ERR_IO;
    if (e == ERR_AGAIN)
        took = 0;
    buf_put(&t->rest, slice_of(g->bytes + took, g->len - took));
    if (took < g->len)
        want_under(t);
    return ERR_OK;
}

static enum err write_many(struct stream_tls *t, struct slice bytes, size_t *took)
{
    static _Thread_local struct gathering gathered;
    int rc = 1;
    *took = 0;
    gathered.len = 0;
    t->gather = &gathered;
    forget_errors();
    for (int i = 0; i < RECORDS_MOST && *took < bytes.len && rc == 1; i++) {
        size_t n = 0;
        struct slice record = slice_to(slice_from(bytes, *took), RECORD_MAX);
        rc = SSL_write_ex(t->ssl, record.at, record.len, &n);
        *took += rc == 1 ? n : 0;
    }
    t->gather = NULL;
    if (gathered.len > 0)
        TRY(send_gathered(t, &gathered));
    return *took > 0 ? ERR_OK : outcome(t, rc, ERR_IO) == ERR_AGAIN ? ERR_AGAIN : ERR_IO;
}

static enum err tls_write(struct stream *s, struct slice bytes, size_t *took)
{
    struct stream_tls *t = self(s);
    struct slice record = slice_to(bytes, RECORD_MAX);

    if (t->state == TLS_SHAKING)
        return ERR_AGAIN;
    if (t->half != HALF_OPEN)
        return ERR_IO;
    if (record.len == 0) {
        *took = 0;
        return ERR_OK;
    }
    TRY(flush(t));
    if (bytes.len > RECORD_MAX)
        return write_many(t, bytes, took);
    forget_errors();
    int rc = SSL_write_ex(t->ssl, record.at, record.len, took);
    if (rc == 1)
        return ERR_OK;
    enum err e = outcome(t, rc, ERR_IO);
    if (e != ERR_AGAIN)
        return ERR_IO;
    /* The answer to a key update goes first; while it waits, our record has not begun. */
    if (SSL_in_init(t->ssl))
        return ERR_AGAIN;
    t->owed = record.len;
    want_under(t);
    *took = record.len;
    return ERR_OK;
}

static void tls_want(struct stream *s, unsigned events)
{
    struct stream_tls *t = self(s);

    t->wanted = events;
    if (t->state != TLS_OPEN)
        return;
    want_under(t);
    if (t->held && (events & STREAM_READ))
        loop_defer(t->loop, &t->task);
}

/* close_notify after what is owed, then the end of the stream below. */
static void end_half(struct stream_tls *t)
{
    if (t->half != HALF_ENDING || flush(t) == ERR_AGAIN)
        return;
    forget_errors();
    int rc = SSL_shutdown(t->ssl);
    if (rc < 0 && SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_WRITE)
        return;
    t->half = HALF_ENDED;
    stream_shut(t->under);
}

static void tls_shut(struct stream *s)
{
    struct stream_tls *t = self(s);

    if (t->state != TLS_OPEN || t->half != HALF_OPEN)
        return;
    t->half = HALF_ENDING;
    end_half(t);
    want_under(t);
}

static void tls_close(struct stream *s)
{
    struct stream_tls *t = self(s);

    loop_task_cancel(&t->task);
    SSL_free(t->ssl);
    buf_fini(&t->rest);
    stream_close(&t->under);
    creds_session_fini(&t->session);
    mem_free(t);
}

static struct slice tls_peer_id(const struct stream *s)
{
    const struct creds_peer *p = self(s)->session.peer;

    return p ? creds_peer_id(p) : (struct slice){0};
}

static struct creds_peer *tls_peer(const struct stream *s)
{
    return self(s)->session.peer;
}

static int64_t tls_peer_until_us(const struct stream *s)
{
    const struct creds_peer *p = self(s)->session.peer;

    return p ? creds_peer_until_us(p) : 0;
}

static bool tls_is_resumed(const struct stream *s)
{
    return self(s)->session.is_resumed;
}

static struct slice tls_alpn(const struct stream *s)
{
    const unsigned char *name;
    unsigned len;

    SSL_get0_alpn_selected(self(s)->ssl, &name, &len);
    return slice_of(name, len);
}

static const char *tls_fault(const struct stream *s)
{
    return creds_session_fault(&self(s)->session);
}

static const struct stream_ops tls_ops = {
    .read = tls_read,
    .write = tls_write,
    .want = tls_want,
    .shut = tls_shut,
    .close = tls_close,
    .peer = tls_peer,
    .peer_id = tls_peer_id,
    .peer_until_us = tls_peer_until_us,
    .is_resumed = tls_is_resumed,
    .alpn = tls_alpn,
    .fault = tls_fault,
};

static void on_under_open(struct stream_tls *t, unsigned events)
{
    unsigned mine = 0;

    if (events & STREAM_WRITE) {
        /* A failure shows again in the write that follows the event. */
        bool clear = flush(t) != ERR_AGAIN;
        end_half(t);
        mine |= clear ? STREAM_WRITE : 0U;
        mine |= t->read_by_write ? STREAM_READ : 0U;
        t->read_by_write = false;
        want_under(t);
    }
    mine |= events & STREAM_READ;
    say(t, mine & t->wanted);
}

static void on_under(void *arg, unsigned events)
{
    struct stream_tls *t = arg;

    if (events & STREAM_BROKEN) {
        explain(t, stream_fault(t->under));
        break_off(t);
        return;
    }
    if (t->state == TLS_SHAKING)
        shake(t);
    else if (t->state == TLS_OPEN)
        on_under_open(t, events);
}

static void on_task(struct loop_task *task)
{
    struct stream_tls *t = LIST_OF(task, struct stream_tls, task);

    if (t->state == TLS_SHAKING) {
        shake(t);
        return;
    }
    if (!t->held || !(t->wanted & STREAM_READ))
        return;
    loop_defer(t->loop, &t->task);
    say(t, STREAM_READ);
}

static void add_alpn(struct creds_session *s, const char *name)
{
    size_t len = strlen(name);

    PRE(len > 0 && s->alpn_len + 1 + len <= sizeof(s->alpn));
    s->alpn[s->alpn_len++] = (uint8_t)len;
    memcpy(s->alpn + s->alpn_len, name, len);
    s->alpn_len += len;
}

/* The same place may be another service's, too. */
static char *place_of(const struct stream_tls_conf *conf)
{
    char *place = mem_new(conf->place.len + 1 + conf->peer.len + 1);

    memcpy(place, conf->place.at, conf->place.len);
    place[conf->place.len] = ' ';
    memcpy(place + conf->place.len + 1, conf->peer.at, conf->peer.len);
    return place;
}

struct stream *stream_tls_new(struct loop *l, struct stream *under, const struct stream_tls_conf *conf)
{
    struct stream_tls *t = mem_new(sizeof(*t));

    t->stream.ops = &tls_ops;
    t->loop = l;
    t->under = under;
    buf_init(&t->rest, GATHER_ROOM);
    t->session.creds = creds_ref(conf->creds);
    if (conf->peer.len > 0)
        t->session.expect = mem_copy(conf->peer);
    if (conf->peer.len > 0 && conf->place.len > 0)
        t->session.place = place_of(conf);
    t->full = conf->full;
    t->resumed = conf->resumed;
    for (size_t i = 0; i < 4 && conf->alpn[i]; i++)
        add_alpn(&t->session, conf->alpn[i]);
    t->may_lack_alpn = conf->may_lack_alpn;
    t->session.may_lack_cert = conf->may_lack_cert;
    t->ssl = creds_session_open(&t->session, conf->role == STREAM_SERVER);
    BIO *bio = new_bio(t);
    SSL_set_bio(t->ssl, bio, bio);
    loop_task_init(&t->task, on_task);
    stream_hear(under, on_under, t);
    loop_defer(l, &t->task);
    return &t->stream;
}
