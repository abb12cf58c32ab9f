#include "cli/policy_request.h"

#include <stdio.h>

#include "base/mem.h"

enum { PAIRS_AT_FIRST = 8, KEYS_MOST = 32 };

void policy_request_init(struct policy_request *r)
{
    *r = (struct policy_request){0};
    arena_init(&r->arena, SIZE_MAX);
}

void policy_request_fini(struct policy_request *r)
{
    mem_free(r->headers.v);
    mem_free(r->claims.v);
    arena_fini(&r->arena);
    *r = (struct policy_request){0};
}

static struct slice lower(struct policy_request *r, struct slice name)
{
    char *at = arena_array(&r->arena, name.len + 1, 1);
    for (size_t i = 0; i < name.len; i++)
        at[i] = name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] - 'A' + 'a') : name.at[i];
    return slice_of(at, name.len);
}

static void add_pair(struct policy_pairs *p, struct slice name, struct slice value)
{
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : PAIRS_AT_FIRST;
        p->v = mem_resize(p->v, p->room, sizeof(*p->v));
    }
    p->v[p->count++] = (struct attrs_header){name, value};
}

static void add_header(struct policy_request *r, struct slice name, struct slice value)
{
    add_pair(&r->headers, lower(r, name), arena_keep(&r->arena, value));
    r->attrs.headers = r->headers.v;
    r->attrs.header_count = r->headers.count;
}

static void add_claim(struct policy_request *r, struct slice name, struct slice value)
{
    add_pair(&r->claims, arena_keep(&r->arena, name), arena_keep(&r->arena, value));
    r->attrs.claims = r->claims.v;
    r->attrs.claim_count = r->claims.count;
}

enum err policy_request_header(struct policy_request *r, struct slice text)
{
    size_t colon = text.len, equals = text.len;
    (void)slice_find(text, ':', &colon);
    (void)slice_find(text, '=', &equals);
    size_t at = colon < equals ? colon : equals;
    if (at == 0 || at == text.len)
        return ERR_INPUT;
    add_header(r, slice_trim(slice_to(text, at)), slice_trim(slice_from(text, at + 1)));
    return ERR_OK;
}

enum err policy_request_claim(struct policy_request *r, struct slice text)
{
    size_t equals;
    if (!slice_find(text, '=', &equals) || equals == 0)
        return ERR_INPUT;
    add_claim(r, slice_to(text, equals), slice_from(text, equals + 1));
    return ERR_OK;
}

void policy_request_contract(struct policy_request *r, struct slice text)
{
    size_t at = text.len;
    (void)slice_find_last(text, '@', &at);
    r->attrs.contract_name = arena_keep(&r->arena, slice_to(text, at));
    r->attrs.contract_version = arena_keep(&r->arena, slice_from(text, at + 1));
}

void policy_request_path(struct policy_request *r, struct slice raw)
{
    size_t mark;
    struct slice bare = slice_find(raw, '?', &mark) ? slice_to(raw, mark) : raw;
    r->bad_path = false;
    r->attrs.path = bare;
    if (bare.len == 0 || slice_eq(bare, SLICE("*")))
        return;
    char *room = arena_array(&r->arena, bare.len + 2, 1);
    r->bad_path = attrs_path(bare, room, bare.len + 2, &r->attrs.path) != ERR_OK;
}

void policy_request_operation(struct policy_request *r, const struct contract *c)
{
    if (!c || r->attrs.operation.len || r->bad_path)
        return;
    int op = contract_match(c, r->attrs.method, r->attrs.path);
    if (op >= 0)
        r->attrs.operation = contract_operation_name(c, (size_t)op);
}

/* ---- as YAML ---- */

struct text_key {
    const char *name;
    size_t offset;
};

static const struct text_key text_keys[] = {
    {"peer", offsetof(struct attrs, peer)},       {"service", offsetof(struct attrs, service)},
    {"op", offsetof(struct attrs, operation)},    {"method", offsetof(struct attrs, method)},
    {"job", offsetof(struct attrs, job)},         {"verdict", offsetof(struct attrs, verdict)},
    {"path", offsetof(struct attrs, path)},       {"contract", offsetof(struct attrs, contract_name)},
    {"headers", offsetof(struct attrs, headers)}, {"probe", offsetof(struct attrs, probe)},
    {"claims", offsetof(struct attrs, claims)},
};
enum { TEXT_KEYS = sizeof(text_keys) / sizeof(text_keys[0]) };

static enum err complain(const struct doc_node *at, const struct diag_place *file, struct diag *diag, const char *fix,
                         const char *what)
{
    struct diag_place place = *file;
    place.line = at->key_line ? at->key_line : at->line;
    place.column = 1;
    diag_add(diag, DIAG_ERROR, &place, fix, "%.*s: %s", SLICE_FMT(at->key), what);
    return ERR_INPUT;
}

static enum err unknown_key(const struct doc_node *n, const char *const *others, const struct diag_place *file,
                            struct diag *diag)
{
    const char *names[KEYS_MOST];
    size_t count = 0;
    for (size_t i = 0; i < TEXT_KEYS; i++)
        names[count++] = text_keys[i].name;
    for (size_t i = 0; others[i] && count < KEYS_MOST; i++)
        names[count++] = others[i];
    const char *nearest = diag_nearest(n->key, names, count);
    char fix[64];
    (void)snprintf(fix, sizeof(fix), "did you mean %s?", nearest ? nearest : "");
    return complain(n, file, diag, nearest ? fix : NULL, "unknown key");
}

static bool is_scalar(const struct doc_node *n)
{
    return n->kind == DOC_STRING || n->kind == DOC_NUMBER || n->kind == DOC_BOOL;
}

static enum err read_headers(struct policy_request *r, const struct doc_node *n, const struct diag_place *file,
                             struct diag *diag)
{
    if (n->kind != DOC_MAP)
        return complain(n, file, diag, "headers: {name: value}", "names and values are expected");
    for (const struct doc_node *h = n->first; h; h = h->next) {
        if (!is_scalar(h))
            return complain(h, file, diag, NULL, "a header's value is one text");
        add_header(r, h->key, h->text);
    }
    return ERR_OK;
}

/* One value or several, as facts. */
static enum err read_claims(struct policy_request *r, const struct doc_node *n, const struct diag_place *file,
                            struct diag *diag)
{
    if (n->kind != DOC_MAP)
        return complain(n, file, diag, "claims: {scope: [read, write]}", "names and values are expected");
    for (const struct doc_node *c = n->first; c; c = c->next) {
        if (is_scalar(c))
            add_claim(r, c->key, c->text);
        else if (c->kind != DOC_LIST)
            return complain(c, file, diag, NULL, "a claim's value is one text or a list of them");
        for (const struct doc_node *v = c->kind == DOC_LIST ? c->first : NULL; v; v = v->next)
            add_claim(r, c->key, v->text);
    }
    return ERR_OK;
}

static enum err read_key(struct policy_request *r, const struct doc_node *n, const char *const *others,
                         const struct diag_place *file, struct diag *diag)
{
    for (size_t i = 0; others[i]; i++)
        if (slice_eq(n->key, slice_str(others[i])))
            return ERR_OK;
    if (slice_eq(n->key, SLICE("headers")))
        return read_headers(r, n, file, diag);
    if (slice_eq(n->key, SLICE("claims")))
        return read_claims(r, n, file, diag);
    if (slice_eq(n->key, SLICE("probe"))) {
        r->attrs.probe = slice_eq(n->text, SLICE("true"));
        return n->kind == DOC_BOOL ? ERR_OK : complain(n, file, diag, NULL, "true or false is expected");
    }
    size_t k = 0;
    while (k < TEXT_KEYS && !slice_eq(n->key, slice_str(text_keys[k].name)))
        k++;
    if (k == TEXT_KEYS)
        return unknown_key(n, others, file, diag);
    if (!is_scalar(n))
        return complain(n, file, diag, NULL, "one text is expected");
    if (slice_eq(n->key, SLICE("path")))
        policy_request_path(r, n->text);
    else if (slice_eq(n->key, SLICE("contract")))
        policy_request_contract(r, n->text);
    else
        *(struct slice *)(void *)((char *)&r->attrs + text_keys[k].offset) = n->text;
    return ERR_OK;
}

enum err policy_request_read(struct policy_request *r, const struct doc_node *map, const char *const *others,
                             const struct diag_place *file, struct diag *diag)
{
    enum err worst = ERR_OK;
    for (const struct doc_node *n = map->first; n; n = n->next)
        if (read_key(r, n, others, file, diag) != ERR_OK)
            worst = ERR_INPUT;
    return worst;
}
