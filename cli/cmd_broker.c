/* weft broker, weft-broker: run a job broker until it is told to stop. */
#include <unistd.h>

#include "base/log.h"
#include "base/sig.h"
#include "broker/broker.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/show.h"

struct broker_flags {
    struct args_texts sets;
    bool log_json, version;
};

static const struct args_flag flags[] = {
    {.name = "set",
     .type = ARGS_TEXTS,
     .offset = offsetof(struct broker_flags, sets),
     .value = "PATH=VALUE",
     .doc = "override one key of the file, e.g. lease=10s"},
    {.name = "log-json", .type = ARGS_SWITCH, .offset = offsetof(struct broker_flags, log_json), .doc = "log as JSON"},
    {.name = "version", .type = ARGS_SWITCH, .offset = offsetof(struct broker_flags, version), .doc = "print it"},
    {0},
};

static const struct args_command command = {
    .name = "weft-broker",
    .words = "[FILE]",
    .summary = "run a job broker",
    .flags = flags,
    .max_words = 1,
    .examples = "  weft-broker broker.yaml\n"
                "  weft-broker broker.yaml --set lease=10s --set beat=3s\n",
    .details = "FILE defaults to weft-broker.yaml; docs/config.md lists every key, WEFT_* variables override it.\n"
               "SIGHUP reloads certificates, services and policy, SIGTERM drains, a second SIGTERM ends at once.\n"
               "Exit status: 0 ended as asked, 1 could not start, 2 wrong arguments or configuration.\n",
};

struct running {
    struct loop *loop;
    struct broker *broker;
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
        broker_drain(r->broker);
        break;
    case SIG_END_NOW:
        loop_stop(r->loop);
        break;
    case SIG_RELOAD:
        broker_reload(r->broker);
        break;
    case SIG_DUMP:
        log_event(LOG_INFO, "dump", LOG_INT("leased", (int64_t)desk_leased(broker_desk(r->broker))));
        break;
    }
}

static int run(const struct broker_conf_source *source)
{
    struct running r = {.loop = loop_new()};
    struct broker_start start = {.loop = r.loop, .source = *source, .drained = stop, .arg = &r};
    struct diag diag;
    diag_init(&diag);
    enum err e = broker_start(&start, &diag, &r.broker);
    show_diag(&diag);
    diag_fini(&diag);
    if (e == ERR_OK) {
        struct sig *sig = sig_new(r.loop, signalled, &r);
        loop_run(r.loop);
        sig_free(&sig);
        broker_free(&r.broker);
        log_event(LOG_INFO, "ended", LOG_INT("status", 0));
    }
    loop_free(&r.loop);
    return e == ERR_OK ? 0 : e == ERR_INPUT ? 2 : 1;
}

int cmd_broker(int argc, char **argv)
{
    struct broker_flags f = {0};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    if (f.version) {
        printf("weft-broker %s\n", WEFT_VERSION);
        return 0;
    }
    log_open(&(struct log_conf){.fd = STDERR_FILENO, .level = LOG_INFO, .json = f.log_json, .program = "broker"});
    struct broker_conf_source source = {
        .path = count ? words[0] : "weft-broker.yaml",
        .sets = f.sets.v,
        .set_count = f.sets.count,
        .environ = environ,
    };
    return run(&source);
}
