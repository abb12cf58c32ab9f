/* calls_function - a function that notes in a book which calls it has seen.
 *
 *     calls_function ADDRESS BOOK [DELAY-MS]
 *
 * Answers "GET /N" and "POST /N" with N and a line feed, over HTTP/1.1.  SIGUSR1 makes it slow (DELAY-MS, 300 unless
 * said), SIGUSR2 quick again; SIGTERM ends it.  It answers `connection: close` to no one. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/due.h"
#include "base/mem.h"
#include "base/sock.h"
#include "bench/load/calls_book.h"

enum { ROOM = 64 << 10 };

struct function {
    struct loop *loop;
    struct due_clock *clock;
    struct loop_watch *watch;
    struct calls_book book;
    int64_t delay_us, slow_us;
    int fd;
};

struct guest {
    struct function *f;
    struct loop_watch *watch;
    struct due answer;
    struct buf in, out;
    int fd;
};

static void leave(struct guest *g)
{
    due_cancel(g->f->clock, &g->answer);
    loop_watch_free(&g->watch);
    close(g->fd);
    buf_fini(&g->in);
    buf_fini(&g->out);
    mem_free(g);
}

/* false: the guest has left. */
static bool flush_out(struct guest *g)
{
    while (buf_len(&g->out)) {
        ssize_t n = send(g->fd, buf_slice(&g->out).at, buf_len(&g->out), MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            leave(g);
            return false;
        }
        if (n < 0)
            break;
        buf_took(&g->out, (size_t)n);
    }
    loop_watch_set(g->watch, buf_len(&g->out) ? LOOP_READ | LOOP_WRITE : LOOP_READ);
    return true;
}

static void answer_now(struct due *due)
{
    (void)flush_out((struct guest *)(void *)((char *)due - offsetof(struct guest, answer)));
}

static size_t body_length(struct slice head)
{
    size_t at;
    uint64_t n = 0;
    struct slice line;
    if (!slice_find_text(head, SLICE("content-length: "), &at))
        return 0;
    struct slice rest = slice_from(head, at + strlen("content-length: "));
    if (!slice_split(&rest, '\r', &line) || slice_u64(line, ROOM, &n) != ERR_OK)
        return 0;
    return (size_t)n;
}

static void note(struct guest *g, struct slice head)
{
    char answer[128], text[24];
    size_t slash;
    uint64_t n = UINT64_MAX;
    struct slice number = {0};
    if (slice_find(head, '/', &slash)) {
        struct slice rest = slice_from(head, slash + 1);
        if (!slice_split(&rest, ' ', &number) || slice_u64(number, UINT64_MAX, &n) != ERR_OK)
            n = UINT64_MAX;
    }
    if (n < g->f->book.count)
        atomic_fetch_add(&g->f->book.seen[n], 1);
    int body = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)n);
    int all = snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s", body, text);
    buf_put(&g->out, slice_of(answer, (size_t)all));
}

/* Takes every whole request off the front. */
static bool take_requests(struct guest *g)
{
    bool some = false;
    size_t end;
    while (slice_find_text(buf_slice(&g->in), SLICE("\r\n\r\n"), &end)) {
        struct slice head = slice_to(buf_slice(&g->in), end + 2);
        size_t whole = end + 4 + body_length(head);
        if (buf_len(&g->in) < whole)
            break;
        note(g, head);
        buf_took(&g->in, whole);
        some = true;
    }
    return some;
}

static void on_guest(void *arg, unsigned events)
{
    struct guest *g = arg;
    char room[16384];
    if ((events & LOOP_WRITE) && !flush_out(g))
        return;
    ssize_t n = recv(g->fd, room, sizeof(room), 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || buf_add(&g->in, slice_of(room, (size_t)n)) != ERR_OK) {
        leave(g);
        return;
    }
    if (!take_requests(g))
        return;
    if (g->f->delay_us)
        due_in(g->f->clock, &g->answer, g->f->delay_us);
    else
        (void)flush_out(g);
}

static void on_listener(void *arg, unsigned events)
{
    (void)events;
    struct function *f = arg;
    struct sock_addr from;
    int fd;
    while (sock_accept(f->fd, &fd, &from) == ERR_OK) {
        struct guest *g = mem_new(sizeof(*g));
        g->f = f;
        g->fd = fd;
        buf_init(&g->in, ROOM);
        buf_init(&g->out, ROOM);
        due_init(&g->answer, answer_now);
        g->watch = loop_watch_new(f->loop, fd, on_guest, g);
        loop_watch_set(g->watch, LOOP_READ);
    }
}

static void on_signal(void *arg, int signo)
{
    struct function *f = arg;
    if (signo == SIGTERM)
        _exit(0); /* with all that it has */
    f->delay_us = signo == SIGUSR1 ? f->slow_us : 0;
}

int main(int argc, char **argv)
{
    struct function f = {.slow_us = argc > 3 ? atoll(argv[3]) * NOW_US_PER_MS : 300 * NOW_US_PER_MS};
    struct sock_addr addr;
    const char *why;
    if (argc < 3 || sock_parse(slice_str(argv[1]), &addr, &why) != ERR_OK) {
        fprintf(stderr, "usage: calls_function ADDRESS BOOK [DELAY-MS]\n");
        return 2;
    }
    if (sock_listen(&addr, &f.fd) != ERR_OK || calls_book_open(argv[2], 0, &f.book) < 0) {
        fprintf(stderr, "calls_function: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    f.loop = loop_new();
    f.clock = due_clock_new(f.loop);
    f.watch = loop_watch_new(f.loop, f.fd, on_listener, &f);
    loop_watch_set(f.watch, LOOP_READ);
    static const int words[] = {SIGUSR1, SIGUSR2, SIGTERM};
    for (size_t i = 0; i < 3; i++)
        (void)loop_signal_new(f.loop, words[i], on_signal, &f);
    loop_run(f.loop);
    return 0;
}
