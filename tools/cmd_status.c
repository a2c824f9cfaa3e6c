/* SPDX-License-Identifier: MIT */
/*
 * cmd_status.c: gpumem status: what the jobs of this node have on its devices.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "jobs.h"
#include "table.h"

enum column {
	COL_JOB,
	COL_NODE,
	COL_PID,
	COL_STEP,
	COL_TASK,
	COL_COMMAND,
	COL_STATE,
	COL_PATH,
	COL_DEVICE,
	COL_RESIDENT,
	COL_LIMIT,
	COL_TOTAL,
	COL_MAX,
	COL_SIZE,
	COL_REQUEST,
	COL_HOST,
	COL_IN,
	COL_OUT,
	COL_FAILED,
	COL_REASON,
	COL_POLICY,
};

static const struct table_column columns[] = {
	[COL_JOB] = { "JOB", TABLE_NUMBER, "job id" },
	[COL_NODE] = { "NODE", TABLE_TEXT, "Slurm's name of the node" },
	[COL_PID] = { "PID", TABLE_NUMBER, "process" },
	[COL_STEP] = { "STEP", TABLE_TEXT, "step: a number, batch or interactive" },
	[COL_TASK] = { "TASK", TABLE_NUMBER, "task of the step on this node" },
	[COL_COMMAND] = { "COMMAND", TABLE_TEXT, "name of the program" },
	[COL_STATE] = { "STATE", TABLE_TEXT,
			"watching, moving, waiting-for-rocm, no-device, ended" },
	[COL_PATH] = { "PATH", TABLE_TEXT, "how it moves pages: hsakmt, kfd, kfd-alone" },
	[COL_DEVICE] = { "DEVICE", TABLE_TEXT, "PCI address" },
	[COL_RESIDENT] = { "RESIDENT", TABLE_SIZE,
			   "bytes on the device: of the process, or of the job with --devices" },
	[COL_LIMIT] = { "LIMIT", TABLE_SIZE, "the job's limit on the device, now" },
	[COL_TOTAL] = { "TOTAL", TABLE_SIZE, "bytes of the whole job on the device" },
	[COL_MAX] = { "MAX", TABLE_SIZE, "the site's largest limit" },
	[COL_SIZE] = { "SIZE", TABLE_SIZE, "size of the device's memory" },
	[COL_REQUEST] = { "REQUEST", TABLE_TEXT, "evict or migrate, while one is in force" },
	[COL_HOST] = { "HOST", TABLE_SIZE, "bytes in system memory that could move" },
	[COL_IN] = { "IN", TABLE_SIZE, "bytes moved to the device so far" },
	[COL_OUT] = { "OUT", TABLE_SIZE, "bytes moved back so far" },
	[COL_FAILED] = { "FAILED", TABLE_NUMBER, "moves that failed" },
	[COL_REASON] = { "REASON", TABLE_TEXT, "why they failed, and why a device is not open" },
	[COL_POLICY] = { "POLICY", TABLE_TEXT, "the job's policy" },
	{ NULL },
};

struct options {
	struct job_filter filter;
	struct table_options table;
	bool devices;
};

static int usage(FILE *out)
{
	fputs("Usage:\n gpumem status [options]\n\n"
	      "Shows the processes of jobs and what they have on the devices of this node.\n\n"
	      "Options:\n" JOB_OPTIONS_HELP
	      " -d, --devices          one line per job and device instead of per process\n"
	      TABLE_OPTIONS_HELP
	      " -h, --help             display this help\n"
	      " -V, --version          display version\n",
	      out);
	table_help(out, columns);
	fputs("\nFor details see gpumem(1).\n", out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

/* Returns -1 to go on, else an exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		JOB_OPTIONS,
		{ "devices", no_argument, NULL, 'd' },
		TABLE_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL },
	};
	int c;

	while ((c = getopt_long(argc, argv, "j:d" TABLE_SHORT_OPTIONS "hV", longs, NULL)) != -1) {
		if (job_filter_option(&o->filter, c, optarg) ||
		    table_option(&o->table, c, optarg))
			continue;
		switch (c) {
		case 'd':
			o->devices = true;
			break;
		case 'h':
			return usage(stdout);
		case 'V':
			printf("gpumem %s\n", gpumem_version());
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "gpumem: unexpected argument \"%s\"\n", argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

static const char *request_name(uint32_t request)
{
	return request == GPUMEM_REQUEST_EVICT	 ? "evict" :
	       request == GPUMEM_REQUEST_MIGRATE ? "migrate" :
						   "";
}

static void put_job(struct table *table, struct gpumem_job *job)
{
	table_number(table, COL_JOB, gpumem_job_id(job));
	table_text(table, COL_NODE, gpumem_job_node(job));
	table_text(table, COL_POLICY, gpumem_job_policy(job));
}

static void put_device(struct table *table, const struct gpumem_job_device *d)
{
	table_text(table, COL_DEVICE, d->pci);
	table_bytes(table, COL_LIMIT, d->limit_bytes);
	table_bytes(table, COL_TOTAL, d->resident_bytes);
	table_bytes(table, COL_MAX, d->max_bytes);
	table_bytes(table, COL_SIZE, d->bytes);
}

static void put_step(struct table *table, uint32_t step)
{
	char text[16];

	if (step == 0xfffffffbu)
		snprintf(text, sizeof(text), "batch");
	else if (step == 0xfffffffau)
		snprintf(text, sizeof(text), "interactive");
	else
		snprintf(text, sizeof(text), "%u", step);
	table_text(table, COL_STEP, text);
}

/* "/proc/PID/comm" is readable for everybody. */
static void put_command(struct table *table, pid_t pid)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f && fgets(name, sizeof(name), f))
		name[strcspn(name, "\n")] = '\0';
	if (f)
		fclose(f);
	table_text(table, COL_COMMAND, name);
}

static void put_failures(struct table *table, const struct gpumem_job_process *p)
{
	char text[256] = "";
	uint64_t sum = 0;
	size_t n = 0;

	if (p->open_error)
		n = (size_t)snprintf(text, sizeof(text), "open: %s", strerror(p->open_error));
	for (int i = 0; i < GPUMEM_FAIL_COUNT && n < sizeof(text); i++) {
		sum += p->failed[i];
		if (p->failed[i])
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s:%ju", n ? "," : "",
					      gpumem_fail_name((enum gpumem_fail)i),
					      (uintmax_t)p->failed[i]);
	}
	table_number(table, COL_FAILED, sum);
	table_text(table, COL_REASON, text);
}

static void put_process(struct table *table, const struct gpumem_job_process *p)
{
	table_number(table, COL_PID, (uint64_t)p->pid);
	put_step(table, p->step_id);
	table_number(table, COL_TASK, p->task_id);
	put_command(table, p->pid);
	table_text(table, COL_STATE, p->alive ? gpumem_agent_state_name(p->state) : "ended");
	table_text(table, COL_PATH, p->path);
	table_bytes(table, COL_HOST, p->host_bytes);
	put_failures(table, p);
}

/* One row for each device on which the process has, or had, something; at least one row. */
static void process_rows(struct table *table, struct gpumem_job *job,
			 const struct gpumem_job_process *p)
{
	struct gpumem_job_device d;
	bool any = false;

	for (size_t i = 0; i < gpumem_job_device_count(job); i++) {
		if (!p->device[i].resident_bytes && !p->device[i].moved_in_bytes &&
		    !p->device[i].request)
			continue;
		if (gpumem_job_device(job, i, &d) < 0)
			continue;
		any = true;
		table_row(table);
		put_job(table, job);
		put_process(table, p);
		put_device(table, &d);
		table_bytes(table, COL_RESIDENT, p->device[i].resident_bytes);
		table_bytes(table, COL_IN, p->device[i].moved_in_bytes);
		table_bytes(table, COL_OUT, p->device[i].moved_out_bytes);
		table_text(table, COL_REQUEST,
			   request_name(p->device[i].request ? p->device[i].request : d.request));
	}
	if (any)
		return;
	table_row(table);
	put_job(table, job);
	put_process(table, p);
}

static int job_processes(struct table *table, struct gpumem_job *job)
{
	struct gpumem_job_process *p;
	size_t count;
	int rc = gpumem_job_processes(job, &p, &count);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		if (p[i].alive)
			process_rows(table, job, &p[i]);
	free(p);
	return 0;
}

static int job_devices(struct table *table, struct gpumem_job *job)
{
	struct gpumem_job_device d;

	for (size_t i = 0; i < gpumem_job_device_count(job); i++) {
		int rc = gpumem_job_device(job, i, &d);

		if (rc < 0)
			return rc;
		table_row(table);
		put_job(table, job);
		put_device(table, &d);
		table_bytes(table, COL_RESIDENT, d.resident_bytes);
		table_text(table, COL_REQUEST, request_name(d.request));
	}
	return 0;
}

static int print_status(const struct options *o, const struct job_list *list, struct table *table)
{
	int rc = 0;

	for (size_t i = 0; i < list->count && rc == 0; i++)
		rc = o->devices ? job_devices(table, list->job[i]) :
				  job_processes(table, list->job[i]);
	if (rc == 0)
		rc = table_print(table);
	if (rc < 0)
		fprintf(stderr, "gpumem: %s\n", strerror(-rc));
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}

int cmd_status(int argc, char **argv)
{
	struct options o = { .table = { .name = "processes" } };
	struct job_list list;
	struct table *table;
	int code;

	code = parse_options(argc, argv, &o);
	if (code >= 0)
		return code;
	o.table.name = o.devices ? "devices" : "processes";
	o.table.defaults = o.devices ? "JOB,NODE,DEVICE,RESIDENT,LIMIT,MAX,SIZE,REQUEST" :
				       "JOB,NODE,PID,STEP,TASK,COMMAND,STATE,DEVICE,RESIDENT,TOTAL,"
				       "LIMIT,HOST,FAILED";
	code = table_open(columns, &o.table, "status", &table);
	if (code != EXIT_OK)
		return code;
	code = job_list_open(&o.filter, &list);
	if (code == EXIT_OK) {
		code = print_status(&o, &list, table);
		job_list_close(&list);
	}
	table_free(table);
	return code;
}
