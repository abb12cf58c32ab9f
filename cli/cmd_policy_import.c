/* weft policy import: the rules of another mesh, as a policy that decides the same. */
#include <stdio.h>

#include "base/file.h"
#include "cli/args.h"
#include "cli/cmd_policy.h"
#include "cli/show.h"
#include "policy/policy_import.h"
#include "policy/policy_load.h"

enum { FILE_BYTES = 8 << 20 };

struct import_flags {
    const char *workload, *namespace, *identity;
    bool default_allow;
};

#define AT(member) .offset = offsetof(struct import_flags, member)

static const struct args_flag flags[] = {
    {.name = "workload",
     .letter = 'w',
     .type = ARGS_TEXT,
     AT(workload),
     .value = "NAME",
     .doc = "whose policy: the label app (Istio), the Server (Linkerd), the destination (Consul)"},
    {.name = "namespace",
     .letter = 'n',
     .type = ARGS_TEXT,
     AT(namespace),
     .value = "NS",
     .doc = "the workload's namespace (default: default)"},
    {.name = "identity",
     .type = ARGS_TEXT,
     AT(identity),
     .value = "FORM",
     .doc = "Consul: the SPIFFE ID of a service, such as spiffe://shop.example/ns/shop/sa/{name}"},
    {.name = "default-allow",
     .type = ARGS_SWITCH,
     AT(default_allow),
     .doc = "Consul: what no intention matches is allowed (ACLs are off, or allow by default)"},
    {0},
};

static const struct args_command command = {
    .name = "weft policy import",
    .words = "FILE...",
    .summary = "print the rules of Istio, Linkerd or Consul as a policy that decides the same",
    .flags = flags,
    .min_words = 1,
    .max_words = ARGS_WORDS_MOST,
    .examples =
        "  kubectl get authorizationpolicy -n shop -o yaml | weft policy import - --workload orders > orders.weft\n"
        "  weft policy import server.yaml policies.yaml\n"
        "  consul config read -kind service-intentions -name orders | weft policy import - > orders.weft\n",
    .details = "FILE is YAML (several documents, or a List) or JSON, no HCL; - is standard input.\n"
               "What cannot be said is refused by name and nothing is printed: half a policy would be another one.\n"
               "Exit status: 0 printed, 1 something cannot be said, 2 wrong arguments or files.\n",
};

struct files {
    struct arena arena;
    struct policy_import_text v[ARGS_WORDS_MOST];
    size_t count;
};

static enum err read_files(struct files *f, const char **words, size_t count, struct diag *diag)
{
    for (size_t i = 0; i < count; i++) {
        struct buf text;
        struct diag_place place = {.file = words[i]};
        buf_init(&text, FILE_BYTES);
        enum err e = file_read(words[i], &text);
        if (e == ERR_OK)
            f->v[f->count++] = (struct policy_import_text){words[i], arena_keep(&f->arena, buf_slice(&text))};
        else
            diag_add(diag, DIAG_ERROR, &place, NULL, "cannot be read: %s", err_text(e));
        buf_fini(&text);
    }
    return diag->errors ? ERR_INPUT : ERR_OK;
}

/* What we print must load: a name in it may be one that our language does not take. */
static enum err check(struct buf *out, struct diag *diag)
{
    struct policy_text text = {.file = "imported.weft", .text = buf_slice(out)};
    struct authz *authz = NULL;
    struct diag said;
    diag_init(&said);
    enum err e = policy_load(&text, 1, &said, &authz);
    if (e != ERR_OK && said.first)
        diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = "imported.weft", .line = said.first->line}, NULL,
                 "%.*s", SLICE_FMT(said.first->message));
    authz_free(&authz);
    diag_fini(&said);
    return e;
}

int cmd_policy_import(int argc, char **argv)
{
    struct import_flags f = {0};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    struct files files = {.count = 0};
    struct diag diag;
    struct buf out;
    int status = 2;
    arena_init(&files.arena, SIZE_MAX);
    diag_init(&diag);
    buf_init(&out, BUF_TEXT_BOUND);
    if (read_files(&files, words, count, &diag) == ERR_OK) {
        struct policy_import_conf conf = {.texts = files.v,
                                          .count = files.count,
                                          .workload = f.workload,
                                          .namespace = f.namespace,
                                          .identity = f.identity,
                                          .default_allow = f.default_allow};
        status = policy_import(&conf, &diag, &out) == ERR_OK && check(&out, &diag) == ERR_OK ? 0 : 1;
    }
    show_diag(&diag);
    if (status == 0)
        show_buf(stdout, &out);
    buf_fini(&out);
    diag_fini(&diag);
    arena_fini(&files.arena);
    return status;
}
