#include "base/vouch.h"

#include <pthread.h>

#include "base/check.h"
#include "base/creds.h"
#include "base/mem.h"

struct entry {
    struct hash_digest leaf;
    int64_t from_s, until_s; /* all zero: nobody yet */
    struct creds_peer *peer; /* or NULL */
};

struct vouch {
    pthread_mutex_t lock;
    struct entry *entries; /* VOUCH_MOST of them, once there is one */
};

struct vouch *vouch_new(void)
{
    struct vouch *v = mem_new(sizeof(*v));
    PRE(pthread_mutex_init(&v->lock, NULL) == 0);
    return v;
}

void vouch_free(struct vouch **v)
{
    if (!*v)
        return;
    pthread_mutex_destroy(&(*v)->lock);
    for (size_t i = 0; (*v)->entries && i < VOUCH_MOST; i++)
        creds_peer_unref(&(*v)->entries[i].peer);
    mem_free((*v)->entries);
    mem_free(*v);
    *v = NULL;
}

/* A digest is as good as a hash. */
static struct entry *place_of(struct vouch *v, const struct hash_digest *leaf)
{
    return &v->entries[leaf->b[0] % VOUCH_MOST];
}

static bool is_of(const struct entry *e, const struct hash_digest *leaf)
{
    return e->until_s > 0 && memcmp(&e->leaf, leaf, sizeof(*leaf)) == 0;
}

/* NULL: it does not stand. */
static struct entry *standing(struct vouch *v, const struct hash_digest *leaf, int64_t now_s)
{
    struct entry *e = v->entries ? place_of(v, leaf) : NULL;

    return e && is_of(e, leaf) && now_s >= e->from_s && now_s <= e->until_s ? e : NULL;
}

bool vouch_stands(struct vouch *v, const struct hash_digest *leaf, int64_t now_s)
{
    PRE(pthread_mutex_lock(&v->lock) == 0);
    bool stands = standing(v, leaf, now_s) != NULL;
    PRE(pthread_mutex_unlock(&v->lock) == 0);
    return stands;
}

void vouch_note(struct vouch *v, const struct hash_digest *leaf, int64_t from_s, int64_t until_s)
{
    PRE(pthread_mutex_lock(&v->lock) == 0);
    if (!v->entries)
        v->entries = mem_array(VOUCH_MOST, sizeof(*v->entries));
    struct entry *e = place_of(v, leaf);
    creds_peer_unref(&e->peer);
    *e = (struct entry){.leaf = *leaf, .from_s = from_s, .until_s = until_s};
    PRE(pthread_mutex_unlock(&v->lock) == 0);
}

void vouch_meet(struct vouch *v, const struct hash_digest *leaf, struct creds_peer *peer)
{
    PRE(pthread_mutex_lock(&v->lock) == 0);
    struct entry *e = v->entries ? place_of(v, leaf) : NULL;
    if (e && is_of(e, leaf) && !e->peer)
        e->peer = creds_peer_ref(peer);
    PRE(pthread_mutex_unlock(&v->lock) == 0);
}

struct creds_peer *vouch_peer(struct vouch *v, const struct hash_digest *leaf, int64_t now_s)
{
    PRE(pthread_mutex_lock(&v->lock) == 0);
    const struct entry *e = standing(v, leaf, now_s);
    struct creds_peer *peer = e && e->peer ? creds_peer_ref(e->peer) : NULL;
    PRE(pthread_mutex_unlock(&v->lock) == 0);
    return peer;
}
