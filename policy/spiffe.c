#include "policy/spiffe.h"

enum { ID_MAX = 2048, DOMAIN_MAX = 255 };

static enum err no(const char **why, const char *sentence)
{
    *why = sentence;
    return ERR_INPUT;
}

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

bool spiffe_trust_domain_ok(struct slice td)
{
    for (size_t i = 0; i < td.len; i++)
        if (!is_lower(td.at[i]))
            return false;
    return td.len >= 1 && td.len <= DOMAIN_MAX;
}

/* Section 2.2: one sentence per way to be wrong, the rest is "a character". */
static enum err check_segment(struct slice s, const char **why)
{
    if (s.len == 0)
        return no(why, "the SPIFFE ID has an empty path segment");
    if (slice_eq(s, SLICE(".")) || slice_eq(s, SLICE("..")))
        return no(why, "the SPIFFE ID has a dot segment");
    for (size_t i = 0; i < s.len; i++)
        if (!is_lower(s.at[i]) && !is_upper(s.at[i]))
            return no(why, "the SPIFFE ID's path has a character other than letters, digits, '.', '-' and '_'");
    return ERR_OK;
}

static enum err check_path(struct slice path, const char **why)
{
    struct slice rest = slice_from(path, 1), segment;

    if (path.len == 0)
        return ERR_OK;
    if (slice_ends(path, SLICE("/")))
        return no(why, "the SPIFFE ID ends in a slash");
    while (slice_split(&rest, '/', &segment))
        TRY(check_segment(segment, why));
    return ERR_OK;
}

enum err spiffe_parse(struct slice text, struct spiffe_id *out, const char **why)
{
    size_t slash;

    if (text.len > ID_MAX)
        return no(why, "the SPIFFE ID is longer than 2048 bytes");
    if (!slice_starts(text, SLICE("spiffe://")))
        return no(why, "the URI does not begin with spiffe://");
    struct slice rest = slice_from(text, 9);
    if (!slice_find(rest, '/', &slash))
        slash = rest.len;
    struct slice domain = slice_to(rest, slash), path = slice_from(rest, slash);
    if (!spiffe_trust_domain_ok(domain))
        return no(why, "the trust domain is not 1 to 255 lower-case letters, digits, '.', '-' and '_'");
    TRY(check_path(path, why));
    *out = (struct spiffe_id){.whole = text, .trust_domain = domain, .path = path};
    return ERR_OK;
}

bool spiffe_ns_sa(const struct spiffe_id *id, struct slice *ns, struct slice *sa)
{
    struct slice rest = slice_from(id->path, 1), piece[5];
    size_t n = 0;

    while (n < 5 && slice_split(&rest, '/', &piece[n]))
        n++;
    if (n != 4 || !slice_eq(piece[0], SLICE("ns")) || !slice_eq(piece[2], SLICE("sa")))
        return false;
    *ns = piece[1];
    *sa = piece[3];
    return true;
}

static enum err denied(const char **why, const char *sentence)
{
    *why = sentence;
    return ERR_DENIED;
}

/* X509-SVID section 4.3: a leaf signs nothing but handshakes. */
static enum err judge_leaf_usage(const struct creds_leaf *leaf, const char **why)
{
    if (leaf->is_ca)
        return denied(why, "an authority's certificate may not authenticate (cA is true)");
    if (!leaf->has_key_usage)
        return denied(why, "no key usage");
    if (leaf->key_cert_sign)
        return denied(why, "key usage has keyCertSign");
    if (leaf->crl_sign)
        return denied(why, "key usage has cRLSign");
    if (!leaf->digital_signature)
        return denied(why, "key usage lacks digitalSignature");
    if (!leaf->key_usage_critical)
        return denied(why, "key usage is not critical");
    if (leaf->has_eku && !(leaf->eku_server && leaf->eku_client))
        return denied(why, "extended key usage lacks serverAuth or clientAuth");
    if (leaf->subject_empty && !leaf->san_critical)
        return denied(why, "the subject is empty and the alternative name not critical");
    return ERR_OK;
}

static enum err judge_leaf(const struct creds_leaf *leaf, struct slice *trust_domain, const char **why)
{
    struct spiffe_id id;

    if (leaf->uri_count == 0)
        return denied(why, "no SPIFFE ID");
    if (leaf->uri_count > 1)
        return denied(why, "more than one URI");
    if (spiffe_parse(leaf->uris[0], &id, why) != ERR_OK)
        return ERR_DENIED;
    if (id.path.len == 0)
        return denied(why, "the SPIFFE ID names a whole trust domain (no path)");
    TRY(judge_leaf_usage(leaf, why));
    *trust_domain = id.trust_domain;
    return ERR_OK;
}

/* X509-SVID section 3.2 and 4.1: what signs may be nameless, but never carries a path. */
static enum err judge_signer(const struct creds_leaf *leaf, struct slice *trust_domain, const char **why)
{
    struct spiffe_id id = {0};

    if (!leaf->is_ca)
        return denied(why, "it is no authority (cA is not true)");
    if (!leaf->key_cert_sign)
        return denied(why, "key usage lacks keyCertSign");
    if (leaf->uri_count > 1)
        return denied(why, "more than one URI");
    if (leaf->uri_count == 1 && spiffe_parse(leaf->uris[0], &id, why) != ERR_OK)
        return ERR_DENIED;
    if (id.path.len > 0)
        return denied(why, "an authority's SPIFFE ID has a path");
    *trust_domain = id.trust_domain;
    return ERR_OK;
}

enum err spiffe_judge(const struct creds_leaf *leaf, struct slice *trust_domain, const char **why)
{
    return leaf->as_signer ? judge_signer(leaf, trust_domain, why) : judge_leaf(leaf, trust_domain, why);
}
