/* weft broker, weft-broker: run a job broker until it is told to stop. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sig.h"
#include "broker/broker.h"
#include "broker/broker_conf.h"
#include "broker/lmdb_copy.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/confinement.h"
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
    .words = "[FILE] | backup FOLDER [FILE] | compact [FILE]",
    .summary = "run a job broker, copy its store",
    .flags = flags,
    .max_words = 3,
    .examples = "  weft-broker broker.yaml\n"
                "  weft-broker broker.yaml --set lease=10s --set beat=3s\n"
                "  weft-broker backup /backups/today broker.yaml   # while it runs\n"
                "  weft-broker compact broker.yaml                 # while it does not\n",
    .details = "FILE defaults to weft-broker.yaml; docs/config.md lists every key, WEFT_* variables override it.\n"
               "SIGHUP reloads certificates, services and policy, SIGTERM drains, a second SIGTERM ends at once.\n"
               "backup: a compact copy of the store as it is now, in a new folder that can be a broker's `data`.\n"
               "compact: the store's file shrinks to what is used.\n"
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
        confinement_enter(broker_confines(r.broker));
        loop_run(r.loop);
        sig_free(&sig);
        broker_free(&r.broker);
        log_event(LOG_INFO, "ended", LOG_INT("status", 0));
    }
    loop_free(&r.loop);
    return e == ERR_OK ? 0 : e == ERR_INPUT ? 2 : 1;
}

/* --- copies --- */

static int say_copied(enum err e, const struct lmdb_copy *copy, const char *folder, const char *why)
{
    if (e == ERR_OK)
        printf("%s: %llu bytes are %llu\n", folder, (unsigned long long)copy->before, (unsigned long long)copy->after);
    else
        fprintf(stderr, "weft-broker: %s: %s\n", folder, why);
    if (e == ERR_OK && copy->blobs)
        printf("%s/blobs: %zu files, %llu bytes\n", folder, copy->blobs, (unsigned long long)copy->blob_bytes);
    if (e == ERR_OK && copy->missing)
        fprintf(stderr, "weft-broker: %zu files that jobs need are missing: blob-missing in the broker's log\n",
                copy->missing);
    return e == ERR_OK ? 0 : 1;
}

/* `to` NULL: the store is compacted where it is. */
static int copy(const struct broker_conf_source *source, const char *to)
{
    struct arena arena;
    struct diag diag;
    struct broker_conf conf;
    struct lmdb_copy done;
    const char *why = "";
    arena_init(&arena, SIZE_MAX);
    diag_init(&diag);
    enum err e = broker_conf_load(source, &arena, &diag, &conf);
    int status = 2;
    show_diag(&diag);
    diag_fini(&diag);
    if (e == ERR_OK && to) {
        e = lmdb_copy_backup(conf.data, to, &done, &why);
        status = say_copied(e, &done, e == ERR_ABSENT ? conf.data : to, why);
    } else if (e == ERR_OK) {
        e = lmdb_copy_compact(conf.data, &done, &why);
        status = say_copied(e, &done, conf.data, why);
    }
    arena_fini(&arena);
    return status;
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
    bool backup = count > 0 && strcmp(words[0], "backup") == 0, compact = count > 0 && strcmp(words[0], "compact") == 0;
    size_t before_file = backup ? 2 : compact ? 1 : 0;
    if (count < before_file || count > before_file + 1) {
        fprintf(stderr, "weft-broker: expected %s\n", command.words);
        return 2;
    }
    struct broker_conf_source source = {
        .path = count > before_file ? words[before_file] : "weft-broker.yaml",
        .sets = f.sets.v,
        .set_count = f.sets.count,
        .environ = environ,
    };
    return backup || compact ? copy(&source, backup ? words[1] : NULL) : run(&source);
}
