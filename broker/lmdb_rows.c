#include "broker/lmdb_rows.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"

enum { KEY_MOST = 511, LINE_ROOM = 4096 + 128 };

_Noreturn void lmdb_rows_broken(const char *doing, int code)
{
    log_event(LOG_ERROR, "store-broken", LOG_STR("doing", doing), LOG_STR("why", mdb_strerror(code)),
              LOG_STR("did", "ended the process before anything more is acknowledged"));
    abort();
}

bool lmdb_rows_no_room(int code)
{
    return code == MDB_MAP_FULL || code == ENOSPC || code == EDQUOT || code == EFBIG;
}

static MDB_val val_of(struct slice s)
{
    return (MDB_val){.mv_size = s.len, .mv_data = (void *)s.at};
}

static struct slice slice_of_val(MDB_val v)
{
    return slice_of(v.mv_data, v.mv_size);
}

enum err lmdb_rows_outcome(struct lmdb_rows *t, int code)
{
    if (code == 0)
        return ERR_OK;
    t->code = code;
    return lmdb_rows_no_room(code) ? ERR_FULL : ERR_IO;
}

static bool is_key(struct slice key)
{
    return key.len > 0 && key.len <= KEY_MOST;
}

enum err lmdb_rows_get(struct lmdb_rows *t, enum order_table table, struct slice key, struct slice *value)
{
    MDB_val k = val_of(key), v;
    if (!is_key(key))
        return ERR_ABSENT;
    int code = mdb_get(t->txn, t->room->dbi[table], &k, &v);
    if (code == MDB_NOTFOUND)
        return ERR_ABSENT;
    if (code != 0)
        lmdb_rows_broken("reading a row", code);
    *value = slice_of_val(v);
    return ERR_OK;
}

static enum err get_row(void *txn, enum order_table table, struct slice key, struct slice *value)
{
    return lmdb_rows_get(txn, table, key, value);
}

/* Ids ascend, so the row of a new job is the last one: its page is filled, not split in the middle. */
static bool is_last(struct lmdb_room *room, enum order_table table, struct slice key)
{
    struct lmdb_room_last *last = &room->last[table];
    if (key.len > sizeof(last->key) || slice_cmp(key, slice_of(last->key, last->len)) <= 0)
        return false;
    memcpy(last->key, key.at, key.len);
    last->len = key.len;
    return true;
}

static enum err put_row(void *txn, enum order_table table, struct slice key, struct slice value)
{
    struct lmdb_rows *t = txn;
    MDB_val k = val_of(key), v = val_of(value);
    int code = MDB_KEYEXIST;
    if (is_last(t->room, table, key))
        code = mdb_put(t->txn, t->room->dbi[table], &k, &v, MDB_APPEND);
    if (code == MDB_KEYEXIST)
        code = mdb_put(t->txn, t->room->dbi[table], &k, &v, 0);
    if (code == 0 && t->entry)
        lmdb_journal_put(t->entry, table, key, value);
    return lmdb_rows_outcome(t, code);
}

static enum err del_row(void *txn, enum order_table table, struct slice key)
{
    struct lmdb_rows *t = txn;
    MDB_val k = val_of(key);
    int code = mdb_del(t->txn, t->room->dbi[table], &k, NULL);
    if (code == 0 && t->entry)
        lmdb_journal_del(t->entry, table, key);
    return lmdb_rows_outcome(t, code == MDB_NOTFOUND ? 0 : code);
}

/* One step of a cursor; ABSENT: past an end. */
static enum err move(MDB_cursor *c, MDB_cursor_op op, struct slice key, struct order_row *row)
{
    MDB_val k = val_of(key), v;
    int code = mdb_cursor_get(c, &k, &v, op);
    if (code == MDB_NOTFOUND)
        return ERR_ABSENT;
    if (code != 0)
        lmdb_rows_broken("walking the rows", code);
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

static MDB_cursor *open_cursor(struct lmdb_rows *t, enum order_table table)
{
    MDB_cursor *c;
    int code = mdb_cursor_open(t->txn, t->room->dbi[table], &c);
    if (code != 0)
        lmdb_rows_broken("opening a cursor", code);
    return c;
}

static enum err next_row(void *txn, enum order_table table, struct slice key, struct order_row *row)
{
    MDB_cursor *c = open_cursor(txn, table);
    enum err e = to_first_above(c, key, row);
    mdb_cursor_close(c);
    return e;
}

const struct order_rows lmdb_rows_ops = {get_row, put_row, del_row, next_row};

size_t lmdb_rows_walk(struct lmdb_rows *t, const struct order_walk *what, struct arena *arena, struct order_row *rows,
                      size_t most)
{
    MDB_cursor *c = open_cursor(t, what->table);
    struct order_row row;
    size_t count = 0;
    enum err e = what->back ? to_last_below(c, what->from, &row) : to_first_above(c, what->from, &row);
    for (; e == ERR_OK && count < most; count++) {
        rows[count] = (struct order_row){arena_keep(arena, row.key), arena_keep(arena, row.value)};
        e = move(c, what->back ? MDB_PREV : MDB_NEXT, row.key, &row);
    }
    mdb_cursor_close(c);
    return count;
}

/* All tables and the list of free pages; LMDB keeps the sums, so this costs nothing. */
uint64_t lmdb_rows_used(struct lmdb_rows *t)
{
    uint64_t used = 2 * t->room->page_size; /* the two meta pages */
    /* The first two tables are LMDB's own: free pages, and the names of ours. */
    for (unsigned i = 0; i < 2 + ORDER_TABLES; i++) {
        MDB_stat st;
        int code = mdb_stat(t->txn, i < 2 ? i : t->room->dbi[i - 2], &st);
        if (code != 0)
            lmdb_rows_broken("counting pages", code);
        used += (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages) * st.ms_psize;
    }
    return used;
}

/* LMDB does not tell where its map is; the kernel does. */
void lmdb_rows_rest(void)
{
    unsigned long from, to;
    char line[LINE_ROOM];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof(line), maps))
        if (strstr(line, "/data.mdb") && sscanf(line, "%lx-%lx", &from, &to) == 2)
            (void)madvise((void *)from, to - from, MADV_DONTNEED); /* read-only and shared: nothing is lost */
    if (maps)
        (void)fclose(maps);
}
