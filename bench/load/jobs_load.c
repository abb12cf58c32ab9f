/* jobs_load - one process that is caller and worker of a real broker, over the bus with CURVE.
 *
 *     jobs_load keys                                          a new key pair: public and secret, base64url
 *     jobs_load MODE ENDPOINT BROKER-KEY PUBLIC SECRET WINDOW SECONDS
 *
 * MODE: submit    WINDOW submits in flight, nobody runs them
 *       cycle     the same, and 16 connections run and finish them; a place is free again after both answers
 *       dispatch  one job at a time, a worker waits: submit to answer, submit to worker
 *       fill      SECONDS is a number of jobs: they are submitted and stay
 *       blob      a body of WINDOW MiB is put, becomes a job, and its worker gets it; SECONDS is of no meaning
 * The payload is 1 KiB of text that hardly compresses.  Prints one JSON object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "bus/bus_get.h"
#include "bus/zsock.h"

enum { CONNECTIONS = 16, PAYLOAD = 1024, SAMPLES = 1 << 20, SLOTS = 32, RAMP_US = 300000 };

struct load;

struct peer {
    struct load *load;
    struct bus_client *bus;
    bool works, welcome;
};

/* A job under way. */
struct slot {
    struct load *load;
    int64_t begun_us;
    bool accepted, finished;
    char job[48];
};

struct load {
    struct loop *loop;
    struct due_clock *clock;
    struct due end;
    struct peer callers[CONNECTIONS], workers[CONNECTIONS];
    size_t caller_count, worker_count, next;
    struct slot *slots;
    size_t window;
    const char *mode;
    int64_t begun_us, until_us;
    uint64_t count, done, refused, most;
    int64_t *acks, *starts; /* microseconds */
    size_t ack_count, start_count;
    char payload[PAYLOAD];
    bool over;
    /* blob */
    struct bus_put *put;
    struct bus_get *get;
    uint64_t blob_size, moved;
    int64_t put_us, get_us;
    char *piece;
};

static void stop(struct load *l, const char *why)
{
    fprintf(stderr, "jobs_load: %s\n", why);
    (void)l;
    exit(1);
}

static int64_t now_us(const struct load *l)
{
    (void)l;
    return now_mono_us(&now_real);
}

static bool is(const struct load *l, const char *mode)
{
    return strcmp(l->mode, mode) == 0;
}

static void submit(struct slot *s);

static void note(int64_t *samples, size_t *count, int64_t us)
{
    if (*count < SAMPLES)
        samples[(*count)++] = us;
}

static void again(struct slot *s)
{
    struct load *l = s->load;
    l->done += now_us(l) >= l->begun_us + RAMP_US;
    if (l->over || (l->most && l->count >= l->most))
        return;
    submit(s);
}

static void accepted(void *arg, enum err e, const Weft__Bus__V1__Record *answer)
{
    struct slot *s = arg;
    struct load *l = s->load;
    if (e != ERR_OK)
        stop(l, "the broker was lost");
    if (answer->body_case != WEFT__BUS__V1__RECORD__BODY_ACCEPTED) {
        fprintf(stderr, "jobs_load: %s\n", answer->problem->detail);
        exit(1);
    }
    note(l->acks, &l->ack_count, now_us(l) - s->begun_us);
    s->accepted = true;
    if (is(l, "submit") || is(l, "fill") || s->finished)
        again(s);
}

static void submit(struct slot *s)
{
    struct load *l = s->load;
    char number[40];
    int len = snprintf(number, sizeof(number), "%zu %llu ", (size_t)(s - l->slots), (unsigned long long)l->count++);
    memcpy(l->payload, number, (size_t)len);
    Weft__Bus__V1__Submit m = WEFT__BUS__V1__SUBMIT__INIT;
    m.service = (char *)(uintptr_t) "bench";
    m.method = (char *)(uintptr_t) "POST";
    m.path = (char *)(uintptr_t) "/run";
    m.body = (ProtobufCBinaryData){.len = PAYLOAD, .data = (uint8_t *)l->payload};
    m.priority = 5;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_SUBMIT;
    r.submit = &m;
    s->accepted = s->finished = false;
    s->begun_us = now_us(l);
    struct peer *p = &l->callers[(size_t)(s - l->slots) % l->caller_count];
    if (bus_client_call(p->bus, &r, 0, accepted, s) != ERR_OK)
        stop(l, "a submit was not taken");
}

/* --- one large body --- */

static void put_more(void *arg)
{
    struct load *l = arg;
    size_t n = 1;
    while (n > 0 && l->moved < l->blob_size) {
        uint64_t left = l->blob_size - l->moved;
        size_t len = left < BUS_PUT_PIECE ? (size_t)left : BUS_PUT_PIECE;
        n = bus_put_write(l->put, slice_of(l->piece, len), len == left);
        l->moved += n;
    }
}

static void put_failed(void *arg, const struct bus_put_fault *fault)
{
    stop(arg, fault->detail);
}

static void put_kept(void *arg, const uint8_t digest[BUS_PUT_DIGEST], uint64_t size)
{
    struct load *l = arg;
    Weft__Bus__V1__BlobName name = WEFT__BUS__V1__BLOB_NAME__INIT;
    Weft__Bus__V1__Submit m = WEFT__BUS__V1__SUBMIT__INIT;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    l->put_us = now_us(l) - l->begun_us;
    name.digest = (ProtobufCBinaryData){.len = BUS_PUT_DIGEST, .data = (uint8_t *)(uintptr_t)digest};
    name.size = size;
    m.service = (char *)(uintptr_t) "bench";
    m.method = (char *)(uintptr_t) "POST";
    m.path = (char *)(uintptr_t) "/run";
    m.priority = 5;
    m.blob = &name;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_SUBMIT;
    r.submit = &m;
    if (bus_client_send(l->callers[0].bus, &r) != ERR_OK)
        stop(l, "a submit was not taken");
}

static void put_begin(struct load *l)
{
    static const struct bus_put_owner owner = {put_more, put_kept, put_failed};
    struct bus_put_plan plan = {.size = l->blob_size, .service = "bench", .operation = ""};
    if (bus_put_start(l->callers[0].bus, &plan, &owner, l, &l->put) != ERR_OK)
        stop(l, "the broker was lost");
}

static void get_data(void *arg, struct slice bytes, bool last)
{
    struct load *l = arg;
    l->moved += bytes.len;
    if (last)
        l->get_us = now_us(l) - l->begun_us;
    else
        bus_get_took(l->get, bytes.len);
    l->over = last;
}

static void get_begin(struct peer *p, const Weft__Bus__V1__Assign *a)
{
    static const struct bus_get_owner owner = {get_data, put_failed};
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    struct bus_get_plan plan = {.lease = &lease};
    lease.job = a->job;
    lease.token = a->token;
    p->load->moved = 0;
    p->load->begun_us = now_us(p->load);
    if (bus_get_start(p->bus, &plan, &owner, p->load, &p->load->get) != ERR_OK)
        stop(p->load, "the broker was lost");
}

static void report_blob(const struct load *l)
{
    double mib = (double)l->blob_size;
    printf("{\"mode\":\"blob\",\"bytes\":%llu,\"got\":%llu,\"put_mb_s\":%.0f,\"get_mb_s\":%.0f}\n",
           (unsigned long long)l->blob_size, (unsigned long long)l->moved, mib / (double)l->put_us,
           mib / (double)l->get_us);
}

/* --- workers --- */

static void give(struct peer *p, unsigned slots)
{
    Weft__Bus__V1__Credit m = WEFT__BUS__V1__CREDIT__INIT;
    m.service = (char *)(uintptr_t) "bench";
    m.slots = slots;
    m.bytes = (uint64_t)slots * 4096;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_CREDIT;
    r.credit = &m;
    if (bus_client_send(p->bus, &r) != ERR_OK)
        stop(p->load, "credit was not taken");
}

static void finished(void *arg, enum err e, const Weft__Bus__V1__Record *answer)
{
    struct slot *s = arg;
    if (e != ERR_OK || answer->body_case != WEFT__BUS__V1__RECORD__BODY_OK)
        stop(s->load, "a result was not taken");
    s->finished = true;
    if (s->accepted)
        again(s);
}

static void run(struct peer *p, const Weft__Bus__V1__Assign *a)
{
    struct load *l = p->load;
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    lease.job = a->job;
    lease.token = a->token;
    Weft__Bus__V1__Done m = WEFT__BUS__V1__DONE__INIT;
    m.lease = &lease;
    m.status = 200;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_DONE;
    r.done = &m;
    size_t number = (size_t)strtoul((const char *)a->body.data, NULL, 10);
    if (number >= l->window)
        stop(l, "a job of somebody else");
    struct slot *s = &l->slots[number];
    note(l->starts, &l->start_count, now_us(l) - s->begun_us);
    if (bus_client_call(p->bus, &r, 0, finished, s) != ERR_OK)
        stop(l, "a result was not sent");
    give(p, 1);
}

static void heard(void *arg, const Weft__Bus__V1__Record *r)
{
    struct peer *p = arg;
    if (r->body_case == WEFT__BUS__V1__RECORD__BODY_ASSIGN && is(p->load, "blob"))
        get_begin(p, r->assign);
    else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_ASSIGN)
        run(p, r->assign);
    else if (r->body_case == WEFT__BUS__V1__RECORD__BODY_PROBLEM)
        stop(p->load, r->problem->detail);
}

static void hello(void *arg, Weft__Bus__V1__Hello *h)
{
    (void)arg, (void)h;
}

static void lost(void *arg, const char *why)
{
    stop(((struct peer *)arg)->load, why);
}

static bool all_welcome(const struct load *l)
{
    for (size_t i = 0; i < l->caller_count; i++)
        if (!l->callers[i].welcome)
            return false;
    for (size_t i = 0; i < l->worker_count; i++)
        if (!l->workers[i].welcome)
            return false;
    return true;
}

static void begin(struct load *l)
{
    l->begun_us = now_us(l);
    for (size_t i = 0; i < l->worker_count; i++)
        give(&l->workers[i], SLOTS);
    if (is(l, "blob")) {
        put_begin(l);
        return;
    }
    for (size_t i = 0; i < l->window; i++)
        submit(&l->slots[i]);
}

static void welcome(void *arg, const Weft__Bus__V1__Welcome *w)
{
    struct peer *p = arg;
    (void)w;
    p->welcome = true;
    if (all_welcome(p->load) && p->load->begun_us == 0)
        begin(p->load);
}

static const struct bus_client_owner owner = {.hello = hello, .welcome = welcome, .lost = lost, .record = heard};

static void open_peer(struct load *l, struct peer *p, const struct bus_client_conf *conf, bool works)
{
    struct bus_client_conf own = *conf;
    own.service = works ? "bench" : "";
    own.max_waiting = 100000;
    *p = (struct peer){.load = l, .works = works};
    p->bus = bus_client_start(l->loop, l->clock, &own, &owner, p);
    if (!p->bus)
        stop(l, "no CURVE here");
}

/* --- figures --- */

static int by_size(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;
    return (one > two) - (one < two);
}

static void put_percentiles(const char *name, int64_t *samples, size_t count)
{
    qsort(samples, count, sizeof(*samples), by_size);
    if (count)
        printf(",\"%s_p50_us\":%lld,\"%s_p99_us\":%lld", name, (long long)samples[count / 2], name,
               (long long)samples[count * 99 / 100]);
}

static void report(struct load *l)
{
    double seconds = (double)(now_us(l) - l->begun_us - RAMP_US) / 1e6;
    printf("{\"mode\":\"%s\",\"window\":%zu,\"jobs\":%llu,\"per_s\":%.0f", l->mode, l->window,
           (unsigned long long)l->count, (double)l->done / seconds);
    put_percentiles("ack", l->acks, l->ack_count);
    put_percentiles("start", l->starts, l->start_count);
    printf("}\n");
}

static bool settled(const struct load *l)
{
    for (size_t i = 0; i < l->window; i++)
        if (!l->slots[i].accepted || (l->worker_count && !l->slots[i].finished))
            return false;
    return true;
}

static void run_for(struct load *l, double seconds)
{
    while (l->begun_us == 0)
        loop_turn(l->loop, true);
    if (is(l, "blob")) {
        while (!l->over)
            loop_turn(l->loop, true);
        report_blob(l);
        return;
    }
    if (is(l, "fill")) {
        while (l->count < l->most || !settled(l))
            loop_turn(l->loop, true);
        report(l);
        return;
    }
    int64_t until_us = l->begun_us + RAMP_US + (int64_t)(seconds * 1e6);
    while (now_us(l) < until_us)
        loop_turn(l->loop, true);
    report(l);
    l->over = true;
    while (!settled(l))
        loop_turn(l->loop, true);
}

static void key_of(const char *text, uint8_t key[32])
{
    size_t len;
    if (hash_base64url(slice_str(text), key, 32, &len) != ERR_OK || len != 32)
        stop(NULL, "a key has 32 bytes in base64url");
}

static void print_key(const uint8_t key[32])
{
    struct buf text;
    buf_init(&text, 100);
    hash_put_base64url(&text, slice_of(key, 32));
    printf("%.*s\n", SLICE_FMT(buf_slice(&text)));
    buf_fini(&text);
}

static int make_keys(void)
{
    uint8_t public_key[ZSOCK_KEY], secret_key[ZSOCK_KEY];
    zsock_keys(public_key, secret_key);
    print_key(public_key);
    print_key(secret_key);
    return 0;
}

static void end(struct due *due)
{
    (void)due; /* wakes the loop, so that it sees the time */
}

int main(int argc, char **argv)
{
    static struct load l;
    struct bus_client_conf conf = {.instance = "load"};
    if (argc == 2 && strcmp(argv[1], "keys") == 0)
        return make_keys();
    if (argc != 8) {
        fprintf(stderr, "usage: jobs_load MODE ENDPOINT BROKER-KEY PUBLIC SECRET WINDOW SECONDS\n");
        return 2;
    }
    l.mode = argv[1];
    conf.endpoint = argv[2];
    key_of(argv[3], conf.server_key);
    key_of(argv[4], conf.public_key);
    key_of(argv[5], conf.secret_key);
    l.window = strtoul(argv[6], NULL, 10);
    l.loop = loop_new();
    l.clock = due_clock_new(l.loop);
    due_init(&l.end, end);
    due_in(l.clock, &l.end, (int64_t)(strtod(argv[7], NULL) * 1e6) + 10 * RAMP_US);
    l.most = is(&l, "fill") ? strtoul(argv[7], NULL, 10) : 0;
    l.slots = mem_array(l.window, sizeof(*l.slots));
    l.acks = mem_array(SAMPLES, sizeof(*l.acks));
    l.starts = mem_array(SAMPLES, sizeof(*l.starts));
    for (size_t i = 0; i < l.window; i++)
        l.slots[i].load = &l;
    memset(l.payload, 0, PAYLOAD);
    uint64_t chance = 88172645463325252u;
    for (size_t i = 0; i < PAYLOAD; i++) {
        chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
        l.payload[i] = (char)('0' + chance % 64);
    }
    bool one_each = is(&l, "dispatch") || is(&l, "blob"), works = is(&l, "cycle") || one_each;
    l.blob_size = (uint64_t)l.window << 20;
    l.piece = mem_array(BUS_PUT_PIECE, 1);
    memset(l.piece, 'w', BUS_PUT_PIECE);
    l.caller_count = l.window < CONNECTIONS && !is(&l, "blob") ? l.window : one_each ? 1 : CONNECTIONS;
    l.worker_count = works ? (one_each ? 1 : CONNECTIONS) : 0;
    for (size_t i = 0; i < l.caller_count; i++)
        open_peer(&l, &l.callers[i], &conf, false);
    for (size_t i = 0; i < l.worker_count; i++)
        open_peer(&l, &l.workers[i], &conf, true);
    run_for(&l, strtod(argv[7], NULL));
    return 0;
}
