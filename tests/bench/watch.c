/* SPDX-License-Identifier: MIT */
/*
 * watch: what the agent's own code costs to watch a large process, on tables in place of the kernel's answers:
 * passes and sweeps over 16 GiB of which a tenth is in use. The linker sends the calls of lib/agent here (--wrap).
 *
 *   watch DIR [GiB]     DIR: the folder of a job's record
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/move.h"

#define BASE 0x100000000000ul

static uint64_t chunks = 16ull << 9;

static double cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

int __wrap_gm_maps_read(struct gm_ranges *ranges);
int __wrap_gm_maps_read(struct gm_ranges *ranges)
{
	static struct gm_range all;

	all = (struct gm_range){ BASE, BASE + chunks * GPUMEM_CHUNK_BYTES };
	ranges->range = &all;
	ranges->count = 1;
	return 0;
}

int __wrap_gm_residency_present(int fd, const void *addr, size_t n, uint8_t *map);
int __wrap_gm_residency_present(int fd, const void *addr, size_t n, uint8_t *map)
{
	(void)fd;
	(void)addr;
	memset(map, GM_PAGE_HOST, n);
	return (int)n;
}

int __wrap_gm_residency_sort(const void *addr, size_t n, unsigned stride, uint8_t *map);
int __wrap_gm_residency_sort(const void *addr, size_t n, unsigned stride, uint8_t *map)
{
	(void)stride;
	/* Half of it is on the device. */
	memset(map, (uintptr_t)addr / GPUMEM_CHUNK_BYTES % 2 ? GM_PAGE_DEVICE : GM_PAGE_HOST, n);
	return 0;
}

enum gm_touched_way __wrap_gm_touched_probe(int fd);
enum gm_touched_way __wrap_gm_touched_probe(int fd)
{
	(void)fd;
	return GM_TOUCHED_SCAN;
}

int __wrap_gm_touched_clear(int fd);
int __wrap_gm_touched_clear(int fd)
{
	(void)fd;
	return 0;
}

int __wrap_gm_referenced_look(gm_referenced_fn *fn, void *data);
int __wrap_gm_referenced_look(gm_referenced_fn *fn, void *data)
{
	(void)fn;
	(void)data;
	return 0;
}

int __wrap_gm_touched_look(int fd, enum gm_touched_way way, uintptr_t start, uintptr_t end,
			   gm_touched_fn *fn, void *data);
int __wrap_gm_touched_look(int fd, enum gm_touched_way way, uintptr_t start, uintptr_t end,
			   gm_touched_fn *fn, void *data)
{
	(void)fd;
	(void)way;
	for (uint64_t n = start / GPUMEM_CHUNK_BYTES; n < end / GPUMEM_CHUNK_BYTES; n++)
		if (n % 10 == 0)
			fn(data, n, 1);
	return 0;
}

/* Something was written, mapped and given back, each time. */
static uint64_t signs;

uint64_t __wrap_gm_signs_faults(void);
uint64_t __wrap_gm_signs_faults(void)
{
	return signs += GM_SIGNS_FEW;
}

void __wrap_gm_signs_read(struct gm_signs *ret);
void __wrap_gm_signs_read(struct gm_signs *ret)
{
	ret->faults = ret->mapped = ret->own = signs += GM_SIGNS_FEW;
}

int main(int argc, char **argv)
{
	struct gpumem_error err = { 0 };
	static struct gm_proc p;
	double before, pass, sweep;
	const int rounds = 20;

	if (argc < 2)
		return 2;
	if (argc > 2)
		chunks = strtoul(argv[2], NULL, 10) << 9;
	if (gm_proc_attach(&p, argv[1], "v2,place=advise,step=0,task=0,dev=0:max", 0, &err) < 0) {
		fprintf(stderr, "watch: %s\n", err.text);
		return 1;
	}
	while (!gm_proc_scan(&p, UINT64_MAX, UINT64_MAX / 4))
		;
	before = cpu_ms();
	for (int i = 0; i < rounds; i++)
		while (!gm_proc_scan(&p, UINT64_MAX, UINT64_MAX / 4))
			;
	pass = (cpu_ms() - before) / rounds;
	before = cpu_ms();
	for (int i = 0; i < rounds; i++) {
		p.sweep.not_before_ns = 0;
		while (!gm_proc_sweep(&p, UINT64_MAX, 10))
			;
	}
	sweep = (cpu_ms() - before) / rounds;
	printf("pass_ms=%.2f sweep_ms=%.2f\n", pass, sweep);
	return 0;
}
