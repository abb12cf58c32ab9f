/* A checkpoint begins the journal anew only when the database it stands for is on the disk. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "broker/store_lmdb.h"
#include "tests/kit/fault.h"
#include "tests/kit/t.h"

enum { JOBS = 60, CHECKPOINT = 5, BASES = 8192 };

/* What is heard of the two files; calls come from the writer's thread. */
struct watch {
    pthread_mutex_t lock;
    ino_t database, journal;
    bool dirty; /* the database has writes that were not flushed */
    unsigned bases, early;
};

static void heard(void *arg, const struct fault_call *call)
{
    struct watch *w = arg;
    struct stat st;
    if (fstat(call->fd, &st) != 0)
        return;
    CHECK_INT(0, pthread_mutex_lock(&w->lock));
    if (st.st_ino == w->database)
        w->dirty = !call->flush;
    if (st.st_ino == w->journal && !call->flush && call->at < BASES) {
        w->bases++;
        w->early += w->dirty;
    }
    CHECK_INT(0, pthread_mutex_unlock(&w->lock));
}

static ino_t inode_of(const char *folder, const char *name)
{
    char path[100];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    CHECK_INT(0, stat(path, &st));
    return st.st_ino;
}

static void answered(void *arg, const struct store_answer *answer)
{
    CHECK_ERR(ERR_OK, answer->e);
    ++*(unsigned *)arg;
}

static void submit(struct store *s, unsigned number, unsigned *done)
{
    char id[JOB_ID + 1];
    const uint8_t random[10] = {1};
    job_id_make(id, 1000 + number, random);
    struct record_request request = {.method = SLICE("POST"), .path = SLICE("/")};
    struct store_change change = {
        .job = {.id = slice_str(id),
                .service = SLICE("trainer"),
                .caller = SLICE("web"),
                .state = JOB_QUEUED,
                .attempts = 1,
                .submitted_ms = 1,
                .events = 1},
        .request = &request,
        .event = {.id = 1, .name = SLICE("accepted"), .at_ms = 1, .data = SLICE("{}")},
    };
    store_apply(s, &change, answered, done);
}

TEST(the_journal_begins_anew_only_when_the_database_is_flushed)
{
    char folder[] = "/tmp/weft-checkpoint-XXXXXX", command[80];
    struct watch w = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct loop *l = loop_new();
    struct store *s;
    const char *why;
    unsigned done = 0;
    CHECK(mkdtemp(folder) != NULL);
    struct store_lmdb_conf conf = {.folder = folder, .batch = 1, .checkpoint = CHECKPOINT};
    CHECK_ERR(ERR_OK, store_lmdb_open(l, &conf, &s, &why));
    w.database = inode_of(folder, "data.mdb");
    w.journal = inode_of(folder, "journal");
    fault_hear(heard, &w);
    for (unsigned i = 0; i < JOBS; i++) {
        submit(s, i, &done);
        while (done <= i)
            loop_turn(l, true);
    }
    store_close(&s);
    fault_hear(NULL, NULL);
    CHECK(w.bases >= JOBS / CHECKPOINT);
    CHECK_INT(0, w.early);
    loop_free(&l);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    CHECK_INT(0, system(command));
}

TESTS_BEGIN()
TESTS_RUN(the_journal_begins_anew_only_when_the_database_is_flushed)
TESTS_END()
