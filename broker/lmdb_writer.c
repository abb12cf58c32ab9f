/* The good path: take what waits, run it in one transaction, commit without a flush; put
 * the rows it wrote at the end of the journal, with a flush; show it, move the orders to
 * `finished` and wake the loop.
 *
 * What can go wrong: no room (the map is at its most, or the disk is full): a checkpoint
 * lets go of pages that were kept for the base; then the batch runs again without its
 * submits, which are answered FULL, in a reserve that submits never use; when that is used
 * up, only what deletes is run.  A flush that fails: the kernel may have dropped the pages
 * and would go on as if nothing had happened, so we end the process.
 *
 * Why a loss of power undoes nothing that was finished: the base was flushed whole, the
 * reader at it keeps every page it needs, and each batch since is in the journal before it
 * is finished.  Whatever the disk has of later pages and meta pages is not looked at
 * (lmdb_journal). */
#include "broker/lmdb_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <time.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/lmdb_rows.h"

enum { ENTRY_KEPT = 256 << 10, IDLE_S = 1 };

struct batch {
    struct list orders;
    size_t count, submits, bytes;
    enum order_room room;
};

static void lock(pthread_mutex_t *m)
{
    PRE(pthread_mutex_lock(m) == 0);
}

static void unlock(pthread_mutex_t *m)
{
    PRE(pthread_mutex_unlock(m) == 0);
}

/* --- durable --- */

static void finish(struct lmdb_room *s, struct list *orders)
{
    lock(&s->lock);
    for (struct list *l = list_pop(orders); l; l = list_pop(orders))
        list_push_back(&s->finished, l);
    unlock(&s->lock);
    loop_wake_send(s->wake);
}

static void renew(struct MDB_txn *txn)
{
    int code = mdb_txn_renew(txn);
    if (code != 0)
        lmdb_rows_broken("beginning to read", code);
}

static void show_latest(struct lmdb_room *s)
{
    lock(&s->map_lock);
    mdb_txn_reset(s->shown);
    renew(s->shown);
    unlock(&s->map_lock);
}

static MDB_envinfo env_info(struct lmdb_room *s)
{
    MDB_envinfo info;
    int code = mdb_env_info(s->env, &info);
    if (code != 0)
        lmdb_rows_broken("asking for the last commit", code);
    return info;
}

void lmdb_writer_checkpoint(struct lmdb_room *s)
{
    int code = mdb_env_sync(s->env, 1);
    if (code != 0)
        lmdb_rows_broken("flushing", code);
    mdb_txn_reset(s->anchor);
    renew(s->anchor);
    code = lmdb_journal_rebase(s->journal);
    if (code != 0)
        lmdb_rows_broken("beginning the journal anew", code);
    MDB_envinfo info = env_info(s);
    s->base_commit = info.me_last_txnid;
    s->base_pages = info.me_last_pgno;
    lock(&s->lock);
    s->stats.flushes += 2;
    unlock(&s->lock);
    lmdb_rows_rest();
}

/* What the last commit wrote becomes durable. */
static void keep(struct lmdb_room *s)
{
    if (!lmdb_journal_fits(s->journal, buf_slice(&s->entry))) {
        lmdb_writer_checkpoint(s);
        return;
    }
    int code = lmdb_journal_add(s->journal, buf_slice(&s->entry));
    if (code != 0)
        lmdb_rows_broken("flushing the journal", code);
    lock(&s->lock);
    s->stats.flushes++;
    unlock(&s->lock);
    buf_clear(&s->entry);
    if (s->entry.cap > ENTRY_KEPT)
        buf_trim(&s->entry);
}

static bool is_far_from_base(struct lmdb_room *s)
{
    MDB_envinfo info = env_info(s);
    return info.me_last_txnid - s->base_commit >= s->conf.checkpoint ||
           info.me_last_pgno - s->base_pages >= LMDB_ROOM_PAGES;
}

/* --- room --- */

/* false: it is at its most. */
static bool grow_map(struct lmdb_room *s)
{
    if (s->map_size >= s->conf.max_map_size)
        return false;
    uint64_t twice = s->map_size * 2;
    s->map_size = twice < s->conf.max_map_size ? twice : s->conf.max_map_size;
    lmdb_writer_checkpoint(s);
    lock(&s->map_lock); /* nobody reads while it moves */
    mdb_txn_reset(s->shown);
    mdb_txn_reset(s->anchor);
    int code = mdb_env_set_mapsize(s->env, s->map_size);
    if (code != 0)
        lmdb_rows_broken("growing the map", code);
    renew(s->shown);
    renew(s->anchor);
    unlock(&s->map_lock);
    return true;
}

/* Blocks of the disk for what is used, what the batch brings, and the reserve: so that a disk that fills
 * up afterwards refuses no completion.  false: the disk is full.  A file system that cannot promise
 * blocks is taken at its word. */
static bool disk_has_room(struct lmdb_room *s, uint64_t bytes)
{
    mdb_filehandle_t fd;
    uint64_t want = s->used + bytes + LMDB_ROOM_RESERVE;
    if (want <= s->on_disk)
        return true;
    want = (want + LMDB_ROOM_LAST_RESERVE - 1) / LMDB_ROOM_LAST_RESERVE * LMDB_ROOM_LAST_RESERVE;
    int code = mdb_env_get_fd(s->env, &fd);
    if (code != 0)
        lmdb_rows_broken("asking for the file", code);
    if (fallocate(fd, 0, 0, (off_t)want) != 0 && lmdb_rows_no_room(errno))
        return false;
    s->on_disk = want;
    return true;
}

/* Grows the map while it must. */
static bool map_has_room(struct lmdb_room *s, uint64_t bytes)
{
    while (s->used + bytes > s->map_size)
        if (!grow_map(s))
            return false;
    return true;
}

/* Pages are copied on write and hold less than they could: twice the bytes is what a batch may take. */
static enum order_room room_for(struct lmdb_room *s, const struct batch *b)
{
    uint64_t bytes = 2 * b->bytes;
    if (!map_has_room(s, bytes + LMDB_ROOM_LAST_RESERVE))
        return ORDER_ROOM_DELETES;
    if (b->submits == 0)
        return ORDER_ROOM_ALL;
    bool fits = map_has_room(s, bytes + LMDB_ROOM_RESERVE) && disk_has_room(s, bytes);
    return fits ? ORDER_ROOM_ALL : ORDER_ROOM_NO_SUBMITS;
}

/* --- a batch --- */

static struct lmdb_rows begin_write(struct lmdb_room *s)
{
    struct lmdb_rows t = {.room = s, .entry = &s->entry};
    buf_clear(&s->entry);
    int code = mdb_txn_begin(s->env, NULL, 0, &t.txn);
    if (code != 0)
        lmdb_rows_broken("beginning to write", code);
    return t;
}

static enum err run_orders(struct lmdb_rows *t, const struct batch *b)
{
    for (struct list *l = b->orders.next; l != &b->orders; l = l->next) {
        struct order *o = LIST_OF(l, struct order, link);
        o->room = b->room;
        TRY(order_run(o, &lmdb_rows_ops, t));
    }
    return ERR_OK;
}

/* 0, or the code for which nothing of it was written: there was no room. */
static int commit(struct lmdb_room *s, struct batch *b)
{
    struct lmdb_rows t = begin_write(s);
    enum err e = run_orders(&t, b);
    if (e != ERR_OK) {
        mdb_txn_abort(t.txn);
    } else {
        s->used = lmdb_rows_used(&t);
        /* It ends the transaction in either case. */
        e = lmdb_rows_outcome(&t, mdb_txn_commit(t.txn));
    }
    if (e != ERR_OK && !lmdb_rows_no_room(t.code))
        lmdb_rows_broken("committing", t.code);
    return e == ERR_OK ? 0 : t.code;
}

static void count(struct lmdb_room *s, const struct batch *b, bool wrote)
{
    lock(&s->lock);
    s->stats.changes += b->count;
    s->stats.commits += wrote;
    s->stats.used_bytes = s->used;
    if (b->submits > 0 || b->room == ORDER_ROOM_DELETES)
        s->stats.full = b->room != ORDER_ROOM_ALL;
    unlock(&s->lock);
}

/* A commit that has changed no row has no number of its own. */
static bool has_written(struct lmdb_room *s)
{
    uint64_t last = env_info(s).me_last_txnid;
    bool wrote = last != s->last_commit;
    s->last_commit = last;
    return wrote;
}

/* false: there is no more to be had. */
static bool make_room(struct lmdb_room *s, int code)
{
    if (env_info(s).me_last_txnid != s->base_commit) {
        lmdb_writer_checkpoint(s);
        return true;
    }
    return code == MDB_MAP_FULL && grow_map(s);
}

static void write_batch(struct lmdb_room *s, struct batch *b)
{
    b->room = room_for(s, b);
    for (int code = commit(s, b); code != 0; code = commit(s, b)) {
        if (make_room(s, code))
            continue;
        if (b->room == ORDER_ROOM_DELETES)
            lmdb_rows_broken("deleting to make room", code);
        b->room++;
    }
    bool wrote = has_written(s);
    if (wrote) {
        keep(s);
        show_latest(s);
    }
    count(s, b, wrote);
    finish(s, &b->orders);
    if (is_far_from_base(s))
        lmdb_writer_checkpoint(s);
}

/* A checkpoint that nobody waits for is one that nobody has to wait for later; and a start has nothing to play. */
static void checkpoint_idly(struct lmdb_room *s)
{
    unlock(&s->lock);
    lmdb_writer_checkpoint(s);
    mem_give_back();
    mem_forget_code();
    lock(&s->lock);
}

static struct timespec seconds_from_now(int seconds)
{
    struct timespec t;
    PRE(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    t.tv_sec += seconds;
    return t;
}

/* Nothing waits for company: what comes while a batch is flushed is the next one, so that batches grow with
 * the load, and with the time that the disk takes, by themselves. */
static void wait_for_work(struct lmdb_room *s)
{
    struct timespec until = seconds_from_now(IDLE_S);
    while (s->waiting_count == 0 && !s->ending) {
        if (lmdb_journal_held(s->journal) == 0)
            PRE(pthread_cond_wait(&s->more, &s->lock) == 0);
        else if (pthread_cond_timedwait(&s->more, &s->lock, &until) != 0)
            checkpoint_idly(s);
    }
}

/* false: the end. */
static bool next_batch(struct lmdb_room *s, struct batch *b)
{
    *b = (struct batch){0};
    list_init(&b->orders);
    lock(&s->lock);
    wait_for_work(s);
    while (b->count < s->conf.batch && b->bytes < LMDB_ROOM_BATCH && !list_empty(&s->waiting)) {
        struct order *o = LIST_OF(list_pop(&s->waiting), struct order, link);
        list_push_back(&b->orders, &o->link);
        b->count++;
        b->submits += o->submit;
        b->bytes += o->size;
    }
    s->waiting_count -= b->count;
    s->waiting_bytes -= b->bytes;
    unlock(&s->lock);
    return b->count > 0;
}

static void *write_all(void *arg)
{
    struct lmdb_room *s = arg;
    for (struct batch b; next_batch(s, &b);)
        write_batch(s, &b);
    return NULL;
}

void lmdb_writer_start(struct lmdb_room *s)
{
    PRE(pthread_create(&s->writer, NULL, write_all, s) == 0);
    (void)pthread_setname_np(s->writer, "weft-store");
}

void lmdb_writer_stop(struct lmdb_room *s)
{
    lock(&s->lock);
    s->ending = true;
    PRE(pthread_cond_signal(&s->more) == 0);
    unlock(&s->lock);
    PRE(pthread_join(s->writer, NULL) == 0);
}

bool lmdb_writer_settle(struct lmdb_room *s)
{
    struct batch b;
    if (!next_batch(s, &b))
        return false;
    write_batch(s, &b);
    return true;
}
