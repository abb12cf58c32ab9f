/* weft conf check|show|keys FILE: what a sidecar would make of a configuration. */
#include <stdio.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/show.h"
#include "proxy/snapshot.h"

struct conf_flags {
    struct args_texts sets;
};

static const struct args_flag flags[] = {
    {.name = "set",
     .type = ARGS_TEXTS,
     .offset = offsetof(struct conf_flags, sets),
     .value = "PATH=VALUE",
     .doc = "override one key of the file"},
    {0},
};

static const struct args_command command = {
    .name = "weft conf",
    .words = "check|show|keys [FILE]",
    .summary = "check and print a sidecar's configuration as it is understood",
    .flags = flags,
    .min_words = 1,
    .max_words = 2,
    .examples =
        "  weft conf check orders.yaml     # every error with line and column; also certificates, contracts, policy\n"
        "  weft conf show orders.yaml      # the whole, with defaults\n"
        "  weft conf keys                  # every key, as Markdown\n",
    .details = "Exit status: 0 good, 2 something must be mended.\n",
};

static int check(const struct snapshot_source *source, bool show)
{
    struct diag diag;
    struct buf text;
    struct snapshot *s = NULL;
    diag_init(&diag);
    buf_init(&text, BUF_TEXT_BOUND);
    enum err e = snapshot_load(source, &diag, &s);
    show_diag(&diag);
    if (e == ERR_OK && show) {
        conf_bind_show(proxy_conf_keys, &s->conf, &text);
        show_buf(stdout, &text);
    } else if (e == ERR_OK) {
        printf("%s: good (%u warnings)\n", source->path, diag.warnings);
    } else {
        fprintf(stderr, "%s: %u errors, %u warnings\n", source->path, diag.errors, diag.warnings);
    }
    if (s)
        snapshot_unref(&s);
    buf_fini(&text);
    diag_fini(&diag);
    return e == ERR_OK ? 0 : 2;
}

static int keys(void)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    conf_bind_doc(proxy_conf_keys, &text);
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
        return keys();
    if (slice_eq(verb, SLICE("check")) || slice_eq(verb, SLICE("show")))
        return check(&source, slice_eq(verb, SLICE("show")));
    fprintf(stderr, "weft conf: \"%s\" is none of check, show, keys\n", words[0]);
    return 2;
}
