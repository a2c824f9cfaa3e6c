/* SPDX-License-Identifier: MIT */
/*
 * cmd_request.c: gpumem evict, migrate and set: what a running job is asked to do.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "jobs.h"
#include "options.h"
#include "outside.h"

#define POLL_NS 50000000
#define DEFAULT_WAIT 10u

enum { OPT_WORKERS = 768 };

struct options {
	struct job_filter filter;
	const char *device;
	pid_t pid;
	unsigned wait_seconds, workers;
};

#define PID_HELP " -p, --pid <pid>        this process of the job alone\n"
#define DEVICE_HELP " -d, --device <dev>     this device alone: PCI address or number in the job\n"
#define WAIT_HELP                                                                                \
	" -w, --wait <seconds>   wait for it so long, 0 not at all (default: 10)\n"
#define WORKERS_HELP                                                                             \
	"     --workers <n>      threads that move processes without an agent (default: 1)\n"
#define MOST_WORKERS 8
#define SEE_PAGE "\nFor details see gpumem(1).\n"

static int evict_usage(FILE *out)
{
	fputs("Usage:\n gpumem evict [options]\n\n"
	      "Takes a job's memory off the devices; it stays off until gpumem migrate.\n\n"
	      "Options:\n" JOB_OPTIONS_HELP PID_HELP DEVICE_HELP WAIT_HELP
	      WORKERS_HELP COMMON_OPTIONS_HELP SEE_PAGE,
	      out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static int migrate_usage(FILE *out)
{
	fputs("Usage:\n gpumem migrate [options]\n\n"
	      "Brings a job's memory to the devices, up to its limits, whatever its policy.\n\n"
	      "Options:\n" JOB_OPTIONS_HELP PID_HELP DEVICE_HELP WORKERS_HELP
	      COMMON_OPTIONS_HELP SEE_PAGE,
	      out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static int take_option(void *data, int c, char *value)
{
	struct options *o = data;
	unsigned long n;

	if (job_filter_option(&o->filter, c, value))
		return OPTION_TAKEN;
	switch (c) {
	case 'p':
		return option_pid(value, &o->pid);
	case 'd':
		o->device = value;
		return OPTION_TAKEN;
	case 'w':
		if (!option_number(value, 0, 86400, &n)) {
			fprintf(stderr, "gpumem: --wait %s: not 0 to 86400 seconds\n", value);
			return EXIT_USAGE;
		}
		o->wait_seconds = (unsigned)n;
		return OPTION_TAKEN;
	case OPT_WORKERS:
		if (!option_number(value, 1, MOST_WORKERS, &n)) {
			fprintf(stderr, "gpumem: --workers %s: not 1 to %d\n", value, MOST_WORKERS);
			return EXIT_USAGE;
		}
		o->workers = (unsigned)n;
		return OPTION_TAKEN;
	default:
		return OPTION_OTHER;
	}
}

#define PID_OPTION { "pid", required_argument, NULL, 'p' }
#define DEVICE_OPTION { "device", required_argument, NULL, 'd' }
#define WORKERS_OPTION { "workers", required_argument, NULL, OPT_WORKERS }
#define WAIT_OPTION { "wait", required_argument, NULL, 'w' }

static const struct option evict_longs[] = {
	JOB_OPTIONS, PID_OPTION, DEVICE_OPTION, WAIT_OPTION, WORKERS_OPTION, COMMON_OPTIONS,
};
/* How much a migration brings, nobody knows before: it does not wait. */
static const struct option migrate_longs[] = {
	JOB_OPTIONS, PID_OPTION, DEVICE_OPTION, WORKERS_OPTION, COMMON_OPTIONS,
};

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
		if (has_process(list->job[i], o->pid) || outside_of_job(list->job[i], o->pid))
			return list->job[i];
	fprintf(stderr, "gpumem: process %d is in no job's record on this node\n", (int)o->pid);
	return NULL;
}

static uint64_t by_agents(struct gpumem_job *job, pid_t pid, size_t i)
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

/* Bytes of the process, or of the job, on device i; UINT64_MAX when nobody can say. */
static uint64_t resident(struct gpumem_job *job, const struct options *o, size_t i)
{
	uint64_t bytes = by_agents(job, o->pid, i), outside = 0;

	/* A new limit is the agents' business. */
	if (o->workers && gpumem_job_outside_bytes(job, o->pid, i, &outside) < 0)
		return UINT64_MAX;
	return bytes == UINT64_MAX ? bytes : bytes + outside;
}

/* Waits until at most `target` bytes are left on each device from..to-1. */
static int wait_for(struct gpumem_job *job, const struct options *o, size_t from, size_t to,
		    const uint64_t *target)
{
	const struct timespec nap = { .tv_nsec = POLL_NS };
	uint64_t left = (uint64_t)o->wait_seconds * (1000000000 / POLL_NS);

	for (size_t i = from; i < to;) {
		uint64_t bytes = resident(job, o, i);
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

static int ask_agents(struct gpumem_job *job, const struct options *o, size_t from, size_t to,
		      enum gpumem_request request)
{
	struct gpumem_error err;

	for (size_t i = from; i < to; i++)
		if (gpumem_job_request(job, o->pid, i, request, &err) < 0) {
			fprintf(stderr, "gpumem: %s\n", err.text);
			return EXIT_FAILED;
		}
	return EXIT_OK;
}

/* Memory that is the system's has nowhere to go. */
static bool has_way_back(struct gpumem_job *job, size_t from, size_t to, const char *what)
{
	struct gpumem_job_device d;

	for (size_t i = from; i < to; i++)
		if (gpumem_job_device(job, i, &d) == 0 && d.kind == GPUMEM_KIND_NUMA_SHARED) {
			fprintf(stderr,
				"gpumem: job %u: %s shares the system's memory (numa-shared): %s "
				"means nothing there\n",
				gpumem_job_id(job), d.pci, what);
			return false;
		}
	return true;
}

static int ask(struct gpumem_job *job, const struct options *o, enum gpumem_request request)
{
	uint64_t target[GPUMEM_MAX_DEVICES] = { 0 };
	bool agent = !o->pid || has_process(job, o->pid);
	int code = EXIT_OK, outside = EXIT_OK;
	size_t from, to;

	if (!device_span(job, o, &from, &to))
		return EXIT_FAILED;
	if (request == GPUMEM_REQUEST_EVICT && !has_way_back(job, from, to, "evict"))
		return EXIT_FAILED;
	if (agent)
		code = ask_agents(job, o, from, to, request);
	if (code == EXIT_OK && (!o->pid || !agent))
		outside = outside_move(job, o->pid, from, to, request == GPUMEM_REQUEST_MIGRATE,
				       o->workers);
	/* How much a migration will bring is the program's and the limits' business. */
	if (code == EXIT_OK && request == GPUMEM_REQUEST_EVICT)
		code = wait_for(job, o, from, to, target);
	return code != EXIT_OK ? code : outside;
}

static int request_command(int argc, char **argv, enum gpumem_request request,
			   const struct command_options *command)
{
	struct options o = { .filter.writable = true, .wait_seconds = DEFAULT_WAIT, .workers = 1 };
	struct gpumem_job *job;
	struct job_list list;
	int code = options_parse(argc, argv, command, &o);

	if (code >= 0)
		return code;
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
	static const struct command_options command = {
		.shorts = "j:p:d:w:" COMMON_SHORT_OPTIONS,
		.longs = evict_longs,
		.take = take_option,
		.usage = evict_usage,
	};

	return request_command(argc, argv, GPUMEM_REQUEST_EVICT, &command);
}

int cmd_migrate(int argc, char **argv)
{
	static const struct command_options command = {
		.shorts = "j:p:d:" COMMON_SHORT_OPTIONS,
		.longs = migrate_longs,
		.take = take_option,
		.usage = migrate_usage,
	};

	return request_command(argc, argv, GPUMEM_REQUEST_MIGRATE, &command);
}

/* ---- gpumem set -------------------------------------------------------------------------- */

#define SETTINGS "policy=, limit=, high=, low=, evict=, bw=, suspend="

static int set_usage(FILE *out)
{
	fputs("Usage:\n gpumem set [options] <name>=<value>...\n\n"
	      "Changes the policy of a running job, at most to what the site allows.\n\n"
	      "Settings, as in --gpu-mem-policy:\n"
	      " policy=<placement>     off, host, prefer, bind, interleave or advise\n"
	      " limit=<size>|<n>%      of each device; see --device\n"
	      " high=<n>% low=<n>%     of the limit: above high, evict down to low\n"
	      " evict=<order>          duel, heat, age, lrf, pin or none\n"
	      " bw=<size>              bytes that may move in a second\n"
	      " suspend=evict|keep     whether a suspended job leaves the devices\n\n"
	      "Options:\n" JOB_OPTIONS_HELP
	      " -d, --device <dev>     limit= here alone: PCI address or number in the job\n"
	      " -w, --wait <seconds>   wait so long for a limit, 0 not at all (default: 10)\n"
	      COMMON_OPTIONS_HELP SEE_PAGE,
	      out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static bool may_be_set(const char *word, size_t len)
{
	static const char *const names[] = { "limit=", "high=", "low=",
					     "evict=", "bw=",	"suspend=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (len >= strlen(names[i]) && strncmp(word, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Sorts NAME=VALUE words, which may come in comma lists too, into a placement and options. */
static int sort_settings(char **words, char *placement, size_t placement_len, char *options,
			 size_t options_len)
{
	size_t used = 0, len;

	for (; *words; words++) {
		for (const char *word = *words;; word += len + 1) {
			len = strcspn(word, ",");
			if (strncmp(word, "policy=", 7) == 0 && !*placement &&
			    len < placement_len) {
				snprintf(placement, placement_len, "%.*s", (int)len - 7, word + 7);
			} else if (may_be_set(word, len) && used + len + 2 < options_len) {
				used += (size_t)snprintf(options + used, options_len - used, ",%.*s",
							 (int)len, word);
			} else {
				fprintf(stderr,
					"gpumem: cannot set \"%.*s\"; allowed, each once: "
					SETTINGS "\n",
					(int)len, word);
				return EXIT_USAGE;
			}
			if (!word[len])
				break;
		}
	}
	return EXIT_OK;
}

/* The policy's own grammar reads the values, so that its messages hold here too. */
static int parse_settings(char **words, struct gpumem_policy *ret)
{
	char placement[64] = "", options[GPUMEM_POLICY_LEN] = "", text[2 * GPUMEM_POLICY_LEN];
	bool high, low;
	struct gpumem_error err;
	int code = sort_settings(words, placement, sizeof(placement), options, sizeof(options));

	if (code != EXIT_OK)
		return code;
	/* One mark alone must fit the job's other one, not the default: the library sees to it. */
	high = strstr(options, ",high=") != NULL;
	low = strstr(options, ",low=") != NULL;
	snprintf(text, sizeof(text), "%s%s%s%s", *placement ? placement : "advise", options,
		 high && !low ? ",low=1%" : "", low && !high ? ",high=100%" : "");
	if (gpumem_policy_parse(text, ret, &err) < 0) {
		fprintf(stderr, "gpumem: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (ret->ratio_device) {
		fprintf(stderr,
			"gpumem: policy=%s: a running job keeps its ratio; allowed: %s alone\n",
			placement, gpumem_placement_name(ret->placement));
		return EXIT_USAGE;
	}
	if (!*placement)
		ret->placement = 0;
	if (!high)
		ret->high_percent = 0;
	if (!low)
		ret->low_percent = 0;
	return EXIT_OK;
}

/* Limits above the site's are found before the first word is written. */
static int set_limits(struct gpumem_job *job, size_t from, size_t to,
		      const struct gpumem_policy *policy, uint64_t *target,
		      struct gpumem_error *err)
{
	struct gpumem_job_device d;
	int rc = 0;

	for (size_t i = from; i < to && rc == 0; i++) {
		rc = gpumem_job_device(job, i, &d);
		if (rc < 0) {
			snprintf(err->text, sizeof(err->text), "job %u: its ledger cannot be read",
				 gpumem_job_id(job));
			return rc;
		}
		target[i] = policy->limit_bytes ? policy->limit_bytes :
						  d.bytes / 100 * policy->limit_percent;
		if (target[i] > d.max_bytes)
			return gpumem_job_set_limit(job, i, target[i], err);
	}
	/* The limit is no business of this one; a policy without any other word changes nothing. */
	rc = gpumem_job_set_policy(job, policy, err);
	for (size_t i = from; i < to && rc == 0; i++)
		rc = gpumem_job_set_limit(job, i, target[i], err);
	return rc;
}

/* How many of the kernel's own limits are below what was asked for. */
static size_t low_walls(struct gpumem_job *job, size_t from, size_t to, const uint64_t *target,
			bool tell)
{
	struct gpumem_job_device d;
	size_t count = 0;
	char size[32];

	for (size_t i = from; i < to; i++) {
		/* It is whole pages. */
		if (!gpumem_job_given(job, i) || gpumem_job_device(job, i, &d) < 0 ||
		    !d.wall_bytes || target[i] < d.wall_bytes + 4096)
			continue;
		count++;
		if (tell)
			fprintf(stderr,
				"gpumem: the kernel keeps job %u to %s of %s until its next step begins\n",
				gpumem_job_id(job),
				gpumem_size_print(d.wall_bytes, size, sizeof(size)), d.pci);
	}
	return count;
}

/* They stay until the next step begins, unless root raises them now. */
static int raise_walls(struct gpumem_job *job, size_t from, size_t to, const uint64_t *target)
{
	struct gpumem_error err = { .text = "out of memory" };
	struct gpumem_ctx *ctx;
	int rc;

	if (low_walls(job, from, to, target, geteuid() != 0) == 0 || geteuid() != 0)
		return EXIT_OK;
	rc = gpumem_new(&ctx);
	if (rc == 0) {
		rc = gpumem_job_wall(ctx, gpumem_job_state_dir(job), gpumem_job_id(job), &err);
		gpumem_unref(ctx);
	}
	if (rc < 0)
		fprintf(stderr, "gpumem: job %u: the kernel's own limit was not raised: %s\n",
			gpumem_job_id(job), err.text);
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}

static int set_policy(struct gpumem_job *job, const struct options *o,
		      const struct gpumem_policy *policy)
{
	bool limit = policy->limit_bytes || policy->limit_percent;
	uint64_t target[GPUMEM_MAX_DEVICES] = { 0 };
	struct gpumem_error err = { 0 };
	size_t from, to;

	if (!device_span(job, o, &from, &to))
		return EXIT_FAILED;
	if (policy->placement == GPUMEM_PLACE_HOST &&
	    !has_way_back(job, 0, gpumem_job_device_count(job), "policy=host"))
		return EXIT_FAILED;
	if (!limit)
		from = to;
	if (set_limits(job, from, to, policy, target, &err) < 0) {
		fprintf(stderr, "gpumem: %s\n", err.text);
		return EXIT_FAILED;
	}
	if (raise_walls(job, from, to, target) != EXIT_OK)
		return EXIT_FAILED;
	return wait_for(job, o, from, to, target);
}

static const struct option set_longs[] = {
	JOB_OPTIONS, DEVICE_OPTION, WAIT_OPTION, COMMON_OPTIONS,
};

int cmd_set(int argc, char **argv)
{
	static const struct command_options command = {
		.shorts = "j:d:w:" COMMON_SHORT_OPTIONS,
		.longs = set_longs,
		.take = take_option,
		.usage = set_usage,
		.operands = true,
	};
	struct options o = { .filter.writable = true, .wait_seconds = DEFAULT_WAIT };
	struct gpumem_policy policy;
	struct gpumem_job *job;
	struct job_list list;
	int code = options_parse(argc, argv, &command, &o);

	if (code >= 0)
		return code;
	if (optind == argc) {
		fputs("gpumem: settings are wanted: " SETTINGS "\n", stderr);
		return EXIT_USAGE;
	}
	code = parse_settings(argv + optind, &policy);
	if (code == EXIT_OK && o.device && !policy.limit_bytes && !policy.limit_percent) {
		fputs("gpumem: --device goes with limit= alone\n", stderr);
		code = EXIT_USAGE;
	}
	if (code == EXIT_OK)
		code = job_list_open(&o.filter, &list);
	if (code != EXIT_OK)
		return code;
	job = job_list_only(&list);
	code = job ? set_policy(job, &o, &policy) : EXIT_FAILED;
	job_list_close(&list);
	return code;
}
