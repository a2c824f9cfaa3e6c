/* SPDX-License-Identifier: MIT */
/*
 * cmd_report.c: gpumem report: what jobs did on this node: those that run, from their records, and
 * those that ended, from the accounting file.
 */
#include "config.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "jobs.h"
#include "options.h"
#include "table.h"

enum column {
	COL_JOB,
	COL_NODE,
	COL_USER,
	COL_BEGIN,
	COL_END,
	COL_SECONDS,
	COL_PROCESSES,
	COL_DEVICE,
	COL_LIMIT,
	COL_WALL,
	COL_PEAK,
	COL_MEAN,
	COL_MIGRATED,
	COL_EVICTED,
	COL_REFAULTED,
	COL_OVER,
	COL_FAILED,
	COL_REASON,
	COL_LEFT,
	COL_POLICY,
};

static const struct table_column columns[] = {
	[COL_JOB] = { "JOB", TABLE_NUMBER, "job id" },
	[COL_NODE] = { "NODE", TABLE_TEXT, "Slurm's name of the node" },
	[COL_USER] = { "USER", TABLE_TEXT, "the job's owner" },
	[COL_BEGIN] = { "BEGIN", TABLE_TEXT, "when its record was made" },
	[COL_END] = { "END", TABLE_TEXT, "when it ended here; running: it has not" },
	[COL_SECONDS] = { "SECONDS", TABLE_NUMBER, "how long its processes kept the figures" },
	[COL_PROCESSES] = { "PROCESSES", TABLE_NUMBER, "processes that took part" },
	[COL_DEVICE] = { "DEVICE", TABLE_TEXT, "PCI address" },
	[COL_LIMIT] = { "LIMIT", TABLE_SIZE, "the job's limit on the device" },
	[COL_WALL] = { "WALL", TABLE_SIZE, "the kernel's own limit (dmem)" },
	[COL_PEAK] = { "PEAK", TABLE_SIZE, "most bytes on the device" },
	[COL_MEAN] = { "MEAN", TABLE_SIZE, "mean over SECONDS" },
	[COL_MIGRATED] = { "MIGRATED", TABLE_SIZE, "bytes moved to the device" },
	[COL_EVICTED] = { "EVICTED", TABLE_SIZE, "bytes moved back" },
	[COL_REFAULTED] = { "REFAULTED", TABLE_SIZE, "bytes wanted back soon after" },
	[COL_OVER] = { "OVER", TABLE_NUMBER, "seconds over the limit" },
	[COL_FAILED] = { "FAILED", TABLE_NUMBER, "moves that failed, on all devices" },
	[COL_REASON] = { "REASON", TABLE_TEXT, "why, with counts" },
	[COL_LEFT] = { "LEFT", TABLE_SIZE, "bytes left on devices after its end" },
	[COL_POLICY] = { "POLICY", TABLE_TEXT, "the job's policy" },
	{ NULL },
};

struct options {
	struct job_filter filter;
	const char *file; /* --file: an accounting file, and nothing else */
	bool as_table;
	char **jobs; /* ends with NULL; empty: all */
	struct table_options table;
};

struct report {
	const struct options *o;
	struct table *table; /* NULL: lines for people */
	size_t shown;
	int code;
};

static int usage(FILE *out)
{
	fputs("Usage:\n gpumem report [options] [<job>...]\n\n"
	      "Shows what jobs did with the devices of this node, those that run and those that ended.\n\n"
	      "Options:\n"
	      " -j, --job <id>         the job, as <job> (default: SLURM_JOB_ID, else all)\n"
	      "     --conf <file>      read this gpumem.conf\n"
	      "     --state-dir <dir>  where job records are, over what gpumem.conf says\n"
	      " -f, --file <file>      show the jobs of this accounting file alone\n" TABLE_OPTIONS_HELP
	      COMMON_OPTIONS_HELP "\n"
	      "Without -J, -n and -o a few lines are printed for each job, else a row for each device.\n",
	      out);
	table_help(out, columns);
	fputs("\nFor details see gpumem(1).\n", out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static bool is_job(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 10;
}

static int check_jobs(struct options *o)
{
	if (o->filter.job && !is_job(o->filter.job)) {
		fprintf(stderr, "gpumem: job \"%s\" is not a number\n", o->filter.job);
		return EXIT_USAGE;
	}
	for (char **job = o->jobs; *job; job++)
		if (!is_job(*job)) {
			fprintf(stderr, "gpumem: job \"%s\" is not a number\n", *job);
			return EXIT_USAGE;
		}
	if (o->filter.job && *o->jobs) {
		fputs("gpumem: --job and an argument exclude each other\n", stderr);
		return EXIT_USAGE;
	}
	/* In a job its own, but a file of others is asked for as a whole. */
	if (!o->filter.job && !*o->jobs && !o->file && getenv("SLURM_JOB_ID") &&
	    is_job(getenv("SLURM_JOB_ID")))
		o->filter.job = getenv("SLURM_JOB_ID");
	return -1;
}

static int take_option(void *data, int c, char *value)
{
	struct options *o = data;

	o->as_table |= c == 'J' || c == 'n' || c == 'o';
	if (job_filter_option(&o->filter, c, value) || table_option(&o->table, c, value))
		return OPTION_TAKEN;
	if (c != 'f')
		return OPTION_OTHER;
	o->file = value;
	return OPTION_TAKEN;
}

static const struct option longs[] = {
	JOB_OPTIONS,
	{ "file", required_argument, NULL, 'f' },
	TABLE_OPTIONS,
	COMMON_OPTIONS,
};
static const struct command_options command_options = {
	.shorts = "j:f:" TABLE_SHORT_OPTIONS COMMON_SHORT_OPTIONS,
	.longs = longs,
	.take = take_option,
	.usage = usage,
	.operands = true,
};

/* Returns -1 to go on, else an exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
	int code = options_parse(argc, argv, &command_options, o);

	o->jobs = argv + optind;
	return code >= 0 ? code : check_jobs(o);
}

static bool wanted(const struct options *o, uint32_t job_id)
{
	if (o->filter.job)
		return strtoull(o->filter.job, NULL, 10) == job_id;
	for (char **job = o->jobs; *job; job++)
		if (strtoull(*job, NULL, 10) == job_id)
			return true;
	return !*o->jobs;
}

static void put_time(struct table *table, size_t column, int64_t seconds, const char *none)
{
	time_t when = (time_t)seconds;
	struct tm tm;
	char text[32];

	if (seconds && localtime_r(&when, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		table_text(table, column, text);
	else
		table_text(table, column, none);
}

static void put_seconds(struct table *table, size_t column, uint64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%03u", ns / 1000000000u,
		 (unsigned)(ns / 1000000u % 1000u));
	table_text(table, column, text);
}

static void put_failed(struct table *table, const struct gpumem_account *a)
{
	char text[256] = "";
	uint64_t sum = 0;
	size_t n = 0;

	for (int i = 0; i < GPUMEM_FAIL_COUNT && n < sizeof(text); i++) {
		sum += a->failed[i];
		if (a->failed[i])
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s:%ju", n ? "," : "",
					      gpumem_fail_name((enum gpumem_fail)i),
					      (uintmax_t)a->failed[i]);
	}
	table_number(table, COL_FAILED, sum);
	table_text(table, COL_REASON, text);
}

static void put_job(struct table *table, const struct gpumem_account *a)
{
	const struct passwd *pw = table_shows(table, COL_USER) ? getpwuid(a->uid) : NULL;
	char uid[16];

	table_row(table);
	snprintf(uid, sizeof(uid), "%u", (unsigned)a->uid);
	table_number(table, COL_JOB, a->job_id);
	table_text(table, COL_NODE, a->node);
	table_text(table, COL_USER, pw ? pw->pw_name : uid);
	put_time(table, COL_BEGIN, a->begin, "");
	put_time(table, COL_END, a->end, "running");
	put_seconds(table, COL_SECONDS, a->watched_ns);
	table_number(table, COL_PROCESSES, a->processes);
	put_failed(table, a);
	if (a->end)
		table_bytes(table, COL_LEFT, a->left_bytes);
	table_text(table, COL_POLICY, a->policy);
}

/* A row for each device, at least one. */
static void rows(struct table *table, const struct gpumem_account *a)
{
	for (uint32_t i = 0; i < a->device_count; i++) {
		const struct gpumem_account_device *d = &a->device[i];

		put_job(table, a);
		table_text(table, COL_DEVICE, d->pci);
		table_bytes(table, COL_LIMIT, d->limit_bytes);
		if (d->wall_bytes)
			table_bytes(table, COL_WALL, d->wall_bytes);
		table_bytes(table, COL_PEAK, d->peak_bytes);
		table_bytes(table, COL_MEAN, d->mean_bytes);
		table_bytes(table, COL_MIGRATED, d->migrated_bytes);
		table_bytes(table, COL_EVICTED, d->evicted_bytes);
		table_bytes(table, COL_REFAULTED, d->refaulted_bytes);
		put_seconds(table, COL_OVER, d->over_limit_ns);
	}
	if (a->device_count == 0)
		put_job(table, a);
}

static void show(struct report *r, const struct gpumem_account *a)
{
	char *text;

	if (!wanted(r->o, a->job_id))
		return;
	r->shown++;
	if (r->table) {
		rows(r->table, a);
	} else if (gpumem_account_text(a, r->o->table.bytes, &text) == 0) {
		fputs(text, stdout);
		free(text);
	} else {
		r->code = EXIT_FAILED;
	}
}

static void show_file(struct report *r, const char *path)
{
	FILE *f = fopen(path, "re");
	struct gpumem_account a;
	unsigned long number = 0;
	char *line = NULL;
	size_t room = 0;

	if (!f) {
		/* Nothing has ended yet; or it is root's alone, which matters to who asks for more than
		 * the own jobs that run. */
		if (r->o->file || (errno != ENOENT && errno != EACCES)) {
			fprintf(stderr, "gpumem: %s: %s\n", path, strerror(errno));
			r->code = EXIT_FAILED;
		}
		return;
	}
	while (getline(&line, &room, f) >= 0) {
		number++;
		if (gpumem_account_parse(line, &a) == 0) {
			show(r, &a);
			continue;
		}
		fprintf(stderr, "gpumem: %s:%lu: not a line of gpumem\n", path, number);
		r->code = EXIT_FAILED;
	}
	free(line);
	fclose(f);
}

/* Files by a pattern, the one that was renamed for its size first. */
static void show_files(struct report *r, const char *pattern)
{
	char path[PATH_MAX];
	glob_t files;

	for (int old = 1; old >= 0; old--) {
		if (snprintf(path, sizeof(path), "%s%s", pattern, old ? ".1" : "") >= (int)sizeof(path) ||
		    glob(path, 0, NULL, &files) != 0)
			continue;
		for (size_t i = 0; i < files.gl_pathc; i++)
			show_file(r, files.gl_pathv[i]);
		globfree(&files);
	}
}

static int show_ended(struct report *r)
{
	char pattern[PATH_MAX];
	int rc;

	if (r->o->file) {
		show_file(r, r->o->file);
		return EXIT_OK;
	}
	rc = job_accounting_pattern(&r->o->filter, pattern, sizeof(pattern));
	if (rc == 0 && pattern[0])
		show_files(r, pattern);
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}

static int show_running(struct report *r)
{
	/* All that can be read: which of them are wanted is decided as for those that ended. */
	struct job_filter all = { .conf = r->o->filter.conf, .state_dir = r->o->filter.state_dir,
				  .any = true };
	struct gpumem_account a;
	struct job_list list;
	int code;

	if (r->o->file)
		return EXIT_OK;
	code = job_list_open(&all, &list);
	if (code != EXIT_OK)
		return code;
	for (size_t i = 0; i < list.count; i++)
		if (gpumem_account_of(list.job[i], &a) == 0)
			show(r, &a);
	job_list_close(&list);
	return EXIT_OK;
}

static int run(struct report *r)
{
	int code = show_ended(r);

	if (code == EXIT_OK)
		code = show_running(r);
	if (code == EXIT_OK && r->table)
		code = table_end(r->table);
	else if (code == EXIT_OK && fflush(stdout) != 0)
		code = fail(-errno);
	if (code != EXIT_OK)
		return code;
	if (!r->shown && (r->o->filter.job || *r->o->jobs)) {
		fputs("gpumem: nothing is known here of such a job; of jobs that ended root can ask\n",
		      stderr);
		return EXIT_FAILED;
	}
	return r->code;
}

int cmd_report(int argc, char **argv)
{
	struct options o = { .table = { .name = "jobs",
					.defaults = "JOB,NODE,USER,END,DEVICE,LIMIT,PEAK,MEAN,MIGRATED,"
						    "EVICTED,REFAULTED,OVER,FAILED" } };
	struct report r = { .o = &o, .code = EXIT_OK };
	int code = parse_options(argc, argv, &o);

	if (code >= 0)
		return code;
	if (o.as_table) {
		code = table_open(columns, &o.table, "report", &r.table);
		if (code != EXIT_OK)
			return code;
	}
	code = run(&r);
	table_free(r.table);
	return code;
}
