/* weft wait: until a sidecar or broker is ready; then, if so asked, become a command. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/now.h"
#include "base/units.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/fetch.h"
#include "cli/show.h"

enum { PAUSE_MS = 50, ASK_US = 2 * NOW_US_PER_S, LAST_WORDS = 512 };

struct wait_flags {
    const char *sidecar;
    const char *timeout;
};

static const struct args_flag flags[] = {
    {.name = "sidecar",
     .letter = 's',
     .type = ARGS_TEXT,
     .offset = offsetof(struct wait_flags, sidecar),
     .value = "ADDR",
     .doc = "its admin address (admin.listen); default 127.0.0.1:4790"},
    {.name = "timeout",
     .letter = 't',
     .type = ARGS_TEXT,
     .offset = offsetof(struct wait_flags, timeout),
     .value = "DURATION",
     .doc = "give up after so long; default 60s"},
    {0},
};

static const struct args_command command = {
    .name = "weft wait",
    .words = "[-- COMMAND ...]",
    .summary = "wait until a sidecar or broker is ready, then run a command",
    .flags = flags,
    .max_words = ARGS_WORDS_MOST,
    .examples = "  weft wait\n"
                "  weft wait --timeout 10s -- python3 app.py    # starts it once calls can leave\n",
    .details = "Exit status: 0 ready (or the command's own), 1 not in time, 2 wrong arguments.\n",
};

/* What keeps it from being ready, as far as anybody knows. */
struct last_words {
    char text[LAST_WORDS];
};

static void keep(struct last_words *last, struct slice text)
{
    text = slice_to(slice_trim(text), sizeof(last->text) - 1);
    memcpy(last->text, text.len ? text.at : "", text.len);
    last->text[text.len] = '\0';
}

static bool is_ready(const char *address, struct last_words *last)
{
    struct fetch_request request = {.address = address, .method = "GET", .path = "/ready", .timeout_us = ASK_US};
    struct fetch_answer answer;
    bool answered = fetch(&request, &answer) == ERR_OK;
    bool ready = answered && answer.status == 200;
    keep(last, answered ? buf_slice(&answer.body) : slice_str(answer.fault));
    fetch_answer_fini(&answer);
    return ready;
}

static bool wait_for(const char *address, int64_t timeout_us, struct last_words *last)
{
    int64_t end_us = now_mono_us(&now_real) + timeout_us;
    while (!is_ready(address, last)) {
        if (now_mono_us(&now_real) >= end_us)
            return false;
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
    return true;
}

static int become(const char **words, size_t count)
{
    char *argv[ARGS_WORDS_MOST + 1];
    for (size_t i = 0; i < count; i++)
        argv[i] = (char *)(uintptr_t)words[i];
    argv[count] = NULL;
    execvp(argv[0], argv);
    fprintf(stderr, "weft wait: cannot run %s: %s\n", argv[0], strerror(errno));
    return errno == ENOENT ? 127 : 126;
}

int cmd_wait(int argc, char **argv)
{
    struct wait_flags f = {.sidecar = "127.0.0.1:4790", .timeout = "60s"};
    const char *words[ARGS_WORDS_MOST];
    struct last_words last = {""};
    size_t count;
    int64_t timeout_us;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    if (units_duration_us(slice_str(f.timeout), &timeout_us) != ERR_OK) {
        fprintf(stderr, "weft wait: --timeout \"%s\" is no duration (write 500ms, 10s, 2m)\n", f.timeout);
        return 2;
    }
    if (!wait_for(f.sidecar, timeout_us, &last)) {
        fprintf(stderr, "weft wait: %s is not ready after %s: %s\n", f.sidecar, f.timeout, last.text);
        return 1;
    }
    return count ? become(words, count) : 0;
}
