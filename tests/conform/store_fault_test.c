/* The first failed flush stops the process: nothing is acknowledged after it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/store_lmdb.h"
#include "tests/kit/fault.h"
#include "tests/kit/t.h"

static int acknowledged; /* the pipe's writing end, in the child */

static void answered(void *arg, const struct store_answer *answer)
{
    (void)arg;
    if (answer->e == ERR_OK && write(acknowledged, "!", 1) != 1)
        _exit(2);
}

static void submit(struct store *s, const char *id)
{
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
    store_apply(s, &change, answered, NULL);
}

/* One submit goes well, the flush of the next one fails. */
static void child(const char *folder)
{
    struct store_lmdb_conf conf = {.folder = folder};
    struct loop *l = loop_new();
    struct store *s;
    const char *why;
    if (store_lmdb_open(l, &conf, &s, &why) != ERR_OK)
        _exit(3);
    submit(s, "01HF7YAT000000000000000001");
    struct store_stats stats = {0};
    while (stats.commits == 0) {
        loop_turn(l, true);
        store_stats(s, &stats);
    }
    fault_arm(FAULT_FLUSH, 1, EIO);
    submit(s, "01HF7YAT000000000000000002");
    for (;;)
        loop_turn(l, true);
}

TEST(a_failed_flush_stops_the_process_before_anything_is_acknowledged)
{
    char folder[64], seen[8], command[80];
    int ends[2], status;
    snprintf(folder, sizeof(folder), "/tmp/weft-store-fault.%d", (int)getpid());
    CHECK_INT(0, pipe(ends));
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        acknowledged = ends[1];
        alarm(20);
        child(folder);
    }
    close(ends[1]);
    CHECK_INT(pid, waitpid(pid, &status, 0));
    CHECK(WIFSIGNALED(status));
    CHECK_INT(SIGABRT, WTERMSIG(status));
    CHECK_INT(1, read(ends[0], seen, sizeof(seen)));
    close(ends[0]);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    CHECK_INT(0, system(command));
}

TESTS_BEGIN()
TESTS_RUN(a_failed_flush_stops_the_process_before_anything_is_acknowledged)
TESTS_END()
