/* SPDX-License-Identifier: MIT */
/*
 * options.h: what every command does with its arguments.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* The options that all commands have: the end of their getopt_long() tables and usage texts. */
#define COMMON_SHORT_OPTIONS "hV"
#define COMMON_OPTIONS                                                                           \
	{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { NULL }
#define COMMON_OPTIONS_HELP                                                                      \
	" -h, --help             display this help\n"                                             \
	" -V, --version          display version\n"

struct command_options {
	const char *shorts; /* getopt_long()'s, those of all commands included */
	const struct option *longs;
	/* Takes an option of the command's own. Returns OPTION_TAKEN, OPTION_OTHER when it is none
	 * of them, or an exit code after saying what is wrong. */
	int (*take)(void *data, int c, char *value);
	int (*usage)(FILE *out);
	bool operands; /* words that are no options may follow: the caller takes them from optind */
};
enum { OPTION_TAKEN = -1, OPTION_OTHER = -2 };

/* Returns -1 to go on, else the exit code to leave with. */
int options_parse(int argc, char **argv, const struct command_options *options, void *data);

/* A whole number from min to max. Says nothing. */
bool option_number(const char *text, unsigned long min, unsigned long max, unsigned long *ret);
/* The value of --pid: OPTION_TAKEN, or an exit code after saying what is wrong. */
int option_pid(const char *text, pid_t *ret);
/* Where no word may be left over. Returns -1 to go on, else an exit code. */
int options_no_more(int argc, char **argv);

/* This node as Slurm names it. */
void own_node(char *buf, size_t len);

/* Says that memory is short, or what errno value -rc means; returns EXIT_FAILED. */
int fail(int rc);

#endif
