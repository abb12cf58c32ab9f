#include "broker/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/order.h"

/* The good path: the loop queues an order; the writer takes a batch, runs it in one transaction, commits
 * (two flushes: the pages, then the meta page), and moves the batch to `finished`; a wake makes the loop
 * answer it.  Reads are transactions of their own on the loop: pages in memory, no waiting for the writer.
 *
 * What can go wrong: no room (the map is at its most, or the disk is full): the batch runs again without
 * its submits, which are answered FULL, in a reserve that submits never use; when that is used up, only
 * what deletes is run.  A flush that fails: the kernel
 * may have dropped the pages and LMDB would go on as if nothing had happened, so we end the process. */

enum { GATHER_US = 500, BATCH = 128, KEY_MOST = 511 };
#define MIB (UINT64_C(1) << 20)
#define MAP_SIZE (64 * MIB)
#define MAP_MOST (UINT64_C(65536) * MIB)
#define RESERVE (8 * MIB)      /* for leases and completions */
#define LAST_RESERVE (1 * MIB) /* of that, for deletes: even they write pages before they free any */
#define BATCH_BYTES (2 * MIB)  /* a quarter of the reserve: no batch is too big for it */

struct store_lmdb {
    struct store base;
    struct store_lmdb_conf conf;
    int lock_fd;
    MDB_env *env;
    MDB_dbi dbi[ORDER_TABLES];
    MDB_txn *reader;
    /* Over the size of the map: it must not move while somebody reads. */
    pthread_mutex_t map_lock;
    struct loop_wake *wake;
    pthread_t writer;
    pthread_mutex_t lock; /* over all that follows */
    pthread_cond_t more;
    struct list waiting, finished;
    size_t waiting_count, waiting_bytes;
    bool ending;
    struct store_stats stats;
    /* The writer's alone. */
    uint64_t page_size, map_size, used, on_disk;
};

static struct store_lmdb *lmdb_of(struct store *s)
{
    return LIST_OF(s, struct store_lmdb, base);
}

static void lock(pthread_mutex_t *m)
{
    PRE(pthread_mutex_lock(m) == 0);
}

static void unlock(pthread_mutex_t *m)
{
    PRE(pthread_mutex_unlock(m) == 0);
}

/* Nothing is acknowledged after this: whoever waits for an answer gets none, and asks again. */
static _Noreturn void broken(const char *doing, int code)
{
    log_event(LOG_ERROR, "store-broken", LOG_STR("doing", doing), LOG_STR("why", mdb_strerror(code)),
              LOG_STR("did", "ended the process before anything more is acknowledged"));
    abort();
}

static bool no_room(int code)
{
    return code == MDB_MAP_FULL || code == ENOSPC || code == EDQUOT || code == EFBIG;
}

/* Rows of one transaction. */
struct txn {
    struct store_lmdb *s;
    MDB_txn *mdb;
    int code; /* of the last failure */
};

static MDB_val val_of(struct slice s)
{
    return (MDB_val){.mv_size = s.len, .mv_data = (void *)s.at};
}

static struct slice slice_of_val(MDB_val v)
{
    return slice_of(v.mv_data, v.mv_size);
}

static enum err outcome(struct txn *t, int code)
{
    if (code == 0)
        return ERR_OK;
    t->code = code;
    return no_room(code) ? ERR_FULL : ERR_IO;
}

static bool is_key(struct slice key)
{
    return key.len > 0 && key.len <= KEY_MOST;
}

static enum err get_row(void *txn, enum order_table table, struct slice key, struct slice *value)
{
    struct txn *t = txn;
    MDB_val k = val_of(key), v;
    if (!is_key(key))
        return ERR_ABSENT;
    int code = mdb_get(t->mdb, t->s->dbi[table], &k, &v);
    if (code == MDB_NOTFOUND)
        return ERR_ABSENT;
    if (code != 0)
        broken("reading a row", code);
    *value = slice_of_val(v);
    return ERR_OK;
}

static enum err put_row(void *txn, enum order_table table, struct slice key, struct slice value)
{
    struct txn *t = txn;
    MDB_val k = val_of(key), v = val_of(value);
    return outcome(t, mdb_put(t->mdb, t->s->dbi[table], &k, &v, 0));
}

static enum err del_row(void *txn, enum order_table table, struct slice key)
{
    struct txn *t = txn;
    MDB_val k = val_of(key);
    int code = mdb_del(t->mdb, t->s->dbi[table], &k, NULL);
    return outcome(t, code == MDB_NOTFOUND ? 0 : code);
}

/* One step of a cursor; ABSENT: past an end. */
static enum err move(MDB_cursor *c, MDB_cursor_op op, struct slice key, struct order_row *row)
{
    MDB_val k = val_of(key), v;
    int code = mdb_cursor_get(c, &k, &v, op);
    if (code == MDB_NOTFOUND)
        return ERR_ABSENT;
    if (code != 0)
        broken("walking the rows", code);
    *row = (struct order_row){slice_of_val(k), slice_of_val(v)};
    return ERR_OK;
}

static enum err to_first_above(MDB_cursor *c, struct slice key, struct order_row *row)
{
    if (key.len == 0)
        return move(c, MDB_FIRST, key, row);
    TRY(move(c, MDB_SET_RANGE, key, row));
    return slice_eq(row->key, key) ? move(c, MDB_NEXT, key, row) : ERR_OK;
}

static enum err to_last_below(MDB_cursor *c, struct slice key, struct order_row *row)
{
    if (key.len == 0 || move(c, MDB_SET_RANGE, key, row) == ERR_ABSENT)
        return move(c, MDB_LAST, key, row);
    return move(c, MDB_PREV, key, row);
}

static MDB_cursor *open_cursor(struct txn *t, enum order_table table)
{
    MDB_cursor *c;
    int code = mdb_cursor_open(t->mdb, t->s->dbi[table], &c);
    if (code != 0)
        broken("opening a cursor", code);
    return c;
}

static enum err next_row(void *txn, enum order_table table, struct slice key, struct order_row *row)
{
    MDB_cursor *c = open_cursor(txn, table);
    enum err e = to_first_above(c, key, row);
    mdb_cursor_close(c);
    return e;
}

static const struct order_rows rows_ops = {get_row, put_row, del_row, next_row};

/* Reading, on the loop. */

static struct txn begin_read(struct store_lmdb *s)
{
    lock(&s->map_lock);
    int code = mdb_txn_renew(s->reader);
    if (code != 0)
        broken("beginning to read", code);
    return (struct txn){.s = s, .mdb = s->reader};
}

static void end_read(struct txn *t)
{
    mdb_txn_reset(t->mdb);
    unlock(&t->s->map_lock);
}

static enum err read_row(struct store *base, enum order_table table, struct slice key, struct slice *value)
{
    struct slice found;
    struct txn t = begin_read(lmdb_of(base));
    enum err e = get_row(&t, table, key, &found);
    if (e == ERR_OK)
        *value = arena_keep(&base->reads, found);
    end_read(&t);
    return e;
}

static size_t walk(struct store *base, const struct order_walk *what, struct order_row *rows, size_t room)
{
    struct txn t = begin_read(lmdb_of(base));
    MDB_cursor *c = open_cursor(&t, what->table);
    struct order_row row;
    size_t count = 0;
    enum err e = what->back ? to_last_below(c, what->from, &row) : to_first_above(c, what->from, &row);
    for (; e == ERR_OK && count < room; count++) {
        rows[count] = (struct order_row){arena_keep(&base->reads, row.key), arena_keep(&base->reads, row.value)};
        e = move(c, what->back ? MDB_PREV : MDB_NEXT, row.key, &row);
    }
    mdb_cursor_close(c);
    end_read(&t);
    return count;
}

/* Writing, on the writer's thread. */

struct batch {
    struct list orders;
    size_t count, submits, bytes;
    enum order_room room;
};

static struct txn begin_write(struct store_lmdb *s)
{
    struct txn t = {.s = s};
    int code = mdb_txn_begin(s->env, NULL, 0, &t.mdb);
    if (code != 0)
        broken("beginning to write", code);
    return t;
}

/* Pages in use, all tables and the list of free ones; LMDB keeps the sums, so this costs nothing. */
static uint64_t used_bytes(struct txn *t)
{
    uint64_t used = 2 * t->s->page_size; /* the two meta pages */
    /* The first two tables are LMDB's own: free pages, and the names of ours. */
    for (unsigned i = 0; i < 2 + ORDER_TABLES; i++) {
        MDB_stat st;
        int code = mdb_stat(t->mdb, i < 2 ? i : t->s->dbi[i - 2], &st);
        if (code != 0)
            broken("counting pages", code);
        used += (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages) * st.ms_psize;
    }
    return used;
}

/* false: it is at its most. */
static bool grow_map(struct store_lmdb *s)
{
    if (s->map_size >= s->conf.max_map_size)
        return false;
    uint64_t twice = s->map_size * 2;
    s->map_size = twice < s->conf.max_map_size ? twice : s->conf.max_map_size;
    lock(&s->map_lock);
    int code = mdb_env_set_mapsize(s->env, s->map_size);
    unlock(&s->map_lock);
    if (code != 0)
        broken("growing the map", code);
    return true;
}

/* Blocks of the disk for what is used, what the batch brings, and the reserve: so that a disk that fills
 * up afterwards refuses no completion.  false: the disk is full.  A file system that cannot promise
 * blocks is taken at its word. */
static bool disk_has_room(struct store_lmdb *s, uint64_t bytes)
{
    mdb_filehandle_t fd;
    uint64_t want = s->used + bytes + RESERVE;
    if (want <= s->on_disk)
        return true;
    want = (want + RESERVE - 1) / RESERVE * RESERVE;
    int code = mdb_env_get_fd(s->env, &fd);
    if (code != 0)
        broken("asking for the file", code);
    if (fallocate(fd, 0, 0, (off_t)want) != 0 && no_room(errno))
        return false;
    s->on_disk = want;
    return true;
}

/* Grows the map while it must. */
static bool map_has_room(struct store_lmdb *s, uint64_t bytes)
{
    while (s->used + bytes > s->map_size)
        if (!grow_map(s))
            return false;
    return true;
}

/* Pages are copied on write and hold less than they could: twice the bytes is what a batch may take. */
static enum order_room room_for(struct store_lmdb *s, const struct batch *b)
{
    uint64_t bytes = 2 * b->bytes;
    if (!map_has_room(s, bytes + LAST_RESERVE))
        return ORDER_ROOM_DELETES;
    if (b->submits == 0)
        return ORDER_ROOM_ALL;
    return map_has_room(s, bytes + RESERVE) && disk_has_room(s, bytes) ? ORDER_ROOM_ALL : ORDER_ROOM_NO_SUBMITS;
}

static enum err run_orders(struct txn *t, const struct batch *b)
{
    for (struct list *l = b->orders.next; l != &b->orders; l = l->next) {
        struct order *o = LIST_OF(l, struct order, link);
        o->room = b->room;
        TRY(order_run(o, &rows_ops, t));
    }
    return ERR_OK;
}

/* 0, or the code for which nothing of it was written: there was no room. */
static int commit(struct store_lmdb *s, struct batch *b)
{
    struct txn t = begin_write(s);
    enum err e = run_orders(&t, b);
    if (e != ERR_OK) {
        mdb_txn_abort(t.mdb);
    } else {
        s->used = used_bytes(&t);
        /* It ends the transaction in either case. */
        e = outcome(&t, mdb_txn_commit(t.mdb));
    }
    if (e != ERR_OK && !no_room(t.code))
        broken("committing", t.code);
    return e == ERR_OK ? 0 : t.code;
}

static void write_batch(struct store_lmdb *s, struct batch *b)
{
    b->room = room_for(s, b);
    for (int code = commit(s, b); code != 0; code = commit(s, b)) {
        if (code == MDB_MAP_FULL && grow_map(s))
            continue;
        if (b->room == ORDER_ROOM_DELETES)
            broken("deleting to make room", code);
        b->room++;
    }
    lock(&s->lock);
    s->stats.changes += b->count;
    s->stats.commits++;
    s->stats.used_bytes = s->used;
    if (b->submits > 0 || b->room == ORDER_ROOM_DELETES)
        s->stats.full = b->room != ORDER_ROOM_ALL;
    unlock(&s->lock);
}

static struct timespec timespec_of(int64_t us)
{
    return (struct timespec){.tv_sec = us / NOW_US_PER_S, .tv_nsec = us % NOW_US_PER_S * 1000};
}

/* Until there is something to do and, if it is more than one, until its time to gather others is over.
 * A lone change does not wait: those that come while it is flushed are the next batch. */
static void wait_for_work(struct store_lmdb *s)
{
    while (s->waiting_count == 0 && !s->ending)
        PRE(pthread_cond_wait(&s->more, &s->lock) == 0);
    if (s->waiting_count < 2)
        return;
    struct timespec until = timespec_of(LIST_OF(s->waiting.next, struct order, link)->came_us + s->conf.gather_us);
    while (s->waiting_count < s->conf.batch && s->waiting_bytes < BATCH_BYTES && !s->ending)
        if (pthread_cond_timedwait(&s->more, &s->lock, &until) != 0)
            return;
}

/* false: the end. */
static bool next_batch(struct store_lmdb *s, struct batch *b)
{
    *b = (struct batch){0};
    list_init(&b->orders);
    lock(&s->lock);
    wait_for_work(s);
    while (b->count < s->conf.batch && b->bytes < BATCH_BYTES && !list_empty(&s->waiting)) {
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

static void finish_batch(struct store_lmdb *s, struct batch *b)
{
    lock(&s->lock);
    for (struct list *l = list_pop(&b->orders); l; l = list_pop(&b->orders))
        list_push_back(&s->finished, l);
    unlock(&s->lock);
    loop_wake_send(s->wake);
}

static void *write_all(void *arg)
{
    struct store_lmdb *s = arg;
    for (struct batch b; next_batch(s, &b);) {
        write_batch(s, &b);
        finish_batch(s, &b);
    }
    return NULL;
}

/* On the loop again. */

static void take_order(struct store *base, struct order *o)
{
    struct store_lmdb *s = lmdb_of(base);
    o->came_us = now_mono_us(&now_real);
    lock(&s->lock);
    list_push_back(&s->waiting, &o->link);
    s->waiting_count++;
    s->waiting_bytes += o->size;
    PRE(pthread_cond_signal(&s->more) == 0);
    unlock(&s->lock);
}

static struct order *pop_finished(struct store_lmdb *s)
{
    lock(&s->lock);
    struct list *l = list_pop(&s->finished);
    unlock(&s->lock);
    return l ? LIST_OF(l, struct order, link) : NULL;
}

static void answer_finished(void *arg)
{
    for (struct order *o = pop_finished(arg); o; o = pop_finished(arg)) {
        order_answer(o);
        order_free(&o);
    }
}

static void stats(const struct store *base, struct store_stats *out)
{
    struct store_lmdb *s = lmdb_of((struct store *)base);
    uint64_t damaged = out->damaged;
    lock(&s->lock);
    *out = s->stats;
    unlock(&s->lock);
    out->damaged = damaged;
}

static void stop_writer(struct store_lmdb *s)
{
    lock(&s->lock);
    s->ending = true;
    PRE(pthread_cond_signal(&s->more) == 0);
    unlock(&s->lock);
    PRE(pthread_join(s->writer, NULL) == 0);
}

static void free_store(struct store_lmdb *s)
{
    if (s->reader)
        mdb_txn_abort(s->reader);
    if (s->env)
        mdb_env_close(s->env);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    loop_wake_free(&s->wake);
    (void)pthread_cond_destroy(&s->more);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_mutex_destroy(&s->map_lock);
    store_end(&s->base);
    mem_free(s);
}

/* What the last answers ask for is answered too, hence the second look. */
static void close_lmdb(struct store *base)
{
    struct store_lmdb *s = lmdb_of(base);
    stop_writer(s);
    answer_finished(s);
    for (struct batch b; next_batch(s, &b);) {
        write_batch(s, &b);
        finish_batch(s, &b);
        answer_finished(s);
    }
    free_store(s);
}

static const struct store_ops ops = {
    .take = take_order,
    .read = read_row,
    .walk = walk,
    .stats = stats,
    .close = close_lmdb,
    .durability = "on this disk: an acknowledged job was flushed and survives a loss of power",
};

/* Opening. */

static enum err take_folder(struct store_lmdb *s, const char **why)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/broker.lock", s->conf.folder);
    *why = "the folder's name is too long";
    if (len < 0 || (size_t)len >= sizeof(path))
        return ERR_IO;
    *why = "the folder cannot be made";
    if (mkdir(s->conf.folder, 0700) != 0 && errno != EEXIST)
        return ERR_IO;
    *why = "the lock file in the folder cannot be opened";
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return ERR_IO;
    *why = "another broker uses this folder";
    return flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0 ? ERR_OK : ERR_IO;
}

static int open_env(struct store_lmdb *s)
{
    int code = mdb_env_create(&s->env);
    if (code == 0)
        code = mdb_env_set_maxdbs(s->env, ORDER_TABLES);
    if (code == 0)
        code = mdb_env_set_mapsize(s->env, s->conf.map_size);
    /* Transactions belong to objects, not to threads: the reader is reset and renewed. */
    return code == 0 ? mdb_env_open(s->env, s->conf.folder, MDB_NOTLS, 0600) : code;
}

static int open_tables(struct store_lmdb *s)
{
    static const char *const names[ORDER_TABLES] = {
        [ORDER_JOBS] = "jobs",           [ORDER_REQUESTS] = "requests",
        [ORDER_RESULTS] = "results",     [ORDER_CHECKPOINTS] = "checkpoints",
        [ORDER_EVENTS] = "events",       [ORDER_KEYS] = "keys",
        [ORDER_LIVE] = "live",           [ORDER_ENDED] = "ended",
        [ORDER_CONTRACTS] = "contracts",
    };
    MDB_txn *txn;
    int code = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    for (unsigned i = 0; i < ORDER_TABLES && code == 0; i++)
        code = mdb_dbi_open(txn, names[i], MDB_CREATE, &s->dbi[i]);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn);
}

static int open_reader(struct store_lmdb *s)
{
    MDB_envinfo info;
    int code = mdb_env_info(s->env, &info);
    if (code == 0)
        code = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->reader);
    if (code != 0)
        return code;
    MDB_stat st;
    (void)mdb_stat(s->reader, s->dbi[0], &st);
    s->page_size = st.ms_psize;
    s->used = used_bytes(&(struct txn){.s = s, .mdb = s->reader});
    mdb_txn_reset(s->reader);
    s->map_size = info.me_mapsize;
    s->stats.used_bytes = s->used;
    s->stats.room_bytes = s->conf.max_map_size;
    return 0;
}

static enum err open_store(struct store_lmdb *s, const char **why)
{
    TRY(take_folder(s, why));
    int code = open_env(s);
    if (code == 0)
        code = open_tables(s);
    if (code == 0)
        code = open_reader(s);
    if (code == 0)
        return ERR_OK;
    *why = mdb_strerror(code);
    return ERR_IO;
}

static void init_locks(struct store_lmdb *s)
{
    pthread_condattr_t attr;
    PRE(pthread_mutex_init(&s->lock, NULL) == 0);
    PRE(pthread_mutex_init(&s->map_lock, NULL) == 0);
    PRE(pthread_condattr_init(&attr) == 0);
    PRE(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    PRE(pthread_cond_init(&s->more, &attr) == 0);
    (void)pthread_condattr_destroy(&attr);
}

static struct store_lmdb_conf with_defaults(struct store_lmdb_conf c)
{
    c.map_size = c.map_size ? c.map_size : MAP_SIZE;
    c.max_map_size = c.max_map_size ? c.max_map_size : MAP_MOST;
    c.max_map_size = (c.max_map_size + MIB - 1) / MIB * MIB;
    c.map_size = (c.map_size + MIB - 1) / MIB * MIB;
    if (c.map_size > c.max_map_size)
        c.map_size = c.max_map_size;
    c.gather_us = c.gather_us ? c.gather_us : GATHER_US;
    c.batch = c.batch ? c.batch : BATCH;
    return c;
}

enum err store_lmdb_open(struct loop *l, const struct store_lmdb_conf *conf, struct store **out, const char **why)
{
    struct store_lmdb *s = mem_new(sizeof(*s));
    s->conf = with_defaults(*conf);
    s->lock_fd = -1;
    store_begin(&s->base, &ops, l);
    list_init(&s->waiting);
    list_init(&s->finished);
    init_locks(s);
    s->wake = loop_wake_new(l, answer_finished, s);
    if (open_store(s, why) != ERR_OK) {
        free_store(s);
        return ERR_IO;
    }
    PRE(pthread_create(&s->writer, NULL, write_all, s) == 0);
    (void)pthread_setname_np(s->writer, "weft-store");
    *out = &s->base;
    return ERR_OK;
}
