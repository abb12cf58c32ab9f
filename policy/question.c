#include "policy/question.h"

#include "base/check.h"
#include "base/mem.h"
#include "policy/spiffe.h"

enum { FIRST_FACTS = 16, FIRST_NAMES = 8 };

static const char *const kind_names[QUESTION_KINDS] = {
    [QUESTION_PEER] = "peer",
    [QUESTION_PEER_DOMAIN] = "peer_domain",
    [QUESTION_PEER_PATH] = "peer_path",
    [QUESTION_SERVICE] = "service",
    [QUESTION_OP] = "op",
    [QUESTION_METHOD] = "method",
    [QUESTION_PATH] = "path",
    [QUESTION_SEGMENT] = "segment",
    [QUESTION_HEADER] = "header",
    [QUESTION_CLAIM] = "claim",
    [QUESTION_JOB] = "job",
    [QUESTION_PROBE] = "probe",
    [QUESTION_VERDICT] = "verdict",
    [QUESTION_CONTRACT] = "contract",
};

const char *question_kind_name(enum question_kind k)
{
    return kind_names[k];
}

void question_wants_init(struct question_wants *w, const struct datalog *rules)
{
    *w = (struct question_wants){0};
    arena_init(&w->arena, 0);
    for (unsigned k = 0; k < QUESTION_KINDS; k++) {
        w->relation[k] = datalog_relation(rules, slice_str(kind_names[k]));
        w->asked[k] = w->relation[k] >= 0 && datalog_asks(rules, w->relation[k]);
    }
    w->any_peer = w->asked[QUESTION_PEER] || w->asked[QUESTION_PEER_DOMAIN] || w->asked[QUESTION_PEER_PATH];
    w->any_path = w->asked[QUESTION_PATH] || w->asked[QUESTION_SEGMENT];
}

void question_wants_fini(struct question_wants *w)
{
    mem_free(w->headers.v);
    mem_free(w->claims.v);
    arena_fini(&w->arena);
}

static bool wants_name(const struct question_names *names, struct slice name)
{
    for (size_t i = 0; i < names->count; i++)
        if (slice_eq(names->v[i], name))
            return true;
    return names->every;
}

void question_wants_name(struct question_wants *w, struct question_names *names, struct slice name)
{
    if (wants_name(names, name))
        return;
    if (names->count == names->room) {
        names->room = names->room ? names->room * 2 : FIRST_NAMES;
        names->v = mem_resize(names->v, names->room, sizeof(*names->v));
    }
    names->v[names->count++] = arena_keep(&w->arena, name);
}

void question_init(struct question *q)
{
    *q = (struct question){0};
    buf_init(&q->key, BUF_TEXT_BOUND);
}

void question_fini(struct question *q)
{
    mem_free(q->facts);
    buf_fini(&q->key);
}

/* ---- the key ---- */

enum { KEY_TEXTS = 10 };

/* What one key is made of, before its room is known. */
struct key_parts {
    struct slice v[KEY_TEXTS];
    unsigned count;
    size_t bytes;
};

static void want_text(struct key_parts *p, bool asked, struct slice text)
{
    if (!asked)
        return;
    p->v[p->count++] = text;
    p->bytes += sizeof(uint32_t) + text.len;
}

/* A length before every text: no two lists of texts have the same bytes. */
static char *write_text(char *at, struct slice text)
{
    uint32_t len = (uint32_t)text.len;
    memcpy(at, &len, sizeof(len));
    if (text.len)
        memcpy(at + sizeof(len), text.at, text.len);
    return at + sizeof(len) + text.len;
}

static size_t pair_bytes(const struct question_names *names, const struct attrs_header *pairs, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (wants_name(names, pairs[i].name))
            bytes += 2 * sizeof(uint32_t) + pairs[i].name.len + pairs[i].value.len;
    return bytes;
}

static char *write_pairs(char *at, const struct question_names *names, const struct attrs_header *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (wants_name(names, pairs[i].name))
            at = write_text(write_text(at, pairs[i].name), pairs[i].value);
    return at;
}

void question_key(struct question *q, const struct question_wants *w, const struct attrs *attrs)
{
    struct key_parts p = {.count = 0, .bytes = 1};
    size_t headers = w->asked[QUESTION_HEADER] ? attrs->header_count : 0;
    size_t claims = w->asked[QUESTION_CLAIM] ? attrs->claim_count : 0;
    want_text(&p, w->any_peer, attrs->peer);
    want_text(&p, w->any_path, attrs->path);
    want_text(&p, w->asked[QUESTION_SERVICE], attrs->service);
    want_text(&p, w->asked[QUESTION_OP], attrs->operation);
    want_text(&p, w->asked[QUESTION_METHOD], attrs->method);
    want_text(&p, w->asked[QUESTION_JOB], attrs->job);
    want_text(&p, w->asked[QUESTION_VERDICT], attrs->verdict);
    want_text(&p, w->asked[QUESTION_CONTRACT], attrs->contract_name);
    want_text(&p, w->asked[QUESTION_CONTRACT], attrs->contract_version);
    size_t of_headers = pair_bytes(&w->headers, attrs->headers, headers);
    size_t bytes = p.bytes + sizeof(of_headers) + of_headers + pair_bytes(&w->claims, attrs->claims, claims);
    char *at;
    buf_clear(&q->key);
    PRE(buf_room(&q->key, bytes, &at) == ERR_OK);
    *at++ = w->asked[QUESTION_PROBE] && attrs->probe;
    for (unsigned i = 0; i < p.count; i++)
        at = write_text(at, p.v[i]);
    memcpy(at, &of_headers, sizeof(of_headers)); /* where headers end and claims begin */
    at = write_pairs(at + sizeof(of_headers), &w->headers, attrs->headers, headers);
    (void)write_pairs(at, &w->claims, attrs->claims, claims);
    buf_wrote(&q->key, bytes);
}

/* ---- the facts ---- */

static void add(struct question *q, struct question_fact fact)
{
    if (q->count == q->room) {
        q->room = q->room ? q->room * 2 : FIRST_FACTS;
        q->facts = mem_resize(q->facts, q->room, sizeof(*q->facts));
    }
    q->facts[q->count++] = fact;
}

static void add_text(struct question *q, const struct question_wants *w, enum question_kind kind, struct slice text)
{
    if (w->asked[kind] && text.len)
        add(q, (struct question_fact){.kind = kind, .columns = 1, .text = {text}});
}

static void add_pair(struct question *q, const struct question_wants *w, enum question_kind kind, struct slice first,
                     struct slice second)
{
    if (w->asked[kind] && first.len)
        add(q, (struct question_fact){.kind = kind, .columns = 2, .text = {first, second}});
}

static void add_peer(struct question *q, const struct question_wants *w, struct slice peer)
{
    add_text(q, w, QUESTION_PEER, peer);
    if (!w->asked[QUESTION_PEER_DOMAIN] && !w->asked[QUESTION_PEER_PATH])
        return;
    struct spiffe_id id;
    const char *why;
    struct slice namespace, account;
    if (spiffe_parse(peer, &id, &why) != ERR_OK)
        return;
    add_text(q, w, QUESTION_PEER_DOMAIN, id.trust_domain);
    if (spiffe_ns_sa(&id, &namespace, &account))
        add_pair(q, w, QUESTION_PEER_PATH, namespace, account);
}

static void add_segments(struct question *q, const struct question_wants *w, struct slice path)
{
    struct slice text;
    int64_t place = 0;
    if (!w->asked[QUESTION_SEGMENT])
        return;
    while (slice_split(&path, '/', &text))
        if (text.len)
            add(q, (struct question_fact){.kind = QUESTION_SEGMENT, .columns = 2, .number = place++, .text = {text}});
}

static void add_pairs(struct question *q, const struct question_wants *w, enum question_kind kind,
                      const struct question_names *names, const struct attrs_header *pairs, size_t count)
{
    for (size_t i = 0; w->asked[kind] && i < count; i++)
        if (wants_name(names, pairs[i].name))
            add_pair(q, w, kind, pairs[i].name, pairs[i].value);
}

void question_fill(struct question *q, const struct question_wants *w, const struct attrs *attrs)
{
    q->count = 0;
    add_peer(q, w, attrs->peer);
    add_text(q, w, QUESTION_SERVICE, attrs->service);
    add_text(q, w, QUESTION_OP, attrs->operation);
    add_text(q, w, QUESTION_METHOD, attrs->method);
    add_text(q, w, QUESTION_PATH, attrs->path);
    add_segments(q, w, attrs->path);
    add_pairs(q, w, QUESTION_HEADER, &w->headers, attrs->headers, attrs->header_count);
    add_pairs(q, w, QUESTION_CLAIM, &w->claims, attrs->claims, attrs->claim_count);
    add_text(q, w, QUESTION_JOB, attrs->job);
    if (attrs->probe && w->asked[QUESTION_PROBE])
        add(q, (struct question_fact){.kind = QUESTION_PROBE});
    add_text(q, w, QUESTION_VERDICT, attrs->verdict);
    add_pair(q, w, QUESTION_CONTRACT, attrs->contract_name, attrs->contract_version);
}

void question_state(const struct question *q, const struct question_wants *w, struct datalog_run *run)
{
    for (size_t i = 0; i < q->count; i++) {
        const struct question_fact *f = &q->facts[i];
        datalog_word columns[2] = {0};
        size_t texts = 0;
        for (unsigned c = 0; c < f->columns; c++)
            columns[c] = f->kind == QUESTION_SEGMENT && c == 0 ? f->number : datalog_symbol(run, f->text[texts++]);
        datalog_fact(run, w->relation[f->kind], columns);
    }
}
