#ifndef WEFT_CLI_CA_FOLDER_H
#define WEFT_CLI_CA_FOLDER_H

/* ca_folder - the folder of a small authority: its root, what it has revoked, and tokens that are good for one leaf
 * each.
 *
 *     ca.pem  ca.key  ca.crl  next.key  tokens/DIGEST
 *
 * The first root in ca.pem signs; another one behind it is trusted as well, while weft ca roll is under way.
 *
 * A token is 32 bytes that nobody can guess; the folder has only its digest, with the SPIFFE ID that it stands for
 * and when it ends.  Whoever takes it has taken the file away, so of two who come with it one gets a leaf.
 *
 * Lifetime: caller's memory.  Blocking. */
#include "base/buf.h"

enum { CA_FOLDER_PATH = 4096, CA_FOLDER_TOKEN = 43, CA_FOLDER_ID = 2048 };

struct ca_folder {
    const char *dir;
    struct buf cert, key; /* of the root, PEM */
};

void ca_folder_path(const char *dir, const char *name, char out[CA_FOLDER_PATH]);
/* INPUT: there is no authority in it. */
MUST_USE enum err ca_folder_open(const char *dir, struct ca_folder *out);
void ca_folder_fini(struct ca_folder *f);

/* A new token for this ID, `CA_FOLDER_TOKEN` characters and a zero.  IO: errno says why. */
MUST_USE enum err ca_folder_token(const char *dir, struct slice id, int64_t until_us, char out[CA_FOLDER_TOKEN + 1]);
/* OK: it stands for `id`, now and never again.  DENIED: it stands for nobody, any more. */
MUST_USE enum err ca_folder_take(const char *dir, struct slice token, int64_t now_us, struct buf *id);

#endif
