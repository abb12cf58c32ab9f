#include "proxy/proxy_conf.h"

#include "tests/kit/t.h"

#define IDENTITY "service: web\nidentity: {cert: c.pem, key: k.pem, trust: {example.org: ca.pem}}\n"

static struct arena arena;
static struct proxy_conf conf;
static struct buf said;

static enum err bind(const char *text)
{
    struct diag diag;
    struct conf *c;
    diag_init(&diag);
    buf_init(&said, BUF_TEXT_BOUND);
    arena_init(&arena, SIZE_MAX);
    conf = (struct proxy_conf){0};
    CHECK_ERR(ERR_OK, conf_parse(slice_str(text), "/etc/web.yaml", &diag, &c));
    enum err e = proxy_conf_bind(conf_root(c), &arena, &diag, &conf);
    diag_print(&diag, &said);
    conf_free(&c);
    diag_fini(&diag);
    return e;
}

static void end(void)
{
    arena_fini(&arena);
    buf_fini(&said);
}

static void complains(const char *text, const char *complaint)
{
    CHECK_ERR(ERR_INPUT, bind(text));
    if (!slice_has(buf_slice(&said), slice_str(complaint)))
        CHECK_TEXT(complaint, buf_slice(&said));
    CHECK(!conf.service); /* untouched */
    end();
}

TEST(what_is_not_said_has_its_default)
{
    CHECK_ERR(ERR_OK, bind(IDENTITY "outbound: {listen: 127.0.0.1:4740}\n"));
    CHECK_TEXT("web", slice_str(conf.service));
    CHECK_TEXT("/etc/c.pem", slice_str(conf.identity.cert));
    CHECK_INT(1, conf.identity.trust.count);
    CHECK(!conf.inbound.listen && !conf.contract && !conf.broker.https && !conf.admin.listen && !conf.log.access);
    CHECK_TEXT("http://127.0.0.1:8080", slice_str(conf.inbound.app));
    CHECK_INT(10000, conf.inbound.max_connections);
    CHECK_INT(PROXY_ENFORCE_ADAPT, conf.enforce);
    CHECK_INT(PROXY_UNKNOWN_ALLOW, conf.contracts.unknown);
    CHECK_INT(2000000, conf.contracts.hold_us);
    CHECK_INT(1 << 20, conf.adapt.max_buffer);
    CHECK_INT(1, conf.broker.slots);
    CHECK_INT(1000000, conf.timeouts.connect_us);
    CHECK_INT(0, conf.timeouts.request_us);
    CHECK_INT(300000000, conf.timeouts.stream_idle_us);
    CHECK_INT(30000000, conf.timeouts.drain_us);
    CHECK_INT(1, conf.log.level);
    CHECK(!conf.log.json);
    CHECK_INT(0, buf_len(&said));
    end();
}

TEST(everything_can_be_said)
{
    CHECK_ERR(ERR_OK, bind(IDENTITY "inbound: {listen: 0.0.0.0:4743, app: h2c://127.0.0.1:9000}\n"
                                    "services:\n"
                                    "  orders: {endpoints: [10.0.0.7:4743, 10.0.0.8:4743],\n"
                                    "           identity: spiffe://example.org/orders, local: 127.0.0.1:4801}\n"
                                    "  trainer: {}\n"
                                    "enforce: block\nbroker: {https: 10.0.0.9:4751, slots: 0}\n"
                                    "consumes: [a.weft, b.weft]\npolicy: policy/\n"));
    const struct proxy_conf_service *services = conf.services.items;
    CHECK_INT(2, conf.services.count);
    CHECK_INT(2, services[0].endpoints.count);
    CHECK_INT(0, services[1].endpoints.count);
    CHECK_INT(PROXY_ENFORCE_BLOCK, conf.enforce);
    CHECK_INT(0, conf.broker.slots);
    CHECK_TEXT("/etc/b.weft", slice_str(conf.consumes.v[1]));
    CHECK_INT(1, conf.policy.count);
    end();
}

TEST(an_identity_is_required)
{
    complains("service: web\noutbound: {listen: 127.0.0.1:1}\n", "identity");
    complains("identity: {cert: c, key: k, trust: {a: b}}\noutbound: {listen: 127.0.0.1:1}\n", "service");
}

TEST(plain_ports_are_for_loopback)
{
    complains(IDENTITY "outbound: {listen: 0.0.0.0:4740}\n",
              "web.yaml:3:1: error: outbound.listen must be on loopback");
    complains(IDENTITY "inbound: {listen: 0.0.0.0:1}\nadmin: {listen: 10.0.0.1:80}\n",
              "web.yaml:4:1: error: admin.listen must be on loopback");
    complains(IDENTITY "outbound: {listen: 127.0.0.1:1}\nservices: {a: {local: 0.0.0.0:2}}\n",
              "web.yaml:4:1: error: a service's local port must be on loopback");
    CHECK_ERR(ERR_OK, bind(IDENTITY "outbound: {listen: \"unix:/run/x\"}\nadmin: {listen: \"[::1]:2\"}\n"));
    end();
}

TEST(an_action_has_code_and_stands_alone)
{
    complains(IDENTITY "inbound: {listen: 127.0.0.1:1, whisk: {container: 127.0.0.1:2}}\n",
              "web.yaml:3:1: error: `inbound.whisk.code` is required");
    complains(IDENTITY "inbound: {listen: 127.0.0.1:1, whisk: {code: a.py}}\n",
              "web.yaml:3:1: error: an action's code, and no container to give it to");
    complains(IDENTITY "inbound: {listen: 127.0.0.1:1, app: http://127.0.0.1:3,\n"
                       "          whisk: {container: 127.0.0.1:2, code: a.py}}\n",
              "web.yaml:3:1: error: inbound.whisk stands beside inbound.app or inbound.lambda");
    complains(IDENTITY "inbound: {listen: 127.0.0.1:1, whisk: {container: 127.0.0.1:2, code: a.py}}\nworkers: 2\n",
              "a container of OpenWhisk runs one request at a time");
    CHECK_ERR(ERR_OK, bind(IDENTITY "inbound: {listen: 127.0.0.1:1, whisk: {container: 127.0.0.1:2, code: a.py}}\n"));
    CHECK_TEXT("main", slice_str(conf.inbound.whisk.main));
    CHECK_TEXT("/etc/a.py", slice_str(conf.inbound.whisk.code));
    end();
}

TEST(a_service_with_endpoints_names_who_must_answer)
{
    complains(IDENTITY "outbound: {listen: 127.0.0.1:1}\nservices: {a: {endpoints: [10.0.0.1:1]}}\n",
              "web.yaml:4:1: error: a service with endpoints needs the identity");
    complains(IDENTITY "outbound: {listen: 127.0.0.1:1}\nservices: {a: {endpoints: [nonsense], identity: x}}\n",
              "web.yaml:4:1: error: an endpoint is not an address");
}

TEST(a_sidecar_has_something_to_do)
{
    complains(IDENTITY, "error: this sidecar has nothing to do");
    complains(IDENTITY "outbound: {listen: 127.0.0.1:1}\nvalidate: shape\n", "validate needs a contract");
}

TEST(a_function_that_speaks_needs_a_contract_that_is_heeded)
{
    static const char grpc[] = IDENTITY "inbound: {listen: 127.0.0.1:1, app: 'h2c://127.0.0.1:2', speaks: grpc}\n";
    complains(grpc, "speaks needs a contract to translate by");
    complains(IDENTITY "inbound: {listen: 127.0.0.1:1, app: 'http://127.0.0.1:2', speaks: json}\n"
                       "contract: a.weft\nenforce: 'off'\n",
              "speaks translates by the contract, which enforce: off leaves out");
    complains(IDENTITY "inbound: {listen: 127.0.0.1:1, app: 'http://127.0.0.1:2', speaks: grpc}\ncontract: a.weft\n",
              "a function that speaks gRPC listens for HTTP/2");
    complains(IDENTITY "inbound: {listen: 127.0.0.1:1, speaks: soap}\n", "any, grpc");
}

TEST(an_unknown_key_is_met_with_the_nearest)
{
    complains(IDENTITY "outbond: {listen: 127.0.0.1:1}\n", "outbound");
}

TEST(all_complaints_come_at_once)
{
    CHECK_ERR(ERR_INPUT, bind(IDENTITY "outbound: {listen: 0.0.0.0:1}\nadmin: {listen: 0.0.0.0:2}\n"
                                       "services: {a: {endpoints: [10.0.0.1:1]}}\n"));
    static const char *const parts[] = {":3:1: error", ":4:1: error", ":5:1: error"};
    for (size_t i = 0; i < 3; i++)
        CHECK(slice_has(buf_slice(&said), slice_str(parts[i])));
    end();
}

TEST(every_key_is_documented)
{
    for (const struct conf_key *k = proxy_conf_keys; k->name; k++) {
        CHECK(k->doc && *k->doc);
        for (const struct conf_key *sub = k->sub; sub && sub->name; sub++)
            CHECK(sub->doc && *sub->doc);
    }
}

TESTS_BEGIN()
TESTS_RUN(what_is_not_said_has_its_default)
TESTS_RUN(everything_can_be_said)
TESTS_RUN(an_identity_is_required)
TESTS_RUN(plain_ports_are_for_loopback)
TESTS_RUN(an_action_has_code_and_stands_alone)
TESTS_RUN(a_service_with_endpoints_names_who_must_answer)
TESTS_RUN(a_sidecar_has_something_to_do)
TESTS_RUN(a_function_that_speaks_needs_a_contract_that_is_heeded)
TESTS_RUN(an_unknown_key_is_met_with_the_nearest)
TESTS_RUN(all_complaints_come_at_once)
TESTS_RUN(every_key_is_documented)
TESTS_END()
