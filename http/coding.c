#include "http/coding.h"

#include <zlib.h>

#include "base/check.h"
#include "base/mem.h"

/* zlib takes and tells what it is to read or write in windowBits. */
enum { WINDOW = 15, OUR_WINDOW = 13, GZIP_TOO = 16, OUR_MEMORY = 6, OUR_LEVEL = 4 };

struct coding_undo {
    z_stream z;
    enum coding coding;
    bool whole;   /* a member has just ended */
    bool waiting; /* zlib may have more to give without more to take */
    uint64_t in, out;
};

struct coding_redo {
    z_stream z;
};

static const char *const names[] = {
    [CODING_IDENTITY] = "identity", [CODING_GZIP] = "gzip", [CODING_DEFLATE] = "deflate", [CODING_OTHER] = "other"};

const char *coding_name(enum coding c)
{
    return names[c];
}

enum coding coding_of(struct slice field)
{
    struct slice f = slice_trim(field);
    if (f.len == 0 || slice_eq_nocase(f, SLICE("identity")))
        return CODING_IDENTITY;
    if (slice_eq_nocase(f, SLICE("gzip")) || slice_eq_nocase(f, SLICE("x-gzip")))
        return CODING_GZIP;
    return slice_eq_nocase(f, SLICE("deflate")) ? CODING_DEFLATE : CODING_OTHER;
}

/* ---- undoing ---- */

struct coding_undo *coding_undo_new(enum coding c)
{
    PRE(c == CODING_GZIP || c == CODING_DEFLATE);
    struct coding_undo *u = mem_new(sizeof(*u));
    u->coding = c;
    int made = inflateInit2(&u->z, c == CODING_GZIP ? WINDOW + GZIP_TOO : WINDOW);
    PRE(made == Z_OK);
    return u;
}

void coding_undo_free(struct coding_undo **u)
{
    struct coding_undo *undo = *u;
    *u = NULL;
    if (!undo)
        return;
    inflateEnd(&undo->z);
    mem_free(undo);
}

static bool out_of_proportion(const struct coding_undo *u)
{
    return u->out > CODING_FREE && u->out / CODING_TIMES > u->in;
}

/* One step of zlib into `out`. */
static enum err inflate_some(struct coding_undo *u, struct slice *in, struct buf *out)
{
    char *room;
    TRY(buf_room(out, CODING_PIECE, &room));
    u->z.next_in = (Bytef *)(uintptr_t)in->at;
    u->z.avail_in = (uInt)in->len;
    u->z.next_out = (Bytef *)room;
    u->z.avail_out = CODING_PIECE;
    int said = inflate(&u->z, Z_NO_FLUSH);
    size_t used = in->len - u->z.avail_in, made = CODING_PIECE - u->z.avail_out;
    buf_wrote(out, made);
    *in = slice_from(*in, used);
    u->in += used;
    u->out += made;
    u->waiting = u->z.avail_out == 0;
    u->whole = said == Z_STREAM_END;
    return said == Z_OK || said == Z_STREAM_END || (said == Z_BUF_ERROR && used == 0 && made == 0) ? ERR_OK : ERR_PEER;
}

enum err coding_undo(struct coding_undo *u, struct slice *in, struct buf *out)
{
    if (in->len == 0 && !u->waiting)
        return ERR_OK;
    /* gzip members may follow each other (RFC 1952 section 2.2). */
    if (u->whole && in->len) {
        if (u->coding != CODING_GZIP || inflateReset(&u->z) != Z_OK)
            return ERR_PEER;
        u->whole = false;
    }
    if (u->whole)
        return ERR_OK;
    TRY(inflate_some(u, in, out));
    if (out_of_proportion(u))
        return ERR_FULL;
    return in->len || u->waiting ? ERR_AGAIN : ERR_OK;
}

enum err coding_undo_end(const struct coding_undo *u)
{
    return u->whole ? ERR_OK : ERR_PEER;
}

/* ---- doing again ---- */

struct coding_redo *coding_redo_new(enum coding c)
{
    PRE(c == CODING_GZIP || c == CODING_DEFLATE);
    struct coding_redo *r = mem_new(sizeof(*r));
    int bits = c == CODING_GZIP ? OUR_WINDOW + GZIP_TOO : OUR_WINDOW;
    int made = deflateInit2(&r->z, OUR_LEVEL, Z_DEFLATED, bits, OUR_MEMORY, Z_DEFAULT_STRATEGY);
    PRE(made == Z_OK);
    return r;
}

void coding_redo_free(struct coding_redo **r)
{
    struct coding_redo *redo = *r;
    *r = NULL;
    if (!redo)
        return;
    deflateEnd(&redo->z);
    mem_free(redo);
}

static enum err deflate_all(struct coding_redo *r, struct slice in, int how, struct buf *out)
{
    r->z.next_in = (Bytef *)(uintptr_t)in.at;
    r->z.avail_in = (uInt)in.len;
    do {
        char *room;
        TRY(buf_room(out, CODING_PIECE, &room));
        r->z.next_out = (Bytef *)room;
        r->z.avail_out = CODING_PIECE;
        int said = deflate(&r->z, how);
        PRE(said == Z_OK || said == Z_STREAM_END || said == Z_BUF_ERROR);
        buf_wrote(out, CODING_PIECE - r->z.avail_out);
    } while (r->z.avail_out == 0);
    return ERR_OK;
}

enum err coding_redo(struct coding_redo *r, struct slice in, bool flush, struct buf *out)
{
    return in.len ? deflate_all(r, in, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH, out) : ERR_OK;
}

enum err coding_redo_end(struct coding_redo *r, struct buf *out)
{
    return deflate_all(r, SLICE(""), Z_FINISH, out);
}
