#include "base/vouch.h"

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

TESTS_BEGIN()
TESTS_RUN(a_chain_stands_from_its_beginning_to_its_end)
TESTS_RUN(nobody_stands_in_another_ones_place)
TESTS_RUN(a_chain_without_a_time_in_which_all_holds_never_stands)
TESTS_END()
