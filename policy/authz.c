#include "policy/authz.h"

#include "base/map.h"
#include "base/mem.h"
#include "policy/policy_why.h"
#include "policy/question.h"
#include "policy/rule_set.h"

/* The cache is emptied when it is full: a policy is asked few different questions, or so many that remembering
 * them is no use. */
enum { CACHE_ENTRIES = 4096, CACHE_BYTES = 4 << 20, REASONS = 1024 };

/* An answer that was given before. */
struct known {
    struct slice key;
    struct authz_decision decision;
};

/* Those that were given last: to find one costs a look at its key, and no keyed hash. */
enum { LATELY_PLACES = 16 };

struct authz {
    struct rule_set *rules; /* NULL: no policy */
    struct datalog_run *run;
    struct question question;
    struct map cache; /* the question's key to its struct known */
    struct arena cache_arena;
    const struct known *lately[LATELY_PLACES];
    struct map reasons; /* text to the same text */
    struct arena reason_arena;
};

struct authz *authz_new(struct rule_set *take_rules)
{
    struct authz *a = mem_new(sizeof(*a));
    a->rules = take_rules;
    a->run = take_rules ? rule_set_run(take_rules) : NULL;
    question_init(&a->question);
    arena_init(&a->cache_arena, 0);
    arena_init(&a->reason_arena, 0);
    return a;
}

void authz_free(struct authz **a)
{
    struct authz *authz = *a;
    *a = NULL;
    if (!authz)
        return;
    datalog_run_free(&authz->run);
    rule_set_free(&authz->rules);
    question_fini(&authz->question);
    map_fini(&authz->cache);
    arena_fini(&authz->cache_arena);
    map_fini(&authz->reasons);
    arena_fini(&authz->reason_arena);
    mem_free(authz);
}

uint64_t authz_rule_count(const struct authz *a)
{
    return a->rules ? a->rules->count : 0;
}

const struct rule_set *authz_rules(const struct authz *a)
{
    return a->rules;
}

bool authz_asks(const struct authz *a, enum question_kind kind)
{
    return a->rules && a->rules->wants.asked[kind];
}

/* One copy of each sentence, since reasons live as long as the authz.  Rules are few, but what a failed
 * conversion says may hold the caller's own words, so there is a bound. */
static const char *keep_reason(struct authz *a, const char *prefix, const char *file, unsigned line)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_putf(&text, line ? "%s%s:%u" : "%s%s", prefix, file, line);
    const char *kept = map_get(&a->reasons, buf_slice(&text));
    if (!kept && a->reasons.count < REASONS) {
        struct slice copy = arena_keep(&a->reason_arena, buf_slice(&text));
        map_put(&a->reasons, copy, (char *)copy.at);
        kept = copy.at;
    }
    buf_fini(&text);
    return kept ? kept : prefix;
}

static enum err evaluate(struct authz *a, const char **why)
{
    datalog_run_reset(a->run);
    question_state(&a->question, &a->rules->wants, a->run);
    return datalog_run_eval(a->run, why);
}

static struct authz_decision decide(struct authz *a)
{
    const char *why = "", *file;
    unsigned line;
    enum err e = evaluate(a, &why);
    if (e == ERR_LIMIT)
        return (struct authz_decision){.answer = AUTHZ_DENY,
                                       .reason = keep_reason(a, "the policy ran out of its bound: ", why, 0)};
    if (e != ERR_OK)
        return (struct authz_decision){.answer = AUTHZ_DENY, .reason = keep_reason(a, "the policy failed: ", why, 0)};
    if (policy_why_place(a->run, a->rules->deny, &file, &line))
        return (struct authz_decision){.answer = AUTHZ_DENY, .reason = keep_reason(a, "denied by ", file, line)};
    if (policy_why_place(a->run, a->rules->allow, &file, &line))
        return (struct authz_decision){.answer = AUTHZ_ALLOW, .reason = keep_reason(a, "allowed by ", file, line)};
    return (struct authz_decision){.answer = AUTHZ_DENY, .by_default = true, .reason = "nothing allows it"};
}

/* With no policy a trusted identity is enough. */
static struct authz_decision decide_without_rules(const struct attrs *attrs)
{
    if (attrs->peer.len)
        return (struct authz_decision){.answer = AUTHZ_ALLOW, .reason = "there is no policy, and the caller is known"};
    return (struct authz_decision){
        .answer = AUTHZ_DENY, .by_default = true, .reason = "there is no policy, and the caller is not known"};
}

static void forget(struct authz *a)
{
    map_fini(&a->cache);
    arena_reset(&a->cache_arena);
    memset(a->lately, 0, sizeof(a->lately));
}

static const struct known *remember(struct authz *a, struct authz_decision decision)
{
    if (a->cache.count == CACHE_ENTRIES || a->cache_arena.used > CACHE_BYTES)
        forget(a);
    struct known *k = arena_new(&a->cache_arena, sizeof(*k));
    *k = (struct known){.key = arena_keep(&a->cache_arena, buf_slice(&a->question.key)), .decision = decision};
    k->decision.cached = true;
    map_put(&a->cache, k->key, k);
    return k;
}

/* One place for each key: what meets there takes turns, which is no more than a look into the cache. */
static size_t place_of(struct slice key)
{
    uint64_t hash = key.len, word = 0;
    for (size_t left = key.len; left >= sizeof(word); left -= sizeof(word)) {
        memcpy(&word, key.at + key.len - left, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    size_t tail = key.len % sizeof(word);
    word = 0;
    if (tail)
        memcpy(&word, key.at + key.len - tail, tail);
    return (size_t)(((hash ^ word) * UINT64_C(0x9E3779B97F4A7C15)) >> 32) % LATELY_PLACES;
}

struct authz_decision authz_ask(struct authz *a, const struct attrs *attrs)
{
    if (!a->rules)
        return decide_without_rules(attrs);
    question_key(&a->question, &a->rules->wants, attrs);
    struct slice key = buf_slice(&a->question.key);
    const struct known **lately = &a->lately[place_of(key)], *k = *lately;
    if (!k || !slice_eq(k->key, key))
        k = map_get(&a->cache, key);
    if (k) {
        *lately = k;
        return k->decision;
    }
    question_fill(&a->question, &a->rules->wants, attrs);
    struct authz_decision decision = decide(a);
    *lately = remember(a, decision);
    return decision;
}

void authz_why(struct authz *a, const struct attrs *attrs, struct buf *out)
{
    const char *why = "";
    if (!a->rules) {
        struct authz_decision d = decide_without_rules(attrs);
        buf_putf(out, "%s: %s.\n", d.answer == AUTHZ_ALLOW ? "Allowed" : "Denied", d.reason);
        return;
    }
    question_fill(&a->question, &a->rules->wants, attrs);
    enum err e = evaluate(a, &why);
    if (e == ERR_OK)
        policy_why_put(a->run, a->rules->allow, a->rules->deny, out);
    else
        buf_putf(out, "Denied, because the policy %s: %s\n", e == ERR_LIMIT ? "ran out of its bound" : "failed", why);
}
