/* Questions come from relays; each either finds its verdict in `pairs`, or starts a
 * judgement on the work thread and waits.  An offered contract is parsed there too.
 *
 * Everything that a peer can make grow is here: contracts (1000 in all, 16 a peer,
 * least recently used first), pairs (4096, all dropped when full: they come back
 * by being asked for), texts that wait to be parsed (64).
 *
 * What is to be parsed or judged for one peer waits behind one another, and peers take
 * turns: the thread has one piece at a time. */
#include "proxy/accord.h"

#include "base/check.h"
#include "base/json_out.h"
#include "base/map.h"
#include "base/mem.h"
#include "contracts/facts.h"
#include "proxy/turns.h"

struct shown {        /* a contract by digest */
    struct list link; /* by use, latest first */
    struct hash_digest digest;
    struct contract *contract;
    char *peer; /* "": our own, never dropped */
};

struct pair {
    struct hash_digest key[2]; /* consumer, provider */
    struct verdict *verdict;   /* NULL: being judged */
};

struct expected {
    struct hash_digest digest;
    unsigned count;
};

/* Callers say the same digest with every request. */
enum { READ_TEXT = sizeof("sha-256=") - 1 + HASH_SHA256_TEXT, READ_PLACES = 32 };
struct read {
    char text[READ_TEXT]; /* zeros: free */
    struct hash_digest digest;
};

/* A piece for the thread. */
struct task {
    struct turn turn;
    struct work_item item;
};

/* The pairs that were asked for last, by a byte of the consumer's digest. */
enum { LATELY_PLACES = 16 };

/* Whom our contract was told to, by connection: it is said when it is news, and now and then. */
enum { TOLD_PLACES = 64, TOLD_AGAIN = 256 };
struct told {
    uint64_t conn_id; /* 0: free */
    struct hash_digest digest;
    unsigned silent; /* answers since then */
};

/* Megabytes that stay for the next judgement would mostly stay for nothing; but a peer that has something new all the
 * time shall not make us load the rules each time. */
enum { RESTING_US = 100 * NOW_US_PER_MS, TIDY_EACH_US = 10 * NOW_US_PER_S };

/* Does this accord keep the rules?  While it is TIDYING the work thread lets go of them. */
enum mind { MIND_AT_REST, MIND_JUDGING, MIND_TIDYING };

struct accord {
    struct loop *loop;
    struct due_clock *clock;
    struct due rest;
    struct work_item tidying;
    enum mind mind;
    unsigned judging;      /* judgements under way */
    int64_t tidy_after_us; /* not sooner than this */
    struct read read[READ_PLACES];
    struct pair *lately[LATELY_PLACES]; /* with a verdict; or NULL */
    struct told told[TOLD_PLACES];
    struct work *work;
    struct turns turns;
    bool busy;    /* the thread has a piece */
    bool closing; /* and will get no other */
    struct map shown, pairs, expected;
    struct list by_use;
    struct list waiting;
    size_t foreign;        /* shown by peers */
    struct contract *ours; /* of which there are versions, or NULL */
    struct contract *versions[VERDICT_VERSIONS];
    size_t version_count;
    size_t offers; /* waiting to be parsed */
    bool translates;
    struct list offering;
};

struct offer {
    struct task task;
    struct list link; /* of all that wait to be parsed */
    struct accord *accord;
    struct hash_digest digest;
    char *peer;
    struct buf text;
    struct diag diag;
    struct contract *contract;
    enum err result;
    accord_offer_fn *done;
    void *arg;
};

struct judgement {
    struct task task;
    struct accord *accord;
    struct contract *consumer, *provider;
    struct contract *versions[VERDICT_VERSIONS];
    size_t version_count;
    bool translates;
    struct verdict *verdict;
};

static struct slice digest_key(const struct hash_digest *d)
{
    return slice_of(d->b, sizeof(d->b));
}

/* Digests are no secrets. */
static bool same_digest(const struct hash_digest *a, const struct hash_digest *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* --- the rules, as long as there is something to judge --- */

static void tidy_run(struct work_item *item)
{
    (void)item;
    facts_let_go();
    mem_give_back();
    mem_forget_code();
}

static void tidy_done(struct work_item *item, bool ran)
{
    struct accord *a = LIST_OF(item, struct accord, tidying);
    if (!ran)
        facts_let_go();
    if (a->mind == MIND_TIDYING)
        a->mind = MIND_AT_REST;
}

static void on_rest(struct due *due)
{
    struct accord *a = (struct accord *)(void *)((char *)due - offsetof(struct accord, rest));
    a->mind = MIND_TIDYING;
    a->tidy_after_us = a->rest.at_us + TIDY_EACH_US;
    work_start(a->work, &a->tidying);
}

/* A judgement that begins while the thread is tidying keeps the rules for itself, and comes after that. */
static void begin_judging(struct accord *a)
{
    a->judging++;
    due_cancel(a->clock, &a->rest);
    if (a->mind == MIND_JUDGING)
        return;
    facts_keep();
    a->mind = MIND_JUDGING;
}

static void end_judging(struct accord *a)
{
    int64_t at_us = loop_turn_us(a->loop) + RESTING_US;
    if (--a->judging == 0)
        due_at(a->clock, &a->rest, at_us > a->tidy_after_us ? at_us : a->tidy_after_us);
}

struct accord *accord_new(struct loop *l, struct due_clock *clock)
{
    struct accord *a = mem_new(sizeof(*a));
    a->loop = l;
    a->clock = clock;
    a->tidying = (struct work_item){.run = tidy_run, .done = tidy_done};
    due_init(&a->rest, on_rest);
    a->work = work_new(l, "accord");
    turns_init(&a->turns, ACCORD_TASKS_PER_PEER);
    list_init(&a->by_use);
    list_init(&a->waiting);
    list_init(&a->offering);
    return a;
}

static void start_next(struct accord *a)
{
    struct turn *next = a->busy || a->closing ? NULL : turns_next(&a->turns);
    if (!next)
        return;
    a->busy = true;
    work_start(a->work, &LIST_OF(next, struct task, turn)->item);
}

/* Every task says so when it is done. */
static void task_done(struct accord *a)
{
    a->busy = false;
    start_next(a);
}

static void cancel_tasks(struct accord *a)
{
    struct turn *t;
    while ((t = turns_next(&a->turns)) != NULL) {
        struct work_item *item = &LIST_OF(t, struct task, turn)->item;
        item->done(item, false);
    }
    turns_fini(&a->turns);
}

static void shown_free(struct accord *a, struct shown *s)
{
    map_del(&a->shown, digest_key(&s->digest));
    list_remove(&s->link);
    if (*s->peer)
        a->foreign--;
    contract_unref(&s->contract);
    mem_free(s->peer);
    mem_free(s);
}

static void pairs_clear(struct accord *a)
{
    size_t at = 0;
    memset(a->lately, 0, sizeof(a->lately));
    for (struct pair *p = map_next(&a->pairs, &at); p; p = map_next(&a->pairs, &at)) {
        map_del(&a->pairs, slice_of(p->key, sizeof(p->key)));
        verdict_unref(&p->verdict);
        mem_free(p);
    }
}

static void versions_clear(struct accord *a)
{
    while (a->version_count)
        contract_unref(&a->versions[--a->version_count]);
    contract_unref(&a->ours);
}

void accord_free(struct accord **a)
{
    if (!*a)
        return;
    while (!list_empty(&(*a)->waiting))
        list_pop(&(*a)->waiting);
    (*a)->closing = true;
    work_free(&(*a)->work);
    cancel_tasks(*a);
    due_cancel((*a)->clock, &(*a)->rest);
    if ((*a)->mind == MIND_JUDGING)
        facts_let_go();
    while (!list_empty(&(*a)->by_use))
        shown_free(*a, LIST_OF(list_first(&(*a)->by_use), struct shown, link));
    pairs_clear(*a);
    versions_clear(*a);
    size_t at = 0;
    for (struct expected *e = map_next(&(*a)->expected, &at); e; e = map_next(&(*a)->expected, &at))
        mem_free(e);
    map_fini(&(*a)->shown);
    map_fini(&(*a)->pairs);
    map_fini(&(*a)->expected);
    mem_free(*a);
    *a = NULL;
}

/* Waiters may wait again from inside `fn`: only those there now are called. */
static void tell(struct accord *a, const struct hash_digest *digest)
{
    struct list now;
    list_init(&now);
    for (struct list *l = a->waiting.next, *next; l != &a->waiting; l = next) {
        struct accord_wait *w = LIST_OF(l, struct accord_wait, link);
        next = l->next;
        if (hash_same(&w->digest, digest, sizeof(*digest))) {
            list_remove(l);
            list_push_back(&now, l);
        }
    }
    for (struct list *l = list_pop(&now); l; l = list_pop(&now)) {
        struct accord_wait *w = LIST_OF(l, struct accord_wait, link);
        w->fn(w);
    }
}

static size_t peer_count(const struct accord *a, const char *peer, struct shown **oldest)
{
    size_t count = 0;
    for (struct list *l = a->by_use.next; l != &a->by_use; l = l->next) {
        struct shown *s = LIST_OF(l, struct shown, link);
        if (*s->peer && (!peer || strcmp(s->peer, peer) == 0)) {
            count++;
            *oldest = s;
        }
    }
    return count;
}

static void make_room(struct accord *a, const char *peer)
{
    struct shown *oldest = NULL;
    if (peer_count(a, peer, &oldest) >= ACCORD_PER_PEER)
        shown_free(a, oldest);
    else if (a->foreign >= ACCORD_CONTRACTS && peer_count(a, NULL, &oldest))
        shown_free(a, oldest);
}

static void know(struct accord *a, struct contract *c, const char *peer)
{
    struct slice key = digest_key(contract_digest(c));
    if (map_get(&a->shown, key))
        return;
    if (*peer)
        make_room(a, peer);
    struct shown *s = mem_new(sizeof(*s));
    s->digest = *contract_digest(c);
    s->contract = contract_ref(c);
    s->peer = mem_copy(slice_str(peer));
    if (*peer)
        a->foreign++;
    map_put(&a->shown, digest_key(&s->digest), s);
    list_push_front(&a->by_use, &s->link);
}

void accord_know(struct accord *a, struct contract *c)
{
    know(a, c, "");
}

static bool same_contract(const struct contract *a, const struct contract *b)
{
    return hash_same(contract_digest(a), contract_digest(b), sizeof(struct hash_digest));
}

static bool same_versions(const struct accord *a, const struct contract *of, struct contract *const *versions,
                          size_t count)
{
    bool same = a->version_count == count && (count == 0 || same_contract(a->ours, of));
    for (size_t i = 0; i < count && same; i++)
        same = same_contract(a->versions[i], versions[i]);
    return same;
}

void accord_know_versions(struct accord *a, struct contract *of, struct contract *const *versions, size_t count)
{
    if (same_versions(a, of, versions, count))
        return;
    pairs_clear(a);
    versions_clear(a);
    a->ours = contract_ref(of);
    for (; a->version_count < count; a->version_count++)
        a->versions[a->version_count] = contract_ref(versions[a->version_count]);
}

bool accord_has_versions(const struct accord *a)
{
    return a->version_count > 0;
}

void accord_translates(struct accord *a, bool does)
{
    a->translates = does;
}

void accord_expect(struct accord *a, const struct hash_digest *digest)
{
    struct expected *e = map_get(&a->expected, digest_key(digest));
    if (!e) {
        e = mem_new(sizeof(*e));
        e->digest = *digest;
        map_put(&a->expected, digest_key(&e->digest), e);
    }
    e->count++;
}

void accord_forget(struct accord *a, const struct hash_digest *digest)
{
    struct expected *e = map_get(&a->expected, digest_key(digest));
    if (e && --e->count == 0) {
        map_del(&a->expected, digest_key(&e->digest));
        mem_free(e);
    }
    tell(a, digest);
}

static void offer_run(struct work_item *item)
{
    struct offer *o = LIST_OF(item, struct offer, task.item);
    o->result = contract_parse(buf_slice(&o->text), "the other side's contract", &o->diag, &o->contract);
    if (o->result == ERR_OK && !hash_same(contract_digest(o->contract), &o->digest, sizeof(o->digest))) {
        diag_add(&o->diag, DIAG_ERROR, &(struct diag_place){.file = "the other side's contract"},
                 "send the canonical form", "the digest in the path is not this contract's");
        o->result = ERR_INPUT;
    }
    if (o->result == ERR_OK)
        contract_prepare(o->contract);
}

static void offer_done(struct work_item *item, bool ran)
{
    struct offer *o = LIST_OF(item, struct offer, task.item);
    struct buf complaint;
    buf_init(&complaint, BUF_TEXT_BOUND);
    diag_print(&o->diag, &complaint);
    task_done(o->accord);
    if (!ran)
        o->result = ERR_CLOSED;
    if (o->result == ERR_OK)
        know(o->accord, o->contract, o->peer);
    o->accord->offers--;
    list_remove(&o->link);
    o->done(o->arg, o->result, buf_slice(&complaint));
    accord_forget(o->accord, &o->digest);
    buf_fini(&complaint);
    contract_unref(&o->contract);
    diag_fini(&o->diag);
    buf_fini(&o->text);
    mem_free(o->peer);
    mem_free(o);
}

/* One peer does not fill the queue for the others. */
static size_t offers_of(const struct accord *a, struct slice peer)
{
    size_t count = 0;
    for (const struct list *l = a->offering.next; l != &a->offering; l = l->next)
        count += slice_eq(slice_str(LIST_OF(l, const struct offer, link)->peer), peer);
    return count;
}

enum err accord_offer(struct accord *a, struct slice peer, const struct hash_digest *digest, struct slice text,
                      accord_offer_fn *done, void *arg)
{
    if (text.len > CONTRACT_BYTES || a->offers >= ACCORD_OFFERS || offers_of(a, peer) >= ACCORD_OFFERS_PER_PEER)
        return ERR_FULL;
    a->offers++;
    struct offer *o = mem_new(sizeof(*o));
    *o = (struct offer){
        .task.item = {.run = offer_run, .done = offer_done},
        .accord = a,
        .digest = *digest,
        .peer = mem_copy(peer.len ? peer : SLICE("?")),
        .done = done,
        .arg = arg,
    };
    buf_init(&o->text, CONTRACT_BYTES);
    buf_put(&o->text, text);
    diag_init(&o->diag);
    accord_expect(a, digest);
    list_push_back(&a->offering, &o->link);
    enum err e = turns_put(&a->turns, slice_str(o->peer), &o->task.turn);
    PRE(e == ERR_OK);
    start_next(a);
    return ERR_OK;
}

static void judgement_run(struct work_item *item)
{
    struct judgement *j = LIST_OF(item, struct judgement, task.item);
    j->verdict = verdict_compute_through(j->consumer, j->provider, j->versions, j->version_count);
    enum verdict_level level = verdict_level(j->verdict);
    /* A plan between messages goes through them where JSON is spoken. */
    if (level == VERDICT_ADAPTABLE || j->translates)
        (void)verdict_types(j->verdict);
}

static void judgement_done(struct work_item *item, bool ran)
{
    struct judgement *j = LIST_OF(item, struct judgement, task.item);
    struct accord *a = j->accord;
    task_done(a);
    struct hash_digest consumer = *contract_digest(j->consumer);
    struct hash_digest key[2] = {consumer, *contract_digest(j->provider)};
    struct pair *p = ran ? map_get(&a->pairs, slice_of(key, sizeof(key))) : NULL;
    if (p && !p->verdict)
        p->verdict = verdict_ref(j->verdict);
    verdict_unref(&j->verdict);
    contract_unref(&j->consumer);
    contract_unref(&j->provider);
    while (j->version_count)
        contract_unref(&j->versions[--j->version_count]);
    mem_free(j);
    end_judging(a);
    if (ran)
        tell(a, &consumer);
}

static void judge(struct accord *a, struct contract *consumer, struct contract *provider,
                  const struct hash_digest key[2], struct slice peer)
{
    if (a->pairs.count >= ACCORD_PAIRS)
        pairs_clear(a);
    struct pair *p = mem_new(sizeof(*p));
    memcpy(p->key, key, sizeof(p->key));
    map_put(&a->pairs, slice_of(p->key, sizeof(p->key)), p);
    struct judgement *j = mem_new(sizeof(*j));
    *j = (struct judgement){
        .task.item = {.run = judgement_run, .done = judgement_done},
        .accord = a,
        .consumer = contract_ref(consumer),
        .provider = contract_ref(provider),
        .translates = a->translates,
    };
    for (size_t i = 0; i < a->version_count && same_contract(a->ours, provider); i++)
        j->versions[j->version_count++] = contract_ref(a->versions[i]);
    enum err e = turns_put(&a->turns, peer, &j->task.turn);
    PRE(e == ERR_OK);
    begin_judging(a);
    start_next(a);
}

struct contract *accord_contract(struct accord *a, const struct hash_digest *digest)
{
    struct shown *s = map_get(&a->shown, digest_key(digest));
    if (!s)
        return NULL;
    list_remove(&s->link);
    list_push_front(&a->by_use, &s->link);
    return s->contract;
}

enum err accord_find(struct accord *a, const struct hash_digest *consumer, struct contract *provider,
                     struct verdict **out)
{
    struct pair **lately = &a->lately[consumer->b[0] % LATELY_PLACES], *p = *lately;
    if (p && same_digest(&p->key[0], consumer) && same_digest(&p->key[1], contract_digest(provider))) {
        *out = p->verdict;
        return ERR_OK;
    }
    struct hash_digest key[2] = {*consumer, *contract_digest(provider)};
    p = map_get(&a->pairs, slice_of(key, sizeof(key)));
    if (p && p->verdict) {
        *lately = p;
        *out = p->verdict;
        return ERR_OK;
    }
    if (p)
        return ERR_AGAIN;
    struct contract *c = accord_contract(a, consumer);
    if (!c)
        return map_get(&a->expected, digest_key(consumer)) ? ERR_AGAIN : ERR_ABSENT;
    const struct shown *s = map_get(&a->shown, digest_key(consumer));
    struct slice peer = slice_str(s->peer);
    if (turns_waiting(&a->turns, peer) < ACCORD_JUDGEMENTS_PER_PEER)
        judge(a, c, provider, key, peer);
    return ERR_AGAIN;
}

bool accord_tells(struct accord *a, uint64_t conn_id, const struct contract *ours)
{
    struct told *t = &a->told[conn_id % TOLD_PLACES];
    if (t->conn_id == conn_id && same_digest(&t->digest, contract_digest(ours)) && ++t->silent < TOLD_AGAIN)
        return false;
    *t = (struct told){.conn_id = conn_id, .digest = *contract_digest(ours)};
    return true;
}

void accord_await(struct accord *a, struct accord_wait *w)
{
    list_push_back(&a->waiting, &w->link);
}

static void list_operations(struct json_out *j, const struct verdict *v)
{
    json_out_name(j, "operations");
    json_out_object(j);
    for (size_t i = 0; i < verdict_operation_count(v); i++) {
        const struct verdict_operation *op = verdict_operation(v, i);
        json_out_name_slice(j, op->name);
        json_out_str(j, verdict_level_name(op->level));
    }
    json_out_end(j);
}

static void list_pair(const struct accord *a, struct pair *p, struct json_out *j)
{
    struct contract *consumer = verdict_consumer(p->verdict), *provider = verdict_provider(p->verdict);
    struct shown *s = map_get(&a->shown, digest_key(&p->key[0]));
    json_out_object(j);
    json_out_member(j, "contract", contract_name(consumer));
    json_out_member(j, "consumer_version", contract_version(consumer));
    json_out_member(j, "consumer_digest", contract_digest_text(consumer));
    json_out_member(j, "provider_version", contract_version(provider));
    json_out_member(j, "provider_digest", contract_digest_text(provider));
    json_out_member(j, "shown_by", s ? slice_str(s->peer) : (struct slice){0});
    json_out_member(j, "verdict", slice_str(verdict_level_name(verdict_level(p->verdict))));
    list_operations(j, p->verdict);
    json_out_end(j);
}

void accord_list(const struct accord *a, struct map *seen, struct arena *arena, struct json_out *j)
{
    size_t at = 0;
    for (struct pair *p = map_next(&a->pairs, &at); p; p = map_next(&a->pairs, &at)) {
        struct slice key = slice_of(p->key, sizeof(p->key));
        if (!p->verdict || map_get(seen, key))
            continue;
        map_put(seen, arena_keep(arena, key), arena);
        list_pair(a, p, j);
    }
}

enum err accord_parse_header(struct slice value, struct hash_digest *out)
{
    struct slice prefix = SLICE("sha-256=");
    size_t len;
    struct hash_digest d;
    if (!slice_starts(value, prefix) || value.len != prefix.len + HASH_SHA256_TEXT)
        return ERR_INPUT;
    if (hash_base64url(slice_from(value, prefix.len), d.b, sizeof(d.b), &len) != ERR_OK || len != sizeof(d.b))
        return ERR_INPUT;
    *out = d;
    return ERR_OK;
}

enum err accord_read(struct accord *a, struct slice value, struct hash_digest *out)
{
    if (value.len != READ_TEXT)
        return ERR_INPUT;
    struct read *r = &a->read[(unsigned char)value.at[READ_TEXT - 2] % READ_PLACES];
    if (memcmp(r->text, value.at, READ_TEXT) != 0) {
        TRY(accord_parse_header(value, &r->digest));
        memcpy(r->text, value.at, READ_TEXT);
    }
    *out = r->digest;
    return ERR_OK;
}
