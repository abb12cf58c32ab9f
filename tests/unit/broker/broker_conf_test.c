#include "broker/broker_conf.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/t.h"

#define IDENTITY "identity: {cert: c.pem, key: k.pem, trust: {example.org: ca.pem}}\n"

struct loaded {
    struct arena arena;
    struct diag diag;
    struct buf said;
    struct broker_conf conf;
    enum err e;
};

static void load_with(struct loaded *l, const char *text, const char *set)
{
    char path[] = "/tmp/weft-conf-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(close(fd) == 0);
    *l = (struct loaded){0};
    arena_init(&l->arena, SIZE_MAX);
    diag_init(&l->diag);
    buf_init(&l->said, BUF_TEXT_BOUND);
    struct broker_conf_source source = {.path = path, .sets = &set, .set_count = set ? 1 : 0};
    l->e = broker_conf_load(&source, &l->arena, &l->diag, &l->conf);
    diag_print(&l->diag, &l->said);
    (void)unlink(path);
}

static void load(struct loaded *l, const char *text)
{
    load_with(l, text, NULL);
}

static void unload(struct loaded *l)
{
    buf_fini(&l->said);
    diag_fini(&l->diag);
    arena_fini(&l->arena);
}

TEST(a_file_with_the_needful_gets_every_default)
{
    struct loaded l;
    load(&l, IDENTITY "data: /var/lib/weft\nservices: {trainer: {identity: 'spiffe://example.org/trainer'}}\n");
    CHECK_ERR(ERR_OK, l.e);
    CHECK_TEXT("127.0.0.1:4750", slice_str(l.conf.bus));
    CHECK_TEXT("127.0.0.1:4751", slice_str(l.conf.https));
    CHECK_TEXT("/var/lib/weft", slice_str(l.conf.data));
    CHECK_INT(30000000, l.conf.lease_us);
    CHECK_INT(10000000, l.conf.beat_us);
    CHECK_INT(100000, l.conf.limits.jobs);
    CHECK_INT(1, l.conf.services.count);
    CHECK_TEXT("trainer", slice_str(l.conf.services.names[0]));
    const struct broker_conf_service *trainer = l.conf.services.items;
    CHECK_TEXT("spiffe://example.org/trainer", slice_str(trainer->identity));
    CHECK_INT(5, trainer->attempts);
    unload(&l);
}

TEST(all_that_is_missing_is_named_at_once)
{
    struct loaded l;
    load(&l, "services: {trainer: {attempts: 0}}\n");
    CHECK_ERR(ERR_INPUT, l.e);
    struct slice said = buf_slice(&l.said);
    CHECK(slice_has(said, SLICE("identity")));
    CHECK(slice_has(said, SLICE("data")));
    CHECK(slice_has(said, SLICE("attempts")));
    unload(&l);
}

TEST(a_lease_outlasts_two_beats)
{
    struct loaded l;
    load(&l, IDENTITY "data: d\nlease: 20s\nbeat: 10s\n");
    CHECK_ERR(ERR_OK, l.e);
    unload(&l);
    load(&l, IDENTITY "data: d\nlease: 19s\nbeat: 10s\n");
    CHECK_ERR(ERR_INPUT, l.e);
    CHECK(slice_has(buf_slice(&l.said), SLICE(":4:1: error: a lease must outlast two beats")));
    unload(&l);
}

TEST(the_admin_side_is_for_this_machine_only)
{
    struct loaded l;
    load(&l, IDENTITY "data: d\nadmin: {listen: '0.0.0.0:4790'}\n");
    CHECK_ERR(ERR_INPUT, l.e);
    CHECK(slice_has(buf_slice(&l.said), SLICE("admin.listen must be on loopback")));
    unload(&l);
    load(&l, IDENTITY "data: d\nadmin: {listen: '127.0.0.1:4790'}\n");
    CHECK_ERR(ERR_OK, l.e);
    unload(&l);
}

TEST(a_set_overrides_the_file)
{
    struct loaded l;
    load_with(&l, IDENTITY "data: d\nlease: 40s\n", "lease=50s");
    CHECK_ERR(ERR_OK, l.e);
    CHECK_INT(50000000, l.conf.lease_us);
    unload(&l);
    load_with(&l, IDENTITY "data: d\n", "leese=50s");
    CHECK_ERR(ERR_INPUT, l.e);
    CHECK(slice_has(buf_slice(&l.said), SLICE("lease")));
    unload(&l);
}

TESTS_BEGIN()
TESTS_RUN(a_file_with_the_needful_gets_every_default)
TESTS_RUN(all_that_is_missing_is_named_at_once)
TESTS_RUN(a_lease_outlasts_two_beats)
TESTS_RUN(the_admin_side_is_for_this_machine_only)
TESTS_RUN(a_set_overrides_the_file)
TESTS_END()
