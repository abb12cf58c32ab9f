#include "base/resume.h"

#include <pthread.h>

#include <openssl/ssl.h>

#include "base/check.h"
#include "base/creds.h"
#include "base/mem.h"

enum { PAUSE_S = 15 };

struct kept {
    SSL_SESSION *session; /* NULL: there is none */
    char *place;          /* a client's */
    int64_t at_s;
};

struct resume {
    pthread_mutex_t lock;
    struct kept *told;  /* RESUME_MOST of them, once there is one */
    struct kept *heard; /* RESUME_PLACES of them */
};

/* ---- whose it is goes along with every copy ---- */

static int peer_index;

static int copy_peer(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **peer, int index, long number, void *arg)
{
    (void)to;
    (void)from;
    (void)index;
    (void)number;
    (void)arg;
    if (*peer)
        (void)creds_peer_ref(*peer);
    return 1;
}

static void drop_peer(void *session, void *peer, CRYPTO_EX_DATA *data, int index, long number, void *arg)
{
    struct creds_peer *p = peer;

    (void)session;
    (void)data;
    (void)index;
    (void)number;
    (void)arg;
    creds_peer_unref(&p);
}

static void make_index(void)
{
    peer_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, copy_peer, drop_peer);
    PRE(peer_index >= 0);
}

struct creds_peer *resume_peer(const SSL_SESSION *session)
{
    return SSL_SESSION_get_ex_data(session, peer_index);
}

/* OpenSSL writes on a session when its connection ends badly: so every connection has its own. */
static SSL_SESSION *copy_of(SSL_SESSION *session, struct creds_peer *peer)
{
    SSL_SESSION *copy = SSL_SESSION_dup(session);

    PRE(copy != NULL);
    if (peer && !resume_peer(copy))
        PRE(SSL_SESSION_set_ex_data(copy, peer_index, creds_peer_ref(peer)) == 1);
    return copy;
}

/* ---- what is kept ---- */

static void drop(struct kept *k)
{
    SSL_SESSION_free(k->session);
    mem_free(k->place);
    *k = (struct kept){0};
}

/* A clock that was set back makes nothing younger. */
static bool is_over(const struct kept *k, int64_t now_s)
{
    return !k->session || now_s < k->at_s || now_s >= k->at_s + RESUME_S;
}

/* One that is over, or the oldest. */
static struct kept *place_in(struct kept *all, size_t count, int64_t now_s)
{
    struct kept *oldest = &all[0];

    for (size_t i = 0; i < count; i++) {
        if (is_over(&all[i], now_s))
            return &all[i];
        if (all[i].at_s < oldest->at_s)
            oldest = &all[i];
    }
    return oldest;
}

struct resume *resume_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct resume *r = mem_new(sizeof(*r));

    PRE(pthread_once(&once, make_index) == 0 && pthread_mutex_init(&r->lock, NULL) == 0);
    return r;
}

void resume_free(struct resume **resume)
{
    struct resume *r = *resume;

    *resume = NULL;
    if (!r)
        return;
    for (size_t i = 0; r->told && i < RESUME_MOST; i++)
        drop(&r->told[i]);
    for (size_t i = 0; r->heard && i < RESUME_PLACES; i++)
        drop(&r->heard[i]);
    mem_free(r->told);
    mem_free(r->heard);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

static void lock(struct resume *r)
{
    PRE(pthread_mutex_lock(&r->lock) == 0);
}

static void unlock(struct resume *r)
{
    PRE(pthread_mutex_unlock(&r->lock) == 0);
}

/* ---- server ---- */

bool resume_wants(struct resume *r, const struct creds_peer *peer, int64_t now_s)
{
    size_t count = 0;
    int64_t last_s = INT64_MIN;

    lock(r);
    for (size_t i = 0; r->told && i < RESUME_MOST; i++) {
        const struct kept *k = &r->told[i];
        if (is_over(k, now_s) || resume_peer(k->session) != peer)
            continue;
        count++;
        last_s = k->at_s > last_s ? k->at_s : last_s;
    }
    unlock(r);
    return count < RESUME_EACH || now_s >= last_s + PAUSE_S;
}

/* The oldest of a peer that has enough gives way, else whatever is over or the oldest of all. */
static struct kept *place_of_peer(struct resume *r, const struct creds_peer *peer, int64_t now_s)
{
    struct kept *oldest = NULL;
    size_t count = 0;

    for (size_t i = 0; i < RESUME_MOST; i++) {
        struct kept *k = &r->told[i];
        if (is_over(k, now_s) || resume_peer(k->session) != peer)
            continue;
        count++;
        oldest = !oldest || k->at_s < oldest->at_s ? k : oldest;
    }
    return count >= RESUME_EACH ? oldest : place_in(r->told, RESUME_MOST, now_s);
}

void resume_tell(struct resume *r, SSL_SESSION *session, struct creds_peer *peer, int64_t now_s)
{
    SSL_SESSION *copy = copy_of(session, peer);

    lock(r);
    if (!r->told)
        r->told = mem_array(RESUME_MOST, sizeof(*r->told));
    struct kept *k = place_of_peer(r, peer, now_s);
    drop(k);
    *k = (struct kept){.session = copy, .at_s = now_s};
    unlock(r);
}

static bool has_id(SSL_SESSION *session, struct slice id)
{
    unsigned len;
    const unsigned char *at = SSL_SESSION_get_id(session, &len);

    return slice_eq(slice_of(at, len), id);
}

SSL_SESSION *resume_find(struct resume *r, struct slice id, int64_t now_s)
{
    SSL_SESSION *found = NULL;

    lock(r);
    for (size_t i = 0; r->told && i < RESUME_MOST && !found; i++)
        if (!is_over(&r->told[i], now_s) && has_id(r->told[i].session, id))
            found = copy_of(r->told[i].session, NULL);
    unlock(r);
    return found;
}

/* ---- client ---- */

static struct kept *find_place(struct resume *r, const char *place)
{
    for (size_t i = 0; r->heard && i < RESUME_PLACES; i++)
        if (r->heard[i].place && strcmp(r->heard[i].place, place) == 0)
            return &r->heard[i];
    return NULL;
}

void resume_hear(struct resume *r, const char *place, SSL_SESSION *session, struct creds_peer *peer, int64_t now_s)
{
    SSL_SESSION *copy = copy_of(session, peer);

    lock(r);
    if (!r->heard)
        r->heard = mem_array(RESUME_PLACES, sizeof(*r->heard));
    struct kept *k = find_place(r, place);
    k = k ? k : place_in(r->heard, RESUME_PLACES, now_s);
    drop(k);
    *k = (struct kept){.session = copy, .place = mem_copy(slice_str(place)), .at_s = now_s};
    unlock(r);
}

SSL_SESSION *resume_try(struct resume *r, const char *place, int64_t now_s)
{
    lock(r);
    struct kept *k = find_place(r, place);
    SSL_SESSION *found = k && !is_over(k, now_s) ? copy_of(k->session, NULL) : NULL;
    unlock(r);
    return found;
}

void resume_forget(struct resume *r, const char *place)
{
    lock(r);
    struct kept *k = find_place(r, place);
    if (k)
        drop(k);
    unlock(r);
}
