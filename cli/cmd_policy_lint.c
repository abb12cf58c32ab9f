/* weft policy lint: rules that do not do what they seem to. */
#include <stdio.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/cmd_policy.h"
#include "cli/policy_set.h"
#include "cli/show.h"
#include "policy/policy_lint.h"

struct lint_flags {
    const char *contract;
    struct args_texts domains;
    bool notes;
};

static const struct args_flag flags[] = {
    {.name = "contract",
     .letter = 'c',
     .type = ARGS_TEXT,
     .offset = offsetof(struct lint_flags, contract),
     .value = "FILE",
     .doc = "what the function offers: operations that it does not have are told"},
    {.name = "trust",
     .letter = 't',
     .type = ARGS_TEXTS,
     .offset = offsetof(struct lint_flags, domains),
     .value = "DOMAIN",
     .doc = "a trust domain of identity.trust; others are told; may be given several times"},
    {.name = "notes",
     .type = ARGS_SWITCH,
     .offset = offsetof(struct lint_flags, notes),
     .doc = "also what may be meant so"},
    {0},
};

static const struct args_command command = {
    .name = "weft policy lint",
    .words = "POLICY...",
    .summary = "find rules that never hold, say nothing new, or let in more than was meant",
    .flags = flags,
    .min_words = 1,
    .max_words = ARGS_WORDS_MOST,
    .examples =
        "  weft policy lint policy.weft\n"
        "  weft policy lint policies/ --contract orders.weft --trust example.org --trust partner.example --notes\n",
    .details = "POLICY is a file or a folder of *.weft.\n"
               "Exit status: 0 nothing to mend, 1 warnings, 2 wrong arguments or policy.\n",
};

static void lint(struct policy_set *s, const struct lint_flags *f, struct diag *diag)
{
    size_t count = s->contract ? contract_operation_count(s->contract) : 0;
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    const char **operations = arena_array(&arena, count + 1, sizeof(*operations));
    for (size_t i = 0; i < count; i++)
        operations[i] = arena_keep(&arena, contract_operation_name(s->contract, i)).at;
    struct policy_lint_known known = {
        .domains = f->domains.v, .domain_count = f->domains.count, .operations = operations, .operation_count = count};
    policy_lint(s->authz, s->files.v, s->files.count, &known, diag);
    arena_fini(&arena);
}

static bool is_note(const struct diag_entry *e)
{
    return e->level == DIAG_NOTE;
}

/* Notes are out unless they are asked for. */
static unsigned drop_notes(struct diag *diag)
{
    unsigned dropped = 0;
    struct diag_entry **at = &diag->first;
    while (*at) {
        if (!is_note(*at)) {
            at = &(*at)->next;
            continue;
        }
        *at = (*at)->next;
        dropped++;
    }
    return dropped;
}

static int report(struct diag *diag, bool notes, uint64_t rules)
{
    struct buf out;
    unsigned dropped = notes ? 0 : drop_notes(diag);
    buf_init(&out, BUF_TEXT_BOUND);
    diag_print(diag, &out);
    buf_putf(&out, "%llu rules, %u warning%s", (unsigned long long)rules, diag->warnings,
             diag->warnings == 1 ? "" : "s");
    if (dropped)
        buf_putf(&out, ", %u note%s (--notes shows %s)", dropped, dropped == 1 ? "" : "s",
                 dropped == 1 ? "it" : "them");
    buf_put_char(&out, '\n');
    show_buf(stdout, &out);
    buf_fini(&out);
    return diag->warnings ? 1 : 0;
}

int cmd_policy_lint(int argc, char **argv)
{
    struct lint_flags f = {0};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    struct diag diag;
    struct policy_set set;
    int status = 2;
    diag_init(&diag);
    if (policy_set_open(&set, words, count, f.contract, &diag) == ERR_OK) {
        lint(&set, &f, &diag);
        status = report(&diag, f.notes, authz_rule_count(set.authz));
    } else
        show_diag(&diag);
    policy_set_fini(&set);
    diag_fini(&diag);
    return status;
}
