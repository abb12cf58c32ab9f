#include "cli/ca_folder.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"

enum { PEM_BYTES = 1 << 16, TOKEN_BYTES = 32, TOKEN_FILE_BYTES = CA_FOLDER_ID + 64 };

void ca_folder_path(const char *dir, const char *name, char out[CA_FOLDER_PATH])
{
    snprintf(out, CA_FOLDER_PATH, "%s/%s", dir, name);
}

enum err ca_folder_open(const char *dir, struct ca_folder *out)
{
    char path[CA_FOLDER_PATH];
    struct ca_folder f = {.dir = dir};
    buf_init(&f.cert, PEM_BYTES);
    buf_init(&f.key, PEM_BYTES);
    ca_folder_path(dir, "ca.pem", path);
    enum err e = file_read(path, &f.cert);
    ca_folder_path(dir, "ca.key", path);
    if (e == ERR_OK)
        e = file_read(path, &f.key);
    if (e != ERR_OK) {
        ca_folder_fini(&f);
        return ERR_INPUT;
    }
    *out = f;
    return ERR_OK;
}

void ca_folder_fini(struct ca_folder *f)
{
    if (f->key.mem)
        memset(f->key.mem, 0, f->key.cap);
    buf_fini(&f->cert);
    buf_fini(&f->key);
}

/* By its digest: who reads the folder learns no token. */
static void token_path(const char *dir, struct slice token, char out[CA_FOLDER_PATH])
{
    struct hash_digest d = hash_sha256(token);
    struct buf hex;
    buf_init(&hex, 2 * sizeof(d) + 1);
    hash_put_hex(&hex, slice_of(&d, sizeof(d)));
    snprintf(out, CA_FOLDER_PATH, "%s/tokens/%.*s", dir, SLICE_FMT(buf_slice(&hex)));
    buf_fini(&hex);
}

enum err ca_folder_token(const char *dir, struct slice id, int64_t until_us, char out[CA_FOLDER_TOKEN + 1])
{
    char path[CA_FOLDER_PATH];
    uint8_t chance[TOKEN_BYTES];
    struct buf text, line;
    ca_folder_path(dir, "tokens", path);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return ERR_IO;
    hash_random(chance, sizeof(chance));
    buf_init(&text, CA_FOLDER_TOKEN);
    buf_init(&line, TOKEN_FILE_BYTES);
    hash_put_base64url(&text, slice_of(chance, sizeof(chance)));
    buf_putf(&line, "%lld %.*s\n", (long long)until_us, SLICE_FMT(id));
    token_path(dir, buf_slice(&text), path);
    enum err e = file_write(path, buf_slice(&line), 0600);
    memcpy(out, buf_slice(&text).at, CA_FOLDER_TOKEN);
    out[CA_FOLDER_TOKEN] = '\0';
    buf_fini(&text);
    buf_fini(&line);
    return e == ERR_OK ? ERR_OK : ERR_IO;
}

static enum err read_line(struct slice text, int64_t now_us, struct buf *id)
{
    uint64_t until_us;
    size_t space;
    struct slice line;
    if (!slice_split(&text, '\n', &line) || !slice_find(line, ' ', &space) ||
        slice_u64(slice_to(line, space), INT64_MAX, &until_us) != ERR_OK || (int64_t)until_us <= now_us)
        return ERR_DENIED;
    buf_put(id, slice_from(line, space + 1));
    return ERR_OK;
}

enum err ca_folder_take(const char *dir, struct slice token, int64_t now_us, struct buf *id)
{
    char path[CA_FOLDER_PATH];
    struct buf line;
    if (token.len != CA_FOLDER_TOKEN)
        return ERR_DENIED;
    token_path(dir, token, path);
    buf_init(&line, TOKEN_FILE_BYTES);
    enum err e = file_read(path, &line);
    /* One unlink succeeds, however many try. */
    if (e == ERR_OK)
        e = unlink(path) == 0 ? read_line(buf_slice(&line), now_us, id) : ERR_DENIED;
    buf_fini(&line);
    return e == ERR_OK ? ERR_OK : ERR_DENIED;
}
