#include "policy/token.h"

#include "policy/spiffe.h"

enum { NESTING_MOST = 4 };

#define FAR_FUTURE_S INT64_C(253402300800) /* the year 10000 */

static enum err denied(const char **why, const char *sentence)
{
    *why = sentence;
    return ERR_DENIED;
}

struct slice token_issuer(const struct doc_node *claims)
{
    const struct doc_node *iss = doc_get(claims, "iss");
    return iss && iss->kind == DOC_STRING ? iss->text : (struct slice){0};
}

struct slice token_trust_domain(const struct doc_node *claims)
{
    const struct doc_node *sub = doc_get(claims, "sub");
    struct spiffe_id id;
    const char *why;
    if (!sub || sub->kind != DOC_STRING || spiffe_parse(sub->text, &id, &why) != ERR_OK || id.path.len == 0)
        return (struct slice){0};
    return id.trust_domain;
}

bool token_header_ok(const struct doc_node *header)
{
    for (const struct doc_node *n = header->first; n; n = n->next) {
        bool is_typ = slice_eq(n->key, SLICE("typ"));
        if (!is_typ && !slice_eq(n->key, SLICE("alg")) && !slice_eq(n->key, SLICE("kid")))
            return false;
        if (is_typ && !slice_eq(n->text, SLICE("JWT")) && !slice_eq(n->text, SLICE("JOSE")))
            return false;
    }
    return true;
}

/* RFC 7519 section 2, NumericDate: seconds, perhaps with a fraction, which is dropped. */
static bool date_of(const struct doc_node *n, int64_t *out)
{
    uint64_t seconds;
    size_t dot;
    if (!n || n->kind != DOC_NUMBER)
        return false;
    struct slice whole = slice_find(n->text, '.', &dot) ? slice_to(n->text, dot) : n->text;
    for (size_t i = whole.len; i < n->text.len; i++)
        if (n->text.at[i] != '.' && (n->text.at[i] < '0' || n->text.at[i] > '9'))
            return false;
    if (slice_u64(whole, (uint64_t)FAR_FUTURE_S, &seconds) != ERR_OK)
        return false;
    *out = (int64_t)seconds;
    return true;
}

static bool is_one_of_ours(const struct doc_node *n, const struct token_rules *r)
{
    for (size_t i = 0; n->kind == DOC_STRING && i < r->audience_count; i++)
        if (slice_eq(n->text, slice_str(r->audiences[i])))
            return true;
    return false;
}

static bool is_for_us(const struct doc_node *aud, const struct token_rules *r)
{
    if (!aud || aud->kind != DOC_LIST)
        return aud && is_one_of_ours(aud, r);
    for (const struct doc_node *n = aud->first; n; n = n->next)
        if (is_one_of_ours(n, r))
            return true;
    return false;
}

static enum err judge_dates(const struct doc_node *claims, const struct token_rules *r, int64_t now_s, int64_t *until_s,
                            const char **why)
{
    const struct doc_node *nbf = doc_get(claims, "nbf"), *iat = doc_get(claims, "iat");
    int64_t exp, from;
    if (!date_of(doc_get(claims, "exp"), &exp))
        return denied(why, "it has no exp, or no date in it");
    if (now_s >= exp + r->leeway_s)
        return denied(why, "it has expired");
    if (nbf && (!date_of(nbf, &from) || now_s < from - r->leeway_s))
        return denied(why, "it is not valid yet (nbf)");
    if (iat && (!date_of(iat, &from) || now_s < from - r->leeway_s))
        return denied(why, "it was issued in the future (iat)");
    *until_s = exp + r->leeway_s;
    return ERR_OK;
}

enum err token_judge(const struct doc_node *claims, const struct token_rules *rules, int64_t now_s, int64_t *until_s,
                     const char **why)
{
    const struct doc_node *sub = doc_get(claims, "sub");
    bool of_workload = rules->trust_domain.len > 0;
    if (of_workload && !slice_eq(token_trust_domain(claims), rules->trust_domain))
        return denied(why, "its subject is no workload of the trust domain");
    if (!of_workload && !slice_eq(token_issuer(claims), rules->issuer))
        return denied(why, "it is of another issuer");
    if (!of_workload && sub && sub->kind == DOC_STRING && slice_starts(sub->text, SLICE("spiffe://")))
        return denied(why, "its subject is a workload, for which only a trust domain's keys speak");
    if (!is_for_us(doc_get(claims, "aud"), rules))
        return denied(why, "it is not for this audience");
    if (sub && sub->kind != DOC_STRING)
        return denied(why, "its subject is no text");
    return judge_dates(claims, rules, now_s, until_s, why);
}

/* ---- facts ---- */

struct listing {
    struct arena *arena;
    struct attrs_header *out;
    size_t count;
    const char *why; /* NULL: it fits */
};

static void add(struct listing *l, struct slice name, struct slice value)
{
    if (l->count == TOKEN_FACTS_MOST)
        l->why = "it has over 256 claims";
    else if (name.len > TOKEN_NAME_MOST || value.len > TOKEN_VALUE_MOST)
        l->why = "one of its claims is too long";
    else
        l->out[l->count++] = (struct attrs_header){name, value};
}

/* RFC 8693 section 4.2. */
static void add_words(struct listing *l, struct slice name, struct slice words)
{
    struct slice word;
    while (slice_split(&words, ' ', &word))
        if (word.len)
            add(l, name, word);
}

static void add_node(struct listing *l, struct slice name, const struct doc_node *n, unsigned depth)
{
    switch (n->kind) {
    case DOC_NULL:
        return;
    case DOC_BOOL:
    case DOC_NUMBER:
        add(l, name, n->text);
        return;
    case DOC_STRING:
        if (depth == 0 && slice_eq(name, SLICE("scope")))
            add_words(l, name, n->text);
        else
            add(l, name, n->text);
        return;
    case DOC_LIST:
    case DOC_MAP:
        break;
    }
    if (depth == NESTING_MOST) {
        l->why = "its claims are nested too deeply";
        return;
    }
    for (const struct doc_node *child = n->first; child && !l->why; child = child->next)
        add_node(l,
                 n->kind == DOC_LIST ? name : arena_putf(l->arena, "%.*s.%.*s", SLICE_FMT(name), SLICE_FMT(child->key)),
                 child, depth + 1);
}

enum err token_facts(const struct doc_node *claims, struct arena *arena, struct attrs_header *out, size_t *count,
                     const char **why)
{
    struct listing l = {.arena = arena, .out = out};
    for (const struct doc_node *n = claims->first; n && !l.why; n = n->next)
        add_node(&l, n->key, n, 0);
    if (l.why)
        return denied(why, l.why);
    *count = l.count;
    return ERR_OK;
}
