#ifndef WEFT_CLI_COMMANDS_H
#define WEFT_CLI_COMMANDS_H

/* commands - every subcommand of weft; argv[0] is its name. */

int cmd_adapt(int argc, char **argv);
int cmd_broker(int argc, char **argv);
int cmd_ca(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_conf(int argc, char **argv);
int cmd_datalog(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_job(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_proxy(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_wait(int argc, char **argv);
int cmd_why(int argc, char **argv);

#endif
