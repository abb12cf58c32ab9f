#include "proxy/accord.h"

#include <sched.h>
#include <stdio.h>

#include "base/json_out.h"
#include "base/mem.h"
#include "tests/unit/proxy/stage.h"

static struct loop *loop;
static struct due_clock *due_clock;
static struct accord *accord;

static void begin(void)
{
    loop = loop_new();
    due_clock = due_clock_new(loop);
    accord = accord_new(loop, due_clock);
}

static void end(void)
{
    accord_free(&accord);
    due_clock_free(&due_clock);
    loop_free(&loop);
}

static struct contract *numbered(int n)
{
    char text[2048];
    (void)snprintf(text, sizeof(text), "%s about(\"n\", \"%d\").", STAGE_ORDERS_1, n);
    return stage_contract(text);
}

struct told {
    unsigned count;
    enum err e;
    char complaint[256];
};

static void on_done(void *arg, enum err e, struct slice complaint)
{
    struct told *t = arg;
    t->count++;
    t->e = e;
    (void)snprintf(t->complaint, sizeof(t->complaint), "%.*s", SLICE_FMT(complaint));
}

static void until_told(struct told *t)
{
    for (int i = 0; i < STAGE_PATIENCE && t->count == 0; i++) {
        loop_turn(loop, false);
        (void)sched_yield();
    }
    CHECK_INT(1, t->count);
}

static enum err offer(const char *peer, struct contract *c)
{
    struct told told = {0};
    CHECK_ERR(ERR_OK, accord_offer(accord, slice_str(peer), contract_digest(c), contract_text(c), on_done, &told));
    until_told(&told);
    return told.e;
}

static struct verdict *judged(struct contract *consumer, struct contract *provider)
{
    struct verdict *v = NULL;
    enum err e = ERR_AGAIN;
    for (int i = 0; i < STAGE_PATIENCE && e == ERR_AGAIN; i++) {
        e = accord_find(accord, contract_digest(consumer), provider, &v);
        loop_turn(loop, false);
        (void)sched_yield();
    }
    CHECK_ERR(ERR_OK, e);
    return v;
}

TEST(an_offered_contract_is_known_by_its_digest)
{
    begin();
    struct contract *c = stage_contract(STAGE_ORDERS_1);
    CHECK(!accord_contract(accord, contract_digest(c)));
    CHECK_ERR(ERR_OK, offer("web", c));
    CHECK_TEXT("1.0.0", contract_version(accord_contract(accord, contract_digest(c))));
    contract_unref(&c);
    end();
}

TEST(a_text_that_is_not_what_its_digest_says_is_refused)
{
    struct told told = {0};
    begin();
    struct contract *c = stage_contract(STAGE_ORDERS_1), *other = stage_contract(STAGE_ORDERS_2);
    CHECK_ERR(ERR_OK, accord_offer(accord, SLICE("web"), contract_digest(c), contract_text(other), on_done, &told));
    until_told(&told);
    CHECK_ERR(ERR_INPUT, told.e);
    CHECK(slice_has(slice_str(told.complaint), SLICE("the digest in the path is not this contract's")));
    CHECK(!accord_contract(accord, contract_digest(c)));
    CHECK(!accord_contract(accord, contract_digest(other)));
    contract_unref(&c);
    contract_unref(&other);
    end();
}

TEST(a_text_that_is_no_contract_is_refused_with_its_line)
{
    struct told told = {0};
    struct hash_digest digest = {{0}};
    begin();
    CHECK_ERR(ERR_OK, accord_offer(accord, SLICE("web"), &digest, SLICE("feild(1)."), on_done, &told));
    until_told(&told);
    CHECK_ERR(ERR_INPUT, told.e);
    CHECK(slice_has(slice_str(told.complaint), SLICE("contract:1:")));
    end();
}

TEST(a_peer_keeps_its_sixteen_latest_used)
{
    struct contract *c[ACCORD_PER_PEER + 1];
    begin();
    for (int i = 0; i <= ACCORD_PER_PEER; i++)
        c[i] = numbered(i);
    CHECK_ERR(ERR_OK, offer("other", c[0]));
    struct contract *others = numbered(100);
    CHECK_ERR(ERR_OK, offer("other", others));
    for (int i = 1; i <= ACCORD_PER_PEER; i++)
        CHECK_ERR(ERR_OK, offer("web", c[i]));
    struct contract *one_more = numbered(101);
    CHECK(accord_contract(accord, contract_digest(c[1]))); /* used: the second is the oldest now */
    CHECK_ERR(ERR_OK, offer("web", one_more));
    CHECK(accord_contract(accord, contract_digest(c[1])));
    CHECK(!accord_contract(accord, contract_digest(c[2])));
    CHECK(accord_contract(accord, contract_digest(c[3])));
    CHECK(accord_contract(accord, contract_digest(others))); /* another peer's is not touched */
    for (int i = 0; i <= ACCORD_PER_PEER; i++)
        contract_unref(&c[i]);
    contract_unref(&others);
    contract_unref(&one_more);
    end();
}

TEST(our_own_contract_is_never_dropped)
{
    begin();
    struct contract *ours = numbered(1000);
    accord_know(accord, ours);
    for (int i = 0; i <= ACCORD_PER_PEER; i++) {
        struct contract *c = numbered(i);
        CHECK_ERR(ERR_OK, offer("web", c));
        contract_unref(&c);
    }
    CHECK(accord_contract(accord, contract_digest(ours)) == ours);
    contract_unref(&ours);
    end();
}

TEST(a_verdict_is_computed_once_and_then_shared)
{
    struct verdict *v = NULL;
    begin();
    struct contract *consumer = stage_contract(STAGE_ORDERS_1), *provider = stage_contract(STAGE_ORDERS_2);
    CHECK_ERR(ERR_ABSENT, accord_find(accord, contract_digest(consumer), provider, &v));
    accord_know(accord, consumer);
    CHECK_ERR(ERR_AGAIN, accord_find(accord, contract_digest(consumer), provider, &v));
    CHECK_ERR(ERR_AGAIN, accord_find(accord, contract_digest(consumer), provider, &v));
    struct verdict *first = judged(consumer, provider);
    CHECK_INT(VERDICT_ADAPTABLE, verdict_level(first));
    CHECK(first == judged(consumer, provider));
    contract_unref(&consumer);
    contract_unref(&provider);
    end();
}

struct waiter {
    struct accord_wait wait;
    unsigned told;
    bool again;
};

static void on_told(struct accord_wait *w)
{
    struct waiter *me = LIST_OF(w, struct waiter, wait);
    me->told++;
    if (me->again)
        accord_await(accord, &me->wait);
}

static void await(struct waiter *w, const struct contract *c)
{
    list_init(&w->wait.link);
    w->wait.fn = on_told;
    w->wait.digest = *contract_digest(c);
    accord_await(accord, &w->wait);
}

TEST(those_who_wait_are_told_once_and_may_wait_again_and_others_are_left_alone)
{
    struct waiter one = {0}, again = {.again = true}, other = {0}, gone = {0};
    begin();
    struct contract *c = numbered(1), *d = numbered(2);
    await(&one, c);
    await(&again, c);
    await(&gone, c);
    await(&other, d);
    list_remove(&gone.wait.link);
    CHECK_ERR(ERR_OK, offer("web", c));
    CHECK_INT(1, one.told);
    CHECK_INT(1, again.told);
    CHECK_INT(0, other.told + gone.told);
    (void)judged(c, d);
    CHECK_INT(1, one.told);
    CHECK_INT(2, again.told);
    CHECK_INT(0, other.told);
    contract_unref(&c);
    contract_unref(&d);
    end();
}

TEST(a_digest_on_its_way_is_waited_for_until_all_who_bring_it_give_up)
{
    struct verdict *v;
    struct waiter w = {.again = true};
    begin();
    struct contract *c = numbered(1), *ours = numbered(2);
    accord_expect(accord, contract_digest(c));
    accord_expect(accord, contract_digest(c));
    await(&w, c);
    accord_forget(accord, contract_digest(c));
    CHECK_ERR(ERR_AGAIN, accord_find(accord, contract_digest(c), ours, &v));
    accord_forget(accord, contract_digest(c));
    CHECK_ERR(ERR_ABSENT, accord_find(accord, contract_digest(c), ours, &v));
    CHECK_INT(2, w.told);
    contract_unref(&c);
    contract_unref(&ours);
    end();
}

TEST(no_more_than_64_texts_wait_8_of_a_peer_and_freeing_answers_each_of_them)
{
    struct told told[ACCORD_OFFERS] = {{0}};
    begin();
    struct contract *c = stage_contract(STAGE_ORDERS_1);
    for (int i = 0; i < ACCORD_OFFERS; i++) {
        char peer[] = {(char)('a' + i / ACCORD_OFFERS_PER_PEER), 0};
        CHECK_ERR(ERR_OK,
                  accord_offer(accord, slice_str(peer), contract_digest(c), contract_text(c), on_done, &told[i]));
        bool last = i % ACCORD_OFFERS_PER_PEER == ACCORD_OFFERS_PER_PEER - 1;
        if (last)
            CHECK_ERR(ERR_FULL,
                      accord_offer(accord, slice_str(peer), contract_digest(c), contract_text(c), on_done, NULL));
    }
    CHECK_ERR(ERR_FULL, accord_offer(accord, SLICE("web"), contract_digest(c), contract_text(c), on_done, NULL));
    accord_free(&accord);
    for (int i = 0; i < ACCORD_OFFERS; i++) {
        CHECK_INT(1, told[i].count);
        CHECK(told[i].e == ERR_OK || told[i].e == ERR_CLOSED);
    }
    contract_unref(&c);
    due_clock_free(&due_clock);
    loop_free(&loop);
}

struct place {
    struct told told;
    unsigned *finished, at;
};

static void on_place(void *arg, enum err e, struct slice complaint)
{
    struct place *p = arg;
    on_done(&p->told, e, complaint);
    p->at = ++*p->finished;
}

TEST(what_one_peer_shows_delays_another_by_one_piece)
{
    struct place places[ACCORD_OFFERS_PER_PEER + 1] = {{.at = 0}};
    struct contract *c[ACCORD_OFFERS_PER_PEER + 1];
    unsigned finished = 0;
    begin();
    for (int i = 0; i <= ACCORD_OFFERS_PER_PEER; i++) {
        c[i] = numbered(i);
        places[i].finished = &finished;
        CHECK_ERR(ERR_OK, accord_offer(accord, i < ACCORD_OFFERS_PER_PEER ? SLICE("mallory") : SLICE("web"),
                                       contract_digest(c[i]), contract_text(c[i]), on_place, &places[i]));
    }
    for (int i = 0; i < STAGE_PATIENCE && finished <= ACCORD_OFFERS_PER_PEER; i++) {
        loop_turn(loop, false);
        (void)sched_yield();
    }
    CHECK_INT(ACCORD_OFFERS_PER_PEER + 1, finished);
    /* Behind the piece under way and one of those that wait. */
    CHECK_INT(3, places[ACCORD_OFFERS_PER_PEER].at);
    for (int i = 0; i <= ACCORD_OFFERS_PER_PEER; i++) {
        CHECK_ERR(ERR_OK, places[i].told.e);
        contract_unref(&c[i]);
    }
    end();
}

TEST(verdicts_that_one_peer_asks_for_delay_another_by_one)
{
    struct contract *hostile[ACCORD_PER_PEER], *ours = stage_contract(STAGE_ORDERS_2), *c = numbered(100);
    struct verdict *v;
    int before = 0;
    begin();
    for (int i = 0; i < ACCORD_PER_PEER; i++) {
        hostile[i] = numbered(i);
        CHECK_ERR(ERR_OK, offer("mallory", hostile[i]));
    }
    CHECK_ERR(ERR_OK, offer("web", c));
    for (int i = 0; i < ACCORD_PER_PEER; i++)
        CHECK_ERR(ERR_AGAIN, accord_find(accord, contract_digest(hostile[i]), ours, &v));
    CHECK_ERR(ERR_OK, judged(c, ours) ? ERR_OK : ERR_ABSENT);
    for (int i = 0; i < ACCORD_PER_PEER; i++)
        before += accord_find(accord, contract_digest(hostile[i]), ours, &v) == ERR_OK;
    CHECK(before <= 3);
    for (int i = 0; i < ACCORD_PER_PEER; i++) {
        CHECK(judged(hostile[i], ours));
        contract_unref(&hostile[i]);
    }
    contract_unref(&ours);
    contract_unref(&c);
    end();
}

TEST(freeing_while_a_verdict_is_computed_leaves_nothing)
{
    struct verdict *v;
    struct waiter w = {0};
    begin();
    struct contract *c = stage_contract(STAGE_ORDERS_1), *p = stage_contract(STAGE_ORDERS_2);
    accord_know(accord, c);
    CHECK_ERR(ERR_AGAIN, accord_find(accord, contract_digest(c), p, &v));
    await(&w, c);
    end();
    CHECK_INT(0, w.told);
    contract_unref(&c);
    contract_unref(&p);
}

TEST(a_text_over_a_mebibyte_is_refused_at_once)
{
    static char text[CONTRACT_BYTES + 1];
    struct hash_digest digest = {{0}};
    begin();
    CHECK_ERR(ERR_FULL, accord_offer(accord, SLICE("web"), &digest, slice_of(text, sizeof(text)), on_done, NULL));
    end();
}

TEST(only_sha_256_in_base64url_names_a_digest)
{
    struct hash_digest d;
    CHECK_ERR(ERR_OK, accord_parse_header(SLICE("sha-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &d));
    static const char *const bad[] = {"",
                                      "sha-256=",
                                      "sha-512=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "sha-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "sha-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "sha-256=AAAAAAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_ERR(ERR_INPUT, accord_parse_header(slice_str(bad[i]), &d));
}

static void list_all(struct buf *out)
{
    struct map seen = {0};
    struct arena arena;
    struct json_out j;
    arena_init(&arena, SIZE_MAX);
    json_out_init(&j, out, 2);
    json_out_array(&j);
    accord_list(accord, &seen, &arena, &j);
    accord_list(accord, &seen, &arena, &j); /* what is seen is not shown again */
    json_out_end(&j);
    map_fini(&seen);
    arena_fini(&arena);
}

TEST(the_list_names_both_sides_and_each_operation)
{
    struct buf json;
    begin();
    struct contract *c = stage_contract(STAGE_ORDERS_1), *p = stage_contract(STAGE_ORDERS_2);
    accord_know(accord, c);
    (void)judged(c, p);
    buf_init(&json, BUF_TEXT_BOUND);
    list_all(&json);
    CHECK(slice_has(buf_slice(&json), SLICE("\"verdict\": \"adaptable\"")));
    CHECK(slice_has(buf_slice(&json), SLICE("\"create\": \"adaptable\"")));
    CHECK(slice_has(buf_slice(&json), contract_digest_text(c)) || slice_has(buf_slice(&json), SLICE("1.0.0")));
    buf_fini(&json);
    contract_unref(&c);
    contract_unref(&p);
    end();
}

TEST(a_digest_that_came_lately_is_read_as_before)
{
    begin();
    struct accord *a = accord;
    struct hash_digest one, two;
    char text[2][64];
    for (int round = 0; round < 3; round++)
        for (char c = 'A'; c <= 'Z'; c++) {
            snprintf(text[0], sizeof(text[0]), "sha-256=%042d%c", 0, 'A');
            text[0][20] = c;
            CHECK_ERR(ERR_OK, accord_read(a, slice_str(text[0]), &one));
            CHECK_ERR(ERR_OK, accord_parse_header(slice_str(text[0]), &two));
            CHECK(hash_same(&one, &two, sizeof(one)));
        }
    text[0][20] = '!';
    CHECK_ERR(ERR_INPUT, accord_read(a, slice_str(text[0]), &one));
    CHECK_ERR(ERR_INPUT, accord_read(a, SLICE("sha-256="), &one));
    text[0][20] = 'B';
    CHECK_ERR(ERR_OK, accord_read(a, slice_str(text[0]), &one));
    end();
}

TEST(our_contract_is_told_to_each_connection_first_and_again_after_255_answers_or_a_change)
{
    begin();
    struct contract *old = numbered(1), *new = numbered(2);
    for (uint64_t conn = 5; conn < 8; conn++)
        CHECK(accord_tells(accord, conn, old));
    for (int i = 0; i < 255; i++)
        CHECK(!accord_tells(accord, 5, old));
    CHECK(accord_tells(accord, 5, old));
    CHECK(!accord_tells(accord, 5, old));
    CHECK(accord_tells(accord, 5, new));
    CHECK(!accord_tells(accord, 5, new));
    CHECK(!accord_tells(accord, 6, old));
    contract_unref(&old);
    contract_unref(&new);
    end();
}

TEST(a_verdict_that_was_asked_for_last_is_that_of_its_pair)
{
    begin();
    struct contract *consumers[40], *provider = numbered(1000);
    struct verdict *v;
    for (int i = 0; i < 40; i++) {
        consumers[i] = numbered(i);
        accord_know(accord, consumers[i]);
        while (accord_find(accord, contract_digest(consumers[i]), provider, &v) != ERR_OK)
            loop_turn(loop, true);
    }
    for (int i = 0; i < 80; i++) {
        CHECK_ERR(ERR_OK, accord_find(accord, contract_digest(consumers[i % 40]), provider, &v));
        CHECK(verdict_consumer(v) == consumers[i % 40]);
        CHECK_ERR(ERR_OK, accord_find(accord, contract_digest(consumers[i % 40]), provider, &v));
        CHECK(verdict_consumer(v) == consumers[i % 40]);
    }
    accord_know_versions(accord, provider, (struct contract *const[]){consumers[0]}, 1); /* drops all verdicts */
    CHECK_ERR(ERR_AGAIN, accord_find(accord, contract_digest(consumers[39]), provider, &v));
    for (int i = 0; i < 40; i++)
        contract_unref(&consumers[i]);
    contract_unref(&provider);
    end();
}

/* Seen from outside: the rules are blocks of memory that were not there before. */
TEST(the_rules_go_100_ms_after_the_last_judgement_and_at_most_every_10_s)
{
    static const int64_t rests_us[] = {100000, 10000000};
    struct now_hand hand = {.mono = 1000};
    struct now now = now_by_hand(&hand);
    struct verdict *v;
    loop = loop_new_by(&now);
    due_clock = due_clock_new(loop);
    accord = accord_new(loop, due_clock);
    struct contract *provider = numbered(1), *consumers[] = {numbered(2), numbered(3)};
    for (int i = 0; i < 2; i++) {
        accord_know(accord, consumers[i]);
        while (accord_find(accord, contract_digest(consumers[i]), provider, &v) != ERR_OK)
            loop_turn(loop, true);
        size_t judged = mem_alive();
        hand.mono += rests_us[i] - 1;
        for (int turn = 0; turn < 3; turn++)
            loop_turn(loop, false);
        CHECK_INT(judged, mem_alive());
        hand.mono += 1;
        while (mem_alive() == judged)
            loop_turn(loop, false);
        CHECK(mem_alive() < judged);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_ERR(ERR_OK, accord_find(accord, contract_digest(consumers[i]), provider, &v));
        contract_unref(&consumers[i]);
    }
    contract_unref(&provider);
    end();
}

TESTS_BEGIN()
TESTS_RUN(the_rules_go_100_ms_after_the_last_judgement_and_at_most_every_10_s)
TESTS_RUN(our_contract_is_told_to_each_connection_first_and_again_after_255_answers_or_a_change)
TESTS_RUN(a_verdict_that_was_asked_for_last_is_that_of_its_pair)
TESTS_RUN(an_offered_contract_is_known_by_its_digest)
TESTS_RUN(a_text_that_is_not_what_its_digest_says_is_refused)
TESTS_RUN(a_text_that_is_no_contract_is_refused_with_its_line)
TESTS_RUN(a_peer_keeps_its_sixteen_latest_used)
TESTS_RUN(our_own_contract_is_never_dropped)
TESTS_RUN(a_verdict_is_computed_once_and_then_shared)
TESTS_RUN(those_who_wait_are_told_once_and_may_wait_again_and_others_are_left_alone)
TESTS_RUN(a_digest_on_its_way_is_waited_for_until_all_who_bring_it_give_up)
TESTS_RUN(no_more_than_64_texts_wait_8_of_a_peer_and_freeing_answers_each_of_them)
TESTS_RUN(what_one_peer_shows_delays_another_by_one_piece)
TESTS_RUN(verdicts_that_one_peer_asks_for_delay_another_by_one)
TESTS_RUN(freeing_while_a_verdict_is_computed_leaves_nothing)
TESTS_RUN(a_text_over_a_mebibyte_is_refused_at_once)
TESTS_RUN(only_sha_256_in_base64url_names_a_digest)
TESTS_RUN(the_list_names_both_sides_and_each_operation)
TESTS_RUN(a_digest_that_came_lately_is_read_as_before)
TESTS_END()
