/* weft proxy, weft-proxy: run a sidecar until it is told to stop. */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sig.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/show.h"
#include "proxy/proxy.h"

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
    .words = "[FILE]",
    .summary = "run a sidecar",
    .flags = flags,
    .max_words = 1,
    .examples = "  weft-proxy orders.yaml\n"
                "  weft-proxy orders.yaml --set admin.listen=127.0.0.1:4791\n",
    .details = "FILE defaults to weft.yaml; docs/config.md lists every key, WEFT_* variables override it.\n"
               "SIGHUP reloads, SIGTERM drains, a second SIGTERM ends at once.\n"
               "Exit status: 0 ended as asked, 1 could not start, 2 wrong arguments or configuration.\n",
};

struct running {
    struct loop *loop;
    struct proxy *proxy;
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
        proxy_drain(r->proxy);
        break;
    case SIG_END_NOW:
        loop_stop(r->loop);
        break;
    case SIG_RELOAD:
        proxy_reload(r->proxy);
        break;
    case SIG_DUMP:
        log_event(LOG_INFO, "dump", LOG_INT("exchanges", proxy_env(r->proxy)->exchanges));
        break;
    }
}

static int run(const struct snapshot_source *source)
{
    struct running r = {.loop = loop_new()};
    struct proxy_start start = {.loop = r.loop, .source = *source, .drained = stop, .arg = &r};
    struct diag diag;
    diag_init(&diag);
    enum err e = proxy_start(&start, &diag, &r.proxy);
    show_diag(&diag);
    diag_fini(&diag);
    if (e == ERR_OK) {
        struct sig *sig = sig_new(r.loop, signalled, &r);
        loop_run(r.loop);
        sig_free(&sig);
        proxy_free(&r.proxy);
        log_event(LOG_INFO, "ended", LOG_INT("status", 0));
    }
    loop_free(&r.loop);
    return e == ERR_OK ? 0 : e == ERR_INPUT ? 2 : 1;
}

int cmd_proxy(int argc, char **argv)
{
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
    return run(&source);
}
