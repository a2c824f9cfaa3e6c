/* SPDX-License-Identifier: MIT */
/*
 * interleave: how long commands take, from the fork to their end: one run of each in turn, the
 * turns rotated, so that whatever else the machine does falls on all alike.
 *
 *   interleave [-n ROUNDS] [-w WARMUP] [-p PAUSE_MS] [-u] -- NAME [VAR=VALUE…] PROGRAM ARGUMENT…
 *              [-- NAME …]…
 *   -u  in microseconds instead of milliseconds
 *
 * Prints a table. The "added" columns compare with the first command: the difference of the
 * medians, of the 99th percentiles, and the median of the differences within each round.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 32

struct command {
	const char *name;
	char **argv, **env;
	double *ms;
};

static struct command command[MOST];
static size_t commands, rounds = 100, warmup = 3;
static unsigned pause_ms;
static double scale = 1;
static const char *unit = "ms";
extern char **environ;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "interleave: %s: %s\n", what, why);
	exit(2);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Whether one of the `n` words sets the variable that `entry` sets. */
static bool is_set(char **words, size_t n, const char *entry)
{
	size_t len = strcspn(entry, "=") + 1;

	for (size_t i = 0; i < n; i++)
		if (strncmp(words[i], entry, len) == 0)
			return true;
	return false;
}

/* Leading words of the form VAR=VALUE become the environment, on top of the own one. */
static void take_environment(struct command *c)
{
	size_t own = 0, more = 0, n;

	while (environ[own])
		own++;
	while (c->argv[more] && strchr(c->argv[more], '='))
		more++;
	c->env = calloc(own + more + 1, sizeof(char *));
	if (!c->env)
		die(c->name, "out of memory");
	for (n = 0; n < more; n++)
		c->env[n] = c->argv[n];
	for (size_t i = 0; i < own; i++)
		if (!is_set(c->argv, more, environ[i]))
			c->env[n++] = environ[i];
	c->argv += more;
	if (!c->argv[0])
		die(c->name, "no program");
}

static double run_once(const struct command *c, posix_spawn_file_actions_t *quiet)
{
	double start = now_ms();
	int status;
	pid_t pid;
	int rc = posix_spawnp(&pid, c->argv[0], quiet, NULL, c->argv, c->env);

	if (rc != 0)
		die(c->argv[0], strerror(rc));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die(c->name, strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die(c->name, "the command failed");
	return now_ms() - start;
}

static void run_all(void)
{
	const struct timespec nap = { pause_ms / 1000, (long)(pause_ms % 1000) * 1000000 };
	posix_spawn_file_actions_t quiet;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	for (size_t r = 0; r < warmup + rounds; r++)
		for (size_t k = 0; k < commands; k++) {
			struct command *c = &command[(r + k) % commands];
			double ms = run_once(c, &quiet);

			if (r >= warmup)
				c->ms[r - warmup] = ms;
			if (pause_ms)
				nanosleep(&nap, NULL);
		}
	posix_spawn_file_actions_destroy(&quiet);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The smallest value that at least p percent of all do not exceed; sorts. */
static double percentile(double *values, unsigned p)
{
	qsort(values, rounds, sizeof(double), ascending);
	return values[(rounds * p + 99) / 100 - 1];
}

static void print(void)
{
	double *paired = calloc(commands * rounds, sizeof(double)), base50 = 0, base99 = 0;

	if (!paired)
		die("interleave", "out of memory");
	for (size_t i = 0; i < commands; i++)
		for (size_t r = 0; r < rounds; r++)
			paired[i * rounds + r] = command[i].ms[r] - command[0].ms[r];
	printf("%-28s %9s %9s %9s   %9s %9s %9s\n", unit, "p10", "p50", "p99", "added_p50",
	       "added_p99", "paired");
	for (size_t i = 0; i < commands; i++) {
		double p10 = percentile(command[i].ms, 10) * scale;
		double p50 = percentile(command[i].ms, 50) * scale;
		double p99 = percentile(command[i].ms, 99) * scale;

		if (i == 0) {
			base50 = p50;
			base99 = p99;
		}
		printf("%-28s %9.2f %9.2f %9.2f   %9.2f %9.2f %9.2f\n", command[i].name, p10, p50,
		       p99, p50 - base50, p99 - base99,
		       percentile(paired + i * rounds, 50) * scale);
	}
	free(paired);
}

static void read_commands(char **argv)
{
	while (*argv) {
		struct command *c = &command[commands];

		if (commands++ == MOST)
			die(*argv, "too many commands");
		c->name = *argv++;
		c->argv = argv;
		while (*argv && strcmp(*argv, "--") != 0)
			argv++;
		if (*argv)
			*argv++ = NULL;
		c->ms = calloc(rounds, sizeof(double));
		if (!c->ms)
			die(c->name, "out of memory");
		take_environment(c);
	}
	if (!commands)
		die("usage", "no command");
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+n:w:p:u")) != -1) {
		if (c == 'n')
			rounds = strtoul(optarg, NULL, 10);
		else if (c == 'w')
			warmup = strtoul(optarg, NULL, 10);
		else if (c == 'p')
			pause_ms = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'u') {
			scale = 1e3;
			unit = "us";
		} else
			return 2;
	}
	if (!rounds)
		die("-n", "at least one round");
	read_commands(argv + optind);
	run_all();
	print();
	return 0;
}
