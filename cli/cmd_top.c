/* weft top: live rates, latencies and errors of a running sidecar, by operation and endpoint. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/doc.h"
#include "base/now.h"
#include "base/units.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/fetch.h"
#include "cli/show.h"
#include "cli/top_table.h"

enum { ASK_US = 5 * NOW_US_PER_S };

struct top_flags {
    const char *sidecar;
    const char *every;
    uint64_t count;
};

static const struct args_flag flags[] = {
    {.name = "sidecar",
     .letter = 's',
     .type = ARGS_TEXT,
     .offset = offsetof(struct top_flags, sidecar),
     .value = "ADDR",
     .doc = "its admin address (admin.listen); default 127.0.0.1:4790"},
    {.name = "every",
     .letter = 'e',
     .type = ARGS_TEXT,
     .offset = offsetof(struct top_flags, every),
     .value = "DURATION",
     .doc = "between two looks; default 1s"},
    {.name = "count",
     .letter = 'n',
     .type = ARGS_COUNT,
     .offset = offsetof(struct top_flags, count),
     .value = "N",
     .doc = "end after so many; default: on a terminal never, else 1"},
    {0},
};

static const struct args_command command = {
    .name = "weft top",
    .words = "",
    .summary = "show live rates, latencies and errors of a sidecar",
    .flags = flags,
    .examples = "  weft top\n"
                "  weft top --sidecar unix:/run/weft.sock --every 5s\n"
                "  weft top --count 1 | grep breaker\n",
    .details = "Exit status: 0 shown, 2 wrong arguments or no sidecar there.\n",
};

static bool get(const char *address, const char *path, struct buf *body)
{
    struct fetch_request request = {.address = address, .method = "GET", .path = path, .timeout_us = ASK_US};
    struct fetch_answer answer;
    bool good = fetch(&request, &answer) == ERR_OK && answer.status == 200;
    if (good)
        buf_put(body, buf_slice(&answer.body));
    else
        fprintf(stderr, "weft top: no sidecar's admin side at %s: %s\n", address,
                answer.fault[0] ? answer.fault : "it has no such page");
    fetch_answer_fini(&answer);
    return good;
}

static struct slice text_of(const struct doc_node *object, const char *name)
{
    const struct doc_node *n = doc_get(object, name);
    return n ? n->text : (struct slice){0};
}

static void put_peer(const struct doc_node *p, struct buf *out)
{
    uint64_t latency_us = 0;
    bool known = slice_u64(text_of(p, "latency_us"), UINT32_MAX, &latency_us) == ERR_OK;
    buf_putf(out, "%-20.*s %-24.*s %-8.*s %7.2f ms %9.*s %6.*s\n", SLICE_FMT(text_of(p, "service")),
             SLICE_FMT(text_of(p, "endpoint")), SLICE_FMT(text_of(p, "breaker")), known ? (double)latency_us / 1000 : 0,
             SLICE_FMT(text_of(p, "in_flight")), SLICE_FMT(text_of(p, "connections")));
}

static void put_peers(struct slice text, struct buf *out)
{
    struct arena arena;
    struct diag diag;
    struct doc_node *peers;
    arena_init(&arena, FETCH_BODY);
    diag_init(&diag);
    if (doc_parse(text, "/peers", &arena, &diag, &peers) == ERR_OK && peers->count > 0) {
        buf_putf(out, "\n%-20s %-24s %-8s %10s %9s %6s\n", "service", "endpoint", "breaker", "latency", "in flight",
                 "conns");
        for (const struct doc_node *p = peers->first; p; p = p->next)
            put_peer(p, out);
    }
    diag_fini(&diag);
    arena_fini(&arena);
}

static bool look(const char *address, struct top_look *into)
{
    struct buf metrics;
    buf_init(&metrics, FETCH_BODY);
    bool good = get(address, "/metrics", &metrics);
    if (good)
        top_table_read(into, buf_slice(&metrics));
    buf_fini(&metrics);
    return good;
}

static bool show(const char *address, const struct top_look *now, const struct top_look *before, double seconds)
{
    struct buf out, peers;
    buf_init(&out, FETCH_BODY);
    buf_init(&peers, FETCH_BODY);
    bool good = get(address, "/peers", &peers);
    if (isatty(STDOUT_FILENO))
        buf_put(&out, SLICE("\033[H\033[J"));
    buf_putf(&out, "weft top  %s  ", address);
    top_table_print(now, before, seconds, &out);
    put_peers(buf_slice(&peers), &out);
    if (good)
        show_buf(stdout, &out);
    fflush(stdout);
    buf_fini(&peers);
    buf_fini(&out);
    return good;
}

static int watch(const struct top_flags *f, int64_t every_us)
{
    struct top_look before, now;
    struct timespec pause = {.tv_sec = every_us / NOW_US_PER_S, .tv_nsec = every_us % NOW_US_PER_S * 1000};
    if (!look(f->sidecar, &before))
        return 2;
    bool good = true;
    for (uint64_t i = 0; good && (f->count == 0 || i < f->count); i++) {
        (void)nanosleep(&pause, NULL);
        good = look(f->sidecar, &now);
        if (!good)
            break;
        good = show(f->sidecar, &now, &before, (double)every_us / NOW_US_PER_S);
        top_table_fini(&before);
        before = now;
    }
    top_table_fini(&before);
    return good ? 0 : 2;
}

int cmd_top(int argc, char **argv)
{
    struct top_flags f = {.sidecar = "127.0.0.1:4790", .every = "1s", .count = isatty(STDOUT_FILENO) ? 0 : 1};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    int64_t every_us;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    if (units_duration_us(slice_str(f.every), &every_us) != ERR_OK || every_us < 100000) {
        fprintf(stderr, "weft top: --every \"%s\" is no duration of at least 100ms (write 1s)\n", f.every);
        return 2;
    }
    return watch(&f, every_us);
}
