/* weft proxy, weft-proxy: run a sidecar until it is told to stop, or its function ends. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sig.h"
#include "cli/args.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/confinement.h"
#include "cli/show.h"
#include "proxy/crew.h"

struct proxy_flags {
    struct args_texts sets;
    bool log_json, version;
};

static const struct args_flag flags[] = {
    {.name = "set",
     .type = ARGS_TEXTS,
     .offset = offsetof(struct proxy_flags, sets),
     .value = "PATH=VALUE",
     .doc = "override one key of the file, e.g. admin.listen=127.0.0.1:0"},
    {.name = "log-json", .type = ARGS_SWITCH, .offset = offsetof(struct proxy_flags, log_json), .doc = "log as JSON"},
    {.name = "version", .type = ARGS_SWITCH, .offset = offsetof(struct proxy_flags, version), .doc = "print it"},
    {0},
};

static const struct args_command command = {
    .name = "weft-proxy",
    .words = "[FILE] | run [FILE] -- COMMAND ...",
    .summary = "run a sidecar",
    .flags = flags,
    .max_words = 1,
    .examples = "  weft-proxy orders.yaml\n"
                "  weft-proxy orders.yaml --set admin.listen=127.0.0.1:4791\n"
                "  weft-proxy run orders.yaml -- python3 orders.py      # with its function: both end together\n",
    .details = "FILE defaults to weft.yaml; docs/config.md lists every key, WEFT_* variables override it.\n"
               "SIGHUP reloads, SIGTERM drains, a second SIGTERM ends at once.\n"
               "`run` starts the command once calls can leave, passes SIGTERM on to it, drains when it has ended, and\n"
               "exits as it did.\n"
               "Exit status: 0 ended as asked, 1 could not start, 2 wrong arguments or configuration.\n",
};

struct running {
    struct loop *loop;
    struct crew *crew;
    char *const *command; /* of the function, or NULL */
    struct child *child;
    int status; /* to exit with */
};

static void stop(void *arg)
{
    loop_stop(((struct running *)arg)->loop);
}

static void signalled(void *arg, enum sig_word word)
{
    struct running *r = arg;
    switch (word) {
    case SIG_DRAIN:
        if (r->child)
            child_signal(r->child, SIGTERM); /* its last calls still leave; then it ends, and we do */
        else
            crew_drain(r->crew);
        break;
    case SIG_END_NOW:
        loop_stop(r->loop);
        break;
    case SIG_RELOAD:
        crew_reload(r->crew);
        break;
    case SIG_DUMP:
        log_event(LOG_INFO, "dump", LOG_INT("exchanges", crew_exchanges(r->crew)));
        break;
    }
}

static void function_ended(void *arg, int status)
{
    struct running *r = arg;
    r->status = status;
    log_event(LOG_INFO, "function-ended", LOG_INT("status", status), LOG_STR("so", "the sidecar drains"));
    child_free(&r->child);
    crew_drain(r->crew);
}

static bool start_function(struct running *r)
{
    if (!r->command)
        return true;
    r->child = child_start(r->loop, r->command, function_ended, r);
    if (r->child)
        return true;
    log_event(LOG_ERROR, "function-not-started", LOG_STR("command", r->command[0]), LOG_STR("why", strerror(errno)));
    r->status = 1;
    return false;
}

static void run_loop(struct running *r)
{
    struct sig *sig = sig_new(r->loop, signalled, r);
    if (start_function(r)) {
        confinement_enter(proxy_env(crew_first(r->crew))->snap->conf.confine);
        loop_run(r->loop);
    }
    child_free(&r->child);
    sig_free(&sig);
}

static int run(const struct snapshot_source *source, char *const *function)
{
    struct running r = {.loop = loop_new(), .command = function};
    struct crew_start start = {.loop = r.loop, .source = *source, .drained = stop, .arg = &r};
    struct diag diag;
    diag_init(&diag);
    enum err e = crew_start(&start, &diag, &r.crew);
    show_diag(&diag);
    diag_fini(&diag);
    if (e == ERR_OK) {
        run_loop(&r);
        crew_free(&r.crew);
        log_event(LOG_INFO, "ended", LOG_INT("status", r.status));
    }
    loop_free(&r.loop);
    return e == ERR_OK ? r.status : e == ERR_INPUT ? 2 : 1;
}

/* "run [FILE] -- COMMAND": cuts the command off and the word out; NULL: it is no such line.  `*wrong`: it is half one.
 */
static char *const *take_command(int *argc, char **argv, bool *wrong)
{
    if (*argc < 2 || strcmp(argv[1], "run") != 0)
        return NULL;
    int dashes = 2;
    while (dashes < *argc && strcmp(argv[dashes], "--") != 0 && strcmp(argv[dashes], "--help") != 0)
        dashes++;
    bool asks_help = dashes < *argc && strcmp(argv[dashes], "--help") == 0;
    *wrong = !asks_help && dashes + 1 >= *argc;
    char *const *command_line = argv + dashes + 1;
    *argc = dashes + asks_help - 1;
    memmove(argv + 1, argv + 2, (size_t)(*argc - 1) * sizeof(*argv));
    argv[*argc] = NULL;
    return command_line;
}

int cmd_proxy(int argc, char **argv)
{
    bool wrong = false;
    char *const *function = take_command(&argc, argv, &wrong);
    if (wrong) {
        fprintf(stderr, "weft-proxy run: what is to run? Write it after --, as in: weft-proxy run orders.yaml -- "
                        "python3 orders.py\n");
        return 2;
    }
    struct proxy_flags f = {0};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    if (f.version) {
        printf("weft-proxy %s\n", WEFT_VERSION);
        return 0;
    }
    log_open(&(struct log_conf){.fd = STDERR_FILENO, .level = LOG_INFO, .json = f.log_json, .program = "proxy"});
    struct snapshot_source source = {
        .path = count ? words[0] : "weft.yaml",
        .sets = f.sets.v,
        .set_count = f.sets.count,
        .environ = environ,
    };
    return run(&source, function);
}
