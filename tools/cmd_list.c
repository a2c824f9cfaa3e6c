/* SPDX-License-Identifier: MIT */
/*
 * cmd_list.c: gpumem list: the GPUs of a node, whose memory is coherent, and what says so.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "commands.h"
#include "gpumem.h"
#include "options.h"
#include "table.h"

enum column {
	COL_DEVICE,
	COL_KIND,
	COL_SIZE,
	COL_USED,
	COL_NODE,
	COL_CPUS,
	COL_MODEL,
	COL_KFDID,
	COL_RENDER,
	COL_FILE,
	COL_BANDWIDTH,
	COL_LATENCY,
	COL_LIMITS,
	COL_EVIDENCE,
	COL_NOTE,
};

static const struct table_column columns[] = {
	[COL_DEVICE] = { "DEVICE", TABLE_TEXT, "PCI address" },
	[COL_KIND] = { "KIND", TABLE_TEXT, "svm, numa, numa-shared; none: not managed" },
	[COL_SIZE] = { "SIZE", TABLE_SIZE, "size of its memory" },
	[COL_USED] = { "USED", TABLE_SIZE, "bytes in use now, by whomever" },
	[COL_NODE] = { "NODE", TABLE_NUMBER, "NUMA node: its own (numa), else the nearest" },
	[COL_CPUS] = { "CPUS", TABLE_TEXT, "nearest CPUs" },
	[COL_MODEL] = { "MODEL", TABLE_TEXT, "model and PCI id" },
	[COL_KFDID] = { "KFDID", TABLE_NUMBER, "gpu_id of the KFD driver" },
	[COL_RENDER] = { "RENDER", TABLE_NUMBER, "minor number of its render node" },
	[COL_FILE] = { "FILE", TABLE_TEXT, "device file by which Slurm lets jobs use it" },
	[COL_BANDWIDTH] = { "BANDWIDTH", TABLE_NUMBER, "of the node, MiB/s" },
	[COL_LATENCY] = { "LATENCY", TABLE_NUMBER, "of the node, ns" },
	[COL_LIMITS] = { "LIMITS", TABLE_TEXT, "who keeps a job's limit: dmem (the kernel too), agents" },
	[COL_EVIDENCE] = { "EVIDENCE", TABLE_TEXT, "what the kind rests on" },
	[COL_NOTE] = { "NOTE", TABLE_TEXT, "why it is not managed, or what to know" },
	{ NULL },
};

struct options {
	const char *root, *conf;
	bool managed, no_hwloc, verbose;
	struct table_options table;
};
enum { OPT_ROOT = 256, OPT_NO_HWLOC, OPT_LIST_CONF };

static int usage(FILE *out)
{
	fputs("Usage:\n gpumem list [options]\n\n"
	      "Lists the GPUs of this node and which have memory coherent with the CPU.\n\n"
	      "Options:\n"
	      TABLE_OPTIONS_HELP
	      "     --conf <file>      take devices that this gpumem.conf names\n"
	      " -m, --managed          only devices whose memory gpumem manages\n"
	      "     --root <dir>       look at the saved files of another machine below <dir>\n"
	      "     --no-hwloc         nearest CPUs and speeds from sysfs alone\n"
	      " -v, --verbose          say on stderr what was skipped, and why\n"
	      COMMON_OPTIONS_HELP,
	      out);
	table_help(out, columns);
	fputs("\nFor details see gpumem(1).\n", out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static int take_option(void *data, int c, char *value)
{
	struct options *o = data;

	if (table_option(&o->table, c, value))
		return OPTION_TAKEN;
	switch (c) {
	case 'm':
		o->managed = true;
		return OPTION_TAKEN;
	case OPT_ROOT:
		o->root = value;
		return OPTION_TAKEN;
	case OPT_LIST_CONF:
		o->conf = value;
		return OPTION_TAKEN;
	case OPT_NO_HWLOC:
		o->no_hwloc = true;
		return OPTION_TAKEN;
	case 'v':
		o->verbose = true;
		return OPTION_TAKEN;
	default:
		return OPTION_OTHER;
	}
}

static const struct option longs[] = {
	TABLE_OPTIONS,
	{ "conf", required_argument, NULL, OPT_LIST_CONF },
	{ "managed", no_argument, NULL, 'm' },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "no-hwloc", no_argument, NULL, OPT_NO_HWLOC },
	{ "verbose", no_argument, NULL, 'v' },
	COMMON_OPTIONS,
};
static const struct command_options command_options = {
	.shorts = TABLE_SHORT_OPTIONS "mv" COMMON_SHORT_OPTIONS,
	.longs = longs,
	.take = take_option,
	.usage = usage,
};

static void add_device(struct table *table, struct gpumem_ctx *ctx, const struct gpumem_device *dev)
{
	uint64_t used;

	table_row(table);
	table_text(table, COL_DEVICE, gpumem_device_pci(dev));
	table_text(table, COL_KIND, gpumem_kind_name(gpumem_device_kind(dev)));
	if (gpumem_device_bytes(dev))
		table_bytes(table, COL_SIZE, gpumem_device_bytes(dev));
	if (table_shows(table, COL_USED) && gpumem_device_used(ctx, dev, &used) == 0)
		table_bytes(table, COL_USED, used);
	if (gpumem_device_node(dev) >= 0)
		table_number(table, COL_NODE, (uint64_t)gpumem_device_node(dev));
	table_text(table, COL_CPUS, gpumem_device_cpus(dev));
	table_text(table, COL_MODEL, gpumem_device_model(dev));
	if (gpumem_device_kfd_id(dev))
		table_number(table, COL_KFDID, gpumem_device_kfd_id(dev));
	if (gpumem_device_render_minor(dev) >= 0)
		table_number(table, COL_RENDER, (uint64_t)gpumem_device_render_minor(dev));
	table_text(table, COL_FILE, gpumem_device_file(dev));
	if (gpumem_device_bandwidth(dev))
		table_number(table, COL_BANDWIDTH, gpumem_device_bandwidth(dev));
	if (gpumem_device_latency(dev))
		table_number(table, COL_LATENCY, gpumem_device_latency(dev));
	if (table_shows(table, COL_LIMITS) && gpumem_device_kind(dev) != GPUMEM_KIND_NONE)
		table_text(table, COL_LIMITS, gpumem_device_walled(ctx, dev) ? "dmem" : "agents");
	table_text(table, COL_EVIDENCE, gpumem_device_evidence(dev));
	table_text(table, COL_NOTE, gpumem_device_note(dev));
}

/* Puts devices of gpumem.conf into the list. The default file is this machine's: it says nothing of another's
 * saved files, and a mistake in it hides nothing that was seen. */
static int add_given(const struct options *o, struct gpumem_ctx *ctx, struct gpumem_devices *devices)
{
	struct gpumem_conf *conf;
	struct gpumem_error err;
	char node[64] = "";
	int rc;

	if (o->root && !o->conf)
		return 0;
	own_node(node, sizeof(node));
	rc = gpumem_conf_read(o->conf, NULL, NULL, &conf, &err);
	if (rc == 0) {
		rc = gpumem_devices_given(ctx, conf, node, devices, &err);
		gpumem_conf_free(conf);
	}
	if (rc < 0)
		fprintf(stderr, "gpumem: %s\n", err.text);
	return o->conf ? rc : 0;
}

static int print_list(const struct options *o, struct gpumem_ctx *ctx, struct table *table)
{
	struct gpumem_devices *devices;
	const struct gpumem_device *dev;
	struct gpumem_error err;
	size_t i;
	int rc;

	rc = gpumem_discover(ctx, o->no_hwloc ? GPUMEM_DISCOVER_NO_HWLOC : 0, &devices, &err);
	if (rc < 0) {
		fprintf(stderr, "gpumem: %s\n", err.text);
		return EXIT_FAILED;
	}
	if (add_given(o, ctx, devices) < 0) {
		gpumem_devices_free(devices);
		return EXIT_FAILED;
	}
	gpumem_devices_foreach(devices, dev, i) {
		if (!o->managed || gpumem_device_kind(dev) != GPUMEM_KIND_NONE)
			add_device(table, ctx, dev);
	}
	if (!gpumem_devices_count(devices))
		fprintf(stderr, "gpumem: no GPU found below %s\n", o->root ? o->root : "/");
	gpumem_devices_free(devices);
	return table_end(table);
}

static void log_line(void *data, int level, const char *text)
{
	(void)data;
	(void)level;
	fprintf(stderr, "gpumem: %s\n", text);
}

static int run(const struct options *o, struct table *table)
{
	struct gpumem_ctx *ctx;
	struct gpumem_error err;
	int code;

	if (gpumem_new(&ctx) < 0) {
		fputs("gpumem: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	gpumem_set_log(ctx, log_line, NULL, o->verbose ? LOG_DEBUG : LOG_WARNING);
	if (o->root && gpumem_set_root(ctx, o->root, &err) < 0) {
		fprintf(stderr, "gpumem: %s\n", err.text);
		code = EXIT_FAILED;
	} else {
		code = print_list(o, ctx, table);
	}
	gpumem_unref(ctx);
	return code;
}

int cmd_list(int argc, char **argv)
{
	struct options o = { .table = { .name = "devices",
					.defaults = "DEVICE,KIND,SIZE,NODE,CPUS,LIMITS,EVIDENCE,NOTE" } };
	struct table *table;
	int code;

	code = options_parse(argc, argv, &command_options, &o);
	if (code >= 0)
		return code;
	code = table_open(columns, &o.table, "list", &table);
	if (code != EXIT_OK)
		return code;
	code = run(&o, table);
	table_free(table);
	return code;
}
