/* SPDX-License-Identifier: MIT */
/*
 * top_data.c: what gpumem top shows: all jobs at one moment, and what changed since the last one.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "top.h"

#define NS 1000000000ull

const char *const top_sort_names[TOP_SORTS] = { "memory", "cpu", "refaults", "pid" };

void top_facts_free(struct top_facts *facts)
{
	free(facts->device);
	free(facts->process);
	memset(facts, 0, sizeof(*facts));
}

/* Time on CPUs, from fields 14 and 15 of /proc/PID/stat; 0 when it is gone. */
static uint64_t cpu_ns(pid_t pid)
{
	unsigned long long user = 0, system = 0;
	char path[64], text[1024], *p;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	if (!p || sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
			 &system) != 2)
		return 0;
	return (user + system) * (NS / (uint64_t)sysconf(_SC_CLK_TCK));
}

static const struct top_process *same_process(const struct top_facts *facts,
					      const struct top_process *row)
{
	for (size_t i = 0; i < facts->process_count; i++)
		if (facts->process[i].p.pid == row->p.pid &&
		    facts->process[i].p.start_ticks == row->p.start_ticks &&
		    facts->process[i].job == row->job)
			return &facts->process[i];
	return NULL;
}

/* The job's user writes the figures: none is trusted to grow, or to be likely. */
static uint64_t per_second(uint64_t now, uint64_t before, uint64_t passed_ns)
{
	double rate = now > before && passed_ns ?
			      (double)(now - before) * (double)NS / (double)passed_ns :
			      0;

	return rate < 1e18 ? (uint64_t)rate : 1000000000000000000u;
}

static void fill_row(struct top_process *row, struct gpumem_job *job,
		     const struct gpumem_job_process *p, const struct top_facts *before,
		     uint64_t passed_ns)
{
	const struct top_process *old;

	memset(row, 0, sizeof(*row));
	row->job = gpumem_job_id(job);
	row->p = *p;
	facts_command(p->pid, row->command);
	for (size_t i = 0; i < gpumem_job_device_count(job); i++) {
		row->device_bytes += p->device[i].resident_bytes;
		row->total[TOP_IN] += p->device[i].moved_in_bytes;
		row->total[TOP_OUT] += p->device[i].moved_out_bytes;
		row->total[TOP_REFAULTED] += p->device[i].refaulted_bytes;
	}
	row->total[TOP_CPU_NS] = cpu_ns(p->pid);
	row->total[TOP_AGENT_NS] = p->cpu_ns;
	old = same_process(before, row);
	for (int k = 0; old && k < TOP_RATES; k++)
		row->rate[k] = per_second(row->total[k], old->total[k], passed_ns);
}

static void *grow(void *list, size_t count, size_t more, size_t size)
{
	return realloc(list, (count + more + 1) * size);
}

static int take_job(struct top_facts *facts, struct gpumem_job *job, const struct top_facts *before)
{
	uint64_t passed = before->time_ns ? facts->time_ns - before->time_ns : 0;
	size_t devices = gpumem_job_device_count(job), count = 0;
	struct gpumem_job_process *p = NULL;
	struct top_process *rows;
	struct top_device *d;
	int rc = gpumem_job_processes(job, &p, &count);

	if (rc < 0)
		return rc;
	rows = grow(facts->process, facts->process_count, count, sizeof(*rows));
	facts->process = rows ? rows : facts->process;
	d = grow(facts->device, facts->device_count, devices, sizeof(*d));
	facts->device = d ? d : facts->device;
	if (!rows || !d)
		rc = -ENOMEM;
	for (size_t i = 0; i < count && rc == 0; i++)
		if (p[i].alive)
			fill_row(&rows[facts->process_count++], job, &p[i], before, passed);
	for (size_t i = 0; i < devices && rc == 0; i++) {
		rc = facts_device(job, i, p, count, &d[facts->device_count].f);
		if (rc == 0)
			d[facts->device_count++].job = gpumem_job_id(job);
	}
	free(p);
	return rc;
}

int top_facts_take(const struct job_list *list, const struct top_facts *before,
		   struct top_facts *ret)
{
	struct top_facts facts = { .jobs = list->count, .rates = before->time_ns != 0 };
	struct timespec now;
	int rc = 0;

	clock_gettime(CLOCK_BOOTTIME, &now);
	facts.time_ns = (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
	for (size_t i = 0; i < list->count && rc == 0; i++)
		rc = take_job(&facts, list->job[i], before);
	if (rc < 0)
		top_facts_free(&facts);
	else
		*ret = facts;
	return rc;
}

static uint64_t sort_key(const struct top_process *row, enum top_sort sort)
{
	switch (sort) {
	case TOP_CPU:
		return row->rate[TOP_CPU_NS];
	case TOP_REFAULTS:
		/* Before there is a rate, who had most of them. */
		return row->rate[TOP_REFAULTED] ? row->rate[TOP_REFAULTED] + (1ull << 63) :
						  row->total[TOP_REFAULTED];
	case TOP_PID:
		return UINT64_MAX - (uint64_t)row->p.pid;
	default:
		return row->device_bytes;
	}
}

static int largest_first(const void *a, const void *b, void *data)
{
	const struct top_process *x = a, *y = b;
	enum top_sort sort = *(const enum top_sort *)data;
	uint64_t p = sort_key(x, sort), q = sort_key(y, sort);

	if (p != q)
		return p < q ? 1 : -1;
	return (x->p.pid > y->p.pid) - (x->p.pid < y->p.pid);
}

void top_facts_sort(struct top_facts *facts, enum top_sort sort)
{
	if (facts->process_count)
		qsort_r(facts->process, facts->process_count, sizeof(facts->process[0]),
			largest_first, &sort);
}
