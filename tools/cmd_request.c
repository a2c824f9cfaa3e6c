/* SPDX-License-Identifier: MIT */
/*
 * cmd_request.c: gpumem evict, gpumem migrate and gpumem set: what a running job is asked to do.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "jobs.h"

#define POLL_NS 50000000
#define DEFAULT_WAIT 10u

struct options {
	struct job_filter filter;
	const char *device;
	pid_t pid;
	unsigned wait_seconds;
};

static int usage(FILE *out, enum gpumem_request request)
{
	if (request == GPUMEM_REQUEST_EVICT)
		fputs("Usage:\n gpumem evict [options]\n\n"
		      "Takes a job's memory off the devices; it stays off until gpumem migrate.\n\n",
		      out);
	else if (request == GPUMEM_REQUEST_MIGRATE)
		fputs("Usage:\n gpumem migrate [options]\n\n"
		      "Brings a job's memory to the devices, up to its limits, whatever its policy.\n\n",
		      out);
	else
		fputs("Usage:\n gpumem set [options] limit=<size>|<n>%\n\n"
		      "Changes the limit of a running job, at most to the site's maximum.\n\n",
		      out);
	fputs("Options:\n" JOB_OPTIONS_HELP, out);
	if (request)
		fputs(" -p, --pid <pid>        this process of the job alone\n", out);
	fputs(" -d, --device <dev>     this device alone: PCI address or number in the job\n", out);
	if (request != GPUMEM_REQUEST_MIGRATE)
		fputs(" -w, --wait <seconds>   wait for it so long, 0 not at all (default: 10)\n",
		      out);
	fputs(" -h, --help             display this help\n"
	      " -V, --version          display version\n\n"
	      "For details see gpumem(1).\n",
	      out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static bool number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && !errno && *ret <= max;
}

/* Returns -1 to go on, else an exit code. */
static int parse_options(int argc, char **argv, enum gpumem_request request, struct options *o)
{
	static const struct option longs[] = {
		JOB_OPTIONS,
		{ "pid", required_argument, NULL, 'p' },
		{ "device", required_argument, NULL, 'd' },
		{ "wait", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL },
	};
	unsigned long n;
	int c;

	o->filter.writable = true;
	o->wait_seconds = DEFAULT_WAIT;
	while ((c = getopt_long(argc, argv, "j:p:d:w:hV", longs, NULL)) != -1) {
		if (job_filter_option(&o->filter, c, optarg))
			continue;
		switch (c) {
		case 'p':
			if (!number(optarg, INT32_MAX, &n) || n == 0 || !request) {
				fprintf(stderr, "gpumem: --pid %s: not a process id\n", optarg);
				return EXIT_USAGE;
			}
			o->pid = (pid_t)n;
			break;
		case 'd':
			o->device = optarg;
			break;
		case 'w':
			/* How much a migration brings, nobody knows before. */
			if (request == GPUMEM_REQUEST_MIGRATE) {
				fputs("gpumem: migrate does not wait; see --help\n", stderr);
				return EXIT_USAGE;
			}
			if (!number(optarg, 86400, &n)) {
				fprintf(stderr, "gpumem: --wait %s: not 0 to 86400 seconds\n",
					optarg);
				return EXIT_USAGE;
			}
			o->wait_seconds = (unsigned)n;
			break;
		case 'h':
			return usage(stdout, request);
		case 'V':
			printf("gpumem %s\n", gpumem_version());
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	}
	return -1;
}

static bool has_process(struct gpumem_job *job, pid_t pid)
{
	struct gpumem_job_process *p;
	size_t count;
	bool found = false;

	if (gpumem_job_processes(job, &p, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		found |= p[i].pid == pid && p[i].alive;
	free(p);
	return found;
}

/* The job that was named, or that the process belongs to, or the only one. */
static struct gpumem_job *choose(const struct job_list *list, const struct options *o)
{
	if (!o->pid)
		return job_list_only(list);
	for (size_t i = 0; i < list->count; i++)
		if (has_process(list->job[i], o->pid))
			return list->job[i];
	fprintf(stderr, "gpumem: process %d is in no job's record on this node\n", (int)o->pid);
	return NULL;
}

/* Bytes of the process, or of the job, on device i; UINT64_MAX when nobody can say. */
static uint64_t resident(struct gpumem_job *job, pid_t pid, size_t i)
{
	struct gpumem_job_device d = { .resident_bytes = 0 };
	struct gpumem_job_process *p;
	uint64_t bytes = 0;
	size_t count;

	if (!pid)
		return gpumem_job_device(job, i, &d) == 0 ? d.resident_bytes : UINT64_MAX;
	if (gpumem_job_processes(job, &p, &count) < 0)
		return UINT64_MAX;
	for (size_t k = 0; k < count; k++)
		if (p[k].pid == pid && p[k].alive)
			bytes = p[k].device[i].resident_bytes;
	free(p);
	return bytes;
}

/* Waits until at most `target` bytes are left on each device from..to-1. */
static int wait_for(struct gpumem_job *job, const struct options *o, size_t from, size_t to,
		    const uint64_t *target)
{
	const struct timespec nap = { .tv_nsec = POLL_NS };
	uint64_t left = (uint64_t)o->wait_seconds * (1000000000 / POLL_NS);

	for (size_t i = from; i < to;) {
		uint64_t bytes = resident(job, o->pid, i);
		struct gpumem_job_device d;
		char text[32], want[32];

		if (bytes == UINT64_MAX) {
			fprintf(stderr, "gpumem: job %u: its ledger cannot be read\n",
				gpumem_job_id(job));
			return EXIT_FAILED;
		}
		if (bytes <= target[i] || o->wait_seconds == 0) {
			i++;
			continue;
		}
		if (left-- == 0) {
			gpumem_job_device(job, i, &d);
			fprintf(stderr,
				"gpumem: %s of job %u still on %s after %u s, asked for at most "
				"%s; gpumem status --output +REASON says more\n",
				gpumem_size_print(bytes, text, sizeof(text)), gpumem_job_id(job),
				d.pci, o->wait_seconds,
				gpumem_size_print(target[i], want, sizeof(want)));
			return EXIT_FAILED;
		}
		nanosleep(&nap, NULL);
	}
	return EXIT_OK;
}

/* The devices that were named: from..to-1. */
static bool device_span(struct gpumem_job *job, const struct options *o, size_t *from, size_t *to)
{
	int index;

	*from = 0;
	*to = gpumem_job_device_count(job);
	if (!o->device)
		return true;
	index = job_device_index(job, o->device);
	if (index < 0)
		return false;
	*from = (size_t)index;
	*to = *from + 1;
	return true;
}

static int ask(struct gpumem_job *job, const struct options *o, enum gpumem_request request)
{
	uint64_t target[GPUMEM_MAX_DEVICES] = { 0 };
	struct gpumem_error err;
	size_t from, to;

	if (!device_span(job, o, &from, &to))
		return EXIT_FAILED;
	for (size_t i = from; i < to; i++)
		if (gpumem_job_request(job, o->pid, i, request, &err) < 0) {
			fprintf(stderr, "gpumem: %s\n", err.text);
			return EXIT_FAILED;
		}
	/* How much a migration will bring is the program's and the limits' business. */
	return request == GPUMEM_REQUEST_EVICT ? wait_for(job, o, from, to, target) : EXIT_OK;
}

static int request_command(int argc, char **argv, enum gpumem_request request)
{
	struct options o = { 0 };
	struct gpumem_job *job;
	struct job_list list;
	int code = parse_options(argc, argv, request, &o);

	if (code >= 0)
		return code;
	if (optind < argc) {
		fprintf(stderr, "gpumem: unexpected argument \"%s\"\n", argv[optind]);
		return EXIT_USAGE;
	}
	code = job_list_open(&o.filter, &list);
	if (code != EXIT_OK)
		return code;
	job = choose(&list, &o);
	code = job ? ask(job, &o, request) : EXIT_FAILED;
	job_list_close(&list);
	return code;
}

int cmd_evict(int argc, char **argv)
{
	return request_command(argc, argv, GPUMEM_REQUEST_EVICT);
}

int cmd_migrate(int argc, char **argv)
{
	return request_command(argc, argv, GPUMEM_REQUEST_MIGRATE);
}

/* Reads limit=…; the policy's own grammar does the work. */
static int parse_limit(const char *word, struct gpumem_policy *ret)
{
	struct gpumem_error err;
	char text[128];

	snprintf(text, sizeof(text), "advise,%s", word);
	if (strncmp(word, "limit=", 6) != 0 || strchr(word, ',')) {
		fprintf(stderr, "gpumem: cannot set \"%s\"; allowed: limit=<size>|<n>%%\n", word);
		return EXIT_USAGE;
	}
	if (gpumem_policy_parse(text, ret, &err) < 0) {
		fprintf(stderr, "gpumem: %s\n", err.text);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static int set_limits(struct gpumem_job *job, const struct options *o,
		      const struct gpumem_policy *policy)
{
	uint64_t target[GPUMEM_MAX_DEVICES] = { 0 };
	struct gpumem_job_device d;
	struct gpumem_error err;
	size_t from, to;

	if (!device_span(job, o, &from, &to))
		return EXIT_FAILED;
	for (size_t i = from; i < to; i++) {
		if (gpumem_job_device(job, i, &d) < 0)
			return EXIT_FAILED;
		target[i] = policy->limit_bytes ? policy->limit_bytes :
						  d.bytes / 100 * policy->limit_percent;
		if (gpumem_job_set_limit(job, i, target[i], &err) < 0) {
			fprintf(stderr, "gpumem: %s\n", err.text);
			return EXIT_FAILED;
		}
	}
	return wait_for(job, o, from, to, target);
}

int cmd_set(int argc, char **argv)
{
	struct gpumem_policy policy;
	struct options o = { 0 };
	struct gpumem_job *job;
	struct job_list list;
	int code = parse_options(argc, argv, GPUMEM_REQUEST_NONE, &o);

	if (code >= 0)
		return code;
	if (optind + 1 != argc) {
		fputs("gpumem: one setting is wanted: limit=<size>|<n>%\n", stderr);
		return EXIT_USAGE;
	}
	code = parse_limit(argv[optind], &policy);
	if (code == EXIT_OK)
		code = job_list_open(&o.filter, &list);
	if (code != EXIT_OK)
		return code;
	job = job_list_only(&list);
	code = job ? set_limits(job, &o, &policy) : EXIT_FAILED;
	job_list_close(&list);
	return code;
}
