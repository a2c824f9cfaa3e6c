/* SPDX-License-Identifier: MIT */
/*
 * account_print.c: a job's account as a line of JSON and as lines for people. Numbers are made of
 * integers alone: the locale of whoever prints must not change them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* A string, without anything that JSON or a terminal would take for something else. */
static void put_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void put_seconds(FILE *out, uint64_t ns)
{
	fprintf(out, "%" PRIu64 ".%03u", ns / 1000000000u, (unsigned)(ns / 1000000u % 1000u));
}

/* One figure, or none: zeros say nothing in the brief form. */
static void put_figure(FILE *out, bool brief, const char *name, uint64_t value)
{
	if (!brief || value)
		fprintf(out, ",\"%s\":%" PRIu64, name, value);
}

static void put_device(FILE *out, bool brief, const struct gpumem_account_device *d)
{
	fputs("{\"pci\":", out);
	put_string(out, d->pci);
	put_figure(out, brief, "limit", d->limit_bytes);
	put_figure(out, brief, "wall", d->wall_bytes);
	put_figure(out, brief, "peak", d->peak_bytes);
	put_figure(out, brief, "mean", d->mean_bytes);
	put_figure(out, brief, "migrated", d->migrated_bytes);
	put_figure(out, brief, "evicted", d->evicted_bytes);
	put_figure(out, brief, "refaulted", d->refaulted_bytes);
	if (!brief || d->over_limit_ns) {
		fputs(",\"over_limit_s\":", out);
		put_seconds(out, d->over_limit_ns);
	}
	fputc('}', out);
}

static void put_failed(FILE *out, bool brief, const struct gpumem_account *a)
{
	bool any = false;

	for (int i = 0; i < GPUMEM_FAIL_COUNT; i++) {
		if (brief && !a->failed[i])
			continue;
		fprintf(out, "%s\"%s\":%" PRIu64, any ? "," : ",\"failed\":{",
			gpumem_fail_name((enum gpumem_fail)i), a->failed[i]);
		any = true;
	}
	if (any)
		fputc('}', out);
}

static void put_account(FILE *out, bool brief, const struct gpumem_account *a)
{
	fputs(brief ? "{\"gpumem\":{\"node\":" : "{\"node\":", out);
	put_string(out, a->node);
	if (!brief) {
		fprintf(out, ",\"job\":%u,\"uid\":%u", a->job_id, (unsigned)a->uid);
		fprintf(out, ",\"begin\":%" PRId64 ",\"end\":%" PRId64, a->begin, a->end);
	}
	fputs(",\"policy\":", out);
	put_string(out, a->policy);
	fputs(",\"seconds\":", out);
	put_seconds(out, a->watched_ns);
	fprintf(out, ",\"processes\":%u", a->processes);
	put_figure(out, brief, "turned_away", a->turned_away);
	fputs(",\"devices\":[", out);
	for (uint32_t i = 0; i < a->device_count; i++) {
		fputs(i ? "," : "", out);
		put_device(out, brief, &a->device[i]);
	}
	fputc(']', out);
	put_failed(out, brief, a);
	put_figure(out, brief, "leftover", a->left_bytes);
	put_figure(out, brief, "leftover_processes", a->left_processes);
	fputs(brief ? "}}" : "}", out);
}

/* "64.0M", as gpumem's tables have it. */
static void put_size(FILE *out, bool bytes, uint64_t value)
{
	static const char units[] = "BKMGTPE";
	uint64_t tenths = value;
	size_t unit = 0;

	if (bytes || value < 1024) {
		fprintf(out, "%" PRIu64 "%s", value, bytes ? "" : "B");
		return;
	}
	/* In tenths of the unit, rounded; 1023.95 and more is the next one's. */
	for (unit = 1; value >> (10 * unit) >= 1024; unit++)
		;
	for (;;) {
		uint64_t whole = value >> (10 * unit), rest = value & ((1ull << (10 * unit)) - 1);

		tenths = whole * 10 + (((rest >> (10 * (unit - 1))) * 10 + 512) >> 10);
		if (tenths < 10240)
			break;
		unit++;
	}
	fprintf(out, "%" PRIu64 ".%u%c", tenths / 10, (unsigned)(tenths % 10), units[unit]);
}

static void put_named(FILE *out, bool bytes, const char *name, uint64_t value)
{
	fprintf(out, "  %s ", name);
	put_size(out, bytes, value);
}

static void put_tenths(FILE *out, uint64_t ns)
{
	fprintf(out, "%" PRIu64 ".%u s", ns / 1000000000u, (unsigned)(ns / 100000000u % 10u));
}

static void text_device(FILE *out, bool bytes, const char *node, const struct gpumem_account_device *d)
{
	fprintf(out, "%s: %s", node, d->pci);
	put_named(out, bytes, "limit", d->limit_bytes);
	put_named(out, bytes, "peak", d->peak_bytes);
	put_named(out, bytes, "mean", d->mean_bytes);
	put_named(out, bytes, "migrated", d->migrated_bytes);
	put_named(out, bytes, "evicted", d->evicted_bytes);
	put_named(out, bytes, "refaulted", d->refaulted_bytes);
	fputs("  over limit ", out);
	put_tenths(out, d->over_limit_ns);
	fputc('\n', out);
}

static void text_account(FILE *out, bool bytes, const struct gpumem_account *a)
{
	const char *comma = " ";
	bool any = false;

	fprintf(out, "%s: job %u, %s: %u process%s in ", a->node, a->job_id, a->policy, a->processes,
		a->processes == 1 ? "" : "es");
	put_tenths(out, a->watched_ns);
	if (a->turned_away)
		fprintf(out, ", %u more found no room in the record", a->turned_away);
	fputc('\n', out);
	for (uint32_t i = 0; i < a->device_count; i++)
		text_device(out, bytes, a->node, &a->device[i]);
	for (int i = 0; i < GPUMEM_FAIL_COUNT; i++) {
		if (!a->failed[i])
			continue;
		if (!any)
			fprintf(out, "%s: moves that failed:", a->node);
		fprintf(out, "%s%s %" PRIu64, comma, gpumem_fail_name((enum gpumem_fail)i),
			a->failed[i]);
		comma = ", ";
		any = true;
	}
	fputs(any ? "\n" : "", out);
	if (a->left_processes || a->left_bytes) {
		fprintf(out, "%s: left behind: %u process%s, ", a->node, a->left_processes,
			a->left_processes == 1 ? "" : "es");
		put_size(out, bytes, a->left_bytes);
		fputs(" on devices\n", out);
	}
}

typedef void put_fn(FILE *out, bool flag, const struct gpumem_account *a);

static int print(put_fn *put, bool flag, const struct gpumem_account *account, char **ret)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool failed;

	if (!out)
		return -ENOMEM;
	put(out, flag, account);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}

int gpumem_account_json(const struct gpumem_account *account, bool brief, char **ret)
{
	return print(put_account, brief, account, ret);
}

int gpumem_account_text(const struct gpumem_account *account, bool bytes, char **ret)
{
	return print(text_account, bytes, account, ret);
}
