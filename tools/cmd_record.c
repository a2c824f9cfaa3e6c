/* SPDX-License-Identifier: MIT */
/*
 * cmd_record.c: gpumem record: a command whose agents write down what the engine sees, so that it
 * can be replayed with other policies.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "gpumem.h"
#include "options.h"
#include "run.h"

#define DEFAULT_FILE "gpumem-%p.trace"
#define DEFAULT_POLICY "prefer"

struct options {
	struct run_options run; /* the first: run_option() takes its address */
	const char *file;
};

static int usage(FILE *out)
{
	fputs("Usage:\n gpumem record [options] <command> [argument...]\n\n"
	      "Runs a command and writes down which memory it uses, when, and what moved.\n\n"
	      "Options:\n"
	      " -o, --output <file>    the trace; %p is the process (default: " DEFAULT_FILE ")\n"
	      " -p, --policy <policy>  outside Slurm: what to run it with (default: " DEFAULT_POLICY
	      ")\n" RUN_OPTIONS_HELP COMMON_OPTIONS_HELP
	      "\nIn a job the job's policy holds, and -o alone has a meaning.\n"
	      "For details see gpumem(1).\n",
	      out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static int take_option(void *data, int c, char *value)
{
	struct options *o = data;

	switch (c) {
	case 'o':
		o->file = value;
		return OPTION_TAKEN;
	case 'p':
		o->run.policy = value;
		return OPTION_TAKEN;
	default:
		return run_option(&o->run, c, value);
	}
}

static const struct option longs[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "policy", required_argument, NULL, 'p' },
	RUN_OPTIONS,
	COMMON_OPTIONS,
};
static const struct command_options command_options = {
	.shorts = "+o:p:d:" COMMON_SHORT_OPTIONS,
	.longs = longs,
	.take = take_option,
	.usage = usage,
	.operands = true,
};

/* The command may change its folder, so the file's path must not depend on it. Tells now what the
 * agent could tell nobody: that no file can be made there. */
static int set_trace(const char *file)
{
	char path[PATH_MAX], folder[PATH_MAX] = "";
	int n;

	if (*file != '/' && !getcwd(folder, sizeof(folder)))
		return fail(-errno);
	n = snprintf(path, sizeof(path), "%s%s%s", folder, *file == '/' ? "" : "/", file);
	if (n >= (int)sizeof(path)) {
		fprintf(stderr, "gpumem: --output %s: %s\n", file, strerror(ENAMETOOLONG));
		return EXIT_FAILED;
	}
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (!*file || path[n - 1] == '/' || access(*folder ? folder : "/", W_OK | X_OK) < 0) {
		fprintf(stderr, "gpumem: --output %s: no file can be made there: %s\n", file,
			!*file || path[n - 1] == '/' ? strerror(EISDIR) : strerror(errno));
		return EXIT_FAILED;
	}
	if (setenv(GPUMEM_ENV_TRACE, path, 1) < 0)
		return fail(-errno);
	return EXIT_OK;
}

int cmd_record(int argc, char **argv)
{
	struct options o = { .file = DEFAULT_FILE };
	const char *job = getenv(GPUMEM_ENV_JOB);
	int code = options_parse(argc, argv, &command_options, &o);

	if (code >= 0)
		return code;
	if (optind == argc) {
		fputs("gpumem: a command is wanted; see gpumem record --help\n", stderr);
		return EXIT_USAGE;
	}
	if (job && *job && (o.run.policy || o.run.conf || o.run.device || o.run.state_dir)) {
		fputs("gpumem: in a job its own policy and record hold; allowed here: --output\n",
		      stderr);
		return EXIT_USAGE;
	}
	code = set_trace(o.file);
	if (code != EXIT_OK)
		return code;
	if (job && *job)
		return run_exec(argv + optind);
	if (!o.run.policy)
		o.run.policy = DEFAULT_POLICY;
	return run_with_policy(&o.run, argv + optind);
}
