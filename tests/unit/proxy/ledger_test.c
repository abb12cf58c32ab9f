#include "proxy/ledger.h"

#include <stdio.h>

#include "tests/kit/caller.h"
#include "tests/kit/t.h"

static struct loop *loop;
static struct metric_set *metrics;
static struct ledger ledger;
static struct caller caller;
static struct inquiry inquiry;
static struct lane lane;
static const char *peer;

static void on_gone(struct transit *t, enum transit_end how)
{
    (void)how;
    transit_free(&t);
}

static const struct transit_owner owner = {.gone = on_gone};

static void begin(void)
{
    loop = loop_new();
    metrics = metric_set_new();
    ledger_init(&ledger, metrics);
    caller_init(&caller, loop, "GET", "/");
    caller.t->owner = &owner;
    inquiry = (struct inquiry){0};
    peer = NULL;
}

static void end(void)
{
    caller_leave(&caller);
    for (int i = 0; i < 3; i++)
        loop_turn(loop, false);
    caller_fini(&caller);
    ledger_fini(&ledger);
    metric_set_free(&metrics);
    loop_free(&loop);
}

static void close_one(bool inbound, const char *service, const char *operation, unsigned status, const char *error)
{
    inquiry.operation = slice_str(operation);
    struct ledger_entry e = {
        .inbound = inbound,
        .service = slice_str(service),
        .down = caller.t,
        .inquiry = &inquiry,
        .lanes = {&lane, &lane},
        .error = error,
        .status = status,
        .peer = slice_str(peer),
        .began_us = 4000,
        .ended_us = 7000,
    };
    ledger_close_entry(&ledger, &e, &now_real);
}

static void counts(unsigned long long want, const char *side, const char *service, const char *operation,
                   const char *code)
{
    struct slice labels[] = {slice_str(side), slice_str(service), slice_str(operation), slice_str(code)};
    CHECK_INT(want, metric_series(ledger.requests, labels)->count);
}

TEST(each_side_service_operation_and_status_is_counted_apart)
{
    begin();
    for (int i = 0; i < 3; i++) {
        close_one(true, "orders", "get", 200, NULL);
        close_one(false, "orders", "get", 200, NULL);
        close_one(true, "orders", "get", 404, NULL);
        close_one(true, "order", "sget", 200, NULL);
    }
    counts(3, "inbound", "orders", "get", "200");
    counts(3, "outbound", "orders", "get", "200");
    counts(3, "inbound", "orders", "get", "404");
    counts(3, "inbound", "order", "sget", "200");
    CHECK_INT(9, ledger.durations[1]->count);
    CHECK_INT(3, ledger.durations[0]->count);
    end();
}

TEST(more_operations_than_are_kept_at_hand_are_all_counted_right)
{
    char name[16];
    begin();
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 2 * LEDGER_RECENT; i++) {
            (void)snprintf(name, sizeof(name), "op-%d", i);
            close_one(true, "orders", name, 200, NULL);
        }
    for (int i = 0; i < 2 * LEDGER_RECENT; i++) {
        (void)snprintf(name, sizeof(name), "op-%d", i);
        counts(2, "inbound", "orders", name, "200");
    }
    end();
}

TEST(a_name_too_long_to_be_kept_at_hand_is_counted_all_the_same)
{
    char name[LEDGER_NAMES + 1];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    begin();
    close_one(true, "orders", name, 200, NULL);
    close_one(true, "orders", name, 200, NULL);
    counts(2, "inbound", "orders", name, "200");
    end();
}

static void verdicts(unsigned long long want, const char *who, const char *operation, const char *verdict)
{
    struct slice labels[] = {slice_str(who), slice_str(operation), slice_str(verdict)};
    CHECK_INT(want, metric_series(ledger.verdicts, labels)->count);
}

TEST(each_peer_operation_and_verdict_is_counted_apart)
{
    struct verdict_operation judged = {.level = VERDICT_SAME};
    begin();
    inquiry.judged = &judged;
    for (int i = 0; i < 5; i++) {
        peer = "spiffe://a.example/x";
        close_one(true, "orders", "get", 200, NULL);
        peer = "spiffe://a.example/y";
        close_one(true, "orders", "get", 200, NULL);
        close_one(true, "orders", "put", 200, NULL);
    }
    judged.level = VERDICT_COMPATIBLE;
    close_one(true, "orders", "get", 200, NULL);
    inquiry.judged = NULL;
    close_one(true, "orders", "get", 200, NULL);
    verdicts(5, "spiffe://a.example/x", "get", "same");
    verdicts(5, "spiffe://a.example/y", "get", "same");
    verdicts(5, "spiffe://a.example/y", "put", "same");
    verdicts(1, "spiffe://a.example/y", "get", "compatible");
    counts(12, "inbound", "orders", "get", "200");
    struct board_row *row = board_row(&ledger.board, true, SLICE("spiffe://a.example/y"), SLICE("get"));
    CHECK_INT(7, row->count);
    CHECK_INT(0, row->errors);
    end();
}

TEST(refusals_and_decisions_are_counted_by_their_word)
{
    begin();
    close_one(true, "orders", "", 403, "policy-denied");
    close_one(true, "orders", "", 503, "app-unreachable");
    close_one(false, "orders", "", 503, "unreachable");
    struct slice denied = SLICE("policy-denied");
    CHECK_INT(1, metric_series(ledger.refused, &denied)->count);
    CHECK_INT(1, ledger.answers[0]->count);
    CHECK_INT(1, ledger.answers[1]->count);
    end();
}

TESTS_BEGIN()
TESTS_RUN(each_side_service_operation_and_status_is_counted_apart)
TESTS_RUN(more_operations_than_are_kept_at_hand_are_all_counted_right)
TESTS_RUN(a_name_too_long_to_be_kept_at_hand_is_counted_all_the_same)
TESTS_RUN(each_peer_operation_and_verdict_is_counted_apart)
TESTS_RUN(refusals_and_decisions_are_counted_by_their_word)
TESTS_END()
