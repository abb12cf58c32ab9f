#include "broker/keyring.h"

#include "base/log.h"
#include "base/mem.h"

struct entry {
    struct list link;
    uint8_t key[KEYRING_KEY];
    char *identity;
    struct creds_peer *peer;
    int64_t until_us;
};

void keyring_init(struct keyring *k)
{
    *k = (struct keyring){0};
    list_init(&k->by_age);
}

static struct slice key_slice(const uint8_t key[KEYRING_KEY])
{
    return slice_of(key, KEYRING_KEY);
}

static void drop(struct keyring *k, struct entry *e)
{
    map_del(&k->by_key, key_slice(e->key));
    list_remove(&e->link);
    creds_peer_unref(&e->peer);
    mem_free(e->identity);
    mem_free(e);
}

void keyring_fini(struct keyring *k)
{
    if (!k->by_age.next)
        return;
    while (!list_empty(&k->by_age))
        drop(k, LIST_OF(list_first(&k->by_age), struct entry, link));
    map_fini(&k->by_key);
}

static void drop_expired(struct keyring *k, int64_t now_us)
{
    for (struct list *l = k->by_age.next, *next; l != &k->by_age; l = next) {
        struct entry *e = LIST_OF(l, struct entry, link);
        next = l->next;
        if (e->until_us <= now_us)
            drop(k, e);
    }
}

static void make_room(struct keyring *k, struct slice identity)
{
    struct entry *oldest = NULL;
    size_t count = 0;
    for (struct list *l = k->by_age.prev; l != &k->by_age; l = l->prev) {
        struct entry *e = LIST_OF(l, struct entry, link);
        if (!slice_eq(slice_str(e->identity), identity))
            continue;
        oldest = e;
        count++;
    }
    if (count >= KEYRING_PER_PEER)
        drop(k, oldest);
}

enum err keyring_add(struct keyring *k, const uint8_t key[KEYRING_KEY], struct slice identity, struct creds_peer *peer,
                     int64_t until_us, int64_t now_us)
{
    struct entry *same = map_get(&k->by_key, key_slice(key));
    if (same)
        drop(k, same);
    make_room(k, identity);
    if (k->by_key.count >= KEYRING_MOST)
        drop_expired(k, now_us);
    if (k->by_key.count >= KEYRING_MOST)
        return ERR_FULL;
    struct entry *e = mem_new(sizeof(*e));
    memcpy(e->key, key, KEYRING_KEY);
    e->identity = mem_copy(identity);
    e->peer = peer ? creds_peer_ref(peer) : NULL;
    e->until_us = until_us;
    map_put(&k->by_key, key_slice(e->key), e);
    list_push_back(&k->by_age, &e->link);
    return ERR_OK;
}

enum err keyring_find(struct keyring *k, const uint8_t key[KEYRING_KEY], int64_t now_us, struct slice *identity,
                      int64_t *until_us)
{
    struct entry *e = map_get(&k->by_key, key_slice(key));
    if (!e || e->until_us <= now_us)
        return ERR_DENIED;
    *identity = slice_str(e->identity);
    *until_us = e->until_us;
    return ERR_OK;
}

size_t keyring_recheck(struct keyring *k, const struct creds *now)
{
    char fault[CREDS_FAULT_MAX];
    size_t before = k->by_key.count;
    for (struct list *l = k->by_age.next, *next; l != &k->by_age; l = next) {
        struct entry *e = LIST_OF(l, struct entry, link);
        next = l->next;
        if (!e->peer || creds_takes(now, e->peer, fault))
            continue;
        log_event(LOG_WARN, "bus-key-dropped", LOG_STR("peer", e->identity), LOG_STR("why", fault));
        drop(k, e);
    }
    return before - k->by_key.count;
}

size_t keyring_count(const struct keyring *k)
{
    return k->by_key.count;
}
