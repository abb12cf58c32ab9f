/* stream_tls - how handshakes end, told in sentences.  What every stream promises is in stream_test. */
#include "base/stream.h"

#include <stdio.h>

#include <openssl/ssl.h>

#include "base/creds.h"
#include "base/metric.h"
#include "base/now.h"
#include "tests/kit/certs.h"
#include "tests/kit/pair.h"
#include "tests/kit/t.h"

enum { TURNS = 200, PEM_MAX = 64 << 10 };

#define WEB "spiffe://example.org/web"
#define API "spiffe://example.org/api"

struct side {
    struct stream *stream;
    unsigned seen;
    bool close_when_broken;
};

struct meeting {
    struct loop *loop;
    struct certs *certs;
    struct creds *client_creds, *server_creds;
    struct stream *ends[2];
    struct side client, server;
    const char *place; /* where the client dials */
    struct metric full, resumed;
};

static void on_event(void *arg, unsigned events)
{
    struct side *s = arg;

    s->seen |= events;
    if (s->close_when_broken && (events & STREAM_BROKEN))
        stream_close(&s->stream);
}

static void begin(struct meeting *m)
{
    *m = (struct meeting){.loop = loop_new(), .certs = certs_new()};
    m->client_creds = certs_good(m->certs, WEB, certs_lax_judge);
    m->server_creds = certs_good(m->certs, API, certs_lax_judge);
    pair_new(m->loop, NULL, m->ends);
}

static void add_client(struct meeting *m, const char *alpn, const char *expect)
{
    struct stream_tls_conf conf = {
        .role = STREAM_CLIENT,
        .creds = m->client_creds,
        .alpn = {alpn},
        .peer = slice_str(expect),
        .place = slice_str(m->place),
    };

    m->client.stream = stream_tls_new(m->loop, m->ends[0], &conf);
    stream_hear(m->client.stream, on_event, &m->client);
}

static void add_server(struct meeting *m, const char *first, const char *second)
{
    struct stream_tls_conf conf = {
        .role = STREAM_SERVER,
        .creds = m->server_creds,
        .alpn = {first, second},
        .full = &m->full,
        .resumed = &m->resumed,
    };

    m->server.stream = stream_tls_new(m->loop, m->ends[1], &conf);
    stream_hear(m->server.stream, on_event, &m->server);
}

static void settle(struct meeting *m)
{
    for (int i = 0; i < TURNS; i++)
        loop_turn(m->loop, false);
}

static void end(struct meeting *m)
{
    stream_close(&m->client.stream);
    stream_close(&m->server.stream);
    creds_unref(&m->client_creds);
    creds_unref(&m->server_creds);
    certs_free(&m->certs);
    loop_free(&m->loop);
}

static void check_broken(const struct side *s, const char *fault)
{
    CHECK_INT(STREAM_BROKEN, s->seen);
    CHECK_TEXT(fault, slice_str(stream_fault(s->stream)));
}

static void check_open(const struct side *s, const char *peer, const char *alpn)
{
    CHECK_INT(STREAM_OPEN, s->seen);
    CHECK_TEXT(peer, stream_peer_id(s->stream));
    CHECK_TEXT(alpn, stream_alpn(s->stream));
}

static void say_raw(struct stream *end, struct slice bytes)
{
    size_t took;

    CHECK_ERR(ERR_OK, stream_write(end, bytes, &took));
    CHECK_INT(bytes.len, took);
}

TEST(each_side_learns_who_the_other_is_and_what_to_speak)
{
    struct meeting m;

    begin(&m);
    add_client(&m, "h2", API);
    add_server(&m, "h2", "http/1.1");
    settle(&m);
    check_open(&m.client, API, "h2");
    check_open(&m.server, WEB, "h2");
    end(&m);
}

TEST(a_peer_that_comes_again_with_the_same_leaf_is_the_same_peer)
{
    struct meeting m;
    struct creds_peer *first;

    begin(&m);
    add_client(&m, "h2", API);
    add_server(&m, "h2", NULL);
    settle(&m);
    first = creds_peer_ref(stream_peer(m.server.stream));
    CHECK(stream_peer_until_us(m.server.stream) == creds_expires_us(m.client_creds));
    stream_close(&m.client.stream);
    stream_close(&m.server.stream);
    m.client = m.server = (struct side){0};
    pair_new(m.loop, NULL, m.ends);
    add_client(&m, "h2", API);
    add_server(&m, "h2", NULL);
    settle(&m);
    check_open(&m.server, WEB, "h2");
    CHECK(stream_peer(m.server.stream) == first);
    creds_peer_unref(&first);
    end(&m);
}

TEST(the_server_prefers_in_its_own_order)
{
    struct meeting m;

    begin(&m);
    struct stream_tls_conf conf = {.role = STREAM_CLIENT, .creds = m.client_creds, .alpn = {"http/1.1", "h2"}};
    m.client.stream = stream_tls_new(m.loop, m.ends[0], &conf);
    stream_hear(m.client.stream, on_event, &m.client);
    add_server(&m, "h2", "http/1.1");
    settle(&m);
    check_open(&m.client, API, "h2");
    check_open(&m.server, WEB, "h2");
    end(&m);
}

TEST(without_a_protocol_in_common_there_is_no_connection)
{
    struct meeting m;

    begin(&m);
    add_client(&m, "h3", NULL);
    add_server(&m, "h2", "http/1.1");
    settle(&m);
    check_broken(&m.client, "no protocol in common (ALPN)");
    check_broken(&m.server, "no protocol in common (ALPN)");
    end(&m);
}

TEST(a_client_that_offers_no_protocol_at_all_is_refused_too)
{
    struct meeting m;

    begin(&m);
    add_client(&m, NULL, NULL);
    add_server(&m, "h2", NULL);
    settle(&m);
    check_broken(&m.server, "no protocol in common (ALPN)");
    end(&m);
}

TEST(a_client_without_a_protocol_is_taken_where_that_was_said)
{
    struct meeting m;

    begin(&m);
    add_client(&m, NULL, NULL);
    struct stream_tls_conf conf = {
        .role = STREAM_SERVER, .creds = m.server_creds, .alpn = {"h2"}, .may_lack_alpn = true};
    m.server.stream = stream_tls_new(m.loop, m.ends[1], &conf);
    stream_hear(m.server.stream, on_event, &m.server);
    settle(&m);
    check_open(&m.server, WEB, "");
    end(&m);
}

TEST(a_server_that_chooses_no_protocol_is_refused)
{
    struct meeting m;

    begin(&m);
    add_client(&m, "h2", NULL);
    add_server(&m, NULL, NULL);
    settle(&m);
    check_broken(&m.client, "no protocol in common (ALPN)");
    end(&m);
}

TEST(plain_http_is_not_tls_on_either_side)
{
    struct meeting m;

    begin(&m);
    add_server(&m, "h2", NULL);
    say_raw(m.ends[0], SLICE("GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    settle(&m);
    check_broken(&m.server, "not TLS");
    m.client.stream = m.ends[0]; /* so that it is closed */
    end(&m);
    begin(&m);
    add_client(&m, "h2", NULL);
    say_raw(m.ends[1], SLICE("HTTP/1.1 400 Bad Request\r\n\r\n"));
    settle(&m);
    check_broken(&m.client, "not TLS");
    m.server.stream = m.ends[1];
    end(&m);
}

TEST(who_hangs_up_during_the_handshake_has_cut_it_off)
{
    struct meeting m;

    begin(&m);
    add_server(&m, "h2", NULL);
    stream_close(&m.ends[0]);
    settle(&m);
    check_broken(&m.server, "cut off during the handshake");
    end(&m);
    begin(&m);
    add_client(&m, "h2", NULL);
    pair_cut(m.ends[1]);
    settle(&m);
    check_broken(&m.client, "cut off during the handshake");
    m.server.stream = m.ends[1];
    end(&m);
}

TEST(a_stream_may_be_closed_when_it_breaks)
{
    struct meeting m;

    begin(&m);
    m.server.close_when_broken = true;
    add_server(&m, "h2", NULL);
    stream_close(&m.ends[0]);
    settle(&m);
    CHECK(m.server.stream == NULL);
    end(&m);
}

TEST(the_fault_of_the_stream_below_is_passed_on)
{
    struct meeting m;

    begin(&m);
    add_client(&m, "h2", NULL);
    pair_cut(m.ends[0]);
    m.ends[0]->fn(m.ends[0]->arg, STREAM_BROKEN);
    check_broken(&m.client, "the wire was cut");
    m.server.stream = m.ends[1];
    end(&m);
}

/* The client's handshake is over before the server has seen its certificate. */
TEST(a_refused_client_learns_it_when_it_reads)
{
    struct meeting m;
    struct certs *elsewhere = certs_new();
    char c;
    size_t got;

    begin(&m);
    (void)certs_root_of(elsewhere, "other.org");
    elsewhere->roots[1] = *certs_root_of(m.certs, "example.org"); /* lent: it trusts us, we do not know it */
    elsewhere->root_count = 2;
    creds_unref(&m.client_creds);
    m.client_creds = certs_good(elsewhere, "spiffe://other.org/web", certs_lax_judge);
    elsewhere->root_count = 1;
    add_client(&m, "h2", NULL);
    add_server(&m, "h2", NULL);
    settle(&m);
    check_broken(&m.server, "unknown trust domain \"other.org\"");
    CHECK_INT(STREAM_OPEN, m.client.seen);
    CHECK_ERR(ERR_PEER, stream_read(m.client.stream, &c, 1, &got));
    CHECK_TEXT("the other side refused us: bad certificate", slice_str(stream_fault(m.client.stream)));
    certs_free(&elsewhere);
    end(&m);
}

TEST(a_server_with_another_name_than_expected_is_refused)
{
    struct meeting m;

    begin(&m);
    add_client(&m, "h2", "spiffe://example.org/db");
    add_server(&m, "h2", NULL);
    settle(&m);
    check_broken(&m.client, "not the expected identity spiffe://example.org/db but " API);
    check_broken(&m.server, "the other side refused us: bad certificate");
    end(&m);
}

TEST(a_cut_without_farewell_is_the_peers_fault)
{
    struct meeting m;
    char c;
    size_t got;

    begin(&m);
    add_client(&m, "h2", NULL);
    add_server(&m, "h2", NULL);
    settle(&m);
    stream_close(&m.server.stream);
    settle(&m);
    CHECK_ERR(ERR_PEER, stream_read(m.client.stream, &c, 1, &got));
    CHECK_TEXT("cut off", slice_str(stream_fault(m.client.stream)));
    end(&m);
}

TEST(garbage_after_the_handshake_is_the_peers_fault)
{
    struct meeting m;
    char c;
    size_t got;

    begin(&m);
    add_client(&m, "h2", NULL);
    add_server(&m, "h2", NULL);
    settle(&m);
    say_raw(m.ends[1], SLICE("\x17\x03\x03\x00\x14this is no ciphertext"));
    settle(&m);
    CHECK_ERR(ERR_PEER, stream_read(m.client.stream, &c, 1, &got));
    CHECK_ERR(ERR_PEER, stream_read(m.client.stream, &c, 1, &got));
    end(&m);
}

/* A record that the pipe took in part is kept, and what the caller tries next is not it. */
TEST(after_again_the_caller_may_write_something_else)
{
    const struct pair_conf narrow = {.chunk = 100, .room = 300};
    struct meeting m;
    static const char zeros[1000];
    char into[4096];
    size_t took, got, read = 0;

    begin(&m);
    stream_close(&m.ends[0]);
    stream_close(&m.ends[1]);
    pair_new(m.loop, &narrow, m.ends);
    add_client(&m, "h2", NULL);
    add_server(&m, "h2", NULL);
    settle(&m);
    check_open(&m.client, API, "h2");
    CHECK_ERR(ERR_OK, stream_write(m.client.stream, slice_of(zeros, 1000), &took));
    CHECK_INT(1000, took);
    CHECK_ERR(ERR_AGAIN, stream_write(m.client.stream, SLICE("a"), &took));
    CHECK_ERR(ERR_AGAIN, stream_write(m.client.stream, SLICE("something longer"), &took));
    stream_want(m.server.stream, STREAM_READ);
    for (int i = 0; i < TURNS && read < 1000; i++) {
        loop_turn(m.loop, false);
        if (stream_read(m.server.stream, into + read, sizeof(into) - read, &got) == ERR_OK)
            read += got;
    }
    CHECK_INT(1000, read);
    CHECK_SLICE(slice_of(zeros, 1000), slice_of(into, read));
    CHECK_ERR(ERR_OK, stream_write(m.client.stream, SLICE("b"), &took));
    settle(&m);
    CHECK_ERR(ERR_OK, stream_read(m.server.stream, into, sizeof(into), &got));
    CHECK_TEXT("b", slice_of(into, got));
    end(&m);
}

/* More than one record goes down in one piece; what the pipe leaves of it goes before all else. */
TEST(records_that_are_written_together_arrive_whole_and_in_order)
{
    const struct pair_conf narrow = {.chunk = 5000, .room = 20000};
    enum { LONG = 50000 };
    static char sent[LONG + 1], into[LONG + 100];
    struct meeting m;
    size_t took, got, read = 0;

    for (size_t i = 0; i < LONG; i++)
        sent[i] = (char)('a' + i % 26);
    sent[LONG] = '!';
    begin(&m);
    stream_close(&m.ends[0]);
    stream_close(&m.ends[1]);
    pair_new(m.loop, &narrow, m.ends);
    add_client(&m, "h2", NULL);
    add_server(&m, "h2", NULL);
    settle(&m);
    CHECK_ERR(ERR_OK, stream_write(m.client.stream, slice_of(sent, LONG), &took));
    CHECK_INT(LONG, took);
    CHECK_ERR(ERR_AGAIN, stream_write(m.client.stream, SLICE("!"), &took));
    stream_want(m.server.stream, STREAM_READ);
    stream_want(m.client.stream, STREAM_WRITE);
    bool said_last = false;
    for (int i = 0; i < 100 * TURNS && read < LONG + 1; i++) {
        loop_turn(m.loop, false);
        said_last = said_last || stream_write(m.client.stream, SLICE("!"), &took) == ERR_OK;
        if (stream_read(m.server.stream, into + read, sizeof(into) - read, &got) == ERR_OK)
            read += got;
    }
    CHECK_SLICE(slice_of(sent, LONG + 1), slice_of(into, read));
    end(&m);
}

/* A client made of OpenSSL alone, which can do what ours never does. */
struct raw_client {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
    struct stream *end;
};

static void raw_begin(struct raw_client *r, struct meeting *m)
{
    char path[CERTS_PATH + 16];

    *r = (struct raw_client){.ctx = SSL_CTX_new(TLS_method()), .end = m->ends[0]};
    /* The files of the last creds are still there: our server's leaf serves for both. */
    (void)snprintf(path, sizeof(path), "%s/leaf.pem", m->certs->dir);
    CHECK_INT(1, SSL_CTX_use_certificate_chain_file(r->ctx, path));
    (void)snprintf(path, sizeof(path), "%s/leaf.key", m->certs->dir);
    CHECK_INT(1, SSL_CTX_use_PrivateKey_file(r->ctx, path, SSL_FILETYPE_PEM));
    r->ssl = SSL_new(r->ctx);
    r->in = BIO_new(BIO_s_mem());
    r->out = BIO_new(BIO_s_mem());
    SSL_set_bio(r->ssl, r->in, r->out);
    SSL_set_connect_state(r->ssl);
}

static void raw_end(struct raw_client *r)
{
    SSL_free(r->ssl);
    SSL_CTX_free(r->ctx);
}

/* What the server sent to the client's memory, and the other way. */
static void raw_hear(struct raw_client *r)
{
    char bytes[4096];
    size_t got;

    while (stream_read(r->end, bytes, sizeof(bytes), &got) == ERR_OK)
        CHECK_INT(got, BIO_write(r->in, bytes, (int)got));
}

static void raw_speak(struct raw_client *r)
{
    char *bytes;
    size_t took;
    long len = BIO_get_mem_data(r->out, &bytes);

    for (struct slice left = slice_of(bytes, (size_t)len); left.len > 0; left = slice_from(left, took))
        CHECK_ERR(ERR_OK, stream_write(r->end, left, &took));
    (void)BIO_reset(r->out);
}

static void raw_shake(struct raw_client *r, struct meeting *m)
{
    for (int i = 0; i < TURNS && m->server.seen == 0; i++) {
        raw_hear(r);
        (void)SSL_do_handshake(r->ssl);
        raw_speak(r);
        loop_turn(m->loop, false);
    }
    CHECK_INT(STREAM_OPEN, m->server.seen);
}

/* RFC 8446 section 4.6.3.  The answer cannot leave at once: four records fill the pipe to the last
 * byte.  So the fifth has not begun when it is answered with AGAIN. */
TEST(a_key_update_while_the_pipe_is_full_harms_no_byte)
{
    const struct pair_conf narrow = {.chunk = 4 * 1022, .room = 4 * 1022};
    struct meeting m;
    struct raw_client r;
    static char sent[60000], into[60000];
    size_t took = 1, got, total = 0, read = 0;

    begin(&m);
    stream_close(&m.ends[0]);
    stream_close(&m.ends[1]);
    pair_new(m.loop, &narrow, m.ends);
    add_server(&m, NULL, NULL);
    raw_begin(&r, &m);
    raw_shake(&r, &m);
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char)(i * 7);
    for (; total < 4000; total += took)
        CHECK_ERR(ERR_OK, stream_write(m.server.stream, slice_of(sent + total, 1000), &took));
    CHECK_INT(1, SSL_key_update(r.ssl, SSL_KEY_UPDATE_REQUESTED));
    CHECK_INT(5, SSL_write(r.ssl, "hello", 5));
    raw_speak(&r);
    loop_turn(m.loop, false);
    CHECK_ERR(ERR_OK, stream_read(m.server.stream, into, sizeof(into), &got));
    CHECK_TEXT("hello", slice_of(into, got));
    CHECK_ERR(ERR_AGAIN, stream_write(m.server.stream, slice_of(sent + total, 1000), &took));
    stream_want(m.server.stream, STREAM_READ | STREAM_WRITE);
    for (int i = 0; i < 20 * TURNS && read < sizeof(sent); i++) {
        size_t n = sizeof(sent) - total < 1000 ? sizeof(sent) - total : 1000;
        if (n > 0 && stream_write(m.server.stream, slice_of(sent + total, n), &took) == ERR_OK)
            total += took;
        raw_hear(&r);
        int rc = SSL_read(r.ssl, into + read, (int)(sizeof(into) - read));
        read += rc > 0 ? (size_t)rc : 0;
        loop_turn(m.loop, false);
    }
    CHECK_INT(sizeof(sent), read);
    CHECK_SLICE(slice_of(sent, sizeof(sent)), slice_of(into, read));
    raw_end(&r);
    m.client.stream = m.ends[0];
    end(&m);
}

/* ---- sessions that are taken up again ---- */

/* The two meet again: true if no certificate was shown.  The ticket is read, too. */
static bool meets_again(struct meeting *m)
{
    char into[8];
    size_t got;

    stream_close(&m->client.stream);
    stream_close(&m->server.stream);
    m->client = m->server = (struct side){0};
    pair_new(m->loop, NULL, m->ends);
    add_client(m, "h2", API);
    add_server(m, "h2", NULL);
    settle(m);
    if (m->client.seen != STREAM_OPEN || m->server.seen != STREAM_OPEN)
        return false;
    check_open(&m->client, API, "h2");
    check_open(&m->server, WEB, "h2");
    CHECK(stream_peer_until_us(m->server.stream) == creds_expires_us(m->client_creds));
    CHECK_ERR(ERR_AGAIN, stream_read(m->client.stream, into, sizeof(into), &got));
    CHECK_INT(stream_is_resumed(m->client.stream), stream_is_resumed(m->server.stream));
    return stream_is_resumed(m->server.stream);
}

static void begin_at(struct meeting *m, const char *place)
{
    begin(m);
    m->place = place;
    stream_close(&m->ends[0]);
    stream_close(&m->ends[1]);
}

static void renew(struct meeting *m, struct creds **creds, const char *id)
{
    creds_unref(creds);
    *creds = certs_good(m->certs, id, certs_lax_judge);
}

TEST(who_comes_again_to_the_same_place_shows_no_certificate_and_is_the_same)
{
    struct meeting m;

    begin_at(&m, "192.0.2.1:4743");
    CHECK(!meets_again(&m));
    struct creds_peer *first = creds_peer_ref(stream_peer(m.server.stream));
    for (int i = 0; i < 3; i++) {
        CHECK(meets_again(&m));
        CHECK(stream_peer(m.server.stream) == first);
    }
    CHECK_INT(1, m.full.count);
    CHECK_INT(3, m.resumed.count);
    creds_peer_unref(&first);
    end(&m);
}

TEST(another_place_or_none_is_a_whole_handshake)
{
    struct meeting m;

    begin_at(&m, NULL);
    CHECK(!meets_again(&m) && !meets_again(&m));
    m.place = "192.0.2.1:4743";
    CHECK(!meets_again(&m) && !meets_again(&m)); /* two were told of before, and not kept */
    end(&m);
    begin_at(&m, "192.0.2.1:4743");
    CHECK(!meets_again(&m) && meets_again(&m));
    m.place = "192.0.2.2:4743";
    CHECK(!meets_again(&m));
    m.place = "192.0.2.1:4743";
    CHECK(meets_again(&m));
    end(&m);
}

TEST(new_credentials_of_either_side_know_no_session)
{
    struct meeting m;

    begin_at(&m, "192.0.2.1:4743");
    CHECK(!meets_again(&m) && meets_again(&m));
    renew(&m, &m.server_creds, API);
    CHECK(!meets_again(&m) && meets_again(&m));
    renew(&m, &m.client_creds, WEB);
    CHECK(!meets_again(&m) && meets_again(&m));
    end(&m);
}

TEST(who_is_not_trusted_any_more_has_no_session_to_come_in_by)
{
    struct meeting m;
    struct certs *others = certs_new();

    begin_at(&m, "192.0.2.1:4743");
    CHECK(!meets_again(&m) && meets_again(&m));
    struct creds *ours = m.server_creds;
    m.server_creds = certs_good(others, API, certs_lax_judge); /* as after a reload without the client's authority */
    CHECK(!meets_again(&m));
    CHECK_INT(STREAM_BROKEN, m.client.seen);
    creds_unref(&m.server_creds);
    m.server_creds = ours;
    CHECK(!meets_again(&m)); /* what had failed was forgotten */
    CHECK_INT(STREAM_OPEN, m.server.seen);
    certs_free(&others);
    end(&m);
}

TEST(who_has_withdrawn_takes_up_nothing)
{
    struct meeting m;

    begin_at(&m, "192.0.2.1:4743");
    CHECK(!meets_again(&m) && meets_again(&m));
    creds_withdraw(m.server_creds);
    CHECK(!meets_again(&m));
    check_broken(&m.server, "our own identity has been withdrawn");
    end(&m);
    begin_at(&m, "192.0.2.1:4743");
    CHECK(!meets_again(&m) && meets_again(&m));
    creds_withdraw(m.client_creds);
    CHECK(!meets_again(&m));
    check_broken(&m.client, "our own identity has been withdrawn");
    end(&m);
}

/* Its ticket names a session of the server's, and its name is the one that its certificate had. */
TEST(a_foreign_client_may_come_again_too)
{
    struct meeting m;
    struct raw_client r;
    char into[8];

    begin(&m);
    add_server(&m, NULL, NULL);
    raw_begin(&r, &m);
    raw_shake(&r, &m);
    raw_hear(&r);
    CHECK_INT(-1, SSL_read(r.ssl, into, sizeof(into)));
    SSL_SESSION *session = SSL_get1_session(r.ssl);
    CHECK_INT(1, SSL_SESSION_is_resumable(session));
    (void)SSL_shutdown(r.ssl); /* else OpenSSL thinks ill of the session */
    raw_end(&r);
    stream_close(&m.ends[0]);
    stream_close(&m.server.stream);
    m.server = (struct side){0};
    pair_new(m.loop, NULL, m.ends);
    add_server(&m, NULL, NULL);
    raw_begin(&r, &m);
    CHECK_INT(1, SSL_set_session(r.ssl, session));
    raw_shake(&r, &m);
    CHECK_INT(1, SSL_session_reused(r.ssl));
    CHECK(stream_is_resumed(m.server.stream));
    CHECK_TEXT(API, stream_peer_id(m.server.stream));
    SSL_SESSION_free(session);
    raw_end(&r);
    m.client.stream = m.ends[0];
    end(&m);
}

/* Ours would be the shorter suite: who has no AES, or not that one, is taken all the same. */
TEST(any_suite_of_tls_1_3_will_do)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256"};

    for (size_t i = 0; i < 3; i++) {
        struct meeting m;
        struct raw_client r;
        char into[8];
        size_t got;
        begin(&m);
        add_server(&m, NULL, NULL);
        raw_begin(&r, &m);
        CHECK_INT(1, SSL_set_ciphersuites(r.ssl, suites[i]));
        raw_shake(&r, &m);
        CHECK_TEXT(suites[i], slice_str(SSL_CIPHER_get_name(SSL_get_current_cipher(r.ssl))));
        CHECK_INT(5, SSL_write(r.ssl, "hello", 5));
        raw_speak(&r);
        loop_turn(m.loop, false);
        CHECK_ERR(ERR_OK, stream_read(m.server.stream, into, sizeof(into), &got));
        CHECK_TEXT("hello", slice_of(into, got));
        raw_end(&r);
        m.client.stream = m.ends[0];
        end(&m);
    }
}

TEST(of_all_suites_the_cheapest_is_taken)
{
    struct meeting m;
    struct raw_client r;

    begin(&m);
    add_server(&m, NULL, NULL);
    raw_begin(&r, &m);
    CHECK_INT(1, SSL_set_ciphersuites(r.ssl, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:"
                                             "TLS_AES_128_GCM_SHA256"));
    raw_shake(&r, &m);
    CHECK_TEXT("TLS_AES_128_GCM_SHA256", slice_str(SSL_CIPHER_get_name(SSL_get_current_cipher(r.ssl))));
    raw_end(&r);
    m.client.stream = m.ends[0];
    end(&m);
}

TESTS_BEGIN()
TESTS_RUN(each_side_learns_who_the_other_is_and_what_to_speak)
TESTS_RUN(a_peer_that_comes_again_with_the_same_leaf_is_the_same_peer)
TESTS_RUN(the_server_prefers_in_its_own_order)
TESTS_RUN(without_a_protocol_in_common_there_is_no_connection)
TESTS_RUN(a_client_that_offers_no_protocol_at_all_is_refused_too)
TESTS_RUN(a_client_without_a_protocol_is_taken_where_that_was_said)
TESTS_RUN(a_server_that_chooses_no_protocol_is_refused)
TESTS_RUN(plain_http_is_not_tls_on_either_side)
TESTS_RUN(who_hangs_up_during_the_handshake_has_cut_it_off)
TESTS_RUN(a_stream_may_be_closed_when_it_breaks)
TESTS_RUN(the_fault_of_the_stream_below_is_passed_on)
TESTS_RUN(a_refused_client_learns_it_when_it_reads)
TESTS_RUN(a_server_with_another_name_than_expected_is_refused)
TESTS_RUN(a_cut_without_farewell_is_the_peers_fault)
TESTS_RUN(garbage_after_the_handshake_is_the_peers_fault)
TESTS_RUN(after_again_the_caller_may_write_something_else)
TESTS_RUN(records_that_are_written_together_arrive_whole_and_in_order)
TESTS_RUN(a_key_update_while_the_pipe_is_full_harms_no_byte)
TESTS_RUN(who_comes_again_to_the_same_place_shows_no_certificate_and_is_the_same)
TESTS_RUN(another_place_or_none_is_a_whole_handshake)
TESTS_RUN(new_credentials_of_either_side_know_no_session)
TESTS_RUN(who_is_not_trusted_any_more_has_no_session_to_come_in_by)
TESTS_RUN(who_has_withdrawn_takes_up_nothing)
TESTS_RUN(a_foreign_client_may_come_again_too)
TESTS_RUN(any_suite_of_tls_1_3_will_do)
TESTS_RUN(of_all_suites_the_cheapest_is_taken)
TESTS_END()
