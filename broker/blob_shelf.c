/* The good path of a write: pieces go to the thread, which hashes and writes them; at the end
 * it flushes, tells the digest, renames and flushes the folder.
 *
 * What can go wrong: the disk is full or broken (the part is dropped, the writer is told);
 * the same content is there already (the part is dropped, and it is held); it is being taken
 * away just now (the thread takes it away first and names the new one then); the broker is
 * killed (a part is nobody's; a named file that no record needs goes at the next start). */
#include "broker/blob_shelf.h"

#include <errno.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/work.h"
#include "broker/blob_file.h"

/* One content. */
struct blob {
    uint8_t digest[HASH_SHA256_LEN];
    uint64_t size;
    size_t needed, asked, held;
    bool there;   /* named and flushed */
    bool leaving; /* the thread was told to take it away */
};

struct blob_shelf {
    struct loop *loop;
    char folder[BLOB_FILE_PATH];
    struct map blobs;
    struct blob_purse purse;
    struct work *writes, *reads;
    uint64_t next_part;
    struct blob_shelf_stats stats;
};

/* Threads are made when they are first needed. */
static void start_work(struct blob_shelf *s, struct work **w, const char *name, struct work_item *item)
{
    if (!*w)
        *w = work_new(s->loop, name);
    work_start(*w, item);
}

static void start_write(struct blob_shelf *s, struct work_item *item)
{
    start_work(s, &s->writes, "weft-blobs", item);
}

static void start_read(struct blob_shelf *s, struct work_item *item)
{
    start_work(s, &s->reads, "weft-blob-read", item);
}

/* --- blobs --- */

static struct slice digest_of(const struct blob *b)
{
    return slice_of(b->digest, sizeof(b->digest));
}

static struct blob *find(const struct blob_shelf *s, struct slice digest)
{
    return map_get(&s->blobs, digest);
}

static struct blob *need_blob(struct blob_shelf *s, struct slice digest)
{
    struct blob *b = find(s, digest);
    if (b)
        return b;
    PRE(digest.len == HASH_SHA256_LEN);
    b = mem_new(sizeof(*b));
    memcpy(b->digest, digest.at, digest.len);
    map_put(&s->blobs, digest_of(b), b);
    return b;
}

static void set_there(struct blob_shelf *s, struct blob *b, bool there, uint64_t size)
{
    if (b->there) {
        s->stats.blobs--;
        s->stats.bytes -= b->size;
    }
    b->there = there;
    b->size = size;
    if (!there)
        return;
    s->stats.blobs++;
    s->stats.bytes += size;
}

static bool is_wanted(const struct blob *b)
{
    return b->needed || b->asked || b->held;
}

struct removal {
    struct work_item item;
    struct blob_shelf *shelf;
    uint8_t digest[HASH_SHA256_LEN];
    enum err e;
};

static void remove_run(struct work_item *item)
{
    struct removal *r = (struct removal *)(void *)((char *)item - offsetof(struct removal, item));
    r->e = blob_file_remove(r->shelf->folder, slice_of(r->digest, sizeof(r->digest)));
}

/* It may have come again meanwhile: then it is not leaving any more. */
static void remove_done(struct work_item *item, bool ran)
{
    struct removal *r = (struct removal *)(void *)((char *)item - offsetof(struct removal, item));
    struct blob *b = find(r->shelf, slice_of(r->digest, sizeof(r->digest)));
    if (!ran)
        remove_run(item);
    if (r->e != ERR_OK)
        log_event(LOG_WARN, "blob-unremoved", LOG_STR("folder", r->shelf->folder), LOG_STR("why", err_text(r->e)),
                  LOG_STR("so", "the next start tries again"));
    if (b && b->leaving && !is_wanted(b)) {
        map_del(&r->shelf->blobs, digest_of(b));
        mem_free(b);
    }
    mem_free(r);
}

/* Nobody wants it any more? */
static void collect(struct blob_shelf *s, struct blob *b)
{
    if (is_wanted(b) || b->leaving)
        return;
    struct removal *r = mem_new(sizeof(*r));
    *r = (struct removal){.item = {.run = remove_run, .done = remove_done}, .shelf = s};
    memcpy(r->digest, b->digest, sizeof(r->digest));
    set_there(s, b, false, 0);
    b->leaving = true;
    start_write(s, &r->item);
}

void blob_shelf_need(void *shelf, const struct store_need *need)
{
    struct blob_shelf *s = shelf;
    struct blob *b = need_blob(s, need->digest);
    switch (need->step) {
    case STORE_NEED_ASKED:
        b->asked++;
        break;
    case STORE_NEED_ANSWERED:
        PRE(b->asked > 0);
        b->asked--;
        break;
    case STORE_NEED_ADDED:
        b->needed++;
        blob_purse_add(&s->purse, need->caller, need->size);
        break;
    case STORE_NEED_DROPPED:
        PRE(b->needed > 0);
        b->needed--;
        blob_purse_sub(&s->purse, need->caller, need->size);
        break;
    }
    collect(s, b);
}

bool blob_shelf_has(const struct blob_shelf *s, struct slice digest)
{
    const struct blob *b = find(s, digest);
    return b && b->there;
}

void blob_shelf_hold(struct blob_shelf *s, struct slice digest)
{
    struct blob *b = find(s, digest);
    PRE(b);
    b->held++;
}

void blob_shelf_release(struct blob_shelf *s, struct slice digest)
{
    struct blob *b = find(s, digest);
    PRE(b && b->held > 0);
    b->held--;
    collect(s, b);
}

void blob_shelf_stats(const struct blob_shelf *s, struct blob_shelf_stats *out)
{
    *out = s->stats;
}

struct blob_purse *blob_shelf_purse(struct blob_shelf *s)
{
    return &s->purse;
}

/* --- start --- */

struct settling {
    struct blob_shelf *shelf;
    struct blob_shelf_count *count;
};

static void settle_one(void *arg, struct slice digest, uint64_t size)
{
    const struct settling *at = arg;
    struct blob *b = find(at->shelf, digest);
    if (b) {
        set_there(at->shelf, b, true, size);
        return;
    }
    enum err e = blob_file_remove(at->shelf->folder, digest);
    at->count->dropped += e == ERR_OK;
}

static void tell_missing(const struct blob_shelf *s, const struct blob *b)
{
    char path[BLOB_FILE_PATH];
    blob_file_path(path, s->folder, digest_of(b));
    log_event(LOG_ERROR, "blob-missing", LOG_STR("file", path), LOG_INT("jobs", (int64_t)b->needed),
              LOG_STR("so", "what needs it fails; a backup may have it"));
}

void blob_shelf_settle(struct blob_shelf *s, struct blob_shelf_count *out)
{
    size_t at = 0;
    *out = (struct blob_shelf_count){0};
    enum err e = blob_file_each(s->folder, settle_one, &(struct settling){s, out});
    if (e != ERR_OK)
        log_event(LOG_ERROR, "blobs-unread", LOG_STR("folder", s->folder), LOG_STR("why", strerror(errno)));
    for (struct blob *b = map_next(&s->blobs, &at); b; b = map_next(&s->blobs, &at)) {
        out->needed++;
        out->missing += !b->there;
        if (!b->there)
            tell_missing(s, b);
    }
}

/* --- writing --- */

enum write_step { STEP_OPEN, STEP_ADD, STEP_END, STEP_NAME, STEP_DROP };

struct blob_write {
    struct blob_shelf *shelf;
    const struct blob_write_owner *owner; /* NULL: cut */
    void *arg;
    uint64_t expected;
    enum { WRITING, ENDING, LEAVING } phase; /* LEAVING: the last step is under way */
    /* The thread's, from the first step to the last. */
    struct blob_file file;
    enum err e; /* of the first step that failed; the others do nothing then */
    struct hash_digest digest;
};

struct write_work {
    struct work_item item;
    struct blob_write *write;
    enum write_step step;
    size_t len;
    char bytes[];
};

static struct write_work *work_of(struct work_item *item)
{
    return (struct write_work *)(void *)((char *)item - offsetof(struct write_work, item));
}

static void write_run(struct work_item *item)
{
    struct write_work *k = work_of(item);
    struct blob_write *w = k->write;
    if (k->step == STEP_DROP) {
        blob_file_drop(&w->file);
        return;
    }
    if (w->e != ERR_OK)
        return;
    switch (k->step) {
    case STEP_OPEN:
        w->e = blob_file_begin(&w->file, w->shelf->folder, w->file.number, w->expected);
        break;
    case STEP_ADD:
        w->e = blob_file_add(&w->file, slice_of(k->bytes, k->len));
        break;
    case STEP_END:
        w->e = blob_file_end(&w->file, &w->digest);
        break;
    case STEP_NAME:
        w->e = blob_file_name(&w->file, &w->digest);
        break;
    case STEP_DROP:
        break;
    }
}

static void write_done(struct work_item *item, bool ran);

static void start_step(struct blob_write *w, enum write_step step, struct slice bytes)
{
    struct write_work *k = mem_new(sizeof(*k) + bytes.len);
    *k =
        (struct write_work){.item = {.run = write_run, .done = write_done}, .write = w, .step = step, .len = bytes.len};
    if (bytes.len)
        memcpy(k->bytes, bytes.at, bytes.len);
    start_write(w->shelf, &k->item);
}

/* Told once; a failed one is dropped afterwards. */
static void tell_kept(struct blob_write *w, enum err e)
{
    const struct blob_write_owner *owner = w->owner;
    w->owner = NULL;
    if (e != ERR_OK)
        log_event(LOG_WARN, "blob-unwritten", LOG_STR("folder", w->shelf->folder), LOG_STR("why", err_text(e)));
    if (owner)
        owner->kept(w->arg, e, &w->digest, w->file.size);
    else if (e == ERR_OK)
        blob_shelf_release(w->shelf, slice_of(w->digest.b, sizeof(w->digest.b)));
}

static void drop(struct blob_write *w)
{
    w->phase = LEAVING;
    start_step(w, STEP_DROP, (struct slice){0});
}

/* The content is known now.  One that is there already is used, and the part is not. */
static void ended(struct blob_write *w)
{
    struct blob *b = need_blob(w->shelf, slice_of(w->digest.b, sizeof(w->digest.b)));
    b->held++;
    if (!b->there) {
        b->leaving = false; /* if it is, the thread does that before this */
        start_step(w, STEP_NAME, (struct slice){0});
        return;
    }
    tell_kept(w, ERR_OK);
    drop(w);
}

static void named(struct blob_write *w)
{
    struct blob *b = find(w->shelf, slice_of(w->digest.b, sizeof(w->digest.b)));
    if (w->e == ERR_OK)
        set_there(w->shelf, b, true, w->file.size);
    enum err e = w->e;
    if (e != ERR_OK)
        blob_shelf_release(w->shelf, digest_of(b));
    tell_kept(w, e);
    drop(w);
}

static void write_done(struct work_item *item, bool ran)
{
    struct write_work *k = work_of(item);
    struct blob_write *w = k->write;
    if (!ran && w->e == ERR_OK)
        w->e = ERR_CLOSED;
    if (k->step == STEP_DROP) {
        blob_file_drop(&w->file); /* again, where the thread has ended before it */
        mem_free(w);
    } else if (k->step == STEP_NAME) {
        named(w);
    } else if (w->phase == LEAVING) {
        (void)0; /* its end is on the way */
    } else if (w->e != ERR_OK) {
        tell_kept(w, w->e);
        drop(w);
    } else if (k->step == STEP_END && !w->owner) {
        drop(w);
    } else if (k->step == STEP_END) {
        ended(w);
    } else if (k->step == STEP_ADD && w->owner) {
        w->owner->wrote(w->arg, k->len);
    }
    mem_free(k);
}

struct blob_write *blob_shelf_write(struct blob_shelf *s, uint64_t size, const struct blob_write_owner *owner,
                                    void *arg)
{
    struct blob_write *w = mem_new(sizeof(*w));
    *w = (struct blob_write){.shelf = s, .owner = owner, .arg = arg, .expected = size};
    w->file.number = ++s->next_part;
    w->file.fd = -1;
    start_step(w, STEP_OPEN, (struct slice){0});
    return w;
}

void blob_shelf_add(struct blob_write *w, struct slice bytes)
{
    PRE(w->owner);
    if (bytes.len && w->phase == WRITING)
        start_step(w, STEP_ADD, bytes);
}

void blob_shelf_end(struct blob_write *w)
{
    PRE(w->owner);
    if (w->phase != WRITING)
        return;
    w->phase = ENDING;
    start_step(w, STEP_END, (struct slice){0});
}

/* One whose end is under way comes to it by itself. */
void blob_shelf_cut(struct blob_write **write)
{
    struct blob_write *w = *write;
    *write = NULL;
    if (!w)
        return;
    w->owner = NULL;
    if (w->phase == WRITING)
        drop(w);
}

/* --- reading --- */

struct blob_read {
    struct blob_shelf *shelf;
    blob_read_fn *fn; /* NULL: cut */
    void *arg;
    uint8_t digest[HASH_SHA256_LEN];
    uint64_t asked, end; /* to where pieces were asked for */
    size_t under_way;
    /* The thread's, while pieces are under way. */
    int fd;
    enum err e;
    bool proves;
    struct hash_running hash;
};

struct read_work {
    struct work_item item;
    struct blob_read *read;
    uint64_t at;
    size_t len;
    enum err e;
    char bytes[];
};

static struct read_work *read_work_of(struct work_item *item)
{
    return (struct read_work *)(void *)((char *)item - offsetof(struct read_work, item));
}

static enum err prove(struct blob_read *r, const struct read_work *k)
{
    if (!r->proves)
        return ERR_OK;
    hash_add(&r->hash, slice_of(k->bytes, k->len));
    if (k->at + k->len < r->end)
        return ERR_OK;
    struct hash_digest d = hash_end(&r->hash);
    return hash_same(d.b, r->digest, sizeof(d.b)) ? ERR_OK : ERR_PEER;
}

static void read_run(struct work_item *item)
{
    struct read_work *k = read_work_of(item);
    struct blob_read *r = k->read;
    if (r->e == ERR_OK && r->fd < 0)
        r->e = blob_file_open(r->shelf->folder, slice_of(r->digest, sizeof(r->digest)), &r->fd);
    if (r->e == ERR_OK)
        r->e = blob_file_read(r->fd, k->at, k->bytes, k->len);
    if (r->e == ERR_OK)
        r->e = prove(r, k);
    k->e = r->e;
}

static void read_free(struct blob_read *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    blob_shelf_release(r->shelf, slice_of(r->digest, sizeof(r->digest)));
    mem_free(r);
}

static void read_done(struct work_item *item, bool ran)
{
    struct read_work *k = read_work_of(item);
    struct blob_read *r = k->read;
    if (r->fn)
        r->fn(r->arg, ran ? k->e : ERR_CLOSED, k->e == ERR_OK ? slice_of(k->bytes, k->len) : (struct slice){0});
    r->under_way--; /* not before: it may be cut in there */
    if (!r->fn && r->under_way == 0)
        read_free(r);
    mem_free(k);
}

struct blob_read *blob_shelf_read(struct blob_shelf *s, const struct record_blob *blob, uint64_t at, uint64_t end,
                                  blob_read_fn *fn, void *arg)
{
    struct blob_read *r = mem_new(sizeof(*r));
    *r = (struct blob_read){.shelf = s, .fn = fn, .arg = arg, .asked = at, .end = end, .fd = -1};
    memcpy(r->digest, blob->digest.at, sizeof(r->digest));
    r->proves = at == 0 && end == blob->size;
    hash_begin(&r->hash);
    blob_shelf_hold(s, blob->digest);
    return r;
}

void blob_shelf_next(struct blob_read *r, size_t n)
{
    PRE(r->fn && n <= r->end - r->asked);
    struct read_work *k = mem_new(sizeof(*k) + n);
    *k = (struct read_work){
        .item = {.run = read_run, .done = read_done}, .read = r, .at = r->asked, .len = n, .e = ERR_CLOSED};
    r->asked += n;
    r->under_way++;
    start_read(r->shelf, &k->item);
}

void blob_shelf_stop(struct blob_read **read)
{
    struct blob_read *r = *read;
    *read = NULL;
    if (!r)
        return;
    r->fn = NULL;
    if (r->under_way == 0)
        read_free(r);
}

/* --- lifecycle --- */

enum err blob_shelf_open(struct loop *l, const char *folder, struct blob_shelf **out, const char **why)
{
    PRE(strlen(folder) < BLOB_FILE_PATH - BLOB_FILE_NAME - 2);
    TRY(blob_file_prepare(folder, why));
    struct blob_shelf *s = mem_new(sizeof(*s));
    s->loop = l;
    memcpy(s->folder, folder, strlen(folder) + 1);
    *out = s;
    return ERR_OK;
}

void blob_shelf_close(struct blob_shelf **shelf)
{
    struct blob_shelf *s = *shelf;
    size_t at = 0;
    *shelf = NULL;
    if (!s)
        return;
    work_free(&s->reads);
    work_free(&s->writes);
    for (struct blob *b = map_next(&s->blobs, &at); b; b = map_next(&s->blobs, &at))
        mem_free(b);
    map_fini(&s->blobs);
    blob_purse_fini(&s->purse);
    mem_free(s);
}
