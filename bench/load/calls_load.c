/* calls_load - calls at a steady rate, each with a number of its own, and an account of every one of them.
 *
 *     calls_load ADDRESS HOST BOOK CONNECTIONS RATE COUNT
 *
 * Sends COUNT calls, RATE a second (0: as fast as they are answered), over CONNECTIONS kept connections of HTTP/1.1 to
 * a sidecar's local side: "GET /N" when N is even, "POST /N" when it is odd; a function notes them in BOOK
 * (calls_function).  A call is sent once, whatever becomes of it; a connection that ends is made again.  Prints a line
 * for every call that failed
 *
 *     failed N METHOD sent-ms ended-ms WORD seen       WORD: the status and its weft-error, or "cut"
 *
 * and one JSON object at the end.  `doubled`: POSTs that a function saw more than once.  `lied`: calls that failed with
 * a word that says nobody saw them, and somebody did.  `phantom`: calls answered with 200 that no function saw.
 * `crossed`: answers to another call.  Times are milliseconds since the monotonic clock began. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/due.h"
#include "base/mem.h"
#include "base/sock.h"
#include "bench/load/calls_book.h"

enum { ROOM = 64 << 10, TICK_US = 1000, AGAIN_US = 20000, NO_CALL = -1, WORDS = 32, BINS = 4000, BIN_US = 100 };

struct load;

struct caller {
    struct load *load;
    struct list link; /* among the idle */
    struct loop_watch *watch;
    struct due again;
    struct buf in;
    int64_t call, sent_us;
    int fd; /* -1: there is none */
    bool is_open;
};

struct word {
    char text[64];
    uint64_t count;
};

struct load {
    struct loop *loop;
    struct due_clock *clock;
    struct due tick;
    struct calls_book book;
    struct sock_addr to;
    const char *host;
    struct caller *callers;
    struct list idle;
    uint64_t caller_count, rate, count, next, over;
    uint64_t good, doubled, repeated, lied, phantom, crossed, late, connects;
    struct word words[WORDS];
    uint64_t bins[BINS + 1];
    int64_t begun_us;
};

static int64_t now_us(const struct load *l)
{
    (void)l;
    return now_mono_us(&now_real);
}

/* --- the account --- */

static bool is_post(int64_t call)
{
    return call % 2 != 0;
}

static void count_word(struct load *l, const char *text)
{
    for (size_t i = 0; i < WORDS; i++) {
        struct word *w = &l->words[i];
        if (!w->text[0])
            snprintf(w->text, sizeof(w->text), "%s", text);
        if (strcmp(w->text, text) == 0) {
            w->count++;
            return;
        }
    }
}

/* Words that promise: no function has seen it. */
static bool says_unseen(const char *word)
{
    static const char *const words[] = {"503 unreachable", "503 app-unreachable", "503 breaker-open", "503 draining",
                                        "503 overloaded",  "503 app-overloaded",  "404 no-route"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static void end_call(struct caller *c, const char *word)
{
    struct load *l = c->load;
    int64_t us = now_us(l) - c->sent_us;
    unsigned seen = atomic_load(&l->book.seen[c->call]);
    l->over++;
    l->bins[us / BIN_US < BINS ? us / BIN_US : BINS]++;
    if (!word) {
        l->good++;
        l->phantom += seen == 0;
    } else {
        count_word(l, word);
        l->lied += says_unseen(word) && seen > 0;
        printf("failed %" PRId64 " %s %" PRId64 " %" PRId64 " %s %u\n", c->call, is_post(c->call) ? "POST" : "GET",
               c->sent_us / 1000, now_us(l) / 1000, word, seen);
    }
    c->call = NO_CALL;
    if (l->over == l->count)
        loop_stop(l->loop);
}

/* --- connections --- */

static void connect_now(struct due *due);

static void drop(struct caller *c)
{
    list_remove(&c->link);
    loop_watch_free(&c->watch);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->is_open = false;
    buf_clear(&c->in);
    if (c->call != NO_CALL)
        end_call(c, "cut");
    due_in(c->load->clock, &c->again, AGAIN_US);
}

static void send_next(struct load *l, struct caller *c)
{
    char text[256];
    c->call = (int64_t)l->next++;
    c->sent_us = now_us(l);
    int n = is_post(c->call)
                ? snprintf(text, sizeof(text),
                           "POST /%" PRId64 " HTTP/1.1\r\nHost: %s\r\nContent-Length: 16\r\n\r\n%016" PRId64, c->call,
                           l->host, c->call)
                : snprintf(text, sizeof(text), "GET /%" PRId64 " HTTP/1.1\r\nHost: %s\r\n\r\n", c->call, l->host);
    if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        drop(c);
}

/* As many as are due, while anybody is free. */
static void send_due(struct load *l)
{
    uint64_t due = l->count;
    if (l->rate)
        due = (uint64_t)(now_us(l) - l->begun_us) * l->rate / NOW_US_PER_S;
    due = due < l->count ? due : l->count;
    while (l->next < due && !list_empty(&l->idle))
        send_next(l, LIST_OF(list_pop(&l->idle), struct caller, link));
    l->late = due - l->next > l->late ? due - l->next : l->late;
}

static struct slice value_of(struct slice head, struct slice name)
{
    size_t at;
    struct slice line = {0};
    if (!slice_find_text(head, name, &at))
        return line;
    struct slice rest = slice_from(head, at + name.len);
    (void)slice_split(&rest, '\r', &line);
    return line;
}

/* false: it is not whole yet, or the caller is gone. */
static bool take_answer(struct caller *c)
{
    size_t end;
    uint64_t body = 0, answered = UINT64_MAX;
    char word[64];
    if (!slice_find_text(buf_slice(&c->in), SLICE("\r\n\r\n"), &end))
        return false;
    struct slice head = slice_to(buf_slice(&c->in), end + 2);
    bool is_sized = slice_u64(value_of(head, SLICE("ontent-length: ")), ROOM, &body) == ERR_OK;
    if (buf_len(&c->in) < end + 4 + body)
        return false;
    struct slice status = slice_to(slice_from(head, 9), 3),
                 text = slice_to(slice_from(buf_slice(&c->in), end + 4), body);
    struct slice error = value_of(head, SLICE("eft-error: "));
    bool good = slice_eq(status, SLICE("200"));
    snprintf(word, sizeof(word), "%.*s %.*s", SLICE_FMT(status), SLICE_FMT(error.len ? error : SLICE("-")));
    if (good && (slice_u64(slice_to(text, text.len ? text.len - 1 : 0), UINT64_MAX, &answered) != ERR_OK ||
                 answered != (uint64_t)c->call))
        c->load->crossed++;
    bool closes = slice_has(head, SLICE("onnection: close")) || !is_sized;
    buf_took(&c->in, end + 4 + body);
    end_call(c, good ? NULL : word);
    if (!closes)
        list_push_back(&c->load->idle, &c->link);
    else
        drop(c);
    return !closes;
}

static void on_caller(void *arg, unsigned events)
{
    struct caller *c = arg;
    char room[16384];
    if (!c->is_open) {
        if ((events & LOOP_WRITE) == 0 || sock_connected(c->fd) != ERR_OK) {
            drop(c);
            return;
        }
        c->is_open = true;
        c->load->connects++;
        list_push_back(&c->load->idle, &c->link);
        loop_watch_set(c->watch, LOOP_READ);
        send_due(c->load);
        return;
    }
    ssize_t n = recv(c->fd, room, sizeof(room), 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || buf_add(&c->in, slice_of(room, (size_t)n)) != ERR_OK)
        drop(c);
    else if (c->call != NO_CALL && take_answer(c))
        send_due(c->load);
}

static void connect_now(struct due *due)
{
    struct caller *c = (struct caller *)(void *)((char *)due - offsetof(struct caller, again));
    if (sock_connect(&c->load->to, &c->fd) != ERR_OK) {
        c->fd = -1;
        due_in(c->load->clock, &c->again, AGAIN_US);
        return;
    }
    c->watch = loop_watch_new(c->load->loop, c->fd, on_caller, c);
    loop_watch_set(c->watch, LOOP_WRITE);
}

static void on_tick(struct due *due)
{
    struct load *l = (struct load *)(void *)((char *)due - offsetof(struct load, tick));
    send_due(l);
    due_in(l->clock, &l->tick, TICK_US);
}

/* --- the end --- */

static double quantile_ms(const struct load *l, double share)
{
    uint64_t upto = 0;
    for (size_t i = 0; i <= BINS; i++) {
        upto += l->bins[i];
        if ((double)upto >= share * (double)l->over)
            return (double)(i + 1) * BIN_US / 1000;
    }
    return 0;
}

static void count_seen(struct load *l)
{
    for (uint64_t i = 0; i < l->count; i++) {
        unsigned seen = atomic_load(&l->book.seen[i]);
        l->doubled += is_post((int64_t)i) && seen > 1;
        l->repeated += !is_post((int64_t)i) && seen > 1;
    }
}

static void report(struct load *l)
{
    double seconds = (double)(now_us(l) - l->begun_us) / NOW_US_PER_S;
    count_seen(l);
    printf("{\"calls\": %" PRIu64 ", \"good\": %" PRIu64 ", \"doubled\": %" PRIu64 ", \"repeated\": %" PRIu64
           ", \"lied\": %" PRIu64 ", \"phantom\": %" PRIu64 ", \"crossed\": %" PRIu64 ", \"late\": %" PRIu64
           ", \"connects\": %" PRIu64 ", \"seconds\": %.3f, \"p50_ms\": %.1f, \"p99_ms\": %.1f, \"failed\": {",
           l->count, l->good, l->doubled, l->repeated, l->lied, l->phantom, l->crossed, l->late, l->connects, seconds,
           quantile_ms(l, 0.5), quantile_ms(l, 0.99));
    for (size_t i = 0; i < WORDS && l->words[i].text[0]; i++)
        printf("%s\"%s\": %" PRIu64, i ? ", " : "", l->words[i].text, l->words[i].count);
    printf("}}\n");
}

static void begin(struct load *l)
{
    l->callers = mem_array(l->caller_count, sizeof(*l->callers));
    list_init(&l->idle);
    for (uint64_t i = 0; i < l->caller_count; i++) {
        struct caller *c = &l->callers[i];
        *c = (struct caller){.load = l, .call = NO_CALL, .fd = -1};
        list_init(&c->link);
        buf_init(&c->in, ROOM);
        due_init(&c->again, connect_now);
        due_in(l->clock, &c->again, (int64_t)i * 50);
    }
    due_init(&l->tick, on_tick);
    due_in(l->clock, &l->tick, TICK_US);
    l->begun_us = now_us(l);
}

int main(int argc, char **argv)
{
    struct load l = {0};
    const char *why;
    if (argc != 7 || sock_parse(slice_str(argv[1]), &l.to, &why) != ERR_OK ||
        slice_u64(slice_str(argv[4]), 65535, &l.caller_count) != ERR_OK || l.caller_count == 0 ||
        slice_u64(slice_str(argv[5]), 1000000, &l.rate) != ERR_OK ||
        slice_u64(slice_str(argv[6]), UINT32_MAX, &l.count) != ERR_OK || l.count == 0) {
        fprintf(stderr, "usage: calls_load ADDRESS HOST BOOK CONNECTIONS RATE COUNT\n");
        return 2;
    }
    l.host = argv[2];
    if (calls_book_open(argv[3], l.count, &l.book) < 0) {
        fprintf(stderr, "calls_load: %s: %s\n", argv[3], strerror(errno));
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    l.loop = loop_new();
    l.clock = due_clock_new(l.loop);
    begin(&l);
    loop_run(l.loop);
    report(&l);
    return 0;
}
