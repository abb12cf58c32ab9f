/* An imported policy decides as the mesh it came from: each table is a mesh's own order of precedence. */
#include "policy/policy_import.h"

#include <stdio.h>

#include "policy/policy_load.h"
#include "tests/kit/t.h"

#define WEB "spiffe://cluster.local/ns/shop/sa/web"
#define BOT "spiffe://cluster.local/ns/ops/sa/bot"

struct asked {
    const char *peer, *method, *path, *header; /* of x-plan */
    bool allow;
};

static struct authz *import(struct policy_import_conf conf, const char *yaml, struct buf *out)
{
    struct policy_import_text text = {.file = "in.yaml", .text = slice_str(yaml)};
    struct authz *authz = NULL;
    struct diag diag;
    diag_init(&diag);
    buf_init(out, BUF_TEXT_BOUND);
    conf.texts = &text;
    conf.count = 1;
    enum err e = policy_import(&conf, &diag, out);
    if (e != ERR_OK)
        fprintf(stderr, "%.*s\n", SLICE_FMT(diag.first->message));
    CHECK_ERR(ERR_OK, e);
    struct policy_text policy = {.file = "out.weft", .text = buf_slice(out)};
    CHECK_ERR(ERR_OK, policy_load(&policy, 1, &diag, &authz));
    diag_fini(&diag);
    return authz;
}

static void answers(struct policy_import_conf conf, const char *yaml, const struct asked *q, size_t count)
{
    struct buf out;
    struct authz *authz = import(conf, yaml, &out);
    for (size_t i = 0; i < count; i++) {
        struct attrs_header header = {SLICE("x-plan"), slice_str(q[i].header)};
        struct attrs a = {.peer = slice_str(q[i].peer),
                          .method = slice_str(q[i].method),
                          .path = slice_str(q[i].path),
                          .headers = &header,
                          .header_count = q[i].header != NULL};
        if ((authz_ask(authz, &a).answer == AUTHZ_ALLOW) != q[i].allow)
            fprintf(stderr, "question %zu: %s %s %s\n%s", i, q[i].peer, q[i].method, q[i].path, buf_text(&out));
        CHECK_INT(q[i].allow, authz_ask(authz, &a).answer == AUTHZ_ALLOW);
    }
    authz_free(&authz);
    buf_fini(&out);
}

#define ANSWERS(conf, yaml, table) answers(conf, yaml, table, sizeof(table) / sizeof(table[0]))
#define ISTIO(spec) "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: " spec "\n"
static const struct policy_import_conf plain = {.namespace = "shop"};

TEST(istio_denies_first_and_allows_what_some_allow_matches)
{
    static const struct asked table[] = {
        {WEB, "GET", "/a", NULL, true},         {WEB, "GET", "/a/b", NULL, true}, {WEB, "GET", "/ab", NULL, true},
        {WEB, "GET", "/secret/a", NULL, false}, {WEB, "POST", "/a", NULL, false}, {BOT, "GET", "/a", NULL, false},
        {BOT, "GET", "/secret/a", NULL, false},
    };
    ANSWERS(plain,
            ISTIO("{action: ALLOW, rules: [{from: [{source: {namespaces: [shop]}}], to: [{operation: {methods: "
                  "[GET]}}]}]}") "---\n" ISTIO("{action: DENY, rules: [{to: [{operation: {paths: [/secret/*]}}]}]}"),
            table);
}

TEST(istio_without_an_allow_policy_allows_what_is_not_denied)
{
    static const struct asked table[] = {{WEB, "GET", "/", NULL, true}, {WEB, "TRACE", "/", NULL, false}};
    ANSWERS(plain, ISTIO("{action: DENY, rules: [{to: [{operation: {methods: [TRACE]}}]}]}"), table);
}

TEST(istio_with_an_allow_policy_without_rules_allows_nothing)
{
    static const struct asked table[] = {{WEB, "GET", "/", NULL, false}};
    ANSWERS(plain, ISTIO("{}"), table);
}

TEST(istio_with_one_empty_rule_allows_everything)
{
    static const struct asked table[] = {{WEB, "GET", "/", NULL, true}, {BOT, "PUT", "/x", NULL, true}};
    ANSWERS(plain, ISTIO("{rules: [{}]}"), table);
}

/* Two patterns in one rule are two values, not one. */
TEST(istio_joins_its_conditions_and_parts_its_lists)
{
    static const struct asked table[] = {
        {WEB, "GET", "/a/1", "gold-1", true},  {WEB, "GET", "/b/1", "gold-1", false},
        {WEB, "GET", "/a/1", "tin", false},    {WEB, "GET", "/a/1", NULL, false},
        {WEB, "GET", "/a/1", "gold-x", false}, {BOT, "GET", "/a/1", "gold-1", false},
        {WEB, "PUT", "/a/1", "gold-1", false},
    };
    ANSWERS(plain,
            ISTIO("{rules: [{from: [{source: {principals: ['cluster.local/ns/shop/*'], notNamespaces: [ops]}}], "
                  "to: [{operation: {paths: [/a/*], notMethods: [PUT]}}], "
                  "when: [{key: 'request.headers[X-Plan]', values: ['gold*'], notValues: ['*x']}]}]}"),
            table);
}

TEST(istio_not_values_hold_where_there_is_no_value)
{
    static const struct asked table[] = {{WEB, "GET", "/", NULL, true}, {WEB, "GET", "/", "tin", false}};
    ANSWERS(plain, ISTIO("{rules: [{when: [{key: 'request.headers[x-plan]', notValues: [tin]}]}]}"), table);
}

#define LINKERD(kind, name, spec)                                                         \
    "---\napiVersion: policy.linkerd.io/v1alpha1\nkind: " kind "\nmetadata: {name: " name \
    ", namespace: shop}\nspec: " spec "\n"

TEST(linkerd_denies_what_no_policy_of_the_server_allows)
{
    static const struct asked table[] = {{WEB, "GET", "/", NULL, true}, {BOT, "GET", "/", NULL, false}};
    ANSWERS(
        plain,
        LINKERD("Server", "s", "{port: http}") LINKERD(
            "MeshTLSAuthentication", "m", "{identities: ['web.shop.serviceaccount.identity.linkerd.cluster.local']}")
            LINKERD("AuthorizationPolicy", "p",
                    "{targetRef: {kind: Server, name: s}, requiredAuthenticationRefs: [{kind: MeshTLSAuthentication, "
                    "name: m}]}") LINKERD("AuthorizationPolicy", "q",
                                          "{targetRef: {kind: Server, name: other}, requiredAuthenticationRefs: []}"),
        table);
}

TEST(linkerd_routes_narrow_their_own_policies_and_refuse_what_none_takes)
{
    static const struct asked table[] = {
        {WEB, "GET", "/a", NULL, true},  {WEB, "GET", "/a/b", NULL, true}, {WEB, "GET", "/ab", NULL, false},
        {WEB, "GET", "/b", NULL, false}, {BOT, "GET", "/b", NULL, true},   {BOT, "GET", "/a", NULL, true},
        {BOT, "GET", "/c", NULL, false},
    };
    ANSWERS(
        plain,
        LINKERD("Server", "s", "{port: http}") LINKERD(
            "HTTPRoute", "a", "{parentRefs: [{kind: Server, name: s}], rules: [{matches: [{path: {value: /a}}]}]}")
            LINKERD("HTTPRoute", "b",
                    "{parentRefs: [{kind: Server, name: s}], rules: [{matches: [{path: {value: /b, type: Exact}}]}]}")
                LINKERD("AuthorizationPolicy", "p",
                        "{targetRef: {kind: HTTPRoute, name: a}, requiredAuthenticationRefs: [{kind: "
                        "ServiceAccount, name: web}]}")
                    LINKERD("AuthorizationPolicy", "q",
                            "{targetRef: {kind: Namespace, name: shop}, requiredAuthenticationRefs: [{kind: "
                            "ServiceAccount, name: bot, namespace: ops}]}"),
        table);
}

static struct policy_import_conf consul(bool default_allow)
{
    return (struct policy_import_conf){
        .identity = "spiffe://cluster.local/ns/shop/sa/{name}", .default_allow = default_allow, .workload = "orders"};
}

#define CONSUL(name, sources) \
    "---\n{\"Kind\": \"service-intentions\", \"Name\": \"" name "\", \"Sources\": [" sources "]}\n"
#define REPORTS "spiffe://cluster.local/ns/shop/sa/reports"

TEST(consul_the_intention_of_the_highest_precedence_decides_alone)
{
    static const struct asked table[] = {
        {WEB, "GET", "/", NULL, true}, {REPORTS, "GET", "/", NULL, false}, {BOT, "GET", "/", NULL, false}};
    const char *yaml =
        CONSUL("orders", "{\"Name\": \"web\", \"Action\": \"allow\"}, {\"Name\": \"*\", \"Action\": \"deny\"}")
            CONSUL("*", "{\"Name\": \"web\", \"Action\": \"deny\"}, {\"Name\": \"reports\", \"Action\": \"allow\"}")
                CONSUL("stock", "{\"Name\": \"*\", \"Action\": \"allow\"}");
    ANSWERS(consul(false), yaml, table);
    ANSWERS(consul(true), yaml, table);
}

TEST(consul_permissions_are_tried_in_order_and_then_the_default_decides)
{
    static const struct asked closed[] = {{WEB, "GET", "/a/x", NULL, false},
                                          {WEB, "GET", "/a", NULL, false},
                                          {WEB, "GET", "/b", NULL, true},
                                          {WEB, "PUT", "/b", NULL, false},
                                          {BOT, "GET", "/b", NULL, false}};
    static const struct asked open[] = {{WEB, "GET", "/a/x", NULL, false},
                                        {WEB, "GET", "/b", NULL, true},
                                        {WEB, "PUT", "/b", NULL, true},
                                        {BOT, "GET", "/b", NULL, true}};
    const char *yaml = CONSUL(
        "orders", "{\"Name\": \"web\", \"Permissions\": [{\"Action\": \"deny\", \"HTTP\": {\"PathPrefix\": \"/a\"}}, "
                  "{\"Action\": \"allow\", \"HTTP\": {\"Methods\": [\"GET\"]}}]}");
    ANSWERS(consul(false), yaml, closed);
    ANSWERS(consul(true), yaml, open);
}

static void refuses(const char *yaml, const char *message)
{
    struct policy_import_text text = {.file = "in.yaml", .text = slice_str(yaml)};
    struct policy_import_conf conf = {.texts = &text, .count = 1};
    struct diag diag;
    struct buf out;
    diag_init(&diag);
    buf_init(&out, BUF_TEXT_BOUND);
    CHECK_ERR(ERR_INPUT, policy_import(&conf, &diag, &out));
    CHECK_TEXT(message, diag.first->message);
    CHECK_INT(0, buf_len(&out));
    buf_fini(&out);
    diag_fini(&diag);
}

TEST(what_cannot_be_said_is_refused_and_nothing_is_written)
{
    refuses(ISTIO("{rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]}"),
            "`ipBlocks` of a source cannot be said in a policy of weft");
    refuses(ISTIO("{action: CUSTOM, rules: [{}]}"),
            "CUSTOM asks a server of its own: what that would say is not known");
    refuses(ISTIO("{rules: [{when: [{key: destination.port, values: ['80']}]}]}"),
            "the condition `destination.port` cannot be said");
    refuses(LINKERD("AuthorizationPolicy", "p", "{}"), "there is no Server");
    refuses(LINKERD("Server", "s", "{}") LINKERD("NetworkAuthentication", "n", "{networks: [{cidr: 10.0.0.0/8}]}")
                LINKERD("AuthorizationPolicy", "p",
                        "{targetRef: {kind: Server, name: s}, requiredAuthenticationRefs: [{kind: "
                        "NetworkAuthentication, name: n}]}"),
            "the network 10.0.0.0/8 cannot be said");
    refuses(CONSUL("orders", "{\"Name\": \"web\", \"Action\": \"allow\", \"Peer\": \"eu\"}"),
            "`Peer` of a source cannot be said in a policy of weft");
    refuses("Kind = \"service-intentions\"\nName = \"api\"\n", "this is HCL, which is not read");
    refuses("{\"Kind\": \"proxy-defaults\"}", "this is no policy of Istio, Linkerd or Consul");
    refuses(ISTIO("{}") LINKERD("Server", "s", "{}"), "this is of another mesh than what came before");
    refuses("# nothing\n", "there is no policy in it");
}

TESTS_BEGIN()
TESTS_RUN(istio_denies_first_and_allows_what_some_allow_matches)
TESTS_RUN(istio_without_an_allow_policy_allows_what_is_not_denied)
TESTS_RUN(istio_with_an_allow_policy_without_rules_allows_nothing)
TESTS_RUN(istio_with_one_empty_rule_allows_everything)
TESTS_RUN(istio_joins_its_conditions_and_parts_its_lists)
TESTS_RUN(istio_not_values_hold_where_there_is_no_value)
TESTS_RUN(linkerd_denies_what_no_policy_of_the_server_allows)
TESTS_RUN(linkerd_routes_narrow_their_own_policies_and_refuse_what_none_takes)
TESTS_RUN(consul_the_intention_of_the_highest_precedence_decides_alone)
TESTS_RUN(consul_permissions_are_tried_in_order_and_then_the_default_decides)
TESTS_RUN(what_cannot_be_said_is_refused_and_nothing_is_written)
TESTS_END()
