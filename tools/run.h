/* SPDX-License-Identifier: MIT */
/*
 * run.h: running a command with a policy, for run and record.
 */
#ifndef RUN_H
#define RUN_H

struct run_options {
	const char *policy, *conf, *device, *state_dir;
};

enum { RUN_OPT_CONF = 256, RUN_OPT_STATE_DIR };
#define RUN_OPTIONS                                                                              \
	{ "device", required_argument, NULL, 'd' },                                              \
		{ "conf", required_argument, NULL, RUN_OPT_CONF },                               \
		{ "state-dir", required_argument, NULL, RUN_OPT_STATE_DIR }
#define RUN_OPTIONS_HELP                                                                         \
	" -d, --device <pci>     use this device (default: all, nearest first)\n"                 \
	"     --conf <file>      read this gpumem.conf\n"                                         \
	"     --state-dir <dir>  where the record is made (default: XDG_RUNTIME_DIR/gpumem)\n"

/* Takes one of them into a struct run_options, as struct command_options wants it. */
int run_option(void *data, int c, char *value);
/* Runs argv with the policy, as srun does, and returns what it returned or an exit code. */
int run_with_policy(const struct run_options *options, char **argv);
/* Becomes argv. Returns when that failed, with what a shell would return. */
int run_exec(char **argv);

#endif
