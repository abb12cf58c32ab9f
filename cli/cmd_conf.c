/* weft conf check|show|keys FILE: what a sidecar or a broker would make of a configuration. */
#include <stdio.h>
#include <unistd.h>

#include "broker/broker_conf.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/show.h"
#include "proxy/snapshot.h"

struct conf_flags {
    struct args_texts sets;
    bool broker;
};

static const struct args_flag flags[] = {
    {.name = "set",
     .type = ARGS_TEXTS,
     .offset = offsetof(struct conf_flags, sets),
     .value = "PATH=VALUE",
     .doc = "override one key of the file"},
    {.name = "broker",
     .type = ARGS_SWITCH,
     .offset = offsetof(struct conf_flags, broker),
     .doc = "FILE is a broker's configuration, not a sidecar's"},
    {0},
};

static const struct args_command command = {
    .name = "weft conf",
    .words = "check|show|keys [FILE]",
    .summary = "check and print a configuration as it is understood",
    .flags = flags,
    .min_words = 1,
    .max_words = 2,
    .examples =
        "  weft conf check orders.yaml     # every error with line and column; also certificates, contracts, policy\n"
        "  weft conf show orders.yaml      # the whole, with defaults\n"
        "  weft conf keys                  # every key, as Markdown\n",
    .details = "Exit status: 0 good, 2 something must be mended.\n",
};

/* Reads it, and all that it names; adds what it holds, with defaults, to `text`. */
static enum err read_sidecar(const struct snapshot_source *source, struct diag *diag, struct buf *text)
{
    struct snapshot *s;
    TRY(snapshot_load(source, diag, &s));
    conf_bind_show(proxy_conf_keys, &s->conf, text);
    snapshot_unref(&s);
    return ERR_OK;
}

static enum err read_broker(const struct snapshot_source *source, struct diag *diag, struct buf *text)
{
    struct broker_conf_source same = {source->path, source->sets, source->set_count, source->environ};
    struct broker_conf conf;
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    enum err e = broker_conf_load(&same, &arena, diag, &conf);
    if (e == ERR_OK)
        conf_bind_show(broker_conf_keys, &conf, text);
    arena_fini(&arena);
    return e;
}

static int check(const struct snapshot_source *source, bool broker, bool show)
{
    struct diag diag;
    struct buf text;
    diag_init(&diag);
    buf_init(&text, BUF_TEXT_BOUND);
    enum err e = broker ? read_broker(source, &diag, &text) : read_sidecar(source, &diag, &text);
    show_diag(&diag);
    if (e == ERR_OK && show)
        show_buf(stdout, &text);
    else if (e == ERR_OK)
        printf("%s: good (%u warnings)\n", source->path, diag.warnings);
    else
        fprintf(stderr, "%s: %u errors, %u warnings\n", source->path, diag.errors, diag.warnings);
    buf_fini(&text);
    diag_fini(&diag);
    return e == ERR_OK ? 0 : 2;
}

static int keys(bool broker)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    conf_bind_doc(broker ? broker_conf_keys : proxy_conf_keys, &text);
    show_buf(stdout, &text);
    buf_fini(&text);
    return 0;
}

int cmd_conf(int argc, char **argv)
{
    struct conf_flags f = {0};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    struct slice verb = slice_str(words[0]);
    struct snapshot_source source = {
        .path = count > 1 ? words[1] : "weft.yaml",
        .sets = f.sets.v,
        .set_count = f.sets.count,
        .environ = environ,
    };
    if (slice_eq(verb, SLICE("keys")))
        return keys(f.broker);
    if (slice_eq(verb, SLICE("check")) || slice_eq(verb, SLICE("show")))
        return check(&source, f.broker, slice_eq(verb, SLICE("show")));
    fprintf(stderr, "weft conf: \"%s\" is none of check, show, keys\n", words[0]);
    return 2;
}
