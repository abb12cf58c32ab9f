/* weft ca: a small certificate authority for development and small installations. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/issuer.h"
#include "base/now.h"
#include "base/sock.h"
#include "base/units.h"
#include "cli/args.h"
#include "cli/ca_folder.h"
#include "cli/cmd_ca_roll.h"
#include "cli/cmd_ca_serve.h"
#include "cli/commands.h"
#include "cli/show.h"
#include "policy/spiffe.h"

enum { PEM_BYTES = 1 << 16, LIST_BYTES = 16 << 20, CLOCK_SKEW_S = 60, PATH_ROOM = CA_FOLDER_PATH };

struct ca_flags {
    const char *dir, *out, *ttl, *listen;
    uint64_t days;
    bool force;
};

static const struct args_flag flags[] = {
    {.name = "dir",
     .letter = 'd',
     .type = ARGS_TEXT,
     .offset = offsetof(struct ca_flags, dir),
     .value = "DIR",
     .doc = "where the CA lives (default: ca)"},
    {.name = "out",
     .letter = 'o',
     .type = ARGS_TEXT,
     .offset = offsetof(struct ca_flags, out),
     .value = "NAME",
     .doc = "issue: writes NAME.pem and NAME.key (default: the last part of the ID)"},
    {.name = "ttl",
     .type = ARGS_TEXT,
     .offset = offsetof(struct ca_flags, ttl),
     .value = "DURATION",
     .doc = "how long the leaf (issue, serve, roll: 24h), the token (1h) or the list (revoke: 30d) is good"},
    {.name = "listen",
     .letter = 'l',
     .type = ARGS_TEXT,
     .offset = offsetof(struct ca_flags, listen),
     .value = "ADDRESS",
     .doc = "serve: where sidecars ask for leaves (default: 127.0.0.1:4760)"},
    {.name = "days",
     .type = ARGS_COUNT,
     .offset = offsetof(struct ca_flags, days),
     .value = "N",
     .doc = "init, roll: how long the root lives (default: 365)"},
    {.name = "force",
     .type = ARGS_SWITCH,
     .offset = offsetof(struct ca_flags, force),
     .doc = "init: replace the CA that is there; roll: do not wait"},
    {0},
};

static const struct args_command command = {
    .name = "weft ca",
    .words = "init TRUST-DOMAIN | issue SPIFFE-ID | bundle | revoke [CERT] | token SPIFFE-ID | serve | roll",
    .summary = "make a trust domain and short-lived SPIFFE leaves, serve them, take leaves back, and change the root",
    .flags = flags,
    .min_words = 1,
    .max_words = 2,
    .examples =
        "  weft ca init example.org --dir certs\n"
        "  weft ca issue spiffe://example.org/ns/shop/sa/orders --dir certs --out certs/orders --ttl 24h\n"
        "  weft ca bundle --dir certs        # the root's certificate, for trust:\n"
        "  weft ca revoke certs/orders.pem --dir certs   # into certs/ca.crl, for identity.crl\n"
        "  weft ca revoke --dir certs        # the same list again, with a new date\n"
        "  weft ca token spiffe://example.org/ns/shop/sa/orders --dir certs > orders.token   # good for one leaf\n"
        "  weft ca serve --dir certs --listen 10.0.0.2:4760 --ttl 1h   # identity.ca of sidecars names it\n"
        "  weft ca roll --dir certs --ttl 1h   # a new root, in three steps: each says when the next is due\n",
    .details = "Keys are written readable by you alone.  A leaf is renewed by issuing it again; sidecars see the new\n"
               "file within seconds.  serve: a sidecar with identity.ca renews its leaf by itself, the first one by a\n"
               "token; its key never leaves its host.  roll: every leaf brings the roots that are trusted, so a new "
               "one is known\n"
               "before it signs.  A revocation list that is out of date refuses everybody: renew "
               "it in time.\n"
               "Exit status: 0 done, 1 not done, 2 wrong arguments.\n",
};

static int fail(const char *what, const char *path)
{
    fprintf(stderr, "weft ca: %s %s: %s\n", what, path, strerror(errno));
    return 1;
}

static void in_dir(const struct ca_flags *f, const char *name, char out[PATH_ROOM])
{
    ca_folder_path(f->dir, name, out);
}

/* The key first: a certificate without its key would look finished. */
static int write_pair(const char *cert_path, const char *key_path, struct buf *cert, struct buf *key)
{
    if (file_write(key_path, buf_slice(key), 0600) != ERR_OK)
        return fail("cannot write", key_path);
    if (file_write(cert_path, buf_slice(cert), 0644) != ERR_OK)
        return fail("cannot write", cert_path);
    return 0;
}

static bool read_days(const struct ca_flags *f)
{
    if (f->days < 1 || f->days > 3650)
        fprintf(stderr, "weft ca: --days is 1 to 3650\n");
    return f->days >= 1 && f->days <= 3650;
}

static int init(const struct ca_flags *f, const char *trust_domain)
{
    char cert_path[PATH_ROOM], key_path[PATH_ROOM];
    in_dir(f, "ca.pem", cert_path);
    in_dir(f, "ca.key", key_path);
    if (!spiffe_trust_domain_ok(slice_str(trust_domain))) {
        fprintf(stderr, "weft ca: \"%s\" is no trust domain: use a-z 0-9 . - _ as in example.org\n", trust_domain);
        return 2;
    }
    if (!read_days(f))
        return 2;
    if (file_exists(key_path) && !f->force) {
        fprintf(stderr, "weft ca: %s is there already; --force replaces it and every leaf it signed stops working\n",
                key_path);
        return 1;
    }
    if (mkdir(f->dir, 0755) != 0 && errno != EEXIST)
        return fail("cannot make", f->dir);
    struct buf cert, key;
    buf_init(&cert, PEM_BYTES);
    buf_init(&key, PEM_BYTES);
    int status = 1;
    if (issuer_root(slice_str(trust_domain), (unsigned)f->days, &cert, &key) == ERR_OK)
        status = write_pair(cert_path, key_path, &cert, &key);
    if (status == 0)
        printf("%s: root of %s for %llu days\n%s: its key, keep it\n", cert_path, trust_domain,
               (unsigned long long)f->days, key_path);
    buf_fini(&cert);
    buf_fini(&key);
    return status;
}

static int sign(const struct ca_flags *f, const struct spiffe_id *id, int64_t ttl_us, const char *out)
{
    char root_path[PATH_ROOM], root_key_path[PATH_ROOM], cert_path[PATH_ROOM], key_path[PATH_ROOM];
    in_dir(f, "ca.pem", root_path);
    in_dir(f, "ca.key", root_key_path);
    snprintf(cert_path, sizeof(cert_path), "%s.pem", out);
    snprintf(key_path, sizeof(key_path), "%s.key", out);
    struct buf root, root_key, cert, key;
    buf_init(&root, PEM_BYTES);
    buf_init(&root_key, PEM_BYTES);
    buf_init(&cert, PEM_BYTES);
    buf_init(&key, PEM_BYTES);
    int64_t now = now_wall_us(&now_real);
    struct issuer_leaf leaf = {
        .id = id->whole,
        .not_before_us = now - (int64_t)CLOCK_SKEW_S * NOW_US_PER_S,
        .not_after_us = now + ttl_us,
    };
    int status = 1;
    if (file_read(root_path, &root) != ERR_OK || file_read(root_key_path, &root_key) != ERR_OK)
        fprintf(stderr, "weft ca: no CA in %s: run weft ca init TRUST-DOMAIN --dir %s\n", f->dir, f->dir);
    else if (issuer_sign(buf_slice(&root), buf_slice(&root_key), &leaf, &cert, &key) != ERR_OK)
        fprintf(stderr, "weft ca: %s or %s is not usable\n", root_path, root_key_path);
    else
        status = write_pair(cert_path, key_path, &cert, &key);
    if (status == 0) {
        char until[25];
        now_rfc3339(leaf.not_after_us, until);
        printf("%s: %.*s until %s\n", cert_path, SLICE_FMT(id->whole), until);
    }
    buf_fini(&root);
    buf_fini(&root_key);
    buf_fini(&cert);
    buf_fini(&key);
    return status;
}

static bool read_id(const char *text, struct spiffe_id *id)
{
    const char *why = "it needs a path, as in spiffe://example.org/ns/shop/sa/orders";
    *id = (struct spiffe_id){0};
    if (spiffe_parse(slice_str(text), id, &why) == ERR_OK && id->path.len > 0)
        return true;
    fprintf(stderr, "weft ca: \"%s\" is no SPIFFE ID of a workload: %s\n", text, why);
    return false;
}

static bool read_ttl(const struct ca_flags *f, const char *preset, int64_t *ttl_us)
{
    if (units_duration_us(slice_str(f->ttl ? f->ttl : preset), ttl_us) == ERR_OK && *ttl_us >= NOW_US_PER_S)
        return true;
    fprintf(stderr, "weft ca: --ttl %s: write a duration such as 30s, 24h, 7d\n", f->ttl);
    return false;
}

static int token(const struct ca_flags *f, const char *text)
{
    struct spiffe_id id;
    struct ca_folder folder;
    int64_t ttl_us;
    char secret[CA_FOLDER_TOKEN + 1], domain[256] = "";
    if (!read_id(text, &id) || !read_ttl(f, "1h", &ttl_us))
        return 2;
    if (ca_folder_open(f->dir, &folder) != ERR_OK) {
        fprintf(stderr, "weft ca: no CA in %s: run weft ca init TRUST-DOMAIN --dir %s\n", f->dir, f->dir);
        return 1;
    }
    enum err e = issuer_domain(buf_slice(&folder.cert), domain, sizeof(domain));
    ca_folder_fini(&folder);
    if (e != ERR_OK || !slice_eq(slice_str(domain), id.trust_domain)) {
        fprintf(stderr, "weft ca: the CA in %s is of \"%s\" and signs for no other trust domain\n", f->dir, domain);
        return 1;
    }
    if (ca_folder_token(f->dir, id.whole, now_wall_us(&now_real) + ttl_us, secret) != ERR_OK)
        return fail("cannot write a token in", f->dir);
    puts(secret);
    return 0;
}

static int serve(const struct ca_flags *f)
{
    struct cmd_ca_serve conf = {.dir = f->dir, .listen = f->listen ? f->listen : "127.0.0.1:4760"};
    struct sock_addr addr;
    const char *why;
    if (!read_ttl(f, "24h", &conf.ttl_us))
        return 2;
    if (sock_parse(slice_str(conf.listen), &addr, &why) != ERR_OK) {
        fprintf(stderr, "weft ca: --listen %s: %s\n", conf.listen, why);
        return 2;
    }
    return cmd_ca_serve(&conf);
}

static int roll(const struct ca_flags *f)
{
    struct cmd_ca_roll conf = {.dir = f->dir, .days = (unsigned)f->days, .force = f->force};
    return read_days(f) && read_ttl(f, "24h", &conf.ttl_us) ? cmd_ca_roll(&conf) : 2;
}

static int issue(const struct ca_flags *f, const char *text)
{
    struct spiffe_id id;
    int64_t ttl_us;
    if (!read_id(text, &id) || !read_ttl(f, "24h", &ttl_us))
        return 2;
    const char *last = strrchr(text, '/') + 1;
    return sign(f, &id, ttl_us, f->out ? f->out : last);
}

static int write_list(const struct ca_flags *f, const char *path, enum err e, const struct buf *list, int64_t next_us)
{
    char until[25];
    if (e != ERR_OK) {
        fprintf(stderr, "weft ca: %s\n",
                e == ERR_DENIED ? "the CA of this folder has not signed that certificate"
                                : "the certificate, the list or the CA is not usable PEM");
        return 1;
    }
    if (file_write(path, buf_slice(list), 0644) != ERR_OK)
        return fail("cannot write", path);
    now_rfc3339(next_us, until);
    printf("%s: holds until %s; name it in identity.crl, and run weft ca revoke --dir %s before that\n", path, until,
           f->dir);
    return 0;
}

static int revoke(const struct ca_flags *f, const char *cert_path)
{
    char root_path[PATH_ROOM], root_key_path[PATH_ROOM], list_path[PATH_ROOM];
    in_dir(f, "ca.pem", root_path);
    in_dir(f, "ca.key", root_key_path);
    in_dir(f, "ca.crl", list_path);
    int64_t ttl_us, now = now_wall_us(&now_real);
    if (units_duration_us(slice_str(f->ttl ? f->ttl : "30d"), &ttl_us) != ERR_OK || ttl_us < NOW_US_PER_S) {
        fprintf(stderr, "weft ca: --ttl %s: write a duration such as 12h, 30d\n", f->ttl);
        return 2;
    }
    struct buf root, root_key, before, cert, list;
    buf_init(&root, PEM_BYTES);
    buf_init(&root_key, PEM_BYTES);
    buf_init(&before, LIST_BYTES);
    buf_init(&cert, PEM_BYTES);
    buf_init(&list, LIST_BYTES);
    int status = 1;
    if (file_read(root_path, &root) != ERR_OK || file_read(root_key_path, &root_key) != ERR_OK)
        fprintf(stderr, "weft ca: no CA in %s: run weft ca init TRUST-DOMAIN --dir %s\n", f->dir, f->dir);
    else if (cert_path && file_read(cert_path, &cert) != ERR_OK)
        fprintf(stderr, "weft ca: cannot read %s\n", cert_path);
    else if (file_exists(list_path) && file_read(list_path, &before) != ERR_OK)
        fprintf(stderr, "weft ca: cannot read %s\n", list_path);
    else
        status = write_list(f, list_path,
                            issuer_revoke(buf_slice(&root), buf_slice(&root_key), buf_slice(&before), buf_slice(&cert),
                                          now + ttl_us, &list),
                            &list, now + ttl_us);
    buf_fini(&root);
    buf_fini(&root_key);
    buf_fini(&before);
    buf_fini(&cert);
    buf_fini(&list);
    return status;
}

static int bundle(const struct ca_flags *f)
{
    char path[PATH_ROOM];
    in_dir(f, "ca.pem", path);
    struct buf text;
    buf_init(&text, PEM_BYTES);
    enum err e = file_read(path, &text);
    if (e == ERR_OK)
        show_buf(stdout, &text);
    else
        fprintf(stderr, "weft ca: no CA in %s\n", f->dir);
    buf_fini(&text);
    return e == ERR_OK ? 0 : 1;
}

int cmd_ca(int argc, char **argv)
{
    struct ca_flags f = {.dir = "ca", .days = 365};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    struct slice verb = slice_str(words[0]);
    if (slice_eq(verb, SLICE("bundle")) && count == 1)
        return bundle(&f);
    if (slice_eq(verb, SLICE("serve")) && count == 1)
        return serve(&f);
    if (slice_eq(verb, SLICE("roll")) && count == 1)
        return roll(&f);
    if (slice_eq(verb, SLICE("token")) && count == 2)
        return token(&f, words[1]);
    if (slice_eq(verb, SLICE("revoke")))
        return revoke(&f, count == 2 ? words[1] : NULL);
    if (slice_eq(verb, SLICE("init")) && count == 2)
        return init(&f, words[1]);
    if (slice_eq(verb, SLICE("issue")) && count == 2)
        return issue(&f, words[1]);
    fprintf(stderr, "weft ca: expected %s (try weft ca --help)\n", command.words);
    return 2;
}
