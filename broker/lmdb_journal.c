#include "broker/lmdb_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"

/* Numbers are as this machine writes them, as LMDB's are. */
enum {
    PATH_ROOM = 4096,
    SLOT = 4096, /* of a base: written whole or not at all */
    META = 256,  /* what is kept of a meta page: more than LMDB writes of it */
    MARK = 16,
    ALIGN = 8,
    ENTRIES = 2 * SLOT,
    VERSION = 1,
};
#define MAGIC UINT32_C(0x4c6e7277)
/* Where things are in a meta page of LMDB 0.9 on a 64-bit machine. */
enum { META_MAGIC = 16, META_VERSION = 20, META_PAGE_SIZE = 40, META_TXN = 144, DATA_VERSION = 1 };
#define LMDB_MAGIC UINT32_C(0xBEEFC0DE)

struct base {
    uint32_t crc, magic, version, page_size; /* the crc is over all that follows it */
    uint64_t epoch;
    uint8_t mark[MARK];
    uint8_t metas[2][META];
};

struct head {
    uint32_t len, crc; /* of the entry; the crc is over what follows it and the entry */
    uint64_t epoch, number;
};

struct lmdb_journal {
    int fd, database;
    struct base base;
    size_t end;      /* of the last entry */
    uint64_t number; /* of the next */
    char *entries;   /* as they were found at the start, or NULL */
};

/* --- files --- */

static bool read_at(int fd, void *into, size_t len, size_t at)
{
    return pread(fd, into, len, (off_t)at) == (ssize_t)len;
}

static int write_at(int fd, const void *from, size_t len, size_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, (const char *)from + done, len - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        done += (size_t)n;
    }
    return 0;
}

static int flush(int fd)
{
    return fdatasync(fd) == 0 ? 0 : errno;
}

/* --- the base --- */

static uint32_t base_crc(const struct base *b)
{
    return hash_crc32c(0, slice_of(&b->magic, sizeof(*b) - sizeof(b->crc)));
}

static bool read_base(int fd, unsigned slot, struct base *out)
{
    return read_at(fd, out, sizeof(*out), slot * SLOT) && out->magic == MAGIC && out->version == VERSION &&
           out->crc == base_crc(out);
}

/* false: there is none. */
static bool find_base(int fd, struct base *out)
{
    struct base two[2];
    bool sound[2] = {read_base(fd, 0, &two[0]), read_base(fd, 1, &two[1])};
    if (!sound[0] && !sound[1])
        return false;
    *out = sound[1] && (!sound[0] || two[1].epoch > two[0].epoch) ? two[1] : two[0];
    return true;
}

static int write_base(struct lmdb_journal *j)
{
    uint8_t slot[SLOT] = {0};
    j->base.crc = base_crc(&j->base);
    memcpy(slot, &j->base, sizeof(j->base));
    int code = write_at(j->fd, slot, SLOT, j->base.epoch % 2 * SLOT);
    return code ? code : flush(j->fd);
}

/* --- the database --- */

static uint32_t word_at(const uint8_t *meta, size_t at)
{
    uint32_t word;
    memcpy(&word, meta + at, sizeof(word));
    return word;
}

static uint64_t txn_of(const uint8_t *meta)
{
    uint64_t txn;
    memcpy(&txn, meta + META_TXN, sizeof(txn));
    return txn;
}

static bool known(const uint8_t *meta)
{
    return word_at(meta, META_MAGIC) == LMDB_MAGIC && word_at(meta, META_VERSION) == DATA_VERSION;
}

static uint64_t latest_txn(uint8_t metas[2][META])
{
    uint64_t one = known(metas[0]) ? txn_of(metas[0]) : 0, two = known(metas[1]) ? txn_of(metas[1]) : 0;
    return one > two ? one : two;
}

/* Of the database as it is.  false: no database that we know. */
static bool read_metas(int database, uint32_t *page_size, uint8_t metas[2][META])
{
    if (!read_at(database, metas[0], META, 0))
        return false;
    *page_size = word_at(metas[0], META_PAGE_SIZE);
    return known(metas[0]) && *page_size >= 2 * META && read_at(database, metas[1], META, *page_size);
}

/* The mark is behind the first meta page, where LMDB never writes again. */
static size_t mark_at(uint32_t page_size)
{
    return page_size - MARK;
}

/* It is the database that this journal belongs to: not another one, nor one from before. */
static bool is_of(const struct base *b, int database)
{
    uint8_t mark[MARK], metas[2][META], were[2][META];
    uint32_t page_size;
    memcpy(were, b->metas, sizeof(were));
    return read_metas(database, &page_size, metas) && page_size == b->page_size &&
           read_at(database, mark, MARK, mark_at(page_size)) && memcmp(mark, b->mark, MARK) == 0 &&
           latest_txn(metas) >= latest_txn(were);
}

static int put_base_back(const struct lmdb_journal *j)
{
    int code = write_at(j->database, j->base.metas[0], META, 0);
    if (code == 0)
        code = write_at(j->database, j->base.metas[1], META, j->base.page_size);
    return code ? code : flush(j->database);
}

/* --- entries --- */

static uint32_t entry_crc(const struct head *h, struct slice entry)
{
    return hash_crc32c(hash_crc32c(0, slice_of(&h->epoch, sizeof(h->epoch) + sizeof(h->number))), entry);
}

static size_t aligned(size_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

/* The sound entry of this epoch at `at`; false: none begins there. */
static bool entry_at(const struct lmdb_journal *j, size_t at, struct head *h, struct slice *entry)
{
    if (at + sizeof(*h) > LMDB_JOURNAL)
        return false;
    memcpy(h, j->entries + at, sizeof(*h));
    if (h->epoch != j->base.epoch || h->len > LMDB_JOURNAL - at - sizeof(*h))
        return false;
    *entry = slice_of(j->entries + at + sizeof(*h), h->len);
    return h->crc == entry_crc(h, *entry);
}

static size_t next_at(size_t at, const struct head *h)
{
    return aligned(at + sizeof(*h) + h->len);
}

/* The end of a journal is where the power went; one that goes on behind it is damaged.  false: it is. */
static bool find_end(struct lmdb_journal *j)
{
    struct head h;
    struct slice entry;
    while (entry_at(j, j->end, &h, &entry) && h.number == j->number) {
        j->end = next_at(j->end, &h);
        j->number++;
    }
    for (size_t at = j->end; at < LMDB_JOURNAL; at += ALIGN)
        if (entry_at(j, at, &h, &entry) && h.number > j->number)
            return false;
    return true;
}

/* --- opening --- */

/* Written through once, so that later flushes find every block in its place. */
static int make_file(struct lmdb_journal *j)
{
    char *nothing = mem_new(LMDB_JOURNAL);
    int code = write_at(j->fd, nothing, LMDB_JOURNAL, 0);
    mem_free(nothing);
    if (code == 0 && fsync(j->fd) != 0)
        code = errno;
    return code;
}

static int begin_new(struct lmdb_journal *j)
{
    j->base = (struct base){.magic = MAGIC, .version = VERSION};
    hash_random(j->base.mark, MARK);
    int code = make_file(j);
    if (code == 0 && !read_metas(j->database, &j->base.page_size, j->base.metas))
        code = EINVAL;
    if (code == 0)
        code = write_at(j->database, j->base.mark, MARK, mark_at(j->base.page_size));
    return code ? code : flush(j->database);
}

static enum err go_on(struct lmdb_journal *j, const char **why)
{
    j->entries = mem_new(LMDB_JOURNAL);
    *why = "the journal cannot be read";
    if (!read_at(j->fd, j->entries, LMDB_JOURNAL, 0))
        return ERR_IO;
    *why = "its journal is damaged in the middle: go back to a backup";
    if (!find_end(j))
        return ERR_IO;
    int code = put_base_back(j);
    *why = strerror(code);
    return code ? ERR_IO : ERR_OK;
}

static int open_in(const char *folder, const char *name, int flags)
{
    char path[PATH_ROOM];
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    return len > 0 && len < PATH_ROOM ? open(path, flags | O_CLOEXEC, 0600) : -1;
}

enum err lmdb_journal_open(const char *folder, const char *database, struct lmdb_journal **out, const char **why)
{
    struct lmdb_journal *j = mem_new(sizeof(*j));
    *j = (struct lmdb_journal){.fd = open_in(folder, "journal", O_RDWR | O_CREAT),
                               .database = open_in(folder, database, O_RDWR),
                               .end = ENTRIES,
                               .number = 1};
    enum err e = ERR_IO;
    *why = strerror(errno);
    if (j->fd >= 0 && j->database >= 0) {
        if (find_base(j->fd, &j->base) && is_of(&j->base, j->database)) {
            e = go_on(j, why);
        } else {
            int code = begin_new(j);
            *why = code == EINVAL ? "this data.mdb is none of LMDB 0.9" : strerror(code);
            e = code ? ERR_IO : ERR_OK;
        }
    }
    if (e != ERR_OK)
        lmdb_journal_close(&j);
    *out = j;
    return e;
}

void lmdb_journal_close(struct lmdb_journal **journal)
{
    struct lmdb_journal *j = *journal;
    *journal = NULL;
    if (!j)
        return;
    if (j->fd >= 0)
        (void)close(j->fd);
    if (j->database >= 0)
        (void)close(j->database);
    mem_free(j->entries);
    mem_free(j);
}

/* --- writing --- */

/* Table, with DEL or without; lengths of the key and of the value; key; value. */
enum { DEL = 0x80, ROW_HEAD = 6 };

static void put_row(struct buf *entry, unsigned table, struct slice key, struct slice value)
{
    char head[ROW_HEAD];
    uint32_t len = (uint32_t)value.len;
    PRE(key.len <= UINT8_MAX && value.len <= UINT32_MAX);
    head[0] = (char)table;
    head[1] = (char)key.len;
    memcpy(head + 2, &len, sizeof(len));
    buf_put(entry, slice_of(head, sizeof(head)));
    buf_put(entry, key);
    buf_put(entry, value);
}

void lmdb_journal_put(struct buf *entry, unsigned table, struct slice key, struct slice value)
{
    put_row(entry, table, key, value);
}

void lmdb_journal_del(struct buf *entry, unsigned table, struct slice key)
{
    put_row(entry, table | DEL, key, SLICE(""));
}

bool lmdb_journal_fits(const struct lmdb_journal *j, struct slice entry)
{
    return entry.len < LMDB_JOURNAL && j->end + sizeof(struct head) + entry.len <= LMDB_JOURNAL;
}

int lmdb_journal_add(struct lmdb_journal *j, struct slice entry)
{
    PRE(lmdb_journal_fits(j, entry));
    struct head h = {.len = (uint32_t)entry.len, .epoch = j->base.epoch, .number = j->number};
    h.crc = entry_crc(&h, entry);
    struct buf whole;
    buf_init(&whole, LMDB_JOURNAL);
    buf_put(&whole, slice_of(&h, sizeof(h)));
    buf_put(&whole, entry);
    int code = write_at(j->fd, buf_slice(&whole).at, buf_len(&whole), j->end);
    buf_fini(&whole);
    if (code == 0)
        code = flush(j->fd);
    j->end = next_at(j->end, &h);
    j->number++;
    return code;
}

int lmdb_journal_rebase(struct lmdb_journal *j)
{
    mem_free(j->entries);
    j->entries = NULL;
    j->base.epoch++;
    j->end = ENTRIES;
    j->number = 1;
    return read_metas(j->database, &j->base.page_size, j->base.metas) ? write_base(j) : EIO;
}

/* --- playing --- */

static bool play(struct slice entry, lmdb_journal_row_fn *fn, void *arg)
{
    while (entry.len >= ROW_HEAD) {
        uint32_t len;
        uint8_t table = (uint8_t)entry.at[0], key_len = (uint8_t)entry.at[1];
        memcpy(&len, entry.at + 2, sizeof(len));
        entry = slice_from(entry, ROW_HEAD);
        if (key_len > entry.len || len > entry.len - key_len)
            return false;
        struct slice key = slice_to(entry, key_len), value = slice_to(slice_from(entry, key_len), len);
        if (!fn(arg, table & (DEL - 1), key, value, table & DEL))
            return false;
        entry = slice_from(entry, key_len + len);
    }
    return true;
}

void lmdb_journal_replay(const struct lmdb_journal *j, lmdb_journal_row_fn *fn, void *arg)
{
    struct head h;
    struct slice entry;
    for (size_t at = ENTRIES; j->entries && at < j->end; at = next_at(at, &h))
        if (!entry_at(j, at, &h, &entry) || !play(entry, fn, arg))
            return;
}

size_t lmdb_journal_held(const struct lmdb_journal *j)
{
    return j->end - ENTRIES;
}
