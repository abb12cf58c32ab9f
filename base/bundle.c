#include "base/bundle.h"

#include "base/doc.h"
#include "base/hash.h"

enum { CERT_BYTES = 64 << 10, REFRESH_MOST = 365 * 86400 };

/* One text being read. */
struct reading {
    const char *file;
    struct slice text;
    struct arena *arena;
    struct diag *diag;
    struct bundle *out;
};

static enum err complain(const struct reading *r, const struct doc_node *at, const char *fix, const char *what)
{
    struct diag_place place = {.file = r->file, .text = r->text, .line = at->line, .column = at->column};
    diag_add(r->diag, DIAG_ERROR, &place, fix, "%s", what);
    return ERR_INPUT;
}

bool bundle_is_json(struct slice text)
{
    size_t i = 0;
    while (i < text.len && strchr(" \t\r\n", text.at[i]))
        i++;
    return i < text.len && text.at[i] == '{';
}

/* RFC 7517 section 4.7: base64, not base64url.  Told by turning it into the other alphabet. */
static enum err decode(const struct reading *r, struct slice base64, struct slice *out)
{
    if (base64.len == 0 || base64.len % 4 != 0 || base64.len > CERT_BYTES)
        return ERR_INPUT;
    char *url = arena_new(r->arena, base64.len), *der = arena_new(r->arena, base64.len);
    size_t len = base64.len, used;
    for (unsigned pad = 0; pad < 2 && base64.at[len - 1] == '='; pad++)
        len--;
    for (size_t i = 0; i < len; i++) {
        char c = base64.at[i];
        if (c == '-' || c == '_')
            return ERR_INPUT;
        url[i] = c == '+' ? '-' : c == '/' ? '_' : c;
    }
    TRY(hash_base64url(slice_of(url, len), der, base64.len, &used));
    *out = slice_of(der, used);
    return ERR_OK;
}

/* Section 4.2.2: exactly the first entry of x5c, and no key ID. */
static enum err read_authority(struct reading *r, const struct doc_node *key)
{
    const struct doc_node *chain = doc_get(key, "x5c");
    if (doc_get(key, "kid"))
        return complain(r, key, "leave kid out", "a key for certificates has no kid");
    if (!chain || chain->kind != DOC_LIST || chain->count != 1 || chain->first->kind != DOC_STRING)
        return complain(r, chain ? chain : key, "give one base64 certificate, \"x5c\": [\"MII...\"]",
                        "a key for certificates has exactly one certificate in x5c");
    if (r->out->authority_count == BUNDLE_AUTHORITIES)
        return complain(r, key, NULL, "over 64 authorities");
    if (decode(r, chain->first->text, &r->out->authorities[r->out->authority_count]) != ERR_OK)
        return complain(r, chain->first, NULL, "x5c is not base64 of a certificate");
    r->out->authority_count++;
    return ERR_OK;
}

/* Section 4.2: unknown types and uses are ignored, also a missing use. */
static enum err read_key(struct reading *r, const struct doc_node *key)
{
    if (key->kind != DOC_MAP)
        return complain(r, key, NULL, "a key is an object");
    const struct doc_node *kty = doc_get(key, "kty"), *use = doc_get(key, "use");
    if (!kty || kty->kind != DOC_STRING)
        return complain(r, key, NULL, "a key without kty");
    if (!use || use->kind != DOC_STRING || !slice_eq(use->text, SLICE("x509-svid")))
        return ERR_OK;
    if (!slice_eq(kty->text, SLICE("EC")) && !slice_eq(kty->text, SLICE("RSA")))
        return ERR_OK;
    return read_authority(r, key);
}

static enum err read_count(struct reading *r, const struct doc_node *root, const char *name, uint64_t most,
                           uint64_t *out)
{
    const struct doc_node *n = doc_get(root, name);
    if (!n)
        return ERR_OK;
    if (n->kind != DOC_NUMBER || slice_u64(n->text, most, out) != ERR_OK)
        return complain(r, n, NULL, "it is a whole number, 0 or more");
    return ERR_OK;
}

enum err bundle_read(struct slice text, const char *file, struct arena *arena, struct diag *diag, struct bundle *out)
{
    struct bundle bundle = {0};
    struct reading r = {.file = file, .text = text, .arena = arena, .diag = diag, .out = &bundle};
    struct doc_node *root;
    unsigned before = diag->errors;
    TRY(doc_parse(text, file, arena, diag, &root));
    const struct doc_node *keys = doc_get(root, "keys");
    if (!keys || keys->kind != DOC_LIST)
        return complain(&r, root, "a SPIFFE bundle is {\"keys\": [...]}", "it has no list of keys");
    enum err sequence = read_count(&r, root, "spiffe_sequence", UINT64_MAX, &bundle.sequence);
    enum err refresh = read_count(&r, root, "spiffe_refresh_hint", REFRESH_MOST, &bundle.refresh_s);
    for (const struct doc_node *key = keys->first; key; key = key->next)
        if (read_key(&r, key) != ERR_OK && diag->errors == before)
            return ERR_INPUT;
    if (sequence != ERR_OK || refresh != ERR_OK || diag->errors != before)
        return ERR_INPUT;
    *out = bundle;
    return ERR_OK;
}
