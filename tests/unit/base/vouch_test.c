#include "base/vouch.h"

#include <openssl/ssl.h>

#include "tests/kit/certs.h"
#include "tests/kit/t.h"

TEST(a_chain_stands_from_its_beginning_to_its_end)
{
    struct vouch *v = vouch_new();
    struct hash_digest leaf = hash_sha256(SLICE("leaf"));
    CHECK(!vouch_stands(v, &leaf, 100));
    vouch_note(v, &leaf, 100, 200);
    CHECK(!vouch_stands(v, &leaf, 99));
    CHECK(vouch_stands(v, &leaf, 100));
    CHECK(vouch_stands(v, &leaf, 200));
    CHECK(!vouch_stands(v, &leaf, 201));
    vouch_free(&v);
    CHECK(v == NULL);
    vouch_free(&v);
}

TEST(nobody_stands_in_another_ones_place)
{
    struct vouch *v = vouch_new();
    struct hash_digest leaf = hash_sha256(SLICE("leaf")), other = leaf;
    vouch_note(v, &leaf, 100, 200);
    other.b[31] ^= 1;
    CHECK(!vouch_stands(v, &other, 150));
    vouch_note(v, &other, 100, 200); /* both have one place */
    CHECK(vouch_stands(v, &other, 150));
    CHECK(!vouch_stands(v, &leaf, 150));
    vouch_free(&v);
}

TEST(a_chain_without_a_time_in_which_all_holds_never_stands)
{
    struct vouch *v = vouch_new();
    struct hash_digest leaf = hash_sha256(SLICE("leaf"));
    vouch_note(v, &leaf, 200, 100);
    CHECK(!vouch_stands(v, &leaf, 150));
    vouch_free(&v);
}

/* Whoever shows `id` in a handshake. */
static struct creds_peer *peer_of(const char *id)
{
    struct certs *certs = certs_new();
    struct creds_session client = {.creds = certs_good(certs, id, certs_lax_judge)};
    struct creds_session server = {.creds = creds_ref(client.creds)};
    SSL *ends[2];
    certs_shake(&client, &server, ends);
    struct creds_peer *peer = creds_peer_ref(server.peer);
    SSL_free(ends[0]);
    SSL_free(ends[1]);
    creds_session_fini(&client);
    creds_session_fini(&server);
    certs_free(&certs);
    return peer;
}

TEST(who_it_was_is_known_as_long_as_it_stands)
{
    struct vouch *v = vouch_new();
    struct hash_digest leaf = hash_sha256(SLICE("leaf"));
    struct creds_peer *first = peer_of("spiffe://example.org/a"), *second = peer_of("spiffe://example.org/b");
    vouch_meet(v, &leaf, first);
    CHECK(!vouch_peer(v, &leaf, 150)); /* nobody has vouched */
    vouch_note(v, &leaf, 100, 200);
    CHECK(!vouch_peer(v, &leaf, 150));
    vouch_meet(v, &leaf, first);
    vouch_meet(v, &leaf, second); /* the first one stays */
    struct creds_peer *got = vouch_peer(v, &leaf, 200);
    CHECK(got == first);
    creds_peer_unref(&got);
    CHECK(!vouch_peer(v, &leaf, 201) && !vouch_peer(v, &leaf, 99));
    vouch_note(v, &leaf, 100, 300); /* judged again: whoever it was before */
    CHECK(!vouch_peer(v, &leaf, 150));
    vouch_meet(v, &leaf, second);
    creds_peer_unref(&first);
    creds_peer_unref(&second);
    got = vouch_peer(v, &leaf, 300);
    CHECK_TEXT("spiffe://example.org/b", creds_peer_id(got));
    creds_peer_unref(&got);
    vouch_free(&v);
}

TESTS_BEGIN()
TESTS_RUN(a_chain_stands_from_its_beginning_to_its_end)
TESTS_RUN(nobody_stands_in_another_ones_place)
TESTS_RUN(a_chain_without_a_time_in_which_all_holds_never_stands)
TESTS_RUN(who_it_was_is_known_as_long_as_it_stands)
TESTS_END()
