#include "policy/svid_set.h"

#include <stdatomic.h>

#include "base/arena.h"
#include "base/mem.h"
#include "policy/spiffe.h"
#include "weft/workload/v1/workload.pb-c.h"

struct svid_set {
    _Atomic unsigned refs;
    struct arena arena;
    struct slice message; /* as it came: the key is in it, so it is wiped */
    struct creds_given given;
};

static enum err wrong(const char **why, const char *sentence)
{
    *why = sentence;
    return ERR_INPUT;
}

static struct slice bytes_of(ProtobufCBinaryData b)
{
    return slice_of(b.data, b.len);
}

/* "spiffe://example.org": the domain alone, a zero behind it. */
static bool domain_of(struct svid_set *s, const char *text, bool may_have_path, const char **domain)
{
    struct spiffe_id id;
    const char *why;
    if (spiffe_parse(slice_str(text), &id, &why) != ERR_OK || (id.path.len > 0 && !may_have_path))
        return false;
    *domain = arena_keep(&s->arena, id.trust_domain).at;
    return true;
}

static enum err take_own(struct svid_set *s, const Weft__Workload__V1__Svid *v, const char **why)
{
    if (v->x509_svid.len == 0 || v->x509_svid_key.len == 0 || v->bundle.len == 0)
        return wrong(why, "an identity lacks its certificate, its key or its bundle");
    struct creds_given *g = &s->given;
    if (!domain_of(s, v->spiffe_id, true, &g->bundles[0].trust_domain))
        return wrong(why, "an identity has no SPIFFE ID");
    g->certs = arena_keep(&s->arena, bytes_of(v->x509_svid));
    g->key = arena_keep(&s->arena, bytes_of(v->x509_svid_key));
    g->bundles[0].certs = arena_keep(&s->arena, bytes_of(v->bundle));
    g->bundle_count = 1;
    return ERR_OK;
}

static enum err take_others(struct svid_set *s, const Weft__Workload__V1__Answer *a, const char **why)
{
    struct creds_given *g = &s->given;
    for (size_t i = 0; i < a->n_federated_bundles; i++) {
        struct creds_given_bundle *b = &g->bundles[g->bundle_count];
        if (!domain_of(s, a->federated_bundles[i]->key, false, &b->trust_domain))
            return wrong(why, "a federated bundle is not named by a trust domain");
        b->certs = arena_keep(&s->arena, bytes_of(a->federated_bundles[i]->value));
        g->bundle_count++;
    }
    for (size_t i = 0; i < a->n_crl; i++)
        g->crls[g->crl_count++] = arena_keep(&s->arena, bytes_of(a->crl[i]));
    return ERR_OK;
}

static enum err take(struct svid_set *s, const Weft__Workload__V1__Answer *a, const char **why)
{
    s->given.bundles = arena_array(&s->arena, a->n_federated_bundles + 1, sizeof(*s->given.bundles));
    s->given.crls = arena_array(&s->arena, a->n_crl + 1, sizeof(*s->given.crls));
    TRY(take_own(s, a->svids[0], why));
    return take_others(s, a, why);
}

static void wipe(struct slice s)
{
    if (s.len > 0)
        explicit_bzero((void *)(uintptr_t)s.at, s.len);
}

enum err svid_set_read(struct slice message, struct svid_set **out, const char **why)
{
    Weft__Workload__V1__Answer *a = weft__workload__v1__answer__unpack(NULL, message.len, (const uint8_t *)message.at);
    if (!a)
        return wrong(why, "it is no answer of a Workload API");
    struct svid_set *s = mem_new(sizeof(*s));
    s->refs = 1;
    arena_init(&s->arena, SIZE_MAX);
    s->message = arena_keep(&s->arena, message);
    enum err e = a->n_svids > 0 ? take(s, a, why) : ERR_ABSENT;
    for (size_t i = 0; i < a->n_svids; i++)
        wipe(bytes_of(a->svids[i]->x509_svid_key));
    weft__workload__v1__answer__free_unpacked(a, NULL);
    if (e != ERR_OK)
        svid_set_unref(&s);
    else
        *out = s;
    return e;
}

struct svid_set *svid_set_ref(struct svid_set *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void svid_set_unref(struct svid_set **set)
{
    struct svid_set *s = *set;
    *set = NULL;
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    wipe(s->message);
    wipe(s->given.key);
    arena_fini(&s->arena);
    mem_free(s);
}

const struct creds_given *svid_set_given(const struct svid_set *s)
{
    return &s->given;
}

bool svid_set_same(const struct svid_set *a, const struct svid_set *b)
{
    return slice_eq(a->message, b->message);
}
