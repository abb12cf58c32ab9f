/* One suite over every store: what broker/store.h promises. */
#include "tests/kit/t.h"

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "broker/lmdb_copy.h"
#include "broker/lmdb_journal.h"
#include "broker/recover.h"
#include "broker/store_lmdb.h"
#include "broker/store_mem.h"

enum { ANSWERS = 4096 };

/* A loop, a store, and every answer in the order in which it came. */
struct world {
    struct loop *loop;
    struct store *store;
    char folder[64];
    struct store_lmdb_conf conf;
    struct store_answer answers[ANSWERS];
    size_t count, asked;
};

static void note(void *arg, const struct store_answer *answer)
{
    struct world *w = arg;
    CHECK(w->count < ANSWERS);
    w->answers[w->count++] = *answer;
}

static void settle(struct world *w)
{
    while (w->count < w->asked)
        loop_turn(w->loop, true);
}

static void open_lmdb(struct world *w)
{
    const char *why = "";
    w->conf.folder = w->folder;
    enum err e = store_lmdb_open(w->loop, &w->conf, &w->store, &why);
    if (e != ERR_OK)
        printf("%s\n", why);
    CHECK_ERR(ERR_OK, e);
}

static struct world *world_new(void)
{
    struct world *w = mem_new(sizeof(*w));
    w->loop = loop_new();
    strcpy(w->folder, "/tmp/weft-store-XXXXXX");
    CHECK(mkdtemp(w->folder) != NULL);
    return w;
}

static void remove_file(const struct world *w, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", w->folder, name);
    (void)unlink(path);
}

static void world_free(struct world *w)
{
    store_close(&w->store);
    loop_free(&w->loop);
    remove_file(w, "data.mdb");
    remove_file(w, "lock.mdb");
    remove_file(w, "journal");
    remove_file(w, "broker.lock");
    (void)rmdir(w->folder);
    mem_free(w);
}

/* BOTH(name) runs check_name over each store. */
#define BOTH(name)                         \
    TEST(in_memory_##name)                 \
    {                                      \
        struct world *w = world_new();     \
        w->store = store_mem_new(w->loop); \
        check_##name(w);                   \
        world_free(w);                     \
    }                                      \
    TEST(on_disk_##name)                   \
    {                                      \
        struct world *w = world_new();     \
        open_lmdb(w);                      \
        check_##name(w);                   \
        world_free(w);                     \
    }
#define RUN_BOTH(name) TESTS_RUN(in_memory_##name) TESTS_RUN(on_disk_##name)

/* The n-th job: ids grow with n. */
struct name {
    char text[JOB_ID + 1];
};

static struct name id_of(unsigned n)
{
    struct name id;
    const uint8_t random[10] = {7};
    job_id_make(id.text, 1000 + n, random);
    return id;
}

static struct record_job job_of(const struct name *id, enum job_state state, uint64_t token)
{
    return (struct record_job){
        .id = slice_of(id->text, JOB_ID),
        .service = SLICE("orders"),
        .caller = SLICE("spiffe://test/shop"),
        .operation = SLICE("render"),
        .state = state,
        .token = token,
        .attempts = 5,
        .priority = 5,
        .submitted_ms = 1000,
        .ended_ms = job_over(state) ? 5000 : 0,
        .events = 1,
    };
}

static const struct record_request *request_of(struct slice key, struct slice fingerprint)
{
    static const struct record_header headers[] = {{{"content-type", 12}, {"text/plain", 10}}};
    static struct record_request r;
    r = (struct record_request){
        .method = SLICE("POST"),
        .path = SLICE("/render?x=1"),
        .headers = headers,
        .header_count = 1,
        .body = SLICE("the body"),
        .key = key,
        .fingerprint = fingerprint,
    };
    return &r;
}

/* The answer, once it is there. */
static const struct store_answer *apply(struct world *w, const struct store_change *change)
{
    store_apply(w->store, change, note, w);
    CHECK_INT(w->asked, w->count);
    w->asked++;
    settle(w);
    return &w->answers[w->count - 1];
}

static const struct store_answer *submit(struct world *w, unsigned n, struct slice key, struct slice fingerprint)
{
    struct name id = id_of(n);
    struct store_change c = {
        .job = job_of(&id, JOB_QUEUED, 0),
        .request = request_of(key, fingerprint),
        .event = {.name = SLICE("accepted"), .at_ms = 1000, .data = SLICE("{}")},
    };
    return apply(w, &c);
}

static const struct store_answer *submit_plain(struct world *w, unsigned n)
{
    return submit(w, n, (struct slice){0}, (struct slice){0});
}

static const struct store_answer *step(struct world *w, unsigned n, enum job_state state, uint64_t guard,
                                       uint64_t token)
{
    struct name id = id_of(n);
    return apply(w, &(struct store_change){.job = job_of(&id, state, token), .guard = guard});
}

static const struct store_answer *finish(struct world *w, unsigned n, uint64_t token, struct slice body)
{
    struct name id = id_of(n);
    struct record_result result = {.status = 200, .body = body};
    return apply(w, &(struct store_change){.job = job_of(&id, JOB_DONE, token), .guard = token, .result = &result});
}

static void check_a_new_job_reads_back_whole(struct world *w)
{
    struct name id = id_of(1);
    struct record_job job;
    struct record_request request;
    CHECK_ERR(ERR_ABSENT, store_read_job(w->store, slice_of(id.text, JOB_ID), &job));
    const struct store_answer *a = submit(w, 1, SLICE("k"), SLICE("f"));
    CHECK_ERR(ERR_OK, a->e);
    CHECK(!a->replayed);
    CHECK_TEXT(id.text, slice_str(a->job));
    CHECK_ERR(ERR_OK, store_read_job(w->store, slice_of(id.text, JOB_ID), &job));
    CHECK_TEXT("orders", job.service);
    CHECK_INT(JOB_QUEUED, job.state);
    CHECK_INT(1, job.events);
    CHECK_ERR(ERR_OK, store_read_request(w->store, slice_of(id.text, JOB_ID), &request));
    CHECK_TEXT("/render?x=1", request.path);
    CHECK_INT(1, request.header_count);
    CHECK_TEXT("content-type", request.headers[0].name);
    CHECK_TEXT("the body", request.body);
    CHECK_TEXT("k", request.key);
}
BOTH(a_new_job_reads_back_whole)

static void check_a_known_key_is_the_same_job(struct world *w)
{
    CHECK_ERR(ERR_OK, submit(w, 1, SLICE("k"), SLICE("f"))->e);
    const struct store_answer *a = submit(w, 2, SLICE("k"), SLICE("f"));
    CHECK_ERR(ERR_OK, a->e);
    CHECK(a->replayed);
    CHECK_TEXT(id_of(1).text, slice_str(a->job));
    a = submit(w, 3, SLICE("k"), SLICE("other"));
    CHECK_ERR(ERR_EXISTS, a->e);
    CHECK_TEXT(id_of(1).text, slice_str(a->job));
    struct record_job job;
    struct name second = id_of(2);
    CHECK_ERR(ERR_ABSENT, store_read_job(w->store, slice_of(second.text, JOB_ID), &job));
    CHECK(!submit(w, 4, SLICE("k2"), SLICE("f"))->replayed);
}
BOTH(a_known_key_is_the_same_job)

static void check_a_key_counts_per_caller_and_operation(struct world *w)
{
    CHECK_ERR(ERR_OK, submit(w, 1, SLICE("k"), SLICE("f"))->e);
    struct name id = id_of(2);
    struct store_change c = {.job = job_of(&id, JOB_QUEUED, 0), .request = request_of(SLICE("k"), SLICE("f"))};
    c.job.caller = SLICE("spiffe://test/other");
    CHECK(!apply(w, &c)->replayed);
    id = id_of(3);
    c.job.id = slice_of(id.text, JOB_ID);
    c.job.operation = SLICE("print");
    CHECK(!apply(w, &c)->replayed);
}
BOTH(a_key_counts_per_caller_and_operation)

static void check_a_stale_token_changes_nothing(struct world *w)
{
    CHECK_ERR(ERR_OK, submit_plain(w, 1)->e);
    CHECK_ERR(ERR_OK, step(w, 1, JOB_LEASED, 0, 1)->e);
    CHECK_ERR(ERR_OK, step(w, 1, JOB_QUEUED, 1, 1)->e);
    CHECK_ERR(ERR_OK, step(w, 1, JOB_LEASED, 1, 2)->e);
    CHECK_ERR(ERR_STALE, finish(w, 1, 1, SLICE("late"))->e);
    struct name id = id_of(1);
    struct record_job job;
    struct record_result result;
    CHECK_ERR(ERR_OK, store_read_job(w->store, slice_of(id.text, JOB_ID), &job));
    CHECK_INT(JOB_LEASED, job.state);
    CHECK_INT(2, job.token);
    CHECK_ERR(ERR_ABSENT, store_read_result(w->store, slice_of(id.text, JOB_ID), &result));
}
BOTH(a_stale_token_changes_nothing)

static void check_a_job_completes_once(struct world *w)
{
    CHECK_ERR(ERR_ABSENT, step(w, 1, JOB_LEASED, 0, 1)->e);
    CHECK_ERR(ERR_OK, submit_plain(w, 1)->e);
    CHECK_ERR(ERR_STALE, step(w, 1, JOB_DONE, 0, 0)->e);
    CHECK_ERR(ERR_OK, step(w, 1, JOB_LEASED, 0, 1)->e);
    CHECK_ERR(ERR_OK, finish(w, 1, 1, SLICE("first"))->e);
    CHECK_ERR(ERR_STALE, finish(w, 1, 1, SLICE("second"))->e);
    CHECK_ERR(ERR_STALE, step(w, 1, JOB_CANCELLED, 1, 1)->e);
    struct name id = id_of(1);
    struct record_result result;
    CHECK_ERR(ERR_OK, store_read_result(w->store, slice_of(id.text, JOB_ID), &result));
    CHECK_INT(200, result.status);
    CHECK_TEXT("first", result.body);
}
BOTH(a_job_completes_once)

static void check_the_dead_live_again_without_their_result(struct world *w)
{
    struct name id = id_of(1);
    struct record_result result = {.status = 500};
    CHECK_ERR(ERR_OK, submit_plain(w, 1)->e);
    CHECK_ERR(ERR_OK, step(w, 1, JOB_LEASED, 0, 1)->e);
    struct store_change dead = {.job = job_of(&id, JOB_DEAD, 1), .guard = 1, .result = &result};
    CHECK_ERR(ERR_OK, apply(w, &dead)->e);
    CHECK_ERR(ERR_OK, store_read_result(w->store, slice_of(id.text, JOB_ID), &result));
    CHECK_ERR(ERR_OK, step(w, 1, JOB_QUEUED, 1, 1)->e);
    CHECK_ERR(ERR_ABSENT, store_read_result(w->store, slice_of(id.text, JOB_ID), &result));
    store_expire(w->store, 1000000, note, w);
    w->asked++;
    settle(w);
    CHECK_INT(0, w->answers[w->count - 1].count);
}
BOTH(the_dead_live_again_without_their_result)

static void check_what_a_change_leaves_out_stays(struct world *w)
{
    struct name id = id_of(1);
    CHECK_ERR(ERR_OK, submit_plain(w, 1)->e);
    struct store_change c = {.job = job_of(&id, JOB_LEASED, 1), .checkpoint = SLICE("half")};
    c.job.worker = SLICE("spiffe://test/press");
    c.job.progress = SLICE("50");
    CHECK_ERR(ERR_OK, apply(w, &c)->e);
    c = (struct store_change){.job = job_of(&id, JOB_LEASED, 1), .guard = 1};
    c.job.progress = SLICE("60");
    CHECK_ERR(ERR_OK, apply(w, &c)->e);
    struct record_job job;
    struct slice checkpoint;
    CHECK_ERR(ERR_OK, store_read_job(w->store, slice_of(id.text, JOB_ID), &job));
    CHECK_TEXT("spiffe://test/press", job.worker);
    CHECK_TEXT("60", job.progress);
    CHECK_ERR(ERR_OK, store_read_checkpoint(w->store, slice_of(id.text, JOB_ID), &checkpoint));
    CHECK_TEXT("half", checkpoint);
}
BOTH(what_a_change_leaves_out_stays)

struct seen {
    uint64_t ids[256];
    size_t count, most;
};

static bool see(void *arg, const struct record_event *event)
{
    struct seen *s = arg;
    s->ids[s->count++] = event->id;
    return s->count < s->most;
}

static void check_events_come_in_order_from_any_place(struct world *w)
{
    CHECK_ERR(ERR_OK, submit_plain(w, 1)->e);
    CHECK_ERR(ERR_OK, submit_plain(w, 2)->e);
    struct name id = id_of(1);
    for (uint64_t n = 2; n <= 200; n++) {
        struct store_change c = {.job = job_of(&id, JOB_QUEUED, 0), .event = {.name = SLICE("noted")}};
        c.job.events = n;
        CHECK_ERR(ERR_OK, apply(w, &c)->e);
    }
    struct seen all = {.most = 256}, late = {.most = 3}, none = {.most = 256};
    store_read_events(w->store, slice_of(id.text, JOB_ID), 0, see, &all);
    CHECK_INT(200, all.count);
    for (size_t i = 0; i < all.count; i++)
        CHECK_INT(i + 1, all.ids[i]);
    store_read_events(w->store, slice_of(id.text, JOB_ID), 150, see, &late);
    CHECK_INT(3, late.count);
    CHECK_INT(151, late.ids[0]);
    store_read_events(w->store, slice_of(id.text, JOB_ID), 200, see, &none);
    CHECK_INT(0, none.count);
}
BOTH(events_come_in_order_from_any_place)

/* Of any size around those at which a record is cut into rows. */
static void check_a_body_of_any_size_reads_back(struct world *w)
{
    static char body[12000];
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i * 31 % 251);
    unsigned n = 0;
    for (size_t size = 0; size <= sizeof(body); size += size < 3000 ? 61 : 997) {
        struct name id = id_of(++n);
        struct record_request request = *request_of((struct slice){0}, (struct slice){0}), back;
        struct record_result out;
        struct slice kept;
        request.body = slice_of(body, size);
        CHECK_ERR(ERR_OK, apply(w, &(struct store_change){.job = job_of(&id, JOB_QUEUED, 0), .request = &request})->e);
        struct store_change leased = {.job = job_of(&id, JOB_LEASED, 1), .checkpoint = request.body};
        CHECK_ERR(ERR_OK, apply(w, &leased)->e);
        CHECK_ERR(ERR_OK, finish(w, n, 1, request.body)->e);
        CHECK_ERR(ERR_OK, store_read_request(w->store, slice_str(id.text), &back));
        CHECK_SLICE(request.body, back.body);
        CHECK_ERR(ERR_OK, store_read_result(w->store, slice_str(id.text), &out));
        CHECK_SLICE(request.body, out.body);
        CHECK_ERR(ERR_OK, store_read_checkpoint(w->store, slice_str(id.text), &kept));
        CHECK_SLICE(request.body, kept);
    }
}
BOTH(a_body_of_any_size_reads_back)

static void check_changes_are_answered_in_order(struct world *w)
{
    for (unsigned n = 0; n < 500; n++) {
        struct name id = id_of(n);
        struct store_change c = {.job = job_of(&id, JOB_QUEUED, 0),
                                 .request = request_of((struct slice){0}, (struct slice){0})};
        store_apply(w->store, &c, note, w);
    }
    CHECK_INT(0, w->count);
    w->asked = 500;
    settle(w);
    for (unsigned n = 0; n < 500; n++) {
        CHECK_ERR(ERR_OK, w->answers[n].e);
        CHECK_TEXT(id_of(n).text, slice_str(w->answers[n].job));
    }
}
BOTH(changes_are_answered_in_order)

static void check_close_answers_what_is_under_way(struct world *w)
{
    for (unsigned n = 0; n < 10; n++) {
        struct name id = id_of(n);
        struct store_change c = {.job = job_of(&id, JOB_QUEUED, 0),
                                 .request = request_of((struct slice){0}, (struct slice){0})};
        store_apply(w->store, &c, note, w);
    }
    store_close(&w->store);
    CHECK_INT(10, w->count);
    CHECK_ERR(ERR_OK, w->answers[9].e);
}
BOTH(close_answers_what_is_under_way)

static void check_a_list_is_newest_first_in_pages(struct world *w)
{
    for (unsigned n = 0; n < 10; n++)
        CHECK_ERR(ERR_OK, submit_plain(w, n)->e);
    struct store_page page;
    store_list(w->store, &(struct store_list){.limit = 4}, &page);
    CHECK_INT(4, page.count);
    CHECK_TEXT(id_of(9).text, page.jobs[0].id);
    CHECK_TEXT(id_of(6).text, page.jobs[3].id);
    store_list(w->store, &(struct store_list){.limit = 100, .cursor = page.cursor}, &page);
    CHECK_INT(6, page.count);
    CHECK_TEXT(id_of(5).text, page.jobs[0].id);
    CHECK_INT(0, page.cursor.len);
    store_list(w->store, &(struct store_list){.limit = 100, .cursor = SLICE("no cursor of ours")}, &page);
    CHECK_INT(0, page.count);
    CHECK_INT(0, page.cursor.len);
}
BOTH(a_list_is_newest_first_in_pages)

static void check_a_list_has_what_was_asked_for(struct world *w)
{
    for (unsigned n = 0; n < 4; n++)
        CHECK_ERR(ERR_OK, submit_plain(w, n)->e);
    CHECK_ERR(ERR_OK, step(w, 2, JOB_LEASED, 0, 1)->e);
    struct store_page page;
    store_list(w->store, &(struct store_list){.by_state = true, .state = JOB_LEASED, .limit = 10}, &page);
    CHECK_INT(1, page.count);
    CHECK_TEXT(id_of(2).text, page.jobs[0].id);
    store_list(w->store, &(struct store_list){.service = SLICE("orders"), .limit = 10}, &page);
    CHECK_INT(4, page.count);
    store_list(w->store, &(struct store_list){.service = SLICE("others"), .limit = 10}, &page);
    CHECK_INT(0, page.count);
    store_list(w->store, &(struct store_list){.caller = SLICE("spiffe://test/shop"), .limit = 10}, &page);
    CHECK_INT(4, page.count);
    store_list(w->store, &(struct store_list){.caller = SLICE("spiffe://test/sho"), .limit = 10}, &page);
    CHECK_INT(0, page.count);
}
BOTH(a_list_has_what_was_asked_for)

static struct store_answer pay(struct world *w, unsigned n, uint64_t event, const struct record_debt *left)
{
    struct name id = id_of(n);
    store_settle(w->store, slice_str(id.text), event, left, note, w);
    w->asked++;
    settle(w);
    return w->answers[w->count - 1];
}

static bool count_debt(void *arg, struct slice job, const struct record_debt *debt)
{
    (void)job;
    (void)debt;
    ++*(unsigned *)arg;
    return true;
}

static unsigned debts(struct world *w)
{
    unsigned count = 0;
    store_each_debt(w->store, count_debt, &count);
    return count;
}

static void check_an_end_that_calls_back_is_owed_until_it_is_paid(struct world *w)
{
    for (unsigned n = 1; n <= 2; n++) {
        struct name id = id_of(n);
        struct store_change c = {.job = job_of(&id, JOB_QUEUED, 0),
                                 .request = request_of((struct slice){0}, (struct slice){0})};
        c.job.traits = n == 1 ? JOB_CALLS_BACK : 0;
        CHECK_ERR(ERR_OK, apply(w, &c)->e);
    }
    CHECK_INT(0, debts(w));
    uint64_t event = 0;
    for (unsigned n = 1; n <= 2; n++) {
        struct name id = id_of(n);
        struct store_change c = {.job = job_of(&id, JOB_CANCELLED, 0)};
        c.job.traits = n == 1 ? JOB_CALLS_BACK : 0;
        event = c.job.events;
        CHECK_ERR(ERR_OK, apply(w, &c)->e);
    }
    CHECK_INT(1, debts(w));
    struct record_debt left = {.event = event, .tries = 3, .due_ms = 99, .dead = true, .reason = SLICE("no")}, got;
    CHECK_ERR(ERR_STALE, pay(w, 1, event + 1, NULL).e);
    CHECK_ERR(ERR_ABSENT, pay(w, 2, event, NULL).e);
    CHECK_ERR(ERR_OK, pay(w, 1, event, &left).e);
    struct name id = id_of(1);
    CHECK_ERR(ERR_OK, store_read_debt(w->store, slice_str(id.text), &got));
    CHECK_INT(3, got.tries);
    CHECK_INT(99, got.due_ms);
    CHECK(got.dead);
    CHECK_TEXT("no", got.reason);
    CHECK_ERR(ERR_OK, pay(w, 1, event, NULL).e);
    CHECK_INT(0, debts(w));
}
BOTH(an_end_that_calls_back_is_owed_until_it_is_paid)

/* What is told of needs, one letter each: ask, answer, Add, Drop. */
struct needs {
    char steps[64];
    uint64_t bytes; /* that are needed */
};

static void note_need(void *arg, const struct store_need *need)
{
    struct needs *n = arg;
    size_t used = strlen(n->steps);
    snprintf(n->steps + used, sizeof(n->steps) - used, "%c", "qaAD"[need->step]);
    if (need->step == STORE_NEED_ADDED || need->step == STORE_NEED_DROPPED) {
        CHECK_INT(32, need->digest.len);
        CHECK_TEXT("spiffe://test/shop", need->caller);
        n->bytes += need->step == STORE_NEED_ADDED ? need->size : (uint64_t)0 - need->size;
    }
}

static struct record_blob blob_of(char with, uint64_t size)
{
    static char digests[256][32];
    memset(digests[(uint8_t)with], with, 32);
    return (struct record_blob){slice_of(digests[(uint8_t)with], 32), size};
}

static const struct store_answer *submit_blob(struct world *w, unsigned n, struct record_blob blob)
{
    struct name id = id_of(n);
    struct record_request request = {.method = SLICE("POST"), .path = SLICE("/"), .blob = blob};
    struct store_change c = {.job = job_of(&id, JOB_QUEUED, 0), .request = &request};
    c.job.traits = JOB_HAS_BLOBS;
    return apply(w, &c);
}

static const struct store_answer *end_blob(struct world *w, unsigned n, enum job_state state, struct record_blob blob)
{
    struct name id = id_of(n);
    struct record_result result = {.status = 200, .blob = blob};
    struct store_change c = {.job = job_of(&id, state, 1), .guard = 1, .result = &result};
    c.job.traits = JOB_HAS_BLOBS;
    return apply(w, &c);
}

static void check_who_needs_a_blob_is_told_in_the_order_of_changes(struct world *w)
{
    struct needs n = {0}, all = {0};
    struct record_request request;
    struct record_result result;
    struct name id = id_of(1);
    store_watch_needs(w->store, note_need, &n);
    CHECK_ERR(ERR_OK, submit_blob(w, 1, blob_of('p', 1000))->e);
    CHECK_TEXT("qAa", slice_str(n.steps));
    CHECK_ERR(ERR_OK, submit_blob(w, 2, blob_of('p', 1000))->e);
    CHECK_INT(2000, n.bytes);
    CHECK_ERR(ERR_STALE, submit_blob(w, 2, blob_of('x', 1))->e); /* refused: nothing but the asking */
    CHECK_TEXT("qAaqAaqa", slice_str(n.steps));
    CHECK_ERR(ERR_OK, store_read_request(w->store, slice_str(id.text), &request));
    CHECK_SLICE(blob_of('p', 0).digest, request.blob.digest);
    CHECK_INT(1000, request.blob.size);
    n.steps[0] = 0;
    for (unsigned i = 1; i <= 2; i++)
        step(w, i, JOB_LEASED, 0, 1);
    CHECK_TEXT("", slice_str(n.steps));
    CHECK_ERR(ERR_OK, end_blob(w, 1, JOB_DONE, blob_of('r', 30))->e);
    CHECK_ERR(ERR_OK, end_blob(w, 2, JOB_DEAD, blob_of('s', 4))->e);
    CHECK_TEXT("qAaqAa", slice_str(n.steps));
    CHECK_INT(2034, n.bytes);
    CHECK_ERR(ERR_OK, store_read_result(w->store, slice_str(id.text), &result));
    CHECK_INT(30, result.blob.size);
    store_each_need(w->store, note_need, &all);
    CHECK_TEXT("AAAA", slice_str(all.steps));
    CHECK_INT(2034, all.bytes);
    n.steps[0] = 0;
    struct name second = id_of(2);
    struct store_change again = {.job = job_of(&second, JOB_QUEUED, 1), .guard = 1};
    again.job.traits = JOB_HAS_BLOBS;
    CHECK_ERR(ERR_OK, apply(w, &again)->e); /* from dead: its result is no more */
    CHECK_TEXT("D", slice_str(n.steps));
    CHECK_INT(2030, n.bytes);
    store_expire(w->store, 6000, note, w);
    w->asked++;
    settle(w);
    CHECK_TEXT("DDD", slice_str(n.steps));
    CHECK_INT(1000, n.bytes);
    all = (struct needs){0};
    store_each_need(w->store, note_need, &all);
    CHECK_TEXT("A", slice_str(all.steps));
    store_watch_needs(w->store, NULL, NULL);
}
BOTH(who_needs_a_blob_is_told_in_the_order_of_changes)

static void check_another_result_lets_the_former_blob_go(struct world *w)
{
    struct needs n = {0};
    CHECK_ERR(ERR_OK, submit_plain(w, 1)->e);
    step(w, 1, JOB_LEASED, 0, 1);
    store_watch_needs(w->store, note_need, &n);
    CHECK_ERR(ERR_OK, end_blob(w, 1, JOB_QUEUED, blob_of('r', 30))->e);
    step(w, 1, JOB_LEASED, 1, 1);
    CHECK_ERR(ERR_OK, end_blob(w, 1, JOB_QUEUED, blob_of('r', 30))->e); /* the same */
    CHECK_INT(30, n.bytes);
    step(w, 1, JOB_LEASED, 1, 1);
    CHECK_ERR(ERR_OK, end_blob(w, 1, JOB_DONE, (struct record_blob){0})->e);
    CHECK_TEXT("qAaqaD", slice_str(n.steps));
    CHECK_INT(0, n.bytes);
    store_watch_needs(w->store, NULL, NULL);
}
BOTH(another_result_lets_the_former_blob_go)

static void check_a_plan_needs_its_blob_until_it_is_another_or_none(struct world *w)
{
    struct needs n = {0};
    char key[SCHEDULE_KEY] = {1};
    struct slice k = slice_of(key, sizeof(key));
    struct schedule plan = {.caller = SLICE("spiffe://test/shop"), .name = SLICE("n"), .cron = SLICE("@daily")};
    struct record_request one = {.method = SLICE("POST"), .path = SLICE("/"), .blob = blob_of('1', 10)}, two = one;
    two.blob = blob_of('2', 20);
    store_watch_needs(w->store, note_need, &n);
    store_put_schedule(w->store, k, &plan, &one, note, w);
    store_put_schedule(w->store, k, &plan, NULL, note, w); /* it goes on */
    w->asked += 2;
    settle(w);
    CHECK_INT(10, n.bytes);
    store_put_schedule(w->store, k, &plan, &two, note, w);
    w->asked++;
    settle(w);
    CHECK_INT(20, n.bytes);
    store_put_schedule(w->store, k, NULL, NULL, note, w);
    w->asked++;
    settle(w);
    CHECK_TEXT("qAaqDAaD", slice_str(n.steps));
    CHECK_INT(0, n.bytes);
    store_watch_needs(w->store, NULL, NULL);
}
BOTH(a_plan_needs_its_blob_until_it_is_another_or_none)

static const struct store_answer *submit_three(struct world *w, struct slice key_of_second)
{
    struct name ids[3] = {id_of(11), id_of(12), id_of(13)};
    struct record_request requests[3];
    struct store_change changes[3];
    void *args[3] = {w, w, w};
    for (size_t i = 0; i < 3; i++) {
        requests[i] = *request_of(i == 1 ? key_of_second : (struct slice){0}, SLICE("mine"));
        changes[i] = (struct store_change){.job = job_of(&ids[i], JOB_QUEUED, 0), .request = &requests[i]};
    }
    size_t before = w->count;
    store_submit_all(w->store, changes, 3, note, args);
    w->asked += 3;
    settle(w);
    return &w->answers[before];
}

static void check_many_are_stored_all_or_not_at_all(struct world *w)
{
    struct record_job r;
    CHECK_ERR(ERR_OK, submit(w, 1, SLICE("k"), SLICE("other"))->e);
    const struct store_answer *answers = submit_three(w, SLICE("k"));
    CHECK_ERR(ERR_CLOSED, answers[0].e);
    CHECK_ERR(ERR_EXISTS, answers[1].e);
    CHECK_ERR(ERR_CLOSED, answers[2].e);
    for (unsigned n = 11; n <= 13; n++)
        CHECK_ERR(ERR_ABSENT, store_read_job(w->store, slice_str(id_of(n).text), &r));
    answers = submit_three(w, SLICE("free"));
    for (unsigned n = 11; n <= 13; n++) {
        CHECK_ERR(ERR_OK, answers[n - 11].e);
        CHECK(!answers[n - 11].replayed);
        CHECK_ERR(ERR_OK, store_read_job(w->store, slice_str(id_of(n).text), &r));
    }
}
BOTH(many_are_stored_all_or_not_at_all)

/* Live and over lie apart; a list shows them together. */
static void check_a_list_has_the_live_and_the_over_in_one_order(struct world *w)
{
    for (unsigned n = 0; n < 9; n++)
        CHECK_ERR(ERR_OK, submit_plain(w, n)->e);
    for (unsigned n = 0; n < 9; n += n == 3 ? 1 : 3)
        CHECK_ERR(ERR_OK, step(w, n, JOB_CANCELLED, 0, 0)->e);
    struct slice cursor = {0};
    for (unsigned n = 9; n > 0; n -= 3) {
        struct store_page page;
        store_list(w->store, &(struct store_list){.limit = 3, .cursor = cursor}, &page);
        CHECK_INT(3, page.count);
        for (unsigned i = 0; i < 3; i++)
            CHECK_TEXT(id_of(n - 1 - i).text, page.jobs[i].id);
        cursor = page.cursor;
    }
    CHECK_INT(JOB_ID, cursor.len);
}
BOTH(a_list_has_the_live_and_the_over_in_one_order)

static size_t expire(struct world *w, int64_t before_ms)
{
    store_expire(w->store, before_ms, note, w);
    w->asked++;
    settle(w);
    CHECK_ERR(ERR_OK, w->answers[w->count - 1].e);
    return w->answers[w->count - 1].count;
}

static void check_ended_jobs_expire_with_all_they_had(struct world *w)
{
    CHECK_ERR(ERR_OK, submit(w, 1, SLICE("k"), SLICE("f"))->e);
    CHECK_ERR(ERR_OK, submit_plain(w, 2)->e);
    CHECK_ERR(ERR_OK, step(w, 1, JOB_LEASED, 0, 1)->e);
    CHECK_ERR(ERR_OK, finish(w, 1, 1, SLICE("out"))->e);
    CHECK_INT(0, expire(w, 5000));
    CHECK_INT(1, expire(w, 5001));
    CHECK_INT(0, expire(w, 5001));
    struct name id = id_of(1);
    struct record_job job;
    struct record_request request;
    struct record_result result;
    struct seen events = {.most = 10};
    CHECK_ERR(ERR_ABSENT, store_read_job(w->store, slice_of(id.text, JOB_ID), &job));
    CHECK_ERR(ERR_ABSENT, store_read_request(w->store, slice_of(id.text, JOB_ID), &request));
    CHECK_ERR(ERR_ABSENT, store_read_result(w->store, slice_of(id.text, JOB_ID), &result));
    store_read_events(w->store, slice_of(id.text, JOB_ID), 0, see, &events);
    CHECK_INT(0, events.count);
    const struct store_answer *a = submit(w, 3, SLICE("k"), SLICE("anything"));
    CHECK_ERR(ERR_OK, a->e);
    CHECK(!a->replayed);
}
BOTH(ended_jobs_expire_with_all_they_had)

static void check_expiry_goes_in_bounded_steps(struct world *w)
{
    for (unsigned n = 0; n < STORE_EXPIRE_MOST + 5; n++) {
        CHECK_ERR(ERR_OK, submit_plain(w, n)->e);
        CHECK_ERR(ERR_OK, step(w, n, JOB_CANCELLED, 0, 0)->e);
    }
    CHECK_INT(STORE_EXPIRE_MOST, expire(w, 9999));
    CHECK_INT(5, expire(w, 9999));
}
BOTH(expiry_goes_in_bounded_steps)

static void put_contract(struct world *w, unsigned n)
{
    char digest[32] = {(char)(n >> 8), (char)n};
    char text[16];
    snprintf(text, sizeof(text), "contract %u", n);
    store_put_contract(w->store, slice_of(digest, sizeof(digest)), slice_str(text), note, w);
    w->asked++;
}

static enum err read_contract(struct world *w, unsigned n, struct slice *text)
{
    char digest[32] = {(char)(n >> 8), (char)n};
    return store_read_contract(w->store, slice_of(digest, sizeof(digest)), text);
}

static void check_a_thousand_contracts_are_kept(struct world *w)
{
    struct slice text;
    for (unsigned n = 0; n < STORE_CONTRACTS; n++)
        put_contract(w, n);
    put_contract(w, 0); /* is now the youngest */
    put_contract(w, STORE_CONTRACTS);
    settle(w);
    CHECK_ERR(ERR_OK, read_contract(w, 0, &text));
    CHECK_TEXT("contract 0", text);
    CHECK_ERR(ERR_ABSENT, read_contract(w, 1, &text));
    CHECK_ERR(ERR_OK, read_contract(w, 2, &text));
    CHECK_ERR(ERR_OK, read_contract(w, STORE_CONTRACTS, &text));
}
BOTH(a_thousand_contracts_are_kept)

/* Recovery. */

struct start {
    struct job_table jobs;
    struct lease_table leases;
    struct queue queue;
    struct recover_count count;
};

static struct queue *only_queue(void *arg, const struct record_job *job)
{
    CHECK_TEXT("orders", job->service);
    return arg;
}

static void start_from(struct start *s, struct world *w)
{
    *s = (struct start){0};
    lease_table_init(&s->leases);
    queue_init(&s->queue, &(struct queue_bounds){.jobs = 1});
    struct recover_into into = {&s->jobs, &s->leases, only_queue, NULL, &s->queue, 77};
    recover_all(w->store, &into, &s->count);
}

static void stop(struct start *s)
{
    size_t at = 0;
    for (struct job *j = job_next(&s->jobs, &at); j; j = job_next(&s->jobs, &at)) {
        queue_remove(&s->queue, j);
        queue_forget(&s->queue, job_caller(j), j->size);
    }
    queue_fini(&s->queue);
    lease_table_fini(&s->leases);
    job_table_fini(&s->jobs);
}

static void make_one_of_each(struct world *w)
{
    for (unsigned n = 1; n <= 4; n++)
        CHECK_ERR(ERR_OK, submit_plain(w, n)->e);
    CHECK_ERR(ERR_OK, step(w, 2, JOB_LEASED, 0, 1)->e);
    CHECK_ERR(ERR_OK, step(w, 3, JOB_LEASED, 0, 1)->e);
    CHECK_ERR(ERR_OK, step(w, 3, JOB_DELAYED, 1, 1)->e);
    CHECK_ERR(ERR_OK, step(w, 4, JOB_LEASED, 0, 1)->e);
    CHECK_ERR(ERR_OK, finish(w, 4, 1, SLICE("out"))->e);
}

static void check_start(struct world *w)
{
    struct start s;
    start_from(&s, w);
    CHECK_INT(1, s.count.queued);
    CHECK_INT(1, s.count.leased);
    CHECK_INT(1, s.count.delayed);
    CHECK_INT(0, s.count.damaged);
    CHECK_TEXT(id_of(1).text, slice_str(queue_first(&s.queue)->id));
    CHECK_INT(3, queue_live(&s.queue, SLICE("spiffe://test/shop")));
    struct name leased = id_of(2);
    const struct lease *l = lease_find(&s.leases, slice_of(leased.text, JOB_ID));
    CHECK(l != NULL);
    CHECK_INT(1, l->token);
    CHECK_INT(LEASE_NOBODY, l->worker);
    CHECK_INT(77, l->until_us);
    stop(&s);
}

static void check_live_jobs_come_back_at_start(struct world *w)
{
    make_one_of_each(w);
    check_start(w);
}
BOTH(live_jobs_come_back_at_start)

static void check_many_live_jobs_come_back_oldest_first(struct world *w)
{
    for (unsigned n = 0; n < 200; n++)
        CHECK_ERR(ERR_OK, submit_plain(w, n)->e);
    struct start s;
    start_from(&s, w);
    CHECK_INT(200, s.count.queued);
    for (unsigned n = 0; n < 200; n++)
        CHECK_TEXT(id_of(n).text, slice_str(queue_take(&s.queue)->id));
    stop(&s);
}
BOTH(many_live_jobs_come_back_oldest_first)

/* Only on disk. */

static void reopen(struct world *w)
{
    store_close(&w->store);
    open_lmdb(w);
}

TEST(a_closed_store_opens_with_all_it_had)
{
    struct world *w = world_new();
    open_lmdb(w);
    make_one_of_each(w);
    CHECK_ERR(ERR_OK, submit(w, 5, SLICE("k"), SLICE("f"))->e);
    CHECK_ERR(ERR_OK, step(w, 5, JOB_CANCELLED, 0, 0)->e);
    reopen(w);
    check_start(w);
    CHECK(submit(w, 6, SLICE("k"), SLICE("f"))->replayed);
    struct name id = id_of(4);
    struct record_result result;
    CHECK_ERR(ERR_OK, store_read_result(w->store, slice_of(id.text, JOB_ID), &result));
    CHECK_TEXT("out", result.body);
    world_free(w);
}

TEST(two_brokers_never_share_a_folder)
{
    struct world *w = world_new();
    struct store *second = NULL;
    const char *why = "";
    open_lmdb(w);
    CHECK_ERR(ERR_IO, store_lmdb_open(w->loop, &w->conf, &second, &why));
    CHECK_TEXT("another broker uses this folder", slice_str(why));
    world_free(w);
}

/* As the tables were named once. */
static void make_old_layout(const char *folder)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi live;
    CHECK(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 1) == 0 && mdb_env_open(env, folder, 0, 0600) == 0);
    CHECK(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, "live", MDB_CREATE, &live) == 0);
    CHECK(mdb_txn_commit(txn) == 0);
    mdb_env_close(env);
}

TEST(a_folder_of_an_older_layout_is_refused)
{
    struct world *w = world_new();
    const char *why = "";
    make_old_layout(w->folder);
    w->conf.folder = w->folder;
    CHECK_ERR(ERR_IO, store_lmdb_open(w->loop, &w->conf, &w->store, &why));
    CHECK_TEXT("it was written by a weft that stored jobs otherwise: let that one finish them", slice_str(why));
    w->store = NULL;
    world_free(w);
}

/* The child writes the number of every answered job into the pipe, and dies in the middle. */
struct crash {
    struct world *w;
    int out;
    unsigned next, answered, last;
};

static void report(void *arg, const struct store_answer *answer)
{
    struct crash *c = arg;
    unsigned n = c->answered++;
    if (answer->e != ERR_OK || write(c->out, &n, sizeof(n)) != sizeof(n))
        _exit(2);
    if (c->answered == c->last)
        _exit(0);
}

static _Noreturn void crash_after(struct world *w, int out, unsigned first, unsigned last)
{
    struct crash c = {.w = w, .out = out, .next = first, .answered = first, .last = last};
    open_lmdb(w);
    for (;;) {
        for (unsigned i = 0; i < 7; i++) {
            struct name id = id_of(c.next++);
            struct store_change change = {.job = job_of(&id, JOB_QUEUED, 0),
                                          .request = request_of((struct slice){0}, (struct slice){0})};
            store_apply(w->store, &change, report, &c);
        }
        loop_turn(w->loop, true);
    }
}

static unsigned read_reports(int in, unsigned known)
{
    for (unsigned n; read(in, &n, sizeof(n)) == sizeof(n);)
        known = n + 1;
    return known;
}

TEST(a_killed_broker_loses_nothing_acknowledged)
{
    struct world *w = world_new();
    w->conf.batch = 5;
    for (unsigned round = 0; round < 8; round++) {
        int ends[2];
        CHECK(pipe(ends) == 0);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            crash_after(w, ends[1], 1000 * round, 1000 * round + 23 + 11 * round);
        (void)close(ends[1]);
        unsigned acknowledged = read_reports(ends[0], 0);
        (void)close(ends[0]);
        int status;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK_INT(1000 * round + 23 + 11 * round, acknowledged);
        open_lmdb(w);
        for (unsigned n = 1000 * round; n < acknowledged; n++) {
            struct name id = id_of(n);
            struct record_request request;
            CHECK_ERR(ERR_OK, store_read_request(w->store, slice_of(id.text, JOB_ID), &request));
            CHECK_TEXT("the body", request.body);
        }
        store_close(&w->store);
    }
    world_free(w);
}

static enum err submit_big(struct world *w, unsigned n, size_t size)
{
    char *body = mem_new(size);
    struct name id = id_of(n);
    struct record_request request = *request_of((struct slice){0}, (struct slice){0});
    request.body = slice_of(body, size);
    enum err e = apply(w, &(struct store_change){.job = job_of(&id, JOB_QUEUED, 0), .request = &request})->e;
    mem_free(body);
    return e;
}

/* Turns over one byte of every place where `text` stands in the file; gives back how many. */
static unsigned damage_in(const struct world *w, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", w->folder, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    off_t size = lseek(fd, 0, SEEK_END);
    char *bytes = mem_new((size_t)size);
    CHECK(pread(fd, bytes, (size_t)size, 0) == size);
    unsigned found = 0;
    for (off_t at = 0; at + (off_t)strlen(text) <= size; at++) {
        if (memcmp(bytes + at, text, strlen(text)) != 0)
            continue;
        found++;
        char other = (char)(bytes[at] ^ 1);
        CHECK(pwrite(fd, &other, 1, at) == 1);
    }
    mem_free(bytes);
    (void)close(fd);
    return found;
}

static unsigned damage(const struct world *w, const char *text)
{
    return damage_in(w, "data.mdb", text);
}

/* Three jobs in a folder whose broker was killed: they are in the journal. */
static void leave_killed(struct world *w)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        open_lmdb(w);
        bool good = submit_plain(w, 1)->e == ERR_OK && submit(w, 2, SLICE("a key of it"), SLICE("f"))->e == ERR_OK &&
                    submit_plain(w, 3)->e == ERR_OK;
        _exit(good ? 0 : 1);
    }
    CHECK_INT(child, waitpid(child, &status, 0));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(a_journal_is_played_and_begins_anew)
{
    struct world *w = world_new();
    leave_killed(w);
    for (unsigned round = 0; round < 3; round++) {
        struct start s;
        open_lmdb(w);
        start_from(&s, w);
        CHECK_INT(3, s.count.queued);
        stop(&s);
        CHECK(submit(w, 9, SLICE("a key of it"), SLICE("f"))->replayed);
        store_close(&w->store);
    }
    world_free(w);
}

TEST(a_journal_that_is_damaged_in_the_middle_is_refused)
{
    struct world *w = world_new();
    const char *why = "";
    leave_killed(w);
    CHECK(damage_in(w, "journal", "a key of it") > 0);
    w->conf.folder = w->folder;
    CHECK_ERR(ERR_IO, store_lmdb_open(w->loop, &w->conf, &w->store, &why));
    CHECK_TEXT("its journal is damaged in the middle: go back to a backup", slice_str(why));
    w->store = NULL;
    world_free(w);
}

/* As when an older state of the folder is put back, but for its journal. */
TEST(a_journal_of_another_database_is_not_played)
{
    struct world *w = world_new(), *other = world_new();
    char command[256];
    struct start s;
    leave_killed(w);
    open_lmdb(other);
    CHECK_ERR(ERR_OK, submit_plain(other, 7)->e);
    store_close(&other->store);
    snprintf(command, sizeof(command), "cp %s/data.mdb %s/data.mdb", other->folder, w->folder);
    CHECK_INT(0, system(command));
    open_lmdb(w);
    start_from(&s, w);
    CHECK_INT(1, s.count.queued);
    CHECK_TEXT(id_of(7).text, slice_str(queue_first(&s.queue)->id));
    stop(&s);
    world_free(other);
    world_free(w);
}

/* An entry that no journal has room for is flushed with the database itself. */
TEST(a_change_may_be_larger_than_the_journal)
{
    struct world *w = world_new();
    struct store_stats before, after;
    struct record_request request;
    open_lmdb(w);
    store_stats(w->store, &before);
    CHECK_ERR(ERR_OK, submit_big(w, 1, LMDB_JOURNAL + 100));
    store_stats(w->store, &after);
    CHECK_INT(before.flushes + 2, after.flushes);
    CHECK_ERR(ERR_OK, submit_big(w, 2, 100));
    store_stats(w->store, &after);
    CHECK_INT(before.flushes + 3, after.flushes);
    struct name id = id_of(1);
    CHECK_ERR(ERR_OK, store_read_request(w->store, slice_str(id.text), &request));
    CHECK_INT(LMDB_JOURNAL + 100, request.body.len);
    world_free(w);
}

TEST(a_damaged_record_is_reported_and_left_out)
{
    struct world *w = world_new();
    open_lmdb(w);
    CHECK_ERR(ERR_OK, submit_plain(w, 1)->e);
    struct name id = id_of(2);
    struct store_change c = {.job = job_of(&id, JOB_QUEUED, 0),
                             .request = request_of((struct slice){0}, (struct slice){0})};
    c.job.reason = SLICE("a text that stands nowhere else");
    CHECK_ERR(ERR_OK, apply(w, &c)->e);
    CHECK_ERR(ERR_OK, submit_plain(w, 3)->e);
    store_close(&w->store);
    CHECK(damage(w, "a text that stands nowhere else") > 0);
    open_lmdb(w);
    struct start s;
    start_from(&s, w);
    CHECK_INT(2, s.count.queued);
    CHECK_INT(1, s.count.damaged);
    stop(&s);
    struct record_job job;
    CHECK_ERR(ERR_PEER, store_read_job(w->store, slice_of(id.text, JOB_ID), &job));
    struct store_stats stats;
    store_stats(w->store, &stats);
    CHECK_INT(2, stats.damaged);
    CHECK_ERR(ERR_PEER, step(w, 2, JOB_LEASED, 0, 1)->e);
    CHECK_ERR(ERR_OK, step(w, 3, JOB_LEASED, 0, 1)->e);
    world_free(w);
}

/* Submits with a body of `size` until one is refused; gives back how many were taken. */
static unsigned fill(struct world *w, size_t size)
{
    struct store_stats stats;
    unsigned n = 0;
    enum err e = submit_big(w, n, size);
    while (e == ERR_OK)
        e = submit_big(w, ++n, size);
    CHECK_ERR(ERR_FULL, e);
    store_stats(w->store, &stats);
    CHECK(stats.full);
    return n;
}

static void check_a_full_store_works_on(struct world *w, unsigned taken)
{
    struct store_stats stats;
    struct record_request request;
    struct name first = id_of(0);
    for (unsigned n = 0; n < taken; n++) {
        CHECK_ERR(ERR_OK, step(w, n, JOB_LEASED, 0, 1)->e);
        CHECK_ERR(ERR_OK, finish(w, n, 1, SLICE("out"))->e);
    }
    CHECK_ERR(ERR_OK, store_read_request(w->store, slice_of(first.text, JOB_ID), &request));
    CHECK_INT(100000, request.body.len);
    CHECK_ERR(ERR_FULL, submit_big(w, 5000, 100000));
    while (expire(w, 9999) > 0)
        ;
    CHECK_ERR(ERR_OK, submit_big(w, 5001, 100000));
    store_stats(w->store, &stats);
    CHECK(!stats.full);
}

TEST(a_full_map_refuses_submits_only)
{
    struct world *w = world_new();
    w->conf.map_size = 1 << 20;
    w->conf.max_map_size = 16 << 20;
    open_lmdb(w);
    CHECK_ERR(ERR_OK, submit(w, 6000, SLICE("k"), SLICE("f"))->e);
    unsigned taken = fill(w, 100000);
    /* Half of the map is the reserve; a body of 100,000 takes 25 pages. */
    CHECK(taken > 60 && taken < 84);
    CHECK(submit(w, 6001, SLICE("k"), SLICE("f"))->replayed);
    check_a_full_store_works_on(w, taken);
    world_free(w);
}

TEST(a_used_up_reserve_still_lets_jobs_expire)
{
    struct world *w = world_new();
    w->conf.map_size = 16 << 20;
    w->conf.max_map_size = 16 << 20;
    open_lmdb(w);
    unsigned taken = fill(w, 20000);
    char *big = mem_new(500000);
    enum err e = ERR_OK;
    unsigned done = 0;
    for (; done < taken && e == ERR_OK; done++) {
        CHECK_ERR(ERR_OK, step(w, done, JOB_LEASED, 0, 1)->e);
        e = finish(w, done, 1, slice_of(big, 500000))->e;
    }
    mem_free(big);
    CHECK_ERR(ERR_FULL, e);
    CHECK(expire(w, 9999) > 0);
    CHECK_ERR(ERR_OK, finish(w, done - 1, 1, SLICE("out"))->e);
    world_free(w);
}

/* A file that may not grow is what a full disk is to the store. */
TEST(a_full_disk_refuses_submits_only)
{
    struct world *w = world_new();
    struct rlimit before, small;
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    open_lmdb(w);
    small = (struct rlimit){16 << 20, before.rlim_max};
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    unsigned taken = fill(w, 100000);
    CHECK(taken > 40 && taken < 84);
    check_a_full_store_works_on(w, taken);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    world_free(w);
}

/* In a process of its own, as the command is: LMDB opens a file once per process. */
static enum err back_up(const struct world *from, const struct world *to)
{
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct lmdb_copy done = {0};
        const char *why;
        enum err e = lmdb_copy_backup(from->folder, to->folder, &done, &why);
        _exit(e == ERR_OK && done.after >= done.before ? ERR_INPUT : (int)e);
    }
    CHECK_INT(pid, waitpid(pid, &status, 0));
    CHECK(WIFEXITED(status));
    return (enum err)WEXITSTATUS(status);
}

/* While the store runs: what was acknowledged by then is in it. */
TEST(a_backup_is_a_store_of_its_own)
{
    struct world *w = world_new(), *copy = world_new();
    struct record_job job;
    struct name id = id_of(3);
    CHECK_ERR(ERR_ABSENT, back_up(copy, copy));
    open_lmdb(w);
    for (unsigned n = 0; n < 4; n++)
        CHECK_ERR(ERR_OK, submit_plain(w, n)->e);
    CHECK_ERR(ERR_OK, back_up(w, copy));
    CHECK_ERR(ERR_EXISTS, back_up(w, copy));
    CHECK_ERR(ERR_OK, submit_plain(w, 4)->e);
    open_lmdb(copy);
    CHECK_ERR(ERR_OK, store_read_job(copy->store, slice_of(id.text, JOB_ID), &job));
    id = id_of(4);
    CHECK_ERR(ERR_ABSENT, store_read_job(copy->store, slice_of(id.text, JOB_ID), &job));
    CHECK_ERR(ERR_OK, submit_plain(copy, 5)->e);
    world_free(copy);
    world_free(w);
}

TEST(a_killed_store_is_copied_with_what_is_in_its_journal)
{
    struct world *w = world_new(), *copy = world_new();
    struct lmdb_copy done;
    const char *why = "";
    struct start s;
    leave_killed(w);
    CHECK_ERR(ERR_OK, back_up(w, copy));
    open_lmdb(copy);
    start_from(&s, copy);
    CHECK_INT(3, s.count.queued);
    stop(&s);
    store_close(&copy->store);
    remove_file(w, "data.mdb");
    remove_file(w, "journal");
    leave_killed(w);
    CHECK_ERR(ERR_OK, lmdb_copy_compact(w->folder, &done, &why));
    open_lmdb(w);
    start_from(&s, w);
    CHECK_INT(3, s.count.queued);
    stop(&s);
    world_free(copy);
    world_free(w);
}

TEST(a_compact_store_has_all_it_had_and_no_more)
{
    struct world *w = world_new();
    struct lmdb_copy done;
    struct record_job job;
    struct name id = id_of(0);
    const char *why = "";
    open_lmdb(w);
    CHECK_ERR(ERR_OK, submit_plain(w, 0)->e);
    for (unsigned n = 1; n < 40; n++)
        CHECK_ERR(ERR_OK, submit_big(w, n, 100000));
    CHECK_ERR(ERR_FULL, lmdb_copy_compact(w->folder, &done, &why));
    CHECK_TEXT("a broker runs on it: stop it first", slice_str(why));
    store_close(&w->store);
    CHECK_ERR(ERR_OK, lmdb_copy_compact(w->folder, &done, &why));
    CHECK(done.after >= 39 * 100000 && done.after < 45 * 100000);
    open_lmdb(w);
    CHECK_ERR(ERR_OK, store_read_job(w->store, slice_of(id.text, JOB_ID), &job));
    world_free(w);
}

TESTS_BEGIN()
RUN_BOTH(a_new_job_reads_back_whole)
RUN_BOTH(a_known_key_is_the_same_job)
RUN_BOTH(a_key_counts_per_caller_and_operation)
RUN_BOTH(a_stale_token_changes_nothing)
RUN_BOTH(a_job_completes_once)
RUN_BOTH(the_dead_live_again_without_their_result)
RUN_BOTH(what_a_change_leaves_out_stays)
RUN_BOTH(events_come_in_order_from_any_place)
RUN_BOTH(a_body_of_any_size_reads_back)
RUN_BOTH(changes_are_answered_in_order)
RUN_BOTH(close_answers_what_is_under_way)
RUN_BOTH(a_list_is_newest_first_in_pages)
RUN_BOTH(a_list_has_what_was_asked_for)
RUN_BOTH(a_list_has_the_live_and_the_over_in_one_order)
RUN_BOTH(ended_jobs_expire_with_all_they_had)
RUN_BOTH(an_end_that_calls_back_is_owed_until_it_is_paid)
RUN_BOTH(who_needs_a_blob_is_told_in_the_order_of_changes)
RUN_BOTH(another_result_lets_the_former_blob_go)
RUN_BOTH(a_plan_needs_its_blob_until_it_is_another_or_none)
RUN_BOTH(many_are_stored_all_or_not_at_all)
RUN_BOTH(expiry_goes_in_bounded_steps)
RUN_BOTH(a_thousand_contracts_are_kept)
RUN_BOTH(live_jobs_come_back_at_start)
RUN_BOTH(many_live_jobs_come_back_oldest_first)
TESTS_RUN(a_closed_store_opens_with_all_it_had)
TESTS_RUN(two_brokers_never_share_a_folder)
TESTS_RUN(a_folder_of_an_older_layout_is_refused)
TESTS_RUN(a_killed_broker_loses_nothing_acknowledged)
TESTS_RUN(a_journal_is_played_and_begins_anew)
TESTS_RUN(a_journal_that_is_damaged_in_the_middle_is_refused)
TESTS_RUN(a_journal_of_another_database_is_not_played)
TESTS_RUN(a_change_may_be_larger_than_the_journal)
TESTS_RUN(a_damaged_record_is_reported_and_left_out)
TESTS_RUN(a_full_map_refuses_submits_only)
TESTS_RUN(a_used_up_reserve_still_lets_jobs_expire)
TESTS_RUN(a_full_disk_refuses_submits_only)
TESTS_RUN(a_backup_is_a_store_of_its_own)
TESTS_RUN(a_killed_store_is_copied_with_what_is_in_its_journal)
TESTS_RUN(a_compact_store_has_all_it_had_and_no_more)
TESTS_END()
