#include "proxy/inquiry.h"

#include "policy/authz.h"
#include "proxy/providers.h"

enum { NO_OPERATION = -1, OTHER_METHOD = -2, HEADER_FACTS = 100 };

void inquiry_fini(struct inquiry *q)
{
    verdict_unref(&q->verdict);
    *q = (struct inquiry){0};
}

static enum err deny(struct inquiry *q, enum reply_word word, struct slice detail)
{
    q->word = word;
    q->detail = detail;
    return ERR_DENIED;
}

struct slice inquiry_verdict(const struct inquiry *q)
{
    return q->judged ? slice_str(verdict_level_name(q->judged->level)) : (struct slice){0};
}

/* --- the path --- */

/* Judged and forwarded bytes are the same bytes: the normal form, then the query as it came. */
static enum err normalise(struct inquiry *q, struct transit *down)
{
    struct slice whole = down->in.path, bare = message_path_only(&down->in), clean;
    char *room = arena_new(&down->arena, bare.len + 2);
    if (slice_eq(whole, SLICE("*")) || whole.len == 0) {
        q->path = whole;
        return ERR_OK;
    }
    if (attrs_path(bare, room, bare.len + 2, &clean) != ERR_OK)
        return deny(q, REPLY_BAD_PATH, (struct slice){0});
    struct slice query = slice_from(whole, bare.len);
    q->path = query.len ? arena_putf(&down->arena, "%.*s%.*s", SLICE_FMT(clean), SLICE_FMT(query)) : clean;
    return ERR_OK;
}

static struct slice without_query(struct slice path)
{
    size_t mark;
    return slice_find(path, '?', &mark) ? slice_to(path, mark) : path;
}

/* --- the operation --- */

/* Which operation of `c` the request is.  With `strict` one that it does not name is refused. */
static enum err match(struct inquiry *q, const struct contract *c, struct transit *down, bool strict, int *op)
{
    *op = contract_match(c, down->in.method, without_query(q->path));
    if (*op >= 0)
        return ERR_OK;
    if (!strict) {
        *op = NO_OPERATION;
        return ERR_OK;
    }
    struct slice detail = arena_putf(&down->arena, "%.*s %.*s has no operation for this method and path.",
                                     SLICE_FMT(contract_name(c)), SLICE_FMT(contract_version(c)));
    return deny(q, *op == OTHER_METHOD ? REPLY_METHOD_UNKNOWN : REPLY_OPERATION_UNKNOWN, detail);
}

/* --- the verdict --- */

static void keep(struct inquiry *q, struct verdict *v, int op)
{
    verdict_unref(&q->verdict);
    q->verdict = verdict_ref(v);
    q->judged = verdict_operation(v, (size_t)op);
    q->operation = q->judged->provider_name.len ? q->judged->provider_name : q->judged->name;
}

static enum err mismatch(struct inquiry *q)
{
    q->finding = verdict_worst(q->verdict, q->judged->name);
    return deny(q, REPLY_CONTRACT_MISMATCH, q->finding ? q->finding->message : (struct slice){0});
}

/* The table of wire.md: what a verdict leads to under each way of enforcing. */
static enum err enforce(struct inquiry *q, const struct snapshot *s, bool provider)
{
    enum verdict_level level = q->judged->level;
    if (level <= VERDICT_COMPATIBLE)
        return ERR_OK;
    if (s->conf.enforce == PROXY_ENFORCE_AUDIT) {
        q->audited = true;
        return ERR_OK;
    }
    if (level > VERDICT_ADAPTABLE || s->conf.enforce == PROXY_ENFORCE_BLOCK)
        return mismatch(q);
    /* The provider's side rewrites; the consumer's lets it pass. */
    if (provider) {
        q->request = q->judged->request;
        q->response = q->judged->response;
    }
    return ERR_OK;
}

/* --- inbound --- */

static enum err caller_shows_nothing(struct inquiry *q, const struct snapshot *s, struct transit *down)
{
    if (s->conf.contracts.unknown == PROXY_UNKNOWN_BLOCK)
        return deny(q, REPLY_CONTRACT_UNKNOWN, SLICE("The caller shows no contract."));
    q->audited = s->conf.contracts.unknown == PROXY_UNKNOWN_AUDIT;
    int op;
    TRY(match(q, s->contract, down, false, &op));
    if (op != NO_OPERATION)
        q->operation = contract_operation_name(s->contract, (size_t)op);
    return ERR_OK;
}

/* Names the operation and, when the caller shows a contract, finds the verdict. */
static enum err judge_inbound(struct inquiry *q, struct snapshot *s, struct accord *a, struct transit *down)
{
    if (!s->contract || s->conf.enforce == PROXY_ENFORCE_OFF)
        return ERR_OK;
    struct slice shown = headers_value(&down->in.headers, HEADERS_WEFT_CONTRACT);
    if (shown.len == 0)
        return caller_shows_nothing(q, s, down);
    if (accord_read(a, shown, &q->digest) != ERR_OK)
        return deny(q, REPLY_BAD_REQUEST, SLICE("weft-contract is not sha-256=DIGEST."));
    q->shows_digest = true;
    struct verdict *v;
    enum err e = accord_find(a, &q->digest, s->contract, &v);
    if (e == ERR_ABSENT)
        return deny(q, REPLY_CONTRACT_UNKNOWN, (struct slice){0});
    TRY(e);
    int op;
    TRY(match(q, verdict_consumer(v), down, s->conf.enforce != PROXY_ENFORCE_AUDIT, &op));
    q->audited = op == NO_OPERATION;
    if (op != NO_OPERATION)
        keep(q, v, op);
    return ERR_OK;
}

/* --- the user behind the call --- */

/* They outlive the provider's memory of the token: `weft why` may be asked later. */
static void keep_claims(struct inquiry *q, const struct providers_claims *claims, struct transit *down)
{
    struct attrs_header *kept = arena_array(&down->arena, claims->count + 1, sizeof(*kept));
    for (size_t i = 0; i < claims->count; i++)
        kept[i] = (struct attrs_header){arena_keep(&down->arena, claims->v[i].name),
                                        arena_keep(&down->arena, claims->v[i].value)};
    q->claims = kept;
    q->claim_count = claims->count;
}

static enum err deny_token(struct inquiry *q, struct transit *down, const char *why)
{
    return deny(q, REPLY_TOKEN_INVALID, arena_putf(&down->arena, "The token is refused: %s.", why));
}

/* Two fields could be read as two users. */
static enum err bearer(struct inquiry *q, struct transit *down, struct slice *token)
{
    bool found = false;
    *token = (struct slice){0};
    for (uint32_t i = 0; i < down->in.headers.count; i++) {
        const struct header *h = &down->in.headers.v[i];
        if (h->token != HEADERS_AUTHORIZATION)
            continue;
        if (found)
            return deny_token(q, down, "there are two authorization fields");
        found = true;
        if (h->value.len > 7 && slice_eq_nocase(slice_to(h->value, 7), SLICE("bearer ")))
            *token = slice_trim(slice_from(h->value, 7));
    }
    return ERR_OK;
}

static enum err read_token(struct inquiry *q, struct snapshot *s, struct transit *down)
{
    struct slice token;
    struct providers_claims claims;
    const char *why = "";
    q->awaits_keys = false;
    if (!s->providers || s->conf.tokens.count == 0)
        return ERR_OK;
    TRY(bearer(q, down, &token));
    if (token.len == 0)
        return ERR_OK;
    switch (providers_read(s->providers, token, &claims, &why)) {
    case ERR_OK:
        q->vouched = true;
        if (s->presented || authz_asks(s->authz, QUESTION_CLAIM))
            keep_claims(q, &claims, down);
        return ERR_OK;
    case ERR_ABSENT: /* somebody else's: it says nothing here */
        return ERR_OK;
    case ERR_AGAIN:
        q->awaits_keys = true;
        return ERR_AGAIN;
    case ERR_IO:
        return deny(q, REPLY_KEYS_UNAVAILABLE, (struct slice){0});
    default:
        return deny_token(q, down, why);
    }
}

static void add_headers(struct attrs *attrs, struct transit *down)
{
    struct attrs_header *headers = arena_array(&down->arena, down->in.headers.count + 1, sizeof(*headers));
    for (uint32_t i = 0; i < down->in.headers.count; i++)
        headers[i] = (struct attrs_header){down->in.headers.v[i].name, down->in.headers.v[i].value};
    attrs->headers = headers;
    attrs->header_count = down->in.headers.count;
}

static struct attrs attrs_of(const struct inquiry *q, const struct snapshot *s, struct transit *down)
{
    struct contract *consumer = q->verdict ? verdict_consumer(q->verdict) : NULL;
    struct attrs attrs = {
        .peer = down->peer_id,
        .service = slice_str(s->conf.service),
        .operation = q->operation,
        .method = down->in.method,
        .path = without_query(q->path),
        .verdict = inquiry_verdict(q),
        .claims = q->claims,
        .claim_count = q->claim_count,
        .contract_name = consumer ? contract_name(consumer) : (struct slice){0},
        .contract_version = consumer ? contract_version(consumer) : (struct slice){0},
    };
    if (authz_asks(s->authz, QUESTION_HEADER))
        add_headers(&attrs, down);
    return attrs;
}

/* What the contract says a caller of this operation shows. */
static enum err ask_presented(struct inquiry *q, const struct snapshot *s, struct transit *down)
{
    struct presented_request r = {
        .down = down,
        .operation = q->operation,
        .has_providers = s->conf.tokens.count > 0,
        .vouched = q->vouched,
        .claims = q->claims,
        .claim_count = q->claim_count,
    };
    struct buf detail;
    if (!s->presented || q->operation.len == 0)
        return ERR_OK;
    buf_init(&detail, BUF_TEXT_BOUND);
    enum err e = presented_ask(s->presented, &r, &detail);
    if (e != ERR_OK && s->conf.enforce == PROXY_ENFORCE_AUDIT) {
        q->audited = true;
        e = ERR_OK;
    } else if (e != ERR_OK) {
        e = deny(q, e == ERR_DENIED ? REPLY_SCOPE_MISSING : REPLY_CREDENTIALS_MISSING,
                 arena_keep(&down->arena, buf_slice(&detail)));
    }
    buf_fini(&detail);
    return e;
}

enum err inquiry_inbound(struct inquiry *q, struct snapshot *s, struct accord *a, struct transit *down)
{
    TRY(normalise(q, down));
    TRY(read_token(q, s, down));
    enum err judged = judge_inbound(q, s, a, down);
    if (judged == ERR_AGAIN)
        return judged;
    /* Who may not call at all is told that, and nothing about the contract. */
    struct attrs attrs = attrs_of(q, s, down);
    q->tolerated = false;
    if (authz_ask(s->authz, &attrs).answer == AUTHZ_DENY) {
        enum err no = deny(q, REPLY_POLICY_DENIED, (struct slice){0});
        if (s->conf.policy_mode == PROXY_POLICY_ENFORCE)
            return no;
        q->tolerated = true;
    }
    TRY(judged);
    TRY(ask_presented(q, s, down));
    return q->judged ? enforce(q, s, true) : ERR_OK;
}

enum err inquiry_again(struct inquiry *q, struct snapshot *now, struct transit *down)
{
    struct attrs attrs = attrs_of(q, now, down);
    if (now->conf.policy_mode == PROXY_POLICY_AUDIT)
        return ERR_OK;
    return authz_ask(now->authz, &attrs).answer == AUTHZ_DENY ? deny(q, REPLY_POLICY_DENIED, (struct slice){0})
                                                              : ERR_OK;
}

/* --- outbound --- */

enum err inquiry_outbound(struct inquiry *q, struct snapshot *s, struct accord *a, struct cluster *to,
                          struct transit *down)
{
    TRY(normalise(q, down));
    if (!to->consumes || s->conf.enforce == PROXY_ENFORCE_OFF)
        return ERR_OK;
    int op;
    TRY(match(q, to->consumes, down, s->conf.enforce != PROXY_ENFORCE_AUDIT, &op));
    if (op == NO_OPERATION)
        return ERR_OK;
    q->operation = contract_operation_name(to->consumes, (size_t)op);
    q->shows_digest = true;
    q->digest = *contract_digest(to->consumes);
    struct verdict *v;
    /* Not known yet is no reason to wait: the provider's side asks the same question. */
    if (!to->provides || accord_find(a, &q->digest, to->provides, &v) != ERR_OK)
        return ERR_OK;
    keep(q, v, op);
    q->operation = q->judged->name;
    return q->judged->level > VERDICT_ADAPTABLE && !to->knows_versions ? enforce(q, s, false) : ERR_OK;
}

/* --- why --- */

static void put_plan(const char *title, const struct plan *p, struct buf *out)
{
    if (!p)
        return;
    buf_putf(out, "%s:\n", title);
    plan_put(p, out);
}

static void put_finding(const struct verdict_finding *f, struct buf *out)
{
    buf_putf(out, "rule     %.*s at %.*s\n%.*s\n", SLICE_FMT(f->rule), SLICE_FMT(f->where), SLICE_FMT(f->message));
    if (f->witness.len)
        buf_putf(out, "witness  %.*s\n", SLICE_FMT(f->witness));
    if (f->fix.len)
        buf_putf(out, "fix      %.*s\n", SLICE_FMT(f->fix));
    buf_putf(out, "proof\n%.*s\n", SLICE_FMT(f->proof));
}

void inquiry_why(const struct inquiry *q, struct snapshot *s, struct transit *down, struct buf *out)
{
    if (q->word == REPLY_POLICY_DENIED) {
        struct attrs attrs = attrs_of(q, s, down);
        authz_why(s->authz, &attrs, out);
        return;
    }
    if (q->verdict) {
        struct contract *consumer = verdict_consumer(q->verdict), *provider = verdict_provider(q->verdict);
        buf_putf(out, "The caller was written against %.*s %.*s; the provider runs %.*s %.*s.\n%.*s is %.*s.\n",
                 SLICE_FMT(contract_name(consumer)), SLICE_FMT(contract_version(consumer)),
                 SLICE_FMT(contract_name(provider)), SLICE_FMT(contract_version(provider)), SLICE_FMT(q->judged->name),
                 SLICE_FMT(inquiry_verdict(q)));
        put_plan("request plan", q->judged->request, out);
        put_plan("response plan", q->judged->response, out);
    }
    if (q->finding)
        put_finding(q->finding, out);
    else if (q->detail.len)
        buf_putf(out, "%.*s\n", SLICE_FMT(q->detail));
}
