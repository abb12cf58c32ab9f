#ifndef WEFT_CLI_CMD_POLICY_H
#define WEFT_CLI_CMD_POLICY_H

/* cmd_policy - weft policy: what a policy says, before it runs.  Each verb has a file. */

int cmd_policy_test(int argc, char **argv);
int cmd_policy_lint(int argc, char **argv);
int cmd_policy_explain(int argc, char **argv);
int cmd_policy_import(int argc, char **argv);
int cmd_policy_simulate(int argc, char **argv);

#endif
