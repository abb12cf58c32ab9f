/* Large bodies between real sockets: what is put, named, run, answered and got, and by whom. */
#include "broker/blob_verbs.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "broker/blob_shelf.h"
#include "bus/bus_get.h"
#include "tests/unit/broker/bus_world.h"

enum { BIG = 3 << 20 };

/* A put or a get, and how it ended. */
struct moving {
    struct bus_put *put;
    struct bus_get *get;
    const char *bytes;
    size_t at, size;
    bool announced; /* the size is said before */
    unsigned kept, lasts, faults;
    char word[32];
    unsigned status;
    uint8_t digest[BUS_PUT_DIGEST];
    struct buf got;
};

static void on_room(void *arg)
{
    struct moving *m = arg;
    m->at += bus_put_write(m->put, slice_of(m->bytes + m->at, m->size - m->at), true);
}

static void on_kept(void *arg, const uint8_t digest[BUS_PUT_DIGEST], uint64_t size)
{
    struct moving *m = arg;
    CHECK_INT(m->size, size);
    memcpy(m->digest, digest, BUS_PUT_DIGEST);
    m->kept++;
}

static void on_failed(void *arg, const struct bus_put_fault *fault)
{
    struct moving *m = arg;
    snprintf(m->word, sizeof(m->word), "%s", fault->word);
    m->status = fault->status;
    m->faults++;
}

static void on_data(void *arg, struct slice bytes, bool last)
{
    struct moving *m = arg;
    buf_put(&m->got, bytes);
    if (last)
        m->lasts++;
    else
        bus_get_took(m->get, bytes.len);
}

static const struct bus_put_owner put_owner = {on_room, on_kept, on_failed};
static const struct bus_get_owner get_owner = {on_data, on_failed};

static Weft__Bus__V1__Lease lease_of(struct peer *p)
{
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    lease.job = p->assigned;
    lease.token = p->token;
    return lease;
}

/* As the body of a job of "trainer", or as a result of what `of` runs. */
static void put(struct peer *p, struct peer *of, struct moving *m)
{
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    struct bus_put_plan plan = {.size = m->announced ? m->size : 0, .service = "trainer", .operation = ""};
    if (of) {
        lease = lease_of(of);
        plan.lease = &lease;
    }
    CHECK_ERR(ERR_OK, bus_put_start(p->client, &plan, &put_owner, m, &m->put));
    UNTIL(p->world, m->kept + m->faults > 0);
}

static void get(struct peer *p, const struct bus_get_plan *plan, struct moving *m)
{
    buf_init(&m->got, SIZE_MAX);
    CHECK_ERR(ERR_OK, bus_get_start(p->client, plan, &get_owner, m, &m->get));
    UNTIL(p->world, m->lasts + m->faults > 0);
}

static Weft__Bus__V1__BlobName name_of(struct moving *m)
{
    Weft__Bus__V1__BlobName name = WEFT__BUS__V1__BLOB_NAME__INIT;
    name.digest = (ProtobufCBinaryData){.len = BUS_PUT_DIGEST, .data = m->digest};
    name.size = m->size;
    return name;
}

static void submit(struct peer *p, struct moving *m)
{
    Weft__Bus__V1__BlobName name = name_of(m);
    Weft__Bus__V1__Submit s = bus_world_a_submit();
    s.blob = &name;
    bus_world_submit(p, &s);
}

static void done(struct peer *p, struct moving *m)
{
    Weft__Bus__V1__BlobName name = name_of(m);
    Weft__Bus__V1__Lease lease = lease_of(p);
    Weft__Bus__V1__Done body = WEFT__BUS__V1__DONE__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    body.lease = &lease;
    body.status = 200;
    body.blob = &name;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_DONE;
    r.done = &body;
    bus_world_call(p, &r);
}

static char *content(void)
{
    char *bytes = mem_new(BIG);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    return bytes;
}

TEST(a_large_body_and_its_large_result_go_both_ways)
{
    struct world w;
    bus_world_open(&w, NULL);
    char *bytes = content();
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL),
                *trainer = bus_world_enter(&w, ID("trainer"), "trainer", NULL);
    struct moving body = {.bytes = bytes, .size = BIG, .announced = true}, ran = {0}, result = {.bytes = bytes + 7};
    put(web, NULL, &body);
    CHECK_INT(1, body.kept);
    submit(web, &body);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_ACCEPTED, web->answer);
    bus_world_credit(trainer, "trainer");
    UNTIL(&w, trainer->assigns > 0);
    Weft__Bus__V1__Lease lease = lease_of(trainer);
    get(trainer, &(struct bus_get_plan){.lease = &lease}, &ran);
    CHECK_SLICE(slice_of(bytes, BIG), buf_slice(&ran.got));
    result.size = BIG - 7;
    put(trainer, trainer, &result);
    CHECK_INT(1, result.kept);
    CHECK_INT(2 * BIG - 7, blob_purse_of(blob_shelf_purse(w.shelf), SLICE(ID("web")))); /* whose job it is */
    CHECK_INT(0, blob_purse_of(blob_shelf_purse(w.shelf), SLICE(ID("trainer"))));
    done(trainer, &result);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_OK, trainer->answer);
    struct moving part = {0};
    get(web, &(struct bus_get_plan){.job = web->job, .offset = 1000, .length = 50}, &part);
    CHECK_SLICE(slice_of(bytes + 1007, 50), buf_slice(&part.got));
    CHECK_INT(2 * BIG - 7, blob_purse_of(blob_shelf_purse(w.shelf), SLICE(ID("web"))));
    buf_fini(&ran.got);
    buf_fini(&part.got);
    mem_free(bytes);
    bus_world_close(&w);
}

TEST(who_has_not_put_it_may_not_name_it_and_nobody_twice)
{
    struct world w;
    bus_world_open(&w, NULL);
    char *bytes = content();
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL), *shop = bus_world_enter(&w, ID("shop"), "", NULL);
    struct moving body = {.bytes = bytes, .size = BIG}, other = {0};
    put(web, NULL, &body);
    submit(shop, &body);
    bus_world_check_refused(shop, "blob-unknown", 404);
    submit(web, &body);
    CHECK_INT(WEFT__BUS__V1__RECORD__BODY_ACCEPTED, web->answer);
    submit(web, &body);
    bus_world_check_refused(web, "blob-unknown", 404);
    get(shop, &(struct bus_get_plan){.job = web->job}, &other);
    CHECK_TEXT("job-unknown", slice_str(other.word));
    mem_free(bytes);
    bus_world_close(&w);
}

TEST(over_the_bounds_nothing_is_kept_or_charged)
{
    struct world w;
    bus_world_open(&w, NULL);
    char *bytes = content();
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL);
    w.api->conf.payload_most = BIG - 1;
    struct moving said = {.bytes = bytes, .size = BIG, .announced = true}, unsaid = {.bytes = bytes, .size = BIG};
    put(web, NULL, &said);
    CHECK_TEXT("payload-too-large", slice_str(said.word));
    CHECK_INT(0, said.at);
    put(web, NULL, &unsaid);
    CHECK_TEXT("payload-too-large", slice_str(unsaid.word));
    w.api->conf.payload_most = BIG;
    w.api->conf.caller_most = 2 * BIG - 1;
    struct moving first = {.bytes = bytes, .size = BIG}, second = first, third = second;
    third.announced = true;
    put(web, NULL, &first);
    CHECK_INT(1, first.kept);
    put(web, NULL, &second);
    CHECK_TEXT("quota-full", slice_str(second.word));
    CHECK_INT(429, second.status);
    put(web, NULL, &third);
    CHECK_TEXT("quota-full", slice_str(third.word));
    CHECK_INT(0, third.at);
    CHECK_INT(BIG, blob_purse_of(blob_shelf_purse(w.shelf), SLICE(ID("web"))));
    mem_free(bytes);
    bus_world_close(&w);
}

TEST(what_one_keeps_goes_with_its_session)
{
    struct world w;
    struct blob_shelf_stats stats;
    bus_world_open(&w, NULL);
    char *bytes = content();
    struct peer *web = bus_world_enter(&w, ID("web"), "", NULL);
    struct moving body = {.bytes = bytes, .size = BIG}, half = {.bytes = bytes, .size = BIG};
    put(web, NULL, &body);
    struct bus_put_plan plan = {.service = "trainer", .operation = ""};
    CHECK_ERR(ERR_OK, bus_put_start(web->client, &plan, &put_owner, &half, &half.put));
    UNTIL(&w, half.at > 0);
    w.until_us = 1; /* its key has ended */
    front_recheck(w.front);
    CHECK_INT(0, blob_purse_of(blob_shelf_purse(w.shelf), SLICE(ID("web"))));
    blob_shelf_stats(w.shelf, &stats);
    CHECK_INT(0, stats.blobs);
    CHECK_INT(0, w.api->blobs.puts.active);
    mem_free(bytes);
    bus_world_close(&w);
}

TESTS_BEGIN()
TESTS_RUN(a_large_body_and_its_large_result_go_both_ways)
TESTS_RUN(who_has_not_put_it_may_not_name_it_and_nobody_twice)
TESTS_RUN(over_the_bounds_nothing_is_kept_or_charged)
TESTS_RUN(what_one_keeps_goes_with_its_session)
TESTS_END()
