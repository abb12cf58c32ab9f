#include "proxy/exchange.h"

#include <stdio.h>

#include "tests/unit/proxy/stage.h"

static char path[128];

static const char *path_of(const struct contract *c)
{
    (void)snprintf(path, sizeof(path), "/.well-known/weft/contracts/%.*s", SLICE_FMT(contract_digest_text(c)));
    return path;
}

static void serve(const char *method, const char *target)
{
    caller_init(&stage.caller, stage.loop, method, target);
    stage.caller.t->peer_id = SLICE(STAGE_WEB);
    CHECK(exchange_is(&stage.caller.t->in));
    exchange_serve(stage.env.accord, stage.env.snap->contract, stage.caller.t);
    caller_head(&stage.caller, false);
}

TEST(a_contract_that_is_shown_is_answered_with_ours)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2});
    struct contract *c = stage_contract(STAGE_ORDERS_1);
    serve("PUT", path_of(c));
    caller_say(&stage.caller, slice_to(contract_text(c), 10));
    caller_say(&stage.caller, slice_from(contract_text(c), 10));
    CHECK_INT(contract_text(c).len, stage.caller.credited);
    caller_end(&stage.caller);
    stage_over();
    CHECK_INT(200, stage.caller.status);
    CHECK_SLICE(contract_text(stage.env.snap->contract), buf_slice(&stage.caller.body));
    CHECK(caller_heard(&stage.caller, "content-type: application/vnd.weft.contract"));
    char line[128];
    (void)snprintf(line, sizeof(line), "weft-contract-provider: %s", stage_named(stage.env.snap->contract));
    CHECK(caller_heard(&stage.caller, line));
    CHECK(accord_contract(stage.env.accord, contract_digest(c)));
    contract_unref(&c);
    stage_close();
}

TEST(whoever_offers_no_contract_takes_one_all_the_same)
{
    stage_open(&(struct stage_conf){0});
    struct contract *c = stage_contract(STAGE_ORDERS_1);
    serve("PUT", path_of(c));
    caller_say(&stage.caller, contract_text(c));
    caller_end(&stage.caller);
    stage_over();
    CHECK_INT(200, stage.caller.status);
    CHECK_INT(0, buf_len(&stage.caller.body));
    contract_unref(&c);
    stage_close();
}

TEST(another_digest_another_method_and_another_path_are_refused)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2});
    struct contract *c = stage_contract(STAGE_ORDERS_1), *other = stage_contract(STAGE_ORDERS_3);
    serve("PUT", path_of(other));
    caller_say(&stage.caller, contract_text(c));
    caller_end(&stage.caller);
    stage_over();
    CHECK_INT(422, stage.caller.status);
    CHECK(slice_has(buf_slice(&stage.caller.body), SLICE("the digest in the path is not this contract's")));
    caller_fini(&stage.caller);
    serve("GET", path_of(c));
    caller_end(&stage.caller);
    stage_over();
    CHECK_INT(405, stage.caller.status);
    caller_fini(&stage.caller);
    serve("PUT", "/.well-known/weft/contracts/x");
    caller_end(&stage.caller);
    stage_over();
    CHECK_INT(400, stage.caller.status);
    contract_unref(&c);
    contract_unref(&other);
    stage_close();
}

TEST(more_than_a_mebibyte_is_refused_while_it_comes)
{
    static char bytes[64 << 10];
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2});
    struct contract *c = stage_contract(STAGE_ORDERS_1);
    serve("PUT", path_of(c));
    for (int i = 0; i < 17; i++) {
        CHECK_INT(0, stage.caller.heads);
        caller_say(&stage.caller, slice_of(bytes, sizeof(bytes)));
    }
    CHECK_INT(413, stage.caller.status);
    caller_say(&stage.caller, slice_of(bytes, sizeof(bytes)));
    CHECK_INT(18 * sizeof(bytes), stage.caller.credited);
    caller_end(&stage.caller);
    stage_over();
    contract_unref(&c);
    stage_close();
}

TEST(a_digest_is_expected_from_the_head_on_and_no_more_when_the_upload_breaks_off)
{
    struct verdict *v;
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2});
    struct contract *c = stage_contract(STAGE_ORDERS_1), *ours = stage.env.snap->contract;
    serve("PUT", path_of(c));
    CHECK_ERR(ERR_AGAIN, accord_find(stage.env.accord, contract_digest(c), ours, &v));
    caller_leave(&stage.caller);
    stage_over();
    CHECK_ERR(ERR_ABSENT, accord_find(stage.env.accord, contract_digest(c), ours, &v));
    contract_unref(&c);
    stage_close();
}

TEST(an_upload_whose_peer_has_left_still_ends)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2});
    struct contract *c = stage_contract(STAGE_ORDERS_1);
    serve("PUT", path_of(c));
    caller_say(&stage.caller, contract_text(c));
    caller_end(&stage.caller);
    caller_leave(&stage.caller);
    for (int i = 0; i < STAGE_PATIENCE && !accord_contract(stage.env.accord, contract_digest(c)); i++) {
        loop_turn(stage.loop, false);
        (void)sched_yield();
    }
    CHECK(accord_contract(stage.env.accord, contract_digest(c)));
    stage_over();
    contract_unref(&c);
    stage_close();
}

/* --- showing --- */

static struct contract *provider;

static void answer_show(struct recorder *r, bool at_end)
{
    if (!at_end)
        return;
    if (slice_eq(r->t->in.method, SLICE("PUT"))) {
        struct slice named = arena_keep(&r->t->arena, slice_str(stage_named(provider)));
        CHECK_ERR(ERR_OK, headers_add_token(&r->t->out.headers, HEADERS_WEFT_CONTRACT_PROVIDER, named));
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("application/vnd.weft.contract"), contract_text(provider)));
    } else {
        CHECK_ERR(ERR_OK, transit_answer(r->t, 200, SLICE("text/plain"), SLICE("hello")));
    }
}

static const struct stage_conf calls = {.outbound = true, .consumes = STAGE_ORDERS_1, .enforce = PROXY_ENFORCE_ADAPT};

/* A first request opens a connection; its id. */
static uint64_t open_one(void)
{
    stage_ask("GET", "/orders/7");
    caller_head(&stage.caller, true);
    stage_over();
    CHECK_INT(1, stage.served_count);
    return stage.opened_id;
}

static void until_learnt(void)
{
    struct cluster *c = stage.env.snap->clusters[0];
    for (int i = 0; i < STAGE_PATIENCE && !c->provides; i++) {
        loop_turn(stage.loop, false);
        (void)sched_yield();
    }
    CHECK(c->provides);
}

TEST(what_the_provider_says_of_itself_is_learnt_and_judged)
{
    stage_open(&calls);
    provider = stage_contract(STAGE_ORDERS_3);
    stage.answer = answer_show;
    struct cluster *c = stage.env.snap->clusters[0];
    accord_know(stage.env.accord, c->consumes);
    uint64_t id = open_one();
    exchange_show(stage.env.accord, c->groups[0].endpoints[0], id);
    exchange_show(stage.env.accord, c->groups[0].endpoints[0], id); /* under way already */
    until_learnt();
    CHECK_INT(2, stage.served_count);
    CHECK_TEXT("PUT", slice_str(stage.served_method));
    CHECK_SLICE(contract_text(c->consumes), buf_slice(&stage.served[1].body));
    CHECK_TEXT("3.0.0", contract_version(c->provides));
    contract_unref(&provider);
    stage_close();
}

TEST(another_digest_in_an_answer_is_asked_after_and_the_same_is_not)
{
    stage_open(&calls);
    provider = stage_contract(STAGE_ORDERS_2);
    stage.answer = answer_show;
    struct cluster *c = stage.env.snap->clusters[0];
    uint64_t id = open_one();
    exchange_show(stage.env.accord, c->groups[0].endpoints[0], id);
    until_learnt();
    CHECK_INT(2, stage.served_count);
    exchange_heard(stage.env.accord, c->groups[0].endpoints[0], id, slice_str(stage_named(provider)));
    stage_turns(50);
    CHECK_INT(2, stage.served_count);
    contract_unref(&provider);
    provider = stage_contract(STAGE_ORDERS_3);
    exchange_heard(stage.env.accord, c->groups[0].endpoints[0], id, slice_str(stage_named(provider)));
    for (int i = 0; i < STAGE_PATIENCE && slice_eq(contract_version(c->provides), SLICE("2.0.0")); i++) {
        loop_turn(stage.loop, false);
        (void)sched_yield();
    }
    CHECK_TEXT("3.0.0", contract_version(c->provides));
    CHECK_INT(3, stage.served_count);
    contract_unref(&provider);
    stage_close();
}

static void never_answer(struct recorder *r, bool at_end)
{
    if (!slice_eq(r->t->in.method, SLICE("PUT")))
        answer_show(r, at_end);
}

TEST(a_provider_that_never_answers_does_not_keep_the_configuration_alive)
{
    stage_open(&calls);
    stage.answer = never_answer;
    struct cluster *c = stage.env.snap->clusters[0];
    exchange_show(stage.env.accord, c->groups[0].endpoints[0], open_one());
    stage_turns(50);
    CHECK_INT(2, stage.served_count);
    snapshot_unref(&stage.env.snap);
    stage_turns(50);
    CHECK_INT(1, stage.served[1].gones);
    stage.env.snap = stage_snapshot(&stage.conf); /* as after a reload */
    stage_close();
}

TESTS_BEGIN()
TESTS_RUN(a_contract_that_is_shown_is_answered_with_ours)
TESTS_RUN(whoever_offers_no_contract_takes_one_all_the_same)
TESTS_RUN(another_digest_another_method_and_another_path_are_refused)
TESTS_RUN(more_than_a_mebibyte_is_refused_while_it_comes)
TESTS_RUN(a_digest_is_expected_from_the_head_on_and_no_more_when_the_upload_breaks_off)
TESTS_RUN(an_upload_whose_peer_has_left_still_ends)
TESTS_RUN(what_the_provider_says_of_itself_is_learnt_and_judged)
TESTS_RUN(another_digest_in_an_answer_is_asked_after_and_the_same_is_not)
TESTS_RUN(a_provider_that_never_answers_does_not_keep_the_configuration_alive)
TESTS_END()
