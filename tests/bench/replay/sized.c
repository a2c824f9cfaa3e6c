/* SPDX-License-Identifier: MIT */
/*
 * sized.c: chunks of two sizes. The engine counts chunks and knows no size; what fits, and what a
 * hit is worth, goes by bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "device.h"

#define PERCENT 156u
#define QUARTERS 4u /* in a whole chunk */
#define RANGE 16u /* neighbours have one size */
#define PAGES (512u / QUARTERS)

static const struct rule {
	const char *name;
	int order;
	bool told; /* its room is in chunks of the mean size, not in bytes by 2 MiB */
} rules[] = {
	{"duel", GPUMEM_EVICT_DUEL, false},
	{"duel/n", GPUMEM_EVICT_DUEL, true},
	{"g-heat", GPUMEM_EVICT_HEAT, false},
	{"g-lrf", GPUMEM_EVICT_LRF, false},
};
#define RULES (sizeof(rules) / sizeof(*rules))

static uint64_t sizes_make(const struct workload *w, uint64_t random, uint8_t *size)
{
	uint64_t sum = 0;

	for (uint32_t n = 0; n < w->chunks; n++) {
		if (n % RANGE == 0)
			size[n] = random_below(&random, 2) ? QUARTERS : 1;
		else
			size[n] = size[n - 1];
		sum += size[n];
	}
	return sum;
}

/* Belady's MIN when each quarter of a chunk may come and go by itself: no rule for whole chunks can
 * have more. */
static uint64_t bound(const struct workload *w, const uint8_t *size, uint32_t room)
{
	struct workload parts = {.chunks = w->chunks * QUARTERS};
	uint64_t hits;

	parts.access = must_alloc(w->count * QUARTERS, sizeof(*parts.access));
	for (size_t i = 0; i < w->count; i++)
		for (uint32_t k = 0; k < size[w->access[i]]; k++)
			parts.access[parts.count++] = w->access[i] * QUARTERS + k;
	hits = belady_hits(&parts, room);
	workload_free(&parts);
	return hits;
}

static void miss(struct device *d, uint32_t n, uint32_t size, uint32_t room, uint32_t *used)
{
	uint32_t out;

	gm_engine_faulted(&d->engine, d->id[n]);
	while (*used + size > room) {
		if (gm_engine_victims(&d->engine, 1, true, &out) == 0)
			return;
		*used -= gm_chunk_at(&d->chunks, out)->device_pages / PAGES;
		device_out(d, out);
	}
	device_in(d, d->id[n]);
	*used += size;
}

static uint64_t run(const struct rule *rule, const struct workload *w, const uint8_t *size,
		    uint32_t room, double mean, const struct further *f)
{
	struct product product = {rule->name, rule->order, MOVES_DEMAND, 0};
	uint64_t hits = 0;
	uint32_t used = 0;
	struct device d;

	device_begin(&d, &product, w->chunks, f->seed);
	device_set_room(&d, (uint32_t)(room / (rule->told ? mean : QUARTERS)));
	for (uint32_t n = 0; n < w->chunks; n++)
		device_chunk(&d, n)->host_pages = (uint16_t)(size[n] * PAGES);
	for (size_t i = 0; i < w->count; i++) {
		uint32_t n = w->access[i];

		d.bit[n] = 1;
		if (device_chunk(&d, n)->device_pages)
			hits += size[n];
		else
			miss(&d, n, size[n], room, &used);
		if ((i + 1) % f->scan_every == 0)
			device_scan(&d);
	}
	device_end(&d);
	return hits;
}

/* Returns what the default has. */
static double one_workload(const struct workload *w, double *sum, const struct further *f)
{
	uint8_t *size = must_alloc(w->chunks, 1);
	uint64_t all = sizes_make(w, f->seed, size);
	uint32_t room = (uint32_t)(all * 100 / PERCENT);
	double most = (double)bound(w, size, room) / 100, first = 0;
	double greedy = (double)belady_sized(w, size, room) / most;

	printf("%-8s%4u%9.1f", w->name, PERCENT, greedy);
	sum[RULES] += greedy;
	for (size_t i = 0; i < RULES; i++) {
		double mean = (double)all / w->chunks;
		double got = (double)run(&rules[i], w, size, room, mean, f) / most;

		printf("%9.1f", got);
		sum[i] += got;
		first = i ? first : got;
	}
	puts("");
	free(size);
	return first;
}

double sized_print(const struct further *f)
{
	double sum[RULES + 1] = {0}, lowest = 100;

	printf("%-12s%9s", "sizes", "greedy");
	for (size_t i = 0; i < RULES; i++)
		printf("%9s", rules[i].name);
	puts("");
	for (unsigned which = 0; which < WORKLOADS; which++) {
		struct workload w = workload_make(which, f->chunks, f->accesses, f->seed);
		double first = one_workload(&w, sum, f);

		lowest = first < lowest ? first : lowest;
		workload_free(&w);
	}
	printf("%-12s%9.1f", "of all", sum[RULES] / WORKLOADS);
	for (size_t i = 0; i < RULES; i++)
		printf("%9.1f", sum[i] / WORKLOADS);
	puts("\n");
	return lowest;
}
