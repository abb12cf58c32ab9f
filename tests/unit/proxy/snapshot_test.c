#include "proxy/snapshot.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/spiffe.h"
#include "tests/kit/certs.h"
#include "tests/kit/t.h"

#define WEB "spiffe://example.org/web"
#define IDENTITY "service: web\nidentity: {cert: leaf.pem, key: leaf.key, trust: {example.org: example.org.bundle}}\n"
#define CONTRACT "contract(\"web\", \"1.0.0\").\n"

static struct certs *certs;
static struct diag diag;
static struct snapshot *snap;

static void write_file(const char *name, const char *text)
{
    char path[CERTS_PATH];
    certs_write(certs, name, slice_str(text), 0644, path);
}

static void begin(void)
{
    certs = certs_new();
    struct creds *made = certs_good(certs, WEB, spiffe_judge); /* leaves leaf.pem and leaf.key behind */
    creds_unref(&made);
    diag_init(&diag);
    snap = NULL;
}

static enum err load(const char *yaml)
{
    char path[CERTS_PATH];
    certs_write(certs, "web.yaml", slice_str(yaml), 0644, path);
    struct snapshot_source source = {.path = path};
    return snapshot_load(&source, &diag, &snap);
}

static void remove_file(const char *name)
{
    char path[CERTS_PATH + 64];
    (void)snprintf(path, sizeof(path), "%s/%s", certs->dir, name);
    (void)remove(path);
}

static void end(void)
{
    snapshot_unref(&snap);
    diag_fini(&diag);
    static const char *const made[] = {"p/b.weft", "p/a.weft", "p/.hidden.weft", "p/notes.txt", "p"};
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        remove_file(made[i]);
    certs_free(&certs);
}

static void make_folder(void)
{
    char path[CERTS_PATH];
    (void)snprintf(path, sizeof(path), "%s/p", certs->dir);
    CHECK_INT(0, mkdir(path, 0755));
}

static bool said(const char *part)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    diag_print(&diag, &out);
    bool has = slice_has(buf_slice(&out), slice_str(part));
    if (!has)
        print_message("%.*s\n", SLICE_FMT(buf_slice(&out)));
    buf_fini(&out);
    return has;
}

TEST(a_whole_configuration_is_a_whole_snapshot)
{
    begin();
    write_file("web.weft", CONTRACT);
    write_file("orders.weft", "contract(\"orders\", \"1.0.0\").\n");
    CHECK_ERR(ERR_OK, load(IDENTITY "inbound: {listen: 127.0.0.1:0, app: \"h2c://127.0.0.1:9000/\"}\n"
                                    "contract: web.weft\nconsumes: orders.weft\nservices: {orders: {}}\n"));
    CHECK_TEXT(WEB, creds_id(snap->creds));
    CHECK_TEXT("web", contract_name(snap->contract));
    CHECK_INT(1, snap->consume_count);
    CHECK(snap->app_h2);
    CHECK_INT(0, authz_rule_count(snap->authz));
    CHECK_INT(0, diag.errors + diag.warnings);
    end();
}

TEST(all_complaints_come_at_once)
{
    begin();
    write_file("bad.weft", "feild(1).\n");
    write_file("policy.weft", "allow() :- pear(\"x\").\n");
    CHECK_ERR(ERR_INPUT, load("service: web\nidentity: {cert: no.pem, key: leaf.key, trust: {example.org: no.pem}}\n"
                              "inbound: {listen: 127.0.0.1:0, app: \"https://x:1\"}\n"
                              "contract: bad.weft\nconsumes: absent.weft\npolicy: policy.weft\n"));
    CHECK(!snap);
    CHECK(said("no.pem"));
    CHECK(said("bad.weft:1:"));
    CHECK(said("absent.weft"));
    CHECK(said("inbound.app: error: \"https://x:1\" is not an address"));
    CHECK(said("policy.weft:1:"));
    end();
}

TEST(a_policy_file_that_is_not_there_is_named)
{
    begin();
    CHECK_ERR(ERR_INPUT, load(IDENTITY "inbound: {listen: 127.0.0.1:0}\npolicy: nowhere.weft\n"));
    CHECK(said("nowhere.weft: error: policy: No such file or directory"));
    end();
}

TEST(a_contract_that_no_service_is_named_after_is_a_warning)
{
    begin();
    write_file("orders.weft", "contract(\"orders\", \"1.0.0\").\n");
    CHECK_ERR(ERR_OK, load(IDENTITY "inbound: {listen: 127.0.0.1:0}\nconsumes: orders.weft\nservices: {order: {}}\n"));
    CHECK_INT(1, diag.warnings);
    CHECK(said("no service is called \"orders\": it is never used"));
    end();
}

TEST(a_policy_folder_is_its_weft_files_and_no_others)
{
    begin();
    make_folder();
    write_file("p/a.weft", "allow() :- method(\"GET\").\n");
    write_file("p/b.weft", "deny() :- method(\"PUT\").\n");
    write_file("p/.hidden.weft", "nonsense");
    write_file("p/notes.txt", "nonsense");
    CHECK_ERR(ERR_OK, load(IDENTITY "inbound: {listen: 127.0.0.1:0}\npolicy: p\n"));
    CHECK_INT(2, authz_rule_count(snap->authz));
    end();
}

TEST(an_empty_policy_folder_is_an_error_and_not_no_policy)
{
    begin();
    make_folder();
    CHECK_ERR(ERR_INPUT, load(IDENTITY "inbound: {listen: 127.0.0.1:0}\npolicy: p\n"));
    CHECK(said("no *.weft file in this folder"));
    end();
}

TEST(a_set_and_the_environment_override_the_file)
{
    char path[CERTS_PATH];
    const char *sets[] = {"enforce=block"};
    char variable[] = "WEFT_SERVICE=other";
    char *const environ_[] = {variable, NULL};
    begin();
    certs_write(certs, "web.yaml", SLICE(IDENTITY "inbound: {listen: 127.0.0.1:0}\n"), 0644, path);
    struct snapshot_source source = {.path = path, .sets = sets, .set_count = 1, .environ = environ_};
    CHECK_ERR(ERR_OK, snapshot_load(&source, &diag, &snap));
    CHECK_INT(PROXY_ENFORCE_BLOCK, snap->conf.enforce);
    CHECK_TEXT("other", slice_str(snap->conf.service));
    end();
}

TEST(a_change_of_any_file_changes_the_stamp)
{
    static const char *const files[] = {"web.yaml", "leaf.pem",    "leaf.key", "example.org.bundle",
                                        "web.weft", "orders.weft", "p/a.weft"};
    begin();
    make_folder();
    write_file("p/a.weft", "allow() :- method(\"GET\").\n");
    write_file("web.weft", CONTRACT);
    write_file("orders.weft", "contract(\"orders\", \"1.0.0\").\n");
    CHECK_ERR(ERR_OK, load(IDENTITY "inbound: {listen: 127.0.0.1:0}\npolicy: p\ncontract: web.weft\n"
                                    "consumes: orders.weft\nservices: {orders: {}}\n"));
    uint64_t stamp = snapshot_stamp(snap);
    CHECK(stamp == snap->stamp);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[CERTS_PATH + 64];
        (void)snprintf(path, sizeof(path), "%s/%s", certs->dir, files[i]);
        CHECK_INT(0, truncate(path, (off_t)i + 1));
        CHECK(snapshot_stamp(snap) != stamp);
        stamp = snapshot_stamp(snap);
    }
    write_file("p/b.weft", "allow().\n");
    CHECK(snapshot_stamp(snap) != stamp);
    stamp = snapshot_stamp(snap);
    remove_file("p/b.weft");
    CHECK(snapshot_stamp(snap) != stamp);
    end();
}

static void opened(struct snapshot *s, struct cluster_endpoint *e, uint64_t conn_id, void *arg)
{
    (void)s, (void)e, (void)conn_id, (void)arg;
}

TEST(a_service_is_found_by_the_host_of_an_authority)
{
    begin();
    struct loop *loop = loop_new();
    struct due_clock *clock = due_clock_new(loop);
    CHECK_ERR(ERR_OK, load(IDENTITY "outbound: {listen: 127.0.0.1:0}\nservices:\n  orders: {}\n"
                                    "  stock: {endpoints: [127.0.0.1:1], identity: \"" WEB "\"}\n"));
    snapshot_start(snap, &(struct snapshot_start){.loop = loop, .clock = clock, .opened = opened});
    CHECK(snapshot_cluster(snap, SLICE("orders")) == snap->clusters[0]);
    CHECK(snapshot_cluster(snap, SLICE("STOCK:80")) == snap->clusters[1]);
    CHECK(!snapshot_cluster(snap, SLICE("stoc")));
    CHECK(!snapshot_cluster(snap, SLICE("")));
    CHECK(!snap->app);
    struct snapshot *another = snapshot_ref(snap);
    snapshot_unref(&another);
    CHECK(!another);
    end();
    for (int i = 0; i < 5; i++)
        loop_turn(loop, false);
    due_clock_free(&clock);
    loop_free(&loop);
}

TESTS_BEGIN()
TESTS_RUN(a_whole_configuration_is_a_whole_snapshot)
TESTS_RUN(all_complaints_come_at_once)
TESTS_RUN(a_policy_file_that_is_not_there_is_named)
TESTS_RUN(a_contract_that_no_service_is_named_after_is_a_warning)
TESTS_RUN(a_policy_folder_is_its_weft_files_and_no_others)
TESTS_RUN(an_empty_policy_folder_is_an_error_and_not_no_policy)
TESTS_RUN(a_set_and_the_environment_override_the_file)
TESTS_RUN(a_change_of_any_file_changes_the_stamp)
TESTS_RUN(a_service_is_found_by_the_host_of_an_authority)
TESTS_END()
