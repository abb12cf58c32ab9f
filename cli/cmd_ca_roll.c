#include "cli/cmd_ca_roll.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/issuer.h"
#include "base/now.h"
#include "cli/ca_folder.h"

enum { PEM_BYTES = 1 << 16, LIST_BYTES = 16 << 20, LIVES_OF_A_LIST = 3 };

/* How many lives of a leaf a step waits for.  To know the new root, a leaf has to be renewed once.  To forget the old
 * one, whoever calls has to be renewed once more: a caller's connections are made anew with each of its leaves, and
 * last as long with the leaf that the other side had then. */
enum { TO_KNOW = 1, TO_FORGET = 2 };

struct roll {
    const struct cmd_ca_roll *conf;
    struct ca_folder folder;
    struct buf next_key; /* empty: there is none */
    char roots_path[CA_FOLDER_PATH], key_path[CA_FOLDER_PATH], next_path[CA_FOLDER_PATH], list_path[CA_FOLDER_PATH];
    struct slice first, second; /* certificates of ca.pem */
};

static int fail(const char *what, const char *path)
{
    fprintf(stderr, "weft ca: %s %s: %s\n", what, path, strerror(errno));
    return 1;
}

static void say_next(const struct roll *r, int lives, const char *what)
{
    char when[25];
    now_rfc3339(now_wall_us(&now_real) + lives * r->conf->ttl_us, when);
    printf("%s: %s\nrun weft ca roll --dir %s again after %s, when every leaf has been renewed\n", r->roots_path, what,
           r->conf->dir, when);
}

/* A step too soon after the last would refuse somebody. */
static bool is_early(const struct roll *r, int lives)
{
    struct stat st;
    char when[25];
    if (r->conf->force || stat(r->roots_path, &st) != 0)
        return false;
    int64_t from_us = (int64_t)st.st_mtim.tv_sec * NOW_US_PER_S + lives * r->conf->ttl_us;
    if (now_wall_us(&now_real) >= from_us)
        return false;
    now_rfc3339(from_us, when);
    fprintf(stderr,
            "weft ca: not before %s: leaves that know the old root only may live until then (--ttl says how long "
            "leaves live; --force does not wait, and whoever has not renewed is refused)\n",
            when);
    return true;
}

static int write_roots(const struct roll *r, struct slice first, struct slice second)
{
    struct buf both;
    buf_init(&both, 2 * PEM_BYTES);
    buf_put(&both, first);
    buf_put(&both, second);
    enum err e = file_write(r->roots_path, buf_slice(&both), 0644);
    buf_fini(&both);
    return e == ERR_OK ? 0 : fail("cannot write", r->roots_path);
}

/* ---- the steps ---- */

static int begin(const struct roll *r)
{
    struct buf cert, key;
    char domain[256];
    int status = 1;
    buf_init(&cert, PEM_BYTES);
    buf_init(&key, PEM_BYTES);
    if (issuer_domain(r->first, domain, sizeof(domain)) != ERR_OK ||
        issuer_root(slice_str(domain), r->conf->days, &cert, &key) != ERR_OK)
        fprintf(stderr, "weft ca: %s names no trust domain\n", r->roots_path);
    else if (file_write(r->next_path, buf_slice(&key), 0600) != ERR_OK)
        fail("cannot write", r->next_path);
    else
        status = write_roots(r, r->first, buf_slice(&cert));
    explicit_bzero(key.mem, key.cap);
    buf_fini(&cert);
    buf_fini(&key);
    if (status == 0)
        say_next(r, TO_KNOW, "has a second root, which comes to sidecars with their next leaf and signs nothing yet");
    return status;
}

/* What the old root has revoked stays so while its leaves live: its key is there for the last time. */
static int keep_list(const struct roll *r)
{
    struct buf before, list;
    int64_t until_us = now_wall_us(&now_real) + LIVES_OF_A_LIST * r->conf->ttl_us;
    int status = 0;
    if (!file_exists(r->list_path))
        return 0;
    buf_init(&before, LIST_BYTES);
    buf_init(&list, LIST_BYTES);
    if (file_read(r->list_path, &before) != ERR_OK ||
        issuer_revoke(r->first, buf_slice(&r->folder.key), buf_slice(&before), SLICE(""), until_us, &list) != ERR_OK ||
        file_write(r->list_path, buf_slice(&list), 0644) != ERR_OK)
        status = fail("cannot renew", r->list_path);
    buf_fini(&before);
    buf_fini(&list);
    return status;
}

static int take_key(const struct roll *r)
{
    if (rename(r->next_path, r->key_path) != 0)
        return fail("cannot rename", r->next_path);
    say_next(r, TO_FORGET, "the new root signs, the old one is still trusted");
    return 0;
}

static int change(const struct roll *r)
{
    if (is_early(r, TO_KNOW) || keep_list(r) != 0 || write_roots(r, r->second, r->first) != 0)
        return 1;
    return take_key(r);
}

static int finish(const struct roll *r)
{
    if (is_early(r, TO_FORGET) || write_roots(r, r->first, SLICE("")) != 0)
        return 1;
    printf("%s: the old root is forgotten\n", r->roots_path);
    return 0;
}

/* ---- which is next ---- */

static int step(struct roll *r)
{
    bool has_next = buf_len(&r->next_key) > 0;
    if (r->second.len == 0)
        return begin(r);
    if (issuer_fits(r->first, buf_slice(&r->folder.key)))
        return has_next && issuer_fits(r->second, buf_slice(&r->next_key)) ? change(r) : finish(r);
    if (has_next && issuer_fits(r->first, buf_slice(&r->next_key)))
        return take_key(r); /* this step was cut */
    fprintf(stderr, "weft ca: %s is not the key of the first root in %s\n", r->key_path, r->roots_path);
    return 1;
}

static void split_roots(struct roll *r)
{
    static const char end[] = "-----END CERTIFICATE-----\n";
    size_t at;
    r->first = buf_slice(&r->folder.cert);
    if (!slice_find_text(r->first, slice_str(end), &at))
        return;
    r->second = slice_from(r->first, at + sizeof(end) - 1);
    r->first = slice_to(r->first, at + sizeof(end) - 1);
}

int cmd_ca_roll(const struct cmd_ca_roll *conf)
{
    struct roll r = {.conf = conf};
    if (ca_folder_open(conf->dir, &r.folder) != ERR_OK) {
        fprintf(stderr, "weft ca: no CA in %s: run weft ca init TRUST-DOMAIN --dir %s\n", conf->dir, conf->dir);
        return 1;
    }
    ca_folder_path(conf->dir, "ca.pem", r.roots_path);
    ca_folder_path(conf->dir, "ca.key", r.key_path);
    ca_folder_path(conf->dir, "ca.crl", r.list_path);
    ca_folder_path(conf->dir, "next.key", r.next_path);
    buf_init(&r.next_key, PEM_BYTES);
    if (file_exists(r.next_path) && file_read(r.next_path, &r.next_key) != ERR_OK)
        buf_clear(&r.next_key);
    split_roots(&r);
    int status = step(&r);
    if (r.next_key.mem)
        explicit_bzero(r.next_key.mem, r.next_key.cap);
    buf_fini(&r.next_key);
    ca_folder_fini(&r.folder);
    return status;
}
