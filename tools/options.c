/* SPDX-License-Identifier: MIT */
/*
 * options.c: what every command does with its arguments.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "gpumem.h"
#include "options.h"

int options_parse(int argc, char **argv, const struct command_options *options, void *data)
{
	int c, code;

	while ((c = getopt_long(argc, argv, options->shorts, options->longs, NULL)) != -1) {
		if (c == 'h')
			return options->usage(stdout);
		if (c == 'V') {
			printf("gpumem %s\n", gpumem_version());
			return EXIT_OK;
		}
		code = c == '?' ? OPTION_OTHER : options->take(data, c, optarg);
		if (code != OPTION_TAKEN)
			return code == OPTION_OTHER ? EXIT_USAGE : code;
	}
	return options->operands ? -1 : options_no_more(argc, argv);
}

int options_no_more(int argc, char **argv)
{
	if (optind >= argc)
		return -1;
	fprintf(stderr, "gpumem: unexpected argument \"%s\"\n", argv[optind]);
	return EXIT_USAGE;
}

bool option_number(const char *text, unsigned long min, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && !errno && *ret >= min && *ret <= max;
}

int option_pid(const char *text, pid_t *ret)
{
	unsigned long n;

	if (!option_number(text, 1, INT32_MAX, &n)) {
		fprintf(stderr, "gpumem: --pid %s: not a process id\n", text);
		return EXIT_USAGE;
	}
	*ret = (pid_t)n;
	return OPTION_TAKEN;
}

void own_node(char *buf, size_t len)
{
	const char *node = getenv("SLURMD_NODENAME");

	buf[0] = '\0';
	if (node && *node)
		snprintf(buf, len, "%s", node);
	else if (gethostname(buf, len - 1) == 0)
		buf[strcspn(buf, ".")] = '\0';
}

int fail(int rc)
{
	fprintf(stderr, "gpumem: %s\n", strerror(-rc));
	return EXIT_FAILED;
}
