#include "identity/identity_conf.h"

#include "base/stamp.h"
#include "identity/workload.h"
#include "policy/spiffe.h"

#define AT(member) .offset = offsetof(struct identity_conf, member)

static const struct conf_key ca_keys[] = {
    {.name = "address",
     .type = CONF_ADDRESS,
     AT(ca.address),
     .doc = "weft ca serve, which is asked for a new leaf at two thirds of the old one's life; unset: nobody is"},
    {.name = "identity",
     .type = CONF_STRING,
     AT(ca.identity),
     .doc = "the SPIFFE ID that must answer there, as spiffe://example.org/weft/ca"},
    {.name = "token",
     .type = CONF_PATH,
     AT(ca.token),
     .doc = "a file with a token (weft ca token), for the first leaf, while there is no identity.cert"},
    {0},
};

const struct conf_key identity_conf_keys[] = {
    {.name = "cert", .type = CONF_PATH, AT(cert), .doc = "our certificate, PEM, leaf first"},
    {.name = "key", .type = CONF_PATH, AT(key), .doc = "its private key, PEM, readable by us alone"},
    {.name = "trust",
     .type = CONF_PATH_PAIRS,
     AT(trust),
     .doc = "trust domain: file of its authorities, PEM or a SPIFFE bundle (JSON)"},
    {.name = "workload",
     .type = CONF_STRING,
     AT(workload),
     .doc = "instead of cert and key: a SPIFFE Workload API, as unix:///run/spire/agent.sock; it has bundles, too"},
    {.name = "crl", .type = CONF_PATHS, AT(crl), .doc = "revocation lists of those authorities, PEM or DER"},
    {.name = "ca", .type = CONF_TABLE, .sub = ca_keys, .doc = "the authority that renews our certificate"},
    {0},
};

/* ---- what goes together ---- */

static void complain(const struct conf_node *root, const char *fix, struct diag *diag, const char *what)
{
    const struct conf_node *node = conf_get(root, "identity");
    diag_add(diag, DIAG_ERROR, node ? &node->key_place : &root->place, fix, "%s", what);
}

static void check_source(const struct conf_node *root, const struct identity_conf *c, struct diag *diag)
{
    const char *why;
    if (c->workload && (c->cert || c->key || c->ca.address))
        complain(root, "keep one of them", diag, "identity.workload stands beside cert, key or ca");
    if (c->workload && !workload_address_ok(slice_str(c->workload), &why))
        complain(root, why, diag, "identity.workload is no address");
    if (c->workload)
        return;
    if (!c->cert)
        complain(root, "our certificate, PEM, leaf first", diag, "`identity.cert` is required");
    if (!c->key)
        complain(root, "its private key, PEM, readable by us alone", diag, "`identity.key` is required");
    if (c->trust.count == 0)
        complain(root, "trust domain: file of its authorities", diag, "`identity.trust` is required");
}

void identity_conf_check(const struct conf_node *root, const struct identity_conf *c, struct diag *diag)
{
    struct spiffe_id id;
    const char *why;
    check_source(root, c, diag);
    if (c->ca.token && !c->ca.address)
        complain(root, "set identity.ca.address", diag, "a token, and nobody to show it to");
    if (!c->ca.address)
        return;
    if (!c->ca.identity)
        complain(root, "set identity.ca.identity, as spiffe://example.org/weft/ca", diag,
                 "who answers at identity.ca.address could be anybody");
    else if (spiffe_parse(slice_str(c->ca.identity), &id, &why) != ERR_OK)
        complain(root, why, diag, "identity.ca.identity is no SPIFFE ID");
}

/* ---- what it names ---- */

enum err identity_conf_load(const struct identity_conf *c, const struct creds_given *given, struct diag *diag,
                            struct creds **out)
{
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    struct creds_bundle *bundles = arena_array(&arena, c->trust.count + 1, sizeof(*bundles));
    for (size_t i = 0; i < c->trust.count; i++)
        bundles[i] = (struct creds_bundle){.trust_domain = c->trust.names[i], .path = c->trust.values[i]};
    struct creds_conf conf = {
        .cert = c->cert,
        .key = c->key,
        .bundles = bundles,
        .bundle_count = c->trust.count,
        .crls = c->crl.v,
        .crl_count = c->crl.count,
        .given = given,
        .judge = spiffe_judge,
    };
    enum err e = creds_load(&conf, diag, out);
    arena_fini(&arena);
    return e;
}

uint64_t identity_conf_stamp(uint64_t stamp, const struct identity_conf *c)
{
    if (c->cert)
        stamp = stamp_file(stamp, c->cert);
    if (c->key)
        stamp = stamp_file(stamp, c->key);
    for (size_t i = 0; i < c->trust.count; i++)
        stamp = stamp_file(stamp, c->trust.values[i]);
    for (size_t i = 0; i < c->crl.count; i++)
        stamp = stamp_file(stamp, c->crl.v[i]);
    return stamp;
}
