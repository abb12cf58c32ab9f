/* resume - what is kept, how much, and for how long.  Whether it may be used is in stream_tls_test. */
#include "base/resume.h"

#include <stdio.h>

#include <openssl/ssl.h>

#include "tests/kit/certs.h"
#include "tests/kit/t.h"

#define WEB "spiffe://example.org/web"

/* Somebody who was met once, and sessions of any number. */
struct store {
    struct certs *certs;
    struct creds_session client, server;
    struct creds_peer *peer, *other;
    struct resume *r;
};

/* Whoever shows `id` to the server. */
static struct creds_peer *meet(struct store *s, const char *id)
{
    SSL *ends[2];

    creds_session_fini(&s->client);
    creds_peer_unref(&s->server.peer);
    s->client.creds = certs_good(s->certs, id, certs_lax_judge);
    certs_shake(&s->client, &s->server, ends);
    SSL_free(ends[0]);
    SSL_free(ends[1]);
    return creds_peer_ref(s->server.peer);
}

static void begin(struct store *s)
{
    *s = (struct store){.certs = certs_new(), .r = resume_new()};
    s->server.creds = certs_good(s->certs, WEB, certs_lax_judge);
    s->peer = meet(s, WEB);
    s->other = meet(s, "spiffe://example.org/other");
    CHECK(s->peer && s->other && s->peer != s->other);
}

static void end(struct store *s)
{
    resume_free(&s->r);
    CHECK(s->r == NULL);
    resume_free(&s->r);
    creds_peer_unref(&s->peer);
    creds_peer_unref(&s->other);
    creds_session_fini(&s->client);
    creds_session_fini(&s->server);
    certs_free(&s->certs);
}

static void tell(struct store *s, unsigned number, struct creds_peer *peer, int64_t now_s)
{
    SSL_SESSION *session = SSL_SESSION_new();

    CHECK_INT(1, SSL_SESSION_set1_id(session, (const unsigned char *)&number, sizeof(number)));
    resume_tell(s->r, session, peer, now_s);
    SSL_SESSION_free(session);
}

/* Whose session that is; NULL: nobody's. */
static const struct creds_peer *whose(struct store *s, unsigned number, int64_t now_s)
{
    SSL_SESSION *found = resume_find(s->r, slice_of(&number, sizeof(number)), now_s);
    const struct creds_peer *peer = found ? resume_peer(found) : NULL;

    SSL_SESSION_free(found);
    return peer;
}

TEST(a_session_is_found_for_an_hour_by_its_number)
{
    struct store s;

    begin(&s);
    CHECK(!whose(&s, 1, 1000));
    tell(&s, 1, s.peer, 1000);
    tell(&s, 2, s.other, 1000);
    CHECK(whose(&s, 1, 1000) == s.peer);
    CHECK(whose(&s, 1, 1000) == s.peer); /* each time a copy */
    CHECK(whose(&s, 2, 4599) == s.other);
    CHECK(!whose(&s, 2, 4600));
    CHECK(!whose(&s, 2, 999)); /* the clock was set back */
    CHECK(!whose(&s, 3, 1000));
    end(&s);
}

TEST(a_peer_is_told_of_two_sessions_and_then_of_one_each_quarter_of_a_minute)
{
    struct store s;

    begin(&s);
    CHECK(resume_wants(s.r, s.peer, 1000));
    tell(&s, 1, s.peer, 1000);
    CHECK(resume_wants(s.r, s.peer, 1001));
    tell(&s, 2, s.peer, 1001);
    CHECK(!resume_wants(s.r, s.peer, 1002));
    CHECK(!resume_wants(s.r, s.peer, 1015));
    CHECK(resume_wants(s.r, s.other, 1015));
    CHECK(resume_wants(s.r, s.peer, 1016));
    tell(&s, 3, s.peer, 1016); /* instead of its oldest */
    CHECK(!whose(&s, 1, 1016) && whose(&s, 2, 1016) && whose(&s, 3, 1016));
    CHECK(resume_wants(s.r, s.peer, 4616)); /* an hour later there are none */
    end(&s);
}

TEST(sessions_of_all_peers_have_a_bound_and_the_oldest_goes)
{
    struct store s;

    begin(&s);
    tell(&s, 1, s.other, 1000);
    tell(&s, 2, s.peer, 1001);
    for (unsigned i = 3; i <= RESUME_MOST; i += 2) {
        char id[64];
        (void)snprintf(id, sizeof(id), "spiffe://example.org/%u", i);
        struct creds_peer *another = meet(&s, id);
        tell(&s, i, another, 1002);
        tell(&s, i + 1, another, 1002);
        creds_peer_unref(&another);
    }
    CHECK(whose(&s, 1, 1002) == s.other);
    tell(&s, 1000, s.peer, 1002);
    CHECK(!whose(&s, 1, 1002));
    CHECK(whose(&s, 2, 1002) == s.peer && whose(&s, 1000, 1002) == s.peer);
    end(&s);
}

static bool is_heard(struct store *s, const char *place, int64_t now_s)
{
    SSL_SESSION *found = resume_try(s->r, place, now_s);

    if (found)
        CHECK(resume_peer(found) == s->peer);
    SSL_SESSION_free(found);
    return found != NULL;
}

TEST(a_client_keeps_the_last_session_of_each_place)
{
    struct store s;
    SSL_SESSION *session = SSL_SESSION_new();
    char place[16];

    begin(&s);
    CHECK(!is_heard(&s, "a", 1000));
    resume_hear(s.r, "a", session, s.peer, 1000);
    resume_hear(s.r, "a", session, s.peer, 1001);
    CHECK(is_heard(&s, "a", 4600) && !is_heard(&s, "a", 4601) && !is_heard(&s, "b", 1001));
    resume_forget(s.r, "a");
    resume_forget(s.r, "never");
    CHECK(!is_heard(&s, "a", 1001));
    for (int i = 0; i <= RESUME_PLACES; i++) {
        (void)snprintf(place, sizeof(place), "%d", i);
        resume_hear(s.r, place, session, s.peer, 2000 + i);
    }
    CHECK(!is_heard(&s, "0", 2100) && is_heard(&s, "1", 2100) && is_heard(&s, place, 2100));
    SSL_SESSION_free(session);
    end(&s);
}

TESTS_BEGIN()
TESTS_RUN(a_session_is_found_for_an_hour_by_its_number)
TESTS_RUN(a_peer_is_told_of_two_sessions_and_then_of_one_each_quarter_of_a_minute)
TESTS_RUN(sessions_of_all_peers_have_a_bound_and_the_oldest_goes)
TESTS_RUN(a_client_keeps_the_last_session_of_each_place)
TESTS_END()
