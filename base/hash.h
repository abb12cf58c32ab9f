#ifndef WEFT_BASE_HASH_H
#define WEFT_BASE_HASH_H

/* hash - digests, checksums, their spellings, and bytes nobody can guess.
 *
 * One of the OpenSSL rooms.  Threads: all functions may be called from any thread. */
#include "base/buf.h"

enum { HASH_SHA256_LEN = 32, HASH_SHA256_TEXT = 43 };

struct hash_digest {
    uint8_t b[HASH_SHA256_LEN];
};

/* SHA-256 (FIPS 180-4). */
struct hash_digest hash_sha256(struct slice bytes);
/* The same of bytes that come by the piece: begin, add as often as wanted, end once. */
struct hash_running {
    uint64_t state[16];
};
void hash_begin(struct hash_running *h);
void hash_add(struct hash_running *h, struct slice bytes);
struct hash_digest hash_end(struct hash_running *h);
/* SHA-1, for the handshake of websockets alone: nothing rests on it. */
struct hash_sha1 {
    uint8_t b[20];
};
struct hash_sha1 hash_sha1(struct slice bytes);
/* HMAC-SHA-256 (RFC 2104) over `bytes`. */
struct hash_digest hash_hmac_sha256(struct slice key, struct slice bytes);
/* CRC-32C (RFC 3720, Castagnoli); start with crc = 0. */
uint32_t hash_crc32c(uint32_t crc, struct slice bytes);
/* The same without the processor's instruction for it: what every other processor computes. */
uint32_t hash_crc32c_plain(uint32_t crc, struct slice bytes);
/* Cryptographically random; aborts when the system has none. */
void hash_random(void *into, size_t len);

/* base64url without padding (RFC 4648 section 5); a digest is 43 characters. */
void hash_put_base64url(struct buf *out, struct slice bytes);
/* INPUT: not canonical base64url, or more than `room` bytes. */
MUST_USE enum err hash_base64url(struct slice text, void *into, size_t room, size_t *len);
void hash_put_base64(struct buf *out, struct slice bytes);
void hash_put_hex(struct buf *out, struct slice bytes);
/* Constant time. */
bool hash_same(const void *a, const void *b, size_t len);

#endif
