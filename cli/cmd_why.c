/* weft why: ask a running sidecar why it did that. */
#include <stdio.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/fetch.h"
#include "cli/show.h"

struct why_flags {
    const char *sidecar;
};

static const struct args_flag flags[] = {
    {.name = "sidecar",
     .letter = 's',
     .type = ARGS_TEXT,
     .offset = offsetof(struct why_flags, sidecar),
     .value = "ADDR",
     .doc = "its admin address (admin.listen); default 127.0.0.1:4790"},
    {0},
};

static const struct args_command command = {
    .name = "weft why",
    .words = "[REQUEST-ID|OPERATION]",
    .summary = "print the proof of what a sidecar refused or adapted",
    .flags = flags,
    .max_words = 1,
    .examples = "  weft why --sidecar 127.0.0.1:4790                   # the latest events\n"
                "  weft why --sidecar 127.0.0.1:4790 5f1d2c90a7b3e846  # the weft-request-id of the answer\n"
                "  weft why --sidecar 127.0.0.1:4790 create_order      # the latest of an operation\n",
    .details = "Exit status: 0 found, 1 nothing known of it, 2 wrong arguments or no sidecar there.\n",
};

static int ask(const char *address, const char *what)
{
    char path[512];
    snprintf(path, sizeof(path), "/why%s%s", what ? "/" : "", what ? what : "");
    struct fetch_request request = {.address = address, .method = "GET", .path = path, .timeout_us = 5000000};
    struct fetch_answer answer;
    int status = 2;
    if (fetch(&request, &answer) != ERR_OK) {
        fprintf(stderr, "weft why: no sidecar's admin side at %s: %s\n", address, answer.fault);
    } else {
        status = answer.status == 200 ? 0 : 1;
        if (!what && status == 0 && buf_len(&answer.body) == 0)
            printf("Nothing was refused or adapted lately.\n");
        show_buf(status ? stderr : stdout, &answer.body);
    }
    fetch_answer_fini(&answer);
    return status;
}

int cmd_why(int argc, char **argv)
{
    struct why_flags f = {.sidecar = "127.0.0.1:4790"};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    return ask(f.sidecar, count ? words[0] : NULL);
}
