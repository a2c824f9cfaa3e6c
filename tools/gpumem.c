/* SPDX-License-Identifier: MIT */
/*
 * gpumem.c: the command: finds the subcommand and hands over.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "gpumem.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "check-conf", cmd_check_conf, "check gpumem.conf, show what holds for whom" },
	{ "evict", cmd_evict, "take a running job's memory off the devices" },
	{ "explain", cmd_explain, "tell why a job's memory moved, or did not" },
	{ "list", cmd_list, "show the GPUs of this node and whose memory is coherent" },
	{ "migrate", cmd_migrate, "bring a running job's memory to the devices" },
	{ "record", cmd_record, "run a command and write down which memory it uses" },
	{ "report", cmd_report, "show what jobs did, those that ended too" },
	{ "run", cmd_run, "run a command with a memory policy, without Slurm" },
	{ "set", cmd_set, "change the policy of a running job" },
	{ "status", cmd_status, "show what jobs have on the devices of this node" },
	{ "top", cmd_top, "watch jobs on the devices of this node" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int usage(FILE *out)
{
	fputs("Usage:\n gpumem <command> [options]\n\n"
	      "Places the memory of jobs on GPUs whose memory is coherent with the CPU.\n\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, " %-12s %s\n", commands[i].name, commands[i].help);
	fputs("\nOptions:\n"
	      " -h, --help     display this help\n"
	      " -V, --version  display version\n\n"
	      "gpumem <command> --help tells more. For details see gpumem(1).\n",
	      out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "-h") || !strcmp(name, "--help"))
		return usage(stdout);
	if (!strcmp(name, "-V") || !strcmp(name, "--version")) {
		printf("gpumem %s\n", gpumem_version());
		return EXIT_OK;
	}
	if (!*name)
		return usage(stderr);
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "gpumem: no command \"%s\"; see gpumem --help\n", name);
	return EXIT_USAGE;
}
