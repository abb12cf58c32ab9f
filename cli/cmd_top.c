/* weft top: live rates, latencies and errors of a running sidecar, by peer and operation. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

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
    bool json;
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
    {.name = "json",
     .type = ARGS_SWITCH,
     .offset = offsetof(struct top_flags, json),
     .doc = "one JSON object a line instead of a table"},
    {0},
};

static const struct args_command command = {
    .name = "weft top",
    .words = "",
    .summary = "show live rates, latencies and errors of a sidecar, by peer and operation",
    .flags = flags,
    .examples = "  weft top\n"
                "  weft top --sidecar unix:/run/weft.sock --every 5s\n"
                "  weft top --json --count 1 | jq '.calls[] | select(.p99_ms > 100)'\n",
    .details = "A peer is the service that is called, or the identity of who calls; * is all its operations. Errors "
               "are answers\n"
               "from 500 on and those of the sidecar's own.\n"
               "Exit status: 0 shown, 2 wrong arguments or no sidecar there.\n",
};

static bool get(const char *address, struct top_look *look)
{
    struct fetch_request request = {.address = address, .method = "GET", .path = "/top", .timeout_us = ASK_US};
    struct fetch_answer answer;
    bool good = fetch(&request, &answer) == ERR_OK && answer.status == 200;
    if (good)
        good = top_table_read(look, buf_slice(&answer.body)) == ERR_OK;
    if (!good)
        fprintf(stderr, "weft top: no sidecar's admin side at %s: %s\n", address,
                answer.fault[0] ? answer.fault : "it has no page /top");
    fetch_answer_fini(&answer);
    return good;
}

/* As many lines as the screen has room for, with those of endpoints below; 0: all. */
static size_t lines_of_screen(const struct top_look *now)
{
    enum { AROUND = 6, LEAST = 5 };
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        return 0;
    size_t taken = AROUND + (now->endpoints ? now->endpoints->count : 0);
    return size.ws_row > taken + LEAST ? size.ws_row - taken : LEAST;
}

static void show(const struct top_flags *f, const struct top_look *now, const struct top_look *before)
{
    struct buf out;
    buf_init(&out, FETCH_BODY);
    if (f->json) {
        top_table_print_json(now, before, &out);
    } else {
        buf_putf(&out, "%sweft top  %s  ", isatty(STDOUT_FILENO) ? "\033[H\033[J" : "", f->sidecar);
        top_table_print(now, before, lines_of_screen(now), &out);
    }
    show_buf(stdout, &out);
    fflush(stdout);
    buf_fini(&out);
}

static int watch(const struct top_flags *f, int64_t every_us)
{
    struct top_look before, now;
    struct timespec pause = {.tv_sec = every_us / NOW_US_PER_S, .tv_nsec = every_us % NOW_US_PER_S * 1000};
    if (!get(f->sidecar, &before))
        return 2;
    bool good = true;
    for (uint64_t i = 0; good && (f->count == 0 || i < f->count); i++) {
        (void)nanosleep(&pause, NULL);
        good = get(f->sidecar, &now);
        if (!good)
            break;
        show(f, &now, &before);
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
