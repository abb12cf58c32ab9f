#include "proxy/providers.h"

#include <stdio.h>

#include "base/file.h"
#include "base/jose.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/web_get.h"
#include "base/work.h"
#include "policy/token.h"

enum {
    SECOND = 1000000,
    DOCUMENT_BYTES = 256 << 10,
    FETCH_US = 5 * SECOND,
    APART_US = 10 * SECOND, /* of two fetches that tokens ask for */
    RETRY_US = 2 * SECOND,  /* after a failure, doubled up to `refresh` */
    SEEN_MOST = 4096,
    SEEN_BYTES = 16 << 20,
};

static const char DISCOVERY[] = "/.well-known/openid-configuration";

struct provider {
    struct list link;
    struct providers *all;
    struct arena arena; /* what the configuration says */
    struct slice name;
    struct token_rules rules;
    const char *file, *url, *ca; /* of its keys; neither file nor url: by discovery */
    unsigned algs;
    int64_t refresh_us;
    struct jose_keys *keys; /* NULL: none yet */
    int64_t asked_us;       /* monotonic: when a token last made us fetch; 0: never */
    int64_t retry_us;       /* the pause after the last failure; 0: it did not fail */
    bool fetching, gone;
    struct due due;
    struct metric *key_count;
};

/* A fetch on the thread: it touches nothing but this. */
struct fetch {
    struct work_item item;
    struct provider *provider;
    struct arena arena;
    const char *url, *ca;
    enum jose_use use;
    struct slice issuer; /* of discovery; empty: `url` has the keys */
    struct jose_keys *keys;
    char fault[WEB_GET_FAULT];
};

/* A token that was good. */
struct seen {
    int64_t until_s;
    struct attrs_header *claims;
    size_t count;
    struct provider *provider;
};

struct providers {
    struct loop *loop;
    struct due_clock *clock;
    struct work *work;
    struct list list, waiting;
    struct metric_family *results, *key_counts;
    struct map seen;
    struct arena seen_arena;
    struct loop_task wake;
};

/* ---- who waits ---- */

static void wake_all(struct loop_task *task)
{
    struct providers *p = LIST_OF(task, struct providers, wake);
    struct list now;
    list_init(&now);
    while (!list_empty(&p->waiting)) {
        struct list *first = p->waiting.next;
        list_remove(first);
        list_push_back(&now, first);
    }
    while (!list_empty(&now)) {
        struct accord_wait *w = LIST_OF(now.next, struct accord_wait, link);
        list_remove(&w->link);
        w->fn(w);
    }
}

void providers_await(struct providers *p, struct accord_wait *w)
{
    list_remove(&w->link);
    list_push_back(&p->waiting, &w->link);
}

/* ---- tokens that were seen ---- */

static void forget_seen(struct providers *p)
{
    map_fini(&p->seen);
    arena_reset(&p->seen_arena);
}

static struct seen *remember(struct providers *p, struct provider *from, struct slice token,
                             const struct attrs_header *claims, size_t count, int64_t until_s)
{
    if (p->seen.count == SEEN_MOST || p->seen_arena.used > SEEN_BYTES)
        forget_seen(p);
    struct seen *s = arena_new(&p->seen_arena, sizeof(*s));
    s->until_s = until_s;
    s->provider = from;
    s->count = count;
    s->claims = arena_array(&p->seen_arena, count + 1, sizeof(*s->claims));
    for (size_t i = 0; i < count; i++)
        s->claims[i] = (struct attrs_header){arena_keep(&p->seen_arena, claims[i].name),
                                             arena_keep(&p->seen_arena, claims[i].value)};
    map_put(&p->seen, arena_keep(&p->seen_arena, token), s);
    return s;
}

/* ---- fetching ---- */

static enum err read_keys(struct slice text, const char *from, enum jose_use use, struct jose_keys **out,
                          char fault[WEB_GET_FAULT])
{
    struct diag diag;
    diag_init(&diag);
    enum err e = jose_keys_read(text, from, use, &diag, out);
    if (e != ERR_OK && diag.first)
        snprintf(fault, WEB_GET_FAULT, "%.128s:%u: %.*s", from, diag.first->line,
                 SLICE_FMT(slice_to(diag.first->message, 100)));
    diag_fini(&diag);
    return e;
}

static enum err get(struct fetch *f, const char *url, struct buf *body)
{
    struct web_get g = {.url = url, .ca = f->ca, .timeout_us = FETCH_US};
    return web_get(&g, body, f->fault);
}

/* OpenID Connect Discovery 1.0, section 4.3: the issuer in it is exactly the one we asked for. */
static enum err discover(struct fetch *f)
{
    struct buf body;
    struct diag diag;
    struct doc_node *root;
    const char *why;
    buf_init(&body, DOCUMENT_BYTES);
    diag_init(&diag);
    enum err e = get(f, f->url, &body);
    if (e == ERR_OK &&
        (doc_parse(buf_slice(&body), f->url, &f->arena, &diag, &root) != ERR_OK || root->kind != DOC_MAP)) {
        snprintf(f->fault, sizeof(f->fault), "%.128s is no JSON object", f->url);
        e = ERR_INPUT;
    }
    const struct doc_node *uri = e == ERR_OK ? doc_get(root, "jwks_uri") : NULL;
    const struct doc_node *issuer = e == ERR_OK ? doc_get(root, "issuer") : NULL;
    if (e == ERR_OK && (!issuer || !slice_eq(issuer->text, f->issuer))) {
        snprintf(f->fault, sizeof(f->fault), "%.128s speaks for another issuer", f->url);
        e = ERR_INPUT;
    } else if (e == ERR_OK && (!uri || uri->kind != DOC_STRING || !web_get_url_ok(uri->text, &why))) {
        snprintf(f->fault, sizeof(f->fault), "%.128s has no usable jwks_uri", f->url);
        e = ERR_INPUT;
    } else if (e == ERR_OK)
        f->url = arena_keep(&f->arena, uri->text).at;
    diag_fini(&diag);
    buf_fini(&body);
    return e;
}

static void run_fetch(struct work_item *item)
{
    struct fetch *f = LIST_OF(item, struct fetch, item);
    struct buf body;
    buf_init(&body, DOCUMENT_BYTES);
    enum err e = f->issuer.len ? discover(f) : ERR_OK;
    if (e == ERR_OK)
        e = get(f, f->url, &body);
    if (e == ERR_OK)
        e = read_keys(buf_slice(&body), f->url, f->use, &f->keys, f->fault);
    if (e == ERR_OK && jose_keys_count(f->keys) == 0) {
        snprintf(f->fault, sizeof(f->fault), "%.128s has no key that can be used", f->url);
        jose_keys_free(&f->keys);
    }
    buf_fini(&body);
}

static void free_provider(struct provider *v)
{
    due_cancel(v->all->clock, &v->due);
    jose_keys_free(&v->keys);
    arena_fini(&v->arena);
    mem_free(v);
}

static void take_keys(struct provider *v, struct jose_keys **take_keys)
{
    jose_keys_free(&v->keys);
    v->keys = *take_keys;
    *take_keys = NULL;
    metric_gauge(v->key_count, (double)jose_keys_count(v->keys));
    forget_seen(v->all); /* what an old key has signed is not to be believed any more */
}

static void settle(struct provider *v, struct fetch *f)
{
    int64_t pause = v->refresh_us;
    if (f->keys) {
        take_keys(v, &f->keys);
        v->retry_us = 0;
        log_event(LOG_INFO, "keys-fetched", LOG_TEXT("provider", v->name),
                  LOG_INT("keys", (int64_t)jose_keys_count(v->keys)));
    } else {
        v->retry_us = v->retry_us ? v->retry_us * 2 : RETRY_US;
        v->retry_us = v->retry_us < v->refresh_us ? v->retry_us : v->refresh_us;
        pause = v->retry_us;
        log_event(LOG_WARN, "keys-not-fetched", LOG_TEXT("provider", v->name), LOG_STR("why", f->fault),
                  LOG_STR("so", v->keys ? "the keys that are known go on" : "its tokens cannot be verified"));
    }
    due_in(v->all->clock, &v->due, pause);
    loop_defer(v->all->loop, &v->all->wake);
}

static void done_fetch(struct work_item *item, bool ran)
{
    struct fetch *f = LIST_OF(item, struct fetch, item);
    struct provider *v = f->provider;
    v->fetching = false;
    if (v->gone)
        free_provider(v);
    else if (ran)
        settle(v, f);
    jose_keys_free(&f->keys);
    arena_fini(&f->arena);
    mem_free(f);
}

static enum jose_use use_of(const struct provider *v)
{
    return v->rules.trust_domain.len ? JOSE_FOR_WORKLOADS : JOSE_FOR_USERS;
}

static void begin_fetch(struct provider *v)
{
    if (v->fetching || v->file)
        return;
    struct fetch *f = mem_new(sizeof(*f));
    *f = (struct fetch){.item = {.run = run_fetch, .done = done_fetch}, .provider = v};
    arena_init(&f->arena, SIZE_MAX);
    f->use = use_of(v);
    f->ca = v->ca ? arena_keep(&f->arena, slice_str(v->ca)).at : NULL;
    if (v->url) {
        f->url = arena_keep(&f->arena, slice_str(v->url)).at;
    } else {
        struct slice base = v->rules.issuer;
        f->issuer = arena_keep(&f->arena, base);
        base.len -= slice_ends(base, SLICE("/"));
        f->url = arena_putf(&f->arena, "%.*s%s", SLICE_FMT(base), DISCOVERY).at;
    }
    v->fetching = true;
    if (!v->all->work)
        v->all->work = work_new(v->all->loop, "keys");
    work_start(v->all->work, &f->item);
}

static void on_due(struct due *due)
{
    begin_fetch((struct provider *)(void *)((char *)due - offsetof(struct provider, due)));
}

/* ---- configuration ---- */

static void read_file_keys(struct provider *v)
{
    struct buf text;
    struct jose_keys *keys;
    char fault[WEB_GET_FAULT] = "it cannot be read";
    buf_init(&text, DOCUMENT_BYTES);
    enum err e = file_read(v->file, &text);
    if (e == ERR_OK)
        e = read_keys(buf_slice(&text), v->file, use_of(v), &keys, fault);
    if (e == ERR_OK)
        take_keys(v, &keys);
    else /* it was good a moment ago, when the configuration was checked */
        log_event(LOG_WARN, "keys-not-read", LOG_TEXT("provider", v->name), LOG_STR("why", fault));
    buf_fini(&text);
}

static const char *keep(struct provider *v, const char *text)
{
    return text ? arena_keep(&v->arena, slice_str(text)).at : NULL;
}

static struct provider *new_provider(struct providers *p, const char *name, const struct proxy_conf_token *c)
{
    struct provider *v = mem_new(sizeof(*v));
    *v = (struct provider){.all = p, .algs = c->alg_bits, .refresh_us = c->refresh_us};
    arena_init(&v->arena, SIZE_MAX);
    list_init(&v->link);
    due_init(&v->due, on_due);
    v->name = arena_keep(&v->arena, slice_str(name));
    v->rules.issuer = arena_keep(&v->arena, slice_str(c->issuer));
    v->rules.trust_domain = arena_keep(&v->arena, slice_str(c->spiffe));
    v->rules.leeway_s = c->leeway_us / SECOND;
    v->file = keep(v, c->keys);
    v->url = keep(v, c->keys_url);
    v->ca = keep(v, c->ca);
    const char **audiences = arena_array(&v->arena, c->audience.count + 1, sizeof(*audiences));
    for (size_t i = 0; i < c->audience.count; i++)
        audiences[i] = keep(v, c->audience.v[i]);
    v->rules.audiences = audiences;
    v->rules.audience_count = c->audience.count;
    v->key_count = metric_series(p->key_counts, &v->name);
    return v;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The same provider under a new configuration: its keys go on. */
static void inherit(struct provider *v, struct provider *old)
{
    if (!slice_eq(v->rules.issuer, old->rules.issuer) || !slice_eq(v->rules.trust_domain, old->rules.trust_domain) ||
        !same_text(v->url, old->url) || !same_text(v->ca, old->ca) || v->file || old->file)
        return;
    v->keys = old->keys;
    v->asked_us = old->asked_us;
    old->keys = NULL;
    metric_gauge(v->key_count, v->keys ? (double)jose_keys_count(v->keys) : 0);
}

static struct provider *find(struct list *list, struct slice name)
{
    for (struct list *at = list->next; at != list; at = at->next)
        if (slice_eq(LIST_OF(at, struct provider, link)->name, name))
            return LIST_OF(at, struct provider, link);
    return NULL;
}

static void drop_all(struct list *list)
{
    while (!list_empty(list)) {
        struct provider *v = LIST_OF(list->next, struct provider, link);
        list_remove(&v->link);
        due_cancel(v->all->clock, &v->due);
        v->gone = true;
        if (!v->fetching)
            free_provider(v);
    }
}

void providers_adopt(struct providers *p, const struct conf_map *tokens)
{
    const struct proxy_conf_token *items = tokens->items;
    struct list old;
    list_init(&old);
    forget_seen(p);
    while (!list_empty(&p->list)) {
        struct list *first = p->list.next;
        list_remove(first);
        list_push_back(&old, first);
    }
    for (size_t i = 0; i < tokens->count; i++) {
        struct provider *v = new_provider(p, tokens->names[i], &items[i]);
        struct provider *before = find(&old, v->name);
        list_push_back(&p->list, &v->link);
        if (before)
            inherit(v, before);
        if (v->file)
            read_file_keys(v);
        else
            begin_fetch(v);
    }
    drop_all(&old);
    loop_defer(p->loop, &p->wake);
}

enum err providers_check(const struct conf_map *tokens, struct diag *diag)
{
    const struct proxy_conf_token *items = tokens->items;
    enum err worst = ERR_OK;
    for (size_t i = 0; i < tokens->count; i++) {
        struct buf text;
        struct jose_keys *keys = NULL;
        if (!items[i].keys)
            continue;
        buf_init(&text, DOCUMENT_BYTES);
        enum err e = file_read(items[i].keys, &text);
        if (e != ERR_OK)
            diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = items[i].keys}, NULL,
                     "token keys cannot be read: %s", err_text(e));
        else
            e = jose_keys_read(buf_slice(&text), items[i].keys, items[i].spiffe ? JOSE_FOR_WORKLOADS : JOSE_FOR_USERS,
                               diag, &keys);
        if (e == ERR_OK && jose_keys_count(keys) == 0)
            diag_add(diag, DIAG_WARNING, &(struct diag_place){.file = items[i].keys}, NULL,
                     "has no key for signatures: no token of \"%s\" is good", tokens->names[i]);
        worst = e != ERR_OK ? ERR_INPUT : worst;
        jose_keys_free(&keys);
        buf_fini(&text);
    }
    return worst;
}

/* ---- one token ---- */

static void count(struct providers *p, const struct provider *v, const char *result)
{
    struct slice labels[] = {v->name, slice_str(result)};
    metric_add(metric_series(p->results, labels), 1);
}

static struct provider *of_issuer(struct providers *p, struct slice issuer)
{
    for (struct list *at = p->list.next; at != &p->list && issuer.len; at = at->next)
        if (slice_eq(LIST_OF(at, struct provider, link)->rules.issuer, issuer))
            return LIST_OF(at, struct provider, link);
    return NULL;
}

static struct provider *of_domain(struct providers *p, struct slice domain)
{
    for (struct list *at = p->list.next; at != &p->list && domain.len; at = at->next)
        if (slice_eq(LIST_OF(at, struct provider, link)->rules.trust_domain, domain))
            return LIST_OF(at, struct provider, link);
    return NULL;
}

/* Its provider has no such key now: perhaps it has by the time that we have asked. */
static enum err look_for_key(struct provider *v, const char **why)
{
    int64_t now = now_mono_us(loop_now(v->all->loop));
    if (!v->fetching && !v->file && (v->asked_us == 0 || now - v->asked_us >= APART_US)) {
        v->asked_us = now;
        begin_fetch(v);
    }
    if (v->fetching)
        return ERR_AGAIN;
    *why = v->keys ? "its provider has no key of that name" : "its provider's keys could not be fetched";
    return v->keys ? ERR_DENIED : ERR_IO;
}

static enum err verify(struct provider *v, const struct jose_token *t, const char **why)
{
    if (!v->keys)
        return look_for_key(v, why);
    enum err e = jose_verify(t, v->keys, v->algs, why);
    return e == ERR_ABSENT ? look_for_key(v, why) : e;
}

/* Cheap questions first: who is asked to verify a signature is a token that would be good. */
static enum err judge(struct provider *v, const struct jose_token *t, struct arena *arena, struct seen **out,
                      const char **why)
{
    struct attrs_header *claims = arena_array(arena, TOKEN_FACTS_MOST, sizeof(*claims));
    int64_t until_s, now_s = now_wall_us(loop_now(v->all->loop)) / SECOND;
    size_t found;
    if (v->rules.trust_domain.len && !token_header_ok(t->header)) {
        *why = "its header has more than alg, kid and typ";
        return ERR_DENIED;
    }
    TRY(token_judge(t->claims, &v->rules, now_s, &until_s, why));
    TRY(token_facts(t->claims, arena, claims, &found, why));
    TRY(verify(v, t, why));
    *out = remember(v->all, v, t->whole, claims, found, until_s);
    return ERR_OK;
}

static enum err read_new(struct providers *p, struct slice token, struct seen **out, const char **why)
{
    struct arena arena;
    struct jose_token t;
    struct provider *v = NULL;
    arena_init(&arena, SIZE_MAX);
    enum err e = jose_open(token, &arena, &t, why);
    if (e == ERR_OK) {
        v = of_issuer(p, token_issuer(t.claims));
        v = v ? v : of_domain(p, token_trust_domain(t.claims));
        e = v ? judge(v, &t, &arena, out, why) : ERR_ABSENT;
    }
    if (v)
        count(p, v, e == ERR_OK ? "verified" : e == ERR_AGAIN ? "waited" : "refused");
    arena_fini(&arena);
    return e;
}

enum err providers_read(struct providers *p, struct slice token, struct providers_claims *out, const char **why)
{
    if (list_empty(&p->list))
        return ERR_ABSENT;
    struct seen *s = map_get(&p->seen, token);
    if (s && s->until_s <= now_wall_us(loop_now(p->loop)) / SECOND) {
        *why = "it has expired";
        count(p, s->provider, "refused");
        return ERR_DENIED;
    }
    if (!s)
        TRY(read_new(p, token, &s, why));
    *out = (struct providers_claims){s->claims, s->count};
    return ERR_OK;
}

/* ---- lifecycle ---- */

struct providers *providers_new(struct loop *l, struct due_clock *clock, struct metric_set *metrics)
{
    struct providers *p = mem_new(sizeof(*p));
    *p = (struct providers){.loop = l, .clock = clock};
    list_init(&p->list);
    list_init(&p->waiting);
    arena_init(&p->seen_arena, SIZE_MAX);
    loop_task_init(&p->wake, wake_all);
    p->results = metric_family(metrics, METRIC_COUNTER, "weft_tokens_total", "provider,result",
                               "Tokens that were not seen before: verified, refused, waited for keys.");
    p->key_counts = metric_family(metrics, METRIC_FACT, "weft_token_keys", "provider", "Keys of a provider at hand.");
    return p;
}

void providers_free(struct providers **providers)
{
    struct providers *p = *providers;
    *providers = NULL;
    if (!p)
        return;
    drop_all(&p->list);
    if (p->work)
        work_free(&p->work);
    while (!list_empty(&p->waiting))
        list_remove(p->waiting.next);
    loop_task_cancel(&p->wake);
    map_fini(&p->seen);
    arena_fini(&p->seen_arena);
    mem_free(p);
}
