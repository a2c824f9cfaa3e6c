/* SPDX-License-Identifier: MIT */
/*
 * cmd_status.c: gpumem status: what the jobs of this node have on its devices.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "facts.h"
#include "jobs.h"
#include "options.h"
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
	COL_CHANGED,
	COL_ORDER,
	COL_RULE,
	COL_SIGNALS,
	COL_NOTES,
	COL_OUTSIDE,
	COL_KERNEL,
};

static const struct table_column columns[] = {
	[COL_JOB] = { "JOB", TABLE_NUMBER, "job id" },
	[COL_NODE] = { "NODE", TABLE_TEXT, "Slurm's name of the node" },
	[COL_PID] = { "PID", TABLE_NUMBER, "process" },
	[COL_STEP] = { "STEP", TABLE_TEXT, "step: a number, batch or interactive" },
	[COL_TASK] = { "TASK", TABLE_NUMBER, "task of the step on this node" },
	[COL_COMMAND] = { "COMMAND", TABLE_TEXT, "name of the program" },
	[COL_STATE] = { "STATE", TABLE_TEXT,
			"starting, watching, moving, waiting-for-rocm, no-device, ended" },
	[COL_PATH] = { "PATH", TABLE_TEXT, "how it moves pages: hsakmt, kfd, kfd-alone, move_pages" },
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
	[COL_CHANGED] = { "CHANGED", TABLE_TEXT, "what gpumem set changed of it" },
	[COL_ORDER] = { "ORDER", TABLE_TEXT, "evict=: duel, heat, age, lrf, pin, none" },
	[COL_RULE] = { "RULE", TABLE_TEXT, "the rule in force now: heat, pin, often, age, lrf, none" },
	[COL_SIGNALS] = { "SIGNALS", TABLE_TEXT,
			  "live: presence, scan, soft-dirty, referenced, smi, calls" },
	[COL_NOTES] = { "NOTES", TABLE_TEXT, "memcg, pressure, suspended, bandwidth, reserved" },
	[COL_OUTSIDE] = { "OUTSIDE", TABLE_SIZE,
			  "bytes there of processes without an agent, with --devices" },
	[COL_KERNEL] = { "KERNEL", TABLE_SIZE,
			 "bytes of the job on that node, files' too, as the kernel counts; with --devices" },
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
	      COMMON_OPTIONS_HELP,
	      out);
	table_help(out, columns);
	fputs("\nFor details see gpumem(1).\n", out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static int take_option(void *data, int c, char *value)
{
	struct options *o = data;

	if (job_filter_option(&o->filter, c, value) || table_option(&o->table, c, value))
		return OPTION_TAKEN;
	if (c != 'd')
		return OPTION_OTHER;
	o->devices = true;
	return OPTION_TAKEN;
}

static const struct option longs[] = {
	JOB_OPTIONS,
	{ "devices", no_argument, NULL, 'd' },
	TABLE_OPTIONS,
	COMMON_OPTIONS,
};
static const struct command_options command_options = {
	.shorts = "j:d" TABLE_SHORT_OPTIONS COMMON_SHORT_OPTIONS,
	.longs = longs,
	.take = take_option,
	.usage = usage,
};

static const char *request_name(uint32_t request)
{
	return request == GPUMEM_REQUEST_EVICT	 ? "evict" :
	       request == GPUMEM_REQUEST_MIGRATE ? "migrate" :
						   "";
}

static void put_job(struct table *table, struct gpumem_job *job)
{
	char text[GPUMEM_POLICY_LEN];

	table_number(table, COL_JOB, gpumem_job_id(job));
	table_text(table, COL_NODE, gpumem_job_node(job));
	table_text(table, COL_POLICY, gpumem_job_policy(job));
	table_text(table, COL_CHANGED, facts_changed(job, text));
}

static void put_device(struct table *table, const struct gpumem_job_device *d)
{
	table_text(table, COL_DEVICE, d->pci);
	table_bytes(table, COL_LIMIT, d->limit_bytes);
	table_bytes(table, COL_TOTAL, d->resident_bytes);
	table_bytes(table, COL_MAX, d->max_bytes);
	table_bytes(table, COL_SIZE, d->bytes);
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
	char text[FACTS_LEN];

	table_number(table, COL_PID, (uint64_t)p->pid);
	table_text(table, COL_STEP, facts_step(p->step_id, text));
	table_number(table, COL_TASK, p->task_id);
	table_text(table, COL_COMMAND, facts_command(p->pid, text));
	table_text(table, COL_STATE, p->alive ? gpumem_agent_state_name(p->state) : "ended");
	table_text(table, COL_PATH, p->path);
	table_bytes(table, COL_HOST, p->host_bytes);
	if (p->updated_ns) {
		table_text(table, COL_ORDER, gpumem_evict_order_name(p->order));
		table_text(table, COL_RULE, gpumem_rule_name(p->rule));
	}
	table_text(table, COL_SIGNALS, facts_signals(p->signals, text));
	table_text(table, COL_NOTES, facts_notes(p->notes, text));
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
	uint64_t outside, kernel;

	for (size_t i = 0; i < gpumem_job_device_count(job); i++) {
		int rc = gpumem_job_device(job, i, &d);

		if (rc < 0)
			return rc;
		table_row(table);
		put_job(table, job);
		put_device(table, &d);
		table_bytes(table, COL_RESIDENT, d.resident_bytes);
		table_text(table, COL_REQUEST, request_name(d.request));
		if (d.kind == GPUMEM_KIND_NUMA && gpumem_job_outside_bytes(job, 0, i, &outside) == 0)
			table_bytes(table, COL_OUTSIDE, outside);
		if (gpumem_job_kernel_bytes(job, i, &kernel) == 0)
			table_bytes(table, COL_KERNEL, kernel);
	}
	return 0;
}

static int print_status(const struct options *o, const struct job_list *list, struct table *table)
{
	int rc = 0;

	for (size_t i = 0; i < list->count && rc == 0; i++)
		rc = o->devices ? job_devices(table, list->job[i]) :
				  job_processes(table, list->job[i]);
	return rc < 0 ? fail(rc) : table_end(table);
}

int cmd_status(int argc, char **argv)
{
	struct options o = { .table = { .name = "processes" } };
	struct job_list list;
	struct table *table;
	int code;

	code = options_parse(argc, argv, &command_options, &o);
	if (code >= 0)
		return code;
	o.table.name = o.devices ? "devices" : "processes";
	o.table.defaults = o.devices ? "JOB,NODE,DEVICE,RESIDENT,OUTSIDE,KERNEL,LIMIT,MAX,SIZE,REQUEST,CHANGED" :
				       "JOB,PID,TASK,COMMAND,STATE,DEVICE,RESIDENT,TOTAL,LIMIT,HOST,"
				       "RULE,SIGNALS,NOTES";
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
