/* The digest itself is asked for, not EVP: finding it there costs a process that hashes one small contract
 * more time than reading and judging it does. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/hash.h"

#include <pthread.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/check.h"

/* What runs is copied in and out, so that the library's type stays in this room. */
_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct hash_running *)NULL)->state),
               "a running hash has too little room");

void hash_begin(struct hash_running *h)
{
    SHA256_CTX context;
    bool done = SHA256_Init(&context) == 1;
    POST(done);
    memcpy(h->state, &context, sizeof(context));
}

void hash_add(struct hash_running *h, struct slice bytes)
{
    SHA256_CTX context;
    memcpy(&context, h->state, sizeof(context));
    bool done = bytes.len == 0 || SHA256_Update(&context, bytes.at, bytes.len) == 1;
    POST(done);
    memcpy(h->state, &context, sizeof(context));
}

struct hash_digest hash_end(struct hash_running *h)
{
    struct hash_digest d;
    SHA256_CTX context;
    memcpy(&context, h->state, sizeof(context));
    bool done = SHA256_Final(d.b, &context) == 1;
    POST(done);
    return d;
}

struct hash_digest hash_sha256(struct slice bytes)
{
    struct hash_running h;
    hash_begin(&h);
    hash_add(&h, bytes);
    return hash_end(&h);
}

struct hash_digest hash_hmac_sha256(struct slice key, struct slice bytes)
{
    enum { BLOCK = 64 };
    char pads[2][BLOCK] = {{0}, {0}};
    struct hash_digest d = {{0}};
    if (key.len > BLOCK) {
        d = hash_sha256(key);
        key = slice_of(d.b, sizeof(d.b));
    }
    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t k = i < key.len ? (uint8_t)key.at[i] : 0;
        pads[0][i] = (char)(k ^ 0x36);
        pads[1][i] = (char)(k ^ 0x5c);
    }
    struct buf text;
    buf_init(&text, SIZE_MAX);
    buf_put(&text, slice_of(pads[0], BLOCK));
    buf_put(&text, bytes);
    d = hash_sha256(buf_slice(&text));
    buf_clear(&text);
    buf_put(&text, slice_of(pads[1], BLOCK));
    buf_put(&text, slice_of(d.b, sizeof(d.b)));
    d = hash_sha256(buf_slice(&text));
    buf_fini(&text);
    return d;
}

struct hash_sha1 hash_sha1(struct slice bytes)
{
    struct hash_sha1 d;
    (void)SHA1((const unsigned char *)bytes.at, bytes.len, d.b);
    return d;
}

/* CRC-32C where the processor has an instruction for it, and by table where it has none. */

/* The Castagnoli polynomial, its bits reversed.  Row k of the table carries a byte k places further, so that
 * eight bytes cost eight look-ups and no chain between them. */
static const uint32_t polynomial = UINT32_C(0x82f63b78);
static uint32_t crc_table[8][256];
static pthread_once_t crc_ready = PTHREAD_ONCE_INIT;

static void fill_crc_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        crc_table[0][i] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int i = 0; i < 256; i++)
            crc_table[k][i] = crc_table[k - 1][i] >> 8 ^ crc_table[0][crc_table[k - 1][i] & 255];
}

static uint32_t crc_eight(uint32_t crc, const uint8_t *at)
{
    uint32_t next = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint32_t byte = i < 4 ? at[i] ^ (crc >> (8 * i) & 255) : at[i];
        next ^= crc_table[7 - i][byte];
    }
    return next;
}

static uint32_t by_table(uint32_t crc, struct slice bytes)
{
    crc = ~crc;
    for (; bytes.len >= 8; bytes = slice_from(bytes, 8))
        crc = crc_eight(crc, (const uint8_t *)bytes.at);
    for (size_t i = 0; i < bytes.len; i++)
        crc = crc >> 8 ^ crc_table[0][(crc ^ (uint8_t)bytes.at[i]) & 255];
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, struct slice bytes)
{
    uint64_t held = ~crc, word;
    for (; bytes.len >= sizeof(word); bytes = slice_from(bytes, sizeof(word))) {
        memcpy(&word, bytes.at, sizeof(word));
        held = _mm_crc32_u64(held, word);
    }
    uint32_t rest = (uint32_t)held;
    for (size_t i = 0; i < bytes.len; i++)
        rest = _mm_crc32_u8(rest, (uint8_t)bytes.at[i]);
    return ~rest;
}

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}

#else

static uint32_t by_instruction(uint32_t crc, struct slice bytes)
{
    return by_table(crc, bytes);
}

static bool has_instruction(void)
{
    return false;
}

#endif

static bool instruction;

static void choose(void)
{
    instruction = has_instruction();
    fill_crc_table();
}

uint32_t hash_crc32c(uint32_t crc, struct slice bytes)
{
    pthread_once(&crc_ready, choose);
    return instruction ? by_instruction(crc, bytes) : by_table(crc, bytes);
}

uint32_t hash_crc32c_plain(uint32_t crc, struct slice bytes)
{
    pthread_once(&crc_ready, choose);
    return by_table(crc, bytes);
}

void hash_random(void *into, size_t len)
{
    PRE(len <= INT32_MAX);
    int drawn = RAND_bytes(into, (int)len);
    POST(drawn == 1);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Up to three bytes as two to four letters. */
static void put_group(struct buf *out, struct slice bytes, const char *letters)
{
    uint32_t word = 0;
    for (size_t i = 0; i < 3; i++)
        word = word << 8 | (i < bytes.len ? (uint8_t)bytes.at[i] : 0);
    for (size_t i = 0; i <= bytes.len; i++)
        buf_put_char(out, letters[word >> (18 - 6 * i) & 63]);
}

static void put_base64(struct buf *out, struct slice bytes, const char *letters)
{
    for (size_t i = 0; i < bytes.len; i += 3)
        put_group(out, slice_to(slice_from(bytes, i), 3), letters);
}

void hash_put_base64url(struct buf *out, struct slice bytes)
{
    put_base64(out, bytes, alphabet_url);
}

static bool letter_value(char c, uint32_t *value)
{
    if (c >= 'a' && c <= 'z')
        *value = (uint32_t)(c - 'a') + 26;
    else if (c >= 'A' && c <= 'Z')
        *value = (uint32_t)(c - 'A');
    else if (c >= '0' && c <= '9')
        *value = (uint32_t)(c - '0') + 52;
    else if (c == '-' || c == '_')
        *value = c == '-' ? 62 : 63;
    else
        return false;
    return true;
}

/* Two to four letters to one to three bytes.  The bits nobody reads must be 0, or one digest had two names. */
static enum err read_group(struct slice text, uint8_t *into)
{
    uint32_t word = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t value = 0;
        if (i < text.len && !letter_value(text.at[i], &value))
            return ERR_INPUT;
        word = word << 6 | value;
    }
    for (size_t i = 0; i + 1 < text.len; i++)
        into[i] = (uint8_t)(word >> (16 - 8 * i));
    uint32_t unread = (UINT32_C(1) << (8 * (4 - text.len))) - 1;
    return word & unread ? ERR_INPUT : ERR_OK;
}

enum err hash_base64url(struct slice text, void *into, size_t room, size_t *len)
{
    size_t tail = text.len % 4;
    size_t bytes = text.len / 4 * 3 + (tail ? tail - 1 : 0);
    if (tail == 1 || bytes > room)
        return ERR_INPUT;
    uint8_t *at = into;
    for (size_t i = 0; i < text.len; i += 4)
        TRY(read_group(slice_to(slice_from(text, i), 4), at + i / 4 * 3));
    *len = bytes;
    return ERR_OK;
}

void hash_put_base64(struct buf *out, struct slice bytes)
{
    static const char *const padding[] = {"", "==", "="};
    put_base64(out, bytes, alphabet);
    buf_put(out, slice_str(padding[bytes.len % 3]));
}

void hash_put_hex(struct buf *out, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t byte = (uint8_t)bytes.at[i];
        buf_put_char(out, digits[byte >> 4]);
        buf_put_char(out, digits[byte & 15]);
    }
}

bool hash_same(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
