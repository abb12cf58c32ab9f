#ifndef WEFT_BASE_VOUCH_H
#define WEFT_BASE_VOUCH_H

/* vouch - chains of certificates that were found good, so that their signatures are checked once and not
 * for every connection of the same peer.
 *
 * Only what was good is remembered, by the digest of the whole leaf, and only from the last
 * beginning to the first end of all that the verdict rests on: the certificates of the
 * chain, and the revocation lists.  Whoever keeps one gives it up together with the
 * authorities and lists that it speaks for.
 *
 * With it may be kept who that was, so that nothing of the leaf need be read again.
 *
 * At most VOUCH_MOST are known; a new one may take the place of another, which is then
 * checked again.
 *
 * Lifetime: vouch_new/vouch_free.
 * Threads:  may be asked and told from any thread. */
#include "base/hash.h"

enum { VOUCH_MOST = 256 };

struct vouch;

struct vouch *vouch_new(void);
/* NULL is fine; clears the caller's pointer. */
void vouch_free(struct vouch **v);

/* `now_s`, and both ends, in seconds since 1970; the ends belong to it. */
bool vouch_stands(struct vouch *v, const struct hash_digest *leaf, int64_t now_s);
void vouch_note(struct vouch *v, const struct hash_digest *leaf, int64_t from_s, int64_t until_s);

struct creds_peer;
/* A leaf that was noted gets a face: a reference is kept, unless there is one already. */
void vouch_meet(struct vouch *v, const struct hash_digest *leaf, struct creds_peer *peer);
/* Another reference; NULL: it does not stand, or has no face. */
struct creds_peer *vouch_peer(struct vouch *v, const struct hash_digest *leaf, int64_t now_s);

#endif
