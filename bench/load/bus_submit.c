/* bus_submit SIDECAR.yaml SERVICE SECONDS WINDOW...: durable submits per second over the bus.
 *
 * Registers with the broker that the file names, as that sidecar would, and keeps WINDOW submits of 1 KiB
 * in flight; prints rate and submit-to-acknowledgement latency for each window. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/job_link.h"

enum { BODY = 1024, SAMPLES = 1 << 20 };

struct bench {
    struct loop *loop;
    struct due_clock *clock;
    struct job_link *link;
    struct due end;
    const char *service;
    char body[BODY];
    unsigned window, in_flight;
    bool over;
    uint64_t done, failed;
    uint32_t *samples;
};

struct flight {
    struct bench *bench;
    int64_t began_us;
};

static void submit(struct bench *b);

static void answered(void *arg, enum err e, const Weft__Bus__V1__Record *answer)
{
    struct flight *f = arg;
    struct bench *b = f->bench;
    int64_t took = now_mono_us(loop_now(b->loop)) - f->began_us;
    mem_free(f);
    b->in_flight--;
    if (e == ERR_OK && answer->body_case == WEFT__BUS__V1__RECORD__BODY_ACCEPTED) {
        b->samples[b->done % SAMPLES] = (uint32_t)took;
        b->done++;
    } else {
        b->failed++;
    }
    if (!b->over)
        submit(b);
    else if (b->in_flight == 0)
        loop_stop(b->loop);
}

static void submit(struct bench *b)
{
    Weft__Bus__V1__Submit body = WEFT__BUS__V1__SUBMIT__INIT;
    body.service = (char *)(uintptr_t)b->service;
    body.method = (char *)(uintptr_t) "POST";
    body.path = (char *)(uintptr_t) "/bench";
    body.priority = 5;
    body.body = (ProtobufCBinaryData){.len = BODY, .data = (uint8_t *)b->body};
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_SUBMIT;
    record.submit = &body;
    struct flight *f = mem_new(sizeof(*f));
    *f = (struct flight){.bench = b, .began_us = now_mono_us(loop_now(b->loop))};
    b->in_flight++;
    if (bus_client_call(job_link_bus(b->link), &record, 0, answered, f) != ERR_OK) {
        fprintf(stderr, "bus_submit: the bus does not take it\n");
        exit(1);
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void over(struct due *due)
{
    struct bench *b = (struct bench *)(void *)((char *)due - offsetof(struct bench, end));
    b->over = true;
}

static void measure(struct bench *b, unsigned window, unsigned seconds)
{
    b->window = window;
    b->over = false;
    b->done = b->failed = 0;
    due_in(b->clock, &b->end, (int64_t)seconds * NOW_US_PER_S);
    int64_t began = now_mono_us(loop_now(b->loop));
    for (unsigned i = 0; i < window; i++)
        submit(b);
    loop_run(b->loop);
    double took = (double)(now_mono_us(loop_now(b->loop)) - began) / NOW_US_PER_S;
    size_t count = b->done < SAMPLES ? (size_t)b->done : SAMPLES;
    qsort(b->samples, count, sizeof(*b->samples), by_size);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%4u in flight  %8.0f submits/s  p50 %6u us  p99 %6u us  failed %llu\n", window, (double)b->done / took,
           count ? b->samples[count / 2] : 0, count ? b->samples[count * 99 / 100] : 0, (unsigned long long)b->failed);
}

static void hello(void *arg, Weft__Bus__V1__Hello *h)
{
    (void)arg;
    (void)h;
}

static void welcome(void *arg, const Weft__Bus__V1__Welcome *w)
{
    (void)w;
    loop_stop(((struct bench *)arg)->loop);
}

static void assign(void *arg, const Weft__Bus__V1__Assign *a)
{
    (void)arg;
    (void)a;
}

static void beat(void *arg, const Weft__Bus__V1__Beat *b)
{
    (void)arg;
    (void)b;
}

static void lost(void *arg, const char *why)
{
    (void)arg;
    fprintf(stderr, "bus_submit: lost the broker: %s\n", why);
    exit(1);
}

static struct snapshot *read_conf(const char *path)
{
    struct snapshot_source source = {.path = path};
    struct diag diag;
    struct buf text;
    struct snapshot *s = NULL;
    diag_init(&diag);
    buf_init(&text, BUF_TEXT_BOUND);
    if (snapshot_load(&source, &diag, &s) != ERR_OK || !s->conf.broker.https) {
        diag_print(&diag, &text);
        fprintf(stderr, "%sbus_submit: no usable configuration with a broker\n", buf_text(&text));
        exit(2);
    }
    buf_fini(&text);
    diag_fini(&diag);
    return s;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bus_submit SIDECAR.yaml SERVICE SECONDS WINDOW...\n");
        return 2;
    }
    log_open(&(struct log_conf){.fd = 2, .level = LOG_WARN, .program = "bench"});
    struct bench *b = mem_new(sizeof(*b));
    b->loop = loop_new();
    b->clock = due_clock_new(b->loop);
    b->service = argv[2];
    b->samples = mem_array(SAMPLES, sizeof(*b->samples));
    memset(b->body, 'x', BODY);
    due_init(&b->end, over);
    struct snapshot *s = read_conf(argv[1]);
    s->conf.broker.slots = 0;
    struct job_link_conf link = {
        .loop = b->loop,
        .clock = b->clock,
        .snap = s,
        .hello = hello,
        .welcome = welcome,
        .assign = assign,
        .beat = beat,
        .lost = lost,
        .arg = b,
    };
    b->link = job_link_new(&link);
    loop_run(b->loop);
    for (int i = 4; i < argc; i++)
        measure(b, (unsigned)atoi(argv[i]), (unsigned)atoi(argv[3]));
    return 0;
}
