#include "tests/kit/certs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/now.h"

enum { PEM_MAX = 64 << 10, ROOT_DAYS = 1, SCHEME = 9, SHAKES = 4 }; /* "spiffe://" */

struct certs *certs_new(void)
{
    struct certs *c = mem_new(sizeof(*c));

    (void)snprintf(c->dir, sizeof(c->dir), "/tmp/weft-certs.XXXXXX");
    PRE(mkdtemp(c->dir) != NULL);
    return c;
}

static void remove_files(const char *dir)
{
    DIR *d = opendir(dir);
    char path[CERTS_PATH + 256];

    PRE(d != NULL);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.')
            (void)unlink(path);
    }
    closedir(d);
}

void certs_free(struct certs **c)
{
    if (!*c)
        return;
    for (size_t i = 0; i < (*c)->root_count; i++) {
        buf_fini(&(*c)->roots[i].cert);
        buf_fini(&(*c)->roots[i].key);
    }
    remove_files((*c)->dir);
    (void)rmdir((*c)->dir);
    mem_free(*c);
    *c = NULL;
}

void certs_write(struct certs *c, const char *name, struct slice text, unsigned mode, char path[CERTS_PATH])
{
    (void)snprintf(path, CERTS_PATH, "%s/%s", c->dir, name);
    PRE(file_write(path, text, mode) == ERR_OK);
}

struct certs_root *certs_root_of(struct certs *c, const char *domain)
{
    char name[80], path[CERTS_PATH];

    for (size_t i = 0; i < c->root_count; i++)
        if (strcmp(c->roots[i].domain, domain) == 0)
            return &c->roots[i];
    PRE(c->root_count < CERTS_ROOTS);
    struct certs_root *r = &c->roots[c->root_count++];
    (void)snprintf(r->domain, sizeof(r->domain), "%s", domain);
    buf_init(&r->cert, PEM_MAX);
    buf_init(&r->key, PEM_MAX);
    PRE(issuer_root(slice_str(domain), ROOT_DAYS, &r->cert, &r->key) == ERR_OK);
    (void)snprintf(name, sizeof(name), "%s.bundle", domain);
    certs_write(c, name, buf_slice(&r->cert), 0644, path);
    memcpy(r->path, path, sizeof(path));
    return r;
}

struct issuer_leaf certs_leaf(const char *id)
{
    int64_t now = now_wall_us(&now_real), hour = INT64_C(3600) * NOW_US_PER_S;

    return (struct issuer_leaf){.id = slice_str(id), .not_before_us = now - hour, .not_after_us = now + hour};
}

void certs_sign(struct certs *c, const char *domain, const struct issuer_leaf *leaf, struct buf *cert, struct buf *key)
{
    struct certs_root *r = certs_root_of(c, domain);

    PRE(issuer_sign(buf_slice(&r->cert), buf_slice(&r->key), leaf, cert, key) == ERR_OK);
}

enum err certs_load(struct certs *c, struct slice cert, struct slice key, creds_judge_fn *judge, struct diag *diag,
                    struct creds **out)
{
    struct creds_bundle bundles[CERTS_ROOTS];
    char cert_path[CERTS_PATH], key_path[CERTS_PATH];

    for (size_t i = 0; i < c->root_count; i++)
        bundles[i] = (struct creds_bundle){.trust_domain = c->roots[i].domain, .path = c->roots[i].path};
    certs_write(c, "leaf.pem", cert, 0644, cert_path);
    certs_write(c, "leaf.key", key, 0600, key_path);
    struct creds_conf conf = {
        .cert = cert_path,
        .key = key_path,
        .bundles = bundles,
        .bundle_count = c->root_count,
        .judge = judge,
    };
    return creds_load(&conf, diag, out);
}

static void domain_of(const char *id, char domain[64])
{
    PRE(strncmp(id, "spiffe://", SCHEME) == 0);
    (void)snprintf(domain, 64, "%.*s", (int)strcspn(id + SCHEME, "/"), id + SCHEME);
}

struct creds *certs_good(struct certs *c, const char *id, creds_judge_fn *judge)
{
    struct issuer_leaf leaf = certs_leaf(id);
    struct creds *made = NULL;
    struct buf cert, key;
    struct diag diag;
    char domain[64];

    diag_init(&diag);
    buf_init(&cert, PEM_MAX);
    buf_init(&key, PEM_MAX);
    domain_of(id, domain);
    certs_sign(c, domain, &leaf, &cert, &key);
    PRE(certs_load(c, buf_slice(&cert), buf_slice(&key), judge, &diag, &made) == ERR_OK);
    buf_fini(&cert);
    buf_fini(&key);
    diag_fini(&diag);
    return made;
}

void certs_shake(struct creds_session *client, struct creds_session *server, SSL *ends[2])
{
    BIO *near, *far;

    PRE(BIO_new_bio_pair(&near, 0, &far, 0) == 1);
    ends[0] = creds_session_open(client, false);
    ends[1] = creds_session_open(server, true);
    SSL_set_bio(ends[0], near, near);
    SSL_set_bio(ends[1], far, far);
    for (int i = 0; i < SHAKES; i++) {
        (void)SSL_do_handshake(ends[0]);
        (void)SSL_do_handshake(ends[1]);
    }
    ERR_clear_error();
}

enum err certs_lax_judge(const struct creds_leaf *leaf, struct slice *trust_domain, const char **why)
{
    size_t end;

    if (leaf->uri_count != 1 || leaf->uris[0].len < SCHEME) {
        *why = "not one URI";
        return leaf->as_signer ? ERR_OK : ERR_DENIED;
    }
    *trust_domain = slice_from(leaf->uris[0], SCHEME);
    if (slice_find(*trust_domain, '/', &end))
        *trust_domain = slice_to(*trust_domain, end);
    return ERR_OK;
}
