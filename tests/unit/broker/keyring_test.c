#include "broker/keyring.h"

#include <stdio.h>

#include "tests/kit/t.h"

static const uint8_t *key(unsigned n)
{
    static uint8_t k[KEYRING_KEY];
    memset(k, 0, sizeof(k));
    memcpy(k, &n, sizeof(n));
    return k;
}

TEST(a_registered_key_stands_for_its_identity_until_it_expires)
{
    struct keyring k;
    struct slice who;
    int64_t until;
    keyring_init(&k);
    CHECK_ERR(ERR_OK, keyring_add(&k, key(1), SLICE("spiffe://a/x"), NULL, 1000, 0));
    CHECK_ERR(ERR_OK, keyring_find(&k, key(1), 999, &who, &until));
    CHECK_TEXT("spiffe://a/x", who);
    CHECK_INT(1000, until);
    CHECK_ERR(ERR_DENIED, keyring_find(&k, key(1), 1000, &who, &until));
    CHECK_ERR(ERR_DENIED, keyring_find(&k, key(2), 0, &who, &until));
    keyring_fini(&k);
}

TEST(a_key_registered_again_changes_hands)
{
    struct keyring k;
    struct slice who;
    int64_t until;
    keyring_init(&k);
    CHECK_ERR(ERR_OK, keyring_add(&k, key(1), SLICE("spiffe://a/x"), NULL, 1000, 0));
    CHECK_ERR(ERR_OK, keyring_add(&k, key(1), SLICE("spiffe://a/y"), NULL, 1000, 0));
    CHECK_INT(1, keyring_count(&k));
    CHECK_ERR(ERR_OK, keyring_find(&k, key(1), 0, &who, &until));
    CHECK_TEXT("spiffe://a/y", who);
    keyring_fini(&k);
}

TEST(one_key_too_many_of_an_identity_pushes_out_its_first)
{
    struct keyring k;
    struct slice who;
    int64_t until;
    keyring_init(&k);
    CHECK_ERR(ERR_OK, keyring_add(&k, key(1000000), SLICE("spiffe://a/other"), NULL, 1000, 0));
    for (unsigned i = 0; i < KEYRING_PER_PEER + 1; i++)
        CHECK_ERR(ERR_OK, keyring_add(&k, key(i), SLICE("spiffe://a/x"), NULL, 1000, 0));
    CHECK_INT(KEYRING_PER_PEER + 1, keyring_count(&k));
    CHECK_ERR(ERR_DENIED, keyring_find(&k, key(0), 0, &who, &until));
    CHECK_ERR(ERR_OK, keyring_find(&k, key(1), 0, &who, &until));
    CHECK_ERR(ERR_OK, keyring_find(&k, key(1000000), 0, &who, &until));
    keyring_fini(&k);
}

static void fill(struct keyring *k, int64_t until_us)
{
    char name[32];
    for (unsigned i = 0; i < KEYRING_MOST; i++) {
        snprintf(name, sizeof(name), "spiffe://a/%u", i);
        CHECK_ERR(ERR_OK, keyring_add(k, key(i), slice_str(name), NULL, until_us, 0));
    }
}

TEST(twenty_thousand_keys_are_the_most_unless_some_have_expired)
{
    struct keyring k;
    keyring_init(&k);
    fill(&k, 1000);
    CHECK_ERR(ERR_FULL, keyring_add(&k, key(KEYRING_MOST), SLICE("spiffe://a/new"), NULL, 2000, 999));
    CHECK_ERR(ERR_OK, keyring_add(&k, key(KEYRING_MOST), SLICE("spiffe://a/new"), NULL, 2000, 1000));
    CHECK_INT(1, keyring_count(&k));
    keyring_fini(&k);
}

TESTS_BEGIN()
TESTS_RUN(a_registered_key_stands_for_its_identity_until_it_expires)
TESTS_RUN(a_key_registered_again_changes_hands)
TESTS_RUN(one_key_too_many_of_an_identity_pushes_out_its_first)
TESTS_RUN(twenty_thousand_keys_are_the_most_unless_some_have_expired)
TESTS_END()
