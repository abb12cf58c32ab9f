#include "base/hash.h"

#include "tests/kit/t.h"

static struct buf out;

static void begin(void)
{
    buf_init(&out, BUF_TEXT_BOUND);
}

static void check_text(const char *want)
{
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
}

TEST(sha256_gives_the_numbers_of_the_standard)
{
    struct hash_digest abc = hash_sha256(SLICE("abc"));
    struct hash_digest nothing = hash_sha256((struct slice){0});
    begin();
    hash_put_hex(&out, slice_of(abc.b, 32));
    check_text("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    begin();
    hash_put_hex(&out, slice_of(nothing.b, 32));
    check_text("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(crc32c_gives_the_numbers_of_rfc_3720)
{
    char bytes[32] = {0};
    CHECK(hash_crc32c(0, slice_of(bytes, 32)) == 0x8a9136aa);
    memset(bytes, 0xff, 32);
    CHECK(hash_crc32c(0, slice_of(bytes, 32)) == 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (char)i;
    CHECK(hash_crc32c(0, slice_of(bytes, 32)) == 0x46dd794e);
    CHECK(hash_crc32c(0, SLICE("123456789")) == 0xe3069283);
}

TEST(the_processors_crc32c_is_the_plain_one)
{
    uint8_t bytes[100];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t from = 0; from < 9; from++)
        for (size_t len = 0; len + from <= sizeof(bytes); len++) {
            struct slice part = slice_of(bytes + from, len);
            CHECK(hash_crc32c(7, part) == hash_crc32c_plain(7, part));
        }
}

TEST(a_crc_may_be_computed_in_any_pieces)
{
    struct slice whole = SLICE("the quick brown fox jumps over the lazy dog");
    uint32_t want = hash_crc32c(0, whole);
    for (size_t cut = 0; cut <= whole.len; cut++)
        CHECK(hash_crc32c(hash_crc32c(0, slice_to(whole, cut)), slice_from(whole, cut)) == want);
}

TEST(base64_is_spelled_as_rfc_4648_section_10_says)
{
    static const char *const want[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t i = 0; i <= 6; i++) {
        begin();
        hash_put_base64(&out, slice_to(SLICE("foobar"), i));
        check_text(want[i]);
    }
}

TEST(a_digest_is_43_letters_that_read_back)
{
    struct hash_digest d = hash_sha256(SLICE("abc"));
    uint8_t back[HASH_SHA256_LEN];
    size_t len = 0;
    begin();
    hash_put_base64url(&out, slice_of(d.b, sizeof(d.b)));
    CHECK_INT(HASH_SHA256_TEXT, buf_len(&out));
    CHECK_ERR(ERR_OK, hash_base64url(buf_slice(&out), back, sizeof(back), &len));
    CHECK_INT(32, len);
    CHECK(hash_same(back, d.b, 32));
    check_text("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
}

TEST(only_one_spelling_of_base64url_is_taken)
{
    static const char *const bad[] = {"Z", "Zh", "Zm9", "Zm9=", "Zg==", "Zm+v", "Zm/v", "Zm 9", "Zm9vZ"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char into[8];
        size_t len = 99;
        CHECK_ERR(ERR_INPUT, hash_base64url(slice_str(bad[i]), into, sizeof(into), &len));
        CHECK_INT(99, len);
    }
}

TEST(what_does_not_fit_the_room_is_refused)
{
    char into[2];
    size_t len = 0;
    CHECK_ERR(ERR_INPUT, hash_base64url(SLICE("Zm9v"), into, 2, &len));
    CHECK_ERR(ERR_OK, hash_base64url(SLICE("Zm8"), into, 2, &len));
    CHECK_SLICE(SLICE("fo"), slice_of(into, len));
}

TEST(random_bytes_differ)
{
    char a[16] = {0}, b[16] = {0};
    hash_random(a, sizeof(a));
    hash_random(b, sizeof(b));
    CHECK(!hash_same(a, b, 16));
}

/* RFC 4231 sections 4.3 and 4.7. */
TEST(hmac_has_the_values_of_its_standard)
{
    char key[131];
    buf_init(&out, BUF_TEXT_BOUND);
    struct hash_digest d = hash_hmac_sha256(SLICE("Jefe"), SLICE("what do ya want for nothing?"));
    hash_put_hex(&out, slice_of(d.b, sizeof(d.b)));
    CHECK_TEXT("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", buf_slice(&out));
    buf_clear(&out);
    memset(key, 0xaa, sizeof(key));
    d = hash_hmac_sha256(slice_of(key, sizeof(key)), SLICE("Test Using Larger Than Block-Size Key - Hash Key First"));
    hash_put_hex(&out, slice_of(d.b, sizeof(d.b)));
    CHECK_TEXT("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", buf_slice(&out));
    buf_fini(&out);
}

TEST(a_sha256_may_be_taken_of_any_pieces)
{
    struct slice text =
        SLICE("what is hashed by the piece is hashed as a whole, however it is cut, longer than a block");
    struct hash_digest whole = hash_sha256(text);
    for (size_t cut = 0; cut <= text.len; cut++) {
        struct hash_running h;
        hash_begin(&h);
        hash_add(&h, slice_to(text, cut));
        hash_add(&h, slice_from(text, cut));
        struct hash_digest pieces = hash_end(&h);
        CHECK(hash_same(whole.b, pieces.b, sizeof(whole.b)));
    }
}

TESTS_BEGIN()
TESTS_RUN(sha256_gives_the_numbers_of_the_standard)
TESTS_RUN(crc32c_gives_the_numbers_of_rfc_3720)
TESTS_RUN(a_crc_may_be_computed_in_any_pieces)
TESTS_RUN(the_processors_crc32c_is_the_plain_one)
TESTS_RUN(base64_is_spelled_as_rfc_4648_section_10_says)
TESTS_RUN(a_digest_is_43_letters_that_read_back)
TESTS_RUN(only_one_spelling_of_base64url_is_taken)
TESTS_RUN(what_does_not_fit_the_room_is_refused)
TESTS_RUN(random_bytes_differ)
TESTS_RUN(hmac_has_the_values_of_its_standard)
TESTS_RUN(a_sha256_may_be_taken_of_any_pieces)
TESTS_END()
