/* SPDX-License-Identifier: MIT */
/*
 * top_view.c: how gpumem top looks, on a screen or as plain lines.
 */
#include "config.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "table.h"
#include "top.h"

#define BAR_MAX 40
#define BAR_TEXT 42 /* what stands beside a bar */

__attribute__((format(printf, 3, 4))) static void say(struct top_sink *sink, enum top_colour colour,
						       const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	sink->put(sink, colour, text);
}

static void say_line(struct top_sink *sink, enum top_colour colour, const char *text)
{
	sink->put(sink, colour, text);
	sink->end_line(sink);
}

/* Cells of the bar that `bytes` fill. */
static int cells(uint64_t bytes, uint64_t limit, int width)
{
	if (bytes >= limit)
		return limit || bytes ? width : 0;
	return (int)((double)bytes / (double)limit * width + 0.5);
}

/* The whole bar is the limit: "#" is in use, ":" stands at the low mark and "|" at the high one. */
static void device_bar(struct top_sink *sink, const struct facts_device *f)
{
	char bar[BAR_MAX + 1];
	int width = sink->cols ? sink->cols - BAR_TEXT : BAR_MAX, used, low, high;

	if (width > BAR_MAX)
		width = BAR_MAX;
	if (width < 4)
		width = 4;
	used = cells(f->resident, f->d.limit_bytes, width);
	low = cells(f->low_bytes, f->d.limit_bytes, width);
	high = cells(f->high_bytes, f->d.limit_bytes, width);
	for (int i = 0; i < width; i++)
		bar[i] = i == high ? '|' : i == low ? ':' : i < used ? '#' : ' ';
	bar[width] = '\0';
	sink->put(sink, TOP_PLAIN, "[");
	sink->put(sink,
		  f->resident > f->high_bytes ? TOP_BAD :
		  f->resident > f->low_bytes  ? TOP_WARN :
						TOP_GOOD,
		  bar);
	sink->put(sink, TOP_PLAIN, "]");
}

static void device_line(struct top_sink *sink, const struct top_device *d)
{
	const struct facts_device *f = &d->f;
	char resident[32], limit[32];

	say(sink, TOP_PLAIN, "%-12s ", f->d.pci);
	device_bar(sink, f);
	say(sink, TOP_PLAIN, " %s of %s, job %u", table_size_text(f->resident, resident),
	    table_size_text(f->d.limit_bytes, limit), d->job);
	if (f->d.request)
		sink->put(sink, TOP_WARN,
			  f->d.request == GPUMEM_REQUEST_EVICT ? ", evict" : ", migrate");
	sink->end_line(sink);
}

static const char *rate_text(const struct top_facts *facts, uint64_t bytes, char buf[32])
{
	return facts->rates ? table_size_text(bytes, buf) : "-";
}

/* Of one CPU, in percent: a nanosecond in a second is a ten-millionth of it. */
static const char *cpu_text(const struct top_facts *facts, uint64_t ns, char buf[32])
{
	if (!facts->rates)
		return "-";
	snprintf(buf, 32, "%.1f", (double)ns / 1e7);
	return buf;
}

static void process_line(struct top_sink *sink, const struct top_facts *facts,
			 const struct top_process *row)
{
	char memory[32], host[32], in[32], out[32], refaults[32], cpu[32], agent[32];
	char notes[FACTS_LEN];

	say(sink, TOP_PLAIN, "%7d %-12.12s %7s %7s %7s %7s %7s %6s %5.1f %-4s ", (int)row->p.pid,
	    row->command, table_size_text(row->device_bytes, memory),
	    table_size_text(row->p.host_bytes, host), rate_text(facts, row->rate[TOP_IN], in),
	    rate_text(facts, row->rate[TOP_OUT], out),
	    rate_text(facts, row->rate[TOP_REFAULTED], refaults),
	    cpu_text(facts, row->rate[TOP_CPU_NS], cpu), row->p.seen_permille / 10.0,
	    gpumem_rule_name(row->p.rule));
	say(sink, TOP_PLAIN, "%8u %4u %5s %-8s", row->job, row->p.task_id,
	    cpu_text(facts, row->rate[TOP_AGENT_NS], agent), gpumem_agent_state_name(row->p.state));
	if (row->p.notes)
		say(sink, TOP_WARN, " %s", facts_notes(row->p.notes, notes));
	sink->end_line(sink);
}

static void title(struct top_sink *sink, const struct top_facts *facts,
		  const struct top_options *options)
{
	char clock[16] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	say(sink, TOP_PLAIN, "gpumem top  %s  jobs: %zu  processes: %zu  by %s, every %u.%u s",
	    clock, facts->jobs, facts->process_count, top_sort_names[options->sort],
	    options->delay_ms / 1000, options->delay_ms % 1000 / 100);
	sink->end_line(sink);
}

static void help(struct top_sink *sink)
{
	static const char *const lines[] = {
		"m  sort by memory on the devices",
		"c  sort by CPU time",
		"r  sort by refaults: memory that was wanted back soon after it left",
		"p  sort by process id",
		"s  the next order of these",
		"+  look less often      -  look more often",
		"h  this help            q  leave",
		"",
		"A bar is the job's limit on the device: # in use, : low mark, | high mark.",
		"IN, OUT and REFAULT are bytes in a second, HIT touches that met the device in percent.",
	};

	sink->end_line(sink);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		say_line(sink, TOP_PLAIN, lines[i]);
}

void top_view(struct top_sink *sink, const struct top_facts *facts,
	      const struct top_options *options)
{
	size_t shown = facts->process_count;
	/* The title, an empty line and the headings are there besides. */
	int room = sink->rows - 3 - (int)facts->device_count;

	title(sink, facts, options);
	for (size_t i = 0; i < facts->device_count; i++)
		device_line(sink, &facts->device[i]);
	if (options->help) {
		help(sink);
		return;
	}
	sink->end_line(sink);
	if (facts->jobs == 0) {
		say_line(sink, TOP_PLAIN, "no job has a record on this node");
		return;
	}
	say_line(sink, TOP_TITLE,
		 "    PID COMMAND       MEMORY    HOST      IN     OUT REFAULT    CPU   HIT RULE "
		 "     JOB TASK AGENT STATE    NOTES");
	/* The last line says what there was no room for. */
	if (sink->rows && (int)shown > room)
		shown = room > 1 ? (size_t)room - 1 : 0;
	for (size_t i = 0; i < shown; i++)
		process_line(sink, facts, &facts->process[i]);
	if (shown < facts->process_count) {
		say(sink, TOP_PLAIN, "and %zu more", facts->process_count - shown);
		sink->end_line(sink);
	}
}
