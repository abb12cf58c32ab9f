/* The table of docs: what each verdict leads to under each way of enforcing. */
#include "proxy/inquiry.h"

#include "tests/unit/proxy/stage.h"

static struct inquiry q;

static struct transit *ask(const char *method, const char *path, const char *digest)
{
    caller_init(&stage.caller, stage.loop, method, path);
    stage.caller.t->owner = &reply_owner;
    stage.caller.t->peer_id = SLICE(STAGE_WEB);
    if (digest)
        caller_field(&stage.caller, "weft-contract", digest);
    caller_head(&stage.caller, true);
    q = (struct inquiry){0};
    return stage.caller.t;
}

static enum err inbound(const char *method, const char *path, const char *digest)
{
    return inquiry_inbound(&q, stage.env.snap, stage.env.accord, ask(method, path, digest));
}

static enum err outbound(const char *method, const char *path)
{
    return inquiry_outbound(&q, stage.env.snap, stage.env.accord, stage.env.snap->clusters[0], ask(method, path, NULL));
}

static void again(void)
{
    inquiry_fini(&q);
    caller_leave(&stage.caller);
    stage_turns(3);
    caller_fini(&stage.caller);
    stage.caller.loop = NULL;
}

static void end(void)
{
    again();
    stage_close();
}

struct row {
    const char *offers;
    enum proxy_enforce enforce;
    enum err e;
    bool adapts, audited;
};

TEST(a_verdict_leads_to_what_the_table_says)
{
    static const struct row rows[] = {
        {STAGE_ORDERS_1, PROXY_ENFORCE_AUDIT, ERR_OK, false, false},
        {STAGE_ORDERS_1, PROXY_ENFORCE_BLOCK, ERR_OK, false, false},
        {STAGE_ORDERS_1, PROXY_ENFORCE_ADAPT, ERR_OK, false, false},
        {STAGE_ORDERS_2, PROXY_ENFORCE_AUDIT, ERR_OK, false, true},
        {STAGE_ORDERS_2, PROXY_ENFORCE_BLOCK, ERR_DENIED, false, false},
        {STAGE_ORDERS_2, PROXY_ENFORCE_ADAPT, ERR_OK, true, false},
        {STAGE_ORDERS_3, PROXY_ENFORCE_AUDIT, ERR_OK, false, true},
        {STAGE_ORDERS_3, PROXY_ENFORCE_BLOCK, ERR_DENIED, false, false},
        {STAGE_ORDERS_3, PROXY_ENFORCE_ADAPT, ERR_DENIED, false, false},
        {STAGE_ORDERS_3, PROXY_ENFORCE_OFF, ERR_OK, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        stage_open(&(struct stage_conf){.offers = rows[i].offers, .enforce = rows[i].enforce});
        const char *digest = stage_shown(STAGE_ORDERS_1);
        CHECK_ERR(rows[i].e, inbound("POST", "/orders", digest));
        CHECK_INT(rows[i].adapts, q.request != NULL && q.response != NULL);
        CHECK_INT(rows[i].audited, q.audited);
        if (rows[i].e != ERR_OK)
            CHECK_INT(REPLY_CONTRACT_MISMATCH, q.word);
        if (rows[i].e != ERR_OK)
            CHECK(q.finding != NULL);
        end();
    }
}

TEST(an_operation_that_still_fits_passes_beside_one_that_does_not)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_3, .enforce = PROXY_ENFORCE_BLOCK});
    CHECK_ERR(ERR_OK, inbound("GET", "/orders/7", stage_shown(STAGE_ORDERS_1)));
    CHECK_TEXT("get", q.operation);
    CHECK_TEXT("same", inquiry_verdict(&q));
    end();
}

TEST(a_caller_without_a_contract_is_treated_as_configured)
{
    static const enum proxy_unknown ways[] = {PROXY_UNKNOWN_ALLOW, PROXY_UNKNOWN_AUDIT, PROXY_UNKNOWN_BLOCK};
    for (size_t i = 0; i < 3; i++) {
        stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_1, .enforce = PROXY_ENFORCE_ADAPT, .unknown = ways[i]});
        CHECK_ERR(i < 2 ? ERR_OK : ERR_DENIED, inbound("GET", "/orders/7", NULL));
        CHECK_INT(ways[i] == PROXY_UNKNOWN_AUDIT, q.audited);
        if (i == 2)
            CHECK_INT(REPLY_CONTRACT_UNKNOWN, q.word);
        else
            CHECK_TEXT("get", q.operation);
        CHECK_TEXT("", inquiry_verdict(&q));
        end();
    }
}

TEST(a_digest_nobody_has_shown_is_asked_for)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_1, .enforce = PROXY_ENFORCE_ADAPT});
    CHECK_ERR(ERR_DENIED, inbound("GET", "/orders/7", "sha-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    CHECK_INT(REPLY_CONTRACT_UNKNOWN, q.word);
    again();
    CHECK_ERR(ERR_DENIED, inbound("GET", "/orders/7", "md5=x"));
    CHECK_INT(REPLY_BAD_REQUEST, q.word);
    end();
}

TEST(what_the_callers_contract_does_not_have_is_refused_unless_audited)
{
    for (int audit = 0; audit < 2; audit++) {
        stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2,
                                        .enforce = audit ? PROXY_ENFORCE_AUDIT : PROXY_ENFORCE_ADAPT});
        const char *digest = stage_shown(STAGE_ORDERS_1);
        CHECK_ERR(audit ? ERR_OK : ERR_DENIED, inbound("GET", "/nowhere", digest));
        if (!audit)
            CHECK_INT(REPLY_OPERATION_UNKNOWN, q.word);
        CHECK_INT(audit, q.audited);
        again();
        CHECK_ERR(audit ? ERR_OK : ERR_DENIED, inbound("DELETE", "/orders/7", digest));
        if (!audit)
            CHECK_INT(REPLY_METHOD_UNKNOWN, q.word);
        end();
    }
}

TEST(policy_speaks_before_the_contract)
{
    stage_open(&(struct stage_conf){
        .offers = STAGE_ORDERS_3, .enforce = PROXY_ENFORCE_ADAPT, .policy = "deny() :- op(\"create\").\nallow()."});
    CHECK_ERR(ERR_DENIED, inbound("POST", "/orders", stage_shown(STAGE_ORDERS_1)));
    CHECK_INT(REPLY_POLICY_DENIED, q.word);
    CHECK(!q.finding);
    end();
}

TEST(headers_reach_the_policy_when_a_rule_asks_for_them)
{
    stage_open(&(struct stage_conf){.policy = "allow() :- header(\"x-team\", \"shop\")."});
    struct transit *t = ask("GET", "/", NULL);
    CHECK_ERR(ERR_DENIED, inquiry_inbound(&q, stage.env.snap, stage.env.accord, t));
    caller_field(&stage.caller, "x-team", "shop");
    CHECK_ERR(ERR_OK, inquiry_inbound(&q, stage.env.snap, stage.env.accord, t));
    end();
}

TEST(the_path_that_is_judged_is_the_path_that_is_sent)
{
    stage_open(&(struct stage_conf){.policy = "allow() :- path(\"/orders/7\")."});
    CHECK_ERR(ERR_OK, inbound("GET", "/a/..//orders/%37?q=%2F..", NULL));
    CHECK_TEXT("/orders/7?q=%2F..", q.path);
    again();
    static const char *const bad[] = {"/a%2Fb", "/../x", "/%00"};
    for (size_t i = 0; i < 3; i++) {
        CHECK_ERR(ERR_DENIED, inbound("GET", bad[i], NULL));
        CHECK_INT(REPLY_BAD_PATH, q.word);
        again();
    }
    CHECK_ERR(ERR_DENIED, inbound("OPTIONS", "*", NULL));
    CHECK_TEXT("*", q.path);
    end();
}

static const struct stage_conf calls = {.outbound = true, .consumes = STAGE_ORDERS_1, .enforce = PROXY_ENFORCE_ADAPT};

static void know(const char *provides)
{
    struct cluster *c = stage.env.snap->clusters[0];
    struct verdict *v;
    accord_know(stage.env.accord, c->consumes);
    c->provides = stage_contract(provides);
    enum err e = ERR_AGAIN;
    for (int i = 0; i < STAGE_PATIENCE && e == ERR_AGAIN; i++) {
        e = accord_find(stage.env.accord, contract_digest(c->consumes), c->provides, &v);
        loop_turn(stage.loop, false);
        (void)sched_yield();
    }
    CHECK_ERR(ERR_OK, e);
}

TEST(a_call_passes_while_the_provider_is_not_known)
{
    stage_open(&calls);
    CHECK_ERR(ERR_OK, outbound("POST", "/orders"));
    CHECK(q.shows_digest);
    CHECK_TEXT("create", q.operation);
    CHECK_TEXT("", inquiry_verdict(&q));
    end();
}

TEST(a_call_that_is_known_not_to_fit_is_refused_here)
{
    stage_open(&calls);
    know(STAGE_ORDERS_3);
    CHECK_ERR(ERR_DENIED, outbound("POST", "/orders"));
    CHECK_INT(REPLY_CONTRACT_MISMATCH, q.word);
    again();
    CHECK_ERR(ERR_OK, outbound("GET", "/orders/7"));
    end();
}

TEST(a_call_that_the_provider_adapts_passes_untouched)
{
    stage_open(&calls);
    know(STAGE_ORDERS_2);
    CHECK_ERR(ERR_OK, outbound("POST", "/orders"));
    CHECK_TEXT("adaptable", inquiry_verdict(&q));
    CHECK(!q.request && !q.response);
    end();
}

TEST(a_call_that_our_contract_does_not_have_is_refused_here)
{
    stage_open(&calls);
    CHECK_ERR(ERR_DENIED, outbound("GET", "/nowhere"));
    CHECK_INT(REPLY_OPERATION_UNKNOWN, q.word);
    end();
}

TEST(a_service_without_a_contract_is_called_as_it_is)
{
    struct stage_conf conf = calls;
    conf.consumes = NULL;
    stage_open(&conf);
    CHECK_ERR(ERR_OK, outbound("GET", "/nowhere"));
    CHECK(!q.shows_digest);
    end();
}

static bool why_has(struct transit *down, const char *part)
{
    struct buf why;
    buf_init(&why, BUF_TEXT_BOUND);
    inquiry_why(&q, stage.env.snap, down, &why);
    bool has = slice_has(buf_slice(&why), slice_str(part));
    buf_fini(&why);
    return has;
}

TEST(why_gives_the_verdict_its_plan_and_its_proof)
{
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_2, .enforce = PROXY_ENFORCE_ADAPT});
    CHECK_ERR(ERR_OK, inbound("POST", "/orders", stage_shown(STAGE_ORDERS_1)));
    CHECK(why_has(stage.caller.t, "written against orders 1.0.0; the provider runs orders 2.0.0."));
    CHECK(why_has(stage.caller.t, "request plan:\nrename"));
    end();
    stage_open(&(struct stage_conf){.offers = STAGE_ORDERS_3, .enforce = PROXY_ENFORCE_ADAPT});
    CHECK_ERR(ERR_DENIED, inbound("POST", "/orders", stage_shown(STAGE_ORDERS_1)));
    CHECK(why_has(stage.caller.t, "create is breaking."));
    CHECK(why_has(stage.caller.t, "proof\n"));
    end();
    stage_open(&(struct stage_conf){.policy = "deny() :- method(\"GET\")."});
    CHECK_ERR(ERR_DENIED, inbound("GET", "/", NULL));
    CHECK(why_has(stage.caller.t, "p.weft:1"));
    end();
}

TESTS_BEGIN()
TESTS_RUN(a_verdict_leads_to_what_the_table_says)
TESTS_RUN(an_operation_that_still_fits_passes_beside_one_that_does_not)
TESTS_RUN(a_caller_without_a_contract_is_treated_as_configured)
TESTS_RUN(a_digest_nobody_has_shown_is_asked_for)
TESTS_RUN(what_the_callers_contract_does_not_have_is_refused_unless_audited)
TESTS_RUN(policy_speaks_before_the_contract)
TESTS_RUN(headers_reach_the_policy_when_a_rule_asks_for_them)
TESTS_RUN(the_path_that_is_judged_is_the_path_that_is_sent)
TESTS_RUN(a_call_passes_while_the_provider_is_not_known)
TESTS_RUN(a_call_that_is_known_not_to_fit_is_refused_here)
TESTS_RUN(a_call_that_the_provider_adapts_passes_untouched)
TESTS_RUN(a_call_that_our_contract_does_not_have_is_refused_here)
TESTS_RUN(a_service_without_a_contract_is_called_as_it_is)
TESTS_RUN(why_gives_the_verdict_its_plan_and_its_proof)
TESTS_END()
