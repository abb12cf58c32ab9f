#include "proxy/presented.h"

#include "base/mem.h"
#include "contracts/fact.h"

enum scheme { SCHEME_NOTHING, SCHEME_UNKNOWN, SCHEME_MUTUAL_TLS, SCHEME_KEY, SCHEME_HTTP, SCHEME_TOKEN };
enum place { PLACE_HEADER, PLACE_QUERY, PLACE_COOKIE };

/* One thing to be shown. */
struct need {
    struct slice operation;
    int64_t alternative;
    struct slice text, scope; /* as the contract has them */
    enum scheme scheme;
    enum place place;
    struct slice name; /* of a key, or of an authentication scheme of HTTP */
};

struct presented {
    struct need *needs; /* those of one alternative stand together */
    size_t count;
};

/* ---- reading ---- */

static struct need key_need(struct slice words)
{
    struct need n = {.scheme = SCHEME_UNKNOWN};
    size_t space;
    if (!slice_find(words, ' ', &space))
        return n;
    struct slice in = slice_to(words, space);
    n.name = slice_from(words, space + 1);
    n.scheme = SCHEME_KEY;
    if (slice_eq(in, SLICE("query")))
        n.place = PLACE_QUERY;
    else if (slice_eq(in, SLICE("cookie")))
        n.place = PLACE_COOKIE;
    else if (!slice_eq(in, SLICE("header")))
        n.scheme = SCHEME_UNKNOWN;
    return n;
}

static struct need need_of(struct slice words)
{
    if (words.len == 0)
        return (struct need){.scheme = SCHEME_NOTHING};
    if (slice_eq(words, SLICE("mutualTLS")))
        return (struct need){.scheme = SCHEME_MUTUAL_TLS};
    if (slice_eq(words, SLICE("oauth2")) || slice_starts(words, SLICE("openIdConnect")) ||
        slice_eq(words, SLICE("http bearer")))
        return (struct need){.scheme = SCHEME_TOKEN};
    if (slice_starts(words, SLICE("http ")))
        return (struct need){.scheme = SCHEME_HTTP, .name = slice_from(words, 5)};
    if (slice_starts(words, SLICE("apiKey ")))
        return key_need(slice_from(words, 7));
    return (struct need){.scheme = SCHEME_UNKNOWN};
}

/* "name: apiKey header X" where one name has to tell two schemes apart. */
static struct slice without_name(struct slice scheme)
{
    for (size_t i = 0; i + 1 < scheme.len; i++)
        if (scheme.at[i] == ':' && scheme.at[i + 1] == ' ')
            return slice_from(scheme, i + 2);
    return scheme;
}

struct presented *presented_new(const struct contract *c)
{
    const struct fact_list *facts = contract_facts(c);
    struct presented *p = mem_new(sizeof(*p));
    p->needs = mem_array(facts->count + 1, sizeof(*p->needs));
    for (size_t i = 0; i < facts->count; i++) {
        const struct fact *f = &facts->v[i];
        if (f->relation != VOCABULARY_SECURITY)
            continue;
        struct need n = need_of(without_name(fact_text(f, 2)));
        n.operation = fact_text(f, 0);
        n.alternative = f->value[1].number;
        n.text = fact_text(f, 2);
        n.scope = fact_text(f, 3);
        p->needs[p->count++] = n;
    }
    if (p->count == 0)
        presented_free(&p);
    return p;
}

void presented_free(struct presented **presented)
{
    struct presented *p = *presented;
    *presented = NULL;
    if (!p)
        return;
    mem_free(p->needs);
    mem_free(p);
}

void presented_warn(const struct presented *p, const char *file, bool has_providers, struct diag *diag)
{
    bool told_scope = has_providers;
    for (size_t i = 0; i < p->count; i++) {
        const struct need *n = &p->needs[i];
        if (n->scheme == SCHEME_UNKNOWN)
            diag_add(diag, DIAG_WARNING, &(struct diag_place){.file = file},
                     "write oauth2, http bearer, http basic, apiKey header NAME or mutualTLS",
                     "what %.*s asks its callers to show is left to the function: \"%.*s\"", SLICE_FMT(n->operation),
                     SLICE_FMT(n->text));
        if (n->scheme != SCHEME_TOKEN || n->scope.len == 0 || told_scope)
            continue;
        told_scope = true;
        diag_add(diag, DIAG_WARNING, &(struct diag_place){.file = file}, "name the provider under tokens:",
                 "the scopes that the contract asks for are left to the function: no token can be verified here");
    }
}

/* ---- judging ---- */

static bool has_header(const struct transit *t, struct slice name)
{
    for (uint32_t i = 0; i < t->in.headers.count; i++)
        if (slice_eq_nocase(t->in.headers.v[i].name, name) && t->in.headers.v[i].value.len > 0)
            return true;
    return false;
}

/* "a=1; b=2" or "a=1&b=2": is there a pair of this name with something behind it? */
static bool has_pair(struct slice list, char between, struct slice name)
{
    struct slice pair;
    while (slice_split(&list, between, &pair)) {
        pair = slice_trim(pair);
        if (slice_starts(pair, name) && pair.len > name.len + 1 && pair.at[name.len] == '=')
            return true;
    }
    return false;
}

static bool has_cookie(const struct transit *t, struct slice name)
{
    for (uint32_t i = 0; i < t->in.headers.count; i++)
        if (slice_eq(t->in.headers.v[i].name, SLICE("cookie")) && has_pair(t->in.headers.v[i].value, ';', name))
            return true;
    return false;
}

static bool has_key(const struct transit *t, const struct need *n)
{
    size_t mark;
    switch (n->place) {
    case PLACE_HEADER:
        return has_header(t, n->name);
    case PLACE_QUERY:
        return slice_find(t->in.path, '?', &mark) && has_pair(slice_from(t->in.path, mark + 1), '&', n->name);
    case PLACE_COOKIE:
        break;
    }
    return has_cookie(t, n->name);
}

static bool has_authorization(const struct transit *t, struct slice scheme)
{
    struct slice value = headers_value(&t->in.headers, HEADERS_AUTHORIZATION);
    return value.len > scheme.len + 1 && slice_eq_nocase(slice_to(value, scheme.len), scheme) &&
           value.at[scheme.len] == ' ';
}

static bool has_scope(const struct presented_request *r, struct slice scope)
{
    for (size_t i = 0; i < r->claim_count; i++) {
        const struct attrs_header *c = &r->claims[i];
        if ((slice_eq(c->name, SLICE("scope")) || slice_eq(c->name, SLICE("scp"))) && slice_eq(c->value, scope))
            return true;
    }
    return false;
}

static enum err ask_token(const struct need *n, const struct presented_request *r)
{
    if (!(r->has_providers ? r->vouched : has_authorization(r->down, SLICE("bearer"))))
        return ERR_ABSENT;
    return n->scope.len == 0 || !r->has_providers || has_scope(r, n->scope) ? ERR_OK : ERR_DENIED;
}

static enum err ask_need(const struct need *n, const struct presented_request *r)
{
    bool shown = true;
    switch (n->scheme) {
    case SCHEME_NOTHING:
    case SCHEME_UNKNOWN:
        break;
    case SCHEME_MUTUAL_TLS:
        shown = r->down->peer_id.len > 0;
        break;
    case SCHEME_KEY:
        shown = has_key(r->down, n);
        break;
    case SCHEME_HTTP:
        shown = has_authorization(r->down, n->name);
        break;
    case SCHEME_TOKEN:
        return ask_token(n, r);
    }
    return shown ? ERR_OK : ERR_ABSENT;
}

static void put_need(const struct need *n, bool first, struct buf *detail)
{
    if (n->scope.len)
        buf_putf(detail, " with scope %.*s", SLICE_FMT(n->scope));
    else
        buf_putf(detail, "%s%.*s", first ? "" : " and ", SLICE_FMT(n->text));
}

/* Of two reasons the lesser one: what only lacks a scope is nearer. */
static enum err nearer(enum err a, enum err b)
{
    if (a == ERR_OK || b == ERR_OK)
        return ERR_OK;
    return a == ERR_DENIED || b == ERR_DENIED ? ERR_DENIED : ERR_ABSENT;
}

/* All of one alternative, from `at` on; `at` moves behind it. */
static enum err ask_alternative(const struct presented *p, const struct presented_request *r, size_t *at,
                                struct buf *detail)
{
    int64_t alternative = p->needs[*at].alternative;
    enum err worst = ERR_OK;
    size_t first = *at;
    for (;
         *at < p->count && p->needs[*at].alternative == alternative && slice_eq(p->needs[*at].operation, r->operation);
         (*at)++) {
        enum err e = ask_need(&p->needs[*at], r);
        put_need(&p->needs[*at], *at == first, detail);
        worst = worst == ERR_ABSENT || e == ERR_OK ? worst : e;
    }
    return worst;
}

enum err presented_ask(const struct presented *p, const struct presented_request *r, struct buf *detail)
{
    enum err best = ERR_ABSENT;
    bool asked = false;
    for (size_t i = 0; i < p->count;) {
        if (!slice_eq(p->needs[i].operation, r->operation)) {
            i++;
            continue;
        }
        buf_put(detail, asked ? SLICE(", or ") : SLICE("It asks for "));
        best = nearer(best, ask_alternative(p, r, &i, detail));
        asked = true;
    }
    buf_put_char(detail, '.');
    return asked ? best : ERR_OK;
}
