/* weft: one command for everything; weft-proxy and weft-broker are its two daemons. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "cli/commands.h"

struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: a program of its own beside us */
    const char *program;
    const char *summary;
};

static const struct subcommand subcommands[] = {
    {"check", cmd_check, NULL, "compare two contracts: what breaks, who, why, how to repair it"},
    {"import", cmd_import, NULL, "print OpenAPI, JSON Schema, Avro or protobuf as the facts of a contract"},
    {"adapt", cmd_adapt, NULL, "rewrite a body by a plan, as a sidecar does"},
    {"why", cmd_why, NULL, "ask a running sidecar why it refused or adapted something"},
    {"wait", cmd_wait, NULL, "wait until a sidecar or broker is ready, then run a command"},
    {"top", cmd_top, NULL, "show live rates, latencies and errors of a sidecar"},
    {"policy", cmd_policy, NULL, "test, lint, explain and simulate a policy before it runs"},
    {"report", cmd_report, NULL, "who calls what under which verdict, as a sidecar has counted"},
    {"job", cmd_job, NULL, "submit, watch, cancel and inspect jobs"},
    {"ca", cmd_ca, NULL, "a small certificate authority: a trust domain and short-lived leaves"},
    {"conf", cmd_conf, NULL, "check and print a configuration as it is understood"},
    {"datalog", cmd_datalog, NULL, "run a Datalog program, explain a tuple"},
    {"proxy", NULL, "weft-proxy", "run a sidecar"},
    {"broker", NULL, "weft-broker", "run a job broker"},
};
enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

static int help(FILE *to)
{
    fprintf(to,
            "weft %s - a sidecar, a job broker and a contract checker that share one idea of a contract\n\n"
            "usage: weft COMMAND ...\n\n",
            WEFT_VERSION);
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(to, "  %-9s %s\n", subcommands[i].name, subcommands[i].summary);
    fprintf(to, "\nweft COMMAND --help tells the rest.\n");
    return to == stdout ? 0 : 2;
}

/* The two daemons stand beside this program; PATH is the second place to look. */
static int become(const char *program, char **argv)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);
    if (len > 0) {
        path[len] = 0;
        char *slash = strrchr(path, '/');
        snprintf(slash + 1, 64, "%s", program);
        execv(path, argv);
    }
    execvp(program, argv);
    fprintf(stderr, "weft: cannot run %s: %s\n", program, strerror(errno));
    return 1;
}

static int unknown(const char *name)
{
    const char *names[SUBCOMMANDS];
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        names[i] = subcommands[i].name;
    const char *nearest = diag_nearest(slice_str(name), names, SUBCOMMANDS);
    fprintf(stderr, "weft: no command \"%s\"%s%s%s (try weft --help)\n", name, nearest ? ": did you mean " : "",
            nearest ? nearest : "", nearest ? "?" : "");
    return 2;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return help(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("weft %s\n", WEFT_VERSION);
        return 0;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return subcommands[i].run ? subcommands[i].run(argc - 1, argv + 1)
                                      : become(subcommands[i].program, argv + 1);
    return unknown(argv[1]);
}
