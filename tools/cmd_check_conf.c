/* SPDX-License-Identifier: MIT */
/*
 * cmd_check_conf.c: gpumem check-conf: every problem of gpumem.conf before Slurm meets it, and the
 * settings as they are understood.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "gpumem.h"
#include "options.h"

struct options {
	const char *path; /* NULL: the default one, which may be missing */
	bool quiet, print, named;
	struct gpumem_subject subject;
};

struct problems {
	const char *path;
	bool quiet;
	unsigned count;
};

static int usage(FILE *out)
{
	fputs("Usage:\n gpumem check-conf [options] [<file>]\n\n"
	      "Checks gpumem.conf and names every problem with its line.\n\n"
	      "Options:\n"
	      " -A, --account <name>   print the settings in force for the account\n"
	      " -p, --partition <name> print the settings in force in the partition\n"
	      " -u, --user <name>      print the settings in force for the user\n"
	      " -q, --quiet            print nothing, only return the exit code\n"
	      " -v, --verbose          print the settings as they were understood\n"
	      COMMON_OPTIONS_HELP "\n"
	      "-A, -p and -u together name one job. Without <file>: " GPUMEM_CONF_PATH "\n"
	      "For details see gpumem(1) and gpumem.conf(5).\n",
	      out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static int take_option(void *data, int c, char *value)
{
	struct options *o = data;

	switch (c) {
	case 'A':
		o->subject.account = value;
		return OPTION_TAKEN;
	case 'p':
		o->subject.partition = value;
		return OPTION_TAKEN;
	case 'u':
		o->subject.user = value;
		return OPTION_TAKEN;
	case 'q':
		o->quiet = true;
		return OPTION_TAKEN;
	case 'v':
		o->print = true;
		return OPTION_TAKEN;
	default:
		return OPTION_OTHER;
	}
}

static const struct option longs[] = {
	{ "account", required_argument, NULL, 'A' },
	{ "partition", required_argument, NULL, 'p' },
	{ "user", required_argument, NULL, 'u' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	COMMON_OPTIONS,
};
static const struct command_options command_options = {
	.shorts = "A:p:u:qv" COMMON_SHORT_OPTIONS,
	.longs = longs,
	.take = take_option,
	.usage = usage,
	.operands = true,
};

/* Returns -1 to go on, else an exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
	int code = options_parse(argc, argv, &command_options, o);

	if (code >= 0)
		return code;
	if (optind < argc)
		o->path = argv[optind++];
	code = options_no_more(argc, argv);
	if (code >= 0)
		return code;
	o->named = o->subject.partition || o->subject.account || o->subject.user;
	if (o->quiet && (o->print || o->named)) {
		fprintf(stderr, "gpumem: --quiet and options that print exclude each other\n");
		return EXIT_USAGE;
	}
	return -1;
}

static void show_problem(void *data, unsigned line, const char *text)
{
	struct problems *problems = data;

	problems->count++;
	if (problems->quiet)
		return;
	if (line)
		fprintf(stderr, "%s:%u: %s\n", problems->path, line, text);
	else
		fprintf(stderr, "%s: %s\n", problems->path, text);
}

static int print_settings(const struct gpumem_conf *conf, const struct options *o)
{
	char *text;
	int rc = gpumem_conf_print(conf, o->named ? &o->subject : NULL, &text);

	if (rc < 0) {
		fprintf(stderr, "gpumem: %s\n", strerror(-rc));
		return EXIT_FAILED;
	}
	fputs(text, stdout);
	free(text);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "gpumem: cannot write to stdout\n");
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

int cmd_check_conf(int argc, char **argv)
{
	struct options o = {0};
	struct problems problems = {0};
	struct gpumem_conf *conf;
	struct gpumem_error err;
	int rc = parse_options(argc, argv, &o);

	if (rc >= 0)
		return rc;
	problems.path = o.path ? o.path : GPUMEM_CONF_PATH;
	problems.quiet = o.quiet;
	rc = gpumem_conf_read(o.path, show_problem, &problems, &conf, &err);
	if (rc < 0) {
		/* A file that was read has had its lines said already. */
		if (!problems.count && !o.quiet)
			fprintf(stderr, "gpumem: %s\n", err.text);
		return EXIT_FAILED;
	}
	rc = EXIT_OK;
	if (o.print && !o.path && access(problems.path, F_OK) != 0)
		fprintf(stderr, "gpumem: %s is not there: the built-in settings hold\n",
			problems.path);
	if (o.print || o.named)
		rc = print_settings(conf, &o);
	gpumem_conf_free(conf);
	return rc;
}
