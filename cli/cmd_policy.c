/* weft policy: its verbs. */
#include "cli/cmd_policy.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "cli/commands.h"

struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct verb verbs[] = {
    {"test", cmd_policy_test, "ask a table of questions, and compare the answers with those expected"},
    {"lint", cmd_policy_lint, "find rules that never hold, say nothing new, or let in more than was meant"},
    {"explain", cmd_policy_explain, "ask one question: the answer and its proof, or what came nearest"},
    {"import", cmd_policy_import, "print the rules of Istio, Linkerd or Consul as a policy that decides the same"},
    {"simulate", cmd_policy_simulate, "replay an access log: who would lose access, and who would gain it"},
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static int help(FILE *to)
{
    fprintf(to, "weft policy - what a policy says, before it runs (docs/policy.md)\n\nusage: weft policy VERB ...\n\n");
    for (size_t i = 0; i < VERBS; i++)
        fprintf(to, "  %-9s %s\n", verbs[i].name, verbs[i].summary);
    fprintf(to, "\nweft policy VERB --help tells the rest.\n");
    return to == stdout ? 0 : 2;
}

int cmd_policy(int argc, char **argv)
{
    const char *names[VERBS];
    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help(stdout);
    for (size_t i = 0; i < VERBS; i++) {
        names[i] = verbs[i].name;
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    const char *nearest = diag_nearest(slice_str(argv[1]), names, VERBS);
    fprintf(stderr, "weft policy: no verb \"%s\"%s%s%s (try weft policy --help)\n", argv[1],
            nearest ? ": did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    return 2;
}
