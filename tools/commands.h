/* SPDX-License-Identifier: MIT */
/*
 * commands.h: the subcommands of gpumem and the exit codes they share.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Each gets its own arguments, its name as argv[0], and returns the exit code. */
int cmd_check_conf(int argc, char **argv);
int cmd_evict(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_top(int argc, char **argv);

#endif
