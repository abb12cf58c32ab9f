#include "broker/blob_shelf.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "broker/blob_file.h"
#include "tests/kit/fault.h"
#include "tests/kit/t.h"

enum { TURNS = 20000, BIG = 300 << 10 };

struct world {
    struct loop *loop;
    struct blob_shelf *shelf;
    char folder[96];
    struct blob_shelf_count found;
};

/* One write, or one read, and what was heard of it. */
struct heard {
    unsigned kept, pieces;
    enum err e;
    struct hash_digest digest;
    uint64_t size;
    size_t wrote;
    struct buf bytes;
};

static void open_shelf(struct world *w)
{
    const char *why;
    CHECK_ERR(ERR_OK, blob_shelf_open(w->loop, w->folder, &w->shelf, &why));
}

static void open_world(struct world *w)
{
    *w = (struct world){.loop = loop_new()};
    snprintf(w->folder, sizeof(w->folder), "/tmp/weft-blobs-XXXXXX");
    CHECK(mkdtemp(w->folder) != NULL);
    open_shelf(w);
    blob_shelf_settle(w->shelf, &w->found);
}

static unsigned files(const struct world *w)
{
    unsigned count = 0;
    DIR *dir = opendir(w->folder);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
        count += e->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void close_world(struct world *w)
{
    char command[128];
    blob_shelf_close(&w->shelf);
    loop_free(&w->loop);
    snprintf(command, sizeof(command), "rm -rf %s", w->folder);
    CHECK_INT(0, system(command));
}

static void on_wrote(void *arg, size_t n)
{
    ((struct heard *)arg)->wrote += n;
}

static void on_kept(void *arg, enum err e, const struct hash_digest *digest, uint64_t size)
{
    struct heard *h = arg;
    h->kept++;
    h->e = e;
    h->digest = *digest;
    h->size = size;
}

static const struct blob_write_owner owner = {on_wrote, on_kept};

#define UNTIL(w, claim)                                         \
    do {                                                        \
        for (int turn_ = 0; turn_ < TURNS && !(claim); turn_++) \
            loop_turn((w)->loop, true);                         \
        CHECK(claim);                                           \
    } while (0)

static char *content(char with)
{
    char *big = mem_new(BIG);
    memset(big, with, BIG);
    return big;
}

static struct heard put(struct world *w, struct slice bytes)
{
    struct heard h = {0};
    struct blob_write *write = blob_shelf_write(w->shelf, bytes.len, &owner, &h);
    for (size_t at = 0; at < bytes.len; at += 100000)
        blob_shelf_add(write, slice_to(slice_from(bytes, at), 100000));
    blob_shelf_end(write);
    UNTIL(w, h.kept > 0);
    return h;
}

static struct slice digest_of(const struct heard *h)
{
    return slice_of(h->digest.b, sizeof(h->digest.b));
}

static void need(struct world *w, const struct heard *h, enum store_need_step step)
{
    blob_shelf_need(w->shelf, &(struct store_need){step, digest_of(h), SLICE("web"), h->size});
}

static void on_read(void *arg, enum err e, struct slice bytes)
{
    struct heard *h = arg;
    h->pieces++;
    h->e = e;
    buf_put(&h->bytes, bytes);
}

/* All of it, in two pieces. */
static struct heard get(struct world *w, const struct heard *of, uint64_t at, uint64_t end)
{
    struct heard h = {0};
    struct record_blob blob = {digest_of(of), of->size};
    buf_init(&h.bytes, SIZE_MAX);
    struct blob_read *r = blob_shelf_read(w->shelf, &blob, at, end, on_read, &h);
    blob_shelf_next(r, (size_t)(end - at) / 2);
    blob_shelf_next(r, (size_t)(end - at) - (size_t)(end - at) / 2);
    UNTIL(w, h.pieces == 2);
    blob_shelf_stop(&r);
    return h;
}

TEST(what_was_put_is_there_under_its_digest)
{
    struct world w;
    open_world(&w);
    char *big = content('a');
    struct hash_digest digest = hash_sha256(slice_of(big, BIG));
    struct heard h = put(&w, slice_of(big, BIG));
    CHECK_ERR(ERR_OK, h.e);
    CHECK_INT(BIG, h.size);
    CHECK_INT(BIG, h.wrote);
    CHECK_SLICE(slice_of(digest.b, sizeof(digest.b)), digest_of(&h));
    CHECK(blob_shelf_has(w.shelf, digest_of(&h)));
    UNTIL(&w, files(&w) == 1);
    struct heard all = get(&w, &h, 0, BIG), part = get(&w, &h, 1000, 3000);
    CHECK_ERR(ERR_OK, all.e);
    CHECK_SLICE(slice_of(big, BIG), buf_slice(&all.bytes));
    CHECK_SLICE(slice_of(big, 2000), buf_slice(&part.bytes));
    buf_fini(&all.bytes);
    buf_fini(&part.bytes);
    mem_free(big);
    close_world(&w);
}

TEST(the_same_content_is_one_file_until_the_last_who_needs_it_goes)
{
    struct world w;
    struct blob_shelf_stats stats;
    open_world(&w);
    char *big = content('b');
    struct heard one = put(&w, slice_of(big, BIG)), two = put(&w, slice_of(big, BIG));
    UNTIL(&w, files(&w) == 1);
    need(&w, &one, STORE_NEED_ASKED);
    need(&w, &one, STORE_NEED_ADDED);
    need(&w, &one, STORE_NEED_ADDED);
    need(&w, &one, STORE_NEED_ANSWERED);
    blob_shelf_release(w.shelf, digest_of(&one));
    blob_shelf_release(w.shelf, digest_of(&two));
    CHECK_INT(2 * BIG, blob_purse_of(blob_shelf_purse(w.shelf), SLICE("web")));
    need(&w, &one, STORE_NEED_DROPPED);
    blob_shelf_stats(w.shelf, &stats);
    CHECK_INT(1, stats.blobs);
    CHECK_INT(BIG, stats.bytes);
    CHECK_INT(1, files(&w));
    need(&w, &one, STORE_NEED_DROPPED);
    CHECK(!blob_shelf_has(w.shelf, digest_of(&one)));
    UNTIL(&w, files(&w) == 0);
    CHECK_INT(0, blob_purse_of(blob_shelf_purse(w.shelf), SLICE("web")));
    blob_shelf_stats(w.shelf, &stats);
    CHECK_INT(0, stats.bytes);
    mem_free(big);
    close_world(&w);
}

TEST(what_comes_while_it_is_taken_away_stays)
{
    struct world w;
    open_world(&w);
    char *big = content('c');
    struct heard one = put(&w, slice_of(big, BIG)), again = {0};
    struct blob_write *write = blob_shelf_write(w.shelf, 0, &owner, &again);
    blob_shelf_add(write, slice_of(big, BIG));
    blob_shelf_end(write);
    blob_shelf_release(w.shelf, digest_of(&one)); /* its last hold, while the other is under way */
    UNTIL(&w, again.kept > 0);
    CHECK_ERR(ERR_OK, again.e);
    CHECK(blob_shelf_has(w.shelf, digest_of(&again)));
    struct heard all = get(&w, &again, 0, BIG);
    CHECK_ERR(ERR_OK, all.e);
    buf_fini(&all.bytes);
    mem_free(big);
    close_world(&w);
}

TEST(a_write_that_is_cut_leaves_nothing)
{
    struct world w;
    open_world(&w);
    char *big = content('d');
    struct heard h = {0};
    struct blob_write *begun = blob_shelf_write(w.shelf, 0, &owner, &h);
    blob_shelf_add(begun, slice_of(big, BIG));
    UNTIL(&w, h.wrote == BIG);
    CHECK_INT(1, files(&w));
    blob_shelf_cut(&begun);
    UNTIL(&w, files(&w) == 0);
    struct blob_write *ending = blob_shelf_write(w.shelf, 0, &owner, &h);
    blob_shelf_add(ending, slice_of(big, BIG));
    blob_shelf_end(ending);
    blob_shelf_cut(&ending);
    UNTIL(&w, files(&w) == 0);
    CHECK_INT(0, h.kept);
    mem_free(big);
    close_world(&w);
}

TEST(a_start_counts_anew_and_takes_away_what_nobody_needs)
{
    struct world w;
    char path[BLOB_FILE_PATH];
    open_world(&w);
    char *big = content('e');
    struct heard kept = put(&w, slice_of(big, BIG)), orphan = put(&w, slice_of(big, BIG - 1)), half = {0};
    struct blob_write *write = blob_shelf_write(w.shelf, 0, &owner, &half);
    blob_shelf_add(write, slice_of(big, 5));
    UNTIL(&w, half.wrote == 5);
    /* As after a kill: the files are as they are, and a new process looks at them. */
    char copy[90], command[256];
    snprintf(copy, sizeof(copy), "%.80s.copy", w.folder);
    snprintf(command, sizeof(command), "cp -r %s %s", w.folder, copy);
    CHECK_INT(0, system(command));
    blob_shelf_cut(&write);
    close_world(&w);
    w = (struct world){.loop = loop_new()};
    snprintf(w.folder, sizeof(w.folder), "%s", copy);
    CHECK_INT(3, files(&w));
    open_shelf(&w);
    struct heard gone = kept;
    memset(gone.digest.b, 7, sizeof(gone.digest.b));
    need(&w, &kept, STORE_NEED_ADDED);
    need(&w, &gone, STORE_NEED_ADDED);
    blob_shelf_settle(w.shelf, &w.found);
    CHECK_INT(2, w.found.needed);
    CHECK_INT(1, w.found.missing);
    CHECK_INT(1, w.found.dropped);
    CHECK_INT(1, files(&w));
    CHECK(blob_shelf_has(w.shelf, digest_of(&kept)));
    CHECK(!blob_shelf_has(w.shelf, digest_of(&gone)));
    CHECK(!blob_shelf_has(w.shelf, digest_of(&orphan)));
    blob_file_path(path, w.folder, digest_of(&kept));
    CHECK_INT(0, access(path, F_OK));
    mem_free(big);
    close_world(&w);
}

TEST(a_bit_that_flipped_on_the_disk_is_noticed_before_the_last_piece)
{
    struct world w;
    char path[BLOB_FILE_PATH];
    open_world(&w);
    char *big = content('f');
    struct heard h = put(&w, slice_of(big, BIG));
    blob_file_path(path, w.folder, digest_of(&h));
    FILE *f = fopen(path, "r+");
    CHECK(f != NULL);
    CHECK_INT(0, fseek(f, 1234, SEEK_SET));
    CHECK_INT('g', fputc('g', f));
    CHECK_INT(0, fclose(f));
    struct heard all = get(&w, &h, 0, BIG);
    CHECK_ERR(ERR_PEER, all.e);
    CHECK_INT(BIG / 2, buf_len(&all.bytes));
    CHECK_INT(0, truncate(path, 100));
    struct heard part = get(&w, &h, 10, BIG);
    CHECK_ERR(ERR_PEER, part.e);
    CHECK_INT(0, unlink(path));
    struct heard none = get(&w, &h, 10, BIG);
    CHECK_ERR(ERR_ABSENT, none.e);
    buf_fini(&all.bytes);
    buf_fini(&part.bytes);
    buf_fini(&none.bytes);
    mem_free(big);
    close_world(&w);
}

/* --- failures --- */

struct failing {
    struct world *w;
    const char *big;
    enum err want;
    unsigned good;
};

static void put_once(void *arg)
{
    struct failing *f = arg;
    struct heard h = {0};
    struct blob_write *write = blob_shelf_write(f->w->shelf, 0, &owner, &h);
    blob_shelf_add(write, slice_of(f->big, BIG));
    blob_shelf_add(write, slice_of(f->big, BIG));
    blob_shelf_end(write);
    UNTIL(f->w, h.kept > 0);
    if (h.e == ERR_OK)
        blob_shelf_release(f->w->shelf, digest_of(&h));
    else
        CHECK_ERR(f->want, h.e);
    f->good += h.e == ERR_OK;
    UNTIL(f->w, files(f->w) == 0);
}

/* The disk ends after so many bytes of the file. */
static void set_limit(rlim_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    CHECK_INT(0, setrlimit(RLIMIT_FSIZE, &limit));
}

TEST(a_disk_that_is_full_anywhere_keeps_no_blob_and_leaves_no_file)
{
    struct world w;
    open_world(&w);
    char *big = content('h');
    struct failing full = {&w, big, ERR_FULL, 0};
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t at = 0; at < 2 * BIG; at += BIG / 3) {
        set_limit(at);
        put_once(&full);
    }
    CHECK_INT(0, full.good);
    set_limit(2 * BIG);
    put_once(&full);
    CHECK_INT(1, full.good);
    struct heard h = {0};
    struct blob_write *early = blob_shelf_write(w.shelf, UINT64_C(1) << 60, &owner, &h);
    UNTIL(&w, h.kept > 0);
    CHECK_ERR(ERR_FULL, h.e);
    blob_shelf_cut(&early);
    set_limit(RLIM_INFINITY);
    UNTIL(&w, files(&w) == 0);
    mem_free(big);
    close_world(&w);
}

TEST(a_failed_flush_of_file_or_folder_keeps_no_blob_and_leaves_no_file)
{
    struct world w;
    open_world(&w);
    char *big = content('h');
    struct failing broken = {&w, big, ERR_IO, 0};
    CHECK_INT(2, fault_each(FAULT_FLUSH, EIO, put_once, &broken));
    CHECK_INT(1, broken.good);
    mem_free(big);
    close_world(&w);
}

/* What was flushed so far, in order: a file of so many bytes, or a folder. */
static struct {
    unsigned count;
    off_t size[8]; /* -1: a folder */
} flushed;

static void hear(void *arg, const struct fault_call *call)
{
    struct stat st;
    (void)arg;
    if (!call->flush || fstat(call->fd, &st) != 0 || flushed.count == 8)
        return;
    flushed.size[flushed.count++] = S_ISDIR(st.st_mode) ? -1 : st.st_size;
}

TEST(content_and_name_are_flushed_before_anybody_hears_of_it)
{
    struct world w;
    open_world(&w);
    char *big = content('j');
    flushed.count = 0;
    fault_hear(hear, NULL);
    struct heard h = put(&w, slice_of(big, BIG));
    CHECK_ERR(ERR_OK, h.e);
    CHECK_INT(2, flushed.count);
    CHECK_INT(BIG, flushed.size[0]);
    CHECK_INT(-1, flushed.size[1]);
    h = put(&w, slice_of(big, BIG)); /* it is there: its content is flushed again, its name stands */
    CHECK_INT(3, flushed.count);
    fault_hear(NULL, NULL);
    mem_free(big);
    close_world(&w);
}

TEST(what_is_under_way_when_all_ends_leaves_no_half)
{
    struct world w;
    open_world(&w);
    char *big = content('i');
    struct heard h = {0};
    struct blob_write *write = blob_shelf_write(w.shelf, 0, &owner, &h);
    for (int i = 0; i < 50; i++)
        blob_shelf_add(write, slice_of(big, BIG));
    blob_shelf_cut(&write);
    blob_shelf_close(&w.shelf);
    CHECK_INT(0, files(&w));
    mem_free(big);
    close_world(&w);
}

TESTS_BEGIN()
TESTS_RUN(what_was_put_is_there_under_its_digest)
TESTS_RUN(the_same_content_is_one_file_until_the_last_who_needs_it_goes)
TESTS_RUN(what_comes_while_it_is_taken_away_stays)
TESTS_RUN(a_write_that_is_cut_leaves_nothing)
TESTS_RUN(a_start_counts_anew_and_takes_away_what_nobody_needs)
TESTS_RUN(a_bit_that_flipped_on_the_disk_is_noticed_before_the_last_piece)
TESTS_RUN(a_disk_that_is_full_anywhere_keeps_no_blob_and_leaves_no_file)
TESTS_RUN(a_failed_flush_of_file_or_folder_keeps_no_blob_and_leaves_no_file)
TESTS_RUN(content_and_name_are_flushed_before_anybody_hears_of_it)
TESTS_RUN(what_is_under_way_when_all_ends_leaves_no_half)
TESTS_END()
