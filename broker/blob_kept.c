#include "broker/blob_kept.h"

#include "base/mem.h"
#include "broker/blob_shelf.h"

enum { KEPT_US = 300 * NOW_US_PER_S };

struct blob_kept {
    struct list link;
    struct due late;
    struct api *api;
    struct blob_seat *seat;
    uint64_t size;
    char *payer;
    uint8_t digest[HASH_SHA256_LEN];
};

static struct slice digest_of(const struct blob_kept *k)
{
    return slice_of(k->digest, sizeof(k->digest));
}

static void let_go(struct blob_kept *k)
{
    struct api *a = k->api;
    list_remove(&k->link);
    k->seat->kept_count--;
    due_cancel(a->conf.clock, &k->late);
    blob_purse_sub(blob_shelf_purse(a->conf.shelf), slice_str(k->payer), k->size);
    blob_shelf_release(a->conf.shelf, digest_of(k));
    mem_free(k->payer);
    mem_free(k);
}

static void late(struct due *due)
{
    let_go((struct blob_kept *)(void *)((char *)due - offsetof(struct blob_kept, late)));
}

bool blob_kept_add(struct api *a, struct session *s, const struct record_blob *blob, struct slice payer)
{
    struct blob_seat *seat = blob_verbs_seat(s);
    if (seat->kept_count == BLOB_VERBS_KEPT)
        return false;
    struct blob_kept *k = mem_new(sizeof(*k));
    *k = (struct blob_kept){.api = a, .seat = seat, .size = blob->size, .payer = mem_copy(payer)};
    memcpy(k->digest, blob->digest.at, sizeof(k->digest));
    due_init(&k->late, late);
    due_in(a->conf.clock, &k->late, KEPT_US);
    list_push_back(&seat->kept, &k->link);
    seat->kept_count++;
    return true;
}

static struct blob_kept *find(const struct session *s, struct slice digest)
{
    if (!s->blobs)
        return NULL;
    for (struct list *l = s->blobs->kept.next; l != &s->blobs->kept; l = l->next) {
        struct blob_kept *k = LIST_OF(l, struct blob_kept, link);
        if (slice_eq(digest_of(k), digest))
            return k;
    }
    return NULL;
}

bool blob_kept_has(const struct session *s, const struct record_blob *blob)
{
    const struct blob_kept *k = find(s, blob->digest);
    return k && k->size == blob->size;
}

void blob_kept_drop(struct api *a, struct session *s, struct slice digest)
{
    (void)a;
    struct blob_kept *k = find(s, digest);
    if (k)
        let_go(k);
}

void blob_kept_drop_all(struct api *a, struct session *s)
{
    (void)a;
    while (s->blobs && !list_empty(&s->blobs->kept))
        let_go(LIST_OF(list_first(&s->blobs->kept), struct blob_kept, link));
}
