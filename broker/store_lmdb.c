#include "broker/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/lmdb_rows.h"
#include "broker/lmdb_writer.h"

/* The loop's side: an order is queued for the writer, which moves it to `finished` when it is durable; a
 * wake makes the loop answer it.  Reads are pages in memory: the loop never waits for the disk. */

enum { BATCH = 1024, CHECKPOINT = 512, PATH_ROOM = 4096 };
#define MIB (UINT64_C(1) << 20)
#define MAP_SIZE (64 * MIB)
#define MAP_MOST (UINT64_C(65536) * MIB)

static struct lmdb_room *room_of(struct store *s)
{
    return LIST_OF(s, struct lmdb_room, base);
}

static void lock(pthread_mutex_t *m)
{
    PRE(pthread_mutex_lock(m) == 0);
}

static void unlock(pthread_mutex_t *m)
{
    PRE(pthread_mutex_unlock(m) == 0);
}

static enum err read_row(struct store *base, enum order_table table, struct slice key, struct slice *value)
{
    struct lmdb_room *s = room_of(base);
    struct slice found;
    lock(&s->map_lock);
    enum err e = lmdb_rows_get(&(struct lmdb_rows){.room = s, .txn = s->shown}, table, key, &found);
    if (e == ERR_OK)
        *value = arena_keep(&base->reads, found);
    unlock(&s->map_lock);
    return e;
}

static size_t walk(struct store *base, const struct order_walk *what, struct order_row *rows, size_t room)
{
    struct lmdb_room *s = room_of(base);
    lock(&s->map_lock);
    size_t count = lmdb_rows_walk(&(struct lmdb_rows){.room = s, .txn = s->shown}, what, &base->reads, rows, room);
    unlock(&s->map_lock);
    return count;
}

static void kick(struct loop_task *task)
{
    struct lmdb_room *s = LIST_OF(task, struct lmdb_room, kick);
    lock(&s->lock);
    PRE(pthread_cond_signal(&s->more) == 0);
    unlock(&s->lock);
}

static void take_order(struct store *base, struct order *o)
{
    struct lmdb_room *s = room_of(base);
    lock(&s->lock);
    list_push_back(&s->waiting, &o->link);
    s->waiting_count++;
    s->waiting_bytes += o->size;
    unlock(&s->lock);
    loop_defer_late(base->loop, &s->kick);
}

static struct order *pop_finished(struct lmdb_room *s)
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
    struct lmdb_room *s = room_of((struct store *)base);
    uint64_t damaged = out->damaged;
    lock(&s->lock);
    *out = s->stats;
    unlock(&s->lock);
    out->damaged = damaged;
}

static void rest(struct store *base)
{
    struct lmdb_room *s = room_of(base);
    lock(&s->map_lock);
    lmdb_rows_rest();
    unlock(&s->map_lock);
}

static void free_store(struct lmdb_room *s)
{
    if (s->anchor)
        mdb_txn_abort(s->anchor);
    if (s->shown)
        mdb_txn_abort(s->shown);
    if (s->env)
        mdb_env_close(s->env);
    lmdb_journal_close(&s->journal);
    buf_fini(&s->entry);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    loop_task_cancel(&s->kick);
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
    struct lmdb_room *s = room_of(base);
    lmdb_writer_stop(s);
    do
        answer_finished(s);
    while (lmdb_writer_settle(s));
    lmdb_writer_checkpoint(s);
    free_store(s);
}

static const struct store_ops ops = {
    .take = take_order,
    .read = read_row,
    .walk = walk,
    .stats = stats,
    .rest = rest,
    .close = close_lmdb,
    .durability = "on this disk: an acknowledged job was flushed and survives a loss of power",
};

/* Opening. */

/* `name` in our folder; false: too long. */
static bool path_in(const struct lmdb_room *s, const char *name, char out[PATH_ROOM])
{
    int len = snprintf(out, PATH_ROOM, "%s/%s", s->conf.folder, name);
    return len > 0 && len < PATH_ROOM;
}

static enum err take_folder(struct lmdb_room *s, const char **why)
{
    char path[PATH_ROOM];
    *why = "the folder's name is too long";
    if (!path_in(s, "broker.lock", path))
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

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd >= 0 && fsync(fd) == 0 ? 0 : errno;
    if (fd >= 0)
        (void)close(fd);
    return code;
}

static int make_empty(const char *folder)
{
    MDB_env *env;
    int code = mdb_env_create(&env);
    if (code == 0)
        code = mdb_env_open(env, folder, 0, 0600);
    if (code == 0)
        code = mdb_env_sync(env, 1);
    mdb_env_close(env);
    return code;
}

/* A database that was cut off while it was made cannot be opened: it is made aside, and moved here whole. */
static int make_database(const struct lmdb_room *s)
{
    char final[PATH_ROOM], aside[PATH_ROOM], data[PATH_ROOM], locks[PATH_ROOM];
    if (!path_in(s, "data.mdb", final) || !path_in(s, "new", aside) || !path_in(s, "new/data.mdb", data) ||
        !path_in(s, "new/lock.mdb", locks))
        return ENAMETOOLONG;
    if (access(final, F_OK) == 0)
        return 0;
    if (mkdir(aside, 0700) != 0 && errno != EEXIST)
        return errno;
    (void)unlink(data);
    int code = make_empty(aside);
    if (code == 0 && rename(data, final) != 0)
        code = errno;
    (void)unlink(locks);
    (void)rmdir(aside);
    return code ? code : sync_folder(s->conf.folder);
}

static int open_env(struct lmdb_room *s)
{
    int code = mdb_env_create(&s->env);
    if (code == 0)
        code = mdb_env_set_maxdbs(s->env, ORDER_TABLES + 1);
    if (code == 0)
        code = mdb_env_set_mapsize(s->env, s->conf.map_size);
    /* Transactions belong to objects, not to threads: a reader is reset and renewed. */
    return code == 0 ? mdb_env_open(s->env, s->conf.folder, MDB_NOTLS, 0600) : code;
}

static int open_tables(struct lmdb_room *s)
{
    static const char *const names[ORDER_TABLES] = {
        [ORDER_LIVE] = "live2",
        [ORDER_OVER] = "over",
        [ORDER_REQUESTS] = "requests2",
        [ORDER_RESULTS] = "results2",
        [ORDER_CHECKPOINTS] = "checkpoints2",
        [ORDER_EVENTS] = "events2",
        [ORDER_KEYS] = "keys",
        [ORDER_ENDED] = "ended2",
        [ORDER_CONTRACTS] = "contracts",
        [ORDER_DEBTS] = "debts2",
        [ORDER_SCHEDULES] = "schedules",
        [ORDER_PLANS] = "plans",
        [ORDER_BLOBS] = "blobs",
    };
    MDB_txn *txn;
    MDB_dbi old;
    int code = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    if (mdb_dbi_open(txn, "live", 0, &old) == 0)
        code = MDB_VERSION_MISMATCH;
    for (unsigned i = 0; i < ORDER_TABLES && code == 0; i++)
        code = mdb_dbi_open(txn, names[i], MDB_CREATE, &s->dbi[i]);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn);
}

static int open_reader(struct lmdb_room *s, struct MDB_txn **txn)
{
    return mdb_txn_begin(s->env, NULL, MDB_RDONLY, txn);
}

/* What was acknowledged and is not in the base is played again, in one transaction. */
struct replay {
    struct lmdb_rows rows;
    enum err e;
};

static bool play(void *arg, unsigned table, struct slice key, struct slice value, bool del)
{
    struct replay *r = arg;
    r->e = ERR_PEER;
    if (table < ORDER_TABLES)
        r->e = del ? lmdb_rows_ops.del(&r->rows, table, key) : lmdb_rows_ops.put(&r->rows, table, key, value);
    return r->e == ERR_OK;
}

static int play_journal(struct lmdb_room *s)
{
    struct replay r = {.rows = {.room = s}};
    int code = mdb_txn_begin(s->env, NULL, 0, &r.rows.txn);
    if (code != 0)
        return code;
    lmdb_journal_replay(s->journal, play, &r);
    if (r.e == ERR_OK)
        return mdb_txn_commit(r.rows.txn);
    mdb_txn_abort(r.rows.txn);
    return r.rows.code ? r.rows.code : MDB_CORRUPTED;
}

/* The map of the base may be smaller than it has become since. */
static int play_all(struct lmdb_room *s)
{
    uint64_t size = s->conf.map_size;
    int code = play_journal(s);
    for (; code == MDB_MAP_FULL; code = play_journal(s)) {
        code = mdb_env_set_mapsize(s->env, size *= 2);
        if (code != 0)
            break;
    }
    return code;
}

/* From here on the journal makes commits durable. */
static int open_readers(struct lmdb_room *s)
{
    int dead; /* readers of processes that are gone would keep old pages from being used again */
    int code = mdb_reader_check(s->env, &dead);
    if (code == 0)
        code = play_all(s);
    if (code == 0)
        code = open_reader(s, &s->anchor);
    if (code == 0)
        code = open_reader(s, &s->shown);
    if (code == 0)
        code = mdb_env_set_flags(s->env, MDB_NOSYNC, 1);
    if (code == 0)
        lmdb_writer_checkpoint(s);
    return code;
}

static int measure(struct lmdb_room *s)
{
    MDB_envinfo info;
    MDB_stat st;
    int code = mdb_env_info(s->env, &info);
    if (code == 0)
        code = mdb_stat(s->shown, s->dbi[ORDER_LIVE], &st);
    if (code != 0)
        return code;
    s->page_size = st.ms_psize;
    s->used = lmdb_rows_used(&(struct lmdb_rows){.room = s, .txn = s->shown});
    s->map_size = info.me_mapsize;
    s->last_commit = info.me_last_txnid;
    s->stats.live = st.ms_entries;
    s->stats.used_bytes = s->used;
    s->stats.room_bytes = s->conf.max_map_size;
    return 0;
}

static enum err open_store(struct lmdb_room *s, const char **why)
{
    TRY(take_folder(s, why));
    int code = make_database(s);
    if (code == 0)
        TRY(lmdb_journal_open(s->conf.folder, "data.mdb", &s->journal, why));
    if (code == 0)
        code = open_env(s);
    if (code == 0)
        code = open_tables(s);
    if (code == 0)
        code = open_readers(s);
    if (code == 0)
        code = measure(s);
    if (code == 0)
        return ERR_OK;
    *why = code == MDB_VERSION_MISMATCH
               ? "it was written by a weft that stored jobs otherwise: let that one finish them"
               : mdb_strerror(code);
    return ERR_IO;
}

static void init_locks(struct lmdb_room *s)
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
    c.batch = c.batch ? c.batch : BATCH;
    c.checkpoint = c.checkpoint ? c.checkpoint : CHECKPOINT;
    return c;
}

enum err store_lmdb_open(struct loop *l, const struct store_lmdb_conf *conf, struct store **out, const char **why)
{
    struct lmdb_room *s = mem_new(sizeof(*s));
    s->conf = with_defaults(*conf);
    s->lock_fd = -1;
    store_begin(&s->base, &ops, l);
    list_init(&s->waiting);
    list_init(&s->finished);
    buf_init(&s->entry, SIZE_MAX);
    init_locks(s);
    loop_task_init(&s->kick, kick);
    s->wake = loop_wake_new(l, answer_finished, s);
    if (open_store(s, why) != ERR_OK) {
        free_store(s);
        return ERR_IO;
    }
    lmdb_writer_start(s);
    *out = &s->base;
    return ERR_OK;
}

enum err store_lmdb_mend(const char *folder, const char **why)
{
    struct lmdb_room *s = mem_new(sizeof(*s));
    s->conf = with_defaults((struct store_lmdb_conf){.folder = folder});
    s->lock_fd = -1;
    store_begin(&s->base, &ops, NULL);
    buf_init(&s->entry, SIZE_MAX);
    init_locks(s);
    loop_task_init(&s->kick, kick);
    enum err e = open_store(s, why);
    free_store(s);
    return e;
}
