#include "base/vouch.h"

#include <pthread.h>

#include "base/check.h"
#include "base/mem.h"

struct entry {
    struct hash_digest leaf;
    int64_t from_s, until_s; /* all zero: nobody yet */
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
    mem_free((*v)->entries);
    mem_free(*v);
    *v = NULL;
}

/* A digest is as good as a hash. */
static struct entry *place_of(struct vouch *v, const struct hash_digest *leaf)
{
    return &v->entries[leaf->b[0] % VOUCH_MOST];
}

bool vouch_stands(struct vouch *v, const struct hash_digest *leaf, int64_t now_s)
{
    PRE(pthread_mutex_lock(&v->lock) == 0);
    const struct entry *e = v->entries ? place_of(v, leaf) : NULL;
    bool stands =
        e && e->until_s > 0 && memcmp(&e->leaf, leaf, sizeof(*leaf)) == 0 && now_s >= e->from_s && now_s <= e->until_s;
    PRE(pthread_mutex_unlock(&v->lock) == 0);
    return stands;
}

void vouch_note(struct vouch *v, const struct hash_digest *leaf, int64_t from_s, int64_t until_s)
{
    PRE(pthread_mutex_lock(&v->lock) == 0);
    if (!v->entries)
        v->entries = mem_array(VOUCH_MOST, sizeof(*v->entries));
    *place_of(v, leaf) = (struct entry){*leaf, from_s, until_s};
    PRE(pthread_mutex_unlock(&v->lock) == 0);
}
