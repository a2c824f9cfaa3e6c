/* SPDX-License-Identifier: MIT */
/*
 * cmd_explain.c: gpumem explain: why chunks moved or did not, by which rule, and who is over.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "facts.h"
#include "jobs.h"
#include "options.h"
#include "table.h"

enum column {
	COL_TIME,
	COL_PID,
	COL_ADDRESS,
	COL_SIZE,
	COL_DIRECTION,
	COL_REASON,
	COL_HEAT,
	COL_DEVICE,
	COL_JOB,
};

static const struct table_column columns[] = {
	[COL_TIME] = { "TIME", TABLE_NUMBER, "seconds ago" },
	[COL_PID] = { "PID", TABLE_NUMBER, "process" },
	[COL_ADDRESS] = { "ADDRESS", TABLE_TEXT, "where the chunk of 2 MiB begins" },
	[COL_SIZE] = { "SIZE", TABLE_SIZE, "bytes of it that moved" },
	[COL_DIRECTION] = { "DIRECTION", TABLE_TEXT, "in: to the device; out; stayed" },
	[COL_REASON] = { "REASON", TABLE_TEXT, "why; gpumem(1) has what to do about each" },
	[COL_HEAT] = { "HEAT", TABLE_NUMBER, "how much it was in use then, 0 to 65535" },
	[COL_DEVICE] = { "DEVICE", TABLE_TEXT, "PCI address" },
	[COL_JOB] = { "JOB", TABLE_NUMBER, "job id" },
	{ NULL },
};

/* The summary: a line per device, a line per process. Their columns are always the same. */
enum device_column {
	DEV_JOB,
	DEV_DEVICE,
	DEV_CHARGED,
	DEV_LIMIT,
	DEV_HIGH,
	DEV_LOW,
	DEV_FAIR,
	DEV_ACTIVE,
	DEV_OVER,
};
static const struct table_column device_columns[] = {
	[DEV_JOB] = { "JOB", TABLE_NUMBER, "" },
	[DEV_DEVICE] = { "DEVICE", TABLE_TEXT, "" },
	[DEV_CHARGED] = { "CHARGED", TABLE_SIZE, "" },
	[DEV_LIMIT] = { "LIMIT", TABLE_SIZE, "" },
	[DEV_HIGH] = { "HIGH", TABLE_SIZE, "" },
	[DEV_LOW] = { "LOW", TABLE_SIZE, "" },
	[DEV_FAIR] = { "FAIR", TABLE_SIZE, "" },
	[DEV_ACTIVE] = { "ACTIVE", TABLE_NUMBER, "" },
	[DEV_OVER] = { "OVER", TABLE_TEXT, "" },
	{ NULL },
};
#define DEVICE_COLUMNS "JOB,DEVICE,CHARGED,LIMIT,HIGH,LOW,FAIR,ACTIVE,OVER"

enum process_column {
	PROC_JOB,
	PROC_PID,
	PROC_COMMAND,
	PROC_ORDER,
	PROC_RULE,
	PROC_SWITCHES,
	PROC_HEAT,
	PROC_PIN,
	PROC_OFTEN,
	PROC_AGE,
	PROC_SEEN,
	PROC_SIGNALS,
	PROC_NOTES,
};
static const struct table_column process_columns[] = {
	[PROC_JOB] = { "JOB", TABLE_NUMBER, "" },
	[PROC_PID] = { "PID", TABLE_NUMBER, "" },
	[PROC_COMMAND] = { "COMMAND", TABLE_TEXT, "" },
	[PROC_ORDER] = { "ORDER", TABLE_TEXT, "" },
	[PROC_RULE] = { "RULE", TABLE_TEXT, "" },
	[PROC_SWITCHES] = { "SWITCHES", TABLE_NUMBER, "" },
	[PROC_HEAT] = { "HITHEAT", TABLE_NUMBER, "" },
	[PROC_PIN] = { "HITPIN", TABLE_NUMBER, "" },
	[PROC_OFTEN] = { "HITOFTEN", TABLE_NUMBER, "" },
	[PROC_AGE] = { "HITAGE", TABLE_NUMBER, "" },
	[PROC_SEEN] = { "HITSEEN", TABLE_NUMBER, "" },
	[PROC_SIGNALS] = { "SIGNALS", TABLE_TEXT, "" },
	[PROC_NOTES] = { "NOTES", TABLE_TEXT, "" },
	{ NULL },
};
#define PROCESS_COLUMNS                                                                          \
	"JOB,PID,COMMAND,ORDER,RULE,SWITCHES,HITHEAT,HITPIN,HITOFTEN,HITAGE,HITSEEN,SIGNALS,NOTES"

struct options {
	struct job_filter filter;
	struct table_options table;
	pid_t pid;
	uint64_t from, to; /* addresses, `to` excluded; 0, 0: all */
	unsigned long last;
	bool summary;
};
enum { OPT_ADDRESS = 600, OPT_LAST, OPT_SUMMARY };
#define DEFAULT_LAST 20

static int usage(FILE *out)
{
	fputs("Usage:\n gpumem explain [options] [<job>]\n\n"
	      "Tells why memory moved lately or did not, by which rule, and who is over.\n\n"
	      "Options:\n" JOB_OPTIONS_HELP
	      " -p, --pid <pid>        this process alone\n"
	      "     --address <range>  chunks at <address> or in <address>..<address> alone\n"
	      "     --last <n>         so many decisions, 0: all there are (default: 20)\n"
	      "     --summary          devices and processes alone, no decisions\n"
	      TABLE_OPTIONS_HELP COMMON_OPTIONS_HELP,
	      out);
	table_help(out, columns);
	fputs("\nWith --noheadings decisions come alone. For details see gpumem(1).\n", out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static bool address(const char *text, const char **end, uint64_t *ret)
{
	char *stop;

	errno = 0;
	*ret = strtoull(text, &stop, 16);
	*end = stop;
	return stop != text && *text != '-' && *text != '+' && *text != ' ' && !errno;
}

/* "7f12a0000000", "0x7f12a0000000..7f12b0000000"; a "-" as in /proc/PID/maps will do too. */
static int take_range(struct options *o, const char *text)
{
	const char *p;

	if (address(text, &p, &o->from)) {
		o->to = o->from + 1;
		if (*p == '\0' && o->to)
			return OPTION_TAKEN;
		p += *p == '-' ? 1 : strncmp(p, "..", 2) == 0 ? 2 : 0;
		if (address(p, &p, &o->to) && *p == '\0' && o->to > o->from)
			return OPTION_TAKEN;
	}
	fprintf(stderr,
		"gpumem: --address %s: not an address; allowed: <hex> or <hex>..<hex>, as in "
		"7f12a0000000..7f12b0000000\n",
		text);
	return EXIT_USAGE;
}

static int take_option(void *data, int c, char *value)
{
	struct options *o = data;

	if (job_filter_option(&o->filter, c, value) || table_option(&o->table, c, value))
		return OPTION_TAKEN;
	switch (c) {
	case 'p':
		return option_pid(value, &o->pid);
	case OPT_ADDRESS:
		return take_range(o, value);
	case OPT_LAST:
		if (option_number(value, 0, 1000000, &o->last))
			return OPTION_TAKEN;
		fprintf(stderr, "gpumem: --last %s: not 0 to 1000000\n", value);
		return EXIT_USAGE;
	case OPT_SUMMARY:
		o->summary = true;
		return OPTION_TAKEN;
	default:
		return OPTION_OTHER;
	}
}

static const struct option longs[] = {
	JOB_OPTIONS,
	{ "pid", required_argument, NULL, 'p' },
	{ "address", required_argument, NULL, OPT_ADDRESS },
	{ "last", required_argument, NULL, OPT_LAST },
	{ "summary", no_argument, NULL, OPT_SUMMARY },
	TABLE_OPTIONS,
	COMMON_OPTIONS,
};
static const struct command_options command_options = {
	.shorts = "j:p:" TABLE_SHORT_OPTIONS COMMON_SHORT_OPTIONS,
	.longs = longs,
	.take = take_option,
	.usage = usage,
	.operands = true,
};

/* A whole job at one moment. */
struct view {
	struct gpumem_job *job;
	struct gpumem_job_process *process;
	size_t count;
};

/* "1234:40.0M,1300:12.0M": who holds more than the fair share. */
static void put_over(struct table *table, const struct view *v, size_t i, uint64_t fair)
{
	char text[256] = "", size[32];
	size_t used = 0;

	for (size_t k = 0; k < v->count && used < sizeof(text); k++) {
		uint64_t bytes = v->process[k].device[i].resident_bytes;

		if (!v->process[k].alive || !fair || bytes <= fair)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d:%s",
					 used ? "," : "", (int)v->process[k].pid,
					 table_size_text(bytes, size));
	}
	table_text(table, DEV_OVER, text);
}

static int device_rows(struct table *table, const struct view *v)
{
	struct facts_device f;

	for (size_t i = 0; i < gpumem_job_device_count(v->job); i++) {
		int rc = facts_device(v->job, i, v->process, v->count, &f);

		if (rc < 0)
			return rc;
		table_row(table);
		table_number(table, DEV_JOB, gpumem_job_id(v->job));
		table_text(table, DEV_DEVICE, f.d.pci);
		table_bytes(table, DEV_CHARGED, f.resident);
		table_bytes(table, DEV_LIMIT, f.d.limit_bytes);
		table_bytes(table, DEV_HIGH, f.high_bytes);
		table_bytes(table, DEV_LOW, f.low_bytes);
		table_bytes(table, DEV_FAIR, f.fair_bytes);
		table_number(table, DEV_ACTIVE, f.active);
		put_over(table, v, i, f.fair_bytes);
	}
	return 0;
}

static void put_percent(struct table *table, size_t column, uint32_t permille)
{
	char text[32];

	snprintf(text, sizeof(text), "%u.%u", permille / 10, permille % 10);
	table_text(table, column, text);
}

static void process_rows(struct table *table, const struct view *v, pid_t only)
{
	char text[FACTS_LEN];

	for (size_t k = 0; k < v->count; k++) {
		const struct gpumem_job_process *p = &v->process[k];

		if (!p->alive || (only && p->pid != only))
			continue;
		table_row(table);
		table_number(table, PROC_JOB, gpumem_job_id(v->job));
		table_number(table, PROC_PID, (uint64_t)p->pid);
		table_text(table, PROC_COMMAND, facts_command(p->pid, text));
		table_text(table, PROC_ORDER, gpumem_evict_order_name(p->order));
		table_text(table, PROC_RULE, gpumem_rule_name(p->rule));
		table_number(table, PROC_SWITCHES, p->switches);
		/* The shadows are the duel's. */
		if (p->order == GPUMEM_EVICT_DUEL || p->order == GPUMEM_EVICT_DEFAULT) {
			put_percent(table, PROC_HEAT, p->hit_permille[0]);
			put_percent(table, PROC_PIN, p->hit_permille[1]);
			put_percent(table, PROC_OFTEN, p->hit_permille[2]);
			put_percent(table, PROC_AGE, p->hit_permille[3]);
		}
		put_percent(table, PROC_SEEN, p->seen_permille);
		table_text(table, PROC_SIGNALS, facts_signals(p->signals, text));
		table_text(table, PROC_NOTES, facts_notes(p->notes, text));
	}
}

/* A chunk that somebody asked for may have gone either way. */
static const char *direction(const struct gpumem_decision *d)
{
	if (d->bytes == 0)
		return "stayed";
	if (d->reason == GPUMEM_REASON_ASKED || d->reason > GPUMEM_REASON_POLICY)
		return "moved";
	return d->reason < GPUMEM_REASON_ASKED ? "in" : "out";
}

static bool wanted(const struct options *o, const struct gpumem_decision *d)
{
	return !o->to || (d->address < o->to && d->address + GPUMEM_CHUNK_BYTES > o->from);
}

static void put_decision(struct table *table, struct gpumem_job *job,
			 const struct gpumem_decision *d, uint64_t now_ns)
{
	uint64_t tenths = now_ns > d->time_ns ? (now_ns - d->time_ns) / 100000000u : 0;
	struct gpumem_job_device device;
	char text[32];

	table_row(table);
	snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
	table_text(table, COL_TIME, text);
	table_number(table, COL_PID, (uint64_t)d->pid);
	snprintf(text, sizeof(text), "%" PRIx64, d->address);
	table_text(table, COL_ADDRESS, text);
	table_bytes(table, COL_SIZE, d->bytes);
	table_text(table, COL_DIRECTION, direction(d));
	table_text(table, COL_REASON, gpumem_reason_name(d->reason));
	table_number(table, COL_HEAT, d->heat);
	if (gpumem_job_device(job, d->device, &device) == 0)
		table_text(table, COL_DEVICE, device.pci);
	table_number(table, COL_JOB, gpumem_job_id(job));
}

static int decision_rows(struct table *table, const struct options *o, struct gpumem_job *job)
{
	struct gpumem_decision *d;
	unsigned long shown = 0;
	struct timespec now;
	size_t count;
	int rc = gpumem_job_decisions(job, o->pid, &d, &count);

	if (rc < 0)
		return rc;
	clock_gettime(CLOCK_BOOTTIME, &now);
	for (size_t i = 0; i < count && (!o->last || shown < o->last); i++) {
		if (!wanted(o, &d[i]))
			continue;
		put_decision(table, job, &d[i],
			     (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
		shown++;
	}
	free(d);
	return 0;
}

/* The parts in the order in which they are printed. */
enum part { PART_DEVICES, PART_PROCESSES, PART_DECISIONS, PARTS };

/* 1: nothing of this job is wanted. */
static int explain_job(struct table *const part[PARTS], const struct options *o,
		       struct gpumem_job *job)
{
	struct view v = { .job = job };
	bool found = !o->pid;
	int rc = gpumem_job_processes(job, &v.process, &v.count);

	if (rc < 0)
		return rc;
	for (size_t k = 0; k < v.count; k++)
		found |= v.process[k].pid == o->pid;
	if (found) {
		rc = device_rows(part[PART_DEVICES], &v);
		process_rows(part[PART_PROCESSES], &v, o->pid);
	}
	free(v.process);
	if (rc < 0 || !found)
		return rc < 0 ? rc : 1;
	return o->summary ? 0 : decision_rows(part[PART_DECISIONS], o, job);
}

static int explain(const struct options *o, const struct job_list *list,
		   struct table *const part[PARTS])
{
	/* Scripts that want no headings want rows of one kind. */
	bool alone = o->table.noheadings && !o->table.json && !o->summary;
	size_t from = alone ? PART_DECISIONS : PART_DEVICES;
	size_t to = o->summary ? PART_DECISIONS : PARTS;
	bool any = false;

	for (size_t i = 0; i < list->count; i++) {
		int rc = explain_job(part, o, list->job[i]);

		if (rc < 0)
			return fail(rc);
		any |= rc == 0;
	}
	if (!any && o->pid)
		fprintf(stderr, "gpumem: process %d is in no job's record on this node\n",
			(int)o->pid);
	else if (!any)
		fputs("gpumem: no job has a record on this node\n", stderr);
	return any ? tables_end(part + from, to - from) : EXIT_FAILED;
}

static int open_parts(const struct options *o, struct table *part[PARTS])
{
	struct table_options devices = o->table, processes = o->table;
	int code;

	devices.name = "devices";
	devices.defaults = DEVICE_COLUMNS;
	processes.name = "processes";
	processes.defaults = PROCESS_COLUMNS;
	devices.output = processes.output = NULL;
	code = table_open(columns, &o->table, "explain", &part[PART_DECISIONS]);
	if (code == EXIT_OK)
		code = table_open(device_columns, &devices, "explain", &part[PART_DEVICES]);
	if (code == EXIT_OK)
		code = table_open(process_columns, &processes, "explain", &part[PART_PROCESSES]);
	return code;
}

/* A job may be named without --job. */
static int parse_options(int argc, char **argv, struct options *o)
{
	int code = options_parse(argc, argv, &command_options, o);

	if (code < 0 && optind < argc && !o->filter.job)
		o->filter.job = argv[optind++];
	return code < 0 ? options_no_more(argc, argv) : code;
}

int cmd_explain(int argc, char **argv)
{
	struct options o = {
		.last = DEFAULT_LAST,
		.table = { .name = "decisions",
			   .defaults = "TIME,PID,ADDRESS,SIZE,DIRECTION,REASON,HEAT,DEVICE" },
	};
	struct table *part[PARTS] = { NULL };
	struct job_list list;
	int code = parse_options(argc, argv, &o);

	if (code >= 0)
		return code;
	code = open_parts(&o, part);
	if (code == EXIT_OK)
		code = job_list_open(&o.filter, &list);
	if (code == EXIT_OK) {
		code = explain(&o, &list, part);
		job_list_close(&list);
	}
	for (size_t i = 0; i < PARTS; i++)
		table_free(part[i]);
	return code;
}
