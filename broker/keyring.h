#ifndef WEFT_BROKER_KEYRING_H
#define WEFT_BROKER_KEYRING_H

/* keyring - which CURVE keys may speak on the bus, and whose they are.
 *
 * A sidecar registers its key over mTLS; the key stands for that SPIFFE identity
 * until it expires.  Nothing is kept on disk: after a restart everybody registers
 * again.  At most 10,000 keys an identity (the oldest goes: many sidecars may share
 * one) and 20,000 in all.
 *
 * Lifetime: caller's memory; a zeroed keyring is empty.
 * Threads:  belongs to the loop. */
#include "base/creds.h"
#include "base/list.h"
#include "base/map.h"

enum { KEYRING_KEY = 32, KEYRING_PER_PEER = 10000, KEYRING_MOST = 20000 };

struct keyring {
    struct map by_key;
    struct list by_age; /* oldest first */
};

void keyring_init(struct keyring *k);
void keyring_fini(struct keyring *k);
/* `peer`: who came with it (a reference is kept), or NULL.  FULL: too many in all, none of them expired. */
MUST_USE enum err keyring_add(struct keyring *k, const uint8_t key[KEYRING_KEY], struct slice identity,
                              struct creds_peer *peer, int64_t until_us, int64_t now_us);
/* Forgets the keys of those whom `now` does not take any more; how many. */
size_t keyring_recheck(struct keyring *k, const struct creds *now);
/* OK: `*identity` is borrowed until the next change, `*until_us` is when it ends.  DENIED: unknown, or expired. */
MUST_USE enum err keyring_find(struct keyring *k, const uint8_t key[KEYRING_KEY], int64_t now_us,
                               struct slice *identity, int64_t *until_us);
size_t keyring_count(const struct keyring *k);

#endif
